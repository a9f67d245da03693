"""Verdicts of notebook 03 on claim 2: how many weights are left, and how many of them matter."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lth_utils.studies.like_theirs import as_large
from lth_utils.studies.reference import reference
from lth_utils.studies.statistics import clustered_mean
from lth_utils.studies.verdict import Verdict, by_interval, in_numbers

SAME_SHARE = 0.02
"""Shares of the available weights that differ by less count as the same."""


def weight_rows(runs: pd.DataFrame, table: pd.DataFrame) -> list[Verdict]:
    """Weights at separation and at degradation, active shares, inactive and zombie curves.

    Args:
        runs: as ``outcomes.outcomes`` of both readings.
        table: level rows of two-layer runs, with the columns ``extension`` and ``data.seed``.
    """
    two = runs[runs["network"] == "2"]
    rows = _active_stay(two.dropna(subset=["level"]))
    for network, name in (("1", "one"), ("2", "two"), ("3", "three")):
        rows += _available_like_theirs(name, runs[runs["network"] == network], network)
    rows += _degraded_like_theirs(runs[runs["network"] == "3mini"])
    rows += _active_share_like_theirs(two)
    for state in ("inactive", "zombie"):
        rows += _curve_like_theirs(table, state)
    return rows


def _active_stay(separated: pd.DataFrame) -> list[Verdict]:
    """Mean active weights at separation, at levels with enough runs for a mean."""
    levels = separated.groupby("extension")
    together = 1 - 0.05 / max(1, levels.ngroups)
    means = {}
    for level, rows in levels:
        estimate = clustered_mean(rows["active"].astype(float), rows["draw"], together)
        if not np.isnan(estimate[1]):
            means[level] = estimate
    if not means:
        return []
    theirs = reference("active_available_at_split").query("network == '2'")["active_mean"]
    values = [value for value, _, _ in means.values()]
    outside = [str(level) for level, (_, low, high) in means.items() if high < 80 or low > 120]
    words = f"; outside at levels {', '.join(outside)}" if outside else ""
    shown = separated[separated["extension"].isin(means)]
    return [
        by_interval(
            "2",
            "mean active weights at separation stay between 80 and 120 at every level (two layers)",
            list(means.values()),
            (80.0, 120.0),
            theirs=f"{theirs.min():.0f} to {theirs.max():.0f}",
            ours=f"{min(values):.0f} to {max(values):.0f} at {len(means)} levels{words}",
            test="Student's intervals of all levels that hold together (Bonferroni)",
            n=len(shown),
            draws=shown["draw"].nunique(),
        )
    ]


def _available_like_theirs(name: str, runs: pd.DataFrame, network: str) -> list[Verdict]:
    table = reference("active_available_at_split").query("network == @network")
    return _ranked(
        f"{name}-layer networks have as many available weights at separation as theirs",
        _single_values(table),
        runs.dropna(subset=["level"]),
        "available",
    )


def _degraded_like_theirs(runs: pd.DataFrame) -> list[Verdict]:
    degraded = runs[runs["outcome"].isin(("degraded", "separated-degraded"))]
    return _ranked(
        "three-layer networks have as many available weights when they degrade as theirs",
        _single_values(reference("active_available_at_degradation")),
        degraded.assign(available=degraded["available_end"]),
        "available",
    )


def _active_share_like_theirs(two: pd.DataFrame) -> list[Verdict]:
    theirs = reference("final_active_fraction_2layer")
    values = theirs[["extension_level", "active_fraction_of_available"]]
    return _ranked(
        "as large a share of the remaining weights is active at the end as in theirs (two layers)",
        values.set_axis(["extension", "value"], axis=1),
        two.assign(share=two["active_end"] / two["available_end"]),
        "share",
    )


def _single_values(table: pd.DataFrame) -> pd.DataFrame:
    """Their single runs: columns ``extension`` and ``value``, the available weights."""
    values = table["available_per_run"].astype(str).str.split()
    rows = pd.DataFrame({"extension": table["extension_level"], "value": values})
    return rows.explode("value").astype({"value": float})


def _ranked(statement: str, theirs: pd.DataFrame, ours: pd.DataFrame, column: str) -> list[Verdict]:
    """Each of their runs among ours of the same extension level."""
    values = ours[["extension", column, "draw"]].set_axis(["stratum", "value", "draw"], axis=1)
    given = theirs.rename(columns={"extension": "stratum"})
    words = "{runs} runs at {strata} levels"
    return as_large("2", statement, values.astype({"value": float}), given, theirs=words)


def _curve_like_theirs(table: pd.DataFrame, state: str) -> list[Verdict]:
    """A curve of averages over runs, point by point."""
    theirs = reference("inactive_zombie").dropna(subset=[f"{state}_relative"])
    theirs = theirs.rename(
        columns={"extension_level": "extension", "available_weights": "available"}
    )
    ours = table.assign(share=table[state] / table["available"])
    means = ours.groupby(["data.seed", "extension", "available"])["share"].mean().reset_index()
    both = means.merge(theirs[["extension", "available", f"{state}_relative"]])
    if both.empty:
        return []
    difference = both["share"] - both[f"{state}_relative"]
    estimate = clustered_mean(difference, both["data.seed"])
    used = ours[ours["extension"].isin(both["extension"])]
    return [
        by_interval(
            "2",
            f"the share of {state} weights follows the thesis' curves: mean difference over "
            f"{len(both.groupby(['extension', 'available']))} points less than {SAME_SHARE}",
            estimate,
            (-SAME_SHARE, SAME_SHARE),
            theirs=f"{both[f'{state}_relative'].mean():.3f} on average",
            ours=f"difference {in_numbers(estimate, '{:+.3f}')}",
            test="Student's interval over the means of draws",
            n=used["run"].nunique(),
            draws=used["data.seed"].nunique(),
        )
    ]
