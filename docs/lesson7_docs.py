"The Sphinx extension: sources from the notebooks, live explorers with their still pictures, links of names, maths without a script."
import re
from functools import cache
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.addnodes import pending_xref
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from traitlets import TraitType

from docments import add_fields, signature
from staging import copy_notebooks, exported, modules, public, stage

VIEW = "application/vnd.jupyter.widget-view+json"


@cache
def lookup():
    from nbdev.doclinks import NbdevLookup
    return NbdevLookup(strip_libs=("fastai", "fastcore"))

# The module names that Python code writes short; the rest of a name follows.
SHORT = {"np": "numpy", "T": "torch", "nn": "torch.nn", "F": "torch.nn.functional"}

def elsewhere(name):
    "The page of a name in torch, numpy, fastai or Python, as far as their indexes know it."
    head, _, rest = name.partition(".")
    for full in (name, f"{SHORT[head]}.{rest}" if head in SHORT and rest else "", f"torch.{name}", f"pathlib.{name}"):
        if full and (url := lookup().doc(full)) and url.startswith("https://"): return url


class LinkNames(SphinxTransform):
    "A name in `code` becomes a link to where it is documented."
    default_priority = 200

    def apply(self):
        for literal in list(self.document.findall(nodes.literal)):
            if any(isinstance(p, (nodes.title, nodes.reference, pending_xref)) for p in ancestors(literal)) or "code" in literal.get("classes", []): continue
            found = re.fullmatch(r"([A-Za-z_][\w.]*)(\(.*\))?", literal.astext(), re.S)
            if not found: continue
            name = found[1].removeprefix("lesson7.")
            module, _, last = name.rpartition(".")
            home = module if module in modules() and last in exported(module)[0] else "" if module else public().get(name, "cli")
            if home and home != "cli":
                link = pending_xref("", refdomain="py", reftype="obj", reftarget=f"lesson7.{home}.{last}", refexplicit=True, refwarn=True, refdoc=self.env.docname)
            elif (re.search(r"[A-Z].*[a-z]", name) or "." in name) and (url := elsewhere(name)):
                link = nodes.reference("", "", refuri=url, internal=False)
            else: continue
            literal.replace_self(link)
            link += literal


def ancestors(node):
    while node := node.parent: yield node


class Stills(SphinxPostTransform):
    "An explorer's output keeps its picture: shown without scripts and on paper, hidden while the explorer lives. Plots get a name."
    default_priority = 3  # before myst-nb chooses one of an output's forms

    def run(self, **kw):
        for bundle in list(self.document.findall(lambda n: isinstance(n, nodes.container) and n.get("nb_element") == "mime_bundle")):
            forms = {form["mime_type"]: form for form in bundle.children}
            plain = forms["text/plain"].astext() if "text/plain" in forms else ""
            if not (picture := next((forms[m] for m in ("image/png", "image/jpeg") if m in forms), None)): continue
            explorer = re.match(r"\w+Explorer", plain)
            for image in picture.findall(nodes.image): image["alt"] = f"A still picture of {explorer[0]}" if explorer else "What the cell above draws"
            if VIEW in forms: forms[VIEW].children[:0] = picture.children
        for node in self.document.findall(nodes.image):
            if not node.get("alt"): node["alt"] = "picture"


def python_elsewhere(app, env, node, contnode):
    "Types of other libraries; a name of our own that leads nowhere stays an error."
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or target.startswith("lesson7."): return
    last = target.split(".")[-1]
    if last in public() and target in (last, f"{public()[last]}.{last}"):
        return app.env.get_domain("py").resolve_xref(env, node["refdoc"], app.builder, "obj", f"lesson7.{public()[last]}.{last}", node, contnode)
    url = elsewhere(target)
    return nodes.reference("", "", contnode, refuri=url, internal=False) if url else contnode


def maths(self, node):
    "MathML, made now: no script, and nothing to fetch."
    display = isinstance(node, nodes.math_block)
    mathml = convert(node.astext(), display="block" if display else "inline")
    self.body.append(f'<div class="math">{mathml}</div>' if display else mathml)
    raise nodes.SkipNode


def accessible(app, pagename, templatename, context, doctree):
    "What Sphinx and its theme leave out for keyboards and screen readers."
    body = re.sub(r"<pre>|<div class=\"(?:math|cell_output [^\"]*|table-wrapper [^\"]*)\">", lambda m: m[0][:-1] + ' tabindex="0">', context.get("body") or "")
    body = re.sub(r"<dl>\n((?:<dd>.*</dd>\n)+)</dl>", lambda m: '<div class="sig-lines">\n' + m[1].replace("<dd>", "<div>").replace("</dd>", "</div>") + "</div>", body)
    context["body"] = body
    for part in ("furo_navigation_tree", "body"):
        if part in context: context[part] = context[part].replace('role="heading">', 'role="heading" aria-level="2">')


def setup(app):
    app.add_config_value("site_digest", "", "env")
    app.connect("config-inited", lambda app, config: stage(Path(app.srcdir)))
    app.connect("autodoc-process-docstring", add_fields)
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-skip-member", lambda app, what, name, obj, skip, options: True if isinstance(obj, TraitType) else None)  # in the class's own list
    app.connect("missing-reference", python_elsewhere)
    app.connect("html-page-context", accessible, priority=900)  # after the theme has made its own
    app.connect("build-finished", lambda app, error: error or copy_notebooks(Path(app.outdir)))
    app.add_transform(LinkNames)
    app.add_post_transform(Stills)
    app.add_html_math_renderer("mathml", (maths, None), (maths, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
