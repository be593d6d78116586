"Trainings in the page: one beside torch, and all of the explorer's beside their bare steps."

import re
import tempfile
from contextlib import contextmanager
from pathlib import Path

from browser import find_chromium, static
from playwright.sync_api import sync_playwright

from lesson7 import TrainExplorer
from lesson7.data.examples import small_digits
from lesson7.explorers.scripts import joined_script
from lesson7.training.small import train_small

from .row import Row, milliseconds

ROUNDS = 5
WORKERS = 2
SEEDS = 5
MOST_OF_STEPS = 2  # times the bare steps
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


def training_rows():
    "Return rows for one training, and for all trainings after a change."
    torch_times, page_times, step_times, all_times, first_times = [], [], [], [], []
    with _pages() as (arithmetic, explorer):
        arithmetic.evaluate(WHOLE, SETTINGS)
        for i in range(ROUNDS):
            torch_times.append(milliseconds(lambda: train_small(**SETTINGS)))
            page_times.append(arithmetic.evaluate(WHOLE, SETTINGS))
            steps = [arithmetic.evaluate(STEPS, SETTINGS | dict(alpha=a)) for a in (0, 1)]
            step_times.append(sum(steps) * SEEDS / WORKERS)
            first, whole = explorer.evaluate(CHANGE, 0.3 + i / 100)
            first_times.append(first)
            all_times.append(whole)
    one = Row("a training in the page, 40 epochs of 600 digits", "torch", torch_times, page_times)
    note = f"the first point of a curve after {sorted(first_times)[ROUNDS // 2]:.0f} ms"
    bound = f"the bare steps in {WORKERS} workers"
    every = Row(
        work=f"a change of TrainExplorer, {SEEDS} seeds a side",
        against="",
        theirs=[],
        ours=all_times,
        bound_name=bound,
        bound=step_times,
        within=MOST_OF_STEPS,
        note=note,
    )
    return [one, every]
