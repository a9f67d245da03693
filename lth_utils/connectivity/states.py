"""States of weights and units: pruned, active, inactive or zombie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lth_utils.connectivity.masks import check_masks
from lth_utils.connectivity.reach import reachability

PRUNED, ACTIVE, INACTIVE, ZOMBIE = 0, 1, 2, 3

STATE_NAMES = ("pruned", "active", "inactive", "zombie")


def states_of_weights(masks, from_input, to_output) -> list[Tensor]:
    states = []
    for mask, source, sink in zip(masks, from_input[:-1], to_output[1:], strict=True):
        # of one weight that is available: inactive without a sink, else zombie without a source
        lively = torch.where(source, ACTIVE, ZOMBIE).to(torch.uint8)[:, None, :]
        state = torch.where(sink[:, :, None], lively, INACTIVE)
        if mask.ndim == 5:
            states.append(state[..., None, None] * mask)
        else:
            features = mask.shape[2] // state.shape[2]  # of a channel that is flattened
            states.append(
                (state.repeat_interleave(features, 2) if features > 1 else state).mul_(mask)
            )
    return states


def weight_states(masks: Sequence[Tensor]) -> list[Tensor]:
    """State of each weight, one of ``PRUNED, ACTIVE, INACTIVE, ZOMBIE``.

    masks: list over layers of bool ``[M, O, I]``, the first ones ``[M, O, I, k, k]`` where they are convolutions; returns
    uint8 tensors of the same shapes.  A kernel's weight leads from channel to channel.

    >>> mask = torch.tensor([[[True, True]]]), torch.tensor([[[True], [False]]])
    >>> [s.tolist() for s in weight_states(mask)]
    [[[[1, 1]]], [[[1], [0]]]]
    """
    masks = check_masks(masks)
    from_input, outputs = reachability(masks)
    return states_of_weights(masks, from_input, [o.any(-1) for o in outputs])


def unit_states(masks: Sequence[Tensor]) -> list[Tensor]:
    """State of each unit: inactive without a path to an output, else zombie without a path from an input, else active.

    masks as in :func:`weight_states`; returns uint8 ``[M, U]`` per layer of units (channels of a convolution), inputs first.
    """
    return states_of_units(*reachability(check_masks(masks)))


def states_of_units(from_input, outputs) -> list[Tensor]:
    return [
        torch.where(o.any(-1), torch.where(f, ACTIVE, ZOMBIE), INACTIVE).to(torch.uint8)
        for f, o in zip(from_input, outputs, strict=True)
    ]


def out_degrees(masks: Sequence[Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """How many weights leave each input of one dense network.

    Args:
        masks: list over layers of bool ``[1, O, I]``.

    Returns:
        Two int64 arrays ``[I]``: available weights, and active weights.
    """
    available = masks[0][0]
    active = weight_states(masks)[0][0] == ACTIVE
    return available.sum(0).numpy(), active.sum(0).numpy()
