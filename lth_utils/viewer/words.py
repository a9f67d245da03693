"""Sentences on runs and levels, for those who read rather than look."""

from __future__ import annotations

from collections.abc import Sequence

from lth_utils.viewer.run import Run


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
    return f"{sentence}; {what} {', '.join(scores)}." if scores else f"{sentence}."


def layers_in_words(shape: Sequence[int]) -> list[str]:
    """What the layers of a network are called.

    >>> layers_in_words((4, 8, 8, 2))
    ['inputs', 'hidden layer 1', 'hidden layer 2', 'outputs']
    """
    return ["inputs", *(f"hidden layer {n}" for n in range(1, len(shape) - 1)), "outputs"]
