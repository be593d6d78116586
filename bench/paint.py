"From slider to paint in JupyterLab: each explorer beside `interact` with matplotlib."

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import nbformat
from browser import find_chromium
from explorer_page import open_more
from playwright.sync_api import sync_playwright

from .row import Row

PORT = 8765
VIEWPORT = dict(width=1300, height=1400)  # pixels
LONGEST_WAIT = 60_000  # ms
DISPLAY_FRAME = 1000 / 60  # ms
MOVE = 1000 / 30  # ms, between two key presses
MOVES = 60


@dataclass(frozen=True)
class Case:
    "An explorer, and the same change of a value with `interact`."

    explorer: str
    slider: str  # its label
    values: list
    set_value: str  # statement that sets the explorer `still` to the value v


CASES = [
    Case("NormalizeExplorer", "Batch", list(range(40)), "still.draw = v"),
    Case(
        "ResizeExplorer",
        "Size 1",
        list(range(16, 321, 16)),
        "still.stages = [[v, 4], [224, 5]]",
    ),
    Case(
        "TTAExplorer",
        "across",
        [k / 30 for k in range(31)],
        "still.at = [[v, still.at[0][1]], *still.at[1:]]",
    ),
    Case("MixupExplorer", "Weight λ", [k / 100 for k in range(101)], "still.t = v"),
    Case("SmoothingExplorer", "eps", [k / 100 for k in range(100)], "still.eps = v"),
]

CELL = """%matplotlib inline
from ipywidgets import interact, SelectionSlider
from lesson7 import {explorer}
explorer, still = {explorer}(), {explorer}()
@interact(v=SelectionSlider(options={values!r}))
def draw(v):
    {set_value}
    display(still.figure())
explorer"""

# Focuses a slider. `window.times` gets [pressed, painted] of each key press, by the browser's
# clock: a message that is sent in a frame arrives after the frame is painted.
LISTEN = """(slider) => {
  const paintTime = (event) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => window.times.push([event.timeStamp, performance.now()]);
    channel.port2.postMessage(0);
  };
  const onPress = (event) => requestAnimationFrame(() => paintTime(event));
  slider.addEventListener("keydown", onPress, { capture: true });
  slider.focus();
}"""

# The same for the moves of a pointer.
LISTEN_TO_POINTER = """() => {
  const paintTime = (event) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => window.times.push([event.timeStamp, performance.now()]);
    channel.port2.postMessage(0);
  };
  const onMove = (event) => requestAnimationFrame(() => paintTime(event));
  document.addEventListener("pointermove", onMove, { capture: true });
}"""

# Moves the slider of `interact`; the milliseconds until the next picture is decoded.
TIME_INTERACT = """() => new Promise((done) => {
  const area = document.querySelector(".widget-interact");
  const oldPicture = area.querySelector("img").src;
  const start = performance.now();
  const observer = new MutationObserver(async () => {
    const image = area.querySelector("img");
    if (!image || image.src === oldPicture) return;
    await image.decode();
    observer.disconnect();
    done(performance.now() - start);
  });
  observer.observe(area, { childList: true, subtree: true, attributes: true });
  const press = new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true });
  area.querySelector(".noUi-handle").dispatchEvent(press);
})"""


# ---- Key presses


def press_keys(page, intervals):
    """Press arrow keys, each followed by an interval in milliseconds.

    Returns pairs of when a key was pressed and when the frame that shows it was painted.
    """
    page.evaluate("window.times = []")
    for i, interval in enumerate(intervals):
        start = time.perf_counter()
        page.keyboard.press("ArrowRight" if i % 12 < 6 else "ArrowLeft")
        elapsed = 1000 * (time.perf_counter() - start)
        page.wait_for_timeout(max(0, interval - elapsed))
    page.wait_for_timeout(200)
    return page.evaluate("window.times")


def time_to_paint(page, presses=30, block=0):
    "Return the median milliseconds from key press to painted frame."
    intervals = [20 + (i + block) % 17 for i in range(presses)]  # at any time within a frame
    times = press_keys(page, intervals)
    return statistics.median(painted - pressed for pressed, painted in times)


def painted_in_time(times):
    "Return how many moves are painted before the next one."
    return sum(painted <= next_move for (_, painted), (next_move, _) in pairwise(times))


def count_frames(page):
    "Return how many of 60 moves, thirty a second, are painted before the next move."
    return painted_in_time(press_keys(page, [MOVE] * (MOVES + 1)))


def most_frames(count, rounds=5):
    """Return the largest number of painted frames that `count()` returns, and in which round.

    Ends with the first round that is complete: on two cores, other programs take some frames.
    """
    counts = []
    while len(counts) < rounds and MOVES not in counts:
        counts.append(count())
    return max(counts), 1 + counts.index(max(counts))


# ---- Drags


def drag_steadily(page, handle):
    "Move a handle 61 times, thirty a second; return how many of 60 moves are painted in time."
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("window.times = []")
    for i in range(MOVES + 1):
        start = time.perf_counter()
        shift = 4 * (i % 6)
        page.mouse.move(x - shift, y + shift)
        elapsed = 1000 * (time.perf_counter() - start)
        page.wait_for_timeout(max(0, MOVE - elapsed))
    page.wait_for_timeout(200)
    page.mouse.up()
    return painted_in_time(page.evaluate("window.times"))


def drag_frames(page):
    "Return the number of handles, and the least number of 60 moves painted in time with one."
    page.evaluate(LISTEN_TO_POINTER)
    handles = page.locator(".l7 [data-handle]:visible").all()
    counts = [
        most_frames(lambda handle=handle: drag_steadily(page, handle))[0] for handle in handles
    ]
    return len(counts), min(counts)


# ---- JupyterLab


def write_notebook(folder, case):
    cell = CELL.format(explorer=case.explorer, values=case.values, set_value=case.set_value)
    metadata = dict(kernelspec=dict(name="python3", display_name="python3"))
    cells = [nbformat.v4.new_code_cell(cell)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.write(notebook, folder / f"{case.explorer}.ipynb")


def server_command(folder):
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    root = ["--allow-root"] if is_root else []
    options = ["--no-browser", "--notebook-dir", folder, f"--port={PORT}"]
    return [sys.executable, "-m", "jupyterlab", *root, *options, "--IdentityProvider.token=t"]


def printed_address(process):
    "Return the address that JupyterLab prints when it starts."
    for line in process.stderr:
        if found := re.search(r"http://127\S+/lab", line):
            return found[0]
    raise RuntimeError("JupyterLab did not start.")


@contextmanager
def jupyterlab(folder):
    "Run JupyterLab in a folder, with workspaces of its own; gives its address."
    env = os.environ | dict(JUPYTERLAB_WORKSPACES_DIR=str(folder))
    process = subprocess.Popen(server_command(folder), env=env, stderr=subprocess.PIPE, text=True)
    try:
        yield printed_address(process)
    finally:
        process.terminate()


@contextmanager
def run_notebook(browser, address, case):
    "Open the notebook of a case, and run its cell; gives the page."
    page = browser.new_page(viewport=VIEWPORT)
    page.goto(f"{address}/tree/{case.explorer}.ipynb?token=t&reset")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=LONGEST_WAIT)
    page.locator(".jp-CodeCell").first.click()
    page.keyboard.press("Shift+Enter")
    page.locator(".l7 canvas, .l7 svg").first.wait_for(timeout=LONGEST_WAIT)
    page.locator(".widget-interact img").wait_for()
    open_more(page)
    yield page
    page.close()


# ---- Rows


def paint_row(page, case, blocks=3):
    "Return the row of an explorer: blocks of key presses alternate with moves of `interact`."
    slider = page.locator(".l7").get_by_label(case.slider, exact=True)
    slider.evaluate(LISTEN)
    ours, theirs = [], []
    for block in range(blocks):
        slider.focus()
        ours.append(time_to_paint(page, block=block))
        theirs.append(statistics.median(page.evaluate(TIME_INTERACT) for _ in range(3)))
    slider.focus()
    frames, round_number = most_frames(lambda: count_frames(page))
    handles, least_dragged = drag_frames(page)
    keys = f"{frames} of {MOVES} frames at 30 moves a second, in round {round_number}"
    return Row(
        f"slider to paint in JupyterLab, {case.explorer}",
        against="interact with matplotlib",
        theirs=theirs,
        ours=ours,
        least=15,
        bound_name="one display frame",
        bound=[DISPLAY_FRAME] * len(ours),
        note=f"{keys}; at least {least_dragged} dragging each of {handles} handles",
        holds=frames == least_dragged == MOVES,
    )


def paint_rows():
    "Yield a row for each explorer."
    folder = Path(tempfile.mkdtemp())
    for case in CASES:
        write_notebook(folder, case)
    with jupyterlab(folder) as address, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        for case in CASES:
            with run_notebook(browser, address, case) as page:
                yield paint_row(page, case)
