"The arithmetic of chapter two, held against numpy in double precision, and its claims about fastai."

from types import SimpleNamespace as Namespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from learners import tiny_network
from PIL import Image

from lesson7.data.loaders import get_dls
from lesson7.resize import Stage, downsize, fit_progressive, relative_cost

LESSON = [Stage(128, 128, 4, 3e-3), Stage(224, 64, 5, 1e-3)]


def learner(dls, **kw):
    from fastai.vision.all import CrossEntropyLossFlat, Learner, accuracy

    return Learner(
        dls, tiny_network(dls.c), loss_func=CrossEntropyLossFlat(), metrics=accuracy, **kw
    )


@pytest.fixture(autouse=True)
def no_bars():
    from fastai.callback.progress import ProgressCallback
    from fastai.vision.all import defaults

    before = list(defaults.callbacks)
    defaults.callbacks = [c for c in before if c is not ProgressCallback]
    yield
    defaults.callbacks = before


@pytest.mark.parametrize(
    "change, said",
    [
        (dict(size=0), "size is 0; it must be a whole number above 0"),
        (dict(size=48.5), "size is 48.5"),
        (dict(bs=-1), "bs is -1"),
        (dict(epochs=0), "epochs is 0"),
        (dict(epochs="4"), "epochs is '4'"),
        (dict(bs=True), "bs is True"),
        (dict(lr=0), "lr is 0; it must be a finite number above 0"),
        (dict(lr=float("nan")), "lr is nan"),
        (dict(lr=None), "lr is None"),
    ],
)
def test_a_stage_refuses(change, said):
    with pytest.raises(ValueError, match=said):
        Stage(**dict(size=48, bs=32, epochs=2, lr=1e-3) | change)


def test_the_lessons_recipe_costs_this_much():
    each, total = relative_cost(LESSON)
    assert (
        each.tolist() == [128**2 / 224**2, 1]
        and abs(total - (4 * 128**2 + 6 * 224**2) / (10 * 224**2)) < 1e-12
    )
    assert 10 * total / 5 > 1.4  # more work than its baseline, five epochs at 224


@given(st.lists(st.tuples(st.integers(1, 512), st.integers(1, 50)), min_size=1, max_size=5))
def test_relative_cost_is_numpys(pairs):
    each, total = relative_cost([Stage(s, 1, e, 0.1) for s, e in pairs])
    size = np.array([s for s, _ in pairs], float)
    epochs = np.array([e for _, e in pairs], float)
    epochs[1:] += 1
    assert np.allclose(each, size**2 / size.max() ** 2, atol=1e-12) and np.isclose(
        total, np.average(size**2 / size.max() ** 2, weights=epochs), atol=1e-12
    )
    assert 0 < total <= 1


@settings(deadline=None)
@given(st.integers(1, 23), st.integers(1, 23), st.integers(1, 29), st.integers(0, 99))
def test_downsize_is_the_mean_of_the_area(h, w, size, seed):
    "Cut each pixel into size x size pieces, exactly, and average the pieces that each new pixel covers."
    x = np.random.default_rng(seed).random((2, h, w))
    pieces = np.kron(x, np.ones((1, size, size)))
    expected = pieces.reshape(2, size, h, size, w).mean((2, 4))
    assert np.allclose(downsize(torch.from_numpy(x), size), expected, atol=1e-12)


def test_downsize_is_torchs_where_pixels_are_whole_and_keeps_the_type():
    x = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    for side in (96, 48, 32, 12, 1):
        assert torch.allclose(downsize(x, side), F.interpolate(x, side, mode="area"), atol=1e-6)
    assert torch.equal(downsize(x, 96), x) and downsize(x, 50).dtype == torch.float32
    assert torch.equal(
        downsize(x, 192), F.interpolate(x, 192)
    )  # larger: every pixel twice, nothing new


def test_fit_progressive_is_the_lessons_lines(small):
    from fastai.torch_core import set_seed

    def loaders(bs, size):
        return get_dls(bs, size, small)

    stages = [Stage(16, 20, 2, 3e-3), Stage(32, 30, 1, 1e-3)]
    ours, theirs = (learner(loaders(20, 16)) for _ in range(2))
    set_seed(42)
    history = fit_progressive(ours, loaders, stages)
    set_seed(42)
    a, b = loaders(20, 16), loaders(30, 32)
    theirs.dls = a
    theirs.fit_one_cycle(2, 3e-3)
    theirs.dls = b
    switched = theirs.validate()
    theirs.fine_tune(1, 1e-3)
    for p, q in zip(ours.model.parameters(), theirs.model.parameters()):
        assert torch.equal(p, q)
    assert [(r["size"], r["epoch"], r["trained"]) for r in history] == [
        (16, 1, True),
        (16, 2, True),
        (32, 2, False),
        (32, 3, True),
        (32, 4, True),
    ]
    assert [history[2]["valid_loss"], history[2]["accuracy"]] == list(
        switched
    ) and "train_loss" not in history[2]
    assert [history[-1]["valid_loss"], history[-1]["accuracy"]] == list(theirs.validate())
    assert ours.dls.train.bs == 30 and ours.dls.one_batch()[0].shape[-1] == 32


def test_fit_progressive_wants_stages(small):
    with pytest.raises(ValueError, match="no stages"):
        fit_progressive(None, None, [])


def lessons_get_dls(path, **kw):
    "The lesson's function, with what `DataBlock` keywords are given."
    from fastai.vision.all import (
        CategoryBlock,
        DataBlock,
        ImageBlock,
        Resize,
        get_image_files,
        parent_label,
    )

    block = DataBlock(
        **dict(
            blocks=(ImageBlock, CategoryBlock),
            get_items=get_image_files,
            get_y=parent_label,
            item_tfms=Resize(32),
        )
        | kw
    )
    return lambda bs, size: block.dataloaders(path, bs=bs, num_workers=0)


def untouched(get_dls, said):
    "`fit_progressive` refuses before it has looked at the learner."
    with pytest.raises(ValueError, match=said):
        fit_progressive(None, get_dls, [Stage(16, 8, 1, 1e-3), Stage(32, 8, 1, 1e-3)])


def test_the_lessons_split_leaks_and_is_refused(small):
    untouched(
        lessons_get_dls(small / "train"),
        r"Stage 2 validates on other images than stage 1: \d+ of its 12 were trained on before",
    )
    from fastai.vision.all import RandomSplitter, get_image_files

    files = get_image_files(small)
    shares = []
    for _ in range(50):
        first, second = RandomSplitter()(files), RandomSplitter()(files)
        shares.append(len(set(first[0]) & set(second[1])) / len(second[1]))
    assert abs(np.mean(shares) - 0.8) < 0.05  # four in five


def test_splits_that_stay_are_taken(small):
    from fastai.vision.all import RandomSplitter

    get = lessons_get_dls(small / "train", splitter=RandomSplitter(seed=42))
    assert (
        len(
            fit_progressive(
                learner(get(8, 16)), get, [Stage(16, 8, 1, 1e-3), Stage(32, 8, 1, 1e-3)]
            )
        )
        == 4
    )


def test_other_splits_that_mislead(small):
    from fastai.vision.all import FuncSplitter, GrandparentSplitter

    untouched(
        lessons_get_dls(small, splitter=lambda items: (list(range(60)), list(range(50, 70)))),
        "Stage 1 trains on 10 of its 20 validation images",
    )
    untouched(
        lessons_get_dls(small, splitter=FuncSplitter(lambda f: False)),
        "Stage 1 has no validation images",
    )
    fewer = iter(
        [
            lessons_get_dls(small, splitter=GrandparentSplitter(valid_name="val")),
            lessons_get_dls(small / "train"),
        ]
    )
    untouched(lambda bs, size: next(fewer)(bs, size), "Stage 2 validates on other images")


def test_loaders_that_do_not_say_what_they_hold():
    from fastai.data.core import DataLoaders
    from torch.utils.data import TensorDataset

    part = TensorDataset(torch.rand(8, 3, 16, 16), torch.zeros(8))
    untouched(
        lambda bs, size: DataLoaders.from_dsets(part, part, bs=bs),
        "do not say which images they hold",
    )
    untouched(
        lambda bs, size: DataLoaders.from_dsets(part, bs=bs), "do not say which images they hold"
    )


@pytest.mark.parametrize("kind", ["table", "arrays"])
def test_items_that_are_no_paths(kind):
    "Rows of a table are told apart, and so are arrays whose printed form is the same."
    import pandas as pd

    arrays = [np.zeros((50, 50)) for _ in range(6)]
    for i, a in enumerate(arrays):
        a[25, 25] = i
    items = pd.DataFrame(dict(x=list("abcdef"))) if kind == "table" else arrays
    part = (lambda i: items.iloc[i]) if kind == "table" else (lambda i: [items[k] for k in i])

    def get(*parts):
        return lambda bs, size: Namespace(
            **{f"{n}_ds": Namespace(items=part(i)) for n, i in zip(("train", "valid"), parts)}
        )

    untouched(get([0, 1, 2], [2, 3]), "Stage 1 trains on 1 of its 2")
    both = iter([get([0, 1, 2], [3, 4]), get([0, 1, 4], [2, 3])])
    untouched(lambda bs, size: next(both)(bs, size), "1 of its 2 were trained on before")


def test_fine_tune_freezes_nothing_on_one_group(small):
    from fastai.vision.all import L, params

    one = learner(get_dls(8, 16, small))
    two = learner(get_dls(8, 16, small), splitter=lambda m: L(params(m[:-1]), params(m[-1:])))
    for learn, groups, frozen in ((one, 1, False), (two, 2, True)):
        learn.freeze()
        assert (
            len(learn.opt.param_lists) == groups and learn.model[0].weight.requires_grad != frozen
        )
    before = one.model[0].weight.detach().clone()
    one.freeze()
    one.fit_one_cycle(1, 1e-3)  # fine_tune's first epoch
    assert not torch.equal(before, one.model[0].weight)


def test_nothing_stops_a_size_past_the_file(small):
    x, _ = get_dls(2, 224, small).one_batch()
    assert min(Image.open(next(small.glob("train/*/*.jpg"))).size) == 128 and x.shape[2:] == (
        224,
        224,
    )
