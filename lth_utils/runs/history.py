"""A finished run in memory, from which the ticket of any level can be taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from lth_utils.config import RunSpec, Shape, SpecError
from lth_utils.data import Task
from lth_utils.networks.layers import split_mask
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.files import StoreError
from lth_utils.runs.record import PRUNED_AT, arrays_by_level, begins_initial, with_biases

CURVES = ("loss", "accuracy", "train_loss")
"""Columns of a recorded curve."""


@dataclass(frozen=True, eq=False)
class History:
    """A finished run in memory, from which the ticket of any level can be taken.

    Attributes:
        spec: the run's spec.
        shape: the network's shape.
        tasks: of its data.
        rows: one row per level.
        pruned_at: uint8 or uint16 ``[W]``, the level at which each weight was pruned,
            ``record.never`` if it was not.
        initial: float32 ``[P]``, the initial values of the run's seed.
        start: float32 ``[P]``, the values that weights are reset to where these are others, NaN
            where they were not kept; else the initial ones.
        starts: the values that each level was trained from where they differ, by level.
        trained: arrays by level, as in ``RunRecord``.
        biases: the same.
        curve: the same.
    """

    spec: RunSpec
    shape: Shape
    tasks: tuple[Task, ...]
    rows: pd.DataFrame
    pruned_at: np.ndarray
    initial: np.ndarray
    start: np.ndarray
    starts: dict[int, np.ndarray]
    trained: dict[int, np.ndarray]
    biases: dict[int, np.ndarray]
    curve: dict[int, np.ndarray]

    def ticket(self, level: int | None = None) -> Ticket:
        """The network at a pruning level.

        Args:
            level: 0 for the dense network. Without it, the first separated level, else the last.
                A single task cannot be separated from another one, so there it is the last level
                that is not degraded.

        Returns:
            The ticket; its trained values are None where they were not kept.

        Raises:
            SpecError: if the run has no such level.
        """
        if level is None:
            level = self._default_level(len(self.tasks))
        if not 0 <= level < len(self.rows):
            raise SpecError(f"level is {level}; this run has levels 0 to {len(self.rows) - 1}")
        mask = self.pruned_at > level
        available = with_biases(mask, len(self.initial))
        values = self.initial if begins_initial(self.spec, level) else self.start
        if level in self.starts:
            values = np.full_like(self.initial, np.nan)
            values[available] = self.starts[level]
        initial = np.where(available, values, np.float32(0))
        if level in self.biases:
            initial[len(mask) :] = self.biases[level]
        trained = None
        if level in self.trained:
            trained = np.zeros_like(self.initial)
            trained[available] = self.trained[level]
        return Ticket(
            shape=self.shape,
            masks=split_mask(torch.from_numpy(mask)[None], self.shape),
            initial=initial,
            trained=trained,
            tasks=self.tasks,
            seed=self.spec.seed,
            level=level,
        )

    def masks(self) -> list[list[torch.Tensor]]:
        """The masks, level 0 first: for each level a list over layers, as in a ticket."""
        masks = []
        for level in range(len(self.rows)):
            available = torch.from_numpy(self.pruned_at > level)[None]
            masks.append(split_mask(available, self.shape))
        return masks

    def _default_level(self, n_tasks: int) -> int:
        """The level of the ticket that is asked for without one, see :meth:`ticket`."""
        statuses = self.rows["status"]
        if n_tasks == 1:
            chosen = self.rows.index[statuses != "degraded"][-1:]
        else:
            chosen = self.rows.index[statuses == "separated"][:1]
        return int(chosen[0]) if len(chosen) else len(self.rows) - 1


def history_of(
    spec: RunSpec,
    shape: Shape,
    tasks: tuple[Task, ...],
    *,
    rows: pd.DataFrame,
    arrays: dict[str, np.ndarray],
    initial: np.ndarray,
) -> History:
    """A run in memory from what was read of it.

    Args:
        spec: the run's spec.
        shape: the network's shape.
        tasks: of its data.
        rows: one row per level.
        arrays: the run's arrays by name on disk.
        initial: float32 ``[P]``, the initial values of the run's seed.
    """
    start, starts = initial, {}
    if spec.prune.start != "rewound":
        start = np.full_like(initial, np.nan)
        starts = arrays_by_level(arrays, "start")
    elif not begins_initial(spec, level=1):
        start = start_values(arrays, len(initial))
    return History(
        spec=spec,
        shape=shape,
        tasks=tasks,
        rows=rows,
        pruned_at=arrays[PRUNED_AT],
        initial=initial,
        start=start,
        starts=starts,
        trained=arrays_by_level(arrays, "trained"),
        biases=arrays_by_level(arrays, "biases"),
        curve=arrays_by_level(arrays, "curve"),
    )


def start_values(arrays: dict[str, np.ndarray], parameters: int) -> np.ndarray:
    """The values that a run's weights are reset to, where these are not the initial ones.

    Args:
        arrays: the run's arrays by name on disk.
        parameters: number of parameters P.

    Returns:
        float32 ``[P]``, NaN where the value was not kept.
    """
    values = np.full(parameters, np.nan, np.float32)
    for level, kept in arrays_by_level(arrays, "start").items():
        values[with_biases(arrays[PRUNED_AT] > level, parameters)] = kept
    return values


def curves_of(run_id: str, history: History) -> pd.DataFrame:
    """The curves of one run, see ``Store.curves``.

    Raises:
        StoreError: it kept none.
    """
    if not history.curve:
        raise StoreError(f"{run_id} kept no curves; ask for them by train.record")
    frames = []
    for level, curve in history.curve.items():
        frame = pd.DataFrame(dict(zip(CURVES, curve.T, strict=True)))
        frame.insert(0, "run", run_id)
        frame.insert(1, "level", history.rows["level"][level])
        frame.insert(2, "epoch", range(1, len(curve) + 1))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)
