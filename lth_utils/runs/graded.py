"""Graded structure of every level of finished runs, computed from their masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
from torch import Tensor

from lth_utils import connectivity
from lth_utils.config import SpecError
from lth_utils.data import Task
from lth_utils.runs.history import History

COLUMNS = ("lambda2", "n_cut", "purity", "block_share")
"""Of ``connectivity.Graded``, those that take little time."""


def graded_columns(
    levels: Sequence[Sequence[Tensor]], tasks: Sequence[Task], most_weights: int | None = None
) -> pd.DataFrame:
    """How nearly a network has fallen apart, level by level.

    Args:
        levels: for each level the masks of one network, see ``History.masks``.
        tasks: of the network.
        most_weights: levels with more available weights are not measured; None: all are.

    Returns:
        A row per level with :data:`COLUMNS`, NaN where a measure is not known.
    """
    rows = [_graded(masks, tasks, most_weights) for masks in levels]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=float)


def _graded(
    masks: Sequence[Tensor], tasks: Sequence[Task], most_weights: int | None
) -> dict[str, float]:
    """The measures of one level that are known."""
    if most_weights is not None and sum(int(mask.sum()) for mask in masks) > most_weights:
        return {}
    try:
        (found,) = connectivity.graded(masks, tasks, louvain=False)
    except SpecError:  # such as a network without units between two layers
        return {}
    return {name: getattr(found, name) for name in COLUMNS}


def with_graded(table: pd.DataFrame, history: Callable[[str], History]) -> pd.DataFrame:
    """A table of runs with :data:`COLUMNS` beside its own.

    Args:
        table: a row per run and level, at least one, with the columns ``run, level``.
        history: a finished run by its id.
    """
    measured = []
    for run in table["run"].unique():
        of_run = history(run)
        found = graded_columns(of_run.masks(), of_run.tasks)
        found.insert(0, "level", of_run.rows["level"].to_numpy())
        measured.append(found.assign(run=run))
    return table.merge(pd.concat(measured), on=["run", "level"], how="left", validate="one_to_one")
