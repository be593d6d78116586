"""Run a study from its design.

    python -m studies.run studies/long.json --out results.json --jobs 2

The design is a JSON file: the question, what decides, the dataset, a recipe, and the arms, each
with what it changes in the recipe. It was committed before the study was run. The seeds follow
from its content. A result is written after each run, and a study that is cut off continues; a
run whose process was killed is done again.

`--scheduler tcp://HOST:PORT` spreads the runs over the workers of a Dask cluster, which need this
repository and the dataset at the same places; this process alone writes the file.
"""

import argparse
import base64
import hashlib
import json
import subprocess
import time
from concurrent import futures
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from lesson7.data.files import write_atomically
from lesson7.data.hardware import best_device, machine
from lesson7.data.loaders import list_dataset
from lesson7.data.samples import cifar10
from lesson7.errors import require
from lesson7.measure import scores_from_log_probs
from lesson7.training.comparison import dataset_digest
from lesson7.training.config import Recipe, matched
from lesson7.training.memory import load_images, train_in_memory

EVALUATIONS = 40  # at most so many in a training, besides the last one
MOST_TRIES = 3  # times that a pool of worker processes is started
SAME_WHEN_CONTINUED = ("seeds", "content")  # of what a file says about its runs


@dataclass(frozen=True)
class Task:
    "One run of a study."

    arm: str
    seed: int
    recipe: Recipe
    dataset: str  # "sample", or the folder of a dataset
    n_train: int | None  # images that are trained on; None: all

    @property
    def key(self):
        return self.arm, self.recipe.noise, self.seed

    @property
    def path(self):
        return None if self.dataset == "sample" else self.dataset


def read_design(file):
    "Return the design, and its seeds, which follow from the file's content."
    text = Path(file).read_bytes()
    design = json.loads(text)
    digest = hashlib.sha256(text).digest()
    seeds = [int.from_bytes(digest[2 * i : 2 * i + 2], "big") for i in range(design["seeds"])]
    return design, seeds


def arm_recipe(base, changes, noise, seed):
    """Return the recipe of an arm; progressive resizing gets the pixels or epochs of the base.

    With the budget "given", the stages keep their own epochs.
    """
    changes = dict(changes)
    changes.pop("n_train", None)
    budget = changes.pop("budget", "cost")
    values = base | dict(noise=noise) | changes | dict(seed=seed)
    reference = Recipe(**{name: value for name, value in values.items() if name != "stages"})
    if not values.get("stages"):
        return reference
    stages = values["stages"]
    epochs = sum(stage["epochs"] for stage in stages) + len(stages) - 1
    recipe = Recipe(**values | dict(epochs=epochs))
    return recipe if budget == "given" else matched(recipe, reference, budget)


def study_tasks(design, seeds, data):
    "Return the runs of a study: all arms with one seed, then the next."
    dataset = str(cifar10(data)) if design["dataset"] == "cifar10" else data or "sample"
    tasks = []
    for seed in seeds:
        for noise in design["noises"]:
            for arm, changes in design["arms"].items():
                recipe = arm_recipe(design["recipe"], changes, noise, seed)
                n_train = changes.get("n_train", design.get("n_train"))
                tasks.append(Task(arm, seed, recipe, dataset, n_train))
    return tasks


def measures(log_probs, y):
    """Return accuracy, loss and calibration, and which images were right (packed bits).

    The temperature is fitted on every other image, and its loss and error are of the others.
    """
    found = scores_from_log_probs(log_probs, y)
    right = log_probs.argmax(1) == y
    by_class = [right[y == label].double().mean().item() for label in y.unique()]
    return dict(
        accuracy=found.accuracy,
        loss=round(found.loss, 5),
        ece=round(found.ece, 5),
        worst_class=round(min(by_class), 4),
        temperature=round(found.temperature, 3),
        scaled_loss=round(found.scaled_loss, 5),
        scaled_ece=round(found.scaled_ece, 5),
        right=base64.b64encode(np.packbits(right.numpy()).tobytes()).decode(),
    )


def short_history(history):
    "Return the history as lists: training loss of all epochs, validation of some."
    evaluated = [row for row in history if "accuracy" in row]
    return dict(
        train_loss=[round(row["train_loss"], 4) for row in history],
        epochs=[row["epoch"] for row in evaluated],
        valid_loss=[round(row["valid_loss"], 4) for row in evaluated],
        accuracy=[round(row["accuracy"], 4) for row in evaluated],
    )


_images = {}  # of this process: (dataset, n_train, short side) -> `MemoryImages`


def load_once(task):
    "Return the images of a task, decoded once in a process; the short side is two sizes."
    key = task.dataset, task.n_train, 2 * task.recipe.size
    if key not in _images:
        _images[key] = load_images(task.path, 2 * task.recipe.size, task.n_train)
    return _images[key]


def run_task(task):
    "Return the result of a run."
    torch.set_num_threads(1)
    images = load_once(task)
    every = -(-task.recipe.epochs // EVALUATIONS)
    result = train_in_memory(task.recipe, images, every=every)
    tta = result.log_probs.logsumexp(0) - np.log(len(result.log_probs))
    return dict(
        arm=task.arm,
        seed=task.seed,
        noise=task.recipe.noise,
        n_train=len(images.train),
        seconds=round(result.seconds, 2),
        stages=[asdict(stage) for stage in task.recipe.plan],
        plain=measures(result.log_probs[0], result.labels),
        tta=measures(tta, result.labels),
        history=short_history(result.history),
        images=[len(images.train), len(images.val)],
    )


class Results:
    "The results of a study, written after each run."

    def __init__(self, out, about, tasks):
        self.out = Path(out)
        self.about = about
        self.order = {task.key: i for i, task in enumerate(tasks)}
        self.runs = []
        if self.out.exists():
            self._continue(json.loads(self.out.read_text()))

    def _continue(self, data):
        "Keep the runs of a file; raises `ValueError` where they are of another study."
        for name in SAME_WHEN_CONTINUED:
            found = data["about"].get(name)
            is_same = found == self.about.get(name)
            advice = "give another file"
            require(is_same, f"{name} of {self.out}", self.about.get(name), found, advice)
        self.runs = data["runs"]
        if not self.runs:
            return
        machines = data["about"]["machine"].split("; continued on ")
        if self.about["machine"] not in machines:
            machines.append(self.about["machine"])
        # The commit, the date and the jobs of the runs that are there
        self.about = data["about"] | dict(machine="; continued on ".join(machines))

    @staticmethod
    def key(run):
        return run["arm"], run["noise"], run["seed"]

    @property
    def finished(self):
        return {self.key(run) for run in self.runs}

    def add(self, run):
        self.about["images"] = run.pop("images")
        self.runs.append(run)
        self.runs.sort(key=lambda run: self.order[self.key(run)])
        write_atomically(self.out, json.dumps(dict(about=self.about, runs=self.runs)))


def show_run(run, count, total, start):
    "Print a line for a run, with the time left."
    left = (time.perf_counter() - start) / count * (total - count)
    accuracy = f"{100 * run['plain']['accuracy']:.1f} %, TTA {100 * run['tta']['accuracy']:.1f} %"
    name = f"{run['arm']}, {100 * run['noise']:g} % wrong, seed {run['seed']}"
    times = f"{run['seconds']:.1f} s; {left / 60:.0f} min left"
    calibration = f"ECE {run['plain']['ece']:.3f}"
    print(f"{count}/{total}  {name}: {accuracy}, {calibration}  {times}", flush=True)


def run_tasks(tasks, jobs, deadline=float("inf")):
    "Yield the result of each task; those of a killed process are tried again."
    waiting = {task.key: task for task in tasks}
    for _ in range(MOST_TRIES):
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            submitted = [pool.submit(run_task, task) for task in waiting.values()]
            try:
                for future in futures.as_completed(submitted):
                    run = future.result()
                    waiting.pop(Results.key(run))
                    yield run
                    if time.perf_counter() > deadline:
                        pool.shutdown(wait=False, cancel_futures=True)
                        return
            except BrokenProcessPool:
                print("A worker process was killed; its unfinished runs are repeated.", flush=True)
        if not waiting:
            return
    raise RuntimeError(
        f"{len(waiting)} runs are unfinished: worker processes were killed {MOST_TRIES} times; "
        "use fewer --jobs if memory ran out"
    )


def run_on_cluster(tasks, address):
    "Yield the result of each task, run by the workers of a Dask scheduler."
    from distributed import Client, as_completed

    with Client(address) as client:
        submitted = client.map(run_task, tasks, key=[repr(task.key) for task in tasks])
        for future in as_completed(submitted):  # Dask runs those of a lost worker again
            yield future.result()


def design_commit(file):
    "Return the commit that changed a design last."
    command = ["git", "log", "-1", "--format=%h", "--", str(file)]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("design", help="JSON file of the design")
    parser.add_argument("--out", required=True, help="JSON file of the results")
    parser.add_argument("--data", help="folder or archive of the dataset, where it cannot be had")
    parser.add_argument("--jobs", type=int, default=1, help="runs at once (default: 1)")
    parser.add_argument("--scheduler", help="address of a Dask scheduler, which replaces --jobs")
    parser.add_argument("--commit", help="commit of the design (default: as git has it)")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="then stop")
    return parser.parse_args()


def main():
    start = time.perf_counter()
    arguments = read_arguments()
    design, seeds = read_design(arguments.design)
    tasks = study_tasks(design, seeds, arguments.data)
    about = dict(
        design=Path(arguments.design).name,
        seeds=seeds,  # they tell this design from a changed one
        content=dataset_digest(list_dataset(tasks[0].path)),
        commit=arguments.commit or design_commit(arguments.design),
        machine=machine(best_device()),
        jobs=arguments.jobs,
        date=time.strftime("%Y-%m-%d"),
    )
    results = Results(arguments.out, about, tasks)
    missing = [task for task in tasks if task.key not in results.finished]
    print(f"{len(tasks) - len(missing)} of {len(tasks)} runs are there.", flush=True)
    if arguments.scheduler:
        runs = run_on_cluster(missing, arguments.scheduler)
    else:
        runs = run_tasks(missing, arguments.jobs, start + 60 * arguments.minutes)
    for count, run in enumerate(runs, 1):
        results.add(run)
        show_run(run, count, len(missing), start)


if __name__ == "__main__":
    main()
