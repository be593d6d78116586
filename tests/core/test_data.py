"Photos, the sample dataset and `get_dls`."

import csv
import hashlib
import platform
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lesson7.data import digits, hardware, presets
from lesson7.data.digits import NOISE_LEVELS
from lesson7.data.files import open_image
from lesson7.data.hardware import channels_last, keep_memory
from lesson7.data.loaders import ImageInput, blank_dls, get_dls, image_input
from lesson7.data.presets import here
from lesson7.data.samples import imagenette, photos, sample_dataset
from lesson7.models import architecture


def rows(path):
    return list(csv.DictReader(open(path / "labels.csv")))


def digest(path):
    return {
        f.relative_to(path): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in sorted(path.rglob("*"))
        if f.is_file()
    }


def test_photos_are_colour_and_credited():
    assert len(photos()) >= 8
    for name, im in photos().items():
        x = np.asarray(im, int)
        assert im.mode == "RGB" and (x.max(2) - x.min(2)).mean() > 2, name
        assert im.info["credit"] and im.info["license"]
    assert photos()["coffee"] is photos()["coffee"]  # decoded once


def test_photos_need_no_slow_import():
    code = "import sys; from lesson7.data.samples import photos; photos(); print(*({'torch', 'fastai', 'skimage', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == ""


def test_sample_dataset_splits_share_nothing(small):
    made = {
        split: [r for r in rows(small) if r["file"].startswith(split)] for split in ("train", "val")
    }
    assert Counter(r["label"] for r in made["train"]) == {str(c): 6 for c in range(10)}
    assert Counter(r["label"] for r in made["val"]) == {str(c): 3 for c in range(10)}
    for r in rows(small):
        im = Image.open(small / r["file"])
        assert min(im.size) == 128 and max(im.size) in (171, 192)


def test_no_handwriting_and_no_background_stands_in_both_splits(tmp_path, monkeypatch):
    monkeypatch.setattr(
        digits, "picture", lambda *args: Image.new("L", (1, 1))
    )  # who is drawn where matters here, not how
    made = rows(sample_dataset(tmp_path / "d"))
    train, val = ([r for r in made if r["file"].startswith(split)] for split in ("train", "val"))
    assert len(train) == 2000 and len(val) == 1000
    for what in ("handwriting", "background"):
        assert not {r[what] for r in train} & {r[what] for r in val}
    assert (
        len({r["handwriting"] for r in val}) > 550
    )  # a validation of a thousand that does not repeat a few digits


def test_sample_dataset_repeats_byte_for_byte(small, tmp_path):
    again, other = (sample_dataset(tmp_path / str(seed), 60, 30, seed=seed) for seed in (42, 43))
    assert digest(again) == digest(small)
    assert set(digest(other).values()).isdisjoint(
        v for f, v in digest(small).items() if f.suffix == ".jpg"
    )


def test_wrong_labels_are_nested_and_move_files_only(tmp_path):
    clean, noisy = (
        sample_dataset(tmp_path / str(noise), 200, 20, noise=noise) for noise in (0.0, 0.25)
    )
    wrong = {
        level: {r["file"] for r in rows(clean) if r["label"] != r[f"noise_{level:g}"]}
        for level in NOISE_LEVELS[1:]
    }
    assert {level: len(files) for level, files in wrong.items()} == {
        0.01: 2,
        0.05: 10,
        0.25: 50,
        0.5: 100,
    }
    assert wrong[0.01] < wrong[0.05] < wrong[0.25] < wrong[0.5] and all(
        f.startswith("train/") for f in wrong[0.5]
    )
    pixels = lambda path: {
        f.name: (f.parent.name, f.read_bytes()) for f in (path / "train").rglob("*.jpg")
    }
    a, b = pixels(clean), pixels(noisy)
    assert {n: x for n, (_, x) in a.items()} == {n: x for n, (_, x) in b.items()}
    assert sum(a[n][0] != b[n][0] for n in a) == 50


def test_interrupted_run_leaves_nothing(tmp_path, monkeypatch):
    drawn = iter(range(15))

    def interrupted(*args, real=digits.picture):
        if next(drawn, None) is None:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(digits, "picture", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sample_dataset(tmp_path / "d", 20, 10)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_at_once_make_one_dataset(tmp_path):
    code = f"from lesson7.data.samples import sample_dataset; print(sample_dataset({str(tmp_path / 'd')!r}, 100, 20))"
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for run in runs:
        out, err = run.communicate()
        assert run.returncode == 0 and out.strip() == str(tmp_path / "d"), err
    assert [f.name for f in tmp_path.iterdir()] == ["d"] and len(
        list(tmp_path.rglob("*.jpg"))
    ) == 120


@pytest.mark.parametrize(
    "kw, said",
    [
        (dict(noise=0.3), "noise is 0.3; it must be one of"),
        (dict(n_train=5), "at least 10"),
    ],
)
def test_sample_dataset_refuses(kw, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        sample_dataset(tmp_path / "d", **kw)


def test_sample_dataset_overwrites_nothing(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not the dataset asked for"):
        sample_dataset(tmp_path)
    sample_dataset(tmp_path / "d", 20, 10)
    with pytest.raises(ValueError, match="is not the dataset asked for"):
        sample_dataset(tmp_path / "d", 20, 10, seed=1)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_imagenette_offline_names_the_way_out(monkeypatch):
    import fastai.data.external

    def no_network(url):
        raise OSError("no route to host")

    monkeypatch.setattr(fastai.data.external, "untar_data", no_network)
    with pytest.raises(ConnectionError, match=r"sample_dataset\(\)"):
        imagenette()
    with pytest.raises(ValueError, match="160, 320"):
        imagenette(224)


def test_get_dls_keeps_the_datasets_own_split(small):
    for size in (48, 64):
        dls = get_dls(16, size, small)
        assert {f.parent.parent.name for f in dls.train.items} == {"train"} and {
            f.parent.parent.name for f in dls.valid.items
        } == {"val"}
        assert len(dls.train.items) == 60 and len(dls.valid.items) == 30
        assert list(dls.vocab) == [str(c) for c in range(10)] and dls.c == 10
        x, y = dls.one_batch()
        assert x.shape == (16, 3, size, size) and x.min() >= 0 and x.max() <= 1


def test_get_dls_repeats_its_order_from_its_seed(small):
    def labels(seed):
        dls = get_dls(16, 48, small, seed=seed)
        return [y.tolist() for epoch in range(2) for _, y in dls.train]

    assert labels(1) == labels(1) != labels(2)


def test_a_batch_repeats_from_both_seeds(small):
    from fastai.torch_core import set_seed

    def batch(order, augmentation):
        dls = get_dls(16, 48, small, seed=order)
        set_seed(augmentation)
        return dls.one_batch()[0]

    assert (batch(1, 7) == batch(1, 7)).all()
    assert not (batch(1, 7) == batch(2, 7)).all() and not (batch(1, 7) == batch(1, 8)).all()


def test_get_dls_leaves_the_generators_as_they_were(small):
    def draws(make_loaders):
        random.seed(5)
        np.random.seed(5)
        torch.manual_seed(5)
        if make_loaders:
            get_dls(16, 48, small)
        return random.random(), np.random.rand(), torch.rand(()).item()

    assert draws(True) == draws(False)


def test_loaders_know_how_they_present_an_image(small):
    seen = image_input(get_dls(16, 48, small, ([0.5] * 3, [0.25] * 3)))
    assert seen == ImageInput(48, 128, (0.5,) * 3, (0.25,) * 3)
    assert image_input(get_dls(16, 48, small)) == ImageInput(48, 128)


def test_blank_loaders_present_an_image_as_get_dls_does(small):
    stats = [0.5] * 3, [0.25] * 3
    dls, blank = get_dls(16, 48, small, stats), blank_dls(list("0123456789"), 48, 128, stats)
    files = list(dls.valid_ds.items)[:4]
    first, second = (d.test_dl(files).one_batch()[0] for d in (dls, blank))
    assert torch.equal(first, second) and list(blank.vocab) == list(dls.vocab)
    assert image_input(blank) == image_input(dls) and len(blank.train_ds) == 0


def test_get_dls_normalizes_by_choice(small):
    names = lambda stats: [type(t).__name__ for t in get_dls(16, 48, small, stats).after_batch.fs]
    assert (
        "Normalize" not in names(None)
        and names("batch")[-1] == names(([0.5] * 3, [0.2] * 3))[-1] == "Normalize"
    )
    raw, z = (
        get_dls(30, 48, small, stats).valid.one_batch()[0]
        for stats in (None, ([0.5] * 3, [0.2] * 3))
    )
    assert ((raw - 0.5) / 0.2 - z).abs().max() < 1e-5


def test_digits_are_never_flipped_and_other_datasets_are(small, tmp_path):
    flips = lambda path: any(
        "Flip" in type(t).__name__ for t in get_dls(8, 48, path).after_batch.fs
    )
    shutil.copytree(small, tmp_path / "other", ignore=shutil.ignore_patterns("dataset.json"))
    assert not flips(small) and flips(tmp_path / "other")


def image(file, size=(60, 40)):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.effect_noise(size, 50).convert("RGB").save(file)
    return file


@pytest.fixture
def folder(tmp_path):
    for split in ("train", "val"):
        for c in ("cat", "dog"):
            image(tmp_path / split / c / "1.jpg")
    return tmp_path


def test_get_dls_reads_any_folder(folder):
    assert list(get_dls(2, 32, folder).vocab) == ["cat", "dog"]


def test_get_dls_on_no_images(tmp_path):
    with pytest.raises(ValueError, match="train has no images"):
        get_dls(2, 32, tmp_path)
    with pytest.raises(ValueError, match="train has no images"):
        get_dls(2, 32, tmp_path / "nowhere")


def test_get_dls_on_one_class(folder):
    for split in ("train", "val"):
        shutil.rmtree(folder / split / "dog")
    with pytest.raises(ValueError, match="has one class, cat"):
        get_dls(2, 32, folder)


def test_get_dls_on_an_unknown_class(folder):
    image(folder / "val" / "axolotl" / "1.jpg")
    with pytest.raises(ValueError, match="lacks: axolotl"):
        get_dls(2, 32, folder)


def test_get_dls_names_a_file_that_is_no_image(folder):
    bad = folder / "val" / "cat" / "bad.jpg"
    bad.write_bytes(b"not a jpeg")
    with pytest.raises(ValueError, match="bad.jpg is not a readable image"):
        get_dls(2, 32, folder)


def test_a_truncated_jpeg_is_named_when_it_is_loaded(folder):
    bad = image(folder / "val" / "cat" / "cut.jpg", (300, 200))
    bad.write_bytes(bad.read_bytes()[:2000])
    with pytest.raises(ValueError, match="cut.jpg is not a readable image"):
        list(get_dls(2, 32, folder).valid)


def test_get_dls_on_a_dataset_that_lost_files(tmp_path):
    path = sample_dataset(tmp_path / "d", 20, 10)
    next((path / "train").rglob("*.jpg")).unlink()
    for look in (lambda: get_dls(4, 32, path), lambda: sample_dataset(path, 20, 10)):
        with pytest.raises(ValueError, match="holds 19 pictures where 20 belong; delete"):
            look()
    shutil.rmtree(path / "val")
    with pytest.raises(ValueError, match="belong; delete"):
        get_dls(4, 32, path)


def test_open_image_makes_rgb(tmp_path):
    for mode in ("L", "RGBA", "CMYK", "P", "1"):
        Image.new(mode, (9, 7)).save(file := tmp_path / f"{mode}.tif")
        assert open_image(file).mode == "RGB" and open_image(file).size == (9, 7)


def test_here_on_a_cpu(cache, monkeypatch):
    monkeypatch.setattr(presets, "sample_dataset", lambda: Path("there"))
    p = here("cpu")
    assert p.path == Path("there") and p.small < p.large and not p.bf16 and "torch" in p.machine
    model = p.arch(n_out=10)
    assert model[-1].out_features == 10 and all(
        w.is_contiguous(memory_format=torch.channels_last)
        for w in model.parameters()
        if w.ndim == 4
    )
    with pytest.raises(ValueError, match='device must be "cuda", "cpu" or None, got .tpu.'):
        here("tpu")


def test_here_leaves_fastais_device_as_it_is(cache, monkeypatch):
    from fastai.torch_core import defaults

    monkeypatch.setattr(presets, "sample_dataset", lambda: Path("there"))
    before = getattr(defaults, "use_cuda", None)
    here("cpu")
    assert getattr(defaults, "use_cuda", None) == before


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last], ids=str)
def test_channels_last_restores_the_weights_memory_format(memory_format):
    model = torch.nn.Conv2d(3, 8, 3).to(memory_format=memory_format)
    with pytest.raises(KeyboardInterrupt), channels_last(model):
        assert model.weight.is_contiguous(memory_format=torch.channels_last)
        raise KeyboardInterrupt
    assert model.weight.is_contiguous(memory_format=memory_format)


def test_architecture_by_name():
    model = architecture("xresnet18-narrow")(n_out=7)
    assert model[-1].out_features == 7 and sum(p.numel() for p in model.parameters()) < 1e6
    assert architecture("xresnet18").__name__ == "xresnet18"
    assert model.architecture == "xresnet18-narrow"
    with pytest.raises(
        ValueError, match="'resnet' is not known; it must be one of xresnet18-narrow, xresnet18"
    ):
        architecture("resnet")


FAULTS = """
import resource, torch
from lesson7.data.hardware import keep_memory
{keep}
def batch(): return [torch.ones(10_000_000) for _ in range(4)]  # blocks of 40 MB: the library itself keeps up to 32
for _ in range(5): batch()  # the heap takes up to three of them to settle, by where the system laid it
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5): batch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")
def test_memory_stays_for_the_next_batch():
    "In page faults, which are counted, not timed: five batches of 160 MB are 195,000 pages."
    kept, given_back = (
        int(subprocess.check_output([sys.executable, "-c", FAULTS.format(keep=k)], text=True))
        for k in ("keep_memory()", "")
    )
    assert kept < given_back / 4 and given_back > 150_000


def test_memory_of_another_c_library_is_left_alone(monkeypatch):
    for lacks in (AttributeError, TypeError):
        monkeypatch.setattr(hardware.ctypes, "CDLL", lambda _: (_ for _ in ()).throw(lacks))
        keep_memory()


def test_a_package_that_is_missing_is_named(monkeypatch):
    from lesson7.data import samples

    samples._photo.cache_clear()
    monkeypatch.setattr(samples, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install scikit-image"):
        photos()


def test_only_the_photos_that_are_named_are_decoded():
    from lesson7.data import samples

    samples._photo.cache_clear()
    assert list(photos("coffee", "china")) == ["coffee", "china"]
    assert samples._photo.cache_info().currsize == 2
    with pytest.raises(ValueError, match="names must be among chelsea, .*, got 'cat'"):
        photos("cat")
