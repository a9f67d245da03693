"""Verdicts of notebook 03 on claims 1 and 5: how many networks separate and degrade."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lth_utils.studies.like_theirs import as_many
from lth_utils.studies.statistics import clustered_share, difference_of
from lth_utils.studies.verdict import (
    DEGRADED,
    SEPARATED,
    Verdict,
    by_interval,
    correct,
    in_numbers,
    in_percent,
    never,
)

FAMILIES = {"1": "one", "2": "two", "3": "three"}

KINDS = {"separate": SEPARATED, "degrade": DEGRADED}
"""What a run can come to, and the outcomes in which it did."""


def outcome_rows(runs: pd.DataFrame, theirs: pd.DataFrame) -> list[Verdict]:
    """All verdicts on the counts of outcomes.

    Args:
        runs: as ``outcomes.outcomes`` of ``extension_sweep.readings``.
        theirs: as ``reference.theirs_by_level``.
    """
    rows = []
    for network in FAMILIES:
        for kind in KINDS:
            rows += _like_theirs(network, kind, runs, theirs)
    rows = correct(rows)
    two, three = runs[runs["network"] == "2"], runs[runs["network"] == "3"]
    below, above = two[two["extension"] <= 6], two[two["extension"] >= 9]
    if len(below):
        statement = "two-layer networks do not separate below extension level 7"
        rows.append(_never("1", statement, below, SEPARATED, "0 of 28"))
    if len(above):
        rows += [_most_at_each_level(above), _most_together(above)]
    early = two[two["extension"] <= 9]
    if len(early):
        statement = "two-layer networks do not degrade before extension level 10"
        rows.append(_never("1", statement, early, DEGRADED, "0 of 40"))
    return [*rows, *_only_at_the_last_level(three), *_wide_one_layer(runs, theirs)]


def came_to(runs: pd.DataFrame, words: tuple[str, ...]) -> pd.Series:
    """Whether each run came to one of some outcomes."""
    return runs["outcome"].isin(words)


def share_that(runs: pd.DataFrame, words: tuple[str, ...], level: float = 0.95):
    """The share of runs that came to one of some outcomes, with its interval over draws."""
    return clustered_share(came_to(runs, words), runs["draw"], level)


def counts_by_draw(runs: pd.DataFrame, words: tuple[str, ...], stratum: str) -> pd.DataFrame:
    """How many runs came to some outcomes; columns ``stratum, draw, count, runs``."""
    hits = runs.assign(hit=came_to(runs, words)).groupby([stratum, "draw"])["hit"]
    counts = hits.agg(count="sum", runs="size").reset_index()
    return counts.rename(columns={stratum: "stratum"})


def size(runs: pd.DataFrame) -> dict[str, int]:
    """The number of runs and of draws, as a verdict has them."""
    return {"n": len(runs), "draws": runs["draw"].nunique()}


def _like_theirs(
    network: str, kind: str, runs: pd.DataFrame, theirs: pd.DataFrame
) -> list[Verdict]:
    """Claim 1: as many networks of a family as theirs, all levels that both have together."""
    words = list(KINDS[kind])
    theirs = theirs[theirs["network"] == network]
    ours = runs[(runs["network"] == network) & runs["extension"].isin(theirs["extension"])]
    if ours.empty:
        return []
    given = theirs[theirs["extension"].isin(ours["extension"])]
    given = pd.DataFrame(
        {"stratum": given["extension"], "count": given[words].sum(axis=1), "runs": given["runs"]}
    )
    counts = counts_by_draw(ours, KINDS[kind], "extension")
    return [
        as_many(
            "1",
            f"of {FAMILIES[network]}-layer networks as many {kind} as in the thesis",
            counts,
            given,
            share=share_that(ours, KINDS[kind]),
            strata=("level", "levels"),
            theirs=f"{given['count'].sum()} of {given['runs'].sum()} at {len(given)} levels",
        )
    ]


def _never(
    claim: str, statement: str, runs: pd.DataFrame, words: tuple[str, ...], theirs: str
) -> Verdict:
    count = int(came_to(runs, words).sum())
    return never(claim, statement, share_that(runs, words), count, theirs=theirs, **size(runs))


def _most_at_each_level(above: pd.DataFrame) -> Verdict:
    """Claim 1: more than half at every level from 9 on."""
    levels = above.groupby("extension")
    together = 1 - 0.05 / levels.ngroups
    shares = {level: share_that(rows, SEPARATED, together) for level, rows in levels}
    least = min(shares, key=lambda level: shares[level][0])
    return by_interval(
        "1",
        "most two-layer networks separate at each level from 9 on",
        list(shares.values()),
        (0.5, 1.0),
        theirs="50% to 100% of 4 each",
        ours=f"least at level {least}: {in_percent(*shares[least])}",
        test="intervals of all levels that hold together (Bonferroni)",
        **size(above),
    )


def _most_together(above: pd.DataFrame) -> Verdict:
    share = share_that(above, SEPARATED)
    return by_interval(
        "1",
        "most two-layer networks separate at levels 9 and above taken together",
        share,
        (0.5, 1.0),
        theirs="57 of 68",
        ours=in_percent(*share),
        test="interval of the share, the draw of the data a random factor",
        **size(above),
    )


def _only_at_the_last_level(three: pd.DataFrame) -> list[Verdict]:
    """Claim 1, from the thesis' text: at 108 available weights, not before."""
    apart = three[three["extension"].between(7, 11)].dropna(subset=["level"])
    if apart.empty:
        return []
    early = apart["available"] > apart["available_end"]
    return [
        never(
            "1",
            "three-layer networks of levels 7 to 11 separate at their last level, not before",
            clustered_share(early, apart["draw"]),
            int(early.sum()),
            theirs="0 of 10 separated runs",
            **size(apart),
        )
    ]


def _wide_one_layer(runs: pd.DataFrame, theirs: pd.DataFrame) -> list[Verdict]:
    """Claim 5: the widest one-layer networks."""
    wide = runs[(runs["network"] == "1") & (runs["extension"] >= 14)]
    if wide.empty:
        return []
    given = theirs[(theirs["network"] == "1") & (theirs["extension"] >= 14)]
    count = int(given[list(SEPARATED)].to_numpy().sum())
    statement = "one-layer networks do not separate from extension level 14 on"
    words = f"{count} of {given['runs'].sum()}"
    return [_never("5", statement, wide, SEPARATED, words)]


def chance_rows(chance: pd.DataFrame) -> list[Verdict]:
    """Claim 1 beside chance: do random masks of the runs' own sizes separate?

    Args:
        chance: as ``extension_sweep.separated_by_chance``, of two-layer runs.
    """
    above = chance[(chance["extension"] >= 9) & (chance["kind"] == "counts")]
    if above.empty:
        return []
    hits, draws = [], []
    for row in above.itertuples():
        hits += [True] * row.separated + [False] * (row.masks - row.separated)
        draws += [row.draw] * row.masks
    statement = (
        "control: random masks with the weights per layer and level of the two-layer networks of "
        "level 9 and above do not separate"
    )
    counts = {"n": len(hits), "draws": above["draw"].nunique()}
    share = clustered_share(hits, draws)
    return [never("1", statement, share, sum(hits), theirs="not compared with chance", **counts)]


def remedy_rows(runs: pd.DataFrame, layerwise: pd.DataFrame) -> list[Verdict]:
    """Claim 5's reason: global pruning takes the output layer first.

    Args:
        runs: as of :func:`outcome_rows`.
        layerwise: the same of one-layer networks that are pruned layer by layer.
    """
    levels = [level for level in layerwise["extension"].unique() if level >= 14]
    wide = runs[(runs["network"] == "1") & runs["extension"].isin(levels)]
    remedied = layerwise[layerwise["extension"].isin(levels)]
    if wide.empty or remedied.empty:
        return []
    shares = [share_that(rows, SEPARATED) for rows in (remedied, wide)]
    difference = difference_of(*shares)  # has ends also where all of one and none of the other do
    return [
        by_interval(
            "5",
            "our reason: global pruning takes the output layer first, so that pruned layer by "
            "layer more of these networks separate",
            difference,
            (0.0, np.inf),
            theirs="reason unknown",
            ours=f"{in_percent(*shares[0])} layer by layer, {in_percent(*shares[1])} globally; "
            f"difference {in_numbers(difference, '{:+.2f}')}",
            test="difference of shares, from the interval over draws of each",
            n=len(wide) + len(remedied),
            draws=remedied["draw"].nunique(),
        )
    ]
