"""What the library's modules export and import, read from their syntax trees.

A module is called by its name without `lesson7.`: `tta`, `data.samples`; lesson7 itself is the
empty name. No module is imported here.
"""

import ast
import hashlib
import re
from functools import cache

from IPython.core.inputtransformer2 import TransformerManager
from settings import LIBRARY, NOTEBOOKS

# Their names are ordinary words or other libraries' names: a text that says `train` means
# `training.loop.train`, one that says `torch` means PyTorch.
NOT_LINKED = ("cli", "errors", "lazy", "training.launch")
# Explorers do not read it: it shows them where there is no kernel.
HOST = "host.js"


def source_file(name):
    "Return the file of a module or a package; None: there is none of this name."
    path = LIBRARY.joinpath(*name.split("."))
    candidates = [path / "__init__.py"]
    if name:
        candidates.append(path.with_name(f"{path.name}.py"))
    return next((file for file in candidates if file.is_file()), None)


def is_package(name):
    return source_file(name).name == "__init__.py"


@cache
def modules():
    "Return the modules that have a reference page: all but `__init__` and `__main__`."
    files = [f for f in LIBRARY.rglob("*.py") if not f.name.startswith("_")]
    return sorted(".".join(f.relative_to(LIBRARY).with_suffix("").parts) for f in files)


@cache
def tree(name):
    return ast.parse(source_file(name).read_text(encoding="utf-8"))


def definition(module, name):
    "Return the syntax tree of a function or class; None for a constant."
    return next((n for n in tree(module).body if getattr(n, "name", None) == name), None)


# Exported names


def assigned_names(node):
    "Return the names that a statement assigns, several of one statement too."
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    parts = [part for target in targets if target for part in ast.walk(target)]
    names = [part for part in parts if isinstance(part, ast.Name)]
    return [name.id for name in names if isinstance(name.ctx, ast.Store)]


@cache
def exported(module):
    "Return a module's `__all__` as two lists: what it defines, and what it only passes on."
    own, names = set(), []
    for node in tree(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            own.update(assigned_names(node))
            if "__all__" in assigned_names(node):
                names = ast.literal_eval(node.value)
    return [n for n in names if n in own], [n for n in names if n not in own]


@cache
def public():
    """Return every public name with the module that defines it.

    Of a name that two modules define, the stub decides; then the last module, those of
    `NOT_LINKED` before all others.
    """
    in_order = sorted(modules(), key=lambda module: (module not in NOT_LINKED, module))
    found = {name: module for module in in_order for name in exported(module)[0]}
    from_top = {n: m for n, m in stub().items() if m in modules() and n in exported(m)[0]}
    return found | from_top


def full_name(name, module):
    "Return a public name, with its module where another module's would be taken for it."
    is_own = bool(module) and name in exported(module)[0]
    return f"{module}.{name}" if is_own and public()[name] != module else name


def find(text):
    """Return the full name, without `lesson7.`, of what a text calls `text`; None: not ours.

    `windows`, `tta.windows` and `lesson7.windows` are names; a module is told from a function by a
    dot: `lesson7.tta`, `data.samples`. Of a module's name, the end will do: `check.normalize`.
    """
    name = text.removeprefix("lesson7.")
    if "." in text and name in modules():
        return name
    module, _, last = name.rpartition(".")
    if not module:
        home = public().get(name, NOT_LINKED[0])
        return None if home in NOT_LINKED else f"{home}.{name}"
    called_so = [m for m in modules() if f".{m}".endswith(f".{module}")]
    for home in sorted(called_so, key=len):
        own, passed_on = exported(home)
        if last in own:
            return f"{home}.{last}"
        if last in passed_on:
            return f"{public()[last]}.{last}"
    return None


# Imports


@cache
def stub():
    "Return what `from lesson7 import ...` finds: each name with its module."
    found = {}
    file = LIBRARY / "__init__.pyi"
    if not file.exists():
        return found
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            names = [alias.asname or alias.name for alias in node.names]
            found |= {n: containing(f"{node.module or ''}.{n}".strip(".")) for n in names}
    return found


def containing(dotted):
    "Return the module that a dotted name begins with: `data.samples` for `data.samples.photos`."
    while dotted and not source_file(dotted):
        dotted = dotted.rpartition(".")[0]
    return dotted


def imported(base, name):
    "Return the module that `from lesson7.<base> import <name>` reads; nothing: there is none."
    found = containing(f"{base}.{name}".strip("."))
    return found if found or base else stub().get(name)


def import_base(node, package):
    "Return what `from <base> import ...` names, without `lesson7.`; None: another library."
    if not node.level:
        top, _, rest = node.module.partition(".")
        return rest if top == "lesson7" else None
    parents = package.split(".") if package else []
    parents = parents[: len(parents) - node.level + 1]
    return ".".join([*parents, *([node.module] if node.module else [])])


def imports_in(code, package=""):
    "Return the library's modules that a syntax tree of a module in `package` imports anywhere."
    found = set()
    for node in ast.walk(code):
        if isinstance(node, ast.Import):
            ours = [a.name for a in node.names if a.name.startswith("lesson7.")]
            found |= {containing(name.removeprefix("lesson7.")) for name in ours}
        if isinstance(node, ast.ImportFrom):
            base = import_base(node, package)
            if base is not None:
                found |= {imported(base, alias.name) for alias in node.names}
    return found - {None, ""}


@cache
def imports(module):
    "Return the modules that a module imports, in functions too, and the packages it is in."
    parts = module.split(".")
    packages = {".".join(parts[:i]) for i in range(1, len(parts))}
    package = module if is_package(module) else ".".join(parts[:-1])
    return packages | imports_in(tree(module), package) - {module}


@cache
def needs(module):
    "Return a module, those that it imports, and these in turn."
    found, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += imports(name)
    return found


def mentioned_in(code):
    "Return the modules that a syntax tree names as `lesson7.x`, in expressions and strings."
    found = set()
    for node in ast.walk(code):
        text = ""
        if isinstance(node, ast.Attribute):
            text = ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        found |= {imported("", name) for name in re.findall(r"\blesson7\.([\w.]*\w)", text)}
    return found - {None, ""}


def used_by(cells):
    "Return the modules that a notebook's code cells import or name; of a package, all modules."
    transform = TransformerManager().transform_cell  # `!ls` and `%time` are Python then
    found = set()
    for source in cells:
        code = ast.parse(transform(source))
        found |= imports_in(code) | mentioned_in(code)
    packages = [name for name in found if is_package(name)]
    return found.union(m for m in modules() for p in packages if m.startswith(f"{p}."))


# What outputs are made from


def static_files(names):
    "Return the static files of the explorers in `names`, with those that explorers share."
    folder = LIBRARY / "static"
    names_of = [m.rpartition(".")[2] for m in modules() if m.startswith("explorers.")]
    views = [name for name in names_of if (folder / f"{name}.css").exists()]
    mine = [name.rpartition(".")[2] for name in names if name.startswith("explorers.")]
    files = []
    for file in sorted(folder.glob("*.*")):
        view = file.name.split(".")[0]
        is_shared = view not in views and file.name != HOST
        if view in mine or (is_shared and "explorers.base" in names):
            files.append(file)
    return files


def digest(names, text=""):
    """Return a digest of what a page runs on; it is part of what its outputs are cached by.

    These are the modules in `names` and those that they need, the explorers' static files, and
    the saved results whose file names are in `text`.
    """
    needed = sorted(set().union(*map(needs, names)))
    results = [f for f in sorted((NOTEBOOKS / "results").glob("*")) if f.name in text]
    files = [*map(source_file, needed), *static_files(needed), *results]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
