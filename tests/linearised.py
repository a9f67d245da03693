"""An oracle for ``lth.structure``: take a weight out of the linearised network; does it change?

The model itself runs, in torch's eager mode, with every function replaced by a sum: weights are 0
or 1, nonlinearities pass everything, pooling and normalising add up, and so do products. Inputs are
ones, so all sums are counts of paths, and a weight is on a path exactly if an output changes when
the weight is taken out. Nothing is shared with the package's own tracing, and no gradient is used.
"""

import torch
from architectures import weights_of
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

IDENTITY = {
    *("relu", "relu_", "relu6", "gelu", "silu", "hardtanh", "hardswish", "elu", "tanh"),
    *("sigmoid", "dropout", "clone", "contiguous"),
}
SUMS = {"mean", "amax", "sum"}

CONSTANT_SOURCES = (
    *("only padding", "strides and dilation", "separable", "residual", "dense block", "u-net"),
    *("functional, in place", "inception", "normalised", "sequence", "gru, both ways"),
)
"""Where a weight may lead on from what is always zero, padding or a first state: nothing changes
without it whatever the biases are, and still it leads to an output."""


class Linearised(TorchFunctionMode):
    """Every function of torch as a sum; `bias` is added to every unit with weights."""

    def __init__(self, bias=0.0):
        super().__init__()
        self.bias = bias

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name, kwargs = func.__name__, kwargs or {}
        rule = getattr(self, f"_{name.strip('_')}", None)
        if name in IDENTITY:
            return args[0]
        if name in SUMS:
            return self._summed(*args, **kwargs)
        if rule is not None:
            return rule(*args, **kwargs)
        return func(*args, **kwargs)

    # layers with weights; their biases are replaced

    def _linear(self, x, w, b=None):
        return F.linear(x, w) + self.bias

    def _conv1d(self, x, w, b=None, *rest, **options):
        return F.conv1d(x, w, None, *rest, **options) + self.bias

    def _conv2d(self, x, w, b=None, *rest, **options):
        return F.conv2d(x, w, None, *rest, **options) + self.bias

    def _conv3d(self, x, w, b=None, *rest, **options):
        return F.conv3d(x, w, None, *rest, **options) + self.bias

    def _conv_transpose2d(self, x, w, b=None, *rest, **options):
        return F.conv_transpose2d(x, w, None, *rest, **options) + self.bias

    def _embedding(self, tokens, w, *_, **__):
        return w.sum(0).expand(*tokens.shape, w.shape[1]) + self.bias

    def _matmul(self, a, b):
        if isinstance(b, torch.nn.Parameter) or getattr(b, "is_weight", False) or b.ndim == 2:
            return a @ b + self.bias
        raise AssertionError("a product that the oracle does not know")

    # products are sums

    def _mul(self, a, b):
        return a + b if isinstance(b, torch.Tensor) else a

    def _imul(self, a, b):
        return self._mul(a, b)

    def _iadd(self, a, b):
        return a + b

    def _glu(self, x, dim=-1):
        a, b = x.chunk(2, dim)
        return a + b

    # pooling and resizing

    def _max_pool2d(self, x, size, stride=None, padding=0, dilation=1, ceil_mode=False, **_):
        return F.avg_pool2d(x, size, stride, padding, ceil_mode, divisor_override=1)

    _boolean_dispatch = _max_pool2d

    def _max_pool3d(self, x, size, stride=None, padding=0, dilation=1, ceil_mode=False, **_):
        return F.avg_pool3d(x, size, stride, padding, ceil_mode, divisor_override=1)

    def _summed(self, x, dim=None, keepdim=False, **_):
        return x.sum(dim, keepdim)

    # normalising

    def _batch_norm(self, x, mean, var, weight=None, bias=None, *_, **__):
        shape = [1, -1, *[1] * (x.ndim - 2)]
        return x * weight.view(shape) + self.bias

    def _layer_norm(self, x, size, weight=None, bias=None, eps=0):
        return x.sum(-1, keepdim=True).expand_as(x) * weight + self.bias

    def _group_norm(self, x, groups, weight=None, bias=None, eps=0):
        shape = [1, -1, *[1] * (x.ndim - 2)]
        parts = x.unflatten(1, (groups, -1))
        total = parts.sum((2, 3, 4), keepdim=True).expand_as(parts).flatten(1, 2)
        return total * weight.view(shape) + self.bias

    def _instance_norm(self, x, mean=None, var=None, weight=None, bias=None, *_, **__):
        total = x.sum((2, 3), keepdim=True).expand_as(x)
        return total * weight.view(1, -1, 1, 1) + self.bias

    # attention

    def _multi_head_attention_forward(self, q, k, v, width, heads, w, b, *rest, **options):
        to_out = rest[4]
        mask = options.get("attn_mask")
        parts = zip((q, k, v), w.chunk(3), strict=True)
        q, k, v = (self._linear(x, part).transpose(0, 1) for x, part in parts)  # [B, T, E]
        q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
        seen = torch.ones(q.shape[-2], k.shape[-2], dtype=q.dtype)
        if mask is not None:
            seen = seen * (mask == 0).to(q.dtype)
        scores = seen * (q.sum(-1, keepdim=True) + k.sum(-1, keepdim=True).transpose(-1, -2))
        found = scores.sum(-1, keepdim=True) + seen @ v
        found = found.transpose(1, 2).flatten(2)
        return self._linear(found, to_out).transpose(0, 1), None

    # recurrent layers

    def _lstm(self, x, states, weights, *rest):
        out, h = self._recurrent(x, states[0], weights, *rest, gates=4, remembers=True)
        return out, h, h

    def _gru(self, x, h, weights, *rest):
        return self._recurrent(x, h, weights, *rest, gates=3, remembers=True)

    def _rnn_tanh(self, x, h, weights, *rest):
        return self._recurrent(x, h, weights, *rest, gates=1, remembers=False)

    def _recurrent(self, x, _, weights, has_bias, layers, *rest, gates, remembers):
        both = rest[2]
        weights = [w for w in weights if w.ndim == 2]
        for layer in range(layers):
            outs = []
            for way in range(2 if both else 1):
                at = 2 * (layer * (2 if both else 1) + way)
                w, u = weights[at : at + 2]
                h = torch.zeros(x.shape[0], u.shape[-1], dtype=x.dtype)
                steps = []
                for t in reversed(range(x.shape[1])) if way else range(x.shape[1]):
                    total = F.linear(x[:, t], w) + F.linear(h, u) + self.bias
                    total = total.unflatten(-1, (gates, -1)).sum(-2)
                    h = total + h if remembers else total
                    steps.append(h)
                outs.append(torch.stack(steps[::-1] if way else steps, 1))
            x = torch.cat(outs, -1)
        return x, h


def outputs(model, values, example, bias):
    """All outputs of the linearised model with these parameters, as one vector."""
    ones = tuple(x.new_ones(x.shape).double() if x.is_floating_point() else x for x in example)
    with Linearised(bias):
        found = torch.func.functional_call(model, values, ones)
    parts = found.values() if isinstance(found, dict) else [found]
    return torch.cat([part.flatten() for part in parts])


def changes(model, example, bias=0.0):
    """By weight bool of its shape: does any output change when it is taken out?"""
    values = {}
    for name, p in model.named_parameters():
        constant = p.ndim > 1 and name not in weights_of(model)  # such as a class token
        values[name] = torch.full_like(p, bias).double() if constant else (p != 0).double()
        values[name] = values[name].detach()
    found = {}
    for name in weights_of(model):
        mask = values[name].bool()
        places = mask.flatten().nonzero().flatten()
        found[name] = torch.zeros_like(mask)
        if not len(places):
            continue
        stack = values[name].flatten().repeat(len(places) + 1, 1)
        stack[torch.arange(len(places)), places] = 0

        def alone(row, name=name):
            given = values | {name: row.view(values[name].shape)}
            return outputs(model, given, example, bias)

        every = torch.func.vmap(alone)(stack)
        assert every.max() < 2**52, "counts of paths are no longer exact"
        found[name].view(-1)[places] = (every[:-1] != every[-1]).any(1)
    return found
