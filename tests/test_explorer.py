"What every explorer inherits."
import base64, io, json, re

import numpy as np
import pytest
import torch
from PIL import Image

from lesson7.explorer import as_image, squares
from lesson7.normalize import NormalizeExplorer


def test_a_viewer_without_widgets_gets_the_picture():
    data, _ = NormalizeExplorer()._repr_mimebundle_()
    still = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert still.format == "PNG" and still.width > 600 and len(data["image/png"]) < 200_000
    assert "application/vnd.jupyter.widget-view+json" in data

def test_the_still_follows_the_state():
    explorer = NormalizeExplorer()
    before = explorer.still()
    explorer.kind = "none"
    assert explorer.still() != before

def test_repr_says_the_state_and_not_the_pixels():
    assert repr(NormalizeExplorer(bs=3)) == ("NormalizeExplorer(bs=3, draw=0, kind='dataset', own_mean=[0.5, 0.5, 0.5], "
                                             "own_std=[0.5, 0.5, 0.5], show='file')")


def test_a_saved_file_is_whole_and_closed(tmp_path):
    file = tmp_path/"n.html"
    assert NormalizeExplorer().save(str(file)) == file and [f.name for f in tmp_path.iterdir()] == ["n.html"]
    text = file.read_text()
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text) and "default-src 'none'" in text
    state = json.loads(re.search(r'widget-state\+json">(.*?)</script>', text, re.S)[1])
    assert state["version_major"] == 2 and len(text) < 700_000

def test_no_text_closes_the_script(tmp_path):
    explorer = NormalizeExplorer()
    explorer.known = explorer.known | {"</script><b>": "<!--"}
    text = explorer.save(tmp_path/"n.html").read_text()
    assert "</script><b>" not in text and text.count("</script>") == 3

def test_a_failed_save_keeps_the_old_file(tmp_path):
    file = NormalizeExplorer().save(tmp_path/"n.html")
    old, explorer = file.read_bytes(), NormalizeExplorer()
    explorer.figure = lambda: 1/0
    with pytest.raises(ZeroDivisionError): explorer.save(file)
    assert file.read_bytes() == old and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("image", [
    Image.new("L", (9, 5), 128), Image.new("RGBA", (9, 5), (128,)*4), Image.new("CMYK", (9, 5), (127, 127, 127, 0)),
    Image.fromarray(np.full((5, 9), 128*257, np.uint16)), Image.new("RGB", (1, 1), (128,)*3), Image.new("RGB", (4000, 3000), (128,)*3),
    np.full((5, 9, 3), 128, np.uint8), torch.full((3, 5, 9), 128/255), np.full((3, 5, 9), 128/255, np.float64),
], ids=["grey", "rgba", "cmyk", "16 bit", "1x1", "huge", "bytes", "tensor", "array"])
def test_whatever_holds_an_image(image):
    assert (squares([image], 16) == 128).all() and squares([image], 16).shape == (1, 16, 16, 3)

def test_squares_cut_the_centre():
    x = np.zeros((10, 30, 3), np.uint8)
    x[:, 10:20] = 255
    assert (squares([x, x.transpose(1, 0, 2)], 10) == 255).all()

def test_squares_take_evenly_spaced_ones():
    x = torch.arange(100)[:, None, None, None].expand(100, 3, 4, 4)/255
    assert squares(x, 4, most=5)[:, 0, 0, 0].tolist() == [0, 24, 49, 74, 99]

@pytest.mark.parametrize("images, said", [
    ([], "no images"), ([np.zeros((4, 4))], "shape"), ([torch.full((3, 4, 4), 1.5)], "denormalize first"),
    ([torch.full((3, 4, 4), float("nan"))], "must lie in"),
])
def test_squares_refuse(images, said):
    with pytest.raises(ValueError, match=said): squares(images, 8)

def test_a_path_is_opened_and_a_broken_one_named(tmp_path):
    Image.fromarray(np.full((3, 3), 7*257, np.uint16)).save(tmp_path/"a.png")
    assert as_image(tmp_path/"a.png").getpixel((0, 0)) == (7, 7, 7)
    (tmp_path/"b.png").write_bytes(b"no")
    with pytest.raises(ValueError, match="b.png is not a readable image"): as_image(str(tmp_path/"b.png"))
