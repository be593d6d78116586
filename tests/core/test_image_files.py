"""One image file, everywhere: upright, on white, of any depth, and rejected where it is damaged.

The right pixels are computed with numpy, or by Pillow's reader for a file without EXIF data.
"""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, features

from lesson7.data import files
from lesson7.data.files import (
    Presized,
    check_files,
    clear_pixels,
    image_size,
    open_image,
    pixel_folder,
)
from lesson7.data.folders import IMAGE_EXTENSIONS, list_images
from lesson7.data.images import as_image
from lesson7.data.loaders import get_dls
from lesson7.normalize import dataset_stats

TO_STORED = {  # EXIF orientation: what a camera stores of an upright image
    1: lambda x: x,
    2: np.fliplr,
    3: lambda x: np.rot90(x, 2),
    4: np.flipud,
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, 1),
    7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
    8: lambda x: np.rot90(x, -1),
}
TO_UPRIGHT = TO_STORED | {6: TO_STORED[8], 8: TO_STORED[6]}


def noise(height=20, width=32, channels=3, seed=0):
    shape = (height, width, channels)[: 3 if channels else 2]
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def exif_of(orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


def pixels(image):
    return np.asarray(image, np.int64)


# ---- Orientation

LOSSLESS = {"png": {}, "tif": {}, "webp": dict(lossless=True)}


@pytest.mark.parametrize("orientation", TO_STORED)
@pytest.mark.parametrize("kind", LOSSLESS)
def test_a_photo_of_any_orientation_is_the_upright_original(tmp_path, kind, orientation):
    upright, file = noise(), tmp_path / f"a.{kind}"
    stored = Image.fromarray(np.ascontiguousarray(TO_STORED[orientation](upright)))
    stored.save(file, exif=exif_of(orientation), **LOSSLESS[kind])
    opened = open_image(file)
    assert (pixels(opened) == upright).all()
    assert image_size(file) == opened.size == (32, 20)
    assert (pixels(as_image(opened)) == upright).all()  # not turned twice
    assert (pixels(as_image(Image.open(file))) == upright).all()
    assert (pixels(as_image(file.read_bytes())) == upright).all()
    np.testing.assert_allclose(dataset_stats(file).mean, upright.mean((0, 1)) / 255)


def plain(mode):
    "Return an upright image of a mode as an array, and the function that makes the image of one."
    if mode == "1":
        return noise(channels=0) > 127, Image.fromarray
    if mode == "I;16":
        return noise(channels=0).astype(np.uint16) * 257, Image.fromarray
    if mode == "P":
        return noise(channels=0) % 6, palette_image
    channels = {"L": 0, "CMYK": 4}.get(mode, len(mode))
    x = noise(channels=channels)

    def make(x):
        return Image.frombytes(mode, x.shape[1::-1], x.tobytes())

    return x, make


def palette_image(indices):
    image = Image.frombytes("P", indices.shape[::-1], indices.astype(np.uint8).tobytes())
    image.putpalette(noise(1, 6)[0].ravel().tolist())
    return image


@pytest.mark.parametrize("orientation", TO_STORED)
@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "I;16"])
def test_a_scan_of_any_mode_and_orientation_is_upright(tmp_path, mode, orientation):
    x, make = plain(mode)
    make(x).save(tmp_path / "plain.tif")
    stored = np.ascontiguousarray(TO_STORED[orientation](x))
    make(stored).save(tmp_path / "a.tif", exif=exif_of(orientation))
    upright = pixels(open_image(tmp_path / "plain.tif"))
    with Image.open(tmp_path / "a.tif") as opened:
        for source in (tmp_path / "a.tif", opened):
            assert (pixels(open_image(source)) == upright).all()
    assert image_size(tmp_path / "a.tif") == (32, 20)


@pytest.mark.parametrize("orientation", TO_STORED)
@pytest.mark.parametrize("kind", ["jpg", "avif"])
def test_a_compressed_photo_is_decoded_and_turned(tmp_path, kind, orientation):
    if kind == "avif" and not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF files")
    stored = Image.fromarray(np.ascontiguousarray(TO_STORED[orientation](noise(48, 64))))
    stored.save(tmp_path / f"plain.{kind}", quality=95)
    stored.save(tmp_path / f"turned.{kind}", quality=95, exif=exif_of(orientation))
    decoded = pixels(Image.open(tmp_path / f"plain.{kind}").convert("RGB"))
    opened = open_image(tmp_path / f"turned.{kind}")
    assert (pixels(opened) == TO_UPRIGHT[orientation](decoded)).all()
    assert image_size(tmp_path / f"turned.{kind}") == opened.size == (64, 48)


@pytest.mark.parametrize("orientation", TO_STORED)
@pytest.mark.parametrize("limit", [4e9, 0])
def test_presized_photos_are_upright_also_from_the_cache(tmp_path, orientation, limit):
    left_dark = np.zeros((400, 600, 3), np.uint8)
    left_dark[:, 300:] = 255
    stored = np.ascontiguousarray(TO_STORED[orientation](left_dark))
    Image.fromarray(stored).save(tmp_path / "a.jpg", exif=exif_of(orientation), quality=95)
    presized = Presized(50, limit, tmp_path / "pixels")
    for _ in range(2):
        small = presized(tmp_path / "a.jpg")
        assert small.size == (75, 50)
        assert pixels(small)[:, :30].max() < 20 and pixels(small)[:, 45:].min() > 235


@pytest.mark.parametrize("exif", [b"Exif\0\0junk", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_damaged_exif_data_is_none(tmp_path, exif):
    Image.fromarray(noise()).save(tmp_path / "a.jpg", exif=exif)
    assert open_image(tmp_path / "a.jpg").size == image_size(tmp_path / "a.jpg") == (32, 20)


@pytest.mark.parametrize("value", [0, 9, 300])
def test_an_orientation_that_there_is_not_changes_nothing(tmp_path, value):
    Image.fromarray(noise()).save(tmp_path / "a.png", exif=exif_of(value))
    assert (pixels(open_image(tmp_path / "a.png")) == noise()).all()


@pytest.mark.parametrize("orientation", TO_STORED)
def test_exif_data_behind_the_pixels_of_a_png_file_counts(tmp_path, orientation):
    upright, buffer = noise(), io.BytesIO()
    Image.fromarray(np.ascontiguousarray(TO_STORED[orientation](upright))).save(buffer, "PNG")
    data = exif_of(orientation).tobytes().removeprefix(b"Exif\0\0")
    check = struct.pack(">I", zlib.crc32(b"eXIf" + data))
    chunk = struct.pack(">I", len(data)) + b"eXIf" + data + check
    end = buffer.getvalue()[-12:]
    (tmp_path / "a.png").write_bytes(buffer.getvalue()[:-12] + chunk + end)
    assert (pixels(open_image(tmp_path / "a.png")) == upright).all()
    assert image_size(tmp_path / "a.png") == (32, 20)


def test_image_size_decodes_nothing(tmp_path, monkeypatch):
    for kind in ("jpg", "png", "webp", "gif", "bmp", "tif"):
        Image.fromarray(noise()).save(tmp_path / f"a.{kind}")

    def fail(self):
        raise AssertionError("decoded")

    from PIL.ImageFile import ImageFile

    monkeypatch.setattr(ImageFile, "load", fail)
    sizes = {image_size(file) for file in tmp_path.iterdir()}
    assert sizes == {(32, 20)}


def test_pixels_that_an_older_version_cached_are_not_used(tmp_path):
    file, folder = tmp_path / "a.png", tmp_path / "pixels"
    Image.fromarray(noise()).save(file)
    key = files.content_digest(file)
    old = folder / key[:2] / f"{key}-10.ppm"  # the name that it had before photos were turned
    old.parent.mkdir(parents=True)
    Image.new("RGB", (16, 10), "red").save(old)
    expected = open_image(file, 10)
    for _ in range(2):
        assert Presized(10, folder=folder)(file).tobytes() == expected.tobytes()


# ---- Transparency


def over_white(colour, alpha):
    "Return a colour [...,3] over white, by the definition of opacity."
    share = np.asarray(alpha, np.float64)[..., None] / 255
    return np.asarray(colour, np.float64) * share + 255 * (1 - share)


ALPHA = noise(channels=0, seed=1)
ALPHA[:4], ALPHA[4:8] = 0, 255


def rgba():
    image = Image.fromarray(np.dstack([noise(), ALPHA]))
    return image, over_white(noise(), ALPHA)


def grey_alpha():
    grey = noise(channels=0)
    image = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(ALPHA)])
    return image, over_white(np.dstack([grey] * 3), ALPHA)


def palette(transparency):
    colours = noise(1, 6)[0]
    indices = noise(channels=0) % 6
    image = Image.fromarray(indices).convert("L")
    image = Image.frombytes("P", image.size, indices.tobytes())
    image.putpalette(colours.ravel().tolist())
    image.info["transparency"] = transparency
    alphas = np.full(6, 255)
    if isinstance(transparency, bytes):
        alphas[: len(transparency)] = list(transparency)
    else:
        alphas[transparency] = 0
    return image, over_white(colours[indices], alphas[indices])


def rgb_key():
    x = noise()
    x[::2] = (7, 8, 9)
    image = Image.fromarray(x)
    image.info["transparency"] = (7, 8, 9)
    return image, over_white(x, np.where((x == (7, 8, 9)).all(-1), 0, 255))


def grey_key():
    x = noise(channels=0)
    x[::2] = 7
    image = Image.fromarray(x)
    image.info["transparency"] = 7
    return image, over_white(np.dstack([x] * 3), np.where(x == 7, 0, 255))


TRANSPARENT = {
    "RGBA": rgba,
    "LA": grey_alpha,
    "palette, one colour": lambda: palette(3),
    "palette, opacities": lambda: palette(bytes([0, 128, 255, 10])),
    "RGB, one colour": rgb_key,
    "grey, one level": grey_key,
}


@pytest.mark.parametrize("kind", TRANSPARENT)
def test_what_is_transparent_is_white(tmp_path, kind):
    image, expected = TRANSPARENT[kind]()
    image.save(tmp_path / "a.png", transparency=image.info.get("transparency"))
    for given_image in (tmp_path / "a.png", image):
        found = pixels(open_image(given_image))
        assert np.abs(found - expected).max() <= 1  # Pillow rounds once more than numpy
        opaque = (expected == np.rint(expected)).all(-1)
        assert opaque.any() and np.abs(found - expected)[opaque].max() <= 1
    assert open_image(tmp_path / "a.png", 10).size == (16, 10)


def test_opaque_pixels_of_an_image_with_alpha_are_exact():
    image = Image.fromarray(np.dstack([noise(), np.full((20, 32), 255, np.uint8)]))
    assert (pixels(open_image(image)) == noise()).all()
    clear = Image.fromarray(np.dstack([noise(), np.zeros((20, 32), np.uint8)]))
    assert (pixels(open_image(clear)) == 255).all()


@pytest.mark.parametrize("kind", ["gif", "png", "webp", "tif"])
def test_the_first_frame_of_several_is_opened(tmp_path, kind):
    frames = [Image.new("RGB", (9, 7), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / f"a.{kind}", save_all=True, append_images=frames[1:], duration=50)
    assert Image.open(tmp_path / f"a.{kind}").n_frames == 3
    red, green, blue = pixels(open_image(tmp_path / f"a.{kind}"))[3, 4]
    assert red > 250 and max(green, blue) < 5


# ---- CMYK, 16 bits, floats


def cmyk_to_rgb(x):
    "Return RGB from bytes of ink, by the usual formula without a colour profile."
    ink = x.astype(np.float64) / 255
    return 255 * (1 - ink[..., :3]) * (1 - ink[..., 3:])


@pytest.mark.parametrize("kind", ["tif", "jpg"])
def test_cmyk_is_what_the_formula_gives(tmp_path, kind):
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    inks = np.dstack(np.broadcast_arrays(ramp[:, None], ramp[None], 40, ramp[::-1, None] // 2))
    inks = np.ascontiguousarray(inks.astype(np.uint8))
    Image.frombytes("CMYK", (64, 64), inks.tobytes()).save(tmp_path / f"a.{kind}", quality=100)
    if kind == "jpg":  # Adobe's marker says that the inks are inverted
        assert b"Adobe" in (tmp_path / "a.jpg").read_bytes()[:200]
    found = pixels(open_image(tmp_path / f"a.{kind}"))
    assert np.abs(found - cmyk_to_rgb(inks)).mean() < 1.5


DEEP = np.arange(65_536, dtype=np.uint16)[::8].reshape(64, 128)


def packed_rows(x, bits):
    "Return the rows of an image as bytes, with several pixels in a byte where they fit."
    if bits == 16:
        return [row.astype(">u2").tobytes() for row in x]
    places = np.arange(bits - 1, -1, -1)
    return [np.packbits(row[..., None] >> places & 1).tobytes() for row in x]


def png(x, colour_type, bits=16, key=()):
    "Return a PNG file, as the format's standard describes it; `key` is transparent."

    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    height, width = x.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    transparent = chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)) if key else b""
    rows = b"".join(b"\0" + row for row in packed_rows(x, bits))
    body = chunk(b"IHDR", header) + transparent + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


@pytest.mark.parametrize("colour_type, channels", [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_png_files_of_16_bits_keep_their_brightness(tmp_path, colour_type, channels):
    x = np.dstack([DEEP] * channels)
    if channels in (2, 4):
        x[..., -1] = 65_535  # opaque
    (tmp_path / "a.png").write_bytes(png(x, colour_type))
    found = pixels(open_image(tmp_path / "a.png"))
    expected = np.dstack([DEEP] * 3).astype(np.float64) * 255 / 65_535
    most = 0.5 if channels == 1 else 1  # Pillow keeps the upper byte of colours
    assert np.abs(found - expected).max() <= most + 1e-9
    assert abs(found.mean() - expected.mean()) < 0.02


def decoded_image(file):
    image = Image.open(file)
    image.load()
    return image


GREY_SOURCES = {  # name: what is opened of a PNG file
    "file": lambda file: file,
    "image": Image.open,
    "decoded image": decoded_image,
    "copy": lambda file: Image.open(file).copy(),
}


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("kind", GREY_SOURCES)
def test_the_transparent_level_of_a_grey_png_file_is_white(bits, kind):
    white = 2**bits - 1
    x = np.random.default_rng(0).integers(0, white + 1, (20, 32))
    x[3, 4:9] = 1
    expected = np.where(x == 1, 255, 255 * x / white)[..., None]
    image = GREY_SOURCES[kind](io.BytesIO(png(x, 0, bits, [1])))
    for _ in range(2):  # the second time, the image is decoded already
        assert np.abs(pixels(open_image(image)) - expected).max() <= 0.5


@pytest.mark.parametrize("bits", [8, 16])
def test_a_transparent_colour_that_no_pixel_has_changes_nothing(bits):
    x = np.random.default_rng(0).integers(1 << bits // 2, 1 << bits, (20, 32, 3))
    found = pixels(open_image(io.BytesIO(png(x, 2, bits, (1, 2, 3)))))
    assert (found == x >> bits - 8).all()


def test_a_transparent_colour_of_16_bits_is_rejected_with_what_to_do():
    x = np.dstack([DEEP] * 3)
    message = "^image must be a readable image, got a PNG file with a transparent colour of 16 bits"
    with pytest.raises(ValueError, match=message) as e:
        open_image(io.BytesIO(png(x, 2, 16, x[3, 4].tolist())))
    assert str(e.value).endswith("; save it with 8 bits a channel, or with an alpha channel")


def test_a_transparent_level_of_16_bits_is_white(tmp_path):
    image = Image.fromarray(DEEP)
    image.save(tmp_path / "a.png", transparency=int(DEEP[3, 4]))
    found = pixels(open_image(tmp_path / "a.png"))
    assert (found[3, 4] == 255).all() and (found[3, 5] < 30).all()


FLOATS = np.random.default_rng(0).random((20, 32)).astype(np.float32)


@pytest.mark.parametrize("low, high", [(0, 1), (-1e-4, 1.0000002), (0, 0.01), (1, 1)])
def test_floats_from_0_to_1_are_rounded_to_levels(tmp_path, low, high):
    x = low + (high - low) * FLOATS
    Image.fromarray(x.astype(np.float32)).save(tmp_path / "a.tif")
    expected = np.rint(np.clip(x, 0, 1) * 255)
    assert (pixels(open_image(tmp_path / "a.tif")) == expected[..., None]).all()


@pytest.mark.parametrize(
    "x, got",
    [
        (FLOATS * 255, "got pixels from .* to 25"),
        (-FLOATS, "got pixels from -0.99"),
        (FLOATS * np.float32("nan"), "got pixels from nan"),
        (np.full((4, 4), 70_000, np.int32), "got pixels from 70000 to 70000"),
    ],
)
def test_pixels_of_another_scale_are_rejected_with_what_is_allowed(tmp_path, x, got):
    Image.fromarray(x).save(tmp_path / "a.tif")
    with pytest.raises(ValueError, match=f"a.tif must be a readable image, {got}") as e:
        open_image(tmp_path / "a.tif")
    largest = 65_535 if x.dtype == np.int32 else 1
    assert str(e.value).endswith(f"or with pixels in [0, {largest}]")


RAMP = np.linspace(0, 1, 20 * 32).reshape(20, 32)
TIFF_FILES = {  # name: (pixels, options of `tifffile.imwrite`, expected brightness in [0,1])
    "16 bits": ((RAMP * 65_535).astype(np.uint16), {}, RAMP),
    "16 bits, white is 0": (
        (RAMP * 65_535).astype(np.uint16),
        dict(photometric="miniswhite"),
        1 - RAMP,
    ),
    "8 bits, white is 0": (
        (RAMP * 255).astype(np.uint8),
        dict(photometric="miniswhite"),
        1 - RAMP,
    ),
    "floats, white is 0": (RAMP.astype(np.float32), dict(photometric="miniswhite"), 1 - RAMP),
    "signed": ((RAMP * 32_767).astype(np.int16), {}, RAMP),
    "signed levels of bytes": ((RAMP * 255).astype(np.int16), {}, RAMP),
}


@pytest.mark.parametrize("name", TIFF_FILES)
def test_tiff_files_keep_their_brightness(tmp_path, name):
    import tifffile

    x, options, expected = TIFF_FILES[name]
    tifffile.imwrite(tmp_path / "a.tif", x, **options)
    found = pixels(open_image(tmp_path / "a.tif"))
    assert np.abs(found - 255 * expected[..., None]).max() <= 1.5


def tiff12(x):
    "Return a TIFF file of 12 bits a pixel, two pixels in three bytes, as the standard has it."
    first, second = x[:, ::2].astype(int), x[:, 1::2].astype(int)
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], -1)
    data = packed.astype(np.uint8).tobytes()
    height, width = x.shape
    tags = {256: width, 257: height, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: height}
    tags[279] = len(data)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    start = b"II*\0" + struct.pack("<I", 8 + len(data))
    return start + data + struct.pack("<H", len(tags)) + entries + bytes(4)


def pgm(x, white, kind="P5"):
    "Return a PGM file with two bytes a pixel, or as text."
    start = f"{kind} {x.shape[1]} {x.shape[0]} {white}\n".encode()
    if kind == "P2":
        return start + " ".join(map(str, x.flat)).encode()
    return start + x.astype(">u2").tobytes()


SCALED = {  # name: (content of the file, largest pixel, white)
    "TIFF of 12 bits": (tiff12, 4_095, 4_095),
    "dark TIFF of 12 bits": (tiff12, 200, 4_095),
    "PGM of 16 bits": (lambda x: pgm(x, 65_535), 65_535, 65_535),
    "dark PGM of 16 bits": (lambda x: pgm(x, 65_535), 255, 65_535),
    "PGM of 12 bits": (lambda x: pgm(x, 4_095), 4_095, 4_095),
    "dark PGM of 12 bits": (lambda x: pgm(x, 4_095), 12, 4_095),
    "dark PGM of 10 bits as text": (lambda x: pgm(x, 1_023, "P2"), 3, 1_023),
}


@pytest.mark.parametrize("name", SCALED)
def test_white_is_what_the_file_says(name):
    write, largest, white = SCALED[name]
    x = np.rint(RAMP * largest).astype(int)
    found = pixels(open_image(io.BytesIO(write(x))))
    assert np.abs(found - 255 * x[..., None] / white).max() <= 0.5


UNREAD = {  # name: (pixels, options of `tifffile.imwrite`, message)
    "64-bit floats": (
        RAMP,
        {},
        "a TIFF file with a kind of pixels that Pillow does not read; save",
    ),
    "five channels of 16 bits": (
        np.dstack([(RAMP * 65_535).astype(np.uint16)] * 5),
        dict(photometric="minisblack", planarconfig="contig"),
        "a TIFF file with a kind of pixels that Pillow does not read; save it with 8 bits and 1, 3",
    ),
    "16 bits of another byte order, white is 0": (
        (RAMP * 65_535).astype(np.uint16),
        dict(photometric="miniswhite", byteorder=">"),
        "a TIFF file with a kind of pixels that Pillow does not read; save it",
    ),
    "compressed floats of another byte order": (
        RAMP.astype(np.float32),
        dict(byteorder=">", compression="deflate"),
        "a TIFF file with a kind of pixels that Pillow does not read; save it",
    ),
    "negative": (
        (RAMP * 1_000 - 500).astype(np.int16),
        {},
        r"pixels from -500 to 500; save it .* or with pixels in \[0, 32767\]",
    ),
}


@pytest.mark.parametrize("name", UNREAD)
@pytest.mark.parametrize("kind", ["path", "open file"])
def test_tiff_files_of_other_kinds_are_rejected_with_what_to_do(tmp_path, name, kind):
    import tifffile

    x, options, message = UNREAD[name]
    file = tmp_path / "a.tif"
    tifffile.imwrite(file, x, **options)
    source = file if kind == "path" else io.BytesIO(file.read_bytes())
    title = "a.tif" if kind == "path" else "^image"
    with pytest.raises(ValueError, match=f"{title} must be a readable image, got {message}") as e:
        open_image(source)
    assert "BytesIO" not in str(e.value)


PLANES = {  # name: (channels, type, options of `tifffile.imwrite`, whether Pillow reads them)
    "8 bits": (3, np.uint8, dict(photometric="rgb"), True),
    "8 bits, compressed": (3, np.uint8, dict(photometric="rgb", compression="deflate"), True),
    "8 bits with alpha": (4, np.uint8, dict(photometric="rgb"), True),
    "16 bits": (3, np.uint16, dict(photometric="rgb"), False),
    "16 bits, byte order": (3, np.uint16, dict(photometric="rgb", byteorder=">"), False),
    "16 bits, tiles": (3, np.uint16, dict(photometric="rgb", tile=(16, 16)), False),
    "16 bits, compressed": (3, np.uint16, dict(photometric="rgb", compression="deflate"), True),
    "16 bits with alpha": (4, np.uint16, dict(photometric="rgb"), False),
    "16 bits of inks": (4, np.uint16, dict(photometric="separated"), False),
    "grey with alpha, compressed": (
        2,
        np.uint8,
        dict(photometric="minisblack", compression="deflate"),
        False,
    ),
}


@pytest.mark.parametrize("name", PLANES)
@pytest.mark.parametrize("kind", ["path", "image", "decoded image"])
def test_channels_one_after_the_other_are_right_or_rejected(tmp_path, name, kind):
    import tifffile

    count, dtype, options, is_read = PLANES[name]
    white = np.iinfo(dtype).max
    x = np.random.default_rng(0).integers(0, white, (count, 20, 32)).astype(dtype)
    if "alpha" in name:
        x[-1] = white  # opaque
        options = options | dict(extrasamples=["unassalpha"])
    file = tmp_path / "a.tif"
    tifffile.imwrite(file, x, planarconfig="separate", **options)
    source = file if kind == "path" else Image.open(file)
    if kind == "decoded image":
        source.load()
    if is_read:
        expected = np.moveaxis(x[:3].astype(np.float64) * 255 / white, 0, -1)
        assert np.abs(pixels(open_image(source)) - expected).max() <= 1
        return
    message = "got a TIFF file with a kind of pixels that Pillow does not read; save it with 8 bits"
    with pytest.raises(ValueError, match=message):
        open_image(source)


MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB", "La", "RGBa"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([*MODES, "PA", "I", "F", "I;16", "I;16B", "I;16L"]),
    st.integers(1, 40),
    st.integers(1, 40),
    st.one_of(st.none(), st.integers(1, 60)),
    st.sampled_from(range(10)),
)
def test_any_mode_and_size_is_an_rgb_image(mode, width, height, short, orientation):
    image = Image.new(mode, (width, height))
    image.info["exif"] = exif_of(orientation).tobytes()
    opened = open_image(image, short)
    turned = (height, width) if orientation in (5, 6, 7, 8) else (width, height)
    assert opened.mode == "RGB" and opened.info == {}
    if short is None or short >= min(turned):
        assert opened.size == turned
    else:
        assert min(opened.size) == short
    assert image.mode == mode and image.size == (width, height)


# ---- HEIC and AVIF


def heic_start():
    return b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)


@pytest.mark.parametrize("source", ["path", "bytes"])
def test_a_heic_file_without_pillow_heif_says_what_to_do(tmp_path, monkeypatch, source):
    monkeypatch.setattr(files, "find_spec", lambda name: None)
    (tmp_path / "a.heic").write_bytes(heic_start())
    image = tmp_path / "a.heic" if source == "path" else heic_start()
    name = "a.heic" if source == "path" else "image"
    says = rf'{name} must be a readable image, got a HEIC file; convert it, or pip install "lesson7'
    with pytest.raises(ValueError, match=says) as e:
        as_image(image)
    assert str(e.value).endswith('pip install "lesson7[heif]"')


@pytest.mark.parametrize("orientation", TO_STORED)
def test_a_heic_photo_is_upright(tmp_path, orientation):
    heif = pytest.importorskip("pillow_heif")
    upright = np.kron(noise(4, 6), np.ones((16, 16, 1), np.uint8))
    stored = Image.fromarray(np.ascontiguousarray(TO_STORED[orientation](upright)))
    exif = exif_of(orientation).tobytes()
    encoded = heif.from_pillow(stored)
    encoded.save(tmp_path / "a.HEIC", quality=95, exif=exif)
    opened = open_image(tmp_path / "a.HEIC")
    assert image_size(tmp_path / "a.HEIC") == opened.size == (96, 64)
    centres = pixels(opened)[8::16, 8::16]
    assert np.abs(centres - noise(4, 6)).mean() < 12  # the codec is lossy
    assert open_image(io.BytesIO((tmp_path / "a.HEIC").read_bytes())).size == (96, 64)


def test_extensions_in_any_case_count(tmp_path):
    names = ["a.JPG", "b.Png", "c.TIFF", "d.HEIC", "e.heif", "f.WebP"]
    names += ["g.AVIF"] if features.check("avif") else []
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    assert [file.name for file in list_images(tmp_path)[0]] == names
    assert (".avif" in IMAGE_EXTENSIONS) == features.check("avif")


# ---- Files of other programs


@pytest.mark.parametrize("dtype, white", [(np.uint8, 255), (np.uint16, 65_535), (np.float32, 1)])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_grey_scans_that_tifffile_wrote(tmp_path, dtype, white, byteorder):
    tifffile = pytest.importorskip("tifffile")
    x = (np.linspace(0, 1, 600).reshape(20, 30) * white).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", x, photometric="minisblack", byteorder=byteorder)
    expected = np.rint(x.astype(np.float64) * 255 / white)
    assert (pixels(open_image(tmp_path / "a.tif")) == expected[..., None]).all()


def test_colour_scans_that_tifffile_wrote(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    colours = np.random.default_rng(0).integers(0, 65_536, (20, 30, 3), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", colours, photometric="rgb")
    found = pixels(open_image(tmp_path / "a.tif"))
    assert np.abs(found - colours.astype(np.float64) * 255 / 65_535).max() <= 1
    pages = np.stack([noise(seed=0), noise(seed=1)])
    tifffile.imwrite(tmp_path / "b.tif", pages, photometric="rgb")
    assert (pixels(open_image(tmp_path / "b.tif")) == noise(seed=0)).all()


@pytest.mark.parametrize("orientation", TO_STORED)
def test_opencv_turns_a_photo_in_the_same_way(tmp_path, orientation):
    cv2 = pytest.importorskip("cv2")
    stored = np.ascontiguousarray(TO_STORED[orientation](noise(48, 64)))
    Image.fromarray(stored).save(tmp_path / "a.jpg", exif=exif_of(orientation), quality=95)
    theirs = cv2.imread(str(tmp_path / "a.jpg"), cv2.IMREAD_COLOR)[..., ::-1]
    difference = np.abs(pixels(open_image(tmp_path / "a.jpg")) - theirs)
    assert difference.mean() < 1  # two decoders


@pytest.mark.parametrize("name", ["a.png", "a.tiff", "a.webp", "a.bmp"])
def test_files_that_opencv_wrote(tmp_path, name):
    cv2 = pytest.importorskip("cv2")
    options = [cv2.IMWRITE_WEBP_QUALITY, 101] if name.endswith("webp") else []
    assert cv2.imwrite(str(tmp_path / name), noise()[..., ::-1].copy(), options)
    difference = np.abs(pixels(open_image(tmp_path / name)) - noise())
    assert difference.max() == 0
    if name == "a.png":
        alpha = np.dstack([noise()[..., ::-1], ALPHA])
        cv2.imwrite(str(tmp_path / name), alpha)
        expected = over_white(noise(), ALPHA)
        assert np.abs(pixels(open_image(tmp_path / name)) - expected).max() <= 1


# ---- Files that cannot be read


def truncated(folder):
    buffer = io.BytesIO()
    Image.fromarray(noise(200, 300)).save(buffer, "JPEG", quality=95)
    (folder / "cut.jpg").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    return folder / "cut.jpg"


def empty(folder):
    (folder / "empty.png").touch()
    return folder / "empty.png"


def text(folder):
    (folder / "text.jpg").write_text("no image")
    return folder / "text.jpg"


def bomb(folder):
    Image.new("1", (15_000, 15_000)).save(folder / "bomb.png")
    return folder / "bomb.png"


BROKEN = {
    truncated: "image file is truncated",
    empty: "an empty file",
    text: "an unknown format",
    bomb: "Image size .225000000 pixels. exceeds limit",
    lambda folder: folder / "missing.jpg": "no such file; check the path",
    lambda folder: folder: "a folder",
}


@pytest.mark.parametrize("make", BROKEN)
def test_a_file_that_cannot_be_read_is_named_in_one_line(tmp_path, make):
    file = make(tmp_path)
    with pytest.raises(ValueError, match=BROKEN[make]) as e:
        open_image(file)
    assert str(e.value).startswith(f"{file} must be a readable image, got ")
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("short", [-1, 0, 2.5, "8", float("nan"), True])
def test_the_short_side_is_a_whole_number(tmp_path, short):
    Image.fromarray(noise()).save(tmp_path / "a.png")
    for source in (tmp_path / "a.png", Image.fromarray(noise())):
        with pytest.raises(ValueError, match="^short must be a whole number, 1 or more, got "):
            open_image(source, short)


@pytest.mark.parametrize("value", [None, 7, b"bytes", ["a.png"]])
def test_what_is_no_file_is_named_by_its_type(value):
    message = "^image must be a path, a file object, or an open image, got a value of type "
    with pytest.raises(TypeError, match=message + type(value).__name__):
        open_image(value)


@pytest.mark.parametrize("content", [b"no image", b""])
def test_an_open_file_that_is_no_image_has_no_address_in_the_message(content):
    message = "^image must be a readable image, got an unknown format; delete or replace it$"
    with pytest.raises(ValueError, match=message):
        open_image(io.BytesIO(content))


def make_dataset(root, side=40):
    for seed in range(12):
        folder = root / ("train", "val")[seed % 2] / ("a", "b")[seed % 4 // 2]
        folder.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(noise(side, side + 10, seed=seed))
        image.save(folder / f"{seed // 4}.jpg")
    return root


SET_UP = 2  # images that fastai loads to set up the types of a DataBlock


@pytest.mark.parametrize("side", [40, 300], ids=["small", "cached"])
@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("make", [truncated, empty, text, bomb])
def test_a_broken_file_is_rejected_before_the_first_epoch(tmp_path, cache, make, split, side):
    data = make_dataset(tmp_path / "data", side)
    file = make(data / split / "a")
    with pytest.raises(ValueError, match=BROKEN[make]) as e:
        get_dls(2, 16, data)
    assert str(e.value).startswith(f"{file} must be a readable image, got ")
    file.unlink()
    assert get_dls(2, 16, data).c == 2


@pytest.mark.parametrize("count, named", [(2, 2), (3, 3), (5, 3)])
def test_of_several_broken_files_the_first_few_are_named(tmp_path, cache, count, named):
    data = make_dataset(tmp_path / "data")
    for i in range(count):
        truncated(data / "train" / "a").rename(data / "train" / "a" / f"bad{i}.jpg")
    says = f"files must be readable images, got {count} of {12 + count} that are not: "
    with pytest.raises(ValueError, match=says) as e:
        get_dls(2, 16, data)
    assert str(e.value).count("bad") == named and "\n" not in str(e.value)
    assert ("..." in str(e.value)) == (count > named)


@pytest.fixture
def decoded(monkeypatch):
    "A list of the files that are decoded; it grows."
    names, decode = [], files._decoded

    def recording(file, short):
        if str(file).endswith("jpg"):
            names.append(file.name)
        return decode(file, short)

    monkeypatch.setattr(files, "_decoded", recording)
    return names


def test_small_files_are_checked_once_a_process(tmp_path, cache, decoded):
    data = make_dataset(tmp_path / "data")
    get_dls(2, 16, data)
    assert len(decoded) == 12 + SET_UP
    get_dls(2, 32, data)
    assert len(decoded) == 12 + 2 * SET_UP
    changed = data / "train" / "a" / "0.jpg"
    Image.fromarray(noise(40, 50, seed=77)).save(changed)
    os.utime(changed, ns=(1, 1))
    get_dls(2, 16, data)
    assert len(decoded) == 13 + 3 * SET_UP


def test_what_is_checked_of_large_files_is_not_decoded_again(tmp_path, cache, decoded):
    clear_pixels()
    data = make_dataset(tmp_path / "data", 300)
    dls = get_dls(2, 16, data)
    assert len(decoded) == 12 and len(list(pixel_folder().rglob("*.ppm"))) == 12
    for _ in range(2):
        list(dls.train)
        list(dls.valid)
    files._checked.clear()  # as in another process
    get_dls(2, 16, data)
    assert len(decoded) == 12


def test_a_sample_dataset_is_not_checked(small, monkeypatch):
    checked = []
    monkeypatch.setattr(Presized, "check", lambda self, paths: checked.append(paths))
    get_dls(2, 16, small)
    assert not checked


def test_copies_of_one_photo_are_stored_one_after_the_other(tmp_path, monkeypatch):
    "Two threads would write to the same temporary file."
    for i in range(9):
        Image.fromarray(noise(60, 90)).save(tmp_path / f"{i}.png")
    locked, write = [], files.write_atomically

    def recording(path, data):
        locked.append(files._STORING.locked())
        return write(path, data)

    monkeypatch.setattr(files, "write_atomically", recording)
    presized = Presized(20, folder=tmp_path / "pixels")
    presized.check(sorted(tmp_path.glob("*.png")))
    assert locked and all(locked)
    assert len(list(presized.cache.folder.rglob("*.ppm"))) == 1 and not presized.cache.is_full


def test_check_files_reads_each(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(5)]
    for path in paths:
        Image.fromarray(noise()).save(path)
    read = []
    check_files(iter(paths), lambda path: read.append(path))
    assert sorted(read) == paths


@pytest.mark.parametrize(
    "largest, white", [(200, 255), (255, 255), (256, 65_535), (40_000, 65_535)]
)
def test_whole_numbers_of_32_bits_are_bytes_where_they_fit(tmp_path, largest, white):
    x = np.random.default_rng(0).integers(0, largest, (20, 30), dtype=np.int32)
    x[0, 0] = largest
    Image.fromarray(x).save(tmp_path / "a.tif")
    expected = np.rint(x.astype(np.float64) * 255 / white)
    found = np.asarray(open_image(tmp_path / "a.tif"))
    assert np.array_equal(found, np.repeat(expected[..., None], 3, 2))
