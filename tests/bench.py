"""From slider to paint in JupyterLab: each explorer beside `interact` with matplotlib on the same images, in one run, alternating.

Run by `make bench`; prints a table and writes build/bench.json. Not a test: a time is a measurement, not a promise.
"""
import json, os, platform, re, statistics, subprocess, sys, tempfile, time
from pathlib import Path

import nbformat
from playwright.sync_api import sync_playwright

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


def measure(page, label):
    "Milliseconds of (explorer, interact), in alternating blocks."
    theirs, slider = [], page.locator(".l7").get_by_label(label, exact=True)
    slider.evaluate(LISTEN)
    for block in range(3):
        slider.focus()
        for k in range(30):
            page.keyboard.press("ArrowRight" if (k + block) % 12 < 6 else "ArrowLeft")
            page.wait_for_timeout(20 + k % 17)  # about thirty a second, anywhere within a frame
        for _ in range(6): theirs.append(page.evaluate(WAIT_FOR_PICTURE))
    return page.evaluate("window.times"), theirs

CONSTRUCT = """import time, torch
at = time.perf_counter()
from lesson7.{module} import {cls}
{cls}()
print(1000*(time.perf_counter() - at))"""

def constructed(module, cls):
    "Milliseconds from `import torch` to an explorer, import included, in fresh processes."
    return [float(subprocess.check_output([sys.executable, "-W", "ignore", "-c", CONSTRUCT.format(module=module, cls=cls)], text=True)) for _ in range(3)]

def spread(times): return f"{statistics.median(times):6.1f} ms ({min(times):.1f} to {max(times):.1f})"


def main():
    folder = Path(tempfile.mkdtemp())
    for module, (cls, label, values, set_) in EXPLORERS.items():
        cell = CELL.format(module=module, cls=cls, set=set_, values=list(values))
        nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)], metadata=dict(kernelspec=dict(name="python3", display_name="python3")))
        nbformat.write(nb, folder/f"{module}.ipynb")
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *root, "--no-browser", "--notebook-dir", folder, "--port", "8765", "--IdentityProvider.token=t"],
                              stderr=subprocess.PIPE, text=True)
    rows = {}
    try:
        url = next(m[0] for line in server.stderr if (m := re.search(r"http://127\S+/lab", line)))
        with sync_playwright() as p:
            from conftest import find_chromium
            browser = p.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
            for module, (cls, label, _, _) in EXPLORERS.items():
                page = browser.new_page(viewport=dict(width=1300, height=1400))
                page.goto(f"{url}/tree/{module}.ipynb?token=t&reset")
                page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
                page.locator(".jp-CodeCell").first.click()
                page.keyboard.press("Shift+Enter")
                page.locator(".l7 canvas, .l7 svg").first.wait_for(timeout=60_000)
                page.locator(".widget-interact img").wait_for()
                ours, theirs = measure(page, label)
                page.close()
                rows[module] = dict(explorer_ms=ours, interact_ms=theirs, construct_ms=constructed(module, cls))
                print(f"{cls:18} {spread(ours)}   interact {spread(theirs)}   {statistics.median(theirs)/statistics.median(ours):.0f}x   "
                      f"built in {statistics.median(rows[module]['construct_ms']):.0f} ms", flush=True)
    finally: server.terminate()
    out = Path("build/bench.json")
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(dict(machine=f"{platform.platform()}, {os.cpu_count()} cores", date=time.strftime("%Y-%m-%d"), paint=rows), indent=1))


if __name__ == "__main__": main()
