"""Notebook 03: how many networks separate and how many degrade, by extension level."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth_utils.plots.beside import counts_below
from lth_utils.plots.marks import (
    BELOW,
    NAMES,
    families_in,
    line_with_band,
)
from lth_utils.plots.style import STATUS_COLOURS, panels, styled
from lth_utils.plots.theirs import their_marks
from lth_utils.plots.titles import draws_of, figure_title, panel_finding, spans

SHARES = {
    "separated": (("share", "share_low", "share_high"), "o", -0.06, 0.16),
    "degraded": (("lost", "lost_low", "lost_high"), "s", 0.06, 0.3),
}
"""By what became of the runs: columns of the share and its interval, mark, place of ours, theirs"""

BAND = "band: 95 % interval, the draw a random factor where there are several"


@styled
def outcomes(levels: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Shares of runs that ever separated and ever degraded, one panel per family of networks.

    Args:
        levels: as ``studies.extension_sweep.shares_by_level``.
        theirs: as ``studies.extension_sweep.their_shares``.

    Returns:
        A figure with one panel per family, from top to bottom; the numbers of runs and of draws
        of the data stand below the levels.
    """
    networks = families_in(levels)
    figure, axes = panels(len(networks), 1, (11, 4.2 * len(networks) + 0.8))
    for ax, network in zip(axes[:, 0], networks, strict=True):
        ours = _of(levels, network)
        _shares(ax, ours, _of(theirs, network), SHARES)
        said = [f"{word} at levels {_half(ours, word)}" for word in SHARES]
        text = f"{NAMES[network]}: at least half of our runs ever {', '.join(said)}"
        panel_finding(ax, text, 10)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), ncols=2, title=BAND, **BELOW)
    return figure


@styled
def split_count(levels: pd.DataFrame, theirs: pd.DataFrame, network: str = "2") -> Figure:
    """How many networks of one family ever separated, by extension level.

    Args:
        levels: as ``studies.extension_sweep.shares_by_level``.
        theirs: as ``studies.extension_sweep.their_shares``.
        network: the family.

    Returns:
        A figure with one panel: shares with their intervals, and below the levels the counts.
    """
    ours = _of(levels, network)
    figure, axes = panels(1, 1, (11, 5.8))
    ax = axes[0, 0]
    _shares(ax, ours, _of(theirs, network), {"separated": SHARES["separated"]})
    separated = (ours["share"] * ours["runs"]).sum()
    text = f"{NAMES[network]}: none of {ours['runs'].sum():,} networks separated"
    if separated:
        first = ours.loc[ours["share"] > 0, "extension"].min()
        text = f"Networks of {NAMES[network]} separate from extension level {first} on, at least "
        text += f"half of them at levels {_half(ours, 'separated')}"
    figure_title(figure, text)
    figure.legend(*ax.get_legend_handles_labels(), ncols=2, title=BAND, **BELOW)
    return figure


def _of(table: pd.DataFrame, network: str) -> pd.DataFrame:
    """The rows of a family in the order of the extension levels."""
    return table[table["network"] == network].sort_values("extension")


def _half(ours: pd.DataFrame, word: str) -> str:
    """The levels at which at least half of the runs came to this, in words."""
    column = SHARES[word][0][0]
    return spans(ours.loc[ours[column] >= 0.5, "extension"])


def _shares(ax: Axes, ours: pd.DataFrame, theirs: pd.DataFrame, shown: dict):
    """Curves with bands, theirs beside them, the numbers of runs below."""
    theirs = theirs[theirs["extension"].isin(ours["extension"])]
    for word, (values, marker, left, right) in shown.items():
        line = {"marker": marker, "ms": 8, "mew": 0, "lw": 2, "label": f"ever {word}, ours"}
        place = ours.assign(place=ours["extension"] + left)
        line_with_band(ax, place, "place", values, STATUS_COLOURS[word], **line)
        look = {"marker": marker, "label": f"ever {word}, the thesis, 95 % interval"}
        their_marks(ax, theirs["extension"] + right, *(theirs[name] for name in values), **look)
    given = theirs.set_index("extension")["runs"].to_dict()
    rows = {"level": ours["extension"], "runs": ours["runs"], "draws": draws_of(ours)}
    rows["thesis"] = [given.get(level, "–") for level in ours["extension"]]
    counts_below(ax, list(ours["extension"]), rows)
    ends = ours["extension"].min() - 0.6, ours["extension"].max() + 0.7
    ax.set(ylim=(-0.03, 1.03), xlim=ends, ylabel="share of the runs", xlabel="extension level")
