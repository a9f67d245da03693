"""Loss and score of one block of examples, head by head; a label that is NaN is missing."""

from __future__ import annotations

import math

import numpy as np

from lth_utils.training.sparse.vectors import LANES, inlined

_SERIES = tuple(1 / math.factorial(n) for n in range(13, -1, -1))


@inlined
def _exp(x):
    """exp of x <= 0 to the last bit or two of float64, in a form that compiles to vector code."""
    x = -700.0 if x < -700.0 else x
    k = np.floor(x * 1.4426950408889634 + 0.5)
    x = (x - k * 0.6931471803691238) - k * 1.9082149292705877e-10
    series = 0.0
    for coefficient in _SERIES:
        series = series * x + coefficient
    return series * np.int64((np.int64(k) + 1023) << 52).view(np.float64)


@inlined
def softmax(z, p, top, excess, divide):
    """Probabilities of one task's logits on one block, in float64.

    A single (sigmoid) output is the second of two, the first being zero.

    Args:
        z: logits, float32 ``[outputs, LANES]``.
        p: receives the probabilities, float64 ``[outputs, LANES]``.
        top: receives the largest logit, float64 ``[LANES]``.
        excess: float64 ``[LANES]``; the normaliser's logarithm is ``top + log1p(excess)``.
        divide: whether the probabilities are wanted; a loss does without them.
    """
    if len(z) == 1:
        for lane in range(LANES):
            excess[lane] = _exp(-abs(np.float64(z[0, lane])))
            top[lane] = max(np.float64(z[0, lane]), 0.0)
        if divide:
            for lane in range(LANES):
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
    if divide:
        for o in range(len(z)):
            for lane in range(LANES):
                p[o, lane] /= excess[lane]
    for lane in range(LANES):
        excess[lane] -= 1.0


@inlined
def predict(z, y, real, p, top, excess, divide):
    """What one head says on one block, so that ``p - y`` is its gradient.

    Args:
        z: logits, float32 ``[outputs, LANES]``.
        y: one-hot labels or real values, float32 ``[outputs, LANES]``.
        real: whether the head is a real value with a squared error.
        p, top, excess, divide: see :func:`softmax`. Of real values, and without a label,
            `excess` is 0.
    """
    if real:
        for lane in range(LANES):
            p[0, lane] = 2 * np.float64(z[0, lane]) - y[0, lane]
            excess[lane] = 0
        return
    softmax(z, p, top, excess, divide)
    for lane in range(LANES):
        excess[lane] = excess[lane] if y[0, lane] == y[0, lane] else 0.0


@inlined
def add_loss(total, z, y, top, lanes):
    """Add one head's loss on one block, without the ``log1p(excess)`` of :func:`softmax`.

    Args:
        total: sum of losses so far.
        z: logits, float32 ``[outputs, LANES]``.
        y: one-hot labels, float32 ``[outputs, LANES]``, all of them there.
        top: largest logits, float64 ``[LANES]``, from :func:`softmax`.
        lanes: number of examples in the block.

    Returns:
        The new sum.
    """
    for lane in range(lanes):
        total += top[lane]
    for o in range(len(z)):
        for lane in range(lanes):
            total -= y[o, lane] * np.float64(z[o, lane])
    return total


@inlined
def add_any_loss(total, factor, z, y, real, top, lanes):
    """The same for heads of any kind, some of whose labels may be missing.

    Args:
        total: sum of losses so far.
        factor: what the head's loss is multiplied by.
        z: logits, float32 ``[outputs, LANES]``.
        y: one-hot labels or real values, float32 ``[outputs, LANES]``.
        real: whether the head is a real value with a squared error.
        top: largest logits, float64 ``[LANES]``, from :func:`softmax`.
        lanes: number of examples in the block.

    Returns:
        The new sum.
    """
    for lane in range(lanes):
        if y[0, lane] != y[0, lane]:
            continue
        if real:
            total += factor * (np.float64(z[0, lane]) - y[0, lane]) ** 2
            continue
        total += factor * top[lane]
        for o in range(len(z)):
            total -= factor * (y[o, lane] * np.float64(z[o, lane]))
    return total


@inlined
def hits(z, y, real, lanes):
    """How many of a block's labels one head says; of real values the sum of squared errors.

    Args:
        z: logits, float32 ``[outputs, LANES]``.
        y: one-hot labels or real values, float32 ``[outputs, LANES]``.
        real: whether the head is a real value.
        lanes: number of examples in the block.
    """
    total = 0.0
    for lane in range(lanes):
        if y[0, lane] != y[0, lane]:
            continue
        best = 0
        for o in range(1, len(z)):
            best = o if z[o, lane] > z[best, lane] else best
        if real:
            total += (np.float64(z[0, lane]) - y[0, lane]) ** 2
        elif len(z) == 1:
            total += (z[0, lane] > 0) == (y[0, lane] > 0)
        else:
            total += y[best, lane] > 0
    return total
