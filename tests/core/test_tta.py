"The arithmetic of chapter three, held against numpy, torch, Pillow and fastai."

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from learners import narrow_learner
from PIL import Image

from lesson7.data.loaders import get_dls
from lesson7.data.samples import photos
from lesson7.tta import combine, tta, windows

STATS = (0.4, 0.37, 0.35), (0.21, 0.2, 0.19)


# windows


@settings(deadline=None)
@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from(["corners", "ends", "random"]),
    st.integers(1, 4),
    st.floats(0.01, 1),
    st.integers(0, 99),
)
def test_windows_are_squares_within_the_image(h, w, kind, n, scale, seed):
    boxes = windows(h, w, 48, kind, n, scale, seed)
    side = max(1, int(scale * min(h, w) + 0.5))
    assert len(boxes) == n and all(isinstance(v, int) for box in boxes for v in box)
    assert all(
        x0 >= 0 and y0 >= 0 and x1 <= w and y1 <= h and x1 - x0 == y1 - y0 == side
        for x0, y0, x1, y1 in boxes
    )


def test_windows_stand_where_they_should():
    assert windows(100, 150, 64) == [
        (0, 0, 85, 85),
        (65, 15, 150, 100),
        (65, 0, 150, 85),
        (0, 15, 85, 100),
    ]
    assert windows(100, 150, 64, "corners", 2) == windows(100, 150, 64)[:2]
    assert windows(100, 150, 64, "ends", 3, 1.0) == [
        (0, 0, 100, 100),
        (25, 0, 125, 100),
        (50, 0, 150, 100),
    ]
    assert windows(150, 100, 64, "ends", 2, 1.0) == [(0, 0, 100, 100), (0, 50, 100, 150)]
    assert windows(1, 1, 64, n=1) == [(0, 0, 1, 1)]


def test_random_windows_repeat_with_their_seed():
    draw = lambda seed: windows(100, 150, 64, "random", seed=seed)
    assert draw(1) == draw(1) != draw(2) and draw(None) != draw(None)


@pytest.mark.parametrize(
    "change, said",
    [
        (dict(n=0), "n is 0; it must be a whole number of 1 or more"),
        (dict(n=2.5), "n is 2.5"),
        (dict(size=0), "size is 0"),
        (dict(h=0), "h is 0"),
        (dict(scale=1.1), "pass the image's edge"),
        (dict(scale=0), "above 0"),
        (dict(scale=float("nan")), "above 0"),
        (dict(kind="centre"), '"corners", "ends" or "random"'),
        (dict(n=5), "4 corners"),
    ],
)
def test_windows_refuse(change, said):
    with pytest.raises(ValueError, match=said):
        windows(**dict(h=100, w=150, size=64) | change)


# combine


def softmaxes(views, seed=0):
    return (
        torch.randn(views, 6, 5, generator=torch.Generator().manual_seed(seed)).double().softmax(2)
    )


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(0, 99), st.floats(0, 1))
def test_combine_is_numpys(views, seed, beta):
    p = softmaxes(views, seed)
    x = p.numpy()
    lerp = beta * x[0] + (1 - beta) * x[1:].mean(0) if views > 1 else x[0]
    for reduce, expected in dict(mean=x.mean(0), max=x.max(0), lerp=lerp).items():
        assert np.allclose(combine(p, reduce, beta), expected, atol=1e-12), reduce
    assert np.allclose(combine(p, "mean").sum(1), 1) and np.allclose(
        combine(p, "lerp", beta).sum(1), 1
    )


def test_max_does_not_sum_to_one():
    assert (combine(softmaxes(5), "max").sum(1) > 1.01).all()


def test_the_weights_of_five_views():
    one_hot = torch.eye(5)[:, None]  # view i says class i: the answer is the weights
    assert torch.allclose(
        combine(one_hot, "lerp"), torch.tensor([[0.25, 0.1875, 0.1875, 0.1875, 0.1875]]), atol=1e-7
    )
    assert torch.allclose(combine(one_hot, "lerp", 0.2), combine(one_hot, "mean"), atol=1e-7)


@pytest.mark.parametrize(
    "args, said",
    [
        ((torch.zeros(2, 3),), r"\[2, 3\]; it must be \[views,B,C\]"),
        ((torch.zeros(0, 2, 3),), "one view or more"),
        ((torch.zeros(2, 2, 3), "median"), '"mean", "max" or "lerp"'),
        ((torch.zeros(2, 2, 3), "lerp", 1.5), "beta is 1.5"),
    ],
)
def test_combine_refuses(args, said):
    with pytest.raises(ValueError, match=said):
        combine(*args)


# tta


@pytest.fixture(scope="module")
def learn(small):
    return narrow_learner(get_dls(8, 48, small, STATS))


def opened(monkeypatch):
    "A list that grows by each file that is opened."
    files, open_ = [], Image.open
    monkeypatch.setattr(Image, "open", lambda f, *a, **kw: files.append(f) or open_(f, *a, **kw))
    return files


def test_the_plain_view_is_the_validation_sets_own(learn):
    views, targs = tta(learn, reduce=None)
    plain, same = learn.get_preds()
    assert (
        views.shape == (5, 30, 10)
        and torch.allclose(views[0], plain, atol=1e-6)
        and torch.equal(targs, same)
    )
    assert all(not torch.allclose(v, plain, atol=1e-4) for v in views[1:])


@pytest.mark.parametrize(
    "size, n, expected",
    [(48, 4, [40, 40, 20]), (128, 15, [64] * 5), (256, 1, [16, 16, 8]), (256, 16, [17] * 20)],
)
def test_views_go_through_the_model_a_batch_or_a_megapixel_at_a_time(small, size, n, expected):
    other, together = narrow_learner(get_dls(8, size, small, STATS)), []
    other.model.register_forward_pre_hook(lambda model, args: together.append(len(args[0])))
    dl = other.dls.test_dl(other.dls.valid_ds.items[:20], with_labels=True)
    views, targs = tta(other, n=n, kind="ends", reduce=None, dl=dl)
    plain, same = other.get_preds(dl=dl)
    assert together[:-3] == expected
    assert torch.allclose(views[0], plain, atol=1e-6) and torch.equal(targs, same)


def test_each_view_is_what_the_model_says_to_that_window(learn):
    "Made again by hand: crop, resize to what the model sees, normalize, softmax."
    views, _ = tta(learn, reduce=None)
    im = Image.open(learn.dls.valid_ds.items[11]).convert("RGB")
    for box, said in zip(windows(im.height, im.width, 48), views[1:, 11]):
        square = im.crop(box).resize((48, 48), Image.Resampling.BILINEAR)
        mean, std = (torch.tensor(v)[:, None, None] for v in STATS)
        x = (torch.from_numpy(np.array(square)).permute(2, 0, 1)[None] / 255 - mean) / std
        with torch.no_grad():
            p = learn.model.eval()(x).softmax(1)[0]
        assert torch.allclose(p, said, atol=1e-5)


def pipelines():
    "Of fastai's ways to bring pictures to one size: item transforms, and batch transforms."
    from fastai.vision.all import Normalize, RandomResizedCrop, Resize, aug_transforms

    norm = Normalize.from_stats(*STATS)
    return {
        "item only": (Resize(48), [norm]),
        "squish": (Resize(64, "squish"), [*aug_transforms(size=48), norm]),
        "pad": (Resize((48, 64), "pad"), []),
        "random crop": (RandomResizedCrop(48), [*aug_transforms(), norm]),
        "rectangle": (Resize((64, 96)), [*aug_transforms(size=(32, 48), min_scale=0.75), norm]),
    }


@pytest.mark.parametrize("name", ["item only", "squish", "pad", "random crop", "rectangle"])
def test_whatever_brings_pictures_to_size(learn, small, name):
    "The plain view is validation's own, and a window that sees the whole of a square picture says the same up to resampling."
    from fastai.vision.all import (
        CategoryBlock,
        DataBlock,
        GrandparentSplitter,
        ImageBlock,
        get_image_files,
        parent_label,
    )

    item, batch = pipelines()[name]
    dls = DataBlock(
        (ImageBlock, CategoryBlock),
        get_items=get_image_files,
        get_y=parent_label,
        splitter=GrandparentSplitter(valid_name="val"),
        item_tfms=item,
        batch_tfms=batch,
    ).dataloaders(small, bs=8, num_workers=0)
    other = narrow_learner(dls)
    other.model.load_state_dict(learn.model.state_dict())
    views, targs = tta(other, kind="ends", scale=1.0, n=3, reduce=None)
    plain, same = other.get_preds()
    assert torch.allclose(views[0], plain, atol=1e-6) and torch.equal(targs, same)
    if name == "item only":
        assert torch.allclose(
            views[2], plain, atol=2e-2
        )  # the middle window is the centre crop, rounded to whole pixels
    assert not torch.allclose(views[1], views[3], atol=1e-4)


def test_in_worker_processes_too(learn):
    dl = learn.dls.test_dl(learn.dls.valid_ds.items, num_workers=2)
    assert torch.allclose(tta(learn, dl=dl)[0], tta(learn)[0], atol=1e-6)


def test_its_normalize_is_kept(learn, small):
    "Without the learner's statistics the answer is another one."
    raw = narrow_learner(get_dls(8, 48, small))
    raw.model.load_state_dict(learn.model.state_dict())
    assert not torch.allclose(tta(raw)[0], tta(learn)[0], atol=1e-3)


def test_each_file_is_opened_once_where_learn_tta_opens_it_five_times(learn, monkeypatch):
    files = opened(monkeypatch)
    tta(learn)
    assert len(files) == len(set(files)) == 30
    files.clear()
    learn.tta(n=4)
    assert len(files) == 5 * 30


@pytest.mark.parametrize("reduce", ["mean", "lerp", "max"])
def test_probabilities_except_for_max(learn, reduce):
    preds, _ = tta(learn, reduce=reduce)
    sums = preds.sum(1)
    assert (
        preds.shape == (30, 10) and (sums > 1.0001).all()
        if reduce == "max"
        else torch.allclose(sums, torch.ones(30), atol=1e-5)
    )
    assert torch.allclose(preds, combine(tta(learn, reduce=None)[0], reduce), atol=1e-6)


def test_a_test_loader_has_no_labels_and_a_loaded_learner_no_pictures(learn):
    files = list(learn.dls.valid_ds.items)
    expected, _ = tta(learn)
    loaded = narrow_learner(learn.dls.new_empty())  # what `learn.export` keeps
    loaded.model.load_state_dict(learn.model.state_dict())
    with pytest.raises(ValueError, match="no pictures.*test_dl"):
        tta(loaded)
    for l in (learn, loaded):
        preds, targs = tta(l, dl=l.dls.test_dl(files))
        assert targs is None and torch.allclose(preds, expected, atol=1e-5)
    _, targs = tta(learn, dl=learn.dls.test_dl(files, with_labels=True))
    assert torch.equal(targs, tta(learn)[1])


def test_the_training_set_is_seen_without_augmentation(learn):
    a, b = (tta(learn, dl=learn.dls.train, reduce=None)[0] for _ in range(2))
    assert torch.equal(a, b) and len(a[0]) == 60
    files = learn.dls.train_ds.items
    assert torch.allclose(a, tta(learn, dl=learn.dls.test_dl(files), reduce=None)[0], atol=1e-5)


@pytest.mark.parametrize(
    "loss, sums",
    [
        (torch.nn.CrossEntropyLoss(), True),
        (torch.nn.functional.cross_entropy, True),
        (torch.nn.BCEWithLogitsLoss(), False),
    ],
)
def test_torchs_losses_give_probabilities_too(learn, loss, sums):
    other = narrow_learner(learn.dls, loss)
    other.model.load_state_dict(learn.model.state_dict())
    preds, _ = tta(other, dl=learn.dls.test_dl(learn.dls.valid_ds.items))
    assert preds.min() >= 0 and preds.max() <= 1
    if sums:
        assert torch.allclose(preds, tta(learn)[0], atol=1e-6)
    else:
        assert not torch.allclose(preds.sum(1), torch.ones(30), atol=0.1)


def test_learn_tta_averages_raw_outputs_under_torchs_loss(learn):
    "What the callout says."
    assert narrow_learner(learn.dls, torch.nn.CrossEntropyLoss()).tta(n=1)[0].min() < 0


def test_learn_tta_is_combine_lerp(learn, monkeypatch):
    passes, get_preds = [], learn.get_preds
    monkeypatch.setattr(
        learn, "get_preds", lambda **kw: passes.append(get_preds(**kw)) or passes[-1], raising=False
    )
    theirs, _ = learn.tta(n=4)
    *augmented, plain = (p for p, _ in passes)
    assert len(passes) == 5 and torch.allclose(
        combine(torch.stack([plain, *augmented]), "lerp"), theirs, atol=1e-6
    )
    passes.clear()
    theirs, _ = learn.tta(n=4, use_max=True)
    assert (
        torch.equal(combine(torch.stack([p for p, _ in passes]), "max"), theirs)
        and (theirs.sum(1) > 1).all()
    )


def test_resize_cuts_a_random_place_in_the_augmented_passes():
    "What the callout says: the centre in validation, anywhere with the training split's randomness."
    from fastai.vision.all import PILImage, Resize

    wide = PILImage.create(photos()["china"])
    cut = lambda split: np.asarray(Resize(64)(wide, split_idx=split)).astype(int)
    assert (cut(1) == cut(1)).all() and len({cut(0).tobytes() for _ in range(8)}) > 1


def test_random_windows_differ_between_pictures_and_repeat(learn):
    one, two, other = (tta(learn, kind="random", seed=s)[0] for s in (1, 1, 2))
    assert torch.equal(one, two) and not torch.allclose(one, other, atol=1e-5)


def test_pictures_larger_than_the_model_wants_and_smaller(learn, tmp_path):
    for size in ((600, 450), (20, 30), (1, 1), (40, 400)):
        Image.effect_noise(size, 80).convert("RGB").save(tmp_path / f"{size}.png")
    preds, _ = tta(learn, dl=learn.dls.test_dl(sorted(tmp_path.iterdir())))
    assert preds.shape == (4, 10) and torch.allclose(preds.sum(1), torch.ones(4), atol=1e-5)


@pytest.mark.parametrize(
    "change, said",
    [
        (dict(n=0), "n is 0"),
        (dict(n=5), "4 corners"),
        (dict(kind="x"), "kind is 'x'"),
        (dict(scale=2), "edge"),
        (dict(reduce="x"), "reduce is 'x'"),
        (dict(beta=0.5), "beta weighs the plain view"),
        (dict(reduce="lerp", beta=-1), "beta is -1"),
    ],
)
def test_tta_refuses(learn, change, said):
    with pytest.raises(ValueError, match=said):
        tta(learn, **change)


def test_tta_refuses_what_it_cannot_read(learn):
    with pytest.raises(ValueError, match="MSELoss does not say"):
        tta(narrow_learner(learn.dls, torch.nn.MSELoss()))
    with pytest.raises(TypeError, match="this loader gives a"):
        from fastai.vision.all import Datasets

        tta(
            learn,
            dl=Datasets([1, 2], [[lambda i: torch.zeros(3)], [lambda i: i]])
            .dataloaders(bs=2)
            .valid.new(Datasets([1, 2], [[lambda i: torch.zeros(3)]])),
        )
