"""One intake: each function takes images of every kind, or says in one line what it takes.

The right pixels are those that were written or put into the array, computed with numpy.
"""

import re
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from image_kinds import GREY, IMAGES, LOADERS, NO_IMAGES, SIDE, colours, write_dataset, write_folder
from learners import tiny_learner
from PIL import Image, ImageSequence

from lesson7.data.images import (
    as_image,
    evenly_spaced,
    first_image,
    image_items,
    image_list,
    image_paths,
    shrink,
    squares,
)
from lesson7.data.labels import known_labels, vocab_names
from lesson7.data.loaders import get_dls
from lesson7.inference import predict
from lesson7.normalize import (
    NormStats,
    as_stats,
    batch_stats,
    dataset_stats,
    denormalize,
    normalize,
)
from lesson7.resize import Stage, fit_progressive, relative_cost
from lesson7.tta import tta

EXACT = pytest.mark.parametrize("kind", [kind for kind in IMAGES if "bfloat" not in kind])
ANY = pytest.mark.parametrize("kind", [*IMAGES, *LOADERS])


def make(kind, folder):
    return (IMAGES | LOADERS)[kind](folder)


# ---- Pixels


FRAMES = {  # name: what iterates over the frames of an image, which move it on
    "a sequence": ImageSequence.Iterator,
    "a generator": lambda image: (frame for frame in ImageSequence.Iterator(image)),
    "frames and labels": lambda image: zip(ImageSequence.Iterator(image), [0, 1, 2]),
    "several files": lambda image: iter([ImageSequence.Iterator(image)]),
    "copies": lambda image: [frame.copy() for frame in ImageSequence.Iterator(image)],
}


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("file", ["a.tif", "a.png", "a.webp"])
def test_an_iterator_over_frames_gives_each_frame(tmp_path, kind, file):
    frames = list(colours(3))
    first, *others = (Image.fromarray(frame.copy()) for frame in frames)
    options = dict(lossless=True) if file.endswith("webp") else {}
    first.save(tmp_path / file, save_all=True, append_images=others, **options)
    images = image_list(FRAMES[kind](Image.open(tmp_path / file)))
    assert len(images) == 3
    assert all((np.asarray(image) == frame).all() for image, frame in zip(images, frames))


@EXACT
def test_the_pixels_of_every_kind_are_those_that_were_given(tmp_path, kind):
    images = image_list(make(kind, tmp_path))
    assert (np.asarray(images[0]) == colours()[0]).all()
    assert all(image.mode == "RGB" and image.info == {} for image in images)
    many = {"a generator": 2, "a dict": 2, "a list of folders": 2}
    is_many = "list of" in kind or "folder" in kind or "batch" in kind or "texts" in kind
    assert len(images) == many.get(kind, 1 + (is_many or "tuple" in kind))


@pytest.mark.parametrize("kind", GREY)
def test_grey_images_are_three_equal_channels(kind):
    grey = colours()[0][..., 0]
    (image,) = image_list(GREY[kind](grey))
    assert (np.asarray(image) == grey[..., None]).all()


def test_bool_is_black_and_white():
    mask = colours()[0] > 99
    assert (np.asarray(as_image(mask)) == 255 * mask).all()


def test_a_transparent_array_is_on_white():
    x = np.zeros((5, 6, 4), np.float32)
    x[..., 0], x[..., 3] = 1, 0.2  # red, a fifth of it
    expected = [255, round(255 * 0.8), round(255 * 0.8)]
    for given_array in (x, x.transpose(2, 0, 1), torch.from_numpy(x), np.rint(x * 255)):
        given_array = given_array if given_array.max() <= 1 else given_array.astype(np.uint8)
        assert (np.asarray(as_image(given_array)) == expected).all()


@pytest.mark.parametrize(
    "shape, size, channels",
    [
        ((3, 7, 3), (3, 7), "first"),
        ((3, 7, 4), (4, 7), "first"),
        ((4, 7, 3), (7, 4), "last"),
        ((1, 7, 3), (7, 1), "last"),
        ((3, 7, 1), (1, 7), "first"),
        ((4, 7, 4), (4, 7), "first"),
        ((4, 7, 1), (1, 7), "first"),
        ((1, 7, 4), (7, 1), "last"),
        ((1, 7, 1), (1, 7), "first"),
        ((1, 1, 3), (1, 1), "last"),
        ((3, 3, 3), (3, 3), "first"),
    ],
)
def test_ambiguous_shapes_follow_the_rule(shape, size, channels):
    "3 channels are looked for before 4 and 1, and on the first axis before the last."
    x = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    image = as_image(x)
    assert image.size == size
    last = x.transpose(1, 2, 0) if channels == "first" else x
    if last.shape[2] == 4:
        last = np.rint(last[..., :3] * (last[..., 3:] / 255) + 255 - last[..., 3:])
    assert np.abs(np.asarray(image, float) - last).max() <= 1


def test_three_axes_without_channels_are_no_batch():
    says = r"got \[16, 28, 28\]; x\[:, None\] makes a batch of grey images"
    with pytest.raises(ValueError, match=says):
        image_list(np.zeros((16, 28, 28), np.uint8))
    assert len(image_list(np.zeros((16, 28, 28), np.uint8)[:, None])) == 16


DTYPES = {np.uint8: 255, np.uint16: 65_535, np.int64: 255, np.float32: 1, np.float64: 1}


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_array_of_a_known_type_is_rounded_to_the_nearest_level(data):
    dtype = data.draw(st.sampled_from(list(DTYPES)))
    height, width = data.draw(st.integers(5, 12)), data.draw(st.integers(5, 12))
    channels = data.draw(st.sampled_from([(), (1,), (3,)]))
    largest = DTYPES[dtype]
    if largest == 1:
        width_in_bits = np.dtype(dtype).itemsize * 8
        elements = st.floats(0, 1, width=width_in_bits)
    else:
        elements = st.integers(0, largest)
    x = data.draw(hnp.arrays(dtype, (height, width, *channels), elements=elements))
    as_tensor = data.draw(st.booleans()) and dtype != np.uint16
    image = as_image(torch.from_numpy(x) if as_tensor else x)
    levels = np.rint(x.astype(np.float64) * 255 / largest).reshape(height, width, -1)
    assert image.size == (width, height) and image.mode == "RGB"
    assert (np.asarray(image) == levels).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=5), st.sampled_from(["f", "u1", "i4", "?"]))
def test_any_shape_is_an_image_or_rejected_in_one_line(shape, dtype):
    x = np.zeros(shape, dtype)
    try:
        images = image_list(x)
    except (ValueError, TypeError) as e:
        assert re.search("^[^\n]* must be [^\n]*, got [^\n]*$", str(e))  # noqa: PT017
    else:
        assert all(image.size[0] * image.size[1] for image in images)


@pytest.mark.parametrize("value, level", [(1.0000002, 255), (-1e-4, 0), (1 + 0.5 / 255, 255)])
def test_rounding_errors_are_cut_off(value, level):
    image = as_image(np.full((5, 5, 3), value))
    assert (np.asarray(image) == level).all()


@pytest.mark.parametrize("value", [1.003, -0.003, 1.5, 255.0])
def test_more_than_half_a_level_outside_is_rejected(value):
    with pytest.raises(ValueError, match=r"values of an image must be in \[0, 1\], got "):
        as_image(np.full((5, 5, 3), value))


def test_only_the_images_that_are_used_are_opened(tmp_path, monkeypatch):
    from lesson7.data import images

    files = write_folder(tmp_path, 20)
    opened, open_image = [], images.open_image
    monkeypatch.setattr(images, "open_image", lambda f, *a: opened.append(f) or open_image(f, *a))
    assert squares(tmp_path, 8, most=3).shape == (3, 8, 8, 3)
    expected = sorted(files, key=lambda file: file.parts)
    assert opened == [expected[0], expected[9], expected[19]]


@pytest.mark.parametrize("n, most, used", [(5, None, 5), (5, 5, 5), (5, 2, 2), (3, 9, 3)])
def test_evenly_spaced_items_have_the_ends(n, most, used):
    items = evenly_spaced(list(range(n)), most)
    assert len(items) == used and items[0] == 0 and items[-1] == n - 1


def test_image_paths_are_the_files_or_exact_copies(tmp_path):
    file = write_folder(tmp_path)[0]
    with image_paths([file, colours()[0]]) as paths:
        assert paths[0] == file
        assert (np.asarray(Image.open(paths[1])) == colours()[0]).all()
    assert file.is_file() and not paths[1].exists()


# ---- The matrix: every kind for each function


@pytest.fixture(scope="module")
def learn(tmp_path_factory, cache):
    learn = tiny_learner(get_dls(2, 16, write_dataset(tmp_path_factory.mktemp("learn"))))
    learn.remove_cb(learn.progress)
    return learn


FUNCTIONS = {
    "image_items": lambda images, learn: image_items(images),
    "image_list": lambda images, learn: image_list(images),
    "first_image": lambda images, learn: first_image(images),
    "squares": lambda images, learn: squares(images, 8),
    "shrink": lambda images, learn: shrink(images, 8),
    "dataset_stats": lambda images, learn: dataset_stats(images),
    "predict": lambda images, learn: predict(learn, images),
    "tta": lambda images, learn: tta(learn, dl=images)[0],
}


@pytest.mark.parametrize("name", FUNCTIONS)
@ANY
def test_every_function_takes_every_kind(tmp_path, learn, kind, name):
    if (name, kind) == ("tta", "torch's loader"):
        pytest.skip("rejected, see below")
    result = FUNCTIONS[name](make(kind, tmp_path), learn)
    sizes = {
        "image_items": lambda: len(result),
        "image_list": lambda: len(result),
        "first_image": lambda: result.size[0],
        "squares": lambda: len(result),
        "shrink": lambda: min(result.size) == 8,
        "dataset_stats": lambda: result.n,
        "predict": lambda: result[0].probability,
        "tta": lambda: len(result),
    }
    assert sizes[name]()


REJECTING = [name for name in FUNCTIONS if name not in ("image_items",)]


@pytest.mark.parametrize("name", REJECTING)
@pytest.mark.parametrize("kind", NO_IMAGES)
def test_anything_else_is_rejected_in_one_line(tmp_path, learn, kind, name):
    make_value, says = NO_IMAGES[kind]
    if name == "dataset_stats" and kind in ("batch to 255", "an empty batch"):
        pytest.skip("statistics of floats are those of the floats; see below")
    if name == "predict" and "no such file" in says:
        says = "files must be image files, got .*, where there is no file"
    with pytest.raises((ValueError, TypeError), match=says) as e:
        FUNCTIONS[name](make_value(tmp_path), learn)
    assert "\n" not in str(e.value) and "must be" in str(e.value)


def test_tta_takes_no_loader_but_fastais(learn):
    loader = torch.utils.data.DataLoader([torch.zeros(3, 8, 8)])
    with pytest.raises(TypeError, match="dl must be a fastai loader, .* got a DataLoader"):
        tta(learn, dl=loader)


# ---- Values


def test_tta_of_files_is_tta_of_their_loader(learn):
    files = list(learn.dls.valid_ds.items)
    expected = tta(learn, dl=learn.dls.test_dl(files))[0]
    assert torch.equal(tta(learn, dl=files)[0], expected)
    assert torch.equal(tta(learn, dl=learn.dls)[0], expected)
    opened = [Image.open(file) for file in files]
    assert torch.allclose(tta(learn, dl=opened)[0], expected, atol=1e-6)


def test_predictions_of_images_are_those_of_their_files(learn):
    files = list(learn.dls.valid_ds.items)
    by_file = predict(learn, files)
    assert [p.file for p in by_file] == [str(file) for file in files]
    by_image = predict(learn, [np.asarray(Image.open(file)) for file in files])
    assert [p.file for p in by_image] == [f"image {i}" for i in range(1, len(files) + 1)]
    for a, b in zip(by_file, by_image):
        assert a.label == b.label and abs(a.probability - b.probability) < 1e-6


def test_a_sideways_photo_is_predicted_as_the_upright_one(learn, tmp_path):
    upright = colours(side=60)[0]
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(upright))).save(tmp_path / "a.png", exif=exif)
    Image.fromarray(upright).save(tmp_path / "b.png")
    turned, straight = predict(learn, [tmp_path / "a.png", tmp_path / "b.png"])
    assert turned.probabilities == straight.probabilities


@pytest.mark.parametrize("use_tta", [False, True])
def test_a_file_that_is_cut_off_is_named_when_it_is_predicted(learn, tmp_path, use_tta):
    file = tmp_path / "cut.jpg"
    Image.fromarray(colours(side=200)[0]).save(file, quality=95)
    file.write_bytes(file.read_bytes()[:9000])
    with pytest.raises(ValueError, match="cut.jpg must be a readable image, got .*truncated"):
        predict(learn, [file], use_tta)


@pytest.mark.parametrize(
    "make_images, n, source",
    [
        (lambda x: Image.fromarray(x[0]), 1, "1 image"),
        (lambda x: x[0], 1, "1 image"),
        (lambda x: list(x), 3, "whole dataset"),
        (lambda x: x, 3, "whole dataset"),
        (lambda x: x / 255, 3, "whole dataset"),
        (lambda x: torch.from_numpy(x), 3, "whole dataset"),
    ],
    ids=["PIL", "array", "arrays", "batch", "floats", "tensor"],
)
def test_statistics_say_of_how_many_images_they_are(make_images, n, source):
    x = colours(3)
    images = make_images(x)
    if getattr(images, "ndim", 0) == 4 and "float" in str(images.dtype):
        images = images.transpose(0, 3, 1, 2)
    stats = dataset_stats(images)
    pixels = x[:n].reshape(-1, 3) / 255
    assert (stats.n, stats.source) == (n, source)
    np.testing.assert_allclose(stats.mean, pixels.mean(0), atol=1e-12)
    np.testing.assert_allclose(stats.std, pixels.std(0, ddof=1), atol=1e-12)


def test_statistics_of_loaders_are_those_of_the_training_images(tmp_path, cache):
    for split, level in (("train", 50), ("val", 200)):
        for i, name in enumerate(("a", "b")):
            (tmp_path / split / name).mkdir(parents=True)
            Image.new("RGB", (9, 9), (level + i, level, 2 * i)).save(
                tmp_path / split / name / "0.png"
            )
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 100, (2, 9, 9, 3), np.uint8)
    for i, name in enumerate(("a", "b")):
        Image.fromarray(pixels[i]).save(tmp_path / "train" / name / "0.png")
    found = dataset_stats(get_dls(2, 8, tmp_path, "imagenet"))
    np.testing.assert_allclose(found.mean, pixels.reshape(-1, 3).mean(0) / 255, atol=1e-12)
    assert found.n == 2


def test_a_list_of_batches_counts_each(tmp_path):
    x = torch.rand(3, 3, 8, 9)
    for source in ([x, x], [(x, torch.zeros(3)), (x, torch.zeros(3))], iter([x, x])):
        assert dataset_stats(source).n == 6
    assert dataset_stats((x, torch.zeros(3))).n == batch_stats((x, torch.zeros(3))).n == 3


MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
STATS = {
    "lists": (MEAN, STD),
    "arrays": (np.array(MEAN), np.array(STD)),
    "tensors": (torch.tensor(MEAN).double(), torch.tensor(STD).double()),
    "tensors [3,1,1]": (
        torch.tensor(MEAN).double()[:, None, None],
        torch.tensor(STD).double()[:, None, None],
    ),
    "one array": np.array([MEAN, STD]),
    "a name": "imagenet",
    "NormStats": NormStats(MEAN, STD),
}


@pytest.mark.parametrize("kind", STATS)
@pytest.mark.parametrize("function, inverse", [(normalize, denormalize), (denormalize, normalize)])
def test_statistics_of_any_form_normalize(kind, function, inverse):
    x = torch.rand(2, 3, 5, 6, dtype=torch.float64)
    mean, std = np.reshape(MEAN, (3, 1, 1)), np.reshape(STD, (3, 1, 1))
    expected = (x.numpy() - mean) / std if function is normalize else x.numpy() * std + mean
    np.testing.assert_allclose(function(x, STATS[kind]).numpy(), expected, atol=1e-6)
    assert torch.allclose(inverse(function(x, STATS[kind]), STATS[kind]), x)


@pytest.mark.parametrize("stats", [None, 0.5, "images", (0.5,), (0.5, "a"), [1, 2, 3], object()])
def test_what_is_no_statistics_is_rejected_in_one_line(stats):
    with pytest.raises(ValueError, match='stats must be a NormStats, .*"imagenet", got') as e:
        normalize(torch.rand(3, 4, 4), stats)
    assert "\n" not in str(e.value)
    with pytest.raises(ValueError, match="above 0"):
        as_stats(([0.5], [0.0]))


@pytest.mark.parametrize(
    "x",
    [colours()[0], torch.from_numpy(colours()[0]), b"bytes", "a.jpg", Image.new("RGB", (4, 4)), 7],
    ids=lambda x: type(x).__name__,
)
@pytest.mark.parametrize("function", [lambda x: normalize(x, (MEAN, STD)), batch_stats])
def test_bytes_and_images_are_not_normalized(x, function):
    with pytest.raises((TypeError, ValueError), match="(x|batch|shape of a batch) must be") as e:
        function(x)
    assert "\n" not in str(e.value)


# ---- Labels, vocabularies and stages


@pytest.mark.parametrize(
    "images, labels",
    [
        (lambda dls: dls, ["cat", "cat", "dog", "dog"]),
        (lambda dls: dls.valid, ["cat", "cat", "dog", "dog"]),
        (lambda dls: (torch.zeros(2, 3, 4, 4), torch.tensor([1, 0])), [1, 0]),
        (lambda dls: {"x": "a.jpg", 5: "b.jpg"}, ["x", "5"]),
        (lambda dls: dls.valid_ds, ["cat", "cat", "dog", "dog"]),
        (lambda dls: [("a.jpg", "x"), (Path("b.jpg"), "y"), ("c.jpg", "x")], ["x", "y", "x"]),
        (lambda dls: [("a.jpg", "x"), ("b.jpg", "y")], ["x", "y"]),
        (lambda dls: [("a.jpg", "x"), ("b.jpg", ("x", "y"))], None),
        (lambda dls: [("a.jpg", "b.jpg"), ("c.jpg", "d.jpg")], None),
        (lambda dls: ["a.jpg"], None),
        (lambda dls: ["a.jpg", "b.jpg"], None),
        (lambda dls: colours(2), None),
        (lambda dls: torch.utils.data.DataLoader([1, 2]), None),
    ],
)
def test_labels_that_images_bring_along(learn, images, labels):
    found = known_labels(images(learn.dls))
    assert (
        found if found is None else [getattr(v, "item", lambda v=v: v)() for v in found]
    ) == labels


def test_a_vocab_is_a_list_of_names(learn):
    assert vocab_names(learn.dls) == vocab_names(learn.dls.vocab) == ["cat", "dog"]
    assert vocab_names(np.array([1, 2])) == ["1", "2"]
    for value in ("cat", b"cat", 7, None, {"cat", "dog"}, frozenset(["cat"])):
        with pytest.raises(TypeError, match="vocab must be a list of class names, got a"):
            vocab_names(value)


@pytest.mark.parametrize(
    "vocab",
    [
        dict(b=1, a=0, c=2),
        {2: "c", 0: "a", 1: "b"},
        {np.int64(1): "b", np.int64(0): "a", np.int64(2): "c"},
        OrderedDict(c=2, b=1, a=0),
        iter("abc"),
        tuple("abc"),
    ],
)
def test_a_vocab_is_read_by_its_indices(vocab):
    assert vocab_names(vocab) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "vocab",
    [
        dict(a=0, b=2),
        dict(a=0, b=0),
        dict(a=1, b=2),
        dict(a=-1, b=0),
        dict(a="x", b="y"),
        dict(a=0.5, b=1),
        dict(a=[0], b=[1]),
        {0: "a", 2: "b"},
        {0: 1, 1: 0},
        {"a": 0, 1: "b"},
        {"0": "a", "1": "b"},
    ],
    ids=str,
)
def test_a_vocab_with_other_indices_is_rejected(vocab):
    message = "^vocab must be a dict of class names and their indices, 0 to 1 each once, got {"
    with pytest.raises(ValueError, match=message):
        vocab_names(vocab)


def test_stages_may_be_tuples(learn):
    tuples, stages = (
        [(16, 2, 1, 1e-3), [32, 2, 2, 1e-3]],
        [Stage(16, 2, 1, 1e-3), Stage(32, 2, 2, 1e-3)],
    )
    each, total = relative_cost(tuples)
    assert (each == relative_cost(stages)[0]).all() and total == relative_cost(stages)[1]
    with learn.no_logging():
        rows = fit_progressive(learn, lambda bs, size: learn.dls, tuples[:1])
    assert [row["size"] for row in rows] == [16]


@pytest.mark.parametrize("stage", [(16, 2, 1), 16, "16", None, (16, 2, 1, 1e-3, 5)])
def test_what_is_no_stage_is_rejected_in_one_line(learn, stage):
    for call in (
        lambda: relative_cost([stage]),
        lambda: fit_progressive(learn, None, [stage]),
    ):
        with pytest.raises(
            ValueError, match=r"a stage must be a Stage, .*\(size, bs, epochs, lr\)"
        ):
            call()


def test_side_of_the_examples():
    assert colours().shape == (1, SIDE, SIDE + 6, 3)
