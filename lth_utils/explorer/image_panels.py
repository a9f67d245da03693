"""Panels for image tasks: which pixels a network uses, and which classes it knows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle

from lth_utils.data import Dataset, Task
from lth_utils.data.tasks import index
from lth_utils.plots.network_marks import task_colour
from lth_utils.plots.style import tint

LEAST = 4
"""Pixels per side from which a square number of inputs is taken for an image."""

GAP = 0.3
"""Inches between the panels of two tasks."""

HEAT = mpl.colormaps["viridis"].with_extremes(under="#E4E4E4")
"""Colours of pixels by their number of weights; a pixel without any is grey."""


def side(task: Task) -> int | None:
    """Pixels per side where the task's inputs make a square image of classes, else None."""
    if not isinstance(task.inputs, range) or task.kind not in ("binary", "classes"):
        return None
    root = math.isqrt(len(task.inputs))
    return root if root >= LEAST and root**2 == len(task.inputs) else None


def class_accuracy(dataset: Dataset, logits: np.ndarray) -> list[np.ndarray]:
    """The accuracy of each class.

    Args:
        dataset: of which the test split is used.
        logits: float ``[B, O]`` for the test split.

    Returns:
        Over tasks the share of each class's examples that are classified correctly, float
        ``[classes]``, NaN without examples.
    """
    shares = []
    for k, task in enumerate(dataset.tasks):
        predicted, labels = task.predict(logits), dataset.y_test[:, k]
        examples = np.bincount(labels, minlength=task.classes)
        correct = np.bincount(labels[predicted == labels], minlength=task.classes)
        shares.append(correct / np.where(examples, examples, np.nan))
    return shares


@dataclass(frozen=True)
class Panel:
    """One task's axes: its pixels, the scale of their colours, its classes."""

    task: int
    pixels: Axes
    scale: Axes
    classes: Axes


def make_panels(
    figure: Figure | SubFigure, tasks: Sequence[Task], box: tuple, size: tuple
) -> list[Panel]:
    """The axes of all tasks, side by side, with what stays over the levels.

    Args:
        figure: to which they are added.
        tasks: with square images.
        box: x, y, width and height as shares of the figure.
        size: of the figure, inches.
    """
    x, y, width, height = np.array(box) * (*size, *size)  # in inches
    each = (width + GAP) / max(2, len(tasks)) - GAP
    square = min(0.53 * each, height - 0.75)
    made = []
    for k, task in enumerate(tasks):
        left, top = x + k * (each + GAP), y + height
        rows = min(height, 0.36 * task.classes)
        beside = left + square + 0.14
        boxes = [
            (left, top - square, square, square),
            (left, top - square - 0.2, square, 0.09),
            (beside, top - rows, left + each - beside, rows),
        ]
        axes = [figure.add_axes(np.array(b) / (*size, *size)) for b in boxes]
        panel = Panel(k, *axes)
        _frame(panel, task)
        made.append(panel)
    return made


def _frame(panel: Panel, task: Task):
    """The limits, borders and colour scale of one task's axes."""
    n = side(task)
    for ax in (panel.pixels, panel.scale, panel.classes):
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(ax is panel.pixels)
    panel.pixels.spines[:].set_color(task_colour(panel.task))
    panel.pixels.set(xlim=(-0.5, n + 0.5), ylim=(n + 0.5, -0.5))  # the border is beside the pixels
    ramp = np.linspace(0, 1, 256)[None]
    panel.scale.imshow(ramp, cmap=HEAT, aspect="auto", extent=(0, 1, 0, 1))
    panel.classes.set(xlim=(0, 1), ylim=(task.classes - 0.5, -0.5))


def pixels(panel: Panel, task: Task, degrees: np.ndarray, most: int) -> list[Artist]:
    """How many active weights leave each of the task's pixels.

    Args:
        panel: of the task.
        task: whose inputs are a square image.
        degrees: int ``[I]``, active weights that leave each input of the network.
        most: the number of weights at the end of the colour scale.
    """
    n, most = side(task), max(2, most)
    own = degrees[index(task.inputs)].reshape(n, n)
    norm = mpl.colors.Normalize(1, most)
    image = panel.pixels.imshow(own, cmap=HEAT, norm=norm, extent=(0, n, n, 0), zorder=0)
    look = {"transform": panel.scale.transAxes, "va": "top", "size": 9.5}
    text = f"{own.sum()} active weights leave\n{(own > 0).sum()} of {own.size} pixels"
    return [
        image,
        panel.scale.text(0, -0.5, "1", **look),
        panel.scale.text(1, -0.5, f"{most}", ha="right", **look),
        panel.scale.text(0.5, -2.2, text, ha="center", **look),
    ]


def classes(panel: Panel, shares: np.ndarray, names: Sequence) -> list[Artist]:
    """The accuracy of each class as a bar.

    Args:
        panel: of the task.
        shares: float ``[classes]``, NaN without examples.
        names: of the classes, in order; a task of one class has no name for the other.
    """
    ax, colour, artists = panel.classes, tint(task_colour(panel.task), 0.3), []
    for n, (share, name) in enumerate(zip(shares, names, strict=False)):
        if np.isfinite(share):
            artists.append(ax.add_patch(Rectangle((0, n - 0.42), share, 0.84, color=colour, lw=0)))
            artists.append(ax.text(0.98, n, f"{share:.0%}", ha="right", va="center", size=9.5))
        artists.append(ax.text(0.04, n, name, va="center", size=9.5))
    return artists
