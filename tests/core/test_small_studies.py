"The studies that cells of the chapters cite: their designs, results and measures."

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import ROOT
from PIL import Image

from lesson7.data.files import results_folder
from lesson7.training.studies import Study
from studies.run import read_design
from studies.small import run_small_study
from studies.views import cut, f_score, make_pairs, middle, pair_measures, squares

CITED = ["running_statistics", "smoothing", "test_size", "views"]


@pytest.mark.parametrize("name", CITED)
def test_results_have_the_seeds_of_the_design(name):
    design, seeds = read_design(ROOT / "studies" / f"{name}.json")
    results = json.loads((results_folder() / f"{name}.json").read_text())
    assert results["about"]["seeds"] == seeds and len(seeds) == design["seeds"]
    assert {run["seed"] for run in results["runs"]} == {*seeds}


def test_results_have_all_arms_of_the_design():
    design, seeds = read_design(ROOT / "studies" / "views.json")
    results = json.loads((results_folder() / "views.json").read_text())
    study = Study(results["runs"], results["about"])
    assert study.arms == list(design["ways"])
    assert study.is_correct("rectangle").shape == (len(seeds), 1000)
    design, _ = read_design(ROOT / "studies" / "smoothing.json")
    runs = json.loads((results_folder() / "smoothing.json").read_text())["runs"]
    assert [run["eps"] for run in runs] == design["eps"] * design["seeds"]


def ramp(width, height):
    "Return an image whose red value is the column."
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.arange(width)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("width, height, columns", [(90, 40, range(25, 65)), (40, 90, range(40))])
def test_the_middle_is_the_largest_square_in_the_middle(width, height, columns):
    image = middle(ramp(width, height))
    assert image.size == (40, 40)
    assert np.array_equal(np.asarray(image)[0, :, 0], columns)


def test_squares_go_from_one_end_to_the_other():
    first, second, last = (np.asarray(image)[0, :, 0] for image in squares(ramp(90, 40), 40, 3))
    assert (first[0], second[0], last[-1]) == (0, 25, 89)


def test_a_window_without_a_box_is_the_whole_image():
    assert cut(ramp(40, 40), [None], 20)[0].size == (20, 20)


def test_pairs_are_wide_images_of_two_classes():
    pixels = [np.full((3, 20, width), i, np.uint8) for i, width in enumerate((30, 10, 30, 30))]
    labels = torch.tensor([0, 1, 2, 2])
    pictures, targets = make_pairs(SimpleNamespace(val=pixels, val_labels=labels, vocab="abc"), 5)
    assert [picture.size for picture in pictures] == [(60, 20)] * 5
    assert targets.tolist() == [[1, 0, 1]] * 5


def test_f1_counts_hits_misses_and_false_alarms():
    values = torch.tensor([[0.9, 0.8, 0.1], [0.9, 0.2, 0.7]])
    targets = torch.tensor([[1.0, 1, 0], [1, 1, 0]])
    assert f_score(values, targets, 0.5) == pytest.approx(2 * 3 / (4 + 4))


def test_a_threshold_is_chosen_on_one_half_and_tried_on_the_other():
    values = torch.tensor([[0.3, 0.3, 0.1], [0.6, 0.6, 0.4]] * 4)
    targets = torch.tensor([[1.0, 1, 0]] * 8)
    found = pair_measures(values, targets)
    assert 0.09 < found["threshold"] < 0.3 and found["both_first"] == [1] * 8
    assert found["f1"] == pytest.approx(2 * 8 / (12 + 8))  # the third class is above it, too
    assert found["f1_at_half"] == 1


def test_a_small_study_keeps_the_seeds_before_an_error(tmp_path, monkeypatch):
    file, out = tmp_path / "design.json", tmp_path / "out.json"
    file.write_text('{"seeds": 3, "scale": 2}')
    seeds = read_design(file)[1]

    def run_seed(design, data, seed):
        if seed == seeds[2]:
            raise KeyboardInterrupt
        yield dict(seed=seed, value=data * design["scale"])

    monkeypatch.setattr(sys, "argv", ["study", "--out", str(out)])
    with pytest.raises(KeyboardInterrupt):
        run_small_study(file, "A study.", lambda design: (5, [1, 2]), run_seed)
    results = json.loads(out.read_text())
    assert results["runs"] == [dict(seed=seed, value=10) for seed in seeds[:2]]
    assert results["about"]["images"] == [1, 2]
    assert results["about"]["seeds"] == seeds
