"""Graded structure of each level of a run, as columns beside those of its table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lth_utils.data import Task
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.graded import graded_columns

COLUMNS = ("lambda2", "n_cut", "block_share")
"""Those that the viewer draws."""

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
    found = graded_columns([ticket.masks for ticket in tickets], tasks, MOST_WEIGHTS)
    known = found[list(COLUMNS)].round(6).dropna(axis="columns", how="all")
    return known.astype(object).replace({np.nan: None}).to_dict("list")
