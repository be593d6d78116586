"Loading, statistics, test time augmentation, imports and the whole course, each beside what would be used today."

import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import torch
from PIL import Image

from lesson7.data.loaders import get_dls
from lesson7.data.presets import here
from lesson7.data.samples import photos, sample_dataset
from lesson7.models import architecture
from lesson7.normalize import NormStats, dataset_stats
from lesson7.tta import tta

from .row import Row, rounds

ROOT = Path(__file__).parents[1]
EXPLORER = "from lesson7 import TTAExplorer; explorer = TTAExplorer(); "


def large_photos(path, n=128):
    "`n` JPEGs of 500 x 375 for each split, crops of the package's photos, whose names are their classes."
    rng = random.Random(42)
    for split in ("train", "val"):
        for i in range(n):
            name, photo = list(photos().items())[i % 9]
            w = int(min(photo.width, photo.height * 4 // 3) * rng.uniform(0.6, 1))
            x, y = rng.randint(0, photo.width - w), rng.randint(0, photo.height - w * 3 // 4)
            (path / split / name).mkdir(parents=True, exist_ok=True)
            photo.crop((x, y, x + w, y + w * 3 // 4)).resize((500, 375)).save(
                path / split / name / f"{i}.jpg", quality=92
            )
    return path


def lessons_dls(path, bs, size, presize=460):
    "The lesson's `get_dls`, but for the split."
    from fastai.vision.all import (
        CategoryBlock,
        DataBlock,
        GrandparentSplitter,
        ImageBlock,
        Normalize,
        Resize,
        aug_transforms,
        get_image_files,
        parent_label,
    )

    norm = Normalize.from_stats(NormStats.imagenet().mean, NormStats.imagenet().std)
    block = DataBlock(
        (ImageBlock, CategoryBlock),
        get_items=get_image_files,
        get_y=parent_label,
        splitter=GrandparentSplitter(valid_name="val"),
        item_tfms=Resize(presize),
        batch_tfms=[*aug_transforms(size=size, min_scale=0.75), norm],
    )
    return block.dataloaders(path, bs=bs, num_workers=0)


def plain_model(n_out):
    "Return the narrow xresnet18 in torch's own memory format, as fastai builds it."
    return architecture("xresnet18-narrow", channels_last=False)(n_out=n_out)


def learner(dls):
    "Return a learner as a reader of the lesson has it, without a progress bar."
    from fastai.vision.all import CrossEntropyLossFlat, Learner, accuracy

    model = plain_model(dls.c)
    learn = Learner(dls, model, loss_func=CrossEntropyLossFlat(), metrics=accuracy)
    learn.remove_cb(learn.progress)
    return learn


def forward_passes(learn, n, images):
    "The model's forward passes that `n+1` views of `images` pictures cost, and nothing else."
    x = torch.randn(learn.dls.bs, *learn.dls.one_batch()[0].shape[1:])

    def run():
        with torch.no_grad():
            for _ in range((n + 1) * images // len(x)):
                learn.model.eval()(x)

    return run


def tta_row(work, learn, least, images, n=3):
    dl = learn.dls.test_dl(learn.dls.valid_ds.items[:images])
    ours, theirs, bound = rounds(
        n,
        lambda: tta(learn, dl=dl),
        lambda: learn.tta(n=4, dl=dl),
        forward_passes(learn, 4, images),
        per=images,
    )
    return Row(
        work,
        "learn.tta(n=4)",
        theirs,
        ours,
        "ms a picture",
        least,
        "five forward passes",
        bound,
        1.25,
    )


def tta_small():
    "Right answers of three models at the size that they were trained at; times where pictures are larger, so that the network has something to do."
    from fastai.callback.core import Callback, CancelValidException
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader

    class NoValidation(Callback):  # what training has taught is not looked at
        def before_validate(self):
            raise CancelValidException

    p, right = here("cpu"), {"learn.tta": [], "tta": []}
    small = get_dls(p.bs, p.small, p.path, dataset_stats(p.path / "train"))
    x, y = map(
        torch.cat, zip(*(batch for _ in range(5) for batch in small.train))
    )  # five epochs, loaded once for all three
    kept = DataLoaders(
        DataLoader(torch.utils.data.TensorDataset(x, y), bs=p.bs, shuffle=True, drop_last=True),
        small.valid,
    )
    for seed in range(3):
        torch.manual_seed(seed)
        learn = learner(small)
        learn.model.to(
            memory_format=torch.channels_last
        )  # trains faster; judged as a learner's own, who has not heard of it
        learn.dls = kept
        with learn.no_logging():
            learn.fit_one_cycle(1, p.lr, cbs=NoValidation())
        learn.dls = small
        learn.model.to(memory_format=torch.contiguous_format)
        for name, predict in (("learn.tta", lambda: learn.tta(n=4)), ("tta", lambda: tta(learn))):
            preds, targs = predict()
            right[name].append(100 * (preds.argmax(1) == targs).float().mean().item())
    work = f"tta, n=4, the sample dataset at {p.large} px"
    learn.dls = get_dls(p.bs, p.large, p.path, dataset_stats(p.path / "train"))
    with_ours = tta_row(work, learn, None, images=128, n=1).to_dict()["ratio"][1]
    learn.dls = lessons_dls(p.path, p.bs, p.large, presize=128)
    row = tta_row(work, learn, 2.5, images=128)
    row.note = (
        f"with the transforms of get_dls, which learn.tta gains from, too, it takes {with_ours:.1f} times as long as tta; "
        f"three models, trained at {p.small} px, are right in {said(right['tta'])} % with tta and {said(right['learn.tta'])} % with learn.tta there"
    )
    row.holds = sum(right["tta"]) >= sum(right["learn.tta"])
    return row


def said(values):
    return ", ".join(f"{v:.1f}" for v in values)


def tta_large(path):
    return tta_row(
        "tta, n=4, JPEGs of 500 x 375 presized to 460, 128 px",
        learner(lessons_dls(path, 64, 128)),
        4,
        images=64,
    )


def an_epoch(path, n=128):
    ours, theirs = (
        get_dls(64, 128, path, NormStats.imagenet(), num_workers=0).train,
        lessons_dls(path, 64, 128).train,
    )
    model, loss = plain_model(9), torch.nn.functional.cross_entropy
    batch = [t.as_subclass(torch.Tensor) for t in ours.one_batch()]

    def steps(batches):
        for x, y in batches:
            loss(model(x.as_subclass(torch.Tensor)), y.as_subclass(torch.Tensor)).backward()

    load_ours, load_theirs, compute = rounds(
        3, lambda: list(ours), lambda: list(theirs), lambda: steps([batch] * (n // 64)), per=n
    )
    train_ours, train_theirs = rounds(2, lambda: steps(ours), lambda: steps(theirs), per=n)
    per_second = lambda times: f"{1000 / sorted(times)[len(times) // 2]:.0f}"
    return Row(
        "an epoch of get_dls(64, 128) on JPEGs of 500 x 375, the second or later",
        "the lesson's get_dls",
        load_theirs,
        load_ours,
        "ms a picture",
        3,
        "forward and backward alone",
        compute,
        note=f"in the loader {per_second(load_ours)} pictures a second against {per_second(load_theirs)}; in training (narrow xresnet18) "
        f"{per_second(train_ours)} against {per_second(train_theirs)}; forward and backward alone {per_second(compute)}",
    )


STEPS = """
import time, torch
from lesson7.data.hardware import keep_memory
from lesson7.models import architecture
build = architecture("xresnet18-narrow", channels_last=False)
model, x, y = build(n_out=10), torch.randn(32, 3, 128, 128), torch.arange(32) % 10
def step(): torch.nn.functional.cross_entropy(model(x), y).backward()
def timed():
    step()
    start = time.perf_counter()
    for _ in range(3): step()
    return (time.perf_counter() - start)/3/32*1000
unasked = timed()
keep_memory()
print(unasked, timed())"""


def memory_kept():
    "Each round in a fresh process, for what the C library was told stays told."
    run = lambda: map(
        float,
        subprocess.check_output(
            [sys.executable, "-W", "ignore", "-c", STEPS], cwd=ROOT, text=True
        ).split(),
    )
    theirs, ours = zip(*(run() for _ in range(2)))
    return Row(
        "forward and backward, 128 px, with memory that stays (keep_memory)",
        "as glibc does it unasked",
        list(theirs),
        list(ours),
        "ms a picture",
    )


def statistics():
    files = sorted((sample_dataset() / "train").glob("*/*.jpg"))
    ours, decoding = rounds(
        7, lambda: dataset_stats(files), lambda: [Image.open(f).load() for f in files]
    )
    return Row(
        "dataset_stats of 2,000 pictures",
        "",
        [],
        ours,
        bound_name="decoding them",
        bound=decoding,
        within=1.3,
    )


def fresh(code):
    "Return a function that runs `code` in a fresh process: milliseconds by its own clock."
    clocked = "; ".join(
        [
            "import time",
            "start = time.perf_counter()",
            code.strip("; "),
            "print(1000 * (time.perf_counter() - start))",
        ]
    )
    command = [sys.executable, "-W", "ignore", "-c", clocked]
    return lambda: float(subprocess.check_output(command, text=True).split()[-1])


def turns(n, *codes):
    "Return the times of each code in `n` fresh processes, in turns, after one that is not counted."
    runs = [fresh(code) for code in codes]
    for run in runs:
        run()
    times = [[run() for run in runs] for _ in range(n)]
    return [list(each) for each in zip(*times)]


def imports():
    "The package, and an explorer on screen, in a fresh process."
    ours, theirs = turns(2, "import lesson7", "import fastai.vision.all")
    yield Row(
        "import lesson7",
        "import fastai.vision.all",
        theirs,
        ours,
        holds=max(ours) < 50,
        note="to be under 50 ms",
    )
    libraries = "import torch, anywidget, matplotlib.pyplot"
    shown = "from lesson7 import MixupExplorer; MixupExplorer()._repr_mimebundle_()"
    ours, bound = turns(5, shown, libraries)
    yield Row(
        "an explorer on screen, in a fresh process",
        "",
        [],
        ours,
        bound_name=libraries,
        bound=bound,
        within=1.2,
    )
    yield from explorers_without_torch()


def explorers_without_torch():
    "An explorer against the import of torch alone, which it does not need."
    without_still = EXPLORER + "repr(explorer)"
    with_still = EXPLORER + "explorer._repr_mimebundle_()"
    bare, full, torchs = turns(5, without_still, with_still, "import torch")
    yield Row(
        "an explorer without its still, in a fresh process",
        "",
        [],
        bare,
        bound_name="import torch",
        bound=torchs,
        within=0.25,
    )
    yield Row(
        "an explorer with its still, in a fresh process",
        "",
        [],
        full,
        bound_name="import torch",
        bound=torchs,
        within=0.55,
    )


def notebook_files():
    "Return all notebooks; the chapters, which train, come first."
    files = sorted((ROOT / "nbs").rglob("*.ipynb"))
    return [file for file in files if ".ipynb_checkpoints" not in file.parts]


def whole_course():
    "Every notebook, executed by two processes with a thread each, as in `make test`."
    files = notebook_files()
    # A notebook becomes `__main__`, so that cannot hold what the processes share.
    command = [sys.executable, "-W", "ignore", "-c", "from bench import course; course.main()"]
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    done = subprocess.run(
        [*command, *map(str, files)], env=env, cwd=ROOT, capture_output=True, text=True
    )
    seconds = time.perf_counter() - start
    found = re.findall(r"^DONE (.*)", done.stdout, re.M)
    ran = json.loads(found[-1]) if found else [("the course", False, 0)]
    if failed := [file for file, ok, _ in ran if not ok]:
        raise RuntimeError(f"{', '.join(failed)} failed:\n{done.stderr[-4000:]}")
    training = sum(batches for *_, batches in ran)
    return Row(
        f"the whole course, {len(files)} notebooks executed, two at a time",
        "",
        [],
        [seconds],
        "s",
        bound_name="forward and backward of its training cells",
        bound=[training / 2],
        holds=seconds < 600,
        note="to be under 600 s",
    )
