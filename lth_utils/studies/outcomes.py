"""What became of each run, and how often."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from lth_utils.connectivity import OUTCOMES, outcome
from lth_utils.studies.statistics import clustered_share

AT_SEPARATION = ["level", "available", "active", "loss", "accuracy", "watched_loss"]


def outcomes(table: pd.DataFrame, keys: Sequence[str] = ("network", "extension")) -> pd.DataFrame:
    """What became of each run, and what it was at the first level at which it was separated.

    Args:
        table: level rows, as ``Store.table``.
        keys: columns that are kept; where the table has them, they tell readings of one run apart.

    Returns:
        One row per run and reading: ``run, base, levels, seed, draw`` (of the data: ``data.seed``,
        0 where the table has none), ``outcome``, the weights ``available_end, active_end`` at its
        last level, and ``level, available, active, loss, accuracy`` and ``watched_loss``, where
        the table has it, at separation, missing where it never separated.
    """
    keys = [*[name for name in keys if name in table], "run"]
    groups = table.groupby(keys, sort=False)
    about = groups[["base", "prune.levels", "seed"]].first()
    about["draw"] = groups["data.seed"].first().fillna(0).astype(int) if "data.seed" in table else 0
    words = groups["status"].agg(lambda status: outcome(list(status)))
    end = groups[["available", "active"]].last().add_suffix("_end")
    separated = table[table["status"] == "separated"]
    measures = [name for name in AT_SEPARATION if name in table]
    at_separation = separated.groupby(keys, sort=False)[measures].first()
    about = about.rename(columns={"prune.levels": "levels"})
    rows = pd.concat([about, words.rename("outcome"), end], axis=1).join(at_separation)
    return rows.reset_index().astype({"level": "Int64", "available": "Int64", "active": "Int64"})


def by_level(runs: pd.DataFrame, keys: Sequence[str] = ("network", "extension")) -> pd.DataFrame:
    """How many runs came to each outcome.

    Args:
        runs: as :func:`outcomes`.
        keys: what is counted apart.

    Returns:
        One row per combination of `keys`: a column per outcome, ``runs``, ``draws`` of the data,
        and the ``share`` that ever separated with its interval ``share_low, share_high``, by
        :func:`~lth_utils.studies.statistics.clustered_share`.
    """
    words = runs.groupby(list(keys))["outcome"].value_counts().unstack(fill_value=0)
    counts = words.reindex(columns=list(OUTCOMES), fill_value=0)
    counts["runs"] = counts.sum(axis=1)
    runs = runs.assign(hit=runs["outcome"].isin(["separated", "separated-degraded"]))
    groups = runs.groupby(list(keys))
    counts["draws"] = groups["draw"].nunique()
    shares = [clustered_share(own["hit"], own["draw"]) for _, own in groups]
    counts[["share", "share_low", "share_high"]] = pd.DataFrame(shares, index=counts.index)
    return counts.reset_index()


def most_accurate(runs: pd.DataFrame) -> str:
    """The separated run of the highest accuracy at separation; where none is, the first run."""
    separated = runs.dropna(subset="level")
    if separated.empty:
        return runs["run"].iloc[0]
    return separated.sort_values("accuracy", ascending=False)["run"].iloc[0]
