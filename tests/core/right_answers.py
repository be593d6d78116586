"Right answers to every exercise: with torch, with NumPy and with plain loops."

import math
import random
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
    return torch.tensor(stages)[:, 1].sum() + len(stages) - 1


def numpy_epochs_trained(stages):
    return np.array(stages)[:, 1].sum() + len(stages) - 1


def loop_epochs_trained(stages):
    return sum(epochs + 1 for _, epochs in stages) - 1


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
    return np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)


def list_softmax(logits):
    total = sum(map(math.exp, logits))
    return [math.exp(logit) / total for logit in logits]


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
    corners = np.linspace([0, 0], [w - side, h - side], 3)
    return np.concatenate([corners, corners + side], 1)


# ---- Mixup


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
    return -(targets * np.log(array_softmax(logits))).sum(1).mean()


def list_cross_entropy(target, logits):
    pairs = zip(target, list_softmax(logits))
    return -sum(share * math.log(probability) for share, probability in pairs)


def loop_smoothed_cross_entropy(logits, y, eps):
    targets = loop_smooth_labels(y, logits.shape[1], eps)
    return sum(map(list_cross_entropy, targets, logits.tolist())) / len(y)


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


RIGHT_ANSWERS = {  # exercise: with torch, with NumPy, with loops
    "batch_stats": (torch_batch_stats, numpy_batch_stats, loop_batch_stats),
    "normalize": (torch_normalize, numpy_normalize, loop_normalize),
    "denormalize": (torch_denormalize, numpy_denormalize, loop_denormalize),
    "epochs_trained": (torch_epochs_trained, numpy_epochs_trained, loop_epochs_trained),
    "relative_cost": (torch_relative_cost, numpy_relative_cost, loop_relative_cost),
    "downsize": (torch_downsize, numpy_downsize, loop_downsize),
    "combine": (torch_combine, numpy_combine, loop_combine),
    "weigh_views": (torch_weigh_views, numpy_weigh_views, loop_weigh_views),
    "windows": (torch_windows, numpy_windows, loop_windows),
    "tta_views": (torch_tta_views, numpy_tta_views, loop_tta_views),
    "mix": (torch_mix, numpy_mix, loop_mix),
    "mix_batch": (torch_mix_batch, numpy_mix_batch, loop_mix_batch),
    "sample_lambda": (torch_sample_lambda, numpy_sample_lambda, loop_sample_lambda),
    "smooth_labels": (torch_smooth_labels, numpy_smooth_labels, loop_smooth_labels),
    "smoothed_cross_entropy": (
        torch_smoothed_cross_entropy,
        numpy_smoothed_cross_entropy,
        loop_smoothed_cross_entropy,
    ),
    "best_logit": (torch_best_logit, numpy_best_logit, loop_best_logit),
}
