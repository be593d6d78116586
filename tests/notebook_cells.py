"Read notebooks, find links in their text, and run their cells."

import json
import re

from conftest import NBS

LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def read_notebook(file):
    return json.loads(file.read_text(encoding="utf-8"))


def cell_sources(notebook, *kinds):
    "Return the sources of a notebook's cells of some kinds; without kinds: code and markdown."
    kinds = kinds or ("code", "markdown")
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] in kinds]
    return ["".join(cell["source"]) for cell in cells]


def link_targets(text):
    "Return the files that a Markdown text links to, without links to other sites."
    return LINK.findall(text)


def notebook_id(file):
    "Return a notebook's path in `nbs`, without its suffix, for the id of a test."
    return file.relative_to(NBS).with_suffix("").as_posix()


def run_cell(source, namespace):
    "Run a cell, and return the value of its last line."
    *lines, last = source.split("\n")
    exec("\n".join(lines), namespace)
    return eval(last, namespace)
