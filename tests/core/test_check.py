"Checkers: right answers however they are written, slips by their name, and one sentence for whatever else a learner's function does."

import json
import math
import random
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import NBS

from lesson7.course import check
from lesson7.course.sandbox import Attempt, Verdict, attempt, numbers, shown
from lesson7.course.tasks import exercises

CHAPTERS = sorted(NBS.glob("0[1-5]_*.ipynb"))
NAMES = list(exercises())


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    "A data folder of the test's own, so that a learner's is neither used nor touched."
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "lesson7"


# ---- right answers, as torch, as numpy and as a loop


def np_(f):
    return lambda *args: f(*(a.numpy() if isinstance(a, torch.Tensor) else a for a in args))


def loop_batch_stats(x):
    means, stds = [], []
    for c in range(x.shape[1]):
        values = [float(v) for image in x for row in image[c] for v in row]
        mean = sum(values) / len(values)
        means.append(mean)
        stds.append(math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1)))
    return means, stds


def each_channel(f):
    def loop(x, mean, std):
        x = x.clone()
        for c in range(len(mean)):
            x[:, c] = f(x[:, c], mean[c], std[c])
        return x

    return loop


def loop_cost(stages):
    largest, cost, epochs = max(size for size, _ in stages), 0, 0
    for i, (size, n) in enumerate(stages):
        for _ in range(n + (1 if i else 0)):
            cost += (size / largest) ** 2
            epochs += 1
    return cost / epochs


def loop_downsize(x, size):
    k = x.shape[1] // size
    return [
        [
            [
                float(sum(channel[r * k + i][c * k + j] for i in range(k) for j in range(k))) / k**2
                for c in range(size)
            ]
            for r in range(size)
        ]
        for channel in x.tolist()
    ]


def softmax(row):
    return [math.exp(v) / sum(map(math.exp, row)) for v in row]


def loop_combine(logits):
    views, b, n = logits.shape
    probs = [[softmax(row) for row in view] for view in logits.tolist()]
    return [[sum(probs[v][i][c] for v in range(views)) / views for c in range(n)] for i in range(b)]


def numpys_softmax(z):
    return np.exp(z) / np.exp(z).sum(-1, keepdims=True)


def loop_weigh(preds, beta):
    out = beta * preds[0]
    for view in preds[1:]:
        out = out + (1 - beta) / (len(preds) - 1) * view
    return out.tolist()


def loop_windows(h, w, side):
    boxes = []
    for y in (h - side, 0):
        for x in (w - side, 0):
            boxes.append([x, y, x + side, y + side])
    return boxes


def numpys_views(h, w):
    side = min(h, w)
    at = np.linspace([0, 0], [w - side, h - side], 3)
    return np.concatenate([at, at + side], 1)


def loop_views(h, w):
    if w > h:
        return [(x, 0, x + h, h) for x in ((w - h) // 2, w - h, 0)]
    return [(0, y, w, y + w) for y in ((h - w) // 2, h - w, 0)]


def numpys_mix_batch(x, y, lam, perm, n):
    hot, t = np.eye(n)[y], lam.reshape(-1, *[1] * (x.ndim - 1))
    return t * x + (1 - t) * x[perm], lam[:, None] * hot + (1 - lam[:, None]) * hot[perm]


def loop_mix_batch(x, y, lam, perm, n):
    xs, ys = [], []
    for i, j in enumerate(perm):
        row = [0.0] * n
        row[y[i]] += float(lam[i])
        row[y[j]] += 1 - float(lam[i])
        xs.append(lam[i] * x[i] + (1 - lam[i]) * x[j])
        ys.append(row)
    return xs, ys


def loop_sample(n, alpha):
    draws = (random.betavariate(alpha, alpha) for _ in range(n))
    return [max(lam, 1 - lam) for lam in draws]


def torchs_sample(n, alpha):
    lam = torch.distributions.Beta(alpha, alpha).sample((n,))
    return torch.maximum(lam, 1 - lam)


def torchs_smooth(y, n, eps):
    return torch.full((len(y), n), eps / n).scatter(1, y[:, None], 1 - eps + eps / n)


def numpys_smooth(y, n, eps):
    return (1 - eps) * np.eye(n)[y] + eps / n


def loop_smooth(y, n, eps):
    return [[1 - eps + eps / n if c == yi else eps / n for c in range(n)] for yi in y.tolist()]


def numpys_loss(logits, y, eps):
    return -(numpys_smooth(y, logits.shape[1], eps) * np.log(numpys_softmax(logits))).sum(1).mean()


def loop_loss(logits, y, eps):
    rows = zip(logits.tolist(), loop_smooth(y, logits.shape[1], eps))
    return sum(
        -sum(t * math.log(p) for t, p in zip(target, softmax(row))) for row, target in rows
    ) / len(y)


def climb(n, eps):
    "Where the loss's slope, p minus target, is zero: found by halving."
    low, high = 0.0, 50.0
    for _ in range(100):
        z = (low + high) / 2
        low, high = (
            (z, high) if math.exp(z) / (math.exp(z) + n - 1) < 1 - eps + eps / n else (low, z)
        )
    return z


RIGHT = {
    "batch_stats": [
        lambda x: (x.mean(dim=[0, 2, 3]), x.std(dim=[0, 2, 3])),
        np_(lambda x: (x.mean((0, 2, 3)), x.std((0, 2, 3), ddof=1))),
        loop_batch_stats,
    ],
    "normalize": [
        lambda x, mean, std: (x - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1),
        np_(lambda x, m, s: ((x.transpose(0, 2, 3, 1) - m) / s).transpose(0, 3, 1, 2)),
        each_channel(lambda v, m, s: (v - m) / s),
    ],
    "denormalize": [
        lambda x, mean, std: x * std[:, None, None] + mean[:, None, None],
        np_(lambda x, m, s: np.einsum("bchw,c->bchw", x, s) + m[:, None, None]),
        each_channel(lambda v, m, s: v * s + m),
    ],
    "epochs_trained": [
        lambda stages: torch.tensor(stages)[:, 1].sum() + len(stages) - 1,
        lambda stages: np.array(stages)[:, 1].sum() + len(stages) - 1,
        lambda stages: sum(e + 1 for _, e in stages) - 1,
    ],
    "relative_cost": [
        lambda stages: table_cost(torch.tensor(stages).double()),
        lambda stages: table_cost(np.array(stages, float)),
        loop_cost,
    ],
    "downsize": [
        lambda x, size: F.avg_pool2d(x, x.shape[1] // size),
        np_(lambda x, size: x.reshape(len(x), size, -1, size, x.shape[1] // size).mean((2, 4))),
        loop_downsize,
    ],
    "combine": [
        lambda logits: logits.softmax(-1).mean(0),
        np_(lambda z: numpys_softmax(z).mean(0)),
        loop_combine,
    ],
    "weigh_views": [
        lambda preds, beta: torch.lerp(preds[1:].mean(0), preds[0], beta),
        np_(lambda p, beta: np.average(p, 0, [beta] + [(1 - beta) / (len(p) - 1)] * (len(p) - 1))),
        loop_weigh,
    ],
    "windows": [
        lambda h, w, side: torch.tensor(loop_windows(h, w, side)),
        lambda h, w, side: np.array(loop_windows(h, w, side)[::-1]),
        loop_windows,
    ],
    "tta_views": [lambda h, w: torch.tensor(loop_views(h, w)), numpys_views, loop_views],
    "mix": [
        lambda a, b, t: torch.lerp(b, a, t),
        np_(lambda a, b, t: b + t * (a - b)),
        lambda a, b, t: [t * u + (1 - t) * v for u, v in zip(a, b)],
    ],
    "mix_batch": [
        lambda x, y, lam, perm, n: (
            torch.einsum("b...,b->b...", x, lam) + torch.einsum("b...,b->b...", x[perm], 1 - lam),
            lam[:, None] * F.one_hot(y, n) + (1 - lam)[:, None] * F.one_hot(y[perm], n),
        ),
        np_(numpys_mix_batch),
        loop_mix_batch,
    ],
    "sample_lambda": [
        torchs_sample,
        lambda n, alpha: 0.5 + abs(np.random.beta(alpha, alpha, n) - 0.5),
        loop_sample,
    ],
    "smooth_labels": [torchs_smooth, np_(numpys_smooth), loop_smooth],
    "smoothed_cross_entropy": [
        lambda logits, y, eps: F.cross_entropy(logits, y, label_smoothing=eps),
        np_(numpys_loss),
        loop_loss,
    ],
    "best_logit": [
        lambda n, eps: (
            torch.logit(torch.tensor(1 - eps + eps / n, dtype=torch.float64)) + math.log(n - 1)
        ),
        lambda n, eps: np.log(n * (1 - eps) / eps + 1),
        climb,
    ],
}


def table_cost(stages):
    size, epochs = stages[:, 0], stages[:, 1] + 1
    epochs[0] -= 1
    return (epochs * size**2).sum() / (epochs.sum() * size.max() ** 2)


def test_every_exercise_has_a_checker_and_three_ways_to_be_right():
    assert set(RIGHT) == set(NAMES) and all(callable(getattr(check, name)) for name in NAMES)
    for chapter in ("normalize", "resize", "tta", "mixup", "smoothing"):
        assert 2 <= sum(e.chapter == chapter for e in exercises().values()) <= 4


@pytest.mark.parametrize(
    "name, fn",
    [
        pytest.param(n, fn, id=f"{n}-{how}")
        for n, fns in RIGHT.items()
        for how, fn in zip(("torch", "numpy", "loop"), fns, strict=True)
    ],
)
def test_a_right_answer_is_right_however_it_is_written(name, fn):
    verdict = getattr(check, name)(fn)
    assert verdict and verdict.right, verdict
    assert repr(verdict).startswith(f"Right: {name}.") and name in check.progress().done


@pytest.mark.parametrize(
    "name, slip",
    [
        pytest.param(e.name, slip, id=f"{e.name}-{i}")
        for e in exercises().values()
        for i, slip in enumerate(e.slips)
    ],
)
def test_a_slip_is_named(name, slip):
    wrong = exercises()[name].slips[slip]
    verdict = getattr(check, name)(lambda *args: wrong(*args))
    assert (
        not verdict
        and verdict.says == f"Likely slip: {slip}."
        and verdict.inputs
        and not check.progress().done
    )


def test_each_exercise_knows_three_slips():
    assert all(len(e.slips) >= 3 for e in exercises().values())


# ---- slips as people write them, not as the exercises do


def swapped_label(x, y, lam, perm, n):
    mixed, hot = x.clone(), torch.zeros(len(y), n)
    for i in range(len(y)):
        mixed[i] = lam[i] * x[i] + (1 - lam[i]) * x[perm[i]]
        hot[i, y[i]] += 1 - lam[i]
        hot[i, y[perm[i]]] += lam[i]
    return mixed, hot


@pytest.mark.parametrize(
    "checker, fn, said",
    [
        (
            check.smoothing,
            np_(lambda y, n, eps: np.where(np.eye(n)[y] > 0, 1 - eps, eps / n)),
            "forgot eps/N on the true class",
        ),
        (
            check.smooth_labels,
            lambda y, n, eps: y * (1 - eps) + eps / n,
            "class indices in place of one-hot",
        ),
        (
            check.batch_stats,
            lambda x: (x.mean((1, 2, 3)), x.std((1, 2, 3))),
            "averaged over the channel axis",
        ),
        (check.batch_stats, np_(lambda x: (x.mean((0, 2, 3)), x.std((0, 2, 3)))), "ddof=1"),
        (
            check.batch_stats,
            lambda x: (x.mean((0, 2, 3)), torch.stack([image.std((1, 2)) for image in x]).mean(0)),
            "std over the wrong axes",
        ),
        (check.mix_batch, swapped_label, "one weight for the image and another for the label"),
        (
            check.mix_batch,
            lambda x, y, lam, perm, n: (
                RIGHT["mix_batch"][0](x, y, lam, perm, n)[0],
                lam * y + (1 - lam) * y[perm],
            ),
            "class indices in place of one-hot",
        ),
        (
            check.tta_views,
            lambda h, w: loop_views(h, w) + loop_views(h, w)[:1],
            "counted the centre crop twice",
        ),
        (
            check.combine,
            lambda logits: F.softmax(sum(logits) / len(logits), -1),
            "softmax after averaging",
        ),
        (
            check.sample_lambda,
            lambda n, alpha: [random.betavariate(alpha, alpha) for _ in range(n)],
            "did not fold Beta",
        ),
        (
            check.sample_lambda,
            lambda n, alpha: 0.5 + 0.5 * torch.rand(n),
            "evenly between one half and one",
        ),
        (check.sample_lambda, lambda n, alpha: torch.full((n,), 0.7), "one weight for all"),
        (check.epochs_trained, lambda stages: sum(e for _, e in stages), "fine_tune's extra epoch"),
        (
            check.relative_cost,
            lambda stages: (
                sum((e + (i > 0)) * s for i, (s, e) in enumerate(stages))
                / (sum(e + (i > 0) for i, (_, e) in enumerate(stages)) * max(s for s, _ in stages))
            ),
            "with the side squared",
        ),
    ],
)
def test_a_slip_is_known_by_what_it_gives(checker, fn, said):
    assert said in checker(fn).says


def test_a_wrong_answer_of_no_known_kind_is_shown():
    verdict = check.mix(lambda a, b, t: a - b)
    assert (verdict.right, verdict.says) == (False, "") and torch.equal(
        verdict.gave, (verdict.inputs["a"] - verdict.inputs["b"]).double()
    )
    assert (
        "for:      a = [0, 0, 1, 0," in repr(verdict)
        and "it gave:  [0, 0, 1," in repr(verdict)
        and "expected: [0, 0, 0.3," in repr(verdict)
    )
    assert "expected: <code>[0, 0, 0.3," in verdict._repr_html_()
    assert "no numbers" in check.mix(lambda a, b, t: a * float("nan")).says


def test_what_differs_later_is_found_with_its_input():
    fn = lambda stages: exercises()["relative_cost"].answer(stages) + (len(stages) > 2)
    assert check.relative_cost(fn).inputs == exercises()["relative_cost"].inputs()[1]


def test_nearly_is_right_and_nearly_right_is_not():
    exact = exercises()["best_logit"].answer
    assert check.best_logit(lambda n, eps: exact(n, eps) + 5e-6) and not check.best_logit(
        lambda n, eps: exact(n, eps) + 1e-3
    )


def test_inputs_are_the_same_each_time():
    for e in exercises().values():
        assert shown(tuple(v for d in e.inputs() for v in d.values())) == shown(
            tuple(v for d in e.inputs() for v in d.values())
        )


def test_answers_are_the_librarys_own():
    from lesson7 import mixup, normalize, resize, smoothing, tta

    of = lambda name: [(d, exercises()[name].answer(**d)) for d in exercises()[name].inputs()]
    near = lambda a, b: torch.allclose(numbers(a), numbers(b), atol=1e-6)
    for d, (mean, std) in of("batch_stats"):
        assert near(normalize.batch_stats(d["x"]).mean, mean) and near(
            normalize.batch_stats(d["x"]).std, std
        )
    for name in ("normalize", "denormalize"):
        for d, out in of(name):
            assert near(
                getattr(normalize, name)(d["x"], normalize.NormStats(d["mean"], d["std"])), out
            )
    for d, out in of("relative_cost"):
        assert near(
            resize.relative_cost([resize.Stage(s, 1, e, 0.1) for s, e in d["stages"]])[1], out
        )
    for d, out in of("downsize"):
        assert near(resize.downsize(d["x"], d["size"]), out)
    for d, out in of("combine"):
        assert near(tta.combine(d["logits"].softmax(2)), out)
    for d, out in of("weigh_views"):
        assert near(tta.combine(d["preds"], "lerp", d["beta"]), out)
    for d, out in of("windows"):
        assert set(tta.windows(d["h"], d["w"], 8, scale=d["side"] / min(d["h"], d["w"]))) == set(
            out
        )
    for d, out in of("tta_views"):
        assert set(tta.windows(d["h"], d["w"], 8, "ends", 3, 1.0)) == set(out) and len(out) == 3
    for d, out in of("mix"):
        assert near(mixup.mix(**d), out)
    for d, out in of("mix_batch"):
        assert all(map(near, mixup.mix_batch(d["x"], d["y"], d["lam"], d["perm"], d["n"]), out))
    for d, out in of("smooth_labels"):
        assert near(smoothing.smooth_labels(d["y"], d["n"], d["eps"]), out)
    for d, out in of("smoothed_cross_entropy"):
        assert near(smoothing.smoothed_cross_entropy(**d), out)
    assert check.sample_lambda(mixup.sample_lambda)


# ---- whatever else a function does


def unfinished(y, n, eps): ...
def not_written(y, n, eps):
    raise NotImplementedError


def raises(y, n, eps):
    return y / "two"


def leaves(y, n, eps):
    sys.exit(3)


def deep(y, n, eps):
    return deep(y, n, eps)


def prints(y, n, eps):
    print(torchs_smooth(y, n, eps))


def in_place(y, n, eps):
    y += 1
    return torchs_smooth(y - 1, n, eps)


def generator(y, n, eps):
    yield from loop_smooth(y, n, eps)


@pytest.mark.parametrize(
    "fn, said",
    [
        (unfinished, "It returns nothing yet. What is asked: check.smooth_labels()."),
        (not_written, "It is not written yet. What is asked: check.smooth_labels()."),
        (raises, "It raises TypeError: "),
        (leaves, "It raises SystemExit: 3."),
        (deep, "It raises RecursionError"),
        (prints, "It prints and returns nothing: use return."),
        (in_place, "It changes its input y in place"),
        (lambda y: y, "It must take 3 arguments: y, n, eps."),
        (lambda: 1, "It must take 3 arguments"),
        (
            lambda y, n, eps: torchs_smooth(y, n, eps).T,
            "It returns the shape [10, 1]; expected [1, 10].",
        ),
        (
            lambda y, n, eps: torchs_smooth(y, n, eps).sum(),
            "It returns the shape []; expected [1, 10].",
        ),
        (
            lambda y, n, eps: "0.91",
            "It returns a str; expected a tensor, an array or a list of numbers.",
        ),
        (lambda y, n, eps: {}, "It returns a dict"),
        (generator, "It returns a generator"),
        (lambda y, n, eps: [[1], [1, 2]], "no table of numbers"),
        (lambda y, n, eps: [], "no table of numbers"),
        (lambda y, n, eps: np.array(["a"]), "no table of numbers"),
    ],
)
def test_whatever_a_function_does_gets_a_sentence(fn, said, capfd):
    verdict = check.smooth_labels(fn)
    assert (
        not verdict
        and said in verdict.says
        and "\n" not in verdict.says
        and "Traceback" not in repr(verdict)
    )
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "what, said",
    [
        (
            None,
            "Return smoothed targets [B,n] for class indices y [B], the number of classes n and the smoothing eps.",
        ),
        (
            torchs_smooth(torch.tensor([3]), 10, 0.1),
            "This is a Tensor: give the function itself, not what it returns.",
        ),
    ],
)
def test_no_function_is_no_answer_yet(what, said):
    assert check.smooth_labels(what).says == said and not check.smooth_labels(what)


@pytest.mark.parametrize(
    "fn, said",
    [
        (lambda x: x.mean((0, 2, 3)), "It returns one Tensor; expected a tuple of 2 values."),
        (lambda x: (1, 2, 3), "It returns 3 values; expected a tuple of 2 values."),
        (lambda x: (x.mean((0, 2, 3)), 0), "It returns the shape []; expected [3]."),
    ],
)
def test_a_pair_is_asked_for(fn, said):
    assert said in check.batch_stats(fn).says


def test_wrong_numbers_of_weights_are_told():
    assert (
        "It returns the shape [3]; expected [20000]."
        in check.sample_lambda(lambda n, alpha: [0.6, 0.7, 0.8]).says
    )


def test_a_right_function_that_prints_is_right_and_told(capsys):
    def chatty(y, n, eps):
        print("here")
        return torchs_smooth(y, n, eps)

    verdict = check.smooth_labels(chatty)
    assert verdict and "It also prints" in verdict.says and capsys.readouterr().out == ""


def test_lists_that_are_changed_are_noticed():
    def greedy(stages):
        first, total = stages.pop(0), 0
        return first[1] + sum(e + 1 for _, e in stages)

    assert "It changes its input stages in place" in check.epochs_trained(greedy).says


def endless(y, n, eps):
    while True:
        pass


def stubborn(y, n, eps):
    while True:
        try:
            time.sleep(10)
        except Exception:
            pass


def sleepy(y, n, eps):
    time.sleep(60)


@pytest.mark.parametrize("fn", [endless, stubborn, sleepy])
def test_an_endless_loop_is_stopped(fn):
    start, before = time.perf_counter(), threading.active_count()
    verdict = check.exercise("smooth_labels", fn, seconds=0.2)
    assert (
        "It did not return within 0.2 seconds" in verdict.says and time.perf_counter() - start < 5
    )
    assert threading.active_count() == before
    time.sleep(0.05)
    assert check.smooth_labels(torchs_smooth)  # no alarm is left behind


def test_an_endless_loop_is_stopped_in_another_thread_too():
    said, before = [], threading.active_count()
    worker = threading.Thread(
        target=lambda: said.append(attempt(endless, dict(y=1, n=2, eps=3), 0.2))
    )
    worker.start()
    worker.join(10)
    assert "did not return" in said[0].problem
    end = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.02)
    assert threading.active_count() == before  # the loop itself has ended


@pytest.mark.parametrize("fn, problem", [(lambda x: x, ""), (lambda x: 1 / 0, "ZeroDivisionError")])
def test_other_threads_hand_back_values_and_errors(fn, problem):
    said = []
    worker = threading.Thread(target=lambda: said.append(attempt(fn, dict(x=7))))
    worker.start()
    worker.join()
    assert said[0] == Attempt(7) if not problem else problem in said[0].problem


def test_the_stop_button_still_stops():
    def stopped(y, n, eps):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check.smooth_labels(stopped)


def test_an_alarm_of_someone_elses_is_put_back():
    mine = lambda *_: None
    before = signal.signal(signal.SIGALRM, mine)
    try:
        check.smooth_labels(torchs_smooth)
        assert (
            signal.getsignal(signal.SIGALRM) is mine
            and signal.getitimer(signal.ITIMER_REAL)[0] == 0
        )
    finally:
        signal.signal(signal.SIGALRM, before)


def test_what_a_function_says_is_escaped():
    def bad(y, n, eps):
        raise ValueError("<script>alert(1)</script>")

    assert (
        "<script>" not in check.smooth_labels(bad)._repr_html_()
        and "&lt;script&gt;" in check.smooth_labels(bad)._repr_html_()
    )


def test_an_unknown_exercise_is_refused():
    with pytest.raises(ValueError, match="no exercise 'smooth'; there are batch_stats"):
        check.exercise("smooth")


# ---- progress


def test_progress_grows_and_says_what_is_next(home):
    assert "0 of 16 done. Next: check.batch_stats" in repr(check.progress()) and not home.exists()
    check.batch_stats(RIGHT["batch_stats"][0])
    check.normalize(unfinished)
    p = check.progress()
    assert "[x] batch_stats   [ ] normalize" in repr(
        p
    ) and "1 of 16 done. Next: check.normalize, chapter normalize." in repr(p)
    assert p._repr_html_().count("<b>(done)</b>") == 1 and [f.name for f in home.iterdir()] == [
        "progress.json"
    ]
    assert json.loads((home / "progress.json").read_text())["done"].keys() == {"batch_stats"}


def test_next_goes_on_in_the_chapter_and_then_round():
    assert (
        "Next: check.best_logit."
        in check.smoothed_cross_entropy(RIGHT["smoothed_cross_entropy"][0]).says
    )
    assert "Next: check.batch_stats." in check.best_logit(RIGHT["best_logit"][1]).says


def test_all_done():
    for name in NAMES:
        last = getattr(check, name)(RIGHT[name][0])
    assert "That was the last one." in last.says and "16 of 16 done. Nothing is left." in repr(
        check.progress()
    )


@pytest.mark.parametrize(
    "text", ["{not json", "[]", '{"done": 3}', '{"done": {"mix": 1}}', "", b"\xff\xfe\x00"]
)
def test_damaged_progress_is_kept_aside(home, text):
    home.mkdir(parents=True)
    (home / "progress.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    p = check.progress()
    assert (
        p.done == {}
        and "the old file is kept as progress-damaged-1.json" in p.problem
        and "0 of 16" in repr(p)
    )
    assert (home / "progress-damaged-1.json").read_bytes() == (
        text if isinstance(text, bytes) else text.encode()
    )
    (home / "progress.json").write_text("again")
    verdict = check.mix(RIGHT["mix"][0])
    assert (
        verdict
        and "progress-damaged-2.json" in verdict.says
        and set(check.progress().done) == {"mix"}
    )


def test_a_folder_that_cannot_be_written_does_not_spoil_the_answer(home):
    home.write_text("a file where the folder would be")
    verdict = check.mix(RIGHT["mix"][0])
    assert verdict and "could not be noted" in verdict.says


def test_a_problem_is_escaped():
    assert "<b>x" not in check.Progress({}, "<b>x")._repr_html_()


def test_what_another_version_noted_is_kept(home):
    home.mkdir(parents=True)
    (home / "progress.json").write_text(
        json.dumps(dict(format=1, done={"of_tomorrow": "2030-01-01"}))
    )
    check.mix(RIGHT["mix"][0])
    assert set(check.progress().done) == {"of_tomorrow", "mix"} and "1 of 16 done" in repr(
        check.progress()
    )


# ---- the chapters


def cells(file):
    return [
        (c["cell_type"], "".join(c["source"]), c.get("outputs", []))
        for c in json.loads(file.read_text())["cells"]
    ]


def tasks():
    "(chapter, stub cell, its output, solution) for every exercise in the chapters."
    for file in CHAPTERS:
        all_cells = cells(file)
        for (kind, stub, out), (_, after, _) in zip(all_cells, all_cells[1:]):
            if kind == "code" and re.search(r"^check\.\w+\(my_\w+\)$", stub, re.M):
                yield (
                    file.stem[3:],
                    stub,
                    out,
                    re.match(
                        r"<details><summary>Solution</summary>\n\n```python\n(.*?)\n```\n\n</details>",
                        after,
                        re.S,
                    )[1],
                )


TASKS = list(tasks())


def test_every_exercise_stands_in_its_chapter():
    assert [
        (chapter, re.search(r"^check\.(\w+)", stub, re.M)[1]) for chapter, stub, _, _ in TASKS
    ] == [(e.chapter, e.name) for e in exercises().values()]
    shown = sum(
        s.count("<summary>Solution</summary>")
        for f in CHAPTERS
        for kind, s, _ in cells(f)
        if kind == "markdown"
    )
    assert shown == len(TASKS)


@pytest.mark.parametrize(
    "stub, out, solution", [pytest.param(*t[1:], id=f"{t[0]}-{i}") for i, t in enumerate(TASKS)]
)
def test_a_stub_is_not_right_yet_and_its_solution_is(stub, out, solution):
    space = dict(torch=torch, check=check)  # what each chapter has imported by then
    *lines, last = stub.split("\n")
    exec("\n".join(lines), space)
    verdict = eval(last, space)
    assert not verdict and verdict.says.startswith("It returns nothing yet.")
    assert "".join(out[0]["data"]["text/plain"]) == repr(
        verdict
    )  # what the committed notebook shows
    exec(solution, space)
    assert eval(last, space), eval(last, space)


@pytest.mark.parametrize("file", CHAPTERS, ids=lambda f: f.stem)
def test_check_yourself_has_one_shape(file):
    text = "\n\n".join(s for kind, s, _ in cells(file) if kind == "markdown")
    section = re.search(r"^## Check yourself\n(.*?)^## ", text, re.M | re.S)[1]
    code, words = section.split("### In words")
    assert code.strip().startswith("### In code") and "check.progress()" in code
    asked = re.findall(r"<details><summary>(.+?)</summary>\n\n(.+?)\n\n</details>", words, re.S)
    assert (
        len(asked) == words.count("<details>") >= 4
        and not re.sub(r"<details>.*?</details>", "", words, flags=re.S).strip()
    )
    headings = {h for s in text.split("\n") for h in re.findall(r"^## (.*)", s)}
    for question, answer in asked:
        points = set(re.findall(r"\*([^*]+)\*", answer)) & headings
        assert points or "explorer" in answer, question


@pytest.mark.parametrize(
    "chapter, asked",
    [
        ("01", "travel with a model"),
        ("02", "progressive resizing hurt"),
        ("03", "What does TTA cost"),
        ("04", "be one-hot"),
        ("04", "need many epochs"),
        ("05", "eps do to the best logit"),
        ("05", "wrong labels"),
    ],
)
def test_what_the_lesson_raises_is_asked(chapter, asked):
    file = next(f for f in CHAPTERS if f.stem.startswith(chapter))
    assert any(
        asked in q for _, s, _ in cells(file) for q in re.findall(r"<summary>(.+?)</summary>", s)
    )


def test_importing_check_is_cheap():
    code = "import sys, lesson7.course.check; print(*sorted({'fastai', 'torchvision', 'sklearn', 'skimage', 'matplotlib', 'anywidget', 'IPython'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []


def test_numbers_and_how_they_are_shown():
    assert numbers(torch.tensor([1, 2], requires_grad=False)).dtype == torch.float64 and numbers(
        [torch.tensor(1.0), np.float32(2), 3]
    ).tolist() == [1, 2, 3]
    assert numbers(torch.ones(2, requires_grad=True)).tolist() == [1, 1]
    assert (
        shown(1000) == "1000"
        and shown([0.5, 1 / 3]) == "[0.5, 0.3333]"
        and shown(float("nan")) == "nan"
        and shown((1, 2)) == "[1, 2]"
    )
    assert (
        shown(torch.zeros(5, 5)) == "shape [5, 5]: 0, 0, 0, 0, ..."
        and shown("a" * 200) == repr("a" * 200)[:80]
    )
    assert repr(Verdict("mix", True, "")) == "Right: mix."
