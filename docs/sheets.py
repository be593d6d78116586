"""The sheets: all questions, and the five techniques on one page, with files to download.

The deck for Anki is made at each build, the PDF file where there is a Chromium.
"""

import shutil
from itertools import groupby

from settings import NOTEBOOKS

from lesson7.course.cards import CARDS
from lesson7.course.questions import all_questions, write_deck

DECK = "downloads/lesson7.apkg"
PDF = "downloads/cheatsheet.pdf"
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def find_browser():
    "Return the path of a Chromium that can print a page; None: there is none."
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


# Questions


def numbered(texts):
    "Return texts as a Markdown list with numbers."
    items = []
    for i, text in enumerate(texts, start=1):
        indent = " " * (len(str(i)) + 2)
        lines = text.splitlines()
        items.append("\n".join([f"{i}. {lines[0]}", *(f"{indent}{line}" for line in lines[1:])]))
    return "\n".join(items)


def question_sheet():
    "Return the page of all questions; the answers follow, with the same numbers."
    text = (
        "# Questions\n\n> All questions of the chapters, to answer aloud or on paper. "
        "The answers are below.\n\n"
        f'<p class="opening">This page prints as a sheet, with the answers on pages of their own. '
        f'<a href="{DECK}" download>Download the deck for Anki</a>: the same questions, and three '
        "cards on each technique.</p>\n\n"
    )
    answers = "## Answers\n\n"
    for (file, chapter), group in groupby(all_questions(NOTEBOOKS), lambda q: (q.file, q.chapter)):
        found = list(group)
        text += f"## {chapter}\n\n{numbered(q.text for q in found)}\n\n"
        answers += f"### [{chapter}]({file})\n\n{numbered(q.answer for q in found)}\n\n"
    return text + answers


# Cheat sheet


def technique(key, card):
    "Return one technique's part of the cheat sheet."
    lines = {
        "Line": f"`{card.line}`",
        "Values": card.values,
        "Helps": card.helps,
        "Hurts": card.hurts,
        "Cost": card.cost,
    }
    listed = "\n".join(f"- **{name}:** {line}" for name, line in lines.items())
    file = next(NOTEBOOKS.glob(f"0*_{key}.ipynb"), None)
    title = f"[{card.name}]({file.name})" if file else card.name
    return f"## {title}\n\n{card.what}\n\n$${card.formula}$$\n\n{listed}\n"


def cheat_sheet():
    "Return the page with the five techniques, which prints on one sheet of paper."
    text = (
        "# Cheat sheet\n\n> Five techniques: formula, line of code, values, when each helps or "
        "hurts, and what it costs.\n\n"
    )
    if find_browser():
        text += f'<p class="opening"><a href="{PDF}" download>Download it as PDF</a>.</p>\n\n'
    return text + "\n".join(technique(key, card) for key, card in CARDS.items())


# Files


def print_page(page, pdf):
    "Print a page of the site, from disk, into a PDF file."
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=["--no-sandbox"], chromium_sandbox=False
        )
        tab = browser.new_page()
        tab.goto(page.as_uri())
        tab.pdf(path=pdf, format="A4", print_background=True, prefer_css_page_size=True)
        browser.close()


def write_sheets(html):
    "Write the deck and, where there is a Chromium, the PDF file of the cheat sheet."
    write_deck(html / DECK, NOTEBOOKS)
    if find_browser():
        print_page(html / "cheatsheet.html", html / PDF)
