"""Loss and accuracy of one block of examples."""

from __future__ import annotations

import math

import numpy as np

from lth_utils.training.sparse.vectors import LANES, compiled

_SERIES = tuple(1 / math.factorial(n) for n in range(13, -1, -1))


@compiled
def _exp(x):
    """exp of x <= 0, to the last bit or two of float64, in a form that compiles to vector code."""
    x = -700.0 if x < -700.0 else x
    k = np.floor(x * 1.4426950408889634 + 0.5)
    x = (x - k * 0.6931471803691238) - k * 1.9082149292705877e-10
    series = 0.0
    for coefficient in _SERIES:
        series = series * x + coefficient
    return series * np.int64((np.int64(k) + 1023) << 52).view(np.float64)


@compiled
def softmax(z, p, top, excess):
    """Probabilities p of one task's logits z, both ``[outputs, LANES]``, in float64.

    The logarithm of the normaliser is ``top + log1p(excess)``.  A single (sigmoid) output is the
    second of two, the first being zero.
    """
    if len(z) == 1:
        for lane in range(LANES):
            excess[lane] = _exp(-abs(np.float64(z[0, lane])))
            top[lane] = max(np.float64(z[0, lane]), 0.0)
            p[0, lane] = (1.0 if z[0, lane] > 0 else excess[lane]) / (1.0 + excess[lane])
        return
    top[:] = z[0]
    for o in range(1, len(z)):
        for lane in range(LANES):
            top[lane] = max(top[lane], np.float64(z[o, lane]))
    excess[:] = 0
    for o in range(len(z)):
        for lane in range(LANES):
            p[o, lane] = _exp(z[o, lane] - top[lane])
            excess[lane] += p[o, lane]
    for o in range(len(z)):
        for lane in range(LANES):
            p[o, lane] /= excess[lane]
    for lane in range(LANES):
        excess[lane] -= 1.0


@compiled
def add_loss(total, z, y, top, lanes):
    """`total` plus one task's loss on one block, summed over its lanes, but for the ``log1p(excess)`` of :func:`softmax`."""
    for lane in range(lanes):
        total += top[lane]
    for o in range(len(z)):
        for lane in range(lanes):
            total -= y[o, lane] * np.float64(z[o, lane])
    return total


@compiled
def count_correct(z, y, lanes):
    """How many of a block's examples one task's logits classify as their labels say; both ``[outputs, LANES]``."""
    right = 0
    for lane in range(lanes):
        best = 0
        for o in range(1, len(z)):
            best = o if z[o, lane] > z[best, lane] else best
        right += (z[0, lane] > 0) == (y[0, lane] > 0) if len(z) == 1 else y[best, lane] > 0
    return right
