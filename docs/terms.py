"""The first mention of each glossary term on a chapter's page is a link with the definition.

A script of the site shows the definition in a card, `static/terms.js`.
"""

import re

from docutils import nodes
from notebooks import chapters, page_name

# Terms that are ordinary words, or too frequent to be marked.
NOT_LINKED = {
    "batch",
    "interval",
    "seed",
    "split",
    "stage",
    "view",
    "window",
    "statistics",
    "epoch",
}
CLASS = "term-link"


def definition(item):
    "Return the first paragraph of a term's definition as text."
    paragraph = next(iter(item.findall(nodes.paragraph)), None)
    return " ".join(paragraph.astext().split()) if paragraph is not None else ""


def glossary_terms(env):
    "Return the glossary's terms: term in lower case -> id on its page, and definition."
    found = {}
    for item in env.get_doctree("glossary").findall(nodes.definition_list_item):
        for term in item.findall(nodes.term):
            for name in term["ids"][:1]:
                found[term.astext().lower()] = name, definition(item)
    return found


def is_running_text(node):
    "Return whether a text is neither code nor heading, link, caption or summary."
    no_prose = (nodes.literal, nodes.reference, nodes.title, nodes.caption, nodes.term, nodes.raw)
    parents, parent = [], node.parent
    while parent is not None:
        parents.append(parent)
        parent = parent.parent
    in_paragraph = any(isinstance(p, nodes.paragraph) for p in parents)
    is_pending = any(p.tagname in ("pending_xref", "download_reference") for p in parents)
    return in_paragraph and not is_pending and not any(isinstance(p, no_prose) for p in parents)


def linked(text, found, terms, address):
    "Return a text as nodes in which the terms found are links."
    parts, end = [], 0
    for start, stop, term in sorted(found):
        anchor, meaning = terms[term]
        link = nodes.reference("", text[start:stop], internal=True, classes=[CLASS])
        link["refuri"], link["reftitle"] = f"{address}#{anchor}", meaning
        parts += [nodes.Text(text[end:start]), link]
        end = stop
    return [*parts, nodes.Text(text[end:])]


def link_terms(app, doctree, docname):
    "Make the first mention of each term on a chapter's page a link to the glossary."
    if docname not in map(page_name, chapters()):
        return
    if "glossary" not in app.env.found_docs:
        return
    address = app.builder.get_relative_uri(docname, "glossary")
    terms = glossary_terms(app.env)
    waiting = {term for term in terms if term not in NOT_LINKED}
    for node in list(doctree.findall(nodes.Text)):
        if not waiting or not is_running_text(node):
            continue
        text, found = node.astext(), []
        for term in sorted(waiting, key=len, reverse=True):
            match = re.search(rf"\b{re.escape(term)}\b", text, re.I)
            spans = [(start, stop) for start, stop, _ in found]
            if match and all(match.end() <= a or match.start() >= b for a, b in spans):
                found.append((*match.span(), term))
                waiting.remove(term)
        if found:
            node.parent.replace(node, linked(text, found, terms, address))
