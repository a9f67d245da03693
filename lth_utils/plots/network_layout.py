"""Where the units of a drawn network stand: their order in each layer, and their heights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from lth_utils import connectivity
from lth_utils.networks.ticket import Ticket

SWEEPS = 4
"""How often the hidden layers are sorted anew; more sweeps change next to nothing."""

VOTING_SWEEPS = 2
"""Sweeps in which units outside the subnetworks may still join another one."""


def most_telling_level(statuses: Sequence[str]) -> int:
    """Position of the level to look at first: where the network first separated.

    A network that never separated is looked at where it was last not degraded, else at the end.

    >>> most_telling_level(["interconnected", "separated", "separated"])
    1
    >>> most_telling_level(["interconnected", "interconnected", "degraded"])
    1
    """
    words = list(statuses)
    if "separated" in words:
        return words.index("separated")
    not_degraded = [n for n, word in enumerate(words) if word != "degraded"]
    return not_degraded[-1] if not_degraded else len(words) - 1


def common_order(
    tickets: Sequence[Ticket], found: Sequence[connectivity.Structure] | None = None
) -> list[np.ndarray]:
    """The order of units that fits one network at several levels.

    Args:
        tickets: the network at its levels, level 0 first.
        found: ``connectivity.structure`` of each ticket, computed where it is not given.

    Returns:
        As :func:`order_units`, with the subnetworks of the most telling level.
    """
    if found is None:
        found = [connectivity.structure(t.masks, t.tasks) for t in tickets]
    chosen = found[most_telling_level([f.status for f in found])]
    return order_units(lifetimes_of(tickets), chosen.subnetworks)


def lifetimes_of(tickets: Sequence[Ticket]) -> list[np.ndarray]:
    """At how many of these levels of one network each weight is available, uint8 ``[O, I]``."""
    lifetimes = []
    for of_layer in zip(*(t.masks for t in tickets), strict=True):
        lifetimes.append(np.sum([m[0].numpy() for m in of_layer], axis=0, dtype=np.uint8))
    return lifetimes


def order_units(
    lifetimes: Sequence[np.ndarray], subnetworks: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """The order of the units of each layer: subnetworks apart, few crossings.

    A unit outside the subnetworks joins the one that its longest-lived weights lead to.  Within a
    subnetwork units are sorted by the mean height of their neighbours.

    Args:
        lifetimes: over layers of weights ``[O, I]``, at how many levels each weight is available;
            for a single ticket its masks.
        subnetworks: over layers of units int64 ``[U]``, -1 for none.

    Returns:
        Over layers of units the rank of each unit, 0 at the top; inputs and outputs stay in order.
    """
    longest = max(int(a.max(initial=0)) for a in lifetimes)
    # one level more counts twice
    pull = [np.exp2(a.astype(np.float32) - longest) * (a > 0) for a in lifetimes]
    labels, n = _from_top_to_bottom(subnetworks)
    votes = [(label[:, None] == np.arange(n)).astype(np.float32) for label in labels]
    ranks = [np.arange(len(label)) for label in labels]
    heights = [(rank + 0.5).astype(np.float32) / len(rank) for rank in ranks]
    for sweep in range(SWEEPS):
        for layer in range(1, len(ranks) - 1):
            before, after = pull[layer - 1], pull[layer]
            total = np.maximum(before.sum(1) + after.sum(0), 1e-30)
            near = (before @ heights[layer - 1] + after.T @ heights[layer + 1]) / total
            if n and sweep < VOTING_SWEEPS:
                received = before @ votes[layer - 1] + after.T @ votes[layer + 1]
                outside = labels[layer] < 0
                votes[layer][outside] = np.eye(n, dtype=np.float32)[received[outside].argmax(1)]
            group = votes[layer].argmax(1) if n else np.zeros(len(near))
            order = np.lexsort((near, group))
            ranks[layer][order] = np.arange(len(order))
            heights[layer] = (ranks[layer] + 0.5).astype(np.float32) / len(order)
    return ranks


def _from_top_to_bottom(subnetworks) -> tuple[list[np.ndarray], int]:
    """Labels in the order of the outputs that the subnetworks serve, and how many there are."""
    n = max(int(label.max(initial=-1)) for label in subnetworks) + 1
    outputs = [np.flatnonzero(subnetworks[-1] == j).mean() for j in range(n)]
    position = np.append(np.argsort(np.argsort(outputs)), -1)
    return [position[label] for label in subnetworks], n


def place_units(
    ranks: Sequence[np.ndarray], visible: Sequence[np.ndarray], subnetworks: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Height of each unit, with a gap between units of two subnetworks.

    Args:
        ranks: as :func:`order_units` returns them.
        visible: over layers of units bool ``[U]``.
        subnetworks: over layers of units int64 ``[U]``, -1 for none.

    Returns:
        Over layers of units float64 ``[U]`` in 0 to 1, NaN where not visible.  Inputs and outputs
        are always visible, at the same heights.
    """
    places = [1 - (np.arange(len(rank)) + 0.5) / len(rank) for rank in ranks]
    for layer in range(1, len(ranks) - 1):
        places[layer] = np.full(len(ranks[layer]), np.nan)
        order = np.flatnonzero(visible[layer])
        if len(order):
            order = order[np.argsort(ranks[layer][order])]
            places[layer][order] = _spread(subnetworks[layer][order])
    return places


def _spread(labels: np.ndarray) -> np.ndarray:
    """Heights of units from top to bottom, whose subnetworks are given."""
    n = len(labels)
    gap = max(1.0, 0.08 * n)
    # a unit outside counts to the subnetwork of the nearest unit above that is in one
    last = np.maximum.accumulate(np.where(labels >= 0, np.arange(n), -1))
    known = np.where(last >= 0, labels[last], labels)
    changes = (known[1:] != known[:-1]) & (known[:-1] >= 0)
    depth = np.arange(n) + gap * np.concatenate([[0], np.cumsum(changes)])
    return 1 - (depth + 0.5) / (depth[-1] + 1)


def touched_units(drawn: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Units at which a weight is drawn, bool ``[U]`` over layers; drawn: bool ``[O, I]``."""
    between = [before.any(1) | after.any(0) for before, after in pairwise(drawn)]
    return [drawn[0].any(0), *between, drawn[-1].any(1)]
