"""The curves of `TrainExplorer`'s still picture, by torch.

`python tests/explorers/train_curves.py` writes them again.
"""

import json
from pathlib import Path

from lesson7.training.small import train_small

FILE = Path(__file__).parents[2] / "lesson7" / "static" / "train.curves.json"
N_SEEDS = 5
DIGITS = 4  # of a stored accuracy
SIDES = [  # of the chapters; other settings are the defaults of `train_small`
    dict(wrong=0.25),
    dict(wrong=0.25, alpha=1.0),
    dict(wrong=0.25, eps=0.3),
    dict(),
    dict(eps=0.3),
    dict(epochs=10),
    dict(epochs=10, inputs="0-255"),
]


def curve(settings, seed):
    "Return the evaluated epochs and the accuracies of one training."
    run = train_small(seed=seed, **settings)
    return run.epochs, [round(accuracy, DIGITS) for accuracy in run.accuracies]


def side_curves(settings):
    "Return a side's settings, epochs, and the accuracies of each seed."
    curves = [curve(settings, seed) for seed in range(1, N_SEEDS + 1)]
    accuracies = [values for _, values in curves]
    return dict(settings=settings, epochs=curves[0][0], accuracies=accuracies)


if __name__ == "__main__":
    lines = [json.dumps(side_curves(settings)) for settings in SIDES]
    FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n")
