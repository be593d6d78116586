"What stands beside the parameters of a function (nbdev's docments), what it raises and what can be set, as the field lists that Sphinx draws."
import ast, inspect, re, sys, textwrap


def rst(text):
    "A docstring's light Markdown as reStructuredText."
    parts = re.split(r"(`[^`]+`|\[[^\]]+\]\(https?://[^)]+\))", text)
    def one(part):
        if part.startswith("`"): return f"`{part}`"
        if link := re.fullmatch(r"\[([^\]]+)\]\((.*)\)", part): return f"`{link[1]} <{link[2]}>`__"
        return re.sub(r"([*|\\])|_(?=\W|$)", lambda m: "\\" + m[0], part)
    made = [one(p) for p in parts]
    return "".join(a + ("\\ " if a.endswith("`") and b[:1].isalnum() else "") for a, b in zip(made, [*made[1:], ""]))


def raised(fn):
    "The errors that stand in a function's own code: (class, sentence)."
    try: tree = ast.parse(textwrap.dedent(inspect.getsource(fn)))
    except (OSError, TypeError, SyntaxError): return
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args): continue
        said = node.exc.args[0]
        parts = said.values if isinstance(said, ast.JoinedStr) else [said]
        text = "".join(str(p.value) if isinstance(p, ast.Constant) else "…" for p in parts)
        if text.strip("… "): yield ast.unparse(node.exc.func), text


def add_fields(app, what, name, obj, options, lines):
    "For autodoc: a class is documented by what makes it."
    from fastcore.docments import docments
    if what == "data":  # what stands beside it, in place of what its class says of itself
        module, constant = name.rsplit(".", 1)
        said = re.search(rf"^{constant} = .*?  # (.*)", inspect.getsource(sys.modules[module]), re.M)
        lines[:] = [rst(said[1]) if said else ""]
        return
    lines[:] = [rst(line) for line in lines]
    if what not in ("class", "function", "method", "exception"): return
    try: known = docments(obj, full=True)
    except Exception: known = {}
    lines.append("")
    for parameter, about in known.items():
        if parameter in ("self", "cls") or not about.docment: continue
        lines.append(f":{'returns' if parameter == 'return' else f'param {parameter}'}: {rst(' '.join(about.docment.split()))}")
    for error, text in dict.fromkeys(raised(obj.__init__ if what == "class" and "__init__" in vars(obj) else obj) if what != "class" or "__init__" in vars(obj) or hasattr(obj, "__post_init__") else ()):
        lines.append(f":raises {error}: {rst(' '.join(text.split()))}")
    if what == "class" and hasattr(obj, "class_traits"):
        state = {k: t for k, t in obj.class_traits().items() if t.metadata.get("state")}
        if state:
            lines += ["", "What can be set, from Python and by hand:", ""]
            lines += [f"- ``{k}``: {rst(t.help or 'as given')}" + (f" ({', '.join(f'``{v!r}``' for v in t.values)})" if getattr(t, "values", None) else "") for k, t in state.items()]
    lines.append("")


def signature(app, what, name, obj, options, args, returns):
    "Of a class, that of its own `__init__`, which traitlets hides."
    if what != "class" or "__init__" not in vars(obj) or not hasattr(obj, "class_traits"): return
    parameters = list(inspect.signature(obj.__init__).parameters.values())[1:]
    return str(inspect.Signature(parameters)), None
