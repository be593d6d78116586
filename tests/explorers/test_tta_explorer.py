"TTAExplorer: its state, its views, and what its model predicts."

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import traitlets as T
from learners import narrow_learner
from PIL import Image

from lesson7.data.images import crop_resized
from lesson7.data.loaders import get_dls
from lesson7.data.samples import photos
from lesson7.explorers.tta import TTAExplorer
from lesson7.outputs import probabilities
from lesson7.tta import windows

STATS = (0.4, 0.37, 0.35), (0.21, 0.2, 0.19)


@pytest.fixture(scope="module")
def learn(small):
    return narrow_learner(get_dls(8, 48, small, STATS))


def noise(w, h, mode="RGB"):
    pixels = np.random.default_rng(0).integers(0, 255, (h, w, 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


def test_number_of_windows_is_fixed():
    explorer = TTAExplorer(at=[[0, 0], [0.5, 1]])
    assert len(explorer.boxes) == len(explorer.on) == 3
    with pytest.raises(T.TraitError, match="on must be 2 values, .*, got 3"):
        explorer.at = [[0, 0]]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(n=0), "number of windows must be from 1 to 8, got 0"),
        (dict(n=9), "number of windows must be from 1 to 8, got 9"),
        (dict(images=[]), "number of images must be from 1 to 8, got 0"),
        (dict(images=["no.jpg"]), "no.jpg"),
    ],
)
def test_invalid_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        TTAExplorer(**arguments)


def test_views_equal_pillows_resize():
    photo = photos()["coffee"]
    x = np.asarray(photo).transpose(2, 0, 1) / 255
    for box in ((0, 0, 400, 400), (37, 20, 350, 333), (500, 300, 540, 340)):
        expected = photo.crop(box).resize((96, 96), Image.Resampling.BILINEAR)
        found = 255 * crop_resized(x, box, 96).transpose(1, 2, 0)
        assert abs(found - np.asarray(expected, float)).max() <= 1
    padded = crop_resized(x, (0, -100, 600, 500), 96)
    assert padded[:, :15].max() == padded[:, -15:].max() == 0 and padded[:, 20:70].max() > 0.5


def test_computed_values():
    explorer = TTAExplorer()
    assert explorer.boxes == [(40, 0, 200, 160), *windows(160, 240, 96)]
    assert explorer.views.shape == (5, 3, 96, 96)
    assert explorer.target_box == (184, 57, 240, 113)
    assert np.allclose(explorer.preds[0], [2 / 7, 5 / 7])
    explorer.reduce = "lerp"
    explorer.on = [True, True, True, False, False]
    plain, *others = explorer.preds[:3]
    assert np.allclose(explorer.answer, 0.25 * plain + 0.75 * np.mean(others, 0))
    explorer.on = [False, True, True, False, False]
    assert np.allclose(explorer.answer, np.mean(others, 0))
    explorer.plain = "pad"
    assert explorer.boxes[0] == (0, -40, 240, 200) and explorer.preds[0, 0] == 1


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(noise(90, 60, "L"), id="grey"),
        pytest.param(noise(60, 90, "RGBA"), id="rgba"),
        pytest.param(noise(50, 60, "CMYK"), id="cmyk"),
        pytest.param(
            Image.fromarray(np.arange(6000, dtype=np.uint16).reshape(60, 100)), id="16 bit"
        ),
        pytest.param(noise(1, 1), id="1x1"),
        pytest.param(noise(4000, 3000), id="4000x3000"),
        pytest.param(noise(3, 900), id="thin"),
    ],
)
def test_image_of_any_kind(image):
    explorer = TTAExplorer([image], n=6, side=32)
    assert max(explorer.sizes[0]) <= 640
    views = explorer.views
    assert views.shape == (7, 3, 32, 32) and views.min() >= 0 and views.max() <= 1.001
    assert explorer.figure() and len(explorer.still()) > 1000


def test_predictions_equal_the_models(learn):
    images = learn.dls.valid_ds.items[:2]
    at = [[0.3, 0], [1, 1], [0.5, 0.5], [0, 0.124]]
    explorer = TTAExplorer(images, learn, side=48, scale=0.6, at=at, photo=1)
    assert explorer.at == [[0.3, 0], [1, 1], [0.5, 0.5], [0, 0.125]]
    for places in (at, [[0.25, 0], [1, 1], [0.5, 0.5], [0, 0.124]]):
        explorer.at = places
        expected = probabilities(learn, torch.from_numpy(explorer.views))
        assert np.allclose(explorer.preds, expected, atol=1e-5)
    with pytest.raises(T.TraitError, match="from 0 to 3"):
        explorer.moving = 4  # no object beside a model


def test_code_with_a_model_gives_its_numbers(learn):
    images = learn.dls.valid_ds.items[:2]
    explorer = TTAExplorer(images, learn, side=48, photo=1, reduce="lerp")
    for on in ([True] * 5, [False, True, True, False, True]):
        explorer.on = on
        found = dict(images=images, learn=learn)
        exec(explorer.code(), found)
        assert np.allclose(found["answer"][0], explorer.answer, atol=1e-5)
        assert np.allclose(found["views"], explorer.views[on])


def test_code_opens_the_readers_images(tmp_path):
    for i in range(10):
        noise(40 + i, 30).save(tmp_path / f"{i}.png")
    listed = [noise(50, 30), noise(30, 50)]
    sources = [tmp_path, tmp_path / "3.png", listed, dict(a=listed[0], b=listed[1])]
    for images in sources:
        explorer = TTAExplorer(images, side=16)
        explorer.photo = len(explorer.names) - 1
        found = dict(images=images)
        exec(explorer.code(), found)
        assert np.allclose(found["views"], explorer.views)
        assert np.allclose(found["answer"][0], explorer.answer, atol=1e-6)


@pytest.mark.parametrize(
    "on, reduce, call",
    [
        ([1, 1, 1, 1, 1], "mean", "learn.tta(n=4, beta=0.2)"),
        ([1, 1, 1, 0, 0], "mean", "learn.tta(n=2, beta=0.3333333333)"),
        ([1, 1, 1, 1, 1], "lerp", "learn.tta(n=4, beta=0.25)"),
        ([0, 1, 1, 1, 1], "lerp", "learn.tta(n=4, beta=0.0)"),
        ([1, 1, 0, 0, 0], "max", "learn.tta(n=1, use_max=True)"),
        ([0, 1, 0, 0, 0], "max", "learn.tta(n=1, use_max=True)  # with the plain view"),
        ([1, 0, 0, 0, 0], "lerp", "learn.get_preds()"),
    ],
)
def test_line_of_fastai(on, reduce, call):
    explorer = TTAExplorer(on=[bool(value) for value in on], reduce=reduce)
    assert explorer.code().endswith(f"# preds, targs = {call}\n")


def test_fastai_combines_as_the_line_says():
    "A copy of the last lines of `Learner.tta`: the augmented views' mean, and the plain view."
    preds = torch.from_numpy(TTAExplorer().preds)
    plain, others = preds[0], preds[1:].mean(0)
    for reduce, beta in (("mean", 0.2), ("lerp", 0.25)):
        found = torch.lerp(others, plain, beta)
        assert np.allclose(found, TTAExplorer(reduce=reduce).answer)


def test_steps_fit_the_explorer(learn):
    default = TTAExplorer()
    assert len(default.steps) == 3 and "0.457" in default.steps[0]["answer"]
    images = [noise(60, 40)]
    of_images = TTAExplorer(images, n=4), TTAExplorer(images, learn, side=48)
    of_windows = TTAExplorer(n=2), TTAExplorer(at=[[0, 0]])
    for explorer in (*of_images, *of_windows):
        assert explorer.steps[0]["title"] == "Move a window"


@pytest.mark.parametrize("classes", [1, 2, 1000])
def test_size_of_a_saved_explorer_with_a_model(classes, tmp_path, learn):
    layers = torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, classes)
    vocab = [f"class {i}" for i in range(classes)]
    dls = SimpleNamespace(after_batch=learn.dls.after_batch, vocab=vocab)
    fake = SimpleNamespace(model=torch.nn.Sequential(*layers), dls=dls)
    explorer = TTAExplorer(learn=fake)
    assert len(explorer.classes) == classes
    assert explorer.save(tmp_path / "e.html").stat().st_size < 1_000_000
    assert {len(found["classes"]) for found in explorer.asked} == {min(classes, 10)}
