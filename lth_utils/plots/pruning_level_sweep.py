"""Figures of notebook 04: whether the size decides or the number of prunings."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth_utils.plots.marks import (
    jittered,
    outcome_bars_by,
    outcome_dots,
    outcome_legend,
    outcomes_in,
    panel_title,
    their_outcome_dots,
)
from lth_utils.plots.style import STATUS_COLOURS, panels, styled


@styled
def size_or_levels(
    runs: pd.DataFrame, theirs: pd.DataFrame, theirs_48: pd.DataFrame, width: int = 48
) -> Figure:
    """The same target from other widths in other numbers of levels.

    Args:
        runs: as ``studies.outcomes.outcomes`` with columns ``width`` and ``rate``.
        theirs: ``studies.reference.reference("separations_by_size_and_levels")``.
        theirs_48: ``studies.reference.reference("grid_width48_active_weights")``.
        width: of the hidden layers in the third panel, neurons.

    Returns:
        A figure with three panels: how many separated, active weights by width, and active
        weights of one width by levels.
    """
    figure, axes = panels(1, 3, (22, 6.4))
    heat, by_width, single = axes[0]
    _heat_map(heat, runs, theirs)
    _by_width(by_width, runs)
    _one_width(single, runs[runs["width"] == width], theirs_48, width)
    return figure


def _heat_map(ax: Axes, runs: pd.DataFrame, theirs: pd.DataFrame):
    """How many runs of each width and number of levels separated; theirs below, in brackets."""
    separated = runs["outcome"].isin(("separated", "separated-degraded"))
    cells = {"index": "width", "columns": "levels", "values": "separated"}
    table = runs.assign(separated=separated)
    counts = table.pivot_table(**cells, aggfunc="sum")
    white_to_green = sns.blend_palette(["white", STATUS_COLOURS["separated"]], as_cmap=True)
    sns.heatmap(
        table.pivot_table(**cells, aggfunc="mean"),
        annot=counts.fillna(0).astype(int),
        fmt="d",
        annot_kws={"fontweight": "bold", "va": "bottom"},
        cmap=white_to_green,
        vmin=0,
        vmax=1,
        cbar_kws={"label": "share of runs that separated"},
        ax=ax,
    )
    given = theirs.set_index(["hidden_width", "pruning_levels"])
    for text, (width, levels) in zip(list(ax.texts), counts.stack().index, strict=True):
        if (width, levels) in given.index:
            row = given.loc[(width, levels)]
            words = f"({int(row['n_separated'])}/{int(row['n_runs'])})"
            look = {"ha": "center", "va": "top", "fontsize": 10, "color": text.get_color()}
            ax.text(*text.get_position(), words, **look)
    ax.invert_yaxis()
    ax.tick_params(axis="y", rotation=0)
    ax.set(xlabel="pruning levels", ylabel="width of the hidden layers")
    runs_each = table.groupby(["width", "levels"]).size().max()
    panel_title(ax, f"separated, of {runs_each} runs (the thesis, of its runs)")


def _by_width(ax: Axes, runs: pd.DataFrame):
    """Active weights at the end of each run over the width."""
    widths = sorted(set(runs["width"]))
    place = jittered(runs["width"].map(widths.index), -0.3, 0.3)
    dots = runs.assign(place=place)
    outcome_dots(ax, dots, "place", "active_end", s=22, alpha=0.7, rasterized=len(runs) > 500)
    ax.set_xticks(range(len(widths)), widths)
    ax.set(xlabel="width of the hidden layers", ylabel="active weights at the end")
    ax.legend(fontsize=11, markerscale=1.5, loc="lower left")
    panel_title(ax, f"all numbers of levels together ({len(runs)} runs)")


def _one_width(ax: Axes, runs: pd.DataFrame, theirs: pd.DataFrame, width: int):
    """Active weights at the end of each run of one width over the number of levels."""
    dots = runs.assign(place=jittered(runs["levels"], -0.3, 0.05))
    outcome_dots(ax, dots, "place", "active_end", s=26, alpha=0.8, rasterized=len(runs) > 500)
    their_outcome_dots(ax, theirs, theirs["pruning_levels"] + 0.28, "active_weights_at_end", s=60)
    levels = sorted(set(runs["levels"]))
    rates = runs.groupby("levels")["rate"].first()
    ax.set(xticks=levels, xlabel="pruning levels", ylabel="active weights at the end")
    above = ax.secondary_xaxis("top")
    above.set_xticks(levels, [f"{rates[n]:.2f}" for n in levels], fontsize=10)
    above.set_xlabel("effective pruning rate per level")
    panel_title(ax, f"width {width} ({len(runs)} runs; hollow: the thesis)")


@styled
def twenty_levels(counts: pd.DataFrame) -> Figure:
    """All widths pruned to one target in the same number of levels: outcomes over the width.

    Args:
        counts: as ``studies.outcomes.by_level`` with the key ``width``.

    Returns:
        A figure with one panel of stacked bars.
    """
    figure, axes = panels(1, 1, (13, 5.4))
    outcome_bars_by(axes[0, 0], counts, "width", "width of the hidden layers")
    outcome_legend(figure, outcomes_in(counts))
    return figure


@styled
def how_many_levels(counts: pd.DataFrame, runs: pd.DataFrame) -> Figure:
    """One large network pruned to the same target in more and more levels.

    Args:
        counts: as ``studies.outcomes.by_level`` with the key ``levels``.
        runs: as ``studies.outcomes.outcomes``.

    Returns:
        A figure with two panels: outcomes, and the active share of the weights that are left.
    """
    figure, axes = panels(1, 2, (19, 5.8))
    bars, active = axes[0]
    outcome_bars_by(bars, counts, "levels", "pruning levels")
    dots = runs.assign(
        share=runs["active_end"] / runs["available_end"],
        place=jittered(runs["levels"], -0.3, 0.3),
    )
    outcome_dots(active, dots, "place", "share", s=34, alpha=0.8)
    ylabel = "active share of the available weights, at the end"
    ticks = sorted(set(runs["levels"]))
    active.set(xlabel="pruning levels", ylabel=ylabel, xticks=ticks)
    panel_title(active, f"{len(runs)} runs, one dot each")
    outcome_legend(figure, outcomes_in(counts))
    return figure
