"""Reachability: which inputs reach a unit, and which outputs it leads to."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lth_utils.connectivity.masks import unit_matrices


def reachable(
    matrices: Sequence[Tensor], sources: Tensor, sinks: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """Which columns of `sources` reach each unit, and which columns of `sinks` it leads to.

    matrices: the masks as float32 ``[M, O, I]``, whose sums of up to 2^24 weights are exact; sources:
    bool ``[I, C]`` over the inputs; sinks: bool ``[O, D]`` over the outputs.  Returns lists over
    unit layers of bool ``[M, U, C]`` and ``[M, U, D]``.
    """
    members = matrices[0].shape[0]
    forward, backward = [sources.expand(members, -1, -1)], [sinks.T.expand(members, -1, -1)]
    for matrix in matrices:
        forward.append(torch.bmm(matrix, forward[-1].float()) > 0)
    for matrix in reversed(
        matrices
    ):  # row vectors: reading a matrix along its rows is several times faster
        backward.append(torch.bmm(backward[-1].float(), matrix) > 0)
    return forward, [b.transpose(1, 2) for b in reversed(backward)]


def any_input_each_output(matrices):
    device = matrices[0].device
    everything = torch.ones(matrices[0].shape[2], 1, dtype=torch.bool, device=device)
    outputs = torch.eye(matrices[-1].shape[1], dtype=torch.bool, device=device)
    forward, backward = reachable(matrices, everything, outputs)
    return [f[..., 0] for f in forward], backward


def reachability(masks):
    return any_input_each_output(unit_matrices(masks))
