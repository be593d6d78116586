"The code on the teacher's page runs, and does what the page says."

import json
import re

import pytest
from conftest import ROOT

from lesson7.course import check

pytest_plugins = ["core_fixtures"]
pytestmark = pytest.mark.usefixtures("data_home")
PAGE = (ROOT / "docs" / "pages" / "teaching.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)


@pytest.fixture
def run_block(tmp_path, monkeypatch):
    "`run_block(word)` runs the block that has a word, in an empty folder; returns its names."
    monkeypatch.chdir(tmp_path)

    def run(word):
        (block,) = (block for block in BLOCKS if word in block)
        names = {}
        exec(compile(block, word, "exec"), names)
        return names

    return run


def test_explorers_are_saved_and_steps_are_possible(run_block, tmp_path):
    run_block("NormalizeExplorer")
    found = run_block("Step(")
    assert [step["title"] for step in found["explorer"].steps] == [s.title for s in found["steps"]]
    assert len(list(tmp_path.glob("*.html"))) == 4
    (answer,) = re.findall(r'answer="(Most of them[^"]*)', "".join(BLOCKS))
    assert answer in (tmp_path / "mixup-with-my-steps.html").read_text(encoding="utf-8")


def test_notebooks_to_hand_out_are_clean(run_block, tmp_path):
    names = run_block("copy_notebooks")
    assert names["written"] and not names["kept"]
    text = (tmp_path / "hand-out" / "04_mixup.ipynb").read_text(encoding="utf-8")
    assert "check.mix(my_mix)" in text and "t * a + (1 - t) * b" not in text


def verdict_cell(verdict):
    output = {"output_type": "execute_result", "data": {"text/plain": [repr(verdict)]}}
    return {"cell_type": "code", "source": [], "outputs": [output]}


def test_the_last_verdicts_are_collected(run_block, tmp_path, capsys):
    right = check.mix(lambda a, b, t: t * a + (1 - t) * b)
    wrong = check.mix(lambda a, b, t: a)
    other = check.downsize(lambda x, size: x)
    cells = [verdict_cell(verdict) for verdict in (wrong, right, other)]
    folder = tmp_path / "collected" / "ada"
    folder.mkdir(parents=True)
    (folder / "04_mixup.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    solved = run_block("def solved")["solved"]
    assert solved(folder / "04_mixup.ipynb") == ["mix"]
    assert "04_mixup.ipynb mix" in capsys.readouterr().out
    cells.append(verdict_cell(wrong))
    (folder / "04_mixup.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert solved(folder / "04_mixup.ipynb") == []
