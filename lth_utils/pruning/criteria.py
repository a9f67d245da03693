"""Which weights survive: one score per weight.

A criterion is a function of the trained weights and of the initial ones, both float ``[M, W]``,
of the members' seeds and of the level that is pruned to.  It returns scores ``[M, W]``; the
largest stay.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import rng


def magnitude(weights: Tensor, initial: Tensor, seeds: Sequence[int], level: int) -> Tensor:
    """Absolute trained value."""
    return weights.abs()


def movement(weights: Tensor, initial: Tensor, seeds: Sequence[int], level: int) -> Tensor:
    """How far a weight moved in training."""
    return (weights - initial).abs()


def magnitude_increase(
    weights: Tensor, initial: Tensor, seeds: Sequence[int], level: int
) -> Tensor:
    """By how much a weight's absolute value grew in training."""
    return weights.abs() - initial.abs()


def random(weights: Tensor, initial: Tensor, seeds: Sequence[int], level: int) -> Tensor:
    """Uniform numbers that depend on seed and level alone."""
    n = weights.shape[1]
    rows = [rng(seed, "prune", level).random(n, dtype=np.float32) for seed in seeds]
    return torch.from_numpy(np.stack(rows)).to(weights.device)


CRITERIA = {
    "magnitude": magnitude,
    "movement": movement,
    "magnitude_increase": magnitude_increase,
    "random": random,
}
"""Criteria by name.

Source of ``movement`` and ``magnitude_increase``: Zhou et al. 2019, Deconstructing Lottery Tickets.
"""
