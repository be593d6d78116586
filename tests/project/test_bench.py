"The bench says what it measured: ratios of neighbours, quartiles, and a miss only where it is more than the spread."

import json

import pytest
from conftest import NBS

from bench.row import Row, quartiles, rounds


def row(theirs, ours, **kw):
    return Row("work", "theirs", theirs, ours, **kw)


def test_ratios_are_of_neighbours():
    "A slow minute that hits both leaves the ratio alone."
    assert row([30, 300, 30], [10, 100, 10]).to_dict()["ratio"] == [3, 3, 3]
    assert quartiles([1, 2, 3, 4, 5]) == [2, 3, 4] and quartiles([7]) == [7, 7, 7]


@pytest.mark.parametrize(
    "kw, missed",
    [
        (dict(least=2.5), False),
        (dict(least=3.5), False),
        (dict(least=5), True),  # ratios 2, 3, 4
        (dict(bound=[1, 1, 1], within=11), False),
        (dict(bound=[1, 1, 1], within=9.9), True),
        (dict(bound=[9, 10, 12], within=0.95), False),
        (dict(holds=False), True),
        (dict(), False),
    ],
)
def test_a_miss_is_more_than_the_spread(kw, missed):
    r = row([20, 30, 40], [10, 10, 10], **kw)
    assert r.missed() == missed == str(r).startswith("MISSED")


def test_rounds_take_turns():
    done = []
    times = rounds(3, lambda: done.append("a"), lambda: done.append("b"), per=2)
    assert done == ["a", "b"] * 4 and [len(t) for t in times] == [3, 3]


RESULTS = json.loads((NBS / "results" / "bench.json").read_text())


def test_the_committed_run_is_whole():
    works = " ".join(r["work"] for r in RESULTS["rows"])
    for part in (
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
        *(f"{name}Explorer" for name in ("Normalize", "Resize", "TTA", "Mixup", "Smoothing")),
    ):
        assert part in works
    assert all(RESULTS["about"][k] for k in ("machine", "system", "date", "commit", "minutes"))
    memory = [RESULTS["growth"]["pictures"][n] for n in ("1000", "20000")]
    for k in ("stats_mb", "first_mb", "again_mb"):
        assert memory[1][k] - memory[0][k] < 50
