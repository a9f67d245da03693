"""The drawing of a network: layers from left to right, a line per weight, a dot per unit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lth_utils import connectivity
from lth_utils.config import choose
from lth_utils.data import Task
from lth_utils.networks.layers import require_dense
from lth_utils.networks.ticket import Ticket
from lth_utils.plots.network_layout import common_order, place_units, touched_units
from lth_utils.plots.network_marks import (
    AVAILABLE,
    NONE,
    SEVERAL,
    Highlight,
    choose_edges,
    choose_pruned,
    element_colours,
    pruned_lines,
    task_colour,
    unit_dots,
    weight_lines,
    weights_in,
)
from lth_utils.plots.style import STATE_COLOURS

COLOURED_BY = ("state", "subnetwork", "task")
"""What colours may mean: the state, the task the subnetwork serves, or the task led to."""

MAX_NAMES = 24
"""Inputs or outputs that are named one by one; more of them are counted."""


def draw_network(
    ax: Axes,
    ticket: Ticket,
    colour_by: str = "state",
    states: Sequence[str] = AVAILABLE,
    found: connectivity.Structure | None = None,
    order: Sequence[np.ndarray] | None = None,
) -> Axes:
    """Draw one network, the width of a line by the magnitude of its weight.

    Hidden units without a drawn weight are left out, as are weights beyond ``MAX_EDGES``; a
    sentence below the drawing says how many.

    Args:
        ax: emptied of its axis lines and labels.
        ticket: a network of dense layers.
        colour_by: ``state``, ``subnetwork`` (the task it serves, grey for several or none) or
            ``task`` (the task whose outputs a unit leads to, grey for several or none).
        states: of the weights to draw, any of ``connectivity.STATE_NAMES``.
        found: ``connectivity.structure`` of the ticket, computed where it is not given.
        order: of the units, from ``common_order``, so that they stay in place over levels; computed
            for this ticket alone where it is not given.

    Returns:
        `ax`.

    Raises:
        SpecError: a network with convolutions, or an unknown word for `colour_by`.
    """
    require_dense(ticket.shape, "the ticket")
    if found is None:
        found = connectivity.structure(ticket.masks, ticket.tasks)
    if order is None:
        order = common_order([ticket], [found])
    _, notes = network_artists(ax, ticket, found, order, colour_by=colour_by, states=states)
    last = len(ticket.shape) - 1
    name_ends(ax, ticket.shape, ticket.tasks)
    ax.set(xlim=(-0.3, last + 0.5), ylim=(-0.02, 1.02))
    ax.set_axis_off()
    below = {"transform": ax.transAxes, "ha": "center", "va": "top"}
    ax.text(0.5, -0.02, "\n".join(notes), **below)
    return ax


def network_artists(
    ax: Axes,
    ticket: Ticket,
    found: connectivity.Structure,
    order: Sequence[np.ndarray],
    *,
    colour_by: str = "state",
    states: Sequence[str] = AVAILABLE,
    lifetimes: Sequence[np.ndarray] | None = None,
    highlight: Highlight | None = None,
) -> tuple[list[Artist], list[str]]:
    """Add the lines and dots of a network to axes that are ready for them.

    Args:
        ax: x is the layer, y in 0 to 1.
        ticket: a network of dense layers.
        found: ``connectivity.structure`` of the ticket.
        order: of the units, as ``order_units`` returns it.
        colour_by: one of ``COLOURED_BY``.
        states: of the weights to draw.
        lifetimes: over layers ``[O, I]``, at how many levels each weight is available; where given,
            all units are shown, and the pruned weights that lasted longest are drawn, too, faint.
        highlight: a unit whose family stands out.

    Returns:
        The artists in the order of drawing, and sentences about what was left out.
    """
    choose(colour_by, COLOURED_BY, "colour_by")
    drawn = weights_in(ticket, found, states)
    edges = choose_edges(ticket, found, drawn, None if highlight is None else highlight.family)
    visible = touched_units(drawn)
    if highlight is not None:
        visible[highlight.layer][highlight.unit] = True
    if lifetimes is not None:
        visible = [np.ones_like(units) for units in visible]
    places = place_units(order, visible, found.subnetworks)
    of_unit, of_edge = element_colours(colour_by, found, edges, ticket.tasks)

    lines, notes = [], []
    if lifetimes is not None:
        lines, notes = _pruned(ticket, lifetimes, places)
    lines += weight_lines(places, edges, of_edge, dimmed=highlight is not None)
    for line in lines:
        ax.add_collection(line, autolim=False)
    n = len(edges.layer)
    if n < edges.total:
        first = "layer" if highlight is None else "layer and family"
        notes.append(f"{n} of {edges.total} weights are drawn, the largest of each {first} first")
    return [*lines, *unit_dots(ax, places, of_unit, highlight)], notes


def _pruned(ticket, lifetimes, places) -> tuple[list[Artist], list[str]]:
    """The pruned weights as lines, and what was left out."""
    *pruned, total = choose_pruned(lifetimes, [m[0].numpy() for m in ticket.masks])
    n = len(pruned[0])
    lines = [pruned_lines(places, *pruned)] if n else []
    if n == total:
        return lines, []
    return lines, [f"{n} of {total} pruned weights are drawn, those that lasted longest"]


def name_ends(ax: Axes, shape: Sequence[int], tasks: Sequence[Task]):
    """Names of the inputs and outputs in their tasks' colours, or their numbers where many."""
    left, right = {"x": -0.06, "ha": "right"}, {"x": len(shape) - 0.94, "ha": "left"}
    if max(shape[0], shape[-1]) > MAX_NAMES:
        look = {"y": 0.5, "rotation": 90, "va": "center"}
        ax.text(s=f"{shape[0]} inputs", **left, **look)
        ax.text(s=f"{shape[-1]} outputs", **right, **look)
        return
    for k, task in enumerate(tasks):
        look = {"va": "center", "color": task_colour(k), "weight": "bold"}
        for i in task.inputs:
            ax.text(y=1 - (i + 0.5) / shape[0], s=f"x{i + 1}", **left, **look)
        for o in task.outputs:
            ax.text(y=1 - (o + 0.5) / shape[-1], s=f"y{o + 1}\n{task.name}", **right, **look)


def legend_handles(colour_by: str, tasks: Sequence[Task]) -> list[Line2D]:
    """What the colours mean, for a legend; colour_by: one of ``COLOURED_BY``."""
    if colour_by == "state":
        entries = [(STATE_COLOURS[name], name) for name in AVAILABLE]
    else:
        entries = [(task_colour(k), task.name) for k, task in enumerate(tasks)]
        nowhere = "no subnetwork" if colour_by == "subnetwork" else "no output"
        entries += [(SEVERAL, "several tasks"), (NONE, nowhere)]
    look = {"lw": 3, "marker": "o", "ms": 7, "mec": "white"}
    return [Line2D([], [], color=colour, label=label, **look) for colour, label in entries]
