"""The loss of all tasks, its gradient, and the scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lth_utils.data import Dataset, Task
from lth_utils.data.dataset import labelled_shares
from lth_utils.data.tasks import target_columns


def in_float64(logits: Tensor) -> Tensor:
    """Logits in float64, where the device has it.

    In float32 the vector code and the scalar code of a processor compute exponentials that differ
    in the last bit, and the number of members decides which of the two an element gets. Computed
    in float64 and rounded, they agree, so that a batched member equals the member alone.
    """
    return logits if logits.device.type == "mps" else logits.double()


class Objective:
    """Per-task losses of stacked logits.

    Cross-entropy of a sigmoid or a softmax, of several labels the mean over them, and of real
    values the mean squared error. Examples without a label are left out: a batch's sum is divided
    by its size times the share of labels in the split, so that each label weighs the same.

    Args:
        tasks: the tasks, each with outputs that stand together.
        reduction: ``mean`` or ``sum`` of the tasks' weighted losses.
        shares: share of the training examples with a label, ``[T]`` over the columns of labels;
            all of them where it is not given.
    """

    def __init__(self, tasks: Sequence[Task], reduction: str, shares: np.ndarray | None = None):
        self.kinds = [task.kind for task in tasks]
        self.outputs = [slice(task.outputs[0], task.outputs[-1] + 1) for task in tasks]
        self.targets = target_columns(tasks)
        self.weights = [task.weight for task in tasks]
        self.weighted = set(self.weights) != {1.0}
        self._moved: dict[tuple, Tensor] = {}
        self.weight = 1.0 / len(tasks) if reduction == "mean" else 1.0
        self.shares = np.ones(self.targets[-1].stop) if shares is None else shares
        # all tasks binary, outputs in the order of the tasks: one expression for all
        single_outputs = [range(k, k + 1) for k in range(len(tasks))]
        self.binary = [task.outputs for task in tasks] == single_outputs
        self.binary &= set(self.kinds) == {"binary"} and not self.weighted

    @classmethod
    def of(cls, data: Dataset, reduction: str) -> Objective:
        """The objective of a data set's training split."""
        return cls(data.tasks, reduction, labelled_shares(data.y_train, data.tasks))

    def gradient(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Gradient of the loss, averaged over the examples.

        Args:
            logits: float32 ``[M, B, O]``.
            labels: int64 ``[M, B, K]``, or float32 ``[M, B, T]``.

        Returns:
            d loss / d logits, float32 ``[M, B, O]``.
        """
        scale = self.weight / logits.shape[1]
        logits = in_float64(logits)
        if self.binary and not labels.is_floating_point():
            return logits.sigmoid().sub_(labels).mul_(scale).float()
        gradient = torch.empty_like(logits)
        for k, (kind, columns) in enumerate(zip(self.kinds, self.outputs, strict=True)):
            z, y = logits[..., columns], labels[..., self.targets[k]]
            known = None
            if y.is_floating_point():
                known = ~y.isnan()
                y = y.nan_to_num()
            if kind == "classes":
                minus_one = torch.full_like(y, -1, dtype=z.dtype)
                part = z.softmax(-1).scatter_add_(-1, y.long(), minus_one)
            elif kind == "regression":
                part = (z - y) * (2 / z.shape[-1])
            else:
                part = z.sigmoid() - y
                if kind == "multilabel":
                    part = part / z.shape[-1]
            if known is not None:
                part = part * (known * self._per_label(k, z))
            elif self.weights[k] != 1:
                part = part * self.weights[k]
            gradient[..., columns] = part
        return gradient.mul_(scale).float()

    def evaluate(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and score of each task, averaged over the examples that have a label.

        Args:
            logits: float32 ``[M, B, O]``.
            labels: int64 ``[B, K]`` or float32 ``[B, T]``, or the same with ``[M, …]``.

        Returns:
            Loss and score, float64 ``[M, K]`` each. The score is the share of labels that are
            right, or the share of the variance that a regression explains (R², averaged over the
            outputs; NaN where a target does not vary).
        """
        losses, scores = [], []
        logits = in_float64(logits)
        for k, (kind, columns) in enumerate(zip(self.kinds, self.outputs, strict=True)):
            z = logits[..., columns]
            y = labels[..., self.targets[k]].expand(len(logits), -1, -1)
            loss, hits, known = _examples(kind, z, y)
            if known is None:
                losses.append(loss.mean(2).mean(1) if loss.shape[2] > 1 else loss[..., 0].mean(1))
                mean_hits = hits.to(z.dtype).mean(1)
            else:
                count = known.sum(1)
                losses.append(((loss * known).sum(1) / count).mean(1))
                mean_hits = (hits * known).sum(1) / count
            scores.append(_score(kind, mean_hits, y))
        return torch.stack(losses, 1), torch.stack(scores, 1)

    def batch_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch, ``[M]``, whose gradient is :meth:`gradient`; as there."""
        if not labels.is_floating_point():
            return self.total(self.evaluate(logits, labels)[0])
        losses = []
        logits = in_float64(logits)
        for k, (kind, columns) in enumerate(zip(self.kinds, self.outputs, strict=True)):
            z = logits[..., columns]
            loss, _, known = _examples(kind, z, labels[..., self.targets[k]])
            assert known is not None
            each = loss * (known * (self._per_label(k, loss) / self.weights[k]))
            losses.append(each.mean((1, 2)))
        return self.total(torch.stack(losses, 1))

    def total(self, losses: Tensor) -> Tensor:
        """The loss that is minimised and watched, ``[M]``, of the tasks' losses ``[M, K]``."""
        if self.weighted:
            losses = losses * self._on_device("weights", self.weights, losses)
        return losses.sum(1) * self.weight

    def _per_label(self, k: int, like: Tensor) -> Tensor:
        """A task's weight over the share of its examples with a label, ``[columns]``."""
        factors = self.weights[k] / self.shares[self.targets[k]]
        return self._on_device(k, factors, like)

    def _on_device(self, key, values, like: Tensor) -> Tensor:
        """Numbers as a tensor, moved once: a captured graph cannot copy from the host."""
        place = key, like.device, like.dtype
        if place not in self._moved:
            self._moved[place] = torch.as_tensor(values, dtype=like.dtype, device=like.device)
        return self._moved[place]


def _examples(kind: str, z: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
    """Loss, hit or squared error, and whether there is a label, of each example and column.

    Args:
        kind: of the task.
        z: logits ``[M, B, outputs]``, float64.
        y: labels ``[M, B, columns]``; float labels may be NaN.
    """
    known = None
    if y.is_floating_point():
        known = ~y.isnan()
        y = y.nan_to_num()
    if kind == "classes":
        wanted = y[..., 0].long()
        loss = F.cross_entropy(z.transpose(1, 2), wanted, reduction="none")[..., None]
        return loss, (z.argmax(-1) == wanted)[..., None], known
    if kind == "regression":
        squared = (z - y).square()
        return squared, squared, known
    loss = F.binary_cross_entropy_with_logits(z, y.to(z.dtype), reduction="none")
    return loss, (z > 0) == y.bool(), known


def _score(kind: str, means: Tensor, y: Tensor) -> Tensor:
    """A task's score ``[M]`` from the mean hits, or squared errors, of its columns ``[M, T]``."""
    if kind != "regression":
        return means.mean(1)
    y = y.to(means.dtype)
    spread = (y - y.nanmean(1, keepdim=True)).square().nanmean(1)
    return (1 - means / spread).mean(1)
