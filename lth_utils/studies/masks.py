"""The masks of finished runs, level by level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch

from lth_utils.data import Task
from lth_utils.runs.store import Store


class LevelMasks(NamedTuple):
    """One run at one level.

    Attributes:
        run: its id.
        level: number of prunings so far.
        masks: a list over layers of bool ``[1, O, I]``.
        tasks: the tasks of its data set.
    """

    run: str
    level: int
    masks: list[torch.Tensor]
    tasks: tuple[Task, ...]


def masks_by_level(results: Store, runs: Iterable[str]) -> Iterator[LevelMasks]:
    """Every level of every run, in order; runs: ids of finished runs of `results`."""
    for run in runs:
        history = results.history(run)
        for level, masks in enumerate(history.masks()):
            yield LevelMasks(run, level, masks, history.tasks)
