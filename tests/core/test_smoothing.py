"The arithmetic of chapter five, held against numpy, torch and fastai."

import numpy as np
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from lesson7.data.loaders import get_dls
from lesson7.smoothing import ece, reliability, smooth_labels, smoothed_cross_entropy


def batch(seed=0, b=32, n=10):
    "Logits in double precision, and class indices."
    g = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(b, n, generator=g, dtype=torch.float64), torch.randint(
        n, (b,), generator=g
    )


def numpys(y, n, eps):
    target = np.full((len(y), n), eps / n)
    target[np.arange(len(y)), y] = 1 - eps + eps / n
    return target


def numpys_loss(logits, target):
    z = np.asarray(logits, np.float64)
    z = z - z.max(1, keepdims=True)
    return -(target * (z - np.log(np.exp(z).sum(1, keepdims=True)))).sum(1).mean()


def test_the_lessons_own_numbers():
    target = smooth_labels(torch.tensor([3]), 10, 0.1)[0]
    assert np.allclose(
        target, [0.01, 0.01, 0.01, 0.91, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01], atol=1e-7
    )


@settings(deadline=None)
@given(st.integers(0, 999), st.sampled_from([2, 3, 10, 1000]), st.floats(0, 0.999))
def test_smooth_labels_are_numpys_and_sum_to_one(seed, n, eps):
    _, y = batch(seed, 5, n)
    target = smooth_labels(y, n, eps)
    assert np.allclose(target, numpys(y.numpy(), n, eps), atol=1e-6) and np.allclose(
        target.sum(1), 1, atol=1e-5
    )
    soft = F.one_hot(y, n).double()
    assert np.allclose(smooth_labels(soft, n, eps), numpys(y.numpy(), n, eps), atol=1e-12)


def test_soft_labels_keep_their_mixture_and_are_not_changed():
    y = torch.tensor([[0.3, 0.7, 0, 0]])
    assert np.allclose(smooth_labels(y, 4, 0.2), [[0.29, 0.61, 0.05, 0.05]]) and torch.equal(
        y, torch.tensor([[0.3, 0.7, 0, 0]])
    )


@pytest.mark.parametrize(
    "y",
    [
        [3, 0],
        np.array([3, 0]),
        torch.tensor([3, 0], dtype=torch.uint8),
        torch.tensor([3, 0], dtype=torch.int32),
    ],
)
def test_what_holds_whole_numbers_will_do(y):
    assert np.allclose(smooth_labels(y, 4, 0.1), numpys([3, 0], 4, 0.1))


def test_fastais_own_tensors_will_do():
    from fastai.vision.all import TensorCategory

    out = smooth_labels(TensorCategory([3, 0]), 4, 0.1)
    assert type(out) is torch.Tensor and np.allclose(out, numpys([3, 0], 4, 0.1))


def test_an_empty_batch():
    assert smooth_labels(torch.zeros(0, dtype=torch.long), 4).shape == (0, 4)


@pytest.mark.parametrize(
    "y, n, eps, said",
    [
        ([3], 10, -0.1, "eps is -0.1; it must be at least 0 and below 1"),
        ([3], 10, 1, "eps is 1; it must be"),
        ([3], 10, float("nan"), "eps is nan"),
        ([10], 10, 0.1, "class 10; with 10 classes it must be from 0 to 9"),
        ([-1], 10, 0.1, "class -1"),
        ([-100], 10, 0.1, "class -100"),
        ([0], 1, 0.1, "n_classes is 1; it must be 2 or more"),
        ([0], 0, 0.1, "n_classes is 0"),
        (torch.tensor(3), 10, 0.1, r"y\[None\]"),
        ([[1, 2]], 10, 0.1, r"whole numbers \[B\]"),
        ([True], 10, 0.1, "torch.bool"),
        ([1.0, 2.0], 10, 0.1, r"\[B,10\], a column a class; these are \[2\]"),
        (torch.ones(2, 3) / 3, 4, 0.1, r"\[B,4\].*\[2, 3\]"),
        (torch.ones(2, 3), 3, 0.1, "sum to one"),
        (torch.tensor([[1.5, -0.5]]), 2, 0.1, "0 or more"),
        (torch.full((1, 2), float("nan")), 2, 0.1, "sum to one"),
    ],
)
def test_smooth_labels_refuses(y, n, eps, said):
    with pytest.raises(ValueError, match=said):
        smooth_labels(y, n, eps)


@settings(deadline=None)
@given(st.integers(0, 999), st.sampled_from([2, 3, 10, 1000]), st.floats(0, 0.99))
def test_the_loss_is_numpys_torchs_and_fastais(seed, n, eps):
    from fastai.losses import LabelSmoothingCrossEntropy

    logits, y = batch(seed, 8, n)
    ours = smoothed_cross_entropy(logits, y, eps).item()
    assert abs(ours - numpys_loss(logits, numpys(y.numpy(), n, eps))) < 1e-9
    assert abs(ours - nn.CrossEntropyLoss(label_smoothing=eps)(logits, y).item()) < 1e-9
    assert abs(ours - LabelSmoothingCrossEntropy(eps)(logits, y).item()) < 1e-9


def test_the_loss_in_single_precision_is_within_a_millionth():
    from fastai.losses import LabelSmoothingCrossEntropy

    logits, y = batch(3)
    logits = logits.float()
    ours = smoothed_cross_entropy(logits, y)
    assert (
        abs(ours - nn.CrossEntropyLoss(label_smoothing=0.1)(logits, y)) < 1e-6
        and abs(ours - LabelSmoothingCrossEntropy()(logits, y)) < 1e-6
    )
    assert smoothed_cross_entropy(logits.bfloat16(), y).dtype == torch.bfloat16


@settings(deadline=None)
@given(st.integers(0, 999), st.floats(0, 0.99))
def test_with_weights_it_is_torchs_for_indices_and_for_soft_targets(seed, eps):
    logits, y = batch(seed)
    w = torch.rand(10, dtype=torch.float64) + 0.1
    loss = nn.CrossEntropyLoss(w, label_smoothing=eps)
    assert abs(smoothed_cross_entropy(logits, y, eps, w) - loss(logits, y)) < 1e-9
    soft = logits.flip(0).softmax(1)
    assert abs(smoothed_cross_entropy(logits, soft, eps, w) - loss(logits, soft)) < 1e-9


def test_fastai_leaves_the_smoothing_part_unweighted():
    "What the callout says."
    from fastai.losses import LabelSmoothingCrossEntropy

    logits, y = batch()
    w = torch.linspace(0.5, 3, 10, dtype=torch.float64)
    fastais = LabelSmoothingCrossEntropy(0.1, w)(logits, y)
    assert (
        abs(fastais - (0.9 * F.cross_entropy(logits, y, w) - 0.1 * logits.log_softmax(1).mean()))
        < 1e-9
    )
    assert abs(fastais - smoothed_cross_entropy(logits, y, 0.1, w)) > 1e-3


def test_a_thousand_outputs_smooth_over_classes_that_do_not_exist():
    "What the callout says: 990 of the thousand get 0.099 of 0.1."
    assert np.isclose(smooth_labels([3], 1000)[0, 10:].sum(), 0.099)


@pytest.fixture(scope="module")
def learner(small):
    "A function that makes an untrained fastai Learner with smoothing and these callbacks, on sixty pictures."
    from fastai.vision.all import LabelSmoothingCrossEntropy, Learner, xresnet18

    def make(*cbs):
        torch.manual_seed(0)
        dls = get_dls(15, 32, small)
        learn = Learner(
            dls,
            xresnet18(n_out=dls.c, widen=0.25, stem_szs=(16, 16, 64)),
            loss_func=LabelSmoothingCrossEntropy(),
            cbs=cbs,
        )
        return learn

    return make


def test_fastais_validation_loss_is_smoothed_too(learner):
    "What the callout says."
    learn = learner()
    with learn.no_bar(), learn.no_logging():
        loss, (probs, y) = learn.validate()[0], learn.get_preds()
    assert (
        abs(smoothed_cross_entropy(probs.log(), y) - loss)
        < 1e-4
        < abs(F.nll_loss(probs.log(), y) - loss)
    )


def test_fastais_mixup_with_smoothing_is_one_soft_target(learner):
    from fastai.vision.all import Callback, CancelFitException, MixUp

    class Look(Callback):
        order = 99

        def after_loss(self):
            self.seen = (
                self.pred.detach(),
                self.y,
                self.mix_up.yb1[0],
                self.mix_up.lam,
                self.loss_grad.item(),
            )
            raise CancelFitException

    learn = learner(MixUp(0.4), look := Look())
    with learn.no_bar(), learn.no_logging():
        learn.fit(1)
    logits, y, other, lam, loss = look.seen
    mixed = lam[:, None] * F.one_hot(y, 10) + (1 - lam)[:, None] * F.one_hot(other, 10)
    assert (
        abs(smoothed_cross_entropy(logits, mixed) - loss) < 1e-5
        and abs(F.cross_entropy(logits, smooth_labels(mixed, 10)) - loss) < 1e-5
    )


@pytest.mark.parametrize(
    "logits, y, said",
    [
        (torch.zeros(10), [1], r"\[B,C\]; these are \[10\]"),
        (torch.zeros(3, 10), [1, 2], "3 rows of logits and 2 labels"),
        (torch.zeros(2, 1), [0, 0], "n_classes is 1"),
    ],
)
def test_the_loss_refuses(logits, y, said):
    with pytest.raises(ValueError, match=said):
        smoothed_cross_entropy(logits, torch.tensor(y))


@pytest.mark.parametrize("n, eps", [(2, 0.1), (10, 0.1), (10, 0.5), (1000, 0.1)])
def test_the_best_logit(n, eps):
    "The gradient is zero at the formula's logit."
    z = np.log((1 - eps + eps / n) / (eps / n))
    logits = (
        torch.zeros(1, n, dtype=torch.float64).index_fill_(1, torch.tensor([0]), z).requires_grad_()
    )
    smoothed_cross_entropy(logits, torch.tensor([0]), eps).backward()
    assert logits.grad.abs().max() < 1e-12


def test_hard_labels_push_for_ever():
    "The slope along the true class's logit is p-1: below 0 however large the logit."
    for z in (0.0, 5.0, 20.0):
        logits = (
            torch.zeros(1, 10, dtype=torch.float64)
            .index_fill_(1, torch.tensor([3]), z)
            .requires_grad_()
        )
        smoothed_cross_entropy(logits, torch.tensor([3]), 0).backward()
        assert logits.grad[0, 3] < 0 and np.isclose(
            logits.grad[0, 3], logits.softmax(1)[0, 3].detach() - 1
        )


def numpys_ece(probs, y, bins):
    sure, right, total = probs.max(1), probs.argmax(1) == y, 0
    for i in range(bins):
        here = (sure > i / bins) & (sure <= (i + 1) / bins)
        if here.any():
            total += here.mean() * abs(sure[here].mean() - right[here].mean())
    return total


@settings(deadline=None)
@given(st.integers(0, 999), st.sampled_from([2, 3, 10]), st.integers(1, 30))
def test_ece_is_numpys(seed, n, bins):
    logits, y = batch(seed, 200, n)
    assert (
        abs(
            ece(logits.softmax(1), y, bins) - numpys_ece(logits.softmax(1).numpy(), y.numpy(), bins)
        )
        < 1e-9
    )


def test_reliability_counts_and_averages():
    probs = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [1.0, 0.0]], dtype=torch.float64)
    n, sure, right = reliability(probs, torch.tensor([0, 1, 1, 0]), 5)
    assert (
        n.tolist() == [0, 0, 1, 1, 2]
        and np.allclose(sure[2:], [0.6, 0.8, 0.95])
        and np.allclose(right[2:], [1, 0, 1])
        and sure[:2].isnan().all()
    )


def test_a_calibrated_and_an_overconfident_model():
    probs = torch.tensor([[0.75, 0.25]] * 4)
    assert ece(probs, torch.tensor([0, 0, 0, 1])) < 1e-9 and np.isclose(
        ece(probs, torch.ones(4, dtype=torch.long)), 0.75
    )


@pytest.mark.parametrize(
    "probs, y, bins, said",
    [
        (torch.ones(2, 3) / 3, [0, 1], 0, "bins is 0"),
        (torch.randn(2, 3) * 9, [0, 1], 15, "softmax"),
        (torch.ones(3) / 3, [0, 1, 2], 15, r"\[B,C\]"),
        (torch.ones(2, 3) / 3, [0], 15, r"\[1\]"),
        (torch.ones(0, 3), [], 15, r"\[0, 3\]"),
    ],
)
def test_ece_refuses(probs, y, bins, said):
    with pytest.raises(ValueError, match=said):
        ece(probs, torch.tensor(y), bins)


def test_mixup_with_smoothing_is_soft_target_cross_entropy():
    "What fastai's MixUp computes with LabelSmoothingCrossEntropy: the smoothed mixture, as torch takes it."
    from fastai.losses import LabelSmoothingCrossEntropy

    logits, y = batch()
    other, lam = y.flip(0), torch.rand(len(y), dtype=torch.float64)[:, None]
    mixed = lam * F.one_hot(y, 10) + (1 - lam) * F.one_hot(other, 10)
    each = LabelSmoothingCrossEntropy(0.1, reduction="none")
    theirs = torch.lerp(each(logits, other), each(logits, y), lam[:, 0]).mean()
    assert (
        abs(theirs - smoothed_cross_entropy(logits, mixed)) < 1e-9
        and abs(theirs - F.cross_entropy(logits, smooth_labels(mixed, 10))) < 1e-9
    )
