"Chapter three: windows and test time augmentation against NumPy, Pillow and fastai."

import numpy as np
import pytest
import torch
from fastai.data.core import TfmdDL
from fastai.vision.all import (
    Datasets,
    Normalize,
    PILImage,
    RandomResizedCrop,
    Resize,
    aug_transforms,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from learners import lesson_loaders, narrow_learner, tiny_learner
from PIL import Image

from lesson7.data.loaders import get_dls
from lesson7.data.samples import photos
from lesson7.tta import combine, least_certain, tta, windows

MEAN, STD = (0.4, 0.37, 0.35), (0.21, 0.2, 0.19)
STATS = MEAN, STD


# ---- windows

sides = st.integers(1, 300)
kinds = st.sampled_from(["corners", "ends", "random"])


@settings(deadline=None)
@given(sides, sides, kinds, st.integers(1, 4), st.floats(0.01, 1), st.integers(0, 99))
def test_windows_are_squares_within_the_image(h, w, kind, n, scale, seed):
    boxes = windows(h, w, 48, kind, n, scale, seed)
    side = max(1, int(scale * min(h, w) + 0.5))
    assert len(boxes) == n
    for x0, y0, x1, y1 in boxes:
        assert {type(x0), type(y0), type(x1), type(y1)} == {int}
        assert x0 >= 0 and y0 >= 0 and x1 <= w and y1 <= h
        assert x1 - x0 == y1 - y0 == side


def test_corner_windows():
    corners = [(0, 0, 85, 85), (65, 15, 150, 100), (65, 0, 150, 85), (0, 15, 85, 100)]
    assert windows(100, 150, 64) == corners
    assert windows(100, 150, 64, "corners", 2) == corners[:2]
    assert windows(1, 1, 64, n=1) == [(0, 0, 1, 1)]


def test_end_windows():
    centre, left, right = (25, 0, 125, 100), (0, 0, 100, 100), (50, 0, 150, 100)
    assert windows(100, 150, 64, "ends", 3, 1.0) == [left, centre, right]
    top, bottom = (0, 0, 100, 100), (0, 50, 100, 150)
    assert windows(150, 100, 64, "ends", 2, 1.0) == [top, bottom]


def random_windows(seed):
    return windows(100, 150, 64, "random", seed=seed)


def test_random_windows_repeat_with_their_seed():
    assert random_windows(1) == random_windows(1) != random_windows(2)
    assert random_windows(None) != random_windows(None)


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(n=0), "n must be a whole number, 1 or more, got 0"),
        (dict(n=2.5), "n must be .*, got 2.5"),
        (dict(size=0), "size must be .*, got 0"),
        (dict(h=0), "h must be .*, got 0"),
        (dict(scale=1.1), r"scale must be in \(0, 1\], got 1.1"),
        (dict(scale=0), r"scale must be in \(0, 1\], got 0"),
        (dict(scale=float("nan")), "scale must be .*, got nan"),
        (dict(kind="centre"), "kind must be one of 'corners', 'ends', 'random', got 'centre'"),
        (dict(n=5), "n must be 4 or less for corners, got 5"),
    ],
)
def test_windows_raises_on_invalid_arguments(change, message):
    with pytest.raises(ValueError, match=message):
        windows(**dict(h=100, w=150, size=64) | change)


# ---- combine


def random_probabilities(view_count, seed=0):
    "Return probabilities [views,6,5] in double precision."
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(view_count, 6, 5, generator=generator).double().softmax(2)


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(0, 99), st.floats(0, 1))
def test_combine_agrees_with_numpy(view_count, seed, beta):
    views = random_probabilities(view_count, seed)
    x = views.numpy()
    lerp = x[0]
    if view_count > 1:
        lerp = beta * x[0] + (1 - beta) * x[1:].mean(0)
    assert np.allclose(combine(views, "mean", beta), x.mean(0), atol=1e-12)
    assert np.allclose(combine(views, "max", beta), x.max(0), atol=1e-12)
    assert np.allclose(combine(views, "lerp", beta), lerp, atol=1e-12)
    assert np.allclose(combine(views, "mean").sum(1), 1)
    assert np.allclose(combine(views, "lerp", beta).sum(1), 1)


def test_max_does_not_sum_to_one():
    assert (combine(random_probabilities(5), "max").sum(1) > 1.01).all()


def test_the_weights_of_five_views():
    "Each view predicts another class with certainty, so the result is the weights."
    views = torch.eye(5)[:, None]
    weights = torch.tensor([[0.25, 0.1875, 0.1875, 0.1875, 0.1875]])
    assert torch.allclose(combine(views, "lerp"), weights, atol=1e-7)
    assert torch.allclose(combine(views, "lerp", 0.2), combine(views, "mean"), atol=1e-7)


@pytest.mark.parametrize(
    "args, message",
    [
        ((torch.zeros(2, 3),), r"shape of preds must be \[views,B,C\], .*, got \[2, 3\]"),
        ((torch.zeros(0, 2, 3),), "one view or more"),
        (
            (torch.zeros(2, 2, 3), "median"),
            "reduce must be one of 'mean', 'max', 'lerp', got 'median'",
        ),
        ((torch.zeros(2, 2, 3), "lerp", 1.5), r"beta must be in \[0, 1\], got 1.5"),
    ],
)
def test_combine_raises_on_invalid_arguments(args, message):
    with pytest.raises(ValueError, match=message):
        combine(*args)


# ---- tta


@pytest.fixture(scope="module")
def learn(small):
    return narrow_learner(get_dls(8, 48, small, STATS))


@pytest.fixture(scope="module")
def views(learn):
    "The predictions of five views, [5,30,10], and the classes [30]."
    return tta(learn, reduce=None)


@pytest.fixture(scope="module")
def mean_prediction(learn):
    "The mean prediction of five views, [30,10]."
    return tta(learn)[0]


def with_weights_of(learn, dls, loss=None):
    "Return a learner on other loaders with the same weights."
    other = narrow_learner(dls, loss)
    other.model.load_state_dict(learn.model.state_dict())
    return other


def test_the_first_view_is_the_validation_sets_own(learn, views):
    preds, targs = views
    plain, expected = learn.get_preds()
    assert preds.shape == (5, 30, 10)
    assert torch.allclose(preds[0], plain, atol=1e-6)
    assert torch.equal(targs, expected)
    for view in preds[1:]:
        assert not torch.allclose(view, plain, atol=1e-4)


@pytest.mark.parametrize(
    "size, n, expected",
    [(48, 4, [40, 40, 20]), (128, 15, [64] * 5), (256, 1, [16, 16, 8]), (256, 16, [17] * 20)],
)
def test_views_are_predicted_in_batches_of_about_a_megapixel(small, size, n, expected):
    learn = tiny_learner(get_dls(8, size, small, STATS))
    batch_sizes = []
    learn.model.register_forward_pre_hook(lambda model, args: batch_sizes.append(len(args[0])))
    dl = learn.dls.test_dl(learn.dls.valid_ds.items[:20], with_labels=True)
    preds, targs = tta(learn, n=n, kind="ends", reduce=None, dl=dl)
    assert batch_sizes == expected
    with learn.no_bar():
        plain, expected_targs = learn.get_preds(dl=dl)
    assert torch.allclose(preds[0], plain, atol=1e-6)
    assert torch.equal(targs, expected_targs)


def predict_window(learn, image, box):
    "Return the prediction for a window: crop, resize, normalize, softmax."
    square = image.crop(box).resize((48, 48), Image.Resampling.BILINEAR)
    x = torch.from_numpy(np.array(square)).permute(2, 0, 1)[None] / 255
    mean, std = (torch.tensor(values)[:, None, None] for values in STATS)
    with torch.no_grad():
        return learn.model.eval()((x - mean) / std).softmax(1)[0]


def test_each_view_is_the_prediction_for_its_window(learn, views):
    preds, _ = views
    index = 11
    image = Image.open(learn.dls.valid_ds.items[index]).convert("RGB")
    boxes = windows(image.height, image.width, 48)
    for box, view in zip(boxes, preds[1:, index], strict=True):
        assert torch.allclose(predict_window(learn, image, box), view, atol=1e-5)


NORMALIZE = Normalize.from_stats(*STATS)
PIPELINES = {  # name -> item transform, batch transforms
    "item only": (Resize(48), [NORMALIZE]),
    "squish": (Resize(64, "squish"), [*aug_transforms(size=48), NORMALIZE]),
    "pad": (Resize((48, 64), "pad"), []),
    "random crop": (RandomResizedCrop(48), [*aug_transforms(), NORMALIZE]),
    "rectangle": (
        Resize((64, 96)),
        [*aug_transforms(size=(32, 48), min_scale=0.75), NORMALIZE],
    ),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_tta_works_with_other_pipelines(learn, small, name):
    item_transform, batch_transforms = PIPELINES[name]
    other = with_weights_of(learn, lesson_loaders(small, 8, item_transform, batch_transforms))
    preds, targs = tta(other, kind="ends", scale=1.0, n=3, reduce=None)
    plain, expected = other.get_preds()
    assert torch.allclose(preds[0], plain, atol=1e-6)
    assert torch.equal(targs, expected)
    assert not torch.allclose(preds[1], preds[3], atol=1e-4)
    if name == "item only":  # the middle window is the centre crop, rounded to whole pixels
        assert torch.allclose(preds[2], plain, atol=2e-2)


def test_tta_works_with_worker_processes(learn, mean_prediction):
    dl = learn.dls.test_dl(learn.dls.valid_ds.items, num_workers=2)
    assert torch.allclose(tta(learn, dl=dl)[0], mean_prediction, atol=1e-6)


def test_tta_normalizes_as_the_loaders_do(learn, small, mean_prediction):
    not_normalized = with_weights_of(learn, get_dls(8, 48, small))
    assert not torch.allclose(tta(not_normalized)[0], mean_prediction, atol=1e-3)


@pytest.fixture
def opened(monkeypatch):
    "A list of the files that Pillow opens; it grows."
    files, pillow_open = [], Image.open

    def recording_open(file, *args, **options):
        files.append(file)
        return pillow_open(file, *args, **options)

    monkeypatch.setattr(Image, "open", recording_open)
    return files


def test_tta_opens_each_file_once(learn, opened):
    tta(learn)
    assert len(opened) == len(set(opened)) == 30


def test_learn_tta_opens_each_file_five_times_with_loaders_of_fastai(learn, small, opened):
    plain = with_weights_of(learn, get_dls(8, 48, small, dl_type=TfmdDL))
    opened.clear()
    plain.tta(n=4)
    assert len(opened) == 5 * 30


@pytest.mark.parametrize("reduce", ["mean", "lerp", "max"])
def test_tta_combines_the_views(learn, views, reduce):
    preds, _ = tta(learn, reduce=reduce)
    assert preds.shape == (30, 10)
    assert torch.allclose(preds, combine(views[0], reduce), atol=1e-6)


@pytest.mark.parametrize("reduce", ["mean", "lerp"])
def test_mean_and_lerp_give_probabilities(learn, reduce):
    preds, _ = tta(learn, reduce=reduce)
    assert torch.allclose(preds.sum(1), torch.ones(30), atol=1e-5)


def test_max_gives_no_probabilities(learn):
    preds, _ = tta(learn, reduce="max")
    assert (preds.sum(1) > 1.0001).all()


# ---- windows for the least certain images


@pytest.mark.parametrize("reduce", ["mean", "lerp", "max"])
@pytest.mark.parametrize("share, count", [(0, 0), (0.25, 8), (1, 30)])
def test_only_the_least_certain_images_get_windows(learn, views, reduce, share, count):
    "0.25 of 30 images are 7.5, which is rounded up."
    plain, full = views[0][0], combine(views[0], reduce)
    unsure = plain.amax(1).argsort()[:count]
    expected = plain.clone()
    expected[unsure] = full[unsure]
    preds, targs = tta(learn, reduce=reduce, unsure=share)
    assert torch.allclose(preds, expected, atol=1e-6)
    assert torch.equal(targs, views[1])
    assert count == 0 or not torch.allclose(expected[unsure], plain[unsure], atol=1e-5)


def test_random_windows_of_unsure_images_are_those_of_all(learn):
    options = dict(kind="random", seed=3)
    full, part = tta(learn, **options)[0], tta(learn, unsure=0.4, **options)[0]
    same = torch.isclose(full, part, atol=1e-6).all(1)
    assert same.sum() == 12


def test_the_network_sees_as_many_views_as_are_needed(learn):
    seen = []
    hook = learn.model.register_forward_hook(lambda model, args, out: seen.append(len(args[0])))
    try:
        tta(learn, unsure=0.5)
    finally:
        hook.remove()
    assert sum(seen) == 30 + 4 * 15


def test_certainty_of_several_labels_is_the_distance_from_one_half():
    preds = torch.tensor([[0.9, 0.52], [0.1, 0.05], [0.7, 0.3]])
    assert least_certain(preds, 2 / 3, multi_label=True).tolist() == [0, 2]
    assert least_certain(preds, 2 / 3).tolist() == [1, 2]


# ---- tta on other loaders


@pytest.fixture(scope="module")
def without_images(learn):
    "The learner as `learn.export` writes it: without images."
    return with_weights_of(learn, learn.dls.new_empty())


def test_tta_raises_without_images(without_images):
    with pytest.raises(ValueError, match=r"dl must be a loader with images, got none.*test_dl"):
        tta(without_images)


def test_tta_of_files_returns_no_labels(learn, without_images, mean_prediction):
    files = list(learn.dls.valid_ds.items)
    for learner in (learn, without_images):
        preds, targs = tta(learner, dl=learner.dls.test_dl(files))
        assert targs is None
        assert torch.allclose(preds, mean_prediction, atol=1e-5)


def test_tta_of_files_with_labels_returns_labels(learn, views):
    files = list(learn.dls.valid_ds.items)
    _, targs = tta(learn, dl=learn.dls.test_dl(files, with_labels=True))
    assert torch.equal(targs, views[1])


def test_tta_does_not_augment_the_training_set(learn):
    first, second = [tta(learn, dl=learn.dls.train, reduce=None)[0] for _ in range(2)]
    assert torch.equal(first, second)
    assert len(first[0]) == 60
    test_dl = learn.dls.test_dl(learn.dls.train_ds.items)
    assert torch.allclose(first, tta(learn, dl=test_dl, reduce=None)[0], atol=1e-5)


def validation_predictions(learn, loss):
    "Return the predictions of `tta` with another loss."
    other = with_weights_of(learn, learn.dls, loss)
    preds, _ = tta(other, dl=learn.dls.test_dl(learn.dls.valid_ds.items))
    return preds


@pytest.mark.parametrize(
    "loss",
    [torch.nn.CrossEntropyLoss(), torch.nn.functional.cross_entropy],
    ids=["module", "function"],
)
def test_torchs_cross_entropy_gives_probabilities(learn, mean_prediction, loss):
    preds = validation_predictions(learn, loss)
    assert preds.min() >= 0 and preds.max() <= 1
    assert torch.allclose(preds, mean_prediction, atol=1e-6)


def test_torchs_binary_cross_entropy_gives_independent_probabilities(learn):
    preds = validation_predictions(learn, torch.nn.BCEWithLogitsLoss())
    assert preds.min() >= 0 and preds.max() <= 1
    assert not torch.allclose(preds.sum(1), torch.ones(30), atol=0.1)


def test_random_windows_differ_between_images_and_repeat_with_their_seed(learn):
    first, second, other = [tta(learn, kind="random", seed=seed)[0] for seed in (1, 1, 2)]
    assert torch.equal(first, second)
    assert not torch.allclose(first, other, atol=1e-5)


def test_tta_accepts_images_of_any_size(learn, tmp_path):
    for size in ((600, 450), (20, 30), (1, 1), (40, 400)):
        Image.effect_noise(size, 80).convert("RGB").save(tmp_path / f"{size}.png")
    preds, _ = tta(learn, dl=learn.dls.test_dl(sorted(tmp_path.iterdir())))
    assert preds.shape == (4, 10)
    assert torch.allclose(preds.sum(1), torch.ones(4), atol=1e-5)


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(n=0), "n must be .*, got 0"),
        (dict(n=5), "n must be 4 or less for corners, got 5"),
        (dict(kind="x"), "kind must be .*, got 'x'"),
        (dict(scale=2), "scale must be .*, got 2"),
        (dict(unsure=1.5), r"unsure must be in \[0, 1\], got 1.5"),
        (dict(unsure=0.5, reduce=None), "unsure must be None for reduce=None, got 0.5"),
        (dict(reduce="x"), "reduce must be .*, got 'x'"),
        (dict(beta=0.5), "beta must be None for reduce='mean', got 0.5"),
        (dict(reduce="lerp", beta=-1), "beta must be .*, got -1"),
    ],
)
def test_tta_raises_on_invalid_arguments(learn, change, message):
    with pytest.raises(ValueError, match=message):
        tta(learn, **change)


def test_tta_raises_on_a_loss_without_classes(learn):
    other = narrow_learner(learn.dls, torch.nn.MSELoss())
    with pytest.raises(ValueError, match="loss must be one of fastai's, .*, got MSELoss"):
        tta(other)


def zeros(item):
    return torch.zeros(3)


def identity(item):
    return item


def test_tta_raises_on_a_loader_without_images(learn):
    loaders = Datasets([1, 2], [[zeros], [identity]]).dataloaders(bs=2)
    dl = loaders.valid.new(Datasets([1, 2], [[zeros]]))
    with pytest.raises(TypeError, match="items must be images, from which tta cuts windows, got"):
        tta(learn, dl=dl)


# ---- Claims of the chapter about fastai


def test_learn_tta_averages_logits_with_torchs_loss(learn):
    other = narrow_learner(learn.dls, torch.nn.CrossEntropyLoss())
    preds, _ = other.tta(n=1)
    assert preds.min() < 0


@pytest.fixture
def passes(learn, monkeypatch):
    "A list of the predictions of each pass of `learn.tta`, the plain one last; it grows."
    predictions, get_preds = [], learn.get_preds

    def recording_get_preds(**options):
        result = get_preds(**options)
        predictions.append(result[0])
        return result

    monkeypatch.setattr(learn, "get_preds", recording_get_preds, raising=False)
    return predictions


def test_learn_tta_is_combine_with_lerp(learn, passes):
    preds, _ = learn.tta(n=4)
    *augmented, plain = passes
    assert len(passes) == 5
    combined = combine(torch.stack([plain, *augmented]), "lerp")
    assert torch.allclose(combined, preds, atol=1e-6)


def test_learn_tta_with_use_max_is_combine_with_max(learn, passes):
    preds, _ = learn.tta(n=4, use_max=True)
    assert torch.equal(combine(torch.stack(passes), "max"), preds)
    assert (preds.sum(1) > 1).all()


def test_resize_crops_the_centre_in_validation_and_anywhere_in_training():
    photo = PILImage.create(photos()["china"])

    def crop(split):
        return np.asarray(Resize(64)(photo, split_idx=split)).tobytes()

    assert crop(1) == crop(1)
    assert len({crop(0) for _ in range(8)}) > 1
