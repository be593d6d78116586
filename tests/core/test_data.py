"Photos, the sample dataset, `get_dls`, presets and memory."

import csv
import hashlib
import os
import platform
import random
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from learners import normalize_transform
from PIL import Image
from processes import loaded_modules, python_output

from lesson7.data import digits, hardware, presets, samples
from lesson7.data.digits import NOISE_LEVELS
from lesson7.data.files import open_image
from lesson7.data.hardware import channels_last, keep_memory
from lesson7.data.loaders import ImageInput, blank_dls, get_dls, image_input
from lesson7.data.presets import here
from lesson7.data.samples import cifar10, dataset_info, imagenette, photos, sample_dataset
from lesson7.models import architecture

pytest_plugins = ["core_fixtures"]

STATS = ([0.5] * 3, [0.25] * 3)  # mean and standard deviation of each channel


# ---- Photos


def test_photos_are_in_color_and_credited():
    assert len(photos()) >= 8
    for name, photo in photos().items():
        pixels = np.asarray(photo, int)
        saturation = pixels.max(2) - pixels.min(2)
        assert photo.mode == "RGB" and saturation.mean() > 2, name
        assert photo.info["credit"] and photo.info["license"]


def test_a_photo_is_decoded_once(monkeypatch):
    expected = photos("coffee")["coffee"]
    monkeypatch.setattr(samples.Image, "open", None)
    assert photos("coffee")["coffee"] == expected


def test_photos_need_no_slow_import():
    loaded = loaded_modules("from lesson7.data.samples import photos\nphotos()")
    assert not {"torch", "fastai", "skimage", "sklearn", "matplotlib"} & loaded


def test_photos_name_a_missing_package(monkeypatch):
    samples._photo.cache_clear()
    monkeypatch.setattr(samples, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install scikit-image"):
        photos()


def test_photos_by_name_decode_no_other_photo():
    samples._photo.cache_clear()
    assert list(photos("coffee", "china")) == ["coffee", "china"]
    assert samples._photo.cache_info().currsize == 2
    with pytest.raises(ValueError, match=r"names must be one of 'chelsea', .*, got 'cat'"):
        photos("cat")


# ---- The sample dataset


def read_labels(path, split=""):
    "Return the rows of `labels.csv`, all or those of one split."
    with open(path / "labels.csv") as file:
        return [row for row in csv.DictReader(file) if row["file"].startswith(split)]


def file_digests(path):
    "Return name -> digest of all files in a folder."
    files = [file for file in sorted(path.rglob("*")) if file.is_file()]
    return {file.relative_to(path): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize("split, count", [("train", 6), ("val", 3)])
def test_sample_dataset_has_equally_many_images_of_each_digit(small, split, count):
    labels = [row["label"] for row in read_labels(small, split)]
    assert Counter(labels) == {str(digit): count for digit in range(10)}


def test_sample_dataset_images_have_a_short_side_of_128_pixels(small):
    for row in read_labels(small):
        size = Image.open(small / row["file"]).size
        assert min(size) == 128 and max(size) in (171, 192)


@pytest.mark.parametrize("column", ["handwriting", "background"])
def test_the_splits_share_no_handwriting_and_no_background(blank_dataset, column):
    train, val = [read_labels(blank_dataset, split) for split in ("train", "val")]
    assert len(train) == 2000 and len(val) == 1000
    assert not {row[column] for row in train} & {row[column] for row in val}


def test_the_validation_set_has_more_than_550_handwritten_digits(blank_dataset):
    assert len({row["handwriting"] for row in read_labels(blank_dataset, "val")}) > 550


def test_sample_dataset_is_the_same_byte_for_byte(small, tmp_path):
    again = sample_dataset(tmp_path / "again", 60, 30, seed=42)
    assert file_digests(again) == file_digests(small)


def test_another_seed_gives_other_images(small, tmp_path):
    other = sample_dataset(tmp_path / "other", 60, 30, seed=43)
    images = [value for file, value in file_digests(small).items() if file.suffix == ".jpg"]
    assert set(file_digests(other).values()).isdisjoint(images)


@pytest.fixture(scope="module")
def without_noise(tmp_path_factory):
    return sample_dataset(tmp_path_factory.mktemp("noise") / "0", 200, 20, noise=0.0)


def test_wrong_labels_are_nested(without_noise):
    rows, wrong = read_labels(without_noise), {}
    for level in NOISE_LEVELS[1:]:
        wrong[level] = {row["file"] for row in rows if row["label"] != row[f"noise_{level:g}"]}
    counts = {level: len(files) for level, files in wrong.items()}
    assert counts == {0.01: 2, 0.05: 10, 0.25: 50, 0.5: 100}
    assert wrong[0.01] < wrong[0.05] < wrong[0.25] < wrong[0.5]
    assert all(file.startswith("train/") for file in wrong[0.5])


def training_files(path):
    "Return name -> path of all training images."
    return {file.name: file for file in (path / "train").rglob("*.jpg")}


def test_wrong_labels_change_folders_but_not_images(without_noise, tmp_path):
    clean = training_files(without_noise)
    noisy = training_files(sample_dataset(tmp_path / "noisy", 200, 20, noise=0.25))
    assert clean.keys() == noisy.keys()
    assert all(clean[name].read_bytes() == noisy[name].read_bytes() for name in clean)
    moved = [name for name in clean if clean[name].parent.name != noisy[name].parent.name]
    assert len(moved) == 50


def test_an_interrupted_run_leaves_no_files(tmp_path, monkeypatch):
    drawn = []

    def interrupted(*args, picture=digits.picture):
        drawn.append(args)
        if len(drawn) > 15:
            raise KeyboardInterrupt
        return picture(*args)

    monkeypatch.setattr(digits, "picture", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sample_dataset(tmp_path / "digits", 20, 10)
    assert list(tmp_path.iterdir()) == []


CREATE_DATASET = """
import sys
from lesson7.data.samples import sample_dataset
print(sample_dataset(sys.argv[1], 40, 20))
"""


def test_processes_at_the_same_time_make_one_dataset(tmp_path):
    path = tmp_path / "digits"
    command = [sys.executable, "-c", CREATE_DATASET, path]
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    processes = [subprocess.Popen(command, **pipes) for _ in range(3)]
    for process in processes:
        out, err = process.communicate()
        assert process.returncode == 0 and out.strip() == str(path), err
    assert [file.name for file in tmp_path.iterdir()] == ["digits"]
    assert len(list(tmp_path.rglob("*.jpg"))) == 60


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(noise=0.3), "noise must be one of .*, got 0.3"),
        (dict(n_train=5), "n_train must be a whole number, 10 or more, got 5"),
    ],
)
def test_sample_dataset_raises_on_invalid_arguments(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        sample_dataset(tmp_path / "digits", **options)


def test_sample_dataset_overwrites_nothing(tmp_path):
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("years")
    message = "must be a new folder, .*, got another folder; give another path$"
    with pytest.raises(ValueError, match=message):
        sample_dataset(tmp_path)
    assert thesis.read_text() == "years"


OTHER_INFO = ["{", "3", "[]", "{}", '{"n_train": 10}', '{"made_by": "me"}', "\xff"]


@pytest.mark.parametrize("text", OTHER_INFO)
def test_a_dataset_json_of_another_program_is_none_of_a_sample_dataset(text, tmp_path):
    (tmp_path / "dataset.json").write_text(text, encoding="latin-1")
    assert dataset_info(tmp_path) is None


def test_sample_dataset_does_not_replace_another_dataset(tmp_path):
    sample_dataset(tmp_path / "digits", 20, 10)
    with pytest.raises(ValueError, match="must be a new folder, .*, got another dataset"):
        sample_dataset(tmp_path / "digits", 20, 10, seed=1)


@pytest.mark.parametrize("download", [imagenette, cifar10])
def test_without_network_sample_dataset_is_suggested(download, monkeypatch):
    import fastai.data.external

    def no_network(url):
        raise OSError("no route to host")

    monkeypatch.setattr(fastai.data.external, "untar_data", no_network)
    with pytest.raises(ConnectionError, match=r"sample_dataset\(\)"):
        download()


def test_imagenette_raises_on_an_unknown_size():
    with pytest.raises(ValueError, match="160, 320"):
        imagenette(224)


def make_archive(folder, sides):
    "Return an archive with an image in each side of a dataset."
    archive = folder / f"{'-'.join(sides)}.tar.xz"
    with tarfile.open(archive, "w:xz") as files:
        for side in sides:
            image = folder / "cifar10" / side / "cat" / "0.png"
            image.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (32, 32)).save(image)
            files.add(image, f"cifar10/{side}/cat/0.png")
    return archive


def test_an_archive_of_cifar10_is_unpacked_once(tmp_path, monkeypatch):
    monkeypatch.setattr("lesson7.data.samples.cache_folder", lambda: tmp_path / "cache")
    archive = make_archive(tmp_path, ["train", "test"])
    folder = cifar10(archive)
    assert (folder / "test" / "cat" / "0.png").is_file()
    assert cifar10(archive) == folder == cifar10(folder)
    assert os.listdir(tmp_path / "cache") == [folder.name]  # nothing temporary


def test_what_is_no_cifar10_is_rejected(tmp_path, monkeypatch):
    monkeypatch.setattr("lesson7.data.samples.cache_folder", lambda: tmp_path / "cache")
    text = tmp_path / "notes.txt"
    text.write_text("no archive")
    cut = tmp_path / "cut.tar.xz"
    cut.write_bytes(make_archive(tmp_path, ["train", "test"]).read_bytes()[:80])
    for path in (tmp_path / "nothing", tmp_path, text, cut, make_archive(tmp_path, ["train"])):
        with pytest.raises(ValueError, match="must be an archive|must be a folder"):
            cifar10(path)
    assert os.listdir(tmp_path / "cache") == []


# ---- get_dls


@pytest.mark.parametrize("size", [48, 64])
def test_get_dls_keeps_the_split_of_the_dataset(small, size):
    dls = get_dls(16, size, small)
    assert {file.parent.parent.name for file in dls.train.items} == {"train"}
    assert {file.parent.parent.name for file in dls.valid.items} == {"val"}
    assert len(dls.train.items) == 60 and len(dls.valid.items) == 30
    assert list(dls.vocab) == [str(digit) for digit in range(10)] and dls.c == 10
    x, _ = dls.one_batch()
    assert x.shape == (16, 3, size, size)
    assert x.min() >= 0 and x.max() <= 1


def test_fastais_callbacks_can_read_the_type_of_the_device(small):
    assert get_dls(8, 24, small).device.type in ("cpu", "cuda")


def test_get_dls_repeats_its_order_from_its_seed(small):
    def label_batches(seed):
        train = get_dls(16, 48, small, seed=seed).train
        first = [y.tolist() for _, y in train]
        second = [y.tolist() for _, y in train]
        return first + second

    assert label_batches(1) == label_batches(1) != label_batches(2)


def test_a_batch_repeats_from_both_seeds(small):
    from fastai.torch_core import set_seed

    def batch(order_seed, augmentation_seed):
        dls = get_dls(16, 48, small, seed=order_seed)
        set_seed(augmentation_seed)
        return dls.one_batch()[0]

    assert (batch(1, 7) == batch(1, 7)).all()
    assert not (batch(1, 7) == batch(2, 7)).all()
    assert not (batch(1, 7) == batch(1, 8)).all()


def test_get_dls_leaves_the_random_generators_unchanged(small):
    def random_numbers(make_loaders):
        random.seed(5)
        np.random.seed(5)
        torch.manual_seed(5)
        if make_loaders:
            get_dls(16, 48, small)
        return random.random(), np.random.rand(), torch.rand(()).item()

    assert random_numbers(make_loaders=True) == random_numbers(make_loaders=False)


def test_image_input_reads_sizes_and_statistics_from_loaders(small):
    normalized = image_input(get_dls(16, 48, small, STATS))
    assert normalized == ImageInput(48, 128, (0.5,) * 3, (0.25,) * 3)
    assert image_input(get_dls(16, 48, small)) == ImageInput(48, 128)


def test_blank_loaders_present_images_as_get_dls_does(small):
    dls = get_dls(16, 48, small, STATS)
    blank = blank_dls(list("0123456789"), 48, 128, STATS)
    files = list(dls.valid_ds.items)[:4]
    expected = dls.test_dl(files).one_batch()[0]
    assert torch.equal(blank.test_dl(files).one_batch()[0], expected)
    assert list(blank.vocab) == list(dls.vocab)
    assert image_input(blank) == image_input(dls)
    assert len(blank.train_ds) == 0


def test_get_dls_normalizes_last_and_only_with_statistics(small):
    assert normalize_transform(get_dls(16, 48, small)) is None
    for stats in ("batch", STATS):
        dls = get_dls(16, 48, small, stats)
        assert dls.after_batch.fs[-1] is normalize_transform(dls)


def test_get_dls_normalizes_with_the_given_statistics(small):
    plain = get_dls(30, 48, small).valid.one_batch()[0]
    normalized = get_dls(30, 48, small, ([0.5] * 3, [0.2] * 3)).valid.one_batch()[0]
    assert ((plain - 0.5) / 0.2 - normalized).abs().max() < 1e-5


def has_flip(path):
    transforms = get_dls(8, 48, path).after_batch.fs
    return any("Flip" in type(transform).__name__ for transform in transforms)


def test_images_are_flipped_except_digits(small, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(small, other, ignore=shutil.ignore_patterns("dataset.json"))
    assert not has_flip(small) and has_flip(other)


# ---- get_dls on other folders


def write_image(file, size=(60, 40)):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.effect_noise(size, 50).convert("RGB").save(file)
    return file


@pytest.fixture
def folder(tmp_path):
    "A dataset of two classes, with one image of each in each split."
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            write_image(tmp_path / split / name / "1.jpg")
    return tmp_path


def test_get_dls_reads_any_folder(folder):
    assert list(get_dls(2, 32, folder).vocab) == ["cat", "dog"]


def test_get_dls_raises_without_images(tmp_path):
    with pytest.raises(ValueError, match="number of images in .* must be 1 or more, got 0"):
        get_dls(2, 32, tmp_path)
    with pytest.raises(ValueError, match="path must be a folder of images, .*nowhere, which does"):
        get_dls(2, 32, tmp_path / "nowhere")


def test_get_dls_raises_with_one_class(folder):
    for split in ("train", "val"):
        shutil.rmtree(folder / split / "dog")
    with pytest.raises(ValueError, match=r"must be 2 or more, got 1 \(cat\)"):
        get_dls(2, 32, folder)


def test_get_dls_raises_on_an_unknown_class(folder):
    write_image(folder / "val" / "axolotl" / "1.jpg")
    with pytest.raises(ValueError, match="must be those in train, got axolotl, too"):
        get_dls(2, 32, folder)


def test_get_dls_names_a_file_that_is_no_image(folder):
    bad = folder / "val" / "cat" / "bad.jpg"
    bad.write_bytes(b"not a jpeg")
    with pytest.raises(ValueError, match=r"bad\.jpg must be a readable image"):
        get_dls(2, 32, folder)


def test_a_truncated_jpeg_is_named_before_it_is_loaded(folder):
    truncated = write_image(folder / "val" / "cat" / "truncated.jpg", (300, 200))
    truncated.write_bytes(truncated.read_bytes()[:2000])
    with pytest.raises(ValueError, match=r"truncated\.jpg must be a readable image"):
        get_dls(2, 32, folder)


def test_an_incomplete_sample_dataset_in_the_cache_is_detected(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = sample_dataset(None, 20, 10)
    next((path / "train").rglob("*.jpg")).unlink()
    message = "number of images in .*train must be 20, got 19; delete"
    with pytest.raises(ValueError, match=message):
        sample_dataset(None, 20, 10)


@pytest.mark.parametrize("is_cached", [True, False])
def test_a_sample_dataset_in_a_folder_that_cannot_be_written(is_cached, tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("none")
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    name = "folder of the user's cache" if is_cached else "path"
    message = f"^{name} must be in a folder that can be written, got {file}.* [(]Not a directory"
    with pytest.raises(ValueError, match=message):
        sample_dataset(None if is_cached else file / "digits", 20, 10)


@pytest.mark.parametrize("size", [0, 1])
def test_the_least_size(size, folder):
    with pytest.raises(ValueError, match=f"^size must be a whole number, 2 or more, got {size}"):
        get_dls(2, size, folder)
    x, _ = get_dls(2, 2, folder).valid.one_batch()
    assert x.shape == (2, 3, 2, 2)


def test_images_of_a_sample_dataset_in_another_folder_may_be_added_and_removed(tmp_path):
    path = sample_dataset(tmp_path / "digits", 20, 10)
    next((path / "train").rglob("*.jpg")).unlink()
    assert len(get_dls(4, 32, path).train_ds) == 19
    assert sample_dataset(path, 20, 10) == path
    for i in range(2):
        write_image(path / "train" / "3" / f"mine {i}.jpg", (50, 40))
    assert len(get_dls(4, 32, path).train_ds) == 21
    shutil.rmtree(path / "val")
    dls = get_dls(4, 32, path)
    assert len(dls.train_ds) + len(dls.valid_ds) == 21


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P", "1"])
def test_open_image_converts_to_rgb(tmp_path, mode):
    file = tmp_path / "image.tif"
    Image.new(mode, (9, 7)).save(file)
    assert open_image(file).mode == "RGB" and open_image(file).size == (9, 7)


# ---- Presets and architectures


@pytest.fixture
def no_dataset(cache, monkeypatch):
    "Make `here` return this path, without a dataset."
    path = Path("digits")
    monkeypatch.setattr(presets, "sample_dataset", lambda: path)
    return path


def test_here_on_a_cpu(no_dataset):
    preset = here("cpu")
    assert preset.path == no_dataset
    assert preset.small < preset.large and not preset.bf16
    assert "torch" in preset.machine
    model = preset.arch(n_out=10)
    assert model[-1].out_features == 10
    kernels = [weight for weight in model.parameters() if weight.ndim == 4]
    assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)


def test_here_raises_on_an_unknown_device(no_dataset):
    with pytest.raises(ValueError, match="device must be one of None, 'cuda', 'cpu', got 'tpu'"):
        here("tpu")


def test_here_leaves_fastais_device_unchanged(no_dataset):
    from fastai.torch_core import defaults

    before = getattr(defaults, "use_cuda", None)
    here("cpu")
    assert getattr(defaults, "use_cuda", None) == before


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last], ids=str)
def test_channels_last_restores_the_weights_memory_format(memory_format):
    model = torch.nn.Conv2d(3, 8, 3).to(memory_format=memory_format)

    def interrupted_work():
        with channels_last(model):
            assert model.weight.is_contiguous(memory_format=torch.channels_last)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted_work()
    assert model.weight.is_contiguous(memory_format=memory_format)


def test_architecture_by_name():
    model = architecture("xresnet18-narrow")(n_out=7)
    assert model[-1].out_features == 7
    assert sum(weight.numel() for weight in model.parameters()) < 1e6
    assert model.architecture == "xresnet18-narrow"
    assert architecture("xresnet18").__name__ == "xresnet18"
    message = "architecture must be a name of fastai .* or timm, got 'resnet'; near names are "
    with pytest.raises(ValueError, match=message):
        architecture("resnet")


# ---- Memory

# Blocks of 40 MB: glibc itself keeps up to 32 MB. The heap needs up to three batches to settle.
COUNT_PAGE_FAULTS = """
import resource
import torch
from lesson7.data.hardware import keep_memory

def run_batches():
    for _ in range(5):
        batch = [torch.ones(10_000_000) for _ in range(4)]
        del batch

def page_faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def count():
    run_batches()
    before = page_faults()
    run_batches()
    return page_faults() - before

returned = count()
keep_memory()
print(returned, count())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="keep_memory needs glibc")
def test_keep_memory_avoids_page_faults():
    "Page faults are counted, not timed: five batches of 160 MB are 195,000 pages."
    returned, kept = map(int, python_output(COUNT_PAGE_FAULTS).split())
    assert kept < returned / 4 and returned > 150_000


@pytest.mark.parametrize("error", [AttributeError, TypeError])
def test_keep_memory_does_nothing_with_another_c_library(monkeypatch, error):
    def fail(name):
        raise error

    monkeypatch.setattr(hardware.ctypes, "CDLL", fail)
    keep_memory()
