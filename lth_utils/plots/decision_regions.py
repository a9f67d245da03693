"""Where a network's output says class 1, over the two inputs of a task."""

from __future__ import annotations

from collections.abc import Sequence

import contourpy
import numpy as np
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from lth_utils.data import Task
from lth_utils.networks.ticket import Ticket
from lth_utils.networks.values import unit_values
from lth_utils.plots.style import tint

GRID = 64
"""Points per side at which a decision region is computed, unless another number is asked for."""

MARGIN = 0.3
"""How far a region goes beyond the test points, in standard deviations of an input."""


def tasks_with_regions(tasks: Sequence[Task]) -> list[int]:
    """Positions of the tasks that a region can be drawn of: two inputs, one of two classes."""
    return [k for k, t in enumerate(tasks) if len(t.inputs) == 2 and t.kind == "binary"]


def region_extent(points: np.ndarray) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a region around points ``[B, 2]``."""
    low, high = points.min(0) - MARGIN, points.max(0) + MARGIN
    return low[0], high[0], low[1], high[1]


def chances(
    ticket: Ticket, chosen: Sequence[int], extents: Sequence[tuple], grid: int = GRID
) -> list[np.ndarray]:
    """Probability of class 1 over the two inputs of some tasks.

    Args:
        ticket: a dense network whose trained values were kept.
        chosen: positions of tasks with two inputs and one output.
        extents: for each of them left, right, bottom and top, in standardised inputs.
        grid: points per side.

    Returns:
        For each of them float ``[grid, grid]``, from bottom to top and from left to right.  The
        inputs of other tasks are held at their mean, zero.
    """
    inputs = np.zeros((len(chosen), grid, grid, ticket.shape[0]), np.float32)
    for part, k, (left, right, bottom, top) in zip(inputs, chosen, extents, strict=True):
        first, second = ticket.tasks[k].inputs
        part[..., first] = np.linspace(left, right, grid)
        part[..., second] = np.linspace(bottom, top, grid)[:, None]
    logits = unit_values(ticket, inputs.reshape(-1, ticket.shape[0]))[-1]
    logits = logits.reshape(len(chosen), grid, grid, -1)
    regions = []
    for part, k in zip(logits, chosen, strict=True):
        logit = part[..., ticket.tasks[k].outputs[0]]
        regions.append(1 / (1 + np.exp(-logit.clip(-60, 60))))
    return regions


def region_artists(ax: Axes, colour: str, chance: np.ndarray, extent: tuple) -> list[Artist]:
    """A region in tints of the task's colour, and a line where the probability is one half.

    Args:
        colour: the task's.
        chance: ``[grid, grid]``, one of :func:`chances`.
        extent: left, right, bottom and top.

    Returns:
        The image and the line.  Limits of the axes that were set stay as they are.
    """
    shades = sns.blend_palette([tint(colour, 0.42), "white", tint(colour, 0.12)], as_cmap=True)
    look = {"origin": "lower", "aspect": "auto", "interpolation": "bilinear", "zorder": 0}
    image = ax.imshow(shades(chance)[..., :3], extent=extent, **look)
    x, y = np.linspace(*extent[:2], len(chance)), np.linspace(*extent[2:], len(chance))
    borders = contourpy.contour_generator(x, y, chance).lines(0.5)
    line = LineCollection(borders, colors=colour, linewidths=1.8, zorder=1)
    return [image, ax.add_collection(line, autolim=False)]
