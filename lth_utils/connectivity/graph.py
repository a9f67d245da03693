"""A ticket as a networkx graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lth_utils.config import SpecError
from lth_utils.connectivity.masks import channels, check_masks, kernel_axes
from lth_utils.connectivity.states import STATE_NAMES, unit_states, weight_states
from lth_utils.connectivity.subnetworks import components

if TYPE_CHECKING:
    import networkx


def to_networkx(ticket) -> networkx.DiGraph:
    """A ticket's available weights as a graph.

    Args:
        ticket: has ``masks`` (bool ``[1, O, I]`` per layer) and ``weights`` (float, the same
            shapes), as :class:`~lth_utils.networks.ticket.Ticket` has.

    Returns:
        Nodes ``(layer, unit)`` with ``layer``, ``state`` and ``subnetwork`` (-1 for none); edges
        with ``weight`` and ``state``, both states by name.  With convolutions a ``MultiDiGraph``
        that has one edge per weight and channels for units.

    Raises:
        SpecError: more than one member, or masks that make no network.
    """
    import networkx as nx  # slow to import, and needed here alone

    if not hasattr(ticket, "masks") or not hasattr(ticket, "weights"):
        raise SpecError(f"a {type(ticket).__name__} has no masks and weights; expected a Ticket")
    masks = check_masks(ticket.masks)
    if len(masks[0]) != 1:
        raise SpecError(f"a ticket is one network; these masks have {len(masks[0])} members")
    graph = nx.MultiDiGraph() if kernel_axes(masks[0]) else nx.DiGraph()
    for layer, found in enumerate(zip(unit_states(masks), components(masks), strict=True)):
        units = zip(*(values[0].tolist() for values in found), strict=True)
        for unit, (state, label) in enumerate(units):
            graph.add_node((layer, unit), layer=layer, state=STATE_NAMES[state], subnetwork=label)
    parts = zip(masks, channels(masks), weight_states(masks), ticket.weights, strict=True)
    for layer, (mask, joined, states, weights) in enumerate(parts):
        features = mask.shape[2] // joined.shape[2]
        for place in map(tuple, mask.nonzero().tolist()):
            graph.add_edge(
                (layer, place[2] // features),
                (layer + 1, place[1]),
                weight=float(weights[place]),
                state=STATE_NAMES[states[place]],
            )
    return graph
