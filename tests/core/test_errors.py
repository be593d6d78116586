"Messages of arguments that are not allowed have one form, wherever they come from."

import re

import numpy as np
import pytest
import torch
from PIL import Image
from traitlets import TraitError

import lesson7
from lesson7.course.check import exercise
from lesson7.data.labels import class_numbers
from lesson7.data.loaders import mislabel
from lesson7.errors import (
    check_choice,
    check_count,
    check_positive,
    check_range,
    check_seed,
    must_be,
    require,
)
from lesson7.measure import reliability
from lesson7.mixup import beta_density
from lesson7.normalize import normalize
from lesson7.resize import downsize
from lesson7.tta import tta_log_probabilities

FORM = re.compile(r"[\w'/.()\-\[\] ]+ must be .+, got .+")
NOT_NUMBERS = [None, "0.5", [0.5], torch.zeros(2), float("nan")]


def test_a_message_has_name_allowed_value_and_advice():
    assert must_be("scale", "in (0, 1]", 1.5) == "scale must be in (0, 1], got 1.5"
    message = must_be("dls", "loaders with images", "none", "use test_dl")
    assert message == "dls must be loaders with images, got none; use test_dl"


def test_require_raises_the_error_that_it_is_given():
    require(True, "x", "a tensor", None)
    with pytest.raises(ValueError, match="^x must be a tensor, got None$"):
        require(False, "x", "a tensor", None)
    with pytest.raises(TypeError, match="^x must be a tensor, got None; use it$"):
        require(False, "x", "a tensor", None, "use it", TypeError)


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), torch.tensor(0.5)])
def test_a_number_in_the_range_is_allowed(value):
    check_range("beta", value, 0, 1)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("inf"), *NOT_NUMBERS])
def test_what_is_not_in_the_range_is_an_error(value):
    with pytest.raises(ValueError, match=r"^beta must be in \[0, 1\], got "):
        check_range("beta", value, 0, 1)


@pytest.mark.parametrize("value", [0, 42, 2**63 - 1, np.int64(7), np.uint8(7)])
def test_a_whole_number_of_63_bits_is_a_seed(value):
    check_seed(value)


@pytest.mark.parametrize("value", [-1, 2**63, 1.5, True, *NOT_NUMBERS])
def test_what_a_generator_does_not_take_is_an_error(value):
    with pytest.raises(ValueError, match="^seed must be a whole number, 0 or above and below 2"):
        check_seed(value)


@pytest.mark.parametrize("value", [1, 1e-300, np.float64(3), torch.tensor(2)])
def test_a_positive_number_is_allowed(value):
    check_positive("lr", value)


@pytest.mark.parametrize("value", [0, -1, float("inf"), *NOT_NUMBERS])
def test_what_is_not_positive_is_an_error(value):
    with pytest.raises(ValueError, match="^lr must be a finite number above 0, got "):
        check_positive("lr", value)


@pytest.mark.parametrize("value", [2, np.int64(2), torch.tensor(2), 10**30])
def test_a_count_is_a_whole_number_of_any_type(value):
    check_count("n", value, 2)


@pytest.mark.parametrize("value", [1, -2, 2.0, True, np.float32(3), *NOT_NUMBERS])
def test_what_is_no_count_is_an_error(value):
    with pytest.raises(ValueError, match="^n must be a whole number, 2 or more, got "):
        check_count("n", value, 2)


def test_a_choice_is_one_of_the_names():
    check_choice("reduce", "mean", ["mean", "max"])
    with pytest.raises(ValueError, match="^reduce must be one of 'mean', 'max', got 'sum'$"):
        check_choice("reduce", "sum", ["mean", "max"])


TWO_ROWS = torch.tensor([[0.5, 0.5], [0.2, 0.8]])
IMAGES = torch.rand(2, 3, 8, 8)
MISTAKES = {
    "batch_stats": lambda: lesson7.batch_stats(IMAGES[0]),
    "normalize": lambda: normalize(IMAGES[:, :2], lesson7.NormStats.imagenet()),
    "NormStats": lambda: lesson7.NormStats((0.5,), (0,)),
    "Stage": lambda: lesson7.Stage(0, 8, 1, 1e-3),
    "fit_progressive": lambda: lesson7.fit_progressive(None, None, []),
    "windows": lambda: lesson7.windows(10, 10, 8, n=5),
    "combine": lambda: lesson7.combine(torch.zeros(2, 2)),
    "mix": lambda: lesson7.mix(IMAGES, IMAGES, 2),
    "mix_batch": lambda: lesson7.mix_batch(IMAGES, [0, 1], 0.5, [0, 0], 2),
    "sample_lambda": lambda: lesson7.sample_lambda(0),
    "smooth_labels": lambda: lesson7.smooth_labels([2], 2),
    "smoothed_cross_entropy": lambda: lesson7.smoothed_cross_entropy(TWO_ROWS, [0]),
    "ece": lambda: lesson7.ece(-TWO_ROWS, [0, 1]),
    "reliability": lambda: reliability(TWO_ROWS, [0, 1], bins=0),
    "fit_temperature": lambda: lesson7.fit_temperature(TWO_ROWS, [0]),
    "scores": lambda: lesson7.scores(TWO_ROWS[:1], [0]),
    "paired_difference": lambda: lesson7.paired_difference([1.0, 0.0], [1.0]),
    "class_numbers": lambda: class_numbers([[1, 1]], 2),
    "Recipe": lambda: lesson7.Recipe(mixup=-1),
    "choose": lambda: lesson7.choose(lesson7.Recipe(), ["cutout"]),
    "sample_dataset": lambda: lesson7.sample_dataset(n_train=3),
    "imagenette": lambda: lesson7.imagenette(224),
    "cifar10": lambda: lesson7.cifar10("nowhere"),
    "photos": lambda: lesson7.photos("cat"),
    "get_dls": lambda: lesson7.get_dls(2, 8, stats=([1, 2], [3])),
    "load_model": lambda: lesson7.load_model("nowhere"),
    "predict": lambda: lesson7.predict("nowhere", ["no.jpg"]),
    "MixupExplorer": lambda: lesson7.MixupExplorer(alpha=0),
    "TTAExplorer": lambda: lesson7.TTAExplorer(n=9),
    "NormalizeExplorer": lambda: lesson7.NormalizeExplorer([]),
    "SmoothingExplorer": lambda: lesson7.SmoothingExplorer(n=1),
    "ResizeExplorer": lambda: lesson7.ResizeExplorer(stages=[]),
    "exercise": lambda: exercise("cutout"),
    "eps in words": lambda: lesson7.smooth_labels([1], 2, "0.1"),
    "no eps": lambda: lesson7.smoothed_cross_entropy(TWO_ROWS, [0, 1], None),
    "a scale in words": lambda: lesson7.windows(9, 9, 8, scale="0.5"),
    "a fifth corner": lambda: tta_log_probabilities(None, 5),
    "a seed in words": lambda: lesson7.windows(9, 9, 8, "random", seed="a"),
    "too many bins": lambda: reliability(TWO_ROWS, [0, 1], bins=2**70),
    "an array to resize": lambda: downsize(np.zeros((3, 4, 4)), 2),
    "a vector to resize": lambda: downsize(torch.rand(4), 2),
    "no pixels to resize": lambda: downsize(torch.rand(3, 0, 4), 2),
    "a seed of 64 bits": lambda: lesson7.Recipe(seed=2**63),
    "a seed that is a fraction": lambda: lesson7.get_dls(2, 8, seed=1.5),
    "an explorer without pixels": lambda: lesson7.MixupExplorer(side=0),
    "a negative side": lambda: lesson7.NormalizeExplorer(side=-4),
    "a side in words": lambda: lesson7.TTAExplorer(side="96"),
    "an explorer's seed in words": lambda: lesson7.MixupExplorer(seed="x"),
    "an explorer's negative seed": lambda: lesson7.NormalizeExplorer(seed=-1),
    "a report of no folder": lambda: lesson7.dataset_report("nowhere"),
    "a seed for a generator": lambda: lesson7.sample_lambda(3, generator=3),
    "no loaders to mislabel": lambda: mislabel(None, 0.5, 0),
    "a number of stages": lambda: lesson7.relative_cost(3),
    "a stage without a list": lambda: lesson7.relative_cost(lesson7.Stage(8, 8, 1, 1e-3)),
    "stages to train in words": lambda: lesson7.fit_progressive(None, None, 3),
    "a density in words": lambda: beta_density("a"),
    "a density of words": lambda: beta_density(["a", "b"]),
    "statistics of one pixel": lambda: lesson7.dataset_stats(Image.new("RGB", (1, 1))),
    "statistics of a batch of one pixel": lambda: lesson7.batch_stats(torch.rand(1, 3, 1, 1)),
    "an unknown option": lambda: lesson7.get_dls(2, 8, foo=1),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_every_message_has_the_form(mistake):
    with pytest.raises((ValueError, TypeError, TraitError)) as raised:
        mistake()
    message = str(raised.value)
    assert FORM.match(message) and "nan" not in message, message
    assert "\n" not in message
