"""Which calls of a model are understood, and as what.

Everything else is a barrier: its inputs stay as they are, and its output counts as depending on
all of them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
POINTWISE = (
    nn.CELU,
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.ELU,
    nn.GELU,
    nn.Hardshrink,
    nn.Hardsigmoid,
    nn.Hardswish,
    nn.Hardtanh,
    nn.Identity,
    nn.LeakyReLU,
    nn.LogSigmoid,
    nn.Mish,
    nn.ReLU,
    nn.ReLU6,
    nn.SELU,
    nn.SiLU,
    nn.Sigmoid,
    nn.Softplus,
    nn.Softshrink,
    nn.Softsign,
    nn.Tanh,
    nn.Tanhshrink,
)
POOLS = (
    nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveAvgPool3d,
    nn.AdaptiveMaxPool1d,
    nn.AdaptiveMaxPool2d,
    nn.AdaptiveMaxPool3d,
    nn.MaxPool1d,
    nn.MaxPool2d,
    nn.MaxPool3d,
    nn.Upsample,
)
MEANS = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
POINTWISE_CALLS = (
    F.dropout,
    F.elu,
    F.gelu,
    F.hardsigmoid,
    F.hardswish,
    F.hardtanh,
    F.leaky_relu,
    F.logsigmoid,
    F.mish,
    F.relu,
    F.relu6,
    F.selu,
    F.silu,
    F.softplus,
    F.softsign,
    F.tanh,
    torch.relu,
    torch.relu_,
    torch.sigmoid,
    torch.tanh,
)
POINTWISE_METHODS = ("clone", "contiguous", "relu", "relu_", "sigmoid", "tanh")
POOL_CALLS = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.max_pool1d, F.max_pool2d)
JOINS: dict[Any, Callable] = {
    operator.add: torch.add,
    operator.iadd: torch.add,
    operator.mul: torch.mul,
    operator.imul: torch.mul,
    operator.sub: torch.sub,
    torch.add: torch.add,
    torch.mul: torch.mul,
    torch.sub: torch.sub,
    "add": torch.add,
    "add_": torch.add,
    "mul": torch.mul,
    "mul_": torch.mul,
    "sub": torch.sub,
}
CATS = (torch.cat, torch.concat)
FLATTENING_METHODS = ("flatten", "reshape", "view")


@dataclass(frozen=True)
class Call:
    """What a node of the graph does.

    Attributes:
        kind: ``input``, ``output``, ``mix`` (weights from all units to all), ``depthwise``,
            ``norm``, ``prelu``, ``same`` (each unit by itself), ``flatten``, ``join`` (of two
            values, unit by unit), ``cat``, ``size`` (a number that slicing does not change) or
            ``barrier``.
        sources: the nodes whose values it takes.
        module: the layer that it calls, if it calls one.
        function: of ``same``, of a constant; of ``join``, of two.
        edges: whether positions at the edge see zeros beside the values.
    """

    kind: str
    sources: tuple[fx.Node, ...]
    module: Any = None
    function: Callable | None = None
    edges: bool = False


def understood(node: fx.Node, model: nn.Module, used_once: Callable[[nn.Module], bool]) -> Call:
    """What a node does.

    Args:
        node: of a graph with shapes, see ``following.traced``.
        model: has the layers that the graph calls.
        used_once: whether a layer is called in one place alone.
    """
    sources = tuple(node.all_input_nodes)
    if node.op in ("placeholder", "get_attr"):
        return Call("input", ())
    if node.op == "output":
        return Call("output", sources)
    if node.op == "call_module":
        module = model.get_submodule(str(node.target))
        found = _layer(node, module, sources)
        has_values = any(True for _ in module.parameters()) or any(True for _ in module.buffers())
        if found is not None and len(sources) == 1 and (used_once(module) or not has_values):
            return found
        return Call("barrier", sources, module)
    return _function(node, sources) or Call("barrier", sources)


def _layer(node: fx.Node, module: Any, sources: tuple[fx.Node, ...]) -> Call | None:
    """What the call of a layer does, or None."""
    kind = type(module)
    before = sources[0].meta["shape"] if sources else None
    if before is None or node.meta["shape"] is None:
        return None
    if kind is nn.Linear:
        return Call("mix", sources, module) if len(before) == 2 else None
    if kind in CONVOLUTIONS:
        return _convolution(module, sources, len(before))
    if kind in TRANSPOSED and module.groups == 1 and len(before) == _axes(module) + 2:
        return Call("mix", sources, module, edges=True)
    if kind in NORMS and module.running_mean is not None:
        return Call("norm", sources, module)
    if kind is nn.PReLU:
        return Call("prelu", sources, module)
    if kind in POINTWISE:
        return Call("same", sources, module, _on_vector(module))
    if kind in POOLS and not getattr(module, "return_indices", False):
        return Call("same", sources, module)
    if kind in MEANS:
        padded = bool(torch.as_tensor(module.padding).any()) and module.count_include_pad
        return Call("same", sources, module, edges=padded)
    if kind is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1):
        return Call("flatten", sources, module)
    return None


def _axes(module: Any) -> int:
    """How many axes a convolution's kernel has."""
    return len(module.kernel_size)


def _convolution(module: Any, sources: tuple[fx.Node, ...], ndim: int) -> Call | None:
    """A convolution between all channels, or of each channel by itself."""
    if ndim != _axes(module) + 2:  # without a batch
        return None
    padding = module.padding
    if isinstance(padding, str):
        padded = padding == "same" and any(size > 1 for size in module.kernel_size)
    else:
        padded = any(padding)
    edges = padded and module.padding_mode == "zeros"
    if module.groups == 1:
        return Call("mix", sources, module, edges=edges)
    if module.groups == module.in_channels == module.out_channels:
        return Call("depthwise", sources, module, edges=edges)
    return None


def _on_vector(module: nn.Module) -> Callable[[Tensor], Tensor]:
    """A pointwise layer as a function that leaves its argument as it is."""
    if isinstance(module, (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)):
        return lambda value: value
    return lambda value: module(value.clone())


def _function(node: fx.Node, sources: tuple[fx.Node, ...]) -> Call | None:
    """What a call of a function or a method does, or None."""
    shape = node.meta["shape"]
    if node.target == "size" and node.args[1:] and node.args[1] != 1:
        return Call("size", sources)
    shapes = [source.meta["shape"] for source in sources]
    if shape is None or not shapes or any(s is None or len(s) < 2 for s in shapes):
        return _view(node, sources, shapes)
    if node.target in CATS and (node.args[1:] or [node.kwargs.get("dim", 0)])[0] == 1:
        in_order: Any = node.args[0]
        return (
            Call("cat", tuple(in_order)) if all(isinstance(n, fx.Node) for n in in_order) else None
        )
    if node.target in JOINS and len(sources) == 2 and not node.kwargs and len(node.args) == 2:
        fits = len(shapes[0]) == len(shapes[1]) and shapes[0][1] == shapes[1][1]
        function = JOINS[node.target]
        pair: Any = node.args
        return Call("join", tuple(pair), function=function) if fits else None
    if len(sources) != 1 or node.args[:1] != sources:
        return _view(node, sources, shapes)
    if node.target in JOINS and not node.kwargs and isinstance(node.args[1], (int, float)):
        factor, function = node.args[1], JOINS[node.target]
        return Call("same", sources, function=lambda value: function(value, factor))
    if node.target in POINTWISE_CALLS:
        return Call("same", sources, function=_applied(node))
    if node.target in POINTWISE_METHODS:
        method = str(node.target).rstrip("_")
        return Call("same", sources, function=lambda value: getattr(value, method)())
    if node.target in POOL_CALLS or _is_mean_of_positions(node):
        return Call("same", sources)
    return _view(node, sources, shapes)


def _applied(node: fx.Node) -> Callable[[Tensor], Tensor]:
    """A pointwise function with the node's further arguments."""
    kwargs = {name: value for name, value in node.kwargs.items() if name != "inplace"}
    if node.target is F.dropout:
        return lambda value: value
    return lambda value: node.target(value.clone(), *node.args[1:], **kwargs)  # type: ignore


def _is_mean_of_positions(node: fx.Node) -> bool:
    """Whether a node is the mean over axes after the channels."""
    if node.target not in (torch.mean, "mean"):
        return False
    axes = (*node.args[1:2], *(v for k, v in node.kwargs.items() if k == "dim"))
    before, after = node.args[0].meta["shape"], node.meta["shape"]  # type: ignore
    if len(axes) != 1 or len(after) < 2:
        return False
    given: Any = axes[0] if isinstance(axes[0], (tuple, list)) else [axes[0]]
    return all(axis % len(before) >= 2 for axis in given)


def _view(node: fx.Node, sources: tuple[fx.Node, ...], shapes: list) -> Call | None:
    """A call that only flattens all axes after the first, whatever their length."""
    shape = node.meta["shape"]
    if not sources or not shapes or shapes[0] is None or shape is None or len(shape) != 2:
        return None
    if node.target is not torch.flatten and node.target not in FLATTENING_METHODS:
        return None
    whole = shapes[0][0] == shape[0] and torch.Size(shapes[0][1:]).numel() == shape[1]
    last = node.args[-1]
    if node.target in ("view", "reshape"):
        # a written-out length would be wrong after slicing
        return Call("flatten", sources[:1]) if whole and last == -1 else None
    return Call("flatten", sources[:1]) if whole and node.args[1:2] == (1,) else None
