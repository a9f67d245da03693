"""The graph of a torch model: units, the links between them, and the states of both.

This is what other modules walk. Units are numbered from 0 in the order of the forward pass and lie
in groups: the channels of a convolution, the features of a linear layer, the inputs, or what an
addition or a normalisation makes of others. Links lead from unit to unit: those of weights, and
plain ones, without a weight, where values are added, multiplied, concatenated or mixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from lth_utils.connectivity.states import ACTIVE, INACTIVE, ZOMBIE

CHUNK = 2_000_000
"""Edges handed to scipy at once, so that dense layers of millions of weights need little memory."""


@dataclass(frozen=True)
class Group:
    """Units that one operation makes.

    Attributes:
        name: the module, such as ``layer1.0.conv1``, or the operation's own name.
        kind: ``input``, ``linear``, ``conv2d``, ``lstm``, ``add``, ``mixed`` or another operation.
        start, count: its units are ``start`` to ``start + count - 1``.
    """

    name: str
    kind: str
    start: int
    count: int

    @property
    def units(self) -> range:
        """The numbers of its units."""
        return range(self.start, self.start + self.count)


@dataclass(frozen=True)
class WeightLink:
    """The weights of one use of a parameter, between units.

    Attributes:
        weight: name of the parameter in the model.
        path: the module that uses it.
        sources: int64 ``[G, I]``, G blocks of a grouped convolution, otherwise 1.
        targets: int64 ``[G, O]``.
        states: uint8 ``[G, O, I]``, of several weights between two units the state of the
            liveliest: active, else zombie, else inactive, else pruned.
    """

    weight: str
    path: str
    sources: np.ndarray
    targets: np.ndarray
    states: np.ndarray

    def edges(self, active: bool = True) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Sources and targets of its active (else: available) weights, in pieces."""
        wanted = self.states == ACTIVE if active else self.states > 0
        _, n_targets, n_sources = wanted.shape
        rows = max(1, CHUNK // max(1, n_sources))
        for block, of_block in enumerate(wanted):
            for first in range(0, n_targets, rows):
                target, source = np.nonzero(of_block[first : first + rows])
                yield self.sources[block, source], self.targets[block, first + target]


@dataclass(frozen=True)
class PlainLink:
    """Links without weights: int64 ``[P]`` sources and targets, and bool ``[P]`` active."""

    path: str
    sources: np.ndarray
    targets: np.ndarray
    is_active: np.ndarray

    def edges(self, active: bool = True) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Sources and targets, of the active links or of all."""
        if active:
            yield self.sources[self.is_active], self.targets[self.is_active]
        else:
            yield self.sources, self.targets


@dataclass(frozen=True)
class ModelGraph:
    """Units, links and states of one model.

    Attributes:
        groups: of units, in the order of the forward pass.
        links: in the same order.
        unit_states: uint8 ``[U]``: active, inactive (leads to no output) or zombie (leads to an
            output, no input arrives).
        weight_states: by the parameter's name uint8 of its shape, on the CPU.
        layers: by the parameter's name the module, and the kind of operation, that uses it.
        inputs: int64 ``[I]``, the units of the example.
        outputs: int64 ``[O]``, the units of what the model returns.
        elements: int64, the unit of each value of one example, flattened.
        notes: what a reader should know, in words.
    """

    groups: list[Group]
    links: list[WeightLink | PlainLink]
    unit_states: np.ndarray
    weight_states: dict[str, np.ndarray]
    layers: dict[str, tuple[str, str]]
    inputs: np.ndarray
    outputs: np.ndarray
    elements: np.ndarray
    notes: list[str] = field(default_factory=list)

    def edges(self, active: bool = True) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Sources and targets of all links, in pieces; active ones, else all not pruned."""
        for link in self.links:
            yield from link.edges(active)

    def labels(self, shared: Sequence[int] = ()) -> np.ndarray:
        """Subnetwork of each unit: the weakly connected component of active links it lies in.

        Args:
            shared: units of the input that join nothing, as if each had a copy for every target.

        Returns:
            int64 ``[U]``: -1 outside the active graph and for shared units, else numbers from 0 in
            the order of the smallest input; with shared inputs, of the smallest output.
        """
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        n = len(self.unit_states)
        labels, apart = np.arange(n), np.zeros(n, bool)
        apart[np.asarray(shared, int)] = True
        live = (self.unit_states == ACTIVE) & ~apart
        for sources, targets in self.edges():
            own = live[sources] & live[targets]
            a, b = labels[sources[own]], labels[targets[own]]
            pairs = coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(n, n))
            labels = connected_components(pairs, directed=False)[1][labels]
        first = np.full(n, 2 * n)
        order = np.arange(n, 2 * n)
        ends = self.outputs if len(shared) else self.inputs
        order[ends] = np.arange(len(ends))
        np.minimum.at(first, labels[live], order[live])
        rank = np.full(n, -1)
        used = np.flatnonzero(first < 2 * n)
        rank[used[np.argsort(first[used], kind="stable")]] = np.arange(len(used))
        return np.where(live, rank[labels], -1)

    def reach(self, groups: Sequence[Sequence[int]] | None = None) -> np.ndarray:
        """Which inputs reach which outputs over active links.

        Args:
            groups: positions in `outputs` that count as one column; each output alone if None.

        Returns:
            bool ``[I, C]``.
        """
        columns = [[k] for k in range(len(self.outputs))] if groups is None else groups
        leads = np.zeros((len(self.unit_states), len(columns)), bool)
        for k, positions in enumerate(columns):
            leads[self.outputs[list(positions)], k] = True
        leads &= (self.unit_states == ACTIVE)[:, None]
        while True:  # once, and again only where a recurrent layer leads back to itself
            before = leads.sum()
            for link in reversed(self.links):
                _backwards(link, leads)
            if leads.sum() == before:
                return leads[self.inputs]


def _backwards(link: WeightLink | PlainLink, leads: np.ndarray):
    """Add to each source where its targets lead."""
    if isinstance(link, PlainLink):
        for sources, targets in link.edges():
            _add_rows(leads, sources, leads[targets])
        return
    for block, states in enumerate(link.states):
        of_targets = leads[link.targets[block]].astype(np.float32)
        found = (states == ACTIVE).T.astype(np.float32) @ of_targets
        _add_rows(leads, link.sources[block], found > 0)


def _add_rows(table: np.ndarray, rows: np.ndarray, found: np.ndarray):
    """``table[rows] |= found`` where a row may come several times; -1 is none."""
    order = np.argsort(rows, kind="stable")
    order = order[np.searchsorted(rows[order], 0) :]
    if len(order):
        which, first = np.unique(rows[order], return_index=True)
        table[which] |= np.logical_or.reduceat(found[order], first, axis=0)


def state_of_units(live: np.ndarray, leads: np.ndarray) -> np.ndarray:
    """uint8 states of units: whether inputs arrive where they lead on, and whether they do."""
    return np.where(live, ACTIVE, np.where(leads, ZOMBIE, INACTIVE)).astype(np.uint8)
