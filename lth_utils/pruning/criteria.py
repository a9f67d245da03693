"""Which weights survive: one score per weight.

A criterion is a function of a :class:`Context`, of what can be known of several members at once.
It returns scores ``[M, W]``; of the available weights those of the largest scores stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import Shape, SpecError, rng
from lth_utils.networks.forward import Layers
from lth_utils.networks.layers import n_parameters, network


class Gradients(Protocol):
    """What can be asked about the loss at the scored values, see ``training.gradients``."""

    def loss(self, mask: Tensor, temperature: float = 1.0) -> Tensor:
        """Gradient of the loss, ``[M, W]``, pruned weights included.

        Args:
            mask: bool ``[M, W]``; weights are zero where it is False.
            temperature: what the logits are divided by.
        """

    def curvature(self, mask: Tensor, temperature: float = 1.0) -> Tensor:
        """The Hessian of the loss times its gradient by the available weights, ``[M, W]``."""


@dataclass(frozen=True)
class Context:
    """What a criterion may look at.

    Attributes:
        weights: the values that are scored, float ``[M, W]``, zero where `mask` is False.
        initial: the values that the weights are reset to, float ``[M, W]``.
        mask: bool ``[M, W]``, True where available.
        shape: the networks' ``config.Shape``.
        seeds: M ints.
        level: the level that is pruned to.
        given_gradients: answers questions about the loss, or None where there are no data.
    """

    weights: Tensor
    initial: Tensor
    mask: Tensor
    shape: Shape
    seeds: Sequence[int]
    level: int
    given_gradients: Gradients | None = None

    @property
    def gradients(self) -> Gradients:
        """Answers questions about the loss.

        Raises:
            SpecError: where there are no data to ask.
        """
        if self.given_gradients is None:
            raise SpecError(
                "this criterion needs gradients: give prune(..., gradients=...), such as "
                "training.gradients.LossGradients"
            )
        return self.given_gradients

    @property
    def sizes(self) -> list[int]:
        """How many weights each layer has."""
        return network(self.shape).sizes


def magnitude(context: Context) -> Tensor:
    """Absolute value."""
    return context.weights.abs()


def movement(context: Context) -> Tensor:
    """How far a weight moved in training. Source: Zhou et al. 2019."""
    return (context.weights - context.initial).abs()


def magnitude_increase(context: Context) -> Tensor:
    """By how much a weight's absolute value grew in training. Source: Zhou et al. 2019."""
    return context.weights.abs() - context.initial.abs()


def random(context: Context) -> Tensor:
    """Uniform numbers that depend on seed and level alone."""
    n = context.weights.shape[1]
    rows = [rng(s, "prune", context.level).random(n, dtype=np.float32) for s in context.seeds]
    return torch.from_numpy(np.stack(rows)).to(context.weights.device)


def lamp(context: Context) -> Tensor:
    """A weight's square over the sum of all squares of its layer that are as large or larger.

    Source: Lee et al. 2021, Layer-adaptive sparsity for the magnitude-based pruning.
    """
    parts = []
    squares = _exact(context.weights).square()
    for layer, mask in zip(squares.split(context.sizes, 1), _layers(context), strict=True):
        order = layer.masked_fill(~mask, -1).sort(dim=1, descending=True, stable=True)
        sums = order.values.clamp(min=0).cumsum(1)
        shares = order.values.clamp(min=0) / sums.clamp(min=torch.finfo(sums.dtype).tiny)
        parts.append(torch.zeros_like(layer).scatter_(1, order.indices, shares))
    return torch.cat(parts, 1)


def snip(context: Context) -> Tensor:
    """How much the loss would change, to first order, if a weight were removed.

    Source: Lee et al. 2019, SNIP; rescored in rounds, de Jorge et al. 2021, iterative SNIP.
    """
    return (context.weights * context.gradients.loss(context.mask)).abs()


GRASP_TEMPERATURE = 200.0
"""What :func:`grasp` divides logits by, as its authors' code does."""


def grasp(context: Context) -> Tensor:
    """How little the gradient's norm would grow, to first order, if a weight were removed.

    Source: Wang et al. 2020, Picking winning tickets before training.
    """
    curvature = context.gradients.curvature(context.mask, GRASP_TEMPERATURE)
    return _exact(context.weights) * curvature


def synflow(context: Context) -> Tensor:
    """The sum over all paths through a weight of the product of absolute weights; needs no data.

    Source: Tanaka et al. 2020, Pruning neural networks without any data.
    """
    values = _exact(context.weights).abs() * context.mask
    biases = n_parameters(context.shape) - values.shape[1]
    inputs = network(context.shape).values[0]
    ones = values.new_ones(len(values), 1, int(np.prod(inputs)))
    with torch.enable_grad():
        values = values.detach().requires_grad_()
        flat = torch.cat([values, values.new_zeros(len(values), biases)], 1)
        total = Layers.of(flat, context.shape).forward(ones)[-1].sum()
        (gradient,) = torch.autograd.grad(total, values)
    return gradient * values.detach()


def _exact(values: Tensor) -> Tensor:
    """The values in float64 where the device has it: products over layers become very small."""
    return values if values.device.type == "mps" else values.double()


def _layers(context: Context) -> list[Tensor]:
    """The mask layer by layer, bool ``[M, weights]`` each."""
    return list(context.mask.split(context.sizes, 1))


CRITERIA = {
    "magnitude": magnitude,
    "movement": movement,
    "magnitude_increase": magnitude_increase,
    "random": random,
    "lamp": lamp,
    "snip": snip,
    "grasp": grasp,
    "synflow": synflow,
}
"""Criteria by name."""

NEED_GRADIENTS = ("snip", "grasp")
"""Those that ask about the loss, and so need data."""

BY_AUTOGRAD = (*NEED_GRADIENTS, "synflow")
"""Those that use torch's autograd, which a device that is only pretended cannot run."""
