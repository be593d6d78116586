"TTAExplorer in a browser: its view computes the same as Python."

import random

import numpy as np
import pytest
import torch
from browser import canvas_images, values, wait_for_drawing
from explorer_examples import EXAMPLES, HOSTILE_NAMES, add_tta_predictions, random_state_counts
from PIL import Image

from lesson7.explorers.tta import TTAExplorer
from lesson7.tta import CORNERS, combine

PLAIN_VIEWS = ("crop", "squish", "pad")
BARS = ".l7 .l7-bars > :nth-child(3n)"
BAR_NAMES = ".l7-bars > :nth-child(3n + 1)"
BEST_PREDICTIONS = ".l7-views p:nth-of-type(1)"
WEIGHTS = ".l7-views p:last-child"
OUTLINES = ".l7-stage .l7-edge"
TOP = 5  # classes that have a bar
PHOTO_SIZE = (240, 160)  # of the first photo, px

BOXES = """(outlines) => outlines.map((outline) => {
  const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => {
    return Number(outline.getAttribute(name));
  });
  return [x, y, x + width, y + height];
})"""
CHECKED = "(boxes) => boxes.map((box) => box.checked)"


def bars(page):
    "Return the numbers of the bars, [2, classes]: of the plain view, and of all views combined."
    return values(page, BARS).reshape(2, -1)


def window_boxes(page):
    "Return x0, y0, x1, y1 of the four windows on the photo."
    wait_for_drawing(page)
    return page.locator(OUTLINES).evaluate_all(BOXES)[1:5]


def expected_weights(explorer):
    "Return each view's weight for mean and lerp: what `combine` makes of one-hot predictions."
    one_hot = torch.eye(sum(explorer.on))[:, None]
    is_lerp = explorer.reduce == "lerp" and explorer.on[0]
    weights = combine(one_hot, "lerp" if is_lerp else "mean")[0].tolist()
    return [weights.pop(0) if in_use else 0 for in_use in explorer.on]


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


def set_state(page, explorer):
    "Set the page's controls to an explorer's state."
    page.get_by_label("Photo", exact=True).select_option(str(explorer.photo))
    page.get_by_label("Plain view", exact=True).select_option(explorer.plain)
    page.get_by_label("Windows", exact=True).select_option(f"{explorer.scale:g}")
    page.get_by_label("Combine").select_option(explorer.reduce)
    places = explorer.at if explorer.asked else [*explorer.at, explorer.target]
    for i, (x, y) in enumerate(places):
        page.get_by_label("Move").select_option(str(i))
        page.get_by_label("across").fill(str(round(x * explorer.steps)))
        page.get_by_label("down").fill(str(round(y * explorer.steps)))
    # One view stays in use: those in use are checked before others are unchecked.
    for is_used in (True, False):
        for i, in_use in enumerate(explorer.on):
            if in_use == is_used:
                page.get_by_role("checkbox").nth(i).set_checked(in_use)


def check_numbers(page, explorer):
    top = np.argsort(-explorer.answer, kind="stable")[:TOP]
    expected = np.stack([explorer.preds[0][top], explorer.answer[top]])
    assert abs(bars(page) - expected).max() < 1e-6, explorer
    best = explorer.preds.max(1) if explorer.asked else explorer.preds[:, 0]
    assert abs(values(page, BEST_PREDICTIONS) - best).max() < 1e-6, explorer
    if explorer.reduce != "max":
        assert abs(values(page, WEIGHTS) - expected_weights(explorer)).max() < 1e-6, explorer


def view_pixels(page):
    "Return the pixels of the views, [V,side,side,3]."
    return np.stack([image[..., :3] for image in canvas_images(page)[1:]])


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
        set_state(page, explorer)
        check_numbers(page, explorer)
        check_images(page, explorer)


def test_last_view_stays_in_use(open_explorer):
    page = open_explorer("TTAExplorer")
    boxes = page.get_by_role("checkbox")
    for box in boxes.all():
        box.press("Space")
    assert boxes.evaluate_all(CHECKED) == [False] * 4 + [True]


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
    "Return place and index of the window that moves; index 4 is the object."
    place = page.locator(".l7-move output").all_inner_texts()
    return place, page.get_by_label("Move").input_value()


def test_dragging(open_explorer):
    page = open_explorer("TTAExplorer")
    drag(page, (212, 85), (100, 45))  # the object, which is over a window
    assert moved(page) == (["72 px", "17 px"], "4")
    drag(page, (7, 7), (47, 17))  # window 1, by its number
    assert moved(page) == (["40 px", "10 px"], "0")
    drag(page, (50, 100), (-500, 800))  # window 1, by its area, past the photo's edge
    assert moved(page) == (["0 px", "24 px"], "0")
    drag(page, (230, 150), (210, 140))  # the window under the pointer
    assert moved(page) == (["84 px", "14 px"], "1")


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
    across = page.get_by_label("across")
    assert across.input_value() == "2" and across.get_attribute("max") == "8"
    assert abs(bars(page)[1] - np.sort(explorer.answer)[::-1][:TOP]).max() < 1e-6


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
    page.get_by_label("Photo", exact=True).select_option("3")
    wait_for_drawing(page)
    assert page.get_by_text("85 % of its true height").is_visible()
    photo, plain_view = page.locator(".l7-stage canvas"), page.locator(".l7-views canvas").first
    assert "hopper, 160 by 188 pixels" in photo.get_attribute("aria-label")
    assert plain_view.get_attribute("aria-label") == "plain view: shows 100 %"


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
        assert abs(bars(page)[1] - np.sort(explorer.answer)[::-1]).max() < 1e-6
