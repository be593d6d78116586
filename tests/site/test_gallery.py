"The moving pictures of the first page's gallery: what they show, and when they move."

import importlib
import io
import re
import shutil

import pytest
from conftest import ROOT
from PIL import Image, ImageChops, ImageSequence
from playwright.sync_api import expect

SCRIPT = ROOT / "docs" / "static" / "gallery.js"
LONGEST_MOTION = 5000  # ms that may move without a control to stop it: WCAG 2.2.2
CARD = '<div class="card"><a href="#"><img src="_images/{name}.webp" alt="{name}"></a></div>'
PAGE = """<style>img { display: block; width: 64px; height: 36px }</style>
<div style="height: 3000px">text</div><div class="gallery">%s</div>
<script defer src="_static/gallery.js"></script>"""


@pytest.fixture
def gallery(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module("gallery")


def test_a_moving_picture_begins_as_the_still_one_and_is_short(gallery):
    picture = Image.open(io.BytesIO(gallery.moving("MixupExplorer")))
    frames = [(f.convert("RGB"), f.info["duration"]) for f in ImageSequence.Iterator(picture)]
    assert len(frames) == len(gallery.MOVES["MixupExplorer"])
    assert len({frame.tobytes() for frame, _ in frames}) >= 4
    first, still = frames[0][0], gallery.still("MixupExplorer")
    assert first.size == still.size
    difference = ImageChops.difference(first, still).convert("L").resize((64, 36))
    assert max(difference.get_flattened_data()) < 40
    assert sum(duration for _, duration in frames) <= gallery.ROUND < LONGEST_MOTION
    assert f"ROUND = {gallery.ROUND};" in SCRIPT.read_text()
    assert set(gallery.MOVES) == set(gallery.homes())


@pytest.fixture
def page_of_cards(tmp_path):
    "A page with two cards below the window, on disk."
    for folder in ("_images", "_static/gallery"):
        (tmp_path / folder).mkdir(parents=True)
        for name in ("A", "B"):
            Image.new("RGB", (64, 36)).save(tmp_path / folder / f"{name}.webp")
    shutil.copy(SCRIPT, tmp_path / "_static")
    cards = "".join(CARD.format(name=name) for name in ("A", "B"))
    (tmp_path / "index.html").write_text(PAGE % cards)
    return (tmp_path / "index.html").as_uri()


MOVING, STILL = re.compile("_static/gallery/A.webp"), re.compile("_images/A.webp")


def test_a_card_moves_once_in_view_and_while_it_has_the_focus(new_page, page_of_cards, gallery):
    page, requests = new_page(viewport={"width": 800, "height": 600}), []
    page.on("request", lambda request: requests.append(request.url))
    page.clock.install()
    page.goto(page_of_cards)
    picture = page.get_by_alt_text("A")
    expect(picture).to_have_attribute("src", STILL)
    assert not any("_static/gallery/" in url for url in requests)
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_attribute("src", MOVING)
    page.clock.run_for(gallery.ROUND)
    expect(picture).to_have_attribute("src", STILL)
    page.keyboard.press("Tab")
    expect(picture).to_have_attribute("src", MOVING)
    page.keyboard.press("Tab")
    expect(picture).to_have_attribute("src", STILL)
    picture.hover()
    expect(picture).to_have_attribute("src", MOVING)
    page.emulate_media(reduced_motion="reduce")
    expect(picture).to_have_attribute("src", STILL)


def test_nothing_moves_for_readers_who_prefer_less_motion(new_page, page_of_cards):
    page, requests = new_page(reduced_motion="reduce"), []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(page_of_cards)
    picture = page.get_by_alt_text("A")
    picture.scroll_into_view_if_needed()
    page.keyboard.press("Tab")
    picture.hover()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(picture).to_have_attribute("src", STILL)
    assert not any("_static/gallery/" in url for url in requests)
