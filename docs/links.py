"Names in `code` become links: to the reference, or to another library's documentation."

import re
from functools import cache

from docutils import nodes
from modules import find, public
from sphinx.addnodes import pending_xref
from sphinx.transforms import SphinxTransform

# The short names of modules in Python code; the rest of a name follows.
SHORT = {"np": "numpy", "T": "torch", "nn": "torch.nn", "F": "torch.nn.functional"}


@cache
def lookup():
    from nbdev.doclinks import NbdevLookup

    return NbdevLookup(strip_libs=("fastai", "fastcore"))


def elsewhere(name):
    "Return the page of a name in torch, numpy, fastai or Python; None: no index knows it."
    head, _, rest = name.partition(".")
    candidates = [name]
    if head in SHORT and rest:
        candidates.append(f"{SHORT[head]}.{rest}")
    candidates += [f"torch.{name}", f"pathlib.{name}"]
    urls = [lookup().doc(candidate) for candidate in candidates]
    return next((url for url in urls if url and url.startswith("https://")), None)


def ancestors(node):
    while node := node.parent:
        yield node


def is_linkable(literal):
    "Return whether code in a text may become a link: not in titles, links or programs."
    enclosing = (nodes.title, nodes.reference, pending_xref)
    is_inside = any(isinstance(parent, enclosing) for parent in ancestors(literal))
    return not is_inside and "code" not in literal.get("classes", [])


class LinkNames(SphinxTransform):
    "A name in `code` becomes a link to where it is documented."

    default_priority = 200

    def apply(self):
        for literal in list(self.document.findall(nodes.literal)):
            call = re.fullmatch(r"([A-Za-z_][\w.]*)(\(.*\))?", literal.astext(), re.S)
            link = self.link_to(call[1]) if call and is_linkable(literal) else None
            if link is not None:
                literal.replace_self(link)
                link += literal

    def link_to(self, name):
        "Return an empty link to a name's documentation; None: it is not known, or a plain word."
        if own := find(name):
            return pending_xref(
                "",
                refdomain="py",
                reftype="obj",
                reftarget=f"lesson7.{own}",
                refexplicit=True,
                refwarn=True,
                refdoc=self.env.docname,
            )
        name = name.removeprefix("lesson7.")
        may_be_code = "." in name or re.search(r"[A-Z].*[a-z]", name)
        url = elsewhere(name) if may_be_code else None
        return nodes.reference("", "", refuri=url, internal=False) if url else None


def resolve_type(app, env, node, contnode):
    """Link a type that Sphinx does not find.

    A name of the library that leads nowhere stays an error; one that no index knows, plain text.
    """
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or target.startswith("lesson7."):
        return None
    last = target.split(".")[-1]
    home = public().get(last)
    if home and target in (last, f"{home}.{last}"):
        python = app.env.get_domain("py")
        full = f"lesson7.{home}.{last}"
        return python.resolve_xref(env, node["refdoc"], app.builder, "obj", full, node, contnode)
    url = elsewhere(target)
    return nodes.reference("", "", contnode, refuri=url, internal=False) if url else contnode
