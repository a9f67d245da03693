"""Masks checked, and the graph of units that they make.

A mask is bool ``[M, O, I]``; any axes after these are the positions of a kernel, whatever their
number.  A dense layer after kernels may have several inputs, the features, of each channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from lth_utils.config import SpecError
from lth_utils.data import Task


def kernel_axes(mask: Tensor) -> int:
    """How many axes the kernel of a layer has; 0 for a dense layer."""
    return mask.ndim - 3


def check_masks(masks: Sequence[Tensor]) -> list[Tensor]:
    """Masks whose layers fit each other.

    Args:
        masks: over layers bool ``[M, O, I]``.  The first ones may have the axes of a kernel after
            these; the dense layer after them has as many inputs of each channel.

    Returns:
        The masks as a list of tensors.

    Raises:
        SpecError: other types or numbers of axes, or layers that do not fit.
    """
    masks = [torch.as_tensor(mask) for mask in masks]
    shapes = [tuple(mask.shape) for mask in masks]
    front = sum(mask.ndim > 3 for mask in masks)
    ordered = all(mask.ndim > 3 for mask in masks[:front])
    dense = all(mask.ndim == 3 for mask in masks[front:])
    if not ordered or not dense or front == len(masks) or {m.dtype for m in masks} != {torch.bool}:
        raise SpecError(
            f"masks have shapes {shapes} and types {[str(m.dtype) for m in masks]}; expected bool "
            "tensors [M, O, I], one per layer, the first ones with the axes of a kernel after "
            "these, such as [M, O, I, k, k], if they are convolutions"
        )
    for layer, (before, after) in enumerate(pairwise(shapes), start=1):
        (members, units), (also_members, _, inputs) = before[:2], after[:3]
        # after kernels, every channel is flattened to one or more features
        flattened = layer == front and inputs > 0 and inputs % max(units, 1) == 0
        fits = flattened or inputs == units
        if members != also_members or not fits:
            raise SpecError(
                f"masks of shapes {shapes} do not fit: each layer's I must be the O of the layer "
                "before (after the last convolution a multiple of it), M the same"
            )
    return masks


def unit_matrices(masks: Sequence[Tensor]) -> list[Tensor]:
    """How many weights are available between any two units.

    Args:
        masks: checked masks.

    Returns:
        Over layers float32 ``[M, O, I]``, where channels are units.
    """
    matrices = []
    units = masks[0].shape[2]
    for mask in masks:
        count = mask
        if kernel_axes(mask):
            count = mask.flatten(3).sum(3)
        elif mask.shape[2] != units:
            count = mask.unflatten(2, (units, -1)).sum(-1)
        matrices.append(count.float())
        units = mask.shape[1]
    return matrices


def per_weight(pairs: Tensor, mask: Tensor) -> Tensor:
    """A value for each pair of units as one for each weight of a layer.

    Args:
        pairs: ``[M, O, U]``.
        mask: the layer's ``[M, O, I]``, or ``[M, O, U, ...]`` of a kernel.

    Returns:
        What can be broadcast to the mask: repeated over a channel's features, with axes of
        length 1 for the positions of a kernel.
    """
    features = mask.shape[2] // pairs.shape[2]
    if features > 1:
        pairs = pairs.repeat_interleave(features, 2)
    return pairs.reshape(*pairs.shape, *[1] * kernel_axes(mask))


def channels(masks: Sequence[Tensor]) -> list[Tensor]:
    """The masks of the layered graph of units, channels among them.

    Args:
        masks: as in :func:`check_masks`.

    Returns:
        Over layers bool ``[M, O, I]``: whether any weight is available between two units.  The
        positions of a kernel, and the features of a channel, become one edge.

    >>> kernels = torch.zeros(1, 2, 1, 3, 3, dtype=torch.bool)
    >>> dense = torch.zeros(1, 1, 8, dtype=torch.bool)
    >>> kernels[0, 1, 0, 2, 2] = dense[0, 0, 4] = True
    >>> [m.tolist() for m in channels([kernels, dense])]
    [[[[False], [True]]], [[[False, True]]]]
    """
    return [matrix > 0 for matrix in unit_matrices(check_masks(masks))]


def channel_tasks(
    tasks: Sequence[Task], n_channels: int, positions: int | None = None, axes: int = 2
) -> tuple[Task, ...]:
    """Tasks with whole channels for inputs.

    Args:
        tasks: their inputs are the positions of channels, one channel after the other.
        n_channels: channels of the network's input.
        positions: positions of a channel, such as pixels; None: the tasks must own all channels.
        axes: axes of a channel, all of one length; 2 for images.

    Raises:
        SpecError: a task owns a part of a channel, or `positions` is None and the tasks do not
            own all channels.

    >>> tasks = [Task("a", range(0, 8), range(2)), Task("b", range(8, 12), range(2, 4))]
    >>> channel_tasks(tasks, n_channels=3)[1].inputs
    range(2, 3)
    """
    owned = sum(len(task.inputs) for task in tasks)
    size = positions or owned // n_channels
    end = max((task.inputs.stop for task in tasks), default=0)
    side = round(size ** (1 / axes))
    if positions is None and (end != owned or owned != n_channels * side**axes):
        square = "square " if axes == 2 else ""
        raise SpecError(
            f"tasks own {owned} inputs, the last is {end - 1}; expected all "
            f"{'pixels' if axes == 2 else 'positions'} of {n_channels} {square}channels"
        )
    chosen = []
    for task in tasks:
        first, end = task.inputs.start, task.inputs.stop
        if first % size or end % size:
            raise SpecError(
                f"task {task.name} owns a part of a channel: inputs {first} to {end - 1}, "
                f"each channel has {size}"
            )
        chosen.append(Task(task.name, range(first // size, end // size), task.outputs))
    return tuple(chosen)
