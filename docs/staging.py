"""Writes the folder that Sphinx reads: the notebooks, and the pages gathered from the project.

A file is written only where it changed, so that Sphinx builds again only what did.
"""

import json
import shutil

from cells import markdown, notebook
from gallery import MARK, gallery, gallery_pictures, moving_pictures, social_picture
from notebooks import all_notebooks, page_name
from pages import (
    behind_page,
    commands,
    contents,
    credits_page,
    differences,
    faults_page,
    project_pages,
)
from reference import reference_pages
from settings import NOTEBOOKS, SOCIAL_PICTURE
from sheets import cheat_sheet, question_sheet


def write(path, content):
    "Write a text or bytes, unless the file holds them already."
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def add_gallery(cells):
    "Put the gallery of explorers at its mark in the first page's cells."
    for cell in cells:
        if MARK in cell["source"]:
            cell["source"] = cell["source"].replace(MARK, gallery())


def notebook_pages():
    "Return the notebooks as Sphinx reads them, and the results that they show."
    made = {}
    for file in all_notebooks():
        is_index = file.stem == "index"
        nb = notebook(file, commands() if is_index else "")
        if is_index:
            add_gallery(nb["cells"])
            nb["cells"].append({**markdown(contents()), "id": "contents"})
        made[f"{page_name(file)}.ipynb"] = json.dumps(nb, indent=1, ensure_ascii=False)
    for file in (NOTEBOOKS / "results").glob("*.json"):
        made[file.relative_to(NOTEBOOKS).as_posix()] = file.read_bytes()
    return made


def remove_others(folder, kept):
    "Remove the pages whose sources are gone."
    for file in folder.rglob("*"):
        if file.is_file() and file.relative_to(folder).as_posix() not in kept:
            file.unlink()


def stage(out):
    "Write the source folder `out`."
    out.mkdir(parents=True, exist_ok=True)
    made = {
        **notebook_pages(),
        **project_pages(),
        "differences.md": differences(),
        "faults.md": faults_page(),
        **credits_page(),
        **gallery_pictures(),
        "api/index.md": behind_page(),
        "questions.md": question_sheet(),
        "cheatsheet.md": cheat_sheet(),
        **reference_pages(),
    }
    for name, content in made.items():
        write(out / name, content)
    remove_others(out, made)


def write_social_picture(html):
    "Write the picture that other sites show with a link."
    write(html / SOCIAL_PICTURE, social_picture())


def write_moving_pictures(html):
    "Write the pictures that the gallery shows while a card moves."
    for name, content in moving_pictures().items():
        write(html / name, content)


def copy_notebooks(html):
    "Copy the notebooks themselves, to be downloaded; links between them go on working."
    for file in all_notebooks():
        copy = html / "notebooks" / file.relative_to(NOTEBOOKS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
