"The base class of the explorers, the script of a saved page, and the images that they take."

import gc
import gzip
import tracemalloc

import numpy as np
import pytest
import torch
from PIL import Image

from lesson7 import MixupExplorer, ResizeExplorer, SmoothingExplorer
from lesson7.data.images import as_image, squares
from lesson7.explorers.normalize import NormalizeExplorer
from lesson7.explorers.scripts import joined_script

GREY = 128
MAX_HOST_SIZE = 1300  # bytes, compressed


def test_repr_has_the_state_without_the_pixels():
    assert repr(NormalizeExplorer(bs=3)) == (
        "NormalizeExplorer(bs=3, draw=0, kind='dataset', own_mean=[0.5, 0.5, 0.5], "
        "own_std=[0.5, 0.5, 0.5], running='stored', show='file')"
    )


def test_no_text_closes_a_script(tmp_path):
    explorer = NormalizeExplorer()
    explorer.known = explorer.known | {"</script><b>": "<!--"}
    text = explorer.save(tmp_path / "n.html").read_text()
    assert "</script><b>" not in text and text.count("</script>") == 3


def test_failed_save_keeps_the_old_file(tmp_path):
    file = NormalizeExplorer().save(tmp_path / "n.html")
    old = file.read_bytes()
    explorer = NormalizeExplorer()

    def fail():
        raise ZeroDivisionError

    explorer.figure = fail
    with pytest.raises(ZeroDivisionError):
        explorer.save(file)
    assert file.read_bytes() == old
    assert list(tmp_path.iterdir()) == [file]


def test_script_of_a_saved_page_is_small():
    assert len(gzip.compress(joined_script("host").encode())) < MAX_HOST_SIZE


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(Image.new("L", (9, 5), GREY), id="grey"),
        pytest.param(Image.new("RGBA", (9, 5), (GREY, GREY, GREY, 255)), id="rgba"),
        pytest.param(Image.new("CMYK", (9, 5), (127, 127, 127, 0)), id="cmyk"),
        pytest.param(Image.fromarray(np.full((5, 9), GREY * 257, np.uint16)), id="16 bit"),
        pytest.param(Image.new("RGB", (1, 1), (GREY,) * 3), id="1x1"),
        pytest.param(Image.new("RGB", (4000, 3000), (GREY,) * 3), id="huge"),
        pytest.param(np.full((5, 9, 3), GREY, np.uint8), id="bytes"),
        pytest.param(torch.full((3, 5, 9), GREY / 255), id="tensor"),
        pytest.param(torch.full((3, 5, 9), GREY / 255).bfloat16(), id="bfloat16"),
        pytest.param(torch.full((3, 5, 9), GREY / 255, requires_grad=True), id="requires grad"),
        pytest.param(np.full((3, 5, 9), GREY / 255, np.float64), id="array"),
    ],
)
def test_images_of_any_kind(image):
    square = squares([image], 16)
    assert square.shape == (1, 16, 16, 3) and (square == GREY).all()


def test_squares_are_cropped_at_the_centre():
    x = np.zeros((10, 30, 3), np.uint8)
    x[:, 10:20] = 255
    assert (squares([x, x.transpose(1, 0, 2)], 10) == 255).all()


def test_squares_use_evenly_spaced_images():
    x = torch.arange(100)[:, None, None, None].expand(100, 3, 4, 4) / 255
    assert squares(x, 4, most=5)[:, 0, 0, 0].tolist() == [0, 24, 49, 74, 99]


@pytest.mark.parametrize(
    "images, message",
    [
        ([], "number of images must be 1 or more, got 0"),
        ([np.zeros((5, 5, 2))], r"shape of an image must be .*, got \[5, 5, 2\]"),
        ([torch.full((3, 4, 4), 1.5)], r"must be in \[0, 1\], got 1.5 to 1.5; denormalize first"),
        ([torch.full((3, 4, 4), float("nan"))], r"must be in \[0, 1\], got nan to nan"),
    ],
)
def test_squares_of_invalid_images(images, message):
    with pytest.raises(ValueError, match=message):
        squares(images, 8)


def test_image_files_and_a_broken_one(tmp_path):
    Image.fromarray(np.full((3, 3), 7 * 257, np.uint16)).save(tmp_path / "a.png")
    assert as_image(tmp_path / "a.png").getpixel((0, 0)) == (7, 7, 7)
    (tmp_path / "b.png").write_bytes(b"no")
    with pytest.raises(ValueError, match="b.png must be a readable image"):
        as_image(str(tmp_path / "b.png"))


CARRIED = {MixupExplorer: 1.5, ResizeExplorer: 0.8, SmoothingExplorer: 0.1}  # megabytes


@pytest.mark.parametrize("kind", CARRIED, ids=lambda kind: kind.__name__)
def test_an_explorer_carries_bytes_and_frees_them_when_it_is_closed(kind):
    kind().close()  # photos are decoded once
    gc.collect()
    tracemalloc.start()
    try:
        explorers = [kind() for _ in range(3)]
        gc.collect()
        carried, _ = tracemalloc.get_traced_memory()
        for explorer in explorers:
            explorer.close()
        del explorers, explorer
        gc.collect()
        remaining, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert carried / 3 < CARRIED[kind] * 1e6
    assert remaining < 0.2e6
