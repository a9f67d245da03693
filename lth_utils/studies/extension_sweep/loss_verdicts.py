"""Verdicts of notebook 03 on claim 4: the loss of separated networks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lth_utils.studies.reference import reference
from lth_utils.studies.statistics import clustered_chance_lower, clustered_median, clustered_share
from lth_utils.studies.verdict import RARE, Verdict, by_interval, in_numbers, in_percent

SOLVED = 0.08
"""A network of a lower loss has learned both tasks."""

SPLITS = {
    "watched_loss": "loss on the points that training watched",
    "loss": "loss on points that training never watched",
}
"""The losses of a level table."""


def loss_rows(table: pd.DataFrame) -> list[Verdict]:
    """How separated networks rank among others, what they reach, and how often they lost a task.

    Args:
        table: level rows of two-layer networks, with ``data.seed``, ``watched_loss`` and ``loss``.
    """
    if "watched_loss" not in table:  # older tables have one loss, that of the watched points
        table = table.rename(columns={"loss": "watched_loss"})
    separated = table["status"] == "separated"
    if not separated.any() or separated.all():
        return []
    apart, others = table[separated], table[~separated]
    usual = apart["active"].quantile([0.05, 0.95])
    alike = others[others["active"].between(*usual)]
    rows = []
    for column in [name for name in SPLITS if name in table]:
        rows.append(_rank(apart, others, "any size", column))
        if len(alike):
            rows.append(_rank(apart, alike, "as many active weights", column))
    return [*rows, _reached(apart), _lost_a_task(apart)]


def _size(rows: pd.DataFrame) -> dict[str, int]:
    return {"n": rows["run"].nunique(), "draws": rows["data.seed"].nunique()}


def _rank(apart: pd.DataFrame, others: pd.DataFrame, which: str, column: str) -> Verdict:
    """The chance that a separated network has a lower loss than another of its draw."""
    chance = clustered_chance_lower(
        apart[column], apart["data.seed"], others[column], others["data.seed"]
    )
    return by_interval(
        "4",
        f"separated networks are among those of lowest {SPLITS[column]}: chance that one has a "
        f"lower one than a network of {which} that is not",
        chance,
        (0.5, 1.0),
        theirs="above 0.5",
        ours=in_numbers(chance),
        test="interval of a share that varies as much between draws",
        **_size(apart),
    )


def _reached(apart: pd.DataFrame) -> Verdict:
    """The loss of those that solve both tasks, where they first separated."""
    clusters = reference("performance_clusters")
    cluster = clusters.query("cluster == 'low-loss cluster' and category == 'separated'").iloc[0]
    least, most = cluster["val_loss_min"], cluster["val_loss_max"]
    first = apart.groupby("run").first()
    solved = first[first["watched_loss"] < SOLVED].reset_index()
    median = (np.nan, np.nan, np.nan)
    if len(solved):
        median = clustered_median(solved["watched_loss"], solved["data.seed"])
    return by_interval(
        "4",
        "separated networks that solve both tasks have a validation loss between "
        f"{least} and {most}",
        median,
        (least, most),
        theirs=f"centre {cluster['val_loss_centre']}",
        ours=f"median {in_numbers(median, '{:.4f}')}",
        test="Student's interval over the medians of draws; of one draw order statistics",
        note="what can be reached depends on the points drawn",
        **(_size(solved) if len(solved) else {"n": 0, "draws": 0}),
    )


def _lost_a_task(apart: pd.DataFrame) -> Verdict:
    """How many ended with a loss that only one solved task explains."""
    last = apart.groupby("run").last().reset_index()
    lost = last["watched_loss"] > SOLVED
    share = clustered_share(lost, last["data.seed"])
    return by_interval(
        "4",
        f"a separated network may have lost a task: more than {RARE:.0%} have a loss above "
        f"{SOLVED}",
        share,
        (RARE, 1.0),
        theirs="about 12 dots",
        ours=f"{int(lost.sum())} of {len(last)}, {in_percent(*share)}",
        test="interval of the share, the draw of the data a random factor",
        note="separation does not mean that both tasks are solved",
        **_size(last),
    )
