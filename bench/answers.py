"From slider to a network's answer: in a page that runs it, beside `interact` with matplotlib."

import statistics
import tempfile
from pathlib import Path

import nbformat
from browser import find_chromium
from explorer_page import load_explorer
from playwright.sync_api import sync_playwright

from lesson7 import TTAExplorer
from lesson7.explorers.networks import has_runtime

from .paint import (
    LISTEN_TO_POINTER,
    MOVE,
    MOVES,
    TIME_INTERACT,
    drag_steadily,
    jupyterlab,
    most_frames,
)
from .row import Row

LONGEST_WAIT = 240_000  # ms, for torch and the network
ROUNDS = 3
MOVES_A_ROUND = 9
PLACES = 30  # of a window along a side: at each it shows other pixels
STEP = 4  # of the slider, from a place to the next
STEADY_MOVES = 100  # of the slider, thirty a second
LEAST_RATE = 15  # answers a second

# Keeps, in `window.passes`, when a network was given one view and when it had answered.
WATCH_WORKERS = """
window.passes = [];
window.Worker = class extends Worker {
  constructor(...options) {
    super(...options);
    this.addEventListener("message", () => this.pass?.push(performance.now()));
  }
  postMessage(message, buffers) {
    this.pass = message.tensors?.length === 1 ? [performance.now()] : null;
    if (this.pass) window.passes.push(this.pass);
    super.postMessage(message, buffers);
  }
};"""

# Moves a window to ever new places, and resolves at the last one.
MOVE_STEADILY = """([moves, interval]) => new Promise((done) => {
  const slider = document.querySelector("input[data-trait='at.x']");
  let place = 0;
  window.passes.length = 0;
  const timer = setInterval(() => {
    place += 1;
    slider.value = place;
    slider.dispatchEvent(new Event("input"));
    if (place < moves) return;
    clearInterval(timer);
    done(window.passes.filter((pass) => pass.length === 2));
  }, interval);
})"""

# Moves a window; the milliseconds until the frame with the network's answer is painted: a message
# that is sent in a frame arrives after it.
TIME_ANSWER = """(step) => new Promise((done) => {
  const slider = document.querySelector("input[data-trait='at.x']");
  const body = document.querySelector(".l7 [aria-busy]");
  const start = performance.now();
  slider.value = step;
  slider.dispatchEvent(new Event("input"));
  const look = () => {
    const isBusy = body.getAttribute("aria-busy") === "true";
    if (isBusy) {
      requestAnimationFrame(look);
      return;
    }
    const channel = new MessageChannel();
    channel.port1.onmessage = () => done(performance.now() - start);
    channel.port2.postMessage(0);
  };
  requestAnimationFrame(look);
})"""

CELL = f"""%matplotlib inline
import torch
from ipywidgets import interact, SelectionSlider
from matplotlib import pyplot as plt
from lesson7 import TTAExplorer
from lesson7.explorers.networks import open_learner
from lesson7.outputs import probabilities
learn, still = open_learner("lite0"), TTAExplorer(side=224)
@interact(v=SelectionSlider(options=[k / {PLACES} for k in range({PLACES} + 1)]))
def draw(v):
    still.at = [[v, still.at[0][1]], *still.at[1:]]
    preds = probabilities(learn, torch.from_numpy(still.views))
    top, classes = preds.mean(0).topk(5)
    figure, axes = plt.subplots(1, 2, figsize=(10.4, 3.6))
    axes[0].imshow(still.images[0].transpose(1, 2, 0))
    axes[1].barh([learn.dls.vocab[c] for c in classes], top)
    plt.show()
"""


def write_notebook(folder):
    "Write the notebook that does the same with `interact`."
    metadata = dict(kernelspec=dict(name="python3", display_name="python3"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)], metadata=metadata)
    nbformat.write(notebook, folder / "answers.ipynb")


def open_usual(browser, address):
    "Open the notebook, and run its cell; return the page."
    page = browser.new_page()
    page.goto(f"{address}/tree/answers.ipynb?token=t&reset")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=LONGEST_WAIT)
    page.locator(".jp-CodeCell").first.click()
    page.keyboard.press("Shift+Enter")
    page.locator(".widget-interact img").wait_for(timeout=LONGEST_WAIT)
    return page


def open_live(browser, folder):
    "Open a saved explorer, and run its network; return the page."
    page = browser.new_page()
    page.add_init_script(WATCH_WORKERS)
    load_explorer(page, TTAExplorer().save(folder / "live.html", live=True).as_uri())
    page.locator(".l7-network button").first.click()
    page.locator(".l7-network[data-answers=page]").wait_for(timeout=LONGEST_WAIT)
    page.locator(".l7 [aria-busy=false]").first.wait_for(timeout=LONGEST_WAIT)
    return page


def time_answers(page, first):
    "Return the median milliseconds from a slider's move to the network's answer on screen."
    places = range(first, first + MOVES_A_ROUND)  # that were not asked about before
    return statistics.median(page.evaluate(TIME_ANSWER, STEP * place) for place in places)


def steady_passes(page):
    """Move a window thirty times a second.

    Returns the network's answers a second, and the median milliseconds of a forward pass.
    """
    passes = page.evaluate(MOVE_STEADILY, [STEADY_MOVES, MOVE])
    seconds = (passes[-1][1] - passes[0][1]) / 1000
    forward = statistics.median(answered - asked for asked, answered in passes)
    return (len(passes) - 1) / seconds, forward


def dragged_frames(page):
    "Return how many of 60 moves of a window, thirty a second, are painted before the next move."
    page.evaluate(LISTEN_TO_POINTER)
    handle = page.locator(".l7-stage [data-handle=at]:visible").last
    return most_frames(lambda: min(MOVES, drag_steadily(page, handle)))[0]


def answer_rows():
    "Yield the row of a network in a page; none where the package has no runtime."
    if not has_runtime():
        return
    folder = Path(tempfile.mkdtemp())
    write_notebook(folder)
    with jupyterlab(folder) as address, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        usual, live = open_usual(browser, address), open_live(browser, folder)
        ours, theirs = [], []
        for i in range(ROUNDS):
            ours.append(time_answers(live, 1 + i * MOVES_A_ROUND))
            theirs.append(statistics.median(usual.evaluate(TIME_INTERACT) for _ in range(3)))
        usual.close()
        frames = dragged_frames(live)
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        answers, forward = steady_passes(open_live(browser, folder))
    steady = f"{answers:.1f} answers a second at thirty moves a second, to be at least {LEAST_RATE}"
    yield Row(
        "slider to an answer of EfficientNet-Lite0 in a page, one of five windows moved",
        against="interact with the network and matplotlib",
        theirs=theirs,
        ours=ours,
        bound_name="one forward pass there",
        bound=[forward] * len(ours),
        note=f"{steady}; {frames} of {MOVES} frames while a window is dragged",
        holds=frames == MOVES and answers >= LEAST_RATE,
    )
