"""Label smoothing with several eps, in the short training of chapter five.

    python -m studies.smoothing --out results.json

The design is `smoothing.json`.
"""

from dataclasses import asdict
from pathlib import Path

import torch
from fastai.vision.all import (
    ConvLayer,
    DataLoaders,
    LabelSmoothingCrossEntropy,
    Learner,
    nn,
    set_seed,
)
from torch.utils.data import TensorDataset

from lesson7 import dataset_stats, get_dls, sample_dataset
from lesson7.measure import scores
from studies.small import run_small_study

DESIGN = Path(__file__).with_suffix(".json")
SIZE = 24  # pixels
EPOCHS = 15
LR = 1e-2
CHANNELS = [(3, 16, 1), (16, 32, 2), (32, 64, 2), (64, 64, 2)]  # in, out, stride


def in_memory(path):
    "Return loaders of tensors, decoded once, without augmentation."
    dls = get_dls(250, SIZE, path, dataset_stats(path / "train"), device="cpu")
    datasets = []
    for dataset in (dls.train_ds, dls.valid_ds):
        batches = zip(*dls.test_dl(dataset.items, with_labels=True))
        columns = [torch.cat([b.as_subclass(torch.Tensor) for b in column]) for column in batches]
        datasets.append(TensorDataset(*columns))
    return DataLoaders.from_dsets(*datasets, bs=64, device="cpu", num_workers=0)


def small_net():
    layers = [ConvLayer(n_in, n_out, stride=stride) for n_in, n_out, stride in CHANNELS]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def run_arm(dls, eps, seed):
    "Train a network; return its measures."
    set_seed(seed)
    learn = Learner(dls, small_net(), loss_func=LabelSmoothingCrossEntropy(eps))
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(EPOCHS, LR)
        probs, labels = learn.get_preds()
    confidence = probs.amax(1).mean().item()
    return dict(eps=eps, seed=seed, confidence=confidence, **asdict(scores(probs, labels)))


def run_seed(design, dls, seed):
    "Yield the results of all arms."
    for eps in design["eps"]:
        yield run_arm(dls, eps, seed)


def prepare(design):
    "Return the loaders, and their numbers of images."
    dls = in_memory(sample_dataset())
    return dls, [len(dls.train_ds), len(dls.valid_ds)]


if __name__ == "__main__":
    run_small_study(DESIGN, __doc__, prepare, run_seed)
