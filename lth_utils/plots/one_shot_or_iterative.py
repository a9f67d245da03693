"""Figures of notebook 07: pruned all at once, or in rounds."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth_utils.plots.marks import AS_GIVEN, from_to, interval_bars, line_with_band
from lth_utils.plots.style import TRIAL_COLOURS, panels, styled, variant_colour

MARKERS = {"iterative": "o", "one-shot": "s", "fresh": "D", "random": "^"}
"""By the first word of a method."""

SCOPES = {"global": "smallest of the whole network", "layer": "smallest of each layer"}

TICKS = (0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99)


@styled
def one_shot_or_iterative(found: pd.DataFrame) -> Figure:
    """Accuracy over the share of weights left, for each way to choose them.

    Args:
        found: as ``studies.trials.mean_by_weights`` with columns
            ``measure, scope, method, share``.

    Returns:
        A figure with one row per measure and one column per scope: means and 95 % intervals over
        the trials, the dense network dotted.
    """
    measures, scopes = found["measure"].unique(), found["scope"].unique()
    figure, axes = panels(len(measures), len(scopes), (8.4 * len(scopes), 5.2 * len(measures)))
    for row, measure in zip(axes, measures, strict=True):
        for ax, scope in zip(row, scopes, strict=True):
            rows = found[(found["measure"] == measure) & (found["scope"] == scope)]
            _accuracy_panel(ax, rows)
            ax.set(ylabel=f"accuracy {measure}", title=SCOPES[scope])
    trials = from_to(found["trials"])
    figure.suptitle(f"mean of {trials} trials, band: 95 % interval")
    return figure


def _accuracy_panel(ax: Axes, rows: pd.DataFrame):
    """The methods of one measure and scope."""
    for method, of_method in rows.groupby("method", sort=False):
        # a share, so its interval ends within 0 and 1, where the axis has no place
        ends = {"low": of_method["low"].clip(0.001), "high": of_method["high"].clip(upper=0.999)}
        _method(ax, of_method.assign(**ends), "share", method)
    dense = rows.loc[rows["share"] == 1, "mean"].mean()
    ax.axhline(dense, color="black", lw=1.2, linestyle=":", label="dense")
    ax.set(xscale="log", xlabel="share of the weights left")
    ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=None))
    ax.invert_xaxis()
    _stretched(ax, rows["mean"])
    ax.legend(loc="lower left")


def _stretched(ax: Axes, accuracies: pd.Series):
    """An axis of accuracies on which a point counts the more the nearer it is to 100 %."""
    lowest, highest = accuracies.min(), accuracies.max()
    ticks = [value for value in TICKS if lowest / 1.5 < value]
    ax.set_yscale("logit")
    ax.set_yticks(ticks, [f"{value:.0%}" for value in ticks])
    ax.set_yticks([], minor=True)
    ax.set_ylim(max(0.05, lowest / 1.5), min(0.995, 1 - (1 - highest) / 2))


def _method(ax: Axes, rows: pd.DataFrame, x: str, method: str):
    """One method as a line with its interval."""
    marker = MARKERS[method.partition(" ")[0]]
    look = {"lw": 2.2, "marker": marker, "ms": 7, "mew": 0, "label": method}
    line_with_band(ax, rows, x, ("mean", "low", "high"), variant_colour(method), **look)


@styled
def rounds_to_target(found: pd.DataFrame, target: str) -> Figure:
    """The same target in one round or in many: mean accuracy over the number of rounds.

    Args:
        found: as ``studies.trials.mean_by_weights`` with columns ``measure, rounds``.
        target: what is left, in words.

    Returns:
        A figure with one line per measure and 95 % intervals.
    """
    figure, axes = panels(1, 1, (9.4, 5.6))
    ax, colour = axes[0, 0], TRIAL_COLOURS["ticket"]
    looks = ((-0.04, colour, "-"), (0.04, "white", "--"))  # beside each other
    for (measure, rows), (shift, face, line) in zip(
        found.groupby("measure", sort=False), looks, strict=False
    ):
        place = rows["rounds"] + shift
        interval_bars(ax, rows, place, ("mean", "low", "high"), color=colour, capsize=4, lw=2)
        look = {"marker": "o", "mfc": face, "mec": colour, "ms": 7, "lw": 2, "linestyle": line}
        rows = rows.assign(place=place)
        sns.lineplot(
            rows, x="place", y="mean", color=colour, label=measure, ax=ax, **look, **AS_GIVEN
        )
    ax.set(
        xlabel="rounds of pruning",
        ylabel="accuracy on the test split",
        title=f"pruned to {target}, mean of {from_to(found['trials'])} trials, 95 % interval",
        xticks=sorted(set(found["rounds"])),
    )
    ax.legend(loc="lower right")
    return figure


@styled
def one_shot_separation(found: pd.DataFrame) -> Figure:
    """Share of the networks that are separated over the weights left, by method.

    Args:
        found: as ``studies.trials.mean_by_weights`` with the column ``method``.

    Returns:
        A figure with one line per method and 95 % intervals.
    """
    figure, axes = panels(1, 1, (9.4, 5.6))
    ax = axes[0, 0]
    for method, rows in found.groupby("method", sort=False):
        _method(ax, rows, "available", method)
    ax.set(
        xscale="log",
        xlabel="unpruned weights",
        ylabel="share of the runs that are separated",
        ylim=(-0.03, 1.03),
        title=f"moons and circles, {found['trials'].max()} runs each, band: 95 % interval",
    )
    ax.invert_xaxis()
    ax.legend(loc="upper left")
    return figure
