"""What the compiled loops take beside a member: examples, settings and working memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lth_utils.config import TrainSpec
from lth_utils.data import Dataset, Task
from lth_utils.training.sparse.layout import Net, aligned_zeros, round_up
from lth_utils.training.sparse.vectors import LANES


class Examples(NamedTuple):
    """The data set.

    Attributes:
        tasks: int64 ``[K, 2]``, first output of each task and one past the last.
        loss_weight: weight of each task in the loss.
        x, x_test: inputs, float32 ``[N, I]``.
        y, y_test: one-hot labels, float32 ``[N, O]``.
    """

    tasks: np.ndarray
    loss_weight: float
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


class Workspace(NamedTuple):
    """Working memory.

    Attributes:
        h: activations, float32 ``[blocks, units, LANES]``.
        delta: gradients of the activations, float32 ``[blocks, units, LANES]``.
        y: labels of one block, float32 ``[O, LANES]``.
        p, top, excess: see ``losses.softmax``.
        product: float64 ``[K, LANES]``, products of normalisers, minus one.
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
    gradient: np.ndarray
    flipped: np.ndarray


def _one_hot(labels: np.ndarray, tasks: Sequence[Task]) -> np.ndarray:
    """Targets per output, float32 ``[B, O]``: the label itself for a single output."""
    n_outputs = sum(len(task.outputs) for task in tasks)
    hot = np.empty((len(labels), n_outputs), np.float32)
    for k, task in enumerate(tasks):
        classes = np.arange(len(task.outputs)) if len(task.outputs) > 1 else 1
        hot[:, task.outputs.start : task.outputs.stop] = labels[:, k, None] == classes
    return hot


def examples(data: Dataset, spec: TrainSpec) -> Examples:
    """The data set as the compiled loops read it."""
    return Examples(
        tasks=np.array([(task.outputs.start, task.outputs.stop) for task in data.tasks]),
        loss_weight=1.0 / len(data.tasks) if spec.loss == "mean" else 1.0,
        x=np.ascontiguousarray(data.x_train),
        y=_one_hot(data.y_train, data.tasks),
        x_test=np.ascontiguousarray(data.x_test),
        y_test=_one_hot(data.y_test, data.tasks),
    )


def settings(spec: TrainSpec) -> Settings:
    """What the compiled loops need of the spec."""
    return Settings(
        lr=spec.lr,
        weight_decay=np.float32(spec.weight_decay),
        batch_size=spec.batch_size,
        patience=spec.patience,
        record=spec.record,
    )


def workspace(net: Net, n_tasks: int, batch_size: int) -> Workspace:
    """Working memory for one member.

    Args:
        net: the member.
        n_tasks: number of tasks.
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
        product=aligned_zeros(n_tasks, LANES, dtype=np.float64),
        gradient=aligned_zeros(panel_sizes.max()),
        flipped=aligned_zeros(blocks, LANES * net.stride.max()),
    )
