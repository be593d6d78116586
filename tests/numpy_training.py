"A training of `train_small` in NumPy, with gradients written out."

import numpy as np

from lesson7.data.counted import LAMBDA, ORDER, PARTNER, shuffled, stream_key, symmetric_beta
from lesson7.data.examples import small_digits
from lesson7.training.small import initial_weights, noisy_labels, scaled_inputs

ROUND_SPACE = 4096
BATCH = 32


def softmax(logits):
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def numpy_weights(alpha, eps, wrong, fold, images, epochs, lr, hidden, seed):
    "Return the weights of a training on normalized digits."
    digits = small_digits()
    x = scaled_inputs(digits, "normalized", images)[:images]
    y = np.eye(10)[noisy_labels(digits.labels[:images], 10, wrong, seed)]
    y = (1 - eps) * y + eps / 10
    weights = [w.numpy() for w in initial_weights((64, hidden, 10), seed)]
    velocities = [np.zeros_like(w) for w in weights]
    for epoch in range(1, epochs + 1):
        order = shuffled(images, stream_key(seed, ORDER, epoch))
        for batch in range(images // BATCH):
            rows = order[batch * BATCH : (batch + 1) * BATCH]
            xb, yb = x[rows], y[rows]
            if alpha:
                positions = np.arange(batch * BATCH, (batch + 1) * BATCH)
                lam = symmetric_beta(stream_key(seed, LAMBDA, epoch), positions, alpha)[:, None]
                lam = np.maximum(lam, 1 - lam) if fold else lam
                key = stream_key(seed, PARTNER, epoch * ROUND_SPACE + batch)
                partner = shuffled(BATCH, key)
                xb = lam * xb + (1 - lam) * xb[partner]
                yb = lam * yb + (1 - lam) * yb[partner]
            w1, b1, w2, b2 = weights
            units = np.maximum(xb @ w1 + b1, 0)
            error = (softmax(units @ w2 + b2) - yb) / BATCH
            unit_error = (error @ w2.T) * (units > 0)
            gradients = [xb.T @ unit_error, unit_error.sum(0), units.T @ error, error.sum(0)]
            for w, velocity, gradient in zip(weights, velocities, gradients):
                velocity *= 0.9
                velocity += gradient
                w -= lr * velocity
    return weights
