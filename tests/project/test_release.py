"What is checked before a release, and the files that a public repository needs."

import zipfile

import pytest
import yaml
from conftest import ROOT

import release

WORKFLOWS = sorted((ROOT / ".github").rglob("*.yml"))


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_or_form_is_yaml(file):
    assert isinstance(yaml.safe_load(file.read_text(encoding="utf-8")), dict)


def test_the_matrix_has_all_systems_and_versions_of_python():
    jobs = yaml.safe_load((ROOT / ".github/workflows/matrix.yml").read_text())["jobs"]
    matrix = jobs["matrix"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.10", "3.11", "3.12", "3.13", "3.14"]
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}


def test_only_the_job_that_publishes_gets_a_token():
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    tokens = {name: job.get("permissions", {}).get("id-token") for name, job in jobs.items()}
    assert tokens == {"build": None, "publish": "write"}


@pytest.mark.parametrize(
    "tag, found",
    [
        (None, []),
        ("v9.9.9", [f"tag must be v{release.version()}, as in settings.ini, got v9.9.9"]),
        (f"v{release.version()}", []),
    ],
)
def test_a_tag_is_that_of_the_version(tag, found):
    faults = [fault for fault in release.check_texts(tag) if "a date" not in fault]
    assert faults == found


def test_what_a_wheel_lacks_is_named(tmp_path):
    wheel = tmp_path / "lesson7-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as files:
        files.writestr("lesson7/static/explorer.js", "")
    faults = release.check_wheel(wheel)
    assert len(faults) == len(release.IN_THE_WHEEL) - 1
    assert any("runtime" in fault for fault in faults)
