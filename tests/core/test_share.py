"A saved model: the same predictions to the last digits, and a clear no to whatever is not whole."

import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lesson7.share import _digest, export_onnx, load_model, save_model
from lesson7.training.config import Recipe
from lesson7.training.loop import train
from lesson7.tta import tta


@pytest.fixture(scope="module")
def learn(small):
    learn = train(
        Recipe(size=24, bs=16, epochs=2, normalize=True, smoothing=0.1), small, bar=False
    ).learn
    learn.remove_cb(learn.progress)
    return learn


@pytest.fixture
def model(learn, tmp_path):
    return save_model(learn, tmp_path / "model")


@pytest.fixture
def files(small, tmp_path):
    "Raw files as people have them: pictures of the set, and photos of other shapes and kinds."
    Image.new("L", (300, 200), 90).save(tmp_path / "grey.png")
    noise = np.random.default_rng(0).integers(0, 256, (160, 90, 4), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "alpha.png")
    return [
        *sorted((small / "val").glob("*/*.jpg"))[:20],
        tmp_path / "grey.png",
        tmp_path / "alpha.png",
    ]


def predict(learn, files):
    return learn.get_preds(dl=learn.dls.test_dl(files))[0]


@pytest.mark.filterwarnings("error:The model's first batch")
def test_a_loaded_model_predicts_as_before(learn, model, files):
    loaded = load_model(model)
    assert torch.allclose(predict(learn, files), predict(loaded, files), atol=1e-6)
    both = [tta(x, dl=x.dls.test_dl(files))[0] for x in (learn, loaded)]
    assert torch.allclose(*both, atol=1e-6) and list(loaded.dls.vocab) == list(learn.dls.vocab)
    again = load_model(save_model(loaded, model.parent / "again"))
    assert torch.equal(predict(loaded, files), predict(again, files))


def test_the_statistics_travel(learn, model, files):
    about = json.loads((model / "model.json").read_text())
    norm = next(t for t in learn.dls.after_batch.fs if type(t).__name__ == "Normalize")
    assert about["stats"]["mean"] == norm.mean.flatten().tolist() and (
        about["size"],
        about["presize"],
        about["arch"],
    ) == (24, 128, "xresnet18-narrow")
    loaded = load_model(model)
    for dl in loaded.dls.loaders:
        dl.after_batch.fs = [t for t in dl.after_batch.fs if type(t).__name__ != "Normalize"]
    with pytest.warns(UserWarning, match="first batch looks wrong. Not normalized"):
        predict(loaded, files[:8])


@pytest.mark.filterwarnings("error:The model's first batch")
@pytest.mark.parametrize("colour", [(255, 255, 255), (110, 110, 110), (0, 0, 0), (180, 210, 250)])
def test_a_plain_picture_is_no_mistake(model, colour):
    loaded, dl = load_model(model), [Image.new("RGB", (90, 60), colour)]
    predict(loaded, dl)
    with loaded.no_bar():
        tta(loaded, dl=loaded.dls.test_dl(dl))


def test_batches_from_elsewhere_are_looked_at(learn, model, small):
    from lesson7.data.loaders import get_dls
    from lesson7.normalize import NormStats

    loaded = load_model(model)
    for stats, says in (
        (None, "Not normalized"),
        (NormStats((0.2,) * 3, (0.1,) * 3), "made with other statistics"),
    ):
        with loaded.no_bar(), pytest.warns(UserWarning, match=says):
            loaded.get_preds(dl=get_dls(8, 24, small, stats).valid)


def test_a_learner_that_trained_in_bfloat16_is_kept_in_float32(small, tmp_path):
    "As on a GPU: every pass in autocast, the weights in float32."
    from fastai.callback.core import Callback

    class Bfloat16(Callback):
        def before_batch(self):
            self.cast = torch.autocast("cpu", torch.bfloat16)
            self.cast.__enter__()

        def after_pred(self):
            self.learn.pred = self.pred.float()

        def after_batch(self):
            self.cast.__exit__(None, None, None)

    learn, files = (
        train(
            Recipe(size=24, bs=16, epochs=1, normalize=True), small, cbs=[Bfloat16()], bar=False
        ).learn,
        sorted((small / "val").glob("*/*.jpg")),
    )
    with learn.no_bar():
        loaded, rounded = load_model(save_model(learn, tmp_path / "m")), predict(learn, files)
        learn.remove_cb(Bfloat16)
        assert torch.allclose(
            predict(loaded, files), predict(learn, files), atol=1e-6
        ) and not torch.allclose(predict(loaded, files), rounded, atol=1e-6)


def test_saving_calls_no_callback_and_leaves_the_model_as_it_was(learn, tmp_path):
    from fastai.callback.core import Callback

    class Strict(Callback):
        def before_fit(self):
            raise AssertionError("a fit was begun")

        before_validate = before_fit

    learn.model.train()
    with learn.added_cbs(Strict()):
        save_model(learn, tmp_path / "m")
    assert learn.model.training and next(learn.model.parameters()).requires_grad


def test_fastais_export_cannot_write_this_learner(learn, tmp_path):
    "What the chapter says of `learn.export`; where this fails, say so there."
    with pytest.raises(TypeError, match="cannot pickle"):
        learn.export(tmp_path / "x.pkl")


def test_the_lessons_own_loaders_can_be_kept(small, tmp_path):
    from fastai.vision.all import (
        CategoryBlock,
        DataBlock,
        ImageBlock,
        Learner,
        Normalize,
        Resize,
        aug_transforms,
        get_image_files,
        nn,
        parent_label,
    )

    from lesson7.models import architecture

    dblock = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_items=get_image_files,
        get_y=parent_label,
        item_tfms=Resize(460),
        batch_tfms=[*aug_transforms(size=32, min_scale=0.75), Normalize()],
    )
    dls = dblock.dataloaders(small / "train", bs=16, num_workers=0)
    learn, files = (
        Learner(dls, architecture("xresnet18-narrow")(n_out=10), loss_func=nn.CrossEntropyLoss()),
        get_image_files(small / "val")[:6],
    )
    loaded = load_model(save_model(learn, tmp_path / "m"))
    with learn.no_bar():
        assert torch.allclose(predict(learn, files).softmax(1), predict(loaded, files), atol=1e-6)


def test_a_model_without_statistics_stays_without(small, tmp_path):
    learn = train(Recipe(size=16, bs=16, epochs=1), small, bar=False).learn
    loaded, files = (
        load_model(save_model(learn, tmp_path / "m")),
        sorted((small / "val").glob("*/*.jpg"))[:5],
    )
    with learn.no_bar():
        assert torch.allclose(predict(learn, files), predict(loaded, files), atol=1e-6)


def test_the_chapters_learners_can_be_kept_too(small, tmp_path):
    from fastai.vision.all import Learner, nn
    from fastai.vision.models.xresnet import xresnet34

    from lesson7.data.loaders import get_dls

    save_model(
        Learner(
            get_dls(8, 32, small, stats="batch"),
            xresnet34(n_out=10),
            loss_func=nn.CrossEntropyLoss(),
        ),
        tmp_path / "m",
    )
    assert json.loads((tmp_path / "m" / "model.json").read_text())["arch"] == "xresnet34"


def edit(model, change, sign=True):
    about = json.loads((model / "model.json").read_text()) | change
    if sign:
        about["digest"] = _digest(about)
    (model / "model.json").write_text(json.dumps(about))


def weights(model):
    return next(model.glob("*.safetensors"))


@pytest.mark.parametrize(
    "spoil, says",
    [
        (lambda m: (m / "model.json").unlink(), "holds no model.json"),
        (lambda m: weights(m).unlink(), "lacks weights-"),
        (lambda m: (m / "model.json").write_text("{"), "not readable JSON"),
        (lambda m: (m / "model.json").write_text("[]"), "not what save_model writes"),
        (
            lambda m: edit(m, dict(format=2)),
            "has format 2, and this version of lesson7 reads format 1",
        ),
        (lambda m: edit(m, dict(vocab=["0", "1"])), "do not fit xresnet18-narrow with 2 classes"),
        (lambda m: edit(m, dict(vocab=["0", "1"]), sign=False), "was changed after it was saved"),
        (lambda m: edit(m, dict(size=48), sign=False), "was changed after it was saved"),
        (lambda m: edit(m, dict(format=0)), "not what save_model writes"),
        *[
            (lambda m, v=v: edit(m, dict(vocab=v)), "no proper 'vocab'")
            for v in (None, [], ["a"] * 10, [[1]] * 10)
        ],
        *[
            (lambda m, v=v: edit(m, dict(size=v)), "no proper 'size'")
            for v in (0, True, "24", 10**9)
        ],
        *[
            (lambda m, v=v: edit(m, dict(stats=v)), "no proper 'stats'")
            for v in ({}, dict(mean=[0.1], std=[0.2]), dict(mean="abc", std="abc"))
        ],
        (
            lambda m: edit(m, dict(stats=dict(mean=[0] * 3, std=[1] * 3, eggs=2))),
            "unexpected keyword argument 'eggs'",
        ),
        (
            lambda m: (
                edit(m, dict(weights=hashlib.sha256(b"x").hexdigest())),
                (m / f"weights-{hashlib.sha256(b'x').hexdigest()[:16]}.safetensors").write_bytes(
                    b"x"
                ),
            ),
            "holds no model that can be read",
        ),
        (lambda m: edit(m, dict(arch="xresnet34")), "do not fit xresnet34"),
        (lambda m: edit(m, dict(arch="os.system")), "'os.system' is not known"),
        (lambda m: edit(m, dict(stats=dict(mean=[0, 0, 0], std=[0, 0, 0]))), "std is"),
        (
            lambda m: weights(m).write_bytes(weights(m).read_bytes()[:-1] + b"\x00"),
            "was changed after it was saved",
        ),
        (lambda m: weights(m).write_bytes(pickle.dumps(print)), "was changed after it was saved"),
        (lambda m: weights(m).write_bytes(b""), "was changed after it was saved"),
    ],
)
def test_a_folder_that_is_not_as_it_was_saved_is_refused(model, spoil, says):
    spoil(model)
    with pytest.raises(ValueError) as e:
        load_model(model)
    assert says in str(e.value) and "\n" not in str(e.value)


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(ValueError, match="holds no model.json"):
        load_model(tmp_path / "nowhere")


def test_nothing_but_a_model_is_replaced(learn, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years")
    for path in (tmp_path / "thesis", tmp_path / "thesis" / "chapter.txt"):
        with pytest.raises(ValueError, match="holds no model; give another folder"):
            save_model(learn, path)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years"


def test_what_could_not_be_built_again_is_not_saved(learn, small, tmp_path):
    from fastai.vision.all import DataLoaders, Learner, nn

    from lesson7.data.loaders import get_dls
    from lesson7.models import architecture

    dls, sizes = get_dls(16, 24, small), dict(n_out=10)
    own = Learner(
        dls,
        nn.Sequential(nn.Flatten(), nn.Linear(3 * 24 * 24, 10)),
        loss_func=nn.CrossEntropyLoss(),
    )
    other = Learner(
        dls,
        architecture("xresnet18-narrow")(act_cls=nn.GELU, **sizes),
        loss_func=nn.CrossEntropyLoss(),
    )  # the same names and shapes
    squished = Learner(
        get_dls(16, 24, small),
        architecture("xresnet18-narrow")(**sizes),
        loss_func=nn.CrossEntropyLoss(),
    )
    next(
        t for t in squished.dls.valid.after_item.fs if type(t).__name__ == "Resize"
    ).method = "squish"
    for model, says in (
        (own, "No architecture that lesson7 can name"),
        (other, "predicts otherwise"),
        (squished, "predicts otherwise"),
    ):
        with pytest.raises(ValueError, match=says):
            save_model(model, tmp_path / "m")
    elsewhere = Learner(
        DataLoaders.from_dsets(
            [(torch.zeros(3, 8, 8), 0)], [(torch.zeros(3, 8, 8), 0)], bs=1, device="cpu"
        ),
        nn.Identity(),
        loss_func=nn.CrossEntropyLoss(),
    )
    elsewhere.dls.vocab = ["0"]
    with pytest.raises(ValueError, match="not those of get_dls"):
        save_model(elsewhere, tmp_path / "m")
    assert not (tmp_path / "m").exists()


class Killed(BaseException):
    "Nothing catches it, and nothing is tidied up after it."


@pytest.mark.parametrize("again", [False, True], ids=["a first save", "a later one"])
@pytest.mark.parametrize(
    "step",
    range(4),
    ids=["weights half written", "weights there", "json half written", "json there"],
)
def test_killed_at_any_step_one_whole_model_stays_and_the_next_save_goes_on(
    learn, model, files, tmp_path, monkeypatch, step, again
):
    "`step` is what had been done: files are given their names by `Path.replace`, twice a save."
    new, kept = load_model(model), tmp_path / "kept"
    for p in new.model.parameters():
        p.data += 0.1
    old = predict(load_model(save_model(learn, kept)), files) if again else None
    named, real = [], Path.replace

    def replace(self, to):
        if step == 2 * len(named):
            raise Killed
        named.append(real(self, to))
        if step == 2 * len(named) - 1:
            raise Killed

    with monkeypatch.context() as m:
        m.setattr(Path, "replace", replace)
        m.setattr(Path, "unlink", lambda self, missing_ok=False: None)  # the dead tidy nothing up
        with pytest.raises(Killed):
            save_model(new, kept)
    whole = predict(new, files) if step == 3 else old
    if whole is None:
        with pytest.raises(ValueError, match="holds no model.json"):
            load_model(kept)
    else:
        assert torch.equal(predict(load_model(kept), files), whole)
    save_model(new, kept)
    assert torch.equal(predict(load_model(kept), files), predict(new, files))
    assert sorted(f.suffix for f in kept.iterdir()) == [
        ".json",
        ".safetensors",
    ]  # and what was left is gone


KILLED = """
import sys
from lesson7.share import load_model, save_model
learn = load_model(sys.argv[1])
print("saves", flush=True)
while True: save_model(learn, sys.argv[2])
"""


def test_a_real_kill(model, tmp_path):
    "Somewhere in a save, wherever that falls."
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, model, tmp_path / "kept"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout.readline() == "saves\n"
    end = time.monotonic() + 60
    while not (tmp_path / "kept" / "model.json").exists() and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    save_model(load_model(tmp_path / "kept"), tmp_path / "kept")
    assert sorted(f.suffix for f in (tmp_path / "kept").iterdir()) == [".json", ".safetensors"]


def test_onnx_has_the_normalization_inside(learn, model, files, tmp_path):
    import onnxruntime

    session = onnxruntime.InferenceSession(export_onnx(load_model(model), tmp_path / "m.onnx"))
    for n in (1, 20):
        x = torch.cat([b[0] for b in learn.dls.test_dl(files[:n])])
        norm = next(t for t in learn.dls.after_batch.fs if type(t).__name__ == "Normalize")
        pixels = (
            (x * norm.std + norm.mean).clamp(0, 1).numpy()
        )  # [0,1], as another program would have it
        (there,) = session.run(["probabilities"], {"images": pixels})
        assert np.abs(there - predict(learn, files[:n]).numpy()).max() < 1e-5


@pytest.mark.parametrize("package", ["onnxruntime", "onnxscript"])
def test_without_the_extra_a_sentence_says_what_to_install(model, tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r'install it with: pip install "lesson7\[onnx\]"'):
        export_onnx(load_model(model), tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()
