"""A population of masked networks as stacked arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import Shape, SpecError, choose, coerce, expect, listed, rng
from lth_utils.networks.forward import Layers
from lth_utils.networks.layers import n_parameters, n_weights, network, split_mask


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

    Raises:
        SpecError: arrays of other shapes or types, or on several devices.
    """

    shape: Shape
    seeds: tuple[int, ...]
    parameters: Tensor
    initial: Tensor
    mask: Tensor

    def __post_init__(self):
        n_values, n_masks = n_parameters(self.shape), n_weights(self.shape)
        expected = {
            "parameters": (n_values, torch.float32),
            "initial": (n_values, torch.float32),
            "mask": (n_masks, torch.bool),
        }
        for name, (size, dtype) in expected.items():
            array = expect(getattr(self, name), Tensor, f"{name} of a population")
            if array.dtype != dtype or array.shape != (len(self.seeds), size):
                raise SpecError(
                    f"{name} of a population is {array.dtype} {tuple(array.shape)}; "
                    f"expected {dtype} ({len(self.seeds)}, {size})"
                )
            if array.device != self.parameters.device:
                raise SpecError(
                    f"{name} of a population lies on {array.device}, "
                    f"its parameters on {self.parameters.device}"
                )

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
    shape: Shape,
    seed: int,
    scheme: str = "kaiming_normal",
    stream: str = "init",
    output_gain: float = 1.0,
) -> np.ndarray:
    """One member's initial parameters.

    Args:
        shape: a ``config.Shape``.
        seed: the run's seed.
        scheme: ``kaiming_normal`` weights (fan-in, gain of ReLU) and zero biases, or ``torch``:
            weights and biases uniform within one over the root of the fan-in, as torch's layers.
        stream: name of the random stream.
        output_gain: factor of the values of the last layer.

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
    gains = np.ones(len(fans), np.float32)
    gains[-1] = output_gain
    if scheme == "torch":
        counts = [*net.sizes, *n_biases]
        parts = zip(counts, [*fans, *fans], [*gains, *gains], strict=True)
        return np.concatenate([_uniform(draws, n, fan) * gain for n, fan, gain in parts])
    weights = []
    for n, fan, gain in zip(net.sizes, fans, gains, strict=True):
        scale = np.float32(np.sqrt(2 / fan)) * gain
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
    output_gain: float = 1.0,
) -> Population:
    """A dense population.

    Args:
        shape: a ``config.Shape``.
        seeds: one per member, each once.
        device: where the arrays lie.
        scheme: see :func:`initial_values`.
        output_gain: see :func:`initial_values`.

    Raises:
        SpecError: no seed, one that repeats or is none, a `shape` that makes no network, or a
            device that is not there.
    """
    seeds = [coerce(seed, int, "seed") for seed in listed(seeds, object, "seeds")]
    if not seeds or min(seeds) < 0:
        raise SpecError(f"seeds are {seeds}; expected one or more, each 0 or more")
    if len(set(seeds)) < len(seeds):
        raise SpecError(
            f"seeds {list(seeds)} repeat; two members of one seed would be the same network"
        )
    try:
        device = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise SpecError(f"device is {device!r}, which torch does not know: {error}") from None
    rows = np.stack(
        [initial_values(shape, seed, scheme, output_gain=output_gain) for seed in seeds]
    )
    try:
        values = torch.from_numpy(rows).to(device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise SpecError(f"device {device} cannot be used: {str(error).splitlines()[0]}") from None
    mask = torch.ones(len(seeds), n_weights(shape), dtype=torch.bool, device=device)
    return Population(tuple(shape), tuple(seeds), values.clone(), values, mask)


def rewind(population: Population, mask: Tensor, biases: Tensor | None = None) -> Population:
    """The same members with a new mask, at their initial weights.

    Args:
        population: left unchanged.
        mask: bool ``[M, W]``.
        biases: ``[M, P - W]``, which replace the initial biases from now on; None keeps those.

    Raises:
        SpecError: arrays that do not fit the population.
    """
    expect(population, Population, "population")
    expect(mask, Tensor, "mask")
    n = population.mask.shape[1]
    if mask.shape != population.mask.shape or mask.dtype != torch.bool:
        raise SpecError(
            f"mask is {mask.dtype} {tuple(mask.shape)}; expected torch.bool "
            f"{tuple(population.mask.shape)}"
        )
    initial = population.initial
    if biases is not None:
        wanted = (len(population), initial.shape[1] - n)
        if expect(biases, Tensor, "biases").shape != wanted:
            raise SpecError(f"biases are {tuple(biases.shape)}; expected {wanted}")
    if biases is not None:
        initial = torch.cat([initial[:, :n], biases], 1)
    parameters = initial.clone()
    parameters[:, :n] *= mask
    return replace(population, parameters=parameters, initial=initial, mask=mask)
