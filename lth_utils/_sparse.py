"""The CPU engine behind ``population.train``: one member at a time, at a cost per unpruned weight.

Semantics are those of ``_dense``; sums run in another order, so the two agree to rounding.  A
member's whole training runs in compiled calls that release the GIL: callers train several members
at once with one thread each, and no result depends on how many there are.

Layout.  The *units* of all layers, inputs first, are numbered through; activations and their
gradients are ``[units, LANES]`` with the batch contiguous, so a weight is one multiply-add over
LANES examples.  A batch fills blocks of LANES; the lanes it leaves empty have zero gradient.
A layer's weights are stored in one of two ways:

    edges   only the unpruned ones, sorted by destination (*row*), and an index by source beside it
    tiles   a padded matrix ``[O, stride]``, for layers dense enough that its slots cost less

A bias is the weight from a constant unit, one, that follows each layer's others.

Parameters that no gradient reaches, those of units without a path to an output, are left out; that
changes nothing, since Adam never moves them (weight decay does: see ``_decayed``).  Units that no
input reaches stay: their bias trains.

Where the time goes.  Per edge and block: forward and backward are LANES multiply-adds each on
rows that sit in a near cache, and so is the weight's gradient, plus the sum over its lanes; Adam
follows a *panel* at a time, while the panel's gradients are in the nearest cache.  LLVM does not
keep sums over a loop's lanes in registers by itself, so three loops are written as vector code.
"""
from __future__ import annotations

import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import NamedTuple

import numpy as np
import torch
from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from torch import Tensor

from lth_utils._dense import Cancelled, homes_of
from lth_utils.config import TrainSpec, rng
from lth_utils.data import Dataset

LANES, WIDTH, ROWS = 64, 16, 6  # examples per block, floats per vector, rows per tile
PANEL = 4096  # weights whose gradients are collected before Adam takes them
TILE_SHARE = 0.55  # tiles where more than this share of their slots would be in use (measured)
CHUNK = 0.3  # seconds in compiled code, about, before Python may handle an interrupt

IN_FLIGHT = os.cpu_count() or 1  # members share no work: each run gets a thread, and nobody waits

BETA1, BETA2, EPS = (np.float32(c) for c in (0.9, 0.999, 1e-8))
NEW1, NEW2 = np.float32(1 - 0.9), np.float32(1 - 0.999)


# Vector code.  The loops' arguments are arrays and flat positions in them.

_VECTOR, _INT = ir.VectorType(ir.FloatType(), WIDTH), ir.IntType(64)
# registers: 32 of 16 floats with AVX-512, else about 16 of 8; sums that do not fit are done in turns
_WIDE = bool(binding.get_host_cpu_features().get("avx512f"))


class _Code:
    """Emits the operations that the loops are made of, for the arguments of one intrinsic."""

    def __init__(self, context, builder, signature, values):
        self.b, self.context = builder, context
        self.fma = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), f"llvm.fmuladd.v{WIDTH}f32")
        self.arguments = [context.make_array(t)(context, builder, v).data if isinstance(t, types.Array)
                          else None if isinstance(t, types.NoneType) else v
                          for t, v in zip(signature.args, values, strict=True)]

    def at(self, array, index, lane: int = 0):
        return self.b.gep(array, [self.b.add(index, _INT(lane))])

    def index(self, array, position):
        value = self.b.load(self.at(array, position))
        return value if value.type == _INT else self.b.sext(value, _INT)

    def load(self, array, index, lane: int = 0):
        return self.b.load(self.b.bitcast(self.at(array, index, lane), _VECTOR.as_pointer()), align=4)

    def store(self, vector, array, index, lane: int = 0):
        self.b.store(vector, self.b.bitcast(self.at(array, index, lane), vector.type.as_pointer()), align=4)

    def splat(self, scalar):
        one = self.b.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, ir.IntType(32)(0))
        return self.shuffle(one, one, [0] * WIDTH)

    def shuffle(self, a, c, order):
        return self.b.shuffle_vector(a, c, ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order))

    def fold(self, a, c, segment: int):
        """Half as many lanes: the two halves of each `segment` of a, and then of c, added (c None: of a only)."""
        lanes = range(a.type.count * (1 if c is None else 2))
        low, high = ([i for i in lanes if (i % segment < segment // 2) == first] for first in (True, False))
        return self.b.fadd(self.shuffle(a, a if c is None else c, low), self.shuffle(a, a if c is None else c, high))

    def sums(self, start):
        """Registers that hold `start`, a list of vectors."""
        cells = [cgutils.alloca_once(self.b, _VECTOR) for _ in start]
        for cell, value in zip(cells, start, strict=True):
            self.b.store(value, cell)
        return cells

    def add(self, cell, a, c):
        self.b.store(self.b.call(self.fma, [a, c, self.b.load(cell)]), cell)

    def loop(self, begin, end, step: int = 1):
        return cgutils.for_range_slice(self.b, begin, end, _INT(step), _INT)


@intrinsic
def _weighted_sum(typingctx, out, row, low, gate, weights, which, begin, end, sources, h):
    """``out[row] = max(low, sum of weights[which[e]] * h[sources[e]])`` over e in [begin, end).

    gate: zero where ``gate[row]`` is not positive, unless None; which: None for weights[e].  A sum
    that is not a number stays so.
    """
    signature = types.void(*map(types.unliteral, (out, row, low, gate, weights, which, begin, end, sources, h)))

    def generate(context, builder, signature, values):
        c = _Code(context, builder, signature, values)
        out, row, low, gate, weights, which, begin, end, sources, h = c.arguments
        per = LANES if _WIDE else LANES // 2
        low, place = c.splat(low), builder.mul(row, _INT(LANES))
        for lane in range(0, LANES, per):
            def add(cells, e, lane=lane):
                w = c.splat(builder.load(c.at(weights, e if which is None else c.index(which, e))))
                base = builder.mul(c.index(sources, e), _INT(LANES))
                for n, cell in enumerate(cells):
                    c.add(cell, w, c.load(h, base, lane + n * WIDTH))

            # two sums per lane, of even and odd edges: multiply-adds need not wait for each other
            zeros = [ir.Constant(_VECTOR, [0.0] * WIDTH)] * (per // WIDTH)
            even, odd = c.sums(zeros), c.sums(zeros)
            with c.loop(begin, builder.sub(end, _INT(1)), 2) as (e, _):
                add(even, e)
                add(odd, builder.add(e, _INT(1)))
            with builder.if_then(builder.trunc(builder.sub(end, begin), ir.IntType(1))):
                add(even, builder.sub(end, _INT(1)))
            for n, (a, d) in enumerate(zip(even, odd, strict=True)):
                total = builder.fadd(builder.load(a), builder.load(d))
                total = builder.select(builder.fcmp_ordered("<", total, low), low, total)
                if gate is not None:
                    active = builder.fcmp_ordered(">", c.load(gate, place, lane + n * WIDTH), zeros[0])
                    total = builder.select(active, total, zeros[0])
                c.store(total, out, place, lane + n * WIDTH)
        return context.get_dummy_value()
    return signature, generate


@intrinsic
def _dots(typingctx, gradient, at, begin, end, sources, delta, row, h):
    """``gradient[at + e - begin] += delta[row] . h[sources[e]]`` for e in [begin, end)."""
    signature = types.void(*map(types.unliteral, (gradient, at, begin, end, sources, delta, row, h)))

    def generate(context, builder, signature, values):
        c = _Code(context, builder, signature, values)
        gradient, at, begin, end, sources, delta, row, h = c.arguments
        d = [c.load(delta, builder.mul(row, _INT(LANES)), lane) for lane in range(0, LANES, WIDTH)]

        def product(e):
            base = builder.mul(c.index(sources, e), _INT(LANES))
            total = builder.fmul(d[0], c.load(h, base))
            for n in range(1, len(d)):
                total = builder.call(c.fma, [d[n], c.load(h, base, n * WIDTH), total])
            return total

        def grow(sums, e):
            place = builder.add(at, builder.sub(e, begin))
            pointer = builder.bitcast(c.at(gradient, place), sums.type.as_pointer())
            builder.store(builder.fadd(builder.load(pointer, align=4), sums), pointer, align=4)

        # four edges share the additions across lanes
        rest = builder.add(begin, builder.and_(builder.sub(end, begin), _INT(-4)))
        with c.loop(begin, rest, 4) as (e, _):
            one, two, three, four = (product(builder.add(e, _INT(n))) for n in range(4))
            grow(c.fold(c.fold(c.fold(c.fold(one, two, 16), c.fold(three, four, 16), 8), None, 4), None, 2), e)
        with c.loop(rest, end) as (e, _):
            total = product(e)
            while total.type.count > 1:
                total = c.fold(total, None, total.type.count)
            grow(total, e)
        return context.get_dummy_value()
    return signature, generate


@intrinsic
def _tile(typingctx, out, at, out_step, weights, first, row_step, step, h, h_at, h_step, count):
    """``out[at + r * out_step :][:LANES] += sum of weights[first + r * row_step + k * step] * h[h_at + k * h_step :][:LANES]``

    over k < count, for the rows r < ROWS.
    """
    signature = types.void(*map(types.unliteral, (out, at, out_step, weights, first, row_step, step, h, h_at, h_step, count)))

    def generate(context, builder, signature, values):
        c = _Code(context, builder, signature, values)
        out, at, out_step, weights, first, row_step, step, h, h_at, h_step, count = c.arguments
        per = LANES if _WIDE else WIDTH
        for part in range(0, LANES, per):
            lanes = range(part, part + per, WIDTH)
            rows = [builder.add(at, builder.mul(out_step, _INT(r))) for r in range(ROWS)]
            cells = [c.sums([c.load(out, row, lane) for lane in lanes]) for row in rows]
            with c.loop(_INT(0), count) as (k, _):
                vectors = [c.load(h, builder.add(h_at, builder.mul(k, h_step)), lane) for lane in lanes]
                place = builder.add(first, builder.mul(k, step))
                for r in range(ROWS):
                    w = c.splat(builder.load(c.at(weights, builder.add(place, builder.mul(row_step, _INT(r))))))
                    for cell, vector in zip(cells[r], vectors, strict=True):
                        c.add(cell, w, vector)
            for row, sums in zip(rows, cells, strict=True):
                for lane, cell in zip(lanes, sums, strict=True):
                    c.store(builder.load(cell), out, row, lane)
        return context.get_dummy_value()
    return signature, generate


# The network


class _Net(NamedTuple):
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


def _build(flat: np.ndarray, mask: np.ndarray, shape) -> tuple[_Net, np.ndarray]:
    """A member's :class:`_Net`, and where its weights live in `flat`, -1 where nowhere."""
    homes = homes_of(mask, shape)
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
            ones.append(total + home.shape[0] * stride[n] + home.shape[1] - 1)  # the constant unit leads to the next one
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
            panel(home[o[part], i[part]], unit[n] + i[part], first + o[part], first + r, first + last, -1)
            r = last

    where, source, row = np.concatenate(where), np.concatenate(sources), np.concatenate(rows)
    edges = np.flatnonzero(row >= 0)
    edges = edges[np.argsort(source[edges], kind="stable")]
    out = np.concatenate([[0], np.cumsum(np.bincount(source[edges], minlength=unit[-1]))])
    weight, keep = _aligned(total), where >= 0
    weight[keep], weight[ones] = flat[where[keep]], 1
    return _Net(unit, count, np.array(stride), np.array(at), begin, end, source.astype(np.int32), out,
                row[edges].astype(np.int32), edges.astype(np.int32), np.array(panels), keep,
                weight, _aligned(total), _aligned(total)), where


# The compiled loops


def _compiled(function):
    """Compiled at the first call and kept on disk; without numba's checks for division by zero, which hinder vector code."""
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # no directory that numba may keep it in: see NUMBA_CACHE_DIR
        return njit(**options)(function)



@_compiled
def _forward(net, h):
    """All activations from those of the inputs; the outputs' are the logits."""
    layers = len(net.stride)
    for n in range(layers):
        low = np.float32(-np.inf) if n == layers - 1 else np.float32(0)
        first, stride = net.unit[n + 1], net.stride[n]
        if not stride:
            for row in range(first, first + net.count[n + 1]):
                _weighted_sum(h, row, low, None, net.weight, None, net.begin[row], net.end[row], net.source, h)
            continue
        h[first : net.unit[n + 2]] = 0
        for row in range(first, net.unit[n + 2], ROWS):
            _tile(h, row * LANES, LANES, net.weight, net.at[n] + (row - first) * stride, stride, 1,
                  h, net.unit[n] * LANES, LANES, net.count[n] + 1)
            for r in range(row, row + ROWS):
                for lane in range(LANES):
                    h[r, lane] = low if h[r, lane] < low else h[r, lane]


@_compiled
def _backward(net, h, delta):
    """All hidden units' gradients from those of the logits."""
    for n in range(len(net.stride) - 1, 0, -1):
        first, last, stride = net.unit[n], net.unit[n + 1], net.stride[n]
        if not stride:
            for row in range(first, first + net.count[n]):
                _weighted_sum(delta, row, np.float32(-np.inf), h, net.weight, net.edge,
                              net.out[row], net.out[row + 1], net.target, delta)
            continue
        delta[first:last] = 0
        for row in range(first, last, ROWS):
            _tile(delta, row * LANES, LANES, net.weight, net.at[n] + row - first, 1, stride,
                  delta, last * LANES, LANES, net.count[n + 1])
            for r in range(row, row + ROWS):
                for lane in range(LANES):
                    delta[r, lane] = delta[r, lane] if h[r, lane] > 0 else np.float32(0)


@_compiled
def _adam(w, m, v, g, keep, decay, rate, root):
    """Adam as torch does it: `rate` is lr over the first bias correction, `root` one over the square root of the second."""
    for i in range(len(w)):
        gradient = g[i] + decay * w[i] if keep[i] else np.float32(0)
        m[i] += NEW1 * (gradient - m[i])
        v[i] = BETA2 * v[i] + NEW2 * gradient * gradient
        w[i] -= rate * m[i] / (np.sqrt(v[i]) * root + EPS)


@_compiled
def _flip(net, layer, h, out):
    """A layer's inputs with examples as rows, ``[LANES, stride]``, so that the weights are the contiguous side.

    What it finds beyond the layer's units fills padding, whose gradients Adam leaves out.
    """
    first, stride = net.unit[layer], net.stride[layer]
    for i in range(0, stride, WIDTH):  # as many rows as stay in the nearest cache
        for lane in range(LANES):
            for k in range(WIDTH):
                out[lane * stride + i + k] = h[first + i + k, lane]


@_compiled
def _update(net, h, delta, gradient, flipped, decay, rate, root):
    """One Adam step from the activations and their gradients, both ``[blocks, units, LANES]``."""
    blocks, there = len(h), -1
    for p in range(len(net.panel)):
        first, last, begin, end, layer = net.panel[p]
        g = gradient[: end - begin]
        g[:] = 0
        for block in range(blocks):
            if layer < 0:
                for row in range(first, last):
                    _dots(g, net.begin[row] - begin, net.begin[row], net.end[row], net.source, delta[block], row, h[block])
                continue
            stride = net.stride[layer]
            if layer != there:
                _flip(net, layer, h[block], flipped[block])
            for row in range(first, last, ROWS):
                for i in range(0, stride, LANES):
                    _tile(g, (row - first) * stride + i, stride, delta[block], row * LANES, LANES, 1,
                          flipped[block], i, stride, LANES)
        there = layer
        _adam(net.weight[begin:end], net.m[begin:end], net.v[begin:end], g, net.keep[begin:end], decay, rate, root)


@_compiled
def _corrections(lr, steps):
    """What :func:`_adam` takes at the step of this number, from 1."""
    return np.float32(lr / (1 - 0.9 ** steps)), np.float32(1 / math.sqrt(1 - 0.999 ** steps))


@_compiled
def _decayed(w, decay, lr, steps):
    """Parameters that no gradient reaches, after so many steps of Adam on their weight decay; `w` is used up."""
    m, v, nothing, keep = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w), np.ones(len(w), np.bool_)
    for step in range(1, steps + 1):
        rate, root = _corrections(lr, step)
        _adam(w, m, v, nothing, keep, decay, rate, root)
    return w


_SERIES = tuple(1 / math.factorial(n) for n in range(13, -1, -1))


@_compiled
def _exp(x):
    """exp of x <= 0, to the last bit or two of float64, in a form that compiles to vector code."""
    x = -700.0 if x < -700.0 else x
    k = np.floor(x * 1.4426950408889634 + 0.5)
    x = (x - k * 0.6931471803691238) - k * 1.9082149292705877e-10
    series = 0.0
    for coefficient in _SERIES:
        series = series * x + coefficient
    return series * np.int64((np.int64(k) + 1023) << 52).view(np.float64)


@_compiled
def _softmax(z, p, top, excess):
    """Probabilities p of one task's logits z, both ``[outputs, LANES]``, in float64.

    The logarithm of the normaliser is ``top + log1p(excess)``.  A single (sigmoid) output is the
    second of two, the first being zero.
    """
    if len(z) == 1:
        for lane in range(LANES):
            excess[lane] = _exp(-abs(np.float64(z[0, lane])))
            top[lane] = max(np.float64(z[0, lane]), 0.0)
            p[0, lane] = (1.0 if z[0, lane] > 0 else excess[lane]) / (1.0 + excess[lane])
        return
    top[:] = z[0]
    for o in range(1, len(z)):
        for lane in range(LANES):
            top[lane] = max(top[lane], np.float64(z[o, lane]))
    excess[:] = 0
    for o in range(len(z)):
        for lane in range(LANES):
            p[o, lane] = _exp(z[o, lane] - top[lane])
            excess[lane] += p[o, lane]
    for o in range(len(z)):
        for lane in range(LANES):
            p[o, lane] /= excess[lane]
    for lane in range(LANES):
        excess[lane] -= 1.0


@_compiled
def _surprise(total, z, y, top, lanes):
    """`total` plus one task's loss on one block, summed over its lanes, but for the ``log1p(excess)`` of :func:`_softmax`."""
    for lane in range(lanes):
        total += top[lane]
    for o in range(len(z)):
        for lane in range(lanes):
            total -= y[o, lane] * np.float64(z[o, lane])
    return total


@_compiled
def _right(z, y, lanes):
    """How many of a block's examples one task's logits classify as their labels say; both ``[outputs, LANES]``."""
    right = 0
    for lane in range(lanes):
        best = 0
        for o in range(1, len(z)):
            best = o if z[o, lane] > z[best, lane] else best
        right += (z[0, lane] > 0) == (y[0, lane] > 0) if len(z) == 1 else y[best, lane] > 0
    return right


@_compiled
def _load(rows, order, first, out):
    """``out[i, lane] = rows[order[first + lane], i]``, as many as there are; returns how many."""
    lanes = min(LANES, len(order) - first)
    for lane in range(lanes):
        example = order[first + lane]
        for i in range(rows.shape[1]):
            out[i, lane] = rows[example, i]
    return lanes


@_compiled
def _step(net, tasks, weight, x, y, batch, h, delta, room, record):
    """Activations and gradients of one batch; y: one-hot ``[B, O]``; returns the blocks it fills, and its summed loss if asked for."""
    outputs, met = net.unit[-2], 0.0
    for block in range((len(batch) + LANES - 1) // LANES):
        lanes = _load(x, batch, block * LANES, h[block])
        _load(y, batch, block * LANES, room.y)
        _forward(net, h[block])
        for k in range(len(tasks)):
            a, z = tasks[k]
            _softmax(h[block, outputs + a : outputs + z], room.p, room.top, room.excess)
            if record:
                met = _surprise(met, h[block, outputs + a : outputs + z], room.y[a:z], room.top, lanes)
                for lane in range(lanes):
                    met += np.log1p(room.excess[lane])
            for o in range(a, z):
                for lane in range(LANES):
                    delta[block, outputs + o, lane] = (room.p[o - a, lane] - room.y[o, lane]) * (weight / len(batch))
                delta[block, outputs + o, lanes:] = 0
        _backward(net, h[block], delta[block])
    return (len(batch) + LANES - 1) // LANES, met * weight


@_compiled
def _loss(net, tasks, weight, x, y, order, h, room, record):
    """The loss on the examples of `order` and, if asked for, the accuracy averaged over the tasks."""
    total, right, blocks, outputs = 0.0, 0, (len(order) + LANES - 1) // LANES, net.unit[-2]
    room.product[:] = 0
    for block in range(blocks):
        lanes = _load(x, order, block * LANES, h)
        _load(y, order, block * LANES, room.y)
        _forward(net, h)
        for k in range(len(tasks)):
            a, z = tasks[k]
            _softmax(h[outputs + a : outputs + z], room.p, room.top, room.excess)
            total = _surprise(total, h[outputs + a : outputs + z], room.y[a:z], room.top, lanes)
            for lane in range(lanes):      # a logarithm costs more than the rest: take that of a product of many, minus one
                room.product[k, lane] += room.excess[lane] * (1 + room.product[k, lane])
            if record:
                right += _right(h[outputs + a : outputs + z], room.y[a:z], lanes)
        if block % 32 == 31 or block == blocks - 1:
            for k in range(len(tasks)):
                for lane in range(LANES):
                    total += np.log1p(room.product[k, lane])
            room.product[:] = 0
    return total / len(order) * weight, right / (len(order) * len(tasks)) if record else np.nan


class _Room(NamedTuple):
    """Working space: y ``[O, LANES]``; p, top, excess: see :func:`_softmax`; product ``[K, LANES]``; gradient, flipped: see :func:`_update`."""
    y: np.ndarray
    p: np.ndarray
    top: np.ndarray
    excess: np.ndarray
    product: np.ndarray
    gradient: np.ndarray
    flipped: np.ndarray


@_compiled
def _epochs(net, tasks, weight, x, y, x_test, y_test, lr, decay, size, patience, record, orders, h, delta, room, state, curve):
    """Train for at most as many epochs as there are `orders`, ``[epochs, B]``; returns how many, and whether the member stopped.

    state: steps so far, epochs above the best loss, the best loss; curve: ``[epochs, 3]``, see ``_dense.train``.
    """
    everything = np.arange(len(x_test))
    for epoch in range(len(orders)):
        met = 0.0
        for start in range(0, len(x), size):
            blocks, added = _step(net, tasks, weight, x, y, orders[epoch, start : start + size], h, delta, room, record)
            state[0] += 1
            met += added
            rate, root = _corrections(lr, state[0])
            _update(net, h[:blocks], delta[:blocks], room.gradient, room.flipped, decay, rate, root)
        loss, right = _loss(net, tasks, weight, x_test, y_test, everything, h[0], room, record)
        curve[epoch] = loss, right, met / len(x) if record else np.nan
        if loss < state[2]:
            state[1], state[2] = 0, loss
        elif loss > state[2]:
            state[1] += 1
        if state[1] >= patience or not np.isfinite(loss):
            return epoch + 1, True
    return len(orders), False


def _one_hot(labels: np.ndarray, tasks) -> np.ndarray:
    """Targets per output, float32 ``[B, O]``: the label itself for a single output."""
    columns = [labels[:, k, None] == (np.arange(len(t.outputs)) if len(t.outputs) > 1 else 1) for k, t in enumerate(tasks)]
    hot = np.empty((len(labels), sum(len(t.outputs) for t in tasks)), np.float32)
    for task, column in zip(tasks, columns, strict=True):
        hot[:, task.outputs.start : task.outputs.stop] = column
    return hot


def prepare(flat: np.ndarray, mask: np.ndarray, shape, data: Dataset, spec: TrainSpec):
    """What :func:`_epochs` takes before and after `orders`, the member's :class:`_Net` and its weights' places in `flat`."""
    net, home = _build(flat, mask, shape)
    tasks = np.array([(t.outputs.start, t.outputs.stop) for t in data.tasks])
    blocks = _up(min(spec.batch_size, len(data.x_train)), LANES) // LANES
    units = net.unit[-1] + LANES  # _flip reads whole vectors of units
    h, delta = _aligned(blocks, units, LANES), _aligned(blocks, units, LANES)
    h[:, net.unit[:-1] + net.count] = 1
    wide = {"dtype": np.float64}
    room = _Room(_aligned(shape[-1], LANES), _aligned(shape[-1], LANES, **wide), _aligned(LANES, **wide), _aligned(LANES, **wide),
                 _aligned(len(tasks), LANES, **wide), _aligned(int((net.panel[:, 3] - net.panel[:, 2]).max())),
                 _aligned(blocks, LANES * int(net.stride.max())))
    fixed = (net, tasks, 1.0 / len(tasks) if spec.loss == "mean" else 1.0,
             np.ascontiguousarray(data.x_train), _one_hot(data.y_train, data.tasks),
             np.ascontiguousarray(data.x_test), _one_hot(data.y_test, data.tasks),
             spec.lr, np.float32(spec.weight_decay), spec.batch_size, spec.patience, spec.record)
    return fixed, (h, delta, room), net, home


def _member(flat: np.ndarray, mask: np.ndarray, shape, seed: int, data: Dataset, spec: TrainSpec,
            cancel: Event) -> tuple[np.ndarray, np.ndarray]:
    fixed, work, net, home = prepare(flat, mask, shape, data, spec)
    stream, state, curves, epochs, stopped, chunk = rng(seed, "batches"), np.array([0, 0, np.inf]), [], 0, False, 1
    while not stopped and epochs < spec.max_epochs:
        if cancel.is_set():
            raise Cancelled
        chunk = min(chunk, spec.max_epochs - epochs)
        orders, curve = np.stack([stream.permutation(len(data.x_train)) for _ in range(chunk)]), np.empty((chunk, 3))
        begun = time.perf_counter()
        done, stopped = _epochs(*fixed, orders, *work, state, curve)
        curves.append(curve[:done])
        epochs += done
        chunk = max(1, min(2 * chunk, int(chunk * CHUNK / (time.perf_counter() - begun))))
    trained, dead = flat.copy(), flat != 0
    if spec.weight_decay:
        dead[home[net.keep]] = False
        trained[dead] = _decayed(trained[dead], np.float32(spec.weight_decay), spec.lr, int(state[0]))
    trained[home[net.keep]] = net.weight[net.keep]
    return trained, np.concatenate(curves)


def train(flat: Tensor, mask: Tensor, shape, seeds, data: Dataset, spec: TrainSpec,
          cancel: Event | None = None) -> tuple[Tensor, list[np.ndarray]]:
    """Train members ``[M, P]`` on the CPU, as many at once as torch may use threads; see ``_dense.train``."""
    cancel = cancel or Event()
    jobs = list(zip(flat.numpy(), mask.numpy(), seeds, strict=True))
    if len(jobs) == 1:
        results = [_member(*jobs[0][:2], shape, jobs[0][2], data, spec, cancel)]
    else:
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            try:
                results = list(pool.map(lambda job: _member(*job[:2], shape, job[2], data, spec, cancel), jobs))
            except BaseException:
                cancel.set()
                raise
    return torch.from_numpy(np.stack([r[0] for r in results])), [r[1] for r in results]
