"""Writes the folder that Sphinx reads: the notebooks, with nbdev's directives turned into cell tags, and the pages gathered from the project.

A file is written only where its text changed, so that Sphinx builds again only what did.
"""
import ast, configparser, hashlib, json, os, re, shutil
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
NBS, LIB = ROOT/"nbs", ROOT/"lesson7"
INI = configparser.ConfigParser(delimiters="=")
INI.read(ROOT/"settings.ini", encoding="utf-8")
CFG = INI["DEFAULT"]
DRAFT = bool(os.environ.get("DOCS_DRAFT"))  # run each notebook's first explorer and nothing else; show the rest as it was saved
SKIPPED = {"eval: false", *CFG["tst_flags"].split()}
CALLOUT = "What the lesson says, what the library does"


def write(path, text):
    if path.exists() and path.read_text(encoding="utf-8") == text: return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@cache
def exported(module):
    "A module's `__all__`: the names that it defines, and those that it offers again."
    body = ast.parse((LIB/f"{module}.py").read_text(encoding="utf-8")).body
    assigned = {t.id: n.value for n in body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    own, names = {*assigned, *(getattr(n, "name", "") for n in body)}, ast.literal_eval(assigned["__all__"])
    return [n for n in names if n in own], [n for n in names if n not in own]


@cache
def modules(): return [f.stem for f in sorted(LIB.glob("[a-z]*.py"))]


@cache
def public():
    "Every public name -> the module that defines it. What the command line calls `train` is not what a text means by it."
    return {n: m for m in sorted(modules(), key=lambda m: (m != "cli", m)) for n in exported(m)[0]}


@cache
def title(file):
    "The heading of a notebook, and the sentence under it."
    source = "".join(json.loads(file.read_text(encoding="utf-8"))["cells"][0]["source"])
    idea = re.search(r"^> (.*)", source, re.M)
    return re.search(r"^# (.*)", source, re.M)[1], idea[1] if idea else ""


@cache
def needs(module):
    "A module of the library and those that it imports, and these in turn."
    found = set(re.findall(r"^\s*from (?:lesson7)?\.(\w+) import", (LIB/f"{module}.py").read_text(encoding="utf-8"), re.M))
    return {module}.union(*map(needs, found))


def digest(source):
    "Of what a notebook with this `source` runs on: the modules, their views and saved results. Part of what its outputs are cached by."
    used = set(re.findall(r"lesson7\.(\w+)", source)) | set(re.findall(r"#\| default_exp (\w+)", source))
    below = sorted(set().union(*(needs(m) for m in used if (LIB/f"{m}.py").exists())))
    files = [LIB/f"{m}.py" for m in below] + [f for m in below for f in sorted((LIB/"static").glob(f"{m}.*"))]
    if "explorer" in below: files.append(LIB/"static"/"helpers.js")
    files += [f for f in sorted(NBS.glob("*/*")) if f.name in source and f.is_file()]
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()


def defined(source):
    "What exported code defines: its public names, in order."
    return [n.name for n in ast.parse(source).body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and n.name in public()]


def code(cell, module=None):
    "A code cell of the notebook that makes `module`, as the site shows and runs it; and what is said after it."
    lines = "".join(cell["source"]).splitlines()
    said = [re.sub(r"\s+", " ", line[2:].strip()) for line in lines if line.startswith("#|")]
    source = "\n".join(line for line in lines if not line.startswith("#|")).strip()
    words, tags, after, about = {s.split()[0] for s in said}, [], [], {}
    if not source or re.match(r"(import|from) nbdev\b.*\bnbdev_export\(\)", source, re.S): return []  # a build must not write the library
    if "hide" in words or "include: false" in said: tags.append("remove-cell")
    if "echo: false" in said: tags.append("remove-input")
    if "output: false" in said: tags.append("remove-output")
    if SKIPPED & ({*said} | words): tags.append("skip-execution")
    if words & {"export", "exports", "exporti"}:
        names = defined(source)
        if not re.search(r"^(@|def |class )", source, re.M): tags.append("remove-cell")
        elif len(source.splitlines()) > 16: tags.append("hide-input")
        label = ", ".join(names or re.findall(r"^(?:def|class) (\w+)", source, re.M))
        about = {"mystnb": {"code_prompt_show": f"Show the code: {label}", "code_prompt_hide": f"Hide the code: {label}"}}
        if names: after = [markdown("Reference: " + ", ".join(f"`{full(n, module)}`" for n in names), "reference-names")]
    return [{**cell, "source": source, "metadata": {"tags": tags, **about}}, *after]


def full(name, module):
    "A public name, with its module where another module's name would be taken for it."
    return f"{module}.{name}" if module and name in exported(module)[0] and public()[name] != module else name


def markdown(text, kind=None):
    return {"cell_type": "markdown", "metadata": {}, "source": f":::{{container}} {kind}\n{text}\n:::" if kind else text}


def callout(text, stem):
    "The callout of a chapter as an admonition that can be pointed at."
    def box(found):
        body = re.sub(r"^> ?", "", found[0], flags=re.M)
        body = re.sub(r"^\*\*What the lesson says[^*]*\*\*\s*", "", body)
        return f"(callout-{stem})=\n:::{{admonition}} {CALLOUT}\n:class: lesson\n\n{body.strip()}\n:::\n"
    return re.sub(r"^> \*\*What the lesson says.*\n?(^>.*\n?)*", box, text, flags=re.M)


def opening(file):
    "How to open this page's notebook. Links to a repository only where there is one."
    links = f'<a href="notebooks/{file.name}" download>download it</a>'
    if url := CFG["git_url"].strip().rstrip("/"):
        where = f"{CFG['branch']}/nbs/{file.name}"
        links += f', <a href="{url}/edit/{where}">edit it</a>'
        if "github.com/" in url: links += f', <a href="https://colab.research.google.com/github/{url.split("github.com/")[1]}/blob/{where}">run it in Colab</a>'
    return (f'<p class="opening">This page is a notebook: {links}, or run it in JupyterLab with <code>make lab</code> '
                    'or <code>lesson7 lab</code>. <a href="use.html">How to use these pages</a></p>\n')


def is_explorer(cell): return any("application/vnd.jupyter.widget-view+json" in o.get("data", {}) for o in cell.get("outputs", []))


def notebook(file, extra=""):
    "A notebook as Sphinx gets it."
    nb = json.loads(file.read_text(encoding="utf-8"))
    source = "\n".join("".join(c["source"]) for c in nb["cells"])
    first = next((c for c in nb["cells"] if is_explorer(c)), None)
    exports = re.search(r"#\| default_exp (\w+)", source)
    cells = []
    for i, cell in enumerate(nb["cells"]):
        if cell["cell_type"] != "code":
            text = callout("".join(cell["source"]), file.stem)
            if i == 0: text = re.sub(r"^(> .*\n(?:>.*\n)*)", lambda m: m[0] + "\n" + opening(file) + "\n", text + "\n", count=1, flags=re.M)
            new = [markdown(text)]
        else:
            new = code(cell, exports and exports[1])
            if DRAFT and cell is not first and new: new[0]["metadata"]["tags"] = sorted({*new[0]["metadata"]["tags"], "skip-execution"})
        cells += new
        if cell is first and extra: cells.append(markdown(extra))
    key = {"cell_type": "code", "id": "sources", "source": f"# sources: {digest(source)}", "metadata": {"tags": ["remove-cell"]}, "outputs": [], "execution_count": None}
    cells.insert(1, key)
    for i, cell in enumerate(cells): cell["id"] = f"c{i}"
    if DRAFT and not first: nb["metadata"]["mystnb"] = {"execution_mode": "off"}
    return {**nb, "nbformat_minor": 5, "cells": cells}


def toctree(caption, names):
    return f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(names) + "\n```\n"


def differences(files):
    "One page of all the callouts."
    text = f"# {CALLOUT}\n\n> Gathered from the chapters, in their order. Each gap is shown there by a cell that you can run.\n\n"
    for file in files:
        for found in re.finditer(r"^(> \*\*What the lesson says.*\n?(?:^>.*\n?)*)", "\n\n".join(sources(file, "markdown")), re.M):
            body = re.sub(r"^> ?", "", found[1], flags=re.M)
            text += f"## {title(file)[0]}\n\n" + re.sub(r"^\*\*What the lesson says[^*]*\*\*\s*", "", body).strip() + f"\n\n[See it in the chapter](#callout-{file.stem})\n\n"
    return text


def sources(file, kind):
    return ["".join(c["source"]) for c in json.loads(file.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == kind]


@cache
def example(name):
    "The first short cell of a notebook that uses a public name, and its notebook."
    for file in sorted(NBS.glob("*.ipynb")):
        for source in sources(file, "code"):
            if re.search(rf"(?<![\w.]){name}\(", source) and not source.startswith(("#|", "class ", "def ")) and len(source.splitlines()) <= 8: return source.strip(), file
    return None


def reference(module):
    "The page of one module, for autodoc."
    text = f".. py:module:: lesson7.{module}\n\n{module}\n{'='*len(module)}\n\n"
    doc = (ast.get_docstring(ast.parse((LIB/f"{module}.py").read_text(encoding="utf-8"))) or "").strip()
    from docments import rst
    text += f"{rst(doc)}\n\n"
    own, again = exported(module)
    if again: text += "Offered here too: " + ", ".join(f":py:obj:`~lesson7.{public()[n]}.{n}`" for n in again) + ".\n\n"
    for name in own:
        kind = {ast.FunctionDef: "function", ast.ClassDef: "class"}.get(type(definition(module, name)), "data")
        text += f".. auto{kind}:: lesson7.{module}.{name}\n" + ("   :members:\n" if kind == "class" else "") + "\n"
        if found := public()[name] == module and example(name):
            body = "\n".join("   " + line for line in found[0].splitlines())
            text += f"From :doc:`/{found[1].stem}`:\n\n.. code-block:: python\n\n{body}\n\n"
    return text + f".. sources {digest('lesson7.' + module)}\n"


def definition(module, name):
    return next((n for n in ast.parse((LIB/f"{module}.py").read_text(encoding="utf-8")).body if getattr(n, "name", None) == name), None)


def credits(out):
    "Every photo that a page can show, with its author and licence as the library has them."
    from lesson7.data import _PHOTOS, _TEXTURES, _photo
    text = "# Credits and licences\n\n" + (ROOT/"docs"/"credits.md").read_text(encoding="utf-8") + "\n"
    text += "| | picture | by | licence | comes with |\n|---|---|---|---|---|\n"
    for name, (package, _, credit, licence) in (_PHOTOS | _TEXTURES).items():
        small = out/"_photos"/f"{name}.jpg"
        if not small.exists():
            small.parent.mkdir(parents=True, exist_ok=True)
            im = _photo(name).copy()
            im.thumbnail((160, 120))
            im.save(small, quality=85)
        text += f"| ![{name}](_photos/{name}.jpg) | {name} | {credit} | {licence} | {package} |\n"
    return text


def stage(out):
    "Write the source folder `out`."
    out.mkdir(parents=True, exist_ok=True)
    files = sorted(NBS.glob("*.ipynb"))
    chapters = [f for f in files if re.match(r"0\d_", f.name)]
    behind = [f for f in files if f not in chapters and f.stem != "index"]
    pages = sorted((ROOT/"docs"/"pages").glob("*.md"), key=lambda p: (p.stem != "use", p.stem))
    commands = re.search(r"^## Two commands\n.*?(?=^## )", (ROOT/"README.md").read_text(encoding="utf-8"), re.M | re.S)[0]
    tocs = [toctree("Chapters", [f.stem for f in chapters]), toctree("Behind the chapters", [f.stem for f in behind]),
            toctree("Reference", [pages[0].stem, "api/index", "differences", *(p.stem for p in pages[1:]), "changelog", "credits"])]
    made = {}
    for file in files:
        nb = notebook(file, commands if file.stem == "index" else "")
        if file.stem == "index": nb["cells"].append(markdown("\n".join(tocs)))
        made[file.name] = json.dumps(nb, indent=1, ensure_ascii=False)
    for file in NBS.glob("*/*.json"): made[str(file.relative_to(NBS))] = file.read_text(encoding="utf-8")
    for page in pages: made[page.name] = page.read_text(encoding="utf-8")
    made["differences.md"] = differences(chapters)
    made["changelog.md"] = (ROOT/"CHANGELOG.md").read_text(encoding="utf-8")
    made["credits.md"] = credits(out)
    rows = "".join(f"   * - :py:obj:`~lesson7.{m}.{n}`\n     - :doc:`{m}`\n" for n, m in sorted(((n, m) for m in modules() for n in exported(m)[0]), key=lambda p: p[0].lower()))
    made["api/index.rst"] = ("API reference\n=============\n\nEvery public name. Shapes, ranges and units stand beside each parameter; what a function refuses, it says in one sentence.\n\n"
                             f".. list-table::\n   :header-rows: 1\n\n   * - name\n     - module\n{rows}\n.. toctree::\n   :hidden:\n\n" + "".join(f"   {m}\n" for m in modules()))
    made |= {f"api/{m}.rst": reference(m) for m in modules()}
    for name, text in made.items(): write(out/name, text)
    for old in out.rglob("*"):  # a page whose source is gone goes too
        if old.is_file() and str(old.relative_to(out)) not in made and old.parent.name != "_photos": old.unlink()


def copy_notebooks(html):
    "The notebooks themselves, to be downloaded."
    (html/"notebooks").mkdir(parents=True, exist_ok=True)
    for file in NBS.glob("*.ipynb"): shutil.copy(file, html/"notebooks"/file.name)
