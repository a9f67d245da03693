"""How runs are grouped for the lists: experiments, sizes, and what they are called."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from lth_utils import pruning
from lth_utils.networks.layers import n_weights


def experiment_of(head: dict) -> tuple:
    """What the runs of one experiment share.

    Args:
        head: a run's hyper-parameters by dotted name, as in ``Store.entries``.

    Returns:
        Pairs of a name and a value: all but the seed, the number of levels and, where it is the
        size, the base.
    """
    free = {"seed", "prune.levels"}
    if head["prune.schedule"] == "rate":
        free.add("base")
    shared = []
    for name, value in head.items():
        if name not in free:
            shared.append((name, tuple(value) if isinstance(value, list) else value))
    return tuple(shared)


def size_of(head: dict) -> tuple:
    """What the runs of one size share, a key by which sizes are sorted."""
    shape = _shape(head["base"], head["prune.schedule"], head["prune.rate"], head["prune.levels"])
    return len(shape), n_weights(shape), head["prune.levels"] or 0, shape


@functools.cache
def _shape(base: str, schedule: str, rate: float | None, levels: int | None) -> tuple[int, ...]:
    """The units per layer, of an extended network after its extension."""
    widths = tuple(map(int, base.split("-")))
    return pruning.extend(widths, rate, levels)[-1] if schedule == "extension" else widths


def size_label(size: tuple) -> str:
    """What a size is called; size: one of :func:`size_of`.

    >>> size_label((4, 112, 9, (4, 8, 8, 2)))
    '4-8-8-2, 9 prunings'
    """
    *_, levels, shape = size
    return "-".join(map(str, shape)) + f", {levels} pruning{'' if levels == 1 else 's'}"


def experiment_labels(experiments: Sequence[tuple]) -> list[str]:
    """A label for each experiment; those that would read the same also say how they differ.

    Args:
        experiments: each one of :func:`experiment_of`.
    """
    heads = [dict(experiment) for experiment in experiments]
    short = [_short_label(head) for head in heads]
    labels = []
    for label, head in zip(short, heads, strict=True):
        alike = [other for other, same in zip(heads, short, strict=True) if same == label]
        parts = [label]
        for name, value in head.items():
            if any(other.get(name) != value for other in alike):
                last = name.split(".")[-1]
                # the network has a seed, too
                parts.append(f"{'data seed' if name == 'data.seed' else last} {value}")
        labels.append(" · ".join(parts))
    return labels


def _short_label(head: dict) -> str:
    """The data set and how it is pruned."""
    rate = head["prune.rate"]
    per_level = "" if rate is None else f", {rate:.2g} pruned per level"
    if head["prune.schedule"] == "extension":
        return f"{head['data']} · extended from {head['base']}{per_level}"
    target = head["prune.target"]
    end = f"to {target} weights" if target else "any base"
    return f"{head['data']} · {end}{per_level}"
