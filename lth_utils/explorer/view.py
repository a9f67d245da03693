"""The picture of one run at one pruning level, fast enough to follow a slider.

What stays the same while the slider moves (curves, axes, legends, labels) is made once; a level
adds the rest, without laying out the figure again.  A unit keeps its place relative to its layer's
others at all levels of a run, so that what changes is what was pruned.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from lth_utils import connectivity
from lth_utils.explorer import image_panels, panels
from lth_utils.explorer.run import LOOK, Options, Run, has_unit, relatives
from lth_utils.networks.values import unit_values
from lth_utils.plots import decision_regions, network
from lth_utils.plots.network_layout import order_units
from lth_utils.plots.network_marks import NONE, Highlight
from lth_utils.plots.style import STATUS_COLOURS

WIDE = {
    "size": (15.4, 8.6),
    "network": (0.045, 0.075, 0.42, 0.80),
    "head": (0.012, 0.985),
    "regions": (0.535, 0.575, 0.455, 0.37),
    "coverage": (0.845, 0.325, 0.145, 0.145),
    "weights": (0.535, 0.325, 0.215, 0.15),
    "loss": (0.535, 0.065, 0.195, 0.17),
    "score": (0.795, 0.065, 0.195, 0.17),
}
"""Places of the panels of one run alone, as shares of a view of this size in inches."""

TALL = {
    "size": (8.2, 13.0),
    "network": (0.085, 0.642, 0.74, 0.28),
    "head": (0.02, 0.993),
    "regions": (0.085, 0.373, 0.895, 0.208),
    "coverage": (0.73, 0.192, 0.25, 0.077),
    "weights": (0.085, 0.2, 0.42, 0.092),
    "loss": (0.085, 0.038, 0.39, 0.096),
    "score": (0.595, 0.038, 0.385, 0.096),
}
"""The same of one run beside another."""


class View:
    """One run's part of a figure: the panels that stay, and those that a level adds."""

    def __init__(self, figure: Figure | SubFigure, run: Run, options: Options, layout: dict):
        self.figure, self.run, self.options, self.layout = figure, run, options, layout
        self.neuron = options.neuron if has_unit(run.shape, options.neuron) else None
        self.network = figure.add_axes(layout["network"])
        self._network_frame()
        self.regions, self.images = {}, []
        self._task_panels()
        self.weights = figure.add_axes(layout["weights"])
        panels.weight_curves(self.weights, run)
        self.loss = figure.add_axes(layout["loss"])
        panels.task_curves(self.loss, run, "loss")
        self.score = figure.add_axes(layout["score"])
        panels.task_curves(self.score, run, "score")
        self.coverage = figure.add_axes(layout["coverage"])
        panels.coverage_frame(self.coverage, run)
        self.of_level, self.points, self.cursors = [], [], []

    def _network_frame(self):
        """The network's axes, names of its ends and legend."""
        run, options = self.run, self.options
        if "order" not in run.cache:
            chosen = run.ticket(run.chosen())
            found = connectivity.structure(chosen.masks, run.tasks, run.kind)
            run.cache["order"] = order_units(run.lifetimes, found.subnetworks)
        self.network.set(xlim=(-0.08, len(run.shape) - 0.92), ylim=(-0.02, 1.02))
        self.network.set_axis_off()
        network.name_ends(self.network, run.shape, run.tasks)
        handles = network.legend_handles(options.colours, run.tasks)
        if options.pruned:
            handles.append(Line2D([], [], color=NONE, lw=0.8, label="pruned"))
        self.network.legend(
            handles=handles,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.005),
            ncols=len(handles),
            columnspacing=1.4,
        )

    def _task_panels(self):
        """Images where all tasks have one, else the decision regions that can be drawn."""
        figure, run, box = self.figure, self.run, self.layout["regions"]
        chosen = decision_regions.tasks_with_regions(run.tasks)
        if 0 < len(chosen) < len(run.tasks):
            panels.say_which_lack_a_region(figure, run, chosen, box)
            x, y, width, height = box
            box = x, y, width, height - 0.03
        axes = panels.region_panels(figure, run, chosen, box)
        self.regions = dict(zip(chosen, axes, strict=True))
        if all(image_panels.side(task) for task in run.tasks):
            self.images = image_panels.make_panels(figure, run.tasks, box, self.layout["size"])
        elif not chosen:
            panels.say_no_regions(figure, run, box)

    def level(self, row: int) -> list[Artist]:
        """Show a level in place of the one before.

        Args:
            row: of the run's table.

        Returns:
            The artists that depend on the level, in the order in which to draw them.
        """
        for artist in self.of_level:
            artist.remove()
        ticket = self.run.ticket(row)
        found = connectivity.structure(ticket.masks, self.run.tasks, self.run.kind)
        tasks = self._images(ticket, row) if self.images else self._regions(ticket, row)
        self.of_level = [
            *self._head(ticket, row, found),
            *self._network(ticket, found),
            *panels.coverage_cells(self.coverage, self.run, found),
            *tasks,
        ]
        return [*self.of_level, *self._points(ticket), *self._cursors(row)]

    def _head(self, ticket, row, found) -> list[Artist]:
        """Which level this is, its status and its numbers."""
        x, y = self.layout["head"]
        line = 0.30 / self.layout["size"][1]
        numbers = self.run.rows.iloc[row]
        title = f"{self.run.title} · level {ticket.level} of {self.run.rows['level'].iloc[-1]}"
        status = {"size": 12, "color": STATUS_COLOURS[found.status]}
        about = (
            f"{numbers['active']} of {numbers['available']} weights active, "
            f"in {numbers['subnetworks']} subnetwork{'' if numbers['subnetworks'] == 1 else 's'}"
        )
        if ticket.trained is None:
            about += "; widths of lines: initial values"
        beside = x + (0.25 + 0.102 * len(found.status)) / self.layout["size"][0]
        bold = {"va": "top", "weight": "bold"}
        return [
            self.figure.text(x, y, title, size=13, **bold),
            self.figure.text(x, y - line, found.status, **status, **bold),
            self.figure.text(beside, y - 1.03 * line, about, va="top", size=11),
        ]

    def _network(self, ticket, found) -> list[Artist]:
        """The network, and what was left out of its drawing."""
        highlight = None
        if self.neuron is not None:
            family = relatives([m[0].numpy() for m in ticket.masks], *self.neuron)
            highlight = Highlight(*self.neuron, family)
        artists, notes = network.network_artists(
            self.network,
            ticket,
            found,
            self.run.cache["order"],
            colour_by=self.options.colours,
            lifetimes=self.run.lifetimes if self.options.pruned else None,
            highlight=highlight,
        )
        if notes:
            above = {"transform": self.network.transAxes, "ha": "center", "va": "bottom"}
            artists.append(self.network.text(0.5, 1.015, "\n".join(notes), size=9.5, **above))
        return artists

    def _regions(self, ticket, row) -> list[Artist]:
        """The decision regions, computed once per level."""
        artists = self._titles(self.regions.items(), row)
        if not self.regions or ticket.trained is None:
            return [*artists, *(panels.say_untrained(ax, ticket) for ax in self.regions.values())]
        cache, key = self.run.cache, ("regions", row)
        extents = [(*ax.get_xlim(), *ax.get_ylim()) for ax in self.regions.values()]
        if key not in cache:
            cache[key] = decision_regions.chances(ticket, list(self.regions), extents)
        for (k, ax), chance, extent in zip(self.regions.items(), cache[key], extents, strict=True):
            colour = network.task_colour(k)
            artists += decision_regions.region_artists(ax, colour, chance, extent)
        return artists

    def _titles(self, axes, row) -> list[Artist]:
        """Each task's name and score; axes: pairs of a task's position and its axes."""
        titles = []
        for k, ax in axes:
            title = name = self.run.tasks[k].name
            score = self.run.tasks[k].score_name
            if f"{score}_{name}" in self.run.rows:
                title += f": {score} {self.run.rows[f'{score}_{name}'].iloc[row]:.1%}"
            titles.append(ax.text(0, 1.03, title, transform=ax.transAxes, size=11))
        return titles

    def _images(self, ticket, row) -> list[Artist]:
        """Which pixels the network uses, and the accuracy of each class."""
        run = self.run
        _, degrees = connectivity.out_degrees(ticket.masks)
        key, shares = ("classes", row), None
        if run.dataset is not None and ticket.trained is not None:
            if key not in run.cache:
                logits = unit_values(ticket, run.dataset.x_test)[-1]
                run.cache[key] = image_panels.class_accuracy(run.dataset, logits)
            shares = run.cache[key]
        artists = self._titles([(panel.task, panel.pixels) for panel in self.images], row)
        for panel, task in zip(self.images, run.tasks, strict=True):
            artists += image_panels.pixels(panel, task, degrees, int(degrees.max()))
            if shares is not None:
                names = run.class_names.get(task.name, range(task.classes))
                artists += image_panels.classes(panel, shares[panel.task], names)
            elif run.dataset is None:
                text = "no test split came\nwith these tickets"
                artists.append(panels.note_aside(panel.classes, text))
            else:
                artists.append(panels.say_untrained(panel.classes, ticket))
        return artists

    def _points(self, ticket) -> list[Artist]:
        """The test split, above the regions; made once, with the first level."""
        if not self.points:
            for k, ax in self.regions.items():
                self.points += panels.scatter_test_points(ax, self.run, k)
        for artist in self.points:
            artist.set_visible(ticket.trained is not None)
        return self.points

    def _cursors(self, row) -> list[Artist]:
        """A line at the level and a dot on each curve, made once and moved."""
        if not self.cursors:
            self.cursors = panels.curve_cursors(self.run, self.weights, self.loss, self.score)
        numbers = self.run.rows.iloc[row]
        for artist, column in self.cursors:
            artist.set_xdata([numbers["level"]] * (2 if column is None else 1))
            if column is not None:
                artist.set_ydata([numbers[column]])
        return [artist for artist, _ in self.cursors]


def figure(views: Sequence[tuple[Run, int]], options: Options) -> Figure:
    """One run at one row, or two beside each other, as a figure to be saved in any format."""
    with mpl.rc_context(LOOK):
        whole, parts = lay_out([run for run, _ in views], options)
        for part, (_, row) in zip(parts, views, strict=True):
            part.level(row)
    return whole


def lay_out(runs: Sequence[Run], options: Options) -> tuple[Figure, list[View]]:
    """The figure for one run or for two, without what belongs to a level."""
    layout = WIDE if len(runs) == 1 else TALL
    width, height = layout["size"]
    whole = Figure(figsize=(width * len(runs), height))
    FigureCanvasAgg(whole)
    parts = [whole] if len(runs) == 1 else whole.subfigures(1, len(runs))
    return whole, [View(part, run, options, layout) for part, run in zip(parts, runs, strict=True)]
