"A page of saved explorers: what it shows, its controls, and faults that it may have."

import io
import re
from contextlib import redirect_stdout

from axe_playwright_python.sync_playwright import Axe
from browser import wait_for_drawing

from lesson7.explorers.scripts import joined_script

# Controls of the state, without those of tools and panels, and without those for pointers alone.
CONTROLS_INSIDE = ":is(input, select, button):not(.l7-tools *, .l7-panels *, [tabindex='-1'])"
CONTROLS = f".l7 {CONTROLS_INSIDE}"
FEW_EPOCHS = "globalThis.l7epochs = 2"  # trainings in the page end after two epochs
PAGE_WIDTH = "document.documentElement.scrollWidth"  # px, of the content
AXE_OPTIONS = {"runOnly": ["wcag2a", "wcag2aa"], "resultTypes": ["violations"]}

# For each type of control, keys of which one or the other changes its value.
KEYS = {
    "range": ("ArrowRight", "ArrowLeft"),
    "select-one": ("ArrowDown", "ArrowUp"),
    "number": ("ArrowUp", "ArrowDown"),
    "checkbox": ("Space",),
    "button": ("Enter",),
}

# What an explorer draws, without its controls. Hidden parts may keep what they drew last.
DRAWING = """(explorer) => {
  function read(selector, property) {
    const nodes = [...explorer.querySelectorAll(selector)];
    return nodes.filter((node) => node.checkVisibility()).map(property);
  }

  function digest(canvas) {
    const { width, height } = canvas;
    if (!width) return "";
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    let sum = 0;
    for (const pixel of new Uint32Array(data.buffer)) sum = (Math.imul(31, sum) + pixel) | 0;
    return `${width} x ${height}: ${sum}`;
  }

  function visibleMarkup(chart) {
    const copy = chart.cloneNode(true);
    for (const node of copy.querySelectorAll("[visibility=hidden]")) node.remove();
    for (const node of copy.querySelectorAll("[class]")) node.removeAttribute("class");
    return copy.innerHTML;
  }

  return {
    values: read("[data-value]:not(.l7-pin *)", (node) => node.dataset.value),
    canvases: read("canvas", digest),
    charts: read("svg", visibleMarkup),
    texts: read(
      ".l7-headline, math, figcaption, code, .l7-note:not(.l7-panels *)",
      (node) => node.textContent,
    ),
  };
}"""

CONTROL_VALUES = """(explorer) => {
  const controls = [...explorer.querySelectorAll("input, select")];
  const shown = controls.filter((control) => {
    return control.checkVisibility() && !control.closest(".l7-panels");
  });
  return shown.map((control) => control.type === "checkbox" ? control.checked : control.value);
}"""

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

OPEN_MORE = """() => {
  for (const details of document.querySelectorAll(".l7-more")) details.open = true;
}"""
LINE_NUMBERS = """(explorer) => {
  const numbers = explorer.querySelectorAll(":is(.l7-headline, .l7-formula) [data-name]");
  return Object.fromEntries([...numbers].map((n) => [n.dataset.name, Number(n.dataset.value)]));
}"""
KEEP_COPIES = """() => {
  delete globalThis.copied;
  navigator.clipboard.writeText = async (text) => {
    globalThis.copied = text;
  };
}"""
FOCUSED_INDEX = "(controls) => controls.indexOf(document.activeElement)"
VISIBLE_INDICES = """(controls) => {
  const indices = controls.map((control, i) => (control.checkVisibility() ? i : -1));
  return indices.filter((i) => i !== -1);
}"""
CONTROL_NAME = "(control) => control.labels?.[0]?.textContent ?? control.textContent"
CONTROL_TYPE = "(control) => control.type"

CHANGE_EVERYTHING = """async ([selector, count]) => {
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

  for (let i = 0; i < count; i += 1) {
    if (i % 10 === 0) {
      for (const control of selects) change(control, i / 10);
      await new Promise(requestAnimationFrame);
    }
    for (const control of others) change(control, i);
  }
}"""
ELEMENT_COUNT = "document.querySelectorAll('*').length"
IS_FOCUSED = "(node) => node === document.activeElement"

SELECTOR_LISTS = """(explorer) => {
  function read(rules) {
    return [...rules].flatMap((rule) => rule.selectorText ?? read(rule.cssRules));
  }
  return read(explorer.parentElement.querySelector("style").sheet.cssRules);
}"""

# A page as it was opened: its state, panels, address, scroll position and start of Tab.
RESTART = """() => {
  const press = (selector) => document.querySelectorAll(selector).forEach((node) => node.click());
  press(".l7-tools [aria-expanded=true]");
  press(".l7-tools [aria-pressed=true]");
  for (const tool of document.querySelectorAll(".l7-tools button")) {
    if (tool.textContent === "Reset") tool.click();
  }
  for (const details of document.querySelectorAll(".l7-more")) details.open = true;
  const start = document.createElement("a");
  start.tabIndex = 0;
  document.body.prepend(start);
  start.focus();
  start.remove();
  history.replaceState(null, "", location.pathname);
  scrollTo(0, 0);
}"""
SWITCHES = """(explorer) => {
  const switches = "[aria-pressed], [aria-expanded], [aria-invalid]";
  const all = [...explorer.querySelectorAll(switches)];
  const nodes = all.filter((node) => node.checkVisibility());
  return nodes.map((node) => [node.ariaPressed, node.ariaExpanded, node.ariaInvalid]);
}"""

FOLLOW_LINK = """(hash) => new Promise((done) => {
  addEventListener("hashchange", () => setTimeout(done), { once: true });
  location.hash = hash;
})"""
OTHER_VALUE = """(control) => {
  const { options, type, value, min, max } = control;
  if (options) return [...options].map((option) => option.value).findLast((v) => v !== value);
  const ends = type === "range" ? [max, min] : [min];
  return ends.find((end) => end !== value);
}"""


def open_more(page):
    "Show the controls that are rarely used."
    page.evaluate(OPEN_MORE)


def wait_for_explorers(page, count=1):
    "Wait until the views of `count` explorers have replaced their still pictures."
    page.locator("img[hidden]").nth(count - 1).wait_for(state="attached")


def load_explorer(page, address, more=True, long=False):
    "Load a saved explorer, and wait for its view; `long`: whether trainings have all epochs."
    if not long:
        page.add_init_script(FEW_EPOCHS)
    page.goto(address)
    wait_for_explorers(page)
    if more:
        open_more(page)


def restart(page):
    "Set a page to the state in which it was opened; the rare controls are shown."
    page.evaluate(RESTART)
    page.mouse.move(0, 0)


def page_state(page):
    "Return what the explorer of a page shows: its drawing, controls and switches."
    return [read_explorer(page, script) for script in (DRAWING, CONTROL_VALUES, SWITCHES)]


def combine_pages(first, second, file):
    "Write one page with the explorers of two saved pages."
    host = f"<script>{joined_script('host')}</script>"
    head = first.read_text()
    assert host in head
    body = second.read_text().split("</style>", 1)[1]
    file.write_text(head.replace(host, "") + body)
    return file


# What it shows


def read_explorer(page, script, index=0):
    "Return what a script reads from an explorer of the page, once it is drawn."
    wait_for_drawing(page)
    # Not `evaluate`, which takes 10 ms to find the element.
    return page.locator(".l7").evaluate_all(f"(all, index) => ({script})(all[index])", index)


def drawing(page, index=0):
    "Return what an explorer of the page draws, as texts that can be compared."
    return read_explorer(page, DRAWING, index)


def control_values(page, index=0):
    "Return the values of an explorer's visible controls; those of its guess are left out."
    return read_explorer(page, CONTROL_VALUES, index)


# What a reader does


def press_tool(page, name, index=0):
    "Press a button of the row of tools, and wait until its effect is drawn."
    page.get_by_role("button", name=name, exact=True).nth(index).press("Enter")
    wait_for_drawing(page)


def start_guess(page):
    press_tool(page, "Guess")


def type_guess(page, text):
    "Type the answer to a question, and press Enter."
    field = page.locator(".l7-guess input")
    field.fill(text)
    field.press("Enter")


def follow_link(page, name, value):
    "Set a control by the page's address, and wait until that is drawn."
    page.evaluate(FOLLOW_LINK, f"#{name}={value}")
    wait_for_drawing(page)


def other_value(control):
    "Return a value that a link may set, other than the control's own."
    return control.evaluate(OTHER_VALUE)


def press_first_key(control):
    "Press a key that changes the value of a control, and wait until that is drawn."
    control.press(KEYS[control.evaluate(CONTROL_TYPE)][0])
    wait_for_drawing(control.page)


def press_until_changed(page, control, before):
    "Press the keys of a focused control until another drawing is shown; return the last drawing."
    for key in KEYS[control.evaluate(CONTROL_TYPE)]:
        page.keyboard.press(key)
        after = drawing(page)
        if after != before:
            break
    return after


def focus_next(page):
    "Press Tab; return the index of the control that has the focus, -1 for none."
    page.keyboard.press("Tab")
    return page.locator(CONTROLS).evaluate_all(FOCUSED_INDEX)


def visible_indices(page):
    "Return the indices of the visible controls among all of them."
    return page.locator(CONTROLS).evaluate_all(VISIBLE_INDICES)


def control_names(page):
    return page.locator(CONTROLS).evaluate_all(f"(all) => all.map({CONTROL_NAME})")


def change_everything(page, count):
    "Change every control `count` times, unless it is hidden; a select a tenth of that."
    page.evaluate(CHANGE_EVERYTHING, [CONTROLS, count])
    wait_for_drawing(page)


# Headline, formulas, code


def line_numbers(page):
    "Return name -> value of the numbers in the headline and the formulas, at full precision."
    return read_explorer(page, LINE_NUMBERS)


def panel_code(page):
    "Return the text of the Code panel, which may be closed."
    wait_for_drawing(page)
    return page.locator(".l7-code, .l7 pre code").first.text_content()


def run_code(text):
    "Run a program; return its variables."
    variables = {}
    with redirect_stdout(io.StringIO()):
        exec(text, variables)
    return variables


# Pointers


def drag(page, element, dx, dy):
    "Drag the middle of an element by some CSS pixels, and wait until that is drawn."
    element.scroll_into_view_if_needed()
    box = element.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y + dy / 2)
    page.mouse.move(x + dx, y + dy)
    page.mouse.up()
    wait_for_drawing(page)


def drag_by_touch(page, element, dx, dy):
    "Do the same as `drag` with a finger."
    element.scroll_into_view_if_needed()
    box = element.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    client = page.context.new_cdp_session(page)
    points = [[x, y], [x + dx / 2, y + dy / 2], [x + dx, y + dy]]
    for kind, point in zip(["touchStart", "touchMove", "touchMove"], points):
        touch = [dict(x=point[0], y=point[1])]
        client.send("Input.dispatchTouchEvent", dict(type=kind, touchPoints=touch))
    client.send("Input.dispatchTouchEvent", dict(type="touchEnd", touchPoints=[]))
    wait_for_drawing(page)


# Links


def copied_text(page, button):
    "Press a button that copies; return what is copied."
    page.evaluate(KEEP_COPIES)
    page.get_by_role("button", name=button, exact=True).first.click()
    page.wait_for_function("window.copied !== undefined")
    return page.evaluate("copied")


# Faults


def accessibility_faults(page):
    "Return rule and element of each violation of WCAG 2, levels A and AA."
    has_axe = page.evaluate("'axe' in window")
    axe = Axe(axe_script="") if has_axe else Axe()
    violations = axe.run(page, options=AXE_OPTIONS).response["violations"]
    return [(violation["id"], violation["nodes"][0]["html"]) for violation in violations]


def unnamed_controls(page):
    "Return the controls without an accessible name: of a label, an aria-label or their own text."
    return page.evaluate(UNNAMED_CONTROLS)


def duplicate_ids(page):
    return page.evaluate(DUPLICATE_IDS)


def overflows(page):
    """Choose every option of every select in turn.

    Return the states in which the page is wider than the window or a table scrolls.
    """
    return page.evaluate(OVERFLOWS)


def split_selectors(text):
    "Return the selectors of a rule's list."
    return [selector.strip() for selector in re.split(r",(?![^(]*\))", text)]


def selectors(page):
    "Return the selectors of all style rules of the first explorer."
    lists = page.locator(".l7").first.evaluate(SELECTOR_LISTS)
    return split_selectors(",".join(lists))
