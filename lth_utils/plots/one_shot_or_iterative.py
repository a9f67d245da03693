"""Figures of notebook 07: pruned all at once, or in rounds."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth_utils.plots.marks import BELOW, from_to, interval_bars, line_with_band
from lth_utils.plots.style import TRIAL_COLOURS, panels, styled, variant_colour
from lth_utils.plots.titles import counted, figure_title, listed, wrapped

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
        the trials, the dense network dotted. Its title is about the first measure and scope.
    """
    measures, scopes = found["measure"].unique(), found["scope"].unique()
    figure, axes = panels(
        len(measures), len(scopes), (6.5 * len(scopes) + 0.4, 4.6 * len(measures) + 1.6)
    )
    for row, measure in zip(axes, measures, strict=True):
        for ax, scope in zip(row, scopes, strict=True):
            rows = found[(found["measure"] == measure) & (found["scope"] == scope)]
            _accuracy_panel(ax, rows)
            words = f"{SCOPES[scope]}, {measure}; {from_to(rows['trials'])} trials"
            ax.set_title(wrapped(words, 6), fontsize=12)
    figure_title(figure, _gained(found, measures[0], scopes[0]))
    handles, labels = max(
        (ax.get_legend_handles_labels() for ax in axes.flat), key=lambda pair: len(pair[1])
    )
    labels = [label if label == "dense" else f"{label}: mean, 95 %" for label in labels]
    figure.legend(handles, labels, ncols=3, fontsize=12, **BELOW)
    return figure


def _gained(found: pd.DataFrame, measure: str, scope: str) -> str:
    """How much more accurate the rounds are, at the size at which they gain most."""
    rows = found[(found["measure"] == measure) & (found["scope"] == scope) & (found["share"] < 1)]
    means = rows.pivot_table(index="share", columns="method", values="mean")
    if not {"iterative", "one-shot"} <= set(means):
        return f"Accuracy over the weights that are left, {measure}"
    gains = 100 * (means["iterative"] - means["one-shot"])
    ends = rows.set_index(["method", "share"])
    above = ends.loc["iterative", "low"] > ends.loc["one-shot", "high"]
    words = f"Rounds gain at most {gains.max():.1f} points over one shot, with {gains.idxmax():.1%}"
    words += f" of the weights left; intervals are apart at {above.sum()} of {len(above)} sizes"
    if above.any():
        words += f", the largest {above[above].index.max():.1%}"
    return words


def _accuracy_panel(ax: Axes, rows: pd.DataFrame):
    """The methods of one measure and scope."""
    for method, of_method in rows.groupby("method", sort=False):
        # a share, so its interval ends within 0 and 1, where the axis has no place
        ends = {"low": of_method["low"].clip(0.001), "high": of_method["high"].clip(upper=0.999)}
        _method(ax, of_method.assign(**ends), "share", method)
    dense = rows.loc[rows["share"] == 1, "mean"].mean()
    ax.axhline(dense, color="black", lw=1.2, linestyle=":", label="dense")
    ax.set(xscale="log", xlabel="share of the weights left", ylabel="accuracy on the test split")
    ax.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=None))
    ax.invert_xaxis()
    _stretched(ax, rows["mean"])


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
def rounds_to_target(found: pd.DataFrame, longer: pd.DataFrame, target: str) -> Figure:
    """The same target in one round or in many: mean accuracy over the number of rounds.

    Args:
        found: as ``studies.trials.mean_by_weights`` with columns ``measure, rounds``.
        longer: the same of one round that is trained for as many epochs as the most rounds, with
            columns ``measure, epochs``; the first measure is shown.
        target: what is left, in words.

    Returns:
        A figure with one line per measure and 95 % intervals; `longer` in another colour. Its
        title compares with the better of `longer`.
    """
    figure, axes = panels(1, 1, (10, 6.4))
    ax, colour = axes[0, 0], TRIAL_COLOURS["ticket"]
    looks = ((-0.06, "-", "o"), (0.06, "--", "s"))  # beside each other
    for (measure, rows), (shift, line, marker) in zip(
        found.groupby("measure", sort=False), looks, strict=False
    ):
        place = rows["rounds"] + shift
        interval_bars(ax, rows, place, ("mean", "low", "high"), color=colour, capsize=4, lw=2)
        look = {"marker": marker, "ms": 8, "lw": 2, "linestyle": line, "color": colour}
        ax.plot(place, rows["mean"], label=measure, **look)
    _with_more_epochs(ax, longer, found)
    ax.set(
        xlabel="rounds of pruning",
        ylabel="accuracy on the test split",
        xticks=sorted(set(found["rounds"])),
    )
    _stretched(ax, pd.concat([found["mean"], longer["mean"]]))
    words = (
        f"pruned to {target}; mean of {from_to(found['trials'])} trials, whiskers: 95 % interval"
    )
    ax.set_title(wrapped(words, 9.4), fontsize=12)
    ax.legend(loc="lower right", fontsize=11)
    figure_title(figure, _with_rounds(found, longer))
    return figure


def _with_more_epochs(ax: Axes, longer: pd.DataFrame, found: pd.DataFrame):
    """One round with the epochs of the most rounds: the first measure, at the left."""
    rows = longer[longer["measure"] == found["measure"].iloc[0]]
    colour, most = variant_colour("one-shot"), counted(int(found["rounds"].max()), "round")
    for marker, (epochs, once) in zip("D^", rows.groupby("epochs", sort=False), strict=False):
        place = pd.Series(1.0, once.index)
        bars = {"color": colour, "capsize": 4, "lw": 2}
        interval_bars(ax, once, place, ("mean", "low", "high"), **bars)
        words = f"1 round with the epochs of {most}: {epochs}"
        ax.plot(place, once["mean"], label=words, marker=marker, ms=8, ls="", color=colour)


def _with_rounds(found: pd.DataFrame, longer: pd.DataFrame) -> str:
    """What the accuracy gains from the fewest rounds to the best number of them."""
    measure = found["measure"].iloc[0]
    rows = found[found["measure"] == measure].set_index("rounds").sort_index()
    first, best = rows.iloc[0], rows.loc[rows["mean"].idxmax()]
    start = counted(int(first.name), "round")
    if best.name == first.name:
        return f"No number of rounds is more accurate than {start}, at {first['mean']:.1%}"
    gain = 100 * (best["mean"] - first["mean"])
    once = longer.loc[longer["measure"] == measure, "mean"].max()
    words = f"{best.name} rounds are {gain:.1f} points more accurate than {start} at equal size"
    return f"{words}, and {100 * (best['mean'] - once):.1f} at equal size and epochs ({measure})"


@styled
def one_shot_separation(found: pd.DataFrame, draws: int | None = None) -> Figure:
    """Share of the networks that are separated over the weights left, by method.

    Args:
        found: as ``studies.trials.mean_by_weights`` with the column ``method``.
        draws: of the points, on which the runs are spread; None: not known.

    Returns:
        A figure with one line per method and 95 % intervals.
    """
    figure, axes = panels(1, 1, (10, 6.4))
    ax = axes[0, 0]
    for method, rows in found.groupby("method", sort=False):
        _method(ax, rows.sort_values("available", ascending=False), "available", method)
    ax.set(
        xscale="log",
        xlabel="unpruned weights",
        ylabel="share of the runs that are separated",
        ylim=(-0.03, 1.03),
    )
    ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    ax.invert_xaxis()
    words = f"moons and circles: {from_to(found['trials'])} runs for each way"
    words += f" on {counted(draws, 'draw')} of the points" if draws else ""
    ax.set_title(wrapped(f"{words}; band: 95 % interval of the share", 9.4), fontsize=12)
    ax.legend(loc="upper left")
    smallest = found[found["available"] == found["available"].min()]
    parts = [f"{row['mean']:.0%} {row['method']}" for _, row in smallest.iterrows()]
    weights = int(found["available"].min())
    figure_title(figure, f"Separated when {weights} weights are left: {listed(parts)}")
    return figure
