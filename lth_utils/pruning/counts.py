"""How many weights survive each level."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lth_utils.config import PruneSpec, RunSpec, Shape, SpecError, convolutions
from lth_utils.networks.layers import n_weights


def trajectory(
    n_weights: int, rate: float | None = None, levels: int | None = None, target: int | None = None
) -> list[int]:
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
    spec = PruneSpec(
        rate=rate, levels=levels, target=target
    )  # checks ranges and that two are given
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
        raise SpecError(
            f"shape {shape} cannot be extended: it needs hidden layers, all of equal width, such as (4, 8, 8, 2)"
        )
    PruneSpec(rate=rate, levels=levels)
    ends, squares, base = shape[0] + shape[-1], len(shape) - 3, n_weights(shape)
    shapes = [shape]
    for level in range(1, levels + 1):
        n = base / (1 - rate) ** level
        width = (
            n / ends
            if not squares
            else (math.sqrt(ends**2 + 4 * squares * n) - ends) / (2 * squares)
        )
        shapes.append((shape[0], *[round(width)] * (len(shape) - 2), shape[-1]))
    return shapes


def plan(spec: RunSpec) -> tuple[Shape, list[int]]:
    """A run's dense shape and its trajectory of available weights, level 0 first; of a variant, its one level's."""
    prune, variant = spec.prune, spec.variant
    if prune.schedule == "extension":
        shapes = extend(spec.base, prune.rate, prune.levels)[::-1]
        shape, keep = shapes[0], [n_weights(s) for s in shapes]
    else:
        shape, keep = (
            spec.base,
            trajectory(n_weights(spec.base), prune.rate, prune.levels, prune.target),
        )
    if variant is None:
        return shape, keep
    if variant.level >= len(keep):
        raise SpecError(
            f"VariantSpec.level is {variant.level}; allowed: 0 to {len(keep) - 1}, the levels of the run that finds the ticket"
        )
    return shape, keep[variant.level :][:1]
