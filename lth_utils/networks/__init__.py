"""Masked networks: kinds of layers, populations of members, and single tickets."""

from lth_utils.networks.forward import Layers
from lth_utils.networks.layers import n_weights, network, split_mask, weight_shapes
from lth_utils.networks.population import Population, init, initial_values, rewind
from lth_utils.networks.ticket import Ticket

__all__ = [
    "Layers",
    "Population",
    "Ticket",
    "init",
    "initial_values",
    "n_weights",
    "network",
    "rewind",
    "split_mask",
    "weight_shapes",
]
