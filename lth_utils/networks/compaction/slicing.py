"""Layers with some of their units alone."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from lth_utils.networks.compaction.calls import TRANSPOSED, Call
from lth_utils.networks.compaction.rules import Followed, matrix, plain
from lth_utils.networks.compaction.units import Flow
from lth_utils.networks.sparse_layer import SparseLinear

SPARSE_BELOW = 0.02
"""Share of weights left in a linear layer below which it is faster as single weights."""

SPARSE_FROM = 16_384
"""Number of weights of a linear layer, zeros included, from which this pays."""


def slice_layers(model: nn.Module, followed: Followed, sparse: bool | None):
    """Replace the layers of a model by smaller ones.

    Args:
        model: changed in place.
        followed: what is known of it.
        sparse: whether linear layers hold single weights; None: where that is faster.
    """
    for node, call in followed.calls.items():
        if call.kind not in ("mix", "depthwise", "norm", "prelu"):
            continue
        x, own = followed.flows[call.sources[0]], followed.flows[node]
        assert x is not None and own is not None
        kept_in, kept_out = x.kept(followed.sets), own.kept(followed.sets)
        if call.kind == "mix":
            made = _mixing(call, x, own, kept_in=kept_in, kept_out=kept_out, sparse=sparse)
        elif kept_out.all():
            continue
        else:
            made = _sliced(call.module, kept_out)
        path, _, name = str(node.target).rpartition(".")
        setattr(model.get_submodule(path), name, made)


def _mixing(
    call: Call, x: Flow, own: Flow, *, kept_in: Tensor, kept_out: Tensor, sparse: bool | None
) -> nn.Module:
    """A linear layer or convolution without some inputs and outputs."""
    layer = call.module
    # constants that leave: they are in no row that sees zeros at its edges
    gone = torch.where(x.varies | kept_in, 0.0, x.value)
    folded = matrix(layer).sum(2) @ gone
    unused = own.varies & ~own.needed & kept_out
    weight = layer.weight.detach().transpose(0, 1) if _turned(layer) else layer.weight.detach()
    weight = weight.clone()
    weight[unused.to(weight.device)] = 0
    weight = weight[kept_out.to(weight.device)][:, kept_in.to(weight.device)]
    bias = None
    folded[unused] = 0
    if layer.bias is not None or folded[kept_out].any():
        before = plain(layer.bias) if layer.bias is not None else torch.zeros_like(folded)
        values = torch.where(folded != 0, before + folded, before)
        values[unused] = 0
        bias = values[kept_out].to(weight)
    if isinstance(layer, nn.Linear):
        return _linear(weight, bias, sparse)
    made = copy.copy(layer)  # its settings; what it holds is replaced
    made._parameters = dict(layer._parameters)
    made.out_channels, made.in_channels = weight.shape[:2]
    turned = weight.transpose(0, 1) if _turned(layer) else weight
    made.weight = nn.Parameter(turned.contiguous())
    made.bias = None if bias is None else nn.Parameter(bias)
    return made


def _turned(layer: Any) -> bool:
    """Whether a layer's weights are ``[I, O, ...]``."""
    return isinstance(layer, TRANSPOSED)


def _linear(weight: Tensor, bias: Tensor | None, sparse: bool | None) -> nn.Module:
    """A linear layer, dense or of single weights."""
    left, size = int(weight.count_nonzero()), weight.numel()
    if sparse or (sparse is None and size >= SPARSE_FROM and left < SPARSE_BELOW * size):
        return SparseLinear.of(weight, torch.zeros_like(weight[:, 0]) if bias is None else bias)
    outputs, inputs = weight.shape
    made = nn.utils.skip_init(
        nn.Linear, inputs, outputs, bias=bias is not None, device=weight.device, dtype=weight.dtype
    )
    made.weight.data = weight.contiguous()
    if bias is not None:
        made.bias.data = bias
    return made


def _sliced(layer: Any, kept: Tensor) -> nn.Module:
    """A layer of one value per unit, or one kernel per channel, without some of them."""
    made = copy.copy(layer)
    made._parameters, made._buffers = dict(layer._parameters), dict(layer._buffers)
    for name, values in layer._parameters.items():
        if values is not None and len(values) == len(kept):
            own = values.detach()[kept.to(values.device)].clone()
            made._parameters[name] = nn.Parameter(own)
    for name, buffer in layer._buffers.items():
        if buffer is not None and buffer.shape == kept.shape:
            made._buffers[name] = buffer[kept.to(buffer.device)].clone()
    size = int(kept.sum())
    for name in ("num_features", "num_parameters", "in_channels", "out_channels", "groups"):
        if getattr(layer, name, None) == len(kept):
            setattr(made, name, size)
    return made
