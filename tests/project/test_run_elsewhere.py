"Notebooks run from any folder: as a script, by %run, and by programs such as papermill."

import subprocess
import sys

import nbformat
import pytest
from conftest import NBS, notebook_files
from nbclient import NotebookClient
from nbconvert import PythonExporter
from notebook_cells import notebook_id

PROGRAMS = ["api/cli", "api/training/launch"]  # end with a program's `main()`
READERS = ["api/performance"]  # read the committed results


def run_ipython(folder, *args):
    "Run IPython in a folder, and return what it prints."
    command = [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", *args]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout, done.stdout
    return done.stdout


@pytest.mark.parametrize("file", notebook_files(), ids=notebook_id)
def test_a_notebook_is_converted_to_valid_python(file):
    text, resources = PythonExporter().from_filename(str(file))
    assert resources["output_extension"] == ".py"
    compile(text, file.name, "exec")


@pytest.mark.parametrize("name", PROGRAMS + READERS)
def test_a_notebook_runs_as_a_script_and_trains_nothing(name, tmp_path):
    text, _ = PythonExporter().from_filename(str(NBS / f"{name}.ipynb"))
    script = tmp_path / "script.py"
    script.write_text(text)
    printed = run_ipython(tmp_path, str(script))
    assert "train_loss" not in printed
    assert [file.name for file in tmp_path.iterdir()] == ["script.py"]


@pytest.mark.parametrize("name", PROGRAMS + READERS)
def test_a_notebook_runs_with_percent_run(name, tmp_path):
    run_ipython(tmp_path, "-c", f"%run {NBS / name}.ipynb")


def test_the_recipe_finds_its_results_from_another_folder(tmp_path):
    notebook = nbformat.read(NBS / "06_recipe.ipynb", 4)
    sources = [cell.source for cell in notebook.cells]
    reading = next(i for i, source in enumerate(sources) if "results_folder()" in source)
    show = nbformat.v4.new_code_cell("print(len(long.runs))")
    notebook.cells = [*notebook.cells[: reading + 1], show]  # later cells train
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert int(notebook.cells[-1].outputs[0].text) > 0
