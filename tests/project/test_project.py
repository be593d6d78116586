"The project holds together: notebooks and modules, versions, sizes, what is in git."

import configparser
import json
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import NBS, ROOT, notebook_files

import lesson7

BIN = Path(sys.executable).parent
SETTINGS = configparser.ConfigParser(delimiters="=")
SETTINGS.read(ROOT / "settings.ini")
INI = SETTINGS["DEFAULT"]

LARGEST = 1_000_000  # bytes, of a notebook and of any file in git
SHORT_CELL = 8  # lines
SHORT_CELLS = 0.8  # share of a notebook's cells that are short
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
PRIVATE_OR_WARNING = re.compile(r"/(root|home|Users|work|tmp)/|Warning")
BUILT = re.compile(
    r"(^|/)(_build|\.venv|\.ipynb_checkpoints|__pycache__|dist|build)(/|$)|\.(csv|whl|pth|zip)$"
)


def cells(notebook, kind):
    "Return the sources of all cells of one kind."
    all_cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(c["source"]) for c in all_cells if c["cell_type"] == kind]


def notebook_id(file):
    return file.relative_to(NBS).with_suffix("").as_posix()


def git(*args):
    "Return the lines that a git command prints."
    return subprocess.check_output(["git", *args], cwd=ROOT, text=True).splitlines()


def exported_files(root):
    "Return path -> content of all notebooks, modules and static files."
    kinds = {".py", ".pyi", ".ipynb", ".js", ".css"}
    found = {}
    for folder in ("nbs", "lesson7"):
        for file in (root / folder).rglob("*"):
            if file.suffix in kinds and ".ipynb_checkpoints" not in file.parts:
                found[file.relative_to(root)] = file.read_bytes()
    return found


def test_export_and_clean_leave_the_tree_unchanged(tmp_path):
    for name in ("nbs", "lesson7", "settings.ini", "README.md"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    for command in ("nbdev_export", "nbdev_clean"):
        subprocess.run([BIN / command], cwd=tmp_path, check=True)
    assert exported_files(tmp_path) == exported_files(ROOT)


def test_the_version_is_in_settings_ini():
    assert lesson7.__version__ == INI["version"]
    written = git(
        "grep", "-lF", INI["version"], "--", "*.py", "*.pyi", "*.toml", "*.in", "Makefile"
    )
    assert written == ["lesson7/__init__.py"]  # where nbdev_export puts it


def test_development_installs_an_exact_set():
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line]
    assert all(re.match(r"[a-z0-9._-]+==\S+( ;.*)?$", pin) for pin in pins)
    pinned = {pin.split("==")[0] for pin in pins}
    extras = ("", "onnx_", "distributed_", "dev_")
    wanted = " ".join(INI[f"{extra}requirements"] for extra in extras)
    assert {re.split(r"[<>=]", r)[0].lower() for r in wanted.split()} <= pinned


@pytest.mark.parametrize("file", notebook_files(), ids=notebook_id)
def test_a_notebook_is_small_clean_and_of_short_cells(file):
    assert file.stat().st_size < LARGEST
    nb = json.loads(file.read_text(encoding="utf-8"))
    assert "widgets" not in nb["metadata"]
    outputs = [o for c in nb["cells"] if c["cell_type"] == "code" for o in c["outputs"]]
    assert not [o for o in outputs if o["output_type"] == "error"]
    for output in outputs:
        text = json.dumps(output.get("text", "") or output["data"].get("text/plain", ""))
        assert not PRIVATE_OR_WARNING.search(text), text
    shown = [s for s in cells(file, "code") if not s.startswith("#|")]
    short = [s for s in shown if len(s.strip().splitlines()) <= SHORT_CELL]
    assert len(short) >= SHORT_CELLS * len(shown)


def test_importing_is_not_slow():
    "Nothing that takes seconds is imported before something needs it."
    slow = {"fastai", "torchvision", "sklearn", "skimage", "matplotlib", "torch"}
    for module in ("data.samples", "data.images", "explorers.base", "normalize"):
        code = f"import sys, lesson7.{module}; print(*sys.modules)"
        loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
        assert not slow & {*loaded}, module


def test_no_number_in_the_chapters_prose_is_typed_in():
    "What is measured is printed by a cell; a decimal in the text is a number nobody computed."
    for file in sorted(NBS.glob("0[1-5]_*.ipynb")):
        for text in cells(file, "markdown"):
            prose = re.sub(r"`[^`]*`|<code>.*?</code>|\$[^$]*\$|\]\([^)]*\)", "", text)
            assert not re.search(r"\d\.\d|\d\s?%", prose), prose


def test_links_between_notebooks_resolve():
    for file in notebook_files():
        for text in cells(file, "markdown"):
            for target in LINK.findall(text):
                assert (file.parent / target).exists(), (file.name, target)
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in LINK.findall((ROOT / page).read_text(encoding="utf-8")):
            assert (ROOT / target).exists(), (page, target)


def test_nothing_built_or_large_is_in_git():
    names = git("ls-files")
    assert not [name for name in names if BUILT.search(name)]
    there = [ROOT / name for name in names if (ROOT / name).exists()]
    assert not [file for file in there if file.stat().st_size > LARGEST]


def test_the_readme_names_the_commands_that_there_are():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    named = set(re.findall(r"make ([a-z-]+)", readme))
    assert {"lab", "test"} <= named <= targets
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    for module in re.findall(r"-m (lesson7[.\w]*)", readme):
        assert find_spec(module), module
