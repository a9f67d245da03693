"""Convolutions of one member on the CPU, at a cost per unpruned weight.

Values agree with those of torch's convolutions to rounding, and depend neither on other members
nor on the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lth_utils.config import Shape
from lth_utils.networks.layers import network
from lth_utils.training.sparse.convolution_loops import LANES, backward, forward, load, unload
from lth_utils.training.sparse.layout import aligned_zeros


@dataclass
class _Convolution:
    """One layer of a member: its numbers, its edges and, of a batch, its values.

    Attributes:
        sides: of the input, and of the output.
        pool: side of the pooling windows.
        begin, offset: see :func:`forward`.
        weights: int64, where each edge is in the flat parameters.
        biases: the same of the biases, int64 ``[O]``.
        z: working memory, see :func:`forward`.
    """

    sides: tuple[int, int]
    pool: int
    begin: np.ndarray
    offset: np.ndarray
    weights: np.ndarray
    biases: np.ndarray
    z: np.ndarray


class Convolutions:
    """The convolutions that a member begins with.

    Args:
        mask: bool ``[W]``.
        shape: of the network, whose convolutions are its first layers.
    """

    def __init__(self, mask: np.ndarray, shape: Shape):
        net = network(shape)
        self.layers = []
        first, first_bias = 0, sum(net.sizes)
        for n in range(net.front):
            layer, size = net.layers[n], net.weight_shapes[n]
            side_in, side = net.values[n][1], net.values[n + 1][1]
            present = mask[first : first + net.sizes[n]].reshape(size)
            o, channel, y, x = np.nonzero(present)
            self.layers.append(
                _Convolution(
                    sides=(side_in, side),
                    pool=layer.pool,
                    begin=np.searchsorted(o, np.arange(len(present) + 1)),
                    offset=((channel * side_in + y) * side_in + x) * LANES,
                    weights=first + np.flatnonzero(present),
                    biases=first_bias + np.arange(layer.n_biases),
                    z=aligned_zeros(side * layer.pool**2 * LANES),
                )
            )
            first, first_bias = first + net.sizes[n], first_bias + layer.n_biases
        self.memory: dict[tuple, np.ndarray] = {}
        self.values: list[np.ndarray] = []
        self.chosen: list[np.ndarray] = []

    def _array(self, name: str, n: int, *size: int) -> np.ndarray:
        """Working memory of layer `n`, the same array each time: new pages cost as much as use."""
        key = name, n, size
        if key not in self.memory:
            self.memory[key] = aligned_zeros(*size)
        return self.memory[key]

    def forward(self, flat: np.ndarray, x: np.ndarray, order: np.ndarray) -> np.ndarray:
        """The features ``[B, F]`` that the first dense layer gets.

        Args:
            flat: parameters, float32 ``[P]``.
            x: images, float32 ``[N, I]``.
            order: rows of `x`, int64 ``[B]``.
        """
        blocks = -(-len(order) // LANES)
        images = self._array("values", 0, blocks, x.shape[1], LANES)
        load(x, order, images)
        self.values, self.chosen = [images], []
        for n, layer in enumerate(self.layers, start=1):
            size = blocks, len(layer.biases) * layer.sides[1] ** 2 * LANES
            out = self._array("values", n, *size)
            chosen = self._array("chosen", n, *size)
            forward(
                self.values[-1].reshape(blocks, -1),
                layer.sides,
                layer.pool,
                layer.begin,
                layer.offset,
                flat[layer.weights],
                flat[layer.biases],
                layer.z,
                out,
                chosen,
            )
            self.values.append(out)
            self.chosen.append(chosen)
        last = self.values[-1].reshape(blocks, -1, LANES)
        features = np.empty((len(order), last.shape[1]), np.float32)
        unload(last, features)
        return features

    def backward(self, flat: np.ndarray, d_features: np.ndarray, gradient: np.ndarray):
        """Write the gradients of the latest :meth:`forward`.

        Args:
            flat: as there.
            d_features: gradients of the features, float32 ``[B, F]``.
            gradient: receives those of the parameters, float32 ``[P]``.
        """
        blocks = len(self.values[0])
        d_out = self._array("gradients", len(self.layers), blocks, d_features.shape[1], LANES)
        load(d_features, np.arange(len(d_features)), d_out)
        for n in reversed(range(len(self.layers))):
            layer, h, out = self.layers[n], self.values[n].reshape(blocks, -1), self.values[n + 1]
            d_h = self._array("gradients", n, *(h.shape if n else (1, 1)))
            d_h[:] = 0
            d_weights, d_biases = np.zeros(len(layer.weights)), np.zeros(len(layer.biases))
            backward(
                h,
                layer.sides,
                layer.pool,
                layer.begin,
                layer.offset,
                flat[layer.weights],
                layer.z,
                out,
                self.chosen[n],
                d_out.reshape(out.shape),
                d_h,
                d_weights,
                d_biases,
            )
            gradient[layer.weights], gradient[layer.biases] = d_weights, d_biases
            d_out = d_h
