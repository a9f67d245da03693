"""All measures of a mask from one pass over its graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lth_utils.connectivity.reach import any_input_each_output
from lth_utils.connectivity.served import checked_matrices, coverage_of, served_counts, status_of
from lth_utils.connectivity.states import states_of_units
from lth_utils.connectivity.subnetworks import label_components
from lth_utils.data import Task


@dataclass(frozen=True)
class Measures:
    """What one member's mask is: counts of weights, subnetworks and what they serve.

    available, active, inactive, zombie: weights; subnetworks: J; coverage: float ``[J, K]``;
    status: one word.
    """

    available: int
    active: int
    inactive: int
    zombie: int
    subnetworks: int
    coverage: np.ndarray
    status: str


def measure(masks: Sequence[Tensor], tasks: Sequence[Task], kind: str = "total") -> list[Measures]:
    """All of the above in two sweeps: one :class:`Measures` per member.  Arguments as in :func:`coverage`."""
    matrices, tasks = checked_matrices(masks, tasks, kind)
    from_input, outputs = any_input_each_output(matrices)
    counts = served_counts(label_components(from_input, outputs), tasks)
    shares, words = coverage_of(counts, tasks, kind), status_of(counts, tasks, kind)
    available, to_output, active = 0, 0, 0
    for matrix, source, sink in zip(matrices, from_input[:-1], outputs[1:], strict=True):
        sink = sink.any(-1)[:, None].float()
        of_source = torch.bmm(torch.cat([torch.ones_like(sink), sink], 1), matrix)  # [M, 2, I]
        every, led = of_source.sum(2, dtype=torch.float64).unbind(1)
        available, to_output = available + every, to_output + led
        active = active + (of_source[:, 1] * source).sum(1, dtype=torch.float64)
    numbers = (
        torch.stack([available, active, available - to_output, to_output - active], 1)
        .long()
        .tolist()
    )
    return [Measures(*n, len(c), c, w) for n, c, w in zip(numbers, shares, words, strict=True)]


@dataclass(frozen=True)
class Structure:
    """One network unit by unit, lists over unit layers, inputs first.

    states: uint8 ``[U]``; subnetworks: int64 ``[U]``, -1 for none; leads: bool ``[U, O]``, to which
    outputs; coverage: float ``[J, K]``; status: one word.
    """

    states: list[np.ndarray]
    subnetworks: list[np.ndarray]
    leads: list[np.ndarray]
    coverage: np.ndarray
    status: str


def structure(masks: Sequence[Tensor], tasks: Sequence[Task], kind: str = "total") -> Structure:
    """What a picture of the first member needs, in one pass of two sweeps.  Arguments as in :func:`coverage`."""
    matrices, tasks = checked_matrices([m[:1] for m in masks], tasks, kind)
    from_input, outputs = any_input_each_output(matrices)
    labels = label_components(from_input, outputs)
    counts = served_counts(labels, tasks)
    return Structure(
        [s[0].numpy(force=True) for s in states_of_units(from_input, outputs)],
        [n[0].numpy(force=True) for n in labels],
        [o[0].numpy(force=True) for o in outputs],
        coverage_of(counts, tasks, kind)[0],
        status_of(counts, tasks, kind)[0],
    )
