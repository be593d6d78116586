"""The docs site as `make docs` has built it, with every notebook run.

`make test` builds it first, so that no notebook runs twice.
"""

import ast
import functools
import gzip
import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import torch
from browser import find_chromium
from conftest import ROOT, LocalPages, module_files, module_name, notebook_files
from explorer_page import FOLLOW_LINK, open_more
from jupyter_cache import get_cache
from PIL import Image
from playwright.sync_api import expect
from processes import python_output
from shared_explorers import SharedExplorers
from test_guess_browser import answer

import lesson7
from lesson7 import (
    MixupExplorer,
    NormalizeExplorer,
    Stage,
    TTAExplorer,
    batch_stats,
    photos,
    relative_cost,
    smooth_labels,
    windows,
)
from lesson7.course.cards import CARDS
from lesson7.course.questions import all_questions

SITE = ROOT / "docs" / "_build" / "html"
NOTEBOOKS = notebook_files()
BEHIND = [file for file in NOTEBOOKS if ROOT / "nbs" / "api" in file.parents]
MODULES = [module_name(file).removeprefix("lesson7.") for file in module_files()]
SLIDERS = {
    "01_normalize": "Batch",
    "02_resize": "Size 1",
    "03_tta": "across",
    "04_mixup": "Weight λ",
    "05_smoothing": "eps",
}


def build(root, source, out, *options):
    "Build the site of the project in `root` with other options of sphinx-build."
    source.mkdir(exist_ok=True)
    strict = ["-W", "--keep-going", "-n", "-c", root / "docs"]
    command = [sys.executable, "-m", "sphinx", *strict, *options, source, out]
    env = os.environ | {"PYTHONPATH": str(root), "NO_COLOR": "1"}
    return subprocess.run(command, env=env, capture_output=True, text=True)


@pytest.fixture(scope="session")
def site():
    "The folder of the whole site."
    if not (SITE / "index.html").exists():
        pytest.fail("`make docs` builds the site that these tests read.")
    return SITE


def load_explorers(page, address):
    page.goto(address)
    page.locator(".l7").first.wait_for()
    page.wait_for_function(EXPLORERS_ARE_DRAWN)
    open_more(page)


@pytest.fixture(scope="module")
def site_pages(chromium, site):
    "Pages of the site that the tests share."
    pages = LocalPages(chromium)
    yield SharedExplorers(pages, lambda page, name: load_explorers(page, address(site, name)))
    pages.close()


@pytest.fixture
def alive(new_page, site, site_pages):
    """`alive(page_name, hash, **context options)`: a page of the site, whose explorers are shown.

    With a hash or options, no other test uses the page.
    """

    def open_page(page_name, hash="", **options):
        if not hash and not options:
            return site_pages.open(page_name)
        page = new_page(**options)
        load_explorers(page, address(site, page_name) + hash)
        return page

    yield open_page
    assert site_pages.end_test() == []


def address(site, page_name):
    "Return the address of a page on disk."
    return f"{(site / page_name).as_uri()}.html"


def page_name(notebook):
    return notebook.relative_to(ROOT / "nbs").with_suffix("").as_posix()


def pages(folder):
    "Return the pages; `404.html`, which a server sends for any address, has absolute links."
    found = sorted(f for f in folder.rglob("*.html") if "_static" not in f.parts)
    return [file for file in found if file.name != "404.html"]


# Every page


class Links(HTMLParser):
    "The anchors of a page, what it links to and shows, and its text."

    def __init__(self, text):
        super().__init__()
        self.anchors, self.targets, self.text = {""}, [], ""
        self.feed(text)

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.anchors |= {attrs.get("id"), attrs.get("name")}
        self.targets += [attrs[k] for k in ("href", "src") if attrs.get(k)]


def check_links(folder):
    found = {f: Links(f.read_text()) for f in pages(folder)}
    files = {*folder.rglob("*")}
    for file, links in found.items():
        for target in links.targets:
            url = urlsplit(target)
            if url.scheme or url.netloc:
                continue
            to = Path(os.path.normpath(file.parent / unquote(url.path))) if url.path else file
            assert to in files, (file.name, target)
            if to in found and "=" not in url.fragment:
                assert unquote(url.fragment) in found[to].anchors, (file.name, target)


EXPLORERS_ARE_DRAWN = """() => {
    const parse = (kind) => [...document.querySelectorAll(`script[type*="widget-${kind}"]`)];
    const states = JSON.parse(parse("state")[0]?.textContent ?? "{}").state ?? {};
    const id = (script) => JSON.parse(script.textContent).model_id;
    const saved = (script) => states[id(script)]?.model_name === "AnyModel";
    return document.querySelectorAll(".l7").length >= parse("view").filter(saved).length;
}"""


# The width of a page, its headings, paragraphs that show a table as text, files of other hosts.
LAYOUT = """() => {
    const count = (selector) => document.querySelectorAll(selector).length;
    const isTable = (paragraph) => /^\\s*\\|/.test(paragraph.textContent);
    return {
        width: document.documentElement.scrollWidth,
        headings: count("h1"),
        tables: [...document.querySelectorAll("p")].filter(isTable).length,
        remote: count("script[src^='http'], link[rel=stylesheet][href^='http']"),
    };
}"""


def check_pages(folder, page):
    "Each page loads from disk, names itself, fits a phone; `new_page` counts errors and requests."
    for file in pages(folder):
        page.goto(file.as_uri())
        if "widget-view" in file.read_text():
            page.wait_for_function(EXPLORERS_ARE_DRAWN)
        layout = page.evaluate(LAYOUT)
        assert layout["width"] <= 360, file.name
        assert layout["headings"] == (file.name != "search.html"), file.name
        assert not layout["tables"], f"{file.name} shows a table as text"
        assert not layout["remote"], file.name


def test_every_page_loads_from_disk_and_fits_a_phone(new_page, site):
    check_pages(site, new_page(viewport={"width": 360, "height": 800}))
    shown = {f.relative_to(site).with_suffix("").as_posix() for f in pages(site)}
    assert set(map(page_name, NOTEBOOKS)) <= shown


def test_every_link_and_anchor_resolves(site):
    check_links(site)


def test_each_notebook_can_be_downloaded_and_links_to_its_neighbours(site):
    for file in NOTEBOOKS:
        name = page_name(file)
        copy = site / "notebooks" / f"{name}.ipynb"
        assert copy.read_bytes() == file.read_bytes()
        html = (site / f"{name}.html").read_text()
        link = re.search(r'This page is a notebook: <a href="([^"]+)" download', html)[1]
        assert (site / name).parent.joinpath(link).resolve() == copy.resolve(), name
        for cell in json.loads(copy.read_text())["cells"]:
            if cell["cell_type"] == "markdown":
                for target in re.findall(r"\]\(([^)#:]+\.ipynb)", "".join(cell["source"])):
                    assert (copy.parent / target).is_file(), (name, target)


def test_the_contents_have_the_course_then_the_library(site):
    html = (site / "index.html").read_text()
    tree = re.search(r'<div class="sidebar-tree">.*?</aside>', html, re.S)[0]
    captions = re.findall(r'class="caption-text">([^<]+)<', tree)
    assert captions == ["Course", "Beside the course", "API reference", "Project"]
    links = re.findall(r'href="([^"#]+)\.html"', tree)
    chapters = [page_name(f) for f in NOTEBOOKS if re.match(r"0\d_", f.name)]
    assert [name for name in links if name in chapters] == chapters == links[: len(chapters)]
    behind = [name for name in links if name.startswith("api/") and name != "api/index"]
    assert sorted(behind) == sorted(map(page_name, BEHIND))
    parent = links.index("api/index")
    assert all(parent < links.index(name) < links.index("contributing") for name in behind)


@pytest.fixture(scope="session")
def served(site):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=site)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_it_is_served_too(new_page, served):
    page = new_page()
    for name in ("reference/mixup", "04_mixup", "index"):
        page.goto(f"{served}/{name}.html")
        page.wait_for_load_state("networkidle")
    assert page.locator(".l7").first.is_visible()


def test_the_gallery_has_every_explorer(site):
    html = (site / "index.html").read_text()
    gallery = re.search(r'<div class="gallery.*?(?=<h2)', html, re.S)[0]
    shown = re.findall(r'alt="A still picture of (\w+)"', gallery)
    names = {name for name in lesson7.__all__ if re.fullmatch(r"\w+Explorer", name)}
    assert set(shown) == names and len(shown) == len(names)
    assert {file.stem for file in (site / "_static" / "gallery").iterdir()} == names
    assert "gallery.js" in html and "gallery.js" not in (site / "04_mixup.html").read_text()
    chapters = re.findall(r'href="(0\d_\w+)\.html"><span[^>]*><img', gallery)
    assert len(chapters) == len(names)
    assert all(1 <= int(minutes) <= 90 for minutes in re.findall(r"· (\d+) min", gallery))


LAYOUT_SHIFT = """() => new Promise((done) => {
    let sum = 0;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
    requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
})"""
GOOD_SHIFT = 0.1  # by web.dev's measure


def test_the_first_page_does_not_shift(new_page, served):
    "Pictures and the explorers' script come after the text is painted, as on a slow connection."
    page, held = new_page(viewport={"width": 1280, "height": 800}), []
    is_painted = []

    def hold(route):
        if is_painted:
            route.continue_()
        else:
            held.append(route)

    for slow in ("**/host.js*", "**/_images/*"):
        page.route(slow, hold)
    with page.expect_request("**/_images/*"):
        page.goto(f"{served}/index.html", wait_until="commit")
    page.wait_for_function("performance.getEntriesByType('paint').length")
    while held:
        held.pop().continue_()
    is_painted.append(True)
    page.locator(".l7").first.wait_for()
    assert page.evaluate(LAYOUT_SHIFT) < GOOD_SHIFT


def test_a_term_shows_its_definition(new_page, site):
    page = new_page()
    page.goto(address(site, "05_smoothing"))
    link, card = page.locator("a.term-link").first, page.get_by_role("tooltip")
    assert not card.is_visible()
    link.focus()
    expect(card).to_be_visible()
    glossary = re.sub(r"\s+", " ", Links((site / "glossary.html").read_text()).text)
    assert card.inner_text() in glossary
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    link.hover()
    expect(card).to_be_visible()
    card.hover()
    link.press("Enter")
    expect(page).to_have_url(re.compile(r"glossary\.html#term-"))


def test_missing_pages_and_the_social_picture(site):
    text = (site / "404.html").read_text()
    assert "Page not found" in text
    relative = [link for link in Links(text).targets if not re.match(r"/|#|\w+:", link)]
    assert not relative  # a server sends it for addresses in any folder
    index = (site / "index.html").read_text()
    assert re.search(r'property="og:image" content="[^"]*/_static/social.png"', index)
    with Image.open(site / "_static" / "social.png") as picture:
        assert picture.size == (1200, 630)


def test_the_sheets_and_their_files(site):
    sheet = Links((site / "questions.html").read_text())
    for question in all_questions():
        first_words = re.match(r"[\w ]*", question.answer)[0]
        assert first_words in sheet.text
    assert "downloads/lesson7.apkg" in sheet.targets
    cheat = Links((site / "cheatsheet.html").read_text())
    assert all(card.helps in cheat.text for card in CARDS.values())
    if find_chromium():
        assert "downloads/cheatsheet.pdf" in cheat.targets
        pdf = (site / "downloads" / "cheatsheet.pdf").read_bytes()
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1  # it fits on one page


# Explorers

WIDGET = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"


def shown_explorers(site, name):
    "Return for each explorer that a page shows its state, and the one of its output."
    cache = get_cache(site.parent / ".jupyter_cache")
    records = [each for each in cache.list_cache_records() if Path(each.uri).stem == name]
    nb = cache.get_cache_bundle(max(records, key=lambda each: each.created).pk).nb
    page = (site / f"{name}.html").read_text()
    (text,) = re.findall(rf'<script type="{re.escape(STATE)}">(.*?)</script>', page, re.S)
    states = json.loads(text)["state"]
    for cell in nb["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            text = "".join(data.get("text/plain", ""))
            if WIDGET in data and re.match(r"\w+Explorer\(", text):
                call = ast.parse(text, mode="eval").body
                wanted = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
                yield states[data[WIDGET]["model_id"]]["state"], wanted


@pytest.mark.parametrize("name", ["index", "00_measure", *SLIDERS, "08_own", "09_playground"])
def test_each_explorer_has_the_state_of_its_cell(site, name):
    "A page has one state for each explorer: a later cell that changed it would change it above."
    found = list(shown_explorers(site, name))
    assert found
    for state, wanted in found:
        assert {key: state[key] for key in wanted} == json.loads(json.dumps(wanted))


LOOK = """window.look = () => {
    const explorer = document.querySelector(".l7");
    const canvases = [...explorer.querySelectorAll("canvas")].map((c) => c.toDataURL());
    return canvases.join() + [...explorer.querySelectorAll("svg")].map((s) => s.innerHTML).join();
}"""


@pytest.mark.parametrize("name", SLIDERS)
def test_an_explorer_follows_keyboard_and_pointer(alive, name):
    page = alive(name)
    slider = page.get_by_label(SLIDERS[name], exact=True).first
    page.evaluate(LOOK)

    def is_moved_by(act):
        page.evaluate("window.before = look()")
        act()
        page.wait_for_function("look() !== before")

    is_moved_by(lambda: slider.press("ArrowRight"))
    box = slider.bounding_box()
    position = {"x": 0.8 * box["width"], "y": box["height"] / 2}
    is_moved_by(lambda: slider.click(position=position))


def first_explorer(page):
    return page.locator(".l7").first


def control(page, trait):
    return page.locator(f"[data-trait='{trait}']").first


def state(page, trait):
    return control(page, trait).evaluate("e => e.value")


def values(page, selector):
    "The numbers that the first explorer shows in what `selector` finds."
    script = "els => els.map(e => Number(e.dataset.value)).filter(Number.isFinite)"
    return first_explorer(page).locator(selector).evaluate_all(script)


def test_smoothing_shows_torchs_numbers(alive):
    page = alive("05_smoothing", "#eps=0.2&label=4")
    shown = torch.tensor(values(page, ".l7-bars [data-value]")[:10])
    assert shown.allclose(smooth_labels(torch.tensor([4]), 10, 0.2)[0].float(), atol=1e-6)


def test_normalize_shows_torchs_numbers(alive):
    page = alive("01_normalize", "#draw=5")
    expect(control(page, "draw")).to_have_value("5")
    shown = values(page, "[data-name^='before.'][data-name$='.mean']")
    batch = torch.as_tensor(NormalizeExplorer(draw=5).batch)
    assert shown == pytest.approx(list(batch_stats(batch).mean), abs=1e-6)


def test_resize_shows_torchs_numbers(alive):
    page = alive("02_resize", "#size0=96")
    expect(control(page, "size0")).to_have_value("96")
    stages = [Stage(96, 64, 4, 3e-3), Stage(224, 64, 5, 1e-3)]  # the page's first explorer, moved
    each, whole = relative_cost(stages)
    shown = values(page, "td[data-value]")
    for wanted in (*each.tolist(), whole.item()):
        assert min(abs(value - wanted) for value in shown) < 1e-6


def test_tta_shows_torchs_numbers(alive):
    page = alive("03_tta", "#plain=pad&reduce=max")
    explorer = TTAExplorer(plain="pad", reduce="max")
    expect(control(page, "reduce")).to_have_value("max")
    scores = values(page, ".l7-tta-term > strong")
    assert scores == pytest.approx(explorer.preds[:, 0].tolist(), abs=1e-6)
    wanted = [*explorer.preds[0].tolist(), *explorer.answer.tolist()]
    assert sorted(values(page, ".l7-tta-bars .l7-bars [data-value]")) == pytest.approx(
        sorted(wanted), abs=1e-6
    )


def test_a_link_sets_the_state(alive):
    page = alive("04_mixup", "#t=0.42&alpha=1&keep=any")
    expect(control(page, "t")).to_have_value("0.42")
    assert (state(page, "alpha"), state(page, "keep")) == ("1", "any")
    assert set(values(page, "[data-name=t]")) == {0.42}
    page.evaluate("location.hash = 't=0.9'")
    expect(control(page, "t")).to_have_value("0.9")


@pytest.mark.parametrize("name", SLIDERS)
def test_the_tools_of_an_explorer_work_on_the_site(alive, name):
    page = alive(name)
    explorer = first_explorer(page)
    tools = {button.inner_text(): button for button in explorer.locator(".l7-tools button").all()}
    assert set(tools) >= {"Steps", "Guess", "Code", "Pin", "Undo", "Redo", "Reset", "Copy link"}
    headline = explorer.locator(".l7-headline")
    before = headline.inner_text()
    tools["Pin"].click()
    headline.locator("[data-scrub]").first.press("ArrowLeft")
    expect(headline).not_to_have_text(before)
    assert explorer.locator(".l7-pin tbody tr").count() > 0
    tools["Undo"].click()
    expect(headline).to_have_text(before)
    tools["Code"].click()
    expect(explorer.locator("pre code")).to_contain_text("fastai")


BAD_LINKS = [
    "#t=7",
    "#t=-1",
    "#t=abc",
    "#t=",
    "#keep=all",
    "#alpha=1e9",
    "#_esm=alert(1)",
    "#pixels=1",
    "#nothing=1",
    "#%E0%A4%A=1",
    "#<script>=1",
    "#t",
]


def test_a_bad_link_changes_nothing(alive):
    "The first one when the page is opened, the others afterwards: the page follows both alike."
    first, *others = BAD_LINKS
    page, plain = alive("04_mixup", first), MixupExplorer()
    page.wait_for_function("document.querySelector('img[hidden]')")

    def shown():
        return float(state(page, "t")), state(page, "keep"), float(state(page, "alpha"))

    assert shown() == (plain.t, plain.keep, plain.alpha), first
    for link in others:
        page.evaluate(FOLLOW_LINK, link)
        assert shown() == (plain.t, plain.keep, plain.alpha), link


def test_a_link_sets_a_list_and_a_stage(alive):
    assert state(alive("02_resize", "#size0=96"), "size0") == "96"
    page = alive("01_normalize", "#kind=own&own_mean.1=0.25")
    expect(control(page, "own_mean.1")).to_have_value("0.25")
    assert state(page, "own_mean.0") == "0.5"


def test_a_saved_file_follows_links_too(new_page, tmp_path):
    page = new_page()
    page.goto(MixupExplorer().save(tmp_path / "m.html").as_uri() + "#t=0.42")
    # the file's own policy forbids `wait_for_function`, which evaluates text
    expect(control(page, "t")).to_have_value("0.42")


# Among the `details` of a page; Playwright's own filter by text takes seconds on a long page.
QUESTION_INDICES = """(all) => {
    const isQuestion = (details) => details.querySelector("summary").textContent.includes("?");
    return [...all.keys()].filter((i) => isQuestion(all[i]));
}"""


@pytest.mark.parametrize("count", [2, pytest.param(None, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", SLIDERS)
def test_questions_unfold_by_keyboard(alive, name, count):
    "The first ones of each chapter; all of them in `make long`."
    page = alive(name)
    questions = page.locator("details").evaluate_all(QUESTION_INDICES)
    assert len(questions) >= 3
    for index in questions[:count]:
        question = page.locator("details").nth(index)
        summary, text = question.locator("summary"), question.locator("p").last
        assert not text.is_visible()
        summary.press("Enter")
        expect(text).to_be_visible()


def test_a_guess_counts_on_the_site(alive):
    page = alive("05_smoothing")
    explorer = first_explorer(page)
    hidden = explorer.locator(".l7-bars > :nth-child(3)")
    explorer.get_by_role("button", name="Guess").press("Enter")
    for k in (1, 2, 3):
        expect(hidden).to_be_hidden()
        page.keyboard.type(str(answer(explorer, "smoothing")))
        page.keyboard.press("Enter")
        expect(explorer.locator(".l7-score")).to_have_text(f"{k} of {k} on this page")
        expect(hidden).to_be_visible()
        page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(explorer.locator("[data-trait=n]")).to_have_value("10")


def colors(page):
    script = "e => getComputedStyle(e).backgroundColor + getComputedStyle(e).color"
    return first_explorer(page).evaluate(script)


def test_explorers_follow_the_theme(alive):
    page = alive("05_smoothing", color_scheme="light")
    light = colors(page)
    dark = colors(alive("05_smoothing", color_scheme="dark"))
    assert dark != light
    for _ in range(3):  # furo goes round: as the system, light, dark
        page.locator(".theme-toggle:visible").first.click()
        if page.locator("body").get_attribute("data-theme") == "dark":
            break
    assert colors(page) == dark


def still_picture(page):
    return page.locator("img[alt='A still picture of SmoothingExplorer']").first


def test_paper_and_no_script_show_the_still_picture(alive, new_page, site):
    page = alive("05_smoothing")
    still = still_picture(page)
    page.wait_for_function("document.querySelector('img[hidden]')")
    assert not still.is_visible()
    page.emulate_media(media="print")
    assert still.is_visible() and not first_explorer(page).is_visible()
    page = new_page(java_script_enabled=False)
    page.goto((site / "05_smoothing.html").as_uri())
    still = still_picture(page)
    assert still.is_visible() and still.bounding_box()["width"] > 400


FOUND = {"lambda": "Mixup", "smooth_labels": "smooth_labels", "keep_memory": "keep_memory"}


@pytest.mark.parametrize("word", FOUND)
def test_search_finds(new_page, site, word):
    page = new_page()
    page.goto((site / "index.html").as_uri())
    page.locator("input.sidebar-search").fill(word)
    page.keyboard.press("Enter")
    page.get_by_text("Search finished").wait_for()
    results = page.locator("#search-results li a").all_inner_texts()
    assert FOUND[word] in " ".join(results)


OTHER_SCHEMES = [
    ("light", "01_normalize"),
    ("light", "02_resize"),
    ("light", "03_tta"),
    ("light", "05_smoothing"),
    ("light", "07_share"),
    ("light", "reference/explorers.normalize"),
    ("light", "differences"),
    ("light", "use"),
    ("light", "questions"),
    ("light", "teaching"),
    ("light", "api/index"),
    ("dark", "cheatsheet"),
    ("dark", "index"),
    ("light", "contributing"),
    ("dark", "05_smoothing"),
    ("dark", "credits"),
]
# Colour scheme and page; those of a kind that another one has already are in `make long`.
SCHEMES = [
    ("light", "index"),
    ("light", "04_mixup"),
    ("light", "api/data/samples"),
    ("light", "reference/normalize"),
    ("light", "glossary"),
    ("light", "credits"),
    ("dark", "01_normalize"),
    ("dark", "reference/normalize"),
    *(pytest.param(*pair, marks=pytest.mark.long) for pair in OTHER_SCHEMES),
]

# A page has thousands of coloured words of code, and axe looks at each: one of each kind is enough.
REMOVE_REPEATED_TOKENS = """() => {
    const seen = new Set();
    for (const token of document.querySelectorAll(".highlight span")) {
        const block = token.closest(".highlight").parentElement;
        const kind = [token, token.parentElement, block].map((e) => e.className).join();
        if (seen.has(kind)) token.replaceWith(...token.childNodes);
        seen.add(kind);
    }
}"""


@pytest.mark.parametrize("scheme, name", SCHEMES)
def test_axe_finds_no_serious_fault(new_page, served, scheme, name):
    from axe_playwright_python.sync_playwright import Axe

    page = new_page(color_scheme=scheme)
    page.goto(f"{served}/{name}.html")  # axe reads style sheets, which a page from disk may not
    page.wait_for_load_state("networkidle")
    page.evaluate(REMOVE_REPEATED_TOKENS)
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in serious] == []


# What a page loads


def weight(file):
    "Of a page besides its pictures, which an explorer's state carries in base64."
    text = re.sub(r'"data": "[A-Za-z0-9+/=\\n]*"', "", file.read_text())
    return len(gzip.compress(text.encode()))


def check_weight(folder):
    for file in pages(folder):
        assert weight(file) < 200_000, file.name


def test_a_page_is_light(site):
    check_weight(site)


def test_no_script_comes_from_elsewhere(site):
    remote = r"<(script|link|img|iframe)[^>]+(src|href)=\"(https?:)?//"
    libraries = r"require(\.min)?\.js|html-manager|mathjax(?!_ignore)"
    for file in pages(site):
        text = file.read_text()
        assert not re.search(remote, text), file.name
        without_code = re.sub(r"<pre[^>]*>.*?</pre>", "", text, flags=re.S)
        assert not re.search(libraries, without_code, re.I), file.name


# The reference


@pytest.mark.parametrize("module", MODULES)
def test_the_reference_lacks_no_public_name(site, module):
    library = importlib.import_module(f"lesson7.{module}")
    for name in library.__all__:
        home = getattr(getattr(library, name), "__module__", "").removeprefix("lesson7.")
        home = home if home in MODULES else module  # a constant does not know
        text = (site / "reference" / f"{home}.html").read_text()
        assert f'id="lesson7.{home}.{name}"' in text, name


def test_there_is_a_reference_page_for_each_module_and_no_other(site):
    shown = {file.stem for file in (site / "reference").glob("*.html")}
    assert shown == {*MODULES, "index"}


def test_the_reference_says_what_stands_beside_parameters(site):
    head = inspect.getsource(windows).split('"', 1)[0]
    comments = [line.split("#", 1)[1].strip() for line in head.splitlines() if "#" in line]
    shown = re.sub(r"<[^>]+>", "", (site / "reference" / "tta.html").read_text())
    letters = re.sub(r"&\w+;|\W+", "", shown)
    assert comments
    assert all(re.sub(r"\W+", "", comment)[:30] in letters for comment in comments)
    assert "ValueError" in shown and "[source]" in shown


def test_names_lead_to_torch_numpy_and_fastai(site):
    text = "".join(f.read_text() for f in pages(site))
    for host in ("pytorch.org", "numpy.org", "docs.fast.ai"):
        assert f'href="https://{host}' in text, host


# Pages gathered from the project


def callouts(notebook):
    for cell in json.loads(notebook.read_text())["cells"]:
        lines = "".join(cell["source"]).splitlines()
        is_callout = any(line.startswith("> **What the lesson says") for line in lines)
        if cell["cell_type"] == "markdown" and is_callout:
            yield [line for line in lines if line.startswith(">")]


def test_the_gathered_page_has_every_callout(site):
    text = re.sub(r"<[^>]+>", "", (site / "differences.html").read_text())
    shown = re.sub(r"\W+", "", text).replace("_", "")
    count = 0
    for file in NOTEBOOKS:
        for lines in callouts(file):
            end = re.sub(r"[\W_]+", "", re.sub(r"[`*$]|\\\w+", "", lines[-1]))[-25:]
            assert end in shown, file.name
            count += 1
    assert count >= 5


def test_every_photo_is_credited(site):
    text = (site / "credits.html").read_text()
    for name, image in photos().items():
        assert name in text and image.info["license"] in text
        assert image.info["credit"].split(",")[0] in text


# Builds


def test_links_to_a_repository_only_where_there_is_one(site):
    settings = (ROOT / "settings.ini").read_text()
    has_repository = bool(re.search(r"^git_url =(.*)", settings, re.M)[1].strip())
    assert has_repository or not re.search("colab|/edit/", (site / "index.html").read_text())


LIST_OUTDATED = """
import sys
from sphinx.application import Sphinx
from sphinx.environment import CONFIG_OK
docs, source, out, doctrees = sys.argv[1:]
app = Sphinx(source, docs, out, doctrees, "dummy", confoverrides={"nitpicky": True}, status=None)
app.env.find_files(app.config, app.builder)
has_new_config = app.env.config_status != CONFIG_OK
print([sorted(names) for names in app.env.get_outdated_files(has_new_config)])
"""


def test_a_second_build_reads_nothing_again(site, tmp_path):
    "No page is added, changed or removed."
    folders = [ROOT / "docs", site.parent / "src", tmp_path, site / ".doctrees"]
    assert python_output(LIST_OUTDATED, *folders).strip() == "[[], [], []]"


def copy_project(to):
    "Copy what a build reads, but no notebooks."
    left_out = shutil.ignore_patterns("_build", "*.ipynb", "__pycache__")
    for name in ("docs", "lesson7", "nbs"):
        shutil.copytree(ROOT / name, to / name, ignore=left_out)
    for name in ("settings.ini", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, to)


def test_a_cell_that_fails_fails_the_build(tmp_path):
    copy_project(tmp_path)
    nb = json.loads((ROOT / "nbs" / "index.ipynb").read_text())
    nb["cells"][1:] = [{**nb["cells"][1], "source": "no_such_name + 1", "outputs": []}]
    (tmp_path / "nbs" / "index.ipynb").write_text(json.dumps(nb))
    done = build(tmp_path, tmp_path / "src", tmp_path / "out")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "NameError" in said and "no_such_name" in said and "index.ipynb" in said
