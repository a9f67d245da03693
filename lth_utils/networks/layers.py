"""The layers of a network: views of flat parameters and masks, and the forward pass."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from lth_utils.config import Shape, SpecError, convolutions, shape_text, weight_shapes


def n_weights(shape: Shape) -> int:
    """Number of weights of a network; biases are not counted.

    >>> n_weights((4, 57, 57, 2)), n_weights(((3, 32), (6, 5, 2), (16, 5, 2), 120, 84, 10))
    (3591, 61770)
    """
    return sum(map(math.prod, weight_shapes(shape)))


def split_mask(mask: Tensor, shape: Shape) -> list[Tensor]:
    """A flat mask ``[M, W]`` as a list over layers of ``[M, O, I]``, of a convolution's ``[M, O, I, k, k]``."""
    layers = weight_shapes(shape)
    sizes = list(map(math.prod, layers))
    if mask.shape[1] != sum(sizes):
        raise SpecError(
            f"a mask of {mask.shape[1]} weights does not fit network {shape_text(shape)}, which has {sum(sizes)}"
        )
    return [
        m.view(len(mask), *layer) for m, layer in zip(mask.split(sizes, 1), layers, strict=True)
    ]


@dataclass
class Layers:
    """Views of a flat parameter stack ``[M, P]`` as weights ``[M, O, I]`` (``[M, O, I, k, k]``) and biases ``[M, O]``; front: convolutions."""

    weights: list[Tensor]
    biases: list[Tensor]
    shape: Shape
    front: int

    @classmethod
    def of(cls, flat: Tensor, shape: Shape) -> Layers:
        members, at, weights, biases, sizes = flat.shape[0], 0, [], [], weight_shapes(shape)
        for size in sizes:
            n = math.prod(size)
            weights.append(flat[:, at : at + n].view(members, *size))
            at += n
        for o, *_ in sizes:
            biases.append(flat[:, at : at + o])
            at += o
        return cls(weights, biases, shape, convolutions(shape))

    def tracked(self) -> Layers:
        """The same views; what the convolutions do is recorded from now on, for :func:`backward`."""
        n = self.front
        weights, biases = (
            [v.detach().requires_grad_() for v in views[:n]] + views[n:]
            for views in (self.weights, self.biases)
        )
        return Layers(weights, biases, self.shape, n)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Activations for inputs ``[M, B, I]``: what the first dense layer hears, then each dense layer's, the logits last."""
        activations = [self._convolve(x) if self.front else x]
        for n in range(self.front, len(self.weights)):
            z = torch.baddbmm(
                self.biases[n][:, None, :], activations[-1], self.weights[n].transpose(1, 2)
            )
            activations.append(z if n == len(self.weights) - 1 else z.relu_())
        return activations

    def _convolve(self, x: Tensor) -> Tensor:
        """Images ``[M, B, C * S * S]`` to the features ``[M, B, I]`` of the first dense layer, channel by channel."""
        (members, count, _), (channels, side) = x.shape, self.shape[0]
        images = x.transpose(0, 1).reshape(count, members * channels, side, side)
        with torch.set_grad_enabled(self.weights[0].requires_grad):
            z = images.contiguous(memory_format=torch.channels_last)  # a third faster on the CPU
            for n, (_, _, pool) in enumerate(self.shape[1 : self.front + 1]):
                z = F.conv2d(
                    z, self.weights[n].flatten(0, 1), self.biases[n].flatten(), groups=members
                )
                z = (
                    F.max_pool2d(z, pool) if pool > 1 else z
                ).relu_()  # the same as pooling after ReLU, and less to do
            return z.reshape(count, members, -1).transpose(0, 1)
