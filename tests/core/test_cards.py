"The cards: their numbers are those of the results of the studies."

import base64
import json

import numpy as np
import pytest
from conftest import NBS

from lesson7.course.cards import CARDS, card, measured
from lesson7.data.files import results_folder


def mean_right(file, noise, arm, views):
    "Return the share of right answers of an arm, from the file itself."
    data = json.loads((results_folder() / file).read_text())
    n = data["about"]["images"][1]
    runs = [run for run in data["runs"] if (run["arm"], run["noise"]) == (arm, noise)]
    bits = [np.frombuffer(base64.b64decode(run[views]["right"]), np.uint8) for run in runs]
    return np.mean([np.unpackbits(each)[:n].mean() for each in bits])


@pytest.mark.parametrize("name", CARDS)
def test_the_effect_is_the_difference_of_the_two_arms(name):
    found = card(name)
    estimates = list(measured(found.without, found.with_technique).values())
    studies = [("long.json", 0.0), ("long.json", 0.25)]
    studies += [("cifar10_small.json", noise) for _, noise in studies]
    for estimate, (file, noise) in zip(estimates, studies, strict=True):
        with_technique = mean_right(file, noise, *found.with_technique)
        wanted = with_technique - mean_right(file, noise, *found.without)
        assert estimate.mean == pytest.approx(wanted)
        points = f"{100 * wanted:+.1f}".replace("-", "−")
        assert f"{points} ± {100 * estimate.half_width:.1f}" in str(found)


@pytest.mark.parametrize("name", CARDS)
def test_each_chapter_has_its_card(name):
    (chapter,) = NBS.glob(f"0*_{name}.ipynb")
    assert f'card(\\"{name}\\")' in chapter.read_text(encoding="utf-8")


def test_an_unknown_technique_is_rejected():
    with pytest.raises(ValueError, match="technique must be"):
        card("cutout")
