"""Shares of two samples compared over several strata, such as all extension levels at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lth_utils.studies.statistics import FEWEST_DRAWS, Interval, student


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

    chances = np.ones(1)
    columns = [np.asarray(counts, int) for counts in (ours, ours_runs, theirs, theirs_runs)]
    for one, runs, two, other in zip(*columns, strict=True):
        within = hypergeom.pmf(np.arange(runs + 1), runs + other, one + two, runs)
        chances = np.convolve(chances, within)
    seen = chances[columns[0].sum()]
    return float(min(1.0, chances[chances <= seen * (1 + 1e-9)].sum()))


def pooled_difference(ours: pd.DataFrame, theirs: pd.DataFrame, level: float = 0.95) -> Interval:
    """The mean over strata of the difference of shares, ours less theirs.

    Args:
        ours: ``stratum, draw, count, runs``.
        theirs: ``stratum, count, runs``, of one draw: ours if we have one only, else another one.
        level: how often the interval covers.

    Returns:
        The difference over the strata that both have, and its ends: of one draw, from Wilson's
        ends of every share; of several, what one more draw may differ by, but no less than as of
        one. NaN for the ends of several draws, but fewer than `FEWEST_DRAWS`.

    Source: Newcombe 1998; Zou & Donner 2008; for several draws Student's prediction interval.
    """
    both, draws, spread, freedom = _pooled(ours, theirs)
    wide = (
        _wilson(both["count"], both["runs"], level),
        _wilson(both["count_"], both["runs_"], level),
    )
    (down, up), (lower, higher) = wide
    value = float((both["share"] - both["share_"]).mean())
    down = np.sqrt((down**2 + higher**2).sum()) / len(both)
    up = np.sqrt((up**2 + lower**2).sum()) / len(both)
    if draws > 1:
        reach = student(freedom, level) * spread
        down, up = np.maximum([down, up], reach) if draws >= FEWEST_DRAWS else (np.nan, np.nan)
    return value, float(value - down), float(value + up)


def pooled_test(ours: pd.DataFrame, theirs: pd.DataFrame) -> float:
    """The p-value that shares do not differ, of tables as :func:`pooled_difference` takes.

    Of one draw :func:`stratified_test`. Of several, Student's test by which the draw of theirs
    could be one more, but no less than that; NaN below `FEWEST_DRAWS`.
    """
    from scipy.special import stdtr

    both, draws, spread, freedom = _pooled(ours, theirs)
    exact_p = stratified_test(both["count"], both["runs"], both["count_"], both["runs_"])
    if draws <= 1:
        return exact_p
    if draws < FEWEST_DRAWS:
        return np.nan
    value = abs((both["share"] - both["share_"]).mean())
    return max(exact_p, float(2 * stdtr(freedom, -value / spread)) if spread else 1.0)


def _pooled(ours: pd.DataFrame, theirs: pd.DataFrame) -> tuple[pd.DataFrame, int, float, float]:
    """Both samples per stratum, our draws, the standard error of the mean difference of their
    shares between draws, and its degrees of freedom."""
    ours = ours[ours["stratum"].isin(theirs["stratum"])]
    sums = ours.groupby("stratum")[["count", "runs"]].sum()
    both = sums.join(theirs.set_index("stratum")[["count", "runs"]], rsuffix="_", how="inner")
    both["share"] = both["count"] / both["runs"]
    both["share_"] = both["count_"] / both["runs_"]
    counts = ours.pivot(index="draw", columns="stratum", values="count")
    runs = ours.pivot(index="draw", columns="stratum", values="runs")
    shares, held = counts / runs, runs.notna().astype(float)
    covariance = shares.cov(min_periods=2).fillna(0)
    # what single runs scatter within a draw, or overall where every draw has one run
    scatter = (shares * (1 - shares) * runs / (runs - 1).where(runs > 1)).mean()
    scatter = scatter.fillna(pd.Series(np.diag(covariance), covariance.index))
    between = covariance.to_numpy().sum() - (scatter * (1 / runs).mean()).sum()
    of_mean = covariance * (held.T @ held) / np.outer(held.sum(), held.sum())
    noise = (scatter / both["runs_"]).sum()
    spread = np.sqrt(of_mean.to_numpy().sum().clip(0) + max(between, 0) + noise) / len(both)
    own = np.diag(covariance)
    freedom = np.average(held.sum() - 1, weights=own) if own.any() else len(counts) - 1
    return both, len(counts), float(spread), float(freedom)


def _wilson(counts: pd.Series, runs: pd.Series, level: float) -> tuple[pd.Series, pd.Series]:
    """How far Wilson's interval of each share reaches below and above it."""
    from scipy.special import ndtri

    z = ndtri((1 + level) / 2)
    value, shrunk = counts / runs, runs / (runs + z**2)
    middle = (value + z**2 / (2 * runs)) * shrunk
    reach = z * np.sqrt(value * (1 - value) / runs + z**2 / (4 * runs**2)) * shrunk
    return value - middle + reach, middle + reach - value
