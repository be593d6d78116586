"Predict, then reveal: the guess mode of each explorer, by keyboard, from saved files."

import re

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from browser import drawn
from PIL import Image
from playwright.sync_api import expect
from test_tta_browser import HOSTILE, asked

from lesson7.explorers.mixup import MixupExplorer
from lesson7.explorers.normalize import NormalizeExplorer
from lesson7.explorers.resize import ResizeExplorer
from lesson7.explorers.scripts import joined_script
from lesson7.explorers.smoothing import SmoothingExplorer
from lesson7.explorers.tta import TTAExplorer
from lesson7.mixup import mix, one_hot
from lesson7.normalize import normalize
from lesson7.resize import Stage, relative_cost
from lesson7.smoothing import smooth_labels

MADE = dict(
    normalize=NormalizeExplorer,
    resize=ResizeExplorer,
    tta=TTAExplorer,
    mixup=MixupExplorer,
    smoothing=SmoothingExplorer,
    model=lambda: asked(TTAExplorer(side=48), [*HOSTILE, "cat"]),
)
# what would give the answer away
SECRETS = dict(
    normalize=[
        "td:nth-child(6)",
        "td:nth-child(7)",
        "[aria-label^='red after']",
        "text=/within .* of mean 0|Exactly mean 0/",
    ],
    resize=[
        "td:nth-child(4)",
        "td:nth-child(5)",
        "[aria-label*=' of the work']",
        "text=/do the work of|nothing is saved/",
    ],
    tta=[
        ".l7-views p:has(span)",
        ".l7-bars i",
        ".l7-bars > :nth-child(3n)",
        "text=/Together:/",
        "role=img[name=/^window 1: /]",
    ],
    mixup=[
        "figcaption:has-text('coffee')",
        "code >> nth=2",
        ".l7-bars i",
        ".l7-bars > :nth-child(3n)",
        "text=/says 0|ordinary|one-hot/",
        "role=img[name=/^blend: /]",
    ],
    smoothing=[
        ".l7-bars i",
        ".l7-bars > :nth-child(3n)",
        "text=/ = 1$/",
        "text=/smoothed label/",
        "svg[role=img]",
        "tr:has-text('smoothed') td",
    ],
)
SECRETS["model"] = SECRETS["tta"]
TOGGLE, QUESTION, INPUT = ".l7-guess [aria-pressed]", ".l7-guess label", ".l7-guess input"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guess")
    return {name: make().save(folder / f"{name}.html") for name, make in MADE.items()}


@pytest.fixture
def opened(saved, new_page):
    def open_(file, seed=1, **options):
        page = new_page(**options)
        page.add_init_script(
            f"let seed = {seed}; globalThis.l7random = () => (seed = seed * 16807 % 2147483647) / 2147483647"
        )
        page.goto(saved.get(file, file).as_uri())
        page.locator(TOGGLE).last.wait_for()
        return page

    return open_


def start(page, n=0):
    "Reach the `n`th Guess by Tab alone, and press it."
    toggle = page.locator(TOGGLE).nth(n)
    for _ in range(60):
        if toggle.evaluate("e => e === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    expect(page.locator(INPUT).nth(n)).to_be_focused()
    expect(page.locator(QUESTION).nth(n)).to_contain_text("?")


def guess(page, value):
    page.keyboard.type(str(value))
    page.keyboard.press("Enter")


def said(page):
    return page.locator(".l7-guess p[aria-live]")


def score(page):
    return page.locator(".l7-score")


def seen(page, name):
    "For each giveaway: is any of it shown, to the eye or to a screen reader?"
    drawn(page)
    return [
        any(e.is_visible() for e in page.locator(".l7").locator(s).all()) for s in SECRETS[name]
    ]


def controls(page):
    drawn(page)
    return page.locator(".l7").evaluate(
        "e => [...e.querySelectorAll('input:not(.l7-guess input), select')].map(i => i.type === 'checkbox' ? i.checked : i.value)"
    )


# The right answer, by torch, to what the page asks in the state it shows.
def value(page, label):
    return page.get_by_label(label, exact=True).input_value()


def answer_normalize(page, text):
    e = NormalizeExplorer(
        draw=int(value(page, "Batch")),
        bs=int(value(page, "Images in it")),
        kind=value(page, "Normalize with"),
    )
    x = normalize(torch.from_numpy(e.batch), e.stats)[
        :, ["Red", "Green", "Blue"].index(text.split()[0])
    ]
    return (x.mean() if "its mean" in text else x.std()).item()


def answer_resize(page, text):
    count = int(value(page, "Stages"))
    e = ResizeExplorer(
        stages=[
            [int(value(page, f"{what} {i + 1}")) for what in ("Size", "Epochs")]
            for i in range(count)
        ],
        file=int(value(page, "The file's short side")),
    )
    each, whole = relative_cost([Stage(size, 8, epochs, 1e-3) for size, epochs in e.stages])
    if "share of the work" in text:
        return whole.item()
    size = int(re.search(r"one at (\d+) px", text)[1])
    return each[[s for s, _ in e.stages].index(size)].item()


def answer_tta(page, text, e=None):
    e = e or TTAExplorer()
    e.photo, e.plain, e.scale = (
        int(value(page, "Photo")),
        value(page, "Plain view"),
        float(value(page, "Windows")),
    )

    def spot(i):
        page.get_by_label("Move", exact=True).select_option(str(i))
        drawn(page)
        return [int(value(page, k)) / e.steps for k in ("across", "down")]

    e.at = [spot(i) for i in range(4)]
    if not e.asked:
        e.target = spot(4)
        return int((e.preds[:, 0] >= 0.5).sum())
    assert f"“{e.classes[e.answer.argmax()][:31]}" in text  # a long name is cut
    return int((e.preds.argmax(1) == e.answer.argmax()).sum())


def answer_model(page, text):
    return answer_tta(page, text, asked(TTAExplorer(side=48), [*HOSTILE, "cat"]))


def answer_mixup(page, text):
    e = MixupExplorer(
        first=int(value(page, "First picture")),
        second=int(value(page, "Second picture")),
        t=float(value(page, "Weight t of the first")),
    )
    a, b = one_hot(torch.tensor([e.labels[e.first], e.labels[e.second]]), len(e.vocab)).double()
    return mix(a, b, e.t)[e.vocab.index(re.findall("“(.*?)”", text)[-1])].item()


def answer_smoothing(page, text):
    e = SmoothingExplorer(
        n=int(value(page, "Classes, N")),
        label=int(value(page, "True class")),
        eps=float(value(page, "eps")),
    )
    asked = re.findall(r"“class (\d+)”", text)
    return round(smooth_labels(torch.tensor([e.label]), e.n, e.eps)[0, int(asked[-1])].item(), 5)


def answer(page, name):
    text = re.sub("[\u2068\u2069]", "", page.locator(QUESTION).inner_text())
    return globals()[f"answer_{name}"](page, text)


@pytest.mark.parametrize("name", MADE)
def test_a_guess_is_asked_checked_and_scored_by_keyboard_alone(opened, name):
    page = opened(name)
    before = controls(page)
    assert all(seen(page, name)) and score(page).inner_text() == ""
    start(page)
    assert not any(seen(page, name))
    right = answer(page, name)
    page.locator(INPUT).focus()
    guess(page, f"{right + 1:.4f}")
    expect(said(page)).to_contain_text(
        re.compile(rf"^{right + 1:.4f} – it is (−?[\d.]+), because \S")
    )
    assert float(
        re.search("it is (.*?),", said(page).inner_text())[1].replace("−", "-")
    ) == pytest.approx(right, rel=0.005, abs=1e-6)
    expect(score(page)).to_have_text("0 of 1 on this page")
    assert all(seen(page, name))
    states = [controls(page)]
    for k in range(1, 9):
        page.keyboard.press("Enter")  # the next question
        expect(page.get_by_role("button", name="Check")).to_be_visible()
        expect(said(page)).to_have_text("")
        assert not any(seen(page, name)) and page.locator(INPUT).input_value() == ""
        right = answer(page, name)
        page.locator(INPUT).focus()
        guess(page, f"{right:.4f}".replace(".", "," if k % 2 else "."))
        expect(said(page)).to_contain_text(re.compile(r"^Right: \S+, because \S"))
        expect(score(page)).to_have_text(f"{k} of {k + 1} on this page")
        states.append(controls(page))
    assert len({str(s) for s in states}) > 4  # not one question again and again
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator(TOGGLE)).to_have_attribute("aria-pressed", "false")
    expect(page.locator(TOGGLE)).to_be_focused()
    assert (
        controls(page) == before and all(seen(page, name)) and not page.locator(INPUT).is_visible()
    )


@pytest.mark.parametrize(
    "typed, told",
    [
        ("", "Write a number first"),
        ("  ", "Write a number first"),
        ("abc", "“abc” is not a number"),
        ("1.2.3", "is not a number"),
        ("1/4", "is not a number"),
        ("Infinity", "is not a number"),
    ],
)
def test_what_is_no_number_gets_a_sentence_and_does_not_count(opened, typed, told):
    page = opened("smoothing")
    start(page)
    guess(page, typed)
    expect(said(page)).to_contain_text(re.sub("“(.*)”", "“\u2068\\1\u2069”", told))
    expect(page.locator(INPUT)).to_have_attribute("aria-invalid", "true")
    assert not any(seen(page, "smoothing")) and score(page).inner_text() == ""
    page.locator(INPUT).fill("")
    guess(page, answer(page, "smoothing"))
    expect(score(page)).to_have_text("1 of 1 on this page")
    expect(page.locator(INPUT)).to_have_attribute("aria-invalid", "false")


def test_forgetting_eps_over_n_is_wrong(opened):
    page = opened("smoothing")
    start(page)
    while "say for it" not in page.locator(QUESTION).inner_text():
        guess(page, 9)
        page.keyboard.press("Enter")
    guess(page, f"{1 - float(value(page, 'eps')):.2f}")
    expect(said(page)).to_contain_text("besides")
    assert said(page).get_attribute("data-right") == "false"


def test_two_pictures_of_one_class(saved, opened, tmp_path):
    same = MixupExplorer(
        [Image.new("RGB", (9, 9), c) for c in ("red", "blue")], ["cat", "cat"]
    ).save(tmp_path / "same.html")
    page = opened(same)
    start(page)
    guess(page, 1)
    expect(said(page)).to_contain_text("Right: 1, because both pictures are of this class")


def test_the_lessons_example_is_asked_about_too(opened):
    page = opened("mixup", seed=3)
    page.get_by_role("button", name="The lesson's example").press("Enter")
    start(page)
    text = page.locator(QUESTION).inner_text()
    target = mix(*one_hot(torch.tensor([2, 7]), 10), float(value(page, "Weight t of the first")))
    guess(page, round(target[int(re.findall(r"class (\d)", text)[-1])].item(), 4))
    expect(said(page)).to_contain_text("Right")
    page.keyboard.press("Escape")
    expect(
        page.get_by_role("button", name="Back to these pictures' classes")
    ).to_be_visible()  # where it was, not where it began
    expect(page.get_by_label("Weight t of the first")).to_have_value("0.3")


def test_a_question_follows_the_controls(opened):
    page = opened("mixup", seed=5)
    start(page)
    page.get_by_label("Weight t of the first").fill("0.85")
    expect(page.locator(QUESTION)).to_contain_text("weighs 0.85")
    assert not any(seen(page, "mixup"))
    right = answer(page, "mixup")
    page.locator(INPUT).focus()
    guess(page, right)
    expect(said(page)).to_contain_text("Right")
    page.get_by_label("Weight t of the first").fill("0.1")
    drawn(page)
    assert (
        "weighs 0.85" in page.locator(QUESTION).inner_text()
    )  # what was answered stays as it was asked


def test_two_explorers_on_a_page_keep_one_score(saved, opened, tmp_path):
    host = f"<script>{joined_script('host')}</script>"
    parts = [saved[name].read_text() for name in ("mixup", "smoothing")]
    (tmp_path / "both.html").write_text(
        parts[0].replace(host, "") + parts[1].split("</style>", 1)[1]
    )
    page = opened(tmp_path / "both.html")
    start(page)
    guess(page, 9)
    expect(score(page).first).to_have_text("0 of 1 on this page")
    expect(score(page).last).to_have_text("")  # it does not take part yet
    start(page, 1)
    expect(score(page).last).to_have_text("0 of 1 on this page")
    guess(page, 8)
    for line in score(page).all():
        expect(line).to_have_text("0 of 2 on this page")
    page.keyboard.press("Escape")
    assert page.locator(TOGGLE).evaluate_all("all => all.map(e => e.ariaPressed)") == [
        "true",
        "false",
    ]
    page.reload()
    page.locator(TOGGLE).last.wait_for()
    start(page)
    expect(score(page).first).to_have_text("")  # not stored


@pytest.mark.parametrize("width", [360, 1040])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", MADE)
def test_fits_and_can_be_read(opened, name, scheme, width):
    page = opened(name, color_scheme=scheme, viewport=dict(width=width, height=800))
    start(page)
    for typed in ("", "not one at all", "0.123"):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        faults = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in faults] == []
        page.locator(INPUT).fill("")
        guess(page, typed)
    assert page.locator(".l7-guess b, .l7-guess img, .l7-guess script").count() == 0
