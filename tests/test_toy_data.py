"""Notebook 01: what the thesis reports, and the facts beside it."""

import pytest
from made_up import family

from lth_utils.studies import outcomes, statistics, toy_data


def test_the_thesis_reports_sizes_that_it_ran():
    theirs = toy_data.thesis_separation((4, 8, 8, 2), 9)
    assert theirs["runs"] == 4 and theirs["active_min"] <= theirs["active_mean"]
    assert toy_data.thesis_separation((4, 7, 7, 2), 9) is None


def test_facts_count_runs_that_separated_with_their_interval():
    table = family("4-8-8-2", {(9, "separated"): 3, (9, "degraded"): 1}, active=100.0)
    facts = toy_data.separation(outcomes.outcomes(table), {"runs": 4, "separated": 4})
    ours = facts["ours"]
    assert (ours["runs"], ours["separated"], ours["levels"]) == (4, 3, [1, 1, 1])
    assert (ours["share"], ours["share_low"], ours["share_high"]) == pytest.approx(
        statistics.share(3, 4)
    )
    assert facts["headline"].startswith(
        "3 of 4 runs separated (95 % interval 19% to 99%), with 100"
    )
    assert facts["headline"].endswith("; the thesis: 4 of 4")
    assert facts["outcomes"] == {"separated": 3, "degraded": 1}


def test_runs_of_several_draws_are_not_taken_for_independent():
    runs = outcomes.outcomes(
        family("4-8-8-2", {(9, "separated"): 12, (9, "degraded"): 12}, draws=12)
    ).assign(draw=lambda table: table["outcome"].eq("separated") * 6 + table["seed"] % 6)
    ours = toy_data.separation(runs, None)["ours"]
    expected = statistics.clustered_share(runs["outcome"] == "separated", runs["draw"])
    assert (ours["share"], ours["share_low"], ours["share_high"]) == pytest.approx(expected)
    assert ours["share_low"] < statistics.share(12, 24)[1]


def test_facts_on_runs_that_never_separate_say_so():
    runs = outcomes.outcomes(family("4-8-8-2", {(9, "interconnected"): 2}))
    facts = toy_data.separation(runs, None)
    assert facts["headline"] == "0 of 2 runs separated (95 % interval 0% to 84%)"
    assert facts["thesis"] is None and "active_mean" not in facts["ours"]


def test_the_most_accurate_separated_run_is_chosen_or_else_the_first():
    table = family("4-8-8-2", {(9, "interconnected"): 1, (9, "separated"): 2})
    better = (table["seed"] == 2) & (table["status"] == "separated")
    table.loc[better, "accuracy"] = 1.0
    assert outcomes.most_accurate(outcomes.outcomes(table)) == "4-8-8-2-9-2"
    nothing = outcomes.outcomes(table[table["status"] == "interconnected"])
    assert outcomes.most_accurate(nothing) == "4-8-8-2-9-0"
