"""A model followed from call to call: a plain copy, its graph, and the shapes of its values."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, fx, nn
from torch.nn.utils import parametrize, prune

from lth_utils.config import SpecError
from lth_utils.networks.sparse_layer import SparseChain, SparseLinear

SIDES = (*range(1, 65), 96, 112, 128, 160, 192, 224, 256, 299)
"""Lengths of an image's sides that are tried where no example says it."""


class _Tracer(fx.Tracer):
    """As torch's own; sparse layers are not looked into, either."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        known = isinstance(m, (SparseChain, SparseLinear))
        return known or super().is_leaf_module(m, module_qualified_name)


class _Shapes(fx.Interpreter):
    """Notes the shape of every value."""

    def run_node(self, n: fx.Node):
        found = super().run_node(n)
        n.meta["shape"] = tuple(found.shape) if isinstance(found, Tensor) else None
        return found


def plain_copy(model: nn.Module) -> nn.Module:
    """A copy of a model, in eval mode, whose pruned weights are zeros and nothing else.

    Args:
        model: left unchanged.

    Raises:
        SpecError: values that are complex or not finite, or hooks that may change what it computes.
    """
    memo: dict[int, object] = {}
    for name, module in model.named_modules():
        _check_hooks(name, module)
        for weight in vars(module).values():
            # torch.nn.utils.prune leaves a product as an attribute, which cannot be copied
            if isinstance(weight, Tensor) and not weight.is_leaf:
                memo[id(weight)] = weight.detach().clone()
    made = copy.deepcopy(model, memo).eval()
    for module in made.modules():
        for hook in list(module._forward_pre_hooks.values()):
            if isinstance(hook, prune.BasePruningMethod):
                prune.remove(module, hook._tensor_name)
        if parametrize.is_parametrized(module):
            _make_plain(module)
    for name, values in made.state_dict().items():
        if not isinstance(values, Tensor) or values.is_quantized:
            raise SpecError(
                f"{name} is quantised, which is not understood; compact comes before that"
            )
        if values.is_complex():
            raise SpecError(f"{name} is complex, which is not understood")
        if values.is_meta:
            raise SpecError(f"{name} is on the meta device: it has a shape, but no values")
        if name.endswith("weight") and not values.numel():
            raise SpecError(f"{name} has the shape {tuple(values.shape)}: a layer without weights")
        if values.is_floating_point() and not values.isfinite().all():
            raise SpecError(f"{name} has values that are not finite")
    return made


def _make_plain(module: nn.Module):
    """Parametrized values as plain parameters.

    torch's own way changes the class of the module, which is that of the user's model, too.
    """
    names = list(module.parametrizations)  # type: ignore
    values = {name: getattr(module, name).detach().clone() for name in names}
    module.__class__ = parametrize.type_before_parametrizations(module)
    del module.parametrizations
    for name, value in values.items():
        module.register_parameter(name, nn.Parameter(value))


def _check_hooks(name: str, module: nn.Module):
    """Refuse hooks other than those of ``torch.nn.utils.prune``."""
    hooks = [*module._forward_hooks.values(), *module._forward_pre_hooks.values()]
    hooks = [hook for hook in hooks if not isinstance(hook, prune.BasePruningMethod)]
    if hooks:
        raise SpecError(
            f"{name or 'the model'} has a forward hook, {hooks[0]!r:.80}, which may change what it "
            "computes; remove it first"
        )


def traced(model: nn.Module, example_inputs) -> fx.GraphModule:
    """The calls of a model, each with the ``shape`` of its value in ``node.meta`` where it has one.

    Args:
        model: a plain copy, left unchanged.
        example_inputs: a tensor or a tuple of them; None: guessed from the first layer.

    Raises:
        SpecError: the model cannot be followed, or does not take these inputs.
    """
    try:
        shapes = copy.deepcopy(model).to("meta").float()
        graph = _Tracer().trace(shapes)
        followed = fx.GraphModule(shapes, graph)
    except Exception as error:  # whatever a model's own code has to say
        raise SpecError(
            f"cannot follow {type(model).__name__}: {_first_line(error)}. What it computes must "
            "not depend on the values or sizes of its inputs; parts of it that do not can be given "
            "alone"
        ) from error
    if example_inputs is None:
        _propagate_guess(followed)
        return followed
    given = example_inputs if isinstance(example_inputs, Sequence) else (example_inputs,)
    for example in given:
        if not isinstance(example, Tensor):
            raise SpecError(
                f"example_inputs hold a {type(example).__name__}; expected tensors, such as "
                "torch.zeros(1, 3, 32, 32)"
            )
    try:
        _propagate(followed, [_on_meta(example) for example in given])
    except Exception as error:
        found = ", ".join(str(tuple(example.shape)) for example in given)
        raise SpecError(
            f"{type(model).__name__} does not take example_inputs {found}: {_first_line(error)}"
        ) from error
    return followed


def _on_meta(example: Tensor) -> Tensor:
    """The shape of an example, of whole or of real numbers."""
    moved = example.to("meta")
    return moved.float() if moved.is_floating_point() else moved


def _first_line(error: Exception) -> str:
    """The first line of an error's own text."""
    cause = error.__cause__ or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]


def _propagate(followed: fx.GraphModule, inputs: Sequence[Tensor]):
    """Note the shape of every value; nothing is computed on the meta device."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of layers about sizes that are only tried
        _Shapes(followed).run(*inputs)


def _propagate_guess(followed: fx.GraphModule):
    """The same with an input of a shape that the model takes."""
    error: Exception | None = None
    for shape in _guesses(followed):
        try:
            return _propagate(followed, [torch.zeros(shape, device="meta")])
        except Exception as caught:  # the layers' own complaints about this shape
            error = caught
    reason = f" ({_first_line(error)})" if error else ""
    raise SpecError(
        "what shape the model's inputs have cannot be seen from it; give example_inputs, such as "
        f"torch.zeros(1, 3, 32, 32), or torch.zeros(1, 16, dtype=torch.long) for words{reason}"
    )


def _guesses(followed: fx.GraphModule) -> list[tuple[int, ...]]:
    """Shapes of inputs that the first layer takes."""
    calls = [node for node in followed.graph.nodes if node.op == "call_module"]
    modules = [followed.get_submodule(node.target) for node in calls]
    features = [m.in_features for m in modules if isinstance(m, (nn.Linear, SparseLinear))]
    first = modules[0] if modules else None
    if isinstance(first, (nn.Linear, SparseLinear)):
        return [(2, first.in_features)]
    if isinstance(first, nn.Unflatten):
        return [(2, math.prod(first.unflattened_size))]
    if isinstance(first, nn.BatchNorm1d):
        return [(2, first.num_features)]
    if isinstance(first, nn.Flatten) and features:
        return [(2, features[0])]
    for axes, kind in enumerate((nn.Conv1d, nn.Conv2d, nn.Conv3d), start=1):
        if isinstance(first, kind):
            return [(2, first.in_channels, *[side] * axes) for side in SIDES]
    return []
