"""Notebook 02: accuracy as pruning goes on, beside the thesis'."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lth_utils.plots.marks import BELOW, from_to, runs_by_status, status_handles
from lth_utils.plots.style import TASK_COLOURS, panels, styled
from lth_utils.plots.theirs import their_handle, their_marks
from lth_utils.plots.titles import counted, figure_title, span, wrapped

GAP = {"color": "#777777", "lw": 2, "marker": "o", "ms": 5}

TASK_MARKERS = "os^D"


def _of_our_size(table: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Their rows, none where their networks are of another size than ours."""
    if theirs["unpruned_weights"].max() == table["available"].max():
        return theirs
    return theirs[:0]


def _two_panels(compared: bool) -> tuple[Figure, Axes, Axes | None]:
    """A panel, and a lower one below it where there is something to compare with."""
    figure, axes = panels(2 if compared else 1, 1, (11, 8.6 if compared else 6.6))
    if compared:
        axes[0, 0].get_gridspec().set_height_ratios([2.4, 1])
        axes[1, 0].sharex(axes[0, 0])
    return figure, axes[0, 0], axes[1, 0] if compared else None


def _finish(axes: list[Axes]):
    """Weights from many to few, named below the last panel."""
    for ax in axes:
        ax.set(xscale="log", xlabel="")
    axes[-1].set_xlabel("unpruned weights")
    axes[0].invert_xaxis()


def _gaps(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Percentage points between ours and theirs at equal numbers of weights.

    Args:
        ours, theirs: columns ``mean, min, max`` by the number of weights.

    Returns:
        ``gap`` of the means; ``low`` from our lowest run to their highest, and ``high`` from our
        highest to their lowest: above 0 throughout where each of ours is above each of theirs.
    """
    both = ours.add_suffix("_ours").join(theirs.add_suffix("_theirs"), how="inner")
    gaps = {
        "gap": both["mean_ours"] - both["mean_theirs"],
        "low": both["min_ours"] - both["max_theirs"],
        "high": both["max_ours"] - both["min_theirs"],
    }
    return (100 * pd.DataFrame(gaps)).sort_index(ascending=False)


def _gap_panel(ax: Axes, gaps: pd.DataFrame, **look):
    """The gap of the means, and how far single runs lie apart at most."""
    look = GAP | look
    ax.fill_between(gaps.index, gaps["low"], gaps["high"], color=look["color"], alpha=0.2, lw=0)
    ax.plot(gaps.index, gaps["gap"], **look)
    ax.axhline(0, color="black", lw=1.1, linestyle=":")
    ax.set_ylabel("ours less theirs,\npoints")


def _spread(rows: pd.DataFrame, weights: str, value: str) -> pd.DataFrame:
    return rows.groupby(weights)[value].agg(["mean", "min", "max"])


@styled
def accuracy(table: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Mean accuracy over the unpruned weights, one line per seed, a star where it separates.

    Args:
        table: level rows of image networks.
        theirs: ``studies.reference.reference("mnist_fashion")``, drawn where the networks are of
            the same size.

    Returns:
        A figure with one panel, and a second with the gap where theirs is drawn.
    """
    given, handles = _of_our_size(table, theirs), status_handles(table["status"])
    figure, ax, below = _two_panels(len(given) > 0)
    runs_by_status(ax, table, "available", "accuracy")
    ax.set_ylabel("accuracy on the test split,\nmean of the tasks")
    runs = table["run"].nunique()
    title = f"{table['base'].iloc[0]}: {counted(runs, 'run')}, a line each"
    if below is not None:
        title += f"; the thesis: {counted(given['run'].nunique(), 'run')}, a circle per level"
        their_marks(ax, given["unpruned_weights"], given["mean_accuracy"], ms=5.5, mew=1.1)
        at = given[given["separated_here"] == 1]
        star = {"marker": "*", "ms": 15, "zorder": 7}
        their_marks(ax, at["unpruned_weights"], at["mean_accuracy"], **star)
        ours = _spread(table, "available", "accuracy")
        gaps = _gaps(ours, _spread(given, "unpruned_weights", "mean_accuracy"))
        _gap_panel(below, gaps)
        handles.append(their_handle("the thesis", ms=7))
        handles.append(their_handle("separated here (the thesis)", marker="*", ms=14))
        handles.append(Line2D([], [], label="gap of the means", **GAP))
        handles.append(Patch(color=GAP["color"], alpha=0.3, lw=0, label="all pairs of runs"))
    ax.set_title(wrapped(title, 9.6), fontsize=12)
    _finish([ax] + [below] * (below is not None))
    text = _at_separation(table)
    if below is not None:
        text += f"; {_above(gaps)}"
    figure_title(figure, text)
    figure.legend(handles=handles, ncols=3, fontsize=12, **BELOW)
    return figure


def _at_separation(table: pd.DataFrame) -> str:
    """How many runs separate, and how far below the best level of the same run."""
    runs = table.groupby("run", sort=False)["accuracy"].max()
    separated = table[table["status"] == "separated"].groupby("run", sort=False)["accuracy"].first()
    if separated.empty:
        return f"None of {counted(len(runs), 'run')} separates"
    lost = 100 * (runs.loc[separated.index] - separated)
    words = f"{len(separated)} of {counted(len(runs), 'run')} separate, {span(lost)} points below"
    return f"{words} the best level of the same run"


def _above(gaps: pd.DataFrame) -> str:
    """How ours compares with theirs, in words."""
    words = f"ours less the thesis': {span(gaps['gap'], '{:+.1f}')} points"
    clear = int((gaps["low"] > 0).sum())
    return f"{words}, with every run above every one of theirs at {clear} of {len(gaps)} sizes"


@styled
def task_accuracy(table: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Accuracy per task over the unpruned weights: mean, band from the lowest to the highest seed.

    Args:
        table: level rows with columns ``accuracy_<task>``.
        theirs: ``studies.reference.reference("mnist_fashion_taskwise")``, drawn where the networks
            are of the same size.

    Returns:
        A figure with one panel, and a second with the gap where theirs is drawn.
    """
    given = _of_our_size(table, theirs)
    figure, ax, below = _two_panels(len(given) > 0)
    columns = [c for c in table if c.startswith("accuracy_") and table[c].notna().any()]
    handles, ends, gaps_by_task = [], [], []
    for column, colour, marker in zip(columns, TASK_COLOURS, TASK_MARKERS, strict=False):
        task = column.removeprefix("accuracy_")
        ours = _spread(table, "available", column).sort_index(ascending=False)
        look = {"color": colour, "marker": marker, "lw": 2.2, "ms": 5, "mew": 0}
        ax.fill_between(ours.index, ours["min"], ours["max"], color=colour, alpha=0.2, lw=0)
        ax.plot(ours.index, ours["mean"], **look)
        handles.append(Line2D([], [], label=f"{task}: mean, lowest to highest", **look))
        lost = 100 * (ours["mean"].max() - ours["mean"].iloc[-1])
        ends.append(f"{task} by {lost:.1f}")
        rows = given[given["task"] == task]
        if len(rows):
            values = [rows[f"accuracy_{name}"] for name in ("mean", "min", "max")]
            their_marks(ax, rows["unpruned_weights"], *values, marker=marker, ms=6, mew=1.2)
            names = {f"accuracy_{name}": name for name in ("mean", "min", "max")}
            spread = rows.set_index("unpruned_weights").rename(columns=names)
            gaps = _gaps(ours, spread[["mean", "min", "max"]])
            _gap_panel(below, gaps, color=colour, marker=marker)
            gaps_by_task.append(f"{task} {span(gaps['gap'], '{:+.1f}')}")
            label = f"{task}: the thesis, the same"
            handles.append(their_handle(label, whisker=True, marker=marker, ms=7))
    ax.set_ylabel("accuracy on the test split")
    runs = from_to(table.groupby("level")["run"].nunique())
    title = f"{table['base'].iloc[0]}: {runs} runs, each up to where it stops"
    if below is not None:
        title += f"; the thesis: {from_to(given['n_runs'])}"
    ax.set_title(wrapped(title, 9.6), fontsize=12)
    _finish([ax] + [below] * (below is not None))
    text = f"From its best level to the end the mean falls, in points: {', '.join(ends)}"
    if gaps_by_task:
        text += f"; ours less the thesis': {', '.join(gaps_by_task)}"
    figure_title(figure, text)
    figure.legend(handles=handles, ncols=2, fontsize=12, **BELOW)
    return figure
