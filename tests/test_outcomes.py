"""How runs are counted."""

import pandas as pd
import pytest
from made_up import STORY, family

from lth_utils.connectivity import outcome
from lth_utils.studies import extension_sweep, outcomes, statistics


def test_outcomes_are_those_of_the_statuses():
    table = family("4-8-8-2", {(7, w): n for n, w in enumerate(STORY, start=1)})
    found = outcomes.outcomes(table).set_index("run")
    for run, rows in table.groupby("run"):
        assert found.loc[run, "outcome"] == outcome(list(rows["status"]))
        assert found.loc[run, "available_end"] == rows["available"].iloc[-1]
        assert (
            (found.loc[run, "level"] == 1)
            if "separated" in set(rows["status"])
            else pd.isna(found.loc[run, "level"])
        )


def test_counts_by_level_and_their_interval():
    table = family(
        "4-8-8-2",
        {
            (7, "interconnected"): 3,
            (7, "separated"): 1,
            (9, "separated"): 2,
            (9, "separated-degraded"): 2,
        },
    )
    levels = outcomes.by_level(outcomes.outcomes(extension_sweep.readings(table))).set_index(
        "extension"
    )
    assert list(levels["runs"]) == [4, 4] and list(levels["share"]) == [0.25, 1.0]
    assert levels.loc[7, "share_low"] == pytest.approx(statistics.share(1, 4)[1])


def test_draws_are_told_apart_in_counts_and_intervals():
    table = family("4-8-8-2", {(7, "separated"): 6, (7, "interconnected"): 6})
    one = outcomes.by_level(outcomes.outcomes(extension_sweep.readings(table))).iloc[0]
    table["data.seed"] = table["seed"] // 4  # draws of 4, 2 and 0 of 4 separated runs
    table["watched_loss"] = table["loss"] / 2
    runs = outcomes.outcomes(extension_sweep.readings(table))
    several = outcomes.by_level(runs).iloc[0]
    assert list(runs["draw"]) == [0] * 4 + [1] * 4 + [2] * 4
    assert (one["draws"], several["draws"], one["share"], several["share"]) == (1, 3, 0.5, 0.5)
    expected = statistics.clustered_share(runs["outcome"] == "separated", runs["draw"])
    assert tuple(several[["share", "share_low", "share_high"]]) == pytest.approx(expected)
    assert several["share_low"] < one["share_low"] < one["share_high"] < several["share_high"]
    apart = runs.dropna(subset="level")
    assert (apart["watched_loss"] == apart["loss"] / 2).all()
