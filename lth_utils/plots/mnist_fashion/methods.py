"""Notebook 02: what separation costs, by method of pruning."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from lth_utils.plots.marks import BELOW, runs_by_status, status_handles
from lth_utils.plots.style import STATUS_COLOURS, panels, styled

LEAST = 1e-3
"""Shares of units below this are drawn on a linear axis, so that 0 has a place."""

FEWEST = 3
"""Networks that an interval is drawn of; that of two is wider than any figure."""

GOAL = {"color": STATUS_COLOURS["separated"], "alpha": 0.2, "lw": 0}
"""Where a separated network would be no less accurate than before pruning."""

BEHIND = "#BBBBBB"


@styled
def frontier(table: pd.DataFrame) -> Figure:
    """Accuracy over the degree of separation as pruning goes on, one panel per method of pruning.

    Args:
        table: columns ``variant, run, level, accuracy, decided, status``, with the method as
            variant and decided as ``studies.mnist_fashion.decided_share`` gives it.

    Returns:
        A figure with the first method's lines behind the others in grey, the network before
        pruning dotted, and the goal in green.
    """
    table = table.assign(shared=1 - table["decided"].fillna(1))
    first, *_ = variants = list(dict.fromkeys(table["variant"]))
    columns = min(4, len(variants))
    rows = -(-len(variants) // columns)
    figure, axes = panels(rows, columns, (3.4 * columns + 1.2, 3.5 * rows + 1.2))
    dense = table[table["level"] == 0]["accuracy"].mean()
    lowest = min(dense, table[table["status"] == "separated"]["accuracy"].min())
    heights = lowest - 0.015, table["accuracy"].max() + 0.01
    for ax in axes.flat[len(variants) :]:
        ax.set_axis_off()
    for ax, variant in zip(axes.flat, variants, strict=False):
        behind = table[table["variant"] == first] if variant != first else None
        _method(ax, table[table["variant"] == variant], behind)
        ax.set_ylim(heights)
    xlabel = "share of the active inputs and hidden neurons\nthat lead to both tasks (0: separated)"
    figure.supxlabel(xlabel, fontsize=14)
    figure.supylabel("accuracy, mean of the tasks", fontsize=14)
    handles = status_handles(table["status"])
    handles.append(Line2D([], [], color=BEHIND, label=first))
    handles.append(Line2D([], [], color="black", ls=":", lw=1, label="before pruning, mean"))
    handles.append(Patch(label="the goal", **GOAL))
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
    return figure


def _method(ax: Axes, rows: pd.DataFrame, behind: pd.DataFrame | None):
    """The runs of one method, and those of the first in grey."""
    runs = rows["run"].nunique()
    ax.set_title(f"{rows['variant'].iloc[0]}\n{runs} run{'s' * (runs > 1)}", fontsize=12)
    if behind is not None:
        line = {"units": "run", "estimator": None, "sort": False, "color": BEHIND, "lw": 1.2}
        sns.lineplot(behind, x="shared", y="accuracy", ax=ax, zorder=1, **line)
    runs_by_status(ax, rows, "shared", "accuracy")
    dense = rows[rows["level"] == 0]["accuracy"].mean()
    ax.axhline(dense, color="black", lw=1, linestyle=":", zorder=1)
    ax.add_patch(Rectangle((LEAST / 2, dense), -LEAST, 1, **GOAL))
    ax.set_xscale("symlog", linthresh=LEAST, linscale=0.5)
    ax.set_xticks([1, 0.1, 0.01, 0.001, 0], ["100%", "10%", "1%", "0.1%", "0"])
    ax.set(xlim=(1.6, -LEAST / 2), xlabel="", ylabel="")
    ax.minorticks_off()


@styled
def separation_cost(table: pd.DataFrame, found: pd.DataFrame) -> Figure:
    """Each separated network's accuracy less that of the same run before pruning, by method.

    Args:
        table: as in :func:`frontier`.
        found: as ``studies.mnist_fashion.methods``.

    Returns:
        A figure with one row per method, and the mean with its 95 % interval of `FEWEST` networks
        or more.
    """
    figure, axes = panels(1, 1, (11, 0.62 * len(found) + 2))
    ax, variants = axes[0, 0], list(found["variant"])
    dense = table[table["level"] == 0].set_index("run")["accuracy"]
    separated = table[table["status"] == "separated"].groupby("run").first()
    gain = 100 * (separated["accuracy"] - dense.loc[separated.index])
    dots = separated.assign(gain=gain, place=separated["variant"].map(variants.index))
    look = {"s": 60, "color": STATUS_COLOURS["separated"], "edgecolor": "black", "linewidth": 0.6}
    sns.scatterplot(dots, x="gain", y="place", ax=ax, zorder=3, legend=False, **look)
    for place, (_, row) in enumerate(found.iterrows()):
        _means(ax, row, place)
        words = f"{row['separated']} of {row['runs']}"
        ax.text(1.01, place, words, va="center", transform=ax.get_yaxis_transform())
    ax.axvline(0, color="black", lw=1, linestyle=":")
    ax.set_yticks(range(len(found)), variants)
    xlabel = "accuracy less that of the same run before pruning (percentage points)"
    ax.set(ylim=(len(found) - 0.4, -0.6), xlabel=xlabel, ylabel="")
    ax.set_title("runs that separate", loc="right")
    left, right = ax.get_xlim()
    ax.axvspan(0, max(1, right), **GOAL)
    ax.set_xlim(left, max(1, right))
    figure.legend(handles=_cost_handles(), ncols=2, **BELOW)
    return figure


SEPARATED_MEAN = {"color": "black", "marker": "|", "ms": 11, "lw": 1.6}

HIDDEN_MEAN = {
    "color": STATUS_COLOURS["interconnected"],
    "marker": "D",
    "mfc": "white",
    "ms": 7,
    "lw": 1.6,
}


def _means(ax: Axes, row: pd.Series, place: int):
    """Means and intervals of one method: of separated networks, and of those separated inside."""
    if row["separated"] >= FEWEST:
        spread = 100 * (row["gain_high"] - row["gain"])
        ax.errorbar(100 * row["gain"], place + 0.25, xerr=spread, zorder=4, **SEPARATED_MEAN)
    if row["hidden"]:
        spread = 100 * (row["gain_hidden_high"] - row["gain_hidden"])
        spread = spread if row["hidden"] >= FEWEST else 0
        ax.errorbar(100 * row["gain_hidden"], place - 0.25, xerr=spread, **HIDDEN_MEAN)


def _cost_handles() -> list:
    """The legend of :func:`separation_cost`."""
    dot = {"ls": "", "marker": "o", "ms": 8, "mec": "black", "mew": 0.6}
    dot["color"] = STATUS_COLOURS["separated"]
    hidden = "no hidden neuron shared: mean, 95 %"
    return [
        Line2D([], [], label="a separated network", **dot),
        Line2D([], [], label="their mean, 95 % interval", **SEPARATED_MEAN),
        Line2D([], [], label=hidden, **HIDDEN_MEAN),
        Patch(label="the goal", **GOAL),
    ]
