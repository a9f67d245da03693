"""The CPU engine: one member at a time, at a cost per unpruned weight.

Sums run in another order than in the batched engine, so the two agree to rounding. A member's
whole training runs in compiled calls that release Python's global lock: callers train several
members at once, with one thread each, and no result depends on how many there are.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import Shape, TrainSpec
from lth_utils.data import Dataset
from lth_utils.training import orders
from lth_utils.training.engine import Cancelled, Engine, train_in_threads
from lth_utils.training.sparse import workspace
from lth_utils.training.sparse.adam import decay_without_gradient
from lth_utils.training.sparse.layout import build
from lth_utils.training.sparse.loops import STEPS, train_epochs

CHUNK_SECONDS = 0.3
"""About the longest time in compiled code before Python may handle an interrupt."""

CHUNK_EPOCHS = 128
"""Most epochs whose batch orders are drawn at once: more may never be trained."""


@dataclass
class _Progress:
    """How far the training of a seed is; see ``orders.Drawing``."""

    seed: int
    record: list[np.ndarray] = field(default_factory=list)
    stream: np.random.Generator | None = None


def _train_member(
    flat: np.ndarray,
    mask: np.ndarray,
    shape: Shape,
    seed: int,
    data: Dataset,
    spec: TrainSpec,
    stop: Event,
) -> tuple[np.ndarray, np.ndarray]:
    """The trained parameters ``[P]`` of one member, and its record ``[epochs, 3]``."""
    n_examples = len(data.x_train)
    batch_size = min(spec.batch_size, n_examples)
    net, index = build(flat, mask, shape, batch_size)
    examples, settings = workspace.examples(data, spec), workspace.settings(spec)
    work = workspace.workspace(net, len(examples.heads), batch_size)
    state = np.array([0, 0, np.inf])
    draw, progress = orders.on_cpu(n_examples), _Progress(seed)
    chunk, stopped = 1, False
    while not stopped and len(progress.record) < spec.max_epochs:
        if stop.is_set():
            raise Cancelled
        chunk = min(chunk, CHUNK_EPOCHS, spec.max_epochs - len(progress.record))
        rows = np.empty((chunk, 3))
        started = time.perf_counter()
        done, stopped = train_epochs(
            net, examples, settings, work, orders=draw(progress, chunk), state=state, rows=rows
        )
        progress.record += list(rows[:done])
        seconds = time.perf_counter() - started
        chunk = max(1, min(2 * chunk, int(chunk * CHUNK_SECONDS / seconds)))
    trained = flat.copy()
    used = index[net.keep]
    if spec.weight_decay or spec.l1:
        dead = flat != 0
        dead[used] = False
        trained[dead] = decay_without_gradient(
            trained[dead], settings.weight_decay, spec.lr, int(state[STEPS]), settings.l1
        )
    trained[used] = net.weight[net.keep]
    return trained, np.array(progress.record)


def train(
    flat: Tensor,
    mask: Tensor,
    shape: Shape,
    seeds: Sequence[int],
    data: Dataset,
    spec: TrainSpec,
    cancel: Event | None = None,
) -> tuple[Tensor, list[np.ndarray]]:
    """Train members on the CPU, as many at once as torch may use threads; see ``TrainFunction``."""
    values, masks = flat.numpy(), mask.numpy()

    def train_member(m: int, stop: Event):
        return _train_member(values[m], masks[m], shape, seeds[m], data=data, spec=spec, stop=stop)

    if len(flat) == 1:
        results = [train_member(0, cancel or Event())]
    else:
        results = train_in_threads(train_member, len(flat), cancel)
    trained = torch.from_numpy(np.stack([parameters for parameters, _ in results]))
    return trained, [record for _, record in results]


# members share no work, so each run gets a thread
ENGINE = Engine("sparse", train, max_concurrent_runs=os.cpu_count() or 1)
