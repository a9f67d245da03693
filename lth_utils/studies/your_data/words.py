"""The findings of a study in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lth_utils.data.tasks import shared_inputs
from lth_utils.studies import statistics
from lth_utils.studies.your_data.findings import Findings

MOST_INPUTS = 8
"""Most inputs that are named in a sentence."""


def words(found: Findings) -> list[str]:
    """What was found, how surely, at what score, and whether the controls agree."""
    return [_partition(found), *_inputs(found), _score(found), _controls(found)]


def headline(found: Findings) -> str:
    """The answer in one sentence."""
    n_tasks, n_groups = len(found.tasks), len(found.groups)
    if n_tasks == 1:
        return "One task alone: there is nothing to be apart from"
    if n_groups == 1:
        which = "both" if n_tasks == 2 else f"all {n_tasks}"
        return f"No independent tasks found: {which} hang together"
    if not found.beats_controls:
        return f"{n_tasks} tasks fall into {n_groups} groups, but no more often than by chance"
    if n_groups == n_tasks:
        which = "The two" if n_tasks == 2 else f"All {n_tasks}"
        if shared_inputs(found.tasks):
            return f"{which} tasks share nothing but inputs that are theirs together"
        return f"{which} tasks are independent of each other"
    return f"{n_tasks} tasks fall into {n_groups} independent groups"


def controls_headline(findings: Sequence[Findings]) -> str:
    """What the controls say of several data sets."""
    apart = [found for found in findings if len(found.groups) > 1]
    more = sum(bool(found.beats_controls) for found in apart)
    if not apart:
        return "No tasks were apart, so there is nothing to be compared with chance"
    return (
        f"More often apart than by chance: {more} of {len(apart)} data sets whose tasks were apart"
    )


def percent(estimate: tuple[float, float, float]) -> str:
    """A share with its interval."""
    share, low, high = estimate
    return f"{share:.0%} (95 % interval {low:.0%} to {high:.0%})"


def listed(names: Sequence[str]) -> str:
    """Names as people list them.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def group_names(found: Findings) -> list[str]:
    """The tasks of each group, as people list them."""
    return [listed([found.tasks[k].name for k in group]) for group in found.groups]


def _partition(found: Findings) -> str:
    """Which tasks hang together, and how many runs agree."""
    parts = "; ".join(group_names(found))
    agree = f"{found.agreeing} of {len(found.runs)} networks agree, {percent(found.sure)}"
    return f"{headline(found)}: {parts}. {agree}."


def _inputs(found: Findings) -> list[str]:
    """On which inputs each group of tasks rests."""
    sentences = []
    n_inputs = found.inputs.shape[1]
    names = found.input_names or tuple(f"input {n}" for n in range(n_inputs))
    for group, tasks in zip(found.groups, group_names(found), strict=True):
        share = found.inputs[group].max(0)
        used = [names[n] for n in range(n_inputs) if share[n] > 0.5]
        if not used:
            sentences.append(f"{tasks}: no input is used by more than half of the networks.")
        elif len(used) > MOST_INPUTS:
            sentences.append(f"{tasks}: {len(used)} of {n_inputs} inputs are used by most.")
        else:
            sentences.append(f"{tasks}: most networks use {listed(used)}.")
    return sentences


def _score(found: Findings) -> str:
    """What pruning to this size costs."""
    weights = sorted(run.weights for run in found.runs)
    parts = []
    for k, task in enumerate(found.tasks):
        mean, low, high = statistics.mean_interval(found.differences[:, k])
        level = statistics.mean_interval([run.score[k] for run in found.runs])[0]
        text = f"{task.name} {level:.3f}"
        if low == low:
            text += f" ({mean:+.3f} against the dense network, {low:+.3f} to {high:+.3f})"
        parts.append(text)
    names = listed(sorted({task.score_name for task in found.tasks}))
    names = names.replace("score", "score (R²)")
    return (
        f"With {weights[0]} to {weights[-1]} weights left, the {names} on the test split: "
        f"{'; '.join(parts)}."
    )


def _controls(found: Findings) -> str:
    """What chance alone does."""
    count, total = found.random
    text = f"Controls: of random masks with as many weights {count} of {total} are apart so"
    if found.shuffled is not None:
        count, total = found.shuffled
        text += f"; of networks trained on shuffled labels {count} of {total}"
    verdict = {
        None: "There is nothing apart to be explained.",
        True: "Both are rarer than in the networks (Fisher's exact test at 5 %).",
        False: "So the structure cannot be told from chance (Fisher's exact test at 5 %).",
    }[found.beats_controls]
    if found.shuffled is None:
        verdict = verdict.replace("Both are", "This is")
    return f"{text}. {verdict}"


def headlines(findings: Mapping[str, Findings]) -> dict[str, str]:
    """The answer of each study, by the title of its data."""
    return {title: headline(found) for title, found in findings.items()}


def notes(findings: Mapping[str, Findings]) -> dict[str, str]:
    """What each best ticket is, by the title of its data."""
    best = {title: found.best() for title, found in findings.items()}
    return {title: f"{one.weights} weights, {one.status}" for title, one in best.items()}


def facts(findings: Mapping[str, Findings], n_runs: int) -> dict:
    """The notebook's facts: a headline, and of each data set what was found."""
    apart = [title for title, found in findings.items() if found.beats_controls]
    of_each = {}
    for title, found in findings.items():
        share, low, high = found.sure
        of_each[title] = {
            "answer": headline(found),
            "groups": group_names(found),
            "agreeing": [found.agreeing, len(found.runs)],
            "share": [round(value, 4) for value in (share, low, high)],
            "random": list(found.random),
            "shuffled": list(found.shuffled or ()),
        }
    text = (
        f"{len(apart)} of {len(findings)} data sets fall into independent groups of tasks "
        "more often than both controls"
    )
    return {"headline": text, "runs": n_runs, "data": of_each}
