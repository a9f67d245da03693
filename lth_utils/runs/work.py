"""How much work is left of a run, for the order of a sweep and its remaining time."""

from __future__ import annotations

from lth_utils import config, pruning
from lth_utils.config import RunSpec
from lth_utils.networks.layers import n_weights
from lth_utils.runs.record import Progress

OVERHEAD = 1000
"""Measured on the sweep of the thesis: about 0.1 ms an epoch, and 0.1 µs for each weight."""


Batch = list[tuple[RunSpec, Progress]]
"""Runs that differ only in their seed and stand at the same level, with what is finished of them."""


def work_left(batch: Batch) -> float:
    return sum(run_work(spec, p.levels) for spec, p in batch)


def run_work(spec: RunSpec, level: int) -> float:
    """What is left of a run from `level` on, in weights to train: what the remaining time is estimated from."""
    return float(sum(level_cost(spec, available) for available in pruning.plan(spec)[1][level:]))


def level_cost(spec: RunSpec, available: int) -> float:
    """An epoch of the smallest network takes as long as `OVERHEAD` weights more in a large one; convolutions do not get cheaper."""
    return OVERHEAD + (n_weights(spec.base) if config.convolutions(spec.base) else available)
