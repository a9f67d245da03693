"""Convolutional networks and pictures made for them, for the tests of convolutions."""

import numpy as np
import pytest
import torch

from lth_utils.config import TrainSpec, rng, shape_text
from lth_utils.data import Dataset, Task, standardise
from lth_utils.networks.population import init, rewind
from lth_utils.networks.ticket import Ticket

LENET = ((3, 32), (6, 5, 2), (16, 5, 2), 120, 84, 10)
SMALL = ((2, 8), (3, 3, 2), (4, 2, 1), 7, 4)
SHAPES = pytest.mark.parametrize(
    "shape", [SMALL, ((2, 8), (5, 4, 1), 4), ((2, 8), (3, 1, 3), 6, 5, 4)], ids=shape_text
)
QUICK = TrainSpec(lr=0.01, batch_size=40, patience=50, max_epochs=4)


def made_pictures(n: int = 90, seed: int = 0) -> Dataset:
    """Pictures of two channels of 8 by 8, n in each split; no batch of 40 divides 90.

    The first task: which of three spots is bright in the first channel. The second: which half of
    the second channel is bright.
    """
    stream = rng(seed, "pictures")
    y = np.stack([stream.integers(0, 3, 2 * n), stream.integers(0, 2, 2 * n)], 1)
    x = stream.standard_normal((2 * n, 2, 8, 8))
    for example, (spot, half) in enumerate(y):
        x[example, 0, 1:4, 2 * spot : 2 * spot + 3] += 1.5
        x[example, 1, 4 * half : 4 * half + 4] += 0.7
    x = x.reshape(2 * n, 128)
    x_train, x_test = standardise(x[:n], x[n:])
    tasks = Task("spot", range(64), range(3)), Task("half", range(64, 128), range(3, 4))
    return Dataset(x_train, y[:n], x_test, y[n:], tasks)


def masked(shape, seeds, low=0.3):
    """A population at its initial values under random masks, members of different density."""
    dense = init(shape, seeds)
    density = torch.linspace(low, 1, len(seeds))[:, None]
    mask = torch.rand(dense.mask.shape, generator=torch.Generator().manual_seed(1)) < density
    return rewind(dense, mask)


def ticket_of(members, tasks, m=0):
    """The ticket of one member of a population."""
    n_biases = members.parameters.shape[1] - members.mask.shape[1]
    kept = torch.nn.functional.pad(members.mask[m], (0, n_biases), value=True)
    return Ticket(
        members.shape,
        [mask[m : m + 1] for mask in members.masks],
        (members.initial[m] * kept).numpy(),
        members.parameters[m].numpy(),
        tasks,
        members.seeds[m],
        0,
    )
