"""How the sparse engine lays a member out in memory.

The *units* of all layers, inputs first, are numbered consecutively. Activations and their
gradients are ``[units, LANES]`` with the examples contiguous, so that a weight is one multiply-add
over LANES examples. A batch fills blocks of LANES; the lanes it leaves empty have zero gradient.
A layer's weights are stored in one of two ways:

    edges   only the unpruned ones, sorted by destination (*row*), with an index by source
    tiles   a padded matrix ``[O, stride]``, for layers so dense that it costs less

A bias is the weight of a constant unit of value one that follows the others of each layer.

Parameters that no gradient reaches, those of units without a path to an output, are left out. That
changes nothing, since Adam never moves them (weight decay does: ``adam.decay_without_gradient``).
Units that receive no input stay: their bias is trained.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lth_utils.training.compact import parameter_index
from lth_utils.training.sparse.vectors import LANES, ROWS, WIDTH

PANEL, LARGE_PANEL = 4096, 65536
"""Weights whose gradients are collected before Adam takes them."""

NEAR_CACHE = 2**20
"""Bytes of a batch's activations beyond which each panel fetches them anew: panels are large then,
which takes a third off an epoch of images (measured)."""

TILE_SHARE = 0.55
"""A layer is stored as tiles where more than this share of their places is used (measured)."""

FLIP_ROWS = 8
"""Rows of a tile that cost as much as turning the layer's inputs."""


class Net(NamedTuple):
    """A member's structure and parameters; int64 unless said otherwise.

    Attributes:
        first_unit: ``[layers + 2]``, first unit of each layer of units, and one past the last.
        n_units: ``[layers + 1]``, units of each, without the constant one and the padding.
        stride: ``[layers]``, columns of the padded matrix; 0 where the layer is stored as edges.
        first_weight: ``[layers]``.
        begin: ``[units]``, first edge of each row. Edges are numbered as the weights are.
        end: ``[units]``, one past the last edge of each row.
        source: int32 ``[weights]``, unit that an edge comes from.
        out_begin: ``[units + 1]``, position in `target` and `edge` of a unit's first outgoing edge.
        target: int32 ``[edges]``, row that an outgoing edge leads to.
        edge: int32 ``[edges]``, number of an outgoing edge.
        panel: ``[panels, 5]``: first row, one past the last, first weight, one past the last, and
            the layer if it is stored as tiles, else -1.
        keep: bool ``[weights]``, False for pruned weights of tiles and for padding.
        weight: float32 ``[weights]``.
        m: float32 ``[weights]``, first moments of Adam.
        v: float32 ``[weights]``, second moments of Adam.
    """

    first_unit: np.ndarray
    n_units: np.ndarray
    stride: np.ndarray
    first_weight: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    source: np.ndarray
    out_begin: np.ndarray
    target: np.ndarray
    edge: np.ndarray
    panel: np.ndarray
    keep: np.ndarray
    weight: np.ndarray
    m: np.ndarray
    v: np.ndarray


def aligned_zeros(*shape: int, dtype: type = np.float32) -> np.ndarray:
    """Zeros that start on a cache line, so that no vector straddles two."""
    size = math.prod(map(int, shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + 64, dtype=np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


def round_up(n: int, step: int) -> int:
    """The next multiple of `step`."""
    return -(-n // step) * step


class _Weights:
    """The weights of a member, collected panel by panel.

    Attributes:
        index: per panel, where each weight is in the flat order, -1 where nowhere.
        source: per panel, the unit that each edge comes from, else -1.
        row: per panel, the unit that each edge leads to, else -1.
        begin, end, panels: see :class:`Net`.
        ones: positions of weights that are one and stay so.
        total: number of weights so far.

    Args:
        n_units: of all layers, with their padding.
        panel_size: about the number of weights of a panel.
    """

    def __init__(self, n_units: int, panel_size: int):
        self.panel_size = panel_size
        self.index, self.source, self.row = [], [], []
        self.begin = np.zeros(n_units, np.int64)
        self.end = np.zeros(n_units, np.int64)
        self.panels: list[tuple[int, ...]] = []
        self.ones: list[int] = []
        self.total = 0

    def _add_panel(self, index, source, row, rows: tuple[int, int], layer: int):
        """Add weights as one panel, padded to whole vectors."""
        fill = round_up(len(index), WIDTH) - len(index)
        for collected, new in ((self.index, index), (self.source, source), (self.row, row)):
            collected.append(np.pad(new, (0, fill), constant_values=-1))
        end = self.total + len(index) + fill
        self.panels.append((*rows, self.total, end, layer))
        self.total = end

    def add_tiles(self, index: np.ndarray, layer: int, rows: range, stride: int):
        """Add a layer as a padded matrix; index: see ``parameter_index``; rows: its units."""
        n_outputs, n_inputs = index.shape
        matrix = np.full((len(rows), stride), -1)
        matrix[:n_outputs, :n_inputs] = index
        # the constant unit leads to the next one
        self.ones.append(self.total + n_outputs * stride + n_inputs - 1)
        step = ROWS * max(1, self.panel_size // (ROWS * stride))
        for first in range(0, len(rows), step):
            part = matrix[first : first + step].ravel()
            no_edge = np.full(len(part), -1)
            panel_rows = rows[first : first + step]
            self._add_panel(part, no_edge, no_edge, (panel_rows.start, panel_rows.stop), layer)

    def add_edges(self, index: np.ndarray, first_row: int, first_source: int):
        """Add a layer as edges; index: see ``parameter_index``."""
        present = index >= 0
        outputs, inputs = np.nonzero(present)
        ends = np.cumsum(present.sum(1))
        begins = np.concatenate([[0], ends[:-1]])
        first = 0
        while first < len(index):
            fitting = int(np.searchsorted(ends, begins[first] + self.panel_size, "right"))
            last = max(first + 1, fitting)
            part = slice(begins[first], ends[last - 1])
            rows = slice(first_row + first, first_row + last)
            self.begin[rows] = begins[first:last] - begins[first] + self.total
            self.end[rows] = ends[first:last] - begins[first] + self.total
            self._add_panel(
                index[outputs[part], inputs[part]],
                first_source + inputs[part],
                first_row + outputs[part],
                rows=(rows.start, rows.stop),
                layer=-1,
            )
            first = last


def build(
    flat: np.ndarray, mask: np.ndarray, shape: tuple[int, ...], batch_size: int = LANES
) -> tuple[Net, np.ndarray]:
    """Lay a member out.

    Args:
        flat: parameters, float32 ``[P]``.
        mask: bool ``[W]``.
        shape: units per layer, inputs first.
        batch_size: number of examples of the largest batch; decides the time alone.

    Returns:
        The :class:`Net`, and where each of its weights is in `flat`, -1 where nowhere.
    """
    layers = parameter_index(mask, shape)
    n_units = np.array([shape[0], *map(len, layers)])
    first_unit = np.cumsum([0, *(round_up(n + 1, ROWS) for n in n_units)])
    activations = 4 * first_unit[-1] * round_up(batch_size, LANES)
    weights = _Weights(first_unit[-1], PANEL if activations <= NEAR_CACHE else LARGE_PANEL)
    strides, first_weights = [], []
    for n, index in enumerate(layers):
        first_weights.append(weights.total)
        stride = round_up(index.shape[1], LANES)
        places = (round_up(len(index), ROWS) + FLIP_ROWS) * stride
        if (index >= 0).sum() > TILE_SHARE * places:
            strides.append(stride)
            weights.add_tiles(index, n, range(first_unit[n + 1], first_unit[n + 2]), stride)
        else:
            strides.append(0)
            weights.add_edges(index, first_unit[n + 1], first_unit[n])

    index = np.concatenate(weights.index)
    source, row = np.concatenate(weights.source), np.concatenate(weights.row)
    edges = np.flatnonzero(row >= 0)
    edges = edges[np.argsort(source[edges], kind="stable")]
    n_outgoing = np.bincount(source[edges], minlength=first_unit[-1])
    keep = index >= 0
    weight = aligned_zeros(weights.total)
    weight[keep] = flat[index[keep]]
    weight[weights.ones] = 1
    net = Net(
        first_unit=first_unit,
        n_units=n_units,
        stride=np.array(strides),
        first_weight=np.array(first_weights),
        begin=weights.begin,
        end=weights.end,
        source=source.astype(np.int32),
        out_begin=np.concatenate([[0], np.cumsum(n_outgoing)]),
        target=row[edges].astype(np.int32),
        edge=edges.astype(np.int32),
        panel=np.array(weights.panels),
        keep=keep,
        weight=weight,
        m=aligned_zeros(weights.total),
        v=aligned_zeros(weights.total),
    )
    return net, index
