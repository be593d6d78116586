"""The lesson's warnings about pretrained networks, measured on CIFAR-10.

    python -m studies.transfer --data FOLDER --out results.json --jobs 2

FOLDER has `train/<class>/` and `test/<class>/`, or is an archive of them. The design is
`transfer.json`. Each run is a call of the package's `train`. The networks of the reference are
evaluated with other statistics, too. Results are written after each run; a study that is cut off
continues.
"""

import argparse
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path

import torch

from lesson7.data.hardware import best_device, machine
from lesson7.data.loaders import get_dls, list_dataset
from lesson7.data.samples import cifar10
from lesson7.normalize import NormStats
from lesson7.outputs import predict_loader
from lesson7.training.comparison import dataset_digest
from lesson7.training.loop import train
from lesson7.tta import tta_log_probabilities
from studies.run import Results, Task, arm_recipe, design_commit, measures, read_design

DESIGN = Path(__file__).with_suffix(".json")


def first_of_each_class(labelled, count):
    "Return the first images of each class, of pairs of a file and its label."
    taken = {}
    for file, label in labelled:
        taken.setdefault(label, []).append((file, label))
    return [pair for pairs in taken.values() for pair in pairs[:count]]


def subset(folder, count):
    "Return the `DatasetFiles` of the first images of each class of a dataset."
    files = list_dataset(folder)
    train_files = first_of_each_class(files.train, count)
    return replace(files, train=train_files, val=first_of_each_class(files.val, count))


def study_tasks(design, seeds, folder):
    "Return the runs of the study: all arms with one seed, then the next."
    tasks = []
    for seed in seeds:
        for arm, changes in design["arms"].items():
            recipe = arm_recipe(design["training"], changes, 0.0, seed)
            tasks.append(Task(arm, seed, recipe, str(folder), design["per_class"]))
    return tasks


def other_statistics(name, own):
    "Return the statistics with which a network is evaluated: those it has, other ones, or none."
    known = {"ImageNet's statistics": NormStats.imagenet(), "no statistics": None}
    return known.get(name, own)


def evaluations(result, files, names):
    "Return the measures of a network with each kind of statistics at test time."
    learn = result.learn
    found = {}
    for name in names:
        stats = other_statistics(name, result.stats)
        learn.dls = get_dls(64, result.recipe.size, files, stats)
        with learn.no_bar():
            log_probs, labels = predict_loader(learn, log=True)
        found[name] = measures(log_probs.cpu(), labels.long().cpu())
    return found


def run_task(task, names):
    "Return the result of a run; `names` are the statistics of the evaluations, none for no other."
    torch.set_num_threads(1)
    files = subset(task.dataset, task.n_train)
    result = train(task.recipe, files, bar=False)
    with result.learn.no_bar():
        log_probs, labels = predict_loader(result.learn, log=True)
        averaged, _ = tta_log_probabilities(result.learn, task.recipe.tta)
    labels = labels.long().cpu()
    return dict(
        arm=task.arm,
        seed=task.seed,
        noise=0.0,
        n_train=len(files.train),
        seconds=round(result.seconds, 2),
        stages=[asdict(stage) for stage in task.recipe.plan],
        plain=measures(log_probs.cpu(), labels),
        tta=measures(averaged.cpu(), labels),
        evaluated_with=evaluations(result, files, names),
        accuracies=[round(row["accuracy"], 4) for row in result.history],
        images=[len(files.train), len(files.val)],
    )


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="archive or folder of CIFAR-10 (default: fastai's)")
    parser.add_argument("--out", required=True, help="JSON file of the results")
    parser.add_argument("--jobs", type=int, default=1, help="runs at once (default: 1)")
    parser.add_argument("--commit", help="commit of the design (default: as git has it)")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    design, seeds = read_design(DESIGN)
    folder = cifar10(arguments.data)
    about = dict(
        design=DESIGN.name,
        seeds=seeds,
        content=dataset_digest(subset(folder, design["per_class"])),
        commit=arguments.commit or design_commit(DESIGN),
        machine=machine(best_device()),
        jobs=arguments.jobs,
        date=time.strftime("%Y-%m-%d"),
    )
    tasks = study_tasks(design, seeds, folder)
    results = Results(arguments.out, about, tasks)
    missing = [task for task in tasks if task.key not in results.finished]
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
        submitted = []
        for task in missing:
            is_reference = task.arm == design["reference"]
            names = design["evaluated_with"] if is_reference else []
            submitted.append(pool.submit(run_task, task, names))
        for future in as_completed(submitted):
            run = future.result()
            results.add(run)
            accuracies = f"{100 * run['plain']['accuracy']:.1f} %, TTA {run['tta']['accuracy']:.3f}"
            print(f"{run['arm']}, seed {run['seed']}: {accuracies}  {run['seconds']} s", flush=True)


if __name__ == "__main__":
    main()
