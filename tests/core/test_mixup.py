"The arithmetic of the mixup chapter, held against numpy in double precision, torch and fastai."

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from learners import linear_learner
from torch import nn

from lesson7.mixup import (
    ALPHAS,
    ActivationMixup,
    beta_density,
    mix,
    mix_batch,
    one_hot,
    sample_lambda,
)


def gen(seed=0):
    return torch.Generator().manual_seed(seed)


def rand(*shape, seed=0):
    return torch.rand(shape, generator=gen(seed))


def test_the_lessons_example():
    i, j = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert torch.allclose(
        mix(torch.tensor(i), torch.tensor(j), 0.3), torch.tensor([0, 0, 0.3, 0, 0, 0, 0, 0.7, 0, 0])
    )
    assert one_hot(torch.tensor([2, 7]), 10).tolist() == [i, j]


@settings(deadline=None)
@given(
    st.integers(0, 999),
    st.floats(0, 1),
    st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5)),
)
def test_mix_is_numpys(seed, t, shape):
    a, b = rand(*shape, seed=seed), rand(*shape, seed=seed + 1)
    wanted = t * a.numpy().astype(float) + (1 - t) * b.numpy().astype(float)
    assert np.allclose(mix(a, b, t), wanted, atol=1e-6) and np.allclose(
        mix(a.double(), b.double(), t), wanted, atol=1e-15
    )


def test_mix_takes_a_weight_for_each_item():
    a, b, lam = rand(4, 3, 5, 6), rand(4, 3, 5, 6, seed=1), rand(4, seed=2)
    for k in range(4):
        assert torch.allclose(mix(a, b, lam)[k], mix(a[k], b[k], lam[k].item()))
    assert torch.equal(mix(a, b, torch.tensor(0.25)), mix(a, b, 0.25))


@pytest.mark.parametrize(
    "t", [-0.1, 1.2, float("nan"), torch.tensor([0.5, 1.5]), torch.tensor([0.5, float("nan")])]
)
def test_mix_refuses_a_weight_past_its_range(t):
    with pytest.raises(ValueError, match="must be from 0 to 1"):
        mix(rand(2, 3), rand(2, 3), t)


def test_mix_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match=r"a is \[2, 3\] and b \[3, 2\]"):
        mix(rand(2, 3), rand(3, 2), 0.5)
    for t in (rand(3), rand(2, 1)):
        with pytest.raises(ValueError, match="one weight for each item"):
            mix(rand(2, 3), rand(2, 3), t)


@settings(deadline=None)
@given(st.integers(0, 999), st.integers(1, 6), st.integers(1, 5))
def test_mix_batch_is_numpys(seed, n, classes):
    x, y, lam, perm = (
        rand(n, 3, 4, 4, seed=seed),
        torch.randint(classes, (n,), generator=gen(seed)),
        rand(n, seed=seed + 1),
        torch.randperm(n, generator=gen(seed)),
    )
    mixed, soft = mix_batch(x, y, lam, perm, classes)
    a, w, o, perm_ = (
        x.numpy().astype(float),
        lam.numpy().astype(float),
        np.eye(classes)[y.numpy()],
        perm.numpy(),
    )
    assert np.allclose(
        mixed, w[:, None, None, None] * a + (1 - w)[:, None, None, None] * a[perm_], atol=1e-6
    )
    assert np.allclose(
        soft, w[:, None] * o + (1 - w)[:, None] * o[perm_], atol=1e-6
    ) and np.allclose(soft.sum(1), 1, atol=1e-6)
    again, softer = mix_batch(x, one_hot(y, classes), lam, perm)  # soft targets in: the same out
    assert torch.equal(again, mixed) and torch.equal(softer, soft)


@pytest.mark.parametrize(
    "change, said",
    [
        (dict(y=torch.tensor([0, 1])), "x has 3 items, y 2 and perm 3"),
        (dict(perm=torch.tensor([1, 0])), "perm 2"),
        (dict(perm=torch.tensor([0, 0, 1])), "each item from 0 to 2 once"),
        (dict(n_classes=None), "n_classes"),
        (dict(y=torch.tensor([0, 1, 5])), "from 0 to 5; with 5 classes they must be from 0 to 4"),
        (dict(y=torch.tensor([-1, 1, 2])), "from -1"),
        (dict(lam=torch.tensor([0.5, 0.5])), "one weight for each item"),
        (dict(lam=1.01), "from 0 to 1"),
        (dict(n_classes=0), "1 or more"),
    ],
)
def test_mix_batch_refuses(change, said):
    good = dict(
        x=rand(3, 2), y=torch.tensor([0, 1, 2]), lam=0.5, perm=torch.tensor([1, 2, 0]), n_classes=5
    )
    mix_batch(**good)
    with pytest.raises(ValueError, match=said):
        mix_batch(**good | change)


def test_one_hot_refuses_what_is_no_index():
    with pytest.raises(TypeError, match="whole numbers"):
        one_hot(torch.tensor([0.5]), 3)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_sample_lambda_is_beta(alpha):
    "Moments and shares against the density, integrated."
    raw, kept = (
        sample_lambda(40000, alpha, False, gen(1)),
        sample_lambda(40000, alpha, True, gen(1)),
    )
    assert (
        torch.equal(kept, torch.maximum(raw, 1 - raw))
        and kept.min() >= 0.5
        and raw.dtype == torch.float32
    )
    assert abs(raw.mean() - 0.5) < 0.01 and abs(raw.var() - 1 / (4 * (2 * alpha + 1))) < 0.004
    at = 0.1 + 0.8 * (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    assert (
        abs(((raw > 0.1) & (raw < 0.9)).float().mean() - beta_density(at, alpha).mean() * 0.8)
        < 0.01
    )


def test_beta_density_is_torchs():
    from torch.distributions import Beta

    at = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
    for alpha in ALPHAS:
        assert torch.allclose(
            beta_density(at, alpha),
            Beta(alpha * torch.ones((), dtype=torch.float64), alpha).log_prob(at).exp(),
            rtol=1e-9,
        )


def test_sample_lambda_repeats():
    assert torch.equal(sample_lambda(5, generator=gen(3)), sample_lambda(5, generator=gen(3)))
    assert not torch.equal(sample_lambda(5, generator=gen(3)), sample_lambda(5, generator=gen(4)))
    torch.manual_seed(0)
    a = sample_lambda(5)
    torch.manual_seed(0)
    assert torch.equal(a, sample_lambda(5)) and not torch.equal(a, sample_lambda(5))


@pytest.mark.parametrize(
    "n, alpha, said",
    [
        (4, 0, "alpha is 0"),
        (4, -0.4, "above 0"),
        (4, float("nan"), "above 0"),
        (4, float("inf"), "above 0"),
        (0, 0.4, "n is 0"),
    ],
)
def test_sample_lambda_refuses(n, alpha, said):
    with pytest.raises(ValueError, match=said):
        sample_lambda(n, alpha)


# What the callout says, and what the chapter says to do.


def fit(learn, **kw):
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, 1e-3, **kw)


@pytest.fixture
def watched(small):
    "Every batch of a training with MixUp: (x as loaded, y, x as mixed, the callback's lam and yb1, pred, loss)."
    from fastai.vision.all import Callback, CrossEntropyLossFlat, MixUp

    seen = []

    class Before(Callback):
        order = -50

        def before_batch(self):
            self.learn.raw = self.x.clone()

    class After(Callback):
        def after_loss(self):
            m = self.learn.mix_up
            seen.append(
                (
                    self.training,
                    self.learn.raw,
                    self.y,
                    self.x,
                    getattr(m, "lam", None),
                    getattr(m, "yb1", None),
                    self.pred.detach(),
                    self.loss.detach(),
                )
            )

    fit(linear_learner(small, CrossEntropyLossFlat(), [Before(), MixUp(), After()]))
    return seen


def test_fastais_mixup_is_soft_target_cross_entropy(watched):
    training = [s for s in watched if s[0]]
    assert len(training) == 7
    for _, _, y, _, lam, yb1, pred, loss in training:
        y, other = y.as_subclass(torch.Tensor), yb1[0].as_subclass(torch.Tensor)
        soft = mix(one_hot(y, 10), one_hot(other, 10), lam.as_subclass(torch.Tensor))
        assert abs(F.cross_entropy(pred.as_subclass(torch.Tensor), soft) - loss) < 1e-6


def test_fastais_mixup_is_mix_batch_within_the_batch(watched):
    for _, raw, y, x, lam, yb1, *_ in (s for s in watched if s[0]):
        raw, x, lam = (v.as_subclass(torch.Tensor) for v in (raw, x, lam))
        assert (
            y.dtype == torch.int64
            and lam.shape == (8,)
            and lam.min() >= 0.5
            and lam.max() <= 1
            and lam.unique().numel() > 1
        )
        # whichever partner explains each picture, it is one of this batch
        gap = (
            (
                mix(
                    raw[:, None].expand(-1, 8, -1, -1, -1), raw[None].expand(8, -1, -1, -1, -1), lam
                )
                - x[:, None]
            )
            .abs()
            .amax((2, 3, 4))
        )
        assert gap.min(1).values.max() < 1e-5
        mixed, _ = mix_batch(raw, y, lam, perm := gap.argmin(1), 10)
        assert torch.allclose(mixed, x, atol=1e-5) and torch.equal(
            y[perm].as_subclass(torch.Tensor), yb1[0].as_subclass(torch.Tensor)
        )


def test_fastais_mixup_leaves_validation_alone(watched):
    valid = [s for s in watched if not s[0]]
    assert valid and all(torch.equal(raw, x) for _, raw, _, x, *_ in valid)


def test_fastais_weights_are_ours_and_the_lessons_are_alpha_one():
    from fastai.vision.all import MixUp

    theirs = MixUp().distrib.sample((40000,))
    for q in (0.1, 0.5, 0.9):
        ours, lessons = (
            sample_lambda(40000, generator=gen()),
            0.5 + 0.5 * torch.rand(40000, generator=gen(9)),
        )
        assert abs(torch.maximum(theirs, 1 - theirs).quantile(q) - ours.quantile(q)) < 0.01
        assert (
            abs(sample_lambda(40000, 1.0, generator=gen(2)).quantile(q) - lessons.quantile(q))
            < 0.01
        )


def test_an_interrupted_fit_breaks_the_next_and_old_lf_mends_it(small):
    from fastai.vision.all import Callback, CrossEntropyLossFlat, MixUp

    class Stop(Callback):
        def after_batch(self):
            raise KeyboardInterrupt

    learn = linear_learner(small, CrossEntropyLossFlat(), MixUp())
    with pytest.raises(KeyboardInterrupt):
        fit(learn, cbs=Stop())
    with pytest.raises(Exception):
        fit(learn)
    learn.loss_func = learn.mix_up.old_lf
    fit(learn)


def test_a_loss_without_y_int_crashes_and_y_int_mends_it(small):
    from fastai.vision.all import MixUp

    for loss in (nn.CrossEntropyLoss(), F.cross_entropy):
        with pytest.raises(Exception):
            fit(linear_learner(small, loss, MixUp()))
    loss = nn.CrossEntropyLoss()
    loss.y_int = True
    fit(linear_learner(small, loss, MixUp()))


def test_a_batch_of_one_crashes(small):
    from fastai.vision.all import CrossEntropyLossFlat, MixUp

    with pytest.raises(Exception):
        fit(linear_learner(small, CrossEntropyLossFlat(), MixUp(), bs=1))


# ActivationMixup


def table(n=40, bs=8):
    from fastai.vision.all import DataLoader, DataLoaders
    from torch.utils.data import TensorDataset

    x = rand(n, 6)
    ds = TensorDataset(x, (x.sum(1) > 3).long())
    return DataLoaders(DataLoader(ds, bs=bs, shuffle=True), DataLoader(ds, bs=bs), device="cpu")


def make(cb_of, loss=None, **kw):
    from fastai.vision.all import Learner

    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    return Learner(table(**kw), model, loss_func=loss or nn.CrossEntropyLoss(), cbs=cb_of(model))


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), F.cross_entropy, "fastai", "smoothing"])
def test_activation_mixup_is_mixed_activations_and_soft_targets(loss):
    from fastai.vision.all import Callback, CrossEntropyLossFlat, LabelSmoothingCrossEntropy

    smooth = 0.1 if loss == "smoothing" else 0.0
    loss = {"fastai": CrossEntropyLossFlat(), "smoothing": LabelSmoothingCrossEntropy()}.get(
        loss, loss
    )
    seen = []

    class Watch(Callback):
        def after_loss(self):
            cb, m = self.learn.activation_mixup, self.model
            with torch.no_grad():
                z = m[1](m[0](self.x))
                pred = m[2](mix(z, z[cb.perm], cb.lam) if self.training else z)
                soft = (
                    mix(one_hot(self.y, 2), one_hot(self.y[cb.perm], 2), cb.lam)
                    if self.training
                    else self.y
                )
                seen.append(
                    (
                        self.training,
                        (pred - self.pred).abs().max().item(),
                        (F.cross_entropy(pred, soft, label_smoothing=smooth) - self.loss)
                        .abs()
                        .item(),
                    )
                )

    learn = make(lambda m: [ActivationMixup(m[1]), Watch()], loss)
    before = learn.loss_func
    fit(learn)
    assert {s[0] for s in seen} == {True, False} and max(max(s[1:]) for s in seen) < 1e-6
    assert learn.loss_func is before and not learn.model[1]._forward_hooks


def test_activation_mixup_trains_on_the_mixed_loss():
    "The gradient is that of the mixed loss, not of the plain one."
    from fastai.vision.all import Callback

    class Grab(Callback):
        def before_step(self):
            cb, m = self.learn.activation_mixup, self.model
            got = m[0].weight.grad.clone()
            m.zero_grad()
            z = m[1](m[0](self.x))
            F.cross_entropy(
                m[2](mix(z, z[cb.perm], cb.lam)),
                mix(one_hot(self.y, 2), one_hot(self.y[cb.perm], 2), cb.lam),
            ).backward()
            assert torch.allclose(m[0].weight.grad, got, atol=1e-6)
            self.learn.checked = True

    learn = make(lambda m: [ActivationMixup(m[1]), Grab()])
    fit(learn)
    assert learn.checked


@pytest.mark.parametrize("when", ["after_batch", "after_pred", "before_batch"])
def test_activation_mixup_survives_an_interruption(when):
    from fastai.vision.all import Callback

    class Stop(Callback):
        order = 5

    def stop(self):
        raise KeyboardInterrupt

    setattr(Stop, when, stop)
    learn = make(lambda m: ActivationMixup(m[1]))
    with pytest.raises(KeyboardInterrupt):
        fit(learn, cbs=Stop())
    fit(learn)
    learn.get_preds()
    assert isinstance(learn.loss_func, nn.CrossEntropyLoss) and not learn.model[1]._forward_hooks


def test_activation_mixup_takes_a_batch_of_one_and_repeats():
    from fastai.vision.all import set_seed

    fit(make(lambda m: ActivationMixup(m[1]), bs=1, n=3))

    def trained():
        set_seed(1)
        learn = make(lambda m: ActivationMixup(m[1]))
        fit(learn)
        return learn.model[0].weight.detach()

    assert torch.equal(trained(), trained())


def test_activation_mixup_refuses():
    with pytest.raises(ValueError, match="alpha is 0"):
        ActivationMixup(nn.ReLU(), 0)
    with pytest.raises(ValueError, match="not in this learner's model"):
        fit(make(lambda m: ActivationMixup(nn.ReLU())))

    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(6, 2), nn.Linear(6, 2)

        def forward(self, x):
            return self.a(x)

    from fastai.vision.all import Learner

    model = Unused()
    with pytest.raises(ValueError, match="was not called"):
        fit(Learner(table(), model, loss_func=nn.CrossEntropyLoss(), cbs=ActivationMixup(model.b)))

    class Rnn(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.GRU(6, 4, batch_first=True), nn.Linear(4, 2)

        def forward(self, x):
            return self.out(self.rnn(x[:, None])[0][:, -1])

    model = Rnn()
    with pytest.raises(TypeError, match="gives tuple; it must give one tensor"):
        fit(
            Learner(table(), model, loss_func=nn.CrossEntropyLoss(), cbs=ActivationMixup(model.rnn))
        )


def test_activation_mixup_works_in_a_text_model():
    "Embedded words, mixed: what a sentence itself does not allow."
    from fastai.vision.all import DataLoader, DataLoaders, Learner
    from torch.utils.data import TensorDataset

    words = torch.randint(20, (24, 5), generator=gen())
    ds = TensorDataset(words, (words[:, 0] > 9).long())
    dls = DataLoaders(DataLoader(ds, bs=8), DataLoader(ds, bs=8), device="cpu")

    class Mean(nn.Module):
        def forward(self, x):
            return x.mean(1)

    model = nn.Sequential(nn.Embedding(20, 4), Mean(), nn.Linear(4, 2))
    fit(Learner(dls, model, loss_func=nn.CrossEntropyLoss(), cbs=ActivationMixup(model[0])))


def test_the_module_does_not_import_fastai_or_training():
    code = "import sys, lesson7.mixup; print(*sorted({'fastai', 'torchvision', 'sklearn', 'skimage', 'matplotlib', 'lesson7.training'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []
