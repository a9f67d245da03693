"""The shape of a network as people and YAML write it.

What the numbers mean, and whether they make a network, is known in ``networks.layers``.
"""

from __future__ import annotations

from collections.abc import Sequence

Shape = tuple[int | tuple[int, ...], ...]
"""A network's unit layers, inputs first; whole numbers are the widths of dense layers.

A convolutional network begins with an image, ``(channels, side)``, and one or more valid
convolutions with square kernels, each with ReLU and max pooling (1: none), ``(channels, kernel,
pool)``: ``((3, 32), (6, 5, 2), (16, 5, 2), 120, 84, 10)``.  A pooling leaves out the rows and
columns that do not fill it.
"""


def shape_text(shape: Sequence) -> str:
    """A shape as people write it.

    >>> shape_text((4, 8, 2)), shape_text(((3, 32), (6, 5, 2), 10))
    ('4-8-2', '3x32-6x5x2-10')
    """
    return "-".join("x".join(map(str, n)) if isinstance(n, tuple) else str(n) for n in shape)


def smallest(shape: Shape) -> int:
    """The smallest number of a shape, 0 where there is none or an entry has none.

    >>> smallest((4, 8, 2)), smallest(((3, 32), (6, 5, 1), 10)), smallest(((), 10))
    (2, 1, 0)
    """
    numbers = (n if isinstance(n, tuple) else (n,) for n in shape)
    return min((min(some, default=0) for some in numbers), default=0)
