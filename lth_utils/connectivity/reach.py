"""Reachability: which inputs reach a unit, and which outputs it leads to."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lth_utils.connectivity.masks import check_masks, unit_matrices


def reached_from(matrices: Sequence[Tensor], sources: Tensor) -> list[Tensor]:
    """Which columns of `sources` reach each unit.

    Args:
        matrices: the masks as float32 ``[M, O, I]``; sums of up to 2^24 weights are exact.
        sources: bool ``[I, C]`` over the inputs.

    Returns:
        Over unit layers, inputs first, bool ``[M, U, C]``.
    """
    reached = [sources.expand(len(matrices[0]), -1, -1)]
    for matrix in matrices:
        reached.append(torch.bmm(matrix, reached[-1].float()) > 0)
    return reached


def leading_to(matrices: Sequence[Tensor], sinks: Tensor) -> list[Tensor]:
    """Which columns of `sinks` each unit leads to.

    Args:
        matrices: as in :func:`reached_from`.
        sinks: bool ``[O, C]`` over the outputs.

    Returns:
        Over unit layers, inputs first, bool ``[M, U, C]``.
    """
    leads = [sinks.T.expand(len(matrices[0]), -1, -1)]
    # row vectors: reading a matrix along its rows is several times faster
    for matrix in reversed(matrices):
        leads.append(torch.bmm(leads[-1].float(), matrix) > 0)
    return [rows.transpose(1, 2) for rows in reversed(leads)]


def any_input_each_output(matrices: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Whether any input reaches each unit, and which outputs it leads to.

    Args:
        matrices: as in :func:`reached_from`.

    Returns:
        Two lists over unit layers, inputs first: bool ``[M, U]``, and bool ``[M, U, O]``.
    """
    device = matrices[0].device
    everything = torch.ones(matrices[0].shape[2], 1, dtype=torch.bool, device=device)
    outputs = torch.eye(matrices[-1].shape[1], dtype=torch.bool, device=device)
    from_input = [reached[..., 0] for reached in reached_from(matrices, everything)]
    return from_input, leading_to(matrices, outputs)


def reachability(masks: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """As :func:`any_input_each_output`, of checked masks."""
    return any_input_each_output(unit_matrices(masks))


def masks_of_outputs(masks: Sequence[Tensor], outputs: slice | Sequence[int]) -> list[Tensor]:
    """The available weights on any path to some of the outputs.

    Args:
        masks: as in :func:`~lth_utils.connectivity.weight_states`.
        outputs: what picks the outputs, such as a task's (see ``data.tasks.index``).

    Returns:
        bool tensors of the shapes of `masks`.
    """
    masks = check_masks(masks)
    matrices = unit_matrices(masks)
    sinks = torch.zeros(matrices[-1].shape[1], 1, dtype=torch.bool, device=matrices[-1].device)
    sinks[outputs] = True
    kept = []
    for mask, leads in zip(masks, leading_to(matrices, sinks)[1:], strict=True):
        kept.append(mask & leads.reshape(*leads.shape[:2], *[1] * (mask.ndim - 2)))
    return kept
