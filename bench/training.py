"Trainings in the page: one beside torch, and all of the explorer's beside their bare steps."

import re
import tempfile
from contextlib import contextmanager
from pathlib import Path

from browser import find_chromium, static
from explorer_page import open_more
from numpy_training import numpy_weights
from playwright.sync_api import sync_playwright

from lesson7 import TrainExplorer
from lesson7.data.examples import small_digits
from lesson7.explorers.scripts import joined_script
from lesson7.training.small import train_small

from .paint import LISTEN, MOVES, count_frames, drag_frames, most_frames
from .row import Row, milliseconds

ROUNDS = 5
WORKERS = 2
SEEDS = 5
MOST_OF_STEPS = 2  # times the bare steps
LONGEST_FIRST = 100  # ms, to the first point of a curve
LONGEST_CHANGE = 2500  # ms, to the end: of the better quartile
LONGEST_WAIT = 120_000  # ms
SETTINGS = dict(
    inputs="normalized",
    alpha=0,
    fold=True,
    eps=0,
    wrong=0.25,
    images=600,
    epochs=40,
    lr=0.1,
    hidden=32,
)
EXPORT = re.compile(r"^export function (\w+)", re.MULTILINE)
LOAD = """async ([script, values, labels]) => {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  globalThis.math = await import(url);
  globalThis.examples = {
    ...{ values: Float64Array.from(values), labels: Uint8Array.from(labels) },
    ...{ count: labels.length, columns: 64, classes: 10, largest: 16, isTable: false },
  };
}"""
WHOLE = """(settings) => {
  const start = performance.now();
  math.trainWhole(examples, settings, { seed: 1, start: 600 });
  return performance.now() - start;
}"""
STEPS = """(settings) => {
  const start = performance.now();
  const network = math.createNetwork([64, settings.hidden, 10], 1);
  const { given } = math.givenLabels(examples, settings, 1);
  const x = math.scaledInputs(examples, settings, false);
  for (let epoch = 1; epoch <= settings.epochs; epoch += 1) {
    math.trainEpoch(network, x, given, settings, { seed: 1, epoch });
  }
  return performance.now() - start;
}"""
# A change of the wrong labels: milliseconds to the first point of a curve, and to the end. Waiting
# for attributes, not for display frames: each frame takes time from the training.
CHANGE = """async (value) => {
  const root = document.querySelector(".l7");
  const slider = root.querySelector("[data-trait='wrong.0']");
  const nextFrame = () => new Promise(requestAnimationFrame);
  const until = (isReached) => new Promise((done) => {
    const observer = new MutationObserver(check);
    function check() {
      if (!isReached()) return;
      observer.disconnect();
      done();
    }
    observer.observe(root, { attributes: true, subtree: true });
    check();
  });
  const start = performance.now();
  slider.value = value;
  slider.dispatchEvent(new Event("input"));
  await nextFrame();
  await until(() => root.querySelector("[data-source=accuracyB]").getAttribute("d"));
  await nextFrame();
  const first = performance.now() - start;
  await until(() => !root.querySelector("[aria-busy=true]"));
  await nextFrame();
  return [first, performance.now() - start];
}"""


@contextmanager
def _pages():
    "Yield a page with the arithmetic, and one with the explorer, which has trained."
    digits = small_digits()
    names = ", ".join(EXPORT.findall(static("train.math.js")))
    script = joined_script("train.math") + f"export {{ {names} }};"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        arithmetic, explorer = browser.new_page(), browser.new_page()
        arithmetic.evaluate(
            LOAD, [script, digits.values.flatten().tolist(), digits.labels.tolist()]
        )
        explorer.goto(TrainExplorer(seeds=SEEDS).save(Path(folder) / "train.html").as_uri())
        done = ".l7-body[aria-busy=false]"
        explorer.locator(done).wait_for(timeout=LONGEST_WAIT)
        yield arithmetic, explorer
        browser.close()


def frames_note(explorer):
    "Return how many of 60 moves are painted in time while it trains, and whether all are."
    open_more(explorer)
    slider = explorer.locator("[data-trait='wrong.0']")
    slider.evaluate(LISTEN)
    keys, _ = most_frames(lambda: count_frames(explorer))
    handles, dragged = drag_frames(explorer)
    note = f"{keys} of {MOVES} frames at 30 moves a second; at least {dragged} dragging"
    return f"{note} each of {handles} handles", keys == dragged == MOVES


def numpy_training():
    settings = {name: value for name, value in SETTINGS.items() if name != "inputs"}
    return numpy_weights(seed=1, **settings)


def one_training_rows(torch_times, page_times, numpy_times, step_times):
    "Return rows for one training: beside torch, and its steps beside NumPy."
    work = "a training in the page, 40 epochs of 600 digits"
    steps = f"{work}, without evaluations"
    return [
        Row(work, "torch", torch_times, page_times),
        Row(steps, "NumPy", numpy_times, step_times),
    ]


def training_rows():
    "Return rows for one training, and for all trainings after a change."
    torch_times, numpy_times, page_times, step_times, all_step_times = [], [], [], [], []
    all_times, first_times = [], []
    with _pages() as (arithmetic, explorer):
        arithmetic.evaluate(WHOLE, SETTINGS)
        for i in range(ROUNDS):
            torch_times.append(milliseconds(lambda: train_small(**SETTINGS)))
            numpy_times.append(milliseconds(numpy_training))
            page_times.append(arithmetic.evaluate(WHOLE, SETTINGS))
            steps = [arithmetic.evaluate(STEPS, SETTINGS | dict(alpha=a)) for a in (0, 1)]
            step_times.append(steps[0])
            all_step_times.append(sum(steps) * SEEDS / WORKERS)
            first, whole = explorer.evaluate(CHANGE, 0.3 + i / 100)
            first_times.append(first)
            all_times.append(whole)
        frames, is_smooth = frames_note(explorer)
    first = sorted(first_times)[ROUNDS // 2]
    every = Row(
        work=f"a change of TrainExplorer, {SEEDS} seeds a side",
        against="",
        theirs=[],
        ours=all_times,
        bound_name=f"the bare steps in {WORKERS} workers",
        bound=all_step_times,
        within=MOST_OF_STEPS,
        note=f"the first point of a curve after {first:.0f} ms; {frames}",
        holds=is_smooth and first <= LONGEST_FIRST and sorted(all_times)[1] <= LONGEST_CHANGE,
    )
    return [*one_training_rows(torch_times, page_times, numpy_times, step_times), every]
