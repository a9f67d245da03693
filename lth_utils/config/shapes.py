"""The shape of a network as people and YAML write it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lth_utils.config.checks import SpecError

Shape = tuple[int | tuple[int, ...], ...]
"""A network's unit layers, inputs first; whole numbers are the widths of dense layers.

A convolutional network begins with an image, ``(channels, side)``, and one or more valid convolutions
with square kernels, each with ReLU and max pooling (1: none), ``(channels, kernel, pool)``:
``((3, 32), (6, 5, 2), (16, 5, 2), 120, 84, 10)``.  A pooling leaves out the rows and columns that do not fill it.
"""


def shape_text(shape: Sequence) -> str:
    """A shape as people write it.

    >>> shape_text((4, 8, 2)), shape_text(((3, 32), (6, 5, 2), 10))
    ('4-8-2', '3x32-6x5x2-10')
    """
    return "-".join("x".join(map(str, n)) if isinstance(n, tuple) else str(n) for n in shape)


def convolutions(shape: Shape) -> int:
    """How many of the weight layers are convolutions; :class:`SpecError` where images, convolutions and dense layers are not in order."""
    listed = [len(n) if isinstance(n, tuple) else 0 for n in shape]
    count = sum(map(bool, listed)) - 1
    if count < 0:
        return 0
    if not 1 <= count < len(shape) - 1 or listed != [2] + [3] * count + [0] * (
        len(shape) - 1 - count
    ):
        raise SpecError(
            f"shape {shape_text(shape)} is no network; allowed: widths, such as 4, 8, 2, or an image (channels, side), then one or more "
            "convolutions (channels, kernel, pool), then one or more widths, such as (3, 32), (6, 5, 2), 84, 10"
        )
    return count


def weight_shapes(shape: Shape) -> list[tuple[int, ...]]:
    """The shape of each layer's weights: ``(O, I)``, of a convolution ``(O, I, k, k)``; :class:`SpecError` where a kernel does not fit.

    >>> weight_shapes((4, 8, 2)), weight_shapes(((3, 8), (6, 3, 2), 10))
    ([(8, 4), (2, 8)], [(6, 3, 3, 3), (10, 54)])
    """
    front, sizes, dense = convolutions(shape), [], shape
    if front:
        units, side = shape[0]
        for layer, (channels, kernel, pool) in enumerate(shape[1 : front + 1], start=1):
            if not pool <= side - kernel + 1:
                raise SpecError(
                    f"shape {shape_text(shape)}: convolution {layer} gets {side} x {side} pixels, "
                    f"too few for a kernel of {kernel} and pooling by {pool}"
                )
            sizes.append((channels, units, kernel, kernel))
            units, side = channels, (side - kernel + 1) // pool
        dense = (units * side**2, *shape[front + 1 :])
    return sizes + [(o, i) for i, o in pairwise(dense)]
