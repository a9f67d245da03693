"""Tasks: which inputs and outputs of a network belong to which problem, and of what kind it is."""

from __future__ import annotations

import itertools
import math
import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lth_utils.config import SpecError, choose, coerce

KINDS = ("binary", "classes", "multilabel", "regression")
"""Kinds of tasks: one class of two, one class of several, several labels, real values."""

Positions = Sequence[int]
"""Places among inputs or outputs: a range where they stand together, or names of columns."""


@dataclass(frozen=True)
class Task:
    """A problem's own inputs and outputs.

    Args:
        name: its name in tables and figures, one line of text.
        inputs: its positions among the network's inputs, a range or any list of them, each once;
            or names of columns, which ``lth.from_frame`` replaces by positions. Inputs may be
            those of other tasks, too. An empty list says that they are unknown: then the task is
            covered where its outputs are.
        outputs: its positions among the network's outputs, likewise, of this task alone.
        kind: ``binary`` (one output, a sigmoid), ``classes`` (an output per class, a softmax),
            ``multilabel`` (a sigmoid per output) or ``regression`` (a real value per output);
            ``auto`` is ``binary`` for one output and ``classes`` for several.
        weight: of its loss beside those of other tasks, above 0.

    Raises:
        SpecError: anything else, or a kind that does not go with the number of outputs.
    """

    name: str
    inputs: Positions
    outputs: Positions
    kind: str = "auto"
    weight: float = 1.0
    declared: str = field(init=False, compare=False, repr=False)

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name.strip() or not self.name.isprintable():
            raise SpecError(f"the name of a task is {self.name!r}; expected one line of text")
        for what in ("inputs", "outputs"):
            positions = getattr(self, what)
            if what == "inputs" and isinstance(positions, (tuple, list)) and not positions:
                object.__setattr__(self, what, ())
                continue
            object.__setattr__(self, what, _positions(positions, f"{self.name}: {what}"))
        weight = coerce(self.weight, float, f"task {self.name}: weight")
        if weight <= 0:
            raise SpecError(f"task {self.name}: weight is {weight}; allowed: above 0")
        object.__setattr__(self, "weight", weight)
        choose(self.kind, ("auto", *KINDS), f"task {self.name}: kind")
        object.__setattr__(self, "declared", self.kind)
        if self.is_named or self.kind not in ("auto", "binary", "classes"):
            return
        several = len(self.outputs) > 1
        of_number = "classes" if several else "binary"
        if self.kind not in ("auto", of_number):
            raise SpecError(
                f"task {self.name} of kind {self.kind} has {len(self.outputs)} outputs; "
                "binary has one, classes has one for each class"
            )
        object.__setattr__(self, "kind", of_number)

    @property
    def is_named(self) -> bool:
        """Whether columns stand by name, so that positions are not known yet."""
        return any(isinstance(value, str) for value in (*self.inputs[:1], self.outputs[0]))

    @property
    def classes(self) -> int:
        """Number of classes: 2 for sigmoids, the number of outputs for a softmax, else 0."""
        counts = {"binary": 2, "classes": len(self.outputs), "multilabel": 2, "regression": 0}
        return counts[self.kind]

    @property
    def n_targets(self) -> int:
        """Columns of labels or values: one for a class, else one per output."""
        return 1 if self.kind in ("binary", "classes") else len(self.outputs)

    @property
    def score_name(self) -> str:
        """``accuracy`` (share of right labels), or ``score`` (R²) of a regression."""
        return "score" if self.kind == "regression" else "accuracy"

    def predict(self, logits: np.ndarray) -> np.ndarray:
        """What the network says of each example.

        A sigmoid says class 1 above logit 0. Of a softmax the largest logit decides.

        Args:
            logits: real ``[B, O]``, those of all outputs of the network.

        Returns:
            Classes int64 ``[B]``; of several labels bool ``[B, outputs]``; of a regression the
            values ``[B, outputs]`` themselves.
        """
        own = logits[:, index(self.outputs)]
        if self.kind == "binary":
            return (own[:, 0] > 0).astype(np.int64)
        if self.kind == "classes":
            return own.argmax(1)
        return own > 0 if self.kind == "multilabel" else own


def _positions(given, what: str) -> Positions:
    """Positions or names brought to one form: a range where they stand together."""
    wrong = SpecError(
        f"{what} are {repr(given)[:80]}; expected positions from 0, each once, as a range or a "
        "list, or names of columns"
    )
    if isinstance(given, np.ndarray) and given.ndim == 1:
        given = given.tolist()
    if not isinstance(given, (range, list, tuple)) or not len(given):
        raise wrong
    if isinstance(given, range) and given.step == 1 and given.start >= 0:
        return given
    if len(set(map(str, given))) < len(given):
        raise wrong
    if all(isinstance(value, str) and value for value in given):
        return tuple(given)
    integral = [isinstance(v, numbers.Integral) and not isinstance(v, bool) for v in given]
    if not all(integral) or min(given) < 0:
        raise wrong
    plain = tuple(int(value) for value in given)
    together = range(plain[0], plain[0] + len(plain))
    return together if plain == tuple(together) else plain


def index(positions: Positions) -> slice | list[int]:
    """What picks these positions of an axis: a slice where they stand together."""
    if isinstance(positions, range):
        return slice(positions.start, positions.stop)
    return [int(position) for position in positions]


def end(positions: Positions) -> int:
    """One past the last position."""
    if isinstance(positions, range):
        return positions.stop
    return max(map(int, positions), default=-1) + 1


def shared_inputs(tasks: Sequence[Task]) -> list[int]:
    """Positions of the inputs that several tasks own, ascending."""
    owners: dict[int, int] = {}
    spans = [task.inputs for task in tasks]
    ordered = sorted((s for s in spans if isinstance(s, range)), key=lambda span: span.start)
    apart = all(a.stop <= b.start for a, b in itertools.pairwise(ordered))
    if len(ordered) == len(spans) and apart:  # in the usual case nothing is counted
        return []
    for span in spans:
        for position in span:
            owners[int(position)] = owners.get(int(position), 0) + 1
    return sorted(position for position, count in owners.items() if count > 1)


def target_columns(tasks: Sequence[Task]) -> list[slice]:
    """Per task its columns of labels or values."""
    columns, first = [], 0
    for task in tasks:
        columns.append(slice(first, first + task.n_targets))
        first += task.n_targets
    return columns


def outputs_together(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The same tasks where each one's outputs stand together, else with outputs renumbered."""
    if all(isinstance(task.outputs, range) for task in tasks):
        return tuple(tasks)
    ordered, first = [], 0
    for task in tasks:
        ordered.append(replace(task, outputs=range(first, first + len(task.outputs))))
        first += len(task.outputs)
    return tuple(ordered)


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
    """Refuse tasks that do not fit a network or each other.

    Inputs that belong to no task (distractors) or to several are allowed.

    Args:
        tasks: K of them.
        n_inputs: inputs of the network.
        n_outputs: outputs of the network.

    Raises:
        SpecError: no task, a name twice, an output with two owners, positions beyond the ends, or
            names of columns instead of positions.
    """
    if not tasks:
        raise SpecError("no task given; a data set has at least one")
    names = [t.name for t in tasks]
    if len(set(names)) < len(names):
        raise SpecError(f"tasks share a name: {', '.join(names)}")
    owner: dict[int, str] = {}
    for task in tasks:
        if task.is_named:
            raise SpecError(
                f"task {task.name} names columns, whose positions only lth.from_frame knows"
            )
        for what, size in (("inputs", n_inputs), ("outputs", n_outputs)):
            reach = end(getattr(task, what))
            if reach > size:
                raise SpecError(
                    f"task {task.name}: {what} reach to {reach}, the network has {size} {what}"
                )
        for position in map(int, task.outputs):
            if position in owner:
                raise SpecError(
                    f"tasks {owner[position]} and {task.name} overlap in outputs at {position}"
                )
            owner[position] = task.name


def tasks_to_plain(tasks: Sequence[Task]) -> list[dict]:
    """Tasks as plain values; positions are a list of ranges, each by its two ends.

    >>> tasks_to_plain([Task("moons", [3, 2], range(1, 2))])
    [{'name': 'moons', 'inputs': [[3, 4], [2, 3]], 'outputs': [[1, 2]]}]
    """
    plain = []
    for task in tasks:
        entry: dict = {"name": task.name}
        for what in ("inputs", "outputs"):
            positions = getattr(task, what)
            spans = [positions] if isinstance(positions, range) else _spans(positions)
            entry[what] = [[span.start, span.stop] for span in spans]
        if task.kind in ("multilabel", "regression"):
            entry["kind"] = task.kind
        if task.weight != 1:
            entry["weight"] = task.weight
        plain.append(entry)
    return plain


def _spans(positions) -> list[range]:
    """Positions as ranges of neighbours, in their order."""
    spans: list[range] = []
    for position in positions:
        if spans and spans[-1].stop == position:
            spans[-1] = range(spans[-1].start, position + 1)
        else:
            spans.append(range(position, position + 1))
    return spans


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
        extra = entry.keys() - {"name", "inputs", "outputs", "kind", "weight"}
        if extra or not {"name", "inputs", "outputs"} <= entry.keys():
            raise SpecError(f"a task has {', '.join(entry)}; expected name, inputs, outputs")
        places = []
        for what in ("inputs", "outputs"):
            spans = coerce(entry[what], tuple[tuple[int, ...], ...], f"{what} of a task")
            if not all(len(span) == 2 and 0 <= span[1] - span[0] < math.inf for span in spans):
                raise SpecError(f"{what} of a task are {entry[what]!r}; expected ranges")
            if sum(stop - start for start, stop in spans) > LARGEST:
                raise SpecError(f"{what} of a task are {entry[what]!r}, more than {LARGEST}")
            places.append([n for span in spans for n in range(*span)])
        kind, weight = entry.get("kind", "auto"), entry.get("weight", 1.0)
        inputs, outputs = places
        tasks.append(Task(entry["name"], inputs, outputs, kind, weight))
    return tuple(tasks)


LARGEST = 10**7
"""Most positions of a task that is read from a file, which may be damaged."""
