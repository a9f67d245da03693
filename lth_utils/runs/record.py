"""What is recorded of a run: its levels while it goes on, and its tickets once it is finished."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch

from lth_utils import data
from lth_utils.config import RunSpec, Shape, SpecError
from lth_utils.networks.layers import split_mask
from lth_utils.networks.ticket import Ticket

NEVER = 255
"""Marks, in the array of levels of death, a weight that outlived the last level."""

KEEP_TRAINED = 4096
"""Trained values are kept for levels with at most this many available weights."""

KEPT = ("trained", "start", "biases", "curve")
"""What may be kept of each level: see :class:`Progress`."""


def _with_biases(mask: np.ndarray, parameters: int) -> np.ndarray:
    """Which of all parameters ``[P]`` are left, from the weights' mask ``[W]``: biases are never pruned."""
    return np.concatenate([mask, np.ones(parameters - len(mask), dtype=bool)])


def arrays_by_level(arrays: dict[str, np.ndarray], name: str) -> dict[int, np.ndarray]:
    """The arrays ``<name>0``, ``<name>1``, … by their level."""
    return {
        int(key.removeprefix(name)): values
        for key, values in arrays.items()
        if key.removeprefix(name).isdigit()
    }


def start_values(arrays: dict[str, np.ndarray], parameters: int) -> np.ndarray:
    """What a run's weights were reset to ``[P]`` where that is not initialisation, NaN where it was not kept."""
    values = np.full(parameters, np.nan, np.float32)
    for level, kept in arrays_by_level(arrays, "start").items():
        values[_with_biases(arrays["death"] > level, parameters)] = kept
    return values


@dataclass
class Progress:
    """The finished levels of one run, level 0 first.

    rows: one dict of plain values per level; death: uint8 ``[W]``, the level at which each weight
    was pruned, ``NEVER`` if not yet; last: parameters ``[P]`` from which the next level is pruned;
    seconds: computing time so far, interrupted sessions included; kept: by name and level, ``trained``:
    the parameters left there, of the small levels; ``start``: what they began as, where that is not
    initialisation, of the first small level; ``biases``: where a level takes them over, those it began
    with; ``curve``: float32 ``[epochs, 3]``, where recorded.
    """

    rows: list[dict] = field(default_factory=list)
    death: np.ndarray | None = None
    last: np.ndarray | None = None
    seconds: float = 0.0
    kept: dict[str, dict[int, np.ndarray]] = field(
        default_factory=lambda: {name: {} for name in KEPT}
    )

    @property
    def levels(self) -> int:
        return len(self.rows)

    def mask(self, level: int) -> np.ndarray:
        """Which weights are available at a level, bool ``[W]``."""
        return self.death > level

    def add(
        self,
        spec: RunSpec,
        row: dict,
        mask: np.ndarray,
        start: np.ndarray,
        trained: np.ndarray,
        curve: np.ndarray,
        last: np.ndarray,
    ):
        """Append a level of a run: its row, its mask bool ``[W]``, the parameters ``[P]`` it was reset to and trained to, its curve, and `last`."""
        level = self.levels
        if self.death is None:
            self.death = np.full(len(mask), NEVER, dtype=np.uint8)
        self.death[~mask & (self.death == NEVER)] = level
        self.rows.append(row)
        self.last = last
        if mask.sum() <= KEEP_TRAINED:
            alive = _with_biases(mask, len(trained))
            self.kept["trained"][level] = trained[alive]
            if not begins_initial(spec) and not self.kept["start"]:
                self.kept["start"][level] = start[alive]
        if spec.prune.biases == "kept":
            self.kept["biases"][level] = start[len(mask) :]
        if spec.train.record:
            self.kept["curve"][level] = curve.astype(np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """What a finished run keeps of its weights, by name."""
        return {
            "death": self.death,
            **{
                f"{name}{level}": values
                for name, levels in self.kept.items()
                for level, values in levels.items()
            },
        }


def begins_initial(spec: RunSpec) -> bool:
    """Whether every level's weights are reset to the seed's initial values."""
    return not spec.prune.rewind and spec.variant is None


@dataclass(frozen=True, eq=False)
class History:
    """A finished run in memory, the tickets of all its levels within reach.

    shape: a ``config.Shape``; rows: one per level; death: uint8 ``[W]``, the level at which each weight was
    pruned, ``NEVER`` if never; initial: float32 ``[P]``; trained, biases, curve: by level, see :class:`Progress`.
    """

    spec: RunSpec
    shape: Shape
    rows: pd.DataFrame
    death: np.ndarray
    initial: np.ndarray
    trained: dict[int, np.ndarray]
    biases: dict[int, np.ndarray]
    curve: dict[int, np.ndarray]

    def ticket(self, level: int | None = None) -> Ticket:
        """The network at a pruning level; without `level`, where it first separated, else the last one."""
        if level is None:
            separated = self.rows.index[self.rows["status"] == "separated"]
            level = int(separated[0]) if len(separated) else len(self.rows) - 1
        if not 0 <= level < len(self.rows):
            raise SpecError(f"level is {level}; this run has levels 0 to {len(self.rows) - 1}")
        mask, trained = self.death > level, None
        alive = _with_biases(mask, len(self.initial))
        if (kept := self.trained.get(level)) is not None:
            trained = np.zeros_like(self.initial)
            trained[alive] = kept
        masks, initial = (
            split_mask(torch.from_numpy(mask)[None], self.shape),
            np.where(alive, self.initial, np.float32(0)),
        )
        if level in self.biases:
            initial[len(mask) :] = self.biases[level]
        return Ticket(
            self.shape,
            masks,
            initial,
            trained,
            data.load(self.spec.data).tasks,
            self.spec.seed,
            level,
        )
