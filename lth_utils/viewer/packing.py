"""What the viewer needs of a run, as plain values and one text: some 30 kB for ten levels.

What is told of the graph (states, subnetworks, tasks led to) is computed here, by ``connectivity``,
so that there is one definition; the browser only draws it.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Sequence

import numpy as np

from lth_utils import connectivity
from lth_utils.data import Task
from lth_utils.data.tasks import index, tasks_to_plain
from lth_utils.plots.network_layout import order_units
from lth_utils.plots.style import STATE_COLOURS, STATUS_COLOURS, TASK_COLOURS
from lth_utils.viewer.run import Run

MOST_WEIGHTS = 6000
"""Weights of a run that travel, those that last longest; how many do not is said."""

MOST_POINTS = 250
"""Points of the test split that are shown."""

SMALLEST_IMAGE = 4
"""Pixels per side from which a square number of inputs is taken for an image."""

PALETTE = {
    "states": [STATE_COLOURS[name] for name in connectivity.STATE_NAMES],
    "statuses": STATUS_COLOURS,
    "tasks": list(TASK_COLOURS),
}
"""The colours of all figures; the browser makes lighter ones of them for a dark page."""


class Parts:
    """Arrays one after the other, and the list by which they are found again."""

    def __init__(self):
        self.listed: list[tuple[str, str, int]] = []
        self.content: list[bytes] = []

    def add(self, name: str, dtype: str, values: np.ndarray):
        """Append an array; dtype: one of u1, u2, u4, i2, f2."""
        flat = np.ascontiguousarray(values, dtype=f"<{dtype}").ravel()
        self.listed.append((name, dtype, len(flat)))
        content = flat.tobytes()
        self.content.append(content + bytes(-len(content) % 4))

    def text(self) -> str:
        """All of them, compressed, as base64."""
        return base64.b64encode(zlib.compress(b"".join(self.content), 9)).decode()


def pack(run: Run) -> dict:
    """A run as plain values that JSON can hold.

    Args:
        run: of dense layers.

    Returns:
        Its title, shape, tasks and rows; ``parts`` lists the arrays that ``data`` holds: the
        position of each weight that travels, at how many levels it is available, its trained
        values as float16, and per level and unit its state, subnetwork and the tasks it leads to.
    """
    tickets = [run.ticket(row) for row in range(len(run.rows))]
    found = [connectivity.structure(t.masks, run.tasks, run.kind) for t in tickets]
    parts = Parts()
    lifetimes = np.concatenate([layer.ravel() for layer in run.lifetimes])
    shipped = _longest(lifetimes)
    parts.add("index", "u4", np.diff(shipped, prepend=0))
    parts.add("lifetimes", "u2", lifetimes[shipped])
    order = order_units(run.lifetimes, found[run.chosen()].subnetworks)
    parts.add("ranks", "u2", np.concatenate(order))
    parts.add("states", "u1", [np.concatenate(f.states) for f in found])
    parts.add("subnetworks", "i2", [np.concatenate(f.subnetworks) for f in found])
    parts.add("leads", "u4", [_tasks_led_to(f.leads, run.tasks) for f in found])
    values = _values(parts, tickets, lifetimes, shipped)
    images = [image_side(task) for task in run.tasks]
    if all(images):
        degrees = [connectivity.out_degrees(t.masks)[1] for t in tickets]
        parts.add("degrees", "u2", degrees)
    return {
        "key": run.key,
        "title": run.title,
        "shape": list(map(int, run.shape)),
        "seed": tickets[0].seed,
        "plain": tasks_to_plain(run.tasks),
        "tasks": [_task(task, side) for task, side in zip(run.tasks, images, strict=True)],
        "rows": _rows(run),
        "coverage": [np.round(f.coverage, 4).tolist() for f in found],
        "asked": run.asked_levels,
        "chosen": run.chosen(),
        "total": len(lifetimes),
        "values": values,
        "points": _points(parts, run),
        "parts": parts.listed,
        "data": parts.text(),
    }


def image_side(task: Task) -> int:
    """Pixels per side where the task's inputs make a square image of classes, else 0."""
    if not isinstance(task.inputs, range) or task.kind not in ("binary", "classes"):
        return 0
    root = math.isqrt(len(task.inputs))
    return root if root >= SMALLEST_IMAGE and root**2 == len(task.inputs) else 0


def _longest(lifetimes: np.ndarray) -> np.ndarray:
    """The positions of the weights that travel, in order."""
    if len(lifetimes) <= MOST_WEIGHTS:
        return np.arange(len(lifetimes))
    return np.sort(np.argsort(-lifetimes, kind="stable")[:MOST_WEIGHTS])


def _tasks_led_to(leads: Sequence[np.ndarray], tasks: Sequence[Task]) -> np.ndarray:
    """The tasks whose outputs each unit leads to, one bit each."""
    bits = []
    for units in leads:
        of_layer = np.zeros(len(units), np.uint32)
        for k, task in enumerate(tasks[:32]):
            of_layer |= units[:, index(task.outputs)].any(1).astype(np.uint32) << np.uint32(k)
        bits.append(of_layer)
    return np.concatenate(bits)


def _values(parts: Parts, tickets, lifetimes: np.ndarray, shipped: np.ndarray) -> list[str]:
    """The values of each level whose weights all travel; ``""`` where they are not known."""
    kinds = []
    for row, ticket in enumerate(tickets):
        here = shipped[lifetimes[shipped] > row]
        whole = len(here) == int((lifetimes > row).sum())
        values, kind = ticket.trained, "trained"
        if values is None:
            values, kind = ticket.initial, "initial"
        if not whole or np.isnan(values).any():
            kinds.append("")
            continue
        kinds.append(kind)
        kept = np.concatenate([values[here], values[len(lifetimes) :]])
        parts.add(f"values{row}", "f2", kept.clip(-65000, 65000))
    return kinds


def _task(task: Task, side: int) -> dict:
    """A task as plain values; side: of its image, 0 for none."""
    return {
        "name": task.name,
        "inputs": [int(i) for i in task.inputs],
        "outputs": [int(o) for o in task.outputs],
        "kind": task.kind,
        "score": task.score_name,
        "side": side,
    }


def _rows(run: Run) -> dict[str, list]:
    """The columns of the table that are shown."""
    scores = [f"{task.score_name}_{task.name}" for task in run.tasks]
    losses = [f"loss_{task.name}" for task in run.tasks]
    wanted = ["level", "available", "active", "inactive", "zombie", "subnetworks", "status"]
    rows: dict[str, list] = {}
    for column in [*wanted, *scores, *losses]:
        if column in run.rows:
            values = run.rows[column].tolist()
            rows[column] = [_short(v) for v in values]
    return rows


def _short(value):
    """A number as JSON can hold it, with six digits."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _points(parts: Parts, run: Run) -> int:
    """Add points of the test split where a task has two inputs and two classes; how many."""
    shown = any(len(task.inputs) == 2 and task.kind == "binary" for task in run.tasks)
    if run.dataset is None or not shown:
        return 0
    x, y = run.dataset.x_test[:MOST_POINTS], run.dataset.y_test[:MOST_POINTS]
    parts.add("points", "f2", x)
    parts.add("labels", "i2", np.nan_to_num(y[:, : len(run.tasks)], nan=-1))
    return len(x)
