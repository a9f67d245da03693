"""Which subnetwork serves which task: coverage, status and decided units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import choose
from lth_utils.connectivity.masks import channel_tasks, check_masks, unit_matrices
from lth_utils.connectivity.reach import any_input_each_output, reachable
from lth_utils.connectivity.subnetworks import label_components
from lth_utils.data import Task, check_tasks

STATUSES = ("interconnected", "separated", "fragmented", "degraded")

OUTCOMES = ("interconnected", "fragmented", "separated", "separated-degraded", "degraded")


def served_counts(
    labels: Sequence[Tensor], tasks: Sequence[Task]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Per member how many of each task's inputs and outputs lie in each subnetwork: two int arrays ``[J, K]``."""
    ends = labels[0].cpu().numpy(), labels[-1].cpu().numpy()
    counted = []
    for at_inputs, at_outputs in zip(*ends, strict=True):
        n = int(at_inputs.max(initial=-1)) + 1
        counted.append(
            tuple(
                np.stack(
                    [
                        np.bincount(
                            side[p.start : p.stop][side[p.start : p.stop] >= 0], minlength=n
                        )
                        for p in positions
                    ],
                    axis=1,
                )
                for side, positions in (
                    (at_inputs, [t.inputs for t in tasks]),
                    (at_outputs, [t.outputs for t in tasks]),
                )
            )
        )
    return counted


def _sizes(tasks):
    return np.array([len(t.inputs) for t in tasks]), np.array([len(t.outputs) for t in tasks])


def coverage_of(counts, tasks, kind) -> list[np.ndarray]:
    n_in, n_out = _sizes(tasks)
    return [o / n_out if kind == "output" else i / n_in * (o / n_out) for i, o in counts]


def checked_matrices(masks, tasks, kind):
    """The matrices of masks, and tasks that fit them."""
    masks = check_masks(masks)
    if masks[0].ndim == 5:
        tasks = channel_tasks(tasks, masks[0].shape[2])
    check_tasks(tasks, masks[0].shape[2], masks[-1].shape[1])
    choose(kind, ("total", "output"), "coverage kind")
    return unit_matrices(masks), tasks


def coverage(
    masks: Sequence[Tensor], tasks: Sequence[Task], kind: str = "total"
) -> list[np.ndarray]:
    """How much of each task each subnetwork covers.

    masks as in :func:`weight_states`; tasks: K of them, which own whole channels where the network begins
    with a convolution; kind: ``total`` (share of the task's inputs times share of its outputs) or ``output``
    (the second factor alone).  Returns one float array ``[J, K]`` per member.
    """
    matrices, tasks = checked_matrices(masks, tasks, kind)
    return coverage_of(
        served_counts(label_components(*any_input_each_output(matrices)), tasks), tasks, kind
    )


def status_of(counts, tasks, kind) -> list[str]:
    n_in, n_out = _sizes(tasks)
    words = []
    for inputs, outputs in counts:
        # in whole numbers, so that "fully covered" is exact
        covered, full = (outputs, n_out) if kind == "output" else (inputs * outputs, n_in * n_out)
        if (covered.sum(0) < full).any():
            words.append("degraded")
        elif ((covered > 0).sum(1) > 1).any():
            words.append("interconnected")
        else:
            words.append("separated" if len(covered) == len(tasks) else "fragmented")
    return words


def status(masks: Sequence[Tensor], tasks: Sequence[Task], kind: str = "total") -> list[str]:
    """One word per member: ``interconnected``, ``separated``, ``fragmented`` or ``degraded``.

    Degraded: some task's summed coverage is below 1.  Interconnected: all covered, but a
    subnetwork serves more than one task.  Separated: as many subnetworks as tasks, each serving
    one.  Fragmented: none shared, but more subnetworks than tasks.  Arguments as in :func:`coverage`.
    """
    matrices, tasks = checked_matrices(masks, tasks, kind)
    return status_of(
        served_counts(label_components(*any_input_each_output(matrices)), tasks), tasks, kind
    )


def decided(masks: Sequence[Tensor], tasks: Sequence[Task], seen_from: str = "outputs") -> Tensor:
    """Share of the active units of each layer that are decided for one task.

    Seen from the outputs: the unit leads to the outputs of exactly one task; from the inputs: it is
    reached by the inputs of exactly one task.  Returns float64 ``[M, unit layers]``, inputs first;
    NaN where a layer has no active unit.
    """
    matrices, tasks = checked_matrices(masks, tasks, "total")
    choose(seen_from, ("outputs", "inputs"), "seen_from")

    def belongs(side, size):
        table = torch.zeros(size, len(tasks) + 1, dtype=torch.bool, device=matrices[0].device)
        for k, task in enumerate(tasks):
            table[getattr(task, side), k] = True
        table[:, -1] = True  # the last column: whatever the task, none included
        return table

    forward, backward = reachable(
        matrices, belongs("inputs", matrices[0].shape[2]), belongs("outputs", matrices[-1].shape[1])
    )
    shares = []
    for f, b in zip(forward, backward, strict=True):
        active = f[..., -1] & b[..., -1]
        one = ((b if seen_from == "outputs" else f)[..., :-1].sum(-1) == 1) & active
        shares.append(one.sum(1, dtype=torch.float64) / active.sum(1))
    return torch.stack(shares, 1)


def outcome(statuses: Sequence[str]) -> str:
    """A run's outcome from its statuses, level 0 first.

    >>> outcome(["interconnected", "separated", "degraded"])
    'separated-degraded'
    """
    if "separated" in statuses:
        return "separated-degraded" if "degraded" in statuses else "separated"
    return "degraded" if "degraded" in statuses else statuses[-1]
