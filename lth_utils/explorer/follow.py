"""Runs of a sweep that is running: what is finished of each, as bands that grow."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from lth_utils.plots.style import STATUS_COLOURS
from lth_utils.runs.partial_file import PARTIAL, read_partial
from lth_utils.runs.store import Store
from lth_utils.runs.unusable import CorruptRun

EVERY = 2.0
"""Seconds between two looks."""

MOST_BANDS = 24
"""Runs that are shown, the last ones that changed."""


@dataclass
class Follower:
    """Looks at a store again and again.

    Args:
        store: where runs are written.
        changed: called with the HTML of all bands when something changed.
        finished: called with the ids of runs that have become finished.
        every: seconds between two looks.

    Attributes:
        bands: statuses of the levels of each run, and whether it is finished.
    """

    store: Store
    changed: Callable[[str], None]
    finished: Callable[[list[str]], None]
    every: float = EVERY
    bands: dict[str, tuple[list[str], bool]] = field(default_factory=dict)

    def __post_init__(self):
        self._seen: dict[str, float] = {}
        self._known = {path.parent.name for path in self.store.runs.glob("*/done.json")}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self):
        """Begin to look."""
        self._thread.start()

    def stop(self):
        """Look no more."""
        self._stop.set()

    def _watch(self):
        while not self._stop.wait(self.every):
            self.look()

    def look(self):
        """Look once."""
        new = self._finished()
        if self._growing() or new:
            self.changed(self.html())
        if new:
            self.finished(new)

    def _growing(self) -> bool:
        """Read the unfinished runs whose file changed; whether there were any."""
        before = dict(self._seen)
        for path in self.store.runs.glob(f"*/{PARTIAL}"):
            try:
                time = path.stat().st_mtime
                if self._seen.get(path.parent.name) == time:
                    continue
                record = read_partial(path.parent)
            except (OSError, CorruptRun):
                continue  # it was finished or written anew meanwhile
            self._seen[path.parent.name] = time
            if record is not None and path.parent.name not in self._known:
                self._note(path.parent.name, [row["status"] for row in record.rows], False)
        return before != self._seen

    def _finished(self) -> list[str]:
        """Ids of the runs that have become finished since the last look."""
        now = {path.parent.name: path.parent for path in self.store.runs.glob("*/done.json")}
        new = sorted(set(now) - self._known)
        self._known |= set(new)
        for run_id in new:
            self._note(run_id, _statuses(now[run_id]), True)
        return new

    def _note(self, run_id: str, statuses: list[str], done: bool):
        """Note what is known of a run; those that were noted longest ago are dropped."""
        self.bands.pop(run_id, None)
        self.bands[run_id] = (statuses, done)
        while len(self.bands) > MOST_BANDS:
            del self.bands[next(iter(self.bands))]

    def html(self) -> str:
        """One band per run, with words for those who do not see it."""
        if not self.bands:
            return "<p role='status'>No run has finished a level since this cell was run.</p>"
        done = sum(finished for _, finished in self.bands.values())
        lines = [f"<p role='status'>{done} of {len(self.bands)} runs seen so far are finished.</p>"]
        for run_id, (statuses, finished) in sorted(self.bands.items()):
            marks = "".join(
                f"<span style='width:14px;height:12px;background:{STATUS_COLOURS[word]}'></span>"
                for word in statuses
            )
            last = statuses[-1] if statuses else "nothing yet"
            words = f"level {len(statuses) - 1}, {last}{', finished' if finished else ''}"
            lines.append(
                "<div style='display:flex;gap:1px;align-items:center;flex-wrap:wrap'>"
                f"<span aria-hidden='true' style='display:flex;gap:1px'>{marks}</span>"
                f"<span style='margin-left:8px'>{html.escape(run_id)}: {words}</span></div>"
            )
        return "".join(lines)


def _statuses(folder: Path) -> list[str]:
    """The statuses of a finished run."""
    try:
        return list(pd.read_csv(folder / "levels.csv", usecols=["status"])["status"])
    except (OSError, ValueError):
        return []
