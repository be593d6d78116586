"JupyterLab as `make lab` starts it: chapter one, the explorers and the workbench with a kernel."

import json
import math
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM
from urllib.request import urlopen

import nbformat
import pytest
from browser import keep_picture, wait_for_drawing
from conftest import LocalPages
from explorer_examples import NAMES
from explorer_page import (
    CONTROL_TYPE,
    CONTROL_VALUES,
    CONTROLS_INSIDE,
    DRAWING,
    FEW_EPOCHS,
    IS_FOCUSED,
    open_more,
    wait_for_explorers,
)
from explorer_page import KEYS as KEYS_OF_TYPE
from jupyter_client import BlockingKernelClient
from PIL import Image
from test_guess_browser import answer

from lesson7.course.tasks import exercises

# One server for all tests, in one worker.
pytestmark = pytest.mark.xdist_group("lab")

# What a saved file shows of every explorer is not repeated here: one explorer has each type of
# control; the others have a number field, images from Python, and trainings in the page.
ONE = ["SmoothingExplorer"]
FEW = ["SmoothingExplorer", "TTAExplorer", "TrainExplorer"]

ROOT = Path(__file__).parents[2]
TOKEN = "t"
IDLE_INDICATOR = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
KERNEL_IS_IDLE = "Python 3 (ipykernel) | Idle"
LONG_VIEWPORT = dict(width=1300, height=2000)
POLL_SECONDS = 0.1
LAB_SECONDS = 60  # until JupyterLab's page is there
TRAINING_SECONDS = 900  # until the cells that train have run
KEYS = ["ArrowRight", "ArrowLeft", "ArrowUp", "PageUp", "PageDown", "Home", "End"]
STATE_CONTROLS = ".l7 :is([data-trait=eps], [data-trait=n], [data-trait=label])"
NUMBERS = "(controls) => controls.map((control) => Number(control.value))"
SCROLL_UP = "(panel) => panel.scrollTo(0, 0)"
EXECUTED_CELLS = "import sys; print(getattr(sys, 'last_value', None) or len(In) - 1)"
ACCURACIES = "import json; print(json.dumps({k: float(v.mean()) for k, v in right.items()}))"


@dataclass
class Lab:
    "A running JupyterLab server."

    url: str
    runtime: Path  # folder of the kernels' connection files
    notebooks: Path  # folder that it serves
    folder: Path  # for other files

    def address(self, notebook, page="lab/tree"):
        return f"{self.url}/{page}/{notebook}?token={TOKEN}&reset"

    def kernel_ids(self, notebook):
        sessions = json.load(urlopen(f"{self.url}/api/sessions?token={TOKEN}"))
        return [session["kernel"]["id"] for session in sessions if session["path"] == notebook]


def wait_until(condition, seconds, description):
    "Return the first value of `condition()` that is true."
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(POLL_SECONDS)
    raise TimeoutError(f"not after {seconds} s: {description}")


def copy_project(target):
    "Copy the project's files: JupyterLab saves notebooks by itself."
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    files = subprocess.check_output(command, cwd=ROOT, text=True).splitlines()
    for name in files:
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start_server(project, folder, cache, log):
    "Run `make lab` of a copy of the project, with this environment and folders of its own."
    venv = Path(sys.prefix)
    arguments = f"--no-browser --port {free_port()} --IdentityProvider.token={TOKEN}"
    arguments += " --LabApp.expose_app_in_browser=True"  # for `OPEN_NOTEBOOK`
    environment = os.environ | dict(
        JUPYTER_RUNTIME_DIR=str(folder / "runtime"),
        JUPYTER_CONFIG_DIR=str(folder / "config"),
        XDG_CACHE_HOME=str(cache),
    )
    return subprocess.Popen(
        # -o: the environment is not installed again
        ["make", "lab", f"VENV={venv}", "-o", f"{venv}/.ready", f"ARGS={arguments}"],
        cwd=project,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def lab(tmp_path_factory, cache):
    "A server of a copy of the project, started by its `make lab`."
    folder = tmp_path_factory.mktemp("lab")
    project = folder / "copy"
    copy_project(project)
    log_file = folder / "log"
    with log_file.open("w") as log:
        server = start_server(project, folder, cache, log)

    def address():
        text = log_file.read_text()
        assert server.poll() is None, text
        found = re.search(r"(http://\S+:\d+)/lab/tree/\S+", text)
        return found and found[1]

    try:
        url = wait_until(address, 120, "the server's address")
        url = re.sub("//[^:/]+", "//127.0.0.1", url)
        yield Lab(url, folder / "runtime", project / "nbs", folder)
    finally:
        os.killpg(server.pid, SIGTERM)
        server.wait()


@contextmanager
def kernel(lab, notebook):
    "A client of the kernel of a notebook, once it is ready."
    ids = wait_until(lambda: lab.kernel_ids(notebook), LAB_SECONDS, "a kernel")
    file = lab.runtime / f"kernel-{ids[0]}.json"
    client = BlockingKernelClient(connection_file=str(file))
    client.load_connection_file()
    client.start_channels()
    try:
        client.wait_for_ready(400)  # a cell that trains may run before
        yield client
    finally:
        client.stop_channels()


def evaluate(client, code):
    "Return what code prints in the kernel, between two cells."
    printed = []

    def keep_text(message):
        printed.append(message["content"].get("text", ""))

    reply = client.execute_interactive(
        code, store_history=False, timeout=TRAINING_SECONDS, output_hook=keep_text
    )
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(printed).strip()


def wait_for_print(client, code, expected):
    "Wait until code prints a text in the kernel."
    description = f"{code} prints {expected}; it prints {evaluate(client, code)}"
    wait_until(lambda: evaluate(client, code) == expected, 30, description)


def write_notebook(lab, name, sources):
    "Write a notebook with a code cell for each source."
    kernelspec = dict(name="python3", display_name="python3")
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=dict(kernelspec=kernelspec))
    nbformat.write(notebook, lab.notebooks / name)


# Errors of JupyterLab itself, where a notebook is closed.
CLOSING_ERRORS = r"^Disposed$|Canceled future for \w+ message before replies were done"
# In the place of the notebooks that are open, which are saved: JupyterLab asks about no changes.
OPEN_NOTEBOOK = """async (path) => {
  const { commands } = window.jupyterapp;
  await commands.execute("docmanager:save-all");
  await commands.execute("application:close-all");
  await commands.execute("docmanager:open", { path });
}"""


@pytest.fixture(scope="module")
def lab_pages(chromium):
    pages = LocalPages(chromium)
    yield pages
    pages.close()


@pytest.fixture(scope="module")
def lab_page(lab, lab_pages):
    "JupyterLab in a browser with the first notebook open; it takes seconds to load."
    page = lab_pages.open(viewport=LONG_VIEWPORT, allowed_errors=CLOSING_ERRORS)
    page.add_init_script(FEW_EPOCHS)
    page.goto(lab.address("index.ipynb"))
    page.get_by_role("heading", name="lesson7").wait_for(timeout=LAB_SECONDS * 1000)
    return page


@pytest.fixture
def open_notebook(lab_page, lab_pages):
    """`open_notebook(name)`: JupyterLab's page with a notebook, whose kernel is idle.

    The test fails if the page has a console error, or makes a request to another machine.
    """

    def open_in_page(name):
        lab_page.evaluate(OPEN_NOTEBOOK, name)
        lab_page.get_by_text(KERNEL_IS_IDLE).wait_for(timeout=LAB_SECONDS * 1000)
        return lab_page

    yield open_in_page
    assert lab_pages.faults == []


def run_first_cell(page):
    page.locator(".jp-CodeCell").first.click()
    page.keyboard.press("Shift+Enter")


def code_cells(file):
    cells = json.loads(file.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_lab_opens_the_first_notebook(open_notebook):
    page = open_notebook("index.ipynb")
    page.get_by_role("heading", name="lesson7").wait_for(timeout=LAB_SECONDS * 1000)
    still = page.locator(".jp-OutputArea img").first
    assert still.is_visible()  # before a cell has been run


def run_all_cells(page):
    page.locator(".jp-Notebook").click()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def wait_for_last_cell(client, count):
    def has_run():
        executed = evaluate(client, EXECUTED_CELLS)
        assert executed.isdigit(), executed  # else it is the error of a cell
        return int(executed) == count

    wait_until(has_run, TRAINING_SECONDS, "the last cell has run")


def check_accuracies(client):
    accuracies = json.loads(evaluate(client, ACCURACIES))
    normalized, raw = accuracies["with its statistics"], accuracies["without"]
    assert normalized > 0.4 and raw < normalized - 0.2


def check_explorer_sets_python(page, client):
    "Check that controls change the explorer in Python, and that Python changes the page."
    page.keyboard.press("Control+Home")
    page.locator(".jp-Notebook .jp-WindowedPanel-outer").first.evaluate(SCROLL_UP)
    slider = page.get_by_label("Batch", exact=True).first
    slider.wait_for(state="attached")
    open_more(page)
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    wait_for_print(client, "print(explorer.draw)", "3")
    page.get_by_label("Normalize with").first.select_option("imagenet")
    wait_for_print(client, "print(explorer.stats.source)", "ImageNet")
    evaluate(client, "explorer.draw = 11")
    page.get_by_text("batch 12 of 40").wait_for()


def is_saving(response):
    is_notebook = "/api/contents/01_normalize.ipynb" in response.url
    return is_notebook and response.request.method == "PUT"


def check_saved_cells(page, file):
    "Save the notebook, and check that each cell has run without an error."
    with page.expect_response(is_saving):
        page.keyboard.press("Control+s")
    cells = code_cells(file)
    assert all(cell["execution_count"] for cell in cells)
    for cell in cells:
        assert "error" not in [output["output_type"] for output in cell["outputs"]]


@pytest.mark.slow
def test_the_explorer_of_chapter_one_sets_python(lab, open_notebook):
    page = open_notebook("01_normalize.ipynb")
    run_first_cell(page)
    with kernel(lab, "01_normalize.ipynb") as client:
        check_explorer_sets_python(page, client)


@pytest.mark.long
def test_all_of_chapter_one_runs(lab, open_notebook):
    file = lab.notebooks / "01_normalize.ipynb"
    page = open_notebook(file.name)
    run_all_cells(page)
    with kernel(lab, file.name) as client:
        wait_for_last_cell(client, len(code_cells(file)))
        check_accuracies(client)
        check_explorer_sets_python(page, client)
    check_saved_cells(page, file)


def press_something(explorer, rng):
    "Change one control of an explorer by keyboard; it is chosen at random."
    # What a pressed button shows is not a part of the state.
    controls = explorer.locator(f"{CONTROLS_INSIDE}:not([aria-pressed])").all()
    control = rng.choice([c for c in controls if c.is_visible() and c.is_enabled()])
    kind = control.evaluate(CONTROL_TYPE)
    if kind == "range":
        for _ in range(rng.randint(1, 6)):
            control.press(rng.choice(KEYS))
    elif kind == "select-one":
        control.select_option(index=rng.randrange(control.locator("option").count()))
    elif kind == "number":
        control.press(rng.choice(["ArrowUp", "ArrowDown"]))
    else:
        control.press("Space")


def shown(explorer):
    "Return the numbers, pixels and controls that an explorer shows."
    drawing = explorer.evaluate(DRAWING)
    return drawing["values"], drawing["canvases"], explorer.evaluate(CONTROL_VALUES)


def check_random_states(lab, client, variable, explorer, saved_page, count):
    "Check `count` states: what Python saves shows the same, without a kernel."
    rng = random.Random(42)
    file = lab.folder / f"{variable}.html"

    def is_same_in_python():
        evaluate(client, f"{variable}.save('{file}')")
        saved_page.goto(file.as_uri())
        wait_for_explorers(saved_page)
        open_more(saved_page)
        wait_for_drawing(saved_page)
        return shown(saved_page.locator(".l7")) == shown(explorer)

    for i in range(count):
        for _ in range(3):
            press_something(explorer, rng)
        wait_for_drawing(explorer.page)
        state = evaluate(client, f"print({variable})")
        wait_until(is_same_in_python, 30, f"state {i} in Python, which is {state}")


def check_tools(client, variable, explorer):
    "Check that the tools work with a kernel: Python and the page have the same state and code."
    tools = {button.inner_text(): button for button in explorer.locator(".l7-tools button").all()}
    before = evaluate(client, f"print({variable})")
    tools["Code"].click()
    code = explorer.locator("pre code").inner_text()
    assert code.strip() == evaluate(client, f"print({variable}.code())")
    tools["Pin"].click()
    wait_for_print(client, f"print(len({variable}.pinned) > 0)", "True")
    tools["Pin"].click()
    wait_for_print(client, f"print({variable}.pinned)", "{}")
    explorer.locator(".l7-headline [data-scrub]").first.press("ArrowLeft")
    wait_until(lambda: evaluate(client, f"print({variable})") != before, 30, "a change")
    for tool, is_before in (("Undo", True), ("Redo", False), ("Reset", True)):
        tools[tool].click()
        wait_until(
            lambda expected=is_before: (
                (evaluate(client, f"print({variable})") == before) == expected
            ),
            30,
            tool,
        )
    tools["Steps"].click()
    state = f"all(getattr({variable}, k) == v for k, v in {variable}.steps[0]['state'].items())"
    wait_for_print(client, f"print({state})", "True")
    tools["Steps"].click()
    tools["Reset"].click()
    check_picture(explorer, tools["Save picture"])


def check_picture(explorer, button):
    "Check that the saved picture has twice the width of the explorer, and its colours."
    with explorer.page.expect_download() as download:
        button.click()
    image = Image.open(download.value.path())
    assert image.width == 2 * math.ceil(explorer.bounding_box()["width"])
    colours = image.convert("RGB").resize((60, 60)).getcolors(3600)
    assert len(colours) > 50  # neither empty nor without its pictures


def select_next_cell(page, index):
    "Leave the output of a code cell, and select the cell below."
    page.locator(".jp-CodeCell").nth(index).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown")


@pytest.mark.parametrize(
    "names, count",
    [
        pytest.param(FEW, 2, id="few", marks=pytest.mark.slow),
        pytest.param(NAMES, 20, id="all", marks=pytest.mark.long),
    ],
)
def test_random_states_are_the_same_in_python(lab, open_notebook, new_page, names, count):
    no_stills = "from lesson7.explorers.base import Explorer\nExplorer.still = lambda self: b''"
    show = "from lesson7 import {0}\n{1} = {0}()\n{1}"
    variables = [name.lower() for name in names]
    sources = [show.format(*pair) for pair in zip(names, variables)]
    write_notebook(lab, "explorers.ipynb", [no_stills, *sources])
    page, saved_page = open_notebook("explorers.ipynb"), new_page(viewport=LONG_VIEWPORT)
    saved_page.add_init_script(FEW_EPOCHS)
    with kernel(lab, "explorers.ipynb") as client:
        run_first_cell(page)
        for i, variable in enumerate(variables):
            page.keyboard.press("Shift+Enter")  # runs the cell and selects the next one
            explorer = page.locator(".l7").nth(i)
            explorer.locator("canvas, svg").first.wait_for()
            open_more(page)
            check_tools(client, variable, explorer)
            check_random_states(lab, client, variable, explorer, saved_page, count)
            select_next_cell(page, 1 + i)


# Shortcuts of the command mode: cut, insert, copy, delete, to text, to code, undo, move.
COMMAND_KEYS = ["x", "a", "b", "c", "d", "d", "m", "y", "z", "j", "k", "Shift+M"]
# Errors of Notebook 7.6 itself: of its settings and its file browser.
NOTEBOOK_ERRORS = r"reading 'schema'|Command 'filebrowser:open-path' not registered"
CELLS = "(cells) => cells.map((cell) => cell.className.match(/jp-(Code|Markdown|Raw)Cell/)[1])"
ACTIVE_CELL = "(cells) => cells.findIndex((cell) => cell.classList.contains('jp-mod-active'))"


def notebook_state(page):
    "Return the type of each cell, and which of them is selected."
    cells = page.locator(".jp-Notebook .jp-Cell")
    return cells.evaluate_all(CELLS), cells.evaluate_all(ACTIVE_CELL)


def check_keys(page, control):
    "Check that keys on a control change nothing but the explorer, and that one of them does."
    control.focus()
    before = notebook_state(page)
    for key in COMMAND_KEYS:
        page.keyboard.press(key)
    assert notebook_state(page) == before, control
    value = control.input_value()
    for key in KEYS_OF_TYPE[control.evaluate(CONTROL_TYPE)]:
        page.keyboard.press(key)
        if control.input_value() != value:
            break
    assert control.input_value() != value, control
    assert notebook_state(page) == before, control


def is_new_session(response):
    return "/api/sessions" in response.url and response.request.method == "POST"


def check_ctrl_s(page, name):
    "Check that Control and S still save the notebook."

    def is_saving(response):
        return f"/api/contents/{name}" in response.url and response.request.method == "PUT"

    with page.expect_response(is_saving):
        page.keyboard.press("Control+s")


def check_explorer_keys(page, index, file):
    "Run the cell of an explorer, the `index`-th of a notebook, and check the keys of its controls."
    page.keyboard.press("Shift+Enter")  # runs the cell and selects the next one
    explorer = page.locator(".l7").nth(index)
    explorer.locator("canvas, svg").first.wait_for(timeout=LAB_SECONDS * 1000)
    open_more(page)
    controls = explorer.locator(CONTROLS_INSIDE).and_(
        page.locator("input:not([type=checkbox]), select")
    )
    shown_controls = [c for c in controls.all() if c.is_visible() and c.is_enabled()]
    assert shown_controls
    for control in shown_controls:
        check_keys(page, control)
    check_ctrl_s(page, file)


def check_keys_of_explorers(page, names, file):
    page.locator(IDLE_INDICATOR).first.wait_for(timeout=LAB_SECONDS * 1000)
    page.locator(".jp-CodeCell").first.click()
    for index in range(len(names)):
        check_explorer_keys(page, index, file)
        select_next_cell(page, index)


def write_explorers(lab, names, file):
    "Write a notebook with each explorer in a cell of its own."
    show = "from lesson7 import {0}\n{0}.still = lambda self: b''\n{0}()"
    write_notebook(lab, file, [*map(show.format, names), "# the last cell"])


# That each control of every explorer keeps its keys is tested on saved pages: `test_display.py`.
ONE_OR_ALL = pytest.mark.parametrize(
    "names",
    [
        pytest.param(ONE, id="one", marks=pytest.mark.slow),
        pytest.param(NAMES, id="all", marks=pytest.mark.long),
    ],
)


@ONE_OR_ALL
def test_keys_change_the_explorer_and_not_the_notebook_in_jupyterlab(lab, open_notebook, names):
    write_explorers(lab, names, "keys-lab.ipynb")
    check_keys_of_explorers(open_notebook("keys-lab.ipynb"), names, "keys-lab.ipynb")


@ONE_OR_ALL
def test_keys_change_the_explorer_and_not_the_notebook_in_notebook_7(lab, new_page, names):
    write_explorers(lab, names, "keys.ipynb")
    page = new_page(viewport=LONG_VIEWPORT, allowed_errors=NOTEBOOK_ERRORS)
    with page.expect_response(is_new_session, timeout=LAB_SECONDS * 1000):
        page.goto(lab.address("keys.ipynb", "notebooks"))
    check_keys_of_explorers(page, names, "keys.ipynb")


GUESS_CELL = """
from lesson7 import SmoothingExplorer
e = SmoothingExplorer(n=3, label=2)
e.still = lambda: b''
e"""


def answer_question(page, client):
    "Wait until Python has the question's state, and type the answer that it computes."
    eps, n, label = page.locator(STATE_CONTROLS).evaluate_all(NUMBERS)
    expected = f"{float(eps)} {n} {label}"
    wait_for_print(client, "print(float(e.eps), e.n, e.label)", expected)
    page.keyboard.type(f"{answer(page, 'smoothing'):.4f}")
    page.keyboard.press("Enter")


@pytest.mark.slow
def test_guess_sets_and_restores_the_state_in_python(lab, open_notebook):
    "Digits, Enter and Escape are keys of the guess, not shortcuts of JupyterLab."
    write_notebook(lab, "guess.ipynb", [GUESS_CELL.strip()])
    page = open_notebook("guess.ipynb")
    run_first_cell(page)
    guess = page.get_by_role("button", name="Guess")
    with kernel(lab, "guess.ipynb") as client:
        before = evaluate(client, "print(e)")
        n_cells = page.locator(".jp-Cell").count()
        guess.press("Enter")
        for k in range(1, 6):
            answer_question(page, client)
            page.get_by_text(f"{k} of {k} on this page").wait_for()
            page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        wait_for_print(client, "print(e)", before)
        assert page.locator(".jp-Cell").count() == n_cells
        assert guess.evaluate(IS_FOCUSED)


WORKBENCH_CELL = """
from lesson7 import sample_dataset
from lesson7.training.config import Recipe
from lesson7.workbench import Workbench
bench = Workbench(Recipe(size=16, epochs=1), sample_dataset(n_train=400, n_val=200))
bench"""


@pytest.mark.slow
def test_workbench_trains_and_stops(lab, open_notebook):
    write_notebook(lab, "bench.ipynb", [WORKBENCH_CELL.strip()])
    page = open_notebook("bench.ipynb")
    run_first_cell(page)
    train, stop = (page.get_by_role("button", name=name, exact=True) for name in ("Train", "Stop"))
    train.wait_for(timeout=120_000)
    page.get_by_label("smoothing").check()
    train.click()
    page.get_by_text("+ smoothing, seed 42: ").wait_for(timeout=300_000)
    rows = page.locator(".widget-html table tbody tr")
    assert rows.count() == 1 and page.locator(".widget-image").is_visible()
    page.get_by_label("epochs").fill("100")
    page.get_by_label("epochs").press("Tab")
    train.click()
    page.get_by_text(re.compile("epoch . of 100, about")).wait_for(timeout=120_000)
    stop.click()
    page.get_by_text("Stopped; the unfinished training has no result.").wait_for(timeout=60_000)
    assert train.is_enabled() and rows.count() == 1


MODEL_CELL = """
import time
import torch
from lesson7 import TTAExplorer

class Slow(torch.nn.Sequential):
    seconds = calls = 0

    def forward(self, x):
        Slow.calls += 1
        time.sleep(self.seconds)
        return super().forward(x)

torch.manual_seed(0)
model = Slow(torch.nn.AdaptiveAvgPool2d(8), torch.nn.Flatten(), torch.nn.Linear(192, 3))
with torch.no_grad():
    model[-1].weight.mul_(20)
e = TTAExplorer(learn=model, vocab=["a", "b", "c"], side=48)
e.still = lambda: b""
e"""
MODEL_ANSWERS = "The model in the kernel answers."
COMPUTED_BEFORE = "computed before"
SHOWN_VIEWS = ".l7-tta-term strong"
GRID_OF_FIRST = "[246, 0, 0, 0]"
PREDICTED = "import json; print(json.dumps(e.preds[:, int(e.answer.argmax())].tolist()))"


def check_views(client, explorer):
    "Check that the views have the values that Python predicts for the same state."

    def is_same():
        found = [float(text) for text in shown_values(explorer)]
        return found == pytest.approx(json.loads(evaluate(client, PREDICTED)), abs=1e-5)

    wait_until(is_same, 30, "the values that Python predicts")


def shown_values(explorer):
    return explorer.locator(SHOWN_VIEWS).evaluate_all("(all) => all.map((n) => n.dataset.value)")


@pytest.mark.slow
def test_model_in_the_kernel_answers_between_the_places_of_the_grid(lab, open_notebook):
    write_notebook(lab, "model.ipynb", [MODEL_CELL.strip(), "e"])
    page = open_notebook("model.ipynb")
    page.evaluate("globalThis.l7late = 60_000")
    run_first_cell(page)
    explorer, other = (page.locator(".l7").nth(i) for i in range(2))
    explorer.get_by_text(MODEL_ANSWERS).wait_for(timeout=LAB_SECONDS * 1000)
    page.keyboard.press("Shift+Enter")  # a second view
    other.get_by_text(MODEL_ANSWERS).wait_for(timeout=LAB_SECONDS * 1000)
    open_more(page)
    across = explorer.get_by_label("across", exact=True)
    with kernel(lab, "model.ipynb") as client:
        across.press("ArrowRight")
        wait_for_print(client, "print(round(120 * e.at[0][0]))", "1")
        check_views(client, explorer)
        wait_for_print(client, "print([len(one['preds']) for one in e.asked])", GRID_OF_FIRST)

        # A slow model: each view has one question at a time, and both have the last state's answer.
        evaluate(client, "Slow.seconds, Slow.calls = 0.1, 0")
        for key in ["ArrowRight"] * 60 + ["ArrowLeft"] * 40:
            across.press(key)
        wait_for_print(client, "print(round(120 * e.at[0][0]))", "21")
        wait_for_drawing(page)
        for view in (explorer, other):
            check_views(client, view)
        assert int(evaluate(client, "Slow.seconds = 0; print(Slow.calls)")) < 160

        # An error is one line, and the numbers are those of the grid.
        down = explorer.get_by_label("down", exact=True)
        evaluate(client, "Slow.seconds = 'x'")
        down.press("PageUp")
        error = explorer.get_by_text("cannot be interpreted as an integer")
        error.wait_for()
        evaluate(client, "Slow.seconds = 0")
        down.press("PageUp")
        error.wait_for(state="detached")
        check_views(client, explorer)

        # A cell that runs takes nothing from the answers, and training does not change them.
        client.execute("_ = model.train(), time.sleep(8)")
        down.press("PageUp")
        place = float(down.input_value())
        wait_until(lambda: not explorer.locator("[aria-busy=true]").count(), 30, "an answer")
        client.get_shell_msg(timeout=30)
        wait_for_print(client, "print(round(120 * e.at[0][1]))", f"{place:.0f}")
        check_views(client, explorer)
        assert evaluate(client, "print(model.training)") == "True"
        page.evaluate("globalThis.l7late = 1000")
        client.execute("import os; os._exit(1)")
    down.press("PageUp")
    explorer.get_by_text(COMPUTED_BEFORE).wait_for()
    before = shown(explorer)
    across.fill("8")  # JupyterLab may ask about the kernel, and take the keys
    wait_for_drawing(page)
    assert shown(explorer) != before


EXERCISE_CALL = re.compile(r"^check\.(\w+)\(my_\w+\)$", re.M)
SELECTED = ".jp-Cell.jp-mod-selected"
MOST_CELLS = 120  # of a chapter
CHAPTERS = ["01_normalize", "02_resize", "03_tta", "04_mixup", "05_smoothing"]


class Keyboard:
    "A notebook in JupyterLab in which only keys are pressed."

    def __init__(self, page):
        self.page = page

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def source(self):
        "Return the text of the selected cell."
        editor = self.page.locator(f"{SELECTED} .cm-content")
        return editor.inner_text() if editor.count() else ""

    def go_down_to(self, text):
        "Press the arrow key until the selected cell has a text."
        for _ in range(MOST_CELLS):
            if text in self.source():
                return
            self.press("ArrowDown")
        raise AssertionError(f"no cell with {text}")

    def run_with(self, source):
        "Replace the selected cell's text, run it, and return what it shows."
        self.press("Enter", "Control+a")
        self.page.keyboard.insert_text(source)
        self.press("Control+Enter")
        self.page.locator(f"{SELECTED} .jp-InputPrompt:text-matches('\\\\[\\\\d+\\\\]')").wait_for()
        keep_picture(self.page, "exercise")
        return self.page.locator(f"{SELECTED} .jp-OutputArea").inner_text()


def stubs(file):
    "Return exercise -> the text of its cell."
    sources = ["".join(cell["source"]) for cell in code_cells(file)]
    found = [(EXERCISE_CALL.search(source), source) for source in sources]
    return {call[1]: source for call, source in found if call}


@pytest.mark.long
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_exercises_are_solved_by_keyboard(lab, open_notebook, chapter):
    "From the first cell to the last exercise: a hint, an empty body, the answer."
    file = lab.notebooks / f"{chapter}.ipynb"
    page = open_notebook(file.name)
    page.locator(".jp-Notebook").focus()
    keyboard = Keyboard(page)
    keyboard.press("Escape", "Control+Home")
    keyboard.go_down_to("Explorer")
    keyboard.press("Control+Enter")
    page.locator(".l7").first.wait_for(timeout=LAB_SECONDS * 1000)
    for name, stub in stubs(file).items():
        keyboard.go_down_to(f"check.{name}(")
        assert f"Not attempted: {name}." in keyboard.run_with(stub)
        assert f"Hint 1 of 3: {name}." in keyboard.run_with(f"check.{name}.hint()")
        call = stub.splitlines()[-1]
        verdict = keyboard.run_with(f"{exercises()[name].solution}\n\n\n{call}")
        assert f"Right: {name}." in verdict, verdict


# ---- One kernel, several pages


SHOW_EXPLORER = "from lesson7 import SmoothingExplorer\nexplorer = SmoothingExplorer()\nexplorer"
SET_EPS = """(control) => {
  control.value = 0.5;
  control.dispatchEvent(new Event("input", { bubbles: true }));
}"""
KEY = "from ipywidgets.widgets.widget import _instances; key = explorer.model_id"


@pytest.mark.long
def test_two_tabs_show_one_explorer_and_clearing_its_output_keeps_it(lab, open_notebook, lab_pages):
    write_notebook(lab, "tabs.ipynb", [SHOW_EXPLORER])
    first = open_notebook("tabs.ipynb")
    run_first_cell(first)
    first.locator(".l7 svg").first.wait_for()
    first.keyboard.press("Control+s")
    second = lab_pages.open(viewport=LONG_VIEWPORT, allowed_errors=CLOSING_ERRORS)
    second.goto(lab.address("tabs.ipynb").replace("/lab/tree", "/lab/workspaces/second/tree"))
    second.locator(".l7 svg").first.wait_for(timeout=LAB_SECONDS * 1000)
    control = ".l7 input[data-trait=eps]"
    with kernel(lab, "tabs.ipynb") as client:
        second.locator(control).first.evaluate(SET_EPS)
        wait_for_print(client, "print(explorer.eps)", "0.5")
        expected = second.locator(control).first.input_value()
        value = first.locator(control).first
        wait_until(lambda: value.input_value() == expected, 30, "the value in the first tab")
        second.close()
        first.evaluate("() => jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
        first.locator(".l7").wait_for(state="detached")
        assert evaluate(client, f"{KEY}; print(key in _instances)") == "True"
        assert evaluate(client, "explorer.close(); print(key in _instances)") == "False"
