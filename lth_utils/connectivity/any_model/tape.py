"""One boolean pass forward through a model, and one back: what is reached, and what leads on.

A traced tensor has two companions of its own shape: which elements any input reaches, and which
unit each element belongs to (see ``units``). Every operation is replaced by a sum of what is
reached, and the way back is the gradient of that sum: a weight is active where it is positive.
Each operation is cut to 0 or 1 on both ways, so that counts of paths never overflow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from lth_utils.connectivity.any_model.graph import PlainLink, WeightLink
from lth_utils.connectivity.any_model.units import Units, collapsed, held_once
from lth_utils.connectivity.any_model.values import (
    AVAILABLE,
    IS_ACTIVE,
    LEADS,
    ByHand,
    Join,
    Operation,
    Use,
    Value,
    states_of_weights,
)


class Tape:
    """What has happened so far.

    Attributes:
        units: all units made.
        operations: in the order of the forward pass.
        shapes: of the parameters, by name.
        flags: by parameter uint8 of its shape, see ``AVAILABLE``.
        uses, n_uses: by parameter the modules that use it, and how often it is used.
        layers: by parameter the module and kind of operation that uses it.
        closed: how many scales of a normalisation are zero.
        mixing: by kind of operation, which modules mix units whatever the weights are.
        links: between units, once the way back has come by.
    """

    def __init__(self) -> None:
        self.units = Units()
        self.operations: list[Operation] = []
        self.shapes: dict[str, torch.Size] = {}
        self.closed = 0
        self.flags: dict[str, Tensor] = {}
        self.layers: dict[str, tuple[str, str]] = {}
        self.uses: dict[str, set[str]] = {}
        self.n_uses: dict[str, int] = {}
        self.mixing: dict[str, list[str]] = {}
        self.links: list[WeightLink | PlainLink] = []

    def record(
        self,
        run: Callable,
        inputs: Sequence[Value],
        units: Sequence[Tensor] | Tensor,
        path: str = "",
        uses: Sequence[Use] = (),
        by_hand: ByHand | None = None,
    ) -> list[Value]:
        """Do an operation forward.

        Args:
            run: see :class:`Operation`.
            inputs: what it takes.
            units: of each of its outputs.
            path: the module.
            uses: of weights.
            by_hand: see :class:`Operation`; then `run` takes the masks as bool.

        Returns:
            Its outputs.
        """
        units = [units] if isinstance(units, Tensor) else units
        operation = Operation(run, list(inputs), uses=list(uses), path=path, by_hand=by_hand)
        with torch.no_grad():
            found = run(
                [value.reached.float() for value in inputs],
                [use.mask if by_hand else use.mask.float() for use in uses],
                [torch.zeros(use.rows) for use in uses],
            )
        found = [found] if isinstance(found, Tensor) else found
        for reached, numbers in zip(found, units, strict=True):
            operation.outputs.append(Value(reached > 0, held_once(numbers)))
        for use in uses:
            self._note(use)
        self.operations.append(operation)
        return operation.outputs

    def join(self, source: Value, target: Value, by_source: bool = False):
        """Say of the last operation that it links the units of two values, element by element.

        Args:
            source, target: of shapes that can be broadcast to each other.
            by_source: a link is active where its source leads on, which else its target tells.
        """
        self.operations[-1].joins.append(Join(source, target, by_source))

    def _note(self, use: Use):
        """Remember which weights there are."""
        shape = self.shapes.get(use.weight, use.mask.shape)
        if use.weight not in self.flags:
            self.flags[use.weight] = torch.zeros(shape, dtype=torch.uint8)
            self.layers[use.weight] = (use.path, use.kind)
        self.uses.setdefault(use.weight, set()).add(use.path)
        self.n_uses[use.weight] = self.n_uses.get(use.weight, 0) + 1
        self._flag(use, use.mask, AVAILABLE)

    def _flag(self, use: Use, found: Tensor, bit: int):
        """Set a bit of those weights of a use."""
        flags = self.flags[use.weight]
        if use.index is None:
            flags |= found.reshape(flags.shape).to(torch.uint8).mul_(bit)
        else:
            flags.view(-1)[use.index[found]] |= bit

    # the way back

    def back(self, outputs: Sequence[Value]):
        """Go back from the outputs; afterwards every value knows what leads on."""
        flags = torch.zeros((3, self.units.total), dtype=torch.bool)
        self.reached, self.leads, self.live = flags
        for value in outputs:
            value.leads = torch.ones_like(value.reached)
        while self.operations:
            operation = self.operations.pop()
            self._back(operation)
            for value in operation.outputs:
                self.settle(value)
        self.links.reverse()

    def settle(self, value: Value):
        """Note the states of a value's units; the value itself is needed no more.

        On the way back the value that made a unit comes last, and what it says stays.
        """
        leads = value.leads_on()
        units, shape = collapsed(value.units)
        axes = [d for d, n in enumerate(shape) if units.shape[d] != n]
        known = units >= 0
        pairs = (
            (self.reached, value.reached),
            (self.leads, leads),
            (self.live, value.reached & leads),
        )
        for flags, found in pairs:
            of_units = found.amax(axes, keepdim=True) if axes else found
            flags[units[known]] = False
            flags[units[of_units & known]] = True
        value.reached = value.leads = value.units = None  # type: ignore[assignment]

    def _back(self, operation: Operation):
        """Go back through one operation."""
        if operation.by_hand is not None:
            (value,), (use,) = operation.inputs, operation.uses
            found = operation.by_hand(value.reached, operation.outputs[0].leads_on())
            _lead(value, found[0])
            self._weights(use, *found[1:])
        else:
            self._differentiated(operation)
        for join in reversed(operation.joins):
            self._plain(join, operation.path)

    def _differentiated(self, operation: Operation):
        """The way back as a gradient."""
        inputs = [value.reached.float().requires_grad_() for value in operation.inputs]
        masks = [use.mask.float().requires_grad_() for use in operation.uses]
        rows = [torch.zeros(use.rows, requires_grad=True) for use in operation.uses]
        with torch.enable_grad():
            found = operation.run(inputs, masks, rows)
        found = [found] if isinstance(found, Tensor) else list(found)
        leads = [value.leads_on().float() for value in operation.outputs]
        pairs = [(f, g) for f, g in zip(found, leads, strict=True) if f.requires_grad]
        every = [*inputs, *masks, *rows]
        grads: Sequence[Tensor | None] = [None] * len(every)
        if pairs and every:
            sums, ends = zip(*pairs, strict=True)
            grads = torch.autograd.grad(sums, every, ends, allow_unused=True)
            del found, pairs, sums
        n, m = len(inputs), len(masks)
        for value, grad in zip(operation.inputs, grads[:n], strict=True):
            if grad is not None:
                _lead(value, grad > 0)
        of_uses = zip(operation.uses, grads[n : n + m], grads[n + m :], strict=True)
        for use, of_mask, of_row in of_uses:
            # whole numbers of paths: a half keeps what rounding may leave of a zero out
            active = torch.zeros_like(use.mask) if of_mask is None else (of_mask > 0.5) & use.mask
            leading = torch.zeros(use.rows, dtype=torch.bool) if of_row is None else of_row > 0
            self._weights(use, active, leading)

    def _weights(self, use: Use, active: Tensor, leads: Tensor):
        """The states of one use's weights: bool of the mask's shape, and bool of its rows."""
        leads = use.spread(leads).expand(use.mask.shape)
        self._flag(use, active, IS_ACTIVE)
        leads = leads & use.mask
        self._flag(use, leads, LEADS)
        if use.sources is None or use.targets is None:
            return
        states = np.zeros((0, 0, 0), np.uint8)
        if not (use.is_whole and self.n_uses[use.weight] == 1):  # else they are the weight's own
            states = states_of_weights(*map(use.to_units, (use.mask, leads, active)))
        self.links.append(
            WeightLink(use.weight, use.path, use.sources.numpy(), use.targets.numpy(), states)
        )

    def _plain(self, join: Join, path: str):
        """A plain link, once it is known what leads on."""
        shape = torch.broadcast_shapes(join.source.shape, join.target.shape)
        a, b = join.source.units.expand(shape), join.target.units.expand(shape)
        leads = (join.source if join.by_source else join.target).leads
        if leads is None:
            leads = torch.zeros((), dtype=torch.bool)
        active = join.source.reached.expand(shape) & leads.expand(shape)
        axes = [d for d, n in enumerate(shape) if n > 1 and a.stride(d) == b.stride(d) == 0]
        a, b, _ = collapsed(a, b)
        if axes:
            active = active.amax(axes, keepdim=True)
        a, b, active = (t.reshape(-1) for t in (a, b, active))
        known = (a >= 0) & (b >= 0)
        key = (a * self.units.total + b)[known]
        pairs, which = torch.unique(key, return_inverse=True)
        any_active = torch.zeros(len(pairs), dtype=torch.bool)
        any_active[which[active[known]]] = True
        sources, targets = pairs // self.units.total, pairs % self.units.total
        self.links.append(PlainLink(path, sources.numpy(), targets.numpy(), any_active.numpy()))


def _lead(value: Value, leads: Tensor):
    """Add where a value leads on."""
    value.leads = leads if value.leads is None else value.leads | leads
