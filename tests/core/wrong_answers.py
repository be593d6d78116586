"Wrong answers to every exercise, in other code than the known slips, and what the message says."

import math
import random

import numpy as np
import torch
import torch.nn.functional as F
from right_answers import (
    array_softmax,
    loop_mix_batch,
    loop_tta_views,
    loop_windows,
    numpy_batch_stats,
    numpy_normalize,
    numpy_relative_cost,
    numpy_smooth_labels,
    torch_best_logit,
    torch_combine,
    torch_denormalize,
    torch_downsize,
    torch_mix,
    torch_mix_batch,
    torch_normalize,
    torch_smoothed_cross_entropy,
    torch_weigh_views,
    with_arrays,
)

# ---- Normalization


def stats_of_each_image(x):
    return [image.mean().item() for image in x], [image.std().item() for image in x]


def stats_of_all_values(x):
    values = x.flatten()
    return values.mean(), values.std()


@with_arrays
def population_stats(x):
    return x.mean((0, 2, 3)), x.std((0, 2, 3))


def mean_of_image_stds(x):
    stds = torch.stack([image.std((1, 2)) for image in x])
    return x.mean((0, 2, 3)), stds.mean(0)


def swapped_stats(x):
    return torch.std_mean(x, dim=(0, 2, 3))


@with_arrays
def stats_with_variance(x):
    return x.mean((0, 2, 3)), x.var((0, 2, 3), ddof=1)


def stats_of_last_axis(x):
    rows = x.reshape(-1, x.shape[-1])
    return rows.mean(0), rows.std(0)


def stats_of_single_images(x):
    flat = x.flatten(2)
    return flat.mean(2), flat.std(2)


@with_arrays
def stats_over_images(x):
    return x.mean(0), x.std(0, ddof=1)


def one_std_for_all(x):
    return numpy_batch_stats(x)[0], x.numpy().std(ddof=1)


def rounded_stats(x):
    mean, std = numpy_batch_stats(x)
    return mean.round(3), std.round(3)


def shifted_std(x):
    mean, std = numpy_batch_stats(x)
    return mean, std + 0.5


def means_of_first_image(x):
    return x[0].mean((1, 2)), numpy_batch_stats(x)[1]


def doubled_stats(x):
    mean, std = numpy_batch_stats(x)
    return 2 * mean, 2 * std


def normalized_columns(x, mean, std):
    return x.sub(mean).div(std)


def normalized_rows(x, mean, std):
    return x.sub(mean.view(-1, 1)).div(std.view(-1, 1))


def normalized_images(x, mean, std):
    return x.sub(mean.view(-1, 1, 1, 1)).div(std.view(-1, 1, 1, 1))


def normalized_by_mean_statistics(x, mean, std):
    return (x - mean.sum() / len(mean)) / (std.sum() / len(std))


def normalized_in_wrong_order(x, mean, std):
    return x.div(std.view(-1, 1, 1)).sub(mean.view(-1, 1, 1))


def normalized_by_inverse_std(x, mean, std):
    return torch_normalize(x, mean, 1 / std)


def unsubtracted(x, mean, std):
    return torch.stack([part / s for part, s in zip(x.unbind(1), std)], 1)


@with_arrays
def undivided(x, mean, std):
    return x - mean.reshape(1, -1, 1, 1)


def normalized_to_unit_range(x, mean, std):
    return numpy_normalize(x, mean, std).clip(0, 1)


def normalized_with_own_stats(x, mean, std):
    flat = x.transpose(0, 1).flatten(1)
    return torch_normalize(x, flat.mean(1), flat.std(1))


def normalized_by_variance(x, mean, std):
    return F.batch_norm(x, mean, std**4, eps=0)


def normalized_with_sum(x, mean, std):
    return torch_normalize(x, -mean, std)


def normalized_in_per_cent(x, mean, std):
    return 100 * torch_normalize(x, mean, std)


def normalized_by_first_statistics(x, mean, std):
    return torch_normalize(x, mean[:1], std[:1])


@with_arrays
def normalized_by_swapped_stats(x, mean, std):
    return numpy_normalize(x, std, mean)


def denormalized_and_clamped(x, mean, std):
    return torch_denormalize(x, mean, std).clip(min=0, max=1)


def denormalized_in_wrong_order(x, mean, std):
    return torch.stack([(part + m) * s for part, m, s in zip(x.unbind(1), mean, std)], 1)


@with_arrays
def denormalized_without_mean(x, mean, std):
    return np.einsum("bchw,c->bchw", x, std)


def normalized_twice(x, mean, std):
    return numpy_normalize(x, mean, std)


def denormalized_with_swapped_stats(x, mean, std):
    return torch.addcmul(std.view(-1, 1, 1), x, mean.view(-1, 1, 1))


def denormalized_by_division(x, mean, std):
    return torch_denormalize(x, mean, 1 / std)


def denormalized_with_minus(x, mean, std):
    return torch_denormalize(x, -mean, std)


def denormalized_columns(x, mean, std):
    return torch.addcmul(mean, x, std)


def denormalized_rows(x, mean, std):
    return torch.addcmul(mean.view(-1, 1), x, std.view(-1, 1))


def denormalized_by_variance(x, mean, std):
    return torch_denormalize(x, mean, std * std)


def denormalized_without_std(x, mean, std):
    return torch_denormalize(x, mean, std / std)


def denormalized_by_first_statistics(x, mean, std):
    return torch_denormalize(x, mean[:1], std[:1])


def denormalized_whole(x, mean, std):
    return torch_denormalize(x, mean, std).int()


# ---- Progressive resizing


def epochs_without_extra(stages):
    total = 0
    for _, epochs in stages:
        total += epochs
    return total


def epochs_with_first_extra(stages):
    return sum([epochs for _, epochs in stages], len(stages))


def epochs_with_one_extra(stages):
    last = 1 if len(stages) > 1 else 0
    return epochs_without_extra(stages) + last


def epochs_of_last_stage(stages):
    return stages[-1][1] + (len(stages) > 1)


def epochs_of_later_stages(stages):
    return epochs_with_first_extra(stages[1:])


def added_sizes(stages):
    return np.array(stages)[:, 0].sum() + len(stages) - 1


def epochs_with_two_extra(stages):
    return epochs_without_extra(stages) + 2 * max(len(stages) - 1, 0)


def epochs_of_empty_list(stages):
    return epochs_without_extra(stages) + len(stages) - 1


def cost_by_side(stages):
    largest = max(size for size, _ in stages)
    cost, total = 0, 0
    for i, (size, epochs) in enumerate(stages):
        trained = epochs + 1 if i else epochs
        cost += trained * size
        total += trained
    return cost / (total * largest)


def cost_by_last_size(stages):
    largest = max(size for size, _ in stages)
    return numpy_relative_cost(stages) * largest**2 / stages[-1][0] ** 2


def cost_by_first_size(stages):
    sizes = [size for size, _ in stages]
    return numpy_relative_cost(stages) * max(sizes) ** 2 / sizes[0] ** 2


def cost_as_saving(stages):
    return 1.0 - float(numpy_relative_cost(stages))


def cost_as_percentage(stages):
    return np.float64(numpy_relative_cost(stages)) * 100


def cost_with_whole_ratios(stages):
    largest = max(size for size, _ in stages)
    epochs = [count + 1 for _, count in stages]
    epochs[0] -= 1
    shares = [count * (size // largest) ** 2 for (size, _), count in zip(stages, epochs)]
    return sum(shares) / sum(epochs)


def cost_cut_to_whole(stages):
    return int(numpy_relative_cost(stages))


def cost_without_extra_epochs(stages):
    sizes, epochs = np.array(stages, float).T
    return (sizes**2 * epochs).sum() / (sizes.max() ** 2 * epochs.sum())


def cost_of_equal_stages(stages):
    sizes = np.array([size for size, _ in stages])
    return np.mean((sizes / sizes.max()) ** 2)


def cost_inverted(stages):
    return float(numpy_relative_cost(stages)) ** -1


def cost_undivided(stages):
    return sum(size * size * (epochs + (i > 0)) for i, (size, epochs) in enumerate(stages))


def cost_with_first_extra(stages):
    sizes, epochs = np.array(stages, float).T
    epochs = epochs + 1
    return (sizes**2 * epochs).sum() / (sizes.max() ** 2 * epochs.sum())


def cost_by_fewer_epochs(stages):
    largest = max(size for size, _ in stages)
    return cost_undivided(stages) / (largest**2 * epochs_without_extra(stages))


def cost_by_smallest_size(stages):
    sizes = [size for size, _ in stages]
    return numpy_relative_cost(stages) * max(sizes) ** 2 / min(sizes) ** 2


def cost_in_epochs(stages):
    return cost_undivided(stages) / max(stages)[0] ** 2


def cost_halved(stages):
    return numpy_relative_cost(stages) / 2


def strided(x, size):
    side = x.shape[1] // size
    return x[:, ::side, ::side]


def max_pooled(x, size):
    return F.max_pool2d(x, x.shape[1] // size)


def added_up(x, size):
    side = x.shape[1] // size
    return F.avg_pool2d(x, side, divisor_override=1)


def cropped(x, size):
    return x[..., 0:size, 0:size]


def transposed_pixels(x, size):
    return torch_downsize(x, size).mT


def interleaved(x, size):
    side = x.shape[1] // size
    return x.unflatten(1, (side, size)).unflatten(3, (side, size)).mean((1, 3))


def averaged_in_one_direction(x, size):
    return F.avg_pool2d(x, (x.shape[1] // size, 1))


def interpolated_between_pixels(x, size):
    scale = size / x.shape[1]
    return F.interpolate(x[None], scale_factor=scale, mode="bilinear").squeeze(0)


def grey_image(x, size):
    return torch_downsize(x, size).mean(0, keepdim=True)


def rounded_down_pixels(x, size):
    return torch_downsize(x, size) // 1


def flattened_pixels(x, size):
    return torch_downsize(x, size).flatten(1)


def mean_divided(x, mean, std):
    shape = (1, -1, 1, 1)
    return x - mean.reshape(shape) / std.reshape(shape)


def normalized_as_one(x, mean, std):
    std, mean = torch.std_mean(x)
    return (x - mean) / std


# ---- Test time augmentation


def softmax_of_the_mean(logits):
    return F.softmax(sum(logits) / len(logits), -1)


def plain_mean(logits):
    return np.mean(logits.numpy(), axis=0)


def softmax_over_batch(logits):
    return F.softmax(logits, dim=1).mean(0)


def softmax_over_views(logits):
    return logits.exp().div(logits.exp().sum(0)).mean(0)


@with_arrays
def combined_by_bare_exp(logits):
    powers = np.exp(logits)
    return (powers / powers.sum(-1, keepdims=True)).mean(0)


def combined_by_math_exp(logits):
    out = []
    for view in logits.tolist():
        powers = [[math.exp(logit) for logit in row] for row in view]
        out.append([[power / sum(row) for power in row] for row in powers])
    return np.mean(out, 0)


def largest_probability(logits):
    return F.softmax(logits, -1).max(0).values


def averaged_over_images(logits):
    return torch.stack([F.softmax(view, -1).mean(0) for view in logits])


@with_arrays
def combined_by_sigmoid(logits):
    return np.mean(1 / (1 + np.exp(-logits)), 0)


def geometric_mean(logits):
    return torch.exp(sum(F.log_softmax(view, 1) for view in logits) / len(logits))


def summed_probabilities(logits):
    return torch_combine(logits) * len(logits)


def combined_in_per_cent(logits):
    return torch_combine(logits) * 100


def squeezed_combine(logits):
    return torch_combine(logits).squeeze()


def mean_of_logarithms(logits):
    return torch.stack([F.log_softmax(view, -1) for view in logits]).mean(0)


def listed_views(logits):
    return torch.tensor([F.softmax(view, -1) for view in logits]).mean(0)


def quarter_for_the_plain_view(preds, beta):
    return torch.lerp(preds[1:].mean(0), preds[0], 0.25)


@with_arrays
def same_weights(preds, beta):
    return preds.mean(0)


def lerp_from_the_plain_view(preds, beta):
    return torch.lerp(preds[0], preds[1:].mean(0), beta)


def last_view_weighted(preds, beta):
    return torch_weigh_views(preds.flip(0), beta)


def plain_view_among_others(preds, beta):
    return torch.lerp(preds.mean(0), preds[0], beta)


def others_with_full_share(preds, beta):
    out = beta * preds[0]
    for view in preds[1:]:
        out = out + (1 - beta) * view
    return out


def others_undiminished(preds, beta):
    return torch.add(preds[1:].mean(0), preds[0], alpha=beta)


def second_view_only(preds, beta):
    return torch.lerp(preds[1], preds[0], beta)


def shared_by_four(preds, beta):
    weights = torch.tensor([beta] + [(1 - beta) / 4] * (len(preds) - 1))
    return torch.einsum("v,vbc->bc", weights.to(preds), preds)


def shared_by_all(preds, beta):
    share = (1 - beta) / len(preds)
    return beta * preds[0] + sum(share * view for view in preds[1:])


def weighed_twice(preds, beta):
    return 2 * torch_weigh_views(preds, beta)


def windows_with_y_first(h, w, side):
    return [(y, x, y + side, x + side) for y in (0, h - side) for x in (0, w - side)]


def windows_with_sizes(h, w, side):
    return {(x, y, side, side) for x in (0, w - side) for y in (0, h - side)}


def windows_past_the_edge(h, w, side):
    return np.array([(x, y, x + side, y + side) for x in (0, w) for y in (0, h)])


def five_windows(h, w, side):
    x, y = (w - side) // 2, (h - side) // 2
    return [*loop_windows(h, w, side), (x, y, x + side, y + side)]


def two_windows(h, w, side):
    yield (w - side, h - side, w, h)
    yield (0, 0, side, side)


def windows_to_last_pixel(h, w, side):
    boxes = torch.tensor(loop_windows(h, w, side))
    boxes[:, 2:] -= 1
    return boxes


def windows_to_the_far_corner(h, w, side):
    return [(x, y, w, h) for x in (0, w - side) for y in (0, h - side)]


def relative_windows(h, w, side):
    return np.array(loop_windows(h, w, side)) / [w, h, w, h]


def windows_of_doubled_side(h, w, side):
    return loop_windows(h, w, 2 * side)


def flat_windows(h, w, side):
    return [number for box in loop_windows(h, w, side) for number in box]


def windows_before_the_edge(h, w, side):
    ends = range(0, w - side, max(1, w - side - 1)), range(0, h - side, max(1, h - side - 1))
    return [(x, y, x + side, y + side) for x in ends[0] for y in ends[1]]


def neighbouring_windows(h, w, side):
    return [(x, y, x + side, y + side) for x in (0, side) for y in (0, side)]


def returned_in_the_loop(h, w, side):
    for x in (0, w - side):
        for y in (0, h - side):
            return [(x, y, x + side, y + side)]
    return None


def centre_twice(h, w):
    return loop_tta_views(h, w) + loop_tta_views(h, w)[:1]


def float_centre(h, w):
    if w > h:
        return [(x, 0, x + h, h) for x in (0, (w - h) / 2, w - h)]
    return [(0, y, w, y + w) for y in (0, (h - w) / 2, h - w)]


def interpolated_centre(h, w):
    side = min(h, w)
    corners = np.linspace([0, 0], [w - side, h - side], 3)
    return np.concatenate([corners, corners + side], 1)


def ends_only(h, w):
    return set(loop_tta_views(h, w)[1:])


def views_with_y_first(h, w):
    return torch.tensor(loop_tta_views(h, w))[:, [1, 0, 3, 2]]


def views_with_sizes(h, w):
    return [(x0, y0, min(h, w), min(h, w)) for x0, y0, _, _ in loop_tta_views(h, w)]


def centre_only(h, w):
    return loop_tta_views(h, w)[:1]


def views_to_last_pixel(h, w):
    return [(x0, y0, x1 - 1, y1 - 1) for x0, y0, x1, y1 in loop_tta_views(h, w)]


def views_of_a_wide_image(h, w):
    side = min(h, w)
    return [(x, 0, x + side, side) for x in (0, (w - side) // 2, w - side)]


def views_from_the_middle(h, w):
    side = min(h, w)
    x, y = (w // 2, 0) if w > h else (0, h // 2)
    return [(0, 0, side, side), (x, y, x + side, y + side), (w - side, h - side, w, h)]


def smaller_views(h, w):
    side = int(min(h, w) * 0.85)
    x, y = w - side, h - side
    return [(i * x // 2, i * y // 2, i * x // 2 + side, i * y // 2 + side) for i in range(3)]


def views_of_longer_side(h, w):
    side = max(h, w)
    corners = [((w - side) * k // 2, (h - side) * k // 2) for k in range(3)]
    return [(x, y, x + side, y + side) for x, y in corners]


def last_view_past_the_edge(h, w):
    side = min(h, w)
    x, y = (w, 0) if w > h else (0, h)
    inside = [box for box in loop_tta_views(h, w) if box[2:] != (w, h)]
    return [*inside, (x, y, x + side, y + side)]


def views_moved_right(h, w):
    return [(x0 + 1, y0, x1 + 1, y1) for x0, y0, x1, y1 in loop_tta_views(h, w)]


# ---- Mixup


def mixed_the_other_way(a, b, t):
    return torch.lerp(a, b, t)


def mixed_with_larger_weight(a, b, t):
    larger = t if t > 0.5 else 1 - t
    return torch.lerp(b, a, larger)


@with_arrays
def half_and_half(a, b, t):
    return np.mean([a, b], axis=0)


def weighted_a_only(a, b, t):
    return torch.add(b, a, alpha=t)


def weighted_b_only(a, b, t):
    return torch.add(a, b, alpha=1 - t)


def picked(a, b, t):
    return b if t < 0.5 else a


def scaled_sum(a, b, t):
    return t * (a + b)


@with_arrays
def unweighted_sum(a, b, t):
    return np.add(a, b)


def weighted_difference(a, b, t):
    return torch.sub(t * a, b, alpha=1 - t)


def mixed_to_bytes(a, b, t):
    return (255 * torch_mix(a, b, t)).round()


def mixed_without_brackets(a, b, t):
    return t * a + 1 - t * b


def only_the_first(a, b, t):
    return a * t


def the_first_twice(a, b, t):
    return t * a + (1 - t) * a


def mixed_as_in_the_lesson(a, b, t):
    return 0.3 * a + 0.7 * b


def mixed_and_negated(a, b, t):
    return -torch_mix(a, b, t)


def shifted_mix(a, b, t):
    return torch_mix(a, b, t) + 0.25


def exchanged_label_weights(x, y, lam, perm, n):
    mixed, label = x.clone(), torch.zeros(len(y), n)
    for i in range(len(y)):
        mixed[i] = lam[i] * x[i] + (1 - lam[i]) * x[perm[i]]
        label[i, y[i]] += 1 - lam[i]
        label[i, y[perm[i]]] += lam[i]
    return mixed, label


def mixed_class_indices(x, y, lam, perm, n):
    mixed, _ = torch_mix_batch(x, y, lam, perm, n)
    return mixed, lam * y + (1 - lam) * y[perm]


def larger_weights(x, y, lam, perm, n):
    return loop_mix_batch(x, y, lam.where(lam > 0.5, 1 - lam), perm, n)


def partners_weights(x, y, lam, perm, n):
    return loop_mix_batch(x, y, 1 - lam, perm, n)


def first_weight(x, y, lam, perm, n):
    return loop_mix_batch(x, y, lam[[0] * len(lam)], perm, n)


def mean_weight(x, y, lam, perm, n):
    return torch_mix_batch(x, y, lam * 0 + lam.sum() / len(lam), perm, n)


def labels_not_mixed(x, y, lam, perm, n):
    mixed, _ = loop_mix_batch(x, y, lam, perm, n)
    return mixed, np.eye(n)[y]


def images_not_mixed(x, y, lam, perm, n):
    return x.tolist(), torch_mix_batch(x, y, lam, perm, n)[1]


def inverse_partners(x, y, lam, perm, n):
    inverse = torch.empty_like(perm)
    inverse[perm] = torch.arange(len(perm))
    return torch_mix_batch(x, y, lam, inverse, n)


def one_hot_without_count(x, y, lam, perm, n):
    one_hot = F.one_hot(y).float()
    images, _ = torch_mix_batch(x, y, lam, perm, n)
    return images, torch.lerp(one_hot[perm], one_hot, lam[:, None])


def evenly_mixed_labels(x, y, lam, perm, n):
    labels = np.eye(n)[y]
    return torch_mix_batch(x, y, lam, perm, n)[0], (labels + labels[perm]) / 2


def mixed_along_last_axis(x, y, lam, perm, n):
    labels = torch.eye(n)[y]
    return torch.lerp(x[perm], x, lam), torch.lerp(labels[perm], labels, lam)


def mixed_with_the_next(x, y, lam, perm, n):
    images, _ = torch_mix_batch(x, y, lam, torch.arange(len(y)).roll(1), n)
    return images, torch_mix_batch(x, y, lam, perm, n)[1]


def mixed_in_reverse(x, y, lam, perm, n):
    one_hot = F.one_hot(y, n)
    images = torch.stack([t * a + (1 - t) * b for t, a, b in zip(lam, x, x.flip(0))])
    return images, lam[:, None] * one_hot + (1 - lam[:, None]) * one_hot.flip(0)


def targets_first(x, y, lam, perm, n):
    return loop_mix_batch(x, y, lam, perm, n)[::-1]


def mixed_labels_by_image_weights(x, y, lam, perm, n):
    one_hot, t = F.one_hot(y, n), lam[:, None, None, None]
    return t * x + (1 - t) * x[perm], t * one_hot + (1 - t) * one_hot[perm]


def images_alone(x, y, lam, perm, n):
    return torch_mix_batch(x, y, lam, perm, n)[0]


def weights_without_folding(n, alpha):
    return [random.betavariate(alpha, alpha) for _ in range(n)]


def uniform_upper_half(n, alpha):
    return 0.5 + 0.5 * torch.rand(n)


def uniform(n, alpha):
    return np.random.rand(n)


def equal_weights(n, alpha):
    return torch.full((n,), 0.7)


def one_draw_for_all(n, alpha):
    return [max(0.6, random.betavariate(alpha, alpha))] * n


def shared_by_two(n, alpha):
    lam = np.random.beta(alpha, alpha, (n + 1) // 2)
    return np.maximum(lam, 1 - lam).repeat(2)[:n]


def seeded_weights(n, alpha):
    lam = np.random.default_rng(0).beta(alpha, alpha, n)
    return np.maximum(lam, 1 - lam)


def torch_seeded_weights(n, alpha):
    with torch.random.fork_rng():
        torch.manual_seed(42)
        lam = torch.distributions.Beta(alpha, alpha).sample((n,))
    return torch.maximum(lam, 1 - lam)


def smaller_weights(n, alpha):
    lam = np.random.beta(alpha, alpha, n)
    return np.minimum(lam, 1 - lam)


def lopsided_weights(n, alpha):
    lam = torch.distributions.Beta(alpha, 1.0).sample((n,))
    return torch.maximum(lam, 1 - lam)


def weights_of_fixed_alpha(n, alpha):
    return [max(lam, 1 - lam) for lam in np.random.beta(0.4, 0.4, n)]


def weights_of_inverse_alpha(n, alpha):
    return [max(lam, 1 - lam) for lam in np.random.beta(1 / alpha, 1 / alpha, n)]


def distances(n, alpha):
    return abs(np.random.beta(alpha, alpha, n) - 0.5)


def clamped_weights(n, alpha):
    return np.random.beta(alpha, alpha, n).clip(0.5)


def max_of_arrays(n, alpha):
    lam = np.random.beta(alpha, alpha, n)
    return max(lam, 1 - lam)


def max_of_tensors(n, alpha):
    lam = torch.distributions.Beta(alpha, alpha).sample((n,))
    return max(lam, 1 - lam)


def too_few_weights(n, alpha):
    return [0.6, 0.7, 0.8]


# ---- Label smoothing


def share_twice(y, n, eps):
    rows = numpy_smooth_labels(y, n, eps)
    rows[range(len(y)), y] += eps / n
    return rows


def only_true_class(y, n, eps):
    rows = np.zeros((len(y), n))
    rows[range(len(y)), y] = 1 - eps + eps / n
    return rows


def subtracted_everywhere(y, n, eps):
    return np.eye(n)[y] - eps * (1 - 1 / n)


def share_of_images(y, n, eps):
    return (1 - eps) * np.eye(n)[y] + eps / len(y)


def share_of_ten(y, n, eps):
    return (1 - eps) * np.eye(n)[y] + 0.1 * eps


def all_rows_raised(y, n, eps):
    rows = np.full((len(y), n), eps / n)
    rows[:, y] += 1 - eps
    return rows


@with_arrays
def without_share_on_the_true_class(y, n, eps):
    return np.where(np.eye(n)[y] > 0, 1 - eps, eps / n)


def smoothed_class_indices(y, n, eps):
    return y * (1 - eps) + eps / n


@with_arrays
def shared_by_the_others(y, n, eps):
    return np.where(np.eye(n)[y] > 0, 1 - eps, eps / (n - 1))


def shared_by_one_less(y, n, eps):
    return torch.eye(n)[y] * (1 - eps) + eps / (n - 1)


def plain_one_hot(y, n, eps):
    return np.eye(n)[y]


def scaled_one_hot(y, n, eps):
    return torch.zeros(len(y), n).scatter(1, y[:, None], 1 - eps)


@with_arrays
def true_class_at_one(y, n, eps):
    return np.where(np.eye(n)[y] > 0, 1, eps / n)


def smoothed_by_a_tenth(y, n, eps):
    return numpy_smooth_labels(y, n, 0.1)


def share_of_all_on_each(y, n, eps):
    return torch.eye(n)[y] * (1 - eps) + eps


def one_hot_without_n(y, n, eps):
    return F.one_hot(y) * (1 - eps) + eps / n


def raised_one_hot(y, n, eps):
    return np.eye(n)[y] + eps / n


def transposed_targets(y, n, eps):
    return numpy_smooth_labels(y, n, eps).T


def targets_in_per_cent(y, n, eps):
    return 100 * numpy_smooth_labels(y, n, eps)


@with_arrays
def loss_by_bare_exp(logits, y, eps):
    powers = np.exp(logits)
    logs = np.log(powers / powers.sum(1, keepdims=True))
    return -(numpy_smooth_labels(torch.tensor(y), logits.shape[1], eps) * logs).sum(1).mean()


@with_arrays
def loss_by_log_of_probability(logits, y, eps):
    targets = numpy_smooth_labels(torch.tensor(y), logits.shape[1], eps)
    return -(targets * np.log(array_softmax(logits))).sum(1).mean()


def loss_by_math_exp(logits, y, eps):
    losses = []
    for row, label in zip(logits.tolist(), y.tolist()):
        total = math.log(sum(math.exp(logit) for logit in row))
        mean = sum(row) / len(row)
        losses.append(total - (1 - eps) * row[label] - eps * mean)
    return sum(losses) / len(losses)


def unsmoothed_loss(logits, y, eps):
    return F.cross_entropy(logits, y)


def loss_of_a_tenth(logits, y, eps):
    return F.cross_entropy(logits, y, label_smoothing=0.1)


def loss_of_softmax(logits, y, eps):
    return F.cross_entropy(logits.softmax(-1), y, label_smoothing=eps)


def loss_of_true_class(logits, y, eps):
    return F.nll_loss(logits.log_softmax(1), y).mul(1 - eps)


def divergence(logits, y, eps):
    targets = torch.as_tensor(numpy_smooth_labels(y, logits.shape[1], eps), dtype=logits.dtype)
    return F.kl_div(logits.log_softmax(1), targets, reduction="batchmean")


def loss_summed(logits, y, eps):
    return F.cross_entropy(logits, y, label_smoothing=eps, reduction="sum")


def loss_of_each(logits, y, eps):
    return F.cross_entropy(logits, y, label_smoothing=eps, reduction="none")


def positive_sum(logits, y, eps):
    return 0 - torch_smoothed_cross_entropy(logits, y, eps)


def loss_over_batch(logits, y, eps):
    targets = torch.from_numpy(numpy_smooth_labels(y, logits.shape[1], eps))
    return -(targets * F.log_softmax(logits, dim=0)).sum() / len(y)


def loss_of_raw_logits(logits, y, eps):
    targets = torch.from_numpy(numpy_smooth_labels(y, logits.shape[1], eps))
    return -torch.einsum("bc,bc->", targets, logits.double()) / len(y)


@with_arrays
def loss_without_share(logits, y, eps):
    targets = without_share_on_the_true_class(torch.tensor(y), logits.shape[1], eps)
    return -(targets * np.log(array_softmax(logits))).sum(1).mean()


@with_arrays
def loss_shared_by_the_others(logits, y, eps):
    targets = shared_by_the_others(torch.tensor(y), logits.shape[1], eps)
    return -(targets * np.log(array_softmax(logits))).sum(1).mean()


def loss_averaged_over_classes(logits, y, eps):
    targets = torch.from_numpy(numpy_smooth_labels(y, logits.shape[1], eps))
    return -(targets * F.log_softmax(logits, 1)).mean()


def loss_without_logarithm(logits, y, eps):
    targets = torch.from_numpy(numpy_smooth_labels(y, logits.shape[1], eps))
    return -torch.einsum("bc,bc->", targets, logits.double().softmax(1)) / len(y)


def loss_to_base_two(logits, y, eps):
    return torch_smoothed_cross_entropy(logits, y, eps) / math.log(2)


def target_as_logit(n, eps):
    return (n * (1 - eps) + eps) / n


def log_of_target(n, eps):
    return np.log(target_as_logit(n, eps))


def logit_without_share(n, eps):
    return torch.log(torch.tensor((1 - eps) * n / eps))


def logit_of_shared_eps(n, eps):
    return np.log1p(-eps) - np.log(eps) + np.log(n - 1)


def logit_of_whole_eps(n, eps):
    return math.log(1 / eps - 1)


def logit_of_probability(n, eps):
    p = target_as_logit(n, eps)
    return torch.logit(torch.tensor(p))


def negative_logit(n, eps):
    return -torch_best_logit(n, eps)


def logit_to_base_ten(n, eps):
    return np.log10(n * (1 - eps) / eps + 1)


def ratio_of_targets(n, eps):
    return n * (1 - eps) / eps + 1


def logit_of_ten_classes(n, eps):
    return np.log(10 * (1 - eps) / eps + 1)


def coarse_logit(n, eps):
    return round(float(torch_best_logit(n, eps)), 1)


def log_probabilities(logits, y):
    "Return those of the true classes, and all."
    logs = F.log_softmax(logits, 1)
    return logs[range(len(y)), y], logs


def loss_of_undivided_eps(logits, y, eps):
    true, logs = log_probabilities(logits, y)
    return -((1 - eps) * true + eps * logs.sum(1)).mean()


def loss_divided_twice(logits, y, eps):
    true, logs = log_probabilities(logits, y)
    return -((1 - eps) * true + eps * logs.mean(1) / logs.shape[1]).mean()


def loss_with_plus(logits, y, eps):
    true, logs = log_probabilities(logits, y)
    return -((1 - eps) * true - eps * logs.mean(1)).mean()


def loss_of_whole_true_class(logits, y, eps):
    true, logs = log_probabilities(logits, y)
    return -(true + eps * logs.mean(1)).mean()


def picked_logits(logits, y, eps):
    return -logits[range(len(y)), y].mean()


def binary_logit(n, eps):
    return math.log2(1 + n / eps - n)


WRONG_ANSWERS = {  # exercise: (function, a part of the message)
    "batch_stats": (
        (stats_of_each_image, "kept the images apart"),
        (stats_of_all_values, "averaged over all axes"),
        (population_stats, "ddof=1"),
        (mean_of_image_stds, "each image's, then their mean"),
        (swapped_stats, "standard deviation before the mean"),
        (stats_with_variance, "returned the variance"),
        (stats_of_last_axis, "took the last axis as the channel axis"),
        (stats_of_single_images, "averaged each image alone"),
        (stats_over_images, "averaged over the images only"),
        (one_std_for_all, "one for all channels"),
        (rounded_stats, "It is close: the largest difference is 0.0005, and 1e-05 is allowed."),
        (shifted_std, "the second one differs. Every value differs from the expected one by 0.5."),
        (means_of_first_image, "Its second part is right, and the first one differs."),
        (doubled_stats, "Every value is 2 times what is expected."),
    ),
    "normalize": (
        (normalized_columns, "to the last axis"),
        (unsubtracted, "divided by std without subtracting the mean"),
        (mean_divided, "left out the brackets around x - mean"),
        (normalized_as_one, "used one mean and one std of this batch"),
        (undivided, "forgot to divide by std"),
        (normalized_to_unit_range, "clamped the result"),
        (normalized_with_own_stats, "used the statistics of this batch"),
        (normalized_by_variance, "divided by the variance"),
        (normalized_with_sum, "added the mean"),
        (normalized_rows, "to the rows"),
        (normalized_images, "to axis 0, the images"),
        (normalized_by_mean_statistics, "used one mean and one std for all channels"),
        (normalized_in_wrong_order, "divided before subtracting the mean"),
        (normalized_by_inverse_std, "multiplied by std"),
        (normalized_in_per_cent, "not per cent"),
        (normalized_by_first_statistics, "of the first channel for all channels"),
        (normalized_by_swapped_stats, "exchanged mean and std"),
    ),
    "denormalize": (
        (denormalized_and_clamped, "clamped the result to [0, 1]"),
        (denormalized_in_wrong_order, "undo the last step first"),
        (denormalized_without_mean, "forgot the mean"),
        (normalized_twice, "normalized once more"),
        (denormalized_with_swapped_stats, "exchanged mean and std"),
        (denormalized_by_division, "divided by std"),
        (denormalized_with_minus, "subtracted the mean"),
        (denormalized_columns, "to the last axis"),
        (denormalized_rows, "to the rows"),
        (denormalized_by_variance, "multiplied by the variance"),
        (denormalized_without_std, "forgot std"),
        (denormalized_by_first_statistics, "of the first channel for all channels"),
        (denormalized_whole, "cut decimals off"),
    ),
    "epochs_trained": (
        (epochs_without_extra, "did not count fine_tune's extra epoch"),
        (epochs_with_first_extra, "fit_one_cycle has none"),
        (epochs_with_one_extra, "one extra epoch in all"),
        (epochs_of_last_stage, "counted only the last stage"),
        (epochs_of_later_stages, "left the first stage out"),
        (added_sizes, "a stage is (size, epochs)"),
        (epochs_with_two_extra, "two extra epochs"),
        (epochs_of_empty_list, "it differs for an empty list"),
    ),
    "relative_cost": (
        (cost_by_side, "with the side squared"),
        (cost_by_last_size, "compared with the last size"),
        (cost_by_first_size, "compared with the first size"),
        (cost_as_saving, "returned what is saved"),
        (cost_as_percentage, "returned per cent"),
        (cost_with_whole_ratios, "divided sizes with //"),
        (cost_cut_to_whole, "cut decimals off"),
        (cost_without_extra_epochs, "did not count fine_tune's extra epoch"),
        (cost_of_equal_stages, "gave every stage the same weight"),
        (cost_inverted, "divided the other way round"),
        (cost_undivided, "returned the work itself"),
        (cost_with_first_extra, "fit_one_cycle has none"),
        (cost_by_fewer_epochs, "but not in what it is compared with"),
        (cost_by_smallest_size, "compared with the smallest size"),
        (cost_in_epochs, "did not divide by the number of epochs"),
        (cost_halved, "Every value is 0.5 times what is expected."),
    ),
    "downsize": (
        (strided, "kept one pixel of each square"),
        (max_pooled, "took the largest of each square"),
        (added_up, "returned the sum, not the mean"),
        (cropped, "cut a corner out"),
        (transposed_pixels, "exchanged rows and columns"),
        (interleaved, "averaged distant pixels"),
        (averaged_in_one_direction, "averaged rows but not columns"),
        (interpolated_between_pixels, "used bilinear interpolation"),
        (grey_image, "averaged the channels as well"),
        (rounded_down_pixels, "cut decimals off"),
        (flattened_pixels, "It returns the shape [1, 4]; expected [1, 2, 2]."),
    ),
    "combine": (
        (softmax_of_the_mean, "softmax after averaging"),
        (plain_mean, "forgot softmax"),
        (softmax_over_batch, "took softmax over the batch"),
        (softmax_over_views, "took softmax over the views"),
        (combined_by_bare_exp, "no number for large logits: exp overflows"),
        (combined_by_math_exp, "no number for large logits: exp overflows"),
        (largest_probability, "took the maximum"),
        (averaged_over_images, "averaged over the batch"),
        (combined_by_sigmoid, "took the sigmoid"),
        (geometric_mean, "averaged the logarithms"),
        (summed_probabilities, "returned the sum, not the mean"),
        (combined_in_per_cent, "not per cent"),
        (squeezed_combine, "it differs for a batch of one image"),
        (mean_of_logarithms, "returned logarithms"),
        (listed_views, "torch.stack makes one tensor"),
    ),
    "weigh_views": (
        (quarter_for_the_plain_view, "the weight 0.25, whatever beta is"),
        (same_weights, "gave all views the same weight"),
        (lerp_from_the_plain_view, "exchanged beta and 1-beta"),
        (last_view_weighted, "took the last view as the plain one"),
        (plain_view_among_others, "counted the plain view twice"),
        (others_with_full_share, "gave 1-beta to each of the others"),
        (others_undiminished, "left the others at full weight"),
        (second_view_only, "used one of the others"),
        (shared_by_four, "divided 1-beta by 4"),
        (shared_by_all, "divided 1-beta by the number of all views"),
        (weighed_twice, "Every value is 2 times what is expected."),
    ),
    "windows": (
        (windows_with_y_first, "exchanged x and y"),
        (windows_with_sizes, "width and height instead of x1 and y1"),
        (windows_past_the_edge, "went past the edge"),
        (five_windows, "included the centre crop"),
        (two_windows, "only two opposite corners"),
        (windows_to_last_pixel, "took x1 and y1 as the last pixel"),
        (windows_to_the_far_corner, "returned the size of the image as x1 and y1"),
        (relative_windows, "returned fractions of the image"),
        (windows_before_the_edge, "ended one pixel before the edge"),
        (neighbouring_windows, "began the second window where the first one ends"),
        (returned_in_the_loop, "is `return` inside of the loop?"),
        (windows_of_doubled_side, ""),
        (flat_windows, "It returns the shape [16]; expected [4, 4]."),
    ),
    "tta_views": (
        (centre_twice, "counted the centre crop twice"),
        (float_centre, "left the centre between two pixels"),
        (interpolated_centre, "left the centre between two pixels"),
        (ends_only, "forgot the centre"),
        (views_with_y_first, "exchanged x and y"),
        (views_with_sizes, "width and height instead of x1 and y1"),
        (centre_only, "returned only the centre"),
        (views_to_last_pixel, "took x1 and y1 as the last pixel"),
        (views_of_a_wide_image, "moved the windows to the right only"),
        (views_from_the_middle, "began the centre window in the middle"),
        (smaller_views, "took 85 % of the shorter side"),
        (views_of_longer_side, "took the longer side"),
        (last_view_past_the_edge, "went past the edge"),
        (views_moved_right, ""),
    ),
    "mix": (
        (mixed_the_other_way, "gave t to b"),
        (mixed_with_larger_weight, "gave the larger of t and 1-t to a"),
        (half_and_half, "took half of each"),
        (weighted_a_only, "left b at full weight"),
        (weighted_b_only, "left a at full weight"),
        (picked, "took one of the two"),
        (scaled_sum, "gave both the weight t"),
        (unweighted_sum, "added both without weights"),
        (weighted_difference, "subtracted b"),
        (mixed_to_bytes, ""),
        (mixed_without_brackets, "left out the brackets around 1-t"),
        (only_the_first, "left b out"),
        (the_first_twice, "used the same image twice"),
        (mixed_as_in_the_lesson, "the weight 0.3, whatever t is"),
        (mixed_and_negated, "Every value is -1 times what is expected."),
        (shifted_mix, "Every value differs from the expected one by 0.25."),
    ),
    "mix_batch": (
        (exchanged_label_weights, "lam and 1-lam are exchanged there"),
        (mixed_class_indices, "class indices in place of one-hot"),
        (larger_weights, "the larger of lam and 1-lam"),
        (partners_weights, "gave lam to the other item"),
        (first_weight, "took the first weight for the whole batch"),
        (mean_weight, "took the mean weight for the whole batch"),
        (labels_not_mixed, "left the labels unmixed"),
        (images_not_mixed, "left the images unmixed"),
        (inverse_partners, "exchanged the two partners"),
        (one_hot_without_count, "up to the highest in y"),
        (evenly_mixed_labels, "the label got a half"),
        (mixed_along_last_axis, "applied the weights to the last axis"),
        (mixed_with_the_next, "Its second part is right, and the first one differs."),
        (mixed_in_reverse, "took the batch in reverse order"),
        (targets_first, "returned the targets before the images"),
        (mixed_labels_by_image_weights, "Its second value has the shape [3, 1, 3, 3]"),
        (images_alone, "It returns one Tensor; expected a tuple of 2 values."),
    ),
    "sample_lambda": (
        (weights_without_folding, "did not fold Beta"),
        (uniform_upper_half, "evenly between one half and one"),
        (uniform, "drew evenly between zero and one"),
        (equal_weights, "one weight for all"),
        (one_draw_for_all, "one weight for all"),
        (shared_by_two, "one weight for several images"),
        (seeded_weights, "the same weights at each call"),
        (torch_seeded_weights, "the same weights at each call"),
        (smaller_weights, "folded to the smaller"),
        (lopsided_weights, "drew from Beta(alpha, 1)"),
        (weights_of_fixed_alpha, "did not use alpha"),
        (weights_of_inverse_alpha, "used 1/alpha in place of alpha"),
        (distances, "the distance from a half"),
        (clamped_weights, "It raises weights below 0.5 to 0.5"),
        (max_of_arrays, "torch.maximum, np.maximum and where compare all values"),
        (max_of_tensors, "torch.maximum, np.maximum and where compare all values"),
        (too_few_weights, "It returns the shape [3]; expected [20000]."),
    ),
    "smooth_labels": (
        (share_twice, "gave eps/N to the true class twice"),
        (only_true_class, "left the zeros at zero: each other class gets eps/N"),
        (subtracted_everywhere, "subtracted eps from all classes"),
        (share_of_images, "divided eps by the number of images"),
        (share_of_ten, "divided eps by 10"),
        (all_rows_raised, "raised the classes of all images in each row"),
        (without_share_on_the_true_class, "forgot eps/N on the true class"),
        (smoothed_class_indices, "class indices in place of one-hot"),
        (shared_by_the_others, "among the other N-1 classes"),
        (shared_by_one_less, "divided eps by N-1"),
        (plain_one_hot, "without smoothing"),
        (scaled_one_hot, "only multiplied by 1-eps"),
        (true_class_at_one, "left the one at one"),
        (smoothed_by_a_tenth, "smoothed by 0.1, whatever eps is"),
        (share_of_all_on_each, "did not divide eps by N"),
        (one_hot_without_n, "up to the highest in y"),
        (raised_one_hot, "added eps/N and subtracted nothing"),
        (transposed_targets, "Rows and columns are exchanged."),
        (targets_in_per_cent, "not per cent"),
    ),
    "smoothed_cross_entropy": (
        (loss_of_undivided_eps, "did not divide eps by N"),
        (loss_divided_twice, "divided eps by N twice"),
        (loss_with_plus, "a loss subtracts them"),
        (loss_of_whole_true_class, "left the true class at full weight"),
        (picked_logits, "took nll_loss of logits"),
        (loss_by_bare_exp, "no number for large logits: exp overflows"),
        (loss_by_log_of_probability, "infinite where softmax is 0: use log_softmax"),
        (loss_by_math_exp, "no number for large logits: exp overflows"),
        (unsmoothed_loss, "this is plain cross-entropy"),
        (loss_of_a_tenth, "smoothed by 0.1, whatever eps is"),
        (loss_of_softmax, "took softmax before cross_entropy"),
        (loss_of_true_class, "counted the true class alone"),
        (divergence, "returned the KL divergence"),
        (loss_summed, "returned the sum over the batch"),
        (loss_of_each, "returned the loss of each image"),
        (positive_sum, "forgot the minus sign"),
        (loss_over_batch, "took softmax over the batch"),
        (loss_of_raw_logits, "forgot softmax"),
        (loss_without_share, "forgot eps/N on the true class"),
        (loss_shared_by_the_others, "among the other N-1 classes"),
        (loss_averaged_over_classes, "averaged over the classes as well"),
        (loss_without_logarithm, "forgot the logarithm"),
        (loss_to_base_two, "Every value is 1.443 times what is expected."),
    ),
    "best_logit": (
        (binary_logit, "to the base 2"),
        (target_as_logit, "returned the probability, not the logit"),
        (log_of_target, "took the logarithm of the probability alone"),
        (logit_without_share, "forgot eps/N on the true class"),
        (logit_of_shared_eps, "among the other N-1 classes"),
        (logit_of_whole_eps, "divided by eps"),
        (logit_of_probability, "compared the true class with all others together"),
        (negative_logit, "the sign is wrong"),
        (logit_to_base_ten, "to the base 10"),
        (ratio_of_targets, "take its logarithm"),
        (logit_of_ten_classes, "used 10 classes, whatever n is"),
        (coarse_logit, "It is close: the largest difference is 0.045, and 0.01 is allowed."),
    ),
}
