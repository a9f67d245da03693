"""Notebook 03: loss by active weights as the poster of the thesis shows it, averaged over seeds."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from lth_utils.plots.extension_sweep.losses import SOLVED, watched
from lth_utils.plots.marks import BELOW, HOLLOW, from_to
from lth_utils.plots.style import STATUS_COLOURS, panels, styled
from lth_utils.plots.titles import figure_title, percent

MARKS = {False: ("o", "interconnected", "at most half"), True: ("^", "separated", "most")}
"""By whether most seeds separated: the mark, its colour, and the words of the legend."""


@styled
def performance_poster(table: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Loss over active weights, means over the seeds of a network and level, as on the poster.

    The loss has two humps, so networks that lost a task are left out of the means and drawn apart.

    Args:
        table: level rows of two-layer runs on inputs scaled to 0…1, as on the poster.
        theirs: ``studies.reference.reference("poster_scatter")``, averages of 4 runs.

    Returns:
        A figure with one panel: single networks faint, means over the seeds, the poster's
        averages hollow and black.
    """
    loss, split = watched(table)
    rows = table[table["active"] > 0]
    rows = rows.assign(loss=rows[loss], separated=rows["status"] == "separated")
    lost = rows["loss"] > SOLVED
    means = rows[~lost].groupby(["prune.levels", "level"])[["active", "loss", "separated"]].mean()
    figure, axes = panels(1, 1, (11, 7.4))
    ax = axes[0, 0]
    dots = {"s": 7, "linewidth": 0, "alpha": 0.4, "zorder": 1, "rasterized": len(rows) > 500}
    for separated, (_, word, _) in MARKS.items():
        single = rows[~lost & (rows["separated"] == separated)]
        ax.scatter(single["active"], single["loss"], color=STATUS_COLOURS[word], **dots)
    label = f"ours, single networks that lost a task (loss above {SOLVED})"
    cross = {"marker": "x", "s": 22, "linewidth": 1.1, "color": "#777777", "zorder": 2}
    cross |= {"rasterized": len(rows) > 500}
    ax.scatter(rows["active"][lost], rows["loss"][lost], label=label, **cross)
    for separated, (marker, word, share) in MARKS.items():
        ours = means[(means["separated"] > 0.5) == separated]
        label = f"ours, mean of the seeds; {share} of them separated"
        look = {"color": STATUS_COLOURS[word], "s": 60, "linewidth": 0, "zorder": 3}
        ax.scatter(ours["active"], ours["loss"], marker=marker, label=label, **look)
        given = theirs[theirs["marker"].str.startswith("separated") == separated]
        label = f"the poster, {'separated' if separated else 'all'} (averages of 4)"
        places = given["active_weights"], given["val_loss"]
        ax.scatter(*places, s=70, marker=marker, label=label, zorder=4, **HOLLOW)
    ax.set(xscale="log", yscale="log", xlabel="active weights")
    ax.set_ylabel(f"{split}, inputs from 0 to 1")
    figure_title(figure, _change(means, rows))
    per_size = rows.groupby(["prune.levels", "level"]).size()
    draws = rows["data.seed"].nunique() if "data.seed" in rows else 1
    title = f"{from_to(per_size)} seeds of each network and level on {draws} draw"
    title += f"{'s' * (draws != 1)} of the data;\nsmall dots: single networks; "
    title += "means without networks that lost a task"
    figure.legend(ncols=2, title=title, **BELOW)
    return figure


def _change(means: pd.DataFrame, rows: pd.DataFrame) -> str:
    """How the mean loss goes on as networks get smaller, and how many lost a task."""
    lost = rows["loss"] > SOLVED
    text = f"{percent(lost.mean())} of the networks lost a task"
    if means.empty:
        return text
    large = means[means["active"] >= means["active"].quantile(0.9)]["loss"].median()
    best = means.loc[means["loss"].idxmin()]
    return (
        f"{text}; the others' mean loss is lowest at {best['active']:.0f} active weights, "
        f"{best['loss']:.4f} (the largest tenth of the networks: {large:.4f})"
    )
