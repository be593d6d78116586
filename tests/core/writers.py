"Everything that writes files for a reader: how to write a first and a second version, and read it."

import json
import os
import sqlite3
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from learners import tiny_learner
from PIL import Image
from safetensors.torch import load

from lesson7 import Comparison, NormStats, SmoothingExplorer, save_model
from lesson7 import share as sharing
from lesson7.course import notebooks
from lesson7.course.check import _read_progress, _record
from lesson7.course.questions import write_deck
from lesson7.data.files import Presized, open_image
from lesson7.data.loaders import blank_dls
from lesson7.data.samples import sample_dataset


@dataclass(frozen=True)
class Writer:
    "What writes in a folder, and what reads it again."

    write: object  # of the folder and the version, 0 or 1; may return a message
    read: object  # of the folder; returns the version; raises an error for anything half-written


def write_page(folder, version):
    SmoothingExplorer(eps=(0.1, 0.123)[version]).save(folder / "page.html")


def read_page(folder):
    text = (folder / "page.html").read_text()
    assert text.endswith("</html>\n")
    return int('"eps": 0.123' in text)


@cache
def model_files(version):
    "Return what `save_model` passes on to be written."
    stats = NormStats((0.5,) * 3, ((0.2, 0.3)[version],) * 3)
    learn = tiny_learner(blank_dls(["cat", "dog"], 16, 16, stats))
    torch.nn.init.constant_(learn.model[-1].bias, version)
    found = []
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(sharing, "_write_model", lambda path, *files: found.extend(files))
        save_model(learn, Path(folder, "model"))
    return found


def write_model(folder, version):
    sharing._write_model(folder / "model", *model_files(version))


def read_model(folder):
    about = json.loads((folder / "model" / "model.json").read_text())
    weights = folder / "model" / f"weights-{about['weights'][:16]}.safetensors"
    load(weights.read_bytes())
    return 0 if about["stats"]["std"][0] < 0.25 else 1


def write_results(folder, version):
    Comparison([], dict(note=str(version) * 9000)).save(folder / "results.json")


def read_results(folder):
    return int(json.loads((folder / "results.json").read_text())["about"]["note"][0])


def write_datasets(folder, version):
    "Write a dataset; the second version is a second one beside it."
    if version:
        read_datasets(folder)
    sample_dataset(folder / f"digits-{version}", 10, 10)


def read_datasets(folder):
    datasets = sorted(folder.glob("digits-*"))
    for dataset in datasets:
        sample_dataset(dataset, 10, 10)
        assert len(list(dataset.rglob("*.jpg"))) == 20
    return len(datasets) - 1


def write_pixels(folder, version):
    file = folder.parent / f"{version}.png"
    Image.linear_gradient("L").rotate(90 * version).save(file)
    pixels = Presized(100, folder=folder / "pixels")(file)
    assert pixels.tobytes() == open_image(file, 100).tobytes()


def read_pixels(folder):
    cached = list(folder.rglob("*.ppm"))
    for file in cached:
        Image.open(file).load()
    return len(cached) - 1


def write_progress(folder, version):
    os.environ["XDG_DATA_HOME"] = str(folder)
    _, problem = _record(("mix", "smooth")[version])
    return problem


def read_progress(folder):
    os.environ["XDG_DATA_HOME"] = str(folder)
    done, message = _read_progress()
    assert not message
    return len(done) - 1


ALL_NOTEBOOKS = notebooks._editions


def write_notebooks(folder, version):
    editions = ALL_NOTEBOOKS

    def two_notebooks(clean):
        found = dict(list(editions(clean).items())[:2])
        for nb in found.values():
            nb["cells"][0]["source"] = [f"# Version {version}"]
        return found

    notebooks._editions = two_notebooks
    write = notebooks.update_notebooks if version else notebooks.copy_notebooks
    write(folder / "mine")


def read_notebooks(folder):
    files = sorted((folder / "mine").glob("*.ipynb"))
    assert [file.name for file in files] == ["00_measure.ipynb", "01_normalize.ipynb"]
    texts = [json.loads(file.read_text()) for file in files]
    return min(int(nb["cells"][0]["source"][0][-1]) for nb in texts)


def write_cards(folder, version):
    chapters = folder.parent / f"chapters-{version}"
    chapters.mkdir(exist_ok=True)
    for name in ("01_normalize.ipynb", "02_resize.ipynb")[: version + 1]:
        (chapters / name).write_bytes((notebooks.notebook_folder() / name).read_bytes())
    write_deck(folder / "deck.apkg", chapters)


def read_cards(folder):
    with zipfile.ZipFile(folder / "deck.apkg") as deck:
        assert deck.testzip() is None
        data = deck.read("collection.anki2")
    collection = sqlite3.connect(":memory:")
    collection.deserialize(data)
    fields = [text for (text,) in collection.execute("select flds from notes")]
    chapters = [text.rpartition("\x1f")[2] for text in fields]
    return int(chapters.count("Progressive resizing") > 3)  # three are on the technique


WRITERS = {
    "a saved page": Writer(write_page, read_page),
    "a model": Writer(write_model, read_model),
    "results": Writer(write_results, read_results),
    "a sample dataset": Writer(write_datasets, read_datasets),
    "decoded pixels": Writer(write_pixels, read_pixels),
    "the progress file": Writer(write_progress, read_progress),
    "notebooks": Writer(write_notebooks, read_notebooks),
    "the deck for Anki": Writer(write_cards, read_cards),
}
