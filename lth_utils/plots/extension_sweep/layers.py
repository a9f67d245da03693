"""Notebook 03: which layers separate first, beside what chance alone draws."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lth_utils.plots.beside import null_handles, null_line
from lth_utils.plots.marks import BELOW, HOLLOW, integer_ticks, line_with_band, panel_title
from lth_utils.plots.style import panels, shades, styled
from lth_utils.plots.titles import figure_title, runs_and_draws

DIRECTIONS = ("outputs", "inputs")


@styled
def layer_separation(shares: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Share of decided neurons per layer over the prunings, from the outputs and from the inputs.

    Args:
        shares: columns ``kind`` (``run``, or the null ``counts`` or ``degrees``), ``layer`` (0: the
            inputs), ``level``, ``decided_outputs`` and ``decided_inputs``, each with ``_low`` and
            ``_high``; ``runs, draws``; of three-layer networks of one size.
        theirs: ``studies.reference.reference("layer_separation")``, one run.

    Returns:
        A figure with one row per direction and one panel per layer: our mean with its interval
        over the draws, the nulls in grey, the thesis' run as hollow black dots.
    """
    last = int(shares["layer"].max())
    names = {0: "input", last: "output"}
    names |= {layer: f"hidden-{layer}" for layer in range(1, last)}
    colours = shades(range(last + 1))
    figure, axes = panels(2, last, (12, 7.6))
    for row, direction in zip(axes, DIRECTIONS, strict=True):
        start = last if direction == "outputs" else 0  # where every neuron is decided
        layers = [layer for layer in range(last + 1) if layer != start]
        for ax, layer in zip(row, layers, strict=True):
            rows = shares[shares["layer"] == layer].sort_values("level")
            _layer(ax, rows, f"decided_{direction}", colours[layer])
            given = theirs[(theirs["view_from"] == direction) & (theirs["layer"] == names[layer])]
            ax.scatter(given["prunings_done"], given["share_decided"], s=24, zorder=5, **HOLLOW)
            panel_title(ax, names[layer].replace("-", " layer "))
        row[0].set_ylabel(f"share of neurons decided,\nseen from the {direction}")
    figure_title(figure, _order(shares, last))
    figure.legend(handles=_handles(shares, colours[last - 1]), ncols=2, **BELOW)
    return figure


def _layer(ax: Axes, rows: pd.DataFrame, column: str, colour: tuple):
    """One layer seen from one side."""
    for kind, of_kind in rows.groupby("kind"):
        if kind == "run":
            values = (column, f"{column}_low", f"{column}_high")
            line_with_band(ax, of_kind, "level", values, colour, lw=3)
        else:
            null_line(ax, of_kind["level"], of_kind[column], kind)
    integer_ticks(ax)
    ax.set(xlabel="prunings done", ylabel="", ylim=(-0.04, 1.04))
    if not ax.get_subplotspec().is_first_col():
        ax.set_yticklabels([])


def _order(shares: pd.DataFrame, last: int) -> str:
    """After how many prunings half of the last and the first layer are decided, beside chance."""
    text = (
        "Prunings until half of the neurons are decided, seen from the outputs: last hidden layer"
    )
    text += " {}, inputs {}".format(*_half_decided(shares[shares["kind"] == "run"], last))
    chance = shares[shares["kind"] == "counts"]
    if len(chance):
        text += "; in random masks {} and {}".format(*_half_decided(chance, last))
    return text


def _half_decided(rows: pd.DataFrame, last: int) -> list[str]:
    """When half of the last hidden layer and of the inputs are decided, seen from the outputs."""
    words = []
    for layer in (last - 1, 0):
        half = rows[(rows["layer"] == layer) & (rows["decided_outputs"] >= 0.5)]
        words.append(str(half["level"].min()) if len(half) else "never")
    return words


def _handles(shares: pd.DataFrame, colour: tuple) -> list[Line2D]:
    """What lines, bands and marks are."""
    ours = shares[shares["kind"] == "run"]
    label = f"ours: mean of {runs_and_draws(ours)},\n"
    label += "band: 95 % interval over draws, if enough (one draw: over its runs)"
    handles = [Line2D([], [], lw=3, color=colour, label=label), *null_handles(shares["kind"])]
    hollow = {"ls": "", "marker": "o", "color": "black", "mfc": "none", "ms": 5}
    return [*handles, Line2D([], [], label="the thesis, one run", **hollow)]
