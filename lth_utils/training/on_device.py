"""The arrays of data sets on a device, copied once; and what a full memory says."""

from __future__ import annotations

import threading
import weakref

import numpy as np
import torch
from torch import Tensor

_COPIES: dict[tuple[int, torch.device], Tensor] = {}
"""Tensors by the ``id`` of their array and the device; an entry goes with its array."""

_LOCK = threading.Lock()

FULL = ("out of memory", "not enough memory", "alloc_failed", "can't allocate memory")
"""What errors say, in small letters, when there is too little memory."""


def on_device(array: np.ndarray, device: torch.device) -> Tensor:
    """An array as a tensor on a device.

    Args:
        array: of a data set; it must not change.
        device: where the tensor is needed. On the CPU it is the array's own memory, elsewhere a
            copy that is made once and kept as long as the array.
    """
    if device.type == "cpu":
        return torch.from_numpy(array)
    key = id(array), device
    with _LOCK:
        if key not in _COPIES:
            _COPIES[key] = torch.from_numpy(array).to(device)
            weakref.finalize(array, _COPIES.pop, key, None).atexit = False
        return _COPIES[key]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, or one that it came from, says that memory is too small.

    A graph's capture that runs out of memory ends in another error, of the capture.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, (MemoryError, torch.cuda.OutOfMemoryError)):
            return True
        if isinstance(seen, RuntimeError) and any(words in str(seen).lower() for words in FULL):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
