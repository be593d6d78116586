"What an explorer computes with numpy equals the chapters' torch functions."

import numpy as np
import pytest
import torch
from PIL import Image

from lesson7.data.images import as_array, as_image, crop_resized
from lesson7.explorers.mixup import blend, one_hot_rows
from lesson7.explorers.normalize import channel_stats, standardize
from lesson7.explorers.resize import area_mean
from lesson7.explorers.smoothing import cross_entropy, logit_gradient, one_hot_row, smoothed
from lesson7.explorers.tta import combine_views
from lesson7.mixup import beta_density, mix, one_hot
from lesson7.normalize import NormStats, batch_stats, normalize
from lesson7.resize import downsize
from lesson7.smoothing import smooth_labels, smoothed_cross_entropy
from lesson7.tta import combine

EXACT = 1e-12  # float64 on both sides
SINGLE = 1e-6  # float32


def random_array(*shape, seed=0):
    return np.random.default_rng(seed).random(shape)


def is_equal(ours, theirs, tolerance=EXACT):
    "Return whether an array and a tensor have the same shape and values."
    theirs = theirs.detach().numpy()
    return ours.shape == theirs.shape and abs(ours - theirs).max() < tolerance


@pytest.mark.parametrize("shape", [(1, 3, 2, 2), (5, 3, 7, 9), (2, 1, 64, 64)])
def test_statistics_and_normalization(shape):
    x = random_array(*shape)
    tensor = torch.from_numpy(x)
    ours, theirs = channel_stats(x), batch_stats(tensor)
    assert np.allclose(ours.mean + ours.std, theirs.mean + theirs.std, rtol=0, atol=EXACT)
    assert ours.n == theirs.n and ours.source == theirs.source
    imagenet = NormStats.imagenet()
    for stats in (ours, imagenet) if shape[1] == 3 else (ours,):
        assert is_equal(standardize(x, stats), normalize(tensor, stats))


@pytest.mark.parametrize("height, width", [(1, 1), (17, 40), (64, 64), (256, 256)])
@pytest.mark.parametrize("size", [1, 16, 48, 224])
def test_area_downsizing(height, width, size):
    x = random_array(3, height, width)
    assert is_equal(area_mean(x, size), downsize(torch.from_numpy(x), size))


def torch_crop(image, box, side):
    "Return a box of a tensor [3,H,W] as torch resizes it, black outside the image."
    height, width = image.shape[1:]
    edge = max(0, -box[0], -box[1], box[2] - width, box[3] - height)
    padded = torch.nn.functional.pad(image, (edge,) * 4)
    x0, y0, x1, y1 = (v + edge for v in box)
    part = padded[None, :, y0:y1, x0:x1]
    options = dict(mode="bilinear", antialias=True)
    return torch.nn.functional.interpolate(part, (side, side), **options)[0]


BOXES = [(0, 0, 90, 60), (3, 5, 43, 45), (0, -15, 90, 75), (-20, 0, 70, 90), (7, 9, 8, 10)]


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("side", [1, 32, 40, 96])
def test_crops_with_antialiasing(box, side):
    image = random_array(3, 60, 90)
    theirs = torch_crop(torch.from_numpy(image), box, side)
    assert is_equal(crop_resized(image, box, side), theirs, SINGLE)


@pytest.mark.parametrize("reduce", ["mean", "max", "lerp"])
@pytest.mark.parametrize("views", [1, 2, 9])
def test_combined_predictions(views, reduce):
    preds = random_array(views, 4)
    theirs = combine(torch.from_numpy(preds)[:, None], reduce)[0]
    assert is_equal(combine_views(preds, reduce), theirs)


@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
def test_blends_and_targets(t):
    a, b = random_array(2, 3, 8, 8)
    assert is_equal(blend(a, b, t), mix(torch.from_numpy(a), torch.from_numpy(b), t))
    classes = [2, 7, 7]
    assert is_equal(one_hot_rows(classes, 10), one_hot(torch.tensor(classes), 10))


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0, 4.0])
def test_density(alpha):
    t = np.arange(1, 100) / 100
    theirs = torch.distributions.Beta(alpha, alpha).log_prob(torch.from_numpy(t)).exp()
    assert is_equal(beta_density(t, alpha), theirs, 1e-6)
    assert is_equal(beta_density(t, alpha), beta_density(torch.from_numpy(t), alpha))


@pytest.mark.parametrize("n", [2, 10, 1000])
@pytest.mark.parametrize("eps", [0.0, 0.1, 0.9])
def test_smoothing_loss_and_gradient(n, eps):
    label = n - 1
    hard = one_hot_row(label, n)
    target = smoothed(hard, eps)
    y = torch.from_numpy(hard)[None]
    assert is_equal(target[None], smooth_labels(y, n, eps))
    logits = torch.from_numpy(random_array(1, n) * 8).requires_grad_()
    loss = smoothed_cross_entropy(logits, y, eps)
    (gradient,) = torch.autograd.grad(loss, logits)
    probs = logits.detach().softmax(1)[0].numpy()
    assert abs(cross_entropy(target, probs) - loss.item()) < EXACT
    assert is_equal(logit_gradient(target, probs)[None], gradient)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_any_tensor_becomes_an_array(dtype):
    x = torch.rand(3, 4, 5).to(dtype).requires_grad_()
    assert (as_array(x) == x.detach().float().numpy()).all()
    expected = np.rint(255 * as_array(x).astype(float)).transpose(1, 2, 0)
    assert isinstance(as_image(x), Image.Image)
    assert abs(np.asarray(as_image(x)) - expected).max() <= 1


def test_fastais_tensors_become_arrays():
    from fastai.vision.all import TensorImage

    x = TensorImage(torch.rand(3, 4, 5))
    assert type(as_array(x)) is np.ndarray and (as_array(x) == x.numpy()).all()
