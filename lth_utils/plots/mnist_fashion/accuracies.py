"""Notebook 02: accuracy as pruning goes on."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lth_utils.plots.marks import BELOW, STAR, interval_bars, runs_by_status, status_handles
from lth_utils.plots.style import DASHES, TASK_COLOURS, panels, styled


def _of_our_size(table: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Their rows, none where their networks are of another size than ours."""
    if theirs["unpruned_weights"].max() == table["available"].max():
        return theirs
    return theirs[:0]


def _finish(ax: Axes, ylabel: str, title: str):
    """Labels, and weights from many to few."""
    ax.set(xscale="log", xlabel="unpruned weights", ylabel=ylabel, title=title)
    ax.invert_xaxis()


@styled
def accuracy(table: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Mean accuracy over the unpruned weights, one line per seed, a star where it separates.

    Args:
        table: level rows of image networks.
        theirs: ``studies.reference.reference("mnist_fashion")``, drawn where the networks are of
            the same size.

    Returns:
        A figure with one panel.
    """
    figure, axes = panels(1, 1, (11, 7))
    ax, handles = axes[0, 0], status_handles(table["status"])
    given = _of_our_size(table, theirs)
    black = {"color": "black", "lw": 1.2, "linestyle": DASHES}
    for _, rows in given.groupby("run"):
        ax.plot(rows["unpruned_weights"], rows["mean_accuracy"], alpha=0.7, **black)
        separated = rows[rows["separated_here"] == 1]
        star = STAR | {"color": "white", "zorder": 4}
        ax.plot(separated["unpruned_weights"], separated["mean_accuracy"], **star)
    runs_by_status(ax, table, "available", "accuracy")
    title = f"{table['base'].iloc[0]}, {table['run'].nunique()} seeds"
    _finish(ax, "accuracy on the test split, mean of the tasks", title)
    if len(given):
        label = f"the thesis, {given['run'].nunique()} runs"
        handles.append(Line2D([], [], marker="*", ms=15, mfc="white", label=label, **black))
    figure.legend(handles=handles, ncols=3, **BELOW)
    return figure


@styled
def task_accuracy(table: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Accuracy per task over the unpruned weights: mean, band from the lowest to the highest seed.

    Args:
        table: level rows with columns ``accuracy_<task>``.
        theirs: ``studies.reference.reference("mnist_fashion_taskwise")``, drawn where the networks
            are of the same size.

    Returns:
        A figure with one panel.
    """
    figure, axes = panels(1, 1, (11, 7))
    ax = axes[0, 0]
    given = _of_our_size(table, theirs)
    columns = [c for c in table if c.startswith("accuracy_") and table[c].notna().any()]
    for column, colour in zip(columns, TASK_COLOURS, strict=False):
        name = column.removeprefix("accuracy_")
        sns.lineplot(
            table,
            x="available",
            y=column,
            color=colour,
            errorbar=("pi", 100),
            err_kws={"alpha": 0.2, "lw": 0},
            lw=2.4,
            marker=".",
            mew=0,
            label=f"{name} (ours: mean, lowest to highest)",
            legend=False,
            ax=ax,
        )
        rows = given[given["task"] == name]
        if len(rows):
            look = {"marker": "s", "mfc": "white", "ms": 6, "fmt": "", "linestyle": DASHES}
            look |= {"color": colour, "lw": 1.2, "label": f"{name} (the thesis, the same)"}
            values = ("accuracy_mean", "accuracy_min", "accuracy_max")
            interval_bars(ax, rows, rows["unpruned_weights"], values, **look)
    title = f"{table['base'].iloc[0]}, {table['run'].nunique()} seeds, each up to where it stops"
    _finish(ax, "accuracy on the test split", title)
    figure.legend(ncols=2, **BELOW)
    return figure
