"ResizeExplorer in a browser: its view computes the same as Python."

import random

import numpy as np
import pytest
from browser import canvas_images, values, wait_for_drawing
from explorer_examples import EXAMPLES, HOSTILE_NAMES, random_learner, random_state_counts
from PIL import Image

from lesson7.explorers.resize import ResizeExplorer
from lesson7.resize import relative_cost

SHOWN_BARS = ".l7 figure:not([hidden]) .l7-bars"
SHOWN_IMAGES = ".l7 figure canvas:visible"
PAST = ".l7-resize-past"  # a stage that is larger than the file
CANVASES_PER_STAGE = 2  # the photo, and its middle enlarged
OPAQUE = 255
AREAS = """(boxes) => boxes.map((box) => {
  return box.width.baseVal.value * box.height.baseVal.value;
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
    page.get_by_label("Stages").select_option(str(len(explorer.stages)))
    page.get_by_label("The file's short side").select_option(str(explorer.file))
    for i, (size, epochs) in enumerate(explorer.stages, 1):
        page.get_by_label(f"Size {i}").fill(str(size))
        page.get_by_label(f"Epochs {i}").fill(str(epochs))


def expected_pixels(explorer, size):
    return (explorer.seen(size) * 255).transpose(1, 2, 0)


def check_images(page, explorer):
    "Check the photo at each stage's size, and its enlarged middle."
    images = canvas_images(page)
    for i, (size, _) in enumerate(explorer.stages):
        photo, middle = images[CANVASES_PER_STAGE * i : CANVASES_PER_STAGE * (i + 1)]
        assert photo.shape == (size, size, 4)
        assert abs(photo[..., :3] - expected_pixels(explorer, size)).max() <= 1, explorer
        assert (photo[..., 3] == OPAQUE).all()
        side = -(-size // 4)  # rounded up
        start = 3 * size // 8
        inside = slice(start, start + side)
        assert len(middle) == side and (middle == photo[inside, inside]).all()


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


def test_size_past_the_file_is_marked(open_explorer):
    page = open_explorer("ResizeExplorer")
    past = page.locator(PAST)
    explorer = page.locator(".l7")
    assert past.count() == 0 and "does not have" not in explorer.inner_text()
    page.get_by_label("The file's short side").select_option("160")
    wait_for_drawing(page)
    assert past.count() == 1
    assert past.get_by_text("Past the file's 160 px: nothing gained.").is_visible()
    assert "pays for pixels that a file of 160 px does not have" in explorer.inner_text()
    label = "the photo at 224 by 224 pixels, larger than a file of 160"
    assert page.locator(".l7 canvas").nth(2).get_attribute("aria-label") == label
    page.get_by_label("Size 2").fill("160")
    wait_for_drawing(page)
    assert past.count() == 0 and page.get_by_text("All that the file holds.").is_visible()


def test_one_size_saves_nothing(open_explorer):
    page = open_explorer("ResizeExplorer")
    page.get_by_label("Size 1").fill("224")
    wait_for_drawing(page)
    assert page.get_by_text("One size throughout: nothing is saved.").is_visible()


def test_areas_in_the_plot_equal_the_cost(open_explorer):
    page = open_explorer("ResizeExplorer")
    explorer = ResizeExplorer(stages=[[64, 4], [128, 2], [224, 3]])
    set_state(page, explorer)
    wait_for_drawing(page)
    boxes = page.locator(".l7 svg rect:not([visibility=hidden])")
    throughout, *stages = boxes.evaluate_all(AREAS)
    total = float(relative_cost(explorer.schedule)[1])
    assert abs(sum(stages) / throughout - total) < 1e-4
    label = page.locator(".l7 svg").first.get_attribute("aria-label")
    stages = "4 epochs at 64 pixels, then 3 epochs at 128 pixels, then 4 epochs at 224 pixels"
    assert label.startswith(f"{stages}: 0.482")


def test_keys_set_stages_and_file(open_explorer):
    page = open_explorer("ResizeExplorer")
    page.get_by_label("Stages").press_sequentially("three")
    wait_for_drawing(page)
    assert page.get_by_label("Size 3").is_visible()
    page.get_by_label("The file's short side").press_sequentially("128")
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
        page.get_by_label(label).press(key)
    explorer.stages = [[144, 5], [208, 4], [16, 20]]
    assert np.allclose(table_numbers(page), expected_numbers(explorer))
    assert page.get_by_label("Epochs 3").get_attribute("aria-valuetext") == "1 + 20"


def test_third_stage_is_added_and_removed(open_explorer):
    page = open_explorer("ResizeExplorer")
    for size in (224, 320):
        page.get_by_label("Size 2").fill(str(size))
        page.get_by_label("Stages").select_option("3")
        wait_for_drawing(page)
        assert page.get_by_label("Size 3").input_value() == str(min(320, size + 32))
        page.get_by_label("Stages").select_option("2")
        wait_for_drawing(page)
        assert not page.get_by_label("Size 3").is_visible()
        assert page.locator(SHOWN_IMAGES).count() == 2 * CANVASES_PER_STAGE


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
    images = canvas_images(page)
    for i, size in enumerate(sizes):
        photo = images[CANVASES_PER_STAGE * i]
        assert abs(photo[..., :3] - expected_pixels(explorer, size)).max() <= 1
    assert page.get_by_label("The file's short side").input_value() == str(explorer.side)
