"""The curves beside a network: what is drawn over its levels."""

from __future__ import annotations

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
        ``series``: column of the rows, name, colour (a group of the palette and a place in it) and
        dashes.
    """
    numbers = [_series("available", "available", ("inks", 0), SOLID)]
    for n, state in enumerate(("active", "inactive", "zombie")):
        numbers.append(_series(state, state, ("states", n + 1), DASHES[n]))
    scores = []
    for k, task in enumerate(run.tasks[:MOST_TASKS]):
        column, dashes = f"{task.score_name}_{task.name}", DASHES[k % len(DASHES)]
        if column in run.rows:
            scores.append(_series(column, task.name, ("tasks", k), dashes))
    title = " or ".join(sorted({task.score_name for task in run.tasks}))
    return [
        {"title": "weights", "counts": True, "series": numbers},
        {"title": title, "counts": False, "series": scores},
    ]


def _series(column: str, name: str, colour: tuple, dashes: tuple[int, ...]) -> dict:
    """One curve."""
    return {"column": column, "name": name, "colour": list(colour), "dash": list(dashes)}
