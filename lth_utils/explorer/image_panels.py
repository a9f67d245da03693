"""The explorer's panels for image tasks: where the network looks, and which classes it knows.  Drawn on by ``_view``."""

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
from lth_utils.plots.style import TASK_COLOURS, tint

LEAST = 4
"""Pixels per side from which a square number of inputs is taken for an image."""

HEAT = mpl.colormaps["viridis"].with_extremes(under="#E4E4E4")
"""Colours of pixels by their number of weights; a pixel without any is grey."""


def side(task: Task) -> int | None:
    """Pixels per side where the task's inputs make a square image, else None."""
    root = math.isqrt(len(task.inputs))
    return root if root >= LEAST and root**2 == len(task.inputs) else None


def class_accuracy(dataset: Dataset, logits: np.ndarray) -> list[np.ndarray]:
    """Over tasks the share of each class's test examples that are named rightly ``[classes]``, NaN without examples; logits: ``[B, O]``."""
    shares = []
    for k, task in enumerate(dataset.tasks):
        scores, labels = logits[:, task.outputs.start : task.outputs.stop], dataset.y_test[:, k]
        named = scores.argmax(1) if len(task.outputs) > 1 else (scores[:, 0] > 0).astype(np.int64)
        many = np.bincount(labels, minlength=task.classes)
        shares.append(
            np.bincount(labels[named == labels], minlength=task.classes)
            / np.where(many, many, np.nan)
        )
    return shares


@dataclass(frozen=True)
class Panel:
    """One task's axes: its pixels, the scale of their colours, its classes."""

    task: int
    pixels: Axes
    scale: Axes
    classes: Axes


def panels(figure: Figure | SubFigure, tasks: Sequence[Task], box, size) -> list[Panel]:
    """What stays over the levels, side by side in `box`.

    box: x, y, width and height as shares of the figure; size: the figure's, in inches.
    """
    x, y, width, height = np.array(box) * (*size, *size)  # in inches
    each, gap = (width + 0.3) / max(2, len(tasks)) - 0.3, 0.14
    square = min(0.53 * each, height - 0.75)
    found = []
    for k, task in enumerate(tasks):
        left, top = x + k * (each + 0.3), y + height
        rows = min(height, 0.36 * task.classes)
        boxes = [
            (left, top - square, square, square),
            (left, top - square - 0.2, square, 0.09),
            (left + square + gap, top - rows, each - square - gap, rows),
        ]
        pixels, scale, classes = (figure.add_axes(np.array(b) / (*size, *size)) for b in boxes)
        for ax in (pixels, scale):
            ax.set(xticks=[], yticks=[])
        for ax in (pixels, classes):
            for spine in ax.spines.values():
                spine.set(visible=ax is pixels, color=_colour(k))
        pixels.set(
            xlim=(-0.5, side(task) + 0.5), ylim=(side(task) + 0.5, -0.5)
        )  # the frame stays beside the pixels
        scale.imshow(np.linspace(0, 1, 256)[None], cmap=HEAT, aspect="auto", extent=(0, 1, 0, 1))
        scale.spines[:].set_visible(False)
        classes.set(xlim=(0, 1), ylim=(task.classes - 0.5, -0.5), xticks=[], yticks=[])
        found.append(Panel(k, pixels, scale, classes))
    return found


def pixels(panel: Panel, task: Task, weights: np.ndarray, most: int) -> list[Artist]:
    """How many active weights leave each of the task's pixels; weights: of all inputs ``[I]``; most: where the colours end."""
    own = weights[task.inputs.start : task.inputs.stop].reshape(side(task), side(task))
    seen = panel.pixels.imshow(
        own,
        cmap=HEAT,
        norm=mpl.colors.Normalize(1, max(2, most)),
        extent=(0, side(task), side(task), 0),
        zorder=0,
    )
    look = {"transform": panel.scale.transAxes, "va": "top", "size": 9.5}
    said = f"{own.sum()} active weights leave\n{(own > 0).sum()} of {own.size} pixels"
    return [
        seen,
        panel.scale.text(0, -0.5, "1", **look),
        panel.scale.text(1, -0.5, f"{max(2, most)}", ha="right", **look),
        panel.scale.text(0.5, -2.2, said, ha="center", **look),
    ]


def classes(panel: Panel, shares: np.ndarray, names: Sequence) -> list[Artist]:
    """How many of each class are named rightly; names: of the classes, in order."""
    ax, colour, artists = panel.classes, tint(_colour(panel.task), 0.3), []
    for n, (share, name) in enumerate(
        zip(shares, names, strict=False)
    ):  # a task of one class has no name for the other
        if np.isfinite(share):
            artists.append(ax.add_patch(Rectangle((0, n - 0.42), share, 0.84, color=colour, lw=0)))
            artists.append(ax.text(0.98, n, f"{share:.0%}", ha="right", va="center", size=9.5))
        artists.append(ax.text(0.04, n, name, va="center", size=9.5))
    return artists


def _colour(k: int) -> str:
    return TASK_COLOURS[k % len(TASK_COLOURS)]
