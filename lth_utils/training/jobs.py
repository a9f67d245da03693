"""What waits for a slot on the device: members to train, and their batch orders."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from lth_utils.config import TrainSpec, rng
from lth_utils.training.compact import compact
from lth_utils.training.objective import Objective


@dataclass(frozen=True)
class Problem:
    """A data set on the device, and how to train on it."""

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor
    objective: Objective
    spec: TrainSpec


@dataclass
class Job:
    """A member to be trained, compacted when it is made.

    Attributes:
        values: parameters of the full shape, float32 ``[P]``.
        mask: bool ``[W]``.
        shape: the full shape.
        seed: draws the order of the batches.
        keep_dead: dead units stay, since weight decay changes them.
        result: receives the trained parameters ``[P]`` and the record ``[epochs, 3]``.
        record: the rows of the epochs trained so far.
        compact_shape: the shape that is trained.
        index: int64, where each parameter of the compact shape is in `values`; -1 for padding and
            pruned weights.
    """

    values: np.ndarray
    mask: np.ndarray
    shape: tuple[int, ...]
    seed: int
    keep_dead: bool = False
    result: Future = field(default_factory=Future)
    record: list[list[float]] = field(default_factory=list)

    def __post_init__(self):
        self.compact_shape, self.index = compact(self.mask, self.shape, self.keep_dead)

    def compact_values(self) -> np.ndarray:
        """The parameters of the compact shape, float32, zero for padding and pruned weights."""
        return np.where(self.index >= 0, self.values[self.index], 0).astype(np.float32)

    def finish(self, trained: np.ndarray):
        """Set the result from the trained parameters of the compact shape."""
        values = self.values.copy()
        used = self.index >= 0
        values[self.index[used]] = trained[: len(self.index)][used]
        if not self.result.cancelled():
            self.result.set_result((values, np.array(self.record)))


class BatchOrders:
    """Each seed's batch orders, drawn once and used again at every level.

    Args:
        n_examples: size of the training split.
    """

    def __init__(self, n_examples: int):
        self.n_examples = n_examples
        self.streams: dict[int, np.random.Generator] = {}
        self.drawn: dict[int, list[np.ndarray]] = {}

    def __call__(self, seed: int, first: int, count: int) -> np.ndarray:
        """Permutations of the epochs from `first` on, int32 ``[count, N]``."""
        if seed not in self.streams:
            self.streams[seed] = rng(seed, "batches")
            self.drawn[seed] = []
        stream, drawn = self.streams[seed], self.drawn[seed]
        while len(drawn) < first + count:
            drawn.append(stream.permutation(self.n_examples).astype(np.int32))
        return np.stack(drawn[first : first + count])
