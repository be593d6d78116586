"""A still draws each class in a place of its own, whatever the classes are called."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from learners import tiny_network
from matplotlib.patches import Rectangle

from lesson7.explorers.base import draw_still
from lesson7.explorers.mixup import MixupExplorer
from lesson7.explorers.resize import ResizeExplorer
from lesson7.explorers.smoothing import SmoothingExplorer
from lesson7.explorers.tta import TTAExplorer

LONG = "a very long name of a class, "
NAMES = {
    "alike in 24 letters": [f"{LONG}{i}" for i in range(4)],
    "the same": ["cat"] * 4,
    "two alike": ["cat", f"{LONG}1", "dog", f"{LONG}2"],
    "numbers": ["10", "9", "10.0", "1e1"],
    "blank": ["", " ", "  ", "\t"],
    "mathematics": ["$x$", "$x", "x$y$z", "$$"],
    "in another order": ["3", "1", "2", "0"],
    "dates": ["2020-01-01", "2020-01-02", "2020-01-01", "1"],
}


def images(n=4):
    rng = np.random.default_rng(0)
    return list(rng.integers(0, 256, (n, 24, 32, 3), dtype=np.uint8))


def bars(ax):
    "Return left, bottom, width and height of the bars of an axis, in the order they were drawn."
    return [
        (bar.get_x(), bar.get_y(), bar.get_width(), bar.get_height())
        for container in ax.containers
        for bar in container
        if isinstance(bar, Rectangle)
    ]


def axis_with_title(figure, text):
    return next(ax for ax in figure.axes if text in ax.get_title())


def shown(name):
    "Return a class name without what a still adds for mathematics."
    return name.replace(r"\$", "$")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("first, second, t", [(0, 1, 0.3), (3, 0, 0.8)])
def test_bars_of_the_mixup_explorer(name, first, second, t):
    explorer = MixupExplorer(images(), range(4), NAMES[name], t=t, first=first, second=second)
    ax = axis_with_title(explorer.figure(), "mixed target")
    drawn = bars(ax)
    expected = t * np.eye(4)[first] + (1 - t) * np.eye(4)[second]
    assert np.allclose([height for *_, height in drawn], expected)
    centres = [left + width / 2 for left, _, width, _ in drawn]
    assert np.allclose(centres, range(4)) and np.allclose(ax.get_xticks(), centres)
    labels = [shown(label.get_text()) for label in ax.get_xticklabels()]
    assert labels == [text[:24] for text in NAMES[name]]


@pytest.mark.parametrize("t", [0.3, 0.5, 1.0])
def test_bars_of_the_lessons_classes(t):
    explorer = MixupExplorer(images(), range(4), NAMES["the same"], t=t, classes="lesson")
    drawn = bars(axis_with_title(explorer.figure(), "mixed target"))
    assert [left + width / 2 for left, _, width, _ in drawn] == pytest.approx(range(10))
    expected = t * np.eye(10)[2] + (1 - t) * np.eye(10)[7]
    assert np.allclose([height for *_, height in drawn], expected)


def test_bars_of_the_classes_that_are_shown_of_many():
    "Of 30 classes only those of the images have a bar."
    vocab = [f"{LONG}{i}" for i in range(30)]
    explorer = MixupExplorer(images(), [20, 3, 11, 29], vocab, t=0.3, first=0, second=3)
    drawn = bars(axis_with_title(explorer.figure(), "mixed target"))
    assert explorer.rows == [3, 11, 20, 29]
    assert np.allclose([height for *_, height in drawn], [0, 0, 0.3, 0.7])
    assert [left + width / 2 for left, _, width, _ in drawn] == pytest.approx(range(4))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("show", ["hard", "smoothed", "mixed"])
def test_bars_of_the_smoothing_explorer(name, show):
    explorer = SmoothingExplorer(NAMES[name], label=1, eps=0.2, t=0.6, show=show)
    ax = axis_with_title(explorer.figure(), "target, 4 classes")
    hard = np.eye(4)[1]
    expected = dict(
        hard=hard, smoothed=0.8 * hard + 0.2 / 4, mixed=0.6 * hard + 0.4 * np.eye(4)[2]
    )[show]
    drawn = bars(ax)
    assert np.allclose([width for _, _, width, _ in drawn], expected)
    assert np.allclose([bottom + height / 2 for _, bottom, _, height in drawn], range(4))


def fake_learner(vocab):
    after_batch = SimpleNamespace(fs=[])
    dls = SimpleNamespace(vocab=vocab, after_batch=after_batch)
    return SimpleNamespace(model=tiny_network(len(vocab)).eval(), dls=dls)


@pytest.mark.parametrize("name", NAMES)
def test_bars_of_the_tta_explorer(name):
    explorer = TTAExplorer(images(1), fake_learner(NAMES[name]), side=16)
    figure = explorer.figure()
    drawn = bars(figure.axes[2])
    order = np.argsort(-explorer.answer, kind="stable")
    expected = [*explorer.preds[0, order], *explorer.answer[order]]
    assert np.allclose([width for _, _, width, _ in drawn], expected)
    assert len({round(bottom, 6) for _, bottom, _, _ in drawn}) == 8


@pytest.mark.parametrize("name", NAMES)
def test_captions_of_the_resize_explorer(name):
    "Three different classes, even where they have one name, with their own probabilities."
    vocab = NAMES[name]
    learn = fake_learner(vocab)
    explorer = ResizeExplorer(images(1)[0], learn, stages=[[16, 1], [32, 1]])
    pixels = torch.from_numpy(explorer.seen(16))[None].float()
    with torch.no_grad():
        probs = learn.model(pixels).softmax(1)[0]
    best = probs.argsort(descending=True)[:3].tolist()
    caption = explorer.figure().axes[0].get_xlabel().splitlines()
    expected = [f"{vocab[c][:20]}  {probs[c]:.3f}" for c in best]
    assert [shown(line) for line in caption[-3:]] == expected


@pytest.mark.parametrize("name", ["the same", "blank", "mathematics"])
def test_a_still_of_such_names_can_be_drawn(name):
    explorer = MixupExplorer(images(), range(4), NAMES[name])
    assert draw_still(explorer.figure).startswith(b"\x89PNG")
