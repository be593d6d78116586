"""Several views, one pass over the rectangle, and two digits in one picture.

    python -m studies.views --out results.json

The design is `views.json`. For each seed a network is trained with softmax and one with sigmoids.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from lesson7.data.files import write_atomically
from lesson7.data.hardware import best_device, machine
from lesson7.normalize import normalize
from lesson7.training import memory
from lesson7.training.config import Recipe
from lesson7.training.memory import load_images, plain_views, take_steps, train_in_memory
from lesson7.tta import windows
from studies.run import design_commit, measures, read_design

DESIGN = Path(__file__).with_suffix(".json")
BS = 250  # images in a batch of the evaluation
SCALE = 0.85  # side of a window, as a share of the short side
PAIR_WINDOWS = 6  # evenly along a picture of two digits


def as_image(pixels):
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def as_batch(images, stats):
    "Return images of one size as normalized floats [N,3,H,W]."
    pixels = np.stack([np.asarray(image).transpose(2, 0, 1) for image in images])
    return normalize(torch.from_numpy(pixels).float() / 255, stats)


def cut(image, boxes, size):
    "Return windows of an image, resized."
    return [image.crop(box).resize((size, size), Image.Resampling.BILINEAR) for box in boxes]


def middle(image):
    "Return the largest square in the middle."
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def corners(image, size):
    return cut(image, windows(image.height, image.width, size, n=4, scale=SCALE), size)


def squares(image, size, n):
    "Return the largest squares, evenly from one end to the other."
    boxes = windows(image.height, image.width, size, kind="ends", n=n, scale=1.0)
    return cut(image, boxes, size)


@torch.no_grad()
def log_probabilities(model, x):
    "Return the logarithms of the predictions, [N,C]."
    return torch.cat([model(part).log_softmax(1) for part in x.split(BS)])


def views_of(images, stats, make):
    "Return the views that `make` cuts from each image, [views,N,3,size,size]."
    cuts = [make(image) for image in images]
    return torch.stack([as_batch(view, stats) for view in zip(*cuts)])


def whole_rectangles(model, images, stats, size):
    "Return the log probabilities of one pass over each rectangle, [N,C]."
    resized = []
    for image in images:
        share = size / min(image.size)
        sides = tuple(round(side * share) for side in image.size)
        resized.append(image.resize(sides, Image.Resampling.BILINEAR))
    found = torch.zeros(len(images), model[-1].out_features)
    for sides in {image.size for image in resized}:
        chosen = [i for i, image in enumerate(resized) if image.size == sides]
        x = as_batch([resized[i] for i in chosen], stats)
        found[chosen] = log_probabilities(model, x)
    pixels = np.mean([image.width * image.height for image in resized]) / size**2
    return found, float(pixels)


def mean_of_probabilities(log_probs):
    return log_probs.logsumexp(0) - np.log(len(log_probs))


def evaluate_ways(model, data, size):
    "Return the measures of each way to predict a rectangle, with its pixels relative to the crop."
    images, stats = [as_image(pixels) for pixels in data.val], data.stats
    crop = log_probabilities(model, plain_views(data, size, True, "cpu")[1])
    sides = (size, size)

    def squish(image):
        return [image.resize(sides, Image.Resampling.BILINEAR)]

    def predict(make):
        views = views_of(images, stats, make)
        return torch.stack([log_probabilities(model, view) for view in views])

    around = torch.cat([crop[None], predict(lambda image: corners(image, size))])
    within = torch.cat([crop[None], predict(lambda image: corners(middle(image), size))])
    rectangle, pixels = whole_rectangles(model, images, stats, size)
    found = {
        "crop": (crop, 1),
        "squished": (predict(squish)[0], 1),
        "five views": (mean_of_probabilities(around), 5),
        "five views, logits": (around.mean(0).log_softmax(1), 5),
        "five views of the crop": (mean_of_probabilities(within), 5),
        "three squares": (
            mean_of_probabilities(predict(lambda image: squares(image, size, 3))),
            3,
        ),
        "rectangle": (rectangle, pixels),
    }
    labels = data.val_labels
    return {way: measures(p, labels) | dict(pixels=cost) for way, (p, cost) in found.items()}


def side_by_side(a, b):
    "Return two images of one height as one."
    image = Image.new("RGB", (a.width + b.width, a.height))
    image.paste(a)
    image.paste(b, (a.width, 0))
    return image


def make_pairs(data, count):
    "Return pictures of two different digits, wide images side by side, and targets [N,C]."
    wide = [i for i, pixels in enumerate(data.val) if pixels.shape[2] > pixels.shape[1]]
    rng = np.random.default_rng(0)
    pictures, targets = [], torch.zeros(count, len(data.vocab))
    while len(pictures) < count:
        first, second = rng.choice(wide, 2, replace=False)
        labels = [int(data.val_labels[i]) for i in (first, second)]
        if labels[0] != labels[1]:
            targets[len(pictures), labels] = 1
            pictures.append(side_by_side(as_image(data.val[first]), as_image(data.val[second])))
    return pictures, targets


def f_score(values, targets, threshold):
    "Return F1 of the classes above a threshold."
    found = values > threshold
    hits = (found * targets).sum().item()
    return 2 * hits / (found.sum().item() + targets.sum().item())


def pair_measures(values, targets):
    "Return how often the two digits come first, and F1 at a threshold of the other half."
    top = values.topk(2).indices
    both_first = targets.gather(1, top).sum(1) == 2
    thresholds = np.linspace(0.01, 0.99, 99)
    scores = [f_score(values[::2], targets[::2], threshold) for threshold in thresholds]
    best = float(thresholds[int(np.argmax(scores))])
    return dict(
        both_first=both_first.int().tolist(),
        threshold=best,
        f1=f_score(values[1::2], targets[1::2], best),
        f1_at_half=f_score(values[1::2], targets[1::2], 0.5),
    )


@torch.no_grad()
def evaluate_pairs(model, pictures, targets, stats, size, activation):
    views = views_of(pictures, stats, lambda image: squares(image, size, PAIR_WINDOWS))
    values = torch.stack([activation(model(view)) for view in views])
    crop = activation(model(as_batch([cut(middle(p), [None], size)[0] for p in pictures], stats)))
    ways = dict(crop=crop, mean=values.mean(0), max=values.amax(0))
    return {way: pair_measures(found, targets) for way, found in ways.items()}


def train_with_sigmoids(recipe, data):
    "Train as `train_in_memory` does, with a sigmoid and a binary target for each class."
    run, model = memory._prepare(recipe, data, "cpu")
    (cycle,) = memory._cycles(recipe.plan)
    optimizer = memory._optimizer(model.train())

    def gradients(x, y):
        model.zero_grad(set_to_none=False)
        logits = model(x.contiguous(memory_format=torch.channels_last))
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, y)
        loss.backward()
        return loss.detach()

    steps = len(run.labels) // cycle.bs
    for epoch in range(cycle.epochs):
        done, total = epoch * steps, cycle.epochs * steps
        take_steps(model, optimizer, run.batches(cycle), cycle, done, total, gradients)
    return model.eval()


def run_seed(design, data, pairs, seed):
    "Return a run for each way, as a `Study` has them, and the measures of the pairs."
    recipe = Recipe(**design["training"], seed=seed)
    softmax = train_in_memory(recipe, data, "cpu", every=recipe.epochs).model.eval()
    sigmoids = train_with_sigmoids(recipe, data)
    size = recipe.size
    ways = evaluate_ways(softmax, data, size)
    runs = [dict(arm=way, seed=seed, noise=0.0, plain=found) for way, found in ways.items()]
    found = dict(
        softmax=evaluate_pairs(softmax, *pairs, data.stats, size, lambda z: z.softmax(1)),
        sigmoids=evaluate_pairs(sigmoids, *pairs, data.stats, size, torch.sigmoid),
    )
    return runs, dict(seed=seed, **found)


def show(runs, pairs):
    "Print the measures of a seed."
    for run in runs:
        measured = {name: value for name, value in run["plain"].items() if name != "right"}
        print(run["seed"], run["arm"], measured, flush=True)
    for model in ("softmax", "sigmoids"):
        for way, found in pairs[model].items():
            share = np.mean(found["both_first"])
            print(model, way, f"both first {share:.3f}, F1 {found['f1']:.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="JSON file of the results")
    parser.add_argument("--seeds", type=int, help="how many of the design's seeds")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    design, seeds = read_design(DESIGN)
    seeds = seeds[: arguments.seeds]
    data = load_images(short=2 * design["training"]["size"])
    pairs = make_pairs(data, design["pairs"])
    images = [len(data.train), len(data.val)]
    about = dict(commit=design_commit(DESIGN), machine=machine(best_device()))
    about |= dict(seeds=seeds, images=images)
    results = dict(about=about, runs=[], pairs=[])
    for seed in seeds:
        runs, found = run_seed(design, data, pairs, seed)
        results["runs"] += runs
        results["pairs"].append(found)
        write_atomically(arguments.out, json.dumps(results))
        show(runs, found)


if __name__ == "__main__":
    main()
