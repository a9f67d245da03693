"""Verdicts of notebook 03, on claims 1 and 2, and its facts."""

from __future__ import annotations

import pandas as pd

from lth_utils.connectivity import OUTCOMES
from lth_utils.studies.extension_sweep.layer_verdicts import layer_rows
from lth_utils.studies.extension_sweep.loss_verdicts import loss_rows
from lth_utils.studies.reference import reference, theirs_by_level
from lth_utils.studies.statistics import bootstrap, columns, compare, share
from lth_utils.studies.verdict import (
    ALPHA,
    DEGRADED,
    SEPARATED,
    WILSON,
    count_of,
    count_verdicts,
    ever_counts,
    headline,
    in_percent,
    judge,
    judge_cases,
    never_row,
    verdict_row,
    verdict_table,
)


def extension(
    levels: pd.DataFrame, runs: pd.DataFrame, table: pd.DataFrame, layers: pd.DataFrame
) -> pd.DataFrame:
    """Verdicts on claims 1, 2, 4, 5 and 6.

    Args:
        levels: as ``outcomes.by_level`` of both readings.
        runs: as ``outcomes.outcomes`` of both readings.
        table: level rows of the two-layer runs.
        layers: as ``extension_sweep.layers``, of three-layer runs that separated.
    """
    reported = theirs_by_level()
    ours, theirs, rows = {}, {}, []
    for network, name in (("1", "one"), ("2", "two"), ("3", "three")):
        ours[network] = levels[levels["network"] == network]
        theirs[network] = reported[reported["network"] == network]
        rows += _outcome_counts(name, ours[network], theirs[network])
    rows += [
        _below(ours["2"], theirs["2"]),
        *_most_separate(ours["2"], theirs["2"]),
        _no_degrading(ours["2"], theirs["2"]),
        *_weights(runs[runs["network"] == "2"].dropna(subset=["level"])),
        *loss_rows(table),
        _one_layer(ours["1"], theirs["1"]),
        *layer_rows(layers),
    ]
    return verdict_table(rows)


def ever_separated(levels: pd.DataFrame, network: str, first: int) -> dict:
    """How many runs of a family ever separated, at extension level `first` and above.

    Args:
        levels: as ``outcomes.by_level``.
        network: the family.
        first: the lowest extension level that counts.

    Returns:
        Plain values with a ``sentence``.
    """
    rows = levels[(levels["network"] == network) & (levels["extension"] >= first)]
    count, runs = ever_counts(rows, SEPARATED)
    if not runs:
        sentence = f"no two-layer network was extended {first} levels or more"
        return {"separated": 0, "runs": 0, "sentence": sentence}
    value, low, high = share(count, runs)
    sentence = (
        f"{count} of {runs} two-layer networks extended {first} levels or more separated, "
        f"{value:.0%} (95 % interval {low:.0%} to {high:.0%})"
    )
    shares = columns("share", (value, low, high))
    return {"separated": count, "runs": runs, **shares, "sentence": sentence}


def facts(
    levels: pd.DataFrame, layerwise: pd.DataFrame, verdicts: pd.DataFrame, *, n_runs: int
) -> dict:
    """The facts of notebook 03.

    Args:
        levels: as ``outcomes.by_level``.
        layerwise: the same of one-layer networks pruned layer by layer.
        verdicts: as :func:`extension`.
        n_runs: how many runs it is about.
    """
    above = ever_separated(levels, "2", 9)
    shares = {}
    for network, rows in levels.groupby("network"):
        shares[network] = rows.set_index("extension")["share"].round(3).to_dict()
    return {
        "headline": f"{above['sentence']}; {headline(verdicts)}",
        "runs": n_runs,
        "above_level_9": above,
        "verdicts": count_verdicts(verdicts),
        "separated": shares,
        "layerwise": layerwise.set_index("extension")["share"].round(3).to_dict(),
    }


def _outcome_counts(name: str, ours: pd.DataFrame, theirs: pd.DataFrame) -> list[dict]:
    """Claim 1: the outcomes of one family, level by level."""
    both = compare(ours, theirs, ["extension"], list(OUTCOMES))
    if both.empty:
        return []
    differing = both.loc[both["p_corrected"] < ALPHA, "extension"]
    where = f" (levels {', '.join(map(str, differing))})" if len(differing) else ""
    enough = bool((both["runs"] >= both["runs_thesis"]).all())
    return [
        verdict_row(
            "1",
            f"{name}-layer networks: the counts of outcomes at every extension level",
            theirs=f"{both['runs_thesis'].max()} runs each",
            ours=f"{len(differing)} of {len(both)} levels differ{where}",
            runs=int(both["runs"].sum()),
            test="exact test per level, corrected after Holm",
            verdict=judge_cases(len(differing) > 0, enough),
            p=both["p_corrected"].min(),
            note=f"smallest uncorrected p {both['p'].min():.2g}; "
            "few runs of theirs, so only large differences can show",
        )
    ]


def _below(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict:
    """Claim 1: small two-layer networks."""
    return never_row(
        "1",
        "two-layer networks do not separate below extension level 7",
        ever_counts(ours[ours["extension"] <= 6], SEPARATED),
        ever_counts(theirs[theirs["extension"] <= 6], SEPARATED),
    )


def _no_degrading(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict:
    """Claim 1: the largest networks alone degrade."""
    return never_row(
        "1",
        "two-layer networks do not degrade before extension level 10",
        ever_counts(ours[ours["extension"] <= 9], DEGRADED),
        ever_counts(theirs[theirs["extension"] <= 9], DEGRADED),
    )


def _most_separate(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[dict]:
    """Claim 1: large two-layer networks, level by level and taken together."""
    ours, theirs = ours[ours["extension"] >= 9], theirs[theirs["extension"] >= 9]
    if ours.empty:
        return []
    return [_most_at_each_level(ours, theirs), _most_together(ours, theirs)]


def _most_at_each_level(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict:
    their_shares = theirs[list(SEPARATED)].sum(axis=1) / theirs["runs"]
    least = ours.loc[ours["share"].idxmin()]
    least_share = in_percent(*least[["share", "share_low", "share_high"]])
    return verdict_row(
        "1",
        "most two-layer networks separate at each level from 9 on",
        theirs=f"{their_shares.min():.0%} to {their_shares.max():.0%} of 4",
        ours=f"least at level {least['extension']}: {least_share}",
        runs=int(ours["runs"].sum()),
        test=f"{WILSON} of every level against one half",
        verdict=judge(ours["share_low"] > 0.5, ours["share_high"] < 0.5),
    )


def _most_together(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict:
    count, total = ever_counts(ours, SEPARATED)
    their_count, their_total = ever_counts(theirs, SEPARATED)
    _, low, high = share(count, total)
    return verdict_row(
        "1",
        "most two-layer networks separate at levels 9 and above taken together",
        theirs=f"{their_count} of {their_total}",
        ours=count_of(count, total),
        runs=total,
        test=f"{WILSON} against one half",
        verdict=judge([low > 0.5], [high < 0.5]),
    )


def _weights(separated: pd.DataFrame) -> list[dict]:
    """Claim 2: weights at separation, at levels where at least three runs separated."""
    groups = {}
    for level, rows in separated.groupby("extension"):
        if len(rows) >= 3:
            groups[level] = rows[["active", "available"]].astype(float)
    if not groups:
        return []
    theirs = reference("active_available_at_split").query("network == '2'")
    theirs = theirs.set_index("extension_level")
    runs = len(separated)
    return [_active_weights(groups, theirs, runs), _available_weights(groups, theirs, runs)]


def _active_weights(groups: dict[int, pd.DataFrame], theirs: pd.DataFrame, runs: int) -> dict:
    means, inside, off = [], [], []
    for level, rows in groups.items():
        low, high = bootstrap(rows["active"].to_numpy())
        means.append(rows["active"].mean())
        inside.append(low >= 80 and high <= 120)
        if high < 80 or low > 120:
            off.append(str(level))
    outside = f"; outside at levels {', '.join(off)}" if off else ""
    return verdict_row(
        "2",
        "mean active weights at separation stay between 80 and 120 at every level (two layers)",
        theirs=f"{theirs['active_mean'].min():.0f} to {theirs['active_mean'].max():.0f}",
        ours=f"{min(means):.0f} to {max(means):.0f}{outside}",
        runs=runs,
        test="95 % interval per level (bootstrap)",
        verdict=judge(inside, [bool(off)]),
    )


def _available_weights(groups: dict[int, pd.DataFrame], theirs: pd.DataFrame, runs: int) -> dict:
    first, top, means = min(groups), max(groups), theirs["available_mean"]
    low, high = bootstrap(groups[top]["available"].to_numpy())
    their_first, their_top = means.iloc[0], means.iloc[-1]
    inside = low <= their_top <= high
    at_first, at_top = groups[first]["available"].mean(), groups[top]["available"].mean()
    verdict = judge([inside], [not inside])
    if top < theirs.index[-1]:
        verdict = "cannot tell"
    return verdict_row(
        "2",
        "available weights at separation grow from 112 to about 900 (two layers)",
        theirs=f"{their_first:.0f} at level {theirs.index[0]}, "
        f"{their_top:.0f} at level {theirs.index[-1]}",
        ours=f"{at_first:.0f} at level {first}, "
        f"{at_top:.0f} ({low:.0f} to {high:.0f}) at level {top}",
        runs=runs,
        test="95 % interval at the highest level (bootstrap)",
        verdict=verdict,
    )


def _one_layer(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict:
    """Claim 5: the widest one-layer networks."""
    return never_row(
        "5",
        "one-layer networks do not separate from extension level 14 on",
        ever_counts(ours[ours["extension"] >= 14], SEPARATED),
        ever_counts(theirs[theirs["extension"] >= 14], SEPARATED),
    )
