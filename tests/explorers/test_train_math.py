"The arithmetic of the trainings in the page equals torch and scipy."

import re

import numpy as np
import pytest
import torch
from browser import static
from scipy import stats

from lesson7.data.examples import small_digits
from lesson7.explorers.scripts import joined_script
from lesson7.training.small import initial_weights, small_logits, train_small

EXACT = 1e-12
NAME = re.compile(r"^export (?:function|const) (\w+)", re.MULTILINE)
CALL = """async ([script, name, values]) => {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const math = await import(url);
  return math[name](...values);
}"""
TRAIN_SETTINGS = dict(
    inputs="normalized",
    alpha=0,
    fold=True,
    eps=0,
    wrong=0.25,
    images=600,
    epochs=40,
    lr=0.1,
    hidden=32,
)
# Trains in the page: the examples are lists there.
TRAIN = """async ([script, values, labels, runs]) => {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const { trainWhole } = await import(url);
  const examples = {
    values: Float64Array.from(values),
    labels: Uint8Array.from(labels),
    count: labels.length,
    columns: 64,
    classes: 10,
    largest: 16,
    isTable: false,
  };
  return runs.map(([settings, seed]) => {
    const { evaluations, weights } = trainWhole(examples, settings, { seed, start: 600 });
    const { accuracy, loss, ece, trainLoss } = evaluations.at(-1);
    return [accuracy, loss, ece, trainLoss, ...weights.flatMap((w) => [...w])];
  });
}"""


@pytest.fixture
def call(new_page):
    "`call(function, *values)` returns what a function of `train.math.js` returns."
    page = new_page()
    names = ", ".join(NAME.findall(static("train.math.js")))
    script = joined_script("train.math") + f"export {{ {names} }};"
    return lambda name, *values: page.evaluate(CALL, [script, name, values])


@pytest.fixture
def train_in_page(new_page):
    "`train_in_page(runs)`: numbers of the last epoch and all weights, for [settings, seed] each."
    page = new_page()
    digits = small_digits()
    script = joined_script("train.math") + "export { trainWhole };"

    def run(runs):
        values, labels = digits.values.flatten().tolist(), digits.labels.tolist()
        return page.evaluate(TRAIN, [script, values, labels, runs])

    return run


def random_training(rng):
    "Return settings at which a training does not amplify rounding, and a seed."
    settings = TRAIN_SETTINGS | dict(
        alpha=float(rng.choice([0, 0.2, 1, 4])),
        fold=bool(rng.integers(2)),
        eps=float(rng.choice([0, 0.1, 0.5])),
        wrong=float(rng.choice([0, 0.25, 0.6])),
        images=int(rng.choice([100, 300, 600])),
        epochs=int(rng.choice([5, 10])),
        lr=float(rng.choice([0.01, 0.03, 0.1])),
        hidden=int(rng.choice([8, 32])),
    )
    return settings, int(rng.integers(1, 11))


def check_trainings(train_in_page, runs, weight_tolerance):
    "Check the last epoch's numbers and the weights of some trainings against torch's."
    for found, (settings, seed) in zip(train_in_page(runs), runs):
        run = train_small(start=600, seed=seed, **settings)
        expected = torch.cat([w.detach().flatten() for w in run.weights]).numpy()
        assert np.linalg.norm(found[4:] - expected) < weight_tolerance, (settings, seed)
        numbers = run.accuracy, run.loss, run.calibration_error, run.train_losses[-1]
        assert found[:4] == pytest.approx(numbers, abs=1e-6), (settings, seed)


def test_trainings_equal_torch(train_in_page):
    rng = np.random.default_rng(1)
    runs = [(TRAIN_SETTINGS | dict(alpha=1.0, eps=0.1), 1)]
    runs += [random_training(rng) for _ in range(11)]
    check_trainings(train_in_page, runs, 1e-8)


@pytest.mark.parametrize("inputs, lr", [("as is", 0.1), ("0-255", 0.0001), ("0-1", 1)])
def test_first_steps_of_chaotic_trainings_equal_torch(train_in_page, inputs, lr):
    settings = TRAIN_SETTINGS | dict(inputs=inputs, lr=lr, images=320, epochs=1)  # ten batches
    check_trainings(train_in_page, [(settings, 2)], 1e-6)


@pytest.mark.parametrize("eps", [0, 0.3])
def test_gradients_equal_autograd(train_in_page, eps):
    # One batch at learning rate 1 from the initial weights: the step is the gradient.
    settings = TRAIN_SETTINGS | dict(lr=1, images=32, epochs=1, eps=eps, wrong=0)
    found = np.array(train_in_page([(settings, 3)])[0][4:])
    weights = [w.requires_grad_() for w in initial_weights((64, 32, 10), 3)]
    digits = small_digits()
    x = torch.from_numpy(digits.values[:32] / 1.0)
    x = (x - x.mean()) / x.std(correction=0)
    y = torch.from_numpy(digits.labels[:32].astype(int))
    smoothing = dict(label_smoothing=eps)
    torch.nn.functional.cross_entropy(small_logits(weights, x), y, **smoothing).backward()
    expected = torch.cat([(w - w.grad).flatten() for w in weights]).detach().numpy()
    assert abs(found - expected).max() < EXACT


def test_paired_difference_equals_scipy(call):
    rng = np.random.default_rng(4)
    for count in range(2, 11):
        a, b = rng.normal(80, 3, (2, count))
        found = call("pairedDifference", a.tolist(), b.tolist())
        interval = stats.ttest_rel(b, a).confidence_interval(0.95)
        assert found["mean"] - found["half"] == pytest.approx(interval.low, abs=1e-6)
        assert found["mean"] + found["half"] == pytest.approx(interval.high, abs=1e-6)
        assert found["wins"] == (b > a).sum()
        sign = stats.binomtest(found["wins"], count, 0.5, "greater").pvalue
        assert call("chanceOf", found["wins"], count) == pytest.approx(sign)


@pytest.mark.parametrize(
    "mean, half, expected", [(3, 1, "B"), (-3, 1, "A"), (1, 3, ""), (1, None, "")]
)
def test_only_an_interval_without_zero_has_a_winner(call, mean, half, expected):
    half = float("nan") if half is None else half
    assert call("winner", dict(mean=mean, half=half)) == expected


def test_count_of_seeds_in_words(call):
    def text(a, b):
        difference = call("pairedDifference", a, b)
        return call("describeCount", difference)

    assert text([1, 1, 1], [2, 2, 2]).startswith("B is better in 3 of 3 seeds")
    assert "1 time in 8" in text([1, 1, 1], [2, 2, 2])
    assert text([2, 2, 2], [1, 1, 3]).startswith("A is better in 2 of 3 seeds")
    assert "50 times in 100" in text([2, 2, 2], [1, 1, 3])
    assert text([1], [1]) == "Both sides are equal in the seed."
    assert text([1], [2]).endswith("one seed has no interval.")
