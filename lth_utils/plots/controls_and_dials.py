"""Figures of notebook 09: dials from two tasks to none, their tickets, controls, transplants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lth_utils.connectivity import status
from lth_utils.networks.ticket import Ticket
from lth_utils.plots.marks import BELOW, interval_bars, jittered, line_with_band
from lth_utils.plots.network import draw_network
from lth_utils.plots.style import DASHES, STATUS_COLOURS, blank, panels, styled, tint
from lth_utils.plots.titles import figure_title, percent, runs_and_draws, wrapped

DIALS = {
    "dependence": ("dependence of the labels", "linear"),
    "rotation": ("inputs 2 and 3 rotated by, degrees", "root"),
    "overlap": ("inputs that both tasks need, of three", "linear"),
}
"""By dial what its axis says, and its scale."""

MEASURES = {
    "apart": "apart, both tasks kept\nshare of the runs",
    "excess": "paths inside the tasks' blocks\nshare beyond chance",
    "index": "parts found against the tasks\nadjusted Rand index",
}
"""By column what a row of panels shows: its axis."""

SIZES = {1000: ("#009E73", "o"), 300: ("#0072B2", "s"), 3000: ("#D55E00", "^")}
"""Colour and mark by number of points."""

OTHERS = ("#CC79A7", "v")
"""The same of any other number."""

ALL_INSIDE = 3
"""Where the third dial leaves no path outside the tasks' blocks, so that none is beyond chance."""


@styled
def dials(conditions: pd.DataFrame, title: str) -> Figure:
    """What networks do as two tasks become less and less independent.

    Args:
        conditions: as ``studies.controls_and_dials.by_condition``.
        title: the finding.

    Returns:
        A figure with a column per dial and a row per measure.
    """
    names = [name for name in DIALS if name in set(conditions["dial"])]
    figure, axes = panels(len(MEASURES), len(names), (4.9 * len(names), 11))
    ends = []
    for column, dial in zip(axes.T, names, strict=True):
        own = conditions[conditions["dial"] == dial].sort_values("value")
        ends.append(_end_to_end(own, dial))
        for ax, measure in zip(column, MEASURES, strict=True):
            _curves(ax, own, dial, measure)
        column[0].set_title(wrapped(ends[-1], 4.4, 14), pad=10)
        column[-1].set_xlabel(DIALS[dial][0])
    for ax in axes[:, 0]:
        ax.yaxis.labelpad = 8
    found = conditions[conditions["dial"].isin(names)]
    figure_title(figure, title)
    band = f"{runs_and_draws(found)} per point; band: 95 % interval, the draw a random factor"
    figure.legend(handles=_size_handles(found), ncols=4, title=band, **BELOW)
    return figure


def _end_to_end(own: pd.DataFrame, dial: str) -> str:
    """From which share to which one, at the number of points that most rows have."""
    rows = own[own["n_samples"] == own["n_samples"].mode().iloc[0]]
    if 1000 in set(own["n_samples"]):
        rows = own[own["n_samples"] == 1000]
    first, last = rows.iloc[0], rows.iloc[-1]
    named = {"dependence": "dependence", "rotation": "rotation", "overlap": "shared inputs"}[dial]
    return (
        f"{named} {first['value']:g} to {last['value']:g}: "
        f"{percent(first['apart'])} to {percent(last['apart'])} apart"
    )


def _curves(ax: Axes, own: pd.DataFrame, dial: str, measure: str):
    """One measure along one dial, a line for each number of points."""
    values = (measure, f"{measure}_low", f"{measure}_high")
    for n, rows in own.groupby("n_samples"):
        if dial == "overlap" and measure == "excess":
            rows = rows[rows["value"] < ALL_INSIDE]
        colour, marker = SIZES.get(int(n), OTHERS)
        line_with_band(ax, rows, "value", values, colour, marker=marker, ms=8, mew=0, lw=2)
        if measure == "excess":
            ax.plot(rows["value"], rows["excess_degrees"], color=colour, ls=DASHES, lw=1.5)
    if DIALS[dial][1] == "root":
        ax.set_xscale("function", functions=(_root, _square))
    ax.set_xticks(sorted(own["value"].unique()), [f"{v:g}" for v in sorted(own["value"].unique())])
    ax.set(xlabel="", ylabel=MEASURES[measure] if ax.get_subplotspec().is_first_col() else "")
    if measure == "excess":
        ax.axhline(0, color="#888888", lw=1, zorder=0)
        ax.set(ylim=(-0.12, 0.62), xlim=_room(own["value"]))
    else:
        ax.set(ylim=(-0.04, 1.04), xlim=_room(own["value"]))
    if measure == "apart":
        ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))


def _room(values: pd.Series) -> tuple[float, float]:
    """The ends of an axis with some room beside the values."""
    room = 0.04 * (values.max() - values.min() or 1)
    return values.min() - room / 4, values.max() + room


def _root(values):
    return np.sqrt(np.maximum(values, 0))


def _square(values):
    return np.square(values)


def _size_handles(found: pd.DataFrame) -> list[Line2D]:
    """What colours and dashes mean."""
    handles = []
    for n in sorted(found["n_samples"].unique()):
        colour, marker = SIZES.get(int(n), OTHERS)
        look = {"color": colour, "marker": marker, "ms": 8, "mew": 0, "lw": 2}
        handles.append(Line2D([], [], label=f"{n} points", **look))
    null = "beyond random masks of the same degrees (solid: same counts)"
    handles.append(Line2D([], [], color="#555555", ls=DASHES, lw=1.5, label=null))
    return handles


@styled
def dial_tickets(tickets: Mapping[str, Sequence[tuple[float, Ticket]]]) -> Figure:
    """Tickets of one seed along each dial, coloured by the task whose output a unit leads to.

    Args:
        tickets: by dial, where it stands and the ticket.

    Returns:
        A figure with a row per dial.
    """
    columns = max(map(len, tickets.values()), default=1)
    figure = blank((3.9 * columns, 3.6 * max(1, len(tickets))))
    axes = figure.subplots(max(1, len(tickets)), columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    parted = []
    for row, (dial, entries) in zip(axes, tickets.items(), strict=False):
        for ax, (value, ticket) in zip(row, entries, strict=False):
            draw_network(ax, ticket, "task")
            weights = sum(int(mask.sum()) for mask in ticket.masks)
            ax.set_title(f"{dial} {value:g}\n{weights} weights left", fontsize=13)
        parted.append(f"{dial} {_parted(entries)}")
    seeds = {ticket.seed for entries in tickets.values() for _, ticket in entries}
    seed = f"seed {', '.join(map(str, sorted(seeds)))}"
    text = f"Parted in two at {'; '.join(parted)} (colour: the task led to, grey: both; {seed})"
    figure_title(figure, text)
    return figure


def _parted(entries: Sequence[tuple[float, Ticket]]) -> str:
    """Where a dial stands in the tickets that are separated."""
    apart = [f"{v:g}" for v, t in entries if status(t.masks, t.tasks)[0] == "separated"]
    return ", ".join(apart) or "nowhere"


ENDS = {
    "apart": ("apart, both tasks kept", STATUS_COLOURS["separated"], ""),
    "less accurate": ("apart, but a task less accurate", tint("#009E73", 0.4), "///"),
    "lost": ("lost an input or output first", STATUS_COLOURS["degraded"], ""),
    "joined": ("joined to the end", STATUS_COLOURS["interconnected"], ""),
}
"""What becomes of a run, with its name, colour and hatching."""


@styled
def controls_outcomes(conditions: pd.DataFrame, names: Sequence[str]) -> Figure:
    """What becomes of networks under controls, and of those on two independent tasks.

    Args:
        conditions: as ``studies.controls_and_dials.by_condition``, with the number of runs that
            came to each of :data:`ENDS`.
        names: of the controls, from top to bottom.

    Returns:
        A figure with a bar per control, the pair on top.
    """
    pair = (conditions["dial"] == "dependence") & (conditions["value"] == 0)
    pair &= conditions["n_samples"] == 1000
    rows = [("two independent tasks", conditions[pair])]
    rows += [(name, conditions[conditions["dial"] == name]) for name in names]
    rows = [(name, own.iloc[0]) for name, own in rows if len(own)]
    figure, axes = panels(1, 1, (12, 0.62 * len(rows) + 3))
    ax = axes[0, 0]
    for place, (_, row) in enumerate(rows):
        left = 0.0
        for column, (_, colour, hatch) in ENDS.items():
            share = row[f"n_{column}"] / row["runs"]
            look = {"color": colour, "hatch": hatch, "edgecolor": "white", "lw": 0}
            ax.barh(place, share, 0.74, left, **look)
            left += share
        low, high = row["apart_low"], row["apart_high"]
        ax.plot([low, high], [place, place], color="black", lw=1.8, solid_capstyle="butt")
        counts = f"{int(row['n_apart'])} of {int(row['runs'])} ({int(row['draws'])} draws)"
        ax.text(1.01, place, counts, va="center", fontsize=12)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.set(xlim=(0, 1), xlabel="share of the runs")
    ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    ax.invert_yaxis()
    figure_title(figure, controls_title(rows))
    handles = []
    for text, colour, hatch in ENDS.values():
        handles.append(Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=text))
    bar = "95 % interval of apart, the draw a random factor"
    handles.append(Line2D([], [], color="black", lw=1.8, label=bar))
    figure.legend(handles=handles, ncols=2, **BELOW)
    return figure


def controls_title(rows: Sequence[tuple[str, pd.Series]]) -> str:
    """Which controls part as well, and how often the pair does."""
    told = dict(rows)
    pair = told.pop("two independent tasks", None)
    parted = [f"{name} {percent(row['apart'])}" for name, row in told.items() if row["apart"]]
    which = ", ".join(parted) or "none"
    start = "" if pair is None else f"Two independent tasks part in {percent(pair['apart'])}; "
    return f"{start}of {len(told)} controls these part, too: {which}"


@styled
def transplants(trained: pd.DataFrame, drops: pd.DataFrame) -> Figure:
    """How accurate separated tickets are on what they were not found for.

    Args:
        trained: as ``studies.controls_and_dials.transplanted``.
        drops: as ``studies.controls_and_dials.accuracy_drops``.

    Returns:
        A figure with a dot per ticket, and means with their intervals.
    """
    figure, axes = panels(1, 1, (11, 5.6))
    ax = axes[0, 0]
    own = trained[trained["transplant"] == "its own data"].set_index("run")["accuracy"]
    names = list(drops["transplant"])
    for place, name in enumerate(names):
        rows = trained[trained["transplant"] == name].set_index("run")
        change = 100 * (rows["accuracy"] - own[rows.index])
        places = jittered(pd.Series(float(place), rows.index), -0.28, -0.06)
        ax.scatter(places, change, s=22, color="#0072B2", alpha=0.5, lw=0)
    means = drops[["drop", "drop_low", "drop_high"]] * -100
    means = means.rename(columns={"drop_low": "drop_high", "drop_high": "drop_low"})
    look = {"fmt": "D", "ms": 7, "capsize": 4, "lw": 1.8, "label": "mean, 95 % interval"}
    values = ("drop", "drop_low", "drop_high")
    interval_bars(ax, means, np.arange(len(names)) + 0.1, values, **look)
    ax.axhline(0, color="#888888", lw=1, zorder=0)
    ax.set_xticks(range(len(names)), [wrapped(name, 2, 13) for name in names])
    ax.set_yscale("symlog", linthresh=1)
    ticks = [2, 0, -1, -5, -10, -20, -50]
    ax.set_yticks(ticks, [f"{tick:+d}" if tick else "0" for tick in ticks], minor=False)
    ax.set_yticks([], minor=True)
    ax.set(ylim=(-70, 3), ylabel="accuracy against its own data, points")
    counts = "no ticket" if drops.empty else _tickets_and_draws(drops)
    ax.set_title(f"a dot per ticket: {counts}; the draw a random factor", fontsize=13)
    figure_title(figure, transplants_title(drops))
    ax.legend(loc="lower left")
    return figure


def _tickets_and_draws(drops: pd.DataFrame) -> str:
    """How many tickets of how many draws."""
    return f"{drops['tickets'].iloc[0]} tickets of {drops['draws'].iloc[0]} draws of the data"


def transplants_title(drops: pd.DataFrame) -> str:
    """What moving a ticket costs, in one sentence."""
    if drops.empty:
        return "No network separated, so there is no ticket to move"
    # adding zero turns -0.0 into 0.0
    points = [round(-100 * drop, 1) + 0.0 for drop in drops["drop"]]
    words = [
        f"{name} {n:+.1f}" if n else f"{name} 0.0"
        for name, n in zip(drops["transplant"], points, strict=True)
    ]
    return f"Points of accuracy that separated tickets gain or lose elsewhere: {', '.join(words)}"
