"""Notebook 02: what separation costs, by method of pruning.

Everything is measured against one reference: the most accurate level of the same run.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lth_utils.plots.marks import BELOW, runs_by_status, status_handles
from lth_utils.plots.style import STATUS_COLOURS, panels, styled
from lth_utils.plots.theirs import their_handle, their_marks
from lth_utils.plots.titles import counted, figure_title, span

LEAST = 1e-3
"""Shares of units below this are drawn on a linear axis, so that 0 has a place."""

FEWEST = 3
"""Networks that a mean is drawn of."""

GREEN = STATUS_COLOURS["separated"]

GOAL = {"color": GREEN, "alpha": 0.25, "lw": 0}
"""Where a separated network would lose less than `CLOSE` points against its best level."""

CLOSE = 1.0

LOWEST = -12
"""Points below the best level that are shown; what lies lower has no structure any more."""

BEHIND = "#BBBBBB"


@styled
def frontier(table: pd.DataFrame, costs: pd.DataFrame) -> Figure:
    """Accuracy over the degree of separation as pruning goes on, one panel per method of pruning.

    Args:
        table: columns ``variant, run, level, accuracy, decided, status``, with the method as
            variant and decided as ``studies.mnist_fashion.decided_share`` gives it.
        costs: as ``studies.mnist_fashion.separation_costs``; runs that are not quoted, because
            their seeds had a part in choosing the method, are drawn in grey.

    Returns:
        A figure with the first method's lines behind the others in grey, and the goal in green.
    """
    peaks = table.groupby("run")["accuracy"].transform("max")
    table = table.assign(
        shared=1 - table["decided"].fillna(1),
        gap=(100 * (table["accuracy"] - peaks)).clip(lower=LOWEST),
    )
    left_out = set(costs.loc[~costs["quoted"], "run"])
    first, *_ = variants = list(dict.fromkeys(table["variant"]))
    columns = min(4, len(variants))
    rows = -(-len(variants) // columns)
    figure, axes = panels(rows, columns, (3.1 * columns + 0.8, 2.7 * rows + 2.6))
    for ax in axes.flat[len(variants) :]:
        ax.set_axis_off()
    for number, (ax, variant) in enumerate(zip(axes.flat, variants, strict=False)):
        at = table[table["variant"] == variant]
        behind = table[table["variant"] == first] if variant != first else table[:0]
        _method(ax, at, behind, at["run"].isin(left_out))
        if number % columns:
            ax.set_yticklabels([])
        else:
            ax.set_ylabel("points below the\nrun's best level", fontsize=12)
        if number + columns < len(variants):
            ax.set_xticklabels([])
        elif number >= columns * (rows - 1):
            ax.set_xlabel("units that lead\nto both tasks", fontsize=12)
    figure_title(figure, _nearest(costs))
    handles = status_handles(table["status"])
    handles.append(Line2D([], [], color=BEHIND, label=f"behind: {first}"))
    if left_out:
        look = {"color": BEHIND, "marker": ".", "ls": ":"}
        handles.append(Line2D([], [], label="seeds by which it was chosen", **look))
    label = f"separated, at most {CLOSE:.0f} point below"
    handles.append(Patch(label=label, **GOAL))
    figure.legend(handles=handles, ncols=3, fontsize=12, **BELOW)
    return figure


def _nearest(costs: pd.DataFrame) -> str:
    """How near separated networks come to their own best level, of the runs that are quoted."""
    quoted = costs[costs["quoted"]].dropna(subset="cost")
    if quoted.empty:
        return f"None of {counted(len(costs), 'run')} separates"
    near = quoted[100 * quoted["cost"] >= -CLOSE]
    words = f"{len(near)} of {len(quoted)} separated networks are within {CLOSE:.0f} point of the "
    words += "best level of their own run"
    if len(near):
        ways = list(dict.fromkeys(near["variant"]))
        return f"{words}, by {len(ways)} of {costs['variant'].nunique()} ways of pruning"
    best = quoted.loc[quoted["cost"].idxmax()]
    return f"{words}; the nearest is {-100 * best['cost']:.1f} points below it ({best['variant']})"


def _method(ax: Axes, rows: pd.DataFrame, behind: pd.DataFrame, left_out: pd.Series):
    """The runs of one method, and those of the first in grey."""
    quoted = rows[~left_out]
    runs = counted(quoted["run"].nunique(), "run")
    separated = quoted.loc[quoted["status"] == "separated", "run"].nunique()
    ax.set_title(f"{rows['variant'].iloc[0]}\n{runs}, {separated} separated", fontsize=11.5)
    line = {"units": "run", "estimator": None, "sort": False, "color": BEHIND, "lw": 1.2}
    if len(behind):
        sns.lineplot(behind, x="shared", y="gap", ax=ax, zorder=1, **line)
    if left_out.any():
        sns.lineplot(rows[left_out], x="shared", y="gap", ax=ax, zorder=1, ls=":", **line)
    if len(quoted):
        runs_by_status(ax, quoted, "shared", "gap")
        for dots in ax.collections:
            dots.set_rasterized(True)  # thousands of them in all panels
    ax.axhline(0, color="black", lw=1, linestyle=":", zorder=1)
    ax.fill_between([LEAST / 2, -LEAST / 2], -CLOSE, 0.6, **GOAL)
    ax.set_xscale("symlog", linthresh=LEAST, linscale=0.5)
    ax.set_xticks([1, 0.1, 0.01, 0.001, 0], ["100%", "10%", "1%", "", "0"], fontsize=11)
    ax.set_yticks([0, -4, -8, LOWEST], ["0", "−4", "−8", f"≤ −{-LOWEST}"], fontsize=11)
    ax.set(xlim=(1.6, -LEAST / 2), ylim=(LOWEST - 0.4, 0.6), xlabel="", ylabel="")
    ax.minorticks_off()


@styled
def separation_cost(costs: pd.DataFrame, means: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Each separated network's accuracy less that of the best level of its run, by method.

    Args:
        costs: as ``studies.mnist_fashion.separation_costs``.
        means: as ``studies.mnist_fashion.mean_costs``.
        theirs: ``studies.reference.reference("mnist_fashion")``.

    Returns:
        A figure with one row per method, the mean of `FEWEST` networks or more with its 95 %
        interval where it has one, and the thesis' runs in a row of their own.
    """
    variants = list(means["variant"])
    figure, axes = panels(1, 1, (11.5, 0.5 * (len(variants) + 1) + 3))
    ax = axes[0, 0]
    dots = costs.dropna(subset="cost").assign(
        place=lambda rows: rows["variant"].map(variants.index)
    )
    for quoted, colour in ((False, BEHIND), (True, GREEN)):
        rows = dots[dots["quoted"] == quoted]
        look = {"s": 54, "color": colour, "edgecolors": "black", "linewidths": 0.6 * quoted}
        ax.scatter(100 * rows["cost"], rows["place"] - 0.2 * (not quoted), zorder=3, **look)
    for place, (_, row) in enumerate(means.iterrows()):
        if row["separated"] >= FEWEST:
            ends = 100 * row["cost_low"], 100 * row["cost_high"]
            ax.plot(ends, [place + 0.28] * 2, **MEAN | {"marker": ""})
            ax.plot([100 * row["cost"]], [place + 0.28], **MEAN)
        words = f"{row['separated']} of {row['runs']}"
        words += f" (+{row['left_out']})" if row["left_out"] else ""
        ax.text(1.01, place, words, va="center", transform=ax.get_yaxis_transform())
    lost = _their_costs(theirs)
    their_marks(ax, lost, [-1] * len(lost))
    words = f"{len(lost)} of {theirs['run'].nunique()}"
    ax.text(1.01, -1, words, va="center", transform=ax.get_yaxis_transform())
    ax.axvline(0, color="black", lw=1, linestyle=":")
    ax.axvspan(-CLOSE, 0, **GOAL)
    ax.set_yticks(range(-1, len(variants)), ["the thesis, 1568-784-392-20", *variants])
    smallest = np.nanmin([*lost, *(100 * dots["cost"]), *(100 * means["cost_low"])])
    largest = np.nanmax([0, *(100 * means["cost_high"])])
    ax.set(ylim=(len(variants) - 0.3, -1.6), xlim=(smallest - 0.8, largest + 0.4))
    ax.set_xlabel("accuracy at separation less that of the best level of the same run, points")
    ax.set_title("separated, of the runs quoted", loc="right", fontsize=12)
    figure_title(figure, _cheapest(means, lost))
    figure.legend(handles=_cost_handles(bool(means["left_out"].any())), ncols=2, **BELOW)
    return figure


MEAN = {"color": "#333333", "marker": "|", "ms": 11, "lw": 1.8}


def _their_costs(theirs: pd.DataFrame) -> np.ndarray:
    """Percentage points of the thesis' runs at separation below their own best level."""
    runs = theirs.groupby("run")["mean_accuracy"]
    at = theirs[theirs["separated_here"] == 1].set_index("run")["mean_accuracy"]
    return (100 * (at - runs.max().loc[at.index])).to_numpy()


def _cheapest(means: pd.DataFrame, theirs: np.ndarray) -> str:
    """The way of pruning that loses least on average, of those with enough networks."""
    enough = means[means["separated"] >= FEWEST]
    if enough.empty:
        return f"No way of pruning separates {FEWEST} of its runs"
    best = enough.loc[enough["cost"].idxmax()]
    ends = 100 * -best[["cost_high", "cost", "cost_low"]].astype(float)
    interval = "" if ends.isna().any() else f" (95 %: {span(ends)})"
    words = f"Separation costs {ends.iloc[1]:.1f} points{interval} in the cheapest of "
    words += f"{counted(len(enough), 'way')}, {best['variant']}"
    return f"{words}; in the thesis {span(-theirs)}"


def _cost_handles(left_out: bool) -> list:
    """The legend of :func:`separation_cost`."""
    dot = {"ls": "", "marker": "o", "ms": 8, "mec": "black", "mew": 0.6, "color": GREEN}
    handles = [
        Line2D([], [], label="a separated network", **dot),
        Line2D([], [], label=f"mean of {FEWEST} or more, 95 % interval where known", **MEAN),
        their_handle("a run of the thesis"),
        Patch(label=f"at most {CLOSE:.0f} point below its best level", **GOAL),
    ]
    if left_out:
        pale = dot | {"color": BEHIND, "mew": 0}
        label = "not quoted (+): seeds by which the way was chosen"
        handles.append(Line2D([], [], label=label, **pale))
    return handles
