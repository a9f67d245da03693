"""Intervals and tests beside those of other sources."""

import itertools
import math

import coverage_cases as cases
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from study_coverage import lowest_share_coverage

from lth_utils.studies import statistics, strata


def test_holm_never_lowers_a_p_value_and_keeps_their_order():
    p = np.random.default_rng(0).random(30) ** 3
    corrected = statistics.holm(p)
    assert (
        (corrected >= p).all()
        and (np.diff(corrected[np.argsort(p)]) >= 0).all()
        and corrected.max() <= 1
    )
    assert corrected.min() == pytest.approx(min(1, 30 * p.min()))


def test_means_have_student_s_interval():
    values = np.random.default_rng(0).random(7)
    mean, low, high = statistics.mean_interval(values)
    low_end, high_end = stats.t.interval(0.95, 6, loc=values.mean(), scale=stats.sem(values))
    assert stats.skew(values) < 0 and low < low_end  # the longer tail is on the left
    assert (mean, high) == pytest.approx((values.mean(), high_end))
    assert np.isnan(statistics.mean_interval([1.0])).tolist() == [False, True, True]
    assert np.isnan(statistics.mean_interval([])).all()


def test_differences_are_tested_as_scipy_does():
    first, second = np.random.default_rng(2).random((2, 9))
    paired = stats.ttest_rel(first, second).pvalue
    assert statistics.paired_test(first - second) == pytest.approx(paired)
    assert np.isnan(statistics.paired_test(np.ones(4)))
    assert statistics.fisher_test((3, 8), (9, 9)) == pytest.approx(
        stats.fisher_exact([[3, 6], [8, 1]]).pvalue
    )


def test_values_that_are_equal_but_for_rounding_have_no_interval():
    shares = np.arange(3, 8) / 10
    differences = shares - np.arange(1, 6) / 10
    assert np.ptp(differences) > 0
    assert np.isnan(statistics.mean_interval(differences)[1:]).all()
    assert np.isnan(statistics.paired_test(differences))
    assert not np.isnan(statistics.mean_interval(differences + 1e-6 * shares)[1])


def test_only_tests_that_were_made_are_corrected():
    table = statistics.add_corrected(pd.DataFrame({"p": [np.nan, 0.01, 0.2]}))
    assert np.isnan(table["p_corrected"][0]) and list(table["p_corrected"][1:]) == [0.02, 0.2]
    assert list(statistics.holm([0.01, np.nan, 0.04])[[0, 2]]) == [0.02, 0.04]
    assert np.isnan(statistics.holm([np.nan])).all() and not len(statistics.holm([]))


def test_stratified_test_is_that_of_all_relabellings():
    ours, theirs, runs = [3, 1, 4], [1, 0, 2], 4
    both = np.add(ours, theirs)
    chances = {}
    for counts in itertools.product(range(runs + 1), repeat=3):
        ways = math.prod(math.comb(runs, count) for count in counts)
        for count, total in zip(counts, both, strict=True):
            ways *= math.comb(runs, total - count) if total >= count else 0
        chances[sum(counts)] = chances.get(sum(counts), 0) + ways
    likely = np.array([chance for chance in chances.values() if chance <= chances[8] * 1.000001])
    assert strata.stratified_test(ours, [runs] * 3, theirs, [runs] * 3) == pytest.approx(
        likely.sum() / sum(chances.values())
    )
    assert strata.stratified_test([4, 4], [4, 4], [4, 4], [4, 4]) == pytest.approx(1)


def test_stratified_test_of_one_stratum_is_fishers():
    for one, two in itertools.product(range(11), range(5)):
        assert strata.stratified_test([one], [10], [two], [4]) == pytest.approx(
            statistics.fisher_test((one, two), (10, 4)), abs=1e-9
        )


def test_shares_of_clusters_are_those_of_runs_where_a_draw_has_one_run():
    hits = [True, False, False, True, True, False, False]
    assert statistics.clustered_share(hits, range(7)) == pytest.approx(statistics.share(3, 7))
    assert statistics.clustered_share(hits, [0] * 7) == pytest.approx(statistics.share(3, 7))
    assert np.isnan(statistics.clustered_share([], [])).all()


@pytest.mark.parametrize("hit", [True, False])
def test_shares_of_clusters_have_ends_where_all_runs_are_alike(hit):
    value, low, high = statistics.clustered_share([hit] * 7, [0, 0, 0, 1, 1, 2, 3])
    assert value == hit and low <= value <= high and 0.4 < high - low < 0.8


def test_draws_that_disagree_widen_the_interval_of_a_share():
    draws = np.repeat(np.arange(4), 5)
    mixed, apart = np.tile([1, 1, 0, 0, 1], 4), np.repeat([1, 1, 0, 1], 5)
    widths = []
    for hits in (mixed, apart):
        _, low, high = statistics.clustered_share(hits, draws)
        widths.append(high - low)
    assert widths[1] > 1.2 * widths[0]


def test_too_little_has_a_value_without_ends():
    draws = np.repeat(np.arange(4), 3)
    values = np.random.default_rng(3).random(12)
    for found in (
        statistics.mean_interval(values[:4]),
        statistics.mean_interval(np.ones(9)),
        statistics.median_interval(values[:5]),
        statistics.clustered_mean(values, draws),
        statistics.clustered_median(values, draws),
        statistics.clustered_difference(values, draws, values + 1, draws),
        statistics.clustered_chance_lower(values, draws, values + 1, draws),
        statistics.difference_of_means(values, values[:4]),
    ):
        assert np.isnan(found).tolist() == [False, True, True]
    nothing = statistics.clustered_difference(values, draws, values, draws + 9)
    assert np.isnan(nothing).all() and np.isnan(statistics.clustered_mean([], [])).all()
    assert np.isnan(statistics.chance_lower([], values))


def test_a_higher_level_reaches_further():
    draws = np.repeat(np.arange(6), 4)
    values = np.random.default_rng(6).normal(size=24)
    ours = pd.concat([cases.table(np.array([n % 5, 3]), 4, draw=n) for n in range(6)])
    pair = ours, cases.table(np.array([1, 3]), 4)
    for function, arguments in (
        (statistics.share, (3, 9)),
        (statistics.clustered_share, (values > 0, draws)),
        (statistics.mean_interval, (values,)),
        (statistics.median_interval, (values,)),
        (statistics.clustered_mean, (values, draws)),
        (statistics.clustered_median, (values, draws)),
        (statistics.difference_of_means, (values, values[:7])),
        (statistics.clustered_difference, (values, draws, values**2, draws)),
        (statistics.clustered_chance_lower, (values, draws, values**2, draws)),
        (strata.pooled_difference, pair),
        (strata.pooled_difference, (ours[:2], pair[1])),
    ):
        (value, low, high), (same, lower, higher) = function(*arguments), function(*arguments, 0.99)
        assert value == same and lower < low < value < high < higher, function


def test_one_draw_is_a_sample_of_runs():
    first, second = np.random.default_rng(4).random((2, 8))
    one = np.zeros(8)
    assert statistics.clustered_mean(first, one) == statistics.mean_interval(first)
    assert statistics.clustered_median(first, one) == statistics.median_interval(first)
    assert statistics.clustered_difference(
        first, one, second, one
    ) == statistics.difference_of_means(first, second)


def test_a_chance_that_is_certain_in_every_draw_has_an_interval():
    draws = np.repeat(np.arange(5), 2)
    value, low, high = statistics.clustered_chance_lower(range(10), draws, range(20, 30), draws)
    assert value == high == 1 and 0.4 < low < 0.9
    lower = statistics.chance_lower([1.0, 3.0], [2.0, 3.0])
    assert lower == stats.mannwhitneyu([2.0, 3.0], [1.0, 3.0]).statistic / 4


def test_differences_over_strata():
    ours = cases.table(np.array([2, 4, 4]), 4)
    assert strata.pooled_difference(ours, cases.table(np.array([0, 4, 4]), 4))[0] == 1 / 6
    rows = [cases.table(np.array([0, 4, n % 5]), 4, draw=n) for n in range(6)]
    theirs = cases.table(np.array([4, 0, 2]), 4)
    for n, ends in ((1, True), (4, False), (6, True)):
        found = strata.pooled_difference(pd.concat(rows[:n]), theirs)
        assert np.isfinite(found).tolist() == [True, ends, ends]
        assert np.isfinite(strata.pooled_test(pd.concat(rows[:n]), theirs)) == ends
    elsewhere = theirs.assign(stratum=99)
    assert np.isnan(strata.pooled_difference(ours, elsewhere)).all()
    assert np.isnan(strata.pooled_test(ours, elsewhere))


def test_a_draw_of_theirs_like_ours_does_not_differ_but_another_one_does():
    rng = np.random.default_rng(5)
    rows = [cases.table(rng.binomial(10, cases.curve(rng.normal())), 10, n) for n in range(10)]
    ours = pd.concat(rows)
    found = []
    for shift in (0, -9):
        theirs = cases.table(rng.binomial(4, cases.curve(shift)), 4)
        _, low, high = strata.pooled_difference(ours, theirs)
        found.append((low <= 0 <= high, strata.pooled_test(ours, theirs) < 0.05))
    assert found == [(True, False), (False, True)]


# coverage: how often an interval of simulated samples holds their truth

LEAST = 0.93
TIMES = 1000


def least(times, chance=LEAST):
    """What a function that covers `chance` falls below once in 10,000 seeds."""
    return stats.binom.ppf(1e-4, times, chance) / times


def test_single_shares_are_covered():
    assert min(map(lowest_share_coverage, (4, 5, 7, 10, 40))) >= 0.95


CASES = {
    **{
        f"share, {about}": cases.of_shares(statistics.clustered_share, *about)
        for about in [(0.02, 0, 4, 10), (0.05, 0.3, 10, 10), (0.1, 0.3, 6, 10), (0.5, 0.3, 4, None)]
    },
    **{
        f"mean, {kind}, {n}": cases.of_values(statistics.mean_interval, kind, n)
        for kind, n in [(kind, 5) for kind in cases.NAMES] + [("lognormal", 12)]
    },
    **{
        f"median, {kind}": cases.of_values(statistics.median_interval, kind, 9)
        for kind in cases.NAMES
    },
    **{
        f"difference, {kind}": cases.of_samples(statistics.difference_of_means, kind, (5, 40))
        for kind in cases.NAMES
    },
    **{
        f"{function.__name__}, {kind}": cases.of_draws(function, kind, 10, 4, 1)
        for function in (statistics.clustered_mean, statistics.clustered_median)
        for kind in cases.NAMES
    },
    **{f"clustered difference, {kind}": cases.of_pairs(kind, 5, 4, 1) for kind in ("lognormal",)},
    **{
        f"chance, {about}": cases.of_chances(*about)
        for about in [(0, 1, 5, 2, 3), (1, 1, 10, 2, 8), (3, 0, 10, 5, 5)]
    },
}


@pytest.mark.parametrize("name", CASES)
def test_intervals_cover_the_truth(name):
    assert cases.coverage(CASES[name], TIMES) >= least(TIMES)


POOLED = {
    "one draw": (1, 0, cases.curve(0), cases.curve(-1)),
    "shares of a half": (1, 0, np.full(26, 0.5), np.full(26, 0.5)),
    "ten draws": (10, 0.1, cases.curve(0), cases.curve(0)),
}


@pytest.mark.parametrize("name", POOLED)
def test_differences_over_strata_cover_the_truth(name):
    assert cases.coverage(cases.of_strata(*POOLED[name]), 150) >= least(150)


def test_a_family_of_tests_errs_seldom():
    corrected, alone = cases.family_errors(150)
    assert corrected <= 1 - least(150, 1 - 0.06) and alone > 0.15


def test_a_percentile_bootstrap_of_five_values_does_not_cover():
    def bootstrap(values):
        picks = np.random.default_rng(0).integers(0, 5, (500, 5))
        return (values.mean(), *np.percentile(values[picks].mean(axis=1), [2.5, 97.5]))

    assert cases.coverage(cases.of_values(bootstrap, "normal", 5), TIMES) < least(TIMES)


def test_runs_counted_as_if_they_shared_no_draw_do_not_cover():
    def unclustered(hits, draws):
        ends = stats.binomtest(int(hits.sum()), len(hits)).proportion_ci(method="wilson")
        return hits.mean(), ends.low, ends.high

    assert cases.coverage(cases.of_shares(unclustered, 0.5, 0.3, 10, 10), TIMES) < least(TIMES)


def test_wilsons_interval_does_not_cover_shares_near_one_in_four_runs():
    ends = stats.binomtest(3, 4).proportion_ci(method="wilson")
    assert ends.high < 0.96 and stats.binom.sf(3, 4, 0.96) < LEAST
