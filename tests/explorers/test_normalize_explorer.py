"NormalizeExplorer: its state, what it computes, and what its model predicts."

from copy import deepcopy

import numpy as np
import pytest
import torch
from fastai.vision.all import CrossEntropyLossFlat, Learner, set_seed, xresnet18

from lesson7.data.loaders import get_dls
from lesson7.data.samples import photos
from lesson7.explorers.normalize import NormalizeExplorer, channel_stats, standardize
from lesson7.normalize import NormStats, normalize
from lesson7.outputs import batch_norms, probabilities

IMAGENET = NormStats.imagenet()
OWN = NormStats((0.40, 0.37, 0.35), (0.21, 0.20, 0.19), "digits")


def test_computed_values():
    explorer = NormalizeExplorer(bs=8, draw=3, kind="imagenet")
    assert explorer.batch.shape == (8, 3, 64, 64)
    assert np.allclose(explorer.normalized, standardize(explorer.batch, IMAGENET))
    explorer.kind = "batch"
    after = channel_stats(explorer.normalized)
    assert np.allclose(after.mean, 0, atol=1e-9) and np.allclose(after.std, 1)
    explorer.bs = 32
    explorer.kind = "dataset"
    after = channel_stats(explorer.normalized)
    assert np.allclose(after.mean, 0, atol=1e-6)  # all images: the whole dataset
    explorer.kind = "none"
    assert np.array_equal(explorer.normalized, explorer.batch) and explorer.stats is None


@pytest.mark.parametrize("kind", ["none", "batch", "dataset", "imagenet", "own"])
@pytest.mark.parametrize("source", ["photos", "folder", "images", "stats"])
def test_code_gives_the_batch_and_the_result(kind, source, small):
    x, _ = get_dls(8, 64, small).one_batch()
    arguments = {
        "photos": dict(seed=3),
        "folder": dict(images=small / "val", side=32),
        "images": dict(images=x),
        "stats": dict(stats=OWN),
    }
    explorer = NormalizeExplorer(kind=kind, draw=2, bs=5, **arguments[source])
    names = dict(images=x)  # images without a short expression keep this name
    exec(explorer.code(), names)
    assert np.allclose(names["x"], explorer.batch)
    assert np.allclose(names["z"], explorer.normalized)


def test_credits_of_the_photos():
    used = NormalizeExplorer().credits
    assert len(used) == 32 and used[0] == photos("chelsea")["chelsea"].info["credit"]
    assert NormalizeExplorer(np.random.default_rng(0).random((1, 3, 8, 8))).credits == [""]


@pytest.fixture(scope="module")
def predicted(small):
    "An explorer with an untrained learner, that learner, and the labels of its loader's batch."
    dls = get_dls(30, 32, small, OWN)
    set_seed(1)
    learn = Learner(dls, xresnet18(widen=0.25, n_out=dls.c))
    x, y = get_dls(30, 32, small).valid.one_batch()
    return NormalizeExplorer(x, OWN, side=32, labels=y, learn=learn, bs=30), learn, y


def test_predictions_equal_the_learners(predicted):
    explorer, learn, y = predicted
    explorer.complete()
    preds, targs = learn.get_preds(dl=learn.dls.valid)
    assert torch.equal(targs, torch.as_tensor(y)) and explorer.right == y.tolist()
    tolerance = 2e-3  # the explorer's images are bytes, not floats
    for (c, p), expected in zip(explorer.says["dataset"], preds):
        assert abs(expected[c] - p) < tolerance and p > expected.max() - tolerance
    learn.model.eval()
    with torch.no_grad():
        images = torch.from_numpy(explorer.images).float()
        raw = learn.model(images).softmax(1).max(1)[0]
    assert np.allclose([p for _, p in explorer.says["none"]], raw, atol=1e-5)


@pytest.mark.parametrize("kind", ["dataset", "imagenet", "none"])
def test_predictions_with_batch_statistics_equal_those_in_training(predicted, kind):
    explorer, learn, _ = predicted
    model = deepcopy(learn.model).train()
    images = explorer.images
    if kind != "none":
        images = standardize(images, NormStats(*explorer.known[kind]))
    with torch.no_grad():
        values, classes = model(torch.from_numpy(images).float()).softmax(1).max(1)
    found = np.array(explorer.batch_says[kind])
    assert np.allclose(found[:, 1], values, atol=1e-5)
    assert (found[:, 0] == classes.numpy()).mean() > 0.9  # the best two may be equal
    assert not np.allclose(found[:, 1], [p for _, p in explorer.says[kind]], atol=1e-3)


def test_batch_statistics_change_no_stored_ones(predicted):
    explorer, learn, _ = predicted
    learn.model.train()
    before = deepcopy(learn.model.state_dict())
    images = torch.from_numpy(explorer.images)
    probabilities(learn, images, None, batch_statistics=True)
    after = learn.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(module.training for module in learn.model.modules())
    assert all(module.track_running_stats for module in batch_norms(learn.model))


def test_a_model_without_batch_normalization_has_no_second_answers(small):
    x, y = get_dls(8, 32, small).valid.one_batch()
    dls = get_dls(8, 32, small, OWN)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, dls.c))
    learn = Learner(dls, net, loss_func=CrossEntropyLossFlat())
    assert NormalizeExplorer(x, OWN, side=32, labels=y, learn=learn).batch_says == {}


def test_size_of_a_saved_explorer_with_a_model(predicted, tmp_path):
    explorer, _, _ = predicted
    assert explorer.save(tmp_path / "n.html").stat().st_size < 1_000_000


def test_still_shows_no_minus_before_zero():
    figure = NormalizeExplorer(kind="batch").figure()
    titles = [axes.get_title() for axes in figure.axes]
    assert any("mean 0.000" in title for title in titles)
    assert not any("-0.000" in title for title in titles)


def test_invalid_number_of_labels():
    message = "number of labels must be 32, one for each image, got 2"
    with pytest.raises(ValueError, match=message):
        NormalizeExplorer(labels=[0, 1])


def test_batch_of_a_loader_and_its_statistics(small):
    x, _ = get_dls(8, 64, small).one_batch()
    explorer = NormalizeExplorer(x, OWN)
    assert explorer.images.shape == (8, 3, 64, 64)
    assert abs(explorer.images - x.numpy()).max() < 0.5 / 255 + 1e-6
    assert explorer.stats.mean == OWN.mean and explorer.bs == 8
    with pytest.raises(ValueError, match="denormalize first"):
        NormalizeExplorer(normalize(x, OWN))
