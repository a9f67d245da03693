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

from lth_utils import config
from lth_utils.config import SpecError
from lth_utils.explorer.experiments import experiment_labels, experiment_of, size_label, size_of
from lth_utils.networks.layers import require_dense
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.places import outputs
from lth_utils.runs.store import Store
from lth_utils.runs.unusable import CorruptRun
from lth_utils.viewer.run import Run, open_run, run_of_tickets
from lth_utils.viewer.words import outcome_in_words

NO_RUNS = (
    "<b>No finished runs in {folder}.</b> In the project's folder, <code>make reproduce</code> "
    "trains the first within a minute; then run this cell again. Runs kept elsewhere: set "
    "<code>LTH_OUTPUTS</code>, or <code>explore(Store(folder))</code>."
)


@dataclass(frozen=True)
class Catalogue:
    """The runs that can be chosen.

    Args:
        words: of each run by its key, in the order in which they are listed.
        open: the run of a key.
        exports: the folder for exported files.
        note: HTML to show above all.
        first: the key of the run to begin with, None without runs.
        code: how Python gets at these runs.
    """

    words: dict[str, str]
    open: Callable[[str], Run]
    exports: Path
    note: str = ""
    first: str | None = None
    code: str = "lth.Store()"

    def search(self, text: str) -> list[str]:
        """The keys of the runs whose words or ids hold every word of a text."""
        wanted = text.lower().split()
        found = []
        for key, words in self.words.items():
            there = f"{words} {key}".lower()
            if all(word in there for word in wanted):
                found.append(key)
        return found

    def check(self, key: str) -> str:
        """The key itself.

        Raises:
            SpecError: there is no such run.
        """
        if key not in self.words:
            hint = config.nearest(key, list(self.words)) if isinstance(key, str) else ""
            raise SpecError(f"no run {key!r} among the {len(self.words)} to explore{hint}")
        return key


def catalogue_of_store(source: Store) -> Catalogue:
    """The finished runs of a store; the note names those that cannot be drawn."""
    entries, damaged, foreign = _entries(source)
    groups: dict[tuple, list] = {}
    for run_id, entry in entries.items():
        head = entry["head"]
        rows = list(csv.DictReader(io.StringIO(entry["levels"])))
        statuses, levels = [row["status"] for row in rows], [int(row["level"]) for row in rows]
        line = (size_of(head), head["seed"], outcome_in_words(statuses, levels), run_id)
        groups.setdefault(experiment_of(head), []).append(line)
    words = {}
    for label, experiment in sorted(zip(experiment_labels(list(groups)), groups, strict=True)):
        for size, seed, outcome, run_id in sorted(groups[experiment]):
            words[run_id] = f"{size_label(size)} · network seed {seed} – {outcome} · {label}"
    opened = functools.lru_cache(maxsize=8)(functools.partial(open_run, source))
    note = "" if entries or foreign else NO_RUNS.format(folder=html.escape(str(source.runs)))
    note += _left_out(damaged, foreign)
    code = "lth.Store()" if source.root == outputs() else f"lth.Store({str(source.root)!r})"
    return Catalogue(words, opened, source.root / "exports", note, _newest(entries), code)


def _newest(entries: dict[str, dict]) -> str | None:
    """The run that finished last, among those that separated and stayed so if there are any."""

    def rank(run_id):
        outcome = entries[run_id]["outcome"]
        return outcome == "separated", "separated" in outcome, entries[run_id]["finished"]

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
    words, runs = {}, {}
    for levels in groups.values():
        run = run_of_tickets([levels[n] for n in sorted(levels)])
        runs[run.key] = run
        outcome = outcome_in_words(list(run.rows["status"]), list(run.rows["level"]))
        words[run.key] = f"{run.title} – {outcome}"
    note = "" if runs else "<b>The list of tickets is empty.</b>"
    first = next(iter(runs), None)
    return Catalogue(words, runs.__getitem__, outputs() / "exports", note, first, "tickets")
