"The workbench of widgets: the recipe of its controls, its results, and the Stop button."

import base64
import io
import json
import re

import pytest
from PIL import Image

from lesson7.cli import main
from lesson7.training.config import Recipe
from lesson7.workbench import Workbench

BASE = Recipe(size=16, bs=16, epochs=2)


@pytest.fixture
def bench(small):
    return Workbench(BASE, small)


def tick(bench, *names):
    for name in names:
        bench.ticks[name].value = True


def train(bench, *names):
    "Tick some techniques, press Train, and wait for the end."
    tick(bench, *names)
    bench.go.click()
    bench.thread.join()


def test_the_controls_make_the_recipe(bench):
    tick(bench, "mixup", "normalize")
    bench.epochs.value = 7
    bench.noise.value = 0.25
    bench.seed.value = 3
    recipe = bench.recipe
    assert recipe.techniques == ("normalize", "mixup")
    assert (recipe.epochs, recipe.noise, recipe.seed, recipe.size) == (7, 0.25, 3, 16)
    tick(bench, "resize")
    assert bench.recipe.stages[0].size == 10
    assert bench.recipe.epochs == 7


def test_results_are_shown_in_a_table_and_a_plot(bench):
    train(bench)
    train(bench, "smoothing")
    assert [result.recipe.name for result in bench.results] == ["baseline", "+ smoothing"]
    assert bench.bar.value == 1
    assert "baseline" in bench.table.value and "+ smoothing" in bench.table.value
    assert not bench.go.disabled and bench.halt.disabled


def test_the_same_recipe_counts_once_and_another_seed_is_added(bench):
    train(bench)
    plot = bench.plot.value
    assert bench.running is None
    train(bench)
    assert len(bench.results) == 1
    bench.seed.value = 5
    train(bench)
    assert len(bench.results) == 2
    assert bench.plot.value != plot
    assert Image.open(io.BytesIO(bench.plot.value)).size[0] > 300


def test_the_progress_bar_grows_and_names_the_epoch(bench):
    shares, messages = [], []

    def record(change):
        shares.append(change["new"])
        messages.append(bench.says.value)

    bench.bar.observe(record, "value")
    train(bench, "smoothing")
    assert shares == sorted(shares) and len(shares) >= 6
    epochs = [re.search(r"\+ smoothing: epoch (\d) of 2", message) for message in messages]
    assert [int(found[1]) for found in epochs if found] == [1, 1, 1, 2, 2, 2]


def test_curves_are_drawn_while_it_trains(bench):
    drawn = []
    bench.epochs.value = 3
    bench.plot.observe(
        lambda change: drawn.append(bench.running and len(bench.running[1])), "value"
    )
    train(bench)
    assert drawn[:3] == [1, 2, 3] and drawn[-1] is None


def test_results_belong_to_their_folder(bench, small):
    train(bench)
    bench.folder.value = ""
    assert bench.path is None and bench.results == [] and bench.table.value == ""
    bench.folder.value = str(small)
    assert [run.recipe.name for run in bench.results] == ["baseline"]
    assert "baseline" in bench.table.value
    assert bench.comparison.table().shape[0] == 1


def test_the_saved_recipe_is_trained_by_the_command(bench, tmp_path):
    tick(bench, "smoothing")
    file = bench.save_recipe(tmp_path / "recipe.json")
    assert str(file) in bench.says.value and str(bench.path) in bench.says.value
    command = bench.says.value.partition("lesson7 ")[2].split()
    main([*command, "--out", str(tmp_path / "model")])
    result = json.loads((tmp_path / "model" / "result.json").read_text())
    assert Recipe(**result["recipe"]) == bench.recipe
    tick(bench, "resize")  # with two epochs
    assert bench.save_recipe(tmp_path / "other.json") is None
    assert "epochs must be" in bench.says.value and not (tmp_path / "other.json").exists()


def test_a_validation_is_stopped_too(bench):
    "Stop is pressed after the last batch of an epoch, before its validation."
    bench.epochs.value = 60

    def stop(change):
        if change["new"] >= 1 / 60:
            bench.halt.click()

    bench.bar.observe(stop, "value")
    bench.go.click()
    bench.thread.join(60)
    assert not bench.thread.is_alive() and bench.results == []
    assert not bench.learn.recorder.values  # the epoch was not evaluated


def test_its_picture_is_shown_where_there_are_no_widgets(bench):
    train(bench)
    picture = Image.open(io.BytesIO(base64.b64decode(bench._repr_mimebundle_()["image/png"])))
    assert picture.width > 300 and len(picture.convert("L").histogram()) > 2
    titles = bench.figure().get_suptitle()
    assert "[ ] mixup" in titles and "epochs 2" in titles


def stop_in_first_batch(bench):
    "Train, and press Stop when the progress bar moves."

    def stop(change):
        if change["new"] > 0:
            bench.halt.click()

    bench.bar.observe(stop, "value")
    bench.go.click()
    bench.thread.join(60)
    bench.bar.unobserve_all()


@pytest.mark.parametrize("names", [["mixup"], ["resize", "mixup"]], ids=" ".join)
def test_after_stop_the_learner_can_be_trained(bench, names):
    bench.epochs.value = 60
    tick(bench, *names)
    stop_in_first_batch(bench)
    assert not bench.thread.is_alive()
    assert bench.results == []
    assert "Stopped" in bench.says.value
    assert not bench.go.disabled
    bench.stopping = False
    with bench.learn.no_bar(), bench.learn.no_logging():
        bench.learn.fit(1)
    assert type(bench.learn.loss_func).__name__ == "CrossEntropyLossFlat"
    bench.epochs.value = 6
    train(bench)
    assert len(bench.results) == 1


def test_a_contradictory_recipe_shows_a_message(bench):
    tick(bench, "resize")  # with two epochs
    bench.go.click()
    assert "epochs must be 6 or more for progressive resizing" in bench.says.value
    assert bench.thread is None


def test_a_folder_without_images_shows_a_message(tmp_path):
    bench = Workbench(BASE, tmp_path)
    train(bench)
    assert "must be 1 or more, got 0" in bench.says.value
    assert not bench.go.disabled
