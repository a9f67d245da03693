"""Verdicts of notebook 10 on claims 13 to 15, and its facts.

These are not sentences of the thesis, but what its story predicts: tickets resemble the structure
of the data (13, hidden blocks), of any number of tasks and in proportion to them (14), and also
functions inside of a task (15).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from lth_utils.studies.hidden_structure.discovery import OURS
from lth_utils.studies.hidden_structure.inner import THEIRS
from lth_utils.studies.hidden_structure.words import (
    advantages,
    best_other,
    partition_title,
)
from lth_utils.studies.statistics import (
    clustered_mean,
    clustered_share,
    share,
)
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

PREDICTED = "predicted by the story"

STUDENT = "Student's interval of the means of draws"

CLUSTERED = "interval of a share, clustered by draw"

FEW = 150
"""Examples up to which data are few."""

FROM = 4
"""Tasks from which on there are many."""


def verdicts(
    found: pd.DataFrame,
    scores: pd.DataFrame,
    examples: Mapping[str, int],
    *,
    many: pd.DataFrame,
    unequal: pd.DataFrame,
    inner: pd.DataFrame,
) -> pd.DataFrame:
    """Verdicts on claims 13, 14 and 15.

    Args:
        found: as ``found_table``.
        scores: as ``score_table``.
        examples: number of examples of each condition, by its title.
        many: as ``many_table``.
        unequal: as ``unequal_table``.
        inner: as ``inner_table``.
    """
    rows = [*_blocks(found), *_advantages(found), *_gains(scores, examples)]
    rows += [*_many(many), *_unequal(unequal), *_inner(inner)]
    return verdict_table(rows)


def _blocks(found: pd.DataFrame) -> Iterator[Verdict]:
    """Whether tickets find what there is, and nothing where there is nothing."""
    own = found[found["method"] == OURS]
    alone = own["condition"].str.contains("one block")
    for bank, of_bank in own[own["condition"] == "1000 examples"].groupby("bank", sort=False):
        estimate = share(of_bank["exact"].sum(), len(of_bank))
        yield by_interval(
            "13",
            f"tickets find {bank} blocks exactly, of 1000 examples, in most draws",
            estimate,
            (0.5, 1),
            theirs=PREDICTED,
            ours=in_percent(*estimate),
            test="exact interval of a share",
            n=len(of_bank),
            draws=of_bank["draw"].nunique(),
        )
    of_one = own[alone]
    if len(of_one):
        divided = int((of_one["exact"] == 0).sum())
        yield never(
            "13",
            "a single block is never divided, nor loses an input",
            clustered_share(1 - of_one["exact"], of_one["draw"]),
            divided,
            n=len(of_one),
            draws=of_one["draw"].nunique(),
            theirs=PREDICTED,
        )


def _advantages(found: pd.DataFrame) -> Iterator[Verdict]:
    """Whether any other method does as well: over all, and in each bank."""
    banks = list(found.groupby("bank", sort=False))
    places = [("all banks", found), *banks] if len(banks) > 1 else banks
    for where, own in places:
        against, other = advantages(own, len(places)), best_other(own)
        yield by_interval(
            "13",
            f"tickets find more than each of {len(against)} other methods ({where})",
            list(against.values()),
            (0, 2),
            theirs=PREDICTED,
            ours=f"index higher than that of {other}, the best of them, by "
            f"{in_numbers(against[other], '{:+.3f}')}",
            test=f"{STUDENT}, together for all methods and rows",
            n=len(own[own["method"] == OURS]),
            draws=own["draw"].nunique(),
        )


def _gains(scores: pd.DataFrame, examples: Mapping[str, int]) -> Iterator[Verdict]:
    """Whether tickets gain where data are few."""
    few = scores[scores["condition"].map(examples) <= FEW]
    if not len(few):
        return
    for bank, own in few.groupby("bank", sort=False):
        estimate = clustered_mean(own["ticket"] - own["dense"], own["draw"])
        yield by_interval(
            "13",
            f"of at most {FEW} examples tickets are more accurate than dense networks ({bank}, by "
            f"more than {100 * SAME} points)",
            estimate,
            (SAME, 1),
            theirs=PREDICTED,
            ours=in_points(*estimate),
            test=STUDENT,
            n=len(own),
            draws=own["draw"].nunique(),
        )


def _many(levels: pd.DataFrame) -> Iterator[Verdict]:
    """Whether any number of tasks is found."""
    chosen = levels[levels["chosen"] & (levels["k"] >= FROM)]
    if not len(chosen):
        return
    numbers = sorted(set(chosen["k"]))
    level = 1 - 0.05 / len(numbers)
    by_k = [chosen[chosen["k"] == k] for k in numbers]
    estimates = [clustered_mean(o["index"] - o["null"], o["draw"], level) for o in by_k]
    words = [f"{k}: {in_numbers(e)}" for k, e in zip(numbers, estimates, strict=True)]
    yield by_interval(
        "14",
        f"{FROM} tasks and more are found: index above that of random masks (by more than {ALIKE})",
        estimates,
        (ALIKE, 2),
        theirs=PREDICTED,
        ours="; ".join(words),
        test=f"{STUDENT}, together for all numbers of tasks",
        n=len(chosen),
        draws=chosen["draw"].nunique(),
    )
    exact = chosen["index"] > 1 - 1e-9
    estimate = clustered_share(exact, chosen["draw"])
    yield by_interval(
        "14",
        f"{FROM} tasks and more are found exactly in most runs",
        estimate,
        (0.5, 1),
        theirs=PREDICTED,
        ours=f"{int(exact.sum())} of {len(chosen)}, {in_percent(*estimate)}",
        test=CLUSTERED,
        n=len(chosen),
        draws=chosen["draw"].nunique(),
    )


def _unequal(table: pd.DataFrame) -> Iterator[Verdict]:
    """Whether weights follow difficulty, and the weaker task is the one that is lost."""
    plain = (table["inputs"] == 2) & (table["distractors"] == 0)
    weaker = table[plain & ((table["noise"] > 0) | (table["weight"] < 1))]
    lost = weaker["lost"].isin(["second", "never learned"])
    if len(weaker):
        estimate = clustered_share(lost, weaker["draw"])
        yield by_interval(
            "14",
            "of two unequal tasks the noisier, or lighter, one is lost first, or never learned, in "
            "most runs",
            estimate,
            (0.5, 1),
            theirs=PREDICTED,
            ours=f"{int(lost.sum())} of {len(weaker)}, {in_percent(*estimate)}",
            test=CLUSTERED,
            n=len(weaker),
            draws=weaker["draw"].nunique(),
        )
    cells = {
        "with eight inputs against two has more": (table["inputs"] == 8, (0.5, 1)),
        "whose loss weighs 0.2 has fewer": (
            plain & (table["weight"] == 0.2) & (table["noise"] == 0),
            (0, 0.5),
        ),
        "with a fifth of its labels flipped has fewer": (
            plain & (table["noise"] == 0.2) & (table["weight"] == 1),
            (0, 0.5),
        ),
    }
    for name, (rows, allowed) in cells.items():
        own = table[rows & table["share"].notna()]
        if len(own) < 2:
            continue
        estimate = clustered_mean(own["share"], own["draw"])
        yield by_interval(
            "14",
            f"the task {name} than half of the weights once the tasks are apart",
            estimate,
            allowed,
            theirs=PREDICTED,
            ours=in_percent(*estimate),
            test=STUDENT,
            n=len(own),
            draws=own["draw"].nunique(),
        )


def _inner(table: pd.DataFrame) -> Iterator[Verdict]:
    """Whether inner functions are found as often as by Neural Sculpting."""
    for overlap, own in table.groupby("overlap"):
        low, high = THEIRS[int(overlap)]
        estimate = clustered_share(own["found"], own["draw"])
        yield by_interval(
            "15",
            f"inner functions that share {overlap} inputs are found at least as often as by "
            f"sculpting (not rarer by more than {ALIKE})",
            estimate,
            (max(0.0, low - ALIKE), 1),
            theirs=f"Neural Sculpting: {low:.0%} to {high:.0%}",
            ours=f"{int(own['found'].sum())} of {len(own)}, {in_percent(*estimate)}",
            test=CLUSTERED,
            n=len(own),
            draws=own["draw"].nunique(),
            note=f"random masks: {own['null_found'].mean():.0%}; all units must be pure",
        )


def facts(
    found: pd.DataFrame, table: pd.DataFrame, *, n_runs: int, conditions: Sequence[str]
) -> dict:
    """The facts of notebook 10.

    Args:
        found: as ``found_table``.
        table: as :func:`verdicts`.
        n_runs: how many runs it is about.
        conditions: titles of the conditions.
    """
    means = found.groupby("method")["index"].mean().sort_values(ascending=False)
    value, low, high = advantages(found)[best_other(found)]
    known = not np.isnan(low)
    return {
        "headline": partition_title(found),
        "runs": n_runs,
        "conditions": list(conditions),
        "index": {str(name): round(float(mean), 3) for name, mean in means.items()},
        "advantage": [round(v, 4) for v in (value, low, high)] if known else round(value, 4),
        "verdicts": count_verdicts(table),
    }
