"""The CPU engine of convolutional networks behind ``population.train``: each member trains alone, from a thread of its own.

It is ``_dense`` for one member at a time.  Grouping members into one convolution saves nothing on a CPU
(measured: 73 ms per member and step alone, 69 to 96 ms grouped by 2 to 8, for LeNet-5 and batches of 1024),
and alone nobody waits and no sum depends on the company or the number of threads.  A pruned kernel
weight costs what the others do.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import torch
from torch import Tensor

from lth_utils.config import Shape, TrainSpec
from lth_utils.data import Dataset
from lth_utils.training import batched

IN_FLIGHT = os.cpu_count() or 1


def train(
    flat: Tensor,
    mask: Tensor,
    shape: Shape,
    seeds,
    data: Dataset,
    spec: TrainSpec,
    cancel: Event | None = None,
):
    """Train members ``[M, P]`` on the CPU, as many at once as torch may use threads; see ``_dense.train``."""
    cancel, threads = cancel or Event(), torch.get_num_threads()

    def alone(m: int):
        return batched.train(
            flat[m : m + 1], mask[m : m + 1], shape, seeds[m : m + 1], data, spec, cancel
        )

    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            results = list(pool.map(alone, range(len(flat))))
        except BaseException:
            cancel.set()
            raise
        finally:
            torch.set_num_threads(threads)  # what threads to come begin with
    return torch.cat([values for values, _ in results]), [curves[0] for _, curves in results]
