"""Adam as torch does it, and weight decay of parameters without a gradient."""

from __future__ import annotations

import math

import numpy as np

from lth_utils.training.sparse.vectors import compiled

BETA1, BETA2, EPS = (np.float32(c) for c in (0.9, 0.999, 1e-8))

NEW1, NEW2 = np.float32(1 - 0.9), np.float32(1 - 0.999)


@compiled
def adam_step(w, m, v, g, keep, decay, rate, root):
    """Adam as torch does it: `rate` is lr over the first bias correction, `root` one over the square root of the second."""
    for i in range(len(w)):
        gradient = g[i] + decay * w[i] if keep[i] else np.float32(0)
        m[i] += NEW1 * (gradient - m[i])
        v[i] = BETA2 * v[i] + NEW2 * gradient * gradient
        w[i] -= rate * m[i] / (np.sqrt(v[i]) * root + EPS)


@compiled
def bias_corrections(lr, steps):
    """What :func:`adam_step` takes at the step of this number, from 1."""
    return np.float32(lr / (1 - 0.9**steps)), np.float32(1 / math.sqrt(1 - 0.999**steps))


@compiled
def decay_without_gradient(w, decay, lr, steps):
    """Parameters that no gradient reaches, after so many steps of Adam on their weight decay; `w` is used up."""
    m, v, nothing, keep = (
        np.zeros_like(w),
        np.zeros_like(w),
        np.zeros_like(w),
        np.ones(len(w), np.bool_),
    )
    for step in range(1, steps + 1):
        rate, root = bias_corrections(lr, step)
        adam_step(w, m, v, nothing, keep, decay, rate, root)
    return w
