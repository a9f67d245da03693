"""How much of a network lies inside its tasks: paths in their blocks beyond chance, partitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import SpecError, choose
from lth_utils.connectivity.masks import check_masks, unit_matrices
from lth_utils.connectivity.nulls import degree_preserving, nested_random_masks
from lth_utils.connectivity.reach import any_input_each_output
from lth_utils.connectivity.served import checked_matrices, subnetworks_and_counts
from lth_utils.data import Task
from lth_utils.data.tasks import index, shared_inputs


def path_counts(masks: Sequence[Tensor]) -> Tensor:
    """From each input to each output, the number of paths along available weights.

    Args:
        masks: as in :func:`~lth_utils.connectivity.weight_states`.

    Returns:
        float64 ``[M, O, I]``, exact up to 2^53 paths.

    Raises:
        SpecError: masks that make no network.
    """
    matrices = [matrix.double() for matrix in unit_matrices(check_masks(masks))]
    paths = matrices[0]
    for matrix in matrices[1:]:
        paths = torch.bmm(matrix, paths)
    return paths


def block_share(masks: Sequence[Tensor], tasks: Sequence[Task]) -> np.ndarray:
    """Which share of all paths begins at an input and ends at an output of one task.

    Args:
        masks: as in :func:`~lth_utils.connectivity.weight_states`.
        tasks: K of them, the true blocks. A task that does not say its inputs may need any: all
            paths to its outputs are its own.

    Returns:
        float64 ``[M]``; NaN where there is no path at all.

    Raises:
        SpecError: masks that make no network, or tasks that do not fit.
    """
    return share_in_blocks(*checked_matrices(masks, tasks, "output"))


def share_in_blocks(matrices: Sequence[Tensor], tasks: Sequence[Task]) -> np.ndarray:
    """As :func:`block_share`, from the weights between units, ``[M, O, I]`` per layer."""
    paths = matrices[0].double()
    for matrix in matrices[1:]:
        paths = torch.bmm(matrix.double(), paths)
        # only their ratios matter, and those of deep networks would overflow
        largest = paths.amax((1, 2), keepdim=True)
        paths = paths / torch.where(largest > EXACT, largest, 1)
    inside = torch.zeros_like(paths[:, 0, 0])
    for task in tasks:
        inputs = index(task.inputs) if len(task.inputs) else slice(None)
        inside += paths[:, index(task.outputs)][:, :, inputs].sum((1, 2))
    whole = paths.sum((1, 2))
    return torch.where(whole > 0, inside / whole, torch.nan).numpy(force=True)


EXACT = 2.0**53
"""Up to here float64 counts without rounding."""


def block_share_excess(
    masks: Sequence[Tensor],
    tasks: Sequence[Task],
    stream: np.random.Generator,
    draws: int = 20,
    null: str = "counts",
) -> np.ndarray:
    """How much more of the paths lies inside the tasks' blocks than in random masks.

    Args:
        masks: as in :func:`~lth_utils.connectivity.weight_states`.
        tasks: K of them, the true blocks.
        stream: where the random masks are drawn from, such as ``config.rng(seed, name)``.
        draws: random masks for each member, 1 or more.
        null: ``counts``, random masks with as many weights in each layer, anywhere in it; or
            ``degrees``, in which every unit also keeps its number of weights in and out.

    Returns:
        float64 ``[M]``: :func:`block_share` less its mean over those of the random masks that
        have a path; NaN where none has, or the member itself has none.

    Raises:
        SpecError: masks that make no network, tasks that do not fit, another `null`, or `draws`
            below 1.
    """
    if draws < 1:
        raise SpecError(f"draws is {draws}; allowed: 1 or more")
    draw = NULLS[choose(null, NULLS, "null")]
    masks = check_masks(masks)
    repeated = [mask.repeat_interleave(draws, 0) for mask in masks]
    shares = block_share(draw(repeated, stream), tasks).reshape(-1, draws)
    known = ~np.isnan(shares)
    sums, counts = np.where(known, shares, 0).sum(1), known.sum(1)
    chance = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return block_share(masks, tasks) - chance


def _with_counts(masks: Sequence[Tensor], stream: np.random.Generator) -> Sequence[Tensor]:
    """Random masks with as many weights in each layer, anywhere in it."""
    dense = [torch.ones_like(mask) for mask in masks]
    return nested_random_masks([dense, masks], stream)[1]


NULLS: dict[str, Callable[..., Sequence[Tensor]]] = {
    "counts": _with_counts,
    "degrees": degree_preserving,
}
"""What chance alone would draw, by what it keeps of a mask."""


def partition_index(masks: Sequence[Tensor], tasks: Sequence[Task]) -> np.ndarray:
    """How well the subnetworks part inputs and outputs as the tasks do: adjusted Rand index.

    Inputs that several tasks share have no place of their own and are left out. An input or output
    outside every subnetwork is a part of its own, as is an input without a task.

    Args:
        masks: as in :func:`~lth_utils.connectivity.weight_states`.
        tasks: K of them, the true partition.

    Returns:
        float64 ``[M]``: 1 where the partitions are equal, 0 on average where they have nothing to
        do with each other, and 0 where everything is in one subnetwork.

    Raises:
        SpecError: masks that make no network, or tasks that do not fit.

    Source:
        Hubert and Arabie 1985, by ``sklearn.metrics.adjusted_rand_score``.
    """
    from sklearn.metrics import adjusted_rand_score

    matrices, tasks = checked_matrices(masks, tasks, "output")
    labels, _ = subnetworks_and_counts(*any_input_each_output(matrices), tasks)
    n_inputs, n_outputs = labels[0].shape[1], labels[-1].shape[1]
    placed = np.ones(n_inputs + n_outputs, dtype=bool)
    placed[shared_inputs(tasks)] = False
    owner = np.full(n_inputs + n_outputs, -1)
    for k, task in enumerate(tasks):
        owner[:n_inputs][index(task.inputs)] = k
        owner[n_inputs:][index(task.outputs)] = k
    found = torch.cat([labels[0], labels[-1]], 1).numpy(force=True)
    truth = _apart(owner[placed])
    return np.array([adjusted_rand_score(truth, _apart(row[placed])) for row in found])


def _apart(labels: np.ndarray) -> np.ndarray:
    """The labels, each -1 replaced by a label of its own."""
    own = labels.max(initial=-1) + 1 + np.arange(len(labels))
    return np.where(labels < 0, own, labels)
