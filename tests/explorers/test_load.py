"Explorers under load: extreme images, folders of 10,000, 1,000 classes, thousands of changes."

import gc
import os
import tracemalloc

import numpy as np
import pytest
from explorer_examples import random_learner
from PIL import Image

from lesson7 import (
    MixupExplorer,
    NormalizeExplorer,
    ResizeExplorer,
    SmoothingExplorer,
    TTAExplorer,
)

OF_IMAGES = [MixupExplorer, NormalizeExplorer, ResizeExplorer, TTAExplorer]
MOST_MEMORY = 40e6  # bytes, while a folder of 10,000 images is opened
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


def test_a_model_with_1_000_classes_is_shown(tmp_path):
    learn = random_learner([f"class {i}" for i in range(1000)])
    explorer = TTAExplorer(learn=learn, side=48)
    assert explorer.save(tmp_path / "page.html").stat().st_size < 20e6
    explorer.close()


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
