"""Exact selection of the weights that survive."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from lth_utils.config import PruneSpec, Shape, SpecError, choose, weight_shapes
from lth_utils.connectivity import ACTIVE, weight_states
from lth_utils.pruning.criteria import CRITERIA


def keep_largest(scores: Tensor, masks: Tensor, keep: int) -> Tensor:
    """The `keep` available weights of largest score, exactly; among ties the lower index stays.

    scores: float ``[M, W]``; masks: bool ``[M, W]``, True where available; keep: 0 up to the
    smallest number of available weights.  Returns bool ``[M, W]``, a subset of `masks`.

    >>> keep_largest(torch.ones(1, 4), torch.tensor([[True, False, True, True]]), 2)
    tensor([[ True, False,  True, False]])
    """
    if scores.shape != masks.shape or scores.ndim != 2 or masks.dtype != torch.bool:
        raise SpecError(
            f"scores {tuple(scores.shape)} and masks {tuple(masks.shape)} {masks.dtype}; expected [M, W] both, masks bool"
        )
    available = int(masks.sum(1).min()) if len(masks) else 0
    if keep != int(keep) or not 0 <= keep <= (available if len(masks) else keep):
        raise SpecError(f"keep is {keep}; allowed: 0 to {available}, the weights available")
    if not torch.isfinite(scores[masks]).all():
        raise SpecError("scores of available weights must be finite")
    order = scores.masked_fill(~masks, -math.inf).sort(dim=1, descending=True, stable=True).indices
    return torch.zeros_like(masks).scatter_(1, order[:, : int(keep)], True)


def prune(
    weights: Tensor,
    masks: Tensor,
    keep: int,
    *,
    shape: Shape,
    seeds: Sequence[int],
    level: int,
    initial: Tensor | None = None,
    spec: PruneSpec | None = None,
) -> Tensor:
    """The mask of the next level, with exactly `keep` weights per member.

    weights: trained values, float ``[M, W]``; masks: bool ``[M, W]``; shape: the network's; level:
    the one pruned to; initial: what they were reset to, where the criterion asks for it; spec: criterion,
    scope and alive of it are used (default: global magnitude).  With scope ``layer`` every layer keeps the same share, the odd weights going
    to the largest remainders.  Returns bool ``[M, W]``.
    """
    spec = spec or PruneSpec(levels=0)
    layers = weight_shapes(shape)
    sizes = list(map(math.prod, layers))
    scores = CRITERIA[choose(spec.criterion, CRITERIA, "criterion")](
        weights, weights if initial is None else initial, seeds, level
    )
    if spec.alive:
        of_layers = [
            m.reshape(len(m), *layer)
            for m, layer in zip(masks.split(sizes, 1), layers, strict=True)
        ]
        active = torch.cat([(s == ACTIVE).flatten(1) for s in weight_states(of_layers)], 1)
        scores = torch.where(active, scores, scores - 2 * scores.abs().max() - 1)
    if spec.scope == "global":
        return keep_largest(scores, masks, keep)
    available = [int(m[0].sum()) for m in masks.split(sizes, 1)]
    shares = [a * keep / max(1, sum(available)) for a in available]
    keeps = [math.floor(s) for s in shares]
    for layer in sorted(range(len(sizes)), key=lambda n: keeps[n] - shares[n])[: keep - sum(keeps)]:
        keeps[layer] += 1
    if 0 in keeps:
        raise SpecError(
            f"keeping {keep} weights layer by layer would empty layer {keeps.index(0)} (it has {available})"
        )
    return torch.cat(
        [
            keep_largest(s, m, k)
            for s, m, k in zip(scores.split(sizes, 1), masks.split(sizes, 1), keeps, strict=True)
        ],
        1,
    )
