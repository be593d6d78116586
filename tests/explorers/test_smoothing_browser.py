"SmoothingExplorer in a browser: its view computes the same as Python."

import math
import random

import numpy as np
import pytest
from browser import values, wait_for_drawing
from explorer_examples import HOSTILE_NAMES, random_state_counts

from lesson7.explorers.smoothing import SmoothingExplorer

MAX_BARS = 10
MAX_FILE_SIZE = 1_000_000  # bytes
LESSON_BARS = [0.01] * 3 + [0.91] + [0.01] * 6
BARS = ".l7-bars > span:nth-child(3n):not([hidden])"
BAR_NAMES = ".l7-bars > span:nth-child(3n+1):not([hidden])"
PLOT = ".l7-smoothing figure > svg"
PLOT_WIDTH, PLOT_HEIGHT = 560, 250  # px
LOGIT_RANGE = (-4, 16)

# x and y of the visible marks of the plot
MARK_POSITIONS = """(marks) => {
  const visible = marks.filter((mark) => mark.getAttribute("visibility") === "visible");
  return visible.map((mark) => {
    const [, position] = mark.getAttribute("transform").match(/translate\\((.*)\\)/);
    return position.split(/[ ,]+/).map(Number);
  });
}"""
# y of the points of each curve
CURVE_HEIGHTS = """(curves) => curves.map((curve) => {
  const points = curve.getAttribute("d").match(/[\\d.-]+ [\\d.-]+/g);
  return points.map((point) => Number(point.split(" ")[1]));
})"""


def table_numbers(page):
    "Return the table's numbers, [3 targets, 5]."
    return values(page, ".l7 td").reshape(3, 5)


def bar_names(page):
    wait_for_drawing(page)
    return page.locator(BAR_NAMES).all_text_contents()


def expected_bars(explorer):
    "Return a number for each class that is shown, and one for each of the others."
    target = explorer.targets[explorer.show]
    others = np.delete(target, explorer.shown)
    return np.append(target[explorer.shown], others[:1])


def expected_names(explorer):
    names = [f"class {i}" for i in explorer.shown]
    if explorer.n > MAX_BARS:
        names.append(f"each of the other {explorer.n - len(names)}")
    return names


def is_close(found, expected, tolerance=1e-6):
    "Return whether numbers are equal; infinite ones must be exactly equal."
    return found.shape == expected.shape and np.allclose(found, expected, atol=tolerance, rtol=0)


def random_explorer(rng, n):
    return SmoothingExplorer(
        n=n,
        label=rng.randrange(n),
        eps=round(rng.uniform(0, 0.99), 2),
        t=round(rng.uniform(0, 1), 2),
        p=round(rng.uniform(0.001, 0.999), 3),
        show=rng.choice(["hard", "smoothed", "mixed"]),
    )


def set_state(page, explorer):
    "Set the page's controls to an explorer's state."
    page.get_by_label("Loss against").select_option("p")
    fields = {
        "Classes, N": explorer.n,
        "True class": explorer.label,
        "eps": explorer.eps,
        "Mixed: weight t": explorer.t,
        "Confidence p": explorer.p,
    }
    for label, value in fields.items():
        page.get_by_label(label, exact=True).fill(str(value))
        wait_for_drawing(page)  # the range of "True class" follows N
    page.get_by_label("Show target").select_option(explorer.show)


def set_logit(page, explorer, z):
    "Set the logit of the true class in the page, and its confidence in Python."
    page.get_by_label("Loss against").select_option("logit")
    page.get_by_label("Logit of the true class").fill(str(z))
    explorer.p = math.exp(z) / (math.exp(z) + explorer.n - 1)


def test_lessons_example_is_the_first_state(open_explorer):
    page = open_explorer("SmoothingExplorer")
    assert values(page, BARS).tolist() == pytest.approx(LESSON_BARS)
    assert page.get_by_text("0.91 + 9 × 0.01 = 1").is_visible()
    texts = page.locator(BARS).all_text_contents()
    assert texts == ["0.01"] * 3 + ["0.91"] + ["0.01"] * 6


@random_state_counts
def test_random_states_equal_python(open_explorer, count):
    page = open_explorer("SmoothingExplorer")
    rng = random.Random(42)
    for i in range(count):
        n = [2, 3, 10, 11, 1000, rng.randint(2, 1000)][i % 6]
        explorer = random_explorer(rng, n)
        set_state(page, explorer)
        if i % 2:
            set_logit(page, explorer, z=rng.randint(-40, 159) / 10)
        assert is_close(table_numbers(page), explorer.numbers), explorer
        assert is_close(values(page, BARS), expected_bars(explorer), 1e-9), explorer
        assert bar_names(page) == expected_names(explorer), explorer


def plot_x(p, z, against):
    low, high = LOGIT_RANGE
    share = p if against == "p" else (z - low) / (high - low)
    return share * PLOT_WIDTH


def plot_y(loss, n):
    return PLOT_HEIGHT * (1 - loss / (1.6 * math.log(n)))


def lowest_loss(q, n):
    "Return the entropy of a target of `q` for the true class and the rest spread evenly."
    return -(q * math.log(q) + (1 - q) * math.log((1 - q) / (n - 1)))


@pytest.mark.parametrize("against", ["p", "logit"])
def test_marks_in_the_plot_are_at_the_losses(open_explorer, against):
    page = open_explorer("SmoothingExplorer")
    page.get_by_label("Loss against").select_option(against)
    wait_for_drawing(page)
    explorer = SmoothingExplorer()
    n, p = explorer.n, explorer.p
    x = plot_x(p, math.log(p * (n - 1) / (1 - p)), against)
    dots = [[x, plot_y(loss, n)] for _, loss, _, _, _ in explorer.numbers]
    found = page.locator(f"{PLOT} circle").evaluate_all(MARK_POSITIONS)
    assert np.allclose(found, dots, atol=0.01)

    diamonds = []
    for q, _, _, best_p, best_z in explorer.numbers[1:]:
        diamonds.append([plot_x(best_p, best_z, against), plot_y(lowest_loss(q, n), n)])
    *found, arrow = page.locator(f"{PLOT} path[transform]").evaluate_all(MARK_POSITIONS)
    assert np.allclose(found, diamonds, atol=0.01)
    assert arrow[0] == PLOT_WIDTH  # the loss of the hard target falls up to the end


def test_only_the_loss_of_a_hard_target_always_falls(open_explorer):
    page = open_explorer("SmoothingExplorer")
    for against in ("p", "logit"):
        page.get_by_label("Loss against").select_option(against)
        wait_for_drawing(page)
        curves = page.locator(f"{PLOT} path[fill=none]").evaluate_all(CURVE_HEIGHTS)
        hard, smoothed, mixed = map(np.diff, curves)
        assert (hard >= 0).all()  # downwards, y is larger
        assert (smoothed < 0).any() and (mixed < 0).any()


def test_keys_set_the_numbers(open_explorer):
    page = open_explorer("SmoothingExplorer")
    page.get_by_label("Confidence p").press("ArrowLeft")
    assert table_numbers(page)[0, 2] == pytest.approx(-0.051)
    page.get_by_label("eps", exact=True).press("ArrowRight")
    assert table_numbers(page)[1, 0] == pytest.approx(0.901)
    page.get_by_label("Classes, N").press("ArrowUp")
    assert table_numbers(page)[1, 0] == pytest.approx(0.89 + 0.11 / 11)
    page.get_by_label("True class", exact=True).press("End")
    assert page.get_by_label("True class", exact=True).input_value() == "10"
    assert bar_names(page)[-2] == "class 10"
    page.get_by_label("Mixed: weight t").press("ArrowLeft")
    assert table_numbers(page)[2, 0] == pytest.approx(0.69)


def test_keys_choose_target_axis_and_example(open_explorer):
    page = open_explorer("SmoothingExplorer")
    page.get_by_label("eps", exact=True).fill("0.5")
    page.get_by_label("Show target").press_sequentially("hard")
    assert values(page, BARS).max() == 1
    page.get_by_role("button", name="The lesson's example").press("Enter")
    assert values(page, BARS).tolist() == pytest.approx(LESSON_BARS)
    page.get_by_label("Loss against").press_sequentially("the logit")
    page.get_by_label("Logit of the true class").press("Home")
    confidence = math.exp(-4) / (math.exp(-4) + 9)
    assert table_numbers(page)[0, 2] == pytest.approx(confidence - 1)


def test_invalid_number_of_classes_is_not_used(open_explorer):
    page = open_explorer("SmoothingExplorer")
    before = table_numbers(page)
    field = page.get_by_label("Classes, N")
    for text in ("1", "0", "1001", "2.5", ""):
        field.fill(text)
        assert field.get_attribute("aria-invalid") == "true"
        assert (table_numbers(page) == before).all()
    field.fill("2")
    assert field.get_attribute("aria-invalid") == "false"
    assert len(values(page, BARS)) == 2
    assert page.get_by_label("True class", exact=True).input_value() == "1"  # the last class


def test_bars_have_the_class_names(open_explorer):
    page = open_explorer(SmoothingExplorer(HOSTILE_NAMES))
    assert bar_names(page) == HOSTILE_NAMES


def test_thousand_class_names(open_explorer, tmp_path):
    explorer = SmoothingExplorer(["x" * 200] * 1000, label=999)
    assert explorer.save(tmp_path / "names.html").stat().st_size < MAX_FILE_SIZE
    page = open_explorer(explorer)
    names = bar_names(page)
    assert names[0] == "x" * 200 and names[-1] == "each of the other 992"
    numbers = values(page, BARS)
    assert numbers.max() == pytest.approx(0.9001) and numbers[-1] == pytest.approx(0.0001)
    assert "0.0001" in page.locator(".l7-bars").inner_text()  # not rounded to zero


def test_label_of_the_plot_describes_the_losses(open_explorer):
    page = open_explorer("SmoothingExplorer")
    plot = page.locator(PLOT)
    before = plot.get_attribute("aria-label")
    page.get_by_label("Confidence p").fill("0.5")
    wait_for_drawing(page)
    after = plot.get_attribute("aria-label")
    assert after != before and "At confidence 0.500: hard 0.693" in after
