"Training in memory: the same steps as fastai's, on the same images as `get_dls` makes."

import numpy as np
import pytest
import torch
from fastai.vision.all import CrossEntropyLossFlat, DataLoader, DataLoaders, Learner

from lesson7 import get_dls, sample_dataset
from lesson7.data.loaders import mislabel, shifted_labels
from lesson7.data.views import ViewLoader, by_view
from lesson7.models import architecture
from lesson7.resize import Stage
from lesson7.training import memory
from lesson7.training.config import Recipe
from lesson7.tta import windows

BS, STEPS = 8, 4

PLANS = {
    "one stage": (Stage(16, BS, 3, 3e-3),),
    "two stages": (Stage(16, BS, 2, 3e-3), Stage(24, BS, 2, 1e-3)),
}


def make_batches(size, seed):
    "Return random images with one-hot targets, the same for the same seed."
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(STEPS, BS, 3, size, size, generator=generator)
    y = torch.randint(10, (STEPS, BS), generator=generator)
    return list(zip(x, y))


def fastai_weights(plan, smoothing):
    "Train by fastai's own calls; return the weights."
    torch.manual_seed(0)
    model = architecture("xresnet18-narrow")(n_out=10)

    def dls(size):
        dl = DataLoader(make_batches(size, size), bs=None, num_workers=0)
        return DataLoaders(dl, dl)

    first, *later = plan
    loss = CrossEntropyLossFlat(label_smoothing=smoothing)
    learn = Learner(dls(first.size), model, loss_func=loss)
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(first.epochs, first.lr)
        for stage in later:
            learn.dls = dls(stage.size)
            learn.fine_tune(stage.epochs, stage.lr)
    return learn.model.state_dict()


def memory_weights(plan, smoothing):
    "Train on the same batches by `take_steps`; return the weights."
    torch.manual_seed(0)
    model = architecture("xresnet18-narrow")(n_out=10).train()
    for cycle in memory._cycles(plan):
        optimizer = memory._optimizer(model)
        shape = cycle.bs, 3, cycle.size, cycle.size
        gradients = memory._Gradients(model, smoothing, shape, 10, "cpu")
        total = cycle.epochs * STEPS
        for epoch in range(cycle.epochs):
            pairs = make_batches(cycle.size, cycle.size)
            batches = [(x, torch.nn.functional.one_hot(y, 10).float()) for x, y in pairs]
            memory.take_steps(model, optimizer, batches, cycle, epoch * STEPS, total, gradients)
    return model.state_dict()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("name", PLANS)
def test_steps_are_those_of_fastai(name, smoothing):
    wanted = fastai_weights(PLANS[name], smoothing)
    found = memory_weights(PLANS[name], smoothing)
    for key, value in wanted.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-3, atol=2e-5, err_msg=key)


# ---- The same images as the loaders'


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return sample_dataset(tmp_path_factory.mktemp("memory") / "digits", n_train=40, n_val=20)


@pytest.fixture(scope="module")
def images(dataset):
    return memory.load_images(dataset, short=128)


def test_views_are_those_of_tta(dataset, images):
    dls = get_dls(20, 32, dataset, images.stats)
    loader = ViewLoader(dls.valid, 4, lambda i, h, w, size: windows(h, w, size))
    wanted = torch.cat([batch[0].as_subclass(torch.Tensor) for batch in loader])
    wanted = by_view(wanted, loader.part_sizes, loader.n_views)
    found = memory.validation_views(images, 32, True, 4, "cpu")
    assert found.shape == wanted.shape == (5, 20, 3, 32, 32)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    assert list(dls.vocab) == images.vocab


def test_crops_are_at_random_places_of_the_long_side(images):
    squares = images.random_squares(torch.Generator().manual_seed(0))
    assert squares.shape == (40, 3, 128, 128)
    others = images.random_squares(torch.Generator().manual_seed(1))
    assert (squares != others).flatten(1).any(1).float().mean() > 0.9
    for square, pixels in zip(squares.numpy(), images.train):
        height, width = pixels.shape[1:]
        places = [pixels[:, i : i + 128, :128] for i in range(height - 127)]
        places += [pixels[:, :128, i : i + 128] for i in range(width - 127)]
        assert any(np.array_equal(square, place) for place in places)


def test_wrong_labels_are_those_of_mislabel(dataset, images):
    dls = get_dls(20, 32, dataset)
    mislabel(dls, 0.25, seed=3)
    wanted = [int(label) for label in dls.train_ds.tls[1]]
    given = shifted_labels(images.train_labels, 10, 0.25, seed=3)
    assert given.tolist() == wanted
    assert (given != images.train_labels).sum() == 10


def make_run(images, **changes):
    "Return what an epoch needs, and its cycle."
    recipe = Recipe(size=32, bs=16, epochs=1, **changes)
    run, _ = memory._prepare(recipe, images, "cpu")
    return run, memory._cycles(recipe.plan)[0]


def test_an_epoch_has_each_image_once_and_drops_the_rest(images):
    run, cycle = make_run(images)
    run.labels = torch.arange(40)
    batches = list(run.batches(cycle))
    assert [x.shape for x, _ in batches] == [(16, 3, 32, 32)] * 2
    drawn = torch.cat([y for _, y in batches]).tolist()
    assert len(set(drawn)) == 32


def test_mixup_mixes_within_a_batch_and_keeps_the_larger_share(images):
    run, cycle = make_run(images, mixup=0.4)
    run.labels = torch.eye(40)  # each image is a class of its own
    batches = [y for _, y in run.batches(cycle)]
    for y in batches:
        assert torch.allclose(y.sum(1), torch.ones(16))
        assert (y.max(1).values >= 0.5).all()
        assert ((y > 0).sum(1) <= 2).all() and ((y > 0).sum(1) == 2).any()
    in_first, in_second = (set(y.nonzero()[:, 1].tolist()) for y in batches)
    assert not in_first & in_second


def test_without_mixup_targets_have_one_class(images):
    run, cycle = make_run(images)
    for _, y in run.batches(cycle):
        assert (y.max(1).values == 1).all()


# ---- A training


def test_a_training_is_the_same_with_the_same_seed(images):
    stages = (Stage(18, 16, 1, 3e-3), Stage(32, 16, 1, 1e-3))
    recipe = Recipe(size=32, bs=16, epochs=3, stages=stages, noise=0.25, tta=4)
    first, again = (memory.train_in_memory(recipe, images, "cpu", every=2) for _ in range(2))
    torch.testing.assert_close(first.log_probs, again.log_probs)
    assert [row["size"] for row in first.history] == [18, 32, 32]
    assert ["accuracy" in row for row in first.history] == [False, True, True]
    sums = first.log_probs.exp().sum(-1)
    torch.testing.assert_close(sums, torch.ones(5, 20))
    right = (first.log_probs[0].argmax(1) == first.labels).double().mean().item()
    assert first.history[-1]["accuracy"] == pytest.approx(right)


def test_few_images_are_as_many_of_each_class(dataset):
    images = memory.load_images(dataset, 32, n_train=20)
    assert images.train_labels.bincount().tolist() == [2] * 10
    with pytest.raises(ValueError, match="n_train must be a multiple of 10"):
        memory.load_images(dataset, 32, n_train=25)
