"SmoothingExplorer in a browser: its view computes the same as Python."

import math
import random

import numpy as np
import pytest
import torch
from browser import values, wait_for_drawing
from explorer_examples import HOSTILE_NAMES, random_state_counts
from explorer_page import FOLLOW_LINK
from playwright.sync_api import expect

from lesson7.explorers.smoothing import SmoothingExplorer
from lesson7.mixup import mix, one_hot
from lesson7.smoothing import smooth_labels

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
    const { e, f } = new DOMMatrix(mark.style.transform.replace(/scale.*/, ""));
    return [e, f];
  });
}"""
# [name, number] of all numbers of the headline and the formulas
NAMED_NUMBERS = """(nodes) => nodes.map(({ dataset }) => [dataset.name, Number(dataset.value)])"""
# y of the points of each curve
CURVE_HEIGHTS = """(curves) => curves.map((curve) => {
  const points = curve.getAttribute("d").match(/[\\d.-]+ [\\d.-]+/g);
  return points.map((point) => Number(point.split(" ")[1]));
})"""


def control(page, trait):
    return page.locator(f"[data-trait={trait}]")


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
    control(page, "against").select_option("p")
    for trait in ("n", "label", "eps", "t", "p"):
        control(page, trait).fill(str(getattr(explorer, trait)))
        wait_for_drawing(page)  # the range of "True class" follows N
    control(page, "show").select_option(explorer.show)
    wait_for_drawing(page)


def set_logit(page, explorer, z):
    "Set the logit of the true class in the page, and its confidence in Python."
    control(page, "against").select_option("logit")
    page.get_by_label("Logit of the true class").fill(str(z))
    wait_for_drawing(page)
    explorer.against = "logit"
    confidence = math.exp(z) / (math.exp(z) + explorer.n - 1)
    explorer.p = values(page, ".l7-headline [data-name=p]")[0]
    assert explorer.p == pytest.approx(confidence, abs=1e-12)


def torch_target(explorer):
    "Return the target that is shown, [n], by the chapters' functions."
    n, label = explorer.n, explorer.label
    if explorer.show == "smoothed":
        return smooth_labels(torch.tensor([label]), n, explorer.eps)[0].double()
    first, second = one_hot([label, (label + 1) % n], n).double()
    return first if explorer.show == "hard" else mix(first, second, explorer.t)


def expected_numbers(explorer):
    "Return every number that the headline and the formulas may show, by name."
    n, p, label = explorer.n, explorer.p, explorer.label
    target = torch_target(explorer)
    other = target[(label + 1) % n]
    probs = torch.full((n,), (1 - p) / (n - 1), dtype=torch.float64)
    probs[label] = p
    surprises = -probs.log()
    surprise, surprise_other = surprises[label], surprises[(label + 1) % n]
    return dict(
        best=target[label],
        target=target[label],
        target0=target[label],
        other=other,
        target1=other,
        eps=explorer.eps,
        epsShare=explorer.eps,
        t=explorer.t,
        n=n,
        others=n - 1,
        p=p,
        rest=1 - p,
        trueSurprise=surprise,
        surprise0=surprise,
        otherSurprise=surprise_other,
        surprise1=surprise_other,
        loss=(target * surprises).sum(),
    )


NAMES = {  # of the numbers that the headline and the formulas show
    "hard": "best p target other target0 surprise0 loss trueSurprise rest others otherSurprise",
    "smoothed": "best p eps epsShare n target other target0 target1 surprise0 surprise1 loss "
    "trueSurprise rest others otherSurprise",
    "mixed": "best p t target other target0 target1 surprise0 surprise1 loss "
    "trueSurprise rest others otherSurprise",
}


def check_numbers(page, explorer):
    "Check the numbers of the headline and of the formulas."
    found = page.locator(".l7 [data-name]").evaluate_all(NAMED_NUMBERS)
    expected = expected_numbers(explorer)
    assert {name for name, _ in found} == set(NAMES[explorer.show].split())
    for name, value in found:
        assert value == pytest.approx(float(expected[name]), abs=1e-6), (name, explorer)


def check_code(page, explorer):
    "Check that the code is Python's, and that it gives the numbers on screen."
    code = page.locator(".l7-code code").text_content()
    assert code == explorer.code()
    found = {}
    exec(code, found)
    assert np.allclose(found["target"][0], explorer.targets[explorer.show], atol=1e-6)
    loss = values(page, "[data-name=loss]")[0]
    assert float(found["loss"]) == pytest.approx(loss, abs=1e-6), explorer


def test_lessons_example_is_the_first_state(open_explorer):
    page = open_explorer("SmoothingExplorer")
    assert values(page, BARS).tolist() == pytest.approx(LESSON_BARS)
    texts = page.locator(BARS).all_text_contents()
    assert texts == ["0.010"] * 3 + ["0.910"] + ["0.010"] * 6
    assert "=0.910·0.051+9·0.010·5.193=0.514" in page.locator("math").all_text_contents()


@pytest.mark.parametrize("p", [1e-12, 1e-5, 1 - 1e-12])
@pytest.mark.parametrize("against", ["p", "logit"])
def test_code_has_a_confidence_near_0_and_1(open_explorer, against, p):
    explorer = SmoothingExplorer(p=p, against=against)
    check_code(open_explorer(explorer), explorer)


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
        check_numbers(page, explorer)
        check_code(page, explorer)


HEADLINES = [
    (dict(p=0.95), "The loss is lowest at 0.910, so a model that is 0.950 sure is told to be less"),
    (dict(p=0.5), "The loss is lowest at 0.910, so a model that is 0.500 sure is told to be more"),
    (dict(p=0.91), "The loss is lowest at 0.910, just where this model is: it is 0.910 sure"),
    (
        dict(show="hard", p=0.999),
        "No model reaches 1.000, so one that is 0.999 sure is told to be mo",
    ),
    (dict(eps=0.0), "No model reaches 1.000, so one that is 0.950 sure is told to be more sure"),
    (
        dict(show="mixed", t=0.4),
        "The loss is lowest at 0.400, so a model that is 0.950 sure is told",
    ),
    (
        dict(show="mixed", t=0.0),
        "No model reaches 0.000, so one that is 0.950 sure is told to be le",
    ),
    (
        dict(n=1000),
        "The loss is lowest at 0.9001, so a model that is 0.950 sure is told to be less",
    ),
    (
        dict(p=1 - 1e-6),
        "The loss is lowest at 0.910, so a model that is 0.999999 sure is told to b",
    ),
]


@pytest.mark.parametrize("state, headline", HEADLINES)
def test_headline_says_what_the_loss_asks_for(open_explorer, state, headline):
    page = open_explorer(SmoothingExplorer(**state))
    assert page.locator(".l7-headline").inner_text().startswith(headline)


# What is dragged: the state, the part, how far to the right (in its own widths), and the result


def drag_to(page, node, share):
    "Drag from the middle of a part of the picture to a share of its own width."
    box = node.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + share * box["width"], y, steps=3)
    page.mouse.up()
    wait_for_drawing(page)


@pytest.mark.parametrize("show, trait, wanted", [("smoothed", "eps", 0.5), ("mixed", "t", 0.55)])
def test_the_true_classs_bar_is_dragged(open_explorer, show, trait, wanted):
    page = open_explorer(SmoothingExplorer(show=show))
    drag_to(page, page.locator(f".l7-bars [data-handle={trait}]"), 0.55)
    assert float(control(page, trait).input_value()) == pytest.approx(wanted, abs=0.011)
    expect(control(page, "label")).to_have_value("3")


@pytest.mark.parametrize("against", ["p", "logit"])
def test_the_confidence_line_is_dragged(open_explorer, against):
    page = open_explorer(SmoothingExplorer(against=against))
    plot, line = page.locator(PLOT), page.locator(f"{PLOT} [data-handle=p]")
    box, start = plot.bounding_box(), line.bounding_box()
    middle = box["x"] + box["width"] / 2
    drag_to(page, line, (middle - start["x"]) / start["width"])
    p = values(page, ".l7-headline [data-name=p]")[0]
    z = math.log(p * 9 / (1 - p))
    expected = 0.5 if against == "p" else 6
    assert (p if against == "p" else z) == pytest.approx(expected, abs=0.11)


def test_a_click_on_a_bar_makes_its_class_the_true_one(open_explorer):
    page = open_explorer(SmoothingExplorer(n=20, label=15))
    names = bar_names(page)
    page.get_by_text("class 2", exact=True).click()
    expect(control(page, "label")).to_have_value("2")
    page.locator(".l7-bars > span:nth-child(3n+2):visible").first.click()
    expect(control(page, "label")).to_have_value("0")
    page.get_by_text(names[-1]).click()  # each of the others
    wait_for_drawing(page)
    expect(control(page, "label")).to_have_value("0")


@pytest.mark.parametrize(
    "link, n, label, p",
    [
        ("n=20&label=15", "20", "15", "0.95"),
        ("label=15&n=20", "20", "15", "0.95"),
        ("label=15&n=2", "2", "1", "0.95"),
        ("n=&label=x&p=1", "10", "3", "0.95"),
        ("p=0.99999&against=logit", "10", "3", "0.99999"),
    ],
)
def test_a_link_sets_the_state(open_explorer, link, n, label, p):
    page = open_explorer("SmoothingExplorer")
    page.evaluate(FOLLOW_LINK, f"#{link}")
    wait_for_drawing(page)
    assert control(page, "n").input_value() == n
    assert control(page, "label").input_value() == label
    assert values(page, ".l7-headline [data-name=p]")[0] == float(p)


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
    explorer = SmoothingExplorer(against=against)
    page = open_explorer(explorer)
    n, p = explorer.n, explorer.p
    x = plot_x(p, math.log(p * (n - 1) / (1 - p)), against)
    dots = [[x, plot_y(loss, n)] for _, loss, _, _, _ in explorer.numbers]
    found = page.locator(f"{PLOT} circle").evaluate_all(MARK_POSITIONS)
    assert np.allclose(found, dots, atol=0.01)

    diamonds = []
    for q, _, _, best_p, best_z in explorer.numbers[1:]:
        diamonds.append([plot_x(best_p, best_z, against), plot_y(lowest_loss(q, n), n)])
    marks = page.locator(f"{PLOT} > path:not(.l7-curve, .l7-ghost)")
    *found, arrow = marks.evaluate_all(MARK_POSITIONS)
    assert np.allclose(found, diamonds, atol=0.01)
    assert arrow[0] == PLOT_WIDTH  # the loss of the hard target falls up to the end


@pytest.mark.parametrize("against", ["p", "logit"])
def test_only_the_loss_of_a_hard_target_always_falls(open_explorer, against):
    page = open_explorer(SmoothingExplorer(against=against))
    curves = page.locator(f"{PLOT} .l7-curve").evaluate_all(CURVE_HEIGHTS)
    hard, smoothed, mixed = map(np.diff, curves)
    assert (hard >= 0).all()  # downwards, y is larger
    assert (smoothed < 0).any() and (mixed < 0).any()


def test_keys_set_the_numbers(open_explorer):
    page = open_explorer("SmoothingExplorer")
    control(page, "p").press("ArrowLeft")
    assert table_numbers(page)[0, 2] == pytest.approx(-0.051)
    control(page, "eps").press("ArrowRight")
    assert table_numbers(page)[1, 0] == pytest.approx(0.901)
    page.locator(".l7-headline [data-name=best]").press("ArrowRight")  # back, by the target
    assert table_numbers(page)[1, 0] == pytest.approx(0.91)
    control(page, "n").press("ArrowUp")
    assert table_numbers(page)[1, 0] == pytest.approx(0.9 + 0.1 / 11)
    control(page, "label").press("End")
    expect(control(page, "label")).to_have_value("10")
    assert bar_names(page)[-2] == "class 10"
    control(page, "t").press("ArrowLeft")
    assert table_numbers(page)[2, 0] == pytest.approx(0.69)


def test_keys_choose_target_axis_and_example(open_explorer):
    page = open_explorer("SmoothingExplorer")
    control(page, "eps").fill("0.5")
    control(page, "show").press_sequentially("hard")
    assert values(page, BARS).max() == 1
    page.get_by_role("button", name="The lesson's example").press("Enter")
    assert values(page, BARS).tolist() == pytest.approx(LESSON_BARS)
    control(page, "against").press_sequentially("the logit")
    page.get_by_label("Logit of the true class").press("Home")
    confidence = math.exp(-4) / (math.exp(-4) + 9)
    assert table_numbers(page)[0, 2] == pytest.approx(confidence - 1)


def test_the_first_controls_are_those_of_the_shown_target(open_explorer):
    page = open_explorer("SmoothingExplorer", more=False)
    for show, trait, hidden in (("mixed", "t", "eps"), ("hard", "eps", "t")):
        control(page, "show").select_option(show)
        wait_for_drawing(page)
        assert control(page, trait).is_visible() and not control(page, hidden).is_visible()


def test_invalid_number_of_classes_is_not_used(open_explorer):
    page = open_explorer("SmoothingExplorer")
    before = table_numbers(page)
    field = control(page, "n")
    for text in ("1", "0", "1001", "2.5", ""):
        field.fill(text)
        expect(field).to_have_attribute("aria-invalid", "true")
        assert (table_numbers(page) == before).all()
    field.fill("2")
    expect(field).to_have_attribute("aria-invalid", "false")
    assert len(values(page, BARS)) == 2
    assert control(page, "label").input_value() == "1"  # the last class


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
    control(page, "p").fill("0.5")
    wait_for_drawing(page)
    after = plot.get_attribute("aria-label")
    assert after != before and "At confidence 0.500: hard 0.693" in after
