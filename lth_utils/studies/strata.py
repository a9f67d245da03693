"""Shares of two samples compared over several strata, such as all extension levels at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lth_utils.studies.statistics import FEWEST_DRAWS, Interval, student

SMOOTH = 0.2
"""Runs of each kind added to a stratum before its variance is taken: without them none would be
left where every share is 0 or 1. Wilson's ends of every share, combined, cover 85 % of 26 shares
of a half in 4 runs."""


def stratified_test(
    ours: Sequence[int], ours_runs: Sequence[int], theirs: Sequence[int], theirs_runs: Sequence[int]
) -> float:
    """The p-value of the exact test that two shares are equal in every stratum.

    Args:
        ours, theirs: runs of the kind, per stratum.
        ours_runs, theirs_runs: all runs, per stratum. All are of one draw.

    Source: Cochran 1954; Mantel & Haenszel 1959; exact, two-sided by probability as Fisher's test.

    >>> round(stratified_test([8], [10], [1], [6]), 4)
    0.035
    """
    from scipy.stats import hypergeom

    one, runs, two, other = (np.asarray(n, int) for n in (ours, ours_runs, theirs, theirs_runs))
    counts = np.arange(runs.max(initial=0) + 1)[:, None]
    within = hypergeom.pmf(counts, runs + other, one + two, runs)
    chances = np.ones(1)
    for column in within.T:
        chances = np.convolve(chances, column)
    seen = chances[one.sum()]
    return float(min(1.0, chances[chances <= seen * (1 + 1e-9)].sum()))


def pooled_difference(ours: pd.DataFrame, theirs: pd.DataFrame, level: float = 0.95) -> Interval:
    """The mean over strata of the difference of shares, ours less theirs.

    Args:
        ours: ``stratum, draw, count, runs``.
        theirs: ``stratum, count, runs``, of one draw: ours if we have one only, else another one.
        level: how often the interval covers.

    Returns:
        The difference over the strata that both have, and its ends: of one draw, by the scatter of
        single runs; of several, what one more draw may differ by, but no less than that. NaN for
        the ends of several draws, but fewer than `FEWEST_DRAWS`.

    Source: the unbiased variance of a share, with `SMOOTH`; Student's prediction interval.
    """
    from scipy.special import ndtri

    both, draws, spread, freedom = _pooled(ours, theirs)
    if not draws:
        return np.nan, np.nan, np.nan
    variance = _scatter(both["count"], both["runs"]) + _scatter(both["count_"], both["runs_"])
    value = float((both["share"] - both["share_"]).mean())
    reach = ndtri((1 + level) / 2) * np.sqrt(variance.sum()) / len(both)
    if draws > 1:
        of_draws = student(freedom, level) * spread
        reach = max(reach, of_draws) if draws >= FEWEST_DRAWS else np.nan
    return value, float(value - reach), float(value + reach)


def pooled_test(ours: pd.DataFrame, theirs: pd.DataFrame) -> float:
    """The p-value that shares do not differ, of tables as :func:`pooled_difference` takes.

    Of one draw :func:`stratified_test`. Of several, Student's test by which the draw of theirs
    could be one more, but no less than that; NaN below `FEWEST_DRAWS`.
    """
    from scipy.special import stdtr

    both, draws, spread, freedom = _pooled(ours, theirs)
    if draws != 1 and draws < FEWEST_DRAWS:
        return np.nan
    exact_p = stratified_test(both["count"], both["runs"], both["count_"], both["runs_"])
    if draws == 1:
        return exact_p
    value = abs((both["share"] - both["share_"]).mean())
    return max(exact_p, float(2 * stdtr(freedom, -value / spread)) if spread else 1.0)


def _pooled(ours: pd.DataFrame, theirs: pd.DataFrame) -> tuple[pd.DataFrame, int, float, float]:
    """Both samples per stratum, our draws, the standard error of the mean difference of their
    shares between draws, and its degrees of freedom."""
    ours = ours[ours["stratum"].isin(theirs["stratum"])]
    sums = ours.groupby("stratum")[["count", "runs"]].sum()
    reported = theirs.set_index("stratum")[["count", "runs"]]
    both = sums.merge(reported, left_index=True, right_index=True, suffixes=("", "_"))
    if both.empty:
        return both, 0, np.nan, np.nan
    both["share"] = both["count"] / both["runs"]
    both["share_"] = both["count_"] / both["runs_"]
    counts = ours.pivot(index="draw", columns="stratum", values="count")
    runs = ours.pivot(index="draw", columns="stratum", values="runs")
    shares, held = counts / runs, runs.notna().astype(int)
    covariance = shares.cov(min_periods=2).fillna(0)
    # what single runs scatter within a draw, or overall where every draw has one run
    scatter = (shares * (1 - shares) * runs / (runs - 1).where(runs > 1)).mean()
    scatter = scatter.fillna(pd.Series(np.diag(covariance), covariance.index))
    between = covariance.to_numpy().sum() - (scatter * (1 / runs).mean()).sum()
    of_mean = covariance * (held.T @ held) / np.outer(held.sum(), held.sum())
    noise = (scatter / both["runs_"]).sum()
    variance = max(of_mean.to_numpy().sum(), 0) + max(between, 0) + noise
    spread = np.sqrt(variance) / len(both)
    own = np.diag(covariance)  # strata that vary more have more to say
    freedom = np.average(held.sum() - 1, weights=own) if own.any() else len(counts) - 1
    return both, len(counts), float(spread), float(freedom)


def _scatter(counts: pd.Series, runs: pd.Series) -> pd.Series:
    """The variance of shares of independent runs; of one run the largest there is."""
    value = (counts + SMOOTH) / (runs + 2 * SMOOTH)
    return (value * (1 - value) / (runs - 1).where(runs > 1)).fillna(0.25)
