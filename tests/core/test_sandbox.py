"Functions that raise, print, never return or return other types: one message each."

import itertools
import linecache
import signal
import sys
import threading
import time
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas
import pytest
import torch
from right_answers import torch_smooth_labels

from lesson7.course import check
from lesson7.course.sandbox import AnswerRun, Verdict, as_tensor, is_empty, run_answer, shown

pytest_plugins = ["core_fixtures"]
pytestmark = pytest.mark.usefixtures("data_home")


# ---- Messages


def unfinished(y, n, eps): ...


def only_docstring(y, n, eps):
    "Return smoothed targets."


def only_pass(y, n, eps):
    # To do
    pass


def not_implemented(y, n, eps):
    raise NotImplementedError


def to_do(y, n, eps):
    raise NotImplementedError("to do")


def without_return(y, n, eps):
    torch_smooth_labels(y, n, eps)


def returns_in_a_branch(y, n, eps):
    return torch_smooth_labels(y, n, eps) if n > 3 else None


def softmax_of_integers(y, n, eps):
    return y.softmax(0)


def without_import(y, n, eps):
    return np_.eye(n)[y]  # noqa: F821


def other_order(eps, y, n):
    return torch_smooth_labels(y, n, eps)


def raises_type_error(y, n, eps):
    return y / "two"


def exits(y, n, eps):
    sys.exit(3)


def recurses(y, n, eps):
    return recurses(y, n, eps)


def prints(y, n, eps):
    print(torch_smooth_labels(y, n, eps))


def changes_its_input(y, n, eps):
    y += 1
    return torch_smooth_labels(y - 1, n, eps)


def one_argument(y):
    return y


def no_argument():
    return 1


def transposed(y, n, eps):
    return torch_smooth_labels(y, n, eps).T


def summed(y, n, eps):
    return torch_smooth_labels(y, n, eps).sum()


def string(y, n, eps):
    return "0.91"


def dictionary(y, n, eps):
    return {}


def ragged_rows(y, n, eps):
    return [[1], [1, 2]]


def empty_list(y, n, eps):
    return []


def array_of_strings(y, n, eps):
    return np.array(["a"])


MESSAGES = [
    (unfinished, "Its body is empty. What is asked: check.smooth_labels()."),
    (only_docstring, "Its body is empty. What is asked: check.smooth_labels()."),
    (only_pass, "Its body is empty. What is asked: check.smooth_labels()."),
    (not_implemented, "It is not written yet. What is asked: check.smooth_labels()."),
    (to_do, "It is not written yet. What is asked: check.smooth_labels()."),
    (without_return, "It returns None: is a `return` missing?"),
    (returns_in_a_branch, "It returns None: is a `return` missing?"),
    (raises_type_error, "It raises TypeError: "),
    (softmax_of_integers, "It raises NotImplementedError: "),
    (without_import, "name 'np_' is not defined."),
    (other_order, "Its arguments are in another order: it must take y, n, eps."),
    (exits, "It raises SystemExit: 3."),
    (recurses, "It raises RecursionError"),
    (prints, "It prints, and returns None: is a `return` missing? print only shows a value."),
    (changes_its_input, "It changes its input y in place"),
    (one_argument, "It must take 3 arguments: y, n, eps."),
    (no_argument, "It must take 3 arguments"),
    (transposed, "It returns the shape [3, 2]; expected [2, 3]. Rows and columns are exchanged."),
    (summed, "It returns the shape []; expected [2, 3]."),
    (string, "It returns a str; expected a tensor, an array or a list of numbers."),
    (dictionary, "It returns a dict"),
    (ragged_rows, "no table of numbers"),
    (empty_list, "It returns the shape [0]; expected [2, 3]."),
    (array_of_strings, "no table of numbers"),
]


@pytest.mark.parametrize("fn, message", MESSAGES)
def test_each_fault_has_a_one_line_message(fn, message, capfd):
    verdict = check.smooth_labels(fn)
    assert not verdict
    assert message in verdict.message and "\n" not in verdict.message
    assert "Traceback" not in repr(verdict)
    assert capfd.readouterr() == ("", "")


# ---- The learner's line


def divides_by_text(y):
    return y / "two"


def calls_a_helper(y, n, eps):
    share = eps / n
    return divides_by_text(y) + share


def calls_a_library(y, n, eps):
    rows = [[1.0, 2.0], [3.0]]
    return torch.tensor(rows)


def raises_in_a_callback(y, n, eps):
    return np.apply_along_axis(lambda row: row / "two", 0, y.numpy())


def raises_in_a_generator(y, n, eps):
    yield [1.0] * n
    yield [1.0] * (n // 0)


def waits(y, n, eps):
    while True:
        n += 1


def has_a_function_inside(y, n, eps):
    def share():
        return eps / n

    return y * share()


LINES = [
    (has_a_function_inside, "return y * share()"),
    (lambda y, n, eps: y * 2.5, "lambda y, n, eps: y * 2.5"),
    (raises_type_error, 'return y / "two"'),
    (calls_a_helper, 'return y / "two"'),
    (calls_a_library, "return torch.tensor(rows)"),
    (raises_in_a_callback, 'row / "two"'),
    (raises_in_a_generator, "yield [1.0] * (n // 0)"),
    (transposed, "return torch_smooth_labels(y, n, eps).T"),
    (string, 'return "0.91"'),
]


@pytest.mark.parametrize("fn, text", LINES, ids=lambda value: getattr(value, "__name__", ""))
def test_the_verdict_has_the_learners_line(fn, text):
    verdict = check.smooth_labels(fn)
    number, line = verdict.line.removeprefix("line ").split(": ", 1)
    assert text in line
    assert line in linecache.getline(__file__, int(number))
    assert f"  your line: {verdict.line}" in repr(verdict)


@pytest.mark.parametrize("fn", [unfinished, without_return, recurses, changes_its_input])
def test_no_other_line_is_shown(fn):
    line = check.smooth_labels(fn).line
    assert line == "" or "recurses(y, n, eps)" in line


def test_a_function_without_a_text_has_the_number_of_its_line():
    namespace = {}
    exec("def f(y, n, eps):\n    z = 1\n    return z / 0", namespace)
    assert check.smooth_labels(namespace["f"]).line == "line 3"


@pytest.mark.parametrize("call", [run_answer, lambda *args: run_in_thread(*args, timeout=10)])
def test_the_line_of_an_endless_loop(call):
    result = call(waits, dict(y=1, n=2, eps=3), 0.2)
    assert result.stopped
    assert result.line.endswith(("n += 1", "while True:"))


@pytest.mark.parametrize("name", ["torch", "np", "F", "math"])
def test_a_missing_import_is_named(name):
    namespace = {}
    exec(f"def f(y, n, eps):\n    return {name}.exp(eps)", namespace)
    message = check.smooth_labels(namespace["f"]).message
    assert f"name '{name}' is not defined" in message and "Run `import " in message


class Callable:
    def __call__(self, y, n, eps): ...


def test_only_an_empty_body_is_empty():
    assert all(map(is_empty, [unfinished, only_docstring, only_pass, lambda: None]))
    written = [without_return, not_implemented, prints, lambda x: x, lambda: 1, print, Callable()]
    assert not any(map(is_empty, written))


def test_a_right_function_that_prints_is_right(capsys):
    def right_and_prints(y, n, eps):
        print("here")
        return torch_smooth_labels(y, n, eps)

    verdict = check.smooth_labels(right_and_prints)
    assert verdict and "It also prints" in verdict.message
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("wrong", [lambda y: y[0], lambda y: y.nothing, lambda y: None])
def test_the_verdict_shows_what_a_wrong_function_printed(wrong):
    def wrong_and_prints(y, n, eps):
        print("n is", n)
        print(eps)
        return wrong(y)

    verdict = check.smooth_labels(wrong_and_prints)
    n, eps = verdict.inputs["n"], verdict.inputs["eps"]
    assert verdict.printed == f"n is {n} {eps}"
    assert f"printed:   n is {n} {eps}" in repr(verdict)
    assert f"printed: <code>n is {n} {eps}</code>" in verdict._repr_html_()


def test_a_changed_list_is_detected():
    def removes_the_first_stage(stages):
        _, first_epochs = stages.pop(0)
        return first_epochs + sum(epochs + 1 for _, epochs in stages)

    message = check.epochs_trained(removes_the_first_stage).message
    assert "It changes its input stages in place" in message


def test_html_in_an_error_message_is_escaped():
    def raises_html(y, n, eps):
        raise ValueError("<script>alert(1)</script>")

    html = check.smooth_labels(raises_html)._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_keyboard_interrupt_is_not_caught():
    def interrupted(y, n, eps):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check.smooth_labels(interrupted)


# ---- Time limit


def endless_loop(y, n, eps):
    while True:
        pass


def endless_loop_that_catches_errors(y, n, eps):
    while True:
        with suppress(Exception):
            time.sleep(10)


def sleeps_for_a_minute(y, n, eps):
    time.sleep(60)


@pytest.mark.parametrize(
    "fn", [endless_loop, endless_loop_that_catches_errors, sleeps_for_a_minute]
)
def test_a_function_that_takes_too_long_is_stopped(fn):
    start, thread_count = time.perf_counter(), threading.active_count()
    verdict = check.exercise("smooth_labels", fn, seconds=0.2)
    assert "It did not return within 0.2 seconds" in verdict.message
    assert time.perf_counter() - start < 5
    assert threading.active_count() == thread_count
    time.sleep(0.05)
    assert check.smooth_labels(torch_smooth_labels)  # no alarm is left


def run_in_thread(*args, timeout=None):
    "Return the result of `run_answer` in another thread."
    results = []
    thread = threading.Thread(target=lambda: results.append(run_answer(*args)))
    thread.start()
    thread.join(timeout)
    return results[0]


def test_an_endless_loop_is_stopped_in_another_thread():
    thread_count = threading.active_count()
    result = run_in_thread(endless_loop, dict(y=1, n=2, eps=3), 0.2, timeout=10)
    assert "did not return" in result.problem
    end = time.monotonic() + 10
    while threading.active_count() > thread_count and time.monotonic() < end:
        time.sleep(0.02)
    assert threading.active_count() == thread_count  # the loop has ended


def test_another_thread_returns_values():
    assert run_in_thread(lambda x: x, dict(x=7)) == AnswerRun(7)


def test_another_thread_returns_errors():
    assert "ZeroDivisionError" in run_in_thread(lambda x: 1 / 0, dict(x=7)).problem


def test_another_alarm_handler_is_restored():
    def handler(*_): ...

    before = signal.signal(signal.SIGALRM, handler)
    try:
        check.smooth_labels(torch_smooth_labels)
        assert signal.getsignal(signal.SIGALRM) is handler
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    finally:
        signal.signal(signal.SIGALRM, before)


# ---- Numbers and how they are shown


def test_numbers_returns_float64_tensors():
    assert as_tensor(torch.tensor([1, 2], requires_grad=False)).dtype == torch.float64
    assert as_tensor([torch.tensor(1.0), np.float32(2), 3]).tolist() == [1, 2, 3]
    assert as_tensor(torch.ones(2, requires_grad=True)).tolist() == [1, 1]


@pytest.mark.parametrize(
    "value, text",
    [
        (1000, "1000"),
        ([0.5, 1 / 3], "[0.5, 0.3333]"),
        (float("nan"), "nan"),
        ((1, 2), "[1, 2]"),
        (torch.zeros(5, 5), "shape [5, 5]: 0, 0, 0, 0, ..."),
        ("a" * 200, repr("a" * 200)[:80]),
        (0.00002, "2e-05"),
        (-1e12, "-1e+12"),
        (0.30002, "0.3"),
        ([], "[]"),
    ],
    ids=["number", "list", "nan", "tuple", "large tensor", "long string"]
    + ["small number", "large number", "rounded number", "empty list"],
)
def test_values_are_shown_in_one_line(value, text):
    assert shown(value) == text


@pytest.mark.parametrize(
    "value, expected",
    [
        ({(1, 2), (3, 4)}, 10),
        ([Fraction(1, 2), Decimal("0.5")], 1),
        (np.float16(2), 2),
        ([[torch.tensor(1)], [np.int64(2)]], 3),
        (True, 1),
        (pandas.Series([1, 2]), 3),
        (torch.eye(2).to_sparse(), 2),
    ],
)
def test_numbers_reads_tables_of_many_types(value, expected):
    assert as_tensor(value, is_ordered=False).sum() == expected


@pytest.mark.parametrize("value", [{1}, "1", b"1", {}, None, 1j, [None], ["1"], [[1], 2], object()])
def test_numbers_rejects_what_is_no_table(value):
    with pytest.raises(ValueError, match=r"^It returns a \w+[ ;,]"):
        as_tensor(value)


def test_what_a_generator_yields_is_collected():
    result = run_answer(lambda x: ((i for i in range(2)) for _ in range(x)), dict(x=2))
    assert result.value == [[0, 1], [0, 1]]


def test_an_endless_generator_is_stopped():
    result = run_answer(lambda x: itertools.cycle([x]), dict(x=1), seconds=0.2)
    assert result.stopped or len(result.value) == 1_000_000


def test_a_verdict_without_a_message():
    assert repr(Verdict("mix", True, "")) == "Right: mix."
