"Files of pictures: written whole, read with a clear word, decoded once."

import os
import random
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lesson7.data import files
from lesson7.data.files import Presized, clear_pixels, open_image, pixel_folder, write_atomically
from lesson7.data.loaders import get_dls, image_tfms
from lesson7.data.samples import photos
from lesson7.models import architecture


@pytest.fixture
def photo(tmp_path):
    photos()["coffee"].resize((500, 375)).save(tmp_path / "photo.jpg", quality=95)
    return tmp_path / "photo.jpg"


@pytest.fixture
def decoded(monkeypatch):
    "The files that were decoded, kept pixels not among them."
    seen, open_ = [], open_image

    def spy(file, *args):
        image = open_(file, *args)
        if Path(file).suffix != ".ppm":
            seen.append(Path(file).name)
        return image

    monkeypatch.setattr(files, "open_image", spy)
    return seen


def kept(look):
    return sorted(look.folder.rglob("*.ppm"))


def test_a_file_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    write_atomically(tmp_path / "a", "first")
    monkeypatch.setattr(os, "replace", lambda *a: (_ for _ in ()).throw(OSError("no")))
    monkeypatch.setattr(Path, "replace", os.replace)
    with pytest.raises(OSError):
        write_atomically(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_text() == "first" and os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize(
    "size, short, wanted",
    [
        ((500, 375), 256, (341, 256)),
        ((375, 500), 100, (100, 133)),
        ((2000, 1000), 100, (200, 100)),
        ((90, 60), 256, (90, 60)),
        ((500, 375), None, (500, 375)),
        ((900, 3), 2, (600, 2)),
    ],
)
def test_short_is_the_short_side(tmp_path, size, short, wanted):
    for kind in ("jpg", "png"):
        Image.new("RGB", size, "teal").save(tmp_path / f"x.{kind}")
        assert open_image(tmp_path / f"x.{kind}", short).size == wanted


def test_a_large_photo_looks_the_same_however_it_is_shrunk(tmp_path):
    photos()["astronaut"].resize((1600, 1600)).save(tmp_path / "x.jpg", quality=95)
    drafted = np.asarray(open_image(tmp_path / "x.jpg", 128), float)
    plain = np.asarray(
        Image.open(tmp_path / "x.jpg").resize((128, 128), Image.Resampling.BILINEAR), float
    )
    assert np.abs(drafted - plain).mean() < 1.5  # grey levels


def test_decoded_once_and_the_same_pixels(photo, tmp_path, decoded):
    look = Presized(256, folder=tmp_path / "pixels")
    first, again = look(photo), look(photo)
    assert first.tobytes() == again.tobytes() == open_image(
        photo, 256
    ).tobytes() and first.size == (341, 256)
    assert Presized(256, folder=tmp_path / "pixels")(
        photo
    ).tobytes() == first.tobytes() and decoded == ["photo.jpg"]


def test_another_size_and_another_content_are_decoded_again(photo, tmp_path, decoded):
    look, other = (Presized(short, folder=tmp_path / "pixels") for short in (256, 100))
    look(photo), other(photo)
    assert len(decoded) == 2
    Image.new("RGB", (500, 375), "red").save(photo)
    assert look(photo).getpixel((5, 5))[0] > 250 and len(decoded) == 3
    os.utime(photo, ns=(1, 1))
    look(photo)
    assert len(decoded) == 3  # the content is the same


def test_what_is_kept_may_be_damaged_or_gone(photo, tmp_path, decoded):
    look = Presized(256, folder=tmp_path / "pixels")
    whole = look(photo).tobytes()
    (file,) = kept(look)
    for damage in (file.read_bytes()[:5000], b"", b"P6 junk"):
        file.write_bytes(damage)
        assert look(photo).tobytes() == whole and look(photo).tobytes() == whole
    clear_pixels(look.folder)
    assert (
        look(photo).tobytes() == whole and len(decoded) == 5
    )  # decoded at first, after each damage, and when it was gone


def test_the_disk_is_bounded_and_the_oldest_makes_room(tmp_path):
    pictures = []
    for i in range(12):
        Image.effect_noise((100, 100), 50).convert("RGB").save(tmp_path / f"{i}.png")
        pictures.append(tmp_path / f"{i}.png")
    one = 30_015  # a picture of 100 x 100 as PPM
    old = Presized(100, limit=5 * one, folder=tmp_path / "pixels")
    for p in pictures[:8]:
        old(p)
    first = kept(old)
    assert len(first) == 5  # what does not fit is not kept, and does not push out what fits
    new = Presized(100, limit=5 * one, folder=tmp_path / "pixels")
    new.created = max(f.stat().st_mtime for f in first) + 0.001
    for age, f in enumerate(first):
        os.utime(f, (age, age))
    for p in pictures[8:10]:
        new(p)
    assert len(kept(new)) <= 5 and first[0] not in kept(new) and first[4] in kept(new)
    assert (
        clear_pixels(new.folder) == sum([one] * 5)
        and not new.folder.exists()
        and clear_pixels(new.folder) == 0
    )


def test_a_full_disk_costs_time_and_nothing_else(photo, tmp_path, monkeypatch, decoded):
    def full(*args):
        raise OSError("No space left on device")

    monkeypatch.setattr(files, "write_atomically", full)
    look = Presized(256, folder=tmp_path / "pixels")
    assert look(photo).tobytes() == look(photo).tobytes() and decoded == ["photo.jpg"] * 2


def test_what_is_no_picture_is_named_and_not_kept(tmp_path):
    look = Presized(64, folder=tmp_path / "pixels")
    (tmp_path / "a.jpg").write_text("no picture")
    for file in (tmp_path / "a.jpg", tmp_path / "gone.jpg"):
        with pytest.raises(ValueError, match=f"{file.name} is not a readable image"):
            look(file)
    assert not kept(look)


def test_two_processes_at_once(tmp_path):
    for i in range(30):
        Image.effect_noise((300, 200), 50).convert("RGB").save(tmp_path / f"{i}.png")
    code = """import sys, hashlib
from pathlib import Path
from lesson7.data.files import Presized, clear_pixels
folder, look = Path(sys.argv[1]), Presized(100, folder=Path(sys.argv[1])/"pixels")
for k in range(4):
    if k == 2 and sys.argv[2] == "0": clear_pixels(look.folder)
    print(hashlib.sha1(b"".join(look(f).tobytes() for f in sorted(folder.glob("*.png")))).hexdigest())"""
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, tmp_path, str(i)], stdout=subprocess.PIPE, text=True
        )
        for i in range(2)
    ]
    said = [p.communicate()[0].split() for p in both]
    assert (
        [p.returncode for p in both] == [0, 0]
        and len(set(sum(said, []))) == 1
        and len(said[0]) == len(said[1]) == 4
    )


# with the loaders


@pytest.fixture(scope="module")
def large(tmp_path_factory, cache):
    "Photos as JPEGs of 500 x 375 and 375 x 500, two classes."
    path = tmp_path_factory.mktemp("large")
    for split in ("train", "val"):
        for k, name in enumerate(("coffee", "china")):
            (path / split / name).mkdir(parents=True)
            for i in range(8):
                photos()[name].resize((500, 375) if i % 2 else (375, 500)).rotate(i).save(
                    path / split / name / f"{i}.jpg"
                )
    return path


def test_large_photos_are_presized_to_twice_the_size_and_decoded_in_the_first_epoch_only(
    large, decoded
):
    dls = get_dls(8, 64, large)
    assert [t.size for t in dls.after_item.fs if t.name.startswith("Resize")] == [(160, 160)]
    epochs = [(list(dls.train), len(decoded))[1] for _ in range(3)]
    assert epochs == [16] * 3 and len(list(pixel_folder().rglob("*.ppm"))) >= 16
    assert get_dls(8, 128, large).after_item.fs[0].size == (256, 256) and get_dls(
        8, 224, large
    ).after_item.fs[0].size == (375, 375)


def test_small_files_are_not_kept(small, decoded):
    before = len(list(pixel_folder().rglob("*.ppm")))
    dls = get_dls(8, 32, small)
    list(dls.train), list(dls.valid)
    assert (
        dls.after_item.fs[0].size == (128, 128)
        and len(list(pixel_folder().rglob("*.ppm"))) == before
    )


def test_presized_pictures_have_the_statistics_of_the_lessons_pipeline(large):
    "The same augmentation of the same pictures: per channel, over ten epochs."
    from fastai.vision.all import (
        CategoryBlock,
        DataBlock,
        GrandparentSplitter,
        ImageBlock,
        RandomResizedCropGPU,
        Resize,
        aug_transforms,
        get_image_files,
        parent_label,
    )

    lesson = DataBlock(
        (ImageBlock, CategoryBlock),
        get_items=get_image_files,
        get_y=parent_label,
        splitter=GrandparentSplitter(valid_name="val"),
        item_tfms=Resize(460),
        batch_tfms=aug_transforms(size=64, min_scale=0.75),
    ).dataloaders(large, bs=8, num_workers=0)
    ours = get_dls(8, 64, large)
    assert [type(t) for t in ours.after_batch.fs] == [
        type(t) for t in lesson.after_batch.fs if not isinstance(t, RandomResizedCropGPU)
    ]

    def seen(dl, epochs):
        x = np.concatenate([b[0].numpy() for _ in range(epochs) for b in dl])
        return x.mean((0, 2, 3)), x.std((0, 2, 3))

    for a, b in zip(seen(ours.train, 10), seen(lesson.train, 10)):
        assert np.abs(a - b).max() < 0.03
    for a, b in zip(seen(ours.valid, 1), seen(lesson.valid, 1)):
        assert np.abs(a - b).max() < 0.005


@pytest.mark.parametrize("split", [0, 1])
def test_an_items_square_is_that_of_resize(split):
    "Pixel by pixel, of pictures that are wide, tall, exact and too small, with the same draws."
    from fastai.vision.all import PILImage, Pipeline, Resize

    pictures = [
        PILImage.create(photos()["coffee"].resize(size))
        for size in ((171, 128), (128, 171), (128, 128), (129, 128), (200, 300), (90, 61))
    ]

    def seen(tfm):
        random.seed(0)
        return [np.asarray(Pipeline([tfm], split_idx=split)(p)) for p in pictures]

    for ours, lessons in zip(
        seen(image_tfms(48, 128, None, False)["item_tfms"]), seen(Resize(128))
    ):
        assert ours.shape == (128, 128, 3) and np.array_equal(ours, lessons)


def test_one_resampling_shows_what_the_lessons_two_show(monkeypatch):
    "The same turns, warps and cut, drawn alike: the lesson's way and ours, on photos of 160 px. Another cut shows something else."
    from fastai.vision.all import (
        Pipeline,
        RandomResizedCropGPU,
        TensorImage,
        aug_transforms,
        zoom_mat,
    )

    square = lambda photo: np.asarray(photo.resize((160, 160)), np.float32) / 255
    x = TensorImage(np.stack([square(p) for p in photos().values()])).permute(0, 3, 1, 2)

    def cut(self, b, split_idx):
        self.do, self.cp_size, self.tl = (
            True,
            (144, 144),
            (4, 12),
        )  # rows 4 to 148, columns 12 to 156

    monkeypatch.setattr(RandomResizedCropGPU, "before_call", cut)

    def seen(tfms):
        torch.manual_seed(0)
        return np.asarray(Pipeline(tfms, split_idx=0)(x))

    def ours(across, down):
        tfms = image_tfms(64, 160, None, True)["batch_tfms"]
        tfms[0].aff_fs[-1] = partial(zoom_mat, p=1, draw=160 / 144, draw_x=across, draw_y=down)
        return seen(tfms)

    lesson, off = (
        seen(aug_transforms(size=64, min_scale=0.75)),
        lambda pixels: np.abs(pixels - lesson).mean(),
    )
    assert off(ours(12 / 16, 4 / 16)) < 0.02 < 0.05 < off(ours(4 / 16, 12 / 16))


def test_cuts_show_three_quarters_of_a_picture_or_more_and_reach_every_edge():
    torch.manual_seed(0)
    crop = image_tfms(48, 128, None, False)["batch_tfms"][0].aff_fs[-1](torch.zeros(4000, 3, 8, 8))
    area, room = crop[:, 0, 0] ** 2, 1 - crop[:, 0, 0]
    assert (
        0.75 <= area.min() < 0.751 and 0.999 < area.max() <= 1 and abs(area.mean() - 0.875) < 0.005
    )
    for shift in (crop[:, 0, 2], crop[:, 1, 2]):
        assert (
            ((shift / room).abs() <= 1.0001).all()
            and (shift / room).min() < -0.99
            and (shift / room).max() > 0.99
        )


def test_a_model_learns_from_it_as_from_the_lessons_pipeline(large):
    "Two photos, told apart after as many epochs, and validated on the same pictures."
    from fastai.vision.all import (
        CategoryBlock,
        CrossEntropyLossFlat,
        DataBlock,
        GrandparentSplitter,
        ImageBlock,
        Learner,
        Resize,
        accuracy,
        aug_transforms,
        get_image_files,
        parent_label,
        set_seed,
    )

    lesson = DataBlock(
        (ImageBlock, CategoryBlock),
        get_items=get_image_files,
        get_y=parent_label,
        splitter=GrandparentSplitter(valid_name="val"),
        item_tfms=Resize(460),
        batch_tfms=aug_transforms(size=32, min_scale=0.75),
    ).dataloaders(large, bs=4, num_workers=0)
    found = []
    for dls in (lesson, get_dls(4, 32, large)):
        set_seed(0)
        learn = Learner(
            dls,
            architecture("xresnet18-narrow")(n_out=2),
            loss_func=CrossEntropyLossFlat(),
            metrics=accuracy,
        )
        with learn.no_bar(), learn.no_logging():
            learn.fit_one_cycle(6, 3e-3)
        found.append(learn.validate()[1])
    assert min(found) >= 14 / 16 and abs(found[0] - found[1]) <= 2 / 16
