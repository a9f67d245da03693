"""Intervals and tests beside those of other sources."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lth_utils.studies import statistics


def test_exact_test_is_fishers_where_there_are_two_columns():
    from scipy.stats import fisher_exact

    rng = np.random.default_rng(0)
    for _ in range(60):
        a, b = rng.integers(0, 9, 2), rng.integers(0, 9, 2)
        if a.sum() and b.sum():
            assert statistics.exact(a, b) == pytest.approx(fisher_exact([a, b]).pvalue, abs=1e-9)


def test_exact_test_with_more_columns_is_that_of_all_relabellings():
    ours, theirs = [3, 1, 0], [0, 2, 2]
    labels = np.repeat(range(3), np.add(ours, theirs))
    counts = [
        np.bincount(labels[list(pick)], minlength=3) for pick in itertools.combinations(range(8), 4)
    ]
    tables, frequency = np.unique(counts, axis=0, return_counts=True)
    seen = frequency[(tables == theirs).all(1)].item()
    assert statistics.exact(ours, theirs) == pytest.approx(
        frequency[frequency <= seen].sum() / frequency.sum()
    )
    assert statistics.exact([50, 50, 0], [2, 2, 0]) == pytest.approx(1)


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


def test_a_bootstrap_covers_the_statistic_and_is_the_same_each_time():
    values = np.random.default_rng(1).random(40)
    low, high = statistics.bootstrap(values, np.median)
    assert low < np.median(values) < high
    assert statistics.bootstrap(values, np.median) == (low, high)


def test_differences_are_tested_as_scipy_does():
    first, second = np.random.default_rng(2).random((2, 9))
    paired = stats.ttest_rel(first, second).pvalue
    assert statistics.paired_test(first - second) == pytest.approx(paired)
    assert np.isnan(statistics.paired_test(np.ones(4)))
    assert statistics.fisher_test((3, 8), (9, 9)) == pytest.approx(
        stats.fisher_exact([[3, 6], [8, 1]]).pvalue
    )


def test_only_tests_that_were_made_are_corrected():
    table = statistics.add_corrected(pd.DataFrame({"p": [np.nan, 0.01, 0.2]}))
    assert np.isnan(table["p_corrected"][0]) and list(table["p_corrected"][1:]) == [0.02, 0.2]
