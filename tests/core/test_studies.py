"Studies: the arithmetic of a run on CIFAR-10, and the intervals of its results."

import base64
import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import ROOT
from PIL import Image
from scipy.stats import t as student

from lesson7.data.files import results_folder
from lesson7.training.studies import (
    Study,
    crossed_estimate,
    differences,
    holm,
    plot_curves,
    plot_differences,
    plot_measures,
    plot_sweeps,
    study_table,
    sweep,
)
from studies import cifar10_gpu as cifar10

RESULTS = results_folder() / "cifar10_gpu.json"


# ---- Intervals


def two_way(rng, seed_sd, image_sd, shape=(4, 60)):
    "Return values [seeds,images] with a true mean of 0."
    n_seeds, n_images = shape
    seed = seed_sd * rng.normal(size=(n_seeds, 1))
    image = image_sd * rng.normal(size=n_images)
    return seed + image + rng.normal(size=shape)


def test_the_variance_is_that_of_the_formula():
    values = two_way(np.random.default_rng(0), 1, 1)
    n_seeds, n_images = values.shape
    mean = values.mean()
    rows, columns = values.mean(1), values.mean(0)
    by_seed = n_images * sum((row - mean) ** 2 for row in rows) / (n_seeds - 1)
    by_image = n_seeds * sum((column - mean) ** 2 for column in columns) / (n_images - 1)
    rest = 0.0
    for i in range(n_seeds):
        for j in range(n_images):
            rest += (values[i, j] - rows[i] - columns[j] + mean) ** 2
    rest /= (n_seeds - 1) * (n_images - 1)
    squares = [by_seed, by_image, rest]
    freedom = [n_seeds - 1, n_images - 1, (n_seeds - 1) * (n_images - 1)]
    total = by_seed + by_image - rest
    n = total**2 / sum(m**2 / f for m, f in zip(squares, freedom))
    error = (total / values.size) ** 0.5
    found = crossed_estimate(values)
    assert found.mean == pytest.approx(mean)
    assert found.half_width == pytest.approx(student.ppf(0.975, n) * error)
    assert found.p_value == pytest.approx(2 * student.sf(abs(mean) / error, n))


@pytest.mark.parametrize(("seed_sd", "image_sd"), [(0, 0), (1, 0), (0, 1), (1, 1), (0.3, 2)])
def test_two_equal_arms_differ_in_five_of_a_hundred_tables(seed_sd, image_sd):
    rng = np.random.default_rng(1)
    estimates = [crossed_estimate(two_way(rng, seed_sd, image_sd)) for _ in range(600)]
    false_verdicts = np.mean([found.p_value < 0.05 for found in estimates])
    assert false_verdicts < 0.05 + 3 * (0.05 * 0.95 / 600) ** 0.5
    for found in estimates:
        assert (abs(found.mean) > found.half_width) == (found.p_value < 0.05)


def test_a_true_difference_is_found():
    rng = np.random.default_rng(2)
    found = [crossed_estimate(0.5 + two_way(rng, 0.1, 0.5)) for _ in range(100)]
    assert np.mean([each.p_value < 0.05 for each in found]) > 0.95


@pytest.mark.parametrize("values", [np.zeros((3, 4)), np.ones((3, 4))])
def test_values_without_variation_have_an_interval_of_no_width(values):
    found = crossed_estimate(values)
    assert found.half_width == 0
    assert found.p_value == (values.mean() == 0)


@pytest.mark.parametrize("values", [[1.0, 0.0], [[1.0, 0.0]], [[1.0], [0.0]]])
def test_one_seed_or_one_image_is_rejected(values):
    with pytest.raises(ValueError, match="shape of values must be"):
        crossed_estimate(values)


def test_holm_rejects_what_its_step_down_procedure_rejects():
    rng = np.random.default_rng(3)
    for _ in range(200):
        p = rng.uniform(size=rng.integers(1, 8)) ** 3
        rejected = set()
        for rank, i in enumerate(np.argsort(p)):
            if p[i] >= 0.05 / (len(p) - rank):
                break
            rejected.add(i)
        assert set(np.flatnonzero(holm(p) < 0.05)) == rejected


# ---- Results


def made_study(accuracies, n=400):
    "Return a study of two arms, each with three seeds, and the answers of its runs."
    rng, answers, runs = np.random.default_rng(4), {}, []
    for arm, accuracy in accuracies.items():
        answers[arm] = (rng.uniform(size=(3, n)) < accuracy).astype(float)
        for seed, right in enumerate(answers[arm]):
            bits = base64.b64encode(np.packbits(right.astype(bool)).tobytes()).decode()
            measures = dict(accuracy=right.mean(), loss=1.0, ece=0.1, right=bits)
            runs.append(dict(arm=arm, seed=seed, seconds=1, plain=measures, tta=measures))
    return Study(runs, dict(images=[10, n], machine="a CPU", commit="abc")), answers


def test_answers_are_unpacked_as_they_were_packed():
    study, answers = made_study(dict(baseline=0.5, better=0.8), n=403)
    for arm, right in answers.items():
        assert np.array_equal(study.is_correct(arm), right)


def test_a_table_has_the_differences_and_their_verdicts():
    study, answers = made_study(dict(baseline=0.5, better=0.8, same=0.5, worse=0.2))
    table = study_table(study)
    assert list(table.verdict) == ["", "better", "within the noise", "worse"]
    for arm, right in answers.items():
        assert table.accuracy[arm] == pytest.approx(100 * right.mean(), abs=0.01)
    gain = 100 * (answers["better"].mean() - answers["baseline"].mean())
    assert table.gain["better"] == pytest.approx(gain, abs=0.01)
    assert (table["TTA adds"] == 0).all()


@pytest.mark.parametrize(("seeds", "images"), [(2, 400), (3, 99)])
def test_few_seeds_or_images_have_no_verdict(seeds, images):
    study, _ = made_study(dict(baseline=0.2, better=0.8), n=images)
    study.runs = [run for run in study.runs if run["seed"] < seeds]
    assert differences(study)["better"].verdict == "too few to tell"


def test_a_study_of_some_arms_has_its_own_reference_and_correction():
    study, answers = made_study(dict(baseline=0.5, better=0.8, other=0.6))
    for run in study.runs:
        run["noise"] = 0.25 * run["seed"]
    assert [run["seed"] for run in study.only(noise=0.25).runs] == [1, 1, 1]
    found = differences(study.only(arms=["better", "baseline"]))
    assert list(found) == ["baseline"]
    wanted = answers["baseline"] - answers["better"]
    assert found["baseline"].estimate == crossed_estimate(wanted)
    for wrong in (dict(noise=0.3), dict(arms=["nothing"])):
        with pytest.raises(ValueError, match="must be"):
            study.only(**wrong)


def test_a_plot_of_gains_has_a_mark_for_each_arm_at_its_gain():
    study, answers = made_study(dict(baseline=0.5, better=0.8, same=0.5, worse=0.2))
    found = differences(study)
    fig = plot_differences({"all": found, "some": {"worse": found["worse"]}})
    assert [ax.get_title() for ax in fig.axes] == ["all", "some"]
    labels = [label.get_text() for label in fig.axes[0].get_yticklabels()]
    assert labels == ["better", "same", "worse"]
    marks = [bar.lines[0] for bar in fig.axes[0].containers]
    places = [mark.get_xdata()[0] for mark in marks]
    wanted = [100 * (answers[arm] - answers["baseline"]).mean() for arm in labels]
    assert places == pytest.approx(wanted)
    assert [mark.get_marker() for mark in marks] == ["^", "o", "v"]
    assert len(fig.axes[1].containers) == 1


@pytest.mark.parametrize("reference, marks", [("baseline", ["^", "v"]), ("better", ["v"] * 3)])
def test_measures_are_compared_with_the_reference(reference, marks):
    study, answers = made_study(dict(baseline=0.5, better=0.8, same=0.5, worse=0.2))
    for run in study.runs:
        run["plain"] |= dict(accuracy=answers[run["arm"]][0].mean(), loss=1.5, ece=0.25)
    fig = plot_measures(study, reference)
    assert [ax.get_xlabel() for ax in fig.axes] == ["accuracy, %", "loss", "ECE"]
    labels = [label.get_text() for label in fig.axes[0].get_yticklabels()]
    assert labels == ["baseline", "better", "same", "worse"]
    level = fig.axes[0].lines[2 * len(labels)]  # after a range and a mean for each arm
    assert level.get_xdata()[0] == pytest.approx(100 * answers[reference][0].mean())
    shown = fig.axes[0].lines[2 * len(labels) + 1 :]
    assert [mark.get_marker() for mark in shown] == marks
    for mark in shown:
        arm = labels[int(mark.get_ydata()[0])]
        assert mark.get_xdata()[0] == pytest.approx(100 * answers[arm].mean())
    with pytest.raises(ValueError, match="reference must be one of"):
        plot_measures(study, "other")


def test_curves_are_means_over_seeds_and_bands_hold_all():
    study, _ = made_study(dict(baseline=0.5, better=0.8))
    for run in study.runs:
        values = [0.1 * run["seed"], 0.5 + 0.1 * run["seed"]]
        run["history"] = dict(epochs=[2, 4], accuracy=values, valid_loss=values)
    fig = plot_curves(study, ["baseline", "better"])
    for ax in fig.axes:
        for line in ax.lines:
            assert list(line.get_xdata()) == [2, 4]
            assert list(line.get_ydata()) == pytest.approx([0.1, 0.6])
        band = ax.collections[0].get_paths()[0].vertices
        assert (band[:, 1].min(), band[:, 1].max()) == pytest.approx((0, 0.7))
    with pytest.raises(ValueError, match="number of arms must be 5 or fewer"):
        plot_curves(study, ["baseline"] * 6)


def test_a_sweep_holds_each_arm_against_the_reference_at_the_same_value():
    accuracies = {"mixup, 10 epochs": 0.4, "baseline, 10 epochs": 0.5}
    accuracies |= {"baseline, 40 epochs": 0.6, "mixup, 40 epochs": 0.9}
    study, answers = made_study(accuracies)
    found = sweep(study)
    assert list(found) == ["mixup"]
    assert list(found["mixup"]) == ["10", "40"]
    for value, gain in found["mixup"].items():
        wanted = answers[f"mixup, {value} epochs"] - answers[f"baseline, {value} epochs"]
        assert gain.estimate == crossed_estimate(wanted)
    fig = plot_sweeps({"all": found, "again": found}, "epochs")
    assert [ax.get_title() for ax in fig.axes] == ["all", "again"]
    line = fig.axes[0].containers[0].lines[0]
    means = [100 * gain.estimate.mean for gain in found["mixup"].values()]
    assert list(line.get_ydata()) == pytest.approx(means)
    labels = [label.get_text() for label in fig.axes[0].get_xticklabels()]
    assert labels == ["10", "40"]


def test_only_seeds_that_all_arms_have_are_compared():
    study, _ = made_study(dict(baseline=0.5, better=0.8))
    study.runs.pop()
    assert study.seeds == [0, 1]
    assert len(study.is_correct("baseline")) == 2


def test_files_that_are_no_study_are_rejected(tmp_path):
    for text in ("", "[]", "{}", "nothing"):
        file = tmp_path / "study.json"
        file.write_text(text)
        with pytest.raises(ValueError, match="must be the results of a study"):
            Study.load(file)


def test_committed_results_have_the_measures_of_their_answers():
    study = Study.load(RESULTS)
    training, _, arms, seeds = cifar10.read_design()
    assert study.about["training"] == asdict(training)
    assert set(study.seeds) <= set(seeds)
    assert study.arms == list(arms)
    for run in study.runs:
        for views in ("plain", "tta"):
            bits = np.frombuffer(base64.b64decode(run[views]["right"]), np.uint8)
            assert run[views]["accuracy"] == pytest.approx(np.unpackbits(bits)[:10000].mean())


# ---- A run


def test_images_are_moved_and_mirrored_as_by_slices():
    x = torch.rand(40, 3, 12, 10)
    found = cifar10.shift_and_mirror(x, 2, torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(1)
    shift = torch.randint(5, (40, 2), generator=generator)
    mirror = torch.randint(2, (40, 1), generator=generator)
    padded = F.pad(x, [2] * 4, mode="reflect")
    for image, (dy, dx), flip, got in zip(padded, shift, mirror, found):
        moved = image[:, dy : dy + 12, dx : dx + 10]
        assert torch.equal(got, moved.flip(-1) if flip else moved)


def test_views_are_three_places_and_their_mirror_images():
    x = torch.rand(2, 3, 8, 8)
    views = list(cifar10.views(x))
    assert len(views) == 6
    assert torch.equal(views[0], x)
    assert torch.equal(views[1], x.flip(-1))
    assert torch.equal(views[2][..., :-1, :-1], x[..., 1:, 1:])
    assert torch.equal(views[4][..., 1:, 1:], x[..., :-1, :-1])


def test_all_arms_see_as_many_pixels():
    training, _, arms, _ = cifar10.read_design()
    whole = training.epochs * training.size**2
    for arm in arms.values():
        pixels = sum(epochs * size**2 for size, epochs, _ in cifar10.stages(arm, training))
        assert pixels == pytest.approx(whole, rel=0.02)


def test_the_learning_rate_rises_for_a_quarter_and_falls_to_zero():
    rates = [cifar10.learning_rate(step, 400, 0.4) for step in range(401)]
    assert max(rates) == rates[100] == pytest.approx(0.4)
    assert rates[:101] == sorted(rates[:101])
    assert rates[100:] == sorted(rates[100:], reverse=True)
    assert rates[-1] == pytest.approx(0)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    "A folder of noise in three shades, and a design of two arms."
    root = tmp_path_factory.mktemp("cifar10")
    rng = np.random.default_rng(5)
    for side, count in (("train", 16), ("test", 4)):
        for label in range(10):
            for i in range(count):
                pixels = rng.integers(20 * label, 20 * label + 60, (32, 32, 3), dtype=np.uint8)
                file = root / side / str(label) / f"{i}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(file)
    design = json.loads(cifar10.DESIGN.read_text())
    design["training"] |= dict(bs=32, epochs=2, lr=0.02)
    design["seeds"] = 1
    names = ("baseline", "mixup, smoothing and resizing")
    design["arms"] = {name: design["arms"][name] for name in names}
    design["networks"] = {"unpooled": dict(widen=0.125, pool=False)}
    (root / "design.json").write_text(json.dumps(design))
    return root


def run_study(tiny, out, monkeypatch):
    arguments = ["--data", tiny, "--design", tiny / "design.json", "--out", out, "--commit", "abc"]
    monkeypatch.setattr("sys.argv", ["study", *map(str, arguments)])
    cifar10.main()
    return json.loads(out.read_text())


def test_a_study_repeats_and_continues_where_it_was_cut_off(tiny, tmp_path, monkeypatch, capsys):
    first = run_study(tiny, tmp_path / "first.json", monkeypatch)
    assert [len(first["pilot"]), len(first["runs"])] == [1, 2]
    first["runs"].pop()
    (tmp_path / "cut.json").write_text(json.dumps(first))
    capsys.readouterr()
    second = run_study(tiny, tmp_path / "cut.json", monkeypatch)
    assert capsys.readouterr().out.count("% plain") == 1
    whole = json.loads((tmp_path / "first.json").read_text())
    for run, other in zip(whole["runs"], second["runs"], strict=True):
        assert run["losses"] == other["losses"]
        assert run["plain"] == other["plain"]
    assert ROOT / "studies" / "cifar10_gpu.json" == cifar10.DESIGN
