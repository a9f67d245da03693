"""The picture of one network at one pruning level: fast enough to follow a slider.  Public through ``explorer``.

What stays the same while the slider moves (curves, axes, legends, labels) is drawn once and kept as
pixels; only the rest is drawn anew, without laying out the figure again.  A unit keeps its place
relative to its layer's others at all levels of a run, so that what changes is what was pruned.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from lth_utils import connectivity
from lth_utils.explorer.drawing import (
    NONE,
    SEVERAL,
    Lines,
    choose_edges,
    choose_pruned,
    draw_dots,
    draw_lines,
    element_colours,
    line_segments,
    name_ends,
    place_units,
    task_colour,
    touched_units,
    unit_order,
)
from lth_utils.explorer.image_panels import class_accuracy, classes, panels, pixels, side
from lth_utils.explorer.panels import (
    coverage_cells,
    coverage_frame,
    curve_colours,
    note_aside,
    region_artists,
    region_panels,
    say_no_regions,
    say_untrained,
    scatter_test_points,
    task_curves,
    weight_curves,
)
from lth_utils.explorer.run import LOOK, Options, Run, relatives
from lth_utils.explorer.values import chances, forward
from lth_utils.plots.style import STATE_COLOURS, STATUS_COLOURS
from lth_utils.connectivity import out_degrees

WIDE = {
    "size": (15.4, 8.6),
    "network": (0.045, 0.075, 0.42, 0.80),
    "head": (0.012, 0.985),
    "regions": (0.535, 0.575, 0.455, 0.37),
    "coverage": (0.845, 0.325, 0.145, 0.145),
    "weights": (0.535, 0.325, 0.215, 0.15),
    "loss": (0.535, 0.065, 0.195, 0.17),
    "accuracy": (0.795, 0.065, 0.195, 0.17),
}

TALL = {
    "size": (8.2, 13.0),
    "network": (0.085, 0.642, 0.74, 0.28),
    "head": (0.02, 0.993),
    "regions": (0.085, 0.373, 0.895, 0.208),
    "coverage": (0.73, 0.192, 0.25, 0.077),
    "weights": (0.085, 0.2, 0.42, 0.092),
    "loss": (0.085, 0.038, 0.39, 0.096),
    "accuracy": (0.595, 0.038, 0.385, 0.096),
}
"""Places of the panels, as shares of a view of this size in inches: one run alone, and one beside another."""


class View:
    """One run's part of a figure: the panels that stay, and those that a level adds."""

    def __init__(self, figure: Figure | SubFigure, run: Run, options: Options, layout: dict):
        self.figure, self.run, self.options, self.layout = figure, run, options, layout
        fits = (
            options.neuron
            and options.neuron[0] < len(run.shape)
            and options.neuron[1] < run.shape[options.neuron[0]]
        )
        self.neuron = options.neuron if fits else None
        if "order" not in run.kept:
            run.kept["order"] = unit_order(run)
        self.flat = [
            k for k, t in enumerate(run.tasks) if len(t.inputs) == 2 and len(t.outputs) == 1
        ]
        self.network = figure.add_axes(layout["network"])
        self.network.set(xlim=(-0.08, len(run.shape) - 0.92), ylim=(-0.02, 1.02))
        self.network.set_axis_off()
        name_ends(self.network, run)
        self._legend()
        self.regions = region_panels(figure, run, self.flat, layout["regions"])
        self.images = []
        if all(map(side, run.tasks)):
            self.images = panels(figure, run.tasks, layout["regions"], layout["size"])
        elif not self.flat:
            say_no_regions(figure, run, layout["regions"])
        self.weights, self.loss, self.accuracy = (
            figure.add_axes(layout[name]) for name in ("weights", "loss", "accuracy")
        )
        weight_curves(self.weights, run)
        task_curves(self.loss, run, "loss")
        task_curves(self.accuracy, run, "accuracy")
        self.coverage = figure.add_axes(layout["coverage"])
        coverage_frame(self.coverage, run)
        self.passing, self.cursors, self.points = [], [], []

    def _legend(self):
        line = {"lw": 3, "marker": "o", "ms": 7, "mec": "white"}
        if self.options.colours == "state":
            handles = [
                Line2D([], [], color=STATE_COLOURS[n], label=n, **line)
                for n in ("active", "inactive", "zombie")
            ]
        else:
            handles = [
                Line2D([], [], color=task_colour(k), label=t.name, **line)
                for k, t in enumerate(self.run.tasks)
            ]
            names = (
                "several tasks",
                "no subnetwork" if self.options.colours == "subnetwork" else "no output",
            )
            handles += [
                Line2D([], [], color=c, label=n, **line)
                for c, n in zip((SEVERAL, NONE), names, strict=True)
            ]
        if self.options.pruned:
            handles.append(Line2D([], [], color=NONE, lw=0.8, label="pruned"))
        self.network.legend(
            handles=handles,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.005),
            ncols=len(handles),
            columnspacing=1.4,
        )

    def level(self, row: int) -> list[Artist]:
        """Show a level in place of the one before; returns the artists that depend on it, to be drawn in this order."""
        for artist in self.passing:
            artist.remove()
        ticket = self.run.ticket(row)
        found = connectivity.structure(ticket.masks, self.run.tasks, self.run.kind)
        regions = self._image(ticket, row) if self.images else self._region(ticket, row)
        self.passing = [
            *self._head(ticket, row, found),
            *self._network(ticket, found),
            *coverage_cells(self.coverage, self.run, found),
            *regions,
        ]
        return [*self.passing, *self._points(ticket), *self._cursors(row)]

    def _head(self, ticket, row, found):
        x, y = self.layout["head"]
        line = 0.30 / self.layout["size"][1]
        numbers = self.run.rows.iloc[row]
        plural = "" if numbers["subnetworks"] == 1 else "s"
        widths = "" if ticket.trained is not None else "; widths of lines: initial values"
        texts = [
            (
                f"{self.run.title} · level {ticket.level} of {self.run.rows['level'].iloc[-1]}",
                {"weight": "bold", "size": 13},
            ),
            (found.status, {"weight": "bold", "size": 12, "color": STATUS_COLOURS[found.status]}),
        ]
        artists = [
            self.figure.text(x, y - n * line, text, va="top", **look)
            for n, (text, look) in enumerate(texts)
        ]
        about = f"{numbers['active']} of {numbers['available']} weights active, in {numbers['subnetworks']} subnetwork{plural}{widths}"
        beside = x + (0.25 + 0.102 * len(found.status)) / self.layout["size"][0]
        return [*artists, self.figure.text(beside, y - 1.03 * line, about, va="top", size=11)]

    def _network(self, ticket, found):
        options, masks = self.options, [m[0].numpy() for m in ticket.masks]
        family = relatives(masks, *self.neuron) if self.neuron else None
        edges = choose_edges(ticket, masks, family)
        faint = choose_pruned(self.run, masks) if options.pruned else None
        shown = [
            np.ones(u, bool) if options.pruned else m
            for u, m in zip(self.run.shape, touched_units(masks), strict=True)
        ]
        if self.neuron:
            shown[self.neuron[0]][self.neuron[1]] = True
        shown[0], shown[-1] = np.ones(self.run.shape[0], bool), np.ones(self.run.shape[-1], bool)
        places = place_units(self.run.kept["order"], shown, found.subnetworks)
        of_unit, of_edge = element_colours(options.colours, found, edges, self.run.tasks)
        artists, notes = [], []
        if faint is not None:
            layer, i, j, count = faint
            artists += (
                [
                    Lines(
                        line_segments(places, layer, i, j),
                        linewidths=0.4,
                        edgecolors=NONE,
                        alpha=0.45,
                    )
                ]
                if len(layer)
                else []
            )
            notes += (
                [f"{len(layer)} of {count} pruned weights are drawn, those that lived longest"]
                if len(layer) < count
                else []
            )
        artists += draw_lines(places, edges, of_edge, dimmed=family is not None)
        for artist in artists:
            self.network.add_collection(artist, autolim=False)
        artists += draw_dots(self.network, places, of_unit, family, self.neuron)
        if len(edges.layer) < edges.total:
            notes.append(
                f"{len(edges.layer)} of {edges.total} weights are drawn, the largest of each layer{' and family' if family else ''} first"
            )
        if notes:
            artists.append(
                self.network.text(
                    0.5,
                    1.015,
                    "\n".join(notes),
                    transform=self.network.transAxes,
                    ha="center",
                    va="bottom",
                    size=9.5,
                )
            )
        return artists

    def _region(self, ticket, row):
        artists = []
        if ticket.trained is not None and self.flat and ("regions", row) not in self.run.kept:
            ends = [(*ax.get_xlim(), *ax.get_ylim()) for ax in self.regions]
            self.run.kept["regions", row] = chances(ticket, self.flat, ends)
        for n, (ax, k) in enumerate(zip(self.regions, self.flat, strict=True)):
            artists.append(self._title(ax, k, row))
            artists += (
                [say_untrained(ax, ticket)]
                if ticket.trained is None
                else region_artists(ax, k, self.run.kept["regions", row][n])
            )
        return artists

    def _title(self, ax, k, row):
        name = self.run.tasks[k].name
        accuracy = self.run.rows.get(f"accuracy_{name}")
        return ax.text(
            0,
            1.03,
            name + ("" if accuracy is None else f": accuracy {accuracy.iloc[row]:.1%}"),
            transform=ax.transAxes,
            size=11,
        )

    def _image(self, ticket, row):
        """Where each task's image is looked at, and which of its classes are known."""
        run, artists = self.run, []
        weights = out_degrees(ticket.masks)[1]
        if (
            run.dataset is not None
            and ticket.trained is not None
            and ("classes", row) not in run.kept
        ):
            run.kept["classes", row] = class_accuracy(
                run.dataset, forward(ticket, run.dataset.x_test)[-1]
            )
        known = run.kept.get(("classes", row))
        for panel, task in zip(self.images, run.tasks, strict=True):
            artists += [
                self._title(panel.pixels, panel.task, row),
                *pixels(panel, task, weights, int(weights.max())),
            ]
            if known:
                artists += classes(
                    panel, known[panel.task], run.names.get(task.name, range(task.classes))
                )
            elif run.dataset is None:
                artists.append(note_aside(panel.classes, "no test half came\nwith these tickets"))
            else:
                artists.append(say_untrained(panel.classes, ticket))
        return artists

    def _points(self, ticket):
        """The test half, above the regions; made once, with the first level."""
        if not self.points:
            self.points = [
                a
                for ax, k in zip(self.regions, self.flat, strict=True)
                for a in scatter_test_points(ax, self.run, k)
            ]
        for artist in self.points:
            artist.set_visible(ticket.trained is not None)
        return self.points

    def _cursors(self, row):
        """A line at the level and a dot on each curve, made once and moved."""
        if not self.cursors:
            tasks = [(f"{t.name}", task_colour(k)) for k, t in enumerate(self.run.tasks)]
            curves = [(self.weights, list(curve_colours().items()))]
            curves += [
                (ax, [(f"{what}_{name}", c) for name, c in tasks])
                for ax, what in ((self.loss, "loss"), (self.accuracy, "accuracy"))
            ]
            for ax, columns in curves:
                if ax.axison:
                    self.cursors.append((ax.axvline(color="#333333", lw=1.2, alpha=0.8), None))
                    self.cursors += [
                        (ax.plot([], [], "o", ms=7, color=c, mec="white", clip_on=False)[0], name)
                        for name, c in columns
                    ]
        numbers = self.run.rows.iloc[row]
        for artist, column in self.cursors:
            artist.set_xdata([numbers["level"]] * (2 if column is None else 1))
            if column is not None:
                artist.set_ydata([numbers[column]])
        return [artist for artist, _ in self.cursors]


def figure(sights: Sequence[tuple[Run, int]], options: Options) -> Figure:
    """One run at one row, or two beside each other, as a figure to be saved in any format."""
    with mpl.rc_context(LOOK):
        drawn, views = lay_out([run for run, _ in sights], options)
        for view, (_, row) in zip(views, sights, strict=True):
            view.level(row)
    return drawn


def lay_out(runs: Sequence[Run], options: Options) -> tuple[Figure, list[View]]:
    """The figure for one run or for two, without what belongs to a level."""
    layout = WIDE if len(runs) == 1 else TALL
    width, height = layout["size"]
    whole = Figure(figsize=(width * len(runs), height))
    FigureCanvasAgg(whole)
    parts = [whole] if len(runs) == 1 else whole.subfigures(1, len(runs))
    return whole, [View(part, run, options, layout) for part, run in zip(parts, runs, strict=True)]
