"""Notebook 02: which pixels the remaining weights leave."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch, Rectangle

from lth_utils.plots.marks import AS_GIVEN, BELOW, integer_ticks
from lth_utils.plots.style import TASK_COLOURS, panels, styled
from lth_utils.plots.titles import figure_title

NETWORK_COLOURS = {"mnist": TASK_COLOURS[0], "fashion": TASK_COLOURS[1]}
"""Networks of one task have its colour, others are black."""


BORDER = 3 / 28
"""Width of the border of an image, as a share of its side."""


@styled
def input_connectivity(
    degrees: pd.DataFrame, theirs: pd.DataFrame, levels: Sequence[int] = (1, 4, 7, 11, 15, 17)
) -> Figure:
    """Active outgoing weights of every pixel at several levels, on one scale per network.

    Args:
        degrees: as ``studies.mnist_fashion.pixels``.
        theirs: ``studies.reference.reference("input_connectivity")``; its counts of pixels stand
            in brackets where networks have as many inputs.
        levels: one column each; a network that stopped before one of them shows its last level
            there, once.

    Returns:
        A figure with one row per network. Pixels without a weight are white.
    """
    networks = dict(list(degrees.groupby("network", sort=False)))
    heights = [2.1 * _images_per_example(rows) + 1.0 for rows in networks.values()]
    shown = {name: _levels_of(rows, levels) for name, rows in networks.items()}
    columns = max(map(len, shown.values()))
    figure, axes = plt.subplots(
        len(networks),
        columns,
        figsize=(2.3 * columns + 1.2, sum(heights) + 1.1),
        squeeze=False,
        layout="constrained",
        height_ratios=heights,
    )
    bracketed, ends = False, []
    for row, (network, rows) in zip(axes, networks.items(), strict=True):
        name = network.replace("_", " beside ")
        row[0].set_ylabel(name, fontsize=15)
        pixels = _their_pixels(theirs, network, rows["pixel"].nunique())
        _network(row, rows, shown[network], pixels)
        bracketed |= any(level in pixels.index for level in shown[network])
        ends.append(f"{name} {_border_and_centre(rows, shown[network][-1])}")
    brackets = "; in brackets: the thesis" if bracketed else ""
    words = "Pixels that keep a weight at the last level shown, border / rest: "
    figure_title(figure, words + ", ".join(ends))
    side = _side(next(iter(networks.values())))
    note = f"one network each; border: the outer {_border(side)} of {side} pixels; "
    note += f"numbers: active weights, and pixels with a weight{brackets}"
    figure.supxlabel(note, fontsize=12)
    return figure


def _levels_of(rows: pd.DataFrame, levels: Sequence[int]) -> list[int]:
    """The levels that are drawn of a network: those asked for, and where it stopped before one."""
    last = int(rows["level"].max())
    found = [level for level in levels if level <= last]
    if len(found) < len(levels) and last not in found:
        found.append(last)
    return found


def _their_pixels(theirs: pd.DataFrame, network: str, inputs: int) -> pd.Series:
    """The thesis' counts of pixels by level, for networks of as many inputs."""
    given = theirs[(theirs["dataset"] == network) & (theirs["inputs"] == inputs)]
    return given.set_index("pruning_level")["inputs_connected"]


def _network(row: np.ndarray, rows: pd.DataFrame, levels: list[int], theirs: pd.Series):
    """One network at several levels, and the one colour bar of all of them."""
    at_level = dict(list(rows.sort_values("pixel").groupby("level")))
    images = _images_per_example(rows)
    largest = max(2, max(at_level[level]["active"].max() for level in levels))
    scale = LogNorm(1, largest)
    for ax in row:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    for ax, level in zip(row, levels, strict=False):
        drawn = _degrees(ax, at_level[level]["active"].to_numpy(), images, scale)
        ax.set_title(_caption(level, at_level, theirs.get(level)), fontsize=11.5)
    bar = row[0].figure.colorbar(drawn, ax=list(row), shrink=0.8, pad=0.01)
    bar.set_label("active weights\nof a pixel", fontsize=11)


def _images_per_example(rows: pd.DataFrame) -> int:
    """1 if the pixels of a network make one square, else 2."""
    pixels = rows["pixel"].nunique()
    return 1 if math.isqrt(pixels) ** 2 == pixels else 2


def _side(rows: pd.DataFrame) -> int:
    """Pixels per side of an image."""
    return math.isqrt(rows["pixel"].nunique() // _images_per_example(rows))


def _border(side: int) -> int:
    """Pixels of the border's width."""
    return max(1, round(BORDER * side))


def _degrees(ax: Axes, counts: np.ndarray, images: int, scale: LogNorm) -> AxesImage:
    """The counts of all pixels, one image above the other, each in a frame."""
    side = math.isqrt(len(counts) // images)
    parts = counts.reshape(images, side, side).astype(float)
    padded = np.pad(parts, ((0, 0), (0, 1), (0, 0)), constant_values=np.nan)[:, : side + 1]
    values = padded.reshape(-1, side)[:-1]
    shown = ax.imshow(np.ma.masked_less(values, 1), cmap="viridis", norm=scale)
    for number in range(images):
        corner = (-0.5, number * (side + 1) - 0.5)
        ax.add_patch(Rectangle(corner, side, side, fill=False, edgecolor="#BBBBBB", lw=0.8))
    return shown


def _border_and_centre(rows: pd.DataFrame, level: int) -> str:
    """The shares of the pixels of the border, and of the others, that keep a weight."""
    at = rows[rows["level"] == level].sort_values("pixel")
    images, side = _images_per_example(rows), _side(rows)
    width = _border(side)
    border = np.ones((side, side), bool)
    border[width:-width, width:-width] = False
    kept = (at["active"].to_numpy() > 0).reshape(images, side, side)
    return f"{kept[:, border].mean():.0%} / {kept[:, ~border].mean():.0%}"


def _caption(level: int, at_level: dict[int, pd.DataFrame], theirs: float | None) -> str:
    """Weights and pixels that are left, in numbers."""
    rows = at_level[level]
    active, pixels = rows["active"].sum(), (rows["available"] > 0).sum()
    brackets = "" if theirs is None else f" ({theirs:.0f})"
    last = ", its last" if level == max(at_level) else ""
    return f"level {level}{last}\n{active} weights\n{pixels}{brackets} pixels"


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
