"""The look of all figures: one palette with one meaning per colour, and one style sheet.

Readable with the common colour-vision deficiencies (Okabe and Ito 2008 for states and statuses, Tol
2021 for tasks), which ``tests/test_palette.py`` measures. Numbers that the thesis reports
("theirs") are hollow black marks beside our filled and coloured ones.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure, SubFigure

STATE_COLOURS = {
    "pruned": "#BBBBBB",
    "active": "#0072B2",
    "inactive": "#E69F00",
    "zombie": "#CC79A7",
}

STATUS_COLOURS = {
    "interconnected": "#56B4E9",
    "separated": "#009E73",
    "fragmented": "#999999",
    "degraded": "#D55E00",
}

OUTCOME_COLOURS = STATUS_COLOURS | {"separated-degraded": STATUS_COLOURS["separated"]}
"""By outcome; separated-degraded is also hatched or edged in the colour of degraded."""

TASK_COLOURS = ("#332288", "#997700", "#882255", "#117733", "#444444", "#6699CC")

TRIAL_COLOURS = {
    "full": "#000000",
    "ticket": "#4477AA",
    "resampled": "#EE6677",
    "remasked": "#AA7700",
    "fresh": "#228833",
    "signs": "#AA3377",
    "one-shot": "#66CCEE",
    "random": "#A0A0A0",
}
"""By variant of a ticket; ``ticket`` is what iterative pruning finds."""

NULL_COLOUR = "#666666"
"""What chance alone draws."""

DASHES = (0, (4, 2))

THEIRS = {"facecolor": "none", "linewidth": 1.6, "linestyle": DASHES}
"""Outlines of the ranges that the thesis reports."""

STYLE = {
    "font.size": 13,
    "axes.titlesize": 14,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.dpi": 100,
    "svg.fonttype": "path",
    "axes.titlelocation": "left",
    "svg.hashsalt": "lth_utils",
}


_target: ContextVar[tuple[SubFigure, dict] | None] = ContextVar("target", default=None)


@contextlib.contextmanager
def drawing_into(subfigure: SubFigure, style: dict | None = None) -> Iterator[SubFigure]:
    """Within this context the functions of ``plots`` draw into a part of a larger figure.

    Args:
        subfigure: empty; what the functions return instead of a figure of their own.
        style: entries of the style sheet that are changed.
    """
    # a subfigure lacks these two, which titles that are wrapped ask for
    subfigure.get_figwidth = lambda: subfigure.bbox.width / subfigure.dpi
    subfigure.get_figheight = lambda: subfigure.bbox.height / subfigure.dpi
    looks = STYLE | (style or {})
    token = _target.set((subfigure, looks))
    try:
        with mpl.rc_context(looks):
            yield subfigure
    finally:
        _target.reset(token)


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Let a function draw in this style and close its figure, so a notebook shows it only once."""

    @functools.wraps(draw)
    def drawn(*args, **options):
        target = _target.get()
        with mpl.rc_context(STYLE if target is None else target[1]):
            figure = draw(*args, **options)
        if target is None:
            plt.close(figure)
        return figure

    return drawn


def blank(size: tuple[float, float]) -> Figure | SubFigure:
    """A new figure without panels, or the part of a figure that is drawn into.

    Args:
        size: width and height of the figure, inches.
    """
    target = _target.get()
    return plt.figure(figsize=size, layout="constrained") if target is None else target[0]


def panels(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, np.ndarray]:
    """A new figure with a grid of panels.

    Args:
        size: width and height of the figure, inches.

    Returns:
        The figure, and its axes as an array ``[rows, columns]``.
    """
    figure = blank(size)
    return figure, figure.subplots(rows, columns, squeeze=False)


def tint(colour: str, share: float) -> tuple:
    """A colour mixed with white; share 1 is the colour itself."""
    return tuple(1 - share * (1 - np.array(mpl.colors.to_rgb(colour))))


def variant_colour(name: str) -> str:
    """The colour of a variant or method, by the first word of its name."""
    first = name.partition(",")[0].partition(" ")[0]
    return TRIAL_COLOURS["ticket" if first == "iterative" else first]


def shades(values: Sequence, palette: str = "viridis") -> dict:
    """A colour for each of several ordered values, such as extension levels, from dark to light."""
    return dict(zip(values, sns.color_palette(palette, len(values)), strict=True))
