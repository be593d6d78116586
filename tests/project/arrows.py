"The package's imports, read from the syntax trees of its modules, and the rules for them."

import ast
from dataclasses import dataclass

PACKAGE = "lesson7"

LEVELS = (  # a module imports its own level or a lower one; "data" is all of lesson7.data
    ("errors", "lazy", "data", "outputs", "models", "fits"),
    ("measure", "normalize", "resize", "tta", "mixup", "smoothing"),
    ("training", "share", "inference"),
    ("recipe",),
    ("explorers",),
    ("course", "workbench", "installation", "cli"),
)
LEVEL = {}  # name -> number of its level
for level, names in enumerate(LEVELS):
    LEVEL |= dict.fromkeys(names, level)

WIDGETS = {"anywidget", "traitlets", "ipywidgets"}
FIRST_LEVEL_WITH_WIDGETS = LEVEL["explorers"]

# `ActivationMixup` needs fastai's `Callback`, so it is in training/. The chapter's module imports
# it on first use, in its `__getattr__`.
LATE_IMPORTS = {("lesson7.mixup", "lesson7.training.callbacks", "__getattr__")}


@dataclass(frozen=True)
class Import:
    "One name that a module imports."

    target: str  # absolute name of a module, or of a name within it
    function: str  # the outermost function that holds the statement; "" at module level
    line: int


def _base(module, node):
    "Return the absolute name of the module that a `from` statement names."
    if not node.level:
        return node.module
    parents = module.split(".")[: -node.level]
    return ".".join([*parents, *filter(None, [node.module])])


def _targets(module, node):
    "Return the absolute names that a statement imports; none for other statements."
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = _base(module, node)
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        function = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if function in ("import_module", "__import__"):
            return [str(node.args[0].value)]
    return []


def imports_of(module, source):
    "Return all imports of a module: at its top, in functions and in classes."
    found = []

    def visit(node, function):
        for target in _targets(module, node):
            found.append(Import(target, function, node.lineno))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            function = function or node.name
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(ast.parse(source), "")
    return found


def _module_of(target, modules):
    "Return the module of the package that an import reaches; None if it reaches none."
    parts = target.split(".")
    for end in range(len(parts), 0, -1):
        name = ".".join(parts[:end])
        if name in modules:
            return name
    return None


def _level(module):
    "Return a module's level; None for a module that `LEVELS` does not name."
    parts = module.split(".")
    return LEVEL.get(parts[1]) if len(parts) > 1 else None


def _is_explorer(module):
    return module.startswith(f"{PACKAGE}.explorers.")


def _is_training(module):
    return module.startswith(f"{PACKAGE}.training.")


def _fault(module, imported, modules):
    "Return what is wrong with one import; None if it keeps the rules."
    root = imported.target.split(".")[0]
    if root in WIDGETS and _level(module) < FIRST_LEVEL_WITH_WIDGETS:
        return f"a widget library, {root}"
    if root != PACKAGE or imported.target == f"{PACKAGE}.__version__":
        return None
    other = _module_of(imported.target, modules)
    if other is None:
        return f"{imported.target}, which is in no module"
    if (module, other, imported.function) in LATE_IMPORTS:
        return None
    if _level(other) is None:
        return f"{other}, which has no level"
    if _level(other) > _level(module):
        return f"{other}, of a higher level"
    if _is_explorer(module) and _is_training(other):
        return f"{other}, of training"
    return None


def wrong_imports(
    modules,  # dict: absolute name of a module -> its source
):  # a line for each fault, in order
    "Return the imports that break the rules."
    faults = []
    for module, source in sorted(modules.items()):
        if _level(module) is None:
            faults.append(f"{module} has no level")
            continue
        for imported in imports_of(module, source):
            if fault := _fault(module, imported, modules):
                faults.append(f"{module}:{imported.line} imports {fault}")
    return faults


def import_cycle(
    modules,  # dict: absolute name of a module -> its source
):  # names of modules, with the first one again at the end; [] if there is no cycle
    "Return a cycle of imports at module level."
    edges = {}
    for module, source in modules.items():
        top = [i.target for i in imports_of(module, source) if not i.function]
        reached = {_module_of(target, modules) for target in top}
        edges[module] = sorted(reached - {None, module})
    finished = set()

    def search(module, path):
        if module in path:
            return [*path[path.index(module) :], module]
        if module in finished:
            return []
        for other in edges[module]:
            if cycle := search(other, [*path, module]):
                return cycle
        finished.add(module)
        return []

    for module in sorted(edges):
        if cycle := search(module, []):
            return cycle
    return []
