"Image files: atomic writes, clear errors, and pixels that are decoded once."

import os
import random
import re
import stat
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from learners import lesson_loaders, tiny_learner
from PIL import Image

from lesson7.cli import main as command
from lesson7.course.notebooks import copy_notebooks
from lesson7.data import files
from lesson7.data.files import (
    Presized,
    check_writable,
    clear_pixels,
    open_image,
    pixel_folder,
    write_atomically,
)
from lesson7.data.loaders import get_dls, image_tfms
from lesson7.data.samples import photos
from lesson7.explorers.resize import ResizeExplorer
from lesson7.models import architecture
from lesson7.normalize import NormStats
from lesson7.share import save_model
from lesson7.training.comparison import Comparison
from lesson7.training.studies import Study


@pytest.fixture
def photo(tmp_path):
    "A JPEG file of 500 x 375 pixels."
    file = tmp_path / "photo.jpg"
    photos()["coffee"].resize((500, 375)).save(file, quality=95)
    return file


@pytest.fixture
def decoded(monkeypatch):
    "A list of the files that are decoded, without cached pixels; it grows."
    names = []

    def recording_open_image(file, *args):
        image = open_image(file, *args)
        if Path(file).suffix != ".ppm":
            names.append(Path(file).name)
        return image

    monkeypatch.setattr(files, "open_image", recording_open_image)
    return names


@pytest.fixture
def open_presized(tmp_path):
    "Opens images with a short side of 256 pixels, with a cache of its own."
    return Presized(256, folder=tmp_path / "pixels")


def cached_files(folder):
    return sorted(folder.rglob("*.ppm"))


def write_noise(folder, count, size):
    "Write PNG files of random pixels, and return their paths."
    paths = []
    for i in range(count):
        paths.append(folder / f"{i}.png")
        Image.effect_noise(size, 50).convert("RGB").save(paths[-1])
    return paths


# ---- Write and open files


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError("the disk is full")

    file = tmp_path / "a"
    write_atomically(file, "first")
    monkeypatch.setattr(os, "replace", fail)
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="the disk is full"):
        write_atomically(file, b"second")
    assert file.read_text() == "first"
    assert os.listdir(tmp_path) == ["a"]


WRITERS = {  # name: what is called with a path to write
    "write_atomically": lambda path: write_atomically(path, "text"),
    "NormStats": lambda path: NormStats.imagenet().save(path),
    "Comparison": lambda path: Comparison([], {}).save(path),
    "explorer": lambda path: ResizeExplorer().save(path),
}
FOLDER_WRITERS = {  # name: what is called with a folder to write, and loaders
    "save_model": lambda path, dls: save_model(tiny_learner(dls), path),
    "notebooks": lambda path, dls: copy_notebooks(path),
}
PLACES = {  # name: (path to write, message)
    "a missing folder": ("none/x.html", "got no folder .*none; make it first$"),
    "a folder": ("folder", "got a folder$"),
    "below a file": ("file/x.html", "got Not a directory$"),
    "a long name": ("x" * 300, "got File name too long$"),
    "links in a circle": ("circle", "got Too many levels of symbolic links$"),
}


@pytest.fixture
def places(tmp_path):
    "A folder with a file, a folder, and a link to itself."
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("{")
    (tmp_path / "circle").symlink_to("circle")
    return tmp_path


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_cannot_be_written_is_named_in_one_line(places, name, place):
    path, message = PLACES[place]
    start = re.escape(f"{places / path} must be a file that can be written, ")
    with pytest.raises(ValueError, match=f"^{start}{message}") as raised:
        WRITERS[name](places / path)
    assert isinstance(raised.value, OSError)
    assert sorted(os.listdir(places)) == ["circle", "file", "folder"]


LINKS = {  # name: (links and their targets, file that is written)
    "a link": ({"x.html": "file"}, "file"),
    "a link to a link": ({"x.html": "folder/y", "folder/y": "../file"}, "file"),
    "a link to a new file": ({"x.html": "folder/new"}, "folder/new"),
}


@pytest.mark.parametrize("links", LINKS)
@pytest.mark.parametrize("name", WRITERS)
def test_the_file_that_a_link_leads_to_is_written(places, name, links):
    targets, file = LINKS[links]
    for link, target in targets.items():
        (places / link).symlink_to(target)
    WRITERS[name](places / "expected")
    WRITERS[name](places / "x.html")
    assert all((places / link).is_symlink() for link in targets)
    assert (places / file).stat().st_size == (places / "expected").stat().st_size


@pytest.mark.parametrize("name", WRITERS)
def test_a_pipe_is_written_and_kept(places, name):
    pipe = places / "x.html"
    os.mkfifo(pipe)
    check_writable("--out", pipe)
    WRITERS[name](places / "expected")
    reader = subprocess.Popen(["cp", pipe, places / "copy"])
    try:
        WRITERS[name](pipe)
        assert reader.wait(10) == 0
    finally:
        reader.kill()
    assert (places / "copy").stat().st_size == (places / "expected").stat().st_size
    assert pipe.is_fifo()


def test_a_full_device_is_an_error_and_kept(places):
    device = places / "full"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 7))
    except OSError:
        pytest.skip("a device needs the rights of a superuser")
    with pytest.raises(ValueError, match="full must be .*, got No space left on device$"):
        write_atomically(device, "text")
    assert device.is_char_device()


@pytest.mark.parametrize("name", FOLDER_WRITERS)
def test_a_folder_that_cannot_be_written_is_named_in_one_line(places, small, name):
    path = places / "file" / "x"
    message = re.escape(f"{path} must be a folder that can be written, got Not a directory")
    with pytest.raises(ValueError, match=f"^{message}$"):
        FOLDER_WRITERS[name](path, get_dls(2, 16, small))


READERS = {  # name: (what is called with a path to read, what the file must be)
    "NormStats": (NormStats.load, "a file that NormStats.save wrote"),
    "Comparison": (Comparison.load, "a comparison"),
    "Study": (Study.load, "the results of a study"),
    "a recipe": (lambda path: command(["train", "--recipe", path]), "a file of a recipe"),
}


@pytest.mark.parametrize(
    "place, message",
    [
        ("none.json", "no such file; check the path"),
        ("folder", "a folder"),
        ("file/x.json", "Not a directory"),
        ("", "a folder"),
    ],
)
@pytest.mark.parametrize("name", READERS)
def test_a_file_that_cannot_be_read_is_named_in_one_line(places, capsys, name, place, message):
    read, allowed = READERS[name]
    path = f"{places / place}"
    expected = f"{path} must be {allowed}, got {message}"
    if name == "a recipe":
        assert read(path) == 2
        assert capsys.readouterr().err == f"lesson7: {expected}\n"
        return
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        read(path)


@pytest.mark.parametrize("kind", ["jpg", "png"])
@pytest.mark.parametrize(
    "size, short, expected",
    [
        ((500, 375), 256, (341, 256)),
        ((375, 500), 100, (100, 133)),
        ((2000, 1000), 100, (200, 100)),
        ((90, 60), 256, (90, 60)),
        ((500, 375), None, (500, 375)),
        ((900, 3), 2, (600, 2)),
    ],
)
def test_open_image_shrinks_to_the_short_side(tmp_path, kind, size, short, expected):
    file = tmp_path / f"image.{kind}"
    Image.new("RGB", size, "teal").save(file)
    assert open_image(file, short).size == expected


def test_a_large_jpeg_that_is_decoded_smaller_looks_the_same(tmp_path):
    file = tmp_path / "large.jpg"
    photos()["astronaut"].resize((1600, 1600)).save(file, quality=95)
    resized = Image.open(file).resize((128, 128), Image.Resampling.BILINEAR)
    difference = np.asarray(open_image(file, 128), float) - np.asarray(resized, float)
    assert np.abs(difference).mean() < 1.5  # grey levels


# ---- Cached pixels


def test_cached_pixels_are_the_same_and_decoded_once(photo, tmp_path, decoded, open_presized):
    expected = open_image(photo, 256).tobytes()
    first, second = open_presized(photo), open_presized(photo)
    assert first.size == (341, 256)
    assert first.tobytes() == second.tobytes() == expected
    other = Presized(256, folder=tmp_path / "pixels")
    assert other(photo).tobytes() == expected
    assert decoded == ["photo.jpg"]


def test_a_changed_file_or_size_is_decoded_again(photo, tmp_path, decoded, open_presized):
    open_presized(photo)
    Presized(100, folder=tmp_path / "pixels")(photo)
    assert len(decoded) == 2
    Image.new("RGB", (500, 375), "red").save(photo)
    red, _, _ = open_presized(photo).getpixel((5, 5))
    assert red > 250 and len(decoded) == 3
    os.utime(photo, ns=(1, 1))
    open_presized(photo)
    assert len(decoded) == 3  # the content is the same


def test_damaged_or_deleted_pixels_are_decoded_again(photo, decoded, open_presized):
    expected = open_presized(photo).tobytes()
    (cached,) = cached_files(open_presized.cache.folder)
    for damaged in (cached.read_bytes()[:5000], b"", b"P6 junk"):
        cached.write_bytes(damaged)
        assert open_presized(photo).tobytes() == expected
        assert open_presized(photo).tobytes() == expected
    clear_pixels(open_presized.cache.folder)
    assert open_presized(photo).tobytes() == expected
    assert len(decoded) == 5  # at first, after each damage and after the deletion


BYTES_OF_100_PX = 30_015  # a PPM file of 100 x 100 pixels


@pytest.fixture
def small_cache(tmp_path):
    "Returns a new `Presized` on a cache with room for five images of 100 px."
    return partial(Presized, 100, limit=5 * BYTES_OF_100_PX, folder=tmp_path / "pixels")


def test_a_full_cache_keeps_what_was_there_first(tmp_path, small_cache):
    open_presized = small_cache()
    for image in write_noise(tmp_path, 8, (100, 100)):
        open_presized(image)
    assert len(cached_files(open_presized.cache.folder)) == 5


def test_the_oldest_files_of_earlier_runs_are_deleted_for_new_ones(tmp_path, small_cache):
    images = write_noise(tmp_path, 10, (100, 100))
    earlier = small_cache()
    for image in images[:8]:
        earlier(image)
    cached = cached_files(earlier.cache.folder)
    later = small_cache()
    later.cache.created = max(file.stat().st_mtime for file in cached) + 0.001
    for age, file in enumerate(cached):
        os.utime(file, (age, age))
    for image in images[8:]:
        later(image)
    remaining = cached_files(later.cache.folder)
    assert len(remaining) <= 5
    assert cached[0] not in remaining and cached[4] in remaining


def test_pixels_of_a_time_to_come_make_room_for_new_ones(tmp_path, small_cache):
    images = write_noise(tmp_path, 8, (100, 100))
    earlier = small_cache()
    for image in images[:5]:
        earlier(image)
    for file in cached_files(earlier.cache.folder):
        os.utime(file, (time.time() + 1e7,) * 2)  # the clock was set back since
    later = small_cache()
    later(images[5])
    assert later.cache.path(images[5], later.short).is_file()


def test_clear_pixels_deletes_the_cache_and_returns_its_size(tmp_path, small_cache):
    open_presized = small_cache()
    for image in write_noise(tmp_path, 8, (100, 100)):
        open_presized(image)
    assert clear_pixels(open_presized.cache.folder) == 5 * BYTES_OF_100_PX
    assert not open_presized.cache.folder.exists()
    assert clear_pixels(open_presized.cache.folder) == 0


def test_with_a_full_disk_images_are_decoded_each_time(photo, monkeypatch, decoded, open_presized):
    def fail(*args):
        raise OSError("No space left on device")

    monkeypatch.setattr(files, "write_atomically", fail)
    assert open_presized(photo).tobytes() == open_presized(photo).tobytes()
    assert decoded == ["photo.jpg"] * 2


@pytest.mark.parametrize("name", ["text.jpg", "missing.jpg"])
def test_an_unreadable_file_is_named_and_not_cached(tmp_path, open_presized, name):
    (tmp_path / "text.jpg").write_text("no image")
    with pytest.raises(ValueError, match=f"{name} must be a readable image"):
        open_presized(tmp_path / name)
    assert not cached_files(open_presized.cache.folder)


DIGEST_IMAGES = """
import hashlib
import sys
from pathlib import Path
from lesson7.data.files import Presized, clear_pixels

folder = Path(sys.argv[1])
open_presized = Presized(100, folder=folder / "pixels")
for round in range(4):
    if round == 2 and sys.argv[2] == "first":
        clear_pixels(open_presized.cache.folder)
    digest = hashlib.sha1()
    for file in sorted(folder.glob("*.png")):
        digest.update(open_presized(file).tobytes())
    print(digest.hexdigest())
"""


def test_two_processes_share_a_cache(tmp_path):
    write_noise(tmp_path, 30, (300, 200))
    processes = []
    for name in ("first", "second"):
        command = [sys.executable, "-c", DIGEST_IMAGES, tmp_path, name]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    first, second = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert len(first) == len(second) == 4
    assert len({*first, *second}) == 1


# ---- With the loaders


@pytest.fixture(scope="module")
def large(tmp_path_factory, cache):
    "A dataset of two classes: JPEGs of 500 x 375 and 375 x 500 pixels, 16 in each split."
    path = tmp_path_factory.mktemp("large")
    for split in ("train", "val"):
        for name in ("coffee", "china"):
            folder = path / split / name
            folder.mkdir(parents=True)
            for i in range(8):
                size = (500, 375) if i % 2 else (375, 500)
                photos()[name].resize(size).rotate(i).save(folder / f"{i}.jpg")
    return path


@pytest.mark.parametrize("size, presize", [(64, 160), (128, 256), (224, 375)])
def test_large_images_are_presized_to_twice_the_size(large, size, presize):
    transforms = get_dls(8, size, large).after_item.fs
    resizes = [transform for transform in transforms if transform.name.startswith("Resize")]
    assert [resize.size for resize in resizes] == [(presize, presize)]


def test_large_images_are_decoded_in_the_first_epoch_only(large, decoded):
    clear_pixels()
    dls = get_dls(8, 64, large)
    for _ in range(3):
        list(dls.train)
        assert len(decoded) == 16
    assert len(cached_files(pixel_folder())) >= 16


def test_small_images_are_not_cached(small, decoded):
    before = cached_files(pixel_folder())
    dls = get_dls(8, 32, small)
    list(dls.train)
    list(dls.valid)
    assert dls.after_item.fs[0].size == (128, 128)
    assert len(cached_files(pixel_folder())) == len(before)


def lesson_dls(path, bs, size):
    "Return the loaders of the lesson's pipeline, with the split of `path`."
    from fastai.vision.all import Resize, aug_transforms

    return lesson_loaders(path, bs, Resize(460), aug_transforms(size=size, min_scale=0.75))


def channel_stats(dl, epochs):
    "Return the mean and standard deviation of each channel, of the batches of some epochs."
    batches = []
    for _ in range(epochs):
        batches += [x.numpy() for x, _ in dl]
    x = np.concatenate(batches)
    return np.array([x.mean((0, 2, 3)), x.std((0, 2, 3))])


def test_get_dls_has_the_transforms_of_the_lesson_except_one(large):
    from fastai.vision.all import RandomResizedCropGPU

    ours = [type(transform) for transform in get_dls(8, 64, large).after_batch.fs]
    lessons = [type(transform) for transform in lesson_dls(large, 8, 64).after_batch.fs]
    assert ours == [kind for kind in lessons if not issubclass(kind, RandomResizedCropGPU)]


def test_presized_images_have_the_statistics_of_the_lessons_pipeline(large):
    ours, lessons = get_dls(8, 64, large), lesson_dls(large, 8, 64)
    difference = channel_stats(ours.train, epochs=10) - channel_stats(lessons.train, epochs=10)
    assert np.abs(difference).max() < 0.03
    difference = channel_stats(ours.valid, epochs=1) - channel_stats(lessons.valid, epochs=1)
    assert np.abs(difference).max() < 0.005


@pytest.mark.parametrize("split", [0, 1], ids=["train", "valid"])
@pytest.mark.parametrize(
    "size", [(171, 128), (128, 171), (128, 128), (129, 128), (200, 300), (90, 61)]
)
def test_item_transform_is_equal_to_resize(size, split):
    "Compares pixels after the same random draws, for wide, tall, exact and small images."
    from fastai.vision.all import PILImage, Pipeline, Resize

    image = PILImage.create(photos()["coffee"].resize(size))

    def transformed(transform):
        random.seed(0)
        return np.asarray(Pipeline([transform], split_idx=split)(image))

    ours = transformed(image_tfms(48, 128, None, False)["item_tfms"])
    assert ours.shape == (128, 128, 3)
    assert np.array_equal(ours, transformed(Resize(128)))


PRESIZE, CROP, TOP, LEFT = 160, 144, 4, 12  # pixels of the presized photos, and of a crop in them


@pytest.fixture
def fixed_crop(monkeypatch):
    "Make fastai's crop always cut rows 4 to 148 and columns 12 to 156."
    from fastai.vision.all import RandomResizedCropGPU

    def before_call(self, batch, split_idx):
        self.do = True
        self.cp_size = (CROP, CROP)
        self.tl = (TOP, LEFT)

    monkeypatch.setattr(RandomResizedCropGPU, "before_call", before_call)


def augmented_photos(transforms):
    "Return all photos after batch transforms, with the same random draws at each call."
    from fastai.vision.all import Pipeline, TensorImage

    squares = []
    for photo in photos().values():
        squares.append(np.asarray(photo.resize((PRESIZE, PRESIZE)), np.float32) / 255)
    x = TensorImage(np.stack(squares)).permute(0, 3, 1, 2)
    torch.manual_seed(0)
    return np.asarray(Pipeline(transforms, split_idx=0)(x))


def our_augmentation(left, top):
    "Return our batch transforms, with a crop at these pixels."
    from fastai.vision.all import zoom_mat

    transforms = image_tfms(64, PRESIZE, None, True)["batch_tfms"]
    margin = PRESIZE - CROP
    zoom = dict(draw=PRESIZE / CROP, draw_x=left / margin, draw_y=top / margin)
    transforms[0].aff_fs[-1] = partial(zoom_mat, p=1, **zoom)
    return transforms


def test_one_resampling_looks_like_the_lessons_two(fixed_crop):
    "With the same rotation, warp and crop; another crop looks different."
    from fastai.vision.all import aug_transforms

    lessons = augmented_photos(aug_transforms(size=64, min_scale=0.75))
    same_crop = augmented_photos(our_augmentation(LEFT, TOP))
    other_crop = augmented_photos(our_augmentation(TOP, LEFT))
    assert np.abs(same_crop - lessons).mean() < 0.02
    assert np.abs(other_crop - lessons).mean() > 0.05


def test_crops_have_75_to_100_percent_of_the_area_and_reach_every_edge():
    torch.manual_seed(0)
    affine = image_tfms(48, 128, None, False)["batch_tfms"][0]
    matrix = affine.aff_fs[-1](torch.zeros(4000, 3, 8, 8))
    side = matrix[:, 0, 0]
    area = side**2
    assert 0.75 <= area.min() < 0.751
    assert 0.999 < area.max() <= 1
    assert abs(area.mean() - 0.875) < 0.005
    for shift in (matrix[:, 0, 2], matrix[:, 1, 2]):
        relative = shift / (1 - side)
        assert (relative.abs() <= 1.0001).all()
        assert relative.min() < -0.99 and relative.max() > 0.99


def trained_accuracy(dls):
    "Return the validation accuracy of a narrow xresnet18 after six epochs."
    from fastai.vision.all import CrossEntropyLossFlat, Learner, accuracy, set_seed

    set_seed(0)
    model = architecture("xresnet18-narrow")(n_out=2)
    learn = Learner(dls, model, loss_func=CrossEntropyLossFlat(), metrics=accuracy)
    with learn.no_bar(), learn.no_logging():
        learn.fit_one_cycle(6, 3e-3)
    return learn.validate()[1]


def test_a_model_learns_two_photos_with_either_pipeline(large):
    lessons = lesson_dls(large, 4, 32)
    accuracies = [trained_accuracy(dls) for dls in (lessons, get_dls(4, 32, large))]
    assert min(accuracies) >= 14 / 16
    assert abs(accuracies[0] - accuracies[1]) <= 2 / 16
