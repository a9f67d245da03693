"""Whether the claims of the thesis hold: theirs, ours with its interval, and the verdict.

Every verdict follows one rule. What a claim *allows* is a range of numbers. The claim *agrees* if
our 95 % interval, or every one of several, lies inside that range; it *differs* if one of them lies
outside; else we *cannot tell*. Where a row has several intervals, these hold together (Bonferroni),
and where rows are tests of one family, nothing is decided unless the p-value that is corrected for
their number (Holm) is below 5 %.

That something *never* happens allows shares up to ``RARE``: a smaller one is of no interest. One
case refutes it nevertheless, since it needs no interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import pandas as pd

from lth_utils.config import SpecError
from lth_utils.studies.statistics import holm

SEPARATED = ("separated", "separated-degraded")

DEGRADED = ("degraded", "separated-degraded")

ALPHA = 0.05

RARE = 0.02
"""The smallest share of runs of interest: what is rarer counts as never."""

SAME = 0.005
"""Accuracies that differ by less count as the same."""

ALIKE = 0.1
"""Shares of runs, and chances, that differ by less count as alike."""

VERDICTS = ("agrees", "differs", "cannot tell")

Estimate = tuple[float, float, float]
"""A number with the lower and the upper end of its interval; NaN where there are too few runs."""

Range = tuple[float, float]
"""What a claim allows: the smallest and the largest number."""


@dataclass(frozen=True)
class Verdict:
    """One statement of the thesis, and whether it holds.

    Made by :func:`by_interval` and :func:`never`, which apply the rule.

    Args:
        claim: the number of the claim.
        statement: what the thesis says.
        theirs, ours: the numbers behind it, in words.
        low, high: our interval; of several the one that decides.
        allowed_low, allowed_high: what the statement allows.
        test: how the interval was made.
        n: number of our runs, or of what else is counted.
        draws: number of draws of the data that they are from.
        verdict: one of ``VERDICTS``.
        p: the p-value of a test, NaN where there is none.
        p_corrected: the same, corrected for the tests of its family.
        note: what else there is to say.

    Raises:
        SpecError: the rule (``test`` or what is allowed) or the numbers of runs and draws are
            missing, or the verdict is another than the rule's.
    """

    claim: str
    statement: str
    theirs: str
    ours: str
    low: float
    high: float
    allowed_low: float
    allowed_high: float
    test: str
    n: int
    draws: int
    verdict: str
    p: float = np.nan
    p_corrected: float = np.nan
    note: str = ""

    def __post_init__(self):
        if not self.test or np.isnan([self.allowed_low, self.allowed_high]).any():
            raise SpecError(f"the verdict on {self.statement!r} lacks its rule: test and range")
        if self.n < 0 or self.draws < 0 or (self.n > 0) != (self.draws > 0):
            raise SpecError(
                f"the verdict on {self.statement!r} has n {self.n} and draws {self.draws}; "
                "expected the numbers of runs and of the draws of data that they are from"
            )
        if self.verdict != self.ruled:
            raise SpecError(f"{self.statement!r}: {self.verdict!r}, but the rule: {self.ruled!r}")

    @property
    def ruled(self) -> str:
        """What the rule says."""
        if self.test.startswith(NEVER) and self.low > 0:
            return "differs"
        if not np.isnan(self.p) and not self.p_corrected < ALPHA and self.p_decides:
            return "cannot tell"
        return place((self.low, self.high), (self.allowed_low, self.allowed_high))

    @property
    def p_decides(self) -> bool:
        """Whether the p-value tests what the interval shows, rather than equality with theirs."""
        return self.test.endswith(CORRECTED)


NEVER = "exact interval; one case refutes"
"""The test of a statement that something never happens."""

NEVER_ALLOWS = (0.0, RARE)
"""What such a statement allows."""

CORRECTED = "corrected after Holm"
"""The end of a test whose corrected p-value must be below 5 %, too."""


def place(interval: tuple[float, float], allowed: Range) -> str:
    """The verdict of one interval: NaN, too few runs, decides nothing."""
    (low, high), (least, most) = interval, allowed
    if least <= low and high <= most:
        return "agrees"
    return "differs" if high < least or low > most else "cannot tell"


def by_interval(
    claim: str,
    statement: str,
    estimates: Estimate | Sequence[Estimate],
    allowed: Range,
    *,
    theirs: str,
    ours: str,
    test: str,
    n: int,
    draws: int,
    p: float = np.nan,
    note: str = "",
) -> Verdict:
    """The verdict of one or several intervals.

    Args:
        claim, statement: as for :class:`Verdict`.
        estimates: our numbers with their intervals; several of them hold together.
        allowed: what the statement allows.
        theirs, ours, test, n, draws, p, note: as for :class:`Verdict`.
    """
    several = [estimates] if isinstance(estimates, tuple) else list(estimates)
    low, high = _decisive([(low, high) for _, low, high in several], allowed)
    p_corrected = p if test.endswith(CORRECTED) else np.nan
    decided = np.isnan(p_corrected) or p_corrected < ALPHA
    return Verdict(
        claim,
        statement,
        theirs,
        ours,
        low,
        high,
        *allowed,
        test=test,
        n=int(n),
        draws=int(draws),
        verdict=place((low, high), allowed) if decided else "cannot tell",
        p=p,
        p_corrected=p_corrected,
        note=note,
    )


def _decisive(intervals: Sequence[tuple[float, float]], allowed: Range) -> tuple[float, float]:
    """Of several intervals the one that the verdict hangs on."""
    for word in ("differs", "cannot tell", "agrees"):
        such = [interval for interval in intervals if place(interval, allowed) == word]
        if such:
            middle = np.clip(np.mean(allowed), -1e9, 1e9)
            distances = [max(abs(end - middle) for end in interval) for interval in such]
            return such[int(np.nanargmax(distances)) if np.isfinite(distances).any() else 0]
    return np.nan, np.nan


def never(
    claim: str, statement: str, ours: Estimate, count: int, *, n: int, draws: int, theirs: str
) -> Verdict:
    """The verdict on a statement that something never happens.

    Args:
        claim, statement: as for :class:`Verdict`.
        ours: the share of our runs in which it happens, with its interval.
        count: in how many of them.
        n, draws: as for :class:`Verdict`.
        theirs: how often it happened in theirs, and in how many runs.
    """
    _, low, high = ours
    words = f"{count} of {n}" if n else "no runs"
    note = f"confirmed only if at most {RARE:.0%} of runs can be such ones"
    if n and not np.isnan(high):
        words += f", {in_percent(*ours)}"
    if count and not low > 0:  # without an interval, or from 0 on: there is a case nevertheless
        low = 1e-9
    return Verdict(
        claim,
        statement,
        theirs,
        words,
        low,
        high,
        *NEVER_ALLOWS,
        test=NEVER,
        n=n,
        draws=draws,
        verdict="differs" if count else place((low, high), NEVER_ALLOWS),
        note=note,
    )


def correct(family: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts of one family of tests, each with its p-value corrected for their number."""
    corrected = holm([verdict.p for verdict in family])
    results = []
    for verdict, p in zip(family, corrected, strict=True):
        word = place((verdict.low, verdict.high), (verdict.allowed_low, verdict.allowed_high))
        if verdict.p_decides and not p < ALPHA:
            word = "cannot tell"
        results.append(replace(verdict, p_corrected=float(p), verdict=word))
    return results


COLUMNS = [field.name for field in fields(Verdict)]


def verdict_table(rows: Iterable[Verdict]) -> pd.DataFrame:
    """Verdicts as a table, in the order of their claims."""
    table = pd.DataFrame([asdict(row) for row in rows], columns=COLUMNS)
    return table.sort_values("claim", kind="stable", ignore_index=True)


def in_percent(value: float, low: float, high: float) -> str:
    """A share with its interval."""
    if np.isnan(low):
        return f"{value:.0%}"
    digits = 1 if max(value, high) < 0.05 else 0
    return f"{value:.{digits}%} ({low:.{digits}%} to {high:.{digits}%})"


def in_points(value: float, low: float, high: float, digits: int = 1) -> str:
    """A difference of accuracies in percentage points, with its interval where there is one."""
    text = f"{100 * value:+.{digits}f} points"
    if np.isnan(low):
        return text
    return f"{text} (95 % interval {100 * low:+.{digits}f} to {100 * high:+.{digits}f})"


def in_numbers(estimate: Estimate, form: str = "{:.2f}") -> str:
    """A number with its interval where there is one."""
    value, low, high = (form.format(number) for number in estimate)
    return value if np.isnan(estimate[1]) else f"{value} ({low} to {high})"


def value_range(values: pd.Series, form: str = "{:.1%}") -> str:
    """The smallest and the largest of some values, or the one if they read alike."""
    ends = [form.format(value) for value in (values.min(), values.max())]
    return " to ".join(dict.fromkeys(ends))


def headline(verdicts: pd.DataFrame, statements: str = "statements of the thesis") -> str:
    """One sentence: how many statements agree, differ, cannot be told.

    Args:
        verdicts: as :func:`verdict_table`.
        statements: what they are called.
    """
    counts = count_verdicts(verdicts)
    words = ", ".join(f"{counts.get(word, 0)} {word}" for word in VERDICTS)
    return f"{words} of {len(verdicts)} {statements}"


def count_verdicts(verdicts: pd.DataFrame) -> dict[str, int]:
    """How many statements have each verdict, the most frequent first."""
    return verdicts["verdict"].value_counts().to_dict()


def markdown(verdicts: pd.DataFrame, said: str = "the thesis says") -> str:
    """Verdicts as a table in Markdown: claim, statement, theirs, ours, n, verdict, note.

    Args:
        verdicts: as :func:`verdict_table`.
        said: above the statements.
    """
    lines = [
        f"| claim | {said} | theirs | ours | runs (draws) | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for row in verdicts.itertuples():
        note = f" ({row.note})" if isinstance(row.note, str) and row.note else ""
        counts = f"{row.n} ({row.draws})"
        cells = (row.claim, row.statement, row.theirs, row.ours, counts, f"**{row.verdict}**{note}")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)
