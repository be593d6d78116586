"`lesson7 data`, `train`, `compare` and `explore` on a reader's folder: options, exit codes."

import json
import shutil
import warnings

import pytest
from made_images import made_image, write_image, write_text

from lesson7.cli import main
from lesson7.data.folders import dataset_files
from lesson7.data.loaders import get_dls, list_dataset
from lesson7.data.report import dataset_report
from lesson7.data.samples import sample_dataset
from lesson7.training.config import Recipe
from lesson7.training.loop import train


@pytest.fixture
def pets(tmp_path):
    "Ten cats and five dogs, of which two are the same, and a file that is no image."
    for i in range(10):
        write_image(tmp_path, f"pets/cat/{i}.png")
    for i in range(5):
        write_image(tmp_path, f"pets/dog/{i}.png")
    shutil.copy(tmp_path / "pets/cat/1.png", tmp_path / "pets/cat/0.png")
    write_text(tmp_path, "pets/notes.txt", "")
    return tmp_path / "pets"


def run(capsys, *arguments):
    "Run a command; return the exit code, and what it prints to stdout and to stderr."
    code = main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


# ---- The report


def test_the_report_of_a_folder_of_classes(pets, capsys):
    code, out, err = run(capsys, "data", "--path", pets)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{pets}: 15 images, 2 classes",
        "  train: 12 images (cat: 8, dog: 4)",
        "  val: 3 images (cat: 2, dog: 1)",
        "  split: 20 % of each class, seed 42; 2 near-identical images in 1 group stay on one side",
        "  sizes: all 48 x 36 pixels",
        "  skipped: notes.txt (not an image's extension)",
    ]


def test_the_report_warns_of_a_class_without_images_on_a_side(pets, capsys):
    write_image(pets, "bird/1.png")
    (pets / "fish").mkdir()
    code, out, _ = run(capsys, "data", "--path", pets)
    assert code == 0
    assert "  warning: bird has no image in val" in out.splitlines()
    assert "  skipped: fish (an empty folder)" in out.splitlines()


def test_the_report_warns_of_a_class_that_is_not_trained_on(tmp_path, capsys):
    for path in ("train/a/1.png", "train/b/1.png", "val/b/1.png", "val/c/1.png"):
        write_image(tmp_path, path)
    _, out, _ = run(capsys, "data", "--path", tmp_path)
    warnings = [line.strip() for line in out.splitlines() if "warning" in line]
    assert warnings == ["warning: a has no image in val", "warning: c has no image in train"]


def test_the_report_warns_of_a_single_class(pets, capsys):
    shutil.rmtree(pets / "dog")
    code, out, _ = run(capsys, "data", "--path", pets)
    assert code == 0 and "  warning: a single class; training takes two or more" in out.splitlines()


def test_the_report_names_the_folder_with_the_classes(pets, capsys):
    _, out, _ = run(capsys, "data", "--path", pets.parent)
    line = "  warning: a single class; training takes two or more"
    advice = f"; if its folders are the classes, give the path {pets}"
    assert line + advice in out.splitlines()


def copies(root):
    "Write a training set of six images, and three for validation of which two are copies."
    for c in "ab":
        for i in range(3):
            write_image(root, f"train/{c}/{i}.png")
        write_image(root, f"val/{c}/9.png")
    for name in "xy":
        shutil.copy(root / "train/a/1.png", root / f"val/a/{name}.png")


def copies_in_a_table(root):
    "Write six images and a table with a column of sides; one image is there twice."
    rows = ["file,label,is_valid"]
    for i in range(6):
        write_image(root, f"{i}.png")
        rows.append(f"{i}.png,{'ab'[i % 2]},{int(i > 3)}")
    shutil.copy(root / "0.png", root / "4.png")
    write_text(root, "labels.csv", "\n".join(rows))


def one_image_of_two_classes(root):
    for c in "ab":
        for i in range(5):
            write_image(root, f"{c}/{i}.png")
    shutil.copy(root / "a/1.png", root / "b/2.png")


def alike(root):
    for c in "ab":
        for i in range(4):
            write_image(root, f"{c}/{i}.png", made_image(c, (48 + i, 36)))


def names_of_splits(root):
    for folder in ("train_1/a", "test/a", "c"):
        for i in range(5):
            write_image(root, f"{folder}/{i}.png")
    (root / "test").rename(root / "test_1")
    write_image(root, "train_1/b/1.png")
    write_image(root, "test_1/x/1.png")


def collections(root):
    for folder in ("images_001", "images_002"):
        for i in range(5):
            write_image(root, f"{folder}/{i}.png")


def photos_and_masks(root):
    for pet in ("cat", "dog"):
        for i in range(4):
            write_image(root, f"images/{pet}_{i}.jpg")
            write_image(root, f"annotations/trimaps/{pet}_{i}.png")


def photos_and_masks_of_each_class(root):
    for pet in ("cat", "dog"):
        for i in range(4):
            write_image(root, f"{pet}/images/{i}.png")
            write_image(root, f"{pet}/masks/x{i}.png")


def photos_and_masks_in_a_table(root):
    photos_and_masks(root)
    names = [f"{pet}_{i}" for pet in ("cat", "dog") for i in range(4)]
    files = [f"images/{x}.jpg" for x in names] + [f"annotations/trimaps/{x}.png" for x in names]
    rows = [f"{file},{file.split('/')[-1][:3]}" for file in files]
    write_text(root, "labels.csv", "\n".join(["file,label", *rows]))


def two_views(root):
    for pet in ("cat", "dog"):
        for i in range(4):
            write_image(root, f"left/{pet}_{i}.png")
            write_image(root, f"right/{pet}_{i}.png")


def zeros_for_a_third_class(root):
    "Write a table of twenty images, of which twelve are of neither class."
    rows = ["image_id,melanoma,keratosis"]
    for i in range(20):
        write_image(root, f"images/{i}.png")
        rows.append(f"{i},{float(i % 5 == 0)},{float(i % 5 == 1)}")
    write_text(root, "labels.csv", "\n".join(rows))


def few_zeros(root):
    "Write a table of twenty images, of which two are of no class."
    rows = ["image_id,melanoma,keratosis"]
    for i in range(20):
        write_image(root, f"images/{i}.png")
        rows.append(f"{i},{int(i % 2)},{int(i % 2 == 0 and i > 3)}")
    write_text(root, "labels.csv", "\n".join(rows))


MASKS = (
    "warning: 8 of 16 images are in folders of annotations, such as annotations/trimaps/cat_0.png; "
    "if they are masks, give the folder of the photos as path, or move them out of it"
)
NAMESAKES = (
    "warning: 4 of 4 images in val have the names of images in train, such as {} of {}; if they "
    r"show the same, give groups (--groups), such as '([^/]+)\.\w+$'"
)
OPTIONS_OF = {  # what is written: options of `dataset_files`
    photos_and_masks: dict(pat=r"^(.+)_\d"),
    two_views: dict(pat=r"^(.+)_\d"),
}


WARNINGS = {  # what is written: lines of the report
    photos_and_masks: [
        MASKS,
        NAMESAKES.format("images/cat_2.jpg", "annotations/trimaps/cat_2.png"),
    ],
    photos_and_masks_in_a_table: [
        MASKS,
        NAMESAKES.format("images/cat_2.jpg", "annotations/trimaps/cat_2.png"),
    ],
    photos_and_masks_of_each_class: [MASKS.replace("annotations/trimaps/cat_0", "cat/masks/x0")],
    two_views: [NAMESAKES.format("right/cat_3.png", "left/cat_3.png")],
    copies: [
        "warning: 2 of 4 images in val are copies of images in train, such as val/a/x.png of "
        "train/a/1.png"
    ],
    copies_in_a_table: [
        "warning: 1 of 2 images in val are copies of images in train, such as 4.png of 0.png"
    ],
    one_image_of_two_classes: [
        "warning: 1 image has copies with other labels, such as a/1.png (a) and b/2.png (b)"
    ],
    names_of_splits: ["warning: train_1 and test_1 are classes, but have the names of splits"],
    collections: [
        "warning: images_001 is a class, but has the name of a collection; if the labels are in a "
        "table or in names, give csv_fname or pat"
    ],
    zeros_for_a_third_class: [
        "warning: 12 of 20 rows of labels.csv have no 1 in the columns of classes, and are left "
        "out; if they are a class of their own, add a column for it"
    ],
    alike: [
        "warning: a has no image in val",
        "warning: b has no image in val",
        "warning: near-identical images stay on one side; where distinct images look alike, give "
        "group_similar=False (--no-group-similar), and groups (--groups) for what belongs together",
    ],
}


def test_the_groups_that_the_report_names_keep_namesakes_on_one_side(tmp_path):
    photos_and_masks(tmp_path)
    files = dataset_files(tmp_path, pat=r"^(.+)_\d", groups=r"([^/]+)\.\w+$")
    names = [{file.stem for file, _ in side} for side in (files.train, files.val)]
    assert len(files.val) == 4 and not names[0] & names[1]
    lines = dataset_report(files).splitlines()
    assert [line.strip() for line in lines if "warning" in line] == [MASKS]


@pytest.mark.parametrize("write", WARNINGS)
def test_the_report_warns(tmp_path, write):
    write(tmp_path)
    lines = dataset_report(dataset_files(tmp_path, **OPTIONS_OF.get(write, {}))).splitlines()
    assert [line.strip() for line in lines if "warning" in line] == WARNINGS[write]


def numbered_photos(root):
    "Write images of which many have equal names."
    for pet in ("cat", "dog"):
        for i in range(4):
            write_image(root, f"{pet}/2025/{i}.png")
            write_image(root, f"{pet}/2026/{i}.png")


def patients(root):
    "Write a table of images that have the same names in the folder of each patient."
    files = [f"p{i}/{j}.png" for i in range(6) for j in range(4)]
    for file in files:
        write_image(root, file)
    rows = [f"{file},{'ab'[int(file[1]) % 2]}" for file in files]
    write_text(root, "labels.csv", "\n".join(["file,label", *rows]))


def folders_of_a_table(root):
    "Write a table of images in several folders with the names of collections."
    files = [f"images_{i % 2}/{i}.png" for i in range(10)]
    for file in files:
        write_image(root, file)
    rows = [f"{file},{'ab'[i % 4 // 2]}" for i, file in enumerate(files)]
    write_text(root, "labels.csv", "\n".join(["file,label", *rows]))


def splits_with_equal_names(root):
    "Write two splits with files of the same names."
    for i in range(4):
        write_image(root, f"train/{'ab'[i % 2]}_{i}.png")
        write_image(root, f"val/{'ab'[i % 2]}_{i}.png")


@pytest.mark.parametrize(
    "write", [numbered_photos, patients, folders_of_a_table, splits_with_equal_names, few_zeros]
)
def test_the_report_does_not_warn_of_ordinary_folders(tmp_path, write):
    write(tmp_path)
    pat = r"^(.)_" if write is splits_with_equal_names else None
    assert "warning" not in dataset_report(dataset_files(tmp_path, pat=pat))


WARNED = [write for write in WARNINGS if write is not alike]  # without a look at the pixels


@pytest.mark.parametrize("write", WARNED)
def test_a_listing_for_loaders_warns_as_the_report_does(tmp_path, write):
    write(tmp_path)
    with pytest.warns(UserWarning, match=str(tmp_path)) as caught:
        list_dataset(tmp_path, **OPTIONS_OF.get(write, {}))
    lines = [f"warning: {each.message}" for each in caught]
    assert lines == [line.replace(": ", f": {tmp_path}: ", 1) for line in WARNINGS[write]]
    assert {each.filename for each in caught} == {__file__}


def compare_nothing(path, monkeypatch):
    from lesson7.training import comparison

    monkeypatch.setattr(comparison, "_train_groups", lambda groups, files, jobs: [])
    comparison.compare([SMALL], 2, path=path)


MADE_LOADERS = {  # name: what lists a dataset to train on it
    "list_dataset": lambda path, _: list_dataset(path),
    "get_dls": lambda path, _: get_dls(2, 8, path),
    "train": lambda path, _: train(SMALL, path, bar=False),
    "compare": compare_nothing,
}


@pytest.mark.parametrize("name", MADE_LOADERS)
def test_what_makes_loaders_warns_once_at_the_line_of_the_call(tmp_path, monkeypatch, name):
    collections(tmp_path)
    with pytest.warns(UserWarning, match="images_001 is a class, but") as caught:
        MADE_LOADERS[name](tmp_path, monkeypatch)
    assert [each.filename for each in caught if "is a class" in str(each.message)] == [__file__]


@pytest.mark.parametrize("source", ["pets", "listed", "sample"])
def test_loaders_of_ordinary_and_of_listed_datasets_do_not_warn(cache, pets, tmp_path, source):
    collections(tmp_path / "collections")
    path = {"pets": pets, "sample": None}.get(source, tmp_path / "collections")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        get_dls(2, 8, dataset_files(path) if source == "listed" else path)


def test_train_prints_its_warnings_once(tmp_path, capsys):
    collections(tmp_path / "data")
    recipe = write_text(tmp_path, "recipe.json", SMALL.to_json())
    arguments = ["--recipe", recipe, "--path", tmp_path / "data", "--out", tmp_path / "model"]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        code, out, err = run(capsys, "train", *arguments)
    assert (code, (out + err).count("images_001 is a class")) == (0, 1)


def test_the_report_says_which_columns_were_used(tmp_path):
    copies_in_a_table(tmp_path)
    assert (
        "  labels: labels.csv, files in the column file, labels in the column label\n"
        "  split: the column is_valid of labels.csv\n"
    ) in dataset_report(dataset_files(tmp_path))


def test_sizes_are_the_smallest_the_median_and_the_largest(tmp_path):
    for i, size in enumerate([(10, 10), (30, 20), (20, 40), (50, 60)]):
        write_image(tmp_path, f"{'ab'[i % 2]}/{i}.png", made_image(f"{i}", size))
    report = dataset_report(dataset_files(tmp_path))
    assert (
        "  sizes: 10 x 10 (smallest) to 50 x 60 pixels (largest), median 30 x 20\n" in report + "\n"
    )


def test_skipped_files_are_counted_by_reason(pets):
    for i in range(3):
        write_text(pets, f"cat/{i}.txt", "")
    write_text(pets, "dog/bad.jpg", "no image")
    write_image(pets, "overview.png")
    lines = dataset_report(dataset_files(pets)).splitlines()
    assert [line.strip() for line in lines if "readable:" in line or "skipped:" in line] == [
        "unreadable: dog/bad.jpg (delete or replace before training)",
        "skipped: 4, such as cat/0.txt (not an image's extension)",
        "skipped: overview.png (not in a class folder)",
    ]


def test_many_classes_take_one_line(tmp_path):
    for i in range(12):
        for j in range(2 + i):
            write_image(tmp_path, f"class {i:02}/{j}.png")
    lines = dataset_report(dataset_files(tmp_path, group_similar=False)).splitlines()
    assert lines[1] == "  train: 71 images (12 classes, from 1 of class 00 to 10 of class 10)"


def test_the_report_of_several_labels(tmp_path):
    for i in range(10):
        write_image(tmp_path, f"images/{i}.png")
    rows = [f"{i},{['cat', 'cat dog'][i % 2]}" for i in range(10)]
    write_text(tmp_path, "labels.csv", "\n".join(["file,label", *rows]))
    report = dataset_report(dataset_files(tmp_path, label_delim=" "))
    assert report.startswith(
        f"{tmp_path}: 10 images, 2 classes\n  train: 8 images (cat: 8, dog: 4)"
    )


# ---- Options and exit codes


OPTIONS = {  # options of the command -> options of `dataset_files`
    "--valid-pct 0.4": dict(valid_pct=0.4),
    "--split-seed 7": dict(split_seed=7),
    r"--pat (.)\.png": dict(pat=r"(.)\.png"),
    "--csv-fname t.csv": dict(csv_fname="t.csv"),
    "--csv-fname t.csv --label-delim +": dict(csv_fname="t.csv", label_delim="+"),
    r"--groups (\d)\.png": dict(groups=r"(\d)\.png"),
    "--no-group-similar": dict(group_similar=False),
}


@pytest.mark.parametrize("options", OPTIONS)
def test_options_are_those_of_dataset_files(pets, capsys, options):
    rows = [f"{c}/{i}.png,{c}+{i % 2}" for c in ("cat", "dog") for i in range(5)]
    write_text(pets, "t.csv", "\n".join(["file,label", *rows]))
    code, out, err = run(capsys, "data", "--path", pets, *options.split())
    assert (code, err) == (0, "")
    expected = dataset_report(dataset_files(pets, **OPTIONS[options]))
    assert out == f"{expected}\n" and expected != dataset_report(dataset_files(pets))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ("--path empty", "number of images in empty must be 1 or more, got 0; a dataset has"),
        ("--path a.png", "path must be a folder of images, got a.png, a file"),
        ("--path pets --valid-pct 2", "valid_pct must be a number above 0 and below 1, got 2.0"),
        ("--path pets --pat (", "pat must be a regular expression with a group, got ("),
        ("--path pet", "path must be a folder of images, got pet, which does not exist"),
        ("--path pet --noise 0.05", "--path must be a folder of images, got pet, which does not"),
        ("--path pets --noise 0.05", "--noise must be left out with a folder of yours, got 0.05"),
    ],
)
def test_mistakes_end_with_code_2_and_one_line(pets, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(pets.parent)
    (pets.parent / "empty").mkdir()
    write_image(pets.parent, "a.png")
    code, out, err = run(capsys, "data", *arguments.split())
    assert (code, out) == (2, "")
    assert err.startswith(f"lesson7: {message}") and err.count("\n") == 1


def test_a_changed_sample_dataset_is_reported(cache, tmp_path, capsys):
    path = sample_dataset(tmp_path / "digits", 20, 10)
    write_image(path, "train/3/mine.png")
    code, out, _ = run(capsys, "data", "--path", path)
    assert code == 0 and out.startswith(f"{path}: 31 images, 10 classes\n  train: 21 images")


# ---- train and compare


SMALL = Recipe(size=16, bs=4, epochs=1)


def test_train_prints_the_report_and_uses_the_split(pets, tmp_path, capsys):
    recipe = write_text(tmp_path, "recipe.json", SMALL.to_json())
    arguments = ["--recipe", recipe, "--path", pets, "--out", tmp_path / "model"]
    code, out, _ = run(capsys, "train", *arguments, "--split-seed", 3, "--valid-pct", 0.4)
    report = dataset_report(dataset_files(pets, split_seed=3, valid_pct=0.4))
    assert code == 0
    assert out.startswith(f"{report}\n") and "\nbaseline: " in out.replace("\r", "\n")
    assert json.loads((tmp_path / "model" / "model.json").read_text())["vocab"] == ["cat", "dog"]


@pytest.mark.parametrize("command", ["data", "train", "compare"])
def test_an_empty_path_is_not_the_sample_dataset(tmp_path, capsys, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, command, "--path", "")
    assert (code, out) == (2, "") and not list(tmp_path.iterdir())
    assert "path must be a folder of images, got an empty text" in err and err.count("\n") == 1


@pytest.mark.parametrize("command", ["train", "compare"])
def test_several_labels_cannot_be_trained_on(pets, tmp_path, capsys, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    rows = [f"{c}/{i}.png,{c} {i % 2}" for c in ("cat", "dog") for i in range(5)]
    write_text(pets, "labels.csv", "\n".join(["file,label", *rows]))
    options = ["--path", pets, "--label-delim", " ", "--preset", "cpu"]
    code, out, err = run(capsys, command, *options)
    assert code == 2 and all(line.startswith("warning: ") for line in out.splitlines())
    assert "labels of an image must be a single class, got 2 of" in err and err.count("\n") == 1


def test_compare_trains_all_arms_and_seeds_on_one_split(pets, tmp_path, monkeypatch):
    from lesson7.recipe import techniques
    from lesson7.training import comparison

    used = []

    def keep(groups, files, jobs):
        used.append((len(groups), files))
        return []

    monkeypatch.setattr(comparison, "_train_groups", keep)
    files = dataset_files(pets, split_seed=5)
    comparison.compare(techniques(Recipe.cpu()), 3, path=files)
    assert used == [(18, files)]  # six trainings of seven arms, each with three seeds


def test_compare_uses_the_options_of_the_split(pets, tmp_path, capsys, monkeypatch):
    import pandas as pd

    used = []

    class Done:
        source = "n results."

        def table(self):
            return pd.DataFrame()

    def compare(arms, seeds, budget, files, save):
        used.append(files)
        return Done()

    monkeypatch.setattr("lesson7.training.comparison.compare", compare)
    options = ["--preset", "cpu", "--path", pets, "--out", tmp_path / "c.json", "--split-seed", 5]
    assert run(capsys, "compare", *options)[0] == 0
    assert used == [dataset_files(pets, split_seed=5)]


def test_a_comparison_is_not_continued_with_another_split(pets, tmp_path, monkeypatch):
    from lesson7.training import comparison

    monkeypatch.setattr(comparison, "_train_groups", lambda groups, files, jobs: [])
    save = tmp_path / "c.json"
    started = comparison.compare([SMALL], 1, path=pets)
    started.save(save)
    assert started.about["split"].startswith("20 % of each class, seed 42")
    comparison.compare([SMALL], 1, path=pets, save=save)
    other = dataset_files(pets, split_seed=1)
    with pytest.raises(ValueError, match="content of .* give another file"):
        comparison.compare([SMALL], 1, path=other, save=save)


# ---- explore


def test_explore_takes_options_before_the_images(pets, tmp_path, capsys):
    page = tmp_path / "page.html"
    images = [pets / "cat" / f"{i}.png" for i in range(1, 4)]
    for arguments in (["--out", page, *images], [images[0], "-o", page, *images[1:]]):
        code, out, err = run(capsys, "explore", "mixup", *arguments)
        assert (code, err) == (0, "") and out.startswith(f"The explorer is in {page};")
        assert "3: 3.png" in page.read_text()
        before = page.read_text()
    run(capsys, "explore", "mixup", "-o", page, images[0], images[1])
    assert page.read_text() != before  # a page may be replaced


@pytest.mark.parametrize(
    "out, got",
    [
        ("pets/cat/1.png", "pets/cat/1.png, one of the images"),
        ("link.html", "link.html, one of the images"),
        ("pets/cat/2.png", "pets/cat/2.png, a file that is there"),
        ("pets/notes.txt", "pets/notes.txt, a file that is there"),
    ],
)
def test_explore_replaces_no_other_file_than_a_page(pets, capsys, monkeypatch, out, got):
    monkeypatch.chdir(pets.parent)
    (pets.parent / "link.html").symlink_to("pets/cat/1.png")
    before = (pets.parent / out).read_bytes()
    code, printed, err = run(
        capsys, "explore", "mixup", "pets/cat/1.png", "pets/dog/2.png", "-o", out
    )
    assert (code, printed) == (2, "") and err.count("\n") == 1
    assert f"--out must be a new file, or a page to replace, got {got}; name the page" in err
    assert (pets.parent / out).read_bytes() == before


def test_explore_names_an_option_that_there_is_not(pets, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["explore", "mixup", "--size", str(pets / "cat" / "1.png")])
    assert stopped.value.code == 2 and "there is no option --size" in capsys.readouterr().err
