"Small untrained networks and learners, and the lesson's loaders, that several test files use."

import torch
from torch import nn

from lesson7.data.loaders import get_dls


def lesson_block(item_tfms, batch_tfms=None, **options):
    """Return the `DataBlock` of the lesson, for images in a folder for each class.

    Options are `DataBlock`'s own, such as `splitter`.
    """
    from fastai.vision.all import (
        CategoryBlock,
        DataBlock,
        ImageBlock,
        get_image_files,
        parent_label,
    )

    return DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_items=get_image_files,
        get_y=parent_label,
        item_tfms=item_tfms,
        batch_tfms=batch_tfms,
        **options,
    )


def lesson_loaders(path, bs, item_tfms, batch_tfms=None):
    "Return the loaders of the lesson's `DataBlock`, with the folders `train` and `val` of `path`."
    from fastai.vision.all import GrandparentSplitter

    splitter = GrandparentSplitter(valid_name="val")
    block = lesson_block(item_tfms, batch_tfms, splitter=splitter)
    return block.dataloaders(path, bs=bs, num_workers=0)


def normalize_transform(dls):
    "Return the `Normalize` of loaders; None where they have none."
    found = [t for t in dls.after_batch.fs if type(t).__name__ == "Normalize"]
    return found[0] if found else None


def tiny_network(n_out=10):
    "Return a convolutional network that takes images of any size."
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, n_out),
    )


def tiny_learner(dls, **options):
    "Return a learner with a tiny network; options are those of fastai's `Learner`."
    from fastai.vision.all import CrossEntropyLossFlat, Learner, accuracy

    loss = CrossEntropyLossFlat()
    return Learner(dls, tiny_network(dls.c), loss_func=loss, metrics=accuracy, **options)


def narrow_learner(dls, loss=None, cbs=None):
    "Return a learner with a narrow xresnet18 and no progress bar."
    from fastai.vision.all import CrossEntropyLossFlat, Learner, xresnet18

    torch.manual_seed(0)
    model = xresnet18(n_out=dls.c, widen=0.25, stem_szs=(16, 16, 64))
    learn = Learner(dls, model, loss_func=loss or CrossEntropyLossFlat(), cbs=cbs)
    learn.remove_cb(learn.progress)
    return learn


def linear_learner(path, loss, cbs=None, bs=8):
    "Return a learner with one linear layer, on the images of `path` at 32 px."
    from fastai.vision.all import Learner

    dls = get_dls(bs, 32, path)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, dls.c))
    return Learner(dls, model, loss_func=loss, cbs=cbs)
