"Arms of a comparison are recipes, and what decides a result is in the recipe or its versions."

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from lesson7.resize import Stage
from lesson7.training.comparison import Comparison, compare, plot_comparison
from lesson7.training.config import Recipe
from lesson7.training.loop import Result, train

TINY = Recipe(size=16, bs=16, epochs=2)
ABOUT = dict(budget="cost", dataset="made up", jobs=1, commit="none", date="never")
BASE = (0.80, 0.82, 0.81)


def comparison(*recipes, seeds=3):
    "Return made-up results: those of the k-th recipe are k points above the first one's."
    runs = [
        Result(replace(r, seed=s), BASE[s] + k / 100, 0.5, 0.1, 60.0, 2.0, [], "a machine")
        for k, r in enumerate(recipes)
        for s in range(seeds)
    ]
    return Comparison(runs, ABOUT)


TWO = (Stage(32, 32, 8, 3e-3), Stage(48, 32, 3, 1e-3))
SLOW = (Stage(32, 32, 8, 3e-3), Stage(48, 32, 3, 1e-4))
THREE = (Stage(16, 32, 4, 3e-3), Stage(32, 32, 3, 3e-3), Stage(48, 32, 3, 1e-3))

ALIKE = {  # name: (recipes, the names of their arms)
    "mixup": (
        [Recipe(), Recipe(mixup=0.2), Recipe(mixup=0.4)],
        ["baseline", "+ mixup (mixup=0.2)", "+ mixup (mixup=0.4)"],
    ),
    "smoothing": (
        [Recipe(), Recipe(smoothing=0.1), Recipe(smoothing=0.2)],
        ["baseline", "+ smoothing (smoothing=0.1)", "+ smoothing (smoothing=0.2)"],
    ),
    "views": ([Recipe(tta=1), Recipe(tta=4)], ["+ tta (tta=1)", "+ tta (tta=4)"]),
    "rates": (
        [Recipe(), Recipe(lr=1e-3), Recipe(mixup=0.4)],
        ["baseline (lr=0.003)", "baseline (lr=0.001)", "+ mixup"],
    ),
    "architectures": (
        [Recipe(arch="xresnet18"), Recipe(arch="xresnet34")],
        ["baseline (arch='xresnet18')", "baseline (arch='xresnet34')"],
    ),
    "two values": (
        [Recipe(mixup=0.2, bs=16), Recipe(mixup=0.4)],
        ["+ mixup (bs=16, mixup=0.2)", "+ mixup (bs=32, mixup=0.4)"],
    ),
    "memory format": (
        [Recipe(), Recipe(channels_last=False)],
        ["baseline (channels_last=True)", "baseline (channels_last=False)"],
    ),
    "a stage's rate": (
        [Recipe(stages=TWO), Recipe(stages=SLOW)],
        ["+ resize (stages[1].lr=0.001)", "+ resize (stages[1].lr=0.0001)"],
    ),
    "all five": (
        [Recipe(normalize=True, stages=TWO, tta=tta, mixup=0.4, smoothing=0.1) for tta in (4, 2)],
        ["all five (tta=4)", "all five (tta=2)"],
    ),
}


@pytest.mark.parametrize("case", ALIKE.values(), ids=ALIKE)
def test_recipes_with_the_same_techniques_are_arms_of_their_own(case):
    recipes, names = case
    held = comparison(*recipes)
    assert [name for _, name in held.arms()] == names
    table = held.table()
    assert table.index.get_level_values(1).tolist() == names
    means = [np.mean([100 * a + k for a in BASE]) for k in range(len(recipes))]
    assert table["accuracy"].tolist() == pytest.approx(means, abs=0.06)
    assert table["seeds"].tolist() == [3] * len(recipes)


def test_the_number_of_stages_makes_other_arms():
    names = [name for _, name in comparison(Recipe(stages=TWO), Recipe(stages=THREE)).arms()]
    assert len(set(names)) == 2 and all("stages[0].size=" in name for name in names)
    assert "stages[2].size=48" in names[1]


@pytest.mark.parametrize("case", ["mixup", "smoothing", "rates"])
def test_gains_are_those_over_the_first_arm_without_techniques(case):
    recipes, names = ALIKE[case]
    held = comparison(*recipes)
    for k, name in enumerate(names):
        assert held.differences((0.0, name)) == pytest.approx([k / 100] * 3)
    assert held.table()["gain"].tolist() == pytest.approx([float(k) for k in range(len(names))])
    ax = plot_comparison(held).axes[0]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == names[1:]


@pytest.mark.parametrize("noises", [(0.25, 0.251), (0.001, 0.002), (0.25, 0.2501)])
def test_shares_of_wrong_labels_that_are_near_are_rows_of_their_own(noises):
    held = comparison(*(Recipe(noise=noise) for noise in noises))
    table = held.table()
    assert table.index.get_level_values(0).tolist() == [f"{100 * n:g} %" for n in noises]
    assert table["accuracy"].tolist() == pytest.approx([81, 82])


def test_arms_of_different_noise_keep_short_names():
    held = comparison(Recipe(), Recipe(mixup=0.4), Recipe(noise=0.25), Recipe(noise=0.25, tta=4))
    assert list(held.arms()) == [
        (0.0, "baseline"),
        (0.0, "+ mixup"),
        (0.25, "baseline"),
        (0.25, "+ tta"),
    ]


@pytest.mark.parametrize(
    "recipes, percent",
    [
        ([Recipe(mixup=0.2)], 0),
        ([Recipe(), Recipe(tta=4, noise=0.25)], 25),
        ([Recipe(tta=4), Recipe(smoothing=0.1)], 0),
        ([Recipe(normalize=True), Recipe(noise=0.25)], 0),
    ],
)
def test_a_plot_without_a_baseline_is_an_error_and_a_table_is_not(recipes, percent):
    held = comparison(*recipes)
    message = (
        f"^baseline for {percent} % wrong labels must be an arm without techniques, got none; "
        r"comparison\.table\(\) needs no baseline$"
    )
    with pytest.raises(ValueError, match=message):
        plot_comparison(held)
    table = held.table()
    assert len(table) == len(recipes) and not table["accuracy"].isna().any()
    assert set(table["verdict"]) <= {"", "within the noise"}


def test_a_file_with_arms_alike_comes_back(tmp_path):
    recipes, names = ALIKE["mixup"]
    comparison(*recipes).save(tmp_path / "c.json")
    assert [name for _, name in Comparison.load(tmp_path / "c.json").arms()] == names


@pytest.mark.parametrize(
    "recipes, count",
    [
        ([Recipe(epochs=6), Recipe(epochs=12)], 2),
        ([Recipe(epochs=6), Recipe(epochs=12), Recipe(epochs=3)], 3),
        ([Recipe(), Recipe(mixup=0.4), Recipe(mixup=0.4, epochs=20)], 2),
    ],
)
@pytest.mark.parametrize("budget", ["cost", "epochs"])
def test_recipes_that_an_equal_budget_makes_one_are_an_error(recipes, count, budget):
    message = (
        f"recipes must be different in more than the epochs, .* equal {budget} sets, got {count}"
    )
    with pytest.raises(ValueError, match=message):
        compare(recipes, budget=budget)


def test_the_same_recipe_twice_is_trained_once(small):
    recipe = replace(TINY, epochs=1)
    held = compare([recipe, replace(recipe, seed=7), recipe], seeds=[0], path=small, jobs=1)
    assert len(held.runs) == 1


def test_curves_of_a_workbench_have_names_of_their_own(monkeypatch):
    from matplotlib.axes import Axes

    from lesson7.workbench import curves

    labels, plot = [], Axes.plot

    def spy(self, *args, **options):
        labels.append(options["label"])
        return plot(self, *args, **options)

    monkeypatch.setattr(Axes, "plot", spy)
    held = comparison(Recipe(epochs=3), Recipe(epochs=5), Recipe(noise=0.251), seeds=1)
    for run in held.runs:
        run.history = [dict(size=48, epoch=1, trained=True, accuracy=0.5)]
    curves(held.runs)
    assert labels == [
        "baseline (epochs=3), seed 0",
        "baseline (epochs=5), seed 0",
        "baseline, seed 0, 25.1 % wrong",
    ]


def test_curves_skip_an_epoch_that_was_cancelled():
    from lesson7.workbench import curves

    held = comparison(Recipe(), seeds=1)
    held.runs[0].history = [
        dict(size=48, epoch=1, trained=True),
        dict(size=48, epoch=2, trained=True, accuracy=0.5),
    ]
    (line,) = curves(held.runs).axes[0].lines
    assert list(line.get_xdata()) == [2]


# ---- Ranks


@pytest.fixture
def environment(monkeypatch):
    "A function that sets the variables of `torchrun`, and removes those that are not given."

    def set_variables(**values):
        for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return set_variables


@pytest.mark.parametrize(
    "values",
    [
        dict(RANK="1"),
        dict(RANK="1", WORLD_SIZE="1"),
        dict(RANK="3", LOCAL_RANK="3"),
        dict(RANK="1", WORLD_SIZE=""),
        dict(RANK="7", WORLD_SIZE="0"),
        {},
    ],
    ids=str,
)
def test_a_process_without_others_is_the_first(values, environment):
    from lesson7.training.distributed import is_first, world

    environment(**values)
    assert world() == 1 and is_first()


@pytest.mark.parametrize(
    "values, first",
    [
        (dict(RANK="0", WORLD_SIZE="2"), True),
        (dict(RANK="1", WORLD_SIZE="2"), False),
        (dict(WORLD_SIZE="2"), True),
        (dict(RANK="3", WORLD_SIZE="4"), False),
    ],
    ids=str,
)
def test_one_of_several_processes_is_the_first(values, first, environment):
    from lesson7.training.distributed import is_first, world

    environment(**values)
    assert world() == int(values["WORLD_SIZE"]) and is_first() == first


@pytest.mark.parametrize(
    "values, message",
    [
        (dict(RANK="2", WORLD_SIZE="2"), r"RANK must be below WORLD_SIZE \(2\), got 2"),
        (dict(RANK="x", WORLD_SIZE="2"), "RANK must be a whole number, 0 or more, got 'x'"),
        (dict(RANK="-1", WORLD_SIZE="2"), "RANK must be a whole number, 0 or more, got '-1'"),
        (dict(WORLD_SIZE="two"), "WORLD_SIZE must be a whole number, 0 or more, got 'two'"),
        (dict(WORLD_SIZE="1.5"), "WORLD_SIZE must be a whole number, 0 or more, got '1.5'"),
    ],
    ids=str,
)
def test_variables_that_make_no_sense_are_an_error(values, message, environment):
    from lesson7.training.distributed import is_first

    environment(**values)
    with pytest.raises(ValueError, match=message):
        is_first()


ONE_PROCESS = [
    dict(RANK="1"),
    dict(RANK="2", WORLD_SIZE="1"),
    dict(WORLD_SIZE=""),
    dict(RANK="", WORLD_SIZE="", LOCAL_RANK=""),
]


@pytest.mark.parametrize("values", ONE_PROCESS, ids=str)
def test_the_command_saves_whatever_rank_is_left_in_the_environment(
    values, environment, small, tmp_path, capsys
):
    from lesson7.cli import main
    from lesson7.share import load_model

    environment(**values)
    file, out = tmp_path / "recipe.json", tmp_path / "model"
    file.write_text(replace(TINY, epochs=1).to_json())
    code = main(["train", "--recipe", str(file), "--path", str(small), "--out", str(out)])
    assert code == 0 and f"The model is in {out}" in capsys.readouterr().out
    assert load_model(out) and Result.from_dict(json.loads((out / "result.json").read_text()))


@pytest.mark.parametrize("values", ONE_PROCESS, ids=str)
def test_the_launcher_writes_whatever_rank_is_left_in_the_environment(
    values, environment, small, tmp_path, capsys
):
    from lesson7.training.launch import main

    environment(**values)
    (tmp_path / "recipe.json").write_text(replace(TINY, epochs=1).to_json())
    main([str(tmp_path / "recipe.json"), "--path", str(small), "--out", str(tmp_path / "r.json")])
    assert (tmp_path / "r.json").exists() and "baseline: accuracy" in capsys.readouterr().out


def test_callbacks_write_whatever_rank_is_left_in_the_environment(
    environment, small, tmp_path, monkeypatch
):
    "fastai's `Learner.save` does nothing in a process whose rank is not 0."
    from fastai.vision.all import SaveModelCallback

    monkeypatch.chdir(tmp_path)
    environment(RANK="1")
    train(replace(TINY, epochs=1), small, cbs=[SaveModelCallback(fname="best")], bar=False)
    assert (tmp_path / "models" / "best.pth").exists() and os.environ["RANK"] == "1"


def test_a_comparison_in_several_processes_is_an_error(environment, small):
    environment(RANK="0", WORLD_SIZE="2")
    with pytest.raises(ValueError, match="WORLD_SIZE must be 1 for compare, got 2"):
        compare([TINY], seeds=1, path=small, jobs=1)


# ---- Threads and workers


@pytest.fixture(scope="module")
def few(cache):
    "A sample dataset of 10 + 10 images."
    from lesson7.data.samples import sample_dataset

    return sample_dataset(n_train=10, n_val=10)


@pytest.fixture
def threads():
    "A function that sets torch's threads for the test."
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def measures(held):
    return [(r.accuracy, r.loss, r.ece, r.history, r.versions) for r in held.runs]


def test_results_are_the_same_whatever_the_number_of_jobs(few, threads):
    arms = [replace(TINY, normalize=True, tta=1)]
    threads(2)
    one, two = (compare(arms, seeds=1, path=few, jobs=jobs) for jobs in (1, 2))
    assert measures(one) == measures(two)
    assert all("threads 1, workers 0" in run.versions for run in one.runs)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_training_of_a_comparison_has_one_thread(count, few, threads, monkeypatch):
    from lesson7.training import comparison as module

    seen = []

    def spy(recipe, *args, **options):
        seen.append(torch.get_num_threads())
        return train(recipe, *args, **options)

    monkeypatch.setattr(module, "train", spy)
    threads(count)
    compare([replace(TINY, epochs=1)], seeds=[1], path=few, jobs=1)
    assert seen == [1] and torch.get_num_threads() == count


def test_a_training_that_fails_gives_the_threads_back(small, threads, monkeypatch):
    from lesson7.training import comparison as module

    def fail(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "train", fail)
    threads(3)
    with pytest.raises(KeyboardInterrupt):
        compare([TINY], seeds=1, path=small, jobs=1)
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("count, workers", [(1, 0), (1, 1), (1, 2), (2, 0)])
def test_a_result_names_its_threads_and_workers(count, workers, few, threads, monkeypatch):
    from lesson7.training import loop

    get_dls = loop.get_dls

    def with_workers(*args, **options):
        return get_dls(*args, **options, num_workers=workers)

    monkeypatch.setattr(loop, "get_dls", with_workers)
    threads(count)
    result = train(replace(TINY, epochs=1), few, bar=False)
    assert f"; threads {count}, workers {workers}" in result.versions
    assert f"threads {count}, workers {workers}" in Comparison([result], ABOUT).source
