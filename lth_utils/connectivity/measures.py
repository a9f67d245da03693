"""All measures of a mask from one pass over its graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lth_utils.connectivity.reach import any_input_each_output
from lth_utils.connectivity.served import (
    checked_matrices,
    coverage_of,
    status_of,
    subnetworks_and_counts,
)
from lth_utils.connectivity.states import states_of_units
from lth_utils.data import Task


@dataclass(frozen=True)
class Measures:
    """What one member's mask is.

    Attributes:
        available: weights that are not pruned.
        active: of these, weights on a path from an input to an output.
        inactive: weights that lead to no output.
        zombie: weights that lead to an output, but are reached by no input.
        subnetworks: J.
        coverage: float ``[J, K]``, see :func:`~lth_utils.connectivity.coverage`.
        status: one word, see :func:`~lth_utils.connectivity.status`.
    """

    available: int
    active: int
    inactive: int
    zombie: int
    subnetworks: int
    coverage: np.ndarray
    status: str


def measure(masks: Sequence[Tensor], tasks: Sequence[Task], kind: str = "total") -> list[Measures]:
    """Counts of weights, subnetworks, coverage and status in two sweeps over the layers.

    Args:
        masks: as in :func:`~lth_utils.connectivity.weight_states`.
        tasks: as in :func:`~lth_utils.connectivity.coverage`.
        kind: as in :func:`~lth_utils.connectivity.coverage`.

    Returns:
        One :class:`Measures` per member.

    Raises:
        SpecError: as :func:`~lth_utils.connectivity.coverage`.
    """
    matrices, tasks = checked_matrices(masks, tasks, kind)
    from_input, outputs = any_input_each_output(matrices)
    _, counts = subnetworks_and_counts(from_input, outputs, tasks)
    shares = coverage_of(counts, tasks, kind)
    words = status_of(counts, tasks, kind)
    numbers = _weight_counts(matrices, from_input, outputs)
    found = []
    for counted, share, word in zip(numbers, shares, words, strict=True):
        found.append(Measures(**counted, subnetworks=len(share), coverage=share, status=word))
    return found


def _weight_counts(
    matrices: Sequence[Tensor], from_input: Sequence[Tensor], outputs: Sequence[Tensor]
) -> list[dict[str, int]]:
    """Per member how many weights are available, active, inactive and zombie."""
    available, to_output, active = matrices[0].new_zeros((3, len(matrices[0])), dtype=torch.int64)
    for matrix, source, sink in zip(matrices, from_input[:-1], outputs[1:], strict=True):
        leads = sink.any(-1)[:, None].float()
        # sums over the sinks of all weights, and of those that lead to an output: [M, 2, I]; they
        # are whole numbers, and not every device has float64 to add them up in
        of_source = torch.bmm(torch.cat([torch.ones_like(leads), leads], 1), matrix)
        every, led = of_source.sum(2, dtype=torch.int64).unbind(1)
        available, to_output = available + every, to_output + led
        active = active + (of_source[:, 1] * source).sum(1, dtype=torch.int64)
    inactive, zombie = available - to_output, to_output - active
    counts = torch.stack([available, active, inactive, zombie], 1).tolist()
    names = "available", "active", "inactive", "zombie"
    return [dict(zip(names, of_member, strict=True)) for of_member in counts]


@dataclass(frozen=True)
class Structure:
    """One network unit by unit; lists are over unit layers, inputs first.

    Attributes:
        states: uint8 ``[U]``, see :func:`~lth_utils.connectivity.unit_states`.
        subnetworks: int64 ``[U]``, -1 for none.
        leads: bool ``[U, O]``, to which outputs a unit leads.
        coverage: float ``[J, K]``.
        status: one word.
    """

    states: list[np.ndarray]
    subnetworks: list[np.ndarray]
    leads: list[np.ndarray]
    coverage: np.ndarray
    status: str


def structure(masks: Sequence[Tensor], tasks: Sequence[Task], kind: str = "total") -> Structure:
    """What a picture of the first member needs, in two sweeps over the layers.

    Args:
        masks: as in :func:`~lth_utils.connectivity.weight_states`.
        tasks: as in :func:`~lth_utils.connectivity.coverage`.
        kind: as in :func:`~lth_utils.connectivity.coverage`.

    Raises:
        SpecError: as :func:`~lth_utils.connectivity.coverage`.
    """
    matrices, tasks = checked_matrices([mask[:1] for mask in masks], tasks, kind)
    from_input, outputs = any_input_each_output(matrices)
    labels, counts = subnetworks_and_counts(from_input, outputs, tasks)
    return Structure(
        _first_member(states_of_units(from_input, outputs)),
        _first_member(labels),
        _first_member(outputs),
        coverage=coverage_of(counts, tasks, kind)[0],
        status=status_of(counts, tasks, kind)[0],
    )


def _first_member(of_layers: Sequence[Tensor]) -> list[np.ndarray]:
    """The first member's row of each layer's tensor."""
    return [values[0].numpy(force=True) for values in of_layers]
