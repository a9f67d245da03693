"""Which weights survive, and how many per level.

A criterion is one scoring function; selection, exact counts and ties live here once.
"""
from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import PruneSpec, RunSpec, Shape, SpecError, choose, convolutions, rng, weight_shapes
from lth_utils.connectivity import ACTIVE, weight_states


def n_weights(shape: Shape) -> int:
    """Number of weights of a network; biases are not counted.

    >>> n_weights((4, 57, 57, 2)), n_weights(((3, 32), (6, 5, 2), (16, 5, 2), 120, 84, 10))
    (3591, 61770)
    """
    return sum(map(math.prod, weight_shapes(shape)))


def trajectory(n_weights: int, rate: float | None = None, levels: int | None = None, target: int | None = None) -> list[int]:
    """Available weights at each level, the dense network first.

    Two of `rate` (share of the remaining weights removed per level, in (0, 1)), `levels` (number of
    prunings) and `target` (weights left at the end) fix the third by ``p = 1 - (T/N)^(1/L)``; level
    i keeps ``round(N (1 - p)^i)``.  With rate and target the number of levels is rounded to a whole
    one and the last level makes up the difference.  Raises :class:`SpecError`.

    >>> trajectory(3591, levels=3, target=112)
    [3591, 1130, 356, 112]
    >>> trajectory(1000, rate=0.5, levels=2)
    [1000, 500, 250]
    """
    spec = PruneSpec(rate=rate, levels=levels, target=target)  # checks ranges and that two are given
    if n_weights < 1:
        raise SpecError(f"n_weights is {n_weights}; allowed: 1 or more")
    if target is not None and target > n_weights:
        raise SpecError(f"target {target} is above the number of weights, {n_weights}")
    if spec.levels == 0:
        return [n_weights]
    if target is None:
        return [round(n_weights * (1 - rate) ** i) for i in range(levels + 1)]
    if rate is None:
        keep = (target / n_weights) ** (1 / levels)
    else:
        keep = 1 - rate
        levels = max(target < n_weights, round(math.log(target / n_weights) / math.log(keep)))
    return [round(n_weights * keep**i) for i in range(levels)] + [target]


def extend(shape: Sequence[int], rate: float, levels: int) -> list[tuple[int, ...]]:
    """The networks that, pruned at `rate`, lead to `shape`: extension levels 0…`levels`.

    shape: inputs, one or more hidden layers of equal width, outputs; rate in (0, 1).  The width h
    at level e is the rounded positive root of ``(m-1) h² + (d_in + d_out) h = N / (1-rate)^e`` for
    m hidden layers and N weights in `shape` (thesis, section on extension).

    >>> [s[1] for s in extend((4, 8, 8, 2), 0.32, 9)]
    [8, 10, 13, 16, 20, 25, 31, 38, 47, 57]
    """
    shape = tuple(shape)
    if convolutions(shape) or len(shape) < 3 or len(set(shape[1:-1])) != 1:
        raise SpecError(f"shape {shape} cannot be extended: it needs hidden layers, all of equal width, such as (4, 8, 8, 2)")
    PruneSpec(rate=rate, levels=levels)
    ends, squares, base = shape[0] + shape[-1], len(shape) - 3, n_weights(shape)
    shapes = [shape]
    for level in range(1, levels + 1):
        n = base / (1 - rate) ** level
        width = n / ends if not squares else (math.sqrt(ends**2 + 4 * squares * n) - ends) / (2 * squares)
        shapes.append((shape[0], *[round(width)] * (len(shape) - 2), shape[-1]))
    return shapes


def plan(spec: RunSpec) -> tuple[Shape, list[int]]:
    """A run's dense shape and its trajectory of available weights, level 0 first; of a variant, its one level's."""
    prune, variant = spec.prune, spec.variant
    if prune.schedule == "extension":
        shapes = extend(spec.base, prune.rate, prune.levels)[::-1]
        shape, keep = shapes[0], [n_weights(s) for s in shapes]
    else:
        shape, keep = spec.base, trajectory(n_weights(spec.base), prune.rate, prune.levels, prune.target)
    if variant is None:
        return shape, keep
    if variant.level >= len(keep):
        raise SpecError(f"VariantSpec.level is {variant.level}; allowed: 0 to {len(keep) - 1}, the levels of the run that finds the ticket")
    return shape, keep[variant.level :][:1]


def keep_largest(scores: Tensor, masks: Tensor, keep: int) -> Tensor:
    """The `keep` available weights of largest score, exactly; among ties the lower index stays.

    scores: float ``[M, W]``; masks: bool ``[M, W]``, True where available; keep: 0 up to the
    smallest number of available weights.  Returns bool ``[M, W]``, a subset of `masks`.

    >>> keep_largest(torch.ones(1, 4), torch.tensor([[True, False, True, True]]), 2)
    tensor([[ True, False,  True, False]])
    """
    if scores.shape != masks.shape or scores.ndim != 2 or masks.dtype != torch.bool:
        raise SpecError(f"scores {tuple(scores.shape)} and masks {tuple(masks.shape)} {masks.dtype}; expected [M, W] both, masks bool")
    available = int(masks.sum(1).min()) if len(masks) else 0
    if keep != int(keep) or not 0 <= keep <= (available if len(masks) else keep):
        raise SpecError(f"keep is {keep}; allowed: 0 to {available}, the weights available")
    if not torch.isfinite(scores[masks]).all():
        raise SpecError("scores of available weights must be finite")
    order = scores.masked_fill(~masks, -math.inf).sort(dim=1, descending=True, stable=True).indices
    return torch.zeros_like(masks).scatter_(1, order[:, :int(keep)], True)


def _magnitude(weights: Tensor, initial: Tensor, seeds, level) -> Tensor:
    return weights.abs()


def _movement(weights: Tensor, initial: Tensor, seeds, level) -> Tensor:
    return (weights - initial).abs()


def _magnitude_increase(weights: Tensor, initial: Tensor, seeds, level) -> Tensor:
    return weights.abs() - initial.abs()


def _random(weights: Tensor, initial: Tensor, seeds, level) -> Tensor:
    scores = np.stack([rng(seed, "prune", level).random(weights.shape[1], dtype=np.float32) for seed in seeds])
    return torch.from_numpy(scores).to(weights.device)


CRITERIA = {"magnitude": _magnitude, "movement": _movement, "magnitude_increase": _magnitude_increase, "random": _random}
"""Scores ``[M, W]`` from trained and initial weights ``[M, W]``, the members' seeds and the level; the largest stay.

``movement`` and ``magnitude_increase``: how far a weight went, and by how much it grew (Zhou et al. 2019, Deconstructing Lottery Tickets).
"""


def prune(weights: Tensor, masks: Tensor, keep: int, *, shape: Shape, seeds: Sequence[int], level: int,
          initial: Tensor | None = None, spec: PruneSpec | None = None) -> Tensor:
    """The mask of the next level, with exactly `keep` weights per member.

    weights: trained values, float ``[M, W]``; masks: bool ``[M, W]``; shape: the network's; level:
    the one pruned to; initial: what they were reset to, where the criterion asks for it; spec: criterion,
    scope and alive of it are used (default: global magnitude).  With scope ``layer`` every layer keeps the same share, the odd weights going
    to the largest remainders.  Returns bool ``[M, W]``.
    """
    spec = spec or PruneSpec(levels=0)
    layers = weight_shapes(shape)
    sizes = list(map(math.prod, layers))
    scores = CRITERIA[choose(spec.criterion, CRITERIA, "criterion")](weights, weights if initial is None else initial, seeds, level)
    if spec.alive:
        of_layers = [m.reshape(len(m), *layer) for m, layer in zip(masks.split(sizes, 1), layers, strict=True)]
        active = torch.cat([(s == ACTIVE).flatten(1) for s in weight_states(of_layers)], 1)
        scores = torch.where(active, scores, scores - 2 * scores.abs().max() - 1)
    if spec.scope == "global":
        return keep_largest(scores, masks, keep)
    available = [int(m[0].sum()) for m in masks.split(sizes, 1)]
    shares = [a * keep / max(1, sum(available)) for a in available]
    keeps = [math.floor(s) for s in shares]
    for layer in sorted(range(len(sizes)), key=lambda n: keeps[n] - shares[n])[:keep - sum(keeps)]:
        keeps[layer] += 1
    if 0 in keeps:
        raise SpecError(f"keeping {keep} weights layer by layer would empty layer {keeps.index(0)} (it has {available})")
    return torch.cat([keep_largest(s, m, k) for s, m, k in zip(scores.split(sizes, 1), masks.split(sizes, 1), keeps, strict=True)], 1)
