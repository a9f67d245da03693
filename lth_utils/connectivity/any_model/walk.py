"""From the steps of a model to its graph: constants computed, rules applied, states collected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.utils._pytree as pytree
from torch import Tensor

from lth_utils.config import SpecError
from lth_utils.connectivity.any_model import attention, channels, recurrent, weighted
from lth_utils.connectivity.any_model.elements import ELEMENTWISE
from lth_utils.connectivity.any_model.graph import (
    Group,
    ModelGraph,
    PlainLink,
    WeightLink,
    state_of_units,
)
from lth_utils.connectivity.any_model.moves import KEEP_TYPE, MOVES
from lth_utils.connectivity.any_model.program import Program, Ref, Step, plain_name
from lth_utils.connectivity.any_model.rules import RULES, dynamic
from lth_utils.connectivity.any_model.tape import Tape
from lth_utils.connectivity.any_model.values import Const, Value, states_of_flags

MODULES_WITH_RULES = (attention, channels, recurrent, weighted)
"""Imported so that their rules are there."""

IGNORED = ("_assert_tensor_metadata", "_assert_async", "sym_constrain_range", "_assert_scalar")

OF_SHAPE = (
    *("zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like"),
    *("new_zeros", "new_ones", "new_full", "new_empty", "randint_like"),
)
"""Operations of which only the shape depends on the first argument."""

RANDOM = ("bernoulli", "uniform", "normal", "rand", "randn", "randint", "exponential", "random")
"""Operations whose values are of no account: anything but zero."""

WEIGHT_NORMS = ("_weight_norm", "_weight_norm_interface")
"""Operations that scale a weight, their first argument."""

FORBIDDEN = ("from_file", "load", "save")
"""Operations that a file could name and that touch others."""


class NoRule(SpecError):
    """An operation that has no rule."""


def walk(program: Program) -> ModelGraph:
    """The graph of a traced model.

    Args:
        program: its steps.

    Raises:
        NoRule: an operation is not known.
        SpecError: something else that is not understood, by the name of its module.
    """
    tape = Tape()
    env: dict[str, Any] = {}
    names = _names(program)
    for name, (target, tensor) in program.values.items():
        value = tensor.detach().cpu()
        value = value.to_dense() if value.layout != torch.strided else value
        env[name] = Const(value, names[target] if value.is_floating_point() else None)
        tape.shapes[names[target]] = value.shape
    learned = {names[name] for name in program.parameters if name in names}
    inputs = _inputs(tape, program.inputs)
    env.update(inputs)
    last = _last_uses(program)
    for place, step in enumerate(program.steps):
        env[step.name] = _do(tape, step, env, learned)
        for name in last.get(place, ()):
            env.pop(name, None)  # else every masked copy of a weight would stay
    outputs = [env[name] for name in program.outputs]
    given = [value for value in pytree.tree_leaves(outputs) if isinstance(value, Value)]
    if not given:
        raise SpecError("nothing that the model returns depends on the example or on a layer")
    ends = [value.units for value in given]
    starts = [value.units for value in inputs.values()]
    tape.back(given)
    for end in {id(v): v for v in (*given, *inputs.values())}.values():
        if end.reached is not None:
            tape.settle(end)
    notes = [*program.notes, *_notes(tape, learned, len(outputs) - len(given))]
    _join_unused(tape, starts)
    return _graph(tape, starts, ends, notes)


def _names(program: Program) -> dict[str, str]:
    """What each parameter, buffer and constant is called in tables.

    Of several that are the parts of one weight, the largest one has its plain name.
    """
    sizes = {target: tensor.numel() for target, tensor in program.values.values()}
    names, taken = {}, set()
    for target in sorted(sizes, key=lambda target: -sizes[target]):
        plain = plain_name(target)
        own = target in program.parameters and plain not in taken
        names[target] = plain if own else target
        taken.add(names[target])
    return names


def _join_unused(tape: Tape, units: Sequence[Tensor]):
    """Make one unit of what no layer reads, example by example, where all examples agree on it."""
    for of_input in units:
        if of_input.ndim < 2 or len(of_input) < 2:
            continue
        rows = of_input.flatten(1)
        unread = ~tape.leads[rows].any(0)
        if unread.any():
            tape.units.join(rows[:, unread])


def _inputs(tape: Tape, examples: Mapping[str, Tensor]) -> dict[str, Value]:
    """The example's tensors: everything is reached, every element is a unit for now."""
    found = {}
    for name, example in examples.items():
        units = tape.units.new(name, "input", example.numel()).reshape(example.shape)
        found[name] = Value(torch.ones(example.shape, dtype=torch.bool), units)
    if not found:
        raise SpecError("the example has no tensor; give what the model is called with")
    return found


def _last_uses(program: Program) -> dict[int, list[str]]:
    """After which step each name is used no more."""
    places: dict[str, int] = {}
    for place, step in enumerate(program.steps):
        for leaf in pytree.tree_leaves((step.args, step.kwargs)):
            if isinstance(leaf, Ref):
                places[leaf.name] = place
    found: dict[int, list[str]] = {}
    for name, place in places.items():
        if name not in program.outputs:
            found.setdefault(place, []).append(name)
    return found


def _do(tape: Tape, step: Step, env: dict, learned: set[str]):
    """One step."""

    def given(leaf):
        return env[leaf.name] if isinstance(leaf, Ref) else leaf

    args, kwargs = pytree.tree_map(given, (step.args, step.kwargs))
    packet = step.packet
    if packet == "getitem":
        return args[0][args[1]]
    if packet in IGNORED:
        return None
    always = packet in ALWAYS
    if packet in RANDOM and step.shape is not None:
        return Const(torch.ones(step.shape))
    if packet in OF_SHAPE and dynamic((args, kwargs)):
        return Const(torch.ones(step.one_shape) * (0.0 if "zero" in packet else 1.0))
    if not dynamic((args, kwargs)) and not always:
        return _computed(step, args, kwargs, learned)
    if packet not in RULES:
        place = f" in {step.path}" if step.path else ""
        raise NoRule(f"the operation {packet}{place} is not understood, so nothing is said of it")
    try:
        return RULES[packet](tape, step, args, kwargs)
    except SpecError as error:
        raise SpecError(f"{step.path or step.name}: {error}") from None
    except Exception as error:
        raise SpecError(
            f"{step.path or step.name}: {packet} with these arguments is not understood "
            f"({type(error).__name__}: {error})"
        ) from error


ALWAYS = {name for name in RULES if name.startswith("conv")} | {"linear", *recurrent.GATES}
"""Layers whose weights are followed even where no input arrives."""


def _computed(step: Step, args: tuple, kwargs: dict, learned: set[str]):
    """A step on constants alone, for real, with where its elements come from."""
    if step.packet in FORBIDDEN or not str(step.target).startswith(("aten.", "prims.", "<built")):
        raise NoRule(f"the operation {step.packet} is not understood")
    target = step.target
    if step.mutates:
        target = getattr(getattr(torch.ops.aten, step.packet), step.target._overloadname)

    def value(leaf):
        if isinstance(leaf, torch.device):
            return torch.device("cpu")
        return leaf.value if isinstance(leaf, Const) else leaf

    real_args, real_kwargs = pytree.tree_map(value, (args, kwargs))
    with torch.no_grad():
        found = target(*real_args, **real_kwargs)
    origin = _origin(step, args, learned)

    def made(leaf):
        if not isinstance(leaf, Tensor):
            return leaf
        if origin is None:
            return Const(leaf)
        if step.packet in (*ELEMENTWISE, *KEEP_TYPE, *WEIGHT_NORMS):
            same_shape = leaf.shape == origin.value.shape
            return Const(leaf, origin.origin, origin.index) if same_shape else Const(leaf)
        return Const(leaf)

    if origin is not None and step.packet in MOVES and step.packet not in KEEP_TYPE:
        index = origin.index
        if index is None:
            index = torch.arange(origin.value.numel()).reshape(origin.value.shape)
        places = target(index, *real_args[1:], **real_kwargs)
        pairs = zip(pytree.tree_leaves(found), pytree.tree_leaves(places), strict=True)
        moved = [Const(a, origin.origin, b) for a, b in pairs]
        return moved[0] if isinstance(found, Tensor) else moved
    return pytree.tree_map(made, found)


def _origin(step: Step, args: tuple, learned: set[str]) -> Const | None:
    """The parameter that a constant result comes from element by element, if any."""
    known = [leaf for leaf in pytree.tree_leaves(args) if isinstance(leaf, Const) and leaf.origin]
    if step.packet in MOVES or step.packet in KEEP_TYPE:
        return known[0] if known else None
    if step.packet in WEIGHT_NORMS:
        return args[0] if isinstance(args[0], Const) and args[0].origin else None
    if step.packet not in ELEMENTWISE:
        return None
    whole = [c for c in known if step.shape is None or c.value.shape == step.shape]
    whole.sort(key=lambda c: c.origin not in learned)
    return whole[0] if whole else None


def _notes(tape: Tape, learned: set[str], constant_outputs: int) -> list[str]:
    """What a reader should know, in words."""
    notes = []
    for kind, paths in tape.mixing.items():
        places = sorted({path for path in paths if path})
        where = f" ({', '.join(places[:3])}{', …' if len(places) > 3 else ''})" if places else ""
        notes.append(
            f"{kind} mixes what it touches, {len(paths)} times{where}: everything behind it counts "
            "as reached by everything before it"
        )
    for name, uses in tape.uses.items():
        if len(uses) > 1:
            notes.append(f"{name} is used by {len(uses)} modules; its weights are counted once")
    if tape.closed:
        notes.append(f"{tape.closed} scales of normalisations are zero: nothing passes there")
    if constant_outputs:
        notes.append(f"{constant_outputs} of the outputs depend on no layer and are left out")
    return notes


def _graph(tape: Tape, inputs: list[Tensor], outputs: list[Tensor], notes: list[str]) -> ModelGraph:
    """What the tape has found, with consecutive numbers for the units."""
    n = tape.units.total
    own = tape.units.find(torch.arange(n)).numpy()
    is_own = own == np.arange(n)
    number = np.cumsum(is_own) - 1
    renamed = number[own]
    leads, live = np.zeros((2, int(is_own.sum())), bool)
    np.logical_or.at(leads, renamed, tape.leads.numpy())
    np.logical_or.at(live, renamed, tape.live.numpy())
    groups = []
    for group in tape.units.groups:
        before = int(is_own[: group.start].sum())
        count = int(is_own[group.start : group.start + group.count].sum())
        groups.append(Group(group.name, group.kind, before, count))
    states = {}
    for name in list(tape.flags):
        states[name] = states_of_flags(tape.flags.pop(name))
    of_inputs = [renamed[units.numpy()] for units in inputs]
    elements = [_of_one_example(units) for units in of_inputs]
    every_output = [_renamed(units, renamed).ravel() for units in outputs]
    return ModelGraph(
        groups=groups,
        links=[_renumbered(link, renamed, states) for link in tape.links],
        unit_states=state_of_units(live, leads),
        weight_states=states,
        layers=tape.layers,
        inputs=_in_order([units.ravel() for units in of_inputs]),
        outputs=_in_order(every_output),
        elements=np.concatenate(elements),
        notes=notes,
    )


def _renamed(units: Tensor, renamed: np.ndarray) -> np.ndarray:
    """Numbers of units as they are called now; -1 stays."""
    numbers = units.numpy()
    return np.where(numbers < 0, -1, renamed[numbers])


def _of_one_example(units: np.ndarray) -> np.ndarray:
    """The units of the first example, where examples share them, else of the whole tensor."""
    first = units[0].ravel() if units.ndim > 1 else units.ravel()
    return first if set(first) == set(units.ravel()) else units.ravel()


def _in_order(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Different numbers in the order in which they first come, without -1."""
    every = np.concatenate(parts)
    every = every[every >= 0]
    found, first = np.unique(every, return_index=True)
    return found[np.argsort(first)]


def _renumbered(
    link: WeightLink | PlainLink, renamed: np.ndarray, states: Mapping[str, np.ndarray]
) -> WeightLink | PlainLink:
    """A link with the numbers that units have now; where it has no states, the weight's own."""
    if isinstance(link, PlainLink):
        sources, targets = renamed[link.sources], renamed[link.targets]
        return PlainLink(link.path, sources, targets, link.is_active)
    sources = np.where(link.sources < 0, -1, renamed[link.sources])
    own = link.states if link.states.size else states[link.weight][None]
    return WeightLink(link.weight, link.path, sources, renamed[link.targets], own)
