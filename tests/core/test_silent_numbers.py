"Large alphas, and mixup of activations beside other callbacks: right values, or an error."

import math
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.special import logsumexp
from scipy.stats import beta
from torch import nn
from torch.nn import functional as F

from lesson7.data.loaders import get_dls
from lesson7.explorers.mixup import MixupExplorer
from lesson7.mixup import beta_density, sample_lambda
from lesson7.training.callbacks import ActivationMixup
from lesson7.training.config import Recipe
from lesson7.training.loop import evaluate
from lesson7.tta import windows

FLOAT64 = {np.array: np.float64, torch.tensor: torch.float64}


@pytest.mark.parametrize("alpha", [1e-6, 0.4, 1, 1.0, 4, 510, 600, 5000, 1e6])
@pytest.mark.parametrize("as_type", [np.array, torch.tensor])
def test_beta_density_equals_scipy(alpha, as_type):
    t = [0, 0.3, 0.49, 0.5, 0.6, 1]
    found = np.asarray(beta_density(as_type(t, dtype=FLOAT64[as_type]), alpha))
    np.testing.assert_allclose(found, beta(alpha, alpha).pdf(t), rtol=1e-7)


RESOLUTION = dict(float64=1e-7, float32=2e-7, float16=1e-3, bfloat16=8e-3, int64=2e-7, uint8=2e-7)
TYPES = [(np, "float16"), (np, "float32"), (np, "int64"), (np, "uint8")]
TYPES += [(torch, name) for name in RESOLUTION]


@pytest.mark.parametrize("alpha", [1e-6, 0.4, 1, 4, 600, 1e5, 1e6])
@pytest.mark.parametrize("library, name", TYPES, ids=lambda value: str(value)[:15])
def test_beta_density_of_each_type_is_exact(alpha, library, name):
    "The result is the density at the rounded `t`, rounded once."
    t = [0.0, 0.3, 0.49, 0.499, 0.5, 0.6, 0.75, 1.0]
    dtype = getattr(library, name)
    values = torch.tensor(t).to(dtype) if library is torch else np.array(t).astype(dtype)
    found = beta_density(values, alpha)
    is_float = "float" in name
    assert type(found) is type(values) and (found.dtype == dtype or not is_float)
    exact = values.double().numpy() if library is torch else values.astype(float)
    expected = beta(alpha, alpha).pdf(exact)
    found = found.double().numpy() if library is torch else found.astype(float)
    smallest = 1e-7 if name in ("float16", "bfloat16") else 1e-37
    np.testing.assert_allclose(found, expected, rtol=RESOLUTION[name], atol=smallest)


OTHER_TYPES = ["bool", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2"]
NO_NUMBERS = [torch.tensor([0.0, 1.0]).to(getattr(torch, name)) for name in OTHER_TYPES]
NO_NUMBERS += [np.array([0.0, 1.0]).astype(name) for name in OTHER_TYPES[:3]]


@pytest.mark.parametrize("t", NO_NUMBERS, ids=lambda t: str(t.dtype))
@pytest.mark.parametrize("alpha", [1, 4])
def test_beta_density_takes_floats_and_integers(t, alpha):
    with pytest.raises(ValueError, match=r"^t must be numbers in \[0, 1\], .*got values of type"):
        beta_density(t, alpha)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradient_of_beta_density(dtype):
    t = torch.tensor([0.2, 0.7], dtype=dtype, requires_grad=True)
    beta_density(t, 3).sum().backward()
    expected = 30 * (2 * t * (1 - t) ** 2 - 2 * t**2 * (1 - t))  # of 30 t^2 (1-t)^2
    assert torch.allclose(t.grad, expected, atol=1e-5)


@pytest.mark.parametrize(
    "t, alpha, expected",
    [(0, 1.0, 1), (1.0, 1, 1), ([0, 1], 4, [0, 0]), ([0, 0.5], 1, [1, 1]), (0, 0.4, math.inf)],
)
def test_beta_density_at_the_ends(t, alpha, expected):
    assert np.asarray(beta_density(t, alpha)).tolist() == expected


NAN = float("nan")


@pytest.mark.parametrize("t", [1.5, -0.1, [0.2, 2], np.array([NAN, 0.5]), torch.tensor([-1.0])])
@pytest.mark.parametrize("alpha", [0.4, 1, 4.0])
def test_beta_density_takes_numbers_from_0_to_1(t, alpha):
    with pytest.raises(ValueError, match=r"^t must be in \[0, 1\], got "):
        beta_density(t, alpha)


@pytest.mark.parametrize("alpha", [1e7, 1e308])
def test_the_largest_alpha(alpha):
    makers = (
        partial(beta_density, 0.5),
        partial(sample_lambda, 3),
        partial(ActivationMixup, nn.Linear(1, 1)),
        partial(MixupExplorer, None, None, None, 0.3),
    )
    for make in makers:
        with pytest.raises(ValueError, match="^alpha must be at most 1000000, got "):
            make(alpha)


@pytest.mark.parametrize("alpha", [0, -1, float("nan"), None, "a"])
def test_beta_density_takes_a_positive_alpha(alpha):
    with pytest.raises(ValueError, match="^alpha must be a finite number above 0, got "):
        beta_density(0.5, alpha)


# ---- Mixup of activations beside callbacks that change the loss

X = torch.randn(8, 5, generator=torch.Generator().manual_seed(0))
Y = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
PENALTY = 10.0


def callbacks():
    "Return a callback that adds a penalty to the loss, and one that keeps the batch's loss."
    from fastai.callback.core import Callback

    class Penalty(Callback):
        def after_loss(self):
            if self.training:
                self.learn.loss_grad = self.learn.loss_grad + PENALTY

    class Keep(Callback):
        order = 60

        def after_loss(self):
            if self.training:
                self.kept = float(self.learn.loss_grad)

    return Penalty(), Keep()


def make_learner(*cbs):
    from fastai.data.core import DataLoader, DataLoaders
    from fastai.vision.all import Learner

    torch.manual_seed(0)
    dl = DataLoader(list(zip(X, Y)), bs=8, shuffle=False)
    model = nn.Sequential(nn.Linear(5, 6), nn.Linear(6, 3))
    return Learner(DataLoaders(dl, dl), model, loss_func=nn.CrossEntropyLoss(), cbs=cbs)


def fit(learn):
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, 0.0)


class FixedLogits(nn.Module):
    "A model with the same logits for each image, and others for the other half of the range."

    def __init__(self, low, high):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor([low, high]).double())

    def forward(self, x):
        is_bright = x.mean((1, 2, 3)) > 0.5
        return self.logits[is_bright.long()]


@pytest.fixture(scope="module")
def grey_images(tmp_path_factory, cache):
    "Images of two classes: those of class a are dark, one of b is bright and one is both."
    folder = tmp_path_factory.mktemp("grey")
    for side in ("train", "valid"):
        for name, shades in dict(a=[0, 10], b=[250, 255]).items():
            (folder / side / name).mkdir(parents=True)
            for shade in shades:
                Image.new("RGB", (16, 16), (shade,) * 3).save(folder / side / name / f"{shade}.png")
        half = np.zeros((16, 16, 3), np.uint8)
        half[:, 8:] = 255
        half[:4] = 0
        Image.fromarray(half).save(folder / side / "b" / "half.png")
    return folder


@pytest.mark.parametrize("low, high", [((60, 0), (0, 60)), ((60, 0), (60, 0)), ((0, 2), (900, 0))])
@pytest.mark.parametrize("n_windows", [0, 1, 4])
@pytest.mark.parametrize("loss", ["cross-entropy", "NLL"])
def test_the_loss_of_certain_and_wrong_predictions(grey_images, low, high, n_windows, loss):
    from fastai.vision.all import CrossEntropyLossFlat, Learner

    model = FixedLogits(low, high)
    loss_func = CrossEntropyLossFlat()
    if loss == "NLL":
        model, loss_func = nn.Sequential(model, nn.LogSoftmax(1)), nn.NLLLoss()
    learn = Learner(get_dls(2, 16, grey_images, device="cpu"), model, loss_func=loss_func)
    learn.remove_cb(learn.progress)
    found = evaluate(learn, Recipe(tta=n_windows))["loss"]
    expected = []
    for file, label in zip(learn.dls.valid_ds.items, learn.dls.valid_ds.tls[1]):
        image = np.asarray(Image.open(file)) / 255
        boxes = [(0, 0, 16, 16), *(windows(16, 16, 16, n=n_windows) if n_windows else [])]
        views = [image[y0:y1, x0:x1].mean() > 0.5 for x0, y0, x1, y1 in boxes]
        rows = np.array([high if is_bright else low for is_bright in views], float)
        logs = rows[:, int(label)] - logsumexp(rows, 1)
        expected.append(math.log(len(views)) - logsumexp(logs))
    assert found == pytest.approx(np.mean(expected), rel=1e-6)
    if not n_windows:
        assert found == pytest.approx(learn.validate()[0], rel=1e-6)


def loss_by_hand(model, mixup):
    "Return the cross-entropy of the mixed activations against the mixed targets."
    with torch.no_grad():
        hidden = model[0](X)
        targets = torch.eye(3)[Y]
        lam, perm = mixup.lam, mixup.perm
        hidden = lam * hidden + (1 - lam) * hidden[perm]
        targets = lam * targets + (1 - lam) * targets[perm]
        return -(targets * F.log_softmax(model[1](hidden), 1)).sum(1).mean().item()


@pytest.mark.parametrize("order", [1, -1], ids=["penalty first", "penalty last"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_penalty_of_another_callback_stays_whole(order, seed):
    penalty, keep = callbacks()
    learn = make_learner(keep)
    mixup = ActivationMixup(learn.model[0], 4.0)
    learn.add_cbs([penalty, mixup][::order])
    torch.manual_seed(seed)
    fit(learn)
    expected = loss_by_hand(learn.model, mixup) + PENALTY
    assert keep.kept == pytest.approx(expected, abs=1e-4)


def test_a_second_activation_mixup_is_rejected():
    learn = make_learner()
    learn.add_cbs([ActivationMixup(layer, 4.0) for layer in learn.model])
    with pytest.raises(ValueError, match="number of ActivationMixup callbacks must be 1, got 2"):
        fit(learn)
