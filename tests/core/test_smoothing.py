"Chapter five: label smoothing against NumPy, torch and fastai."

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fastai.losses import LabelSmoothingCrossEntropy
from fastai.vision.all import Callback, CancelFitException, MixUp, TensorCategory
from hypothesis import given, settings
from hypothesis import strategies as st
from learners import narrow_learner
from torch import nn

from lesson7.data.loaders import get_dls
from lesson7.smoothing import smooth_labels, smoothed_cross_entropy

seeds = st.integers(0, 999)
class_counts = st.sampled_from([2, 3, 10, 1000])


def random_batch(seed=0, count=32, n=10):
    "Return logits in double precision, and class indices."
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(count, n, generator=generator, dtype=torch.float64)
    return logits, torch.randint(n, (count,), generator=generator)


def numpy_targets(y, n, eps):
    targets = np.full((len(y), n), eps / n)
    targets[np.arange(len(y)), y] = 1 - eps + eps / n
    return targets


def numpy_loss(logits, targets):
    shifted = logits - logits.max(1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(1, keepdims=True))
    return -(targets * (shifted - log_sum)).sum(1).mean()


# ---- smooth_labels


def test_the_lessons_example():
    target = smooth_labels(torch.tensor([3]), 10, 0.1)[0]
    expected = [0.01, 0.01, 0.01, 0.91, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01]
    assert np.allclose(target, expected, atol=1e-7)


@settings(deadline=None)
@given(seeds, class_counts, st.floats(0, 0.999))
def test_smooth_labels_agree_with_numpy_and_sum_to_one(seed, n, eps):
    _, y = random_batch(seed, 5, n)
    targets = smooth_labels(y, n, eps)
    expected = numpy_targets(y.numpy(), n, eps)
    assert np.allclose(targets, expected, atol=1e-6)
    assert np.allclose(targets.sum(1), 1, atol=1e-5)
    one_hot = F.one_hot(y, n).double()
    assert np.allclose(smooth_labels(one_hot, n, eps), expected, atol=1e-12)


def test_soft_labels_are_smoothed_and_not_changed():
    y = torch.tensor([[0.3, 0.7, 0, 0]])
    before = y.clone()
    assert np.allclose(smooth_labels(y, 4, 0.2), [[0.29, 0.61, 0.05, 0.05]])
    assert torch.equal(y, before)


@pytest.mark.parametrize(
    "y",
    [
        [3, 0],
        np.array([3, 0]),
        torch.tensor([3, 0], dtype=torch.uint8),
        torch.tensor([3, 0], dtype=torch.int32),
    ],
    ids=["list", "array", "uint8", "int32"],
)
def test_smooth_labels_accepts_whole_numbers_of_any_type(y):
    assert np.allclose(smooth_labels(y, 4, 0.1), numpy_targets([3, 0], 4, 0.1))


def test_smooth_labels_accepts_fastais_tensors():
    targets = smooth_labels(TensorCategory([3, 0]), 4, 0.1)
    assert type(targets) is torch.Tensor
    assert np.allclose(targets, numpy_targets([3, 0], 4, 0.1))


def test_smooth_labels_accepts_an_empty_batch():
    assert smooth_labels(torch.zeros(0, dtype=torch.long), 4).shape == (0, 4)


@pytest.mark.parametrize(
    "y, n, eps, message",
    [
        ([3], 10, -0.1, r"eps must be in \[0, 1\), got -0.1"),
        ([3], 10, 1, r"eps must be in \[0, 1\), got 1"),
        ([3], 10, float("nan"), "eps must be .*, got nan"),
        ([10], 10, 0.1, "class indices must be from 0 to 9 for 10 classes, got 10"),
        ([-1], 10, 0.1, "got -1"),
        ([-100], 10, 0.1, "got -100"),
        ([0], 1, 0.1, "n_classes must be a whole number, 2 or more, got 1"),
        ([0], 0, 0.1, "n_classes must be .*, got 0"),
        (torch.tensor(3), 10, 0.1, r"y\[None\]"),
        ([[1, 2]], 10, 0.1, r"y must be class indices \[B\], got torch.int64 \[1, 2\]"),
        ([True], 10, 0.1, "torch.bool"),
        ([1.0, 2.0], 10, 0.1, r"soft targets must be \[B,10\], got \[2\]"),
        (torch.ones(2, 3) / 3, 4, 0.1, r"\[B,4\].*\[2, 3\]"),
        (torch.ones(2, 3), 3, 0.1, "sum of each soft target must be 1, got 3"),
        (torch.tensor([[1.0, 0], [0.5, 0.1]]), 2, 0.1, "soft target must be 1, got 0.6"),
        (torch.tensor([[1.5, -0.5]]), 2, 0.1, "0 or more"),
        (torch.full((1, 2), float("nan")), 2, 0.1, "soft targets must be 0 or more, got nan"),
    ],
)
def test_smooth_labels_raises_on_invalid_arguments(y, n, eps, message):
    with pytest.raises(ValueError, match=message):
        smooth_labels(y, n, eps)


# ---- smoothed_cross_entropy


@settings(deadline=None)
@given(seeds, class_counts, st.floats(0, 0.99))
def test_the_loss_agrees_with_numpy_torch_and_fastai(seed, n, eps):
    logits, y = random_batch(seed, 8, n)
    loss = smoothed_cross_entropy(logits, y, eps).item()
    expected = numpy_loss(logits.numpy(), numpy_targets(y.numpy(), n, eps))
    assert abs(loss - expected) < 1e-9
    assert abs(loss - nn.CrossEntropyLoss(label_smoothing=eps)(logits, y).item()) < 1e-9
    assert abs(loss - LabelSmoothingCrossEntropy(eps)(logits, y).item()) < 1e-9


def test_the_loss_in_single_precision_agrees_to_a_millionth():
    logits, y = random_batch(3)
    logits = logits.float()
    loss = smoothed_cross_entropy(logits, y)
    assert abs(loss - nn.CrossEntropyLoss(label_smoothing=0.1)(logits, y)) < 1e-6
    assert abs(loss - LabelSmoothingCrossEntropy()(logits, y)) < 1e-6


def test_the_loss_in_bfloat16_is_bfloat16():
    logits, y = random_batch(3)
    assert smoothed_cross_entropy(logits.bfloat16(), y).dtype == torch.bfloat16


@settings(deadline=None)
@given(seeds, st.floats(0, 0.99))
def test_the_weighted_loss_agrees_with_torch(seed, eps):
    logits, y = random_batch(seed)
    soft_targets = logits.flip(0).softmax(1)
    weight = torch.rand(10, dtype=torch.float64) + 0.1
    torch_loss = nn.CrossEntropyLoss(weight, label_smoothing=eps)
    for targets in (y, soft_targets):
        loss = smoothed_cross_entropy(logits, targets, eps, weight)
        assert abs(loss - torch_loss(logits, targets)) < 1e-9


@pytest.mark.parametrize(
    "logits, y, message",
    [
        (torch.zeros(10), [1], r"shape of logits must be \[B,C\], got \[10\]"),
        (
            torch.zeros(3, 10),
            [1, 2],
            "number of labels must be 3, one for each row of logits, got 2",
        ),
        (
            torch.zeros(1, 10),
            torch.tensor(1),
            "number of labels must be 1, .*, got a single number",
        ),
        (torch.zeros(2, 1), [0, 0], "n_classes must be .*, got 1"),
    ],
)
def test_the_loss_raises_on_invalid_arguments(logits, y, message):
    with pytest.raises(ValueError, match=message):
        smoothed_cross_entropy(logits, torch.tensor(y))


def logits_with(index, value, n):
    "Return logits [1,n] that are 0 but for one, and record gradients."
    logits = torch.zeros(1, n, dtype=torch.float64)
    logits[0, index] = value
    return logits.requires_grad_()


@pytest.mark.parametrize("n, eps", [(2, 0.1), (10, 0.1), (10, 0.5), (1000, 0.1)])
def test_the_gradient_is_zero_at_the_best_logit(n, eps):
    best = np.log((1 - eps + eps / n) / (eps / n))
    logits = logits_with(0, best, n)
    smoothed_cross_entropy(logits, torch.tensor([0]), eps).backward()
    assert logits.grad.abs().max() < 1e-12


@pytest.mark.parametrize("value", [0.0, 5.0, 20.0])
def test_the_gradient_with_hard_labels_is_never_zero(value):
    "It is p - 1 at the true class, below 0 however large the logit is."
    logits = logits_with(3, value, 10)
    smoothed_cross_entropy(logits, torch.tensor([3]), 0).backward()
    gradient = logits.grad[0, 3]
    assert gradient < 0
    assert np.isclose(gradient, logits.softmax(1)[0, 3].detach() - 1)


# ---- Claims of the chapter


def test_fastai_does_not_weight_the_smoothing_part():
    logits, y = random_batch()
    weight = torch.linspace(0.5, 3, 10, dtype=torch.float64)
    loss = LabelSmoothingCrossEntropy(0.1, weight)(logits, y)
    smoothing_part = -logits.log_softmax(1).mean()
    expected = 0.9 * F.cross_entropy(logits, y, weight) + 0.1 * smoothing_part
    assert abs(loss - expected) < 1e-9
    assert abs(loss - smoothed_cross_entropy(logits, y, 0.1, weight)) > 1e-3


def test_a_thousand_outputs_for_ten_classes_share_eps_among_990_others():
    assert np.isclose(smooth_labels([3], 1000)[0, 10:].sum(), 0.099)


@pytest.fixture(scope="module")
def dls(small):
    return get_dls(15, 32, small)


def test_fastais_validation_loss_is_smoothed(dls):
    learn = narrow_learner(dls, LabelSmoothingCrossEntropy())
    with learn.no_logging():
        loss = learn.validate()[0]
        probabilities, y = learn.get_preds()
    log_probabilities = probabilities.log()
    assert abs(smoothed_cross_entropy(log_probabilities, y) - loss) < 1e-4
    assert abs(F.nll_loss(log_probabilities, y) - loss) > 1e-4


class KeepFirstBatch(Callback):
    "Keeps what MixUp makes of the first batch, and ends the fit."

    order = 99  # after MixUp

    def after_loss(self):
        self.logits = self.pred.detach()
        self.classes = self.y
        self.partners = self.mix_up.yb1[0]
        self.lam = self.mix_up.lam
        self.mixed_loss = self.loss_grad.item()
        raise CancelFitException


def test_fastais_mixup_with_smoothing_is_one_soft_target(dls):
    batch = KeepFirstBatch()
    learn = narrow_learner(dls, LabelSmoothingCrossEntropy(), cbs=[MixUp(0.4), batch])
    with learn.no_logging():
        learn.fit(1)
    lam = batch.lam[:, None]
    mixed = lam * F.one_hot(batch.classes, 10) + (1 - lam) * F.one_hot(batch.partners, 10)
    loss = smoothed_cross_entropy(batch.logits, mixed)
    assert abs(loss - batch.mixed_loss) < 1e-5
    torch_loss = F.cross_entropy(batch.logits, smooth_labels(mixed, 10))
    assert abs(torch_loss - batch.mixed_loss) < 1e-5


def test_mixed_smoothed_losses_are_the_loss_of_the_mixed_targets():
    "The arithmetic of fastai's MixUp with LabelSmoothingCrossEntropy."
    logits, y = random_batch()
    partners = y.flip(0)
    lam = torch.rand(len(y), dtype=torch.float64)
    each = LabelSmoothingCrossEntropy(0.1, reduction="none")
    expected = torch.lerp(each(logits, partners), each(logits, y), lam).mean()
    weight = lam[:, None]
    mixed = weight * F.one_hot(y, 10) + (1 - weight) * F.one_hot(partners, 10)
    assert abs(expected - smoothed_cross_entropy(logits, mixed)) < 1e-9
    assert abs(expected - F.cross_entropy(logits, smooth_labels(mixed, 10))) < 1e-9
