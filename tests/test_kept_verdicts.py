"""Every kept verdict follows from the kept tables: the rule and the interval, computed again.

What is kept in a table of its own is taken from there: the purity of the parts and the correlation
with the pixels (their networks are not kept), and which random masks separated. All else begins
with the rows of levels and of trials.
"""

import re

import pandas as pd
import pytest
import recomputed as again
import recomputed_controls
import recomputed_hidden
import recomputed_images
import recomputed_losses
import recomputed_points
import recomputed_sparsifiers

PATTERNS = recomputed_points.PATTERNS | recomputed_losses.PATTERNS | recomputed_images.PATTERNS
PATTERNS |= recomputed_controls.PATTERNS | recomputed_hidden.PATTERNS
PATTERNS |= recomputed_sparsifiers.PATTERNS
COLUMNS = ["claim", "statement", "theirs", "ours", "low", "high", "allowed_low", "allowed_high"]
COLUMNS += ["test", "n", "draws", "verdict", "p", "p_corrected", "note"]
REFUTES = "exact interval; one case refutes"
CORRECTED = "corrected after Holm"
FAMILIES = [
    r"of (\S+-layer networks|width \d+) as many \w+ as in the thesis .*",
    r"tickets separate more often than .*",
    r".*: more accurate than .* at equal effective compression.*",
]
"""Statements of one claim that are tests of one family; claim 8's are fewer than its tests."""

CLAIMS = {
    "03_extension_sweep-levels": ["1", "2", "3", "4", "5", "6", "7", "8", "9"],
    "09_controls_and_dials-found": ["10", "11", "16"],
    "11_other_sparsifiers-levels": ["12"],
    "10_hidden_structure-found": ["13", "14", "15"],
}
"""Claims of the notebooks whose tables are kept."""


def kept(set_name):
    """Verdicts on the thesis' claims and on what its story predicts, whichever are kept."""
    folder = again.ROOT / "outputs" / set_name / "tables"
    files = [folder / f"{name}.csv" for name in ("verdicts", "predictions")]
    tables = [pd.read_csv(file, dtype={"claim": str}) for file in files if file.exists()]
    return pd.concat(tables, ignore_index=True)


SETS = ["extended", "thesis"]
ROWS = [
    pytest.param(set_name, row, id=f"{set_name}-{row['claim']}-{number}")
    for set_name in SETS
    for number, row in kept(set_name).iterrows()
]
each_row = pytest.mark.parametrize(("set_name", "row"), ROWS)
each_set = pytest.mark.parametrize("set_name", SETS)


def ruled(low, high, least, most):
    """The verdict of an interval, from the rule's one sentence."""
    if low >= least and high <= most:
        return "agrees"
    return "differs" if low > most or high < least else "cannot tell"


def of_all(verdicts):
    """The verdict of several intervals that hold together."""
    if "differs" in verdicts:
        return "differs"
    return "agrees" if verdicts and set(verdicts) == {"agrees"} else "cannot tell"


def check_rule(row):
    """Whether a row's verdict is that of its own numbers."""
    word = ruled(row["low"], row["high"], row["allowed_low"], row["allowed_high"])
    if row["test"] == REFUTES and row["low"] > 0:
        word = "differs"
    if row["test"].endswith(CORRECTED) and row["p_corrected"] >= 0.05:
        word = "cannot tell"
    assert row["verdict"] == word


def recompute(set_name, statement):
    """The one function whose pattern a statement has, applied."""
    fits = [(re.fullmatch(pattern, statement), of) for pattern, of in PATTERNS.items()]
    fits = [(match.groups(), of) for match, of in fits if match]
    assert len(fits) == 1, f"{len(fits)} functions recompute: {statement}"
    groups, function = fits[0]
    return function(set_name, *groups)


def check_numbers(row, found):
    """Whether a row's numbers are those found; the table has six digits."""
    close = {"rel": 2e-5, "abs": 2e-7, "nan_ok": True}
    allowed = [row["allowed_low"], row["allowed_high"]]
    assert allowed == pytest.approx(list(found.allowed), **close)
    assert (row["n"], row["draws"]) == (found.n, found.draws)
    low, high = row["low"], row["high"]
    if found.hits > 0 and low == 1e-9:  # a case, but an interval that begins with 0
        low = found.intervals[0][0]
    intervals = found.intervals or [again.NOTHING]
    assert [low, high] in [pytest.approx(list(ends), **close) for ends in intervals]
    if found.hits >= 0:
        assert row["ours"].startswith(f"{found.hits} of {found.n}")
    word = of_all([ruled(*ends, *found.allowed) for ends in found.intervals])
    word = "differs" if found.hits > 0 else word
    if row["test"].endswith(CORRECTED) and found.corrected >= 0.05:
        word = "cannot tell"
    assert row["verdict"] == word
    assert row["p"] == pytest.approx(found.p, rel=2e-5, nan_ok=True)
    if row["test"].endswith(CORRECTED):
        assert row["p_corrected"] == pytest.approx(found.corrected, rel=2e-5, nan_ok=True)


@each_set
def test_columns_are_complete(set_name):
    table = kept(set_name)
    assert set(table) == set(COLUMNS)
    needed = ["claim", "statement", "theirs", "ours", "test", "allowed_low", "allowed_high"]
    assert table[[*needed, "n", "draws", "verdict"]].notna().all(axis=None)
    claims = {c for name, own in CLAIMS.items() if again.is_kept(set_name, name) for c in own}
    assert set(table["claim"]) == claims
    assert not table["statement"].duplicated().any()
    assert (table["allowed_low"] <= table["allowed_high"]).all()
    some = ~table["ours"].str.startswith("no runs") & table["low"].notna()
    assert (table.loc[some, ["n", "draws"]] > 0).all(axis=None)
    assert (table.loc[~some, "verdict"] == "cannot tell").all()


@each_row
def test_verdict_is_that_of_the_rule(set_name, row):
    check_rule(row)


@each_row
def test_numbers_follow_from_the_kept_tables(set_name, row):
    check_numbers(row, recompute(set_name, row["statement"]))


@each_set
def test_p_values_are_corrected_for_their_family(set_name):
    table = kept(set_name)
    rest = table["p_corrected"].notna() & ~table["test"].str.endswith(CORRECTED)
    for family in FAMILIES:
        own = table["statement"].str.fullmatch(family)
        rest &= ~own
        for _, rows in table[own].groupby("claim"):
            p = again.holm(rows["p"])
            assert rows["p_corrected"].to_numpy() == pytest.approx(p, rel=2e-5, nan_ok=True)
    assert not rest.any()


@pytest.mark.parametrize(
    "change",
    [
        {"low": 0.64},
        {"high": 0.85},
        {"allowed_low": 0.4},
        {"n": 67},
        {"draws": 2},
        {"verdict": "differs"},
        {"p": 0.5},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_number_is_noticed(change):
    table = kept("thesis")
    statement = "most two-layer networks separate at levels 9 and above taken together"
    row = table[table["statement"] == statement].iloc[0]
    found = recompute("thesis", statement)
    check_numbers(row, found)
    with pytest.raises(AssertionError):
        check_numbers(pd.concat([row.drop(list(change)), pd.Series(change)]), found)


def test_a_statement_that_nothing_recomputes_fails():
    with pytest.raises(AssertionError, match="0 functions"):
        recompute("thesis", "networks are larger than thought")
