"""The CPU engine of convolutional networks: the batched engine, one member and thread at a time.

Grouping members into one convolution saves nothing on a CPU (measured for LeNet-5 and batches of
1024: 73 ms per member and step alone, 69 to 96 ms in groups of 2 to 8). Alone, no member waits for
a slower one, and no sum depends on the other members or on the number of threads. A pruned kernel
weight costs as much as an unpruned one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from threading import Event

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import Shape, TrainSpec
from lth_utils.data import Dataset
from lth_utils.training import batched
from lth_utils.training.engine import Engine, train_in_threads


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
    cancel = cancel or Event()
    threads = torch.get_num_threads()

    def train_member(m: int):
        one = slice(m, m + 1)
        return batched.train(
            flat[one], mask[one], shape, seeds[one], data=data, spec=spec, cancel=cancel
        )

    one_thread = {"initializer": torch.set_num_threads, "initargs": (1,)}
    try:
        results = train_in_threads(train_member, len(flat), cancel, **one_thread)
    finally:
        torch.set_num_threads(threads)  # new threads start with the number set last
    trained = torch.cat([values for values, _ in results])
    return trained, [records[0] for _, records in results]


ENGINE = Engine("convolutional", train, max_concurrent_runs=os.cpu_count() or 1)
