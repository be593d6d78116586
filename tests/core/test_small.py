"Small trainings: torch equals NumPy, equals JavaScript; counted random numbers; errors."

import numpy as np
import pandas as pd
import pytest
import torch
from numpy_training import numpy_weights
from scipy import stats

from lesson7.data.counted import (
    LAMBDA,
    ORDER,
    WEIGHTS,
    normal,
    scramble,
    shuffled,
    stream_key,
    symmetric_beta,
    uniform,
)
from lesson7.data.examples import small_digits, small_examples
from lesson7.training.small import (
    evaluation_epochs,
    noisy_labels,
    train_small,
)

N = 20_000
FRAME_ERRORS = [
    (None, r"y must be the name of a column \(width, note, kind\), or a class .*, got None"),
    ("colour", "y must be the name of a column .*, got colour"),
    ("kind", "column note of x must be numbers, got text; name the column of the classes"),
]


def hash_by_integers(value):
    "Return lowbias32 of a number, by Python's own integers."
    mask = 2**32 - 1
    value = ((value ^ value >> 16) * 0x7FEB352D) & mask
    value = ((value ^ value >> 15) * 0x846CA68B) & mask
    return value ^ value >> 16


@pytest.mark.parametrize("value", [0, 1, 2**31, 2**32 - 1, 123456789])
def test_hash(value):
    assert int(scramble(value)) == hash_by_integers(value)
    assert int(scramble(value + 2**32)) == int(scramble(value))


def test_random_numbers_have_their_distributions():
    indices = np.arange(N)
    key = stream_key(5, WEIGHTS)
    assert stats.kstest(uniform(key, indices), "uniform").pvalue > 0.01
    assert stats.kstest(normal(key, indices), "norm").pvalue > 0.01
    for alpha in (0.2, 1, 4):
        draws = symmetric_beta(stream_key(7, LAMBDA), indices, alpha)
        assert stats.kstest(draws, stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_streams_are_independent():
    keys = {
        stream_key(seed, purpose, i) for seed in range(20) for purpose in (1, 2) for i in (0, 1)
    }
    assert len(keys) == 80
    one, other = (uniform(stream_key(seed, ORDER), np.arange(N)) for seed in (1, 2))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.03


@pytest.mark.parametrize("count", [1, 2, 32, 600, 4096])
def test_shuffled_is_a_permutation(count):
    order = shuffled(count, stream_key(1, ORDER, 3))
    assert sorted(order) == list(range(count))


@pytest.mark.parametrize("wrong", [0, 0.25, 0.6, 1])
def test_share_of_wrong_labels(wrong):
    labels = small_digits().labels[:600]
    given = noisy_labels(labels, 10, wrong, 1)
    assert (given != labels).sum() == round(wrong * 600)
    assert given.min() >= 0 and given.max() <= 9
    fewer = noisy_labels(labels, 10, wrong / 2, 1) != labels
    assert not (fewer & (given == labels)).any()


@pytest.mark.parametrize("index", range(4))
def test_torch_equals_numpy(index):
    rng = np.random.default_rng(index)
    settings = dict(
        alpha=float(rng.choice([0, 0.4, 4])) if index else 1.0,
        eps=float(rng.choice([0, 0.1, 0.5])),
        wrong=float(rng.choice([0, 0.25, 0.6])),
        fold=bool(rng.integers(2)),
        images=int(rng.choice([100, 600])),
        epochs=4,
        lr=float(rng.choice([0.03, 0.1])),
        hidden=int(rng.choice([8, 32])),
        seed=index + 1,
    )
    run = train_small(start=600, **settings)
    for found, expected in zip(run.weights, numpy_weights(**settings)):
        assert abs(found.detach().numpy() - expected).max() < 1e-10


def test_wrong_labels_are_memorized_and_mixup_resists():
    plain, mixed = (train_small(wrong=0.25, alpha=alpha, epochs=30) for alpha in (0, 1))
    assert max(plain.accuracies) > plain.accuracy + 0.04
    assert mixed.accuracy > plain.accuracy + 0.03


def test_unscaled_inputs_need_a_small_learning_rate():
    with np.errstate(all="ignore"):
        large = train_small(inputs="0-255", epochs=3)
    small = train_small(inputs="0-255", lr=0.0001, epochs=10)
    assert large.accuracy < 0.2 and small.accuracy > 0.5


@pytest.mark.parametrize("epochs, expected", [(3, [1, 2, 3]), (40, list(range(2, 41, 2)))])
def test_epochs_that_are_evaluated(epochs, expected):
    assert evaluation_epochs(epochs) == expected


def test_column_of_the_classes_is_named(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2)).astype(np.float32)
    names = np.array(["cat", "dog", "owl"]).repeat(20)
    frame = pd.DataFrame(dict(width=x[:, 0], kind=names, height=x[:, 1]))
    file = tmp_path / "rows.CSV"
    frame.to_csv(file, index=False)
    expected = small_examples(x, names)
    given = [
        (frame, "kind"),
        (file, "kind"),
        (str(file), "kind"),
        (frame[["width", "height"]], names),
    ]
    for rows, y in given:
        found = small_examples(rows, y)
        assert found.vocab == ["cat", "dog", "owl"] and (found.labels == expected.labels).all()
        assert found.values == pytest.approx(expected.values, rel=1e-6)


def test_images_in_one_array():
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    found = small_examples(images, [0, 1] * 30)
    expected = small_examples(list(images), [0, 1] * 30)
    assert (found.values == expected.values).all()


@pytest.mark.parametrize("y, message", FRAME_ERRORS)
def test_invalid_columns(y, message):
    frame = pd.DataFrame(dict(width=range(60), note=["a", "b"] * 30, kind=[1, 2] * 30))
    with pytest.raises(ValueError, match=message):
        small_examples(frame, y)


def test_own_table_and_images():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(120, 5)) + np.arange(120)[:, None] % 3
    examples = small_examples(table, np.arange(120) % 3)
    assert examples.values.shape == (120, 5) and examples.side == 0
    assert train_small(examples, epochs=30).accuracy > 0.7
    images = torch.rand(50, 1, 20, 20)
    found = small_examples(images, ["cat", "dog"] * 25)
    assert found.values.shape == (50, 64) and found.vocab == ["cat", "dog"]


INVALID = {
    "few rows": (dict(x=np.zeros((5, 2)), y=[0] * 5), "rows of x must be 40 or more, got 5"),
    "columns": (dict(x=np.zeros((50, 99)), y=[0, 1] * 25), "columns of x must be 1 to 64, got 99"),
    "labels": (dict(x=np.zeros((50, 2)), y=[0]), "number of labels in y must be 50"),
    "no labels": (dict(x=np.zeros((50, 2))), "y must be given"),
    "a class": (dict(x=np.zeros((50, 2)), y=["a"] * 50), "classes in y must be 2 to 20, got 1"),
    "not finite": (dict(x=np.full((50, 2), np.nan), y=[0, 1] * 25), "values of x must be finite"),
    "inputs": (dict(inputs="x"), "inputs must be one of"),
    "alpha": (dict(alpha=0.01), r"alpha must be 0, or in \[0.05, 100\], got 0.01"),
    "eps": (dict(eps=1), r"eps must be in \[0, 1\), got 1"),
    "wrong": (dict(wrong=2), r"wrong must be in \[0, 1\], got 2"),
    "lr": (dict(lr=0), "lr must be a finite number above 0, got 0"),
    "start": (dict(images=700, start=600), "start must be from 700 to 1796, got 600"),
}


@pytest.mark.parametrize("name", INVALID)
def test_invalid_arguments(name):
    arguments, message = INVALID[name]
    with pytest.raises(ValueError, match=message):
        train_small(**arguments)
