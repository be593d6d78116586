"""Rows and labels of a comparison belong to their arms, and probabilities to their loss.

The right values are those that the results are made of.
"""

import json
from dataclasses import replace

import pytest
import torch
from torch import nn

from lesson7 import sample_dataset
from lesson7.outputs import activation
from lesson7.training import comparison as comparison_module
from lesson7.training.comparison import Comparison, _percent, compare, plot_comparison
from lesson7.training.config import Recipe
from lesson7.training.loop import Result

ABOUT = dict(budget="cost", dataset="toys", jobs=1, commit="abc", date="2026-11-26")
BASE = Recipe()
MIXUP, SMOOTHING, TTA = replace(BASE, mixup=0.4), replace(BASE, smoothing=0.1), replace(BASE, tta=4)


def result(recipe, accuracy):
    measures = dict(accuracy=accuracy, loss=1.0, ece=0.1, seconds=1.0, predict_seconds=0.1)
    return Result(replace(recipe, seed=0), history=[], versions="a machine", **measures)


def comparison(*panels):
    "Return a comparison; a panel is a share of wrong labels, and gains by recipe."
    runs = []
    for noise, gains in panels:
        runs.append(result(replace(BASE, noise=noise), 0.5))
        runs += [result(replace(recipe, noise=noise), 0.5 + gain) for recipe, gain in gains]
    return Comparison(runs, ABOUT)


def shown(ax):
    "Return arm -> gain in points, as an axis shows them."
    labels = [label.get_text() for label in ax.get_yticklabels()]
    if not any(labels):  # a shared axis
        labels = [label.get_text() for label in ax.figure.axes[0].get_yticklabels()]
    places = list(ax.get_yticks())
    found = {}
    for container in ax.containers:
        (x,), (y,) = container[0].get_data()
        found[labels[places.index(y)]] = round(float(x))
    return found


PANELS = {
    "the same arms": [(0, [(MIXUP, 0.4), (TTA, 0.1)]), (0.25, [(MIXUP, -0.1), (TTA, 0.2)])],
    "other arms": [(0, [(MIXUP, 0.4)]), (0.25, [(SMOOTHING, -0.1)])],
    "fewer arms": [(0, [(MIXUP, 0.4), (SMOOTHING, 0.3)]), (0.25, [(SMOOTHING, -0.1)])],
    "more arms": [(0, [(TTA, 0.3)]), (0.25, [(MIXUP, -0.2), (TTA, 0.2), (SMOOTHING, 0.1)])],
    "another order": [(0, [(MIXUP, 0.4), (TTA, 0.1)]), (0.25, [(TTA, 0.2), (MIXUP, -0.1)])],
}


@pytest.mark.parametrize("kind", PANELS)
def test_each_gain_is_beside_the_name_of_its_arm(kind):
    panels = PANELS[kind]
    figure = plot_comparison(comparison(*panels))
    figure.canvas.draw()
    for ax, (_, gains) in zip(figure.axes, panels, strict=True):
        expected = {recipe.name: round(100 * gain) for recipe, gain in gains}
        assert shown(ax) == expected
        bottom, top = ax.get_ylim()
        assert bottom > top  # the first arm is on top


@pytest.mark.parametrize("shares", [(1 / 3, 0.333333), (0.1, 0.1000001), (0.07, 0.0700000001)])
def test_shares_that_differ_have_rows_of_their_own(shares):
    runs = [result(replace(BASE, noise=noise), 0.5 + i / 10) for i, noise in enumerate(shares)]
    table = Comparison(runs, ABOUT).table()
    assert table["accuracy"].tolist() == [50.0, 60.0]


def seeded(recipe, seed, accuracy, loss):
    measures = dict(accuracy=accuracy, loss=loss, ece=0.12345, seconds=61.7, predict_seconds=1.26)
    return Result(replace(recipe, seed=seed), history=[], versions="a machine", **measures)


def test_a_row_has_its_numbers_in_the_decimals_of_the_table():
    runs = [seeded(BASE, 0, 0.70123, 0.61111), seeded(BASE, 1, 0.71234, 0.62345)]
    runs += [seeded(MIXUP, 0, 0.75155, 0.51111), seeded(MIXUP, 1, 0.74155, 0.52345)]
    table = Comparison(runs, ABOUT).table()
    assert table.loc["0 %", MIXUP.name].to_dict() == {
        "accuracy": 74.7,
        "accuracy ±": 6.4,  # 12.706 standard errors of 0.5 points
        "gain": 4.0,
        "gain ±": 13.4,  # the gains are 5.032 and 2.921
        "verdict": "within the noise",
        "loss": 0.517,
        "ECE": 0.123,
        "epochs": MIXUP.epochs,
        "train s": 62,
        "predict s": 1.3,
        "seeds": 2,
    }
    title = plot_comparison(Comparison(runs, ABOUT)).axes[0].get_title()
    assert title == "0 % wrong labels: baseline 70.7 %"


def test_a_plot_has_the_width_of_its_panels():
    widths = [
        plot_comparison(comparison(*PANELS["the same arms"][:n])).get_figwidth() for n in (1, 2)
    ]
    assert widths == pytest.approx([5.6, 10.2])


def test_a_plot_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="^number of results must be 1 or more, got 0$"):
        plot_comparison(Comparison([], ABOUT))


def wrapped(loss):
    from fastai.losses import BaseLoss

    return BaseLoss(loss)


@pytest.mark.parametrize(
    "loss, expected",
    [
        (nn.CrossEntropyLoss, lambda x: x.softmax(1)),
        (nn.NLLLoss, lambda x: x.exp()),
        (nn.BCEWithLogitsLoss, lambda x: x.sigmoid()),
    ],
)
def test_a_wrapped_loss_has_the_activation_of_what_it_wraps(loss, expected):
    logits = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]]).log_softmax(1)
    assert torch.allclose(activation(wrapped(loss))(logits), expected(logits))


def test_a_wrapped_loss_with_an_activation_of_its_own_keeps_it():
    loss = wrapped(nn.L1Loss)
    loss.activation = torch.sigmoid
    assert activation(loss) is None


def test_a_wrapped_loss_without_classes_is_rejected():
    with pytest.raises(ValueError, match="^loss must be one of fastai's, .*, got L1Loss$"):
        activation(wrapped(nn.L1Loss))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(recipes=[]), "number of recipes must be 1 or more, got 0"),
        (dict(recipes=BASE), "recipes must be a sequence of Recipe, got a Recipe"),
        (dict(recipes=["baseline"]), "recipes must be a sequence of Recipe, got a str"),
        (dict(recipes=[BASE], seeds=0), "number of seeds must be 1 or more, got 0"),
        (dict(recipes=[BASE], seeds=[]), "number of seeds must be 1 or more, got 0"),
        (dict(recipes=[BASE], seeds=-1), "number of seeds must be 1 or more, got 0"),
        (dict(recipes=[BASE], seeds=[0, 1, 0]), r"seeds must be different .*, got \[0, 0\]"),
        (dict(recipes=[BASE], seeds=None), "seeds must be a number of seeds, .*, got None"),
        (dict(recipes=[BASE], seeds=2.0), "seeds must be a number of seeds, .*, got 2.0"),
        (dict(recipes=[BASE], seeds=True), "seeds must be a number of seeds, .*, got True"),
        (dict(recipes=[BASE], seeds="3"), "seeds must be a number of seeds, .*, got '3'"),
        (dict(recipes=[BASE], jobs=-1), "jobs must be a whole number, 1 or more, got -1"),
        (dict(recipes=[BASE], jobs=0), "jobs must be a whole number, 1 or more, got 0"),
        (dict(recipes=[BASE], jobs=1.5), "jobs must be a whole number, 1 or more, got 1.5"),
        (dict(recipes=[BASE], jobs="all"), "jobs must be a whole number, 1 or more, got 'all'"),
    ],
)
def test_compare_needs_recipes_and_seeds(small, arguments, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        compare(**arguments, path=small)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("runs"),
        lambda data: data.pop("about"),
        lambda data: data["runs"][0].pop("loss"),
        lambda data: data["runs"][0].update(speed=1),
        lambda data: data["runs"][0]["recipe"].update(cutout=1),
    ],
)
def test_a_file_of_another_version_is_an_error_in_one_line(tmp_path, change):
    file = comparison((0, [(MIXUP, 0.1)])).save(tmp_path / "comparison.json")
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data))
    with pytest.raises(ValueError, match="must be a comparison of format 1, got") as raised:
        Comparison.load(file)
    assert "\n" not in str(raised.value)


def test_shares_that_differ_have_texts_that_differ():
    shares = [0, 0.07, 0.1, 0.25, 0.29, 0.3, 0.1 + 0.2, 1e-3, 1 / 3]
    texts = [_percent(share) for share in shares]
    assert texts[:6] == ["0 %", "7 %", "10 %", "25 %", "29 %", "30 %"]
    assert len(set(texts)) == len(shares)
    for share, text in zip(shares, texts, strict=True):
        assert float(text.removesuffix(" %")) / 100 == pytest.approx(share, abs=1e-16)


def test_the_folder_of_results_is_made_before_the_training(tmp_path):
    save = tmp_path / "new" / "results.json"
    recipe = Recipe(size=16, bs=4, epochs=1)
    path = sample_dataset(tmp_path / "data", n_train=20, n_val=10)
    compare([recipe], seeds=1, path=path, save=save, jobs=1)
    assert len(Comparison.load(save).runs) == 1


def test_a_place_that_cannot_be_written_stops_before_the_training(tmp_path, monkeypatch):
    monkeypatch.setattr(comparison_module, "_train_groups", lambda *_: pytest.fail("trained"))
    (tmp_path / "file").write_text("")
    path = sample_dataset(tmp_path / "data", n_train=20, n_val=10)
    with pytest.raises(ValueError, match="save must be in a folder that can be written, got "):
        compare([Recipe()], seeds=1, path=path, save=tmp_path / "file" / "results.json")
