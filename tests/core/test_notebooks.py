"The clean edition: what stays of a chapter, what must not, and that a learner can begin in it."

import json
import re
import subprocess
import sys

import nbformat
import pytest
from conftest import NBS, ROOT, notebook_files

from lesson7.course.notebooks import clean_edition, copy_notebooks, update_notebooks

CHAPTERS = sorted(NBS.glob("0[1-6]_*.ipynb"))
WHOLE = [f for f in notebook_files() if f not in CHAPTERS]
FOLDED = re.compile(r"<details><summary>(.*?)</summary>\n\n(.*?)\n*</details>", re.S)

IMPORTS = "import numpy as np\nimport torch\n\nfrom lesson7.course import check"

each_chapter = pytest.mark.parametrize("file", CHAPTERS, ids=lambda f: f.stem)


def read(file):
    return json.loads(file.read_text(encoding="utf-8"))


def sources(nb, *kinds):
    return [
        "".join(c["source"])
        for c in nb["cells"]
        if c["cell_type"] in (kinds or ("markdown", "code"))
    ]


def cell(kind, source):
    return dict(cell_type=kind, source=source)


def folded(file):
    return FOLDED.findall("\n\n".join(sources(read(file), "markdown")))


def headings(nb):
    return [
        line
        for text in sources(nb, "markdown")
        for line in re.sub(r"^```.*?^```", "", text, flags=re.M | re.S).split("\n")
        if re.match(r"#+ ", line)
    ]


def paragraphs(text):
    return [
        p.strip()
        for p in re.sub(r"<details>.*?</details>|^#+ [^\n]*$", "", text, flags=re.M | re.S).split(
            "\n\n"
        )
        if p.strip()
    ]


def stubs(nb):
    return [s for s in sources(nb, "code") if re.search(r"^check\.\w+\(my_\w+\)$", s, re.M)]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


@each_chapter
def test_it_is_a_notebook_with_nothing_run(file):
    nb = clean_edition(read(file))
    ids = [
        c["id"] for c in nb["cells"]
    ]  # before nbformat sees them: it mends those that come twice
    nbformat.validate(nb)
    assert (
        (nb["nbformat"], nb["nbformat_minor"]) == (4, 5)
        and len({*ids}) == len(ids)
        and nb["metadata"].keys() == {"kernelspec", "language_info"}
    )
    assert not any(
        c.get("outputs") or c.get("execution_count") or c["metadata"] for c in nb["cells"]
    )


@each_chapter
def test_title_sentence_and_headings_are_those_of_the_chapter(file):
    nb, whole = clean_edition(read(file)), read(file)
    assert headings(nb) == headings(whole) and len(headings(nb)) > 8
    assert (
        sources(nb)[0].split("\n")[:3] == sources(whole)[0].split("\n")[:3]
        and "*The clean edition.*" in sources(nb)[0]
    )


@each_chapter
def test_no_solution_and_no_answer_is_in_it(file):
    nb = clean_edition(read(file))
    text, given = "\n".join(sources(nb)), "\n".join(stubs(nb)).split("\n")
    assert "details>" not in text and "summary>" not in text and "Solution" not in text
    for asked, answer in folded(file):
        lines = answer.split("\n") if asked == "Solution" else re.split(r"(?<=[.?:])\s+", answer)
        secret = [
            line.strip()
            for line in lines
            if len(line.strip()) > 8 and line not in given and not line.startswith("```")
        ]
        assert secret and not [line for line in secret if line in text]


@each_chapter
def test_every_question_and_exercise_is_in_it(file):
    nb, whole = clean_edition(read(file)), read(file)
    assert [s for s in sources(nb, "markdown") if s.startswith("**") and s.endswith("?**")] == [
        f"**{asked}**" for asked, _ in folded(file) if asked != "Solution"
    ]
    assert stubs(nb) == stubs(whole) and (bool(stubs(nb)) == (file.stem != "06_recipe"))
    section = re.search(
        r"^### In code$(.*?)^### In words$", "\n\n".join(sources(whole, "markdown")), re.M | re.S
    )
    for text in paragraphs(section[1]) if section else []:
        assert text in "\n\n".join(sources(nb))


@each_chapter
def test_other_code_and_prose_are_not(file):
    nb, whole = clean_edition(read(file)), read(file)
    explorer = [
        s for s in sources(whole, "code") if re.search(r"^explorer = \w+Explorer\(\)$", s, re.M)
    ][:1]
    assert len(explorer) == (file.stem != "06_recipe") and sources(nb, "code")[:1] == (
        explorer or [""]
    )
    assert {*sources(nb, "code")} == {"", *explorer, *stubs(whole), *[IMPORTS] * bool(stubs(whole))}
    _, _, *prose = paragraphs(
        re.sub(
            r"^### In code$.*?^### In words$",
            "",
            "\n\n".join(sources(whole, "markdown")),
            flags=re.M | re.S,
        )
    )
    assert len(prose) > 10 and not [p for p in prose if p in "\n\n".join(sources(nb))]


@each_chapter
def test_an_empty_cell_stands_under_a_heading_or_a_line_of_its_own(file):
    cells = clean_edition(read(file))["cells"]
    for before, c in zip(cells, cells[1:]):
        if c["cell_type"] == "code" and not c["source"]:
            assert before["cell_type"] == "markdown" and re.match(
                "## |Write `|With `", "".join(before["source"])
            )


def run(source, space):
    "What a cell shows: the value of its last line."
    *lines, last = source.split("\n")
    exec("\n".join(lines), space)
    return eval(last, space)


@pytest.mark.parametrize("file", CHAPTERS[:5], ids=lambda f: f.stem)
def test_from_top_to_bottom_every_checker_says_not_yet(file):
    space, said = {}, []
    for source in sources(clean_edition(read(file)), "code"):
        if source in (IMPORTS, ""):
            exec(source, space)
        else:
            said.append(run(source, space))
    assert type(said[0]).__name__.endswith("Explorer") and len(said) > 2
    for verdict in said[1:]:
        assert not verdict and verdict.says.startswith("It returns nothing yet.")


@pytest.mark.parametrize("file", CHAPTERS[:5], ids=lambda f: f.stem)
def test_in_a_fresh_kernel_the_imports_are_all_that_an_exercise_needs(file):
    nb = clean_edition(read(file))
    at = sources(nb).index(IMPORTS)
    assert sources(nb)[at - 1] == "### In code"
    for stub, solution in zip(
        stubs(nb), (answer for asked, answer in folded(file) if asked == "Solution"), strict=True
    ):
        space = {}
        exec(IMPORTS, space)
        assert run(stub, space).says.startswith("It returns nothing yet.")
        exec(re.search(r"```python\n(.*?)```", solution, re.S)[1], space)
        assert (verdict := eval(stub.split("\n")[-1], space)), verdict


# ---- other notebooks


def notebook_id(file):
    return file.relative_to(NBS).with_suffix("").as_posix()


@pytest.mark.parametrize("file", WHOLE, ids=notebook_id)
def test_what_asks_nothing_stays_whole_and_no_cell_writes_the_module(file):
    nb = read(file)
    assert clean_edition(nb) == nb
    assert not [source for source in sources(nb) if "nbdev_export" in source]


def test_full_keeps_all_that_a_learner_sees(tmp_path):
    copy_notebooks(tmp_path)
    for file in notebook_files():
        assert read(tmp_path / file.relative_to(NBS)) == read(file), file


STUB = "def my_mix(a, b, t): ...\ncheck.mix(my_mix)"


@pytest.mark.parametrize(
    "cells, left",
    [
        ([], []),
        (
            [cell("markdown", "Only text."), cell("code", "1+1")],
            ["Only text.", "1+1"],
        ),  # nothing asked: whole
        ([cell("code", STUB)], ["NOTE", IMPORTS, STUB]),  # no title, no section
        (
            [
                cell("markdown", "<details open><summary>Why?</summary>\nSo"),
                cell("code", "%time x"),
                cell("raw", "r"),
            ],
            ["NOTE", "**Why?**", ""],
        ),  # never closed
        (
            [
                cell(
                    "markdown",
                    [
                        "# T\n",
                        "> One\n",
                        "> and two.\n",
                        "Prose.\n",
                        "```\n",
                        "# no heading\n",
                        "```",
                    ],
                ),
                cell("code", "x=1"),
                cell("code", ""),
                cell("code", "y=2"),
                cell("code", "#| hide\nz"),
                cell("markdown", "## Q\n<details><summary>Why?</summary>So</details> More."),
            ],
            ["# T\n\n> One\n> and two.\n\nNOTE", "", "## Q", "**Why?**"],
        ),
        (
            [
                cell("markdown", "# T"),
                cell("code", "#| export\n_A = 1"),
                cell(
                    "code",
                    "#| export\n@cache\ndef f(a:int, *b, c=2)->int: return a\nclass G(f): ...",
                ),
                cell("code", "import os, a.b as c"),
                cell("code", "#| hide\nfolder.cleanup()"),
                cell("code", STUB),
                cell("markdown", "## Code"),
                cell("code", "e = AExplorer()\ne"),
                cell("code", "x"),
                cell(
                    "code",
                    "#|export\nclass H:\n    def __init__(self): ...\nclass I:\n    def __init__(self, a:int=1): ...\nclass J:\n    a: int\n    b: str = 'x'",
                ),
            ],
            [
                "# T\n\nNOTE",
                IMPORTS,
                "Write `f(a, *b, c=2)`, `G()`.",
                "",
                "With `os`, `a.b`.",
                "",
                STUB,
                "## Code",
                "",
                "Write `H()`, `I(a=1)`, `J(a, b='x')`.",
                "",
            ],
        ),
    ],
)
def test_any_notebook_gives_something_sensible(cells, left):
    nb = clean_edition(dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=4))
    if not left or "Only" not in left[0]:
        nbformat.validate(nb)
    assert [re.sub(r"\*The clean edition\..*", "NOTE", s) for s in sources(nb)] == left


# ---- copies


def test_a_copy_has_clean_chapters_and_whole_pages_and_all_links_resolve(tmp_path):
    written, kept = copy_notebooks(tmp_path, clean=True)
    names = {f.relative_to(NBS).as_posix() for f in CHAPTERS + WHOLE}
    assert {*written} == names and not kept
    assert {f.relative_to(tmp_path).as_posix() for f in tmp_path.rglob("*.ipynb")} == names
    for file in CHAPTERS + WHOLE:
        assert read(tmp_path / file.relative_to(NBS)) == clean_edition(read(file))
    for file in tmp_path.rglob("*.ipynb"):
        text = "\n".join(sources(read(file), "markdown"))
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
            assert (file.parent / target).exists(), (file.name, target)
    (tmp_path / "01_normalize.ipynb").write_text("mine")
    assert (
        copy_notebooks(tmp_path, clean=True) == ([], written)
        and (tmp_path / "01_normalize.ipynb").read_text() == "mine"
    )


def test_the_make_target_makes_them_anew(tmp_path):
    "Its recipe, with this Python, in a folder of the test's own."
    recipe = re.search(r"^clean-edition: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)[
        1
    ]
    makefile = tmp_path / "Makefile"
    makefile.write_text("clean-edition:\n" + recipe.replace("$(BIN)/python", sys.executable))
    old = tmp_path / "build" / "clean" / "01_normalize.ipynb"
    old.parent.mkdir(parents=True)
    old.write_text("of yesterday")
    (tmp_path / "build" / "digits.json").write_text("{}")
    subprocess.run(
        ["make", "-f", makefile, "clean-edition"], cwd=tmp_path, check=True, capture_output=True
    )
    assert (
        read(old) == clean_edition(read(CHAPTERS[0]))
        and (tmp_path / "build" / "digits.json").is_file()
    )  # results on their way are left alone


EDITED = "# of mine"


@pytest.fixture
def folder(tmp_path):
    "A learner's folder with clean notebooks, one of them edited, one outdated, one deleted."
    folder = tmp_path / "mine"
    copy_notebooks(folder, clean=True)
    edit(folder / "01_normalize.ipynb", EDITED)
    outdated = folder / "02_resize.ipynb"
    edit(outdated, "# of an older version")
    record = json.loads((folder / ".lesson7.json").read_text())
    record["digests"]["02_resize.ipynb"] = digest(read(outdated))
    (folder / ".lesson7.json").write_text(json.dumps(record))
    (folder / "api" / "lazy.ipynb").unlink()
    return folder


def edit(file, text):
    nb = read(file)
    nb["cells"].append(nbformat.v4.new_code_cell(text))
    file.write_text(json.dumps(nb))


def digest(nb):
    from lesson7.course.notebooks import _digest

    return _digest(nb)


def test_an_update_keeps_what_the_learner_wrote(folder):
    written = update_notebooks(folder)
    assert written == {
        "01_normalize.ipynb": "01_normalize-yours.ipynb",
        "02_resize.ipynb": None,
        "api/lazy.ipynb": None,
    }
    assert EDITED in sources(read(folder / "01_normalize-yours.ipynb"))
    for file in CHAPTERS + WHOLE:
        assert read(folder / file.relative_to(NBS)) == clean_edition(read(file))
    assert update_notebooks(folder) == {}


def test_a_second_version_of_the_learners_gets_a_name_of_its_own(folder):
    update_notebooks(folder)
    edit(folder / "01_normalize.ipynb", "# again")
    written = update_notebooks(folder)
    assert written == {"01_normalize.ipynb": "01_normalize-yours-2.ipynb"}
    assert EDITED in sources(read(folder / "01_normalize-yours.ipynb"))
    assert "# again" in sources(read(folder / "01_normalize-yours-2.ipynb"))


def test_outputs_are_no_edits(folder):
    file = folder / "03_tta.ipynb"
    nb = read(file)
    code = next(c for c in nb["cells"] if c["cell_type"] == "code")
    code["execution_count"] = 7
    file.write_text(json.dumps(nb))
    assert "03_tta.ipynb" not in update_notebooks(folder)


@pytest.mark.parametrize("record", ["", "{", "[]", '{"digests": 3}'])
def test_without_a_record_each_different_file_counts_as_the_learners(folder, record):
    (folder / ".lesson7.json").write_text(record)
    written = update_notebooks(folder, clean=True)
    assert written["02_resize.ipynb"] == "02_resize-yours.ipynb"
    assert written["01_normalize.ipynb"] == "01_normalize-yours.ipynb"


def test_an_update_of_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="lesson7 lab .*nowhere"):
        update_notebooks(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_importing_it_is_cheap():
    code = "import sys, lesson7.course.notebooks; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert not {"torch", "fastcore", "nbformat", "IPython", "matplotlib"} & {*loaded}
