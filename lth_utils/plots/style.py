"""The house's look: one palette with one meaning per colour, one style sheet.

Readable with the common colour-vision deficiencies (Okabe and Ito 2008 for states and statuses, Tol
2021 for tasks); ``tests/test_plots.py`` measures it.  Theirs, the numbers the thesis reports, are
dashed or hollow beside our filled marks.
"""

from __future__ import annotations

import functools

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

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
"""An outcome has the colour of its status; separated-degraded is hatched or edged in the colour of degraded."""

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
"""What is trained where tickets are compared with each other; ``ticket`` is what iterative pruning finds."""

DASHES = (0, (4, 2))

THEIRS = {"facecolor": "none", "linewidth": 1.6, "linestyle": DASHES}

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


def styled(draw):
    """Draw in the house's style; the figure is not left open, so a notebook shows it once, as what the cell returns."""

    @functools.wraps(draw)
    def drawn(*args, **options):
        with mpl.rc_context(STYLE):
            figure = draw(*args, **options)
        plt.close(figure)
        return figure

    return drawn


def panels(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, np.ndarray]:
    return plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")


def tint(colour: str, share: float) -> tuple:
    """A colour mixed with white; share 1 is the colour itself."""
    return tuple(1 - share * (1 - np.array(mpl.colors.to_rgb(colour))))
