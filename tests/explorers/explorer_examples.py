"""Explorers that the contract tests open, and states that they reject.

An explorer is found by its public name, which ends in "Explorer". Each is opened without arguments;
`EXAMPLES` adds explorers with a model's predictions and with class names that look like markup.
"""

from itertools import combinations_with_replacement
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import lesson7
from lesson7 import MixupExplorer, NormalizeExplorer, ResizeExplorer, SmoothingExplorer, TTAExplorer
from lesson7.data.samples import photos

# A few random states in `make test`, more of them in `make long`.
random_state_counts = pytest.mark.parametrize(
    "count", [5, pytest.param(50, marks=pytest.mark.long)]
)

NAMES = [name for name in lesson7.__all__ if name.endswith("Explorer")]

QUICK_STATES = {"TrainExplorer": dict(epochs=[2, 2], seeds=2)}  # of explorers that train

HOSTILE_NAMES = [
    "<img src=x onerror=alert(1)><script>alert(2)</script>",
    "\"'&quot;></script><b>bold</b>",
    "\"quotes\" & 'more'",
    "שלום \u202eעולם",
    "عربي \u202e rtl",
    "w" * 200,
    "$x^2$ \\frac{1}{0}",
    "",
]
NORMALIZE_IMAGES = 32
MIXUP_WEIGHTS = 21  # weights of a blend that learners predict for
TTA_VIEWS = 3 + 3 * 81  # plain views and windows that a learner predicts for
TTA_STEPS = 8


def quick_explorer(name):
    "Return an explorer whose code runs in a second."
    return getattr(lesson7, name)(**QUICK_STATES.get(name, {}))


def normalize_predictions():
    "Return kind -> [class, probability] of each of 32 images, for an explorer without a learner."

    def classes(shift):
        return [[(i + shift) % 4, 0.5 + i / 100] for i in range(NORMALIZE_IMAGES)]

    fixed = {"dataset": classes(0), "none": classes(1), "imagenet": classes(2)}
    return fixed | {"batch": [classes(0)[:16]] * 40}


def normalize_with_predictions(**state):
    labels = [i % 4 for i in range(NORMALIZE_IMAGES)]
    explorer = NormalizeExplorer(labels=labels, **state)
    explorer.says = normalize_predictions()
    explorer.has_batch_norm = True
    explorer.batch_says = dict.fromkeys(("dataset", "imagenet", "none"), explorer.says["dataset"])
    return explorer


def random_learner(class_names):
    "Return a learner's stand-in whose predictions differ between images."
    n = len(class_names)
    torch.manual_seed(n)
    layers = torch.nn.AdaptiveAvgPool2d(8), torch.nn.Flatten(), torch.nn.Linear(192, n)
    model = torch.nn.Sequential(*layers)
    with torch.no_grad():
        model[-1].weight.mul_(20)
    dls = SimpleNamespace(vocab=class_names, after_batch=SimpleNamespace(fs=[]))
    return SimpleNamespace(model=model, dls=dls)


def resize_with_predictions(**state):
    return ResizeExplorer(learn=random_learner(HOSTILE_NAMES), **state)


def add_tta_predictions(explorer, class_names, seed=0):
    "Give an explorer random predictions for each photo, as a learner with these classes would."
    n = len(class_names)
    preds = np.random.default_rng(seed).dirichlet([0.3] * n, TTA_VIEWS).round(6).tolist()
    explorer.grid = TTA_STEPS
    explorer.asked = [
        dict(classes=class_names, preds=preds[i:] + preds[:i]) for i in range(len(explorer.sizes))
    ]
    return explorer


def tta_with_predictions(**state):
    images = list(photos("china", "coffee", "chelsea", "hopper").values())
    images += [Image.new("RGB", (30, 20), "grey")] * (len(HOSTILE_NAMES) - len(images))
    explorer = TTAExplorer(dict(zip(HOSTILE_NAMES, images)), side=48, **state)
    return add_tta_predictions(explorer, [*HOSTILE_NAMES, "cat"])


def mixup_with_predictions(**state):
    n = len(HOSTILE_NAMES)
    images = list(photos().values())[:n]
    explorer = MixupExplorer(images, list(range(n)), HOSTILE_NAMES, side=32, **state)
    rng = np.random.default_rng(0)
    explorer.predictions = {
        f"{i},{j}": rng.dirichlet([0.3] * n, (2, MIXUP_WEIGHTS)).round(6).tolist()
        for i, j in combinations_with_replacement(range(n), 2)
    }
    return explorer


EXAMPLES = {name: getattr(lesson7, name) for name in NAMES} | {
    "NormalizeExplorer-own": lambda: normalize_with_predictions(kind="own"),
    "ResizeExplorer-model": lambda: resize_with_predictions(
        stages=[[128, 4], [224, 5], [256, 5]], file=96
    ),
    "TTAExplorer-model": tta_with_predictions,
    "MixupExplorer-model": lambda: mixup_with_predictions(drawn=1),
    "SmoothingExplorer-names": lambda: SmoothingExplorer(
        [*HOSTILE_NAMES, "cat", "dog"], against="logit"
    ),
}

# Examples with class names that look like markup, and how many of the names their page shows.
NAMED_EXAMPLES = {
    "ResizeExplorer-model": 3,
    "TTAExplorer-model": 8,
    "MixupExplorer-model": 8,
    "SmoothingExplorer-names": 8,
}

INVALID_STATES = {  # the message is a regular expression
    "NormalizeExplorer": [
        (dict(draw=40), "draw must be from 0 to 39, got 40"),
        (dict(bs=0), "bs must be from 1 to 32, got 0"),
        (dict(bs=33), "from 1 to 32, got 33"),
        (dict(kind="mean"), "none.*imagenet"),
        (
            dict(own_std=[0.2, 0, 0.2]),
            r"own_std must be above 0 in each channel, got \[0.2, 0.0, 0.2\]",
        ),
        (dict(own_mean=[0.5]), "own_mean"),
        (dict(show="x"), "file.*model"),
    ],
    "ResizeExplorer": [
        (dict(stages=[[128, 4]]), "stages must be two or three pairs .*, got 1 entries"),
        (dict(stages=[[32, 1]] * 4), "got 4 entries"),
        (dict(stages=[[100, 4], [224, 5]]), "must be a multiple of 16 from 16 to 320, got 100"),
        (dict(stages=[[0, 4], [224, 5]]), "size of a stage must be .*, got 0"),
        (dict(stages=[[336, 4], [224, 5]]), "got 336"),
        (dict(stages=[[128, 0], [224, 5]]), "epochs of a stage must be from 1 to 20, got 0"),
        (dict(stages=[[128, 21], [224, 5]]), "from 1 to 20, got 21"),
        (
            dict(stages=[[128], [224, 5]]),
            r"must be \[size, epochs\], two whole numbers, got \[128\]",
        ),
        (dict(stages=[[128.0, 4], [224, 5]]), "two whole numbers"),
        (dict(stages=[128, 224]), "a stage must be .*, got 128"),
        (dict(file=100), "file must be one of 32, 64, .*256, got 100"),
        (dict(file=0), "file must be one of .*, got 0"),
    ],
    "TTAExplorer": [
        (dict(photo=4), "photo must be from 0 to 3, got 4"),
        (dict(moving=5), "moving must be from 0 to 4, got 5"),
        (dict(on=[False] * 5), "on must be True for one view or more"),
        (
            dict(on=[True]),
            "on must be 5 values, the plain view's and one for each place in at, got 1",
        ),
        (dict(at=[]), "at"),
        (dict(at=[[0, 1.2]] * 4), "places in at must be from 0 .*pass the edge, got 1.2"),
        (dict(target=[-0.1, 0]), "places in target must be .*, got -0.1"),
        (dict(target=[0.1]), "target"),
        (dict(scale=0.7), "0.6.*0.85"),
        (dict(plain="fit"), "crop.*pad"),
        (dict(reduce="min"), "mean.*lerp"),
    ],
    "TrainExplorer": [
        (dict(wrong=[0.7, 0]), "wrong must be from 0 to 0.6, got 0.7"),
        (dict(wrong=[0.1]), "wrong"),
        (dict(alpha=[0, 4.5]), "alpha must be from 0 to 4, got 4.5"),
        (dict(alpha=[0, 0.01]), "alpha must be 0, or from 0.05 to 4, got"),
        (dict(eps=[0, 0.6]), "eps must be from 0 to 0.5, got 0.6"),
        (dict(eps=[float("nan"), 0]), "eps must be from 0 to 0.5, got nan"),
        (dict(lr=[0, 0.1]), "lr must be from 0.0001 to 1, got 0"),
        (dict(epochs=[0, 40]), "epochs must be whole, from 1 to 100, got 0"),
        (dict(epochs=[40, 4.5]), "epochs must be whole, from 1 to 100, got 4.5"),
        (dict(images=[600, 1199]), "images must be whole, from 20 to 1198, got 1199"),
        (dict(hidden=[1, 32]), "hidden must be whole, from 2 to 128, got 1"),
        (dict(inputs=["normalized", "x"]), "inputs must be one of normalized, .*, got 'x'"),
        (dict(fold=[True, 1]), "fold must be True or False for each side"),
        (dict(seeds=11), "seeds must be whole, from 1 to 10, got 11"),
        (dict(epoch=0), "epoch must be whole, from 1 to 100, got 0"),
        (dict(pad=[1]), "pad must be empty or 64 values, got 1"),
        (dict(pad=[17] * 64), "values in pad must be whole, from 0 to 16, got 17"),
    ],
    "MixupExplorer": [
        (dict(t=1.2), "t must be from 0 to 1, got 1.2"),
        (dict(t=-0.1), "from 0 to 1"),
        (dict(t=float("nan")), "from 0 to 1, got nan"),
        (dict(first=9), "first must be from 0 to 8, got 9"),
        (dict(second=-1), "second must be from 0 to 8, got -1"),
        (dict(drawn=41), "drawn must be from 0 to 40, got 41"),
        (dict(keep="x"), "half.*any"),
        (dict(classes="x"), "own.*lesson"),
    ],
    "SmoothingExplorer": [
        (dict(eps=-0.1), "eps must be at least 0 and below 1, got -0.1"),
        (dict(eps=1.0), "eps must be .*, got 1.0"),
        (dict(n=1), "n must be from 2 to 1000, got 1"),
        (dict(n=1001), "n must be from 2 to 1000, got 1001"),
        (dict(n=0), "n must be from 2 to 1000, got 0"),
        (dict(label=10), "label must be from 0 to 9, got 10"),
        (dict(label=-1), "label must be from 0 to 9, got -1"),
        (dict(t=1.2), "t must be from 0 to 1, got 1.2"),
        (dict(p=0.0), "p must be above 0 and below 1, got 0.0"),
        (dict(p=1.0), "p must be above 0 and below 1, got 1.0"),
        (dict(picture=1), "picture must be from 0 to 0, got 1"),
        (dict(show="x"), "hard.*mixed"),
        (dict(against="x"), "logit"),
    ],
}
