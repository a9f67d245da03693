"""Notebook 06: what each variant of a ticket reaches."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lth_utils.plots.marks import BELOW, from_to
from lth_utils.plots.style import panels, styled, variant_colour
from lth_utils.plots.theirs import their_handle, their_marks
from lth_utils.plots.titles import figure_title
from lth_utils.plots.weight_distributions.variants import (
    THEIRS,
    Notes,
    at_rounds,
    compared,
    rounds_of,
    title,
)


@styled
def summary(found: pd.DataFrame, theirs: pd.DataFrame, notes: Notes = None) -> Figure:
    """What each variant reaches: mean over the trials of the highest accuracy, 95 % interval.

    Args:
        found: as ``studies.trials.summary`` with columns ``network, variant, rounds, available``.
        theirs: ``studies.reference.reference("weight_distribution_runs")``.
        notes: for the titles, by network.

    Returns:
        A figure with one panel per network and number of rounds, one row per variant.
    """
    shown = rounds_of(found)
    networks = len({network for network, _ in shown})
    columns = len(shown) // networks
    height = 0.36 * found["variant"].nunique() + 1.6
    figure, axes = panels(networks, columns, (6.6 * columns, height * networks + 1.4))
    for ax, (network, n) in zip(axes.flat, shown, strict=True):
        rows = at_rounds(found, network, n)
        given = theirs[(theirs["dataset"] == network) & theirs["prune_rounds_n"].isin((0, n))]
        _reached(ax, rows, given)
        ax.set_title(title(rows, network, notes, 5.2), fontsize=12)
    for ax in axes[:, 1:].flat:
        ax.set_yticklabels([])
    figure_title(figure, compared(found, "best_accuracy"))
    bar = {"color": "#777777", "marker": "o", "ms": 9, "lw": 2}
    trials = from_to(found["trials"])
    handles = [
        Line2D([], [], label=f"ours: mean of {trials} trials, 95 % interval", **bar),
        their_handle("theirs: mean of 5 trials, corrected", ms=9),
    ]
    figure.legend(handles=handles, ncols=2, **BELOW)
    return figure


def _reached(ax: Axes, rows: pd.DataFrame, theirs: pd.DataFrame):
    """One row per variant: ours as a dot with its interval, theirs as a hollow circle."""
    colours = [variant_colour(name) for name in rows["variant"]]
    places = np.arange(len(rows))
    percent = 100 * rows[["best_accuracy", "best_low", "best_high"]]
    ax.hlines(places, percent["best_low"], percent["best_high"], colors=colours, lw=2.4)
    ax.scatter(percent["best_accuracy"], places, c=colours, s=64, zorder=3)
    ours = pd.DataFrame({"place": places, "variant": rows["variant"].map(THEIRS).to_numpy()})
    ours = ours.assign(prune_rounds_n=rows["rounds"].to_numpy())
    given = ours.merge(theirs, on=["variant", "prune_rounds_n"])
    their_marks(ax, given["mean_of_trial_max_acc_corrected_pct"], given["place"] + 0.22, ms=8)
    ax.set_yticks(places, rows["variant"])
    ax.set(xlabel="highest accuracy, %", ylim=(len(rows) - 0.4, -0.6))
    ax.grid(axis="x", alpha=0.3)
