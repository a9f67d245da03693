"""Gradients of the loss by all weights of all members, for criteria that ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import Shape, rng
from lth_utils.data import Dataset
from lth_utils.networks.forward import Layers
from lth_utils.networks.layers import network
from lth_utils.training import batched
from lth_utils.training.convolutional import exact_convolutions
from lth_utils.training.objective import Objective
from lth_utils.training.on_device import on_device
from lth_utils.training.outputs import OutputOrder

CHUNK = 2048
"""Examples that are differentiated at once."""


@dataclass(frozen=True)
class LossGradients:
    """The loss of members at given values, differentiated in one pass over the examples.

    Pruned weights are set to zero before, and get a gradient, too. Members do not depend on each
    other: all are differentiated at once, those with convolutions one after the other.

    Attributes:
        parameters: float32 ``[M, P]``, weights and biases.
        shape: the networks' ``config.Shape``.
        seeds: M ints, which draw the examples.
        data: the training split is used.
        reduction: ``mean`` or ``sum`` over the tasks, as ``TrainSpec.loss``.
        examples: how many, drawn for each member; 0: all of the training split.

    Source:
        the questions of Lee et al. 2019 and Wang et al. 2020.
    """

    parameters: Tensor
    shape: Shape
    seeds: Sequence[int]
    data: Dataset
    reduction: str = "mean"
    examples: int = 0

    def loss(self, mask: Tensor, temperature: float = 1.0) -> Tensor:
        """Gradient of the mean loss over the examples.

        Args:
            mask: bool ``[M, W]``; weights are zero where it is False.
            temperature: what the logits are divided by.

        Returns:
            float32 ``[M, W]``, pruned weights included.
        """
        return self._by_member(self._loss, mask, temperature)

    def curvature(self, mask: Tensor, temperature: float = 1.0) -> Tensor:
        """The Hessian of the mean loss times its gradient by the available weights.

        Args:
            mask: bool ``[M, W]``; weights are zero where it is False.
            temperature: what the logits are divided by.

        Returns:
            float32 ``[M, W]``.
        """
        return self._by_member(self._curvature, mask, temperature)

    def _by_member(self, differentiate, mask: Tensor, temperature: float) -> Tensor:
        """`differentiate` for all members, in the networks' own order of the outputs."""
        order = OutputOrder.of(self.shape, self.data.tasks)
        masked = self.parameters.clone()
        masked[:, : mask.shape[1]] *= mask
        flat, mask = order.sorted_parameters(masked), order.sorted_mask(mask)
        n = 1 if network(self.shape).front else max(1, len(flat))
        parts = []
        with exact_convolutions(flat.device):
            for first in range(0, len(flat), n):
                members = slice(first, first + n)
                part = differentiate(flat[members], mask[members], self.seeds[members], temperature)
                parts.append(part)
        return order.restored_parameters(torch.cat(parts))[:, : mask.shape[1]]

    def _chunks(self, seeds: Sequence[int], device) -> Iterator[tuple[Tensor, Tensor, float]]:
        """Inputs ``[M, B, I]``, labels ``[M, B, K]`` and the share of all examples they are."""
        data = self.data.watched
        x, y = on_device(data.x_train, device), on_device(data.y_train, device)
        count = min(self.examples or len(x), len(x))
        rows = torch.arange(len(x), device=device).expand(len(seeds), -1)
        if count < len(x):
            drawn = [rng(seed, "prune examples").permutation(len(x))[:count] for seed in seeds]
            rows = torch.from_numpy(np.stack(drawn)).to(device)
        for part in rows.split(CHUNK, 1):
            yield x[part], y[part], part.shape[1] / count

    @torch.no_grad()
    def _loss(self, flat: Tensor, mask: Tensor, seeds: Sequence[int], temperature: float) -> Tensor:
        """As :meth:`loss`, ``[M, P]``, by the engines' own backward pass."""
        objective = Objective.of(self.data.watched, self.reduction)
        total, gradient = torch.zeros_like(flat), torch.zeros_like(flat)
        layers, gradients = Layers.of(flat, self.shape).tracked(), Layers.of(gradient, self.shape)
        for x, y, share in self._chunks(seeds, flat.device):
            activations = layers.forward(x)
            d_logits = objective.gradient(activations[-1] / temperature, y) / temperature
            batched.backward(layers, gradients, activations, d_logits)
            total += gradient * share
        return total

    def _curvature(
        self, flat: Tensor, mask: Tensor, seeds: Sequence[int], temperature: float
    ) -> Tensor:
        """As :meth:`curvature`, ``[M, P]``, by differentiating the gradient once more."""
        objective = Objective.of(self.data.watched, self.reduction)
        n_weights = mask.shape[1]
        along = self._loss(flat, mask, seeds, temperature)
        along[:, :n_weights] *= mask
        along[:, n_weights:] = 0  # biases are no candidates
        total = torch.zeros_like(flat)
        for x, y, share in self._chunks(seeds, flat.device):
            with torch.enable_grad():
                values = flat.detach().requires_grad_()
                logits = Layers.of(values, self.shape).forward(x)[-1]
                loss = objective.batch_loss(logits / temperature, y).sum()
                (gradient,) = torch.autograd.grad(loss, values, create_graph=True)
                (product,) = torch.autograd.grad((gradient * along).sum(), values)
            total += product * share
        return total
