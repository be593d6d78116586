"The arithmetic of chapter one, held against numpy in double precision."

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lesson7.data.loaders import get_dls
from lesson7.normalize import (
    NormStats,
    batch_stats,
    check_normalization,
    dataset_stats,
    denormalize,
    normalize,
)

IMAGENET, OWN = NormStats.imagenet(), NormStats((0.40, 0.37, 0.35), (0.21, 0.20, 0.19), "digits")


def batch(seed=0, shape=(4, 3, 9, 7)):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def numpys(x):
    "Mean and n-1 sd over axes 0, 2, 3 in float64."
    x = np.asarray(x, np.float64)
    return x.mean((0, 2, 3)), x.std((0, 2, 3), ddof=1)


@settings(deadline=None)
@given(
    st.integers(0, 999),
    st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(2, 9), st.integers(2, 9)),
)
def test_batch_stats_are_numpys(seed, shape):
    x, stats = batch(seed, shape), batch_stats(batch(seed, shape))
    mean, std = numpys(x)
    assert (
        np.allclose(stats.mean, mean, atol=1e-6)
        and np.allclose(stats.std, std, atol=1e-6)
        and stats.n == shape[0]
    )


@settings(deadline=None)
@given(st.integers(0, 999), st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_dataset_stats_are_numpys_however_it_is_cut_into_batches(seed, sizes):
    x = batch(seed, (sum(sizes), 3, 5, 4))
    stats = dataset_stats((xb, None) for xb in x.split(sizes))
    mean, std = numpys(x)
    assert (
        np.allclose(stats.mean, mean, atol=1e-9)
        and np.allclose(stats.std, std, atol=1e-9)
        and stats.n == sum(sizes)
    )


def test_dataset_stats_of_files_are_numpys_on_all_pixels(small):
    files = sorted((small / "train").rglob("*.jpg"))
    pixels = np.concatenate(
        [np.asarray(Image.open(f).convert("RGB"), np.float64).reshape(-1, 3) / 255 for f in files]
    )
    for source in (small / "train", str(small / "train"), files):
        stats = dataset_stats(source)
        assert np.allclose(stats.mean, pixels.mean(0), atol=1e-9) and np.allclose(
            stats.std, pixels.std(0, ddof=1), atol=1e-9
        )
        assert stats.n == 60


def test_dataset_stats_of_a_loader_are_of_what_it_yields(small):
    dls = get_dls(7, 32, small)
    assert np.allclose(
        dataset_stats(dls.valid).mean, numpys(torch.cat([x for x, _ in dls.valid]))[0], atol=1e-6
    )


def test_dataset_stats_of_nothing(tmp_path):
    for nothing in (tmp_path, []):
        with pytest.raises(ValueError, match="no images"):
            dataset_stats(nothing)


def test_dataset_stats_name_a_broken_file(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"\x89PNG")
    with pytest.raises(ValueError, match="bad.png is not a readable image"):
        dataset_stats(tmp_path)


def test_normalize_and_back():
    x = batch()
    z = normalize(x, OWN)
    expected = (x.numpy().astype(float) - np.array(OWN.mean)[None, :, None, None]) / np.array(
        OWN.std
    )[None, :, None, None]
    assert np.allclose(z, expected, atol=1e-5) and torch.allclose(denormalize(z, OWN), x, atol=1e-6)
    assert torch.equal(normalize(x[0], OWN), z[0])  # a single image as well


def test_normalize_is_fastais():
    from fastai.vision.all import Normalize, TensorImage

    theirs = Normalize.from_stats(OWN.mean, OWN.std, cuda=False)(TensorImage(batch()))
    assert torch.allclose(theirs, normalize(batch(), OWN), atol=1e-6)


def test_imagenet_is_fastais():
    from fastai.vision.all import imagenet_stats

    assert (list(IMAGENET.mean), list(IMAGENET.std)) == tuple(map(list, imagenet_stats))


@pytest.mark.parametrize(
    "x, error, said",
    [
        (batch()[0], ValueError, r"4 axes, \[B,C,H,W\]; this one has 3"),
        (torch.zeros(0, 3, 4, 4), ValueError, "empty"),
        (torch.zeros(2, 3, 4, 4, dtype=torch.uint8), TypeError, "divide by 255"),
        (torch.full((2, 3, 4, 4), float("nan")), ValueError, "NaN"),
        (
            torch.cat([batch()[:, :2], torch.ones(4, 1, 9, 7)], 1),
            ValueError,
            "one value throughout",
        ),
        (np.zeros((2, 3, 4, 4)), TypeError, "this is a ndarray"),
    ],
)
def test_batch_stats_refuses(x, error, said):
    with pytest.raises(error, match=said):
        batch_stats(x)


@pytest.mark.parametrize(
    "mean, std, said",
    [
        ((0.5, 0.5, 0.5), (0.2, 0.2), "mean has 3 values and std 2"),
        ((), (), "mean has 0"),
        ((0.5,), (0.0,), "above 0"),
        ((0.5,), (-0.1,), "above 0"),
        ((float("nan"),), (0.2,), "finite"),
        ((0.5,), (float("inf"),), "finite"),
    ],
)
def test_norm_stats_refuse(mean, std, said):
    with pytest.raises(ValueError, match=said):
        NormStats(mean, std)


def test_norm_stats_travel(tmp_path):
    assert NormStats.load(OWN.save(tmp_path / "s.json")) == OWN
    assert [f.name for f in tmp_path.iterdir()] == ["s.json"]


@pytest.mark.parametrize(
    "text, said",
    [
        ("mean: 0.5", "not JSON"),
        ('{"mean": [0.5]}', "lacks lists named mean and std"),
        ("[1, 2]", "lacks lists"),
        ('{"mean": [0.5], "std": [0]}', "above 0"),
        ('{"mean": 0.5, "std": 0.2}', "lacks lists"),
    ],
)
def test_a_stats_file_that_is_none(text, said, tmp_path):
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(ValueError, match=said):
        NormStats.load(tmp_path / "s.json")


def test_a_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    import os
    import pathlib

    OWN.save(tmp_path / "s.json")

    def full(*args):
        raise OSError("disk full")

    monkeypatch.setattr(pathlib.Path, "replace", full)
    with pytest.raises(OSError):
        IMAGENET.save(tmp_path / "s.json")
    assert NormStats.load(tmp_path / "s.json") == OWN and len(os.listdir(tmp_path)) == 1


@pytest.fixture(scope="module", params=["plain", "augmented"])
def pictures(request, small):
    dls = get_dls(30, 48, small)
    return (dls.valid if request.param == "plain" else dls.train).one_batch()[0]


@pytest.mark.parametrize(
    "kind, ok, said, make",
    [
        ("unit", False, r"normalize\(x, stats\)", lambda x: x),
        ("bytes", False, r"x/255", lambda x: x * 255),
        ("bytes", False, r"x/255", lambda x: (x * 255).to(torch.uint8)),
        ("own", True, "model's statistics .digits.", lambda x: normalize(x, OWN)),
        (
            "imagenet",
            False,
            "ImageNet's statistics, not the model's",
            lambda x: normalize(x, IMAGENET),
        ),
        ("twice", False, "Remove one", lambda x: normalize(normalize(x, OWN), OWN)),
        ("twice", False, "Remove one", lambda x: normalize(normalize(x, IMAGENET), IMAGENET)),
        ("unknown", False, "other statistics", lambda x: x * 40 - 7),
    ],
)
def test_check_normalization_tells_them_apart(kind, ok, said, make, pictures):
    report = check_normalization(make(pictures), OWN)
    assert (report.kind, report.ok) == (kind, ok)
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(str(report))


@pytest.mark.parametrize(
    "kind, ok, make",
    [
        ("unit", False, lambda x: x),
        ("imagenet", True, lambda x: normalize(x, IMAGENET)),
        ("own", True, lambda x: normalize(x, NormStats((0.3, 0.3, 0.3), (0.3, 0.1, 0.2)))),
        ("twice", False, lambda x: normalize(normalize(x, IMAGENET), IMAGENET)),
    ],
)
def test_check_normalization_without_the_models_statistics(kind, ok, make, pictures):
    report = check_normalization(make(pictures))
    assert (report.kind, report.ok) == (kind, ok)


def test_the_advice_works(pictures):
    x = pictures
    for wrong, mend in (
        (x, lambda x: normalize(x, OWN)),
        (x * 255, lambda x: normalize(x / 255, OWN)),
        (normalize(normalize(x, OWN), OWN), lambda x: denormalize(x, OWN)),
        (normalize(x, IMAGENET), lambda x: normalize(denormalize(x, IMAGENET), OWN)),
    ):
        assert check_normalization(mend(wrong), OWN).kind == "own"


def test_fastai_reads_one_augmented_batch(small):
    "What the callout says: `Normalize()` takes a training batch, not the dataset."
    norm = get_dls(16, 48, small, "batch").after_batch.fs[-1]
    assert not np.allclose(norm.mean.flatten(), dataset_stats(small / "train").mean, atol=1e-3)


def test_vision_learner_adds_normalize_and_learner_does_not(small):
    from fastai.vision.all import Learner, Normalize, resnet18, vision_learner
    from fastai.vision.learner import model_meta

    def standin(weights=None):
        return resnet18()

    model_meta[standin] = model_meta[resnet18]
    try:
        a, b, c = get_dls(8, 32, small), get_dls(8, 32, small), get_dls(8, 32, small, OWN)
        vision_learner(a, standin)
        Learner(b, resnet18(num_classes=b.c))
        vision_learner(c, standin)
    finally:
        del model_meta[standin]
    norms = [[t for t in d.after_batch.fs if isinstance(t, Normalize)] for d in (a, b, c)]
    assert [len(n) for n in norms] == [1, 0, 1]
    assert np.allclose(norms[0][0].mean.flatten().cpu(), IMAGENET.mean) and np.allclose(
        norms[2][0].mean.flatten().cpu(), OWN.mean
    )
