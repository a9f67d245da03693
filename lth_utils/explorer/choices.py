"""What can be chosen in the explorer: the finished runs of a store, or a list of tickets."""

from __future__ import annotations

import csv
import functools
import html
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from lth_utils import connectivity, data
from lth_utils.config import DataSpec, SpecError
from lth_utils.data import Dataset
from lth_utils.data.image_files import DataError, no_download
from lth_utils.explorer.experiments import experiment_labels, experiment_of, size_label, size_of
from lth_utils.explorer.run import Run
from lth_utils.explorer.words import outcome_in_words
from lth_utils.networks.layers import require_dense, split_mask
from lth_utils.networks.ticket import Ticket
from lth_utils.plots.network_layout import lifetimes_of
from lth_utils.runs.places import outputs
from lth_utils.runs.store import Store
from lth_utils.runs.unusable import CorruptRun

NO_RUNS = (
    "<b>No finished runs in {folder}.</b> In the project's folder, <code>make reproduce</code> "
    "trains the first within a minute; then run this cell again. Runs kept elsewhere: set "
    "<code>LTH_OUTPUTS</code>, or <code>explore(Store(folder))</code>."
)

MEASURES = ("available", "active", "inactive", "zombie", "subnetworks", "status")
"""Columns that are known of a ticket alone."""


@dataclass(frozen=True)
class Catalogue:
    """The runs that can be chosen.

    Args:
        tree: by experiment and size the words and the key of each run.
        open: the run of a key.
        exports: the folder for exported files.
        note: HTML to show above all.
        first: the key of the run to begin with, None without runs.
    """

    tree: dict[str, dict[str, list[tuple[str, str]]]]
    open: Callable[[str], Run]
    exports: Path
    note: str = ""
    first: str | None = None

    def where(self, key: str) -> tuple[str, str]:
        """Experiment and size of a run.

        Raises:
            SpecError: there is no such run.
        """
        for experiment, sizes in self.tree.items():
            for size, runs in sizes.items():
                if any(key == k for _, k in runs):
                    return experiment, size
        raise SpecError(f"no run {key} among those that can be explored")


def catalogue_of_store(source: Store) -> Catalogue:
    """The finished runs of a store; the note names those that cannot be drawn."""
    entries, damaged, foreign = _entries(source)
    groups: dict[tuple, dict[tuple, list]] = {}
    for run_id, entry in entries.items():
        head = entry["head"]
        rows = list(csv.DictReader(io.StringIO(entry["levels"])))
        statuses, levels = [row["status"] for row in rows], [int(row["level"]) for row in rows]
        of_size = groups.setdefault(experiment_of(head), {}).setdefault(size_of(head), [])
        of_size.append((head["seed"], outcome_in_words(statuses, levels), run_id))
    tree: dict = {}
    for label, experiment in sorted(zip(experiment_labels(list(groups)), groups, strict=True)):
        tree[label] = {}
        for size, runs in sorted(groups[experiment].items()):
            listed = [(f"seed {seed} – {words}", run_id) for seed, words, run_id in sorted(runs)]
            tree[label][size_label(size)] = listed
    opened = functools.lru_cache(maxsize=8)(functools.partial(open_run, source))
    note = "" if entries or foreign else NO_RUNS.format(folder=html.escape(str(source.runs)))
    note += _left_out(damaged, foreign)
    return Catalogue(tree, opened, source.root / "exports", note, _newest(entries))


def _newest(entries: dict[str, dict]) -> str | None:
    """The run that finished last, among those that separated if there are any."""

    def rank(run_id):
        return "separated" in entries[run_id]["outcome"], entries[run_id]["finished"]

    return max(entries, key=rank, default=None)


def _left_out(damaged: list[str], foreign: list[str]) -> str:
    """A note on runs that cannot be chosen."""
    note = ""
    if foreign:
        note += (
            " Runs that cannot be drawn are left out, of another kind of network or another "
            f"version of this package: {len(foreign)}, "
            f"such as <code>{html.escape(min(foreign))}</code>."
        )
    if damaged:
        note += (
            f" {len(damaged)} damaged runs are left out; "
            "<code>python -m lth_utils check</code> names them."
        )
    return note


def _entries(source: Store) -> tuple[dict[str, dict], list[str], list[str]]:
    """The store's entries, and the ids of damaged runs and of those that cannot be drawn."""
    entries, errors = source.read_entries()
    damaged, foreign = [], []
    for error in errors:
        unusable = damaged if isinstance(error, CorruptRun) else foreign
        unusable.append(error.folder.name)
    dense = {}
    for run_id, entry in entries.items():
        if re.fullmatch(r"\d+(-\d+)*", entry["head"]["base"]):
            dense[run_id] = entry
        else:
            foreign.append(run_id)
    return dense, damaged, foreign


def open_run(source: Store, run_id: str) -> Run:
    """A finished run as the picture needs it."""
    history = source.history(run_id)
    spec, shape = history.spec, history.shape
    require_dense(shape, run_id)
    lifetimes = torch.from_numpy(np.minimum(history.pruned_at, len(history.rows)))[None]
    return Run(
        key=run_id,
        title=f"{'-'.join(map(str, shape))} · seed {spec.seed}",
        shape=shape,
        tasks=history.tasks,
        rows=history.rows,
        lifetimes=[layer[0].numpy() for layer in split_mask(lifetimes, shape)],
        ticket=history.ticket,
        kind=spec.coverage,
        dataset=_dataset_at_hand(source, spec.data),
        class_names=data.class_names(spec.data),
    )


def _dataset_at_hand(source: Store, spec: DataSpec) -> Dataset | None:
    """The data of a run if they are on this machine: nothing is downloaded to look at a run."""
    try:
        with no_download():
            return source.dataset(spec)
    except (SpecError, DataError):
        return None


def catalogue_of_tickets(tickets: Sequence[Ticket]) -> Catalogue:
    """Tickets of one network are the levels of one run.

    Raises:
        SpecError: two tickets are of the same network and level.
    """
    groups: dict[tuple, dict[int, Ticket]] = {}
    for ticket in tickets:
        require_dense(ticket.shape, f"the ticket of seed {ticket.seed}")
        levels = groups.setdefault((ticket.tasks, ticket.shape, ticket.seed), {})
        if ticket.level in levels:
            raise SpecError(
                f"two tickets are {'-'.join(map(str, ticket.shape))}, seed {ticket.seed}, "
                f"level {ticket.level}; explore them one by one"
            )
        levels[ticket.level] = ticket
    tree: dict = {}
    runs = {}
    for (tasks, shape, seed), levels in groups.items():
        run = run_of_tickets([levels[n] for n in sorted(levels)])
        runs[run.key] = run
        outcome = outcome_in_words(list(run.rows["status"]), list(run.rows["level"]))
        sizes = tree.setdefault(" and ".join(t.name for t in tasks), {})
        of_size = sizes.setdefault("-".join(map(str, shape)), [])
        of_size.append((f"seed {seed} – {outcome}", run.key))
    note = "" if runs else "<b>The list of tickets is empty.</b>"
    return Catalogue(tree, runs.__getitem__, outputs() / "exports", note, next(iter(runs), None))


def run_of_tickets(tickets: Sequence[Ticket]) -> Run:
    """One network at the levels at hand; what training reported is not known.

    Args:
        tickets: of one network, sorted by level.
    """
    first, rows = tickets[0], []
    for ticket in tickets:
        measures = connectivity.measure(ticket.masks, ticket.tasks)[0]
        row = {name: getattr(measures, name) for name in MEASURES}
        rows.append({"level": ticket.level, **row})
    shape = "-".join(map(str, first.shape))
    return Run(
        key=f"{'-'.join(t.name for t in first.tasks)}-{shape}-seed{first.seed}",
        title=f"{shape} · seed {first.seed}",
        shape=first.shape,
        tasks=first.tasks,
        rows=pd.DataFrame(rows),
        lifetimes=lifetimes_of(tickets),
        ticket=tickets.__getitem__,
    )
