"""Verdicts of notebook 07 on claim 9, and its facts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lth_utils.studies.one_shot_or_iterative.tables import separated_at_any_level
from lth_utils.studies.statistics import fisher_test, mean_interval
from lth_utils.studies.verdict import (
    WILSON,
    count_of,
    count_verdicts,
    in_points,
    judge,
    verdict_row,
    verdict_table,
)

DROP = ["accuracy_drop", "accuracy_drop_low", "accuracy_drop_high"]


def one_shot(drops: pd.DataFrame, sizes: pd.DataFrame, toy: pd.DataFrame) -> pd.DataFrame:
    """Verdicts on claim 9: iterative pruning keeps the accuracy at smaller sizes.

    Args:
        drops: as ``trials.paired_differences`` with columns ``scope, measure, share, method``
            against ``iterative``.
        sizes: as ``one_shot_or_iterative.smallest_lossless_share``.
        toy: level rows of the moons-circles runs with columns ``method`` and ``apart``.
    """
    rows = []
    for (scope, measure), at in sizes.groupby(["scope", "measure"], sort=False):
        wanted = (drops["scope"] == scope) & (drops["measure"] == measure)
        at_one_shot = drops[wanted & (drops["method"] == "one-shot")]
        last = at_one_shot.loc[at_one_shot["share"].idxmin()]
        rows.append(_smaller_sizes(f"{scope}, {measure}", at, last))
    counts = separated_at_any_level(toy)
    if {"iterative", "one-shot"} <= set(counts.index):
        rows.append(_separates(counts.loc["one-shot"], counts.loc["iterative"]))
    return verdict_table(rows)


def one_shot_headline(drops: pd.DataFrame, toy: pd.DataFrame) -> str:
    """One sentence: what one-shot pruning costs at the smallest size, and what separates.

    Args:
        drops, toy: as of :func:`one_shot`.
    """
    smallest = (drops["method"] == "one-shot") & (drops["share"] == drops["share"].min())
    last, counts = drops[smallest].iloc[-1], []
    for name, (count, runs) in separated_at_any_level(toy).iterrows():
        counts.append(f"{name} {count} of {runs}")
    return (
        f"one-shot pruning loses {in_points(*last[DROP])} against iterative "
        f"where {last['share']:.1%} of the weights is left; "
        f"moons-circles networks that separate: {', '.join(counts)}"
    )


def facts(drops: pd.DataFrame, toy: pd.DataFrame, verdicts: pd.DataFrame, *, n_runs: int) -> dict:
    """The facts of notebook 07.

    Args:
        drops, toy: as of :func:`one_shot`.
        verdicts: as :func:`one_shot`.
        n_runs: how many runs it is about.
    """
    return {
        "headline": one_shot_headline(drops, toy),
        "runs": n_runs,
        "verdicts": count_verdicts(verdicts),
        "separated": separated_at_any_level(toy).T.to_dict("list"),
    }


def _smaller_sizes(which: str, sizes: pd.DataFrame, last: pd.Series) -> dict:
    """The row on one scope and one way to read the accuracy; last: one-shot's smallest size."""
    pairs = sizes.pivot(index="seed", columns="method", values="share")
    pairs = pairs[["iterative", "one-shot"]].dropna()
    iterative, one_shot = pairs["iterative"].median(), pairs["one-shot"].median()
    factor, low, high = np.exp(mean_interval(np.log(pairs["one-shot"] / pairs["iterative"])))
    between = "" if np.isnan(low) else f" (95 % interval {low:.1f} to {high:.1f})"
    return verdict_row(
        "9",
        "iterative pruning keeps the dense network's accuracy (within a point) at smaller sizes "
        f"than one-shot ({which})",
        theirs="by figure",
        ours=f"to {iterative:.1%} of the weights, one-shot to {one_shot:.1%} (medians): "
        f"{factor:.1f} times{between}; one-shot's loss where {last['share']:.1%} is left "
        f"{in_points(*last[DROP])}",
        runs=len(pairs),
        test="Student's interval of the ratio's logarithm, within a trial",
        verdict=judge([low > 1], [high < 1]),
    )


def _separates(one_shot: pd.Series, iterative: pd.Series) -> dict:
    """The row on moons and circles."""
    counts, runs = (one_shot["apart"], iterative["apart"]), (one_shot["runs"], iterative["runs"])
    return verdict_row(
        "9",
        "one-shot pruning separates networks, too (moons-circles, at any size)",
        theirs="not asked",
        ours=f"{count_of(*one_shot)}; iterative {count_of(*iterative)}",
        runs=int(sum(runs)),
        test=f"{WILSON}; Fisher's exact test between them",
        verdict="agrees" if one_shot["apart"] else "cannot tell",
        p=fisher_test(counts, runs),
    )
