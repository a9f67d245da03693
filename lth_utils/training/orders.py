"""Batch orders: drawn once for each seed, and kept while there is room for them."""

from __future__ import annotations

import copy
import functools
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from lth_utils.config import rng

KEPT_BYTES, UNUSED = 2**29, 20.0
"""See :class:`BatchOrders`: on a device, where many seeds are trained side by side."""

CPU_BYTES, CPU_UNUSED = 2**26, 2.0
"""The same on the CPU, where a few seeds are, and each asks several times a second."""


class Drawing(Protocol):
    """What asks for batch orders: a member in training."""

    seed: int
    record: list
    stream: np.random.Generator | None


@dataclass
class _Kept:
    """The orders of a seed's first epochs, and the stream that draws those after them."""

    stream: np.random.Generator
    orders: list[np.ndarray] = field(default_factory=list)
    used: float = 0.0


class BatchOrders:
    """Each seed's batch orders. What is kept decides the time, never the orders.

    Any number of threads may ask at once.

    Args:
        n_examples: size of the training split.
        kept_bytes: how much is kept for the next level.
        unused: seconds after which the orders of a seed make room for those of others.
    """

    def __init__(self, n_examples: int, kept_bytes: int = KEPT_BYTES, unused: float = UNUSED):
        self.n_examples = n_examples
        self.kept_bytes = kept_bytes
        self.unused = unused
        self.lock = threading.Lock()
        self.kept: OrderedDict[int, _Kept] = OrderedDict()
        self.n_kept = 0
        """How many orders are kept, of all seeds together."""

    def __call__(self, job: Drawing, count: int) -> np.ndarray:
        """Permutations of the epochs that a job trains next, int32 ``[count, N]``.

        Args:
            job: has trained as many epochs as there are rows in its record.
            count: number of epochs.
        """
        if job.stream is None:
            with self.lock:
                first, kept = len(job.record), self._kept_of(job.seed)
                while len(kept.orders) < first + count and self._make_room():
                    kept.orders.append(self._draw(kept.stream))
                    self.n_kept += 1
                if len(kept.orders) >= first + count:
                    return np.stack(kept.orders[first : first + count])
                # no room: from here on the job draws its own, and keeps none
                job.stream = self._stream_at(job, kept)
        return np.stack([self._draw(job.stream) for _ in range(count)])

    def _draw(self, stream: np.random.Generator) -> np.ndarray:
        """The order of the next epoch."""
        return stream.permutation(self.n_examples).astype(np.int32)

    def _kept_of(self, seed: int) -> _Kept:
        """What is kept of a seed, the last used one from now on."""
        if seed not in self.kept:
            self.kept[seed] = _Kept(rng(seed, "batches"))
        self.kept.move_to_end(seed)
        self.kept[seed].used = time.monotonic()
        return self.kept[seed]

    def _make_room(self) -> bool:
        """Whether one more order may be kept; seeds that are not used any more make room."""
        while (self.n_kept + 1) * 4 * self.n_examples > self.kept_bytes:
            oldest = next(iter(self.kept.values()))
            if len(self.kept) == 1 or time.monotonic() - oldest.used < self.unused:
                return False
            self.kept.popitem(last=False)
            self.n_kept -= len(oldest.orders)
        return True

    def _stream_at(self, job: Drawing, kept: _Kept) -> np.random.Generator:
        """A stream of its own for a job, which draws the epoch that it trains next."""
        epochs = len(job.record)
        if len(kept.orders) <= epochs:
            stream, drawn = copy.deepcopy(kept.stream), len(kept.orders)
        else:
            stream, drawn = rng(job.seed, "batches"), 0
        for _ in range(epochs - drawn):
            stream.permutation(self.n_examples)
        return stream


@functools.lru_cache(maxsize=2)
def on_cpu(n_examples: int) -> BatchOrders:
    """The batch orders that all trainings on the CPU share.

    Args:
        n_examples: size of the training split.
    """
    return BatchOrders(n_examples, CPU_BYTES, CPU_UNUSED)
