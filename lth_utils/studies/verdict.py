"""Whether the claims of the thesis hold: theirs, ours with its interval, the test, the verdict.

Three verdicts, by one rule: *agrees* where our 95 % interval (or every one of several) lies inside what
the claim says, *differs* where it lies outside, *cannot tell* where it straddles the boundary.  A claim
that something never happens is refuted by one case, and the row then says how likely it was for the
thesis, with its number of runs, not to see any; it is confirmed only by at least as many runs as theirs.
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


def verdict_row(
    claim: str,
    statement: str,
    theirs: str,
    ours: str,
    runs: int,
    test: str,
    verdict: str,
    p: float = np.nan,
    note: str = "",
) -> dict:
    return dict(
        zip(COLUMNS, (claim, statement, theirs, ours, runs, test, p, verdict, note), strict=True)
    )


def judge(inside: Sequence[bool], outside: Sequence[bool]) -> str:
    return "agrees" if len(inside) and all(inside) else "differs" if any(outside) else "cannot tell"


def in_percent(value: float, low: float, high: float) -> str:
    return f"{value:.0%} ({low:.0%} to {high:.0%})"


def never_row(claim, statement, count: int, runs: int, theirs: tuple[int, int]) -> dict:
    """A claim that something does not happen; theirs: its count and runs in the thesis."""
    if not runs:
        return verdict_row(
            claim, statement, f"{theirs[0]} of {theirs[1]}", "no runs", 0, WILSON, "cannot tell"
        )
    value, low, high = share(count, runs)
    chance = (1 - value) ** theirs[1]
    note = (
        f"the thesis had a chance of {chance:.1%} to see none in {theirs[1]} runs"
        if count
        else f"at most {high:.1%} by our interval"
    )
    verdict = "differs" if count else "agrees" if runs >= theirs[1] else "cannot tell"
    return verdict_row(
        claim,
        statement,
        f"{theirs[0]} of {theirs[1]}",
        f"{count} of {runs}, {in_percent(value, low, high)}",
        runs,
        WILSON,
        verdict,
        note=note,
    )


def ever_counts(levels: pd.DataFrame, words: Sequence[str]) -> tuple[int, int]:
    return int(levels[list(words)].to_numpy().sum()), int(levels["runs"].sum())


def value_range(values: pd.Series, form: str = "{:.1%}") -> str:
    return " to ".join(dict.fromkeys(form.format(v) for v in (values.min(), values.max())))


def in_points(value: float, low: float, high: float, digits: int = 1) -> str:
    """A difference of accuracies in percentage points, with its interval where there is one."""
    between = (
        ""
        if np.isnan(low)
        else f" (95 % interval {100 * low:+.{digits}f} to {100 * high:+.{digits}f})"
    )
    return f"{100 * value:+.{digits}f} points{between}"


def headline(verdicts: pd.DataFrame) -> str:
    """One sentence: how many statements agree, differ, cannot be told."""
    words = verdicts["verdict"].value_counts()
    return (
        ", ".join(f"{words.get(w, 0)} {w}" for w in ("agrees", "differs", "cannot tell"))
        + f" of {len(verdicts)} statements of the thesis"
    )


def markdown(verdicts: pd.DataFrame) -> str:
    """Verdicts as the table of a text file: claim, statement, theirs, ours, verdict with its note."""
    lines = ["| claim | the thesis says | theirs | ours | verdict |", "|---|---|---|---|---|"]
    for row in verdicts.fillna("").itertuples():
        note = f" ({row.note})" if row.note else ""
        lines.append(
            f"| {row.claim} | {row.statement} | {row.theirs} | {row.ours} | **{row.verdict}**{note} |"
        )
    return "\n".join(lines)
