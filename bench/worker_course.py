"Execute notebooks, two at a time, and print how long their training steps take."

import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from fastai.learner import Learner
from nbdev.config import get_config
from nbdev.test import test_nb

PROCESSES = 2
train_batch = Learner._do_one_batch
batch_seconds = []


def timed_train_batch(self):
    start = time.perf_counter()
    try:
        train_batch(self)
    finally:
        batch_seconds.append(time.perf_counter() - start)


def run_notebook(file):
    "Return the file, whether it runs without an error, and the seconds of its training steps."
    batch_seconds.clear()
    is_ok, _ = test_nb(Path(file), skip_flags=get_config().tst_flags.split())
    return file, is_ok, sum(batch_seconds)


def main():
    Learner._do_one_batch = timed_train_batch
    with ProcessPoolExecutor(PROCESSES) as pool:
        print("DONE", json.dumps([*pool.map(run_notebook, sys.argv[1:])]))
