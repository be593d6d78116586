"The still picture of TrainExplorer: its curves are those of the state that is shown."

import numpy as np
import pytest
from train_curves import N_SEEDS, SIDES, curve

from lesson7.data.examples import small_digits
from lesson7.explorers.train import TrainExplorer, _stored_curves, side_settings
from lesson7.training.small import train_small

ROUNDING = 5e-5


def legend(explorer):
    "Return the values that a still names, or None if it has no curves."
    axes = [ax for ax in explorer.figure().axes if ax.get_legend()]
    if not axes:
        return None
    return [text.get_text() for text in axes[0].get_legend().get_texts()]


def value_texts(explorer):
    "Return the same values by torch."
    texts = []
    for index, side in enumerate("AB"):
        settings = side_settings(explorer, index)
        seeds = range(1, explorer.seeds + 1)
        runs = [train_small(seed=seed, **settings) for seed in seeds]
        shown = [epoch for epoch in runs[0].epochs if epoch <= explorer.epoch][-1]
        accuracies = [run.accuracies[run.epochs.index(shown)] for run in runs]
        texts.append(f"{side} {100 * np.mean(accuracies):.1f} %")
    return texts


def test_stored_curves_equal_torch():
    stored = _stored_curves()
    assert [side["settings"] for side in stored] == SIDES
    for number, side in enumerate(stored):
        seed = 1 + number % N_SEEDS
        epochs, accuracies = curve(side["settings"], seed)
        assert side["epochs"] == epochs and len(side["accuracies"]) == N_SEEDS
        assert side["accuracies"][seed - 1] == pytest.approx(accuracies, abs=ROUNDING)


@pytest.mark.parametrize(
    "state",
    [
        dict(seeds=2),
        dict(seeds=1, epoch=9),
        dict(seeds=1, wrong=[0, 0], alpha=[0, 0], eps=[0, 0.3], temperature=[2.0, 1.0]),
    ],
)
def test_still_shows_the_accuracy_of_its_state(state):
    explorer = TrainExplorer(**state)
    assert legend(explorer) == value_texts(explorer)


@pytest.mark.parametrize(
    "state", [dict(seeds=6), dict(lr=[0.1, 0.05]), dict(images=[601, 600]), dict(wrong=[0.2, 0.25])]
)
def test_still_of_other_settings_has_no_curves(state):
    assert legend(TrainExplorer(**state)) is None


def test_still_of_other_data_has_no_curves():
    digits = small_digits()
    explorer = TrainExplorer(digits.values[:900], digits.labels[:900])
    assert explorer.train == 600 and legend(explorer) is None
