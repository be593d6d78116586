"Imports, explorers and memory, in new processes."

import subprocess
import sys
from pathlib import Path

from .row import Row

ROOT = Path(__file__).parents[1]
PYTHON = [sys.executable, "-W", "ignore"]
TIMED = """
import time
start = time.perf_counter()
{code}
print(1000 * (time.perf_counter() - start))
"""

IMPORT_LIMIT = 50  # ms
LIBRARIES = "import torch, anywidget, matplotlib.pyplot"
SHOW_EXPLORER = "from lesson7 import MixupExplorer; MixupExplorer()._repr_mimebundle_()"
EXPLORER = "from lesson7 import TTAExplorer; explorer = TTAExplorer(); "
WITHOUT_STILL = EXPLORER + "repr(explorer)"
WITH_STILL = EXPLORER + "explorer._repr_mimebundle_()"


def time_in_process(code):
    "Return how long a line of code takes in a new process, in milliseconds."
    command = [*PYTHON, "-c", TIMED.format(code=code)]
    return float(subprocess.check_output(command, text=True).split()[-1])


def time_in_processes(rounds, *codes):
    "Return the times of each line of code in some rounds; a first round is not counted."
    for code in codes:
        time_in_process(code)
    times = [[] for _ in codes]
    for _ in range(rounds):
        for code_times, code in zip(times, codes):
            code_times.append(time_in_process(code))
    return times


def import_row():
    (ours,) = time_in_processes(5, "import lesson7")
    return Row(
        "import lesson7",
        against="",
        theirs=[],
        ours=ours,
        holds=max(ours) < IMPORT_LIMIT,
        note=f"to be under {IMPORT_LIMIT} ms",
    )


def bounded_row(work, ours, bound_name, bound, within):
    "Return a row without another way to do the work."
    return Row(work, "", theirs=[], ours=ours, bound_name=bound_name, bound=bound, within=within)


def startup_rows():
    "Yield the rows of the package's import, and of explorers beside the imports of libraries."
    yield import_row()
    ours, libraries = time_in_processes(5, SHOW_EXPLORER, LIBRARIES)
    work = "an explorer on screen, in a fresh process"
    yield bounded_row(work, ours, LIBRARIES, libraries, within=1.2)
    bare, full, torch = time_in_processes(5, WITHOUT_STILL, WITH_STILL, "import torch")
    work = "an explorer without its still, in a fresh process"
    yield bounded_row(work, bare, "import torch", torch, within=0.25)
    work = "an explorer with its still, in a fresh process"
    yield bounded_row(work, full, "import torch", torch, within=0.55)


def memory_row(rounds=2):
    "Return the row of `keep_memory`, whose effect lasts as long as a process."
    command = [*PYTHON, "-m", "bench.worker_memory"]
    theirs, ours = [], []
    for _ in range(rounds):
        printed = subprocess.check_output(command, cwd=ROOT, text=True)
        before, after = map(float, printed.split())
        theirs.append(before)
        ours.append(after)
    return Row(
        "forward and backward, 128 px, with memory that stays (keep_memory)",
        against="as glibc does it unasked",
        theirs=theirs,
        ours=ours,
        unit="ms a picture",
    )
