"""What keeps a drawing inside its place: lines broken, legends narrowed, labels thinned out."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.text import Text

from lth_utils.plots.marks import BELOW
from lth_utils.publish.poster_sheet import wrapped


def fit(drawn: SubFigure):
    """Break titles and labels, narrow legends, and leave out labels of ticks, to have room.

    Args:
        drawn: a part of a figure whose layout was computed once.
    """
    for ax in drawn.axes:
        width, height = _room(ax)
        for loc in ("left", "center", "right"):
            if ax.get_title(loc=loc):
                look = {"fontsize": ax.title.get_fontsize()}
                ax.set_title(_lines(ax.get_title(loc=loc), width, **look), loc=loc)
        for axis, inches in ((ax.xaxis, width), (ax.yaxis, height)):
            text = axis.get_label_text()
            axis.set_label_text(_lines(text, inches, axis.label.get_fontsize()))
    for legend in list(drawn.legends):
        handles, names = legend.legend_handles, [text.get_text() for text in legend.get_texts()]
        ncols = len(names)
        title, size = legend.get_title().get_text(), legend.get_texts()[0].get_fontsize()
        legend.remove()
        while True:
            look = {
                "ncols": ncols,
                "title": title or None,
                "fontsize": size,
                "frameon": False,
                "handlelength": 1.5,
            }
            legend = drawn.legend(
                handles, names, **look, columnspacing=1.2, handletextpad=0.5, **BELOW
            )
            if ncols == 1 or legend.get_window_extent().width <= drawn.bbox.width:
                break
            legend.remove()
            ncols -= 1


def tidy(drawn: SubFigure):
    """Break titles that still reach out, and leave out labels of ticks that touch each other.

    Args:
        drawn: a part of a figure whose layout was computed after :func:`fit`.
    """
    for ax in drawn.axes:
        beyond = ax.get_tightbbox().x1 - drawn.bbox.x1
        if beyond > 0 and ax.get_title(loc="left"):
            inches = (drawn.bbox.x1 - ax.bbox.x0) / drawn.dpi
            said = _lines(ax.get_title(loc="left"), inches, ax.title.get_fontsize())
            ax.set_title(said, loc="left")
        labels = [label for label in ax.get_xticklabels() if label.get_text()]
        ticks = ax.get_xticks()
        if len(labels) != len(ticks) or len(labels) < 2 or labels[0].get_rotation():
            continue
        step = 1
        while step < len(labels) and _touch(labels[::step]):
            step += 1
        if step > 1:
            names = [label.get_text() for label in labels]
            ax.set_xticks(ticks[::step], names[::step], fontsize=labels[0].get_fontsize())


def _touch(labels: list[Text]) -> bool:
    extents = [label.get_window_extent() for label in labels]
    gaps = np.diff([[e.x0, e.x1] for e in extents], axis=0)
    rights = np.array([e.x1 for e in extents[:-1]])
    lefts = np.array([e.x0 for e in extents[1:]])
    return bool(len(gaps)) and bool((lefts - rights < 3).any())


def _lines(text: str, inches: float, fontsize: float) -> str:
    return "\n".join(wrapped(text, inches, fontsize))


def _room(ax: Axes) -> tuple[float, float]:
    """Inches that a title and a vertical label may take."""
    part = ax.figure
    width, height = part.bbox.width / part.dpi, part.bbox.height / part.dpi
    place = ax.get_subplotspec()
    if place is None:
        return width, height
    grid = place.get_gridspec()
    across, down = np.array(grid.get_width_ratios()), np.array(grid.get_height_ratios())
    return (
        0.94 * width * across[place.colspan].sum() / across.sum(),
        0.62 * height * down[place.rowspan].sum() / down.sum(),
    )
