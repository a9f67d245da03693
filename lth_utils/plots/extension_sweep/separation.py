"""Notebook 03: how many networks separate, by extension level."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth_utils.plots.marks import (
    BELOW,
    HOLLOW,
    NAMES,
    families_in,
    from_to,
    line_with_band,
    outcome_bars,
    outcome_legend,
    outcomes_in,
    panel_title,
    their_outcome_steps,
)
from lth_utils.plots.style import STATUS_COLOURS, panels, styled


@styled
def outcomes(levels: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Share of runs per outcome over the extension level, one panel per family of networks.

    Args:
        levels: as ``studies.outcomes.by_level``.
        theirs: as ``studies.reference.theirs_by_level``, drawn as dashed steps.

    Returns:
        A figure with one panel per family, from top to bottom.
    """
    networks = families_in(levels)
    figure, axes = panels(len(networks), 1, (13, 3.9 * len(networks) + 0.6))
    for ax, network in zip(axes[:, 0], networks, strict=True):
        _family(ax, _of(levels, network), _of(theirs, network), NAMES[network])
    words = outcomes_in(levels, ("separated", "degraded", "interconnected"))
    outcome_legend(figure, words, theirs=True)
    return figure


def _of(table: pd.DataFrame, network: str) -> pd.DataFrame:
    """The rows of a family in the order of the extension levels."""
    return table[table["network"] == network].sort_values("extension")


def _family(ax: Axes, ours: pd.DataFrame, theirs: pd.DataFrame, name: str):
    """The outcomes of one family."""
    extension = ours["extension"]
    outcome_bars(ax, extension, ours)
    theirs = theirs[theirs["extension"].between(extension.min(), extension.max())]
    if len(theirs):
        their_outcome_steps(ax, theirs["extension"], theirs)
    ends = extension.min() - 0.7, extension.max() + 0.7
    ax.set(xticks=extension, xlabel="extension level", xlim=ends)
    thesis = theirs["runs"].max() if len(theirs) else 0
    panel_title(ax, f"{name} ({from_to(ours['runs'])} runs per level; thesis: {thesis})")


@styled
def split_count(levels: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Share of the runs that ever separated over the extension level, with its 95 % interval.

    Args:
        levels: as ``studies.outcomes.by_level``.
        theirs: as ``studies.reference.theirs_by_level``, drawn as hollow dots.

    Returns:
        A figure with one panel per family, from left to right.
    """
    networks = [n for n in families_in(levels) if n != "3mini"] or families_in(levels)
    figure, axes = panels(1, len(networks), (5.4 * len(networks), 4.8))
    ours_label = f"ours ({from_to(levels['runs'])} runs per level), band: 95 % interval"
    their_label = f"the thesis ({from_to(theirs['runs'])} runs per level)"
    green = STATUS_COLOURS["separated"]
    for ax, network in zip(axes[0], networks, strict=True):
        ours, given = _of(levels, network), _of(theirs, network)
        values = ("share", "share_low", "share_high")
        line_with_band(ax, ours, "extension", values, green, marker="o", label=ours_label)
        share = (given["separated"] + given["separated-degraded"]) / given["runs"]
        ax.scatter(given["extension"], share, s=70, **HOLLOW, label=their_label, zorder=3)
        ax.set(ylim=(-0.04, 1.04), xlabel="extension level", ylabel="share of runs that separated")
        panel_title(ax, NAMES[network])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), ncols=2, **BELOW)
    return figure
