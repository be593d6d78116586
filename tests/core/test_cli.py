"The `lesson7` command, as a user types it: what it does, what it says, how it ends."

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from browser import answer
from conftest import NBS, notebook_files
from PIL import Image

from lesson7.cli import main
from lesson7.course.notebooks import copy_notebooks
from lesson7.training.comparison import Comparison
from lesson7.training.config import Recipe
from lesson7.training.loop import Result


@pytest.fixture
def at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def model(small, tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "model"
    recipe = out.parent / "recipe.json"
    recipe.write_text(Recipe(size=24, bs=16, epochs=2, normalize=True).to_json())
    assert main(["train", "--recipe", str(recipe), "--path", str(small), "--out", str(out)]) == 0
    return out


def test_help_needs_no_torch_and_names_every_command():
    code = "import sys, lesson7.cli as c; c._parser().format_help(); print(*{'torch', 'fastai', 'pandas'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == ""
    said = subprocess.check_output([sys.executable, "-m", "lesson7.cli", "--help"], text=True)
    assert all(f"    {c} " in said for c in ("lab", "data", "train", "compare", "predict"))


def test_train_keeps_model_and_result(model, small, capsys):
    result = Result.from_dict(json.loads((model / "result.json").read_text()))
    assert result.recipe.size == 24 and {f.suffix for f in model.iterdir()} == {
        ".json",
        ".safetensors",
    }
    recipe = str(model.parent / "recipe.json")
    assert main(["train", "--recipe", recipe, "--path", str(small), "--out", str(model)]) == 2
    assert (
        "is there already; give another folder with --out, or --replace" in capsys.readouterr().err
    )
    assert (
        main(["train", "--recipe", recipe, "--path", str(small), "--out", str(model), "--replace"])
        == 0
    )


def test_train_by_names(small, at, capsys):
    assert (
        main(
            [
                "train",
                "mixup",
                "smoothing",
                "--epochs",
                "1",
                "--seed",
                "7",
                "--preset",
                "cpu",
                "--path",
                str(small),
                "--out",
                "new/model",
            ]
        )
        == 0
    )
    recipe = Result.from_dict(json.loads((at / "new" / "model" / "result.json").read_text())).recipe
    assert (recipe.mixup, recipe.smoothing, recipe.normalize, recipe.epochs, recipe.seed) == (
        0.4,
        0.1,
        False,
        1,
        7,
    )
    assert "+ mixup + smoothing: " in capsys.readouterr().out


def test_predict_agrees_with_the_model_with_and_without_tta(model, small, capsys):
    from lesson7.share import load_model
    from lesson7.tta import tta

    files = sorted((small / "val").glob("*/*.jpg"))[:7]
    learn = load_model(model)
    dl = learn.dls.test_dl(files)
    with learn.no_bar():
        wanted = {"": learn.get_preds(dl=dl)[0], "--tta": tta(learn, dl=dl)[0]}
    for flag, preds in wanted.items():
        capsys.readouterr()
        assert main(["predict", str(model), *map(str, files), *filter(None, [flag])]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines] == [str(int(p.argmax())) for p in preds] and [
            line.split()[2] for line in lines
        ] == list(map(str, files))
        assert main(["predict", str(model), *map(str, files), "--json", *filter(None, [flag])]) == 0
        told = json.loads(capsys.readouterr().out)
        assert all(
            told[i]["probabilities"][str(c)] == pytest.approx(float(preds[i, c]), abs=1e-6)
            for i in range(7)
            for c in range(10)
        )


def test_compare_writes_and_resumes(small, at, capsys, monkeypatch):
    monkeypatch.setattr(
        Recipe, "cpu", classmethod(lambda cls, **kw: cls(**dict(size=24, bs=16, epochs=6) | kw))
    )
    ask = ["compare", "--preset", "cpu", "--path", str(small), "--seeds", "1"]
    assert main(ask) == 0
    assert len(Comparison.load(at / "comparison.json").runs) == 7
    told = capsys.readouterr().out
    assert "baseline" in told and "all five" in told and "seeds 0, equal cost" in told
    monkeypatch.setattr("lesson7.training.comparison._train_once", None)  # nothing is trained again
    assert main(ask) == 0


def test_data_says_where_it_is(at, cache, capsys):
    from lesson7.data.samples import sample_dataset

    assert main(["data", "--path", str(sample_dataset(at / "d"))]) == 0
    assert capsys.readouterr().out == f"{at / 'd'}: 2000 pictures in train, 1000 pictures in val\n"


@pytest.mark.parametrize(
    "args, says",
    [
        (
            ["train", "mixpu"],
            "There is no technique 'mixpu'; there are normalize, resize, tta, mixup, smoothing.",
        ),
        (
            ["train", "resize", "--epochs", "2", "--preset", "cpu"],
            "epochs is 2; progressive resizing needs at least 6",
        ),
        (
            ["train", "--epochs", "0", "--preset", "cpu"],
            "epochs is 0; it must be a whole number above 0",
        ),
        (
            ["train", "--epochs", "-3", "--preset", "cpu"],
            "epochs is -3; it must be a whole number above 0",
        ),
        (["train", "--recipe", "bad.json"], "not readable JSON"),
        (["train", "--recipe", "contradictory.json"], "The last stage is at 32 px, but size is 48"),
        (["train", "--recipe", "none.json"], "none.json"),
        (["train", "mixup", "--recipe", "bad.json"], "leave out techniques, --epochs and --seed"),
        (
            ["train", "--seed", "1", "--recipe", "bad.json"],
            "leave out techniques, --epochs and --seed",
        ),
        (["train", "--seed", "-1", "--preset", "cpu"], "seed is -1"),
        (["train", "--recipe", "good.png"], "not readable JSON"),
        (
            ["train", "--replace", "--out", "thesis", "--path", "SMALL", "--preset", "cpu"],
            "thesis is there and holds no model",
        ),
        (
            ["train", "--out", "bad.json/model", "--path", "SMALL", "--preset", "cpu"],
            "bad.json is no folder that takes files",
        ),
        (
            ["compare", "--out", "bad.json/x.json", "--path", "SMALL", "--preset", "cpu"],
            "bad.json is no folder that takes files",
        ),
        (
            ["compare", "--seeds", "0", "--path", "SMALL", "--preset", "cpu"],
            "--seeds is 0; it must be 1 or more",
        ),
        (["train", "--path", "nowhere", "--preset", "cpu"], "nowhere/train has no images"),
        (
            ["compare", "--noise", "1.5", "--preset", "cpu"],
            "noise is 1.5; it must be a number from 0 to below 1",
        ),
        (["compare", "--out", "bad.json", "--preset", "cpu"], "bad.json is not readable JSON"),
        (["data", "--noise", "0.3"], "noise is 0.3; it must be one of"),
        (["predict", "nowhere", "good.png"], "nowhere holds no model.json"),
        (["predict", "MODEL", "none.png"], "There is no file none.png"),
        (["predict", "MODEL", "thesis"], "There is no file thesis"),
        (["predict", "MODEL", "header.ppm"], "header.ppm is not a readable image"),
        (["predict", "MODEL", "bomb.ppm"], "bomb.ppm is not a readable image"),
        (["predict", "MODEL", "bad.png"], "bad.png is not a readable image"),
        (["predict", "MODEL", "good.png", "cut.jpg"], "cut.jpg is not a readable image"),
    ],
)
def test_a_mistake_gets_one_sentence_and_code_two(
    args, says, model, small, at, cache, capsys, monkeypatch
):
    if "SMALL" in args:  # these must be seen before anything is trained
        for name in ("loop.train", "comparison.compare"):
            monkeypatch.setattr(f"lesson7.training.{name}", None)
    Path("thesis").mkdir()
    Path("thesis/chapter.txt").write_text("years")
    Path("header.ppm").write_bytes(b"P6 7x 60 255 ")
    Path("bomb.ppm").write_bytes(b"P6 90000 90000 255 ")
    Image.new("RGB", (40, 30), "red").save("good.png")
    Image.effect_noise((200, 200), 60).save("whole.jpg")
    Path("cut.jpg").write_bytes(Path("whole.jpg").read_bytes()[:2000])
    for name in ("bad.json", "bad.png"):
        Path(name).write_text("{")
    Path("contradictory.json").write_text(
        '{"stages": [{"size": 32, "bs": 32, "epochs": 12, "lr": 0.003}]}'
    )
    before = sorted(p.name for p in at.iterdir())
    assert main([str(dict(MODEL=model, SMALL=small).get(a, a)) for a in args]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("lesson7: ") and says in err and err.count("\n") == 1 and out == ""
    assert sorted(p.name for p in at.iterdir()) == before  # nothing half done is left


@pytest.mark.parametrize(
    "args", [[], ["fly"], ["train", "--lr", "3"], ["predict", "m"], ["train", "--epochs", "many"]]
)
def test_what_cannot_be_parsed_ends_with_two(args, capsys):
    with pytest.raises(SystemExit) as e:
        main(args)
    assert e.value.code == 2 and "Traceback" not in capsys.readouterr().err


def test_interrupted_and_out_of_memory_have_codes_of_their_own(monkeypatch, capsys, at):
    for error, code in (
        (KeyboardInterrupt(), 130),
        (MemoryError("Out of GPU memory; try bs=8."), 1),
    ):

        def stop(*a, **kw):
            raise error

        monkeypatch.setattr("lesson7.training.loop.train", stop)
        assert (
            main(["train", "--preset", "cpu"]) == code and capsys.readouterr().err.count("\n") == 1
        )


def test_the_notebooks_are_copied_once_and_never_overwritten(tmp_path):
    (tmp_path / "01_normalize.ipynb").write_text("mine")
    written, kept = copy_notebooks(tmp_path)
    assert (
        kept == ["01_normalize.ipynb"] and (tmp_path / "01_normalize.ipynb").read_text() == "mine"
    )
    copied = {f.relative_to(tmp_path) for f in tmp_path.rglob("*.ipynb")}
    assert copied == {f.relative_to(NBS) for f in notebook_files()}
    for file in tmp_path.rglob("*.ipynb"):
        if file.name == "01_normalize.ipynb":
            continue
        text = file.read_text()
        assert "nbdev_export" not in text and len(json.loads(text)["cells"]) >= 5, file
    assert copy_notebooks(tmp_path)[0] == []
    assert [f.name for f in tmp_path.rglob(".*")] == [".lesson7.json"]  # the record, for --update


def test_lab_without_jupyterlab_says_what_to_install(monkeypatch, capsys, at):
    monkeypatch.setattr("lesson7.cli.find_spec", lambda name: None)
    assert main(["lab"]) == 2 and "pip install jupyterlab" in capsys.readouterr().err
    assert list(at.iterdir()) == []


@pytest.mark.parametrize(
    "args, folder, rest",
    [
        ([], "lesson7-notebooks", []),
        (
            ["--no-browser", "--port", "8899"],
            "lesson7-notebooks",
            ["--no-browser", "--port", "8899"],
        ),
        (["mine", "--port", "8899"], "mine", ["--port", "8899"]),
        (["a/b", "--no-browser"], "a/b", ["--no-browser"]),
        (["--clean"], "lesson7-notebooks-clean", []),
        (["--clean", "--port", "8899"], "lesson7-notebooks-clean", ["--port", "8899"]),
        (["--clean", "mine", "--no-browser"], "mine", ["--no-browser"]),
        (["mine", "--port", "8899", "--clean"], "mine", ["--port", "8899"]),
    ],
)
def test_lab_takes_a_folder_and_hands_options_to_jupyterlab(
    monkeypatch, at, capsys, args, folder, rest
):
    called = []
    monkeypatch.setattr("jupyterlab.labapp.main", called.append)
    assert main(["lab", *args]) == 0
    assert called[0][called[0].index("--notebook-dir") :] == [
        "--notebook-dir",
        folder,
        "--LabApp.default_url=/lab/tree/index.ipynb",
        *rest,
    ]
    assert (at / folder / "index.ipynb").is_file() and capsys.readouterr().out.startswith(
        f"{folder}: "
    )
    assert ("The clean edition." in (at / folder / "01_normalize.ipynb").read_text()) == (
        "--clean" in args
    ) and [f.name for f in at.iterdir()] == [Path(folder).parts[0]]


def test_lab_keeps_what_was_written_in_a_clean_notebook(monkeypatch, at, capsys):
    monkeypatch.setattr("jupyterlab.labapp.main", lambda args: None)
    main(["lab", "--clean"])
    mine = at / "lesson7-notebooks-clean" / "04_mixup.ipynb"
    mine.write_text("mine")
    assert (
        main(["lab"]) == main(["lab", "--clean"]) == 0 and mine.read_text() == "mine"
    )  # the whole ones are in a folder of their own
    assert (
        re.search(
            r"^lesson7-notebooks-clean: 0 files copied, \d+ kept as they were\.$",
            capsys.readouterr().out,
            re.M,
        )
        and (at / "lesson7-notebooks" / "04_mixup.ipynb").is_file()
    )


def test_lab_help_names_the_clean_edition(capsys):
    with pytest.raises(SystemExit) as e:
        main(["lab", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert (
        e.value.code == 0
        and "--clean chapters with headings, questions and empty cells" in said
        and "lesson7-notebooks-clean" in said
    )


def test_lab_update_names_what_is_new_and_what_is_yours(monkeypatch, at, capsys):
    monkeypatch.setattr("jupyterlab.labapp.main", lambda args: None)
    assert main(["lab", "mine"]) == 0
    (at / "mine" / "04_mixup.ipynb").write_text("of mine")
    capsys.readouterr()
    assert main(["lab", "mine", "--update"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "mine: 1 files updated.",
        "04_mixup.ipynb is the new version; yours is 04_mixup-yours.ipynb.",
    ]
    assert (at / "mine" / "04_mixup-yours.ipynb").read_text() == "of mine"
    assert json.loads((at / "mine" / "04_mixup.ipynb").read_text())["cells"]


def test_lab_update_of_no_folder_is_a_mistake(at, capsys):
    assert main(["lab", "nowhere", "--update"]) == 2
    assert "There is no folder nowhere" in capsys.readouterr().err and list(at.iterdir()) == []


def test_lab_serves_and_a_kill_of_the_command_ends_the_server(at):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    env = os.environ | dict(
        JUPYTER_RUNTIME_DIR=str(at / "runtime"), JUPYTER_CONFIG_DIR=str(at / "config")
    )
    with open("log", "w") as log:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "lesson7.cli",
                "lab",
                "mine",
                "--no-browser",
                f"--port={port}",
                "--IdentityProvider.token=t",
            ],
            env=env,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        held = answer(f"http://127.0.0.1:{port}/api/contents/?token=t")
        assert {"index.ipynb", "07_share.ipynb"} <= {f["name"] for f in held["content"]} and (
            at / "mine" / "index.ipynb"
        ).is_file()
        server.terminate()
        server.wait(60)
        with socket.socket() as s:
            assert s.connect_ex(("127.0.0.1", port)) != 0  # no server is left behind
        assert not list((at / "runtime").glob("jpserver-*.json"))  # and it ended in good order
    finally:
        try:
            os.killpg(server.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        server.wait()
