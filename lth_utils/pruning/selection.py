"""Exact selection of the weights that survive."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from lth_utils.config import (
    PruneSpec,
    Shape,
    SpecError,
    choose,
    coerce,
    expect,
    listed,
    shape_text,
)
from lth_utils.connectivity import ACTIVE, weight_states
from lth_utils.networks.layers import network, split_mask
from lth_utils.networks.population import Population
from lth_utils.pruning.counts import shares_of
from lth_utils.pruning.criteria import CRITERIA, Context, Gradients


def keep_largest(scores: Tensor, masks: Tensor, keep: int) -> Tensor:
    """The `keep` available weights of largest score, exactly; among ties the lower index stays.

    Args:
        scores: float ``[M, W]``, finite where available.
        masks: bool ``[M, W]``, True where available.
        keep: 0 up to the smallest number of available weights.

    Returns:
        bool ``[M, W]``, a subset of `masks` with `keep` weights per member.

    Raises:
        SpecError: shapes, types or scores that are not allowed, or `keep` out of range.

    >>> keep_largest(torch.ones(1, 4), torch.tensor([[True, False, True, True]]), 2)
    tensor([[ True, False,  True, False]])
    """
    for what, array in (("scores", scores), ("masks", masks)):
        expect(array, Tensor, what)
    keep = coerce(keep, int, "keep")
    if scores.shape != masks.shape or scores.ndim != 2 or masks.dtype != torch.bool:
        raise SpecError(
            f"scores {tuple(scores.shape)} and masks {tuple(masks.shape)} {masks.dtype}; "
            "expected [M, W] both, masks bool"
        )
    available = int(masks.sum(1).min()) if len(masks) else 0
    if not 0 <= keep <= (available if len(masks) else keep):
        raise SpecError(f"keep is {keep}; allowed: 0 to {available}, the weights available")
    if not (scores.isfinite() | ~masks).all():
        raise SpecError("scores of available weights must be finite")
    order = scores.masked_fill(~masks, -math.inf).sort(dim=1, descending=True, stable=True).indices
    return torch.zeros_like(masks).scatter_(1, order[:, :keep], True)


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
    gradients: Gradients | None = None,
) -> Tensor:
    """The mask of the next level, with exactly `keep` weights per member.

    Args:
        weights: the values that are scored, float ``[M, W]``.
        masks: bool ``[M, W]``, True where available.
        keep: weights of each member that stay.
        shape: the network's ``config.Shape``.
        seeds: the members' seeds.
        level: the level that is pruned to.
        initial: float ``[M, W]``, what the weights were reset to, where the criterion asks for it.
        spec: its criterion, scope, alive, rounds and one_shot are used; None: global magnitude.
            With scope ``layer`` every layer keeps the same share, and the weights left over go to
            the layers of largest remainder.
        gradients: of the loss at `weights`, where the criterion asks for them.

    Returns:
        bool ``[M, W]``, a subset of `masks`.

    Raises:
        SpecError: arrays, a network or seeds that do not fit each other, an unknown criterion, one
            that lacks its gradients, a `keep` out of range, or one that empties a layer.
    """
    spec = PruneSpec(levels=0) if spec is None else expect(spec, PruneSpec, "spec")
    _check_members(weights, masks, shape, seeds, level, initial)
    criterion = CRITERIA[choose(spec.criterion, CRITERIA, "criterion")]
    for count in _counts(masks, keep, spec.rounds):
        # in one shot every level is scored in the dense network
        scored = torch.ones_like(masks) if spec.one_shot else masks
        context = Context(
            weights=weights * scored,
            initial=weights if initial is None else initial,
            mask=scored,
            shape=shape,
            seeds=seeds,
            level=level,
            given_gradients=gradients,
        )
        masks = _selected(criterion(context), masks, count, shape, spec)
    return masks


def prune_members(
    members: Population,
    values: Tensor,
    keep: int,
    level: int,
    spec: PruneSpec,
    gradients: Gradients | None = None,
) -> Tensor:
    """:func:`prune` of a population whose parameters have certain values.

    Args:
        members: their masks, initial values and seeds are used.
        values: float ``[M, P]``, the parameters that are scored.
        keep, level, spec, gradients: as of :func:`prune`.

    Returns:
        bool ``[M, W]``, a subset of the members' masks.

    Raises:
        SpecError: as :func:`prune`.
    """
    n_weights = members.mask.shape[1]
    return prune(
        values[:, :n_weights],
        members.mask,
        keep,
        shape=members.shape,
        seeds=members.seeds,
        level=level,
        initial=members.initial[:, :n_weights],
        spec=spec,
        gradients=gradients,
    )


def _counts(masks: Tensor, keep: int, rounds: int) -> list[int]:
    """How many weights are left after each round: equal factors, the last ends at `keep`."""
    if rounds == 1 or not len(masks):
        return [keep]
    available = int(masks.sum(1).min())
    factor = (keep / max(available, 1)) ** (1 / rounds)
    return [max(keep, round(available * factor**n)) for n in range(1, rounds)] + [keep]


def _selected(scores: Tensor, masks: Tensor, keep: int, shape: Shape, spec: PruneSpec) -> Tensor:
    """The mask ``[M, W]`` of the largest scores, within the scope."""
    if spec.alive:
        states = weight_states(split_mask(masks, shape))
        active = torch.cat([(state == ACTIVE).flatten(1) for state in states], 1)
        scores = torch.where(active, scores, scores - 2 * scores.abs().max() - 1)
    if spec.scope == "global":
        return keep_largest(scores, masks, keep)
    sizes = network(shape).sizes
    of_layers = masks.split(sizes, 1)
    # members that were pruned alike have as many weights in each layer; others, at least so many
    available = [int(mask.sum(1).min()) if len(mask) else 0 for mask in of_layers]
    keeps = shares_of(spec.scope, shape, available, keep)
    parts = zip(scores.split(sizes, 1), of_layers, keeps, strict=True)
    return torch.cat([keep_largest(score, mask, k) for score, mask, k in parts], 1)


def _check_members(weights, masks, shape, seeds, level, initial):
    """Refuse arrays that are not those of as many members as there are seeds."""
    expected = (len(listed(seeds, int, "seeds")), sum(network(shape).sizes))
    if min(seeds, default=0) < 0 or coerce(level, int, "level") < 0:
        raise SpecError(f"seeds are {seeds} and level is {level}; allowed: 0 or more")
    for what, array in (("weights", weights), ("masks", masks), ("initial", initial)):
        if array is None and what == "initial":
            continue
        if expect(array, Tensor, what).shape != expected:
            raise SpecError(
                f"{what} are {tuple(array.shape)}; expected {expected}, the weights of network "
                f"{shape_text(shape)} for each seed"
            )
