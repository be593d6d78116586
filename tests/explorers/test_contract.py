"What is true of every explorer, present and future: they are found by their public names."

import base64
import io
import json
import re
from itertools import product

import pytest
import traitlets
from browser import static, wait_for_drawing
from explorer_examples import EXAMPLES, HOSTILE_NAMES, INVALID_STATES, NAMED_EXAMPLES, NAMES
from explorer_page import (
    CONTROLS,
    KEYS,
    VISIBLE_CONTROLS,
    combine_pages,
    control_values,
    drawing,
    start_guess,
    type_guess,
    wait_for_explorers,
)
from matplotlib.figure import Figure
from PIL import Image

import lesson7
from lesson7.explorers.base import Explorer

MAX_OTHER_STOPS = 4  # of Tab: tables that scroll, the guess, the browser
MAX_ROUNDS = 4
SCHEMES_AND_WIDTHS = [
    ("light", 360),
    ("light", 700),
    ("light", 1040),
    ("light", 1200),
    ("dark", 360),
]
MAX_FILE_SIZE = 1_000_000  # bytes
MAX_PLAIN_FILE_SIZE = 700_000  # of an explorer without a model's predictions
MAX_STILL_SIZE = 200_000  # of a still picture in base64
REPLACEMENTS = {bytes: b"x", str: "x", list: ["x"], dict: {"x": 0}, int: -1, float: -1.0}

# A control's accessible name: of its label, its aria-label, or its own text.
UNNAMED_CONTROLS = """() => {
  function hasName(control) {
    const labels = [...(control.labels ?? [])].map((label) => label.textContent).join("");
    const name = labels || control.getAttribute("aria-label") || control.textContent;
    return name.trim() !== "";
  }
  const controls = [...document.querySelectorAll(".l7 :is(input, select, button)")];
  return controls.filter((control) => !hasName(control)).map((control) => control.outerHTML);
}"""

DUPLICATE_IDS = """() => {
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  return ids.filter((id, i) => ids.indexOf(id) !== i);
}"""

# Chooses every option of every select in turn. Returns the states in which the page is wider than
# the window or a table scrolls.
OVERFLOWS = """async () => {
  const found = [];
  const page = document.documentElement;

  function measure(state) {
    if (page.scrollWidth > innerWidth) found.push(`${state}: page of ${page.scrollWidth} px`);
    for (const region of document.querySelectorAll(".l7-scroll")) {
      const hidden = region.scrollWidth - region.clientWidth;
      if (hidden > 0) found.push(`${state}: ${hidden} px of the table are hidden`);
    }
  }

  measure("first state");
  for (const select of document.querySelectorAll(".l7 select")) {
    for (const option of select.options) {
      select.value = option.value;
      select.dispatchEvent(new Event("change"));
      await new Promise(requestAnimationFrame);
      measure(`${select.labels[0].textContent}: ${option.textContent.slice(0, 40)}`);
    }
  }
  return found;
}"""

FOCUSED_CONTROL = """(controls) => controls.indexOf(document.activeElement)"""
VISIBLE_INDICES = """(controls) => {
  const indices = controls.map((control, i) => (control.checkVisibility() ? i : -1));
  return indices.filter((i) => i !== -1);
}"""
CONTROL_NAME = "(control) => control.labels?.[0]?.textContent ?? control.textContent"
CONTROL_TYPE = "(control) => control.type"

# Changes every control 1000 times; a select 100 times, as others are hidden then.
CHANGE_EVERYTHING = """async (selector) => {
  const controls = [...document.querySelectorAll(selector)];
  const selects = controls.filter((control) => control.options);
  const others = controls.filter((control) => !control.options);

  function valueAt(i, { min, max, step }) {
    const steps = Math.floor((max - min) / step);
    return Number(min) + step * ((7 * i) % (steps + 1));
  }

  function change(control, i) {
    if (control.closest("[hidden]")) return;
    if (["button", "checkbox"].includes(control.type)) {
      control.click();
      return;
    }
    if (control.options) control.selectedIndex = i % control.options.length;
    else control.value = valueAt(i, control);
    for (const kind of ["input", "change"]) control.dispatchEvent(new Event(kind));
  }

  for (let i = 0; i < 1000; i += 1) {
    if (i % 10 === 0) {
      for (const control of selects) change(control, i / 10);
      await new Promise(requestAnimationFrame);
    }
    for (const control of others) change(control, i);
  }
}"""
ELEMENT_COUNT = "document.querySelectorAll('*').length"

SELECTOR_LISTS = """(explorer) => {
  function read(rules) {
    return [...rules].flatMap((rule) => rule.selectorText ?? read(rule.cssRules));
  }
  return read(explorer.parentElement.querySelector("style").sheet.cssRules);
}"""

FOLLOW_LINK = """(hash) => new Promise((done) => {
  addEventListener("hashchange", () => setTimeout(done), { once: true });
  location.hash = hash;
})"""
BAD_LINKS = ["#_esm=alert(1)", "#pixels=1", "#nothing=1", "#%E0%A4%A=1", "#<script>=1", "#t", "#="]
BAD_VALUES = ["no such value", "", "1e9", "-1e9", "NaN"]

# A value that a link may set, other than the present one.
OTHER_VALUE = """(control) => {
  const { options, type, value, min, max } = control;
  if (options) return [...options].map((option) => option.value).findLast((v) => v !== value);
  const ends = type === "range" ? [max, min] : [min];
  return ends.find((end) => end !== value);
}"""


@pytest.fixture(params=NAMES)
def name(request):
    "The public name of every explorer."
    return request.param


@pytest.fixture
def explorer(name):
    "Every explorer, opened without arguments."
    return getattr(lesson7, name)()


@pytest.fixture(params=EXAMPLES)
def example(request):
    "The name of every example: of every explorer, and of those with predictions or class names."
    return request.param


def state_names(explorer):
    return explorer.trait_names(sync=True, state=True)


def data_names(explorer):
    "Return the names of the traits that the view needs and the reader cannot change."
    names = set(explorer.trait_names(sync=True))
    return sorted(names - set(state_names(explorer)) - set(Explorer.class_trait_names()))


def other_values(trait, value):
    "Return values that a trait of the state may accept in place of its present one."
    if isinstance(trait, traitlets.Enum):
        return [choice for choice in trait.values if choice != value]
    if isinstance(value, list):
        return [value[::-1]]
    if isinstance(value, bool):
        return [not value]
    return [value + 1, value - 1, value / 2]


def accepts(explorer, name, value):
    "Set a trait and return whether its value has changed."
    before = getattr(explorer, name)
    try:
        setattr(explorer, name, value)
    except traitlets.TraitError:
        return False
    return getattr(explorer, name) != before


def change_state(explorer):
    "Change one trait of the state, the first that accepts another value."
    for name in state_names(explorer):
        for value in other_values(explorer.traits()[name], getattr(explorer, name)):
            if accepts(explorer, name, value):
                return
    raise AssertionError(f"no part of the state could be changed: {explorer}")


def count_calls(function):
    "Return a function that does the same, and the list of its calls."
    calls = []

    def counted():
        calls.append(None)
        return function()

    return counted, calls


# In Python


def test_explorers_of_the_lesson_are_public():
    techniques = ("Normalize", "Resize", "TTA", "Mixup", "Smoothing")
    assert {f"{technique}Explorer" for technique in techniques} <= set(NAMES)


def test_repr_lists_the_state(explorer):
    names = state_names(explorer)
    assert names
    for name in names:
        assert f"{name}={getattr(explorer, name)!r}" in repr(explorer)


def test_every_state_trait_has_help(explorer):
    for name in state_names(explorer):
        trait = explorer.traits()[name]
        is_named_choice = isinstance(trait, traitlets.Enum) or name.startswith("own_")
        assert trait.help or is_named_choice, f"{name} has no help"


def test_object_of_another_type_is_rejected(explorer):
    for name in state_names(explorer):
        before = getattr(explorer, name)
        with pytest.raises(traitlets.TraitError):
            setattr(explorer, name, object())
        assert getattr(explorer, name) == before


def invalid_states():
    "Return the parameters of a test for each invalid state."
    found = []
    for name, cases in INVALID_STATES.items():
        for i, (state, message) in enumerate(cases):
            found.append(pytest.param(name, state, message, id=f"{name}-{'-'.join(state)}{i}"))
    return found


@pytest.mark.parametrize("name, state, message", invalid_states())
def test_invalid_state_is_rejected(name, state, message):
    explorer_class = getattr(lesson7, name)
    with pytest.raises(traitlets.TraitError, match=message):
        explorer_class(**state)
    explorer = explorer_class()
    before = repr(explorer)
    with pytest.raises(traitlets.TraitError, match=message):
        explorer.set_trait(*next(iter(state.items())))
    assert repr(explorer) == before


def test_still_is_drawn_once_for_each_state(explorer):
    explorer.figure, calls = count_calls(explorer.figure)
    first = explorer.still()
    assert Image.open(io.BytesIO(first)).format == "PNG"
    explorer.layout.width = "300px"  # not a part of the picture
    assert explorer.still() is first and len(calls) == 1
    change_state(explorer)
    assert explorer.still() != first and len(calls) == 2


def test_still_is_drawn_again_when_the_data_changes(explorer):
    explorer.figure, calls = count_calls(Figure)
    explorer.still()
    for count, name in enumerate(data_names(explorer), 2):
        setattr(explorer, name, REPLACEMENTS[type(getattr(explorer, name))])
        explorer.still()
        assert len(calls) == count, name


def test_still_is_shown_where_there_are_no_widgets(explorer):
    data, _ = explorer._repr_mimebundle_()
    still = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert still.format == "PNG" and still.width >= 300
    assert len(data["image/png"]) < MAX_STILL_SIZE
    assert "application/vnd.jupyter.widget-view+json" in data


def test_saved_file_is_complete_and_makes_no_requests(example, saved_example):
    file = saved_example(example)
    text = file.read_text()
    assert len(text) < (MAX_PLAIN_FILE_SIZE if example in NAMES else MAX_FILE_SIZE)
    assert file.stat().st_size < MAX_FILE_SIZE
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)
    assert "default-src 'none'" in text
    assert text.count("</script>") == 3  # no text in the data closes a script
    state = json.loads(re.search(r'widget-state\+json">(.*?)</script>', text, re.S)[1])
    assert state["version_major"] == 2


def test_saving_writes_one_file(explorer, tmp_path):
    file = tmp_path / "explorer.html"
    assert explorer.save(str(file)) == file
    assert list(tmp_path.iterdir()) == [file]


# In a browser


def test_still_is_shown_without_javascript(name, new_page, saved_example):
    page = new_page(java_script_enabled=False)
    page.goto(saved_example(name).as_uri())
    assert page.locator("img").is_visible() and page.locator(".l7").count() == 0


def test_page_fits_and_names_its_controls(example, open_explorer):
    page = open_explorer(example)
    assert not page.locator("img").is_visible()
    assert page.locator(VISIBLE_CONTROLS).count() > 0
    assert page.evaluate(UNNAMED_CONTROLS) == []
    assert page.evaluate(DUPLICATE_IDS) == []
    found = {}
    for scheme, width in SCHEMES_AND_WIDTHS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(dict(width=width, height=800))
        wait_for_drawing(page)
        overflows = page.evaluate(OVERFLOWS)
        if overflows:
            found[scheme, width] = overflows
    assert found == {}


def focus_next(page):
    "Press Tab; return the index of the control that has the focus, -1 for none."
    page.keyboard.press("Tab")
    return page.locator(CONTROLS).evaluate_all(FOCUSED_CONTROL)


def press_until_changed(page, control, before):
    "Press the keys of a focused control until another drawing is shown; return the last drawing."
    for key in KEYS[control.evaluate(CONTROL_TYPE)]:
        page.keyboard.press(key)
        after = drawing(page)
        if after != before:
            break
    return after


def test_tab_follows_the_order_of_the_page(example, open_explorer):
    page = open_explorer(example)
    visible = page.locator(CONTROLS).evaluate_all(VISIBLE_INDICES)
    focused = [focus_next(page) for _ in range(len(visible) + MAX_OTHER_STOPS)]
    assert [index for index in focused if index != -1][: len(visible)] == visible


def test_keyboard_changes_every_control(example, open_explorer):
    page = open_explorer(example)
    controls = page.locator(CONTROLS)
    unchanged = dict(enumerate(controls.evaluate_all(f"(all) => all.map({CONTROL_NAME})")))
    before = drawing(page)
    # A control may be hidden, or without effect, until another one is changed.
    for _ in range(MAX_ROUNDS * (len(unchanged) + MAX_OTHER_STOPS)):
        index = focus_next(page)
        if index == -1:
            continue
        after = press_until_changed(page, controls.nth(index), before)
        if after != before:
            unchanged.pop(index, None)
        before = after
        if not unchanged:
            break
    assert unchanged == {}


def test_thousand_changes_add_no_elements(example, open_explorer):
    page = open_explorer(example)
    before = page.evaluate(ELEMENT_COUNT)
    page.evaluate(CHANGE_EVERYTHING, CONTROLS)
    wait_for_drawing(page)
    assert page.evaluate(ELEMENT_COUNT) == before


def test_two_explorers_on_a_page_are_independent(name, new_page, tmp_path):
    explorer_class = getattr(lesson7, name)
    first, second = explorer_class(), explorer_class()
    change_state(second)
    files = first.save(tmp_path / "first.html"), second.save(tmp_path / "second.html")
    page = new_page()
    page.goto(combine_pages(*files, tmp_path / "both.html").as_uri())
    wait_for_explorers(page, 2)
    assert page.evaluate(DUPLICATE_IDS) == []
    before = drawing(page, 0), drawing(page, 1)
    values = control_values(page, 0)
    assert before[0] != before[1]
    controls = page.locator(CONTROLS)
    for i in range(controls.count() // 2, controls.count()):
        if controls.nth(i).is_visible():
            controls.nth(i).press(KEYS[controls.nth(i).evaluate(CONTROL_TYPE)][0])
    assert drawing(page, 0) == before[0] and control_values(page, 0) == values
    assert drawing(page, 1) != before[1]


def test_link_sets_every_named_control(name, open_explorer):
    page = open_explorer(name)
    controls = page.locator(".l7 [data-trait]").all()
    for control in controls:
        trait = control.get_attribute("data-trait")
        value = control.evaluate(OTHER_VALUE)
        before = drawing(page)
        page.evaluate(FOLLOW_LINK, f"{trait}={value}")
        assert control.input_value() == value, trait
        assert drawing(page) != before, trait
    trait, value = controls[0].get_attribute("data-trait"), controls[0].input_value()
    page = open_explorer(name, f"#{trait}={value}")
    assert page.locator(f"[data-trait='{trait}']").input_value() == value


def test_link_to_a_hidden_control_causes_no_error(name, open_explorer):
    page = open_explorer(name)
    hidden = [c for c in page.locator(".l7 [data-trait]").all() if not c.is_visible()]
    before = drawing(page)
    for control in hidden:
        trait = control.get_attribute("data-trait")
        page.evaluate(FOLLOW_LINK, f"{trait}={control.evaluate(OTHER_VALUE)}")
        assert drawing(page) == before, trait


def bad_links(page):
    "Return links that name no control, and for each control links with a bad value."
    controls = page.locator(".l7 [data-trait]")
    names = controls.evaluate_all("(controls) => controls.map((c) => c.dataset.trait)")
    return BAD_LINKS + [f"#{name}={value}" for name, value in product(names, BAD_VALUES)]


def invalid_numbers(field):
    "Return texts that a number field must not accept."
    low, high, step = (float(field.get_attribute(name)) for name in ("min", "max", "step"))
    texts = ["", f"{low - step:g}", f"{high + step:g}"]
    if step == 1:
        texts.append(f"{low + 0.5:g}")
    return texts


def check_number_field(page, field):
    "Check that an invalid number is marked and not used, and that a valid one is used."
    label = field.evaluate(CONTROL_NAME)
    before, valid = drawing(page), field.input_value()
    for text in invalid_numbers(field):
        field.fill(text)
        assert field.get_attribute("aria-invalid") == "true", (label, text)
        assert drawing(page) == before, (label, text)
    for text in (valid, field.get_attribute("min")):
        field.fill(text)
        assert field.get_attribute("aria-invalid") == "false", (label, text)
    assert drawing(page) != before, label


def test_bad_links_and_invalid_numbers_change_nothing(example, open_explorer):
    page = open_explorer(example)
    before, values = drawing(page), control_values(page)
    for link in bad_links(page):
        page.evaluate(FOLLOW_LINK, link)
        assert control_values(page) == values, link
    assert drawing(page) == before
    for field in page.locator(".l7 input[type=number]:visible").all():
        check_number_field(page, field)


@pytest.mark.parametrize("example, count", NAMED_EXAMPLES.items())
def test_class_names_are_shown_as_text(example, count, open_explorer):
    page = open_explorer(example)
    texts = page.locator(".l7 [dir=auto]").all_text_contents()
    assert len(set(texts) & set(HOSTILE_NAMES)) >= count
    start_guess(page)
    type_guess(page, "<b>bold</b>")
    assert "<b>bold</b>" in page.locator(".l7-guess").inner_text()
    assert page.locator(".l7 :is(img, script), .l7 b:not(.l7-bars b)").count() == 0


def split_selectors(text):
    "Return the selectors of a rule's list."
    return [part.strip() for part in re.split(r",(?![^(]*\))", text)]


def test_styles_apply_only_inside_the_explorer(name, open_explorer):
    lists = open_explorer(name).locator(".l7").evaluate(SELECTOR_LISTS)
    assert len(lists) > 10
    for text in lists:
        for selector in split_selectors(text):
            assert re.match(r"\.l7\b(?!-)", selector), selector


def test_own_styles_name_the_view(name):
    view = getattr(lesson7, name)._view
    css = re.sub(r"/\*.*?\*/|@container[^{]*\{", "", static(f"{view}.css"))
    lists = re.findall(r"([^{}]+)\{", css)
    assert len(lists) == css.count("{")
    for text in lists:
        for selector in split_selectors(text):
            assert selector.startswith(f".l7 .l7-{view}"), selector
