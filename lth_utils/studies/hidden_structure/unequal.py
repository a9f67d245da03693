"""Two unequal tasks: which one is lost, and who gets the weights?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lth_utils.config import RunSpec, run_id
from lth_utils.connectivity import masks_of_outputs
from lth_utils.data.tasks import index
from lth_utils.runs.history import History
from lth_utils.runs.store import Store
from lth_utils.studies import statistics

FELL = 0.05
"""How far an accuracy may fall below the dense network's where a separation counts."""

LEARNED = 0.6
"""Accuracy from which on a dense network has learned a task of two classes as frequent."""

CELL = ["noise", "weight", "inputs", "distractors"]


def unequal_table(runs: Sequence[RunSpec], store: Store) -> pd.DataFrame:
    """What became of each run on two unequal tasks.

    Args:
        runs: on ``data.unequal``.
        store: of the finished runs.

    Returns:
        One row per run: ``noise, weight, inputs, distractors, draw, run``; the accuracies
        ``dense_first, dense_second``; whether it was ever ``apart``, both tasks at most 5 points
        below the dense network; the ``share`` of the weights that lead to the second task at the
        first such level, missing without one; and which task was ``lost`` first (accuracy below
        half way from chance to the dense network's): ``first``, ``second``, ``both`` at one level,
        ``none``, or ``never learned``.
    """
    rows = []
    for run in runs:
        history, options = store.history(run_id(run)), dict(run.data.options)
        row = {name: options[name] for name in CELL}
        row |= {"draw": options["seed"], "run": run_id(run), **outcome(history)}
        rows.append(row)
    return pd.DataFrame(rows)


def outcome(history: History) -> dict:
    """The columns of :func:`unequal_table` that say what became of a run."""
    names = [f"accuracy_{task.name}" for task in history.tasks]
    scores = history.rows[names].to_numpy(float)
    separated = (history.rows["status"] == "separated").to_numpy()
    apart = separated & (scores >= scores[0] - FELL).all(1)
    found: dict = {"dense_first": scores[0, 0], "dense_second": scores[0, 1]}
    found |= {"apart": int(apart.any()), "share": np.nan}
    if apart.any():
        found["share"] = _share(history, int(apart.argmax()))
    below = scores < (scores[0] + 0.5) / 2
    first = [int(column.argmax()) if column.any() else len(scores) for column in below.T]
    if scores[0, 1] < LEARNED:
        found["lost"] = "never learned"
    elif first[0] == first[1]:
        found["lost"] = "none" if first[0] == len(scores) else "both"
    else:
        found["lost"] = "first" if first[0] < first[1] else "second"
    return found


def _share(history: History, level: int) -> float:
    """The second task's share of the weights that lead to the outputs of the two tasks."""
    masks = history.ticket(level).masks
    counts = []
    for task in history.tasks:
        own = masks_of_outputs(masks, index(task.outputs))
        counts.append(sum(int(mask.sum()) for mask in own))
    return counts[1] / sum(counts)


def unequal_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Each combination of noise, weight, inputs and distractors.

    Args:
        table: as :func:`unequal_table`.

    Returns:
        One row per cell: ``noise, weight, inputs, distractors``, the share of runs that are
        ``apart`` with its interval, the shares that have the ``second`` or the ``first`` task lost
        first and that ``never`` learned the second, the mean ``share`` of the weights, ``runs``
        and ``draws``.
    """
    rows = []
    for cell, own in table.groupby(CELL):
        row = dict(zip(CELL, cell, strict=True))
        row |= statistics.columns("apart", statistics.clustered_share(own["apart"], own["draw"]))
        for name, word in (("second", "second"), ("first", "first"), ("never", "never learned")):
            row[name] = (own["lost"] == word).mean()
        row["share"] = own["share"].mean()
        rows.append({**row, "runs": len(own), "draws": own["draw"].nunique()})
    return pd.DataFrame(rows)
