"""Intervals and tests written a second time, from their papers; and the kept tables they need.

Nothing here comes from the modules of the package that make the verdicts.
"""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from lth_utils.config import run_id
from lth_utils.publish import parameters

ROOT = Path(__file__).parents[1]
OUTPUTS = ROOT / "outputs"
NOTHING = (np.nan, np.nan)
HALF = (0.5, 1.0)
NEVER = (0.0, 0.02)
MORE_THAN_RARE = (0.02, 1.0)
ABOVE_ZERO = (0.0, np.inf)
FEWEST = 5


@dataclass
class Found:
    """What the kept tables say: the intervals, what is allowed, and of how many runs and draws."""

    intervals: list
    allowed: tuple
    n: int
    draws: int
    p: float = np.nan
    corrected: float = np.nan  # p after Holm, where it decides
    hits: int = field(default=-1)  # cases of what never happens


# the kept files


def place(set_name, name):
    path = OUTPUTS / set_name / "tables" / f"{name}.csv"
    return path if path.exists() else path.with_name(f"{name}.csv.gz")


def is_kept(set_name, name):
    return place(set_name, name).exists()


@cache
def table(set_name, name):
    """A kept table with the columns that are the same in all rows."""
    path = place(set_name, name)
    rows = pd.read_csv(path, dtype={"network": str}, low_memory=False)
    about = path.with_name(f"{name}.json")
    same = json.loads(about.read_text()).get("same in all rows", {}) if about.exists() else {}
    return rows.assign(**same)


@cache
def theirs(name):
    path = ROOT / "lth_utils" / "studies" / "thesis" / f"{name}.csv"
    return pd.read_csv(path, dtype={"network": str})


@cache
def asked(set_name, notebook):
    """The parameters of a notebook in a set, which know the runs of each group."""
    (path,) = parameters.find(notebook)
    study, values = parameters.study_of(path), parameters.values_of(path, set_name, {})
    names = study.Parameters.__dataclass_fields__
    defaults = {name: entry.default for name, entry in parameters.parameters_of(path).items()}
    return study.Parameters(**{name: {**defaults, **values}[name] for name in names})


def of(rows, specs):
    return rows[rows["run"].isin({run_id(spec) for spec in specs})]


def draw_of(rows):
    return rows["data.seed"].fillna(0).astype(int)


# intervals: (low, high)


def exact_share(hits, n, level=0.95):
    """Clopper & Pearson 1934."""
    tail = (1 - level) / 2
    low = stats.beta.ppf(tail, hits, n - hits + 1) if hits > 0 else 0.0
    high = stats.beta.ppf(1 - tail, hits + 1, n - hits) if hits < n else 1.0
    return float(low), float(high)


def t_quantile(freedom, level=0.95):
    return stats.t.ppf((1 + level) / 2, freedom)


def share(hits, draws, level=0.95):
    """Korn & Graubard 1998, the design effect drawn towards a correlation of 0.3 by two draws."""
    rows = pd.DataFrame({"hit": np.asarray(hits, float), "draw": np.asarray(draws)})
    n, total = len(rows), rows["hit"].sum()
    if not n:
        return NOTHING
    by_draw = rows.groupby("draw")["hit"].agg(["sum", "size"])
    k, p = len(by_draw), total / n
    if k == 1:
        return exact_share(total, n, level)
    effect = 1.0
    if 0 < total < n:
        of_ratio = sum((hit - size * p) ** 2 for hit, size in by_draw.to_numpy())
        effect = (k / (k - 1) * of_ratio / n**2) / (p * (1 - p) / (n - 1))
    prior = 1 + 0.3 * (sum(size**2 for size in by_draw["size"]) / n - 1)
    effect = max(1, ((k - 1) * effect + 2 * prior) / (k + 1))
    size = n / effect * (t_quantile(n - 1, level) / t_quantile(k - 1, level)) ** 2
    return exact_share(p * size, size, level)


def equal(values):
    """Whether values differ by no more than rounding."""
    return max(values) - min(values) <= 1e-9 * max(map(abs, values))


def mean(values, level=0.95):
    """Student's interval; the end at the longer tail by Hall 1992, if that is further."""
    x = np.asarray(values, float)
    n = len(x)
    if n < FEWEST or equal(x):
        return NOTHING
    error, t, skew = stats.sem(x), t_quantile(n - 1, level), stats.skew(x, bias=False)
    reach = {+1: t, -1: t}
    for side in (+1, -1) if abs(skew) >= 1e-6 else ():
        # the root y of y + skew y^2 / 3 + skew^2 y^3 / 27 + skew / (6 n) = side t, y = sqrt(n) z
        g = skew / np.sqrt(n)
        z = 3 / g * (np.cbrt(1 + g * (side * t - g / 6)) - 1)
        reach[side] = max(t, side * z)
    return float(x.mean() - error * reach[+1]), float(x.mean() + error * reach[-1])


def by_draw(values, draws):
    rows = pd.DataFrame({"value": np.asarray(values, float), "draw": np.asarray(draws)})
    return [own["value"].to_numpy() for _, own in rows.groupby("draw")]


def mean_over_draws(values, draws, level=0.95):
    own = by_draw(values, draws)
    return mean(own[0] if len(own) == 1 else [x.mean() for x in own], level)


def median(values, level=0.95):
    """Between two of the values, by how many can lie below the median: Thompson 1936."""
    x, n = np.sort(values), len(values)
    below = [j for j in range(n) if stats.binom.cdf(j, n, 0.5) <= (1 - level) / 2]
    return (float(x[below[-1]]), float(x[n - 1 - below[-1]])) if below else NOTHING


def median_over_draws(values, draws):
    own = by_draw(values, draws)
    return median(own[0]) if len(own) == 1 else mean([np.median(x) for x in own])


def difference(first, second):
    """Zou & Donner 2008, from the intervals of both means."""
    (low, high), (lower, higher) = mean(first), mean(second)
    one, two = np.mean(first), np.mean(second)
    down = np.sqrt((one - low) ** 2 + (higher - two) ** 2)
    return one - two - down, one - two + np.sqrt((high - one) ** 2 + (two - lower) ** 2)


def difference_of_shares(first, second):
    """The same, from the intervals of two shares over draws (the index)."""
    (low, high), (lower, higher) = (share(hits, hits.index) for hits in (first, second))
    one, two = first.mean(), second.mean()
    down = np.sqrt((one - low) ** 2 + (higher - two) ** 2)
    return one - two - down, one - two + np.sqrt((high - one) ** 2 + (two - lower) ** 2)


def difference_over_draws(first, second):
    """Of two series with draws as their index, within the draws that both have."""
    both = sorted(set(first.index) & set(second.index))
    if len(both) == 1:
        return difference(first[[both[0]]], second[[both[0]]])
    return mean([first[[draw]].mean() - second[[draw]].mean() for draw in both])


def chance_lower(first, second):
    """Mann & Whitney 1947 within draws (the index), as a share of no more runs than vary so."""
    chances, most = [], 0.0
    for draw in sorted(set(first.index) & set(second.index)):
        one, two = first[[draw]].to_numpy(), second[[draw]].to_numpy()
        a, b = len(one), len(two)
        chances.append(1 - stats.mannwhitneyu(one, two, method="asymptotic").statistic / (a * b))
        most += 3 * a * b / (a + b + 1)
    if len(chances) < FEWEST:
        return NOTHING
    value, error = np.mean(chances), stats.sem(chances)
    size = min(most, value * (1 - value) / error**2) if error else most
    size *= (t_quantile(most - 1) / t_quantile(len(chances) - 1)) ** 2
    return exact_share(value * size, size)


# as many as theirs


def pooled(runs, given):
    """The interval of the mean difference of shares over strata, and the p of none at any.

    Args:
        runs: ``stratum, draw, hit``, a row per run.
        given: ``stratum, count, runs`` of theirs.
    """
    cells = runs.groupby(["draw", "stratum"])["hit"].agg(["sum", "size"])
    both = runs.groupby("stratum")["hit"].agg(["sum", "size"]).join(given.set_index("stratum"))
    both, k = both.dropna(), runs["draw"].nunique()
    value = (both["sum"] / both["size"] - both["count"] / both["runs"]).mean()
    scatter = 0.0
    for hit, n in [*both[["sum", "size"]].to_numpy(), *both[["count", "runs"]].to_numpy()]:
        p = (hit + 0.2) / (n + 0.4)
        scatter += p * (1 - p) / (n - 1) if n > 1 else 0.25
    reach = stats.norm.ppf(0.975) * np.sqrt(scatter) / len(both)
    p = same_in_every_stratum(both)
    if 1 < k < FEWEST:
        return NOTHING, np.nan
    if k > 1:
        error, freedom = between_draws(cells, both)
        reach = max(reach, t_quantile(freedom) * error)
        p = max(p, 2 * stats.t.sf(abs(value) / error, freedom) if error else 1.0)
    return (value - reach, value + reach), p


def same_in_every_stratum(both):
    """The sum of our counts, given all margins, is a sum of hypergeometric numbers."""
    chances = np.ones(1)
    for hit, n, count, runs in both[["sum", "size", "count", "runs"]].astype(int).to_numpy():
        chances = np.convolve(chances, stats.hypergeom(n + runs, hit + count, n).pmf(range(n + 1)))
    seen = chances[int(both["sum"].sum())]
    return min(1.0, chances[chances <= seen * (1 + 1e-9)].sum())


def between_draws(cells, both):
    """What the mean share of one more draw, with as few runs as theirs, may differ by."""
    shares = {s: (c["sum"] / c["size"]).droplevel("stratum") for s, c in cells.groupby("stratum")}
    sizes = {s: c["size"].droplevel("stratum") for s, c in cells.groupby("stratum")}
    total = of_mean = noise = within = weight = freedom = 0.0
    for a in both.index:
        for b in both.index:
            draws = shares[a].index.intersection(shares[b].index)
            if len(draws) < 2:
                continue
            covariance = np.cov(shares[a][draws], shares[b][draws])[0, 1]
            total += covariance
            of_mean += covariance * len(draws) / (len(shares[a]) * len(shares[b]))
        own = shares[a].var() if len(shares[a]) > 1 else 0.0
        n, p = sizes[a], shares[a]
        more = n > 1
        of_runs = (p * (1 - p) * n / (n - 1))[more].mean() if more.any() else own
        within += of_runs * (1 / n).mean()
        noise += of_runs / both.loc[a, "runs"]
        weight, freedom = weight + own, freedom + own * (len(p) - 1)
    error = np.sqrt(max(of_mean, 0) + max(total - within, 0) + noise) / len(both)
    return error, freedom / weight if weight else cells.index.unique("draw").size - 1


def holm(p):
    """Holm 1979, one by one."""
    p = np.asarray(p, float)
    corrected, highest = np.full(len(p), np.nan), 0.0
    tests = [i for i in np.argsort(p) if not np.isnan(p[i])]
    for rank, i in enumerate(tests):
        highest = max(highest, min(1.0, p[i] * (len(tests) - rank)))
        corrected[i] = highest
    return corrected


def paired(differences):
    """The p of Student's test that differences are zero on average."""
    if len(differences) < FEWEST or equal(differences):
        return np.nan
    t = np.mean(differences) / stats.sem(differences)
    return float(2 * stats.t.sf(abs(t), len(differences) - 1))
