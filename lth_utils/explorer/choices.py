"""What can be chosen in the explorer."""

from __future__ import annotations

import contextlib
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

from lth_utils import connectivity, data, pruning
from lth_utils.config import SpecError
from lth_utils.explorer.run import Run
from lth_utils.explorer.words import outcome_in_words
from lth_utils.networks.layers import n_weights, split_mask
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.places import outputs
from lth_utils.runs.run_folder import CorruptRun
from lth_utils.runs.store import Store

NO_RUNS = (
    "<b>No finished runs in {folder}.</b> In the project's folder, <code>make reproduce</code> trains the first within a "
    "minute; then run this cell again. Runs kept elsewhere: set <code>LTH_OUTPUTS</code>, or <code>explore(Store(folder))</code>."
)


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


def catalogue_of_store(source: Store) -> Catalogue:
    entries, damaged, foreign = _entries(source)
    groups: dict[tuple, dict] = {}
    for run_id, entry in entries.items():
        head = entry["head"]
        levels = list(csv.DictReader(io.StringIO(entry["levels"])))
        words = outcome_in_words(
            [row["status"] for row in levels], [int(row["level"]) for row in levels]
        )
        shape = _shape(
            head["base"], head["prune.schedule"], head["prune.rate"], head["prune.levels"]
        )
        size = (len(shape), n_weights(shape), head["prune.levels"] or 0, shape)
        groups.setdefault(_experiment(head), {}).setdefault(size, []).append(
            (head["seed"], words, run_id)
        )
    tree = {}
    for label, key in sorted(zip(_labels(list(groups)), groups, strict=True)):
        tree[label] = {
            _size(size): [
                (f"seed {seed} – {words}", run_id) for seed, words, run_id in sorted(runs)
            ]
            for size, runs in sorted(groups[key].items())
        }
    note = "" if entries or foreign else NO_RUNS.format(folder=html.escape(str(source.runs)))
    if foreign:
        note += (
            f" Runs that cannot be drawn are left out, of another kind of network or another version of this package: {len(foreign)}, "
            f"such as <code>{html.escape(min(foreign))}</code>."
        )
    if damaged:
        note += f" {len(damaged)} damaged runs are left out; <code>python -m lth_utils check</code> names them."
    newest = max(
        entries,
        key=lambda run_id: ("separated" in entries[run_id]["outcome"], entries[run_id]["finished"]),
        default=None,
    )
    return Catalogue(
        tree,
        functools.lru_cache(maxsize=8)(functools.partial(open_run, source)),
        source.root / "exports",
        note,
        newest,
    )


def _entries(source: Store) -> tuple[dict[str, dict], list[str], list[str]]:
    """The store's entries, and the ids that they lack: of damaged runs, and of those that are no networks this package can draw."""
    ids, damaged, foreign = sorted(p.parent.name for p in source.runs.glob("*/done.json")), [], []
    while True:
        try:
            entries = source.entries(ids)
        except CorruptRun as error:
            damaged.append(error.folder.name)
            ids.remove(error.folder.name)
        except SpecError:  # another version of the package wrote fields that this one does not know
            foreign = [run_id for run_id in ids if not _readable(source, run_id)]
            ids = [run_id for run_id in ids if run_id not in foreign]
        else:
            foreign += [
                run_id
                for run_id, entry in entries.items()
                if not re.fullmatch(r"\d+(-\d+)*", entry["head"]["base"])
            ]
            return (
                {run_id: entry for run_id, entry in entries.items() if run_id not in foreign},
                damaged,
                foreign,
            )


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
    return tuple(
        (name, value if not isinstance(value, list) else tuple(value))
        for name, value in head.items()
        if name not in free
    )


def _labels(experiments: list[tuple]) -> list[str]:
    """A label for each experiment; those that would read the same also say what they differ in."""

    def short(head):
        per_level = (
            "" if head["prune.rate"] is None else f", {head['prune.rate']:.2g} pruned per level"
        )
        if head["prune.schedule"] == "extension":
            return f"{head['data']} · extended from {head['base']}{per_level}"
        return (
            f"{head['data']} · "
            + (f"to {head['prune.target']} weights" if head["prune.target"] else "any base")
            + per_level
        )

    labels = [short(dict(e)) for e in experiments]
    full = []
    for label, experiment in zip(labels, experiments, strict=True):
        alike = [dict(e) for e, other in zip(experiments, labels, strict=True) if other == label]
        differing = [n for n, value in experiment if any(a.get(n) != value for a in alike)]
        full.append(
            " · ".join([label, *(f"{n.split('.')[-1]} {dict(experiment)[n]}" for n in differing)])
        )
    return full


def _size(size: tuple) -> str:
    *_, levels, shape = size
    return "-".join(map(str, shape)) + f", {levels} pruning{'' if levels == 1 else 's'}"


def open_run(source: Store, run_id: str) -> Run:
    """A finished run as the picture needs it."""
    history = source.history(run_id)
    levels = len(history.rows)
    lived = torch.from_numpy(np.minimum(history.pruned_at, levels))[None]
    dataset = data.load(history.spec.data)
    title = f"{'-'.join(map(str, history.shape))} · seed {history.spec.seed}"
    return Run(
        run_id,
        title,
        history.shape,
        dataset.tasks,
        history.rows,
        [m[0].numpy() for m in split_mask(lived, history.shape)],
        history.ticket,
        history.spec.coverage,
        dataset,
        data.class_names(history.spec.data),
    )


def catalogue_of_tickets(tickets: Sequence[Ticket]) -> Catalogue:
    groups: dict[tuple, dict[int, Ticket]] = {}
    for ticket in tickets:
        levels = groups.setdefault((ticket.tasks, ticket.shape, ticket.seed), {})
        if ticket.level in levels:
            raise SpecError(
                f"two tickets are {'-'.join(map(str, ticket.shape))}, seed {ticket.seed}, level {ticket.level}; explore them one by one"
            )
        levels[ticket.level] = ticket
    tree: dict = {}
    runs = {}
    for (tasks, shape, seed), levels in groups.items():
        run = _of_tickets([levels[n] for n in sorted(levels)])
        runs[run.key] = run
        words = (
            f"seed {seed} – {outcome_in_words(list(run.rows['status']), list(run.rows['level']))}"
        )
        tree.setdefault(" and ".join(t.name for t in tasks), {}).setdefault(
            "-".join(map(str, shape)), []
        ).append((words, run.key))
    note = "" if runs else "<b>The list of tickets is empty.</b>"
    return Catalogue(tree, runs.__getitem__, outputs() / "exports", note, next(iter(runs), None))


def _of_tickets(tickets: list[Ticket]) -> Run:
    """One network at the levels at hand; what training reported is not known."""
    first, rows = tickets[0], []
    for ticket in tickets:
        found = connectivity.measure(ticket.masks, ticket.tasks)[0]
        rows.append(
            {
                "level": ticket.level,
                **{
                    n: getattr(found, n)
                    for n in ("available", "active", "inactive", "zombie", "subnetworks", "status")
                },
            }
        )
    alive = [
        np.sum([t.masks[n][0].numpy() for t in tickets], axis=0, dtype=np.uint8)
        for n in range(len(first.masks))
    ]
    shape = "-".join(map(str, first.shape))
    key = f"{'-'.join(t.name for t in first.tasks)}-{shape}-seed{first.seed}"
    return Run(
        key,
        f"{shape} · seed {first.seed}",
        first.shape,
        first.tasks,
        pd.DataFrame(rows),
        alive,
        tickets.__getitem__,
    )
