"""Notebooks 01 and 03: loss by the number of active weights, draw by draw."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from lth_utils.plots.beside import FEW, quantile_box
from lth_utils.plots.marks import BELOW, OUTCOME_MARKS, panel_title
from lth_utils.plots.style import STATUS_COLOURS, panels, styled, tint
from lth_utils.plots.titles import figure_title, percent

DRAW = "data.seed"

MOST_DRAWS = 6
"""So many draws of the data have a panel of their own."""

SOLVED = 0.08
"""A network of a lower loss has learned both tasks; above it one of them is lost."""

FILLS = {"interconnected": 0.35, "separated": 1.0, "fragmented": 0.2, "degraded": 0.65}
"""How strong the colour of a box is, by status."""

WIDTH = 2.0
"""Of a range of active weights, as a factor."""


def watched(table: pd.DataFrame) -> tuple[str, str]:
    """The column of the loss that the thesis reports, and the split it is measured on, in words."""
    known = "watched_loss" in table and table["watched_loss"].notna().any()
    return ("watched_loss" if known else "loss"), "loss on the points\nthat training watched"


@styled
def performance(table: pd.DataFrame, theirs: pd.DataFrame | None = None) -> Figure:
    """Loss over active weights, log-log: boxes by status and range of active weights.

    Args:
        table: level rows, columns ``active``, ``loss``, ``status``; ``watched_loss`` (the split by
            which training stopped, as in the thesis) and ``data.seed`` where the table has them.
        theirs: ``studies.reference.reference("performance_clusters")``, the ranges of the thesis'
            dots, drawn as hollow black boxes where our weights reach.

    Returns:
        A figure with one panel for each of the first draws of the data.
    """
    loss, split = watched(table)
    table = table[table["active"] > 0]
    table = table.assign(loss=table[loss], draw=table.get(DRAW, 0))
    draws = sorted(set(table["draw"]))
    shown = draws[:MOST_DRAWS]
    table = table[table["draw"].isin(shown)]
    columns = min(2, len(shown))
    height = 6 if len(shown) == 1 else 4 * -(-len(shown) // columns) + 1.2
    figure, axes = panels(-(-len(shown) // columns), columns, (11, height))
    for ax in axes.flat[len(shown) :]:
        ax.set_axis_off()
    for ax, draw in zip(axes.flat, shown, strict=False):
        rows = table[table["draw"] == draw]
        own = "data.draw" in rows and (rows["data.draw"] == "thesis").all()
        name = "the thesis' draw of the data" if own else f"draw {draw} of the data"
        _draw_of_data(ax, rows, theirs, name)
        _same_ends(ax, table, theirs)
        ax.set(xlabel="active weights")
    for ax in axes[:, 0]:
        ax.set_ylabel(split)
    figure_title(figure, _comparison(table, len(shown), len(draws)))
    box = f"median, middle 50 % and 90 % (dots: fewer than {FEW}); grey: loss above {SOLVED}"
    figure.legend(handles=_handles(table, theirs), ncols=4, title=box, **BELOW)
    return figure


def _groups(table: pd.DataFrame) -> Iterator[tuple[tuple[float, float], str, pd.Series]]:
    """Place, status and losses of each box: by active weights, status, and whether a task is lost.

    Statuses of one range of active weights stand side by side.
    """
    ranges = np.floor(np.log(table["active"]) / np.log(WIDTH)).astype(int)
    for place, of_range in table.groupby(ranges):
        words = [word for word in STATUS_COLOURS if word in set(of_range["status"])]
        step = WIDTH ** (0.8 / len(words))
        for number, word in enumerate(words):
            left = float(WIDTH ** (place + 0.1) * step**number)
            losses = of_range.loc[of_range["status"] == word, "loss"]
            for lost in (False, True):
                chosen = losses[(losses > SOLVED) == lost]
                yield (left, left * step**0.92), word, chosen


def _draw_of_data(ax: Axes, table: pd.DataFrame, theirs: pd.DataFrame | None, name: str):
    """The networks of one draw of the data."""
    ax.set(xscale="log", yscale="log")
    for ends, status, losses in _groups(table):
        look = {"fill": FILLS[status], "marker": OUTCOME_MARKS.get(status, "o")}
        quantile_box(ax, ends, losses, STATUS_COLOURS[status], **look)
    lost = table["loss"] > SOLVED
    ax.axhspan(SOLVED, 10, color="#EEEEEE", zorder=0, lw=0)
    text = f"one task lost: {lost.sum():,} of {len(table):,}"
    look = {"ha": "right", "va": "top", "fontsize": 12, "transform": ax.transAxes}
    ax.text(0.99, 0.98, text, **look)
    if theirs is not None:
        _boxes(ax, theirs)
    runs = table["run"].nunique() if "run" in table else len(table)
    panel_title(ax, f"{name}: {runs:,} run{'s' * (runs != 1)}, {len(table):,} networks")


def _boxes(ax: Axes, theirs: pd.DataFrame):
    """The ranges of the thesis as hollow black boxes."""
    for _, box in theirs.iterrows():
        low, high = box["active_weights_min"], box["active_weights_max"]
        if low == high:
            low, high = low / 1.12, high * 1.12
        height = max(box["val_loss_max"] - box["val_loss_min"], 1e-5)
        look = {"facecolor": "none", "edgecolor": "black", "linewidth": 1.3, "zorder": 5}
        ax.add_patch(Rectangle((low, box["val_loss_min"]), high - low, height, **look))


def _same_ends(ax: Axes, table: pd.DataFrame, theirs: pd.DataFrame | None):
    """One scale for all draws, wide enough for ours and theirs."""
    x = [table["active"].min() / 1.5, table["active"].max() * 2]
    losses = [table["loss"].min(), table["loss"].max(), 2 * SOLVED]
    if theirs is not None:
        near = theirs[theirs["active_weights_min"].between(*x)]
        losses += [*near["val_loss_min"], *near["val_loss_max"]]
    ax.minorticks_off()
    ax.set(xlim=x, ylim=(0.7 * np.nanmin(losses), 2.2 * np.nanmax(losses)))


def _comparison(table: pd.DataFrame, shown: int, draws: int) -> str:
    """Separated networks beside others of as many active weights that solve both tasks, by draw."""
    apart = table["status"] == "separated"
    lost = table["loss"] > SOLVED
    if not (apart & ~lost).any():
        return (
            f"No network separated and solves both tasks; {percent(lost.mean())} of "
            "all have lost one"
        )
    ends = table.loc[apart, "active"].quantile([0.05, 0.95])
    alike = ~apart & ~lost & table["active"].between(*ends)
    medians = table[apart & ~lost].groupby("draw")["loss"].median().to_frame("apart")
    medians["alike"] = table[alike].groupby("draw")["loss"].median()
    both = medians.dropna()
    better = int((both["apart"] < both["alike"]).sum())
    of_apart = percent((lost & apart).sum() / apart.sum())
    text = f"{of_apart} of the separated networks have lost a task; the others' median loss"
    if len(both) == 1:
        values = both.iloc[0]
        return f"{text} is {values['apart']:.4f}, that of others as small {values['alike']:.4f}"
    text += f" is below that of others as small in {better} of {len(both)} draws"
    return text + (f" (the first of {draws})" if draws > shown else "")


def _handles(table: pd.DataFrame, theirs: pd.DataFrame | None) -> list:
    """Statuses, boxes, dots, and the thesis."""
    handles: list = []
    for word, colour in STATUS_COLOURS.items():
        if word in set(table["status"]):
            fill = tint(colour, FILLS[word])
            handles.append(Patch(facecolor=fill, edgecolor=colour, label=word))
    if theirs is not None:
        look = {"facecolor": "none", "edgecolor": "black", "linewidth": 1.3}
        handles.append(Patch(label="the thesis: ranges", **look))
    return handles
