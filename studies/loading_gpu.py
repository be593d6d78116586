"""Loading images for a GPU: the lesson's plain code, and `get_dls` from workers and from memory.

    python -m studies.loading_gpu OUT.json

One epoch warms up, the next one is timed. The sample dataset, 1,600 training images; xresnet50 at
128 px, batches of 64, bfloat16. Every figure is of a single run.
"""

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from fastai.data.core import TfmdDL
from fastai.vision.all import (
    CategoryBlock,
    CrossEntropyLossFlat,
    DataBlock,
    GrandparentSplitter,
    ImageBlock,
    Learner,
    Normalize,
    Resize,
    accuracy,
    aug_transforms,
    get_image_files,
    imagenet_stats,
    parent_label,
    set_seed,
)

from lesson7 import dataset_stats, get_dls, sample_dataset
from lesson7.data.files import write_atomically
from lesson7.data.hardware import machine
from lesson7.models import architecture

BS, SIZE = 64, 128
N_TRAIN, N_VAL = 1600, 200


def lesson_dls(path):
    "Return the loaders of the lesson's own cell, on the dataset's own split."
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_items=get_image_files,
        get_y=parent_label,
        splitter=GrandparentSplitter(valid_name="val"),
        item_tfms=Resize(460),
        batch_tfms=[
            *aug_transforms(size=SIZE, min_scale=0.75),
            Normalize.from_stats(*imagenet_stats),
        ],
    )
    return block.dataloaders(path, bs=BS, num_workers=8)


def seconds_of(function):
    "Return how long a call takes, until the GPU has finished."
    start = time.perf_counter()
    function()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def measure(name, dls):
    "Return seconds of loading, images a second of training, and the largest GPU memory."
    first = seconds_of(lambda: list(dls.train))
    loading = seconds_of(lambda: list(dls.train))
    model = architecture("xresnet50")(n_out=10)
    learn = Learner(dls, model, loss_func=CrossEntropyLossFlat(), metrics=accuracy).to_bf16()
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(1, 3e-3)
        torch.cuda.reset_peak_memory_stats()
        training = seconds_of(lambda: learn.fit_one_cycle(1, 3e-3))
    return dict(
        kind=name,
        first_loading=round(first, 2),
        loading=round(loading, 2),
        images_per_s=round(N_TRAIN / training),
        peak_GB=round(torch.cuda.max_memory_allocated() / 2**30, 2),
    )


def main():
    rows = []
    with TemporaryDirectory() as folder:
        path = sample_dataset(Path(folder) / "sample", n_train=N_TRAIN, n_val=N_VAL)
        stats = dataset_stats(path / "train")
        loaders = {
            "get_dls, from memory": lambda: get_dls(BS, SIZE, path, stats),
            "get_dls, 14 workers": lambda: get_dls(
                BS, SIZE, path, stats, dl_type=TfmdDL, num_workers=14
            ),
            "the lesson's code, 8 workers": lambda: lesson_dls(path),
        }
        for name, make in loaders.items():
            set_seed(1)
            rows.append(measure(name, make()))
            print(rows[-1], flush=True)
            results = dict(machine=machine("cuda"), rows=rows)
            write_atomically(sys.argv[1], json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
