"Imports run one way: the rules hold for the package, and the check sees what breaks them."

import pytest
from arrows import import_circle, imports_of, wrong_imports
from conftest import module_files, module_name

PACKAGE = {module_name(file): file.read_text(encoding="utf-8") for file in module_files()}

MADE_UP = {  # a package that keeps the rules
    "lesson7.lazy": "import warnings",
    "lesson7.data.files": "from pathlib import Path",
    "lesson7.data.samples": "from ..lazy import torch\nfrom .files import open_image",
    "lesson7.outputs": "from .lazy import torch",
    "lesson7.tta": "from .data import files\nfrom . import outputs\nimport lesson7.lazy",
    "lesson7.mixup": "def __getattr__(name):\n"
    "    from lesson7.training.callbacks import ActivationMixup\n",
    "lesson7.training.callbacks": "from ..mixup import mix",
    "lesson7.training.loop": "def version():\n    from lesson7 import __version__",
    "lesson7.share": "from .tta import tta",
    "lesson7.recipe": "from .training.loop import train",
    "lesson7.explorers.base": "import anywidget\nfrom ..data.files import open_image",
    "lesson7.explorers.tta": "from ..tta import windows\nfrom .base import Explorer\n"
    "def model():\n    from ..share import load_model",
    "lesson7.course.check": "from .sandbox import attempt",
    "lesson7.course.sandbox": "",
    "lesson7.cli": "from .explorers.tta import TTAExplorer\nfrom .course.check import progress",
}


def test_the_package_keeps_the_rules():
    assert wrong_imports(PACKAGE) == []


def test_the_package_has_no_import_circle():
    assert import_circle(PACKAGE) == []


def test_a_package_that_keeps_the_rules_has_no_fault():
    assert wrong_imports(MADE_UP) == [] and import_circle(MADE_UP) == []


@pytest.mark.parametrize(
    "module, source, fault",
    [
        (
            "lesson7.data.files",
            "from ..explorers.base import Explorer",
            "1 imports lesson7.explorers.base, of a higher level",
        ),
        (
            "lesson7.data.files",
            "from lesson7.explorers import base",
            "1 imports lesson7.explorers.base, of a higher level",
        ),
        (
            "lesson7.data.files",
            "import lesson7.tta as t",
            "1 imports lesson7.tta, of a higher level",
        ),
        ("lesson7.data.files", "from .. import tta", "1 imports lesson7.tta, of a higher level"),
        (
            "lesson7.data.files",
            "x = 1\ndef f():\n    from ..tta import tta",
            "3 imports lesson7.tta, of a higher level",
        ),
        (
            "lesson7.data.files",
            "class A:\n    from ..tta import tta",
            "2 imports lesson7.tta, of a higher level",
        ),
        (
            "lesson7.data.files",
            "if True:\n    from ..tta import tta",
            "2 imports lesson7.tta, of a higher level",
        ),
        (
            "lesson7.data.files",
            "try:\n    import os\nexcept OSError:\n    from ..tta import tta",
            "4 imports lesson7.tta, of a higher level",
        ),
        (
            "lesson7.data.files",
            "from importlib import import_module\nimport_module('lesson7.tta')",
            "2 imports lesson7.tta, of a higher level",
        ),
        (
            "lesson7.tta",
            "from .share import load_model",
            "1 imports lesson7.share, of a higher level",
        ),
        (
            "lesson7.tta",
            "def f():\n    import ipywidgets",
            "2 imports a widget library, ipywidgets",
        ),
        ("lesson7.data.files", "import traitlets as T", "1 imports a widget library, traitlets"),
        (
            "lesson7.share",
            "from anywidget import AnyWidget",
            "1 imports a widget library, anywidget",
        ),
        ("lesson7.recipe", "import traitlets.config", "1 imports a widget library, traitlets"),
        (
            "lesson7.training.loop",
            "from ..recipe import choose",
            "1 imports lesson7.recipe, of a higher level",
        ),
        (
            "lesson7.explorers.tta",
            "def f():\n    from ..training.loop import train",
            "2 imports lesson7.training.loop, of training",
        ),
        (
            "lesson7.explorers.tta",
            "from ..cli import main",
            "1 imports lesson7.cli, of a higher level",
        ),
        (
            "lesson7.mixup",
            "from .training.callbacks import ActivationMixup",
            "1 imports lesson7.training.callbacks, of a higher level",
        ),
        (
            "lesson7.mixup",
            "def mix():\n    from .training.callbacks import ActivationMixup",
            "2 imports lesson7.training.callbacks, of a higher level",
        ),
        (
            "lesson7.mixup",
            "def __getattr__(name):\n    from .training.loop import train",
            "2 imports lesson7.training.loop, of a higher level",
        ),
        (
            "lesson7.cli",
            "from lesson7 import TTAExplorer",
            "1 imports lesson7.TTAExplorer, which is in no module",
        ),
    ],
)
def test_what_breaks_a_rule_is_found(module, source, fault):
    assert wrong_imports(MADE_UP | {module: source}) == [f"{module}:{fault}"]


def test_a_module_without_a_level_is_found():
    assert wrong_imports({"lesson7.extra": ""}) == ["lesson7.extra has no level"]


@pytest.mark.parametrize(
    "a, b, circle",
    [
        ("from .b import f", "from . import a", True),
        ("import lesson7.data.b", "if True:\n    from lesson7.data.a import f", True),
        ("from .b import f", "def f():\n    from .a import g", False),
    ],
)
def test_a_circle_at_module_level_is_found(a, b, circle):
    modules = {"lesson7.data.a": a, "lesson7.data.b": b, "lesson7.data.c": "from .a import f"}
    expected = ["lesson7.data.a", "lesson7.data.b", "lesson7.data.a"] if circle else []
    assert import_circle(modules) == expected


def test_imports_are_resolved():
    source = "import a.b\nfrom ...c import d\ndef f():\n    class G:\n        from . import h"
    found = [(i.target, i.function, i.line) for i in imports_of("p.q.r.s", source)]
    assert found == [("a.b", "", 1), ("p.c.d", "", 2), ("p.q.r.h", "f", 5)]
