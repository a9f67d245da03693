"""Verdicts of notebook 03 on claim 6: the order in which layers decide, beside chance."""

from __future__ import annotations

import pandas as pd

from lth_utils.studies.reference import reference
from lth_utils.studies.statistics import clustered_mean, clustered_share
from lth_utils.studies.verdict import Verdict, by_interval, in_numbers, in_percent

NULLS = {"counts": "random masks of as many weights per layer", "degrees": "of the same degrees"}


def layer_rows(layers: pd.DataFrame) -> list[Verdict]:
    """Order and time in which layers decide, and how much of it is more than chance.

    Args:
        layers: per ``run, kind, level, layer`` the shares of neurons that are decided,
            ``decided_outputs`` and ``decided_inputs``, with the ``draw`` of the data; ``kind`` is
            ``run`` for the runs' own masks, and ``counts`` or ``degrees`` for random ones. Runs of
            one width.
    """
    own = layers[layers["kind"] == "run"]
    if own.empty:
        return []
    rows = [_order(own), _delay(own)]
    for kind, words in NULLS.items():
        if (layers["kind"] == kind).any():
            rows.append(_excess(own, layers[layers["kind"] == kind], words))
    return rows


def _by_run(layers: pd.DataFrame, columns: str, values: str) -> pd.DataFrame:
    return layers.pivot_table(index=["draw", "run"], columns=columns, values=values, aggfunc="mean")


def _counts(layers: pd.DataFrame) -> dict[str, int]:
    return {"n": layers["run"].nunique(), "draws": layers["draw"].nunique()}


def _order(layers: pd.DataFrame) -> Verdict:
    """Seen from the outputs: the later a layer, the earlier it is decided."""
    by_layer = _by_run(layers, "layer", "decided_outputs")
    hidden = by_layer.drop(columns=by_layer.columns.max())
    ordered = (hidden.diff(axis=1).iloc[:, 1:] > 0).all(axis=1)
    share = clustered_share(ordered, ordered.index.get_level_values("draw"))
    return by_interval(
        "6",
        "seen from the outputs, the last hidden layer decides first, "
        "then the one before, the inputs last",
        share,
        (0.5, 1.0),
        theirs="one run: yes",
        ours=f"{int(ordered.sum())} of {len(ordered)}, {in_percent(*share)}",
        test="interval of the share against one half",
        note="random masks of the same sizes do so, too: see the rows on chance",
        **_counts(layers),
    )


def _delay(layers: pd.DataFrame) -> Verdict:
    """Prunings between the last hidden layer, seen from the outputs, and the outputs."""
    last = int(layers["layer"].max())
    outputs = _half_decided(layers, last, "decided_inputs")
    hidden = _half_decided(layers, last - 1, "decided_outputs")
    later = (outputs - hidden).astype(float)
    theirs = reference("layer_separation").query("share_decided >= 0.5")
    theirs = theirs.groupby(["view_from", "layer"])["prunings_done"].min()
    estimate = clustered_mean(later, later.index.get_level_values("draw"))
    return by_interval(
        "6",
        "seen from the inputs it happens late: the outputs are half decided so many prunings after "
        "the last hidden layer is, seen from the outputs",
        estimate,
        (0.0, float("inf")),
        theirs=f"one run: {theirs['inputs', 'output'] - theirs['outputs', 'hidden-3']}",
        ours=in_numbers(estimate, "{:.1f}"),
        test="Student's interval over draws",
        **_counts(layers),
    )


def _half_decided(layers: pd.DataFrame, layer: int, column: str) -> pd.Series:
    """By draw and run, the first level at which half of a layer is decided."""
    rows = layers[layers["layer"] == layer]
    return (_by_run(rows, "level", column) >= 0.5).idxmax(axis=1)


def _lead(layers: pd.DataFrame) -> pd.Series:
    """By draw and run, how much more of the last hidden layer is decided than of the first.

    Mean over the levels, seen from the outputs.
    """
    by_layer = _by_run(layers, "layer", "decided_outputs")
    return by_layer[by_layer.columns.max() - 1] - by_layer[1]


def _excess(own: pd.DataFrame, chance: pd.DataFrame, words: str) -> Verdict:
    """Is the lead of the last hidden layer more than that of random masks?"""
    learned, drawn = _lead(own), _lead(chance)
    excess = (learned - drawn).dropna()
    estimate = clustered_mean(excess, excess.index.get_level_values("draw"))
    return by_interval(
        "6",
        "the lead of the last hidden layer over the first, in decided neurons seen from the "
        f"outputs, is learned: larger than in {words}",
        estimate,
        (0.0, 1.0),
        theirs="not compared with chance",
        ours=f"{learned.mean():.3f} against {drawn.mean():.3f}; excess "
        f"{in_numbers(estimate, '{:+.3f}')}",
        test="mean over levels, Student's interval over draws",
        **_counts(own),
    )
