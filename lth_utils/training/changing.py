"""Masks that change while a network is trained: gradual pruning, SET and RigL.

The engines train fixed masks, so a training is cut where the mask changes: a few epochs, a change,
a few epochs more, and at last training to the end with the mask that is left. Adam begins anew
after a change, and so does the order of the batches.
"""

from __future__ import annotations

import math
from dataclasses import replace
from threading import Event

import numpy as np
import torch
from torch import Tensor

from lth_utils import pruning
from lth_utils.config import PruneSpec, TrainSpec, rng
from lth_utils.data import Dataset
from lth_utils.networks.layers import network
from lth_utils.networks.population import Population, rewind
from lth_utils.pruning import keep_largest
from lth_utils.training import trainer
from lth_utils.training.gradients import LossGradients
from lth_utils.training.trainer import Training


def train(
    members: Population,
    data: Dataset,
    spec: TrainSpec,
    prune: PruneSpec,
    *,
    keep: int,
    level: int,
    allowed: Tensor,
    cancel: Event | None = None,
) -> tuple[Population, Training]:
    """Train members whose mask changes in between, to the end with the last mask.

    Args:
        members: at the values to start from.
        data: the examples.
        spec: how to train.
        prune: `during`, `updates`, `every` and `swap` say how the mask changes; `gradual` prunes by
            its criterion and scope.
        keep: weights that are left at the end.
        level: that is trained.
        allowed: bool ``[M, W]``, the mask of the level before: others never return.
        cancel: ends the training when it is set from another thread.

    Returns:
        The trained population with its last mask, and what training did; the records of all parts
        follow each other.

    Raises:
        SpecError: scores that are not finite.
        Cancelled: `cancel` was set.

    Source:
        Zhu and Gupta 2018 (gradual); Mocanu et al. 2018 (SET); Evci et al. 2020 (RigL).
    """
    short = replace(spec, max_epochs=prune.every, patience=prune.every)
    first = int(members.mask[0].sum())
    records: list[list[np.ndarray]] = [[] for _ in range(len(members))]
    for update in range(prune.updates):
        members, training = trainer.train(members, data, short, cancel)
        for parts, record in zip(records, training.records, strict=True):
            parts.append(record)
        if prune.during == "gradual":
            left = (1 - (update + 1) / prune.updates) ** 3
            count = keep + round((first - keep) * left)
            members = _pruned(members, data, spec, prune, count=count, level=level)
        else:
            share = prune.swap / 2 * (1 + math.cos(math.pi * update / prune.updates))
            scores = _places(members, data, spec, prune, update=update)
            members = _exchanged(members, scores, allowed, share, prune.during)
    members, training = trainer.train(members, data, spec, cancel)
    for parts, record in zip(records, training.records, strict=True):
        parts.append(record)
    joined = [np.concatenate(parts) for parts in records]
    return members, replace(training, records=joined)


def _pruned(
    members: Population,
    data: Dataset,
    spec: TrainSpec,
    prune: PruneSpec,
    *,
    count: int,
    level: int,
) -> Population:
    """The members with `count` weights, which keep their values."""
    gradients = _gradients(members, data, spec, prune)
    mask = pruning.prune_members(members, members.parameters, count, level, prune, gradients)
    return _with_mask(members, mask, members.parameters)


def _gradients(
    members: Population, data: Dataset, spec: TrainSpec, prune: PruneSpec
) -> LossGradients:
    """The gradients at the members' present values."""
    return LossGradients(
        members.parameters, members.shape, members.seeds, data, spec.loss, prune.examples
    )


def _places(
    members: Population, data: Dataset, spec: TrainSpec, prune: PruneSpec, *, update: int
) -> Tensor:
    """Scores of the places at which weights may grow, ``[M, W]``: random, or gradients."""
    if prune.during == "rigl":
        return _gradients(members, data, spec, prune).loss(members.mask).abs()
    n = members.mask.shape[1]
    rows = [rng(seed, "grow", update).random(n, dtype=np.float32) for seed in members.seeds]
    return torch.from_numpy(np.stack(rows)).to(members.mask.device)


def _exchanged(
    members: Population, scores: Tensor, allowed: Tensor, share: float, during: str
) -> Population:
    """The members after a share of each layer's weights gave way to others of the same layer.

    New weights begin at zero (RigL) or at their initial values (SET).
    """
    n = members.mask.shape[1]
    sizes = network(members.shape).sizes
    weights = members.parameters[:, :n].abs()
    masks = members.mask.clone()
    for m in range(len(members)):
        first = 0
        for size in sizes:
            layer = slice(first, first + size)
            own = (slice(m, m + 1), layer)
            masks[own] = _exchange(masks[own], weights[own], scores[own], allowed[own], share)
            first += size
    new = masks & ~members.mask
    values = members.parameters.clone()
    values[:, :n][new] = 0 if during == "rigl" else members.initial[:, :n][new]
    return _with_mask(members, masks, values)


def _exchange(
    mask: Tensor, weights: Tensor, scores: Tensor, allowed: Tensor, share: float
) -> Tensor:
    """One layer's mask ``[1, W]`` with as many weights, a share of them at other places."""
    count, free = int(mask.sum()), int((allowed & ~mask).sum())
    moved = min(round(share * count), free)
    kept = keep_largest(weights, mask, count - moved)
    return kept | keep_largest(scores, allowed & ~kept, moved)


def _with_mask(members: Population, mask: Tensor, values: Tensor) -> Population:
    """The members with another mask, at these values where it is True."""
    parameters = rewind(replace(members, initial=values), mask).parameters
    return replace(members, mask=mask, parameters=parameters)
