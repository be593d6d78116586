"SmoothingExplorer: its state and what it computes."

import numpy as np
import pytest
import torch
import traitlets as T
from explorer_examples import random_learner

from lesson7.data.samples import photos
from lesson7.explorers.smoothing import SmoothingExplorer
from lesson7.outputs import probabilities

SIDE = 16
PICTURES = photos("coffee", "chelsea")


def test_lessons_example_is_the_first_state():
    explorer = SmoothingExplorer()
    expected = [0.01] * 3 + [0.91] + [0.01] * 6
    assert np.allclose(explorer.targets["smoothed"], expected)
    assert repr(explorer).startswith("SmoothingExplorer(against='p', eps=0.1, label=3, n=10")


def test_class_names_set_the_number_of_classes():
    assert SmoothingExplorer(["cat", "dog"]).n == 2
    assert SmoothingExplorer(["cat", "dog"], n=10).n == 10
    with pytest.raises(T.TraitError, match="n must be .*, got 1$"):
        SmoothingExplorer(["cat"])
    with pytest.raises(T.TraitError, match="n must be .*, got 1001"):
        SmoothingExplorer(map(str, range(1001)))


def test_label_is_at_most_the_last_class():
    explorer = SmoothingExplorer(label=7)
    explorer.n = 4
    assert explorer.label == 3 and explorer.prediction.sum() == pytest.approx(1)


def test_classes_and_label_change_in_one_message():
    "A view sends both traits together."
    explorer = SmoothingExplorer()
    explorer.set_state(dict(label=15, n=20))
    assert (explorer.n, explorer.label) == (20, 15)


@pytest.mark.parametrize(
    "n, eps, label, t",
    [
        (2, 0.0, 1, 1.0),
        (2, 0.5, 0, 0.0),
        (10, 0.1, 9, 0.3),
        (1000, 0.99, 999, 0.7),
    ],
)
def test_computed_values(n, eps, label, t):
    explorer = SmoothingExplorer(n=n, eps=eps, label=label, t=t, p=0.42)
    q = np.array([1, 1 - eps + eps / n, t])
    loss = -q * np.log(0.42) - (1 - q) * np.log(0.58 / (n - 1))
    with np.errstate(divide="ignore"):
        logit = np.log(q * (n - 1) / (1 - q))
    expected = np.array([q, loss, 0.42 - q, q, logit]).T
    assert np.allclose(explorer.numbers, expected, atol=1e-12)
    assert all(abs(target.sum() - 1) < 1e-12 for target in explorer.targets.values())
    assert label in explorer.shown and len(explorer.shown) <= 10 and explorer.figure()


@pytest.mark.parametrize("against", ["p", "logit"])
@pytest.mark.parametrize("t", [0.0, 1.0])
def test_figure_of_targets_without_a_lowest_loss(against, t):
    explorer = SmoothingExplorer(n=2, eps=0.0, t=t, against=against)
    assert len(explorer.still()) > 1000


@pytest.mark.parametrize("n, eps", [(2, 0.1), (10, 0.1), (10, 0.5), (1000, 0.1)])
def test_best_logit_equals_the_formula(n, eps):
    best_logit = np.log((1 - eps + eps / n) / (eps / n))
    assert np.isclose(SmoothingExplorer(n=n, eps=eps).numbers[1, 4], best_logit)


def test_networks_predict_for_each_picture():
    learn = dict(hard=random_learner(["a", "b", "c"]), smoothed=random_learner(["a", "b", "c"]))
    explorer = SmoothingExplorer(None, learn, PICTURES, ["c", "a"], SIDE, picture=1)
    assert explorer.vocab == ["a", "b", "c"] and explorer.n == 3 and explorer.labels == [2, 0]
    x = torch.from_numpy(explorer.images)
    for name, row in explorer.predicted.items():
        assert np.allclose(row, probabilities(learn[name], x)[1], atol=1e-6)
    with pytest.raises(T.TraitError, match="picture must be from 0 to 1, got 2"):
        explorer.picture = 2


@pytest.mark.parametrize(
    "learn, options, message",
    [
        (
            random_learner(list("ab")),
            dict(side=SIDE),
            "learn must be a dict with one or 2 networks, got",
        ),
        ({}, dict(side=SIDE), "one or 2 networks, got 0"),
        (dict.fromkeys("abc", random_learner(list("ab"))), dict(side=SIDE), "2 networks, got 3"),
        (
            dict(a=random_learner(list("ab")), b=random_learner(list("ac"))),
            dict(side=SIDE),
            "same classes",
        ),
        (
            dict(a=random_learner(list("ab"))),
            {},
            "side must be a whole number, 1 or more, got None",
        ),
    ],
)
def test_networks_that_cannot_be_shown_are_rejected(learn, options, message):
    with pytest.raises(ValueError, match=message):
        SmoothingExplorer(None, learn, PICTURES, [0, 1], **options)
    with pytest.raises(ValueError, match="images must be given with learn, got None"):
        SmoothingExplorer(learn=dict(a=random_learner(list("ab"))), side=SIDE)
