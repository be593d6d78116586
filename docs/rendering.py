"What the HTML needs beyond Sphinx: still pictures, MathML, and marks for screen readers."

import re

from cells import WIDGET
from docutils import nodes
from latex2mathml.converter import convert
from sphinx.transforms.post_transforms import SphinxPostTransform


def is_bundle(node):
    "Return whether a node holds all forms of a cell's output."
    return isinstance(node, nodes.container) and node.get("nb_element") == "mime_bundle"


def describe(picture, text):
    "Name a cell's picture, by the output's text form."
    explorer = re.match(r"\w+Explorer", text)
    alt = f"A still picture of {explorer[0]}" if explorer else "What the cell above draws"
    for image in picture.findall(nodes.image):
        image["alt"] = alt


class Stills(SphinxPostTransform):
    """An explorer's output keeps its picture; plots get a name.

    The picture is shown without scripts and on paper, and hidden while the explorer is interactive.
    """

    default_priority = 3  # before myst-nb chooses one of an output's forms

    def run(self, **kw):
        for bundle in list(self.document.findall(is_bundle)):
            forms = {form["mime_type"]: form for form in bundle.children}
            picture = forms.get("image/png", forms.get("image/jpeg"))
            if picture is None:
                continue
            describe(picture, forms["text/plain"].astext() if "text/plain" in forms else "")
            if WIDGET in forms:
                forms[WIDGET].children[:0] = picture.children
        for node in self.document.findall(nodes.image):
            if not node.get("alt"):
                node["alt"] = "picture"


def mathml(self, node):
    "Write a formula as MathML: no script, and nothing to fetch."
    display = isinstance(node, nodes.math_block)
    formula = convert(node.astext(), display="block" if display else "inline")
    self.body.append(f'<div class="math">{formula}</div>' if display else formula)
    raise nodes.SkipNode


def focusable(html):
    "Return a page whose parts that scroll can be reached by keyboard."
    scrolls = r"<pre>|<div class=\"(?:math|cell_output [^\"]*|table-wrapper [^\"]*)\">"
    return re.sub(scrolls, lambda tag: tag[0][:-1] + ' tabindex="0">', html)


def signatures_as_lines(html):
    "Return a page where signatures of several lines are no lists: these have no terms."

    def lines(found):
        inside = found[1].replace("<dd>", "<div>").replace("</dd>", "</div>")
        return f'<div class="sig-lines">\n{inside}</div>'

    return re.sub(r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>", lines, html)


def breakable_title(html):
    "Return a page whose title, if it is a module's name, breaks after a dot on narrow screens."
    return re.sub(r"<h1>[\w.]+", lambda title: title[0].replace(".", ".<wbr>"), html)


def adapt_html(app, pagename, templatename, context, doctree):
    "Add what Sphinx and its theme leave out for keyboards, screen readers and narrow screens."
    body = context.get("body") or ""
    context["body"] = breakable_title(signatures_as_lines(focusable(body)))
    for part in ("furo_navigation_tree", "body"):
        if part in context:
            html = context[part]
            context[part] = html.replace('role="heading">', 'role="heading" aria-level="2">')
