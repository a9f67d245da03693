"""Notebook 04: verdicts on a made-up grid, and the sizes of its networks."""

import numpy as np
import pandas as pd
import pytest
from made_up import cells, verdict

from lth_utils.studies import pruning_level_sweep, reference, statistics
from lth_utils.studies.pruning_level_sweep.tables import with_sizes

NEVER = ("width 31 never", "width 38 never", "no rate above 0.66")
DOES = ("width 48 does", "width 57 does", "rates below 0.41 separate width 48 consistently")
LIKE = tuple(f"of width {width} as many separate" for width in (31, 38, 48, 57))
ACTIVE = "width 48 has as many active weights at the end"

GRID = {(w, n): 0.0 if w < 48 or n < 3 else 0.9 for w in (31, 38, 48, 57) for n in range(1, 11)}


def judged(shares, seeds=100, draws=20, active=0):
    theirs = reference.reference("separations_by_size_and_levels")
    table = cells(shares, seeds, draws).assign(active_end=active)
    return pruning_level_sweep.pruning_levels(table, theirs)


def words(found, texts):
    return [verdict(found, text)["verdict"] for text in texts]


def test_claims_that_hold_agree():
    found = judged(GRID, seeds=200)
    assert words(found, (*NEVER, *DOES)) == ["agrees"] * 6
    assert verdict(found, NEVER[0])[["n", "draws", "theirs"]].tolist() == [2000, 20, "0 of 40"]
    assert set(found["claim"]) == {"3"} and len(found) == 11


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        (NEVER[0], {(31, 9): 0.01}),
        (NEVER[1], {(38, 1): 0.01}),
        (NEVER[2], {(48, 1): 0.01}),
        (NEVER[2], {(48, 2): 0.01}),
        (DOES[0], {(48, n): 0.0 for n in range(1, 11)}),
        (DOES[1], {(57, n): 0.0 for n in range(1, 11)}),
        (DOES[2], {(48, 8): 0.1}),
    ],
)
def test_claims_that_fail_differ(text, changes):
    found = judged(GRID | changes, seeds=100 if "does" not in text else 200)
    others = [other for other in (*NEVER, *DOES) if other != text]
    assert verdict(found, text)["verdict"] == "differs"
    assert "differs" not in words(found, [o for o in others if text != DOES[0] or o != DOES[2]])


def test_rates_tell_the_numbers_of_levels_of_width_48_apart():
    found = judged(GRID | {(48, 3): 1.0, (48, 5): 0.0})  # rates of 0.649 and 0.47: in between
    assert verdict(found, NEVER[2])["n"] == 200 and verdict(found, DOES[2])["n"] == 500
    assert "differs" not in words(found, (NEVER[2], DOES[2]))
    found = judged(GRID | {(48, 7): 0.55})
    assert verdict(found, DOES[2])["verdict"] == "cannot tell"


@pytest.mark.parametrize(("seeds", "draws"), [(2, 1), (4, 1), (3, 3)])
def test_few_runs_cannot_tell(seeds, draws):
    few = {(31, 7): 0.0, (38, 7): 0.0, (48, 2): 0.0, (48, 9): 0.5, (57, 8): 0.5}
    found = judged(few, seeds, draws)
    exists = found["statement"].str.contains("does separate")  # a single run may show that
    assert set(found.loc[~exists, "verdict"]) == {"cannot tell"} and len(found) == 11
    assert words(judged(dict.fromkeys(few, 0.0), seeds, draws), DOES[:2]) == ["cannot tell"] * 2
    assert not found["ours"].str.contains("nan").any()


def as_theirs():
    table = reference.reference("separations_by_size_and_levels")
    shares = table["n_separated"] / table["n_runs"]
    keys = zip(table["hidden_width"], table["pruning_levels"], strict=True)
    return dict(zip(keys, shares, strict=True))


def test_counts_like_theirs_agree_and_others_differ():
    found = judged(as_theirs(), seeds=80)  # four runs of theirs bound no share but that of none
    assert words(found, LIKE) == ["agrees"] * 2 + ["cannot tell"] * 2
    assert [abs(verdict(found, text)[["low", "high"]].mean()) for text in LIKE] == pytest.approx(
        [0] * 4, abs=0.001
    )
    many = judged(dict.fromkeys(as_theirs(), 0.95))
    assert words(many, LIKE) == ["differs"] * 4
    rows = many[many["statement"].str.contains("as in the thesis")]
    assert (rows["low"] > 0.1).all() and (rows["p_corrected"] < 0.05).all()
    fewer = judged(dict.fromkeys(as_theirs(), 0.0))
    assert words(fewer, LIKE) == ["agrees", "agrees", "differs", "differs"]


def test_p_values_of_widths_are_corrected_for_their_number():
    shares = as_theirs() | {(57, n): 0.95 for n in range(1, 11)}
    found = judged(shares, seeds=80)
    rows = found[found["statement"].str.contains("as in the thesis")]
    assert rows["p_corrected"].tolist() == pytest.approx(statistics.holm(rows["p"]).tolist())
    last = verdict(found, LIKE[3])
    assert last["p"] < last["p_corrected"] < 0.05 and words(found, LIKE[2:]) == [
        "cannot tell",
        "differs",
    ]
    assert found["p_corrected"].notna().sum() == 4


@pytest.mark.parametrize(
    ("more", "expected"), [(0, "agrees"), (20, "differs"), (-20, "differs"), (2, "cannot tell")]
)
def test_active_weights_at_the_end_are_ranked_among_theirs(more, expected):
    theirs = reference.reference("grid_width48_active_weights")
    own = theirs.sort_values("pruning_levels", kind="stable")["active_weights_at_end"].to_numpy()
    shares = {(48, n): 0.5 for n in range(1, 11)} | {(48, 20): 0.5}
    active = np.concatenate([np.tile(own[4 * n : 4 * n + 4], 5) for n in range(10)])
    active = np.concatenate([active, np.zeros(20)]) + more  # no run of theirs had 20 levels
    row = verdict(judged(shares, 20, 5, active), ACTIVE)
    assert row["verdict"] == expected and (row["n"], row["draws"]) == (200, 5)


def test_no_row_is_made_of_runs_that_there_are_none_of():
    found = judged({(31, 4): 0.0, (100, 4): 1.0})
    assert list(found["statement"].str[:14]) == ["width 31 never", "of width 31 as"]
    assert judged({(100, 4): 1.0}).empty


def test_facts_count_separated_runs_by_width():
    shares = {(31, 4): 0.0, (48, 4): 0.5}
    found = pruning_level_sweep.facts(cells(shares), judged(shares), target=112, n_runs=40)
    assert found["separated"] == {"31": [0, 20], "48": [10, 20]} and found["runs"] == 40
    assert found["headline"].startswith(
        "separated at 112 weights, by width: 31: 0 of 20, 48: 10 of 20; "
    )
    assert sum(found["verdicts"].values()) == len(judged(shares))


def test_sizes_are_those_of_the_thesis_grid():
    theirs = reference.reference("separations_by_size_and_levels")
    bases = [f"4-{width}-{width}-2" for width in theirs["hidden_width"]]
    runs = pd.DataFrame({"base": bases, "levels": theirs["pruning_levels"]})
    found = with_sizes(runs, 112)
    assert list(found["width"]) == list(theirs["hidden_width"])
    assert found["rate"].to_numpy() == pytest.approx(
        theirs["pruning_rate_effective_mean"].to_numpy(), abs=1e-4
    )
    assert with_sizes(runs.assign(levels=0), 112)["rate"].isna().all()
