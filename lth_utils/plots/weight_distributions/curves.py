"""Notebook 06: accuracies and losses over the epochs."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lth_utils.plots.marks import BELOW, from_to, integer_ticks
from lth_utils.plots.style import panels, styled, variant_colour
from lth_utils.plots.theirs import their_handle, their_marks
from lth_utils.plots.titles import figure_title, wrapped
from lth_utils.plots.weight_distributions.variants import (
    DATASETS,
    MARKERS,
    MEANINGS,
    THEIRS,
    Notes,
    at_rounds,
    compared,
    first_word,
    rounds_of,
    title,
)

SPIKE = 3
"""A training loss so many times the lowest so far counts as a jump."""


@styled
def training_curves(means: pd.DataFrame, theirs: pd.DataFrame, notes: Notes = None) -> Figure:
    """Accuracy over the epochs of the ticket and of what it is compared with; then the losses.

    Weights that are drawn from trained ones are shown, as in the course project's code; those
    drawn from initial ones, as its text says, are in :func:`summary`.

    Args:
        means: as ``studies.trials.by_epoch`` with columns
            ``network, variant, rounds, available``.
        theirs: ``studies.reference.reference("weight_distribution_curves")``.
        notes: for the titles, by network.

    Returns:
        A figure with a panel of accuracies per network and number of rounds, and one of training
        losses per network.
    """
    shown = means[~means["variant"].str.contains("by layer|, initial")]
    rounds, networks = rounds_of(shown), list(shown["network"].unique())
    columns = max(1, len(rounds) // max(1, len(networks)))
    rows_of_losses = -(-len(networks) // columns)
    rows = len(networks) + rows_of_losses
    figure, axes = panels(rows, columns, (6.6 * columns, 4.4 * rows + 1.6))
    for ax, (network, n) in zip(axes.flat, rounds, strict=False):
        at = at_rounds(shown, network, n)
        _accuracies(ax, at, _their_rows(theirs, network, n))
        ax.set_title(title(at, network, notes, 6.0), fontsize=12)
    losses = list(axes.flat)[len(networks) * columns :]
    for ax in losses[len(networks) :]:
        ax.set_axis_off()
    for ax, network in zip(losses, networks, strict=False):
        n = min(set(shown.loc[shown["network"] == network, "rounds"]) - {0}, default=0)
        at = at_rounds(shown, network, n)
        at = at[at["variant"].isin(("full", "ticket"))]
        _losses(ax, at, _their_rows(theirs, network, n))
    figure_title(figure, compared(shown, "accuracy_mean"))
    figure.legend(handles=_curve_handles(shown), ncols=3, fontsize=12, **BELOW)
    return figure


def _their_rows(theirs: pd.DataFrame, network: str, n: int) -> pd.DataFrame:
    """Their curves of a network, of the variants that are run here."""
    rows = theirs[(theirs["dataset"] == network) & theirs["prune_rounds_n"].isin((0, n))]
    return rows.assign(accuracy=rows["mean_acc_corrected_pct"] / 100)


def _accuracies(ax: Axes, rows: pd.DataFrame, theirs: pd.DataFrame):
    """Accuracies of all variants, the later ones of theirs as hollow marks."""
    low, high = _late_range(rows)
    for name in rows["variant"].unique():
        _curve(ax, rows[rows["variant"] == name], "accuracy")
        given = theirs[theirs["variant"] == THEIRS.get(name)]
        given = given[given["epoch"].between(1, rows["epoch"].max())]
        given = given[given["accuracy"].between(low, high)]
        their_marks(ax, given["epoch"], given["accuracy"], marker=MARKERS[first_word(name)], ms=6.5)
    ax.set(xlabel="epoch", ylabel="accuracy on the test split", ylim=(low, high))


def _losses(ax: Axes, rows: pd.DataFrame, theirs: pd.DataFrame):
    """Training losses of the full network and of the ticket, and how often the former jumps."""
    for name in rows["variant"].unique():
        _curve(ax, rows[rows["variant"] == name], "train_loss", band=True)
        given = theirs[theirs["variant"] == THEIRS.get(name)]
        given = given[given["epoch"].between(1, rows["epoch"].max())]
        marker = {"marker": MARKERS[first_word(name)], "ms": 6.5}
        their_marks(ax, given["epoch"], given["mean_train_loss"], **marker)
    ax.set(xlabel="epoch", ylabel="training loss", yscale="log")
    full = rows[rows["variant"] == "full"].sort_values("epoch")
    jumps = int((full["train_loss_max"] > SPIKE * full["train_loss_max"].cummin()).sum())
    network = rows["network"].iloc[0]
    words = f"{DATASETS.get(network, network)}: in {jumps} of {len(full)} epochs the highest loss "
    words += f"of {from_to(full['trials'])} full networks is above {SPIKE} times its lowest so far"
    ax.set_title(wrapped(words, 6.0), fontsize=12)


def _curve(ax: Axes, rows: pd.DataFrame, measure: str, band: bool = False):
    """The mean of one variant over the epochs, marked at a few of them, and its range."""
    rows = rows.sort_values("epoch")
    name, last = rows["variant"].iloc[0], rows["epoch"].max()
    colour, x = variant_colour(name), rows["epoch"]
    if band:
        low, high = rows[f"{measure}_min"], rows[f"{measure}_max"]
        ax.fill_between(x, low, high, color=colour, alpha=0.2, lw=0)
    look = {"lw": 1.8, "marker": MARKERS.get(first_word(name), "o"), "ms": 5.5, "mew": 0}
    look["markevery"] = (last // 20, max(1, last // 8))
    ax.plot(x, rows[f"{measure}_mean"], color=colour, **look)
    ax.set_xlim(0, last + 1)
    integer_ticks(ax)


def _late_range(rows: pd.DataFrame) -> tuple[float, float]:
    """The accuracies after a quarter of the epochs: the beginning would flatten all differences."""
    late = rows[rows["epoch"] > rows["epoch"].max() / 4]
    low, high = late["accuracy_mean"].min(), late["accuracy_mean"].max()
    margin = high - low
    return max(0, low - 0.15 * margin - 1e-3), high + 0.1 * margin + 1e-3


def _curve_handles(rows: pd.DataFrame) -> list[Line2D | Patch]:
    """The legend of :func:`training_curves`."""
    handles = []
    for name in rows["variant"].unique():
        first = first_word(name)
        label = f"{first}: {MEANINGS[first]}" if first in MEANINGS else name
        look = {"color": variant_colour(name), "marker": MARKERS.get(first, "o"), "lw": 2, "ms": 7}
        handles.append(Line2D([], [], label=label, **look))
    label = "losses: lowest to highest trial"
    handles.append(Patch(color="#777777", alpha=0.3, lw=0, label=label))
    label = "theirs, same markers, corrected"
    handles.append(their_handle(label, ms=7))
    return handles
