"ResizeExplorer: its state, what it computes, and what its model predicts."

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from learners import tiny_network
from PIL import Image

from lesson7.data.loaders import get_dls
from lesson7.explorers.resize import ResizeExplorer
from lesson7.outputs import probabilities
from lesson7.resize import Stage, relative_cost

LESSON = [Stage(128, 128, 4, 3e-3), Stage(224, 64, 5, 1e-3)]
STATS = (0.4, 0.4, 0.4), (0.2, 0.2, 0.2)


def test_computed_stages_and_images():
    explorer = ResizeExplorer(stages=LESSON, file=160)
    assert explorer.stages == [[128, 4], [224, 5]]
    assert relative_cost(explorer.schedule)[1] == relative_cost(LESSON)[1]
    assert explorer.seen(128).shape == (3, 128, 128)
    assert np.array_equal(explorer.seen(256, 256), explorer.pixels / 255)
    doubled = explorer.seen(128, 128).repeat(2, 1).repeat(2, 2)
    assert np.array_equal(explorer.seen(256, 128), doubled)  # no more than the file has
    explorer.stages = [Stage(32, 8, 1, 1e-3)] * 3
    assert explorer.stages == [[32, 1]] * 3


@pytest.mark.parametrize(
    "image, side",
    [
        (Image.new("L", (50, 70), 7), 50),
        (Image.new("RGBA", (300, 280), (1, 2, 3, 0)), 256),
        (Image.new("CMYK", (90, 300)), 90),
        (Image.new("RGB", (1, 1)), 1),
        (Image.fromarray(np.full((40, 60), 40_000, np.uint16)), 40),
        (Image.new("RGB", (4000, 3000)), 256),
        (torch.rand(3, 33, 65), 33),
        (np.zeros((20, 10, 3), np.uint8), 10),
    ],
)
def test_image_of_any_kind(image, side):
    explorer = ResizeExplorer(image)
    assert explorer.side == side == explorer.file == explorer.files[-1]
    assert explorer.files == sorted(set(explorer.files))
    assert explorer.seen(16).shape == (3, 16, 16) and len(explorer.still()) > 1000


def fake_learner(n, small):
    "Return a learner's stand-in with `n` classes of long names."
    after_batch = get_dls(4, 16, small, STATS).after_batch
    vocab = [f"<i>{i}" + "x" * 190 for i in range(n)]
    dls = SimpleNamespace(vocab=vocab, after_batch=after_batch)
    return SimpleNamespace(model=tiny_network(n), dls=dls)


@pytest.mark.parametrize("n", [1, 2, 1000])
def test_predictions_equal_the_models(n, small, tmp_path):
    learn = fake_learner(n, small)
    explorer = ResizeExplorer(learn=learn)
    for size, file in ((16, 32), (48, 256), (224, 96), (320, 160)):
        image = torch.from_numpy(explorer.seen(size, file))
        p = probabilities(learn, image[None])[0].numpy()
        classes, values = zip(*explorer.guesses["at"][str(file)][str(size)])
        assert len(classes) == min(3, n)
        assert np.allclose(values, np.sort(p)[::-1][:3], atol=2e-6)
        assert np.allclose(values, p[list(classes)], atol=2e-6)
    assert explorer.save(tmp_path / "r.html").stat().st_size < 1_000_000


def test_figure_shows_the_same_state():
    stages = [[64, 4], [128, 2], [224, 3]]
    figure = ResizeExplorer(stages=stages, file=160).figure()
    *photos, costs = figure.axes
    assert [ax.get_title() for ax in photos] == ["64 × 64 px", "128 × 128 px", "224 × 224 px"]
    assert [b.get_height() for b in costs.patches] == [(size / 224) ** 2 for size, _ in stages]
    is_past = ["nothing gained" in ax.get_xlabel() for ax in photos]
    assert is_past == [False, False, True]
