"""The loss of all tasks, its gradient, and the accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from lth_utils.data import Task


def in_float64(logits: Tensor) -> Tensor:
    """Logits in float64, where the device has it.

    In float32 the vector code and the scalar code of a processor compute exponentials that differ
    in the last bit, and the number of members decides which of the two an element gets. Computed
    in float64 and rounded, they agree, so that a batched member equals the member alone.
    """
    return logits if logits.device.type == "mps" else logits.double()


class Objective:
    """Per-task losses of stacked logits: sigmoid for tasks of one output, softmax for the others.

    Args:
        tasks: the tasks, each with a range of outputs.
        reduction: ``mean`` or ``sum`` of the tasks' losses.
    """

    def __init__(self, tasks: Sequence[Task], reduction: str):
        self.outputs = [slice(task.outputs.start, task.outputs.stop) for task in tasks]
        self.weight = 1.0 / len(tasks) if reduction == "mean" else 1.0
        # all tasks binary, outputs in the order of the tasks: one expression for all
        single_outputs = [range(k, k + 1) for k in range(len(tasks))]
        self.binary = [task.outputs for task in tasks] == single_outputs

    def gradient(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Gradient of the loss, averaged over the examples.

        Args:
            logits: float32 ``[M, B, O]``.
            labels: int64 ``[M, B, K]``.

        Returns:
            d loss / d logits, float32 ``[M, B, O]``.
        """
        scale = self.weight / logits.shape[1]
        logits = in_float64(logits)
        if self.binary:
            return logits.sigmoid().sub_(labels).mul_(scale).float()
        gradient = torch.empty_like(logits)
        for k, columns in enumerate(self.outputs):
            z = logits[..., columns]
            y = labels[..., k : k + 1]
            if z.shape[-1] == 1:
                gradient[..., columns] = z.sigmoid() - y
            else:
                minus_one = torch.full_like(y, -1, dtype=z.dtype)
                gradient[..., columns] = z.softmax(-1).scatter_add_(-1, y, minus_one)
        return gradient.mul_(scale).float()

    def evaluate(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and accuracy of each task, averaged over the examples.

        Args:
            logits: float32 ``[M, B, O]``.
            labels: int64 ``[B, K]``, or ``[M, B, K]``.

        Returns:
            Loss and accuracy, float64 ``[M, K]`` each.
        """
        losses, accuracies = [], []
        logits = in_float64(logits)
        for k, columns in enumerate(self.outputs):
            z = logits[..., columns]
            y = labels[..., k].expand(len(logits), -1)
            if z.shape[-1] == 1:
                z = z[..., 0]
                loss = F.binary_cross_entropy_with_logits(z, y.to(z.dtype), reduction="none")
                correct = (z > 0) == y
            else:
                loss = F.cross_entropy(z.transpose(1, 2), y, reduction="none")
                correct = z.argmax(-1) == y
            losses.append(loss.mean(1))
            accuracies.append(correct.to(z.dtype).mean(1))
        return torch.stack(losses, 1), torch.stack(accuracies, 1)

    def total(self, losses: Tensor) -> Tensor:
        """The loss that is minimised and watched, ``[M]``, of the tasks' losses ``[M, K]``."""
        return losses.sum(1) * self.weight
