"""Which subnetwork of a model serves which task: the same words as for plain masks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from lth_utils.config import SpecError, choose
from lth_utils.connectivity.any_model.graph import ModelGraph
from lth_utils.connectivity.served import KINDS, Counts, coverage_of, status_of
from lth_utils.data import Task, check_tasks
from lth_utils.data.tasks import as_tasks, end


def unit_tasks(graph: ModelGraph, tasks: Sequence[Task]) -> list[tuple[list[int], list[int]]]:
    """The units of each task's inputs, and of its outputs.

    Args:
        graph: of the model.
        tasks: their inputs count the graph's inputs (features, channels); where they go beyond
            these, the values of one example, flattened, such as pixels.

    Raises:
        SpecError: tasks that do not fit, or one that owns a part of a channel.
    """
    n_units, n_values = len(graph.inputs), len(graph.elements)
    by_value = max((end(task.inputs) for task in tasks), default=0) > n_units
    check_tasks(tasks, n_values if by_value else n_units, len(graph.outputs))
    found = []
    sizes = Counter(graph.elements.tolist()) if by_value else {}
    for task in tasks:
        inputs = [int(graph.inputs[place]) for place in task.inputs] if not by_value else []
        if by_value:
            counted = Counter(int(graph.elements[place]) for place in task.inputs)
            cut = [unit for unit, count in counted.items() if count != sizes[unit]]
            if cut:
                raise SpecError(
                    f"task {task.name} owns {counted[cut[0]]} of the {sizes[cut[0]]} values of "
                    "an input channel; channels share their weights, so a task owns whole ones"
                )
            inputs = list(counted)
        found.append((inputs, [int(graph.outputs[place]) for place in task.outputs]))
    return found


def served(graph: ModelGraph, tasks: Sequence[Task], kind: str = "total") -> tuple[np.ndarray, str]:
    """Coverage ``[J, K]`` and status of a model, as :func:`~lth_utils.connectivity.coverage`.

    Args:
        graph: of the model.
        tasks: K of them, see :func:`unit_tasks`.
        kind: ``total`` or ``output``.

    Raises:
        SpecError: tasks that do not fit, or another `kind`.
    """
    tasks = as_tasks(tasks)
    choose(kind, KINDS, "coverage kind")
    units = unit_tasks(graph, tasks)
    shared = sorted({unit for inputs, _ in units for unit in inputs if _owners(units, unit) > 1})
    labels = graph.labels(shared)
    feeds = _fed(graph, labels, shared)
    numbers = np.arange(labels[graph.outputs].max(initial=-1) + 1)[:, None]
    inputs, outputs = [], []
    for of_task, at in units:
        own = (labels[of_task] == numbers).sum(1)
        for unit in set(of_task) & set(shared):
            own = own + np.isin(numbers[:, 0], feeds[unit])
        inputs.append(own)
        outputs.append((labels[at] == numbers).sum(1))
    counts: Counts = [(np.stack(inputs, 1), np.stack(outputs, 1))]
    sized = [_sized(task, of) for task, of in zip(tasks, units, strict=True)]
    return coverage_of(counts, sized, kind)[0], status_of(counts, sized, kind)[0]


def _owners(units: list[tuple[list[int], list[int]]], unit: int) -> int:
    """How many tasks own an input."""
    return sum(unit in inputs for inputs, _ in units)


def _sized(task: Task, units: tuple[list[int], list[int]]) -> Task:
    """The task with as many inputs as it has units."""
    return Task(task.name, range(len(units[0])) if units[0] else [], task.outputs)


def _fed(graph: ModelGraph, labels: np.ndarray, shared: list[int]) -> dict[int, np.ndarray]:
    """Which subnetworks each shared input feeds."""
    found = {unit: np.zeros(0, int) for unit in shared}
    for sources, targets in graph.edges() if shared else ():
        for unit in shared:
            led = labels[targets[sources == unit]]
            found[unit] = np.union1d(found[unit], led[led >= 0])
    return found
