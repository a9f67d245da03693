"""Figures of notebook 12: what is left of any pruned network, layer by layer."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth_utils.plots.marks import BELOW
from lth_utils.plots.style import STATE_COLOURS, panels, styled
from lth_utils.plots.titles import finding, lines

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
    finding(figure, f"{name}: {_lost(table)}")
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
    ax.set_title(lines(f"states of {table['available'].sum():,} weights", 6), fontsize=12)


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
    ax.set_title(lines(words or "compression by layer", 6), fontsize=12)
