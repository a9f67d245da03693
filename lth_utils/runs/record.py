"""The record of a run while it is computed: its finished levels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lth_utils import pruning
from lth_utils.config import RunSpec

KEEP_TRAINED = 4096
"""Trained values are kept for levels with at most this many available weights."""

KEPT = ("trained", "start", "biases", "curve")
"""Arrays that may be kept of a level, which :attr:`RunRecord.kept` describes."""

PRUNED_AT = "death"
"""The name on disk of ``pruned_at``; it stays, so that runs of earlier versions can be read."""


@dataclass
class RunRecord:
    """The finished levels of one run, level 0 first.

    Attributes:
        rows: one dict of plain values per level, the columns of ``levels.csv``.
        pruned_at: ``[W]``, the level at which each weight was pruned, :func:`never` if not yet;
            uint8 where that is enough for the run's levels, else uint16.
        last: float32 ``[P]``, the parameters from which the next level is pruned.
        seconds: computing time so far, that before an interruption included.
        kept: arrays by name and level.
            ``trained``: available parameters after training, for levels of few weights.
            ``start``: their values before training where these are not the initial ones: at the
            first level of few weights where all levels are rewound to the same, else at each.
            ``biases``: values before training, where a level continues with the biases of the last.
            ``curve``: float32 ``[epochs, 3]``, where recorded.
    """

    rows: list[dict] = field(default_factory=list)
    pruned_at: np.ndarray | None = None
    last: np.ndarray | None = None
    seconds: float = 0.0
    kept: dict[str, dict[int, np.ndarray]] = field(
        default_factory=lambda: {name: {} for name in KEPT}
    )

    @property
    def levels(self) -> int:
        """Number of finished levels."""
        return len(self.rows)

    def mask(self, level: int) -> np.ndarray:
        """Which weights are available at a level, bool ``[W]``."""
        assert self.pruned_at is not None, "no level is finished yet"
        return np.asarray(self.pruned_at > level)

    def add(
        self,
        spec: RunSpec,
        row: dict,
        *,
        mask: np.ndarray,
        start: np.ndarray,
        trained: np.ndarray,
        curve: np.ndarray,
        last: np.ndarray,
    ):
        """Append one level of the run.

        Args:
            spec: the run's spec, which says what is kept.
            row: the level's row of ``levels.csv``.
            mask: bool ``[W]``, the available weights.
            start: float32 ``[P]``, the parameters before training.
            trained: float32 ``[P]``, the parameters after training.
            curve: ``[epochs, 3]``, see ``Training.records``.
            last: float32 ``[P]``, the parameters from which the next level is pruned.
        """
        level = self.levels
        if self.pruned_at is None:
            _, keep = pruning.plan(spec)
            dtype = np.min_scalar_type(len(keep))
            self.pruned_at = np.full(len(mask), never(dtype), dtype=dtype)
        self.pruned_at[~mask & (self.pruned_at == never(self.pruned_at.dtype))] = level
        self.rows.append(row)
        self.last = last
        if mask.sum() <= KEEP_TRAINED:
            available = with_biases(mask, len(trained))
            self.kept["trained"][level] = trained[available]
            again = not self.kept["start"] or spec.prune.start != "rewound"
            if not begins_initial(spec, level) and again:
                self.kept["start"][level] = start[available]
        if spec.prune.biases == "kept":
            self.kept["biases"][level] = start[len(mask) :]
        if spec.train.record:
            self.kept["curve"][level] = curve.astype(np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """What is written of the run's weights, by name on disk."""
        assert self.pruned_at is not None, "no level is finished yet"
        arrays = {PRUNED_AT: self.pruned_at}
        for name, levels in self.kept.items():
            for level, values in levels.items():
                arrays[f"{name}{level}"] = values
        return arrays


def never(dtype: np.dtype) -> int:
    """The level of pruning noted for a weight that was not pruned: the dtype's largest number."""
    return int(np.iinfo(dtype).max)


def check_arrays(
    arrays: dict[str, np.ndarray], rows: pd.DataFrame, *, n_weights: int, n_parameters: int
):
    """Refuse arrays that do not belong to a run's table.

    Args:
        arrays: the run's arrays by name on disk; others than those of a record are ignored.
        rows: the run's table, a row per level.
        n_weights: number of weights W of the run's network.
        n_parameters: number of its parameters P.

    Raises:
        ValueError: if a level is missing, has other counts of weights than the table, or values
            of another number or dtype.
    """
    if list(rows.get("level", [])) != list(range(len(rows))) or not len(rows):
        raise ValueError("its table does not have one row for each level")
    if arrays.keys().isdisjoint([PRUNED_AT]):
        raise ValueError(f"the array {PRUNED_AT} is missing")
    pruned_at = arrays[PRUNED_AT]
    if pruned_at.dtype.kind != "u" or pruned_at.shape != (n_weights,):
        shown = f"{pruned_at.dtype} {pruned_at.shape}"
        raise ValueError(f"{PRUNED_AT} is {shown}; expected whole numbers ({n_weights},)")
    if len(rows) > never(pruned_at.dtype):
        raise ValueError(
            f"{PRUNED_AT} is {pruned_at.dtype}, which is too small for {len(rows)} levels"
        )
    pruned = np.bincount(pruned_at, minlength=len(rows))[: len(rows)]
    available = n_weights - np.cumsum(pruned)
    if "available" in rows and list(available) != list(rows["available"]):
        raise ValueError(f"{PRUNED_AT} has other counts of weights than the table")
    for name in KEPT:
        for level, values in arrays_by_level(arrays, name).items():
            if level >= len(rows):
                raise ValueError(f"there is {name}{level}, and no such level")
            expected: tuple[int, ...] = (n_parameters - n_weights,)
            if name in ("trained", "start"):
                expected = (int(available[level]) + n_parameters - n_weights,)
            if name == "curve":
                expected = (len(values), 3)
            if values.dtype != np.float32 or values.shape != expected:
                raise ValueError(
                    f"{name}{level} is {values.dtype} {values.shape}; expected float32 {expected}"
                )


def arrays_by_level(arrays: dict[str, np.ndarray], name: str) -> dict[int, np.ndarray]:
    """The arrays ``<name>0``, ``<name>1``, … by their level."""
    return {
        int(key.removeprefix(name)): values
        for key, values in arrays.items()
        if key.removeprefix(name).isdigit()
    }


def begins_initial(spec: RunSpec, level: int) -> bool:
    """Whether a level is trained from the seed's initial values; others are rewound to later ones.

    Level 0 of a variant is not, nor are the levels after it where ``prune.rewind`` is above 0 or
    ``prune.start`` another than ``rewound``.
    """
    later = spec.prune.rewind or spec.prune.start != "rewound"
    return spec.variant is None and (level == 0 or not later)


def with_biases(mask: np.ndarray, parameters: int) -> np.ndarray:
    """Available parameters ``[P]``, from the weights' mask ``[W]``: biases are never pruned."""
    return np.concatenate([mask, np.ones(parameters - len(mask), dtype=bool)])
