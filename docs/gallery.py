"""The first page's gallery of explorers, and the picture that other sites show with a link.

Both are made of the explorers' still pictures. `static/gallery.js` shows the moving ones.
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
ROUND = 4800  # ms that a moving picture takes; below the 5 s of WCAG 2.2.2
MOVING = "_static/gallery"  # folder of the moving pictures, which are loaded when they are shown
CORNERS = [(0, 0), (1, 1), (1, 0), (0, 1)]


def windows_around(centre_share):
    "Return places of four windows: 0 in the corners, 1 in the centre."
    share = centre_share
    return [[x + share * (0.5 - x), y + share * (0.5 - y)] for x, y in CORNERS]


# The states that a moving picture goes through; an explorer without a row goes through its steps.
MOVES = {
    "NormalizeExplorer": [dict(kind=kind) for kind in ("batch", "none", "dataset", "imagenet")],
    "ResizeExplorer": [dict(stages=[[s, 4], [224, 5]]) for s in (128, 96, 64, 32, 64, 96)],
    "TTAExplorer": [dict(at=windows_around(share)) for share in (0, 0.25, 0.5, 0.75, 0.5, 0.25)],
    "MixupExplorer": [dict(t=t) for t in (0.3, 0.5, 0.7, 0.9, 0.7, 0.5)],
    "SmoothingExplorer": [dict(eps=eps) for eps in (0.1, 0.2, 0.3, 0.4, 0.3, 0.2)],
    "TrainExplorer": [dict(epoch=epoch) for epoch in (40, 3, 10, 20, 30)],
}


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


def on_page(explorer):
    "Return an explorer's picture, on white, of the size `SIZE`."
    picture = Image.open(io.BytesIO(explorer.still())).convert("RGB")
    picture.thumbnail((SIZE[0] - 20, SIZE[1] - 20), Image.Resampling.LANCZOS)
    page = Image.new("RGB", SIZE, PAPER)
    page.paste(picture, ((SIZE[0] - picture.width) // 2, (SIZE[1] - picture.height) // 2))
    return page


@cache
def still(name):
    "Return the picture of an explorer as it opens."
    import lesson7

    return on_page(getattr(lesson7, name)())


@cache
def moving(name):
    "Return an animated WebP file in which an explorer goes through some states, again and again."
    import lesson7

    explorer = getattr(lesson7, name)()
    frames = []
    for state in MOVES.get(name) or [step.state for step in explorer._steps]:
        for trait, value in state.items():
            explorer.set_trait(trait, value)
        frames.append(on_page(explorer))
    options = dict(quality=60, method=4, minimize_size=True, loop=0)
    first, others = frames[0], frames[1:]
    times = dict(save_all=True, append_images=others, duration=ROUND // len(frames))
    return encode(first, "WEBP", **times, **options)


def encode(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def gallery_pictures():
    "Return the pictures of the gallery: file name -> bytes."
    return {f"_gallery/{name}.webp": encode(still(name), "WEBP", quality=80) for name in homes()}


def moving_pictures():
    "Return the moving pictures of the gallery: file name -> bytes."
    return {f"{MOVING}/{name}.webp": moving(name) for name in homes()}


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
