"MixupExplorer: its state, what it computes, and what its learners predict."

import numpy as np
import pytest
import torch
import traitlets as T
from learners import linear_learner
from PIL import Image

from lesson7.explorers.mixup import MixupExplorer, one_hot_rows
from lesson7.outputs import probabilities


def random_tensor(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("alpha", [0, -1, float("nan"), float("inf")])
def test_invalid_alpha(alpha):
    with pytest.raises(ValueError, match="alpha must be a finite number above 0, got"):
        MixupExplorer(alpha=alpha)
    with pytest.raises(T.TraitError, match="alpha must be one of 0.1, .* above 0"):
        MixupExplorer().alpha = alpha


def test_own_alpha_is_added_to_the_choices():
    assert MixupExplorer(alpha=0.3).alphas == [0.1, 0.2, 0.3, 0.4, 1.0, 4.0]


@pytest.mark.parametrize(
    "labels, vocab, message",
    [
        ([0], None, "number of labels must be 2, one for each image, got 1"),
        ([0, 3], ["a", "b"], "label must be from 0 to 1, got 3"),
        ([0, -1], ["a", "b"], "got -1"),
        (["a", "c"], ["a", "b"], "label must be a name in the vocab, got 'c'"),
        ([], None, "number of labels must be 2, .*, got 0"),
    ],
)
def test_invalid_labels(labels, vocab, message):
    with pytest.raises(ValueError, match=message):
        MixupExplorer(random_tensor(2, 3, 20, 20), labels, vocab)


def test_no_images():
    with pytest.raises(ValueError, match="number of images must be 1 or more"):
        MixupExplorer([])
    with pytest.raises(ValueError, match="images must be given with learn"):
        MixupExplorer(learn=(1, 2))


def test_computed_values():
    explorer = MixupExplorer(first=3, second=0, t=0.25)
    expected = 0.25 * explorer.images[3] + 0.75 * explorer.images[0]
    assert np.allclose(explorer.blend, expected, atol=1e-15)
    assert explorer.target.tolist() == [0.75, 0, 0, 0.25, 0, 0, 0, 0, 0]
    explorer.classes = "lesson"
    explorer.t = 0.3
    assert np.allclose(explorer.target, [0, 0, 0.3, 0, 0, 0, 0, 0.7, 0, 0])
    assert explorer.predicted is None


def test_labels_of_one_class_and_many_images():
    labels = torch.tensor([1, 1])
    explorer = MixupExplorer(random_tensor(2, 3, 9, 9), labels, ["x", "y"])
    assert explorer.target.tolist() == [0, 1]
    assert len(MixupExplorer(random_tensor(30, 3, 9, 9)).images) == 12


@pytest.mark.parametrize("n", [3, 12, 13, 40])
def test_code_blends_the_images_of_the_explorer(n):
    images = random_tensor(n, 3, 9, 9)
    explorer = MixupExplorer(images, side=9, first=1, second=2)
    found = dict(images=images)
    exec(explorer.code(), found)
    assert np.allclose(found["blend"], explorer.blend, atol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 12, 13, 1000])
def test_rows_sum_to_one(n):
    vocab = [f"c{i}" for i in range(n)]
    explorer = MixupExplorer(random_tensor(2, 3, 9, 9), [0, n - 1], vocab)
    rows = explorer.on_rows(explorer.target)
    assert explorer.target.shape == (n,) and len(rows) == (n if n <= 12 else 3)
    assert abs(rows.sum() - 1) < 1e-12


@pytest.mark.parametrize(
    "mode, size, colour",
    [
        ("L", (30, 20), 7),
        ("RGBA", (30, 20), (9, 8, 7, 0)),
        ("I;16", (30, 20), 30000),
        ("CMYK", (30, 20), 0),
        ("RGB", (1, 1), 0),
        ("RGB", (4000, 3000), 0),
        ("RGB", (20, 90), 0),
        ("P", (5, 5), 0),
    ],
)
def test_image_of_any_kind(mode, size, colour):
    image = Image.new(mode, size, colour)
    explorer = MixupExplorer([image, image.copy()])
    assert explorer.blend.shape == (3, 160, 160)
    assert np.allclose(explorer.blend, explorer.images[0])


def test_predictions_equal_the_learners(small):
    from fastai.vision.all import CrossEntropyLossFlat

    learners = [linear_learner(small, CrossEntropyLossFlat()) for _ in range(2)]
    x, y = learners[0].dls.valid.one_batch()
    explorer = MixupExplorer(x[:3], y[:3], learn=learners, side=32, t=0.52)
    assert explorer.t == 0.5 and explorer.vocab == [str(i) for i in range(10)]
    for first, second, t in ((0, 1, 0.0), (2, 0, 0.3), (1, 1, 0.55), (1, 2, 1.0)):
        explorer.first, explorer.second, explorer.t = first, second, t
        blend = torch.from_numpy(explorer.blend)[None]
        expected = torch.cat([probabilities(learn, blend) for learn in learners]).numpy()
        assert explorer.predicted.shape == (2, 10)
        assert abs(explorer.predicted - expected).max() < 2e-6
        [target] = [ax for ax in explorer.figure().axes if ax.get_title() == "mixed target"]
        drawn = np.array([line.get_ydata() for line in target.lines])
        assert abs(drawn - expected).max() < 2e-6
    with pytest.raises(ValueError, match="number of classes in vocab must be 10, .*, got 2"):
        MixupExplorer(x[:2], [0, 1], ["a", "b"], learn=learners, side=32)


def test_figure_shows_the_same_state():
    explorer = MixupExplorer(first=2, second=1, t=0.8, classes="lesson", keep="any")
    axes = {ax.get_title(): ax for ax in explorer.figure().axes}
    bars = [bar.get_height() for bar in axes["mixed target"].patches]
    assert np.allclose(bars, [0, 0, 0.8, 0, 0, 0, 0, 0.2, 0, 0]) and "0.80 × class 2" in axes
    shown = axes["the blend"].images[0].get_array()
    assert np.allclose(shown, explorer.blend.transpose(1, 2, 0))


def test_one_hot_rows_need_memory_for_the_rows_alone():
    rows = one_hot_rows([3, 1], 1_000_000)  # the square of the classes would be 8 terabytes
    assert rows.shape == (2, 1_000_000)
    assert np.argwhere(rows).tolist() == [[0, 3], [1, 1]] and rows.sum() == 2


def test_images_without_labels_are_named_by_their_files(tmp_path):
    files = [tmp_path / folder / "photo.png" for folder in ("a", "b")]
    for file in files:
        file.parent.mkdir()
        Image.new("RGB", (8, 8)).save(file)
    explorer = MixupExplorer([*files, Image.new("RGB", (8, 8))])
    assert explorer.vocab == ["1: photo.png", "2: photo.png", "picture 3"]
