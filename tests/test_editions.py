"The clean edition: what stays of a chapter, what must not, and that a learner can begin in it."
import json, re, subprocess, sys
from pathlib import Path

import nbformat
import pytest

from lesson7.cli import copy_notebooks
from lesson7.editions import clean_edition, full_edition

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT/"nbs").glob("0[1-6]_*.ipynb"))
WHOLE = [f for f in sorted((ROOT/"nbs").glob("*.ipynb")) if f not in CHAPTERS]
FOLDED = re.compile(r"<details><summary>(.*?)</summary>\n\n(.*?)\n*</details>", re.S)

IMPORTS = "import numpy as np\nimport torch\n\nimport lesson7.check as check"

each_chapter = pytest.mark.parametrize("file", CHAPTERS, ids=lambda f: f.stem)

def read(file): return json.loads(file.read_text(encoding="utf-8"))
def sources(nb, *kinds): return ["".join(c["source"]) for c in nb["cells"] if c["cell_type"] in (kinds or ("markdown", "code"))]
def cell(kind, source): return dict(cell_type=kind, source=source)
def folded(file): return FOLDED.findall("\n\n".join(sources(read(file), "markdown")))
def headings(nb): return [line for text in sources(nb, "markdown") for line in re.sub(r"^```.*?^```", "", text, flags=re.M | re.S).split("\n") if re.match(r"#+ ", line)]
def paragraphs(text): return [p.strip() for p in re.sub(r"<details>.*?</details>|^#+ [^\n]*$", "", text, flags=re.M | re.S).split("\n\n") if p.strip()]
def stubs(nb): return [s for s in sources(nb, "code") if re.search(r"^check\.\w+\(my_\w+\)$", s, re.M)]

@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch): monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path/"home"))


@each_chapter
def test_it_is_a_notebook_with_nothing_run(file):
    nb = clean_edition(read(file))
    ids = [c["id"] for c in nb["cells"]]  # before nbformat sees them: it mends those that come twice
    nbformat.validate(nb)
    assert (nb["nbformat"], nb["nbformat_minor"]) == (4, 5) and len({*ids}) == len(ids) and nb["metadata"].keys() == {"kernelspec"}
    assert not any(c.get("outputs") or c.get("execution_count") or c["metadata"] for c in nb["cells"])

@each_chapter
def test_title_sentence_and_headings_are_those_of_the_chapter(file):
    nb, whole = clean_edition(read(file)), read(file)
    assert headings(nb) == headings(whole) and len(headings(nb)) > 8
    assert sources(nb)[0].split("\n")[:3] == sources(whole)[0].split("\n")[:3] and "*The clean edition.*" in sources(nb)[0]

@each_chapter
def test_no_solution_and_no_answer_is_in_it(file):
    nb = clean_edition(read(file))
    text, given = "\n".join(sources(nb)), "\n".join(stubs(nb)).split("\n")
    assert "details>" not in text and "summary>" not in text and "Solution" not in text
    for asked, answer in folded(file):
        lines = answer.split("\n") if asked == "Solution" else re.split(r"(?<=[.?:])\s+", answer)
        secret = [line.strip() for line in lines if len(line.strip()) > 8 and line not in given and not line.startswith("```")]
        assert secret and not [line for line in secret if line in text]

@each_chapter
def test_every_question_and_exercise_is_in_it(file):
    nb, whole = clean_edition(read(file)), read(file)
    assert [s for s in sources(nb, "markdown") if s.startswith("**") and s.endswith("?**")] == [f"**{asked}**" for asked, _ in folded(file) if asked != "Solution"]
    assert stubs(nb) == stubs(whole) and (bool(stubs(nb)) == (file.stem != "06_recipe"))
    section = re.search(r"^### In code$(.*?)^### In words$", "\n\n".join(sources(whole, "markdown")), re.M | re.S)
    for text in paragraphs(section[1]) if section else []: assert text in "\n\n".join(sources(nb))

@each_chapter
def test_other_code_and_prose_are_not(file):
    nb, whole = clean_edition(read(file)), read(file)
    explorer = [s for s in sources(whole, "code") if re.search(r"^explorer = \w+Explorer\(\)$", s, re.M)][:1]
    assert len(explorer) == (file.stem != "06_recipe") and sources(nb, "code")[:1] == (explorer or [""])
    assert {*sources(nb, "code")} == {"", *explorer, *stubs(whole), *[IMPORTS]*bool(stubs(whole))}
    _, _, *prose = paragraphs(re.sub(r"^### In code$.*?^### In words$", "", "\n\n".join(sources(whole, "markdown")), flags=re.M | re.S))
    assert len(prose) > 10 and not [p for p in prose if p in "\n\n".join(sources(nb))]

@each_chapter
def test_an_empty_cell_stands_under_a_heading_or_a_line_of_its_own(file):
    cells = clean_edition(read(file))["cells"]
    for before, c in zip(cells, cells[1:]):
        if c["cell_type"] == "code" and not c["source"]: assert before["cell_type"] == "markdown" and re.match("## |Write `|With `", "".join(before["source"]))

def run(source, space):
    "What a cell shows: the value of its last line."
    *lines, last = source.split("\n")
    exec("\n".join(lines), space)
    return eval(last, space)

@pytest.mark.parametrize("file", CHAPTERS[:5], ids=lambda f: f.stem)
def test_from_top_to_bottom_every_checker_says_not_yet(file):
    space, said = {}, []
    for source in sources(clean_edition(read(file)), "code"):
        if source in (IMPORTS, ""): exec(source, space)
        else: said.append(run(source, space))
    assert type(said[0]).__name__.endswith("Explorer") and len(said) > 2
    for verdict in said[1:]: assert not verdict and verdict.says.startswith("It returns nothing yet.")

@pytest.mark.parametrize("file", CHAPTERS[:5], ids=lambda f: f.stem)
def test_in_a_fresh_kernel_the_imports_are_all_that_an_exercise_needs(file):
    nb = clean_edition(read(file))
    at = sources(nb).index(IMPORTS)
    assert sources(nb)[at-1] == "### In code"
    for stub, solution in zip(stubs(nb), (answer for asked, answer in folded(file) if asked == "Solution"), strict=True):
        space = {}
        exec(IMPORTS, space)
        assert run(stub, space).says.startswith("It returns nothing yet.")
        exec(re.search(r"```python\n(.*?)```", solution, re.S)[1], space)
        assert (verdict := eval(stub.split("\n")[-1], space)), verdict


# ---- other notebooks

@pytest.mark.parametrize("file", WHOLE, ids=lambda f: f.stem)
def test_what_asks_nothing_stays_whole_but_for_the_cell_that_writes_the_module(file):
    nb = read(file)
    assert clean_edition(nb) == full_edition(nb) == {**nb, "cells": nb["cells"][:-1]} and "nbdev_export()" in sources(nb)[-1]

def test_full_keeps_all_that_a_learner_sees():
    for file in CHAPTERS: assert full_edition(read(file))["cells"] == read(file)["cells"][:-1]

STUB = "def my_mix(a, b, t): ...\ncheck.mix(my_mix)"
@pytest.mark.parametrize("cells, left", [
    ([], []),
    ([cell("markdown", "Only text."), cell("code", "1+1")], ["Only text.", "1+1"]),  # nothing asked: whole
    ([cell("code", STUB)], ["NOTE", IMPORTS, STUB]),                                # no title, no section
    ([cell("markdown", "<details open><summary>Why?</summary>\nSo"), cell("code", "%time x"), cell("raw", "r")], ["NOTE", "**Why?**", ""]),  # never closed
    ([cell("markdown", ["# T\n", "> One\n", "> and two.\n", "Prose.\n", "```\n", "# no heading\n", "```"]), cell("code", "x=1"), cell("code", ""), cell("code", "y=2"),
      cell("code", "#| hide\nz"), cell("markdown", "## Q\n<details><summary>Why?</summary>So</details> More.")], ["# T\n\n> One\n> and two.\n\nNOTE", "", "## Q", "**Why?**"]),
    ([cell("markdown", "# T"), cell("code", "#| export\n_A = 1"), cell("code", "#| export\n@cache\ndef f(a:int, *b, c=2)->int: return a\nclass G(f): ..."), cell("code", "import os, a.b as c"),
      cell("code", "from nbdev import nbdev_export; nbdev_export()"), cell("code", STUB), cell("markdown", "## Code"),
      cell("code", "e = AExplorer()\ne"), cell("code", "#|export\nclass AExplorer(Explorer): ..."), cell("code", "x"),
      cell("code", "#|export\nclass H:\n    def __init__(self): ...\nclass I:\n    def __init__(self, a:int=1): ...\nclass J:\n    a: int\n    b: str = 'x'")],
     ["# T\n\nNOTE", IMPORTS, "Write `f(a, *b, c=2)`, `G()`.", "", "With `os`, `a.b`.", "", STUB, "## Code", "", "Nothing to write here: `AExplorer` comes with the library.", "", "Write `H()`, `I(a=1)`, `J(a, b='x')`.", ""]),
])
def test_any_notebook_gives_something_sensible(cells, left):
    nb = clean_edition(dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=4))
    if not left or "Only" not in left[0]: nbformat.validate(nb)
    assert [re.sub(r"\*The clean edition\..*", "NOTE", s) for s in sources(nb)] == left


# ---- copies

def test_a_copy_has_clean_chapters_and_whole_pages_and_all_links_resolve(tmp_path):
    written, kept = copy_notebooks(tmp_path, clean=True)
    assert {f.name for f in tmp_path.glob("*.ipynb")} == {f.name for f in CHAPTERS + WHOLE} and (tmp_path/"results"/"digits.json").is_file() and not kept
    for file in CHAPTERS + WHOLE: assert read(tmp_path/file.name) == clean_edition(read(file))
    for file in tmp_path.glob("*.ipynb"):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", "\n".join(sources(read(file), "markdown"))): assert (tmp_path/target).exists(), (file.name, target)
    (tmp_path/"01_normalize.ipynb").write_text("mine")
    assert copy_notebooks(tmp_path, clean=True) == ([], written) and (tmp_path/"01_normalize.ipynb").read_text() == "mine"

def test_the_make_target_makes_them_anew(tmp_path):
    "Its recipe, with this Python, in a folder of the test's own."
    recipe = re.search(r"^clean-edition: .*\n((?:\t.*\n)+)", (ROOT/"Makefile").read_text(), re.M)[1]
    makefile = tmp_path/"Makefile"
    makefile.write_text("clean-edition:\n" + recipe.replace("$(BIN)/python", sys.executable))
    old = tmp_path/"build"/"clean"/"01_normalize.ipynb"
    old.parent.mkdir(parents=True); old.write_text("of yesterday"); (tmp_path/"build"/"digits.json").write_text("{}")
    subprocess.run(["make", "-f", makefile, "clean-edition"], cwd=tmp_path, check=True, capture_output=True)
    assert read(old) == clean_edition(read(CHAPTERS[0])) and (tmp_path/"build"/"digits.json").is_file()  # results on their way are left alone

def test_importing_it_takes_the_standard_library_alone():
    code = "import sys, lesson7.editions; print(*sorted({m.split('.')[0] for m in sys.modules} - set(sys.stdlib_module_names) - {'lesson7', '__main__'}))"
    assert not {"torch", "numpy", "fastcore", "nbformat", "IPython"} & set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
