"A page of a saved explorer: its controls, what it draws, and what axe finds."

from axe_playwright_python.sync_playwright import Axe
from browser import wait_for_drawing

from lesson7.explorers.scripts import joined_script

CONTROLS = ".l7 :is(input, select, button):not(.l7-guess *)"
VISIBLE_CONTROLS = f"{CONTROLS}:visible"
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
    const sum = data.reduce((total, level) => (31 * total + level) | 0, 0);
    return `${width} x ${height}: ${sum}`;
  }

  return {
    values: read("[data-value]", (node) => node.dataset.value),
    canvases: read("canvas", digest),
    charts: read("svg", (node) => node.innerHTML),
    texts: read("figcaption, code, .l7-note:not(.l7-guess *)", (node) => node.textContent),
  };
}"""

CONTROL_VALUES = """(explorer) => {
  const controls = [...explorer.querySelectorAll("input, select")];
  const shown = controls.filter((control) => {
    return control.checkVisibility() && !control.closest(".l7-guess");
  });
  return shown.map((control) => control.type === "checkbox" ? control.checked : control.value);
}"""


def wait_for_explorers(page, count=1):
    "Wait until the views of `count` explorers have replaced their still pictures."
    page.locator("img[hidden]").nth(count - 1).wait_for(state="attached")


def drawing(page, index=0):
    "Return what an explorer of the page draws, as texts that can be compared."
    wait_for_drawing(page)
    return page.locator(".l7").nth(index).evaluate(DRAWING)


def control_values(page, index=0):
    "Return the values of an explorer's visible controls; those of its guess are left out."
    return page.locator(".l7").nth(index).evaluate(CONTROL_VALUES)


def accessibility_faults(page):
    "Return rule and element of each violation of WCAG 2, levels A and AA."
    violations = Axe().run(page, options=AXE_OPTIONS).response["violations"]
    return [(violation["id"], violation["nodes"][0]["html"]) for violation in violations]


def start_guess(page):
    page.get_by_role("button", name="Guess", exact=True).press("Enter")


def type_guess(page, text):
    "Type the answer to a question, and press Enter."
    field = page.locator(".l7-guess input")
    field.fill(text)
    field.press("Enter")


def combine_pages(first, second, file):
    "Write one page with the explorers of two saved pages."
    host = f"<script>{joined_script('host')}</script>"
    head = first.read_text()
    assert host in head
    body = second.read_text().split("</style>", 1)[1]
    file.write_text(head.replace(host, "") + body)
    return file
