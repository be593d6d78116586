"The package's layout: public names, what an import costs, notebooks and their modules."

import ast
import configparser
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from conftest import LIBRARY, NBS, ROOT, module_files, module_name, notebook_files
from notebook_cells import cell_sources, notebook_id, read_notebook
from processes import loaded_modules

import lesson7

CHAPTERS = ("measure", "normalize", "resize", "tta", "mixup", "smoothing")
EXPLORERS = [
    "MixupExplorer",
    "NormalizeExplorer",
    "ResizeExplorer",
    "SmoothingExplorer",
    "TTAExplorer",
    "TrainExplorer",
]
MODULES = [module_name(file) for file in module_files()]
CHAPTER_AND_FUNCTION = {"normalize", "tta"}  # modules at the top that hold a function of their name
OTHER_NAMES = {"lesson7.cli", "lesson7.course.check"}  # commands, and exercises, by short names

each_notebook = pytest.mark.parametrize("file", notebook_files(), ids=notebook_id)

BLOCK = """
import sys

class Block:
    "Makes imports of torch and fastai fail."

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
    "Return public name -> module that it is from, as `__init__.pyi` lists them."
    homes = {}
    for node in ast.parse((LIBRARY / "__init__.pyi").read_text()).body:
        if not isinstance(node, ast.ImportFrom):
            continue
        home = f"lesson7.{node.module}" if node.module else "lesson7"
        for alias in node.names:
            assert alias.name == alias.asname  # editors treat other names as private
            homes[alias.name] = home
    return homes


HOMES = public_homes()


def exported_names(module):
    "Return the names in a module's `__all__`."
    return set(getattr(importlib.import_module(module), "__all__", ()))


# ---- Public names


def test_importing_the_package_loads_no_slow_package():
    slow = {"torch", "numpy", "fastai", "pandas", "matplotlib", "PIL", "anywidget", "IPython"}
    assert not slow & loaded_modules("import lesson7")


def test_all_public_names_are_listed():
    assert {*HOMES} <= {*dir(lesson7)}
    assert {*HOMES} == {*lesson7.__all__}


@pytest.mark.parametrize("name", HOMES)
def test_a_public_name_is_that_of_its_module(name):
    value = getattr(lesson7, name)
    if isinstance(value, ModuleType):
        assert value is importlib.import_module(f"{HOMES[name]}.{name}")
    else:
        assert value is getattr(importlib.import_module(HOMES[name]), name)


@pytest.mark.slow
@pytest.mark.parametrize("modules_first", [False, True], ids=["names first", "modules first"])
def test_names_are_the_same_in_any_order(modules_first):
    "An imported module must not replace a function with its name."
    imports = [f"import {home}" for home in sorted({*HOMES.values()})]
    names = [f"print(type(lesson7.{name}).__name__)" for name in HOMES]
    steps = [*imports, *names] if modules_first else [*names, *imports, *names]
    printed, _ = run_python("-W", "ignore", "-c", "\n".join(["import lesson7", *steps]))
    first, last = printed.split()[: len(HOMES)], printed.split()[-len(HOMES) :]
    modules = [name for name, kind in zip(HOMES, last, strict=True) if kind == "module"]
    assert sorted(modules) == sorted(CHAPTERS)
    assert first == last


@pytest.mark.parametrize("dotted", sorted({*MODULES} - OTHER_NAMES))
def test_a_name_of_a_module_is_the_same_object_at_the_top(dotted):
    module = importlib.import_module(dotted)
    for name in exported_names(dotted) & (HOMES.keys() - CHAPTER_AND_FUNCTION):
        assert getattr(lesson7, name) is getattr(module, name), name


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_is_a_module_at_the_top(name):
    assert inspect.ismodule(getattr(lesson7, name))


@pytest.mark.parametrize("name", sorted(CHAPTER_AND_FUNCTION))
def test_a_chapter_with_a_function_of_its_name_has_the_function(name):
    assert callable(getattr(importlib.import_module(f"lesson7.{name}"), name))


PACKAGE_FOLDERS = sorted({file.parent for file in module_files()})


@pytest.mark.parametrize("folder", PACKAGE_FOLDERS, ids=lambda folder: folder.name)
def test_no_module_has_the_name_of_a_function_of_its_package(folder):
    package = ".".join(folder.relative_to(ROOT).parts)
    modules = [name for name in MODULES if name.rpartition(".")[0] == package]
    names = {*HOMES} - {*CHAPTERS}
    if package != "lesson7":
        names = set().union(*map(exported_names, modules))
    children = {name.rpartition(".")[2] for name in modules}
    children |= {child.name for child in folder.iterdir() if (child / "__init__.py").exists()}
    assert not children & names


# ---- What an import costs


@pytest.mark.parametrize("module", [f"lesson7.{name}" for name in CHAPTERS])
def test_a_chapters_module_can_be_imported_without_torch_and_fastai(module):
    run_python("-c", f"{BLOCK}\nimport {module}")


OPEN_EXPLORER = """
import sys
from lesson7 import {name}
{name}()
print(*sys.modules)
"""
USE_EXPLORER = """
explorer = {name}()
assert repr(explorer).startswith("{name}(")
assert len(explorer._repr_mimebundle_()[0]["image/png"]) > 10_000
assert explorer.save("explorer.html").stat().st_size > 50_000
"""


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_opens_and_works_without_torch_fastai_and_pandas(name, tmp_path):
    code = OPEN_EXPLORER.format(name=name) + BLOCK + USE_EXPLORER.format(name=name)
    printed, _ = run_python("-c", code, cwd=tmp_path)
    loaded = {*printed.split()}
    assert "anywidget" in loaded and not {"torch", "fastai", "pandas"} & loaded


# ---- Notebooks and modules


def default_export(file):
    "Return the module that a notebook is exported to; None if it is exported to none."
    code = "\n".join(cell_sources(read_notebook(file), "code"))
    found = re.search(r"^#\| ?default_exp (\S+)$", code, re.M)
    return found and found[1]


EXPORTED = {file: default_export(file) for file in notebook_files()}


@each_notebook
def test_a_notebook_does_not_export_when_it_is_run(file):
    assert "nbdev_export" not in "\n".join(cell_sources(read_notebook(file)))


@each_notebook
def test_the_metadata_of_a_notebook_has_the_language(file):
    metadata = read_notebook(file)["metadata"]
    assert metadata["language_info"]["file_extension"] == ".py"


@pytest.mark.slow
def test_nbconvert_writes_a_python_script(tmp_path):
    command = ["-m", "jupyter", "nbconvert", "--to", "script", "--output-dir", str(tmp_path)]
    run_python(*command, str(NBS / "01_normalize.ipynb"))
    assert [file.name for file in tmp_path.iterdir()] == ["01_normalize.py"]


@each_notebook
def test_a_notebook_has_the_path_of_its_module(file):
    path, module = file.relative_to(NBS), EXPORTED[file]
    if module and path.parts[0] == "api":
        assert path.with_suffix("").parts[1:] == tuple(module.split("."))
    elif module:
        assert re.fullmatch(rf"\d\d_{module}\.ipynb", path.as_posix())


def test_every_module_has_a_notebook_and_every_notebook_a_module():
    modules = {f"lesson7.{module}" for module in EXPORTED.values() if module}
    assert modules == {*MODULES}
    without_module = [file for file, module in EXPORTED.items() if not module]
    others = {"index", "08_own", "09_playground", "api/performance"}
    assert {*map(notebook_id, without_module)} == others


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


# `data.digits` and `data.samples` fill a temporary folder, which is renamed when it is complete.
WRITING_MODULES = {"data/files.py", "data/digits.py", "data/samples.py"}


def test_files_are_written_atomically():
    writes = re.compile(r"\.write_(text|bytes)\(|open\([^)]*\"[wa]b?\"")
    package = Path(lesson7.__file__).parent
    found = {
        file.relative_to(package).as_posix()
        for file in package.rglob("*.py")
        if writes.search(file.read_text(encoding="utf-8"))
    }
    assert found == WRITING_MODULES
