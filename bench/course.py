"All notebooks of the course, executed as `make test` does."

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from .row import Row

ROOT = Path(__file__).parents[1]
LIMIT = 600  # seconds
PROCESSES = 2
# With `-m`, the functions that the worker's processes share would be in `__main__`, which each
# notebook replaces.
RUN_WORKER = "from bench import worker_course; worker_course.main()"


def notebook_files():
    "Return all notebooks; the chapters, which train, come first."
    files = sorted((ROOT / "nbs").rglob("*.ipynb"))
    return [file for file in files if ".ipynb_checkpoints" not in file.parts]


def training_seconds(done):
    "Return the seconds of training steps that the worker has printed; raises on a failed notebook."
    printed = re.findall(r"^DONE (.*)", done.stdout, re.M)
    runs = json.loads(printed[-1]) if printed else [("the course", False, 0)]
    failed = [file for file, is_ok, _ in runs if not is_ok]
    if failed:
        raise RuntimeError(f"{', '.join(failed)} failed:\n{done.stderr[-4000:]}")
    return sum(seconds for *_, seconds in runs)


def course_row():
    "Return the row of the whole course, with two processes of one thread each."
    files = notebook_files()
    command = [sys.executable, "-W", "ignore", "-c", RUN_WORKER, *map(str, files)]
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    return Row(
        f"the whole course, {len(files)} notebooks executed, two at a time",
        against="",
        theirs=[],
        ours=[seconds],
        unit="s",
        bound_name="forward and backward of its training cells",
        bound=[training_seconds(done) / PROCESSES],
        holds=seconds < LIMIT,
        note=f"to be under {LIMIT} s",
    )
