"""Notebook 03: how many weights networks have, keep and use, by extension level."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lth_utils.plots.marks import (
    AS_GIVEN,
    BELOW,
    HOLLOW,
    NAMES,
    families_in,
    from_to,
    integer_ticks,
    interval_bars,
    jittered,
    outcome_dots,
    panel_title,
    their_outcome_dots,
)
from lth_utils.plots.style import DASHES, STATE_COLOURS, panels, shades, styled

STARTS = (3, 7, 11, 15, 19, 23)
"""Extension levels whose staircases are drawn."""

KINDS = {"active": STATE_COLOURS["active"], "available": "#555555"}


@styled
def trajectory(ours: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """The idea of extension: every run of a family goes down the same stairs from its own start.

    Args:
        ours: columns ``network, extension, width, weights``.
        theirs: ``studies.reference.reference("trajectory")``.

    Returns:
        A figure with the stairs of the two-layer family beside the widths of all families.
    """
    figure, axes = panels(1, 2, (14, 5.6))
    stairs, widths = axes[0]
    _stairs(stairs, ours[ours["network"] == "2"].sort_values("extension"))
    _widths(widths, ours, theirs)
    return figure


def _stairs(ax: Axes, family: pd.DataFrame):
    """Available weights over the prunings, from several starts."""
    tops = [e for e in STARTS if e <= family["extension"].max()]
    for top, shade in shades(tops).items():
        weights = family[family["extension"] <= top]["weights"].to_numpy()[::-1]
        label = f"extension level {top}: width {family['width'].iloc[top]}"
        ax.step(np.arange(len(weights)), weights, where="post", color=shade, lw=2.2)
        ax.plot(0, weights[0], "o", color=shade, ms=8, label=label)
    ax.set(yscale="log", xlabel="prunings done", ylabel="available weights")
    ax.legend(fontsize=11)
    panel_title(ax, "two hidden layers: one staircase, many starts")


def _widths(ax: Axes, ours: pd.DataFrame, theirs: pd.DataFrame):
    """The width of the hidden layers over the extension level, by family."""
    families = shades(families_in(ours), "rocket")
    for (network, colour), marker in zip(families.items(), "os^D", strict=False):
        rows = ours[ours["network"] == network]
        line = {"color": colour, "marker": marker, "label": NAMES[network]}
        sns.lineplot(rows, x="extension", y="width", ax=ax, mew=0, **line, **AS_GIVEN)
        given = theirs[theirs["network"].astype(str) == network]
        look = HOLLOW | {"edgecolors": colour, "marker": marker}
        ax.scatter(given["extension_level"], given["hidden_width"], s=90, **look)
    ylabel = "width of each hidden layer (neurons)"
    ax.set(yscale="log", xlabel="extension level", ylabel=ylabel)
    handles, names = ax.get_legend_handles_labels()
    handles.append(Line2D([], [], ls="", marker="o", mfc="none", mec="black", ms=10))
    ax.legend(handles, [*names, "the thesis' table"], fontsize=11)
    panel_title(ax, "widths of the extended networks")


@styled
def active_share(runs: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Active share of the available weights at the end of each run over the extension level.

    Args:
        runs: as ``studies.outcomes.outcomes``, of two-layer networks.
        theirs: ``studies.reference.reference("final_active_fraction_2layer")``.

    Returns:
        A figure with one dot per run, coloured by outcome.
    """
    figure, axes = panels(1, 1, (13, 6))
    ax = axes[0, 0]
    dots = runs.assign(
        share=runs["active_end"] / runs["available_end"],
        place=jittered(runs["extension"], -0.3, 0.05),  # theirs stand to the right
    )
    outcome_dots(ax, dots, "place", "share", s=30, alpha=0.8)
    places = theirs["extension_level"] + 0.28
    their_outcome_dots(ax, theirs, places, "active_fraction_of_available", s=46)
    ax.set(
        xlabel="extension level",
        ylabel="active share of the available weights, at the end",
        ylim=(-0.03, 1.05),
        xticks=sorted(set(runs["extension"])),
    )
    panel_title(ax, f"two hidden layers: {len(runs)} runs, one dot each")
    handles, names = ax.get_legend_handles_labels()
    handles.append(Line2D([], [], ls="", marker="o", mfc="none", mec="black", ms=8))
    ax.legend(handles, [*names, "the thesis, same colours"], loc="lower left", markerscale=1.3)
    return figure


@styled
def weights_at_separation(runs: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Active and available weights at the level of separation over the extension level.

    Args:
        runs: as ``studies.outcomes.outcomes``.
        theirs: ``studies.reference.reference("active_available_at_split")``.

    Returns:
        A figure with one row per family, a linear and a logarithmic panel each.
    """
    separated = runs.dropna(subset=["level"])
    networks = families_in(runs)
    figure, axes = panels(len(networks), 2, (15, 4.2 * len(networks) + 0.6))
    for row, network in zip(axes, networks, strict=True):
        ours = separated[separated["network"] == network]
        given = theirs[theirs["network"].astype(str) == network]
        for ax, scale in zip(row, ("linear", "log"), strict=True):
            for kind in KINDS:
                _range_of_runs(ax, ours, given, kind)
            ax.set(yscale=scale, xlabel="extension level", ylabel="weights at separation")
            integer_ticks(ax)
            panel_title(ax, f"{NAMES[network]}, {scale} ({len(ours)} runs)")
    handles = []
    for kind, colour in KINDS.items():
        label = f"{kind} (ours: mean, bar from smallest to largest)"
        handles.append(Line2D([], [], color=colour, marker="o", lw=1.4, label=label))
    hollow = {"color": "black", "marker": "s", "mfc": "none", "ls": ""}
    handles.append(Line2D([], [], label="the thesis (the same), same colours", **hollow))
    figure.legend(handles=handles, ncols=3, **BELOW)
    return figure


def _range_of_runs(ax: Axes, ours: pd.DataFrame, theirs: pd.DataFrame, kind: str):
    """Mean and range of one kind of weights, ours a little to the left of theirs."""
    sns.lineplot(
        ours.assign(place=ours["extension"] - 0.12),
        x="place",
        y=kind,
        color=KINDS[kind],
        errorbar=("pi", 100),
        err_style="bars",
        err_kws={"elinewidth": 2.2},
        marker="o",
        mew=0,
        lw=1.2,
        legend=False,
        ax=ax,
    )
    values = (f"{kind}_mean", f"{kind}_min", f"{kind}_max")
    look = {"fmt": "s", "mfc": "none", "ms": 7, "elinewidth": 1.0, "capsize": 2, "alpha": 0.9}
    interval_bars(ax, theirs, theirs["extension_level"] + 0.18, values, color=KINDS[kind], **look)


@styled
def inactive_zombie(table: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Inactive and zombie weights over the available weights, one line per extension level.

    Args:
        table: level rows of two-layer runs; drawn are means over the runs that are still pruned.
        theirs: ``studies.reference.reference("inactive_zombie")``.

    Returns:
        A figure with one row per kind, share and number of weights side by side.
    """
    levels = sorted(set(theirs["extension_level"]) & set(table["extension"]))
    ours = table[table["extension"].isin(levels)]
    theirs = theirs[theirs["extension_level"].isin(levels)]
    colours = shades(levels)
    figure, axes = panels(2, 2, (15, 10))
    for row, kind in zip(axes, ("inactive", "zombie"), strict=True):
        share = ours.assign(value=ours[kind] / ours["available"])
        _by_extension(row[0], share, theirs, f"{kind}_relative", colours)
        row[0].set_ylabel(f"{kind} weights / available weights")
        panel_title(row[0], f"{kind}, share of the available")
        number = ours.assign(value=ours[kind])
        _by_extension(row[1], number, theirs, f"{kind}_absolute_from_relative", colours)
        row[1].set_ylabel(f"{kind} weights")
        panel_title(row[1], f"{kind}, number")
    handles = []
    for level, shade in colours.items():
        handles.append(Line2D([], [], color=shade, lw=3, label=f"extension level {level}"))
    runs = ours.groupby("extension")["run"].nunique()
    mean = f"ours, mean of {from_to(runs)} runs"
    handles.append(Line2D([], [], color="black", lw=2, label=mean))
    handles.append(Line2D([], [], color="black", lw=1.2, ls=DASHES, label="the thesis"))
    figure.legend(handles=handles, ncols=5, **BELOW)
    return figure


def _by_extension(
    ax: Axes, ours: pd.DataFrame, theirs: pd.DataFrame, column: str, colours: dict[int, tuple]
):
    """A line per extension level: our column ``value``, and theirs of this name dashed."""
    if colours:
        hues = {"palette": colours, "legend": False, "errorbar": None, "ax": ax}
        sns.lineplot(ours, x="available", y="value", hue="extension", lw=2, **hues)
        dashed = {"lw": 1.2, "linestyle": DASHES, "estimator": None, **hues}
        sns.lineplot(theirs, x="available_weights", y=column, hue="extension_level", **dashed)
    ax.set(xscale="log", xlabel="available weights")
    ax.invert_xaxis()
