"""A model as a plain list of steps, from what torch exported of it."""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx

from lth_utils.config import SpecError
from lth_utils.connectivity.any_model.tracing import decides_by_values, quiet


@dataclass(frozen=True)
class Ref:
    """The value of a name in a :class:`Program`."""

    name: str


@dataclass(frozen=True)
class Step:
    """One operation of a model.

    Attributes:
        name: of what it gives.
        target: an operation of torch, or ``operator.getitem``.
        args, kwargs: its arguments, values as :class:`Ref`.
        path: the module that it is in, such as ``layer1.0.conv1``; empty for the model itself.
        shape: of the tensor that it gives; None where it gives several.
    """

    name: str
    target: Any
    args: tuple
    kwargs: dict
    path: str
    shape: torch.Size | None

    @property
    def one_shape(self) -> torch.Size:
        """The shape, where it has to give one tensor."""
        if self.shape is None:
            raise SpecError(f"{self.packet} gives several tensors here; not understood")
        return self.shape

    @property
    def packet(self) -> str:
        """The operation's plain name, such as ``relu`` for ``aten.relu_.default``."""
        if self.target is operator.getitem:
            return "getitem"
        schema = getattr(self.target, "_schema", None)
        if schema is None:
            return getattr(self.target, "__name__", str(self.target))
        name = schema.name.removeprefix("aten::")
        return name.removesuffix("_") if self.mutates else name

    @property
    def mutates(self) -> bool:
        """Whether it changes its first argument in place."""
        schema = getattr(self.target, "_schema", None)
        return schema is not None and schema.is_mutable


@dataclass
class Program:
    """The steps of a model, in order.

    Attributes:
        steps: what is computed.
        values: parameters, buffers and constants by the names that steps use; their names in the
            model and their values.
        inputs: names of the example's tensors, with the tensors.
        outputs: names of what the model returns.
        parameters: names in the model of what is trained, as opposed to buffers.
        notes: what a reader should know, in words.
    """

    steps: list[Step]
    values: dict[str, tuple[str, Tensor]]
    inputs: dict[str, Tensor]
    outputs: list[str]
    parameters: set[str]
    notes: list[str] = field(default_factory=list)


def plain_name(name: str) -> str:
    """The parameter's name without what pruning and parametrisations add to it.

    >>> plain_name("0.weight_orig"), plain_name("fc.parametrizations.weight.original0")
    ('0.weight', 'fc.weight')
    """
    if ".parametrizations." in f".{name}":
        head, _, rest = f".{name}".partition(".parametrizations.")
        return f"{head}.{rest.split('.')[0]}".strip(".")
    return name.removesuffix("_orig")


VIEWS = {
    *("view", "reshape", "_unsafe_view", "permute", "transpose", "t", "slice", "select", "expand"),
    *("squeeze", "unsqueeze", "flatten", "unflatten", "chunk", "split", "split_with_sizes"),
    *("unbind", "narrow", "alias", "detach", "movedim", "swapaxes", "diagonal", "as_strided"),
    *("unfold", "expand_as", "view_as", "contiguous", "to", "mT", "numpy_T", "getitem"),
}
"""Operations whose result may share memory with their first argument."""


def program(exported: torch.export.ExportedProgram) -> Program:
    """The steps of what torch exported.

    Raises:
        SpecError: it holds control flow.
    """
    found = _lowered(exported)
    if found is None:  # a part of a tensor was changed in place: let torch rewrite that
        with quiet():
            found = _lowered(exported.run_decompositions({}))
    return _followed(found)


def _followed(found: Program | None) -> Program:
    """The program, if there is one."""
    if found is None:
        raise SpecError(
            "the model changes a part of a tensor in place in a way that cannot be followed; "
            "write it without in-place operations"
        )
    return found


def decomposed(exported: torch.export.ExportedProgram) -> Program:
    """The same in simpler operations, for those that have no rule."""
    with quiet():
        return _followed(_lowered(exported.run_decompositions()))


def _lowered(exported: torch.export.ExportedProgram) -> Program | None:
    """An exported program as steps; None where an in-place change cannot be followed by name."""
    from torch.export.graph_signature import InputKind

    state, constants = exported.state_dict, exported.constants
    placeholders = [n for n in exported.graph.nodes if n.op == "placeholder"]
    values, inputs, parameters, env = {}, {}, set(), {}
    for node, spec in zip(placeholders, exported.graph_signature.input_specs, strict=True):
        env[node] = Ref(node.name)
        if spec.kind is InputKind.USER_INPUT:
            inputs[node.name] = node.meta.get("val")
        elif spec.target is not None:
            tensor = state[spec.target] if spec.target in state else constants.get(spec.target)
            if isinstance(tensor, Tensor):
                values[node.name] = (spec.target, tensor.detach())
            if spec.kind is InputKind.PARAMETER:
                parameters.add(spec.target)
    lowering = _Lowering(exported.graph_module)
    found = lowering.run(exported.graph, env)
    if found is None:
        return None
    specs = exported.graph_signature.output_specs
    outputs = []
    for spec, value in zip(specs, found, strict=True):
        if spec.kind.name == "USER_OUTPUT" and isinstance(value, Ref):
            outputs.append(value.name)
    values |= {name: (name, tensor) for name, tensor in lowering.attributes.items()}
    inputs = {k: v for k, v in inputs.items() if isinstance(v, Tensor)}
    return Program(lowering.steps, values, inputs, outputs, parameters)


class _Lowering:
    """Nested graphs of torch as one list of steps without in-place operations."""

    def __init__(self, root: fx.GraphModule):
        self.root = root
        self.steps: list[Step] = []
        self.attributes: dict[str, Tensor] = {}

    def run(self, graph: fx.Graph, env: dict, prefix: str = "") -> Sequence | None:
        """Add the graph's steps; its outputs, or None where a change cannot be followed."""
        for node in graph.nodes:
            if node.op == "get_attr":
                env[node] = self._attribute(graph, node)
            elif node.op == "call_function":
                if not self._call(node, env, prefix):
                    return None
            elif node.op == "output":
                return fx.map_arg(node.args[0], env.__getitem__)
        return ()

    def _attribute(self, graph: fx.Graph, node: fx.Node):
        """A nested graph, or the name of a constant."""
        found = graph.owning_module
        name = str(node.target)
        for part in name.split("."):
            found = getattr(found, part)
        if isinstance(found, Tensor):
            self.attributes[name] = found
            return Ref(name)
        return found

    def _call(self, node: fx.Node, env: dict, prefix: str) -> bool:
        """Add one call; False where it changes what others may see under another name."""
        kind = getattr(node.target, "__name__", "")
        args, kwargs = fx.map_arg((node.args, node.kwargs), env.__getitem__)
        if kind.startswith("wrap_with_") or kind in ("wrap", "invoke_subgraph"):
            return self._inline(node, args, env, prefix)
        if isinstance(node.target, torch._ops.HigherOrderOperator):
            raise SpecError(
                f"the model has control flow ({kind}) that depends on values; such a model has no "
                "single structure. Give the part that does not"
            )
        stack = node.meta.get("nn_module_stack") or {}
        path = list(stack.values())[-1][0] if stack else ""
        name = prefix + node.name
        made = node.meta.get("val")
        shape = made.shape if isinstance(made, Tensor) else None
        path = re.sub(r"@\d+$", "", path).removeprefix("L['self'].")
        if kind.startswith("item") or any(not isinstance(size, int) for size in shape or ()):
            raise SpecError(decides_by_values(path or "the model", _code_of(node)))
        step = Step(name, node.target, tuple(args), dict(kwargs), path, shape)
        if step.mutates:
            changed = node.args[0] if node.args else None
            if not isinstance(changed, fx.Node) or _seen_elsewhere(changed, node):
                return False
            env[changed] = Ref(name)
        self.steps.append(step)
        env[node] = Ref(name)
        return True

    def _inline(self, node: fx.Node, args: tuple, env: dict, prefix: str) -> bool:
        """Add the steps of a graph that runs under a context, such as ``torch.no_grad``."""
        place = next(i for i, arg in enumerate(args) if isinstance(arg, fx.GraphModule))
        inner, given = args[place], args[place + 1 :]
        holders = [n for n in inner.graph.nodes if n.op == "placeholder"]
        values = [arg for arg in given if not isinstance(arg, str)] or list(given)
        found = self.run(
            inner.graph, dict(zip(holders, values, strict=True)), f"{prefix}{node.name}."
        )
        if found is None:
            return False
        env[node] = found if isinstance(found, (tuple, list)) else [found]
        return True


def _code_of(node: fx.Node) -> str:
    """The last line of the model's own code that a step comes from."""
    lines = re.findall(r'File "([^"]+)", line (\d+), in [^\n]+\n\s*([^\n]+)', _stack(node))
    if not lines:
        return ""
    file, number, code = lines[-1]
    return f" ({Path(file).name}, line {number}: {code})"


def _stack(node: fx.Node) -> str:
    """Where a step was made, as torch wrote it down."""
    return node.meta.get("stack_trace") or ""


def _seen_elsewhere(changed: fx.Node, by: fx.Node) -> bool:
    """Whether a change of a value in place shows in other values that are used later."""
    if changed.op == "call_function" and _packet(changed) in VIEWS:
        return True
    for user in changed.users:
        before = user is not by and _packet(user) in VIEWS and user < by
        if before and any(after > by for after in user.users):
            return True
    return False


def _packet(node: fx.Node) -> str:
    """The plain name of a node's operation."""
    return Step("", node.target, (), {}, "", None).packet
