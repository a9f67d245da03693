"""The rule of the verdicts, and how they are written."""

import numpy as np
import pandas as pd
import pytest

from lth_utils.studies import verdict


@pytest.mark.parametrize(
    ("inside", "outside", "expected"),
    [
        ([True, True], [False, False], "agrees"),
        ([True, False], [False, True], "differs"),
        ([True, False], [False, False], "cannot tell"),
        ([], [], "cannot tell"),
    ],
)
def test_intervals_are_judged_by_where_they_lie(inside, outside, expected):
    assert verdict.judge(inside, outside) == expected


@pytest.mark.parametrize(
    ("ours", "expected", "note"),
    [
        ((1, 50), "differs", "chance of 92.2% to see none in 4 runs"),
        ((0, 4), "agrees", "at most 49.0% by our interval"),
        ((0, 3), "cannot tell", "at most"),
        ((0, 0), "cannot tell", ""),
    ],
)
def test_one_case_refutes_that_something_never_happens(ours, expected, note):
    row = verdict.never_row("1", "never", ours, (0, 4))
    assert row["verdict"] == expected and note in row["note"] and row["theirs"] == "0 of 4"


def rows():
    texts = {"theirs": "yes", "ours": "no", "runs": 3, "test": "by eye"}
    return [
        verdict.verdict_row("2", "second", verdict="differs", **texts),
        verdict.verdict_row("1", "first", verdict="agrees", note="small", **texts),
    ]


def test_tables_are_in_the_order_of_the_claims_and_summed_up_in_words():
    table = verdict.verdict_table(rows())
    assert list(table["claim"]) == ["1", "2"] and list(table) == verdict.COLUMNS
    assert (
        verdict.headline(table)
        == "1 agrees, 1 differs, 0 cannot tell of 2 statements of the thesis"
    )
    assert "| 1 | first | yes | no | **agrees** (small) |" in verdict.markdown(table)


def test_numbers_in_words():
    assert verdict.in_points(0.01, np.nan, np.nan) == "+1.0 points"
    assert verdict.in_points(0.01, 0, 0.02) == "+1.0 points (95 % interval +0.0 to +2.0)"
    assert verdict.value_range(pd.Series([0.5, 0.25])) == "25.0% to 50.0%"
    assert verdict.value_range(pd.Series([0.5, 0.5001])) == "50.0%"
