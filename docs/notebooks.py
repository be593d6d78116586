"The notebooks that become pages: which there are, their names, titles and sources."

import json
import re
from functools import cache

from settings import NOTEBOOKS

WORDS_A_MINUTE = 200
LINES_A_MINUTE = 25  # of code


def chapters():
    return sorted(NOTEBOOKS.glob("0[0-9]_*.ipynb"))


def behind():
    "Return the notebooks behind the chapters; those of a folder follow one another."
    files = [f for f in (NOTEBOOKS / "api").rglob("*.ipynb") if not is_hidden(f)]
    return sorted(files, key=lambda file: (file.parent.parts, file.name))


def is_hidden(file):
    "Return whether a file is in a folder such as `.ipynb_checkpoints`."
    return any(part.startswith(".") for part in file.relative_to(NOTEBOOKS).parts)


def all_notebooks():
    return [NOTEBOOKS / "index.ipynb", *chapters(), *behind()]


def page_name(file):
    "Return what Sphinx calls a notebook's page: its path without the ending."
    return file.relative_to(NOTEBOOKS).with_suffix("").as_posix()


def up(file):
    "Return the way from a notebook's page to the site's root: `../` for each folder it is in."
    return "../" * page_name(file).count("/")


@cache
def read(file):
    return json.loads(file.read_text(encoding="utf-8"))


def sources(file, cell_type):
    cells = read(file)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == cell_type]


def title(file):
    "Return a notebook's heading."
    return re.search(r"^# (.*)", sources(file, "markdown")[0], re.M)[1]


def reading_minutes(file):
    "Return how long a notebook takes to read, without its exercises and without waiting."
    words = len("\n".join(sources(file, "markdown")).split())
    lines = sum(len(source.splitlines()) for source in sources(file, "code"))
    return max(1, round(words / WORDS_A_MINUTE + lines / LINES_A_MINUTE))


def module_of(file):
    "Return the module that a notebook is exported to; None: it has none."
    found = re.search(r"^#\| *default_exp +([\w.]+)", "\n".join(sources(file, "code")), re.M)
    return found and found[1]


@cache
def example(name):
    "Return the first short cell that calls a public name, and its notebook; None: there is none."
    call = re.compile(rf"(?<![\w.]){name}\(")
    for file in all_notebooks():
        for source in sources(file, "code"):
            is_short = len(source.splitlines()) <= 8
            is_definition = source.startswith(("#|", "class ", "def "))
            if call.search(source) and is_short and not is_definition:
                return source.strip(), file
    return None
