"""Vector code for the inner loops of the sparse engine."""

from __future__ import annotations

from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LANES, WIDTH, ROWS = 64, 16, 6  # examples per block, floats per vector, rows per tile


# Vector code.  The loops' arguments are arrays and flat positions in them.

_VECTOR, _INT = ir.VectorType(ir.FloatType(), WIDTH), ir.IntType(64)

# registers: 32 of 16 floats with AVX-512, else about 16 of 8; sums that do not fit are done in turns
_WIDE = bool(binding.get_host_cpu_features().get("avx512f"))


class _Code:
    """Emits the operations that the loops are made of, for the arguments of one intrinsic."""

    def __init__(self, context, builder, signature, values):
        self.b, self.context = builder, context
        self.fma = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), f"llvm.fmuladd.v{WIDTH}f32"
        )
        self.arguments = [
            context.make_array(t)(context, builder, v).data
            if isinstance(t, types.Array)
            else None
            if isinstance(t, types.NoneType)
            else v
            for t, v in zip(signature.args, values, strict=True)
        ]

    def at(self, array, index, lane: int = 0):
        return self.b.gep(array, [self.b.add(index, _INT(lane))])

    def index(self, array, position):
        value = self.b.load(self.at(array, position))
        return value if value.type == _INT else self.b.sext(value, _INT)

    def load(self, array, index, lane: int = 0):
        return self.b.load(
            self.b.bitcast(self.at(array, index, lane), _VECTOR.as_pointer()), align=4
        )

    def store(self, vector, array, index, lane: int = 0):
        self.b.store(
            vector, self.b.bitcast(self.at(array, index, lane), vector.type.as_pointer()), align=4
        )

    def splat(self, scalar):
        one = self.b.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, ir.IntType(32)(0))
        return self.shuffle(one, one, [0] * WIDTH)

    def shuffle(self, a, c, order):
        return self.b.shuffle_vector(
            a, c, ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order)
        )

    def fold(self, a, c, segment: int):
        """Half as many lanes: the two halves of each `segment` of a, and then of c, added (c None: of a only)."""
        lanes = range(a.type.count * (1 if c is None else 2))
        low, high = (
            [i for i in lanes if (i % segment < segment // 2) == first] for first in (True, False)
        )
        return self.b.fadd(
            self.shuffle(a, a if c is None else c, low),
            self.shuffle(a, a if c is None else c, high),
        )

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
def weighted_sum(typingctx, out, row, low, gate, weights, which, begin, end, sources, h):
    """``out[row] = max(low, sum of weights[which[e]] * h[sources[e]])`` over e in [begin, end).

    gate: zero where ``gate[row]`` is not positive, unless None; which: None for weights[e].  A sum
    that is not a number stays so.
    """
    signature = types.void(
        *map(types.unliteral, (out, row, low, gate, weights, which, begin, end, sources, h))
    )

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
                    active = builder.fcmp_ordered(
                        ">", c.load(gate, place, lane + n * WIDTH), zeros[0]
                    )
                    total = builder.select(active, total, zeros[0])
                c.store(total, out, place, lane + n * WIDTH)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def dots(typingctx, gradient, at, begin, end, sources, delta, row, h):
    """``gradient[at + e - begin] += delta[row] . h[sources[e]]`` for e in [begin, end)."""
    signature = types.void(
        *map(types.unliteral, (gradient, at, begin, end, sources, delta, row, h))
    )

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
            grow(
                c.fold(
                    c.fold(c.fold(c.fold(one, two, 16), c.fold(three, four, 16), 8), None, 4),
                    None,
                    2,
                ),
                e,
            )
        with c.loop(rest, end) as (e, _):
            total = product(e)
            while total.type.count > 1:
                total = c.fold(total, None, total.type.count)
            grow(total, e)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def tile(typingctx, out, at, out_step, weights, first, row_step, step, h, h_at, h_step, count):
    """``out[at + r * out_step :][:LANES] += sum of weights[first + r * row_step + k * step] * h[h_at + k * h_step :][:LANES]``

    over k < count, for the rows r < ROWS.
    """
    signature = types.void(
        *map(
            types.unliteral,
            (out, at, out_step, weights, first, row_step, step, h, h_at, h_step, count),
        )
    )

    def generate(context, builder, signature, values):
        c = _Code(context, builder, signature, values)
        out, at, out_step, weights, first, row_step, step, h, h_at, h_step, count = c.arguments
        per = LANES if _WIDE else WIDTH
        for part in range(0, LANES, per):
            lanes = range(part, part + per, WIDTH)
            rows = [builder.add(at, builder.mul(out_step, _INT(r))) for r in range(ROWS)]
            cells = [c.sums([c.load(out, row, lane) for lane in lanes]) for row in rows]
            with c.loop(_INT(0), count) as (k, _):
                vectors = [
                    c.load(h, builder.add(h_at, builder.mul(k, h_step)), lane) for lane in lanes
                ]
                place = builder.add(first, builder.mul(k, step))
                for r in range(ROWS):
                    w = c.splat(
                        builder.load(
                            c.at(weights, builder.add(place, builder.mul(row_step, _INT(r))))
                        )
                    )
                    for cell, vector in zip(cells[r], vectors, strict=True):
                        c.add(cell, w, vector)
            for row, sums in zip(rows, cells, strict=True):
                for lane, cell in zip(lanes, sums, strict=True):
                    c.store(builder.load(cell), out, row, lane)
        return context.get_dummy_value()

    return signature, generate


# The compiled loops


def compiled(function):
    """Compiled at the first call and kept on disk; without numba's checks for division by zero, which hinder vector code."""
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # no directory that numba may keep it in: see NUMBA_CACHE_DIR
        return njit(**options)(function)
