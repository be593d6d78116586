"What a user gets from a plain `pip install`: the newest fastai and fastcore, none of our pins."
import os, re, shutil, signal, socket, subprocess, sys, zipfile
from pathlib import Path

import pytest

from browser import answer

ROOT = Path(__file__).parents[1]

USE = """
import sys
import lesson7.normalize
assert not {"nbdev", "fastai"} & set(sys.modules)
explorer = lesson7.normalize.NormalizeExplorer(kind="imagenet")
assert explorer.save("normalize.html").stat().st_size > 100_000

from lesson7.data import get_dls, sample_dataset
from lesson7.normalize import check_normalization, dataset_stats
path = sample_dataset(n_train=300, n_val=100)
stats = dataset_stats(path/"train")
dls = get_dls(64, 64, path, stats)
assert check_normalization(dls.one_batch()[0], stats).ok

from fastai.vision.all import CrossEntropyLossFlat, Learner, accuracy, xresnet18
learn = Learner(dls, xresnet18(widen=.25, n_out=dls.c), loss_func=CrossEntropyLossFlat(), metrics=accuracy)
learn.fit_one_cycle(1, 3e-3)
assert learn.validate()[0] < 10 and "nbdev" not in sys.modules

from importlib.metadata import version
assert int(version("fastcore").split(".")[0]) >= 2, version("fastcore")
print("fastai", version("fastai"), "fastcore", version("fastcore"), "torch", version("torch"))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    shutil.rmtree(ROOT/"build"/"lib", ignore_errors=True)  # setuptools would pack what an older build left; results on their way stand beside it
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", out, ROOT], check=True, capture_output=True)
    return next(out.glob("*.whl"))

def test_the_wheel_holds_module_views_and_notebooks_and_is_small(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for file in [*(ROOT/"lesson7").glob("*.py"), *(ROOT/"lesson7"/"static").iterdir()]: assert str(file.relative_to(ROOT)) in names
    for file in [*(ROOT/"nbs").glob("*.ipynb"), *(ROOT/"nbs").glob("results/*.json")]: assert f"lesson7/notebooks/{file.relative_to(ROOT/'nbs')}" in names
    assert wheel.stat().st_size < 3_000_000

def test_the_clean_edition_comes_out_of_the_wheel(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path/"site")
    code = "import lesson7.cli as c; assert c.notebooks().name == 'notebooks'; print(*c.copy_notebooks('clean', clean=True)[0])"
    env = os.environ | {"PYTHONPATH": str(tmp_path/"site")}
    written = subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, env=env, text=True).split()
    assert {"index.ipynb", "01_normalize.ipynb", "results/digits.json"} <= {*written}
    chapters = [(tmp_path/"clean"/f.name).read_text() for f in (ROOT/"nbs").glob("0[1-6]_*.ipynb")]
    assert len(chapters) == 6 and all("The clean edition." in text and "<details>" not in text for text in chapters)

def commands(lesson7, folder, env):
    "The `lesson7` command as a new user has it."
    def run(*args):
        done = subprocess.run([lesson7, *args], cwd=folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout
    assert "2000 pictures in train, 1000 pictures in val" in (said := run("data"))
    digits = Path(said.split(": ")[0])
    run("train", "--epochs", "1", "--preset", "cpu")
    picture = next((digits/"val").glob("*/*.jpg"))
    assert re.match(rf"\d +[01]\.\d{{3}}  {re.escape(str(picture))}$", run("predict", "model", picture, "--tta").strip())
    wrong = subprocess.run([lesson7, "predict", "model", "none.jpg"], cwd=folder, env=env, capture_output=True, text=True)
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1, wrong.stderr

def lab(lesson7, folder, env):
    "`lesson7 lab` serves the learner's copy of the notebooks."
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = subprocess.Popen([lesson7, "lab", "--no-browser", f"--port={port}", "--IdentityProvider.token=t"], cwd=folder, env=env,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert any(f":{port}/lab" in line for line in server.stderr)
        held = answer(f"http://127.0.0.1:{port}/api/contents/?token=t")
        assert {"index.ipynb", "01_normalize.ipynb"} <= {f["name"] for f in held["content"]}
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()

@pytest.mark.slow
def test_a_plain_install_works(wheel, tmp_path):
    venv, python = tmp_path/"venv", tmp_path/"venv"/"bin"/"python"
    env = {"PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path/"cache"), "MPLBACKEND": "agg", "HOME": str(tmp_path)}
    try:
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-I", "-m", "pip", "install", "--no-cache-dir", wheel], check=True, stdout=subprocess.DEVNULL)  # -I: no PYTHONPATH
        run = subprocess.run([python, "-W", "ignore", "-c", USE], cwd=tmp_path, capture_output=True, text=True, env=env)
        assert run.returncode == 0, run.stderr
        print(run.stdout.splitlines()[-1])
        commands(venv/"bin"/"lesson7", tmp_path, env)
        lab(venv/"bin"/"lesson7", tmp_path, env)
    finally: subprocess.run(["rm", "-rf", venv])  # some gigabytes
