"What a user gets from a plain `pip install`: the newest fastai and fastcore, no pinned versions."

import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from browser import answer
from conftest import LIBRARY, NBS, ROOT, module_files, notebook_files
from processes import free_port

USE = """
import sys
import lesson7.normalize
from lesson7 import NormalizeExplorer
assert not {"nbdev", "fastai", "torch"} & set(sys.modules)
explorer = NormalizeExplorer(kind="imagenet")
assert explorer.save("normalize.html").stat().st_size > 100_000

from lesson7 import check_normalization, dataset_stats, get_dls, sample_dataset
path = sample_dataset(n_train=300, n_val=100)
stats = dataset_stats(path/"train")
dls = get_dls(64, 64, path, stats)
assert check_normalization(dls.one_batch()[0], stats).ok

from fastai.vision.all import CrossEntropyLossFlat, Learner, accuracy, xresnet18
model = xresnet18(widen=.25, n_out=dls.c)
learn = Learner(dls, model, loss_func=CrossEntropyLossFlat(), metrics=accuracy)
learn.fit_one_cycle(1, 3e-3)
assert learn.validate()[0] < 10 and "nbdev" not in sys.modules

from importlib.metadata import version
assert int(version("fastcore").split(".")[0]) >= 2, version("fastcore")
print("fastai", version("fastai"), "fastcore", version("fastcore"), "torch", version("torch"))
"""

EXPLORERS_ALONE = """
from importlib.util import find_spec
for package in ("torch", "torchvision", "fastai", "fastcore"):
    assert find_spec(package) is None, package
import lesson7.tta
from lesson7 import (
    MixupExplorer, NormalizeExplorer, ResizeExplorer, SmoothingExplorer, TTAExplorer,
)
assert lesson7.tta.windows(100, 150, 64)
kinds = (NormalizeExplorer, ResizeExplorer, TTAExplorer, MixupExplorer, SmoothingExplorer)
for kind in kinds:
    explorer = kind()
    assert len(explorer._repr_mimebundle_()[0]["image/png"]) > 10_000
    page = explorer.save(f"{kind.__name__}.html")
    assert page.stat().st_size > 50_000
    print(page.name)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    "The package's wheel, newly built."
    # setuptools would add files of an older build; build/ itself may hold results of a comparison
    shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", out, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory):
    "A folder with the content of the wheel."
    folder = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


@pytest.fixture
def env(tmp_path):
    "The environment variables of a new user: none of this process's paths."
    return {
        "PATH": "/usr/bin:/bin",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "MPLBACKEND": "agg",
        "HOME": str(tmp_path),
    }


@pytest.fixture
def venv(tmp_path):
    "A new virtual environment without pip, removed at the end: it may take some gigabytes."
    folder = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    yield folder
    subprocess.run(["rm", "-rf", folder], check=True)


def pip_install(venv, *args):
    "Install into a virtual environment with this one's pip, and none of PYTHONPATH's packages."
    pip = [sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install"]
    options = ["--no-cache-dir", "--no-compile"]  # a module is compiled when it is used
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([*pip, *options, *args], check=True, stdout=subprocess.DEVNULL, env=env)


def run_code(venv, code, folder, env):
    "Return what code prints in a virtual environment."
    command = [venv / "bin" / "python", "-W", "ignore", "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


# ---- Content of the wheel


def test_the_wheel_has_modules_views_and_notebooks(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    packages = LIBRARY.rglob("__init__.py")
    views = [file for file in (LIBRARY / "static").rglob("*") if file.is_file()]
    for file in [*module_files(), *packages, LIBRARY / "__init__.pyi", *views]:
        assert file.relative_to(ROOT).as_posix() in names, file
    for file in [*notebook_files(), *NBS.glob("results/*.json")]:
        assert f"lesson7/notebooks/{file.relative_to(NBS).as_posix()}" in names, file
    assert not [name for name in names if ".ipynb_checkpoints" in name]


def test_the_wheel_has_no_other_package_and_is_small(wheel):
    roots = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert sorted(root.split("-")[0] for root in roots) == ["lesson7", "lesson7"]
    assert wheel.stat().st_size < 6_000_000


def run_with_site(code, site, folder):
    "Return what code prints, with the package of the wheel."
    env = os.environ | {"PYTHONPATH": str(site)}
    return subprocess.check_output([sys.executable, "-c", code], cwd=folder, env=env, text=True)


COPY_CLEAN_NOTEBOOKS = """
from lesson7.course.notebooks import copy_notebooks, notebook_folder
assert notebook_folder().name == "notebooks"
print(*copy_notebooks("clean", clean=True)[0])
"""


def test_clean_notebooks_are_copied_from_the_wheel(site, tmp_path):
    written = run_with_site(COPY_CLEAN_NOTEBOOKS, site, tmp_path).split()
    assert {"index.ipynb", "01_normalize.ipynb", "api/data/samples.ipynb"} <= {*written}
    chapters = [(tmp_path / "clean" / f.name).read_text() for f in NBS.glob("0[0-6]_*.ipynb")]
    assert len(chapters) == 7
    assert all("The clean edition." in text and "<details>" not in text for text in chapters)


def test_the_results_are_in_the_wheel(site, tmp_path):
    code = "from lesson7.data.files import results_folder; print(results_folder())"
    expected = site / "lesson7" / "notebooks" / "results"
    assert run_with_site(code, site, tmp_path).strip() == str(expected)
    names = {file.name for file in (NBS / "results").glob("*.json")}
    assert {file.name for file in expected.iterdir()} == names


# ---- Installation into a new environment


def use_commands(lesson7, folder, env):
    "Use the commands data, train and predict as a new user."
    options = dict(cwd=folder, env=env, capture_output=True, text=True, check=False)

    def run(*args):
        done = subprocess.run([lesson7, *args], **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("test").count("\nok ") == 4
    printed = run("data")
    assert "2000 pictures in train, 1000 pictures in val" in printed
    digits = Path(printed.split(": ")[0])
    run("train", "--epochs", "1", "--preset", "cpu")
    picture = next((digits / "val").glob("*/*.jpg"))
    line = run("predict", "model", picture, "--tta").strip()
    assert re.match(rf"\d +[01]\.\d{{3}}  {re.escape(str(picture))}$", line)
    wrong = subprocess.run([lesson7, "predict", "model", "none.jpg"], **options)
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1, wrong.stderr


def use_lab(lesson7, folder, env):
    "Check that `lesson7 lab` serves a copy of the notebooks."
    port = free_port()
    command = [lesson7, "lab", "--no-browser", f"--port={port}", "--IdentityProvider.token=t"]
    server = subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        text=True,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        assert any(f":{port}/lab" in line for line in server.stderr)
        served = answer(f"http://127.0.0.1:{port}/api/contents/?token=t")
        assert {"index.ipynb", "01_normalize.ipynb"} <= {f["name"] for f in served["content"]}
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.mark.long
def test_a_plain_installation_works(wheel, venv, tmp_path, env):
    pip_install(venv, wheel)
    print(run_code(venv, USE, tmp_path, env).splitlines()[-1])
    use_commands(venv / "bin" / "lesson7", tmp_path, env)
    use_lab(venv / "bin" / "lesson7", tmp_path, env)


def explorer_packages():
    "Return the packages that the README names for explorers without PyTorch."
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.search(r"^pip install --no-deps \.\npip install (.+)$", readme, re.M)
    return lines[1].split()


# `test_layout.py` opens each explorer where imports of torch and fastai fail.
@pytest.mark.long
def test_explorers_work_without_torch_and_fastai_installed(wheel, venv, tmp_path, env):
    pip_install(venv, "--no-deps", wheel)
    pip_install(venv, *explorer_packages())
    opened = run_code(venv, EXPLORERS_ALONE, tmp_path, env).split()
    assert len(opened) == 5
