"""The forward pass of stacked members, on views of their flat parameters."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lth_utils.config import Shape
from lth_utils.networks.layers import flattened, network, split_mask


@dataclass
class Layers:
    """Views of a flat parameter stack ``[M, P]``: all weights, then all biases.

    Attributes:
        weights: over layers ``[M, O, I]``, of a convolution ``[M, O, I, k, k]``.
        biases: over layers ``[M, O]``, ``[M, 0]`` of a layer without biases.
        shape: the networks' ``config.Shape``.
        front: how many of the first layers are differentiated by autograd.
    """

    weights: list[Tensor]
    biases: list[Tensor]
    shape: Shape
    front: int

    @classmethod
    def of(cls, flat: Tensor, shape: Shape) -> Layers:
        """The views of `flat`, float ``[M, P]`` or longer; what follows P is unused."""
        net = network(shape)
        n_weights = sum(net.sizes)
        n_biases = [layer.n_biases for layer in net.layers]
        weights = split_mask(flat[:, :n_weights], shape)
        biases = flat[:, n_weights : n_weights + sum(n_biases)].split(n_biases, 1)
        return cls(weights, list(biases), shape, net.front)

    def tracked(self) -> Layers:
        """The same views; autograd records from now on what happens to those of the front."""
        n = self.front
        weights, biases = (
            [view.detach().requires_grad_() for view in views[:n]] + views[n:]
            for views in (self.weights, self.biases)
        )
        return Layers(weights, biases, self.shape, n)

    def forward(self, x: Tensor) -> list[Tensor]:
        """The activations of all members.

        Args:
            x: float ``[M, B, I]``.

        Returns:
            The input ``[M, B, I]`` of the first layer after the front, then the output
            ``[M, B, O]`` of each layer from there on, logits last.
        """
        values = x
        if self.front:
            with torch.set_grad_enabled(self.weights[0].requires_grad):
                values = x.unflatten(2, network(self.shape).values[0])
                for n in range(self.front):
                    values = self._layer(n, values)
                values = flattened(values)
        return self.forward_dense(values)

    def forward_dense(self, values: Tensor) -> list[Tensor]:
        """The same from the input ``[M, B, I]`` of the first layer after the front."""
        activations = [values]
        for n in range(self.front, len(self.weights)):
            activations.append(self._layer(n, activations[-1]))
        return activations

    def _layer(self, n: int, values: Tensor) -> Tensor:
        """The output of layer `n`, after the ReLU unless it is the last."""
        layer = network(self.shape).layers[n]
        relu = n < len(self.weights) - 1
        return layer.forward(values, self.weights[n], self.biases[n], relu)
