"Folders and tables that people bring: which images are listed, with which labels and sides."

import os
import shutil
import unicodedata
from pathlib import Path

import pytest
from made_images import made_image, relative, write_image, write_text
from PIL import Image

from lesson7.data.folders import DatasetFiles, check_folders, dataset_files
from lesson7.data.images import image_items
from lesson7.data.loaders import get_dls
from lesson7.normalize import dataset_stats
from lesson7.training.config import Recipe
from lesson7.training.loop import train


def write_all(root, paths):
    for path in paths:
        write_image(root, path)


def pets(*folders, n=2):
    "Return paths of n images of cats and of dogs in each folder."
    return [
        f"{folder}/{pet}/{i}.png" for folder in folders for pet in ("cat", "dog") for i in range(n)
    ]


# ---- Folders: the sides are given


SPLIT_FOLDERS = {  # name: (folders with images, the training folder, the validation folder)
    "val": (("train", "val"), "train", "val"),
    "valid": (("train", "valid"), "train", "valid"),
    "validation": (("train", "validation"), "train", "validation"),
    "test": (("train", "test"), "train", "test"),
    "upper case": (("TRAIN", "VALID"), "TRAIN", "VALID"),
    "capitals": (("Train", "Val"), "Train", "Val"),
    "val before test": (("train", "val", "test"), "train", "val"),
    "valid before test": (("Train", "Test", "Valid"), "Train", "Valid"),
    "val before valid": (("train", "valid", "val"), "train", "val"),
    "lower case first": (("train", "Train", "Val", "val"), "train", "val"),
    "words in names": (("seg_train", "seg_test"), "seg_train", "seg_test"),
    "images of splits": (("train_images", "val_images"), "train_images", "val_images"),
    "numbers": (("train2017", "val2017", "test2017"), "train2017", "val2017"),
    "other forms": (("Training", "Testing"), "Training", "Testing"),
    "a test of another name": (("train", "test1"), "train", "test1"),
    "sets": (("trainingSet", "testSet"), "trainingSet", "testSet"),
    "sets in small letters": (("trainset", "testset"), "trainset", "testset"),
    "sets with `_`": (("train_set", "val_set", "test_set"), "train_set", "val_set"),
    "capitals within": (("TrainSet", "TestSet"), "TrainSet", "TestSet"),
    "data": (("traindata", "testdata"), "traindata", "testdata"),
    "training data": (("training_data", "testing_data"), "training_data", "testing_data"),
    "words": (("Train Data", "Test Data"), "Train Data", "Test Data"),
    "a set beside others": (("trainSet", "valSet", "sample"), "trainSet", "valSet"),
    "plain names first": (("train", "train_images", "val"), "train", "val"),
    "words in camel case": (("PetsTrain", "PetsTest"), "PetsTrain", "PetsTest"),
}


@pytest.mark.parametrize("name", SPLIT_FOLDERS)
def test_folders_of_splits(tmp_path, name):
    folders, train_folder, val_folder = SPLIT_FOLDERS[name]
    write_all(tmp_path, pets(*folders))
    files = dataset_files(tmp_path)
    for listed, folder in ((files.train, train_folder), (files.val, val_folder)):
        assert relative(listed, tmp_path) == {p: p.split("/")[1] for p in pets(folder)}
    others = {*folders} - {train_folder, val_folder}
    assert {path.name for path, _ in files.skipped} == others
    assert files.split == f"the folders {train_folder} and {val_folder}"
    assert dataset_stats(tmp_path).n == 4
    assert dataset_stats(tmp_path / val_folder).n == 4


@pytest.mark.parametrize(
    "train_name, val_name", [("seg_train", "seg_test"), ("trainingSet", "testSet")]
)
def test_splits_may_be_in_folders_of_their_own_names(tmp_path, train_name, val_name):
    folders = f"{train_name}/{train_name}", f"{val_name}/{val_name}"
    write_all(tmp_path, [*pets(*folders), "seg_pred/1.png"])
    files = dataset_files(tmp_path)
    for listed, folder in zip((files.train, files.val), folders):
        assert relative(listed, tmp_path) == {p: p.split("/")[2] for p in pets(folder)}
    assert files.skipped == [(tmp_path / "seg_pred", f"outside {train_name} and {val_name}")]


NO_SPLITS = {  # name: (images, classes); names of splits, but other contents
    "images of trains": (["train/1.png", "train/2.png", "bus/1.png"], {"train", "bus"}),
    "other classes within": (
        [f"{folder}/{i}.png" for folder in ("train ride/a", "test tube/b", "c") for i in range(2)],
        {"train ride", "test tube", "c"},
    ),
    "two test folders": (
        [*pets("train_1", "test_1", "test_2"), "c/1.png"],
        {"train_1", "test_1", "test_2", "c"},
    ),
    "words that contain a split": (
        [
            f"{folder}/{i}.png"
            for folder in ("trainer", "trains", "training shoes", "test_tube", "validator", "set")
            for i in range(2)
        ],
        {"trainer", "trains", "training shoes", "test_tube", "validator", "set"},
    ),
}


@pytest.mark.parametrize("name", NO_SPLITS)
def test_folders_that_are_no_splits_are_classes(tmp_path, name):
    paths, classes = NO_SPLITS[name]
    write_all(tmp_path, paths)
    files = dataset_files(tmp_path)
    assert {label for _, label in files.train + files.val} == classes


@pytest.mark.parametrize("name", ["test", "test1", "test_images"])
def test_unlabelled_test_images_are_left_out(tmp_path, name):
    "Dogs and cats as Kaggle has them: the labels are in the names of the training images."
    write_all(tmp_path, [f"train/{pet}.{i}.png" for pet in ("cat", "dog") for i in range(5)])
    write_all(tmp_path, [f"{name}/{i}.png" for i in range(3)])
    files = dataset_files(tmp_path, pat=r"^([a-z]+)\.\d+")
    assert (len(files.train), len(files.val)) == (8, 2)
    assert [path.name for path, _ in files.skipped] == [name]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_class_is_one_however_its_letters_are_composed(tmp_path, form):
    name = unicodedata.normalize(form, "Käse")
    write_all(tmp_path, [f"train/{c}/{i}.png" for c in (name, "Brot") for i in range(2)])
    write_all(tmp_path, ["val/Brot/1.png", f"val/{unicodedata.normalize('NFC', 'Käse')}/1.png"])
    assert list(get_dls(2, 8, tmp_path).vocab) == ["Brot", "Käse"]


def test_a_split_that_is_left_out_is_named(tmp_path):
    write_all(tmp_path, pets("train", "val", "test"))
    assert dataset_files(tmp_path).skipped == [(tmp_path / "test", "another split than val")]


def test_images_beside_the_classes_do_not_count_in_a_split_of_any_name(tmp_path):
    write_all(tmp_path, [*pets("train", "Valid"), "Valid/overview.png"])
    assert dataset_stats(tmp_path / "Valid").n == 4
    assert dataset_stats(tmp_path).n == 4


def test_a_test_folder_without_classes_is_no_validation_set(tmp_path):
    write_all(tmp_path, [*pets("train", n=5), "test/1.png", "test/2.png"])
    files = dataset_files(tmp_path)
    assert (len(files.train), len(files.val)) == (8, 2)
    assert "seed" in files.split
    assert all(path.parts[len(tmp_path.parts)] == "train" for path, _ in files.train + files.val)
    assert [path.name for path, _ in files.skipped] == ["test"]


def parts(*splits, n=2):
    "Return paths of n images of bottles and of cables in each split, within the classes."
    return [f"{c}/{s}/{i}.png" for c in ("bottle", "cable") for s in splits for i in range(n)]


CLASS_SPLITS = {  # name: (images, the training folder, the validation folder, what is skipped)
    "MVTec": (
        [*parts("train/good", "test/good", "test/broken", "ground_truth/broken"), "about.png"],
        "train",
        "test",
        {"ground_truth": "outside train and test", "about.png": "not in a class folder"},
    ),
    "val before test": (
        parts("train", "val", "test"),
        "train",
        "val",
        {"test": "another split than val"},
    ),
    "capitals": (parts("Training", "Testing"), "Training", "Testing", {}),
    "the split that all have": (
        [*parts("train", "test"), "bottle/val/1.png"],
        "train",
        "test",
        {"val": "another split than test"},
    ),
}


@pytest.mark.parametrize("name", CLASS_SPLITS)
def test_splits_within_the_classes(tmp_path, name):
    paths, train_folder, val_folder, skipped = CLASS_SPLITS[name]
    write_all(tmp_path, paths)
    files = dataset_files(tmp_path)
    for listed, folder in ((files.train, train_folder), (files.val, val_folder)):
        expected = {p: p.split("/")[0] for p in paths if p.split("/")[1:2] == [folder]}
        assert relative(listed, tmp_path) == expected
    assert {path.name: reason for path, reason in files.skipped} == skipped
    assert files.split == f"the folders {train_folder} and {val_folder} of each class"
    assert dataset_stats(tmp_path).n == len(files.train)
    assert list(get_dls(2, 8, tmp_path).vocab) == ["bottle", "cable"]


UNCLEAR_FOLDERS = {  # name: (images, message)
    "two sets for training": (
        [*pets("trainingSet", "trainingSample"), "testSet/1.png"],
        r"folders in .* must be train and val, or classes, got trainingSet beside trainingSample;",
    ),
    "two names of the same split": (
        pets("trainingSet", "training_data", "testSet"),
        r"folders in .* must be one for each split, got training_data, trainingSet; rename",
    ),
    "sets without classes": (
        ["trainSet/1.png", "trainSet/2.png", "testSet/1.png"],
        r"folders in .* must be splits with the same class folders, or classes, got testSet, train",
    ),
    "a set without classes beside others": (
        ["trainSet/1.png", "trainSet/2.png", "bus/1.png"],
        r"folders in .* must be train and val, or classes, got trainSet beside bus; make",
    ),
    "a set for tests beside classes": (
        ["testSet/1.png", "cat/1.png", "dog/1.png"],
        r"folders in .* must be train and val, or classes, got testSet beside cat, dog; make",
    ),
    "images of two kinds for training and tests": (
        [f"{split}{kind}/{i}.png" for split in ("train", "test") for kind in "AB" for i in "12"],
        r"folders in .* must be train and val, or classes, got trainA, trainB; move .* train/A and",
    ),
    "images of two kinds for training": (
        [f"{folder}/{i}.png" for folder in ("trainA", "trainB", "other") for i in "12"],
        r"folders in .* must be train and val, or classes, got trainA, trainB; move",
    ),
    "a class without splits": (
        [*parts("train", "test"), "nut/1.png"],
        r"folders in .*nut must be train and test, as in bottle, got none of a split",
    ),
    "classes of different splits": (
        ["a/train/1.png", "a/val/1.png", "b/train/1.png", "b/test/1.png"],
        r"folders in .*b must be train and val, as in a, got train, test",
    ),
    "folds": (
        pets("fold0", "fold1", "fold2"),
        r"folders in .* must be train and val, or classes, got fold0, fold1, fold2 with folders",
    ),
}


@pytest.mark.parametrize("name", UNCLEAR_FOLDERS)
def test_folders_that_are_not_clear_are_rejected(tmp_path, name):
    paths, message = UNCLEAR_FOLDERS[name]
    write_all(tmp_path, paths)
    with pytest.raises(ValueError, match=message) as raised:
        dataset_files(tmp_path)
    assert "\n" not in str(raised.value)


# ---- Folders: the split is made


CLASS_FOLDERS = {  # name: (images, number of training and of validation images, classes)
    "two classes": ([f"{c}/{i}.png" for c in "ab" for i in range(5)], 8, 2, "ab"),
    "unequal classes": (
        [f"a/{i}.png" for i in range(20)] + [f"b/{i}.png" for i in range(2)],
        17,
        5,
        "ab",
    ),
    "a folder deeper": ([f"{c}/{i % 2}/{i}.png" for c in "ab" for i in range(5)], 8, 2, "ab"),
    "train alone": ([f"train/{c}/{i}.png" for c in "ab" for i in range(5)], 8, 2, "ab"),
    "a class called train": (
        [f"{c}/{i}.png" for c in ("bus", "train") for i in range(5)],
        8,
        2,
        ["bus", "train"],
    ),
}


@pytest.mark.parametrize("name", CLASS_FOLDERS)
def test_class_folders_are_split(tmp_path, name):
    paths, n_train, n_val, classes = CLASS_FOLDERS[name]
    write_all(tmp_path, paths)
    files = dataset_files(tmp_path)
    assert (len(files.train), len(files.val)) == (n_train, n_val)
    assert {*relative(files.train + files.val, tmp_path)} == {*paths}
    assert {label for _, label in files.train} == {label for _, label in files.val} == {*classes}
    assert files.split.startswith("20 % of each class, seed 42")
    assert files.skipped == []


def test_what_is_beside_class_folders_is_skipped(tmp_path):
    write_all(tmp_path, [*CLASS_FOLDERS["two classes"][0], "overview.png", ".hidden/1.png"])
    write_text(tmp_path, "readme.md", "pets")
    (tmp_path / "c").mkdir()
    assert {path.name: reason for path, reason in dataset_files(tmp_path).skipped} == {
        "overview.png": "not in a class folder",
        "readme.md": "not an image's extension",
        ".hidden": "hidden",
        "c": "an empty folder",
    }


# ---- Names


NAMES = {  # pattern: labels of cat_1.png, big dog_2.png, cat_dog_3.png
    r"^(.+)_\d": ["cat", "big dog", "cat_dog"],
    r"^([^_]+)_": ["cat", "big dog", "cat"],
    r"(cat|dog)_\d": ["cat", "dog", "dog"],
    r"_(\d)\.png$": ["1", "2", "3"],
}


@pytest.mark.parametrize("pat", NAMES)
def test_labels_in_names(tmp_path, pat):
    names = ["cat_1.png", "big dog_2.png", "cat_dog_3.png"]
    write_all(tmp_path, [f"images/{name}" for name in names])
    files = dataset_files(tmp_path, pat=pat)
    listed = relative(files.train + files.val, tmp_path)
    assert listed == {f"images/{n}": label for n, label in zip(names, NAMES[pat])}


def test_labels_in_names_equal_fastais(tmp_path):
    from fastai.vision.all import RegexLabeller

    write_all(tmp_path, [f"{a}_{b}.png" for a in ("cat", "big_dog", "ant 1") for b in range(3)])
    files = dataset_files(tmp_path, pat=r"(.+)_\d+.png$")
    labeller = RegexLabeller(r"(.+)_\d+.png$")
    assert all(label == labeller(file.name) for file, label in files.train + files.val)


def test_names_without_a_match_are_skipped(tmp_path):
    write_all(tmp_path, ["cat_1.png", "cat_2.png", "dog_1.png", "scan.png"])
    files = dataset_files(tmp_path, pat=r"(.+)_\d")
    assert len(files.train + files.val) == 3
    assert files.skipped == [(tmp_path / "scan.png", "no match of pat in the name")]


def test_labels_in_names_with_given_sides(tmp_path):
    write_all(tmp_path, ["train/cat_1.png", "train/dog_1.png", "test/cat_2.png", "test/dog_2.png"])
    files = dataset_files(tmp_path, pat=r"(.+)_\d")
    assert relative(files.val, tmp_path) == {"test/cat_2.png": "cat", "test/dog_2.png": "dog"}


# ---- Tables


LETTERS = "abcdef"
LABELS = dict(zip(LETTERS, ["cat", "dog", "cat", "dog", "cat", "dog"]))
SIDES = dict(zip(LETTERS, ["train", "train", "train", "train", "val", "val"]))


def table(header, row, mark=",", end="\n"):
    "Return the text of a table with a row for each letter."
    lines = [mark.join(header)] if header else []
    lines += [mark.join(row(letter)) for letter in LETTERS]
    return end.join(lines) + end


def path_label(letter):
    return [f"images/{letter}.png", LABELS[letter]]


TABLES = {  # name: the text of labels.csv; the images are images/a.png to images/f.png
    "paths": table(["file", "label"], path_label),
    "names": table(["file", "label"], lambda x: [f"{x}.png", LABELS[x]]),
    "names without extension": table(["id", "class"], lambda x: [x, LABELS[x]]),
    "other order": table(["label", "file"], lambda x: path_label(x)[::-1]),
    "unknown names of columns": table(["Datei", "Klasse"], path_label),
    "no header": table(None, path_label),
    "semicolons": table(["file", "label"], path_label, ";"),
    "tabs": table(["file", "label"], path_label, "\t"),
    "Windows": "\ufeff" + table(["File", "Label"], path_label, end="\r\n"),
    "backslashes": table(["file", "label"], lambda x: [f"images\\{x}.png", LABELS[x]]),
    "dots": table(["file", "label"], lambda x: [f"./images/{x}.png", LABELS[x]]),
    "spaces": table(["file", "label"], lambda x: [f" images/{x}.png ", f" {LABELS[x]} "]),
    "quotes": table(["file", "label"], lambda x: [f'"images/{x}.png"', f'"{LABELS[x]}"']),
    "more columns": table(
        ["date", "image", "label", "note"], lambda x: ["2026", *path_label(x), "?"]
    ),
    "blank rows": "file,label\n\n" + table(None, path_label) + "\n\n",
    "folders of another computer": table(
        ["file", "label"], lambda x: [f"/home/me/img/{x}.png", LABELS[x]]
    ),
    "folders of Windows": table(["file", "label"], lambda x: [rf"C:\data\{x}.png", LABELS[x]]),
    "some folders of another computer": table(
        ["file", "label"], lambda x: [f"/data/pets/images/{x}.png", LABELS[x]]
    ),
    "capitals": table(["file", "label"], lambda x: [f"Images/{x.upper()}.PNG", LABELS[x]]),
    "numbered rows": table(
        ["", "photo", "breed"], lambda x: [str(LETTERS.index(x)), *path_label(x)]
    ),
    "numbered classes": table(
        ["class id", "filepaths", "labels"],
        lambda x: ["01"[LABELS[x] == "dog"], *path_label(x)],
    ),
    "metadata": table(
        ["lesion", "image_id", "kind", "sex"],
        lambda x: [f"l{x}", x, LABELS[x], ""],
    ),
    "a column for each class": table(
        ["image", "cat", "dog", "bird"],
        lambda x: [x, *(str(float(LABELS[x] == name)) for name in ("cat", "dog", "bird"))],
    ),
    "true and false for each class": table(
        ["image", "cat", "dog"],
        lambda x: [x, *(str(LABELS[x] == name) for name in ("cat", "dog"))],
    ),
    "numbers of folds": table(
        ["image", "fold", "kind"], lambda x: [x, str(LETTERS.index(x) % 3), LABELS[x]]
    ),
    "a separator in the first line": "sep=;\n" + table(["file", "label"], path_label, ";"),
    "a tab in the first line": "sep=\t\n" + table(["file", "label"], path_label, "\t"),
    "a separator that is not the only one": "SEP=,\r\n"
    + table(["file", "label", "note"], lambda x: [*path_label(x), "a; b"], end="\r\n"),
    "a separator without a header": "sep=;\n" + table(None, path_label, ";"),
    "a title": "My photos,\n" + table(["file", "label"], path_label),
    "a title without separators": "My photos\n" + table(["file", "label"], path_label),
    "a title and a blank row": '"My; photos"\t\n\t\n' + table(["id", "kind"], path_label, "\t"),
    "a title in a wide table": "\ufeffPhotos of 2026;;\n"
    + table(["file", "label", "note"], lambda x: [*path_label(x), "?"], ";"),
    "a blank first row": "\n" + table(["file", "label"], path_label),
    "numbers in the only column of labels": table(["image", "is_cat"], lambda x: [x, LABELS[x]]),
}


@pytest.fixture
def six(tmp_path):
    write_all(tmp_path, [f"images/{letter}.png" for letter in LETTERS])
    return tmp_path


@pytest.mark.parametrize("name", TABLES)
def test_tables(six, name):
    write_text(six, "labels.csv", TABLES[name])
    files = dataset_files(six)
    listed = relative(files.train + files.val, six)
    assert listed == {f"images/{letter}.png": label for letter, label in LABELS.items()}
    assert (len(files.train), len(files.val)) == (4, 2)
    assert files.skipped == []


GIVEN = {  # header of the column, value for training, value for validation
    "is_valid": ("False", "True"),
    "Is_Valid": ("0", "1"),
    "split": ("train", "valid"),
    "Split": ("Train", "TEST"),
    "split ": ("train", "validation"),
    "Data Set": ("train", "val"),
    "set": ("Training", "Testing"),
    "subset": ("train", "test"),
    "fold": ("train", "valid"),
    "phase": ("train", "validation"),
    "": ("train", "test"),
}


@pytest.mark.parametrize("column", GIVEN)
def test_tables_that_say_what_is_for_validation(six, column):
    values = dict(zip(("train", "val"), GIVEN[column]))
    text = table(["file", column, "label"], lambda x: [x, values[SIDES[x]], LABELS[x]])
    write_text(six, "labels.csv", text)
    files = dataset_files(six)
    assert [file.stem for file, _ in files.train] == [*"abcd"]
    assert [(file.stem, label) for file, label in files.val] == [("e", "cat"), ("f", "dog")]
    name = column.lower().strip() or "number 2"
    assert files.split == f"the column {name} of labels.csv"


FLAGS = {  # columns that say yes or no -> what they say of a training and of a validation image
    "is_train": ("1", "0"),
    "is_val": ("False", "True"),
    "is_validation": ("no", "yes"),
    "is_test": ("0", "1"),
    "Is Train": ("True", "False"),
    "train": ("1", "0"),
    "valid": ("False", "True"),
    "val": ("0", "1"),
    "test": ("0.0", "1.0"),
    "is_train,is_val": ("1,0", "0,1"),
    "train,valid,test": ("1,0,0", "0,1,0"),
    "is_train,is_test": ("1,0", "0,0"),
    "is_valid,is_test": ("0,0", "0,1"),
}


@pytest.mark.parametrize("classes", ["label", "cat,dog"])
@pytest.mark.parametrize("columns", FLAGS)
def test_columns_that_say_yes_or_no_to_a_split(six, columns, classes):
    said = dict(zip(("train", "val"), FLAGS[columns]))
    labels = LABELS if classes == "label" else dict(zip(LETTERS, ["1,0", "0,1"] * 3))
    text = table(["file", columns, classes], lambda x: [x, said[SIDES[x]], labels[x]])
    write_text(six, "labels.csv", text)
    files = dataset_files(six)
    assert {file.stem: label for file, label in files.train} == {x: LABELS[x] for x in "abcd"}
    assert {file.stem: label for file, label in files.val} == {x: LABELS[x] for x in "ef"}
    assert " and ".join(columns.lower().split(",")) in files.split


def test_a_class_may_be_called_train(six):
    write_text(
        six,
        "labels.csv",
        table(["file", "bus", "train"], lambda x: [x, *("10", "01")[LABELS[x] == "dog"]]),
    )
    files = dataset_files(six)
    assert {label for _, label in files.train + files.val} == {"bus", "train"}
    assert "seed" in files.split


UNKNOWN_SPLITS = {  # header of the column, value for training, values for validation
    "Usage": ("Training", "PublicTest", "PrivateTest"),
    "phase": ("train", "dev"),
    "purpose": ("Train", "Query"),
    "subset": ("train", "dev"),
    "set": ("train", "eval"),
    "partition": ("TrainSet", "holdout"),
    "stage": ("train", "val", "extra"),
    "": ("my_train", "rest"),
}


@pytest.mark.parametrize("column", UNKNOWN_SPLITS)
def test_tables_with_splits_of_unknown_names_are_rejected(six, column):
    trained, *others = UNKNOWN_SPLITS[column]
    values = dict(zip(LETTERS, [*[trained] * 4, others[0], others[-1]]))
    text = table(["file", column, "label"], lambda x: [x, values[x], LABELS[x]])
    write_text(six, "labels.csv", text)
    name, got = column or "number 2", ", ".join(sorted({trained, *others}))
    message = rf"values of {name} in .*labels.csv must be among train, .* test, got {got}; write"
    with pytest.raises(ValueError, match=message):
        dataset_files(six)


VEHICLES = dict(zip(LETTERS, ["train", "bus", "car", "train", "bus", "car"]))


NO_TABLE_SPLITS = {  # name: (the text of labels.csv, labels of a, b, ...; one value is `train`)
    "named label": (
        table(["file", "class", "place"], lambda x: [x, VEHICLES[x], "no"]),
        VEHICLES,
    ),
    "the only column": (table(["file", "phase"], lambda x: [x, VEHICLES[x]]), VEHICLES),
    "a second name of the label": (
        table(["file", "label", "class_name"], lambda x: [x, LABELS[x], VEHICLES[x]]),
        LABELS,
    ),
    "a word for each label": (
        table(
            ["file", "label", "word"],
            lambda x: [x, LABELS[x], "train" if LABELS[x] == "cat" else "rail"],
        ),
        LABELS,
    ),
    "notes": (table(["file", "label", "note"], lambda x: [x, LABELS[x], f"train {x}"]), LABELS),
    "beside a known split": (
        table(["file", "label", "split", "set"], lambda x: [*x, LABELS[x], SIDES[x], VEHICLES[x]]),
        LABELS,
    ),
}


@pytest.mark.parametrize("name", NO_TABLE_SPLITS)
def test_tables_may_have_train_in_other_columns_than_splits(six, name):
    text, labels = NO_TABLE_SPLITS[name]
    write_text(six, "labels.csv", text)
    files = dataset_files(six)
    assert {file.stem: label for file, label in files.train + files.val} == labels


def test_a_second_validation_split_of_a_table_is_left_out(six):
    splits = dict(zip(LETTERS, ["train", "train", "val", "val", "test", "test"]))
    write_text(
        six, "labels.csv", table(["file", "label", "split"], lambda x: [x, LABELS[x], splits[x]])
    )
    files = dataset_files(six)
    assert [file.stem for file, _ in files.val] == [*"cd"]
    assert [(path.stem, reason) for path, reason in files.skipped] == [
        (letter, "in the split test, which is not used") for letter in "ef"
    ]


@pytest.mark.parametrize(
    "label", ["NA", "None", "nan", "null", "007", "1e3", "True", "Katze, groß"]
)
def test_labels_stay_as_they_are_written(six, label):
    texts = LABELS | dict(a=label, c=label)
    write_text(six, "labels.csv", table(["file", "label"], lambda x: [x, f'"{texts[x]}"']))
    files = dataset_files(six)
    assert {file.stem: label for file, label in files.train + files.val} == texts


def test_several_labels(six):
    texts = dict(zip(LETTERS, ["cat", "cat dog", "dog", "dog cat", "cat", "dog"]))
    write_text(six, "labels.csv", table(["file", "labels"], lambda x: [x, texts[x]]))
    files = dataset_files(six, label_delim=" ")
    listed = {file.stem: label for file, label in files.train + files.val}
    assert listed == {letter: tuple(text.split()) for letter, text in texts.items()}
    for labelled in (files.train, files.val):
        assert {name for _, label in labelled for name in label} == {"cat", "dog"}
    with pytest.raises(ValueError, match="labels of an image must be a single class, got . of"):
        get_dls(2, 16, six, label_delim=" ")


NUMBERED = {  # name: (header and rows of a table of 001.png to 004.png, path -> label)
    "zeros that were lost": (
        "id,label\n1,cat\n2,dog\n3,cat\n4,dog\n",
        ["cat", "dog", "cat", "dog"],
    ),
    "row numbers that are names of files, too": (
        "id,photo,label\n1,004.png,a\n2,003.png,b\n3,002.png,a\n4,001.png,b\n",
        ["b", "a", "b", "a"],
    ),
    "numbers without a name of their own": (
        ",photo,breed\n1,004.png,a\n2,003.png,b\n3,002.png,a\n4,001.png,b\n",
        ["b", "a", "b", "a"],
    ),
    "labels that are names of files, too": (
        "Datei,Klasse\n1,1\n2,2\n3,1\n4,2\n",
        ["1", "2", "1", "2"],
    ),
    "masks": (
        "mask,image,label\n004.png,001.png,a\n003.png,002.png,b\n"
        "002.png,003.png,a\n001.png,004.png,b\n",
        ["a", "b", "a", "b"],
    ),
    "several labels of a delimiter that may be between columns": (
        "001.png,a;b\n002.png,b\n003.png,a\n004.png,b\n",
        [("a", "b"), ("b",), ("a",), ("b",)],
    ),
    "several columns of classes": (
        "image,a,b\n001.png,1,1\n002.png,0,1\n003.png,1,0\n004.png,0,1\n",
        [("a", "b"), ("b",), ("a",), ("b",)],
    ),
}


UNCLEAR_NUMBERS = {  # name: (header of the table, rows of 0001.png to 0008.png, what is named)
    "a row number": ("id,photo,label", "{reverse},{file},{label}", "id, photo"),
    "a number of a file": ("img_id,name,label", "{reverse},{file},{label}", "img_id, name"),
    "folders of another computer": (
        "id,photo,label",
        "{reverse},/home/me/{file},{label}",
        "id, photo",
    ),
    "the exact one first": ("scan,id,label", "{file},{reverse},{label}", "id, scan"),
}


@pytest.mark.parametrize("name", UNCLEAR_NUMBERS)
def test_numbers_and_exact_names_of_other_files_are_rejected(tmp_path, name):
    header, row, columns = UNCLEAR_NUMBERS[name]
    write_all(tmp_path, [f"idx/000{i}.png" for i in range(1, 9)])
    values = [dict(reverse=9 - i, file=f"000{i}", label="ab"[i % 2]) for i in range(1, 9)]
    write_text(tmp_path, "t.csv", "\n".join([header, *(row.format(**each) for each in values)]))
    message = f"column of files in .*t.csv must be one, got {columns}; call the one that is meant"
    with pytest.raises(ValueError, match=message):
        dataset_files(tmp_path, csv_fname="t.csv")


@pytest.mark.parametrize("name", NUMBERED)
def test_tables_of_numbered_files(tmp_path, name):
    text, labels = NUMBERED[name]
    paths = [f"00{i}.png" for i in range(1, 5)]
    write_all(tmp_path, paths)
    write_text(tmp_path, "labels.csv", text)
    files = dataset_files(tmp_path, label_delim=";" if ";" in text else None)
    assert relative(files.train + files.val, tmp_path) == dict(zip(paths, labels))
    assert files.skipped == []


def test_a_table_without_a_header_may_have_sides(six):
    write_text(six, "labels.csv", table(None, lambda x: [*path_label(x), SIDES[x]]))
    files = dataset_files(six)
    assert [(file.stem, label) for file, label in files.val] == [("e", "cat"), ("f", "dog")]
    assert files.split == "the column number 3 of labels.csv"


def test_an_image_of_no_class_has_no_label(six):
    rows = ["image,cat,dog", "a,1,0", "b,0,1", "c,0,0", "d,0,1", "e,1,0", "f,0,1"]
    write_text(six, "labels.csv", "\n".join(rows))
    files = dataset_files(six)
    assert {file.stem: label for file, label in files.train + files.val} == {
        letter: LABELS[letter] for letter in "abdef"
    }
    assert [reason for _, reason in files.skipped] == ["1 without a label: row 4, such as c"]


def test_the_columns_that_are_used_are_known(six):
    for name, source in {
        "numbered rows": "files in the column photo, labels in the column breed",
        "a column for each class": "files in the column image, a column for each of 3 classes",
        "numbers of folds": "files in the column image, labels in the column kind, fold not used",
        "no header": "files in the column number 1, labels in the column number 2",
    }.items():
        write_text(six, "labels.csv", TABLES[name])
        assert dataset_files(six).source == f"labels.csv, {source}"


def test_what_is_wrong_in_a_table_is_said_with_the_rows(six):
    rows = ["file,label", "a,cat", "none.png,dog", "b,", "a,cat", "c,dog", ",dog", "gone.png,cat"]
    write_text(six, "labels.csv", "\n".join(rows))
    files = dataset_files(six)
    assert {file.stem: label for file, label in files.train + files.val} == dict(a="cat", c="dog")
    reasons = [reason for path, reason in files.skipped if path.name == "labels.csv"]
    assert sorted(reasons) == [
        "1 that repeat an image: row 5, such as a",
        "1 without a label: row 4, such as b",
        "3 without an image: rows 3, 7, 8, such as none.png",
    ]
    others = {path.stem: reason for path, reason in files.skipped if path.suffix == ".png"}
    assert others == dict.fromkeys("def", "not in labels.csv")


def test_blank_rows_are_counted(six):
    text = table(["file", "label"], path_label) + "\n\nnone,cat\n"
    write_text(six, "labels.csv", text)
    (problem,) = dataset_files(six).skipped
    assert problem[1] == "1 without an image: row 10, such as none"


@pytest.mark.parametrize("start", ["sep=,\n", "Pets,\n", "Pets\n", "\n", "Pets\n,\n"])
def test_rows_before_the_header_are_counted(six, start):
    text = start + table(["file", "label"], path_label) + "none,cat\n"
    write_text(six, "labels.csv", text)
    (problem,) = dataset_files(six).skipped
    number = 8 + start.count("\n")
    assert problem[1] == f"1 without an image: row {number}, such as none"


def test_many_rows_are_counted(six):
    missing = "".join(f"x{i},cat\n" for i in range(9))
    write_text(six, "labels.csv", table(["file", "label"], path_label) + missing)
    (problem,) = dataset_files(six).skipped
    assert problem[1] == "9 without an image: rows 8, 9, 10, 11, 12 and 4 more, such as x0"


WRONG_TABLES = {  # name: (text, message)
    "two labels": (
        "file,label\na,cat\nb,dog\na,dog\n",
        r"rows 2 and 4 of .*csv must be equal, since",
    ),
    "two sides": ("file,label,is_valid\na,cat,0\na,cat,1\n", r"rows 2 and 3 of .* must be equal"),
    "one column": ("file\na\nb\n", r"number of columns in .* must be 2 or more, .*, got 1"),
    "unknown side": (
        "file,label,is_valid\na,cat,maybe\nb,dog,\n",
        r"is_valid in rows 2, 3 of .* must be true or false, got 'maybe'",
    ),
    "no side": (
        "file,label,is_valid\na,cat,\nb,dog,1\nc,cat,\n",
        r"is_valid in rows 2, 4 of .* must be true or false, got an empty cell; fill in",
    ),
    "two splits": (
        "file,label,is_train,is_val\na,cat,1,1\nb,dog,0,1\nc,cat,0,0\n",
        r"is_train and is_val in rows 2, 4 of .* must be true in one and .*, got '1 and 1'",
    ),
    "a class or a split": (
        "file,cat,dog,train\na,1,0,1\nb,0,1,0\nc,1,1,0\nd,0,1,1\n",
        r"column train in .* must be a class, or .*, got both possible; call it is_train if",
    ),
    "no image": (
        "file,label\nx,cat\ny,dog\n",
        r"files in .* must be images in .*, got x, which is none of them; .* as images/a.png$",
    ),
    "two columns of files": (
        "left,right,label\na.png,b.png,cat\nc.png,d.png,dog\n",
        r"column of files in .* must be one, got left, right; call the one that is meant file",
    ),
    "two columns of labels": (
        "file,kind,colour\na,cat,red\nb,dog,blue\nc,cat,blue\nd,dog,red\n",
        r"column of labels in .* must be one, got kind, colour; call .* meant label in the first",
    ),
    "sizes and prices": (
        "image,width,price\na.png,20,1.5\nb.png,30,2\nc.png,20,2.5\nd.png,30,3\n",
        r"column of labels in .* must be one, got width, price; call .* meant label in the first",
    ),
    "numbers without a header": (
        "a.png,20,1.5\nb.png,30,2\nc.png,20,2.5\nd.png,30,3\n",
        r"column of labels in .* must be one, got number 2, number 3; call .* first row",
    ),
    "boxes without a header": (
        "a.png,10,90,cat\nb.png,10,80,dog\nc.png,20,90,cat\nd.png,20,80,dog\n",
        r"column of labels in .* must be one, got number 2, number 3, number 4; call .* first row",
    ),
    "spaces": ("a.png cat\nb.png dog\n", r"columns in .* must be 2 .*, got 1; separate them by"),
    "labels and columns of classes": (
        "file,kind,cat,dog\na,x,1,0\nb,y,0,1\nc,x,1,0\nd,y,0,1\n",
        r"column of labels in .* must be one, got kind, cat, dog",
    ),
    "two names of one image": (
        "file,label\na.png,cat\nA.PNG,dog\n",
        r"rows 2 and 3 of .* must be of two images, got a.png and A.PNG, both of a.png",
    ),
    "unknown split": ("file,label,split\na,cat,holdout\n", r"split in row 2 of .* got 'holdout'"),
    "empty": ("", r"labels.csv must be a readable table, got"),
    "uneven": ("file,label\na,cat\nb,dog,x\n", r"must be a readable table, got .*line 3"),
}


@pytest.mark.parametrize("name", WRONG_TABLES)
def test_tables_that_are_not_clear_are_rejected(six, name):
    text, message = WRONG_TABLES[name]
    write_text(six, "labels.csv", text)
    with pytest.raises(ValueError, match=message) as raised:
        dataset_files(six)
    assert "\n" not in str(raised.value)


def test_a_table_in_another_encoding_is_rejected(six):
    (six / "labels.csv").write_bytes("file,label\na,Käse\n".encode("latin-1"))
    with pytest.raises(ValueError, match="must be a readable table, .*; save it as a CSV"):
        dataset_files(six)


def test_a_name_of_several_images_is_rejected(six):
    write_image(six, "more/a.png")
    write_text(six, "labels.csv", table(["file", "label"], lambda x: [f"{x}.png", LABELS[x]]))
    with pytest.raises(
        ValueError, match=r"file in row 2 of .* must be one image, got a.png, the name"
    ):
        dataset_files(six)
    write_text(six, "labels.csv", table(["file", "label"], path_label))
    assert len(dataset_files(six).train) == 4


def test_a_table_by_name_and_place(six, tmp_path_factory):
    other = write_text(tmp_path_factory.mktemp("tables"), "t.csv", TABLES["paths"])
    write_text(six, "meta/labels.tsv", TABLES["tabs"])
    for name in ("meta/labels.tsv", other, str(other)):
        assert len(dataset_files(six, csv_fname=name).val) == 2


def test_decomposed_letters_in_a_table(tmp_path):
    write_all(tmp_path, ["M\u00fcller.png", "the\u0301.png"])
    write_text(tmp_path, "labels.csv", "file,label\nMu\u0308ller.png,a\nth\u00e9.png,b\n")
    files = dataset_files(tmp_path)
    assert [label for _, label in files.train + files.val] == ["a", "b"]


def test_train_and_val_folders_win_over_a_table(tmp_path):
    write_all(tmp_path, pets("train", "val"))
    write_text(tmp_path, "labels.csv", "file,label\ntrain/cat/0.png,dog\n")
    files = dataset_files(tmp_path)
    assert len(files.train) == 4 and files.split == "the folders train and val"
    assert len(dataset_files(tmp_path, csv_fname="labels.csv").train) == 1


# ---- Loaders on every layout


def class_layout(root):
    write_all(root, [f"{c}/{i}.png" for c in ("cat", "dog") for i in range(5)])


def name_layout(root):
    write_all(root, [f"{c}_{i}.png" for c in ("cat", "dog") for i in range(5)])


def table_layout(root):
    write_all(root, [f"images/{i}.png" for i in range(10)])
    write_text(
        root,
        "labels.csv",
        "file,label\n" + "".join(f"{i},{['cat', 'dog'][i % 2]}\n" for i in range(10)),
    )


def folder_layout(root):
    write_all(root, [f"Train/{c}/{i}.png" for c in ("cat", "dog") for i in range(4)])
    write_all(root, [f"valid/{c}/{i}.png" for c in ("cat", "dog") for i in range(1)])


LAYOUTS = {
    "classes": (class_layout, {}),
    "names": (name_layout, dict(pat=r"(.+)_\d")),
    "table": (table_layout, {}),
    "folders": (folder_layout, {}),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_loaders_have_the_listed_images_and_labels(tmp_path, name):
    write, options = LAYOUTS[name]
    write(tmp_path)
    files = dataset_files(tmp_path, **options)
    for dls in (get_dls(4, 16, tmp_path, **options), get_dls(4, 16, files)):
        assert list(dls.vocab) == ["cat", "dog"]
        for dataset, listed in ((dls.train_ds, files.train), (dls.valid_ds, files.val)):
            labels = [dls.vocab[int(y)] for y in dataset.tls[1]]
            assert list(zip(dataset.items, labels)) == listed
        assert (len(dls.train_ds), len(dls.valid_ds)) == (8, 2)
        assert dls.train.one_batch()[0].shape == (4, 3, 16, 16)


def test_options_are_of_the_listing_and_of_the_loaders(tmp_path):
    class_layout(tmp_path)
    dls = get_dls(2, 16, tmp_path, valid_pct=0.4, split_seed=1, num_workers=0)
    expected = dataset_files(tmp_path, valid_pct=0.4, split_seed=1)
    assert dls.valid_ds.items == [file for file, _ in expected.val] and len(expected.val) == 4
    with pytest.raises(ValueError, match="options must be given to dataset_files, got valid_pct"):
        get_dls(2, 16, expected, valid_pct=0.4)


@pytest.mark.parametrize("source", ["folder", "listed"])
def test_training_uses_one_split_for_all_stages_and_seeds(tmp_path, source, monkeypatch):
    from lesson7.resize import Stage
    from lesson7.training import loop

    class_layout(tmp_path)
    path = tmp_path if source == "folder" else dataset_files(tmp_path, split_seed=7)
    expected = dataset_files(tmp_path, split_seed=42 if source == "folder" else 7)
    used = []

    def keep(bs, size, path, *args, **options):
        dls = get_dls(bs, size, path, *args, **options)
        used.append([dls.train_ds.items, dls.valid_ds.items])
        return dls

    monkeypatch.setattr(loop, "get_dls", keep)
    stages = (Stage(8, 4, 1, 1e-3), Stage(16, 4, 1, 1e-3))
    for seed in (1, 2):
        recipe = Recipe(size=16, bs=4, epochs=3, stages=stages, normalize=True, seed=seed)
        train(recipe, path, bar=False)
    sides = [[file for file, _ in files] for files in (expected.train, expected.val)]
    assert len(used) == 4 and all(each == sides for each in used)


# ---- Messages


def rename_label(root):
    class_layout(root)
    (root / "cat").rename(root / "test")


MESSAGES = {  # name: (what is written, options, message)
    "no image": (
        lambda root: write_text(root, "a.txt", ""),
        {},
        r"images in .* must be 1 or more, got 0; a dataset has .* such as .*a\.txt",
    ),
    "images alone": (
        lambda root: write_all(root, ["1.png", "2.png"]),
        {},
        r"Skipped there: 2, such as .*1\.png \(not in a class folder\)",
    ),
    "one class": (
        lambda root: write_all(root, ["cat/1.png", "cat/2.png"]),
        {},
        r"number of classes in .* must be 2 or more, got 1 \(cat\)",
    ),
    "one class and an empty one": (
        lambda root: (write_all(root, ["cat/1.png", "cat/2.png"]), (root / "dog").mkdir()),
        {},
        r"must be 2 or more, got 1 \(cat\)",
    ),
    "a folder around the classes": (
        lambda root: class_layout(root / "pets"),
        {},
        r"2 or more, got 1 \(pets\); if its folders are the classes, give the path .*pets$",
    ),
    "one image a class": (
        lambda root: write_all(root, ["cat/1.png", "dog/2.png"]),
        {},
        r"number of validation images in .* must be 1 or more, got 0",
    ),
    "a file that is no image": (
        lambda root: (class_layout(root), write_text(root, "cat/bad.png", "x")),
        {},
        r"bad\.png must be a readable image",
    ),
    "test among classes": (
        rename_label,
        {},
        r"folders in .* must be train and val, or classes, got test beside dog; make",
    ),
    "val alone": (
        lambda root: write_all(root, pets("val")),
        {},
        r"must be train and val, or classes, got val alone",
    ),
    "train with classes beside others": (
        lambda root: write_all(root, [*pets("train"), "bus/1.png"]),
        {},
        r"got train beside bus",
    ),
    "pat without a group": (
        name_layout,
        dict(pat="cat"),
        r"pat must be a regular expression with a group, got cat",
    ),
    "pat that is no pattern": (
        name_layout,
        dict(pat="(cat"),
        r"pat must be a regular .* got \(cat",
    ),
    "pat without a match": (
        name_layout,
        dict(pat="(bird)"),
        r"Skipped there: 10, such as .*no match of pat",
    ),
    "pat and table": (
        table_layout,
        dict(pat="(.)", csv_fname="labels.csv"),
        r"pat must be left out with csv_fname",
    ),
    "no such table": (
        class_layout,
        dict(csv_fname="x.csv"),
        r"x\.csv must be a table .*, got no such file",
    ),
    "delimiter without a table": (
        class_layout,
        dict(label_delim=" "),
        r"label_delim must be given with a table only",
    ),
    "share of 0": (
        class_layout,
        dict(valid_pct=0),
        r"valid_pct must be a number above 0 and below 1, got 0",
    ),
    "share of 20": (class_layout, dict(valid_pct=20), r"valid_pct must be .*, got 20"),
    "seed": (
        class_layout,
        dict(split_seed=-1),
        r"split_seed must be a whole number, 0 or more, got -1",
    ),
    "groups without a match": (
        class_layout,
        dict(groups=r"dog/(\d)"),
        r"groups must be a pattern .*, got no match in 5 of 10, such as cat/0\.png",
    ),
    "only names of splits": (
        lambda root: write_all(root, ["train/cat.1.png", "test1/2.png"]),
        {},
        r"folders in .* must be splits with the same class folders, or classes, got test1, train; "
        "for labels in names of files give pat, for a table csv_fname",
    ),
    "other classes in validation": (
        lambda root: write_all(root, [*pets("my_train"), "my_val/bird/1.png"]),
        {},
        r"folders in .* must be splits with the same class folders, or .*, got my_train, my_val",
    ),
    "an option of a split that is given": (
        folder_layout,
        dict(valid_pct=0.3),
        r"valid_pct must be left out for .* of its own, the folders Train and valid, got 0.3",
    ),
    "groups of a split that is given": (
        folder_layout,
        dict(groups="(.)"),
        r"groups must be left out for a dataset with a split of its own, .*, got '\(\.\)'",
    ),
    "images that look alike": (
        lambda root: [
            write_image(root, f"{c}/{i}.png", made_image("one", (48 + i, 36)))
            for c in "ab"
            for i in range(4)
        ],
        {},
        r"number of validation images in .* got 0; near-identical images stay on one side; "
        r"where .* give group_similar=False \(--no-group-similar\), and groups",
    ),
    "groups that are classes": (
        class_layout,
        dict(groups="^(.)"),
        r"number of validation images in .* got 0; images of a group stay on one side",
    ),
    "class of validation only": (
        lambda root: write_all(root, [*pets("train", "val"), "val/bird/1.png"]),
        {},
        r"classes in .*val must be those in train, got bird, too",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages(tmp_path, name):
    write, options, message = MESSAGES[name]
    write(tmp_path)
    with pytest.raises(ValueError, match=message) as raised:
        get_dls(2, 16, tmp_path, **options)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "path, error, message",
    [
        ("a.png", ValueError, r"path must be a folder of images, got .*a\.png, a file"),
        (
            "nowhere",
            ValueError,
            r"path must be a folder of images, got .*nowhere, which does not exist",
        ),
        (7, TypeError, "path must be a folder of images, got a int"),
        ("~/nowhere", ValueError, r"path must be a folder of images, got [^~]*nowhere, which does"),
    ],
)
def test_a_path_that_is_no_folder(tmp_path, monkeypatch, path, error, message):
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path, "a.png")
    with pytest.raises(error, match=message):
        get_dls(2, 16, path)


def test_a_path_of_an_empty_text_is_not_the_folder_of_the_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    class_layout(tmp_path)
    with pytest.raises(ValueError, match="path must be a folder of images, got an empty text"):
        dataset_files("")


def test_a_path_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    class_layout(tmp_path / "pets")
    assert dataset_files("~/pets").path == tmp_path / "pets"


def test_an_unreadable_file_does_not_stop_the_listing(tmp_path):
    class_layout(tmp_path)
    write_text(tmp_path, "cat/bad.png", "no image")
    files = dataset_files(tmp_path)
    assert len(files.train + files.val) == 11
    with pytest.raises(ValueError, match=r"bad\.png must be a readable image"):
        check_folders(tmp_path, files)


def test_old_calls_of_the_class_still_work():
    files = DatasetFiles([], [], [])
    assert files.split == "" and files.path is None


def test_relative_and_linked_folders_give_the_same_split(tmp_path, monkeypatch):
    class_layout(tmp_path / "pets")
    (tmp_path / "link").symlink_to(tmp_path / "pets")
    monkeypatch.chdir(tmp_path)
    splits = []
    for path in (tmp_path / "pets", Path("pets"), tmp_path / "link", f"pets{os.sep}"):
        splits.append([*relative(dataset_files(path).val, Path(path))])
    monkeypatch.chdir(tmp_path / "pets")
    splits.append([*relative(dataset_files(".").val, Path("."))])
    assert all(split == splits[0] for split in splits)


def test_a_palette_image_and_a_grey_one_are_listed_and_split(tmp_path):
    class_layout(tmp_path)
    write_image(tmp_path, "cat/p.png", made_image("p").convert("P"))
    write_image(tmp_path, "dog/l.png", Image.new("L", (8, 8), 255))
    files = dataset_files(tmp_path)
    assert len(files.train + files.val) == 12


NO_GROUPS = {  # name: (function, message)
    "a list": (lambda path: [1], r"got \[1\] for cat/0.png"),
    "None": (lambda path: None, r"got None for cat/0.png"),
    "a set in a tuple": (lambda path: ({1},), r"got \(\{1\},\) for cat/0.png"),
}


@pytest.mark.parametrize("name", NO_GROUPS)
def test_groups_that_are_none_are_rejected(tmp_path, name):
    class_layout(tmp_path)
    function, got = NO_GROUPS[name]
    message = f"^groups must be a function that returns a value such as .*, {got}$"
    with pytest.raises(ValueError, match=message):
        dataset_files(tmp_path, groups=function)


LARGE_GROUPS = {  # name: (function, part of the advice)
    "one group": (lambda path: 1, "give smaller groups"),
    "classes": (lambda path: path.parent.name, "give smaller groups"),
    "each alone": (str, "near-identical images stay on one side"),
}


@pytest.mark.parametrize("name", LARGE_GROUPS)
def test_the_advice_is_about_what_leaves_a_side_empty(tmp_path, name):
    for path in [f"{c}/{i}.png" for c in "ab" for i in range(4)]:
        seed = path[0] if name == "each alone" or path.endswith("0.png") else path
        write_image(tmp_path, path, made_image(seed, (48 + int(path[2]), 36)))
    shutil.copy(tmp_path / "a/1.png", tmp_path / "a/5.png")  # near-identical in each case
    function, advice = LARGE_GROUPS[name]
    files = dataset_files(tmp_path, groups=function)
    with pytest.raises(ValueError, match=advice) as raised:
        check_folders(tmp_path, files)
    others = {part for _, part in LARGE_GROUPS.values()} - {advice}
    assert not any(other in str(raised.value) for other in others)


LABELLED = {  # name: what is given of a dataset, in a folder with a folder of each label
    "training files": lambda files: files.train,
    "one file with its label": lambda files: files.train[0],
    "several labels": lambda files: [(file, (label, "pet")) for file, label in files.train],
}


@pytest.mark.parametrize("name", LABELLED)
def test_files_with_labels_are_the_files(tmp_path, monkeypatch, name):
    class_layout(tmp_path)
    monkeypatch.chdir(tmp_path)  # the labels are names of folders here
    given = LABELLED[name](dataset_files(tmp_path))
    expected = len(given) if isinstance(given, list) else 1
    items = image_items(given)
    assert len(items) == dataset_stats(given).n == expected
    assert all(Path(item).is_file() for item in items)


def test_two_image_files_in_a_tuple_are_two_images(tmp_path):
    class_layout(tmp_path)
    pair = (tmp_path / "cat/0.png", tmp_path / "cat/1.png")
    assert image_items(pair) == [*pair]
    assert image_items((str(pair[0]), str(pair[1]))) == [str(file) for file in pair]
