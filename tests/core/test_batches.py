"A batch has at most as many images as there are to train on, and no training takes no step."

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from learners import tiny_network
from PIL import Image

from lesson7.cli import main
from lesson7.data.loaders import get_dls
from lesson7.resize import Stage, fit_progressive
from lesson7.training.config import Recipe
from lesson7.training.loop import Result, train

TINY = Recipe(size=16, epochs=1, bs=32)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    "A function that makes a dataset with `n` training images of two classes, and four others."
    root = tmp_path_factory.mktemp("images")
    generator = np.random.default_rng(0)

    def write(folder, n):
        for i in range(n):
            pixels = generator.integers(0, 255, (128, 128, 3), dtype=np.uint8)
            file = folder / "ab"[i % 2] / f"{i}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(file)

    def make(n):
        path = root / str(n)
        if not path.exists():
            write(path / "train", n)
            write(path / "val", 4)
        return path

    return make


@pytest.fixture
def no_bars(monkeypatch):
    from fastai.callback.progress import ProgressCallback
    from fastai.vision.all import defaults

    others = [c for c in defaults.callbacks if c is not ProgressCallback]
    monkeypatch.setattr(defaults, "callbacks", others)


def learner(dls):
    from fastai.vision.all import CrossEntropyLossFlat, Learner

    return Learner(dls, tiny_network(dls.c), loss_func=CrossEntropyLossFlat())


@pytest.mark.parametrize(
    "n, bs", [(2, 32), (2, 3), (7, 64), (24, 32), (31, 32), (31, 2**20), (32, 32), (33, 32)]
)
def test_every_epoch_has_full_batches_of_as_many_images_as_fit(n, bs, dataset):
    dls = get_dls(bs, 16, dataset(n), num_workers=0)
    sizes = [len(x) for x, _ in dls.train]
    assert sizes == [min(bs, n)] * (n // min(bs, n)) and sizes
    assert len(dls.train) == len(sizes)


@pytest.mark.parametrize("n, bs", [(7, 64), (24, 32), (2, 3)])
def test_statistics_of_one_batch_are_there_where_a_batch_has_all_images(n, bs, dataset):
    dls = get_dls(bs, 16, dataset(n), stats="batch", num_workers=0)
    normalize = next(t for t in dls.after_batch.fs if type(t).__name__ == "Normalize")
    assert normalize.mean.min() > 0.3 and normalize.mean.max() < 0.7  # of random pixels


# ---- The command


@pytest.mark.parametrize("techniques", [(), ("mixup",)], ids=["plain", "mixup"])
@pytest.mark.parametrize("n", [2, 31, 32, 33])
def test_the_command_trains_on_few_images(n, techniques, dataset, tmp_path, capsys):
    out, file = tmp_path / "model", tmp_path / "recipe.json"
    recipe = replace(TINY, mixup=0.4 if techniques else 0.0)
    file.write_text(recipe.to_json())
    code = main(["train", "--recipe", str(file), "--path", str(dataset(n)), "--out", str(out)])
    printed, errors = capsys.readouterr()
    assert code == 0, errors
    assert " % right, loss " in printed and f"The model is in {out}" in printed
    result = Result.from_dict(json.loads((out / "result.json").read_text()))
    assert math.isfinite(result.history[0]["train_loss"])


def test_the_command_reports_a_single_image(dataset, tmp_path, capsys):
    out = tmp_path / "model"
    path = str(dataset(1))
    code = main(["train", "--preset", "cpu", "--epochs", "1", "--path", path, "--out", str(out)])
    printed, errors = capsys.readouterr()
    assert code == 2 and errors.startswith("lesson7: ") and errors.count("\n") == 1
    assert "class" in errors and printed == "" and not out.exists()


# ---- Functions


@pytest.mark.parametrize("n", [2, 24])
@pytest.mark.parametrize("change", [{}, dict(normalize=True), dict(mixup=0.4), dict(noise=0.25)])
def test_train_takes_a_step(n, change, dataset):
    from fastai.callback.core import Callback

    seen = []

    class Watch(Callback):
        def before_train(self):
            seen.append(next(self.model.parameters()).detach().clone())

        def after_step(self):
            seen.append(len(self.y))

    result = train(replace(TINY, **change), dataset(n), cbs=[Watch()], bar=False)
    before, *steps = seen
    assert steps == [n]
    assert not torch.equal(before, next(result.learn.model.parameters()))
    assert math.isfinite(result.history[0]["train_loss"])


def test_compare_takes_steps(dataset):
    from lesson7.training.comparison import compare

    comparison = compare([TINY], seeds=2, path=dataset(24), jobs=1)
    losses = [run.history[0]["train_loss"] for run in comparison.runs]
    assert len(losses) == 2 and all(map(math.isfinite, losses))


def blocks_dls(path, **options):
    "Return a function of fastai's own loaders, which drop a batch that is not full."
    from fastai.vision.all import (
        CategoryBlock,
        DataBlock,
        GrandparentSplitter,
        ImageBlock,
        Resize,
        get_image_files,
        parent_label,
    )

    def make(bs, size):
        block = DataBlock(
            blocks=(ImageBlock, CategoryBlock),
            get_items=get_image_files,
            get_y=parent_label,
            splitter=GrandparentSplitter(valid_name="val"),
            item_tfms=Resize(size),
        )
        return block.dataloaders(path, bs=bs, num_workers=0, **options)

    return make


@pytest.mark.parametrize(
    "n, sizes, options, stage",
    [
        (24, [32], {}, 1),
        (24, [8, 32], {}, 2),
        (7, [8], {}, 1),
        (2, [2, 3], {}, 2),
        (24, [64], dict(drop_last=True, shuffle=False), 1),
    ],
)
def test_a_stage_without_a_step_is_an_error(n, sizes, options, stage, dataset, no_bars):
    get = blocks_dls(dataset(n), **options)
    learn = learner(get(2, 16))
    weight = next(learn.model.parameters()).detach().clone()
    message = f"bs of stage {stage} must be at most {n}, the number of training images, got"
    with pytest.raises(ValueError, match=f"^{message} {sizes[-1]}$"), learn.no_logging():
        fit_progressive(learn, get, [Stage(16, bs, 1, 1e-3) for bs in sizes])
    assert torch.equal(weight, next(learn.model.parameters()))  # nothing was trained before


def test_a_batch_that_is_not_full_is_a_step_where_it_is_kept(dataset, no_bars):
    get = blocks_dls(dataset(24), drop_last=False)
    learn = learner(get(2, 16))
    with learn.no_logging():
        history = fit_progressive(learn, get, [Stage(16, 32, 1, 1e-3)])
    assert math.isfinite(history[0]["train_loss"])


@pytest.mark.parametrize(
    "fit",
    [
        lambda learn: learn.fit(1),
        lambda learn: learn.fit_one_cycle(2),
        lambda learn: learn.fine_tune(1),
        lambda learn: learn.fit_flat_cos(1),
        lambda learn: learn.lr_find(show_plot=False),
        lambda learn: learn.lr_find(num_it=10),
    ],
    ids=["fit", "fit_one_cycle", "fine_tune", "fit_flat_cos", "lr_find", "a short lr_find"],
)
def test_a_loaded_model_does_not_fit_without_images(fit, loaded, no_bars):
    with pytest.raises(
        ValueError, match="number of training images must be 1 or more, got 0; use loaders with"
    ):
        fit(loaded)


def test_a_loaded_model_fits_on_loaders_that_it_is_given(loaded, dataset, no_bars):
    before = next(loaded.model.parameters()).detach().clone()
    empty = loaded.dls
    loaded.dls = get_dls(32, 16, dataset(24))
    with loaded.no_bar(), loaded.no_logging():
        assert loaded.lr_find(num_it=10, show_plot=False).valley > 0
        loaded.fit(1)
    loaded.dls = empty
    assert not torch.equal(before, next(loaded.model.parameters()))


@pytest.fixture(scope="module")
def loaded(dataset, tmp_path_factory):
    from lesson7.share import load_model, save_model

    learn = train(TINY, dataset(24), bar=False).learn
    learn = load_model(save_model(learn, tmp_path_factory.mktemp("model") / "model"))
    return learn.remove_cb(learn.progress) or learn
