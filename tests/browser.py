"What the browser tests share: the browser, a view's pixels and numbers, a server's answer."

import base64
import io
import json
import shutil
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
from PIL import Image

STATIC = Path(__file__).parents[1] / "lesson7" / "static"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
NEXT_FRAME = """() => new Promise((done) =>
    requestAnimationFrame(() => requestAnimationFrame(done)))"""


def find_chromium():
    "Return the path of a system Chromium, or None for Playwright's own."
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def static(name):
    "Return the text of a file in lesson7/static."
    return (STATIC / name).read_text(encoding="utf-8")


def drawn(page):
    "Wait until what was set is drawn: views draw once a display frame."
    page.evaluate(NEXT_FRAME)


def canvas_pixels(page, index=0):
    "Return a canvas's own pixels [H,W,4], 0 to 255."
    drawn(page)
    url = page.locator(".l7 canvas").nth(index).evaluate("c => c.toDataURL()")
    png = base64.b64decode(url.split(",")[1])
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"), int)


def values(page, selector):
    "Return the numbers at full precision from the `data-value` of all that match."
    drawn(page)
    read = "all => all.map((e) => +e.dataset.value)"
    return np.array(page.locator(selector).evaluate_all(read))


def answer(url, seconds=60):
    "Return the JSON of a server, which prints its address a moment before it listens."
    end = time.monotonic() + seconds
    while True:
        try:
            return json.load(urlopen(url))
        except URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
