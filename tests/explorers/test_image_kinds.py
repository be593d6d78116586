"""What explorers take: images of every kind, with and without a model, and nothing else.

The right pixels of an explorer are those of the same images as arrays of bytes.
"""

import io
import math

import numpy as np
import pytest
import torch
from image_kinds import IMAGES, LOADERS, NO_IMAGES, colours, write_dataset, write_folder
from learners import tiny_learner
from PIL import Image

from lesson7.data import files
from lesson7.data.loaders import get_dls
from lesson7.explorers.mixup import MixupExplorer
from lesson7.explorers.normalize import NormalizeExplorer
from lesson7.explorers.resize import ResizeExplorer
from lesson7.explorers.smoothing import SmoothingExplorer
from lesson7.explorers.tta import TTAExplorer

EXPLORERS = {
    "normalize": lambda images, **kw: NormalizeExplorer(images, side=16, **kw),
    "resize": lambda images, **kw: ResizeExplorer(images, **kw),
    "tta": lambda images, **kw: TTAExplorer(images, side=16, **kw),
    "mixup": lambda images, **kw: MixupExplorer(images, side=16, **kw),
}
EXPLORER = pytest.mark.parametrize("name", EXPLORERS)
FIRST = {
    "normalize": lambda explorer: explorer.images[0],
    "resize": lambda explorer: explorer.pixels / 255,
    "tta": lambda explorer: explorer.images[0],
    "mixup": lambda explorer: explorer.images[0],
}


def make(kind, folder):
    return (IMAGES | LOADERS)[kind](folder)


@EXPLORER
@pytest.mark.parametrize("kind", IMAGES)
def test_every_explorer_shows_every_kind(tmp_path, name, kind):
    explorer = EXPLORERS[name](make(kind, tmp_path))
    expected = EXPLORERS[name](colours())
    difference = np.abs(FIRST[name](explorer) - FIRST[name](expected)).max()
    assert difference <= (3 / 255 if "bfloat" in kind else 1e-9)


@EXPLORER
@pytest.mark.parametrize("kind", LOADERS)
def test_every_explorer_shows_loaders_and_their_batches(tmp_path, cache, name, kind):
    explorer = EXPLORERS[name](make(kind, tmp_path))
    pixels = FIRST[name](explorer)
    assert pixels.min() >= 0 and pixels.max() <= 1 and np.ptp(pixels) > 0.1


@EXPLORER
@pytest.mark.parametrize("kind", [kind for kind in NO_IMAGES if kind != "a None in a list"])
def test_anything_else_is_rejected_in_one_line(tmp_path, name, kind):
    make_value, says = NO_IMAGES[kind]
    if name == "tta" and kind in ("nothing", "an empty dict"):
        says = "number of images must be from 1 to 8, got 0"
    with pytest.raises((ValueError, TypeError), match=says) as e:
        EXPLORERS[name](make_value(tmp_path))
    assert "\n" not in str(e.value) and "must be" in str(e.value)


# ---- With a model


@pytest.fixture(scope="module")
def learn(tmp_path_factory, cache):
    return tiny_learner(get_dls(2, 16, write_dataset(tmp_path_factory.mktemp("learn"))))


WITH_LEARN = {
    "normalize": lambda images, learn, **kw: NormalizeExplorer(images, side=16, learn=learn, **kw),
    "mixup": lambda images, learn, **kw: MixupExplorer(images, side=16, learn=(learn,) * 2, **kw),
}
CLASSES = {"normalize": lambda e: e.right, "mixup": lambda e: e.labels}


@pytest.mark.parametrize("name", WITH_LEARN)
@pytest.mark.parametrize(
    "labels",
    [
        ["dog", "cat"],
        np.array(["dog", "cat"]),
        ("dog", "cat"),
        torch.tensor([1, 0]),
        [[0, 1], [1, 0]],
    ],
    ids=["names", "array of names", "tuple", "tensor", "one-hot"],
)
def test_labels_of_any_form_are_the_classes_of_the_model(tmp_path, learn, name, labels):
    explorer = WITH_LEARN[name](write_folder(tmp_path), learn, labels=labels)
    assert CLASSES[name](explorer) == [1, 0]


@pytest.mark.parametrize("name", WITH_LEARN)
@pytest.mark.parametrize("n", [3, 12, 40])
def test_labels_follow_the_images_that_are_used(learn, name, n):
    "Each image has the level of its class: 200 for a dog, 50 for a cat."
    labels = ["dog" if i % 3 else "cat" for i in range(n)]
    images = [np.full((8, 8, 3), 200 if label == "dog" else 50, np.uint8) for label in labels]
    explorer = WITH_LEARN[name](images, learn, labels=labels)
    levels = np.rint(255 * np.array(explorer.images).mean((1, 2, 3)))
    assert CLASSES[name](explorer) == [int(level == 200) for level in levels]
    assert len(levels) == min(n, 6 if name == "mixup" else 32)


@pytest.mark.parametrize("name", WITH_LEARN)
def test_loaders_and_batches_bring_their_labels_along(learn, name):
    expected = [int(label) for label in learn.dls.valid_ds.tls[1]]
    assert CLASSES[name](WITH_LEARN[name](learn.dls, learn)) == expected
    x, y = learn.dls.valid.one_batch()
    assert CLASSES[name](WITH_LEARN[name]((x, y), learn)) == y.tolist()


def test_mixup_with_models_needs_labels(tmp_path, learn):
    says = "labels must be given with learn, a class for each image, got None"
    with pytest.raises(ValueError, match=says):
        MixupExplorer(write_folder(tmp_path), learn=(learn, learn), side=16)


@pytest.mark.parametrize("given", ["one", "list of one"])
def test_mixup_says_that_it_needs_two_models(tmp_path, learn, given):
    learn = learn if given == "one" else [learn]
    says = r"learn must be two learners \(with, without\), got a "
    with pytest.raises(ValueError, match=says):
        MixupExplorer(write_folder(tmp_path), ["cat", "dog"], learn=learn, side=16)


@pytest.mark.parametrize("labels", ["cat", 7, ["cat"], ["cat", "cow"], ["cat", 2], ["cat", None]])
def test_other_labels_are_rejected_in_one_line(tmp_path, learn, labels):
    for name, call in WITH_LEARN.items():
        with pytest.raises((ValueError, TypeError), match="labels? must be .*, got") as e:
            call(write_folder(tmp_path / name), learn, labels=labels)
        assert "\n" not in str(e.value)


# ---- Names, stages, vocabularies


def test_a_photo_is_named_by_its_file(tmp_path):
    files_given = write_folder(tmp_path)
    assert TTAExplorer(files_given).names == ["1: 0.png", "2: 1.PNG"]
    assert TTAExplorer(dict(a=files_given[0])).names == ["a"]
    assert TTAExplorer(colours(2)).names == ["picture 1", "picture 2"]


def test_of_a_large_folder_evenly_spaced_photos_are_shown(tmp_path):
    write_folder(tmp_path, 20)
    assert len(TTAExplorer(tmp_path).images) == 8
    with pytest.raises(ValueError, match="number of images must be from 1 to 8, got 20"):
        TTAExplorer(sorted(tmp_path.iterdir()))


def test_names_in_a_dict_are_the_classes(tmp_path):
    explorer = MixupExplorer(dict(zip(["cat", "dog"], write_folder(tmp_path))))
    assert explorer.vocab == ["cat", "dog"] and explorer.labels == [0, 1]


@pytest.mark.parametrize("stages", [[(128, 64, 5, 3e-3), (224, 32, 3, 1e-3)], [[128, 5], (224, 3)]])
def test_stages_are_pairs_or_all_four_values(stages):
    assert ResizeExplorer(stages=stages).stages == [[128, 5], [224, 3]]


@pytest.mark.parametrize("vocab", ["cat", b"cat", 7])
def test_a_vocab_that_is_no_list_is_rejected(vocab):
    for call in (SmoothingExplorer, lambda vocab: MixupExplorer(colours(2), [0, 1], vocab)):
        with pytest.raises(TypeError, match="vocab must be a list of class names, got a"):
            call(vocab)


def test_a_vocab_may_be_an_array_or_loaders(learn):
    assert SmoothingExplorer(np.array(["a", "b", "c"])).vocab == ["a", "b", "c"]
    assert SmoothingExplorer(learn.dls).vocab == ["cat", "dog"]
    assert SmoothingExplorer(learn.dls.vocab).n == 2


@pytest.mark.parametrize("stats", [([0.5] * 3, [0.25] * 3), "imagenet", np.full((2, 3), 0.25)])
def test_statistics_of_any_form_are_the_datasets(stats):
    explorer = NormalizeExplorer(colours(2), stats, side=16)
    mean = {tuple: 0.5, str: 0.485, np.ndarray: 0.25}[type(stats)]
    assert explorer.stats.mean[0] == mean


# ---- Photos of a camera

WIDTH, HEIGHT = 4000, 3000  # 12 megapixels


@pytest.fixture(scope="module")
def large_photo():
    "A JPEG file of 12 megapixels, taken sideways: upright, its left half is dark."
    stored = np.full((WIDTH, HEIGHT, 3), 230, np.uint8)
    stored[WIDTH // 2 :] = 20  # 6: the display turns it clockwise
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(stored).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


@pytest.fixture
def decoded_sizes(monkeypatch):
    "The sizes at which files are decoded; it grows."
    sizes, decode = [], files._decoded

    def recording(file, short):
        image = decode(file, short)
        sizes.append(image.size)
        return image

    monkeypatch.setattr(files, "_decoded", recording)
    return sizes


@EXPLORER
def test_a_large_photo_is_decoded_small_once_and_is_upright(
    tmp_path, large_photo, decoded_sizes, name
):
    (tmp_path / "a.jpg").write_bytes(large_photo)
    explorer = EXPLORERS[name](tmp_path / "a.jpg")
    large = [size for size in decoded_sizes if max(size) > 1000]
    reduction = {"normalize": 8, "mixup": 8, "tta": 8, "resize": 4}[name]
    assert decoded_sizes[0] == (math.ceil(HEIGHT / reduction), math.ceil(WIDTH / reduction))
    assert len(large) <= (name == "resize")
    image = FIRST[name](explorer)
    width = image.shape[2]
    assert image[:, :, : width // 3].max() < 0.2 and image[:, :, -(width // 3) :].min() > 0.8
