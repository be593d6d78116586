"Networks in pages in Firefox, by WebDriver BiDi: Playwright would need a Firefox of its own."

import json
import re
import shutil
import subprocess
import time
from itertools import count

import numpy as np
import pytest
import torch
from explorer_examples import random_learner

from lesson7 import SmoothingExplorer
from lesson7.data.samples import photos
from lesson7.explorers import networks
from lesson7.outputs import probabilities

websocket = pytest.importorskip("websocket")
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not networks.has_runtime(), reason=networks.NO_RUNTIME),
    pytest.mark.skipif(not FIREFOX, reason="Firefox is not installed"),
]

SECONDS = 120  # until Firefox has started, and until a network answers
SIDE = 32
# All requests go to a port where nobody answers.
SETTINGS = "".join(
    f'user_pref("network.proxy.{name}", {value});\n'
    for name, value in {"type": 1, "http": '"127.0.0.1"', "http_port": 9}.items()
)
PRESS = "document.querySelector('.l7-network button').click()"
IS_THERE = "Boolean(document.querySelector('.l7-network button'))"
ANSWERS = "document.querySelector('.l7-network')?.dataset.answers === 'page'"
VALUES = """[...document.querySelectorAll(".l7-smoothing-found [data-value]")].map(
  (node) => Number(node.dataset.value))"""


class Page:
    "A page of Firefox."

    def __init__(self, address):
        self.socket = websocket.create_connection(
            f"{address}/session", timeout=SECONDS, suppress_origin=True
        )
        self.ids = count(1)
        self.call("session.new", capabilities={})
        self.context = self.call("browsingContext.create", type="tab")["context"]

    def call(self, method, **params):
        number = next(self.ids)
        self.socket.send(json.dumps(dict(id=number, method=method, params=params)))
        while (answer := json.loads(self.socket.recv())).get("id") != number:
            pass
        assert answer["type"] == "success", answer
        return answer["result"]

    def open(self, file):
        address = file.as_uri()
        self.call("browsingContext.navigate", context=self.context, url=address, wait="complete")

    def evaluate(self, expression):
        target = dict(context=self.context)
        options = dict(target=target, awaitPromise=True)
        found = self.call("script.evaluate", expression=f"JSON.stringify({expression})", **options)
        return json.loads(found["result"].get("value", "null"))

    def wait_for(self, expression):
        end = time.monotonic() + SECONDS
        while not self.evaluate(expression):
            assert time.monotonic() < end, expression


@pytest.fixture
def page(tmp_path):
    (tmp_path / "user.js").write_text(SETTINGS)
    options = ["--headless", "--no-remote", "--profile", tmp_path, "--remote-debugging-port", "0"]
    firefox = subprocess.Popen([FIREFOX, *options], stderr=subprocess.PIPE, text=True)
    try:
        lines = iter(firefox.stderr.readline, "")
        found = (re.search(r"WebDriver BiDi listening on (ws://\S+)", line) for line in lines)
        yield Page(next(match[1] for match in found if match))
    finally:
        firefox.terminate()
        firefox.wait()


def test_a_saved_page_answers_as_torch(page, tmp_path):
    learn = {name: random_learner(["a", "b", "c"]) for name in ("hard", "smoothed")}
    for one in learn.values():
        one.loss_func = None
    explorer = SmoothingExplorer(None, learn, photos("coffee", "chelsea"), [0, 1], SIDE)
    page.open(explorer.save(tmp_path / "page.html", live=True))
    page.wait_for(IS_THERE)
    page.evaluate(PRESS)
    page.wait_for(ANSWERS)
    rows = [probabilities(one, torch.from_numpy(explorer.images))[0] for one in learn.values()]
    found = np.array(page.evaluate(VALUES)).reshape(2, 4)[:, :3]
    assert np.allclose(found, [np.sort(row)[::-1] for row in rows], atol=1e-4)
