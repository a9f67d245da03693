"""How many weights survive each level."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence

from lth_utils.config import (
    MAX_LEVELS,
    PruneSpec,
    RunSpec,
    Shape,
    SpecError,
    choose,
    coerce,
    shape_text,
)
from lth_utils.networks.layers import n_weights as weights_of
from lth_utils.networks.layers import network, weight_shapes
from lth_utils.pruning.criteria import CRITERIA

MAX_WEIGHTS = 10**9
"""Largest network that is planned; its weights alone take 4 GB."""


def trajectory(
    n_weights: int, rate: float | None = None, levels: int | None = None, target: int | None = None
) -> list[int]:
    """Available weights at each level, the dense network first.

    Two of `rate`, `levels` and `target` fix the third by ``p = 1 - (T/N)^(1/L)``; level i keeps
    ``round(N (1 - p)^i)``.  With rate and target the number of levels is rounded to a whole one
    and the last level makes up the difference.

    Args:
        n_weights: weights of the dense network, 1 or more.
        rate: share of the remaining weights removed per level, above 0 and below 1.
        levels: number of prunings, 0 or more.
        target: weights left at the end, 1 up to `n_weights`.

    Returns:
        ``levels + 1`` counts that never grow. Of few weights the last may repeat or be 0;
        :func:`plan` and ``imp.run`` refuse to train such levels.

    Raises:
        SpecError: values out of range, not two of the three, or more than ``MAX_LEVELS`` levels.

    Source:
        thesis, section on the pruning schedule.

    >>> trajectory(3591, levels=3, target=112)
    [3591, 1130, 356, 112]
    >>> trajectory(1000, rate=0.5, levels=2)
    [1000, 500, 250]
    """
    spec = PruneSpec(rate=rate, levels=levels, target=target)  # checks that two are given
    n_weights = coerce(n_weights, int, "n_weights")
    if n_weights < 1:
        raise SpecError(f"n_weights is {n_weights}; allowed: 1 or more")
    rate, levels, target = spec.rate, spec.levels, spec.target
    if target is not None and target > n_weights:
        raise SpecError(f"target {target} is above the number of weights, {n_weights}")
    if spec.levels == 0:
        return [n_weights]
    if target is None:
        assert rate is not None and levels is not None  # the spec has two of the three
        return [round(n_weights * (1 - rate) ** i) for i in range(levels + 1)]
    if levels is None:
        assert rate is not None
        keep = 1 - rate
        fewest = math.log(target / n_weights) / math.log(keep) if keep < 1 else math.inf
        if fewest > MAX_LEVELS:
            raise SpecError(
                f"rate {rate} takes {fewest:.3g} levels from {n_weights} weights to target "
                f"{target}; at most {MAX_LEVELS} are allowed, so give a larger rate"
            )
        levels = max(target < n_weights, round(fewest))
    else:
        keep = (target / n_weights) ** (1 / levels)
    return [round(n_weights * keep**i) for i in range(levels)] + [target]


def extend(shape: Shape | Sequence[int], rate: float, levels: int) -> list[Shape]:
    """The networks that, pruned at `rate`, lead to `shape`.

    The width h at level e is the rounded positive root of
    ``(m-1) h² + (d_in + d_out) h = N / (1-rate)^e`` for m hidden layers and N weights in `shape`.

    Args:
        shape: inputs, one or more hidden layers of equal width, outputs.
        rate: share of the remaining weights removed per level, above 0 and below 1.
        levels: largest extension level, 0 or more.

    Returns:
        The shapes of extension levels 0…`levels`.

    Raises:
        SpecError: another kind of network, or values out of range.

    Source:
        thesis, section on extension.

    >>> [s[1] for s in extend((4, 8, 8, 2), 0.32, 9)]
    [8, 10, 13, 16, 20, 25, 31, 38, 47, 57]
    """
    base: Shape = coerce(shape, Shape, "the network's shape")
    if network(base).front or len(base) < 3 or len(set(base[1:-1])) != 1:
        raise SpecError(
            f"shape {base} cannot be extended: it needs hidden layers, all of equal width, "
            "such as (4, 8, 8, 2)"
        )
    asked = PruneSpec(rate=rate, levels=levels)
    if asked.rate is None or asked.levels is None:
        raise SpecError(f"rate is {rate!r} and levels is {levels!r}; an extension needs both")
    rate, levels = asked.rate, asked.levels
    shapes = [base]
    for level in range(1, levels + 1):
        if weights_of(base) > MAX_WEIGHTS * (1 - rate) ** level:
            raise SpecError(
                f"network {shape_text(base)} extended {level} levels at rate {rate} has more than "
                f"{MAX_WEIGHTS} weights; give fewer levels or a smaller rate"
            )
        width = round(_extended_width(base, weights_of(base) / (1 - rate) ** level))
        shapes.append((base[0], *[width] * (len(base) - 2), base[-1]))
    return shapes


def _extended_width(shape: Shape, n: float) -> float:
    """The width of hidden layers, as many as `shape` has, that have `n` weights."""
    (inputs,), *_, (outputs,) = network(shape).values
    ends = inputs + outputs
    squares = len(shape) - 3
    if not squares:
        return n / ends
    return (math.sqrt(ends**2 + 4 * squares * n) - ends) / (2 * squares)


def plan(spec: RunSpec) -> tuple[Shape, list[int]]:
    """A run's dense shape and how many weights are available at each of its levels.

    Args:
        spec: the run.

    Returns:
        The ``config.Shape`` and the trajectory, level 0 first; of a variant, its one level's count.

    Raises:
        SpecError: the base makes no network, cannot be extended or has more than ``MAX_WEIGHTS``
            weights; the target is above its number of weights; a level would keep no weight, empty
            a layer or remove nothing, unless the target is the number of weights itself; the
            criterion is unknown; or a variant's level is above the last one.
    """
    choose(spec.prune.criterion, CRITERIA, "PruneSpec.criterion")
    shape, keep = _checked_plan(spec.base, spec.prune)
    if spec.variant is None:
        return shape, list(keep)
    level = spec.variant.level
    if level >= len(keep):
        raise SpecError(
            f"VariantSpec.level is {level}; allowed: 0 to {len(keep) - 1}, the levels of the run "
            "that finds the ticket"
        )
    return shape, [keep[level]]


def dense_shape(spec: RunSpec) -> Shape:
    """A run's dense shape, also where :func:`plan` would refuse to train the run.

    Runs of earlier versions are read by it.
    """
    return _plan(spec.base, spec.prune)[0]


def equal_shares(available: Sequence[int], keep: int) -> list[int]:
    """How many weights each layer keeps: the same share, by largest remainders.

    Args:
        available: weights that each layer has.
        keep: weights that are kept in all.

    Raises:
        SpecError: a layer would be emptied.
    """
    return _rounded([n * keep / max(1, sum(available)) for n in available], available, keep)


def erk_shares(shape: Shape, available: Sequence[int], keep: int) -> list[int]:
    """How many weights each layer keeps: Erdős and Rényi's shares, by largest remainders.

    A layer's share of its weights goes with the sum of the lengths of its axes over their product,
    so that layers of few units stay dense; none keeps more than it has.

    Args:
        shape: the network's ``config.Shape``.
        available: weights that each layer has.
        keep: weights that are kept in all.

    Raises:
        SpecError: a layer would be emptied.

    Source:
        Mocanu et al. 2018; Evci et al. 2020, Rigging the lottery.

    >>> erk_shares((784, 300, 100, 10), (235200, 30000, 1000), 26620)
    [18714, 6906, 1000]
    """
    wanted = [float(sum(axes)) for axes in weight_shapes(shape)]
    shares = [0.0] * len(wanted)
    free = [layer for layer, n in enumerate(available) if n]
    while free:
        left = keep - sum(shares)
        scale = left / sum(wanted[layer] for layer in free)
        full = [layer for layer in free if scale * wanted[layer] >= available[layer]]
        for layer in full or free:
            shares[layer] = float(available[layer]) if full else scale * wanted[layer]
        free = [layer for layer in free if layer not in full] if full else []
    return _rounded(shares, available, keep)


def shares_of(scope: str, shape: Shape, available: Sequence[int], keep: int) -> list[int]:
    """How many weights each layer keeps in scope ``layer`` or ``erk``.

    Args:
        scope: one of the two.
        shape, available, keep: as of :func:`erk_shares`.
    """
    return erk_shares(shape, available, keep) if scope == "erk" else equal_shares(available, keep)


def _rounded(shares: Sequence[float], available: Sequence[int], keep: int) -> list[int]:
    """Shares as whole numbers that sum to `keep`, by largest remainders."""
    keeps = [math.floor(share) for share in shares]
    room = [layer for layer in range(len(keeps)) if keeps[layer] < available[layer]]
    by_remainder = sorted(room, key=lambda layer: keeps[layer] - shares[layer])
    for layer in by_remainder[: keep - sum(keeps)]:
        keeps[layer] += 1
    if 0 in keeps:
        empty = keeps.index(0)
        raise SpecError(
            f"keeping {keep} weights layer by layer would empty layer {empty} "
            f"(it has {available[empty]})"
        )
    return keeps


@functools.lru_cache(maxsize=4096)
def _checked_plan(base: Shape, prune: PruneSpec) -> tuple[Shape, tuple[int, ...]]:
    """A plan that can be trained: many runs share it, and it is asked for again and again."""
    shape, keep = _plan(base, prune)
    _check_counts(keep, prune.target)
    if prune.scope != "global":
        layers = network(shape).sizes
        for level, after in enumerate(keep[1:], start=1):
            try:
                layers = shares_of(prune.scope, shape, layers, after)
            except SpecError as error:
                raise SpecError(f"level {level} of {len(keep) - 1}: {error}; {ADVICE}") from None
    return shape, keep


ADVICE = "give fewer levels, another rate or a larger network"
"""What helps where a level cannot be pruned to."""


def _check_counts(keep: Sequence[int], target: int | None):
    """Refuse levels that would keep no weight, or remove none where that is not the target."""
    for level, (before, after) in enumerate(itertools.pairwise(keep), start=1):
        if not after:
            raise SpecError(f"level {level} of {len(keep) - 1} would keep no weight; {ADVICE}")
        if after == before and target != keep[0]:
            raise SpecError(
                f"level {level} of {len(keep) - 1} would remove nothing: it keeps {after} weights, "
                f"as many as the level before; {ADVICE}"
            )


@functools.lru_cache(maxsize=4096)
def _plan(base: Shape, prune: PruneSpec) -> tuple[Shape, tuple[int, ...]]:
    """A plan, whether it can be trained or not."""
    if weights_of(base) > MAX_WEIGHTS:
        raise SpecError(
            f"network {shape_text(base)} has {weights_of(base)} weights; allowed: {MAX_WEIGHTS}"
        )
    if prune.schedule == "extension":
        assert prune.rate is not None and prune.levels is not None  # the spec has both
        shapes = extend(base, prune.rate, prune.levels)[::-1]
        return shapes[0], tuple(map(weights_of, shapes))
    return base, tuple(trajectory(weights_of(base), prune.rate, prune.levels, prune.target))
