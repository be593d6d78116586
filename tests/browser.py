"Helpers of the browser tests: the browser, what a page shows, a server's response."

import base64
import io
import json
import os
import shutil
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
from PIL import Image

STATIC = Path(__file__).parents[1] / "lesson7" / "static"
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
RETRY_SECONDS = 0.1

NEXT_FRAME = """async () => {
  const next = () => new Promise((done) => requestAnimationFrame(() => done()));
  await next();
  while (document.querySelector(".l7 [aria-busy=true]")) await next();
}"""
CANVAS_URLS = """(canvases) => {
  const drawn = canvases.filter((canvas) => canvas.width > 0);
  return drawn.map((canvas) => canvas.toDataURL());
}"""
DATA_VALUES = "(nodes) => nodes.map((node) => Number(node.dataset.value))"


def find_chromium():
    "Return the path of a system Chromium, or None for Playwright's own."
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def static(name):
    "Return the text of a file in lesson7/static."
    return (STATIC / name).read_text(encoding="utf-8")


def wait_for_drawing(page):
    "Wait for the next display frame, in which an explorer draws what has changed, or has trained."
    page.evaluate(NEXT_FRAME)


def canvas_images(page, selector=".l7 canvas:not(button canvas)"):
    "Return the pixels of every canvas that has been drawn, [H,W,4] each, 0 to 255."
    wait_for_drawing(page)
    urls = page.locator(selector).evaluate_all(CANVAS_URLS)
    files = [io.BytesIO(base64.b64decode(url.split(",")[1])) for url in urls]
    return [np.asarray(Image.open(file).convert("RGBA"), int) for file in files]


def values(page, selector):
    "Return the numbers at full precision from the `data-value` of all elements that match."
    wait_for_drawing(page)
    return np.array(page.locator(selector).evaluate_all(DATA_VALUES))


def keep_picture(page, name):
    "Write a picture of what a page shows to the folder `WALK` of the environment, if there is one."
    if folder := os.environ.get("WALK"):
        number = len(list(Path(folder).glob("*.png"))) + 1
        page.screenshot(path=Path(folder) / f"{number:03} {name}.png")


def answer(url, seconds=60):
    "Return the JSON that a server responds with, which may not listen yet."
    end = time.monotonic() + seconds
    while True:
        try:
            return json.load(urlopen(url))
        except URLError:
            if time.monotonic() > end:
                raise
            time.sleep(RETRY_SECONDS)
