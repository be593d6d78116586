"Rows of the benchmark: ratios within a round, quartiles, and what counts as missed."

import json

import pytest
from conftest import NBS

from bench.row import Row, quartiles, time_rounds


def make_row(theirs, ours, **options):
    return Row("work", "theirs", theirs, ours, **options)


def test_ratios_are_taken_within_a_round():
    "A slow round, in which both take longer, does not change the ratio."
    row = make_row([30, 300, 30], [10, 100, 10])
    assert row.to_dict()["ratio"] == [3, 3, 3]


def test_quartiles():
    assert quartiles([1, 2, 3, 4, 5]) == [2, 3, 4]
    assert quartiles([7]) == [7, 7, 7]


@pytest.mark.parametrize(
    "options, is_missed",
    [
        (dict(least=2.5), False),
        (dict(least=3.5), False),
        (dict(least=5), True),
        (dict(bound=[1, 1, 1], within=11), False),
        (dict(bound=[1, 1, 1], within=9.9), True),
        (dict(bound=[9, 10, 12], within=0.95), False),
        (dict(holds=False), True),
        (dict(), False),
    ],
)
def test_a_row_is_missed_by_more_than_the_spread(options, is_missed):
    row = make_row([20, 30, 40], [10, 10, 10], **options)  # ratios 2, 3, 4
    assert row.missed() == is_missed
    assert str(row).startswith("MISSED") == is_missed


def test_rounds_run_each_function_in_turn():
    calls = []
    times = time_rounds(3, lambda: calls.append("a"), lambda: calls.append("b"), per=2)
    assert calls == ["a", "b"] * 4  # the first round is not counted
    assert [len(each) for each in times] == [3, 3]


# ---- The committed results

RESULTS = json.loads((NBS / "results" / "bench.json").read_text())
EXPLORERS = ("Normalize", "Resize", "TTA", "Mixup", "Smoothing")
ROWS = [
    "whole course",
    "import lesson7",
    "explorer on screen",
    "explorer without its still",
    "explorer with its still",
    "dataset_stats",
    "memory that stays",
    "tta, n=4, JPEGs",
    "tta, n=4, the sample",
    "get_dls(64, 128)",
    *[f"{name}Explorer" for name in EXPLORERS],
]
LARGEST_GROWTH = 50  # MB, from 1,000 to 20,000 images


@pytest.mark.parametrize("name", ROWS)
def test_the_committed_results_have_every_row(name):
    assert any(name in row["work"] for row in RESULTS["rows"])


@pytest.mark.parametrize("key", ["machine", "system", "date", "commit", "minutes"])
def test_the_committed_results_describe_the_run(key):
    assert RESULTS["about"][key]


@pytest.mark.parametrize("key", ["stats_mb", "first_mb", "again_mb"])
def test_memory_does_not_grow_with_the_number_of_images(key):
    few, many = (RESULTS["growth"]["pictures"][count] for count in ("1000", "20000"))
    assert many[key] - few[key] < LARGEST_GROWTH
