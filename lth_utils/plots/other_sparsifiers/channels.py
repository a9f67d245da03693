"""Two images as two channels: which layers of a convolutional network part last."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from lth_utils.plots.marks import BELOW, from_to, line_with_band
from lth_utils.plots.style import panels, shades, styled
from lth_utils.plots.titles import figure_title, wrapped

NAMES = {"tickets": "iterative magnitude pruning", "random": "random pruning"}


@styled
def channel_layers(means: pd.DataFrame, names: list[str], apart: dict[str, tuple]) -> Figure:
    """How task-specific each layer is over the weights left, tickets beside random pruning.

    Args:
        means: as ``studies.other_sparsifiers.layer_means``.
        names: of the layers, inputs first.
        apart: per way how many runs ever separated, of how many.

    Returns:
        A panel per way, a line per layer; bands are 95 % intervals where there are enough runs.
    """
    ways = list(dict.fromkeys(means["way"]))
    figure, axes = panels(1, len(ways), (6.8 * len(ways) + 0.4, 6.4))
    colours = shades(range(len(names)))
    for ax, way in zip(axes[0], ways, strict=True):
        for layer, name in enumerate(names):
            rows = means[(means["way"] == way) & (means["layer"] == layer)]
            values = ("decided", "decided_low", "decided_high")
            label = name if ax is axes[0, 0] else None
            look = {"marker": "osD^vX"[layer % 6], "ms": 6, "mew": 0, "lw": 1.8, "label": label}
            line_with_band(ax, rows, "available", values, colours[layer], **look)
        own = means[means["way"] == way]
        words = f"{NAMES.get(way, way)}: {apart[way][0]} of {apart[way][1]} networks separated; "
        words += f"means of {from_to(own['runs'])}, bands: 95 % intervals"
        ax.set_title(wrapped(words, 6.4), fontsize=12)
        ax.set(xscale="log", xlabel="weights left", ylim=(-0.03, 1.03))
        ax.set_ylabel("task-specific units (of the active ones)")
        ax.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        ax.invert_xaxis()
    figure.legend(ncols=min(6, len(names)), fontsize=12, **BELOW)
    figure_title(figure, _profile(means, names))
    return figure


def _profile(means: pd.DataFrame, names: list[str]) -> str:
    """Which layer is the most and which the least task-specific, mean over all sizes."""
    parts = []
    for way, own in means.groupby("way", sort=False):
        by_layer = own.groupby("layer")["decided"].mean()
        most, least = by_layer.idxmax(), by_layer.idxmin()
        parts.append(
            f"{NAMES.get(way, way)}: {names[most]} part first ({by_layer[most]:.0%} over all "
            f"sizes), {names[least]} last ({by_layer[least]:.0%})"
        )
    return "; ".join(parts).capitalize()
