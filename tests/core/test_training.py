"Recipes, and training by them: against NumPy, fastai's own records, and in two processes."

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fastai.callback.core import Callback
from fastai.distributed import DistributedDL
from learners import normalize_transform

from lesson7.data import decoded
from lesson7.data.loaders import get_dls, mislabel
from lesson7.normalize import dataset_stats
from lesson7.recipe import techniques
from lesson7.resize import Stage
from lesson7.training.config import Recipe, cost, total_epochs
from lesson7.training.distributed import _broadcast_on_own_device, single_process, world
from lesson7.training.loop import Result, TrainingInterrupted, _learner, train
from lesson7.tta import tta

TWO_STAGES = (Stage(16, 16, 1, 3e-3), Stage(24, 16, 1, 1e-3))
ALL_FIVE = Recipe(
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


# ---- Recipes


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(lr=0), "lr must be a finite number above 0, got 0"),
        (dict(lr=float("nan")), "got nan"),
        (dict(epochs=2.5), "epochs must be a whole number above 0, got 2.5"),
        (dict(size=True), "size must be a whole number above 1, got True"),
        (dict(size=1), "size must be a whole number above 1, got 1"),
        (
            dict(size=8, epochs=3, stages=[Stage(1, 8, 1, 0.1), Stage(8, 8, 1, 0.1)]),
            "size of a stage must be 2 or more, got 1",
        ),
        (dict(lr=10**400), "lr must be a finite number above 0, got 1000"),
        (dict(mixup=-1), "mixup must be 0 (off), or from 0.01 to 1000000, got -1"),
        (dict(mixup=1e-3), "mixup must be 0 (off), or from 0.01 to 1000000, got 0.001"),
        (dict(mixup=1e308), "mixup must be 0 (off), or from 0.01 to 1000000, got 1e+308"),
        (dict(smoothing=1), "smoothing must be a number from 0 (off) to below 1, got 1"),
        (dict(noise=1.0), "noise must be a number from 0 to below 1, got 1.0"),
        (dict(tta=5), "tta must be a whole number from 0 (off) to 4, got 5"),
        (dict(seed=-1), "seed must be a whole number, 0 or above and below 2**63, got -1"),
        (dict(normalize="yes"), "normalize must be True or False, got 'yes'"),
        (dict(arch=None), "arch must be the name of an architecture, got None"),
        (dict(pretrained=1), "pretrained must be True or False, got 1"),
        (dict(stats="own"), "stats must be None, 'train', 'model' or 'imagenet', got 'own'"),
        (dict(stats="train"), "stats must be None without normalize=True, got 'train'"),
        (
            dict(stats="model", normalize=True),
            "stats must be None, 'train' or 'imagenet' without pretrained=True, got 'model'",
        ),
        (
            dict(stages=[1]),
            "stages must be a sequence of Stage, each with size, bs, epochs and lr, got [1]",
        ),
        (
            dict(stages=5),
            "stages must be a sequence of Stage, each with size, bs, epochs and lr, got 5",
        ),
        (
            dict(stages=[dict(size=0, bs=1, epochs=1, lr=1)]),
            "size must be a whole number, 1 or more, got 0",
        ),
        (dict(mixup=0.4, bs=1), "bs must be 2 or more for mixup, got 1"),
        (dict(stages=[Stage(32, 32, 12, 0.1)]), "size must be 32, that of the last stage, got 48"),
        (
            dict(stages=[Stage(32, 32, 8, 0.1), Stage(48, 32, 4, 0.1)]),
            "epochs must be 13, that of all stages and of fine_tune's first epochs, got 12",
        ),
    ],
)
def test_an_invalid_or_contradictory_recipe_raises_an_error(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Recipe(**change)


@pytest.mark.parametrize("values", [dict(lr=1, mixup=1), dict(smoothing=0, noise=0, mixup=0)])
def test_whole_numbers_become_floats_where_a_recipe_has_floats(values):
    recipe = Recipe(**values)
    stage = recipe.plan[0]
    assert type(stage.lr) is float and stage.lr == recipe.lr
    for name, value in values.items():
        found = getattr(recipe, name)
        assert type(found) is float and found == value


def test_a_recipe_with_a_whole_number_for_mixup_is_trained(small):
    whole, other = (
        train(Recipe(size=8, bs=8, epochs=1, mixup=a), small, bar=False) for a in (1, 1.0)
    )
    assert whole.history == other.history and whole.loss == other.loss


@pytest.mark.parametrize(
    "recipe", [Recipe(), Recipe.cpu(), Recipe.gpu(noise=0.5), ALL_FIVE], ids=lambda r: r.name
)
def test_a_recipe_is_written_and_read_as_json(recipe):
    text = recipe.to_json()
    assert Recipe.from_json(text) == recipe
    assert json.loads(text)["size"] == recipe.size


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "recipe must be a JSON object, got no JSON"),
        ("[]", "recipe must be a JSON object, got []"),
        ('{"mixpu": 1}', "field of a recipe must be one of 'arch', 'size'"),
        ('{"lr": "fast"}', "lr must be a finite number above 0, got 'fast'"),
        (
            '{"stages": [{"size": 32}]}',
            "stages must be a sequence of Stage, each with size, bs, epochs and lr",
        ),
    ],
)
def test_json_that_is_no_recipe_raises_a_one_line_error(text, message):
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        Recipe.from_json(text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "recipe, name",
    [
        (Recipe(), "baseline"),
        (Recipe(mixup=0.4), "+ mixup"),
        (Recipe(mixup=0.4, tta=4), "+ tta + mixup"),
        (ALL_FIVE, "all five"),
    ],
    ids=["no technique", "one", "two", "five"],
)
def test_a_recipe_is_named_after_its_techniques(recipe, name):
    assert recipe.name == name


def test_epochs_and_cost_of_the_lessons_recipe():
    "It has 4 epochs at 128 px, then a frozen one and five at 224 px."
    recipe = Recipe.gpu()
    assert total_epochs(recipe.plan) == 10
    assert cost(recipe) == 4 * 128**2 + 6 * 224**2


# ---- Wrong labels


def labels(dataset):
    return [int(label) for label in dataset.tls[1]]


def mislabeled_loaders(path, seed):
    dls = get_dls(16, 16, path)
    mislabel(dls, 0.25, seed=seed)
    return dls


def test_mislabel_changes_a_share_of_the_training_labels_only(small):
    before = get_dls(16, 16, small)
    after = mislabeled_loaders(small, seed=3)
    pairs = zip(labels(before.train_ds), labels(after.train_ds), strict=True)
    assert sum(a != b for a, b in pairs) == 15
    assert labels(before.valid_ds) == labels(after.valid_ds)


def test_the_model_gets_the_wrong_labels(small):
    dls = mislabeled_loaders(small, seed=3)
    in_order = dls.train.new(shuffle=False, drop_last=False)
    assert torch.cat([y for _, y in in_order]).tolist() == labels(dls.train_ds)


def test_mislabel_begins_with_the_right_labels_each_time(small):
    dls = mislabeled_loaders(small, seed=3)
    once = labels(dls.train_ds)
    mislabel(dls, 0.25, 3)
    assert labels(dls.train_ds) == once
    mislabel(dls, 0.0, 3)
    assert labels(dls.train_ds) == labels(get_dls(16, 16, small).train_ds)


@pytest.mark.parametrize(
    "option", ["val_pct", "item_tfms", "statss", "after_item", "after_batch", "do_setup", "dataset"]
)
def test_an_unknown_option_of_get_dls_is_rejected(small, option):
    with pytest.raises(ValueError, match=f"option must be one of .*, got '{option}'"):
        get_dls(16, 16, small, **{option: 0.5})


@pytest.mark.parametrize(
    "options",
    [
        dict(drop_last=True),
        dict(val_bs=8),
        dict(val_bs=None),
        dict(batch_size=8),
        dict(pin_memory=False),
        dict(device="cpu"),
        dict(device=torch.device("cpu")),
        dict(device=None),
        dict(timeout=0),
        dict(n=20),
    ],
    ids=str,
)
def test_options_of_fastai_loaders_are_passed_on(small, options):
    dls = get_dls(16, 16, small, **options)
    assert len(dls.train) and isinstance(dls.device, torch.device)
    assert len(dls.train.one_batch()[0]) == options.get("batch_size", 16)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(val_bs=0), "val_bs must be a whole number, 1 or more, got 0"),
        (dict(val_bs=-1), "val_bs must be a whole number, 1 or more, got -1"),
        (dict(val_bs="8"), "val_bs must be a whole number, 1 or more, got '8'"),
        (dict(batch_size=0), "batch_size must be a whole number, 1 or more, got 0"),
        (dict(n=0), "n must be a whole number, 1 or more, got 0"),
        (dict(num_workers=-1), "num_workers must be a whole number, 0 or more, got -1"),
        (dict(num_workers=1.5), "num_workers must be a whole number, 0 or more, got 1.5"),
        (dict(timeout=-1), r"timeout must be in \[0, .*\], got -1"),
        (dict(timeout="a"), r"timeout must be in \[0, .*\], got 'a'"),
        (dict(timeout=5, num_workers=0), "timeout must be 0 without worker processes, got 5"),
        (dict(device="banana"), "device must be a device that torch can use here, .*'banana'"),
        (dict(device=1.5), "device must be a device that torch can use here, .*got 1.5"),
        (dict(device="cuda:99"), "device must be a device that torch can use here, .*'cuda:99'"),
    ],
    ids=str,
)
def test_values_that_loaders_cannot_use_are_rejected(small, options, message):
    with pytest.raises(ValueError, match=f"^{message}") as e:
        get_dls(16, 16, small, **options)
    assert "\n" not in str(e.value)


def test_mislabel_repeats_with_its_seed(small):
    first = labels(mislabeled_loaders(small, seed=3).train_ds)
    assert labels(mislabeled_loaders(small, seed=3).train_ds) == first
    assert labels(mislabeled_loaders(small, seed=4).train_ds) != first


def file_names(dataset):
    return {str(file) for file in dataset.tls[0].items}


@pytest.mark.parametrize("noise", [0.0, 0.25])
def test_no_stage_of_any_arm_trains_on_validation_images(small, noise):
    for arm in techniques(Recipe.cpu(noise=noise)):
        _, loaders = _learner(arm, small, None, [])
        for stage in arm.plan:
            dls = loaders(stage.bs, stage.size)
            train, val = file_names(dls.train_ds), file_names(dls.valid_ds)
            assert (len(train), len(val)) == (60, 30), arm.name
            assert not train & val, arm.name
            assert all(f"{small}/train/" in file for file in train), arm.name


# ---- A training with all five techniques


class RecordTraining(Callback):
    "Sets `in_training` while batches of the training set are processed."

    in_training = False

    def before_train(self):
        self.in_training = True

    def after_train(self):
        self.in_training = False


@pytest.fixture(scope="module")
def trained(small):
    "The result of a training with all five techniques, and the files of its training batches."
    loaded, record, load = [], RecordTraining(), decoded.PixelCache.load_images

    def recording_load(self, images, indices):
        if record.in_training:
            loaded.extend(images.items[i] for i in indices)
        return load(self, images, indices)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoded.PixelCache, "load_images", recording_load)
        result = train(ALL_FIVE, small, cbs=[record], bar=False)
    return result, loaded


def test_no_validation_image_is_in_a_training_batch(trained):
    _, loaded = trained
    assert len(loaded) >= 3 * 48  # three epochs of three batches
    assert {file.parts[-3] for file in loaded} == {"train"}


@pytest.fixture(scope="module")
def predictions(trained):
    "Probabilities and classes of the validation images, as float64 and integer arrays."
    result, _ = trained
    with result.learn.no_bar():
        preds, targs = tta(result.learn, 4)
    return preds.numpy().astype(float), targs.numpy()


def test_accuracy_and_loss_agree_with_numpy(trained, predictions):
    result, _ = trained
    probabilities, y = predictions
    assert result.accuracy == pytest.approx((probabilities.argmax(1) == y).mean())
    loss = -np.log(probabilities[np.arange(len(y)), y]).mean()
    assert result.loss == pytest.approx(loss, abs=1e-5)


def test_calibration_error_agrees_with_numpy(trained, predictions):
    result, _ = trained
    probabilities, y = predictions
    confidence, is_right = probabilities.max(1), probabilities.argmax(1) == y
    bins = np.minimum((confidence * 15).astype(int), 14)
    expected = 0
    for number in set(bins):
        in_bin = bins == number
        gap = abs(confidence[in_bin].mean() - is_right[in_bin].mean())
        expected += in_bin.mean() * gap
    assert result.ece == pytest.approx(expected, abs=1e-5)


def test_training_follows_the_stages_of_the_recipe(trained):
    result, _ = trained
    rows = [(row["size"], row["trained"]) for row in result.history]
    assert rows == [(16, True), (24, False), (24, True), (24, True)]


def test_training_normalizes_with_the_statistics_of_the_training_set(trained, small):
    result, _ = trained
    mean = dataset_stats(sorted((small / "train").glob("*/*.jpg"))).mean
    used = normalize_transform(result.learn.dls).mean.flatten()
    assert torch.allclose(used, torch.tensor(mean), atol=1e-6)


def test_training_uses_smoothing_mixup_and_channels_last(trained):
    learn = trained[0].learn
    assert learn.loss_func.func.label_smoothing == 0.1
    assert "MixUp" in [type(cb).__name__ for cb in learn.cbs]
    kernels = [weight for weight in learn.model.parameters() if weight.ndim == 4]
    kernel = next(w for w in kernels if w.shape[1] > 1 and w.shape[-1] > 1)
    assert kernel.is_contiguous(memory_format=torch.channels_last)


def test_a_result_is_written_and_read_as_json_without_its_learner(trained):
    result, _ = trained
    values = json.loads(json.dumps(result.to_dict()))
    assert "learn" not in values
    assert Result.from_dict(values) == result
    assert result.split == "the folders train and val"
    del values["split"]
    assert Result.from_dict(values).split == ""  # as an older version wrote it


# ---- Other trainings

PLAIN = Recipe(size=16, bs=16, epochs=1, smoothing=0.0)


@pytest.fixture(scope="module")
def plain_result(small):
    return train(PLAIN, small, bar=False)


def test_without_tta_the_measures_are_those_of_fastais_recorder(plain_result):
    last = plain_result.history[-1]
    assert plain_result.accuracy == pytest.approx(last["accuracy"])
    assert plain_result.loss == pytest.approx(last["valid_loss"], abs=1e-5)


def test_a_training_repeats_with_its_seed(plain_result, small):
    assert train(PLAIN, small, bar=False).history == plain_result.history
    other_seed = train(replace(PLAIN, seed=7), small, bar=False)
    assert other_seed.history != plain_result.history


def test_out_of_memory_suggests_a_smaller_batch_or_size(small, monkeypatch):
    def fail(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("lesson7.training.loop.fit_progressive", fail)
    message = "Out of GPU memory with batches of 16 at 24 px; try bs=8, or 16 px."
    with pytest.raises(MemoryError, match=message):
        train(ALL_FIVE, small, bar=False)


def test_train_raises_on_a_folder_without_images(tmp_path):
    with pytest.raises(ValueError, match="path must be a folder of images, got .*nowhere, which"):
        train(Recipe(), tmp_path / "nowhere")


def test_train_raises_on_an_unknown_architecture(small):
    with pytest.raises(ValueError, match="architecture must be a name of .*, got 'vgg'"):
        train(Recipe(arch="vgg"), small)


# ---- Interruption


class Interrupt(Callback):
    "Keeps the weights after each epoch, and presses Ctrl-C before a batch; counts all batches."

    order = 60

    def __init__(self, batch):
        self.batch, self.n_batches, self.epochs = batch, 0, []

    def before_batch(self):
        self.n_batches += 1
        if self.n_batches == self.batch:
            signal.raise_signal(signal.SIGINT)

    def after_epoch(self):
        state = self.learn.model.state_dict()
        self.epochs.append({name: value.clone() for name, value in state.items()})


# Of 60 + 30 images, an epoch has 3 batches of training and 2 of validation. Each stage after the
# first begins with a validation.
INTERRUPTIONS = {  # when: the batch, finished epochs, size of the last one
    "between two stages": (6, 1, 16),
    "in the first epoch of the second stage": (9, 1, 16),
    "in the last validation": (17, 2, 24),
    "in the evaluation": (18, 3, 24),
}


@pytest.mark.parametrize("when", INTERRUPTIONS)
def test_an_interrupted_training_keeps_the_finished_epochs(when, small):
    batch, n_epochs, size = INTERRUPTIONS[when]
    recipe = Recipe(size=24, bs=16, epochs=3, stages=TWO_STAGES)
    interrupt = Interrupt(batch)
    with pytest.raises(TrainingInterrupted, match=f"^{n_epochs} of 3 epochs are fin") as raised:
        train(recipe, small, cbs=[interrupt], bar=False)
    learn, history = raised.value.learn, raised.value.history
    expected = interrupt.epochs[n_epochs - 1]
    for name, value in learn.model.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=0, atol=0)
    assert [row["epoch"] for row in history] == list(range(1, n_epochs + 1))
    with learn.no_bar():
        loss, accuracy = learn.validate()
    assert (history[-1]["valid_loss"], history[-1]["accuracy"]) == pytest.approx((loss, accuracy))
    assert learn.dls.one_batch()[0].shape[-1] == size


def test_a_training_that_is_interrupted_in_its_first_epoch_has_nothing_to_keep(small):
    with pytest.raises(KeyboardInterrupt) as raised:
        train(Recipe(size=16, bs=16, epochs=2), small, cbs=[Interrupt(2)], bar=False)
    assert raised.type is KeyboardInterrupt


# ---- Several processes


def test_fastais_distributed_loader_is_restored():
    original = DistributedDL._broadcast

    def interrupted_work():
        with _broadcast_on_own_device():
            assert DistributedDL._broadcast is not original
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted_work()
    assert DistributedDL._broadcast is original


def test_single_process_hides_the_others_and_restores_the_environment(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    with single_process():
        assert world() == 1
    assert world() == 4


TRAIN_TWICE = """
import json
import runpy
import sys
from torch.distributed import all_gather_object
from lesson7.training.config import Recipe
from lesson7.training.distributed import is_first
from lesson7.training.loop import train

recipe = Recipe(size=16, bs=16, epochs=2, mixup=0.4, normalize=True)
path = sys.argv[1]
result = train(recipe, path, bar=False)
own = dict(
    sums=[weight.detach().sum().item() for weight in result.learn.model.parameters()],
    accuracy=result.accuracy,
    recorded_accuracy=result.history[-1]["accuracy"],
)
gathered = [None, None]
all_gather_object(gathered, own)
if is_first():
    print(json.dumps(gathered))
sys.argv = ["launch", "recipe.json", "--path", path, "--out", "result.json"]
runpy.run_module("lesson7.training.launch", run_name="__main__")
"""


def torchrun(*args, cwd):
    "Return what two processes print."
    program = Path(sys.executable).with_name("torchrun")
    command = [program, "--standalone", "--nproc_per_node=2", *map(str, args)]
    env = os.environ | dict(OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="")
    done = subprocess.run(
        command, text=True, capture_output=True, timeout=200, env=env, cwd=cwd, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def two_processes(small, tmp_path_factory):
    "What two processes print that train with `train` and with the command, and their folder."
    folder = tmp_path_factory.mktemp("two")
    (folder / "train.py").write_text(TRAIN_TWICE)
    (folder / "recipe.json").write_text(Recipe(size=16, bs=16, epochs=1).to_json())
    return torchrun("train.py", small, cwd=folder), folder


def test_two_processes_have_equal_weights_and_evaluate_all_images(two_processes):
    printed, _ = two_processes
    gathered = [line for line in printed.splitlines() if line.startswith("[")]
    first, second = json.loads(gathered[0])
    assert first == second
    # fastai's recorder counts over both processes, each process evaluates for itself
    assert first["accuracy"] == pytest.approx(first["recorded_accuracy"])


def test_two_processes_write_one_result_and_print_once(two_processes):
    printed, folder = two_processes
    result = Result.from_dict(json.loads((folder / "result.json").read_text()))
    assert printed.count("baseline: accuracy") == 1
    assert "2 processes" in result.versions
    files = sorted(file.name for file in folder.iterdir())
    assert files == ["recipe.json", "result.json", "train.py"]
