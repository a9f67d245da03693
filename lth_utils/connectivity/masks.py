"""Masks checked, and the graph of units that they make."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from lth_utils.config import SpecError
from lth_utils.data import Task


def check_masks(masks: Sequence[Tensor]) -> list[Tensor]:
    """`masks` as a list of bool tensors ``[M, O, I]`` whose layers fit each other, else :class:`SpecError`.

    The first ones may be of convolutions, ``[M, O, I, k, k]``; the dense layer after them has as many inputs of each channel.
    """
    masks = [torch.as_tensor(m) for m in masks]
    shapes, front = [tuple(m.shape) for m in masks], sum(m.ndim == 5 for m in masks)
    if (
        [m.ndim for m in masks] != [5] * front + [3] * (len(masks) - front)
        or len(masks) == front
        or any(m.dtype != torch.bool for m in masks)
    ):
        raise SpecError(
            f"masks have shapes {shapes} and types {[str(m.dtype) for m in masks]}; expected bool tensors [M, O, I], "
            "one per layer, the first ones [M, O, I, k, k] if they are convolutions"
        )
    for layer, ((m, o, *_), (m_next, _, i, *_)) in enumerate(pairwise(shapes), start=1):
        if m != m_next or (i % max(o, 1) or not i if layer == front else o != i):
            raise SpecError(
                f"masks of shapes {shapes} do not fit: each layer's I must be the O of the layer before "
                "(after the last convolution a multiple of it), M the same"
            )
    return masks


def unit_matrices(masks: Sequence[Tensor]) -> list[Tensor]:
    """How many weights are available between any two units, float32 ``[M, O, I]`` per layer."""
    matrices, units = [], masks[0].shape[2]
    for mask in masks:
        matrices.append(
            mask.sum((3, 4)).float()
            if mask.ndim == 5
            else mask.float()
            if mask.shape[2] == units
            else mask.unflatten(2, (units, -1)).sum(-1).float()
        )
        units = mask.shape[1]
    return matrices


def channels(masks: Sequence[Tensor]) -> list[Tensor]:
    """The masks of the layered graph of units: which units, channels among them, have a weight between them, bool ``[M, O, I]`` per layer.

    A channel's kernel positions, and its features where they are flattened, become one edge.

    >>> kernels, dense = torch.zeros(1, 2, 1, 3, 3, dtype=torch.bool), torch.zeros(1, 1, 8, dtype=torch.bool)
    >>> kernels[0, 1, 0, 2, 2] = dense[0, 0, 4] = True
    >>> [m.tolist() for m in channels([kernels, dense])]
    [[[[False], [True]]], [[[False, True]]]]
    """
    return [m > 0 for m in unit_matrices(check_masks(masks))]


def channel_tasks(
    tasks: Sequence[Task], n_channels: int, side: int | None = None
) -> tuple[Task, ...]:
    """`tasks` with whole channels for inputs, where their inputs are the pixels of square channels, one channel after the other.

    side: pixels per side; without it the tasks must own all channels.  Raises :class:`SpecError` for a task
    that owns a part of a channel.

    >>> channel_tasks([Task("a", range(0, 8), range(2)), Task("b", range(8, 12), range(2, 4))], 3)[1].inputs
    range(2, 3)
    """
    owned = sum(len(t.inputs) for t in tasks)
    pixels = side**2 if side else owned // n_channels
    end = max((t.inputs.stop for t in tasks), default=0)
    if not side and (end != owned or owned != n_channels * math.isqrt(pixels) ** 2):
        raise SpecError(
            f"tasks own {owned} inputs, the last is {end - 1}; expected all pixels of {n_channels} square channels"
        )
    for task in tasks:
        if task.inputs.start % pixels or task.inputs.stop % pixels:
            raise SpecError(
                f"task {task.name} owns a part of a channel: inputs {task.inputs.start} to {task.inputs.stop - 1}, "
                f"each channel has {pixels}"
            )
    return tuple(
        Task(t.name, range(t.inputs.start // pixels, t.inputs.stop // pixels), t.outputs)
        for t in tasks
    )
