"The package's layout: public names, what an import costs, notebooks and their modules."

import ast
import configparser
import importlib
import inspect
import json
import re
import subprocess
import sys
from types import ModuleType

import pytest
from conftest import LIBRARY, NBS, ROOT, module_files, module_name, notebook_files

import lesson7

CHAPTERS = ("normalize", "resize", "tta", "mixup", "smoothing")
EXPLORERS = [
    "MixupExplorer",
    "NormalizeExplorer",
    "ResizeExplorer",
    "SmoothingExplorer",
    "TTAExplorer",
]
MODULES = [module_name(file) for file in module_files()]
CHAPTER_AND_FUNCTION = {"normalize", "tta"}  # modules at the top that hold a function of their name
OTHER_NAMES = {"lesson7.cli", "lesson7.course.check"}  # commands, and exercises, by short names

BLOCK = """
import sys

class Block:
    "Makes torch and fastai impossible to import."

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "fastai", "fastcore"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Block())
"""


def run_python(*args, cwd=None):
    "Return what a fresh Python process prints, to stdout and to stderr."
    done = subprocess.run(
        [sys.executable, *args], capture_output=True, text=True, cwd=cwd, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def public_homes():
    "Return name -> home module of all public names, as `__init__.pyi` lists them."
    homes = {}
    for node in ast.parse((LIBRARY / "__init__.pyi").read_text()).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                assert alias.name == alias.asname  # an editor takes other names for private ones
                homes[alias.name] = ".".join(filter(None, ["lesson7", node.module]))
    return homes


HOMES = public_homes()


# ---- Public names


def test_importing_the_package_imports_neither_torch_nor_numpy():
    printed, _ = run_python("-c", "import sys, lesson7; print(*sys.modules)")
    slow = {"torch", "numpy", "fastai", "pandas", "matplotlib", "PIL", "anywidget", "IPython"}
    assert not slow & {*printed.split()}


def test_all_public_names_are_listed_and_resolve():
    assert {*HOMES} <= {*dir(lesson7)} and {*HOMES} == {*lesson7.__all__}
    for name, home in HOMES.items():
        value = getattr(lesson7, name)
        expected = f"{home}.{name}" if isinstance(value, ModuleType) else home
        module = importlib.import_module(expected)
        assert value is module or value is getattr(module, name)


@pytest.mark.parametrize("modules_first", [False, True], ids=["names first", "modules first"])
def test_names_are_the_same_in_any_order(modules_first):
    "Importing a module must not put it in the place of a function with its name."
    imports = [f"import {home}" for home in sorted({*HOMES.values()})]
    names = [f"print(type(lesson7.{name}).__name__)" for name in HOMES]
    steps = [*imports, *names] if modules_first else [*names, *imports, *names]
    printed, _ = run_python("-W", "ignore", "-c", "\n".join(["import lesson7", *steps]))
    kinds = printed.split()[-len(HOMES) :]
    modules = [name for name, kind in zip(HOMES, kinds, strict=True) if kind == "module"]
    assert sorted(modules) == sorted(CHAPTERS) and printed.split()[: len(HOMES)] == kinds


def test_a_public_name_of_a_module_is_the_same_object_at_the_top():
    for dotted in sorted({*MODULES} - OTHER_NAMES):
        module = importlib.import_module(dotted)
        for name in set(getattr(module, "__all__", ())) & HOMES.keys() - CHAPTER_AND_FUNCTION:
            assert getattr(lesson7, name) is getattr(module, name), (dotted, name)


def test_chapters_are_modules_at_the_top():
    for name in CHAPTERS:
        assert inspect.ismodule(getattr(lesson7, name))
    from lesson7.normalize import normalize
    from lesson7.tta import tta

    assert callable(tta) and callable(normalize)


def test_no_module_has_the_name_of_a_function_of_its_package():
    for folder in {file.parent for file in module_files()}:
        package = ".".join(folder.relative_to(ROOT).parts)
        inside = [m for m in MODULES if m.rpartition(".")[0] == package]
        names = {*HOMES} - {*CHAPTERS}
        if package != "lesson7":
            modules = [importlib.import_module(m) for m in inside]
            names = {name for module in modules for name in getattr(module, "__all__", ())}
        children = {m.rpartition(".")[2] for m in inside}
        children |= {f.name for f in folder.iterdir() if (f / "__init__.py").exists()}
        assert not children & names, package


# ---- What an import costs


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_opens_without_torch_fastai_and_pandas(name):
    code = f"from lesson7 import {name}; {name}()"
    _, timings = run_python("-X", "importtime", "-c", code)
    imported = re.findall(r"^import time:.*\| +(\S+)$", timings, re.M)
    roots = {module.split(".")[0] for module in imported}
    assert "anywidget" in roots and not {"torch", "fastai", "pandas"} & roots


@pytest.mark.parametrize("module", [f"lesson7.{name}" for name in CHAPTERS])
def test_a_chapters_module_imports_where_torch_and_fastai_cannot_be(module):
    run_python("-c", f"{BLOCK}\nimport {module}")


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_works_where_torch_and_fastai_cannot_be(name, tmp_path):
    use = f"""
from lesson7 import {name}
explorer = {name}()
assert repr(explorer).startswith("{name}(")
assert len(explorer._repr_mimebundle_()[0]["image/png"]) > 10_000
assert explorer.save("explorer.html").stat().st_size > 50_000
"""
    run_python("-c", BLOCK + use, cwd=tmp_path)


# ---- Notebooks and modules


def read_cells(file, kind=None):
    "Return the sources of a notebook's cells, all or those of one kind."
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return ["".join(c["source"]) for c in cells if kind in (None, c["cell_type"])]


def default_export(file):
    "Return the module that a notebook is exported to; None where it is exported to none."
    found = re.search(r"^#\| ?default_exp (\S+)$", "\n".join(read_cells(file, "code")), re.M)
    return found and found[1]


def test_no_notebook_exports_when_it_is_run():
    for file in notebook_files():
        assert "nbdev_export" not in "\n".join(read_cells(file)), file


def test_every_notebook_says_what_language_it_is_in():
    for file in notebook_files():
        metadata = json.loads(file.read_text(encoding="utf-8"))["metadata"]
        assert metadata["language_info"]["file_extension"] == ".py", file


def test_nbconvert_writes_a_python_script(tmp_path):
    notebook = NBS / "01_normalize.ipynb"
    run_python(
        "-m",
        "jupyter",
        "nbconvert",
        "--to",
        "script",
        str(notebook),
        "--output-dir",
        str(tmp_path),
    )
    assert [f.name for f in tmp_path.iterdir()] == ["01_normalize.py"]


def test_a_notebook_is_where_its_module_is():
    for file in notebook_files():
        place = file.relative_to(NBS)
        if not (module := default_export(file)):
            continue
        if place.parts[0] == "api":
            assert place.with_suffix("").parts[1:] == tuple(module.split(".")), file
        else:
            assert re.fullmatch(rf"\d\d_{module}\.ipynb", place.as_posix()), file


def test_every_module_has_a_notebook_and_every_notebook_a_module():
    exported = {
        f"lesson7.{module}" for file in notebook_files() if (module := default_export(file))
    }
    assert exported == {*MODULES}
    without = {f.relative_to(NBS).as_posix() for f in notebook_files() if not default_export(f)}
    assert without == {"index.ipynb", "api/performance.ipynb"}


def test_nbdev_reads_nested_notebooks():
    settings = configparser.ConfigParser(delimiters="=")
    settings.read(ROOT / "settings.ini")
    assert settings["DEFAULT"]["recursive"] == "True"


def test_every_folder_of_modules_is_a_package():
    for file in module_files():
        assert (file.parent / "__init__.py").is_file(), file


# ---- Tests


def test_no_two_test_files_have_the_same_name():
    names = [file.name for file in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len({*names})
