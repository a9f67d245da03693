"""Every interval and every test, once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd


def exact(ours: Sequence[int], theirs: Sequence[int]) -> float:
    """p-value of the Fisher-Freeman-Halton exact test that two rows of counts are draws from one distribution.

    >>> round(exact([8, 2], [1, 5]), 4)      # Fisher's own, where there are two columns
    0.035
    """
    from scipy.stats import multivariate_hypergeom

    total = np.add(ours, theirs)
    tables = [
        t
        for t in itertools.product(*(range(min(k, sum(theirs)) + 1) for k in total))
        if sum(t) == sum(theirs)
    ]
    chance = multivariate_hypergeom.pmf(tables, total, sum(theirs))
    seen = multivariate_hypergeom.pmf(list(theirs), total, sum(theirs))
    return float(min(1.0, chance[chance <= seen * (1 + 1e-9)].sum()))


def holm(p: Sequence[float]) -> np.ndarray:
    """p-values corrected for their number after Holm (1979).

    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p)
    corrected = np.maximum.accumulate(np.asarray(p, float)[order] * np.arange(len(p), 0, -1))
    return np.minimum(corrected, 1)[np.argsort(order)]


def compare(
    ours: pd.DataFrame, theirs: pd.DataFrame, keys: Sequence[str], words: Sequence[str]
) -> pd.DataFrame:
    """Counts of `words`, ours beside theirs per combination of `keys`: exact p-values, and corrected for the number of rows."""
    both = ours[[*keys, "runs", *words]].merge(
        theirs[[*keys, "runs", *words]], on=list(keys), suffixes=("", "_thesis")
    )
    both["p"] = [
        exact([r[w] for w in words], [r[f"{w}_thesis"] for w in words]) for _, r in both.iterrows()
    ]
    return both.assign(p_corrected=holm(both["p"]))


def share(count: int, runs: int) -> tuple[float, float, float]:
    """A share and its 95 % interval after Wilson (1927).

    >>> [round(v, 2) for v in share(4, 4)]
    [1.0, 0.51, 1.0]
    """
    from scipy.stats import binomtest  # slow to import

    interval = binomtest(int(count), int(runs)).proportion_ci(method="wilson")
    return count / runs, float(interval.low), float(interval.high)


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and its 95 % interval after Student; NaN for the interval of fewer than two values.

    >>> [round(v, 3) for v in interval([1.0, 2.0, 3.0])]
    [2.0, -0.484, 4.484]
    """
    from scipy import stats

    values = np.asarray(values, float)
    mean, n = values.mean(), len(values)
    half = stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
    return float(mean), float(mean - half), float(mean + half)


def bootstrap(values: np.ndarray, statistic=np.mean, draws: int = 2000) -> tuple[float, float]:
    """95 % percentile interval of a statistic of the rows of `values`."""
    values = np.asarray(values, float)
    picks = np.random.default_rng(0).integers(0, len(values), (draws, len(values)))
    low, high = np.percentile([statistic(values[p]) for p in picks], [2.5, 97.5])
    return float(low), float(high)


def mean_interval(values: pd.Series, name: str) -> dict:
    """Mean of a few values and its 95 % interval (Student), missing where there are less than two."""
    from scipy.stats import t

    n = len(values)
    reach = t.ppf(0.975, n - 1) * values.std() / n**0.5 if n > 1 else np.nan
    return {
        name: values.mean(),
        f"{name}_low": values.mean() - reach,
        f"{name}_high": values.mean() + reach,
    }
