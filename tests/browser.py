"What the browser tests of all explorers share."
import base64, io

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
