"""Verdicts of notebook 07 on claim 9, and its facts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lth_utils.studies.one_shot_or_iterative.tables import separated_at_any_level
from lth_utils.studies.statistics import clustered_share, mean_interval
from lth_utils.studies.verdict import (
    RARE,
    Verdict,
    by_interval,
    count_verdicts,
    in_numbers,
    in_percent,
    in_points,
    verdict_table,
)

DROP = ["accuracy_drop", "accuracy_drop_low", "accuracy_drop_high"]


def one_shot(
    drops: pd.DataFrame,
    sizes: pd.DataFrame,
    toy: pd.DataFrame,
    rounds: pd.DataFrame,
    longer: pd.DataFrame,
) -> pd.DataFrame:
    """Verdicts on claim 9: iterative pruning keeps the accuracy at smaller sizes.

    Args:
        drops: as ``trials.paired_differences`` with columns ``scope, measure, share, method``
            against ``iterative``.
        sizes: as ``one_shot_or_iterative.smallest_lossless_share``.
        toy: level rows of the moons-circles runs with columns ``method`` and ``apart``.
        rounds: as ``one_shot_or_iterative.accuracies_at_target``, by number of ``rounds``.
        longer: the same of one round that is trained as long as the largest number of rounds, by
            its ``epochs``.
    """
    rows = []
    for (scope, measure), at in sizes.groupby(["scope", "measure"], sort=False):
        wanted = (drops["scope"] == scope) & (drops["measure"] == measure)
        at_one_shot = drops[wanted & (drops["method"] == "one-shot")]
        last = at_one_shot.loc[at_one_shot["share"].idxmin()]
        rows.append(_smaller_sizes(f"{scope}, {measure}", at, last))
    rows += _equal_compute(rounds, longer)
    counts = separated_at_any_level(toy)
    if {"iterative", "one-shot"} <= set(counts.index):
        rows.append(_separates(toy))
    return verdict_table(rows)


def one_shot_headline(drops: pd.DataFrame, toy: pd.DataFrame) -> str:
    """One sentence: what one-shot pruning costs at the smallest size, and what separates.

    Args:
        drops, toy: as of :func:`one_shot`.
    """
    smallest = (drops["method"] == "one-shot") & (drops["share"] == drops["share"].min())
    last, counts = drops[smallest].iloc[-1], []
    for name, (count, runs) in separated_at_any_level(toy).iterrows():
        counts.append(f"{name} {count} of {runs}")
    return (
        f"one-shot pruning loses {in_points(*last[DROP])} against iterative "
        f"where {last['share']:.1%} of the weights is left; "
        f"moons-circles networks that separate: {', '.join(counts)}"
    )


def facts(drops: pd.DataFrame, toy: pd.DataFrame, verdicts: pd.DataFrame, *, n_runs: int) -> dict:
    """The facts of notebook 07.

    Args:
        drops, toy: as of :func:`one_shot`.
        verdicts: as :func:`one_shot`.
        n_runs: how many runs it is about.
    """
    return {
        "headline": one_shot_headline(drops, toy),
        "runs": n_runs,
        "verdicts": count_verdicts(verdicts),
        "separated": separated_at_any_level(toy).T.to_dict("list"),
    }


def _smaller_sizes(which: str, sizes: pd.DataFrame, last: pd.Series) -> Verdict:
    """The row on one scope and one way to read the accuracy; last: one-shot's smallest size."""
    pairs = sizes.pivot(index="seed", columns="method", values="share")
    pairs = pairs[["iterative", "one-shot"]].dropna()
    iterative, one_shot = pairs["iterative"].median(), pairs["one-shot"].median()
    factor, low, high = np.exp(mean_interval(np.log(pairs["one-shot"] / pairs["iterative"])))
    # each size is known to one step of the grid only, downwards: so is the ratio, either way
    shares = np.sort(sizes["share"].unique())
    step = (shares[1:] / shares[:-1]).min() if len(shares) > 1 else np.inf
    ratio = (factor, low / step, high * step)
    return by_interval(
        "9",
        "iterative pruning keeps the dense network's accuracy (within a point) at smaller sizes "
        f"than one-shot ({which})",
        ratio,
        (1.0, np.inf),
        theirs="by figure",
        ours=f"to {iterative:.1%} of the weights, one-shot to {one_shot:.1%} (medians): "
        f"{in_numbers(ratio, '{:.1f}')} times; one-shot's loss where {last['share']:.1%} is left "
        f"{in_points(*last[DROP])}",
        test="Student's interval of the ratio's logarithm within trials, and one step of the grid",
        n=len(pairs),
        draws=1,
        note="iterative pruning also trains many times longer",
    )


def _equal_compute(rounds: pd.DataFrame, longer: pd.DataFrame) -> list[Verdict]:
    """The rows on pruning in most rounds against one round of as many epochs."""
    most, rows = rounds["rounds"].max(), []
    for (epochs, measure), once in longer.groupby(["epochs", "measure"], sort=False):
        wanted = (rounds["rounds"] == most) & (rounds["measure"] == measure)
        by_seed = rounds[wanted].set_index("seed")["accuracy"]
        alone = once.set_index("seed")["accuracy"]
        gain = mean_interval((by_seed - alone).dropna())
        rows.append(
            by_interval(
                "9",
                f"{most} rounds of pruning are more accurate than one with as many epochs in all, "
                f"{epochs} ({measure})",
                gain,
                (0.0, np.inf),
                theirs="not asked",
                ours=f"{in_points(*gain)}: {by_seed.mean():.1%}, one round {alone.mean():.1%}",
                test="Student's interval of differences within trials",
                n=len(alone),
                draws=1,
            )
        )
    return rows


def _separates(toy: pd.DataFrame) -> Verdict:
    """The row on moons and circles."""
    keys = ["method", "data.seed", "run"]
    runs = toy.groupby(keys, sort=False)["apart"].any().reset_index()
    groups = dict(list(runs.groupby("method")))
    shares = {}
    for name, at in groups.items():
        shares[name] = clustered_share(at["apart"], at["data.seed"])
    one_shot, iterative = groups["one-shot"], groups["iterative"]
    counts = [int(at["apart"].sum()) for at in (one_shot, iterative)]
    return by_interval(
        "9",
        f"one-shot pruning separates networks, too: more than {RARE:.0%} (moons-circles, at any "
        "size)",
        shares["one-shot"],
        (RARE, 1.0),
        theirs="not asked",
        ours=f"{counts[0]} of {len(one_shot)}, {in_percent(*shares['one-shot'])}; "
        f"iterative {in_percent(*shares['iterative'])}",
        test="interval of the share, the draw of the data a random factor",
        n=len(one_shot),
        draws=one_shot["data.seed"].nunique(),
    )
