"Each sentence in `docs/claims.md` is in its chapter, and what shows it is there."

import re

import pytest
from claims import JUDGES, NOTEBOOKS, ROOT, cells, claims, sentences

CHAPTERS = {file.stem: file for file in NOTEBOOKS}
CLAIMS = claims()
CODE = re.compile(r"^(?:(?P<chapter>\d\d_\w+) )?`(?P<code>.+)`$")
YEAR = re.compile(r"\b(1[89]|20)\d\d\b")
FILE = re.compile(r"\b(?:[\w.-]+/)+[\w.-]+\.(?:py|json)\b|\b[A-Z]+\.md\b")
RAISES = re.compile(r"^\s*(assert|raise) ", re.M)

each_claim = pytest.mark.parametrize(
    "claim", CLAIMS, ids=[f"{c.chapter[3:]}-{i}" for i, c in enumerate(CLAIMS)]
)


@pytest.fixture(scope="module")
def text_of():
    "Return chapter -> its sentences."
    return {chapter: sentences(file) for chapter, file in CHAPTERS.items()}


@each_claim
def test_a_sentence_is_in_its_chapter(claim, text_of):
    assert claim.sentence in text_of[claim.chapter]


@each_claim
def test_the_evidence_is_there(claim):
    found = CODE.match(claim.evidence)
    if not found:
        files = FILE.findall(claim.evidence)
        assert files or YEAR.search(claim.evidence) or claim.evidence.startswith("definition")
        assert all((ROOT / file).exists() for file in files)
        return
    chapter = CHAPTERS[found["chapter"] or claim.chapter]
    cell = [source for source in cells(chapter, "code") if found["code"] in source]
    assert len(cell) == 1, f"{found['code']} is in {len(cell)} cells of {chapter.stem}"
    assert RAISES.search(cell[0]) and "#| eval: false" not in cell[0]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_sentence_that_judges_names_its_evidence(chapter, text_of):
    "What is better, worse, helps or hurts has a row."
    listed = {claim.sentence for claim in CLAIMS if claim.chapter == chapter}
    judging = [sentence for sentence in text_of[chapter] if JUDGES.search(sentence)]
    assert [sentence for sentence in judging if sentence not in listed] == []


def test_no_row_is_there_twice():
    assert len({(claim.chapter, claim.sentence) for claim in CLAIMS}) == len(CLAIMS) > 100


def test_sentences_are_found():
    "Headings, questions, code, answers' summaries and sources are no sentences."
    found = sentences(CHAPTERS["03_tta"])
    assert "The model does not change." in found
    joined = "\n".join(found)
    assert (
        "my_windows" not in joined
        and "<summary>" not in joined
        and "Krizhevsky, Ilya" not in joined
    )
