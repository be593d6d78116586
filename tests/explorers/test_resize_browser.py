"The resize explorer in Chromium, from a saved file, with no kernel and no network."

import random
from types import SimpleNamespace as Namespace

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from browser import canvas_pixels, drawn, values
from PIL import Image

from lesson7.explorers.resize import ResizeExplorer
from lesson7.resize import relative_cost

HOSTILE = ["<img src=x onerror=alert(1)>", "\"'&</script>", "חתול בשק", "x" * 200, "cat"]


def says(n_out, names=None):
    "A learner's stand-in, with weights drawn once."
    torch.manual_seed(n_out)
    model = torch.nn.Sequential(
        torch.nn.AdaptiveAvgPool2d(8), torch.nn.Flatten(), torch.nn.Linear(192, n_out)
    )
    with torch.no_grad():
        model[-1].weight.mul_(20)
    return Namespace(
        model=model,
        dls=Namespace(
            vocab=names or [f"class {i}" for i in range(n_out)], after_batch=Namespace(fs=[])
        ),
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    "A saved explorer's URL, with a model's probabilities."
    return (
        ResizeExplorer(learn=says(5, HOSTILE))
        .save(tmp_path_factory.mktemp("saved") / "resize.html")
        .as_uri()
    )


@pytest.fixture
def opened(saved, new_page):
    def open_(url=saved, **options):
        page = new_page(**options)
        page.goto(url)
        page.locator(".l7 table").wait_for()
        return page

    return open_


def numbers(page):
    return values(page, ".l7 tr:not([hidden]) td[data-value]")


def expected(explorer):
    "The table's numbers, row by row."
    each, total = relative_cost(explorer.schedule)
    epochs = [e + (i > 0) for i, (_, e) in enumerate(explorer.stages)]
    rows = [
        [s * s, n, c, c * n / sum(epochs)]
        for (s, _), n, c in zip(explorer.stages, epochs, each.tolist())
    ]
    return np.array(
        [
            *sum(rows, []),
            sum(epochs),
            total,
            max(s for s, _ in explorer.stages) ** 2,
            sum(epochs),
            1,
            1,
        ],
        float,
    )


def show(page, explorer):
    "Set the controls to what `explorer` holds."
    page.get_by_label("Stages").select_option(str(len(explorer.stages)))
    page.get_by_label("The file's short side").select_option(str(explorer.file))
    for i, (size, epochs) in enumerate(explorer.stages, 1):
        page.get_by_label(f"Size {i}").fill(str(size))
        page.get_by_label(f"Epochs {i}").fill(str(epochs))


def test_twenty_states_are_pythons(opened):
    page, rng = opened(), random.Random(42)
    explorer = ResizeExplorer(learn=says(5, HOSTILE))
    for _ in range(20):
        explorer.stages = [
            [16 * rng.randint(1, 20), rng.randint(1, 20)] for _ in range(rng.choice([2, 3]))
        ]
        explorer.file = rng.choice(explorer.files)
        show(page, explorer)
        assert abs(numbers(page) - expected(explorer)).max() < 1e-6, explorer
        for i, (size, _) in enumerate(explorer.stages):
            wanted, got = (explorer.seen(size) * 255).transpose(1, 2, 0), canvas_pixels(page, 2 * i)
            assert (
                got.shape == (size, size, 4)
                and abs(got[..., :3] - wanted).max() <= 1
                and (got[..., 3] == 255).all()
            ), explorer
            close, a = canvas_pixels(page, 2 * i + 1), 3 * size // 8
            assert (close == got[a : a + len(close), a : a + len(close)]).all() and len(close) == -(
                -size // 4
            )
        best = [
            explorer.guesses["at"][str(explorer.file)][str(size)] for size, _ in explorer.stages
        ]
        assert (
            abs(
                values(page, ".l7 figure:not([hidden]) .l7-bars [data-value]")
                - [p for b in best for _, p in b]
            ).max()
            < 1e-6
        )
        names = page.locator(".l7 figure:not([hidden]) .l7-bars > span[dir]").all_text_contents()
        assert names == [HOSTILE[c] for b in best for c, _ in b]


def test_past_the_file_the_picture_says_so(opened):
    page = opened()
    marked = lambda: page.locator(".l7-resize-past").count()
    assert marked() == 0 and "does not have" not in page.locator(".l7").inner_text()
    page.get_by_label("The file's short side").select_option("160")
    drawn(page)
    assert (
        marked() == 1
        and page.locator(".l7-resize-past")
        .get_by_text("Past the file's 160 px: nothing gained.")
        .is_visible()
    )
    assert "pays for pixels that a file of 160 px does not have" in page.locator(".l7").inner_text()
    assert (
        page.locator(".l7 canvas").nth(2).get_attribute("aria-label")
        == "the photo at 224 by 224 pixels, larger than a file of 160"
    )
    page.get_by_label("Size 2").fill("160")
    drawn(page)
    assert marked() == 0 and page.get_by_text("All that the file holds.").is_visible()


def test_one_size_saves_nothing(opened):
    page = opened()
    page.get_by_label("Size 1").fill("224")
    drawn(page)
    assert page.get_by_text("One size throughout: nothing is saved.").is_visible()


def test_the_stairs_have_the_area_of_the_cost(opened):
    page = opened()
    show(page, explorer := ResizeExplorer(stages=[[64, 4], [128, 2], [224, 3]]))
    drawn(page)
    boxes = page.locator(".l7 svg rect:not([visibility=hidden])").evaluate_all(
        "all => all.map(e => e.width.baseVal.value * e.height.baseVal.value)"
    )
    assert abs(sum(boxes[1:]) / boxes[0] - float(relative_cost(explorer.schedule)[1])) < 1e-4
    assert (
        page.locator(".l7 svg")
        .first.get_attribute("aria-label")
        .startswith(
            "4 epochs at 64 pixels, then 3 epochs at 128 pixels, then 4 epochs at 224 pixels: 0.482"
        )
    )


def test_keyboard_alone_moves_every_control(opened):
    page = opened()
    focused = lambda: page.evaluate("document.activeElement.labels[0].textContent")
    page.keyboard.press("Tab")
    page.keyboard.type("three")
    drawn(page)
    assert focused() == "Stages" and page.get_by_label("Size 3").is_visible()
    page.keyboard.press("Tab")
    page.keyboard.type("128")
    explorer = ResizeExplorer(stages=[[128, 4], [224, 5], [256, 5]], file=128)
    assert focused() == "The file's short side" and np.allclose(numbers(page), expected(explorer))
    assert page.locator(".l7-resize-past").count() == 2
    for i, key in enumerate(["ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown", "Home", "End"]):
        page.keyboard.press("Tab")
        page.keyboard.press(key)
        assert focused() == f"{('Size', 'Epochs')[i % 2]} {i // 2 + 1}"
    explorer.stages = [[144, 5], [208, 4], [16, 20]]
    assert np.allclose(numbers(page), expected(explorer))
    assert page.get_by_label("Epochs 3").get_attribute("aria-valuetext") == "1 + 20"


def test_a_stage_more_and_a_stage_less(opened):
    page = opened()
    for size in (224, 320):
        page.get_by_label("Size 2").fill(str(size))
        page.get_by_label("Stages").select_option("3")
        drawn(page)
        assert page.get_by_label("Size 3").input_value() == str(min(320, size + 32))
        page.get_by_label("Stages").select_option("2")
        drawn(page)
        assert (
            not page.get_by_label("Size 3").is_visible()
            and page.locator(".l7 figure canvas:visible").count() == 4
        )


def test_still_picture_until_alive(saved, new_page, opened):
    page = new_page(java_script_enabled=False)
    page.goto(saved)
    assert page.locator("img").is_visible() and page.locator(".l7").count() == 0
    assert not opened().locator("img").is_visible()


def test_a_thousand_moves_leave_nothing_behind(opened):
    page = opened()
    nodes = lambda: page.evaluate("document.querySelectorAll('*').length")
    before = nodes()
    page.get_by_label("Size 2").evaluate("""async (slider) => {
        const count = document.querySelector("select");
        for (let i = 0; i < 1000; i++) {
            slider.value = 16 + 16 * (i % 20); slider.dispatchEvent(new Event("input"));
            if (i % 10 === 0) { count.value = 2 + i / 10 % 2; count.dispatchEvent(new Event("change")); }
            if (i % 50 === 0) await new Promise(requestAnimationFrame);
        } }""")
    drawn(page)
    assert nodes() == before


@pytest.mark.parametrize("width", [360, 700, 1040])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_and_can_be_read(opened, scheme, width):
    page = opened(color_scheme=scheme, viewport=dict(width=width, height=800))
    for stages, file in ((2, 256), (3, 96)):
        page.get_by_label("Stages").select_option(str(stages))
        page.get_by_label("The file's short side").select_option(str(file))
        drawn(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert (
            page.locator(".l7-scroll").evaluate("e => e.scrollWidth - e.clientWidth") <= 0
        )  # all numbers in sight
        faults = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in faults] == []


def test_nothing_outside_the_explorer_is_styled(opened):
    loose = opened().evaluate("""[...document.querySelector('section.l7').parentElement.querySelector('style').sheet.cssRules]
        .flatMap(r => r.cssRules && r.conditionText ? [...r.cssRules] : [r]).filter(r => !r.selectorText.startsWith('.l7')).length""")
    assert loose == 0


@pytest.mark.parametrize("n", [1, 2, 1000])
def test_any_number_of_classes(n, opened, tmp_path):
    page = opened(ResizeExplorer(learn=says(n)).save(tmp_path / "n.html").as_uri())
    assert page.locator(".l7 figure:not([hidden]) .l7-bars [data-value]").count() == 2 * min(n, 3)


@pytest.mark.parametrize(
    "image",
    [
        Image.new("L", (50, 70), 7),
        Image.new("RGBA", (300, 280), (200, 90, 10, 0)),
        Image.new("CMYK", (90, 300), (9, 99, 0, 30)),
        Image.new("RGB", (1, 1), (5, 6, 7)),
        Image.fromarray(np.full((40, 60), 40_000, np.uint16)),
        Image.radial_gradient("L").resize((4000, 3000)),
        Image.linear_gradient("L").resize((90, 300)),
    ],
    ids=["grey", "RGBA", "CMYK", "1x1", "16-bit", "4000x3000", "portrait"],
)
def test_any_image(image, opened, tmp_path):
    explorer = ResizeExplorer(image, stages=[[16, 1], [48, 2]])
    page = opened(explorer.save(tmp_path / "i.html").as_uri())
    for i, size in enumerate((16, 48)):
        assert (
            abs(
                canvas_pixels(page, 2 * i)[..., :3] - (explorer.seen(size) * 255).transpose(1, 2, 0)
            ).max()
            <= 1
        )
    assert page.get_by_label("The file's short side").input_value() == str(explorer.side)
