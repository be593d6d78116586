"The trainings of the studies, in memory, beside `train` and the bare steps of the network."

from dataclasses import replace

import torch
from torch.nn.functional import cross_entropy

from lesson7 import Recipe, architecture, sample_dataset, train
from lesson7.training.memory import load_images, train_in_memory

from .row import Row, milliseconds

ROUNDS = 5
IMAGES = 2000
RECIPE = Recipe(size=32, bs=64, epochs=2, normalize=True)


def bare_steps():
    "Take the forward and backward steps of the recipe on one batch of noise."
    model = architecture(RECIPE.arch)(n_out=10).to(memory_format=torch.channels_last)
    x = torch.randn(RECIPE.bs, 3, RECIPE.size, RECIPE.size)
    x = x.contiguous(memory_format=torch.channels_last)
    y = torch.zeros(RECIPE.bs, dtype=torch.long)
    for _ in range(RECIPE.epochs * (IMAGES // RECIPE.bs)):
        model.zero_grad()
        cross_entropy(model(x), y).backward()


def study_row():
    "Return the row of a training of the studies, on one core."
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    path = sample_dataset()
    images = load_images(path, short=2 * RECIPE.size, n_train=IMAGES)
    usual, ours, bound = [], [], []
    for seed in range(ROUNDS):
        recipe = replace(RECIPE, seed=seed)
        usual.append(1000 * train(recipe, path, bar=False).seconds)
        ours.append(1000 * train_in_memory(recipe, images, "cpu").seconds)
        bound.append(milliseconds(bare_steps))
    torch.set_num_threads(threads)
    return Row(
        work=f"{RECIPE.epochs} epochs of {IMAGES:,} images at {RECIPE.size} px in memory, one core",
        against="`train`",
        theirs=usual,
        ours=ours,
        bound_name="the forward and backward steps",
        bound=bound,
        note="a study's training has 80 epochs, and evaluates every second one",
    )
