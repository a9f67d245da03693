"""What is known of a traced tensor, of a constant and of a weight, before and on the way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from lth_utils.connectivity.any_model.units import NONE, collapsed, same
from lth_utils.connectivity.states import ACTIVE, INACTIVE, ZOMBIE

AVAILABLE, IS_ACTIVE, LEADS = 1, 2, 4
"""Bits of what is known of a weight."""


class Cut(torch.autograd.Function):
    """Whether a sum of paths is positive, as 0 or 1, forward and back."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        """1 where anything arrives."""
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        """1 where anything leads on."""
        return (grad > 0).to(grad.dtype)


def cut(x: Tensor) -> Tensor:
    """:class:`Cut` as a function."""
    return Cut.apply(x)


@dataclass(eq=False)
class Value:
    """A tensor that depends on the inputs, or could.

    Attributes:
        reached: bool, any input reaches the element.
        units: int64 of the same shape, the unit of each element; -1 for none.
        leads: bool of the same shape once the way back has come by, else None.
    """

    reached: Tensor
    units: Tensor
    leads: Tensor | None = None

    @property
    def shape(self) -> torch.Size:
        """Of the tensor."""
        return self.reached.shape

    def leads_on(self) -> Tensor:
        """Where the value leads on, bool; nowhere if the way back has not come by."""
        return torch.zeros_like(self.reached) if self.leads is None else self.leads


@dataclass(eq=False)
class Const:
    """A tensor that depends on no input, with where in the parameters its elements come from.

    Attributes:
        value: the real values, on the CPU.
        origin: name of the parameter that it is, or comes from element by element; None for none.
        index: int64 positions in that parameter, flattened; None where it is the whole parameter
            in its own order.
    """

    value: Tensor
    origin: str | None = None
    index: Tensor | None = None


@dataclass(eq=False)
class Use:
    """One use of a weight.

    Attributes:
        weight: the parameter's name.
        mask: bool, which weights are not zero, in the shape that the operation takes.
        index: as of :class:`Const`.
        path: the module.
        kind: of operation, such as ``conv2d``.
        rows: how many sums the weights lead to.
        spread: brings bool ``[rows]`` to what can be expanded to the mask.
        to_units: brings bool ``[mask]`` to ``[G, O, I]`` between units.
        sources, targets: units, int64 ``[G, I]`` and ``[G, O]``; None: within units only.
        is_whole: the parameter itself is the matrix ``[O, I]`` between units.
    """

    weight: str
    mask: Tensor
    index: Tensor | None
    path: str
    kind: str
    rows: int
    spread: Callable[[Tensor], Tensor]
    to_units: Callable[[Tensor], Tensor]
    sources: Tensor | None = None
    targets: Tensor | None = None
    is_whole: bool = False


@dataclass(eq=False)
class Join:
    """A plain link that waits for the way back: which units lead to which, element by element."""

    source: Value
    target: Value
    by_source: bool


ByHand = Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
"""From what is reached and what leads on, both bool: the input's leads, active weights, rows."""


@dataclass(eq=False)
class Operation:
    """One operation of the tape.

    Attributes:
        run: from 0/1 floats, 0/1 masks and zeros per row to positive sums.
        inputs, outputs: what it takes and gives.
        uses: of weights.
        joins: plain links between units.
        path: the module.
        by_hand: the way back, where automatic differentiation would need too much memory.
    """

    run: Callable[[list[Tensor], list[Tensor], list[Tensor]], Tensor | Sequence[Tensor]]
    inputs: list[Value]
    outputs: list[Value] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    joins: list[Join] = field(default_factory=list)
    path: str = ""
    by_hand: ByHand | None = None


def states_of_weights(mask: Tensor, leads: Tensor, active: Tensor) -> np.ndarray:
    """uint8 states from bool tensors: what is there, leads to an output, and is active."""
    states = torch.zeros(mask.shape, dtype=torch.uint8)
    for found, state in ((mask, INACTIVE), (leads, ZOMBIE), (active, ACTIVE)):
        states.masked_fill_(found, state)
    return states.numpy()


def states_of_flags(flags: Tensor) -> np.ndarray:
    """Flags as states, see ``states.weight_states``."""
    states = torch.zeros_like(flags)
    for bit, state in ((AVAILABLE, INACTIVE), (LEADS, ZOMBIE), (IS_ACTIVE, ACTIVE)):
        states.masked_fill_((flags & bit).bool(), state)
    return states.numpy()


def merged(a: Tensor, b: Tensor) -> Tensor | None:
    """The numbers that two tensors of one shape agree on, -1 being any; None where they differ."""
    if not same(a, b):
        return None
    x, y, shape = collapsed(a, b)
    return torch.maximum(x, y).expand(shape)


def blank(shape: Sequence[int]) -> Tensor:
    """Units of a tensor that belongs to none."""
    return torch.full((1,) * len(shape), NONE).expand(tuple(shape))
