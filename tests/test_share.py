"A saved model: the same predictions to the last digits, and a clear no to whatever is not whole."
import json, os, pickle, signal, subprocess, sys, time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lesson7.share import _digest, export_onnx, load_model, save_model
from lesson7.training import Recipe, train
from lesson7.tta import tta


@pytest.fixture(scope="module")
def learn(small):
    learn = train(Recipe(size=24, bs=16, epochs=2, normalize=True, smoothing=.1), small, bar=False).learn
    learn.remove_cb(learn.progress)
    return learn

@pytest.fixture
def model(learn, tmp_path): return save_model(learn, tmp_path/"model")

@pytest.fixture
def files(small, tmp_path):
    "Raw files as people have them: pictures of the set, and photos of other shapes and kinds."
    Image.new("L", (300, 200), 90).save(tmp_path/"grey.png")
    noise = np.random.default_rng(0).integers(0, 256, (160, 90, 4), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path/"alpha.png")
    return [*sorted((small/"val").glob("*/*.jpg"))[:20], tmp_path/"grey.png", tmp_path/"alpha.png"]

def predict(learn, files): return learn.get_preds(dl=learn.dls.test_dl(files))[0]


@pytest.mark.filterwarnings("ignore:The model's first batch")
def test_a_loaded_model_predicts_as_before(learn, model, files):
    loaded = load_model(model)
    assert torch.allclose(predict(learn, files), predict(loaded, files), atol=1e-6)
    both = [tta(x, dl=x.dls.test_dl(files))[0] for x in (learn, loaded)]
    assert torch.allclose(*both, atol=1e-6) and list(loaded.dls.vocab) == list(learn.dls.vocab)
    again = load_model(save_model(loaded, model.parent/"again"))
    assert torch.equal(predict(loaded, files), predict(again, files))

def test_the_statistics_travel(learn, model, files):
    about = json.loads((model/"model.json").read_text())
    norm = next(t for t in learn.dls.after_batch.fs if type(t).__name__ == "Normalize")
    assert about["stats"]["mean"] == norm.mean.flatten().tolist() and (about["size"], about["presize"], about["arch"]) == (24, 128, "xresnet18-narrow")
    loaded = load_model(model)
    for dl in loaded.dls.loaders: dl.after_batch.fs = [t for t in dl.after_batch.fs if type(t).__name__ != "Normalize"]
    with pytest.warns(UserWarning, match="first batch looks wrong. Not normalized"): predict(loaded, files[:8])

def test_no_warning_where_all_is_well(model, files, recwarn):
    predict(load_model(model), files[:8])
    assert not [w for w in recwarn if "first batch" in str(w.message)]

def test_a_model_without_statistics_stays_without(small, tmp_path):
    learn = train(Recipe(size=16, bs=16, epochs=1), small, bar=False).learn
    loaded, files = load_model(save_model(learn, tmp_path/"m")), sorted((small/"val").glob("*/*.jpg"))[:5]
    with learn.no_bar(): assert torch.allclose(predict(learn, files), predict(loaded, files), atol=1e-6)

def test_the_chapters_learners_can_be_kept_too(small, tmp_path):
    from fastai.vision.all import Learner, nn
    from fastai.vision.models.xresnet import xresnet34
    from lesson7.data import get_dls
    save_model(Learner(get_dls(8, 32, small, stats="batch"), xresnet34(n_out=10), loss_func=nn.CrossEntropyLoss()), tmp_path/"m")
    assert json.loads((tmp_path/"m"/"model.json").read_text())["arch"] == "xresnet34"


def edit(model, change, sign=True):
    about = json.loads((model/"model.json").read_text()) | change
    if sign: about["digest"] = _digest(about)
    (model/"model.json").write_text(json.dumps(about))

def weights(model): return next(model.glob("*.safetensors"))

@pytest.mark.parametrize("spoil, says", [
    (lambda m: (m/"model.json").unlink(), "holds no model.json"),
    (lambda m: weights(m).unlink(), "lacks weights-"),
    (lambda m: (m/"model.json").write_text("{"), "not readable JSON"),
    (lambda m: (m/"model.json").write_text("[]"), "not what save_model writes"),
    (lambda m: edit(m, dict(format=2)), "has format 2, and this version of lesson7 reads format 1"),
    (lambda m: edit(m, dict(vocab=["0", "1"])), "do not fit xresnet18-narrow with 2 classes"),
    (lambda m: edit(m, dict(vocab=["0", "1"]), sign=False), "was changed after it was saved"),
    (lambda m: edit(m, dict(size=48), sign=False), "was changed after it was saved"),
    (lambda m: edit(m, dict(vocab=None)), "no proper 'vocab'"),
    (lambda m: edit(m, dict(arch="xresnet34")), "do not fit xresnet34"),
    (lambda m: edit(m, dict(arch="os.system")), "'os.system' is not known"),
    (lambda m: edit(m, dict(stats=dict(mean=[0, 0, 0], std=[0, 0, 0]))), "std is"),
    (lambda m: weights(m).write_bytes(weights(m).read_bytes()[:-1] + b"\x00"), "was changed after it was saved"),
    (lambda m: weights(m).write_bytes(pickle.dumps(print)), "was changed after it was saved"),
    (lambda m: weights(m).write_bytes(b""), "was changed after it was saved"),
])
def test_a_folder_that_is_not_as_it_was_saved_is_refused(model, spoil, says):
    spoil(model)
    with pytest.raises(ValueError) as e: load_model(model)
    assert says in str(e.value) and "\n" not in str(e.value)

def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(ValueError, match="holds no model.json"): load_model(tmp_path/"nowhere")

def test_nothing_but_a_model_is_replaced(learn, tmp_path):
    (tmp_path/"thesis").mkdir(); (tmp_path/"thesis"/"chapter.txt").write_text("years")
    for path in (tmp_path/"thesis", tmp_path/"thesis"/"chapter.txt"):
        with pytest.raises(ValueError, match="holds no model; give another folder"): save_model(learn, path)
    assert (tmp_path/"thesis"/"chapter.txt").read_text() == "years"

def test_what_could_not_be_built_again_is_not_saved(learn, small, tmp_path):
    from fastai.vision.all import DataLoaders, Learner, nn
    from lesson7.data import architecture, get_dls
    dls, sizes = get_dls(16, 24, small), dict(n_out=10)
    own = Learner(dls, nn.Sequential(nn.Flatten(), nn.Linear(3*24*24, 10)), loss_func=nn.CrossEntropyLoss())
    other = Learner(dls, architecture("xresnet18-narrow")(act_cls=nn.GELU, **sizes), loss_func=nn.CrossEntropyLoss())  # the same names and shapes
    for model in (own, other):
        with model.no_bar(), pytest.raises(ValueError, match="No architecture that lesson7 can name"): save_model(model, tmp_path/"m")
    elsewhere = Learner(DataLoaders.from_dsets([(torch.zeros(3, 8, 8), 0)], [(torch.zeros(3, 8, 8), 0)], bs=1, device="cpu"), nn.Identity(), loss_func=nn.CrossEntropyLoss())
    elsewhere.dls.vocab = ["0"]
    with pytest.raises(ValueError, match="not those of get_dls"): save_model(elsewhere, tmp_path/"m")
    assert not (tmp_path/"m").exists()


KILLED = """
import sys
from lesson7.share import *
learn = load_model(sys.argv[1])
for p in learn.model.parameters(): p.data += float(sys.argv[3])
print("saves", flush=True)
while True: save_model(learn, sys.argv[2])
"""

def test_killed_while_it_saves_a_model_stays_whole(model, tmp_path):
    (tmp_path/"killed.py").write_text(KILLED)
    for wait in (.0, .05, .11, .2):
        process = subprocess.Popen([sys.executable, tmp_path/"killed.py", model, tmp_path/"kept", str(wait)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout.readline() == "saves\n"
        end = time.monotonic() + 60
        while not (tmp_path/"kept"/"model.json").exists() and time.monotonic() < end: time.sleep(.01)
        time.sleep(wait)  # somewhere in a later save
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        load_model(tmp_path/"kept")
    save_model(load_model(model), tmp_path/"kept")
    assert sorted(f.suffix for f in (tmp_path/"kept").iterdir() if not f.name.startswith(".")) == [".json", ".safetensors"]


def test_onnx_has_the_normalization_inside(learn, model, files, tmp_path):
    import onnxruntime
    session = onnxruntime.InferenceSession(export_onnx(load_model(model), tmp_path/"m.onnx"))
    for n in (1, 20):
        x = torch.cat([b[0] for b in learn.dls.test_dl(files[:n])])
        norm = next(t for t in learn.dls.after_batch.fs if type(t).__name__ == "Normalize")
        pixels = (x*norm.std + norm.mean).clamp(0, 1).numpy()  # [0,1], as another program would have it
        there, = session.run(["probabilities"], {"images": pixels})
        assert np.abs(there - predict(learn, files[:n]).numpy()).max() < 1e-5
