"""The ticket explorer: every run of a store, level by level, in one picture driven by widgets.

    from lth_utils.explorer import explore
    explore()                      # in a notebook; or explore(a_store), explore([ticket, ...])

All of it works by keyboard, and what the picture shows stands beside the slider in words, too.  The
picture is drawn in ``_view``; here is what can be chosen, what is said about it, and the widgets.
"""
from __future__ import annotations

import contextlib
import csv
import functools
import html
import io
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import ipywidgets as widgets
import matplotlib as mpl
import numpy as np
import pandas as pd
import torch
from traitlets import Unicode

from lth_utils import connectivity, data, pruning, store
from lth_utils._view import COLOURS, LOOK, Options, Run, Screen, figure, forward, relatives, undisturbed
from lth_utils.config import SpecError
from lth_utils.connectivity import ACTIVE, INACTIVE, STATE_NAMES
from lth_utils.data import Dataset
from lth_utils.plots import STATUS_COLOURS
from lth_utils.population import Ticket, split_mask
from lth_utils.store import CorruptRun, Store, StoreError, load

__all__ = ["Explorer", "explain", "explore", "facts", "load", "picture"]

NONE = -1
"""No layer, no unit: a list shows nothing where None is chosen."""
NO_RUNS = ("<b>No finished runs in {folder}.</b> In the project's folder, <code>make reproduce</code> trains the first within a "
           "minute; then run this cell again. Runs kept elsewhere: set <code>LTH_OUTPUTS</code>, or <code>explore(Store(folder))</code>.")


def explore(store_or_tickets: Store | Sequence[Ticket] | None = None, run: str | None = None) -> Explorer:
    """The explorer of all finished runs of a store (default: the project's), or of a list of tickets.

    run: the id of the run to begin with; default: one that separated, among those that finished last.
    """
    source = Store() if store_or_tickets is None else store_or_tickets
    if isinstance(source, Store):
        return Explorer(_from_store(source), run)
    tickets = [source] if isinstance(source, Ticket) else list(source)
    if wrong := [t for t in tickets if not isinstance(t, Ticket)]:
        raise SpecError(f"explore got {wrong[0]!r}; expected a Store, a list of Tickets or nothing")
    return Explorer(_from_tickets(tickets), run)


def picture(source: Store, run: str, level: int | None = None, colours: str = "state"):
    """The explorer's picture of one run as a matplotlib figure; without `level`, where it first separated, else the last one not degraded."""
    shown = _open(source, run)
    return figure([(shown, shown.chosen() if level is None else level)], Options(colours))


def facts(source: Store, run: str, level: int | None = None) -> dict:
    """What :func:`picture` shows, as plain values."""
    shown = _open(source, run)
    row = shown.chosen() if level is None else level
    numbers = shown.rows.iloc[row]
    counts = {name: int(numbers[name]) for name in ("level", "available", "active", "inactive", "zombie", "subnetworks")}
    return {"run": run, "status": str(numbers["status"]), **counts, "words": level_in_words(shown, row)}


# ---------------------------------------------------------------------- what can be chosen
@dataclass(frozen=True)
class Catalogue:
    """What there is: experiment, size and then (words, key) of each run; how a key is opened; where exports go; what to say first."""
    tree: dict[str, dict[str, list[tuple[str, str]]]]
    open: Callable[[str], Run]
    exports: Path
    note: str = ""
    first: str | None = None

    def where(self, key: str) -> tuple[str, str]:
        """Experiment and size of a run."""
        for experiment, sizes in self.tree.items():
            for size, runs in sizes.items():
                if any(key == k for _, k in runs):
                    return experiment, size
        raise SpecError(f"no run {key} among those that can be explored")


def _from_store(source: Store) -> Catalogue:
    entries, damaged, foreign = _entries(source)
    groups: dict[tuple, dict] = {}
    for run_id, entry in entries.items():
        head = entry["head"]
        levels = list(csv.DictReader(io.StringIO(entry["levels"])))
        words = outcome_in_words([row["status"] for row in levels], [int(row["level"]) for row in levels])
        shape = _shape(head["base"], head["prune.schedule"], head["prune.rate"], head["prune.levels"])
        size = (len(shape), pruning.n_weights(shape), head["prune.levels"] or 0, shape)
        groups.setdefault(_experiment(head), {}).setdefault(size, []).append((head["seed"], words, run_id))
    tree = {}
    for label, key in sorted(zip(_labels(list(groups)), groups, strict=True)):
        tree[label] = {_size(size): [(f"seed {seed} – {words}", run_id) for seed, words, run_id in sorted(runs)]
                       for size, runs in sorted(groups[key].items())}
    note = "" if entries or foreign else NO_RUNS.format(folder=html.escape(str(source.runs)))
    if foreign:
        note += (f" Runs that cannot be drawn are left out, of another kind of network or another version of this package: {len(foreign)}, "
                 f"such as <code>{html.escape(min(foreign))}</code>.")
    if damaged:
        note += f" {len(damaged)} damaged runs are left out; <code>python -m lth_utils check</code> names them."
    newest = max(entries, key=lambda run_id: ("separated" in entries[run_id]["outcome"], entries[run_id]["finished"]), default=None)
    return Catalogue(tree, functools.lru_cache(maxsize=8)(functools.partial(_open, source)), source.root / "exports", note, newest)


def _entries(source: Store) -> tuple[dict[str, dict], list[str], list[str]]:
    """The store's entries, and the ids that they lack: of damaged runs, and of those that are no networks this package can draw."""
    ids, damaged, foreign = sorted(p.parent.name for p in source.runs.glob("*/done.json")), [], []
    while True:
        try:
            entries = source.entries(ids)
        except CorruptRun as error:
            damaged.append(error.folder.name)
            ids.remove(error.folder.name)
        except SpecError:      # another version of the package wrote fields that this one does not know
            foreign = [run_id for run_id in ids if not _readable(source, run_id)]
            ids = [run_id for run_id in ids if run_id not in foreign]
        else:
            foreign += [run_id for run_id, entry in entries.items() if not re.fullmatch(r"\d+(-\d+)*", entry["head"]["base"])]
            return {run_id: entry for run_id, entry in entries.items() if run_id not in foreign}, damaged, foreign


def _readable(source: Store, run_id: str) -> bool:
    with contextlib.suppress(CorruptRun):
        try:
            source.spec(run_id)
        except SpecError:
            return False
    return True


@functools.cache
def _shape(base: str, schedule: str, rate: float | None, levels: int | None) -> tuple[int, ...]:
    widths = tuple(map(int, base.split("-")))
    return pruning.extend(widths, rate, levels)[-1] if schedule == "extension" else widths


def _experiment(head: dict) -> tuple:
    """What the runs of one experiment share: all but seed, number of levels and, where it is the size, the base."""
    free = {"seed", "prune.levels"} | ({"base"} if head["prune.schedule"] == "rate" else set())
    return tuple((name, value if not isinstance(value, list) else tuple(value)) for name, value in head.items() if name not in free)


def _labels(experiments: list[tuple]) -> list[str]:
    """A label for each experiment; those that would read the same also say what they differ in."""
    def short(head):
        per_level = "" if head["prune.rate"] is None else f", {head['prune.rate']:.2g} pruned per level"
        if head["prune.schedule"] == "extension":
            return f"{head['data']} · extended from {head['base']}{per_level}"
        return f"{head['data']} · " + (f"to {head['prune.target']} weights" if head["prune.target"] else "any base") + per_level

    labels = [short(dict(e)) for e in experiments]
    full = []
    for label, experiment in zip(labels, experiments, strict=True):
        alike = [dict(e) for e, other in zip(experiments, labels, strict=True) if other == label]
        differing = [n for n, value in experiment if any(a.get(n) != value for a in alike)]
        full.append(" · ".join([label, *(f"{n.split('.')[-1]} {dict(experiment)[n]}" for n in differing)]))
    return full


def _size(size: tuple) -> str:
    *_, levels, shape = size
    return "-".join(map(str, shape)) + f", {levels} pruning{'' if levels == 1 else 's'}"


def _open(source: Store, run_id: str) -> Run:
    """A finished run as the picture needs it."""
    history = source.history(run_id)
    levels = len(history.rows)
    lived = torch.from_numpy(np.minimum(history.death, levels))[None]
    dataset = data.load(history.spec.data)
    title = f"{'-'.join(map(str, history.shape))} · seed {history.spec.seed}"
    return Run(run_id, title, history.shape, dataset.tasks, history.rows, [m[0].numpy() for m in split_mask(lived, history.shape)],
               history.ticket, history.spec.coverage, dataset, data.class_names(history.spec.data))


def _from_tickets(tickets: Sequence[Ticket]) -> Catalogue:
    groups: dict[tuple, dict[int, Ticket]] = {}
    for ticket in tickets:
        levels = groups.setdefault((ticket.tasks, ticket.shape, ticket.seed), {})
        if ticket.level in levels:
            raise SpecError(f"two tickets are {'-'.join(map(str, ticket.shape))}, seed {ticket.seed}, level {ticket.level}; explore them one by one")
        levels[ticket.level] = ticket
    tree: dict = {}
    runs = {}
    for (tasks, shape, seed), levels in groups.items():
        run = _of_tickets([levels[n] for n in sorted(levels)])
        runs[run.key] = run
        words = f"seed {seed} – {outcome_in_words(list(run.rows['status']), list(run.rows['level']))}"
        tree.setdefault(" and ".join(t.name for t in tasks), {}).setdefault("-".join(map(str, shape)), []).append((words, run.key))
    note = "" if runs else "<b>The list of tickets is empty.</b>"
    return Catalogue(tree, runs.__getitem__, store.outputs() / "exports", note, next(iter(runs), None))


def _of_tickets(tickets: list[Ticket]) -> Run:
    """One network at the levels at hand; what training reported is not known."""
    first, rows = tickets[0], []
    for ticket in tickets:
        found = connectivity.measure(ticket.masks, ticket.tasks)[0]
        rows.append({"level": ticket.level, **{n: getattr(found, n) for n in ("available", "active", "inactive", "zombie", "subnetworks", "status")}})
    alive = [np.sum([t.masks[n][0].numpy() for t in tickets], axis=0, dtype=np.uint8) for n in range(len(first.masks))]
    shape = "-".join(map(str, first.shape))
    key = f"{'-'.join(t.name for t in first.tasks)}-{shape}-seed{first.seed}"
    return Run(key, f"{shape} · seed {first.seed}", first.shape, first.tasks, pd.DataFrame(rows), alive, tickets.__getitem__)


# ---------------------------------------------------------------------- what is said
def outcome_in_words(words: Sequence[str], levels: Sequence[int]) -> str:
    """What became of a run.

    >>> outcome_in_words(["interconnected", "separated", "degraded"], [0, 1, 2])
    'separated at level 1, degraded at level 2'
    >>> outcome_in_words(["interconnected"], [0])
    'interconnected to the end'
    """
    events = [f"{word} at level {levels[list(words).index(word)]}" for word in ("separated", "degraded") if word in words]
    return ", ".join(events) or f"{words[-1]} to the end"


def stretches_in_words(words: Sequence[str], levels: Sequence[int]) -> str:
    """Which levels have which status.

    >>> stretches_in_words(["interconnected", "interconnected", "separated"], [0, 1, 2])
    'levels 0 to 1 interconnected, level 2 separated'
    """
    starts = [n for n in range(len(words)) if n == 0 or words[n] != words[n - 1]]
    said = []
    for first, last in zip(starts, [n - 1 for n in starts[1:]] + [len(words) - 1], strict=True):
        where = f"level {levels[first]}" if first == last else f"levels {levels[first]} to {levels[last]}"
        said.append(f"{where} {words[first]}")
    return ", ".join(said)


def level_in_words(run: Run, row: int) -> str:
    """The status of one level and its numbers."""
    numbers = run.rows.iloc[row]
    said = (f"Level {numbers['level']}: {numbers['status']}. Of {numbers['available']} available weights {numbers['active']} active, "
            f"{numbers['inactive']} inactive, {numbers['zombie']} zombie; "
            f"{numbers['subnetworks']} subnetwork{'' if numbers['subnetworks'] == 1 else 's'}")
    scores = [f"{t.name} {numbers[f'accuracy_{t.name}']:.1%}" for t in run.tasks if f"accuracy_{t.name}" in numbers]
    return said + (f"; accuracy {', '.join(scores)}." if scores else ".")


def picture_in_words(sights: Sequence[tuple[Run, int]], options: Options) -> str:
    """What a picture shows: networks, levels and options."""
    said = [" beside ".join(f"{run.title}, level {run.rows['level'].iloc[row]}" for run, row in sights), COLOURS[options.colours]]
    if options.pruned:
        said.append("pruned weights, faint")
    if options.neuron:
        layer, unit = options.neuron
        said.append(f"{layers_in_words(sights[0][0].shape)[layer]}, {unit + 1} lit up")
    return "; ".join(said)


def layers_in_words(shape: Sequence[int]) -> list[str]:
    """What the layers of a network are called.

    >>> layers_in_words((4, 8, 8, 2))
    ['inputs', 'hidden layer 1', 'hidden layer 2', 'outputs']
    """
    return ["inputs", *(f"hidden layer {n}" for n in range(1, len(shape) - 1)), "outputs"]


def explain(ticket: Ticket, layer: int, unit: int, dataset: Dataset | None = None) -> str:
    """One sentence about one unit: its state, why, and what it does.

    layer: 0 for the inputs; unit: from 0; dataset: on whose test half shares and ranges are computed
    (default: 1000 standard-normal points).
    """
    masks = [m[0].numpy() for m in ticket.masks]
    found = connectivity.structure(ticket.masks, ticket.tasks)
    state, family = found.states[layer][unit], relatives(masks, layer, unit)
    before, after = _names(ticket, 0, family[0]), _names(ticket, -1, found.leads[layer][unit])
    name, last = _name(ticket, layer, unit), len(ticket.shape) - 1
    if state == INACTIVE:
        alone = not any(f.sum() - (n == layer) for n, f in enumerate(family))
        why = "no weight is left at it" if alone else "no path leads from it to an output"
        return f"{name} – inactive: {why}, so " + ("the network does not see it." if layer == 0 else "nothing it computes matters.")
    if state == ACTIVE:
        hears = "" if layer == 0 else f"{before} reach{'es' if family[0].sum() == 1 else ''} it"
        leads = "" if layer == last else f"it leads to {after}"
        return f"{name} – active: {' and '.join(filter(None, (hears, leads)))}{_fires(ticket, layer, unit, dataset)}."
    return f"{name} – zombie: no path from any input reaches it; {_constant(ticket, layer, unit, found, family, dataset)}."


def _name(ticket: Ticket, layer: int, unit: int) -> str:
    if 0 < layer < len(ticket.shape) - 1:
        return f"neuron {unit + 1} of hidden layer {layer}"
    owners = [t.name for t in ticket.tasks if unit in (t.inputs if layer == 0 else t.outputs)]
    return f"{'x' if layer == 0 else 'y'}{unit + 1}" + (f" ({owners[0]})" if owners else "")


def _names(ticket: Ticket, layer: int, units: np.ndarray) -> str:
    """``x1 and x2 (circles)``; a count where they are many."""
    what, names = "input" if layer == 0 else "output", [_name(ticket, layer % len(ticket.shape), u) for u in np.flatnonzero(units)]
    if len(names) == len(units) > 1:
        return f"all {len(names)} {what}s"
    if len(names) > 4:
        return f"{len(names)} {what}s"
    for before, after in pairwise(range(len(names))):      # the owner is said once, after the last of its own
        if names[before].partition(" ")[2] == names[after].partition(" ")[2]:
            names[before] = names[before].partition(" ")[0]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _examples(ticket: Ticket, dataset: Dataset | None) -> tuple[np.ndarray, str]:
    if dataset is not None:
        part = dataset.x_test[:1000]
        return part, "the test half" if len(part) == len(dataset.x_test) else "1000 points of the test half"
    return np.random.default_rng(0).standard_normal((1000, ticket.shape[0]), dtype=np.float32), "1000 random points"


def _fires(ticket: Ticket, layer: int, unit: int, dataset: Dataset | None) -> str:
    if ticket.trained is None or not 0 < layer < len(ticket.shape) - 1:
        return ""
    x, where = _examples(ticket, dataset)
    share = (forward(ticket, x)[layer][:, unit] > 0).mean()
    return f"; it fires for {share:.1%} of {where}" if share else f"; it never fires on {where}"


def _constant(ticket, layer, unit, found, family, dataset) -> str:
    """What a unit that no input reaches gives out, and what that does to the outputs."""
    if ticket.trained is None:
        return "what it gives out is not known, trained values of this level were not kept"
    if layer == len(ticket.shape) - 1:
        return f"it is {forward(ticket, np.zeros((1, ticket.shape[0]), np.float32))[-1][0, unit]:.3g} whatever the input"
    x, where = _examples(ticket, dataset)
    values, silenced = forward(ticket, x), forward(ticket, x, without=(layer, unit))[-1]
    gives = float(values[layer][0, unit])
    if gives == 0:
        return f"it gives out 0 and adds nothing to {_names(ticket, -1, found.leads[layer][unit])}"
    effects = []
    for output in np.flatnonzero(found.leads[layer][unit]):
        # the way there is a constant, too, unless it leads through a neuron that hears an input
        bends = any((family[n] & found.leads[n][:, output] & (found.states[n] == ACTIVE)).any() for n in range(layer + 1, len(ticket.shape) - 1))
        change, to = values[-1][:, output] - silenced[:, output], _name(ticket, len(ticket.shape) - 1, output)
        if bends:
            effects.append(f"shifts {to} by {change.min():.3g} to {change.max():.3g}, depending on the input ({where})")
        else:
            effects.append(f"adds a constant {change[0]:.3g} to {to}")
    return f"it gives out {gives:.3g} and {' and '.join(effects)}"


# ---------------------------------------------------------------------- widgets
WIDE = {"description_width": "auto"}
ROW = {"flex_flow": "row wrap", "grid_gap": "2px 14px"}


TURN = threading.RLock()


def in_turn(handler):
    """Done alone: JupyterLab sends a kernel's widgets their messages in two threads, and drawing changes settings that all threads share."""
    @functools.wraps(handler)
    def waiting(*args):
        with TURN:
            return handler(*args)
    return waiting


class Picture(widgets.Image):
    """An image that says what it shows: its tooltip, which screen readers read.  The browser's part of a tooltip needs a description."""
    description = Unicode("").tag(sync=True)


class Chooser:
    """Widgets that choose one run and one of its levels; `changed` is called once for each change, however many widgets it moves."""

    def __init__(self, catalogue: Catalogue, changed: Callable[[], None], key: str, where: str = ""):
        self.catalogue, self.changed, self.key, self.quiet = catalogue, changed, None, False
        drop = {"style": WIDE, "layout": {"width": "auto", "max_width": "100%"}}
        self.experiment = widgets.Dropdown(description=f"Experiment{where}", **drop)
        self.size = widgets.Dropdown(description=f"Size{where}", **drop)
        self.run = widgets.Dropdown(description=f"Run{where}", **drop)
        self.slider = widgets.IntSlider(description=f"Level{where}", min=0, max=1, style=WIDE, layout={"width": "420px"})
        self.play = widgets.Play(min=0, max=1, interval=700, tooltip=f"Play the levels{where}", show_repeat=True)
        self.back = widgets.Button(description="◀ previous", tooltip="Previous level", layout={"width": "auto"})
        self.forth = widgets.Button(description="next ▶", tooltip="Next level", layout={"width": "auto"})
        self.words = widgets.HTML()
        widgets.jslink((self.play, "value"), (self.slider, "value"))
        self.experiment.options = list(catalogue.tree)
        self.experiment.observe(self._on_experiment, "value")
        self.size.observe(self._on_size, "value")
        self.run.observe(self._on_run, "value")
        self.slider.observe(self._on_level, "value")
        self.back.on_click(lambda _: self.step(-1))
        self.forth.on_click(lambda _: self.step(1))
        self.rows = [widgets.HBox([self.experiment, self.size, self.run], layout=ROW),
                     widgets.HBox([self.slider, self.back, self.forth, self.play], layout=ROW), self.words]
        self.select(key)

    def select(self, key: str):
        """Show a run by its key."""
        with self._at_once():
            self.experiment.value, size = self.catalogue.where(key)
            self._fill_sizes(size)
            self._fill_runs(key)
            self._open()

    @property
    def level(self) -> int:
        """Position of the level in the run's rows; the slider of a run with one level has a second stop, which means the same."""
        return min(self.slider.value, len(self.shown.rows) - 1)

    def step(self, by: int):
        """Go to the next level, or back."""
        self.slider.value = int(np.clip(self.slider.value + by, 0, len(self.shown.rows) - 1))

    @contextlib.contextmanager
    def _at_once(self):
        before, self.quiet = self.quiet, True
        try:
            yield
        finally:
            self.quiet = before
        if not self.quiet:
            self.changed()

    def _fill_sizes(self, size=None):
        sizes = list(self.catalogue.tree[self.experiment.value])
        self.size.options = sizes
        self.size.value = size or sizes[0]

    def _fill_runs(self, key=None):
        runs = self.catalogue.tree[self.experiment.value][self.size.value]
        separated = [k for words, k in runs if "separated at" in words]
        self.run.options = runs
        self.run.value = key or (separated or [runs[0][1]])[0]

    def _open(self):
        """The chosen run in memory, the slider at its most telling level."""
        self.shown, self.trouble = None, ""
        try:
            self.shown = self.catalogue.open(self.run.value)
        except (RuntimeError, SpecError, OSError, ImportError) as error:      # damaged, or its data cannot be had
            self.trouble = str(error)
        levels = [] if self.shown is None else list(self.shown.rows["level"])
        for control in (self.slider, self.play, self.back, self.forth):
            control.disabled = len(levels) < 2
        self.slider.readout = levels == list(range(len(levels))) and len(levels) > 1
        self.play.playing = False      # else the browser's timer would walk on in the other run
        for control in (self.slider, self.play):      # both get the same value in one message each, or the browser's link would echo an old one
            with control.hold_sync():
                control.max = max(1, len(levels) - 1)      # a slider with a single stop fails in the browser
                control.value = 0 if self.shown is None else self.shown.chosen()

    @in_turn
    def _on_experiment(self, _):
        if not self.quiet:
            with self._at_once():
                self._fill_sizes()
                self._fill_runs()
                self._open()

    @in_turn
    def _on_size(self, _):
        if not self.quiet:
            with self._at_once():
                self._fill_runs()
                self._open()

    @in_turn
    def _on_run(self, _):
        if not self.quiet:
            with self._at_once():
                self._open()

    @in_turn
    def _on_level(self, _):
        if not self.quiet:
            self.changed()

    def say(self):
        """The chosen level in words, and where the run changed its status."""
        if self.shown is None:
            self.words.value = f"<div role='status'><b>This run cannot be shown.</b> {html.escape(self.trouble)}</div>"
            return
        rows = self.shown.rows
        words, levels = list(rows["status"]), list(rows["level"])
        marks = "".join(f"<span style='flex:1;height:8px;background:{STATUS_COLOURS[word]};"
                        f"{'outline:2px solid black;z-index:1' if n == self.level else ''}'></span>" for n, word in enumerate(words))
        here = html.escape(level_in_words(self.shown, self.level))
        self.words.value = (f"<div role='status' aria-live='polite' style='line-height:1.5'>{here}</div>"
                            f"<div aria-hidden='true' style='display:flex;width:420px;max-width:100%;gap:1px;margin:3px 0'>{marks}</div>"
                            f"<div style='line-height:1.5'>Whole run: {html.escape(stretches_in_words(words, levels))}.</div>")


class Explorer(widgets.VBox):
    """The widgets, as a box to be displayed; each control is an attribute, so that it can be driven from Python as well."""

    def __init__(self, catalogue: Catalogue, run: str | None = None):
        self.catalogue, self.screen, self.second = catalogue, Screen(), None
        self.note = widgets.HTML(catalogue.note)
        super().__init__([self.note])
        if not catalogue.tree:
            return
        self.picture = Picture(format="png", layout={"width": "1540px", "max_width": "100%", "object_fit": "contain"})
        self._make_controls()
        self.first = Chooser(catalogue, self._nothing, self._begin(run))
        self.beside = widgets.VBox([])
        self.children = [self.note, *self.first.rows, widgets.HBox([self.colours, self.pruned, self.compare], layout=ROW),
                         self.beside, widgets.HBox([self.layer, self.unit], layout=ROW), self.sentence, self.picture,
                         widgets.HBox([self.kind, self.export_picture, self.export_ticket], layout=ROW), self.message]
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
        self.colours = widgets.Dropdown(description="Colours", options=[(text, name) for name, text in COLOURS.items()], **narrow)
        self.pruned = widgets.Checkbox(description="pruned weights, faint", indent=False, layout={"width": "auto", "margin": "2px 12px"})
        self.compare = widgets.Checkbox(description="compare with a second run or level", indent=False, layout={"width": "auto"})
        self.layer = widgets.Dropdown(description="Neuron of", options=[("no layer", NONE)], **narrow)
        self.unit = widgets.Dropdown(description="Neuron", options=[("–", NONE)], disabled=True, **narrow)
        self.sentence = widgets.HTML()
        self.kind = widgets.Dropdown(description="Format", options=["png", "svg", "pdf"], **narrow)
        self.export_picture = widgets.Button(description="Export the picture", layout={"width": "auto"})
        self.export_ticket = widgets.Button(description="Export the ticket", tooltip="As a file that lth_utils.explorer.load reads",
                                            layout={"width": "auto"})
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
        neuron = None if NONE in (self.layer.value, self.unit.value) else (self.layer.value, self.unit.value)
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
            with self.picture.hold_sync():      # one message: the words are never those of another picture
                self.picture.value = self.screen.png(sights, self.options())
                self.picture.tooltip = picture_in_words(sights, self.options())
        for side in [self.first, *([self.second] if self.compare.value else [])]:
            side.say()
        with undisturbed():
            said = self._sentences(sights)
        self.sentence.value = f"<div role='status' style='line-height:1.5'>{html.escape(said)}</div>"

    def _sentences(self, sights) -> str:
        neuron = self.options().neuron
        if neuron is None:
            return "Choose a layer and a neuron to light up its ancestors and descendants."
        said = []
        for (run, row), side in zip(sights, ("Left: ", "Right: "), strict=False):
            fits = neuron[0] < len(run.shape) and neuron[1] < run.shape[neuron[0]]
            said.append((side if len(sights) > 1 else "") + (explain(run.ticket(row), *neuron, run.dataset) if fits else "no such neuron."))
        return " ".join(said)

    @in_turn
    def _on_choice(self):
        """Another run or level: the lists of neurons follow, what is chosen in them stays where it can."""
        shown, self.busy = self.first.shown, True
        if shown is not None:
            layers = [("no layer", NONE), *((name, n) for n, name in enumerate(layers_in_words(shown.shape)))]
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
        self.unit.value = before if NONE < before < len(states) else int(active[0]) if len(active) else 0
        self.unit.disabled = False

    @in_turn
    def _on_layer(self, _):
        if not self.busy:
            self.busy = True
            self.unit.options = [("–", NONE)]      # another layer's neuron of the same number is not the same
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
        details = f"-by-{options.colours}" + ("-pruned" if options.pruned else "") + (
            f"-layer{options.neuron[0]}-neuron{options.neuron[1] + 1}" if options.neuron else "")
        drawn = figure(sights, options)
        with mpl.rc_context(LOOK):
            about = [picture_in_words(sights, options), *(level_in_words(run, row) for run, row in sights)]
            content = store.image(drawn, kind, names, "; ".join(about))
        path = self.catalogue.exports / f"{names}{details}.{kind}"
        store.write_atomically(path, content)
        return path

    def save_ticket(self) -> Path:
        """The ticket on the left as a file in ``outputs/exports``, to be read by :func:`load`."""
        ticket = self.first.shown.ticket(self.first.level)
        return store.save(ticket, self.catalogue.exports / f"{self.first.shown.key}-level{ticket.level}.npz")

    @in_turn
    def _export(self, save: Callable[[], Path]):
        try:
            said = f"Written: <code>{html.escape(str(save()))}</code>"
        except StoreError as error:
            said = f"<b>Not written.</b> {html.escape(str(error))}"
        self.message.value = f"<div role='status'>{said}</div>"
