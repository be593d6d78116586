"An epoch of `get_dls` beside the lesson's, and `dataset_stats` beside decoding."

import statistics
from functools import partial

import torch
import torch.nn.functional as F
from PIL import Image

from lesson7.data.loaders import get_dls
from lesson7.data.samples import sample_dataset
from lesson7.normalize import NormStats, dataset_stats

from .lesson import lesson_dls, plain_model
from .row import Row, time_rounds

BATCH, SIZE = 64, 128


def train_without_steps(model, batches):
    "Run forward and backward passes on some batches."
    for x, y in batches:
        x, y = x.as_subclass(torch.Tensor), y.as_subclass(torch.Tensor)
        F.cross_entropy(model(x), y).backward()


def per_second(times):
    "Return the median number of images a second, for times in milliseconds."
    return f"{1000 / statistics.median(times):.0f}"


def epoch_row(path, images=128):
    "Return the row of an epoch on large JPEGs, after the first one."
    ours = get_dls(BATCH, SIZE, path, NormStats.imagenet(), num_workers=0).train
    theirs = lesson_dls(path, BATCH, SIZE).train
    train = partial(train_without_steps, plain_model(9))
    loaded = [ours.one_batch()] * (images // BATCH)
    load_ours, load_theirs, compute = time_rounds(
        3, partial(list, ours), partial(list, theirs), partial(train, loaded), per=images
    )
    train_ours, train_theirs = time_rounds(
        2, partial(train, ours), partial(train, theirs), per=images
    )
    note = (
        f"in the loader {per_second(load_ours)} pictures a second against "
        f"{per_second(load_theirs)}; in training (narrow xresnet18) {per_second(train_ours)} "
        f"against {per_second(train_theirs)}; forward and backward alone {per_second(compute)}"
    )
    return Row(
        "an epoch of get_dls(64, 128) on JPEGs of 500 x 375, the second or later",
        against="the lesson's get_dls",
        theirs=load_theirs,
        ours=load_ours,
        unit="ms a picture",
        least=3,
        bound_name="forward and backward alone",
        bound=compute,
        note=note,
    )


def decode(files):
    for file in files:
        Image.open(file).load()


def statistics_row():
    "Return the row of `dataset_stats` on the sample dataset."
    files = sorted((sample_dataset() / "train").glob("*/*.jpg"))
    ours, decoding = time_rounds(7, partial(dataset_stats, files), partial(decode, files))
    return Row(
        "dataset_stats of 2,000 pictures",
        against="",
        theirs=[],
        ours=ours,
        bound_name="decoding them",
        bound=decoding,
        within=1.3,
    )
