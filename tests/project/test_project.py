"Notebooks and modules agree; one version number; sizes; files in git; commands in the README."

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
from notebook_cells import cell_sources, link_targets, notebook_id, read_notebook
from processes import loaded_modules

import lesson7

BIN = Path(sys.executable).parent
SETTINGS = configparser.ConfigParser(delimiters="=")
SETTINGS.read(ROOT / "settings.ini")
INI = SETTINGS["DEFAULT"]

LARGEST = 1_000_000  # bytes, of a notebook and of any file in git
SHORT_CELL = 12  # lines, as ruff lays them out
LONGEST_BEFORE_A_RESULT = 10  # lines of a cell
LONGEST_CELL = 30  # lines
SHORT_CELLS = 2 / 3  # share of a notebook's cells that are short
MARKUP = re.compile(r"`[^`]*`|<code>.*?</code>|\$[^$]*\$|\]\([^)]*\)")
MEASURED_NUMBER = re.compile(r"\d\.\d|\d\s?%")
PRIVATE_OR_WARNING = re.compile(r"/(root|home|Users|work|tmp)/|Warning")
BUILT = re.compile(
    r"(^|/)(_build|\.venv|\.ipynb_checkpoints|__pycache__|dist|build)(/|$)|\.(csv|whl|pth|zip)$"
)

each_notebook = pytest.mark.parametrize("file", notebook_files(), ids=notebook_id)


def git(*args):
    "Return the lines that a git command prints."
    return subprocess.check_output(["git", *args], cwd=ROOT, text=True).splitlines()


# ---- Notebooks and modules


def exported_files(root):
    "Return path -> content of all notebooks, modules and static files."
    kinds = {".py", ".pyi", ".ipynb", ".js", ".css"}
    found = {}
    for folder in ("nbs", "lesson7"):
        for file in (root / folder).rglob("*"):
            if file.suffix in kinds and ".ipynb_checkpoints" not in file.parts:
                found[file.relative_to(root)] = file.read_bytes()
    return found


def test_export_and_clean_change_nothing(tmp_path):
    for name in ("nbs", "lesson7", "settings.ini", "README.md"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    for command in ("nbdev_export", "nbdev_clean"):
        subprocess.run([BIN / command], cwd=tmp_path, check=True)
    assert exported_files(tmp_path) == exported_files(ROOT)


@each_notebook
def test_a_notebook_is_small_and_without_widget_state(file):
    assert file.stat().st_size < LARGEST
    assert "widgets" not in read_notebook(file)["metadata"]


@each_notebook
def test_outputs_have_no_errors_warnings_and_private_paths(file):
    for cell in read_notebook(file)["cells"]:
        for output in cell.get("outputs", []):
            assert output["output_type"] != "error"
            text = json.dumps(output.get("text", "") or output["data"].get("text/plain", ""))
            assert not PRIVATE_OR_WARNING.search(text), text


@each_notebook
def test_most_cells_are_short(file):
    sources = cell_sources(read_notebook(file), "code")
    shown = [source for source in sources if not source.startswith("#|")]
    short = [source for source in shown if len(source.strip().splitlines()) <= SHORT_CELL]
    assert len(short) >= SHORT_CELLS * len(shown)
    assert max(map(len, map(str.splitlines, shown)), default=0) <= LONGEST_CELL


FIRST_RESULTS = {  # chapter -> a part of the cell with its first result
    "00_measure": "loss = -probs[range(len(y)), y]",
    "01_normalize": "learn.fit_one_cycle(p.epochs, p.lr)",
    "02_resize": "history = fit_progressive(learn, loaders, stages)",
    "03_tta": "five = torch.cat([plain[None], corners]).mean(0)",
    "04_mixup": "mixed = train([MixUp(), Watch()])",
    "05_smoothing": "learn.fit_one_cycle(p.epochs, p.lr)",
    "06_recipe": "plot_differences(found)",
    "07_share": "loaded = load_model(",
    "08_own": "{result.recipe.name}",
    "09_playground": "TrainExplorer(steps=",
}


def shown_cells(file):
    "Return the code cells that a page shows."
    sources = cell_sources(read_notebook(file), "code")
    return [source for source in sources if not source.startswith("#| echo: false")]


def test_every_chapter_has_a_first_result():
    assert {file.stem for file in NBS.glob("[0-9]*.ipynb")} == {*FIRST_RESULTS}


@pytest.mark.parametrize("chapter", FIRST_RESULTS)
def test_code_is_short_up_to_the_first_result(chapter):
    cells = shown_cells(NBS / f"{chapter}.ipynb")
    [end] = [i for i, source in enumerate(cells) if FIRST_RESULTS[chapter] in source]
    for source in cells[: end + 1]:
        lines = [line for line in source.splitlines() if line.strip()]
        assert len(lines) <= LONGEST_BEFORE_A_RESULT, source


@pytest.mark.parametrize("file", sorted(NBS.glob("0[0-5]_*.ipynb")), ids=notebook_id)
def test_the_text_of_a_chapter_has_no_measured_number(file):
    "Measured numbers are printed by cells, not typed."
    for text in cell_sources(read_notebook(file), "markdown"):
        prose = MARKUP.sub("", text)
        assert not MEASURED_NUMBER.search(prose), prose


@each_notebook
def test_links_in_a_notebook_resolve(file):
    for text in cell_sources(read_notebook(file), "markdown"):
        for target in link_targets(text):
            assert (file.parent / target).exists(), target


@pytest.mark.parametrize("module", ["data.samples", "data.images", "explorers.base", "normalize"])
def test_a_module_imports_no_slow_package(module):
    slow = {"fastai", "torchvision", "sklearn", "skimage", "matplotlib", "torch"}
    assert not slow & loaded_modules(f"import lesson7.{module}")


# ---- Versions


@pytest.mark.parametrize("file", sorted(NBS.glob("*.ipynb")), ids=notebook_id)
def test_code_that_a_page_does_not_show_is_folded_in_jupyterlab(file):
    cells = [cell for cell in read_notebook(file)["cells"] if cell["cell_type"] == "code"]
    hidden = ["#| echo: false" in "".join(cell["source"]) for cell in cells]
    folded = [cell["metadata"].get("jupyter") == {"source_hidden": True} for cell in cells]
    assert folded == hidden


def test_scripts_of_the_environment_are_no_modules():
    "JupyterLab runs a script of .venv; node reads this file to know what it is."
    assert "type" not in json.loads((ROOT / "package.json").read_text())


def test_the_version_is_in_settings_ini():
    assert lesson7.__version__ == INI["version"]
    patterns = ("*.py", "*.pyi", "*.toml", "*.in", "Makefile")
    written = git("grep", "-lF", INI["version"], "--", *patterns)
    assert written == ["lesson7/__init__.py"]  # nbdev_export writes it there


def test_constraints_pin_all_requirements():
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line]
    assert all(re.match(r"[a-z0-9._-]+==\S+( ;.*)?$", pin) for pin in pins)
    pinned = {pin.split("==")[0] for pin in pins}
    extras = ("", "onnx_", "distributed_", "heif_", "pretrained_", "dev_")
    requirements = " ".join(INI[f"{extra}requirements"] for extra in extras).split()
    names = {re.split(r"[<>=]", requirement)[0].lower() for requirement in requirements}
    assert names <= pinned


# ---- Files in git, README and CONTRIBUTING


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_in_a_page_resolve(page):
    for target in link_targets((ROOT / page).read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target


def test_no_built_or_large_file_is_in_git():
    names = git("ls-files")
    assert not [name for name in names if BUILT.search(name)]
    files = [ROOT / name for name in names if (ROOT / name).exists()]
    assert not [file for file in files if file.stat().st_size > LARGEST]


def test_the_make_targets_of_the_readme_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    named = set(re.findall(r"make ([a-z-]+)", readme))
    assert {"lab", "test"} <= named <= targets
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_the_modules_of_the_readme_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for module in re.findall(r"-m (lesson7[.\w]*)", readme):
        assert find_spec(module), module
