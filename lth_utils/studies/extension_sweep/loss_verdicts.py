"""Verdicts of notebook 03 on claim 4: the loss of separated networks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lth_utils.studies.reference import reference
from lth_utils.studies.statistics import bootstrap, share
from lth_utils.studies.verdict import WILSON, in_percent, judge, verdict_row

SOLVED = 0.08
"""A network of a lower loss has learned both tasks."""


def loss_rows(table: pd.DataFrame) -> list[dict]:
    """How separated networks rank among others, what they reach, and how often they lost a task.

    Args:
        table: level rows of two-layer networks.
    """
    separated = table["status"] == "separated"
    if not separated.any():
        return []
    apart, others = table[separated], table[~separated]
    usual = apart["active"].quantile([0.05, 0.95])
    alike = others[others["active"].between(*usual)]
    comparisons = {
        "a network of any size that is not": others,
        "one of as many active weights that is not": alike,
    }
    rows = [_rank(apart, rest, name) for name, rest in comparisons.items() if len(rest)]
    return [*rows, _reached(apart), _lost_a_task(apart)]


def _rank(apart: pd.DataFrame, others: pd.DataFrame, which: str) -> dict:
    """The chance that a separated network has a lower loss than another."""
    values = np.sort(others["loss"].to_numpy())
    beaten = 1 - np.searchsorted(values, apart["loss"]) / len(values)
    by_run = pd.Series(beaten).groupby(apart["run"].to_numpy()).mean().to_numpy()
    low, high = bootstrap(by_run)
    return verdict_row(
        "4",
        "separated networks are among those of lowest validation loss: "
        f"chance that one has a lower loss than {which}",
        theirs="above 0.5",
        ours=f"{by_run.mean():.2f} ({low:.2f} to {high:.2f})",
        runs=len(by_run),
        test="95 % interval over runs (bootstrap)",
        verdict=judge([low > 0.5], [high < 0.5]),
    )


def _reached(apart: pd.DataFrame) -> dict:
    """The loss of those that solve both tasks, where they first separated."""
    clusters = reference("performance_clusters")
    clusters = clusters.query("cluster == 'low-loss cluster' and category == 'separated'")
    cluster = clusters.iloc[0]
    least, most = cluster["val_loss_min"], cluster["val_loss_max"]
    first = apart.groupby("run")["loss"].first()
    solved = first[first < SOLVED].to_numpy()
    median = low = high = np.nan
    if len(solved):
        median = np.median(solved)
        low, high = bootstrap(solved, np.median)
    return verdict_row(
        "4",
        "separated networks that solve both tasks have a validation loss between "
        f"{least} and {most}",
        theirs=f"centre {cluster['val_loss_centre']}",
        ours=f"median {median:.4f} ({low:.4f} to {high:.4f})",
        runs=len(solved),
        test="95 % interval of the median (bootstrap)",
        verdict=judge([least <= low and high <= most], [low > most or high < least]),
        note="the loss that can be reached depends on which points were drawn: see the variants",
    )


def _lost_a_task(apart: pd.DataFrame) -> dict:
    """How many ended with a loss that only one solved task explains."""
    last = apart.groupby("run")["loss"].last()
    lost, total = int((last > SOLVED).sum()), len(last)
    return verdict_row(
        "4",
        "a separated network may have lost a task: some have a loss above 0.08",
        theirs="about 12 dots",
        ours=f"{lost} of {total} runs, {in_percent(*share(lost, total))}",
        runs=total,
        test=WILSON,
        verdict="agrees" if lost else "cannot tell",
        note="separation does not mean that both tasks are solved",
    )
