"""What became of each run."""

from __future__ import annotations

import pandas as pd

from lth_utils.connectivity import OUTCOMES, outcome
from lth_utils.studies.statistics import share

AT_SEPARATION = ["level", "available", "active", "loss", "accuracy"]


def outcomes(table: pd.DataFrame) -> pd.DataFrame:
    """One row per run of ``Store.table`` (and per reading of it): its outcome, and what it was at the first separated level.

    Columns ``network`` and ``extension`` where the table has them, ``run, base, levels, seed, outcome``, the weights
    ``available_end, active_end`` at its last level and, missing where it never separated, ``level, available, active,
    loss, accuracy`` at separation.
    """
    keys = [*[c for c in ("network", "extension") if c in table], "run"]
    groups = table.groupby(keys, sort=False)
    last = groups[["available", "active"]].last().add_suffix("_end")
    words = groups["status"].agg(lambda status: outcome(list(status))).rename("outcome")
    there = table[table["status"] == "separated"].groupby(keys, sort=False)[AT_SEPARATION].first()
    about = (
        groups[["base", "prune.levels", "seed"]].first().rename(columns={"prune.levels": "levels"})
    )
    found = pd.concat([about, words, last], axis=1).join(there).reset_index()
    return found.astype({"level": "Int64", "available": "Int64", "active": "Int64"})


def by_level(runs: pd.DataFrame, keys: tuple[str, ...] = ("network", "extension")) -> pd.DataFrame:
    """Counts of each outcome over runs as :func:`outcomes` gives them, with the share that ever separated and its interval."""
    counts = (
        runs.groupby(list(keys))["outcome"]
        .value_counts()
        .unstack(fill_value=0)
        .reindex(columns=list(OUTCOMES), fill_value=0)
    )
    counts["runs"] = counts.sum(axis=1)
    separated = counts["separated"] + counts["separated-degraded"]
    shares = [share(k, n) for k, n in zip(separated, counts["runs"], strict=True)]
    counts[["share", "share_low", "share_high"]] = pd.DataFrame(shares, index=counts.index)
    return counts.reset_index()
