"The site: `make docs` builds it, from the notebooks, into docs/_build/html."

import hashlib
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("PYTHONPATH", str(HERE.parent))  # kernels import this project from any folder
from networks import site_offer
from settings import CONFIG, LIBRARY, SOCIAL_PICTURE

project = CONFIG["title"]
author = CONFIG["author"]
copyright = CONFIG["copyright"]
version = release = CONFIG["version"]
language = "en"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "notfound.extension",
    "sphinxext.opengraph",
    "lesson7_docs",
]
# Pages are made by these files, too: when one changes, all pages are read again.
makers = b"".join(file.read_bytes() for file in sorted(HERE.glob("*.py")))
site_digest = hashlib.sha256(makers).hexdigest()
exclude_patterns = ["**.ipynb_checkpoints", "results"]

# Notebooks run at every build. A cache keeps the outputs of those whose code, and what it runs on,
# did not change. A cell that fails, fails the build.
nb_execution_mode = "cache"
nb_execution_timeout = 1800
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_cache_path = os.environ.get("DOCS_CACHE", "")
nb_output_stderr = "remove"
nb_merge_streams = True
nb_render_markdown_format = "myst"  # Markdown that a cell returns may link to a page
# What a page says about the network that it can run; the network itself is loaded on request.
site_network = site_offer()
network_attributes = {"data-networks": site_network} if site_network else {}
nb_ipywidgets_js = {"host.js": {"defer": "defer", **network_attributes}}
myst_enable_extensions = ["dollarmath", "attrs_block", "attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 70
add_module_names = False
viewcode_follow_imported_members = False  # to the sources of other packages
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = "lesson7"
html_favicon = html_logo = str(HERE / "static" / "icon.svg")
html_static_path = ["static", str(LIBRARY / "static" / "host.js")]
html_css_files = ["site.css"]
html_js_files = [(name, {"defer": "defer"}) for name in ("terms.js", "scrolling.js")]
html_math_renderer = "mathml"
html_copy_source = html_show_sourcelink = False
html_show_sphinx = False
html_show_search_summary = False  # it would fetch every hit, which a page opened from disk may not
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
copybutton_prompt_text = "$ "
copybutton_exclude = ".linenos, .gp, .go"

# For hosts: where a link is shown, with a picture; where a page is missing; where all pages are.
html_baseurl = CONFIG["doc_host"].strip() and CONFIG["doc_host"].strip() + CONFIG["doc_baseurl"]
notfound_urls_prefix = CONFIG["doc_baseurl"]
ogp_site_url = html_baseurl or "/"
ogp_site_name = CONFIG["title"]
ogp_image = SOCIAL_PICTURE
ogp_image_alt = CONFIG["description"]
ogp_social_cards = {"enable": False}  # one picture for all pages
ogp_enable_meta_description = True
if html_baseurl:  # a site map has whole addresses
    extensions.append("sphinx_sitemap")
    sitemap_url_scheme = "{link}"
    sitemap_excludes = ["404.html"]

html_theme_options = {"navigation_with_keys": True}
