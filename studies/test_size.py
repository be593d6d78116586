"""The best size in the test, after training with crops of several sizes.

    python -m studies.test_size --out results.json

The design is `test_size.json`.
"""

from contextlib import contextmanager
from pathlib import Path

from fastai.vision.all import Brightness, Normalize, RandomResizedCropGPU

from lesson7.training import memory
from lesson7.training.config import Recipe
from studies.running_statistics import evaluate
from studies.small import run_small_study

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


def run_seed(design, images, seed):
    "Yield the results of all arms."
    for min_scale in design["min_scales"]:
        yield run_arm(design, images, min_scale, seed)


def prepare(design):
    "Return the sample dataset in memory, and its numbers of images."
    images = memory.load_images(short=128)
    return images, [len(images.train), len(images.val)]


if __name__ == "__main__":
    run_small_study(DESIGN, __doc__, prepare, run_seed)
