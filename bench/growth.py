"How costs grow with the number of views, of images, of pixels and of classes."

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from browser import find_chromium
from explorer_page import open_more, wait_for_explorers
from playwright.sync_api import sync_playwright

from lesson7 import (
    MixupExplorer,
    NormalizeExplorer,
    ResizeExplorer,
    SmoothingExplorer,
    TTAExplorer,
)
from lesson7.data.samples import photos
from lesson7.tta import tta

from .paint import LISTEN, time_to_paint
from .row import milliseconds

ROOT = Path(__file__).parents[1]
DIFFERENT_IMAGES = 100  # the pixels of the other files are theirs
PASSES = ("stats", "first", "again")  # as bench.worker_images runs them

# ---- Views and images


def over_views(learn, images=32, counts=(1, 2, 4, 8, 16)):
    "Return number of random windows -> milliseconds of `tta` for each image."
    dl = learn.dls.test_dl(learn.dls.valid_ds.items[:images])
    tta(learn, n=1, kind="random", dl=dl)
    found = {}
    for count in counts:
        run = partial(tta, learn, n=count, kind="random", dl=dl)
        found[str(count)] = min(milliseconds(run, images) for _ in range(2))
    return found


def write_images(folder, count):
    "Write JPEGs of 120 x 90: a hundred are different, the others have another comment."
    for i in range(count):
        file = folder / f"{i:05}.jpg"
        if i < DIFFERENT_IMAGES:
            photos()["coffee"].rotate(i).resize((120, 90)).save(file)
        else:
            # Other content, since pixels are cached by content.
            first = folder / f"{i % DIFFERENT_IMAGES:05}.jpg"
            file.write_bytes(first.read_bytes() + b"%d" % i)


def time_passes(folder, count):
    "Return seconds, and the largest memory so far in MB, of each pass over some images."
    command = [sys.executable, "-W", "ignore", "-m", "bench.worker_images", folder, str(count)]
    printed = subprocess.check_output(command, cwd=ROOT, text=True)
    measured = {}
    for name, line in zip(PASSES, printed.splitlines(), strict=True):
        measured[name], measured[f"{name}_mb"] = map(float, line.split())
    return measured


def over_images(counts=(1000, 5000, 20_000)):
    "Return number of images -> times and memory, with a new process and cache for each."
    found = {}
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp)
        write_images(folder, max(counts))
        for count in counts:
            found[str(count)] = time_passes(folder, count)
            shutil.rmtree(folder / "pixels")
    return found


# ---- Explorers


@cache
def square_photos(side):
    names = ("coffee", "chelsea", "china", "flower")
    return [photos()[name].resize((side, side)) for name in names]


def normalize_explorer(side):
    return NormalizeExplorer(square_photos(side))


def resize_explorer(side):
    return ResizeExplorer(square_photos(side)[0])


def tta_explorer(side):
    return TTAExplorer(square_photos(side))


def mixup_explorer(side):
    return MixupExplorer(square_photos(side), [0, 1, 2, 3])


def mixup_explorer_of_classes(count):
    vocab = [f"class {i}" for i in range(count)]
    return MixupExplorer(square_photos(224), [0, 1, 2, 3], vocab)


def smoothing_explorer(count):
    return SmoothingExplorer(n=count)


IMAGE_SIZE, CLASSES = "image size", "classes"
VALUES = {IMAGE_SIZE: (224, 1024), CLASSES: (10, 1000)}  # pixels, number of classes


@dataclass(frozen=True)
class Case:
    "An explorer whose cost may grow with a value."

    explorer: str
    slider: str  # its label
    grows_with: str  # a key of `VALUES`
    build: Callable  # value -> explorer


CASES = [
    Case("NormalizeExplorer", "Batch", IMAGE_SIZE, normalize_explorer),
    Case("ResizeExplorer", "Size 1", IMAGE_SIZE, resize_explorer),
    Case("TTAExplorer", "across", IMAGE_SIZE, tta_explorer),
    Case("MixupExplorer", "Weight λ", IMAGE_SIZE, mixup_explorer),
    Case("MixupExplorer", "Weight λ", CLASSES, mixup_explorer_of_classes),
    Case("SmoothingExplorer", "eps", CLASSES, smoothing_explorer),
]


def time_paint(browser, explorer, slider, folder):
    "Return the milliseconds from key press to painted frame on an explorer's saved page."
    page = browser.new_page(viewport=dict(width=1040, height=1200))
    page.goto(explorer.save(folder / "explorer.html").as_uri())
    wait_for_explorers(page)
    open_more(page)
    page.get_by_label(slider, exact=True).first.evaluate(LISTEN)
    paint = time_to_paint(page, presses=24)
    page.close()
    return paint


def time_explorer(browser, case, value, folder):
    "Return the milliseconds to build an explorer, and from key press to painted frame."
    build = partial(case.build, value)
    return dict(
        explorer=case.explorer,
        by=case.grows_with,
        value=value,
        built=min(milliseconds(build) for _ in range(3)),
        paint=time_paint(browser, build(), case.slider, folder),
    )


def over_explorers():
    "Return a dict for each explorer and value."
    found = []
    with sync_playwright() as p, tempfile.TemporaryDirectory() as folder:
        browser = p.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        for case in CASES:
            for value in VALUES[case.grows_with]:
                found.append(time_explorer(browser, case, value, Path(folder)))
    return found
