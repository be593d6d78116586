"Reading a result: calibration, temperature and intervals against NumPy, SciPy and scikit-learn."

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import ttest_rel
from sklearn.metrics import log_loss

from lesson7 import measure, smoothing
from lesson7.measure import ece, fit_temperature, paired_difference, reliability, scores

seeds = st.integers(0, 999)


def random_batch(seed=0, count=200, n=10):
    "Return logits in double precision, and class indices that they predict better than a guess."
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(count, n, generator=generator, dtype=torch.float64)
    return logits, torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]


def test_the_chapter_of_smoothing_has_the_same_functions():
    assert smoothing.ece is measure.ece and smoothing.reliability is measure.reliability


# ---- Calibration


def numpy_ece(probabilities, y, bins):
    confidence = probabilities.max(1)
    is_right = probabilities.argmax(1) == y
    total = 0
    for i in range(bins):
        in_bin = (confidence > i / bins) & (confidence <= (i + 1) / bins)
        if in_bin.any():
            gap = abs(confidence[in_bin].mean() - is_right[in_bin].mean())
            total += in_bin.mean() * gap
    return total


@settings(deadline=None)
@given(seeds, st.sampled_from([2, 3, 10]), st.integers(1, 30))
def test_ece_agrees_with_numpy(seed, n, bins):
    logits, y = random_batch(seed, n=n)
    probabilities = logits.softmax(1)
    expected = numpy_ece(probabilities.numpy(), y.numpy(), bins)
    assert abs(ece(probabilities, y, bins) - expected) < 1e-9


def test_reliability_returns_counts_confidence_and_accuracy_of_each_bin():
    rows = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [1.0, 0.0]]
    probabilities = torch.tensor(rows, dtype=torch.float64)
    counts, confidence, accuracy = reliability(probabilities, torch.tensor([0, 1, 1, 0]), 5)
    assert counts.tolist() == [0, 0, 1, 1, 2]
    assert confidence[:2].isnan().all()
    assert np.allclose(confidence[2:], [0.6, 0.8, 0.95])
    assert np.allclose(accuracy[2:], [1, 0, 1])


def test_a_probability_that_is_rounded_above_1_is_in_the_last_bin():
    counts, _, _ = reliability(torch.tensor([[1.005, 0], [0.1, 0.9]]), [0, 1], 5)
    assert counts.tolist() == [0, 0, 0, 0, 2]


def test_the_message_has_the_sum_of_the_first_wrong_row():
    with pytest.raises(ValueError, match="of each row of probs must be 1, got 0.6"):
        ece(torch.tensor([[0.5, 0.1], [0.5, 0.2]]), [0, 1])


def test_ece_of_a_calibrated_and_of_an_overconfident_model():
    probabilities = torch.tensor([[0.75, 0.25]] * 4)
    assert ece(probabilities, torch.tensor([0, 0, 0, 1])) < 1e-9
    assert np.isclose(ece(probabilities, torch.tensor([1, 1, 1, 1])), 0.75)


@pytest.mark.parametrize(
    "probabilities, y, bins, message",
    [
        (torch.ones(2, 3) / 3, [0, 1], 0, "bins must be .*, got 0"),
        (torch.randn(2, 3) * 9, [0, 1], 15, "softmax"),
        (torch.ones(3) / 3, [0, 1, 2], 15, r"\[B,C\]"),
        (torch.ones(2, 3) / 3, [0], 15, "number of labels must be 2, .*, got 1"),
        (torch.ones(2, 3) / 3, 0, 15, "number of labels must be 2, .*, got 1"),
        (
            torch.tensor([[0.5, 0.5], [0.5, 0.1]]),
            [0, 1],
            15,
            "of each row of probs must be 1, got 0.6",
        ),
        (torch.ones(0, 3), [], 15, r"\[0, 3\]"),
    ],
)
def test_ece_raises_on_invalid_arguments(probabilities, y, bins, message):
    with pytest.raises(ValueError, match=message):
        ece(probabilities, torch.tensor(y), bins)


# ---- One temperature


@settings(deadline=None, max_examples=20)
@given(seeds, st.sampled_from([0.3, 1.0, 4.0]))
def test_a_temperature_is_found_again(seed, sharpening):
    logits, y = random_batch(seed, 4000)
    found = fit_temperature(sharpening * logits, y)
    assert found == pytest.approx(sharpening, rel=0.15)  # the labels are drawn at temperature 1


@settings(deadline=None, max_examples=20)
@given(seeds)
def test_no_other_temperature_has_a_lower_loss(seed):
    logits, y = random_batch(seed)

    def loss(temperature):
        return F.cross_entropy(logits / temperature, y).item()

    best = minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options=dict(xatol=1e-8)).fun
    assert loss(fit_temperature(logits, y)) == pytest.approx(best, abs=1e-6)


def test_a_temperature_is_the_same_for_logits_and_log_probabilities():
    logits, y = random_batch()
    assert fit_temperature(logits.log_softmax(1) + 5, y) == pytest.approx(
        fit_temperature(logits, y), rel=1e-4
    )


@pytest.mark.parametrize(
    "shape, n_labels, message",
    [
        ((0, 3), 0, r"shape of logits must be \[B,C\], got \[0, 3\]"),
        ((2, 3, 4), 2, r"shape of logits must be \[B,C\], got \[2, 3, 4\]"),
        ((2, 3), 3, "number of labels must be 2, as of logits, got 3"),
        ((2, 3), 1, "number of labels must be 2, as of logits, got 1"),
    ],
)
def test_fit_temperature_raises_on_invalid_shapes(shape, n_labels, message):
    with pytest.raises(ValueError, match=message):
        fit_temperature(torch.zeros(shape), torch.zeros(n_labels, dtype=torch.long))


def test_scores_need_two_images():
    assert scores(torch.eye(3)[:2], [0, 1]).accuracy == 1
    with pytest.raises(ValueError, match="number of images must be 2 or more, got 1"):
        scores(torch.eye(3)[:1], [0])


def test_scores_are_those_of_scikit_learn_and_numpy():
    logits, y = random_batch(1)
    probs = logits.softmax(1)
    found = scores(probs, y)
    assert found.accuracy == pytest.approx((probs.argmax(1) == y).double().mean().item())
    assert found.loss == pytest.approx(log_loss(y, probs, labels=range(10)))
    assert found.ece == pytest.approx(numpy_ece(probs.numpy(), y.numpy(), 15))


def test_the_temperature_of_scores_is_fitted_on_one_half_and_measured_on_the_other():
    logits, y = random_batch(2)
    y[1::2] = (y[1::2] + 1) % 10  # the half that is measured is wrong
    found = scores(logits.softmax(1), y)
    temperature = fit_temperature(logits[::2], y[::2])
    scaled = logits[1::2] / temperature
    assert found.temperature == pytest.approx(temperature, rel=1e-3)
    assert found.scaled_loss == pytest.approx(F.cross_entropy(scaled, y[1::2]).item(), rel=1e-3)
    assert found.scaled_ece == pytest.approx(ece(scaled.softmax(1), y[1::2]), abs=1e-2)
    assert found.scaled_loss > 2


def test_probabilities_of_zero_have_a_finite_loss():
    probs = torch.eye(3)[[0, 1, 2, 0]]
    found = scores(probs, [0, 1, 2, 1])
    assert np.isfinite([found.loss, found.scaled_loss, found.temperature]).all()


def test_a_row_has_the_columns_of_the_header():
    found = measure.Scores(0.98765, 0.12345, 0.23456, 1.23456, 0.34567, 0.45678)
    assert len(found.row().split("|")) == len(found.HEADER.split("|"))
    assert found.row() == "98.8 | 0.123 | 0.235 | 1.23 | 0.346 | 0.457"


# ---- The interval of a difference


@settings(deadline=None)
@given(seeds, st.integers(2, 300))
def test_a_paired_difference_is_scipys(seed, n):
    first, second = np.random.default_rng(seed).normal(size=(2, n))
    found = paired_difference(first, second)
    low, high = ttest_rel(second, first).confidence_interval(0.95)
    assert found.mean - found.half_width == pytest.approx(low)
    assert found.mean + found.half_width == pytest.approx(high)


def test_a_difference_takes_tensors_and_says_what_it_is():
    right = torch.tensor([True, False, True, True])
    found = paired_difference(right, ~right)
    assert found.mean == -0.5 and found.points().startswith("−50.0 ± ")
    assert found.verdict == "within the noise"
    assert measure.Difference(0.1, 0.1).verdict == "within the noise"
    assert measure.Difference(0.01234, 0.45678).points() == "+1.2 ± 45.7"
    constant = paired_difference(torch.zeros(9), torch.ones(9))
    assert constant.verdict == "outside the noise" and constant.half_width == 0


@pytest.mark.parametrize("first, second", [([1, 0], [1]), ([1], [0]), ([[1, 0]], [[0, 1]])])
def test_values_that_are_no_pairs_are_rejected(first, second):
    with pytest.raises(ValueError, match="values must be two lists of one length, 2 or more, got"):
        paired_difference(first, second)
