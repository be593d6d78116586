"""The views of `tta`: each window is `crop(box).resize(size)`, whatever the loader's transforms.

The model's inputs are recorded and compared with windows that Pillow cuts from the files.
"""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from learners import tiny_network
from PIL import Image, ImageFilter, ImageOps

from lesson7.inference import predict
from lesson7.smoothing import smoothed_cross_entropy
from lesson7.tta import tta, windows

STATS = (0.4, 0.37, 0.35), (0.21, 0.2, 0.19)
SHAPES = [(300, 240), (97, 250), (200, 200), (150, 170)]  # width, height


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    "Four PNG files of two classes, of different sizes, with structure and noise in them."
    root = tmp_path_factory.mktemp("views")
    rng = np.random.default_rng(0)
    for i, (width, height) in enumerate(SHAPES):
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        waves = np.stack([np.sin(x / 9), np.cos(y / 7), np.sin((x + y) / 11)], -1)
        noisy = 127 + 80 * waves + rng.normal(0, 30, (height, width, 3))
        file = root / "ab"[i % 2] / f"{i}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(file)
    return root


def fastai():
    import fastai.vision.all as names

    return names


def make_learner(folder, item=None, batch=None, bs=4, block=None, loss=None):
    "Return a learner whose validation set is all files, and the list of the model's inputs."
    v = fastai()
    dls = v.DataBlock(
        (block or v.ImageBlock, v.CategoryBlock),
        get_items=lambda path: sorted(path.glob("*/*.png")),
        get_y=v.parent_label,
        splitter=lambda files: (list(range(len(files))), list(range(len(files)))),
        item_tfms=item,
        batch_tfms=batch,
    ).dataloaders(folder, bs=bs, num_workers=0, device="cpu")
    learn = v.Learner(dls, tiny_network(dls.c), loss_func=loss or v.CrossEntropyLossFlat())
    learn.remove_cb(learn.progress)
    seen = []
    learn.model.register_forward_pre_hook(lambda model, args: seen.append(args[0].clone()))
    return learn, seen


def recorded_views(learn, seen, n, **options):
    "Return the model's inputs for each image, [views,3,H,W], and the predictions of `tta`."
    seen.clear()
    preds, _ = tta(learn, n=n, reduce=None, **options)
    views = []
    for batch in seen:
        by_view = batch.as_subclass(torch.Tensor).unflatten(0, (n + 1, -1))
        views += list(by_view.transpose(0, 1))
    return views, preds


def cut_by_hand(file, size, normalize=True, mode="RGB", **options):
    "Return the windows of a file as Pillow cuts and resizes them, [n,C,H,W]."
    image = Image.open(file).convert(mode)
    height, width = size
    found = []
    for box in windows(image.height, image.width, max(size), **options):
        pixels = np.asarray(image.crop(box).resize((width, height), Image.Resampling.BILINEAR))
        found.append(np.moveaxis(np.atleast_3d(pixels), -1, 0) / 255)
    x = np.stack(found)
    mean, std = (np.array(values)[:, None, None] for values in STATS)
    return (x - mean) / std if normalize else x


def check_windows(learn, seen, size, n=4, kind="corners", **options):
    "Assert that plain views are validation's, and that windows are those cut by hand."
    views, preds = recorded_views(learn, seen, n, kind=kind)
    if not any("RatioResize" in t.name for t in learn.dls.after_item.fs):  # it draws a place
        plain, _ = learn.get_preds()
        assert torch.allclose(preds[0], plain, atol=1e-6)
    files = learn.dls.valid_ds.items
    assert len(views) == len(files)
    for file, view in zip(files, views):
        own_size = size or tuple(view.shape[-2:])
        expected = cut_by_hand(file, own_size, n=n, kind=kind, **options)
        assert view[1:].shape == expected.shape
        assert np.abs(view[1:].numpy() - expected).max() < 1e-5, file


# ---- fastai's transforms


def item_pipelines():
    "Return name -> fastai item transforms, and the height and width that they end at."
    v = fastai()
    return {
        "Resize crop": (v.Resize(48), (48, 48)),
        "Resize squish": (v.Resize(48, "squish"), (48, 48)),
        "Resize pad": (v.Resize((48, 64), "pad", "zeros"), (48, 64)),
        "Resize reflection": (v.Resize(40, "pad", "reflection"), (40, 40)),
        "RandomResizedCrop": (v.RandomResizedCrop(48), (48, 48)),
        "RandomResizedCrop of a part": (v.RandomResizedCrop(40, min_scale=0.75), (40, 40)),
        "RandomCrop": (v.RandomCrop(64), (64, 64)),
        "CropPad": (v.CropPad(64), (64, 64)),
        "CropPad larger": (v.CropPad((320, 340), pad_mode="border"), (320, 340)),
        "OldRandomCrop": (v.OldRandomCrop(56), (56, 56)),
        "RatioResize, Resize": ([v.RatioResize(128), v.Resize(48)], (48, 48)),
        "RatioResize, CropPad": ([v.CropPad(60), v.RatioResize(60)], (60, 60)),
        "Resize, RandomCrop": ([v.Resize(80), v.RandomCrop(48)], (48, 48)),
        "RandomResizedCrop, Resize": ([v.RandomResizedCrop(96), v.Resize(32)], (32, 32)),
        "FlipItem": ([v.Resize(48), v.FlipItem()], (48, 48)),
        "DihedralItem": ([v.DihedralItem(), v.Resize(48)], (48, 48)),
    }


def batch_pipelines():
    "Return name -> fastai batch transforms, and the size that they end at; None: the item's."
    v = fastai()
    return {
        "nothing": ([], None),
        "aug_transforms": (v.aug_transforms(), None),
        "aug_transforms, size": (v.aug_transforms(size=32), (32, 32)),
        "aug_transforms, rectangle": (v.aug_transforms(size=(24, 40)), (24, 40)),
        "aug_transforms, min_scale": (v.aug_transforms(size=36, min_scale=0.5), (36, 36)),
        "RandomResizedCropGPU": ([v.RandomResizedCropGPU(28, valid_scale=0.8)], (28, 28)),
        "Flip": ([v.Flip(size=30)], (30, 30)),
        "Dihedral": ([v.Dihedral()], None),
        "DeterministicDihedral": ([v.DeterministicDihedral()], None),
        "DeterministicFlip": ([v.DeterministicFlip()], None),
        "Rotate": ([v.Rotate(30, p=1)], None),
        "Zoom": ([v.Zoom(2, 3, p=1, size=44)], (44, 44)),
        "Warp": ([v.Warp(0.4, p=1)], None),
        "lighting": ([v.Brightness(p=1), v.Contrast(p=1)], None),
        "colour": ([v.Saturation(p=1), v.Hue(p=1)], None),
        "RandomErasing": ([v.RandomErasing(p=1)], None),
    }


def with_normalize(transforms):
    return [*transforms, fastai().Normalize.from_stats(*STATS)]


@pytest.mark.parametrize("name", item_pipelines())
def test_windows_with_fastais_item_transforms(folder, name):
    item, size = item_pipelines()[name]
    check_windows(*make_learner(folder, item, with_normalize([])), size)


@pytest.mark.parametrize("name", batch_pipelines())
def test_windows_with_fastais_batch_transforms(folder, name):
    batch, size = batch_pipelines()[name]
    learn, seen = make_learner(folder, fastai().Resize(64), with_normalize(batch))
    check_windows(learn, seen, size or (64, 64))


@pytest.mark.parametrize("kind, n", [("corners", 1), ("corners", 3), ("ends", 5)])
@pytest.mark.parametrize("name", ["nothing", "aug_transforms"])
def test_windows_of_batches_of_one_without_a_resize(folder, name, kind, n):
    "Every image keeps its size, and so do its windows."
    batch, _ = batch_pipelines()[name]
    learn, seen = make_learner(folder, None, with_normalize(batch), bs=1)
    check_windows(learn, seen, None, n, kind)


def test_windows_of_batches_of_one_that_the_batch_transforms_resize(folder):
    batch, size = batch_pipelines()["aug_transforms, size"]
    check_windows(*make_learner(folder, None, with_normalize(batch), bs=1), size)


@settings(deadline=None, max_examples=8, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(sorted(item_pipelines())),
    st.sampled_from(sorted(batch_pipelines())),
    st.sampled_from([1, 3, 4]),
    st.sampled_from(["corners", "ends"]),
    st.integers(1, 4),
)
def test_windows_with_any_of_fastais_pipelines(folder, item, batch, bs, kind, n):
    item, size = item_pipelines()[item]
    batch, final = batch_pipelines()[batch]
    learn, seen = make_learner(folder, item, with_normalize(batch), bs)
    check_windows(learn, seen, final or size, n, kind)


def test_windows_of_grey_images(folder):
    v = fastai()
    block = v.ImageBlock(v.PILImageBW)
    learn, seen = make_learner(folder, v.RandomResizedCrop(48), block=block)
    learn.model = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten())
    learn.model.append(torch.nn.Linear(16, 2))
    learn.model.register_forward_pre_hook(lambda model, args: seen.append(args[0].clone()))
    views, _ = recorded_views(learn, seen, 4)
    for file, view in zip(learn.dls.valid_ds.items, views):
        expected = cut_by_hand(file, (48, 48), normalize=False, mode="L")
        assert np.abs(view[1:].numpy() - expected).max() < 1e-5


# ---- A reader's transforms


def image_function(function):
    "Return a function of images for a `Transform`."
    v = fastai()

    def transform(x: v.PILImage):
        return v.PILImage.create(function(x))

    return "item", transform


def batch_function(function):
    "Return a function of batches in [0,1] for a `Transform`."
    v = fastai()

    def transform(x: v.TensorImage):
        return function(x)

    return "batch", transform


def posterized(x):
    return ImageOps.posterize(Image.Image.copy(x), 3)


def swapped(x):
    return Image.merge("RGB", x.split()[::-1])


def first_channel(x):
    return x * 0 + x[:, :1]


def stretched(x):
    low, high = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)
    return (x - low) / (high - low)


# Name -> where it is applied, what a reader may add, the same with NumPy.
KEEPS = {
    "invert": (image_function, ImageOps.invert, lambda x: 255 - x),
    "posterize": (image_function, posterized, lambda x: x & 0b11100000),
    "red and blue swapped": (image_function, swapped, lambda x: x[..., ::-1]),
    "gamma": (batch_function, lambda x: x**2.2, lambda x: x**2.2),
    "first channel": (batch_function, first_channel, first_channel),
    "darker": (
        batch_function,
        lambda x: (x * 0.5).clamp(0.1),
        lambda x: np.maximum(x / 2, 0.1),
    ),
}
MOVES = {
    "mirror": (image_function, ImageOps.mirror),
    "upside_down": (image_function, ImageOps.flip),
    "own_resize": (image_function, lambda x: x.resize((48, 48))),
    "thumbnail": (image_function, lambda x: ImageOps.contain(x, (40, 40))),
    "centre_crop": (image_function, lambda x: ImageOps.fit(x, (50, 50))),
    "square_padding": (image_function, lambda x: ImageOps.pad(x, (90, 90))),
    "rotation": (image_function, lambda x: x.rotate(10)),
    "quarter_turn": (image_function, lambda x: x.transpose(Image.Transpose.ROTATE_90)),
    "blur": (image_function, lambda x: x.filter(ImageFilter.GaussianBlur(2))),
    "autocontrast": (image_function, ImageOps.autocontrast),
    "equalize": (image_function, ImageOps.equalize),
    "mirrored_batch": (batch_function, lambda x: x.flip(-1)),
    "shift": (batch_function, lambda x: torch.roll(x, 3, -1)),
    "interpolation": (batch_function, lambda x: F.interpolate(x, 24)),
    "pooling": (batch_function, lambda x: F.avg_pool2d(x, 2)),
    "frame": (batch_function, lambda x: F.pad(x, (2, 2, 2, 2))),
    "transposed": (batch_function, lambda x: x.transpose(-1, -2)),
    "watermark": (batch_function, lambda x: x + torch.eye(48)),
    "min_max_scaling": (batch_function, stretched),
    "mean_subtraction": (batch_function, lambda x: x - x.mean((2, 3), keepdim=True)),
    "brightest_is_one": (batch_function, lambda x: x / x.amax((1, 2, 3), keepdim=True)),
}


def learner_with(folder, place, function, name):
    v = fastai()
    function.__name__ = function.__qualname__ = name
    if place == "item":
        # After Resize, which has order 1, and before ToTensor.
        return make_learner(folder, [v.Resize(48), v.Transform(function, order=2)])
    return make_learner(folder, v.Resize(48), [v.Transform(function, order=20)])


@pytest.mark.parametrize("name", KEEPS)
def test_a_transform_that_only_changes_colours_is_applied_to_windows(folder, name):
    wrap, function, by_hand = KEEPS[name]
    place, transform = wrap(function)
    learn, seen = learner_with(folder, place, transform, name)
    views, preds = recorded_views(learn, seen, 4)
    assert torch.allclose(preds[0], learn.get_preds()[0], atol=1e-6)
    for file, view in zip(learn.dls.valid_ds.items, views):
        x = cut_by_hand(file, (48, 48), normalize=False)
        if place == "item":
            levels = np.rint(np.moveaxis(x, 1, -1) * 255).astype(np.uint8)
            x = np.moveaxis(by_hand(levels), -1, 1) / 255
        else:
            x = by_hand(x)
        assert np.abs(view[1:].numpy() - x).max() < 1e-5


@pytest.mark.parametrize("name", MOVES)
def test_a_transform_that_moves_or_scales_pixels_is_rejected_by_name(folder, name):
    wrap, function = MOVES[name]
    learn, _ = learner_with(folder, *wrap(function), name)
    with pytest.raises(ValueError, match="transforms must be fastai's, or .* got ") as e:
        tta(learn)
    assert f" got {name}, " in str(e.value) and "\n" not in str(e.value)


def test_classes_of_a_reader_are_rejected_by_name_too(folder):
    v = fastai()

    class SmallerImage(v.Transform):
        order = 2

        def encodes(self, x: v.PILImage):
            return v.PILImage.create(x.resize((24, 24)))

    class MirrorInValidation(v.FlipItem):
        split_idx = 1

    class OwnZoom(v.Zoom):
        def encodes(self, x: v.TensorImage):
            return x.flip(-2)

    def half(items):
        return [(v.TensorImage(image[..., ::2, ::2]), *labels) for image, *labels in items]

    cases = {
        "SmallerImage": make_learner(folder, [v.Resize(48), SmallerImage()]),
        "MirrorInValidation": make_learner(folder, [v.Resize(48), MirrorInValidation()]),
        "OwnZoom": make_learner(folder, v.Resize(48), [OwnZoom()]),
    }
    for name, (learn, _) in cases.items():
        with pytest.raises(ValueError, match=f" got {name}, "):
            tta(learn)
    learn, _ = make_learner(folder, v.Resize(48))
    dl = learn.dls.valid.new(before_batch=[half])
    with pytest.raises(ValueError, match=" got .*half, "):
        tta(learn, dl=dl)


# ---- Loaders and learners


def own_image_class():
    "Return an image class of a reader, which opens files in its own way."
    v = fastai()

    class OwnImage(v.PILImage):
        @classmethod
        def create(cls, file):
            return cls(Image.open(file).convert("RGB"))

    return OwnImage


def test_windows_of_a_readers_own_image_class(folder):
    v = fastai()
    learn, seen = make_learner(folder, v.Resize(48), block=v.ImageBlock(own_image_class()))
    views, preds = recorded_views(learn, seen, 4)
    assert torch.allclose(preds[0], learn.get_preds()[0], atol=1e-6)
    for file, view in zip(learn.dls.valid_ds.items, views):
        expected = cut_by_hand(file, (48, 48), normalize=False)
        assert np.abs(view[1:].numpy() - expected).max() < 1e-5


def two_targets(folder):
    "Return a learner for the class and for a number, with a single output."
    v = fastai()
    dls = v.DataBlock(
        (v.ImageBlock, v.CategoryBlock, v.RegressionBlock),
        n_inp=1,
        get_items=lambda path: sorted(path.glob("*/*.png")),
        get_y=[v.parent_label, lambda file: float(len(file.stem))],
        splitter=lambda files: (list(range(len(files))), list(range(len(files)))),
        item_tfms=v.Resize(48),
    ).dataloaders(folder, bs=4, num_workers=0, device="cpu")
    loss = torch.nn.CrossEntropyLoss()
    learn = v.Learner(dls, tiny_network(2), loss_func=lambda preds, y, number: loss(preds, y))
    learn.loss_func.activation = lambda logits: logits.softmax(1)
    learn.remove_cb(learn.progress)
    return learn


def test_two_targets_of_a_model_with_one_output(folder):
    learn = two_targets(folder)
    preds, targs = tta(learn, reduce=None)
    plain, labels = learn.get_preds()
    assert torch.allclose(preds[0], plain, atol=1e-6)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(targs, labels))


def test_a_model_with_two_outputs_is_rejected(folder):
    learn, _ = make_learner(folder, fastai().Resize(32))
    plain = learn.model.forward
    learn.model.forward = lambda x: (plain(x), plain(x))
    learn.loss_func = lambda preds, y: torch.tensor(0.0)
    learn.loss_func.activation = lambda preds: preds
    with pytest.raises(ValueError, match="model must be one with a single output, got a "):
        tta(learn)


def test_labels_that_have_a_place_in_the_image_are_rejected(folder):
    v = fastai()
    files = sorted(folder.glob("*/*.png"))
    cases = {
        "PILMask": (v.MaskBlock, lambda file: Image.open(file).convert("L")),
        "TensorPoint": (v.PointBlock, lambda file: [[3.0, 4.0]]),
        "PILImage": (v.ImageBlock, lambda file: file),
    }
    for kind, (block, get_y) in cases.items():
        blocks = (v.ImageBlock, block)
        data = v.DataBlock(
            blocks, get_y=get_y, item_tfms=v.Resize(32), splitter=v.IndexSplitter([0])
        )
        dls = data.dataloaders(files, bs=2, num_workers=0)
        learn = v.Learner(dls, tiny_network(2), loss_func=v.CrossEntropyLossFlat())
        with pytest.raises(ValueError, match="learn must be a classifier .*, got no dls.vocab"):
            tta(learn)
        learn, _ = make_learner(folder, v.Resize(32))
        with pytest.raises(TypeError, match=f"one image with classes or numbers, got a {kind} too"):
            tta(learn, dl=dls.valid)


def test_a_loader_that_is_not_fastais_is_rejected(folder):
    learn, _ = make_learner(folder, fastai().Resize(32))
    with pytest.raises(TypeError, match="dl must be a fastai loader, .* got a "):
        tta(learn, dl=torch.utils.data.DataLoader([1]))
    with pytest.raises(TypeError, match="images must be .* loaders, one or many, got an int"):
        tta(learn, dl=[1])


def test_tta_leaves_the_loaders_transforms_as_they_were(folder):
    learn, _ = make_learner(folder, fastai().Resize(32), fastai().aug_transforms(size=24))
    for dl in learn.dls.loaders:
        pipelines = [dl.after_item, dl.before_batch, dl.after_batch]
        for pipeline in pipelines:
            pipeline.split_idx = 0
        before = [(list(p.fs), p.split_idx) for p in pipelines]
        tta(learn, dl=dl)
        assert [(list(p.fs), p.split_idx) for p in pipelines] == before


LOSSES = {
    "smoothed_cross_entropy": smoothed_cross_entropy,
    "a partial of it": partial(smoothed_cross_entropy, eps=0.2),
    "a partial of torch's": partial(F.cross_entropy, label_smoothing=0.1),
    "a partial of a partial": partial(partial(F.cross_entropy), label_smoothing=0.1),
    "a subclass": type("Own", (torch.nn.CrossEntropyLoss,), {})(),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_the_package_and_of_torch_give_probabilities(folder, name):
    learn, _ = make_learner(folder, fastai().Resize(32), loss=LOSSES[name])
    expected, _ = make_learner(folder, fastai().Resize(32))
    assert torch.allclose(tta(learn)[0], tta(expected)[0], atol=1e-6)


@pytest.mark.parametrize("name", [*LOSSES, "torch's", "interrupted"])
@pytest.mark.parametrize("use_tta", [True, False])
def test_predict_gives_probabilities_with_any_loss(folder, name, use_tta):
    loss = LOSSES.get(name, torch.nn.CrossEntropyLoss())
    learn, _ = make_learner(folder, fastai().Resize(32), loss=loss)
    if name == "interrupted":
        mixing = fastai().MixUp()
        mixing.old_lf = loss
        learn.loss_func = mixing.lf
    files = list(learn.dls.valid_ds.items)
    expected = tta(learn)[0] if use_tta else None
    if expected is None:
        x = learn.dls.test_dl(files).one_batch()[0]
        with torch.no_grad():
            expected = learn.model.eval()(x).softmax(1)
    for prediction, row in zip(predict(learn, files, use_tta), expected.tolist(), strict=True):
        assert list(prediction.probabilities.values()) == pytest.approx(row, abs=1e-6)
        assert sum(row) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("callback", ["MixUp", "CutMix"])
@pytest.mark.parametrize("event", ["after_batch", "after_loss", "before_step"])
@pytest.mark.parametrize("kept", [True, False], ids=["in the learner", "in the fit"])
def test_a_learner_after_an_interrupted_fit_with_mixup(folder, callback, event, kept):
    v = fastai()
    learn, _ = make_learner(folder, v.Resize(32), bs=3)
    mixing = getattr(v, callback)(0.4)

    class Stop(v.Callback):
        pass

    def stop(self):
        raise KeyboardInterrupt

    setattr(Stop, event, stop)
    cbs = [Stop()] if kept else [mixing, Stop()]
    if kept:
        learn.add_cb(mixing)
    with learn.no_bar(), learn.no_logging(), pytest.raises(KeyboardInterrupt):
        learn.fit(1, cbs=cbs)
    left = learn.loss_func
    preds, targs = tta(learn)
    assert learn.loss_func is left or learn.loss_func == left
    other, _ = make_learner(folder, v.Resize(32), bs=3)
    other.model.load_state_dict(learn.model.state_dict())
    expected, same = tta(other)
    assert torch.allclose(preds, expected, atol=1e-6) and torch.equal(targs, same)


@pytest.mark.parametrize("parameter", ["n", "scale"])
def test_windows_do_not_depend_on_the_batch_size(folder, parameter):
    options = dict(n=2) if parameter == "n" else dict(scale=0.5)
    results = []
    for bs in (1, 2, 3):
        learn, _ = make_learner(folder, fastai().RandomResizedCrop(40), bs=bs)
        results.append(tta(learn, reduce=None, **options)[0])
    assert torch.allclose(results[0], results[1], atol=1e-6)
    assert torch.allclose(results[0], results[2], atol=1e-6)
