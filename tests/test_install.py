"What a user gets from a plain `pip install`: the newest fastai and fastcore, none of our pins."
import shutil, subprocess, sys, zipfile
from pathlib import Path

import pytest

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
    shutil.rmtree(ROOT/"build", ignore_errors=True)  # setuptools would pack what an older build left
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", out, ROOT], check=True, capture_output=True)
    return next(out.glob("*.whl"))

def test_the_wheel_holds_module_and_views_and_is_small(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for file in [*(ROOT/"lesson7").glob("*.py"), *(ROOT/"lesson7"/"static").iterdir()]: assert str(file.relative_to(ROOT)) in names
    assert wheel.stat().st_size < 300_000

@pytest.mark.slow
def test_a_plain_install_works(tmp_path):
    venv, python = tmp_path/"venv", tmp_path/"venv"/"bin"/"python"
    try:
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--no-cache-dir", ROOT], check=True, stdout=subprocess.DEVNULL)
        run = subprocess.run([python, "-W", "ignore", "-c", USE], cwd=tmp_path, capture_output=True, text=True,
                             env={"PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path/"cache"), "MPLBACKEND": "agg"})
        assert run.returncode == 0, run.stderr
        print(run.stdout.splitlines()[-1])
    finally: subprocess.run(["rm", "-rf", venv])  # some gigabytes
