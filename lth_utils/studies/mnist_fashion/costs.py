"""Table of notebook 02: what separation costs against the best level of the same run."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lth_utils.studies.statistics import columns, mean_interval

CHOSEN = {"weight decay": "392-392-196-20", "growth, gently": "392-392-196-20"}
"""Ways of pruning that were chosen by what they reached, and the networks they were chosen on."""

CHOSEN_ON = 3
"""Seeds below this were looked at when they were chosen, so only the others are quoted."""


def separation_costs(table: pd.DataFrame, chosen: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Each run's accuracy at separation, less that of the best of its own levels.

    Args:
        table: level rows with the column ``variant``.
        chosen: as `CHOSEN`, its default.

    Returns:
        One row per run: ``variant, run, seed``; ``peak``, its highest accuracy of all levels;
        ``cost``, the accuracy at separation less that, NaN where it never separated; and
        ``quoted``, whether its seed had no part in choosing the way of pruning.
    """
    chosen = CHOSEN if chosen is None else chosen
    runs = table.groupby(["variant", "run"], sort=False)
    about = runs[["seed", "base"]].first().join(runs["accuracy"].max().rename("peak"))
    separated = table[table["status"] == "separated"]
    at = separated.groupby(["variant", "run"], sort=False)["accuracy"].first().rename("accuracy")
    about = about.join(at).reset_index()
    looked_at = about["variant"].map(chosen) == about["base"]
    about["cost"] = about["accuracy"] - about["peak"]
    about["quoted"] = ~(looked_at & (about["seed"] < CHOSEN_ON))
    return about[["variant", "run", "seed", "peak", "cost", "quoted"]]


def mean_costs(costs: pd.DataFrame) -> pd.DataFrame:
    """The mean cost of every way of pruning, of the runs that are quoted.

    Args:
        costs: as :func:`separation_costs`.

    Returns:
        One row per ``variant``: ``runs`` and ``separated`` (those that are quoted), ``left_out``,
        and ``cost, cost_low, cost_high`` with Student's interval.
    """
    rows = []
    for variant, at in costs.groupby("variant", sort=False):
        quoted = at[at["quoted"]]
        found = quoted["cost"].dropna()
        row = {"variant": variant, "runs": len(quoted), "separated": len(found)}
        row["left_out"] = len(at) - len(quoted)
        rows.append(row | columns("cost", mean_interval(found)))
    return pd.DataFrame(rows)
