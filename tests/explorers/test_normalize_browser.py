"NormalizeExplorer in a browser: its view computes the same as Python."

import random

import numpy as np
from browser import canvas_images, values, wait_for_drawing
from explorer_examples import normalize_with_predictions, random_state_counts

from lesson7.data.images import image_grid
from lesson7.explorers.normalize import CHANNELS, NormalizeExplorer, channel_stats
from lesson7.normalize import NormStats

KINDS = ("none", "batch", "dataset", "imagenet", "own")
IMAGE_SIDE = 64  # px
NO_CHANGE = NormStats([0] * 3, [1] * 3)
OPAQUE = 255
LOW, HIGH = -3, 3  # normalized values that are shown as black and white


def table_numbers(page):
    "Return the table's numbers, [3 channels, 6]."
    return values(page, ".l7 td").reshape(3, 6)


def expected_numbers(explorer):
    before = channel_stats(explorer.batch)
    used = explorer.stats or NO_CHANGE
    after = channel_stats(explorer.normalized)
    columns = [before.mean, before.std, used.mean, used.std, after.mean, after.std]
    return np.array(columns).T


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
    "Set the page's controls to an explorer's state."
    page.get_by_label("Batch", exact=True).fill(str(explorer.draw))
    page.get_by_label("Images in it").fill(str(explorer.bs))
    page.get_by_label("Show pictures").select_option(explorer.show)
    page.get_by_label("Normalize with").select_option(explorer.kind)
    if explorer.kind == "own":
        for i, channel in enumerate(CHANNELS):
            mean, std = explorer.own_mean[i], explorer.own_std[i]
            page.get_by_label(f"{channel} mean", exact=True).fill(str(mean))
            page.get_by_label(f"{channel} sd", exact=True).fill(str(std))


def check_picture(page, explorer):
    "Check the batch's picture: each pixel, and how many there are."
    images = explorer.batch
    if explorer.show == "model":
        images = (explorer.normalized - LOW) / (HIGH - LOW)
    expected = image_grid(np.clip(images, 0, 1)) * 255
    found = canvas_images(page)[0]
    is_filled = found[..., 3] == OPAQUE
    assert is_filled.sum() == explorer.bs * IMAGE_SIDE**2, explorer
    assert abs(found[..., :3] - expected)[is_filled].max() <= 1, explorer


@random_state_counts
def test_random_states_equal_python(open_explorer, count):
    page = open_explorer("NormalizeExplorer")
    rng = random.Random(42)
    for _ in range(count):
        explorer = random_explorer(rng)
        set_state(page, explorer)
        assert abs(table_numbers(page) - expected_numbers(explorer)).max() < 1e-6, explorer
        check_picture(page, explorer)


def test_keys_choose_the_batch(open_explorer):
    page = open_explorer("NormalizeExplorer")
    first = table_numbers(page)
    page.get_by_label("Batch", exact=True).press("ArrowRight")
    second = table_numbers(page)
    assert abs(first - second)[:, :2].max() > 1e-3
    assert page.get_by_text("2 of 40").is_visible()
    page.get_by_role("button", name="Another batch").press("Enter")
    assert page.get_by_text("3 of 40").is_visible()
    page.get_by_label("Images in it").press("End")
    # All images are the whole dataset.
    assert np.allclose(table_numbers(page)[:, 4:], [[0, 1]] * 3, atol=1e-6)


def test_keys_choose_the_statistics_and_the_picture(open_explorer):
    page = open_explorer("NormalizeExplorer")
    page.get_by_label("Normalize with").press_sequentially("none")
    assert (table_numbers(page)[:, 2:4] == [[0, 1]] * 3).all()
    page.get_by_label("Show pictures").press_sequentially("as the")
    picture = canvas_images(page)[0]
    levels = picture[picture[..., 3] == OPAQUE][:, :3]
    assert levels.min() >= 127  # images that are not normalized have no value below 0


def test_standard_deviation_of_zero_is_not_used(open_explorer):
    page = open_explorer("NormalizeExplorer")
    page.get_by_label("Normalize with").select_option("own")
    before = table_numbers(page)
    field = page.get_by_label("red sd", exact=True)
    for text in ("0", "-1"):
        field.fill(text)
        assert field.get_attribute("aria-invalid") == "true"
        assert (table_numbers(page) == before).all()
    field.fill("0.25")
    assert field.get_attribute("aria-invalid") == "false"
    assert table_numbers(page)[0, 3] == 0.25


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


def test_batches_and_statistics_without_predictions(open_explorer):
    page = open_explorer(normalize_with_predictions(bs=5))
    page.get_by_label("Normalize with").select_option("batch")
    page.get_by_text("was asked about batches of 16").wait_for()
    page.get_by_label("Images in it").fill("16")
    page.get_by_text("of 16 right").wait_for()
    page.get_by_label("Normalize with").select_option("own")
    page.get_by_text("not asked about your own numbers").wait_for()
