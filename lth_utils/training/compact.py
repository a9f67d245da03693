"""A member without its dead units: where its parameters are in the flat order."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

WIDTHS = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
"""Hidden widths that compacted members are padded to; wider ones keep their own."""


def parameter_index(
    mask: np.ndarray, shape: tuple[int, ...], keep_dead: bool = False
) -> list[np.ndarray]:
    """Where each trained parameter of a member is in the flat order.

    Dead units, hidden units without a path to an output, are left out: of the rows of their own
    layer and of the columns of the next.

    Args:
        mask: bool ``[W]``.
        shape: units per layer, inputs first.
        keep_dead: keep dead units.

    Returns:
        Per layer an index into the flat parameters, int64 ``[O, I + 1]``, the bias last; -1 where
        the weight is pruned.
    """
    weights_end = len(mask)
    biases_start = len(mask) + sum(shape[1:])
    kept = np.arange(shape[-1])
    layers = []
    for n_inputs, n_outputs in reversed(list(pairwise(shape))):
        weights_start = weights_end - n_inputs * n_outputs
        layer = mask[weights_start:weights_end].reshape(n_outputs, n_inputs)[kept]
        inputs = np.arange(n_inputs)
        index = weights_start + kept[:, None] * n_inputs + inputs
        if weights_start > 0 and not keep_dead:
            inputs = np.flatnonzero(layer.any(0))
        weights = np.where(layer, index, -1)[:, inputs]
        biases_start -= n_outputs
        layers.append(np.column_stack([weights, biases_start + kept]))
        kept, weights_end = inputs, weights_start
    return layers[::-1]


def compact(
    mask: np.ndarray, shape: tuple[int, ...], keep_dead: bool = False
) -> tuple[tuple[int, ...], np.ndarray]:
    """A member's shape without dead units, its hidden widths padded to one of a few.

    Args:
        mask: bool ``[W]``.
        shape: units per layer, inputs first.
        keep_dead: keep dead units.

    Returns:
        The compact shape, and for each of its parameters the index into the full flat order,
        int64 ``[P]`` of the compact shape; -1 for padding and pruned weights.
    """
    layers = parameter_index(mask, shape, keep_dead)
    hidden = []
    for layer, units in zip(layers[:-1], shape[1:-1], strict=True):
        width = next((w for w in WIDTHS if w >= len(layer)), units)
        hidden.append(min(units, width))
    compact_shape = (shape[0], *hidden, shape[-1])
    weights, biases = [], []
    for layer, (n_inputs, n_outputs) in zip(layers, pairwise(compact_shape), strict=True):
        rows, columns = layer.shape
        padded = np.full((n_outputs, n_inputs + 1), -1)
        padded[:rows, : columns - 1] = layer[:, :-1]
        padded[:rows, -1] = layer[:, -1]
        weights.append(padded[:, :-1].ravel())
        biases.append(padded[:, -1])
    return compact_shape, np.concatenate(weights + biases)
