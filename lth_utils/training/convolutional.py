"""The engine of convolutional networks: the batched engine, one member at a time.

On the CPU compiled loops compute the convolutions, at a cost per unpruned kernel weight: LeNet-5
over ten levels takes half the time that it takes with torch's convolutions. Grouping members into
one convolution saves nothing. Alone, no member waits for a slower one, and no sum depends on the
other members or on the number of threads.

On a graphics card a library may choose another algorithm for another number of members, so members
go one by one there, too, in full float32 and by algorithms that give the same result each time.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import Shape, TrainSpec
from lth_utils.data import Dataset
from lth_utils.networks.layers import Conv, network
from lth_utils.training import batched
from lth_utils.training.engine import Engine, train_in_threads

if TYPE_CHECKING:
    from lth_utils.training.sparse.convolutions import Convolutions

_LOCK = threading.Lock()
_users, _exact = 0, contextlib.ExitStack()


@contextlib.contextmanager
def exact_convolutions(device: torch.device) -> Iterator[None]:
    """Convolutions on CUDA in full float32, the same each time, while any thread is inside.

    cuDNN's settings are those of the process: the first thread sets them, the last one restores
    what was there.

    Args:
        device: where the convolutions are; nothing is set where it is not CUDA.
    """
    global _users
    if device.type != "cuda":
        yield
        return
    with _LOCK:
        if not _users:
            _exact.enter_context(
                torch.backends.cudnn.flags(
                    enabled=torch.backends.cudnn.enabled,
                    benchmark=False,
                    deterministic=True,
                    allow_tf32=False,
                )
            )
        _users += 1
    try:
        yield
    finally:
        with _LOCK:
            _users -= 1
            if not _users:
                _exact.close()


def train(
    flat: Tensor,
    mask: Tensor,
    shape: Shape,
    seeds: Sequence[int],
    data: Dataset,
    spec: TrainSpec,
    cancel: Event | None = None,
) -> tuple[Tensor, list[np.ndarray]]:
    """Train each member alone, on the CPU as many at once as torch may use threads.

    See ``TrainFunction``.
    """
    on_cpu = flat.device.type == "cpu"
    compiled = _compiled() if on_cpu and _in_two_axes(shape) else None

    def train_member(m: int, stop: Event | None):
        one = slice(m, m + 1)
        return batched.train(
            flat[one],
            mask[one],
            shape,
            seeds[one],
            data=data,
            spec=spec,
            cancel=stop,
            convolutions=compiled(mask[m].numpy(), shape) if compiled else None,
        )

    if on_cpu:
        results = _in_threads(train_member, len(flat), cancel)
    else:
        with exact_convolutions(flat.device):
            results = [train_member(m, cancel) for m in range(len(flat))]
    trained = torch.cat([values for values, _ in results])
    return trained, [records[0] for _, records in results]


def _in_two_axes(shape: Shape) -> bool:
    """Whether a network begins with convolutions, all of the kind that is compiled."""
    net = network(shape)
    return net.front > 0 and all(isinstance(layer, Conv) for layer in net.layers[: net.front])


@functools.cache
def _compiled() -> type[Convolutions] | None:
    """The compiled convolutions; None where numba is missing or broken, which is warned about."""
    try:
        from lth_utils.training.sparse.convolutions import Convolutions
    except Exception as error:  # it takes many forms
        warnings.warn(
            f"numba cannot be used ({type(error).__name__}: {error}); "
            "torch computes the convolutions, more slowly",
            RuntimeWarning,
            stacklevel=3,
        )
        return None
    return Convolutions


def _in_threads(train_member, n_members: int, cancel: Event | None) -> list:
    """Train members on the CPU, each with one thread."""
    threads = torch.get_num_threads()
    one_thread = {"initializer": torch.set_num_threads, "initargs": (1,)}
    try:
        return train_in_threads(train_member, n_members, cancel, **one_thread)
    finally:
        torch.set_num_threads(threads)  # new threads start with the number set last


ENGINE = Engine("convolutional", train, max_concurrent_runs=os.cpu_count() or 1)
