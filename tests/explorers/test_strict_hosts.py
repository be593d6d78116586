"Hosts that allow less or show more: a strict policy, no reading of canvases, three views."

import re

import pytest
from explorer_page import drawing, open_more, wait_for_explorers

STRICT = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
VIEW = re.compile(
    r'<script type="application/vnd.jupyter.widget-view\+json">.*?</script>', re.DOTALL
)
NO_READING = """() => {
  OffscreenCanvasRenderingContext2D.prototype.getImageData = () => {
    throw new Error("pixels are hidden");
  };
}"""
COVERED = """() => [...document.querySelectorAll(".l7")].map((view) => {
  const answers = [...view.querySelectorAll(".l7-secret")];
  return answers.length > 0 && answers.every((node) => node.closest(".l7-guessing"));
})"""


@pytest.mark.parametrize(
    "name", ["MixupExplorer", "NormalizeExplorer", "ResizeExplorer", "TTAExplorer"]
)
def test_a_strict_policy_and_hidden_pixels_change_nothing(
    name, saved_example, open_explorer, new_page, tmp_path
):
    expected = drawing(open_explorer(name))
    text = saved_example(name).read_text()
    file = tmp_path / "strict.html"
    file.write_text(re.sub('(Security-Policy" content=")[^"]*', rf"\g<1>{STRICT}", text))
    page = new_page()
    page.add_init_script(f"({NO_READING})()")
    page.goto(file.as_uri())
    wait_for_explorers(page)
    open_more(page)
    assert drawing(page) == expected


def test_a_question_covers_its_answer_in_all_views(saved_example, new_page, tmp_path):
    file = tmp_path / "views.html"
    text = saved_example("SmoothingExplorer").read_text()
    file.write_text(VIEW.sub(lambda view: 3 * view[0], text, count=1))
    page = new_page()
    page.goto(file.as_uri())
    page.get_by_role("button", name="Guess").nth(2).wait_for()
    assert page.evaluate(COVERED) == [False] * 3
    guess = page.get_by_role("button", name="Guess")
    guess.nth(1).click()
    assert page.evaluate(COVERED) == [True] * 3
    guess.nth(2).click()
    guess.nth(1).click()
    assert page.evaluate(COVERED) == [True] * 3  # of the other question
    guess.nth(2).click()
    assert page.evaluate(COVERED) == [False] * 3
