"Right answers to every exercise: with torch, with NumPy, with plain loops, and in other ways."

import itertools
import math
import random
from fractions import Fraction
from functools import wraps

import numpy as np
import torch
import torch.nn.functional as F


def with_arrays(fn):
    "Return `fn`, called with NumPy arrays in place of tensors."

    @wraps(fn)
    def call(*args):
        arrays = [arg.numpy() if isinstance(arg, torch.Tensor) else arg for arg in args]
        return fn(*arrays)

    return call


# ---- Normalization


def batch_stats_with_kept_axes(x):
    return x.mean((0, 2, 3), keepdim=True), x.std((0, 2, 3), keepdim=True)


def stacked_batch_stats(x):
    std, mean = torch.std_mean(x.transpose(0, 1).flatten(1), 1)
    return torch.stack([mean, std])


def yielded_batch_stats(x):
    channels = np.asarray(x).swapaxes(0, 1)
    yield [channel.mean() for channel in channels]
    yield [channel.std(ddof=1) for channel in channels]


def batch_norm_normalize(x, mean, std):
    return F.batch_norm(x, mean, std**2, eps=0)


def moved_normalize(x, mean, std):
    return x.movedim(1, -1).sub(mean).div(std).movedim(-1, 1)


def stacked_normalize(x, mean, std):
    parts = zip(x.unbind(1), mean, std, strict=True)
    return torch.stack([(part - m) / s for part, m, s in parts], dim=1)


def addcmul_denormalize(x, mean, std):
    return torch.addcmul(mean.view(-1, 1, 1), x, std.view(-1, 1, 1))


def inverse_denormalize(x, mean, std):
    return torch_normalize(x, -mean / std, 1 / std)


def einsum_denormalize(x, mean, std):
    return torch.einsum("bchw,c->bchw", x.double(), std.double()) + mean.double()[:, None, None]


def torch_batch_stats(x):
    return x.mean(dim=[0, 2, 3]), x.std(dim=[0, 2, 3])


@with_arrays
def numpy_batch_stats(x):
    return x.mean((0, 2, 3)), x.std((0, 2, 3), ddof=1)


def loop_batch_stats(x):
    means, stds = [], []
    for channel in x.transpose(0, 1):
        values = channel.flatten().tolist()
        mean = sum(values) / len(values)
        squares = sum((value - mean) ** 2 for value in values)
        means.append(mean)
        stds.append(math.sqrt(squares / (len(values) - 1)))
    return means, stds


def torch_normalize(x, mean, std):
    return (x - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1)


@with_arrays
def numpy_normalize(x, mean, std):
    channels_last = x.transpose(0, 2, 3, 1)
    return ((channels_last - mean) / std).transpose(0, 3, 1, 2)


def loop_normalize(x, mean, std):
    out = x.clone()
    for c in range(len(mean)):
        out[:, c] = (x[:, c] - mean[c]) / std[c]
    return out


def torch_denormalize(x, mean, std):
    return x * std[:, None, None] + mean[:, None, None]


@with_arrays
def numpy_denormalize(x, mean, std):
    return np.einsum("bchw,c->bchw", x, std) + mean[:, None, None]


def loop_denormalize(x, mean, std):
    out = x.clone()
    for c in range(len(mean)):
        out[:, c] = x[:, c] * std[c] + mean[c]
    return out


# ---- Progressive resizing


def torch_epochs_trained(stages):
    epochs = torch.tensor(stages).reshape(-1, 2)[:, 1]
    return epochs.sum() + max(len(stages) - 1, 0)


def numpy_epochs_trained(stages):
    epochs = np.array(stages).reshape(-1, 2)[:, 1] + 1
    return max(epochs.sum() - 1, 0)


def loop_epochs_trained(stages):
    total = 0
    for i, (_, epochs) in enumerate(stages):
        total += epochs if i == 0 else epochs + 1
    return total


def recursive_epochs_trained(stages):
    if len(stages) < 2:
        return sum(epochs for _, epochs in stages)
    return recursive_epochs_trained(stages[:-1]) + stages[-1][1] + 1


def sliced_epochs_trained(stages):
    first = [epochs for _, epochs in stages[:1]]
    later = [epochs + 1 for _, epochs in stages[1:]]
    return np.float32(sum(first + later))


def exact_relative_cost(stages):
    epochs = [count + (i > 0) for i, (_, count) in enumerate(stages)]
    sizes = [size for size, _ in stages]
    shares = [Fraction(size, max(sizes)) ** 2 for size in sizes]
    return sum(share * count for share, count in zip(shares, epochs)) / sum(epochs)


def averaged_relative_cost(stages):
    sizes, epochs = np.array(stages).T
    weights = [epochs[0], *(epochs[1:] + 1)]
    return np.average((sizes / sizes.max()) ** 2, weights=weights)


def interpolated_downsize(x, size):
    return F.interpolate(x[None], size=(size, size), mode="area")


def convolved_downsize(x, size):
    side = x.shape[1] // size
    kernel = torch.full((1, 1, side, side), 1 / side**2, dtype=x.dtype)
    return F.conv2d(x[:, None], kernel, stride=side)[:, 0]


def reduced_downsize(x, size):
    side = x.shape[1] // size
    starts = range(0, x.shape[1], side)
    rows = torch.stack([x[:, i : i + side].mean(1) for i in starts], 1)
    return torch.stack([rows[:, :, i : i + side].mean(2) for i in starts], 2)


def table_cost(stages):
    "Return the relative cost of a table [stages,2] of sizes and epochs."
    size, epochs = stages[:, 0], stages[:, 1] + 1
    epochs[0] -= 1
    return (epochs * size**2).sum() / (epochs.sum() * size.max() ** 2)


def torch_relative_cost(stages):
    return table_cost(torch.tensor(stages).double())


def numpy_relative_cost(stages):
    return table_cost(np.array(stages, float))


def loop_relative_cost(stages):
    largest = max(size for size, _ in stages)
    cost, total = 0, 0
    for i, (size, epochs) in enumerate(stages):
        trained = epochs + 1 if i else epochs
        cost += trained * (size / largest) ** 2
        total += trained
    return cost / total


def torch_downsize(x, size):
    return F.avg_pool2d(x, x.shape[1] // size)


@with_arrays
def numpy_downsize(x, size):
    side = x.shape[1] // size
    return x.reshape(len(x), size, side, size, side).mean((2, 4))


def block_mean(rows, left, side):
    "Return the mean of the square that begins at column `left` of some rows."
    return sum(sum(row[left : left + side]) for row in rows) / side**2


def downsize_channel(channel, size):
    side = len(channel) // size
    starts = range(0, size * side, side)
    out = []
    for top in starts:
        rows = channel[top : top + side]
        out.append([block_mean(rows, left, side) for left in starts])
    return out


def loop_downsize(x, size):
    return [downsize_channel(channel, size) for channel in x.tolist()]


# ---- Test time augmentation


def array_softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def list_softmax(logits):
    powers = [math.exp(logit - max(logits)) for logit in logits]
    return [power / sum(powers) for power in powers]


def combine_with_kept_axis(logits):
    return logits.log_softmax(-1).exp().mean(0, keepdim=True)


def added_combine(logits):
    total = 0
    for view in logits:
        total = total + torch.exp(view - view.logsumexp(1, keepdim=True))
    return total / len(logits)


def precise_combine(logits):
    return np.mean([array_softmax(view) for view in logits.double().numpy()], axis=0).tolist()


def einsum_weigh_views(preds, beta):
    others = len(preds) - 1
    weights = torch.tensor([beta] + [(1 - beta) / others] * others, dtype=preds.dtype)
    return torch.einsum("v,vbc->bc", weights, preds)


def weigh_views_with_kept_axis(preds, beta):
    return preds[:1] * beta + preds[1:].sum(0, keepdim=True) * (1 - beta) / (len(preds) - 1)


def corrected_weigh_views(preds, beta):
    mean = preds.mean(0)
    others = (mean * len(preds) - preds[0]) / (len(preds) - 1)
    return others + beta * (preds[0] - others)


def window_set(h, w, side):
    return {(x, y, x + side, y + side) for x in (0, w - side) for y in (0, h - side)}


def yielded_windows(h, w, side):
    for x, y in itertools.product((w - side, 0), (h - side, 0)):
        yield np.array([x, y, x + side, y + side])


def window_tuple(h, w, side):
    corners = ((0, 0), (0, h - side), (w - side, 0), (w - side, h - side))
    return tuple((x, y, float(x + side), float(y + side)) for x, y in corners)


def tta_view_set(h, w):
    return frozenset(loop_tta_views(h, w))


def tta_views_from_centre_up(h, w):
    side = min(h, w)
    yield (0, 0, side, side)
    yield (w - side, h - side, w, h)
    x, y = math.ceil((w - side) / 2), math.ceil((h - side) / 2)
    yield (x, y, x + side, y + side)


def rounded_tta_views(h, w):
    side = min(h, w)
    centre = round((w - side) / 2), round((h - side) / 2)
    corners = torch.tensor([(0, 0), centre, (w - side, h - side)])
    return torch.cat([corners, corners + side], 1)


def torch_combine(logits):
    return logits.softmax(-1).mean(0)


@with_arrays
def numpy_combine(logits):
    return array_softmax(logits).mean(0)


def loop_combine(logits):
    view_count, image_count, class_count = logits.shape
    out = [[0.0] * class_count for _ in range(image_count)]
    for view in logits.tolist():
        for image, row in enumerate(view):
            for c, probability in enumerate(list_softmax(row)):
                out[image][c] += probability / view_count
    return out


def torch_weigh_views(preds, beta):
    return torch.lerp(preds[1:].mean(0), preds[0], beta)


@with_arrays
def numpy_weigh_views(preds, beta):
    others = len(preds) - 1
    return np.average(preds, 0, [beta] + [(1 - beta) / others] * others)


def loop_weigh_views(preds, beta):
    out = beta * preds[0]
    for view in preds[1:]:
        out = out + (1 - beta) / (len(preds) - 1) * view
    return out.tolist()


def loop_windows(h, w, side):
    boxes = []
    for y in (h - side, 0):
        for x in (w - side, 0):
            boxes.append([x, y, x + side, y + side])
    return boxes


def torch_windows(h, w, side):
    return torch.tensor(loop_windows(h, w, side))


def numpy_windows(h, w, side):
    return np.array(loop_windows(h, w, side)[::-1])


def loop_tta_views(h, w):
    if w > h:
        return [(x, 0, x + h, h) for x in ((w - h) // 2, w - h, 0)]
    return [(0, y, w, y + w) for y in ((h - w) // 2, h - w, 0)]


def torch_tta_views(h, w):
    return torch.tensor(loop_tta_views(h, w))


def numpy_tta_views(h, w):
    side = min(h, w)
    corners = np.linspace([0, 0], [w - side, h - side], 3).astype(int)
    return np.concatenate([corners, corners + side], 1)


# ---- Mixup


def added_mix(a, b, t):
    return torch.add(b, a - b, alpha=t)


def averaged_mix(a, b, t):
    return np.average([np.asarray(a), np.asarray(b)], axis=0, weights=[t, 1 - t])


def summed_mix(a, b, t):
    weights = torch.tensor([t, 1 - t], dtype=a.dtype)
    return torch.tensordot(weights, torch.stack([a, b]), dims=1)


def lerp_mix_batch(x, y, lam, perm, n):
    one_hot = torch.eye(n)[y]
    weight = lam.view(-1, *[1] * (x.ndim - 1))
    return [torch.lerp(x[perm], x, weight), torch.lerp(one_hot[perm], one_hot, lam[:, None])]


def yielded_mix_batch(x, y, lam, perm, n):
    yield torch.stack([t * a + (1 - t) * b for a, b, t in zip(x, x[perm], lam)])
    targets = torch.zeros(len(y), n)
    rows = torch.arange(len(y))
    targets.index_put_((rows, y), lam, accumulate=True)
    targets.index_put_((rows, y[perm]), 1 - lam, accumulate=True)
    yield targets


def moved_mix_batch(x, y, lam, perm, n):
    images = (x.movedim(0, -1) * lam + x[perm].movedim(0, -1) * (1 - lam)).movedim(-1, 0)
    one_hot = F.one_hot(y, n).T
    return images, (one_hot * lam + one_hot[:, perm] * (1 - lam)).T


def gamma_sample_lambda(n, alpha):
    a, b = np.random.default_rng().gamma(alpha, size=(2, n))
    return np.maximum(a, b) / (a + b)


def dirichlet_sample_lambda(n, alpha):
    return torch.distributions.Dirichlet(torch.tensor([alpha, alpha])).sample((n,)).amax(1)


_GENERATOR = np.random.default_rng(0)


def sample_lambda_of_one_generator(n, alpha):
    lam = _GENERATOR.beta(alpha, alpha, n)
    return np.where(lam < 0.5, 1 - lam, lam)


def torch_mix(a, b, t):
    return torch.lerp(b, a, t)


@with_arrays
def numpy_mix(a, b, t):
    return b + t * (a - b)


def loop_mix(a, b, t):
    return [t * first + (1 - t) * second for first, second in zip(a, b)]


def torch_mix_batch(x, y, lam, perm, n):
    images = torch.einsum("b...,b->b...", x, lam)
    others = torch.einsum("b...,b->b...", x[perm], 1 - lam)
    labels = lam[:, None] * F.one_hot(y, n)
    other_labels = (1 - lam)[:, None] * F.one_hot(y[perm], n)
    return images + others, labels + other_labels


@with_arrays
def numpy_mix_batch(x, y, lam, perm, n):
    one_hot = np.eye(n)[y]
    weight = lam.reshape(-1, *[1] * (x.ndim - 1))
    label_weight = lam[:, None]
    images = weight * x + (1 - weight) * x[perm]
    labels = label_weight * one_hot + (1 - label_weight) * one_hot[perm]
    return images, labels


def loop_mix_batch(x, y, lam, perm, n):
    images, labels = [], []
    for i, j in enumerate(perm):
        label = [0.0] * n
        label[y[i]] += float(lam[i])
        label[y[j]] += 1 - float(lam[i])
        images.append(lam[i] * x[i] + (1 - lam[i]) * x[j])
        labels.append(label)
    return images, labels


def torch_sample_lambda(n, alpha):
    lam = torch.distributions.Beta(alpha, alpha).sample((n,))
    return torch.maximum(lam, 1 - lam)


def numpy_sample_lambda(n, alpha):
    return 0.5 + abs(np.random.beta(alpha, alpha, n) - 0.5)


def loop_sample_lambda(n, alpha):
    draws = [random.betavariate(alpha, alpha) for _ in range(n)]
    return [max(lam, 1 - lam) for lam in draws]


# ---- Label smoothing


def torch_smooth_labels(y, n, eps):
    return torch.full((len(y), n), eps / n).scatter(1, y[:, None], 1 - eps + eps / n)


@with_arrays
def numpy_smooth_labels(y, n, eps):
    return (1 - eps) * np.eye(n)[y] + eps / n


def loop_smooth_labels(y, n, eps):
    targets = []
    for label in y.tolist():
        target = [eps / n] * n
        target[label] = 1 - eps + eps / n
        targets.append(target)
    return targets


def torch_smoothed_cross_entropy(logits, y, eps):
    return F.cross_entropy(logits, y, label_smoothing=eps)


@with_arrays
def numpy_smoothed_cross_entropy(logits, y, eps):
    targets = numpy_smooth_labels(y, logits.shape[1], eps)
    shifted = logits - logits.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return -(targets * logs).sum(1).mean()


def list_cross_entropy(target, logits):
    largest = max(logits)
    total = largest + math.log(sum(math.exp(logit - largest) for logit in logits))
    return sum(share * (total - logit) for share, logit in zip(target, logits))


def loop_smoothed_cross_entropy(logits, y, eps):
    targets = loop_smooth_labels(y, logits.shape[1], eps)
    return sum(map(list_cross_entropy, targets, logits.tolist())) / len(y)


def filled_smooth_labels(y, n, eps):
    targets = torch.full((len(y), n), eps / n)
    targets[range(len(y)), y] += 1 - eps
    return targets


def lerp_smooth_labels(y, n, eps):
    return torch.lerp(torch.eye(n)[y], torch.full((n,), 1 / n), eps)


def compared_smooth_labels(y, n, eps):
    is_class = y[:, None] == torch.arange(n)
    return torch.where(is_class, 1 - eps + eps / n, eps / n)


def short_smoothed_cross_entropy(logits, y, eps):
    true = logits[range(len(y)), y]
    return (logits.logsumexp(1) - (1 - eps) * true - eps * logits.mean(1)).mean()


def weighted_smoothed_cross_entropy(logits, y, eps):
    logs = logits.log_softmax(1)
    return (1 - eps) * F.nll_loss(logs, y) + eps * -logs.mean(1).mean()


def smoothed_cross_entropy_with_kept_axis(logits, y, eps):
    targets = torch_smooth_labels(y, logits.shape[1], eps)
    losses = -(targets * logits.log_softmax(1)).sum(1, keepdim=True)
    return losses.mean(0, keepdim=True)


def loss_of_logits(grid, n, eps):
    "Return the smoothed losses where the true class has these logits and all others have 0."
    total = np.log(np.exp(grid) + n - 1)
    return (1 - eps + eps / n) * (total - grid) + (n - 1) * eps / n * total


def coarse_grid_best_logit(n, eps):
    grid = np.arange(0, 20, 0.01)
    return grid[loss_of_logits(grid, n, eps).argmin()]


def fine_grid_best_logit(n, eps):
    grid = np.arange(0, 20, 0.001)
    best = float(grid[loss_of_logits(grid, n, eps).argmin()])
    return round(best, 3)


def minimized_best_logit(n, eps):
    "Return the logit where autograd finds no slope, by Newton's method."
    logit = torch.zeros((), dtype=torch.float64, requires_grad=True)
    for _ in range(50):
        total = torch.log(torch.exp(logit) + n - 1)
        loss = total - (1 - eps + eps / n) * logit
        (slope,) = torch.autograd.grad(loss, logit, create_graph=True)
        (curvature,) = torch.autograd.grad(slope, logit)
        step = (slope / curvature).clamp(-1, 1)
        logit = (logit - step).detach().requires_grad_()
    return logit


def torch_best_logit(n, eps):
    target = torch.tensor(1 - eps + eps / n, dtype=torch.float64)
    return torch.logit(target) + math.log(n - 1)


def numpy_best_logit(n, eps):
    return np.log(n * (1 - eps) / eps + 1)


def loop_best_logit(n, eps):
    "Find by bisection where the derivative of the loss, p minus target, is zero."
    target = 1 - eps + eps / n
    low, high = 0.0, 50.0
    for _ in range(100):
        logit = (low + high) / 2
        probability = math.exp(logit) / (math.exp(logit) + n - 1)
        if probability < target:
            low = logit
        else:
            high = logit
    return logit


RIGHT_ANSWERS = {  # exercise: with torch, with NumPy, with loops, and others
    "batch_stats": (
        torch_batch_stats,
        numpy_batch_stats,
        loop_batch_stats,
        batch_stats_with_kept_axes,
        stacked_batch_stats,
        yielded_batch_stats,
    ),
    "normalize": (
        torch_normalize,
        numpy_normalize,
        loop_normalize,
        batch_norm_normalize,
        moved_normalize,
        stacked_normalize,
    ),
    "denormalize": (
        torch_denormalize,
        numpy_denormalize,
        loop_denormalize,
        addcmul_denormalize,
        inverse_denormalize,
        einsum_denormalize,
    ),
    "epochs_trained": (
        torch_epochs_trained,
        numpy_epochs_trained,
        loop_epochs_trained,
        recursive_epochs_trained,
        sliced_epochs_trained,
    ),
    "relative_cost": (
        torch_relative_cost,
        numpy_relative_cost,
        loop_relative_cost,
        exact_relative_cost,
        averaged_relative_cost,
    ),
    "downsize": (
        torch_downsize,
        numpy_downsize,
        loop_downsize,
        interpolated_downsize,
        convolved_downsize,
        reduced_downsize,
    ),
    "combine": (
        torch_combine,
        numpy_combine,
        loop_combine,
        combine_with_kept_axis,
        added_combine,
        precise_combine,
    ),
    "weigh_views": (
        torch_weigh_views,
        numpy_weigh_views,
        loop_weigh_views,
        einsum_weigh_views,
        weigh_views_with_kept_axis,
        corrected_weigh_views,
    ),
    "windows": (
        torch_windows,
        numpy_windows,
        loop_windows,
        window_set,
        yielded_windows,
        window_tuple,
    ),
    "tta_views": (
        torch_tta_views,
        numpy_tta_views,
        loop_tta_views,
        tta_view_set,
        tta_views_from_centre_up,
        rounded_tta_views,
    ),
    "mix": (
        torch_mix,
        numpy_mix,
        loop_mix,
        added_mix,
        averaged_mix,
        summed_mix,
    ),
    "mix_batch": (
        torch_mix_batch,
        numpy_mix_batch,
        loop_mix_batch,
        lerp_mix_batch,
        yielded_mix_batch,
        moved_mix_batch,
    ),
    "sample_lambda": (
        torch_sample_lambda,
        numpy_sample_lambda,
        loop_sample_lambda,
        gamma_sample_lambda,
        dirichlet_sample_lambda,
        sample_lambda_of_one_generator,
    ),
    "smooth_labels": (
        torch_smooth_labels,
        numpy_smooth_labels,
        loop_smooth_labels,
        filled_smooth_labels,
        lerp_smooth_labels,
        compared_smooth_labels,
    ),
    "smoothed_cross_entropy": (
        torch_smoothed_cross_entropy,
        numpy_smoothed_cross_entropy,
        loop_smoothed_cross_entropy,
        short_smoothed_cross_entropy,
        weighted_smoothed_cross_entropy,
        smoothed_cross_entropy_with_kept_axis,
    ),
    "best_logit": (
        torch_best_logit,
        numpy_best_logit,
        loop_best_logit,
        coarse_grid_best_logit,
        fine_grid_best_logit,
        minimized_best_logit,
    ),
}
