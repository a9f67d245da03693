"""Which subnetwork serves which task: coverage, status and decided units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import choose
from lth_utils.connectivity.masks import channel_tasks, check_masks, kernel_axes, unit_matrices
from lth_utils.connectivity.reach import any_input_each_output, leading_to, reached_from
from lth_utils.connectivity.subnetworks import label_components
from lth_utils.data import Task, check_tasks
from lth_utils.data.tasks import as_tasks, index, shared_inputs

KINDS = ("total", "output")
"""Kinds of coverage."""

STATUSES = ("interconnected", "separated", "fragmented", "degraded")

OUTCOMES = ("interconnected", "fragmented", "separated", "separated-degraded", "degraded")

Counts = list[tuple[np.ndarray, np.ndarray]]
"""Per member how many of each task's inputs, and outputs, each subnetwork has: two ``[J, K]``."""


def coverage(
    masks: Sequence[Tensor], tasks: Sequence[Task], kind: str = "total"
) -> list[np.ndarray]:
    """How much of each task each subnetwork covers.

    Args:
        masks: as in :func:`~lth_utils.connectivity.weight_states`.
        tasks: K of them, which own whole channels where the network begins with a convolution.
        kind: ``total`` (share of the task's inputs times share of its outputs) or ``output``
            (the second factor alone, which is also taken where a task's inputs are unknown).

    Returns:
        One float array ``[J, K]`` per member, subnetworks as :func:`components` numbers them.

    Raises:
        SpecError: masks that make no network, tasks that do not fit, or another `kind`.

    Source:
        thesis, section on task coverage.
    """
    matrices, tasks = checked_matrices(masks, tasks, kind)
    return coverage_of(counts_of(matrices, tasks), tasks, kind)


def status(masks: Sequence[Tensor], tasks: Sequence[Task], kind: str = "total") -> list[str]:
    """Whether each member's network has separated into one subnetwork per task.

    Args:
        masks: as in :func:`~lth_utils.connectivity.weight_states`.
        tasks: as in :func:`coverage`.
        kind: as in :func:`coverage`.

    Returns:
        One word per member.  ``degraded``: some task's summed coverage is below 1.
        ``interconnected``: all are covered, but a subnetwork serves more than one task.
        ``separated``: as many subnetworks as tasks, each serving one.  ``fragmented``: none
        is shared, but there are more subnetworks than tasks.  Inputs that several tasks own join
        nothing: separated tasks share these and nothing else.

    Raises:
        SpecError: as :func:`coverage`.
    """
    matrices, tasks = checked_matrices(masks, tasks, kind)
    return status_of(counts_of(matrices, tasks), tasks, kind)


def decided(masks: Sequence[Tensor], tasks: Sequence[Task], seen_from: str = "outputs") -> Tensor:
    """Share of the active units of each layer that are specific to one task.

    Args:
        masks: as in :func:`~lth_utils.connectivity.weight_states`.
        tasks: as in :func:`coverage`.
        seen_from: ``outputs`` (the unit leads to the outputs of exactly one task) or ``inputs``
            (it is reached by the inputs of exactly one task).

    Returns:
        float64 ``[M, unit layers]``, inputs first, float32 on MPS, which has no other; NaN where
        a layer has no active unit.

    Raises:
        SpecError: masks that make no network, tasks that do not fit, or another `seen_from`.
    """
    matrices, tasks = checked_matrices(masks, tasks, "total")
    choose(seen_from, ("outputs", "inputs"), "seen_from")
    device = matrices[0].device
    sources = _columns([index(task.inputs) for task in tasks], matrices[0].shape[2], device)
    sinks = _columns([index(task.outputs) for task in tasks], matrices[-1].shape[1], device)
    reached, leads = reached_from(matrices, sources), leading_to(matrices, sinks)
    shares = []
    for from_inputs, to_outputs in zip(reached, leads, strict=True):
        active = from_inputs[..., -1] & to_outputs[..., -1]
        of_tasks = (to_outputs if seen_from == "outputs" else from_inputs)[..., :-1]
        specific = (of_tasks.sum(-1) == 1) & active
        shares.append(specific.sum(1).to(real_numbers(device)) / active.sum(1))
    return torch.stack(shares, 1)


def real_numbers(device: torch.device) -> torch.dtype:
    """The most precise real numbers that a device has."""
    return torch.float32 if device.type == "mps" else torch.float64


def _columns(owned: Sequence[slice | list[int]], size: int, device: torch.device) -> Tensor:
    """bool ``[size, K + 1]``: what each task owns, and a last column that is True everywhere."""
    table = torch.zeros(size, len(owned) + 1, dtype=torch.bool, device=device)
    for k, positions in enumerate(owned):
        table[positions, k] = True
    table[:, -1] = True
    return table


def outcome(statuses: Sequence[str]) -> str:
    """A run's outcome from its statuses, level 0 first.

    >>> outcome(["interconnected", "separated", "degraded"])
    'separated-degraded'
    """
    if "separated" in statuses:
        return "separated-degraded" if "degraded" in statuses else "separated"
    return "degraded" if "degraded" in statuses else statuses[-1]


def checked_matrices(
    masks: Sequence[Tensor], tasks: Sequence[Task], kind: str
) -> tuple[list[Tensor], Sequence[Task]]:
    """The weights between units, float32 ``[M, O, I]`` per layer, and tasks that own its inputs.

    Raises:
        SpecError: as :func:`coverage`.
    """
    masks = check_masks(masks)
    tasks = as_tasks(tasks)
    n_inputs = masks[0].shape[2]
    axes = kernel_axes(masks[0])
    if axes:
        tasks = channel_tasks(tasks, n_inputs, axes=axes)
    check_tasks(tasks, n_inputs, masks[-1].shape[1])
    choose(kind, KINDS, "coverage kind")
    return unit_matrices(masks), tasks


def counts_of(matrices: Sequence[Tensor], tasks: Sequence[Task]) -> Counts:
    """What each subnetwork has of each task, from the weights between units."""
    return subnetworks_and_counts(*any_input_each_output(matrices), tasks)[1]


def subnetworks_and_counts(
    from_input: Sequence[Tensor], outputs: Sequence[Tensor], tasks: Sequence[Task]
) -> tuple[list[Tensor], Counts]:
    """The subnetworks, and what each has of each task.

    Inputs that several tasks share join nothing: they belong to every subnetwork that they feed.

    Args:
        from_input: of :func:`~lth_utils.connectivity.reach.any_input_each_output`.
        outputs: the same.
        tasks: K of them.

    Returns:
        Labels as those of :func:`~lth_utils.connectivity.components`, -1 also for a shared input
        that feeds several subnetworks, and the counts.
    """
    shared = shared_inputs(tasks)
    labels = label_components(from_input, outputs, shared)
    # once for all members: every copy waits for the device
    ends = zip(labels[0].cpu().numpy(), labels[-1].cpu().numpy(), strict=True)
    led = outputs[0][:, shared].cpu().numpy() if shared else None
    counts = []
    for member, (of_inputs, at_outputs) in enumerate(ends):
        numbers = np.arange(at_outputs.max(initial=-1) + 1)[:, None]
        has_inputs = of_inputs == numbers  # [J, I]
        if led is not None:
            leads = led[member]  # [shared, O]
            fed = (at_outputs == numbers).astype(np.int64) @ leads.T.astype(np.int64)
            has_inputs[:, shared] = fed > 0
        inputs = [has_inputs[:, index(task.inputs)].sum(1) for task in tasks]
        served = [(at_outputs[index(task.outputs)] == numbers).sum(1) for task in tasks]
        counts.append((np.stack(inputs, 1), np.stack(served, 1)))
    return labels, counts


def _sizes(tasks: Sequence[Task]) -> tuple[np.ndarray, np.ndarray]:
    """How many inputs, and outputs, each task has: two int ``[K]``; 0 where none are known."""
    n_in = np.array([len(task.inputs) for task in tasks])
    return n_in, np.array([len(task.outputs) for task in tasks])


def coverage_of(counts: Counts, tasks: Sequence[Task], kind: str) -> list[np.ndarray]:
    """As :func:`coverage`, from what each subnetwork has of each task."""
    n_in, n_out = _sizes(tasks)
    if kind == "output":
        return [outputs / n_out for _, outputs in counts]
    known = n_in > 0
    shares = []
    for inputs, outputs in counts:
        shares.append(np.where(known, inputs / np.maximum(n_in, 1), 1) * (outputs / n_out))
    return shares


def status_of(counts: Counts, tasks: Sequence[Task], kind: str) -> list[str]:
    """As :func:`status`, from what each subnetwork has of each task."""
    n_in, n_out = _sizes(tasks)
    words = []
    for inputs, outputs in counts:
        # in whole numbers, so that "fully covered" is exact
        covered = np.where(n_in > 0, inputs, 1) * outputs
        full = np.maximum(n_in, 1) * n_out
        if kind == "output":
            covered, full = outputs, n_out
        if (covered.sum(0) < full).any():
            words.append("degraded")
        elif ((covered > 0).sum(1) > 1).any():
            words.append("interconnected")
        else:
            words.append("separated" if len(covered) == len(tasks) else "fragmented")
    return words
