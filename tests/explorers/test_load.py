"Explorers under load: extreme images, folders of 10,000, 1,000 classes, thousands of changes."

import gc
import os
import tracemalloc

import numpy as np
import pytest
from explorer_examples import NAMES, random_learner
from PIL import Image

import lesson7
from lesson7 import (
    MixupExplorer,
    NormalizeExplorer,
    ResizeExplorer,
    SmoothingExplorer,
    TTAExplorer,
)

OF_IMAGES = [MixupExplorer, NormalizeExplorer, ResizeExplorer, TTAExplorer]
MOST_MEMORY = 40e6  # bytes, while a folder of 10,000 images is opened
MEMORY_OF_ONE = 0.8e6  # bytes, the mean over all explorers
kinds = pytest.mark.parametrize("kind", OF_IMAGES, ids=lambda kind: kind.__name__)


def noise(width, height):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@kinds
@pytest.mark.parametrize("size", [(1, 1), (20_000, 20), (20, 20_000)], ids=str)
def test_images_of_extreme_sizes_are_shown(kind, size):
    if kind is NormalizeExplorer and size == (1, 1):  # the std of one pixel is 0
        with pytest.raises(ValueError, match="^std must be above 0.*cannot be normalized$"):
            kind([noise(*size)])
        return
    explorer = kind([noise(*size)])
    assert len(explorer.still()) > 1000
    explorer.close()


@pytest.fixture(scope="module")
def large_folder(tmp_path_factory):
    "A folder with 10,000 images, all of them links to one file."
    folder = tmp_path_factory.mktemp("large")
    noise(64, 64).save(folder / "00000.jpg")
    for i in range(1, 10_000):
        os.link(folder / "00000.jpg", folder / f"{i:05}.jpg")
    return folder


@kinds
def test_a_folder_of_10_000_images_takes_little_memory(kind, large_folder):
    tracemalloc.start()
    try:
        explorer = kind(large_folder)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < MOST_MEMORY
    explorer.close()


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.long)])
def test_explorers_take_little_memory_and_give_it_back(count):
    "A notebook with many explorers. ipywidgets keeps each of them until `close`."
    kinds = [getattr(lesson7, name) for name in NAMES]
    for kind in kinds:  # what the first one loads stays
        kind().close()
    gc.collect()
    tracemalloc.start()
    try:
        explorers = [kinds[i % len(kinds)]() for i in range(count)]
        gc.collect()
        opened, _ = tracemalloc.get_traced_memory()
        while explorers:
            explorers.pop().close()
        gc.collect()
        closed, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert opened / count < MEMORY_OF_ONE
    assert closed / count < MEMORY_OF_ONE / 10


def test_a_model_with_1_000_classes_is_shown(tmp_path):
    learn = random_learner([f"class {i}" for i in range(1000)])
    explorer = TTAExplorer(learn=learn, side=48)
    assert explorer.save(tmp_path / "page.html").stat().st_size < 20e6
    explorer.close()


CHANGE = """async (count) => {
  const controls = [...document.querySelectorAll(".l7 input[type=range]")];
  for (let i = 0; i < count; i++) {
    const control = controls[i % controls.length];
    const { min, max } = control;
    control.value = Number(min) + ((i * 37) % 100) / 100 * (max - min);
    control.dispatchEvent(new Event("input", { bubbles: true }));
    if (i % 10 === 9) await new Promise(requestAnimationFrame);
  }
}"""


def page_memory(page):
    "Return the bytes of a page's objects, and the numbers of its nodes and listeners."
    session = page.context.new_cdp_session(page)
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    counts = session.send("Memory.getDOMCounters")
    session.detach()
    return used, counts["nodes"], counts["jsEventListeners"]


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_memory_of_a_page_stays_the_same_over_many_changes(name, open_explorer):
    page = open_explorer(name, fresh=True)
    page.evaluate(CHANGE, 500)
    used, nodes, listeners = page_memory(page)
    page.evaluate(CHANGE, 10_000)
    used_after, nodes_after, listeners_after = page_memory(page)
    assert used_after - used < 500_000
    assert nodes_after - nodes < 100
    assert listeners_after <= listeners


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.long)])
def test_memory_stays_the_same_over_many_changes(count):
    explorer = SmoothingExplorer()

    def change(times):
        for i in range(times):
            explorer.set_state(dict(eps=(i % 90) / 100))
            explorer.get_state("eps")
        gc.collect()

    tracemalloc.start()
    try:
        change(50)
        before, _ = tracemalloc.get_traced_memory()
        change(count)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100_000
    explorer.close()
