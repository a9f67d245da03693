"""Controls of a study: other splits, labels without meaning, masks without training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import rng
from lth_utils.connectivity.reach import any_input_each_output
from lth_utils.connectivity.served import checked_matrices, subnetworks_and_counts
from lth_utils.data import Dataset, Task
from lth_utils.data.tasks import index, target_columns

VALIDATION = 0.15
"""Share of the training split that stops training, where a data set has no split for that."""


def hold_out(data: Dataset) -> Dataset:
    """The data set with a validation split, taken from the end of its training split."""
    if data.x_validation is not None:
        return data
    first = len(data.x_train) - max(1, round(VALIDATION * len(data.x_train)))
    return replace(
        data,
        x_train=data.x_train[:first],
        y_train=data.y_train[:first],
        x_validation=data.x_train[first:],
        y_validation=data.y_train[first:],
    )


def resplit(data: Dataset, draw: int) -> Dataset:
    """The same examples, parted anew into splits of the same sizes.

    Inputs keep the scale of the first split.

    Args:
        data: any data set.
        draw: 0 is the data set itself; others seed the draw.
    """
    if draw == 0:
        return data
    sizes = [len(getattr(data, f"x_{split}")) for split in data.splits]
    order = rng(draw, "resplit").permutation(sum(sizes))
    parts = {}
    for letter in "xy":
        rows = np.concatenate([getattr(data, f"{letter}_{split}") for split in data.splits])[order]
        pieces = np.split(rows, np.cumsum(sizes)[:-1])
        for split, piece in zip(data.splits, pieces, strict=True):
            parts[f"{letter}_{split}"] = piece
    return replace(data, **parts)


def shuffled(data: Dataset, seed: int = 0) -> Dataset:
    """The same examples with labels that mean nothing: each task's rows in another order.

    Args:
        data: any data set.
        seed: of the orders.
    """
    changed = {}
    for split in data.splits:
        labels = getattr(data, f"y_{split}").copy()
        for k, columns in enumerate(target_columns(data.tasks)):
            order = rng(seed, "shuffled", split, k).permutation(len(labels))
            labels[:, columns] = labels[order, columns]
        changed[f"y_{split}"] = labels
    return replace(data, **changed)


def partitions(masks: Sequence[Tensor], tasks: Sequence[Task]) -> np.ndarray:
    """Which tasks hang together, through anything but inputs that are theirs together.

    Args:
        masks: over layers bool ``[M, O, I]``.
        tasks: K of them.

    Returns:
        bool ``[M, K, K]``: whether a subnetwork has outputs of both; of a task and itself, whether
        all of its outputs are reached by some input.
    """
    matrices, tasks = checked_matrices(masks, tasks, "output")
    _, counts = subnetworks_and_counts(*any_input_each_output(matrices), tasks)
    together = []
    for _, outputs in counts:
        served = (outputs > 0).astype(int)
        joined = served.T @ served > 0
        np.fill_diagonal(joined, outputs.sum(0) == [len(task.outputs) for task in tasks])
        together.append(joined)
    return np.stack(together)


def inputs_of_tasks(masks: Sequence[Tensor], tasks: Sequence[Task]) -> np.ndarray:
    """Which inputs reach the outputs of each task, bool ``[K, I]`` of the first member."""
    matrices, tasks = checked_matrices([mask[:1] for mask in masks], tasks, "output")
    _, leads = any_input_each_output(matrices)
    return np.stack([leads[0][0][:, index(task.outputs)].any(1).numpy() for task in tasks])


def random_partitions(
    masks: Sequence[Tensor], tasks: Sequence[Task], draws: int, seed: int
) -> np.ndarray:
    """What chance alone would join: masks with as many weights in each layer, at random places.

    Args:
        masks: of one network, bool ``[1, O, I]`` per layer.
        tasks: K of them.
        draws: number of random masks.
        seed: of the draws.

    Returns:
        bool ``[draws, K, K]``, see :func:`partitions`.
    """
    stream = rng(seed, "random masks")
    drawn = []
    for mask in masks:
        scores = torch.from_numpy(stream.random((draws, mask[0].numel())))
        kept = int(mask.sum())
        random = torch.zeros(scores.shape, dtype=torch.bool)
        random.scatter_(1, scores.topk(kept, 1).indices, True)
        drawn.append(random.view(draws, *mask.shape[1:]))
    return partitions(drawn, tasks)
