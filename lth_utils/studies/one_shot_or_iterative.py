"""Study of notebook 07: all at once, or in rounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lth_utils.studies.statistics import interval, share
from lth_utils.studies.verdict import COLUMNS, WILSON, in_percent, in_points, judge, verdict_row


def smallest_lossless_share(
    found: pd.DataFrame, keys: Sequence[str], within: float = 0.01
) -> pd.DataFrame:
    """Per key and seed: the smallest ``share`` of weights down to which the accuracy stays at most `within` below the dense network's.

    found: as :func:`measured` with ``share``, which is 1 for the dense network.
    """

    def reach(at):
        at = at.sort_values("share", ascending=False)
        kept = (at["accuracy"] >= at["accuracy"].iloc[0] - within).cummin()
        return at.loc[kept, "share"].min()

    return (
        found.groupby([*keys, "seed"], sort=False)[["share", "accuracy"]]
        .apply(reach)
        .rename("share")
        .reset_index()
    )


def separated_at_any_level(table: pd.DataFrame) -> pd.DataFrame:
    """How many runs were ``apart`` at some level: columns ``apart`` and ``runs``, one row per ``method``."""
    runs = table.groupby(["method", "run"], sort=False)["apart"].any()
    return runs.groupby("method", sort=False).agg(apart="sum", runs="size")


def one_shot(lost: pd.DataFrame, sizes: pd.DataFrame, toy: pd.DataFrame) -> pd.DataFrame:
    """Claim 9: iterative pruning keeps accuracy at smaller sizes than one-shot pruning; and does one-shot pruning separate networks?

    lost: as ``trials.against`` with columns ``scope, measure, share, method`` and the base ``iterative``; sizes: as ``trials.smallest``;
    toy: level rows of the moons-circles runs with columns ``method`` and ``apart``.
    """
    rows = []
    for (scope, measure), at in sizes.groupby(["scope", "measure"], sort=False):
        pairs = at.pivot(index="seed", columns="method", values="share")[
            ["iterative", "one-shot"]
        ].dropna()
        factor, low, high = np.exp(interval(np.log(pairs["one-shot"] / pairs["iterative"])))
        apart = lost[
            (lost["method"] == "one-shot") & (lost["scope"] == scope) & (lost["measure"] == measure)
        ]
        last, between = (
            apart.loc[apart["share"].idxmin()],
            "" if np.isnan(low) else f" (95 % interval {low:.1f} to {high:.1f})",
        )
        rows.append(
            verdict_row(
                "9",
                "iterative pruning keeps the dense network's accuracy (within a point) at smaller sizes than one-shot "
                f"({scope}, {measure})",
                "by figure",
                f"to {pairs['iterative'].median():.1%} of the weights, one-shot to {pairs['one-shot'].median():.1%} (medians): "
                f"{factor:.1f} times{between}; one-shot's loss where {last['share']:.1%} is left "
                f"{in_points(last['lost'], last['lost_low'], last['lost_high'])}",
                len(pairs),
                "Student's interval of the ratio's logarithm, within a trial",
                judge([low > 1], [high < 1]),
            )
        )
    counts = separated_at_any_level(toy)
    if {"iterative", "one-shot"} <= set(counts.index):
        from scipy.stats import fisher_exact

        (k, n), (j, m) = counts.loc["one-shot"], counts.loc["iterative"]
        rows.append(
            verdict_row(
                "9",
                "one-shot pruning separates networks, too (moons-circles, at any size)",
                "not asked",
                f"{k} of {n}, {in_percent(*share(k, n))}; iterative {j} of {m}, {in_percent(*share(j, m))}",
                int(n + m),
                f"{WILSON}; Fisher's exact test between them",
                "cannot tell" if not k else "agrees",
                fisher_exact([[k, n - k], [j, m - j]]).pvalue,
            )
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def one_shot_headline(lost: pd.DataFrame, toy: pd.DataFrame) -> str:
    """One sentence: what one-shot pruning loses at the smallest size, and how many of its networks separate."""
    last = lost[(lost["method"] == "one-shot") & (lost["share"] == lost["share"].min())].iloc[-1]
    counts = ", ".join(
        f"{name} {k} of {n}" for name, (k, n) in separated_at_any_level(toy).iterrows()
    )
    return (
        f"one-shot pruning loses {in_points(last['lost'], last['lost_low'], last['lost_high'])} against iterative where {last['share']:.1%} "
        f"of the weights is left; moons-circles networks that separate: {counts}"
    )
