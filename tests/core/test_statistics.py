"Statistics on the right scale, of the right pixels and of the files that are there now."

import os
import shutil
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lesson7.data.files import Presized, open_image
from lesson7.data.folders import dataset_files
from lesson7.data.images import as_array, as_image, squares
from lesson7.data.loaders import blank_dls, get_dls, image_input
from lesson7.normalize import NormStats, batch_stats, dataset_stats, denormalize, normalize
from lesson7.training import loop
from lesson7.training.config import Recipe
from lesson7.training.loop import train

IMAGENET_MEAN = [0.485, 0.456, 0.406]
IMAGENET_STD = [0.229, 0.224, 0.225]
HALF = [0.5] * 3, [0.25] * 3


def random_image(seed, size=(6, 5), low=0, high=256):
    "Return an RGB image of random bytes from `low` to below `high`."
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(low, high, (size[1], size[0], 3), np.uint8))


def make_dataset(root, low=0, high=256, kind="png"):
    "Write two images of each of two classes to each split; return the dataset's folder."
    for split in ("train", "val"):
        for name in ("cats", "dogs"):
            (root / split / name).mkdir(parents=True, exist_ok=True)
            for i in range(2):
                path = f"{split}/{name}/{i}.{kind}"
                random_image(zlib.crc32(path.encode()), low=low, high=high).save(root / path)
    return root


@pytest.fixture
def data(tmp_path):
    return make_dataset(tmp_path / "data")


def train_pixels(root):
    "Return all training pixels [N,3] in float64, in [0,1]."
    files = sorted((root / "train").rglob("*.*"))
    return (
        np.concatenate([np.asarray(Image.open(f), np.float64).reshape(-1, 3) for f in files]) / 255
    )


# ---- The statistics that `get_dls` takes


class OwnStats:
    "Statistics of somebody else's class."

    mean, std = HALF


@pytest.mark.parametrize(
    "stats, mean, std",
    [
        ("imagenet", IMAGENET_MEAN, IMAGENET_STD),
        (NormStats.imagenet(), IMAGENET_MEAN, IMAGENET_STD),
        (HALF, *HALF),
        (np.array(HALF), *HALF),
        (torch.tensor(HALF), *HALF),
        ([torch.tensor(HALF[0]), np.array(HALF[1])], *HALF),
        (OwnStats(), *HALF),
        (([0, 0, 0], [1, 1, 1]), [0] * 3, [1] * 3),
    ],
)
def test_statistics_normalize_as_numpy_does(data, stats, mean, std):
    raw = get_dls(4, 4, data, num_workers=0).valid.one_batch()[0]
    z = get_dls(4, 4, data, stats, num_workers=0).valid.one_batch()[0]
    columns = (np.reshape(values, (1, 3, 1, 1)) for values in (mean, std))
    expected = (raw.numpy().astype(np.float64) - next(columns)) / next(columns)
    np.testing.assert_allclose(z.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(
    "stats, says",
    [
        (([124, 116, 104], [58, 57, 57]), r"mean of stats must be in \[0, 1\].* got \[124"),
        (([0.5, 0.5, 104], [0.2] * 3), r"mean of stats must be in \[0, 1\]"),
        (([0.5, -0.1, 0.5], [0.2] * 3), r"mean of stats must be in \[0, 1\]"),
        (([0.5] * 3, [58, 57, 57]), r"std of stats must be in \(0, 1\].* got \[58"),
        ((IMAGENET_MEAN, [0.2, 0.2, 25]), r"std of stats must be in \(0, 1\]"),
        (NormStats([124, 116, 104], [58, 57, 57]), r"mean of stats must be in \[0, 1\]"),
        (np.array([[124, 116, 104], [58, 57, 57]]), r"mean of stats must be in \[0, 1\]"),
        (([0.5] * 3, [0.2, 0.2, 0]), "std of stats must be above 0"),
        (([0.5] * 3, [0.2, 0.2, -0.2]), "std of stats must be above 0"),
        (([0.5, 0.5, np.nan], [0.2] * 3), "must be finite"),
        (([0.5] * 3, [0.2, 0.2, np.inf]), "must be finite"),
        (([0.5], [0.2]), "must be 3, .*, got \\(1, 1\\)"),
        (NormStats([0.5], [0.2]), "must be 3, .*, got \\(1, 1\\)"),
        (([0.5] * 4, [0.2] * 4), "must be 3, .*, got \\(4, 4\\)"),
        (([0.5] * 3, [0.2]), "must be 3, .*, got \\(3, 1\\)"),
        ((0.5, 0.2), "stats must be a NormStats, .* got .0.5, 0.2."),
        ("image", 'stats must be .*"imagenet".* got .image.'),
        ("Imagenet", 'stats must be .*"imagenet".* got .Imagenet.'),
        (([0.5] * 3,), "stats must be a NormStats"),
        (np.full((2, 1, 3, 1, 1), 0.5), r"stats must be a NormStats, .* got array\(.*$"),
        (0.5, "stats must be a NormStats, .* got 0.5"),
    ],
)
def test_statistics_that_cannot_be_right_are_refused(data, stats, says):
    with pytest.raises(ValueError, match=says) as raised:
        get_dls(4, 4, data, stats)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("stats", [([0.5], [0.2]), "imagnet", ([0.5] * 3, [0.0] * 3)])
def test_loaders_without_images_refuse_the_same(stats):
    with pytest.raises(ValueError, match="stats"):
        blank_dls(["a", "b"], 4, 8, stats)


def test_loaders_without_images_take_the_scale_of_a_saved_model():
    stats = NormStats([124, 116, 104], [58, 57, 57])
    assert image_input(blank_dls(["a", "b"], 4, 8, stats)).mean == stats.mean


# ---- The images that `normalize` takes


def floats(*shape):
    return torch.linspace(0, 1, int(np.prod(shape))).reshape(shape)


THREE = NormStats(*HALF)
ONE = NormStats([0.5], [0.25])
FOUR = NormStats([0.5] * 4, [0.25] * 4)


@pytest.mark.parametrize("function", [normalize, denormalize])
@pytest.mark.parametrize(
    "x, stats, error, says",
    [
        (floats(2, 8, 8, 3), THREE, ValueError, r"shape of x .*\[...,3,H,W\].* got \[2, 8, 8, 3\]"),
        (floats(2, 8, 8, 1), ONE, ValueError, r"\[...,1,H,W\].* got \[2, 8, 8, 1\]"),
        (floats(2, 4, 8, 8), THREE, ValueError, r"got \[2, 4, 8, 8\]"),
        (floats(2, 3, 8, 8), FOUR, ValueError, r"4 channels, got \[2, 3, 8, 8\]"),
        (floats(2, 1, 8, 8), THREE, ValueError, r"3 channels, got \[2, 1, 8, 8\]"),
        (floats(2, 3, 8, 8), ONE, ValueError, r"1 channels, got \[2, 3, 8, 8\]"),
        (floats(1, 8, 8), THREE, ValueError, r"got \[1, 8, 8\]"),
        (floats(8, 8, 3), THREE, ValueError, r"got \[8, 8, 3\]"),
        (floats(8, 8), THREE, ValueError, r"got \[8, 8\]"),
        (floats(3), THREE, ValueError, r"got \[3\]"),
        (
            torch.ones(2, 3, 8, 8, dtype=torch.uint8),
            THREE,
            TypeError,
            "must be floats.*, got torch.uint8",
        ),
        (torch.ones(2, 3, 8, 8, dtype=torch.int64), THREE, TypeError, "got torch.int64"),
        (torch.ones(2, 3, 8, 8, dtype=torch.bool), THREE, TypeError, "got torch.bool"),
        (np.ones((2, 3, 8, 8), np.float32), THREE, TypeError, "x must be a tensor, got ndarray"),
        ([[[0.5]]], ONE, TypeError, "x must be a tensor, got list"),
    ],
)
def test_what_cannot_be_normalized_is_refused(function, x, stats, error, says):
    with pytest.raises(error, match=says):
        function(x, stats)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 3, 4, 5), (2, 2, 3, 4, 5), (3, 4, 5)])
def test_all_floats_are_normalized_in_their_type(dtype, shape):
    x = floats(*shape).to(dtype)
    mean, std = (np.reshape(values, (3, 1, 1)) for values in (IMAGENET_MEAN, IMAGENET_STD))
    expected = (x.double().numpy() - mean) / std
    z = normalize(x, NormStats.imagenet())
    atol = 4 * torch.finfo(dtype).eps / min(IMAGENET_STD)
    assert z.dtype == dtype and z.shape == x.shape
    np.testing.assert_allclose(z.double().numpy(), expected, atol=atol)


@pytest.mark.parametrize("shape", [(2, 8, 9, 3), (1, 5, 5, 1), (4, 32, 32, 4)])
@pytest.mark.parametrize("function", [batch_stats, lambda x: dataset_stats([x])])
def test_statistics_refuse_channels_that_are_last(function, shape):
    with pytest.raises(ValueError, match="got .*; use x.permute"):
        function(floats(*shape))


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (2, 64, 4, 4), (2, 16, 1, 1), (2, 3, 5, 4)])
def test_statistics_take_channels_that_are_first(shape):
    x = floats(*shape)
    mean = np.asarray(x, np.float64).mean((0, 2, 3))
    np.testing.assert_allclose(batch_stats(x).mean, mean, atol=1e-6)


@pytest.mark.parametrize("channels", [(1, 3), (3, 1), (3, 4), (3, 3, 1)])
def test_statistics_of_batches_with_other_channels_are_refused(channels):
    batches = [floats(2, c, 5, 5) for c in channels]
    with pytest.raises(
        ValueError, match=f"number of channels must be {channels[0]}, as in the first batch"
    ):
        dataset_stats(batches)


# ---- Files of more than 8 bits


def save_array(folder, x, name):
    Image.fromarray(x).save(folder / name)
    return folder / name


def dark(shape=(40, 50), high=3_000):
    return np.random.default_rng(0).integers(0, high, shape, np.uint16)


@pytest.mark.parametrize(
    "x, white, name",
    [
        (dark(), 65_535, "a.png"),
        (dark(high=65_536), 65_535, "a.png"),
        (dark(), 65_535, "a.tif"),
        (np.arange(65_536, dtype=np.uint16).reshape(256, 256), 65_535, "a.png"),
        (np.full((4, 4), 65_535, np.uint16), 65_535, "a.png"),
        (np.full((4, 4), 250, np.uint16), 65_535, "a.png"),
        (dark().astype(np.int32), 65_535, "a.tif"),
        ((dark() / 65_535).astype(np.float32), 1, "a.tif"),
        (np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30), 1, "a.tif"),
    ],
)
def test_more_than_eight_bits_are_rounded_to_the_nearest_level(tmp_path, x, white, name):
    file = save_array(tmp_path, x, name)
    levels = np.floor(x.astype(np.float64) * 255 / white + 0.5)
    image = np.asarray(open_image(file))
    assert image.shape == (*x.shape, 3) and (image == levels[..., None]).all()
    if np.ptp(levels):
        stats = dataset_stats([file])
        mean = x.astype(np.float64).mean() / white
        np.testing.assert_allclose(stats.mean, levels.mean() / 255, atol=1e-12)
        np.testing.assert_allclose(stats.mean, mean, atol=2e-4)  # half a level is 2e-3


@pytest.mark.parametrize(
    "x, says",
    [
        (np.full((4, 4), 65_536, np.int32), r"from 65536 to 65536; .* in \[0, 65535\]"),
        (np.full((4, 4), -1, np.int32), r"from -1 to -1; .* in \[0, 65535\]"),
        (np.full((4, 4), 255, np.float32), r"from 255 to 255; .* in \[0, 1\]"),
        (np.full((4, 4), -0.1, np.float32), r"from -0.1 to -0.1; .* in \[0, 1\]"),
        (np.full((4, 4), np.nan, np.float32), r"from nan to nan; .* in \[0, 1\]"),
    ],
)
def test_pixels_of_another_scale_are_refused(tmp_path, x, says):
    file = save_array(tmp_path, x, "a.tif")
    with pytest.raises(ValueError, match=rf"a\.tif must be a readable image, got pixels {says}"):
        open_image(file)


# ---- Images of any type

LEVELS = torch.arange(60, dtype=torch.float64).reshape(3, 4, 5) / 255 * 4


@pytest.mark.parametrize(
    "dtype",
    [
        torch.float64,
        torch.float32,
        torch.float16,
        torch.bfloat16,
        torch.float8_e4m3fn,
        torch.float8_e5m2,
    ],
    ids=str,
)
@pytest.mark.parametrize("grad", [False, True])
def test_images_of_all_types_of_float_are_rounded_once(dtype, grad):
    x = LEVELS.to(dtype).detach()
    expected = np.rint(x.detach().double().numpy() * 255).transpose(1, 2, 0)
    x.requires_grad_(grad)
    assert (np.asarray(as_image(x)) == expected).all()
    assert (np.asarray(as_image(x.permute(1, 2, 0))) == expected).all()
    square = squares([x, x], 4)
    assert square.shape == (2, 4, 4, 3)
    assert (squares(torch.stack([x.detach().float()] * 2), 4) == square).all()


@pytest.mark.parametrize(
    "x",
    [
        [LEVELS.bfloat16(), LEVELS.bfloat16()],
        [LEVELS.float().requires_grad_(), LEVELS.float()],
        (LEVELS.half(), LEVELS.half().numpy()),
        [[LEVELS[0].bfloat16()] * 3, [LEVELS[0].bfloat16()] * 3],
        [torch.tensor(0.5, requires_grad=True), 0.25],
    ],
)
def test_a_sequence_of_tensors_is_an_array(x):
    def numbers(item):
        if isinstance(item, (list, tuple)):
            return [numbers(part) for part in item]
        return item.tolist() if hasattr(item, "tolist") else item

    assert (as_array(x) == np.asarray(numbers(x))).all()


@pytest.mark.parametrize(
    "x, error, says",
    [
        (torch.ones(3, 0, 4), ValueError, r"shape of an image .* got \[3, 0, 4\]"),
        (np.ones((5, 0, 3)), ValueError, r"got \[5, 0, 3\]"),
        (torch.full((3, 4, 4), 256), ValueError, "whole numbers from 0 to 255, got 256 to 256"),
        (torch.full((3, 4, 4), -1), ValueError, "whole numbers from 0 to 255, got -1 to -1"),
        (np.ones((4, 4, 3), np.int32), TypeError, "got int32"),
        (np.ones((4, 4, 3), complex), TypeError, "got complex128"),
        (torch.full((3, 4, 4), float("nan")).bfloat16(), ValueError, "denormalize first"),
    ],
)
def test_arrays_that_are_no_images_are_refused(x, error, says):
    with pytest.raises(error, match=says):
        as_image(x)


# ---- Caches follow the content


def in_place(root, folder):
    "Write other images over a dataset's files."
    make_dataset(folder, low=150, kind="bmp")


def with_equal_times(root, folder):
    "Write other images of the same number of bytes, and restore the times of the old ones."
    times = {f: (f.stat().st_atime_ns, f.stat().st_mtime_ns) for f in folder.rglob("*.bmp")}
    make_dataset(folder, low=150, kind="bmp")
    for file, ns in times.items():
        os.utime(file, ns=ns)


def by_renaming(root, folder):
    "Put another dataset with the same names and times in the place of the old one."
    other = make_dataset(root / "other", low=150, kind="bmp")
    for file in folder.rglob("*.bmp"):
        ns = file.stat().st_atime_ns, file.stat().st_mtime_ns
        os.utime(other / file.relative_to(folder), ns=ns)
    shutil.rmtree(folder)
    other.rename(folder)


def one_more_file(root, folder):
    random_image(1, low=250).save(folder / "train/cats/2.bmp")


def one_file_less(root, folder):
    (folder / "train/cats/0.bmp").unlink()


CHANGES = [in_place, with_equal_times, by_renaming, one_more_file, one_file_less]


@pytest.mark.parametrize("change", CHANGES)
def test_training_statistics_are_of_the_files_that_are_there(tmp_path, change):
    folder = make_dataset(tmp_path / "data", high=100, kind="bmp")
    before = loop._train_stats(dataset_files(folder))
    np.testing.assert_allclose(before.mean, train_pixels(folder).mean(0), atol=1e-12)
    change(tmp_path, folder)
    after = loop._train_stats(dataset_files(folder))
    np.testing.assert_allclose(after.mean, train_pixels(folder).mean(0), atol=1e-12)
    np.testing.assert_allclose(after.std, train_pixels(folder).std(0, ddof=1), atol=1e-12)
    assert after != before


def test_training_statistics_of_a_relative_path_follow_the_working_directory(tmp_path, monkeypatch):
    found = []
    for name, low in (("a", 0), ("b", 150)):
        make_dataset(tmp_path / name / "data", low=low)
        monkeypatch.chdir(tmp_path / name)
        learn = train(Recipe(size=8, bs=4, epochs=1, normalize=True), "data", bar=False).learn
        found.append(image_input(learn.dls).mean)
        expected = train_pixels(tmp_path / name / "data").mean(0)
        np.testing.assert_allclose(found[-1], expected, atol=1e-6)
    assert found[0] != found[1]


def test_training_statistics_follow_a_link(tmp_path):
    for name, low in (("a", 0), ("b", 150)):
        make_dataset(tmp_path / name, low=low)
        (tmp_path / "data").unlink(missing_ok=True)
        (tmp_path / "data").symlink_to(tmp_path / name)
        expected = train_pixels(tmp_path / name).mean(0)
        np.testing.assert_allclose(
            loop._train_stats(dataset_files(tmp_path / "data")).mean, expected, atol=1e-12
        )


def test_training_statistics_are_computed_once_for_equal_files(tmp_path, monkeypatch):
    calls = []
    compute = dataset_stats
    monkeypatch.setattr(loop, "dataset_stats", lambda files: calls.append(1) or compute(files))
    first = make_dataset(tmp_path / "a", low=77)
    shutil.copytree(first, tmp_path / "b")
    folders = first, tmp_path / "b", first
    found = {loop._train_stats(dataset_files(folder)) for folder in folders}
    assert len(found) == 1
    assert len(calls) == 1


@pytest.mark.parametrize("change", CHANGES[:3])
def test_cached_pixels_are_of_the_files_that_are_there(tmp_path, change):
    folder = make_dataset(tmp_path / "data", high=100, kind="bmp")
    presized = Presized(8, folder=tmp_path / "pixels")
    files = sorted(folder.rglob("*.bmp"))
    before = [presized(file).tobytes() for file in files]
    change(tmp_path, folder)
    for file, pixels in zip(files, before):
        found = presized(file).tobytes()
        assert found == Image.open(file).tobytes() != pixels


def test_cached_pixels_follow_a_link(tmp_path):
    presized = Presized(8, folder=tmp_path / "pixels")
    times = (10**18, 10**18)
    for name in ("a", "b"):
        random_image(ord(name)).save(tmp_path / f"{name}.bmp")
        os.utime(tmp_path / f"{name}.bmp", ns=times)
        (tmp_path / "link.bmp").unlink(missing_ok=True)
        (tmp_path / "link.bmp").symlink_to(f"{name}.bmp")
        assert presized(tmp_path / "link.bmp").tobytes() == random_image(ord(name)).tobytes()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.booleans()), max_size=8),
)
def test_any_writes_and_reads_give_the_pixels_that_were_written(tmp_path_factory, steps):
    "Each step writes one of six images of the same number of bytes to a file, and may read all."
    root = tmp_path_factory.mktemp("writes")
    presized = Presized(8, folder=root / "pixels")
    written = {}
    for name, seed, reads in steps:
        file = root / f"{name}.bmp"
        random_image(seed).save(file)
        os.utime(file, ns=(10**18, 10**18))
        written[file] = random_image(seed).tobytes()
        if reads:
            assert {f: presized(f).tobytes() for f in written} == written


# ---- Rounding


@pytest.mark.parametrize("level", [1, 105, 210, 255])
@pytest.mark.parametrize("kind", ["images", "batch"])
def test_a_channel_of_one_value_has_no_statistics(level, kind):
    images = [Image.new("RGB", (100, 60 + i), (level, 0, 3)) for i in range(3)]
    batch = torch.full((4, 3, 9, 9), level / 255)
    with pytest.raises(ValueError, match="std must be above 0"):
        dataset_stats(images if kind == "images" else batch)


@pytest.mark.parametrize("offset", [0, 1, 3e4, 1e7])
def test_statistics_far_from_zero_are_those_of_numpy(offset):
    rng = np.random.default_rng(0)
    batches = [torch.from_numpy(offset + rng.normal(size=(2, 3, 8, 8))) for _ in range(5)]
    stats = dataset_stats(batches)
    pixels = (
        np.concatenate([batch.numpy() for batch in batches]).transpose(1, 0, 2, 3).reshape(3, -1)
    )
    assert stats.mean == pytest.approx(pixels.mean(1), rel=1e-14)
    assert stats.std == pytest.approx(pixels.std(1, ddof=1), rel=1e-9)
