"""Labels of every form are read in one way by functions, explorers and loaded models.

The right values are one-hot rows and blends that NumPy computes in float64.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from learners import tiny_network
from PIL import Image

from lesson7 import models, share
from lesson7.data.labels import as_plain_tensor, class_indices, class_numbers
from lesson7.data.loaders import get_dls
from lesson7.explorers.mixup import MixupExplorer
from lesson7.explorers.normalize import NormalizeExplorer
from lesson7.measure import ece, reliability, scores
from lesson7.mixup import mix_batch, one_hot
from lesson7.share import load_model, save_model
from lesson7.smoothing import smooth_labels, smoothed_cross_entropy
from lesson7.tta import tta

Y = [2, 0, 1, 2]
N = 3
ROWS = np.eye(N)[Y]
SOFT = np.array([[0.2, 0.3, 0.5], [1, 0, 0], [0.25, 0.5, 0.25], [0, 0.1, 0.9]])
MULTI = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 1], [1, 1, 1]])
PERM = [1, 3, 0, 2]
LAM = 0.3

NUMBERS = {
    "list": Y,
    "tuple": tuple(Y),
    "list of NumPy's": list(np.array(Y)),
    "list of tensors": list(torch.tensor(Y)),
    **{f"NumPy {kind}": np.array(Y, kind) for kind in ("int8", "uint8", "int16", "uint16")},
    **{f"NumPy {kind}": np.array(Y, kind) for kind in ("int32", "uint32", "int64", "uint64")},
    **{f"torch {kind}": torch.tensor(Y, dtype=getattr(torch, kind)) for kind in ("int8", "uint8")},
    **{f"torch {kind}": torch.tensor(Y, dtype=getattr(torch, kind)) for kind in ("int16", "int32")},
    "torch uint16": torch.tensor(Y).to(torch.uint16),
}
ONE_HOT = {
    "one-hot list": ROWS.astype(int).tolist(),
    "one-hot int64": torch.from_numpy(ROWS).long(),
    "one-hot uint8": ROWS.astype("uint8"),
    "one-hot bool": torch.from_numpy(ROWS).bool(),
    "one-hot float16": torch.from_numpy(ROWS).half(),
    "one-hot float64": ROWS,
}


def fastais():
    from fastai.vision.all import TensorCategory, TensorMultiCategory

    return TensorCategory(torch.tensor(Y)), TensorMultiCategory(torch.from_numpy(ROWS).float())


def blended(rows):
    "Return rows mixed with their partners, by NumPy."
    rows = np.asarray(rows, float)
    return LAM * rows + (1 - LAM) * rows[PERM]


# ---- Functions


def x_and_soft(y, n_classes=N):
    x = torch.rand(4, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    return mix_batch(x, y, LAM, torch.tensor(PERM), n_classes)


@pytest.mark.parametrize("name", [*NUMBERS, *ONE_HOT])
def test_functions_read_class_numbers_and_one_hot_rows(name):
    y = (NUMBERS | ONE_HOT)[name]
    tolerance = 1e-3 if "float16" in name else 1e-6
    assert np.allclose(x_and_soft(y)[1], blended(ROWS), atol=tolerance)
    assert np.allclose(smooth_labels(y, N, 0.1), 0.9 * ROWS + 0.1 / N, atol=tolerance)
    logits = torch.randn(4, N, generator=torch.Generator().manual_seed(1))
    log_probs = np.log(logits.double().softmax(1).numpy())
    loss = -((0.9 * ROWS + 0.1 / N) * log_probs).sum(1).mean()
    assert abs(smoothed_cross_entropy(logits, y, 0.1).item() - loss) < 1e-3
    probs = logits.softmax(1)
    right = probs.argmax(1).numpy() == np.array(Y)
    assert abs(ece(probs, y, 1) - abs(probs.amax(1).mean().item() - right.mean())) < 1e-6
    assert reliability(probs, y, 1)[0].tolist() == [4]
    if name in NUMBERS:
        assert np.array_equal(one_hot(y, N), ROWS)


def test_functions_read_fastais_labels():
    numbers, rows = fastais()
    for y in (numbers, rows):
        _, soft = x_and_soft(y)
        assert type(soft) is torch.Tensor and np.allclose(soft, blended(ROWS), atol=1e-6)
        assert np.allclose(smooth_labels(y, N, 0.1), 0.9 * ROWS + 0.1 / N, atol=1e-6)


@pytest.mark.parametrize(
    "rows",
    [SOFT, MULTI, MULTI.astype(bool), MULTI.astype("int8"), SOFT[:, :1], MULTI * 0.5],
    ids=["soft", "multi-hot", "multi-hot bool", "multi-hot int8", "one column", "halves"],
)
@pytest.mark.parametrize("as_tensor", [True, False])
def test_soft_and_multi_hot_rows_are_mixed_as_they_are(rows, as_tensor):
    y = torch.from_numpy(np.array(rows)) if as_tensor else rows
    for n_classes in (None, rows.shape[1]):
        assert np.allclose(x_and_soft(y, n_classes)[1], blended(rows), atol=1e-6)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=8),
    st.sampled_from(["int8", "uint8", "int32", "uint64", "float64"]),
    st.floats(0, 1),
    st.randoms(use_true_random=False),
)
def test_any_batch_is_mixed_as_numpy_mixes_it(y, kind, lam, random):
    perm = random.sample(range(len(y)), len(y))
    rows = np.eye(7)[y]
    given_y = rows if kind == "float64" else np.array(y, kind)
    _, soft = mix_batch(torch.zeros(len(y), 2), given_y, lam, perm, 7)
    assert np.allclose(soft, lam * rows + (1 - lam) * rows[perm], atol=1e-6)


WRONG = {
    "a column of numbers": [[3], [7], [1], [9]],
    "a column of small numbers": torch.tensor([[1], [0], [1], [0]]),
    "a column of floats": torch.tensor([[3.0], [7.0], [1.0], [9.0]]),
    "masks": torch.zeros(4, 8, 8, dtype=torch.long),
    "masks of floats": torch.rand(4, 8, 8),
    "masks with channels": torch.zeros(4, 1, 8, 8, dtype=torch.uint8),
    "pairs of numbers": torch.tensor([[1, 2], [0, 5], [3, 3], [4, 1]]),
    "rows above 1": torch.tensor([[2.0, 0, 0]] * 4),
    "rows below 0": torch.tensor([[-0.5, 1.5, 0]] * 4),
    "NaN": torch.full((4, 3), float("nan")),
    "booleans": torch.tensor([True, False, True, False]),
    "floats": torch.tensor([1.0, 0.0, 2.0, 1.0]),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("n_classes", [None, 3, 10])
def test_class_numbers_of_another_shape_are_not_blended(name, n_classes):
    "The message says what is allowed, and gives the type and shape, or the values."
    with pytest.raises(ValueError, match=r"y must be class numbers \[B\], or .*, got ") as e:
        x_and_soft(WRONG[name], n_classes)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("n_classes", [2, 4, 10])
def test_rows_with_another_number_of_columns(n_classes):
    with pytest.raises(
        ValueError, match=rf"targets \[B,{n_classes}\] .*got torch.float64 \[4, 3\]"
    ):
        x_and_soft(torch.from_numpy(SOFT), n_classes)


@pytest.mark.parametrize("y", [["cat", "dog", "cat", "dog"], [None] * 4, [{}] * 4])
def test_what_is_no_number_is_rejected_in_one_line(y):
    for function in (lambda: x_and_soft(y), lambda: smooth_labels(y, N), lambda: one_hot(y, N)):
        with pytest.raises(TypeError, match="y must be class numbers or rows of numbers, got"):
            function()


COMPLEX = {
    "NumPy": np.array(ROWS, complex),
    "NumPy [B]": np.array(Y, complex),
    "torch": torch.from_numpy(ROWS).to(torch.complex64),
    "torch [B]": torch.tensor(Y).to(torch.complex128),
    "list": [1j, 0j, 1j, 0j],
}
LOGITS = torch.zeros(4, N)
READERS = {
    "mix_batch": x_and_soft,
    "one_hot": lambda y: one_hot(y, N),
    "smooth_labels": lambda y: smooth_labels(y, N),
    "smoothed_cross_entropy": lambda y: smoothed_cross_entropy(LOGITS, y),
    "ece": lambda y: ece(LOGITS.softmax(1), y),
    "reliability": lambda y: reliability(LOGITS.softmax(1), y),
    "scores": lambda y: scores(LOGITS.softmax(1), y),
}


@pytest.mark.parametrize("name", COMPLEX)
@pytest.mark.parametrize("reader", READERS)
def test_complex_labels_are_rejected(reader, name):
    with pytest.raises((ValueError, TypeError), match=r"^y must be .*, got .*complex") as e:
        READERS[reader](COMPLEX[name])
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("name", ["NumPy", "torch"])
def test_complex_outputs_are_rejected(name):
    for word, function in (("logits", smoothed_cross_entropy), ("probs", ece)):
        with pytest.raises((ValueError, TypeError), match=f"^{word} must be .*, got .*complex"):
            function(COMPLEX[name], Y)


@pytest.mark.parametrize("value", [2**63, 2**63 + 5, 2**64 - 1])
@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize("reader", READERS)
def test_labels_that_are_too_large_are_named_as_they_are(reader, as_tensor, value):
    y = np.array([0, 1, value, 2], np.uint64)
    y = torch.from_numpy(y) if as_tensor else y
    with pytest.raises(ValueError, match=rf"^y must be below 2\*\*63, got {value}$"):
        READERS[reader](y)


@pytest.mark.parametrize(
    "y, got",
    [
        ([0, 3, 1, 2], "got 0 to 3"),
        ([-1, 0, 1, 2], "got -1 to 2"),
        ([0.0, 1.0, 2.0, 1.0], r"got torch.float64 \[4\]"),
        ([True, False, True, True], r"got torch.bool \[4\]"),
        (SOFT, r"got torch.float64 \[4, 3\]"),
        (MULTI, r"got torch.int64 \[4, 3\]"),
    ],
)
def test_calibration_needs_one_class_an_item(y, got):
    probs = torch.full((4, 3), 1 / 3)
    for function in (ece, reliability, scores):
        with pytest.raises(ValueError, match=f"y must be .*{got}"):
            function(probs, y)


# ---- Explorers


def images(n=4):
    rng = np.random.default_rng(0)
    return list(rng.integers(0, 256, (n, 20, 20, 3), dtype=np.uint8))


VOCAB = ["1", "2", "3"]
NAMES = {
    "names": ["3", "1", "2", "3"],
    "an array of names": np.array(["3", "1", "2", "3"]),
    "names and numbers": ["3", 0, np.int64(1), "3"],
}


@pytest.mark.parametrize("name", [*NUMBERS, *ONE_HOT, *NAMES])
def test_the_mixup_explorer_reads_every_form_of_label(name):
    labels = (NUMBERS | ONE_HOT | NAMES)[name]
    explorer = MixupExplorer(images(), labels, VOCAB, t=LAM, first=0, second=1)
    assert explorer.labels == Y and explorer.vocab == VOCAB
    assert np.allclose(explorer.target, LAM * ROWS[0] + (1 - LAM) * ROWS[1])


@pytest.mark.parametrize("name", [*NUMBERS, *ONE_HOT])
def test_the_normalize_explorer_reads_every_form_of_label(name):
    explorer = NormalizeExplorer(images(), labels=(NUMBERS | ONE_HOT)[name], side=16)
    assert explorer.right == Y


@pytest.mark.parametrize("name", NUMBERS)
def test_classes_without_a_vocabulary_get_names(name):
    explorer = MixupExplorer(images(), NUMBERS[name])
    assert explorer.labels == Y and explorer.vocab == ["class 0", "class 1", "class 2"]


@pytest.mark.parametrize(
    "labels",
    [
        SOFT,
        MULTI,
        [1.0, 0.0, 2.0, 1.0],
        [True, False, True, True],
        np.array([3, 0, 1, 2]),
        torch.tensor([-1, 0, 1, 2]),
        ["4", "1", "2", "3"],
        [None, 0, 1, 2],
        torch.zeros(4, 5, 5),
        np.array([[1], [0], [2], [1]]),
    ],
    ids=str,
)
def test_explorers_reject_what_is_not_one_class_an_image(labels):
    with pytest.raises(ValueError, match="label must be .*, got .*") as e:
        MixupExplorer(images(), labels, VOCAB)
    assert "\n" not in str(e.value)


# ---- Loaded models


@pytest.fixture(scope="module")
def learn(tmp_path_factory):
    "A learner of three classes, the learner after loading, and files with their classes."
    from fastai.vision.all import CrossEntropyLossFlat, Learner

    root = tmp_path_factory.mktemp("labels")
    for split in ("train", "val"):
        for name in ("cat", "dog", "a b"):
            (root / split / name).mkdir(parents=True)
            for i in range(3):
                Image.effect_noise((40, 30), 60).convert("RGB").save(
                    root / split / name / f"{i}.png"
                )
    dls = get_dls(2, 16, root)
    return Learner(dls, tiny_network(3), loss_func=CrossEntropyLossFlat())


@pytest.fixture
def loaded(learn, tmp_path, monkeypatch):
    for module in (models, share):
        monkeypatch.setattr(module, "architectures", lambda: {"tiny": tiny_network})
    return load_model(save_model(learn, tmp_path / "model"))


@pytest.mark.parametrize("rm_type_tfms", [None, 0])
@pytest.mark.parametrize("form", ["Path", "str"])
def test_a_loaded_model_takes_labels_from_folders(learn, loaded, form, rm_type_tfms):
    files = list(learn.dls.valid_ds.items)
    expected = [["a b", "cat", "dog"].index(file.parent.name) for file in files]
    items = files if form == "Path" else [str(file) for file in files]
    dl = loaded.dls.test_dl(items, rm_type_tfms, with_labels=True)
    with loaded.no_bar():
        preds, targets = loaded.get_preds(dl=dl)
        _, same = tta(loaded, dl=dl)
    with learn.no_bar():
        before = learn.get_preds(dl=learn.dls.test_dl(files, with_labels=True))
    assert targets.tolist() == same.tolist() == before[1].tolist() == expected
    assert torch.allclose(preds, before[0], atol=1e-6)
    validated = loaded.validate(dl=dl)[0]
    assert abs(validated - learn.validate()[0]) < 1e-5


def test_a_loaded_model_takes_files_without_labels_too(learn, loaded):
    outside = [file.parents[2] / "x.png" for file in learn.dls.valid_ds.items[:1]]
    Image.new("RGB", (30, 20)).save(outside[0])
    with loaded.no_bar():
        for items in (outside, [str(outside[0])]):
            preds, targets = loaded.get_preds(dl=loaded.dls.test_dl(items))
            assert targets is None and preds.shape == (1, 3)
    with pytest.raises(KeyError, match="was not included in the training dataset"):
        loaded.dls.test_dl(outside, with_labels=True).one_batch()


def test_an_image_has_no_label(loaded):
    from fastai.vision.core import PILImage

    items = [PILImage.create(Image.new("RGB", (30, 20)))]
    assert loaded.dls.test_dl(items, num_workers=0).one_batch()[0].shape == (1, 3, 16, 16)
    with pytest.raises(TypeError, match="items must be image files .* got a PILImage"):
        loaded.dls.test_dl(items, 0, with_labels=True, num_workers=0).one_batch()


@pytest.mark.parametrize("row", [[0, 0.5, 0], [0, 1, 1], [1, -1, 0]])
def test_a_label_that_is_no_single_class_is_rejected(row):
    assert class_indices([[0, 1, 0]], list("abc"), 1)[0] == [1]
    with pytest.raises(ValueError, match="^label must be a class number, a name in the vocab"):
        class_indices([row], list("abc"), 1)


@pytest.mark.parametrize(
    "kind, value, found", [("uint8", 255, torch.uint8), ("uint64", 2**62, torch.int64)]
)
def test_unsigned_labels_stay_the_same_numbers(kind, value, found):
    y = as_plain_tensor(np.array([value], kind))
    assert y.tolist() == [value] and y.dtype == found


@pytest.mark.parametrize("n_classes", [4, 5])
def test_the_message_about_class_numbers_names_the_last_class(n_classes):
    with pytest.raises(ValueError, match=f"^y must be from 0 to {n_classes - 1}, got 0 to 9"):
        class_numbers([0, 9], n_classes)
