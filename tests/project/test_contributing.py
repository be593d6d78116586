"Follow CONTRIBUTING.md word for word: add, show, test and remove its sixth technique."

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
BIN = Path(sys.executable).parent
COPIED = ("lesson7", "nbs", "tests", "settings.ini", "pyproject.toml", "README.md")


def section(title):
    "Return the part of CONTRIBUTING.md under a heading."
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)[1]


def steps():
    "Return the numbered steps of the section on a sixth technique."
    parts = re.split(r"^\*\*\d\. ", section("A sixth technique"), flags=re.M)
    return parts[1:]


def blocks(text):
    "Return the fenced blocks of a text: pairs of language and content."
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S)


def write_notebook(path, cells):
    "Write a notebook of one cell for each block."
    made = []
    for language, source in cells:
        is_text = language == "markdown"
        new = nbformat.v4.new_markdown_cell if is_text else nbformat.v4.new_code_cell
        made.append(new(source.rstrip()))
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)


def run(*command, cwd):
    "Run a command in the copy, with its package."
    environment = os.environ | {"PYTHONPATH": str(cwd), "PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def files(root):
    "Return path -> content of the files of the package and of the notebooks."
    found = {}
    for folder in ("lesson7", "nbs"):
        for file in (root / folder).rglob("*"):
            if file.suffix in (".py", ".pyi", ".ipynb", ".js", ".css"):
                found[file.relative_to(root)] = file.read_bytes()
    return found


@pytest.fixture
def copy(tmp_path):
    "A copy of the project that may be changed."
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def add_technique(copy, arithmetic, explorer, view, name):
    "Follow the steps that write the files of the technique."
    write_notebook(copy / "nbs/10_cutout.ipynb", blocks(arithmetic))
    write_notebook(copy / "nbs/api/explorers/cutout.ipynb", blocks(explorer))
    (copy / "lesson7/static/cutout.js").write_text(blocks(view)[0][1])
    (copy / "lesson7/static/cutout.css").write_text("")
    stub = copy / "lesson7/__init__.pyi"
    (_, public_name), (_, add_level) = blocks(name)
    stub.write_text(stub.read_text() + public_name)
    run("bash", "-c", add_level, cwd=copy)
    assert '"cutout"' in (copy / "tests/project/arrows.py").read_text()


def show_technique(copy, show):
    "Follow the step that exports the technique and saves its page."
    run("nbdev_export", cwd=copy)
    code = re.search(r'python -c "(.*?)"\n', blocks(show)[0][1])[1]
    run(sys.executable, "-c", code, cwd=copy)
    assert (copy / "cutout.html").stat().st_size > 10_000


def run_tests(copy, test):
    "Follow the step that tests the technique."
    commands = re.findall(r"python -m (pytest .*)", blocks(test)[0][1])
    assert len(commands) == 2
    for command in commands:
        run(sys.executable, "-m", *command.split(), cwd=copy)


def remove_technique(copy, remove, stub):
    "Follow the step that removes the technique; `stub` is the old content of `__init__.pyi`."
    removed = re.search(r"^rm (.*)", blocks(remove)[0][1], re.M)[1]
    run("bash", "-c", f"rm {removed}", cwd=copy)
    (copy / "lesson7/__init__.pyi").write_bytes(stub)
    run("nbdev_export", cwd=copy)
    run("nbdev_clean", cwd=copy)


def test_a_sixth_technique_is_added_shown_tested_and_removed(copy):
    before = files(copy)
    *add, show, test, remove = steps()
    add_technique(copy, *add)
    show_technique(copy, show)
    run_tests(copy, test)
    remove_technique(copy, remove, before[Path("lesson7/__init__.pyi")])
    assert files(copy) == before


def test_its_commands_and_files_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    assert set(re.findall(r"`make ([a-z-]+)", TEXT)) <= targets
    rest = TEXT.replace(section("A sixth technique"), "")
    named = re.findall(r"`((?:nbs|lesson7|tests|docs|bench)/[\w./-]+\.\w+)`", rest)
    assert named
    for path in named:
        assert (ROOT / path).exists(), path
