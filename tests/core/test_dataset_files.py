"Which files a dataset has, with which labels: the same for loaders, checks and statistics."

import io
import os
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lesson7 import cli
from lesson7.data.loaders import get_dls, mislabel
from lesson7.data.samples import check_complete, sample_dataset
from lesson7.inference import predict
from lesson7.normalize import dataset_stats
from lesson7.training.config import Recipe
from lesson7.training.loop import train

SPLITS = ("train", "val")


def png(grey, size=(3, 2)):
    "Return the bytes of a PNG file: grey levels that differ in every pixel and every image."
    levels = (np.arange(size[0] * size[1]) * 7 + grey) % 256
    image = Image.fromarray(levels.reshape(size[1], size[0]).astype(np.uint8))
    file = io.BytesIO()
    image.convert("RGB").save(file, "PNG")
    return file.getvalue()


def write(root, path, content=None):
    "Write a file, with folders; an image whose pixels follow from its path, if nothing else."
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(png(zlib.crc32(path.encode())) if content is None else content)


def link(root, path, target):
    "Make a link at `path` to `target`, both in `root`."
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).symlink_to(Path(os.path.relpath(root / target, (root / path).parent)))


BASE = {f"{s}/{c}/{i}.png": c for s in SPLITS for c in ("cats", "dogs") for i in range(2)}


@pytest.fixture
def data(tmp_path):
    "Eight images of two classes, in a folder beside which other things may be."
    for path in BASE:
        write(tmp_path / "data", path)
    return tmp_path / "data"


# ---- What is listed


def pixel_stats(files):
    "Return mean and n-1 sd of all pixels in float64."
    opened = [np.asarray(Image.open(file).convert("RGB"), np.float64) for file in files]
    pixels = np.concatenate([x.reshape(-1, 3) for x in opened]) / 255
    return pixels.mean(0), pixels.std(0, ddof=1)


def labels_of(dls, split):
    "Return path -> label as the loaders have them, in their order."
    dataset = getattr(dls, f"{split}_ds")
    return {file: dls.vocab[int(y)] for file, y in zip(dataset.items, dataset.tls[1])}


def assert_same_files(root, expected):
    "Loaders, statistics of the folder, of its splits, and of training agree with `expected`."
    dls = get_dls(2, 4, root, num_workers=0)
    by_split = {s: [p for p in expected if p.startswith(f"{s}/")] for s in SPLITS}
    for split, name in zip(SPLITS, ("train", "valid")):
        found = labels_of(dls, name)
        wanted = sorted(by_split[split], key=lambda path: path.split("/"))
        assert [file.relative_to(root).as_posix() for file in found] == wanted
        assert list(found.values()) == [expected[path] for path in wanted]
    train = by_split["train"]
    for source, paths in [(root, train), *((root / s, by_split[s]) for s in SPLITS)]:
        mean, std = pixel_stats(root / path for path in paths)
        stats = dataset_stats(source)
        assert stats.n == len(paths)
        np.testing.assert_allclose(stats.mean, mean, atol=1e-12)
        np.testing.assert_allclose(stats.std, std, atol=1e-12)


def repeat_inside(root, *folders):
    for folder in folders:
        for path in BASE:
            write(root, f"{folder}/{path}")


def outer_class(root, name):
    "Make a class folder that is a link to a folder beside the dataset."
    for i in range(2):
        write(root.parent, f"elsewhere/{name}/{i}.png")
    link(root, f"train/{name}", f"../elsewhere/{name}")


def many(write_one, *arguments):
    return lambda root: [write_one(root, *argument) for argument in arguments]


ADDED = {  # name: (what is added to `BASE`, images that are listed in addition)
    "nothing": (lambda root: None, {}),
    # hidden
    "notebook checkpoints": (
        many(write, ("train/cats/.ipynb_checkpoints/0-checkpoint.png",)),
        {},
    ),
    "resource fork": (
        many(
            write,
            ("train/cats/._0.png", b"\0\5\x16\7"),
        ),
        {},
    ),
    "hidden class": (many(write, ("train/.trash/0.png",), ("val/.trash/0.png",)), {}),
    "hidden image": (many(write, ("val/dogs/.0.png",)), {}),
    # foreign
    "PDF": (many(write, ("train/cats/readme.pdf", b"%PDF-1.4")), {}),
    "HDF5": (many(write, ("train/x.h5", b"\x89HDF")), {}),
    "vector graphic": (many(write, ("train/cats/logo.svg", b"<svg/>")), {}),
    "Windows and macOS": (
        many(write, ("train/cats/Thumbs.db", b"x"), ("train/dogs/.DS_Store", b"x")),
        {},
    ),
    "table beside the classes": (many(write, ("train/labels.csv", b"a,b")), {}),
    "system folders": (
        many(write, ("train/__MACOSX/cats/0.png",), ("train/cats/@eaDir/0.png/THUMB_M.jpg",)),
        {},
    ),
    "upper case": (many(write, ("train/cats/9.PNG",)), {"train/cats/9.PNG": "cats"}),
    # folders
    "folder with an image's name": (
        lambda root: (root / "train/cats/folder.jpg").mkdir(),
        {},
    ),
    "images in a folder with an image's name": (
        many(write, ("train/cats/folder.jpg/0.png",)),
        {"train/cats/folder.jpg/0.png": "cats"},
    ),
    "a folder deeper": (
        many(write, ("train/cats/2021/a.png",), ("val/dogs/2021/06/b.png",)),
        {"train/cats/2021/a.png": "cats", "val/dogs/2021/06/b.png": "dogs"},
    ),
    "split's name inside a class": (
        many(write, ("train/cats/val/a.png",), ("val/dogs/train/dogs/b.png",)),
        {"train/cats/val/a.png": "cats", "val/dogs/train/dogs/b.png": "dogs"},
    ),
    "empty class": (lambda root: (root / "train/birds").mkdir(), {}),
    "image beside the classes": (many(write, ("train/preview.png",), ("val/a.png",)), {}),
    # outside the splits
    "image beside the splits": (many(write, ("preview.png",)), {}),
    "old folder with a class more": (many(write, ("old/train/EXTRA/0.png",)), {}),
    "another split": (many(write, ("test/cats/0.png",), ("valid/cats/0.png",)), {}),
    "dataset repeated inside": (lambda root: repeat_inside(root, "data", "data/data"), {}),
    "archive of a Mac": (lambda root: repeat_inside(root, "__MACOSX"), {}),
    # links
    "link of a class to its folder": (many(link, ("train/cats/again", "train/cats")), {}),
    "link of a split to itself": (many(link, ("train/loop", "train")), {}),
    "link to the dataset": (many(link, ("train/cats/all", ".")), {}),
    "link of the dataset to itself": (many(link, ("data", ".")), {}),
    "link to another class": (many(link, ("train/cats/more", "train/dogs")), {}),
    "second name of a class": (many(link, ("train/animals", "train/cats")), {}),
    "link to the other split": (many(link, ("train/cats/more", "val/cats")), {}),
    "broken links": (
        many(link, ("train/cats/gone.png", "train/cats/none.png"), ("train/birds", "none")),
        {},
    ),
    "link to itself": (many(link, ("train/cats/self.png", "train/cats/self.png")), {}),
    "linked image": (
        lambda root: (
            write(root, "all/7.png"),
            link(root, "train/cats/7.png", "all/7.png"),
        ),
        {"train/cats/7.png": "cats"},
    ),
    "linked folder beside the splits": (
        lambda root: (write(root, "all/7.png"), link(root, "train/cats/more", "all")),
        {"train/cats/more/7.png": "cats"},
    ),
    "class that is a link": (
        lambda root: outer_class(root, "birds"),
        {f"train/birds/{i}.png": "birds" for i in range(2)},
    ),
    "class that is a link with a link back": (
        lambda root: (
            outer_class(root, "birds"),
            link(root, "../elsewhere/birds/up", "../elsewhere"),
        ),
        {f"train/birds/{i}.png": "birds" for i in range(2)},
    ),
}


@pytest.mark.parametrize("name", ADDED)
def test_loaders_and_statistics_have_the_same_files(data, name):
    add, more = ADDED[name]
    add(data)
    assert_same_files(data, BASE | more)


def test_all_images_may_be_deeper(tmp_path):
    deeper = {path.replace("/0", "/2020/0").replace("/1", "/2021/1"): c for path, c in BASE.items()}
    for path in deeper:
        write(tmp_path, path)
    assert_same_files(tmp_path, deeper)


def test_a_dataset_may_be_in_a_hidden_folder_and_behind_a_link(tmp_path):
    for path in BASE:
        write(tmp_path / ".hidden", path)
    link(tmp_path, "data", ".hidden")
    for root in (tmp_path / ".hidden", tmp_path / "data"):
        assert_same_files(root, BASE)


def test_a_relative_path_lists_the_same(data, monkeypatch):
    monkeypatch.chdir(data / "train")
    n = [dataset_stats(path).n for path in ("..", "../train", ".", "cats")]
    assert n == [4, 4, 4, 2]
    monkeypatch.chdir(data)
    assert list(labels_of(get_dls(2, 4, "."), "train").values()) == ["cats"] * 2 + ["dogs"] * 2


def test_statistics_of_a_folder_that_is_no_dataset_are_of_all_images_in_it(tmp_path):
    "A folder named train is one of photos where no val is beside it."
    for path in ("train/a.png", "train/steam/b.png", "c.png", "train/.d.png", "e.txt"):
        write(tmp_path, path)
    assert dataset_stats(tmp_path).n == 3 and dataset_stats(tmp_path / "train").n == 2


@pytest.mark.parametrize("folders", [("train", "test"), ("val",), ("train_1", "test_1")])
def test_statistics_of_unclear_folders_are_of_all_images(tmp_path, folders):
    for folder in folders:
        write(tmp_path, f"{folder}/a.png")
    assert dataset_stats(tmp_path).n == len(folders)


# ---- What was skipped, and why


@pytest.mark.parametrize(
    "add, path, word",
    [
        (many(write, ("train/cats/.a.png",)), "train/cats/.a.png", "hidden"),
        (many(write, ("val/.git/a.png",)), "val/.git", "hidden"),
        (many(write, ("train/__MACOSX/a.png",)), "train/__MACOSX", "system folder"),
        (many(write, ("train/a.pdf",)), "train/a.pdf", "extension"),
        (many(write, ("train/cats/noextension",)), "train/cats/noextension", "extension"),
        (many(write, ("train/a.png",)), "train/a.png", "class folder"),
        (many(write, ("old/train/a/a.png",)), "old", "outside"),
        (many(write, ("labels.csv",)), "labels.csv", "outside"),
        (many(write, (".ipynb_checkpoints/a.png",)), ".ipynb_checkpoints", "outside"),
        (many(link, ("train/loop", "train")), "train/loop", "folder above"),
        (many(link, ("train/cats/all", ".")), "train/cats/all", "folder above"),
        (many(link, ("train/animals", "val/cats")), "train/animals", "listed already"),
        (many(link, ("train/cats/a.png", "none")), "train/cats/a.png", "broken link"),
        (lambda root: os.mkfifo(root / "val/cats/a.png"), "val/cats/a.png", "regular file"),
    ],
)
def test_what_was_skipped_can_be_read(data, add, path, word):
    from lesson7.data.folders import dataset_files

    assert dataset_files(data).skipped == []
    add(data)
    files = dataset_files(data)
    ((skipped, reason),) = files.skipped
    assert skipped == data / path and word in reason
    listed = [(file.relative_to(data).as_posix(), c) for file, c in files.train + files.val]
    assert listed == sorted(BASE.items())


def test_the_same_folder_as_both_splits_is_not_validated_on(data, tmp_path):
    link(tmp_path, "twice/train", "data/train")
    link(tmp_path, "twice/val", "data/train")
    with pytest.raises(
        ValueError, match=r"val must be 1 or more, got 0.*link to a folder that is listed"
    ):
        get_dls(2, 4, tmp_path / "twice")


@pytest.mark.parametrize(
    "paths, says",
    [
        (
            (),
            "images in .* must be 1 or more, got 0; a dataset has train/<class>/ and val/<class>/",
        ),
        (("train/a.png",), "Skipped there: 1, such as .*a.png .not in a class folder."),
        (("train/cats/a.xcf", "train/dogs/b.xcf"), "Skipped there: 2, .*a.xcf .not an image's"),
        (
            ("train/a/1.png", "val/a/1.png"),
            r"number of classes in .*train must be 2 or more, got 1 \(a\)",
        ),
        (
            ("train/a/2021/1.png", "val/a/1.png"),
            r"number of classes in .*train must be 2 or more, got 1 \(a\)",
        ),
        (
            ("train/a/1.png", "train/b/1.png", "val/1.png"),
            "val must be 1 or more, got 0.*in a class folder",
        ),
        (
            ("train/a/1.png", "train/b/1.png", "val/c/1.png"),
            "classes in .*val must be those in train, got c, too",
        ),
        (
            ("train/a/1.png", "train/b/1.png", "val/c/a/1.png"),
            "classes in .*val must be those in train, got c, too",
        ),
    ],
)
def test_a_dataset_that_cannot_be_trained_on_is_refused(tmp_path, paths, says):
    for path in paths:
        write(tmp_path, path)
    with pytest.raises(ValueError, match=says):
        get_dls(2, 4, tmp_path)


def test_junk_in_the_sample_dataset_is_no_image(cache, tmp_path):
    root = sample_dataset(tmp_path / "digits", 20, 10)
    write(root, "train/3/._00003.jpg")
    write(root, "train/3/.ipynb_checkpoints/00003.jpg")
    check_complete(root)
    assert len(get_dls(2, 4, root).train_ds) == 20
    write(root, "train/3/more.png")
    with pytest.raises(ValueError, match="train must be 20, got 21"):
        check_complete(root)


# ---- The order of a disk


class Entries(list):
    "Entries of a folder, as `os.scandir` returns them: an iterator and a context."

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __iter__(self):
        return self

    def __next__(self):
        if not self:
            raise StopIteration
        return self.pop(0)

    def close(self):
        pass


def set_disk_order(patch, salt):
    "Let `os.scandir` and `os.listdir` return names in an order that `salt` decides."
    scandir, listdir = os.scandir, os.listdir

    def key(name):
        return zlib.crc32(f"{salt}{name}".encode())

    def shuffled_scandir(path="."):
        with scandir(path) as entries:
            return Entries(sorted(entries, key=lambda entry: key(entry.name)))

    patch.setattr(os, "scandir", shuffled_scandir)
    patch.setattr(os, "listdir", lambda path=".": sorted(listdir(path), key=key))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    "Sixty images of four classes, of many sizes."
    root = tmp_path_factory.mktemp("mixed")
    for i in range(60):
        split = SPLITS[i % 3 == 0]
        short = 40 + 5 * i
        write(root, f"{split}/{i % 4}/{i * 37 % 60}.png", png(i, (short + 30, short)))
    return root


def wrong_labels(root):
    dls = get_dls(4, 8, root, num_workers=0)
    mislabel(dls, 0.25, 42)
    return {file.name: label for file, label in labels_of(dls, "train").items()}


def training_order(root):
    dls = get_dls(4, 8, root, num_workers=0)
    return [[dls.train.items[i].name for i in dls.train.get_idxs()] for epoch in range(2)]


def presize(root):
    return get_dls(4, 230, root, num_workers=0).after_item.fs[0].size


def vocab(root):
    return list(get_dls(4, 8, root, num_workers=0).vocab)


def validation_files(root):
    return [file.name for file in get_dls(4, 8, root, num_workers=0).valid.items]


def statistics(root):
    stats = dataset_stats(root)
    return stats.mean, stats.std


def losses_and_weights(root):
    result = train(Recipe(size=8, bs=8, epochs=1, normalize=True, noise=0.25), root, bar=False)
    losses = [(row["train_loss"], row["valid_loss"]) for row in result.history]
    weights = [parameter.sum().item() for parameter in result.learn.model.parameters()]
    return losses, weights


@pytest.mark.parametrize(
    "result",
    [
        wrong_labels,
        training_order,
        presize,
        vocab,
        validation_files,
        statistics,
        losses_and_weights,
    ],
)
def test_nothing_depends_on_the_order_of_a_disk(mixed, monkeypatch, result):
    with monkeypatch.context() as patch:
        set_disk_order(patch, "a")
        first = result(mixed)
    with monkeypatch.context() as patch:
        set_disk_order(patch, "b")
        second = result(mixed)
    assert first == second


@pytest.mark.parametrize("salt", range(6))
def test_of_two_links_to_a_folder_the_first_by_name_counts(data, monkeypatch, salt):
    for name in ("zebras", "birds", "storks"):
        write(data.parent, "elsewhere/0.png")
        link(data, f"train/{name}", "../elsewhere")
    set_disk_order(monkeypatch, salt)
    assert_same_files(data, BASE | {"train/birds/0.png": "birds"})


def test_the_presize_is_the_median_of_the_short_sides(mixed):
    sides = sorted(min(Image.open(file).size) for file in (mixed / "train").rglob("*.png"))
    median = sides[(len(sides) - 1) // 2]
    assert median > 160  # otherwise size and limit decide
    assert get_dls(4, 100, mixed).after_item.fs[0].size == (min(median, 200),) * 2


@pytest.mark.parametrize("share, n", [(0, 0), (0.25, 10), (0.5, 20), (1, 40)])
def test_wrong_labels_are_as_many_as_asked_for_and_are_other_classes(mixed, share, n):
    dls = get_dls(4, 8, mixed, num_workers=0)
    valid = labels_of(dls, "valid")
    mislabel(dls, share, 42)
    given = labels_of(dls, "train")
    assert sum(label != file.parent.name for file, label in given.items()) == n
    assert labels_of(dls, "valid") == valid
    y = torch.cat([y for _, y in dls.train.new(shuffle=False, drop_last=False)])
    assert [dls.vocab[i] for i in y.tolist()] == list(given.values())


def test_all_labels_are_wrong_after_a_second_call_too(mixed):
    dls = get_dls(4, 8, mixed, num_workers=0)
    mislabel(dls, 1, 1)
    mislabel(dls, 1, 2)
    assert all(label != file.parent.name for file, label in labels_of(dls, "train").items())


@pytest.mark.parametrize("share", [-0.1, 1.1, 25])
def test_a_share_of_wrong_labels_is_from_0_to_1(mixed, share):
    with pytest.raises(ValueError, match=rf"share must be in \[0, 1\], got {share}"):
        mislabel(get_dls(4, 8, mixed), share, 42)


class Vocabulary(list):
    "Class names that count how often they are read."

    reads = 0

    def __iter__(self):
        self.reads += len(self)
        return super().__iter__()

    def __getitem__(self, i):
        self.reads += 1
        return super().__getitem__(i)


class Labels(list):
    "Labels of the images 0 to n - 1, as a `TfmdLists` has them: the label of image i is i."

    tfms = SimpleNamespace(fs=[SimpleNamespace(name="FileLabels")])

    @property
    def items(self):
        return list(self)

    @items.setter
    def items(self, values):
        self[:] = values


class Loaders:
    "What `mislabel` uses of loaders with an image a class."

    def __init__(self, n):
        self.vocab = Vocabulary(f"{i:05}" for i in range(n))
        self.train_ds = type("Dataset", (), dict(tls=[None, Labels(range(n))]))


@pytest.mark.parametrize("n", [100, 400, 3_000, 20_000])
def test_the_vocabulary_is_read_once_for_all_labels(n):
    dls = Loaders(n)
    mislabel(dls, 1, 42)
    assert dls.vocab.reads == n
    wrong = [int(name) for name in dls.train_ds.tls[1]]
    assert len({*wrong}) > n / 2 and all(i != label for i, label in enumerate(wrong))


# ---- Files that are no images


def png_header(width, height):
    "Return the bytes of a PNG file that ends after its header."
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0IDAT"


UNREADABLE = {
    "text": b"not an image",
    "189 megapixels": b"P6 13750 13750 255 ",
    "8,100 megapixels": b"P6 90000 90000 255 ",
    "189 megapixels as PNG": png_header(13_750, 13_750),
    "200 megapixels in one row": png_header(200_000_000, 1),
    "a damaged header": b"P6 7x 60 255 ",
    "a header that is cut off": png(0)[:20],
    "no pixels": b"P6 0 5 255 ",
}


def train_once(root, normalize):
    train(Recipe(size=8, bs=4, epochs=1, normalize=normalize), root, bar=False)


def run_command(root):
    "Raise what `lesson7 train` prints, where it prints one line and ends with code 2."
    arguments = ["train", "--path", str(root), "--out", str(root / "model"), "--preset", "cpu"]
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stderr", printed)
        code = cli.main(arguments)
    assert code == 2 and printed.getvalue().count("\n") == 1
    raise ValueError(printed.getvalue())


USES = {
    "get_dls": lambda root, file: get_dls(2, 4, root),
    "train": lambda root, file: train_once(root, normalize=False),
    "train with statistics": lambda root, file: train_once(root, normalize=True),
    "dataset_stats": lambda root, file: dataset_stats(root),
    "dataset_stats of files": lambda root, file: dataset_stats([file]),
    "predict": lambda root, file: predict(None, [file]),
    "lesson7 train": lambda root, file: run_command(root),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("content", UNREADABLE)
def test_a_file_that_is_no_image_is_named(data, content, use):
    write(data, "train/cats/bad.png", UNREADABLE[content])
    with pytest.raises(ValueError, match=r"bad\.png must be a readable image, got .*; delete or"):
        USES[use](data, data / "train/cats/bad.png")


@pytest.mark.parametrize(
    "use", [use for use in USES if use not in ("predict", "dataset_stats of files")]
)
def test_all_files_that_are_no_images_are_named(data, use):
    for i in range(5):
        write(data, f"train/cats/bad{i}.png", b"no image")
    with pytest.raises(ValueError, match=r"files must be readable .*5 of \d+ that are not: .*bad0"):
        USES[use](data, None)


def test_each_header_is_read_once_by_the_checks(data, monkeypatch):
    from lesson7.data import files as module
    from lesson7.data.folders import check_folders

    read = []
    opened = module._open
    monkeypatch.setattr(module, "_open", lambda file: read.append(file) or opened(file))
    check_folders(data)
    assert sorted(read) == sorted({*read}) and len(read) == len(BASE)


# ---- Any dataset


NAMES = st.sampled_from(["a", "b", "10", "9", "B", "train", "val", "x.jpg", "é"])
SHOWN = st.tuples(
    st.sampled_from(SPLITS),
    NAMES,
    st.lists(NAMES, max_size=2),
    st.sampled_from(["1.png", "2.PNG", "10.jpeg", "z.gif"]),
)
JUNK = st.tuples(
    st.sampled_from([".", "train", "val", "train/a", "val/b", "old/train/c", "data"]),
    st.sampled_from(["._1.png", ".git/1.png", "__MACOSX/a/1.png", "x.pdf", "1.h5", "n"]),
)
LINKS = st.tuples(
    st.sampled_from(["train/l", "train/a/l", "val/b/l", "l"]),
    st.sampled_from([".", "train", "train/a", "val", "val/b", "nowhere"]),
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(SHOWN, max_size=8),
    st.lists(JUNK, max_size=6),
    st.lists(LINKS, max_size=3, unique_by=lambda pair: pair[0]),
    st.integers(),
)
def test_any_nesting_junk_links_and_order_give_the_same_dataset(
    tmp_path_factory, images, junk, links, salt
):
    root = tmp_path_factory.mktemp("any")
    expected = {f"{split}/{c}/base.png": c for split in SPLITS for c in ("a", "b")}
    for split, c, folders, name in images:
        expected["/".join([split, c, *folders, name])] = c
    train_classes = {c for path, c in expected.items() if path.startswith("train/")}
    expected = {p: c for p, c in expected.items() if c in train_classes}
    for path in expected:
        write(root, path)
    for folder, name in junk:
        write(root, f"{folder}/{name}", b"junk")
    for path, target in links:
        link(root, path, target)
    with pytest.MonkeyPatch.context() as patch:
        set_disk_order(patch, salt)
        assert_same_files(root, expected)
