"""Compiled loops of convolutions, for blocks of images.

Images are lanes: a block is ``[positions, LANES]``, channel by channel and row by row. One kernel
weight, an *edge*, then adds a multiple of one contiguous row to another, whatever the kernel.
"""

from __future__ import annotations

import numpy as np

from lth_utils.training.sparse.rows import add_products, add_weighted_rows, scatter
from lth_utils.training.sparse.vectors import WIDTH, compiled, inlined

LANES = WIDTH
"""Images per block: all channels of a block stay in a near cache."""


@inlined
def _load(rows, order, first, out):
    """``out[i, lane] = rows[order[first + lane], i]``, zero in lanes that are left."""
    lanes = min(LANES, len(order) - first)
    for i in range(len(out)):
        column, to = rows[:, i], out[i]
        for lane in range(lanes):
            to[lane] = column[np.uint64(order[first + lane])]
        to[lanes:] = 0


@compiled
def load(rows, order, out):
    """Rows as blocks, see :func:`_load`; out: float32 ``[blocks, columns, LANES]``."""
    for block in range(len(out)):
        _load(rows, order, block * LANES, out[block])


@compiled
def unload(blocks, out):
    """Blocks ``[blocks, columns, LANES]`` as rows ``[B, columns]``."""
    for b in range(len(out)):
        block, lane = blocks[b // LANES], b % LANES
        for i in range(out.shape[1]):
            out[b, i] = block[i, lane]


@inlined
def _pool(z, n, side, pool, out, chosen, at):
    """Max pooling and ReLU of the rows in `z`, `n` places each, to `out` from `at` on."""
    for left in range(np.uint64(side)):
        to, first = at + left * np.uint64(LANES), left * np.uint64(pool * LANES)
        for lane in range(np.uint64(LANES)):
            out[to + lane] = z[first + lane]
            chosen[to + lane] = 0
        for y in range(np.uint64(pool)):
            for x in range(np.uint64(pool)):
                pixel = np.float32(y * np.uint64(pool) + x)
                start = first + y * np.uint64(n) + x * np.uint64(LANES)
                for lane in range(np.uint64(LANES)):
                    value, best = z[start + lane], out[to + lane]
                    larger = (value > best) | (value != value)  # what is not a number wins
                    out[to + lane] = value if larger else best
                    before = chosen[to + lane]
                    chosen[to + lane] = pixel if larger else before
        for lane in range(np.uint64(LANES)):
            best = out[to + lane]
            out[to + lane] = np.float32(0) if best < 0 else best


@inlined
def _spread(z, n, side, pool, out, chosen, d_out, at):
    """The gradients of :func:`_pool`, to `z`."""
    for left in range(np.uint64(side)):
        to, first = at + left * np.uint64(LANES), left * np.uint64(pool * LANES)
        for y in range(np.uint64(pool)):
            for x in range(np.uint64(pool)):
                pixel = np.float32(y * np.uint64(pool) + x)
                start = first + y * np.uint64(n) + x * np.uint64(LANES)
                for lane in range(np.uint64(LANES)):
                    taken = (chosen[to + lane] == pixel) & (out[to + lane] > 0)
                    delta = d_out[to + lane]
                    z[start + lane] = delta if taken else np.float32(0)


@compiled
def forward(h, sides, pool, begin, offset, weights, biases, z, out, chosen):
    """Convolution, max pooling and ReLU of all blocks.

    Args:
        h: channels, float32 ``[blocks, positions * LANES]``.
        sides: of the input, and of the output.
        pool: side of the pooling windows.
        begin: int64 ``[O + 1]``, first edge of each channel.
        offset: int64, where the row that an edge reads begins in `h`, for the first output row.
        weights: float32, of the edges.
        biases: float32 ``[O]``.
        z: working memory, float32 ``[pool * side * pool * LANES]``.
        out: float32 ``[blocks, O * side * side * LANES]``.
        chosen: float32, which pixel of its window each element of `out` is; of the same shape.
    """
    side_in, side = sides
    n = side * pool * LANES
    for block in range(len(out)):
        inputs, outputs, pixels = h[block], out[block], chosen[block]
        for o in range(len(biases)):
            for top in range(side):
                z[:] = biases[o]
                for y in range(pool):
                    at, row = (top * pool + y) * side_in * LANES, y * n
                    add_weighted_rows(
                        z, row, n // LANES, inputs, at, offset, weights, begin[o], begin[o + 1]
                    )
                place = np.uint64((o * side + top) * side * LANES)
                _pool(z, n, side, pool, outputs, pixels, place)


@compiled
def backward(
    h, sides, pool, begin, offset, weights, z, out, chosen, d_out, d_h, gradient, d_biases
):
    """Gradients of :func:`forward`, whose arguments have the same names.

    Args:
        d_out: gradients of `out`, of the same shape.
        d_h: receives those of `h`, where it is as wide; else they are not wanted.
        gradient: those of the edges are added to it, float64.
        d_biases: those of the biases are added to it, float64 ``[O]``.
    """
    side_in, side = sides
    n, wanted = side * pool * LANES, d_h.shape[1] == h.shape[1]
    sums = np.zeros((len(gradient), LANES), np.float32)
    for block in range(len(out)):
        inputs, outputs, pixels, deltas = h[block], out[block], chosen[block], d_out[block]
        d_inputs = d_h[block] if wanted else d_h[0]
        for o in range(len(d_biases)):
            first, last = begin[o], begin[o + 1]
            for top in range(side):
                place = np.uint64((o * side + top) * side * LANES)
                _spread(z, n, side, pool, outputs, pixels, deltas, place)
                d_biases[o] += z.sum()
                for y in range(pool):
                    at, row = (top * pool + y) * side_in * LANES, y * n
                    add_products(sums, z, row, n // LANES, inputs, at, offset, first, last)
                    if wanted:
                        scatter(d_inputs, at, offset, z, row, n // LANES, weights, first, last)
        for e in range(len(gradient)):
            for lane in range(LANES):
                gradient[e] += sums[e, lane]
        sums[:] = 0
