"NormalizeExplorer in a browser: its view computes the same as Python."

import random

import numpy as np
import torch
from browser import canvas_images, values, wait_for_drawing
from explorer_examples import normalize_with_predictions, random_state_counts
from explorer_page import FOLLOW_LINK
from playwright.sync_api import expect

from lesson7.data.images import image_grid
from lesson7.explorers.normalize import CHANNELS, NormalizeExplorer
from lesson7.normalize import NormStats, normalize

KINDS = ("none", "batch", "dataset", "imagenet", "own")
MOMENTS = ("mean", "sd")
IMAGE_SIDE = 64  # px
CENTRE = IMAGE_SIDE // 2
NO_CHANGE = NormStats([0] * 3, [1] * 3)
OPAQUE = 255
LOW, HIGH = -3, 3  # normalized values that are shown as black and white
TOLERANCE = 1e-6
FINEST_DRAG = 0.011  # of a value in [0, 1]: two pixels of the screen, and rounding
STARTS = {  # of the headline, for each kind
    "none": "Without normalization",
    "batch": "With its own statistics",
    "dataset": "With the dataset's statistics",
    "imagenet": "With ImageNet's statistics",
    "own": "With your own statistics",
}

NUMBERS = """(nodes) => Object.fromEntries(
  nodes.map((node) => [node.dataset.name, Number(node.dataset.value)])
)"""
FORMULAS = f"(lines) => lines.map((line) => ({NUMBERS})([...line.querySelectorAll('[data-name]')]))"
OUTLINES = "(paths) => paths.map((path) => path.getAttribute('d'))"


def named(page, selector):
    "Return the numbers of all elements that match, by their names."
    wait_for_drawing(page)
    return page.locator(f"{selector} [data-name]").evaluate_all(NUMBERS)


def moments(x):
    "Return mean and sd of each channel of a batch, by torch."
    x = torch.as_tensor(x)
    return {"mean": x.mean((0, 2, 3)).tolist(), "sd": x.std((0, 2, 3)).tolist()}


def normalized(explorer):
    x = torch.from_numpy(explorer.batch)
    return normalize(x, explorer.stats or NO_CHANGE)


def statistics_in_use(page):
    "Return mean and sd in use, [2,3 channels]."
    found = named(page, ".l7-normalize-swatch")
    return np.array([[found[f"{moment}.{c}"] for c in range(3)] for moment in MOMENTS])


def random_explorer(rng):
    explorer = NormalizeExplorer(
        kind=rng.choice(KINDS),
        show=rng.choice(["file", "model"]),
        draw=rng.randrange(40),
        bs=rng.randint(1, 32),
    )
    if explorer.kind == "own":
        explorer.own_mean = [round(rng.uniform(0, 1), 2) for _ in CHANNELS]
        explorer.own_std = [round(rng.uniform(0.1, 0.9), 2) for _ in CHANNELS]
    return explorer


def set_state(page, explorer):
    "Set the page to an explorer's state, by a link."
    state = {name: getattr(explorer, name) for name in ("draw", "bs", "kind", "show")}
    for i in range(3):
        state[f"own_mean.{i}"] = explorer.own_mean[i]
        state[f"own_std.{i}"] = explorer.own_std[i]
    page.evaluate(FOLLOW_LINK, "#" + "&".join(f"{name}={state[name]}" for name in state))
    wait_for_drawing(page)


def check_close(found, expected):
    assert found.keys() == expected.keys()
    off = {k: (found[k], expected[k]) for k in found if abs(found[k] - expected[k]) > TOLERANCE}
    assert off == {}


def check_formulas(page, explorer):
    "Check each number of the headline and the formulas, which are of red at first."
    before, after = moments(explorer.batch), moments(normalized(explorer))
    used = explorer.stats or NO_CHANGE
    mean, sd = used.mean[0], used.std[0]
    check_close(named(page, ".l7-headline"), {m: after[m][0] for m in MOMENTS})
    pixel, batch = page.locator(".l7-formula").evaluate_all(FORMULAS)
    x, z = (images[0, 0, CENTRE, CENTRE] for images in (explorer.batch, normalized(explorer)))
    check_close(pixel, dict(x=x, mean=mean, sd=sd, z=z))
    expected = {"mean": mean, "sd": sd, "sd again": sd}
    expected |= {f"{m} before": before[m][0] for m in MOMENTS}
    check_close(batch, expected | {f"{m} after": after[m][0] for m in MOMENTS})


def check_numbers(page, explorer):
    "Check the statistics in use, and the moments beside the histograms."
    used = explorer.stats or NO_CHANGE
    assert np.allclose(statistics_in_use(page), [used.mean, used.std], atol=TOLERANCE)
    expected = {}
    for when, images in dict(before=explorer.batch, after=normalized(explorer)).items():
        found = moments(images)
        expected |= {f"{when}.{c}.{m}": found[m][c] for m in MOMENTS for c in range(3)}
    check_close(named(page, ".l7-normalize-charts"), expected)


def check_pictures(page, explorer):
    "Check both pictures of the batch: each pixel, and how many there are."
    seen = (explorer.normalized - LOW) / (HIGH - LOW)
    for found, images in zip(canvas_images(page), (explorer.batch, seen), strict=True):
        expected = image_grid(np.clip(images, 0, 1)) * 255
        is_filled = found[..., 3] == OPAQUE
        assert is_filled.sum() == explorer.bs * IMAGE_SIDE**2, explorer
        assert abs(found[..., :3] - expected)[is_filled].max() <= 1, explorer


def check_code(page, explorer):
    "Check that the code is Python's, and that it gives the numbers on screen."
    code = page.locator(".l7-code").text_content()
    assert code == explorer.code()
    names = {}
    exec(code, names)
    assert np.allclose(names["x"], explorer.batch) and np.allclose(names["z"], explorer.normalized)
    check_close(named(page, ".l7-headline"), {m: moments(names["z"])[m][0] for m in MOMENTS})


@random_state_counts
def test_random_states_equal_python(open_explorer, count):
    page = open_explorer("NormalizeExplorer")
    rng = random.Random(42)
    for _ in range(count):
        explorer = random_explorer(rng)
        set_state(page, explorer)
        assert page.locator(".l7-headline").inner_text().startswith(STARTS[explorer.kind])
        check_formulas(page, explorer)
        check_numbers(page, explorer)
        check_pictures(page, explorer)
        check_code(page, explorer)


def test_code_of_large_means_and_of_given_statistics(open_explorer):
    explorer = NormalizeExplorer(stats=([0.5, 0.4, 0.3], [0.3, 0.2, 0.25]), bs=2)
    page = open_explorer(explorer)
    check_code(page, explorer)
    explorer.kind, explorer.own_mean = "own", [1.5, 2, 3]
    set_state(page, explorer)
    check_code(page, explorer)


def drag(page, handle, dx):
    "Drag a handle by some pixels of the screen; return how far that is on the histogram's axis."
    grip = handle.locator(".l7-grip").bounding_box()
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y)
    page.mouse.up()
    wait_for_drawing(page)
    axis = page.locator(".l7-normalize-charts svg > line").first.bounding_box()
    return dx / axis["width"]


def test_handles_change_own_statistics(open_explorer):
    page = open_explorer("NormalizeExplorer", viewport=dict(width=1100, height=900))
    expected = statistics_in_use(page)
    left, right, mean = range(3)
    moves = [  # channel, handle, pixels, the moment that changes, and the sign of its change
        (0, mean, 40, 0, 1),
        (1, right, 30, 1, 1),
        (2, left, 20, 1, -1),
        (0, right, -50, 1, -1),
    ]
    for channel, handle, dx, moment, sign in moves:
        share = drag(page, page.locator("[data-handle]").nth(3 * channel + handle), dx)
        expected[moment, channel] += sign * abs(share)
        assert abs(statistics_in_use(page) - expected).max() < FINEST_DRAG
        expected = statistics_in_use(page)
        expect(page.get_by_label("Normalize with")).to_have_value("own")


def test_scrubbed_result_changes_own_statistics(open_explorer):
    page = open_explorer("NormalizeExplorer")
    mean, sd = (page.locator(f".l7-headline [data-name={name}]") for name in MOMENTS)
    mean.press("Home")
    assert abs(named(page, ".l7-headline")["mean"] - LOW) < 0.01
    sd.press("ArrowRight")
    sd.press("PageDown")
    expect(page.get_by_label("Normalize with")).to_have_value("own")


def outlines(page):
    "Return the outlines of the histograms of the picture that is pointed at."
    wait_for_drawing(page)
    return page.locator(".l7-normalize-one").evaluate_all(OUTLINES)


def formula_value(page, name):
    return page.locator(".l7-formula").evaluate_all(FORMULAS)[0][name]


def test_pointing_at_a_picture(open_explorer):
    explorer = NormalizeExplorer()
    page = open_explorer("NormalizeExplorer")
    picture = page.locator(".l7-normalize-grid").first
    box = picture.bounding_box()
    shift = 0.5 * box["width"] / 4 / IMAGE_SIDE
    page.mouse.move(
        box["x"] + 0.375 * box["width"] + shift, box["y"] + 0.625 * box["width"] + shift
    )
    assert all(outlines(page))
    x = explorer.batch[9, 0, CENTRE, CENTRE]  # the third row's second picture
    assert abs(formula_value(page, "x") - x) < TOLERANCE
    page.mouse.move(1, 1)
    assert not any(outlines(page))
    assert abs(formula_value(page, "x") - x) < TOLERANCE  # the formula keeps the pixel


def test_keys_lead_from_picture_to_picture(open_explorer):
    explorer = NormalizeExplorer()
    page = open_explorer("NormalizeExplorer")
    picture = page.get_by_role("application", name="The batch")
    picture.press("ArrowRight")
    picture.press("ArrowDown")
    picture.press("Shift+ArrowLeft")
    assert all(outlines(page))
    x = explorer.batch[5, 0, CENTRE, CENTRE - 1]
    assert abs(formula_value(page, "x") - x) < TOLERANCE
    picture.press("Tab")
    assert not any(outlines(page))


def test_channel_is_shown_alone(open_explorer):
    page = open_explorer("NormalizeExplorer")
    green = page.get_by_role("button", name="green", exact=True)
    coloured = canvas_images(page)[0]
    green.focus()
    picture = canvas_images(page)[0]
    assert (picture[..., :3] == coloured[..., 1:2]).all()
    assert page.locator(".l7-headline").inner_text().endswith("in green")
    green.press("Enter")
    page.get_by_label("Normalize with").focus()
    assert (canvas_images(page)[0] == picture).all()
    green.press("Enter")
    page.get_by_label("Normalize with").focus()
    assert (canvas_images(page)[0] == coloured).all()


def test_keys_choose_the_batch(open_explorer):
    page = open_explorer("NormalizeExplorer")
    first = named(page, ".l7-normalize-charts")
    page.get_by_label("Batch", exact=True).press("ArrowRight")
    second = named(page, ".l7-normalize-charts")
    assert abs(first["before.0.mean"] - second["before.0.mean"]) > 1e-3
    expect(page.get_by_text("2 of 40", exact=True)).to_be_visible()
    page.get_by_role("button", name="Another batch").press("Enter")
    expect(page.get_by_text("3 of 40", exact=True)).to_be_visible()
    page.get_by_label("Batch size").press("End")
    after = named(page, ".l7-normalize-charts")  # all images are the whole dataset
    assert np.allclose([after[f"after.{c}.mean"] for c in range(3)], 0, atol=TOLERANCE)
    assert np.allclose([after[f"after.{c}.sd"] for c in range(3)], 1, atol=TOLERANCE)


def test_keys_choose_the_statistics_and_the_large_picture(open_explorer):
    page = open_explorer("NormalizeExplorer")
    page.get_by_label("Normalize with").press_sequentially("none")
    assert (statistics_in_use(page) == [[0] * 3, [1] * 3]).all()
    seen = canvas_images(page)[1]
    levels = seen[seen[..., 3] == OPAQUE][:, :3]
    assert levels.min() >= 127  # images that are not normalized have no value below 0
    grids = page.locator(".l7-normalize-grid")
    widths = [grid.bounding_box()["width"] for grid in grids.all()]
    page.get_by_label("Large pictures").press_sequentially("as the")
    wait_for_drawing(page)
    assert widths[0] > widths[1]
    widths = [grid.bounding_box()["width"] for grid in grids.all()]
    assert widths[0] < widths[1]


def test_standard_deviation_of_zero_is_not_used(open_explorer):
    page = open_explorer("NormalizeExplorer")
    page.get_by_label("Normalize with").select_option("own")
    before = statistics_in_use(page)
    field = page.get_by_label("red sd", exact=True)
    for text in ("0", "-1"):
        field.fill(text)
        expect(field).to_have_attribute("aria-invalid", "true")
        assert (statistics_in_use(page) == before).all()
    field.fill("0.25")
    expect(field).to_have_attribute("aria-invalid", "false")
    assert statistics_in_use(page)[1, 0] == 0.25


def test_batch_of_all_images_is_not_called_different_from_the_next(open_explorer):
    page = open_explorer("NormalizeExplorer")
    page.get_by_label("Normalize with").select_option("batch")
    sentence = page.locator(".l7-note", has_text="Exactly mean 0")
    size = page.get_by_label("Batch size", exact=True)
    expect(sentence).to_contain_text("the next batch would be shifted")
    size.fill(size.get_attribute("max"))
    expect(sentence).to_contain_text("the next one has the same")


def test_count_of_correct_predictions(open_explorer):
    explorer = normalize_with_predictions(bs=5)
    page = open_explorer(explorer)
    line = page.locator(".l7-note", has_text="The model:")
    confidence = np.mean([0.5 + i / 100 for i in explorer.draws[0][:5]])
    for kind, correct in dict(dataset=5, none=0, imagenet=0).items():
        page.get_by_label("Normalize with").select_option(kind)
        wait_for_drawing(page)
        expected = f"The model: {correct} of 5 right, on average {confidence:.2f} sure."
        assert line.inner_text() == expected
        assert values(page, ".l7-note[data-value]") == [correct]
    page.get_by_label("Batch normalization").select_option("batch")
    wait_for_drawing(page)
    assert values(page, ".l7-note[data-value]") == [5]
    assert (
        page.get_by_text("The model, with batch normalization of all pictures here:").count() == 1
    )


def test_batches_and_statistics_without_predictions(open_explorer):
    page = open_explorer(normalize_with_predictions(bs=5))
    page.get_by_label("Normalize with").select_option("batch")
    page.get_by_text("was asked about batches of 16").wait_for()
    page.get_by_label("Batch size").fill("16")
    page.get_by_text("of 16 right").wait_for()
    page.get_by_label("Normalize with").select_option("own")
    page.get_by_text("not asked about these numbers").wait_for()
