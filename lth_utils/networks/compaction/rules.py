"""What constants and needs become at each kind of call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn

from lth_utils.networks.compaction.calls import TRANSPOSED, Call, understood
from lth_utils.networks.compaction.units import Flow, UnitSets


class Followed:
    """A model's calls in order, and what is known of the units of their values.

    Attributes:
        calls: by node.
        flows: by node; None for what has no units.
        sets: of their units.
    """

    def __init__(self, graph: fx.Graph, model: nn.Module):
        """Constants forwards, needs backwards; model: a plain copy, which has the values."""
        counts: dict[int, int] = {}
        for node in graph.nodes:
            if node.op == "call_module":
                of = id(model.get_submodule(str(node.target)))
                counts[of] = counts.get(of, 0) + 1
        self.model, self.sets = model, UnitSets()
        self.calls: dict[fx.Node, Call] = {}
        self.flows: dict[fx.Node, Flow | None] = {}
        for node in graph.nodes:
            call = understood(node, model, lambda module: counts[id(module)] == 1)
            if call.kind not in ("input", "output", "barrier", "size") and any(
                self.flows[source] is None for source in call.sources
            ):
                call = Call("barrier", call.sources, call.module)
            self.calls[node] = call
            self.flows[node] = self._forward(node, call)
        for node in reversed(graph.nodes):
            self._backward(node, self.calls[node])
        self.sets.decide([flow for flow in self.flows.values() if flow is not None])

    def _sources(self, call: Call) -> list[Flow]:
        """The values that a call takes."""
        found = [self.flows[source] for source in call.sources]
        return [flow for flow in found if flow is not None]

    # ------------------------------------------------------------------ forwards
    def _forward(self, node: fx.Node, call: Call) -> Flow | None:
        """What is known of a call's value."""
        rule: Callable | None = getattr(self, f"_forward_{call.kind}", None)
        if rule is not None:
            return rule(call, *self._sources(call))
        if call.kind in ("barrier", "output"):
            for flow in self._sources(call):
                for number, _ in flow.parts:
                    self.sets.freeze(number)
        shape = node.meta["shape"]
        if call.kind in ("output", "size") or shape is None or len(shape) < 2:
            return None
        return Flow.of_inputs(self.sets.new(shape[1], frozen=True), shape[1])

    def _forward_mix(self, call: Call, x: Flow) -> Flow:
        """A new set of units, which depend on all that they have weights from."""
        weight = matrix(call.module)  # [O, I, positions]
        linked = (weight != 0).any(2)
        constants = torch.where(x.varies, 0.0, x.value)
        moving = x.varies | (constants != 0) if call.edges else x.varies
        value = weight.sum(2) @ constants
        if call.module.bias is not None:
            value += plain(call.module.bias)
        number = self.sets.new(len(weight))
        return Flow(((number, 1),), (linked & moving).any(1), value)

    def _forward_depthwise(self, call: Call, x: Flow) -> Flow:
        """The same units; a channel without weights is its bias."""
        weight = plain(call.module.weight).flatten(1)
        moving = x.varies | (x.value != 0) if call.edges else x.varies
        value = weight.sum(1) * torch.where(x.varies, 0.0, x.value)
        if call.module.bias is not None:
            value += plain(call.module.bias)
        return Flow(x.parts, moving & (weight != 0).any(1), value)

    def _forward_norm(self, call: Call, x: Flow) -> Flow:
        """The same units; one of scale zero is its shift."""
        norm = call.module
        scale = (plain(norm.running_var) + norm.eps).rsqrt()
        if norm.weight is not None:
            scale = scale * plain(norm.weight)
        value = (torch.where(x.varies, 0.0, x.value) - plain(norm.running_mean)) * scale
        value = torch.where(scale == 0, 0.0, value)
        if norm.bias is not None:
            value += plain(norm.bias)
        return Flow(x.parts, x.varies & (scale != 0), value)

    def _forward_prelu(self, call: Call, x: Flow) -> Flow:
        """The same units."""
        slope = plain(call.module.weight)
        return Flow(x.parts, x.varies, torch.where(x.value < 0, x.value * slope, x.value))

    def _forward_same(self, call: Call, x: Flow) -> Flow:
        """The same units."""
        varies = x.varies | (x.value != 0) if call.edges else x.varies
        if call.function is None:
            return Flow(x.parts, varies, x.value)
        with torch.no_grad():
            value = call.function(torch.where(x.varies, 0.0, x.value))
        return Flow(x.parts, varies, value)

    def _forward_flatten(self, call: Call, x: Flow) -> Flow:
        """The same units, each at all its positions."""
        shape = call.sources[0].meta["shape"]
        positions = torch.Size(shape[2:]).numel()
        parts = tuple((number, repeat * positions) for number, repeat in x.parts)
        varies, value = (v.repeat_interleave(positions) for v in (x.varies, x.value))
        return Flow(parts, varies, value)

    def _forward_join(self, call: Call, x: Flow, y: Flow) -> Flow:
        """Units of both, which from now on are sliced together."""
        assert call.function is not None
        sizes = [[(self.sets.sizes[n], repeat) for n, repeat in flow.parts] for flow in (x, y)]
        pairs = zip(x.parts, y.parts, strict=False)
        if sizes[0] == sizes[1]:
            for (one, _), (other, _) in pairs:
                self.sets.join(one, other)
        else:  # they stay as they are
            for number, _ in (*x.parts, *y.parts):
                self.sets.freeze(number)
        varies = x.varies | y.varies
        if call.function is torch.mul:
            for flow in (x, y):  # a gate that is always closed
                varies = varies & (flow.varies | (flow.value != 0))
        return Flow(x.parts, varies, call.function(x.value, y.value))

    def _forward_cat(self, call: Call, *flows: Flow) -> Flow:
        """Units of all, one after the other."""
        parts = tuple(part for flow in flows for part in flow.parts)
        varies = torch.cat([flow.varies for flow in flows])
        return Flow(parts, varies, torch.cat([flow.value for flow in flows]))

    # ------------------------------------------------------------------ backwards
    def _backward(self, node: fx.Node, call: Call):
        """What a call needs of the values that it takes."""
        sources, own = self._sources(call), self.flows[node]
        if call.kind in ("barrier", "output"):
            for flow in sources:
                flow.needed[:] = True
        if own is None or call.kind in ("barrier", "output", "input", "size"):
            return
        if call.kind == "mix":
            self._needs_of_mix(call, sources[0], own)
            return
        if call.kind == "cat":
            sizes = [len(flow.varies) for flow in sources]
            pieces = zip(sources, own.needed.split(sizes), own.held.split(sizes), strict=True)
            for flow, needed, held in pieces:
                flow.needed |= needed
                flow.held |= held
            return
        needed, held, varies = own.needed & own.varies, own.held, own.varies
        if call.kind == "flatten":
            shape = (len(sources[0].varies), -1)
            needed, held = needed.view(shape).any(1), held.view(shape).any(1)
            varies = varies.view(shape).any(1)
        for flow in sources:
            flow.needed |= needed & flow.varies
            flow.held |= (held | (needed & varies & (flow.value != 0))) & ~flow.varies

    def _needs_of_mix(self, call: Call, x: Flow, own: Flow):
        """Units with a weight to one that is needed; constants stay where edges see zeros."""
        linked = (matrix(call.module) != 0).any(2)[own.needed & own.varies].any(0)
        x.needed |= linked & x.varies
        if call.edges:
            x.held |= linked & ~x.varies & (x.value != 0)


def plain(values: Any) -> Tensor:
    """Values in float64, on the CPU, apart from any graph of gradients."""
    return values.detach().cpu().double()


def matrix(layer: Any) -> Tensor:
    """A layer's weights as float64 ``[O, I, positions]``."""
    weight = plain(layer.weight)
    if isinstance(layer, TRANSPOSED):
        weight = weight.transpose(0, 1)
    return weight.reshape(*weight.shape[:2], -1)
