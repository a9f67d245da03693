"""Functions inside of a task: do hidden units keep to the inputs of one inner function?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from lth_utils.config import RunSpec, rng, run_id
from lth_utils.connectivity import nested_random_masks
from lth_utils.connectivity.reach import reachability
from lth_utils.data import inner_inputs
from lth_utils.runs.history import History
from lth_utils.runs.store import Store
from lth_utils.studies import statistics
from lth_utils.studies.hidden_structure.discovery import chosen_level

NULLS = 20
"""Random masks per run."""

THEIRS = {0: (1.0, 1.0), 1: (0.97, 1.0), 2: (0.92, 1.0), 3: (0.64, 0.89)}
"""Lowest and highest success rate of Neural Sculpting over the numbers of outputs, by overlap."""


def pure_shares(
    masks: Sequence[torch.Tensor], functions: Sequence[Sequence[int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Which share of the active units of each hidden layer reads inputs of one function alone.

    Args:
        masks: of one network, over layers bool ``[1, O, I]``.
        functions: the inputs of each inner function.

    Returns:
        Shares ``[hidden layers]``, 0 where no unit is active; and whether the active units of the
        layer together read all inputs of all functions, bool ``[hidden layers]``.
    """
    reached = torch.eye(masks[0].shape[2], dtype=torch.bool)
    from_input, leads = reachability(masks)
    own = torch.zeros(len(functions), reached.shape[1], dtype=torch.bool)
    for row, inputs in zip(own, functions, strict=True):
        row[list(inputs)] = True
    shares, complete = [], []
    for n, mask in enumerate(masks[:-1]):
        reached = (mask[0].float() @ reached.float()) > 0  # [units, inputs]
        active = from_input[n + 1][0] & leads[n + 1][0].any(1)
        read = reached[active]
        pure = torch.stack([~(read & ~inputs).any(1) for inputs in own]).any(0)
        shares.append(float(pure.float().mean()) if len(read) else 0.0)
        complete.append(bool(read.any(0)[own.any(0)].all()) if len(read) else False)
    return np.array(shares), np.array(complete)


def best_layer(masks: Sequence[torch.Tensor], functions: Sequence[Sequence[int]]) -> float:
    """The highest share of pure units in a hidden layer that reads all inputs, else 0."""
    shares, complete = pure_shares(masks, functions)
    return float(shares[complete].max()) if complete.any() else 0.0


def inner_table(runs: Sequence[RunSpec], store: Store, tolerance: float = 0.02) -> pd.DataFrame:
    """Each run on Boolean functions, where it is smallest and as good as the dense network.

    Args:
        runs: on ``data.gates``.
        store: of the finished runs.
        tolerance: see :func:`~lth_utils.studies.hidden_structure.discovery.chosen_level`.

    Returns:
        One row per run: ``overlap, reuse, draw, run, level, accuracy``; the share of ``pure`` units
        in the best hidden layer, on average over random masks ``null``, and whether all are:
        ``found``, and in which share of the random masks ``null_found``.
    """
    rows = []
    for run in runs:
        history, options = store.history(run_id(run)), dict(run.data.options)
        level = chosen_level(history, tolerance)
        functions = inner_inputs(options["overlap"])
        pure = best_layer(history.ticket(level).masks, functions)
        random = np.array(_random(history, level, functions))
        row = {name: options[name] for name in ("overlap", "reuse")}
        row |= {"draw": options["seed"], "run": run_id(run), "level": level}
        row |= {"accuracy": history.rows["accuracy"].iloc[level], "pure": pure}
        row |= {"null": random.mean(), "found": int(pure == 1), "null_found": (random == 1).mean()}
        rows.append(row)
    return pd.DataFrame(rows)


def _random(history: History, level: int, functions: Sequence[Sequence[int]]) -> list[float]:
    """The same of random masks with as many weights in each layer."""
    stream, masks = rng(history.spec.seed, "inner functions"), history.masks()
    drawn = [nested_random_masks([masks[0], masks[level]], stream)[1] for _ in range(NULLS)]
    return [best_layer(random, functions) for random in drawn]


def inner_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Each overlap and number of outputs; table: as :func:`inner_table`.

    Returns:
        One row per ``overlap, reuse``: the share ``found`` with its interval, that of random masks
        ``null_found``, the means ``pure`` and ``null``, ``runs`` and ``draws``.
    """
    rows = []
    for (overlap, reuse), own in table.groupby(["overlap", "reuse"]):
        row = {"overlap": overlap, "reuse": reuse}
        row |= statistics.columns("found", statistics.clustered_share(own["found"], own["draw"]))
        row |= {name: own[name].mean() for name in ("null_found", "pure", "null", "accuracy")}
        rows.append({**row, "runs": len(own), "draws": own["draw"].nunique()})
    return pd.DataFrame(rows)
