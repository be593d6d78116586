"Functions that raise, print, never return or return other types: one message each."

import signal
import sys
import threading
import time
from contextlib import suppress

import numpy as np
import pytest
import torch
from right_answers import loop_smooth_labels, torch_smooth_labels

from lesson7.course import check
from lesson7.course.sandbox import Attempt, Verdict, attempt, numbers, shown

pytest_plugins = ["core_fixtures"]
pytestmark = pytest.mark.usefixtures("data_home")


# ---- Messages


def unfinished(y, n, eps): ...


def not_implemented(y, n, eps):
    raise NotImplementedError


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


def generator(y, n, eps):
    yield from loop_smooth_labels(y, n, eps)


def ragged_rows(y, n, eps):
    return [[1], [1, 2]]


def empty_list(y, n, eps):
    return []


def array_of_strings(y, n, eps):
    return np.array(["a"])


MESSAGES = [
    (unfinished, "It returns nothing yet. What is asked: check.smooth_labels()."),
    (not_implemented, "It is not written yet. What is asked: check.smooth_labels()."),
    (raises_type_error, "It raises TypeError: "),
    (exits, "It raises SystemExit: 3."),
    (recurses, "It raises RecursionError"),
    (prints, "It prints and returns nothing: use return."),
    (changes_its_input, "It changes its input y in place"),
    (one_argument, "It must take 3 arguments: y, n, eps."),
    (no_argument, "It must take 3 arguments"),
    (transposed, "It returns the shape [10, 1]; expected [1, 10]."),
    (summed, "It returns the shape []; expected [1, 10]."),
    (string, "It returns a str; expected a tensor, an array or a list of numbers."),
    (dictionary, "It returns a dict"),
    (generator, "It returns a generator"),
    (ragged_rows, "no table of numbers"),
    (empty_list, "no table of numbers"),
    (array_of_strings, "no table of numbers"),
]


@pytest.mark.parametrize("fn, message", MESSAGES)
def test_each_fault_has_a_one_line_message(fn, message, capfd):
    verdict = check.smooth_labels(fn)
    assert not verdict
    assert message in verdict.says and "\n" not in verdict.says
    assert "Traceback" not in repr(verdict)
    assert capfd.readouterr() == ("", "")


def test_a_right_function_that_prints_is_right(capsys):
    def right_and_prints(y, n, eps):
        print("here")
        return torch_smooth_labels(y, n, eps)

    verdict = check.smooth_labels(right_and_prints)
    assert verdict and "It also prints" in verdict.says
    assert capsys.readouterr().out == ""


def test_a_changed_list_is_detected():
    def removes_the_first_stage(stages):
        _, first_epochs = stages.pop(0)
        return first_epochs + sum(epochs + 1 for _, epochs in stages)

    message = check.epochs_trained(removes_the_first_stage).says
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
    assert "It did not return within 0.2 seconds" in verdict.says
    assert time.perf_counter() - start < 5
    assert threading.active_count() == thread_count
    time.sleep(0.05)
    assert check.smooth_labels(torch_smooth_labels)  # no alarm is left


def attempt_in_thread(*args, timeout=None):
    "Return the result of `attempt` in another thread."
    results = []
    thread = threading.Thread(target=lambda: results.append(attempt(*args)))
    thread.start()
    thread.join(timeout)
    return results[0]


def test_an_endless_loop_is_stopped_in_another_thread():
    thread_count = threading.active_count()
    result = attempt_in_thread(endless_loop, dict(y=1, n=2, eps=3), 0.2, timeout=10)
    assert "did not return" in result.problem
    end = time.monotonic() + 10
    while threading.active_count() > thread_count and time.monotonic() < end:
        time.sleep(0.02)
    assert threading.active_count() == thread_count  # the loop has ended


def test_another_thread_returns_values():
    assert attempt_in_thread(lambda x: x, dict(x=7)) == Attempt(7)


def test_another_thread_returns_errors():
    assert "ZeroDivisionError" in attempt_in_thread(lambda x: 1 / 0, dict(x=7)).problem


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
    assert numbers(torch.tensor([1, 2], requires_grad=False)).dtype == torch.float64
    assert numbers([torch.tensor(1.0), np.float32(2), 3]).tolist() == [1, 2, 3]
    assert numbers(torch.ones(2, requires_grad=True)).tolist() == [1, 1]


@pytest.mark.parametrize(
    "value, text",
    [
        (1000, "1000"),
        ([0.5, 1 / 3], "[0.5, 0.3333]"),
        (float("nan"), "nan"),
        ((1, 2), "[1, 2]"),
        (torch.zeros(5, 5), "shape [5, 5]: 0, 0, 0, 0, ..."),
        ("a" * 200, repr("a" * 200)[:80]),
    ],
    ids=["number", "list", "nan", "tuple", "large tensor", "long string"],
)
def test_values_are_shown_in_one_line(value, text):
    assert shown(value) == text


def test_a_verdict_without_a_message():
    assert repr(Verdict("mix", True, "")) == "Right: mix."
