"""Samples whose truth is known, to count how often intervals cover it.

Each case is a function of a random generator that returns an interval and the truth.
"""

import numpy as np
import pandas as pd
from scipy import stats

from lth_utils.studies import statistics, strata

NAMES = ("normal", "lognormal", "bimodal")
STRATA = np.arange(26)


def noise(kind, shape, rng):
    """Values whose mean is 0; lognormal ones have sigma 0.5, bimodal ones two equal clusters."""
    values = rng.normal(size=shape)
    if kind == "lognormal":
        return np.exp(0.5 * values) - np.exp(0.125)
    return values + 2 * rng.choice([-1, 1], shape) if kind == "bimodal" else values


def median_of(kind):
    return 1 - np.exp(0.125) if kind == "lognormal" else 0.0


def coverage(case, times, seed=0):
    """How often an interval covers; one without ends does not."""
    rng = np.random.default_rng(seed)
    found = [case(rng) for _ in range(times)]
    return np.mean([low <= truth <= high for (_, low, high), truth in found])


def of_values(function, kind, n):
    truth = median_of(kind) if function is statistics.median_interval else 0.0
    return lambda rng: (function(noise(kind, n, rng)), truth)


def of_samples(function, kind, sizes):
    return lambda rng: (function(*(noise(kind, n, rng) for n in sizes)), 0.0)


def of_draws(function, kind, k, m, spread):
    """Values in draws whose means have the standard deviation `spread`, of the same kind."""
    truth = median_of(kind) if function is statistics.clustered_median else 0.0

    def case(rng):
        shift = spread * noise(kind, k, rng) / noise_deviation(kind)
        values = np.repeat(shift, m) + noise(kind, k * m, rng)
        return function(values, np.repeat(np.arange(k), m)), truth

    return case


def noise_deviation(kind):
    lognormal = np.sqrt((np.exp(0.25) - 1) * np.exp(0.25))
    return {"normal": 1, "lognormal": lognormal, "bimodal": np.sqrt(5)}[kind]


def of_pairs(kind, k, m, spread):
    """Two samples in the same draws, whose difference scatters between draws."""

    def case(rng):
        draws = np.repeat(np.arange(k), m)
        common, extra = noise(kind, k, rng), spread * noise(kind, k, rng)
        first = (common + extra)[draws] + noise(kind, k * m, rng)
        second = common[draws] + noise(kind, k * m, rng)
        return statistics.clustered_difference(first, draws, second, draws), 0.0

    return case


def hits(share, correlation, runs, rng):
    """Runs of the kind per draw, and the label of each run's draw."""
    chances = np.full(len(runs), share)
    if correlation:
        scale = (1 - correlation) / correlation
        chances = rng.beta(share * scale, (1 - share) * scale, len(runs))
    draws = np.repeat(np.arange(len(runs)), runs)
    return rng.random(len(draws)) < chances[draws], draws


def of_shares(function, share, correlation, k, m):
    """`m` runs in each of `k` draws, 1 to 10 where it is None."""

    def case(rng):
        runs = np.full(k, m) if m else rng.integers(1, 11, k)
        return function(*hits(share, correlation, runs, rng)), share

    return case


def of_chances(shift, spread, k, a, b):
    """`a` normal values beside `b` per draw, shifted by normal amounts."""
    truth = stats.norm.cdf(-shift / np.sqrt(2 + spread**2))

    def case(rng):
        one, two = np.repeat(np.arange(k), a), np.repeat(np.arange(k), b)
        first = rng.normal(size=k * a) + rng.normal(shift, spread, k)[one]
        return statistics.clustered_chance_lower(first, one, rng.normal(size=k * b), two), truth

    return case


def curve(shift, top=1.0, middle=9.0):
    """Shares that rise with the stratum; a shift of 1 moves the middle by 1.6 strata."""
    return top / (1 + np.exp((middle - STRATA) / 1.6 - shift))


def table(counts, runs, draw=0):
    columns = {"stratum": STRATA[: len(counts)], "draw": draw, "count": counts, "runs": runs}
    return pd.DataFrame(columns)


def pooled_tables(rng, draws, spread, ours, theirs):
    """Ours and theirs, of 4 runs each of one draw, or of ten draws with fewer runs above."""

    def shifted(share):
        odds = np.log(share / (1 - share)) + spread * 4 * rng.normal()
        return 1 / (1 + np.exp(-odds))

    reported = table(rng.binomial(4, shifted(theirs) if draws > 1 else theirs), 4)
    if draws == 1:
        return table(rng.binomial(4, ours), 4), reported
    parts = []
    for draw in range(draws):
        runs = np.select([STRATA < 15, STRATA < 19], [10, 4], 1)[: len(ours)]
        last = 15 if draw >= 5 else 19 if draw >= 4 else len(STRATA)
        parts.append(table(rng.binomial(runs, shifted(ours)), runs, draw)[:last])
    return pd.concat(parts), reported


def of_strata(draws, spread, ours, theirs):
    def case(rng):
        tables = pooled_tables(rng, draws, spread, ours, theirs)
        return strata.pooled_difference(*tables), (ours - theirs).mean()

    return case


def pooled_errors(draws, spread, share, times, seed=0):
    """How often :func:`strata.pooled_test` finds a difference where there is none."""
    rng = np.random.default_rng(seed)
    pairs = (pooled_tables(rng, draws, spread, share, share) for _ in range(times))
    return np.mean([strata.pooled_test(*pair) < 0.05 for pair in pairs])


def family(rng):
    """p-values of twelve tests without an effect, by all of the tests, one of them not made."""
    tables = [pooled_tables(rng, draws, 0.1, curve(0), curve(0)) for draws in (1, 10)]
    p = [strata.pooled_test(*pair) for pair in tables]
    for kind in NAMES:
        first, second = noise(kind, (2, 10), rng)
        p.append(statistics.paired_test(first - second))
    for share in (0.05, 0.1, 0.3, 0.5, 0.7, 0.9):
        counts = rng.binomial((20, 100), share)
        p.append(statistics.fisher_test(counts, (20, 100)))
    return [*p, np.nan]


def family_errors(times, seed=0):
    """How often any of a family of p-values is below 5 %: corrected, and as they are."""
    rng = np.random.default_rng(seed)
    families = [family(rng) for _ in range(times)]
    corrected = np.mean([np.nanmin(statistics.holm(p)) < 0.05 for p in families])
    return corrected, np.mean([np.nanmin(p) < 0.05 for p in families])
