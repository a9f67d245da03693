"""Figures of notebook 04: whether the size decides or the number of prunings."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lth_utils.plots.marks import BELOW, integer_ticks
from lth_utils.plots.style import STATUS_COLOURS, panels, styled
from lth_utils.plots.theirs import their_handle, their_marks, their_pies, their_range, their_shares
from lth_utils.plots.titles import counted, figure_title, listed, runs_and_draws, wrapped

SEPARATED = ("separated", "separated-degraded")

LANES = {"separated": -0.27, "degraded": 0.0, "interconnected": 0.27}
"""Where the runs of an outcome stand beside a place; what ever separated counts as separated."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

FEW = 10
"""Fewer runs than these are drawn one by one."""

PERCENT = mpl.ticker.PercentFormatter(1, decimals=0)


@styled
def size_or_levels(
    runs: pd.DataFrame,
    theirs: pd.DataFrame,
    theirs_48: pd.DataFrame,
    ranges: pd.DataFrame,
    width: int = 48,
) -> Figure:
    """The same target from other widths in other numbers of levels.

    Args:
        runs: as ``studies.outcomes.outcomes`` with columns ``width`` and ``rate``.
        theirs: ``studies.reference.reference("separations_by_size_and_levels")``.
        theirs_48: ``studies.reference.reference("grid_width48_active_weights")``.
        ranges: ``studies.reference.reference("grid_active_weight_ranges")``.
        width: of the hidden layers in the third panel, neurons.

    Returns:
        A figure with three panels: the share that separated, with theirs as pies; active weights
        at the end by width; and those of one width by levels.
    """
    runs = runs.assign(
        separated=runs["outcome"].isin(SEPARATED),
        lane=runs["outcome"].replace({"separated-degraded": "separated"}),
    )
    figure, axes = panels(2, 2, (13, 11))
    grid = axes[0, 0].get_gridspec()
    for ax in axes[0]:
        ax.remove()
    grid.set_width_ratios([1, 1.5])
    heat = figure.add_subplot(grid[0, :])
    _heat_map(heat, runs, theirs)
    _by_width(axes[1, 0], runs, ranges)
    _one_width(axes[1, 1], runs[runs["width"] == width], theirs_48, width)
    figure_title(figure, _what_matters(runs))
    figure.legend(handles=_handles(runs), ncols=3, fontsize=12, **BELOW)
    return figure


def _what_matters(runs: pd.DataFrame) -> str:
    """Whether the share moves more with the width or with the number of prunings."""
    if not runs["separated"].any():
        return f"None of {counted(len(runs), 'network')} separates"
    reach, words = {}, {}
    for name, column in (("width", "width"), ("number of prunings", "levels")):
        shares = runs.groupby(column)["separated"].mean()
        reach[name] = shares.max() - shares.min()
        words[name] = f"{shares.min():.0%} to {shares.max():.0%} over the {column}s"
        words[name] = words[name].replace("levelss", "numbers of prunings")
    first, second = sorted(reach, key=reach.get, reverse=True)
    if f"{reach[first]:.2f}" == f"{reach[second]:.2f}":
        verb = f"The {first} matters as much as the {second}"
    else:
        verb = f"The {first} matters more than the {second}"
    return f"{verb}: the share that separates goes from {words[first]}, from {words[second]}"


def _heat_map(ax: Axes, runs: pd.DataFrame, theirs: pd.DataFrame):
    """The share of the runs of each width and number of levels; theirs as pies beside it."""
    shares = runs.pivot_table(index="width", columns="levels", values="separated", aggfunc="mean")
    sns.heatmap(
        shares,
        annot=100 * shares,
        fmt=".0f",
        annot_kws={"ha": "right", "fontsize": 14, "fontweight": "bold"},
        cmap=sns.blend_palette(["white", STATUS_COLOURS["separated"]], as_cmap=True),
        vmin=0,
        vmax=1,
        linewidths=1.5,
        linecolor="#DDDDDD",
        cbar_kws={"format": PERCENT, "pad": 0.01, "label": "share separated"},
        ax=ax,
    )
    rows = theirs.merge(
        pd.Series(range(len(shares)), shares.index, name="row").reset_index(),
        left_on="hidden_width",
        right_on="width",
    )
    rows = rows[rows["pruning_levels"].isin(shares.columns)]
    x = rows["pruning_levels"].map(list(shares.columns).index) + 0.74
    their_pies(ax, x, rows["row"] + 0.5, rows["n_separated"] / rows["n_runs"], 300)
    ax.invert_yaxis()
    ax.tick_params(axis="y", rotation=0)
    ax.set(xlabel="number of prunings to the same target", ylabel="width of the hidden layers")
    each = runs.groupby(["width", "levels"]).size().rename("runs").reset_index()
    text = f"share that separated, in percent of {_sample(each, runs)} per cell"
    if len(rows):
        text += f"; pies: the thesis, of {rows['n_runs'].max()} runs"
    ax.set_title(text, fontsize=13)


def _sample(each: pd.DataFrame, runs: pd.DataFrame) -> str:
    """The number of runs per place, and of draws, in words."""
    if "draw" in runs:
        each = each.assign(draws=runs["draw"].nunique())
    return runs_and_draws(each)


def _spread(ax: Axes, rows: pd.DataFrame, place: str):
    """The active weights at the end by place and outcome: quantiles, or few runs one by one."""
    for (lane, at), of_lane in rows[rows["lane"].isin(LANES)].groupby(["lane", place]):
        values, x, colour = of_lane["active_end"], at + LANES[lane], STATUS_COLOURS[lane]
        dot = {"color": colour, "edgecolors": "white", "linewidths": 0.8, "zorder": 4}
        if len(values) < FEW:
            ax.scatter([x] * len(values), values, s=34, **dot)
            continue
        lowest, low, middle, high, highest = values.quantile(QUANTILES)
        ax.vlines(x, lowest, highest, color=colour, lw=1.8, zorder=2)
        ax.vlines(x, low, high, color=colour, lw=6, zorder=3)
        ax.scatter(x, middle, s=62, **dot)


def _by_width(ax: Axes, runs: pd.DataFrame, ranges: pd.DataFrame):
    """Active weights at the end over the width, all numbers of levels together."""
    widths = sorted(set(runs["width"]))
    rows = runs.assign(place=runs["width"].map(widths.index))
    _spread(ax, rows, "place")
    for _, row in ranges[ranges["hidden_width"].isin(widths)].iterrows():
        x = widths.index(row["hidden_width"]) + LANES[row["category"]] + 0.11
        their_range(ax, x, row["active_min"], row["active_max"], ms=6)
        count = {"ha": "center", "va": "bottom", "fontsize": 9}
        ax.text(x, row["active_max"] + 3, f"{row['n_runs_all_levels']}", **count)
    ax.set_xticks(range(len(widths)), widths)
    ax.set(xlim=(-0.5, len(widths) - 0.5), ylim=(0, None))
    ax.set(xlabel="width of the hidden layers", ylabel="active weights at the end")
    each = rows.groupby("width").size().rename("runs").reset_index()
    title = f"{_sample(each, runs)} per width"
    middle = rows[rows["separated"]].groupby("width")["active_end"].median()
    if len(middle):
        title = f"separated networks keep {_about(middle)} active weights; {title}"
    ax.set_title(wrapped(title, 4.6), fontsize=12)


def _about(middle: pd.Series) -> str:
    low, high = middle.min(), middle.max()
    return f"a median of {low:.0f}" + (f" to {high:.0f}" if round(low) != round(high) else "")


def _one_width(ax: Axes, runs: pd.DataFrame, theirs: pd.DataFrame, width: int):
    """Active weights at the end of the runs of one width over the number of levels."""
    _spread(ax, runs, "levels")
    place = theirs["pruning_levels"] + theirs["category"].map(LANES) + 0.12
    their_marks(ax, place, theirs["active_weights_at_end"], ms=5.5, mew=1.2)
    levels = sorted(set(runs["levels"]) | set(theirs["pruning_levels"]))
    ax.set(xticks=levels, xlim=(levels[0] - 0.6, levels[-1] + 0.6), ylim=(0, None))
    ax.set(xlabel="number of prunings", ylabel="active weights at the end")
    rates = runs.groupby("levels")["rate"].first()
    above = ax.secondary_xaxis("top")
    above.set_xticks(list(rates.index), [f"{rate:.2f}" for rate in rates], fontsize=11)
    above.set_xlabel("share removed at each pruning", fontsize=12)
    if runs.empty:
        return
    each = runs.groupby("levels").size().rename("runs").reset_index()
    shares = runs.groupby("levels")["separated"].mean()
    first, last = shares.index[0], shares.index[-1]
    title = f"width {width}: {shares[first]:.0%} separate with {counted(first, 'pruning')}, "
    title += f"{shares[last]:.0%} with {last}; {_sample(each, runs)} per number"
    ax.set_title(wrapped(title, 7), fontsize=12)


def _lane_handles(lanes: set[str]) -> list[Line2D]:
    """Legend entries of the quantiles, in the order in which the outcomes stand."""
    handles = []
    for lane, side in zip(LANES, ("left", "middle", "right"), strict=True):
        if lane in lanes:
            look = {"color": STATUS_COLOURS[lane], "marker": "o", "lw": 4, "ms": 8, "mec": "white"}
            handles.append(Line2D([], [], label=f"{lane} ({side})", **look))
    quantiles = {"color": "#777777", "lw": 4, "marker": "o", "mec": "white", "ms": 8}
    label = f"median, 25–75 %, 5–95 %;\nbelow {FEW} runs a dot each"
    handles.append(Line2D([], [], label=label, **quantiles))
    return handles


def _handles(runs: pd.DataFrame) -> list[Line2D]:
    """The legend of :func:`size_or_levels`."""
    handles = _lane_handles(set(runs["lane"]))
    label = "the thesis: lowest and highest\nof so many runs"
    handles.append(their_handle(label, whisker=True, ms=7))
    handles.append(their_handle("the thesis: one run", ms=6))
    return handles


@styled
def twenty_levels(counts: pd.DataFrame, theirs: pd.DataFrame | None = None) -> Figure:
    """All widths pruned to one target in the same number of levels: who separates.

    Args:
        counts: as ``studies.outcomes.by_level`` with the key ``width``.
        theirs: columns ``width, separated, runs``, where there are such counts.

    Returns:
        A figure with one panel: the share that separated with its interval, and what degraded.
    """
    figure, axes = panels(1, 1, (12, 6.4))
    ax = axes[0, 0]
    counts = counts.sort_values("width").reset_index(drop=True)
    places = pd.Series(range(len(counts)), counts["width"])
    _shares(ax, places.to_numpy(), counts)
    if theirs is not None:
        shown = theirs[theirs["width"].isin(places.index)]
        their_shares(ax, shown["width"].map(places) + 0.25, shown["separated"], shown["runs"])
    ax.set_xticks(places, counts["width"], rotation=60 if counts["width"].max() > 99 else 0)
    ax.set_xlabel("width of the two hidden layers")
    ax.set_title(f"{runs_and_draws(counts)} per width", fontsize=13)
    text = f"Pruned equally often, {_rise(counts, 'width', 'neurons per layer')}"
    figure_title(figure, text)
    figure.legend(handles=_share_handles(theirs), ncols=3, **BELOW)
    return figure


@styled
def how_many_levels(
    counts: pd.DataFrame, runs: pd.DataFrame, theirs: pd.DataFrame | None = None
) -> Figure:
    """One large network pruned to the same target in more and more levels.

    Args:
        counts: as ``studies.outcomes.by_level`` with the key ``levels``.
        runs: as ``studies.outcomes.outcomes``.
        theirs: columns ``levels, separated, runs``, where there are such counts.

    Returns:
        A figure with two panels: the share that separated with its interval, and the active share
        of the weights that are left.
    """
    figure, axes = panels(2, 1, (12, 9.6))
    shares, active = axes[:, 0]
    counts = counts.sort_values("levels")
    _shares(shares, counts["levels"].to_numpy(), counts)
    if theirs is not None:
        their_shares(shares, theirs["levels"] + 0.25, theirs["separated"], theirs["runs"])
    shares.set_title(f"{runs_and_draws(counts)} per number of prunings", fontsize=13)
    rows = runs.assign(
        active_end=runs["active_end"] / runs["available_end"],
        lane=runs["outcome"].replace({"separated-degraded": "separated"}),
    )
    _spread(active, rows, "levels")
    active.set(ylim=(0, 1.03), ylabel="active share of the\nweights left at the end")
    active.yaxis.set_major_formatter(PERCENT)
    active.set_title("the same runs", fontsize=13)
    for ax in (shares, active):
        ax.set(xlabel="number of prunings to the same target")
        integer_ticks(ax)
    shape = str(runs["base"].iloc[0])
    figure_title(figure, f"{shape}: {_rise(counts, 'levels', 'prunings')}")
    handles = _share_handles(theirs)
    handles += _lane_handles(set(rows["lane"]))
    figure.legend(handles=handles, ncols=3, **BELOW)
    return figure


def _shares(ax: Axes, places: np.ndarray, counts: pd.DataFrame):
    """The share that ever separated with its interval, and the share that degraded instead."""
    degraded = counts["degraded"] / counts["runs"]
    orange = {"color": STATUS_COLOURS["degraded"], "marker": "v", "ms": 6, "lw": 1.2, "ls": "--"}
    ax.plot(places, degraded, zorder=2, **orange)
    spread = np.array(
        [counts["share"] - counts["share_low"], counts["share_high"] - counts["share"]]
    )
    green = {"color": STATUS_COLOURS["separated"], "marker": "o", "ms": 8, "lw": 2, "zorder": 4}
    ax.errorbar(places, counts["share"], yerr=np.maximum(spread, 0), capsize=3, **green)
    ax.set(ylim=(-0.04, 1.04), ylabel="share of runs")
    ax.yaxis.set_major_formatter(PERCENT)
    ax.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    if counts["runs"].nunique() > 1:
        ax.set_ylim(-0.04, 1.2)
        for place, runs in zip(places, counts["runs"], strict=True):
            ax.text(place, 1.12, f"{runs}", fontsize=10, ha="center", va="center")
        left = {"transform": ax.get_yaxis_transform(), "ha": "left", "va": "center"}
        ax.text(0.002, 1.12, "n", fontsize=10, **left)


def _rise(counts: pd.DataFrame, column: str, words: str) -> str:
    """How many separate in the lowest and in the highest third of an axis."""
    counts = counts.sort_values(column)
    separated = counts["separated"] + counts["separated-degraded"]
    if not separated.sum():
        return f"none of {counted(int(counts['runs'].sum()), 'network')} separates"
    third, parts = max(1, len(counts) // 3), []
    for rows in (counts[:third], counts[-third:]):
        ends = f"{rows[column].min()} to {rows[column].max()}" if len(rows) > 1 else "{}"
        ends = ends.format(rows[column].min())
        count, runs = separated[rows.index].sum(), rows["runs"].sum()
        parts.append(f"{count / runs:.0%} of {runs} separate with {ends} {words}")
    return listed(parts)


def _share_handles(theirs: pd.DataFrame | None) -> list[Line2D]:
    """The legend of figures with shares over one axis."""
    green = {"color": STATUS_COLOURS["separated"], "marker": "o", "ms": 8, "lw": 2}
    orange = {"color": STATUS_COLOURS["degraded"], "marker": "v", "ms": 6, "lw": 1.2, "ls": "--"}
    handles = [
        Line2D([], [], label="ever separated, 95 % interval", **green),
        Line2D([], [], label="lost an input or output, never separated", **orange),
    ]
    if theirs is not None:
        handles.append(their_handle("the thesis, exact 95 % interval", whisker=True))
    return handles
