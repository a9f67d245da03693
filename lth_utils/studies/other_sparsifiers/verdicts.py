"""Verdicts of notebook 11, and its facts.

What is allowed was written down before the kept runs: methods that see the data and train separate,
SynFlow and random pruning never do, and tickets do it more often than any rival at equal budget.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lth_utils.studies.like_theirs import as_many
from lth_utils.studies.other_sparsifiers import tables
from lth_utils.studies.other_sparsifiers.anchors import KNOWN
from lth_utils.studies.other_sparsifiers.ways import (
    IN_TRAINING,
    TRAINED,
    WAYS,
    WITHOUT_DATA,
    kind_of,
)
from lth_utils.studies.statistics import (
    clustered_share,
    mean_interval,
    median_interval,
    paired_test,
    share,
)
from lth_utils.studies.verdict import (
    CORRECTED,
    RARE,
    Verdict,
    by_interval,
    correct,
    count_verdicts,
    in_numbers,
    in_percent,
    in_points,
    never,
    verdict_table,
)

CLAIM = "12"

FACTOR = 1.1
"""Effective compressions whose ratio is nearer to one than this count as the same."""

SIZE = 100.0
"""The compression at which accuracies are compared."""

PAIRS = (
    ("SynFlow", "random"),
    ("random, ERK", "random"),
    ("SNIP", "random, ERK"),
    ("SynFlow", "random, ERK"),
    ("tickets", "SynFlow"),
    ("tickets", "random, ERK"),
)
"""Ways whose accuracies are compared, the one that should be better first."""


def on_points(rows: pd.DataFrame) -> list[Verdict]:
    """Who separates, at the smallest budget and at any.

    Args:
        rows: as ``tables.points``.
    """
    ever, last = tables.at_any_level(rows), rows[rows["available"] == rows["available"].min()]
    found = []
    for way in [way for way in WAYS if way in set(rows["way"])]:
        if kind_of(way) == WITHOUT_DATA:
            found.append(_never(way, ever[ever["way"] == way]))
        elif way != "tickets":
            found.append(_separates(way, last[last["way"] == way]))
    return found + correct(_more_often(last))


def _never(way: str, runs: pd.DataFrame) -> Verdict:
    """The row on a way that sees no data."""
    estimate = clustered_share(runs["apart"], runs["draw"])
    return never(
        CLAIM,
        f"{way}: pruning without data never separates, at any size",
        estimate,
        int(runs["apart"].sum()),
        n=len(runs),
        draws=runs["draw"].nunique(),
        theirs="predicted",
    )


def _separates(way: str, runs: pd.DataFrame) -> Verdict:
    """The row on a way that sees the data."""
    estimate = clustered_share(runs["apart"], runs["draw"])
    predicted = kind_of(way) in (TRAINED, IN_TRAINING)
    return by_interval(
        CLAIM,
        f"{way} separates the tasks without losing one, in more than {RARE:.0%} of the runs, at "
        "the smallest size",
        estimate,
        (RARE, 1.0),
        theirs="predicted" if predicted else "not asked",
        ours=f"{int(runs['apart'].sum())} of {len(runs)}, {in_percent(*estimate)}",
        test="interval of the share, the draw of the data a random factor",
        n=len(runs),
        draws=runs["draw"].nunique(),
    )


def _more_often(last: pd.DataFrame) -> list[Verdict]:
    """The rows that hold tickets beside the rivals that train."""
    family = []
    by_draw = last.pivot_table(index="draw", columns="way", values="apart", aggfunc="mean")
    differences = tables.beside_tickets(last).set_index("way")
    for way in [way for way in WAYS if way in differences.index]:
        if kind_of(way) not in (TRAINED, IN_TRAINING):
            continue
        row, runs = differences.loc[way], last["way"].isin(["tickets", way])
        estimate = tuple(row[["apart", "apart_low", "apart_high"]])
        family.append(
            by_interval(
                CLAIM,
                f"tickets separate more often than {way}, at the smallest size",
                estimate,
                (0.0, 1.0),
                theirs="predicted",
                ours=f"difference of the shares {in_numbers(estimate, '{:+.2f}')}; of the mean "
                "accuracies " + in_points(*row[["accuracy", "accuracy_low", "accuracy_high"]]),
                test=f"Student's interval of the draws' differences; {CORRECTED}",
                n=int(runs.sum()),
                draws=int(row["draws"]),
                p=paired_test((by_draw["tickets"] - by_draw[way]).dropna()),
            )
        )
    return family


def on_compression(found: pd.DataFrame) -> list[Verdict]:
    """Whether effective compression at initialisation is that of the anchors.

    Args:
        found: as ``anchors.effective_compression``.
    """
    rows = []
    for way, own in found.groupby("way", sort=False):
        known = KNOWN[(KNOWN["way"] == way) & KNOWN["effective"].notna()].set_index("compression")
        both = [size for size in known.index if size in set(own["compression"])]
        if not both:
            continue
        estimates = []
        for size in both:
            ratios = own.loc[own["compression"] == size, "effective"] / known["effective"][size]
            estimates.append(median_interval(ratios, 1 - 0.05 / len(both)))
        middle = [value for value, _, _ in estimates]
        rows.append(
            by_interval(
                CLAIM,
                f"{way}: effective compression at initialisation is that of the anchors, by less "
                f"than {FACTOR - 1:.0%}",
                estimates,
                (1 / FACTOR, FACTOR),
                theirs=_in_words(known.loc[both, "effective"]),
                ours=f"ratios of the medians {min(middle):.2f} to {max(middle):.2f}",
                test=f"intervals of {len(both)} medians, corrected after Bonferroni",
                n=int(own["seed"].nunique()),
                draws=1,
                note="no test: inputs are scaled as these anchors ask for" if way == "SNIP" else "",
            )
        )
    return rows + _collapse(found)


def _in_words(effective: pd.Series) -> str:
    """Anchors as ``effective at direct``."""
    return ", ".join(f"{value:g} at {size}" for size, value in effective.items())


def _collapse(found: pd.DataFrame) -> list[Verdict]:
    """The row on networks without any path.

    Where all of theirs and ours, or none, have no path, the other ways and compressions would be
    averaged with zeros, and no difference could show.
    """
    counts = tables.shares_dead(found)
    given = KNOWN.assign(stratum=KNOWN["way"] + ", " + KNOWN["compression"].astype(str))
    given = given.rename(columns={"dead": "count"})[["stratum", "count", "runs"]]
    columns = ["stratum", "count", "runs"]
    both = pd.concat([counts[columns], given]).groupby("stratum")
    both = both.sum()[both.size() > 1]  # what both have
    open_ones = both.index[(both["count"] > 0) & (both["count"] < both["runs"])]
    counts, given = (part[part["stratum"].isin(open_ones)] for part in (counts, given))
    if counts.empty:
        return []
    row = as_many(
        CLAIM,
        "where some, but not all, have no path left, these are as many as among the anchors",
        counts,
        given,
        share=share(counts["count"].sum(), counts["runs"].sum()),
        strata=("way and compression", "ways and compressions"),
        theirs=f"{given['count'].sum()} of {given['runs'].sum()}",
    )
    return [row]


def on_images(rows: pd.DataFrame) -> list[Verdict]:
    """Accuracies at equal direct and at equal effective compression.

    Args:
        rows: as ``tables.images``.
    """
    parts = [tables.accuracy_at(rows, [SIZE], axis) for axis in ("compression", "effective")]
    values = {
        axis: part.pivot(index="seed", columns="way", values="accuracy")
        for axis, part in zip(("compression", "effective"), parts, strict=True)
    }
    untrained = [way for way in values["effective"] if kind_of(way) != TRAINED]
    if len(untrained) < 2:
        return []
    direct, effective = (values[axis][untrained].dropna() for axis in values)
    both = direct.index.intersection(effective.index)
    spreads = [
        table.loc[both].max(axis=1) - table.loc[both].min(axis=1) for table in (direct, effective)
    ]
    found = [
        _points(
            f"methods that prune at initialisation differ less at equal effective than at equal "
            f"direct compression, at {SIZE:.0f}",
            spreads[0] - spreads[1],
            f"best less worst {in_points(*mean_interval(spreads[0]))} at equal direct, "
            f"{in_points(*mean_interval(spreads[1]))} at equal effective compression",
            theirs="Vysogorets & Kempe 2023",
        )
    ]
    return found + correct(_more_accurate(values["effective"]))


def _more_accurate(equal: pd.DataFrame) -> list[Verdict]:
    """The rows that hold ways beside each other; equal: accuracies, a column per way."""
    family = []
    for better, worse in PAIRS:
        if not {better, worse} <= set(equal):
            continue
        row = _points(
            f"{better}: more accurate than {worse} at equal effective compression, at {SIZE:.0f}",
            (equal[better] - equal[worse]).dropna(),
            theirs="not asked",
            tested=True,
        )
        family.append(row)
    return family


def _points(
    statement: str, differences: pd.Series, words: str = "", *, theirs: str, tested: bool = False
) -> Verdict:
    """A row on differences of accuracies within seeds, which should be above zero.

    Args:
        statement, theirs: as for the row.
        differences: one per seed.
        words: what else there is to say of ours.
        tested: as one of a family.
    """
    estimate = mean_interval(differences)
    ours = in_points(*estimate)
    test = "Student's interval of the difference within seeds"
    return by_interval(
        CLAIM,
        statement,
        estimate,
        (0.0, np.inf),
        theirs=theirs,
        ours=f"{words}; difference {ours}" if words else ours,
        test=f"{test}; {CORRECTED}" if tested else test,
        n=len(differences),
        draws=1 if len(differences) else 0,
        p=paired_test(differences) if tested else np.nan,
    )


def verdicts(*parts: Sequence[Verdict]) -> pd.DataFrame:
    """All rows as one table."""
    return verdict_table([row for part in parts for row in part])


def headline(budgets: pd.DataFrame) -> str:
    """One sentence: who separates at the smallest size.

    Args:
        budgets: as ``tables.by_budget``.
    """
    last = budgets[budgets["available"] == budgets["available"].min()]
    words = [f"{row['way']} {row['apart']:.0%}" for _, row in last.iterrows()]
    return (
        f"with {int(last['available'].min())} weights left, separated without losing a task: "
        f"{', '.join(words)}"
    )


def facts(budgets: pd.DataFrame, verdicts: pd.DataFrame, *, n_runs: int) -> dict:
    """The facts of notebook 11.

    Args:
        budgets: as ``tables.by_budget``.
        verdicts: as :func:`verdicts`.
        n_runs: how many runs it is about.
    """
    last = budgets[budgets["available"] == budgets["available"].min()].set_index("way")
    return {
        "headline": headline(budgets),
        "runs": n_runs,
        "verdicts": count_verdicts(verdicts),
        "apart": {way: float(value) for way, value in last["apart"].items()},
        "accuracy": {way: float(value) for way, value in last["accuracy"].items()},
    }
