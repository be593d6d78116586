"""What nbdev's docments say beside parameters, as the field lists that Sphinx draws.

So are the errors that a function raises, and the traits that can be set.
"""

import ast
import inspect
import re
import sys
import textwrap


def rst(text):
    "Return a docstring's light Markdown as reStructuredText."
    parts = re.split(r"(`[^`]+`|\[[^\]]+\]\(https?://[^)]+\))", text)
    made = [rst_part(part) for part in parts]
    following = [*made[1:], ""]
    return "".join(a + separator(a, b) for a, b in zip(made, following))


def rst_part(part):
    "Return code, a link or plain text as reStructuredText."
    if part.startswith("`"):
        return part
    if link := re.fullmatch(r"\[([^\]]+)\]\((.*)\)", part):
        return f"`{link[1]} <{link[2]}>`__"
    return re.sub(r"([*|\\])|_(?=\W|$)", lambda found: "\\" + found[0], part)


def separator(left, right):
    "Return what divides code or a link from a letter that follows it without a space."
    return "\\ " if left.endswith("`") and right[:1].isalnum() else ""


def one_line(text):
    return rst(" ".join(text.split()))


def raised(function):
    "Yield the errors in a function's own code: class and message, `…` for each value in it."
    try:
        code = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return
    for node in ast.walk(code):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args):
            continue
        message = node.exc.args[0]
        parts = message.values if isinstance(message, ast.JoinedStr) else [message]
        text = "".join(str(p.value) if isinstance(p, ast.Constant) else "…" for p in parts)
        if text.strip("… "):
            yield ast.unparse(node.exc.func), text


def constant_lines(name):
    "Return the comment beside a constant, in place of what its class says of itself."
    module, constant = name.rsplit(".", 1)
    source = inspect.getsource(sys.modules[module])
    names = rf"(?:\w+, )*{constant}(?:, \w+)*"
    comment = re.search(rf"^{names} = .*?  # (.*)", source, re.M)
    return [rst(comment[1]) if comment else ""]


def parameter_lines(obj):
    "Return a field for each documented parameter, and for what is returned."
    from fastcore.docments import docments

    try:
        known = docments(obj, full=True)
    except Exception:  # no signature, or no source
        return []
    lines = []
    for parameter, about in known.items():
        if parameter in ("self", "cls") or not about.docment:
            continue
        field = "returns" if parameter == "return" else f"param {parameter}"
        lines.append(f":{field}: {one_line(about.docment)}")
    return lines


def error_lines(obj):
    "Return a field for each error; those of a class are its `__init__`'s."
    function = obj
    if inspect.isclass(obj):
        has_init = "__init__" in vars(obj)
        if not (has_init or hasattr(obj, "__post_init__")):
            return []
        function = obj.__init__ if has_init else obj
    errors = dict.fromkeys(raised(function))
    return [f":raises {error}: {one_line(text)}" for error, text in errors]


def trait_line(name, trait):
    values = getattr(trait, "values", None) or []
    allowed = ", ".join(f"``{value!r}``" for value in values)
    return f"- ``{name}``: {rst(trait.help or 'as given')}" + (f" ({allowed})" if allowed else "")


def state_lines(obj):
    "Return the list of an explorer's traits that can be set."
    if not (inspect.isclass(obj) and hasattr(obj, "class_traits")):
        return []
    state = {k: t for k, t in obj.class_traits().items() if t.metadata.get("state")}
    if not state:
        return []
    lines = [trait_line(name, trait) for name, trait in state.items()]
    return ["", "What can be set, from Python and by hand:", "", *lines]


def add_fields(app, what, name, obj, options, lines):
    "For autodoc: put the fields under a docstring. A class is documented by what makes it."
    if what == "data":
        lines[:] = constant_lines(name)
        return
    lines[:] = [rst(line) for line in lines]
    if what in ("class", "function", "method", "exception"):
        lines += ["", *parameter_lines(obj), *error_lines(obj), *state_lines(obj), ""]


def signature(app, what, name, obj, options, args, returns):
    "For autodoc: the signature of an explorer's own `__init__`, which traitlets hides."
    if what != "class" or "__init__" not in vars(obj) or not hasattr(obj, "class_traits"):
        return None
    parameters = list(inspect.signature(obj.__init__).parameters.values())[1:]
    return str(inspect.Signature(parameters)), None
