"Loaders that decode each image once give the batches of fastai's loaders, bit for bit."

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from fastai.data.core import TfmdDL
from fastai.torch_core import set_seed
from fastai.vision.all import (
    Categorize,
    CategoryMap,
    PILImage,
    Pipeline,
    Resize,
    ResizeMethod,
    Transform,
)
from PIL import Image

from lesson7.data import decoded
from lesson7.data.decoded import DecodedDL, fits_in_memory
from lesson7.data.files import Presized
from lesson7.data.loaders import get_dls, mislabel

SIZES = [(40, 30), (30, 40), (64, 64), (20, 90), (90, 21), (33, 47), (200, 170), (16, 16)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    "A dataset of noise, of many shapes, with greyscale and transparent images among them."
    root = tmp_path_factory.mktemp("shapes")
    rng = np.random.default_rng(0)
    for side, count in (("train", 24), ("val", 8)):
        for i in range(count):
            width, height = SIZES[i % len(SIZES)]
            mode = ("RGB", "L", "RGBA")[i % 3]
            pixels = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
            image = Image.fromarray(pixels, "RGBA").convert(mode)
            file = root / side / "ab"[i % 2] / f"{i}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            image.save(file)
    return root


def batches(dl, seed=0, epochs=2):
    "Return the batches of some epochs."
    set_seed(seed)
    return [batch for _ in range(epochs) for batch in dl]


def assert_same(dl, other):
    found, expected = batches(dl), batches(other)
    assert len(found) == len(expected) > 0
    for batch, target in zip(found, expected):
        for value, right in zip(batch, target):
            assert type(value) is type(right)
            assert value.stride() == right.stride()
            assert torch.equal(value, right)


@pytest.fixture
def pair(folder):
    "Loaders that decode once, and fastai's own."
    return get_dls(5, 16, folder), get_dls(5, 16, folder, dl_type=TfmdDL)


@pytest.mark.parametrize("side", ["train", "valid"])
@pytest.mark.parametrize("size", [8, 16, 40])
def test_batches_are_those_of_fastai(folder, side, size):
    dls = get_dls(5, size, folder)
    other = get_dls(5, size, folder, dl_type=TfmdDL)
    assert type(dls.train) is type(dls.valid) is DecodedDL
    assert_same(getattr(dls, side), getattr(other, side))


def test_photos_that_are_shrunk_on_opening_give_the_same_batches(tmp_path):
    rng = np.random.default_rng(1)
    for i in range(4):
        pixels = rng.integers(0, 256, (300 + i, 380, 3), dtype=np.uint8)
        for side in ("train", "val"):
            file = tmp_path / side / "ab"[i % 2] / f"{i}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(file)
    dls, other = get_dls(2, 64, tmp_path), get_dls(2, 64, tmp_path, dl_type=TfmdDL)
    assert_same(dls.train, other.train)
    assert_same(dls.valid, other.valid)


def test_changed_labels_are_used_also_after_an_epoch(pair):
    for dls in pair:
        batches(dls.train, epochs=1)
        mislabel(dls, 0.5, seed=3)
    assert_same(pair[0].train, pair[1].train)


@pytest.mark.parametrize("is_checked", [False, True], ids=["new files", "checked files"])
def test_each_image_is_decoded_once(folder, tmp_path, monkeypatch, is_checked):
    copy = shutil.copytree(folder, tmp_path / "copy")
    if is_checked:
        get_dls(5, 16, copy)
    opened = []
    open_file = Presized.__call__

    def count(self, file):
        opened.append(file)
        return open_file(self, file)

    monkeypatch.setattr(Presized, "__call__", count)
    dls = get_dls(5, 16, copy)
    batches(dls.train, epochs=3)
    batches(dls.train.new(bs=3))
    batches(dls.valid)
    probes = 4  # fastai opens an image now and then to know its type
    assert len(set(opened)) == 32
    assert len(opened) <= 32 + probes


def reverse(samples):
    return samples[::-1]


class Negative(Transform):
    "A reader's transform of the opened image."

    order = 5

    def encodes(self, image: PILImage):
        return PILImage.create(255 - np.asarray(image))


def add_transform(dls):
    for dataset in (dls.train_ds, dls.valid_ds):
        dataset.tls[0].tfms.add(Negative())


def categorize(dls):
    return dls.train_ds.tls[1].tfms.fs[-1]


def replace_vocab(dls):
    categorize(dls).vocab = CategoryMap(["b", "a"], sort=False)


def renumber(dls):
    categorize(dls).vocab.o2i.update(a=1, b=0)


def replace_categorize(dls):
    dls.train_ds.tls[1].tfms.fs[-1] = Categorize(["b", "a"], sort=False)


CHANGES = {
    "another vocab": replace_vocab,
    "a longer vocab": lambda dls: setattr(categorize(dls), "vocab", CategoryMap(["0", "a", "b"])),
    "other numbers of classes": renumber,
    "another Categorize": replace_categorize,
    "oblong": lambda dls: dls.train.after_item.fs.__setitem__(0, Resize((12, 20))),
    "a transform of the dataset": add_transform,
    "squished": lambda dls: dls.train.after_item.fs.__setitem__(0, Resize(16, ResizeMethod.Squish)),
    "padded": lambda dls: dls.train.after_item.fs.__setitem__(0, Resize(16, ResizeMethod.Pad)),
    "another item": lambda dls: setattr(dls.train, "create_item", lambda i: dls.train_ds[i or 0]),
    "a sample transform": lambda dls: setattr(dls.train, "before_batch", Pipeline([reverse])),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("epochs", [0, 1], ids=["at once", "after an epoch"])
def test_other_item_transforms_work_as_in_fastai(pair, change, epochs):
    for dls in pair:
        batches(dls.train, epochs=epochs)
        change(dls)
    assert_same(pair[0].train, pair[1].train)
    if not epochs:
        assert not pair[0].train.cache.labels


def test_a_file_that_changed_is_decoded_again(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    dls = get_dls(5, 16, copy)
    batches(dls.valid)
    for file in (copy / "val").rglob("*.png"):
        Image.new("RGB", (50, 70), "red").save(file)
    x, _ = dls.valid.one_batch()
    red = torch.tensor([1.0, 0, 0])[:, None, None]
    assert (x - red).abs().max() < 1e-5


def delete_file(file):
    file.unlink()


def delete_folder(file):
    shutil.rmtree(file.parent)


def replace_by_a_folder(file):
    file.unlink()
    file.mkdir()


def replace_the_folder_by_a_file(file):
    shutil.rmtree(file.parent)
    file.parent.write_text("none")


def damage(file):
    file.write_bytes(b"none")


@pytest.mark.parametrize(
    "change, reason",
    [
        (delete_file, "no such file; check the path"),
        (delete_folder, "no such file; check the path"),
        (replace_the_folder_by_a_file, "no such file; check the path"),
        (replace_by_a_folder, "a folder; delete or replace it"),
        (damage, "an unknown format; delete or replace it"),
    ],
)
@pytest.mark.parametrize("epochs", [0, 1], ids=["at once", "after an epoch"])
@pytest.mark.parametrize("kind", [DecodedDL, TfmdDL])
def test_a_file_that_cannot_be_read_any_more_is_named(
    kind, epochs, change, reason, folder, tmp_path
):
    copy = shutil.copytree(folder, tmp_path / "copy")
    dls = get_dls(5, 16, copy, dl_type=kind)
    batches(dls.valid, epochs=epochs)
    file = Path(dls.valid.items[0])
    change(file)
    with pytest.raises(ValueError, match=f"must be a readable image, got {reason}$") as raised:
        batches(dls.valid)
    assert str(raised.value).startswith(str(file.parent))


def test_labels_stay_the_same_in_another_folder(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(folder, tmp_path / "copy"))
    rows = [
        f"{file},{'ba'['ab'.index(file.parent.name)]}" for file in sorted(Path().rglob("*.png"))
    ]
    Path("labels.csv").write_text("file,label\n" + "\n".join(rows))
    dls = get_dls(5, 16, ".", csv_fname="labels.csv", valid_pct=0.25, group_similar=False)
    expected = [int(y) for y in dls.valid_ds.tls[1]]
    monkeypatch.chdir(tmp_path)
    assert [int(y) for _, labels in dls.valid for y in labels] == expected
    (tmp_path / "link").symlink_to(tmp_path / "copy")
    item = dls.valid_ds.items[0].relative_to(tmp_path / "copy")
    others = [tmp_path / "copy" / "val" / ".." / item, tmp_path / "link" / item]
    found = dls.test_dl(others, with_labels=True).one_batch()[1]
    assert found.tolist() == [expected[0]] * 2


def test_another_dataset_keeps_no_pixels(pair, folder):
    files = sorted((folder / "val").rglob("*.png"))
    test_dl, other = (dls.test_dl(files, with_labels=True) for dls in pair)
    assert test_dl.cache is None
    assert_same(test_dl, other)


def test_images_that_do_not_fit_are_read_in_each_epoch(folder, monkeypatch):
    monkeypatch.setattr(decoded, "_available_memory", lambda: 8 * 1000)
    assert type(get_dls(5, 16, folder).train) is not DecodedDL


def test_the_estimate_is_the_bytes_of_all_pixels(tmp_path, monkeypatch):
    files = [tmp_path / f"{i}.png" for i in range(10)]
    for file in files:
        Image.new("RGB", (150, 100)).save(file)
    n_bytes = 10 * 50 * 75 * 3  # shrunk to a short side of 50
    for memory, fits in ((8 * n_bytes, True), (8 * n_bytes - 1, False)):
        monkeypatch.setattr(decoded, "_available_memory", lambda memory=memory: memory)
        assert fits_in_memory(files, 50) is fits


@pytest.mark.parametrize(
    ("text", "limit"), [("1048576\n", 2**20), ("max\n", None), (None, None)], ids=str
)
def test_memory_is_that_of_the_container(tmp_path, monkeypatch, text, limit):
    file = tmp_path / "memory.max"
    monkeypatch.setattr(decoded, "_CGROUP_LIMIT", file)
    whole = decoded._available_memory()
    if text:
        file.write_text(text)
    assert decoded._available_memory() == (limit or whole)
    assert whole >= 2**28
