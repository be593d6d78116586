"""The best size in the test, after training with crops of several sizes.

    python -m studies.test_size --out results.json

The design is `test_size.json`.
"""

import argparse
import json
from contextlib import contextmanager
from pathlib import Path

import torch
from fastai.vision.all import Brightness, Normalize, RandomResizedCropGPU

from lesson7.data.files import write_atomically
from lesson7.data.hardware import machine
from lesson7.training import memory
from lesson7.training.config import Recipe
from studies.run import design_commit, read_design
from studies.running_statistics import evaluate

DESIGN = Path(__file__).with_suffix(".json")


@contextmanager
def crops_of(min_scale):
    "Train on random squares of at least this share of a picture's area."
    usual = memory.image_tfms

    def image_tfms(size, presize, stats, flip):
        crop = RandomResizedCropGPU(size, min_scale=min_scale, max_scale=1.0, ratio=(1, 1))
        steps = [crop, Brightness(0.2, p=0.75), Normalize.from_stats(stats.mean, stats.std)]
        return dict(batch_tfms=steps)

    memory.image_tfms = image_tfms
    try:
        yield
    finally:
        memory.image_tfms = usual


def run_arm(design, images, min_scale, seed):
    "Train a network; return its accuracy at each size."
    recipe = Recipe(**design["training"], seed=seed)
    with crops_of(min_scale):
        run = memory.train_in_memory(recipe, images, "cpu", every=recipe.epochs)
    rows = [evaluate(run.model, images, size, True) for size in design["sizes"]]
    return dict(min_scale=min_scale, seed=seed, rows=rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="JSON file of the results")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    design, seeds = read_design(DESIGN)
    images = memory.load_images(short=128)
    counts = [len(images.train), len(images.val)]
    about = dict(commit=design_commit(DESIGN), machine=machine("cpu"), seeds=seeds, images=counts)
    runs = []
    for seed in seeds:
        for min_scale in design["min_scales"]:
            runs.append(run_arm(design, images, min_scale, seed))
            write_atomically(arguments.out, json.dumps(dict(about=about, runs=runs), indent=1))
            print(seed, min_scale, [(r["size"], r["stored"], r["new"]) for r in runs[-1]["rows"]])


if __name__ == "__main__":
    main()
