"What the site's pages are made of: cells, links, names, and the key of a page's cache."

import importlib
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from conftest import LIBRARY, NBS, ROOT


@pytest.fixture
def maker(monkeypatch):
    "`maker(name)`: one of the modules in docs/ that make the site."
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module


# Links

NAMES = {
    "smooth_labels": "smoothing.smooth_labels",
    "lesson7.smooth_labels": "smoothing.smooth_labels",
    "tta": "tta.tta",
    "lesson7.tta": "tta",
    "tta.tta": "tta.tta",
    "data.samples": "data.samples",
    "lesson7.data.samples.photos": "data.samples.photos",
    "samples.photos": "data.samples.photos",
    "check.normalize": "course.check.normalize",
    "normalize": "normalize.normalize",
    "train": "training.loop.train",
    "torch": None,
    "torch.Tensor": None,
    "samples": None,
    "lesson7.no_such_name": None,
}


@pytest.mark.parametrize("text", NAMES)
def test_a_name_in_a_text_is_found(maker, text):
    assert maker("modules").find(text) == NAMES[text]


@pytest.mark.parametrize(
    "written, shown",
    [
        ("[a](nbs/03_tta.ipynb)", "[a](03_tta.ipynb)"),
        ("[a](nbs/api/data/samples.ipynb#photos)", "[a](api/data/samples.ipynb#photos)"),
        ("[`tta`](lesson7/tta.py)", "[`tta`](reference/tta.rst)"),
        ("[a](lesson7/data/samples.py)", "[a](reference/data.samples.rst)"),
        ("![a](docs/images/lab.png)", "![a](images/lab.png)"),
        ("[a](CHANGELOG.md)", "[a](changelog.md)"),
        ("[a](docs/pages/glossary.md)", "[a](glossary.md)"),
        ("[settings](settings.ini) and [tests](tests/)", "settings and tests"),
        ("[a](https://example.org) [b](#below)", "[a](https://example.org) [b](#below)"),
        ("```\n[a](nbs/03_tta.ipynb)\n```", "```\n[a](nbs/03_tta.ipynb)\n```"),
        ("[a](no/such/file.md)", "[a](no/such/file.md)"),
    ],
)
def test_links_in_a_file_of_the_project_fit_the_site(maker, monkeypatch, written, shown):
    monkeypatch.setitem(maker("settings").CONFIG, "git_url", "")
    assert maker("pages").adapt_links(written) == shown


def test_a_file_without_a_page_is_linked_in_the_repository(maker, monkeypatch):
    monkeypatch.setitem(maker("settings").CONFIG, "git_url", "https://github.com/someone/lesson7")
    link = "[settings](https://github.com/someone/lesson7/blob/main/settings.ini)"
    assert maker("pages").adapt_links("[settings](settings.ini)") == link


def test_a_repository_is_linked_where_there_is_one(maker, monkeypatch):
    config = maker("settings").CONFIG
    for name in ("nbs/01_normalize.ipynb", "nbs/api/data/samples.ipynb"):
        monkeypatch.setitem(config, "git_url", "")
        assert not re.search("colab|/edit/", maker("cells").opening(ROOT / name))
        monkeypatch.setitem(config, "git_url", "https://github.com/someone/lesson7")
        text = maker("cells").opening(ROOT / name)
        assert f"https://github.com/someone/lesson7/edit/main/{name}" in text
        colab = "https://colab.research.google.com/github/someone/lesson7/blob/main"
        assert f"{colab}/{name}" in text


# From cells to pages


def cell(text):
    return dict(cell_type="code", source=text, metadata={}, outputs=[])


@pytest.mark.parametrize(
    "text, tag",
    [
        ("#| hide\n1", "remove-cell"),
        ("#|hide\n1", "remove-cell"),
        ("#| include: false\n1", "remove-cell"),
        ("#| echo: false\n1", "remove-input"),
        ("#| output:   false\n1", "remove-output"),
        ("#| eval: false\n1", "skip-execution"),
        ("#| slow\n1", "skip-execution"),
        ("#| notest\n1", "skip-execution"),
        ("#| export\nimport os", "remove-cell"),
    ],
)
def test_a_directive_becomes_a_tag(maker, text, tag):
    made = maker("cells").code_cells(cell(text))
    assert made[0]["metadata"]["tags"] == [tag] and "#|" not in made[0]["source"]


def test_exported_code_is_shown_with_its_reference(maker):
    code_cells = maker("cells").code_cells
    made = code_cells(cell("#| export\ndef smooth_labels(y): return y"))
    assert made[0]["metadata"]["tags"] == [] and "`smooth_labels`" in made[1]["source"]
    long = "#| export\ndef smooth_labels(y):\n" + "    y += 1\n" * 20
    assert code_cells(cell(long))[0]["metadata"]["tags"] == ["hide-input"]
    assert code_cells(cell("#| default_exp smoothing")) == []


def test_a_name_that_two_modules_have_leads_to_its_own_notebooks(maker):
    code_cells = maker("cells").code_cells
    exercise = code_cells(cell("#| export\ndef normalize(fn): return fn"), "course.check")
    assert "`course.check.normalize`" in exercise[1]["source"]
    chapter = code_cells(cell("#| export\ndef normalize(x): return x"), "normalize")
    assert "`normalize`" in chapter[1]["source"]


def test_a_module_without_a_page_gets_no_link_to_one(maker):
    made = maker("cells").code_cells(cell("#| export\ndef main(): pass"), "training.__main__")
    assert len(made) == 1


# What a page's cache is keyed by

IMPORTS = {  # imports in the module `data.loaders` -> the modules that they need
    "from .samples import photos": {"data.samples"},
    "from . import samples, nothing": {"data.samples", "data"},
    "from ..tta import tta": {"tta"},
    "from .. import tta": {"tta"},
    "from .. import photos": {"data.samples"},
    "from ..data.samples import photos": {"data.samples"},
    "def late():\n    from ..training.loop import train": {"training.loop"},
    "import lesson7.tta": {"tta"},
    "import lesson7.data.samples as s, os": {"data.samples"},
    "from lesson7 import photos, tta": {"data.samples", "tta"},
    "from lesson7.data.samples import photos": {"data.samples"},
    "from lesson7.training import loop": {"training.loop"},
    "import torch\nfrom torch import nn": set(),
}
TREE = {
    "__init__.py": "",
    "__init__.pyi": "from .data.samples import photos as photos\nfrom . import tta as tta\n",
    "tta.py": "__all__ = ['tta']\ndef tta():\n    from .training.loop import train\n",
    "data/__init__.py": "",
    "data/samples.py": "__all__ = ['photos']\ndef photos(): pass\n",
    "data/loaders.py": "__all__ = ['get_dls']\nfrom .samples import photos\ndef get_dls(): pass\n",
    "training/__init__.py": "",
    "training/__main__.py": "from .loop import train\n",
    "training/loop.py": "__all__ = ['train']\nfrom ..tta import tta\ndef train(): pass\n",
    "explorers/__init__.py": "",
    "explorers/base.py": "__all__ = []\n",
    "explorers/tta.py": "__all__ = []\nfrom .base import Explorer\n",
    "explorers/mixup.py": "__all__ = []\nfrom .base import Explorer\n",
}


@pytest.fixture
def library(maker, monkeypatch, tmp_path):
    "`modules.py` for the library of `TREE`."
    modules = maker("modules")
    for name, text in TREE.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    cached = [f for f in vars(modules).values() if hasattr(f, "cache_clear")]
    monkeypatch.setattr(modules, "LIBRARY", tmp_path)
    for function in cached:
        function.cache_clear()
    yield modules
    for function in cached:
        function.cache_clear()


@pytest.mark.parametrize("code", IMPORTS)
def test_imports_are_read_from_the_syntax_tree(library, code):
    assert library.imports_in(library.ast.parse(code), "data") == IMPORTS[code]


def test_a_module_needs_what_its_imports_need(library):
    assert library.needs("data.loaders") == {"data", "data.loaders", "data.samples"}
    round_trip = {"tta", "training", "training.loop"}  # a circle, closed by an import in a function
    assert library.needs("tta") == library.needs("training.loop") == round_trip


def test_modules_have_pages_and_packages_have_none(library):
    assert library.modules() == [
        "data.loaders",
        "data.samples",
        "explorers.base",
        "explorers.mixup",
        "explorers.tta",
        "training.loop",
        "tta",
    ]


@pytest.mark.parametrize(
    "code, used",
    [
        ("from lesson7 import photos", {"data.samples"}),
        ("import lesson7\nlesson7.photos()", {"data.samples"}),
        ("import lesson7\nlesson7.tta.tta()", {"tta"}),
        ("!python -m lesson7.tta", {"tta"}),
        ("%time from lesson7.tta import tta", {"tta"}),
        ("run(['-m', 'lesson7.training'])", {"training", "training.loop"}),
        ("from lesson7 import data", {"data", "data.loaders", "data.samples"}),
        ("print('lesson7 is a package')", set()),
    ],
)
def test_a_notebook_uses_what_its_cells_import_and_name(library, code, used):
    assert library.used_by(["%matplotlib inline", code]) == used


def test_an_explorer_has_its_own_static_files_and_the_shared_ones(library):
    static = library.LIBRARY / "static"
    static.mkdir()
    shared = ["helpers.js", "explorer.css", "base.js"]  # a module without styles has no view
    for name in (*shared, "tta.css", "tta.js", "tta.math.js", "mixup.css", "mixup.js", "host.js"):
        (static / name).touch()
    names = [file.name for file in library.static_files(library.needs("explorers.tta"))]
    assert names == sorted([*shared, "tta.css", "tta.js", "tta.math.js"])
    assert library.static_files(library.needs("tta")) == []


NO_SHARED_SCRIPTS = ("normalize", "resize", "tta", "mixup", "smoothing", "train", "host")


def shared_scripts():
    "The scripts that several explorers use."
    scripts = sorted((LIBRARY / "static").glob("*.js"))
    return [s.name for s in scripts if s.name.split(".")[0] not in NO_SHARED_SCRIPTS]


def test_what_a_notebook_runs_on_is_in_its_key(maker, monkeypatch, tmp_path):
    modules = maker("modules")
    shutil.copytree(LIBRARY, tmp_path / "lesson7")
    monkeypatch.setattr(modules, "LIBRARY", tmp_path / "lesson7")

    def key():
        names = modules.used_by(["from lesson7 import MixupExplorer"])
        return modules.digest(names)

    seen = {key()}
    shared = [f"static/{name}" for name in shared_scripts()]
    assert shared
    changing = [
        *shared,
        "static/mixup.js",
        "static/explorer.css",
        "explorers/base.py",
        "explorers/mixup.py",
        "mixup.py",
        "data/samples.py",
        "share.py",  # opens the saved model that an explorer may be given
    ]
    others = ["static/tta.js", "explorers/tta.py", "workbench.py"]
    for file in [*changing, *others]:
        with open(tmp_path / "lesson7" / file, "a") as f:
            f.write("\n")
        assert (key() not in seen) is (file in changing), file
        seen.add(key())


def test_results_that_a_notebook_reads_are_in_its_key(maker, monkeypatch, tmp_path):
    modules = maker("modules")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "digits.json").write_text("{}")
    monkeypatch.setattr(modules, "NOTEBOOKS", tmp_path)
    reads, reads_not = "open(results_folder() / 'digits.json')", "photos()"
    before = modules.digest({"tta"}, reads), modules.digest({"tta"}, reads_not)
    (tmp_path / "results" / "digits.json").write_text("[]")
    after = modules.digest({"tta"}, reads), modules.digest({"tta"}, reads_not)
    assert before[0] != after[0] and before[1] == after[1]


# Networks


def test_the_site_is_built_without_a_runtime(maker, monkeypatch, tmp_path, capsys):
    networks = maker("networks")
    networks._network.cache_clear()
    monkeypatch.setattr(networks, "has_runtime", lambda: False)
    assert networks.site_offer() == ""
    networks.keep_networks(tmp_path)
    networks.write_networks(tmp_path)
    assert list(tmp_path.iterdir()) == [] and networks.NETWORKS_FOLDER not in os.environ
    assert capsys.readouterr().err.count("\n") == 1  # said once
    networks._network.cache_clear()


def test_the_site_has_the_networks_that_its_pages_offer(maker, monkeypatch, tmp_path):
    networks = maker("networks")
    monkeypatch.setattr(networks, "has_runtime", lambda: True)
    monkeypatch.setattr(networks, "_network", lambda: None)
    monkeypatch.setenv(networks.NETWORKS_FOLDER, "")  # restored after the test
    networks.keep_networks(tmp_path / "cache")
    written = Path(os.environ[networks.NETWORKS_FOLDER])
    written.mkdir(parents=True)
    for name in ("own-1a.onnx.gz", "own-1a.json.gz", "own-2b.onnx.gz", "runtime.js.gz"):
        (written / name).write_bytes(b"x")
    (tmp_path / "page.html").write_text('{"names": ["own-1a"]}')
    networks.write_networks(tmp_path)
    found = {file.name for file in (tmp_path / "_static" / "networks").iterdir()}
    license_file = "LICENSE-THIRD-PARTY.txt"
    assert found == {"own-1a.onnx.gz", "own-1a.json.gz", "runtime.js.gz", license_file}
    assert networks.site_offer() == "{}"


def test_the_page_of_faults_names_tests_that_exist(maker):
    rows = json.loads((NBS / "results" / "faults.json").read_text(encoding="utf-8"))
    page = maker("pages").faults_page()
    assert page.count("\n| ") == len(rows) + page.count("\n## ")
    for row in rows:
        file, name = row["test"].split("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), row["test"]
        assert name in page
