"""Marks and legends that several figures share."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lth_utils.plots.style import DASHES, OUTCOME_COLOURS, STATUS_COLOURS, tint

OUTCOME_ORDER = ("separated", "separated-degraded", "degraded", "fragmented", "interconnected")
"""From the bottom of a stack to its top: what ever separated first."""

NAMES = {
    "1": "one hidden layer",
    "2": "two hidden layers",
    "3": "three hidden layers, as the thesis counts",
    "3mini": "three hidden layers, as they ran",
}

BASE_WIDTH = {"1": 20, "2": 8, "3": 6, "3mini": 4}

HOLLOW = {"facecolors": "none", "edgecolors": "black", "linewidths": 1.4}


def families_in(table: pd.DataFrame) -> list[str]:
    return [n for n in NAMES if n in set(table["network"])]


def panel_title(ax: Axes, text: str):
    ax.set_title(text, pad=10)


def outcome_bars(ax: Axes, x, counts: pd.DataFrame, width: float = 0.86):
    """Shares of runs per outcome as stacked bars, the 95 % interval of the share that ever separated as a black bar."""
    bottom, x = np.zeros(len(counts)), np.asarray(x, float)
    for word in OUTCOME_ORDER:
        share = (counts[word] / counts["runs"]).to_numpy()
        both = word == "separated-degraded"
        ax.bar(
            x,
            share,
            width,
            bottom=bottom,
            color=OUTCOME_COLOURS[word],
            linewidth=0,
            hatch="///" if both else None,
            edgecolor=STATUS_COLOURS["degraded"] if both else None,
        )
        bottom += share
    value, low, high = (counts[c].to_numpy() for c in ("share", "share_low", "share_high"))
    ax.errorbar(
        x,
        value,
        (np.maximum(value - low, 0), np.maximum(high - value, 0)),
        fmt="none",
        ecolor="black",
        lw=1.6,
        capsize=3,
        zorder=4,
    )
    ax.set(ylim=(0, 1), ylabel="share of runs")


def their_outcome_steps(ax: Axes, x, counts: pd.DataFrame):
    """The thesis' stack as dashed steps: above separated, above separated-degraded, above degraded."""
    edges = np.append(np.asarray(x, float) - 0.5, x.iloc[-1] + 0.5)
    for top in np.cumsum([counts[word] / counts["runs"] for word in OUTCOME_ORDER[:3]], axis=0):
        ax.stairs(top, edges, baseline=None, color="black", lw=1.5, linestyle=DASHES, zorder=5)


def outcome_legend(target, words, theirs: bool, **options):
    hatch = {
        "separated-degraded": {
            "hatch": "///",
            "edgecolor": STATUS_COLOURS["degraded"],
            "linewidth": 0,
        }
    }
    handles = [
        Patch(
            facecolor=OUTCOME_COLOURS[w],
            label={"separated-degraded": "separated, later degraded"}.get(w, w),
            **hatch.get(w, {}),
        )
        for w in words
    ]
    handles.append(
        Line2D(
            [], [], color="black", marker="|", ms=9, lw=1.6, label="95 % interval of ever separated"
        )
    )
    if theirs:
        handles.append(
            Line2D(
                [],
                [],
                color="black",
                lw=1.5,
                linestyle=DASHES,
                label="the thesis: tops of the first three shares",
            )
        )
    target.legend(handles=handles, **options)


def outcome_dot(word: str) -> dict:
    """A filled mark; separated-degraded runs are green with an edge in the colour of degraded."""
    both = word == "separated-degraded"
    return {
        "color": OUTCOME_COLOURS[word],
        "edgecolors": STATUS_COLOURS["degraded"] if both else "none",
        "linewidths": 1.3 if both else 0,
    }


def counts_over(ax: Axes, counts: pd.DataFrame, column: str, label: str):
    outcome_bars(ax, range(len(counts)), counts)
    ax.set(xticks=range(len(counts)), xlabel=label)
    ax.set_xticklabels(counts[column], rotation=60 if counts[column].max() > 99 else 0)


def labelled_points(ax: Axes, x: np.ndarray, labels: np.ndarray, colour: str, size: float):
    for label, (marker, share) in enumerate((("o", 1.0), ("^", 0.45))):
        these = labels == label
        ax.scatter(
            *x[these].T,
            s=size,
            marker=marker,
            color=tint(colour, share),
            linewidths=0,
            label=f"class {label}",
        )
    ax.legend(
        loc="upper right",
        handletextpad=0.1,
        borderpad=0.2,
        markerscale=1.6,
        fontsize=11,
        frameon=True,
        framealpha=0.85,
        edgecolor="none",
    )
