"""Every cell of a chapter runs where a reader is: after the first cell and those that it needs.

A name that a cell uses is defined above it. A cell needs the cells that define its names, and
these in turn; nothing else, such as a side effect of another cell.
"""

import ast
import builtins
import os
import re
import symtable
from importlib import import_module

import nbformat
import pytest
from conftest import NBS
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from notebook_cells import cell_sources, notebook_id, read_notebook
from test_exercises import EXERCISES

CHAPTERS = sorted(NBS.glob("0[0-9]_*.ipynb"))
FIRST_CHAPTERS = sorted(NBS.glob("0[1-5]_*.ipynb"))
TRAINING = re.compile(r"\bfit|fine_tune|\btrain\(|train_small|\.tta\(|get_preds|timed\(|compare\(")
KERNEL_NAMES = {"get_ipython", "display", *dir(builtins), "__file__"}
TIMEOUT = 1800  # seconds for a cell


def tree_of(source):
    return ast.parse(TransformerManager().transform_cell(source))


COMPREHENSIONS = {"listcomp", "genexpr", "setcomp", "dictcomp"}


class Names:
    "The names that a cell defines, those that it uses, and those that its functions use later."

    def __init__(self, source):
        code = TransformerManager().transform_cell(source)
        table = symtable.symtable(code, "cell", "exec")
        symbols = table.get_symbols()
        self.defined = {
            s.get_name() for s in symbols if s.is_assigned() or s.is_imported() or s.is_namespace()
        } | starred_names(code)
        self.needed = {s.get_name() for s in symbols if s.is_referenced()} - self.defined
        self.needed_later = set()
        self.add_children(table, is_later=False)
        self.needed -= KERNEL_NAMES
        self.needed_later -= KERNEL_NAMES | self.defined

    def add_children(self, table, is_later):
        "Add the global names that functions, classes and comprehensions use."
        for child in table.get_children():
            is_function = child.get_type() == "function" and child.get_name() not in COMPREHENSIONS
            later = is_later or is_function
            names = {s.get_name() for s in child.get_symbols() if s.is_global()}
            if later:
                self.needed_later |= names
            else:
                self.needed |= names - self.defined
            self.add_children(child, later)


def starred_names(code):
    "Return the names that `from module import *` brings."
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            module = import_module(node.module)
            found |= set(getattr(module, "__all__", None) or dir(module))
    return found


def chapter_cells(file):
    "Return the sources of a chapter's code cells that a reader runs, without directives."
    sources = cell_sources(read_notebook(file), "code")
    run = [source for source in sources if "#| eval: false" not in source]
    return [re.sub(r"^#\|.*\n?", "", source, flags=re.M) for source in run]


@pytest.mark.parametrize("file", CHAPTERS, ids=notebook_id)
def test_names_are_defined_above_the_cell_that_uses_them(file):
    found = [Names(source) for source in chapter_cells(file)]
    everything = set().union(*(names.defined for names in found))
    defined = set()
    for source, names in zip(chapter_cells(file), found, strict=True):
        missing = names.needed - defined
        assert not missing, f"{missing} in\n{source}"
        assert names.needed_later <= everything, source
        defined |= names.defined


def cells_needed(cells, index):
    "Return the indices of the cells that cell `index` needs, with itself and the first one."
    names = [Names(source) for source in cells]
    needed, waiting = {0, index}, [index]
    while waiting:
        current = waiting.pop()
        ends = dict.fromkeys(names[current].needed_later, index)
        ends |= dict.fromkeys(names[current].needed, current)
        for name, end in ends.items():
            before = [i for i in range(end) if name in names[i].defined]
            if before and before[-1] not in needed:
                needed.add(before[-1])
                waiting.append(before[-1])
    return sorted(needed)


def quick_cells(file):
    "Return what each cell of a chapter needs, of those that train nothing, longest first."
    cells = chapter_cells(file)
    slices = [cells_needed(cells, i) for i in range(len(cells))]
    quick = [s for s in slices if not any(TRAINING.search(cells[i]) for i in s)]
    return cells, quick


def run_cells(sources):
    namespace = {"display": print}
    for source in sources:
        exec(compile(tree_of(source), "cell", "exec"), namespace)


@pytest.mark.long
@pytest.mark.parametrize("file", FIRST_CHAPTERS, ids=notebook_id)
def test_a_cell_needs_only_the_cells_that_define_its_names(file, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    cells, slices = quick_cells(file)
    assert len(slices) > 10
    for indices in slices:
        try:
            run_cells(cells[i] for i in indices)
        except Exception as error:
            pytest.fail(f"{error!r} in cells {indices}:\n{cells[indices[-1]]}")


@pytest.mark.long
@pytest.mark.parametrize("file", FIRST_CHAPTERS, ids=notebook_id)
def test_a_chapter_with_its_solutions_runs_in_a_fresh_kernel(file, tmp_path):
    notebook = nbformat.read(file, 4)
    exercises = {stub: solution for _, stub, _, solution in EXERCISES[file.stem[3:]]}
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source in exercises:
            call = cell.source.splitlines()[-1]
            cell.source = f"{exercises[cell.source]}\n\nverdict = {call}\nassert verdict, verdict"
    environment = os.environ | {"XDG_DATA_HOME": str(tmp_path)}
    client = NotebookClient(
        notebook, timeout=TIMEOUT, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute(env=environment)
