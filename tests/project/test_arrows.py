"Imports point one way in the package; and the check finds imports that do not."

import pytest
from arrows import import_cycle, imports_of, wrong_imports
from conftest import module_files, module_name

PACKAGE = {module_name(file): file.read_text(encoding="utf-8") for file in module_files()}

DATA = "lesson7.data.files"
LATE_IMPORT = """
def __getattr__(name):
    from lesson7.training.callbacks import ActivationMixup
"""
TTA_EXPLORER = """
from ..tta import windows
from .base import Explorer

def model():
    from ..share import load_model
"""

MADE_UP = {  # a package that keeps the rules: module -> source
    "lesson7.lazy": "import warnings",
    DATA: "from pathlib import Path",
    "lesson7.data.samples": "from ..lazy import torch\nfrom .files import open_image",
    "lesson7.outputs": "from .lazy import torch",
    "lesson7.tta": "from .data import files\nfrom . import outputs\nimport lesson7.lazy",
    "lesson7.mixup": LATE_IMPORT,
    "lesson7.training.callbacks": "from ..mixup import mix",
    "lesson7.training.loop": "def version():\n    from lesson7 import __version__",
    "lesson7.share": "from .tta import tta",
    "lesson7.recipe": "from .training.loop import train",
    "lesson7.explorers.base": "import anywidget\nfrom ..data.files import open_image",
    "lesson7.explorers.tta": TTA_EXPLORER,
    "lesson7.course.check": "from .sandbox import run_answer",
    "lesson7.course.sandbox": "",
    "lesson7.cli": "from .explorers.tta import TTAExplorer\nfrom .course.check import progress",
}


def test_the_package_keeps_the_rules():
    assert wrong_imports(PACKAGE) == []


def test_the_package_has_no_import_cycle():
    assert import_cycle(PACKAGE) == []


def test_a_package_that_keeps_the_rules_has_no_fault():
    assert wrong_imports(MADE_UP) == [] and import_cycle(MADE_UP) == []


HIGHER_IMPORTS = [  # module, source, line, what it imports from a higher level
    (DATA, "from ..explorers.base import Explorer", 1, "explorers.base"),
    (DATA, "from lesson7.explorers import base", 1, "explorers.base"),
    (DATA, "import lesson7.tta as t", 1, "tta"),
    (DATA, "from .. import tta", 1, "tta"),
    (DATA, "x = 1\ndef f():\n    from ..tta import tta", 3, "tta"),
    (DATA, "class A:\n    from ..tta import tta", 2, "tta"),
    (DATA, "if True:\n    from ..tta import tta", 2, "tta"),
    (DATA, "try:\n    import os\nexcept OSError:\n    from ..tta import tta", 4, "tta"),
    (DATA, "from importlib import import_module\nimport_module('lesson7.tta')", 2, "tta"),
    ("lesson7.tta", "from .share import load_model", 1, "share"),
    ("lesson7.training.loop", "from ..recipe import choose", 1, "recipe"),
    ("lesson7.explorers.tta", "from ..cli import main", 1, "cli"),
    ("lesson7.mixup", "from .training.callbacks import mix", 1, "training.callbacks"),
    ("lesson7.mixup", "def f():\n    from .training.callbacks import mix", 2, "training.callbacks"),
    (
        "lesson7.mixup",
        "def __getattr__(name):\n    from .training.loop import train",
        2,
        "training.loop",
    ),
]


@pytest.mark.parametrize("module, source, line, target", HIGHER_IMPORTS)
def test_an_import_of_a_higher_level_is_found(module, source, line, target):
    fault = f"{module}:{line} imports lesson7.{target}, of a higher level"
    assert wrong_imports(MADE_UP | {module: source}) == [fault]


WIDGET_IMPORTS = [  # module, source, line, widget library
    ("lesson7.tta", "def f():\n    import ipywidgets", 2, "ipywidgets"),
    (DATA, "import traitlets as T", 1, "traitlets"),
    ("lesson7.share", "from anywidget import AnyWidget", 1, "anywidget"),
    ("lesson7.recipe", "import traitlets.config", 1, "traitlets"),
]


@pytest.mark.parametrize("module, source, line, library", WIDGET_IMPORTS)
def test_a_widget_library_below_the_explorers_is_found(module, source, line, library):
    fault = f"{module}:{line} imports a widget library, {library}"
    assert wrong_imports(MADE_UP | {module: source}) == [fault]


def test_an_explorer_that_imports_training_is_found():
    source = "def f():\n    from ..training.loop import train"
    faults = wrong_imports(MADE_UP | {"lesson7.explorers.tta": source})
    assert faults == ["lesson7.explorers.tta:2 imports lesson7.training.loop, of training"]


def test_a_lazy_name_of_the_package_is_found():
    faults = wrong_imports(MADE_UP | {"lesson7.cli": "from lesson7 import TTAExplorer"})
    assert faults == ["lesson7.cli:1 imports lesson7.TTAExplorer, which is in no module"]


def test_a_module_without_a_level_is_found():
    assert wrong_imports({"lesson7.extra": ""}) == ["lesson7.extra has no level"]


@pytest.mark.parametrize(
    "a, b",
    [
        ("from .b import f", "from . import a"),
        ("import lesson7.data.b", "if True:\n    from lesson7.data.a import f"),
    ],
)
def test_a_cycle_at_module_level_is_found(a, b):
    modules = {"lesson7.data.a": a, "lesson7.data.b": b, "lesson7.data.c": "from .a import f"}
    assert import_cycle(modules) == ["lesson7.data.a", "lesson7.data.b", "lesson7.data.a"]


def test_an_import_in_a_function_makes_no_cycle():
    modules = {
        "lesson7.data.a": "from .b import f",
        "lesson7.data.b": "def f():\n    from .a import g",
        "lesson7.data.c": "from .a import f",
    }
    assert import_cycle(modules) == []


NESTED_IMPORTS = """import a.b
from ...c import d
def f():
    class G:
        from . import h"""


def test_imports_are_found_with_their_function_and_line():
    found = [(i.target, i.function, i.line) for i in imports_of("p.q.r.s", NESTED_IMPORTS)]
    assert found == [("a.b", "", 1), ("p.c.d", "", 2), ("p.q.r.h", "f", 5)]
