"Notebooks run from any folder: as a script, by %run, and by programs such as papermill."

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import PythonExporter

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(
    f for f in (ROOT / "nbs").rglob("*.ipynb") if ".ipynb_checkpoints" not in f.parts
)

# Notebooks that end with a program's `main()`, or read the committed results.
PROGRAMS = ["api/cli", "api/training/launch"]
READERS = ["api/performance"]


def run_ipython(folder, *args):
    "Run IPython in a folder, and return what it prints."
    command = [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", *args]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout, done.stdout
    return done.stdout


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)
def test_a_notebook_becomes_a_python_script(file):
    text, resources = PythonExporter().from_filename(str(file))
    assert resources["output_extension"] == ".py"
    compile(text, file.name, "exec")


@pytest.mark.parametrize("name", PROGRAMS + READERS)
def test_a_script_starts_no_program_and_finds_its_files(name, tmp_path):
    text, _ = PythonExporter().from_filename(str(ROOT / "nbs" / f"{name}.ipynb"))
    script = tmp_path / "script.py"
    script.write_text(text)
    printed = run_ipython(tmp_path, str(script))
    assert "accuracy" not in printed  # nothing was trained
    assert [f.name for f in tmp_path.iterdir()] == ["script.py"]


@pytest.mark.parametrize("name", PROGRAMS + READERS)
def test_percent_run_raises_nothing(name, tmp_path):
    notebook = ROOT / "nbs" / f"{name}.ipynb"
    run_ipython(tmp_path, "-c", f"%run {notebook}")


def test_the_recipe_finds_its_results_from_another_folder(tmp_path):
    nb = nbformat.read(ROOT / "nbs" / "06_recipe.ipynb", 4)
    reading = [i for i, cell in enumerate(nb.cells) if "results_folder()" in cell.source]
    nb.cells = nb.cells[: reading[0] + 2]  # the cells that load and print; the rest trains
    NotebookClient(nb, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert nb.cells[-1].outputs
