"How cost grows with the work: views, pictures, image size, classes."

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from browser import find_chromium
from playwright.sync_api import sync_playwright

from lesson7.data.samples import photos
from lesson7.tta import tta

from .paint import LISTEN, to_paint
from .row import timed


def over_views(learn, pictures=32):
    "Milliseconds a picture of `tta` with n random windows."
    dl = learn.dls.test_dl(learn.dls.valid_ds.items[:pictures])
    tta(learn, n=1, kind="random", dl=dl)
    return {
        str(n): min(
            timed(lambda: tta(learn, n=n, kind="random", dl=dl), pictures) for _ in range(2)
        )
        for n in (1, 2, 4, 8, 16)
    }


PASS = r"""import re, sys, time
from pathlib import Path
from lesson7.data.files import Presized
from lesson7.normalize import dataset_stats
folder, n = Path(sys.argv[1]), int(sys.argv[2])
files = sorted(folder.glob("*.jpg"))[:n]
look = Presized(60, folder=folder/"pixels")
look(files[0]), dataset_stats(files[:9])
def all_pixels():
    for f in files: look(f)
for work in (lambda: dataset_stats(files), all_pixels, all_pixels):
    start = time.perf_counter()
    work()
    seconds, status = time.perf_counter() - start, Path("/proc/self/status")  # `getrusage` would count what the parent had, too
    print(seconds, int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])/1024 if status.exists() else float("nan"))"""


def over_pictures(counts=(1000, 5000, 20_000)):
    "Seconds, and the largest memory of the process so far in MB: `dataset_stats`, pixels kept, pixels read back, one after the other."
    found = {}
    with tempfile.TemporaryDirectory() as tmp:
        for i in range(max(counts)):
            if i < 100:
                photos()["coffee"].rotate(i).resize((120, 90)).save(f"{tmp}/{i:05}.jpg")
            else:
                # A comment of its own, since pixels are cached by content.
                first = Path(f"{tmp}/{i % 100:05}.jpg").read_bytes()
                Path(f"{tmp}/{i:05}.jpg").write_bytes(first + b"%d" % i)
        for n in counts:
            seen = subprocess.check_output(
                [sys.executable, "-W", "ignore", "-c", PASS, tmp, str(n)], text=True
            ).split()
            names = [k for what in ("stats", "first", "again") for k in (what, f"{what}_mb")]
            found[str(n)] = dict(zip(names, map(float, seen)))
            shutil.rmtree(f"{tmp}/pixels")
    return found


def over_explorers(sizes=(224, 1024), classes=(10, 1000)):
    "Milliseconds to build an explorer, and from a key press to the painted frame on a saved page."
    from lesson7 import (
        MixupExplorer,
        NormalizeExplorer,
        ResizeExplorer,
        SmoothingExplorer,
        TTAExplorer,
    )

    @cache
    def pictures(side):
        return [
            photos()[name].resize((side, side)) for name in ("coffee", "chelsea", "china", "flower")
        ]

    vocab = lambda n: [f"class {i}" for i in range(n)]
    cases = {
        "NormalizeExplorer": (
            "Batch",
            "image size",
            {s: (lambda s=s: NormalizeExplorer(pictures(s))) for s in sizes},
        ),
        "ResizeExplorer": (
            "Size 1",
            "image size",
            {s: (lambda s=s: ResizeExplorer(pictures(s)[0])) for s in sizes},
        ),
        "TTAExplorer": (
            "across",
            "image size",
            {s: (lambda s=s: TTAExplorer(pictures(s))) for s in sizes},
        ),
        "MixupExplorer": (
            "Weight t of the first",
            "image size",
            {s: (lambda s=s: MixupExplorer(pictures(s), [0, 1, 2, 3])) for s in sizes},
        ),
        "MixupExplorer ": (
            "Weight t of the first",
            "classes",
            {
                n: (lambda n=n: MixupExplorer(pictures(224), [0, 1, 2, 3], vocab(n)))
                for n in classes
            },
        ),
        "SmoothingExplorer": (
            "eps",
            "classes",
            {n: (lambda n=n: SmoothingExplorer(n=n)) for n in classes},
        ),
    }
    found = []
    with sync_playwright() as p, tempfile.TemporaryDirectory() as tmp:
        browser = p.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        for name, (label, what, builds) in cases.items():
            for much, build in builds.items():
                built = min(timed(build) for _ in range(3))
                page = browser.new_page(viewport=dict(width=1040, height=1200))
                page.goto(build().save(Path(tmp) / "explorer.html").as_uri())
                slider = page.get_by_label(label, exact=True).first
                slider.evaluate(LISTEN)
                paint = to_paint(page, 24)
                page.close()
                found.append(
                    dict(explorer=name.strip(), by=what, value=much, built=built, paint=paint)
                )
    return found
