"""Vector code for the inner loops of the sparse engine.

LLVM does not keep sums over a loop's lanes in registers by itself, so three loops are written as
vector code. Their arguments are arrays, and flat positions in them.
"""

from __future__ import annotations

import functools

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from lth_utils.networks.compiled import compiled

LANES = 64
"""Examples per block."""

WIDTH = 16
"""Floats per vector."""

ROWS = 6
"""Rows per tile."""

_VECTOR = ir.VectorType(ir.FloatType(), WIDTH)
INT = ir.IntType(64)
_ZEROS = ir.Constant(_VECTOR, [0.0] * WIDTH)

# With AVX-512 there are 32 registers of 16 floats, else about 16 of 8. Where the sums of all lanes
# do not fit into the registers, they are computed in turns.
WIDE = bool(binding.get_host_cpu_features().get("avx512f"))

inlined = functools.partial(compiled, forceinline=True)
"""The same for a function that others call: a call counts all arrays of a member, 5 % of a step."""


class Emitter:
    """Emits the operations that the loops are made of, for the arguments of one intrinsic."""

    def __init__(self, context, builder, signature, values):
        self.context = context
        self.builder = builder
        self.multiply_add = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), f"llvm.fmuladd.v{WIDTH}f32"
        )
        pairs = zip(signature.args, values, strict=True)
        self.arguments = [self._argument(kind, value) for kind, value in pairs]

    def _argument(self, kind, value):
        """An array's data pointer, None for None, and scalars as they are."""
        if isinstance(kind, types.Array):
            return self.context.make_array(kind)(self.context, self.builder, value).data
        return None if isinstance(kind, types.NoneType) else value

    def at(self, array, index, lane: int = 0):
        """Pointer to the element `lane` places after `index`."""
        return self.builder.gep(array, [self.builder.add(index, INT(lane))])

    def load_index(self, array, position):
        """An integer element, as int64."""
        value = self.builder.load(self.at(array, position))
        return value if value.type == INT else self.builder.sext(value, INT)

    def load(self, array, index, lane: int = 0):
        """The vector that starts `lane` places after `index`."""
        pointer = self.builder.bitcast(self.at(array, index, lane), _VECTOR.as_pointer())
        return self.builder.load(pointer, align=4)

    def store(self, vector, array, index, lane: int = 0):
        """Write a vector to the place `lane` places after `index`."""
        pointer = self.builder.bitcast(self.at(array, index, lane), vector.type.as_pointer())
        self.builder.store(vector, pointer, align=4)

    def splat(self, scalar):
        """A vector of one value."""
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        one = self.builder.insert_element(undefined, scalar, ir.IntType(32)(0))
        return self.shuffle(one, one, [0] * WIDTH)

    def shuffle(self, a, b, order: list[int]):
        """The lanes `order` of `a` followed by `b`."""
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order)
        return self.builder.shuffle_vector(a, b, lanes)

    def fold(self, a, b, segment: int):
        """Add the two halves of each `segment` lanes of `a` and then of `b`, which may be None."""
        second = a if b is None else b
        lanes = range(a.type.count * (1 if b is None else 2))
        low = [lane for lane in lanes if lane % segment < segment // 2]
        high = [lane for lane in lanes if lane % segment >= segment // 2]
        return self.builder.fadd(self.shuffle(a, second, low), self.shuffle(a, second, high))

    def sums(self, start):
        """Registers that hold `start`, a list of vectors."""
        registers = [cgutils.alloca_once(self.builder, _VECTOR) for _ in start]
        for register, value in zip(registers, start, strict=True):
            self.builder.store(value, register)
        return registers

    def add_product(self, register, a, b):
        """Add ``a * b`` to a register."""
        total = self.builder.call(self.multiply_add, [a, b, self.builder.load(register)])
        self.builder.store(total, register)

    def loop(self, begin, end, step: int = 1):
        """A loop over [begin, end), as a context of (index, loop)."""
        return cgutils.for_range_slice(self.builder, begin, end, INT(step), INT)


def signature(*arguments):
    """The signature of an intrinsic that returns nothing."""
    return types.void(*map(types.unliteral, arguments))


@intrinsic
def weighted_sum(typingctx, out, row, low, gate, weights, which, begin, end, sources, h):
    """``out[row] = max(low, sum of weights[which[e]] * h[sources[e]])`` for e in [begin, end).

    A sum that is not a number stays so.

    Args:
        out: float32 ``[units, LANES]``.
        row: row of `out`.
        low: smallest value.
        gate: float32 ``[units, LANES]``: the result is zero where ``gate[row]`` is not positive.
            None: no gate.
        weights: float32.
        which: int32, index into `weights` of each edge. None: the edge's own number.
        begin: first edge.
        end: one past the last edge.
        sources: int32, row of `h` of each edge.
        h: float32 ``[units, LANES]``.
    """
    arguments = (out, row, low, gate, weights, which, begin, end, sources, h)
    return signature(*arguments), _emit_weighted_sum


def _emit_weighted_sum(context, builder, signature, values):
    """The code of :func:`weighted_sum`."""
    emit = Emitter(context, builder, signature, values)
    out, row, low, gate, weights, which, begin, end, sources, h = emit.arguments
    lanes_at_once = LANES if WIDE else LANES // 2
    low = emit.splat(low)
    place = builder.mul(row, INT(LANES))

    def add_edge(registers, edge, lane):
        index = edge if which is None else emit.load_index(which, edge)
        weight = emit.splat(builder.load(emit.at(weights, index)))
        source = builder.mul(emit.load_index(sources, edge), INT(LANES))
        for n, register in enumerate(registers):
            emit.add_product(register, weight, emit.load(h, source, lane + n * WIDTH))

    for lane in range(0, LANES, lanes_at_once):
        # two sums per lane, of even and odd edges: multiply-adds need not wait for each other
        zeros = [_ZEROS] * (lanes_at_once // WIDTH)
        even, odd = emit.sums(zeros), emit.sums(zeros)
        with emit.loop(begin, builder.sub(end, INT(1)), 2) as (edge, _):
            add_edge(even, edge, lane)
            add_edge(odd, builder.add(edge, INT(1)), lane)
        odd_number = builder.trunc(builder.sub(end, begin), ir.IntType(1))
        with builder.if_then(odd_number):
            add_edge(even, builder.sub(end, INT(1)), lane)
        for n, (a, b) in enumerate(zip(even, odd, strict=True)):
            at = lane + n * WIDTH
            total = builder.fadd(builder.load(a), builder.load(b))
            total = builder.select(builder.fcmp_ordered("<", total, low), low, total)
            if gate is not None:
                active = builder.fcmp_ordered(">", emit.load(gate, place, at), _ZEROS)
                total = builder.select(active, total, _ZEROS)
            emit.store(total, out, place, at)
    return context.get_dummy_value()


@intrinsic
def dots(typingctx, gradient, at, begin, end, sources, delta, row, h):
    """``gradient[at + e - begin] += delta[row] . h[sources[e]]`` for e in [begin, end).

    Args:
        gradient: float32.
        at: position in `gradient` of the first edge.
        begin: first edge.
        end: one past the last edge.
        sources: int32, row of `h` of each edge.
        delta: float32 ``[units, LANES]``.
        row: row of `delta`.
        h: float32 ``[units, LANES]``.
    """
    arguments = (gradient, at, begin, end, sources, delta, row, h)
    return signature(*arguments), _emit_dots


def _emit_dots(context, builder, signature, values):
    """The code of :func:`dots`."""
    emit = Emitter(context, builder, signature, values)
    gradient, at, begin, end, sources, delta, row, h = emit.arguments
    parts = range(0, LANES, WIDTH)
    deltas = [emit.load(delta, builder.mul(row, INT(LANES)), lane) for lane in parts]

    def product(edge):
        """Sums of ``delta[row] * h[sources[edge]]`` over lanes that are WIDTH apart."""
        source = builder.mul(emit.load_index(sources, edge), INT(LANES))
        total = builder.fmul(deltas[0], emit.load(h, source))
        for n in range(1, len(deltas)):
            factors = [deltas[n], emit.load(h, source, n * WIDTH), total]
            total = builder.call(emit.multiply_add, factors)
        return total

    def add_to_gradient(sums, edge):
        place = builder.add(at, builder.sub(edge, begin))
        pointer = builder.bitcast(emit.at(gradient, place), sums.type.as_pointer())
        total = builder.fadd(builder.load(pointer, align=4), sums)
        builder.store(total, pointer, align=4)

    # four edges share the additions across lanes
    rest = builder.add(begin, builder.and_(builder.sub(end, begin), INT(-4)))
    with emit.loop(begin, rest, 4) as (edge, _):
        products = [product(builder.add(edge, INT(n))) for n in range(4)]
        first_two = emit.fold(products[0], products[1], 16)
        last_two = emit.fold(products[2], products[3], 16)
        total = emit.fold(first_two, last_two, 8)
        total = emit.fold(total, None, 4)
        add_to_gradient(emit.fold(total, None, 2), edge)
    with emit.loop(rest, end) as (edge, _):
        total = product(edge)
        while total.type.count > 1:
            total = emit.fold(total, None, total.type.count)
        add_to_gradient(total, edge)
    return context.get_dummy_value()


@intrinsic
def tile(typingctx, out, at, out_step, weights, first, row_step, step, h, h_at, h_step, count):
    """Add the products of ROWS rows of a weight matrix and a block of activations to `out`.

    For each row r < ROWS: ``out[at + r * out_step :][:LANES]`` grows by the sum over k < count of
    ``weights[first + r * row_step + k * step] * h[h_at + k * h_step :][:LANES]``.

    Args:
        out: float32.
        at: position in `out` of the first row.
        out_step: places in `out` from row to row.
        weights: float32.
        first: position in `weights` of the first row's first weight.
        row_step: places in `weights` from row to row.
        step: places in `weights` from one k to the next.
        h: float32.
        h_at: position in `h` of the first vector.
        h_step: places in `h` from one k to the next.
        count: number of products per row.
    """
    arguments = (out, at, out_step, weights, first, row_step, step, h, h_at, h_step, count)
    return signature(*arguments), _emit_tile


def _emit_tile(context, builder, signature, values):
    """The code of :func:`tile`."""
    emit = Emitter(context, builder, signature, values)
    out, at, out_step, weights, first, row_step, step, h, h_at, h_step, count = emit.arguments
    lanes_at_once = LANES if WIDE else WIDTH
    for part in range(0, LANES, lanes_at_once):
        lanes = range(part, part + lanes_at_once, WIDTH)
        rows = [builder.add(at, builder.mul(out_step, INT(r))) for r in range(ROWS)]
        registers = []
        for row in rows:
            registers.append(emit.sums([emit.load(out, row, lane) for lane in lanes]))
        with emit.loop(INT(0), count) as (k, _):
            position = builder.add(h_at, builder.mul(k, h_step))
            vectors = []
            for lane in lanes:
                vectors.append(emit.load(h, position, lane))
            column = builder.add(first, builder.mul(k, step))
            for r in range(ROWS):
                place = builder.add(column, builder.mul(row_step, INT(r)))
                weight = emit.splat(builder.load(emit.at(weights, place)))
                for register, vector in zip(registers[r], vectors, strict=True):
                    emit.add_product(register, weight, vector)
        for row, sums in zip(rows, registers, strict=True):
            for lane, register in zip(lanes, sums, strict=True):
                emit.store(builder.load(register), out, row, lane)
    return context.get_dummy_value()
