"""What the compiled loops take beside a member: examples, settings and working memory."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lth_utils.config import TrainSpec
from lth_utils.data import Dataset, Task
from lth_utils.data.dataset import labelled_shares
from lth_utils.data.tasks import index, target_columns
from lth_utils.training.sparse.layout import Net, aligned_zeros, round_up
from lth_utils.training.sparse.vectors import LANES


class Examples(NamedTuple):
    """The data set.

    A task is one head, a softmax or a sigmoid, or a head for each of its labels or values.

    Attributes:
        heads: int64 ``[H, 3]``: first output, one past the last, and 1 for a real value.
        factors: float64 ``[2, H]``, what a label weighs beside one of a task of weight 1 whose
            labels are all there, in the training split and in the test split.
        spread: float64 ``[H]``, sum of squares of the test labels around their mean; 0 for heads
            that are scored by their hits.
        n_labels: float64 ``[H]``, how many test examples have a label.
        n_heads: float64 ``[H]``, how many heads the head's task has.
        loss_weight: 1, or one over the number of tasks.
        n_tasks: number of tasks.
        is_classes: whether every label is a class and is there, and every task weighs the same.
        n_test: number of test examples.
        x: inputs, float32 ``[N, I]``.
        y: one-hot labels or real values, float32 ``[N, O]``; NaN without a label.
        x_test: the same of the test split, ``[blocks, I + 1, LANES]``, see :func:`_blocks`.
        y_test: ``[blocks, O + 1, LANES]``.
    """

    heads: np.ndarray
    factors: np.ndarray
    spread: np.ndarray
    n_labels: np.ndarray
    n_heads: np.ndarray
    loss_weight: float
    n_tasks: int
    is_classes: bool
    n_test: int
    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


class Settings(NamedTuple):
    """How to train; see ``config.TrainSpec``."""

    lr: float
    weight_decay: np.float32
    batch_size: int
    patience: int
    record: bool
    l1: np.float32


class Workspace(NamedTuple):
    """Working memory.

    Attributes:
        h: activations, float32 ``[blocks, units, LANES]``.
        delta: gradients of the activations, float32 ``[blocks, units, LANES]``.
        y: labels of one block, float32 ``[O, LANES]``.
        p, top, excess: see ``losses.softmax``.
        product: float64 ``[H, LANES]``, products of normalisers, minus one.
        hits: float64 ``[H]``, see ``losses.hits``.
        gradient: float32, gradients of one panel's weights.
        flipped: float32 ``[blocks, LANES * stride]``, a layer's inputs with examples as rows.
    """

    h: np.ndarray
    delta: np.ndarray
    y: np.ndarray
    p: np.ndarray
    top: np.ndarray
    excess: np.ndarray
    product: np.ndarray
    hits: np.ndarray
    gradient: np.ndarray
    flipped: np.ndarray


def _one_hot(labels: np.ndarray, tasks: Sequence[Task]) -> np.ndarray:
    """Targets per output, float32 ``[B, O]``: one-hot for a softmax, else the label itself."""
    n_outputs = sum(len(task.outputs) for task in tasks)
    hot = np.empty((len(labels), n_outputs), np.float32)
    for task, columns in zip(tasks, target_columns(tasks), strict=True):
        own = labels[:, columns]
        if task.kind == "classes":
            missing = np.isnan(own) if own.dtype.kind == "f" else False
            own = np.where(missing, np.float32(np.nan), own == np.arange(len(task.outputs)))
        hot[:, index(task.outputs)] = own
    return hot


def _blocks(rows: np.ndarray) -> np.ndarray:
    """Rows as the loops take them, float32 ``[blocks, columns + 1, LANES]``.

    The last column is the constant unit's. Lanes without a row are zero.
    """
    n, columns = rows.shape
    blocks = aligned_zeros(-(-n // LANES), columns + 1, LANES)
    for block, first in zip(blocks, range(0, n, LANES), strict=True):
        part = rows[first : first + LANES]
        block[:columns, : len(part)] = part.T
    blocks[:, columns] = 1
    return blocks


_BLOCKS: dict[int, np.ndarray] = {}
"""Blocks of test inputs by the ``id`` of their array; an entry goes with its array."""


def _kept_blocks(rows: np.ndarray) -> np.ndarray:
    """As :func:`_blocks`, made once for all trainings on a data set, which must not change."""
    blocks = _BLOCKS.get(id(rows))
    if blocks is None:
        blocks = _BLOCKS[id(rows)] = _blocks(rows)
        weakref.finalize(rows, _BLOCKS.pop, id(rows), None).atexit = False
    return blocks


def examples(data: Dataset, spec: TrainSpec) -> Examples:
    """The data set as the compiled loops read it."""
    heads, weights, divisors, columns = [], [], [], []
    for task, own in zip(data.tasks, target_columns(data.tasks), strict=True):
        first, n = task.outputs[0], len(task.outputs)
        real = int(task.kind == "regression")
        whole = task.kind in ("binary", "classes")
        spans = [(first, first + n)] if whole else [(first + o, first + o + 1) for o in range(n)]
        heads += [(*span, real) for span in spans]
        weights += [task.weight / len(spans)] * len(spans)
        divisors += [len(spans)] * len(spans)
        columns += range(own.start, own.stop)
    shares = [labelled_shares(y, data.tasks)[columns] for y in (data.y_train, data.y_test)]
    spread = np.zeros(len(heads))
    for h, (head, column) in enumerate(zip(heads, columns, strict=True)):
        if head[2]:
            values = data.y_test[:, column].astype(np.float64)
            spread[h] = np.nansum((values - np.nanmean(values)) ** 2)
    return Examples(
        heads=np.array(heads),
        factors=np.array([np.array(weights) / share for share in shares]),
        spread=spread,
        n_labels=shares[1] * len(data.x_test),
        n_heads=np.array(divisors, np.float64),
        n_tasks=len(data.tasks),
        is_classes=data.is_classes and {task.weight for task in data.tasks} == {1.0},
        loss_weight=1.0 / len(data.tasks) if spec.loss == "mean" else 1.0,
        x=np.ascontiguousarray(data.x_train),
        y=_one_hot(data.y_train, data.tasks),
        n_test=len(data.x_test),
        x_test=_kept_blocks(data.x_test),
        y_test=_blocks(_one_hot(data.y_test, data.tasks)),
    )


def settings(spec: TrainSpec) -> Settings:
    """What the compiled loops need of the spec."""
    return Settings(
        lr=spec.lr,
        weight_decay=np.float32(spec.weight_decay),
        batch_size=spec.batch_size,
        patience=spec.patience,
        record=spec.record,
        l1=np.float32(spec.l1),
    )


def workspace(net: Net, n_heads: int, batch_size: int) -> Workspace:
    """Working memory for one member.

    Args:
        net: the member.
        n_heads: number of heads.
        batch_size: number of examples of the largest batch.
    """
    n_outputs = net.n_units[-1]
    blocks = round_up(batch_size, LANES) // LANES
    units = net.first_unit[-1] + LANES  # loops.flip reads whole vectors of units
    h = aligned_zeros(blocks, units, LANES)
    h[:, net.first_unit[:-1] + net.n_units] = 1
    panel_sizes = net.panel[:, 3] - net.panel[:, 2]
    return Workspace(
        h=h,
        delta=aligned_zeros(blocks, units, LANES),
        y=aligned_zeros(n_outputs, LANES),
        p=aligned_zeros(n_outputs, LANES, dtype=np.float64),
        top=aligned_zeros(LANES, dtype=np.float64),
        excess=aligned_zeros(LANES, dtype=np.float64),
        product=aligned_zeros(n_heads, LANES, dtype=np.float64),
        hits=np.zeros(n_heads),
        gradient=aligned_zeros(panel_sizes.max()),
        flipped=aligned_zeros(blocks, LANES * net.stride.max()),
    )
