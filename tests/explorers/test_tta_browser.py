"TTAExplorer in a browser: its view computes the same as Python."

import random
from itertools import pairwise

import numpy as np
import pytest
import torch
from browser import canvas_images, values, wait_for_drawing
from explorer_examples import EXAMPLES, HOSTILE_NAMES, add_tta_predictions, random_state_counts
from explorer_page import FOLLOW_LINK
from PIL import Image
from playwright.sync_api import expect

from lesson7.explorers.tta import TTAExplorer
from lesson7.tta import CORNERS, combine

PLAIN_VIEWS = ("crop", "squish", "pad")
BARS = ".l7-tta-bars .l7-bars > :nth-child(3n)"
BAR_NAMES = ".l7-tta-bars .l7-bars > :nth-child(3n + 1)"
VALUES = ".l7-tta-term > strong"
WEIGHTS = ".l7-tta-term > span:nth-of-type(1)"
BEST_PREDICTIONS = ".l7-tta-term > span:nth-of-type(2)"
OUTLINES = ".l7-stage .l7-edge"
FORMULAS = ("mean", "lerp", "max")  # in the order of the page
TOP = 5  # classes that have a bar
PHOTO_SIZE = (240, 160)  # of the first photo, px

BOXES = """(outlines) => outlines.map((outline) => {
  const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => {
    return Number(outline.getAttribute(name));
  });
  return [x, y, x + width, y + height];
})"""
CHECKED = "(boxes) => boxes.map((box) => box.checked)"
NAMED_VALUES = """(node) => {
  const numbers = [...node.querySelectorAll("[data-name]")];
  return Object.fromEntries(numbers.map(({ dataset }) => [dataset.name, Number(dataset.value)]));
}"""


LABEL_EDGES = """(labels) => labels.map((label) => {
  const { left, right, top } = label.getBoundingClientRect();
  return [left, right, top];
})"""


def bars(page):
    "Return the numbers of the bars, [2, classes]: of the plain view, and of all views combined."
    return values(page, BARS).reshape(2, -1)


def window_boxes(page):
    "Return x0, y0, x1, y1 of the four windows on the photo."
    wait_for_drawing(page)
    return page.locator(OUTLINES).evaluate_all(BOXES)[1:5]


def named_values(node):
    "Return name -> number at full precision of a line of text or a formula."
    return node.evaluate(NAMED_VALUES)


def expected_weights(explorer):
    "Return each view's weight for mean and lerp: what `combine` makes of one-hot predictions."
    one_hot = torch.eye(sum(explorer.on))[:, None]
    is_lerp = explorer.reduce == "lerp" and explorer.on[0]
    weights = combine(one_hot, "lerp" if is_lerp else "mean")[0].tolist()
    return [weights.pop(0) if in_use else 0 for in_use in explorer.on]


def combined(explorer, reduce):
    "Return what `combine` makes of the views in use; without the plain view, lerp is a mean."
    used = torch.from_numpy(explorer.preds[explorer.on])[:, None]
    is_mean = reduce == "lerp" and not explorer.on[0]
    return combine(used, "mean" if is_mean else reduce)[0].numpy()


def top_class(explorer):
    "Return the class whose values are combined: that of the object, or the likeliest."
    return int(combined(explorer, explorer.reduce).argmax()) if explorer.asked else 0


def random_place(rng):
    return [rng.random(), rng.random()]


def set_random_state(explorer, rng):
    explorer.photo = rng.randrange(len(explorer.names))
    explorer.plain = rng.choice(PLAIN_VIEWS)
    explorer.scale = rng.choice([0.6, 0.85, 1.0])
    explorer.reduce = rng.choice(["mean", "max", "lerp"])
    explorer.at = [random_place(rng) for _ in range(4)]
    explorer.target = random_place(rng)
    all_views = [True] * 5
    some_views = [rng.random() < 0.5 for _ in range(4)] + [True]
    explorer.on = rng.choice([all_views, some_views, some_views])


def as_link(places):
    return "-".join(f"{x:.4f}_{y:.4f}" for x, y in places)


def set_state(page, explorer, rng):
    "Set an explorer's state by a link with its names in any order."
    link = dict(
        photo=explorer.photo,
        plain=explorer.plain,
        scale=f"{explorer.scale:g}",
        reduce=explorer.reduce,
        at=as_link(explorer.at),
        on="".join(str(int(in_use)) for in_use in explorer.on),
    )
    if not explorer.asked:
        link["target"] = as_link([explorer.target])
    items = list(link.items())
    rng.shuffle(items)
    page.evaluate(FOLLOW_LINK, "#" + "&".join(f"{name}={value}" for name, value in items))
    wait_for_drawing(page)


def check_headline(page, explorer):
    plain = explorer.preds[0]
    expected = dict(
        plain=plain.max() if explorer.asked else plain[0],
        views=sum(explorer.on),
        answer=combined(explorer, explorer.reduce)[top_class(explorer)],
    )
    assert named_values(page.locator(".l7-headline")) == pytest.approx(expected, abs=1e-6)
    answer = named_values(page.locator(".l7-tta-answer"))["answer"]
    assert answer == pytest.approx(expected["answer"], abs=1e-6)


def check_formulas(page, explorer):
    "Check the terms, the divisor and the result of each formula."
    top, n_views = top_class(explorer), sum(explorer.on)
    used = {f"view{i}": p[top] for i, p in enumerate(explorer.preds) if explorer.on[i]}
    is_weighted = explorer.on[0] and n_views > 1
    divisors = dict(mean=dict(views=n_views), lerp=dict(windows=n_views - is_weighted), max=dict())
    for formula, reduce in zip(page.locator(".l7-formula").all(), FORMULAS, strict=True):
        result = {reduce: combined(explorer, reduce)[top]}
        expected = used | divisors[reduce] | result
        assert named_values(formula) == pytest.approx(expected, abs=1e-6), (reduce, explorer)
        is_chosen = "l7-chosen" in formula.get_attribute("class")
        assert is_chosen == (reduce == explorer.reduce)


def check_numbers(page, explorer):
    answer = combined(explorer, explorer.reduce)
    top = np.argsort(-answer, kind="stable")[:TOP] if explorer.asked else [0, 1]
    expected = np.stack([explorer.preds[0][top], answer[top]])
    assert abs(bars(page) - expected).max() < 1e-6, explorer
    shown = explorer.preds[:, top_class(explorer)]
    assert abs(values(page, VALUES) - shown).max() < 1e-6, explorer
    if explorer.asked:
        assert abs(values(page, BEST_PREDICTIONS) - explorer.preds.max(1)).max() < 1e-6, explorer
    if explorer.reduce != "max":
        assert abs(values(page, WEIGHTS) - expected_weights(explorer)).max() < 1e-6, explorer


def check_code(page, explorer):
    "Check that the panel has the explorer's code; without a model, that it gives the numbers."
    code = page.locator(".l7-code").text_content()
    assert code == explorer.code()
    if explorer.asked:
        return
    found = {}
    exec(code, found)
    assert np.allclose(found["answer"][0], explorer.answer, atol=1e-6)
    assert np.allclose(found["preds"][:, 0], explorer.preds[explorer.on], atol=1e-6)
    assert np.allclose(found["views"], explorer.views[explorer.on])


def view_pixels(page):
    "Return the pixels of the views, [V,side,side,3]."
    images = canvas_images(page)
    n_views = page.locator(".l7-tta-term").count()
    return np.stack([image[..., :3] for image in images[-n_views:]])


def expected_view_pixels(explorer):
    return 255 * explorer.views.transpose(0, 2, 3, 1)


def check_images(page, explorer):
    assert abs(view_pixels(page) - expected_view_pixels(explorer)).max() <= 1, explorer
    assert window_boxes(page) == [list(box) for box in explorer.boxes[1:]]
    photo = canvas_images(page)[0][..., :3]
    height, width = explorer.sizes[explorer.photo]
    expected = np.rint(255 * explorer.images[explorer.photo].transpose(1, 2, 0))
    assert photo.shape == (height, width, 3) and (photo == expected).all()


@pytest.mark.parametrize("example", ["TTAExplorer", "TTAExplorer-model"])
@random_state_counts
def test_random_states_equal_python(example, open_explorer, count):
    page = open_explorer(example)
    explorer = EXAMPLES[example]()
    rng = random.Random(42)
    for _ in range(count):
        set_random_state(explorer, rng)
        set_state(page, explorer, rng)
        check_headline(page, explorer)
        check_formulas(page, explorer)
        check_numbers(page, explorer)
        check_images(page, explorer)
        check_code(page, explorer)


@pytest.mark.parametrize("n", [4, 5, 8])
def test_names_of_views_do_not_overlap(open_explorer, n):
    page = open_explorer(TTAExplorer(n=n))
    for width in (375, 640, 768, 900, 1020, 1280):
        page.set_viewport_size(dict(width=width, height=900))
        wait_for_drawing(page)
        edges = page.locator(".l7-tta-term label").evaluate_all(LABEL_EDGES)
        for (_, right, top), (left, _, next_top) in pairwise(edges):
            assert right <= left or next_top != top, (width, edges)


def views_in_use(page):
    "Return for each view whether it is in use."
    wait_for_drawing(page)
    return page.get_by_role("checkbox").evaluate_all(CHECKED)


def test_shown_values_give_the_shown_mean(open_explorer):
    page = open_explorer("TTAExplorer")
    shown = [float(text) for text in page.locator(VALUES).all_inner_texts()]
    together = float(page.locator(BARS).all_inner_texts()[2])
    assert together == pytest.approx(sum(shown) / 5, abs=0.0005)


def test_last_view_stays_in_use(open_explorer):
    page = open_explorer("TTAExplorer")
    for box in page.get_by_role("checkbox").all():
        box.press("Space")
        wait_for_drawing(page)
    assert views_in_use(page) == [False] * 4 + [True]


def on_page(page, x, y):
    "Return where a pixel of the first photo is on the page."
    area = page.locator(".l7-stage svg").bounding_box()
    width, height = PHOTO_SIZE
    return area["x"] + x / width * area["width"], area["y"] + y / height * area["height"]


def drag(page, start, end):
    "Drag from one pixel of the first photo to another."
    page.mouse.move(*on_page(page, *start))
    page.mouse.down()
    page.mouse.move(*on_page(page, *end), steps=5)
    page.mouse.up()
    wait_for_drawing(page)


def moved(page):
    "Return the place of the selected window and its number, from 0."
    wait_for_drawing(page)
    place = page.locator(".l7-more output").all_text_contents()[:2]
    return place, page.get_by_label("Move", exact=True).input_value()


def object_place(page):
    wait_for_drawing(page)
    return page.locator(".l7-more output").all_text_contents()[2:]


def test_dragging(open_explorer):
    page = open_explorer("TTAExplorer")
    drag(page, (212, 85), (100, 45))  # the object, which is over a window
    assert object_place(page) == ["72 px", "17 px"]
    drag(page, (7, 7), (47, 17))  # window 1, by its number
    assert moved(page) == (["40 px", "10 px"], "0")
    drag(page, (50, 100), (-500, 800))  # window 1, by its area, past the photo's edge
    assert moved(page) == (["0 px", "24 px"], "0")
    drag(page, (230, 150), (210, 140))  # the window under the pointer
    assert moved(page) == (["84 px", "14 px"], "1")


def test_dragging_the_corner_changes_the_size_of_all_windows(open_explorer):
    page = open_explorer("TTAExplorer")
    drag(page, (136, 136), (100, 90))  # of window 1, which is selected
    expect(page.get_by_label("Window size")).to_have_value("0.6")
    assert window_boxes(page) == [list(box) for box in TTAExplorer(scale=0.6).boxes[1:]]
    page.locator(".l7-tta-term canvas").nth(2).click()  # selects window 2
    drag(page, (240, 160), (230, 120))
    x0, y0, x1, y1 = window_boxes(page)[1]
    assert (x0, y0, x1, y1) == (144, 64, 240, 160)  # the smallest size already
    drag(page, (240, 160), (280, 200))
    expect(page.get_by_label("Window size")).to_have_value("0.85")
    assert window_boxes(page)[1] == [104, 24, 240, 160]  # kept within the photo


def test_views_select_and_switch_their_windows(open_explorer):
    page = open_explorer("TTAExplorer")
    canvases = page.locator(".l7-tta-term canvas")
    canvases.nth(3).click()
    assert moved(page)[1] == "2"
    canvases.nth(4).dblclick()
    assert views_in_use(page) == [True] * 4 + [False]
    canvases.nth(4).dblclick()
    canvases.nth(0).dblclick()
    assert views_in_use(page) == [False] + [True] * 4
    assert moved(page)[1] == "3"


def test_number_of_views_is_changed_in_the_headline(open_explorer):
    page = open_explorer("TTAExplorer")
    views = page.locator(".l7-headline [data-name=views]")
    views.press("ArrowLeft")
    assert views_in_use(page) == [True] * 4 + [False]
    views.press("Home")
    assert views_in_use(page) == [True] + [False] * 4
    assert "the mean of 1 view is 0.286" in page.locator(".l7-headline").text_content()


def test_sliders_move_windows_and_the_object(open_explorer):
    page = open_explorer("TTAExplorer")
    page.get_by_label("Move", exact=True).select_option("1")
    for index, prefix, size in [(2, "", 136), (5, "object ", 56)]:
        page.get_by_label(f"{prefix}across", exact=True).fill("60")
        page.get_by_label(f"{prefix}down", exact=True).fill("30")
        wait_for_drawing(page)
        x, y = (240 - size) / 2, (160 - size) / 4
        boxes = page.locator(OUTLINES).evaluate_all(BOXES)
        assert boxes[index] == [x, y, x + size, y + size]
    assert moved(page) == (["52 px", "6 px"], "1")
    assert object_place(page) == ["92 px", "26 px"]


def test_pointer_moves_nothing_after_its_release(open_explorer):
    page = open_explorer("TTAExplorer")
    drag(page, (230, 150), (210, 140))
    before = moved(page)
    page.mouse.move(*on_page(page, 10, 10))
    wait_for_drawing(page)
    assert moved(page) == before


def test_dragging_snaps_to_predicted_windows(open_explorer):
    page = open_explorer("TTAExplorer-model")
    drag(page, (5, 5), (32, 5))
    explorer = EXAMPLES["TTAExplorer-model"]()
    explorer.at = [[2 / 8, 0], *explorer.at[1:]]
    across = page.get_by_label("across", exact=True)
    assert across.input_value() == "2" and across.get_attribute("max") == "8"
    assert abs(bars(page)[1] - np.sort(explorer.answer)[::-1][:TOP]).max() < 1e-6


INVALID_LINKS = [
    "at=0_0",
    "at=0_0-1_1-1_0-0_1.1",
    "at=0_0-1_1-1_0-0",
    "at=a_0-1_1-1_0-0_1",
    "at=_0-1_1-1_0-0_1",
    "on=00000",
    "on=1111",
    "on=11112",
    "target=1",
    "target=0_2",
    "target=0_0-1_1",
]


def test_invalid_places_and_switches_in_a_link_are_ignored(open_explorer):
    page = open_explorer("TTAExplorer")
    before = page.locator(".l7-body").inner_html()
    for link in INVALID_LINKS:
        page.evaluate(FOLLOW_LINK, f"#{link}")
        wait_for_drawing(page)
        assert page.locator(".l7-body").inner_html() == before, link


def test_buttons_arrange_the_windows(open_explorer):
    page = open_explorer("TTAExplorer")

    def corners():
        return [box[:2] for box in window_boxes(page)]

    first = corners()
    page.get_by_role("button", name="End to end").click()
    assert corners() == [[0, 12], [35, 12], [69, 12], [104, 12]]
    page.get_by_role("button", name="Corners").click()
    assert corners() == first == [[104 * x, 24 * y] for x, y in CORNERS]


def test_texts_describe_the_state(open_explorer):
    page = open_explorer("TTAExplorer")
    page.get_by_label("Combine").select_option("max")
    wait_for_drawing(page)
    # One view shows all of the object, another one nothing of it.
    assert page.get_by_text("they sum to 2.00").is_visible()
    page.get_by_label("Plain view", exact=True).select_option("squish")
    page.get_by_role("button", name="photo: hopper", exact=True).click()
    wait_for_drawing(page)
    assert page.get_by_text("85 % of its true height").is_visible()
    assert page.locator(".l7-headline").text_content() == (
        "The plain view shows 100 % of the object; the maximum of 5 views is 1.000"
    )
    photo, plain_view = (
        page.locator(f"{part} canvas").first for part in (".l7-stage", ".l7-views")
    )
    label = photo.get_attribute("aria-label")
    assert "hopper, 160 by 188 pixels" in label and "Photo: US Navy, Grace Hopper" in label
    assert plain_view.get_attribute("aria-label") == "plain view: shows 1"


def test_headline_of_a_multi_label_model_counts_classes(open_explorer):
    explorer = TTAExplorer({"grey": Image.new("RGB", (30, 20))}, side=16)
    add_tta_predictions(explorer, ["a", "b", "c"])
    explorer.asked = [found | dict(threshold=0.3) for found in explorer.asked]
    page = open_explorer(explorer)
    assert named_values(page.locator(".l7-headline")) == dict(
        plain=(explorer.preds[0] > 0.3).sum(), views=5, answer=(explorer.answer > 0.3).sum()
    )


CLASS_NAMES = {
    "one": ["only"],
    "two": ["a", "b"],
    "ten": [f"class {i}" for i in range(10)],
    "hostile": HOSTILE_NAMES,
}


@pytest.mark.parametrize("classes", CLASS_NAMES.values(), ids=CLASS_NAMES)
def test_names_of_photos_and_classes(classes, open_explorer):
    photos = {name: Image.new("RGB", (30, 20)) for name in HOSTILE_NAMES}
    page = open_explorer(add_tta_predictions(TTAExplorer(photos, side=16), classes))
    names = page.locator(BAR_NAMES).all_text_contents()
    assert len(names) == 2 * min(TOP, len(classes)) and set(names) <= set(classes)
    options = page.get_by_label("Photo", exact=True).locator("option")
    assert options.all_text_contents() == HOSTILE_NAMES


@pytest.mark.parametrize(
    "width, height, mode",
    [
        (90, 60, "L"),
        (60, 90, "RGBA"),
        (1, 1, "RGB"),
        (4000, 3000, "CMYK"),
        (3, 900, "RGB"),
        (900, 3, "RGB"),
    ],
)
def test_views_of_any_image_equal_python(open_explorer, width, height, mode):
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    explorer = TTAExplorer([Image.fromarray(pixels).convert(mode)], side=32, n=6)
    page = open_explorer(explorer)
    for plain in PLAIN_VIEWS:
        explorer.plain = plain
        page.get_by_label("Plain view", exact=True).select_option(plain)
        assert abs(view_pixels(page) - expected_view_pixels(explorer)).max() <= 1
        assert abs(bars(page)[1] - explorer.answer).max() < 1e-6
