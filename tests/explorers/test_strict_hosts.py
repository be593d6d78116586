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


NUMBERS = ["NaN", "Infinity", "-1", "1e309", "9" * 400, "0x10", "1e-320", "", " ", "0.5", "1", "99"]
TEXTS = [
    "__proto__",
    "[[1,2]]",
    "[" * 2000,
    '{"a":1}',
    "<img src=x onerror=alert(1)>",
    "\ud800",
    "%",
]
FOLLOW_LINKS = """([seed, count, values]) => {
  const root = document.querySelector(".l7").parentElement;
  const names = [...root.querySelectorAll("[data-trait]")].map((node) => node.dataset.trait);
  names.push("pin", "__proto__", "explorer", "constructor");
  let state = seed;
  const draw = (list) => {
    state = (state * 48271) % 2147483647;
    return list[state % list.length];
  };
  for (let i = 0; i < count; i += 1) {
    const link = new URLSearchParams();
    for (let n = 0; n < 3; n += 1) link.append(draw(names), draw(values));
    root.dispatchEvent(new CustomEvent("l7-link", { detail: link }));
  }
  return names.length;
}"""


@pytest.mark.parametrize("count", [200, pytest.param(20_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", ["MixupExplorer", "SmoothingExplorer", "TTAExplorer"])
def test_any_link_leaves_numbers_on_the_page(name, count, open_explorer):
    page = open_explorer(name)
    assert page.evaluate(FOLLOW_LINKS, [38, count, NUMBERS + TEXTS]) > 5
    text = " ".join(map(str, drawing(page)["texts"]))
    assert not re.search(r"NaN|Infinity|undefined", text), text
