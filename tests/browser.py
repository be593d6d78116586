"What the browser tests of all explorers share."
import base64, io, json, time
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
from PIL import Image


def drawn(page):
    "Wait until what was set is drawn: views draw once a display frame."
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

def canvas_pixels(page, index=0):
    "A canvas's own pixels [H,W,4], 0 to 255."
    drawn(page)
    data = page.locator(".l7 canvas").nth(index).evaluate("c => c.toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data.split(",")[1]))).convert("RGBA"), int)

def values(page, selector):
    "Numbers at full precision from the `data-value` of all that match."
    drawn(page)
    return np.array(page.locator(selector).evaluate_all("all => all.map((e) => +e.dataset.value)"))

def answer(url, seconds=60):
    "The JSON that a server gives; it names its address a moment before it listens."
    end = time.monotonic() + seconds
    while True:
        try: return json.load(urlopen(url))
        except URLError:
            if time.monotonic() > end: raise
            time.sleep(.1)
