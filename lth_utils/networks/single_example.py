"""One example through linear layers of which few weights are left, as compiled loops."""

from __future__ import annotations

import functools

import numpy as np

from lth_utils.networks.compiled import compiled

_checked = functools.partial(compiled, boundscheck=True)
"""Places of weights may come from a file."""


@_checked
def _at_least(out, low):
    """`out` with `low` in place of what is below it; what is not a number stays so."""
    for o in range(len(out)):
        out[o] = low if out[o] < low else out[o]
    return out


@_checked
def single_weights(x, low, bias, values, rows, columns):
    """A layer of single weights for one example, see ``SparseLinear``.

    Args:
        x: float32 ``[I]``.
        low: the smallest output: 0 for ReLU, else minus infinity.
        bias: float32 ``[O]``.
        values, rows, columns: of the weights.
    """
    out = bias.copy()
    for e in range(len(values)):
        out[rows[e]] += values[e] * x[columns[e]]
    return _at_least(out, low)


@_checked
def all_weights(x, low, bias, weight):
    """As :func:`single_weights`, for a matrix ``[O, I]``."""
    return _at_least(np.dot(weight, x) + bias, low)
