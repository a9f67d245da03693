"""Per unit of a network what the browser draws: its height, and the task that colours it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lth_utils.connectivity import Structure
from lth_utils.data import Task
from lth_utils.data.tasks import index
from lth_utils.networks.ticket import Ticket
from lth_utils.plots.network_layout import place_units, touched_units
from lth_utils.plots.style import TASK_COLOURS

STEPS = 32767
"""Heights are told apart in so many steps, 0 at the top."""

WITHOUT_WEIGHT = STEPS + 1
"""Added to the height of a unit that no weight touches: it is drawn only when it is looked for."""

NONE, SEVERAL = 0, 255
"""Codes of units that serve no task, or several; those between are a task's colour from 1."""


def heights(ticket: Ticket, ranks: Sequence[np.ndarray], found: Structure) -> np.ndarray:
    """Where the units of a network stand at one level.

    Args:
        ticket: the network.
        ranks: the order of its units, see :func:`~lth_utils.plots.network_layout.order_units`.
        found: ``connectivity.structure`` of the ticket.

    Returns:
        uint16 ``[U]`` over all layers, from 0 at the top to ``STEPS``; of hidden units without a
        weight the height among all units of the layer, plus ``WITHOUT_WEIGHT``.
    """
    touched = touched_units([mask[0].numpy() for mask in ticket.masks])
    placed = []
    for rank, places in zip(ranks, place_units(ranks, touched, found.subnetworks), strict=True):
        among_all = WITHOUT_WEIGHT + np.rint(STEPS * (rank + 0.5) / len(rank))
        placed.append(np.where(np.isnan(places), among_all, np.rint(STEPS * (1 - places))))
    return np.concatenate(placed).astype(np.uint16)


def tasks_led_to(found: Structure, tasks: Sequence[Task]) -> np.ndarray:
    """The task whose outputs each unit leads to, as codes uint8 ``[U]``."""
    codes = []
    for leads in found.leads:
        yes = [leads[:, index(task.outputs)].any(1) for task in tasks]
        codes.append(_codes(np.stack(yes, axis=1)))
    return np.concatenate(codes)


def tasks_of_subnetworks(found: Structure) -> np.ndarray:
    """The task that each unit's subnetwork serves, as codes uint8 ``[U]``."""
    of_subnetwork = np.append(_codes(found.coverage > 0), np.uint8(NONE))  # -1 is the last one
    return of_subnetwork[np.concatenate(found.subnetworks)]


def _codes(serves: np.ndarray) -> np.ndarray:
    """One code per row of a table of bools ``[N, K]``."""
    count = serves.sum(1)
    colour = 1 + serves.argmax(1) % len(TASK_COLOURS) if serves.size else count
    return np.where(count > 1, SEVERAL, np.where(count == 1, colour, NONE)).astype(np.uint8)
