"The TTA explorer in Chromium, from a saved file, with no kernel and no network."

import base64
import io
import random
import re

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from browser import drawn, static, values
from PIL import Image

from lesson7.explorers.scripts import joined_script
from lesson7.explorers.tta import TTAExplorer
from lesson7.tta import CORNERS

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "\"quotes\" & 'more'",
    "שלום, עולם",
    "x" * 200,
    "</script><b>",
]


def asked(explorer, classes, seed=0):
    "The explorer as a learner with these classes would fill it: random predictions for each state of the grid."
    preds = (
        np.random.default_rng(seed).dirichlet([0.3] * len(classes), 3 + 3 * 81).round(6).tolist()
    )
    explorer.steps, explorer.asked = (
        8,
        [dict(classes=classes, preds=preds[i:] + preds[:i]) for i in range(len(explorer.sizes))],
    )
    return explorer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("saved")


@pytest.fixture(scope="module")
def saved(folder):
    "URLs of an explorer without a model and of one with predictions."
    made = dict(plain=TTAExplorer(), model=asked(TTAExplorer(side=48), [*HOSTILE, "cat"]))
    return {name: e.save(folder / f"{name}.html").as_uri() for name, e in made.items()}


@pytest.fixture
def opened(saved, new_page):
    def open_(which="plain", **options):
        page = new_page(**options)
        page.goto(saved.get(which, which))
        page.locator(".l7 .l7-bars").first.wait_for()
        return page

    return open_


def pictures(page):
    "The photo and the views [H,W,3], 0 to 255, all read at once."
    drawn(page)
    data = page.locator(".l7 canvas").evaluate_all(
        "all => all.map((c) => c.toDataURL().split(',')[1])"
    )
    return [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(d))).convert("RGB"), int) for d in data
    ]


def bars(page):
    return values(page, ".l7 .l7-bars > :nth-child(3n)").reshape(2, -1)  # [alone/together, classes]


def weights(page):
    return values(page, ".l7-views p:last-child")


def weights_of(e):
    "The weights of mean and lerp, from what `combine` makes of one-hot predictions."
    used = torch.eye(sum(e.on))[:, None]
    from lesson7.tta import combine

    mine = iter(combine(used, e.reduce if e.on[0] and e.reduce == "lerp" else "mean")[0].tolist())
    return [next(mine) if on else 0 for on in e.on]


def set_state(page, e):
    page.get_by_label("Photo", exact=True).select_option(str(e.photo))
    page.get_by_label("Plain view", exact=True).select_option(e.plain)
    page.get_by_label("Windows", exact=True).select_option(str(e.scale).removesuffix(".0"))
    page.get_by_label("Combine").select_option(e.reduce)
    for i, (x, y) in enumerate([*e.at, *([] if e.asked else [e.target])]):
        page.get_by_label("Move").select_option(str(i))
        page.get_by_label("across").fill(str(round(x * e.steps)))
        page.get_by_label("down").fill(str(round(y * e.steps)))
    boxes = page.get_by_role("checkbox")
    for i in sorted(range(len(e.on)), key=lambda i: not e.on[i]):
        boxes.nth(i).set_checked(e.on[i])


@pytest.mark.parametrize("which", ["plain", "model"])
def test_twenty_states_are_pythons(opened, which):
    page, rng = opened(which), random.Random(42)
    for _ in range(20):
        e = TTAExplorer(side=96 if which == "plain" else 48)
        if which == "model":
            asked(e, [*HOSTILE, "cat"])
        e.photo, e.plain, e.scale, e.reduce = (
            rng.randrange(4),
            rng.choice(["crop", "squish", "pad"]),
            rng.choice([0.6, 0.85, 1.0]),
            rng.choice(["mean", "max", "lerp"]),
        )
        e.at = [[rng.random(), rng.random()] for _ in range(4)]
        e.target = [rng.random(), rng.random()]
        e.on = rng.choice(
            [[True] * 5, *([rng.random() < 0.5 for _ in range(4)] + [True] for _ in range(3))]
        )
        set_state(page, e)
        top = np.argsort(-e.answer, kind="stable")[:5]
        assert abs(bars(page) - np.stack([e.preds[0][top], e.answer[top]])).max() < 1e-6, e
        best = e.preds.max(1) if e.asked else e.preds[:, 0]
        assert abs(values(page, ".l7-views p:nth-of-type(1)") - best).max() < 1e-6, e
        if e.reduce != "max":
            assert abs(weights(page) - weights_of(e)).max() < 1e-6, e
        photo, *got = pictures(page)
        assert abs(np.stack(got) - 255 * e.views.transpose(0, 2, 3, 1)).max() <= 1, e
        rects = page.locator(".l7-stage .l7-edge").evaluate_all(
            "all => all.map((r) => ['x', 'y', 'width', 'height'].map((k) => +r.getAttribute(k)))"
        )
        assert [[x, y, x + w, y + h] for x, y, w, h in rects[1:5]] == [list(b) for b in e.boxes[1:]]
        h, w = e.sizes[e.photo]
        assert (
            photo.shape == (h, w, 3)
            and (photo == np.rint(255 * e.images[e.photo].transpose(1, 2, 0))).all()
        )


def test_keyboard_alone_moves_every_control(opened):
    page = opened()
    focused = lambda: page.evaluate(
        "document.activeElement.labels?.[0]?.textContent.slice(0, 8) ?? document.activeElement.textContent"
    )
    seen = []
    state = lambda: (
        drawn(page),
        page.locator(".l7").evaluate(
            "e => e.innerText + [...e.querySelectorAll('input, select')].map(i => i.value + i.checked)"
        ),
    )[1]
    for _ in range(14):
        page.keyboard.press("Tab")
        name, kind = focused(), page.evaluate("document.activeElement.type ?? ''")
        before = state()
        page.keyboard.press(
            {"checkbox": "Space", "button": "Enter", "range": "ArrowRight"}.get(kind, "ArrowDown")
        )
        seen.append((name, kind, state() != before))
    assert [kind for _, kind, _ in seen] == ["select-one"] * 4 + ["button"] * 2 + ["select-one"] + [
        "range"
    ] * 2 + ["checkbox"] * 5
    assert [name for name, _, moved in seen if not moved] == [
        "Corners",
        "window 4",
    ]  # they stand there already; one view stays
    assert page.get_by_role("checkbox").evaluate_all("all => all.map((e) => e.checked)") == [
        False
    ] * 4 + [True]


def test_dragging_by_pointer(opened):
    page = opened()
    box = page.locator(".l7-stage svg").bounding_box()
    at = lambda x, y: (box["x"] + x / 240 * box["width"], box["y"] + y / 160 * box["height"])

    def drag(start, end):
        page.mouse.move(*at(*start))
        page.mouse.down()
        page.mouse.move(*at(*end), steps=5)
        page.mouse.up()
        drawn(page)
        return page.locator(".l7-move output").all_inner_texts(), page.get_by_label(
            "Move"
        ).input_value()

    assert drag((212, 85), (100, 45)) == (["72 px", "17 px"], "4")  # the object, wherever it stands
    assert drag((7, 7), (47, 17)) == (["40 px", "10 px"], "0")  # window 1 by its number
    assert drag((50, 100), (-500, 800)) == (
        ["0 px", "24 px"],
        "0",
    )  # and by its body, no further than the edge
    assert drag((230, 150), (210, 140)) == (["84 px", "14 px"], "1")  # what lies under the pointer
    page.mouse.move(*at(10, 10))
    drawn(page)
    assert page.locator(".l7-move output").all_inner_texts() == [
        "84 px",
        "14 px",
    ]  # let go is let go


def test_dragging_snaps_to_what_the_model_was_asked(opened):
    page = opened("model")
    box = page.locator(".l7-stage svg").bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 10)
    page.mouse.up()
    e = asked(TTAExplorer(side=48), [*HOSTILE, "cat"])
    e.at = [[2 / 8, 0], *e.at[1:]]
    assert (
        page.get_by_label("across").input_value() == "2"
        and page.get_by_label("across").get_attribute("max") == "8"
    )
    assert abs(bars(page)[1] - np.sort(e.answer)[::-1][:5]).max() < 1e-6


def test_the_buttons_arrange_the_windows(opened):
    page = opened()
    xs = lambda: (
        drawn(page),
        page.locator(".l7-stage .l7-edge").evaluate_all(
            "all => all.slice(1, 5).map((r) => [+r.getAttribute('x'), +r.getAttribute('y')])"
        ),
    )[1]
    corners = xs()
    page.get_by_role("button", name="End to end").click()
    assert xs() == [[0, 12], [35, 12], [69, 12], [104, 12]]
    page.get_by_role("button", name="Corners").click()
    assert xs() == corners == [[104 * x, 24 * y] for x, y in CORNERS]


def test_text_follows_the_state(opened):
    page = opened()
    page.get_by_label("Combine").select_option("max")
    drawn(page)
    assert page.get_by_text(
        "they sum to 2.00"
    ).is_visible()  # one view shows all of the object, another nothing
    page.get_by_label("Plain view", exact=True).select_option("squish")
    page.get_by_label("Photo", exact=True).select_option("3")
    drawn(page)
    assert page.get_by_text("85 % of its true height").is_visible()
    assert "hopper, 160 by 188 pixels" in page.locator(".l7-stage canvas").get_attribute(
        "aria-label"
    )
    assert (
        page.locator(".l7-views canvas").first.get_attribute("aria-label")
        == "plain view: shows 100 %"
    )


@pytest.mark.parametrize("label", ["across", "Windows", "Photo"])
def test_a_thousand_moves_leave_nothing_behind(opened, label):
    page = opened()
    nodes = lambda: page.evaluate("document.querySelectorAll('*').length")
    before = nodes()
    page.get_by_label(label, exact=True).evaluate("""async (input) => {
        for (let i = 0; i < 1000; i++) {
            if (input.type === "range") input.value = i % 121; else input.selectedIndex = i % input.options.length;
            input.dispatchEvent(new Event(input.type === "range" ? "input" : "change"));
            if (i % 50 === 0) await new Promise(requestAnimationFrame);
        } }""")
    assert nodes() == before


@pytest.mark.parametrize("width", [360, 700, 1040])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["plain", "model"])
def test_fits_and_can_be_read(opened, which, scheme, width):
    page = opened(which, color_scheme=scheme, viewport=dict(width=width, height=800))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    faults = [
        v
        for v in Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
    ]
    assert [(v["id"], v["nodes"][0]["html"]) for v in faults] == []
    assert all(
        name
        for name in page.locator(".l7 input, .l7 select").evaluate_all(
            "all => all.map((e) => e.labels[0]?.textContent)"
        )
    )


@pytest.mark.parametrize(
    "classes", [["only"], ["a", "b"], [f"class {i}" for i in range(10)], HOSTILE]
)
def test_class_names_are_shown_as_they_are(folder, opened, classes):
    e = asked(TTAExplorer({name: Image.new("RGB", (30, 20)) for name in HOSTILE}, side=16), classes)
    page = opened(e.save(folder / "names.html").as_uri())
    names = page.locator(".l7-bars > :nth-child(3n + 1)").all_text_contents()
    assert len(names) == 2 * min(5, len(classes)) and set(names) <= set(classes)
    assert page.get_by_label("Photo", exact=True).locator("option").all_text_contents() == HOSTILE
    assert (
        page.locator(".l7 img, .l7 b").count() == 0
        and page.evaluate("document.documentElement.scrollWidth") <= 1280
    )


@pytest.mark.parametrize(
    "size, mode",
    [
        ((90, 60), "L"),
        ((60, 90), "RGBA"),
        ((1, 1), "RGB"),
        ((4000, 3000), "CMYK"),
        ((3, 900), "RGB"),
        ((900, 3), "RGB"),
    ],
)
def test_any_picture_is_pythons(folder, opened, size, mode):
    rng = np.random.default_rng(1)
    e = TTAExplorer(
        [Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), np.uint8)).convert(mode)],
        side=32,
        n=6,
    )
    page = opened(e.save(folder / "any.html").as_uri())
    for plain in ("crop", "squish", "pad"):
        e.plain = plain
        page.get_by_label("Plain view", exact=True).select_option(plain)
        assert abs(np.stack(pictures(page)[1:]) - 255 * e.views.transpose(0, 2, 3, 1)).max() <= 1
        assert abs(bars(page)[1] - np.sort(e.answer)[::-1]).max() < 1e-6


def test_still_picture_until_alive(saved, new_page, opened):
    page = new_page(java_script_enabled=False)
    page.goto(saved["plain"])
    assert page.locator("img").is_visible() and page.locator(".l7").count() == 0
    assert not opened().locator("img").is_visible()


def test_nothing_outside_the_explorer_is_styled():
    css = re.sub(r"/\*.*?\*/|@container[^{]*\{", "", static("tta.css"))
    lists = re.findall(r"([^{}]+)\{", css)
    selectors = [s.strip() for text in lists for s in text.split(",\n")]
    assert len(selectors) > 20 and all(s.startswith(".l7 .l7-tta") for s in selectors)


def test_two_explorers_on_a_page_are_two(folder, new_page):
    parts = [TTAExplorer(photo=d).save(folder / f"two{d}.html").read_text() for d in (0, 1)]
    host = f"<script>{joined_script('host')}</script>"
    (folder / "both.html").write_text(parts[0].replace(host, "") + parts[1].split("</style>", 1)[1])
    page = new_page()
    page.goto((folder / "both.html").as_uri())
    page.locator(".l7-views").nth(1).wait_for()
    page.get_by_label("across").nth(1).fill("60")
    drawn(page)
    assert page.locator(".l7-move output").all_inner_texts() == ["0 px", "0 px", "52 px", "0 px"]
    ids = page.locator(".l7 [id]").evaluate_all("all => all.map(e => e.id)")
    assert len(set(ids)) == len(ids)
