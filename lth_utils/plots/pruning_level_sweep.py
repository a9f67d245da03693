"""Figures of notebook 04."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth_utils.plots.marks import (
    OUTCOME_ORDER,
    counts_over,
    outcome_dot,
    outcome_legend,
    panel_title,
)
from lth_utils.plots.style import OUTCOME_COLOURS, STATUS_COLOURS, panels, styled


@styled
def size_or_levels(
    runs: pd.DataFrame, theirs: pd.DataFrame, theirs_48: pd.DataFrame, width: int = 48
) -> Figure:
    """Same target, other widths and numbers of levels: how many separated; active weights by width; one width over the levels.

    runs: as ``claims.outcomes`` with a column ``width``; theirs: ``claims.reference("separations_by_size_and_levels")``;
    theirs_48: ``claims.reference("grid_width48_active_weights")``.
    """
    figure, axes = panels(1, 3, (22, 6.4))
    heat, by_width, single = axes[0]
    _heat_map(heat, runs, theirs)
    widths = sorted(set(runs["width"]))
    spread = np.random.default_rng(0).uniform(-0.3, 0.3, len(runs))
    place = runs["width"].map({w: n for n, w in enumerate(widths)}) + spread
    for word in OUTCOME_ORDER:
        rows = (runs["outcome"] == word).to_numpy()
        if rows.any():
            by_width.scatter(
                place[rows],
                runs["active_end"][rows],
                s=16,
                alpha=0.6,
                label=word,
                rasterized=len(runs) > 500,
                **outcome_dot(word),
            )
    by_width.set(
        xticks=range(len(widths)),
        xticklabels=widths,
        xlabel="width of the hidden layers",
        ylabel="active weights at the end",
    )
    by_width.legend(fontsize=11, markerscale=1.8, loc="lower left")
    panel_title(by_width, "all numbers of levels together")
    _one_width(single, runs[runs["width"] == width], theirs_48, width)
    return figure


def _heat_map(ax: Axes, runs: pd.DataFrame, theirs: pd.DataFrame):
    ever = runs.assign(ever=runs["outcome"].isin(("separated", "separated-degraded")))
    share = ever.pivot_table(
        index="width", columns="levels", values="ever", aggfunc="mean"
    ).sort_index()
    counts = ever.pivot_table(index="width", columns="levels", values="ever", aggfunc="sum")
    colours = mpl.colors.LinearSegmentedColormap.from_list(
        "separated", ["white", STATUS_COLOURS["separated"]]
    )
    image = ax.imshow(share, cmap=colours, vmin=0, vmax=1, origin="lower", aspect="auto")
    ax.figure.colorbar(image, ax=ax, label="share of runs that separated")
    given = theirs.set_index(["hidden_width", "pruning_levels"])
    for y, width in enumerate(share.index):
        for x, levels in enumerate(share.columns):
            ax.text(
                x,
                y + 0.13,
                f"{int(counts.loc[width, levels])}",
                ha="center",
                va="center",
                fontweight="bold",
            )
            if (width, levels) in given.index:
                row = given.loc[(width, levels)]
                ax.text(
                    x,
                    y - 0.22,
                    f"({int(row['n_separated'])}/{int(row['n_runs'])})",
                    ha="center",
                    va="center",
                    fontsize=10,
                )
    ax.set(
        xticks=range(share.shape[1]),
        xticklabels=share.columns,
        yticks=range(share.shape[0]),
        yticklabels=share.index,
        xlabel="pruning levels",
        ylabel="width of the hidden layers",
    )
    runs_each = int(ever.groupby(["width", "levels"]).size().max())
    panel_title(ax, f"separated, of {runs_each} runs (the thesis, of its runs)")


def _one_width(ax: Axes, runs: pd.DataFrame, theirs: pd.DataFrame, width: int):
    spread = np.random.default_rng(0).uniform(-0.3, 0.05, len(runs))
    for word in OUTCOME_ORDER:
        rows = (runs["outcome"] == word).to_numpy()
        if rows.any():
            ax.scatter(
                (runs["levels"] + spread)[rows],
                runs["active_end"][rows],
                s=22,
                alpha=0.75,
                rasterized=len(runs) > 500,
                **outcome_dot(word),
            )
    for word, rows in theirs.groupby(theirs["category"].str.replace("_", "-")):
        ax.scatter(
            rows["pruning_levels"] + 0.28,
            rows["active_weights_at_end"],
            s=60,
            facecolors="none",
            linewidths=1.4,
            edgecolors=OUTCOME_COLOURS[word],
        )
    levels = sorted(set(runs["levels"]))
    rates = runs.groupby("levels")["rate"].first()
    ax.set(xticks=levels, xlabel="pruning levels", ylabel="active weights at the end")
    above = ax.secondary_xaxis("top")
    above.set_xticks(levels, [f"{rates[n]:.2f}" for n in levels], fontsize=10)
    above.set_xlabel("effective pruning rate per level")
    ax.set_title(f"width {width} (hollow: the thesis)", pad=10)


@styled
def twenty_levels(counts: pd.DataFrame) -> Figure:
    """All widths pruned to the same target in the same number of levels: share of runs per outcome over the width.

    counts: as ``claims.by_level`` with the key ``width``.
    """
    figure, axes = panels(1, 1, (13, 5.4))
    counts_over(axes[0, 0], counts, "width", "width of the hidden layers")
    outcome_legend(
        figure,
        [w for w in OUTCOME_ORDER if counts[w].sum()],
        False,
        loc="outside lower center",
        ncols=3,
    )
    return figure


@styled
def how_many_levels(counts: pd.DataFrame, runs: pd.DataFrame) -> Figure:
    """One large network pruned to the same target in more and more levels: outcomes, and the active weights that are left.

    counts: as ``claims.by_level`` with the key ``levels``; runs: as ``claims.outcomes``.
    """
    figure, axes = panels(1, 2, (19, 5.8))
    share, active = axes[0]
    counts_over(share, counts, "levels", "pruning levels")
    spread = np.random.default_rng(0).uniform(-0.3, 0.3, len(runs))
    for word in OUTCOME_ORDER:
        rows = (runs["outcome"] == word).to_numpy()
        if rows.any():
            active.scatter(
                (runs["levels"] + spread)[rows],
                (runs["active_end"] / runs["available_end"])[rows],
                s=34,
                alpha=0.8,
                **outcome_dot(word),
            )
    active.set(
        xlabel="pruning levels",
        ylabel="active share of the available weights, at the end",
        xticks=sorted(set(runs["levels"])),
    )
    outcome_legend(
        figure,
        [w for w in OUTCOME_ORDER if counts[w].sum()],
        False,
        loc="outside lower center",
        ncols=3,
    )
    return figure
