"""Windows for the least certain images only: what is kept of what TTA adds.

    python -m studies.unsure --out results.json

The design is `unsure.json`. For each seed a network is trained once; its predictions for all views
of the validation images give the result for every share, as `tta(learn, unsure=share)` does.
"""

import argparse
import json
from pathlib import Path

import torch

from lesson7.data.files import write_atomically
from lesson7.data.hardware import best_device, machine
from lesson7.training.config import Recipe
from lesson7.training.memory import load_images, train_in_memory
from lesson7.tta import combine, least_certain
from studies.run import design_commit, read_design

DESIGN = Path(__file__).with_suffix(".json")


def evaluate(views, labels, share):
    "Return the accuracy, and how many views the network sees for an image, on average."
    preds = views[0].clone()
    chosen = least_certain(preds, share)
    preds[chosen] = combine(views[:, chosen])
    accuracy = (preds.argmax(1) == labels).double().mean().item()
    return dict(
        share=share,
        accuracy=accuracy,
        views=1 + (len(views) - 1) * len(chosen) / len(preds),
    )


def run_seed(design, images, seed):
    "Train a network; return its accuracy for each share."
    run = train_in_memory(Recipe(**design["training"], seed=seed), images, "cpu", every=12)
    views = run.log_probs.exp()
    return dict(seed=seed, rows=[evaluate(views, run.labels, share) for share in design["shares"]])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="JSON file of the results")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    design, seeds = read_design(DESIGN)
    images = load_images(short=128)
    about = dict(commit=design_commit(DESIGN), machine=machine(best_device()), seeds=seeds)
    runs = []
    for seed in seeds:
        runs.append(run_seed(design, images, seed))
        write_atomically(arguments.out, json.dumps(dict(about=about, runs=runs), indent=1))
        for row in runs[-1]["rows"]:
            print(seed, row["share"], f"{100 * row['accuracy']:.1f} %, {row['views']:.2f} views")


if __name__ == "__main__":
    main()
