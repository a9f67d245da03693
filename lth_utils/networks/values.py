"""What every unit of a ticket computes for given inputs."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from lth_utils.networks.forward import Layers
from lth_utils.networks.ticket import Ticket

SPARSE_FROM = 20_000
"""Number of weights of a layer from which it is multiplied as a sparse matrix, if it is sparse."""

SPARSE_BELOW = 0.1
"""Share of non-zero weights below which a layer counts as sparse."""


def unit_values(
    ticket: Ticket, inputs: np.ndarray, silenced: tuple[int, int] | None = None
) -> list[np.ndarray]:
    """The value of every unit of a trained dense network.

    Args:
        ticket: a network of dense layers whose trained values were kept.
        inputs: float32 ``[B, I]``, in the units the network was trained on.
        silenced: layer and position of a unit whose value is set to zero, layer 1 being the first
            hidden layer.

    Returns:
        Over layers of units float32 ``[B, U]``: the inputs, the values after the ReLU of each
        hidden layer, the logits.

    Raises:
        SpecError: trained values of this level were not kept.
    """
    layers = Layers.of(torch.from_numpy(ticket.values())[None], ticket.shape)
    values = [inputs.T]
    for layer, (weights, biases) in enumerate(
        zip(layers.weights, layers.biases, strict=True), start=1
    ):
        value = _product(weights[0], values[-1])
        value += biases[0].numpy()[:, None]
        if layer < len(layers.weights):
            np.maximum(value, 0, out=value)
        if silenced is not None and silenced[0] == layer:
            value[silenced[1]] = 0
        values.append(value)
    return [value.T for value in values]


def _product(weights: Tensor, values: np.ndarray) -> np.ndarray:
    """``weights @ values``, in time proportional to the non-zero weights where they are few."""
    n = weights.numel()
    if n <= SPARSE_FROM or weights.count_nonzero() >= SPARSE_BELOW * n:
        return (weights @ torch.from_numpy(values)).numpy()
    sparse = csr_array(weights.numpy())
    sources = np.unique(sparse.indices)
    return sparse[:, sources] @ values[sources]
