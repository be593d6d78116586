"Comparisons: arms of equal cost, intervals, and runs that continue after an interruption."

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from conftest import NBS
from PIL import Image
from scipy import stats

from lesson7.recipe import choose, techniques
from lesson7.resize import Stage
from lesson7.training import comparison
from lesson7.training.comparison import Comparison, compare, plot_comparison
from lesson7.training.config import Recipe, cost, matched
from lesson7.training.launch import main
from lesson7.training.loop import Result

# ---- Arms


def test_arms_are_the_baseline_each_technique_and_all_five():
    names = [arm.name for arm in techniques(Recipe.cpu())]
    assert names == [
        "baseline",
        "+ normalize",
        "+ resize",
        "+ tta",
        "+ mixup",
        "+ smoothing",
        "all five",
    ]


def test_arms_keep_the_other_settings_of_the_recipe():
    arms = techniques(Recipe.cpu(noise=0.25, seed=3))
    settings = {(arm.arch, arm.bs, arm.size, arm.noise, arm.seed, arm.lr) for arm in arms}
    assert settings == {("xresnet18-narrow", 32, 48, 0.25, 3, 3e-3)}


def test_the_last_arm_has_all_techniques():
    last = techniques(Recipe.cpu())[-1]
    assert (last.mixup, last.smoothing, last.tta, last.normalize) == (0.4, 0.1, 4, True)
    assert last.stages == Recipe.cpu().stages


def test_techniques_makes_stages_for_a_recipe_without_them():
    resize = techniques(Recipe())[2]
    assert resize.stages == (Stage(32, 32, 8, 3e-3), Stage(48, 32, 3, 1e-3))


def test_techniques_raises_on_too_few_epochs_for_stages():
    with pytest.raises(
        ValueError, match="epochs must be 6 or more for progressive resizing, got 5"
    ):
        techniques(Recipe(epochs=5))


def test_choose_raises_on_an_unknown_technique():
    message = "technique must be one of 'normalize', 'resize', .*, got 'mixpu'"
    with pytest.raises(ValueError, match=message):
        choose(Recipe(), ["mixpu"])


# ---- Equal cost


@pytest.mark.parametrize(
    "recipe", [Recipe.cpu(), Recipe.gpu(), Recipe(size=60, epochs=30)], ids=["cpu", "gpu", "other"]
)
def test_equal_cost_is_at_most_an_epoch_below_the_baselines(recipe):
    baseline, *others = techniques(recipe)
    for arm in others:
        equal = matched(arm, baseline)
        epoch = equal.plan[0].size ** 2  # cost of an epoch in the first stage
        assert cost(baseline) - epoch < cost(equal) <= cost(baseline)


@pytest.mark.parametrize("recipe", [Recipe.cpu(), Recipe.gpu()], ids=["cpu", "gpu"])
def test_equal_cost_keeps_the_later_stages(recipe):
    baseline, *others = techniques(recipe)
    with_stages = [arm for arm in others if arm.stages]
    assert with_stages
    for arm in with_stages:
        assert matched(arm, baseline).plan[1:] == recipe.stages[1:]


def test_equal_epochs_are_as_many_epochs():
    baseline, *others = techniques(Recipe.cpu())
    assert {matched(arm, baseline, "epochs").epochs for arm in others} == {12}
    assert matched(Recipe(epochs=3), baseline, "epochs").epochs == 12


def test_matched_raises_on_an_unknown_budget():
    with pytest.raises(ValueError, match="budget must be one of 'cost', 'epochs', got 'time'"):
        matched(Recipe(), Recipe(), "time")


def test_matched_raises_where_later_stages_cost_too_much():
    resize = techniques(Recipe())[2]
    message = (
        r"budget of the later stages of '\+ resize' must be below 4608, that of all of 'baseline'"
    )
    with pytest.raises(ValueError, match=message):
        matched(resize, Recipe(epochs=2))


# ---- Tables and plots


def made_up_result(recipe, accuracy):
    return Result(
        recipe,
        accuracy,
        loss=1 - accuracy,
        ece=0.1,
        seconds=60.0,
        predict_seconds=2.0,
        history=[],
        versions="a machine",
    )


ACCURACIES = {  # of seeds 0, 1, 2
    Recipe(): (0.80, 0.81, 0.79),
    Recipe(tta=4): (0.83, 0.84, 0.82),  # better
    Recipe(smoothing=0.1): (0.82, 0.77, 0.80),  # within the noise
    Recipe(mixup=0.4): (0.70, 0.72, 0.71),  # worse
}


@pytest.fixture
def example():
    "A comparison of the baseline with three techniques."
    runs = []
    for recipe, accuracies in ACCURACIES.items():
        for seed, accuracy in enumerate(accuracies):
            runs.append(made_up_result(replace(recipe, seed=seed), accuracy))
    about = dict(budget="cost", dataset="toys", jobs=1, commit="abc", date="2026-11-24")
    return Comparison(runs, about)


def scipy_interval(values):
    "Return the mean and the half-width of the 95 % interval, by SciPy."
    mean = np.mean(values)
    low, high = stats.t.interval(0.95, len(values) - 1, loc=mean, scale=stats.sem(values))
    return mean, (high - low) / 2


def test_the_table_has_a_row_and_a_verdict_for_each_arm(example):
    table = example.table()
    names = ("baseline", "+ tta", "+ smoothing", "+ mixup")
    assert table.index.tolist() == [("0 %", name) for name in names]
    assert table.verdict.tolist() == ["", "better", "within the noise", "worse"]


def test_the_intervals_of_the_table_are_scipys(example):
    table = example.table()
    mean, half_width = scipy_interval([2, -4, 1])
    smoothing = table.loc["0 %", "+ smoothing"]
    assert smoothing["gain"] == pytest.approx(mean, abs=0.06)
    assert smoothing["gain ±"] == pytest.approx(half_width, abs=0.06)
    _, half_width = scipy_interval([80, 81, 79])
    assert table.loc["0 %", "baseline"]["accuracy ±"] == pytest.approx(half_width, abs=0.06)


def test_differences_are_paired_by_seed(example):
    example.runs.reverse()
    smoothing = example.differences((0.0, "+ smoothing"))
    assert sorted(smoothing) == pytest.approx([-0.04, 0.01, 0.02])
    assert example.differences((0.0, "+ tta")) == pytest.approx([0.03] * 3)


def test_one_seed_has_no_interval_and_no_verdict(example):
    example.runs = [run for run in example.runs if run.recipe.seed == 0]
    table = example.table()
    assert table["accuracy ±"].isna().all()
    assert set(table.verdict) == {""}


def test_the_plot_shows_every_seed_and_every_interval(example):
    axes = plot_comparison(example).axes[0]
    dots = [len(collection.get_offsets()) for collection in axes.collections]
    assert [count for count in dots if count > 1] == [3, 3, 3]
    assert len(axes.containers) == 3
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["+ tta", "+ smoothing", "+ mixup"]


# ---- Files


def test_a_comparison_is_saved_and_loaded(example, tmp_path):
    example.save(tmp_path / "comparison.json")
    loaded = Comparison.load(tmp_path / "comparison.json")
    assert loaded.runs == example.runs and loaded.source == example.source


def test_the_source_names_data_seeds_budget_machine_commit_and_date(example):
    parts = ("12 results", "toys", "seeds 0, 1, 2", "cost", "a machine", "abc", "2026-11-24")
    for part in parts:
        assert part in example.source


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "must be a comparison, got no JSON"),
        ("[1]", r"must be a comparison, got \[1\]"),
        ('{"format": 2}', "must be a comparison of format 1, got format 2"),
    ],
)
def test_load_raises_on_a_file_without_a_comparison(tmp_path, text, message):
    (tmp_path / "comparison.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        Comparison.load(tmp_path / "comparison.json")


# ---- compare

TINY = Recipe(size=16, bs=16, epochs=1)
ARMS = [TINY, replace(TINY, tta=2), replace(TINY, smoothing=0.1)]


class CountedTraining:
    "Trains, and records the name and seed of each recipe; can be interrupted in one training."

    def __init__(self):
        self.trained = []
        self.interrupted_at = None  # number of a training, from 1

    def __call__(self, recipe, *args, train=comparison.train, **options):
        self.trained.append((recipe.name, recipe.seed))
        if len(self.trained) == self.interrupted_at:
            raise KeyboardInterrupt
        return train(recipe, *args, **options)


@pytest.fixture(scope="module")
def interrupted_file(small, tmp_path_factory):
    "The file of a comparison that was interrupted in its third training."
    file = tmp_path_factory.mktemp("compare") / "comparison.json"
    training = CountedTraining()
    training.interrupted_at = 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "train", training)
        with pytest.raises(KeyboardInterrupt):
            compare(ARMS, seeds=2, path=small, save=file, jobs=1)
    assert training.trained == [("baseline", 0), ("+ smoothing", 0), ("baseline", 1)]
    return file


@pytest.fixture(scope="module")
def continued(small, interrupted_file, tmp_path_factory):
    "The continued comparison, its file, and the recipes that were trained in it."
    file = shutil.copy(interrupted_file, tmp_path_factory.mktemp("compare"))
    training = CountedTraining()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "train", training)
        done = compare(ARMS, seeds=2, path=small, save=file, jobs=1)
    return done, file, training.trained


@pytest.fixture
def training(monkeypatch):
    "Counts the trainings of a test."
    counted = CountedTraining()
    monkeypatch.setattr(comparison, "train", counted)
    return counted


def test_an_interrupted_comparison_has_its_finished_results(interrupted_file):
    assert len(Comparison.load(interrupted_file).runs) == 3  # of two trainings


def test_a_continued_comparison_trains_only_what_is_missing(continued):
    done, _, trained = continued
    assert trained == [("baseline", 1), ("+ smoothing", 1)]
    assert [(run.recipe.name, run.recipe.seed) for run in done.runs] == [
        ("baseline", 0),
        ("+ tta", 0),
        ("+ smoothing", 0),
        ("baseline", 1),
        ("+ tta", 1),
        ("+ smoothing", 1),
    ]


def test_recipes_that_differ_in_tta_alone_share_a_training(continued):
    done, _, _ = continued
    plain, with_tta = done.runs[:2]
    assert plain.seconds == with_tta.seconds and plain.history == with_tta.history
    assert plain.loss != with_tta.loss


def test_a_finished_comparison_trains_nothing(continued, small, training):
    done, file, _ = continued
    assert compare(ARMS, seeds=2, path=small, save=file, jobs=1).runs == done.runs
    assert training.trained == []


def test_other_seeds_are_added_to_a_comparison(continued, small, tmp_path, training):
    file = shutil.copy(continued[1], tmp_path)
    assert len(compare(ARMS, seeds=[5], path=small, save=file, jobs=1).runs) == 9
    assert len(training.trained) == 2


def test_another_budget_needs_another_file(continued, small):
    _, file, _ = continued
    with pytest.raises(ValueError, match="^budget of .* must be epochs, got cost; give another"):
        compare(ARMS, seeds=2, budget="epochs", path=small, save=file, jobs=1)


def exchange_labels(path):
    first, second = path / "train" / "0", path / "train" / "1"
    first.rename(path / "aside")
    second.rename(first)
    (path / "aside").rename(second)


def change_a_pixel(path):
    file = next((path / "val" / "3").iterdir())
    image = Image.open(file).convert("RGB")
    image.putpixel((0, 0), (255, 0, 0))
    image.save(file)


def remove_an_image(path):
    next((path / "train" / "5").iterdir()).unlink()


@pytest.mark.parametrize("change", [exchange_labels, change_a_pixel, remove_an_image])
def test_other_images_under_the_same_name_need_another_file(continued, small, tmp_path, change):
    _, file, _ = continued
    other = shutil.copytree(small, tmp_path / small.name)
    (other / "dataset.json").unlink()  # it is the reader's own dataset now
    compare(ARMS[:1], seeds=[0], path=other, save=file, jobs=1)
    change(other)
    with pytest.raises(ValueError, match="^content of .* give another file"):
        compare(ARMS[:1], seeds=[0], path=other, save=file, jobs=1)


OTHER_BASELINES = [dict(epochs=2), dict(lr=0.01), dict(size=32), dict(bs=8)]


@pytest.mark.parametrize("changes", OTHER_BASELINES, ids=str)
def test_another_baseline_needs_another_file(continued, small, tmp_path, monkeypatch, changes):
    monkeypatch.setattr("lesson7.training.comparison._train_groups", lambda *args: iter(()))
    comparison, file, _ = continued
    other = shutil.copy(file, tmp_path / "comparison.json")
    (baseline,) = {
        replace(run.recipe, seed=0) for run in comparison.runs if run.recipe.name == "baseline"
    }
    arms = [replace(baseline, **changes), replace(baseline, smoothing=0.2, **changes)]
    with pytest.raises(ValueError, match="^baseline of .* must be baseline .*; give another file"):
        compare(arms, seeds=[0], path=small, save=other, jobs=1)
    compare([baseline, replace(baseline, smoothing=0.2)], seeds=[0], path=small, save=other, jobs=1)


COMPARE = """
import sys
from dataclasses import replace
from lesson7.training.comparison import compare
from lesson7.training.config import Recipe

if __name__ == "__main__":
    tiny = Recipe(size=16, bs=16, epochs=1)
    arms = [tiny, replace(tiny, smoothing=0.1)]
    compare(arms, seeds=20, path=sys.argv[1], save=sys.argv[2], jobs=1)
"""
LONGEST_WAIT = 120  # seconds
LONG = pytest.mark.long


def count_runs(file):
    "Return how many runs are in a comparison's file, which is never half written."
    return len(Comparison.load(file).runs) if file.exists() else 0


@pytest.mark.parametrize("is_begun, kills", [(True, 1), pytest.param(False, 3, marks=LONG)])
def test_a_killed_comparison_continues(small, tmp_path, is_begun, kills):
    script, file = tmp_path / "compare.py", tmp_path / "comparison.json"
    script.write_text(COMPARE)
    command = [sys.executable, script, small, file]
    if is_begun:
        tiny = Recipe(size=16, bs=16, epochs=1)
        compare([tiny, replace(tiny, smoothing=0.1)], seeds=1, path=small, save=file, jobs=1)
    before = count_runs(file)
    for _ in range(kills):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + LONGEST_WAIT
        while count_runs(file) < before + 2:
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        runs = Comparison.load(file).runs
        assert len(runs) >= before + 2
        assert len({run.recipe for run in runs}) == len(runs)
        before = len(runs)


# ---- Command line of lesson7.training.launch


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["unknown.json"], "'mixpu'"),
        (["missing.json"], "missing.json"),
        (["--path", "empty"], "number of images in empty must be 1 or more, got 0"),
    ],
)
def test_a_mistake_prints_one_line_and_ends_with_code_2(
    tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "unknown.json").write_text('{"mixpu": 1}')
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1


# ---- The committed results of chapter six

COMMITTED = NBS / "results" / "digits.json"


@pytest.fixture(scope="module")
def committed():
    if not COMMITTED.exists():
        pytest.skip("there are no committed results")
    return Comparison.load(COMMITTED)


def test_committed_results_have_three_seeds_or_more_of_every_arm(committed):
    seeds = {run.recipe.seed for run in committed.runs}
    assert len(seeds) >= 3
    assert all(set(runs) == seeds for runs in committed.arms().values())


@pytest.mark.parametrize("noise", [0.0, 0.25])
def test_committed_results_have_the_arms_of_the_recipe(committed, noise):
    arms = techniques(Recipe.cpu(noise=noise))
    expected = {matched(arm, arms[0]) for arm in arms}
    recipes = [run.recipe for run in committed.runs if run.recipe.noise == noise]
    assert {replace(recipe, seed=42) for recipe in recipes} == expected


def test_committed_results_have_all_epochs(committed):
    for run in committed.runs:
        trained = [row for row in run.history if row["trained"]]
        assert len(trained) == run.recipe.epochs
        assert run.seconds > 0


def test_committed_results_name_a_clean_commit_and_a_date(committed):
    assert committed.about["commit"] not in ("none", "")
    assert "dirty" not in committed.about["commit"]
    assert committed.about["date"]


@pytest.mark.long
def test_a_committed_result_is_reproduced(committed):
    "Trains the first one again, with its seed; other machines add in another order."
    expected = committed.runs[0]
    again = compare([expected.recipe], seeds=[expected.recipe.seed]).runs[0]
    assert again.recipe == expected.recipe
    assert len(again.history) == len(expected.history)
    assert again.accuracy == pytest.approx(expected.accuracy, abs=0.03)
    assert again.loss == pytest.approx(expected.loss, abs=0.1)
