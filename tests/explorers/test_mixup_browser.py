"The mixup explorer in Chromium, from a saved file, with no kernel and no network."

import random
import re

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from browser import canvas_pixels, drawn, static, values
from PIL import Image
from torch import nn

from lesson7.explorers.mixup import MixupExplorer
from lesson7.explorers.scripts import joined_script
from lesson7.mixup import ALPHAS

BARS = ".l7-bars > :nth-child(3n):visible"


@pytest.fixture
def opened(tmp_path, new_page):
    "`opened(explorer, **context options)`: a page with that explorer, saved."

    def open_(explorer=None, **options):
        file = tmp_path / "mixup.html"
        (explorer or MixupExplorer()).save(file)
        page = new_page(**options)
        page.goto(file.as_uri())
        page.locator(".l7 svg").wait_for()
        return page

    return open_


def rand(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def learners(small):
    "Two untrained models of 10 classes, whose answers to a blend differ."
    from fastai.vision.all import CrossEntropyLossFlat, Learner

    from lesson7.data.loaders import get_dls

    dls = get_dls(8, 32, small)
    torch.manual_seed(0)
    return [
        Learner(
            dls,
            nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, dls.c)),
            loss_func=CrossEntropyLossFlat(),
        )
        for _ in range(2)
    ]


def set_state(page, e, step=0.01):
    page.get_by_label("First picture", exact=True).select_option(str(e.first))
    page.get_by_label("Second picture", exact=True).select_option(str(e.second))
    page.get_by_label("Weight t").fill(str(e.t))
    page.get_by_label("from Beta").select_option(f"{e.alpha:g}")
    page.get_by_label("Then", exact=True).select_option(e.keep)


def check_pixels(page, e):
    got = [canvas_pixels(page, k) for k in range(3)]
    wanted = [e.images[e.first], e.images[e.second], e.blend]
    for g, w in zip(got, wanted):
        assert (g[..., 3] == 255).all() and abs(g[..., :3] - 255 * w.transpose(1, 2, 0)).max() <= (
            1e-4 if w is not wanted[2] else 0.5 + 1e-4
        ), e


def test_twenty_states_are_pythons(opened):
    page, rng = opened(), random.Random(42)
    for _ in range(20):
        e = MixupExplorer(
            first=rng.randrange(9),
            second=rng.randrange(9),
            t=round(rng.random(), 2),
            alpha=rng.choice(ALPHAS),
            keep=rng.choice(["half", "any"]),
        )
        set_state(page, e)
        lesson = rng.random() < 0.3
        if lesson:
            page.get_by_role("button", name="The lesson's example").click()
            e.classes, e.t = "lesson", 0.3
        assert abs(values(page, BARS) - e.target).max() < 1e-6, e
        check_pixels(page, e)
        codes = [
            list(map(float, c.strip("[]").split(", ")))
            for c in page.locator(".l7 code").all_inner_texts()
        ]
        assert np.allclose(codes[:2], e.targets) and np.allclose(codes[2], e.target, atol=0.0051)
        if lesson:
            page.get_by_role("button", name="Back to these").click()


def test_drawn_weights_are_those_of_python(opened):
    page, e = opened(), MixupExplorer()
    for alpha, keep in ((0.4, "half"), (0.1, "any"), (4.0, "half"), (1.0, "any")):
        page.get_by_label("from Beta").select_option(f"{alpha:g}")
        page.get_by_label("Then", exact=True).select_option(keep)
        for _ in range(5):
            page.get_by_role("button", name="Draw a weight").click()
            e.drawn += 1
            lam = e.lambdas[e.alphas.index(alpha)][e.drawn - 1]
            e.t = max(lam, 1 - lam) if keep == "half" else lam
            assert abs(values(page, BARS) - e.target).max() < 1e-6
        check_pixels(page, e)
        weights = np.array(e.lambdas[e.alphas.index(alpha)][: e.drawn])
        wanted = np.maximum(weights, 1 - weights) if keep == "half" else weights
        dots = page.locator(".l7 circle[visibility=visible]").evaluate_all(
            "all => all.map(c => +c.getAttribute('cx')/420)"
        )
        assert np.allclose(dots, wanted, atol=1e-6)
        line = page.locator(".l7 svg > line").first.evaluate("l => +l.getAttribute('x1')/420")
        assert abs(line - e.t) < 1e-6


def test_the_density_is_the_curve_folded(opened):
    page, e = opened(), MixupExplorer()
    heights = lambda k: [
        float(v)
        for v in re.findall(r"V([\d.]+)h", page.locator(".l7 svg path").nth(k).get_attribute("d"))
    ]
    for keep in ("half", "any"):
        page.get_by_label("Then", exact=True).select_option(keep)
        drawn(page)
        curve = np.array(e.curves[e.alphas.index(0.4)])
        wanted = np.where(np.arange(100) < 50, 0, 2 * curve) if keep == "half" else curve
        assert np.allclose(heights(0), 96 - np.minimum(wanted, 5) / 5 * 96, atol=0.06)


def test_the_lessons_example_is_one_click_away(opened):
    page = opened(MixupExplorer(first=5, second=5, t=0.9))
    page.get_by_role("button", name="The lesson's example").click()
    assert np.allclose(values(page, BARS), [0, 0, 0.3, 0, 0, 0, 0, 0.7, 0, 0], atol=1e-12)
    assert page.locator(".l7 code").nth(2).inner_text() == "[0, 0, 0.3, 0, 0, 0, 0, 0.7, 0, 0]"


def test_twenty_states_of_predictions_are_the_models(opened, learners):
    x, y = learners[0].dls.valid.one_batch()
    e = MixupExplorer(x[:5], y[:5], learn=learners, side=32)
    page, rng = opened(e), random.Random(1)
    assert page.get_by_label("Weight t").get_attribute("step") == "0.05"
    for _ in range(20):
        e.first, e.second, e.t = rng.randrange(5), rng.randrange(5), rng.randrange(21) / 20
        set_state(page, e)
        wanted = np.concatenate([e.target, *e.predicted])
        assert abs(values(page, BARS) - wanted).max() < 1e-6, e
        off = [f"{v:.2f}" for v in abs(e.predicted - e.on_rows(e.target)).sum(1) / 2]
        said = page.locator(".l7-two .l7-bars").evaluate_all(
            "all => all.map(b => b.parentElement.firstChild.textContent)"
        )
        assert all(
            abs(float(re.search(r"([\d.]+) misplaced", s)[1]) - float(o)) < 0.011
            for s, o in zip(said, off)
        ), (said, off)
    page.get_by_role("button", name="Draw a weight").click()
    drawn(page)
    assert abs(20 * float(page.get_by_label("Weight t").input_value()) % 1) < 1e-9  # snapped
    page.get_by_role("button", name="The lesson's example").click()
    assert len(values(page, BARS)) == 10  # the models know other classes


def test_a_saved_explorer_with_predictions_is_small(learners, tmp_path):
    from lesson7.data.samples import photos

    x = [im for im in photos().values()][:6]
    assert (
        MixupExplorer(x, list(range(6)), learn=learners, side=32)
        .save(tmp_path / "m.html")
        .stat()
        .st_size
        < 1_000_000
    )
    assert MixupExplorer().save(tmp_path / "n.html").stat().st_size < 1_000_000


def test_keyboard_alone_moves_every_control(opened):
    page = opened()
    bars = lambda: values(page, BARS)
    press = page.keyboard.press
    press("Tab")
    page.keyboard.type("rocket")
    assert bars()[5] == 0.3
    press("Tab")
    page.keyboard.type("retina")
    assert bars()[8] == 0.7
    press("Tab")
    press("ArrowRight")
    assert bars()[5] == 0.31
    press("Tab")
    press("Enter")
    drew = bars()[5]
    assert drew >= 0.5 and page.get_by_text("Drawn so far: 1,").is_visible()
    press("Tab")
    page.keyboard.type("4")
    press("Tab")
    press("ArrowDown")
    drawn(page)
    assert page.get_by_role("img", name="density of Beta(4, 4), 1 draws").is_visible()
    press("Tab")
    press("Space")
    assert len(bars()) == 10 and bars()[2] == 0.3
    press("Space")
    assert len(bars()) == 9


def test_text_alternatives_follow(opened):
    page = opened()
    page.get_by_label("Weight t").fill("0.85")
    page.get_by_label("First picture", exact=True).select_option("8")
    drawn(page)
    names = page.locator(".l7 canvas").evaluate_all(
        "all => all.map(c => c.getAttribute('aria-label').replace(/[\\u2068\\u2069“”]/g, ''))"
    )
    assert names == [
        "first picture: retina",
        "second picture: coffee",
        "blend: 0.85 of retina and 0.15 of coffee",
    ]
    assert "says 0.85 for retina" in re.sub(
        "[\u2068\u2069“”]", "", page.locator(".l7-note").first.inner_text()
    )
    page.get_by_label("Second picture", exact=True).select_option("8")
    drawn(page)
    assert "stays one-hot" in page.locator(".l7-note").first.inner_text()
    page.get_by_label("Second picture", exact=True).select_option("0")
    page.get_by_label("Weight t").fill("1")
    drawn(page)
    assert "ordinary training example" in page.locator(".l7-note").first.inner_text()


def test_still_picture_until_alive(opened, new_page, tmp_path):
    assert not opened().locator("img").is_visible()
    page = new_page(java_script_enabled=False)
    page.goto((tmp_path / "mixup.html").as_uri())
    assert page.locator("img").is_visible() and page.locator(".l7").count() == 0


def test_a_thousand_moves_leave_nothing_behind(opened):
    page = opened()
    nodes = lambda: page.evaluate("document.querySelectorAll('*').length")
    before = nodes()
    page.get_by_label("Weight t").evaluate("""async (slider) => {
        for (let i = 0; i < 1000; i++) {
            slider.value = (i % 101)/100; slider.dispatchEvent(new Event("input"));
            if (i % 10 === 0) { [...document.querySelectorAll(".l7 button")][i % 20 ? 0 : 1].click(); await new Promise(requestAnimationFrame); }
        } }""")
    assert nodes() == before


@pytest.mark.parametrize("width", [360, 1040])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["plain", "learn"])
def test_fits_and_can_be_read(opened, learners, kind, scheme, width):
    e = MixupExplorer()
    if kind == "learn":
        x, y = learners[0].dls.valid.one_batch()
        e = MixupExplorer(x[:3], y[:3], learn=learners, side=32)
    page = opened(e, color_scheme=scheme, viewport=dict(width=width, height=800))
    page.get_by_role("button", name="Draw a weight").click()
    drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    faults = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in faults] == []


def test_nothing_outside_the_explorer_is_styled():
    css = re.sub(r"/\*.*?\*/|@container[^{]*\{", "", static("mixup.css"))
    selectors = [s.strip() for s in re.findall(r"([^{}]+)\{", css)]
    assert len(selectors) > 5 and all(s.startswith(".l7 .l7-mixup") for s in selectors)


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "\"'></script><script>boom()</script>",
    "عربي \u202e rtl",
    "w" * 200,
    "$x^2$ \\frac{1}{0}",
    "",
]


@pytest.mark.parametrize("n", [6, 1000])
def test_hostile_names_are_only_text(opened, n):
    names = HOSTILE + [f"c{i} " + "long " * 40 for i in range(n - 6)]
    e = MixupExplorer(rand(6, 3, 20, 20), list(range(6)), names)
    page = opened(e, viewport=dict(width=360, height=800))
    for i in range(6):
        page.get_by_label("First picture", exact=True).select_option(str(i))
        drawn(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator(".l7 img, .l7 script").count() == 0
    shown = page.locator(".l7-bars").first.evaluate(
        "b => [...b.children].filter((_, k) => k % 3 === 0).map(e => e.textContent)"
    )
    assert shown == HOSTILE + (["the other 994 classes"] if n == 1000 else [])


@pytest.mark.parametrize("n, labels", [(1, [0, 0]), (2, [0, 1]), (13, [12, 12]), (1000, [3, 999])])
def test_any_number_of_classes(opened, n, labels):
    e = MixupExplorer(rand(2, 3, 20, 20), labels, [f"c{i}" for i in range(n)], t=0.25)
    page = opened(e)
    assert abs(values(page, BARS) - e.on_rows(e.target)).max() < 1e-6
    check_pixels(page, e)


def test_one_picture_is_mixed_with_itself(opened):
    page = opened(e := MixupExplorer([Image.new("RGB", (1, 1), (9, 200, 30))]))
    check_pixels(page, e)
    assert values(page, BARS).tolist() == [1]


def test_two_explorers_on_a_page_are_two(tmp_path, new_page):
    parts = [MixupExplorer(t=t).save(tmp_path / f"{t}.html").read_text() for t in (0.2, 0.6)]
    host = f"<script>{joined_script('host')}</script>"
    (tmp_path / "both.html").write_text(
        parts[0].replace(host, "") + parts[1].split("</style>", 1)[1]
    )
    page = new_page()
    page.goto((tmp_path / "both.html").as_uri())
    page.locator(".l7 svg").nth(1).wait_for()
    page.get_by_label("Weight t").nth(1).press("ArrowRight")
    drawn(page)
    assert page.locator(".l7 output").all_inner_texts() == ["0.20", "0.61"]
