"""The batched engine behind ``population.train``: one matrix product, or grouped convolution, per layer for all members.

Works on any torch device.  The step is written by hand: for a stack of small networks autograd's
bookkeeping costs several times the arithmetic; only through convolutions autograd finds the way.
A member that stops leaves the stack at the end of its epoch, so it costs nothing afterwards.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from threading import Event

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lth_utils.config import Shape, TrainSpec, convolutions, rng, weight_shapes
from lth_utils.data import Dataset

IN_FLIGHT = 0
"""How many runs to train at once, each from a thread of its own; 0: one population after the other."""

IMAGES = 1024
"""Images that convolutions evaluate at once: all of a data set would fill the memory."""


def _exactly(logits: Tensor) -> Tensor:
    """Logits in float64, where the device has it.

    Exponentials of float32 differ in the last bit between a processor's vector and scalar code, and
    which of them an element meets depends on how many members there are.  Rounded back from
    float64 they agree, so that a member alone equals the member in company.
    """
    return logits if logits.device.type == "mps" else logits.double()


class Cancelled(Exception):
    """Training was ended from another thread."""


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
        logits = _exactly(logits)
        if self.binary:
            return logits.sigmoid().sub_(labels).mul_(scale).float()
        gradient = torch.empty_like(logits)
        for k, columns in enumerate(self.outputs):
            z, y = logits[..., columns], labels[..., k : k + 1]
            if z.shape[-1] == 1:
                gradient[..., columns] = z.sigmoid() - y
            else:
                gradient[..., columns] = z.softmax(-1).scatter_add_(-1, y, torch.full_like(y, -1, dtype=z.dtype))
        return gradient.mul_(scale).float()

    def evaluate(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean loss and accuracy per task, both ``[M, K]``, for labels ``[B, K]`` or ``[M, B, K]``."""
        losses, hits, logits = [], [], _exactly(logits)
        for k, columns in enumerate(self.outputs):
            z, y = logits[..., columns], labels[..., k].expand(len(logits), -1)
            if z.shape[-1] == 1:
                losses.append(F.binary_cross_entropy_with_logits(z[..., 0], y.to(z.dtype), reduction="none").mean(1))
                hits.append(((z[..., 0] > 0) == y).to(z.dtype).mean(1))
            else:
                losses.append(F.cross_entropy(z.transpose(1, 2), y, reduction="none").mean(1))
                hits.append((z.argmax(-1) == y).to(z.dtype).mean(1))
        return torch.stack(losses, 1), torch.stack(hits, 1)

    def total(self, losses: Tensor) -> Tensor:
        """The loss that is minimised and watched, ``[M]``."""
        return losses.sum(1) * self.weight


@dataclass
class Layers:
    """Views of a flat parameter stack ``[M, P]`` as weights ``[M, O, I]`` (``[M, O, I, k, k]``) and biases ``[M, O]``; front: convolutions."""
    weights: list[Tensor]
    biases: list[Tensor]
    shape: Shape
    front: int

    @classmethod
    def of(cls, flat: Tensor, shape: Shape) -> Layers:
        members, at, weights, biases, sizes = flat.shape[0], 0, [], [], weight_shapes(shape)
        for size in sizes:
            n = math.prod(size)
            weights.append(flat[:, at : at + n].view(members, *size))
            at += n
        for o, *_ in sizes:
            biases.append(flat[:, at : at + o])
            at += o
        return cls(weights, biases, shape, convolutions(shape))

    def tracked(self) -> Layers:
        """The same views; what the convolutions do is recorded from now on, for :func:`backward`."""
        n = self.front
        weights, biases = ([v.detach().requires_grad_() for v in views[:n]] + views[n:] for views in (self.weights, self.biases))
        return Layers(weights, biases, self.shape, n)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Activations for inputs ``[M, B, I]``: what the first dense layer hears, then each dense layer's, the logits last."""
        activations = [self._convolve(x) if self.front else x]
        for n in range(self.front, len(self.weights)):
            z = torch.baddbmm(self.biases[n][:, None, :], activations[-1], self.weights[n].transpose(1, 2))
            activations.append(z if n == len(self.weights) - 1 else z.relu_())
        return activations

    def _convolve(self, x: Tensor) -> Tensor:
        """Images ``[M, B, C * S * S]`` to the features ``[M, B, I]`` of the first dense layer, channel by channel."""
        (members, count, _), (channels, side) = x.shape, self.shape[0]
        images = x.transpose(0, 1).reshape(count, members * channels, side, side)
        with torch.set_grad_enabled(self.weights[0].requires_grad):
            z = images.contiguous(memory_format=torch.channels_last)      # a third faster on the CPU
            for n, (_, _, pool) in enumerate(self.shape[1 : self.front + 1]):
                z = F.conv2d(z, self.weights[n].flatten(0, 1), self.biases[n].flatten(), groups=members)
                z = (F.max_pool2d(z, pool) if pool > 1 else z).relu_()      # the same as pooling after ReLU, and less to do
            return z.reshape(count, members, -1).transpose(0, 1)


def backward(layers: Layers, gradients: Layers, activations: list[Tensor], d_logits: Tensor):
    """Fill `gradients` from d loss / d logits ``[M, B, O]`` and what ``layers.forward`` gave; with convolutions `layers` is ``tracked``."""
    delta, front = d_logits, layers.front
    for n in reversed(range(front, len(layers.weights))):
        torch.bmm(delta.transpose(1, 2), activations[n - front], out=gradients.weights[n])
        torch.sum(delta, 1, out=gradients.biases[n])
        if n > front:
            delta = torch.bmm(delta, layers.weights[n]).mul_(activations[n - front] > 0)
    if front:
        leaves, places = ([*kind.weights[:front], *kind.biases[:front]] for kind in (layers, gradients))
        for place, found in zip(places, torch.autograd.grad(activations[0], leaves, torch.bmm(delta, layers.weights[front])), strict=True):
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
        self.layers, self.gradients = Layers.of(self.flat, self.shape).tracked(), Layers.of(self.gradient, self.shape)
        self.adam = torch.optim.Adam([self.flat], lr=self.spec.lr, weight_decay=self.spec.weight_decay, fused=True)
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
        met = _exactly(torch.full((len(self.rows),), 0.0 if self.spec.record else torch.nan, device=x.device))
        order = torch.from_numpy(np.stack([s.permutation(n) for s in self.streams])).to(x.device)
        for start in range(0, n, size):
            batch = order[:, start : start + size]
            activations = self.layers.forward(x[batch])
            backward(self.layers, self.gradients, activations, objective.gradient(activations[-1], y[batch]))
            self.gradient[:, :n_weights].mul_(self.mask)
            self.adam.step()
            if self.spec.record:
                met += objective.total(objective.evaluate(activations[-1], y[batch])[0]) * (batch.shape[1] / n)
        return met


@torch.no_grad()
def evaluate(flat: Tensor, shape, x: Tensor, y: Tensor, objective: Objective) -> tuple[Tensor, Tensor]:
    """Loss and accuracy per member and task, ``[M, K]`` each, on inputs ``[B, I]``."""
    if convolutions(shape):
        alone = [Layers.of(member, shape) for member in flat.split(1)]
        logits = torch.cat([torch.cat([layers.forward(some[None])[-1] for some in x.split(IMAGES)], 1) for layers in alone])
    else:
        logits = Layers.of(flat, shape).forward(x.expand(len(flat), -1, -1))[-1]
    return objective.evaluate(logits, y)


@torch.no_grad()
def train(flat: Tensor, mask: Tensor, shape, seeds, data: Dataset, spec: TrainSpec, cancel: Event | None = None):
    """Train members ``[M, P]`` to convergence.

    Returns the trained parameters ``[M, P]`` and, per member, its curve, float64 ``[epochs, 3]``: the
    loss on the test half and, where ``spec.record`` asks for them (else NaN), the accuracy there, averaged
    over the tasks, and the loss on the training half, averaged over the examples as they were met.
    A member whose loss is not finite stops there; its last entry says so.
    """
    device = flat.device
    x, y, x_test, y_test = (torch.from_numpy(a).to(device) for a in (data.x_train, data.y_train, data.x_test, data.y_test))
    objective = Objective(data.tasks, spec.loss)
    trained, curves = flat.clone(), [[] for _ in range(len(flat))]
    stack = _Stack(flat, mask, shape, seeds, spec)
    best, above = np.full(len(flat), np.inf, dtype=np.float32), np.zeros(len(flat), dtype=int)
    while len(stack.rows):
        if cancel is not None and cancel.is_set():
            raise Cancelled
        met = stack.epoch(x, y, objective)
        losses, accuracy = evaluate(stack.flat, shape, x_test, y_test, objective)
        loss, right = objective.total(losses), accuracy.mean(1) if spec.record else torch.full_like(met, torch.nan)
        for row, values in zip(stack.rows, torch.stack([loss, right, met], 1).tolist(), strict=True):
            curves[row].append(values)
        loss = loss.cpu().numpy()
        above = np.where(loss < best, 0, above + (loss > best))
        best = np.fmin(best, loss)
        stopped = (above >= spec.patience) | ~np.isfinite(loss) | (len(curves[stack.rows[0]]) >= spec.max_epochs)
        if stopped.any():
            trained[torch.from_numpy(stack.rows[stopped]).to(device)] = stack.flat[torch.from_numpy(stopped).to(device), : flat.shape[1]]
            best, above = best[~stopped], above[~stopped]
            stack.keep(~stopped)
    return trained, [np.array(curve) for curve in curves]


def homes_of(mask: np.ndarray, shape, dead: bool = False) -> list[np.ndarray]:
    """Per layer, where each trained parameter lives in the flat order, -1 where pruned; ``[O, I + 1]``, the bias last.

    mask: bool ``[W]``.  Hidden units without a path to an output are left out of the rows and of the next layer's columns; dead: they stay.
    """
    homes, kept, end = [], np.arange(shape[-1]), len(mask) + sum(shape[1:])
    for i, o in reversed(list(pairwise(shape))):
        layer = mask[(start := len(mask) - i * o) :].reshape(o, i)[kept]
        mask, end = mask[:start], end - o
        inputs = np.flatnonzero(layer.any(0)) if start and not dead else np.arange(i)
        weights = np.where(layer, start + kept[:, None] * i + np.arange(i), -1)[:, inputs]
        homes.append(np.column_stack([weights, end + kept]))
        kept = inputs
    return homes[::-1]
