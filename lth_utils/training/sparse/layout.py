"""How the sparse engine lays a member out in memory."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lth_utils.config import TrainSpec
from lth_utils.data import Dataset
from lth_utils.training.compact import parameter_index
from lth_utils.training.sparse.vectors import LANES, ROWS, WIDTH

PANEL = 4096  # weights whose gradients are collected before Adam takes them

TILE_SHARE = 0.55  # tiles where more than this share of their slots would be in use (measured)


# The network


class Net(NamedTuple):
    """A member's structure and parameters; structure is int64 unless said otherwise.

    unit: the first unit of each unit layer, and one past the last; count: units in each, without
    the constant one that follows and the padding.  stride: per layer, 0 where it is stored as
    edges; at: its first weight.  begin, end: the edges of each row, which are weights too; source:
    int32, per weight.  out: the first outgoing edge of each unit; target: int32, the rows they lead
    to; edge: int32, which weights they are.  panel: ``[panels, 5]``, the first and last row, the
    first and last weight, the layer where it is a tile, else -1.  keep: bool per weight, False where
    a slot is pruned or padding.  m, v: Adam's moments per weight.
    """

    unit: np.ndarray
    count: np.ndarray
    stride: np.ndarray
    at: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    source: np.ndarray
    out: np.ndarray
    target: np.ndarray
    edge: np.ndarray
    panel: np.ndarray
    keep: np.ndarray
    weight: np.ndarray
    m: np.ndarray
    v: np.ndarray


def _aligned(*shape, dtype=np.float32) -> np.ndarray:
    """Zeros that start on a cache line, so that no vector straddles two."""
    size = math.prod(map(int, shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + 64, dtype=np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


def _up(n: int, step: int) -> int:
    return -(-n // step) * step


def _build(flat: np.ndarray, mask: np.ndarray, shape) -> tuple[Net, np.ndarray]:
    """A member's :class:`Net`, and where its weights live in `flat`, -1 where nowhere."""
    homes = parameter_index(mask, shape)
    count = np.array([shape[0], *(len(h) for h in homes)])
    unit = np.cumsum([0, *(_up(n + 1, ROWS) for n in count)])
    begin, end = np.zeros(unit[-1], np.int64), np.zeros(unit[-1], np.int64)
    stride, at, panels, where, sources, rows, ones, total = [], [], [], [], [], [], [], 0

    def panel(home, source, row, first, last, layer):
        nonlocal total
        fill = _up(len(home), WIDTH) - len(home)
        for whole, new in ((where, home), (sources, source), (rows, row)):
            whole.append(np.pad(new, (0, fill), constant_values=-1))
        panels.append((first, last, total, total + len(home) + fill, layer))
        total += len(home) + fill

    for n, home in enumerate(homes):
        slots = (_up(len(home), ROWS) + 8) * _up(home.shape[1], LANES)  # 8 rows: what _flip costs
        tiled = (home >= 0).sum() > TILE_SHARE * slots
        stride.append(_up(home.shape[1], LANES) if tiled else 0)
        at.append(total)
        first = unit[n + 1]
        if tiled:
            block = np.full((unit[n + 2] - first, stride[n]), -1)
            block[: home.shape[0], : home.shape[1]] = home
            ones.append(
                total + home.shape[0] * stride[n] + home.shape[1] - 1
            )  # the constant unit leads to the next one
            step = ROWS * max(1, PANEL // (ROWS * stride[n]))
            for r in range(0, len(block), step):
                part = block[r : r + step].ravel()
                nothing = np.full(len(part), -1)
                panel(part, nothing, nothing, first + r, first + min(r + step, len(block)), n)
            continue
        o, i = np.nonzero(home >= 0)
        ends = np.cumsum((home >= 0).sum(1))
        begins, r = np.concatenate([[0], ends[:-1]]), 0
        while r < len(home):
            last = max(r + 1, int(np.searchsorted(ends, begins[r] + PANEL, "right")))
            part = slice(begins[r], ends[last - 1])
            begin[first + r : first + last] = begins[r:last] - begins[r] + total
            end[first + r : first + last] = ends[r:last] - begins[r] + total
            panel(
                home[o[part], i[part]],
                unit[n] + i[part],
                first + o[part],
                first + r,
                first + last,
                -1,
            )
            r = last

    where, source, row = np.concatenate(where), np.concatenate(sources), np.concatenate(rows)
    edges = np.flatnonzero(row >= 0)
    edges = edges[np.argsort(source[edges], kind="stable")]
    out = np.concatenate([[0], np.cumsum(np.bincount(source[edges], minlength=unit[-1]))])
    weight, keep = _aligned(total), where >= 0
    weight[keep], weight[ones] = flat[where[keep]], 1
    return Net(
        unit,
        count,
        np.array(stride),
        np.array(at),
        begin,
        end,
        source.astype(np.int32),
        out,
        row[edges].astype(np.int32),
        edges.astype(np.int32),
        np.array(panels),
        keep,
        weight,
        _aligned(total),
        _aligned(total),
    ), where


class Workspace(NamedTuple):
    """Working space: y ``[O, LANES]``; p, top, excess: see :func:`_softmax`; product ``[K, LANES]``; gradient, flipped: see :func:`_update`."""

    y: np.ndarray
    p: np.ndarray
    top: np.ndarray
    excess: np.ndarray
    product: np.ndarray
    gradient: np.ndarray
    flipped: np.ndarray


def _one_hot(labels: np.ndarray, tasks) -> np.ndarray:
    """Targets per output, float32 ``[B, O]``: the label itself for a single output."""
    columns = [
        labels[:, k, None] == (np.arange(len(t.outputs)) if len(t.outputs) > 1 else 1)
        for k, t in enumerate(tasks)
    ]
    hot = np.empty((len(labels), sum(len(t.outputs) for t in tasks)), np.float32)
    for task, column in zip(tasks, columns, strict=True):
        hot[:, task.outputs.start : task.outputs.stop] = column
    return hot


def prepare(flat: np.ndarray, mask: np.ndarray, shape, data: Dataset, spec: TrainSpec):
    """What :func:`_epochs` takes before and after `orders`, the member's :class:`Net` and its weights' places in `flat`."""
    net, home = _build(flat, mask, shape)
    tasks = np.array([(t.outputs.start, t.outputs.stop) for t in data.tasks])
    blocks = _up(min(spec.batch_size, len(data.x_train)), LANES) // LANES
    units = net.unit[-1] + LANES  # _flip reads whole vectors of units
    h, delta = _aligned(blocks, units, LANES), _aligned(blocks, units, LANES)
    h[:, net.unit[:-1] + net.count] = 1
    wide = {"dtype": np.float64}
    room = Workspace(
        _aligned(shape[-1], LANES),
        _aligned(shape[-1], LANES, **wide),
        _aligned(LANES, **wide),
        _aligned(LANES, **wide),
        _aligned(len(tasks), LANES, **wide),
        _aligned(int((net.panel[:, 3] - net.panel[:, 2]).max())),
        _aligned(blocks, LANES * int(net.stride.max())),
    )
    fixed = (
        net,
        tasks,
        1.0 / len(tasks) if spec.loss == "mean" else 1.0,
        np.ascontiguousarray(data.x_train),
        _one_hot(data.y_train, data.tasks),
        np.ascontiguousarray(data.x_test),
        _one_hot(data.y_test, data.tasks),
        spec.lr,
        np.float32(spec.weight_decay),
        spec.batch_size,
        spec.patience,
        spec.record,
    )
    return fixed, (h, delta, room), net, home
