"""The picture of one network at one pruning level: fast enough to follow a slider.  Public through ``explorer``.

What stays the same while the slider moves (curves, axes, legends, labels) is drawn once and kept as
pixels; only the rest is drawn anew, without laying out the figure again.  A unit keeps its place
relative to its layer's others at all levels of a run, so that what changes is what was pruned.
"""
from __future__ import annotations

import contextlib
import gc
import struct
import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import contourpy
import matplotlib as mpl
import numpy as np
import pandas as pd
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection, LineCollection
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter
from scipy.sparse import csr_array

from lth_utils import _image_view, claims, connectivity, plots
from lth_utils.connectivity import ACTIVE, INACTIVE, STATE_NAMES
from lth_utils.data import Dataset, Task
from lth_utils.plots import STATE_COLOURS, STATUS_COLOURS, STYLE, TASK_COLOURS
from lth_utils.population import Ticket
from lth_utils.pruning import n_weights
from lth_utils.store import KEEP_TRAINED

COLOURS = {"state": "state of each weight", "subnetwork": "subnetwork, by the task it serves", "task": "task whose outputs it leads to"}
SEVERAL, NONE = "#777777", STATE_COLOURS["pruned"]
GRID = 64
"""Points per side at which a decision region is computed."""
MAX_PRUNED = 1500
"""Pruned weights drawn at most, those that lived longest."""
MAX_ROWS = 7
"""Subnetworks listed at most in the coverage matrix."""

LOOK = {**STYLE, "font.size": 10.5, "axes.titlesize": 11, "axes.labelsize": 10, "xtick.labelsize": 9, "ytick.labelsize": 9,
        "axes.linewidth": 0.7, "lines.linewidth": 1.8, "path.simplify_threshold": 0.5}


# ---------------------------------------------------------------------- what is looked at
@dataclass(frozen=True, eq=False)
class Run:
    """One network through its levels, wherever it came from.

    key: names it in caches and files; title: names it for people; rows: one per level, as in
    ``Store.table``; alive: over layers ``[O, I]``, at how many levels each weight was there; ticket:
    opens a row; kind: of coverage; dataset: None where it is not known; names: of classes, by the task's name.
    """
    key: str
    title: str
    shape: tuple[int, ...]
    tasks: tuple[Task, ...]
    rows: pd.DataFrame
    alive: list[np.ndarray]
    ticket: Callable[[int], Ticket]
    kind: str = "total"
    dataset: Dataset | None = None
    names: dict[str, Sequence[str]] = field(default_factory=dict)
    kept: dict = field(default_factory=dict)

    def chosen(self) -> int:
        """The row to look at first: where the network first separated, else the last one that is not degraded, else the last."""
        words = list(self.rows["status"])
        whole = [n for n, word in enumerate(words) if word != "degraded"]
        return words.index("separated") if "separated" in words else (whole or [len(words) - 1])[-1]


@dataclass(frozen=True)
class Options:
    """How to draw: colours, a key of ``COLOURS``; pruned: pruned weights too; neuron: (layer, unit) to light up, or None."""
    colours: str = "state"
    pruned: bool = False
    neuron: tuple[int, int] | None = None


# ---------------------------------------------------------------------- where units go
def unit_order(run: Run) -> list[np.ndarray]:
    """Over layers the rank of each unit, the same at all levels: subnetworks apart, crossings few.

    Subnetworks are those of the chosen level; a unit outside goes to the one its longest-lived
    weights lead to.  Within one, units are sorted by the mean place of their neighbours.
    """
    longest = max(a.max() for a in run.alive)
    pull = [np.exp2(a.astype(np.float32) - longest) * (a > 0) for a in run.alive]      # each level more counts twice
    labels = connectivity.structure(run.ticket(run.chosen()).masks, run.tasks, run.kind).subnetworks
    n = max(int(label.max(initial=-1)) for label in labels) + 1
    ends = [np.flatnonzero(labels[-1] == j).mean() for j in range(n)]      # those that serve the upper outputs come first
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


def _places(ranks: Sequence[np.ndarray], shown: Sequence[np.ndarray], labels: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Height of each unit in 0…1, NaN where not shown; between units of two subnetworks there is a gap."""
    places = [np.full(len(r), np.nan) for r in ranks]
    for place, rank, seen, label in zip(places, ranks, shown, labels, strict=True):
        order = np.flatnonzero(seen)[np.argsort(rank[seen])]
        if len(order) == 0:
            continue
        inside = label[order]
        gap = max(1.0, 0.08 * len(order))
        last = np.maximum.accumulate(np.where(inside >= 0, np.arange(len(order)), -1))       # nearest unit above that is in a subnetwork
        known = np.where(last >= 0, inside[last], inside)
        height = np.arange(len(order)) + gap * np.concatenate([[0], np.cumsum((known[1:] != known[:-1]) & (known[:-1] >= 0))])
        place[order] = 1 - (height + 0.5) / (height[-1] + 1)
    for end in (0, -1):      # inputs and outputs never move
        places[end] = 1 - (np.arange(len(ranks[end])) + 0.5) / len(ranks[end])
    return places


# ---------------------------------------------------------------------- which weights are drawn
def relatives(masks: Sequence[np.ndarray], layer: int, unit: int) -> list[np.ndarray]:
    """Over layers bool ``[U]``: the unit, its ancestors (before it) and its descendants (after it)."""
    units = [np.zeros(m.shape[1], bool) for m in masks] + [np.zeros(masks[-1].shape[0], bool)]
    units[layer][unit] = True
    for n in range(layer, len(masks)):
        units[n + 1] = masks[n][:, units[n]].any(1)
    for n in range(layer, 0, -1):
        units[n - 1] = masks[n - 1][units[n]].any(0)
    return units


@dataclass(frozen=True)
class Edges:
    """The weights to draw, thinnest first: layer, source i, target j, strength 0…1, lit; total: how many there are."""
    layer: np.ndarray
    i: np.ndarray
    j: np.ndarray
    strength: np.ndarray
    lit: np.ndarray
    total: int


def _edges(ticket: Ticket, masks: Sequence[np.ndarray], family: Sequence[np.ndarray] | None) -> Edges:
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
    most = plots.MAX_EDGES
    return np.argpartition(values, len(values) - most)[len(values) - most:] if len(values) > most else np.arange(len(values))


class Lines(Collection):
    """Straight lines ``[E, 2, 2]`` as one path and a matrix for each: without an object per line, thousands are made at once."""

    def __init__(self, ends: np.ndarray, **look):
        # as many lines are drawn as there are offsets; all of them are zero
        super().__init__(facecolors="none", offsets=np.zeros((len(ends), 2)), offset_transform=mpl.transforms.IdentityTransform(), **look)
        self.set_paths([mpl.path.Path([[0, 0], [1, 0]])])
        self.matrices = np.zeros((len(ends), 3, 3))
        self.matrices[:, :2, 0], self.matrices[:, :2, 2], self.matrices[:, 2, 2] = ends[:, 1] - ends[:, 0], ends[:, 0], 1

    def set_paths(self, paths):
        self._paths = paths

    def get_transforms(self) -> np.ndarray:
        return self.matrices


def _segments(places: Sequence[np.ndarray], layer: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Lines ``[E, 2, 2]``."""
    starts = np.cumsum([0, *(len(p) for p in places)])
    flat = np.concatenate(places)
    return np.stack([np.stack([layer, flat[starts[layer] + i]], 1), np.stack([layer + 1, flat[starts[layer + 1] + j]], 1)], 1)


# ---------------------------------------------------------------------- one view
WIDE = {"size": (15.4, 8.6), "network": (0.045, 0.075, 0.42, 0.80), "head": (0.012, 0.985), "regions": (0.535, 0.575, 0.455, 0.37),
        "coverage": (0.845, 0.325, 0.145, 0.145), "weights": (0.535, 0.325, 0.215, 0.15), "loss": (0.535, 0.065, 0.195, 0.17),
        "accuracy": (0.795, 0.065, 0.195, 0.17)}
TALL = {"size": (8.2, 13.0), "network": (0.085, 0.642, 0.74, 0.28), "head": (0.02, 0.993), "regions": (0.085, 0.373, 0.895, 0.208),
        "coverage": (0.73, 0.192, 0.25, 0.077), "weights": (0.085, 0.2, 0.42, 0.092), "loss": (0.085, 0.038, 0.39, 0.096),
        "accuracy": (0.595, 0.038, 0.385, 0.096)}
"""Places of the panels, as shares of a view of this size in inches: one run alone, and one beside another."""


class View:
    """One run's part of a figure: the panels that stay, and those that a level adds."""

    def __init__(self, figure: Figure | SubFigure, run: Run, options: Options, layout: dict):
        self.figure, self.run, self.options, self.layout = figure, run, options, layout
        fits = options.neuron and options.neuron[0] < len(run.shape) and options.neuron[1] < run.shape[options.neuron[0]]
        self.neuron = options.neuron if fits else None
        if "order" not in run.kept:
            run.kept["order"] = unit_order(run)
        self.flat = [k for k, t in enumerate(run.tasks) if len(t.inputs) == 2 and len(t.outputs) == 1]
        self.network = figure.add_axes(layout["network"])
        self.network.set(xlim=(-0.08, len(run.shape) - 0.92), ylim=(-0.02, 1.02))
        self.network.set_axis_off()
        _end_names(self.network, run)
        self._legend()
        self.regions = _region_panels(figure, run, self.flat, layout["regions"])
        self.images = []
        if all(map(_image_view.side, run.tasks)):
            self.images = _image_view.panels(figure, run.tasks, layout["regions"], layout["size"])
        elif not self.flat:
            _no_regions(figure, run, layout["regions"])
        self.weights, self.loss, self.accuracy = (figure.add_axes(layout[name]) for name in ("weights", "loss", "accuracy"))
        _weight_curves(self.weights, run)
        _task_curves(self.loss, run, "loss")
        _task_curves(self.accuracy, run, "accuracy")
        self.coverage = figure.add_axes(layout["coverage"])
        _coverage_frame(self.coverage, run)
        self.passing, self.cursors, self.points = [], [], []

    def _legend(self):
        line = {"lw": 3, "marker": "o", "ms": 7, "mec": "white"}
        if self.options.colours == "state":
            handles = [Line2D([], [], color=STATE_COLOURS[n], label=n, **line) for n in ("active", "inactive", "zombie")]
        else:
            handles = [Line2D([], [], color=_task_colour(k), label=t.name, **line) for k, t in enumerate(self.run.tasks)]
            names = ("several tasks", "no subnetwork" if self.options.colours == "subnetwork" else "no output")
            handles += [Line2D([], [], color=c, label=n, **line) for c, n in zip((SEVERAL, NONE), names, strict=True)]
        if self.options.pruned:
            handles.append(Line2D([], [], color=NONE, lw=0.8, label="pruned"))
        self.network.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.005), ncols=len(handles), columnspacing=1.4)

    def level(self, row: int) -> list[Artist]:
        """Show a level in place of the one before; returns the artists that depend on it, to be drawn in this order."""
        for artist in self.passing:
            artist.remove()
        ticket = self.run.ticket(row)
        found = connectivity.structure(ticket.masks, self.run.tasks, self.run.kind)
        regions = self._image(ticket, row) if self.images else self._region(ticket, row)
        self.passing = [*self._head(ticket, row, found), *self._network(ticket, found), *_coverage_cells(self.coverage, self.run, found), *regions]
        return [*self.passing, *self._points(ticket), *self._cursors(row)]

    def _head(self, ticket, row, found):
        x, y = self.layout["head"]
        line = 0.30 / self.layout["size"][1]
        numbers = self.run.rows.iloc[row]
        plural = "" if numbers["subnetworks"] == 1 else "s"
        widths = "" if ticket.trained is not None else "; widths of lines: initial values"
        texts = [(f"{self.run.title} · level {ticket.level} of {self.run.rows['level'].iloc[-1]}", {"weight": "bold", "size": 13}),
                 (found.status, {"weight": "bold", "size": 12, "color": STATUS_COLOURS[found.status]})]
        artists = [self.figure.text(x, y - n * line, text, va="top", **look) for n, (text, look) in enumerate(texts)]
        about = f"{numbers['active']} of {numbers['available']} weights active, in {numbers['subnetworks']} subnetwork{plural}{widths}"
        beside = x + (0.25 + 0.102 * len(found.status)) / self.layout["size"][0]
        return [*artists, self.figure.text(beside, y - 1.03 * line, about, va="top", size=11)]

    def _network(self, ticket, found):
        options, masks = self.options, [m[0].numpy() for m in ticket.masks]
        family = relatives(masks, *self.neuron) if self.neuron else None
        edges = _edges(ticket, masks, family)
        faint = _pruned(self.run, masks) if options.pruned else None
        shown = [np.ones(u, bool) if options.pruned else m for u, m in zip(self.run.shape, _touched(masks), strict=True)]
        if self.neuron:
            shown[self.neuron[0]][self.neuron[1]] = True
        shown[0], shown[-1] = np.ones(self.run.shape[0], bool), np.ones(self.run.shape[-1], bool)
        places = _places(self.run.kept["order"], shown, found.subnetworks)
        of_unit, of_edge = _colours(options.colours, found, edges, self.run.tasks)
        artists, notes = [], []
        if faint is not None:
            layer, i, j, count = faint
            artists += [Lines(_segments(places, layer, i, j), linewidths=0.4, edgecolors=NONE, alpha=0.45)] if len(layer) else []
            notes += [f"{len(layer)} of {count} pruned weights are drawn, those that lived longest"] if len(layer) < count else []
        artists += _lines(places, edges, of_edge, dimmed=family is not None)
        for artist in artists:
            self.network.add_collection(artist, autolim=False)
        artists += _dots(self.network, places, of_unit, family, self.neuron)
        if len(edges.layer) < edges.total:
            notes.append(f"{len(edges.layer)} of {edges.total} weights are drawn, the largest of each layer{' and family' if family else ''} first")
        if notes:
            artists.append(self.network.text(0.5, 1.015, "\n".join(notes), transform=self.network.transAxes, ha="center", va="bottom", size=9.5))
        return artists

    def _region(self, ticket, row):
        artists = []
        if ticket.trained is not None and self.flat and ("regions", row) not in self.run.kept:
            ends = [(*ax.get_xlim(), *ax.get_ylim()) for ax in self.regions]
            self.run.kept["regions", row] = chances(ticket, self.flat, ends)
        for n, (ax, k) in enumerate(zip(self.regions, self.flat, strict=True)):
            artists.append(self._title(ax, k, row))
            artists += [_untrained(ax, ticket)] if ticket.trained is None else _region_artists(ax, k, self.run.kept["regions", row][n])
        return artists

    def _title(self, ax, k, row):
        name = self.run.tasks[k].name
        accuracy = self.run.rows.get(f"accuracy_{name}")
        return ax.text(0, 1.03, name + ("" if accuracy is None else f": accuracy {accuracy.iloc[row]:.1%}"), transform=ax.transAxes, size=11)

    def _image(self, ticket, row):
        """Where each task's image is looked at, and which of its classes are known."""
        run, artists = self.run, []
        weights = claims.leaving(ticket.masks)[1]
        if run.dataset is not None and ticket.trained is not None and ("classes", row) not in run.kept:
            run.kept["classes", row] = _image_view.class_accuracy(run.dataset, forward(ticket, run.dataset.x_test)[-1])
        known = run.kept.get(("classes", row))
        for panel, task in zip(self.images, run.tasks, strict=True):
            artists += [self._title(panel.pixels, panel.task, row), *_image_view.pixels(panel, task, weights, int(weights.max()))]
            if known:
                artists += _image_view.classes(panel, known[panel.task], run.names.get(task.name, range(task.classes)))
            elif run.dataset is None:
                artists.append(_aside(panel.classes, "no test half came\nwith these tickets"))
            else:
                artists.append(_untrained(panel.classes, ticket))
        return artists

    def _points(self, ticket):
        """The test half, above the regions; made once, with the first level."""
        if not self.points:
            self.points = [a for ax, k in zip(self.regions, self.flat, strict=True) for a in _test_half(ax, self.run, k)]
        for artist in self.points:
            artist.set_visible(ticket.trained is not None)
        return self.points

    def _cursors(self, row):
        """A line at the level and a dot on each curve, made once and moved."""
        if not self.cursors:
            tasks = [(f"{t.name}", _task_colour(k)) for k, t in enumerate(self.run.tasks)]
            curves = [(self.weights, list(_curve_colours().items()))]
            curves += [(ax, [(f"{what}_{name}", c) for name, c in tasks]) for ax, what in ((self.loss, "loss"), (self.accuracy, "accuracy"))]
            for ax, columns in curves:
                if ax.axison:
                    self.cursors.append((ax.axvline(color="#333333", lw=1.2, alpha=0.8), None))
                    self.cursors += [(ax.plot([], [], "o", ms=7, color=c, mec="white", clip_on=False)[0], name) for name, c in columns]
        numbers = self.run.rows.iloc[row]
        for artist, column in self.cursors:
            artist.set_xdata([numbers["level"]] * (2 if column is None else 1))
            if column is not None:
                artist.set_ydata([numbers[column]])
        return [artist for artist, _ in self.cursors]


def _task_colour(k: int) -> str:
    return TASK_COLOURS[k % len(TASK_COLOURS)]


# ---------------------------------------------------------------------- network panel
def _end_names(ax: Axes, run: Run):
    if max(run.shape[0], run.shape[-1]) > 24:
        for x, end, name in ((-0.06, 0, "inputs"), (len(run.shape) - 0.94, -1, "outputs")):
            ax.text(x, 0.5, f"{run.shape[end]} {name}", rotation=90, ha="right" if end == 0 else "left", va="center")
        return
    for k, task in enumerate(run.tasks):
        look = {"va": "center", "color": _task_colour(k), "weight": "bold"}
        for i in task.inputs:
            ax.text(-0.06, 1 - (i + 0.5) / run.shape[0], f"x{i + 1}", ha="right", **look)
        for o in task.outputs:
            ax.text(len(run.shape) - 0.94, 1 - (o + 0.5) / run.shape[-1], f"y{o + 1}\n{task.name}", ha="left", **look)


def _touched(masks) -> list[np.ndarray]:
    """Units at which any weight is left."""
    first, last = masks[0].any(0), masks[-1].any(1)
    return [first, *(a.any(1) | b.any(0) for a, b in pairwise(masks)), last]


def _pruned(run: Run, masks):
    """Pruned weights to draw, those that lived longest: layer, i, j and how many there are."""
    flat = np.concatenate([a.ravel() for a in run.alive])
    gone = np.flatnonzero(~np.concatenate([m.ravel() for m in masks]))
    best = gone[np.argsort(-flat[gone].astype(np.int16), kind="stable")[:MAX_PRUNED]]
    starts = np.cumsum([0, *(m.size for m in masks)])
    layer = np.searchsorted(starts, best, side="right") - 1
    j, i = np.divmod(best - starts[layer], np.array([m.shape[1] for m in masks])[layer])
    return layer, i, j, len(gone)


def _colours(by: str, found: connectivity.Structure, edges: Edges, tasks) -> tuple[list[np.ndarray], np.ndarray]:
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
        palette = mpl.colors.to_rgba_array([*(_task_colour(k) for k in range(len(tasks))), SEVERAL, NONE])
        if by == "subnetwork":
            serves = [_one(found.coverage[n] > 0, len(tasks)) for n in range(len(found.coverage))]
            label = np.concatenate(found.subnetworks)
            unit = np.array([*serves, len(tasks) + 1])[label]
            edge = np.where(of_edge == ACTIVE, unit[source], len(tasks) + 1)
        else:
            leads = np.concatenate(found.leads)
            to_task = np.stack([leads[:, t.outputs.start:t.outputs.stop].any(1) for t in tasks], 1)
            unit = np.where(to_task.sum(1) == 1, to_task.argmax(1), np.where(to_task.any(1), len(tasks), len(tasks) + 1))
            edge = unit[target]
    return np.split(palette[unit], starts[1:-1]), palette[edge]


def _one(served: np.ndarray, several: int) -> int:
    return int(served.argmax()) if served.sum() == 1 else several + (not served.any())


def _lines(places, edges: Edges, colours: np.ndarray, dimmed: bool) -> list[Lines]:
    crowd = min(1.0, 150 / max(1, len(edges.layer)))
    widths = (0.5 + 2.5 * edges.strength) * (0.35 + 0.65 * crowd)
    segments, alpha, groups = _segments(places, edges.layer, edges.i, edges.j), 0.28 + 0.57 * crowd, []
    if dimmed:
        rest = ~edges.lit
        groups += [Lines(segments[rest], linewidths=0.6, edgecolors="#CCCCCC", alpha=0.25 + 0.3 * crowd)] if rest.any() else []
        crowd = min(1.0, 150 / max(1, edges.lit.sum()))
        segments, colours, widths, alpha = segments[edges.lit], colours[edges.lit], widths[edges.lit] * 1.3, 0.5 + 0.5 * crowd
    # lines come thinnest first; a collection of one width is made several times faster than one of many
    bins = np.digitize(widths, np.linspace(widths.min(), widths.max(), 12)) if len(widths) else []
    for n in np.unique(bins):
        groups.append(Lines(segments[bins == n], linewidths=widths[bins == n].mean(), edgecolors=colours[bins == n], alpha=alpha))
    for group in groups:
        group.set(rasterized=len(edges.layer) > 1000, zorder=1)
    return groups


def _dots(ax: Axes, places, colours, family, neuron) -> list[Artist]:
    layer = np.concatenate([np.full(len(p), n) for n, p in enumerate(places)])
    height, colour = np.concatenate(places), np.concatenate(colours)
    lit = np.concatenate(family) if family else np.ones(len(height), bool)
    crowd = [np.isfinite(p).sum() for p in places]
    size = np.array([75 if n <= 40 else 26 if n <= 120 else 5 for n in crowd])[layer]
    seen, look = np.isfinite(height), {"edgecolors": "white", "linewidths": 0.8 if max(crowd) <= 120 else 0.3}
    groups = []
    for these in (seen & ~lit, seen & lit):
        face = colour[these] if (these & lit).any() else "#DDDDDD"
        groups.append(ax.scatter(layer[these], height[these], s=size[these], c=face, zorder=2, **look))
    if neuron:
        groups.append(ax.scatter([neuron[0]], [places[neuron[0]][neuron[1]]], s=230, facecolors="none", edgecolors="black", linewidths=2.2, zorder=3))
    return groups


# ---------------------------------------------------------------------- decision regions
def _no_regions(figure, run: Run, box):
    x, y, width, height = box
    figure.text(x + width / 2, y + height / 2, "Decision regions are drawn for tasks with two inputs and one output,\n"
                "pixels for images; these have " + ", ".join(f"{len(t.inputs)} ({t.name})" for t in run.tasks) + " inputs.",
                ha="center", va="center", color="#555555")


def _untrained(ax: Axes, ticket: Ticket) -> Artist:
    many = sum(int(m.sum()) for m in ticket.masks) > KEEP_TRAINED
    return _aside(ax, "trained values\nof this level\nwere not kept" + (f":\nmore than\n{KEEP_TRAINED} weights" if many else ""))


def _aside(ax: Axes, text: str) -> Artist:
    """A sentence in place of what cannot be drawn."""
    return ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color="#555555")


def _region_panels(figure, run: Run, flat: Sequence[int], box) -> list[Axes]:
    """One panel per task of two inputs and one output, side by side."""
    x, y, width, height = box
    gap = 0.055 * width / 0.455
    each = (width - gap * (len(flat) - 1)) / max(1, len(flat))
    panels = []
    for n, k in enumerate(flat):
        ax, task = figure.add_axes((x + n * (each + gap), y, each, height)), run.tasks[k]
        points = _test_points(run, k)
        low, high = (points.min(0) - 0.3, points.max(0) + 0.3) if points is not None else (np.full(2, -2.5), np.full(2, 2.5))
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel=f"x{task.inputs.start + 1}")
        ax.set_ylabel(f"x{task.inputs.start + 2}", labelpad=0)
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        panels.append(ax)
    return panels


def _test_points(run: Run, k: int) -> np.ndarray | None:
    columns = run.tasks[k].inputs
    return None if run.dataset is None else run.dataset.x_test[:, columns.start:columns.stop]


def chances(ticket: Ticket, flat: Sequence[int], extents: Sequence[tuple]) -> list[np.ndarray]:
    """Probability of class 1 of each task in `flat` on a grid ``[GRID, GRID]`` of its two inputs, all other inputs at zero.

    extents: per task the ends of the grid, as matplotlib has them.
    """
    inputs = np.zeros((len(flat), GRID, GRID, ticket.shape[0]), np.float32)
    for part, k, (left, right, bottom, top) in zip(inputs, flat, extents, strict=True):
        x, y = np.linspace(left, right, GRID), np.linspace(bottom, top, GRID)
        start = ticket.tasks[k].inputs.start
        part[..., start], part[..., start + 1] = x, y[:, None]
    logits = forward(ticket, inputs.reshape(-1, ticket.shape[0]))[-1].reshape(len(flat), GRID, GRID, -1)
    return [1 / (1 + np.exp(-part[..., ticket.tasks[k].outputs.start].clip(-60, 60))) for part, k in zip(logits, flat, strict=True)]


def forward(ticket: Ticket, inputs: np.ndarray, without: tuple[int, int] | None = None) -> list[np.ndarray]:
    """What every unit gives out, over layers ``[B, U]``: the inputs, then values after the ReLU, then logits.

    without: a unit (layer, unit) that is silenced.  Work follows the weights that are left.
    """
    biases = np.split(ticket.values()[n_weights(ticket.shape):], np.cumsum(ticket.shape[1:-1]))
    values = [inputs.T]
    for layer, (weights, bias) in enumerate(zip(ticket.weights, biases, strict=True), start=1):
        few = weights.numel() > 20000 and weights.count_nonzero() < 0.1 * weights.numel()
        if few:
            sparse = csr_array(weights[0].numpy())
            heard = np.unique(sparse.indices)
            out = sparse[:, heard] @ values[-1][heard]
        else:
            out = (weights[0] @ torch.from_numpy(values[-1])).numpy()
        out += bias[:, None]
        values.append(np.maximum(out, 0, out=out) if layer < len(ticket.shape) - 1 else out)
        if without and without[0] == layer:
            values[-1][without[1]] = 0
    return [v.T for v in values]


@contextlib.contextmanager
def undisturbed():
    """What must be quick runs without the two things that now and then take longer than itself.

    Waking other threads for small products, and looking through all objects of a large kernel for
    garbage: a drawing makes so many small objects that this would come every few pictures.
    """
    threads, collects = torch.get_num_threads(), gc.isenabled()
    torch.set_num_threads(1)
    gc.disable()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if collects:
            gc.enable()


def _region_artists(ax: Axes, k: int, chance: np.ndarray) -> list[Artist]:
    colour, extent = _task_colour(k), (*ax.get_xlim(), *ax.get_ylim())
    shades = mpl.colors.LinearSegmentedColormap.from_list("chance", [plots.tint(colour, 0.42), "white", plots.tint(colour, 0.12)])
    artists = [ax.imshow(shades(chance)[..., :3], extent=extent, origin="lower", aspect="auto", interpolation="bilinear", zorder=0)]
    borders = contourpy.contour_generator(np.linspace(*extent[:2], GRID), np.linspace(*extent[2:], GRID), chance).lines(0.5)
    artists.append(ax.add_collection(LineCollection(borders, colors=colour, linewidths=1.8, zorder=1), autolim=False))
    return artists


def _test_half(ax: Axes, run: Run, k: int) -> list[Artist]:
    if (points := _test_points(run, k)) is None:
        return []
    groups = [points[run.dataset.y_test[:, k] == label] for label in (0, 1)]
    return [ax.plot(*these.T, marker, ms=2.4, mew=0, color=plots.tint(_task_colour(k), share), zorder=2)[0]
            for these, marker, share in zip(groups, "o^", (1.0, 0.5), strict=True)]


# ---------------------------------------------------------------------- curves over the levels
def _curve_colours() -> dict[str, str]:
    return {"available": "#000000", **{n: STATE_COLOURS[n] for n in ("active", "inactive", "zombie")}}


def _level_axis(ax: Axes, run: Run):
    first, last = run.rows["level"].iloc[[0, -1]]
    ax.set(xlim=(first - 0.5, last + 0.5), xlabel="level")
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    ax.xaxis.labelpad = 1


def _weight_curves(ax: Axes, run: Run):
    """Weights by state over the levels; above them a band with the status of each level."""
    styles = {"available": "-", "active": "-", "inactive": "--", "zombie": ":"}
    for name, colour in _curve_colours().items():
        ax.plot(run.rows["level"], run.rows[name], styles[name], color=colour, marker="." if len(run.rows) == 1 else None, label=name)
    ax.set_yscale("symlog", linthresh=1)
    ax.set_ylim(0, 2 * run.rows["available"].max())
    ax.yaxis.set_major_locator(mpl.ticker.SymmetricalLogLocator(base=10, linthresh=1))
    ax.yaxis.set_minor_locator(mpl.ticker.NullLocator())
    _level_axis(ax, run)
    ax.set_ylabel("weights", labelpad=1)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9, handlelength=1.5, borderpad=0.1, labelspacing=0.3)
    blended = ax.get_xaxis_transform()
    for level, word in zip(run.rows["level"], run.rows["status"], strict=True):
        ax.add_patch(Rectangle((level - 0.5, 1.05), 1, 0.09, color=STATUS_COLOURS[word], transform=blended, clip_on=False, lw=0))
    words = list(dict.fromkeys(run.rows["status"]))
    ax.legend_.set_zorder(5)
    band = [Patch(color=STATUS_COLOURS[w], label=w) for w in words]
    ax.figure.add_artist(mpl.legend.Legend(ax, band, [w.get_label() for w in band], loc="lower left", bbox_to_anchor=(-0.02, 1.13), ncols=len(band),
                                           bbox_transform=ax.transAxes, fontsize=9, handlelength=1, handleheight=0.8, borderpad=0.1,
                                           columnspacing=1, frameon=False))


def _task_curves(ax: Axes, run: Run, what: str):
    """Loss or accuracy of each task over the levels."""
    columns = [f"{what}_{t.name}" for t in run.tasks]
    if columns[0] not in run.rows:
        ax.set_axis_off()
        _aside(ax, f"no {what} came\nwith these tickets")
        return
    for k, column in enumerate(columns):
        ax.plot(run.rows["level"], run.rows[column], ("-", "--", ":", "-.")[k % 4], color=_task_colour(k), label=run.tasks[k].name,
                marker="." if len(run.rows) == 1 else None)
    _level_axis(ax, run)
    if what == "loss":
        ax.set_yscale("log")
        values = run.rows[columns].to_numpy()
        ax.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5) if values.max() < 30 * values.min() else (1,)))
        ax.yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
        ax.yaxis.set_minor_locator(mpl.ticker.NullLocator())
        ax.legend(fontsize=9, handlelength=2, borderpad=0.1, loc="best")
    else:
        low = run.rows[columns].to_numpy().min()
        ax.set_ylim(low - 0.06 * (1.02 - low), 1 + 0.02 * (1.02 - low))
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0 if low < 0.95 else 1))
    ax.set_title(f"{what} on the test half", size=10.5, pad=4)


# ---------------------------------------------------------------------- coverage
def _rows_shown(run: Run) -> int:
    return int(np.clip(run.rows["subnetworks"].max(), 2, MAX_ROWS))


def _coverage_frame(ax: Axes, run: Run):
    ax.set(xlim=(-0.5, len(run.tasks) - 0.5), ylim=(_rows_shown(run) - 0.5, -0.5), xticks=range(len(run.tasks)), yticks=[])
    ax.set_xticklabels([t.name for t in run.tasks], rotation=0 if len(run.tasks) < 4 else 40)
    ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0, pad=2)
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_ylabel("subnetwork", labelpad=16)
    ax.text(-0.5, -0.5, "coverage of the tasks\n", size=10.5, va="bottom")


def _coverage_cells(ax: Axes, run: Run, found: connectivity.Structure) -> list[Artist]:
    """One cell per subnetwork and task, the darker the more is covered."""
    covers = found.coverage
    if not len(covers):
        return [_aside(ax, "no subnetwork is left")]
    artists = []
    height = _rows_shown(run)
    for j, row in enumerate(covers[:height]):
        if j == height - 1 < len(covers) - 1:
            artists.append(ax.text(-0.5, j, f"and {len(covers) - j} more", va="center", size=9))
            break
        artists.append(ax.text(-0.5 - 0.03 * len(run.tasks), j, f"{j + 1}", va="center", ha="right", size=10))
        for k, share in enumerate(row):
            colour = plots.tint(_task_colour(k), 0.85 * share)
            artists.append(ax.add_patch(Rectangle((k - 0.48, j - 0.46), 0.96, 0.92, facecolor=colour, edgecolor="#CCCCCC", lw=0.8)))
            artists.append(ax.text(k, j, f"{share:.0%}", ha="center", va="center", size=10, color="white" if share > 0.6 else "#222222"))
    return artists


# ---------------------------------------------------------------------- pictures
def figure(sights: Sequence[tuple[Run, int]], options: Options) -> Figure:
    """One run at one row, or two beside each other, as a figure to be saved in any format."""
    with mpl.rc_context(LOOK):
        drawn, views = _frame([run for run, _ in sights], options)
        for view, (_, row) in zip(views, sights, strict=True):
            view.level(row)
    return drawn


def _frame(runs: Sequence[Run], options: Options) -> tuple[Figure, list[View]]:
    """The figure for one run or for two, without what belongs to a level."""
    layout = WIDE if len(runs) == 1 else TALL
    width, height = layout["size"]
    whole = Figure(figsize=(width * len(runs), height))
    FigureCanvasAgg(whole)
    parts = [whole] if len(runs) == 1 else whole.subfigures(1, len(runs))
    return whole, [View(part, run, options, layout) for part, run in zip(parts, runs, strict=True)]


class Screen:
    """Pictures for the eye: PNG bytes, the last ones and the parts that stay are kept."""

    def __init__(self, pictures: int = 150, frames: int = 6):
        self.pictures, self.frames = OrderedDict(), OrderedDict()
        self.limits = pictures, frames

    def png(self, sights: Sequence[tuple[Run, int]], options: Options) -> bytes:
        key = (tuple((run.key, row) for run, row in sights), options)
        return _kept(self.pictures, key, self.limits[0], lambda: self._draw(sights, options))

    def _draw(self, sights, options):
        with mpl.rc_context(LOOK), undisturbed():
            key = (tuple(run.key for run, _ in sights), options)
            whole, views, background = _kept(self.frames, key, self.limits[1], lambda: _still(sights, options))
            whole.canvas.restore_region(background)
            for view, (_, row) in zip(views, sights, strict=True):
                for artist in view.level(row):
                    whole.draw_artist(artist)
            return _encode(np.asarray(whole.canvas.buffer_rgba())[..., :3])


def _still(sights, options):
    whole, views = _frame([run for run, _ in sights], options)
    whole.canvas.draw()
    return whole, views, whole.canvas.copy_from_bbox(whole.bbox)


def _encode(pixels: np.ndarray) -> bytes:
    """Pixels ``[height, width, 3]`` as PNG, unfiltered: areas of one colour are packed twice as fast and smaller than by the usual writers."""
    height, width, _ = pixels.shape
    lines = np.zeros((height, 1 + 3 * width), np.uint8)
    packed = lines[:, 1:].reshape(height, width, 3)      # a view
    for channel in range(3):      # six times as fast as all at once
        packed[..., channel] = pixels[..., channel]
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(lines, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(c)) + t + c + struct.pack(">I", zlib.crc32(t + c)) for t, c in chunks)


def _kept(cache: OrderedDict, key, limit: int, make: Callable):
    """What a cache holds under a key, made where it is missing; the least recently used goes first."""
    if key not in cache:
        cache[key] = make()
    cache.move_to_end(key)
    kept = cache[key]
    while len(cache) > limit:
        cache.popitem(last=False)
    return kept
