"The comparison: fair arms, honest intervals, and work that is never lost or done twice."

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from conftest import NBS
from scipy import stats

from lesson7.recipe import choose, techniques
from lesson7.resize import Stage
from lesson7.training import comparison
from lesson7.training.comparison import Comparison, compare, plot_comparison
from lesson7.training.config import Recipe, cost, matched
from lesson7.training.launch import main
from lesson7.training.loop import Result


def test_arms_are_the_baseline_each_technique_alone_and_all_five():
    arms = techniques(Recipe.cpu(noise=0.25, seed=3))
    assert [a.name for a in arms] == [
        "baseline",
        "+ normalize",
        "+ resize",
        "+ tta",
        "+ mixup",
        "+ smoothing",
        "all five",
    ]
    assert {(a.arch, a.bs, a.size, a.noise, a.seed, a.lr) for a in arms} == {
        ("xresnet18-narrow", 32, 48, 0.25, 3, 3e-3)
    }
    assert (
        arms[-1].mixup,
        arms[-1].smoothing,
        arms[-1].tta,
        arms[-1].normalize,
        arms[-1].stages,
    ) == (0.4, 0.1, 4, True, Recipe.cpu().stages)


def test_stages_are_made_where_a_recipe_has_none():
    assert techniques(Recipe())[2].stages == (Stage(32, 32, 8, 3e-3), Stage(48, 32, 3, 1e-3))
    with pytest.raises(ValueError, match="epochs is 5; progressive resizing needs at least 6"):
        techniques(Recipe(epochs=5))
    with pytest.raises(
        ValueError, match="There is no technique .mixpu.; there are normalize, resize"
    ):
        choose(Recipe(), ["mixpu"])


@pytest.mark.parametrize(
    "base", [Recipe.cpu(), Recipe.gpu(), Recipe(size=60, epochs=30)], ids=["cpu", "gpu", "other"]
)
def test_equal_cost_is_never_more_than_the_baselines_and_nearly_all_of_it(base):
    plain, *others = techniques(base)
    for arm in (matched(a, plain) for a in others):
        assert cost(plain) - arm.plan[0].size ** 2 < cost(arm) <= cost(plain)
        assert arm.plan[1:] == (base.stages[1:] if base.stages and arm.stages else arm.plan[1:])


def test_equal_epochs_is_as_many_images():
    plain, *others = techniques(Recipe.cpu())
    assert {matched(a, plain, "epochs").epochs for a in others} == {12}
    assert matched(Recipe(epochs=3), plain, "epochs").epochs == 12


def test_what_cannot_be_matched_is_refused():
    with pytest.raises(ValueError, match="budget is \"?'?time"):
        matched(Recipe(), Recipe(), "time")
    with pytest.raises(
        ValueError, match=r"The later stages of '\+ resize' cost more than all of 'baseline'"
    ):
        matched(techniques(Recipe())[2], Recipe(epochs=2))


def result(recipe, accuracy):
    return Result(recipe, accuracy, 1 - accuracy, 0.1, 60.0, 2.0, [], "a machine")


@pytest.fixture
def example():
    "A gain that holds, one of which nobody can say, and a loss."
    accs = {
        Recipe(): (0.80, 0.81, 0.79),
        Recipe(tta=4): (0.83, 0.84, 0.82),
        Recipe(smoothing=0.1): (0.82, 0.77, 0.80),
        Recipe(mixup=0.4): (0.70, 0.72, 0.71),
    }
    runs = [result(replace(r, seed=s), a) for r, each in accs.items() for s, a in enumerate(each)]
    return Comparison(
        runs, dict(budget="cost", dataset="toys", jobs=1, commit="abc", date="2026-11-24")
    )


def test_the_table_has_scipys_intervals_and_says_what_is_noise(example):
    table = example.table()
    assert table.index.tolist() == [
        ("0 %", n) for n in ("baseline", "+ tta", "+ smoothing", "+ mixup")
    ]
    assert table.verdict.tolist() == ["", "better", "within the noise", "worse"]
    low, high = stats.t.interval(0.95, 2, loc=np.mean([2, -4, 1]), scale=stats.sem([2, -4, 1]))
    row = table.loc["0 %", "+ smoothing"]
    assert row["gain"] == pytest.approx((low + high) / 2, abs=0.06) and row["± "] == pytest.approx(
        (high - low) / 2, abs=0.06
    )
    low, high = stats.t.interval(0.95, 2, loc=80, scale=stats.sem([80, 81, 79]))
    assert table.loc["0 %", "baseline"]["±"] == pytest.approx((high - low) / 2, abs=0.06)


def test_gains_are_taken_seed_by_seed(example):
    example.runs.reverse()
    assert sorted(example.differences((0.0, "+ smoothing"))) == pytest.approx([-0.04, 0.01, 0.02])
    assert example.differences((0.0, "+ tta")) == pytest.approx(
        [0.03] * 3
    )  # equal in every seed, so its interval is narrow


def test_one_seed_has_no_interval_and_no_verdict(example):
    example.runs = [r for r in example.runs if r.recipe.seed == 0]
    table = example.table()
    assert table["±"].isna().all() and set(table.verdict) == {""}


def test_the_plot_shows_every_seed_and_every_interval(example):
    ax = plot_comparison(example).axes[0]
    assert [len(c.get_offsets()) for c in ax.collections if len(c.get_offsets()) > 1] == [
        3,
        3,
        3,
    ] and len(ax.containers) == 3
    assert [t.get_text() for t in ax.get_yticklabels()] == ["+ tta", "+ smoothing", "+ mixup"]


def test_a_comparison_comes_back_from_its_file(example, tmp_path):
    example.save(tmp_path / "c.json")
    again = Comparison.load(tmp_path / "c.json")
    assert again.runs == example.runs and again.source == example.source
    assert all(
        word in again.source
        for word in (
            "12 results",
            "toys",
            "seeds 0, 1, 2",
            "cost",
            "a machine",
            "abc",
            "2026-11-24",
        )
    )


@pytest.mark.parametrize(
    "text, says",
    [
        ("{", "not readable JSON"),
        ("[1]", "holds no comparison"),
        ('{"format": 2}', "holds no comparison that this version can read"),
    ],
)
def test_a_file_that_holds_none(tmp_path, text, says):
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(ValueError, match=says):
        Comparison.load(tmp_path / "c.json")


TINY = Recipe(size=16, bs=16, epochs=1)


def test_compare_trains_shares_and_resumes(small, tmp_path, monkeypatch):
    trained, train = [], comparison.train

    def counted(recipe, *a, **kw):
        trained.append((recipe.name, recipe.seed))
        if stop and len(trained) == 3:
            raise KeyboardInterrupt
        return train(recipe, *a, **kw)

    monkeypatch.setattr(comparison, "train", counted)
    arms, stop = [TINY, replace(TINY, tta=2), replace(TINY, smoothing=0.1)], True
    ask = lambda **kw: compare(
        arms, **dict(seeds=2, path=small, save=tmp_path / "c.json", jobs=1) | kw
    )
    with pytest.raises(KeyboardInterrupt):
        ask()
    assert (
        len(Comparison.load(tmp_path / "c.json").runs) == 3
    )  # two trainings, one of them judged twice
    stop = False
    done = ask()
    assert [(r.recipe.name, r.recipe.seed) for r in done.runs] == [
        (n, s) for s in (0, 1) for n in ("baseline", "+ tta", "+ smoothing")
    ]
    assert trained == [
        ("baseline", 0),
        ("+ smoothing", 0),
        ("baseline", 1),
        ("baseline", 1),
        ("+ smoothing", 1),
    ]  # the third was interrupted
    assert ask().runs == done.runs and len(trained) == 5
    assert len(ask(seeds=[5]).runs) == 9 and len(trained) == 7  # more seeds join what is there
    plain, with_tta = done.runs[0], done.runs[1]
    assert (
        plain.seconds == with_tta.seconds
        and plain.history == with_tta.history
        and plain.loss != with_tta.loss
    )
    with pytest.raises(ValueError, match="holds a comparison of equal cost"):
        ask(budget="epochs")


KILLED = """
import sys
from dataclasses import replace
from lesson7.training.comparison import compare
from lesson7.training.config import Recipe
if __name__ == "__main__":
    tiny = Recipe(size=16, bs=16, epochs=1)
    compare([tiny, replace(tiny, smoothing=.1)], seeds=20, path=sys.argv[1], save=sys.argv[2], jobs=1)
"""


def test_killed_in_the_middle_it_goes_on(small, tmp_path):
    file = tmp_path / "c.json"
    (tmp_path / "killed.py").write_text(KILLED)
    run = lambda: subprocess.Popen(
        [sys.executable, tmp_path / "killed.py", small, file],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    there = lambda: (
        len(Comparison.load(file).runs) if file.exists() else 0
    )  # never finds a file that is half written
    before = 0
    for _ in range(2):
        process, end = run(), time.monotonic() + 120
        while there() < before + 2:
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        kept = Comparison.load(file).runs
        assert len(kept) >= before + 2 and len({r.recipe for r in kept}) == len(kept)
        before = len(kept)


def test_the_command_line_says_what_is_wrong(tmp_path, capsys):
    (tmp_path / "r.json").write_text('{"mixpu": 1}')
    for args, says in (
        ([str(tmp_path / "r.json")], "'mixpu'"),
        ([str(tmp_path / "none.json")], "none.json"),
        (["--path", str(tmp_path)], "has no images"),
    ):
        with pytest.raises(SystemExit) as e:
            main(args)
        said = capsys.readouterr().err
        assert e.value.code == 2 and says in said and said.count("\n") == 1


HELD = NBS / "results" / "digits.json"


@pytest.mark.skipif(not HELD.exists(), reason="no results yet")
def test_the_results_that_the_chapter_shows_are_whole():
    held = Comparison.load(HELD)
    seeds = {r.recipe.seed for r in held.runs}
    assert len(seeds) >= 3 and all(set(runs) == seeds for runs in held.arms().values())
    for noise in (0.0, 0.25):
        plain, *others = arms = [
            matched(a, techniques(Recipe.cpu(noise=noise))[0])
            for a in techniques(Recipe.cpu(noise=noise))
        ]
        assert {replace(r.recipe, seed=42) for r in held.runs if r.recipe.noise == noise} == set(
            arms
        )
    assert all(
        len([h for h in r.history if h["trained"]]) == r.recipe.epochs and r.seconds > 0
        for r in held.runs
    )
    assert (
        held.about["commit"] not in ("none", "")
        and "dirty" not in held.about["commit"]
        and held.about["date"]
    )


@pytest.mark.slow
def test_a_result_of_the_chapter_can_be_had_again():
    "`make results` in small: the first one of all, with its own seed, as near as two machines' sums may be."
    held = Comparison.load(HELD).runs[0]
    again = compare([held.recipe], seeds=[held.recipe.seed]).runs[0]
    assert again.recipe == held.recipe and len(again.history) == len(held.history)
    assert again.accuracy == pytest.approx(held.accuracy, abs=0.03) and again.loss == pytest.approx(
        held.loss, abs=0.1
    )
