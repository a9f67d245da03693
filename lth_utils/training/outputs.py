"""Outputs brought together by task, as the engines need them, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import Shape
from lth_utils.data import Task
from lth_utils.data.tasks import outputs_together
from lth_utils.networks.layers import network


@dataclass(frozen=True)
class OutputOrder:
    """An order of the outputs in which those of each task stand together.

    Where they already do, nothing is moved.

    Attributes:
        tasks: with outputs in this order.
        parameters: where each sorted parameter comes from, int64 ``[P]``, or None.
        n_weights: number of weights.
    """

    tasks: tuple[Task, ...]
    parameters: np.ndarray | None
    n_weights: int

    @classmethod
    def of(cls, shape: Shape, tasks: Sequence[Task]) -> OutputOrder:
        """The order for a network's shape and the tasks of its data."""
        sizes = network(shape).sizes
        together = outputs_together(tasks)
        if together == tuple(tasks):
            return cls(together, None, sum(sizes))
        order = np.concatenate([np.array(task.outputs) for task in tasks])
        n_biases = sum(layer.n_biases for layer in network(shape).layers)
        index = np.arange(sum(sizes) + n_biases)
        last = index[sum(sizes[:-1]) : sum(sizes)].reshape(len(order), -1)
        index[sum(sizes[:-1]) : sum(sizes)] = last[order].ravel()
        if network(shape).layers[-1].n_biases:
            index[-len(order) :] = index[-len(order) :][order]
        return cls(together, index, sum(sizes))

    def sorted_parameters(self, flat: Tensor) -> Tensor:
        """Parameters ``[M, P]`` in this order."""
        return flat if self.parameters is None else flat[:, torch.from_numpy(self.parameters)]

    def sorted_mask(self, mask: Tensor) -> Tensor:
        """A mask ``[M, W]`` in this order."""
        if self.parameters is None:
            return mask
        return mask[:, torch.from_numpy(self.parameters[: self.n_weights])]

    def restored_parameters(self, flat: Tensor) -> Tensor:
        """Sorted parameters ``[M, P]`` in the network's own order."""
        if self.parameters is None:
            return flat
        return flat[:, torch.from_numpy(np.argsort(self.parameters))]
