"""A population of masked networks as stacked arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import Shape, SpecError, choose, rng
from lth_utils.networks.forward import Layers
from lth_utils.networks.layers import n_weights, network, split_mask


@dataclass(frozen=True)
class Population:
    """M networks of one shape.

    Attributes:
        shape: a ``config.Shape``.
        seeds: M ints, each once.
        parameters: float32 ``[M, P]``, all weights layer by layer and then all biases; weights
            are exactly zero where the mask is False.
        initial: float32 ``[M, P]``, what rewinding goes back to, pruned weights included.
        mask: bool ``[M, W]``.
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
        """Views of the weights over layers, ``[M, O, I]``, of a convolution ``[M, O, I, k, k]``."""
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
    """One member's initial parameters.

    Args:
        shape: a ``config.Shape``.
        seed: the run's seed.
        scheme: ``kaiming_normal`` weights (fan-in, gain of ReLU) and zero biases, or ``torch``:
            weights and biases uniform within one over the root of the fan-in, as torch's layers.
        stream: name of the random stream.

    Returns:
        float32 ``[P]``, all weights layer by layer and then all biases.

    Raises:
        SpecError: an unknown scheme.
    """
    choose(scheme, ("kaiming_normal", "torch"), "init")
    draws = rng(seed, stream)
    net = network(shape)
    fans = [math.prod(size[1:]) for size in net.weight_shapes]
    n_biases = [layer.n_biases for layer in net.layers]
    if scheme == "torch":
        counts = [*net.sizes, *n_biases]
        parts = zip(counts, [*fans, *fans], strict=True)
        return np.concatenate([_uniform(draws, n, fan) for n, fan in parts])
    weights = []
    for n, fan in zip(net.sizes, fans, strict=True):
        scale = np.float32(np.sqrt(2 / fan))
        weights.append(draws.standard_normal(n, dtype=np.float32) * scale)
    return np.concatenate([*weights, np.zeros(sum(n_biases), dtype=np.float32)])


def _uniform(draws: np.random.Generator, n: int, fan: int) -> np.ndarray:
    """Uniform float32 ``[n]`` within one over the root of the fan-in."""
    return (2 * draws.random(n, dtype=np.float32) - 1) / np.float32(np.sqrt(fan))


def init(
    shape: Shape,
    seeds: Sequence[int],
    device: torch.device | str = "cpu",
    scheme: str = "kaiming_normal",
) -> Population:
    """A dense population.

    Args:
        shape: a ``config.Shape``.
        seeds: one per member, each once.
        device: where the arrays lie.
        scheme: see :func:`initial_values`.

    Raises:
        SpecError: a seed repeats, or `shape` makes no network.
    """
    if len(set(seeds)) < len(seeds):
        raise SpecError(
            f"seeds {list(seeds)} repeat; two members of one seed would be the same network"
        )
    rows = np.stack([initial_values(shape, seed, scheme) for seed in seeds])
    values = torch.from_numpy(rows).to(device)
    mask = torch.ones(len(seeds), n_weights(shape), dtype=torch.bool, device=device)
    return Population(tuple(shape), tuple(seeds), values.clone(), values, mask)


def rewind(population: Population, mask: Tensor, biases: Tensor | None = None) -> Population:
    """The same members with a new mask, at their initial weights.

    Args:
        population: left unchanged.
        mask: bool ``[M, W]``.
        biases: ``[M, P - W]``, which replace the initial biases from now on; None keeps those.
    """
    n = mask.shape[1]
    initial = population.initial
    if biases is not None:
        initial = torch.cat([initial[:, :n], biases], 1)
    parameters = initial.clone()
    parameters[:, :n] *= mask
    return replace(population, parameters=parameters, initial=initial, mask=mask)
