"""Vector code for convolutions: rows of positions, each a vector of images.

A kernel weight leads from one row of positions to another. A few positions of a row are kept in
registers while all weights of a channel go by.
"""

from __future__ import annotations

from numba.extending import intrinsic

from lth_utils.training.sparse.vectors import INT, WIDE, WIDTH, Emitter, inlined, signature


def _vectors(emit, array, at, count: int) -> list:
    """`count` vectors of an array from `at` on."""
    return [emit.load(array, at, n * WIDTH) for n in range(count)]


def _weighted_rows(count: int):
    """The function that adds to `count` positions."""

    @intrinsic
    def add(typingctx, out, row, h, at, offset, weights, first, last):
        """``out[row + i] += weights[e] * h[at + offset[e] + i]`` for e in [first, last)."""

        def emit_add(context, builder, signed, values):
            emit = Emitter(context, builder, signed, values)
            out, row, h, at, offset, weights, first, last = emit.arguments
            registers = emit.sums(_vectors(emit, out, row, count))
            with emit.loop(first, last) as (e, _):
                source = builder.add(at, emit.load_index(offset, e))
                weight = emit.splat(builder.load(emit.at(weights, e)))
                for register, vector in zip(
                    registers, _vectors(emit, h, source, count), strict=True
                ):
                    emit.add_product(register, weight, vector)
            for n, register in enumerate(registers):
                emit.store(builder.load(register), out, row, n * WIDTH)
            return context.get_dummy_value()

        return signature(out, row, h, at, offset, weights, first, last), emit_add

    return add


def _products(count: int):
    """The function that takes `count` positions."""

    @intrinsic
    def add(typingctx, sums, d_out, row, h, at, offset, first, last):
        """``sums[e, lane] +=`` products of ``d_out`` from `row` on and ``h`` from where e comes."""

        def emit_add(context, builder, signed, values):
            emit = Emitter(context, builder, signed, values)
            sums, d_out, row, h, at, offset, first, last = emit.arguments
            deltas = _vectors(emit, d_out, row, count)
            with emit.loop(first, last) as (e, _):
                source = builder.add(at, emit.load_index(offset, e))
                place = builder.mul(e, INT(WIDTH))
                total = emit.load(sums, place)
                for delta, vector in zip(deltas, _vectors(emit, h, source, count), strict=True):
                    total = builder.call(emit.multiply_add, [delta, vector, total])
                emit.store(total, sums, place)
            return context.get_dummy_value()

        return signature(sums, d_out, row, h, at, offset, first, last), emit_add

    return add


def _scattered(count: int):
    """The function that takes `count` positions."""

    @intrinsic
    def add(typingctx, d_h, at, offset, d_out, row, weights, first, last):
        """``d_h[at + offset[e] + i] += weights[e] * d_out[row + i]`` for e in [first, last)."""

        def emit_add(context, builder, signed, values):
            emit = Emitter(context, builder, signed, values)
            d_h, at, offset, d_out, row, weights, first, last = emit.arguments
            deltas = _vectors(emit, d_out, row, count)
            with emit.loop(first, last) as (e, _):
                source = builder.add(at, emit.load_index(offset, e))
                weight = emit.splat(builder.load(emit.at(weights, e)))
                for n, delta in enumerate(deltas):
                    factors = [weight, delta, emit.load(d_h, source, n * WIDTH)]
                    total = builder.call(emit.multiply_add, factors)
                    emit.store(total, d_h, source, n * WIDTH)
            return context.get_dummy_value()

        return signature(d_h, at, offset, d_out, row, weights, first, last), emit_add

    return add


MOST = 8 if WIDE else 4
"""Positions that are kept in registers at once."""

_weighted_most, _weighted_2, _weighted_1 = map(_weighted_rows, (MOST, 2, 1))
_products_most, _products_2, _products_1 = map(_products, (MOST, 2, 1))
_scattered_most, _scattered_2, _scattered_1 = map(_scattered, (MOST, 2, 1))


@inlined
def add_weighted_rows(out, row, positions, h, at, offset, weights, first, last):
    """Add to a row of `out` the rows of `h` that edges come from, weighted.

    Args:
        out: float32.
        row: where the row begins in `out`.
        positions: of the row, each WIDTH places.
        h: float32.
        at: added to `offset`.
        offset: int64, where the row of each edge begins in `h`.
        weights: float32, of the edges.
        first, last: the edges, [first, last).
    """
    end = row + positions * WIDTH
    while row + MOST * WIDTH <= end:
        _weighted_most(out, row, h, at, offset, weights, first, last)
        row, at = row + MOST * WIDTH, at + MOST * WIDTH
    while row + 2 * WIDTH <= end:
        _weighted_2(out, row, h, at, offset, weights, first, last)
        row, at = row + 2 * WIDTH, at + 2 * WIDTH
    if row < end:
        _weighted_1(out, row, h, at, offset, weights, first, last)


@inlined
def add_products(sums, d_out, row, positions, h, at, offset, first, last):
    """Add the products of a row of `d_out` with the rows of `h` that edges come from.

    Args:
        sums: float32 ``[edges, WIDTH]``, of the products of each lane.
        d_out, row, positions, h, at, offset, first, last: see :func:`add_weighted_rows`.
    """
    end = row + positions * WIDTH
    while row + MOST * WIDTH <= end:
        _products_most(sums, d_out, row, h, at, offset, first, last)
        row, at = row + MOST * WIDTH, at + MOST * WIDTH
    while row + 2 * WIDTH <= end:
        _products_2(sums, d_out, row, h, at, offset, first, last)
        row, at = row + 2 * WIDTH, at + 2 * WIDTH
    if row < end:
        _products_1(sums, d_out, row, h, at, offset, first, last)


@inlined
def scatter(d_h, at, offset, d_out, row, positions, weights, first, last):
    """Add a row of `d_out` to all rows of `d_h` that its edges come from, weighted.

    Args:
        d_h, at, offset, d_out, row, positions, weights, first, last: see
            :func:`add_weighted_rows`, whose gradient it is.
    """
    end = row + positions * WIDTH
    while row + MOST * WIDTH <= end:
        _scattered_most(d_h, at, offset, d_out, row, weights, first, last)
        row, at = row + MOST * WIDTH, at + MOST * WIDTH
    while row + 2 * WIDTH <= end:
        _scattered_2(d_h, at, offset, d_out, row, weights, first, last)
        row, at = row + 2 * WIDTH, at + 2 * WIDTH
    if row < end:
        _scattered_1(d_h, at, offset, d_out, row, weights, first, last)
