"The lesson's own code, block by block, in today's spelling, on the sample dataset; and the numbers it prints that can be computed."

from functools import partial

import fastai.vision.all as fv
import numpy as np
import pytest
import torch


@pytest.fixture(scope="module")
def get_dls(small):
    "The lesson's function: `Resize(460)` would only blow up files of 128 px, flips would mirror digits; nothing else differs."
    from fastai.vision.all import (
        CategoryBlock,
        DataBlock,
        ImageBlock,
        Normalize,
        Resize,
        aug_transforms,
        get_image_files,
        imagenet_stats,
        parent_label,
    )

    def get_dls(bs, size):
        dblock = DataBlock(
            blocks=(ImageBlock, CategoryBlock),
            get_items=get_image_files,
            get_y=parent_label,
            item_tfms=Resize(128),
            batch_tfms=[
                *aug_transforms(size=size, min_scale=0.75, do_flip=False),
                Normalize.from_stats(*imagenet_stats),
            ],
        )
        return dblock.dataloaders(small, bs=bs, num_workers=0)

    return get_dls


@pytest.fixture(scope="module")
def xresnet50():
    "Stands for the lesson's `xresnet50()`: the same family, narrow, with as many outputs as there are classes."
    return partial(fv.xresnet18, widen=0.25, stem_szs=(16, 16, 64), n_out=10)


def trained(learn, epochs=1):
    "It trained: every epoch left finite losses, and an accuracy that is one."
    rows = learn.recorder.values
    assert len(rows) == epochs and np.isfinite(rows).all() and all(0 <= row[2] <= 1 for row in rows)
    return learn


def test_normalization(get_dls, xresnet50):
    dls = get_dls(16, 32)
    x, y = dls.one_batch()
    assert x.mean(dim=[0, 2, 3]).shape == x.std(dim=[0, 2, 3]).shape == (3,)
    model = xresnet50()
    learn = fv.Learner(dls, model, loss_func=fv.CrossEntropyLossFlat(), metrics=fv.accuracy)
    learn.fit_one_cycle(1, 3e-3)
    trained(learn)


def test_the_lessons_statistics_are_of_two_batches():
    from lesson7.normalize import NormStats, denormalize, normalize

    before, after = (
        torch.tensor([0.482, 0.4711, 0.4511])[:, None, None],
        torch.tensor([-0.0787, 0.0525, 0.2136])[:, None, None],
    )
    stats = NormStats.imagenet()
    assert torch.allclose(
        normalize(before, stats).flatten(), torch.tensor([-0.0131, 0.0674, 0.2004]), atol=1e-4
    )
    assert torch.allclose(
        denormalize(after, stats).flatten(), torch.tensor([0.4670, 0.4678, 0.4541]), atol=1e-4
    )


def test_progressive_resizing(get_dls, xresnet50):
    dls = get_dls(16, 32)
    learn = fv.Learner(dls, xresnet50(), loss_func=fv.CrossEntropyLossFlat(), metrics=fv.accuracy)
    learn.fit_one_cycle(1, 3e-3)
    trained(learn)
    learn.dls = get_dls(16, 48)
    learn.fine_tune(1, 1e-3)
    trained(learn)
    assert learn.dls.one_batch()[0].shape[-1] == 48


def test_test_time_augmentation(get_dls, xresnet50):
    learn = fv.Learner(
        get_dls(16, 32), xresnet50(), loss_func=fv.CrossEntropyLossFlat(), metrics=fv.accuracy
    )
    preds, targs = learn.tta()
    assert (
        preds.shape == (len(learn.dls.valid_ds), 10) and 0 <= fv.accuracy(preds, targs).item() <= 1
    )


def test_mixup_pseudocode(small):
    from random import randint
    from random import uniform as random_float

    dataset = [(torch.rand(3, 8, 8), torch.eye(10)[c]) for c in range(10)]
    image1, target1 = dataset[2]
    image2, target2 = dataset[
        randint(0, len(dataset) - 1)
    ]  # randint includes its end; the lesson's would run past it
    t = random_float(0.5, 1.0)
    new_image = t * image1 + (1 - t) * image2
    new_target = t * target1 + (1 - t) * target2
    assert (
        new_image.shape == (3, 8, 8)
        and torch.isclose(new_target.sum(), torch.tensor(1.0))
        and new_target[2] >= 0.5
    )


def test_mixup_numbers():
    from lesson7.mixup import mix

    one_hot = torch.eye(10, dtype=torch.float64)
    assert one_hot[2].tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0] and one_hot[7].tolist() == [
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        1,
        0,
        0,
    ]
    assert np.allclose(
        mix(one_hot[2], one_hot[7], 0.3), [0, 0, 0.3, 0, 0, 0, 0, 0.7, 0, 0], atol=1e-12
    )


def test_mixup_training(get_dls, xresnet50):
    dls, model = get_dls(16, 32), xresnet50()
    learn = fv.Learner(
        dls, model, loss_func=fv.CrossEntropyLossFlat(), metrics=fv.accuracy, cbs=fv.MixUp
    )
    learn.fit_one_cycle(1, 3e-3)
    trained(learn)


def test_label_smoothing_numbers():
    from lesson7.smoothing import smooth_labels

    expected = [0.01, 0.01, 0.01, 0.91, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01]
    assert np.allclose(smooth_labels(torch.tensor([3]), 10, eps=0.1)[0], expected, atol=1e-7)
    eps, N = 0.1, 10
    assert (
        np.isclose(eps / N, 0.01)
        and np.isclose(1 - eps + eps / N, 0.91)
        and np.isclose(sum(expected), 1)
    )


def test_label_smoothing_training(get_dls, xresnet50):
    dls, model = get_dls(16, 32), xresnet50()
    learn = fv.Learner(dls, model, loss_func=fv.LabelSmoothingCrossEntropy(), metrics=fv.accuracy)
    learn.fit_one_cycle(1, 3e-3)
    trained(learn)
