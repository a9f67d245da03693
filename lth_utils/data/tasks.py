"""Tasks and data sets: which inputs and outputs belong to which problem."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lth_utils.config import SpecError, coerce
from lth_utils.data.arrays import as_examples, as_labels


@dataclass(frozen=True)
class Task:
    """A problem's own inputs and outputs.

    Args:
        name: its name in tables and figures, one line of text.
        inputs: its positions among the network's inputs, a range of step 1 that is not empty.
        outputs: its positions among the network's outputs, likewise. One output is a sigmoid,
            several are a softmax.

    Raises:
        SpecError: the name is no line of text, or positions are no such range.
    """

    name: str
    inputs: range
    outputs: range

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name.strip() or not self.name.isprintable():
            raise SpecError(f"the name of a task is {self.name!r}; expected one line of text")
        for what in ("inputs", "outputs"):
            positions = getattr(self, what)
            is_range = isinstance(positions, range) and positions.step == 1
            if not is_range or not len(positions) or positions.start < 0:
                raise SpecError(
                    f"task {self.name}: {what} is {positions!r}; "
                    "expected a range of step 1 that starts at 0 or later and is not empty"
                )

    @property
    def classes(self) -> int:
        """Number of classes: 2 for a single (sigmoid) output, else the number of outputs."""
        return max(2, len(self.outputs))

    def predict(self, logits: np.ndarray) -> np.ndarray:
        """The most likely class of each example.

        A single output is class 1 above logit 0. Of several outputs the largest logit decides.

        Args:
            logits: real ``[B, O]``, those of all outputs of the network.

        Returns:
            int64 ``[B]``.
        """
        own = logits[:, self.outputs.start : self.outputs.stop]
        if len(self.outputs) == 1:
            return (own[:, 0] > 0).astype(np.int64)
        return own.argmax(1)


def as_tasks(tasks) -> tuple[Task, ...]:
    """One task, or several in any sequence, as a tuple.

    Raises:
        SpecError: anything else.
    """
    if isinstance(tasks, Task):
        return (tasks,)
    if isinstance(tasks, (str, bytes, dict)) or not isinstance(tasks, Iterable):
        raise SpecError(f"tasks are {tasks!r}; expected a list of Task objects")
    found = tuple(tasks)
    for task in found:
        if not isinstance(task, Task):
            raise SpecError(f"among the tasks is {task!r}; expected a Task")
    return found


def check_tasks(tasks: Sequence[Task], n_inputs: int, n_outputs: int):
    """Refuse tasks that overlap or do not fit a network.

    Inputs that belong to no task are allowed (distractors).

    Args:
        tasks: K of them.
        n_inputs: inputs of the network.
        n_outputs: outputs of the network.

    Raises:
        SpecError: no task, a name twice, an input or output with two owners or beyond the ends.
    """
    if not tasks:
        raise SpecError("no task given; a data set has at least one")
    names = [t.name for t in tasks]
    if len(set(names)) < len(names):
        raise SpecError(f"tasks share a name: {', '.join(names)}")
    for what, size in (("inputs", n_inputs), ("outputs", n_outputs)):
        owner: dict[int, str] = {}
        for task in tasks:
            positions = getattr(task, what)
            for position in positions:
                if position in owner:
                    raise SpecError(
                        f"tasks {owner[position]} and {task.name} overlap in {what} at {position}"
                    )
                owner[position] = task.name
            if positions.stop > size:
                raise SpecError(
                    f"task {task.name}: {what} reach to {positions.stop}, "
                    f"the network has {size} {what}"
                )


def tasks_to_plain(tasks: Sequence[Task]) -> list[dict]:
    """Tasks as plain values; positions are a list of ranges, each by its two ends.

    >>> tasks_to_plain([Task("moons", range(2, 4), range(1, 2))])
    [{'name': 'moons', 'inputs': [[2, 4]], 'outputs': [[1, 2]]}]
    """
    plain = []
    for task in tasks:
        ends = {}
        for what in ("inputs", "outputs"):
            positions = getattr(task, what)
            ends[what] = [[positions.start, positions.stop]]
        plain.append({"name": task.name, **ends})
    return plain


def tasks_from_plain(plain) -> tuple[Task, ...]:
    """The tasks of :func:`tasks_to_plain`.

    Args:
        plain: what was read of a file, which may hold anything.

    Raises:
        SpecError: these are no tasks.
    """
    if not isinstance(plain, list) or not all(isinstance(entry, dict) for entry in plain):
        raise SpecError(f"tasks are {plain!r}; expected a list of mappings")
    tasks = []
    for entry in plain:
        if entry.keys() != {"name", "inputs", "outputs"}:
            raise SpecError(f"a task has {', '.join(entry)}; expected name, inputs, outputs")
        ranges = {}
        for what in ("inputs", "outputs"):
            ends = coerce(entry[what], tuple[tuple[int, ...], ...], f"{what} of a task")
            if len(ends) != 1 or len(ends[0]) != 2:
                raise SpecError(f"{what} of a task are {entry[what]!r}; expected one range")
            ranges[what] = range(*ends[0])
        tasks.append(Task(entry["name"], **ranges))
    return tuple(tasks)


@dataclass(frozen=True)
class Dataset:
    """Standardised examples of all tasks.

    Arrays, tensors, data frames and lists of other types of number are converted where nothing is
    lost (see ``data.arrays``).

    Args:
        x_train: float32 ``[B, I]``, finite.
        y_train: int64 class labels ``[B, K]``, from 0.
        x_test: as `x_train`.
        y_test: as `y_train`.
        tasks: K of them.

    Raises:
        SpecError: arrays or tasks that do not fit each other, or values out of range.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    tasks: tuple[Task, ...]

    def __post_init__(self):
        for split in ("train", "test"):
            for letter, convert in (("x", as_examples), ("y", as_labels)):
                name = f"{letter}_{split}"
                object.__setattr__(self, name, convert(getattr(self, name), name))
        object.__setattr__(self, "tasks", as_tasks(self.tasks))
        check_tasks(self.tasks, *self.ends)
        for split in ("train", "test"):
            self._check_shapes(split)
            self._check_labels(split)

    def _check_shapes(self, split: str):
        """As many rows of labels as of examples, and all columns."""
        x, y = getattr(self, f"x_{split}"), getattr(self, f"y_{split}")
        n_inputs, n_tasks = self.x_train.shape[1], len(self.tasks)
        if x.shape[1] != n_inputs or y.shape != (len(x), n_tasks):
            raise SpecError(
                f"x_{split} {x.shape} and y_{split} {y.shape}; expected [B, {n_inputs}] "
                f"and [B, {n_tasks}] with the same B of 1 or more"
            )

    def _check_labels(self, split: str):
        """Labels of the tasks' classes."""
        y = getattr(self, f"y_{split}")
        for k, task in enumerate(self.tasks):
            low, high = y[:, k].min(), y[:, k].max()
            if low < 0 or high >= task.classes:
                raise SpecError(
                    f"y_{split}: labels of task {task.name} span {low}…{high}; "
                    f"allowed: 0…{task.classes - 1}"
                )

    @property
    def ends(self) -> tuple[int, int]:
        """Number of inputs and outputs a network for this data must have."""
        return self.x_train.shape[1], sum(len(t.outputs) for t in self.tasks)
