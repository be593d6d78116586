"""`make bench`: the same work done in the usual way and by lesson7, in one run, in turns.

Prints a table, writes JSON (the page on performance is drawn from it), and ends with 1 where a row
misses its figure by more than its spread. Not a test: a time is a measurement, not a promise.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from argparse import ArgumentParser
from pathlib import Path

warnings.filterwarnings("ignore")
os.environ.setdefault(
    "XDG_CACHE_HOME", tempfile.mkdtemp()
)  # a cache of its own, empty at the start
ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))  # browser.py

from lesson7.data.files import write_atomically
from lesson7.data.hardware import machine

from . import growth, paint, work

RESULTS = ROOT / "nbs" / "results" / "bench.json"
LARGEST_GROWTH = 50  # MB, from 1,000 to 20,000 images
PARTS = {  # each gives rows; those that need large photos take their folder
    "course": lambda large: [work.whole_course()],
    "imports": lambda large: work.imports(),
    "statistics": lambda large: [work.statistics()],
    "memory": lambda large: [work.memory_kept()],
    "large": lambda large: [work.tta_large(large), work.an_epoch(large)],
    "small": lambda large: [work.tta_small()],
    "paint": lambda large: paint.slider_to_paint(),
}


def measure_growth(large):
    "Return how cost grows with views, with images and with an explorer's size."
    learn = work.learner(work.lessons_dls(large, 64, 128))
    return dict(
        views=growth.over_views(learn),
        pictures=growth.over_pictures(),
        explorers=growth.over_explorers(),
    )


def git_commit():
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout.strip()


def wanted_parts():
    "Return the parts that the command line names; all where it names none."
    parser = ArgumentParser(
        "python -m bench",
        description="Measure; with names, these parts only, the others stay as they are.",
    )
    names = f"{', '.join(PARTS)}, growth (default: all)"
    parser.add_argument("parts", nargs="*", metavar="PART", help=names)
    return parser.parse_args().parts or [*PARTS, "growth"]


def memory_growth(done):
    "Return how much more memory 20,000 images take than 1,000, MB: statistics, first and later pass."
    few, many = (done["growth"]["pictures"][n] for n in ("1000", "20000"))
    return [many[k] - few[k] for k in ("stats_mb", "first_mb", "again_mb")]


def measure(wanted, large):
    "Return the committed results with the wanted parts measured again."
    done = json.loads(RESULTS.read_text())
    when = dict(date=time.strftime("%Y-%m-%d"), commit=git_commit())
    start = time.perf_counter()
    for part in [p for p in PARTS if p in wanted]:
        done["rows"] = [r for r in done["rows"] if r["part"] != part]
        for row in PARTS[part](large):
            done["rows"].append(dict(part=part, **when, **row.to_dict()))
            print(row, flush=True)
    if "growth" in wanted:
        done["growth"] = measure_growth(large)
    order = list(PARTS)
    done["rows"].sort(key=lambda r: order.index(r["part"]))
    minutes = round((time.perf_counter() - start) / 60, 1)
    print(f"{minutes} minutes.")
    if len(wanted) <= len(PARTS):
        minutes = done["about"].get("minutes")
    system = platform.platform()
    done["about"] = dict(machine=machine("cpu"), system=system, **when, minutes=minutes)
    return done


def main(out=ROOT / "build" / "bench.json"):
    "Measure, write the results, and return whether a figure is missed."
    wanted = wanted_parts()
    large = work.large_photos(Path(tempfile.mkdtemp()))
    done = measure(wanted, large)
    out.parent.mkdir(exist_ok=True)
    write_atomically(out, json.dumps(done, indent=1))
    memory = memory_growth(done)
    grown = ", ".join(f"{mb:+.0f} MB" for mb in memory)
    print(f"Largest memory from 1,000 to 20,000 pictures: {grown}; at most +{LARGEST_GROWTH}.")
    missed = [r["work"] for r in done["rows"] if r["missed"]]
    if max(memory) > LARGEST_GROWTH:
        missed.append("memory")
    print("Missed: " + "; ".join(missed) if missed else "Every row reaches its figure.")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
