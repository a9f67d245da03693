"""Lines with bands, bars, dots and legends that several figures share.

Intervals are computed by the studies and drawn here as given. Where seaborn summarises runs itself,
it takes means, ranges and quantiles only, which are exact.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from lth_utils.plots.style import OUTCOME_COLOURS, STATUS_COLOURS, tint

OUTCOME_ORDER = ("separated", "separated-degraded", "degraded", "fragmented", "interconnected")
"""From the bottom of a stack to its top: what ever separated first."""

OUTCOME_MARKS = {"separated": "^", "separated-degraded": "^", "degraded": "s", "fragmented": "D"}
"""Dots of single runs and networks by outcome or status, so that they read in grey; others round"""

OUTCOME_NAMES = {"separated-degraded": "separated, later degraded"}

NAMES = {
    "1": "one hidden layer",
    "2": "two hidden layers",
    "3": "three hidden layers, as the thesis counts",
    "3mini": "three hidden layers, as they ran",
}
"""The families of networks of the extension sweep."""

HOLLOW = {"facecolors": "none", "edgecolors": "black", "linewidths": 1.4}
"""Dots of the thesis."""

BELOW = {"loc": "outside lower center"}
"""Where the legend of a whole figure stands."""

AS_GIVEN = {"estimator": None, "errorbar": None, "legend": False}
"""For ``seaborn.lineplot``: one value per place, nothing to summarise."""


def families_in(table: pd.DataFrame) -> list[str]:
    """The families that occur in a table, those with fewest layers first."""
    return [name for name in NAMES if name in set(table["network"])]


def panel_title(ax: Axes, text: str):
    """A title with some distance from the panel."""
    ax.set_title(text, pad=10)


def integer_ticks(ax: Axes):
    """Only whole numbers on the horizontal axis."""
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def from_to(numbers: Iterable[int]) -> str:
    """A count, or the smallest and the largest of several, in words."""
    low, high = min(numbers, default=0), max(numbers, default=0)
    return f"{low}" if low == high else f"{low} to {high}"


# lines and intervals


def line_with_band(
    ax: Axes, rows: pd.DataFrame, x: str, values: tuple[str, str, str], colour: str, **line
):
    """A line with its interval as a band.

    Args:
        rows: one row per place, in the order of the line.
        x: column of the horizontal axis.
        values: columns of the line, and of the lower and the upper end of the interval.
        colour: of the line and, lighter, of the band.
        line: further options of the line.
    """
    middle, low, high = values
    ax.fill_between(rows[x], rows[low], rows[high], color=colour, alpha=0.2, lw=0)
    sns.lineplot(rows, x=x, y=middle, color=colour, ax=ax, sort=False, **AS_GIVEN, **line)


def interval_bars(
    ax: Axes, rows: pd.DataFrame, place: pd.Series, values: tuple[str, str, str], **options
):
    """Intervals as vertical bars, by default black and without a mark for the middle.

    Args:
        rows: one row per bar.
        place: horizontal place of each bar.
        values: columns of the middle, the lower and the upper end.
        options: of ``Axes.errorbar``.
    """
    middle, low, high = (rows[name] for name in values)
    spread = np.maximum(middle - low, 0), np.maximum(high - middle, 0)
    ax.errorbar(place, middle, spread, **{"fmt": "none", "color": "black", **options})


# outcomes of runs


def outcome_bars(ax: Axes, places, counts: pd.DataFrame, width: float = 0.86):
    """Runs per outcome as stacked bars, the interval of the share that ever separated in black.

    Args:
        places: whole number for each row of counts, its place on the horizontal axis.
        counts: columns of ``studies.outcomes.by_level``.
        width: of a bar; neighbouring places are 1 apart.
    """
    shares = counts[list(OUTCOME_ORDER)].div(counts["runs"], axis=0).assign(place=list(places))
    sns.histplot(
        shares.melt("place", var_name="outcome", value_name="share"),
        x="place",
        weights="share",
        hue="outcome",
        hue_order=OUTCOME_ORDER[::-1],  # the last is drawn first, at the bottom
        palette=OUTCOME_COLOURS,
        multiple="stack",
        discrete=True,
        shrink=width,
        alpha=1,
        linewidth=0,
        legend=False,
        ax=ax,
    )
    for bar in ax.containers[OUTCOME_ORDER.index("separated-degraded")]:
        bar.set(hatch="///", edgecolor=STATUS_COLOURS["degraded"])
    values = ("share", "share_low", "share_high")
    interval_bars(ax, counts, shares["place"], values, lw=1.6, capsize=3, zorder=4)
    ax.set(ylim=(0, 1), ylabel="share of runs")


def outcome_bars_by(ax: Axes, counts: pd.DataFrame, column: str, label: str):
    """Outcome bars side by side, whatever the distance between the values of a column."""
    outcome_bars(ax, range(len(counts)), counts)
    rotation = 60 if counts[column].max() > 99 else 0
    ax.set_xticks(range(len(counts)), counts[column], rotation=rotation)
    ax.set_xlabel(label)
    panel_title(ax, f"{from_to(counts['runs'])} runs per bar")


def outcomes_in(counts: pd.DataFrame, always: Iterable[str] = ()) -> list[str]:
    """The outcomes that occur in a table of counts, and those named, in the order of a stack."""
    return [word for word in OUTCOME_ORDER if counts[word].sum() or word in always]


def outcome_legend(figure: Figure, words: Iterable[str]):
    """The legend of figures with outcome bars, below the panels; words: outcomes to explain."""
    handles = []
    for word in words:
        patch = Patch(facecolor=OUTCOME_COLOURS[word], label=OUTCOME_NAMES.get(word, word))
        if word == "separated-degraded":
            patch.set(hatch="///", edgecolor=STATUS_COLOURS["degraded"], linewidth=0)
        handles.append(patch)
    bar = {"color": "black", "marker": "|", "ms": 9, "lw": 1.6}
    handles.append(Line2D([], [], label="95 % interval of ever separated", **bar))
    figure.legend(handles=handles, ncols=3, **BELOW)


def outcome_dots(ax: Axes, runs: pd.DataFrame, x: str, y: str, **options):
    """One dot per run in the colour of its outcome, an orange edge if it degraded later.

    Args:
        runs: as ``studies.outcomes.outcomes``.
        x, y: columns.
        options: of the dots.
    """
    for word in OUTCOME_ORDER:
        rows = runs[runs["outcome"] == word]
        if len(rows):
            edge = {"linewidth": 0}
            if word == "separated-degraded":
                edge = {"linewidth": 1.3, "edgecolor": STATUS_COLOURS["degraded"]}
            label = f"{OUTCOME_NAMES.get(word, word)} (ours)"
            look = {"color": OUTCOME_COLOURS[word], "label": label, "legend": False}
            look["marker"] = OUTCOME_MARKS.get(word, "o")
            sns.scatterplot(rows, x=x, y=y, ax=ax, **look, **edge, **options)


def their_outcome_dots(ax: Axes, theirs: pd.DataFrame, x: pd.Series, y: str, **options):
    """Hollow dots of the thesis in the colours of the outcomes; their column is ``category``."""
    colours = theirs["category"].str.replace("_", "-").map(OUTCOME_COLOURS)
    ax.scatter(x, theirs[y], **HOLLOW | {"edgecolors": colours}, **options)


def jittered(places: pd.Series, low: float, high: float) -> pd.Series:
    """Places moved apart at random, by the same amounts each time."""
    return places + np.random.default_rng(0).uniform(low, high, len(places))


# runs, level by level

STAR = {"ls": "", "marker": "*", "color": STATUS_COLOURS["separated"], "mec": "black", "ms": 17}
"""Where a run first separates."""


def runs_by_status(ax: Axes, table: pd.DataFrame, x: str, y: str):
    """Each run as a line, its dots in the colour of their status, a star where it first separates.

    Args:
        table: level rows of runs, in the order of the levels.
        x, y: columns.
    """
    line = {"units": "run", "estimator": None, "sort": False, "lw": 1.4, "alpha": 0.7}
    line |= {"color": STATUS_COLOURS["interconnected"], "zorder": 2, "legend": False}
    sns.lineplot(table, x=x, y=y, ax=ax, **line)
    dots = {"hue": "status", "palette": STATUS_COLOURS, "s": 18, "linewidth": 0, "zorder": 3}
    sns.scatterplot(table, x=x, y=y, ax=ax, legend=False, **dots)
    separated = table[table["status"] == "separated"]
    for _, row in separated.groupby("run", sort=False).head(1).iterrows():
        ax.plot([row[x]], [row[y]], zorder=5, **STAR)


def status_handles(status: pd.Series) -> list[Line2D]:
    """Legend entries for :func:`runs_by_status`: the statuses that occur, and the star."""
    handles = []
    for word in STATUS_COLOURS:
        if word in set(status) - {"separated"}:
            line = {"color": STATUS_COLOURS[word], "marker": "o", "ms": 6, "lw": 1.4}
            line["ls"] = "-" if word == "interconnected" else ""
            handles.append(Line2D([], [], label=f"{word} (ours)", **line))
    handles.append(Line2D([], [], label="separated here (ours)", **STAR))
    return handles


# the points of a task


def labelled_points(ax: Axes, x: np.ndarray, labels: np.ndarray, colour: str, size: float):
    """The examples of a task with two inputs, their classes told apart by form and shade.

    Args:
        x: inputs ``[B, 2]``.
        labels: 0 or 1 ``[B]``.
        colour: of the task.
        size: of a mark, points squared.
    """
    sns.scatterplot(
        x=x[:, 0],
        y=x[:, 1],
        hue=labels,
        style=labels,
        palette={0: tint(colour, 1), 1: tint(colour, 0.45)},
        markers={0: "o", 1: "^"},
        s=size,
        linewidth=0,
        legend=False,
        ax=ax,
    )
    handles = []
    for label, (marker, share) in enumerate((("o", 1.0), ("^", 0.45))):
        look = {"marker": marker, "color": tint(colour, share), "ls": "", "ms": 5}
        handles.append(Line2D([], [], label=f"class {label}", **look))
    frame = {"frameon": True, "framealpha": 0.85, "edgecolor": "none", "borderpad": 0.2}
    ax.legend(handles=handles, loc="upper right", handletextpad=0.1, fontsize=11, **frame)
