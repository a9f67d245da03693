"""Two to eight tasks side by side: are they found, and at how many weights?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from lth_utils.config import RunSpec, rng, run_id
from lth_utils.connectivity import components, nested_random_masks
from lth_utils.data import Task
from lth_utils.runs.history import History
from lth_utils.runs.store import Store
from lth_utils.studies import statistics
from lth_utils.studies.hidden_structure.discovery import chosen_level
from lth_utils.studies.hidden_structure.grouping import index, true_partition

NULLS = 3
"""Random masks per run."""

STEP = 0.68
"""Weights left from one level to the next; budgets that differ by less are one."""

LEAST = 6
"""Weights per task at the last level: two inputs, and four for the output."""


def partitions_of(masks: Sequence[torch.Tensor]) -> np.ndarray:
    """The subnetwork of each input and then each output, int64 ``[M, I + O]``.

    Args:
        masks: over layers bool ``[M, O, I]``.

    Returns:
        Labels; units of no subnetwork have one of their own.
    """
    found = components(masks)
    ends = torch.cat([found[0], found[-1]], 1).numpy()
    alone = ends.shape[1] + np.arange(ends.shape[1])
    return np.where(ends < 0, alone, ends)


def truth_of(tasks: Sequence[Task]) -> np.ndarray:
    """The true partition of tasks that share no inputs."""
    of_input = np.concatenate([np.full(len(task.inputs), k) for k, task in enumerate(tasks)])
    of_output = np.concatenate([np.full(len(task.outputs), k) for k, task in enumerate(tasks)])
    return true_partition(of_input, of_output)


def indices(history: History) -> tuple[np.ndarray, np.ndarray]:
    """How near the subnetworks of each level are to the tasks, in the run and in random masks.

    Returns:
        The adjusted Rand indices ``[levels]`` of the run, and on average those of ``NULLS`` nested
        random masks with as many weights in each layer.
    """
    truth, by_level = truth_of(history.tasks), history.masks()
    own = [index(truth, partitions_of(masks)[0]) for masks in by_level]
    stream, random = rng(history.spec.seed, "many tasks"), []
    for _ in range(NULLS):
        drawn = nested_random_masks(by_level, stream)
        random.append([index(truth, partitions_of(masks)[0]) for masks in drawn])
    return np.array(own), np.mean(random, 0)


def many_table(runs: Sequence[RunSpec], store: Store, tolerance: float = 0.02) -> pd.DataFrame:
    """Each level of each run on several tasks.

    Args:
        runs: on ``data.points``.
        store: of the finished runs.
        tolerance: how far the score may fall below the dense network's at the chosen level.

    Returns:
        One row per run and level: ``k, draw, run, level``, the ``weights`` per task and their
        ``budget`` (levels before the fewest), the ``index`` and that of random masks ``null``, the
        mean ``accuracy``, and whether the level is ``chosen``.
    """
    rows = []
    for run in runs:
        history, options = store.history(run_id(run)), dict(run.data.options)
        own, random = indices(history)
        chosen = chosen_level(history, tolerance)
        for level, available in enumerate(history.rows["available"]):
            weights = available / options["k"]
            rows.append(
                {
                    "k": options["k"],
                    "draw": options["seed"],
                    "run": run_id(run),
                    "level": level,
                    "weights": weights,
                    "budget": round(np.log(LEAST / weights) / np.log(STEP)),
                    "index": own[level],
                    "null": random[level],
                    "accuracy": history.rows["accuracy"].iloc[level],
                    "chosen": level == chosen,
                }
            )
    return pd.DataFrame(rows)


def many_curves(levels: pd.DataFrame) -> pd.DataFrame:
    """Index, null and accuracy over the weights per task; levels: as :func:`many_table`.

    Returns:
        One row per ``k, budget``: means of ``weights``, ``index`` (with its interval over the
        draws), ``null`` and ``accuracy``, and the number of ``draws``.
    """
    rows = []
    for (k, budget), own in levels.groupby(["k", "budget"]):
        row = {"k": k, "budget": budget, "weights": own["weights"].mean()}
        row |= statistics.columns("index", statistics.clustered_mean(own["index"], own["draw"]))
        row |= {"null": own["null"].mean(), "accuracy": own["accuracy"].mean()}
        rows.append({**row, "draws": own["draw"].nunique()})
    return pd.DataFrame(rows)


def many_chosen(levels: pd.DataFrame) -> pd.DataFrame:
    """How far runs are above random masks where they are small and still as good.

    Args:
        levels: as :func:`many_table`.

    Returns:
        One row per ``k``: the mean ``index``, its ``excess`` over the null with its interval, how
        many found all tasks ``exact``-ly, ``weights`` per task, ``runs`` and ``draws``.
    """
    rows = []
    for k, own in levels[levels["chosen"]].groupby("k"):
        excess = statistics.clustered_mean(own["index"] - own["null"], own["draw"])
        row = {"k": k, "index": own["index"].mean(), **statistics.columns("excess", excess)}
        row |= {"exact": int((own["index"] > 1 - 1e-9).sum()), "weights": own["weights"].mean()}
        rows.append({**row, "runs": len(own), "draws": own["draw"].nunique()})
    return pd.DataFrame(rows)
