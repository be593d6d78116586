"Changed code makes a test fail: `tests/mutations.py` for each group of modules."

import os
import subprocess
import sys

import pytest
from conftest import ROOT
from mutations import GROUPS

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="each change is tried in a fork"),
]


@pytest.fixture(scope="module")
def with_cosmic_ray(tmp_path_factory):
    "Environment variables of a process that has cosmic-ray, which no user needs."
    folder = tmp_path_factory.mktemp("cosmic-ray")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--target", folder, "cosmic-ray>=8.4"]
    subprocess.run(pip, check=True)
    paths = [str(ROOT), os.environ.get("PYTHONPATH", ""), str(folder)]
    return os.environ | dict(PYTHONPATH=os.pathsep.join(path for path in paths if path))


@pytest.mark.parametrize("group", GROUPS)
def test_most_changes_of_the_code_are_noticed(group, with_cosmic_ray):
    command = [sys.executable, "tests/mutations.py", group]
    run = subprocess.run(command, cwd=ROOT, env=with_cosmic_ray, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr[-2000:]
