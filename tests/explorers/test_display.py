"How every explorer is displayed: colours, accessibility, narrow parents, print, other pages."

import io
from itertools import product

import pytest
from browser import wait_for_drawing
from explorer_examples import EXAMPLES, NAMES
from explorer_page import PAGE_WIDTH, accessibility_faults, start_guess, type_guess
from PIL import Image

import lesson7

DARK_TEXT, WHITE = "rgb(31, 35, 40)", "rgb(255, 255, 255)"
DARK_BACKGROUND = "rgb(22, 24, 29)"
SCHEMES = ("light", "dark")
MIN_STILL_WIDTH = 600  # px

COLOURS = """(explorer) => {
  const style = getComputedStyle(explorer);
  return [style.color, style.backgroundColor];
}"""
SHRINK = """(explorer) => {
  const parent = explorer.parentElement;
  parent.style.display = "inline-block";
  return explorer.getBoundingClientRect().width;
}"""
GROW = "(explorer) => explorer.parentElement.style.removeProperty('display')"
PRINT_ADJUST = "(node) => getComputedStyle(node).printColorAdjust"
COLOUR = "(node, name) => getComputedStyle(node).getPropertyValue(name)"
SET_THEME = "(body, [name, value]) => body.setAttribute(name, value)"
REMOVE_ATTRIBUTE = "(body, name) => body.removeAttribute(name)"
THEMES = {  # attribute of JupyterLab's page or the site's, and its value: what sliders get
    ("data-jp-theme-light", "false"): "dark",
    ("data-theme", "dark"): "dark",
    ("data-theme", "light"): "light",
}
FORCED_ADJUST = "(node) => getComputedStyle(node).forcedColorAdjust"
# A parent page without variables of Jupyter's or the site's.
REMOVE_THEME = """() => {
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
def opened(request, open_explorer):
    "`opened(**context options)`: the page of every explorer, opened without arguments."

    def open_page(**options):
        return open_explorer(request.param, **options)

    return open_page


@pytest.mark.parametrize("name", NAMES)
def test_still_is_wide_enough_to_read(name):
    still = getattr(lesson7, name)().still()
    assert Image.open(io.BytesIO(still)).width > MIN_STILL_WIDTH


def test_parent_that_shrinks_to_fit(opened):
    page = opened()
    for width, least in ((1040, 480), (360, 300)):
        page.set_viewport_size(dict(width=width, height=800))
        wait_for_drawing(page)
        assert page.locator(".l7").evaluate(SHRINK) >= least
        assert page.evaluate(PAGE_WIDTH) <= width
    page.locator(".l7").evaluate(GROW)


def test_colours_follow_the_colour_scheme(opened):
    page = opened(color_scheme="light")
    explorer = page.locator(".l7")
    assert explorer.evaluate(COLOURS)[1] == WHITE
    page.emulate_media(color_scheme="dark")
    assert explorer.evaluate(COLOURS)[1] == DARK_BACKGROUND


def test_sliders_follow_the_theme_of_the_page(opened):
    page = opened(color_scheme="light")
    for theme, scheme in THEMES.items():
        page.locator("body").evaluate(SET_THEME, theme)
        slider = page.locator(".l7 input[type=range]").first
        assert slider.evaluate(COLOUR, "color-scheme") == scheme, theme
        page.locator("body").evaluate(REMOVE_ATTRIBUTE, theme[0])


def test_print(opened):
    page = opened(color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator(".l7").evaluate(COLOURS) == [DARK_TEXT, WHITE]
    for node in page.locator(".l7, .l7-bars i, .l7 svg").all():
        assert node.evaluate(PRINT_ADJUST) == "exact"
    assert not page.locator(".l7-tools").is_visible()


def test_forced_colours(opened):
    page = opened(forced_colors="active")
    for node in page.locator(".l7-bars i, .l7-bars > :nth-child(3n + 2), .l7 svg, .l7-chip").all():
        assert node.evaluate(FORCED_ADJUST) == "none"
    button = page.locator(".l7-tools button").first
    text, background = (button.evaluate(COLOUR, name) for name in ("color", "background-color"))
    assert text != background


def test_page_without_a_theme(opened):
    page = opened(fresh=True)
    page.evaluate(REMOVE_THEME)
    assert page.locator(".l7").evaluate(COLOURS)[1] == DARK_BACKGROUND


def test_keys_are_no_shortcuts_of_notebook(opened):
    page = opened()
    page.evaluate(LISTEN_AS_NOTEBOOK)
    for control in page.locator(".l7 :is(input, select, button, [tabindex]):visible").all():
        control.focus()
        page.keyboard.press("F9")
        page.keyboard.press("Control+F9")  # Ctrl+S still saves
        assert page.evaluate("suppressed.splice(0)") == [True, False, False]


def faults_at(page, views):
    "Return the faults of a page in pairs of colour scheme and width, with its content's width."
    found = {}
    for scheme, width in views:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(dict(width=width, height=800))
        wait_for_drawing(page)
        faults = accessibility_faults(page)
        if page.evaluate(PAGE_WIDTH) > width:
            faults.append("page is wider than the window")
        if faults:
            found[scheme, width] = faults
    return found


# Each scheme and each layout once; all pairs of them in `make long`.
VIEWS = [("light", 1040), ("dark", 360)]
ALL_VIEWS = list(product(SCHEMES, (360, 700, 1040)))
SOME_OR_ALL = pytest.mark.parametrize(
    "views", [VIEWS, pytest.param(ALL_VIEWS, marks=pytest.mark.long)], ids=["some", "all"]
)


@SOME_OR_ALL
@pytest.mark.parametrize("example", EXAMPLES)
def test_accessibility(example, views, open_explorer):
    page = open_explorer(example)
    assert faults_at(page, views) == {}


def guess_parameters():
    "One explorer has the guess in both schemes, the others in one; all views in `make long`."
    found = []
    for name in [*NAMES, "TTAExplorer-model"]:
        views = VIEWS if name == "SmoothingExplorer" else VIEWS[:1]
        found.append(pytest.param(name, views, id=f"{name}-some"))
        found.append(pytest.param(name, ALL_VIEWS, id=f"{name}-all", marks=pytest.mark.long))
    return found


@pytest.mark.parametrize("example, views", guess_parameters())
def test_accessibility_of_the_guess(example, views, open_explorer):
    page = open_explorer(example)
    start_guess(page)
    found = {"open question": faults_at(page, views)}
    for text in ("", "not one at all", "0.123"):
        type_guess(page, text)
        found[text] = faults_at(page, views)
    assert found == {state: {} for state in found}
