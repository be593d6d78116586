"Images that differ like photos do, and copies of them as people make them."

import zlib

import numpy as np
from PIL import Image


def made_image(name, size=(48, 36)):
    "Return an RGB image of soft blobs that follows from a name."
    rng = np.random.default_rng(zlib.crc32(name.encode("utf-8", "surrogateescape")))
    blobs = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(blobs).resize(size, Image.Resampling.BICUBIC)


def write_image(root, path, image=None, **options):
    "Write an image below a folder, with the folders it needs; by default one made of its path."
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    (image or made_image(path)).save(file, **options)
    return file


def write_text(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def relative(pairs, root):
    "Return path -> label of (file, label) pairs, with paths below a folder."
    return {file.relative_to(root).as_posix(): label for file, label in pairs}
