"""Whether the claims of the thesis hold: theirs, ours with its interval, the test, the verdict.

There are three verdicts, by one rule. *agrees*: our 95 % interval, or every one of several, lies
inside what the claim says. *differs*: it lies outside. *cannot tell*: it straddles the boundary.

A claim that something never happens is refuted by one case. The row then says how likely it was
for the thesis, with its number of runs, not to see any. Such a claim is confirmed only by at least
as many runs as theirs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lth_utils.studies.statistics import share

COLUMNS = ["claim", "statement", "theirs", "ours", "runs", "test", "p", "verdict", "note"]

SEPARATED = ("separated", "separated-degraded")

DEGRADED = ("degraded", "separated-degraded")

WILSON = "95 % interval (Wilson)"

ALPHA = 0.05

SAME = 0.005
"""Accuracies that differ by less count as the same."""

VERDICTS = ("agrees", "differs", "cannot tell")


def verdict_row(
    claim: str,
    statement: str,
    *,
    theirs: str,
    ours: str,
    runs: int,
    test: str,
    verdict: str,
    p: float = np.nan,
    note: str = "",
) -> dict:
    """One row of a table of verdicts.

    Args:
        claim: the number of the claim.
        statement: what the thesis says.
        theirs, ours: the numbers behind it.
        runs: how many of ours.
        test: how they are compared.
        verdict: one of ``VERDICTS``.
        p: the p-value, where the test has one.
        note: what else there is to say.
    """
    values = (claim, statement, theirs, ours, runs, test, p, verdict, note)
    return dict(zip(COLUMNS, values, strict=True))


def verdict_table(rows: Sequence[dict]) -> pd.DataFrame:
    """Rows of :func:`verdict_row` as a table, in the order of their claims."""
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values("claim", kind="stable", ignore_index=True)


def judge(inside: Sequence[bool], outside: Sequence[bool]) -> str:
    """The verdict of intervals.

    Args:
        inside: whether each lies inside what the claim says.
        outside: whether each lies outside.
    """
    if len(inside) and all(inside):
        return "agrees"
    return "differs" if any(outside) else "cannot tell"


def judge_cases(refuted: bool, enough: bool) -> str:
    """The verdict of a claim about every run: one case refutes it, `enough` runs confirm it."""
    if refuted:
        return "differs"
    return "agrees" if enough else "cannot tell"


def never_row(claim: str, statement: str, ours: tuple[int, int], theirs: tuple[int, int]) -> dict:
    """A claim that something does not happen.

    Args:
        claim, statement: as in :func:`verdict_row`.
        ours, theirs: how often it happened, and in how many runs.
    """
    count, runs = ours
    texts = {"theirs": f"{theirs[0]} of {theirs[1]}", "runs": runs, "test": WILSON}
    if not runs:
        return verdict_row(claim, statement, ours="no runs", verdict="cannot tell", **texts)
    value, low, high = share(count, runs)
    chance = (1 - value) ** theirs[1]
    return verdict_row(
        claim,
        statement,
        ours=f"{count} of {runs}, {in_percent(value, low, high)}",
        verdict=judge_cases(bool(count), runs >= theirs[1]),
        note=f"the thesis had a chance of {chance:.1%} to see none in {theirs[1]} runs"
        if count
        else f"at most {high:.1%} by our interval",
        **texts,
    )


def ever_counts(levels: pd.DataFrame, words: Sequence[str]) -> tuple[int, int]:
    """How many runs of a table of outcomes came to one of `words`, and of how many."""
    return int(levels[list(words)].to_numpy().sum()), int(levels["runs"].sum())


def count_of(count: int, runs: int) -> str:
    """A count with its share: ``3 of 4, 75% (30% to 95%)``."""
    return f"{count} of {runs}, {in_percent(*share(count, runs))}"


def in_percent(value: float, low: float, high: float) -> str:
    """A share with its interval."""
    return f"{value:.0%} ({low:.0%} to {high:.0%})"


def in_points(value: float, low: float, high: float, digits: int = 1) -> str:
    """A difference of accuracies in percentage points, with its interval where there is one."""
    text = f"{100 * value:+.{digits}f} points"
    if np.isnan(low):
        return text
    return f"{text} (95 % interval {100 * low:+.{digits}f} to {100 * high:+.{digits}f})"


def value_range(values: pd.Series, form: str = "{:.1%}") -> str:
    """The smallest and the largest of some values, or the one if they read alike."""
    ends = [form.format(value) for value in (values.min(), values.max())]
    return " to ".join(dict.fromkeys(ends))


def headline(verdicts: pd.DataFrame) -> str:
    """One sentence: how many statements agree, differ, cannot be told."""
    counts = count_verdicts(verdicts)
    words = ", ".join(f"{counts.get(word, 0)} {word}" for word in VERDICTS)
    return f"{words} of {len(verdicts)} statements of the thesis"


def count_verdicts(verdicts: pd.DataFrame) -> dict[str, int]:
    """How many statements have each verdict, the most frequent first."""
    return verdicts["verdict"].value_counts().to_dict()


def markdown(verdicts: pd.DataFrame) -> str:
    """Verdicts as a table in Markdown: claim, statement, theirs, ours, verdict with its note."""
    lines = ["| claim | the thesis says | theirs | ours | verdict |", "|---|---|---|---|---|"]
    shown = verdicts[["claim", "statement", "theirs", "ours", "verdict", "note"]]
    for row in shown.fillna("").itertuples():
        note = f" ({row.note})" if row.note else ""
        cells = (row.claim, row.statement, row.theirs, row.ours, f"**{row.verdict}**{note}")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)
