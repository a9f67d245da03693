"""The explorer: all of its widgets, and what they do."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Sequence
from pathlib import Path

import ipywidgets as widgets
import numpy as np

from lth_utils import connectivity
from lth_utils.config import SpecError
from lth_utils.connectivity import ACTIVE, STATE_NAMES
from lth_utils.explorer import exports
from lth_utils.explorer.choices import Catalogue, catalogue_of_store, catalogue_of_tickets, open_run
from lth_utils.explorer.chooser import (
    AUTO,
    LABEL,
    NONE,
    ROW,
    Chooser,
    Picture,
    one_at_a_time,
)
from lth_utils.explorer.explanation import explain
from lth_utils.explorer.run import COLOURS, Options, Run, has_unit
from lth_utils.explorer.screen import Screen, undisturbed
from lth_utils.explorer.view import figure
from lth_utils.explorer.words import layers_in_words, level_in_words, picture_in_words
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.files import StoreError
from lth_utils.runs.store import Store

NO_UNIT = ("–", NONE)

COUNTS = ("level", "available", "active", "inactive", "zombie", "subnetworks")


def explore(
    store_or_tickets: Store | Sequence[Ticket] | None = None, run: str | None = None
) -> Explorer:
    """The explorer of all finished runs of a store, or of a list of tickets.

    Args:
        store_or_tickets: without it, the project's store.
        run: the id of the run to begin with; without it, one that separated, among those that
            finished last.

    Raises:
        SpecError: what arrived is neither a store nor tickets, or there is no such run.
    """
    source = Store() if store_or_tickets is None else store_or_tickets
    if isinstance(source, Store):
        return Explorer(catalogue_of_store(source), run)
    tickets = [source] if isinstance(source, Ticket) else source
    if not isinstance(tickets, (list, tuple)) or not all(isinstance(t, Ticket) for t in tickets):
        raise SpecError(f"explore got {source!r}; expected a Store, a list of Tickets or nothing")
    return Explorer(catalogue_of_tickets(tickets), run)


def picture(source: Store, run: str, level: int | None = None, colours: str = "state"):
    """The explorer's picture of one run as a matplotlib figure.

    Args:
        source: the run's store.
        run: its id.
        level: without it, where the network first separated, else the last one not degraded.
        colours: ``state``, ``subnetwork`` or ``task``.
    """
    opened = open_run(source, run)
    return figure([(opened, opened.chosen() if level is None else level)], Options(colours))


def facts(source: Store, run: str, level: int | None = None) -> dict:
    """What :func:`picture` shows, as plain values."""
    opened = open_run(source, run)
    row = opened.chosen() if level is None else level
    numbers = opened.rows.iloc[row]
    return {
        "run": run,
        "status": str(numbers["status"]),
        **{name: int(numbers[name]) for name in COUNTS},
        "words": level_in_words(opened, row),
    }


class Explorer(widgets.VBox):
    """The widgets, as a box to be displayed.

    Each control is an attribute, so that it can be driven from Python as well.

    Args:
        catalogue: of the runs.
        run: the key of the run to begin with.
    """

    def __init__(self, catalogue: Catalogue, run: str | None = None):
        self.catalogue, self.screen, self.second = catalogue, Screen(), None
        self.note = widgets.HTML(catalogue.note)
        super().__init__([self.note])
        if not catalogue.tree:
            return
        size = {"width": "1540px", "max_width": "100%", "object_fit": "contain"}
        self.picture = Picture(format="png", layout=size)
        self._make_controls()
        self._make_exports()
        begin = self._best_run() if run is None else run
        self.first = Chooser(catalogue, self._ignore, begin)
        self.beside = widgets.VBox([])
        self.children = [
            self.note,
            *self.first.rows,
            widgets.HBox([self.colours, self.pruned, self.compare], layout=ROW),
            self.beside,
            widgets.HBox([self.layer, self.unit], layout=ROW),
            self.sentence,
            self.picture,
            widgets.HBox([self.kind, self.export_picture, self.export_ticket], layout=ROW),
            self.message,
        ]
        self.first.changed = self._on_choice
        self._on_choice()

    def _repr_mimebundle_(self, **options) -> dict:
        """The widgets, and the view they begin with, for front ends without a kernel."""
        bundle = super()._repr_mimebundle_(**options)
        if self.catalogue.tree:
            bundle["image/png"] = base64.b64encode(self.picture.value).decode()
        return bundle

    def _ignore(self):
        """A change while the widgets are being made."""

    def _best_run(self) -> str:
        """A run that separated, of the newest run's size."""
        experiment, size = self.catalogue.where(self.catalogue.first)
        runs = self.catalogue.tree[experiment][size]
        return next((key for words, key in runs if "separated at" in words), runs[0][1])

    def _make_controls(self):
        """What is drawn, and the unit that is lit up."""
        colours = [(text, name) for name, text in COLOURS.items()]
        narrow = {"style": LABEL, "layout": AUTO}
        check = {"indent": False, "layout": AUTO}
        self.colours = widgets.Dropdown(description="Colours", options=colours, **narrow)
        self.pruned = widgets.Checkbox(description="pruned weights, faint", **check)
        self.pruned.layout.margin = "2px 12px"
        self.compare = widgets.Checkbox(description="compare with a second run or level", **check)
        layers = [("no layer", NONE)]
        self.layer = widgets.Dropdown(description="Neuron of", options=layers, **narrow)
        self.unit = widgets.Dropdown(description="Neuron", options=[NO_UNIT], **narrow)
        self.unit.disabled = True
        self.sentence = widgets.HTML()
        self.busy = False
        for control in (self.colours, self.pruned, self.unit):
            control.observe(self._on_option, "value")
        self.layer.observe(self._on_layer, "value")
        self.compare.observe(self._on_compare, "value")

    def _make_exports(self):
        """What is written to files."""
        formats = ["png", "svg", "pdf"]
        self.kind = widgets.Dropdown(
            description="Format", options=formats, style=LABEL, layout=AUTO
        )
        self.export_picture = widgets.Button(description="Export the picture", layout=AUTO)
        self.export_ticket = widgets.Button(
            description="Export the ticket",
            tooltip="As a file that lth_utils.explorer.load reads",
            layout=AUTO,
        )
        self.message = widgets.HTML()
        self.export_picture.on_click(lambda _: self._export(self.save_picture))
        self.export_ticket.on_click(lambda _: self._export(self.save_ticket))

    # what is shown

    def _choosers(self) -> list[Chooser]:
        """Of the left and, where there is one, of the right network."""
        return [self.first, self.second] if self.compare.value else [self.first]

    def views(self) -> list[tuple[Run, int]]:
        """The run and row of each side."""
        views = []
        for chooser in self._choosers():
            if chooser.current_run is not None:
                views.append((chooser.current_run, chooser.level))
        return views

    def options(self) -> Options:
        """How to draw, from the controls."""
        neuron = (self.layer.value, self.unit.value)
        return Options(self.colours.value, self.pruned.value, None if NONE in neuron else neuron)

    @one_at_a_time
    def show(self):
        """Draw what is chosen, then write the words: whoever reads them finds the picture there."""
        # no neighbours are drawn ahead: with callbacks on its event loop, the kernel
        # (ipykernel 7.4) occasionally did not process a slider message
        views, options = self.views(), self.options()
        self.picture.layout.visibility = "visible" if views else "hidden"
        self.export_picture.disabled = not views
        self.export_ticket.disabled = self.first.current_run is None
        if views:
            # one message: the words are never those of another picture
            with self.picture.hold_sync():
                self.picture.value = self.screen.png(views, options)
                self.picture.tooltip = picture_in_words(views, options)
        for chooser in self._choosers():
            chooser.write_words()
        with undisturbed():
            sentence = html.escape(self._sentence(views))
        style = "line-height:1.5"
        self.sentence.value = f"<div role='status' style='{style}'>{sentence}</div>"

    def _sentence(self, views) -> str:
        """What is said of the chosen unit."""
        neuron = self.options().neuron
        if neuron is None:
            return "Choose a layer and a neuron to light up its ancestors and descendants."
        sentences = []
        for (run, row), side in zip(views, ("Left: ", "Right: "), strict=False):
            sentence = "no such neuron."
            if has_unit(run.shape, neuron):
                sentence = explain(run.ticket(row), *neuron, run.dataset)
            sentences.append(side + sentence if len(views) > 1 else sentence)
        return " ".join(sentences)

    @one_at_a_time
    def _on_choice(self):
        """Another run or level: the lists of units follow, what was chosen stays if it can."""
        self.busy = True
        if self.first.current_run is not None:
            layers = [("no layer", NONE)]
            for n, name in enumerate(layers_in_words(self.first.current_run.shape)):
                layers.append((name, n))
            if list(self.layer.options) != layers:
                self.layer.options = layers
            self._fill_units()
        self.busy = False
        self.show()

    def _fill_units(self):
        """The units of the chosen layer, with their states."""
        run, layer, before = self.first.current_run, self.layer.value, self.unit.value
        if layer == NONE or run is None:
            self.unit.options, self.unit.disabled = [NO_UNIT], True
            return
        ticket = run.ticket(self.first.level)
        states = connectivity.structure(ticket.masks, run.tasks, run.kind).states[layer]
        prefix = {0: "x", len(run.shape) - 1: "y"}.get(layer, "")
        options = [(f"{prefix}{n + 1} – {STATE_NAMES[s]}", n) for n, s in enumerate(states)]
        if list(self.unit.options) != options:
            self.unit.options = options
        if not NONE < before < len(states):
            active = np.flatnonzero(states == ACTIVE)
            before = int(active[0]) if len(active) else 0
        self.unit.value = before
        self.unit.disabled = False

    @one_at_a_time
    def _on_layer(self, _):
        """Another layer, whose unit of the same number is not the same."""
        if not self.busy:
            self.busy = True
            self.unit.options = [NO_UNIT]
            self._fill_units()
            self.busy = False
            self.show()

    @one_at_a_time
    def _on_option(self, _):
        """Other colours, or another unit."""
        if not self.busy:
            self.show()

    @one_at_a_time
    def _on_compare(self, _):
        """A second network beside the first, or none."""
        if self.compare.value and self.second is None:
            key = self.first.run.value
            self.second = Chooser(self.catalogue, self._ignore, key, ", right")
            self.second.slider.value = 0
            self.second.changed = self.show
        self.beside.children = self.second.rows if self.compare.value else []
        self.show()

    # exports

    def save_picture(self) -> Path:
        """The current view as a file in ``outputs/exports``."""
        folder = self.catalogue.exports
        return exports.save_picture(folder, self.views(), self.options(), self.kind.value)

    def save_ticket(self) -> Path:
        """The ticket on the left as a file in ``outputs/exports``, to be read by :func:`load`."""
        run, level = self.first.current_run, self.first.level
        return exports.save_ticket(self.catalogue.exports, run, level)

    @one_at_a_time
    def _export(self, save: Callable[[], Path]):
        """Write a file, and say where it is or why it is not."""
        try:
            text = f"Written: <code>{html.escape(str(save()))}</code>"
        except StoreError as error:
            text = f"<b>Not written.</b> {html.escape(str(error))}"
        self.message.value = f"<div role='status'>{text}</div>"
