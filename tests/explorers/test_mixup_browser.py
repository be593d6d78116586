"MixupExplorer in a browser: its view computes the same as Python."

import random
import re

import numpy as np
import pytest
import torch
from browser import canvas_images, values, wait_for_drawing
from explorer_examples import HOSTILE_NAMES, random_state_counts
from explorer_page import PAGE_WIDTH, drag, line_numbers, panel_code, run_code
from learners import linear_learner
from PIL import Image

from lesson7.data.samples import photos
from lesson7.explorers.mixup import MixupExplorer
from lesson7.mixup import ALPHAS

BARS = ".l7-mixup-low .l7-bars > :nth-child(3n):visible"
LEARNER_BARS = ".l7-two .l7-bars > :nth-child(3n):visible"
MAX_FILE_SIZE = 1_000_000  # bytes
OPAQUE = 255
PLOT_WIDTH, PLOT_HEIGHT = 420, 96  # of the density, px
MAX_DENSITY = 5  # at the top of the plot
LESSON_TARGET = [0, 0, 0.3, 0, 0, 0, 0, 0.7, 0, 0]
DIRECTION_AND_QUOTES = re.compile("[\u2068\u2069“”]")

DOT_POSITIONS = "(dots) => dots.map((dot) => Number(dot.getAttribute('cx')))"
LINE_POSITION = "(line) => Number(line.getAttribute('x1'))"
CAPTIONS = "(charts) => charts.map((chart) => chart.parentElement.firstChild.textContent)"
LABELS = "(nodes) => nodes.map((node) => node.getAttribute('aria-label'))"
BAR_NAMES = """(chart) => {
  const names = [...chart.children].filter((_, i) => i % 3 === 0);
  return names.map((name) => name.textContent);
}"""


def random_images(n):
    return torch.rand((n, 3, 20, 20), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def learners(small):
    "Two untrained models of 10 classes, whose predictions for a blend differ."
    from fastai.vision.all import CrossEntropyLossFlat

    torch.manual_seed(0)
    return [linear_learner(small, CrossEntropyLossFlat()) for _ in range(2)]


def set_state(page, explorer):
    "Set the page's controls to an explorer's state."
    page.get_by_label("First picture", exact=True).select_option(str(explorer.first))
    page.get_by_label("Second picture", exact=True).select_option(str(explorer.second))
    page.get_by_label("Weight λ", exact=True).fill(str(explorer.t))
    page.get_by_label("α of Beta").select_option(f"{explorer.alpha:g}")
    page.get_by_label("Weight kept").select_option(explorer.keep)


def check_images(page, explorer):
    "Check both images, which are exact, and the blend, which is rounded to whole levels."
    a, b = explorer.images[explorer.first], explorer.images[explorer.second]
    expected = {"first": (a, 0), "second": (b, 0), "blend": (explorer.blend, 0.5)}
    found = canvas_images(page)
    assert len(found) == len(expected)
    for image, (name, (pixels, rounding)) in zip(found, expected.items()):
        difference = abs(image[..., :3] - 255 * pixels.transpose(1, 2, 0))
        assert (image[..., 3] == OPAQUE).all(), name
        assert difference.max() <= rounding + 1e-4, (name, explorer)


def check_targets(page, explorer):
    "Check the targets that are written below the images."
    texts = page.locator(".l7-mixup-sum code").all_inner_texts()
    *pair, mixed = [[float(x) for x in text.strip("[]").split(", ")] for text in texts]
    assert np.allclose(pair, explorer.targets)
    assert np.allclose(mixed, explorer.target, atol=0.0051)  # two decimals


def check_lines(page, explorer):
    "Check the numbers of the headline and of the formulas."
    a, b = explorer.targets.argmax(1)
    expected = dict(t=explorer.t, rest=1 - explorer.t, target1=explorer.target[a])
    if a != b:
        expected["target2"] = explorer.target[b]
    found = line_numbers(page)
    assert found == pytest.approx(expected, abs=1e-9), explorer


def check_code(page, explorer):
    "Check the Code panel: the text is Python's, and it computes what is on screen."
    assert panel_code(page) == explorer.code()
    found = run_code(explorer.code())
    assert np.allclose(found["target"], explorer.target, atol=1e-6), explorer
    assert abs(np.asarray(found["blend"]) - explorer.blend).max() < 1e-6, explorer


def random_explorer(rng):
    return MixupExplorer(
        first=rng.randrange(9),
        second=rng.randrange(9),
        t=round(rng.random(), 2),
        alpha=rng.choice(ALPHAS),
        keep=rng.choice(["half", "any"]),
    )


@random_state_counts
def test_random_states_equal_python(open_explorer, count):
    page = open_explorer("MixupExplorer")
    rng = random.Random(42)
    for _ in range(count):
        explorer = random_explorer(rng)
        set_state(page, explorer)
        is_lesson = rng.random() < 0.3
        if is_lesson:
            page.get_by_role("button", name="The lesson's example").click()
            explorer.classes, explorer.t = "lesson", 0.3
        assert abs(values(page, BARS) - explorer.target).max() < 1e-6, explorer
        check_images(page, explorer)
        check_targets(page, explorer)
        check_lines(page, explorer)
        check_code(page, explorer)
        page.get_by_label("Classes").select_option("own")


def drawn_weights(explorer):
    "Return the weights that were drawn so far."
    weights = np.array(explorer.lambdas[explorer.alphas.index(explorer.alpha)][: explorer.drawn])
    return np.maximum(weights, 1 - weights) if explorer.keep == "half" else weights


def check_density_plot(page, explorer):
    "Check a dot for each drawn weight, and the line at the present weight."
    dots = page.locator(".l7 circle[visibility=visible]").evaluate_all(DOT_POSITIONS)
    assert np.allclose(np.array(dots) / PLOT_WIDTH, drawn_weights(explorer), atol=1e-6)
    line = page.locator(".l7 line[stroke-width='2']").evaluate(LINE_POSITION)
    assert abs(line / PLOT_WIDTH - explorer.t) < 1e-6


def test_drawn_weights_equal_python(open_explorer):
    page = open_explorer("MixupExplorer")
    explorer = MixupExplorer()
    for alpha, keep in ((0.4, "half"), (0.1, "any"), (4.0, "half"), (1.0, "any")):
        explorer.alpha, explorer.keep = alpha, keep
        page.get_by_label("α of Beta").select_option(f"{alpha:g}")
        page.get_by_label("Weight kept").select_option(keep)
        for _ in range(5):
            page.get_by_role("button", name="Draw a weight").click()
            explorer.drawn += 1
            explorer.t = drawn_weights(explorer)[-1]
            assert abs(values(page, BARS) - explorer.target).max() < 1e-6
        check_images(page, explorer)
        check_density_plot(page, explorer)


def density_heights(page):
    "Return the y-coordinates of the density's outline."
    outline = page.locator(".l7 svg path").first.get_attribute("d")
    return [float(y) for y in re.findall(r"V([\d.]+)h", outline)]


def test_density_is_folded_at_one_half(open_explorer):
    page = open_explorer("MixupExplorer")
    explorer = MixupExplorer()
    density = np.array(explorer.curves[explorer.alphas.index(0.4)])
    folded = np.where(np.arange(len(density)) < len(density) / 2, 0, 2 * density)
    for keep, expected in {"half": folded, "any": density}.items():
        page.get_by_label("Weight kept").select_option(keep)
        wait_for_drawing(page)
        shares = np.minimum(expected, MAX_DENSITY) / MAX_DENSITY
        assert np.allclose(density_heights(page), PLOT_HEIGHT * (1 - shares), atol=0.06)


def test_button_shows_the_lessons_example(open_explorer):
    page = open_explorer(MixupExplorer(first=5, second=5, t=0.9))
    page.get_by_role("button", name="The lesson's example").click()
    assert np.allclose(values(page, BARS), LESSON_TARGET, atol=1e-12)
    assert (
        page.locator(".l7-mixup-sum code").nth(2).inner_text()
        == "[0, 0, 0.3, 0, 0, 0, 0, 0.7, 0, 0]"
    )


@pytest.fixture
def learned(learners):
    "An explorer of five images with the predictions of two learners."
    x, y = learners[0].dls.valid.one_batch()
    return MixupExplorer(x[:5], y[:5], learn=learners, side=32)


def check_predictions(page, explorer):
    "Check the bars of the target and of both learners, and how much each misplaces."
    assert abs(values(page, BARS) - explorer.target).max() < 1e-6, explorer
    expected = np.concatenate(explorer.predicted)
    assert abs(values(page, LEARNER_BARS) - expected).max() < 1e-6, explorer
    difference = explorer.predicted - explorer.on_rows(explorer.target)
    misplaced = abs(difference).sum(1) / 2
    captions = page.locator(".l7-two .l7-bars").evaluate_all(CAPTIONS)
    shown = [float(re.search(r"([\d.]+) misplaced", text)[1]) for text in captions]
    assert np.allclose(shown, misplaced.round(2), atol=0.011, rtol=0), captions


@random_state_counts
def test_random_states_with_learners_equal_python(open_explorer, learned, count):
    page = open_explorer(learned)
    rng = random.Random(1)
    for _ in range(count):
        learned.first = rng.randrange(5)
        learned.second = rng.randrange(5)
        learned.t = rng.randrange(21) / 20
        set_state(page, learned)
        check_predictions(page, learned)


def test_weights_with_learners_have_steps(open_explorer, learned):
    page = open_explorer(learned)
    weight = page.get_by_label("Weight λ", exact=True)
    assert weight.get_attribute("step") == "0.05"
    page.get_by_role("button", name="Draw a weight").click()
    wait_for_drawing(page)
    assert abs(20 * float(weight.input_value()) % 1) < 1e-9
    linked = open_explorer(learned, link="#t=0.42").locator(".l7-headline [data-scrub=t]")
    assert float(linked.get_attribute("data-value")) == 0.4
    page.get_by_role("button", name="The lesson's example").click()
    assert len(values(page, BARS)) == 10  # without predictions: the learners know other classes


def test_size_of_a_saved_explorer_with_learners(learners, tmp_path):
    images = list(photos().values())[:6]
    explorer = MixupExplorer(images, list(range(6)), learn=learners, side=32)
    assert explorer.save(tmp_path / "mixup.html").stat().st_size < MAX_FILE_SIZE


def test_dragging_the_picture_and_the_bars_changes_the_weight(open_explorer):
    page = open_explorer("MixupExplorer")
    weight = page.locator("[data-trait=t]")
    blend = page.locator("canvas[data-handle=t]")
    width = blend.bounding_box()["width"]
    drag(page, blend, width / 4, 0)  # a quarter of the picture, a quarter of the weight
    assert float(weight.input_value()) == pytest.approx(0.55, abs=0.011)
    first, second = page.locator(".l7-mixup-low .l7-bars [data-handle=t]:visible").all()
    for bar, sign in ((first, 1), (second, -1)):
        width = bar.bounding_box()["width"]
        drag(page, bar, 0.2 * width, 0)  # from its middle
        expected = 0.5 + sign * 0.2
        assert float(weight.input_value()) == pytest.approx(expected, abs=0.011)
    grip = page.locator("svg [data-handle=t]")
    plot = page.locator("svg:has([data-handle=t])").bounding_box()["width"]
    drag(page, grip, 0.2 * plot * PLOT_WIDTH / (PLOT_WIDTH + 16), 0)
    assert float(weight.input_value()) == pytest.approx(0.3 + 0.2, abs=0.02)


def test_thumbnails_choose_the_pictures(open_explorer):
    page = open_explorer("MixupExplorer")
    page.get_by_role("button", name="first picture: rocket").click()
    page.get_by_role("button", name="second picture: retina").click()
    bars = values(page, BARS)
    assert bars[5] == 0.3 and bars[8] == 0.7


def test_keys_choose_images_and_weight(open_explorer):
    page = open_explorer("MixupExplorer")
    page.get_by_label("First picture", exact=True).press_sequentially("rocket")
    assert values(page, BARS)[5] == 0.3
    page.get_by_label("Second picture", exact=True).press_sequentially("retina")
    assert values(page, BARS)[8] == 0.7
    page.get_by_label("Weight λ", exact=True).press("ArrowRight")
    assert values(page, BARS)[5] == 0.31
    page.get_by_role("button", name="Draw a weight").press("Enter")
    assert values(page, BARS)[5] >= 0.5
    assert page.get_by_text("Drawn so far: 1,").is_visible()


def test_keys_choose_the_distribution_and_the_example(open_explorer):
    page = open_explorer("MixupExplorer")
    page.get_by_role("button", name="Draw a weight").press("Enter")
    page.get_by_label("α of Beta").press_sequentially("4")
    page.get_by_label("Weight kept").press("ArrowDown")
    wait_for_drawing(page)
    assert page.get_by_role("img", name="density of Beta(4, 4), 1 draws").is_visible()
    page.get_by_role("button", name="The lesson's example").press("Space")
    bars = values(page, BARS)
    assert len(bars) == 10 and bars[2] == 0.3
    page.get_by_label("Classes").press("ArrowUp")
    assert len(values(page, BARS)) == 9


def note(page):
    "Return what is written below the bars, without quotation marks."
    wait_for_drawing(page)
    return DIRECTION_AND_QUOTES.sub("", page.locator(".l7-mixup-low .l7-note").first.inner_text())


def test_texts_describe_the_state(open_explorer):
    page = open_explorer("MixupExplorer")
    page.get_by_label("Weight λ", exact=True).fill("0.85")
    page.get_by_label("First picture", exact=True).select_option("8")
    wait_for_drawing(page)
    labels = page.locator(".l7 canvas:not(button canvas)").evaluate_all(LABELS)
    assert [DIRECTION_AND_QUOTES.sub("", label) for label in labels] == [
        "first picture: retina",
        "second picture: coffee",
        "blend: 0.85 of retina and 0.15 of coffee",
    ]
    assert "says 0.85 for retina" in note(page)
    page.get_by_label("Second picture", exact=True).select_option("8")
    assert "stays one-hot" in note(page)
    page.get_by_label("Second picture", exact=True).select_option("0")
    page.get_by_label("Weight λ", exact=True).fill("1")
    assert "ordinary training example" in note(page)


def test_thousand_long_class_names(open_explorer):
    n = len(HOSTILE_NAMES)
    names = HOSTILE_NAMES + [f"c{i} " + "long " * 40 for i in range(1000 - n)]
    explorer = MixupExplorer(random_images(n), list(range(n)), names)
    page = open_explorer(explorer, viewport=dict(width=360, height=800))
    for i in range(n):
        page.get_by_label("First picture", exact=True).select_option(str(i))
        wait_for_drawing(page)
        assert page.evaluate(PAGE_WIDTH) <= 360
    shown = page.locator(".l7-mixup-low .l7-bars").first.evaluate(BAR_NAMES)
    assert shown == [*HOSTILE_NAMES, f"the other {1000 - n} classes"]


def test_bars_of_few_classes_are_their_names(open_explorer):
    n = len(HOSTILE_NAMES)
    page = open_explorer(MixupExplorer(random_images(n), list(range(n)), HOSTILE_NAMES))
    assert page.locator(".l7-mixup-low .l7-bars").first.evaluate(BAR_NAMES) == HOSTILE_NAMES


@pytest.mark.parametrize("n, labels", [(1, [0, 0]), (2, [0, 1]), (13, [12, 12]), (1000, [3, 999])])
def test_any_number_of_classes(open_explorer, n, labels):
    explorer = MixupExplorer(random_images(2), labels, [f"c{i}" for i in range(n)], t=0.25)
    page = open_explorer(explorer)
    assert abs(values(page, BARS) - explorer.on_rows(explorer.target)).max() < 1e-6
    check_images(page, explorer)


def test_one_image_is_mixed_with_itself(open_explorer):
    explorer = MixupExplorer([Image.new("RGB", (1, 1), (9, 200, 30))])
    page = open_explorer(explorer)
    check_images(page, explorer)
    assert values(page, BARS).tolist() == [1]
