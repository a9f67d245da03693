"""The lines and dots of a drawn network: which weights, in which colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection

from lth_utils import connectivity
from lth_utils.connectivity import ACTIVE, INACTIVE, PRUNED, STATE_NAMES
from lth_utils.data import Task
from lth_utils.data.tasks import index
from lth_utils.networks.ticket import Ticket
from lth_utils.plots.style import STATE_COLOURS, TASK_COLOURS

MAX_EDGES = 4000
"""A drawing thins out to this many weights, the largest of each layer first, and says so."""

MAX_PRUNED = 1500
"""Pruned weights drawn at most, those that lasted longest."""

AVAILABLE = ("active", "inactive", "zombie")
"""The states of the weights that are left."""

SEVERAL, NONE = "#777777", STATE_COLOURS["pruned"]
"""Colours of what belongs to several tasks, and of what belongs to none."""

WIDTHS = 12
"""How many widths lines have: a collection of one width is made much faster than one of many."""


@dataclass(frozen=True)
class Highlight:
    """A unit to be marked, with all units from which it is reached or that it leads to.

    Args:
        layer: 0 for the inputs.
        unit: position in its layer.
        family: over layers of units bool ``[U]``, the unit itself included.
    """

    layer: int
    unit: int
    family: Sequence[np.ndarray]


@dataclass(frozen=True)
class Edges:
    """The weights to draw, thinnest first.

    Args:
        layer: int ``[E]``, 0 for the weights that leave the inputs.
        i: int ``[E]``, source units.
        j: int ``[E]``, target units.
        strength: float ``[E]`` in 0 to 1, magnitude relative to the layer's largest.
        state: int ``[E]``, one of ``PRUNED, ACTIVE, INACTIVE, ZOMBIE``.
        lit: bool ``[E]``, whether a weight joins two units of the highlighted family.
        total: how many weights there are, drawn or not.
    """

    layer: np.ndarray
    i: np.ndarray
    j: np.ndarray
    strength: np.ndarray
    state: np.ndarray
    lit: np.ndarray
    total: int


def task_colour(k: int) -> str:
    """Colour of task `k`; after the last colour they begin again."""
    return TASK_COLOURS[k % len(TASK_COLOURS)]


def weights_in(
    ticket: Ticket, found: connectivity.Structure, states: Sequence[str]
) -> list[np.ndarray]:
    """Which weights are in one of these states, bool ``[O, I]`` over layers."""
    masks = [m[0].numpy() for m in ticket.masks]
    if set(states) == set(AVAILABLE):
        return masks
    wanted = [STATE_NAMES.index(name) for name in states]
    chosen = []
    for layer, mask in enumerate(masks):
        source, target = found.states[layer][None, :], found.states[layer + 1][:, None]
        chosen.append(np.isin(_weight_state(mask, source, target), wanted))
    return chosen


def _weight_state(available, source, target) -> np.ndarray:
    """A weight leads nowhere if its target does not, and is a zombie if its source is one."""
    return np.where(available, np.where(target == INACTIVE, INACTIVE, source), PRUNED)


def choose_edges(
    ticket: Ticket,
    found: connectivity.Structure,
    drawn: Sequence[np.ndarray],
    family: Sequence[np.ndarray] | None = None,
) -> Edges:
    """The ``MAX_EDGES`` largest weights relative to their layer's largest.

    Args:
        ticket: whose weights give the strength.
        found: ``connectivity.structure`` of the ticket.
        drawn: over layers bool ``[O, I]``, among which weights to choose.
        family: over layers of units bool ``[U]``; weights between two of these come first.
    """
    parts, total = [], 0
    for layer, (mask, weights) in enumerate(zip(drawn, ticket.weights, strict=True)):
        at = np.flatnonzero(mask)
        size = np.abs(weights[0].numpy().ravel()[at])
        size = size / max(size.max(initial=0), 1e-12)
        j, i = np.divmod(at, mask.shape[1])
        lit = np.zeros(len(at), bool)
        if family is not None:
            lit = family[layer][i] & family[layer + 1][j]
        best = _largest(size + lit)
        i, j = i[best], j[best]
        available = ticket.masks[layer][0].numpy()[j, i]
        state = _weight_state(available, found.states[layer][i], found.states[layer + 1][j])
        parts.append([np.full(len(best), layer), i, j, size[best], state, lit[best]])
        total += len(at)
    layer, i, j, size, state, lit = (np.concatenate(column) for column in zip(*parts, strict=True))
    best = _largest(size + lit)
    best = best[np.argsort(size[best], kind="stable")]
    return Edges(layer[best], i[best], j[best], size[best], state[best], lit[best], total)


def _largest(values: np.ndarray) -> np.ndarray:
    """Where the ``MAX_EDGES`` largest values are."""
    first = len(values) - MAX_EDGES
    return np.argpartition(values, first)[first:] if first > 0 else np.arange(len(values))


def choose_pruned(lifetimes: Sequence[np.ndarray], masks: Sequence[np.ndarray]):
    """The pruned weights to draw, those that lasted longest.

    Args:
        lifetimes: over layers ``[O, I]``, at how many levels each weight is available.
        masks: over layers bool ``[O, I]``.

    Returns:
        layer, source and target of each as int ``[E]``, and how many weights are pruned.
    """
    flat = np.concatenate([a.ravel() for a in lifetimes])
    pruned = np.flatnonzero(~np.concatenate([m.ravel() for m in masks]))
    order = np.argsort(-flat[pruned].astype(np.int16), kind="stable")
    best = pruned[order[:MAX_PRUNED]]
    starts = np.cumsum([0, *(m.size for m in masks)])
    layer = np.searchsorted(starts, best, side="right") - 1
    inputs = np.array([m.shape[1] for m in masks])
    j, i = np.divmod(best - starts[layer], inputs[layer])
    return layer, i, j, len(pruned)


def subnetwork_colours(found: connectivity.Structure, tasks: Sequence[Task]) -> list[str]:
    """Colour of each subnetwork: its task's, ``SEVERAL`` or ``NONE``."""
    palette = _task_palette(tasks)
    return [palette[n] for n in _one_of(found.coverage > 0)]


def _task_palette(tasks) -> list[str]:
    return [*(task_colour(k) for k in range(len(tasks))), SEVERAL, NONE]


def _one_of(served: np.ndarray) -> np.ndarray:
    """The one task of each row of bool ``[N, K]``; K where it has several, K + 1 where none."""
    count, several = served.sum(1), served.shape[1]
    return np.select([count == 1, count > 1], [served.argmax(1), several], several + 1)


def element_colours(
    colour_by: str, found: connectivity.Structure, edges: Edges, tasks: Sequence[Task]
) -> tuple[list[np.ndarray], np.ndarray]:
    """RGBA of the units of each layer ``[U, 4]`` and of each edge ``[E, 4]``."""
    starts = np.cumsum([0, *(len(s) for s in found.states)])
    source, target = starts[edges.layer] + edges.i, starts[edges.layer + 1] + edges.j
    if colour_by == "state":
        palette = [STATE_COLOURS[name] for name in STATE_NAMES]
        unit, edge = np.concatenate(found.states), edges.state
    else:
        palette, none = _task_palette(tasks), len(tasks) + 1
        if colour_by == "subnetwork":
            of_subnetwork = np.append(_one_of(found.coverage > 0), none)
            unit = of_subnetwork[np.concatenate(found.subnetworks)]
            # an input that several tasks own is in no subnetwork, but what it feeds is
            edge = np.where(unit[source] == none, unit[target], unit[source])
            edge = np.where(edges.state == ACTIVE, edge, none)
        else:
            leads = np.concatenate(found.leads)
            ends = [leads[:, index(t.outputs)].any(1) for t in tasks]
            unit = _one_of(np.stack(ends, 1))
            edge = np.where(edges.state == PRUNED, none, unit[target])
    colours = mpl.colors.to_rgba_array(palette)
    return np.split(colours[unit], starts[1:-1]), colours[edge]


class Lines(Collection):
    """Straight lines as one path and a matrix for each: thousands without an object per line.

    Args:
        ends: float ``[E, 2, 2]``, lines, their two ends, x and y.
        look: properties of a matplotlib collection.
    """

    def __init__(self, ends: np.ndarray, **look):
        # as many lines are drawn as there are offsets; all of them are zero
        super().__init__(
            facecolors="none",
            offsets=np.zeros((len(ends), 2)),
            offset_transform=mpl.transforms.IdentityTransform(),
            **look,
        )
        self.set_paths([mpl.path.Path([[0, 0], [1, 0]])])
        self.matrices = np.zeros((len(ends), 3, 3))
        self.matrices[:, :2, 0] = ends[:, 1] - ends[:, 0]
        self.matrices[:, :2, 2] = ends[:, 0]
        self.matrices[:, 2, 2] = 1

    def set_paths(self, paths):
        self._paths = paths

    def get_transforms(self) -> np.ndarray:
        return self.matrices


def line_ends(places: Sequence[np.ndarray], layer, i, j) -> np.ndarray:
    """Ends of lines ``[E, 2, 2]`` from unit i of a layer to unit j of the next."""
    starts = np.cumsum([0, *(len(p) for p in places)])
    heights = np.concatenate(places)
    left = np.stack([layer, heights[starts[layer] + i]], 1)
    right = np.stack([layer + 1, heights[starts[layer + 1] + j]], 1)
    return np.stack([left, right], 1)


def pruned_lines(places: Sequence[np.ndarray], layer, i, j) -> Lines:
    """Pruned weights, faint."""
    return Lines(line_ends(places, layer, i, j), linewidths=0.4, edgecolors=NONE, alpha=0.45)


def weight_lines(places, edges: Edges, colours: np.ndarray, dimmed: bool) -> list[Lines]:
    """Weights as lines, wide by strength; dimmed: all but the lit ones are thin and light."""
    crowd = _room(len(edges.layer))
    ends = line_ends(places, edges.layer, edges.i, edges.j)
    widths = (0.5 + 2.5 * edges.strength) * (0.35 + 0.65 * crowd)
    alpha, groups = 0.28 + 0.57 * crowd, []
    if dimmed:
        rest, lit = ends[~edges.lit], edges.lit
        if len(rest):
            light = 0.25 + 0.3 * crowd
            groups.append(Lines(rest, linewidths=0.6, edgecolors="#CCCCCC", alpha=light))
        ends, colours, widths = ends[lit], colours[lit], 1.3 * widths[lit]
        alpha = 0.5 + 0.5 * _room(len(ends))
    if len(widths):
        bins = np.digitize(widths, np.linspace(widths.min(), widths.max(), WIDTHS))
        for n in np.unique(bins):
            these = bins == n
            width = widths[these].mean()
            groups.append(
                Lines(ends[these], linewidths=width, edgecolors=colours[these], alpha=alpha)
            )
    for group in groups:
        group.set(rasterized=len(edges.layer) > 1000, zorder=1)
    return groups


def _room(n: int) -> float:
    """1 for few lines, towards 0 for many: lines become thinner and lighter."""
    return min(1.0, 150 / max(1, n))


def unit_dots(
    ax: Axes, places: Sequence[np.ndarray], colours: Sequence[np.ndarray], highlight
) -> list[Artist]:
    """Units as dots; all but the highlighted family are grey, the highlighted unit has a ring."""
    layer = np.concatenate([np.full(len(p), n) for n, p in enumerate(places)])
    height, colour = np.concatenate(places), np.concatenate(colours)
    points = 72 * ax.get_window_extent().height / ax.figure.dpi
    room = points / np.array([max(1, np.isfinite(p).sum()) for p in places])
    size = np.select([room >= 12, room >= 4], [75, 26], 5)[layer]
    edge = {"edgecolors": "white", "linewidths": 0.8 if room.min() >= 4 else 0.3, "zorder": 2}
    visible = np.isfinite(height)
    if highlight is None:
        return [
            ax.scatter(layer[visible], height[visible], s=size[visible], c=colour[visible], **edge)
        ]
    lit = np.concatenate(highlight.family)
    artists = []
    for these, face in ((visible & ~lit, "#DDDDDD"), (visible & lit, colour[visible & lit])):
        artists.append(ax.scatter(layer[these], height[these], s=size[these], c=face, **edge))
    ring = {"s": 230, "facecolors": "none", "edgecolors": "black", "linewidths": 2.2, "zorder": 3}
    centre = places[highlight.layer][highlight.unit]
    artists.append(ax.scatter([highlight.layer], [centre], **ring))
    return artists
