"`lesson7 explore` writes a page with an explorer of the reader's own images, or opens it."

import webbrowser
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import pytest
from browser import canvas_images
from explorer_examples import NAMES
from explorer_page import wait_for_explorers
from PIL import Image

from lesson7.cli import main

COLOURS = {"red.png": (200, 30, 40), "blue.png": (20, 60, 220)}
COMMANDS = [name.removesuffix("Explorer").lower() for name in NAMES]


@pytest.fixture
def images(tmp_path, monkeypatch):
    "Two files of one colour each, in the working folder."
    monkeypatch.chdir(tmp_path)
    for name, colour in COLOURS.items():
        Image.new("RGB", (120, 90), colour).save(name)
    return list(COLOURS)


def open_page(new_page, file):
    page = new_page()
    page.goto(Path(file).absolute().as_uri())
    wait_for_explorers(page)
    return page


@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_of_the_packages_photos(command, images, new_page):
    assert main(["explore", command, "-o", "page.html"]) == 0
    assert open_page(new_page, "page.html").locator(".l7").count() == 1


@pytest.mark.parametrize(
    "command, count", [("normalize", 2), ("tta", 2), ("mixup", 2), ("resize", 1)]
)
def test_a_page_of_own_images(command, count, images, new_page, capsys):
    assert main(["explore", command, *images[:count], "--out", "page.html"]) == 0
    assert "page.html" in capsys.readouterr().out
    drawn = canvas_images(open_page(new_page, "page.html"))
    pixels = {tuple(pixel) for image in drawn for pixel in image[..., :3].reshape(-1, 3)}
    assert COLOURS["red.png"] in pixels


def test_the_blend_of_two_files(images, new_page):
    assert main(["explore", "mixup", *images, "-o", "page.html"]) == 0
    blend = 0.3 * np.array(COLOURS["red.png"]) + 0.7 * np.array(COLOURS["blue.png"])
    drawn = canvas_images(open_page(new_page, "page.html"))
    centres = [image[len(image) // 2, len(image) // 2, :3] for image in drawn]
    assert any(np.abs(centre - blend).max() <= 1 for centre in centres)


def test_without_a_file_the_browser_opens(images, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    assert main(["explore", "resize", "red.png"]) == 0
    file = Path(url2pathname(urlsplit(opened[0]).path))
    assert file.name == "resize.html" and str(file) in capsys.readouterr().out
    assert "<html" in file.read_text(encoding="utf-8")
    assert sorted(p.name for p in Path.cwd().iterdir()) == sorted(images)  # nothing is left here


OUTPUTS = {  # what is given: the page
    ".": "mixup.html",
    "pages": "pages/mixup.html",
    "pages/": "pages/mixup.html",
    "new/": "new/mixup.html",
    "new/page.html": "new/page.html",
}


@pytest.mark.parametrize("out", OUTPUTS)
def test_a_page_may_be_in_a_folder(out, images, capsys):
    Path("pages").mkdir()
    assert main(["explore", "mixup", *images, "-o", out]) == 0
    assert f"The explorer is in {OUTPUTS[out]};" in capsys.readouterr().out
    assert "<html" in Path(OUTPUTS[out]).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["resize", "red.png", "blue.png"], "number of images for resize must be at most 1, got 2"),
        (["smoothing", "red.png"], "number of images for smoothing must be at most 0, got 1"),
        (["mixup", "none.png"], "none.png must be a readable image, got"),
        (["tta", *["red.png"] * 9], "must be from 1 to 8, got 9"),
        (["mixup", "-o", "nowhere/red.png/page.html"], "--out must be in a folder"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(arguments, message, images, capsys):
    Path("nowhere").mkdir()
    Image.new("RGB", (2, 2)).save("nowhere/red.png")
    assert main(["explore", *arguments, *([] if "-o" in arguments else ["-o", "page.html"])]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not Path("page.html").exists()
