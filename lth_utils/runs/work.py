"""How much work is left of a run, for the order of a sweep and its remaining time."""

from __future__ import annotations

from lth_utils import pruning
from lth_utils.config import RunSpec
from lth_utils.networks.layers import n_weights, network
from lth_utils.runs.record import RunRecord

OVERHEAD = 1000
"""An epoch's fixed cost, in weights.

In the thesis' sweep an epoch took about 0.1 ms, and 0.1 µs for each weight.
"""

Batch = list[tuple[RunSpec, RunRecord]]
"""Runs that differ only in their seed and have equally many finished levels, with these levels."""


def work_left(batch: Batch) -> float:
    """What is left to train of a batch, in the unit of :func:`level_cost`."""
    return sum(run_work(spec, record.levels) for spec, record in batch)


def run_work(spec: RunSpec, level: int) -> float:
    """What a run trains from a level on, in the unit of :func:`level_cost`."""
    _, keep = pruning.plan(spec)
    return float(sum(level_cost(spec, available) for available in keep[level:]))


def level_cost(spec: RunSpec, available: float) -> float:
    """The cost of an epoch with so many available weights, in weights of a large dense network.

    Half the time of a convolutional network is spent on its positions whatever is pruned: with a
    hundredth of its weights an epoch of 3x32-6x5x2-16x5x2-120-84-10 took 0.49 of the dense time.
    """
    if network(spec.base).front:
        available = (n_weights(spec.base) + available) / 2
    return OVERHEAD + available
