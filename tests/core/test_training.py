"Recipes, and what trains by them: held against torch, against fastai's own records, and across two processes."

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lesson7.data import files
from lesson7.data.loaders import get_dls, mislabel
from lesson7.resize import Stage
from lesson7.training.config import Recipe, cost, total_epochs
from lesson7.training.loop import Result, train

TWO_STAGES = (Stage(16, 16, 1, 3e-3), Stage(24, 16, 1, 1e-3))
ALL = dict(
    size=24,
    bs=16,
    epochs=3,
    normalize=True,
    stages=TWO_STAGES,
    tta=4,
    mixup=0.4,
    smoothing=0.1,
    noise=0.25,
)


@pytest.mark.parametrize(
    "change, says",
    [
        (dict(lr=0), "lr is 0; it must be a finite number above 0"),
        (dict(lr=float("nan")), "lr is nan"),
        (dict(epochs=2.5), "epochs is 2.5; it must be a whole number above 0"),
        (dict(size=True), "size is True; it must be a whole number"),
        (dict(mixup=-1), "mixup is -1; it must be a finite number, 0 (off) or above"),
        (dict(smoothing=1), "smoothing is 1; it must be a number from 0 (off) to below 1"),
        (dict(noise=1.0), "noise is 1.0"),
        (dict(tta=5), "tta is 5; it must be a whole number from 0 (off) to 4"),
        (dict(seed=-1), "seed is -1"),
        (dict(normalize="yes"), "normalize is 'yes'; it must be True or False"),
        (dict(arch=None), "arch is None; it must be the name of an architecture"),
        (dict(stages=[1]), "stages is [1]; it must hold stages"),
        (dict(stages=5), "stages is 5; it must hold stages"),
        (dict(stages=[dict(size=0, bs=1, epochs=1, lr=1)]), "size is 0"),
        (dict(mixup=0.4, bs=1), "batches of one image"),
        (dict(stages=[Stage(32, 32, 12, 0.1)]), "The last stage is at 32 px, but size is 48"),
        (
            dict(stages=[Stage(32, 32, 8, 0.1), Stage(48, 32, 4, 0.1)]),
            "epochs is 12, but the stages come to 13",
        ),
    ],
)
def test_a_bad_or_contradictory_recipe_is_refused(change, says):
    with pytest.raises(ValueError) as e:
        Recipe(**change)
    assert says in str(e.value)


@pytest.mark.parametrize(
    "recipe", [Recipe(), Recipe.cpu(), Recipe.gpu(noise=0.5), Recipe(**ALL)], ids=lambda r: r.name
)
def test_json_both_ways(recipe):
    assert (
        Recipe.from_json(recipe.to_json()) == recipe
        and json.loads(recipe.to_json())["size"] == recipe.size
    )


@pytest.mark.parametrize(
    "text, says",
    [
        ("{", "not readable JSON"),
        ("[]", "is a list"),
        ('{"mixpu": 1}', "'mixpu'; it may have arch, size"),
        ('{"lr": "fast"}', "lr is 'fast'"),
        ('{"stages": [{"size": 32}]}', "must hold stages, each with size, bs, epochs and lr"),
    ],
)
def test_json_that_is_no_recipe(text, says):
    with pytest.raises(ValueError, match="(?s).*") as e:
        Recipe.from_json(text)
    assert says in str(e.value) and "\n" not in str(e.value)


def test_names_and_costs():
    assert [
        Recipe().name,
        Recipe(mixup=0.4).name,
        Recipe(mixup=0.4, tta=4).name,
        Recipe(**ALL).name,
    ] == ["baseline", "+ mixup", "+ tta + mixup", "all five"]
    lesson = Recipe.gpu()  # 4 epochs at 128, then one and five at 224
    assert total_epochs(lesson.plan) == 10 and cost(lesson) == 4 * 128**2 + 6 * 224**2


def test_wrong_labels_are_of_the_share_asked_for_and_in_training_alone(small):
    dls = get_dls(16, 16, small)
    before = [[int(y) for y in ds.tls[1]] for ds in (dls.train_ds, dls.valid_ds)]
    mislabel(dls, 0.25, seed=3)
    after = [[int(y) for y in ds.tls[1]] for ds in (dls.train_ds, dls.valid_ds)]
    assert sum(a != b for a, b in zip(before[0], after[0])) == 15 and before[1] == after[1]
    seen = torch.cat([y for _, y in dls.train.new(shuffle=False, drop_last=False)]).tolist()
    assert seen == after[0]  # what the model is given
    again, other = (get_dls(16, 16, small) for _ in range(2))
    mislabel(again, 0.25, seed=3), mislabel(other, 0.25, seed=4)
    assert (
        [int(y) for y in again.train_ds.tls[1]]
        == after[0]
        != [int(y) for y in other.train_ds.tls[1]]
    )


@pytest.fixture(scope="module")
def trained(small):
    "All five techniques, and every picture that was opened while it trained."
    opened, training, open_image = [], [], files.open_image

    def spy(file, *args):
        if training:
            opened.append(file)
        return open_image(file, *args)

    from fastai.callback.core import Callback

    class Watch(Callback):
        def before_train(self):
            training.append(1)

        def after_train(self):
            training.clear()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "open_image", spy)
        result = train(Recipe(**ALL), small, cbs=[Watch()], bar=False)
    return result, opened


def test_no_validation_image_is_ever_in_a_training_batch(trained):
    _, opened = trained
    assert len(opened) >= 3 * 48 and {f.parts[-3] for f in opened} == {
        "train"
    }  # three epochs of three whole batches


def test_no_stage_of_any_arm_shares_a_picture_with_validation(small):
    from lesson7.recipe import techniques
    from lesson7.training.loop import _learner

    for noise in (0.0, 0.25):
        for arm in techniques(Recipe.cpu(noise=noise)):
            _, loaders = _learner(arm, small, [])
            for stage in arm.plan:
                dls = loaders(stage.bs, stage.size)
                train, val = (set(map(str, ds.tls[0].items)) for ds in (dls.train_ds, dls.valid_ds))
                assert (
                    (len(train), len(val)) == (60, 30)
                    and not train & val
                    and all(f"{small}/train/" in f for f in train)
                ), arm.name


def test_the_judge_is_right_about_accuracy_loss_and_calibration(trained):
    from lesson7.tta import tta

    result, _ = trained
    with result.learn.no_bar():
        preds, targs = tta(result.learn, 4)
    p, y = preds.numpy().astype(float), targs.numpy()
    assert result.accuracy == pytest.approx((p.argmax(1) == y).mean())
    assert result.loss == pytest.approx(-np.log(p[np.arange(len(y)), y]).mean(), abs=1e-5)
    conf, right = p.max(1), p.argmax(1) == y
    bins = np.minimum((conf * 15).astype(int), 14)
    assert result.ece == pytest.approx(
        sum(
            (bins == b).mean() * abs(conf[bins == b].mean() - right[bins == b].mean())
            for b in set(bins)
        ),
        abs=1e-5,
    )


def test_what_training_does_follows_from_the_recipe(trained, small):
    from lesson7.normalize import dataset_stats

    learn, history = trained[0].learn, trained[0].history
    assert [(h["size"], h["trained"]) for h in history] == [
        (16, True),
        (24, False),
        (24, True),
        (24, True),
    ]
    normalize = next(t for t in learn.dls.after_batch.fs if type(t).__name__ == "Normalize")
    assert torch.allclose(
        normalize.mean.flatten(),
        torch.tensor(dataset_stats(sorted((small / "train").glob("*/*.jpg"))).mean),
        atol=1e-6,
    )
    assert learn.loss_func.func.label_smoothing == 0.1 and any(
        type(cb).__name__ == "MixUp" for cb in learn.cbs
    )
    conv = next(
        p for p in learn.model.parameters() if p.ndim == 4 and p.shape[1] > 1 and p.shape[-1] > 1
    )
    assert conv.is_contiguous(memory_format=torch.channels_last)


def test_a_result_comes_back_from_a_file(trained):
    kept = json.loads(json.dumps(trained[0].to_dict()))
    assert "learn" not in kept and Result.from_dict(kept) == trained[0]


def test_without_tta_the_judge_agrees_with_the_record_and_a_run_repeats(small):
    recipe = Recipe(size=16, bs=16, epochs=1, smoothing=0.0)
    one, two = (train(recipe, small, bar=False) for _ in range(2))
    assert one.accuracy == pytest.approx(one.history[-1]["accuracy"]) and one.loss == pytest.approx(
        one.history[-1]["valid_loss"], abs=1e-5
    )
    assert one.history == two.history
    assert train(replace(recipe, seed=7), small, bar=False).history != one.history


def test_out_of_memory_says_what_to_try(small, monkeypatch):
    def full(*a, **kw):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("lesson7.training.loop.fit_progressive", full)
    with pytest.raises(
        MemoryError, match="Out of GPU memory with batches of 16 at 24 px; try bs=8, or 16 px."
    ):
        train(Recipe(**ALL), small, bar=False)


def test_a_folder_without_images_and_an_architecture_that_is_none(tmp_path, small):
    with pytest.raises(ValueError, match="has no images"):
        train(Recipe(), tmp_path / "nowhere")
    with pytest.raises(ValueError, match="'vgg' is not known"):
        train(Recipe(arch="vgg"), small)


def test_fastais_distributed_loader_is_restored():
    from fastai.distributed import DistributedDL

    from lesson7.training.distributed import _broadcast_on_own_device

    original = DistributedDL._broadcast
    with pytest.raises(KeyboardInterrupt), _broadcast_on_own_device():
        assert DistributedDL._broadcast is not original
        raise KeyboardInterrupt
    assert DistributedDL._broadcast is original


def test_a_single_process_hides_the_others_and_restores_the_environment(monkeypatch):
    from lesson7.training.distributed import single_process, world

    monkeypatch.setenv("WORLD_SIZE", "4")
    with single_process():
        assert world() == 1
    assert world() == 4


TWO = """
import json, sys
from torch.distributed import all_gather_object
from lesson7.training.config import Recipe
from lesson7.training.distributed import is_first
from lesson7.training.loop import train
recipe = Recipe(size=16, bs=16, epochs=2, mixup=.4, normalize=True)
result = train(recipe, sys.argv[1], bar=False)
mine = ([p.detach().sum().item() for p in result.learn.model.parameters()], result.accuracy, result.history[-1]["accuracy"])
both = [None, None]
all_gather_object(both, mine)
if is_first(): print(json.dumps(both))
"""


def torchrun(*args):
    return subprocess.run(
        [
            Path(sys.executable).with_name("torchrun"),
            "--standalone",
            "--nproc_per_node=2",
            *map(str, args),
        ],
        text=True,
        capture_output=True,
        timeout=200,
        env=os.environ | dict(OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES=""),
        check=False,
    )


def test_two_processes_end_with_equal_parameters_and_judge_on_every_image(small, tmp_path):
    (tmp_path / "two.py").write_text(TWO)
    done = torchrun(tmp_path / "two.py", small)
    assert done.returncode == 0, done.stderr[-3000:]
    one, other = json.loads(done.stdout.strip().splitlines()[-1])
    assert one == other
    assert one[1] == pytest.approx(
        one[2]
    )  # what fastai counted over both, and what each counts for itself


def test_two_processes_write_one_result_and_print_once(small, tmp_path):
    (tmp_path / "recipe.json").write_text(Recipe(size=16, bs=16, epochs=1).to_json())
    done = torchrun(
        "-m",
        "lesson7.training.launch",
        tmp_path / "recipe.json",
        "--path",
        small,
        "--out",
        tmp_path / "result.json",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    result = Result.from_dict(json.loads((tmp_path / "result.json").read_text()))
    assert done.stdout.count("baseline: accuracy") == 1 and "2 processes" in result.versions
    assert sorted(f.name for f in tmp_path.iterdir()) == ["recipe.json", "result.json"]
