"""Graded structure of each level of a run, as columns beside those of its table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lth_utils import connectivity
from lth_utils.config import SpecError
from lth_utils.data import Task
from lth_utils.networks.ticket import Ticket

COLUMNS = ("lambda2", "n_cut", "block_share")
"""Of ``connectivity.Graded``, those that take no time to speak of."""

MOST_WEIGHTS = 20_000
"""Available weights up to which a level is graded: within a second for a run of ten levels."""


def graded_rows(tickets: Sequence[Ticket], tasks: Sequence[Task]) -> dict[str, list[float | None]]:
    """How nearly a run has fallen apart, level by level.

    Args:
        tickets: of its levels.
        tasks: of the network.

    Returns:
        A list per column, None where a level is too large or its measure is not known; no columns
        where none is known.
    """
    found = [_graded(ticket, tasks) for ticket in tickets]
    rows = {name: [values.get(name) for values in found] for name in COLUMNS}
    return {name: values for name, values in rows.items() if any(v is not None for v in values)}


def _graded(ticket: Ticket, tasks: Sequence[Task]) -> dict[str, float]:
    """The known measures of one level."""
    if sum(int(mask.sum()) for mask in ticket.masks) > MOST_WEIGHTS:
        return {}
    try:
        (graded,) = connectivity.graded(ticket.masks, tasks, louvain=False)
    except SpecError:  # such as a network without units between two layers
        return {}
    measures = {name: float(getattr(graded, name)) for name in COLUMNS}
    return {name: round(v, 6) for name, v in measures.items() if np.isfinite(v)}
