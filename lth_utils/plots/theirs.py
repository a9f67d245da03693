"""How numbers of the thesis and the other sources look: hollow black marks, thin black whiskers.

One language for all figures. Ours are filled and coloured, so theirs never share a colour.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.path import Path

HOLLOW_MARK = {"marker": "o", "mfc": "white", "mec": "black", "mew": 1.5, "ms": 8, "color": "black"}
"""Of a single value of theirs, as options of ``Axes.plot``."""

WHISKER = {"elinewidth": 1.1, "capsize": 3, "capthick": 1.1}


def exact_share(count: int, runs: int) -> tuple[float, float, float]:
    """A share of a few runs with its exact 95 % interval, which is wide where runs are few.

    Args:
        count: runs of the kind, 0 to `runs`.
        runs: all runs, 1 or more.

    Returns:
        The share, and the lower and upper end.

    Source: Clopper & Pearson 1934.

    >>> [round(value, 3) for value in exact_share(4, 4)]
    [1.0, 0.398, 1.0]
    """
    from scipy.stats import binomtest  # slow to import

    ends = binomtest(count, runs).proportion_ci()
    return count / runs, float(ends.low), float(ends.high)


def their_marks(ax: Axes, x, y, low=None, high=None, **look):
    """Values of theirs, each with a whisker where `low` and `high` are given.

    Args:
        x, y: places.
        low, high: ends of the whiskers.
        look: of the marks, instead of `HOLLOW_MARK`.
    """
    look = HOLLOW_MARK | {"ls": "", "zorder": 6} | look
    if low is None:
        ax.plot(x, y, **look)
        return
    y = np.asarray(y, float)
    spread = np.maximum([y - np.asarray(low), np.asarray(high) - y], 0)
    ax.errorbar(x, y, yerr=spread, **look, **WHISKER)


def their_shares(ax: Axes, x, counts: Sequence[int], runs: Sequence[int], **look):
    """Shares of n runs of theirs with their own exact intervals."""
    shares = [exact_share(int(k), int(n)) for k, n in zip(counts, runs, strict=True)]
    share, low, high = np.transpose(shares) if shares else np.empty((3, 0))
    their_marks(ax, x, share, low, high, **look)


def their_range(ax: Axes, x: float, low: float, high: float, **look):
    """The lowest and the highest value of theirs, joined by a thin line."""
    ax.plot([x, x], [low, high], color="black", lw=1.1, zorder=5)
    their_marks(ax, [x, x] if low != high else [x], [low, high] if low != high else [low], **look)


def their_pies(ax: Axes, x, y, shares: Sequence[float], size: float = 170):
    """Hollow circles filled with black clockwise from the top as far as a share goes.

    Args:
        x, y: places.
        shares: 0 to 1.
        size: points squared.
    """
    ring = {"s": size, "facecolors": "white", "edgecolors": "black", "linewidths": 1.4}
    ax.scatter(x, y, zorder=5, **ring)
    for at_x, at_y, share in zip(x, y, shares, strict=True):
        if share > 0:
            full = share >= 1
            path = Path.unit_circle() if full else Path.wedge(90 - 360 * share, 90)
            ax.scatter([at_x], [at_y], marker=path, s=size, c="black", lw=0, zorder=6)


def their_handle(label: str, whisker: bool = False, **look) -> Line2D:
    """The legend entry of theirs."""
    line = {"ls": "-", "lw": 1.1} if whisker else {"ls": ""}
    return Line2D([], [], label=label, **HOLLOW_MARK | line | look)
