"""The explorer: all of its widgets, and what they do."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path

import ipywidgets as widgets
import matplotlib as mpl
import numpy as np

from lth_utils import connectivity
from lth_utils.config import SpecError
from lth_utils.connectivity import ACTIVE, STATE_NAMES
from lth_utils.explorer.choices import Catalogue, catalogue_of_store, catalogue_of_tickets, open_run
from lth_utils.explorer.chooser import NONE, ROW, WIDE, Chooser, Picture, in_turn
from lth_utils.explorer.run import COLOURS, LOOK, Options, Run
from lth_utils.explorer.screen import Screen
from lth_utils.explorer.values import undisturbed
from lth_utils.explorer.view import figure
from lth_utils.explorer.words import explain, layers_in_words, level_in_words, picture_in_words
from lth_utils.networks.ticket import Ticket
from lth_utils.publish.products import image
from lth_utils.runs import ticket_files
from lth_utils.runs.files import StoreError, write_atomically
from lth_utils.runs.store import Store


def explore(
    store_or_tickets: Store | Sequence[Ticket] | None = None, run: str | None = None
) -> Explorer:
    """The explorer of all finished runs of a store (default: the project's), or of a list of tickets.

    run: the id of the run to begin with; default: one that separated, among those that finished last.
    """
    source = Store() if store_or_tickets is None else store_or_tickets
    if isinstance(source, Store):
        return Explorer(catalogue_of_store(source), run)
    tickets = [source] if isinstance(source, Ticket) else list(source)
    if wrong := [t for t in tickets if not isinstance(t, Ticket)]:
        raise SpecError(f"explore got {wrong[0]!r}; expected a Store, a list of Tickets or nothing")
    return Explorer(catalogue_of_tickets(tickets), run)


def picture(source: Store, run: str, level: int | None = None, colours: str = "state"):
    """The explorer's picture of one run as a matplotlib figure; without `level`, where it first separated, else the last one not degraded."""
    shown = open_run(source, run)
    return figure([(shown, shown.chosen() if level is None else level)], Options(colours))


def facts(source: Store, run: str, level: int | None = None) -> dict:
    """What :func:`picture` shows, as plain values."""
    shown = open_run(source, run)
    row = shown.chosen() if level is None else level
    numbers = shown.rows.iloc[row]
    counts = {
        name: int(numbers[name])
        for name in ("level", "available", "active", "inactive", "zombie", "subnetworks")
    }
    return {
        "run": run,
        "status": str(numbers["status"]),
        **counts,
        "words": level_in_words(shown, row),
    }


class Explorer(widgets.VBox):
    """The widgets, as a box to be displayed; each control is an attribute, so that it can be driven from Python as well."""

    def __init__(self, catalogue: Catalogue, run: str | None = None):
        self.catalogue, self.screen, self.second = catalogue, Screen(), None
        self.note = widgets.HTML(catalogue.note)
        super().__init__([self.note])
        if not catalogue.tree:
            return
        self.picture = Picture(
            format="png", layout={"width": "1540px", "max_width": "100%", "object_fit": "contain"}
        )
        self._make_controls()
        self.first = Chooser(catalogue, self._nothing, self._begin(run))
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

    def _nothing(self):
        """Before all widgets are there, a change has nothing to be shown in."""

    def _begin(self, run: str | None) -> str:
        """The run to begin with."""
        if run:
            return run
        experiment, size = self.catalogue.where(self.catalogue.first)
        runs = self.catalogue.tree[experiment][size]
        return next((key for words, key in runs if "separated at" in words), runs[0][1])

    def _make_controls(self):
        narrow = {"style": WIDE, "layout": {"width": "auto"}}
        self.colours = widgets.Dropdown(
            description="Colours",
            options=[(text, name) for name, text in COLOURS.items()],
            **narrow,
        )
        self.pruned = widgets.Checkbox(
            description="pruned weights, faint",
            indent=False,
            layout={"width": "auto", "margin": "2px 12px"},
        )
        self.compare = widgets.Checkbox(
            description="compare with a second run or level", indent=False, layout={"width": "auto"}
        )
        self.layer = widgets.Dropdown(
            description="Neuron of", options=[("no layer", NONE)], **narrow
        )
        self.unit = widgets.Dropdown(
            description="Neuron", options=[("–", NONE)], disabled=True, **narrow
        )
        self.sentence = widgets.HTML()
        self.kind = widgets.Dropdown(description="Format", options=["png", "svg", "pdf"], **narrow)
        self.export_picture = widgets.Button(
            description="Export the picture", layout={"width": "auto"}
        )
        self.export_ticket = widgets.Button(
            description="Export the ticket",
            tooltip="As a file that lth_utils.explorer.load reads",
            layout={"width": "auto"},
        )
        self.message = widgets.HTML()
        self.busy = False
        for control in (self.colours, self.pruned, self.unit):
            control.observe(self._on_option, "value")
        self.layer.observe(self._on_layer, "value")
        self.compare.observe(self._on_compare, "value")
        self.export_picture.on_click(lambda _: self._export(self.save_picture))
        self.export_ticket.on_click(lambda _: self._export(self.save_ticket))

    # ------------------------------------------------------------------ what is shown
    def sights(self) -> list[tuple[Run, int]]:
        """The run and row of each side."""
        sides = [self.first, *([self.second] if self.compare.value else [])]
        return [(side.shown, side.level) for side in sides if side.shown is not None]

    def options(self) -> Options:
        neuron = (
            None
            if NONE in (self.layer.value, self.unit.value)
            else (self.layer.value, self.unit.value)
        )
        return Options(self.colours.value, self.pruned.value, neuron)

    @in_turn
    def show(self):
        """Draw what is chosen, and then say it: who reads the words finds the picture there."""
        # no neighbours are drawn ahead: with callbacks on its event loop, the kernel (ipykernel 7.4) now and then left a slider's message lying
        sights = self.sights()
        self.picture.layout.visibility = "visible" if sights else "hidden"
        self.export_picture.disabled = not sights
        self.export_ticket.disabled = self.first.shown is None
        if sights:
            with (
                self.picture.hold_sync()
            ):  # one message: the words are never those of another picture
                self.picture.value = self.screen.png(sights, self.options())
                self.picture.tooltip = picture_in_words(sights, self.options())
        for side in [self.first, *([self.second] if self.compare.value else [])]:
            side.say()
        with undisturbed():
            said = self._sentences(sights)
        self.sentence.value = (
            f"<div role='status' style='line-height:1.5'>{html.escape(said)}</div>"
        )

    def _sentences(self, sights) -> str:
        neuron = self.options().neuron
        if neuron is None:
            return "Choose a layer and a neuron to light up its ancestors and descendants."
        said = []
        for (run, row), side in zip(sights, ("Left: ", "Right: "), strict=False):
            fits = neuron[0] < len(run.shape) and neuron[1] < run.shape[neuron[0]]
            said.append(
                (side if len(sights) > 1 else "")
                + (explain(run.ticket(row), *neuron, run.dataset) if fits else "no such neuron.")
            )
        return " ".join(said)

    @in_turn
    def _on_choice(self):
        """Another run or level: the lists of neurons follow, what is chosen in them stays where it can."""
        shown, self.busy = self.first.shown, True
        if shown is not None:
            layers = [
                ("no layer", NONE),
                *((name, n) for n, name in enumerate(layers_in_words(shown.shape))),
            ]
            if list(self.layer.options) != layers:
                self.layer.options = layers
            self._fill_units()
        self.busy = False
        self.show()

    def _fill_units(self):
        shown, layer, before = self.first.shown, self.layer.value, self.unit.value
        if layer == NONE or shown is None:
            self.unit.options, self.unit.disabled = [("–", NONE)], True
            return
        ticket = shown.ticket(self.first.level)
        states = connectivity.structure(ticket.masks, shown.tasks, shown.kind).states[layer]
        prefix = "x" if layer == 0 else "y" if layer == len(shown.shape) - 1 else ""
        options = [(f"{prefix}{n + 1} – {STATE_NAMES[s]}", n) for n, s in enumerate(states)]
        if list(self.unit.options) != options:
            self.unit.options = options
        active = np.flatnonzero(states == ACTIVE)
        self.unit.value = (
            before if NONE < before < len(states) else int(active[0]) if len(active) else 0
        )
        self.unit.disabled = False

    @in_turn
    def _on_layer(self, _):
        if not self.busy:
            self.busy = True
            self.unit.options = [
                ("–", NONE)
            ]  # another layer's neuron of the same number is not the same
            self._fill_units()
            self.busy = False
            self.show()

    @in_turn
    def _on_option(self, _):
        if not self.busy:
            self.show()

    @in_turn
    def _on_compare(self, _):
        if self.compare.value and self.second is None:
            self.second = Chooser(self.catalogue, self._nothing, self.first.run.value, ", right")
            self.second.slider.value = 0
            self.second.changed = self.show
        self.beside.children = self.second.rows if self.compare.value else []
        self.show()

    # ------------------------------------------------------------------ exports
    def save_picture(self) -> Path:
        """The current view as a file in ``outputs/exports``."""
        sights, options, kind = self.sights(), self.options(), self.kind.value
        names = "-and-".join(f"{run.key}-level{run.rows['level'].iloc[row]}" for run, row in sights)
        details = (
            f"-by-{options.colours}"
            + ("-pruned" if options.pruned else "")
            + (f"-layer{options.neuron[0]}-neuron{options.neuron[1] + 1}" if options.neuron else "")
        )
        drawn = figure(sights, options)
        with mpl.rc_context(LOOK):
            about = [
                picture_in_words(sights, options),
                *(level_in_words(run, row) for run, row in sights),
            ]
            content = image(drawn, kind, names, "; ".join(about))
        path = self.catalogue.exports / f"{names}{details}.{kind}"
        write_atomically(path, content)
        return path

    def save_ticket(self) -> Path:
        """The ticket on the left as a file in ``outputs/exports``, to be read by :func:`load`."""
        ticket = self.first.shown.ticket(self.first.level)
        return ticket_files.save(
            ticket, self.catalogue.exports / f"{self.first.shown.key}-level{ticket.level}.npz"
        )

    @in_turn
    def _export(self, save: Callable[[], Path]):
        try:
            said = f"Written: <code>{html.escape(str(save()))}</code>"
        except StoreError as error:
            said = f"<b>Not written.</b> {html.escape(str(error))}"
        self.message.value = f"<div role='status'>{said}</div>"
