"""Notebook 06: the weights that survive."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lth_utils.plots.marks import BELOW
from lth_utils.plots.style import TRIAL_COLOURS, panels, styled
from lth_utils.plots.theirs import their_handle, their_marks
from lth_utils.plots.titles import counted, figure_title, span, wrapped
from lth_utils.plots.weight_distributions.variants import DATASETS, rounds_of

HISTOGRAMS = {"initial": "pruned_Dinit", "trained": "pruned_Dn"}
"""The variants that start with weights of each reading, by their names in the paper."""

HISTOGRAM_COLOURS = {
    "initial": TRIAL_COLOURS["ticket"],
    "trained": TRIAL_COLOURS["resampled"],
}


@styled
def weight_histograms(
    found: pd.DataFrame, theirs: pd.DataFrame, moments: pd.DataFrame, trials: int | None = None
) -> Figure:
    """Weights that survive: their initial values, and what they were trained to at last.

    Args:
        found: as ``studies.weight_distributions.histograms`` with columns
            ``network, rounds, reading``.
        theirs: ``studies.reference.reference("weight_distribution_stats")``, of which the quantiles
            of 5 and 95 % are drawn.
        moments: as ``studies.weight_distributions.moments``, for the title.
        trials: over how many the densities are averaged.

    Returns:
        A figure with one panel per network and number of rounds.
    """
    shown = rounds_of(found)
    networks = len({network for network, _ in shown})
    columns = len(shown) // networks
    figure, axes = panels(networks, columns, (6.4 * columns, 4.4 * networks + 1.4))
    for ax, (network, n) in zip(axes.flat, shown, strict=True):
        rows = found[(found["network"] == network) & (found["rounds"] == n)]
        at = moments[(moments["network"] == network) & (moments["rounds"] == n)]
        _histograms(ax, rows)
        start = theirs[(theirs["prune_rounds_n"] == n) & (theirs["epoch"] == 0)]
        _quantiles(ax, start[start["dataset"] == network].set_index("variant"))
        ax.set(xlabel="weight", ylabel="density")
        words = f"{DATASETS.get(network, network)}: {at['weights'].iloc[0]:.0f} weights left after "
        words += counted(int(n), "round") + (f"; {counted(trials, 'trial')}" if trials else "")
        ax.set_title(wrapped(words, 6.0), fontsize=12)
    figure_title(figure, _widened(moments))
    handles = []
    for reading, colour in HISTOGRAM_COLOURS.items():
        meaning = (
            "values they start from" if reading == "initial" else "values they were trained to"
        )
        handles.append(Patch(color=colour, alpha=0.6, label=meaning))
    handles.append(their_handle("theirs: quantiles of 5 and 95 %", whisker=True, ms=7))
    figure.legend(handles=handles, ncols=3, **BELOW)
    return figure


def _widened(moments: pd.DataFrame) -> str:
    """How much wider trained weights spread than the initial ones of the same connections."""
    spread = moments.pivot_table(index=["network", "rounds"], columns="reading", values="std")
    if not {"trained", "initial"} <= set(spread):
        return "The weights that survive"
    ratios = span(spread["trained"] / spread["initial"])
    return f"Training spreads the weights that survive over {ratios} times their initial width"


def _histograms(ax: Axes, rows: pd.DataFrame):
    """The densities of both readings as steps."""
    edges = sorted({*rows["left"], *rows["right"]})
    middle = (rows["left"] + rows["right"]) / 2
    hues = {"hue": "reading", "palette": HISTOGRAM_COLOURS, "legend": False}
    steps = {"bins": edges, "weights": "density", "element": "step", "alpha": 0.2, "lw": 2}
    sns.histplot(rows.assign(middle=middle), x="middle", ax=ax, **hues, **steps)


def _quantiles(ax: Axes, theirs: pd.DataFrame):
    """Where 5 and 95 % of their weights lie, a line above the histograms per reading."""
    top = ax.get_ylim()[1]
    for number, (reading, name) in enumerate(HISTOGRAMS.items()):
        if name not in theirs.index:
            continue
        height = top * (1.06 + 0.1 * number)
        ends = theirs.loc[name, ["q05", "q95"]].to_numpy(float)
        ax.plot(ends, [height] * 2, color="black", lw=1.1)
        their_marks(ax, ends, [height] * 2, ms=7)
        words = {"va": "center", "ha": "left", "fontsize": 11}
        ax.text(ends[1], height, f"   {reading}", **words)
        ax.set_ylim(0, top * 1.28)
