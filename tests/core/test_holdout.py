"The split of a dataset that has none: shares, groups, near-identical images, copies."

import hashlib
import math
import re
import shutil
import unicodedata
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_images import made_image, relative, write_image, write_text
from PIL import Image, ImageEnhance
from test_dataset_files import set_disk_order

from lesson7.data import similar
from lesson7.data.folders import dataset_files
from lesson7.data.holdout import choose_validation
from lesson7.data.samples import _photo, photos
from lesson7.data.similar import similar_groups


def split(root, **options):
    "Return path -> label of the training and of the validation images."
    files = dataset_files(root, **options)
    return relative(files.train, root), relative(files.val, root)


# ---- Shares


def names_of(sizes):
    "Return names and labels of images, `sizes[i]` of class i."
    names = [f"{i}/{j}.jpg" for i, size in enumerate(sizes) for j in range(size)]
    return names, [[name.split("/")[0]] for name in names]


@pytest.mark.parametrize("share", [0.01, 0.1, 0.2, 0.25, 0.5, 0.8, 0.99])
@pytest.mark.parametrize("seed", [0, 42])
def test_each_class_is_within_one_image_of_its_share(share, seed):
    sizes = [*range(1, 30), 100, 999]
    names, labels = names_of(sizes)
    validation = choose_validation(names, labels, names, share, seed)
    held = Counter(label for (label,), is_valid in zip(labels, validation) if is_valid)
    for i, size in enumerate(sizes):
        n = held[str(i)]
        assert abs(n - Fraction(share) * size) <= 1
        if size > 1:
            assert 1 <= n <= size - 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=6),
    st.integers(1, 5),
    st.floats(0.05, 0.6),
    st.integers(0, 10**6),
)
def test_groups_stay_together_and_shares_are_nearly_kept(sizes, most, share, seed):
    names, labels = names_of(sizes)
    groups = [f"{name.split('/')[0]}-{i // most}" for i, name in enumerate(names)]
    validation = choose_validation(names, labels, groups, share, seed)
    sides = {}
    for group, is_valid in zip(groups, validation):
        assert sides.setdefault(group, is_valid) == is_valid
    for i, size in enumerate(sizes):
        held = sum(v for (label,), v in zip(labels, validation) if label == str(i))
        n_groups = len({g for g in groups if g.startswith(f"{i}-")})
        if n_groups > 1:
            assert 1 <= held <= size - 1
            assert abs(held - share * size) <= most
        else:
            assert held == 0


def test_a_group_may_have_several_classes():
    names, labels = names_of([10, 10, 10])
    patients = [name.split("/")[1] for name in names]  # each has an image of each class
    validation = choose_validation(names, labels, patients, 0.2, 42)
    held = Counter(patient for patient, is_valid in zip(patients, validation) if is_valid)
    assert sorted(held.values()) == [3, 3]


def test_an_image_with_several_labels_counts_for_each():
    names = [f"{i}.jpg" for i in range(40)]
    labels = [["a"] if i % 2 else ["a", "b"] for i in range(40)]
    validation = choose_validation(names, labels, names, 0.2, 42)
    held = Counter(name for y, is_valid in zip(labels, validation) if is_valid for name in y)
    assert abs(held["a"] - 8) <= 1 and abs(held["b"] - 4) <= 1


def test_images_are_drawn_without_preference():
    "Each of ten images is for validation about as often: 2 of 10, 400 seeds."
    names, labels = names_of([10])
    counts = np.sum(
        [choose_validation(names, labels, names, 0.2, seed) for seed in range(400)], axis=0
    )
    sd = math.sqrt(400 * 0.2 * 0.8)
    assert counts.sum() == 800 and np.abs(counts - 80).max() < 4 * sd


def test_groups_are_not_preferred_to_single_images():
    names, labels = names_of([100])
    groups = [f"g{i // 2}" if i < 20 else name for i, name in enumerate(names)]
    runs = [choose_validation(names, labels, groups, 0.2, seed) for seed in range(200)]
    in_groups = np.mean([run[:20] for run in runs])
    assert abs(in_groups - 0.2) < 0.03


def test_a_new_image_leaves_nearly_all_others_where_they_are():
    names, labels = names_of([100])
    before = choose_validation(names, labels, names, 0.2, 42)
    after = choose_validation(
        [*names, "0/new.jpg"], [*labels, ["0"]], [*names, "0/new.jpg"], 0.2, 42
    )
    assert sum(a != b for a, b in zip(before, after)) <= 1


# ---- Copies, names and the order of a disk


def test_a_copy_has_the_same_split(tmp_path):
    for i in range(30):
        write_image(tmp_path / "data", f"{'abc'[i % 3]}/{i}.png")
    shutil.copytree(tmp_path / "data", tmp_path / "other" / "copy")
    assert split(tmp_path / "data") == split(tmp_path / "other" / "copy")
    assert split(tmp_path / "data")[1] != split(tmp_path / "data", split_seed=1)[1]


TEXT = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8
)
NAMES = TEXT.map(lambda text: f"n{text.strip()}")


def is_new(path, seen):
    "Return whether no path so far is the same letters, composed or decomposed."
    key = unicodedata.normalize("NFC", path)
    is_known = key in seen
    seen.add(key)
    return not is_known


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.lists(NAMES, max_size=2), NAMES), max_size=12),
    st.lists(st.sampled_from([".DS_Store", "a/.hidden.png", "b/notes.txt", "__MACOSX/a/1.png"])),
    st.integers(),
)
def test_order_nesting_junk_and_names_leave_the_split(tmp_path_factory, images, junk, salt):
    root = tmp_path_factory.mktemp("any")
    seen = set()
    paths = [f"{c}/{i}.png" for c in "ab" for i in range(3)]
    paths += ["/".join([c, *folders, f"{name}.png"]) for c, folders, name in images]
    paths = [path for path in paths if is_new(path, seen)]
    for path in paths:
        write_image(root, path, made_image(path, (12, 9)))
    first = split(root)
    for path in junk:
        write_text(root, path, "junk")
    with pytest.MonkeyPatch.context() as patch:
        set_disk_order(patch, salt)
        assert split(root) == first
    train, val = first
    assert not {*train} & {*val}
    assert train | val == {path: path[0] for path in paths}
    for c in "ab":
        n = sum(label == c for label in (train | val).values())
        held = sum(label == c for label in val.values())
        assert abs(held - n / 5) <= 1 and 1 <= held < n


def test_the_split_does_not_depend_on_how_letters_are_composed(tmp_path):
    for i in range(10):
        for form in ("NFC", "NFD"):
            name = unicodedata.normalize(form, f"Müller {i}")
            write_image(tmp_path / form, f"a/{name}.png", made_image(str(i)))
    names = []
    for form in ("NFC", "NFD"):
        val = split(tmp_path / form)[1]
        names.append({unicodedata.normalize("NFC", path) for path in val})
    assert names[0] == names[1]


# ---- Near-identical images


def crop(image, share, x, y):
    "Return an image without a share of its width and height, from the left and top by x and y."
    width, height = image.size
    dx, dy = share * width, share * height
    box = (dx * x, dy * y, width - dx * (1 - x), height - dy * (1 - y))
    return image.crop([round(value) for value in box])


COPIES = {  # name: what is done to an image
    "quality 40": (lambda image: image, dict(quality=40)),
    "quality 10": (lambda image: image, dict(quality=10)),
    "half the size": (lambda image: image.reduce(2), dict(quality=85)),
    "a quarter of the size": (lambda image: image.reduce(4), dict(quality=85)),
    "twice the size": (lambda im: im.resize((im.width * 2, im.height * 2)), dict(quality=85)),
    "crop at the centre": (lambda image: crop(image, 0.02, 0.5, 0.5), dict(quality=90)),
    "crop at the left and top": (lambda image: crop(image, 0.02, 1, 1), dict(quality=90)),
    "crop at the right and bottom": (lambda image: crop(image, 0.02, 0, 0), dict(quality=90)),
    "crop by 1 %": (lambda image: crop(image, 0.01, 1, 0), dict(quality=90)),
    "darker": (lambda image: ImageEnhance.Brightness(image).enhance(0.9), dict(quality=90)),
    "grey": (lambda image: image.convert("L"), dict(quality=90)),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_of_a_photo_is_found_and_no_other_photo(tmp_path, name):
    change, options = COPIES[name]
    files = []
    for title, photo in photos().items():
        files.append(write_image(tmp_path, f"{title}.jpg", photo, quality=95))
        files.append(write_image(tmp_path, f"{title} copy.jpg", change(photo), **options))
    groups = similar_groups(files)
    assert all(a == b for a, b in zip(groups[::2], groups[1::2]))
    assert len({*groups.tolist()}) == len(photos())


def test_distinct_parts_of_the_same_photo_are_not_similar(tmp_path):
    files = []
    for title in ("brick", "gravel", "grass"):  # textures: each part looks like the next
        texture = _photo(title)
        for i in range(9):
            x, y = 170 * (i % 3), 170 * (i // 3)
            files.append(
                write_image(tmp_path, f"{title}{i}.png", texture.crop((x, y, x + 170, y + 170)))
            )
    assert len({*similar_groups(files).tolist()}) == 27


def test_handwritten_digits_are_hardly_ever_similar(tmp_path):
    from sklearn.datasets import load_digits

    files = []
    for i, digit in enumerate(load_digits().images[:400]):
        pixels = np.rint(255 - digit * (255 / 16)).astype(np.uint8)
        files.append(write_image(tmp_path, f"{i}.png", Image.fromarray(pixels)))
    sizes = np.bincount(similar_groups(files))
    assert sizes.max() <= 4 and sizes[sizes > 1].sum() <= 20


def test_flat_images_are_similar_only_if_they_are_equal(tmp_path):
    greys = [0, 100, 101, 255]
    files = [
        write_image(tmp_path, f"{g}.png", Image.new("RGB", (40, 40), (g, g, g))) for g in greys
    ]
    files.append(write_image(tmp_path, "copy.png", Image.new("RGB", (40, 40), (255, 255, 255))))
    groups = similar_groups(files).tolist()
    assert groups[3] == groups[4] and len({*groups}) == 4


def test_faint_shading_does_not_make_images_similar(tmp_path):
    "Scans of blank pages: the light falls off by 2 of 255 levels."
    shading = np.linspace(0, 2, 64)[None, :].repeat(64, 0)
    pages = [np.rint(level - shading).astype(np.uint8) for level in (250, 240, 200)]
    files = [write_image(tmp_path, f"{i}.png", Image.fromarray(p)) for i, p in enumerate(pages)]
    assert len({*similar_groups(files).tolist()}) == 3


@pytest.mark.parametrize("seed", range(6))
def test_planted_copies_are_on_one_side(tmp_path, seed):
    for i in range(24):
        image = made_image(f"{i}", (120, 90))
        write_image(tmp_path, f"{'abc'[i % 3]}/{i}.png", image)
        if i < 8:
            name = list(COPIES)[(i + seed) % len(COPIES)]
            change, options = COPIES[name]
            write_image(tmp_path, f"{'abc'[i % 3]}/z{i}.jpg", change(image), **options)
    _, val = split(tmp_path, split_seed=seed)
    for i in range(8):
        c = "abc"[i % 3]
        assert (f"{c}/{i}.png" in val) == (f"{c}/z{i}.jpg" in val)
    assert (
        "; 16 near-identical images in 8 groups stay on one side" in dataset_files(tmp_path).split
    )
    apart = [split(tmp_path, split_seed=s, group_similar=False)[1] for s in range(9)]
    assert any(
        (f"{'abc'[i % 3]}/{i}.png" in v) != (f"{'abc'[i % 3]}/z{i}.jpg" in v)
        for v in apart
        for i in range(8)
    )
    assert "near-identical" not in dataset_files(tmp_path, group_similar=False).split


def test_copies_with_two_labels_are_on_one_side(tmp_path):
    for i in range(10):
        image = made_image(f"{i}", (120, 90))
        write_image(tmp_path, f"a/{i}.png", image)
        write_image(tmp_path, f"b/{i}.jpg", image, quality=60)
    _, val = split(tmp_path)
    assert {path[2] for path in val if path[0] == "a"} == {
        path[2] for path in val if path[0] == "b"
    }
    assert len(val) == 4


def test_each_file_is_read_once_and_kept_by_content(tmp_path, monkeypatch):
    decoded = []
    signature = similar.image_signature

    def count(image):
        decoded.append(image.size)
        return signature(image)

    monkeypatch.setattr(similar, "image_signature", count)
    files = [
        write_image(tmp_path, f"{i}.png", made_image(f"once {i}", (900, 700))) for i in range(3)
    ]
    similar_groups(files)
    assert len(decoded) == 3 and all(min(size) <= 64 for size in decoded)
    for file in files:
        file.rename(file.with_name(f"other {file.name}"))
    moved = sorted(tmp_path.glob("*.png"))
    similar_groups([*moved, *moved])
    assert len(decoded) == 3
    write_image(tmp_path, "other 0.png", made_image("another", (900, 700)))
    similar_groups(moved)
    assert len(decoded) == 4


# ---- Groups of the reader's


GROUPS = {  # name: how groups are given
    "pattern": r"p(\d+)_",
    "function of a path": lambda path: path.name.split("_")[0],
}


@pytest.mark.parametrize("kind", GROUPS)
@pytest.mark.parametrize("seed", range(4))
def test_a_group_is_on_one_side(tmp_path, kind, seed):
    for i in range(40):
        write_image(tmp_path, f"{'ab'[i % 2]}/p{i // 4}_{i}.png")
    files = dataset_files(tmp_path, groups=GROUPS[kind], split_seed=seed)
    sides = [{re.search(r"p(\d+)_", f.name)[1] for f, _ in s} for s in (files.train, files.val)]
    assert not sides[0] & sides[1]
    assert (len(files.train), len(files.val)) == (32, 8)
    assert "; 40 images in 10 groups stay on one side" in files.split


def test_groups_and_copies_are_joined(tmp_path):
    "A copy of one of a patient's images is on the patient's side."
    for i in range(20):
        write_image(tmp_path, f"{'ab'[i % 2]}/p{i // 2}_{i}.png", made_image(f"{i}", (120, 90)))
        write_image(
            tmp_path, f"{'ab'[i % 2]}/q{i // 2}_{i}.jpg", made_image(f"{i}", (120, 90)), quality=50
        )
    files = dataset_files(tmp_path, groups=r"/(.\d+)_")
    numbers = [{f.name[1:].split("_")[0] for f, _ in s} for s in (files.train, files.val)]
    assert not numbers[0] & numbers[1] and len(files.val) == 8


def test_a_class_that_is_one_group_is_for_training(tmp_path):
    for i in range(6):
        write_image(tmp_path, f"a/{i}.png")
        write_image(tmp_path, f"b/same_{i}.png")
    train, val = split(tmp_path, groups=r"([^/]+?)(?:_.*)?\.png$")
    assert {path[0] for path in val} == {"a"} and sum(path[0] == "b" for path in train) == 6


def sha256_of(name):
    return hashlib.sha256(f"42/{name}".encode()).hexdigest()


def test_the_split_stays_the_same_from_version_to_version():
    "Another order would move images of every reader's validation set."
    names, labels = names_of([10, 5])
    validation = choose_validation(names, labels, names, 0.2, 42)
    held = {name for name, is_valid in zip(names, validation) if is_valid}
    ordered = sorted(names, key=sha256_of)
    of_class = [[name for name in ordered if name[0] == label] for label in "01"]
    assert held == {*of_class[0][:2], of_class[1][0]} == {"0/0.jpg", "0/7.jpg", "1/3.jpg"}


def starry(seed):
    "Return a dark image with a few stars, which has too little contrast for a signature."
    rng = np.random.default_rng(seed)
    sky = np.zeros((120, 160, 3), np.uint8)
    for y, x in rng.integers(0, 115, (6, 2)):
        sky[y : y + 2, x : x + 2] = 60
    return Image.fromarray(sky)


def test_copies_of_dark_images_with_the_same_pixels_stay_on_one_side(tmp_path):
    for name, first in (("orion", 0), ("lyra", 100)):
        (tmp_path / name).mkdir()
        for i in range(8):
            image = starry(first + i)
            image.save(tmp_path / name / f"{i}.png")
            image.save(tmp_path / name / f"{i} copy.png", compress_level=9)
            image.save(tmp_path / name / f"{i} copy.bmp")
    files = dataset_files(tmp_path)
    sides = [{(f.parent.name, f.stem[0]) for f, _ in side} for side in (files.train, files.val)]
    assert sides[1] and not sides[0] & sides[1]
