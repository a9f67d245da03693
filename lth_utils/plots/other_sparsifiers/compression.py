"""Direct and effective compression of image networks, and their accuracy at both."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth_utils.plots.marks import BELOW, from_to, interval_bars
from lth_utils.plots.style import panels, styled
from lth_utils.plots.theirs import their_marks, their_shares
from lth_utils.plots.titles import figure_title, wrapped

LOOKS = {
    "tickets": ("#4477AA", "o", "-"),
    "LAMP": ("#66CCEE", "P", "-"),
    "no rewinding": ("#332288", "v", "-"),
    "SNIP": ("#EE6677", "s", "--"),
    "iterative SNIP": ("#AA3377", "D", "--"),
    "GraSP": ("#AA7700", "^", "--"),
    "SynFlow": ("#228833", "X", "-."),
    "magnitude": ("#882255", "*", ":"),
    "random": ("#A0A0A0", "o", ":"),
    "random, uniform": ("#777777", "s", ":"),
    "random, ERK": ("#444444", "D", ":"),
}
"""Colour, marker and line by way; others get black."""

AFTER_TRAINING = [way for way, (_, _, line) in LOOKS.items() if line == "-"]

NEAR = 0.02
"""Two compressions that differ by less are one: levels have whole numbers of weights."""


def _look(way: str) -> tuple[str, str, str]:
    return LOOKS.get(way, ("#000000", "o", "-"))


@styled
def lenet_compression(found: pd.DataFrame) -> Figure:
    """Effective over direct compression at initialisation, and the share of dead networks.

    Args:
        found: as ``studies.other_sparsifiers.compressions``.

    Returns:
        Two panels; ours with 95 % intervals, what was known before hollow and black.
    """
    figure, axes = panels(1, 2, (14, 6.6))
    left, right = axes[0]
    ways = list(dict.fromkeys(found["way"]))
    for place, way in enumerate(ways):
        own, (colour, marker, line) = found[found["way"] == way], _look(way)
        shift = 1.06 ** (place - (len(ways) - 1) / 2)
        alive = own[np.isfinite(own["effective"])]
        top = alive.assign(effective_high=alive["effective_high"].clip(upper=3e5))
        values = ("effective", "effective_low", "effective_high")
        interval_bars(left, top, top["compression"] * shift, values, color=colour, lw=1.6)
        look = {"color": colour, "marker": marker, "ms": 7, "mew": 0, "lw": 1.6, "ls": line}
        left.plot(alive["compression"] * shift, alive["effective"], label=way, **look)
        right.plot(own["compression"] * shift, own["dead"] / own["runs"], **look)
        _known(left, right, own, shift, first=not place)
    ends = [found["compression"].min() / 1.3, found["compression"].max() * 1.3]
    left.plot(ends, ends, color="black", lw=0.8, ls=":")
    words = ("all weights over weights left", "all weights over active weights")
    left.set(xscale="log", yscale="log", xlabel=words[0], ylabel=words[1])
    right.set(xscale="log", xlabel=words[0], ylabel="networks without any path", ylim=(-0.03, 1.03))
    right.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    text = f"median of {from_to(found['runs'])} networks and its 95 % interval; dotted: equal"
    left.set_title(wrapped(text, 6.4), fontsize=12)
    right.set_title(f"{from_to(found['runs'])} networks per mark", fontsize=12)
    figure.legend(ncols=4, fontsize=12, **BELOW)
    figure_title(figure, _gap(found))
    return figure


def _known(left: Axes, right: Axes, own: pd.DataFrame, shift: float, first: bool):
    """What was known before, in both panels; shares with their own exact intervals."""
    given = own.dropna(subset="known_runs")
    alive = given.dropna(subset="known")
    look = {"ms": 10, "mfc": "none"}
    label = {"label": "measured before, with other code"} if first else {}
    their_marks(left, alive["compression"] * shift, alive["known"], **look, **label)
    counts = list(given["known_dead"].astype(int)), list(given["known_runs"].astype(int))
    their_shares(right, given["compression"] * shift, *counts, **look)


def _gap(found: pd.DataFrame) -> str:
    """How far the two compressions are apart, at the size where most is to be seen."""
    sizes = [s for s, own in found.groupby("compression") if np.isfinite(own["effective"]).all()]
    if not sizes:
        return "Direct and effective compression at initialisation"
    size = max(sizes)
    own = found[found["compression"] == size].sort_values("effective")
    least, most = own.iloc[0], own.iloc[-1]
    return (
        f"With one weight in {size} left, one in {least['effective']:,.0f} ({least['way']}) to one "
        f"in {most['effective']:,.0f} ({most['way']}) is on a path"
    )


@styled
def equal_compression(means: pd.DataFrame) -> Figure:
    """Accuracy over direct, and over effective compression.

    Args:
        means: as ``studies.other_sparsifiers.mean_accuracies`` on both axes.

    Returns:
        Two panels; means with 95 % intervals where there are enough runs.
    """
    figure, axes = panels(1, 2, (14, 6.6))
    names = {
        "compression": "all weights over weights left",
        "effective": "all weights over active weights",
    }
    for ax, (axis, words) in zip(axes[0], names.items(), strict=True):
        own = means[means["axis"] == axis]
        for way, rows in own.groupby("way", sort=False):
            colour, marker, line = _look(way)
            known = rows.dropna(subset="accuracy_low")
            values = ("accuracy", "accuracy_low", "accuracy_high")
            interval_bars(ax, known, known["size"], values, color=colour, lw=1.4)
            look = {"color": colour, "marker": marker, "ms": 6, "mew": 0, "lw": 1.8, "ls": line}
            ax.plot(rows["size"], rows["accuracy"], label=way if ax is axes[0, 0] else None, **look)
        ax.set(xscale="log", xlabel=words, ylabel="accuracy on the test split")
        ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    text = f"means of networks from {from_to(means['runs'])} seeds, bars: 95 % intervals"
    axes[0, 0].set_title(wrapped(text, 6.4), fontsize=12)
    axes[0, 1].set_title("the same networks by their active weights", fontsize=12)
    figure.legend(ncols=4, fontsize=12, **BELOW)
    figure_title(figure, _closer(means))
    return figure


def _closer(means: pd.DataFrame, size: float = 100.0) -> str:
    """How far the ways that prune at initialisation are apart at one size on both axes."""
    spreads = []
    for axis in ("compression", "effective"):
        rows = means[(means["axis"] == axis) & np.isclose(means["size"], size, rtol=NEAR)]
        rows = rows[~rows["way"].isin(AFTER_TRAINING)]
        if len(rows) < 2:
            return "Accuracy over direct and over effective compression"
        spreads.append(100 * (rows["accuracy"].max() - rows["accuracy"].min()))
    return (
        f"Pruned at initialisation to one weight in {size:.0f}, networks are {spreads[0]:.0f} "
        f"points apart; with one in {size:.0f} active, {spreads[1]:.0f}"
    )
