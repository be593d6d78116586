"Every reader of a JSON file: a damaged or forged one gets one line, never a wrong value."

import copy
import json
from dataclasses import dataclass

import pytest
import torch
from fastai.vision.all import CrossEntropyLossFlat, Learner

from lesson7 import Comparison, NormStats, Recipe, load_model, save_model
from lesson7 import share as sharing
from lesson7.course.check import _parse_progress
from lesson7.data.files import results_folder
from lesson7.data.json_files import parse_json
from lesson7.data.loaders import blank_dls
from lesson7.models import architecture
from lesson7.training.studies import Study, study_table

NUMBER_TEXTS = ("1e999", "NaN", "-Infinity", "1" + 400 * "0")  # as JSON text
OTHERS = (None, True, -1, 3.5, "", "text", "\ud800", [], [None], {}, [[1]], 5000 * "x")
DELETED = object()


@dataclass
class Reader:
    "A reader, and data that it reads."

    read: object  # a function of a text
    data: dict
    seal: object = staticmethod(lambda data: data)  # makes changed data a forgery that fits
    step: int = 1  # of so many texts, one is read


def places(node, above=()):
    "Yield the place of each value, the first one of a list."
    for key in node if isinstance(node, dict) else range(min(1, len(node))):
        yield (*above, key)
        if isinstance(node[key], (dict, list)):
            yield from places(node[key], (*above, key))


def changed(data, place, value):
    data = copy.deepcopy(data)
    *above, last = place
    at = data
    for key in above:
        at = at[key]
    if value is DELETED:
        del at[last]
    else:
        at[last] = value
    return data


def damaged_texts(reader):
    "Yield a text for each place and value, and texts that end early."
    whole = json.dumps(reader.data)
    yield from (whole[:end] for end in (0, 1, len(whole) // 2, len(whole) - 1))
    yield from ("[]", "null", "1", 100_000 * "[", whole.replace("{", "[", 1))
    for place in places(reader.data):
        for value in (*OTHERS, DELETED):
            yield json.dumps(reader.seal(changed(reader.data, place, value)))
        marked = json.dumps(reader.seal(changed(reader.data, place, "THE NUMBER")))
        yield from (marked.replace('"THE NUMBER"', text) for text in NUMBER_TEXTS)


def file_reader(path, load):
    "Return a function that writes a text to a file and loads it."

    def read(text):
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        return load(path)

    return read


def refusal(read, text):
    "Return the message of the `ValueError` for a text; None where it is read."
    try:
        read(text)
    except ValueError as e:
        return str(e)
    return None


def some_runs(name, n, about):
    data = json.loads((results_folder() / name).read_text())
    return {**data, "runs": data["runs"][:n], "about": about | data["about"]}


def saved_model(folder):
    dls = blank_dls(["cat", "dog"], 16, 16, NormStats((0.5,) * 3, (0.2,) * 3))
    model = architecture("xresnet18-narrow")(n_out=2)
    save_model(Learner(dls, model, loss_func=CrossEntropyLossFlat()), folder)
    return folder / "model.json"


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    file = folder / "file.json"
    model = saved_model(folder / "model")

    def seal(about):  # a digest is no signature: whoever changes the file can compute it again
        return about | {"digest": sharing._digest(about)}

    def load_and_predict(path):
        learn = load_model(path.parent)
        return learn.model.eval()(torch.zeros(1, 3, 16, 16))

    study = some_runs("resizing_seconds.json", 6, {})
    comparison = some_runs("digits.json", 2, {})
    comparison["runs"][0]["history"] = comparison["runs"][0]["history"][:1]
    return {
        "statistics": Reader(
            file_reader(file, NormStats.load), dict(mean=[0.5], std=[0.2], source="", n=1)
        ),
        "recipe": Reader(Recipe.from_json, Recipe.cpu().to_dict()),
        "study": Reader(file_reader(file, lambda path: study_table(Study.load(path))), study),
        "comparison": Reader(
            file_reader(file, lambda path: Comparison.load(path).table()), comparison
        ),
        "progress": Reader(_parse_progress, dict(format=1, done={"mix": "2026-11-27"})),
        "model": Reader(
            file_reader(model, load_and_predict), json.loads(model.read_text()), seal, step=7
        ),
    }


@pytest.mark.parametrize(
    "name", ["statistics", "recipe", "study", "comparison", "progress", "model"]
)
def test_a_damaged_file_gets_one_line(name, readers):
    reader = readers[name]
    reader.read(json.dumps(reader.data))
    texts = list(damaged_texts(reader))[:: reader.step]
    messages = [message for text in texts if (message := refusal(reader.read, text))]
    assert len(messages) > 30
    for message in messages:
        assert "\n" not in message
        assert len(message) < 1200


@pytest.mark.parametrize("field", ["vocab", "size", "presize", "stats", "arch", "weights"])
def test_a_forged_model_without_a_field_is_refused(field, readers):
    reader = readers["model"]
    text = json.dumps(reader.seal(changed(reader.data, (field,), DELETED)))
    with pytest.raises(ValueError, match=f"must be a file that save_model wrote, got no {field}"):
        reader.read(text)


@pytest.mark.parametrize("vocab", [["cat", " "], ["cat", "cat"], ["cat", "\ud800"], ["cat", 1]])
def test_a_forged_vocabulary_is_refused(vocab, readers):
    reader = readers["model"]
    with pytest.raises(ValueError, match="for vocab"):
        reader.read(json.dumps(reader.seal(changed(reader.data, ("vocab",), vocab))))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": [1, "2"]}', 'got "2" for a[1]'),
        ("{}", "got no a"),
        ('{"a": [1.5]}', "got 1.5 for a[0]"),
        ('{"a": [9223372036854775808]}', "a number of 19 digits"),
        ('{"a": [1]', "got no JSON"),
    ],
)
def test_a_message_names_the_place(text, found):
    schema = {"required": ["a"], "properties": {"a": {"items": {"type": "integer"}}}}
    message = refusal(lambda text: parse_json(text, schema, "text", "a list"), text)
    assert found in message
