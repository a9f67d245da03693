"""Notebook 02: which pixels the remaining weights leave."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lth_utils.plots.marks import AS_GIVEN, BELOW, integer_ticks
from lth_utils.plots.style import TASK_COLOURS, panels, styled

NETWORK_COLOURS = {"mnist": TASK_COLOURS[0], "fashion": TASK_COLOURS[1]}
"""Networks of one task have its colour, others are black."""


@styled
def input_connectivity(
    degrees: pd.DataFrame, theirs: pd.DataFrame, levels: Sequence[int] = (1, 4, 7, 11, 15, 17)
) -> Figure:
    """Active outgoing weights of every pixel at several levels, with counts as captions.

    Args:
        degrees: as ``studies.mnist_fashion.pixels``.
        theirs: ``studies.reference.reference("input_connectivity")``; its counts of pixels stand
            in brackets where networks have as many inputs.
        levels: one column each.

    Returns:
        A figure with one row per network.
    """
    networks = dict(list(degrees.groupby("network", sort=False)))
    heights = [2.1 * _images_per_example(rows) + 1.1 for rows in networks.values()]
    figure, axes = plt.subplots(
        len(networks),
        len(levels),
        figsize=(2.6 * len(levels) + 0.4, sum(heights)),
        squeeze=False,
        layout="constrained",
        height_ratios=heights,
    )
    bracketed = False
    for row, (network, rows) in zip(axes, networks.items(), strict=True):
        row[0].set_ylabel(network.replace("_", " beside "), fontsize=16)
        pixels = _their_pixels(theirs, network, rows["pixel"].nunique())
        bracketed |= _levels(dict(zip(levels, row, strict=True)), rows, pixels)
    brackets = " (in brackets: the thesis)" if bracketed else ""
    title = (
        "active weights that leave each pixel; their sum, and how many pixels have a weight left"
    )
    figure.suptitle(title + brackets, fontsize=15)
    return figure


def _their_pixels(theirs: pd.DataFrame, network: str, inputs: int) -> pd.Series:
    """The thesis' counts of pixels by level, for networks of as many inputs."""
    given = theirs[(theirs["dataset"] == network) & (theirs["inputs"] == inputs)]
    return given.set_index("pruning_level")["inputs_connected"]


def _levels(axes: dict[int, Axes], rows: pd.DataFrame, theirs: pd.Series) -> bool:
    """One network at several levels; tells whether a count of theirs stands beside one of ours."""
    at_level = dict(list(rows.sort_values("pixel").groupby("level")))
    images = _images_per_example(rows)
    bracketed = False
    for level, ax in axes.items():
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        if level not in at_level:
            _stopped(ax, max(at_level))
            continue
        _degrees(ax, at_level[level]["active"].to_numpy(), images)
        ax.set_title(_caption(level, at_level, theirs.get(level)), fontsize=13)
        bracketed |= level in theirs.index
    return bracketed


def _images_per_example(rows: pd.DataFrame) -> int:
    """1 if the pixels of a network make one square, else 2."""
    pixels = rows["pixel"].nunique()
    return 1 if math.isqrt(pixels) ** 2 == pixels else 2


def _stopped(ax: Axes, last: int):
    """Words where a run has no such level."""
    centred = {"ha": "center", "va": "center", "transform": ax.transAxes}
    ax.text(0.5, 0.5, f"stopped at\nlevel {last}", **centred)


def _degrees(ax: Axes, counts: np.ndarray, images: int):
    """The counts of all pixels as one image above the other, and a colour bar."""
    side = math.isqrt(len(counts) // images)
    parts = counts.reshape(images, side, side).astype(float)
    padded = np.pad(parts, ((0, 0), (0, 1), (0, 0)), constant_values=np.nan)
    shown = ax.imshow(padded.reshape(-1, side), cmap="viridis", vmin=0)
    place = {"location": "bottom", "shrink": 0.8, "pad": 0.02}
    ax.figure.colorbar(shown, ax=ax, ticks=[0, int(counts.max())], **place)


def _caption(level: int, at_level: dict[int, pd.DataFrame], theirs: float | None) -> str:
    """Weights and pixels that are left, in numbers."""
    rows, dense = at_level[level], int(at_level[0]["available"].sum())
    active, pixels = rows["active"].sum(), (rows["available"] > 0).sum()
    brackets = "" if theirs is None else f" ({theirs:.0f})"
    return f"level {level}: {active}\n{active / dense:.1%} of dense\n{pixels}{brackets} pixels"


@styled
def pixel_correlation(found: pd.DataFrame) -> Figure:
    """Rank correlation of a pixel's active outgoing weights with its variance over the levels.

    Args:
        found: as ``studies.mnist_fashion.pixel_correlation``.

    Returns:
        A figure with one line per network; grey: the same with weights on random pixels.
    """
    figure, axes = panels(1, 1, (11, 6.6))
    ax = axes[0, 0]
    for (network, rows), marker in zip(found.groupby("network", sort=False), "os^D", strict=False):
        low, high = rows["permuted_low"], rows["permuted_high"]
        ax.fill_between(rows["level"], low, high, color="#999999", alpha=0.25, lw=0)
        look = {"color": NETWORK_COLOURS.get(network, "black"), "marker": marker, "mew": 0}
        look |= {"lw": 2.2, "ms": 7, "label": network.replace("_", " beside ")}
        sns.lineplot(rows, x="level", y="correlation", ax=ax, **look, **AS_GIVEN)
    ax.axhline(0, color="black", lw=0.8)
    handles, _ = ax.get_legend_handles_labels()
    random = "weights on random pixels, 95 %"
    handles.append(Patch(color="#999999", alpha=0.4, label=random))
    figure.legend(handles=handles, ncols=4, **BELOW)
    ax.set(
        xlabel="pruning level",
        ylabel="rank correlation with the pixel's variance",
        ylim=(-0.25, 1),
        yticks=np.arange(-0.2, 1.01, 0.2),
    )
    integer_ticks(ax)
    return figure
