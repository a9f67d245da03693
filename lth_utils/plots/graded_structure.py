"""Does graded structure announce a separation levels ahead?"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth_utils.plots.marks import from_to, integer_ticks, interval_bars, panel_title
from lth_utils.plots.style import DASHES, NULL_COLOUR, panels, styled
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


FEWEST_DRAWS = 5
"""Draws that a mean must be of to be spoken of, as in ``studies.statistics``."""


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
        ax.set(ylim=(0.25, 1.02), xlabel="levels before the separation", ylabel="")
        ax.invert_xaxis()
        integer_ticks(ax)
        panel_title(ax, title)
        if shown:
            ax.legend(loc="upper left", fontsize=11)
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
