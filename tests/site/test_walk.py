"""The whole path by keyboard alone: the landing page, each chapter's explorer, its exercises.

The focus is in view at each stop. `WALK=folder` keeps a picture of each place.
"""

import pytest
from browser import keep_picture
from playwright.sync_api import TimeoutError, expect
from test_docs import served, site  # noqa: F401

CHAPTERS = ["Normalization", "Progressive resizing", "Test time augmentation", "Mixup"]
CHAPTERS += ["Label smoothing"]
MOST_STOPS = 1200  # of a page
SEEN_MS = 30_000  # until the page has scrolled to what has the focus

# Whether what has the focus, or its label, is in the window.
IS_SEEN = """() => {
    const node = document.activeElement;
    const boxes = [node, node.labels?.[0]].filter(Boolean).map((n) => n.getBoundingClientRect());
    return boxes.some(({ top, bottom, left, right, width, height }) =>
        width && height && bottom > 0 && top < innerHeight && right > 0 && left < innerWidth);
}"""
FOCUS = """() => {
    const node = document.activeElement;
    return {
        tag: node.tagName,
        text: (node.innerText || node.getAttribute("aria-label") || "").trim(),
        trait: node.dataset.trait ?? "",
        isInExplorer: !!node.closest(".l7"),
        isInArticle: !!node.closest("article"),
        html: node.outerHTML.slice(0, 200),
        isNext: node.classList.contains("next-page"),
    };
}"""


class Walk:
    "A page in which only keys are pressed."

    def __init__(self, page):
        self.page = page

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def tab_to(self, is_wanted):
        "Press Tab until what has the focus is wanted, and return it."
        for _ in range(MOST_STOPS):
            self.press("Tab")
            focus = self.page.evaluate(FOCUS)
            if focus["tag"] == "BODY":
                break
            self.wait_until_seen(focus)
            if is_wanted(focus):
                return focus
        raise AssertionError(f"not reached by Tab in {self.page.url}")

    def wait_until_seen(self, focus):
        try:
            self.page.wait_for_function(IS_SEEN, timeout=SEEN_MS)
        except TimeoutError as error:
            raise AssertionError(f"not in view: {focus['html']}") from error

    def keep_picture(self, name):
        keep_picture(self.page, name)


def is_control(focus):
    return focus["isInExplorer"] and focus["trait"]


def is_tool(name):
    return lambda focus: focus["isInExplorer"] and focus["text"] == name


def headline(page):
    return page.locator(".l7-headline").first.inner_text()


def use_explorer(walk):
    "Move a control of the page's first explorer, follow a step, and answer a question."
    page = walk.page
    page.locator(".l7").first.wait_for()
    walk.tab_to(lambda focus: focus["text"] == "Skip to content")
    walk.press("Enter")
    walk.tab_to(is_control)
    before = page.locator(".l7").first.inner_text()
    walk.press("ArrowRight", "ArrowRight")
    page.wait_for_function(
        "(before) => document.querySelector('.l7').innerText !== before", arg=before
    )
    walk.keep_picture("explorer")
    walk.tab_to(is_tool("Steps"))
    walk.press("Enter")
    assert page.locator(".l7-steps strong").first.inner_text().startswith("1 of")
    walk.press("Enter")
    expect(page.locator(".l7-steps .l7-answer").first).not_to_be_empty()
    walk.keep_picture("steps")
    walk.press("Escape")
    expect(page.locator(".l7-tools button:text-is('Steps')").first).to_be_focused()
    walk.tab_to(is_tool("Guess"))
    walk.press("Enter")
    page.keyboard.type("0.5")
    walk.press("Enter")
    expect(page.locator(".l7-guess p").first).to_contain_text("because")
    walk.keep_picture("guess")
    walk.press("Escape")


def read_exercises(walk):
    "Unfold each solution and answer below the explorer, and return the summaries."
    summaries = walk.page.locator("article details:not(.l7 details):not(.hide) > summary")
    texts = summaries.all_inner_texts()
    for text in texts:
        walk.tab_to(lambda focus, text=text: focus["tag"] == "SUMMARY" and focus["text"] == text)
        walk.press("Enter")
        walk.keep_picture(text[:30].replace("/", " "))
    assert walk.page.locator("article details[open]:not(.l7 details) > summary").count() >= len(
        texts
    )
    return texts


@pytest.mark.long
def test_the_whole_path_by_keyboard(new_page, served):  # noqa: F811
    page = new_page(viewport={"width": 1280, "height": 800})
    walk = Walk(page)
    page.goto(f"{served}/index.html")
    walk.keep_picture("landing")
    use_explorer(walk)
    walk.tab_to(lambda focus: focus["isInArticle"] and focus["text"] == CHAPTERS[0])
    walk.keep_picture("gallery")
    walk.press("Enter")
    for chapter in CHAPTERS:
        expect(page.get_by_role("heading", level=1)).to_contain_text(chapter)
        walk.keep_picture(chapter)
        use_explorer(walk)
        assert read_exercises(walk).count("Solution") >= 2
        walk.tab_to(lambda focus: focus["isNext"])
        walk.keep_picture("next")
        walk.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Recipe")
