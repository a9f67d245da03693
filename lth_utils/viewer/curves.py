"""The curves beside a network: what is drawn over its levels."""

from __future__ import annotations

import math

from lth_utils.viewer.run import Run

MOST_TASKS = 6
"""Tasks that have a curve."""

SOLID: tuple[int, ...] = ()
DASHES = (SOLID, (5, 3), (2, 2))
"""Lengths of dashes and gaps, pixels."""


def curves(run: Run) -> list[dict]:
    """Two sets of curves over a run's levels: its weights, and how good it is.

    Returns:
        Each with a ``title``, whether it ``counts`` (then the scale is logarithmic), and its
        ``series``: name, values, colour (a group of the palette and a key in it) and dashes.
    """
    numbers = [_series(run, "available", "available", ("inks", 0), SOLID)]
    for n, state in enumerate(("active", "inactive", "zombie")):
        numbers.append(_series(run, state, state, ("states", n + 1), DASHES[n]))
    scores = []
    for k, task in enumerate(run.tasks[:MOST_TASKS]):
        column, dashes = f"{task.score_name}_{task.name}", DASHES[k % len(DASHES)]
        if column in run.rows:
            scores.append(_series(run, column, task.name, ("tasks", k), dashes))
    title = " or ".join(sorted({task.score_name for task in run.tasks}))
    return [
        {"title": "weights", "counts": True, "series": numbers},
        {"title": title, "counts": False, "series": scores},
    ]


def values_of(run: Run, column: str) -> list:
    """A column of a run's table as JSON can hold it: with six digits, None for no number."""
    values: list = []
    for value in run.rows[column].tolist():
        if isinstance(value, float):
            value = float(f"{value:.6g}") if math.isfinite(value) else None
        values.append(value)
    return values


def _series(run: Run, column: str, name: str, colour: tuple, dashes: tuple[int, ...]) -> dict:
    """One curve."""
    values = values_of(run, column)
    return {"name": name, "values": values, "colour": list(colour), "dash": list(dashes)}
