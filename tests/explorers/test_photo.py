"The reader's own photo: opened in the page, shown as Python shows it, and never sent anywhere."

import ast
import io
import re

import numpy as np
import pytest
from browser import canvas_images, wait_for_drawing
from explorer_examples import NAMES
from explorer_page import (
    CONTROLS,
    IS_FOCUSED,
    accessibility_faults,
    control_values,
    copied_text,
    drawing,
    load_explorer,
    panel_code,
    press_first_key,
    press_tool,
    run_code,
)
from PIL import Image
from playwright.sync_api import expect

import lesson7

WITH_PHOTO = [name for name in NAMES if "photo" in getattr(lesson7, name)().templates]
MODELS = [
    "MixupExplorer-model",
    "NormalizeExplorer-own",
    "ResizeExplorer-model",
    "TTAExplorer-model",
]
HOSTILE = "\"'<img src=x onerror=alert(1)>{state}\u202e\n\\.png"
STATUS = "Your photo “"
GIVE_FILE = """([kind, name, bytes]) => {
  const data = new DataTransfer();
  const file = new File([Uint8Array.from(bytes)], name);
  data.items.add(file);
  const options = { bubbles: true, cancelable: true, clipboardData: data, dataTransfer: data };
  const Event = { paste: ClipboardEvent, drop: DragEvent }[kind];
  const event = new Event(kind, options);
  document.querySelector(".l7 button").dispatchEvent(event);
  return event.defaultPrevented;
}"""
ADD_NOISE = """(levels) => {
  const { prototype } = OffscreenCanvasRenderingContext2D;
  const read = prototype.getImageData;
  prototype.getImageData = function (...place) {
    const image = read.apply(this, place);
    image.data.forEach((value, i) => { if (i % 4 < 3) image.data[i] = value ^ levels; });
    return image;
  };
}"""


def photo(width=90, height=61, seed=0):
    "A photo whose parts differ: noise, which is brighter to the right and redder to the bottom."
    x = np.random.default_rng(seed).integers(0, 120, (height, width, 3))
    x += np.linspace(0, 120, width).astype(int)[None, :, None]
    x[..., 0] += np.linspace(-60, 15, height).astype(int)[:, None]
    return Image.fromarray(x.clip(0, 255).astype(np.uint8))


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def payload(name, content):
    return dict(name=name, mimeType="", buffer=content)


def choose(page, file):
    "Choose a file in the panel, and wait until it is shown or refused."
    page.locator(".l7-photo input").set_input_files(file)
    wait_for_drawing(page)


def status(page):
    return page.locator(".l7-note", has_text=STATUS)


def message(page):
    return page.locator(".l7-photo [aria-live]")


def shown(page):
    "Return what an explorer draws, without its code and the line about the photo."
    found = drawing(page)
    is_other = re.compile(f"{STATUS}|import ")
    return found | dict(texts=[text for text in found["texts"] if not is_other.search(text)])


@pytest.fixture(params=WITH_PHOTO)
def name(request):
    "Every explorer of pictures."
    return request.param


def test_explorers_of_pictures_take_a_photo():
    assert len(WITH_PHOTO) == 4


def test_photo_is_shown_as_python_shows_it(name, open_explorer, new_page, tmp_path, monkeypatch):
    "The Code panel opens the same file with the same pixels, numbers and state."
    (tmp_path / "mine.png").write_bytes(encoded(photo(700, 500)))
    page = open_explorer(name)
    choose(page, tmp_path / "mine.png")
    expect(status(page)).to_contain_text("It stays in this page")
    press_first_key(page.locator(CONTROLS).locator("visible=true").first)
    monkeypatch.chdir(tmp_path)
    file = run_code(panel_code(page))["explorer"].save(tmp_path / "python.html")
    other = new_page()
    load_explorer(other, file.as_uri())
    assert shown(page) == shown(other)


def test_undo_redo_and_reset_take_the_photo_away_and_back(name, open_explorer):
    page = open_explorer(name, fresh=True)
    before = shown(page), control_values(page)
    choose(page, payload("mine.png", encoded(photo())))
    after = shown(page), control_values(page)
    assert after != before
    press_tool(page, "Undo")
    assert (shown(page), control_values(page)) == before
    expect(status(page)).to_have_count(0)
    press_tool(page, "Redo")
    assert (shown(page), control_values(page)) == after
    assert page.get_by_role("button", name="Redo").evaluate(IS_FOCUSED)
    press_first_key(page.locator(CONTROLS).locator("visible=true").first)
    press_tool(page, "Reset")
    assert (shown(page), control_values(page)) == before
    assert page.locator(".l7").count() == 1


@pytest.mark.parametrize("example", MODELS)
def test_predictions_for_other_photos_are_not_shown(example, open_explorer):
    page = open_explorer(example)
    choose(page, payload("mine.png", encoded(photo())))
    expect(status(page)).to_contain_text("predictions")


def test_photo_is_turned_upright(open_explorer):
    page = open_explorer("ResizeExplorer")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        content = encoded(photo(), "JPEG", quality=95, exif=exif)
        choose(page, payload(f"{orientation}.jpg", content))
        file = canvas_images(page, ".l7-resize-photos canvas")[0]
        expected = lesson7.ResizeExplorer(content).pixels.transpose(1, 2, 0)
        assert np.abs(file[..., :3] - expected).max() <= 1, orientation


def test_large_photo_is_near_that_of_python(open_explorer):
    page = open_explorer("TTAExplorer")
    rough = photo(400, 300).resize((4000, 3000))
    content = encoded(rough, "JPEG", quality=90)
    choose(page, payload("large.jpg", content))
    [shown_photo, *_] = canvas_images(page)
    expected = lesson7.TTAExplorer(content).images[0].transpose(1, 2, 0) * 255
    difference = np.abs(shown_photo[..., :3] - expected)
    assert difference.mean() < 0.5 and difference.max() <= 3


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_photo_can_be_pasted_and_dropped(kind, open_explorer):
    page = open_explorer("MixupExplorer")
    assert page.evaluate(GIVE_FILE, [kind, "mine.png", list(encoded(photo()))])
    expect(status(page)).to_contain_text("mine.png")


def test_photo_is_chosen_by_keyboard(open_explorer):
    page = open_explorer("ResizeExplorer", fresh=True)
    page.on("filechooser", lambda chooser: None)  # from now on the page opens no window of its own
    page.get_by_role("button", name="Your photo").press("Enter")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.get_by_label("Photo from a file").evaluate(IS_FOCUSED):
            break
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(payload("mine.png", encoded(photo())))
    expect(status(page)).to_contain_text("mine.png")
    assert page.get_by_label("Photo from a file").evaluate(IS_FOCUSED)
    assert accessibility_faults(page) == []


def test_wrong_file_gets_one_line(open_explorer):
    page = open_explorer("MixupExplorer")
    before = drawing(page)
    choose(page, payload("notes.jpg", b"no picture"))
    expect(message(page)).to_have_text(re.compile("notes.jpg.* is no image"))
    assert message(page).is_visible() and drawing(page) == before


@pytest.mark.parametrize("example", WITH_PHOTO)
def test_photo_of_one_pixel(example, open_explorer):
    page = open_explorer(example)
    choose(page, payload("dot.png", encoded(Image.new("RGB", (1, 1), "teal"))))
    if example == "NormalizeExplorer":
        expect(message(page)).to_contain_text("one value only")
    else:
        expect(status(page)).to_contain_text("dot.png")
    assert "NaN" not in page.locator(".l7").inner_text()


def test_hostile_file_name_is_text(open_explorer):
    page = open_explorer("ResizeExplorer")
    choose(page, payload(HOSTILE, encoded(photo())))
    expect(status(page)).to_contain_text("<img src=x")
    assert page.locator(".l7 img").count() == 0
    call = ast.parse(panel_code(page)).body[1].value
    assert ast.literal_eval(call.args[0]) == HOSTILE


def test_link_is_copied_without_the_photo(open_explorer):
    page = open_explorer("TTAExplorer")
    start = copied_text(page, "Copy link")
    choose(page, payload("mine.png", encoded(photo())))
    assert copied_text(page, "Copy link") == start
    expect(page.locator(".l7-tools .l7-copied")).to_have_text("Copied, without your photo")


@pytest.mark.parametrize("levels, text", [(1, "adds noise"), (64, "hides pixels")])
def test_browser_that_changes_pixels_is_noticed(levels, text, open_explorer):
    page = open_explorer("MixupExplorer", fresh=True)
    page.evaluate(ADD_NOISE, levels)
    choose(page, payload("mine.png", encoded(photo())))
    expect(page.locator(".l7").get_by_text(text)).to_be_visible()
