"""Sentences on runs and levels, for those who read rather than look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lth_utils.data import Task
from lth_utils.viewer.run import Run

MOST_SUBNETWORKS = 4
"""Subnetworks that are named one by one."""


def outcome_in_words(words: Sequence[str], levels: Sequence[int]) -> str:
    """What became of a run.

    >>> outcome_in_words(["interconnected", "separated", "degraded"], [0, 1, 2])
    'separated at level 1, degraded at level 2'
    >>> outcome_in_words(["interconnected"], [0])
    'interconnected to the end'
    """
    events = []
    for word in ("separated", "degraded"):
        if word in words:
            events.append(f"{word} at level {levels[list(words).index(word)]}")
    return ", ".join(events) or f"{words[-1]} to the end"


def stretches_in_words(words: Sequence[str], levels: Sequence[int]) -> str:
    """Which levels have which status.

    >>> stretches_in_words(["interconnected", "interconnected", "separated"], [0, 1, 2])
    'levels 0 to 1 interconnected, level 2 separated'
    """
    stretches, first = [], 0
    for n, word in enumerate(words):
        if n + 1 < len(words) and words[n + 1] == word:
            continue
        where = f"level {levels[n]}" if n == first else f"levels {levels[first]} to {levels[n]}"
        stretches.append(f"{where} {word}")
        first = n + 1
    return ", ".join(stretches)


def level_in_words(run: Run, row: int) -> str:
    """The status of one level and its numbers."""
    numbers = run.rows.iloc[row]
    sentence = (
        f"Level {numbers['level']}: {numbers['status']}. "
        f"Of {numbers['available']} available weights {numbers['active']} active, "
        f"{numbers['inactive']} inactive, {numbers['zombie']} zombie; "
        f"{numbers['subnetworks']} subnetwork{'' if numbers['subnetworks'] == 1 else 's'}"
    )
    scores = []
    for task in run.tasks:
        column = f"{task.score_name}_{task.name}"
        if column in numbers:
            scores.append(f"{task.name} {numbers[column]:.1%}")
    what = " or ".join(sorted({task.score_name for task in run.tasks}))
    sentence = f"{sentence}; {what} {', '.join(scores)}." if scores else f"{sentence}."
    asked = run.asked_levels or 0
    if row == len(run.rows) - 1 and asked > numbers["level"]:
        plural = "" if asked == 1 else "s"
        sentence += f" The run stopped here; {asked} pruning{plural} had been asked for."
    return sentence


def coverage_in_words(coverage: np.ndarray, tasks: Sequence[Task]) -> str:
    """Which subnetwork covers how much of which task.

    Args:
        coverage: ``[J, K]``, shares; the first ``MOST_SUBNETWORKS`` are named.
        tasks: K of them.

    >>> from lth_utils.data import moons_circles
    >>> coverage_in_words(np.array([[1.0, 0.0], [0.0, 0.5]]), moons_circles(n_samples=8).tasks)
    'Here subnetwork 1 covers circles 100%, subnetwork 2 covers moons 50%.'
    """
    said = []
    for j, shares in enumerate(coverage[:MOST_SUBNETWORKS], start=1):
        served = [
            f"{task.name} {share:.0%}"
            for task, share in zip(tasks, shares, strict=True)
            if share > 0
        ]
        said.append(f"subnetwork {j} covers {' and '.join(served) or 'no task'}")
    if len(coverage) > MOST_SUBNETWORKS:
        said.append(f"and {len(coverage) - MOST_SUBNETWORKS} more")
    return f"Here {', '.join(said) or 'no subnetwork is left'}."


def classes_in_words(scores: Sequence[Sequence[float | None]], tasks: Sequence[Task]) -> str:
    """The class of each task on which a network is least accurate.

    Args:
        scores: over tasks, over classes, see :func:`~lth_utils.viewer.class_scores.class_scores`.
        tasks: their tasks.

    >>> from lth_utils.data import Task
    >>> classes_in_words([[0.9, 0.75, None]], [Task("digits", range(4), range(3))])
    'Least accurate class: digits 1 with 75%.'
    """
    said = []
    for task, of_task in zip(tasks, scores, strict=True):
        known = [(share, c) for c, share in enumerate(of_task) if share is not None]
        if known:
            share, least = min(known)
            said.append(f"{task.name} {least} with {share:.0%}")
    return f"Least accurate class: {', '.join(said)}." if said else ""


def layers_in_words(shape: Sequence[int]) -> list[str]:
    """What the layers of a network are called.

    >>> layers_in_words((4, 8, 8, 2))
    ['inputs', 'hidden layer 1', 'hidden layer 2', 'outputs']
    """
    return ["inputs", *(f"hidden layer {n}" for n in range(1, len(shape) - 1)), "outputs"]
