"Saved models: equal predictions after loading, errors for damaged files, interrupted saves."

import hashlib
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from fastai.vision.all import (
    Callback,
    DataLoaders,
    Learner,
    Normalize,
    Resize,
    aug_transforms,
    get_image_files,
)
from fastai.vision.models.xresnet import xresnet34
from learners import lesson_block, normalize_transform
from PIL import Image
from torch import nn

from lesson7 import share as sharing
from lesson7.data.loaders import get_dls
from lesson7.models import architecture
from lesson7.normalize import NormStats
from lesson7.onnx import export_onnx
from lesson7.share import _architecture_shapes, _digest, load_model, save_model
from lesson7.training.config import Recipe
from lesson7.training.loop import train
from lesson7.tta import tta

narrow_xresnet18 = architecture("xresnet18-narrow")


@pytest.fixture(scope="module")
def learn(small):
    recipe = Recipe(size=24, bs=16, epochs=2, normalize=True, smoothing=0.1)
    learn = train(recipe, small, bar=False).learn
    learn.remove_cb(learn.progress)
    return learn


@pytest.fixture(scope="module")
def saved_model(learn, tmp_path_factory):
    return save_model(learn, tmp_path_factory.mktemp("share") / "model")


@pytest.fixture
def model(saved_model, tmp_path):
    "The folder of a saved model, which may be changed."
    return shutil.copytree(saved_model, tmp_path / "model")


@pytest.fixture
def files(small, tmp_path):
    "Image files: twenty of the dataset, a grey one, and a tall one with transparency."
    grey, transparent = tmp_path / "grey.png", tmp_path / "transparent.png"
    Image.new("L", (300, 200), 90).save(grey)
    noise = np.random.default_rng(0).integers(0, 256, (160, 90, 4), dtype=np.uint8)
    Image.fromarray(noise).save(transparent)
    return [*validation_files(small)[:20], grey, transparent]


def validation_files(path):
    return sorted((path / "val").glob("*/*.jpg"))


def predict(learn, files):
    with learn.no_bar():
        return learn.get_preds(dl=learn.dls.test_dl(files))[0]


def predict_with_tta(learn, files):
    with learn.no_bar():
        return tta(learn, dl=learn.dls.test_dl(files))[0]


def torch_learner(dls, model):
    return Learner(dls, model, loss_func=nn.CrossEntropyLoss())


# ---- Predictions after loading


@pytest.mark.filterwarnings("error:The model's first batch")
def test_a_loaded_model_has_the_same_predictions(learn, model, files):
    loaded = load_model(model)
    assert torch.allclose(predict(learn, files), predict(loaded, files), atol=1e-6)
    expected = predict_with_tta(learn, files)
    assert torch.allclose(expected, predict_with_tta(loaded, files), atol=1e-6)
    assert list(loaded.dls.vocab) == list(learn.dls.vocab)


@pytest.mark.filterwarnings("error:The model's first batch")
def test_a_loaded_model_can_be_saved_again(model, files, tmp_path):
    loaded = load_model(model)
    again = load_model(save_model(loaded, tmp_path / "again"))
    assert torch.equal(predict(loaded, files), predict(again, files))


def test_statistics_sizes_and_architecture_are_saved(learn, model):
    about = json.loads((model / "model.json").read_text())
    mean = normalize_transform(learn.dls).mean.flatten().tolist()
    assert about["stats"]["mean"] == mean
    assert (about["size"], about["presize"]) == (24, 128)
    assert about["arch"] == "xresnet18-narrow"


def test_a_batch_without_normalization_causes_a_warning(model, files):
    loaded = load_model(model)
    for dl in loaded.dls.loaders:
        dl.after_batch.fs.remove(normalize_transform(dl))
    with pytest.warns(UserWarning, match="first batch looks wrong. Not normalized"):
        predict(loaded, files[:8])


@pytest.mark.filterwarnings("error:The model's first batch")
@pytest.mark.parametrize("color", [(255, 255, 255), (110, 110, 110), (0, 0, 0), (180, 210, 250)])
def test_an_image_of_one_color_causes_no_warning(model, color):
    loaded, images = load_model(model), [Image.new("RGB", (90, 60), color)]
    predict(loaded, images)
    predict_with_tta(loaded, images)


@pytest.mark.parametrize(
    "stats, message",
    [
        (None, "Not normalized"),
        (NormStats((0.2,) * 3, (0.1,) * 3), "made with other statistics"),
    ],
    ids=["not normalized", "other statistics"],
)
def test_a_batch_of_other_loaders_is_checked(model, small, stats, message):
    loaded = load_model(model)
    valid = get_dls(8, 24, small, stats).valid
    with loaded.no_bar(), pytest.warns(UserWarning, match=message):
        loaded.get_preds(dl=valid)


class Bfloat16(Callback):
    "Runs the model in autocast with weights in float32, as fastai does on a GPU."

    def before_batch(self):
        self.cast = torch.autocast("cpu", torch.bfloat16)
        self.cast.__enter__()

    def after_pred(self):
        self.learn.pred = self.pred.float()

    def after_batch(self):
        self.cast.__exit__(None, None, None)


def test_a_learner_that_trained_in_bfloat16_is_saved_in_float32(small, tmp_path):
    recipe = Recipe(size=24, bs=16, epochs=1, normalize=True)
    learn = train(recipe, small, cbs=[Bfloat16()], bar=False).learn
    files = validation_files(small)
    rounded = predict(learn, files)
    with learn.no_bar():
        loaded = load_model(save_model(learn, tmp_path / "model"))
    learn.remove_cb(Bfloat16)
    assert torch.allclose(predict(loaded, files), predict(learn, files), atol=1e-6)
    assert not torch.allclose(predict(loaded, files), rounded, atol=1e-6)


# ---- Learners that can be saved


class RaiseInFit(Callback):
    def before_fit(self):
        raise AssertionError("a fit was started")

    def before_validate(self):
        raise AssertionError("a validation was started")


def test_saving_calls_no_callback_and_leaves_the_model_unchanged(learn, tmp_path):
    learn.model.train()
    with learn.added_cbs(RaiseInFit()):
        save_model(learn, tmp_path / "model")
    assert learn.model.training
    assert next(learn.model.parameters()).requires_grad


def test_learn_export_raises_on_this_learner(learn, tmp_path):
    "A claim of the chapter: if this test fails, change the chapter."
    with pytest.raises(TypeError, match="cannot pickle"):
        learn.export(tmp_path / "learner.pkl")


def test_a_learner_on_the_lessons_loaders_can_be_saved(small, tmp_path):
    augment = aug_transforms(size=32, min_scale=0.75)
    block = lesson_block(Resize(460), [*augment, Normalize()])
    dls = block.dataloaders(small / "train", bs=16, num_workers=0)
    learn = torch_learner(dls, narrow_xresnet18(n_out=10))
    loaded = load_model(save_model(learn, tmp_path / "model"))
    files = get_image_files(small / "val")[:6]
    expected = predict(learn, files).softmax(1)
    assert torch.allclose(expected, predict(loaded, files), atol=1e-6)


def test_a_model_without_statistics_is_loaded_without_them(small, tmp_path):
    learn = train(Recipe(size=16, bs=16, epochs=1), small, bar=False).learn
    loaded = load_model(save_model(learn, tmp_path / "model"))
    files = validation_files(small)[:5]
    assert torch.allclose(predict(learn, files), predict(loaded, files), atol=1e-6)


def test_the_architecture_of_a_fastai_model_is_found(small, tmp_path):
    dls = get_dls(8, 32, small, stats="batch")
    save_model(torch_learner(dls, xresnet34(n_out=10)), tmp_path / "model")
    about = json.loads((tmp_path / "model" / "model.json").read_text())
    assert about["arch"] == "xresnet34"


def test_an_unknown_architecture_name_is_not_used(small, tmp_path):
    model = narrow_xresnet18(n_out=10)
    model.architecture = "net of mine"
    saved = save_model(torch_learner(get_dls(8, 24, small), model), tmp_path / "model")
    assert json.loads((saved / "model.json").read_text())["arch"] == "xresnet18-narrow"


def test_shapes_of_an_architecture_need_no_weights():
    before = torch.get_rng_state()  # first weights would be drawn
    shapes = _architecture_shapes.__wrapped__("xresnet18", 7)
    assert torch.equal(torch.get_rng_state(), before)
    expected = architecture("xresnet18")(n_out=7).state_dict()
    assert shapes == {name: weight.shape for name, weight in expected.items()}


# ---- Learners that cannot be saved


def model_with_other_activation():
    "Return a model whose weights have the names and shapes of the narrow xresnet18's."
    return narrow_xresnet18(act_cls=nn.GELU, n_out=10)


def test_save_model_raises_on_another_model_with_the_weights_of_an_architecture(small, tmp_path):
    learn = torch_learner(get_dls(16, 24, small), model_with_other_activation())
    message = "learn must be .* xresnet18-narrow .*, got different predictions"
    with pytest.raises(ValueError, match=message):
        save_model(learn, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_save_model_raises_on_changed_transforms(small, tmp_path):
    learn = torch_learner(get_dls(16, 24, small), narrow_xresnet18(n_out=10))
    transforms = learn.dls.valid.after_item.fs
    resize = next(t for t in transforms if type(t).__name__ == "Resize")
    resize.method = "squish"
    with pytest.raises(
        ValueError,
        match="learn must be a learner that .* xresnet18-narrow .*, got different predictions",
    ):
        save_model(learn, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_save_model_raises_on_loaders_without_sizes(tmp_path):
    images = [(torch.zeros(3, 8, 8), 0)]
    dls = DataLoaders.from_dsets(images, images, bs=1, device="cpu")
    learn = torch_learner(dls, nn.Identity())
    learn.dls.vocab = ["0"]
    with pytest.raises(
        ValueError, match="dls must be loaders with a Resize .*, got sizes None and None"
    ):
        save_model(learn, tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("name", ["thesis", "thesis/chapter.txt"])
def test_save_model_replaces_nothing_but_a_model(learn, tmp_path, name):
    chapter = tmp_path / "thesis" / "chapter.txt"
    chapter.parent.mkdir()
    chapter.write_text("years")
    with pytest.raises(
        ValueError, match="must be a new folder, or one with a model, got other files"
    ):
        save_model(learn, tmp_path / name)
    assert chapter.read_text() == "years"


# ---- Damaged files


def weights_file(folder):
    return next(folder.glob("*.safetensors"))


def write_description(folder, changes, has_new_digest=True):
    "Change fields of `model.json`, and write the digest that fits them."
    about = json.loads((folder / "model.json").read_text()) | changes
    if has_new_digest:
        about["digest"] = _digest(about)
    (folder / "model.json").write_text(json.dumps(about))


def with_fields(**changes):
    "Return a function that changes fields of `model.json`, with the digest that fits them."
    return lambda folder: write_description(folder, changes)


def with_edited_fields(**changes):
    "Return a function that changes fields of `model.json`, and not its digest."
    return lambda folder: write_description(folder, changes, has_new_digest=False)


def with_description(text):
    "Return a function that replaces `model.json`."
    return lambda folder: (folder / "model.json").write_text(text)


def with_weights(data):
    "Return a function that replaces the weights, and nothing else."
    return lambda folder: weights_file(folder).write_bytes(data)


def remove_description(folder):
    (folder / "model.json").unlink()


def remove_weights(folder):
    weights_file(folder).unlink()


def change_last_byte_of_weights(folder):
    data = weights_file(folder).read_bytes()
    weights_file(folder).write_bytes(data[:-1] + b"\x00")


def replace_weights_and_their_digest(folder):
    digest = hashlib.sha256(b"x").hexdigest()
    write_description(folder, dict(weights=digest))
    (folder / f"weights-{digest[:16]}.safetensors").write_bytes(b"x")


CHANGED = "must be unchanged since it was saved, got another content"
FORMAT_2 = "must be of format 1, got format 2; install a newer lesson7"
NO_MODEL = "must be a file that save_model wrote, got"
NO_MODEL_FILE = f"{NO_MODEL} format"
ZEROS, ONES = [0] * 3, [1] * 3

DAMAGES = {
    "no description": (
        remove_description,
        "must be a folder that save_model wrote, got no model.json",
    ),
    "no weights": (remove_weights, "must be a folder with weights-"),
    "no JSON": (with_description("{"), f"model.json {NO_MODEL} no JSON"),
    "a list": (with_description("[]"), f"model.json {NO_MODEL} []"),
    "format 2": (with_fields(format=2), FORMAT_2),
    "format 0": (with_fields(format=0), NO_MODEL_FILE),
    "two classes": (
        with_fields(vocab=["0", "1"]),
        "weights must be those of xresnet18-narrow with 2 classes",
    ),
    "edited classes": (with_edited_fields(vocab=["0", "1"]), CHANGED),
    "edited size": (with_edited_fields(size=48), CHANGED),
    "classes: null": (with_fields(vocab=None), " for vocab"),
    "classes: none": (with_fields(vocab=[]), " for vocab"),
    "classes: repeated": (with_fields(vocab=["a"] * 10), " for vocab"),
    "classes: lists": (with_fields(vocab=[[1]] * 10), " for vocab"),
    "size: 0": (with_fields(size=0), " for size"),
    "size: true": (with_fields(size=True), " for size"),
    "size: text": (with_fields(size="24"), " for size"),
    "size: too large": (with_fields(size=10**9), " for size"),
    "statistics: empty": (with_fields(stats={}), "got no mean in stats"),
    "statistics: one channel": (
        with_fields(stats=dict(mean=[0.1], std=[0.2])),
        " for stats",
    ),
    "statistics: text": (with_fields(stats=dict(mean="abc", std="abc")), " for stats"),
    "statistics: other field": (
        with_fields(stats=dict(mean=ZEROS, std=ONES, eggs=2)),
        "unexpected keyword argument 'eggs'",
    ),
    "statistics: std 0": (with_fields(stats=dict(mean=ZEROS, std=ZEROS)), "std must be above 0"),
    "other architecture": (with_fields(arch="xresnet34"), "weights must be those of xresnet34"),
    "unknown architecture": (
        with_fields(arch="os.system"),
        "architecture must be a name of fastai (an xresnet such as xresnet18), torchvision or "
        "timm, got 'os.system'",
    ),
    "architecture: none": (with_fields(arch=None), "model must be the model that was saved"),
    "architecture: a number": (with_fields(arch=1), " for arch"),
    "tied: a list": (with_fields(tied=["a"]), " for tied"),
    "tied: another name": (with_fields(tied={"a": "b"}), "weights must be those that model.json"),
    "outputs: text": (with_fields(outputs=["1"]), " for outputs"),
    "other weights and digest": (
        replace_weights_and_their_digest,
        "must be a model that can be read, got",
    ),
    "weights: last byte": (change_last_byte_of_weights, CHANGED),
    "weights: pickle": (with_weights(pickle.dumps(print)), CHANGED),
    "weights: empty": (with_weights(b""), CHANGED),
}


@pytest.mark.parametrize("damage, message", DAMAGES.values(), ids=DAMAGES.keys())
def test_load_model_raises_on_a_damaged_model(model, damage, message):
    damage(model)
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        load_model(model)
    assert "\n" not in str(raised.value)


OLDER_FIELDS = [{}, dict(presized=None), dict(presized=True)]


@pytest.mark.parametrize("older", OLDER_FIELDS)
def test_a_model_of_an_older_version_shrinks_files_as_get_dls_does(model, tmp_path, older):
    noise = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), dtype=np.uint8)
    large = tmp_path / "large.jpg"
    Image.fromarray(noise).save(large)
    expected = predict(load_model(model), [large])
    about = json.loads((model / "model.json").read_text())
    for name in ("opening", "activation"):
        del about[name]
    about |= older
    with_description(json.dumps(about | dict(digest=_digest(about))))(model)
    assert torch.allclose(predict(load_model(model), [large]), expected, atol=1e-6)


def test_load_model_raises_on_a_missing_folder(tmp_path):
    with pytest.raises(
        ValueError, match=r"must be a folder that save_model wrote, got no model\.json"
    ):
        load_model(tmp_path / "nowhere")


# ---- Interrupted saves


class KilledError(BaseException):
    "Nothing catches it."


@pytest.fixture
def killed_at(monkeypatch):
    """A function that makes the next save end at a step.

    A save names two files by `Path.replace`: 0 is before the first name, 1 after it, 2 before the
    second, 3 after it. What is left is not deleted, as after a kill.
    """
    named, replace = [], Path.replace

    def patch(step):
        def replace_or_end(self, target):
            if step == 2 * len(named):
                raise KilledError
            named.append(replace(self, target))
            if step == 2 * len(named) - 1:
                raise KilledError

        monkeypatch.setattr(Path, "replace", replace_or_end)
        monkeypatch.setattr(Path, "unlink", lambda self, missing_ok=False: None)

    return patch


STEPS = {
    "weights not named": 0,
    "weights named": 1,
    "description not named": 2,
    "description named": 3,
}


@pytest.fixture
def other_learn(model):
    "The saved learner with other weights."
    other = load_model(model)
    for parameter in other.model.parameters():
        parameter.data += 0.1
    return other


def save_and_end(learn, folder, killed_at, step, monkeypatch):
    "Save a model, ended at a step."
    killed_at(step)
    with pytest.raises(KilledError):
        save_model(learn, folder)
    monkeypatch.undo()


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
def test_after_a_killed_first_save_there_is_no_model_or_a_whole_one(
    other_learn, files, tmp_path, killed_at, monkeypatch, step
):
    folder = tmp_path / "folder"
    save_and_end(other_learn, folder, killed_at, step, monkeypatch)
    if step == 3:
        assert torch.equal(predict(load_model(folder), files), predict(other_learn, files))
    else:
        with pytest.raises(
            ValueError, match=r"must be a folder that save_model wrote, got no model\.json"
        ):
            load_model(folder)
    check_next_save(other_learn, folder, files)


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
def test_after_a_killed_second_save_one_of_the_models_is_whole(
    learn, other_learn, files, tmp_path, killed_at, monkeypatch, step
):
    folder = save_model(learn, tmp_path / "folder")
    first = predict(load_model(folder), files)
    save_and_end(other_learn, folder, killed_at, step, monkeypatch)
    expected = predict(other_learn, files) if step == 3 else first
    assert torch.equal(predict(load_model(folder), files), expected)
    check_next_save(other_learn, folder, files)


def check_next_save(learn, folder, files):
    "Check that the next save writes a whole model, and removes what the killed one left."
    save_model(learn, folder)
    assert torch.equal(predict(load_model(folder), files), predict(learn, files))
    assert sorted(file.suffix for file in folder.iterdir()) == [".json", ".safetensors"]


SAVE_FOREVER = """
import sys
from lesson7.share import load_model, save_model

learn = load_model(sys.argv[1])
print("saving", flush=True)
while True:
    save_model(learn, sys.argv[2])
"""


def test_a_model_is_whole_after_a_process_is_killed_in_a_save(model, tmp_path):
    folder = tmp_path / "folder"
    command = [sys.executable, "-c", SAVE_FOREVER, model, folder]
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    process = subprocess.Popen(command, **pipes)
    assert process.stdout.readline() == "saving\n"
    end = time.monotonic() + 60
    while not (folder / "model.json").exists() and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    save_model(load_model(folder), folder)
    assert sorted(file.suffix for file in folder.iterdir()) == [".json", ".safetensors"]


# ---- ONNX


@pytest.fixture(scope="module")
def onnx_file(saved_model, tmp_path_factory):
    file = tmp_path_factory.mktemp("onnx") / "model.onnx"
    return export_onnx(load_model(saved_model), file)


@pytest.fixture(scope="module")
def onnx_session(onnx_file):
    return onnxruntime.InferenceSession(onnx_file)


def test_pooling_in_the_onnx_model_divides_by_the_pixels_of_the_image(onnx_file):
    "Versions of onnxruntime differ in what `count_include_pad` means with `ceil_mode`."
    nodes = [node for node in onnx.load(onnx_file).graph.node if node.op_type == "AveragePool"]
    pools = [{a.name: a.i for a in node.attribute} for node in nodes]
    assert any(pool["ceil_mode"] for pool in pools)
    assert not any(pool["count_include_pad"] for pool in pools)


@pytest.mark.parametrize("count", [1, 20])
def test_the_onnx_model_normalizes_its_images(learn, onnx_session, files, count):
    "The images are in [0,1], as another program would have them."
    x = torch.cat([batch[0] for batch in learn.dls.test_dl(files[:count])])
    normalize = normalize_transform(learn.dls)
    pixels = (x * normalize.std + normalize.mean).clamp(0, 1).numpy()
    (probabilities,) = onnx_session.run(["probabilities"], {"images": pixels})
    expected = predict(learn, files[:count]).numpy()
    assert np.abs(probabilities - expected).max() < 1e-5


@pytest.mark.parametrize("package", ["onnxruntime", "onnxscript"])
def test_export_onnx_names_the_extra_to_install(model, tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    learn = load_model(model)
    message = r'install it with: pip install "lesson7\[onnx\]"'
    with pytest.raises(ImportError, match=message):
        export_onnx(learn, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize(
    "dtype",
    [
        torch.bfloat16,
        pytest.param(torch.float16, marks=pytest.mark.long),
        pytest.param(torch.float64, marks=pytest.mark.long),
    ],
)
def test_export_onnx_of_weights_of_any_type(model, files, tmp_path, dtype):
    learn = load_model(model)
    expected = predict(learn, files[:2]).numpy()
    x = torch.cat([batch[0] for batch in learn.dls.test_dl(files[:2])])
    normalize = normalize_transform(learn.dls)
    pixels = (x * normalize.std + normalize.mean).clamp(0, 1).numpy()
    learn.model.to(dtype)
    session = onnxruntime.InferenceSession(export_onnx(learn, tmp_path / "model.onnx"))
    (probabilities,) = session.run(["probabilities"], {"images": pixels})
    assert np.abs(probabilities - expected).max() < (1e-5 if dtype == torch.float64 else 0.02)
    assert next(learn.model.parameters()).dtype == dtype


@pytest.mark.parametrize(
    "make_model",
    [
        lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4 * 22 * 22, 10)),
        lambda: narrow_xresnet18(n_out=12),
        lambda: nn.Sequential(nn.Flatten(), nn.LSTM(3 * 24 * 24, 10)),
    ],
    ids=["one channel", "twelve outputs", "a tuple"],
)
def test_export_onnx_raises_in_one_line_on_other_models(small, tmp_path, make_model):
    learn = torch_learner(get_dls(16, 24, small), make_model())
    with pytest.raises(ValueError, match="^model of learn must be one that takes RGB") as raised:
        export_onnx(learn, tmp_path / "model.onnx")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "model.onnx").exists()


# ---- Saves at the same time


def test_two_that_save_to_the_same_folder_leave_one_whole_model(tmp_path, monkeypatch):
    path = tmp_path / "model"
    write = sharing.write_atomically
    between = Barrier(2)

    def write_slowly(file, data):
        with suppress(BrokenBarrierError):
            between.wait(timeout=0.2)  # both are here at once, unless one waits for the other
        return write(file, data)

    monkeypatch.setattr(sharing, "write_atomically", write_slowly)
    saved = [(dict(weights=letter * 64), letter.encode()) for letter in "ab"]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda pair: sharing._write_model(path, *pair), saved))
    about = json.loads((path / "model.json").read_text())
    (weights,) = path.glob("weights-*")
    assert weights.name == f"weights-{about['weights'][:16]}.safetensors"
    assert weights.read_text() == about["weights"][0]
    assert sorted(file.name for file in path.iterdir()) == ["model.json", weights.name]
