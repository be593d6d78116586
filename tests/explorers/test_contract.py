"What is true of every explorer, present and future: they are found by their public names."

import io

import pytest
import traitlets
from PIL import Image

import lesson7

NAMES = [name for name in lesson7.__all__ if name.endswith("Explorer")]

# A control's accessible name: of its label, its aria-label, or its own text.
UNNAMED = """() => [...document.querySelectorAll(".l7 input, .l7 select, .l7 button")].filter((control) => {
  const label = control.labels && [...control.labels].map((l) => l.textContent).join("");
  const name = label || control.getAttribute("aria-label") || control.textContent;
  return !name.trim();
}).map((control) => control.outerHTML)"""

DUPLICATE_IDS = """() => {
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  return ids.filter((id, i) => ids.indexOf(id) !== i);
}"""


@pytest.fixture(params=NAMES)
def explorer(request):
    "Every explorer, opened without arguments."
    return getattr(lesson7, request.param)()


def state_names(explorer):
    return explorer.trait_names(sync=True, state=True)


def test_there_are_the_lessons_explorers():
    techniques = ("Normalize", "Resize", "TTA", "Mixup", "Smoothing")
    assert {f"{name}Explorer" for name in techniques} <= set(NAMES)


def test_repr_lists_the_state(explorer):
    names = state_names(explorer)
    assert names
    for name in names:
        assert f"{name}={getattr(explorer, name)!r}" in repr(explorer)


def test_every_part_of_the_state_is_explained(explorer):
    for name in state_names(explorer):
        trait = explorer.traits()[name]
        is_named_choice = isinstance(trait, traitlets.Enum) or name.startswith("own_")
        assert trait.help or is_named_choice, f"{name} has no help"


def test_the_still_is_drawn_once_for_each_state(explorer):
    drawn = []
    figure = explorer.figure
    explorer.figure = lambda: drawn.append(1) or figure()
    first = explorer.still()
    assert explorer.still() == first and len(drawn) == 1
    assert Image.open(io.BytesIO(first)).format == "PNG"
    for name in state_names(explorer):
        trait = explorer.traits()[name]
        if isinstance(trait, traitlets.Enum):
            other = next(value for value in trait.values if value != getattr(explorer, name))
            setattr(explorer, name, other)
            explorer.still()
            assert len(drawn) == 2
            break


def test_an_invalid_value_is_rejected_and_changes_nothing(explorer):
    for name in state_names(explorer):
        before = getattr(explorer, name)
        with pytest.raises(traitlets.TraitError):
            setattr(explorer, name, object())
        assert getattr(explorer, name) == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1040, 360])
def test_a_saved_page_is_interactive_named_and_fits(explorer, width, scheme, new_page, tmp_path):
    page = new_page(viewport=dict(width=width, height=900), color_scheme=scheme)
    page.goto(explorer.save(tmp_path / "explorer.html").as_uri())
    page.locator(".l7").first.wait_for()
    assert page.locator(".l7 input, .l7 select, .l7 button").count() > 0
    assert page.evaluate(UNNAMED) == []
    assert page.evaluate(DUPLICATE_IDS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_controls_are_reached_by_keyboard(explorer, new_page, tmp_path):
    page = new_page(viewport=dict(width=1040, height=900))
    page.goto(explorer.save(tmp_path / "explorer.html").as_uri())
    page.locator(".l7").first.wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('.l7')")
