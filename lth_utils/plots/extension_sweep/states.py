"""Notebook 03: how much of a network is used, beside what chance leaves."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lth_utils.plots.beside import FEW, null_handles, null_line, quantile_box
from lth_utils.plots.marks import (
    BELOW,
    HOLLOW,
    jittered,
    outcome_dots,
    panel_title,
)
from lth_utils.plots.style import STATE_COLOURS, panels, styled, tint
from lth_utils.plots.titles import figure_title, per_level, percent, runs_and_draws

DEAD = ("inactive", "zombie")

COLUMNS = 5
"""Small multiples side by side."""


@styled
def inactive_zombie(shares: pd.DataFrame, theirs: pd.DataFrame, network: str = "2") -> Figure:
    """Inactive and zombie shares of the available weights, a panel per extension level.

    Args:
        shares: columns ``network, extension, level, available, kind`` (``run``, or the null
            ``counts`` or ``degrees``), ``inactive`` and ``zombie``, shares of the available
            weights, each with ``_low`` and ``_high``; ``runs, draws``.
        theirs: ``studies.reference.reference("inactive_zombie")``.
        network: the family.

    Returns:
        A figure with a block of panels per kind of weights: our mean with its interval over the
        draws, the nulls in grey, the thesis' means as hollow black dots.
    """
    ours = shares[shares["network"] == network]
    levels = sorted(set(theirs["extension_level"]) & set(ours["extension"]))
    levels = levels or sorted(set(ours["extension"]))
    rows = -(-len(levels) // COLUMNS)
    figure, axes = panels(2 * rows, min(COLUMNS, len(levels)), (12, 4.3 * rows + 1.6))
    ends = 1.3 * ours["available"].max(), 0.75 * ours["available"].min()
    for kind, block in zip(DEAD, (axes[:rows], axes[rows:]), strict=True):
        shown = ours[ours["extension"].isin(levels)]
        tops = shown[[kind, f"{kind}_high"]].max().tolist()  # no interval of a single run
        top = np.nanmax([*tops, theirs[f"{kind}_relative"].max(), 0.02])
        for ax, level in zip(block.flat, levels, strict=False):
            _dead(ax, ours[ours["extension"] == level], kind)
            given = theirs[theirs["extension_level"] == level]
            places = given["available_weights"], given[f"{kind}_relative"]
            ax.scatter(*places, s=20, zorder=5, **HOLLOW)
            panel_title(ax, f"level {level}")
            ax.set(xscale="log", xlim=ends, ylim=(-0.03 * top, 1.05 * top))
        _outer(block, len(levels), f"{kind} share")
    figure_title(figure, _excess(ours, levels, DEAD[0], "inactive"))
    figure.legend(handles=_handles(ours), ncols=2, **BELOW)
    return figure


def _dead(ax: Axes, rows: pd.DataFrame, kind: str):
    """Our mean with its band and the nulls, of one extension level."""
    for name, of_kind in rows.sort_values("level").groupby("kind"):
        if name == "run":
            ends = of_kind[f"{kind}_low"], of_kind[f"{kind}_high"]
            colour = STATE_COLOURS[kind]
            ax.fill_between(of_kind["available"], *ends, color=colour, alpha=0.3, lw=0)
            ax.plot(of_kind["available"], of_kind[kind], color=colour, lw=2.4, zorder=3)
        else:
            null_line(ax, of_kind["available"], of_kind[kind], name)


def _outer(block: np.ndarray, used: int, ylabel: str):
    """Labels at the outer panels of a block, none where there is no panel."""
    for place, ax in enumerate(block.flat):
        if place >= used:
            ax.set_axis_off()
            continue
        if place + block.shape[1] < used:
            ax.set_xticklabels([])
        else:
            ax.set_xlabel("available weights")
        if place % block.shape[1]:
            ax.set_yticklabels([])
        else:
            ax.set_ylabel(ylabel)


def _excess(shares: pd.DataFrame, levels: list[int], column: str, words: str) -> str:
    """What is left at the end of the widest networks, beside the null that knows the layers."""
    last = shares[shares["extension"] == levels[-1]]
    last = last[last["available"] == last["available"].min()].set_index("kind")
    text = f"Of the weights left of networks extended {levels[-1]} times"
    text += f" {percent(last.loc['run', column])} are {words}"
    if "counts" in last.index:
        chance = percent(last.loc["counts", column])
        text += f"; of random masks with as many in every layer {chance}"
    return text


def _handles(shares: pd.DataFrame) -> list:
    """What lines, bands and marks are."""
    ours = shares[shares["kind"] == "run"]
    label = f"inactive, ours: mean of {runs_and_draws(ours)},\n"
    label += "band: 95 % interval over draws, if enough (one draw: over its runs)"
    handles = [Line2D([], [], lw=2.4, color=STATE_COLOURS["inactive"], label=label)]
    handles.append(
        Line2D([], [], lw=2.4, color=STATE_COLOURS["zombie"], label="zombie, ours: the same")
    )
    handles += null_handles(shares["kind"])
    hollow = {"ls": "", "marker": "o", "color": "black", "mfc": "none", "ms": 5}
    return [*handles, Line2D([], [], label="the thesis, mean of 4 runs at most", **hollow)]


@styled
def active_share(
    runs: pd.DataFrame, theirs: pd.DataFrame, shares: pd.DataFrame | None = None
) -> Figure:
    """Active share of the available weights at the end of each run over the extension level.

    Args:
        runs: as ``studies.outcomes.outcomes``, of two-layer networks.
        theirs: ``studies.reference.reference("final_active_fraction_2layer")``.
        shares: as for :func:`inactive_zombie`, with a column ``active``: the nulls are drawn.

    Returns:
        A figure with quantiles by extension level, one dot per run in the colour of its outcome,
        and the thesis' runs as hollow black dots.
    """
    figure, axes = panels(1, 1, (12, 7))
    ax = axes[0, 0]
    dots = runs.assign(
        share=runs["active_end"] / runs["available_end"],
        place=jittered(runs["extension"], -0.12, 0.1),
    )
    for level, rows in dots.groupby("extension"):
        if len(rows) >= FEW:  # few have their dots
            ends = level - 0.42, level - 0.16
            quantile_box(ax, ends, rows["share"], STATE_COLOURS["active"])
    look = {"s": 16, "alpha": 0.7, "zorder": 2.5, "rasterized": len(runs) > 200}
    outcome_dots(ax, dots, "place", "share", **look)
    places = jittered(theirs["extension_level"], 0.2, 0.36)
    look = {"s": 30, "zorder": 5, "label": "the thesis, single runs"}
    ax.scatter(places, theirs["active_fraction_of_available"], **look, **HOLLOW)
    null = _at_the_end(shares, set(runs["extension"]))
    for kind, rows in null.groupby("kind"):
        null_line(ax, rows["extension"], rows["active"], kind)
    ax.set(
        xlabel="extension level",
        ylabel="active share of the available weights, at the end",
        ylim=(-0.03, 1.05),
        xlim=(runs["extension"].min() - 0.7, runs["extension"].max() + 0.7),
        xticks=sorted(set(runs["extension"])),
    )
    figure_title(figure, _decline(dots, null))
    grey = {"facecolor": tint(STATE_COLOURS["active"], 0.55)}
    label = f"median, middle 50 % and 90 % ({FEW} runs or more)\nof {per_level(runs)}"
    handles = [Patch(label=label, edgecolor=STATE_COLOURS["active"], **grey)]
    handles += [*ax.get_legend_handles_labels()[0], *null_handles(null["kind"])]
    figure.legend(handles=handles, ncols=2, markerscale=1.5, **BELOW)
    return figure


def _at_the_end(shares: pd.DataFrame | None, levels: set[int]) -> pd.DataFrame:
    """The nulls of two-layer networks where fewest weights are available, by extension level."""
    if shares is None:
        return pd.DataFrame(columns=["kind", "extension", "active"])
    two = shares[(shares["network"] == "2") & shares["extension"].isin(levels)]
    last = two.loc[two.groupby(["kind", "extension"])["available"].idxmin()]
    return last[last["kind"] != "run"]


def _decline(dots: pd.DataFrame, null: pd.DataFrame) -> str:
    """The medians at the smallest and the largest size, beside the null."""
    medians = dots.groupby("extension")["share"].median()
    first, last = medians.index[0], medians.index[-1]
    text = "Of the weights left at the end, the median network uses"
    text += f" {percent(medians[first])} at extension level {first}, {percent(medians[last])} at"
    text += f" level {last}"
    counts = null[(null["kind"] == "counts") & (null["extension"] == last)]
    if len(counts):
        chance = percent(counts["active"].iloc[0])
        text += f"; random masks with as many in every layer use {chance} there"
    return text
