"""Does graded structure announce a separation levels ahead?"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth_utils.plots.marks import from_to, integer_ticks, interval_bars, panel_title
from lth_utils.plots.style import DASHES, NULL_COLOUR, panels, styled
from lth_utils.plots.titles import finding

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

FAR = 3
"""The title speaks of one level ahead and of so many."""


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
        ax.legend(loc="lower left", fontsize=11)
    axes[0, 0].set_ylabel("chance to rank a pair of runs rightly")
    finding(figure, _finding(known))
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
    """What the figure shows, of the best measure of the graph at two horizons."""
    graph = table[~table["measure"].isin(GROUPS["known without it"])]
    words = []
    for horizon in (1, FAR):
        rows = graph[graph["horizon"] == horizon]
        if rows.empty:
            continue
        best = rows.loc[rows["auc"].idxmax()]
        ahead = "one level" if horizon == 1 else f"{horizon} levels"
        words.append(f"{ahead} ahead by {NAMES[best['measure']]} {best['auc']:.2f}")
    if not words:
        return "No run that separates has one beside it that never does"
    return "Runs that will separate, told from those that never do: " + ", ".join(words)
