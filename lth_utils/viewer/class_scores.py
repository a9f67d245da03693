"""How often a network is right about each class of its tasks."""

from __future__ import annotations

import numpy as np

from lth_utils.data import Dataset
from lth_utils.networks.ticket import Ticket
from lth_utils.networks.values import unit_values


def class_scores(ticket: Ticket, dataset: Dataset | None) -> list[list[float | None]] | None:
    """The accuracy on each class, on all of the test split.

    Args:
        ticket: a network of dense layers.
        dataset: None where it is not known.

    Returns:
        Over tasks, over classes: a share, None for a class without an example; an empty list for
        a task of another kind. None instead of all where trained values or data are missing.
    """
    wanted = [task.kind == "classes" for task in ticket.tasks]
    if dataset is None or ticket.trained is None or not any(wanted):
        return None
    if np.isnan(ticket.trained).any():
        return None
    logits = unit_values(ticket, dataset.x_test)[-1]
    column = 0
    scores: list[list[float | None]] = []
    for task in ticket.tasks:
        labels = dataset.y_test[:, column]
        column += task.n_targets
        if task.kind != "classes":
            scores.append([])
            continue
        right = task.predict(logits) == labels
        shares = [right[labels == c] for c in range(task.classes)]
        scores.append([round(float(share.mean()), 4) if len(share) else None for share in shares])
    return scores
