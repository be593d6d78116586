"Headline, formulas, handles and tools of every explorer: they are declared, and work alike."

import gzip
from urllib.parse import parse_qsl, urlencode

import pytest
from browser import values, wait_for_drawing
from explorer_examples import EXAMPLES, NAMES, quick_explorer
from explorer_page import (
    CONTROLS,
    change_everything,
    control_values,
    copied_text,
    drag,
    drag_by_touch,
    drawing,
    press_first_key,
    press_tool,
    run_code,
    wait_for_explorers,
)
from PIL import Image
from playwright.sync_api import expect

import lesson7
from lesson7.explorers.scripts import joined_script
from lesson7.explorers.steps import Step

MAX_SCRIPT_SIZES = {  # bytes, compressed
    "mixup": 35_500,
    "resize": 35_400,
    "smoothing": 37_000,
    "normalize": 39_100,
    "tta": 38_000,
    "train": 34_800,  # trains networks
}
MAX_FIRST_CONTROLS = 3
DRAGS = [(40, 0), (-40, 0), (0, 30), (0, -30)]  # px, of which one moves a handle
WINDOWS = [(375, 667), (1280, 720)]
LOW_WINDOW = (640, 360)
LINE_HEIGHT = 28  # px, of the headline, which may get a line while networks are trained
VIEW_BUTTONS = ".l7-body button[aria-pressed=true]:not([tabindex='-1'])"
FIRST_CONTROLS = ".l7-controls:not(.l7-more *) :is(input, select, button):visible"
ANSWER = ".l7-steps .l7-answer"
PICTURE_HEIGHT = """(explorer) => {
  const top = explorer.querySelector(".l7-title").getBoundingClientRect().top;
  return explorer.querySelector("[data-picture]").getBoundingClientRect().bottom - top;
}"""
COVERED = """(explorer) => {
  const top = explorer.querySelector(".l7-panels").getBoundingClientRect().top;
  const lit = [...explorer.querySelectorAll("[data-picture] .l7-lit")].at(-1);
  return lit ? Math.max(0, lit.closest("figure").getBoundingClientRect().bottom - top) : 0;
}"""
# The explorer keeps the state at the event that this waits for.
OPEN_AND_WAIT = """(more) => new Promise((done) => {
  more.addEventListener("toggle", done, { once: true });
  more.querySelector("summary").click();
})"""
SPOKEN = "(nodes) => nodes.map((node) => node.getAttribute('aria-label'))"
LIT = "(explorer) => explorer.querySelectorAll('.l7-lit').length"


@pytest.fixture(params=NAMES)
def name(request):
    "The public name of every explorer."
    return request.param


@pytest.fixture
def explorer(name):
    return getattr(lesson7, name)()


OTHERS = [pytest.param(name, marks=pytest.mark.long) for name in EXAMPLES if name not in NAMES]


@pytest.fixture(params=NAMES + OTHERS)
def example(request):
    "Every explorer, opened without arguments; in `make long` also with models and hostile names."
    return request.param


def change_first_control(page):
    press_first_key(page.locator(CONTROLS).locator("visible=true").first)


def test_scripts_are_small(explorer):
    script = joined_script(explorer._view).encode()
    assert len(gzip.compress(script)) < MAX_SCRIPT_SIZES[explorer._view]


# At first sight


def test_few_controls_come_before_the_picture(example, open_explorer):
    page = open_explorer(example, more=False)
    assert 1 <= page.locator(FIRST_CONTROLS).count() <= MAX_FIRST_CONTROLS


def test_headline_controls_and_picture_are_in_view_together(name, open_explorer):
    page = open_explorer(name, more=False)
    for width, height in WINDOWS:
        page.set_viewport_size(dict(width=width, height=height))
        for is_open in (False, True):
            page.locator(".l7-more").evaluate("(more, open) => more.open = open", is_open)
            wait_for_drawing(page)
            assert page.locator(".l7").evaluate(PICTURE_HEIGHT) <= height, (width, is_open)


def test_controls_that_were_opened_are_open_again(name, open_explorer):
    page = open_explorer(name, more=False)
    page.locator(".l7-more").evaluate(OPEN_AND_WAIT)
    page.reload()
    wait_for_explorers(page)
    assert page.locator(".l7-more").evaluate("(more) => more.open")


def test_headline_and_formulas_have_numbers_and_are_spoken(name, open_explorer):
    page = open_explorer(name)
    assert page.locator(".l7-headline [data-scrub]").count() > 0
    assert page.locator(".l7-formula [data-scrub]").count() > 0
    labels = page.locator(".l7-formula").evaluate_all(SPOKEN)
    assert labels and all(labels)
    assert "NaN" not in page.locator(".l7").inner_text()


# Handles and numbers in the text


def changes_controls(page, move, handle, dx, dy):
    "Drag a handle, and return whether a control has another value."
    before = control_values(page)
    move(page, handle, dx, dy)
    return control_values(page) != before


def check_drags(page, move):
    "Drag each handle: a control shows the change, and Reset takes it back."
    before = control_values(page)
    handles = page.locator("[data-handle]:visible")
    assert handles.count() > 0
    for i in range(handles.count()):
        is_changed = any(changes_controls(page, move, handles.nth(i), *by) for by in DRAGS)
        assert is_changed, handles.nth(i).evaluate("(node) => node.outerHTML.slice(0, 200)")
        press_tool(page, "Reset")
        assert control_values(page) == before


SMALL_TARGETS = """(nodes) => nodes
  .filter((node) => node.getBoundingClientRect().height < 24)
  .map((node) => node.outerHTML.slice(0, 200))"""


def test_mouse_drags_every_handle(name, open_explorer):
    check_drags(open_explorer(name, viewport=dict(width=1000, height=1600)), drag)


def test_finger_drags_every_handle(name, open_explorer):
    page = open_explorer(name, viewport=dict(width=375, height=2400), has_touch=True)
    targets = page.locator(":is(input, select, button):visible")
    assert targets.evaluate_all(SMALL_TARGETS) == []
    check_drags(page, drag_by_touch)


def test_numbers_in_the_text_change_the_state(name, open_explorer):
    page = open_explorer(name, viewport=dict(width=1000, height=1600))
    before = drawing(page)

    def is_changed_by(act, *arguments):
        act(*arguments)
        is_changed = drawing(page) != before
        press_tool(page, "Reset")
        return is_changed

    for number in page.locator(":is(.l7-headline, .l7-formula) [data-scrub]:visible").all():
        assert number.get_attribute("aria-label") and number.get_attribute("aria-valuetext")
        name = number.get_attribute("data-scrub")
        assert any(is_changed_by(number.press, key) for key in ("ArrowRight", "ArrowLeft")), name
        assert any(is_changed_by(drag, page, number, dx, 0) for dx in (60, -60)), name
    assert drawing(page) == before


def test_number_outside_its_range_moves_in_no_other_direction(open_explorer):
    page = open_explorer(lesson7.NormalizeExplorer(kind="own", own_mean=[-0.5, 2, 0.4]))
    cases = [
        ("mean.0", "ArrowLeft", -0.5),
        ("mean.0", "ArrowRight", 0),
        ("mean.1", "ArrowRight", 2),
        ("mean.1", "ArrowLeft", 1),
    ]
    for number, key, value in cases:
        page.locator(f"[data-scrub='{number}']").first.press(key)
        assert values(page, f"[data-scrub='{number}']")[0] == value, (number, key)
        press_tool(page, "Reset")


def test_pointing_at_a_number_highlights_its_source(name, open_explorer):
    page = open_explorer(name)
    numbers = page.locator(".l7-formula [data-source]:visible")
    lit = []
    for i in range(numbers.count()):
        numbers.nth(i).hover()
        wait_for_drawing(page)
        lit.append(page.locator(".l7").evaluate(LIT))
    assert max(lit) > 1


# Tools


def test_code_panel_has_the_code_of_python_which_runs(name, explorer, open_explorer):
    page = open_explorer(name)
    press_tool(page, "Code")
    assert page.locator("pre code").inner_text().rstrip() == explorer.code().rstrip()
    assert run_code(quick_explorer(name).code())
    assert "fastai" in explorer.code()
    assert copied_text(page, "Copy code") == explorer.code()


def test_undo_redo_and_reset(name, open_explorer):
    page = open_explorer(name)
    drawings = [drawing(page)]
    for index in range(2):
        press_first_key(page.locator(CONTROLS).locator("visible=true").nth(index))
        drawings.append(drawing(page))
        press_tool(page, "Undo")
        assert drawing(page) == drawings[-2]
        press_tool(page, "Redo")
        assert drawing(page) == drawings[-1]
    page.locator(".l7-headline [data-scrub]").first.focus()
    for keys, index in (("Control+z", 1), ("Control+z", 0), ("Control+Shift+z", 1)):
        page.keyboard.press(keys)
        assert drawing(page) == drawings[index], keys
    press_tool(page, "Reset")
    assert drawing(page) == drawings[0]


def test_guess_is_not_undone(name, open_explorer):
    page = open_explorer(name)
    change_first_control(page)
    press_tool(page, "Undo")
    press_tool(page, "Redo")  # a step that could be undone
    press_tool(page, "Guess")
    question, asked = page.locator(".l7-guess label"), control_values(page)
    text = question.inner_text()
    page.keyboard.type("1")
    page.keyboard.press("Control+z")
    press_tool(page, "Undo")
    assert question.inner_text() == text and control_values(page) == asked


def check_rounding(text, value):
    "Check that a text is a value, rounded once; without a sign where it is rounded to 0."
    shown = float(text.replace("−", "-"))
    digits = len(text.partition(".")[2])
    assert abs(shown - value) <= 0.5 * 10**-digits + 1e-9, text
    assert (text[0] in "+−") == (shown != 0), text


def test_pin_compares_with_the_present_state(name, open_explorer):
    page = open_explorer(name)
    before = drawing(page)
    press_tool(page, "Pin")
    table = page.locator(".l7-pin table")
    same = table.locator("td:nth-child(4)").all_inner_texts()
    assert same and all(float(text.replace("−", "-")) == 0 for text in same if text)
    change_first_control(page)
    rows = table.locator("tbody tr").all()
    changes = []
    for row in rows:
        old, now, change = row.locator("td").evaluate_all(
            "(cells) => cells.map((cell) => Number(cell.dataset.value))"
        )
        assert change == pytest.approx(now - old)
        check_rounding(row.locator("td").nth(2).inner_text(), now - old)
        changes.append(change)
    assert any(changes)
    assert page.locator(".l7-ghost:visible").count() > 0
    press_tool(page, "Pin")
    press_tool(page, "Reset")
    assert not table.is_visible() and page.locator(".l7-ghost:visible").count() == 0
    assert drawing(page) == before


def test_link_reproduces_state_and_pin_in_any_order(example, open_explorer):
    page = open_explorer(example)
    change_first_control(page)
    press_tool(page, "Pin")
    change_everything(page, 20)
    for button in page.locator(VIEW_BUTTONS).all():
        button.press("Enter")  # what it shows is not a part of the state
    page.mouse.move(0, 0)
    page.locator(".l7-headline [data-scrub]").first.focus()
    if page.locator(".l7-pin table").count() == 0:
        press_tool(page, "Pin")
    expected, values = drawing(page), control_values(page)
    pin = page.locator(".l7-pin").inner_text()
    link = copied_text(page, "Copy link").split("#")[1]
    pairs = parse_qsl(link)
    for order in (pairs, pairs[::-1]):
        other = open_explorer(example, link=f"#{urlencode(order)}")
        assert control_values(other) == values, link
        assert drawing(other) == expected, link
        assert other.locator(".l7-pin").inner_text() == pin


def test_picture_is_saved_at_twice_the_size(name, open_explorer):
    page = open_explorer(name)
    with page.expect_download() as download:
        press_tool(page, "Save picture")
    assert download.value.suggested_filename.endswith(".png")
    image = Image.open(download.value.path())
    width = page.locator(".l7").evaluate("(explorer) => explorer.getBoundingClientRect().width")
    assert image.width == 2 * int(width + 0.999)
    colours = image.convert("RGB").resize((60, 60)).getcolors(3600)
    assert len(colours) > 50  # neither empty nor without its pictures


def test_picture_of_names_with_control_characters_is_saved(open_explorer):
    page = open_explorer(lesson7.SmoothingExplorer(["a\x0bb", "\x00", "\x1f\x7f", "\uffff"]))
    with page.expect_download() as download:
        press_tool(page, "Save picture")
    assert Image.open(download.value.path()).width > 0


def test_one_panel_is_open_at_a_time(name, open_explorer):
    page = open_explorer(name, reduced_motion="reduce")
    for tool in ("Steps", "Guess", "Code"):
        press_tool(page, tool)
        expect(page.locator(".l7-panels > *:visible")).to_have_count(1)
        expect(page.locator(".l7-tools [aria-expanded=true]")).to_have_text(tool)
    page.keyboard.press("Escape")
    expect(page.locator(".l7-panels > *:visible")).to_have_count(0)


# Steps


def control_of(page, names):
    "Return the first visible control of one of these traits; of any for none."
    controls = page.locator(CONTROLS).locator("visible=true")
    for control in controls.all():
        trait = (control.get_attribute("data-trait") or "").rstrip("0123456789.")
        if not names or trait in names:
            return control
    return controls.first


def test_steps_ask_and_answer_after_the_move(name, explorer, open_explorer):
    page = open_explorer(name, fresh=True, reduced_motion="reduce")
    press_tool(page, "Steps")
    assert len(explorer.steps) >= 3
    for index, step in enumerate(explorer.steps):
        panel = page.locator(".l7-steps")
        expect(panel).to_contain_text(f"{index + 1} of {len(explorer.steps)}: {step['title']}")
        expect(panel).to_contain_text(step["question"])
        expect(page.locator(ANSWER)).to_have_text("")
        control = control_of(page, step["move"])
        press_first_key(control)
        if page.locator(ANSWER).inner_text() == "":
            page.get_by_role("button", name="Show answer").click()
            assert step["move"], step["title"]
        expect(page.locator(ANSWER)).to_have_text(step["answer"])
        if index < len(explorer.steps) - 1:
            page.get_by_role("button", name="Next", exact=True).click()


def test_enter_alone_leads_through_the_steps(open_explorer):
    page = open_explorer("SmoothingExplorer", fresh=True, reduced_motion="reduce")
    page.get_by_role("button", name="Steps", exact=True).focus()
    steps = lesson7.SmoothingExplorer().steps
    page.keyboard.press("Enter")
    for step in steps:
        expect(page.get_by_role("button", name="Show answer")).to_be_focused()
        expect(page.locator(".l7-steps")).to_contain_text(step["title"])
        page.keyboard.press("Enter")
        expect(page.locator(ANSWER)).to_have_text(step["answer"])
        following = "Close" if step is steps[-1] else "Next"
        expect(page.get_by_role("button", name=following, exact=True)).to_be_focused()
        page.keyboard.press("Enter")
    expect(page.locator(".l7-steps")).to_be_hidden()
    expect(page.get_by_role("button", name="Steps", exact=True)).to_be_focused()


@pytest.mark.parametrize("width, height", [*WINDOWS, LOW_WINDOW])
def test_open_panel_does_not_cover_the_picture(name, width, height, open_explorer):
    options = dict(viewport=dict(width=width, height=height), reduced_motion="reduce")
    page = open_explorer(name, more=False, fresh=True, **options)
    press_tool(page, "Steps")
    for index in range(3):
        if index:
            page.get_by_role("button", name="Next", exact=True).click()
        wait_for_drawing(page)
        assert page.locator(".l7").evaluate(COVERED) < LINE_HEIGHT, index
        assert page.locator(".l7-panels").bounding_box()["y"] < height, index
    press_tool(page, "Guess")
    wait_for_drawing(page)
    assert page.locator(".l7-panels").bounding_box()["y"] < height
    is_low = (width, height) == LOW_WINDOW
    assert is_low or page.locator(".l7-title").bounding_box()["y"] >= 0


PUT_INTO_OUTPUT = """(root) => {
    const boxes = ["auto", "hidden", "auto"].map((overflow) => {
        const box = document.createElement("div");
        box.style.overflow = overflow;
        return box;
    });
    boxes[0].className = "jp-OutputArea";
    root.before(boxes[0]);
    boxes.slice(1).reduce((box, inner) => (box.append(inner), inner), boxes[0]).append(root);
}"""
OUTPUT_BOXES = "(boxes) => boxes.map((box) => box.style.overflow)"


def test_question_stays_in_view_in_an_output_of_jupyterlab(open_explorer):
    options = dict(viewport=dict(width=1280, height=720), reduced_motion="reduce")
    page = open_explorer("TTAExplorer", more=False, fresh=True, **options)
    page.locator(".l7").evaluate(PUT_INTO_OUTPUT)
    for tool in ["Steps", "Guess"]:
        press_tool(page, tool)
        wait_for_drawing(page)
        page.evaluate("scrollTo(0, 0)")
        box = page.locator(".l7-panels").bounding_box()
        assert 0 < box["y"] < box["y"] + box["height"] <= 720, tool
    page.keyboard.press("Escape")
    boxes = page.locator(".jp-OutputArea, .jp-OutputArea div:has(> div .l7, > .l7)")
    assert boxes.evaluate_all(OUTPUT_BOXES)[:3] == ["auto", "hidden", "auto"]


def test_copying_a_link_with_a_pin_is_no_move(name, open_explorer):
    page = open_explorer(name, reduced_motion="reduce")
    change_first_control(page)
    press_tool(page, "Pin")
    press_tool(page, "Steps")
    copied_text(page, "Copy link")
    expect(page.locator(ANSWER)).to_have_text("")


def test_step_sets_the_state_of_its_explorer(name, explorer, open_explorer):
    page = open_explorer(name)
    press_tool(page, "Steps")
    step = explorer.steps[0]
    for trait, value in step["state"].items():
        setattr(explorer, trait, value)
    expected = drawing(open_explorer(explorer))
    page.wait_for_timeout(400)
    found = drawing(page)
    assert {key: found[key] for key in ("values", "canvases")} == {
        key: expected[key] for key in ("values", "canvases")
    }


def test_own_steps_replace_those_of_the_explorer(name, open_explorer):
    kind = getattr(lesson7, name)
    step = Step("<b>One</b>", {}, "What is <i>this</i>?", "An explorer.")
    page = open_explorer(kind(steps=[step]))
    press_tool(page, "Steps")
    assert "1 of 1: <b>One</b>" in page.locator(".l7-steps").inner_text()
    assert kind(steps=[]).steps == []
    with pytest.raises(Exception, match="state must be of"):
        kind(steps=[Step("x", {"no_such_trait": 1}, "?", "!")])
