"""Notebook 03: does layer collapse say when networks of one hidden layer stop separating?"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from lth_utils.plots.marks import BELOW, from_to, integer_ticks, interval_bars, panel_title
from lth_utils.plots.style import panels, shades, styled
from lth_utils.plots.titles import figure_title

MARKS = {"initial": "^", "learning": "s", "at": "D"}
"""By the first word of a condition: what is changed."""

FINDINGS = {
    "one curve": "fall on one curve over the output weights expected to be left",
    "less scatter": "scatter over the output weights expected to be left, less than over the size",
    "scatter": "scatter over the output weights expected to be left as over the size",
    "cannot tell": "do not fall steadily with the size: these runs cannot tell what predicts them",
}
"""What follows "shares that separate", by finding."""

USUAL = {"color": "black", "marker": "o", "lw": 2.8, "zorder": 4}

BARS = "bars: 95 % interval, the draw a random factor where there are several"

TICKS = [10**n for n in range(8)]


@styled
def layer_collapse(table: pd.DataFrame, found: Mapping) -> Figure:
    """Shares that separated over the extension level, and over what layer collapse predicts.

    If the theory holds, the conditions part on the left and fall on one curve on the right.

    Args:
        table: as ``studies.extension_sweep.collapse_table``, the usual condition first.
        found: as ``studies.extension_sweep.rank_correlations`` of the table.

    Returns:
        A figure with two panels; lines are darker the fewer output weights are expected to be left.
    """
    figure, axes = panels(1, 2, (15, 7))
    level, number = axes[0]
    looks = _looks(table)
    apart = {c: 0.06 * (n - (len(looks) - 1) / 2) for n, c in enumerate(looks)}
    for condition, look in looks.items():
        cells = table[table["condition"] == condition].sort_values("extension")
        _shares(level, cells, cells["extension"] + apart[condition], {**look, "label": condition})
        _shares(number, cells, cells["log10_expected"], look)
    for ax in axes[0]:
        ax.set(ylim=(-0.04, 1.04), ylabel="share of the networks that separated")
    integer_ticks(level)
    level.set_xlabel("extension level")
    panel_title(level, f"over the extension level: rank correlation {found['extension']:.2f}")
    _powers_of_ten(number, table["log10_expected"])
    number.set_xlabel("output weights expected to be left")
    words = (
        f"over the computed number: {found['computed']:.2f}, within each line {found['within']:.2f}"
    )
    panel_title(number, words)
    text = f"One hidden layer: the shares that separate {FINDINGS[found['finding']]}"
    figure_title(figure, text)
    runs = f"{from_to(table['runs'])} networks on {from_to(table['draws'])} draws of the points"
    handles, names = level.get_legend_handles_labels()
    figure.legend(handles, names, ncols=3, title=f"{runs} per mark; {BARS}", **BELOW)
    return figure


def _looks(table: pd.DataFrame) -> dict[str, dict]:
    """Colour and mark of each condition: black the usual one, the others dark to light."""
    conditions = list(dict.fromkeys(table["condition"]))
    if not conditions:
        return {}
    others = table[table["condition"] != conditions[0]]
    order = others.groupby("condition")["log10_expected"].mean().sort_values().index
    colours = shades(list(order))
    looks = {conditions[0]: USUAL}
    for condition in conditions[1:]:
        mark = MARKS.get(condition.partition(" ")[0], "P")
        looks[condition] = {"color": colours[condition], "marker": mark, "lw": 1.6, "zorder": 3}
    return looks


def _shares(ax: Axes, cells: pd.DataFrame, places: pd.Series, look: dict):
    """The shares of one condition as marks on a line, each with its interval."""
    bars = {"color": look["color"], "elinewidth": 0.9, "alpha": 0.5}
    interval_bars(ax, cells, places, ("share", "share_low", "share_high"), **bars)
    ax.plot(places, cells["share"], ms=8, mec="white", mew=0.8, **look)


def _powers_of_ten(ax: Axes, shown: pd.Series):
    """An axis of logarithms from above 1 to far below any float; fewer weights to the right."""
    ax.set_xscale("symlog", linthresh=1, linscale=0.5)
    ax.xaxis.set_major_locator(FixedLocator([-n for n in TICKS] + [0, 1]))
    ax.xaxis.set_minor_locator(FixedLocator([]))
    ax.xaxis.set_major_formatter(FuncFormatter(_power))
    if len(shown):
        ax.set_xlim(shown.max() + 0.3, 1.3 * min(shown.min(), -1))


def _power(exponent: float, _) -> str:
    """A power of ten as people write it."""
    return {0: "1", 1: "10"}.get(round(exponent), f"$10^{{{round(exponent)}}}$")
