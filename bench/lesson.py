"Photos, loaders and learners as a reader of the lesson has them."

import random

from lesson7.data.samples import photos
from lesson7.models import architecture
from lesson7.normalize import NormStats

PHOTO_SIZE = (500, 375)  # width and height, pixels


def random_crop(photo, rng):
    "Return a crop of 4:3 with 60 to 100 % of the largest side, at `PHOTO_SIZE`."
    width = int(min(photo.width, photo.height * 4 // 3) * rng.uniform(0.6, 1))
    height = width * 3 // 4
    x = rng.randint(0, photo.width - width)
    y = rng.randint(0, photo.height - height)
    return photo.crop((x, y, x + width, y + height)).resize(PHOTO_SIZE)


def write_large_photos(path, count=128):
    "Write JPEGs of 500 x 375 in each split, crops of the nine photos; return `path`."
    rng = random.Random(42)
    originals = list(photos().items())
    for split in ("train", "val"):
        for i in range(count):
            name, photo = originals[i % len(originals)]
            folder = path / split / name
            folder.mkdir(parents=True, exist_ok=True)
            random_crop(photo, rng).save(folder / f"{i}.jpg", quality=92)
    return path


def lesson_dls(path, bs, size, presize=460):
    "Return the loaders of the lesson's `get_dls`, with the folders `train` and `val` as split."
    from fastai.vision.all import (
        CategoryBlock,
        DataBlock,
        GrandparentSplitter,
        ImageBlock,
        Normalize,
        Resize,
        aug_transforms,
        get_image_files,
        parent_label,
    )

    imagenet = NormStats.imagenet()
    normalize = Normalize.from_stats(imagenet.mean, imagenet.std)
    block = DataBlock(
        (ImageBlock, CategoryBlock),
        get_items=get_image_files,
        get_y=parent_label,
        splitter=GrandparentSplitter(valid_name="val"),
        item_tfms=Resize(presize),
        batch_tfms=[*aug_transforms(size=size, min_scale=0.75), normalize],
    )
    return block.dataloaders(path, bs=bs, num_workers=0)


def plain_model(n_out):
    "Return the narrow xresnet18 in torch's own memory format, as fastai builds it."
    return architecture("xresnet18-narrow", channels_last=False)(n_out=n_out)


def plain_learner(dls):
    "Return a learner as a reader of the lesson has it, without a progress bar."
    from fastai.vision.all import CrossEntropyLossFlat, Learner, accuracy

    model = plain_model(dls.c)
    learn = Learner(dls, model, loss_func=CrossEntropyLossFlat(), metrics=accuracy)
    learn.remove_cb(learn.progress)
    return learn
