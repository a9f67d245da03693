"""Notebook 03: which layers separate and which are lost as pruning goes on."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lth_utils.plots.marks import AS_GIVEN, BELOW, from_to, integer_ticks, panel_title
from lth_utils.plots.style import DASHES, panels, shades, styled


@styled
def layer_separation(layers: pd.DataFrame, theirs: pd.DataFrame) -> Figure:
    """Share of decided neurons per layer over the prunings, from the outputs and from the inputs.

    Args:
        layers: as ``studies.extension_sweep.layers``, of separated three-layer runs.
        theirs: ``studies.reference.reference("layer_separation")``, one run.

    Returns:
        A figure with one panel per direction: means, and the middle 80 % of the runs.
    """
    last = int(layers["layer"].max())
    names = ["input", *(f"hidden-{n}" for n in range(1, last)), "output"]
    layers = layers.assign(name=layers["layer"].map(dict(enumerate(names))))
    colours = shades(names)
    runs = layers["run"].nunique()
    figure, axes = panels(1, 2, (15, 6.8))
    for ax, direction in zip(axes[0], ("outputs", "inputs"), strict=True):
        start = direction.removesuffix("s")  # where every neuron is decided
        rows = layers[layers["name"] != start]
        hues = {"hue": "name", "palette": colours, "legend": False, "ax": ax}
        band = {"errorbar": ("pi", 80), "err_kws": {"alpha": 0.15, "lw": 0}}
        sns.lineplot(rows, x="level", y=f"decided_{direction}", lw=3, **band, **hues)
        given = theirs[(theirs["view_from"] == direction) & (theirs["layer"] != start)]
        given = given[given["layer"].isin(names)].assign(name=given["layer"])
        dashed = {"lw": 1.4, "linestyle": DASHES, "marker": ".", "mew": 0, **AS_GIVEN, **hues}
        sns.lineplot(given, x="prunings_done", y="share_decided", **dashed)
        integer_ticks(ax)
        ylabel = f"share of neurons decided, seen from the {direction}"
        ax.set(xlabel="prunings done", ylabel=ylabel, ylim=(-0.03, 1.03))
        panel_title(ax, f"seen from the {direction} (ours: {runs} run{'s' * (runs > 1)})")
    handles = []
    for name, shade in colours.items():
        handles.append(Line2D([], [], color=shade, lw=3, label=name))
    ours = {"color": "black", "lw": 3, "label": "ours: mean, band: the middle 80 % of the runs"}
    thesis = {"color": "black", "lw": 1.4, "ls": DASHES, "marker": "."}
    handles.append(Line2D([], [], **ours))
    handles.append(Line2D([], [], label="the thesis, one run", **thesis))
    figure.legend(handles=handles, ncols=4, **BELOW)
    return figure


@styled
def which_layer_is_lost(
    layers: pd.DataFrame, chosen: tuple[int, ...] = (5, 8, 11, 14, 16)
) -> Figure:
    """One-layer networks: what is left of each layer and what of it is active, as pruning goes on.

    Args:
        layers: as ``studies.extension_sweep.layers`` with a column ``extension``.
        chosen: extension levels to draw; all, if none of them occurs.

    Returns:
        A figure with three panels, means over the runs.
    """
    present = sorted(set(layers["extension"]))
    colours = shades([e for e in chosen if e in present] or present)
    shown = layers[layers["extension"].isin(colours)]
    means = shown.groupby(["extension", "level", "layer"])[["available", "active"]].mean()
    of_layer = means.unstack("layer")
    available, active = of_layer["available"], of_layer["active"]
    titles = {
        "share of the available weights\nthat leave the inputs": available[0]
        / available.sum(axis=1),
        "available weights into the outputs": available[1],
        "active weights": active[0] + active[1],
    }
    table = pd.DataFrame(titles).assign(available=available[0] + available[1]).reset_index()
    figure, axes = panels(1, 3, (18, 5.6))
    for ax, title in zip(axes[0], titles, strict=True):
        line = {"hue": "extension", "palette": colours, "marker": ".", "mew": 0, "lw": 2}
        sns.lineplot(table, x="available", y=title, ax=ax, **line, **AS_GIVEN)
        ax.set(xscale="log", xlabel="available weights")
        ax.invert_xaxis()
    axes[0, 1].set_yscale("log")
    axes[0, 2].set_yscale("log")
    handles = []
    for level, shade in colours.items():
        handles.append(Line2D([], [], color=shade, lw=3, label=f"extension level {level}"))
    runs = from_to(shown.groupby("extension")["run"].nunique())
    figure.legend(handles=handles, title=f"means of {runs} runs each", ncols=len(handles), **BELOW)
    return figure
