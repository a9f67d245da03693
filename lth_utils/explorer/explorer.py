"""The explorer: a searchable list of runs around the view, and what only a kernel can do."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path

import ipywidgets as widgets
import traitlets
from IPython.display import display

from lth_utils.config import SpecError
from lth_utils.explorer import exports, still
from lth_utils.explorer.choices import Catalogue, catalogue_of_store, catalogue_of_tickets
from lth_utils.explorer.follow import Follower
from lth_utils.explorer.view import STATE, View
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.files import StoreError
from lth_utils.runs.store import Store

MOST_LISTED = 200
"""Runs in the lists; the search finds the others."""

LABEL = {"description_width": "auto"}
ROW = {"flex_flow": "row wrap", "grid_gap": "2px 14px"}


def explore(
    store_or_tickets: Store | Sequence[Ticket] | None = None,
    run: str | None = None,
    *,
    level: int | None = None,
    colours: str = "state",
    curves: str = "scores",
    neuron: Sequence[int] | None = None,
    compare: tuple[str, int] | None = None,
    follow: bool = False,
) -> Explorer:
    """The explorer of all finished runs of a store, or of a list of tickets.

    Args:
        store_or_tickets: without it, the project's store.
        run: the id of the run to begin with; without it, one that separated, among those that
            finished last.
        level: to begin with; without it, where the run first separated.
        colours: ``state``, ``subnetwork``, ``task`` or ``difference``.
        curves: ``scores`` or ``structure``, beside the numbers of weights.
        neuron: layer and position, both from 0, of a unit to light up.
        compare: the id of a second run and its level, to be shown beside the first.
        follow: whether a sweep that is writing to the store is shown while it runs.

    Returns:
        The widgets. Its traits ``run, level, colours, neuron, compare`` and others can be set, and
        linked to widgets of your own.

    Raises:
        SpecError: what arrived is neither a store nor tickets, or there is no such run, level or
            unit.
    """
    source = Store() if store_or_tickets is None else store_or_tickets
    if isinstance(source, Store):
        catalogue = catalogue_of_store(source)
    else:
        tickets = [source] if isinstance(source, Ticket) else source
        if not isinstance(tickets, (list, tuple)) or not all(
            isinstance(t, Ticket) for t in tickets
        ):
            raise SpecError(
                f"explore got {source!r}; expected a Store, a list of Tickets or nothing"
            )
        if follow:
            raise SpecError("follow=True is for a Store: tickets do not grow")
        catalogue = catalogue_of_tickets(tickets)
    made = Explorer(catalogue, run)
    if made.view is not None:
        if level is not None:
            made.level = level
        made.colours, made.curves = colours, curves
        made.neuron = None if neuron is None else list(neuron)
        if compare is not None:
            made.view.show_beside(*compare)
    if follow:
        made.follow(source)
    return made


class Explorer(widgets.VBox):
    """The widgets, as a box to be displayed.

    Args:
        catalogue: of the runs.
        run: the key of the run to begin with.

    Attributes:
        view: the viewer; None without runs.
        search: words that runs are searched by.
        listed: the runs that were found.
        beside: the same for a second network.
    """

    run = traitlets.Unicode("")
    level = traitlets.Int(0)
    colours = traitlets.Unicode("state")
    curves = traitlets.Unicode("scores")
    neuron = traitlets.List(traitlets.Int(), None, allow_none=True)
    gone = traitlets.Bool(False)
    compare = traitlets.Bool(False)
    compare_run = traitlets.Unicode("")
    compare_level = traitlets.Int(0)

    def __init__(self, catalogue: Catalogue, run: str | None = None):
        self.catalogue, self.view, self._still, self._follower = catalogue, None, None, None
        self._busy = False
        self.note = widgets.HTML(catalogue.note)
        self.bands = widgets.HTML()
        super().__init__([self.note, self.bands])
        self.add_class("lth-explorer")
        if catalogue.words:
            self._fill(catalogue.first if run is None else catalogue.check(run))

    def _fill(self, run: str):
        """Make the controls and the view."""
        self.view = View(self.catalogue, run)
        for name in STATE:
            traitlets.dlink((self.view, name), (self, name))
        look = {"style": LABEL, "layout": {"width": "auto", "max_width": "100%"}}
        self.search = widgets.Text(
            description="Search runs", placeholder="57-57 separated seed 3", **look
        )
        self.listed = widgets.Dropdown(description="Run", **look)
        self.beside = widgets.Dropdown(description="Beside it", **look)
        self.message = widgets.HTML()
        self._list()
        self.search.observe(lambda _: self._list(), "value")
        self.listed.observe(self._on_listed, "value")
        self.beside.observe(self._on_beside, "value")
        self.view.observe(self._on_view, ["run", "compare", "compare_run"])
        self.view.observe(self._on_picture, "picture")
        self.export_ticket = widgets.Button(
            description="Export the ticket",
            tooltip="As a file that lth_utils.explorer.load reads, with exact values",
            layout={"width": "auto"},
        )
        self.export_picture = widgets.Button(
            description="Export the picture", tooltip="As PDF", layout={"width": "auto"}
        )
        self.export_ticket.on_click(lambda _: self._export(self.save_ticket))
        self.export_picture.on_click(lambda _: self._export(self.save_picture))
        lists = [self.search, self.listed, self.beside]
        last = [self.export_ticket, self.export_picture, self.message]
        self.children = [
            self.note,
            widgets.HBox(lists, layout=ROW),
            self.view,
            widgets.HBox(last, layout=ROW),
            self.bands,
        ]

    @traitlets.validate(*STATE)
    def _hand_on(self, proposal):
        """What is set here is set in the view, which refuses what it cannot show."""
        name, value = proposal["trait"].name, proposal["value"]
        if self.view is None:
            return value
        setattr(self.view, name, value)
        return getattr(self.view, name)

    # ------------------------------------------------------------------ the lists

    def _list(self):
        """The runs that the search finds, those that are shown included."""
        found = self.catalogue.search(self.search.value)
        keys = found[:MOST_LISTED]
        for shown in (self.view.run, self.view.compare_run):
            if shown not in keys:
                keys.insert(0, shown)
        options = [(self.catalogue.words[key], key) for key in keys]
        self._busy = True
        self.listed.options = options
        self.listed.value = self.view.run
        self.beside.options = [("– nothing", ""), *options]
        self.beside.value = self.view.compare_run if self.view.compare else ""
        self._busy = False
        many = f", the first {MOST_LISTED} are listed" if len(found) > MOST_LISTED else ""
        self.search.tooltip = f"{len(found)} runs found{many}"
        self.listed.description = f"Run ({len(found)} found)"

    def _on_listed(self, change):
        """A run was chosen."""
        if not self._busy:
            self._try(lambda: self.view.show(change["new"]))

    def _on_beside(self, change):
        """A second run was chosen, or none."""
        if self._busy:
            return
        if change["new"]:
            self._try(lambda: self.view.show_beside(change["new"]))
        else:
            self.view.compare = False

    def _try(self, act: Callable[[], None]):
        """Do something, or say why it cannot be done."""
        self.message.value = ""
        try:
            act()
        except (SpecError, StoreError, OSError) as error:
            text = html.escape(str(error))
            self.message.value = f"<div role='status'><b>Not shown.</b> {text}</div>"
            self._list()

    def _on_view(self, _):
        """Another run came from the view."""
        self._list()

    # ------------------------------------------------------------------ without a kernel

    def _ipython_display_(self, **_):
        """Display the widgets; below them, hidden while they live, the view without a kernel."""
        bundle = self._repr_mimebundle_()
        if self.view is None:
            display(bundle, raw=True)
            return
        shown = still.bundle(self.view)
        bundle["text/plain"] = shown["text/plain"]
        display(bundle, raw=True)
        self._still = display(shown, raw=True, display_id=True)

    def _on_picture(self, _):
        """The browser drew another picture: it is what the saved notebook shows."""
        if self._still is not None:
            self._still.update(still.bundle(self.view), raw=True)

    # ------------------------------------------------------------------ a sweep that is running

    def follow(self, source: Store):
        """Show runs of a store while they are computed; see :meth:`unfollow`."""
        self._follower = Follower(source, self._on_bands, self._on_finished)
        self.bands.value = self._follower.html()
        self._follower.start()

    def unfollow(self):
        """Look no more for new runs."""
        if self._follower is not None:
            self._follower.stop()

    def close(self):
        """Remove the widgets."""
        self.unfollow()
        super().close()

    def _on_bands(self, text: str):
        """Something grew."""
        self.bands.value = text

    def _on_finished(self, _):
        """Runs were finished: they can be chosen."""
        self.catalogue = catalogue_of_store(self._follower.store)
        if self.view is None:
            self.note.value = self.catalogue.note
            self._fill(self.catalogue.first)
        else:
            self.view.catalogue = self.catalogue
            self._list()

    # ------------------------------------------------------------------ exports

    def save_ticket(self) -> Path:
        """The ticket as a file in ``outputs/exports``, to be read by ``explorer.load``."""
        return exports.save_ticket(self.catalogue.exports, self.view.current_run, self.view.row)

    def save_picture(self, kind: str = "pdf") -> Path:
        """A figure of the view in ``outputs/exports``; kind: ``pdf``, ``svg`` or ``png``."""
        view = self.view
        return exports.save_picture(
            self.catalogue.exports, view.current_run, view.row, view.colours, kind
        )

    def _export(self, save: Callable[[], Path]):
        """Write a file, and say where it is or why it is not."""
        try:
            text = f"Written: <code>{html.escape(str(save()))}</code>"
        except StoreError as error:
            text = f"<b>Not written.</b> {html.escape(str(error))}"
        self.message.value = f"<div role='status'>{text}</div>"
