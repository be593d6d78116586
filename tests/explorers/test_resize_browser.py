"ResizeExplorer in a browser: its view computes the same as Python."

import random

import numpy as np
import pytest
from browser import canvas_images, values, wait_for_drawing
from explorer_examples import EXAMPLES, HOSTILE_NAMES, random_learner, random_state_counts
from explorer_page import drag, line_numbers, panel_code, run_code
from PIL import Image

from lesson7.explorers.resize import ResizeExplorer
from lesson7.resize import relative_cost

SHOWN_BARS = ".l7 figure:not([hidden]) .l7-bars"
PAST = ".l7-resize-past"  # a stage that is larger than the file
WHOLE = "[data-picture] canvas:visible"  # the photo in the file, and at each stage's size
PARTS = "[data-picture] + div canvas:visible"  # a quarter of each, enlarged
SMALL = ".l7-resize-labels canvas:visible"  # below the work diagram
STAGE_BOXES = ".l7-resize-plot [data-source^=stage]:visible"
THROUGHOUT = ".l7-resize-plot [data-source=throughout]"
OPAQUE = 255
EDGES = """(handles) => handles.map((handle) => {
  const { left, right, top, bottom } = handle.parentElement.getBoundingClientRect();
  const plot = handle.closest(".l7-resize-plot").getBoundingClientRect();
  return { left, right, top, bottom, plot };
})"""
AREAS = """(boxes) => boxes.map((box) => {
  const { width, height } = box.getBoundingClientRect();
  return width * height;
})"""
MARKS = """(images) => images.map((image) => {
  const mark = image.querySelector(".l7-resize-mark");
  if (mark.hidden) return null;
  const [outer, inner] = [image, mark].map((node) => node.getBoundingClientRect());
  return [
    (inner.left - outer.left) / outer.width,
    (inner.top - outer.top) / outer.height,
    inner.width / outer.width,
  ];
})"""


def table_numbers(page):
    return values(page, ".l7 tr:not([hidden]) td[data-value]")


def expected_numbers(explorer):
    "Return the table's numbers, row by row."
    stages = explorer.stages
    epochs = [n + (i > 0) for i, (_, n) in enumerate(stages)]  # fine_tune adds one
    each, total = relative_cost(explorer.schedule)
    largest = max(size for size, _ in stages)
    numbers = []
    for (size, _), n, cost in zip(stages, epochs, each.tolist()):
        numbers += [size**2, n, cost, cost * n / sum(epochs)]
    numbers += [sum(epochs), total]  # of the schedule
    numbers += [largest**2, sum(epochs), 1, 1]  # of the largest size throughout
    return np.array(numbers, float)


def set_state(page, explorer):
    "Set the page's controls to an explorer's state."
    page.get_by_label("Stages", exact=True).select_option(str(len(explorer.stages)))
    page.get_by_label("Image size in file").select_option(str(explorer.file))
    for i, (size, epochs) in enumerate(explorer.stages, 1):
        page.get_by_label(f"Size {i}", exact=True).fill(str(size))
        page.get_by_label(f"Epochs {i}", exact=True).fill(str(epochs))


def expected_pixels(explorer, size):
    return (explorer.seen(size) * 255).transpose(1, 2, 0)


def check_images(page, explorer):
    "Check the photo at each size, the part of it that is enlarged, and the small copies."
    sizes = [explorer.file, *(size for size, _ in explorer.stages)]
    whole, parts, small = (canvas_images(page, images) for images in (WHOLE, PARTS, SMALL))
    assert len(whole) == len(parts) == len(sizes) == len(small) + 1
    for size, photo, part in zip(sizes, whole, parts):
        assert photo.shape == (size, size, 4)
        assert abs(photo[..., :3] - expected_pixels(explorer, size)).max() <= 1, explorer
        assert (photo[..., 3] == OPAQUE).all()
        side = -(-size // 4)  # rounded up
        start = 3 * size // 8
        inside = slice(start, start + side)
        assert len(part) == side and (part == photo[inside, inside]).all()
    assert all((a == b).all() for a, b in zip(whole[1:], small))


def check_lines(page, explorer):
    "Check the numbers of the headline and of the formula."
    epochs = [n + (i > 0) for i, (_, n) in enumerate(explorer.stages)]
    sizes = [size for size, _ in explorer.stages]
    work = sum(n * size**2 for n, size in zip(epochs, sizes))
    expected = {f"epochs{i}": n for i, n in enumerate(epochs)}
    expected |= {f"size{i}": size for i, size in enumerate(sizes)}
    expected |= dict(epochs=sum(epochs), largest=max(sizes))
    expected["total"] = work / (sum(epochs) * max(sizes) ** 2)
    assert line_numbers(page) == pytest.approx(expected, abs=1e-9), explorer


def check_code(page, explorer):
    "Check the Code panel: the text is Python's, and it computes what is on screen."
    assert panel_code(page) == explorer.code()
    found = run_code(explorer.code())
    assert float(found["total"]) == pytest.approx(line_numbers(page)["total"], abs=1e-9)
    for (size, _), seen in zip(explorer.stages, found["seen"], strict=True):
        assert abs(seen[0].numpy() - explorer.seen(size)).max() <= 1 / 255 + 1e-9, explorer


def check_predictions(page, explorer):
    "Check names and probabilities of each stage's best classes."
    at_size = explorer.guesses["at"][str(explorer.file)]
    best = []
    for size, _ in explorer.stages:
        best += at_size[str(size)]
    probabilities = [probability for _, probability in best]
    assert abs(values(page, f"{SHOWN_BARS} [data-value]") - probabilities).max() < 1e-6
    names = page.locator(f"{SHOWN_BARS} > span[dir]").all_text_contents()
    assert names == [HOSTILE_NAMES[c] for c, _ in best]


@random_state_counts
def test_random_states_equal_python(open_explorer, count):
    page = open_explorer("ResizeExplorer-model")
    explorer = EXAMPLES["ResizeExplorer-model"]()
    rng = random.Random(42)
    for _ in range(count):
        n_stages = rng.choice([2, 3])
        explorer.stages = [[16 * rng.randint(1, 20), rng.randint(1, 20)] for _ in range(n_stages)]
        explorer.file = rng.choice(explorer.files)
        set_state(page, explorer)
        assert abs(table_numbers(page) - expected_numbers(explorer)).max() < 1e-6, explorer
        check_images(page, explorer)
        check_predictions(page, explorer)
        check_lines(page, explorer)
        check_code(page, explorer)


def test_size_past_the_file_is_marked(open_explorer):
    page = open_explorer("ResizeExplorer")
    past = page.locator(PAST)
    explorer = page.locator(".l7")
    assert past.count() == 0 and "does not have" not in explorer.inner_text()
    page.get_by_label("Image size in file").select_option("160")
    wait_for_drawing(page)
    assert past.count() == 1
    assert past.get_by_text("Past the file: nothing gained.").is_visible()
    assert "pays for pixels that a file of 160 px does not have" in explorer.inner_text()
    label = "the photo at 224 by 224 pixels, larger than a file of 160"
    assert past.locator("canvas").get_attribute("aria-label") == label
    page.get_by_label("Size 2", exact=True).fill("160")
    wait_for_drawing(page)
    assert past.count() == 0 and page.get_by_text("All that the file holds.").is_visible()


def test_one_size_saves_nothing(open_explorer):
    page = open_explorer("ResizeExplorer")
    page.get_by_label("Size 1", exact=True).fill("224")
    wait_for_drawing(page)
    assert page.get_by_text("One size throughout: nothing is saved.").is_visible()


def test_areas_in_the_plot_equal_the_cost(open_explorer):
    page = open_explorer("ResizeExplorer")
    explorer = ResizeExplorer(stages=[[64, 4], [128, 2], [224, 3]])
    set_state(page, explorer)
    wait_for_drawing(page)
    stages = page.locator(STAGE_BOXES).evaluate_all(AREAS)
    throughout = page.locator(THROUGHOUT).evaluate_all(AREAS)
    total = float(relative_cost(explorer.schedule)[1])
    assert abs(sum(stages) / sum(throughout) - total) < 1e-3
    label = page.locator(".l7-resize-plot").get_attribute("aria-label")
    stages = "4 epochs at 64 pixels, then 3 epochs at 128 pixels, then 4 epochs at 224 pixels"
    assert label.startswith(f"{stages}: 0.482")


def test_keys_set_stages_and_file(open_explorer):
    page = open_explorer("ResizeExplorer")
    page.get_by_label("Stages", exact=True).press_sequentially("three")
    wait_for_drawing(page)
    assert page.get_by_label("Size 3", exact=True).is_visible()
    page.get_by_label("Image size in file").press_sequentially("128")
    explorer = ResizeExplorer(stages=[[128, 4], [224, 5], [256, 5]], file=128)
    assert np.allclose(table_numbers(page), expected_numbers(explorer))
    assert page.locator(PAST).count() == 2
    keys = {
        "Size 1": "ArrowRight",
        "Epochs 1": "ArrowUp",
        "Size 2": "ArrowLeft",
        "Epochs 2": "ArrowDown",
        "Size 3": "Home",
        "Epochs 3": "End",
    }
    for label, key in keys.items():
        page.get_by_label(label, exact=True).press(key)
    explorer.stages = [[144, 5], [208, 4], [16, 20]]
    assert np.allclose(table_numbers(page), expected_numbers(explorer))
    assert page.get_by_label("Epochs 3", exact=True).get_attribute("aria-valuetext") == "1 + 20"


def test_third_stage_is_added_and_removed(open_explorer):
    page = open_explorer("ResizeExplorer")
    for size in (224, 320):
        page.get_by_label("Size 2", exact=True).fill(str(size))
        page.get_by_label("Stages", exact=True).select_option("3")
        wait_for_drawing(page)
        assert page.get_by_label("Size 3", exact=True).input_value() == str(min(320, size + 32))
        page.get_by_label("Stages", exact=True).select_option("2")
        wait_for_drawing(page)
        assert not page.get_by_label("Size 3", exact=True).is_visible()
        assert page.locator(WHOLE).count() == page.locator(PARTS).count() == 3


def stages_of(page):
    "Return [size, epochs] of each stage that has controls."
    count = int(page.get_by_label("Stages", exact=True).input_value())
    return [
        [
            int(page.get_by_label(f"{name} {i}", exact=True).input_value())
            for name in ("Size", "Epochs")
        ]
        for i in range(1, count + 1)
    ]


def edge(page, trait):
    "Return a handle, the sides of its rectangle and those of the diagram."
    handle = page.locator(f".l7-resize-plot [data-handle={trait}]")
    return handle, handle.evaluate_all(EDGES)[0]


@pytest.mark.parametrize("index", [0, 1, 2])
def test_dragging_an_upper_edge_changes_the_size(open_explorer, index):
    stages = [[64, 4], [128, 2], [224, 3]]
    page = open_explorer(ResizeExplorer(stages=stages), viewport=dict(width=1200, height=1200))
    handle, sides = edge(page, f"size{index}")
    shown = 256  # px at the top of the diagram
    height = sides["plot"]["height"]
    for target in (208, 96, 240):
        now = stages[index][0]
        distance = ((target / shown) ** 2 - (now / shown) ** 2) * height
        drag(page, handle, 0, -distance)
        stages[index][0] = target
        assert stages_of(page) == stages
    drag(page, handle, 0, 1000)
    assert stages_of(page)[index] == [16, stages[index][1]]


def test_dragging_right_edges_changes_the_epochs(open_explorer):
    stages = [[64, 4], [128, 2], [224, 3]]  # 4, 3 and 4 epochs
    page = open_explorer(ResizeExplorer(stages=stages), viewport=dict(width=1200, height=1200))
    one = edge(page, "epochs0")[1]["plot"]["width"] / 12  # the diagram shows 12 epochs
    drag(page, edge(page, "epochs0")[0], -2 * one, 0)
    assert stages_of(page) == [[64, 2], [128, 4], [224, 3]]
    drag(page, edge(page, "epochs1")[0], one, 0)
    assert stages_of(page) == [[64, 2], [128, 5], [224, 2]]
    drag(page, edge(page, "epochs1")[0], 5 * one, 0)  # the last stage keeps an epoch
    assert stages_of(page) == [[64, 2], [128, 6], [224, 1]]
    drag(page, edge(page, "epochs2")[0], -5 * one, 0)
    assert stages_of(page) == [[64, 2], [128, 6], [224, 1]]
    drag(page, edge(page, "epochs2")[0], 3 * one, 0)  # until the diagram's right end
    assert stages_of(page) == [[64, 2], [128, 6], [224, 2]]
    one = edge(page, "epochs2")[1]["plot"]["width"] / 16  # it shows more after the drag
    drag(page, edge(page, "epochs2")[0], 3 * one, 0)
    assert stages_of(page) == [[64, 2], [128, 6], [224, 5]]


def check_marks(page, marked, size, pixel):
    "Check the frames around a stage's pixel and around its block of the file."
    column, row = pixel
    marks = page.locator("[data-picture] .l7-resize-image:visible").evaluate_all(MARKS)
    for index, mark in enumerate(marks):
        if index in (0, marked):
            assert mark == pytest.approx([column / size, row / size, 1 / size], abs=2e-3)
        else:
            assert mark is None
    assert page.get_by_text(f"At {size} px, pixel ({column}, {row}) is the mean of").is_visible()


def check_part(page, marked, size, pixel):
    "Check the frame around the same pixel in the part of the photo that is enlarged."
    crop = canvas_images(page, PARTS)[marked]
    photo = canvas_images(page, WHOLE)[marked]
    left, top, side = page.locator("[data-picture] + div .l7-resize-image:visible").evaluate_all(
        MARKS
    )[marked]
    column, row = (round(share * len(crop)) for share in (left, top))
    assert side == pytest.approx(1 / len(crop), abs=2e-3)
    assert (crop[row, column] == photo[pixel[1], pixel[0]]).all()


def point_at(page, images, index, place):
    "Move the mouse to a place in an image, given as shares of its width and height."
    box = page.locator(images).nth(index).bounding_box()
    x, y = (box[a] + share * box[b] for a, b, share in zip("xy", ("width", "height"), place))
    page.mouse.move(x, y)
    wait_for_drawing(page)


def test_pointing_at_a_pixel_frames_its_block_in_the_file(open_explorer):
    explorer = ResizeExplorer(stages=[[16, 4], [96, 5]], file=128)
    page = open_explorer(explorer, viewport=dict(width=1200, height=1200))
    check_marks(page, 1, 16, (8, 8))
    point_at(page, WHOLE, 1, (3.5 / 16, 12.5 / 16))
    check_marks(page, 1, 16, (3, 12))
    check_part(page, 1, 16, (3, 12))
    red, green, blue = np.round(explorer.seen(16)[:, 12, 3] * 255).astype(int)
    colour = f"8 × 8 pixels of the file: red {red}, green {green}, blue {blue}."
    assert page.get_by_text(colour).is_visible()
    point_at(page, WHOLE, 0, (0.5 / 16, 15.5 / 16))  # the pixel of the stage that has this place
    check_marks(page, 1, 16, (0, 15))
    point_at(page, WHOLE, 2, (40.5 / 96, 20.5 / 96))
    check_marks(page, 2, 96, (40, 20))
    check_part(page, 2, 96, (40, 20))
    point_at(page, PARTS, 2, (2.5 / 24, 3.5 / 24))
    left, top = 40 - 12, 20 - 12  # of the part, 24 pixels wide
    check_marks(page, 2, 96, (left + 2, top + 3))


def test_arrow_keys_choose_a_pixel(open_explorer):
    page = open_explorer(ResizeExplorer(stages=[[16, 4], [96, 5]]))
    page.locator("[data-picture] [data-source=stage0]").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    wait_for_drawing(page)
    check_marks(page, 1, 16, (10, 7))
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    wait_for_drawing(page)
    check_marks(page, 1, 16, (0, 7))
    page.locator("[data-picture] [data-source=stage1]").focus()
    page.keyboard.press("ArrowDown")
    wait_for_drawing(page)
    check_marks(page, 2, 96, (3, 46))


def test_link_has_a_third_stage_that_is_as_the_second_was(open_explorer):
    page = open_explorer("ResizeExplorer", link="#size2=224&epochs2=5&size1=192&count=3")
    assert stages_of(page) == [[128, 4], [192, 5], [224, 5]]


def test_photographer_is_named(open_explorer):
    page = open_explorer("ResizeExplorer")
    assert page.get_by_title("Photo: Stefan van der Walt").is_visible()
    assert open_explorer(ResizeExplorer(Image.new("RGB", (50, 50)))).locator("[title]").count() == 0


@pytest.mark.parametrize("n", [1, 2, 1000])
def test_any_number_of_classes(n, open_explorer):
    names = [f"class {i}" for i in range(n)]
    page = open_explorer(ResizeExplorer(learn=random_learner(names)))
    n_stages = 2
    assert page.locator(f"{SHOWN_BARS} [data-value]").count() == n_stages * min(n, 3)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(Image.new("L", (50, 70), 7), id="grey"),
        pytest.param(Image.new("RGBA", (300, 280), (200, 90, 10, 0)), id="RGBA"),
        pytest.param(Image.new("CMYK", (90, 300), (9, 99, 0, 30)), id="CMYK"),
        pytest.param(Image.new("RGB", (1, 1), (5, 6, 7)), id="1x1"),
        pytest.param(Image.fromarray(np.full((40, 60), 40_000, np.uint16)), id="16-bit"),
        pytest.param(Image.radial_gradient("L").resize((4000, 3000)), id="4000x3000"),
        pytest.param(Image.linear_gradient("L").resize((90, 300)), id="portrait"),
    ],
)
def test_image_of_any_kind(image, open_explorer):
    sizes = (16, 48)
    explorer = ResizeExplorer(image, stages=[[sizes[0], 1], [sizes[1], 2]])
    page = open_explorer(explorer)
    for photo, size in zip(canvas_images(page, WHOLE)[1:], sizes, strict=True):
        assert abs(photo[..., :3] - expected_pixels(explorer, size)).max() <= 1
    assert page.get_by_label("Image size in file").input_value() == str(explorer.side)
