"""Small data sets and networks that the checks are made on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import rng
from lth_utils.data import Dataset, Task, moons_circles
from lth_utils.networks import population
from lth_utils.networks.population import Population

DENSITIES = (1.0, 0.5, 0.2, 0.05)
"""Shares of weights that the members of a case have."""

PICTURES = ((2, 8), (4, 3, 2), 6, 4)
"""A convolutional network for :func:`pictures`."""


def points() -> Dataset:
    """Circles beside moons; 150 examples, so that no last batch is full."""
    return moons_circles(n_samples=150)


def kinds() -> Dataset:
    """A task of each kind, of different weights, with missing labels."""
    stream = rng(0, "selftest")
    x = stream.standard_normal((300, 8), dtype=np.float32)
    y = np.column_stack(
        [
            x[:, 0] * x[:, 1] > 0,
            x[:, 2:4].argmax(1),
            x[:, 4] > 0,
            x[:, 5] > 0,
            x[:, 6] * x[:, 7],
        ]
    ).astype(np.float32)
    y[::7, 0] = np.nan
    tasks = (
        Task("sign", range(0, 2), range(0, 1)),
        Task("larger", range(2, 4), range(1, 3), weight=2.0),
        Task("labels", range(4, 6), range(3, 5), kind="multilabel"),
        Task("product", range(6, 8), range(5, 6), kind="regression"),
    )
    return Dataset(x[:150], y[:150], x[150:], y[150:], tasks)


def pictures() -> Dataset:
    """Two tasks of two classes on two channels of 8 by 8."""
    stream = rng(0, "selftest pictures")
    x = stream.standard_normal((240, 2, 64), dtype=np.float32)
    y = stream.integers(0, 2, (240, 2))
    x[:, :, :16] += 2 * y[:, :, None].astype(np.float32) - 1
    tasks = Task("one", range(64), range(2)), Task("other", range(64, 128), range(2, 4))
    flat = x.reshape(240, -1)
    return Dataset(flat[:120], y[:120], flat[120:], y[120:], tasks)


def members(shape, densities=DENSITIES) -> Population:
    """One seed per density on the CPU, each under a random mask."""
    dense = population.init(shape, range(len(densities)))
    return population.rewind(dense, random_mask(dense.mask.shape, densities))


def random_mask(shape: tuple[int, ...], densities, seed: int = 1) -> Tensor:
    """A mask ``[M, W]`` with a share of weights for each member."""
    uniform = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    return uniform < torch.tensor(densities)[:, None]


def moved(networks: Population, device: torch.device) -> Population:
    """The same networks on a device."""
    return replace(
        networks,
        parameters=networks.parameters.to(device),
        initial=networks.initial.to(device),
        mask=networks.mask.to(device),
    )
