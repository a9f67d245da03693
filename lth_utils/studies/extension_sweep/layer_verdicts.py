"""Verdicts of notebook 03 on claim 6: the order in which layers decide, beside chance."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lth_utils.studies.nulls import layer_order
from lth_utils.studies.reference import reference
from lth_utils.studies.statistics import clustered_mean, clustered_share
from lth_utils.studies.verdict import Verdict, by_interval, in_numbers, in_percent

NULLS = {
    "counts": "random masks of as many weights per layer",
    "degrees": "random masks whose units have as many weights in and out",
}


def layer_rows(structure: pd.DataFrame) -> list[Verdict]:
    """Order and time in which layers decide, and how much of it is more than chance.

    Args:
        structure: as ``nulls.structure``, of three-layer runs of one width.
    """
    if structure.empty:
        return []
    order = layer_order(structure)
    rows = [_order(order), _delay(structure[structure["kind"] == "run"])]
    for kind, words in NULLS.items():
        if (order["kind"] == kind).any():
            rows.append(_excess(order, kind, words))
    return rows


def _counts(rows: pd.DataFrame) -> dict[str, int]:
    return {"n": rows["run"].nunique(), "draws": rows["draw"].nunique()}


def _order(order: pd.DataFrame) -> Verdict:
    """Seen from the outputs: the later a hidden layer, the earlier it is decided."""
    own = order[order["kind"] == "run"]
    share = clustered_share(own["ordered"], own["draw"])
    shares = order.groupby("kind", observed=True)["ordered"].mean()
    chance = [f"{shares[kind]:.0%} of {words}" for kind, words in NULLS.items() if kind in shares]
    return by_interval(
        "6",
        "seen from the outputs, the last hidden layer decides first, then the one before",
        share,
        (0.5, 1.0),
        theirs="one run: yes",
        ours=f"{int(own['ordered'].sum())} of {len(own)}, {in_percent(*share)}",
        test="interval of the share against one half",
        note=f"but so do {' and '.join(chance)}" if chance else "",
        **_counts(own),
    )


def _delay(runs: pd.DataFrame) -> Verdict:
    """Prunings between the last hidden layer, seen from the outputs, and the outputs."""
    last = max(int(name.rpartition("_")[2]) for name in runs.filter(like="decided_inputs_"))
    outputs = _half_decided(runs, f"decided_inputs_{last}")
    hidden = _half_decided(runs, f"decided_outputs_{last - 1}")
    later = (outputs - hidden).dropna()
    theirs = reference("layer_separation").query("share_decided >= 0.5")
    theirs = theirs.groupby(["view_from", "layer"])["prunings_done"].min()
    estimate = clustered_mean(later, later.index.get_level_values("draw"))
    return by_interval(
        "6",
        "seen from the inputs it happens late: the outputs are half decided so many prunings after "
        "the last hidden layer is, seen from the outputs",
        estimate,
        (0.0, np.inf),
        theirs=f"one run: {theirs['inputs', 'output'] - theirs['outputs', 'hidden-3']}",
        ours=in_numbers(estimate, "{:.1f}"),
        test="Student's interval over draws",
        n=len(later),
        draws=later.index.get_level_values("draw").nunique(),
    )


def _half_decided(runs: pd.DataFrame, column: str) -> pd.Series:
    """By draw and run, the first level at which half of a layer is decided."""
    half = runs[runs[column] >= 0.5]
    return half.groupby(["draw", "run"])["level"].min().astype(float)


def _excess(order: pd.DataFrame, kind: str, words: str) -> Verdict:
    """Is the lead of the last hidden layer over the first more than that of random masks?"""
    last = max(int(name.rpartition("_")[2]) for name in order.filter(regex=r"^decided_\d+$"))
    lead = (order[f"decided_{last}"] - order["decided_1"]).rename("lead")
    means = lead.groupby([order["kind"], order["draw"], order["run"]], observed=True).mean()
    learned, drawn = means["run"], means[kind]
    excess = (learned - drawn).dropna()
    estimate = clustered_mean(excess, excess.index.get_level_values("draw"))
    return by_interval(
        "6",
        "the lead of the last hidden layer over the first, in decided neurons seen from the "
        f"outputs, is learned: larger than in {words}",
        estimate,
        (0.0, np.inf),
        theirs="not compared with chance",
        ours=f"{learned.mean():.3f} against {drawn.mean():.3f}; excess "
        f"{in_numbers(estimate, '{:+.3f}')}",
        test="mean over levels, Student's interval over draws",
        n=len(excess),
        draws=excess.index.get_level_values("draw").nunique(),
    )
