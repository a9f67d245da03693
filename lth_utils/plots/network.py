"""The drawing of a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from lth_utils import connectivity
from lth_utils.config import choose
from lth_utils.connectivity import STATE_NAMES
from lth_utils.networks.ticket import Ticket
from lth_utils.plots.style import STATE_COLOURS, TASK_COLOURS

MAX_EDGES = 4000
"""A drawing thins out to this many weights, the largest first, and says so."""


def _positions(
    ticket: Ticket, labels: list[np.ndarray], shown: list[np.ndarray]
) -> list[np.ndarray]:
    """Vertical place of each unit, NaN where not shown: subnetworks apart, then by the mean place of the neighbours."""
    masks = [m[0].numpy() for m in ticket.masks]
    places = [np.linspace(0, 1, len(u)) if len(u) > 1 else np.array([0.5]) for u in shown]
    for _ in range(4):
        for layer in range(1, len(places) - 1):
            before, after = masks[layer - 1], masks[layer]
            near = before @ places[layer - 1] + after.T @ places[layer + 1]
            near = near / np.maximum(before.sum(1) + after.sum(0), 1)
            group = np.where(labels[layer] < 0, labels[layer].max(initial=0) + 1, labels[layer])
            order = np.lexsort((near, group, ~shown[layer]))
            places[layer][order] = (np.arange(len(order)) + 0.5) / max(1, shown[layer].sum())
    return [np.where(s, 1 - p, np.nan) for p, s in zip(places, shown, strict=True)]


def draw_network(
    ax: Axes,
    ticket: Ticket,
    colour_by: str = "state",
    states: Sequence[str] = ("active", "inactive", "zombie"),
    labels: bool = True,
) -> Axes:
    """Draw one network, layers from left to right, width of a line by |weight|.

    colour_by: ``state``, or ``task``: each subnetwork in the colour of the task it serves, those
    that serve several (or none) in grey.  states: which weights to draw.  Units without any
    available weight are left out, as are weights beyond ``MAX_EDGES``, smallest first; the axis
    says how many.
    """
    choose(colour_by, ("state", "task"), "colour_by")
    of_weight = [s[0].numpy() for s in connectivity.weight_states(ticket.masks)]
    of_unit = [s[0].numpy() for s in connectivity.unit_states(ticket.masks)]
    component = [c[0].numpy() for c in connectivity.components(ticket.masks)]
    colours = subnetwork_colours(ticket)
    drawn = [np.isin(s, [STATE_NAMES.index(n) for n in states]) for s in of_weight]
    touched = [d.any(0) for d in drawn] + [None]
    shown = [np.ones(len(of_unit[0]), bool)]
    shown += [drawn[n].any(1) | touched[n + 1] for n in range(len(drawn) - 1)] + [
        np.ones(len(of_unit[-1]), bool)
    ]
    places = _positions(ticket, component, shown)

    segments, edge_colours, strength = [], [], []
    for layer, (draw, weights) in enumerate(zip(drawn, ticket.weights, strict=True)):
        size = weights[0].abs().numpy()
        top = size[draw].max(initial=1e-12)
        for j, i in np.argwhere(draw):
            segments.append(((layer, places[layer][i]), (layer + 1, places[layer + 1][j])))
            strength.append(size[j, i] / top)
            name = STATE_NAMES[of_weight[layer][j, i]]
            of_task = colours[component[layer][i]] if name == "active" else STATE_COLOURS["pruned"]
            edge_colours.append(STATE_COLOURS[name] if colour_by == "state" else of_task)
    strength = np.array(strength)
    order = np.argsort(-strength)[:MAX_EDGES][::-1]
    crowd = min(1.0, 150 / max(1, len(order)))
    widths = (0.5 + 2.5 * strength[order]) * (0.35 + 0.65 * crowd) if len(order) else []
    ax.add_collection(
        LineCollection(
            [segments[n] for n in order],
            linewidths=widths,
            colors=[edge_colours[n] for n in order],
            alpha=0.25 + 0.55 * crowd,
            rasterized=len(order) > 1000,
            zorder=1,
        )
    )
    for layer, (place, state) in enumerate(zip(places, of_unit, strict=True)):
        seen = ~np.isnan(place)
        unit_colours = (
            [STATE_COLOURS[STATE_NAMES[s]] for s in state[seen]]
            if colour_by == "state"
            else [colours[c] for c in component[layer][seen]]
        )
        ax.scatter(
            np.full(seen.sum(), layer),
            place[seen],
            s=18 if seen.sum() > 30 else 60,
            c=unit_colours,
            edgecolors="white",
            linewidths=0.8,
            zorder=2,
        )
    _end_labels(ax, ticket, places, labels)
    hidden = len(segments) - len(order)
    ax.set(xlim=(-0.55, len(places) - 0.45), ylim=(-0.05, 1.05))
    ax.set_axis_off()
    if hidden:
        ax.text(
            0.5,
            -0.02,
            f"the {len(order)} largest of {len(segments)} weights are drawn",
            transform=ax.transAxes,
            ha="center",
            va="top",
        )
    return ax


def _end_labels(ax: Axes, ticket: Ticket, places: list[np.ndarray], labels: bool):
    if not labels or max(len(places[0]), len(places[-1])) > 24:
        return
    for task in ticket.tasks:
        for i in task.inputs:
            ax.text(-0.08, places[0][i], f"x{i + 1}", ha="right", va="center")
        for o in task.outputs:
            ax.text(
                len(places) - 1 + 0.08,
                places[-1][o],
                f"y{o + 1} {task.name}",
                ha="left",
                va="center",
            )


def subnetwork_colours(ticket: Ticket) -> dict[int, str]:
    """The task's colour for each subnetwork that serves exactly one, grey for the others and for -1 (none)."""
    colours = {-1: STATE_COLOURS["pruned"]}
    for j, covers in enumerate(connectivity.coverage(ticket.masks, ticket.tasks)[0]):
        served = np.flatnonzero(covers > 0)
        colours[j] = TASK_COLOURS[served[0]] if len(served) == 1 else "#777777"
    return colours


def state_legend(figure_or_axes, names: Sequence[str], **options):
    handles = [
        Line2D([], [], color=STATE_COLOURS[n], lw=3, marker="o", ms=8, mec="white", label=n)
        for n in names
    ]
    figure_or_axes.legend(handles=handles, **options)


def n_available(ticket: Ticket) -> int:
    return int(sum(m.sum() for m in ticket.masks))
