"""States of weights and units: pruned, active, inactive or zombie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lth_utils.connectivity.masks import check_masks, per_weight
from lth_utils.connectivity.reach import reachability

PRUNED, ACTIVE, INACTIVE, ZOMBIE = 0, 1, 2, 3

STATE_NAMES = ("pruned", "active", "inactive", "zombie")


def weight_states(masks: Sequence[Tensor]) -> list[Tensor]:
    """State of each weight: pruned, active, inactive or zombie.

    Inactive: available, but its sink leads to no output.  Zombie: it leads to an output, but its
    source is reached by no input.  A kernel's weight leads from channel to channel.

    Args:
        masks: over layers bool ``[M, O, I]``, a single network is M = 1.  The first ones are
            ``[M, O, I, k, k]`` where they are convolutions.

    Returns:
        uint8 tensors of the same shapes, each value one of ``PRUNED, ACTIVE, INACTIVE, ZOMBIE``.

    Raises:
        SpecError: masks that make no network.

    Source:
        thesis, definitions of active, inactive and zombie weights.

    >>> mask = torch.tensor([[[True, True]]]), torch.tensor([[[True], [False]]])
    >>> [s.tolist() for s in weight_states(mask)]
    [[[[1, 1]]], [[[1], [0]]]]
    """
    masks = check_masks(masks)
    from_input, outputs = reachability(masks)
    leads = [per_output.any(-1) for per_output in outputs]
    states = []
    for mask, source, sink in zip(masks, from_input[:-1], leads[1:], strict=True):
        # of an available weight: inactive without a sink, else zombie without a source
        of_source = torch.where(source, ACTIVE, ZOMBIE).to(torch.uint8)[:, None, :]
        state = per_weight(torch.where(sink[:, :, None], of_source, INACTIVE), mask)
        states.append(state.mul_(mask) if state.shape == mask.shape else state * mask)
    return states


def unit_states(masks: Sequence[Tensor]) -> list[Tensor]:
    """State of each unit: active, inactive or zombie.

    Inactive: no path to an output.  Zombie: a path to an output, but none from an input.

    Args:
        masks: as in :func:`weight_states`.

    Returns:
        Over unit layers, inputs first, uint8 ``[M, U]``; units are channels of a convolution.

    Raises:
        SpecError: masks that make no network.
    """
    return states_of_units(*reachability(check_masks(masks)))


def states_of_units(from_input: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Tensor]:
    """The same from the lists of :func:`~lth_utils.connectivity.reach.any_input_each_output`."""
    states = []
    for reached, leads in zip(from_input, outputs, strict=True):
        of_unit = torch.where(reached, ACTIVE, ZOMBIE)
        states.append(torch.where(leads.any(-1), of_unit, INACTIVE).to(torch.uint8))
    return states


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
