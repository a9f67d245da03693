"""Compiled loops over a member's weights: forward, backward, update, epochs.

Where the time goes: per edge and block, forward and backward are LANES multiply-adds each on rows
that are in a near cache, and so is the weight's gradient, plus the sum over its lanes. Adam follows
one *panel* of weights at a time, while the panel's gradients are in the nearest cache.
"""

from __future__ import annotations

import numpy as np

from lth_utils.training.sparse.adam import adam_step, add_l1, bias_corrections
from lth_utils.training.sparse.losses import add_any_loss, add_loss, hits, predict, softmax
from lth_utils.training.sparse.vectors import (
    LANES,
    ROWS,
    WIDTH,
    compiled,
    dots,
    inlined,
    tile,
    weighted_sum,
)

STEPS, BAD_EPOCHS, BEST = 0, 1, 2
"""Places in a member's state: steps so far, epochs above the best loss, the best loss."""


@inlined
def _forward(net, x, h):
    """All activations ``h`` from inputs ``x``, which may be those of ``h``; the last are logits."""
    layers = len(net.stride)
    for n in range(layers):
        inputs = x if n == 0 else h
        low = np.float32(-np.inf) if n == layers - 1 else np.float32(0)
        first, stride = net.first_unit[n + 1], net.stride[n]
        if not stride:
            for row in range(first, first + net.n_units[n + 1]):
                weighted_sum(
                    out=h,
                    row=row,
                    low=low,
                    gate=None,
                    weights=net.weight,
                    which=None,
                    begin=net.begin[row],
                    end=net.end[row],
                    sources=net.source,
                    h=inputs,
                )
            continue
        h[first : net.first_unit[n + 2]] = 0
        for row in range(first, net.first_unit[n + 2], ROWS):
            tile(
                out=h,
                at=row * LANES,
                out_step=LANES,
                weights=net.weight,
                first=net.first_weight[n] + (row - first) * stride,
                row_step=stride,
                step=1,
                h=inputs,
                h_at=net.first_unit[n] * LANES,
                h_step=LANES,
                count=net.n_units[n] + 1,
            )
            for r in range(row, row + ROWS):
                for lane in range(LANES):
                    h[r, lane] = low if h[r, lane] < low else h[r, lane]


@inlined
def _backward(net, h, delta):
    """All hidden units' gradients from those of the logits."""
    for n in range(len(net.stride) - 1, 0, -1):
        first, last, stride = net.first_unit[n], net.first_unit[n + 1], net.stride[n]
        if not stride:
            for row in range(first, first + net.n_units[n]):
                weighted_sum(
                    out=delta,
                    row=row,
                    low=np.float32(-np.inf),
                    gate=h,
                    weights=net.weight,
                    which=net.edge,
                    begin=net.out_begin[row],
                    end=net.out_begin[row + 1],
                    sources=net.target,
                    h=delta,
                )
            continue
        delta[first:last] = 0
        for row in range(first, last, ROWS):
            tile(
                out=delta,
                at=row * LANES,
                out_step=LANES,
                weights=net.weight,
                first=net.first_weight[n] + row - first,
                row_step=1,
                step=stride,
                h=delta,
                h_at=last * LANES,
                h_step=LANES,
                count=net.n_units[n + 1],
            )
            for r in range(row, row + ROWS):
                for lane in range(LANES):
                    delta[r, lane] = delta[r, lane] if h[r, lane] > 0 else np.float32(0)


@inlined
def _flip(net, layer, h, out):
    """A layer's inputs with examples as rows, ``[LANES, stride]``: weights are contiguous then.

    What lies beyond the layer's units fills padding, whose gradients Adam leaves out.
    """
    first, stride = net.first_unit[layer], net.stride[layer]
    for i in range(0, stride, WIDTH):  # as many rows as stay in the nearest cache
        for lane in range(LANES):
            for k in range(WIDTH):
                out[lane * stride + i + k] = h[first + i + k, lane]


@inlined
def _update(net, h, delta, work, decay, l1, rate, root):
    """One Adam step from the activations and their gradients, both ``[blocks, units, LANES]``."""
    gradient, flipped = work.gradient, work.flipped
    flipped_layer = -1
    for p in range(len(net.panel)):
        first, last, begin, end, layer = net.panel[p]
        g = gradient[: end - begin]
        g[:] = 0
        for block in range(len(h)):
            if layer < 0:
                for row in range(first, last):
                    dots(
                        gradient=g,
                        at=net.begin[row] - begin,
                        begin=net.begin[row],
                        end=net.end[row],
                        sources=net.source,
                        delta=delta[block],
                        row=row,
                        h=h[block],
                    )
                continue
            stride = net.stride[layer]
            if layer != flipped_layer:
                _flip(net, layer, h[block], flipped[block])
            for row in range(first, last, ROWS):
                for i in range(0, stride, LANES):
                    tile(
                        out=g,
                        at=(row - first) * stride + i,
                        out_step=stride,
                        weights=delta[block],
                        first=row * LANES,
                        row_step=LANES,
                        step=1,
                        h=flipped[block],
                        h_at=i,
                        h_step=stride,
                        count=LANES,
                    )
        flipped_layer = layer
        if l1 > 0:
            add_l1(g, net.weight[begin:end], l1)
        adam_step(
            w=net.weight[begin:end],
            m=net.m[begin:end],
            v=net.v[begin:end],
            g=g,
            keep=net.keep[begin:end],
            decay=decay,
            rate=rate,
            root=root,
        )


@inlined
def _load(rows, order, first, out):
    """``out[i, lane] = rows[order[first + lane], i]``; returns the number of lanes filled."""
    lanes = min(LANES, len(order) - first)
    for i in range(rows.shape[1]):
        column, to = rows[:, i], out[i]
        for lane in range(lanes):
            to[lane] = column[np.uint32(order[first + lane])]
    return lanes


@inlined
def _step(net, examples, batch, work, record):
    """Activations and gradients of one batch.

    Returns the number of blocks it fills, and its summed loss (zero unless asked for).
    """
    outputs, h, delta = net.first_unit[-2], work.h, work.delta
    heads, labels = examples.heads, work.y
    p, top, excess = work.p, work.top, work.excess
    blocks = (len(batch) + LANES - 1) // LANES
    loss_sum = 0.0
    for block in range(blocks):
        lanes = _load(examples.x, batch, block * LANES, h[block])
        _load(examples.y, batch, block * LANES, labels)
        _forward(net, h[block], h[block])
        for k in range(len(heads)):
            first, last, real = heads[k]
            logits, y = h[block, outputs + first : outputs + last], labels[first:last]
            factor = examples.factors[0, k]
            if examples.is_classes:
                softmax(logits, p, top, excess, True)
            else:
                predict(logits, y, real, p, top, excess, True)
            if record:
                if examples.is_classes:
                    loss_sum = add_loss(loss_sum, logits, y, top, lanes)
                else:
                    loss_sum = add_any_loss(loss_sum, factor, logits, y, real, top, lanes)
                for lane in range(lanes):
                    loss_sum += factor * np.log1p(excess[lane])
            scale = examples.loss_weight * factor / len(batch)
            for o in range(first, last):
                for lane in range(LANES):
                    delta[block, outputs + o, lane] = (p[o - first, lane] - labels[o, lane]) * scale
                delta[block, outputs + o, lanes:] = 0
                if not examples.is_classes:
                    for lane in range(lanes):  # without a label nothing is wrong
                        if labels[o, lane] != labels[o, lane]:
                            delta[block, outputs + o, lane] = 0
        _backward(net, h[block], delta[block])
    return blocks, loss_sum * examples.loss_weight


@inlined
def _evaluate(net, examples, work, record):
    """The loss on the test examples and their score, NaN unless asked for."""
    outputs, h, product = net.first_unit[-2], work.h[0], work.product
    heads, blocks = examples.heads, len(examples.x_test)
    p, top, excess = work.p, work.top, work.excess
    total = 0.0
    product[:] = 0
    work.hits[:] = 0
    for block in range(blocks):
        lanes = min(LANES, examples.n_test - block * LANES)
        labels = examples.y_test[block]
        _forward(net, examples.x_test[block], h)
        for k in range(len(heads)):
            first, last, real = heads[k]
            logits, y = h[outputs + first : outputs + last], labels[first:last]
            if examples.is_classes:
                softmax(logits, p, top, excess, False)
                total = add_loss(total, logits, y, top, lanes)
            else:
                predict(logits, y, real, p, top, excess, False)
                factor = examples.factors[1, k]
                total = add_any_loss(total, factor, logits, y, real, top, lanes)
            # a logarithm costs more than all the rest: take that of a product of many, minus one
            for lane in range(lanes):
                product[k, lane] += excess[lane] * (1 + product[k, lane])
            if record:
                work.hits[k] += hits(logits, y, real, lanes)
        if block % 32 == 31 or block == blocks - 1:
            for k in range(len(heads)):
                for lane in range(LANES):
                    total += examples.factors[1, k] * np.log1p(product[k, lane])
            product[:] = 0
    loss = total / examples.n_test * examples.loss_weight
    return loss, _score(examples, work.hits) if record else np.nan


@inlined
def _score(examples, of_heads):
    """The mean score of the tasks from what each head hit, or its sum of squared errors."""
    total = 0.0
    for k in range(len(of_heads)):
        score = of_heads[k] / examples.n_labels[k]
        if examples.heads[k, 2]:
            score = 1 - of_heads[k] / examples.spread[k]
        total += score / examples.n_heads[k]
    return total / examples.n_tasks


@compiled
def train_epochs(net, examples, settings, work, orders, state, rows):
    """Train a member for at most as many epochs as there are `orders`.

    Args:
        net: a ``layout.Net``, changed in place.
        examples: a ``workspace.Examples``.
        settings: a ``workspace.Settings``.
        work: a ``workspace.Workspace``.
        orders: order of the examples in each epoch, int32 ``[epochs, N]``.
        state: float64 ``[3]``, changed in place, see :data:`STEPS`.
        rows: receives the rows of the member's record, float64 ``[epochs, 3]``.

    Returns:
        Number of epochs trained, and whether the member stopped.
    """
    n_examples, record = len(examples.x), settings.record
    for epoch in range(len(orders)):
        train_loss_sum = 0.0
        for start in range(0, n_examples, settings.batch_size):
            batch = orders[epoch, start : start + settings.batch_size]
            blocks, batch_loss = _step(net, examples, batch, work, record)
            state[STEPS] += 1
            train_loss_sum += batch_loss
            rate, root = bias_corrections(settings.lr, state[STEPS])
            h, delta = work.h[:blocks], work.delta[:blocks]
            decay, l1 = settings.weight_decay, settings.l1
            _update(net, h, delta, work, decay=decay, l1=l1, rate=rate, root=root)
        loss, accuracy = _evaluate(net, examples, work, record)
        rows[epoch] = loss, accuracy, train_loss_sum / n_examples if record else np.nan
        if loss < state[BEST]:
            state[BAD_EPOCHS], state[BEST] = 0, loss
        elif loss > state[BEST]:
            state[BAD_EPOCHS] += 1
        if state[BAD_EPOCHS] >= settings.patience or not np.isfinite(loss):
            return epoch + 1, True
    return len(orders), False
