"""Who finds hidden blocks: tickets, and other methods with the same data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from lth_utils.config import run_id
from lth_utils.data import Dataset, hidden_blocks, load
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.history import History
from lth_utils.runs.store import Store
from lth_utils.studies import statistics
from lth_utils.studies.hidden_structure import baselines, group_lasso, kept
from lth_utils.studies.hidden_structure.grouping import (
    consensus,
    index,
    partition,
    ranking,
    true_partition,
)
from lth_utils.studies.hidden_structure.parameters import Asked

OURS = "tickets"

TOLD = "weight clusters, told how many"


class OfData(NamedTuple):
    """A method that sees the data alone.

    Attributes:
        function: from a data set to a matrix ``[I, O]``.
        cut: see :func:`~lth_utils.studies.hidden_structure.grouping.partition`.
        version: of its settings.
    """

    function: Callable[[Dataset], np.ndarray]
    cut: float
    version: str = "1"


class OfNetworks(NamedTuple):
    """A method that sees the dense networks that the tickets began as; fields as above."""

    function: Callable[[Dataset, Sequence[Ticket]], np.ndarray]
    cut: float


def dense_paths(data: Dataset, networks: Sequence[Ticket]) -> np.ndarray:
    """The mean path weights of dense networks, each output's largest one 1."""
    return _mean_paths([baselines.paths(network) for network in networks])


def _mean_paths(matrices: Sequence[np.ndarray]) -> np.ndarray:
    return np.mean([paths / np.maximum(paths.max(0), 1e-12) for paths in matrices], 0)


LASSO = f"{group_lasso.PENALTIES} {group_lasso.STEPS} {group_lasso.RATE} {group_lasso.WIDTH} error"

OF_DATA = {
    "mutual information": OfData(baselines.mutual_information, 0.3),
    "logistic regression": OfData(baselines.logistic, 0.2),
    "forest importances": OfData(baselines.forest, 0.5, str(baselines.TREES)),
    "group lasso": OfData(group_lasso.group_lasso, 0.3, LASSO),
}

OF_NETWORKS = {
    "permutation importances": OfNetworks(baselines.permutation, 0.3),
    "gradients": OfNetworks(baselines.gradients, 0.5),
    "dense path weights": OfNetworks(dense_paths, 0.5),
}

CUT = 0.1
"""Of a ticket's paths. This cut and those above did best, each for its method, on draws 900 to 902
of conditions like those of the notebook; no reported result uses these draws."""

METHODS = (OURS, *OF_NETWORKS, TOLD, *OF_DATA)


def chosen_level(history: History, tolerance: float) -> int:
    """The last intact level whose mean validation score is about the dense network's.

    Args:
        history: the run.
        tolerance: how far it may be below.
    """
    rows = history.rows
    scores = validation_scores(history)
    level = 0
    for n, status in enumerate(rows["status"]):
        if status != "degraded" and scores[n] >= scores[0] - tolerance:
            level = n
    return level


def validation_scores(history: History) -> np.ndarray:
    """The mean score of each level on the split that stops training."""
    names = [f"validation_{task.name}" for task in history.tasks]
    if names[0] not in history.rows:
        names = [f"{task.score_name}_{task.name}" for task in history.tasks]
    return history.rows[names].to_numpy(float).mean(1)


def found_table(
    questions: Sequence[Asked], store: Store, folder: Path, tolerance: float = 0.02
) -> pd.DataFrame:
    """What each method finds on each draw.

    Args:
        questions: the draws, and the runs on them.
        store: of the finished runs.
        folder: where the matrices of methods that see the data alone are kept.
        tolerance: see :func:`chosen_level`.

    Returns:
        One row per method and draw: ``method, bank, condition, draw``; the adjusted Rand ``index``
        of what it found, whether that is ``exact``, its ``ranking`` of inputs (see
        :func:`~lth_utils.studies.hidden_structure.grouping.ranking`), and its ``seconds`` of
        computing time, those of training the networks it needs included.
    """
    rows = []
    for asked in questions:
        blocks = hidden_blocks(**asked.condition.blocks, seed=asked.draw)
        truth = true_partition(*blocks)
        about = {"bank": asked.bank, "condition": asked.condition.title, "draw": asked.draw}
        for method, labels, matrix, seconds in _answers(asked, store, folder, tolerance):
            near = index(truth, labels)
            row = {"method": method, **about, "index": near, "exact": int(near > 1 - 1e-9)}
            row["ranking"] = np.nan if matrix is None else ranking(matrix, *blocks)
            rows.append({**row, "seconds": seconds})
    return pd.DataFrame(rows)


Answer = tuple[str, np.ndarray, np.ndarray | None, float]
"""A method, the labels that it found, its matrix, and its seconds."""


def _answers(asked: Asked, store: Store, folder: Path, tolerance: float) -> Iterator[Answer]:
    """What each method says of one draw."""
    for method, how in OF_DATA.items():
        matrix, seconds = kept.importances(method, how.function, asked.data, folder, how.version)
        yield method, partition(matrix, how.cut), matrix, seconds
    histories = [store.history(run_id(run)) for run in asked.runs]
    times = [
        _seconds(store, run_id(run), history)
        for run, history in zip(asked.runs, histories, strict=True)
    ]
    dense = [history.ticket(0) for history in histories]
    data, training = load(asked.data), sum(first for first, _ in times)
    for method, of_networks in OF_NETWORKS.items():
        began = time.process_time()
        matrix = of_networks.function(data, dense)
        spent = time.process_time() - began
        yield method, partition(matrix, of_networks.cut), matrix, training + spent
    told = [baselines.weight_clusters(network, asked.condition.k) for network in dense]
    yield TOLD, consensus(told), None, training
    tickets = [history.ticket(chosen_level(history, tolerance)) for history in histories]
    paths = [baselines.paths(ticket) for ticket in tickets]
    labels = consensus([partition(matrix, CUT) for matrix in paths])
    yield OURS, labels, _mean_paths(paths), sum(every for _, every in times)


def ahead(asked: Asked):
    """Compute and keep what the methods that see the data alone say of one draw."""
    for method, how in OF_DATA.items():
        kept.importances(method, how.function, asked.data, kept.folder(), how.version)


def _seconds(store: Store, run: str, history: History) -> tuple[float, float]:
    """Computing time of a run: of its first level, by its share of the epochs, and of all."""
    seconds = float(store.provenance(run)["seconds"])
    epochs = history.rows["epochs"].to_numpy(float)
    return seconds * epochs[0] / epochs.sum(), seconds


def score_table(questions: Sequence[Asked], store: Store, tolerance: float = 0.02) -> pd.DataFrame:
    """What tickets gain over their own dense networks, on examples that nothing watched.

    Args:
        questions, store, tolerance: as for :func:`found_table`.

    Returns:
        One row per run: ``bank, condition, draw, run, level, weights``, and the mean accuracy
        ``dense`` and of the ``ticket`` on the test split.
    """
    rows = []
    for asked in questions:
        for run in asked.runs:
            history = store.history(run_id(run))
            level = chosen_level(history, tolerance)
            names = [f"accuracy_{task.name}" for task in history.tasks]
            scores = history.rows[names].mean(axis=1)
            rows.append(
                {
                    "bank": asked.bank,
                    "condition": asked.condition.title,
                    "draw": asked.draw,
                    "run": run_id(run),
                    "level": level,
                    "weights": int(history.rows["available"].iloc[level]),
                    "dense": scores.iloc[0],
                    "ticket": scores.iloc[level],
                }
            )
    return pd.DataFrame(rows)


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Each method in each condition, on average over the draws.

    Args:
        found: as :func:`found_table`.

    Returns:
        One row per ``bank, condition, method``: the mean ``index`` and the share ``exact`` with
        intervals, the mean ``ranking``, the median of ``seconds`` (a network that waited for others
        counts the wait), and the number of ``draws``.
    """
    rows = []
    for key, own in found.groupby(["bank", "condition", "method"], sort=False):
        row = dict(zip(("bank", "condition", "method"), key, strict=True))
        row |= statistics.columns("index", statistics.mean_interval(own["index"]))
        row |= statistics.columns("exact", statistics.share(own["exact"].sum(), len(own)))
        row |= {"ranking": own["ranking"].mean(), "seconds": own["seconds"].median()}
        rows.append({**row, "draws": own["draw"].nunique()})
    return pd.DataFrame(rows)


def gains(scores: pd.DataFrame) -> pd.DataFrame:
    """The gain of tickets over their dense networks, with its interval over the draws.

    Args:
        scores: as :func:`score_table`.

    Returns:
        One row per ``bank, condition``: ``gain`` with its interval, ``dense``, ``ticket``,
        ``runs`` and ``draws``.
    """
    rows = []
    for key, own in scores.groupby(["bank", "condition"], sort=False):
        row = dict(zip(("bank", "condition"), key, strict=True))
        gain = statistics.clustered_mean(own["ticket"] - own["dense"], own["draw"])
        row |= statistics.columns("gain", gain)
        row |= {"dense": own["dense"].mean(), "ticket": own["ticket"].mean()}
        rows.append({**row, "runs": len(own), "draws": own["draw"].nunique()})
    return pd.DataFrame(rows)
