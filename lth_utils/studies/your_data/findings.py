"""What the runs of a study found: which tasks hang together, on which inputs, at what score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import networkx as nx
import numpy as np
import pandas as pd

from lth_utils.config import RunSpec, SpecError, run_id
from lth_utils.data import Task
from lth_utils.runs.history import History
from lth_utils.runs.store import Store
from lth_utils.studies import statistics
from lth_utils.studies.your_data.controls import inputs_of_tasks, partitions, random_partitions
from lth_utils.studies.your_data.plan import Asked

RANDOM_MASKS = 20
"""Random masks per run."""


@dataclass(frozen=True)
class Found:
    """One run at the level that is looked at.

    Attributes:
        run: its id.
        level: the last level that is intact and at which each task scores, on the split that stops
            training, at most the tolerance below the dense network.
        weights: available there.
        status: of the mask there.
        together: bool ``[K, K]``, which tasks share a subnetwork.
        inputs: bool ``[K, I]``, which inputs reach each task.
        watched: mean score on the split that stops training.
        dense: score of each task on the test split before pruning, ``[K]``.
        score: the same at the level.
        random: of random masks with as many weights in each layer, how many join the tasks in each
            way, as :func:`bits` writes it.
    """

    run: str
    level: int
    weights: int
    status: str
    together: np.ndarray
    inputs: np.ndarray
    watched: float
    dense: np.ndarray
    score: np.ndarray
    random: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Findings:
    """What all runs of a study say together.

    Attributes:
        tasks: K of them.
        input_names: of the inputs.
        runs: what each run found.
        together: share of the runs in which two tasks share a subnetwork, ``[K, K]``.
        inputs: share of the runs in which an input reaches a task, ``[K, I]``.
        groups: positions of the tasks that share a subnetwork in more than half of the runs.
        agreeing: number of runs in which exactly these groups are apart.
        random: how many random masks are apart so, and how many were drawn.
        shuffled: the same of the runs on shuffled labels, or None.
    """

    tasks: tuple[Task, ...]
    input_names: tuple[str, ...]
    runs: list[Found]
    together: np.ndarray
    inputs: np.ndarray
    groups: list[list[int]]
    agreeing: int
    random: tuple[int, int]
    shuffled: tuple[int, int] | None = None

    @property
    def sure(self) -> tuple[float, float, float]:
        """Share of the runs that agree, with its interval."""
        return statistics.share(self.agreeing, len(self.runs))

    @property
    def differences(self) -> np.ndarray:
        """Score of each run and task at its level less that of its dense network, ``[runs, K]``."""
        return np.stack([found.score - found.dense for found in self.runs])

    @property
    def beats_controls(self) -> bool | None:
        """Whether more runs agree than each control has; None if all tasks hang together.

        By Fisher's exact test at 5 % for each control.
        """
        if len(self.groups) == 1:
            return None
        controls = [self.random] + ([self.shuffled] if self.shuffled else [])
        for count, total in controls:
            more = self.agreeing / len(self.runs) > count / total
            p = statistics.fisher_test((self.agreeing, count), (len(self.runs), total))
            if not more or p > 0.05:
                return False
        return True

    def best(self) -> Found:
        """The run that agrees with the groups, if any does, and scores highest."""
        wanted = joined(self.groups, len(self.tasks))
        agreeing = [found for found in self.runs if np.array_equal(found.together, wanted)]
        return max(agreeing or self.runs, key=lambda found: found.watched)

    def table(self) -> pd.DataFrame:
        """One row per run: ``run, level, weights, status, groups`` and each task's scores."""
        rows = []
        for found in self.runs:
            row = {"run": found.run, "level": found.level, "weights": found.weights}
            row |= {"status": found.status, "groups": len(groups_of(found.together))}
            for k, task in enumerate(self.tasks):
                row[f"{task.score_name} of {task.name}"] = found.score[k]
                row[f"dense {task.score_name} of {task.name}"] = found.dense[k]
            rows.append(row)
        return pd.DataFrame(rows)


def groups_of(together: np.ndarray) -> list[list[int]]:
    """Tasks that hang together, directly or through others; in the order of the first of each."""
    graph = nx.from_numpy_array(together)
    return sorted(sorted(part) for part in nx.connected_components(graph))


def joined(groups: Sequence[Sequence[int]], n_tasks: int) -> np.ndarray:
    """bool ``[K, K]``: whether two tasks are in one of the groups."""
    together = np.zeros((n_tasks, n_tasks), dtype=bool)
    for group in groups:
        together[np.ix_(group, group)] = True
    return together


def find(asked: Asked, store: Store, tolerance: float = 0.02) -> Findings:
    """What the finished runs of a study say.

    Args:
        asked: its runs.
        store: where they are.
        tolerance: how far the score of a task may fall below the dense network's.

    Raises:
        StoreError: a run is not finished.
    """
    runs, others = [
        [look(spec, store.history(run_id(spec)), tolerance) for spec in specs]
        for specs in (asked.runs, asked.controls)
    ]
    return together_with(runs, others, asked.data.tasks, asked.data.input_names)


def together_with(
    runs: Sequence[Found],
    controls: Sequence[Found],
    tasks: Sequence[Task],
    input_names: Sequence[str] = (),
) -> Findings:
    """What several networks say together.

    Args:
        runs: one per network, at least one.
        controls: the same of networks on shuffled labels.
        tasks: K of them.
        input_names: of the inputs.

    Raises:
        SpecError: there are no runs.
    """
    if not runs:
        raise SpecError("a study has at least one run")
    together = np.stack([found.together for found in runs]).mean(0)
    np.fill_diagonal(together, 1)
    groups = groups_of(together > 0.5)
    wanted = joined(groups, len(tasks))
    by_chance = n_random = 0
    for found in runs:
        by_chance += sum(n for text, n in found.random.items() if text == bits(wanted))
        n_random += sum(found.random.values())
    same = sum(np.array_equal(found.together, wanted) for found in controls)
    return Findings(
        tasks=tuple(tasks),
        input_names=tuple(input_names),
        runs=list(runs),
        together=together,
        inputs=np.stack([found.inputs for found in runs]).mean(0),
        groups=groups,
        agreeing=sum(np.array_equal(found.together, wanted) for found in runs),
        random=(by_chance, n_random),
        shuffled=(same, len(controls)) if controls else None,
    )


def bits(values: np.ndarray) -> str:
    """A bool matrix as text: a word per row, x for True and a point for False."""
    return " ".join("".join(".x"[int(value)] for value in row) for row in values)


def matrix(text: str) -> np.ndarray:
    """The matrix of :func:`bits`.

    >>> matrix("x. .x").astype(int).tolist()
    [[1, 0], [0, 1]]
    """
    return np.array([[letter == "x" for letter in word] for word in text.split()])


def look(spec: RunSpec, history: History, tolerance: float) -> Found:
    """One run at the last level that is intact and about as good as the dense network."""
    rows = history.rows
    names = [f"{task.score_name}_{task.name}" for task in history.tasks]
    validation = [f"validation_{task.name}" for task in history.tasks]
    watched = rows[validation if validation[0] in rows else names].to_numpy(float)
    level = 0
    for n, status in enumerate(rows["status"]):
        if status != "degraded" and (watched[n] >= watched[0] - tolerance).all():
            level = n
    masks = history.ticket(level).masks
    random = random_partitions(masks, history.tasks, RANDOM_MASKS, spec.seed)
    return Found(
        run=run_id(spec),
        level=level,
        weights=int(rows["available"].iloc[level]),
        status=str(rows["status"].iloc[level]),
        together=partitions(masks, history.tasks)[0],
        inputs=inputs_of_tasks(masks, history.tasks),
        watched=float(watched[level].mean()),
        dense=rows[names].iloc[0].to_numpy(float),
        score=rows[names].iloc[level].to_numpy(float),
        random=Counter(map(bits, random)),
    )
