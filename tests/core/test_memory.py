"Training in memory: the same steps as fastai's, on the same images as `get_dls` makes."

import numpy as np
import pytest
import torch
from fastai.vision.all import CrossEntropyLossFlat, DataLoader, DataLoaders, Learner

from lesson7.models import architecture
from lesson7.resize import Stage
from lesson7.training import memory
from lesson7.training.config import Recipe

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
