"""Notebook 03: how many weights networks have, and how many are left when they separate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lth_utils.plots.beside import FEW, plain_log, quantile_box
from lth_utils.plots.marks import (
    AS_GIVEN,
    BELOW,
    HOLLOW,
    NAMES,
    families_in,
    integer_ticks,
    panel_title,
)
from lth_utils.plots.style import STATE_COLOURS, panels, shades, styled, tint
from lth_utils.plots.theirs import their_marks
from lth_utils.plots.titles import figure_title, panel_finding, per_level, spans

STARTS = (3, 7, 11, 15, 19, 23)
"""Extension levels whose staircases are drawn."""

KINDS = {"active": STATE_COLOURS["active"], "available": "#777777"}


@styled
def trajectory(ours: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """The idea of extension: every run of a family goes down the same stairs from its own start.

    Args:
        ours: columns ``network, extension, width, weights``.
        theirs: ``studies.reference.reference("trajectory")``.

    Returns:
        A figure with the stairs of the two-layer family beside the widths of all families, the
        thesis' numbers as hollow black marks on ours.
    """
    figure, axes = panels(1, 2, (12, 6))
    stairs, widths = axes[0]
    theirs = theirs.astype({"network": str}).rename(columns={"extension_level": "extension"})
    _stairs(stairs, ours[ours["network"] == "2"].sort_values("extension"), theirs)
    _widths(widths, ours, theirs)
    both = ours.merge(theirs, on=["network", "extension"], suffixes=("", "_thesis"))
    same = (both["width"] == both["hidden_width"]) & (both["weights"] == both["weights_thesis"])
    text = "All runs of a family go down one staircase; widths and weights are those of the thesis "
    figure_title(figure, f"{text}at {same.sum()} of {len(both)} sizes")
    return figure


def _stairs(ax: Axes, family: pd.DataFrame, theirs: pd.DataFrame):
    """Available weights over the prunings, from several starts."""
    tops = [e for e in STARTS if e <= family["extension"].max()]
    given = theirs[theirs["network"] == "2"].sort_values("extension")
    for top, shade in shades(tops).items():
        rows = family[family["extension"] <= top]
        weights = rows["weights"].to_numpy()[::-1]
        label = f"level {top}: width {rows['width'].iloc[-1]:,}"
        ax.step(np.arange(len(weights)), weights, where="post", color=shade, lw=2.4)
        ax.plot(0, weights[0], "o", color=shade, ms=8, label=label)
        steps = given[given["extension"] <= top]
        ax.scatter(top - steps["extension"], steps["weights"], s=26, zorder=4, **HOLLOW)
    ax.scatter([], [], s=26, label="the thesis' table", **HOLLOW)
    ax.set(yscale="log", xlabel="prunings done", ylabel="available weights")
    integer_ticks(ax)
    ax.legend(title="start at extension", fontsize=11)
    panel_finding(ax, "two hidden layers: the same weights at every stop, from every start", 5)


def _widths(ax: Axes, ours: pd.DataFrame, theirs: pd.DataFrame):
    """The width of the hidden layers over the extension level, by family."""
    families = shades(families_in(ours), "rocket")
    for (network, colour), marker in zip(families.items(), "os^D", strict=False):
        rows = ours[ours["network"] == network]
        line = {"color": colour, "marker": marker, "label": NAMES[network], "ms": 5}
        sns.lineplot(rows, x="extension", y="width", ax=ax, mew=0, **line, **AS_GIVEN)
        given = theirs[theirs["network"] == network]
        ax.scatter(given["extension"], given["hidden_width"], s=75, marker=marker, **HOLLOW)
    ax.scatter([], [], s=75, label="the thesis' table, same marks", **HOLLOW)
    ylabel = "width of each hidden layer (neurons)"
    ax.set(yscale="log", xlabel="extension level", ylabel=ylabel)
    ax.set_ylim(bottom=0.7)  # room for the legend
    ax.legend(fontsize=11, loc="lower right")
    top = ours.loc[ours["width"].idxmax()]
    text = f"{NAMES[top['network']]}: the widest, {top['width']:,} neurons at level"
    panel_finding(ax, f"{text}\u00a0{top['extension']}", 5)


@styled
def weights_at_separation(runs: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Active and available weights at the level of separation over the extension level.

    Args:
        runs: as ``studies.outcomes.outcomes``.
        theirs: ``studies.reference.reference("active_available_at_split")``.

    Returns:
        A figure with one row per family, active and available weights side by side: quantiles of
        ours, single dots where few runs separated; the thesis' available weights run by run, and
        the mean and the range of its active ones.
    """
    separated = runs.dropna(subset=["level"])
    networks = [name for name in families_in(runs) if name != "3mini"] or families_in(runs)
    figure, axes = panels(len(networks), 2, (11, 4.1 * len(networks) + 1.2))
    for row, network in zip(axes, networks, strict=True):
        ours = separated[separated["network"] == network]
        given = theirs[theirs["network"].astype(str) == network]
        _of_kind(row, ours, given)
        of_family = runs.loc[runs["network"] == network, "extension"]
        panel_title(row[0], NAMES[network])
        panel_title(row[1], f"{len(ours):,} of {len(of_family):,} runs separated")
        for ax in row:
            ends = of_family.min() - 0.7, of_family.max() + 0.8
            plain_log(ax)
            ax.set(xlim=ends, xlabel="extension level")
            integer_ticks(ax)
    figure_title(figure, _what_stays(separated, networks))
    grey = {"facecolor": tint("#555555", 0.55), "edgecolor": "#555555"}
    box = "ours: median, middle 50 % and 90 % of the runs that separated\n"
    counted = per_level(runs[runs["network"].isin(networks)])
    box += f"(dots: fewer than {FEW}), of {counted}"
    handles = [Patch(label=box, **grey)]
    hollow = {"color": "black", "mfc": "white", "mew": 1.3}
    for mark, text in (("s", "mean and range of runs"), ("o", "single runs")):
        line = {"marker": mark, "ls": "", "label": f"the thesis, {text}", **hollow}
        handles.append(Line2D([], [], **line))
    figure.legend(handles=handles, ncols=2, **BELOW)
    return figure


def _of_kind(row: np.ndarray, ours: pd.DataFrame, theirs: pd.DataFrame):
    """Active and available weights of one family, ours a little to the left of theirs."""
    for ax, (kind, colour) in zip(row, KINDS.items(), strict=True):
        for level, rows in ours.groupby("extension"):
            quantile_box(ax, (level - 0.36, level + 0.06), rows[kind].astype(float), colour)
        ax.set_ylabel(f"{kind} weights at separation")
    values = ("active_mean", "active_min", "active_max")
    look = {"marker": "s", "ms": 5}
    their_marks(
        row[0], theirs["extension_level"] + 0.28, *(theirs[name] for name in values), **look
    )
    for _, given in theirs.iterrows():
        single = sorted(map(int, str(given["available_per_run"]).split()))
        place = np.full(len(single), given["extension_level"] + 0.28)
        # equal ones side by side
        place += [0.12 * single[:n].count(value) for n, value in enumerate(single)]
        row[1].scatter(place, single, s=24, zorder=5, **HOLLOW)


def _what_stays(separated: pd.DataFrame, networks: list[str]) -> str:
    """Medians at the lowest and the highest third of the levels at which a family separated."""
    for network in ["2", *networks]:
        rows = separated[separated["network"] == network]
        levels = sorted(set(rows["extension"]))
        if len(levels) < 2:
            continue
        third = max(1, len(levels) // 3)
        ends = [levels[:third], levels[-third:]]
        kinds = rows[["active", "available"]].astype(float)
        low, high = (kinds[rows["extension"].isin(end)].median() for end in ends)
        return (
            f"{NAMES[network].capitalize()}, extension levels {spans(ends[0])} against "
            f"{spans(ends[1])}: at separation the median network has {low['active']:.0f} against "
            f"{high['active']:.0f} active weights, {low['available']:.0f} against "
            f"{high['available']:.0f} available ones"
        )
    return f"{len(separated)} networks separated, at fewer than two extension levels per family"
