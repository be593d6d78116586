"The pages that are no notebooks: gathered from the chapters, the library and the project's files."

import io
import json
import re
from itertools import groupby
from pathlib import PurePosixPath

from cells import CALLOUT, callout_label, callout_text, callouts
from modules import modules
from notebooks import behind, chapters, page_name, sources, title
from settings import CONFIG, NOTEBOOKS, ROOT

PAGES = ROOT / "docs" / "pages"
# Files in the repository's root that are pages, too.
ROOT_PAGES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
SHEETS = ["cheatsheet", "questions"]  # `sheets.py` makes them
IMAGES = PurePosixPath("docs/images")
# Titles of the folders in nbs/api, in their order.
CAPTIONS = {
    "": "The package itself",
    "data": "Data",
    "training": "Training",
    "explorers": "Explorers",
    "course": "Exercises and notebooks",
}


# Table of contents


def toctree(caption, names):
    entries = "\n".join(names)
    return f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{entries}\n```\n"


def folders():
    "Return the pages behind the chapters, folder by folder: folder -> page names."
    found = {folder: [] for folder in CAPTIONS}
    for file in behind():
        folder = file.parent.relative_to(NOTEBOOKS / "api").as_posix()
        found.setdefault("" if folder == "." else folder, []).append(page_name(file))
    return {folder: names for folder, names in found.items() if names}


def contents():
    "Return the table of contents of the whole site: the course, then the library."
    others = sorted({page.stem for page in PAGES.glob("*.md")} - {"404", "use"})
    return "\n".join(
        [
            toctree("Course", map(page_name, chapters())),
            toctree("Beside the course", ["use", *others, *SHEETS, "differences"]),
            toctree("API reference", ["reference/index", "api/index"]),
            toctree("Project", ["contributing", "changelog", "faults", "credits"]),
        ]
    )


def behind_page():
    "Return the page that lists the notebooks behind the chapters, folder by folder."
    text = "# Behind the chapters\n\n> The notebooks that the library is exported from.\n\n"
    for folder, names in folders().items():
        links = "\n".join(f"/{name}" for name in names)
        text += f"## {CAPTIONS.get(folder, folder.capitalize())}\n\n"
        text += f"```{{toctree}}\n:maxdepth: 1\n\n{links}\n```\n\n"
    return text


# Files of the repository


def page_of(path):
    "Return the page that shows a file of the repository; None: there is none."
    if path.suffix == ".ipynb" and path.is_relative_to("nbs"):
        return path.relative_to("nbs").as_posix()
    if path.suffix == ".py" and path.is_relative_to("lesson7"):
        module = ".".join(path.relative_to("lesson7").with_suffix("").parts)
        return f"reference/{module}.rst" if module in modules() else None
    if path.parent == PurePosixPath("docs/pages"):
        return path.name
    if path.parent == IMAGES:
        return f"images/{path.name}"
    known = {**ROOT_PAGES, "README.md": "index.ipynb", "docs/credits.md": "credits.md"}
    return known.get(path.as_posix())


def adapted_link(label, path, anchor):
    "Return a link to a file of the repository as the site has it; without a page, only its text."
    if ":" in path or not (ROOT / path).exists():
        return f"{label}({path}{anchor})"  # elsewhere; or wrong, and Sphinx says so
    if page := page_of(PurePosixPath(path)):
        return f"{label}({page}{anchor})"
    if url := CONFIG["git_url"].strip().rstrip("/"):
        return f"{label}({url}/blob/{CONFIG['branch']}/{path}{anchor})"
    return label[1:-1]


def adapt_links(text):
    "Return a text of the repository's root with its links as the site has them; code stays."
    link = re.compile(r"(!?\[[^\]]*\])\(([^)#\s]+)(#[^)\s]*)?\)")
    parts = re.split(r"(^```.*?^```$)", text, flags=re.M | re.S)
    for i in range(0, len(parts), 2):
        parts[i] = link.sub(lambda m: adapted_link(m[1], m[2], m[3] or ""), parts[i])
    return "".join(parts)


def commands():
    "Return the README's section about its two commands."
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(r"^## Two commands\n.*?(?=^## )", readme, re.M | re.S)[0]
    return adapt_links(section)


def project_pages():
    "Return the pages that are files of the project, and the images that they show."
    made = {page.name: page.read_text(encoding="utf-8") for page in sorted(PAGES.glob("*.md"))}
    for file, page in ROOT_PAGES.items():
        made[page] = adapt_links((ROOT / file).read_text(encoding="utf-8"))
    shown = {name for text in made.values() for name in re.findall(r"\(images/([^)\s]+)\)", text)}
    return made | {f"images/{name}": (ROOT / IMAGES / name).read_bytes() for name in shown}


# Gathered from the chapters and the library


def differences():
    "Return one page of all callouts."
    text = (
        f"# {CALLOUT}\n\n> Gathered from the chapters, in their order. "
        "Each chapter shows the difference in a cell that you can run.\n\n"
    )
    for file in chapters():
        for block in callouts("\n\n".join(sources(file, "markdown"))):
            text += f"## {title(file)}\n\n{callout_text(block)}\n\n"
            text += f"[See it in the chapter](#{callout_label(file)})\n\n"
    return text


RESULTS = {  # of a fault, where its row has a word for the tests
    "refused": "one line, and the old file stays",
    "done": "the new file is written",
    "done without it": "it works, without the file",
    "the old or the new file": "the old file or the new one is there, whole; the next write "
    "deletes what was left",
}


def faults_page():
    "Return the table of faults, by which the tests make each fault and compare what happens."
    rows = json.loads((NOTEBOOKS / "results" / "faults.json").read_text(encoding="utf-8"))
    text = (
        "# Faults\n\n> What happens on a full disk, after a kill, under a strict policy. "
        "The tests make each fault of this table, and compare.\n\n"
    )
    for fault, group in groupby(rows, lambda row: row["fault"]):
        text += f"## {fault[0].upper()}{fault[1:]}\n\n{_faults_table(list(group))}\n"
    return text


def _faults_table(rows):
    "Return a table of faults; the name of the test is below it if all rows have the same."
    tests = {row["test"]: "`{1}` in `{0}`".format(*row["test"].split("::")) for row in rows}
    has_one = len(tests) == 1
    columns = {"for": [row["writer"] for row in rows]}
    columns["what happens"] = [RESULTS.get(row["result"], row["result"]) for row in rows]
    if any(row["message"] for row in rows):
        columns["message"] = [f"`{row['message']}`" if row["message"] else "" for row in rows]
    if not has_one:
        columns["test"] = [tests[row["test"]] for row in rows]
    table = f"| {' | '.join(columns)} |\n|{':---|' * len(columns)}\n"
    table += "".join(f"| {' | '.join(line)} |\n" for line in zip(*columns.values(), strict=True))
    return table + (f"\nTested by {next(iter(tests.values()))}.\n" if has_one else "")


def thumbnail(image):
    "Return an image as a small JPEG file, at most 160 x 120 pixels."
    small, file = image.copy(), io.BytesIO()
    small.thumbnail((160, 120))
    small.save(file, "JPEG", quality=85)
    return file.getvalue()


def credits_page():
    "Return every photo that a page can show, with author and licence, and small pictures of them."
    from lesson7.data.samples import _PHOTOS, _TEXTURES, _photo

    text = "# Credits and licences\n\n" + (ROOT / "docs" / "credits.md").read_text(encoding="utf-8")
    text += "\n| | picture | by | licence | comes with |\n|---|---|---|---|---|\n"
    made = {}
    for name, (package, _, credit, licence) in (_PHOTOS | _TEXTURES).items():
        made[f"_photos/{name}.jpg"] = thumbnail(_photo(name))
        text += f"| ![{name}](_photos/{name}.jpg) | {name} | {credit} | {licence} | {package} |\n"
    return {"credits.md": text, **made}
