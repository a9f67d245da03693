"""Kinds of layers, each in one place, and the networks that a shape makes of them.

A kind of layer is a frozen dataclass of the numbers that a shape gives it.  It says

* ``name``: what error messages call it,
* ``autograd``: whether its gradient is autograd's, or written by hand in ``training.batched``,
* ``n_biases``: how many biases it has, 0 for none,
* ``follows(before)``: whether it may come after this kind of layer or input,
* ``output(values)`` and ``weight_shape(values)``: what it makes of its input, where `values` is the
  shape of one example, ``(features,)`` or ``(channels, side, side)``,
* ``forward(x, weight, bias, relu)``: the forward pass of M members at once,
* ``modules(values, weight, bias)``: one member's layer as modules of ``torch.nn``, with the ReLU.

A new kind is a class in this file and an entry in ``KINDS``.  Masks need nothing: all axes of a
weight after ``[O, I]`` are kernel positions (see ``connectivity``).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lth_utils.config import Shape, SpecError, coerce, shape_text
from lth_utils.config.shapes import smallest


@dataclass(frozen=True)
class Features:
    """An input of single values."""

    count: int

    @property
    def values(self) -> tuple[int, ...]:
        """The shape of one example."""
        return (self.count,)


@dataclass(frozen=True)
class Image:
    """An input of square channels, one after the other."""

    channels: int
    side: int

    @property
    def values(self) -> tuple[int, ...]:
        """The shape of one example."""
        return self.channels, self.side, self.side


@dataclass(frozen=True)
class Dense:
    """A weight from each feature of the input to each unit, and a bias per unit."""

    units: int
    name: ClassVar[str] = "dense layer"
    autograd: ClassVar[bool] = False

    @property
    def n_biases(self) -> int:
        """One per unit."""
        return self.units

    def follows(self, before) -> bool:
        """After features and any layer; an image goes through a convolution first."""
        return not isinstance(before, Image)

    def output(self, values: tuple[int, ...]) -> tuple[int, ...]:
        """One value per unit."""
        return (self.units,)

    def weight_shape(self, values: tuple[int, ...]) -> tuple[int, ...]:
        """``(O, I)``, where I counts every feature of every channel."""
        return self.units, math.prod(values)

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor, relu: bool) -> Tensor:
        """Values ``[M, B, O]`` for values ``[M, B, ...]``."""
        z = torch.baddbmm(bias[:, None, :], flattened(x), weight.transpose(1, 2))
        return z.relu_() if relu else z

    def modules(self, values: tuple[int, ...], weight: Tensor, bias: Tensor) -> list[nn.Module]:
        """``Linear`` and ``ReLU``, after ``Flatten`` where channels come before."""
        linear = _filled(nn.Linear(math.prod(values), self.units), weight, bias)
        flatten = [nn.Flatten()] if len(values) > 1 else []
        return [*flatten, linear, nn.ReLU()]


@dataclass(frozen=True)
class Conv:
    """A valid convolution with square kernels, ReLU and max pooling; its units are channels."""

    units: int
    kernel: int
    pool: int
    name: ClassVar[str] = "convolution"
    autograd: ClassVar[bool] = True

    @property
    def n_biases(self) -> int:
        """One per channel."""
        return self.units

    def follows(self, before) -> bool:
        """After an image or another convolution."""
        return isinstance(before, (Image, Conv))

    def output(self, values: tuple[int, ...]) -> tuple[int, ...]:
        """Channels without the rows and columns that do not fill a pooling window."""
        _, side, _ = values
        valid = side - self.kernel + 1
        if valid < self.pool:
            raise SpecError(
                f"gets {side} x {side} pixels, too few for a kernel of {self.kernel} "
                f"and pooling by {self.pool}"
            )
        return self.units, valid // self.pool, valid // self.pool

    def weight_shape(self, values: tuple[int, ...]) -> tuple[int, ...]:
        """``(O, I, k, k)``, from channels to channels."""
        return self.units, values[0], self.kernel, self.kernel

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor, relu: bool) -> Tensor:
        """Channels ``[M, B, O, s, s]`` of images ``[M, B, I, S, S]``: one grouped convolution."""
        members = len(x)
        # a single member keeps its strides: torch chooses by them how to convolve one channel
        images = x.squeeze(0) if members == 1 else x.transpose(0, 1).flatten(1, 2)
        # a third faster on the CPU, and nothing to do between two convolutions
        images = images.contiguous(memory_format=torch.channels_last)
        z = F.conv2d(images, weight.flatten(0, 1), bias.flatten(), groups=members)
        if self.pool > 1:
            z = F.max_pool2d(z, self.pool)
        if relu:
            z = z.relu_()  # the same as pooling after ReLU, and less to do
        if members == 1:
            return z.unsqueeze(0)
        return z.unflatten(1, (members, self.units)).transpose(0, 1)

    def modules(self, values: tuple[int, ...], weight: Tensor, bias: Tensor) -> list[nn.Module]:
        """``Conv2d``, ``ReLU`` and, where there is pooling, ``MaxPool2d``."""
        convolution = _filled(nn.Conv2d(values[0], self.units, self.kernel), weight, bias)
        pooling = [nn.MaxPool2d(self.pool)] if self.pool > 1 else []
        return [convolution, nn.ReLU(), *pooling]


INPUTS = {0: Features, 2: Image}
"""Kinds of inputs by the count of numbers in a shape's first entry; 0: a plain whole number."""

KINDS = {0: Dense, 3: Conv}
"""Kinds of layers by the count of numbers in any later entry of a shape."""

ALLOWED = (
    "widths, such as 4, 8, 2, or an image (channels, side), then one or more convolutions "
    "(channels, kernel, pool), then one or more widths, such as (3, 32), (6, 5, 2), 84, 10"
)


def _made(entry: int | tuple[int, ...], kinds: dict[int, type]):
    """The input or layer that an entry of a shape describes, or None."""
    if not isinstance(entry, tuple):
        return kinds[0](entry)
    kind = kinds.get(len(entry)) if entry else None
    return kind and kind(*entry)


def _filled(module: nn.Module, weight: Tensor, bias: Tensor) -> nn.Module:
    """`module` with copies of these values."""
    module.weight.data = weight.clone()
    if module.bias is not None:
        module.bias.data = bias.clone()
    return module


def flattened(x: Tensor) -> Tensor:
    """Channels ``[M, B, C, ...]`` as features ``[M, B, I]``, channel by channel."""
    return x.transpose(0, 1).flatten(2).transpose(0, 1) if x.ndim > 3 else x


@dataclass(frozen=True)
class Network:
    """The layers that a shape describes.

    Attributes:
        layers: L kinds of layers with their numbers.
        values: L + 1 shapes of one example: what each layer gets, and the outputs.
    """

    layers: tuple[Dense | Conv, ...]
    values: tuple[tuple[int, ...], ...]

    @functools.cached_property
    def weight_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of each layer's weights, ``(O, I)`` and then its kernel's axes."""
        pairs = zip(self.layers, self.values[:-1], strict=True)
        return tuple(layer.weight_shape(values) for layer, values in pairs)

    @functools.cached_property
    def sizes(self) -> list[int]:
        """How many weights each layer has."""
        return [math.prod(shape) for shape in self.weight_shapes]

    @functools.cached_property
    def front(self) -> int:
        """How many of the first layers are differentiated by autograd; 0 where all are dense."""
        return max((n for n, layer in enumerate(self.layers, 1) if layer.autograd), default=0)


def network(shape: Shape) -> Network:
    """The layers of a shape; computed once per shape.

    Args:
        shape: a ``config.Shape``, inputs first.

    Raises:
        SpecError: the entries are not in an order that makes a network, or a kernel does not fit.

    >>> network(((3, 8), (6, 3, 2), 10))
    Network(layers=(Conv(units=6, kernel=3, pool=2), Dense(units=10)),
            values=((3, 8, 8), (6, 3, 3), (10,)))
    """
    try:
        return _network(tuple(shape))
    except TypeError:  # lists in a list, or something else that is no shape
        return _network(coerce(shape, Shape, "the network's shape"))


@functools.cache
def _network(shape: Shape) -> Network:
    """See :func:`network`."""
    if smallest(coerce(shape, Shape, "the network's shape")) < 1:
        raise SpecError(f"shape {shape!r} is no network; its numbers are 1 or more")
    wrong = SpecError(f"shape {shape_text(shape)} is no network; allowed: {ALLOWED}")
    before = _made(shape[0], INPUTS) if shape else None
    if before is None or len(shape) < 2:
        raise wrong
    layers, values = [], [before.values]
    for entry in shape[1:]:
        layer = _made(entry, KINDS)
        if layer is None or not layer.follows(before):
            raise wrong
        layers.append(layer)
        before = layer
    for n, layer in enumerate(layers, start=1):
        try:
            values.append(layer.output(values[-1]))
        except SpecError as error:
            raise SpecError(f"shape {shape_text(shape)}: {layer.name} {n} {error}") from None
    if len(values[-1]) > 1:  # outputs are units, not channels
        raise wrong
    return Network(tuple(layers), tuple(values))


def weight_shapes(shape: Shape) -> list[tuple[int, ...]]:
    """The shape of each layer's weights, ``(O, I)`` and then its kernel's axes.

    Args:
        shape: a ``config.Shape``.

    Raises:
        SpecError: `shape` makes no network.

    >>> weight_shapes((4, 8, 2)), weight_shapes(((3, 8), (6, 3, 2), 10))
    ([(8, 4), (2, 8)], [(6, 3, 3, 3), (10, 54)])
    """
    return list(network(shape).weight_shapes)


def require_dense(shape: Shape, what: str):
    """Refuse a network with convolutions, whose channels cannot be drawn as single units.

    Args:
        shape: of the network.
        what: names it in the error.
    """
    if not all(isinstance(units, int) for units in shape):
        raise SpecError(
            f"{what} is {shape_text(shape)}; pictures and explanations are of networks of dense "
            "layers. Its numbers are in lth.measure and Store.table, its graph in lth.to_networkx"
        )


def n_weights(shape: Shape) -> int:
    """Number of weights of a network; biases are not counted.

    >>> n_weights((4, 57, 57, 2)), n_weights(((3, 32), (6, 5, 2), (16, 5, 2), 120, 84, 10))
    (3591, 61770)
    """
    return sum(network(shape).sizes)


def n_parameters(shape: Shape) -> int:
    """Number of parameters of a network: its weights and its biases.

    >>> n_parameters((4, 57, 57, 2))
    3707
    """
    return n_weights(shape) + sum(layer.n_biases for layer in network(shape).layers)


def split_mask(mask: Tensor, shape: Shape) -> list[Tensor]:
    """Views of a flat mask, layer by layer.

    Args:
        mask: ``[M, W]``, of any dtype.
        shape: the network's ``config.Shape``.

    Returns:
        Over layers ``[M, O, I]``, of a convolution ``[M, O, I, k, k]``.

    Raises:
        SpecError: the network has another number of weights.
    """
    layers = network(shape)
    if mask.shape[1] != sum(layers.sizes):
        raise SpecError(
            f"a mask of {mask.shape[1]} weights does not fit network {shape_text(shape)}, "
            f"which has {sum(layers.sizes)}"
        )
    parts = zip(mask.split(layers.sizes, 1), layers.weight_shapes, strict=True)
    return [part.view(len(mask), *size) for part, size in parts]
