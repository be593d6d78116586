"""A saved model predicts as the learner did, for images of any size, and the check is made first.

The right values are the predictions of the learner itself, for the same files.
"""

import json

import numpy as np
import pytest
import torch
from fastai.vision import all as v
from learners import tiny_network
from PIL import ExifTags, Image, ImageOps

from lesson7 import models, open_image, share
from lesson7.cli import main
from lesson7.data.loaders import get_dls
from lesson7.models import architecture
from lesson7.share import check_saveable, load_model, save_model

STATS = (0.4, 0.37, 0.35), (0.21, 0.2, 0.19)


@pytest.fixture(autouse=True)
def tiny_architecture(monkeypatch):
    "Use an architecture that is built and run in milliseconds; to build all others takes minutes."
    for module in (models, share):
        monkeypatch.setattr(module, "architectures", lambda: {"tiny": tiny_network})


def write_image(file, width, height, seed=0):
    "Write an image with structure and noise."
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    waves = np.stack([np.sin(x / 5), np.cos(y / 9), np.sin((x - y) / 7)], -1)
    pixels = np.clip(127 + 90 * waves + rng.normal(0, 25, (height, width, 3)), 0, 255)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(file)


def write_dataset(path, sizes, suffix="png", per_class=2):
    "Write images of these sizes to train/ and val/, as many of each size in both of two classes."
    for split in ("train", "val"):
        for name in ("a", "b"):
            for i in range(per_class * len(sizes)):
                width, height = sizes[i % len(sizes)]
                file = path / split / name / f"{i}.{suffix}"
                write_image(file, width, height, seed=i + 10 * (name == "b"))
    return path


def make_learner(dls, loss=None):
    from fastai.vision.all import CrossEntropyLossFlat, Learner

    model = architecture("tiny")(n_out=dls.c)
    learn = Learner(dls, model, loss_func=loss or CrossEntropyLossFlat())
    learn.remove_cb(learn.progress)
    return learn


def predict(learn, items):
    with learn.no_bar():
        return learn.get_preds(dl=learn.dls.test_dl(items, num_workers=0))[0]


def check_saved(learn, path, others=()):
    "Assert that a saved learner predicts the same for its dataset and for other files."
    loaded = load_model(save_model(learn, path))
    files = [*learn.dls.train_ds.items, *learn.dls.valid_ds.items, *others]
    assert torch.allclose(predict(loaded, files), predict(learn, files), atol=1e-6)
    return loaded


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("kept"), [(32, 32)], per_class=4)


# ---- Sizes

SIDES = [1, 2, 8, 32, 44, 64, 95, 96, 97, 110, 150, 161]


@pytest.mark.parametrize("side", SIDES)
def test_images_with_any_short_side(side, tmp_path):
    data = write_dataset(tmp_path / "data", [(side, side), (side + side // 3, side)], per_class=1)
    learn = make_learner(get_dls(4, 16, data, STATS))
    check_saved(learn, tmp_path / "model")


@pytest.mark.parametrize(
    "sizes",
    [[(32, 32), (400, 300)], [(400, 300), (32, 32)], [(90, 700), (64, 64)], [(3, 200), (200, 3)]],
    ids=["small first", "large first", "tall first", "strips"],
)
def test_datasets_of_several_sizes(sizes, tmp_path):
    data = write_dataset(tmp_path / "data", sizes, per_class=1)
    learn = make_learner(get_dls(4, 32, data, STATS))
    check_saved(learn, tmp_path / "model")


@pytest.mark.parametrize("shape", [(700, 500), (501, 1200), (33, 900), (20, 20), (1, 1)])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_files_of_other_sizes_than_the_datasets(shape, suffix, data, tmp_path):
    "A file that is larger than needed is shrunk when it is opened, before and after saving."
    write_image(tmp_path / f"other.{suffix}", *shape)
    learn = make_learner(get_dls(4, 24, data))
    check_saved(learn, tmp_path / "model", [tmp_path / f"other.{suffix}"])


def lessons_loaders(data, presize):
    "Return the lesson's own loaders, which open files at their full size."
    from fastai.vision.all import (
        CategoryBlock,
        DataBlock,
        GrandparentSplitter,
        ImageBlock,
        Normalize,
        Resize,
        aug_transforms,
        get_image_files,
        parent_label,
    )

    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_items=get_image_files,
        get_y=parent_label,
        splitter=GrandparentSplitter(valid_name="val"),
        item_tfms=Resize(presize),
        batch_tfms=[*aug_transforms(size=24, min_scale=0.75), Normalize.from_stats(*STATS)],
    )
    return block.dataloaders(data, bs=4, num_workers=0)


@pytest.mark.parametrize("presize, suffix", [(48, "jpg"), (96, "png"), (460, "jpg")])
def test_the_lessons_loaders_with_images_larger_than_their_resize(presize, suffix, tmp_path):
    data = write_dataset(tmp_path / "data", [(600, 480)], suffix, per_class=1)
    learn = make_learner(lessons_loaders(data, presize))
    loaded = check_saved(learn, tmp_path / "model")
    again = check_saved(loaded, tmp_path / "again", sorted(data.glob("*/*/*")))
    assert json.loads((tmp_path / "again" / "model.json").read_text())["opening"] == "stored"
    assert len(again.dls.valid_ds) == 0


@pytest.mark.parametrize("form", ["str", "image"])
def test_items_in_another_form(form, tmp_path):
    "A string is a file, as a Path is; an open image is not shrunk first."
    from fastai.vision.core import PILImage

    data = write_dataset(tmp_path / "data", [(400, 300)], per_class=1)
    learn = make_learner(get_dls(4, 24, data))
    loaded = load_model(save_model(learn, tmp_path / "model"))
    files = list(learn.dls.valid_ds.items)
    if form == "str":
        expected = predict(learn, files)
        assert torch.allclose(predict(loaded, list(map(str, files))), expected, atol=1e-6)
    else:
        images = [PILImage.create(file) for file in files]
        assert torch.allclose(predict(loaded, images), predict(learn, images), atol=1e-6)


def test_loaders_without_files_are_checked_too(tmp_path):
    from fastai.vision.all import (
        CategoryBlock,
        DataBlock,
        ImageBlock,
        IndexSplitter,
        Resize,
        aug_transforms,
    )

    write_image(tmp_path / "a.png", 90, 70)
    images = [Image.open(tmp_path / "a.png").convert("RGB")] * 4
    block = DataBlock(
        (ImageBlock, CategoryBlock(vocab=["x", "y"])),
        get_y=lambda image: "x",
        splitter=IndexSplitter([0, 1]),
        item_tfms=Resize(60),
        batch_tfms=aug_transforms(size=24),
    )
    learn = make_learner(block.dataloaders(images, bs=2, num_workers=0))
    loaded = load_model(save_model(learn, tmp_path / "model"))
    expected = predict(learn, images[:1])
    assert torch.allclose(predict(loaded, [tmp_path / "a.png"]), expected, atol=1e-6)


# ---- What cannot be kept


def squish(learn):
    for transform in learn.dls.valid.after_item.fs:
        if type(transform).__name__ == "Resize":
            transform.method = "squish"


def other_presize(learn):
    for transform in learn.dls.valid.after_item.fs:
        if type(transform).__name__ == "Resize":
            learn.dls.valid.after_item.add(type(transform)(20))


def other_activation(learn):
    learn.model[2] = torch.nn.GELU()


def brightened(x):
    is_dark = x.mean((1, 2, 3), keepdim=True) < 0.3
    return torch.where(is_dark, (1.8 * x).clamp(max=1), x)


def stretched(x):
    low, high = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)
    return (x - low) / (high - low)


def centred(x):
    return x - x.mean((2, 3), keepdim=True)


def darkened(x):
    return torch.where(x.mean((1, 2, 3), keepdim=True) > 0.7, 0.5 * x, x)


def with_batch_transform(function):
    "Return a change of a learner: a transform that depends on the brightness of the image."
    from fastai.vision.all import TensorImage, Transform

    class Change(Transform):
        order = 98

        def encodes(self, x: TensorImage):
            return function(x)

    return lambda learn: learn.dls.add_tfms([Change()], "after_batch")


def not_a_number(learn):
    with torch.no_grad():
        next(learn.model.parameters())[0] = float("nan")


def infinite(learn):
    with torch.no_grad():
        learn.model[-1].bias[1] = float("inf")


def same_names(learn):
    for transform in learn.dls.valid_ds.tls[1].tfms.fs:
        if hasattr(transform, "vocab"):
            transform.vocab.items = ["1", 1]


OTHER = "learn must be a learner that predicts the same .*, got different predictions"
CROP = f"{OTHER}; use fastai's Resize with a crop, as a loaded model opens files$"


@pytest.mark.parametrize(
    "change, message",
    [
        (squish, CROP),
        (other_presize, f"{OTHER}$"),
        (other_activation, f"{OTHER}$"),
        (with_batch_transform(brightened), OTHER),
        (with_batch_transform(stretched), OTHER),
        (with_batch_transform(centred), OTHER),
        (with_batch_transform(darkened), OTHER),
        (not_a_number, "weights must be finite, got NaN or infinity in 0.weight"),
        (infinite, "weights must be finite, got NaN or infinity in .*bias"),
        (
            same_names,
            r"model of learn must be one that .* gives outputs \[N,1\], got Tensor \[10, 2\]",
        ),
    ],
)
def test_what_cannot_be_kept_is_found_before_and_after_training(data, change, message, tmp_path):
    learn = make_learner(get_dls(4, 24, data))
    check_saveable(learn)
    change(learn)
    for save in (check_saveable, lambda learn: save_model(learn, tmp_path / "m")):
        with pytest.raises(ValueError, match=message) as e:
            save(learn)
        assert "\n" not in str(e.value)
    assert not (tmp_path / "m").exists()


def learner_of(kind, data):
    "Return a learner that no saved model can be."
    blocks = {
        "regression": (v.ImageBlock, v.RegressionBlock),
        "points": (v.ImageBlock, v.PointBlock),
        "two targets": (v.ImageBlock, v.CategoryBlock, v.CategoryBlock),
        "one channel": (v.ImageBlock(v.PILImageBW), v.CategoryBlock),
    }[kind]
    get_y = {
        "regression": lambda file: 1.5,
        "points": lambda file: [[3.0, 4.0]],
        "two targets": [v.parent_label, v.parent_label],
        "one channel": v.parent_label,
    }[kind]
    block = v.DataBlock(
        blocks,
        n_inp=1,
        get_items=v.get_image_files,
        get_y=get_y,
        splitter=v.GrandparentSplitter(valid_name="val"),
        item_tfms=v.Resize(32),
        batch_tfms=v.aug_transforms(size=24),
    )
    dls = block.dataloaders(data, bs=4, num_workers=0)
    model = tiny_network(2)
    if kind == "one channel":
        model[0] = torch.nn.Conv2d(1, 8, 3, 2)
    loss = v.CrossEntropyLossFlat() if kind == "two targets" else None
    return v.Learner(dls, model, loss_func=loss)


KINDS = ["regression", "points", "two targets", "one channel"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_learner_that_is_no_classifier_of_rgb_images(kind, data, tmp_path):
    learn = learner_of(kind, data)
    for keep in (check_saveable, lambda learn: save_model(learn, tmp_path / "m")):
        with pytest.raises(ValueError, match="learn must be a classifier") as e:
            keep(learn)
        assert "\n" not in str(e.value)
    assert list(tmp_path.iterdir()) == []


# ---- How files are opened


def write_turned_and_transparent(folder):
    "Write photos of each EXIF orientation, and images with transparency; return their paths."
    rng = np.random.default_rng(5)
    files = [folder / f"{orientation}.jpg" for orientation in range(1, 9)]
    for orientation, file in enumerate(files, 1):
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        pixels = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file, exif=exif)
    for mode, channels in (("RGBA", 4), ("LA", 2)):
        pixels = rng.integers(0, 256, (40, 60, channels), dtype=np.uint8)
        files.append(folder / f"{mode}.png")
        Image.fromarray(pixels, mode).save(files[-1])
    return files


def open_upright(file):
    return v.PILImage.create(open_image(file))


def loaders_with(get_x):
    def make(data):
        block = v.DataBlock(
            (v.ImageBlock, v.CategoryBlock),
            get_items=v.get_image_files,
            get_x=get_x,
            get_y=v.parent_label,
            splitter=v.GrandparentSplitter(valid_name="val"),
            item_tfms=v.Resize(32),
        )
        return block.dataloaders(data, bs=4, num_workers=0)

    return make


OPENINGS = {
    "presized": lambda data: get_dls(4, 32, data),
    "stored": loaders_with(None),
    "upright": loaders_with(open_upright),
}


@pytest.mark.parametrize("opening", OPENINGS)
def test_turned_and_transparent_images_are_opened_as_before_saving(opening, data, tmp_path):
    learn = make_learner(OPENINGS[opening](data))
    loaded = check_saved(learn, tmp_path / "model", write_turned_and_transparent(tmp_path))
    about = json.loads((tmp_path / "model" / "model.json").read_text())
    assert about["opening"] == opening
    check_saved(loaded, tmp_path / "again", write_turned_and_transparent(tmp_path))


def test_an_opening_that_cannot_be_kept_is_rejected(data, tmp_path):
    def open_mirrored(file):
        return ImageOps.mirror(open_upright(file))

    learn = make_learner(loaders_with(open_mirrored)(data))
    with pytest.raises(ValueError, match=OTHER):
        save_model(learn, tmp_path / "model")


@pytest.mark.parametrize("content", [b"", b"no image"])
def test_an_unreadable_file_has_its_name_in_the_error_of_each_opening(content, data, tmp_path):
    file = tmp_path / "broken.jpg"
    file.write_bytes(content)
    for opening, make in OPENINGS.items():
        loaded = load_model(save_model(make_learner(make(data)), tmp_path / opening))
        with pytest.raises(ValueError, match=r"broken\.jpg must be a readable image"):
            predict(loaded, [file])


# ---- Several classes an image


def test_a_model_of_several_classes_keeps_sigmoid_and_threshold(data, tmp_path):
    block = v.DataBlock(
        (v.ImageBlock, v.MultiCategoryBlock),
        get_items=v.get_image_files,
        get_y=lambda file: [file.parent.name],
        splitter=v.GrandparentSplitter(valid_name="val"),
        item_tfms=v.Resize(32),
    )
    learn = make_learner(block.dataloaders(data, bs=4, num_workers=0))
    learn.loss_func = v.BCEWithLogitsLossFlat(thresh=0.3)
    loaded = check_saved(learn, tmp_path / "model")
    files = list(learn.dls.valid_ds.items)
    images = learn.dls.test_dl(files, num_workers=0).one_batch()[0].as_subclass(torch.Tensor)
    with torch.no_grad():
        expected = learn.model.eval()(images).sigmoid()
    assert torch.allclose(expected, predict(loaded, files)[: len(images)], atol=1e-6)
    assert loaded.loss_func.thresh == 0.3
    with pytest.raises(
        ValueError, match="with_labels must be False for a model of several classes"
    ):
        loaded.dls.test_dl(files, with_labels=True).one_batch()


# ---- lesson7 train


@pytest.mark.parametrize("side", [32, 96])
def test_train_keeps_a_model_of_small_images(side, tmp_path, capsys):
    data = write_dataset(tmp_path / "data", [(side, side)], per_class=8)
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(dict(size=16, bs=8, epochs=1, arch="tiny")))
    out = tmp_path / "model"
    assert main(["train", "--recipe", str(recipe), "--path", str(data), "--out", str(out)]) == 0
    files = sorted(map(str, data.glob("val/*/*")))
    assert main(["predict", str(out), *files]) == 0
    assert len(capsys.readouterr().out.splitlines()[-len(files) :]) == len(files)


def test_train_finds_a_model_that_cannot_be_saved_before_it_trains(data, tmp_path, monkeypatch):
    trained = []
    monkeypatch.setattr("lesson7.training.loop.train", lambda *args, **kw: trained.append(args))

    def refuse(learn):
        assert type(learn.model[-1]).__name__ == "Linear" and not trained
        raise ValueError("this model cannot be saved")

    monkeypatch.setattr("lesson7.share.check_saveable", refuse)
    args = ["train", "--preset", "cpu", "--path", str(data), "--out", str(tmp_path / "m")]
    assert main(args) == 2
    assert not trained and not (tmp_path / "m").exists()
