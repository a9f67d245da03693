"""Units of any tensor: which of its elements belong to one unit, such as a channel.

Every element of a traced tensor carries the number of its unit, in a tensor of the same shape that
takes the same way through the model (reshaped, cut and joined like the values). Elements that share
a weight are one unit: all pixels of a channel, all tokens of a feature. The inputs begin with one
unit per element, which the first layer joins as its weights need it. -1 is no unit: a constant.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lth_utils.connectivity.any_model.graph import Group

NONE = -1
"""The number of elements that belong to no unit, such as a class token before any attention."""


class Units:
    """The units made so far, in groups, and which of them were joined later.

    Attributes:
        groups: in the order of the forward pass.
        total: how many numbers were given out.
    """

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.total = 0
        self._parent: Tensor | None = None  # of each number, once any were joined

    def new(self, name: str, kind: str, count: int) -> Tensor:
        """Numbers of `count` new units, int64 ``[count]``."""
        self.groups.append(Group(name, kind, self.total, count))
        numbers = torch.arange(self.total, self.total + count)
        self.total += count
        if self._parent is not None:
            self._parent = torch.cat([self._parent, numbers])
        return numbers

    def find(self, numbers: Tensor) -> Tensor:
        """What `numbers` are called now that some units were joined."""
        if self._parent is None:
            return numbers
        flat, restore = collapsed(numbers)
        return torch.where(flat < 0, flat, self._parent[flat.clamp(min=0)]).expand(restore)

    def join(self, numbers: Tensor):
        """Make one unit of the numbers in each column of ``[L, I]``; -1 joins nothing."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        first = column_numbers(numbers)
        pairs = torch.stack([numbers, first.expand_as(numbers)], -1)[numbers >= 0]
        a, b = pairs.unbind(1)
        if self._parent is None:
            self._parent = torch.arange(self.total)
        own = torch.arange(self.total)
        rows = torch.cat([a, own]).numpy()
        columns = torch.cat([b, self._parent]).numpy()
        ones = np.ones(len(rows), np.int8)
        links = coo_matrix((ones, (rows, columns)), shape=(self.total, self.total))
        count, labels = connected_components(links, directed=False)
        smallest = np.full(count, self.total)
        np.minimum.at(smallest, labels, np.arange(self.total))
        self._parent = torch.from_numpy(smallest[labels])


def column_numbers(numbers: Tensor) -> Tensor:
    """The largest number of each column, ``[I]`` of ``[L, I]``; -1 where it has none."""
    if not len(numbers):
        return numbers.new_full(numbers.shape[1:], NONE)
    return numbers.amax(0)


def collapsed(*tensors: Tensor) -> tuple:
    """Tensors of one shape without the axes along which all of them repeat the same elements.

    Returns:
        The tensors, with 1 in place of such an axis, and then the shape to expand them to.
    """
    shape = tensors[0].shape
    for axis, size in enumerate(shape):
        if size > 1 and all(t.stride(axis) == 0 for t in tensors):
            tensors = tuple(t.narrow(axis, 0, 1) for t in tensors)
    return *tensors, shape


def held_once(numbers: Tensor) -> Tensor:
    """The same numbers, in memory once along every axis on which they repeat."""
    slim, shape = collapsed(numbers)
    for axis, size in enumerate(slim.shape):
        first = slim.narrow(axis, 0, 1)
        if size > 1 and bool((slim == first).all()):
            slim = first
    # a copy, so that the whole is not kept for its first part
    return (slim if slim.numel() == numbers.numel() else slim.clone()).expand(shape)


def same(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors of one shape name the same units, wherever both name one."""
    a, b, _ = collapsed(a, b)
    return bool(((a == b) | (a < 0) | (b < 0)).all())
