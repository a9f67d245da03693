"""Verdicts of notebook 09 on claims 10, 11 and 16, and its facts.

Claim 10: without two independent tasks on inputs of their own, or without training, networks do not
separate. Claim 11: the less independent the tasks, the fewer networks separate. Claim 16: a
separated mask fits the tasks and their inputs, rather than the examples it was found with.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from lth_utils.studies import statistics
from lth_utils.studies.controls_and_dials.parameters import PAIR, ROTATED, SHARED, Condition
from lth_utils.studies.controls_and_dials.tables import KEYS, NOTHING, change, condition
from lth_utils.studies.controls_and_dials.transplants import ACROSS, SWAPPED
from lth_utils.studies.verdict import (
    ALIKE,
    SAME,
    Verdict,
    by_interval,
    count_verdicts,
    in_numbers,
    in_percent,
    in_points,
    never,
    verdict_table,
)

NEVER_APART = {
    "random pruning": "networks pruned at random, as many weights per layer left at random places",
    "circles shuffled": "networks whose labels of the circles mean nothing",
    "moons shuffled": "networks whose labels of the moons mean nothing",
    "both shuffled": "networks none of whose labels mean anything",
    "exclusive or": "networks whose second label needs both tasks",
    ROTATED: "networks on inputs that are made of both tasks in equal parts",
}
"""Of whom the story says that they never separate with both tasks kept."""

RANDOM_FACTOR = "the draw of the data a random factor"


def verdicts(found: pd.DataFrame, drops: pd.DataFrame) -> pd.DataFrame:
    """Verdicts on claims 10, 11 and 16.

    Args:
        found: as ``tables.found_table``.
        drops: as ``transplants.accuracy_drops``.
    """
    return verdict_table([*_controls(found), *_dials(found), *_transplants(drops)])


def _controls(found: pd.DataFrame) -> Iterator[Verdict]:
    """The rows of claim 10."""
    for name, who in NEVER_APART.items():
        own = condition(found, Condition(name, PAIR.n_samples, 0.0))
        if len(own):
            yield _never("10", f"{who} never separate with both tasks kept", own, "apart")
    own = condition(found, Condition(SHARED, PAIR.n_samples, 0.0))
    if len(own):
        text = "networks whose tasks need a common input never part at that input, both tasks kept"
        yield _never("10", text, own, "no_common")
    twice = condition(found, Condition("twice", PAIR.n_samples, 0.0))
    pair = condition(found, PAIR)
    if len(twice) and len(pair):
        yield _less_often(pair, twice)
    yield from _noise_dropped(found)


def _never(claim: str, statement: str, own: pd.DataFrame, column: str) -> Verdict:
    """A row on something that never happens."""
    return never(
        claim,
        statement,
        statistics.clustered_share(own[column], own["draw"]),
        int(own[column].sum()),
        n=len(own),
        draws=own["draw"].nunique(),
        theirs="follows from the story",
    )


def _less_often(pair: pd.DataFrame, twice: pd.DataFrame) -> Verdict:
    """The row on one task given twice."""
    shares = [statistics.clustered_share(rows["apart"], rows["draw"]) for rows in (twice, pair)]
    less = statistics.clustered_difference(
        pair["apart"], pair["draw"], twice["apart"], twice["draw"]
    )
    return by_interval(
        "10",
        "one task given twice, with a copy of its inputs, separates less often than two tasks do "
        f"(by more than {ALIKE})",
        less,
        (ALIKE, 1.0),
        theirs="follows from the story",
        ours=f"{in_percent(*shares[0])}, two tasks {in_percent(*shares[1])}; difference "
        f"{in_numbers(less)}",
        test=f"mean difference within draws (Student), {RANDOM_FACTOR}",
        n=len(twice) + len(pair),
        draws=twice["draw"].nunique(),
    )


def _noise_dropped(found: pd.DataFrame) -> Iterator[Verdict]:
    """The row on what becomes of a task whose labels are noise."""
    parts = []
    for name in ("circles", "moons"):
        own = condition(found, Condition(f"{name} shuffled", PAIR.n_samples, 0.0))
        parts.append(own.assign(dropped=own["lost"] == name))
    own = pd.concat(parts)
    if own.empty:
        return
    estimate = statistics.clustered_share(own["dropped"], own["draw"])
    other = int(((own["lost"] != NOTHING) & ~own["dropped"]).sum())
    yield by_interval(
        "10",
        "of a task and one whose labels mean nothing, pruning drops an input or output of the "
        "latter alone, in more than half of the networks",
        estimate,
        (0.5, 1.0),
        theirs="follows from the story",
        ours=f"{int(own['dropped'].sum())} of {len(own)}, {in_percent(*estimate)}; {other} lost "
        "one of the other task or of both",
        test=f"interval of the share, {RANDOM_FACTOR}",
        n=len(own),
        draws=own["draw"].nunique(),
    )


def _dials(found: pd.DataFrame) -> Iterator[Verdict]:
    """The rows of claim 11."""
    where = found[["dial", "n_samples"]].drop_duplicates()
    for n in where.loc[where["dial"] == "dependence", "n_samples"]:
        text = f"the more two labels depend on each other, the fewer networks separate ({n} points"
        yield from _change(found, "dependence", n, text, (-1.0, -ALIKE), "by more than 0.1)")
    n = PAIR.n_samples
    text = "the further inputs are rotated into each other, the fewer networks separate ("
    yield from _change(found, "rotation", n, text, (-1.0, -ALIKE), "by more than 0.1)")
    text = "networks part as far as the tasks' own inputs allow, however many these share ("
    yield from _change(found, "overlap", n, text, (-ALIKE, 1.0), "not rarer by more than 0.1)")
    for dial, said in (("dependence", "dependence of the labels"), ("rotation", "rotation")):
        text = f"the share of paths inside the tasks' blocks beyond chance falls with the {said}"
        yield from _change(found, dial, n, text, (-1.0, 0.0), "", "excess")
    pair = condition(found, PAIR).dropna(subset=["excess"])
    if len(pair):
        yield _excess(pair)


def _change(
    found: pd.DataFrame,
    dial: str,
    n_samples: int,
    text: str,
    allowed: tuple[float, float],
    margin: str,
    column: str = "apart",
) -> Iterator[Verdict]:
    """The row on what one dial changes, nothing where it stands in one place."""
    estimate, both = change(found, dial, n_samples, column)
    ends = both.groupby("value")[column].mean()
    if len(ends) < 2:
        return
    form = "{:.0%}" if column == "apart" else "{:+.2f}"
    start, end = form.format(ends.iloc[0]), form.format(ends.iloc[-1])
    joint = "" if not margin else ", " if text.endswith("points") else ""
    yield by_interval(
        "11",
        f"{text}{joint}{margin}",
        estimate,
        allowed,
        theirs="follows from the story",
        ours=f"from {start} to {end}; change {in_numbers(estimate, '{:+.2f}')}",
        test=f"mean difference of both ends within draws (Student), {RANDOM_FACTOR}",
        n=len(both),
        draws=both["draw"].nunique(),
    )


def _excess(pair: pd.DataFrame) -> Verdict:
    """The row on the paths of two independent tasks."""
    estimate = statistics.clustered_mean(pair["excess"], pair["draw"])
    degrees = pair.dropna(subset=["excess_degrees"])
    second = statistics.clustered_mean(degrees["excess_degrees"], degrees["draw"])
    return by_interval(
        "11",
        f"of two independent tasks, more paths lie inside the blocks than by chance (by more than "
        f"{ALIKE} of all paths)",
        estimate,
        (ALIKE, 1.0),
        theirs="follows from the story",
        ours=f"{in_numbers(estimate, '{:+.2f}')} of all paths; beyond random masks of the same "
        f"degrees {in_numbers(second, '{:+.2f}')}",
        test=f"Student's interval of the means of draws, {RANDOM_FACTOR}",
        n=len(pair),
        draws=pair["draw"].nunique(),
    )


TRANSPLANT_ROWS = {
    "another draw": (
        "a separated ticket is as accurate on another draw of the same problems "
        f"(within {100 * SAME} points)",
        (-SAME, SAME),
    ),
    SWAPPED: (
        "with both tasks swapped it is less accurate: its parts fit their own task "
        f"(more than {100 * SAME} points)",
        (SAME, 1.0),
    ),
    ACROSS: (
        "with inputs that change places across its parts it is less accurate "
        f"(more than {100 * SAME} points)",
        (SAME, 1.0),
    ),
    "mask shuffled in each layer": (
        f"with its mask shuffled in each layer it is less accurate (more than {100 * SAME} points)",
        (SAME, 1.0),
    ),
}
"""Statements of claim 16, and the drops of accuracy that they allow, by transplant."""


def _transplants(drops: pd.DataFrame) -> Iterator[Verdict]:
    """The rows of claim 16."""
    for row in drops.itertuples():
        statement, allowed = TRANSPLANT_ROWS[row.transplant]
        estimate = (row.drop, row.drop_low, row.drop_high)
        yield by_interval(
            "16",
            statement,
            estimate,
            allowed,
            theirs="follows from the story",
            ours=f"{in_points(*_turned(estimate))}, the worse task "
            f"{in_points(*_turned((row.worse_drop, row.worse_drop_low, row.worse_drop_high)))}",
            test=f"Student's interval of the means of draws, {RANDOM_FACTOR}",
            n=row.tickets,
            draws=row.draws,
        )


def _turned(drop: statistics.Interval) -> statistics.Interval:
    """A drop as a change."""
    value, low, high = drop
    return -value, -high, -low


def facts(found: pd.DataFrame, drops: pd.DataFrame, verdicts: pd.DataFrame, n_runs: int) -> dict:
    """The facts of notebook 09.

    Args:
        found: as ``tables.found_table``.
        drops: as ``transplants.accuracy_drops``.
        verdicts: as :func:`verdicts`.
        n_runs: how many runs it is about.
    """
    counts = found.groupby(KEYS, sort=False)["apart"].agg(["sum", "size"])
    apart = {}
    for (dial, n_samples, value), (count, runs) in counts.iterrows():
        apart[f"{dial}, {n_samples} points, {value:g}"] = [int(count), int(runs)]
    accuracy = {row.transplant: round(float(row.drop), 4) for row in drops.itertuples()}
    pair = condition(found, PAIR)
    share = statistics.clustered_share(pair["apart"], pair["draw"])
    agree = count_verdicts(verdicts)
    words = ", ".join(f"{count} {word}" for word, count in agree.items())
    return {
        "headline": f"two independent tasks: {int(pair['apart'].sum())} of {len(pair)} networks "
        f"separate with both kept, {in_percent(*share)}; of {len(verdicts)} statements that "
        f"follow from the thesis' story {words}",
        "runs": n_runs,
        "verdicts": agree,
        "apart": apart,
        "accuracy_drop": accuracy,
        "excess": round(float(np.nanmean(pair["excess"])), 4),
    }
