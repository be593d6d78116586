"The runs of a study: from the design to a file, also where processes are killed."

import json
import os
import signal
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT
from scipy.optimize import minimize

from lesson7.data.files import results_folder
from lesson7.measure import fit_temperature
from lesson7.training.config import cost
from lesson7.training.studies import Study
from studies import run as runner
from studies import transfer

DESIGNS = sorted(
    file for file in (ROOT / "studies").glob("*.json") if "recipe" in json.loads(file.read_text())
)
RESULTS = [file for file in DESIGNS if (results_folder() / file.name).exists()]


@pytest.fixture
def data(tmp_path):
    "Return a folder in the place of CIFAR-10's."
    for side in ("train", "test"):
        (tmp_path / side).mkdir()
    return tmp_path


def file_names(files):
    return [file.name for file in files]


@pytest.mark.parametrize("file", DESIGNS, ids=file_names(DESIGNS))
def test_designs_can_be_run(file, data):
    design, seeds = runner.read_design(file)
    tasks = runner.study_tasks(design, seeds, data)
    assert len({task.key for task in tasks}) == len(tasks)
    assert len(seeds) == design["seeds"] >= 3
    for name in ("question", "decides", "no_effect", "regime"):
        assert design[name]


def test_seeds_follow_from_the_content(tmp_path):
    text = (ROOT / "studies" / "long.json").read_text()
    file = tmp_path / "changed.json"
    file.write_text(text)
    same = runner.read_design(file)[1]
    file.write_text(text + "\n")
    assert same == runner.read_design(ROOT / "studies" / "long.json")[1]
    assert same != runner.read_design(file)[1]


def test_progressive_resizing_has_as_many_pixels_as_the_baseline():
    design, seeds = runner.read_design(ROOT / "studies" / "long.json")
    recipes = {task.arm: task.recipe for task in runner.study_tasks(design, seeds[:1], None)}
    reference = cost(recipes["baseline"])
    for recipe in recipes.values():
        assert 0.99 * reference < cost(recipe) <= reference
    assert recipes["progressive resizing"].stages[0].size == 18


def test_given_epochs_are_kept():
    design, seeds = runner.read_design(ROOT / "studies" / "resizing_seconds.json")
    recipes = {task.arm: task.recipe for task in runner.study_tasks(design, seeds[:1], None)}
    timed = recipes["equal seconds"]
    assert [(stage.size, stage.epochs) for stage in timed.stages] == [(18, 48), (32, 47)]
    # By the seconds of an epoch that the design states; a later stage has one more epoch.
    assert pytest.approx(80 * 2.12, rel=0.01) == 48 * 1.40 + 48 * 2.12


def test_a_subset_has_the_first_images_of_each_class():
    pairs = [(f"{label}{i}.png", label) for i in range(4) for label in "ab"]
    found = transfer.first_of_each_class(pairs, 2)
    assert found == [("a0.png", "a"), ("a1.png", "a"), ("b0.png", "b"), ("b1.png", "b")]


def test_the_runs_of_a_pretrained_network_are_those_of_their_design(data):
    design, seeds = runner.read_design(transfer.DESIGN)
    tasks = {task.key: task for task in transfer.study_tasks(design, seeds, data)}
    recipes = {task.arm: task.recipe for task in tasks.values()}
    reference = cost(recipes[design["reference"]])
    assert 0.97 * reference < cost(recipes["progressive resizing"]) <= reference
    study = Study.load(results_folder() / "transfer.json")
    assert {runner.Results.key(run) for run in study.runs} <= set(tasks)
    assert study.arms[0] == design["reference"]
    assert len(study.seeds) >= 3
    for run in study.select(design["reference"]):
        assert list(run["evaluated_with"]) == design["evaluated_with"]


def test_the_source_of_a_study_has_the_training_images_of_every_arm():
    study = Study.load(results_folder() / "images.json")
    assert study.source.startswith("250 or 500 or 1,000 or 2,000 training and 1,000 validation")


@pytest.mark.parametrize("file", RESULTS, ids=file_names(RESULTS))
def test_committed_results_are_those_of_their_design(file, data):
    design, seeds = runner.read_design(file)
    study = Study.load(results_folder() / file.name)
    keys = {runner.Results.key(run) for run in study.runs}
    assert keys == {task.key for task in runner.study_tasks(design, seeds, data)}
    n_images = study.about["images"][1]
    for run in study.runs:
        for views in ("plain", "tta"):
            one = Study([run], study.about).is_correct(run["arm"], views)
            assert one.shape == (1, n_images)
            assert run[views]["accuracy"] == pytest.approx(one.mean())


# ---- Measures


def test_the_temperature_minimizes_the_loss():
    rng = torch.Generator().manual_seed(0)
    y = torch.randint(4, (300,), generator=rng)
    logits = 3 * torch.randn(300, 4, generator=rng) + 2 * torch.eye(4)[y]

    def loss(parameters):
        return torch.nn.functional.cross_entropy(logits.double() / np.exp(parameters[0]), y).item()

    wanted = np.exp(minimize(loss, [0.0], method="Nelder-Mead").x[0])
    assert fit_temperature(logits, y) == pytest.approx(wanted, rel=1e-3)


def test_measures_use_one_half_for_the_temperature_and_the_other_for_its_loss():
    rng = torch.Generator().manual_seed(1)
    y = torch.randint(4, (400,), generator=rng)
    log_probs = (2 * torch.randn(400, 4, generator=rng) + torch.eye(4)[y]).log_softmax(1)
    found = runner.measures(log_probs, y)
    changed = log_probs.clone()
    changed[1::2] = log_probs[1::2].flip(0)
    assert runner.measures(changed, y)["temperature"] == found["temperature"]
    scaled = (log_probs[1::2].double() / found["temperature"]).softmax(1)
    wanted = -scaled[range(200), y[1::2]].log().mean().item()
    assert found["scaled_loss"] == pytest.approx(wanted, abs=1e-3)
    shares = [(log_probs.argmax(1) == y)[y == k].double().mean().item() for k in range(4)]
    assert found["worst_class"] == pytest.approx(min(shares), abs=1e-4)


# ---- Interruptions: the runs are made up, the processes are real


def made_up_run(task):
    "Return a result that depends on the task alone; a seed of 13 kills its process once."
    marker = Path(os.environ["KILLED"])
    if task.seed == 13 and not marker.exists():
        marker.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    measures = dict(accuracy=task.seed / 1000, ece=0.0)
    values = dict(arm=task.arm, noise=task.recipe.noise, seed=task.seed, seconds=0.0)
    return values | dict(plain=measures, tta=measures, images=[10, 10])


@pytest.fixture
def tasks(tmp_path, monkeypatch):
    monkeypatch.setenv("KILLED", str(tmp_path / "killed"))
    monkeypatch.setattr(runner, "run_task", made_up_run)
    monkeypatch.setattr(runner, "get_context", lambda _: get_context("fork"))  # starts at once
    recipe = runner.Recipe(size=16, epochs=1)
    return [
        runner.Task(arm, seed, replace(recipe, seed=seed), "sample", 100)
        for seed in (7, 13, 21)
        for arm in ("baseline", "mixup")
    ]


def run_all(tasks, out, jobs=2):
    results = runner.Results(out, dict(commit="abc", machine="a CPU"), tasks)
    missing = [task for task in tasks if task.key not in results.finished]
    for run in runner.run_tasks(missing, jobs):
        results.add(run)
    return json.loads(out.read_text())


def test_a_killed_process_loses_its_run_alone_and_the_file_is_the_same(tasks, tmp_path, capsys):
    killed = run_all(tasks, tmp_path / "killed.json")
    assert "A worker process was killed" in capsys.readouterr().out
    assert run_all(tasks, tmp_path / "whole.json") == killed
    assert [run["seed"] for run in killed["runs"]] == [7, 7, 13, 13, 21, 21]


def test_a_study_that_was_cut_off_continues(tasks, tmp_path, monkeypatch):
    monkeypatch.setenv("KILLED", str(tmp_path))  # is there: no process is killed
    whole = run_all(tasks, tmp_path / "whole.json", jobs=1)
    run_all(tasks[3:4], tmp_path / "part.json", jobs=1)
    assert run_all(tasks, tmp_path / "part.json", jobs=1) == whole


def killed_run(task):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_run_that_is_always_killed_ends_the_study(tasks, monkeypatch):
    monkeypatch.setattr(runner, "run_task", killed_run)
    with pytest.raises(RuntimeError, match="worker processes were killed 3 times"):
        list(runner.run_tasks(tasks[:1], 1))


def test_the_file_of_another_study_is_not_continued(tasks, tmp_path):
    out = tmp_path / "results.json"
    about = dict(seeds=[7], content="abc", machine="a CPU", date="2026-01-01")
    for run in runner.run_tasks(tasks[:1], 1):
        runner.Results(out, about, tasks).add(run)
    assert len(runner.Results(out, about, tasks).runs) == 1
    for changed in (dict(about, seeds=[8]), dict(about, content="other")):
        with pytest.raises(ValueError, match="give another file"):
            runner.Results(out, changed, tasks)


def test_a_study_that_continues_elsewhere_names_both_machines(tasks, tmp_path):
    out = tmp_path / "results.json"
    about = dict(seeds=[7], content="abc", machine="a CPU", date="2026-01-01")
    elsewhere = about | dict(machine="a GPU", date="2026-02-02")
    first, second = runner.run_tasks(tasks[:2], 1)
    runner.Results(out, about, tasks).add(first)
    for _ in range(2):  # a third part on one of the two machines adds no name
        runner.Results(out, elsewhere, tasks).add(dict(second))
    written = json.loads(out.read_text())["about"]
    assert written["machine"] == "a CPU; continued on a GPU"
    assert written["date"] == "2026-01-01"


def test_a_cluster_that_loses_a_worker_gives_the_same_file(tasks, tmp_path):
    distributed = pytest.importorskip("distributed")
    about = dict(commit="abc", machine="a CPU")
    results = runner.Results(tmp_path / "cluster.json", about, tasks)
    options = dict(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with distributed.LocalCluster(**options) as cluster:
        for run in runner.run_on_cluster(tasks, cluster.scheduler_address):
            results.add(run)
    assert Path(os.environ["KILLED"]).exists()
    cluster_file = json.loads((tmp_path / "cluster.json").read_text())
    assert cluster_file == run_all(tasks, tmp_path / "whole.json")
