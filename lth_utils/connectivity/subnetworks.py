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


def label_components(
    from_input: Sequence[Tensor], outputs: Sequence[Tensor], shared: Sequence[int] = ()
) -> list[Tensor]:
    """Labels of the weakly connected components, from reachability alone.

    All units of a component share it with every output they lead to, so two outputs are in one
    component exactly if a chain of inputs joins them: the closure of a small O x O relation.

    Args:
        from_input: bool ``[M, U]`` over unit layers: reached by any input.
        outputs: bool ``[M, U, O]`` over unit layers: outputs that each unit leads to.
        shared: inputs that join nothing, as if each had a copy for every output.

    Returns:
        As :func:`components`; with shared inputs in the order of the smallest output, and -1 for
        an input that feeds several of them.
    """
    joining = outputs[0]  # [M, I, O]
    if len(shared):
        own = torch.ones(joining.shape[1], dtype=torch.bool, device=joining.device)
        own[list(shared)] = False
        # a shared input may still feed a hidden unit that leads to several outputs
        hidden = outputs[1] & from_input[1][..., None]
        joining = torch.cat([joining[:, own], hidden], 1)
    n_outputs = joining.shape[2]
    linked = joining.to(torch.float32)
    linked = torch.bmm(linked.transpose(1, 2), linked) > 0  # [M, O, O]: a common input
    for _ in range(max(1, (n_outputs - 1).bit_length())):  # paths double with each squaring
        linked = torch.bmm(linked.to(torch.float32), linked.to(torch.float32)) > 0
    label = _numbered(linked, from_input[-1] if len(shared) else None, outputs[0])
    labels = []
    for reached, leads in zip(from_input, outputs, strict=True):
        of_unit = torch.where(leads, label[:, None, :], -1).amax(2)
        labels.append(torch.where(reached, of_unit, -1))
    if len(shared):
        lowest = torch.where(outputs[0], label[:, None, :], n_outputs).amin(2)
        labels[0] = torch.where(lowest == labels[0], labels[0], -1)
    return labels


def _numbered(linked: Tensor, reached: Tensor | None, at_inputs: Tensor) -> Tensor:
    """The number of each output's component, int64 ``[M, O]``.

    Args:
        linked: bool ``[M, O, O]``, whether two outputs are in one component.
        reached: bool ``[M, O]`` to number them by their smallest output; None: by their smallest
            input.
        at_inputs: bool ``[M, I, O]``, which outputs each input leads to.
    """
    if reached is None:
        n = at_inputs.shape[1]
        index = torch.arange(n, device=at_inputs.device)[None, :, None]
        first = torch.where(at_inputs, index, n).amin(1)  # [M, O]: smallest input of each output
        first = torch.where(linked, first[:, None, :], n).amin(2)
    else:
        n = linked.shape[1]
        index = torch.arange(n, device=linked.device)
        first = torch.where(linked & reached[:, None, :], index, n).amin(2)
        first = torch.where(reached, first, n)
    # labels 0…J-1 in the order of the smallest one: how many distinct smaller ones there are
    is_first = torch.zeros(*first.shape[:1], n + 1, dtype=torch.int64, device=first.device)
    is_first.scatter_(1, first, 1)
    return is_first.cumsum(1).gather(1, first) - 1
