"""The rule of the verdicts, and how they are written."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lth_utils.config import SpecError
from lth_utils.studies import verdict

NAN = (np.nan, np.nan, np.nan)
HALF = (0.5, 1.0)


def made(estimates, allowed=HALF, **changes):
    texts = {"theirs": "yes", "ours": "no", "test": "by interval", "n": 3, "draws": 1}
    return verdict.by_interval("1", "most", estimates, allowed, **{**texts, **changes})


@pytest.mark.parametrize(
    ("estimates", "expected"),
    [
        ((0.7, 0.6, 0.8), "agrees"),
        ((0.7, 0.4, 0.8), "cannot tell"),
        ((0.3, 0.2, 0.4), "differs"),
        ((0.5, 0.5, 0.5), "agrees"),
        (NAN, "cannot tell"),
        ([(0.7, 0.6, 0.8), (0.9, 0.8, 1.0)], "agrees"),
        ([(0.7, 0.6, 0.8), (0.6, 0.4, 0.8)], "cannot tell"),
        ([(0.7, 0.6, 0.8), (0.3, 0.2, 0.4), NAN], "differs"),
        ([(0.7, 0.6, 0.8), NAN], "cannot tell"),
        ([], "cannot tell"),
    ],
)
def test_intervals_are_judged_by_where_they_lie(estimates, expected):
    row = made(estimates)
    assert row.verdict == expected
    # the interval that is shown is the one that decides
    assert verdict.place((row.low, row.high), HALF) == expected


@pytest.mark.parametrize(("p", "expected"), [(0.01, "agrees"), (0.2, "cannot tell")])
def test_in_a_family_of_tests_the_corrected_p_value_must_be_small_too(p, expected):
    assert made((0.7, 0.6, 0.8), test=f"largest p {verdict.CORRECTED}", p=p).verdict == expected
    # where the p-value tests equality with theirs, the interval alone decides
    assert made((0.7, 0.6, 0.8), p=p).verdict == "agrees"


def test_correcting_a_family_may_undecide_but_never_decide():
    family = [made((0.7, 0.6, 0.8), test=verdict.CORRECTED, p=p) for p in (0.03, 0.04, 0.001)]
    corrected = verdict.correct(family)
    assert [row.p_corrected for row in corrected] == pytest.approx([0.06, 0.06, 0.003])
    assert [row.verdict for row in corrected] == ["cannot tell", "cannot tell", "agrees"]


@pytest.mark.parametrize(
    ("share", "count", "n", "expected"),
    [
        ((0.001, 0.0, 0.006), 1, 1000, "differs"),  # one case, however rare
        ((1 / 50, *NAN[1:]), 1, 50, "differs"),  # and without an interval
        ((0.0, 0.0, 0.01), 0, 500, "agrees"),
        ((0.0, 0.0, 0.6), 0, 4, "cannot tell"),  # as many runs as theirs are not enough
        (NAN, 0, 0, "cannot tell"),
    ],
)
def test_never_is_refuted_by_one_case_and_confirmed_only_by_many_runs(share, count, n, expected):
    row = verdict.never("1", "never", share, count, n=n, draws=int(n > 0), theirs="0 of 4")
    assert row.verdict == expected and row.theirs == "0 of 4" and "2%" in row.note


@pytest.mark.parametrize(
    "changes",
    [
        {"n": -1},
        {"draws": 0},
        {"test": ""},
        {"allowed_low": np.nan},
        {"verdict": "differs"},
        {"verdict": "true"},
    ],
)
def test_a_verdict_refuses_to_be_made_without_its_n_and_its_rule(changes):
    good = made((0.7, 0.6, 0.8))
    with pytest.raises(SpecError):
        replace(good, **changes)


def test_tables_are_in_the_order_of_the_claims_and_summed_up_in_words():
    rows = [
        replace(made((0.3, 0.2, 0.4)), claim="2", statement="second"),
        replace(made((0.7, 0.6, 0.8)), statement="first", note="small"),
    ]
    table = verdict.verdict_table(rows)
    assert list(table["claim"]) == ["1", "2"] and list(table) == verdict.COLUMNS
    assert (
        verdict.headline(table)
        == "1 agrees, 1 differs, 0 cannot tell of 2 statements of the thesis"
    )
    assert "| 1 | first | yes | no | 3 (1) | **agrees** (small) |" in verdict.markdown(table)


def test_numbers_in_words():
    assert verdict.in_points(0.01, np.nan, np.nan) == "+1.0 points"
    assert verdict.in_points(0.01, 0, 0.02) == "+1.0 points (95 % interval +0.0 to +2.0)"
    assert verdict.in_percent(0.5, 0.4, 0.6) == "50% (40% to 60%)"
    assert verdict.in_percent(0.008, 0.004, 0.016) == "0.8% (0.4% to 1.6%)"
    assert verdict.in_percent(0.5, np.nan, np.nan) == "50%"
    assert verdict.in_numbers((1.0, 0.5, 1.5)) == "1.00 (0.50 to 1.50)"
    assert verdict.value_range(pd.Series([0.5, 0.25])) == "25.0% to 50.0%"
    assert verdict.value_range(pd.Series([0.5, 0.5001])) == "50.0%"
