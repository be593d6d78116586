"Where explorers are shown: narrow parents, paper, forced colours, pages without a theme, Notebook 7."

import pytest

import lesson7

NAMES = [name for name in lesson7.__all__ if name.endswith("Explorer")]
DARK_TEXT, WHITE = "rgb(31, 35, 40)", "rgb(255, 255, 255)"
DARK_BACKGROUND = "rgb(22, 24, 29)"

COLOURS = """(explorer) => {
  const style = getComputedStyle(explorer);
  return [style.color, style.backgroundColor];
}"""
SHRINK = """(explorer) => {
  const parent = explorer.parentElement;
  parent.style.display = "inline-block";
  return explorer.getBoundingClientRect().width;
}"""
# A parent page without variables of Jupyter's or the site's.
WITHOUT_THEME = """() => {
  for (const style of document.querySelectorAll("head > style")) style.remove();
  document.documentElement.style.colorScheme = "dark";
}"""
# What Lumino, in Notebook 7, finds on the focused control when a key is pressed.
LISTEN_AS_NOTEBOOK = """() => {
  globalThis.suppressed = [];
  const name = "data-lm-suppress-shortcuts";
  const listen = (event) => suppressed.push(event.target.hasAttribute(name));
  document.addEventListener("keydown", listen, true);
}"""


@pytest.fixture(params=NAMES)
def opened(request, new_page, tmp_path):
    "`opened(**context options)`: the page of every explorer in turn, opened without arguments."
    explorer = getattr(lesson7, request.param)()

    def open_page(**options):
        page = new_page(**options)
        page.goto(explorer.save(tmp_path / "explorer.html").as_uri())
        page.locator(".l7 .l7-guess").wait_for()
        return page

    return open_page


@pytest.mark.parametrize("width, least", [(1040, 480), (360, 300)])
def test_a_parent_that_shrinks_to_fit(opened, width, least):
    page = opened(viewport=dict(width=width, height=800))
    assert page.locator(".l7").evaluate(SHRINK) >= least
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_paper(opened):
    page = opened(color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator(".l7").evaluate(COLOURS) == [DARK_TEXT, WHITE]
    for node in page.locator(".l7, .l7-bars i, .l7 svg").all():
        assert node.evaluate("e => getComputedStyle(e).printColorAdjust") == "exact"


def test_forced_colours(opened):
    page = opened(forced_colors="active")
    for node in page.locator(".l7-bars i, .l7-bars > :nth-child(3n + 2), .l7 svg, .l7-chip").all():
        assert node.evaluate("e => getComputedStyle(e).forcedColorAdjust") == "none"


def test_a_page_without_a_theme(opened):
    page = opened(color_scheme="light")
    page.evaluate(WITHOUT_THEME)
    assert page.locator(".l7").evaluate(COLOURS)[1] == DARK_BACKGROUND


def test_keys_are_no_shortcuts_of_notebook(opened):
    page = opened()
    page.evaluate(LISTEN_AS_NOTEBOOK)
    for control in page.locator(".l7 :is(input, select, button, [tabindex])").all():
        if not control.is_visible():
            continue
        control.focus()
        page.keyboard.press("F9")
        page.keyboard.press("Control+F9")  # Ctrl+S still saves
        assert page.evaluate("suppressed.splice(0)") == [True, False, False]
