"""A model's graph for networkx."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lth_utils.config import SpecError
from lth_utils.connectivity.any_model.graph import ModelGraph, PlainLink
from lth_utils.connectivity.states import ACTIVE, STATE_NAMES

if TYPE_CHECKING:
    import networkx

MOST_EDGES = 2_000_000
"""Edges up to which networkx is of use."""


def as_networkx(graph: ModelGraph, active: bool = False) -> networkx.MultiDiGraph:
    """Units and links as a graph.

    Args:
        graph: of the model.
        active: only what is active, instead of all that is not pruned.

    Returns:
        Nodes are numbers of units, with ``group``, ``kind``, ``index`` in the group, ``state`` and
        ``subnetwork`` (-1 for none); edges have ``layer``, ``weight`` (empty for links without a
        weight) and ``state``.

    Raises:
        SpecError: more edges than networkx is of use for.
    """
    import networkx as nx  # slow to import, and needed here alone

    count = sum(len(sources) for sources, _ in graph.edges(active))
    if count > MOST_EDGES:
        raise SpecError(
            f"the graph has {count} edges, more than the {MOST_EDGES} that networkx is of use for; "
            "its own edges() and labels() are fast at any size"
        )
    found, labels = nx.MultiDiGraph(), graph.labels()
    for group in graph.groups:
        for index, unit in enumerate(group.units):
            state = STATE_NAMES[graph.unit_states[unit]]
            if active and graph.unit_states[unit] != ACTIVE:
                continue
            found.add_node(
                unit,
                group=group.name,
                kind=group.kind,
                index=index,
                state=state,
                subnetwork=int(labels[unit]),
            )
    for link in graph.links:
        for source, target, state in _edges(link):
            if state == "active" or not active:
                weight = "" if isinstance(link, PlainLink) else link.weight
                found.add_edge(source, target, layer=link.path, weight=weight, state=state)
    return found


def _edges(link):
    """Source, target and state of each link that is not pruned."""
    if isinstance(link, PlainLink):
        for source, target, live in zip(link.sources, link.targets, link.is_active, strict=True):
            yield int(source), int(target), "active" if live else "inactive"
        return
    for block, target, source in zip(*np.nonzero(link.states), strict=True):
        state = STATE_NAMES[link.states[block, target, source]]
        if link.sources[block, source] >= 0:
            yield int(link.sources[block, source]), int(link.targets[block, target]), state
