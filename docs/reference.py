"The reference: a page for each module, and a table of all public names, for autodoc."

import ast

from docments import rst
from modules import definition, digest, exported, modules, public, tree
from notebooks import example, page_name

KINDS = {ast.FunctionDef: "function", ast.ClassDef: "class"}


def heading(text):
    return f"{text}\n{'=' * len(text)}\n\n"


def passed_on(names):
    "Return the sentence about names that a module offers and another one defines."
    if not names:
        return ""
    links = ", ".join(f":py:obj:`~lesson7.{public()[name]}.{name}`" for name in names)
    return f"Offered here too: {links}.\n\n"


def example_text(name):
    "Return a cell that calls `name`, with a link to its notebook."
    found = example(name)
    if not found:
        return ""
    source, file = found
    body = "\n".join("   " + line for line in source.splitlines())
    return f"From :doc:`/{page_name(file)}`:\n\n.. code-block:: python\n\n{body}\n\n"


def entry(module, name):
    "Return the directive that documents one name, with an example."
    kind = KINDS.get(type(definition(module, name)), "data")
    text = f".. auto{kind}:: lesson7.{module}.{name}\n"
    if kind == "class":
        text += "   :members:\n"
    is_known_by_this_name = public()[name] == module
    return text + "\n" + (example_text(name) if is_known_by_this_name else "")


def module_page(module):
    "Return the page of one module."
    own, others = exported(module)
    doc = (ast.get_docstring(tree(module)) or "").strip()
    return "".join(
        [
            f".. py:module:: lesson7.{module}\n\n",
            heading(module),
            f"{rst(doc)}\n\n",
            passed_on(others),
            *(entry(module, name) for name in own),
            f".. sources {digest({module})}\n",
        ]
    )


INTRODUCTION = """\
Every public name. Shapes, ranges and units are beside each parameter, and below them the errors
that a function raises.

.. list-table::
   :header-rows: 1

   * - name
     - module
"""


def index_page():
    "Return the table of all public names."
    names = [(name, module) for module in modules() for name in exported(module)[0]]
    names.sort(key=lambda pair: pair[0].lower())
    rows = [f"   * - :py:obj:`~lesson7.{m}.{n}`\n     - :doc:`{m}`\n" for n, m in names]
    entries = "".join(f"   {module}\n" for module in modules())
    contents = f"\n.. toctree::\n   :hidden:\n\n{entries}"
    return heading("API reference") + INTRODUCTION + "".join(rows) + contents


def reference_pages():
    "Return the text of each page of the reference by its path in the site."
    pages = {f"reference/{module}.rst": module_page(module) for module in modules()}
    return {"reference/index.rst": index_page(), **pages}
