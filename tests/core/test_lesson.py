"The lesson's code, block by block, in today's spelling, and the numbers that it prints."

from functools import partial
from random import randint, uniform

import fastai.vision.all as fv
import numpy as np
import pytest
import torch
from learners import lesson_block

from lesson7.mixup import mix
from lesson7.normalize import NormStats, denormalize, normalize
from lesson7.smoothing import smooth_labels


@pytest.fixture(scope="module")
def get_dls(small):
    """The lesson's function, with two changes for the sample dataset.

    `Resize(460)` would enlarge files of 128 px, and flips would mirror digits.
    """

    def get_dls(bs, size):
        augment = fv.aug_transforms(size=size, min_scale=0.75, do_flip=False)
        normalize = fv.Normalize.from_stats(*fv.imagenet_stats)
        block = lesson_block(fv.Resize(128), [*augment, normalize])
        return block.dataloaders(small, bs=bs, num_workers=0)

    return get_dls


@pytest.fixture(scope="module")
def xresnet50():
    "In the place of the lesson's `xresnet50()`: a narrow xresnet18, with ten outputs."
    return partial(fv.xresnet18, widen=0.25, stem_szs=(16, 16, 64), n_out=10)


def check_recorder(learn):
    "Check that the one epoch has finite losses and an accuracy in [0,1]."
    (row,) = learn.recorder.values
    assert np.isfinite(row).all()
    assert 0 <= row[2] <= 1


# ---- Normalization


def test_normalization(get_dls, xresnet50):
    dls = get_dls(16, 32)
    x, _ = dls.one_batch()
    assert x.mean(dim=[0, 2, 3]).shape == x.std(dim=[0, 2, 3]).shape == (3,)
    model = xresnet50()
    learn = fv.Learner(dls, model, loss_func=fv.CrossEntropyLossFlat(), metrics=fv.accuracy)
    learn.fit_one_cycle(1, 3e-3)
    check_recorder(learn)


def channels(*values):
    "Return one pixel with these values, [C,1,1]."
    return torch.tensor(values)[:, None, None]


def test_the_lessons_means_are_of_two_batches():
    "The mean before normalization and the mean after it do not fit each other."
    stats = NormStats.imagenet()
    normalized = normalize(channels(0.482, 0.4711, 0.4511), stats)
    original = denormalize(channels(-0.0787, 0.0525, 0.2136), stats)
    assert torch.allclose(normalized, channels(-0.0131, 0.0674, 0.2004), atol=1e-4)
    assert torch.allclose(original, channels(0.4670, 0.4678, 0.4541), atol=1e-4)


# ---- Progressive resizing and test time augmentation


@pytest.mark.slow
def test_progressive_resizing(get_dls, xresnet50):
    dls = get_dls(16, 32)
    learn = fv.Learner(dls, xresnet50(), loss_func=fv.CrossEntropyLossFlat(), metrics=fv.accuracy)
    learn.fit_one_cycle(1, 3e-3)
    check_recorder(learn)
    learn.dls = get_dls(16, 48)
    learn.fine_tune(1, 1e-3)
    check_recorder(learn)
    assert learn.dls.one_batch()[0].shape[-1] == 48


def test_test_time_augmentation(get_dls, xresnet50):
    dls = get_dls(16, 32)
    learn = fv.Learner(dls, xresnet50(), loss_func=fv.CrossEntropyLossFlat(), metrics=fv.accuracy)
    preds, targs = learn.tta()
    assert preds.shape == (len(learn.dls.valid_ds), 10)
    assert 0 <= fv.accuracy(preds, targs).item() <= 1


# ---- Mixup


def test_mixup_pseudocode():
    dataset = [(torch.rand(3, 8, 8), torch.eye(10)[c]) for c in range(10)]
    image1, target1 = dataset[2]
    # `randint` includes its end, so the lesson's `randint(0, len(dataset))` could fail.
    image2, target2 = dataset[randint(0, len(dataset) - 1)]
    t = uniform(0.5, 1.0)
    new_image = t * image1 + (1 - t) * image2
    new_target = t * target1 + (1 - t) * target2
    assert new_image.shape == (3, 8, 8)
    assert torch.isclose(new_target.sum(), torch.tensor(1.0))
    assert new_target[2] >= 0.5


def test_mixup_numbers():
    one_hot = torch.eye(10, dtype=torch.float64)
    assert one_hot[2].tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert one_hot[7].tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    expected = [0, 0, 0.3, 0, 0, 0, 0, 0.7, 0, 0]
    assert np.allclose(mix(one_hot[2], one_hot[7], 0.3), expected, atol=1e-12)


def test_mixup_training(get_dls, xresnet50):
    dls, loss = get_dls(16, 32), fv.CrossEntropyLossFlat()
    learn = fv.Learner(dls, xresnet50(), loss_func=loss, metrics=fv.accuracy, cbs=fv.MixUp)
    learn.fit_one_cycle(1, 3e-3)
    check_recorder(learn)


# ---- Label smoothing


def test_label_smoothing_numbers():
    expected = [0.01, 0.01, 0.01, 0.91, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01]
    assert np.allclose(smooth_labels(torch.tensor([3]), 10, eps=0.1)[0], expected, atol=1e-7)
    assert np.isclose(sum(expected), 1)


def test_label_smoothing_formula():
    eps, N = 0.1, 10
    assert np.isclose(eps / N, 0.01)
    assert np.isclose(1 - eps + eps / N, 0.91)


def test_label_smoothing_training(get_dls, xresnet50):
    dls, model = get_dls(16, 32), xresnet50()
    learn = fv.Learner(dls, model, loss_func=fv.LabelSmoothingCrossEntropy(), metrics=fv.accuracy)
    learn.fit_one_cycle(1, 3e-3)
    check_recorder(learn)
