"""Graded structure level by level, and whether it announces a separation levels ahead."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth_utils.plots.marks import (
    from_to,
    integer_ticks,
    interval_bars,
    line_with_band,
    panel_title,
)
from lth_utils.plots.style import DASHES, NULL_COLOUR, STATUS_COLOURS, panels, styled
from lth_utils.plots.titles import figure_title

GROUPS = {
    "of the active graph": ("lambda2", "n_cut", "modularity", "purity", "block_share"),
    "against random masks": ("lambda2_z_counts", "lambda2_z_degrees", "block_share_z_degrees"),
    "known without it": ("decided", "active", "loss"),
}
"""The measures of each panel."""

NAMES = {
    "lambda2": "λ₂ of the Laplacian",
    "n_cut": "normalised cut",
    "modularity": "modularity (Louvain)",
    "purity": "task purity of the cut",
    "block_share": "paths within tasks",
    "lambda2_z_counts": "λ₂, Z, same counts",
    "lambda2_z_degrees": "λ₂, Z, same degrees",
    "block_share_z_degrees": "paths within tasks, Z, same degrees",
    "decided": "task-specific units",
    "active": "active weights",
    "loss": "test loss",
}

LOOKS = (
    ("#0072B2", "o"),
    ("#D55E00", "s"),
    ("#009E73", "^"),
    ("#CC79A7", "D"),
    ("#000000", "v"),
)
"""A colour and a mark for each measure of a panel (Okabe and Ito 2008)."""


CURVES = {
    "separates later": {"colour": STATUS_COLOURS["separated"]},
    "never separates": {"colour": STATUS_COLOURS["interconnected"]},
    "same counts": {"colour": NULL_COLOUR, "linestyle": DASHES},
    "same degrees": {"colour": NULL_COLOUR, "linestyle": ":"},
}
"""The look of each group of ``studies.graded_curves``."""

FEWEST_DRAWS = 5
"""Draws that a mean must be of to be spoken of, as in ``studies.statistics``."""


@styled
def graded_curves(table: pd.DataFrame, name: str) -> Figure:
    """Graded measures over the pruning levels: runs that separate, others, and random masks.

    Args:
        table: as ``studies.graded_curves.graded_curves``.
        name: which networks they are.

    Returns:
        A figure with a panel for each of λ₂, the normalised cut, modularity and the block share;
        bands are 95 % intervals over the draws of the points.
    """
    names = [measure for measure in GROUPS["of the active graph"] if measure != "purity"]
    figure, axes = panels(1, len(names), (17, 5.6))
    for ax, measure in zip(axes[0], names, strict=True):
        for group, look in CURVES.items():
            own = (table["measure"] == measure) & (table["group"] == group)
            rows = table[own].dropna(subset="value").sort_values("level")
            runs = table.loc[own, "runs"]
            label = f"{group} ({from_to(runs)} runs)" if "separates" in group else None
            label = label or f"random masks, {group}"
            columns = ("value", "value_low", "value_high")
            if len(rows):
                line_with_band(ax, rows, "level", columns, lw=2, label=label, **look)
        ax.set(xlabel="pruning level", ylabel="")
        integer_ticks(ax)
        panel_title(ax, NAMES[measure])
    axes[0, 0].legend(loc="upper right", fontsize=11)
    figure_title(figure, f"{name}: {_against_chance(table)}")
    figure.supxlabel(
        f"lines: means over {from_to(table['draws'])} draws of the points; bands: 95 % interval "
        f"over the draws, where there are {FEWEST_DRAWS} or more",
        fontsize=11,
    )
    return figure


def _against_chance(table: pd.DataFrame) -> str:
    """How λ₂ of networks and of random masks compare at the last level that has all of them."""
    of = table[table["measure"] == "lambda2"].dropna(subset="value")
    of = of.pivot(index="level", columns="group", values="value")
    if "never separates" not in of or "same degrees" not in of:
        return "graded structure, level by level"
    of = of.dropna(subset=["never separates", "same degrees"])
    last = of.iloc[-1]
    return (
        f"at level {of.index[-1]}, λ₂ of networks that never separate is "
        f"{last['never separates']:.3f}, of random masks with the same degrees "
        f"{last['same degrees']:.3f}"
    )


@styled
def announced(table: pd.DataFrame) -> Figure:
    """How well each measure tells, levels ahead, runs that will separate from those that never do.

    Args:
        table: as ``studies.graded_structure.announcements``, of one group of runs.

    Returns:
        A figure with a panel for each group of measures; bars are 95 % intervals over the draws of
        the points.
    """
    known = table.dropna(subset="auc")
    figure, axes = panels(1, len(GROUPS), (16, 6.4))
    for ax, (title, names) in zip(axes[0], GROUPS.items(), strict=True):
        shown = [name for name in names if name in set(known["measure"])]
        for place, (name, look) in enumerate(zip(shown, LOOKS, strict=False)):
            rows = known[known["measure"] == name].sort_values("horizon")
            _line(ax, rows, 0.09 * (place - (len(shown) - 1) / 2), look, NAMES[name])
        ax.axhline(0.5, color=NULL_COLOUR, linestyle=DASHES, lw=1)
        ax.set(
            ylim=(0.25, 1.34),
            yticks=np.arange(3, 11) / 10,
            xlabel="levels before the separation",
            ylabel="",
        )
        ax.invert_xaxis()
        integer_ticks(ax)
        panel_title(ax, title)
        if shown:
            ax.legend(loc="upper left", fontsize=10)
    axes[0, 0].set_ylabel("chance to rank a pair of runs rightly")
    figure_title(figure, _finding(known))
    runs = known.groupby("horizon")["separating"].max()
    figure.supxlabel(
        f"{from_to(runs)} runs that separate per horizon, each beside those of its size and draw "
        f"that never do; {from_to(known['draws'])} draws of the points; bars: 95 % interval over "
        "the draws; dashed: a guess",
        fontsize=11,
    )
    return figure


def _line(ax: Axes, rows: pd.DataFrame, shift: float, look: tuple[str, str], name: str):
    """One measure over the horizon."""
    colour, mark = look
    place = rows["horizon"] + shift
    interval_bars(ax, rows, place, ("auc", "auc_low", "auc_high"), color=colour, elinewidth=1)
    ax.plot(place, rows["auc"], color=colour, marker=mark, ms=7, mec="white", label=name)


def _finding(table: pd.DataFrame) -> str:
    """How far ahead the measure of the graph that does best one level ahead beats a guess."""
    graph = table[~table["measure"].isin(GROUPS["known without it"])]
    nearest = graph[graph["horizon"] == 1].dropna(subset="auc_low")
    if nearest.empty:
        return "Too few runs separate beside others that never do"
    best = nearest.loc[nearest["auc_low"].idxmax(), "measure"]
    rows = graph[graph["measure"] == best].set_index("horizon").sort_index()
    # where all draws say the same, there is no interval
    alike = rows["auc"].where(rows["draws"] >= FEWEST_DRAWS)
    beats = rows["auc_low"].fillna(alike) > 0.5
    far = int(beats.cumprod().sum())
    value = f"{NAMES[best]}: {rows['auc'].iloc[0]:.2f}"
    if not far:
        return (
            f"Graded structure does not announce a separation, not even one level ahead ({value})"
        )
    ahead = "one level" if far == 1 else f"{far} levels"
    words = f"Graded structure announces a separation {ahead} ahead ({value})"
    if far < len(rows):
        words += f", not {far + 1} levels ahead ({rows['auc'].iloc[far]:.2f})"
    return words
