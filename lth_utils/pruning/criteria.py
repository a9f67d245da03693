"""Which weights survive: one score per weight."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import rng


def _magnitude(weights: Tensor, initial: Tensor, seeds, level) -> Tensor:
    return weights.abs()


def _movement(weights: Tensor, initial: Tensor, seeds, level) -> Tensor:
    return (weights - initial).abs()


def _magnitude_increase(weights: Tensor, initial: Tensor, seeds, level) -> Tensor:
    return weights.abs() - initial.abs()


def _random(weights: Tensor, initial: Tensor, seeds, level) -> Tensor:
    scores = np.stack(
        [rng(seed, "prune", level).random(weights.shape[1], dtype=np.float32) for seed in seeds]
    )
    return torch.from_numpy(scores).to(weights.device)


CRITERIA = {
    "magnitude": _magnitude,
    "movement": _movement,
    "magnitude_increase": _magnitude_increase,
    "random": _random,
}
"""Scores ``[M, W]`` from trained and initial weights ``[M, W]``, the members' seeds and the level; the largest stay.

``movement`` and ``magnitude_increase``: how far a weight went, and by how much it grew (Zhou et al. 2019, Deconstructing Lottery Tickets).
"""
