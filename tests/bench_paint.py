"From slider to paint in JupyterLab: each explorer beside `interact` with matplotlib on the same images."
import os, re, statistics, subprocess, sys, tempfile, time
from pathlib import Path

import nbformat
from playwright.sync_api import sync_playwright

from bench_row import Row
from conftest import find_chromium

EXPLORERS = {  # module: (class, the slider's label, its values, what one of them sets)
    "normalize": ("NormalizeExplorer", "Batch", range(40), "still.draw = v"),
    "resize": ("ResizeExplorer", "Size 1", range(16, 321, 16), "still.stages = [[v, 4], [224, 5]]"),
    "tta": ("TTAExplorer", "across", [k/30 for k in range(31)], "still.at = [[v, still.at[0][1]], *still.at[1:]]"),
    "mixup": ("MixupExplorer", "Weight t of the first", [k/100 for k in range(101)], "still.t = v"),
    "smoothing": ("SmoothingExplorer", "eps", [k/100 for k in range(100)], "still.eps = v"),
}
CELL = """%matplotlib inline
from ipywidgets import interact, IntSlider, SelectionSlider
from lesson7.{module} import {cls}
explorer, still = {cls}(), {cls}()
values = {values!r}
@interact(v=SelectionSlider(options=values))
def draw(v):
    {set}
    display(still.figure())
explorer"""
# from a real key press, by the browser's own clock, to the end of the frame that shows what it did
LISTEN = """(slider) => {
    window.times = [];
    slider.addEventListener("keydown", (event) => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => window.times.push(performance.now() - event.timeStamp);
        channel.port2.postMessage(0);
    }), { capture: true });
    slider.focus(); }"""
WAIT_FOR_PICTURE = """() => new Promise((done) => {
    const area = document.querySelector(".widget-interact"), at = performance.now(), old = area.querySelector("img").src;
    const seen = new MutationObserver(() => { const img = area.querySelector("img"); if (img && img.src !== old) img.decode().then(() => { seen.disconnect(); done(performance.now() - at); }); });
    seen.observe(area, { childList: true, subtree: true, attributes: true });
    area.querySelector(".noUi-handle").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true })); })"""


def measure(page, label, blocks=5):
    "Milliseconds of (explorer, interact), a median for each of `blocks` that alternate; and how many of 60 moves, 30 a second, are painted before the next."
    ours, theirs, slider = [], [], page.locator(".l7").get_by_label(label, exact=True)
    slider.evaluate(LISTEN)
    def moves(n, wait):
        page.evaluate("window.times = []")
        slider.focus()
        for k in range(n):
            at = time.perf_counter()
            page.keyboard.press("ArrowRight" if k % 12 < 6 else "ArrowLeft")
            page.wait_for_timeout(max(0, wait(k) - 1000*(time.perf_counter() - at)))
        page.wait_for_timeout(200)
        return page.evaluate("window.times")
    for block in range(blocks):
        ours.append(statistics.median(moves(24, lambda k: 20 + (k + block) % 17)))  # about thirty a second, anywhere within a frame
        theirs.append(statistics.median(page.evaluate(WAIT_FOR_PICTURE) for _ in range(3)))
    return ours, theirs, sum(t < 1000/30 for t in moves(60, lambda k: 1000/30))


def server(folder):
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    process = subprocess.Popen([sys.executable, "-m", "jupyterlab", *root, "--no-browser", "--notebook-dir", folder, "--port", "8765", "--IdentityProvider.token=t"],
                               stderr=subprocess.PIPE, text=True)
    return process, next(m[0] for line in process.stderr if (m := re.search(r"http://127\S+/lab", line)))

def slider_to_paint():
    folder = Path(tempfile.mkdtemp())
    for module, (cls, label, values, set_) in EXPLORERS.items():
        cell = CELL.format(module=module, cls=cls, set=set_, values=list(values))
        nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)], metadata=dict(kernelspec=dict(name="python3", display_name="python3")))
        nbformat.write(nb, folder/f"{module}.ipynb")
    process, url = server(folder)
    try:
        with sync_playwright() as p:
            browser = p.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
            for module, (cls, label, _, _) in EXPLORERS.items():
                page = browser.new_page(viewport=dict(width=1300, height=1400))
                page.goto(f"{url}/tree/{module}.ipynb?token=t&reset")
                page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
                page.locator(".jp-CodeCell").first.click()
                page.keyboard.press("Shift+Enter")
                page.locator(".l7 canvas, .l7 svg").first.wait_for(timeout=60_000)
                page.locator(".widget-interact img").wait_for()
                ours, theirs, frames = measure(page, label)
                page.close()
                yield Row(f"slider to paint in JupyterLab, {cls}", "interact with matplotlib", theirs, ours, least=15, bound_name="one display frame",
                          bound=[1000/60]*len(ours), note=f"{frames} of 60 frames at 30 moves a second", holds=frames == 60)
    finally: process.terminate()
