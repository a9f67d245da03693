"""Notebook 03: which layer one-layer networks lose, and what helps."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lth_utils.plots.beside import counts_below
from lth_utils.plots.marks import BELOW, from_to, integer_ticks, interval_bars
from lth_utils.plots.style import STATUS_COLOURS, panels, shades, styled, tint
from lth_utils.plots.theirs import their_marks
from lth_utils.plots.titles import draws_of, figure_title, panel_finding, percent

EARLY = 3
"""After so many prunings, or the last ones if fewer were done, the titles say what is left."""

SHARE = ("share", "share_low", "share_high")


@styled
def which_layer_is_lost(
    layers: pd.DataFrame,
    levels: pd.DataFrame,
    remedy: pd.DataFrame,
    theirs: pd.DataFrame | None = None,
    chosen: tuple[int, ...] = (5, 8, 11, 14, 16),
) -> Figure:
    """One-layer networks: what global pruning takes of each layer, and what layer by layer gives.

    Args:
        layers: as ``studies.extension_sweep.layers`` with a column ``extension``.
        levels: as ``studies.extension_sweep.shares_by_level``, pruned globally; its rows of
            network ``1`` are drawn.
        remedy: as ``studies.extension_sweep.layerwise``, pruned layer by layer.
        theirs: as ``studies.extension_sweep.their_shares``, pruned globally.
        chosen: extension levels whose layers are drawn; all, if none of them occurs.

    Returns:
        A figure with four panels: the share left of the weights into the outputs and of those from
        the inputs, the active weights, and the share of networks that separate either way.
    """
    present = sorted(set(layers["extension"]))
    colours = shades([e for e in chosen if e in present] or present)
    table = _by_run(layers[layers["extension"].isin(colours)])
    figure, axes = panels(2, 2, (12, 10))
    _left(axes[0, 0], table, "outputs_left", colours, "share left")
    _left(axes[0, 1], table, "inputs_left", colours, "share left")
    _left(axes[1, 0], table, "active", colours, "active weights")
    _titles(axes, table)
    _both_ways(axes[1, 1], levels[levels["network"] == "1"], remedy, theirs)
    handles = [
        Line2D([], [], color=shade, lw=3, label=f"level {level}")
        for level, shade in colours.items()
    ]
    runs = from_to(table.groupby("extension")["run"].nunique())
    title = f"lines: mean of {runs} runs per extension level that still go on; band: lowest to "
    figure.legend(handles=handles, ncols=6, title=title + "highest", **BELOW)
    return figure


def _by_run(layers: pd.DataFrame) -> pd.DataFrame:
    """By run and level: the share left of each layer's weights, and the active weights."""
    places = ["extension", "run", "level"]
    of_layer = layers.set_index([*places, "layer"])[["available", "active"]].unstack("layer")
    available = of_layer["available"][[0, 1]]
    start = available.groupby("run").transform("max")
    left = (available / start).rename(columns={0: "inputs_left", 1: "outputs_left"})
    active = of_layer["active"][[0, 1]].sum(axis=1)
    return left.assign(active=active, available=available.sum(axis=1)).reset_index()


def _left(ax: Axes, table: pd.DataFrame, column: str, colours: dict, ylabel: str):
    """One quantity over the prunings, a line per extension level."""
    for extension, shade in colours.items():
        rows = table[table["extension"] == extension]
        values = rows.groupby("level")[column].agg(["mean", "min", "max"]).reset_index()
        ax.fill_between(values["level"], values["min"], values["max"], color=shade, alpha=0.2, lw=0)
        ax.plot(values["level"], values["mean"], color=shade, lw=2.4, marker=".", ms=7, mew=0)
    ax.set(yscale="log", xlabel="prunings done", ylabel=ylabel)
    if column.endswith("left"):
        lowest = table[["outputs_left", "inputs_left"]].min().min()
        ax.set_ylim(0.7 * lowest, 1.3)  # one scale for both layers
    integer_ticks(ax)


def _titles(axes, table: pd.DataFrame):
    """What is left early on of the widest networks, above the panels and the figure."""
    top = table["extension"].max()
    rows = table[table["extension"] == top]
    level = min(EARLY, int(rows["level"].max()))
    means = rows[rows["level"] == level].mean(numeric_only=True)
    outputs, inputs = means["outputs_left"], means["inputs_left"]
    prunings = f"{level} pruning{'s' * (level != 1)}"
    when = f"left after {prunings} at level {top}"
    panel_finding(axes[0, 0], f"weights into the outputs: {percent(outputs)} {when}", 5)
    panel_finding(axes[0, 1], f"weights from the inputs: {percent(inputs)} {when}", 5)
    active, available = means["active"], means["available"]
    text = f"active weights: {active:,.0f} of {available:,.0f} {when}"
    panel_finding(axes[1, 0], text, 5)
    first = "outputs" if outputs < inputs else "inputs"
    text = f"Global pruning takes the weights at the {first} first: after {prunings} of the widest "
    text += f"networks {percent(outputs)} of those into the outputs are left, {percent(inputs)} of "
    figure_title(axes[0, 0].figure, f"{text}those from the inputs")


def _both_ways(ax: Axes, levels: pd.DataFrame, remedy: pd.DataFrame, theirs: pd.DataFrame | None):
    """Share of networks that separated, pruned globally and layer by layer."""
    both = sorted(set(levels["extension"]) & set(remedy["extension"]))
    shown = both or sorted(set(remedy["extension"]))
    green = STATUS_COLOURS["separated"]
    ways = {
        "globally": (levels, "o", tint(green, 0.5), "global"),
        "layer by layer": (remedy, "s", green, "layerwise"),
    }
    rows, said = {"level": shown}, []
    for place, (word, (table, marker, colour, short)) in zip(
        (-0.1, 0.1), ways.items(), strict=True
    ):
        table = table.set_index("extension").reindex(shown).reset_index()
        known = table.dropna(subset=["runs"])
        look = {"fmt": marker, "color": colour, "ms": 9, "lw": 2.2, "mew": 0}
        interval_bars(ax, known, known["extension"] + place, SHARE, label=word, **look)
        draws = draws_of(table)
        rows[f"{short} runs"] = ["–" if pd.isna(n) else int(n) for n in table["runs"]]
        rows["draws" + " " * len(rows)] = ["–" if pd.isna(n) else int(n) for n in draws]
        if len(known):
            last = known.iloc[-1]
            count = round(last["share"] * last["runs"])
            said.append(f"{word} {count} of {last['runs']:.0f}")
    if theirs is not None:
        given = theirs[(theirs["network"] == "1") & theirs["extension"].isin(shown)]
        label = "the thesis, globally"
        their_marks(ax, given["extension"] + 0.3, *(given[name] for name in SHARE), label=label)
    counts_below(ax, shown, rows)
    ax.set(ylim=(-0.03, 1.03), xlim=(shown[0] - 0.6, shown[-1] + 0.6))
    ax.set(xlabel="extension level", ylabel="share ever separated")
    ax.legend(fontsize=11, loc="lower left", title="pruned, 95 % interval")
    panel_finding(ax, f"separated at level {shown[-1]}: {', '.join(said)}", 5)
