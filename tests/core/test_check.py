"The checkers of the exercises: right answers, known slips and other wrong answers."

import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from processes import loaded_modules
from right_answers import (
    RIGHT_ANSWERS,
    loop_tta_views,
    torch_mix_batch,
    with_arrays,
)

from lesson7 import mixup, normalize, resize, smoothing, tta
from lesson7.course import check
from lesson7.course.sandbox import numbers, shown
from lesson7.course.tasks import exercises

pytest_plugins = ["core_fixtures"]
pytestmark = pytest.mark.usefixtures("data_home")


def checker(name):
    "Return the checker of an exercise."
    return getattr(check, name)


# ---- Right answers


def right_answer_cases():
    "Return a case for each right answer, with the exercise and the kind in its id."
    cases = []
    for name, functions in RIGHT_ANSWERS.items():
        for kind, fn in zip(("torch", "numpy", "loop"), functions, strict=True):
            cases.append(pytest.param(name, fn, id=f"{name}-{kind}"))
    return cases


def test_every_exercise_has_a_checker_and_right_answers():
    assert set(RIGHT_ANSWERS) == set(exercises())
    assert all(callable(checker(name)) for name in exercises())


@pytest.mark.parametrize("chapter", ["normalize", "resize", "tta", "mixup", "smoothing"])
def test_a_chapter_has_two_to_four_exercises(chapter):
    count = sum(exercise.chapter == chapter for exercise in exercises().values())
    assert 2 <= count <= 4


@pytest.mark.parametrize("name, fn", right_answer_cases())
def test_a_right_answer_passes_in_torch_numpy_and_plain_python(name, fn):
    verdict = checker(name)(fn)
    assert verdict and verdict.right, verdict
    assert repr(verdict).startswith(f"Right: {name}.")
    assert name in check.progress().done


def test_the_tolerance_is_small():
    exact = exercises()["best_logit"].answer
    assert check.best_logit(lambda n, eps: exact(n, eps) + 5e-6)
    assert not check.best_logit(lambda n, eps: exact(n, eps) + 1e-3)


def shown_inputs(exercise):
    return [shown(tuple(inputs.values())) for inputs in exercise.inputs()]


def test_inputs_are_the_same_each_time():
    for exercise in exercises().values():
        assert shown_inputs(exercise) == shown_inputs(exercise)


# ---- The exercises' own answers against the library


def library_batch_stats(x):
    stats = normalize.batch_stats(x)
    return stats.mean, stats.std


def library_normalize(x, mean, std):
    return normalize.normalize(x, normalize.NormStats(mean, std))


def library_denormalize(x, mean, std):
    return normalize.denormalize(x, normalize.NormStats(mean, std))


def library_relative_cost(stages):
    _, total = resize.relative_cost([resize.Stage(size, 1, n, 0.1) for size, n in stages])
    return total


def library_combine(logits):
    return tta.combine(logits.softmax(2))


def library_weigh_views(preds, beta):
    return tta.combine(preds, "lerp", beta)


def library_windows(h, w, side):
    return tta.windows(h, w, 8, scale=side / min(h, w))


def library_tta_views(h, w):
    return tta.windows(h, w, 8, "ends", 3, 1.0)


LIBRARY_ANSWERS = {
    "batch_stats": library_batch_stats,
    "normalize": library_normalize,
    "denormalize": library_denormalize,
    "relative_cost": library_relative_cost,
    "downsize": resize.downsize,
    "combine": library_combine,
    "weigh_views": library_weigh_views,
    "mix": mixup.mix,
    "mix_batch": mixup.mix_batch,
    "smooth_labels": smoothing.smooth_labels,
    "smoothed_cross_entropy": smoothing.smoothed_cross_entropy,
}


@pytest.mark.parametrize("name", LIBRARY_ANSWERS)
def test_answers_agree_with_the_library(name):
    exercise = exercises()[name]
    for inputs in exercise.inputs():
        given, expected = LIBRARY_ANSWERS[name](*inputs.values()), exercise.answer(**inputs)
        if not isinstance(expected, tuple):
            given, expected = [given], [expected]
        for part, expected_part in zip(given, expected, strict=True):
            assert torch.allclose(numbers(part), numbers(expected_part), atol=1e-6)


@pytest.mark.parametrize(
    "name, library, count", [("windows", library_windows, 4), ("tta_views", library_tta_views, 3)]
)
def test_boxes_agree_with_the_library_in_any_order(name, library, count):
    exercise = exercises()[name]
    for inputs in exercise.inputs():
        expected = exercise.answer(**inputs)
        assert set(library(**inputs)) == set(expected)
        assert len(expected) == count


def test_sample_lambda_of_the_library_is_a_right_answer():
    assert check.sample_lambda(mixup.sample_lambda)


# ---- Known slips


def slip_cases():
    "Return a case for each slip that an exercise knows."
    cases = []
    for exercise in exercises().values():
        for i, slip in enumerate(exercise.slips):
            cases.append(pytest.param(exercise.name, slip, id=f"{exercise.name}-{i}"))
    return cases


@pytest.mark.parametrize("name, slip", slip_cases())
def test_the_message_names_the_slip(name, slip):
    wrong = exercises()[name].slips[slip]
    verdict = checker(name)(lambda *args: wrong(*args))
    assert not verdict
    assert verdict.says == f"Likely slip: {slip}."
    assert verdict.inputs
    assert not check.progress().done


def test_each_exercise_knows_three_slips_or_more():
    assert all(len(exercise.slips) >= 3 for exercise in exercises().values())


# ---- The same slips in other code than the exercises'


@with_arrays
def without_share_on_the_true_class(y, n, eps):
    return np.where(np.eye(n)[y] > 0, 1 - eps, eps / n)


def smoothed_class_indices(y, n, eps):
    return y * (1 - eps) + eps / n


def stats_of_each_image(x):
    return x.mean((1, 2, 3)), x.std((1, 2, 3))


@with_arrays
def population_stats(x):
    return x.mean((0, 2, 3)), x.std((0, 2, 3))


def mean_of_image_stds(x):
    stds = torch.stack([image.std((1, 2)) for image in x])
    return x.mean((0, 2, 3)), stds.mean(0)


def exchanged_label_weights(x, y, lam, perm, n):
    mixed, label = x.clone(), torch.zeros(len(y), n)
    for i in range(len(y)):
        mixed[i] = lam[i] * x[i] + (1 - lam[i]) * x[perm[i]]
        label[i, y[i]] += 1 - lam[i]
        label[i, y[perm[i]]] += lam[i]
    return mixed, label


def mixed_class_indices(x, y, lam, perm, n):
    mixed, _ = torch_mix_batch(x, y, lam, perm, n)
    return mixed, lam * y + (1 - lam) * y[perm]


def centre_twice(h, w):
    return loop_tta_views(h, w) + loop_tta_views(h, w)[:1]


def softmax_of_the_mean(logits):
    return F.softmax(sum(logits) / len(logits), -1)


def weights_without_folding(n, alpha):
    return [random.betavariate(alpha, alpha) for _ in range(n)]


def uniform_weights(n, alpha):
    return 0.5 + 0.5 * torch.rand(n)


def equal_weights(n, alpha):
    return torch.full((n,), 0.7)


def epochs_without_extra(stages):
    return sum(epochs for _, epochs in stages)


def cost_by_side(stages):
    largest = max(size for size, _ in stages)
    cost, total = 0, 0
    for i, (size, epochs) in enumerate(stages):
        trained = epochs + 1 if i else epochs
        cost += trained * size
        total += trained
    return cost / (total * largest)


SLIPS_IN_OTHER_CODE = [
    (check.smoothing, without_share_on_the_true_class, "forgot eps/N on the true class"),
    (check.smooth_labels, smoothed_class_indices, "class indices in place of one-hot"),
    (check.batch_stats, stats_of_each_image, "averaged over the channel axis"),
    (check.batch_stats, population_stats, "ddof=1"),
    (check.batch_stats, mean_of_image_stds, "std over the wrong axes"),
    (
        check.mix_batch,
        exchanged_label_weights,
        "one weight for the image and another for the label",
    ),
    (check.mix_batch, mixed_class_indices, "class indices in place of one-hot"),
    (check.tta_views, centre_twice, "counted the centre crop twice"),
    (check.combine, softmax_of_the_mean, "softmax after averaging"),
    (check.sample_lambda, weights_without_folding, "did not fold Beta"),
    (check.sample_lambda, uniform_weights, "evenly between one half and one"),
    (check.sample_lambda, equal_weights, "one weight for all"),
    (check.epochs_trained, epochs_without_extra, "fine_tune's extra epoch"),
    (check.relative_cost, cost_by_side, "with the side squared"),
]


@pytest.mark.parametrize("checker, fn, message", SLIPS_IN_OTHER_CODE)
def test_a_slip_is_recognized_by_its_result(checker, fn, message):
    assert message in checker(fn).says


# ---- Other wrong answers


def test_a_wrong_answer_without_a_known_slip_shows_the_values():
    verdict = check.mix(lambda a, b, t: a - b)
    assert (verdict.right, verdict.says) == (False, "")
    difference = verdict.inputs["a"] - verdict.inputs["b"]
    assert torch.equal(verdict.gave, difference.double())
    text = repr(verdict)
    assert "for:      a = [0, 0, 1, 0," in text
    assert "it gave:  [0, 0, 1," in text
    assert "expected: [0, 0, 0.3," in text
    assert "expected: <code>[0, 0, 0.3," in verdict._repr_html_()


def test_the_message_names_values_that_are_not_finite():
    assert "no numbers" in check.mix(lambda a, b, t: a * float("nan")).says


def test_the_verdict_has_the_first_inputs_that_differ():
    exercise = exercises()["relative_cost"]

    def wrong_for_three_stages(stages):
        return exercise.answer(stages) + (len(stages) > 2)

    assert check.relative_cost(wrong_for_three_stages).inputs == exercise.inputs()[1]


@pytest.mark.parametrize(
    "fn, message",
    [
        (lambda x: x.mean((0, 2, 3)), "It returns one Tensor; expected a tuple of 2 values."),
        (lambda x: (1, 2, 3), "It returns 3 values; expected a tuple of 2 values."),
        (lambda x: (x.mean((0, 2, 3)), 0), "It returns the shape []; expected [3]."),
    ],
)
def test_the_message_names_a_wrong_number_of_values(fn, message):
    assert message in check.batch_stats(fn).says


def test_the_message_names_a_wrong_number_of_weights():
    verdict = check.sample_lambda(lambda n, alpha: [0.6, 0.7, 0.8])
    assert "It returns the shape [3]; expected [20000]." in verdict.says


TASK = (
    "Return smoothed targets [B,n] for class indices y [B], "
    "the number of classes n and the smoothing eps."
)
NO_FUNCTION = "This is a Tensor: give the function itself, not what it returns."


@pytest.mark.parametrize("answer, message", [(None, TASK), (torch.ones(1, 10), NO_FUNCTION)])
def test_an_answer_must_be_a_function(answer, message):
    verdict = check.smooth_labels(answer)
    assert verdict.says == message and not verdict


def test_an_unknown_exercise_raises_an_error():
    with pytest.raises(ValueError, match="exercise must be one of 'batch_stats', .*, got 'smooth'"):
        check.exercise("smooth")


def test_importing_check_loads_no_slow_package():
    slow = {"fastai", "torchvision", "sklearn", "skimage", "matplotlib", "anywidget", "IPython"}
    assert not slow & loaded_modules("import lesson7.course.check")
