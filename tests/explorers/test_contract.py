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
    CONTROL_NAME,
    CONTROLS,
    ELEMENT_COUNT,
    FEW_EPOCHS,
    FOLLOW_LINK,
    change_everything,
    combine_pages,
    control_names,
    control_values,
    drawing,
    duplicate_ids,
    focus_next,
    follow_link,
    other_value,
    overflows,
    press_first_key,
    press_tool,
    press_until_changed,
    selectors,
    split_selectors,
    start_guess,
    type_guess,
    unnamed_controls,
    visible_indices,
    wait_for_explorers,
)
from matplotlib.figure import Figure
from PIL import Image
from playwright.sync_api import expect

import lesson7
from lesson7.explorers.base import CAPTION_HEIGHT, Explorer

OTHER_STOPS = ".l7 :is([tabindex='0'], summary, .l7-tools button), body"  # of Tab
MAX_ROUNDS = 4
VIEWS = [("light", 360), ("light", 700), ("dark", 1040)]  # colour scheme, width in px
ALL_VIEWS = list(product(("light", "dark"), (360, 700, 1040, 1200)))
MAX_FILE_SIZE = 1_000_000  # bytes
MAX_PLAIN_FILE_SIZE = 710_000  # of an explorer without a model's predictions
MAX_STILL_SIZE = 200_000  # of a still picture in base64
REPLACEMENTS = {
    bytes: b"x",
    str: "x",
    list: ["x"],
    dict: {"x": 0},
    int: -1,
    float: -1.0,
    bool: True,
}

BAD_LINKS = [
    "#_esm=alert(1)",
    "#pixels=1",
    "#nothing=1",
    "#%E0%A4%A=1",
    "#<script>=1",
    "#t",
    "#=",
    "#pin=x",
]
BAD_VALUES = ["no such value", "", "1e9", "-1e9", "NaN"]


@pytest.fixture(params=NAMES)
def name(request):
    "The public name of every explorer."
    return request.param


@pytest.fixture
def explorer(name):
    "Every explorer, opened without arguments."
    return getattr(lesson7, name)()


def example_parameters(mark):
    "Return the names of all examples; those with predictions or class names have a mark."
    others = [name for name in EXAMPLES if name not in NAMES]
    return NAMES + [pytest.param(name, marks=mark) for name in others]


@pytest.fixture(params=example_parameters(pytest.mark.slow))
def example(request):
    "The name of every example: of every explorer, and of those with predictions or class names."
    return request.param


# For tests of controls, of which most are the same with predictions and other class names.
FEW_EXAMPLES = pytest.mark.parametrize("example", example_parameters(pytest.mark.long))


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


def test_unknown_argument_is_rejected(explorer):
    kind = type(explorer)
    for name in ("colour", "Label", "t2"):
        with pytest.raises(TypeError, match=f"argument of {kind.__name__} must be .*, got {name}"):
            kind(**{name: 1})


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
    data, metadata = explorer._repr_mimebundle_()
    assert re.match(r"A still picture: \w.{20,}\.$", metadata["image/png"]["alt"])
    still = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert still.format == "PNG" and still.width >= 300
    caption = still.convert("L").crop((0, still.height - CAPTION_HEIGHT, 300, still.height))
    assert caption.getextrema()[0] < 128  # it says that it is a still picture
    picture = Image.open(io.BytesIO(explorer.still()))
    assert still.height == picture.height + CAPTION_HEIGHT
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


@pytest.mark.parametrize(
    "views", [VIEWS, pytest.param(ALL_VIEWS, marks=pytest.mark.long)], ids=["some", "all"]
)
def test_page_fits_and_names_its_controls(example, views, open_explorer):
    page = open_explorer(example)
    assert not page.locator("img").is_visible()
    assert visible_indices(page)
    assert unnamed_controls(page) == []
    assert duplicate_ids(page) == []
    found = {}
    for scheme, width in views:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(dict(width=width, height=800))
        wait_for_drawing(page)
        found[scheme, width] = overflows(page)
    assert found == {key: [] for key in found}


@FEW_EXAMPLES
def test_tab_follows_the_order_of_the_page(example, open_explorer):
    page = open_explorer(example)
    visible = visible_indices(page)
    n_stops = len(visible) + page.locator(OTHER_STOPS).count()
    focused, lost = [], 0
    for _ in range(n_stops):
        focused.append(focus_next(page))
        lost += page.evaluate("document.activeElement === document.body")
    assert lost <= 1  # behind the last stop
    assert [index for index in focused if index != -1][: len(visible)] == visible


@FEW_EXAMPLES
def test_keyboard_changes_every_control(example, open_explorer):
    page = open_explorer(example)
    controls = page.locator(CONTROLS)
    unchanged = dict(enumerate(control_names(page)))
    before = drawing(page)
    # A control may be hidden, or without effect, until another one is changed.
    for _ in range(MAX_ROUNDS * (len(unchanged) + page.locator(OTHER_STOPS).count())):
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


@FEW_EXAMPLES
@pytest.mark.parametrize("count", [50, pytest.param(1000, marks=pytest.mark.long)])
def test_many_changes_add_no_elements(example, count, open_explorer):
    page = open_explorer(example)
    wait_for_drawing(page)
    before = page.evaluate(ELEMENT_COUNT)
    change_everything(page, count)
    press_tool(page, "Reset")  # a formula may have other terms in another state
    wait_for_drawing(page)
    assert page.evaluate(ELEMENT_COUNT) <= before  # fewer where parts are switched off


@pytest.mark.slow
def test_two_explorers_on_a_page_are_independent(name, explorer, new_page, saved_example, tmp_path):
    change_state(explorer)
    files = saved_example(name), explorer.save(tmp_path / "second.html")
    page = new_page()
    page.add_init_script(FEW_EPOCHS)
    page.goto(combine_pages(*files, tmp_path / "both.html").as_uri())
    wait_for_explorers(page, 2)
    assert duplicate_ids(page) == []
    before = drawing(page, 0), drawing(page, 1)
    values = control_values(page, 0)
    assert before[0] != before[1]
    controls = page.locator(CONTROLS)
    for i in range(controls.count() // 2, controls.count()):  # those of the second
        if controls.nth(i).is_visible():
            press_first_key(controls.nth(i))
    assert drawing(page, 0) == before[0] and control_values(page, 0) == values
    assert drawing(page, 1) != before[1]


def test_link_sets_every_named_control(name, open_explorer):
    page = open_explorer(name)
    controls = page.locator(".l7 [data-trait]").all()
    for control in controls:
        trait = control.get_attribute("data-trait")
        value = other_value(control)
        before = drawing(page)
        follow_link(page, trait, value)
        expect(control, trait).to_have_value(value)
        assert drawing(page) != before, trait
    trait, value = controls[0].get_attribute("data-trait"), controls[0].input_value()
    page = open_explorer(name, link=f"#{trait}={value}")
    assert page.locator(f"[data-trait='{trait}']").input_value() == value


def test_link_to_a_hidden_control_causes_no_error(name, open_explorer):
    page = open_explorer(name)
    hidden = [c for c in page.locator(".l7 [data-trait]").all() if not c.is_visible()]
    before = drawing(page)
    for control in hidden:
        trait = control.get_attribute("data-trait")
        follow_link(page, trait, other_value(control))
        assert drawing(page) == before, trait


def bad_links(page):
    "Return links that name no control, and for each control links with a bad value."
    controls = page.locator(".l7 [data-trait]")
    names = controls.evaluate_all("(controls) => controls.map((c) => c.dataset.trait)")
    links = [f"#{name}={value}" for name, value in product(names, BAD_VALUES)]
    pins = [f"#pin={name}%3D1e9" for name in names]
    return BAD_LINKS + links + pins


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
    message = page.locator(f"#{field.get_attribute('aria-describedby')}")
    least = field.get_attribute("min").replace("-", "−")
    before, valid = drawing(page), field.input_value()
    for text in invalid_numbers(field):
        field.fill(text)
        expect(field, f"{label} {text}").to_have_attribute("aria-invalid", "true")
        expect(message, f"{label} {text}").to_contain_text(f"from {least} to")
        assert drawing(page) == before, (label, text)
    for text in (valid, field.get_attribute("min")):
        field.fill(text)
        expect(field, f"{label} {text}").to_have_attribute("aria-invalid", "false")
        expect(message).to_have_text("")
    assert drawing(page) != before, label


@FEW_EXAMPLES
def test_bad_links_and_invalid_numbers_change_nothing(example, open_explorer):
    page = open_explorer(example)
    before, values = drawing(page), control_values(page)
    for link in bad_links(page):
        page.evaluate(FOLLOW_LINK, link)
        assert control_values(page) == values, link
    assert drawing(page) == before
    assert not page.locator(".l7-pin").is_visible()
    for field in page.locator(".l7 input[type=number]:visible").all():
        check_number_field(page, field)


@pytest.mark.parametrize("example, count", NAMED_EXAMPLES.items())
def test_class_names_are_shown_as_text(example, count, open_explorer):
    page = open_explorer(example)
    texts = page.locator(".l7 [dir=auto]").all_text_contents()
    assert len(set(texts) & set(HOSTILE_NAMES)) >= count
    start_guess(page)
    type_guess(page, "<b>bold</b>")
    expect(page.locator(".l7-guess")).to_contain_text("<b>bold</b>")
    assert page.locator(".l7 :is(img, script), .l7 b:not(.l7-bars b)").count() == 0


def test_styles_apply_only_inside_the_explorer(name, open_explorer):
    found = selectors(open_explorer(name))
    assert len(found) > 10
    assert [s for s in found if not re.match(r"\.l7\b(?!-)", s)] == []


def test_own_styles_name_the_view(name):
    view = getattr(lesson7, name)._view
    css = re.sub(r"/\*.*?\*/|@container[^{]*\{", "", static(f"{view}.css"))
    lists = re.findall(r"([^{}]+)\{", css)
    assert len(lists) == css.count("{")
    found = split_selectors(",".join(lists)) if lists else []
    assert [s for s in found if not s.startswith(f".l7 .l7-{view}")] == []
