"Test time augmentation with `tta`, beside fastai's `learn.tta`."

from functools import partial

import torch
from fastai.callback.core import Callback, CancelValidException
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from torch.utils.data import TensorDataset

from lesson7.data.loaders import get_dls
from lesson7.data.presets import here
from lesson7.normalize import dataset_stats
from lesson7.tta import tta

from .lesson import lesson_dls, plain_learner
from .row import Row, time_rounds

VIEWS = 4  # besides the plain one
UNSURE = 0.25  # share of the images that get windows
LARGEST_OF_BOUND = 1.25  # allowed time of `tta`, in forward passes of its views


class NoValidation(Callback):
    "Leaves out the validation of each epoch."

    def before_validate(self):
        raise CancelValidException


def forward_passes(learn, images):
    "Return a function that runs the forward passes of all views of some images, and nothing else."
    shape = learn.dls.one_batch()[0].shape[1:]
    x = torch.randn(learn.dls.bs, *shape)
    passes = (VIEWS + 1) * images // len(x)

    def run():
        model = learn.model.eval()
        with torch.no_grad():
            for _ in range(passes):
                model(x)

    return run


def tta_row(work, learn, least, images, rounds=3):
    "Return the row of `tta` beside `learn.tta`, on some validation images."
    dl = learn.dls.test_dl(learn.dls.valid_ds.items[:images])
    ours, theirs, bound = time_rounds(
        rounds,
        partial(tta, learn, dl=dl),
        partial(learn.tta, n=VIEWS, dl=dl),
        forward_passes(learn, images),
        per=images,
    )
    return Row(
        work,
        against=f"learn.tta(n={VIEWS})",
        theirs=theirs,
        ours=ours,
        unit="ms a picture",
        least=least,
        bound_name="five forward passes",
        bound=bound,
        within=LARGEST_OF_BOUND,
    )


def tta_large(path):
    "Return the row of large JPEGs."
    work = f"tta, n={VIEWS}, JPEGs of 500 x 375 presized to 460, 128 px"
    return tta_row(work, plain_learner(lesson_dls(path, 64, 128)), least=4, images=64)


def tta_unsure(path, images=64, rounds=3):
    "Return the row of windows for a quarter of the images, beside windows for all of them."
    learn = plain_learner(lesson_dls(path, 64, 128))
    dl = learn.dls.test_dl(learn.dls.valid_ds.items[:images])
    ours, theirs = time_rounds(
        rounds,
        partial(tta, learn, dl=dl, unsure=UNSURE),
        partial(tta, learn, dl=dl),
        per=images,
    )
    return Row(
        f"tta, n={VIEWS}, unsure={UNSURE}, JPEGs of 500 x 375 presized to 460, 128 px",
        against="tta of all images",
        theirs=theirs,
        ours=ours,
        unit="ms a picture",
        least=1.3,
    )


def load_epochs(dls, epochs=5):
    "Return loaders with the augmented training images of some epochs, loaded once."
    batches = []
    for _ in range(epochs):
        batches += list(dls.train)
    x = torch.cat([images for images, _ in batches])
    y = torch.cat([labels for _, labels in batches])
    train = DataLoader(TensorDataset(x, y), bs=dls.bs, shuffle=True, drop_last=True)
    return DataLoaders(train, dls.valid)


def train_model(dls, loaded, seed, lr):
    "Return a learner on `dls`, trained for an epoch of the loaders `loaded`."
    torch.manual_seed(seed)
    learn = plain_learner(dls)
    learn.model.to(memory_format=torch.channels_last)  # trains faster
    learn.dls = loaded
    with learn.no_logging():
        learn.fit_one_cycle(1, lr, cbs=NoValidation())
    learn.dls = dls
    learn.model.to(memory_format=torch.contiguous_format)  # predicts as a reader's own
    return learn


def percent_right(preds, targs):
    return 100 * (preds.argmax(1) == targs).float().mean().item()


def show_percent(values):
    return ", ".join(f"{value:.1f}" for value in values)


def tta_small():
    """Return the row of the sample dataset.

    Accuracies are those of three models at the size that they were trained at. Times are at the
    large size, where the network's share is larger.
    """
    preset = here("cpu")
    stats = dataset_stats(preset.path / "train")
    small = get_dls(preset.bs, preset.small, preset.path, stats)
    loaded = load_epochs(small)
    ours, theirs = [], []
    for seed in range(3):
        learn = train_model(small, loaded, seed, preset.lr)
        theirs.append(percent_right(*learn.tta(n=VIEWS)))
        ours.append(percent_right(*tta(learn)))

    work = f"tta, n={VIEWS}, the sample dataset at {preset.large} px"
    learn.dls = get_dls(preset.bs, preset.large, preset.path, stats)
    with_our_loaders = tta_row(work, learn, least=None, images=128, rounds=1)
    learn.dls = lesson_dls(preset.path, preset.bs, preset.large, presize=128)
    row = tta_row(work, learn, least=2.5, images=128)
    row.note = (
        f"with the transforms of get_dls, learn.tta takes {with_our_loaders.ratio[1]:.1f} times "
        f"as long as tta; three models, trained at {preset.small} px, are right in "
        f"{show_percent(ours)} % with tta and {show_percent(theirs)} % with learn.tta there"
    )
    row.holds = sum(ours) >= sum(theirs)
    return row
