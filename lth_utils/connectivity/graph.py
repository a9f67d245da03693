"""A ticket as a networkx graph."""

from __future__ import annotations

import networkx as nx

from lth_utils.config import SpecError
from lth_utils.connectivity.masks import channels, check_masks
from lth_utils.connectivity.states import STATE_NAMES, unit_states, weight_states
from lth_utils.connectivity.subnetworks import components


def to_networkx(ticket) -> nx.DiGraph:
    """A ticket's available weights as a graph.

    `ticket` has ``masks`` (bool ``[1, O, I]`` per layer) and ``weights`` (float, the same shapes).
    Nodes are ``(layer, unit)`` with ``layer``, ``state`` and ``subnetwork`` (-1 for none); edges
    carry ``weight`` and ``state``, both by name.  With convolutions it is a ``nx.MultiDiGraph``, one
    edge per weight, whose units are channels there.
    """
    masks = check_masks(ticket.masks)
    if masks[0].shape[0] != 1:
        raise SpecError(f"a ticket is one network; these masks have {masks[0].shape[0]} members")
    graph = nx.MultiDiGraph() if masks[0].ndim == 5 else nx.DiGraph()
    for layer, (states, labels) in enumerate(
        zip(unit_states(masks), components(masks), strict=True)
    ):
        for unit, (state, label) in enumerate(
            zip(states[0].tolist(), labels[0].tolist(), strict=True)
        ):
            graph.add_node((layer, unit), layer=layer, state=STATE_NAMES[state], subnetwork=label)
    for layer, (mask, units, states, weights) in enumerate(
        zip(masks, channels(masks), weight_states(masks), ticket.weights, strict=True)
    ):
        features = mask.shape[2] // units.shape[2]
        for place in map(tuple, mask.nonzero().tolist()):
            graph.add_edge(
                (layer, place[2] // features),
                (layer + 1, place[1]),
                weight=float(weights[place]),
                state=STATE_NAMES[states[place]],
            )
    return graph
