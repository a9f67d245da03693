"""Figures of notebook 12: what is left of any pruned network, layer by layer."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth_utils.plots.marks import BELOW
from lth_utils.plots.style import STATE_COLOURS, panels, styled
from lth_utils.plots.titles import counted, figure_title, wrapped

STATES = ("active", "inactive", "zombie")

MOST_LAYERS = 60
"""Rows that can be read; of a deeper network the first and the last layers are shown."""


@styled
def layers(table: pd.DataFrame, name: str) -> Figure:
    """States of the weights that are left, and both compressions, by layer.

    Args:
        table: as ``connectivity.any_model.tables.layer_table``.
        name: of the model.

    Returns:
        A figure with one row per layer, the first layer on top.
    """
    shown = _shown(table)
    height = 2.2 + 0.27 * len(shown)
    figure, axes = panels(1, 2, (13, max(4.2, height)))
    _state_bars(axes[0, 0], shown)
    _compressions(axes[0, 1], shown)
    axes[0, 1].set_yticklabels([])
    handles = [*axes[0, 0].get_legend_handles_labels()[0], *axes[0, 1].lines[:2]]
    labels = [handle.get_label() for handle in handles]
    figure.legend(handles, labels, ncols=5, fontsize=12, **BELOW)
    figure_title(figure, f"{name}: {_lost(table)}")
    return figure


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """The layers that are drawn."""
    if len(table) <= MOST_LAYERS:
        return table
    half = MOST_LAYERS // 2
    return pd.concat([table.head(half), table.tail(half)])


def _lost(table: pd.DataFrame) -> str:
    """How many of the weights that are left do nothing, and where most of them are."""
    left, active = table["available"].sum(), table["active"].sum()
    words = f"{active:,} of the {left:,} weights that are left are active"
    idle = table["available"] - table["active"]
    if idle.max() == 0:
        return words
    most = table.loc[idle.idxmax()]
    return f"{words}; of the idle ones {idle.max() / idle.sum():.0%} lie in {most['layer']}"


def _state_bars(ax: Axes, table: pd.DataFrame):
    """The share of each state among the weights that are left."""
    rows, start = np.arange(len(table)), np.zeros(len(table))
    left = table["available"].clip(lower=1)
    for state in STATES:
        share = (table[state] / left).to_numpy()
        ax.barh(rows, share, left=start, color=STATE_COLOURS[state], label=state, height=0.8)
        start = start + share
    for row in np.flatnonzero(table["available"] == 0):
        ax.text(0.01, row, "nothing left", va="center", fontsize=9)
    ax.set_yticks(rows, table["layer"], fontsize=9)
    ax.set(xlim=(0, 1), xlabel="share of the weights that are left")
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.set_title(wrapped(f"states of {table['available'].sum():,} weights", 6), fontsize=12)


def _compressions(ax: Axes, table: pd.DataFrame):
    """Weights over those that are left, and over those that are active."""
    rows = np.arange(len(table))
    direct = table["direct_compression"].replace(np.inf, np.nan)
    effective = table["effective_compression"].replace(np.inf, np.nan)
    ax.plot(direct, rows, "o", mfc="none", mec="black", ms=6, label="direct compression")
    ax.plot(effective, rows, "D", color=STATE_COLOURS["active"], ms=5, label="effective")
    ax.hlines(rows, direct, effective, color=STATE_COLOURS["active"], lw=1)
    lost = table["effective_compression"].to_numpy() == np.inf
    end = np.nanmax([*direct, *effective, 1.0]) * 2
    ax.plot(np.full(lost.sum(), end), rows[lost], ">", color=STATE_COLOURS["inactive"], ms=7)
    ax.set(xscale="log", xlabel="weights of the layer over those left, and over those active")
    for which in ("major", "minor"):
        getattr(ax.xaxis, f"set_{which}_formatter")("{x:g}")
    if end < 1000:  # else the labels of minor ticks run into each other
        ax.tick_params(axis="x", which="minor", labelsize=9)
    else:
        ax.xaxis.set_minor_formatter("")
    ax.set_yticks(rows)
    ax.set_ylim(len(table) - 0.4, -0.6)
    words = "compression by layer; a triangle: nothing of it is active" if lost.any() else ""
    ax.set_title(wrapped(words or "compression by layer", 6), fontsize=12)


@styled
def effective_compression(found: pd.DataFrame) -> Figure:
    """Effective over direct compression of networks pruned at initialisation.

    Args:
        found: as ``studies.any_network.audit_models``.

    Returns:
        A figure with one panel per way to prune: dots are networks, lines their medians, and a
        triangle at the top is a network without any path.
    """
    methods = list(found["method"].unique())
    figure, axes = panels(1, len(methods), (6.5 * len(methods) + 0.4, 5.6))
    top = 4 * found["effective"].replace(np.inf, np.nan).max()
    for ax, method in zip(axes[0], methods, strict=True):
        rows = found[found["method"] == method]
        for (name, of_model), marker in zip(
            rows.groupby("model", sort=False), MARKERS, strict=False
        ):
            colour = COLOURS[MARKERS.index(marker)]
            alive = of_model[of_model["active"] > 0]
            ax.plot(alive["direct"], alive["effective"], marker, color=colour, ms=7, label=name)
            medians = alive.groupby("compression")[["direct", "effective"]].median()
            ax.plot(medians["direct"], medians["effective"], color=colour, lw=1.5)
            dead = of_model[of_model["active"] == 0]
            ax.plot(dead["direct"], np.full(len(dead), top), "^", color=colour, ms=9, mfc="none")
        ends = [1, float(found["direct"].max()) * 1.5]
        ax.plot(ends, ends, color="black", lw=1, linestyle=":", label="all that is left is active")
        ax.set(xscale="log", yscale="log", xlabel="direct compression", ylim=(1, top * 1.6))
        networks = f"{len(rows)} networks, {found['seed'].nunique()} per point"
        ax.set_title(wrapped(f"{method}: {networks}; triangles: no path left", 6), fontsize=12)
    axes[0, 0].set_ylabel("effective compression")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), ncols=3, fontsize=12, **BELOW)
    dead = int((found["active"] == 0).sum())
    figure_title(
        figure,
        f"{dead} of {len(found)} networks pruned before training have no path left; "
        f"direct compression hides it",
    )
    return figure


COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = ("o", "s", "D", "v", "P", "X", "*", "h")
"""By model, in the order of the table."""


@styled
def audited_network(found: pd.DataFrame) -> Figure:
    """Accuracy and effective compression of a trained network that is pruned step by step.

    Args:
        found: as ``studies.any_network.prune_and_audit``.

    Returns:
        A figure with two panels; dots are networks, lines their means.
    """
    figure, axes = panels(1, 2, (13, 5.4))
    means = found.groupby("compression")[["direct", "effective", "accuracy"]].mean()
    means = means.replace(np.inf, np.nan)
    colour = STATE_COLOURS["active"]
    for ax, column in zip(axes[0], ("accuracy", "effective"), strict=True):
        alive = found.replace(np.inf, np.nan)
        ax.plot(alive["direct"], alive[column], "o", color=colour, ms=6, alpha=0.6)
        ax.plot(means["direct"], means[column], color=colour, lw=2)
        ax.set(xscale="log", xlabel="direct compression")
    axes[0, 0].set_ylabel("accuracy on the test split")
    axes[0, 0].set_ylim(0, None)
    axes[0, 0].yaxis.set_major_formatter("{x:.0%}")
    ends = [1, float(means["direct"].max())]
    axes[0, 1].plot(ends, ends, color="black", lw=1, linestyle=":")
    axes[0, 1].set(yscale="log", ylabel="effective compression")
    seeds = found["seed"].nunique()
    words = f"dots: {counted(seeds, 'network')} at each size; line: the mean"
    axes[0, 0].set_title(wrapped(words, 6), fontsize=12)
    axes[0, 1].set_title(wrapped("dotted: all that is left is active", 6), fontsize=12)
    figure_title(figure, _gap(found))
    return figure


def _gap(found: pd.DataFrame) -> str:
    """How far both compressions part, where any path is left."""
    alive = found[found["active"] > 0]
    last = alive[alive["compression"] == alive["compression"].max()]
    words = f"With one weight in {last['direct'].median():.0f} left, one in "
    words += f"{last['effective'].median():.0f} is active; the trained network's accuracy is "
    return f"{words}{last['accuracy'].mean():.0%}"


AXES = {
    "parameters": "parameters",
    "bytes": "bytes of the weights as a file",
    "microseconds": "microseconds for one example (median)",
}
"""What is compared of models, and how an axis calls it."""


@styled
def smaller_models(table: pd.DataFrame) -> Figure:
    """Models before and after ``lth.compact``: parameters, size as a file, time of one example.

    Args:
        table: as ``studies.smaller_models.compared``.

    Returns:
        A figure with three panels, each with a row per model.
    """
    figure, axes = panels(1, 3, (15, 1.9 + 0.45 * len(table)))
    rows = np.arange(len(table))
    for ax, (name, label) in zip(axes[0], AXES.items(), strict=True):
        before, after = table[f"{name}_before"], table[f"{name}_after"]
        ax.hlines(rows, after, before, color=STATE_COLOURS["pruned"], lw=3)
        ax.plot(before, rows, "o", mfc="none", mec="black", ms=8, label="before")
        ax.plot(after, rows, "D", color=STATE_COLOURS["active"], ms=7, label="after")
        ax.set(xscale="log", xlabel=label, ylim=(len(table) - 0.5, -0.5))
        ax.xaxis.set_minor_formatter("")
        ax.set_yticks(rows, table["model"] if ax is axes[0, 0] else [""] * len(table), fontsize=11)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), ncols=2, fontsize=12, **BELOW)
    best = table.loc[table["smaller"].idxmax()]
    worst = max(float(table["difference"].max()), 1e-12)
    figure_title(
        figure,
        f"{best['model']}: a file {best['smaller']:.1f} times smaller, {best['faster']:.1f} times "
        f"faster; no output of the {len(table)} models changes by more than {worst:.0e} of the "
        "largest",
    )
    return figure
