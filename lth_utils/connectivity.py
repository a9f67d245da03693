"""What a mask's graph says about the tasks: states, subnetworks, coverage, status.

Everything is boolean reachability, batched over the members and on the masks' device.  The units of
a convolution are its channels: a kernel position that is left is an edge between two of them.  One sweep
from the outputs records for each unit which outputs it leads to, one from the inputs which units
the inputs reach; all definitions below are read off these two.  Each sweep is one matrix product
per layer, so the cost is proportional to weights times outputs, whatever the structure.

Definitions (thesis, chapter on the structure of pruned networks), for an available weight from
unit i to unit j: *inactive* if no path leads from j to any output; else *zombie* if no path leads
from any input to i; else *active*.  A *subnetwork* is a weakly connected component of the active
weights.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
import numpy as np
import torch
from torch import Tensor

from lth_utils.config import SpecError, choose
from lth_utils.data import Task, check_tasks

PRUNED, ACTIVE, INACTIVE, ZOMBIE = 0, 1, 2, 3
STATE_NAMES = ("pruned", "active", "inactive", "zombie")
STATUSES = ("interconnected", "separated", "fragmented", "degraded")
OUTCOMES = ("interconnected", "fragmented", "separated", "separated-degraded", "degraded")


def check_masks(masks: Sequence[Tensor]) -> list[Tensor]:
    """`masks` as a list of bool tensors ``[M, O, I]`` whose layers fit each other, else :class:`SpecError`.

    The first ones may be of convolutions, ``[M, O, I, k, k]``; the dense layer after them has as many inputs of each channel.
    """
    masks = [torch.as_tensor(m) for m in masks]
    shapes, front = [tuple(m.shape) for m in masks], sum(m.ndim == 5 for m in masks)
    if [m.ndim for m in masks] != [5] * front + [3] * (len(masks) - front) or len(masks) == front or any(m.dtype != torch.bool for m in masks):
        raise SpecError(f"masks have shapes {shapes} and types {[str(m.dtype) for m in masks]}; expected bool tensors [M, O, I], "
                        "one per layer, the first ones [M, O, I, k, k] if they are convolutions")
    for layer, ((m, o, *_), (m_next, _, i, *_)) in enumerate(pairwise(shapes), start=1):
        if m != m_next or (i % max(o, 1) or not i if layer == front else o != i):
            raise SpecError(f"masks of shapes {shapes} do not fit: each layer's I must be the O of the layer before "
                            "(after the last convolution a multiple of it), M the same")
    return masks


def _matrices(masks: Sequence[Tensor]) -> list[Tensor]:
    """How many weights are available between any two units, float32 ``[M, O, I]`` per layer."""
    matrices, units = [], masks[0].shape[2]
    for mask in masks:
        matrices.append(mask.sum((3, 4)).float() if mask.ndim == 5 else mask.float() if mask.shape[2] == units else
                        mask.unflatten(2, (units, -1)).sum(-1).float())
        units = mask.shape[1]
    return matrices


def channels(masks: Sequence[Tensor]) -> list[Tensor]:
    """The masks of the layered graph of units: which units, channels among them, have a weight between them, bool ``[M, O, I]`` per layer.

    A channel's kernel positions, and its features where they are flattened, become one edge.

    >>> kernels, dense = torch.zeros(1, 2, 1, 3, 3, dtype=torch.bool), torch.zeros(1, 1, 8, dtype=torch.bool)
    >>> kernels[0, 1, 0, 2, 2] = dense[0, 0, 4] = True
    >>> [m.tolist() for m in channels([kernels, dense])]
    [[[[False], [True]]], [[[False, True]]]]
    """
    return [m > 0 for m in _matrices(check_masks(masks))]


def channel_tasks(tasks: Sequence[Task], n_channels: int, side: int | None = None) -> tuple[Task, ...]:
    """`tasks` with whole channels for inputs, where their inputs are the pixels of square channels, one channel after the other.

    side: pixels per side; without it the tasks must own all channels.  Raises :class:`SpecError` for a task
    that owns a part of a channel.

    >>> channel_tasks([Task("a", range(0, 8), range(2)), Task("b", range(8, 12), range(2, 4))], 3)[1].inputs
    range(2, 3)
    """
    owned = sum(len(t.inputs) for t in tasks)
    pixels = side**2 if side else owned // n_channels
    end = max((t.inputs.stop for t in tasks), default=0)
    if not side and (end != owned or owned != n_channels * math.isqrt(pixels) ** 2):
        raise SpecError(f"tasks own {owned} inputs, the last is {end - 1}; expected all pixels of {n_channels} square channels")
    for task in tasks:
        if task.inputs.start % pixels or task.inputs.stop % pixels:
            raise SpecError(f"task {task.name} owns a part of a channel: inputs {task.inputs.start} to {task.inputs.stop - 1}, "
                            f"each channel has {pixels}")
    return tuple(Task(t.name, range(t.inputs.start // pixels, t.inputs.stop // pixels), t.outputs) for t in tasks)


def _reach(matrices: Sequence[Tensor], sources: Tensor, sinks: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Which columns of `sources` reach each unit, and which columns of `sinks` it leads to.

    matrices: the masks as float32 ``[M, O, I]``, whose sums of up to 2^24 weights are exact; sources:
    bool ``[I, C]`` over the inputs; sinks: bool ``[O, D]`` over the outputs.  Returns lists over
    unit layers of bool ``[M, U, C]`` and ``[M, U, D]``.
    """
    members = matrices[0].shape[0]
    forward, backward = [sources.expand(members, -1, -1)], [sinks.T.expand(members, -1, -1)]
    for matrix in matrices:
        forward.append(torch.bmm(matrix, forward[-1].float()) > 0)
    for matrix in reversed(matrices):    # row vectors: reading a matrix along its rows is several times faster
        backward.append(torch.bmm(backward[-1].float(), matrix) > 0)
    return forward, [b.transpose(1, 2) for b in reversed(backward)]


def _any_input_each_output(matrices):
    device = matrices[0].device
    everything = torch.ones(matrices[0].shape[2], 1, dtype=torch.bool, device=device)
    outputs = torch.eye(matrices[-1].shape[1], dtype=torch.bool, device=device)
    forward, backward = _reach(matrices, everything, outputs)
    return [f[..., 0] for f in forward], backward


def _sweeps(masks):
    return _any_input_each_output(_matrices(masks))


def _states(masks, from_input, to_output) -> list[Tensor]:
    states = []
    for mask, source, sink in zip(masks, from_input[:-1], to_output[1:], strict=True):
        # of one weight that is available: inactive without a sink, else zombie without a source
        lively = torch.where(source, ACTIVE, ZOMBIE).to(torch.uint8)[:, None, :]
        state = torch.where(sink[:, :, None], lively, INACTIVE)
        if mask.ndim == 5:
            states.append(state[..., None, None] * mask)
        else:
            features = mask.shape[2] // state.shape[2]      # of a channel that is flattened
            states.append((state.repeat_interleave(features, 2) if features > 1 else state).mul_(mask))
    return states


def weight_states(masks: Sequence[Tensor]) -> list[Tensor]:
    """State of each weight, one of ``PRUNED, ACTIVE, INACTIVE, ZOMBIE``.

    masks: list over layers of bool ``[M, O, I]``, the first ones ``[M, O, I, k, k]`` where they are convolutions; returns
    uint8 tensors of the same shapes.  A kernel's weight leads from channel to channel.

    >>> mask = torch.tensor([[[True, True]]]), torch.tensor([[[True], [False]]])
    >>> [s.tolist() for s in weight_states(mask)]
    [[[[1, 1]]], [[[1], [0]]]]
    """
    masks = check_masks(masks)
    from_input, outputs = _sweeps(masks)
    return _states(masks, from_input, [o.any(-1) for o in outputs])


def unit_states(masks: Sequence[Tensor]) -> list[Tensor]:
    """State of each unit: inactive without a path to an output, else zombie without a path from an input, else active.

    masks as in :func:`weight_states`; returns uint8 ``[M, U]`` per layer of units (channels of a convolution), inputs first.
    """
    return _unit_states(*_sweeps(check_masks(masks)))


def _unit_states(from_input, outputs) -> list[Tensor]:
    return [torch.where(o.any(-1), torch.where(f, ACTIVE, ZOMBIE), INACTIVE).to(torch.uint8)
            for f, o in zip(from_input, outputs, strict=True)]


def _components(from_input, outputs) -> list[Tensor]:
    """Labels of the weakly connected components, from reachability alone.

    All units of a component share it with every output they lead to, so two outputs are in one
    component exactly if a chain of inputs joins them: the closure of a small K x K relation.
    """
    at_inputs = outputs[0]                                        # [M, I, O]
    n_inputs, n_outputs = at_inputs.shape[1:]
    linked = at_inputs.to(torch.float32)
    linked = torch.bmm(linked.transpose(1, 2), linked) > 0        # [M, O, O]: a common input
    for _ in range(max(1, (n_outputs - 1).bit_length())):         # paths double with each squaring
        linked = torch.bmm(linked.to(torch.float32), linked.to(torch.float32)) > 0
    index = torch.arange(n_inputs, device=at_inputs.device)[None, :, None]
    first = torch.where(at_inputs, index, n_inputs).amin(1)       # [M, O]: smallest input of each output
    first = torch.where(linked, first[:, None, :], n_inputs).amin(2)
    # labels 0…J-1 in the order of the smallest input: how many distinct smaller first inputs there are
    is_first = torch.zeros(*first.shape[:1], n_inputs + 1, dtype=torch.int64, device=first.device)
    is_first.scatter_(1, first, 1)
    label = is_first.cumsum(1).gather(1, first) - 1               # [M, O]
    labels = []
    for reached, leads in zip(from_input, outputs, strict=True):
        of_unit = torch.where(leads, label[:, None, :], -1).amax(2)
        labels.append(torch.where(reached, of_unit, -1))
    return labels


def components(masks: Sequence[Tensor]) -> list[Tensor]:
    """Subnetwork of each unit.

    masks as in :func:`weight_states`; returns a list over unit layers, inputs first, of int64
    ``[M, U]``: -1 outside the active graph, else 0…J-1 per member in the order of the smallest
    input index.
    """
    return _components(*_sweeps(check_masks(masks)))


def _counts(labels: Sequence[Tensor], tasks: Sequence[Task]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Per member how many of each task's inputs and outputs lie in each subnetwork: two int arrays ``[J, K]``."""
    ends = labels[0].cpu().numpy(), labels[-1].cpu().numpy()
    counted = []
    for at_inputs, at_outputs in zip(*ends, strict=True):
        n = int(at_inputs.max(initial=-1)) + 1
        counted.append(tuple(
            np.stack([np.bincount(side[p.start:p.stop][side[p.start:p.stop] >= 0], minlength=n) for p in positions], axis=1)
            for side, positions in ((at_inputs, [t.inputs for t in tasks]), (at_outputs, [t.outputs for t in tasks]))))
    return counted


def _sizes(tasks):
    return np.array([len(t.inputs) for t in tasks]), np.array([len(t.outputs) for t in tasks])


def _coverage(counts, tasks, kind) -> list[np.ndarray]:
    n_in, n_out = _sizes(tasks)
    return [o / n_out if kind == "output" else i / n_in * (o / n_out) for i, o in counts]


def _checked(masks, tasks, kind):
    """The matrices of masks, and tasks that fit them."""
    masks = check_masks(masks)
    if masks[0].ndim == 5:
        tasks = channel_tasks(tasks, masks[0].shape[2])
    check_tasks(tasks, masks[0].shape[2], masks[-1].shape[1])
    choose(kind, ("total", "output"), "coverage kind")
    return _matrices(masks), tasks


def coverage(masks: Sequence[Tensor], tasks: Sequence[Task], kind: str = "total") -> list[np.ndarray]:
    """How much of each task each subnetwork covers.

    masks as in :func:`weight_states`; tasks: K of them, which own whole channels where the network begins
    with a convolution; kind: ``total`` (share of the task's inputs times share of its outputs) or ``output``
    (the second factor alone).  Returns one float array ``[J, K]`` per member.
    """
    matrices, tasks = _checked(masks, tasks, kind)
    return _coverage(_counts(_components(*_any_input_each_output(matrices)), tasks), tasks, kind)


def _status(counts, tasks, kind) -> list[str]:
    n_in, n_out = _sizes(tasks)
    words = []
    for inputs, outputs in counts:
        # in whole numbers, so that "fully covered" is exact
        covered, full = (outputs, n_out) if kind == "output" else (inputs * outputs, n_in * n_out)
        if (covered.sum(0) < full).any():
            words.append("degraded")
        elif ((covered > 0).sum(1) > 1).any():
            words.append("interconnected")
        else:
            words.append("separated" if len(covered) == len(tasks) else "fragmented")
    return words


def status(masks: Sequence[Tensor], tasks: Sequence[Task], kind: str = "total") -> list[str]:
    """One word per member: ``interconnected``, ``separated``, ``fragmented`` or ``degraded``.

    Degraded: some task's summed coverage is below 1.  Interconnected: all covered, but a
    subnetwork serves more than one task.  Separated: as many subnetworks as tasks, each serving
    one.  Fragmented: none shared, but more subnetworks than tasks.  Arguments as in :func:`coverage`.
    """
    matrices, tasks = _checked(masks, tasks, kind)
    return _status(_counts(_components(*_any_input_each_output(matrices)), tasks), tasks, kind)


def decided(masks: Sequence[Tensor], tasks: Sequence[Task], seen_from: str = "outputs") -> Tensor:
    """Share of the active units of each layer that are decided for one task.

    Seen from the outputs: the unit leads to the outputs of exactly one task; from the inputs: it is
    reached by the inputs of exactly one task.  Returns float64 ``[M, unit layers]``, inputs first;
    NaN where a layer has no active unit.
    """
    matrices, tasks = _checked(masks, tasks, "total")
    choose(seen_from, ("outputs", "inputs"), "seen_from")

    def belongs(side, size):
        table = torch.zeros(size, len(tasks) + 1, dtype=torch.bool, device=matrices[0].device)
        for k, task in enumerate(tasks):
            table[getattr(task, side), k] = True
        table[:, -1] = True      # the last column: whatever the task, none included
        return table

    forward, backward = _reach(matrices, belongs("inputs", matrices[0].shape[2]), belongs("outputs", matrices[-1].shape[1]))
    shares = []
    for f, b in zip(forward, backward, strict=True):
        active = f[..., -1] & b[..., -1]
        one = ((b if seen_from == "outputs" else f)[..., :-1].sum(-1) == 1) & active
        shares.append(one.sum(1, dtype=torch.float64) / active.sum(1))
    return torch.stack(shares, 1)


@dataclass(frozen=True)
class Measures:
    """What one member's mask is: counts of weights, subnetworks and what they serve.

    available, active, inactive, zombie: weights; subnetworks: J; coverage: float ``[J, K]``;
    status: one word.
    """
    available: int
    active: int
    inactive: int
    zombie: int
    subnetworks: int
    coverage: np.ndarray
    status: str


def measure(masks: Sequence[Tensor], tasks: Sequence[Task], kind: str = "total") -> list[Measures]:
    """All of the above in two sweeps: one :class:`Measures` per member.  Arguments as in :func:`coverage`."""
    matrices, tasks = _checked(masks, tasks, kind)
    from_input, outputs = _any_input_each_output(matrices)
    counts = _counts(_components(from_input, outputs), tasks)
    shares, words = _coverage(counts, tasks, kind), _status(counts, tasks, kind)
    available, to_output, active = 0, 0, 0
    for matrix, source, sink in zip(matrices, from_input[:-1], outputs[1:], strict=True):
        sink = sink.any(-1)[:, None].float()
        of_source = torch.bmm(torch.cat([torch.ones_like(sink), sink], 1), matrix)     # [M, 2, I]
        every, led = of_source.sum(2, dtype=torch.float64).unbind(1)
        available, to_output = available + every, to_output + led
        active = active + (of_source[:, 1] * source).sum(1, dtype=torch.float64)
    numbers = torch.stack([available, active, available - to_output, to_output - active], 1).long().tolist()
    return [Measures(*n, len(c), c, w) for n, c, w in zip(numbers, shares, words, strict=True)]


@dataclass(frozen=True)
class Structure:
    """One network unit by unit, lists over unit layers, inputs first.

    states: uint8 ``[U]``; subnetworks: int64 ``[U]``, -1 for none; leads: bool ``[U, O]``, to which
    outputs; coverage: float ``[J, K]``; status: one word.
    """
    states: list[np.ndarray]
    subnetworks: list[np.ndarray]
    leads: list[np.ndarray]
    coverage: np.ndarray
    status: str


def structure(masks: Sequence[Tensor], tasks: Sequence[Task], kind: str = "total") -> Structure:
    """What a picture of the first member needs, in one pass of two sweeps.  Arguments as in :func:`coverage`."""
    matrices, tasks = _checked([m[:1] for m in masks], tasks, kind)
    from_input, outputs = _any_input_each_output(matrices)
    labels = _components(from_input, outputs)
    counts = _counts(labels, tasks)
    return Structure([s[0].numpy(force=True) for s in _unit_states(from_input, outputs)], [n[0].numpy(force=True) for n in labels],
                     [o[0].numpy(force=True) for o in outputs], _coverage(counts, tasks, kind)[0], _status(counts, tasks, kind)[0])


def outcome(statuses: Sequence[str]) -> str:
    """A run's outcome from its statuses, level 0 first.

    >>> outcome(["interconnected", "separated", "degraded"])
    'separated-degraded'
    """
    if "separated" in statuses:
        return "separated-degraded" if "degraded" in statuses else "separated"
    return "degraded" if "degraded" in statuses else statuses[-1]


def to_networkx(ticket) -> nx.DiGraph:
    """A ticket's available weights as a graph.

    `ticket` has ``masks`` (bool ``[1, O, I]`` per layer) and ``weights`` (float, the same shapes).
    Nodes are ``(layer, unit)`` with ``layer``, ``state`` and ``subnetwork`` (-1 for none); edges
    carry ``weight`` and ``state``, both by name.  With convolutions it is a ``nx.MultiDiGraph``, one
    edge per weight, whose units are channels there.
    """
    masks = check_masks(ticket.masks)
    if masks[0].shape[0] != 1:
        raise SpecError(f"a ticket is one network; these masks have {masks[0].shape[0]} members")
    graph = nx.MultiDiGraph() if masks[0].ndim == 5 else nx.DiGraph()
    for layer, (states, labels) in enumerate(zip(unit_states(masks), components(masks), strict=True)):
        for unit, (state, label) in enumerate(zip(states[0].tolist(), labels[0].tolist(), strict=True)):
            graph.add_node((layer, unit), layer=layer, state=STATE_NAMES[state], subnetwork=label)
    for layer, (mask, units, states, weights) in enumerate(zip(masks, channels(masks), weight_states(masks), ticket.weights, strict=True)):
        features = mask.shape[2] // units.shape[2]
        for place in map(tuple, mask.nonzero().tolist()):
            graph.add_edge((layer, place[2] // features), (layer + 1, place[1]), weight=float(weights[place]), state=STATE_NAMES[states[place]])
    return graph
