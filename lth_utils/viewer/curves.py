"""The curves beside a network: what is drawn over its levels."""

from __future__ import annotations

from collections.abc import Container

from lth_utils.viewer.run import Run

MOST_TASKS = 6
"""Tasks that have a curve."""

SOLID: tuple[int, ...] = ()
DASHES = (SOLID, (5, 3), (2, 2))
"""Lengths of dashes and gaps, pixels."""


STRUCTURE = {"lambda2": "λ₂", "n_cut": "n-cut", "block_share": "paths"}
"""Graded measures by their columns: λ₂ of the Laplacian, normalised cut, paths within tasks."""


def curves(run: Run, graded: Container[str] = ()) -> list[dict]:
    """Three sets of curves over a run's levels: its weights, and beside them one of two others.

    Args:
        run: the run.
        graded: columns of graded structure that are known.

    Returns:
        Each with a ``key``, a ``title``, the ``form`` of its numbers (``count``, on a logarithmic
        scale, ``share`` or ``number``), what is said where it is ``missing``, and its ``series``:
        column of the rows, name, colour (a group of the palette and a place in it) and dashes.
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
    measures = []
    for n, (column, name) in enumerate(STRUCTURE.items()):
        if column in graded:
            measures.append(_series(column, name, ("inks", 0), DASHES[n]))
    return [
        _set("weights", "weights", "count", numbers),
        _set("scores", title, "share", scores, "did not come with these tickets"),
        _set("structure", "how nearly apart", "number", measures, "not computed: too large"),
    ]


def _set(key: str, title: str, form: str, series: list[dict], missing: str = "") -> dict:
    """One set of curves."""
    return {"key": key, "title": title, "form": form, "series": series, "missing": missing}


def _series(column: str, name: str, colour: tuple, dashes: tuple[int, ...]) -> dict:
    """One curve."""
    return {"column": column, "name": name, "colour": list(colour), "dash": list(dashes)}
