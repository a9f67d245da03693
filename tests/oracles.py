"""Slow, plain restatements of the definitions, and builders of small random networks for them.

Nothing here calls the code under test, except to make populations and their logits.
"""

import itertools
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import networkx as nx
import numpy as np
import torch
from torch import nn

from lth_utils.data import Task
from lth_utils.networks import population
from lth_utils.networks.forward import Layers

PRUNED, ACTIVE, INACTIVE, ZOMBIE = 0, 1, 2, 3


def random_tasks(rng, most=3):
    """Two or three tasks of 1…`most` inputs and outputs, their outputs in random order."""
    n = int(rng.integers(2, 4))
    inputs, outputs = rng.integers(1, most + 1, n), rng.integers(1, most + 1, n)
    first_in, first_out = np.cumsum(inputs) - inputs, np.cumsum(outputs) - outputs
    if rng.random() < 0.5:
        first_out = outputs.sum() - first_out - outputs
    return [
        Task(
            f"t{k}",
            range(first_in[k], first_in[k] + inputs[k]),
            range(first_out[k], first_out[k] + outputs[k]),
        )
        for k in range(n)
    ]


def random_shape(rng, tasks, layers=3, widest=7):
    """A shape that fits `tasks`, with one to `layers` hidden layers of 1…`widest` units."""
    hidden = rng.integers(1, widest + 1, rng.integers(1, layers + 1))
    return (
        max(t.inputs.stop for t in tasks),
        *map(int, hidden),
        max(t.outputs.stop for t in tasks),
    )


def random_masks(rng, shape, members, low=0.1):
    """Masks bool [M, O, I] per layer; each member and layer of its own density in [low, 1]."""
    return [
        torch.from_numpy(rng.random((members, o, i)) < rng.uniform(low, 1, (members, 1, 1)))
        for i, o in pairwise(shape)
    ]


def flat(masks):
    """Masks as one tensor [M, W]: layer by layer, row by row."""
    return torch.cat([m.flatten(1) for m in masks], 1)


def separating_masks(shape, tasks, member=1):
    """Masks in which hidden unit u works for task u modulo K only, dense within each task."""
    owners = [
        [next(k for k, t in enumerate(tasks) if u in t.inputs) for u in range(shape[0])],
        *([u % len(tasks) for u in range(width)] for width in shape[1:-1]),
        [next(k for k, t in enumerate(tasks) if u in t.outputs) for u in range(shape[-1])],
    ]
    return [
        torch.tensor([[[a == b for a in below] for b in above]] * member)
        for below, above in itertools.pairwise(owners)
    ]


def dressed(masks, seed=0):
    """A population with these masks; weights and biases are random, biases not zero."""
    shape = (masks[0].shape[2], *(m.shape[1] for m in masks))
    members = population.rewind(population.init(shape, range(len(masks[0]))), flat(masks))
    noise = torch.randn(members.parameters.shape, generator=torch.Generator().manual_seed(seed))
    noise[:, : members.mask.shape[1]] *= members.mask
    return replace(members, parameters=noise)


def logits(members, x):
    """Outputs [M, B, O] of every member for inputs [B, I]."""
    x = torch.as_tensor(x, dtype=torch.float32)
    return Layers.of(members.parameters, members.shape).forward(
        x.expand(len(members), -1, -1).contiguous()
    )[-1]


def plain_model(shape):
    """A network in torch's own modules, as a tutorial writes it; its values are torch's."""
    if isinstance(shape[0], int):
        return nn.Sequential(
            *[m for i, o in pairwise(shape) for m in (nn.Linear(i, o), nn.ReLU())][:-1]
        )
    (channels, side), *layers = shape
    modules = [nn.Unflatten(1, (channels, side, side))]
    while not isinstance(layers[0], int):
        out, kernel, pool = layers.pop(0)
        modules += [nn.Conv2d(channels, out, kernel), nn.ReLU(), nn.MaxPool2d(pool)]
        channels, side = out, (side - kernel + 1) // pool
    return nn.Sequential(*modules, nn.Flatten(), *plain_model((channels * side * side, *layers)))


class Structure:
    """One member's graph read with networkx, by the words of the definitions.

    masks: list over layers of bool [O, I].
    """

    def __init__(self, masks, tasks):
        self.masks, self.tasks = [np.asarray(m) for m in masks], tasks
        self.sizes = [self.masks[0].shape[1], *(m.shape[0] for m in self.masks)]
        self.graph = nx.DiGraph()
        self.graph.add_nodes_from(
            (layer, u) for layer, size in enumerate(self.sizes) for u in range(size)
        )
        self.graph.add_edges_from(((layer, i), (layer + 1, j)) for layer, _, i, j in self.weights())
        self.after = {n: {n} | nx.descendants(self.graph, n) for n in self.graph}
        self.before = {n: {n} | nx.ancestors(self.graph, n) for n in self.graph}
        self.last = len(self.masks)

    def weights(self):
        """Layer, place in its mask, source and sink of each available weight."""
        return [
            (layer, (int(j), int(i)), int(i), int(j))
            for layer, m in enumerate(self.masks)
            for j, i in np.argwhere(m)
        ]

    def leads_on(self, node):
        return any(layer == self.last for layer, _ in self.after[node])

    def is_fed(self, node):
        return any(layer == 0 for layer, _ in self.before[node])

    def state(self, source, sink):
        """Of an edge from `source` to `sink`; of a unit, where both are the unit."""
        if not self.leads_on(sink):
            return INACTIVE
        return ACTIVE if self.is_fed(source) else ZOMBIE

    def weight_states(self):
        states = [np.full(m.shape, PRUNED) for m in self.masks]
        for (layer, i), (_, j) in self.graph.edges:
            states[layer][j, i] = self.state((layer, i), (layer + 1, j))
        return states

    def unit_states(self):
        return [
            [self.state((layer, u), (layer, u)) for u in range(size)]
            for layer, size in enumerate(self.sizes)
        ]

    def subnetworks(self):
        """Sets of units, in the order of their smallest input."""
        active = [e for e in self.graph.edges if self.state(*e) == ACTIVE]
        return sorted(nx.weakly_connected_components(self.graph.edge_subgraph(active)), key=min)

    def components(self):
        label = {node: n for n, units in enumerate(self.subnetworks()) for node in units}
        return [
            [label.get((layer, u), -1) for u in range(size)]
            for layer, size in enumerate(self.sizes)
        ]

    def coverage(self, kind):
        """Exact fractions [J][K]."""

        def share(units, layer, positions):
            return Fraction(sum((layer, u) in units for u in positions), len(positions))

        return [
            [
                share(units, self.last, t.outputs)
                * (1 if kind == "output" else share(units, 0, t.inputs))
                for t in self.tasks
            ]
            for units in self.subnetworks()
        ]

    def status(self, kind):
        rows = self.coverage(kind)
        if any(sum(row[k] for row in rows) < 1 for k in range(len(self.tasks))):
            return "degraded"
        if any(sum(share > 0 for share in row) > 1 for row in rows):
            return "interconnected"
        return "separated" if len(rows) == len(self.tasks) else "fragmented"

    def decided(self, seen_from):
        shares = []
        for layer, size in enumerate(self.sizes):
            units = [
                (layer, u) for u in range(size) if self.state((layer, u), (layer, u)) == ACTIVE
            ]
            ends = [
                {
                    u
                    for end, u in (self.after if seen_from == "outputs" else self.before)[n]
                    if end == (self.last if seen_from == "outputs" else 0)
                }
                for n in units
            ]
            of = [
                sum(any(u in getattr(t, seen_from) for u in end) for t in self.tasks)
                for end in ends
            ]
            shares.append(sum(n == 1 for n in of) / len(of) if of else float("nan"))
        return shares


class ConvolutionalStructure(Structure):
    """The same for masks that begin with convolutions, bool [O, I, k, k].

    Their units are channels, and tasks own channels.

    States are read off chains of weights: one follows another where it begins at the channel
    or unit at which the other ends.
    """

    def weights(self):
        found, channels = [], self.masks[0].shape[1]
        for layer, m in enumerate(self.masks):
            source = [
                c for c in range(channels) for _ in range(m.shape[1] // channels)
            ]  # features run channel by channel
            found += [
                (layer, tuple(map(int, place)), source[place[1]], int(place[0]))
                for place in np.argwhere(m)
            ]
            channels = m.shape[0]
        return found

    def weight_states(self):
        weights, chains = self.weights(), nx.DiGraph()
        chains.add_nodes_from(weights)
        chains.add_edges_from(
            (w, v) for w in weights for v in weights if v[0] == w[0] + 1 and v[2] == w[3]
        )
        states = [np.full(m.shape, PRUNED) for m in self.masks]
        for weight in weights:
            leads = any(w[0] == self.last - 1 for w in {weight} | nx.descendants(chains, weight))
            fed = any(w[0] == 0 for w in {weight} | nx.ancestors(chains, weight))
            states[weight[0]][weight[1]] = INACTIVE if not leads else ACTIVE if fed else ZOMBIE
        return states


def states_by_paths(masks):
    """Weight states of one member by writing out every path; for tiny networks."""
    masks = [np.asarray(m) for m in masks]
    sizes = [masks[0].shape[1], *(m.shape[0] for m in masks)]

    def paths(first, last):
        """Unbroken paths of available weights from layer `first` to layer `last`."""
        for units in itertools.product(*(range(s) for s in sizes[first : last + 1])):
            if all(masks[first + n][b, a] for n, (a, b) in enumerate(itertools.pairwise(units))):
                yield units

    states = []
    for layer, mask in enumerate(masks):
        fed = {p[-1] for p in paths(0, layer)}
        leading = {p[0] for p in paths(layer + 1, len(masks))}
        state = np.zeros(mask.shape, dtype=int)
        for j, i in np.argwhere(mask):
            state[j, i] = INACTIVE if j not in leading else ACTIVE if i in fed else ZOMBIE
        states.append(state)
    return states


def shared_status(masks, tasks, kind="total"):
    """Status and coverage of one member where tasks may share inputs, by the words of the text.

    Every edge that leaves a shared input begins at a copy of it, so that the input joins nothing.

    Args:
        masks: list over layers of bool [O, I].
        tasks: with any positions.
        kind: of coverage.
    """
    plain = Structure(masks, tasks)
    owners = [sum(i in task.inputs for task in tasks) for i in range(plain.sizes[0])]
    joined = nx.Graph()
    for layer, states in enumerate(plain.weight_states()):
        for o, i in zip(*np.nonzero(np.asarray(states) == ACTIVE), strict=True):
            source = (layer, int(i))
            if layer == 0 and owners[i] > 1:
                source = (layer, int(i), int(o))
            joined.add_edge(source, (layer + 1, int(o)))
    last = len(masks)
    parts = []
    for part in nx.connected_components(joined):
        inputs = {node[1] for node in part if node[0] == 0}
        outputs = {node[1] for node in part if node[0] == last}
        parts.append((min(outputs), inputs, outputs))
    # copies of a shared input that reach the same subnetwork are one
    table = []
    for _, inputs, outputs in sorted(parts, key=lambda part: part[0]):
        row = []
        for task in tasks:
            share = Fraction(len(outputs & set(task.outputs)), len(task.outputs))
            if kind == "total":
                share *= Fraction(len(inputs & set(task.inputs)), len(task.inputs))
            row.append(share)
        table.append(row)
    covered = [sum(column) for column in zip(*table, strict=True)] or [0] * len(tasks)
    if min(covered) < 1:
        return "degraded", table
    if any(sum(share > 0 for share in row) > 1 for row in table):
        return "interconnected", table
    return ("separated" if len(table) == len(tasks) else "fragmented"), table
