"""Verdicts on whether ours are like theirs: as many of a kind, and of values as large."""

from __future__ import annotations

import pandas as pd

from lth_utils.studies.statistics import Interval, chance_lower, mean_interval
from lth_utils.studies.strata import pooled_difference, pooled_test
from lth_utils.studies.verdict import ALIKE, Verdict, by_interval, in_numbers, in_percent


def as_many(
    claim: str,
    statement: str,
    counts: pd.DataFrame,
    given: pd.DataFrame,
    *,
    share: Interval,
    strata: tuple[str, str],
    theirs: str,
) -> Verdict:
    """As many of ours are of a kind as of theirs, over all strata that both have.

    Args:
        claim: the number of the claim.
        statement: what the thesis says, but for the margin.
        counts, given: ours and theirs, as ``strata.pooled_difference`` takes them.
        share: of all of ours, with its interval.
        strata: what a stratum is called, and several of them.
        theirs: their counts in words.
    """
    difference = pooled_difference(counts, given)
    one, several = strata
    return by_interval(
        claim,
        f"{statement} (mean difference over the {several} less than {ALIKE})",
        difference,
        (-ALIKE, ALIKE),
        theirs=theirs,
        ours=f"{in_percent(*share)}; difference {in_numbers(difference, '{:+.2f}')}",
        test=f"stratified by {one}, the draw of the data a random factor",
        p=pooled_test(counts, given),
        note=f"p: that there is no difference at any {one}",
        n=counts["runs"].sum(),
        draws=counts["draw"].nunique(),
    )


def as_large(
    claim: str, statement: str, ours: pd.DataFrame, given: pd.DataFrame, *, theirs: str
) -> list[Verdict]:
    """Each run of theirs among ours of the same stratum; nothing where no stratum is common.

    A run of theirs is like ours if half of ours are below it on average.

    Args:
        claim: the number of the claim.
        statement: what the thesis says, but for the chance.
        ours: columns ``stratum, value, draw``.
        given: theirs, columns ``stratum, value``.
        theirs: in words, with the fields ``runs`` and ``strata``.
    """
    ours = ours[ours["stratum"].isin(given["stratum"])]
    given = given[given["stratum"].isin(ours["stratum"])]
    if given.empty:
        return []
    values = dict(iter(ours.groupby("stratum")["value"]))
    chances = [chance_lower(values[row.stratum], [row.value]) for row in given.itertuples()]
    estimate = mean_interval(chances)
    return [
        by_interval(
            claim,
            f"{statement}: the chance that one of ours has fewer is within {ALIKE} of one half",
            estimate,
            (0.5 - ALIKE, 0.5 + ALIKE),
            theirs=theirs.format(runs=len(chances), strata=given["stratum"].nunique()),
            ours=in_numbers(estimate),
            test="chance that ours is the smaller, mean over their runs (Student)",
            n=len(ours),
            draws=ours["draw"].nunique(),
        )
    ]
