"""`make bench`: time the same work in the usual way and with lesson7, in turns.

Prints a table, and writes JSON, which the page on performance shows. The exit code is 1 if a ratio
is outside its limit by more than its spread.
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
os.environ.setdefault("XDG_CACHE_HOME", tempfile.mkdtemp())  # an empty cache
ROOT = Path(__file__).parents[1]
sys.path += [str(ROOT / "tests"), str(ROOT / "tests/explorers")]  # browser.py, explorer_page.py

from lesson7.data.files import write_atomically
from lesson7.data.hardware import machine

from . import (
    answers,
    course,
    growth,
    lesson,
    loading,
    paint,
    prediction,
    startup,
    studies,
    training,
)

RESULTS = ROOT / "nbs" / "results" / "bench.json"
OUT = ROOT / "build" / "bench.json"
LARGEST_GROWTH = 50  # MB, from 1,000 to 20,000 images
PARTS = {  # name -> function of the folder with large photos, which returns rows
    "course": lambda photos: [course.course_row()],
    "imports": lambda photos: startup.startup_rows(),
    "statistics": lambda photos: [loading.statistics_row()],
    "memory": lambda photos: [startup.memory_row()],
    "large": lambda photos: [
        prediction.tta_large(photos),
        prediction.tta_unsure(photos),
        loading.epoch_row(photos),
    ],
    "small": lambda photos: [prediction.tta_small()],
    "paint": lambda photos: paint.paint_rows(),
    "answers": lambda photos: answers.answer_rows(),
    "training": lambda photos: training.training_rows(),
    "studies": lambda photos: [studies.study_row()],
}


def measure_growth(photos):
    "Return how costs grow with views, with images and with an explorer's size."
    learn = lesson.plain_learner(lesson.lesson_dls(photos, 64, 128))
    return dict(
        views=growth.over_views(learn),
        pictures=growth.over_images(),
        explorers=growth.over_explorers(),
    )


def git_commit():
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout.strip()


def wanted_parts():
    "Return the parts that the command line names; all if it names none."
    parser = ArgumentParser(
        "python -m bench",
        description="Measure all parts, or those that are named; the others stay as they are.",
    )
    names = f"{', '.join(PARTS)}, growth (default: all)"
    parser.add_argument("parts", nargs="*", metavar="PART", help=names)
    return parser.parse_args().parts or [*PARTS, "growth"]


def measure_rows(rows, part, photos, about):
    "Return the rows, with those of a part measured again."
    others = [row for row in rows if row["part"] != part]
    measured = []
    for row in PARTS[part](photos):
        measured.append(dict(part=part, **about, **row.to_dict()))
        print(row, flush=True)
    return others + measured


def measure(wanted, photos):
    "Return the committed results with the wanted parts measured again."
    results = json.loads(RESULTS.read_text())
    about = dict(date=time.strftime("%Y-%m-%d"), commit=git_commit())
    start = time.perf_counter()
    for part in PARTS:
        if part in wanted:
            results["rows"] = measure_rows(results["rows"], part, photos, about)
    if "growth" in wanted:
        results["growth"] = measure_growth(photos)
    order = list(PARTS)
    results["rows"].sort(key=lambda row: order.index(row["part"]))
    minutes = round((time.perf_counter() - start) / 60, 1)
    print(f"{minutes} minutes.")
    if len(wanted) <= len(PARTS):  # not all
        minutes = results["about"].get("minutes")
    system = platform.platform()
    results["about"] = dict(machine=machine("cpu"), system=system, **about, minutes=minutes)
    return results


def memory_growth(results):
    "Return how much more memory each pass takes over 20,000 images than over 1,000, in MB."
    few, many = (results["growth"]["pictures"][count] for count in ("1000", "20000"))
    return [many[f"{name}_mb"] - few[f"{name}_mb"] for name in growth.PASSES]


def main():
    "Measure, write the results, and return whether a ratio is missed."
    wanted = wanted_parts()
    photos = lesson.write_large_photos(Path(tempfile.mkdtemp()))
    results = measure(wanted, photos)
    OUT.parent.mkdir(exist_ok=True)
    write_atomically(OUT, json.dumps(results, indent=1))
    memory = memory_growth(results)
    grown = ", ".join(f"{mb:+.0f} MB" for mb in memory)
    print(f"Largest memory from 1,000 to 20,000 pictures: {grown}; at most +{LARGEST_GROWTH}.")
    missed = [row["work"] for row in results["rows"] if row["missed"]]
    if max(memory) > LARGEST_GROWTH:
        missed.append("memory")
    print("Missed: " + "; ".join(missed) if missed else "Every row is within its limits.")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
