"""Notebooks 01 and 03: validation loss by the number of active weights."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from lth_utils.plots.marks import HOLLOW, from_to, panel_title
from lth_utils.plots.style import STATUS_COLOURS, THEIRS, panels, styled

CROWDED = 500
"""Above this many dots they are small and transparent."""

BESIDE = {"loc": "upper left", "bbox_to_anchor": (1, 1)}


@styled
def performance(table: pd.DataFrame, theirs: pd.DataFrame | None = None) -> Figure:
    """Validation loss over active weights, log-log, one dot per run and level.

    Args:
        table: columns ``active``, ``loss``, ``status``.
        theirs: ``studies.reference.reference("performance_clusters")``, the ranges of the thesis'
            dots, drawn as dashed boxes where our weights reach.

    Returns:
        A figure with one panel, the dots coloured by status.
    """
    figure, axes = panels(1, 1, (10, 6.4))
    ax, crowded = axes[0, 0], len(table) > CROWDED
    dots = table[table["active"] > 0]
    look = {"s": 10, "alpha": 0.45} if crowded else {"s": 46, "alpha": 0.8}
    look |= {"linewidth": 0, "zorder": 3, "rasterized": crowded, "legend": False}
    hues = {"hue": "status", "palette": STATUS_COLOURS}
    sns.scatterplot(dots, x="active", y="loss", ax=ax, **hues, **look)
    handles = []
    for word in STATUS_COLOURS:
        if word in set(dots["status"]):
            mark = {"ls": "", "marker": "o", "ms": 7, "color": STATUS_COLOURS[word]}
            handles.append(Line2D([], [], label=f"{word} (ours)", **mark))
    if theirs is not None:
        near = theirs[theirs["active_weights_min"] <= 2 * table["active"].max()]
        _boxes(ax, near, crowded)
        label = "ranges in the thesis" + ("" if crowded else ",\nin the same colours")
        if len(near):
            handles.append(Rectangle((0, 0), 1, 1, edgecolor="black", label=label, **THEIRS))
    ylabel = "validation loss (mean over the tasks)"
    ax.set(xscale="log", yscale="log", xlabel="active weights", ylabel=ylabel)
    panel_title(ax, f"one dot per run and level, {len(dots)} dots")
    ax.legend(handles=handles, **BESIDE)
    return figure


def _boxes(ax: Axes, theirs: pd.DataFrame, black: bool):
    """The ranges of the thesis as outlines, in the colours of the statuses or in black."""
    for _, box in theirs.iterrows():
        low, high = box["active_weights_min"], box["active_weights_max"]
        if low == high:
            low, high = low / 1.08, high * 1.08
        bottom = box["val_loss_min"]
        height = max(box["val_loss_max"] - bottom, 1e-5)
        colour = "black" if black else STATUS_COLOURS[box["category"]]
        outline = {"edgecolor": colour, "zorder": 4, **THEIRS}
        ax.add_patch(Rectangle((low, bottom), high - low, height, **outline))


@styled
def performance_poster(table: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Validation loss over active weights, means over the seeds of a network and level.

    Args:
        table: level rows of two-layer runs; separated in the majority of seeds is marked.
        theirs: ``studies.reference.reference("poster_scatter")``, a preliminary experiment with
            inputs scaled to 0…1, so only its shape compares.

    Returns:
        A figure with one panel.
    """
    rows = table.assign(separated=table["status"] == "separated")
    groups = rows.groupby(["prune.levels", "level"])
    means = groups[["active", "loss", "separated"]].mean()
    figure, axes = panels(1, 1, (10, 6.4))
    ax = axes[0, 0]
    for separated, marker, word in ((False, "o", "interconnected"), (True, "^", "separated")):
        label = f"ours, {'most' if separated else 'at most half'} of the seeds separated"
        look = {"color": STATUS_COLOURS[word], "s": 52, "linewidth": 0, "alpha": 0.85, "zorder": 3}
        shown = means[(means["separated"] > 0.5) == separated]
        look |= {"marker": marker, "label": label, "legend": False}
        sns.scatterplot(shown, x="active", y="loss", ax=ax, **look)
        given = theirs[theirs["marker"].str.startswith("separated") == separated]
        label = f"poster, {'separated' if separated else 'all'} (averages of 4)"
        points = given["active_weights"], given["val_loss"]
        ax.scatter(*points, s=60, marker=marker, label=label, **HOLLOW)
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="active weights, mean over the seeds",
        ylabel="validation loss, mean over tasks and seeds",
    )
    seeds = from_to(groups.size())
    panel_title(ax, f"one dot per extension level and pruning level, mean of {seeds} runs")
    ax.legend(**BESIDE)
    return figure
