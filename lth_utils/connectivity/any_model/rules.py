"""What each operation of torch does to reached elements and to their units.

A rule is a function of the walk, a step and its arguments; ``RULES`` has them by the plain name of
the operation. An operation without a rule is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
import torch.utils._pytree as pytree
from torch import Tensor

from lth_utils.connectivity.any_model.program import Step
from lth_utils.connectivity.any_model.tape import Tape
from lth_utils.connectivity.any_model.units import collapsed, same
from lth_utils.connectivity.any_model.values import Const, Value, blank, cut, merged

Rule = Callable[[Tape, Step, tuple, dict], object]
OneRule = TypeVar("OneRule", bound=Rule)

RULES: dict[str, Rule] = {}
"""By the plain name of the operation."""


def rule(*names: str) -> Callable[[OneRule], OneRule]:
    """Enter a function as the rule of these operations."""

    def enter(function: OneRule) -> OneRule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return enter


def dynamic(args) -> list[Value]:
    """The values among arguments that depend on the inputs."""
    return [leaf for leaf in pytree.tree_leaves(args) if isinstance(leaf, Value)]


def filled(args, tensors: Sequence[Tensor], constant: Callable[[Tensor], Tensor] | None = None):
    """Arguments with the values that depend on inputs replaced by `tensors`, in order."""
    left = iter(tensors)

    def fill(leaf):
        if isinstance(leaf, Value):
            return next(left)
        if isinstance(leaf, Const):
            return leaf.value if constant is None else constant(leaf.value)
        return leaf

    return pytree.tree_map(fill, args)


def flat_view(tape: Tape, step: Step, value: Value, shape: Sequence[int]) -> Value:
    """A value in another shape of as many elements."""
    (found,) = tape.record(
        lambda xs, *_: xs[0].reshape(shape), [value], value.units.reshape(shape), step.path
    )
    return found


def combined(
    tape: Tape,
    step: Step,
    values: Sequence[Value],
    shape: Sequence[int],
    gate: Tensor | None = None,
    kind: str = "",
) -> Value:
    """The sum of values that are broadcast to one shape.

    The units stay where all values agree on them; otherwise each pair of units makes a new one.

    Args:
        gate: 0 where a constant lets nothing through.
        kind: of the group of new units; the operation's name if empty.
    """
    shape = tuple(shape)
    expanded = [tape.units.find(value.units).expand(shape) for value in values]
    units, fresh = expanded[0], False
    for other in expanded[1:]:
        agreed = merged(units, other)
        if agreed is None:
            agreed, fresh = pairs_of(tape, step, units, other, kind), True
        units = agreed

    def go(xs, *_):
        total = sum(x.expand(shape) for x in xs)
        total = cut(total) if len(xs) > 1 else total
        return total if gate is None else total * gate

    (found,) = tape.record(go, values, units, step.path)
    if fresh:
        for value in values:
            tape.join(value, found)
    return found


def pairs_of(tape: Tape, step: Step, a: Tensor, b: Tensor, kind: str) -> Tensor:
    """One new unit for each two units that meet."""
    a, b, shape = collapsed(a, b)
    key = (a + 1) * (tape.units.total + 1) + b + 1
    pairs, which = torch.unique(key, return_inverse=True)
    new = tape.units.new(step.path or step.name, kind or step.packet, len(pairs))
    return new[which].expand(shape)


def reduced(tape: Tape, step: Step, value: Value, axes: Sequence[int], kind: str = "") -> Value:
    """Any of the elements along some axes, which keep the length 1.

    The unit stays where it is the same along the axes; otherwise each set of units makes a new one.
    """
    axes = sorted(axis % value.reached.ndim for axis in axes)
    if not axes:
        return value
    numbers = tape.units.find(value.units)
    largest = numbers.amax(axes, keepdim=True)
    fresh = not same(numbers, largest.expand(numbers.shape))
    units = _lines(tape, step, numbers, axes, kind) if fresh else largest
    (found,) = tape.record(
        lambda xs, *_: cut(xs[0].sum(axes, keepdim=True)), [value], units, step.path
    )
    if fresh:
        tape.join(value, found)
    return found


def _lines(tape: Tape, step: Step, numbers: Tensor, axes: list[int], kind: str) -> Tensor:
    """One new unit for each set of units that lies along the axes, which keep the length 1."""
    shape = [1 if axis in axes else size for axis, size in enumerate(numbers.shape)]
    others = [axis for axis in range(numbers.ndim) if axis not in axes]
    lines, axes_left = numbers, list(others)
    for axis in others:  # what only repeats needs to be looked at once
        if lines.stride(axis) == 0:
            lines = lines.narrow(axis, 0, 1)
    kept = [lines.shape[axis] for axis in axes_left]
    flat = lines.permute(*axes_left, *axes).reshape(-1, _size(numbers.shape, axes))
    name = step.path or step.name
    if same(flat, flat.amax(0).expand(flat.shape)):
        return tape.units.new(name, kind or step.packet, 1).reshape((1,) * len(shape)).expand(shape)
    _, which = torch.unique(flat, dim=0, return_inverse=True)
    new = tape.units.new(name, kind or step.packet, int(which.max()) + 1)
    sizes = iter(kept)
    places = [1 if axis in axes else next(sizes) for axis in range(numbers.ndim)]
    return new[which].reshape(places).expand(shape)


def _size(shape: Sequence[int], axes: Sequence[int]) -> int:
    """How many elements lie along some axes."""
    count = 1
    for axis in axes:
        count *= shape[axis]
    return count


def spread(tape: Tape, step: Step, hub: Value, value: Value) -> Value:
    """What was reduced, given to all elements of `value` again, each in a unit of its own."""
    shape = value.shape
    a, b = hub.units.expand(shape), tape.units.find(value.units)
    agreed = merged(a, b)
    units = pairs_of(tape, step, a, b, "") if agreed is None else agreed
    (found,) = tape.record(lambda xs, *_: xs[0].expand(shape), [hub], units, step.path)
    if agreed is None:
        tape.join(hub, found)
    return found


def mix(tape: Tape, step: Step, value: Value, axes: Sequence[int]) -> Value:
    """Every element depends on all others along some axes."""
    hub = reduced(tape, step, value, axes, "mixed")
    found = spread(tape, step, hub, value)
    if hub.units.numel() and not same(hub.units.expand(value.shape), tape.units.find(value.units)):
        tape.mixing.setdefault(step.packet, []).append(step.path)
    return found


def lifted(tape: Tape, value: Value | Const) -> Value:
    """A constant as a value that no input reaches."""
    if isinstance(value, Value):
        return value
    reached = torch.zeros(value.value.shape, dtype=torch.bool)
    return Value(reached, blank(reached.shape))
