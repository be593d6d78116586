"The Sphinx extension of the site: it stages the sources and connects what changes the pages."

from pathlib import Path

from docments import add_fields, signature
from execution import run_notebooks
from links import LinkNames, resolve_type
from networks import write_networks
from rendering import Stills, adapt_html, mathml
from sheets import write_sheets
from staging import copy_notebooks, stage, write_moving_pictures, write_social_picture
from terms import link_terms
from traitlets import TraitType


def stage_sources(app, config):
    stage(Path(app.srcdir))


def add_gallery_script(app, pagename, templatename, context, doctree):
    if pagename == "index":
        app.add_js_file("gallery.js", loading_method="defer")


def skip_traits(app, what, name, obj, skip, options):
    "Leave out traits among a class's members: `docments.state_lines` lists them."
    return True if isinstance(obj, TraitType) else None


def add_downloads(app, error):
    if not error:
        copy_notebooks(Path(app.outdir))
        write_networks(Path(app.outdir))
        write_social_picture(Path(app.outdir))
        write_moving_pictures(Path(app.outdir))
        write_sheets(Path(app.outdir))


def setup(app):
    app.add_config_value("site_digest", "", "env")
    app.connect("config-inited", stage_sources)
    app.connect("env-before-read-docs", run_notebooks)
    app.connect("autodoc-process-docstring", add_fields)
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-skip-member", skip_traits)
    app.connect("missing-reference", resolve_type)
    app.connect("html-page-context", adapt_html, priority=900)  # after the theme has made its own
    app.connect("html-page-context", add_gallery_script)
    app.connect("doctree-resolved", link_terms)
    app.connect("build-finished", add_downloads)
    app.add_transform(LinkNames)
    app.add_post_transform(Stills)
    app.add_html_math_renderer("mathml", (mathml, None), (mathml, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
