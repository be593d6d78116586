"The `lesson7` command, called as a user types it: files, messages and exit codes."

import io
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
import torch
from browser import answer
from conftest import NBS, notebook_files
from fastai.callback.core import Callback
from made_images import write_image
from PIL import Image
from processes import free_port, loaded_modules
from scipy.stats import norm

from lesson7.cli import main
from lesson7.course.notebooks import copy_notebooks
from lesson7.inference import Prediction, paired_interval
from lesson7.training.comparison import Comparison
from lesson7.training.config import Recipe
from lesson7.training.loop import Result

pytest_plugins = ["core_fixtures"]


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    "A new folder, which is the working directory."
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_command(command, **values):
    "Run a command line, with `values` in the place of the words in capitals."
    words = [values.get(word, word) for word in command.split()]
    return main([str(word) for word in words])


def read_result(folder):
    return Result.from_dict(json.loads((folder / "result.json").read_text()))


# ---- Help


def test_help_does_not_import_torch():
    loaded = loaded_modules("import lesson7.cli\nlesson7.cli._parser().format_help()")
    assert not {"torch", "fastai", "pandas"} & loaded


def test_help_names_every_command():
    command = [sys.executable, "-m", "lesson7.cli", "--help"]
    text = subprocess.check_output(command, text=True)
    for name in ("lab", "data", "train", "compare", "predict", "tta", "explore"):
        assert f"    {name} " in text


# ---- train, predict, compare, data


TRAIN = "train --recipe RECIPE --path DATA --out MODEL"


@pytest.fixture(scope="module")
def model(small, tmp_path_factory):
    "The folder of a model that `lesson7 train` has written."
    folder = tmp_path_factory.mktemp("cli")
    recipe, out = folder / "recipe.json", folder / "model"
    recipe.write_text(Recipe(size=24, bs=16, epochs=2, normalize=True).to_json())
    assert run_command(TRAIN, RECIPE=recipe, DATA=small, MODEL=out) == 0
    return out


def test_train_writes_the_model_and_the_result(model):
    assert read_result(model).recipe.size == 24
    assert {file.suffix for file in model.iterdir()} == {".json", ".safetensors"}


def test_train_replaces_a_model_only_on_request(model, small, capsys):
    values = dict(RECIPE=model.parent / "recipe.json", DATA=small, MODEL=model)
    assert run_command(TRAIN, **values) == 2
    message = capsys.readouterr().err
    assert "which exists; give another one, or --replace" in message
    assert run_command(f"{TRAIN} --replace", **values) == 0


def test_train_with_techniques_by_name(small, workdir, capsys):
    options = "--epochs 1 --seed 7 --preset cpu --path DATA --out new/model"
    assert run_command(f"train mixup smoothing {options}", DATA=small) == 0
    recipe = read_result(workdir / "new" / "model").recipe
    assert (recipe.mixup, recipe.smoothing, recipe.normalize) == (0.4, 0.1, False)
    assert (recipe.epochs, recipe.seed) == (1, 7)
    assert "+ mixup + smoothing: " in capsys.readouterr().out


RECIPE_OPTIONS = [  # options of `lesson7 train`, what they change in the preset's recipe
    ("--epochs 1", dict(epochs=1, stages=())),
    ("--size 24 --epochs 2 --bs 16 --lr 0.01", dict(size=24, epochs=2, bs=16, lr=0.01, stages=())),
    ("--arch xresnet18 --size 16 --epochs 1", dict(arch="xresnet18", size=16, epochs=1, stages=())),
    ("--seed 3 --epochs 1", dict(seed=3, epochs=1, stages=())),
]


@pytest.mark.parametrize("options, changes", RECIPE_OPTIONS)
@pytest.mark.parametrize("folder", ["DATA", "--path DATA"])
def test_train_changes_the_recipe_of_the_preset(
    folder, options, changes, small, workdir, monkeypatch
):
    recipes = []

    def keep(recipe, files, **options):
        assert files.path == small
        recipes.append(recipe)
        raise KeyboardInterrupt

    monkeypatch.setattr("lesson7.training.loop.train", keep)
    monkeypatch.setattr("lesson7.cli._check_model", lambda *args: None)
    assert run_command(f"train {folder} --preset cpu {options}", DATA=small) == 130
    base = Recipe.cpu(normalize=True, stages=())
    assert recipes == [replace(base, **changes)]


def test_train_repeats_the_recipe_of_a_result(model, small, workdir):
    again = f"train DATA --recipe {model / 'result.json'} --out again"
    assert run_command(again, DATA=small) == 0
    first, second = read_result(model), read_result(workdir / "again")
    assert (second.recipe, second.accuracy) == (first.recipe, first.accuracy)
    assert second.loss == pytest.approx(first.loss, abs=1e-6)


EPOCH_LINE = (
    r"epoch (\d+) of (\d+): training loss (\S+), validation loss (\S+), "
    r"accuracy (\S+) %, about \d+ s left"
)


@pytest.mark.parametrize("words", ["--epochs 2 --size 24", "resize --epochs 6 --size 24"])
def test_train_prints_a_line_for_each_epoch(words, small, workdir, capsys):
    assert run_command(f"train DATA {words} --preset cpu --out m", DATA=small) == 0
    printed = capsys.readouterr().out
    lines = [match.groups() for match in re.finditer(f"^{EPOCH_LINE}$", printed, re.M)]
    result = read_result(Path("m"))
    rows = [row for row in result.history if row["trained"]]
    assert len(rows) == result.recipe.epochs
    for number, (line, row) in enumerate(zip(lines, rows, strict=True), 1):
        assert line[:2] == (str(number), str(result.recipe.epochs))
        losses = [row["train_loss"], row["valid_loss"]]
        assert [float(text) for text in line[2:4]] == pytest.approx(losses, abs=6e-4)
        assert float(line[4]) == pytest.approx(100 * row["accuracy"], abs=0.06)
    assert "about 0 s left\n" in printed


@pytest.fixture(scope="module")
def images(small):
    return sorted((small / "val").glob("*/*.jpg"))[:7]


@pytest.fixture(scope="module")
def expected_predictions(model, images):
    "The probabilities of the images: option of `lesson7 predict` -> tensor [7,10]."
    from lesson7.share import load_model
    from lesson7.tta import tta

    learn = load_model(model)
    dl = learn.dls.test_dl(images)
    with learn.no_bar():
        return {"": learn.get_preds(dl=dl)[0], "--tta": tta(learn, dl=dl)[0]}


@pytest.mark.parametrize("option", ["", "--tta"], ids=["plain", "tta"])
def test_predict_prints_a_line_for_each_image(model, images, expected_predictions, option, capsys):
    assert main(["predict", str(model), *map(str, images), *option.split()]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    labels = expected_predictions[option].argmax(1)
    assert [line[0] for line in lines] == [str(label.item()) for label in labels]
    assert [line[2] for line in lines] == [str(file) for file in images]


@pytest.mark.parametrize("option", ["", "--tta"], ids=["plain", "tta"])
def test_predict_prints_all_probabilities_as_json(
    model, images, expected_predictions, option, capsys
):
    assert main(["predict", str(model), *map(str, images), "--json", "-", *option.split()]) == 0
    rows = json.loads(capsys.readouterr().out)
    for row, expected in zip(rows, expected_predictions[option].tolist(), strict=True):
        by_label = {str(label): probability for label, probability in enumerate(expected)}
        assert row["probabilities"] == pytest.approx(by_label, abs=1e-6)


def test_predict_takes_all_images_of_a_folder(model, images, workdir, capsys):
    names = ["train/a/0", "train/b/1", "valid/a/2", "test/3", "extra/4", "5"]
    for name, file in zip(names, images):
        place = workdir / "pets" / f"{name}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())
    assert run_command("predict MODEL pets --csv p.csv", MODEL=model) == 0
    found = {Path(file).stem for file in pd.read_csv("p.csv")["file"]}
    assert found == set("012345")


@pytest.fixture
def image_folder(images, workdir):
    "A working directory with a folder of images and of folders; the number of each is its place."
    for number, file in enumerate(images):
        name = f"photos/{number}.jpg" if number < 4 else f"photos/deep/{number}.jpg"
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(file.read_bytes())
    return workdir


IMAGE_WORDS = [  # images of the command line, which images they name
    ("photos/3.jpg photos/1.jpg", "31"),
    ("photos", "0123456"),
    ("photos/*.jpg", "0123"),
    ("photos/**/*.jpg", "0123456"),
    ("photos/[02].jpg photos/deep", "02456"),
    ("photos/2.jpg photos photos/2.jpg", "2013456"),
]


@pytest.mark.parametrize("words, numbers", IMAGE_WORDS)
def test_predict_writes_a_row_for_each_image(
    words, numbers, model, image_folder, expected_predictions
):
    assert run_command(f"predict MODEL {words} --csv p.csv --json p.json", MODEL=model) == 0
    table = pd.read_csv("p.csv")
    assert list(table) == ["file", "class", "probability"]
    assert [Path(file).stem for file in table["file"]] == list(numbers)
    expected = expected_predictions[""][[int(number) for number in numbers]]
    assert list(table["class"]) == expected.argmax(1).tolist()
    assert list(table["probability"]) == pytest.approx(expected.amax(1).tolist(), abs=1e-5)
    for row, probabilities in zip(json.loads(Path("p.json").read_text()), expected.tolist()):
        assert list(row["probabilities"].values()) == pytest.approx(probabilities, abs=1e-5)


@pytest.mark.parametrize("name", ["NA", "null", "None", "nan", "01", "1.0", "cat"])
def test_the_table_of_predictions_keeps_any_name_of_a_class(name, monkeypatch, workdir, capsys):
    prediction = Prediction("a.png", name, {name: 1.0})
    monkeypatch.setattr("lesson7.share.load_model", lambda path: None)
    monkeypatch.setattr("lesson7.inference.predict_readable", lambda *args: ([prediction], []))
    assert run_command("predict model a.png --csv p.csv") == 0
    table = pd.read_csv("p.csv", dtype={"class": str}, keep_default_na=False)
    assert table["class"].tolist() == [name] and table["probability"].tolist() == [1.0]
    with pytest.raises(SystemExit):
        run_command("predict --help")
    advice = 'pandas.read_csv(FILE, dtype={"class": str}, keep_default_na=False)'
    assert advice in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("option", ["", "--tta"], ids=["plain", "tta"])
@pytest.mark.parametrize("k", [1, 3, 10])
def test_predict_writes_the_most_probable_classes(
    k, option, model, image_folder, expected_predictions, capsys
):
    command = f"predict MODEL photos --top {k} {option}"
    assert run_command(f"{command} --csv p.csv", MODEL=model) == 0
    assert run_command(command, MODEL=model) == 0
    lines = capsys.readouterr().out.splitlines()
    table = pd.read_csv("p.csv")
    names = [(f"class_{rank}", f"probability_{rank}") for rank in range(1, k + 1)]
    assert list(table) == ["file", *chain.from_iterable(names)]
    probabilities, labels = expected_predictions[option].topk(k)
    for rank, (class_name, probability_name) in enumerate(names):
        assert list(table[class_name]) == labels[:, rank].tolist()
        expected = probabilities[:, rank].tolist()
        assert list(table[probability_name]) == pytest.approx(expected, abs=1e-5)
    assert [line.split()[:-1:2] for line in lines] == [
        list(map(str, row)) for row in labels.tolist()
    ]


@pytest.mark.parametrize("output", ["", "--csv -", "--json -", "--csv out", "--json out"])
def test_predict_keeps_the_result_of_a_file_whose_name_is_no_text(
    output, model, images, workdir, capsys
):
    Path("photos").mkdir()
    name = os.fsdecode(b"photos/photo\xe9.jpg")
    Path(name).write_bytes(images[0].read_bytes())
    assert run_command(f"predict MODEL photos {output}", MODEL=model) == 0
    out, err = capsys.readouterr()
    text = Path("out").read_text() if output.endswith("out") else out
    assert r"photos/photo\udce9.jpg" in text and err == ""


TEXT_OUTPUTS = [("--csv", "file,class,probability\n"), ("--json", "[{")]


@pytest.mark.parametrize("option, start", TEXT_OUTPUTS)
def test_predict_writes_into_a_pipe(option, start, model, images, workdir):
    read, write = os.pipe()
    command = f"predict MODEL IMAGE {option} /dev/fd/{write}"
    assert run_command(command, MODEL=model, IMAGE=images[0]) == 0
    os.close(write)
    with open(read) as pipe:
        assert pipe.read().startswith(start)


@pytest.mark.parametrize("option, start", TEXT_OUTPUTS)
def test_predict_knows_the_path_of_the_standard_output(option, start, model, images, capfd):
    command = f"predict MODEL IMAGE {option} /dev/fd/1"
    assert run_command(command, MODEL=model, IMAGE=images[0]) == 0
    assert capfd.readouterr().out.startswith(start)


UNREADABLE = [  # images of the command line, number of predictions, files on stderr, exit code
    ("good.png truncated.jpg whole.jpg", 2, ["truncated.jpg"], 1),
    ("bad.png good.png none.png bomb.ppm", 1, ["bad.png", "none.png", "bomb.ppm"], 1),
    ("*.png", 1, ["bad.png"], 1),
    (
        ".",
        3,
        ["bad.png", "bomb.ppm", "header.ppm", "links/broken.png", "truncated.jpg"],
        1,
    ),
    ("header.ppm none.png", 0, ["header.ppm", "none.png"], 2),
    ("links", 1, ["links/broken.png"], 1),
    ("links/broken.png links", 1, ["links/broken.png"], 1),
    ("links/*.png", 1, ["links/broken.png"], 1),
]


@pytest.mark.parametrize("option", ["", "--tta"], ids=["plain", "tta"])
@pytest.mark.parametrize("words, count, names, code", UNREADABLE)
def test_predict_reports_unreadable_files_and_predicts_the_others(
    words, count, names, code, option, model, invalid_files, capsys
):
    Path("links").mkdir()
    Path("links/broken.png").symlink_to("none.png")
    Path("links/broken.txt").symlink_to("none.txt")
    Path("links/good.png").symlink_to("../good.png")
    assert run_command(f"predict MODEL {words} {option}", MODEL=model) == code
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == count
    lines = err.splitlines()
    starts = [f"lesson7: {name} must be a readable image, got " for name in names]
    assert len(lines) == len(starts) and all(map(str.startswith, lines, starts))


def test_compare_writes_a_table_and_resumes(small, workdir, capsys, monkeypatch):
    def small_recipe(**changes):
        return Recipe(**dict(size=24, bs=16, epochs=6) | changes)

    monkeypatch.setattr(Recipe, "cpu", staticmethod(small_recipe))
    command = "compare DATA --preset cpu --seeds 1 --csv new/t.csv --plot new/gains.svg"
    assert run_command(command, DATA=small) == 0
    table = pd.read_csv("new/t.csv")
    saved = Comparison.load("comparison.json").table().reset_index()
    assert list(table) == list(saved)
    numbers = saved.select_dtypes("number")
    pd.testing.assert_frame_equal(table[numbers.columns], numbers, check_dtype=False)
    assert Path("new/gains.svg").read_text().startswith("<?xml")
    assert len(Comparison.load(workdir / "comparison.json").runs) == 7
    printed = capsys.readouterr().out
    assert "baseline" in printed and "all five" in printed
    assert "seeds 0, equal cost" in printed
    monkeypatch.setattr("lesson7.training.comparison._train_group", None)  # no second training
    assert run_command(command, DATA=small) == 0


TTA_LINES = (
    r"(\S+): (\d+) images \((\w+)\)\n"
    r"accuracy without TTA: (\S+) %\n"
    r"accuracy with TTA:    (\S+) %\n"
    r"difference: (\S+) points, 95 % interval from (\S+) to (\S+) \(paired, over images\)\n"
)


@pytest.mark.parametrize("option, which", [("", "validation"), ("--all", "all")])
def test_tta_prints_the_difference_with_its_interval(option, which, model, small, capsys):
    from lesson7.share import load_model
    from lesson7.tta import tta

    assert run_command(f"tta MODEL DATA {option}", MODEL=model, DATA=small) == 0
    path, n, name, *numbers = re.fullmatch(TTA_LINES, capsys.readouterr().out).groups()
    files = sorted((small / "val").glob("*/*.jpg"))
    files += sorted((small / "train").glob("*/*.jpg")) if option else []
    assert (path, int(n), name) == (str(small), len(files), which)
    learn = load_model(model)
    dl = learn.dls.test_dl(files)
    labels = list(learn.dls.vocab)
    targets = torch.tensor([labels.index(file.parent.name) for file in files])
    with learn.no_bar():
        plain = learn.get_preds(dl=dl)[0].argmax(1) == targets
        with_tta = tta(learn, dl=dl)[0].argmax(1) == targets
    difference = (with_tta.float() - plain.float()).mean()
    shares = [plain.float().mean(), with_tta.float().mean(), difference]
    shares += agresti_min(plain.numpy(), with_tta.numpy())
    assert [float(text) for text in numbers] == pytest.approx(
        [100 * float(share) for share in shares], abs=6e-3
    )


def agresti_min(before, after):
    "The interval as the mean of weighted values: an image more, half of it changed, each way."
    differences = np.append(after.astype(int) - before.astype(int), [1, -1, 0])
    weights = np.append(np.ones(len(before)), [0.5, 0.5, 1])
    mean = np.average(differences, weights=weights)
    variance = np.average((differences - mean) ** 2, weights=weights)
    return norm.interval(0.95, mean, (variance / weights.sum()) ** 0.5)


@pytest.mark.parametrize("n", [1, 2, 30, 500])
def test_the_interval_of_tta_covers_the_difference(n):
    rng = np.random.default_rng(n)
    covered = []
    for _ in range(400):
        values = rng.choice([-1, 0, 1], n, p=[0.05, 0.85, 0.1])
        before, after = values < 0, values > 0
        low, high = paired_interval(before, after)
        assert (low, high) == pytest.approx(np.clip(agresti_min(before, after), -1, 1))
        covered.append(low <= 0.05 <= high)
    assert np.mean(covered) > 0.92


def test_data_prints_the_folder_and_its_counts(blank_dataset, capsys):
    assert run_command("data --path DATA", DATA=blank_dataset) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{blank_dataset}: 3000 images, 10 classes\n")
    assert "  train: 2000 images (0: 200," in printed and "  val: 1000 images (0: 100," in printed


# ---- Mistakes


@pytest.fixture
def invalid_files(workdir):
    "A working directory with files that are no recipe, no image or no model."
    Path("thesis").mkdir()
    Path("thesis/chapter.txt").write_text("years")
    Path("header.ppm").write_bytes(b"P6 7x 60 255 ")
    Path("bomb.ppm").write_bytes(b"P6 90000 90000 255 ")
    Image.new("RGB", (40, 30), "red").save("good.png")
    Image.effect_noise((200, 200), 60).save("whole.jpg")
    Path("truncated.jpg").write_bytes(Path("whole.jpg").read_bytes()[:2000])
    Path("bad.json").write_text("{")
    Path("other.json").write_text(json.dumps(dict(recipe=3)))
    Path("bad.png").write_text("{")
    os.mkfifo("pipe")
    Path("link").symlink_to("linked")
    stage = dict(size=32, bs=32, epochs=12, lr=0.003)
    Path("contradictory.json").write_text(json.dumps(dict(stages=[stage])))
    return workdir


@pytest.fixture(scope="module")
def other_classes(tmp_path_factory):
    "A dataset with classes that the model does not have."
    folder = tmp_path_factory.mktemp("other")
    for number in range(10):
        write_image(folder, f"cat/{number}.png")
        write_image(folder, f"dog/{number}.png")
    return folder


EPOCHS = "epochs must be a whole number above 0, got"
WITH_RECIPE = "--recipe must be alone, got"
ON_CPU = "--path DATA --preset cpu"

MISTAKES = [  # command line, message
    (
        "train mixpu",
        "FOLDER or TECHNIQUE must be a folder of images, or one of 'normalize', 'resize', 'tta', "
        "'mixup', 'smoothing', got 'mixpu'",
    ),
    (
        "train resize --epochs 2 --preset cpu",
        "epochs must be 6 or more for progressive resizing, got 2",
    ),
    ("train --epochs 0 --preset cpu", f"{EPOCHS} 0"),
    ("train --epochs -3 --preset cpu", f"{EPOCHS} -3"),
    ("train --recipe bad.json", "bad.json must be a file of a recipe, got no JSON"),
    ("train --recipe contradictory.json", "size must be 32, that of the last stage, got 48"),
    ("train --recipe none.json", "none.json"),
    ("train --recipe other.json", "recipe must be a JSON object, got 3"),
    ("train --size 16 nowhere", "FOLDER or TECHNIQUE must be a folder of images, or one of"),
    ("train --lr 0 mixup --preset cpu tta", "lr must be a finite number above 0, got 0"),
    ("train thesis --seed 1 mixup smoothing --recipe bad.json", f"{WITH_RECIPE} mixup, smoothing"),
    ("train thesis nowhere", "FOLDER or TECHNIQUE must be a folder of images, or one of"),
    ("train thesis thesis", "FOLDER must be a single folder, got thesis, thesis"),
    ("train thesis --path thesis", "FOLDER must be given once, got thesis and --path thesis"),
    ("compare thesis --path thesis", "FOLDER must be given once, got thesis and --path thesis"),
    ("compare --plot p.txt --preset cpu", "--plot must be a file .png, .svg, .pdf, got p.txt"),
    ("tta nowhere DATA", "nowhere must be a folder that save_model wrote, got no model.json"),
    ("tta MODEL nowhere", "path must be a folder of images, got nowhere, which does not exist"),
    ("tta MODEL thesis", "number of images in thesis must be 1 or more, got 0"),
    (
        "tta MODEL OTHER --all",
        "labels must be classes of the model, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, got",
    ),
    ("tta MODEL OTHER", "split must be that of the training, the folders train and val, got 20 %"),
    ("data thesis --path thesis", "FOLDER must be given once, got thesis and --path thesis"),
    ("train --arch resnet9000 --preset cpu", "got 'resnet9000'"),
    ("compare --arch resnet9000 --preset cpu", "got 'resnet9000'"),
    ("train --size 0 --preset cpu", "size must be a whole number above 1, got 0"),
    ("train --bs 0 --preset cpu", "bs must be a whole number above 0, got 0"),
    ("train --lr 0 --preset cpu", "lr must be a finite number above 0, got 0"),
    ("train --lr nan --preset cpu", "lr must be a finite number above 0, got nan"),
    ("train mixup --recipe bad.json", f"{WITH_RECIPE} mixup, too; a recipe has them"),
    ("train --seed 1 --lr 1 --recipe bad.json", f"{WITH_RECIPE} --lr, --seed, too"),
    ("train --seed -1 --preset cpu", "seed must be a whole number, 0 or above and below 2**63"),
    ("train --recipe good.png", "good.png must be a file of a recipe, got no JSON"),
    (
        f"train --replace --out thesis {ON_CPU}",
        "thesis must be a new folder, or one with a model, got other files",
    ),
    (f"train --out bad.json/model {ON_CPU}", "--out must be in a folder that can be written, got"),
    (
        f"compare --out bad.json/x.json {ON_CPU}",
        "--out must be in a folder that can be written, got",
    ),
    (f"compare --seeds 0 {ON_CPU}", "--seeds must be a whole number, 1 or more, got 0"),
    (
        "train --path nowhere --preset cpu",
        "path must be a folder of images, got nowhere, which does not exist",
    ),
    ("compare --noise 1.5 --preset cpu", "noise must be a number from 0 to below 1, got 1.5"),
    (
        "compare --out bad.json --preset cpu --path SMALL",
        "bad.json must be a comparison, got no JSON",
    ),
    (
        "compare --out pipe --preset cpu --path SMALL",
        "pipe must be a file, which can be read again, got a device or a pipe",
    ),
    ("data --noise 0.3", "noise must be one of"),
    ("data thesis --noise 0.25", "--noise must be left out with a folder of yours, got 0.25"),
    ("predict MODEL good.png --csv x --json x", "--json must be another file than --csv, got x"),
    ("predict MODEL good.png --csv - --json -", "--json must be another file than --csv, got -"),
    (
        "predict MODEL good.png --csv thesis/x --json thesis/../thesis/x",
        "--json must be another file than --csv, got thesis/../thesis/x",
    ),
    (
        "predict MODEL good.png --csv link --json linked",
        "--json must be another file than --csv, got linked",
    ),
    (f"compare --out x --csv x {ON_CPU}", "--csv must be another file than --out, got x"),
    (
        f"compare --out x.svg --plot x.svg {ON_CPU}",
        "--plot must be another file than --out, got x.svg",
    ),
    (
        f"compare --csv x.svg --plot ./x.svg {ON_CPU}",
        "--plot must be another file than --csv, got ./x.svg",
    ),
    (
        f"compare --csv comparison.json {ON_CPU}",
        "--csv must be another file than --out, got comparison.json",
    ),
    (
        "predict nowhere good.png",
        "nowhere must be a folder that save_model wrote, got no model.json",
    ),
    ("predict MODEL none.png", "none.png must be a readable image, got no such file"),
    ("predict MODEL none*.png", "none*.png must be a readable image, got no such file"),
    ("predict MODEL good.png --top 0", "--top must be from 1 to 10, the number of classes, got 0"),
    (
        "predict MODEL good.png --top 11",
        "--top must be from 1 to 10, the number of classes, got 11",
    ),
    ("predict MODEL bad.png --csv good.png", "--csv must be a file for text, got good.png, which"),
    ("predict MODEL thesis", "number of images must be 1 or more, got 0 in thesis"),
    ("predict MODEL header.ppm", "header.ppm must be a readable image, got"),
    ("predict MODEL bomb.ppm", "bomb.ppm must be a readable image, got"),
    ("predict MODEL bad.png", "bad.png must be a readable image, got"),
]


@pytest.mark.parametrize("command, message", MISTAKES)
def test_a_mistake_prints_one_line_and_ends_with_code_2(
    command, message, model, small, invalid_files, other_classes, cache, capsys, monkeypatch
):
    if "DATA" in command:  # these mistakes are found before anything is trained
        monkeypatch.setattr("lesson7.training.loop.train", None)
        monkeypatch.setattr("lesson7.training.comparison.compare", None)
    before = sorted(file.name for file in invalid_files.iterdir())
    values = dict(MODEL=model, DATA=small, SMALL=small, OTHER=other_classes)
    assert run_command(command, **values) == 2
    out, err = capsys.readouterr()
    assert err.startswith("lesson7: ") and message in err
    assert err.count("\n") == 1 and out == ""
    assert sorted(file.name for file in invalid_files.iterdir()) == before


def test_predict_warns_of_names_that_a_spreadsheet_computes(model, images, workdir, capsys):
    shutil.copy(images[0], "=1+1.jpg")
    shutil.copy(images[0], "plain.jpg")
    assert run_command("predict MODEL plain.jpg --csv plain.csv", MODEL=model) == 0
    assert capsys.readouterr().err == ""
    assert run_command("predict MODEL plain.jpg =1+1.jpg --csv p.csv", MODEL=model) == 0
    warning = "warning: a spreadsheet takes '=1+1.jpg' for a formula; import the columns as text"
    assert capsys.readouterr().err == f"lesson7: {warning}\n"
    assert list(pd.read_csv("p.csv")["file"]) == ["plain.jpg", "=1+1.jpg"]


@pytest.mark.parametrize(
    "command", ["", "fly", "train --lrs 3", "predict m", "train --epochs many"]
)
def test_unknown_arguments_end_with_code_2(command, capsys):
    with pytest.raises(SystemExit) as raised:
        run_command(command)
    assert raised.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("lesson7: ") and err.endswith("--help says more\n")
    assert err.count("\n") == 1


def raising(error):
    "Return a function that raises an error, whatever it is called with."

    def fail(*args, **kwargs):
        raise error

    return fail


COMMANDS = [
    "lab",
    "data",
    "train",
    "compare",
    "predict",
    "tta",
    "explore",
    "export",
    "cache",
    "test",
]
INTERRUPTED = [  # command line, the function during which Ctrl-C is pressed
    ("lab", "lesson7.cli.copy_notebooks"),
    ("data DATA", "lesson7.cli.dataset_report"),
    ("train DATA --preset cpu", "lesson7.training.loop.train"),
    ("compare DATA --preset cpu", "lesson7.training.comparison.compare"),
    ("predict MODEL good.png", "lesson7.inference.predict_readable"),
    ("tta MODEL DATA", "lesson7.inference.tta_gain"),
    ("explore smoothing", "lesson7.cli._explorer"),
]
ADVICE = {  # command: what is said after Ctrl-C
    "lab": "the same command copies what is missing",
    "train": "no model is saved; the same command starts again",
    "compare": "what is done is in comparison.json; the same command continues",
    "explore": "no page is saved",
}
ERRORS = [  # error, line, exit code
    (KeyboardInterrupt(), "interrupted; ADVICE", 130),
    (MemoryError("Out of GPU memory; try bs=8."), "Out of GPU memory; try bs=8.", 1),
    (OSError(5, "Input/output error", "x"), "[Errno 5] Input/output error: 'x'", 1),
    (OSError(13, "Permission denied", "x"), "[Errno 13] Permission denied: 'x'", 2),
]


@pytest.mark.parametrize("command, function", INTERRUPTED)
@pytest.mark.parametrize("error, line, code", ERRORS)
def test_an_interruption_or_error_is_one_line(
    command, function, error, line, code, model, small, invalid_files, monkeypatch, capsys
):
    monkeypatch.setattr(function, raising(error))
    assert run_command(command, MODEL=model, DATA=small) == code
    advice = ADVICE.get(command.split()[0], "nothing is written")
    assert capsys.readouterr().err == f"lesson7: {line.replace('ADVICE', advice)}\n"


class InterruptSecondEpoch(Callback):
    "Presses Ctrl-C when the second epoch begins to train."

    def before_train(self):
        if self.epoch == 1:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("folder", ["new", "m{}"])
def test_ctrl_c_saves_the_finished_epochs_beside_the_model(
    folder, model, small, workdir, monkeypatch, capsys
):
    from lesson7.share import load_model

    shutil.copytree(model, "m{}")
    before = {file.name: file.read_bytes() for file in Path("m{}").iterdir()}
    monkeypatch.setattr("lesson7.cli._epoch_printer", lambda recipe: InterruptSecondEpoch())
    command = f"train DATA --preset cpu --epochs 2 --size 24 --replace --out {folder}"
    assert run_command(command, DATA=small) == 130
    kept = f"the model of 1 of 2 epochs is in {folder}-interrupted"
    line = f"lesson7: interrupted; {kept}; the same command starts again\n"
    assert capsys.readouterr().err == line
    assert load_model(f"{folder}-interrupted").dls.c == 10
    assert {file.name: file.read_bytes() for file in Path("m{}").iterdir()} == before


SIGNALS = [  # command line, what is there when Ctrl-C is pressed, what is said
    ("train --preset cpu --epochs 40 --size 16 --out m", "out.txt", "the model of "),
    ("compare --preset cpu --epochs 6 --size 16 --out c.json", "c.json", "what is done is in c"),
]


@pytest.mark.long
@pytest.mark.parametrize("command, file, message", SIGNALS)
def test_ctrl_c_in_a_terminal_is_one_line(command, file, message, small, workdir):
    "A terminal sends the signal to all processes of a command."
    command = [sys.executable, "-m", "lesson7.cli", *command.split(), "--path", str(small)]
    with open("out.txt", "w") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
    while process.poll() is None:
        if Path(file).exists() and (file == "c.json" or "epoch 2 of" in Path(file).read_text()):
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    error = process.communicate()[1]
    assert error.startswith(f"lesson7: interrupted; {message}") and error.count("\n") == 1
    assert process.returncode == 130


# ---- The standard output


class FailingStream(io.StringIO):
    "A stream with an error when it is written, or when its buffer is."

    def __init__(self, method, error):
        super().__init__()
        setattr(self, method, raising(error))


STREAM_ERRORS = [  # error of the stream, exit code, message
    (BrokenPipeError(32, "Broken pipe"), 141, ""),
    (OSError(28, "No space left on device"), 1, "lesson7: [Errno 28] No space left on device\n"),
    (OSError(5, "Input/output error"), 1, "lesson7: [Errno 5] Input/output error\n"),
]


@pytest.mark.parametrize("method", ["write", "flush"])
@pytest.mark.parametrize("error, code, message", STREAM_ERRORS)
@pytest.mark.parametrize("command", ["data DATA", "predict MODEL good.png", "tta MODEL DATA"])
def test_an_output_that_cannot_be_written_is_no_mistake(
    command, error, code, message, method, model, small, invalid_files, monkeypatch, capsys
):
    monkeypatch.setattr("sys.stdout", FailingStream(method, error))
    assert run_command(command, MODEL=model, DATA=small) == code
    assert capsys.readouterr().err == message


def test_a_closed_pipe_ends_quietly(small, monkeypatch, capsys):
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        assert run_command("data DATA", DATA=small) == 141
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("option", ["", "--csv -", "--json -"])
@pytest.mark.parametrize(
    "encoding, name", [("ascii", r"\xfc\u0142.png"), ("latin-1", r"ü\u0142.png")]
)
def test_characters_that_the_output_lacks_are_escaped(
    encoding, name, option, model, invalid_files, monkeypatch, capsys
):
    Path("good.png").rename("ü\u0142.png")
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr("sys.stdout", stream)
    assert run_command(f"predict MODEL ü\u0142.png {option}", MODEL=model) == 0
    out = stream.buffer.getvalue().decode(encoding)
    assert (r"\u00fc\u0142.png" if "json" in option else name) in out
    assert capsys.readouterr().err == ""


HOSTS = {  # name: variables of the environment
    "an English terminal": {"LANG": "en_US.UTF-8", "COLUMNS": "80"},
    "LANG=C": {"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    "NO_COLOR": {"NO_COLOR": "1"},
    "a narrow terminal": {"COLUMNS": "20"},
    "no HOME": {"HOME": ""},
}
IN_ONE_PROCESS = """
import contextlib, io, json, sys
from lesson7.cli import main
results = []
for words in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(words)
        except SystemExit as e:
            code = e.code
    results.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(results))
"""


@pytest.mark.parametrize("host", HOSTS)
def test_every_command_says_the_same_on_every_host(host, invalid_files):
    odd = os.fsencode(invalid_files / "photos") + b"-\xff"
    os.mkdir(odd)
    image = os.path.join(odd, b"\xfe.png")
    Path("good.png").rename(os.fsdecode(image))
    commands = [[name, "--help"] for name in COMMANDS]
    commands += [["--help"], ["--version"], ["cache"], ["nothing"]]
    commands += [[name, "--nothing"] for name in COMMANDS if name != "lab"]
    commands += [["data", "nowhere"], ["predict", "nowhere", os.fsdecode(image)]]
    commands += [["data", os.fsdecode(odd)]]
    environment = os.environ | HOSTS[host] | {"XDG_CACHE_HOME": str(invalid_files / "cache")}
    process = [sys.executable, "-c", IN_ONE_PROCESS, json.dumps(commands)]
    done = subprocess.run(process, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == ""
    results = json.loads(done.stdout)
    for words, (code, out, err) in zip(commands, results, strict=True):
        is_mistake = words[-1] not in ("--help", "--version", "cache")
        assert code == 2 if is_mistake else code == 0, (words, err)
        assert "\x1b" not in out + err
        assert err.count("\n") == is_mistake, err


# ---- Places for results


OUTPUTS = [  # command line with PLACE, the option that it is given for, end of the place's name
    ("train DATA --preset cpu --out PLACE", "--out", ""),
    ("compare DATA --preset cpu --out PLACE", "--out", ""),
    ("compare DATA --preset cpu --csv PLACE", "--csv", ""),
    ("compare DATA --preset cpu --plot PLACE", "--plot", ".png"),
    ("predict MODEL good.png --csv PLACE", "--csv", ""),
    ("predict MODEL good.png --json PLACE", "--json", ""),
    ("explore smoothing -o PLACE", "--out", ".html"),
]


@pytest.fixture
def read_only(invalid_files, monkeypatch):
    "A folder that cannot be written; simulated, since a superuser may write everywhere."
    folder = invalid_files / "read-only"
    folder.mkdir()

    def make_folder(prefix, dir):
        if dir == folder:
            raise OSError(30, "Read-only file system")
        return TemporaryDirectory(prefix=prefix, dir=dir)

    monkeypatch.setattr("lesson7.data.files.TemporaryDirectory", make_folder)


WORK = [
    "lesson7.training.loop.train",
    "lesson7.training.comparison.compare",
    "lesson7.share.load_model",
    "lesson7.cli._explorer",
]


@pytest.mark.parametrize("command, option, end", OUTPUTS)
@pytest.mark.parametrize("place", ["bad.json/x", "bad.json/new/x", "read-only/x", "n" * 300])
def test_a_place_that_cannot_be_written_is_found_before_the_work(
    command, option, end, place, model, small, invalid_files, read_only, monkeypatch, capsys
):
    for function in WORK:
        monkeypatch.setattr(function, None)
    before = sorted(invalid_files.rglob("*"))
    assert run_command(command, PLACE=place + end, MODEL=model, DATA=small) == 2
    out, err = capsys.readouterr()
    message = f"{option} must be in a folder that can be written, got {invalid_files / place}"
    assert err.startswith(f"lesson7: {message}")
    assert err.count("\n") == 1 and out == ""
    assert sorted(invalid_files.rglob("*")) == before


@pytest.mark.parametrize("command, option, end", [row for row in OUTPUTS[1:6] if not row[2]])
def test_a_folder_where_a_file_is_written_is_a_mistake(
    command, option, end, model, small, invalid_files, capsys
):
    assert run_command(command, PLACE="thesis", MODEL=model, DATA=small) == 2
    expected = f"lesson7: {option} must be a file, got {invalid_files / 'thesis'}, a folder\n"
    assert capsys.readouterr().err == expected


def made_results(groups, files, jobs):
    "Yield results for groups of recipes, without training."
    for group in groups:
        yield [Result(recipe, 0.5, 1.0, 0.1, 1.0, 1.0, [], "made") for recipe in group]


def read_model(path):
    from lesson7.share import load_model

    load_model(path)
    return read_result(path)


FULL = [  # command line with PLACE, function that reads what is there
    ("train DATA --preset cpu --epochs 1 --size 24 --out PLACE", read_model),
    ("compare DATA --preset cpu --out PLACE", Comparison.load),
    ("compare DATA --preset cpu --out ok --csv PLACE", pd.read_csv),
    ("compare DATA --preset cpu --out ok --plot PLACE.png", Image.open),
    ("predict MODEL good.png --csv PLACE", pd.read_csv),
    ("predict MODEL good.png --json PLACE", lambda path: json.loads(path.read_text())),
    ("explore smoothing -o PLACE.html", Path.read_text),
]


@pytest.fixture
def full_disk(invalid_files, tmp_path_factory, monkeypatch):
    "`full_disk(*folders)`: no file named `place` can be written there; the temporary folder."
    write_bytes = Path.write_bytes
    rescue = tmp_path_factory.mktemp("rescue")
    monkeypatch.setattr("tempfile.tempdir", str(rescue))
    full = []

    def write(path, data):
        is_trial = path.name == ".part"
        is_full = any(path.absolute().is_relative_to(folder) for folder in full)
        is_result = "place" in str(path) or "full" in path.parts
        if is_full and is_result and not is_trial:
            raise OSError(28, "No space left on device")
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", write)
    monkeypatch.setattr("lesson7.training.comparison._train_groups", made_results)
    full.append(invalid_files)
    return full, rescue


@pytest.mark.parametrize("command, read", FULL)
def test_a_result_for_a_full_disk_is_in_a_temporary_folder(
    command, read, full_disk, model, small, capsys
):
    command = command.replace("PLACE", "place")
    assert run_command(command, MODEL=model, DATA=small) == 1
    err = capsys.readouterr().err
    pattern = (
        r"lesson7: place\S* must be in a folder that can be written, "
        r"got No space left on device; the result is in (\S+) instead\n"
    )
    rescued = Path(re.fullmatch(pattern, err)[1])
    assert rescued.is_relative_to(full_disk[1])
    assert read(rescued) is not None


@pytest.mark.parametrize("command, read", FULL[1:3])
def test_a_full_temporary_folder_is_one_line_too(command, read, full_disk, model, small, capsys):
    full, rescue = full_disk
    full.append(rescue)
    command = command.replace("PLACE", "place")
    assert run_command(command, MODEL=model, DATA=small) == 1
    expected = "got No space left on device, and for a temporary folder: No space left on device\n"
    assert capsys.readouterr().err.endswith(expected)


# ---- The table of exit statuses on the page of the command line


TABLE = NBS / "results" / "exit_statuses.json"


@pytest.fixture
def described_files(full_disk, read_only, invalid_files, model, small):
    "What the table names: photos, a model, an image, a broken one, and folders to write in."
    full, rescue = full_disk
    folder = invalid_files
    (folder / "photos").symlink_to(small)
    (folder / "pets-model").symlink_to(model)
    (folder / "good.png").rename(folder / "cat.png")
    (folder / "bad.png").rename(folder / "broken.png")
    (folder / "full").mkdir()
    full[:] = [folder / "full"]
    return folder, rescue


@pytest.mark.parametrize("row", list(pd.read_json(TABLE).itertuples()), ids=lambda row: row.command)
def test_the_table_of_exit_statuses(row, described_files, monkeypatch, capsys):
    folder, rescue = described_files
    words = shlex.split(row.command)[1:]
    if row.situation == "Ctrl-C":
        functions = {command.split()[0]: function for command, function in INTERRUPTED}
        monkeypatch.setattr(functions[words[0]], raising(KeyboardInterrupt()))
    try:
        status = main(words)
    except SystemExit as e:  # of argparse
        status = e.code
    message = capsys.readouterr().err.strip()
    message = re.sub(re.escape(str(rescue)) + "/[^/]+", "/tmp/lesson7", message)
    assert (status, message.replace(f"{folder}/", "")) == (row.status, row.message)


# ---- The examples of --help


@pytest.fixture
def example_files(small, workdir, monkeypatch, jupyterlab_calls):
    "A working directory with what the examples name: pets, and photos."
    for number, folder in enumerate(sorted((small / "train").iterdir())[:2]):
        name = ("cat", "dog")[number]
        files = [*folder.iterdir(), *(small / "val" / folder.name).iterdir()]
        for i in range(10):
            write_image(workdir, f"pets/{name}/{i}.png")
        write_image(workdir, f"photos/{name}.jpg", Image.open(files[0]))
    monkeypatch.setattr("webbrowser.open", lambda address: None)
    return workdir


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_of_help_run(command, example_files, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    text, statuses = capsys.readouterr().out.split("\n\nexit status:\n")
    assert [line.split()[0] for line in statuses.splitlines()] == ["0", "1", "2", "130", "141"]
    examples = text.split("examples:\n")[1].splitlines()
    assert len(examples) >= 2
    if command == "test":  # `make long` runs all of it, in a new installation
        monkeypatch.setattr("lesson7.cli.CHECKS", {"nothing": lambda folder: "seen"})
        monkeypatch.setattr("lesson7.cli.CHAPTERS", {})
    if command == "export":
        notebook = dict(cells=[], metadata={}, nbformat=4, nbformat_minor=5)
        (example_files / "notes.ipynb").write_text(json.dumps(notebook))
    if command == "cache":
        monkeypatch.setenv("XDG_CACHE_HOME", str(example_files / "cache"))
    if command in ("predict", "tta"):
        assert main(shlex.split("train pets --preset cpu --epochs 1")) == 0
    for example in examples:
        program, *words = shlex.split(example)
        assert (program, words[0]) == ("lesson7", command)
        assert main(words) == 0, example


# ---- cache


def test_the_cache_is_listed_and_emptied_and_links_are_kept(workdir, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(workdir / "cache"))
    cache = workdir / "cache" / "lesson7"
    assert run_command("cache") == 0
    assert capsys.readouterr().out == f"{cache}: 0 bytes in all\n"
    (cache / "pixels" / "ab").mkdir(parents=True)
    (cache / "pixels" / "ab" / "photo.ppm").write_bytes(bytes(1_500_000))
    (workdir / "mine").mkdir()
    (workdir / "mine" / "photo.jpg").write_bytes(b"mine")
    (cache / "digits").symlink_to(workdir / "mine")
    (cache / "pixels" / "link").symlink_to(workdir / "mine")
    assert run_command("cache") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "    1.5 MB  pixels of at most 4.0 GB"
    assert lines[2] == f"{cache}: 1.5 MB in all; empty it with: lesson7 cache --empty"
    assert run_command("cache --empty") == 0
    assert capsys.readouterr().out == f"{cache}: 1.5 MB deleted.\n"
    assert list(cache.iterdir()) == []
    assert (workdir / "mine" / "photo.jpg").read_bytes() == b"mine"


# ---- test


def test_a_check_of_the_installation_that_fails_is_a_line_and_code_1(monkeypatch, capsys):
    checks = {"a": lambda folder: "seen", "b": raising(ImportError("no torch\nbut more"))}
    monkeypatch.setattr("lesson7.cli.CHECKS", checks)
    assert run_command("test") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Python 3.") and "lesson7 " in lines[1]
    assert lines[2:] == ["ok     a: seen, 0 s", "FAILED b: ImportError: no torch"]


# ---- lab


def test_notebooks_are_copied_once_and_never_overwritten(tmp_path):
    edited = tmp_path / "01_normalize.ipynb"
    edited.write_text("edited")
    _, kept = copy_notebooks(tmp_path)
    assert kept == ["01_normalize.ipynb"] and edited.read_text() == "edited"
    copied = {file.relative_to(tmp_path) for file in tmp_path.rglob("*.ipynb")}
    assert copied == {file.relative_to(NBS) for file in notebook_files()}
    for name in copied - {edited.relative_to(tmp_path)}:
        text = (tmp_path / name).read_text()
        assert "nbdev_export" not in text and len(json.loads(text)["cells"]) >= 5, name
    assert copy_notebooks(tmp_path)[0] == []
    hidden = [file.name for file in tmp_path.rglob(".*")]
    assert hidden == [".lesson7.json"]  # the record for --update


def test_lab_without_jupyterlab_names_the_package_to_install(monkeypatch, capsys, workdir):
    monkeypatch.setattr("lesson7.cli.find_spec", lambda name: None)
    assert run_command("lab") == 2
    assert "pip install jupyterlab" in capsys.readouterr().err
    assert list(workdir.iterdir()) == []


@pytest.fixture
def jupyterlab_calls(monkeypatch):
    "The lists of arguments that JupyterLab is called with; it is not started."
    calls = []
    monkeypatch.setattr("jupyterlab.labapp.main", calls.append)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "elsewhere")  # the command sets it
    return calls


def test_lab_saves_explorers_with_a_notebook(jupyterlab_calls, workdir):
    from jupyterlab_server.settings_utils import _get_overrides

    manager = "@jupyter-widgets/jupyterlab-manager:plugin"
    assert manager not in _get_overrides("none")[0]
    assert run_command("lab") == 0
    assert _get_overrides("none")[0][manager] == dict(saveState=True)
    assert os.environ["JUPYTER_CONFIG_PATH"].startswith(f"elsewhere{os.pathsep}")


LAB_ARGUMENTS = [  # arguments of `lesson7 lab`, folder, options for JupyterLab
    ("", "lesson7-notebooks", ""),
    ("--no-browser --port 8899", "lesson7-notebooks", "--no-browser --port 8899"),
    ("mine --port 8899", "mine", "--port 8899"),
    ("a/b --no-browser", "a/b", "--no-browser"),
    ("--clean", "lesson7-notebooks-clean", ""),
    ("--clean --port 8899", "lesson7-notebooks-clean", "--port 8899"),
    ("--clean mine --no-browser", "mine", "--no-browser"),
    ("mine --port 8899 --clean", "mine", "--port 8899"),
]


@pytest.mark.parametrize("arguments, folder, options", LAB_ARGUMENTS)
def test_lab_passes_folder_and_options_to_jupyterlab(
    jupyterlab_calls, workdir, capsys, arguments, folder, options
):
    assert run_command(f"lab {arguments}") == 0
    call = jupyterlab_calls[0]
    start = "--LabApp.default_url=/lab/tree/index.ipynb"
    expected = ["--notebook-dir", folder, start, *options.split()]
    assert call[call.index("--notebook-dir") :] == expected
    assert capsys.readouterr().out.startswith(f"{folder}: ")
    assert [file.name for file in workdir.iterdir()] == [Path(folder).parts[0]]
    assert (workdir / folder / "index.ipynb").is_file()
    chapter = (workdir / folder / "01_normalize.ipynb").read_text()
    assert ("The clean edition." in chapter) == ("--clean" in arguments)


def test_lab_keeps_an_edited_clean_notebook(jupyterlab_calls, workdir, capsys):
    run_command("lab --clean")
    edited = workdir / "lesson7-notebooks-clean" / "04_mixup.ipynb"
    edited.write_text("edited")
    assert run_command("lab") == run_command("lab --clean") == 0
    assert edited.read_text() == "edited"
    line = r"^lesson7-notebooks-clean: 0 files copied, \d+ kept as they were\.$"
    assert re.search(line, capsys.readouterr().out, re.M)
    full = workdir / "lesson7-notebooks" / "04_mixup.ipynb"
    assert full.is_file()  # full notebooks are in another folder


def test_lab_help_describes_clean_notebooks(capsys):
    with pytest.raises(SystemExit) as raised:
        run_command("lab --help")
    assert raised.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "--clean chapters with headings, questions and empty cells" in text
    assert "lesson7-notebooks-clean" in text


def test_lab_update_names_new_and_edited_notebooks(jupyterlab_calls, workdir, capsys):
    assert run_command("lab mine") == 0
    notebook = workdir / "mine" / "04_mixup.ipynb"
    notebook.write_text("edited")
    capsys.readouterr()
    assert run_command("lab mine --update") == 0
    assert capsys.readouterr().out.splitlines() == [
        "mine: 1 files updated.",
        "04_mixup.ipynb is the new version; yours is 04_mixup-yours.ipynb.",
    ]
    assert notebook.with_name("04_mixup-yours.ipynb").read_text() == "edited"
    assert json.loads(notebook.read_text())["cells"]


def test_lab_update_of_a_missing_folder_is_a_mistake(workdir, capsys):
    assert run_command("lab nowhere --update") == 2
    assert "nowhere must be a folder with the notebooks, got no folder" in capsys.readouterr().err
    assert list(workdir.iterdir()) == []


@pytest.fixture
def lab_server(workdir):
    "A running `lesson7 lab notebooks`: pair of process and port."
    port = free_port()
    command = [sys.executable, "-m", "lesson7.cli", "lab", "notebooks", "--no-browser"]
    options = [f"--port={port}", "--IdentityProvider.token=t"]
    folders = dict(
        JUPYTER_RUNTIME_DIR=str(workdir / "runtime"), JUPYTER_CONFIG_DIR=str(workdir / "config")
    )
    with open("log", "w") as log:
        server = subprocess.Popen(
            [*command, *options],
            env=os.environ | folders,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    yield server, port
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def test_lab_serves_the_notebooks_until_it_is_terminated(lab_server, workdir):
    server, port = lab_server
    served = answer(f"http://127.0.0.1:{port}/api/contents/?token=t")
    assert {"index.ipynb", "07_share.ipynb"} <= {file["name"] for file in served["content"]}
    assert (workdir / "notebooks" / "index.ipynb").is_file()
    server.terminate()
    server.wait(60)
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0  # the server has ended
    assert not list((workdir / "runtime").glob("jpserver-*.json"))  # it has removed its files
