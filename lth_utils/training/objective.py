"""The loss of all tasks, its gradient, and the accuracy."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def in_float64(logits: Tensor) -> Tensor:
    """Logits in float64, where the device has it.

    Exponentials of float32 differ in the last bit between a processor's vector and scalar code, and
    which of them an element meets depends on how many members there are.  Rounded back from
    float64 they agree, so that a member alone equals the member in company.
    """
    return logits if logits.device.type == "mps" else logits.double()


class Objective:
    """Per-task losses of stacked logits: sigmoid for tasks with one output, softmax for the others."""

    def __init__(self, tasks, reduction: str):
        self.outputs = [slice(t.outputs.start, t.outputs.stop) for t in tasks]
        self.weight = 1.0 / len(tasks) if reduction == "mean" else 1.0
        # all tasks binary, outputs in the order of the tasks: one expression for all
        self.binary = [t.outputs for t in tasks] == [range(k, k + 1) for k in range(len(tasks))]

    def gradient(self, logits: Tensor, labels: Tensor) -> Tensor:
        """d loss / d logits, ``[M, B, O]``, for int labels ``[M, B, K]``, averaged over the examples."""
        scale = self.weight / logits.shape[1]
        logits = in_float64(logits)
        if self.binary:
            return logits.sigmoid().sub_(labels).mul_(scale).float()
        gradient = torch.empty_like(logits)
        for k, columns in enumerate(self.outputs):
            z, y = logits[..., columns], labels[..., k : k + 1]
            if z.shape[-1] == 1:
                gradient[..., columns] = z.sigmoid() - y
            else:
                gradient[..., columns] = z.softmax(-1).scatter_add_(
                    -1, y, torch.full_like(y, -1, dtype=z.dtype)
                )
        return gradient.mul_(scale).float()

    def evaluate(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss and accuracy per task, both ``[M, K]``, for labels ``[B, K]`` or ``[M, B, K]``."""
        losses, hits, logits = [], [], in_float64(logits)
        for k, columns in enumerate(self.outputs):
            z, y = logits[..., columns], labels[..., k].expand(len(logits), -1)
            if z.shape[-1] == 1:
                losses.append(
                    F.binary_cross_entropy_with_logits(
                        z[..., 0], y.to(z.dtype), reduction="none"
                    ).mean(1)
                )
                hits.append(((z[..., 0] > 0) == y).to(z.dtype).mean(1))
            else:
                losses.append(F.cross_entropy(z.transpose(1, 2), y, reduction="none").mean(1))
                hits.append((z.argmax(-1) == y).to(z.dtype).mean(1))
        return torch.stack(losses, 1), torch.stack(hits, 1)

    def total(self, losses: Tensor) -> Tensor:
        """The loss that is minimised and watched, ``[M]``."""
        return losses.sum(1) * self.weight
