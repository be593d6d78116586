"Chapter four: mixup against NumPy in double precision, torch and fastai."

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fastai.vision.all import (
    Callback,
    CrossEntropyLossFlat,
    DataLoader,
    DataLoaders,
    LabelSmoothingCrossEntropy,
    Learner,
    MixUp,
    set_seed,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from learners import linear_learner
from processes import loaded_modules
from torch import nn
from torch.distributions import Beta
from torch.utils.data import TensorDataset

from lesson7 import mixup
from lesson7.mixup import (
    ALPHAS,
    ActivationMixup,
    beta_density,
    mix,
    mix_batch,
    one_hot,
    sample_lambda,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def random_tensor(*shape, seed=0):
    return torch.rand(shape, generator=generator(seed))


def plain(*tensors):
    "Return fastai's tensors as torch's own."
    return [tensor.as_subclass(torch.Tensor) for tensor in tensors]


# ---- mix

TWO = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
SEVEN = [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]


def test_the_lessons_example():
    mixed = mix(torch.tensor(TWO), torch.tensor(SEVEN), 0.3)
    assert torch.allclose(mixed, torch.tensor([0, 0, 0.3, 0, 0, 0, 0, 0.7, 0, 0]))
    assert one_hot(torch.tensor([2, 7]), 10).tolist() == [TWO, SEVEN]


seeds = st.integers(0, 999)
shapes = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5))


@settings(deadline=None)
@given(seeds, st.floats(0, 1), shapes)
def test_mix_agrees_with_numpy(seed, t, shape):
    a = random_tensor(*shape, seed=seed)
    b = random_tensor(*shape, seed=seed + 1)
    expected = t * a.numpy().astype(float) + (1 - t) * b.numpy().astype(float)
    assert np.allclose(mix(a, b, t), expected, atol=1e-6)
    assert np.allclose(mix(a.double(), b.double(), t), expected, atol=1e-15)


def test_mix_accepts_a_weight_for_each_item():
    a, b = random_tensor(4, 3, 5, 6), random_tensor(4, 3, 5, 6, seed=1)
    lam = random_tensor(4, seed=2)
    for i in range(4):
        assert torch.allclose(mix(a, b, lam)[i], mix(a[i], b[i], lam[i].item()))
    assert torch.equal(mix(a, b, torch.tensor(0.25)), mix(a, b, 0.25))


@pytest.mark.parametrize(
    "t", [-0.1, 1.2, float("nan"), torch.tensor([0.5, 1.5]), torch.tensor([0.5, float("nan")])]
)
def test_mix_raises_on_a_weight_outside_0_to_1(t):
    with pytest.raises(ValueError, match=r"t must be in \[0, 1\], got"):
        mix(random_tensor(2, 3), random_tensor(2, 3), t)


def test_mix_raises_on_different_shapes():
    with pytest.raises(ValueError, match=r"shape of b must be that of a, \[2, 3\], got \[3, 2\]"):
        mix(random_tensor(2, 3), random_tensor(3, 2), 0.5)


@pytest.mark.parametrize("shape", [(3,), (2, 1)])
def test_mix_raises_on_a_wrong_number_of_weights(shape):
    with pytest.raises(ValueError, match=r"must be a number, or one for each item"):
        mix(random_tensor(2, 3), random_tensor(2, 3), random_tensor(*shape))


# ---- mix_batch and one_hot


def random_batch(seed, n, class_count):
    "Return images, class indices, weights and an order, as `mix_batch` takes them."
    x = random_tensor(n, 3, 4, 4, seed=seed)
    y = torch.randint(class_count, (n,), generator=generator(seed))
    lam = random_tensor(n, seed=seed + 1)
    perm = torch.randperm(n, generator=generator(seed))
    return x, y, lam, perm


@settings(deadline=None)
@given(seeds, st.integers(1, 6), st.integers(1, 5))
def test_mix_batch_agrees_with_numpy(seed, n, class_count):
    x, y, lam, perm = random_batch(seed, n, class_count)
    images, labels = x.numpy().astype(float), np.eye(class_count)[y.numpy()]
    label_weight = lam.numpy().astype(float)[:, None]
    weight = label_weight[:, :, None, None]
    expected = weight * images + (1 - weight) * images[perm.numpy()]
    expected_targets = label_weight * labels + (1 - label_weight) * labels[perm.numpy()]
    mixed, targets = mix_batch(x, y, lam, perm, class_count)
    assert np.allclose(mixed, expected, atol=1e-6)
    assert np.allclose(targets, expected_targets, atol=1e-6)
    assert np.allclose(targets.sum(1), 1, atol=1e-6)


@settings(deadline=None)
@given(seeds, st.integers(1, 6), st.integers(1, 5))
def test_mix_batch_accepts_soft_targets(seed, n, class_count):
    x, y, lam, perm = random_batch(seed, n, class_count)
    mixed, targets = mix_batch(x, y, lam, perm, class_count)
    again, same_targets = mix_batch(x, one_hot(y, class_count), lam, perm)
    assert torch.equal(again, mixed) and torch.equal(same_targets, targets)


VALID_BATCH = dict(
    x=random_tensor(3, 2),
    y=torch.tensor([0, 1, 2]),
    lam=0.5,
    perm=torch.tensor([1, 2, 0]),
    n_classes=5,
)


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(y=torch.tensor([0, 1])), r"number of y and of perm must be 3, .*, got \(2, 3\)"),
        (dict(perm=torch.tensor([1, 0])), r"got \(3, 2\)"),
        (dict(perm=torch.tensor([0, 0, 1])), "perm must be each of 0 to 2 once"),
        (dict(n_classes=None), "n_classes"),
        (
            dict(y=torch.tensor([0, 1, 5])),
            "class indices must be from 0 to 4 for 5 classes, got 0 to 5",
        ),
        (dict(y=torch.tensor([-1, 1, 2])), "got -1 to 2"),
        (dict(lam=torch.tensor([0.5, 0.5])), r"must be a number, or one for each item"),
        (dict(lam=1.01), r"must be in \[0, 1\], got 1.01"),
        (dict(n_classes=0), "n_classes must be a whole number, 1 or more"),
        (dict(lam=None), r"t must be in \[0, 1\], got None"),
        (dict(lam="half"), r"t must be in \[0, 1\], got 'half'"),
        (dict(lam=torch.tensor([0.5, 2.0, 0.5])), r"t must be in \[0, 1\], got 2.0"),
        (dict(lam=torch.full((3,), 0.5 + 0j)), r"t must be in \[0, 1\], got torch.complex64"),
        (dict(perm=[True, False, True]), "perm must be each of 0 to 2 once, got .True, False"),
        (dict(perm=[1.2, 0.4, 2.0]), "perm must be each of 0 to 2 once, got .1.2"),
        (dict(y=torch.tensor(1)), r"x, y and perm must be of a batch, \[B,...\], got a single"),
        (dict(x=torch.tensor(1.0)), r"x, y and perm must be of a batch, \[B,...\], got a single"),
        (dict(y=torch.eye(5)[:3] + 0j), "y must be class numbers .*, got torch.complex64"),
    ],
)
def test_mix_batch_raises_on_invalid_arguments(change, message):
    mix_batch(**VALID_BATCH)
    with pytest.raises(ValueError, match=message):
        mix_batch(**VALID_BATCH | change)


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(x="abc"), "items must be numbers, as many in each row, got abc"),
        (dict(x=[[1, 2], [3], [4]]), "items must be numbers, as many in each row, got"),
        (dict(perm=None), "perm must be a number for each item, got None"),
        (dict(perm=list("120")), "perm must be a number for each item, got"),
    ],
)
def test_mix_batch_names_the_argument_that_is_no_numbers(change, message):
    with pytest.raises(TypeError, match=f"^{message}"):
        mix_batch(**VALID_BATCH | change)


def test_booleans_are_no_order_of_two_items():
    two = dict(x=torch.rand(2, 3), y=torch.tensor([0, 1]), perm=torch.tensor([False, True]))
    with pytest.raises(ValueError, match="perm must be each of 0 to 1 once"):
        mix_batch(**VALID_BATCH | two)


def test_mix_takes_a_list_of_complex_numbers():
    assert mix([1j, 2], [3, 4j], 0.5).tolist() == [1.5 + 0.5j, 1 + 2j]


def test_the_module_has_the_callback_and_no_other_lazy_name():
    assert mixup.ActivationMixup is ActivationMixup
    with pytest.raises(AttributeError, match="has no attribute 'ActivationMix'"):
        mixup.ActivationMix  # noqa: B018


def test_mix_batch_takes_lists_as_it_takes_tensors():
    expected = mix_batch(**VALID_BATCH)
    lists = {name: VALID_BATCH[name].tolist() for name in ("x", "y", "perm")}
    for found, right in zip(mix_batch(**VALID_BATCH | lists), expected, strict=True):
        assert torch.allclose(found.float(), right)


def test_one_hot_raises_on_floats():
    with pytest.raises(TypeError, match=r"y must be class indices \[B\], got torch.float32 \[1\]"):
        one_hot(torch.tensor([0.5]), 3)


# ---- sample_lambda and beta_density


@pytest.mark.parametrize("alpha", ALPHAS)
def test_sample_lambda_has_the_moments_of_beta(alpha):
    lam = sample_lambda(40000, alpha, False, generator(1))
    variance = 1 / (4 * (2 * alpha + 1))
    assert abs(lam.mean() - 0.5) < 0.01
    assert abs(lam.var() - variance) < 0.004


@pytest.mark.parametrize("alpha", ALPHAS)
def test_sample_lambda_agrees_with_the_density(alpha):
    "The share of weights from 0.1 to 0.9 is the integral of the density."
    lam = sample_lambda(40000, alpha, False, generator(1))
    share = ((lam > 0.1) & (lam < 0.9)).float().mean()
    midpoints = 0.1 + 0.8 * (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    integral = 0.8 * beta_density(midpoints, alpha).mean()
    assert abs(share - integral) < 0.01


@pytest.mark.parametrize("alpha", ALPHAS)
def test_sample_lambda_returns_the_larger_weight_by_default(alpha):
    lam = sample_lambda(40000, alpha, False, generator(1))
    folded = sample_lambda(40000, alpha, True, generator(1))
    assert torch.equal(folded, torch.maximum(lam, 1 - lam))
    assert folded.min() >= 0.5
    assert lam.dtype == torch.float32


@pytest.mark.parametrize("alpha", [*ALPHAS, 1])
def test_beta_density_agrees_with_torch(alpha):
    t = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
    distribution = Beta(torch.tensor(alpha, dtype=torch.float64), alpha)
    expected = distribution.log_prob(t).exp()
    assert torch.allclose(beta_density(t, alpha), expected, rtol=1e-9)


def test_sample_lambda_repeats_with_a_generator():
    first = sample_lambda(5, generator=generator(3))
    assert torch.equal(first, sample_lambda(5, generator=generator(3)))
    assert not torch.equal(first, sample_lambda(5, generator=generator(4)))


def test_sample_lambda_repeats_with_torchs_seed():
    torch.manual_seed(0)
    first = sample_lambda(5)
    torch.manual_seed(0)
    assert torch.equal(first, sample_lambda(5))
    assert not torch.equal(first, sample_lambda(5))


@pytest.mark.parametrize(
    "n, alpha, message",
    [
        (4, 0, "alpha must be a finite number above 0, got 0"),
        (4, -0.4, "above 0"),
        (4, float("nan"), "above 0"),
        (4, float("inf"), "above 0"),
        (4, 1e308, "alpha must be at most 1000000, got 1e.308"),
        (0, 0.4, "n must be .*, got 0"),
    ],
)
def test_sample_lambda_raises_on_invalid_arguments(n, alpha, message):
    with pytest.raises(ValueError, match=message):
        sample_lambda(n, alpha)


# ---- Claims of the chapter about fastai's MixUp


def fit(learn, **options):
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, 1e-3, **options)


class StopInFirstBatch(Callback):
    def after_batch(self):
        raise KeyboardInterrupt


@dataclass
class Batch:
    "One batch of a training with MixUp, of 8 images."

    loaded: torch.Tensor  # images as loaded, [8,C,H,W]
    x: torch.Tensor  # images as the model sees them
    y: torch.Tensor  # class indices [8]
    pred: torch.Tensor
    loss: torch.Tensor
    lam: torch.Tensor = None  # the callback's weights [8]; in training only
    partner: torch.Tensor = None  # classes of the other images [8]; in training only


class KeepLoadedImages(Callback):
    order = -50  # before MixUp

    def before_batch(self):
        self.learn.loaded = self.x.clone()


class RecordBatches(Callback):
    def before_fit(self):
        self.training_batches, self.validation_batches = [], []

    def after_loss(self):
        mixup = self.learn.mix_up
        values = [self.learn.loaded, self.x, self.y, self.pred.detach(), self.loss.detach()]
        if self.training:
            self.training_batches.append(Batch(*plain(*values, mixup.lam, mixup.yb1[0])))
        else:
            self.validation_batches.append(Batch(*plain(*values)))


@pytest.fixture(scope="module")
def recorded(small):
    "The callback that has recorded the batches of an epoch with MixUp."
    record = RecordBatches()
    fit(linear_learner(small, CrossEntropyLossFlat(), [KeepLoadedImages(), MixUp(), record]))
    return record


def test_fastais_mixup_is_cross_entropy_with_soft_targets(recorded):
    assert len(recorded.training_batches) == 7
    for batch in recorded.training_batches:
        targets = mix(one_hot(batch.y, 10), one_hot(batch.partner, 10), batch.lam)
        assert abs(F.cross_entropy(batch.pred, targets) - batch.loss) < 1e-6


def test_fastais_mixup_draws_a_weight_of_half_or_more_for_each_image(recorded):
    for batch in recorded.training_batches:
        assert batch.y.dtype == torch.int64
        assert batch.lam.shape == (8,)
        assert batch.lam.min() >= 0.5 and batch.lam.max() <= 1
        assert batch.lam.unique().numel() > 1


def partner_differences(batch):
    "Return how much each mixed image [8] differs from its mixture with each other image [8]."
    first = batch.loaded[:, None].expand(-1, 8, -1, -1, -1)
    second = batch.loaded[None].expand(8, -1, -1, -1, -1)
    mixtures = mix(first, second, batch.lam)
    return (mixtures - batch.x[:, None]).abs().amax((2, 3, 4))


def test_fastais_mixup_is_mix_batch_within_the_batch(recorded):
    "Finds the partner of each image: it is in the same batch."
    for batch in recorded.training_batches:
        differences = partner_differences(batch)
        assert differences.min(1).values.max() < 1e-5
        perm = differences.argmin(1)
        mixed, _ = mix_batch(batch.loaded, batch.y, batch.lam, perm, 10)
        assert torch.allclose(mixed, batch.x, atol=1e-5)
        assert torch.equal(batch.y[perm], batch.partner)


def test_fastais_mixup_leaves_validation_unchanged(recorded):
    assert recorded.validation_batches
    for batch in recorded.validation_batches:
        assert torch.equal(batch.loaded, batch.x)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_sample_lambda_has_the_quantiles_of_fastais_weights(quantile):
    torch.manual_seed(0)
    lam = MixUp().distrib.sample((40000,))
    fastais = torch.maximum(lam, 1 - lam).quantile(quantile)
    ours = sample_lambda(40000, generator=generator()).quantile(quantile)
    assert abs(fastais - ours) < 0.01


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_the_lessons_weights_have_the_quantiles_of_alpha_1(quantile):
    lessons = 0.5 + 0.5 * torch.rand(40000, generator=generator(9))
    ours = sample_lambda(40000, 1.0, generator=generator(2))
    assert abs(lessons.quantile(quantile) - ours.quantile(quantile)) < 0.01


def test_after_an_interrupted_fit_old_lf_must_be_restored(small):
    learn = linear_learner(small, CrossEntropyLossFlat(), MixUp())
    with pytest.raises(KeyboardInterrupt):
        fit(learn, cbs=StopInFirstBatch())
    with pytest.raises(RuntimeError, match="dtype"):
        fit(learn)
    learn.loss_func = learn.mix_up.old_lf
    fit(learn)


@pytest.mark.parametrize(
    "loss", [nn.CrossEntropyLoss(), F.cross_entropy], ids=["module", "function"]
)
def test_fastais_mixup_raises_with_a_loss_without_y_int(small, loss):
    learn = linear_learner(small, loss, MixUp())
    with pytest.raises(RuntimeError, match="dtype"):
        fit(learn)


def test_fastais_mixup_accepts_a_loss_with_y_int(small):
    loss = nn.CrossEntropyLoss()
    loss.y_int = True
    fit(linear_learner(small, loss, MixUp()))


def test_fastais_mixup_raises_on_a_batch_of_one(small):
    learn = linear_learner(small, CrossEntropyLossFlat(), MixUp(), bs=1)
    with pytest.raises(IndexError, match="Dimension out of range"):
        fit(learn)


# ---- ActivationMixup


def table_loaders(n=40, bs=8):
    "Return loaders of a table of six columns and two classes."
    x = random_tensor(n, 6)
    dataset = TensorDataset(x, (x.sum(1) > 3).long())
    train = DataLoader(dataset, bs=bs, shuffle=True)
    return DataLoaders(train, DataLoader(dataset, bs=bs), device="cpu")


def table_learner(*callbacks, loss=None, **options):
    "Return a learner with ActivationMixup on the activations of a network of two layers."
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    cbs = [ActivationMixup(model[1]), *callbacks]
    dls = table_loaders(**options)
    return Learner(dls, model, loss_func=loss or nn.CrossEntropyLoss(), cbs=cbs)


def expected_output(learn):
    "Return the prediction and the target of a batch of `table_learner`, computed again."
    mixup, model = learn.activation_mixup, learn.model
    activations = model[1](model[0](learn.x))
    if not learn.training:
        return model[2](activations), learn.y
    mixed = mix(activations, activations[mixup.perm], mixup.lam)
    target = mix(one_hot(learn.y, 2), one_hot(learn.y[mixup.perm], 2), mixup.lam)
    return model[2](mixed), target


class CompareOutputs(Callback):
    "Records the largest differences between a learner's predictions and losses, and expected ones."

    def __init__(self, smoothing):
        self.smoothing = smoothing

    def before_fit(self):
        self.differences = {"training": [], "validation": []}

    def after_loss(self):
        with torch.no_grad():
            pred, target = expected_output(self.learn)
            loss = F.cross_entropy(pred, target, label_smoothing=self.smoothing)
        found = self.differences["training" if self.training else "validation"]
        found.append((pred - self.pred).abs().max().item())
        found.append((loss - self.loss).abs().item())


@pytest.mark.parametrize(
    "loss, smoothing",
    [
        (nn.CrossEntropyLoss(), 0.0),
        (F.cross_entropy, 0.0),
        (CrossEntropyLossFlat(), 0.0),
        (LabelSmoothingCrossEntropy(), 0.1),
    ],
    ids=["torch's module", "torch's function", "fastai's", "fastai's with smoothing"],
)
def test_activation_mixup_mixes_activations_and_targets(loss, smoothing):
    compare = CompareOutputs(smoothing)
    learn = table_learner(compare, loss=loss)
    before = learn.loss_func
    fit(learn)
    for differences in compare.differences.values():
        assert differences and max(differences) < 1e-6
    assert learn.loss_func is before and not learn.model[1]._forward_hooks


class CompareGradients(Callback):
    "Compares the gradient of the first layer with that of the mixed loss."

    def before_fit(self):
        self.count = 0

    def before_step(self):
        weight = self.model[0].weight
        gradient = weight.grad.clone()
        self.model.zero_grad()
        F.cross_entropy(*expected_output(self.learn)).backward()
        assert torch.allclose(weight.grad, gradient, atol=1e-6)
        self.count += 1


def test_activation_mixup_trains_on_the_mixed_loss():
    compare = CompareGradients()
    fit(table_learner(compare))
    assert compare.count > 0


class StopAt(Callback):
    "Interrupts the training at an event."

    order = 5

    def __init__(self, event):
        setattr(self, event, self.interrupt)

    def interrupt(self):
        raise KeyboardInterrupt


@pytest.mark.parametrize("event", ["after_batch", "after_pred", "before_batch"])
def test_a_learner_with_activation_mixup_trains_after_an_interruption(event):
    learn = table_learner()
    with pytest.raises(KeyboardInterrupt):
        fit(learn, cbs=StopAt(event))
    fit(learn)
    learn.get_preds()
    assert isinstance(learn.loss_func, nn.CrossEntropyLoss)
    assert not learn.model[1]._forward_hooks


def test_activation_mixup_accepts_a_batch_of_one():
    fit(table_learner(bs=1, n=3))


def test_activation_mixup_repeats_with_a_seed():
    def trained_weight():
        set_seed(1)
        learn = table_learner()
        fit(learn)
        return learn.model[0].weight.detach()

    assert torch.equal(trained_weight(), trained_weight())


class UnusedLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.unused = nn.Linear(6, 2), nn.Linear(6, 2)

    def forward(self, x):
        return self.used(x)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.out = nn.GRU(6, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        outputs, _ = self.rnn(x[:, None])
        return self.out(outputs[:, -1])


def learner_with_mixup_of(layer, model):
    return Learner(
        table_loaders(), model, loss_func=nn.CrossEntropyLoss(), cbs=ActivationMixup(layer)
    )


def test_activation_mixup_raises_on_an_invalid_alpha():
    layer = nn.ReLU()
    with pytest.raises(ValueError, match="alpha must be a finite number above 0, got 0"):
        ActivationMixup(layer, 0)


def test_activation_mixup_raises_on_a_layer_of_another_model():
    learn = learner_with_mixup_of(nn.ReLU(), nn.Linear(6, 2))
    with pytest.raises(ValueError, match="layer must be a module of learn.model, got another ReLU"):
        fit(learn)


def test_activation_mixup_raises_on_an_unused_layer():
    model = UnusedLayer()
    learn = learner_with_mixup_of(model.unused, model)
    with pytest.raises(ValueError, match="layer must be called in the forward pass"):
        fit(learn)


def test_activation_mixup_raises_on_a_layer_that_returns_a_tuple():
    model = Recurrent()
    learn = learner_with_mixup_of(model.rnn, model)
    with pytest.raises(
        TypeError, match=r"output of the layer \(GRU\) must be one tensor .*, got tuple"
    ):
        fit(learn)


class MeanOfWords(nn.Module):
    def forward(self, x):
        return x.mean(1)


def test_activation_mixup_works_in_a_text_model():
    "Mixes embedded words: words themselves cannot be mixed."
    words = torch.randint(20, (24, 5), generator=generator())
    dataset = TensorDataset(words, (words[:, 0] > 9).long())
    dls = DataLoaders(DataLoader(dataset, bs=8), DataLoader(dataset, bs=8), device="cpu")
    model = nn.Sequential(nn.Embedding(20, 4), MeanOfWords(), nn.Linear(4, 2))
    fit(Learner(dls, model, loss_func=nn.CrossEntropyLoss(), cbs=ActivationMixup(model[0])))


def test_the_module_imports_neither_fastai_nor_training():
    forbidden = {"fastai", "torchvision", "sklearn", "skimage", "matplotlib", "lesson7.training"}
    assert not forbidden & loaded_modules("import lesson7.mixup")
