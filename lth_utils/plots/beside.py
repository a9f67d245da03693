"""Marks for what stands beside our runs: chance alone (grey and dashed), and how many runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from lth_utils.plots.style import NULL_COLOUR, tint

FEW = 10
"""Fewer values than this are drawn one by one, not as quantiles."""


def quantile_box(
    ax: Axes,
    ends: tuple[float, float],
    values: Sequence[float],
    colour: str,
    fill: float = 0.55,
    marker: str = "o",
):
    """Median, middle half (filled) and middle 90 % (whiskers) of values; single dots where few.

    Args:
        ends: left and right end of the box on the horizontal axis.
        values: of the runs, any number.
        colour: of the box or the dots.
        fill: how strong the colour of the box is, 0 to 1; one strength per meaning reads in grey.
        marker: of the dots.
    """
    left, right = ends
    middle = float(np.sqrt(left * right)) if ax.get_xscale() == "log" else (left + right) / 2
    if len(values) < FEW:
        dots = {"color": colour, "marker": marker, "ms": 5, "mew": 0, "ls": "", "alpha": 0.75}
        ax.plot(np.full(len(values), middle), values, zorder=3, **dots)
        return
    low, first, median, third, high = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95))
    ax.plot([middle, middle], [low, high], color=colour, lw=1.4, zorder=2, solid_capstyle="butt")
    box = {"facecolor": tint(colour, fill), "edgecolor": colour, "linewidth": 1.0, "zorder": 3}
    ax.add_patch(Rectangle((left, first), right - left, third - first, **box))
    line = {"color": colour, "lw": 3} if fill < 0.8 else {"color": "white", "lw": 1.2}
    ax.plot([left, right], [median, median], zorder=3.5, solid_capstyle="butt", **line)


NULLS = {
    "counts": ("chance: as many weights in each layer", (0, (4, 2))),
    "degrees": ("chance: as many weights at each neuron", (0, (1, 1.2))),
}
"""What chance alone draws, by kind of random mask: its name and its dashes."""


def null_line(ax: Axes, x: Sequence, y: Sequence, kind: str, **options):
    """What chance alone draws: a grey line, by kind of random mask."""
    look = {"color": NULL_COLOUR, "ls": NULLS[kind][1], "lw": 1.8, "zorder": 2.8}
    ax.plot(x, y, **{**look, **options})


def null_handles(kinds: Iterable[str]) -> list[Line2D]:
    """Legend entries for :func:`null_line`: the kinds that occur."""
    present, handles = set(kinds), []
    for kind, (name, dashes) in NULLS.items():
        if kind in present:
            handles.append(Line2D([], [], color=NULL_COLOUR, ls=dashes, lw=1.8, label=name))
    return handles


def plain_log(ax: Axes):
    """A logarithmic vertical axis with whole numbers written out."""
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.yaxis.set_minor_locator(NullLocator())


def counts_below(ax: Axes, places: Sequence[int], rows: dict[str, Sequence]):
    """Numbers in rows below the ticks of the horizontal axis, each row with its name.

    Args:
        places: of the ticks.
        rows: from the name of a row, the first is that of the ticks, to a value per place.
    """
    columns = zip(*rows.values(), strict=True)
    ax.set_xticks(places, ["\n".join(map(str, column)) for column in columns], fontsize=11)
    look = {"ha": "right", "va": "top", "fontsize": 11, "annotation_clip": False}
    start = {"xy": (0, 0), "xycoords": "axes fraction", "textcoords": "offset points"}
    ax.annotate("\n".join(rows), xytext=(-7, -7), **start, **look)
