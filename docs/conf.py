"The site: `make docs` builds it, from the notebooks, into docs/_build/html."
import hashlib, os, sys

sys.path.insert(0, os.path.dirname(__file__))
os.environ.setdefault("PYTHONPATH", os.path.dirname(os.path.dirname(__file__)))  # kernels import this project, wherever they start
from staging import CFG, LIB, ROOT

project, author, copyright = CFG["title"], CFG["author"], CFG["copyright"]
version = release = CFG["version"]
language = "en"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "sphinx_copybutton", "lesson7_docs"]
site_digest = hashlib.sha256(b"".join(f.read_bytes() for f in sorted((ROOT/"docs").glob("*.py")))).hexdigest()  # pages are made by these, too
exclude_patterns = ["**.ipynb_checkpoints", "results"]

# Notebooks run at every build, from a cache that knows their code and what it stands on. One that fails, fails the build.
nb_execution_mode = "cache"
nb_execution_timeout = 1800
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_cache_path = os.environ.get("DOCS_CACHE", "")
nb_output_stderr = "remove"
nb_merge_streams = True
nb_render_markdown_format = "myst"  # what a cell prints may hold a table, and a link to a page
nb_ipywidgets_js = {"host.js": {"defer": "defer"}}
myst_enable_extensions = ["dollarmath", "attrs_block", "attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 70
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = "lesson7"
html_favicon = html_logo = str(ROOT/"docs"/"static"/"icon.svg")
html_static_path = ["static", str(LIB/"static"/"host.js")]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = html_show_sourcelink = False
html_show_sphinx = False
html_show_search_summary = False  # it would fetch every hit, which a page opened from disk may not
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "a11y-high-contrast-dark"
copybutton_prompt_text, copybutton_exclude = "$ ", ".linenos, .gp, .go"
html_theme_options = {"navigation_with_keys": True}
