"Clean notebooks (headings, questions and empty cells), and copies of notebooks in a folder."

import json
import re
import subprocess
import sys
from itertools import pairwise

import nbformat
import pytest
from conftest import NBS, ROOT, notebook_files
from notebook_cells import cell_sources, link_targets, notebook_id, read_notebook, run_cell
from processes import loaded_modules

from lesson7.course.notebooks import _digest, clean_edition, copy_notebooks, update_notebooks

pytest_plugins = ["core_fixtures"]
pytestmark = pytest.mark.usefixtures("data_home")

CHAPTERS = sorted(NBS.glob("0[0-7]_*.ipynb"))
CHAPTERS_WITH_EXERCISES = CHAPTERS[1:6]
OTHER_NOTEBOOKS = [file for file in notebook_files() if file not in CHAPTERS]

IMPORTS = "import numpy as np\nimport torch\n\nfrom lesson7.course import check"

DETAILS = re.compile(r"<details><summary>(.*?)</summary>\n\n(.*?)\n*</details>", re.S)
FENCED_CODE = re.compile(r"^```.*?^```", re.M | re.S)
IN_CODE = re.compile(r"^### In code$(.*?)^### In words$", re.M | re.S)
EXPLORER = re.compile(r"^explorer = \w+Explorer\(\)$", re.M)
STUB = re.compile(r"^check\.\w+\(my_\w+\)$", re.M)

each_chapter = pytest.mark.parametrize("file", CHAPTERS, ids=lambda file: file.stem)
each_chapter_with_exercises = pytest.mark.parametrize(
    "file", CHAPTERS_WITH_EXERCISES, ids=lambda file: file.stem
)


def clean_notebook(file):
    return clean_edition(read_notebook(file))


def joined_text(notebook):
    "Return all text cells of a notebook."
    return "\n\n".join(cell_sources(notebook, "markdown"))


def folded_answers(file):
    "Return pairs of a summary (a question, or Solution) and its answer."
    return DETAILS.findall(joined_text(read_notebook(file)))


def questions(file):
    return [summary for summary, _ in folded_answers(file) if summary != "Solution"]


def solutions(file):
    return [answer for summary, answer in folded_answers(file) if summary == "Solution"]


def headings(notebook):
    text = FENCED_CODE.sub("", joined_text(notebook))
    return re.findall(r"^#+ .*", text, re.M)


def paragraphs(text):
    "Return the paragraphs of a text, without headings and folded answers."
    text = re.sub(r"<details>.*?</details>|^#+ [^\n]*$", "", text, flags=re.M | re.S)
    return [part.strip() for part in text.split("\n\n") if part.strip()]


def stubs(notebook):
    return [source for source in cell_sources(notebook, "code") if STUB.search(source)]


# ---- Clean chapters


@each_chapter
def test_a_clean_chapter_is_a_valid_notebook_without_outputs(file):
    notebook = clean_notebook(file)
    ids = [cell["id"] for cell in notebook["cells"]]  # nbformat would replace repeated ones
    nbformat.validate(notebook)
    assert len({*ids}) == len(ids)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert notebook["metadata"].keys() == {"kernelspec", "language_info"}
    for cell in notebook["cells"]:
        assert not cell.get("outputs") and not cell.get("execution_count")
        assert not cell["metadata"]


@each_chapter
def test_a_clean_chapter_has_the_title_and_headings_of_the_chapter(file):
    clean, full = clean_notebook(file), read_notebook(file)
    assert headings(clean) == headings(full)
    assert len(headings(clean)) > 8
    first = cell_sources(clean)[0]
    assert first.split("\n")[:3] == cell_sources(full)[0].split("\n")[:3]
    assert "*The clean edition.*" in first


def answer_lines(summary, answer):
    "Return the lines of a solution, or the sentences of an answer to a question."
    if summary != "Solution":
        return re.split(r"(?<=[.?:])\s+", answer)
    return [line for line in answer.split("\n") if not line.startswith(("```", "import "))]


def hidden_lines(lines, stub_lines):
    "Return the lines, but for short ones and for those that a line of a stub begins with."
    hidden = []
    for line in lines:
        is_in_stub = any(stub_line.startswith(line) for stub_line in stub_lines)
        if len(line.strip()) > 8 and not is_in_stub:
            hidden.append(line.strip())
    return hidden


@each_chapter
def test_a_clean_chapter_has_no_solution_and_no_answer(file):
    notebook = clean_notebook(file)
    text = "\n".join(cell_sources(notebook))
    assert "details>" not in text and "summary>" not in text and "Solution" not in text
    stub_lines = "\n".join(stubs(notebook)).split("\n")
    for summary, answer in folded_answers(file):
        hidden = hidden_lines(answer_lines(summary, answer), stub_lines)
        assert hidden and not [line for line in hidden if line in text]


@each_chapter
def test_a_clean_chapter_has_all_questions_and_exercises(file):
    clean, full = clean_notebook(file), read_notebook(file)
    texts = cell_sources(clean, "markdown")
    found = [text for text in texts if text.startswith("**") and text.endswith("?**")]
    assert found == [f"**{question}**" for question in questions(file)]
    assert stubs(clean) == stubs(full)
    assert bool(stubs(clean)) == (file in CHAPTERS_WITH_EXERCISES)


@each_chapter_with_exercises
def test_a_clean_chapter_has_the_text_of_its_exercises(file):
    section = IN_CODE.search(joined_text(read_notebook(file)))
    text = "\n\n".join(cell_sources(clean_notebook(file)))
    for paragraph in paragraphs(section[1]):
        assert paragraph in text


@each_chapter
def test_a_clean_chapter_has_no_other_code(file):
    clean, full = clean_notebook(file), read_notebook(file)
    explorers = [source for source in cell_sources(full, "code") if EXPLORER.search(source)][:1]
    assert len(explorers) == (file in CHAPTERS_WITH_EXERCISES)
    expected = {"", *explorers, *stubs(full)}
    if stubs(full):
        expected |= {IMPORTS, f'check.progress("{file.stem[3:]}")'}
    sources = cell_sources(clean, "code")
    assert sources[:1] == (explorers or [""])
    assert {*sources} == expected


@each_chapter
def test_a_clean_chapter_has_no_other_text(file):
    text = IN_CODE.sub("", joined_text(read_notebook(file)))
    prose = [paragraph for paragraph in paragraphs(text)[2:] if not paragraph.endswith(":")]
    clean = "\n\n".join(cell_sources(clean_notebook(file)))
    assert len(prose) > 10
    assert not [paragraph for paragraph in prose if paragraph in clean]


@each_chapter
def test_an_empty_cell_says_what_to_write_and_how_it_is_checked(file):
    empty = 0
    for previous, cell in pairwise(clean_notebook(file)["cells"]):
        if cell["cell_type"] == "code" and not cell["source"]:
            empty += 1
            assert previous["cell_type"] == "markdown"
            text = "".join(previous["source"])
            assert re.search(r"\b(write|make|train|print|draw|show)\b", text, re.IGNORECASE)
            assert "Check: " in text
    assert empty > 4


MODULES = {"torch": "`torch`", "np": "`numpy` as `np`", "F": "`torch.nn.functional` as `F`"}


@each_chapter
def test_the_modules_of_a_check_are_named_where_they_are_used_first(file):
    above = ""
    for source in cell_sources(clean_notebook(file)):
        for check in re.findall(r"```python\n(.*?)```", source, re.S):
            for name in re.findall(r"\b(torch|np|F)\.", check):
                is_imported = re.search(rf"^import .*\b{name}$|`{name}`", above + source, re.M)
                assert is_imported or MODULES[name] in above + source, (name, source)
        above += source + "\n"


@each_chapter
def test_asserts_of_a_chapter_are_the_checks_of_its_empty_cells(file):
    sources = cell_sources(read_notebook(file), "code")
    code = "\n".join(source for source in sources if "#| echo: false" not in source)
    asserts = re.findall(r"^assert [^\n]*", code, re.M)
    text = joined_text(clean_notebook(file))
    assert [line for line in asserts if line.split("  #")[0] not in text] == []


@each_chapter_with_exercises
def test_a_clean_chapter_runs_and_every_exercise_is_unfinished(file):
    namespace, shown = {}, []
    for source in cell_sources(clean_notebook(file), "code"):
        if source in (IMPORTS, ""):
            exec(source, namespace)
        else:
            shown.append(run_cell(source, namespace))
    explorer, progress, *verdicts = shown
    assert type(explorer).__name__.endswith("Explorer")
    assert f"0 of {len(verdicts)} done." in repr(progress)
    assert len(verdicts) > 1
    for verdict in verdicts:
        assert not verdict and repr(verdict).startswith("Not attempted")


@each_chapter_with_exercises
def test_the_imports_are_above_the_first_exercise(file):
    sources = cell_sources(clean_notebook(file))
    above = sources[sources.index(IMPORTS) - 1]
    assert above.startswith("Write a function, run its cell") and ".hint()" in above


# ---- Other notebooks


@pytest.mark.parametrize("file", OTHER_NOTEBOOKS, ids=notebook_id)
def test_a_notebook_without_questions_is_unchanged_and_exports_nothing(file):
    notebook = read_notebook(file)
    assert clean_edition(notebook) == notebook
    assert not [source for source in cell_sources(notebook) if "nbdev_export" in source]


# ---- Made-up notebooks


def markdown(source):
    return dict(cell_type="markdown", source=source)


def code(source):
    return dict(cell_type="code", source=source)


def raw(source):
    return dict(cell_type="raw", source=source)


STUB_CELL = "def my_mix(a, b, t): ...\ncheck.mix(my_mix)"

WITHOUT_QUESTIONS = [markdown("Only text."), code("1+1")]

WITHOUT_TITLE = [code(STUB_CELL)]

UNCLOSED_DETAILS = [
    markdown("<details open><summary>Why?</summary>\nSo"),
    code("%time x"),
    raw("r"),
]

TITLE_LINES = [
    "# T\n",
    "> One\n",
    "> and two.\n",
    "Prose.\n",
    "```\n",
    "# no heading\n",
    "```",
]

QUESTION_WITHOUT_EXERCISE = [
    markdown(TITLE_LINES),
    code("x=1"),
    code(""),
    code("y=2"),
    code("#| hide\nz"),
    markdown("## Q\n<details><summary>Why?</summary>So</details> More."),
]

FUNCTION_AND_CLASS = """#| export
@cache
def f(a:int, *b, c=2)->int: return a
class G(f): ..."""

CLASSES_WITH_ARGUMENTS = """#|export
class H:
    def __init__(self): ...
class I:
    def __init__(self, a:int=1): ...
class J:
    a: int
    b: str = 'x'"""

CHECK_IMPORT = "from lesson7.course import check"

EXPORTED_CODE = [
    markdown("# T"),
    code("#| default_exp m"),
    code("#| export\n_A = 1"),
    code(FUNCTION_AND_CLASS),
    code("import os, a.b as c"),
    code("#| hide\nfolder.cleanup()"),
    code(CHECK_IMPORT),
    code(STUB_CELL),
    markdown("## Code"),
    code("e = AExplorer()\ne"),
    code("x"),
    code(CLASSES_WITH_ARGUMENTS),
]

NEXT_CELLS = "Check: the chapter's next cells run with it, and show what the full chapter shows."
COMPARE = "Check: compare with what the full chapter shows."
WHATEVER = f"Show what the chapter shows here. {COMPARE}"

EXPORTED_CODE_CLEAN = [
    "# T\n\nNOTE",
    "Write `f(a, *b, c=2)`, `G()`. "
    "Check: compare it with the library's `lesson7.m.f`, `lesson7.m.G`.",
    "",
    f"With `os`, `a.b` as `c`. {WHATEVER}",
    "",
    CHECK_IMPORT,
    STUB_CELL,
    "## Code",
    "Make `e`. " + NEXT_CELLS,
    "",
    "Write `H()`, `I(a=1)`, `J(a, b='x')`. "
    "Check: compare it with the library's `lesson7.m.H`, `lesson7.m.I`, `lesson7.m.J`.",
    "",
]

INTRODUCED_CODE = [
    markdown("# T\n<details><summary>Why?</summary>So</details>"),
    markdown("Prose.\n\nTwo numbers:"),
    code("x = 1  # the first one\ny = 2\nz.a = 3\nz['b'] = 4"),
    markdown("Their sum, for any two:"),
    code('def add(a, b):\n    """Return the sum.\n\n    More."""\n    return a + b'),
    markdown("No code follows:"),
    markdown("## Q\n\nLast:"),
    code("x"),
]

INTRODUCED_CODE_CLEAN = [
    "# T\n\nNOTE",
    "**Why?**",
    "Two numbers:",
    f"Make `x` (the first one), `y`. {NEXT_CELLS}",
    "",
    "Their sum, for any two:",
    f"Write `add(a, b)`.\n\n- `add`: Return the sum.\n\n{NEXT_CELLS}",
    "",
    "## Q",
    "Last:",
    WHATEVER,
    "",
]

ASSERTS_AND_PLOTS = [
    markdown("# T\n<details><summary>Why?</summary>So</details>"),
    code("x, _y = 1, 2\nassert x == 1e-6\nprint(x)"),
    code("assert y"),
    code("import matplotlib.pyplot as plt\nplt.plot(x)"),
    code("learn.fit_one_cycle(5)"),
    markdown("## Q"),
    code("Markdown(f())"),
]

ASSERTS_AND_PLOTS_CLEAN = [
    "# T\n\nNOTE",
    "**Why?**",
    "Make `x`, then print the numbers. Check: these lines raise no error:\n\n"
    "```python\nassert x == 1e-6\nassert y\n```",
    "",
    f"With `matplotlib.pyplot` as `plt`. Draw the plot, then train. {COMPARE}",
    "",
    "## Q",
    f"Show the table. {COMPARE}",
    "",
]


@pytest.mark.parametrize(
    "cells, expected",
    [
        pytest.param([], [], id="empty"),
        pytest.param(WITHOUT_QUESTIONS, ["Only text.", "1+1"], id="without questions"),
        pytest.param(WITHOUT_TITLE, ["NOTE", STUB_CELL], id="without title"),
        pytest.param(UNCLOSED_DETAILS, ["NOTE", "**Why?**", WHATEVER, ""], id="unclosed details"),
        pytest.param(
            QUESTION_WITHOUT_EXERCISE,
            [
                "# T\n\n> One\n> and two.\n\nNOTE",
                f"Make `x`, `y`. {NEXT_CELLS}",
                *("", "## Q", "**Why?**"),
            ],
            id="question without exercise",
        ),
        pytest.param(EXPORTED_CODE, EXPORTED_CODE_CLEAN, id="exported code"),
        pytest.param(INTRODUCED_CODE, INTRODUCED_CODE_CLEAN, id="introduced code"),
        pytest.param(ASSERTS_AND_PLOTS, ASSERTS_AND_PLOTS_CLEAN, id="asserts and plots"),
    ],
)
def test_clean_edition_of_made_up_notebooks(cells, expected):
    notebook = clean_edition(dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=4))
    if cells is not WITHOUT_QUESTIONS:  # these cells are returned as they are, without ids
        nbformat.validate(notebook)
    sources = cell_sources(notebook)
    assert [re.sub(r"\*The clean edition\..*", "NOTE", s) for s in sources] == expected


# ---- Copies


def test_full_copies_are_equal_to_the_notebooks(tmp_path):
    copy_notebooks(tmp_path)
    for file in notebook_files():
        assert read_notebook(tmp_path / file.relative_to(NBS)) == read_notebook(file), file


@pytest.fixture(scope="module")
def clean_copy(tmp_path_factory):
    "A folder with clean copies of all notebooks, not to be changed; and what was returned."
    folder = tmp_path_factory.mktemp("clean")
    return folder, copy_notebooks(folder, clean=True)


def test_clean_copies_are_the_clean_editions(clean_copy):
    folder, (written, kept) = clean_copy
    names = {file.relative_to(NBS).as_posix() for file in notebook_files()}
    assert {*written} == names and not kept
    assert {file.relative_to(folder).as_posix() for file in folder.rglob("*.ipynb")} == names
    for file in notebook_files():
        assert read_notebook(folder / file.relative_to(NBS)) == clean_notebook(file)


def test_links_between_clean_copies_resolve(clean_copy):
    folder, _ = clean_copy
    for file in folder.rglob("*.ipynb"):
        text = "\n".join(cell_sources(read_notebook(file), "markdown"))
        for target in link_targets(text):
            assert (file.parent / target).exists(), (file.name, target)


def test_a_second_copy_overwrites_nothing(tmp_path):
    written, _ = copy_notebooks(tmp_path, clean=True)
    edited = tmp_path / "01_normalize.ipynb"
    edited.write_text("edited")
    assert copy_notebooks(tmp_path, clean=True) == ([], written)
    assert edited.read_text() == "edited"


def test_make_clean_edition_writes_all_clean_notebooks(tmp_path):
    "Runs the target's recipe with this Python, in a folder of the test's own."
    target = re.search(r"^clean-edition: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)
    recipe = target[1].replace("$(BIN)/python", sys.executable)
    makefile = tmp_path / "Makefile"
    makefile.write_text("clean-edition:\n" + recipe)
    outdated = tmp_path / "build" / "clean" / "01_normalize.ipynb"
    outdated.parent.mkdir(parents=True)
    outdated.write_text("an older copy")
    results = tmp_path / "build" / "digits.json"
    results.write_text("{}")
    command = ["make", "-f", makefile, "clean-edition"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert read_notebook(outdated) == clean_notebook(CHAPTERS_WITH_EXERCISES[0])
    assert results.is_file()  # unfinished results of a comparison are kept


# ---- Updates


EDIT = "# edited"


def add_cell(file, source):
    notebook = read_notebook(file)
    notebook["cells"].append(nbformat.v4.new_code_cell(source))
    file.write_text(json.dumps(notebook))


@pytest.fixture
def folder(tmp_path):
    "A learner's folder of clean notebooks: one is edited, one outdated, one deleted."
    folder = tmp_path / "copy"
    copy_notebooks(folder, clean=True)
    add_cell(folder / "01_normalize.ipynb", EDIT)
    outdated = folder / "02_resize.ipynb"
    add_cell(outdated, "# of an older version")
    record = json.loads((folder / ".lesson7.json").read_text())
    record["digests"]["02_resize.ipynb"] = _digest(read_notebook(outdated))
    (folder / ".lesson7.json").write_text(json.dumps(record))
    (folder / "api" / "lazy.ipynb").unlink()
    return folder


def test_an_update_keeps_edited_notebooks_under_another_name(folder):
    written = update_notebooks(folder)
    assert written == {
        "01_normalize.ipynb": "01_normalize-yours.ipynb",
        "02_resize.ipynb": None,
        "api/lazy.ipynb": None,
    }
    assert EDIT in cell_sources(read_notebook(folder / "01_normalize-yours.ipynb"))
    for file in notebook_files():
        assert read_notebook(folder / file.relative_to(NBS)) == clean_notebook(file)
    assert update_notebooks(folder) == {}


def test_a_second_edited_version_gets_another_name(folder):
    update_notebooks(folder)
    add_cell(folder / "01_normalize.ipynb", "# again")
    written = update_notebooks(folder)
    assert written == {"01_normalize.ipynb": "01_normalize-yours-2.ipynb"}
    assert EDIT in cell_sources(read_notebook(folder / "01_normalize-yours.ipynb"))
    assert "# again" in cell_sources(read_notebook(folder / "01_normalize-yours-2.ipynb"))


def test_execution_counts_are_no_edits(folder):
    file = folder / "03_tta.ipynb"
    notebook = read_notebook(file)
    cell = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    cell["execution_count"] = 7
    file.write_text(json.dumps(notebook))
    assert "03_tta.ipynb" not in update_notebooks(folder)


@pytest.mark.parametrize("record", ["", "{", "[]", '{"digests": 3}'])
def test_without_a_record_each_different_file_counts_as_edited(folder, record):
    (folder / ".lesson7.json").write_text(record)
    written = update_notebooks(folder, clean=True)
    assert written["02_resize.ipynb"] == "02_resize-yours.ipynb"
    assert written["01_normalize.ipynb"] == "01_normalize-yours.ipynb"


def test_an_update_of_a_missing_folder_raises_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"lesson7 lab .*nowhere"):
        update_notebooks(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_importing_the_module_loads_no_slow_package():
    loaded = loaded_modules("import lesson7.course.notebooks")
    assert not {"torch", "fastcore", "nbformat", "IPython", "matplotlib"} & loaded
