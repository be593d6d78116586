"Notebooks as Sphinx reads them: nbdev's directives as cell tags, callouts as admonitions."

import ast
import re

from modules import digest, full_name, modules, public, used_by
from notebooks import chapters, module_of, page_name, read, reading_minutes, sources, up
from settings import CONFIG, ROOT

NOT_RUN = {"eval: false", *CONFIG["tst_flags"].split()}
CALLOUT = "What the lesson says, what the library does"
WIDGET = "application/vnd.jupyter.widget-view+json"
MOST_LINES = 16  # a longer cell of exported code is folded


def markdown(text, kind=None):
    "Return a Markdown cell; with `kind`, in a container of that CSS class."
    source = f":::{{container}} {kind}\n{text}\n:::" if kind else text
    return {"cell_type": "markdown", "metadata": {}, "source": source}


# Code cells


def split_directives(source):
    "Return a cell's directives, such as `eval: false`, and its code without them."
    lines = source.splitlines()
    directives = [line[2:].strip() for line in lines if line.startswith("#|")]
    code = "\n".join(line for line in lines if not line.startswith("#|")).strip()
    return [re.sub(r"\s+", " ", directive) for directive in directives], code


def tags_of(directives):
    "Return the tags that myst-nb knows for nbdev's directives."
    said = {*directives, *(directive.split()[0] for directive in directives)}
    tags = []
    if said & {"hide", "include: false"}:
        tags.append("remove-cell")
    if "echo: false" in said:
        tags.append("remove-input")
    if "output: false" in said:
        tags.append("remove-output")
    if said & NOT_RUN:
        tags.append("skip-execution")
    return tags


def is_exported(directives):
    return any(d.split()[0] in ("export", "exports", "exporti") for d in directives)


def exported_tags(code):
    "Return the tag of exported code: without a definition it is not shown, long code is folded."
    if not re.search(r"^(@|def |class )", code, re.M):
        return ["remove-cell"]
    return ["hide-input"] if len(code.splitlines()) > MOST_LINES else []


def public_definitions(code, module):
    "Return the public functions and classes that code defines; none where no page lists them."
    if module and module not in modules():
        return []
    kinds = (ast.FunctionDef, ast.ClassDef)
    names = [node.name for node in ast.parse(code).body if isinstance(node, kinds)]
    return [name for name in names if name in public()]


def code_cells(cell, module=None):
    "Return the cells that show and run a code cell of `module`'s notebook; none for an empty one."
    directives, code = split_directives("".join(cell["source"]))
    if not code:
        return []
    tags = tags_of(directives)
    metadata = {"tags": tags}
    made = [{**cell, "source": code, "metadata": metadata}]
    if not is_exported(directives):
        return made

    tags += exported_tags(code)
    names = public_definitions(code, module)
    label = ", ".join(names or re.findall(r"^(?:def|class) (\w+)", code, re.M))
    metadata["mystnb"] = {
        "code_prompt_show": f"Show the code: {label}",
        "code_prompt_hide": f"Hide the code: {label}",
    }
    if names:
        links = ", ".join(f"`{full_name(name, module)}`" for name in names)
        made.append(markdown(f"Reference: {links}", "reference-names"))
    return made


# Text cells


def callout_text(block):
    "Return what a callout says, without its quote marks and its heading."
    text = re.sub(r"^> ?", "", block, flags=re.M)
    return re.sub(r"^\*\*What the lesson says[^*]*\*\*\s*", "", text).strip()


def callouts(text):
    "Return the callouts of a text, as they are written."
    return re.findall(r"^(> \*\*What the lesson says.*\n?(?:^>.*\n?)*)", text, re.M)


def callout_label(file):
    return f"callout-{page_name(file).replace('/', '-')}"


def with_admonitions(text, label):
    "Return a text with its callout as an admonition that links can name."
    for block in callouts(text):
        box = f":::{{admonition}} {CALLOUT}\n:class: lesson\n\n{callout_text(block)}\n:::\n"
        text = text.replace(block, f"({label})=\n{box}")
    return text


def repository_links(path):
    "Return the links to a file's page in the repository and in Colab, where there are such pages."
    url = CONFIG["git_url"].strip().rstrip("/")
    if not url:
        return []
    where = f"{CONFIG['branch']}/{path}"
    links = [f'<a href="{url}/edit/{where}">edit it</a>']
    if "github.com/" in url:
        owner_and_name = url.split("github.com/")[1]
        colab = f"https://colab.research.google.com/github/{owner_and_name}/blob/{where}"
        binder = f"https://mybinder.org/v2/gh/{owner_and_name}/{CONFIG['branch']}?labpath={path}"
        links.append(f'<a href="{colab}">run it in Colab</a>')
        links.append(f'<a href="{binder}">run it in Binder</a>')
    return links


def opening(file):
    "Return the line under a page's title that says how to open its notebook."
    root = up(file)
    download = f'<a href="{root}notebooks/{page_name(file)}.ipynb" download>download it</a>'
    links = [download, *repository_links(file.relative_to(ROOT).as_posix())]
    is_chapter = file in chapters()
    minutes = f"About {reading_minutes(file)} minutes to read. " if is_chapter else ""
    return (
        f'<p class="opening">{minutes}This page is a notebook: {", ".join(links)}, '
        "or open it in Jupyter with <code>make lab</code> or <code>lesson7 lab</code>. "
        f'<a href="{root}use.html">How to use these pages</a></p>\n'
    )


def with_opening(text, file):
    "Return a notebook's first text with `opening` under the sentence below its title."
    sentence = r"^(> .*\n(?:>.*\n)*)"
    below = "\n" + opening(file) + "\n"
    return re.sub(sentence, lambda m: m[0] + below, f"{text}\n", count=1, flags=re.M)


# Notebooks


def is_explorer(cell):
    return any(WIDGET in output.get("data", {}) for output in cell.get("outputs", []))


def key_cell(file):
    "Return a hidden cell that changes with what the notebook runs on, and so with its cache."
    code, module = sources(file, "code"), module_of(file)
    names = used_by(code) | {module} - {None}
    return {
        "cell_type": "code",
        "source": f"# sources: {digest(names, ''.join(code))}",
        "metadata": {"tags": ["remove-cell"]},
        "outputs": [],
        "execution_count": None,
    }


def notebook(file, extra=""):
    "Return a notebook as Sphinx reads it, with the text `extra` under its first explorer."
    nb = read(file)
    module = module_of(file)
    first = next((cell for cell in nb["cells"] if is_explorer(cell)), None)
    cells = []
    for cell in nb["cells"]:
        if cell["cell_type"] == "code":
            new = code_cells(cell, module)
        else:
            new = [markdown(with_admonitions("".join(cell["source"]), callout_label(file)))]
        cells += new
        if cell is first and extra:
            cells.append(markdown(extra))
    cells[0] = markdown(with_opening(cells[0]["source"], file))
    cells.insert(1, key_cell(file))
    cells = [{**cell, "id": f"c{i}"} for i, cell in enumerate(cells)]
    return {**nb, "nbformat_minor": 5, "cells": cells}
