"""Every interval and every test, once. Intervals are those of 95 %."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd


def share(count: int, runs: int) -> tuple[float, float, float]:
    """A share of runs with its interval.

    Args:
        count: runs of the kind, 0 to `runs`.
        runs: all runs, 1 or more.

    Returns:
        The share, and the lower and upper end of its interval.

    Source: Wilson 1927.

    >>> [round(v, 2) for v in share(4, 4)]
    [1.0, 0.51, 1.0]
    """
    from scipy.stats import binomtest  # slow to import

    interval = binomtest(int(count), int(runs)).proportion_ci(method="wilson")
    return count / runs, float(interval.low), float(interval.high)


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean of a few values with Student's interval.

    Returns:
        The mean, and the lower and upper end; NaN for the ends of fewer than two values, and for
        all three of none.

    >>> [round(v, 3) for v in mean_interval([1.0, 2.0, 3.0])]
    [2.0, -0.484, 4.484]
    """
    from scipy.stats import t

    values = np.asarray(values, float)
    n = len(values)
    if not n:
        return np.nan, np.nan, np.nan
    mean, reach = values.mean(), np.nan
    if n > 1:
        reach = t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)
    return float(mean), float(mean - reach), float(mean + reach)


def bootstrap(
    values: np.ndarray, statistic: Callable = np.mean, draws: int = 2000
) -> tuple[float, float]:
    """The percentile interval of a statistic of the rows of `values`.

    Args:
        values: one row per run.
        statistic: a function of such rows.
        draws: how often as many rows are drawn with replacement.

    Returns:
        The lower and upper end.
    """
    values = np.asarray(values, float)
    picks = np.random.default_rng(0).integers(0, len(values), (draws, len(values)))
    low, high = np.percentile([statistic(values[pick]) for pick in picks], [2.5, 97.5])
    return float(low), float(high)


def columns(name: str, estimate: tuple[float, float, float]) -> dict[str, float]:
    """An estimate as three columns: ``name``, ``name_low`` and ``name_high``.

    >>> columns("share", (0.5, 0.2, 0.8))
    {'share': 0.5, 'share_low': 0.2, 'share_high': 0.8}
    """
    return dict(zip((name, f"{name}_low", f"{name}_high"), estimate, strict=True))


def paired_test(differences: np.ndarray) -> float:
    """The p-value of Student's test that paired differences are zero on average.

    NaN where there are fewer than two, or all are equal.
    """
    from scipy.stats import ttest_1samp

    if len(differences) < 2 or not differences.std():
        return np.nan
    return float(ttest_1samp(differences, 0).pvalue)


def difference_of_means(
    first: Sequence[float], second: Sequence[float]
) -> tuple[float, float, float]:
    """The difference of the means of two samples with Welch's interval."""
    from scipy.stats import ttest_ind

    interval = ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    return float(np.mean(first) - np.mean(second)), float(interval.low), float(interval.high)


def fisher_test(counts: Sequence[int], runs: Sequence[int]) -> float:
    """The p-value of Fisher's exact test that two shares are equal.

    Args:
        counts: runs of the kind, of both samples.
        runs: all runs, of both samples.
    """
    from scipy.stats import fisher_exact

    table = [[count, total - count] for count, total in zip(counts, runs, strict=True)]
    return float(fisher_exact(table).pvalue)


def exact(ours: Sequence[int], theirs: Sequence[int]) -> float:
    """The p-value of the exact test that two rows of counts are draws from one distribution.

    Source: Freeman & Halton 1951; with two columns it is Fisher's test.

    >>> round(exact([8, 2], [1, 5]), 4)
    0.035
    """
    from scipy.stats import multivariate_hypergeom

    total, size = np.add(ours, theirs), sum(theirs)
    columns = [range(min(count, size) + 1) for count in total]
    tables = [table for table in itertools.product(*columns) if sum(table) == size]
    chance = multivariate_hypergeom.pmf(tables, total, size)
    seen = multivariate_hypergeom.pmf(list(theirs), total, size)
    return float(min(1.0, chance[chance <= seen * (1 + 1e-9)].sum()))


def holm(p: Sequence[float]) -> np.ndarray:
    """p-values corrected for their number.

    Source: Holm 1979.

    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p)
    corrected = np.maximum.accumulate(np.asarray(p, float)[order] * np.arange(len(p), 0, -1))
    return np.minimum(corrected, 1)[np.argsort(order)]


def add_corrected(table: pd.DataFrame) -> pd.DataFrame:
    """The table with ``p_corrected`` beside ``p``, corrected for the number of tests."""
    tested = table["p"].notna()
    table.loc[tested, "p_corrected"] = holm(table.loc[tested, "p"])
    return table


def compare(
    ours: pd.DataFrame, theirs: pd.DataFrame, keys: Sequence[str], words: Sequence[str]
) -> pd.DataFrame:
    """Counts of ours beside theirs, with exact p-values.

    Args:
        ours, theirs: columns `keys`, ``runs`` and `words`.
        keys: what a row is about.
        words: the columns that hold counts.

    Returns:
        One row per combination of `keys` that both have, with ``p`` and ``p_corrected``.
    """
    shown = [*keys, "runs", *words]
    both = ours[shown].merge(theirs[shown], on=list(keys), suffixes=("", "_thesis"))
    p = []
    for _, row in both.iterrows():
        p.append(exact([row[word] for word in words], [row[f"{word}_thesis"] for word in words]))
    return both.assign(p=p, p_corrected=holm(p))
