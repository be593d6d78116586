"Chapter two: costs and areas against NumPy in double precision, and its claims about fastai."

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from fastai.callback.progress import ProgressCallback
from fastai.vision.all import (
    DataLoaders,
    FuncSplitter,
    GrandparentSplitter,
    L,
    RandomSplitter,
    Resize,
    defaults,
    get_image_files,
    params,
    set_seed,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from learners import lesson_block, tiny_learner
from PIL import Image
from torch.utils.data import TensorDataset

from lesson7.data.loaders import get_dls
from lesson7.resize import Stage, downsize, fit_progressive, relative_cost

LESSON = [Stage(128, 128, 4, 3e-3), Stage(224, 64, 5, 1e-3)]
TWO_STAGES = [Stage(16, 8, 1, 1e-3), Stage(32, 8, 1, 1e-3)]


@pytest.fixture(autouse=True)
def no_progress_bars(monkeypatch):
    callbacks = [cb for cb in defaults.callbacks if cb is not ProgressCallback]
    monkeypatch.setattr(defaults, "callbacks", callbacks)


# ---- Stages and their cost


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(size=0), "size must be a whole number, 1 or more, got 0"),
        (dict(size=48.5), "size must be .*, got 48.5"),
        (dict(bs=-1), "bs must be .*, got -1"),
        (dict(epochs=0), "epochs must be .*, got 0"),
        (dict(epochs="4"), "epochs must be .*, got '4'"),
        (dict(bs=True), "bs must be .*, got True"),
        (dict(lr=0), "lr must be a finite number above 0, got 0"),
        (dict(lr=float("nan")), "lr must be .*, got nan"),
        (dict(lr=None), "lr must be .*, got None"),
        (dict(lr=10**400), "lr must be a finite number above 0, got 1000"),
    ],
)
def test_a_stage_raises_on_invalid_values(change, message):
    with pytest.raises(ValueError, match=message):
        Stage(**dict(size=48, bs=32, epochs=2, lr=1e-3) | change)


def test_cost_of_the_lessons_recipe():
    each, total = relative_cost(LESSON)
    assert each.tolist() == [128**2 / 224**2, 1]
    expected = (4 * 128**2 + 6 * 224**2) / (10 * 224**2)
    assert abs(total - expected) < 1e-12
    baseline = 5  # epochs at 224 px
    assert 10 * total / baseline > 1.4


@given(st.lists(st.tuples(st.integers(1, 512), st.integers(1, 50)), min_size=1, max_size=5))
def test_relative_cost_agrees_with_numpy(pairs):
    each, total = relative_cost([Stage(size, 1, epochs, 0.1) for size, epochs in pairs])
    size, epochs = np.array(pairs, float).T
    epochs[1:] += 1
    expected = size**2 / size.max() ** 2
    assert np.allclose(each, expected, atol=1e-12)
    assert np.isclose(total, np.average(expected, weights=epochs), atol=1e-12)
    assert 0 < total <= 1


# ---- downsize


@settings(deadline=None)
@given(st.integers(1, 23), st.integers(1, 23), st.integers(1, 29), st.integers(0, 99))
def test_downsize_is_the_mean_of_the_area(h, w, size, seed):
    "Divides each pixel into size x size equal pieces, and averages those of each new pixel."
    x = np.random.default_rng(seed).random((2, h, w))
    pieces = np.kron(x, np.ones((1, size, size)))
    expected = pieces.reshape(2, size, h, size, w).mean((2, 4))
    assert np.allclose(downsize(torch.from_numpy(x), size), expected, atol=1e-12)


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [96, 48, 32, 12, 1])
def test_downsize_agrees_with_torch_where_the_size_divides_the_side(images, size):
    expected = F.interpolate(images, size, mode="area")
    assert torch.allclose(downsize(images, size), expected, atol=1e-6)


def test_downsize_to_the_same_size_changes_nothing(images):
    assert torch.equal(downsize(images, 96), images)


@pytest.mark.parametrize("shape", [(4,), (0, 4, 4), (3, 0, 4)])
def test_downsize_needs_an_image_with_a_pixel(shape):
    with pytest.raises(ValueError, match=r"^x must be a tensor \[...,H,W\] with one pixel or more"):
        downsize(torch.zeros(shape), 2)


@pytest.mark.parametrize("stage", [(64, 8, 2), (64, 8, 2, 0.1, 1)])
def test_a_stage_has_four_values(stage):
    assert relative_cost([(64, 8, 2, 0.1)])[1] == 1
    with pytest.raises(ValueError, match="^a stage must be a Stage, or its four values"):
        relative_cost([stage])


def test_downsize_keeps_the_dtype(images):
    assert downsize(images, 50).dtype == torch.float32


def test_downsize_to_twice_the_size_repeats_every_pixel(images):
    assert torch.equal(downsize(images, 192), F.interpolate(images, 192))


# ---- fit_progressive


@pytest.fixture(scope="module")
def by_fit_progressive(small):
    "A learner that `fit_progressive` has trained, and the rows that it returned."

    def loaders(bs, size):
        return get_dls(bs, size, small)

    learn = tiny_learner(loaders(20, 16))
    stages = [Stage(16, 20, 2, 3e-3), Stage(32, 30, 1, 1e-3)]
    set_seed(42)
    with learn.no_bar():
        return learn, fit_progressive(learn, loaders, stages)


@pytest.fixture(scope="module")
def by_the_lesson(small):
    "A learner that the lesson's lines have trained, and its measures after the switch."
    learn = tiny_learner(get_dls(20, 16, small))
    set_seed(42)
    with learn.no_bar():
        learn.dls, second = get_dls(20, 16, small), get_dls(30, 32, small)
        learn.fit_one_cycle(2, 3e-3)
        learn.dls = second
        measures = learn.validate()
        learn.fine_tune(1, 1e-3)
        return learn, measures


def test_fit_progressive_trains_as_the_lessons_lines(by_fit_progressive, by_the_lesson):
    ours, lessons = by_fit_progressive[0], by_the_lesson[0]
    for parameter, expected in zip(ours.model.parameters(), lessons.model.parameters()):
        assert torch.equal(parameter, expected)
    assert ours.dls.train.bs == 30
    assert ours.dls.one_batch()[0].shape[-1] == 32


def test_fit_progressive_returns_a_row_for_each_epoch_and_switch(by_fit_progressive):
    _, rows = by_fit_progressive
    assert [(row["size"], row["epoch"], row["trained"]) for row in rows] == [
        (16, 1, True),
        (16, 2, True),
        (32, 2, False),
        (32, 3, True),
        (32, 4, True),
    ]
    assert "train_loss" not in rows[2]


def test_fit_progressive_returns_the_measures_of_validation(by_fit_progressive, by_the_lesson):
    _, rows = by_fit_progressive
    lessons, after_switch = by_the_lesson
    assert [rows[2]["valid_loss"], rows[2]["accuracy"]] == list(after_switch)
    with lessons.no_bar():
        assert [rows[-1]["valid_loss"], rows[-1]["accuracy"]] == list(lessons.validate())


def test_fit_progressive_raises_without_stages():
    with pytest.raises(ValueError, match="number of stages must be 1 or more, got 0"):
        fit_progressive(None, None, [])


# ---- Splits that leak


def lesson_get_dls(path, **options):
    "Return the lesson's `get_dls` for a folder; options are those of `DataBlock`."
    block = lesson_block(Resize(32), **options)
    return lambda bs, size: block.dataloaders(path, bs=bs, num_workers=0)


def one_for_each_stage(*functions):
    "Return a `get_dls` that calls another function for each stage."
    remaining = iter(functions)
    return lambda bs, size: next(remaining)(bs, size)


def check_error(get_dls, message):
    "Check that `fit_progressive` raises before it uses the learner, which is None."
    with pytest.raises(ValueError, match=message):
        fit_progressive(None, get_dls, TWO_STAGES)


def test_the_lessons_random_split_raises_an_error(small):
    message = (
        r"validation images of stage 2 must be those of stage 1, got others, \d+ of 12 trained"
    )
    check_error(lesson_get_dls(small / "train"), message)


def test_a_second_random_split_validates_on_training_images(small):
    "Four in five validation images of the second split are in the first training set."
    files = get_image_files(small)
    shares = []
    for _ in range(50):
        train, _ = RandomSplitter()(files)
        _, valid = RandomSplitter()(files)
        shares.append(len(set(train) & set(valid)) / len(valid))
    assert abs(np.mean(shares) - 0.8) < 0.05


def test_a_random_split_with_a_seed_is_accepted(small):
    get_lesson_dls = lesson_get_dls(small / "train", splitter=RandomSplitter(seed=42))
    learn = tiny_learner(get_lesson_dls(8, 16))
    assert len(fit_progressive(learn, get_lesson_dls, TWO_STAGES)) == 4


def overlapping_split(items):
    return list(range(60)), list(range(50, 70))


def test_an_overlapping_split_raises_an_error(small):
    message = "number of validation images that stage 1 trains on must be 0, got 10 of 20"
    check_error(lesson_get_dls(small, splitter=overlapping_split), message)


def test_a_split_without_validation_raises_an_error(small):
    no_validation = FuncSplitter(lambda file: False)
    check_error(
        lesson_get_dls(small, splitter=no_validation),
        "number of validation images of stage 1 must be 1 or more, got 0",
    )


def test_other_validation_images_in_the_second_stage_raise_an_error(small):
    all_files = lesson_get_dls(small, splitter=GrandparentSplitter(valid_name="val"))
    train_files = lesson_get_dls(small / "train")
    get_both = one_for_each_stage(all_files, train_files)
    check_error(get_both, "validation images of stage 2 must be those of stage 1")


@pytest.mark.parametrize("count", [1, 2], ids=["train only", "train and valid"])
def test_loaders_without_items_raise_an_error(count):
    datasets = [TensorDataset(torch.rand(8, 3, 16, 16), torch.zeros(8))] * count
    check_error(
        lambda bs, size: DataLoaders.from_dsets(*datasets, bs=bs),
        "datasets of stage 1 must be datasets that list their images",
    )


def numbered_arrays(count):
    "Return arrays that differ in one number, which their printed form leaves out."
    arrays = [np.zeros((50, 50)) for _ in range(count)]
    for i, array in enumerate(arrays):
        array[25, 25] = i
    return arrays


def select_rows(indices):
    return pd.DataFrame(dict(x=list("abcdef"))).iloc[indices]


def select_arrays(indices):
    arrays = numbered_arrays(6)
    return [arrays[i] for i in indices]


def loaders_of(train, valid):
    "Return a `get_dls` whose loaders have these items, and nothing else."
    loaders = SimpleNamespace(
        train_ds=SimpleNamespace(items=train), valid_ds=SimpleNamespace(items=valid)
    )
    return lambda bs, size: loaders


@pytest.mark.parametrize("select", [select_rows, select_arrays])
def test_rows_of_a_table_and_arrays_are_compared(select):
    overlapping = loaders_of(select([0, 1, 2]), select([2, 3]))
    check_error(overlapping, "that stage 1 trains on must be 0, got 1 of 2")
    first = loaders_of(select([0, 1, 2]), select([3, 4]))
    second = loaders_of(select([0, 1, 4]), select([2, 3]))
    check_error(one_for_each_stage(first, second), "got others, 1 of 2 trained on before")


# ---- Claims of the chapter about fastai


def two_groups(model):
    return L(params(model[:-1]), params(model[-1:]))


def test_freeze_freezes_nothing_with_one_group_of_parameters(small):
    learn = tiny_learner(get_dls(8, 16, small))
    learn.freeze()
    assert len(learn.opt.param_lists) == 1
    assert learn.model[0].weight.requires_grad
    before = learn.model[0].weight.detach().clone()
    learn.fit_one_cycle(1, 1e-3)  # fine_tune's first epoch
    assert not torch.equal(before, learn.model[0].weight)


def test_freeze_freezes_the_first_of_two_groups_of_parameters(small):
    learn = tiny_learner(get_dls(8, 16, small), splitter=two_groups)
    learn.freeze()
    assert len(learn.opt.param_lists) == 2
    assert not learn.model[0].weight.requires_grad


def test_a_size_above_that_of_the_files_is_accepted(small):
    file = next(small.glob("train/*/*.jpg"))
    assert min(Image.open(file).size) == 128
    x, _ = get_dls(2, 224, small).one_batch()
    assert x.shape[2:] == (224, 224)
