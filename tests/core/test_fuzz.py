"""What others can send: files, tables, recipes, messages of a page. Any of it is read, or refused.

A refusal is a `ValueError` of one line. The budget is small and the same each time; `make long` has
a large one, with new inputs each time.
"""

import io
import json
import struct

import numpy as np
import pytest
from explorer_examples import random_learner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from learners import tiny_learner
from PIL import Image
from traitlets import TraitError

from lesson7 import (
    MixupExplorer,
    NormStats,
    Recipe,
    SmoothingExplorer,
    TTAExplorer,
    load_model,
    save_model,
)
from lesson7 import share as sharing
from lesson7.data.folders import dataset_files
from lesson7.data.images import as_image
from lesson7.data.loaders import blank_dls
from lesson7.explorers.networks import open_learner

BUDGETS = [pytest.param(40, id="quick"), pytest.param(3000, id="large", marks=pytest.mark.long)]
budget = pytest.mark.parametrize("n", BUDGETS)

STATS = NormStats((0.5,) * 3, (0.2,) * 3)
HOSTILE_NUMBERS = [2**31, 2**63, -(2**63), 10**400, 1e308, float("nan"), float("inf"), -0.0]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(HOSTILE_NUMBERS)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


def fuzz(n, strategy, use):
    "Call `use` with n inputs of a strategy."
    options = dict(max_examples=n, deadline=None, derandomize=n < 100, database=None)
    settings(**options, suppress_health_check=list(HealthCheck))(given(strategy)(use))()


def refusal(read, *arguments):
    "Return the message with which something is refused; None where it is read."
    try:
        read(*arguments)
    except (ValueError, TraitError) as e:
        message = str(e)
    else:
        return None
    assert "\n" not in message.strip()
    return message


def damaged(data):
    "Return a strategy: data with bytes changed, cut off, repeated or put in."
    place = st.integers(0, len(data))
    change = st.tuples(place, place, st.binary(max_size=8))
    return st.lists(change, min_size=1, max_size=4).map(lambda changes: _change(data, changes))


def _change(data, changes):
    for start, end, inserted in changes:
        data = data[:start] + inserted + data[end:] if start % 3 else data[:end] + inserted
    return data


@budget
def test_any_value_in_a_recipe_is_read_or_refused(n):
    fields = Recipe.cpu().to_dict()

    def use(pair):
        name, value = pair
        refusal(Recipe.from_json, json.dumps(fields | {name: value}))

    fuzz(n, st.tuples(st.sampled_from([*fields, "other"]), VALUES), use)


def encoded_images():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8))
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "PPM"):
        file = io.BytesIO()
        image.save(file, kind)
        yield file.getvalue()


@budget
def test_any_bytes_of_an_image_are_read_or_refused(n):
    strategies = [damaged(data) for data in encoded_images()]

    def use(data):
        refusal(as_image, data)

    fuzz(n, st.one_of(st.binary(max_size=60), *strategies), use)


CELLS = st.sampled_from(
    [
        "a.jpg",
        "b.jpg",
        "../a.jpg",
        "/etc/passwd",
        "..",
        "cat",
        "=1+1",
        "@x",
        "",
        '"',
        "\0",
        "ü",
        "7",
    ]
) | st.text(max_size=6)


@budget
def test_any_table_lists_files_of_its_folder_or_is_refused(n, tmp_path):
    outside = tmp_path / "a.jpg"
    folder = tmp_path / "data"
    folder.mkdir()
    for file in (outside, folder / "a.jpg", folder / "b.jpg"):
        Image.new("RGB", (2, 2)).save(file)

    def use(table):
        rows, mark = table
        text = "\n".join(mark.join(row) for row in rows)
        (folder / "labels.csv").write_bytes(text.encode("utf-8", "surrogatepass"))
        listed = []
        refusal(lambda: listed.append(dataset_files(folder, csv_fname="labels.csv")))
        for files in listed:
            for path, _ in [*files.train, *files.val]:
                assert path.resolve().is_relative_to(folder), path

    use(([["../a.jpg", "../a.jpg", '"', "a.jpg"], ["a.jpg", '"'], ["a.jpg"]], ","))
    rows = st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=5)
    fuzz(n, st.tuples(rows, st.sampled_from([",", ";", "\t"])), use)


@pytest.fixture(scope="module", params=["Smoothing", "Mixup", "TTA"])
def explorer(request):
    kinds = {
        "Smoothing": SmoothingExplorer,
        "Mixup": MixupExplorer,
        "TTA": lambda: TTAExplorer(learn=random_learner(["a", "b", "c"]), side=48),
    }
    return kinds[request.param]()


def test_a_number_of_400_digits_is_no_state(explorer):
    values = dict(eps=10**400, t=10**400, at=[[10**400, 0]])
    name = next(name for name in values if explorer.has_trait(name))
    before = getattr(explorer, name)
    assert "numbers below 1e308" in refusal(explorer.set_state, {name: values[name]})
    assert getattr(explorer, name) == before


@budget
def test_any_message_of_a_page_leaves_a_state_that_is_possible(n, explorer):
    names = explorer.trait_names(sync=True, state=True)

    def use(message):
        name, value, content = message
        before = getattr(explorer, name)
        if refusal(explorer.set_state, {name: value}):
            assert getattr(explorer, name) == before
        explorer._handle_custom_msg(content, [])
        explorer._handle_custom_msg(dict(kind="question", id=value, question=content), [])
        explorer._check_state({name: getattr(explorer, name) for name in names})

    fuzz(n, st.tuples(st.sampled_from(names), VALUES, VALUES), use)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    "The folder of a saved model, its `model.json` and its weights."
    folder = tmp_path_factory.mktemp("fuzz") / "model"
    save_model(tiny_learner(blank_dls(["cat", "dog"], 16, 16, STATS)), folder)
    return folder, json.loads((folder / "model.json").read_text())


def forge(folder, about, weights):
    "Write weights that `model.json` names with right digests: a digest is no signature."
    for file in folder.glob("weights-*"):
        file.unlink()
    digest = sharing.hashlib.sha256(weights).hexdigest()
    about = about | dict(weights=digest)
    about = about | dict(digest=sharing._digest(about))
    (folder / f"weights-{digest[:16]}.safetensors").write_bytes(weights)
    (folder / "model.json").write_text(json.dumps(about))


HEADERS = [  # of a safetensors file, as JSON
    {},
    {"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}},
    {"x": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}},
    {"x": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}},
    {"x": {"dtype": "NO", "shape": [1], "data_offsets": [0, 4]}},
    {"../../x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}},
]


@budget
def test_any_weights_with_right_digests_are_read_or_refused(n, model):
    folder, about = model
    original = next(folder.glob("weights-*")).read_bytes()
    headers = [json.dumps(header).encode() for header in HEADERS]
    hostile = [struct.pack("<Q", len(text)) + text + bytes(4) for text in headers]
    hostile += [struct.pack("<Q", 2**63) + b"{}", b""]

    def use(weights):
        forge(folder, about, weights)
        message = refusal(load_model, folder)
        assert message or len(weights) >= len(original)

    fuzz(n, st.sampled_from(hostile) | damaged(original), use)
    for weights in hostile:
        forge(folder, about, weights)
        assert refusal(load_model, folder)


def onnx_file(shape_in, shape_out):
    "Return an ONNX file of a node that passes its input on."
    from onnx import TensorProto, helper

    kind = TensorProto.FLOAT
    ends = [helper.make_tensor_value_info(n, kind, s) for n, s in zip("xy", (shape_in, shape_out))]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "g", *[[e] for e in ends]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_an_onnx_file_that_is_no_classifier_is_refused(tmp_path):
    file = tmp_path / "a.onnx"
    good = onnx_file([1, 3, 8, 8], [1, 3, 8, 8]).SerializeToString()
    for data in (b"", b"no network", good, good[: len(good) // 2]):
        file.write_bytes(data)
        message = refusal(open_learner, file, ["cat", "dog"])
        assert message.startswith(f"{file} must be an ONNX file of a classifier")
