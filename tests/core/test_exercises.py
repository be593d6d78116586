"Exercises and questions in the chapters' notebooks."

import functools
import re
from itertools import pairwise

import pytest
from conftest import NBS
from notebook_cells import cell_sources, read_notebook, run_cell

from lesson7.course import check
from lesson7.course.notebooks import clean_edition
from lesson7.course.tasks import exercises

pytest_plugins = ["core_fixtures"]
pytestmark = pytest.mark.usefixtures("data_home", "first_hints")


@pytest.fixture
def first_hints():
    "Begin each test with the first hints."
    check._hints_shown.clear()


CHAPTERS = sorted(NBS.glob("0[1-5]_*.ipynb"))
STUB = re.compile(r"^check\.(\w+)\(my_\w+\)$", re.M)
SUMMARY = re.compile(r"<summary>(.+?)</summary>")
SOLUTION = re.compile(
    r"<details><summary>Solution</summary>\n\n```python\n(.*?)\n```\n\n</details>", re.S
)
QUESTION = re.compile(r"<details><summary>(.+?)</summary>\n\n(.+?)\n\n</details>", re.S)


def chapter_texts(file):
    return cell_sources(read_notebook(file), "markdown")


def chapter_exercises(file):
    "Return each exercise of a chapter: name, stub, the stub's committed output, solution."
    found = []
    cells = read_notebook(file)["cells"]
    for cell, following in pairwise(cells):
        stub = "".join(cell["source"])
        name = STUB.search(stub)
        if cell["cell_type"] == "code" and name:
            output = "".join(cell["outputs"][0]["data"]["text/plain"])
            solution = SOLUTION.match("".join(following["source"]))
            found.append((name[1], stub, output, solution[1]))
    return found


EXERCISES = {file.stem[3:]: chapter_exercises(file) for file in CHAPTERS}


def stub_cases():
    "Return a case for each exercise in the chapters: chapter, stub, output, solution."
    cases = []
    for chapter, found in EXERCISES.items():
        cases += [pytest.param(chapter, *case, id=f"{chapter}-{name}") for name, *case in found]
    return cases


@pytest.mark.parametrize("chapter", EXERCISES)
def test_exercises_are_in_their_chapter_in_order(chapter):
    names = [name for name, *_ in EXERCISES[chapter]]
    expected = [task.name for task in exercises().values() if task.chapter == chapter]
    assert names == expected


def test_chapters_are_in_the_order_of_the_exercises():
    assert list(EXERCISES) == list(dict.fromkeys(task.chapter for task in exercises().values()))


@pytest.mark.parametrize("file", CHAPTERS, ids=lambda file: file.stem)
def test_each_solution_belongs_to_an_exercise(file):
    solutions = "".join(chapter_texts(file)).count("<summary>Solution</summary>")
    assert solutions == len(chapter_exercises(file))


def without_spaces(text):
    return re.sub(r"\s", "", text)


def has_filled_line(code, line):
    "Return whether a line of code is `line` with something in the place of `___`."
    before, after = map(re.escape, without_spaces(line).split("___"))
    return any(re.fullmatch(f"{before}.+{after}", without_spaces(row)) for row in code.split("\n"))


@functools.cache
def first_cell(chapter):
    "Return what is defined after the first cell of a chapter, the same in both editions."
    [file] = [file for file in CHAPTERS if file.stem[3:] == chapter]
    notebook = read_notebook(file)
    source = cell_sources(notebook, "code")[0]
    assert cell_sources(clean_edition(notebook), "code")[0] == source
    namespace = {}
    run_cell(source, namespace)
    return namespace


# Each part of the course is tried on itself: a fault in an exercise is found in its row.
COURSE = stub_cases()


@pytest.mark.parametrize("chapter, stub, output, solution", COURSE)
def test_an_exercise_works_after_the_first_cell(chapter, stub, output, solution):
    namespace = dict(first_cell(chapter))
    verdict = run_cell(stub, namespace)
    assert not verdict and verdict.message.startswith("Its body is empty.")
    assert output == repr(verdict)
    exec(solution, namespace)
    verdict = eval(stub.split("\n")[-1], namespace)
    assert verdict, verdict


@pytest.mark.parametrize("name", exercises())
def test_the_shortest_answer_is_shown_after_success(name):
    task = exercises()[name]
    namespace = {}
    exec(task.solution, namespace)
    verdict = getattr(check, name)(namespace[f"my_{name}"])
    assert verdict and "The shortest answer, to compare:" in verdict.message
    assert f"def my_{name}(" in verdict.code and f"def my_{name}(" in repr(verdict)
    assert "<pre>" in verdict._repr_html_()
    solutions = {case[0]: case[3] for found in EXERCISES.values() for case in found}
    assert len(task.solution.split("\n")) <= len(solutions[name].split("\n")) + 2


@pytest.mark.parametrize("name", exercises())
def test_hints_lead_to_the_printed_solution(name):
    task = exercises()[name]
    solutions = {case[0]: case[3] for found in EXERCISES.values() for case in found}
    look, shape, line = task.hints
    assert len({look, shape, line}) == 3
    assert all(text.endswith(".") and len(text) > 30 for text in (look, shape))
    assert line.count("___") == 1 and has_filled_line(solutions[name], line)
    shown = [repr(getattr(check, name).hint()) for _ in range(4)]
    assert [text.split(":")[0] for text in shown[:3]] == [f"Hint {i} of 3" for i in (1, 2, 3)]
    assert shown[3] == shown[2]
    assert look in shown[0] and shape in shown[1] and line in shown[2]
    assert repr(getattr(check, name).hint(1)) == shown[0]
    assert not check.progress().done


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_hint_is_no_right_answer(number):
    verdict = check.mix.hint(number)
    assert not verdict and verdict.title == f"Hint {number} of 3"


def test_a_hint_that_is_not_there():
    with pytest.raises(ValueError, match="number must be one of 1, 2, 3, got 4"):
        check.mix.hint(4)


@pytest.mark.parametrize("file", CHAPTERS, ids=lambda file: file.stem)
def test_a_chapter_shows_at_its_head_what_is_done(file):
    chapter = file.stem[3:]
    cells = read_notebook(file)["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    source = f'check.progress("{chapter}")'
    place = sources.index(source)
    assert sources[place + 1].startswith("## The idea")
    cell = cells[place]
    output = "".join(cell["outputs"][0]["data"]["text/plain"])
    assert output == repr(eval(source, first_cell(chapter)))
    count = len(EXERCISES[chapter])
    assert f"0 of {count} done." in output


@pytest.mark.parametrize("file", CHAPTERS, ids=lambda file: file.stem)
def test_check_yourself_has_exercises_and_questions(file):
    text = "\n\n".join(chapter_texts(file))
    section = re.search(r"^## Check yourself\n(.*?)^## ", text, re.M | re.S)[1]
    code, words = section.split("### In words")
    assert code.strip().startswith("### In code") and "check.progress()" in code
    questions = QUESTION.findall(words)
    assert len(questions) == words.count("<details>") >= 4
    rest = re.sub(r"<details>.*?</details>", "", words, flags=re.S)
    assert not rest.strip()


@pytest.mark.parametrize("file", CHAPTERS, ids=lambda file: file.stem)
def test_each_answer_links_to_a_section_or_an_explorer(file):
    text = "\n\n".join(chapter_texts(file))
    headings = set(re.findall(r"^## (.*)", text, re.M))
    words = re.search(r"^### In words\n(.*?)^## ", text, re.M | re.S)[1]
    for question, answer in QUESTION.findall(words):
        sections = set(re.findall(r"\*([^*]+)\*", answer)) & headings
        assert sections or "explorer" in answer, question


@pytest.mark.parametrize(
    "chapter, words",
    [
        ("01", "travel with a model"),
        ("02", "progressive resizing hurt"),
        ("03", "What does TTA cost"),
        ("04", "be one-hot"),
        ("04", "need many epochs"),
        ("05", "eps do to the best logit"),
        ("05", "wrong labels"),
    ],
)
def test_the_lessons_questions_are_in_the_chapters(chapter, words):
    file = next(f for f in CHAPTERS if f.stem.startswith(chapter))
    questions = SUMMARY.findall("\n".join(chapter_texts(file)))
    assert any(words in question for question in questions)
