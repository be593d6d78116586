"""The first page's gallery of explorers, and the picture that other sites show with a link.

Both are made of the explorers' still pictures.
"""

import io
import re
from functools import cache

from modules import stub
from notebooks import chapters, page_name, reading_minutes, sources, title
from PIL import Image, ImageDraw, ImageFont
from settings import CONFIG

MARK = "<!-- gallery -->"  # in the first notebook, where the gallery is put
SIZE = (640, 360)  # pixels
SOCIAL_SIZE = (1200, 630)  # what the Open Graph protocol's readers expect
MARGIN = 40
INK, PAPER, BRAND = "#1f2328", "#ffffff", "#1f5bc4"


def explorers_of(file):
    "Return the names of the explorers that a notebook shows, in their order."
    names = "|".join(name for name in stub() if re.fullmatch(r"\w+Explorer", name))
    return re.findall(rf"(?<![\w.])({names})\(", "\n".join(sources(file, "code")))


@cache
def homes():
    "Return for each explorer the chapter that shows it most often, in the order of the chapters."
    shown = {file: explorers_of(file) for file in chapters()}
    names = {name for explorers in shown.values() for name in explorers}
    found = {name: max(shown, key=lambda file: shown[file].count(name)) for name in names}
    return dict(sorted(found.items(), key=lambda item: item[1].name))


@cache
def still(explorer):
    "Return an explorer's still picture, on white, of the size `SIZE`."
    import lesson7

    picture = Image.open(io.BytesIO(getattr(lesson7, explorer)().still())).convert("RGB")
    picture.thumbnail((SIZE[0] - 20, SIZE[1] - 20), Image.Resampling.LANCZOS)
    page = Image.new("RGB", SIZE, PAPER)
    page.paste(picture, ((SIZE[0] - picture.width) // 2, (SIZE[1] - picture.height) // 2))
    return page


def encode(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def gallery_pictures():
    "Return the pictures of the gallery: file name -> bytes."
    return {f"_gallery/{name}.webp": encode(still(name), "WEBP", quality=80) for name in homes()}


def sentence(file):
    "Return the sentence below a notebook's title."
    return re.search(r"^> (.*)", sources(file, "markdown")[0], re.M)[1]


def gallery():
    "Return the gallery: a still of each explorer, with a link to its chapter."
    cards = [
        f":::{{container}} card\n[![A still picture of {name}](_gallery/{name}.webp)"
        f"]({page_name(file)}.ipynb)\n\n[{title(file)}]({page_name(file)}.ipynb) · "
        f"{reading_minutes(file)} min\n\n{sentence(file)}\n:::"
        for name, file in homes().items()
    ]
    return "::::{container} gallery\n" + "\n\n".join(cards) + "\n::::"


def social_picture():
    "Return the picture that other sites show with a link, as a PNG file: title and four stills."
    width = SOCIAL_SIZE[0]
    picture = Image.new("RGB", SOCIAL_SIZE, PAPER)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width, 12), BRAND)
    draw.text((MARGIN, 34), CONFIG["title"], BRAND, ImageFont.load_default(72))
    line = "Five techniques to train an image classifier, each with an explorer"
    draw.text((MARGIN, 126), line, INK, ImageFont.load_default(34))
    columns = 3
    side = (width - (columns + 1) * MARGIN // 2) // columns
    for i, name in enumerate(list(homes())[: 2 * columns]):
        small = still(name).resize((side, side * SIZE[1] // SIZE[0]), Image.Resampling.LANCZOS)
        left = MARGIN // 2 + i % columns * (side + MARGIN // 2)
        top = 184 + i // columns * (small.height + 6)
        picture.paste(small, (left, top))
    return encode(picture.quantize(128), "PNG", optimize=True)
