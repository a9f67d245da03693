"""Who separates at equal budget: every way to make a network sparse."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lth_utils.plots.marks import BELOW, line_with_band
from lth_utils.plots.style import DASHES, panels, styled
from lth_utils.plots.titles import figure_title, listed, runs_and_draws, wrapped

KIND_LOOKS = {
    "pruned after training": ("#0072B2", "o"),
    "masks that change in training": ("#CC79A7", "D"),
    "pruned at initialisation, by the data": ("#E69F00", "s"),
    "pruned at initialisation, without data": ("#666666", "X"),
}
"""Colour and marker by kind of way, from the palette of states."""

MARKERS = ("o", "s", "D", "^", "v", "X", "P", "*")
"""Of the ways of one kind, beside each other."""

RARE = 0.02
"""Ways of at most this share are not named in the title."""


@styled
def separation_by_way(budgets: pd.DataFrame) -> Figure:
    """At the smallest size: which ways separate, which lose a task, how accurate they are.

    Args:
        budgets: as ``studies.other_sparsifiers.by_budget``.

    Returns:
        A row per way and three panels, with 95 % intervals.
    """
    last = budgets[budgets["available"] == budgets["available"].min()]
    last = pd.concat([last[last["kind"] == kind] for kind in KIND_LOOKS])
    figure, axes = panels(1, 3, (15, 2.6 + 0.36 * len(last)))
    places = np.arange(len(last))[::-1]
    looks = (
        ("apart", "separated, no task lost", (-0.03, 1.03)),
        ("lost", "a task lost", (-0.03, 1.03)),
        ("accuracy", "mean accuracy of both tasks", (0.47, 1.02)),
    )
    for ax, (name, words, limits) in zip(axes[0], looks, strict=True):
        _rows(ax, last, places, name)
        ax.set(xlim=limits, ylim=(-0.7, len(last) - 0.3), xlabel=words, yticks=places)
        ax.set_yticklabels(last["way"] if ax is axes[0, 0] else [])
        ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        ax.grid(axis="y", color="#DDDDDD", lw=0.6)
    words = f"{int(last['available'].min())} weights left; {runs_and_draws(last)} for each way; "
    words += "bars: 95 % intervals"
    axes[0, 0].set_title(wrapped(words, 8), fontsize=12)
    handles = []
    for kind, (colour, marker) in KIND_LOOKS.items():
        if kind in set(last["kind"]):
            look = {"color": colour, "marker": marker, "ms": 8, "lw": 2}
            handles.append(Line2D([], [], label=kind, **look))
    figure.legend(handles=handles, ncols=2, fontsize=12, **BELOW)
    figure_title(figure, _who(last))
    return figure


def _rows(ax: Axes, rows: pd.DataFrame, places: np.ndarray, name: str):
    """One mark with its interval for each way."""
    for place, (_, row) in zip(places, rows.iterrows(), strict=True):
        colour, marker = KIND_LOOKS[row["kind"]]
        low, high = row[f"{name}_low"], row[f"{name}_high"]
        if np.isfinite(low):
            ax.plot([low, min(high, 1)], [place, place], color=colour, lw=2.2, alpha=0.75)
        ax.plot([row[name]], [place], color=colour, marker=marker, ms=8, mew=0)


def _who(last: pd.DataFrame) -> str:
    """Which ways separate, and how many runs of the others do."""
    by_share = last.sort_values("apart", ascending=False, kind="stable")
    rare = by_share["apart"] <= RARE
    often, others = by_share[~rare], by_share[rare]
    if not len(often):
        return "No way to make the network sparse separates the tasks at this size"
    parts = [f"{row['way']} {row['apart']:.0%}" for _, row in often.iterrows()]
    words = f"Not only tickets separate: {listed(parts)}"
    if often["way"].iloc[0] == "tickets":
        words = f"Separated with no task lost: {listed(parts)}"
    if not len(others):
        return words
    hits, runs = (others["apart"] * others["runs"]).sum(), others["runs"].sum()
    rest = f"do so in {hits:.0f} of {runs} runs" if hits else "do not"
    return f"{words}; {len(others)} other ways {rest}"


@styled
def separation_over_weights(budgets: pd.DataFrame) -> Figure:
    """Shares that are separated without losing a task over the weights left, a panel per kind.

    Args:
        budgets: as ``studies.other_sparsifiers.by_budget``.

    Returns:
        A panel per kind, with tickets in grey in each; bands are 95 % intervals.
    """
    kinds = [kind for kind in KIND_LOOKS if kind in set(budgets["kind"])]
    figure, axes = panels(1, len(kinds), (4.6 * len(kinds) + 0.4, 6))
    tickets = budgets[budgets["way"] == "tickets"]
    for ax, kind in zip(axes[0], kinds, strict=True):
        if len(tickets):
            look = {"color": "black", "ls": DASHES, "lw": 1.6, "label": "tickets"}
            ax.plot(tickets["available"], tickets["apart"], **look)
        own = budgets[(budgets["kind"] == kind) & (budgets["way"] != "tickets")]
        names = list(dict.fromkeys(own["way"]))
        colours = mpl.colormaps["viridis"](np.linspace(0.05, 0.85, max(len(names), 1)))
        for way, colour, marker in zip(names, colours, MARKERS, strict=False):
            rows = own[own["way"] == way]
            values = ("apart", "apart_low", "apart_high")
            look = {"marker": marker, "ms": 6, "mew": 0, "lw": 1.8, "label": way}
            line_with_band(ax, rows, "available", values, mpl.colors.to_hex(colour), **look)
        ax.set(xscale="log", xlabel="weights left", ylim=(-0.03, 1.03), ylabel="")
        ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        ax.invert_xaxis()
        ax.set_title(wrapped(kind, 4.3), fontsize=12)
        ax.legend(loc="upper left", fontsize=11)
    axes[0, 0].set_ylabel("separated, no task lost")
    figure_title(figure, _first(budgets))
    ends = f"{runs_and_draws(budgets)} for each way and size; bands: 95 % intervals"
    figure.supxlabel(ends, fontsize=12)
    return figure


def _first(budgets: pd.DataFrame) -> str:
    """The largest share of each kind, and at how many weights it is reached."""
    parts = []
    for kind in KIND_LOOKS:
        own = budgets[budgets["kind"] == kind]
        if len(own):
            top = own.loc[own["apart"].idxmax()]
            percent = f"{top['apart']:.0%}" if top["apart"] >= 0.01 else f"{top['apart']:.1%}"
            share = f"{percent} ({top['way']}, {int(top['available'])} weights)"
            parts.append(f"{kind}, {share if top['apart'] else 'none'}")
    return f"The most networks that are separated at one size: {'; '.join(parts)}"
