"Small untrained networks and learners that several test files use."

import torch
from torch import nn

from lesson7.data.loaders import get_dls


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


def narrow_learner(dls, loss=None):
    "Return a learner with a narrow xresnet18 and no progress bar."
    from fastai.vision.all import CrossEntropyLossFlat, Learner, xresnet18

    torch.manual_seed(0)
    model = xresnet18(n_out=dls.c, widen=0.25, stem_szs=(16, 16, 64))
    learn = Learner(dls, model, loss_func=loss or CrossEntropyLossFlat())
    learn.remove_cb(learn.progress)
    return learn


def linear_learner(path, loss, cbs=None, bs=8):
    "Return a learner with one linear layer, on the images of `path` at 32 px."
    from fastai.vision.all import Learner

    dls = get_dls(bs, 32, path)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, dls.c))
    return Learner(dls, model, loss_func=loss, cbs=cbs)
