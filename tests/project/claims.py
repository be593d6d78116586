"""The sentences of the chapters, and what shows that they are true: `docs/claims.md`.

    python tests/project/claims.py

prints sentences that may need a row: they compare, count or name a library.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "nbs").glob("0[0-9]_*.ipynb"))
TABLE = ROOT / "docs" / "claims.md"

JUDGES = re.compile(r"\b(better|worse|helps?|hurts?)\b", re.IGNORECASE)
DOUBTED = re.compile(
    r"\b(more|less|fewer|most|than|never|always|only|every|same|differs?|differ|fastai|torch|timm"
    r"|takes|costs?|because|since|cannot|no longer|nearly|half|twice|times)\b",
    re.IGNORECASE,
)
NOT_PROSE = re.compile(
    r"^```[\s\S]*?^```|<details><summary>[\s\S]*?</summary>|</details>|^#+ .*$", re.M
)
MARKS = re.compile(r"^(?:[>|\s]|- |\d+\. )+")
SOURCES = re.compile(r"^## Sources\n.*?(?=^## |\Z)", re.M | re.S)


@dataclass(frozen=True)
class Claim:
    "A row of the table."

    chapter: str
    sentence: str
    evidence: str


def cells(file, kind):
    "Return the sources of a chapter's cells of a kind."
    found = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == kind]


def sentences(file):
    "Return the sentences of a chapter's text, without headings, questions, code and sources."
    text = "\n\n".join(cells(file, "markdown"))
    text = NOT_PROSE.sub("\n", SOURCES.sub("", text))
    found = []
    for line in text.split("\n"):
        line = MARKS.sub("", line).strip()
        found += re.split(r"(?<=[.?!)])\s+(?=[*(\[`\"A-Z0-9]|fastai|torch|timm)", line)
    return [sentence for sentence in found if sentence and not sentence.rstrip("*_)").endswith("?")]


def claims():
    "Return the rows of the table."
    chapter, found = "", []
    for line in TABLE.read_text(encoding="utf-8").split("\n"):
        if line.startswith("## "):
            chapter = line.removeprefix("## ")
        elif line.startswith("| ") and not line.startswith("| sentence |"):
            sentence, evidence = re.split(r"(?<!\\) \| ", line[2:].removesuffix(" |"), maxsplit=1)
            found.append(Claim(chapter, sentence.replace(r"\|", "|"), evidence.replace(r"\|", "|")))
    return found


def candidates():
    "Return pairs of chapter and sentence that may need a row and have none."
    listed = {(claim.chapter, claim.sentence) for claim in claims()} if TABLE.exists() else set()
    pairs = [(file.stem, sentence) for file in NOTEBOOKS for sentence in sentences(file)]
    return [pair for pair in pairs if DOUBTED.search(pair[1]) and pair not in listed]


if __name__ == "__main__":
    for chapter, sentence in candidates():
        print(f"{chapter}: {sentence}")
