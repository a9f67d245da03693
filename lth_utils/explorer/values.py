"""What a ticket computes: the value of every unit."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Sequence

import numpy as np
import torch
from scipy.sparse import csr_array

from lth_utils.explorer.panels import GRID
from lth_utils.networks.layers import n_weights
from lth_utils.networks.ticket import Ticket


def chances(ticket: Ticket, flat: Sequence[int], extents: Sequence[tuple]) -> list[np.ndarray]:
    """Probability of class 1 of each task in `flat` on a grid ``[GRID, GRID]`` of its two inputs, all other inputs at zero.

    extents: per task the ends of the grid, as matplotlib has them.
    """
    inputs = np.zeros((len(flat), GRID, GRID, ticket.shape[0]), np.float32)
    for part, k, (left, right, bottom, top) in zip(inputs, flat, extents, strict=True):
        x, y = np.linspace(left, right, GRID), np.linspace(bottom, top, GRID)
        start = ticket.tasks[k].inputs.start
        part[..., start], part[..., start + 1] = x, y[:, None]
    logits = forward(ticket, inputs.reshape(-1, ticket.shape[0]))[-1].reshape(
        len(flat), GRID, GRID, -1
    )
    return [
        1 / (1 + np.exp(-part[..., ticket.tasks[k].outputs.start].clip(-60, 60)))
        for part, k in zip(logits, flat, strict=True)
    ]


def forward(
    ticket: Ticket, inputs: np.ndarray, without: tuple[int, int] | None = None
) -> list[np.ndarray]:
    """What every unit gives out, over layers ``[B, U]``: the inputs, then values after the ReLU, then logits.

    without: a unit (layer, unit) that is silenced.  Work follows the weights that are left.
    """
    biases = np.split(ticket.values()[n_weights(ticket.shape) :], np.cumsum(ticket.shape[1:-1]))
    values = [inputs.T]
    for layer, (weights, bias) in enumerate(zip(ticket.weights, biases, strict=True), start=1):
        few = weights.numel() > 20000 and weights.count_nonzero() < 0.1 * weights.numel()
        if few:
            sparse = csr_array(weights[0].numpy())
            heard = np.unique(sparse.indices)
            out = sparse[:, heard] @ values[-1][heard]
        else:
            out = (weights[0] @ torch.from_numpy(values[-1])).numpy()
        out += bias[:, None]
        values.append(np.maximum(out, 0, out=out) if layer < len(ticket.shape) - 1 else out)
        if without and without[0] == layer:
            values[-1][without[1]] = 0
    return [v.T for v in values]


@contextlib.contextmanager
def undisturbed():
    """What must be quick runs without the two things that now and then take longer than itself.

    Waking other threads for small products, and looking through all objects of a large kernel for
    garbage: a drawing makes so many small objects that this would come every few pictures.
    """
    threads, collects = torch.get_num_threads(), gc.isenabled()
    torch.set_num_threads(1)
    gc.disable()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if collects:
            gc.enable()
