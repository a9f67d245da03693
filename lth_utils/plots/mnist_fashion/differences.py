"""Notebook 02: what could explain the gap between our dense networks and the thesis'."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lth_utils.plots.marks import BELOW, from_to
from lth_utils.plots.style import STATUS_COLOURS, panels, styled
from lth_utils.plots.theirs import their_handle, their_marks
from lth_utils.plots.titles import counted, figure_title, span

DENSE = STATUS_COLOURS["interconnected"]
"""Of dense networks, which are interconnected."""

FEWEST = 3
"""Seeds that an interval is drawn of; that of two is wider than any figure."""

MEAN = {"color": "#0B5A8A", "lw": 2}
"""Of the mean of such networks: the same blue, darker."""


@styled
def accuracy_differences(
    dense: pd.DataFrame, means: pd.DataFrame, theirs: pd.DataFrame, by_task: pd.DataFrame
) -> Figure:
    """What could explain the gap between our dense networks and the thesis'.

    Args:
        dense: dense networks, a row per measure: columns ``variant, base, measure, accuracy``, as
            ``studies.trials.melt_accuracies``. The first measure is the mean of the tasks, the
            others are the names of tasks.
        means: of these, as ``studies.trials.mean_by_weights`` with columns ``measure, variant``.
        theirs: ``studies.reference.reference("mnist_fashion")``.
        by_task: ``studies.reference.reference("mnist_fashion_taskwise")``.

    Returns:
        A figure with one panel per measure and one row per change: a dot per seed, the mean with
        its interval, and the thesis' runs as hollow circles in the top row and a grey band.
    """
    measures, variants = list(dense["measure"].unique()), list(dense["variant"].unique())
    size = (4.2 * len(measures) + 2, 0.46 * len(variants) + 3)
    figure, axes = panels(1, len(measures), size)
    first = theirs.loc[theirs["pruning_level"] == 0, "mean_accuracy"]
    ranges = {measures[0]: (first.min(), first.max())}
    for ax, measure in zip(axes[0], measures, strict=True):
        at = by_task[(by_task["task"] == measure) & (by_task["pruning_level"] == 0)]
        if measure == measures[0]:
            values = first
        else:
            values = at[["accuracy_min", "accuracy_mean", "accuracy_max"]].iloc[:1].stack()
        _changes(ax, dense[dense["measure"] == measure], means, variants, 100 * values)
        ax.set_title(measure, fontsize=13)
        if measure == measures[0]:
            ax.set_title(f"{measure}; {dense['base'].iloc[0]}", fontsize=13)
        ax.set_xlabel("accuracy, %")
    axes[0, 0].set_yticks(range(-1, len(variants)), ["the thesis", *variants])
    for ax in axes[0, 1:]:
        ax.set_yticks(range(-1, len(variants)), [])
    figure_title(figure, _explained(means[means["measure"] == measures[0]], *ranges[measures[0]]))
    seeds = from_to(means["trials"])
    ours = {"color": DENSE, "marker": "o", "ls": "", "ms": 6}
    bar = MEAN | {"marker": "|", "ms": 12, "mew": 2.4}
    count = f"the thesis, {len(first)} runs (tasks: lowest, mean, highest)"
    handles = [
        Line2D([], [], label=f"a dense network, {seeds} seeds each", **ours),
        Line2D([], [], label="their mean, 95 % interval", **bar),
        their_handle(count),
        Patch(color="#DDDDDD", label="the thesis' range"),
    ]
    figure.legend(handles=handles, ncols=2, fontsize=12, **BELOW)
    return figure


def _changes(
    ax: Axes, rows: pd.DataFrame, means: pd.DataFrame, variants: list[str], theirs: pd.Series
):
    """One measure: the seeds of each change, their mean, and the thesis' runs."""
    places = rows["variant"].map(variants.index)
    ax.scatter(100 * rows["accuracy"], places, s=34, color=DENSE, zorder=3, linewidths=0)
    at = means[means["measure"] == rows["measure"].iloc[0]].set_index("variant").loc[variants]
    look = MEAN | {"zorder": 4}
    ends = 100 * at[["low", "high"]].where(at["trials"] >= FEWEST)
    ax.hlines(range(len(variants)), ends["low"], ends["high"], **look)
    ax.plot(100 * at["mean"], range(len(variants)), ls="", marker="|", ms=12, mew=2.4, **look)
    if len(theirs):
        ax.axvspan(theirs.min(), theirs.max(), color="#DDDDDD", lw=0, zorder=0)
        their_marks(ax, theirs, [-1] * len(theirs), ms=8)
    ax.set_ylim(len(variants) - 0.4, -1.6)


def _explained(means: pd.DataFrame, low: float, high: float) -> str:
    """Which changes bring the mean within the thesis' range, and where it is without any."""
    theirs = f"the thesis' {span((100 * low, 100 * high))} %"
    start, rest = means.iloc[0], means.iloc[1:]
    words = f"Unchanged, our mean is {100 * start['mean']:.1f} %, against {theirs}"
    inside = rest[rest["mean"].between(low, high)]
    if rest.empty:
        return words
    if inside.empty:
        return f"{words}; none of {counted(len(rest), 'change')} brings it within"
    names = ", ".join(inside["variant"])
    return f"{words}; within it: {names} ({len(inside)} of {counted(len(rest), 'change')})"
