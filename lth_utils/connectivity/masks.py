"""Masks checked, and the graph of units that they make.

The layers are a plain chain: each gets what the one before gives, and nothing else. Residual
connections and branches cannot be seen in a list of masks.

A mask is bool ``[M, O, I]``; any axes after these are the positions of a kernel, whatever their
number.  A dense layer after kernels may have several inputs, the features, of each channel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import SpecError
from lth_utils.data import Task
from lth_utils.data.tasks import end


def kernel_axes(mask: Tensor) -> int:
    """How many axes the kernel of a layer has; 0 for a dense layer."""
    return mask.ndim - 3


def check_masks(masks: Sequence[Tensor]) -> list[Tensor]:
    """Masks whose layers fit each other.

    Args:
        masks: over the layers of a plain chain bool ``[M, O, I]``, tensors or arrays on one
            device.  The first ones may have the axes of a kernel after these; the dense layer
            after them has as many inputs of each channel.

    Returns:
        The masks as a list of tensors.

    Raises:
        SpecError: anything else, such as a module, weights instead of masks, or layers that do not
            fit each other.
    """
    masks = _tensors(masks)
    shapes = [tuple(mask.shape) for mask in masks]
    front = sum(mask.ndim > 3 for mask in masks)
    ordered = all(mask.ndim > 3 for mask in masks[:front])
    dense = all(mask.ndim == 3 for mask in masks[front:])
    if not ordered or not dense or front == len(masks):
        raise SpecError(
            f"masks have shapes {shapes}; expected [M, O, I] for each layer, "
            "of convolutions, which come first, with the axes of a kernel after these, "
            f"such as [M, O, I, k, k]{_hint(shapes)}"
        )
    if not shapes[0][0]:
        raise SpecError(f"masks have shapes {shapes}: no member; M is at least 1")
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


def _tensors(masks) -> list[Tensor]:
    """Masks as a list of bool tensors on one device."""
    if isinstance(masks, torch.nn.Module):
        raise SpecError(
            "a module is no list of masks: give one bool tensor [M, O, I] for each layer, such as "
            "[layer.weight[None] != 0 for layer in model if isinstance(layer, torch.nn.Linear)]. "
            "This is right only where the layers are a plain chain, each fed by the one before; "
            "residual connections and other branches cannot be seen in such a list"
        )
    if isinstance(masks, (torch.Tensor, np.ndarray)) or not isinstance(masks, (list, tuple)):
        raise SpecError(
            f"masks are of type {type(masks).__name__}; expected a list with one bool tensor "
            "[M, O, I] for each layer of a plain chain, in order"
        )
    if not masks:
        raise SpecError("the list of masks is empty; expected one bool tensor for each layer")
    tensors = []
    for layer, mask in enumerate(masks):
        if not isinstance(mask, (torch.Tensor, np.ndarray)):
            raise SpecError(f"mask {layer} is of type {type(mask).__name__}; expected a tensor")
        if str(mask.dtype) not in ("torch.bool", "bool"):
            raise SpecError(
                f"mask {layer} has type {mask.dtype}; expected bool, such as weight != 0"
            )
        tensors.append(torch.as_tensor(mask).to_dense())
    devices = sorted({str(mask.device) for mask in tensors})
    if len(devices) > 1:
        raise SpecError(f"masks lie on several devices: {', '.join(devices)}; expected one")
    return tensors


def _hint(shapes: Sequence[tuple[int, ...]]) -> str:
    """What may have been forgotten."""
    alone = all(len(shape) == 2 for shape in shapes)
    return "; of a single network, mask[None] adds the axis of members" if alone else ""


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
    owned = len({position for task in tasks for position in task.inputs})
    size = positions or owned // n_channels
    last = max((end(task.inputs) for task in tasks), default=0)
    side = round(size ** (1 / axes))
    if positions is None and (last != owned or owned != n_channels * side**axes):
        square = "square " if axes == 2 else ""
        raise SpecError(
            f"tasks own {owned} inputs, the last is {last - 1}; expected all "
            f"{'pixels' if axes == 2 else 'positions'} of {n_channels} {square}channels"
        )
    chosen = []
    for task in tasks:
        counts = Counter(position // size for position in task.inputs)
        if set(counts.values()) != {size}:
            raise SpecError(
                f"task {task.name} owns a part of a channel: inputs {min(task.inputs)} to "
                f"{max(task.inputs)}, each channel has {size}"
            )
        chosen.append(replace(task, inputs=list(counts)))
    return tuple(chosen)
