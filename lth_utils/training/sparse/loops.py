"""Compiled loops over a member's weights: forward, backward, update, epochs."""

from __future__ import annotations

import numpy as np

from lth_utils.training.sparse.adam import adam_step, bias_corrections
from lth_utils.training.sparse.losses import add_loss, count_correct, softmax
from lth_utils.training.sparse.vectors import LANES, ROWS, WIDTH, compiled, dots, tile, weighted_sum


@compiled
def _forward(net, h):
    """All activations from those of the inputs; the outputs' are the logits."""
    layers = len(net.stride)
    for n in range(layers):
        low = np.float32(-np.inf) if n == layers - 1 else np.float32(0)
        first, stride = net.unit[n + 1], net.stride[n]
        if not stride:
            for row in range(first, first + net.count[n + 1]):
                weighted_sum(
                    h, row, low, None, net.weight, None, net.begin[row], net.end[row], net.source, h
                )
            continue
        h[first : net.unit[n + 2]] = 0
        for row in range(first, net.unit[n + 2], ROWS):
            tile(
                h,
                row * LANES,
                LANES,
                net.weight,
                net.at[n] + (row - first) * stride,
                stride,
                1,
                h,
                net.unit[n] * LANES,
                LANES,
                net.count[n] + 1,
            )
            for r in range(row, row + ROWS):
                for lane in range(LANES):
                    h[r, lane] = low if h[r, lane] < low else h[r, lane]


@compiled
def _backward(net, h, delta):
    """All hidden units' gradients from those of the logits."""
    for n in range(len(net.stride) - 1, 0, -1):
        first, last, stride = net.unit[n], net.unit[n + 1], net.stride[n]
        if not stride:
            for row in range(first, first + net.count[n]):
                weighted_sum(
                    delta,
                    row,
                    np.float32(-np.inf),
                    h,
                    net.weight,
                    net.edge,
                    net.out[row],
                    net.out[row + 1],
                    net.target,
                    delta,
                )
            continue
        delta[first:last] = 0
        for row in range(first, last, ROWS):
            tile(
                delta,
                row * LANES,
                LANES,
                net.weight,
                net.at[n] + row - first,
                1,
                stride,
                delta,
                last * LANES,
                LANES,
                net.count[n + 1],
            )
            for r in range(row, row + ROWS):
                for lane in range(LANES):
                    delta[r, lane] = delta[r, lane] if h[r, lane] > 0 else np.float32(0)


@compiled
def _flip(net, layer, h, out):
    """A layer's inputs with examples as rows, ``[LANES, stride]``, so that the weights are the contiguous side.

    What it finds beyond the layer's units fills padding, whose gradients Adam leaves out.
    """
    first, stride = net.unit[layer], net.stride[layer]
    for i in range(0, stride, WIDTH):  # as many rows as stay in the nearest cache
        for lane in range(LANES):
            for k in range(WIDTH):
                out[lane * stride + i + k] = h[first + i + k, lane]


@compiled
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
                    dots(
                        g,
                        net.begin[row] - begin,
                        net.begin[row],
                        net.end[row],
                        net.source,
                        delta[block],
                        row,
                        h[block],
                    )
                continue
            stride = net.stride[layer]
            if layer != there:
                _flip(net, layer, h[block], flipped[block])
            for row in range(first, last, ROWS):
                for i in range(0, stride, LANES):
                    tile(
                        g,
                        (row - first) * stride + i,
                        stride,
                        delta[block],
                        row * LANES,
                        LANES,
                        1,
                        flipped[block],
                        i,
                        stride,
                        LANES,
                    )
        there = layer
        adam_step(
            net.weight[begin:end],
            net.m[begin:end],
            net.v[begin:end],
            g,
            net.keep[begin:end],
            decay,
            rate,
            root,
        )


@compiled
def _load(rows, order, first, out):
    """``out[i, lane] = rows[order[first + lane], i]``, as many as there are; returns how many."""
    lanes = min(LANES, len(order) - first)
    for lane in range(lanes):
        example = order[first + lane]
        for i in range(rows.shape[1]):
            out[i, lane] = rows[example, i]
    return lanes


@compiled
def _step(net, tasks, weight, x, y, batch, h, delta, room, record):
    """Activations and gradients of one batch; y: one-hot ``[B, O]``; returns the blocks it fills, and its summed loss if asked for."""
    outputs, met = net.unit[-2], 0.0
    for block in range((len(batch) + LANES - 1) // LANES):
        lanes = _load(x, batch, block * LANES, h[block])
        _load(y, batch, block * LANES, room.y)
        _forward(net, h[block])
        for k in range(len(tasks)):
            a, z = tasks[k]
            softmax(h[block, outputs + a : outputs + z], room.p, room.top, room.excess)
            if record:
                met = add_loss(
                    met, h[block, outputs + a : outputs + z], room.y[a:z], room.top, lanes
                )
                for lane in range(lanes):
                    met += np.log1p(room.excess[lane])
            for o in range(a, z):
                for lane in range(LANES):
                    delta[block, outputs + o, lane] = (room.p[o - a, lane] - room.y[o, lane]) * (
                        weight / len(batch)
                    )
                delta[block, outputs + o, lanes:] = 0
        _backward(net, h[block], delta[block])
    return (len(batch) + LANES - 1) // LANES, met * weight


@compiled
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
            softmax(h[outputs + a : outputs + z], room.p, room.top, room.excess)
            total = add_loss(total, h[outputs + a : outputs + z], room.y[a:z], room.top, lanes)
            for lane in range(
                lanes
            ):  # a logarithm costs more than the rest: take that of a product of many, minus one
                room.product[k, lane] += room.excess[lane] * (1 + room.product[k, lane])
            if record:
                right += count_correct(h[outputs + a : outputs + z], room.y[a:z], lanes)
        if block % 32 == 31 or block == blocks - 1:
            for k in range(len(tasks)):
                for lane in range(LANES):
                    total += np.log1p(room.product[k, lane])
            room.product[:] = 0
    return total / len(order) * weight, right / (len(order) * len(tasks)) if record else np.nan


@compiled
def train_epochs(
    net,
    tasks,
    weight,
    x,
    y,
    x_test,
    y_test,
    lr,
    decay,
    size,
    patience,
    record,
    orders,
    h,
    delta,
    room,
    state,
    curve,
):
    """Train for at most as many epochs as there are `orders`, ``[epochs, B]``; returns how many, and whether the member stopped.

    state: steps so far, epochs above the best loss, the best loss; curve: ``[epochs, 3]``, see ``_dense.train``.
    """
    everything = np.arange(len(x_test))
    for epoch in range(len(orders)):
        met = 0.0
        for start in range(0, len(x), size):
            blocks, added = _step(
                net,
                tasks,
                weight,
                x,
                y,
                orders[epoch, start : start + size],
                h,
                delta,
                room,
                record,
            )
            state[0] += 1
            met += added
            rate, root = bias_corrections(lr, state[0])
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
