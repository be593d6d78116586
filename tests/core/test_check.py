"The checkers of the exercises: right answers, known slips and other wrong answers."

import ast
import inspect
import math

import pandas
import pytest
import torch
from processes import loaded_modules
from right_answers import RIGHT_ANSWERS, gamma_sample_lambda
from wrong_answers import WRONG_ANSWERS

from lesson7 import mixup, normalize, resize, smoothing, tta
from lesson7.course import check
from lesson7.course.sandbox import as_tensor, shown
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
        for fn in functions:
            cases.append(pytest.param(name, fn, id=f"{name}-{fn.__name__}"))
    return cases


def test_every_exercise_has_a_checker_and_right_answers():
    assert set(RIGHT_ANSWERS) == set(exercises())
    assert all(callable(checker(name)) for name in exercises())
    assert all(len({*functions}) >= 5 for functions in RIGHT_ANSWERS.values())


@pytest.mark.parametrize("chapter", ["normalize", "resize", "tta", "mixup", "smoothing"])
def test_a_chapter_has_two_to_four_exercises(chapter):
    count = sum(exercise.chapter == chapter for exercise in exercises().values())
    assert 2 <= count <= 4


@pytest.mark.parametrize("name, fn", right_answer_cases())
def test_a_right_answer_passes_however_it_is_written(name, fn):
    verdict = checker(name)(fn)
    assert verdict and verdict.right, verdict
    assert repr(verdict).startswith(f"Right: {name}.")
    assert name in check.progress().done


def test_the_tolerance_is_small():
    exact = exercises()["mix"].answer
    assert check.mix(lambda a, b, t: exact(a, b, t) + 5e-6)
    verdict = check.mix(lambda a, b, t: exact(a, b, t) + 1e-4 * a)
    assert "the largest difference is 0.0001, and 1e-05 is allowed" in verdict.message


def beyond_tolerance(exercise, index):
    "Return a right answer with one part that differs by three times the tolerance."

    def answer(*args):
        value = exercise.answer(*args)
        parts = [*value] if isinstance(value, tuple) else [value]
        part = as_tensor(parts[index])
        parts[index] = part + 3 * (exercise.atol + 1e-5 * part.abs().max())
        return tuple(parts) if len(parts) > 1 else parts[0]

    return answer


@pytest.mark.parametrize("name", sorted({*exercises()} - {"sample_lambda"}))
def test_each_part_of_an_answer_is_compared_to_the_tolerance(name):
    exercise = exercises()[name]
    value = exercise.answer(*exercise.inputs()[0].values())
    for index in range(len(value) if isinstance(value, tuple) else 1):
        assert not checker(name)(beyond_tolerance(exercise, index))


def test_values_that_look_the_same_are_shown_with_more_decimals():
    verdict = check.mix(lambda a, b, t: exercises()["mix"].answer(a, b, t) + 2e-5 * a)
    assert "at [2]:    got 0.30002001, expected 0.30000001" in repr(verdict)


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
        given, expected = LIBRARY_ANSWERS[name](*inputs.values()), exercise.expected(inputs)
        if not isinstance(expected, tuple):
            given, expected = [given], [expected]
        for part, expected_part in zip(given, expected, strict=True):
            assert torch.allclose(as_tensor(part), as_tensor(expected_part), atol=1e-6)


@pytest.mark.parametrize("name", [*LIBRARY_ANSWERS, "sample_lambda", "windows"])
def test_the_librarys_functions_pass(name):
    library = LIBRARY_ANSWERS | {"sample_lambda": mixup.sample_lambda, "windows": library_windows}
    verdict = checker(name)(library[name])
    assert verdict, verdict


@pytest.mark.parametrize(
    "name, library, count", [("windows", library_windows, 4), ("tta_views", library_tta_views, 3)]
)
def test_boxes_agree_with_the_library_in_any_order(name, library, count):
    exercise = exercises()[name]
    for inputs in exercise.inputs():
        expected = as_tensor(exercise.expected(inputs))
        expected = {tuple(box) for box in exercise.canonical(expected, inputs).tolist()}
        given = as_tensor(library(**inputs))
        given = {tuple(box) for box in exercise.canonical(given, inputs).tolist()}
        assert given == expected
        assert len(expected) == count


# ---- Known slips


def slip_cases():
    "Return a case for each slip that an exercise knows."
    cases = []
    for exercise in exercises().values():
        for slip in exercise.slips:
            cases.append(pytest.param(exercise.name, slip, id=f"{exercise.name}{slip.__name__}"))
    return cases


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name, slip", slip_cases())
def test_the_message_names_the_slip(name, slip):
    verdict = checker(name)(slip)
    assert not verdict
    assert verdict.message == f"Likely slip: {slip.__doc__}."
    assert verdict.inputs
    assert not check.progress().done


@pytest.mark.parametrize("name", exercises())
def test_each_exercise_knows_six_slips_with_different_names(name):
    slips = exercises()[name].slips
    assert len(slips) >= 6
    assert len({slip.__doc__ for slip in slips}) == len(slips)


# ---- Wrong answers in other code than the slips


def wrong_answer_cases():
    "Return a case for each wrong answer, with the exercise and the function in its id."
    cases = []
    for name, rows in WRONG_ANSWERS.items():
        for fn, message in rows:
            cases.append(pytest.param(name, fn, message, id=f"{name}-{fn.__name__}"))
    return cases


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name, fn, message", wrong_answer_cases())
def test_a_wrong_answer_fails_and_is_explained(name, fn, message):
    verdict = checker(name)(fn)
    assert not verdict and not check.progress().done
    assert message in verdict.message
    has_no_description = verdict.message == f"A hint: check.{name}.hint()."
    assert bool(message) != has_no_description
    assert verdict.inputs
    if inspect.getsource(fn).count("    return ") == 1 and "yield" not in inspect.getsource(fn):
        assert "  your line: line " in repr(verdict)
        assert "return" in verdict.line or "It raises" in verdict.message


def named_slips(name, message):
    "Return the names of the slips that a message is part of."
    return {slip.__doc__ for slip in exercises()[name].slips if message in slip.__doc__}


@pytest.mark.parametrize("name", exercises())
def test_every_slip_is_named_for_an_answer_in_other_code(name):
    named = [named_slips(name, message) for _, message in WRONG_ANSWERS[name] if message]
    assert all(len(slips) <= 1 for slips in named)
    assert set().union(*named) == {slip.__doc__ for slip in exercises()[name].slips}


def first_answer(exercise):
    "Return a function that returns the right answer to the first inputs, whatever it is given."
    [first, *_] = exercise.inputs()
    answer = exercise.expected(first)
    return lambda *args: answer


@pytest.mark.parametrize("name", exercises())
def test_an_answer_that_hard_codes_the_first_input_fails(name):
    assert not checker(name)(first_answer(exercises()[name]))


def first_definition(source):
    "Return the syntax tree of the function in a text of imports and one function."
    [function] = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return function


def changed_nodes(node, arguments):
    "Yield what may be in the place of a node: another operator, argument or whole number."
    if isinstance(node, ast.BinOp):
        yield node.left
        yield node.right
        others = {ast.Add, ast.Sub, ast.Mult, ast.Div} - {type(node.op)}
        for operator in sorted(others, key=str):
            yield ast.BinOp(node.left, operator(), node.right)
    if isinstance(node, ast.Name) and node.id in arguments:
        other = arguments[arguments.index(node.id) - 1]
        if other != node.id:
            yield ast.Name(other, ast.Load())
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield ast.Constant(node.value + 1)


class Replace(ast.NodeTransformer):
    "Replaces one node of a syntax tree."

    def __init__(self, old, new):
        self.old, self.new = old, new

    def visit(self, node):
        return self.new if node is self.old else super().generic_visit(node)


def mutants(source):
    "Return texts of a function, each with one operator, argument or whole number changed."
    count = len([*ast.walk(first_definition(source))])
    texts = []
    for position in range(count):
        function = first_definition(source)
        arguments = [argument.arg for argument in function.args.args]
        node = [*ast.walk(function)][position]
        for new in changed_nodes(node, arguments):
            text = ast.unparse(ast.fix_missing_locations(Replace(node, new).visit(function)))
            texts.append(text)
            function = first_definition(source)
            node = [*ast.walk(function)][position]
    return texts


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", exercises())
def test_a_solution_with_another_operator_argument_or_number_fails(name):
    exercise = exercises()[name]
    texts = mutants(exercise.solution)
    assert len(texts) >= 2
    passed = []
    for text in texts:
        namespace = dict(torch=torch, math=math)
        exec(text, namespace)
        outcomes = check._outcomes(exercise, namespace[f"my_{name}"], seconds=5)
        if all(outcome.right for outcome in outcomes):
            passed.append(text)
    assert passed == []


# ---- The smallest input that fails


def value_count(inputs):
    "Return how many numbers are in inputs."
    return sum(torch.as_tensor(value).numel() for value in inputs.values())


@pytest.mark.parametrize("name", exercises())
def test_ordinary_cases_come_first_and_grow(name):
    cases = exercises()[name].cases()
    notes = [bool(case.note) for case in cases]
    assert notes == sorted(notes)
    counts = [value_count(case.inputs) for case in cases if not case.note]
    assert len(counts) >= 3 and counts == sorted(counts)


def right_before(exercise, position):
    "Return a function that is right for the cases before a position, and then wrong."
    calls = iter(exercise.inputs()[:position])

    def answer(*args):
        inputs = next(calls, None)
        return "wrong" if inputs is None else exercise.expected(inputs)

    return answer


@pytest.mark.parametrize("name", sorted({*exercises()} - {"sample_lambda"}))
def test_the_verdict_has_the_smallest_inputs_that_differ(name):
    exercise = exercises()[name]
    for position, inputs in enumerate(exercise.inputs()):
        verdict = checker(name)(right_before(exercise, position))
        assert shown(tuple(verdict.inputs.values())) == shown(tuple(inputs.values()))


# ---- Special inputs


def several_images_only(x):
    mean, std = right("batch_stats")(x)
    return mean, std if len(x) > 1 else 0 * std


def three_channels_only(x, mean, std):
    return (x - mean.reshape(1, 3, 1, 1)) / std.reshape(1, 3, 1, 1)


def one_type_only(name):
    "Return a right answer that raises an error for inputs of another type than float32."

    def answer(*args):
        torch.ones(1, 1) @ args[0].new_ones(1, 1)
        return right(name)(*args)

    return answer


def two_stages_only(stages):
    return right("relative_cost")(stages) / len(stages[:2]) * 2


def several_views_only(logits):
    return right("combine")(logits) * (len(logits) > 1)


def positive_beta_only(preds, beta):
    return right("weigh_views")(preds, beta) if beta else preds.mean(0)


def wide_windows_only(h, w, side):
    return right("windows")(h, w, max(side, 2))


def high_images_only(h, w):
    return right("tta_views")(max(h, 2), w)


def two_images_only(x, y, lam, perm, n):
    images, labels = right("mix_batch")(x, y, lam, perm, n)
    return images, labels.squeeze()


def many_weights_only(n, alpha):
    return right("sample_lambda")(max(n, 10), alpha)


def positive_eps_only(y, n, eps):
    return right("smooth_labels")(y, n, max(eps, 0.01))


def many_classes_only(logits, y, eps):
    return right("smoothed_cross_entropy")(logits, y, eps) + (logits.shape[1] == 2)


def several_images_loss(logits, y, eps):
    return right("smoothed_cross_entropy")(logits, y, eps) + (len(y) == 1)


def positive_eps_loss(logits, y, eps):
    return right("smoothed_cross_entropy")(logits, y, max(eps, 0.01))


def small_logits_loss(logits, y, eps):
    return right("smoothed_cross_entropy")(logits.clamp(max=100), y, eps)


def several_channels_only(x, mean, std):
    return right("denormalize")(x, mean.expand(3), std.expand(3))


def smaller_sizes_only(x, size):
    return right("downsize")(x, size) * (size < x.shape[1])


def inner_weights_only(x, y, lam, perm, n):
    return right("mix_batch")(x, y, lam.clamp(0.05, 0.95), perm, n)


def three_views_only(preds, beta):
    return right("weigh_views")(preds, beta if len(preds) > 2 else 0.5)


def several_classes_only(x, y, lam, perm, n):
    images, labels = right("mix_batch")(x, y, lam, perm, n)
    return images, labels.squeeze(1)


def small_eps_only(n, eps):
    return 1 + right("best_logit")(n, eps) if eps == 1 else right("best_logit")(n, eps)


def right(name):
    "Return a right answer to an exercise."
    return RIGHT_ANSWERS[name][0]


ONE_IMAGE = "a batch of one image"
STAGE = "a single stage"
DOUBLE = "numbers of the type float64"
SPECIAL = [  # exercise, an answer that is wrong for special inputs, what is special
    ("batch_stats", several_images_only, ONE_IMAGE),
    (
        "batch_stats",
        lambda x: right("batch_stats")(x.expand(-1, 3, -1, -1)),
        "images of one channel",
    ),
    ("batch_stats", one_type_only("batch_stats"), DOUBLE),
    ("normalize", three_channels_only, "images of one channel"),
    ("normalize", one_type_only("normalize"), DOUBLE),
    ("denormalize", several_channels_only, "images of one channel"),
    ("denormalize", one_type_only("denormalize"), DOUBLE),
    ("relative_cost", two_stages_only, STAGE),
    ("epochs_trained", lambda stages: right("epochs_trained")(stages) or 1, "an empty list"),
    ("epochs_trained", lambda stages: right("epochs_trained")(stages) + (len(stages) == 1), STAGE),
    ("downsize", smaller_sizes_only, "a size that is equal to H"),
    ("downsize", one_type_only("downsize"), DOUBLE),
    ("downsize", lambda x, size: right("downsize")(x, max(size, 2)), "a size of 1"),
    ("combine", several_views_only, "a single view"),
    ("combine", lambda logits: right("combine")(logits).squeeze(0), ONE_IMAGE),
    ("combine", lambda logits: right("combine")(logits).squeeze(1), "a single class"),
    ("combine", lambda logits: right("combine")(logits.clamp(max=100)), "logits of 1000"),
    ("combine", one_type_only("combine"), DOUBLE),
    ("weigh_views", lambda preds, beta: right("weigh_views")(preds, beta).squeeze(0), ONE_IMAGE),
    ("weigh_views", three_views_only, "a single view besides the plain one"),
    ("weigh_views", lambda preds, beta: right("weigh_views")(preds, min(beta, 0.9)), "a beta of 1"),
    ("weigh_views", one_type_only("weigh_views"), DOUBLE),
    ("weigh_views", positive_beta_only, "a beta of 0"),
    ("windows", wide_windows_only, "a side of 1"),
    ("tta_views", high_images_only, "an image that is one pixel high"),
    ("mix", lambda a, b, t: right("mix")(a, b, max(t, 0.05)), "a weight of 0"),
    ("mix", lambda a, b, t: right("mix")(a, b, min(t, 0.95)), "a weight of 1"),
    ("mix", one_type_only("mix"), DOUBLE),
    ("mix_batch", two_images_only, ONE_IMAGE),
    ("mix_batch", several_classes_only, "a single class"),
    ("mix_batch", inner_weights_only, "weights of 0 and 1"),
    ("sample_lambda", many_weights_only, "a few weights"),
    ("sample_lambda", lambda n, alpha: right("sample_lambda")(max(n, 2), alpha), "a single weight"),
    (
        "smooth_labels",
        lambda y, n, eps: as_tensor(right("smooth_labels")(y, n, eps)).squeeze(0),
        ONE_IMAGE,
    ),
    ("smooth_labels", lambda y, n, eps: right("smooth_labels")(y, n, eps * (n > 2)), "two classes"),
    (
        "smooth_labels",
        lambda y, n, eps: right("smooth_labels")(y, n, min(eps, 0.9)),
        "an eps near 1",
    ),
    ("smooth_labels", positive_eps_only, "an eps of 0"),
    ("smoothed_cross_entropy", several_images_loss, ONE_IMAGE),
    ("smoothed_cross_entropy", positive_eps_loss, "an eps of 0"),
    ("smoothed_cross_entropy", small_logits_loss, "logits of 1000"),
    ("smoothed_cross_entropy", many_classes_only, "two classes"),
    ("best_logit", small_eps_only, "an eps of 1"),
]


@pytest.mark.parametrize("name, fn, note", SPECIAL, ids=[f"{row[0]}-{row[2]}" for row in SPECIAL])
def test_the_message_names_special_inputs(name, fn, note):
    verdict = checker(name)(fn)
    assert not verdict
    assert f"Ordinary inputs are right; it differs for {note}" in verdict.message


@pytest.mark.parametrize("name", exercises())
def test_each_special_input_has_an_answer_that_fails_for_it(name):
    notes = tuple(note for exercise, _, note in SPECIAL if exercise == name)
    special = {case.note for case in exercises()[name].cases() if case.note}
    assert all(note.startswith(notes) for note in special)


def changing_its_input(fn):
    "Return a right function that changes its first input afterwards."

    def answer(*args):
        value = fn(*args)
        first = args[0]
        if isinstance(first, list):
            first.append((32, 1))
        else:
            first.mul_(2).add_(1)
        return value

    return answer


WITHOUT_TENSORS = {"windows", "tta_views", "sample_lambda", "best_logit"}


@pytest.mark.parametrize("name", sorted({*exercises()} - WITHOUT_TENSORS))
def test_a_right_answer_that_changes_its_input_fails(name):
    fn = changing_its_input(RIGHT_ANSWERS[name][0])
    exercise = exercises()[name]
    first = next(iter(exercise.inputs()[0]))

    def with_names(*args):
        return fn(*args)

    assert f"It changes its input {first} in place" in checker(name)(with_names).message


# ---- Other types of answers


@pytest.mark.parametrize(
    "convert",
    [
        torch.Tensor.double,
        torch.Tensor.numpy,
        torch.Tensor.tolist,
        lambda x: tuple(map(tuple, x.tolist())),
        lambda x: x.clone().requires_grad_(),
        lambda x: x.to_sparse(),
        lambda x: pandas.DataFrame(x.numpy()),
        lambda x: (row for row in x),
        lambda x: map(list, x),
        lambda x: x[None],
    ],
)
def test_an_answer_may_have_any_type_of_numbers(convert):
    assert check.combine(lambda logits: convert(right("combine")(logits)))


@pytest.mark.parametrize(
    "convert, message",
    [
        (lambda x: {*x.flatten().tolist()}, "It returns a set, which has no order"),
        (lambda x: x.half(), "It is close: the largest difference is 0.00"),
        (lambda x: x.to("meta"), "no table of numbers"),
        (lambda x: x.to(torch.complex64), "It returns a Tensor; expected"),
        (lambda x: dict(enumerate(x)), "It returns a dict"),
        (lambda x: x.T, "It returns the shape [3, 2]; expected [2, 3]. Rows and columns"),
    ],
)
def test_other_types_of_answers_have_a_message(convert, message):
    fn = right("weigh_views")
    two_by_three = exercises()["weigh_views"].inputs()[1]["preds"].shape[1:] == (2, 3)
    assert two_by_three
    verdict = check.weigh_views(lambda preds, beta: convert(fn(preds, beta)))
    assert not verdict
    if "Rows" not in message:
        assert message in verdict.message


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", exercises())
def test_another_default_type_or_device_changes_nothing(name):
    wrong, message = WRONG_ANSWERS[name][0]
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    try:
        verdicts = [checker(name)(RIGHT_ANSWERS[name][0]), checker(name)(wrong)]
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
    assert verdicts[0] and not verdicts[1]
    assert message in verdicts[1].message


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_an_answer_may_be_on_a_gpu():
    assert check.combine(lambda logits: right("combine")(logits.cuda()))


# ---- Other wrong answers


def test_a_wrong_answer_without_a_known_slip_shows_the_values():
    verdict = check.mix(lambda a, b, t: a - b)
    assert (verdict.right, verdict.message) == (False, "A hint: check.mix.hint().")
    [place, got, expected] = verdict.places[0]
    assert (place, got, round(expected, 4)) == ((2,), 1, 0.3)
    difference = verdict.inputs["a"] - verdict.inputs["b"]
    assert torch.equal(verdict.gave, difference.double())
    text = repr(verdict)
    assert "  for:       a = [0, 0, 1, 0," in text
    assert "  got:       [0, 0, 1," in text
    assert "  expected:  [0, 0, 0.3," in text
    assert "  at [2]:    got 1, expected 0.3" in text
    html = verdict._repr_html_()
    assert "<th>got</th><th>expected</th>" in html
    assert "at [2]</td><td><code>1</code></td><td><code>0.3</code></td>" in html


def test_the_message_names_values_that_are_not_finite():
    assert "no numbers" in check.mix(lambda a, b, t: a * float("nan")).message


@pytest.mark.parametrize(
    "fn, message",
    [
        (lambda x: x.mean((0, 2, 3)), "It returns one Tensor; expected a tuple of 2 values."),
        (lambda x: (1, 2, 3), "It returns 3 values; expected a tuple of 2 values."),
        (lambda x: (x.mean((0, 2, 3)), 0), "Its second value has the shape []; expected [3]."),
    ],
)
def test_the_message_names_a_wrong_number_of_values(fn, message):
    assert message in check.batch_stats(fn).message


def test_the_message_names_a_wrong_number_of_weights():
    verdict = check.sample_lambda(lambda n, alpha: [0.6, 0.7, 0.8])
    assert "It returns the shape [3]; expected [20000]." in verdict.message


def test_the_verdict_says_what_the_compared_numbers_are():
    verdict = check.sample_lambda(lambda n, alpha: torch.rand(n))
    assert len(verdict.gave) == 5
    assert "the quantiles 0.1, 0.25, 0.5, 0.75 and 0.9 of the weights" in repr(verdict)
    few = check.sample_lambda(lambda n, alpha: gamma_sample_lambda(n, alpha) - (n == 3))
    assert few.inputs["n"] == 3 and "quantiles" not in repr(few)


TASK = (
    "Return smoothed targets [B,n] for class indices y [B], "
    "the number of classes n and the smoothing eps."
)
NO_FUNCTION = "This is a Tensor: give the function itself, not what it returns."


@pytest.mark.parametrize("answer, message", [(None, TASK), (torch.ones(1, 10), NO_FUNCTION)])
def test_an_answer_must_be_a_function(answer, message):
    verdict = check.smooth_labels(answer)
    assert verdict.message == message and not verdict


def test_an_unknown_exercise_raises_an_error():
    with pytest.raises(ValueError, match="exercise must be one of 'batch_stats', .*, got 'smooth'"):
        check.exercise("smooth")


def test_importing_check_loads_no_slow_package():
    slow = {
        "torch",
        "fastai",
        "torchvision",
        "sklearn",
        "skimage",
        "matplotlib",
        "anywidget",
        "IPython",
    }
    assert not slow & loaded_modules("import lesson7.course.check")
