"""Tables of a study, for figures and pages."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from lth_utils.config import RunSpec
from lth_utils.runs.store import Store
from lth_utils.studies import statistics
from lth_utils.studies.your_data.findings import Findings


def score_curves(
    store: Store, specs: Sequence[RunSpec], found: Findings, name: str
) -> pd.DataFrame:
    """Each task's mean score over the weights left.

    Args:
        store: of the runs.
        specs: the runs.
        found: what they say.
        name: of the data set.

    Returns:
        ``data, task, kind, available, score, score_low, score_high, n, dense, chosen``: the mean
        over the runs that reach so few weights with its interval, the dense networks' mean, and
        how many runs were looked at there.
    """
    levels = store.table(specs)
    chosen = pd.Series([run.weights for run in found.runs]).value_counts()
    rows = []
    for task in found.tasks:
        column = f"{task.score_name}_{task.name}"
        dense = levels.loc[levels["level"] == 0, column].mean()
        for available, own in levels.groupby("available", sort=False):
            estimate = statistics.mean_interval(own[column])
            rows.append(
                {
                    "data": name,
                    "task": task.name,
                    "kind": "score (R²)" if task.score_name == "score" else "accuracy",
                    "available": available,
                    **statistics.columns("score", estimate),
                    "n": len(own),
                    "dense": dense,
                    "chosen": int(chosen.get(available, 0)),
                }
            )
    return pd.DataFrame(rows)


def control_shares(found: Findings, name: str) -> pd.DataFrame:
    """How often the tasks are apart as found: ``data, control, share, …, n``."""
    counts = {"networks": (found.agreeing, len(found.runs)), "random masks": found.random}
    if found.shuffled is not None:
        counts["shuffled labels"] = found.shuffled
    rows = []
    for control, (count, n) in counts.items():
        estimate = statistics.columns("share", statistics.share(count, n))
        rows.append({"data": name, "control": control, "count": count, **estimate, "n": n})
    return pd.DataFrame(rows)
