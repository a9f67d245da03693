"""Adam as torch does it, and weight decay of parameters without a gradient."""

from __future__ import annotations

import math

import numpy as np

from lth_utils.training.sparse.vectors import compiled, inlined

BETA1, BETA2, EPS = np.float32(0.9), np.float32(0.999), np.float32(1e-8)

NEW1, NEW2 = np.float32(1 - 0.9), np.float32(1 - 0.999)


@inlined
def adam_step(w, m, v, g, keep, decay, rate, root):
    """One step of Adam, as torch does it, in place.

    Args:
        w: parameters, float32 ``[N]``.
        m: first moments, float32 ``[N]``.
        v: second moments, float32 ``[N]``.
        g: gradients, float32 ``[N]``.
        keep: bool ``[N]``; parameters stay as they are where it is False.
        decay: weight decay.
        rate: learning rate over the first bias correction.
        root: one over the root of the second bias correction.
    """
    for i in range(len(w)):
        gradient = g[i] + decay * w[i] if keep[i] else np.float32(0)
        m[i] += NEW1 * (gradient - m[i])
        v[i] = BETA2 * v[i] + NEW2 * gradient * gradient
        w[i] -= rate * m[i] / (np.sqrt(v[i]) * root + EPS)


@inlined
def bias_corrections(lr, step):
    """The `rate` and `root` of :func:`adam_step` at a step's number, from 1."""
    return np.float32(lr / (1 - 0.9**step)), np.float32(1 / math.sqrt(1 - 0.999**step))


@inlined
def add_l1(g, w, l1):
    """Add the subgradient of an L1 penalty to gradients.

    Args:
        g: gradients, float32 ``[N]``, changed in place.
        w: parameters, float32 ``[N]``.
        l1: the penalty, float32.
    """
    for i in range(len(w)):
        g[i] += l1 * np.sign(w[i])


@compiled
def decay_without_gradient(w, decay, lr, steps, l1):
    """Parameters that no gradient reaches, after so many steps of Adam on their penalties.

    Args:
        w: parameters, float32 ``[N]``, changed in place.
        decay: weight decay.
        lr: learning rate.
        steps: number of steps.
        l1: L1 penalty, float32.

    Returns:
        The same array `w`.
    """
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    no_gradient = np.zeros_like(w)
    keep = np.ones(len(w), np.bool_)
    for step in range(1, steps + 1):
        rate, root = bias_corrections(lr, step)
        if l1 > 0:
            no_gradient[:] = 0
            add_l1(no_gradient, w, l1)
        adam_step(w, m, v, no_gradient, keep=keep, decay=decay, rate=rate, root=root)
    return w
