"""Parameters that can change, without dead units: where they are in the flat order."""

from __future__ import annotations

from itertools import pairwise

import numpy as np


def parameter_index(mask: np.ndarray, shape, dead: bool = False) -> list[np.ndarray]:
    """Per layer, where each trained parameter lives in the flat order, -1 where pruned; ``[O, I + 1]``, the bias last.

    mask: bool ``[W]``.  Hidden units without a path to an output are left out of the rows and of the next layer's columns; dead: they stay.
    """
    homes, kept, end = [], np.arange(shape[-1]), len(mask) + sum(shape[1:])
    for i, o in reversed(list(pairwise(shape))):
        layer = mask[(start := len(mask) - i * o) :].reshape(o, i)[kept]
        mask, end = mask[:start], end - o
        inputs = np.flatnonzero(layer.any(0)) if start and not dead else np.arange(i)
        weights = np.where(layer, start + kept[:, None] * i + np.arange(i), -1)[:, inputs]
        homes.append(np.column_stack([weights, end + kept]))
        kept = inputs
    return homes[::-1]


WIDTHS = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
"""Hidden widths that compacted members are padded to; wider ones keep their own."""


def compact(mask: np.ndarray, shape, dead: bool = False) -> tuple[tuple[int, ...], np.ndarray]:
    """The padded shape without dead hidden units, and for each of its parameters its place in the full order or -1.

    mask: bool ``[W]``; dead: dead units stay.  Pruned weights have place -1 too.
    """
    homes, padded = parameter_index(mask, shape, dead), []
    widths = [
        min(n, next((w for w in WIDTHS if w >= len(h)), n))
        for h, n in zip(homes[:-1], shape[1:-1], strict=True)
    ]
    small = (shape[0], *widths, shape[-1])
    for home, (inputs, outputs) in zip(homes, pairwise(small), strict=True):
        places = np.full((outputs, inputs + 1), -1)
        places[: len(home), : home.shape[1] - 1], places[: len(home), -1] = (
            home[:, :-1],
            home[:, -1],
        )
        padded.append(places)
    return small, np.concatenate(
        [*(p[:, :-1].ravel() for p in padded), *(p[:, -1] for p in padded)]
    )
