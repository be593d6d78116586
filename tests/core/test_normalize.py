"Chapter one: statistics and normalization against NumPy in double precision, and fastai."

import os
import pathlib
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from learners import normalize_transform
from PIL import Image

from lesson7.data.loaders import get_dls
from lesson7.normalization_check import check_normalization
from lesson7.normalize import NormStats, batch_stats, dataset_stats, denormalize, normalize

IMAGENET = NormStats.imagenet()
OWN = NormStats((0.40, 0.37, 0.35), (0.21, 0.20, 0.19), "digits")
OTHER = NormStats((0.3, 0.3, 0.3), (0.3, 0.1, 0.2))


def random_images(seed=0, shape=(4, 3, 9, 7)):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def numpy_stats(x):
    "Return the mean and the standard deviation (n-1) over axes 0, 2 and 3 in float64."
    x = np.asarray(x, np.float64)
    return x.mean((0, 2, 3)), x.std((0, 2, 3), ddof=1)


# ---- Statistics

shapes = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(2, 9), st.integers(2, 9))
batch_sizes = st.lists(st.integers(1, 6), min_size=1, max_size=5)


@settings(deadline=None)
@given(st.integers(0, 999), shapes)
def test_batch_stats_agree_with_numpy(seed, shape):
    x = random_images(seed, shape)
    stats = batch_stats(x)
    mean, std = numpy_stats(x)
    assert np.allclose(stats.mean, mean, atol=1e-6)
    assert np.allclose(stats.std, std, atol=1e-6)
    assert stats.n == shape[0]


@settings(deadline=None)
@given(st.integers(0, 999), batch_sizes)
def test_dataset_stats_agree_with_numpy_for_any_batch_sizes(seed, sizes):
    x = random_images(seed, (sum(sizes), 3, 5, 4))
    stats = dataset_stats((batch, None) for batch in x.split(sizes))
    mean, std = numpy_stats(x)
    assert np.allclose(stats.mean, mean, atol=1e-9)
    assert np.allclose(stats.std, std, atol=1e-9)
    assert stats.n == sum(sizes)


def read_pixels(file):
    "Return the pixels of an image file, [H*W,3] in [0,1]."
    return np.asarray(Image.open(file).convert("RGB"), np.float64).reshape(-1, 3) / 255


def test_dataset_stats_of_files_agree_with_numpy_on_all_pixels(small):
    files = sorted((small / "train").rglob("*.jpg"))
    pixels = np.concatenate([read_pixels(file) for file in files])
    for source in (small / "train", str(small / "train"), files):
        stats = dataset_stats(source)
        assert np.allclose(stats.mean, pixels.mean(0), atol=1e-9)
        assert np.allclose(stats.std, pixels.std(0, ddof=1), atol=1e-9)
        assert stats.n == 60


def test_dataset_stats_of_a_loader_are_those_of_its_batches(small):
    valid = get_dls(7, 32, small).valid
    mean, _ = numpy_stats(torch.cat([x for x, _ in valid]))
    assert np.allclose(dataset_stats(valid).mean, mean, atol=1e-6)


class FloatImages(torch.utils.data.Dataset):
    "A dataset of float images with class numbers."

    def __init__(self, x):
        self.x = x

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], i % 2


FORMS = {
    "a batch": lambda x: x,
    "an array": lambda x: x.numpy(),
    "batches": lambda x: [x[:8], x[8:]],
    "a list": list,
    "a tuple": tuple,
    "a dict": lambda x: dict(enumerate(x)),
    "a generator": iter,
    "a list of arrays": lambda x: list(x.numpy()),
    "channels last": lambda x: [image.permute(1, 2, 0) for image in x],
    "float64": lambda x: list(x.double()),
    "images with labels": lambda x: [(image, 1) for image in x],
    "a dataset": FloatImages,
    "a loader": lambda x: torch.utils.data.DataLoader(FloatImages(x), 8),
}


@pytest.mark.parametrize("scale", [1, 0.01, 0.001])
@pytest.mark.parametrize("form", FORMS)
def test_dataset_stats_of_floats_are_not_rounded(form, scale):
    x = scale * random_images(shape=(20, 3, 16, 16))
    stats = dataset_stats(FORMS[form](x))
    mean, std = numpy_stats(x)
    np.testing.assert_allclose(stats.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(stats.std, std, rtol=1e-6)
    assert stats.n == 20


def test_dataset_stats_of_grey_floats_are_those_of_three_equal_channels():
    x = 0.01 * random_images(shape=(6, 1, 16, 16))
    mean, std = numpy_stats(x)
    for images in (list(x), list(x[:, 0])):
        stats = dataset_stats(images)
        np.testing.assert_allclose(stats.mean, [*mean] * 3, rtol=1e-6)
        np.testing.assert_allclose(stats.std, [*std] * 3, rtol=1e-2)  # n-1 of one channel


def test_dataset_stats_raise_on_normalized_images():
    with pytest.raises(ValueError, match=r"values of an image must be in \[0, 1\], got .*denorm"):
        dataset_stats(list(normalize(random_images(), OWN)))


def test_dataset_stats_raise_without_images(tmp_path):
    for source in (tmp_path, []):
        with pytest.raises(ValueError, match="number of images must be 1 or more, got 0"):
            dataset_stats(source)


def test_dataset_stats_name_a_damaged_file(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"\x89PNG")
    with pytest.raises(ValueError, match=r"bad\.png must be a readable image"):
        dataset_stats(tmp_path)


BYTES = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
NOT_A_NUMBER = torch.full((2, 3, 4, 4), float("nan"))
ONE_CONSTANT_CHANNEL = torch.cat([random_images()[:, :2], torch.ones(4, 1, 9, 7)], 1)


@pytest.mark.parametrize(
    "x, error, message",
    [
        (random_images()[0], ValueError, r"shape of a batch must be \[B,C,H,W\], got \[3, 9, 7\]"),
        (torch.zeros(0, 3, 4, 4), ValueError, "batch must be one image or more"),
        (BYTES, TypeError, "batch must be floats .*; use x.float"),
        (NOT_A_NUMBER, ValueError, "NaN"),
        (ONE_CONSTANT_CHANNEL, ValueError, "a channel of a single value"),
        (np.zeros((2, 3, 4, 4)), TypeError, "got a ndarray"),
    ],
    ids=["3 axes", "empty", "bytes", "nan", "constant channel", "array"],
)
def test_batch_stats_raise_on_invalid_images(x, error, message):
    with pytest.raises(error, match=message):
        batch_stats(x)


# ---- NormStats


@pytest.mark.parametrize(
    "mean, std, message",
    [
        ((0.5, 0.5, 0.5), (0.2, 0.2), r"number of mean and of std must be .*, got \(3, 2\)"),
        ((), (), r"got \(0, 0\)"),
        ((0.5,), (0.0,), "above 0"),
        ((0.5,), (-0.1,), "above 0"),
        ((float("nan"),), (0.2,), "finite"),
        ((0.5,), (float("inf"),), "finite"),
    ],
)
def test_norm_stats_raise_on_invalid_statistics(mean, std, message):
    with pytest.raises(ValueError, match=message):
        NormStats(mean, std)


def test_norm_stats_are_saved_and_loaded(tmp_path):
    assert NormStats.load(OWN.save(tmp_path / "stats.json")) == OWN
    assert [file.name for file in tmp_path.iterdir()] == ["stats.json"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("mean: 0.5", "must be a file that NormStats.save wrote, got no JSON"),
        ('{"mean": [0.5]}', "got no std"),
        ("[1, 2]", r"must be a file that NormStats.save wrote, got \[1, 2\]"),
        ('{"mean": [0.5], "std": [0]}', "above 0"),
        ('{"mean": 0.5, "std": 0.2}', r"got 0\.(5 for mean|2 for std)"),
    ],
)
def test_load_raises_on_a_file_without_statistics(text, message, tmp_path):
    file = tmp_path / "stats.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        NormStats.load(file)


def test_a_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError("disk full")

    file = tmp_path / "stats.json"
    OWN.save(file)
    monkeypatch.setattr(pathlib.Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        IMAGENET.save(file)
    assert NormStats.load(file) == OWN
    assert len(os.listdir(tmp_path)) == 1


def test_imagenet_statistics_are_fastais():
    from fastai.vision.all import imagenet_stats

    mean, std = imagenet_stats
    assert list(IMAGENET.mean) == list(mean) and list(IMAGENET.std) == list(std)


# ---- normalize and denormalize


def test_normalize_agrees_with_numpy_and_denormalize_inverts_it():
    x = random_images()
    mean = np.array(OWN.mean)[None, :, None, None]
    std = np.array(OWN.std)[None, :, None, None]
    normalized = normalize(x, OWN)
    assert np.allclose(normalized, (x.numpy().astype(float) - mean) / std, atol=1e-5)
    assert torch.allclose(denormalize(normalized, OWN), x, atol=1e-6)
    assert torch.equal(normalize(x[0], OWN), normalized[0])  # a single image


def test_normalize_agrees_with_fastai():
    from fastai.vision.all import Normalize, TensorImage

    transform = Normalize.from_stats(OWN.mean, OWN.std, cuda=False)
    expected = transform(TensorImage(random_images()))
    assert torch.allclose(expected, normalize(random_images(), OWN), atol=1e-6)


# ---- check_normalization


@pytest.fixture(scope="module", params=["plain", "augmented"])
def images(request, small):
    dls = get_dls(30, 48, small)
    dl = dls.valid if request.param == "plain" else dls.train
    return dl.one_batch()[0]


def unchanged(x):
    return x


def in_bytes(x):
    return (x * 255).to(torch.uint8)


def up_to_255(x):
    return x * 255


def normalized(stats):
    return lambda x: normalize(x, stats)


def normalized_twice(stats):
    return lambda x: normalize(normalize(x, stats), stats)


def other_scale(x):
    return x * 40 - 7


@pytest.mark.parametrize(
    "kind, is_ok, message, change",
    [
        ("unit", False, r"normalize\(x, stats\)", unchanged),
        ("bytes", False, r"x/255", up_to_255),
        ("bytes", False, r"x/255", in_bytes),
        ("own", True, "model's statistics .digits.", normalized(OWN)),
        ("imagenet", False, "ImageNet's statistics, not the model's", normalized(IMAGENET)),
        ("twice", False, "Remove one", normalized_twice(OWN)),
        ("twice", False, "Remove one", normalized_twice(IMAGENET)),
        ("unknown", False, "other statistics", other_scale),
    ],
)
def test_check_normalization_with_the_models_statistics(kind, is_ok, message, change, images):
    report = check_normalization(change(images), OWN)
    assert (report.kind, report.ok) == (kind, is_ok)
    assert re.search(message, str(report))


@pytest.mark.parametrize(
    "kind, is_ok, change",
    [
        ("unit", False, unchanged),
        ("imagenet", True, normalized(IMAGENET)),
        ("own", True, normalized(OTHER)),
        ("twice", False, normalized_twice(IMAGENET)),
    ],
)
def test_check_normalization_without_the_models_statistics(kind, is_ok, change, images):
    report = check_normalization(change(images))
    assert (report.kind, report.ok) == (kind, is_ok)


def normalize_bytes(x):
    return normalize(x / 255, OWN)


def remove_one_normalization(x):
    return denormalize(x, OWN)


def replace_imagenet_statistics(x):
    return normalize(denormalize(x, IMAGENET), OWN)


@pytest.mark.parametrize(
    "change, correction",
    [
        (unchanged, normalized(OWN)),
        (up_to_255, normalize_bytes),
        (normalized_twice(OWN), remove_one_normalization),
        (normalized(IMAGENET), replace_imagenet_statistics),
    ],
    ids=["unit", "bytes", "twice", "imagenet"],
)
def test_the_advice_of_check_normalization_works(change, correction, images):
    corrected = correction(change(images))
    assert check_normalization(corrected, OWN).kind == "own"


PIXELS = {  # name: the darkest and the brightest pixel
    "dark": (0, 0.35),
    "dim": (0, 0.4),
    "bright": (0.6, 1),
    "low contrast": (0.3, 0.7),
    "some contrast": (0.1, 0.9),
    "full contrast": (0, 1),
}
HALVES = NormStats((0.5,) * 3, (0.5,) * 3)
QUARTERS = NormStats((0.5,) * 3, (0.25,) * 3)


def made_images(name, depth):
    "Return 64 images of noise and the statistics of all, computed by NumPy."
    low, high = PIXELS[name]
    x = low + (high - low) * random_images(shape=(64, 3, 24, 24))
    if depth == "bytes":
        x = (255 * x).round() / 255
    return x, NormStats(*numpy_stats(x), name)


def kind_of(x, stats=None):
    report = check_normalization(x, stats)
    assert stats is None or report.ok == (report.kind == "own")
    return report.kind


@pytest.mark.parametrize("depth", ["bytes", "floats"])
@pytest.mark.parametrize("n", [1, 4, 16])
@pytest.mark.parametrize("name", PIXELS)
def test_check_normalization_of_images_of_any_contrast(name, n, depth):
    images, stats = made_images(name, depth)
    x = images[:n]
    alike = depth == "floats" and name == "some contrast" and n == 1  # as ImageNet's own
    assert kind_of(x, stats) == "unit"
    assert kind_of(255 * x, stats) == "bytes"
    assert kind_of(normalize(x, stats), stats) == ("unclear" if alike else "own")
    assert kind_of(normalize(x, IMAGENET), stats) == ("unclear" if alike else "imagenet")
    assert kind_of(normalize(normalize(x, stats), stats), stats) == "twice"
    assert kind_of(normalize(x, stats)) == "own"


@pytest.mark.parametrize("others", [HALVES, QUARTERS, OWN], ids=["halves", "quarters", "other"])
@pytest.mark.parametrize("n", [1, 4, 16])
@pytest.mark.parametrize("name", [name for name in PIXELS if name != "bright"])
def test_bytes_normalized_with_other_statistics_are_unknown(name, n, others):
    images, stats = made_images(name, "bytes")
    assert kind_of(normalize(images[:n], others), stats) == "unknown"


def test_photos_in_half_precision_are_normalized_as_in_single():
    images, stats = made_images("dark", "bytes")
    for dtype in (torch.float16, torch.bfloat16):
        assert kind_of(normalize(images[:16], stats).to(dtype), stats) == "own"
        assert kind_of(normalize(images[:16], IMAGENET).to(dtype), stats) == "imagenet"


# ---- Claims of the chapter about fastai


def test_fastais_normalize_without_arguments_reads_one_augmented_batch(small):
    transform = normalize_transform(get_dls(16, 48, small, "batch"))
    expected = dataset_stats(small / "train").mean
    assert not np.allclose(transform.mean.flatten(), expected, atol=1e-3)


@pytest.fixture
def untrained_resnet():
    "An architecture that `vision_learner` knows, with no weights to download."
    from fastai.vision.all import resnet18
    from fastai.vision.learner import model_meta

    def untrained_resnet18(weights=None):
        return resnet18()

    model_meta[untrained_resnet18] = model_meta[resnet18]
    yield untrained_resnet18
    del model_meta[untrained_resnet18]


def count_normalize(dls):
    return sum(type(transform).__name__ == "Normalize" for transform in dls.after_batch.fs)


def test_vision_learner_adds_imagenet_statistics(small, untrained_resnet):
    from fastai.vision.all import vision_learner

    dls = get_dls(8, 32, small)
    vision_learner(dls, untrained_resnet)
    assert count_normalize(dls) == 1
    assert np.allclose(normalize_transform(dls).mean.flatten().cpu(), IMAGENET.mean)


def test_vision_learner_keeps_other_statistics(small, untrained_resnet):
    from fastai.vision.all import vision_learner

    dls = get_dls(8, 32, small, OWN)
    vision_learner(dls, untrained_resnet)
    assert count_normalize(dls) == 1
    assert np.allclose(normalize_transform(dls).mean.flatten().cpu(), OWN.mean)


def test_learner_adds_no_normalize(small):
    from fastai.vision.all import Learner, resnet18

    dls = get_dls(8, 32, small)
    Learner(dls, resnet18(num_classes=dls.c))
    assert count_normalize(dls) == 0


@pytest.mark.parametrize("shape", [(2, 1, 4, 4), (1, 4, 4), (3, 4)])
@pytest.mark.parametrize("function", [normalize, denormalize])
def test_images_with_other_channels_than_the_statistics_are_rejected(function, shape):
    with pytest.raises(ValueError, match=r"^shape of x must be \[...,3,H,W\] for statistics of 3"):
        function(torch.rand(shape), "imagenet")
