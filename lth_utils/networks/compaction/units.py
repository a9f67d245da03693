"""The units of a model's values, and which of them are sliced together."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


class UnitSets:
    """Sets of units; all values whose units are in one set keep the same of them.

    A residual sum joins the sets of both of its terms.
    """

    def __init__(self) -> None:
        self._parents: list[int] = []
        self.sizes: list[int] = []
        self._frozen: set[int] = set()
        self.keep: dict[int, Tensor] = {}

    def new(self, size: int, frozen: bool = False) -> int:
        """A set of `size` units, which stay as they are where it is `frozen`."""
        self._parents.append(len(self._parents))
        self.sizes.append(size)
        if frozen:
            self._frozen.add(self._parents[-1])
        return self._parents[-1]

    def find(self, number: int) -> int:
        """The set that a set was joined to, or itself."""
        while self._parents[number] != number:
            number = self._parents[number]
        return number

    def join(self, one: int, other: int):
        """Make one set of two of the same size."""
        one, other = self.find(one), self.find(other)
        self._parents[other] = one
        if other in self._frozen:
            self._frozen.add(one)

    def freeze(self, number: int):
        """Keep all units of a set."""
        self._frozen.add(self.find(number))

    def decide(self, flows: list[Flow]):
        """Fill ``keep``, by set which units stay: those that any flow must have."""
        self.keep = {}
        for number in {self.find(n) for n in range(len(self.sizes))}:
            size = self.sizes[number]
            whole = number in self._frozen
            self.keep[number] = torch.full((size,), whole, dtype=torch.bool)
        for flow in flows:
            needed = (flow.needed & flow.varies) | flow.held
            for (number, repeat), own in zip(flow.parts, flow.split(needed, self), strict=True):
                self.keep[self.find(number)] |= own.view(-1, repeat).any(1)
        for keep in self.keep.values():
            if not keep.any():  # no layer can be empty
                keep[:1] = True


@dataclass
class Flow:
    """The units of one value of a model, along its axis 1.

    Attributes:
        parts: the sets of units that it is made of, one after the other, each with how many
            places of the axis every unit has (its positions, after flattening).
        varies: bool ``[n]``, whether a place depends on the inputs of the model.
        value: float64 ``[n]``, the constant of a place that does not.
        needed: bool ``[n]``, whether some output depends on a place.
        held: bool ``[n]``, whether a constant must stay because it cannot be folded away.
    """

    parts: tuple[tuple[int, int], ...]
    varies: Tensor
    value: Tensor
    needed: Tensor = field(init=False)
    held: Tensor = field(init=False)

    def __post_init__(self):
        self.needed = torch.zeros_like(self.varies)
        self.held = torch.zeros_like(self.varies)

    @classmethod
    def of_inputs(cls, number: int, size: int) -> Flow:
        """Places that all depend on the inputs, one for each unit."""
        varies = torch.ones(size, dtype=torch.bool)
        return cls(((number, 1),), varies, torch.zeros(size, dtype=torch.float64))

    def split(self, values: Tensor, sets: UnitSets) -> list[Tensor]:
        """A vector over the places, part by part."""
        return list(values.split([sets.sizes[number] * repeat for number, repeat in self.parts]))

    def kept(self, sets: UnitSets) -> Tensor:
        """bool ``[n]``, which places stay."""
        own = [sets.keep[sets.find(n)].repeat_interleave(repeat) for n, repeat in self.parts]
        return torch.cat(own)
