"""Windows for the least certain images only: what is kept of what TTA adds.

    python -m studies.unsure --out results.json

The design is `unsure.json`. For each seed a network is trained once; its predictions for all views
of the validation images give the result for every share, as `tta(learn, unsure=share)` does.
"""

from pathlib import Path

from lesson7.training.config import Recipe
from lesson7.training.memory import train_in_memory
from lesson7.tta import combine, least_certain
from studies.running_statistics import prepare
from studies.small import run_small_study

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
    "Train a network; yield its accuracy for each share."
    run = train_in_memory(Recipe(**design["training"], seed=seed), images, "cpu", every=12)
    views = run.log_probs.exp()
    yield dict(seed=seed, rows=[evaluate(views, run.labels, share) for share in design["shares"]])


if __name__ == "__main__":
    run_small_study(DESIGN, __doc__, prepare, run_seed)
