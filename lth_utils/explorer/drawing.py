"""The network panel: places, weights, colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection

from lth_utils import connectivity
from lth_utils.connectivity import ACTIVE, INACTIVE, STATE_NAMES
from lth_utils.explorer.run import Run
from lth_utils.networks.ticket import Ticket
from lth_utils.plots import network
from lth_utils.plots.style import STATE_COLOURS, TASK_COLOURS

SEVERAL, NONE = "#777777", STATE_COLOURS["pruned"]

MAX_PRUNED = 1500
"""Pruned weights drawn at most, those that lived longest."""


def unit_order(run: Run) -> list[np.ndarray]:
    """Over layers the rank of each unit, the same at all levels: subnetworks apart, crossings few.

    Subnetworks are those of the chosen level; a unit outside goes to the one its longest-lived
    weights lead to.  Within one, units are sorted by the mean place of their neighbours.
    """
    longest = max(a.max() for a in run.alive)
    pull = [
        np.exp2(a.astype(np.float32) - longest) * (a > 0) for a in run.alive
    ]  # each level more counts twice
    labels = connectivity.structure(run.ticket(run.chosen()).masks, run.tasks, run.kind).subnetworks
    n = max(int(label.max(initial=-1)) for label in labels) + 1
    ends = [
        np.flatnonzero(labels[-1] == j).mean() for j in range(n)
    ]  # those that serve the upper outputs come first
    labels = [np.append(np.argsort(np.argsort(ends)), -1)[label] for label in labels]
    votes = [(label[:, None] == np.arange(n)).astype(np.float32) for label in labels]
    places = [(np.arange(u, dtype=np.float32) + 0.5) / u for u in run.shape]
    ranks = [np.arange(u) for u in run.shape]
    for sweep in range(4):
        for layer in range(1, len(places) - 1):
            before, after = pull[layer - 1], pull[layer]
            total = np.maximum(before.sum(1) + after.sum(0), 1e-30)
            near = (before @ places[layer - 1] + after.T @ places[layer + 1]) / total
            if n and sweep < 2:
                heard = before @ votes[layer - 1] + after.T @ votes[layer + 1]
                outside = labels[layer] < 0
                votes[layer][outside] = np.eye(n, dtype=np.float32)[heard[outside].argmax(1)]
            order = np.lexsort((near, votes[layer].argmax(1) if n else near))
            ranks[layer][order] = np.arange(len(order))
            places[layer] = (ranks[layer] + 0.5).astype(np.float32) / len(order)
    return ranks


def place_units(
    ranks: Sequence[np.ndarray], shown: Sequence[np.ndarray], labels: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Height of each unit in 0…1, NaN where not shown; between units of two subnetworks there is a gap."""
    places = [np.full(len(r), np.nan) for r in ranks]
    for place, rank, seen, label in zip(places, ranks, shown, labels, strict=True):
        order = np.flatnonzero(seen)[np.argsort(rank[seen])]
        if len(order) == 0:
            continue
        inside = label[order]
        gap = max(1.0, 0.08 * len(order))
        last = np.maximum.accumulate(
            np.where(inside >= 0, np.arange(len(order)), -1)
        )  # nearest unit above that is in a subnetwork
        known = np.where(last >= 0, inside[last], inside)
        height = np.arange(len(order)) + gap * np.concatenate(
            [[0], np.cumsum((known[1:] != known[:-1]) & (known[:-1] >= 0))]
        )
        place[order] = 1 - (height + 0.5) / (height[-1] + 1)
    for end in (0, -1):  # inputs and outputs never move
        places[end] = 1 - (np.arange(len(ranks[end])) + 0.5) / len(ranks[end])
    return places


@dataclass(frozen=True)
class Edges:
    """The weights to draw, thinnest first: layer, source i, target j, strength 0…1, lit; total: how many there are."""

    layer: np.ndarray
    i: np.ndarray
    j: np.ndarray
    strength: np.ndarray
    lit: np.ndarray
    total: int


def choose_edges(
    ticket: Ticket, masks: Sequence[np.ndarray], family: Sequence[np.ndarray] | None
) -> Edges:
    """The ``plots.MAX_EDGES`` largest weights relative to their layer's largest, those of the chosen neuron's family before others."""
    parts, total = [], 0
    for layer, (mask, weights) in enumerate(zip(masks, ticket.weights, strict=True)):
        at = np.flatnonzero(mask)
        size = np.abs(weights[0].numpy().ravel()[at])
        total += len(at)
        size = size / max(size.max(initial=0), 1e-12)
        j, i = np.divmod(at, mask.shape[1])
        lit = family[layer][i] & family[layer + 1][j] if family else np.zeros(len(at), bool)
        best = _largest(size + lit)
        parts.append([np.full(len(best), layer), i[best], j[best], size[best], lit[best]])
    layer, i, j, size, lit = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    best = _largest(size + lit)
    best = best[np.argsort(size[best], kind="stable")]
    return Edges(layer[best], i[best], j[best], size[best], lit[best], total)


def _largest(values: np.ndarray) -> np.ndarray:
    most = network.MAX_EDGES
    return (
        np.argpartition(values, len(values) - most)[len(values) - most :]
        if len(values) > most
        else np.arange(len(values))
    )


class Lines(Collection):
    """Straight lines ``[E, 2, 2]`` as one path and a matrix for each: without an object per line, thousands are made at once."""

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
        self.matrices[:, :2, 0], self.matrices[:, :2, 2], self.matrices[:, 2, 2] = (
            ends[:, 1] - ends[:, 0],
            ends[:, 0],
            1,
        )

    def set_paths(self, paths):
        self._paths = paths

    def get_transforms(self) -> np.ndarray:
        return self.matrices


def line_segments(
    places: Sequence[np.ndarray], layer: np.ndarray, i: np.ndarray, j: np.ndarray
) -> np.ndarray:
    """Lines ``[E, 2, 2]``."""
    starts = np.cumsum([0, *(len(p) for p in places)])
    flat = np.concatenate(places)
    return np.stack(
        [
            np.stack([layer, flat[starts[layer] + i]], 1),
            np.stack([layer + 1, flat[starts[layer + 1] + j]], 1),
        ],
        1,
    )


def task_colour(k: int) -> str:
    return TASK_COLOURS[k % len(TASK_COLOURS)]


def name_ends(ax: Axes, run: Run):
    if max(run.shape[0], run.shape[-1]) > 24:
        for x, end, name in ((-0.06, 0, "inputs"), (len(run.shape) - 0.94, -1, "outputs")):
            ax.text(
                x,
                0.5,
                f"{run.shape[end]} {name}",
                rotation=90,
                ha="right" if end == 0 else "left",
                va="center",
            )
        return
    for k, task in enumerate(run.tasks):
        look = {"va": "center", "color": task_colour(k), "weight": "bold"}
        for i in task.inputs:
            ax.text(-0.06, 1 - (i + 0.5) / run.shape[0], f"x{i + 1}", ha="right", **look)
        for o in task.outputs:
            ax.text(
                len(run.shape) - 0.94,
                1 - (o + 0.5) / run.shape[-1],
                f"y{o + 1}\n{task.name}",
                ha="left",
                **look,
            )


def touched_units(masks) -> list[np.ndarray]:
    """Units at which any weight is left."""
    first, last = masks[0].any(0), masks[-1].any(1)
    return [first, *(a.any(1) | b.any(0) for a, b in pairwise(masks)), last]


def choose_pruned(run: Run, masks):
    """Pruned weights to draw, those that lived longest: layer, i, j and how many there are."""
    flat = np.concatenate([a.ravel() for a in run.alive])
    gone = np.flatnonzero(~np.concatenate([m.ravel() for m in masks]))
    best = gone[np.argsort(-flat[gone].astype(np.int16), kind="stable")[:MAX_PRUNED]]
    starts = np.cumsum([0, *(m.size for m in masks)])
    layer = np.searchsorted(starts, best, side="right") - 1
    j, i = np.divmod(best - starts[layer], np.array([m.shape[1] for m in masks])[layer])
    return layer, i, j, len(gone)


def element_colours(
    by: str, found: connectivity.Structure, edges: Edges, tasks
) -> tuple[list[np.ndarray], np.ndarray]:
    """RGBA of the units of each layer and of each edge."""
    starts = np.cumsum([0, *(len(s) for s in found.states)])
    source, target = starts[edges.layer] + edges.i, starts[edges.layer + 1] + edges.j
    state = np.concatenate(found.states)
    # an available weight leads nowhere as its target does, and hears nothing as its source does
    of_edge = np.where(state[target] == INACTIVE, INACTIVE, state[source])
    if by == "state":
        palette = mpl.colors.to_rgba_array([STATE_COLOURS[n] for n in STATE_NAMES])
        unit, edge = state, of_edge
    else:
        palette = mpl.colors.to_rgba_array(
            [*(task_colour(k) for k in range(len(tasks))), SEVERAL, NONE]
        )
        if by == "subnetwork":
            serves = [_one(found.coverage[n] > 0, len(tasks)) for n in range(len(found.coverage))]
            label = np.concatenate(found.subnetworks)
            unit = np.array([*serves, len(tasks) + 1])[label]
            edge = np.where(of_edge == ACTIVE, unit[source], len(tasks) + 1)
        else:
            leads = np.concatenate(found.leads)
            to_task = np.stack(
                [leads[:, t.outputs.start : t.outputs.stop].any(1) for t in tasks], 1
            )
            unit = np.where(
                to_task.sum(1) == 1,
                to_task.argmax(1),
                np.where(to_task.any(1), len(tasks), len(tasks) + 1),
            )
            edge = unit[target]
    return np.split(palette[unit], starts[1:-1]), palette[edge]


def _one(served: np.ndarray, several: int) -> int:
    return int(served.argmax()) if served.sum() == 1 else several + (not served.any())


def draw_lines(places, edges: Edges, colours: np.ndarray, dimmed: bool) -> list[Lines]:
    crowd = min(1.0, 150 / max(1, len(edges.layer)))
    widths = (0.5 + 2.5 * edges.strength) * (0.35 + 0.65 * crowd)
    segments, alpha, groups = (
        line_segments(places, edges.layer, edges.i, edges.j),
        0.28 + 0.57 * crowd,
        [],
    )
    if dimmed:
        rest = ~edges.lit
        groups += (
            [Lines(segments[rest], linewidths=0.6, edgecolors="#CCCCCC", alpha=0.25 + 0.3 * crowd)]
            if rest.any()
            else []
        )
        crowd = min(1.0, 150 / max(1, edges.lit.sum()))
        segments, colours, widths, alpha = (
            segments[edges.lit],
            colours[edges.lit],
            widths[edges.lit] * 1.3,
            0.5 + 0.5 * crowd,
        )
    # lines come thinnest first; a collection of one width is made several times faster than one of many
    bins = np.digitize(widths, np.linspace(widths.min(), widths.max(), 12)) if len(widths) else []
    for n in np.unique(bins):
        groups.append(
            Lines(
                segments[bins == n],
                linewidths=widths[bins == n].mean(),
                edgecolors=colours[bins == n],
                alpha=alpha,
            )
        )
    for group in groups:
        group.set(rasterized=len(edges.layer) > 1000, zorder=1)
    return groups


def draw_dots(ax: Axes, places, colours, family, neuron) -> list[Artist]:
    layer = np.concatenate([np.full(len(p), n) for n, p in enumerate(places)])
    height, colour = np.concatenate(places), np.concatenate(colours)
    lit = np.concatenate(family) if family else np.ones(len(height), bool)
    crowd = [np.isfinite(p).sum() for p in places]
    size = np.array([75 if n <= 40 else 26 if n <= 120 else 5 for n in crowd])[layer]
    seen, look = (
        np.isfinite(height),
        {"edgecolors": "white", "linewidths": 0.8 if max(crowd) <= 120 else 0.3},
    )
    groups = []
    for these in (seen & ~lit, seen & lit):
        face = colour[these] if (these & lit).any() else "#DDDDDD"
        groups.append(
            ax.scatter(layer[these], height[these], s=size[these], c=face, zorder=2, **look)
        )
    if neuron:
        groups.append(
            ax.scatter(
                [neuron[0]],
                [places[neuron[0]][neuron[1]]],
                s=230,
                facecolors="none",
                edgecolors="black",
                linewidths=2.2,
                zorder=3,
            )
        )
    return groups
