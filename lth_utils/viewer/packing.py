"""What the viewer needs of a run, as plain values and one text: some 30 kB for ten levels.

What is told of the graph and what is said of a level is computed here, by ``connectivity`` and
``words``, so that there is one definition; the browser only draws and shows it.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from lth_utils import connectivity
from lth_utils.data import Task
from lth_utils.data.tasks import index, tasks_to_plain
from lth_utils.plots.network_layout import order_units
from lth_utils.viewer.class_scores import class_scores
from lth_utils.viewer.curves import curves
from lth_utils.viewer.graded_rows import graded_rows
from lth_utils.viewer.run import Run
from lth_utils.viewer.units import heights, tasks_led_to, tasks_of_subnetworks
from lth_utils.viewer.words import classes_in_words, coverage_in_words, level_in_words

MOST_WEIGHTS = 6000
"""Weights of a run that travel, those that last longest; how many do not is said."""

MOST_POINTS = 250
"""Points of the test split that are shown."""

SMALLEST_IMAGE = 4
"""Pixels per side from which a square number of inputs is taken for an image."""


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
        Its title, shape, tasks, rows and words; ``parts`` lists the arrays that ``data`` holds:
        the units of each weight that travels, at how many levels it is available, its trained
        values as float16, and per level and unit its state, height and the tasks it belongs to.
    """
    tickets = [run.ticket(row) for row in range(len(run.rows))]
    found = [connectivity.structure(t.masks, run.tasks, run.kind) for t in tickets]
    classes = [class_scores(ticket, run.dataset) for ticket in tickets]
    graded = graded_rows(tickets, run.tasks)
    parts = Parts()
    lifetimes = np.concatenate([layer.ravel() for layer in run.lifetimes])
    shipped = _longest(lifetimes)
    for name, units in zip(("source", "target"), _ends(shipped, run.shape), strict=True):
        parts.add(name, "u2" if sum(run.shape) < 2**16 else "u4", units)
    parts.add("lifetimes", "u2", lifetimes[shipped])
    ranks = order_units(run.lifetimes, found[run.chosen()].subnetworks)
    placed = [heights(t, ranks, f) for t, f in zip(tickets, found, strict=True)]
    parts.add("heights", "u2", placed)
    parts.add("states", "u1", [np.concatenate(f.states) for f in found])
    parts.add("ofSubnetwork", "u1", [tasks_of_subnetworks(f) for f in found])
    parts.add("ledTo", "u1", [tasks_led_to(f, run.tasks) for f in found])
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
        "tasks": [_task(run, task, side) for task, side in zip(run.tasks, images, strict=True)],
        "rows": _rows(run) | graded,
        "curves": curves(run, graded),
        "words": [level_in_words(run, row) for row in range(len(tickets))],
        "covered": [_more_words(run, f, c) for f, c in zip(found, classes, strict=True)],
        "classes": classes,
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


def _more_words(run: Run, found: connectivity.Structure, classes: list | None) -> str:
    """What is said of a level after its numbers; classes: scores by class, if they are known."""
    words = coverage_in_words(found.coverage, run.tasks)
    return f"{words} {classes_in_words(classes, run.tasks)}".strip() if classes else words


def _ends(positions: np.ndarray, shape: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Source and target unit of weights, counted over all layers.

    Args:
        positions: of the weights among all, int64 ``[E]``.
        shape: units per layer.
    """
    starts = np.cumsum([0, *(before * after for before, after in pairwise(shape))])
    units = np.cumsum([0, *shape])
    layer = np.searchsorted(starts, positions, side="right") - 1
    target, source = np.divmod(positions - starts[layer], np.asarray(shape)[layer])
    return units[layer] + source, units[layer + 1] + target


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


def _task(run: Run, task: Task, side: int) -> dict:
    """A task as plain values; side: of its image, 0 for none."""
    return {
        "name": task.name,
        "inputs": [int(i) for i in task.inputs],
        "outputs": [int(o) for o in task.outputs],
        "score": task.score_name,
        "side": side,
        "extent": _extent(run, task) if _has_region(task) else None,
    }


def _has_region(task: Task) -> bool:
    """Whether a task divides a plane in two."""
    return len(task.inputs) == 2 and task.kind == "binary"


def _extent(run: Run, task: Task) -> list[float]:
    """Left, right, bottom and top of a task's region."""
    if run.dataset is None:
        return [-2.5, 2.5, -2.5, 2.5]
    points = run.dataset.x_test[:MOST_POINTS, index(task.inputs)]
    return [round(float(n), 4) for n in np.stack([points.min(0) - 0.3, points.max(0) + 0.3]).T.flat]


def _rows(run: Run) -> dict[str, list]:
    """The columns of the table that numbers are read from."""
    scores = [f"{task.score_name}_{task.name}" for task in run.tasks]
    wanted = ["level", "available", "active", "inactive", "zombie", "status", *scores]
    rows: dict[str, list] = {}
    for column in wanted:
        if column in run.rows:
            rows[column] = [_short(value) for value in run.rows[column].tolist()]
    return rows


def _short(value):
    """A value as JSON can hold it: a number with six digits, None for no number."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _points(parts: Parts, run: Run) -> int:
    """Add points of the test split where a task has two inputs and two classes; how many."""
    if run.dataset is None or not any(map(_has_region, run.tasks)):
        return 0
    columns = np.cumsum([0, *(task.n_targets for task in run.tasks[:-1])])
    x, y = run.dataset.x_test[:MOST_POINTS], run.dataset.y_test[:MOST_POINTS, columns]
    parts.add("points", "f2", x)
    parts.add("labels", "i2", np.nan_to_num(y, nan=-1))
    return len(x)
