"""What waits for a slot on the device: members to train, and the problem that they solve."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import TrainSpec
from lth_utils.data import Dataset
from lth_utils.training.compact import compact
from lth_utils.training.objective import Objective
from lth_utils.training.on_device import on_device
from lth_utils.training.orders import BatchOrders


@dataclass(frozen=True, eq=False)
class Problem:
    """A data set on the device, and how to train on it."""

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor
    objective: Objective
    spec: TrainSpec
    orders: BatchOrders

    @classmethod
    def of(cls, data: Dataset, spec: TrainSpec, device: torch.device) -> Problem:
        """The problem of a data set on a device."""
        arrays = (data.x_train, data.y_train, data.x_test, data.y_test)
        return cls(
            *(on_device(array, device) for array in arrays),
            objective=Objective.of(data, spec.loss),
            spec=spec,
            orders=BatchOrders(len(data.x_train)),
        )


@dataclass(eq=False)
class Job:
    """A member to be trained, compacted when it is made.

    Attributes:
        values: parameters of the full shape, float32 ``[P]``.
        mask: bool ``[W]``.
        shape: the full shape.
        seed: draws the order of the batches.
        data: the examples.
        spec: how to train.
        result: receives the trained parameters ``[P]`` and the record ``[epochs, 3]``, or an error.
        record: the rows of the epochs trained so far.
        compact_shape: the shape that is trained.
        index: int64, where each parameter of the compact shape is in `values`; -1 for padding and
            pruned weights.
        stream: draws the batches beyond those that are kept for the seed.
    """

    values: np.ndarray
    mask: np.ndarray
    shape: tuple[int, ...]
    seed: int
    data: Dataset
    spec: TrainSpec
    result: Future = field(default_factory=Future)
    record: list[list[float]] = field(default_factory=list)
    stream: np.random.Generator | None = None

    def __post_init__(self):
        # penalties of the weights change dead units
        keep_dead = self.spec.weight_decay > 0 or self.spec.l1 > 0
        self.compact_shape, self.index = compact(self.mask, self.shape, keep_dead)

    @property
    def group(self) -> tuple:
        """Equal for jobs that can share a stack."""
        return id(self.data), self.spec, self.compact_shape

    def compact_values(self) -> np.ndarray:
        """The parameters of the compact shape, float32, zero for padding and pruned weights."""
        return np.where(self.index >= 0, self.values[self.index], 0).astype(np.float32)

    def finish(self, trained: np.ndarray):
        """Set the result from the trained parameters of the compact shape."""
        values = self.values.copy()
        used = self.index >= 0
        values[self.index[used]] = trained[: len(self.index)][used]
        with contextlib.suppress(InvalidStateError):  # cancelled a moment ago
            self.result.set_result((values, np.array(self.record)))

    def fail(self, error: BaseException):
        """Set an error for the result, unless there is one or nobody waits for it any more."""
        with contextlib.suppress(InvalidStateError):
            self.result.set_exception(error)
