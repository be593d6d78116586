"A real Chromium that may ask for nothing outside this machine."
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
LOCAL = {"file", "data", "blob", "about"}


def find_chromium():
    "A system Chromium where there is one; None: Playwright's own."
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-background-networking"])
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium):
    "`new_page(**context options)`: a page that must end with no console error and no request that left the machine."
    contexts, trouble = [], []

    def allow(route):
        url = urlsplit(route.request.url)
        if url.scheme in LOCAL or url.hostname in ("localhost", "127.0.0.1"): return route.continue_()
        trouble.append(f"asked for {route.request.url}")
        route.abort()

    def new(**options):
        context = chromium.new_context(**options)
        context.route("**/*", allow)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: m.type == "error" and trouble.append(m.text))
        page.on("pageerror", lambda e: trouble.append(str(e)))
        return page

    yield new
    for context in contexts: context.close()
    assert trouble == []


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    "A cache folder of the tests' own, so that a learner's is neither used nor touched."
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def small(cache):
    "A sample dataset of 60 + 30 pictures."
    from lesson7.data import sample_dataset
    return sample_dataset(n_train=60, n_val=30)
