"""The networks that a set's page lets one play with."""

from __future__ import annotations

import json
import re
from pathlib import Path

from lth_utils.runs.store import Store
from lth_utils.viewer import open_run, pack

MOST_RUNS = 24
"""Runs on a page."""

MOST_BYTES = 880_000
"""Of all runs together."""

MOST_ALIKE = 5
"""Runs of one kind of data and network."""

WORDS = {
    "separated": "separates",
    "separated-degraded": "separates, then degrades",
    "interconnected": "never separates",
    "degraded": "degrades",
    "fragmented": "falls into other parts",
}
"""By outcome, what a list says of a run."""


def shown_runs(folder: Path) -> list[dict]:
    """The kept runs of a set, packed for the viewer, points in the plane first.

    Args:
        folder: of the set.
    """
    kept = Store(folder)
    entries = {}
    for run_id, entry in kept.entries().items():
        if re.fullmatch(r"\d+(-\d+)*", entry["head"]["base"]):
            entries[run_id] = entry
    packed: list[dict] = []
    size, alike = 0, {}
    for run_id in sorted(entries, key=lambda run: _rank(entries[run], run)):
        head, outcome = entries[run_id]["head"], entries[run_id]["outcome"]
        run = pack(open_run(kept, run_id))
        kind = run["group"] = _group(head["data"], run)
        run["label"] = f"{run['title']} · {WORDS.get(outcome, outcome)}"
        bytes_of_it = len(json.dumps(run, separators=(",", ":")))
        alike[kind] = alike.get(kind, 0) + 1
        if alike[kind] > MOST_ALIKE or size + bytes_of_it > MOST_BYTES:
            continue
        packed.append(run)
        size += bytes_of_it
    return packed[:MOST_RUNS]


def _rank(entry: dict, run_id: str) -> tuple:
    """Points in the plane first, of them the runs that separate and stay whole."""
    data, outcome = entry["head"]["data"], entry["outcome"]
    kinds = ["moons_circles", "mnist_fashion"]
    kind = kinds.index(data) if data in kinds else len(kinds)
    return kind, outcome != "separated", entry["head"]["seed"], run_id


def _group(data: str, run: dict) -> str:
    """What the tasks of a run are called together."""
    names = [task["name"] for task in run["tasks"]]
    return " and ".join(names) if len(names) < 4 else f"{data}: {len(names)} tasks"
