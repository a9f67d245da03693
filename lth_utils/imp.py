"""Iterative magnitude pruning: train, measure, prune, rewind; a generator of levels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Event

import numpy as np
import torch
from torch import Tensor

from lth_utils import connectivity, pruning
from lth_utils.config import PruneSpec, TrainSpec
from lth_utils.connectivity import Measures
from lth_utils.data import Dataset
from lth_utils.networks import population
from lth_utils.networks.population import Population
from lth_utils.training import trainer
from lth_utils.training.trainer import Training


@dataclass(frozen=True)
class Level:
    """One finished level of a population: trained members, what training did, what their masks are.

    level: prunings so far; last: parameters ``[M, P]`` from which the next level is pruned; failed:
    bool per member, True where the loss was not finite.
    """

    level: int
    population: Population
    training: Training
    measures: list[Measures]
    last: Tensor

    @property
    def failed(self) -> list[bool]:
        return [not np.isfinite(curve[-1]) for curve in self.training.curves]


def run(
    members: Population,
    data: Dataset,
    keep: Sequence[int],
    train: TrainSpec,
    prune: PruneSpec,
    coverage: str = "total",
    stop_at: Sequence[str] = ("degraded",),
    start: int = 0,
    last: Tensor | None = None,
    cancel: Event | None = None,
) -> Iterator[Level]:
    """Prune a population level by level; members whose status is in `stop_at`, or that failed, leave.

    keep: weights available at each level, the dense network first (see ``pruning.trajectory``);
    start: the first level to train.  To resume, give the members as they were rewound for level
    ``start - 1``, and its `last`.  cancel: ends the run in the middle, from another thread, by
    ``population.Cancelled``.  Yields one :class:`Level` per level.
    """
    if prune.rewind:
        members = _early(members, data, train, prune.rewind, cancel)
    for level in range(start, len(keep)):
        if last is not None:
            weights, biases = last.tensor_split([members.mask.shape[1]], 1)
            mask = pruning.prune(
                weights,
                members.mask,
                keep[level],
                shape=members.shape,
                seeds=members.seeds,
                level=level,
                initial=members.initial[:, : weights.shape[1]],
                spec=prune,
            )
            members = population.rewind(members, mask, biases if prune.biases == "kept" else None)
        finished, training = trainer.train(members, data, train, cancel)
        if last is None or not prune.one_shot:
            last = finished.parameters
        done = Level(
            level,
            finished,
            training,
            connectivity.measure(members.masks, data.tasks, coverage),
            last,
        )
        yield done
        going = [
            i
            for i, (m, f) in enumerate(zip(done.measures, done.failed, strict=True))
            if m.status not in stop_at and not f
        ]
        if not going:
            return
        members, last = members.select(going), last[going]


def _early(
    members: Population, data: Dataset, train: TrainSpec, epochs: int, cancel: Event | None
) -> Population:
    """The same members, to be reset to what they are after so many epochs of the dense training."""
    dense = replace(members, mask=torch.ones_like(members.mask), parameters=members.initial)
    early, _ = trainer.train(
        dense, data, replace(train, max_epochs=epochs, patience=epochs), cancel
    )
    return replace(members, initial=early.parameters)
