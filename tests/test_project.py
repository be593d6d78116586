"The project holds together: notebooks and module, versions, sizes, what may stand in git."
import configparser, json, re, shutil, subprocess, sys
from pathlib import Path

import pytest

import lesson7

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT/"nbs").glob("*.ipynb"))
INI = configparser.ConfigParser(delimiters="=")
INI.read(ROOT/"settings.ini")
BIN = Path(sys.executable).parent


def cells(notebook, kind): return ["".join(c["source"]) for c in json.loads(notebook.read_text())["cells"] if c["cell_type"] == kind]


def test_export_and_clean_leave_the_tree_unchanged(tmp_path):
    for name in ("nbs", "lesson7", "settings.ini", "README.md"):
        copy = shutil.copytree if (ROOT/name).is_dir() else shutil.copy
        copy(ROOT/name, tmp_path/name)
    read = lambda root: {f.relative_to(root): f.read_bytes() for d in ("nbs", "lesson7") for f in (root/d).rglob("*")
                         if f.suffix in (".py", ".ipynb", ".js", ".css") and ".ipynb_checkpoints" not in f.parts}
    for command in ("nbdev_export", "nbdev_clean"): subprocess.run([BIN/command], cwd=tmp_path, check=True)
    assert read(tmp_path) == read(ROOT)


def test_the_version_lives_in_settings_ini():
    assert lesson7.__version__ == INI["DEFAULT"]["version"]
    written = subprocess.check_output(["git", "grep", "-lF", INI["DEFAULT"]["version"], "--", "*.py", "*.toml", "*.in", "Makefile"], cwd=ROOT, text=True).split()
    assert written == ["lesson7/__init__.py"]  # where nbdev_export puts it


def test_development_installs_an_exact_set():
    pins = [line for line in (ROOT/"constraints.txt").read_text().splitlines() if line]
    assert all(re.match(r"[a-z0-9._-]+==\S+( ;.*)?$", pin) for pin in pins)
    pinned = {pin.split("==")[0] for pin in pins}
    wanted = " ".join(INI["DEFAULT"][k] for k in ("requirements", "onnx_requirements", "distributed_requirements", "dev_requirements"))
    assert {re.split(r"[<>=]", r)[0].lower() for r in wanted.split()} <= pinned


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)
def test_a_notebook_is_small_clean_and_of_short_cells(file):
    assert file.stat().st_size < 1_000_000
    nb = json.loads(file.read_text())
    outputs = [o for c in nb["cells"] if c["cell_type"] == "code" for o in c["outputs"]]
    assert "widgets" not in nb["metadata"] and not [o for o in outputs if o["output_type"] == "error"]
    for text in (json.dumps(o.get("text", "") or o["data"].get("text/plain", "")) for o in outputs):
        assert not re.search(r"/(root|home|Users|work|tmp)/|Warning", text), text
    shown = [s for s in cells(file, "code") if not s.startswith("#|")]
    assert sum(len(s.strip().splitlines()) <= 8 for s in shown) >= .8*len(shown)


def test_modules_are_small():
    for file in (ROOT/"lesson7").glob("[a-z]*.py"): assert 20 <= len(file.read_text().splitlines()) <= 240, file.name


def test_imports_run_one_way():
    "What stands lower imports nothing that stands higher."
    order = ["files digits exercises attempt editions", "data", "explorer", "normalize resize tta mixup smoothing", "training", "evidence", "recipe", "share check workbench", "cli"]
    level = {m: i for i, names in enumerate(order) for m in names.split()}
    for file in (ROOT/"lesson7").glob("[a-z]*.py"):
        for other in re.findall(r"^\s*from lesson7\.(\w+) import", file.read_text(), re.M): assert level[other] < level[file.stem], (file.name, other)


def test_importing_is_not_slow():
    "Nothing that takes seconds is imported before something needs it."
    code = "import sys, lesson7.{}; print(*sorted({{'fastai', 'torchvision', 'sklearn', 'skimage', 'matplotlib', 'torch'}} & set(sys.modules)))"
    loaded = lambda module: subprocess.check_output([sys.executable, "-c", code.format(module)], text=True).split()
    assert loaded("data") == [] and loaded("explorer") == [] and loaded("normalize") == ["torch"]


def test_no_number_in_the_chapters_prose_is_typed_in():
    "What is measured is printed by a cell; a decimal in the text would be a number that nobody computed."
    for file in NOTEBOOKS:
        if file.stem[:2] not in ("01", "02", "03", "04", "05"): continue
        for text in cells(file, "markdown"):
            prose = re.sub(r"`[^`]*`|<code>.*?</code>|\$[^$]*\$|\]\([^)]*\)", "", text)
            assert not re.search(r"\d\.\d|\d\s?%", prose), prose


def test_links_between_notebooks_resolve():
    for file in NOTEBOOKS:
        for text in cells(file, "markdown"):
            for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text): assert (file.parent/target).exists(), (file.name, target)
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT/"README.md").read_text()): assert (ROOT/target).exists(), target


def test_nothing_built_or_large_is_in_git():
    names = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    assert not [n for n in names if re.search(r"(^|/)(_build|\.venv|\.ipynb_checkpoints|__pycache__|dist|build)(/|$)|\.(csv|whl|pth|zip)$", n)]
    assert not [n for n in names if (ROOT/n).exists() and (ROOT/n).stat().st_size > 1_000_000]


def test_the_readme_names_the_commands_that_there_are():
    readme, makefile = (ROOT/"README.md").read_text(), (ROOT/"Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    named = set(re.findall(r"make ([a-z-]+)", readme))
    assert {"lab", "test"} <= named <= targets
    assert "make test" in (ROOT/".ci"/"run").read_text()
