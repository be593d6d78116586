"""Arguments that gave a silent wrong number or a raw error: the right value, or one line.

Right values are NumPy's in float64, and labels that are known from the folder that a test makes.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from learners import tiny_network
from PIL import Image

from lesson7.data.loaders import folder_label, get_dls, mislabel
from lesson7.data.samples import photos
from lesson7.explorers.mixup import MixupExplorer
from lesson7.explorers.normalize import NormalizeExplorer
from lesson7.mixup import mix, mix_batch
from lesson7.normalize import NormStats, batch_stats, normalize
from lesson7.resize import downsize, relative_cost
from lesson7.smoothing import ece
from lesson7.training.config import Recipe
from lesson7.training.loop import evaluate
from lesson7.tta import combine

# ---- Labels of files


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    "A dataset whose classes, 0 and 1, have a folder for each camera, 1 and 2021."
    root = tmp_path_factory.mktemp("deep")
    for split in ("train", "val"):
        for i in range(8):
            file = root / split / str(i % 2) / ("1", "2021")[i // 2 % 2] / f"{i}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(i).integers(0, 255, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(file)
    return root


def labels_of(dls, files):
    loader = dls.test_dl(files, with_labels=True)
    return [dls.vocab[int(label)] for _, label in loader.dataset]


SPELLINGS = {
    "paths": lambda file: file,
    "strings": str,
    "relative": lambda file: Path(os.path.relpath(file)),
    "relative strings": os.path.relpath,
    "with dots": lambda file: file.parent / ".." / file.parent.name / file.name,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_file_has_its_label_however_its_path_is_written(deep, spelling, monkeypatch):
    monkeypatch.chdir(deep)
    dls = get_dls(2, 16, deep)
    files = list(dls.valid_ds.items)
    expected = [file.relative_to(deep).parts[1] for file in files]
    assert labels_of(dls, [SPELLINGS[spelling](file) for file in files]) == expected


@pytest.mark.parametrize("path", ["relative", "absolute"])
def test_a_listing_by_a_relative_path_has_the_same_labels(deep, path, monkeypatch):
    monkeypatch.chdir(deep.parent)
    dls = get_dls(2, 16, deep if path == "absolute" else deep.name)
    files = sorted((deep / "val").rglob("*.png"))
    assert labels_of(dls, files) == [file.relative_to(deep).parts[1] for file in files]


def test_wrong_labels_stay_for_files(deep):
    dls = get_dls(2, 16, deep)
    mislabel(dls, 1.0, 3)
    right = [file.relative_to(deep).parts[1] for file in dls.train_ds.items]
    wrong = [dls.vocab[int(label)] for _, label in dls.train_ds]
    assert [{"0": "1", "1": "0"}[label] for label in right] == wrong


@pytest.mark.parametrize(
    "file, label",
    [
        ("cats/1.png", "cats"),
        ("val/cats/1.png", "cats"),
        ("val/cats/2021/1.png", "cats"),
        ("TRAIN/cats/a/b/1.png", "cats"),
        ("data/valid/train/1.png", "train"),
        ("test/1.png", "test"),
    ],
)
def test_the_class_in_a_path(file, label, tmp_path):
    assert folder_label(tmp_path / file) == folder_label(str(tmp_path / file)) == label


# ---- Sizes


@pytest.mark.parametrize("name, least", [("bs", 1), ("size", 2)])
@pytest.mark.parametrize("value", [0, -1, None, 32.0, (32, 48), "32", True], ids=repr)
def test_get_dls_takes_whole_numbers(deep, name, least, value):
    values = dict(bs=2, size=16) | {name: value}
    with pytest.raises(ValueError, match=f"^{name} must be a whole number, {least} or more, got "):
        get_dls(path=deep, **values)


@pytest.mark.parametrize("size", [0, -1, 2.5, None])
def test_downsize_takes_a_whole_size(size):
    with pytest.raises(ValueError, match="^size must be a whole number, 1 or more, got "):
        downsize(torch.rand(1, 4, 4), size)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool])
def test_downsize_takes_floats(dtype):
    with pytest.raises(ValueError, match="^x must be floats, got torch"):
        downsize(torch.ones(1, 4, 4, dtype=dtype), 2)


# ---- Statistics


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_batch_stats_are_computed_exactly(dtype):
    x = torch.rand(16, 3, 64, 64, generator=torch.Generator().manual_seed(0)).to(dtype)
    exact = x.double().numpy()
    stats = batch_stats(x)
    assert np.allclose(stats.mean, exact.mean((0, 2, 3)), atol=1e-6)
    assert np.allclose(stats.std, exact.std((0, 2, 3), ddof=1), atol=1e-5)


@pytest.mark.parametrize(
    "mean, std",
    [(0.5, 0.1), (("a",), (1,)), ((None,), (1,)), (((0.5,),), (1,)), ((0.5,), None)],
)
def test_statistics_are_numbers(mean, std):
    with pytest.raises(ValueError, match="^(mean|std) must be a number for each channel, got "):
        NormStats(mean, std)


BYTES = NormStats((124, 116, 104), (58, 57, 57))


def test_statistics_of_bytes_are_for_bytes():
    x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match=r"^mean of stats must be in \[0, 1\], as the images"):
        normalize(x, BYTES)
    mean, std = (np.array(v)[:, None, None] for v in (BYTES.mean, BYTES.std))
    expected = (255 * x.double().numpy() - mean) / std
    assert np.abs(normalize(255 * x, BYTES).numpy() - expected).max() < 1e-4


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("stats", ["imagenet", ((0.5,) * 3, (0.5,) * 3)], ids=str)
def test_bytes_need_statistics_of_bytes(stats, dtype):
    x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    x[0, 0, 0, 0] = 1
    message = r"^values of x must be in \[0, 1\], as the statistics are, got up to 255; use x / 255"
    with pytest.raises(ValueError, match=message):
        normalize((255 * x).to(dtype), stats)
    normalize(normalize(x, stats), stats)  # twice, which is no error


@pytest.mark.parametrize(
    "stats, message",
    [
        (
            NormStats((0.5,) * 3, (58, 57, 57)),
            r"std of stats must be in \(0, 1\], since the images",
        ),
        (BYTES, r"mean of stats must be in \[0, 1\], as the images are, got \(124.0"),
        (NormStats((0.5,), (0.2,)), "number of channels of stats must be 3, got 1"),
        (NormStats((0.5,) * 4, (0.2,) * 4), "number of channels of stats must be 3, got 4"),
        (NormStats((-0.5, 0, 0), (1, 1, 1)), r"mean of stats must be in \[0, 1\]"),
    ],
)
def test_the_explorer_takes_statistics_of_rgb_images(stats, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        NormalizeExplorer(stats=stats)


# ---- Photos


def test_drawing_on_a_photo_changes_it_for_nobody_else():
    before = np.asarray(photos("chelsea")["chelsea"]).copy()
    photo = photos("chelsea")["chelsea"]
    photo.paste((0, 0, 0), (0, 0, *photo.size))
    photo.info["credit"] = "nobody"
    again = photos("chelsea")["chelsea"]
    assert np.array_equal(np.asarray(again), before) and again.info["credit"] != "nobody"


# ---- Labels and weights of any kind

PROBS = torch.tensor([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
ROWS = np.eye(3)[[2, 0]]  # both are right
RIGHT_ECE = 0.45  # the mean of 1 - 0.5 and 1 - 0.6

LABELS = {
    "float rows": ROWS,
    "uint8 rows": ROWS.astype(np.uint8),
    "uint16 rows": ROWS.astype(np.uint16),
    "uint64 rows": ROWS.astype(np.uint64),
    "bool rows": ROWS.astype(bool),
    "torch uint16": torch.tensor([2, 0]).to(torch.uint16),
    "big-endian": np.array([2, 0], dtype=">i4"),
    "objects": np.array([2, 0], dtype=object),
    "a list": [2, 0],
    "a tuple": (2, 0),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_type_have_one_meaning(kind):
    assert ece(PROBS, LABELS[kind]) == pytest.approx(RIGHT_ECE, abs=1e-6)


@pytest.mark.parametrize("labels", [[[2], [0, 1]], ["a", "b"], [None, 1], {"a": 1}], ids=str)
def test_labels_that_are_no_numbers_are_an_error(labels):
    with pytest.raises((TypeError, ValueError), match="^y must be class numbers or rows of num"):
        mix_batch(torch.rand(2, 4), labels, 0.3, [1, 0], 3)


WEIGHTS = {
    "a tuple": (0.25, 0.75),
    "an array": np.array([0.25, 0.75]),
    "booleans": torch.tensor([True, False]),
    "whole numbers": [1, 0],
}


@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights_of_any_type(kind):
    a, b = torch.rand(2, 3, generator=torch.Generator().manual_seed(0)), torch.ones(2, 3)
    t = np.asarray(WEIGHTS[kind], float)[:, None]
    expected = t * a.numpy() + (1 - t) * b.numpy()
    assert np.abs(mix(a, b, WEIGHTS[kind]).numpy() - expected).max() < 1e-6


def test_an_empty_batch_is_mixed():
    x, y = mix_batch(torch.rand(0, 3), [], torch.rand(0), [], 3)
    assert x.shape == (0, 3) and y.shape == (0, 3)


@pytest.mark.parametrize("preds", [torch.ones(3, 2, 4).long(), [torch.rand(2, 4)] * 2, None])
def test_combine_takes_floats(preds):
    with pytest.raises(ValueError, match="^preds must be a tensor of floats, got "):
        combine(preds)


def test_no_stages_cost_nothing_that_can_be_said():
    with pytest.raises(ValueError, match="^number of stages must be 1 or more, got 0$"):
        relative_cost([])
    for stages in (5, None):
        with pytest.raises(TypeError, match="^stages must be a list of Stage, got a "):
            relative_cost(stages)
    stages = [(32, 8, 2, 0.1), (64, 8, 3, 0.1)]  # 2 epochs and 3 + 1
    each, total = relative_cost(stage for stage in stages)
    assert each.tolist() == [0.25, 1] and total == (2 * 0.25 + 4) / 6


# ---- Loaders and learners of other kinds


def other_loaders(path, block, get_y):
    "Return loaders of images with targets that are not one class an image, or not of `get_dls`."
    from fastai.vision.all import DataBlock, ImageBlock, RandomSplitter, Resize, get_image_files

    return DataBlock(
        blocks=(ImageBlock, block()),
        get_items=get_image_files,
        get_y=get_y,
        splitter=RandomSplitter(0.5, seed=1),
        item_tfms=Resize(32),
    ).dataloaders(path, bs=4, num_workers=0)


def multi_label_loaders(path):
    from fastai.vision.all import MultiCategoryBlock

    return other_loaders(path, MultiCategoryBlock, lambda file: [file.parent.name, "a digit"])


def number_loaders(path):
    from fastai.vision.all import RegressionBlock

    return other_loaders(path, RegressionBlock, lambda file: float(len(file.name)))


def block_loaders(path):
    from fastai.vision.all import CategoryBlock

    return other_loaders(path, CategoryBlock, lambda file: file.parent.name)


def folder_loaders(path):
    from fastai.vision.all import ImageDataLoaders, Resize

    return ImageDataLoaders.from_folder(path, valid_pct=0.5, item_tfms=Resize(32), bs=4)


OTHER_LOADERS = [multi_label_loaders, number_loaders, block_loaders, folder_loaders]


@pytest.mark.parametrize(
    "make", [*OTHER_LOADERS, lambda path: get_dls(4, 32, path).train, lambda path: None]
)
def test_mislabel_rejects_loaders_that_are_not_of_get_dls(make, small):
    dls = make(small)
    targets = dls.train_ds.tls[1] if hasattr(dls, "train_ds") else None
    before = targets and list(targets.items)
    with pytest.raises(ValueError, match="^dls must be DataLoaders that get_dls made, got a "):
        mislabel(dls, 0.5, 1)
    assert not targets or list(targets.items) == before


@pytest.mark.parametrize("tta", [0, 2])
@pytest.mark.parametrize("make", [multi_label_loaders, number_loaders])
def test_evaluate_rejects_a_learner_that_is_no_classifier_with_one_class(make, tta, small):
    from fastai.vision.all import BCEWithLogitsLossFlat, Learner, MSELossFlat

    dls = make(small)
    loss = MSELossFlat() if make is number_loaders else BCEWithLogitsLossFlat()
    learn = Learner(dls, tiny_network(11), loss_func=loss)
    message = "^learn must be a classifier with one class an image "
    for use in (
        lambda: evaluate(learn, Recipe(tta=tta)),
        lambda: NormalizeExplorer(dls, learn=learn),
    ):
        with pytest.raises(ValueError, match=message):
            use()


def test_an_explorer_of_mixup_needs_one_class_an_image(small):
    dls = multi_label_loaders(small)
    message = "^labels of the loaders must be of one class an image, got several; give labels=$"
    for images in (dls, dls.train, dls.valid):
        with pytest.raises(ValueError, match=message):
            MixupExplorer(images)
    labels = ["a", "b", *["a"] * (len(dls.valid_ds) - 2)]
    assert MixupExplorer(dls, labels=labels).vocab == ["a", "b"]
