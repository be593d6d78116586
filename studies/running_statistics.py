"""What batch normalization's stored statistics explain: raw pixels, and other image sizes.

    python -m studies.running_statistics --out results.json

The design is `running_statistics.json`. For each seed a network is trained once. It is then
evaluated on inputs that it was not trained for, with three kinds of statistics: the stored ones,
those of each batch, and new ones, which torch's `update_bn` estimates on the training images.
"""

import copy
from pathlib import Path

import torch
from torch.optim.swa_utils import update_bn

from lesson7.training.config import Recipe
from lesson7.training.memory import load_images, plain_views, train_in_memory
from studies.small import run_small_study

DESIGN = Path(__file__).with_suffix(".json")
BS = 64  # images in a batch, of which batch statistics are taken


@torch.no_grad()
def accuracy(model, x, labels, batch_statistics=False):
    "Return the share of images that a model has right."
    model.train(batch_statistics)
    logits = torch.cat([model(part) for part in x.split(BS)])
    return (logits.argmax(1) == labels).double().mean().item()


def evaluate(model, images, size, is_normalized):
    "Return the accuracy with each kind of statistics; the model stays as it is."
    train, val = plain_views(images, size, is_normalized, "cpu")
    order = torch.randperm(len(val), generator=torch.Generator().manual_seed(0))
    val, labels = val[order], images.val_labels[order]  # else a batch would be of one class
    model = copy.deepcopy(model)
    found = dict(size=size, normalized=is_normalized, stored=accuracy(model, val, labels))
    update_bn(train[torch.randperm(len(train))].split(BS), model)
    found["new"] = accuracy(model, val, labels)
    found["batch"] = accuracy(model, val, labels, batch_statistics=True)
    return found


def run_seed(design, images, seed):
    "Train a network; yield its accuracies."
    run = train_in_memory(Recipe(**design["training"], seed=seed), images, "cpu", every=12)
    size = design["training"]["size"]
    rows = [evaluate(run.model, images, each, True) for each in design["sizes"]]
    yield dict(seed=seed, rows=[evaluate(run.model, images, size, False), *rows])


def prepare(design):
    "Return the sample dataset in memory, and its numbers of images."
    images = load_images(short=128)
    return images, [len(images.train), len(images.val)]


if __name__ == "__main__":
    run_small_study(DESIGN, __doc__, prepare, run_seed)
