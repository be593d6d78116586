"The bench to try it by hand: what it trains, what it gathers, and that Stop leaves a learner that can go on."

import io

import pytest
from PIL import Image

from lesson7.training.config import Recipe
from lesson7.workbench import Workbench

BASE = Recipe(size=16, bs=16, epochs=2)


@pytest.fixture
def bench(small):
    return Workbench(BASE, small)


def press(bench, **ticks):
    for name, value in ticks.items():
        bench.ticks[name].value = value
    bench.go.click()
    bench.thread.join()


def test_controls_make_the_recipe(bench):
    bench.ticks["mixup"].value = bench.ticks["normalize"].value = True
    bench.epochs.value, bench.noise.value, bench.seed.value = 7, 0.25, 3
    r = bench.recipe
    assert (r.techniques, r.epochs, r.noise, r.seed, r.size) == (
        ("normalize", "mixup"),
        7,
        0.25,
        3,
        16,
    )
    bench.ticks["resize"].value = True
    assert bench.recipe.stages[0].size == 10 and bench.recipe.epochs == 7


def test_results_gather_in_table_and_plot(bench):
    press(bench)
    press(bench, smoothing=True)
    assert [r.recipe.name for r in bench.results] == [
        "baseline",
        "+ smoothing",
    ] and bench.bar.value == 1
    assert "baseline" in bench.table.value and "+ smoothing" in bench.table.value
    one = bench.plot.value
    press(bench)  # the same again: it counts once
    assert len(bench.results) == 2
    bench.seed.value = 5
    press(bench)
    assert (
        len(bench.results) == 3
        and bench.plot.value != one
        and Image.open(io.BytesIO(bench.plot.value)).size[0] > 300
    )
    assert not bench.go.disabled and bench.halt.disabled


def test_progress_moves_and_names_what_runs(bench):
    seen = []
    bench.bar.observe(lambda change: seen.append((change["new"], bench.says.value)), "value")
    press(bench, smoothing=True)
    shares = [s for s, _ in seen]
    assert (
        shares == sorted(shares)
        and len(shares) >= 6
        and any("+ smoothing: epoch 2 of 2" in text for _, text in seen)
    )


@pytest.mark.parametrize("ticks", [dict(mixup=True), dict(resize=True, mixup=True)], ids=str)
def test_stop_leaves_a_learner_that_trains_on(bench, ticks):
    bench.epochs.value = 60
    for name, value in ticks.items():
        bench.ticks[name].value = value
    bench.bar.observe(
        lambda change: change["new"] > 0 and bench.halt.click(), "value"
    )  # in the first batch
    bench.go.click()
    bench.thread.join(60)
    assert (
        not bench.thread.is_alive()
        and bench.results == []
        and "Stopped" in bench.says.value
        and not bench.go.disabled
    )
    bench.stopping = False
    with bench.learn.no_bar(), bench.learn.no_logging():
        bench.learn.fit(1)
    assert type(bench.learn.loss_func).__name__ == "CrossEntropyLossFlat"
    bench.bar.unobserve_all()
    bench.epochs.value = 6
    press(bench)
    assert len(bench.results) == 1


def test_what_cannot_be_is_said(bench, tmp_path):
    bench.ticks["resize"].value = True  # with two epochs
    bench.go.click()
    assert "progressive resizing needs at least 6" in bench.says.value and bench.thread is None
    lost = Workbench(BASE, tmp_path)
    press(lost)
    assert "has no images" in lost.says.value and not lost.go.disabled
