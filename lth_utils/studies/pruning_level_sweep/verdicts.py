"""Verdicts of notebook 04 on claim 3, and its facts."""

from __future__ import annotations

import pandas as pd

from lth_utils.studies.like_theirs import as_large, as_many
from lth_utils.studies.reference import reference
from lth_utils.studies.statistics import clustered_share
from lth_utils.studies.verdict import (
    RARE,
    SEPARATED,
    Verdict,
    by_interval,
    correct,
    count_verdicts,
    headline,
    in_percent,
    never,
    verdict_table,
)

HIGHEST_RATE = 0.66
"""Above the largest rate at which a network of theirs of width 48 separated, 0.649."""


def pruning_levels(runs: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Verdicts on claim 3.

    Args:
        runs: as ``outcomes.outcomes``, with the columns of ``with_sizes``.
        theirs: ``reference("separations_by_size_and_levels")``.
    """
    runs = runs.assign(separated=runs["outcome"].isin(SEPARATED))
    rows, alike = [], []
    for width, at in runs.groupby("width"):
        given = theirs[theirs["hidden_width"] == width]
        if given.empty:
            continue
        rows.append(_does_it(int(width), at, given))
        alike.append(_like_theirs(int(width), at, given))
    at_48 = runs[runs["width"] == 48]
    if len(at_48):
        rows += _rates(at_48, theirs[theirs["hidden_width"] == 48])
        rows += _active(at_48)
    return verdict_table(rows + correct(alike))


def facts(runs: pd.DataFrame, verdicts: pd.DataFrame, *, target: int, n_runs: int) -> dict:
    """The facts of notebook 04.

    Args:
        runs: the grid, as ``outcomes.outcomes`` with the column ``width``.
        verdicts: as :func:`pruning_levels`.
        target: weights left after the last level.
        n_runs: how many runs it is about.
    """
    separated = runs["outcome"].isin(SEPARATED)
    counts = {}
    for width, at in separated.groupby(runs["width"]):
        counts[str(width)] = [int(at.sum()), len(at)]
    texts = [f"{width}: {count} of {total}" for width, (count, total) in counts.items()]
    by_width = f"separated at {target} weights, by width: {', '.join(texts)}"
    return {
        "headline": f"{by_width}; {headline(verdicts)}",
        "runs": n_runs,
        "verdicts": count_verdicts(verdicts),
        "separated": counts,
    }


def _size(runs: pd.DataFrame) -> dict[str, int]:
    return {"n": len(runs), "draws": runs["draw"].nunique()}


def _share(runs: pd.DataFrame, level: float = 0.95):
    return clustered_share(runs["separated"], runs["draw"], level)


def _does_it(width: int, ours: pd.DataFrame, theirs: pd.DataFrame) -> Verdict:
    """Does a width separate at all?"""
    count, share = int(ours["separated"].sum()), _share(ours)
    given = f"{theirs['n_separated'].sum()} of {theirs['n_runs'].sum()}"
    if width < 48:
        statement = f"width {width} never separates at target 112"
        return never("3", statement, share, count, theirs=given, **_size(ours))
    return by_interval(
        "3",
        f"width {width} does separate at target 112: more than {RARE:.0%} of its networks",
        share,
        (RARE, 1.0),
        theirs=given,
        ours=f"{count} of {len(ours)}, {in_percent(*share)}",
        test="interval of the share, the draw of the data a random factor",
        **_size(ours),
    )


def _like_theirs(width: int, ours: pd.DataFrame, theirs: pd.DataFrame) -> Verdict:
    """As many as theirs, all numbers of levels together."""
    counts = ours.groupby(["levels", "draw"])["separated"].agg(count="sum", runs="size")
    counts = counts.reset_index().rename(columns={"levels": "stratum"})
    names = {"pruning_levels": "stratum", "n_separated": "count", "n_runs": "runs"}
    given = theirs.rename(columns=names)[["stratum", "count", "runs"]]
    given = given[given["stratum"].isin(counts["stratum"])]
    return as_many(
        "3",
        f"of width {width} as many separate as in the thesis",
        counts,
        given,
        share=_share(ours),
        strata=("number of levels", "numbers of levels"),
        theirs=f"{given['count'].sum()} of {given['runs'].sum()}",
    )


def _rates(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[Verdict]:
    """Width 48: what the pruning rate per level decides."""
    rows = []
    gentle, harsh = ours[ours["rate"] < 0.41], ours[ours["rate"] > HIGHEST_RATE]
    if len(gentle):
        rows.append(_consistently(gentle, theirs[theirs["pruning_levels"] >= 6]))
    if len(harsh):
        given = theirs[theirs["pruning_rate_effective_mean"] > HIGHEST_RATE]
        rows.append(
            never(
                "3",
                f"no rate above {HIGHEST_RATE} separates width 48",
                _share(harsh),
                int(harsh["separated"].sum()),
                theirs=f"{given['n_separated'].sum()} of {given['n_runs'].sum()}",
                **_size(harsh),
            )
        )
    return rows


def _consistently(ours: pd.DataFrame, theirs: pd.DataFrame) -> Verdict:
    levels = ours.groupby("levels")
    shares = [_share(rows, 1 - 0.05 / levels.ngroups) for _, rows in levels]
    values = [value for value, _, _ in shares]
    return by_interval(
        "3",
        "rates below 0.41 separate width 48 consistently (most runs at each number of levels)",
        shares,
        (0.5, 1.0),
        theirs=f"{', '.join(map(str, theirs['n_separated']))} of {theirs['n_runs'].max()}",
        ours=f"{in_percent(*_share(ours))} taken together, by level {min(values):.0%} to "
        f"{max(values):.0%}",
        test="intervals of all numbers of levels that hold together (Bonferroni)",
        **_size(ours),
    )


def _active(ours: pd.DataFrame) -> list[Verdict]:
    """Active weights of width 48 after the last level, each run of theirs among ours."""
    names = ["stratum", "value"]
    theirs = reference("grid_width48_active_weights")
    given = theirs[["pruning_levels", "active_weights_at_end"]].set_axis(names, axis=1)
    values = ours[["levels", "active_end", "draw"]].set_axis([*names, "draw"], axis=1)
    statement = "width 48 has as many active weights at the end as theirs"
    return as_large("3", statement, values.astype({"value": float}), given, theirs="{runs} runs")
