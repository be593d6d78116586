"A real Chromium that makes no request to another machine, and data of the tests' own."

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser import find_chromium
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
NBS = ROOT / "nbs"
LIBRARY = ROOT / "lesson7"
LOCAL_SCHEMES = {"file", "data", "blob", "about"}
LOCAL_HOSTS = {"localhost", "127.0.0.1"}


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
    arguments = ["--no-sandbox", "--disable-background-networking"]
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=find_chromium(), args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium):
    """A function of Playwright's context options that opens a page.

    The test fails where a page has a console error or a request to another machine.
    """
    contexts, faults = [], []

    def allow_local(route):
        url = urlsplit(route.request.url)
        if url.scheme in LOCAL_SCHEMES or url.hostname in LOCAL_HOSTS:
            return route.continue_()
        faults.append(f"request to {route.request.url}")
        return route.abort()

    def keep_error(message):
        if message.type == "error":
            faults.append(message.text)

    def new(**options):
        context = chromium.new_context(**options)
        context.route("**/*", allow_local)
        contexts.append(context)
        page = context.new_page()
        page.on("console", keep_error)
        page.on("pageerror", lambda error: faults.append(str(error)))
        return page

    yield new
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    "A cache folder of the tests' own, so that a learner's is neither used nor changed."
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def small(cache):
    "A sample dataset of 60 + 30 images."
    from lesson7.data.samples import sample_dataset

    return sample_dataset(n_train=60, n_val=30)
