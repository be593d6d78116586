"""Explorers and functions give the same values whatever torch's global settings are.

The right values are those of a fresh process: float32, the CPU, gradients on. Each function must
also leave the settings and the random generators as they were.
"""

import random
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from learners import tiny_network
from PIL import Image

from lesson7 import models, share
from lesson7.data.loaders import get_dls
from lesson7.explorers.mixup import MixupExplorer
from lesson7.explorers.normalize import NormalizeExplorer
from lesson7.explorers.resize import ResizeExplorer
from lesson7.explorers.smoothing import SmoothingExplorer
from lesson7.explorers.tta import TTAExplorer
from lesson7.inference import predict
from lesson7.measure import ece, fit_temperature, reliability, scores
from lesson7.mixup import beta_density, mix, mix_batch, one_hot, sample_lambda
from lesson7.normalize import NormStats
from lesson7.outputs import probabilities
from lesson7.resize import downsize
from lesson7.share import check_saveable, load_model, save_model
from lesson7.smoothing import smooth_labels, smoothed_cross_entropy
from lesson7.tta import combine, tta

STATS = NormStats((0.41, 0.37, 0.35), (0.21, 0.2, 0.19))


# ---- Settings


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def default_device(device):
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextmanager
def threads(n):
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def deterministic():
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


SETTINGS = {
    "no grad": torch.no_grad,
    "inference mode": torch.inference_mode,
    "float64": lambda: default_dtype(torch.float64),
    "float16": lambda: default_dtype(torch.float16),
    "bfloat16": lambda: default_dtype(torch.bfloat16),
    "device": lambda: default_device("meta"),
    "device in a with statement": lambda: torch.device("meta"),
    "threads": lambda: threads(3),
    "deterministic": deterministic,
}


def torch_state():
    "Return torch's settings, and the states of the random generators."
    return dict(
        grad=torch.is_grad_enabled(),
        inference=torch.is_inference_mode_enabled(),
        dtype=torch.get_default_dtype(),
        device=str(torch.get_default_device()),
        threads=torch.get_num_threads(),
        deterministic=torch.are_deterministic_algorithms_enabled(),
        generator=torch.random.get_rng_state().tolist(),
        numpy=np.random.get_state()[1:3],
        python=random.getstate(),
    )


# ---- Functions


def images(n=2, side=24):
    rng = np.random.default_rng(0)
    return list(rng.integers(0, 256, (n, side, side + 8, 3), dtype=np.uint8))


def random_tensor(*shape, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, device="cpu", dtype=dtype)


def numbers(*values):
    return torch.tensor(values, device="cpu")


def traits(explorer):
    "Return what an explorer sends to its view, without the script and the style."
    getattr(explorer, "complete", lambda: None)()
    names = set(explorer.trait_names(sync=True)) - {"_esm", "_css", "layout", "_dom_classes"}
    return {name: repr(getattr(explorer, name)) for name in sorted(names) if name[0] != "_"}


LOGITS, Y = 3 * random_tensor(6, 4), numbers(0, 1, 2, 3, 1, 2)
X = random_tensor(3, 3, 4, 4)

FUNCTIONS = {
    "mix": lambda: mix(X, X.flip(0), 0.3),
    "mix whole numbers": lambda: mix(numbers(0, 1, 0), numbers(1, 0, 0), 0.3),
    "mix weights": lambda: mix(X, X.flip(0), [0.1, 0.2, 0.3]),
    "mix_batch": lambda: mix_batch(X, [0, 2, 1], 0.3, [2, 0, 1], 3),
    "one_hot": lambda: one_hot([0, 2, 1], 3),
    "one_hot of a tensor": lambda: one_hot(numbers(0, 2, 1), 3),
    "sample_lambda": lambda: sample_lambda(4, generator=torch.Generator("cpu").manual_seed(1)),
    "beta_density": lambda: beta_density(random_tensor(5, dtype=torch.float64), 0.4),
    "smooth_labels": lambda: smooth_labels([0, 3, 1], 4),
    "smooth_labels of a tensor": lambda: smooth_labels(Y, 4),
    "smoothed_cross_entropy": lambda: smoothed_cross_entropy(LOGITS, Y),
    "smoothed_cross_entropy of lists": lambda: smoothed_cross_entropy(
        LOGITS, Y.tolist(), 0.1, [1.0, 2.0, 3.0, 4.0]
    ),
    "reliability": lambda: reliability(LOGITS.softmax(1), Y, 3),
    "ece": lambda: ece(LOGITS.softmax(1), Y.tolist()),
    "fit_temperature": lambda: fit_temperature(LOGITS, Y),
    "scores": lambda: scores(LOGITS.softmax(1), Y),
    "downsize": lambda: downsize(X, 3),
    "combine": lambda: combine(random_tensor(3, 2, 4), "lerp"),
}


@pytest.fixture(scope="module")
def learn(tmp_path_factory):
    from fastai.vision.all import CrossEntropyLossFlat, Learner

    root = tmp_path_factory.mktemp("state")
    for split in ("train", "val"):
        for i, name in enumerate("abab"):
            (root / split / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(images(4)[i]).save(root / split / name / f"{i}.png")
    dls = get_dls(2, 16, root, STATS, device="cpu")
    learn = Learner(dls, tiny_network(2), loss_func=CrossEntropyLossFlat())
    learn.remove_cb(learn.progress)
    return learn


def with_a_model(learn, folder):
    "Return name -> function that needs a learner, a saved model or its files."
    files = list(learn.dls.valid_ds.items)
    torch.manual_seed(0)
    saved = save_model(learn, folder / "model")

    def saved_weights():
        save_model(learn, folder / "again")
        return next((folder / "again").glob("*.safetensors")).read_bytes()

    def loaded():
        loaded = load_model(saved)
        assert all(p.requires_grad and not p.is_inference() for p in loaded.model.parameters())
        return list(loaded.model.state_dict().values())

    return {
        "SmoothingExplorer": lambda: traits(SmoothingExplorer()),
        "MixupExplorer": lambda: traits(MixupExplorer(images(), [0, 1], side=16)),
        "NormalizeExplorer": lambda: traits(NormalizeExplorer(images(), side=16)),
        "ResizeExplorer": lambda: traits(ResizeExplorer(images()[0])),
        "TTAExplorer": lambda: traits(TTAExplorer(images())),
        "MixupExplorer, learners": lambda: traits(
            MixupExplorer(images(), [0, 1], learn=(learn, learn), side=16)
        ),
        "NormalizeExplorer, learner": lambda: traits(
            NormalizeExplorer(images(), STATS, 16, [0, 1], learn)
        ),
        "ResizeExplorer, learner": lambda: traits(ResizeExplorer(images()[0], learn)),
        "TTAExplorer, learner": lambda: traits(TTAExplorer(images(), learn, side=16)),
        "SmoothingExplorer, still": lambda: SmoothingExplorer().still(),
        "probabilities": lambda: probabilities(learn, random_tensor(2, 3, 16, 16)),
        "probabilities, stats": lambda: probabilities(learn, random_tensor(2, 3, 16, 16), STATS),
        "tta": lambda: tta(learn),
        "check_saveable": lambda: check_saveable(learn),
        "save_model": saved_weights,
        "load_model": loaded,
        "predict": lambda: [p.probabilities for p in predict(saved, files)],
        "predict, tta": lambda: [p.probabilities for p in predict(learn, files, use_tta=True)],
    }


def plain(value):
    "Return what a function gave as nested lists, with the types of tensors."
    if isinstance(value, torch.Tensor):
        return [str(value.dtype), str(value.device), value.tolist()]
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, (list, tuple)) else value


def is_close(a, b):
    "Return whether nested lists are the same, numbers within 1e-6."
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(is_close(a[name], b[name]) for name in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(is_close, a, b))
    if isinstance(a, float):
        return a == pytest.approx(b, abs=1e-6, nan_ok=True)
    return a == b


def check_each(functions, expected, setting):
    "Return the names of the functions that a setting changes, or that change a setting."
    wrong = []
    for name, function in functions.items():
        with SETTINGS[setting]():
            before = torch_state()
            try:
                value = plain(function())
            except Exception as e:
                wrong.append(f"{name}: {type(e).__name__}: {str(e)[:80]}")
                continue
            after = torch_state()
        if not is_close(expected[name], value):
            wrong.append(f"{name}: other values")
        changed = [key for key in before if repr(before[key]) != repr(after[key])]
        if changed:
            wrong.append(f"{name}: changes {changed}")
    return wrong


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_arithmetic_does_not_depend_on_torchs_settings(setting):
    expected = {name: plain(function()) for name, function in FUNCTIONS.items()}
    assert check_each(FUNCTIONS, expected, setting) == []


MODEL_SETTINGS = ["no grad", "inference mode", "float64", "bfloat16", "device"]


@pytest.fixture(scope="module", autouse=True)
def tiny_architecture():
    with pytest.MonkeyPatch.context() as patch:
        for module in (models, share):
            patch.setattr(module, "architectures", lambda: {"tiny": tiny_network})
        yield


@pytest.fixture(scope="module")
def functions(learn, tmp_path_factory):
    "Functions with a model, and what they give without any setting."
    functions = with_a_model(learn, tmp_path_factory.mktemp("models"))
    return functions, {name: plain(function()) for name, function in functions.items()}


@pytest.mark.parametrize("setting", MODEL_SETTINGS)
def test_explorers_and_models_do_not_depend_on_torchs_settings(functions, setting):
    assert check_each(*functions, setting) == []


@pytest.mark.parametrize("name", ["probabilities", "check_saveable", "TTAExplorer, learner"])
@pytest.mark.parametrize("mode", [True, False, "mixed"])
def test_a_prediction_leaves_the_models_mode_as_it_was(learn, functions, name, mode):
    learn.model.train(mode is True)
    if mode == "mixed":
        learn.model.train()
        learn.model[1].eval()  # a batch norm that is frozen
    before = [module.training for module in learn.model.modules()]
    functions[0][name]()
    assert [module.training for module in learn.model.modules()] == before


def test_a_loaded_model_can_be_trained_whatever_the_settings_were(learn, tmp_path):
    saved = save_model(learn, tmp_path / "model")
    for setting in SETTINGS:
        with SETTINGS[setting]():
            loaded = load_model(saved)
        outputs = loaded.model(random_tensor(2, 3, 16, 16))
        outputs.sum().backward()
        assert all(p.grad is not None for p in loaded.model.parameters()), setting
