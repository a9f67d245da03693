"""Iterative magnitude pruning: find small networks that train as well as the dense one.

1. Draw a dense network at random and remember its initial weights. This is level 0.
2. Train it until its loss on the test split no longer improves.
3. Measure its mask: which weights are active, which parts of the network serve which task.
4. Prune it: of the weights that are left, keep the given number with the largest magnitude.
5. Rewind it: set the weights that are left back to their initial values.
6. Go on with step 2. This is the next level; only the mask is handed on to it.

A network whose mask no longer serves all tasks leaves, as does one whose loss is not finite. The
mask of any level with the initial weights is a *ticket*: a sparse network that can be trained on
its own. Many networks, the members of a population, go through the same levels together.

Rivals change one step each (``config.PruneSpec``): they score the initial weights in step 4, go on
with other values after step 5, or change the mask within step 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Event

import numpy as np
import torch
from torch import Tensor

from lth_utils import connectivity, pruning
from lth_utils.config import PruneSpec, SpecError, TrainSpec, coerce, expect, listed
from lth_utils.connectivity import Measures
from lth_utils.data import Dataset
from lth_utils.networks import population
from lth_utils.networks.population import Population, initial_values
from lth_utils.training import changing, trainer
from lth_utils.training.gradients import LossGradients
from lth_utils.training.trainer import Training


@dataclass(frozen=True)
class Level:
    """One finished level of a population.

    Attributes:
        level: number of prunings so far.
        population: the members, trained.
        training: what training did.
        measures: per member what its mask is.
        last: parameters from which the next level is pruned, float32 ``[M, P]``.
    """

    level: int
    population: Population
    training: Training
    measures: list[Measures]
    last: Tensor

    @property
    def failed(self) -> list[bool]:
        """Per member whether its loss was not finite."""
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
    init: tuple[str, float] = ("kaiming_normal", 1.0),
) -> Iterator[Level]:
    """Train, measure, prune and rewind a population, level by level.

    To resume, give `start` and `last`, and the members as they were rewound for ``start - 1``.

    Args:
        members: the population at its initial values.
        data: the examples.
        keep: number of weights at each level, the dense network's first (``pruning.trajectory``).
        train: how to train.
        prune: how to choose the weights, and what to rewind to.
        coverage: which kind of coverage decides the status, ``total`` or ``output``.
        stop_at: statuses at which a member leaves.
        start: the first level to train.
        last: parameters of level ``start - 1`` to prune from, float32 ``[M, P]``.
        cancel: ends the run in the middle of a level when it is set from another thread.
        init: scheme and output gain of values that are drawn anew, see ``population.init``.

    Yields:
        One :class:`Level` per level, until the last one or until no member is left.

    Raises:
        SpecError: Networks, data and counts do not fit.
        Cancelled: `cancel` was set.

    Source:
        Frankle and Carbin, The Lottery Ticket Hypothesis, 2019.
    """
    expect(prune, PruneSpec, "prune")
    keep = _checked_counts(keep, expect(members, Population, "members"))
    # what every later level is rewound to; level 0 begins with the initial values
    rewound = members
    if prune.rewind:
        rewound = _with_early_weights(members, data, train, prune.rewind, cancel)
    for level in range(start, len(keep)):
        allowed, changes = rewound.mask, "fixed"
        if last is not None:
            gradients = _gradients(rewound, last, data, train, prune)
            # gradual pruning begins with the mask of the level before
            count = int(allowed[0].sum()) if prune.during == "gradual" else keep[level]
            rewound = _prune_and_rewind(rewound, last, count, level, prune, gradients)
            members = rewound = _started(rewound, last, level, prune, init)
            changes = prune.during
        if changes == "fixed":
            finished, training = trainer.train(members, data, train, cancel)
        else:
            finished, training = changing.train(
                members,
                data,
                train,
                prune,
                keep=keep[level],
                level=level,
                allowed=allowed,
                cancel=cancel,
            )
            rewound = replace(rewound, mask=finished.mask)
        if last is None or not prune.one_shot:
            last = finished.parameters
        measures = connectivity.measure(finished.masks, data.tasks, coverage)
        done = Level(level, finished, training, measures=measures, last=last)
        yield done
        staying = []
        for m, failed in enumerate(done.failed):
            if not failed and measures[m].status not in stop_at:
                staying.append(m)
        if not staying:
            return
        rewound, last = rewound.select(staying), last[staying]


def _checked_counts(keep: Sequence[int], members: Population) -> list[int]:
    """Numbers of weights that begin with those of the members and never grow."""
    counts = [coerce(n, int, "keep") for n in listed(keep, object, "keep")]
    n_weights = members.mask.shape[1]
    if not counts or counts[0] > n_weights or counts[-1] < 1 or counts != sorted(counts)[::-1]:
        raise SpecError(
            f"keep is {counts}; expected counts of 1 or more that never grow, the first at most "
            f"{n_weights}, the number of weights"
        )
    return counts


def _gradients(
    members: Population, last: Tensor, data: Dataset, train: TrainSpec, prune: PruneSpec
) -> LossGradients:
    """What a criterion may ask about the loss at the values that it scores."""
    values = members.initial if prune.scored == "initial" else last
    return LossGradients(values, members.shape, members.seeds, data, train.loss, prune.examples)


def _started(
    members: Population, last: Tensor, level: int, prune: PruneSpec, init: tuple[str, float]
) -> Population:
    """The members at the values that a level is trained from, which are their initial ones now."""
    if prune.start == "rewound":
        return members
    values = last
    if prune.start == "fresh":
        scheme, gain = init
        rows = [
            initial_values(members.shape, seed, scheme, f"start {level}", gain)
            for seed in members.seeds
        ]
        values = torch.from_numpy(np.stack(rows)).to(last.device)
    return population.rewind(replace(members, initial=values), members.mask)


def _prune_and_rewind(
    members: Population,
    last: Tensor,
    keep: int,
    level: int,
    prune: PruneSpec,
    gradients: LossGradients,
) -> Population:
    """The members at their initial values, with the masks of the next level."""
    mask = pruning.prune_members(members, gradients.parameters, keep, level, prune, gradients)
    n_weights = members.mask.shape[1]
    biases = last[:, n_weights:] if prune.biases == "kept" else None
    return population.rewind(members, mask, biases)


def _with_early_weights(
    members: Population, data: Dataset, train: TrainSpec, epochs: int, cancel: Event | None
) -> Population:
    """The members, whose initial values are now those after a few epochs of dense training."""
    dense = replace(members, mask=torch.ones_like(members.mask), parameters=members.initial)
    short = replace(train, max_epochs=epochs, patience=epochs)
    early, _ = trainer.train(dense, data, short, cancel)
    return replace(members, initial=early.parameters)
