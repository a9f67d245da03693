"""Subnetworks: weakly connected components of the active weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lth_utils.connectivity.masks import check_masks
from lth_utils.connectivity.reach import reachability


def components(masks: Sequence[Tensor]) -> list[Tensor]:
    """Subnetwork of each unit: the weakly connected component of active weights it lies in.

    Args:
        masks: as in :func:`~lth_utils.connectivity.weight_states`.

    Returns:
        Over unit layers, inputs first, int64 ``[M, U]``: -1 outside the active graph, else
        0…J-1 per member in the order of the smallest input index.

    Raises:
        SpecError: masks that make no network.
    """
    return label_components(*reachability(check_masks(masks)))


def label_components(from_input: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Tensor]:
    """Labels of the weakly connected components, from reachability alone.

    All units of a component share it with every output they lead to, so two outputs are in one
    component exactly if a chain of inputs joins them: the closure of a small O x O relation.

    Args:
        from_input: bool ``[M, U]`` over unit layers: reached by any input.
        outputs: bool ``[M, U, O]`` over unit layers: outputs that each unit leads to.

    Returns:
        As :func:`components`.
    """
    at_inputs = outputs[0]  # [M, I, O]
    n_inputs, n_outputs = at_inputs.shape[1:]
    linked = at_inputs.to(torch.float32)
    linked = torch.bmm(linked.transpose(1, 2), linked) > 0  # [M, O, O]: a common input
    for _ in range(max(1, (n_outputs - 1).bit_length())):  # paths double with each squaring
        linked = torch.bmm(linked.to(torch.float32), linked.to(torch.float32)) > 0
    index = torch.arange(n_inputs, device=at_inputs.device)[None, :, None]
    first = torch.where(at_inputs, index, n_inputs).amin(1)  # [M, O]: smallest input of each output
    first = torch.where(linked, first[:, None, :], n_inputs).amin(2)
    # labels 0…J-1 in the order of the smallest input: how many distinct smaller ones there are
    is_first = torch.zeros(*first.shape[:1], n_inputs + 1, dtype=torch.int64, device=first.device)
    is_first.scatter_(1, first, 1)
    label = is_first.cumsum(1).gather(1, first) - 1  # [M, O]
    labels = []
    for reached, leads in zip(from_input, outputs, strict=True):
        of_unit = torch.where(leads, label[:, None, :], -1).amax(2)
        labels.append(torch.where(reached, of_unit, -1))
    return labels
