"""Data sets: examples, what is known of them, and the tasks."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lth_utils.config import SpecError
from lth_utils.data.arrays import as_examples, as_labels, as_targets, plain_array
from lth_utils.data.tasks import Task, as_tasks, check_tasks, outputs_together, target_columns


@dataclass(frozen=True)
class Dataset:
    """Standardised examples of all tasks.

    Arrays, tensors, data frames and lists of other types of number are converted where nothing is
    lost (see ``data.arrays``).

    Args:
        x_train: float32 ``[B, I]``, finite.
        y_train: int64 class labels ``[B, K]``, from 0. Where a task is no choice of one class, or
            labels are missing, float32 ``[B, T]``: the columns of each task in turn, one for a
            class, one per output for several labels (0 or 1) and for real values; NaN is missing.
        x_test: as `x_train`.
        y_test: as `y_train`.
        tasks: K of them.
        x_validation: as `x_train`, or None: then training stops early by the test split.
        y_validation: as `y_train`.
        input_names: names of the inputs, or nothing.

    Raises:
        SpecError: arrays or tasks that do not fit each other, or values out of range.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    tasks: tuple[Task, ...]
    x_validation: np.ndarray | None = None
    y_validation: np.ndarray | None = None
    input_names: tuple[str, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "tasks", as_tasks(self.tasks))
        if (self.x_validation is None) != (self.y_validation is None):
            raise SpecError("x_validation and y_validation go together: give both or none")
        for split in self.splits:
            name = f"x_{split}"
            object.__setattr__(self, name, as_examples(getattr(self, name), name))
        check_tasks(self.tasks, *self.ends)
        self._convert_targets()
        for split in self.splits:
            self._check_shapes(split)
            self._check_targets(split)
        names = tuple(map(str, self.input_names))
        if names and len(names) != self.ends[0]:
            raise SpecError(f"{len(names)} names of inputs, and there are {self.ends[0]}")
        object.__setattr__(self, "input_names", names)

    @property
    def splits(self) -> tuple[str, ...]:
        """``train`` and ``test``, and ``validation`` where there is one."""
        return ("train", "test") if self.x_validation is None else ("train", "test", "validation")

    @property
    def ends(self) -> tuple[int, int]:
        """Number of inputs and outputs a network for this data must have."""
        return self.x_train.shape[1], sum(len(t.outputs) for t in self.tasks)

    @property
    def n_bytes(self) -> int:
        """Size of its examples and labels."""
        names = [f"{end}_{split}" for end in "xy" for split in self.splits]
        return sum(getattr(self, name).nbytes for name in names)

    @property
    def is_classes(self) -> bool:
        """Whether every task is a choice of one class and every label is known: int64 labels."""
        return self.y_train.dtype == np.int64

    @property
    def scored_by_accuracy(self) -> bool:
        """Whether every task's score is an accuracy."""
        return all(task.score_name == "accuracy" for task in self.tasks)

    @functools.cached_property
    def watched(self) -> Dataset:
        """The data set as engines see it.

        Early stopping is by its test split, and the outputs of each task stand together.
        """
        tasks = outputs_together(self.tasks)
        watched = self if tasks == self.tasks else replace(self, tasks=tasks)
        if self.x_validation is None or self.y_validation is None:
            return watched
        return replace(
            watched,
            x_test=self.x_validation,
            y_test=self.y_validation,
            x_validation=None,
            y_validation=None,
        )

    def _convert_targets(self):
        """Labels to int64 where all are classes, else labels and values to float32."""
        names = [f"y_{split}" for split in self.splits]
        classes = all(task.kind in ("binary", "classes") for task in self.tasks)
        known = not any(_has_gaps(getattr(self, name)) for name in names)
        convert = as_labels if classes and known else as_targets
        for name in names:
            object.__setattr__(self, name, convert(getattr(self, name), name))

    def _check_shapes(self, split: str):
        """As many rows of labels as of examples, and all columns."""
        x, y = getattr(self, f"x_{split}"), getattr(self, f"y_{split}")
        n_inputs, n_targets = self.x_train.shape[1], sum(task.n_targets for task in self.tasks)
        if x.shape[1] != n_inputs or y.shape != (len(x), n_targets):
            raise SpecError(
                f"x_{split} {x.shape} and y_{split} {y.shape}; expected [B, {n_inputs}] "
                f"and [B, {n_targets}] with the same B of 1 or more"
            )

    def _check_targets(self, split: str):
        """Labels of the tasks' classes, and some of each column."""
        y = getattr(self, f"y_{split}")
        for task, columns in zip(self.tasks, target_columns(self.tasks), strict=True):
            own = y[:, columns]
            known = own if y.dtype == np.int64 else own[~np.isnan(own)]
            if y.dtype != np.int64 and np.isnan(own).all(0).any():
                raise SpecError(f"y_{split}: task {task.name} has a column without any label")
            if task.kind == "regression":
                continue
            low, high = known.min(), known.max()
            whole = y.dtype == np.int64 or (known == np.floor(known)).all()
            if low < 0 or high >= task.classes or not whole:
                raise SpecError(
                    f"y_{split}: labels of task {task.name} span {low}…{high}; "
                    f"allowed: whole numbers 0…{task.classes - 1} ({task.kind})"
                )


def _has_gaps(labels) -> bool:
    """Whether labels are missing in what arrived, which may be anything."""
    try:
        array = plain_array(labels, "labels")
    except SpecError:  # said with its name when it is converted
        return False
    return array.dtype.kind == "f" and bool(np.isnan(array).any())


def labelled_shares(y: np.ndarray, tasks: Sequence[Task]) -> np.ndarray:
    """Which share of the examples has a label, float64 ``[T]`` over the columns of `y`."""
    if y.dtype == np.int64:
        return np.ones(sum(task.n_targets for task in tasks))
    return 1 - np.isnan(y).mean(0)
