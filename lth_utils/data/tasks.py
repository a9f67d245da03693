"""Tasks and data sets: which inputs and outputs belong to which problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lth_utils.config import SpecError


@dataclass(frozen=True)
class Task:
    """A problem's own inputs and outputs: two ranges of positions (step 1, not empty)."""

    name: str
    inputs: range
    outputs: range

    def __post_init__(self):
        for what in ("inputs", "outputs"):
            positions = getattr(self, what)
            if (
                not isinstance(positions, range)
                or positions.step != 1
                or not len(positions)
                or positions.start < 0
            ):
                raise SpecError(
                    f"task {self.name}: {what} is {positions!r}; "
                    "expected a range of step 1 that starts at 0 or later and is not empty"
                )

    @property
    def classes(self) -> int:
        """Number of classes: 2 for a single (sigmoid) output, else the number of outputs."""
        return max(2, len(self.outputs))


def check_tasks(tasks: Sequence[Task], n_inputs: int, n_outputs: int):
    """Raise :class:`SpecError` unless no input or output has two owners and all lie within the network's ends.

    Inputs that belong to no task are allowed (distractors).
    """
    if not tasks:
        raise SpecError("no task given; a data set has at least one")
    names = [t.name for t in tasks]
    if len(set(names)) < len(names):
        raise SpecError(f"tasks share a name: {', '.join(names)}")
    for what, size in (("inputs", n_inputs), ("outputs", n_outputs)):
        owner: dict[int, str] = {}
        for task in tasks:
            for position in getattr(task, what):
                if position in owner:
                    raise SpecError(
                        f"tasks {owner[position]} and {task.name} overlap in {what} at {position}"
                    )
                owner[position] = task.name
            if getattr(task, what).stop > size:
                raise SpecError(
                    f"task {task.name}: {what} reach to {getattr(task, what).stop}, the network has {size} {what}"
                )


@dataclass(frozen=True)
class Dataset:
    """Standardised examples of all tasks.

    x_train, x_test: float32 ``[B, I]``; y_train, y_test: int64 class labels ``[B, K]``;
    tasks: K of them.  ``check`` has passed: finite, labels in range, tasks fit.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    tasks: tuple[Task, ...]

    def __post_init__(self):
        object.__setattr__(self, "tasks", tuple(self.tasks))
        check_tasks(self.tasks, self.x_train.shape[1], sum(len(t.outputs) for t in self.tasks))
        for part in ("train", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if (
                x.ndim != 2
                or not len(x)
                or y.shape != (len(x), len(self.tasks))
                or x.shape[1] != self.x_train.shape[1]
            ):
                raise SpecError(
                    f"x_{part} {x.shape} and y_{part} {y.shape}; expected [B, {self.x_train.shape[1]}] "
                    f"and [B, {len(self.tasks)}] with the same B of 1 or more"
                )
            if not np.isfinite(x).all():
                row, column = np.argwhere(~np.isfinite(x))[0]
                raise SpecError(
                    f"x_{part}[{row}, {column}] is {x[row, column]}; data must be finite"
                )
            for k, task in enumerate(self.tasks):
                if y[:, k].min() < 0 or y[:, k].max() >= task.classes:
                    raise SpecError(
                        f"y_{part}: labels of task {task.name} span {y[:, k].min()}…{y[:, k].max()}; "
                        f"allowed: 0…{task.classes - 1}"
                    )

    @property
    def ends(self) -> tuple[int, int]:
        """Number of inputs and outputs a network for this data must have."""
        return self.x_train.shape[1], sum(len(t.outputs) for t in self.tasks)
