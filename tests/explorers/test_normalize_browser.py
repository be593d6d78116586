"The explorers in Chromium, from a saved file, with no kernel and no network."

import gzip
import random

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import canvas_pixels, drawn, values

from lesson7.data.images import image_grid
from lesson7.explorers.normalize import NormalizeExplorer, channel_stats
from lesson7.explorers.scripts import joined_script
from lesson7.normalize import NormStats


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    "A saved explorer's URL."
    return NormalizeExplorer().save(tmp_path_factory.mktemp("saved") / "normalize.html").as_uri()


@pytest.fixture
def opened(saved, new_page):
    def open_(**options):
        page = new_page(**options)
        page.goto(saved)
        page.locator(".l7 table").wait_for()
        return page

    return open_


def numbers(page):
    "The table's numbers, [3 channels, 6]."
    return values(page, ".l7 td").reshape(3, 6)


def test_twenty_states_are_pythons(opened):
    page, rng = opened(), random.Random(42)
    for _ in range(20):
        kind, show = (
            rng.choice(["none", "batch", "dataset", "imagenet", "own"]),
            rng.choice(["file", "model"]),
        )
        explorer = NormalizeExplorer(
            draw=rng.randrange(40), bs=rng.randint(1, 32), kind=kind, show=show
        )
        page.get_by_label("Batch", exact=True).fill(str(explorer.draw))
        page.get_by_label("Images in it").fill(str(explorer.bs))
        page.get_by_label("Show pictures").select_option(show)
        page.get_by_label("Normalize with").select_option(kind)
        if kind == "own":
            explorer.own_mean, explorer.own_std = (
                [round(rng.uniform(*r), 2) for _ in range(3)] for r in ((0, 1), (0.1, 0.9))
            )
            for c, name in enumerate(("red", "green", "blue")):
                page.get_by_label(f"{name} mean", exact=True).fill(str(explorer.own_mean[c]))
                page.get_by_label(f"{name} sd", exact=True).fill(str(explorer.own_std[c]))
        used = explorer.stats or NormStats([0] * 3, [1] * 3)
        before, after = channel_stats(explorer.batch), channel_stats(explorer.normalized)
        expected = np.array([before.mean, before.std, used.mean, used.std, after.mean, after.std]).T
        assert abs(numbers(page) - expected).max() < 1e-6, explorer
        seen = (explorer.normalized + 3) / 6 if show == "model" else explorer.batch
        wanted = image_grid(np.clip(seen, 0, 1)) * 255
        got = canvas_pixels(page)
        filled = got[..., 3] == 255
        assert (
            filled.sum() == explorer.bs * 64 * 64 and abs(got[..., :3] - wanted)[filled].max() <= 1
        ), explorer


def test_keyboard_alone_moves_every_control(opened):
    page = opened()
    first = numbers(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.labels[0].textContent") == "Batch"
    page.keyboard.press("ArrowRight")
    second = numbers(page)
    assert abs(first - second)[:, :2].max() > 1e-3 and page.get_by_text("2 of 40").is_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.get_by_text("3 of 40").is_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    assert np.allclose(
        numbers(page)[:, 4:], [[0, 1]] * 3, atol=1e-6
    )  # all images are the whole dataset
    page.keyboard.press("Tab")
    page.keyboard.type("none")
    assert (numbers(page)[:, 2:4] == [[0, 1]] * 3).all()
    page.keyboard.press("Tab")
    page.keyboard.type("as the")
    seen = canvas_pixels(page)
    assert (
        seen[seen[..., 3] == 255][:, :3].min() >= 127
    )  # nothing below 0: the pale picture of what is not normalized


def test_a_number_out_of_range_is_marked_and_not_used(opened):
    page = opened()
    page.get_by_label("Normalize with").select_option("own")
    good, field = numbers(page), page.get_by_label("red sd", exact=True)
    for bad in ("0", "-1", ""):
        field.fill(bad)
        assert field.get_attribute("aria-invalid") == "true" and (numbers(page) == good).all()
    field.fill("0.25")
    assert field.get_attribute("aria-invalid") == "false" and numbers(page)[0, 3] == 0.25


def test_the_model_is_right_as_often_as_it_was(tmp_path, new_page):
    explorer = NormalizeExplorer(labels=[k % 4 for k in range(32)], bs=5)
    says = {k: [[(i + k) % 4, 0.5 + i / 100] for i in range(32)] for k in range(3)}
    explorer.says = dict(zip(("dataset", "none", "imagenet"), says.values())) | {
        "batch": [says[0][:16]] * 40
    }
    page = new_page()
    page.goto(explorer.save(tmp_path / "n.html").as_uri())
    line = page.locator(".l7-note", has_text="The model:")
    for kind, hits in dict(dataset=5, none=0, imagenet=0).items():
        page.get_by_label("Normalize with").select_option(kind)
        drawn(page)
        sure = np.mean([0.5 + i / 100 for i in explorer.draws[0][:5]])
        assert line.inner_text() == f"The model: {hits} of 5 right, on average {sure:.2f} sure."
    page.get_by_label("Normalize with").select_option("batch")
    page.get_by_text("was asked about batches of 16").wait_for()
    page.get_by_label("Images in it").fill("16")
    page.get_by_text("of 16 right").wait_for()
    page.get_by_label("Normalize with").select_option("own")
    page.get_by_text("not asked about your own numbers").wait_for()


def test_still_picture_until_alive(saved, new_page):
    page = new_page(java_script_enabled=False)
    page.goto(saved)
    assert page.locator("img").is_visible() and page.locator(".l7").count() == 0


def test_the_still_gives_way(opened):
    assert not opened().locator("img").is_visible()


def test_a_thousand_moves_leave_nothing_behind(opened):
    page = opened()
    nodes = lambda: page.evaluate("document.querySelectorAll('*').length")
    before = nodes()
    page.get_by_label("Images in it").evaluate("""async (slider) => {
        for (let i = 0; i < 1000; i++) {
            slider.value = 1 + i % 32; slider.dispatchEvent(new Event("input"));
            if (i % 50 === 0) await new Promise(requestAnimationFrame);
        } }""")
    assert nodes() == before


@pytest.mark.parametrize("width", [360, 700, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_and_can_be_read(opened, scheme, width):
    page = opened(color_scheme=scheme, viewport=dict(width=width, height=800))
    page.get_by_label("Normalize with").select_option("own")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        page.locator(".l7-scroll").evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    )  # all numbers in sight
    faults = [
        v
        for v in Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
    ]
    assert [(v["id"], v["nodes"][0]["html"]) for v in faults] == []


def test_dark_follows_the_page(opened):
    colours = [
        opened(color_scheme=s).locator(".l7").evaluate("e => getComputedStyle(e).backgroundColor")
        for s in ("light", "dark")
    ]
    assert colours == ["rgb(255, 255, 255)", "rgb(22, 24, 29)"]


def test_nothing_outside_the_explorer_is_styled(opened):
    page = opened()
    rules = page.evaluate(
        "[...document.querySelectorAll('section.l7')][0].parentElement.querySelector('style').sheet.cssRules.length"
    )
    loose = page.evaluate("""[...document.querySelector('section.l7').parentElement.querySelector('style').sheet.cssRules]
        .flatMap(r => r.cssRules && r.conditionText ? [...r.cssRules] : [r]).filter(r => !r.selectorText.startsWith('.l7')).length""")
    assert rules > 10 and loose == 0


def test_two_explorers_on_a_page_are_two(tmp_path, new_page):
    "Two saved pages in one: the host revives each, and neither moves the other."
    parts = [NormalizeExplorer(draw=d).save(tmp_path / f"{d}.html").read_text() for d in (0, 5)]
    host = f"<script>{joined_script('host')}</script>"
    (tmp_path / "both.html").write_text(
        parts[0].replace(host, "") + parts[1].split("</style>", 1)[1]
    )
    page = new_page()
    page.goto((tmp_path / "both.html").as_uri())
    page.locator(".l7 table").nth(1).wait_for()
    page.get_by_label("Batch", exact=True).nth(1).press("ArrowRight")
    assert page.locator(".l7 output").all_inner_texts() == ["1 of 40", "16", "7 of 40", "16"]
    ids = page.locator(".l7 input, .l7 select").evaluate_all("all => all.map(e => e.id)")
    assert len(set(ids)) == len(ids)


def test_the_host_is_about_a_kilobyte():
    assert len(gzip.compress(joined_script("host").encode())) < 1300
