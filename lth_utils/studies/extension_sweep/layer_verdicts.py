"""Verdicts of notebook 03 on claim 6: the order in which layers decide."""

from __future__ import annotations

import pandas as pd

from lth_utils.studies.reference import reference
from lth_utils.studies.statistics import bootstrap, share
from lth_utils.studies.verdict import WILSON, count_of, judge, verdict_row


def layer_rows(layers: pd.DataFrame) -> list[dict]:
    """Order and time in which layers decide.

    Args:
        layers: as ``extension_sweep.layers``, of runs of one width.
    """
    return [] if layers.empty else [_order(layers), _delay(layers)]


def _order(layers: pd.DataFrame) -> dict:
    """Seen from the outputs: the later a layer, the earlier it is decided."""
    by_layer = layers.pivot_table(
        index="run", columns="layer", values="decided_outputs", aggfunc="mean"
    )
    hidden = by_layer.drop(columns=by_layer.columns.max())
    ordered = (hidden.diff(axis=1).iloc[:, 1:] > 0).all(axis=1)
    count, total = int(ordered.sum()), len(ordered)
    _, low, high = share(count, total)
    return verdict_row(
        "6",
        "seen from the outputs, the last hidden layer decides first, "
        "then the one before, the inputs last",
        theirs="one run: yes",
        ours=count_of(count, total),
        runs=total,
        test=f"{WILSON} against one half",
        verdict=judge([low > 0.5], [high < 0.5]),
    )


def _delay(layers: pd.DataFrame) -> dict:
    """Prunings between the last hidden layer, seen from the outputs, and the outputs."""
    last = int(layers["layer"].max())
    outputs = _half_decided(layers, last, "decided_inputs")
    hidden = _half_decided(layers, last - 1, "decided_outputs")
    later = (outputs - hidden).to_numpy(float)
    theirs = reference("layer_separation").query("share_decided >= 0.5")
    theirs = theirs.groupby(["view_from", "layer"])["prunings_done"].min()
    low, high = bootstrap(later)
    return verdict_row(
        "6",
        "seen from the inputs it happens late: the outputs are half decided so many prunings after "
        "the last hidden layer is, seen from the outputs",
        theirs=f"one run: {theirs['inputs', 'output'] - theirs['outputs', 'hidden-3']}",
        ours=f"{later.mean():.1f} ({low:.1f} to {high:.1f})",
        runs=layers["run"].nunique(),
        test="95 % interval over runs (bootstrap)",
        verdict=judge([low > 0], [high < 0]),
    )


def _half_decided(layers: pd.DataFrame, layer: int, column: str) -> pd.Series:
    """By run, the first level at which half of a layer is decided."""
    rows = layers[layers["layer"] == layer]
    return (rows.pivot_table(index="run", columns="level", values=column) >= 0.5).idxmax(axis=1)
