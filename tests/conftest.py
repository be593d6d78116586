"Fixtures of several test files: a browser without the network, saved explorers, small data."

import functools
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser import find_chromium
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
NBS = ROOT / "nbs"
LIBRARY = ROOT / "lesson7"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    # No request leaves the machine. Blocking requests by `page.route` is a third slower.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]
LOCAL_SCHEMES = {"file", "data", "blob", "about"}
LOCAL_HOSTS = {"localhost", "127.0.0.1"}
NO_ERRORS = "(?!)"  # a pattern that no text matches
LONGEST_FILES = [
    "test_docs.py",
    "test_contract.py",
    "test_tools.py",
    "test_lab.py",
    "test_display.py",
    "test_guess_browser.py",
    "test_train_browser.py",
    "test_install.py",
    "test_contributing.py",
]


def pytest_collection_modifyitems(items):
    "Run the longest files first, so that no worker is left with one of them at the end."

    def rank(item):
        name = item.path.name
        return LONGEST_FILES.index(name) if name in LONGEST_FILES else len(LONGEST_FILES)

    items.sort(key=rank)


def notebook_files():
    "Return all notebooks in order, without JupyterLab's checkpoints."
    return sorted(f for f in NBS.rglob("*.ipynb") if ".ipynb_checkpoints" not in f.parts)


def module_files():
    "Return all modules of the package, `__init__.py` and nbdev's index left out."
    return sorted(LIBRARY.rglob("[a-z]*.py"))


def module_name(file):
    "Return the absolute name of the module in a file of the package."
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


class LocalPages:
    "Opens pages that reach only this machine, and collects their faults."

    def __init__(self, chromium):
        self.chromium = chromium
        self.contexts = []
        self.faults = []  # console errors, exceptions, requests to other machines

    def open(self, allowed_errors=NO_ERRORS, **options):
        "Return an empty page; `options` are those of a Playwright context."
        context = self.chromium.new_context(**options)
        self.contexts.append(context)
        context.on("requestfailed", self._keep_request)
        page = context.new_page()
        page.on("console", lambda message: self._keep(message, allowed_errors))
        page.on("pageerror", lambda error: self._keep_error(str(error), allowed_errors))
        return page

    def close(self):
        for context in self.contexts:
            context.close()

    def _keep_request(self, request):
        url = urlsplit(request.url)
        if url.scheme not in LOCAL_SCHEMES and url.hostname not in LOCAL_HOSTS:
            self.faults.append(f"request to {request.url}")

    def _keep(self, message, allowed_errors):
        if message.type == "error":
            self._keep_error(message.text, allowed_errors)

    def _keep_error(self, text, allowed_errors):
        if not re.search(allowed_errors, text):
            self.faults.append(text)


@pytest.fixture
def new_page(chromium):
    """`new_page(allowed_errors, **context options)`: an empty page.

    The test fails if a page has a console error, other than those that match the pattern
    `allowed_errors`, or makes a request to another machine.
    """
    pages = LocalPages(chromium)
    yield pages.open
    pages.close()
    assert pages.faults == []


@pytest.fixture(scope="session")
def saved_example(tmp_path_factory):
    "`saved_example(name)`: the HTML file of one of `explorer_examples.EXAMPLES`, saved once."
    from explorer_examples import EXAMPLES

    folder = tmp_path_factory.mktemp("explorers")

    @functools.cache
    def save(name):
        return EXAMPLES[name]().save(folder / f"{name}.html")

    return save


@pytest.fixture(scope="module")
def shared_explorers(chromium, saved_example):
    from explorer_page import load_explorer
    from shared_explorers import SharedExplorers

    def load(page, name):
        load_explorer(page, saved_example(name).as_uri())

    pages = LocalPages(chromium)
    yield SharedExplorers(pages, load)
    pages.close()


@pytest.fixture
def open_explorer(new_page, saved_example, shared_explorers, tmp_path):
    """`open_explorer(explorer, link, more, long, fresh, **context options)`: an explorer's page.

    explorer: an explorer, or the name of an example
    link: the end of the page's address
    more: whether the controls under "More" are shown
    long: whether trainings in the page have all of their epochs
    fresh: whether the page must not be one that other tests have used
    """
    from explorer_page import load_explorer

    def open_page(explorer, link="", more=True, long=False, fresh=False, **options):
        if isinstance(explorer, str):
            is_own = fresh or long or link
            if not is_own and shared_explorers.is_free(explorer, options):
                return shared_explorers.open(explorer, more, **options)
            file = saved_example(explorer)
        else:
            file = explorer.save(tmp_path / "explorer.html")
        page = new_page(**options)
        load_explorer(page, file.as_uri() + link, more, long)
        return page

    yield open_page
    assert shared_explorers.end_test() == []


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A cache folder of the tests' own: a learner's cache is neither used nor changed.

    All processes of a run have the same, so that each dataset is made once.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder /= "cache"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def small(cache):
    "A sample dataset of 60 + 30 images."
    from lesson7.data.samples import sample_dataset

    return sample_dataset(n_train=60, n_val=30)
