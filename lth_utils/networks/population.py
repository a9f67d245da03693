"""A population of masked networks as stacked arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import Shape, SpecError, choose, rng, weight_shapes
from lth_utils.networks.layers import Layers, n_weights, split_mask


@dataclass(frozen=True)
class Population:
    """M networks of one shape.

    shape: a ``config.Shape``; seeds: M ints; parameters, initial: float32 ``[M, P]``, all
    weights layer by layer and then all biases; mask: bool ``[M, W]``.  Weights where the mask is
    False are exactly zero in `parameters`; `initial` keeps all values.
    """

    shape: Shape
    seeds: tuple[int, ...]
    parameters: Tensor
    initial: Tensor
    mask: Tensor

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def weights(self) -> list[Tensor]:
        """Views ``[M, O, I]`` of the weights, of a convolution's ``[M, O, I, k, k]``, one per layer."""
        return Layers.of(self.parameters, self.shape).weights

    @property
    def biases(self) -> list[Tensor]:
        """Views ``[M, O]`` of the biases, one per layer."""
        return Layers.of(self.parameters, self.shape).biases

    @property
    def masks(self) -> list[Tensor]:
        """Views of the mask, bool, shaped as the weights."""
        return split_mask(self.mask, self.shape)

    def select(self, members: Sequence[int]) -> Population:
        """The population of these members, in this order."""
        index = torch.as_tensor(list(members), dtype=torch.int64, device=self.mask.device)
        return Population(
            self.shape,
            tuple(self.seeds[i] for i in members),
            self.parameters[index],
            self.initial[index],
            self.mask[index],
        )


def initial_values(
    shape: Shape, seed: int, scheme: str = "kaiming_normal", stream: str = "init"
) -> np.ndarray:
    """One member's initial parameters, float32 ``[P]``.

    scheme: ``kaiming_normal`` weights (fan-in, gain of ReLU) and zero biases, or ``torch``: all uniform within
    one over the root of the fan-in, as torch's layers draw them; stream: the random stream's name.
    """
    draws, layers = rng(seed, stream), weight_shapes(shape)
    fans = [math.prod(layer[1:]) for layer in layers]
    if choose(scheme, ("kaiming_normal", "torch"), "init") == "torch":
        counts = [
            *zip(fans, map(math.prod, layers), strict=True),
            *zip(fans, (layer[0] for layer in layers), strict=True),
        ]
        return np.concatenate(
            [
                (2 * draws.random(n, dtype=np.float32) - 1) / np.float32(np.sqrt(fan))
                for fan, n in counts
            ]
        )
    weights = [
        draws.standard_normal(math.prod(layer), dtype=np.float32) * np.float32(np.sqrt(2 / fan))
        for layer, fan in zip(layers, fans, strict=True)
    ]
    return np.concatenate([*weights, np.zeros(sum(layer[0] for layer in layers), dtype=np.float32)])


def init(
    shape: Shape,
    seeds: Sequence[int],
    device: torch.device | str = "cpu",
    scheme: str = "kaiming_normal",
) -> Population:
    """A dense population, one member per seed; scheme: see :func:`initial_values`."""
    if len(set(seeds)) < len(seeds):
        raise SpecError(
            f"seeds {list(seeds)} repeat; two members of one seed would be the same network"
        )
    values = torch.from_numpy(np.stack([initial_values(shape, seed, scheme) for seed in seeds])).to(
        device
    )
    mask = torch.ones(len(seeds), n_weights(shape), dtype=torch.bool, device=device)
    return Population(tuple(shape), tuple(seeds), values.clone(), values, mask)


def rewind(population: Population, mask: Tensor, biases: Tensor | None = None) -> Population:
    """The same members with a new mask and their initial weights and biases; or these `biases`, ``[M, P - W]``, and from now on."""
    initial = (
        population.initial
        if biases is None
        else torch.cat([population.initial[:, : mask.shape[1]], biases], 1)
    )
    parameters = initial.clone()
    parameters[:, : mask.shape[1]] *= mask
    return replace(population, parameters=parameters, initial=initial, mask=mask)
