"The stages of a progressive training have one split and one vocabulary, for loaders of any kind."

import os
import random

import numpy as np
import pandas as pd
import pytest
import torch
from learners import tiny_network
from PIL import Image

from lesson7.resize import Stage, fit_progressive

N, SIDE = 40, 12
CLASSES = "abcd"
STAGES = [Stage(SIDE, 4, 1, 1e-3), Stage(SIDE, 4, 1, 1e-3)]


def label(i):
    return CLASSES[i % len(CLASSES)]


def number(file):
    "Return the number of an image, whatever folder it is in."
    return int(os.path.basename(file).split(".")[0])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    "A folder with images in one place, and links to all of them in others."
    root = tmp_path_factory.mktemp("stages")
    generator = np.random.default_rng(0)
    for folder in ("images", "links", "hard"):
        (root / folder).mkdir()
    for i in range(N):
        pixels = generator.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
        file = root / "images" / f"{i}.png"
        Image.fromarray(pixels).save(file)
        (root / "links" / file.name).symlink_to(file)
        os.link(file, root / "hard" / file.name)
    (root / "folder").symlink_to(root / "images")
    return root


@pytest.fixture(autouse=True)
def no_bars(monkeypatch):
    from fastai.callback.progress import ProgressCallback
    from fastai.vision.all import defaults

    others = [c for c in defaults.callbacks if c is not ProgressCallback]
    monkeypatch.setattr(defaults, "callbacks", others)


# ---- Loaders of every kind: a function of the numbers of the training and validation images


def block_dls(items, n_train, **options):
    from fastai.vision.all import CategoryBlock, DataBlock, ImageBlock, IndexSplitter

    valid = list(range(n_train, len(items)))
    block = DataBlock(
        splitter=IndexSplitter(valid),
        **dict(blocks=(ImageBlock, CategoryBlock), get_y=lambda item: label(number(item)))
        | options,
    )
    return block.dataloaders(items, bs=4, num_workers=0)


def from_paths(folder):
    def make(root, train, valid):
        items = [root / folder / f"{i}.png" for i in [*train, *valid]]
        return block_dls(items, len(train))

    return make


def from_texts(root, train, valid):
    items = [str(root / "images" / f"{i}.png") for i in [*train, *valid]]
    return block_dls(items, len(train))


def from_names(root, train, valid):
    items = [f"{i}.png" for i in [*train, *valid]]
    return block_dls(items, len(train), get_x=lambda name: root / "links" / name)


def table(root, train, valid):
    numbers = [*train, *valid]
    return pd.DataFrame(
        dict(
            name=[f"{i}.png" for i in numbers],
            label=[label(i) for i in numbers],
            is_valid=[False] * len(train) + [True] * len(valid),
        )
    )


def from_table(root, train, valid):
    from fastai.vision.all import ImageDataLoaders

    return ImageDataLoaders.from_df(
        table(root, train, valid),
        path=root / "images",
        fn_col="name",
        label_col="label",
        valid_col="is_valid",
        bs=4,
        num_workers=0,
    )


def from_shuffled_table(root, train, valid):
    from fastai.vision.all import CategoryBlock, ColReader, ColSplitter, DataBlock, ImageBlock

    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_x=ColReader("name", pref=root / "folder"),
        get_y=ColReader("label"),
        splitter=ColSplitter("is_valid"),
    )
    rows = table(root, train, valid).sample(frac=1, random_state=len(train))
    return block.dataloaders(rows, bs=4, num_workers=0)


def from_pairs(root, train, valid):
    from fastai.vision.all import ItemGetter

    items = [(str(root / "hard" / f"{i}.png"), label(i)) for i in [*train, *valid]]
    return block_dls(items, len(train), get_x=ItemGetter(0), get_y=ItemGetter(1))


def from_arrays(root, train, valid):
    arrays = {i: np.asarray(Image.open(root / "images" / f"{i}.png")) for i in range(N)}
    numbers = {array.tobytes(): i for i, array in arrays.items()}
    return block_dls(
        [arrays[i] for i in [*train, *valid]],
        len(train),
        get_y=lambda array: label(numbers[np.asarray(array).tobytes()]),
    )


def from_pixel_rows(root, train, valid):
    "Rows of a table that hold the pixels themselves."
    from fastai.vision.all import CategoryBlock, ColReader, ColSplitter, DataBlock, ImageBlock

    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_x=lambda row: np.array(row["pixels"], dtype=np.uint8).reshape(SIDE, SIDE, 3),
        get_y=ColReader("label"),
        splitter=ColSplitter("is_valid"),
    )
    rows = table(root, train, valid)
    rows["pixels"] = [
        np.asarray(Image.open(root / "images" / name)).ravel().tolist() for name in rows["name"]
    ]
    return block.dataloaders(rows.drop(columns="name"), bs=4, num_workers=0)


def from_datasets(root, train, valid):
    from fastai.vision.all import Categorize, Datasets, IntToFloatTensor, PILImage, ToTensor

    files = [root / "images" / f"{i}.png" for i in [*train, *valid]]
    splits = [list(range(len(train))), list(range(len(train), len(files)))]
    transforms = [[PILImage.create], [lambda file: label(number(file)), Categorize]]
    datasets = Datasets(files, transforms, splits=splits)
    return datasets.dataloaders(
        bs=4, num_workers=0, after_item=ToTensor, after_batch=IntToFloatTensor
    )


FILES = {
    "paths": from_paths("images"),
    "links": from_paths("links"),
    "hard links": from_paths("hard"),
    "a linked folder": from_paths("folder"),
    "texts": from_texts,
    "names": from_names,
    "a table": from_table,
    "a shuffled table": from_shuffled_table,
    "pairs": from_pairs,
    "datasets": from_datasets,
}
KINDS = FILES | {"arrays": from_arrays, "rows of pixels": from_pixel_rows}
kinds = pytest.mark.parametrize("kind", KINDS)


def split(seed, n_valid=10):
    "Return the numbers of the training and validation images of a random split."
    numbers = list(range(N))
    random.Random(seed).shuffle(numbers)
    return numbers[n_valid:], numbers[:n_valid]


def shuffled(numbers, seed):
    return random.Random(seed).sample(numbers, len(numbers))


def fit(*all_dls):
    "Return the history of a training on these loaders, with a network that has enough outputs."
    from fastai.vision.all import CrossEntropyLossFlat, Learner

    network = tiny_network(len(CLASSES))
    learn = Learner(all_dls[0], network, loss_func=CrossEntropyLossFlat())
    loaders = iter(all_dls)
    with learn.no_logging():
        return fit_progressive(learn, lambda bs, size: next(loaders), STAGES[: len(all_dls)])


# ---- Splits


@kinds
def test_images_that_are_trained_on_and_validated_are_counted(kind, root):
    train, valid = split(0)
    both = random.Random(1).sample(valid, 7)
    message = "^number of validation images that stage 1 trains on must be 0, got 7 of 10$"
    with pytest.raises(ValueError, match=message):
        fit(KINDS[kind](root, [*train, *both], valid))


@pytest.mark.parametrize("kind", ["paths", "a table", "a shuffled table", "rows of pixels"])
def test_all_validation_images_are_trained_on(kind, root):
    train, valid = split(0)
    with pytest.raises(
        ValueError,
        match="^number of validation images that stage 1 trains on must be 0, got 10 of 10$",
    ):
        fit(KINDS[kind](root, [*train, *valid], valid))


@kinds
def test_a_random_split_in_each_call_is_counted(kind, root):
    (train, first), (other, valid) = split(0), split(1)
    leaked = len(set(train) & set(valid))
    message = (
        "^validation images of stage 2 must be those of stage 1, "
        rf"got others, {leaked} of 10 trained on before"
    )
    with pytest.raises(ValueError, match=message):
        fit(KINDS[kind](root, train, first), KINDS[kind](root, other, valid))


@kinds
def test_the_same_split_in_another_order_is_taken(kind, root):
    train, valid = split(0)
    history = fit(
        KINDS[kind](root, train, valid),
        KINDS[kind](root, shuffled(train, 1), shuffled(valid, 2)),
    )
    assert [row["trained"] for row in history] == [True, False, True, True]


@pytest.mark.parametrize("other", FILES)
def test_the_same_files_are_the_same_images_in_other_loaders(other, root):
    train, valid = split(0)
    first = from_paths("images")(root, train, valid)
    assert fit(first, KINDS[other](root, shuffled(train, 1), valid))


@pytest.mark.parametrize("other", FILES)
def test_a_leak_is_counted_across_loaders(other, root):
    (train, first), (others, valid) = split(0), split(3)
    leaked = len(set(train) & set(valid))
    with pytest.raises(ValueError, match=f"got others, {leaked} of 10 trained on before"):
        fit(from_paths("images")(root, train, first), KINDS[other](root, others, valid))


def test_images_of_equal_names_in_other_folders_are_others(root, tmp_path):
    "A file is known by itself, not by its name."
    for i in range(N):
        pixels = np.full((SIDE, SIDE, 3), i, dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    train, _ = split(0)
    files = [root / "images" / f"{i}.png" for i in train]
    files += [tmp_path / f"{i}.png" for i in train[:10]]
    assert fit(block_dls(files, len(train)))


def test_arrays_of_other_shapes_or_types_are_others():
    "Zeros in [12,12,3] of another type are another image, though their bytes are zeros too."
    from fastai.vision.all import PILImage

    images = [np.full((SIDE, SIDE, 3), i, np.uint8) for i in range(8)]
    same = images[0].reshape(SIDE * 2, SIDE // 2, 3)
    dls = block_dls(
        [*images, same],
        len(images),
        get_y=lambda array: CLASSES[int(np.asarray(array).flat[0]) % 4],
        get_x=lambda array: PILImage.create(np.asarray(array).reshape(SIDE, SIDE, 3)),
    )
    assert fit(dls)


# ---- Classes


def with_vocab(root, vocab, labels=label):
    from fastai.vision.all import CategoryBlock, ImageBlock

    train, valid = split(0)
    items = [root / "images" / f"{i}.png" for i in [*train, *valid]]
    return block_dls(
        items,
        len(train),
        blocks=(ImageBlock, CategoryBlock(vocab=vocab, sort=False)),
        get_y=lambda file: labels(number(file)),
    )


@pytest.mark.parametrize(
    "first, second, message",
    [
        ("abcd", "dcba", "class 0 of stage 2 must be 'a', as in stage 1, got 'd'"),
        ("abcd", "abdc", "class 2 of stage 2 must be 'c', as in stage 1, got 'd'"),
        ("bacd", "abcd", "class 0 of stage 2 must be 'b', as in stage 1, got 'a'"),
        ("abcd", "abcde", "number of classes of stage 2 must be 4, as in stage 1, got 5"),
        ("abcd", "xabcd", "number of classes of stage 2 must be 4, as in stage 1, got 5"),
    ],
)
def test_another_vocabulary_is_an_error_before_anything_is_trained(first, second, message, root):
    with pytest.raises(ValueError, match=message):
        fit(with_vocab(root, list(first)), with_vocab(root, list(second)))


def test_a_stage_with_fewer_classes_is_an_error(root):
    first = with_vocab(root, list("abcd"))
    second = with_vocab(root, list("abc"), labels=lambda i: "abc"[i % 3])
    with pytest.raises(
        ValueError, match="number of classes of stage 2 must be 4, as in stage 1, got 3"
    ):
        fit(first, second)


def test_classes_that_are_the_same_are_taken(root):
    assert fit(with_vocab(root, list("dbca")), with_vocab(root, list("dbca")))


def several_targets(root, order):
    from fastai.vision.all import CategoryBlock, DataBlock, ImageBlock, IndexSplitter

    train, valid = split(0)
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock, CategoryBlock(vocab=order, sort=False)),
        n_inp=1,
        getters=[lambda f: f, lambda f: label(number(f)), lambda f: label(number(f))],
        splitter=IndexSplitter(list(range(len(train), N))),
    )
    items = [root / "images" / f"{i}.png" for i in [*train, *valid]]
    return block.dataloaders(items, bs=4, num_workers=0)


def test_the_second_of_two_targets_has_one_order_too(root):
    all_dls = several_targets(root, list("abcd")), several_targets(root, list("abdc"))
    with pytest.raises(ValueError, match=r"class 1 of stage 2 must be \['a', 'b', 'c', 'd'\]"):
        fit(*all_dls)


@pytest.mark.parametrize("n_out", [1, 2, 3])
@pytest.mark.parametrize("kind", ["paths", "a table", "arrays"])
def test_too_few_outputs_are_an_error(n_out, kind, root):
    from fastai.vision.all import CrossEntropyLossFlat, Learner

    dls = KINDS[kind](root, *split(0))
    network = tiny_network(n_out)
    learn = Learner(dls, network, loss_func=CrossEntropyLossFlat())
    generators = torch.get_rng_state(), random.getstate()
    message = f"number of the model's outputs must be 4 or more, one for each class, got {n_out}"
    with pytest.raises(ValueError, match=message):
        fit_progressive(learn, lambda bs, size: dls, STAGES)
    assert torch.equal(generators[0], torch.get_rng_state()) and generators[1] == random.getstate()
    assert network.training


def test_one_output_for_a_number_is_taken(root):
    from fastai.vision.all import ImageBlock, Learner, MSELossFlat, RegressionBlock

    train, valid = split(0)
    items = [root / "images" / f"{i}.png" for i in [*train, *valid]]
    dls = block_dls(
        items,
        len(train),
        blocks=(ImageBlock, RegressionBlock),
        get_y=lambda file: float(number(file)),
    )
    learn = Learner(dls, tiny_network(1), loss_func=MSELossFlat())
    with learn.no_logging():
        assert len(fit_progressive(learn, lambda bs, size: dls, STAGES)) == 4


def test_rows_that_lead_to_no_file_are_known_by_their_values():
    "Neither the order of the rows nor their index tells one from others."
    from types import SimpleNamespace as Namespace

    from lesson7.data.splits import image_ids

    rows = pd.DataFrame(dict(x=[0.5, 0.25, 0.125], y=["a", "b", "a"]))
    moved = rows.iloc[[2, 0, 1]].set_axis([7, 8, 9])
    other = rows.assign(x=[0.5, 0.25, 0.0625])
    ids = [image_ids(Namespace(items=items)) for items in (rows, moved, other)]
    assert ids[0] == ids[1] and len(ids[0]) == 3 and len(ids[0] & ids[2]) == 2
