"""Edge cases of the arithmetic of mixup and label smoothing, against torch and NumPy in float64."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lesson7.mixup import mix, mix_batch
from lesson7.smoothing import smooth_labels, smoothed_cross_entropy

INF = math.inf


def loss_by_hand(logits, y, eps, weight=None):
    "Return torch's loss in float64."
    weight = None if weight is None else torch.as_tensor(weight).double()
    logits = torch.as_tensor(logits).double()
    return F.cross_entropy(logits, torch.tensor(y), weight, label_smoothing=eps).item()


# ---- Infinite logits

INFINITE = [
    ([[1, 2, -INF]], [1], None),
    ([[1, 2, -INF]], [0], None),
    ([[-INF, -INF, 3]], [2], None),
    ([[-INF, 0.5, 1, -INF], [1, -INF, 2, 3]], [1, 3], None),
    ([[1, 2, -INF], [0, 1, 2]], [1, 2], [1, 2, 3]),
    ([[1, 2, -INF], [0, 1, 2]], [1, 2], [0.5, 0.5, 0]),
]


@pytest.mark.parametrize("logits, y, weight", INFINITE)
@pytest.mark.parametrize("form", ["list", "tensor", "one-hot", "one-hot int"])
def test_a_class_that_the_model_excludes(logits, y, weight, form):
    "A logit of minus infinity for another class is as in torch: that class adds nothing."
    n_classes = len(logits[0])
    rows = torch.eye(n_classes)[y]
    labels = {"list": y, "tensor": torch.tensor(y), "one-hot": rows, "one-hot int": rows.int()}
    expected = loss_by_hand(logits, y, 0, weight)
    if form.startswith("one-hot") and weight:  # torch divides by the number of items then
        expected *= sum(weight[i] for i in y) / len(y)
    given = logits if form == "list" else torch.tensor(logits)
    assert abs(smoothed_cross_entropy(given, labels[form], 0, weight).item() - expected) < 1e-6


def test_the_first_example_in_numbers():
    assert abs(smoothed_cross_entropy([[1, 2, -INF]], [1], 0).item() - 0.3133) < 1e-4


@pytest.mark.parametrize("logits, y, weight", INFINITE)
def test_the_gradient_of_excluded_classes_is_torchs(logits, y, weight):
    weight = None if weight is None else torch.tensor(weight).double()
    ours, theirs = (torch.tensor(logits).double().requires_grad_() for _ in range(2))
    smoothed_cross_entropy(ours, y, 0, weight).backward()
    F.cross_entropy(theirs, torch.tensor(y), weight).backward()
    assert ours.grad.isfinite().all() and torch.allclose(ours.grad, theirs.grad, atol=1e-12)


@pytest.mark.parametrize(
    "logits, y, eps",
    [
        ([[1, 2, -INF]], [2], 0),
        ([[1, 2, -INF]], [1], 0.1),
        ([[1, 2, -INF], [0, 0, 0]], [0, 1], 0.3),
    ],
)
def test_a_target_on_an_excluded_class_is_infinitely_wrong(logits, y, eps):
    assert smoothed_cross_entropy(torch.tensor(logits), y, eps).item() == INF
    assert loss_by_hand(logits, y, eps) == INF


# ---- Precision and type


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("n, scale", [(8, 1), (4096, 40), (20000, 10)])
def test_a_large_batch_in_half_precision(dtype, n, scale):
    "The sum over the batch passes the largest float16; the mean does not."
    generator = torch.Generator().manual_seed(0)
    logits = (scale * torch.randn(n, 10, generator=generator)).to(dtype)
    y = torch.randint(10, (n,), generator=generator)
    ours = smoothed_cross_entropy(logits, y, 0.1)
    expected = loss_by_hand(logits, y.tolist(), 0.1)
    resolution = torch.finfo(dtype).eps
    assert ours.dtype == dtype and abs(ours.item() - expected) < 2 * resolution * expected + 1e-6


@pytest.mark.parametrize("logits", [[[1, 2, 4]], np.array([[1, 2, 4]]), torch.tensor([[1, 2, 4]])])
def test_logits_that_are_whole_numbers(logits):
    loss = smoothed_cross_entropy(logits, [2], 0.1)
    assert abs(loss.item() - loss_by_hand([[1.0, 2.0, 4.0]], [2], 0.1)) < 1e-6


A = np.array([[0.1, 0.9], [0.6, 0.3], [0.7, 0.2]])
B = np.array([[0.5, 0.2], [0.1, 0.8], [0.9, 0.4]])
WEIGHTS = {
    "a number": 0.3,
    "NumPy's number": np.float32(0.3),
    "a tensor of one": torch.tensor(0.3),
    "a tensor [B]": torch.tensor([0.3, 0.8, 0.5]),
    "a float64 tensor [B]": torch.tensor([0.3, 0.8, 0.5]).double(),
    "a float16 tensor [B]": torch.tensor([0.25, 0.75, 0.5]).half(),
    "an array [B]": np.array([0.3, 0.8, 0.5]),
    "a list [B]": [0.3, 0.8, 0.5],
}


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32", "float64"])
def test_a_mixture_has_the_type_of_what_is_mixed(name, kind):
    dtype = getattr(torch, kind)
    a, b = torch.from_numpy(A).to(dtype), torch.from_numpy(B).to(dtype)
    mixed = mix(a, b, WEIGHTS[name])
    t = np.asarray(WEIGHTS[name], float)
    t = t[:, None] if t.ndim else t
    expected = t * a.double().numpy() + (1 - t) * b.double().numpy()
    tolerance = 2 * torch.finfo(dtype).eps + 1e-7
    assert mixed.dtype == dtype and np.abs(mixed.double().numpy() - expected).max() < tolerance


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64"])
def test_a_mixed_batch_has_the_type_of_its_images(name, kind):
    x = torch.from_numpy(A).to(getattr(torch, kind))
    mixed, soft = mix_batch(x, [0, 1, 1], WEIGHTS[name], torch.tensor([2, 0, 1]), 2)
    assert mixed.dtype == x.dtype and soft.dtype == torch.float32
    t = np.asarray(WEIGHTS[name], float)
    t = t[:, None] if t.ndim else t
    rows = np.eye(2)[[0, 1, 1]]
    assert np.abs(soft.double().numpy() - (t * rows + (1 - t) * rows[[2, 0, 1]])).max() < 1e-6


@pytest.mark.parametrize("kind", ["int64", "uint8", "bool"])
@pytest.mark.parametrize("name", ["a number", "a tensor [B]", "a list [B]"])
def test_whole_numbers_are_mixed_as_floats(kind, name):
    a = torch.tensor([[0, 1], [1, 0], [1, 1]]).to(getattr(torch, kind))
    b = torch.tensor([[1, 0], [1, 1], [0, 0]]).to(getattr(torch, kind))
    t = np.asarray(WEIGHTS[name], float)
    t = t[:, None] if t.ndim else t
    mixed = mix(a, b, WEIGHTS[name])
    expected = t * a.double().numpy() + (1 - t) * b.double().numpy()
    assert mixed.dtype == torch.float32 and np.allclose(mixed, expected, atol=1e-6)


def test_two_types_are_mixed_as_the_wider_one():
    a, b = torch.from_numpy(A).half(), torch.from_numpy(B).float()
    assert mix(a, b, 0.3).dtype == mix(b, a, torch.tensor([0.1, 0.2, 0.3])).dtype == torch.float32


# ---- Weights and empty batches


@pytest.mark.parametrize(
    "weight",
    [[1, 2], [1, 2, 3, 4], [], [[1, 2, 3]], [[1], [2], [3]], 2.0, torch.ones(2), np.ones((3, 3))],
    ids=str,
)
def test_weights_of_another_shape(weight):
    for y in ([0, 2], torch.tensor([[0.5, 0.5, 0], [0, 0, 1]])):
        message = r"shape of weight must be \[3\], a weight for each class, got \["
        with pytest.raises(ValueError, match=message) as e:
            smoothed_cross_entropy(torch.zeros(2, 3), y, 0.1, weight)
        assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    "weight", [[1, 2, 3], (0.5, 0.5, 4.0), np.array([1, 0, 2]), torch.tensor([1, 2, 3])], ids=str
)
@pytest.mark.parametrize("eps", [0, 0.1])
def test_weights_in_any_form_are_torchs(weight, eps):
    logits = torch.randn(6, 3, generator=torch.Generator().manual_seed(2))
    y = [0, 1, 2, 2, 1, 0]
    expected = loss_by_hand(logits, y, eps, np.asarray(weight, float))
    assert abs(smoothed_cross_entropy(logits, y, eps, weight).item() - expected) < 1e-6


@pytest.mark.parametrize(
    "y", [[], np.zeros(0, int), torch.zeros(0, dtype=torch.long), torch.zeros(0, 3)], ids=str
)
@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 3.0]])
def test_an_empty_batch_has_no_loss(y, weight):
    with pytest.raises(ValueError, match="number of logits must be 1 or more, got 0"):
        smoothed_cross_entropy(torch.zeros(0, 3), y, 0.1, weight)


@pytest.mark.parametrize("y", [[], np.zeros(0, int), torch.zeros(0, dtype=torch.uint8)], ids=str)
def test_an_empty_batch_has_empty_targets(y):
    assert smooth_labels(y, 4).shape == (0, 4)
    mixed, soft = mix_batch(torch.zeros(0, 3, 2, 2), y, 0.5, [], 4)
    assert mixed.shape == (0, 3, 2, 2) and soft.shape == (0, 4)
