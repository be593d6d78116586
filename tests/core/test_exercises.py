"Exercises and questions in the chapters' notebooks."

import re
from itertools import pairwise

import pytest
import torch
from conftest import NBS
from notebook_cells import cell_sources, read_notebook, run_cell

from lesson7.course import check
from lesson7.course.tasks import exercises

pytest_plugins = ["core_fixtures"]
pytestmark = pytest.mark.usefixtures("data_home")

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
    "Return a case for each exercise in the chapters: stub, output, solution."
    cases = []
    for chapter, found in EXERCISES.items():
        cases += [pytest.param(*case, id=f"{chapter}-{name}") for name, *case in found]
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


@pytest.mark.parametrize("stub, output, solution", stub_cases())
def test_a_stub_is_unfinished_and_its_solution_is_right(stub, output, solution):
    namespace = dict(torch=torch, check=check)  # imported earlier in each chapter
    verdict = run_cell(stub, namespace)
    assert not verdict and verdict.says.startswith("It returns nothing yet.")
    assert output == repr(verdict)
    exec(solution, namespace)
    verdict = eval(stub.split("\n")[-1], namespace)
    assert verdict, verdict


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
