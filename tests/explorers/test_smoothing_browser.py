"The smoothing explorer in Chromium, from a saved file, with no kernel and no network."

import random

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import drawn, values

from lesson7.explorers.smoothing import SmoothingExplorer

HOSTILE = [
    "<img src=x onerror=alert(1)><script>alert(2)</script>",
    "\"'&quot;</script>",
    "שלום ‮עולם",
    "a" * 200,
    "",
]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    "A saved explorer's URL."
    return SmoothingExplorer().save(tmp_path_factory.mktemp("saved") / "smoothing.html").as_uri()


@pytest.fixture
def opened(saved, new_page):
    def open_(url=saved, **options):
        page = new_page(**options)
        page.goto(url)
        page.locator(".l7 table").wait_for()
        return page

    return open_


def numbers(page):
    "The table's numbers: a row a target."
    return values(page, ".l7 td").reshape(3, 5)


def shown_bars(page):
    return values(page, ".l7-bars > span:nth-child(3n):not([hidden])")


def names(page):
    drawn(page)
    return page.locator(".l7-bars > span:nth-child(3n+1):not([hidden])").all_text_contents()


def expected_bars(explorer):
    "The bars' numbers, and the one that stands for all other classes."
    target, shown = explorer.targets[explorer.show], explorer.shown
    return np.append(target[shown], np.delete(target, shown)[:1])


def points(page, part):
    "Where the dots (`circle`) or the diamonds and arrows stand in the plot."
    drawn(page)
    moved = page.locator(f".l7-smoothing figure > svg {part}").evaluate_all(
        "all => all.map((e) => [e.getAttribute('transform'), e.getAttribute('visibility')])"
    )
    return [[float(v) for v in t[10:-1].split()] for t, seen in moved if seen == "visible"]


def test_opens_on_the_lessons_example(opened):
    page = opened()
    assert (
        shown_bars(page).tolist() == pytest.approx([0.01] * 3 + [0.91] + [0.01] * 6)
        and page.get_by_text("0.91 + 9 × 0.01 = 1").is_visible()
    )
    assert (
        page.locator(".l7-bars > span:nth-child(3n):not([hidden])").all_text_contents()
        == ["0.01"] * 3 + ["0.91"] + ["0.01"] * 6
    )


def test_twenty_states_are_pythons(opened):
    page, rng = opened(), random.Random(42)
    for i in range(20):
        n = [2, 3, 10, 11, 1000, rng.randint(2, 1000)][i % 6]
        explorer = SmoothingExplorer(
            n=n,
            label=rng.randrange(n),
            eps=round(rng.uniform(0, 0.99), 2),
            t=round(rng.uniform(0, 1), 2),
            p=round(rng.uniform(0.001, 0.999), 3),
            show=rng.choice(["hard", "smoothed", "mixed"]),
        )
        page.get_by_label("Loss against").select_option("p")
        for label, trait in (
            ("Classes, N", "n"),
            ("True class", "label"),
            ("eps", "eps"),
            ("Mixed: its share", "t"),
            ("Confidence p", "p"),
        ):
            page.get_by_label(label, exact=True).fill(str(getattr(explorer, trait)))
            drawn(page)  # the True class slider's range follows N
        page.get_by_label("Show target").select_option(explorer.show)
        if i % 2:
            page.get_by_label("Loss against").select_option("logit")
            z = rng.randint(-40, 159) / 10
            page.get_by_label("Its logit").fill(str(z))
            explorer.p = float(np.exp(z) / (np.exp(z) + n - 1))
        got, wanted = numbers(page), explorer.numbers
        finite = np.isfinite(wanted)
        assert (got[~finite] == wanted[~finite]).all() and abs(
            got[finite] - wanted[finite]
        ).max() < 1e-6, explorer
        assert np.allclose(shown_bars(page), expected_bars(explorer), atol=1e-9, rtol=0), explorer
        assert names(page)[: len(explorer.shown)] == [f"class {c}" for c in explorer.shown], (
            explorer
        )
        if n > 10:
            assert names(page)[-1] == f"each of the other {n - 8}"


@pytest.mark.parametrize("against", ["p", "logit"])
def test_dots_and_diamonds_stand_where_the_numbers_say(opened, against):
    page, explorer = opened(), SmoothingExplorer()
    page.get_by_label("Loss against").select_option(against)
    x = (lambda p, z: p * 560) if against == "p" else (lambda p, z: (z + 4) / 20 * 560)
    y = lambda loss: 250 - loss / (1.6 * np.log(10)) * 250
    z, q = np.log(0.95 * 9 / 0.05), explorer.numbers
    assert np.allclose(
        points(page, "circle"), [[x(0.95, z), y(loss)] for loss in q[:, 1].tolist()], atol=0.01
    )
    low = -(q[1:, 0] * np.log(q[1:, 0]) + (1 - q[1:, 0]) * np.log((1 - q[1:, 0]) / 9))
    diamonds = [[x(p, z), y(lowest)] for (_, _, _, p, z), lowest in zip(q[1:], low)]
    found = points(page, "path[transform]")
    assert np.allclose(found[:2], diamonds, atol=0.01)
    assert len(found) == 3 and found[2][0] == 560  # the hard loss: an arrow at the end


def test_the_curve_of_a_hard_label_only_falls_and_a_smoothed_one_turns(opened):
    page = opened()
    for against in ("p", "logit"):
        page.get_by_label("Loss against").select_option(against)
        drawn(page)
        curves = page.locator(".l7-smoothing figure > svg path[fill=none]").evaluate_all(
            "all => all.map((e) => e.getAttribute('d').match(/[\\d.-]+ [\\d.-]+/g).map((p) => +p.split(' ')[1]))"
        )
        assert (
            (np.diff(curves[0]) >= 0).all()
            and (np.diff(curves[1]) < 0).any()
            and (np.diff(curves[2]) < 0).any()
        )  # downwards is larger


def test_keyboard_alone_moves_every_control(opened):
    page = opened()
    press = page.keyboard.press
    focus = lambda: page.evaluate(
        "document.activeElement.labels?.[0]?.firstChild.textContent ?? document.activeElement.textContent"
    )
    press("Tab")
    assert focus() == "Confidence p"
    press("ArrowLeft")
    assert numbers(page)[0, 2] == pytest.approx(-0.051)
    press("Tab")
    assert focus() == "eps"
    press("ArrowRight")
    assert numbers(page)[1, 0] == pytest.approx(0.901)
    press("Tab")
    assert focus() == "Classes, N"
    press("ArrowUp")
    assert numbers(page)[1, 0] == pytest.approx(0.89 + 0.11 / 11)
    press("Tab")
    assert focus() == "True class"
    press("End")
    assert page.get_by_label("True class").input_value() == "10" and names(page)[-2] == "class 10"
    press("Tab")
    assert focus() == "Mixed: its share"
    press("ArrowLeft")
    assert numbers(page)[2, 0] == pytest.approx(0.69)
    press("Tab")
    assert focus() == "Show target"
    page.keyboard.type("hard")
    assert shown_bars(page).max() == 1
    press("Tab")
    assert focus() == "Loss against"
    page.keyboard.type("the logit")
    press("Tab")
    assert focus() == "The lesson's example"
    press("Enter")
    assert shown_bars(page).tolist() == pytest.approx([0.01] * 3 + [0.91] + [0.01] * 6)
    page.get_by_label("Its logit").focus()
    press("Home")
    assert numbers(page)[0, 2] == pytest.approx(np.exp(-4) / (np.exp(-4) + 9) - 1)


def test_n_out_of_range_is_marked_and_not_used(opened):
    page = opened()
    good, field = numbers(page), page.get_by_label("Classes, N")
    for bad in ("1", "0", "1001", "2.5", ""):
        field.fill(bad)
        assert field.get_attribute("aria-invalid") == "true" and (numbers(page) == good).all()
    field.fill("2")
    assert field.get_attribute("aria-invalid") == "false" and len(shown_bars(page)) == 2
    assert page.get_by_label("True class").input_value() == "1"  # the last that is left


def test_names_are_text(tmp_path, opened):
    page = opened(
        SmoothingExplorer(HOSTILE).save(tmp_path / "x.html").as_uri(),
        viewport=dict(width=360, height=800),
    )
    assert names(page) == HOSTILE and page.locator(".l7 img, .l7 script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_thousand_names(tmp_path, opened):
    file = SmoothingExplorer(["x" * 200] * 1000, label=999).save(tmp_path / "x.html")
    page = opened(file.as_uri())
    assert (
        file.stat().st_size < 1_000_000
        and names(page)[0] == "x" * 200
        and names(page)[-1] == "each of the other 992"
    )
    assert shown_bars(page).max() == pytest.approx(0.9001) and shown_bars(page)[
        -1
    ] == pytest.approx(0.0001)
    assert "0.0001" in page.locator(".l7-bars").inner_text()  # small, but not shown as nothing


def test_still_picture_until_alive(saved, new_page):
    page = new_page(java_script_enabled=False)
    page.goto(saved)
    assert page.locator("img").is_visible() and page.locator(".l7").count() == 0


def test_a_thousand_moves_leave_nothing_behind(opened):
    page = opened()
    nodes = lambda: page.evaluate("document.querySelectorAll('*').length")
    before = nodes()
    for label in ("Confidence p", "Classes, N"):
        page.get_by_label(label).evaluate("""async (control) => {
            for (let i = 0; i < 1000; i++) {
                control.value = +control.min + (i % 997) * (+control.max - control.min) / 999 - (control.type === "number" ? (i % 997) * (control.max - control.min) / 999 % 1 : 0);
                control.dispatchEvent(new Event("input"));
                if (i % 50 === 0) await new Promise(requestAnimationFrame);
            } }""")
    drawn(page)
    assert nodes() == before and len(shown_bars(page)) <= 10


@pytest.mark.parametrize("width", [360, 700, 1040])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_and_can_be_read(opened, scheme, width):
    page = opened(color_scheme=scheme, viewport=dict(width=width, height=800))
    for against in ("p", "logit"):
        page.get_by_label("Loss against").select_option(against)
        drawn(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert (
            page.locator(".l7-scroll").evaluate("e => e.scrollWidth - e.clientWidth") <= 0
        )  # all numbers in sight
    faults = [
        v
        for v in Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
    ]
    assert [(v["id"], v["nodes"][0]["html"]) for v in faults] == []


def test_the_pictures_have_words_that_follow(opened):
    page = opened()
    said = lambda: (
        drawn(page),
        page.locator(".l7-smoothing figure > svg").get_attribute("aria-label"),
    )[1]
    before = said()
    page.get_by_label("Confidence p").fill("0.5")
    assert before != said() and "At confidence 0.500: hard 0.693" in said()


def test_two_explorers_on_a_page_are_two(tmp_path, new_page):
    parts = [SmoothingExplorer(eps=e).save(tmp_path / f"{e}.html").read_text() for e in (0.1, 0.2)]
    host = parts[0][parts[0].rindex("<script>") : parts[0].rindex("</script>") + 9]
    (tmp_path / "both.html").write_text(
        parts[0].replace(host, "") + parts[1].split("</style>", 1)[1]
    )
    page = new_page()
    page.goto((tmp_path / "both.html").as_uri())
    page.locator(".l7 table").nth(1).wait_for()
    page.get_by_label("eps", exact=True).nth(1).press("ArrowRight")
    drawn(page)
    assert values(page, ".l7 td").reshape(2, 3, 5)[:, 1, 0] == pytest.approx([0.91, 0.811])
