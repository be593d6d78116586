"""The docs site. A draft of it is built here once: every page, and each notebook's first explorer run; the other cells show what the
notebook was saved with, so that `make test` executes nothing twice. What needs the whole site is tested where `make docs` has built it."""
import ast, functools, gzip, importlib, json, os, re, shutil, subprocess, sys, threading
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import torch
from playwright.sync_api import expect

from conftest import ROOT
from lesson7.explorer import _static
from lesson7.mixup import MixupExplorer
from lesson7.normalize import NormalizeExplorer, batch_stats
from lesson7.resize import Stage, relative_cost
from lesson7.smoothing import smooth_labels
from lesson7.tta import TTAExplorer
from test_guess_browser import answer

WHOLE = ROOT/"docs"/"_build"/"html"
NBS = sorted((ROOT/"nbs").glob("*.ipynb"))
MODULES = [f.stem for f in sorted((ROOT/"lesson7").glob("[a-z]*.py"))]
ALIVE = {"01_normalize": "Batch", "02_resize": "Size 1", "03_tta": "across", "04_mixup": "Weight t of the first", "05_smoothing": "eps"}


def build(root, out, **env):
    (out/"src").mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-b", "html", "-c", root/"docs", out/"src", out/"html"]
    return subprocess.run(command, env=os.environ | {"PYTHONPATH": str(root), "NO_COLOR": "1"} | env, capture_output=True, text=True)

@pytest.fixture(scope="session")
def draft(tmp_path_factory):
    out = tmp_path_factory.mktemp("docs")
    done = build(ROOT, out, DOCS_DRAFT="1")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return out

@pytest.fixture(scope="session")
def site(draft): return draft/"html"

@pytest.fixture
def staging(monkeypatch):
    monkeypatch.syspath_prepend(ROOT/"docs")
    return importlib.import_module("staging")

@pytest.fixture
def alive(new_page, site):
    def open_(page_name, hash="", **options):
        page = new_page(**options)
        page.goto(f"{(site/page_name).as_uri()}.html{hash}")
        page.locator(".l7").first.wait_for()
        return page
    return open_

def pages(folder): return sorted(f for f in folder.rglob("*.html") if "_static" not in f.parts)


class Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.anchors, self.targets = {""}, []
        self.feed(text)
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.anchors |= {attrs.get("id"), attrs.get("name")}
        self.targets += [attrs[k] for k in ("href", "src") if attrs.get(k)]


def check_links(folder):
    found = {f: Links(f.read_text()) for f in pages(folder)}
    for file, links in found.items():
        for target in links.targets:
            url = urlsplit(target)
            if url.scheme or url.netloc: continue
            to = (file.parent/unquote(url.path)).resolve() if url.path else file
            assert to.exists(), (file.name, target)
            if to in found and "=" not in url.fragment: assert unquote(url.fragment) in found[to].anchors, (file.name, target)

def check_pages(folder, page):
    "Each page loads from disk, names itself, and fits a phone; `new_page` counts errors and requests."
    for file in pages(folder):
        page.goto(file.as_uri())
        page.wait_for_function("document.querySelectorAll('.l7').length >= [...document.querySelectorAll('script[type*=\"widget-view\"]')]"
                               ".filter(s => document.querySelector('script[type*=\"widget-state\"]')?.textContent.includes(JSON.parse(s.textContent).model_id)).length")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, file.name
        assert page.locator("h1").count() == (file.name != "search.html"), file.name
        assert not page.locator("p", has_text=re.compile(r"^\s*\|")).count(), f"{file.name} shows a table as text"
        assert not page.locator("script[src^='http'], link[rel=stylesheet][href^='http']").count()


def test_every_page_loads_from_disk_and_fits_a_phone(new_page, site):
    check_pages(site, new_page(viewport={"width": 360, "height": 800}))
    assert {f.stem for f in NBS} <= {f.stem for f in site.glob("*.html")}

def test_every_link_and_anchor_resolves(site): check_links(site)

@pytest.fixture(scope="session")
def served(site):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args): pass
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()

def test_it_is_served_too(new_page, served):
    page = new_page()
    for name in ("api/mixup", "04_mixup", "index"):
        page.goto(f"{served}/{name}.html")
        page.wait_for_load_state("networkidle")
    assert page.locator(".l7").first.is_visible()


@pytest.mark.parametrize("name", ALIVE)
def test_an_explorer_follows_keyboard_and_pointer(alive, name):
    page = alive(name)
    slider = page.get_by_label(ALIVE[name], exact=True).first
    page.evaluate("""window.look = () => { const el = document.querySelector(".l7");
        return [...el.querySelectorAll("canvas")].map((c) => c.toDataURL()).join() + [...el.querySelectorAll("svg")].map((s) => s.innerHTML).join(); }""")
    def moved_by(act):
        page.evaluate("window.before = look()")
        act()
        page.wait_for_function("look() !== before")
    moved_by(lambda: slider.press("ArrowRight"))
    box = slider.bounding_box()
    moved_by(lambda: slider.click(position={"x": .8*box["width"], "y": box["height"]/2}))


def test_explorers_show_torchs_numbers(alive):
    numbers = "els => els.map(e => Number(e.dataset.value)).filter(Number.isFinite)"
    page = alive("05_smoothing", "#eps=0.2&label=4")
    told = page.locator(".l7").first.locator("[data-value]").evaluate_all(numbers)[:10]
    assert torch.tensor(told).allclose(smooth_labels(torch.tensor([4]), 10, .2)[0].float(), atol=1e-6)
    page, explorer = alive("01_normalize", "#draw=5"), NormalizeExplorer(draw=5)
    said = page.locator(".l7 tbody tr").evaluate_all("rows => rows.slice(0, 3).map(r => Number(r.cells[1].innerText))")
    assert said == pytest.approx(list(batch_stats(explorer.batch).mean), abs=6e-4)
    page = alive("02_resize", "#size0=96")
    expect(page.locator("[data-trait=size0]").first).to_have_value("96")
    each, whole = relative_cost([Stage(96, 64, 4, 3e-3), Stage(224, 64, 5, 1e-3)])  # the chapter's first explorer, moved
    told = page.locator(".l7").first.locator("td[data-value]").evaluate_all(numbers)
    for wanted in (*each.tolist(), whole.item()): assert min(abs(v - wanted) for v in told) < 1e-6
    page, explorer = alive("03_tta", "#plain=pad&reduce=max"), TTAExplorer(plain="pad", reduce="max")
    expect(page.locator("[data-trait=reduce]").first).to_have_value("max")
    told = page.locator(".l7").first.locator(".l7-views p[data-value]").evaluate_all(numbers)
    assert told[0::2] == pytest.approx(explorer.preds[:, 0].tolist(), abs=1e-6)  # a view's score; its weight follows
    told = page.locator(".l7").first.locator(".l7-bars [data-value]").evaluate_all(numbers)
    assert sorted(told) == pytest.approx(sorted([*explorer.preds[0].tolist(), *explorer.answer.tolist()]), abs=1e-6)


def state(page, trait): return page.locator(f"[data-trait='{trait}']").first.evaluate("e => e.value")

def test_a_link_sets_the_state(alive):
    page = alive("04_mixup", "#t=0.42&alpha=1&keep=any")
    expect(page.locator("[data-trait=t]").first).to_have_value("0.42")
    assert (state(page, "alpha"), state(page, "keep")) == ("1", "any")
    assert page.locator(".l7").first.locator("[data-value]").evaluate_all("e => e.map(x => Number(x.dataset.value))").count(.42) == 1
    page.evaluate("location.hash = 't=0.9'")
    expect(page.locator("[data-trait=t]").first).to_have_value("0.9")

@pytest.mark.parametrize("hash", ["#t=7", "#t=-1", "#t=abc", "#t=", "#keep=all", "#alpha=1e9", "#_esm=alert(1)", "#pixels=1", "#nothing=1", "#%E0%A4%A=1", "#<script>=1", "#t"])
def test_a_bad_link_changes_nothing(alive, hash):
    page, plain = alive("04_mixup", hash), MixupExplorer()
    page.wait_for_function("document.querySelector('img[hidden]')")
    assert (float(state(page, "t")), state(page, "keep"), float(state(page, "alpha"))) == (plain.t, plain.keep, plain.alpha)

def test_a_link_sets_a_list_and_a_stage(alive):
    assert state(alive("02_resize", "#size0=96"), "size0") == "96"
    page = alive("01_normalize", "#kind=own&own_mean.1=0.25")
    expect(page.locator("[data-trait='own_mean.1']").first).to_have_value("0.25")
    assert state(page, "own_mean.0") == "0.5"

def test_a_saved_file_follows_links_too(new_page, tmp_path):
    page = new_page()
    page.goto(MixupExplorer().save(tmp_path/"m.html").as_uri() + "#t=0.42")
    expect(page.locator("[data-trait=t]").first).to_have_value("0.42")  # the file's own policy forbids `wait_for_function`, which evaluates text


@pytest.mark.parametrize("name", ALIVE)
def test_questions_unfold_by_keyboard(alive, name):
    page = alive(name)
    questions = page.locator("details").filter(has=page.locator("summary", has_text="?"))
    assert questions.count() >= 3
    for question in questions.all():
        summary, answer = question.locator("summary"), question.locator("p").last
        assert not answer.is_visible()
        summary.press("Enter")
        expect(answer).to_be_visible()

def test_a_guess_counts_on_the_site(alive):
    page = alive("05_smoothing")
    one = page.locator(".l7").first
    one.get_by_role("button", name="Guess").press("Enter")
    for k in (1, 2, 3):
        expect(one.locator(".l7-bars > :nth-child(3)")).to_be_hidden()
        page.keyboard.type(str(answer(one, "smoothing")))
        page.keyboard.press("Enter")
        expect(one.locator(".l7-score")).to_have_text(f"{k} of {k} on this page")
        expect(one.locator(".l7-bars > :nth-child(3)")).to_be_visible()
        page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(one.locator("[data-trait=n]")).to_have_value("10")


def ground(page): return page.locator(".l7").first.evaluate("e => getComputedStyle(e).backgroundColor + getComputedStyle(e).color")

def test_explorers_follow_the_theme(alive):
    page = alive("05_smoothing", color_scheme="light")
    light = ground(page)
    assert ground(alive("05_smoothing", color_scheme="dark")) != light
    for _ in range(3):  # furo goes round: as the system, light, dark
        page.locator(".theme-toggle:visible").first.click()
        if page.locator("body").get_attribute("data-theme") == "dark": break
    assert ground(page) == ground(alive("05_smoothing", color_scheme="dark"))

def test_paper_and_no_script_show_the_still_picture(alive, new_page, site):
    page = alive("05_smoothing")
    still = page.locator("img[alt='A still picture of SmoothingExplorer']").first
    page.wait_for_function("document.querySelector('img[hidden]')")
    assert not still.is_visible()
    page.emulate_media(media="print")
    assert still.is_visible() and not page.locator(".l7").first.is_visible()
    page = new_page(java_script_enabled=False)
    page.goto((site/"05_smoothing.html").as_uri())
    still = page.locator("img[alt='A still picture of SmoothingExplorer']").first
    assert still.is_visible() and still.bounding_box()["width"] > 400

@pytest.mark.parametrize("word, where", [("lambda", "Mixup"), ("smooth_labels", "smooth_labels")])
def test_search_finds(new_page, site, word, where):
    page = new_page()
    page.goto((site/"index.html").as_uri())
    page.locator("input.sidebar-search").fill(word)
    page.keyboard.press("Enter")
    page.get_by_text("Search finished").wait_for()
    assert where in " ".join(page.locator("#search-results li a").all_inner_texts())

@pytest.mark.parametrize("scheme, name", [("light", n) for n in ("index", *ALIVE, "07_share", "api/normalize", "glossary", "differences", "credits", "use")] +
                                         [("dark", n) for n in ("01_normalize", "05_smoothing", "api/normalize", "credits")])
def test_axe_finds_no_serious_fault(new_page, served, scheme, name):
    from axe_playwright_python.sync_playwright import Axe
    page = new_page(color_scheme=scheme)
    page.goto(f"{served}/{name}.html")  # axe reads style sheets, which a page from disk may not
    page.wait_for_load_state("networkidle")
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")] == []


def weight(file):
    "Of a page besides its pictures, which an explorer's state carries in base64."
    return len(gzip.compress(re.sub(r'"data": "[A-Za-z0-9+/=\\n]*"', "", file.read_text()).encode()))

def test_a_page_is_light(site):
    for file in site.glob("*.html"): assert weight(file) < 200_000, file.name

def test_no_script_comes_from_elsewhere(site):
    for file in pages(site):
        text = file.read_text()
        assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=\"(https?:)?//", text), file.name
        assert not re.search(r"require(\.min)?\.js|html-manager|mathjax(?!_ignore)", text, re.I), file.name


@pytest.mark.parametrize("module", MODULES)
def test_the_reference_lacks_no_public_name(site, module):
    mod = importlib.import_module(f"lesson7.{module}")
    text = {m: (site/"api"/f"{m}.html").read_text() for m in MODULES}
    for name in mod.__all__:
        home = getattr(getattr(mod, name), "__module__", "").removeprefix("lesson7.")
        home = home if home in MODULES else module  # a constant does not know
        assert f'id="lesson7.{home}.{name}"' in text[home], name

def test_the_reference_says_what_stands_beside_parameters(site):
    from lesson7.tta import windows
    comments = [line.split("#", 1)[1].strip() for line in __import__("inspect").getsource(windows).split('"', 1)[0].splitlines() if "#" in line]
    shown = re.sub(r"<[^>]+>", "", (site/"api"/"tta.html").read_text())
    assert comments and all(re.sub(r"\W+", "", c)[:30] in re.sub(r"&\w+;|\W+", "", shown) for c in comments)
    assert "ValueError" in shown and "[source]" in shown

def test_names_lead_to_torch_numpy_and_fastai(site):
    text = "".join(f.read_text() for f in pages(site))
    for host in ("pytorch.org", "numpy.org", "docs.fast.ai"): assert f'href="https://{host}' in text, host

def test_the_gathered_page_has_every_callout(site):
    shown = re.sub(r"\W+", "", re.sub(r"<[^>]+>", "", (site/"differences.html").read_text()))
    count = 0
    for file in NBS:
        for cell in json.loads(file.read_text())["cells"]:
            lines = "".join(cell["source"]).splitlines()
            if cell["cell_type"] != "markdown" or not any(line.startswith("> **What the lesson says") for line in lines): continue
            last = [line for line in lines if line.startswith(">")][-1]
            assert re.sub(r"[\W_]+", "", re.sub(r"[`*$]|\\\w+", "", last))[-25:] in shown.replace("_", ""), file.name
            count += 1
    assert count >= 5

def test_every_photo_is_credited(site):
    from lesson7.data import photos
    text = (site/"credits.html").read_text()
    for name, im in photos().items(): assert name in text and im.info["credit"].split(",")[0] in text and im.info["license"] in text


def cell(text): return dict(cell_type="code", source=text, metadata={}, outputs=[])

@pytest.mark.parametrize("text, tag", [("#| hide\n1", "remove-cell"), ("#|hide\n1", "remove-cell"), ("#| include: false\n1", "remove-cell"), ("#| echo: false\n1", "remove-input"),
    ("#| output:   false\n1", "remove-output"), ("#| eval: false\n1", "skip-execution"), ("#| slow\n1", "skip-execution"), ("#| notest\n1", "skip-execution"), ("#| export\nimport os", "remove-cell")])
def test_a_directive_becomes_a_tag(staging, text, tag):
    made = staging.code(cell(text))
    assert made[0]["metadata"]["tags"] == [tag] and "#|" not in made[0]["source"]

def test_exported_code_is_shown_with_its_reference(staging):
    made = staging.code(cell("#| export\ndef smooth_labels(y): return y"))
    assert made[0]["metadata"]["tags"] == [] and "`smooth_labels`" in made[1]["source"]
    assert staging.code(cell("#| export\ndef smooth_labels(y):\n" + "    y += 1\n"*20))[0]["metadata"]["tags"] == ["hide-input"]
    assert staging.code(cell("#| hide\nfrom nbdev import nbdev_export; nbdev_export()")) == []  # a build must not write the library

def test_a_name_that_two_modules_have_leads_to_its_own_notebooks(staging):
    assert "`check.normalize`" in staging.code(cell("#| export\ndef normalize(fn): return fn"), "check")[1]["source"]
    assert "`normalize`" in staging.code(cell("#| export\ndef normalize(x): return x"), "normalize")[1]["source"]

def test_what_a_notebook_stands_on_is_in_its_key(staging, monkeypatch, tmp_path):
    shutil.copytree(ROOT/"lesson7", tmp_path/"lesson7")
    monkeypatch.setattr(staging, "LIB", tmp_path/"lesson7")
    source = "from lesson7.mixup import MixupExplorer"
    seen = {staging.digest(source)}
    for file, changes in (("static/mixup.js", True), ("static/helpers.js", True), ("static/explorer.css", True), ("explorer.py", True), ("mixup.py", True), ("static/tta.js", False), ("share.py", False)):
        with open(tmp_path/"lesson7"/file, "a") as f: f.write("\n")
        assert (staging.digest(source) in seen) is not changes, file
        seen.add(staging.digest(source))

def test_links_to_a_repository_only_where_there_is_one(staging, monkeypatch, site):
    assert bool(staging.CFG["git_url"].strip()) or not re.search("colab|/edit/", (site/"index.html").read_text())
    monkeypatch.setitem(staging.CFG, "git_url", "https://github.com/someone/lesson7")
    text = staging.opening(ROOT/"nbs"/"01_normalize.ipynb")
    assert "https://github.com/someone/lesson7/edit/main/nbs/01_normalize.ipynb" in text
    assert "https://colab.research.google.com/github/someone/lesson7/blob/main/nbs/01_normalize.ipynb" in text

def test_a_second_build_reads_nothing_again(draft):
    said = build(ROOT, draft, DOCS_DRAFT="1").stdout
    assert "0 added, 0 changed, 0 removed" in said

def test_a_cell_that_fails_fails_the_build(tmp_path):
    for name in ("docs", "lesson7", "nbs"): shutil.copytree(ROOT/name, tmp_path/name, ignore=shutil.ignore_patterns("_build", "*.ipynb", "__pycache__"))
    for name in ("settings.ini", "README.md", "CHANGELOG.md"): shutil.copy(ROOT/name, tmp_path)
    nb = json.loads((ROOT/"nbs"/"index.ipynb").read_text())
    nb["cells"][1:] = [{**nb["cells"][1], "source": "no_such_name + 1", "outputs": []}]
    (tmp_path/"nbs"/"index.ipynb").write_text(json.dumps(nb))
    done = build(tmp_path, tmp_path/"out")
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "NameError" in said and "no_such_name" in said and "index.ipynb" in said


@pytest.mark.skipif(not WHOLE.exists(), reason="`make docs` has not built the whole site")
def test_the_whole_site(new_page):
    check_pages(WHOLE, new_page(viewport={"width": 360, "height": 800}))
    check_links(WHOLE)
    for file in WHOLE.glob("*.html"): assert weight(file) < 200_000, file.name
