"""The batched engine behind ``population.train``: one matrix product, or grouped convolution, per layer for all members.

Works on any torch device.  The step is written by hand: for a stack of small networks autograd's
bookkeeping costs several times the arithmetic; only through convolutions autograd finds the way.
A member that stops leaves the stack at the end of its epoch, so it costs nothing afterwards.
"""

from __future__ import annotations

from threading import Event

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lth_utils.config import TrainSpec, convolutions, rng
from lth_utils.data import Dataset
from lth_utils.networks.layers import Layers
from lth_utils.training.engine import Cancelled
from lth_utils.training.objective import Objective, in_float64

IN_FLIGHT = 0
"""How many runs to train at once, each from a thread of its own; 0: one population after the other."""

IMAGES = 1024
"""Images that convolutions evaluate at once: all of a data set would fill the memory."""


def backward(layers: Layers, gradients: Layers, activations: list[Tensor], d_logits: Tensor):
    """Fill `gradients` from d loss / d logits ``[M, B, O]`` and what ``layers.forward`` gave; with convolutions `layers` is ``tracked``."""
    delta, front = d_logits, layers.front
    for n in reversed(range(front, len(layers.weights))):
        torch.bmm(delta.transpose(1, 2), activations[n - front], out=gradients.weights[n])
        torch.sum(delta, 1, out=gradients.biases[n])
        if n > front:
            delta = torch.bmm(delta, layers.weights[n]).mul_(activations[n - front] > 0)
    if front:
        leaves, places = (
            [*kind.weights[:front], *kind.biases[:front]] for kind in (layers, gradients)
        )
        for place, found in zip(
            places,
            torch.autograd.grad(activations[0], leaves, torch.bmm(delta, layers.weights[front])),
            strict=True,
        ):
            place.copy_(found)


class _Stack:
    """The members still training: parameters, gradients, Adam's state and batch streams, compacted together."""

    def __init__(self, flat: Tensor, mask: Tensor, shape, seeds, spec: TrainSpec):
        self.shape, self.spec = shape, spec
        self.rows = np.arange(len(flat))
        self.mask = mask.to(flat.dtype)
        self.streams = [rng(seed, "batches") for seed in seeds]
        # whole vectors per member: the optimiser's vector code then never straddles two members
        self._own(F.pad(flat, (0, -flat.shape[1] % 16)), None)

    def _own(self, flat: Tensor, state: dict | None):
        self.flat, self.gradient = flat, torch.zeros_like(flat)
        self.flat.grad = self.gradient
        self.layers, self.gradients = (
            Layers.of(self.flat, self.shape).tracked(),
            Layers.of(self.gradient, self.shape),
        )
        self.adam = torch.optim.Adam(
            [self.flat], lr=self.spec.lr, weight_decay=self.spec.weight_decay, fused=True
        )
        if state:
            self.adam.state[self.flat] = state

    def keep(self, alive: np.ndarray):
        """Compact to the members where `alive`, bool ``[M]``."""
        index = torch.from_numpy(np.flatnonzero(alive)).to(self.flat.device)
        state = {k: v[index] if v.ndim else v for k, v in self.adam.state[self.flat].items()}
        self.rows, self.mask = self.rows[alive], self.mask[index]
        self.streams = [s for s, a in zip(self.streams, alive, strict=True) if a]
        self._own(self.flat[index], state)

    def epoch(self, x: Tensor, y: Tensor, objective: Objective) -> Tensor:
        """One pass over the examples; the loss ``[M]`` averaged over them as it was met, NaN if not recorded."""
        n, size, n_weights = len(x), self.spec.batch_size, self.mask.shape[1]
        met = in_float64(
            torch.full((len(self.rows),), 0.0 if self.spec.record else torch.nan, device=x.device)
        )
        order = torch.from_numpy(np.stack([s.permutation(n) for s in self.streams])).to(x.device)
        for start in range(0, n, size):
            batch = order[:, start : start + size]
            activations = self.layers.forward(x[batch])
            backward(
                self.layers,
                self.gradients,
                activations,
                objective.gradient(activations[-1], y[batch]),
            )
            self.gradient[:, :n_weights].mul_(self.mask)
            self.adam.step()
            if self.spec.record:
                met += objective.total(objective.evaluate(activations[-1], y[batch])[0]) * (
                    batch.shape[1] / n
                )
        return met


@torch.no_grad()
def evaluate(
    flat: Tensor, shape, x: Tensor, y: Tensor, objective: Objective
) -> tuple[Tensor, Tensor]:
    """Loss and accuracy per member and task, ``[M, K]`` each, on inputs ``[B, I]``."""
    if convolutions(shape):
        alone = [Layers.of(member, shape) for member in flat.split(1)]
        logits = torch.cat(
            [
                torch.cat([layers.forward(some[None])[-1] for some in x.split(IMAGES)], 1)
                for layers in alone
            ]
        )
    else:
        logits = Layers.of(flat, shape).forward(x.expand(len(flat), -1, -1))[-1]
    return objective.evaluate(logits, y)


@torch.no_grad()
def train(
    flat: Tensor,
    mask: Tensor,
    shape,
    seeds,
    data: Dataset,
    spec: TrainSpec,
    cancel: Event | None = None,
):
    """Train members ``[M, P]`` to convergence.

    Returns the trained parameters ``[M, P]`` and, per member, its curve, float64 ``[epochs, 3]``: the
    loss on the test half and, where ``spec.record`` asks for them (else NaN), the accuracy there, averaged
    over the tasks, and the loss on the training half, averaged over the examples as they were met.
    A member whose loss is not finite stops there; its last entry says so.
    """
    device = flat.device
    x, y, x_test, y_test = (
        torch.from_numpy(a).to(device)
        for a in (data.x_train, data.y_train, data.x_test, data.y_test)
    )
    objective = Objective(data.tasks, spec.loss)
    trained, curves = flat.clone(), [[] for _ in range(len(flat))]
    stack = _Stack(flat, mask, shape, seeds, spec)
    best, above = np.full(len(flat), np.inf, dtype=np.float32), np.zeros(len(flat), dtype=int)
    while len(stack.rows):
        if cancel is not None and cancel.is_set():
            raise Cancelled
        met = stack.epoch(x, y, objective)
        losses, accuracy = evaluate(stack.flat, shape, x_test, y_test, objective)
        loss, right = (
            objective.total(losses),
            accuracy.mean(1) if spec.record else torch.full_like(met, torch.nan),
        )
        for row, values in zip(
            stack.rows, torch.stack([loss, right, met], 1).tolist(), strict=True
        ):
            curves[row].append(values)
        loss = loss.cpu().numpy()
        above = np.where(loss < best, 0, above + (loss > best))
        best = np.fmin(best, loss)
        stopped = (
            (above >= spec.patience)
            | ~np.isfinite(loss)
            | (len(curves[stack.rows[0]]) >= spec.max_epochs)
        )
        if stopped.any():
            trained[torch.from_numpy(stack.rows[stopped]).to(device)] = stack.flat[
                torch.from_numpy(stopped).to(device), : flat.shape[1]
            ]
            best, above = best[~stopped], above[~stopped]
            stack.keep(~stopped)
    return trained, [np.array(curve) for curve in curves]
