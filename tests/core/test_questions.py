"The bank of questions: it has every question of the chapters, and Anki's file has them all."

import json
import re
import sqlite3
import zipfile

import pytest
from conftest import NBS

from lesson7.course.cards import CARDS
from lesson7.course.questions import all_questions, write_deck


def summaries(file):
    "Return the summaries of a notebook's folded texts."
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return re.findall(r"<summary>(.*?)</summary>", text, re.S)


def test_every_question_of_the_chapters_is_there():
    for file in NBS.glob("0*_*.ipynb"):
        wanted = [text for text in summaries(file) if text != "Solution"]
        found = [question for question in all_questions() if question.file == file.name]
        assert [question.text for question in found] == wanted
        assert all(question.answer for question in found)


def deck_rows(path, folder):
    with zipfile.ZipFile(path) as archive:
        archive.extract("collection.anki2", folder)
    rows = sqlite3.connect(folder / "collection.anki2").execute("select guid, flds from notes")
    return {guid: fields.split("\x1f") for guid, fields in rows}


def test_deck_has_all_questions_and_keeps_their_identities(tmp_path):
    pytest.importorskip("genanki")
    first = deck_rows(write_deck(tmp_path / "a" / "deck.apkg"), tmp_path)
    again = deck_rows(write_deck(tmp_path / "deck.apkg"), tmp_path)
    assert first == again and len(first) == len(all_questions()) + 3 * len(CARDS)
    texts = " ".join(question for question, _, _ in first.values())
    assert all(card.name in texts for card in CARDS.values())
    for question, answer, chapter in first.values():
        assert question and answer and chapter
        assert "](" not in answer and ".ipynb" not in answer  # no link that Anki cannot follow


def test_formulas_are_those_of_ankis_mathjax(tmp_path):
    pytest.importorskip("genanki")
    rows = deck_rows(write_deck(tmp_path / "deck.apkg"), tmp_path)
    answers = {question: answer for question, answer, _ in rows.values()}
    (mixup,) = (a for q, a in answers.items() if "Mixup: what is the formula" in q)
    assert r"\[x_\lambda" in mixup and "$" not in mixup
