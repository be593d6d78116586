"`make lab` as a learner meets it: a real JupyterLab, a real browser, the first chapter run from top to bottom."

import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import nbformat
import pytest
from browser import drawn
from jupyter_client import BlockingKernelClient

ROOT = Path(__file__).parents[2]


def wait_for(get, seconds, what):
    "What `get` returns once it is not empty; an unfinished start is no answer."
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if got := get():
            return got
        time.sleep(0.2)
    raise TimeoutError(f"{what} did not come within {seconds} s")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    "A copy of the project, so that autosave does not write here, served by its own `make lab`."
    home = tmp_path_factory.mktemp("lab")
    files = subprocess.check_output(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True
    ).splitlines()
    for name in files:
        if (ROOT / name).is_file():
            (home / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, home / "copy" / name)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    venv = Path(sys.prefix)
    env = os.environ | dict(
        JUPYTER_RUNTIME_DIR=str(home / "runtime"),
        JUPYTER_CONFIG_DIR=str(home / "config"),
        XDG_CACHE_HOME=str(home / "cache"),
    )
    log = open(home / "log", "w+")
    # the environment stands already: -o tells make so
    server = subprocess.Popen(
        [
            "make",
            "lab",
            f"VENV={venv}",
            "-o",
            f"{venv}/.ready",
            f"ARGS=--no-browser --port {port} --IdentityProvider.token=t",
        ],
        cwd=home / "copy",
        env=env,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        url = f"http://127.0.0.1:{port}"

        def up():
            assert server.poll() is None, Path(log.name).read_text()
            return re.search(rf"http://\S+:{port}/lab/tree/\S+", Path(log.name).read_text())

        wait_for(up, 120, "the server's address")
        yield url, home
    finally:
        os.killpg(server.pid, 15)
        server.wait()


def kernel(home, url, notebook):
    "A client to the kernel of `notebook`."
    sessions = lambda: json.load(urlopen(f"{url}/api/sessions?token=t"))
    own = wait_for(
        lambda: [s["kernel"]["id"] for s in sessions() if s["path"] == notebook], 60, "a kernel"
    )
    client = BlockingKernelClient(connection_file=str(home / "runtime" / f"kernel-{own[0]}.json"))
    client.load_connection_file()
    client.start_channels()
    client.wait_for_ready(400)  # it answers when the cell that trains is done
    return client


def evaluate(client, code):
    "What `code` prints in the kernel, between two cells."
    printed = []
    reply = client.execute_interactive(
        code,
        store_history=False,
        timeout=900,
        output_hook=lambda m: printed.append(m["content"].get("text", "")),
    )
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(printed).strip()


def test_lab_opens_on_the_way_in(lab, new_page):
    url, _ = lab
    page = new_page()
    page.goto(f"{url}/lab/tree/index.ipynb?token=t&reset")
    page.get_by_role("heading", name="lesson7").wait_for(timeout=60_000)
    assert page.locator(
        ".jp-OutputArea img"
    ).first.is_visible()  # the still picture, before anything runs


@pytest.mark.slow
def test_chapter_one_runs_and_python_reads_what_the_keyboard_did(lab, new_page):
    url, home = lab
    page = new_page(viewport=dict(width=1400, height=1000))
    page.goto(f"{url}/lab/tree/01_normalize.ipynb?token=t&reset")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    page.locator(".jp-Notebook").click()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    client, notebook = (
        kernel(home, url, "01_normalize.ipynb"),
        home / "copy" / "nbs" / "01_normalize.ipynb",
    )
    cells = sum(c["cell_type"] == "code" for c in json.loads(notebook.read_text())["cells"])

    def all_run():
        ran = evaluate(client, "import sys; print(getattr(sys, 'last_value', None) or len(In) - 1)")
        assert ran.isdigit(), ran
        return int(ran) == cells

    try:
        wait_for(all_run, 900, "the last cell")
        accuracy = json.loads(
            evaluate(
                client,
                "import json; print(json.dumps({k: float(v.mean()) for k, v in right.items()}))",
            )
        )
        assert (
            accuracy["with its statistics"] > 0.4
            and accuracy["without"] < accuracy["with its statistics"] - 0.2
        )

        page.keyboard.press("Control+Home")
        page.locator(".jp-Notebook .jp-WindowedPanel-outer").first.evaluate("e => e.scrollTo(0, 0)")
        slider = page.get_by_label("Batch", exact=True).first
        slider.wait_for()
        slider.focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        wait_for(
            lambda: evaluate(client, "print(explorer.draw)") == "3",
            30,
            "the slider's state in Python",
        )
        page.get_by_label("Normalize with").first.select_option("imagenet")
        wait_for(
            lambda: evaluate(client, "print(explorer.stats.source)") == "ImageNet",
            30,
            "the choice in Python",
        )
        evaluate(client, "explorer.draw = 11")  # and the other way
        page.get_by_text("12 of 40").wait_for()
    finally:
        client.stop_channels()

    with page.expect_response(
        lambda r: "/api/contents/01_normalize.ipynb" in r.url and r.request.method == "PUT"
    ):
        page.keyboard.press("Control+s")
    saved = [c for c in json.loads(notebook.read_text())["cells"] if c["cell_type"] == "code"]
    assert all(c["execution_count"] for c in saved)
    assert [o for c in saved for o in c["outputs"] if o["output_type"] == "error"] == []


FAMILY = dict(
    normalize="NormalizeExplorer",
    resize="ResizeExplorer",
    tta="TTAExplorer",
    mixup="MixupExplorer",
    smoothing="SmoothingExplorer",
)
# what is hidden, say a stage that was taken away, may hold what it last showed
SEEN = """(el) => {
    const all = (what, read) => [...el.querySelectorAll(what)].filter((e) => e.checkVisibility()).map(read);
    return { values: all("[data-value]", (e) => e.dataset.value),
        canvases: all("canvas", (c) => c.width ? c.toDataURL() : ""),
        controls: all("input:not(.l7-guess input), select", (e) => e.type === "checkbox" ? e.checked : e.value) }; }"""


def press_something(section, rng):
    "One control of an explorer, by keyboard."
    control = rng.choice(
        [
            c
            for c in section.locator(":is(input, select, button):not(.l7-guess *)").all()
            if c.is_visible() and c.is_enabled()
        ]
    )
    kind = control.evaluate("e => e.type")
    if kind == "range":
        for _ in range(rng.randint(1, 6)):
            control.press(
                rng.choice(
                    ["ArrowRight", "ArrowLeft", "ArrowUp", "PageUp", "PageDown", "Home", "End"]
                )
            )
    elif kind == "select-one":
        control.select_option(index=rng.randrange(control.locator("option").count()))
    elif kind == "number":
        control.press(rng.choice(["ArrowUp", "ArrowDown"]))
    else:
        control.press("Space")


@pytest.mark.slow
def test_twenty_states_reach_python(lab, new_page):
    "What Python holds after each is saved, opened with no kernel, and must show the very same numbers, pixels and controls."
    url, home = lab
    cells = [
        nbformat.v4.new_code_cell(
            f"from lesson7 import {c}\n{m} = {c}()\n{m}.still = lambda: b''\n{m}"
        )
        for m, c in FAMILY.items()
    ]
    cells.insert(
        0,
        nbformat.v4.new_code_cell(
            "from lesson7.explorers.base import Explorer\nExplorer.still = lambda self: b''  # no picture is looked at here"
        ),
    )
    nb = nbformat.v4.new_notebook(
        cells=cells, metadata=dict(kernelspec=dict(name="python3", display_name="python3"))
    )
    nbformat.write(nb, home / "copy" / "nbs" / "family.ipynb")
    page, saved, rng = (
        new_page(viewport=dict(width=1300, height=2000)),
        new_page(viewport=dict(width=1300, height=2000)),
        random.Random(42),
    )
    page.goto(f"{url}/lab/tree/family.ipynb?token=t&reset")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    page.locator(".jp-Notebook").click()
    client = kernel(home, url, "family.ipynb")
    try:
        page.locator(".jp-CodeCell").first.click()
        for m in ("", *FAMILY):
            page.keyboard.press("Shift+Enter")  # runs the cell and goes to the next one
            if not m:
                continue
            title = page.locator(".l7").nth(list(FAMILY).index(m))
            title.locator("canvas, svg").first.wait_for()
            for state in range(20):
                for _ in range(3):
                    press_something(title, rng)
                drawn(page)

                def same():
                    evaluate(client, f"{m}.save('{home}/{m}.html')")
                    saved.goto((home / f"{m}.html").as_uri())
                    saved.locator(".l7 canvas, .l7 svg").first.wait_for()
                    drawn(saved)
                    return saved.locator(".l7").evaluate(SEEN) == title.evaluate(SEEN)

                wait_for(
                    same, 30, f"state {state} of {m} in Python ({evaluate(client, f'print({m})')})"
                )
            page.locator(".jp-CodeCell").nth(1 + list(FAMILY).index(m)).locator(
                ".jp-InputArea-editor"
            ).click()
            page.keyboard.press("Escape")
            page.keyboard.press("ArrowDown")
    finally:
        client.stop_channels()


@pytest.mark.slow
def test_a_guess_in_lab_sets_python_and_puts_it_back(lab, new_page):
    "Digits, Enter and Escape are the learner's, not JupyterLab's; Python holds the state that is asked about, and then what it held before."
    url, home = lab
    nb = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "from lesson7 import SmoothingExplorer\ne = SmoothingExplorer(n=3, label=2)\ne.still = lambda: b''\ne"
            )
        ],
        metadata=dict(kernelspec=dict(name="python3", display_name="python3")),
    )
    nbformat.write(nb, home / "copy" / "nbs" / "guess.ipynb")
    page = new_page(viewport=dict(width=1300, height=1400))
    page.goto(f"{url}/lab/tree/guess.ipynb?token=t&reset")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    page.locator(".jp-CodeCell").first.click()
    page.keyboard.press("Shift+Enter")
    client = kernel(home, url, "guess.ipynb")
    before, cells = evaluate(client, "print(e)"), page.locator(".jp-Cell").count()
    try:
        page.get_by_role("button", name="Guess").press("Enter")
        for k in range(1, 6):
            asked = page.locator(
                ".l7 :is([data-trait=n], [data-trait=eps], [data-trait=label])"
            ).evaluate_all("all => all.map((i) => +i.value)")
            wait_for(
                lambda: json.loads(evaluate(client, "print([e.eps, e.n, e.label])")) == asked,
                30,
                f"state {asked} in Python",
            )
            told = re.sub("[\u2068\u2069]", "", page.locator(".l7-guess label").inner_text())
            at = re.findall(r"“class (\d+)”", told)[-1]
            page.keyboard.type(
                evaluate(
                    client,
                    f"from lesson7.smoothing import smooth_labels; import torch; print(smooth_labels(torch.tensor([e.label]), e.n, e.eps)[0, {at}].item())",
                )[:6]
            )
            page.keyboard.press("Enter")
            page.get_by_text(f"{k} of {k} on this page").wait_for()
            page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        wait_for(lambda: evaluate(client, "print(e)") == before, 30, "the state from before")
        assert page.locator(".jp-Cell").count() == cells and page.get_by_role(
            "button", name="Guess"
        ).evaluate("e => e === document.activeElement")
    finally:
        client.stop_channels()


@pytest.mark.slow
def test_the_workbench_trains_and_stops(lab, new_page):
    url, home = lab
    cell = "from lesson7.workbench import Workbench\nfrom lesson7.training.config import Recipe\nbench = Workbench(Recipe(size=16, epochs=1))\nbench"
    nb = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell)],
        metadata=dict(kernelspec=dict(name="python3", display_name="python3")),
    )
    nbformat.write(nb, home / "copy" / "nbs" / "bench.ipynb")
    page = new_page(viewport=dict(width=1300, height=1000))
    page.goto(f"{url}/lab/tree/bench.ipynb?token=t&reset")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    page.locator(".jp-CodeCell").first.click()
    page.keyboard.press("Shift+Enter")
    train, stop = (page.get_by_role("button", name=name, exact=True) for name in ("Train", "Stop"))
    train.wait_for(timeout=120_000)
    page.get_by_label("smoothing").check()
    train.click()
    page.get_by_text("+ smoothing, seed 42: ").wait_for(timeout=300_000)
    row = page.locator(".widget-html table tbody tr")
    assert row.count() == 1 and page.locator(".widget-image").is_visible()
    page.get_by_label("epochs").fill("100")
    page.get_by_label("epochs").press("Tab")
    train.click()
    page.get_by_text(re.compile("epoch . of 100, about")).wait_for(timeout=120_000)
    stop.click()
    page.get_by_text("Stopped; the unfinished training has no result.").wait_for(timeout=60_000)
    assert train.is_enabled() and row.count() == 1
