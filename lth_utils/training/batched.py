"""The batched engine: one matrix product, or grouped convolution, per layer for all members.

Works on any torch device. The gradient of the dense layers is written by hand: for a stack of
small networks the bookkeeping of autograd costs several times the arithmetic. Autograd is used for
the convolution layers only, where no compiled loops take them; grouped convolutions agree with
single ones to rounding, not bit for bit. A member that stops leaves the stack at the end of its
epoch and costs nothing afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lth_utils.config import Shape, TrainSpec, rng
from lth_utils.data import Dataset
from lth_utils.networks.forward import Layers
from lth_utils.networks.layers import network
from lth_utils.training.engine import Cancelled, Engine
from lth_utils.training.objective import Objective, in_float64
from lth_utils.training.on_device import on_device

if TYPE_CHECKING:
    from lth_utils.training.sparse.convolutions import Convolutions

LARGE, POINTS_CHUNK = 10_000, 1000
"""More examples than the first number are evaluated in parts of the second."""

IMAGE_CHUNK = 1024
"""Images that convolutions evaluate at once: a whole data set would fill the memory."""


def backward(layers: Layers, gradients: Layers, activations: list[Tensor], d_logits: Tensor):
    """Compute the gradients of all weights and biases.

    Args:
        layers: the parameters. With convolutions, the result of :meth:`Layers.tracked`.
        gradients: views that receive the gradients.
        activations: what ``layers.forward`` returned.
        d_logits: d loss / d logits, float32 ``[M, B, O]``.
    """
    d_features = backward_dense(layers, gradients, activations, d_logits)
    front = layers.front
    if d_features is not None:
        sources = layers.weights[:front] + layers.biases[:front]
        targets = gradients.weights[:front] + gradients.biases[:front]
        computed = torch.autograd.grad(activations[0], sources, d_features, allow_unused=True)
        for target, gradient in zip(targets, computed, strict=True):
            if gradient is not None:  # a layer without biases does not use its empty view
                target.copy_(gradient)


def backward_dense(
    layers: Layers, gradients: Layers, activations: list[Tensor], d_logits: Tensor
) -> Tensor | None:
    """The same of the layers after the convolutions.

    Returns:
        The gradients of the first of the `activations`, or None where there are no convolutions.
    """
    delta = d_logits
    front = layers.front
    for n in reversed(range(front, len(layers.weights))):
        inputs = activations[n - front]
        torch.bmm(delta.transpose(1, 2), inputs, out=gradients.weights[n])
        torch.sum(delta, 1, out=gradients.biases[n])
        if n > front:
            delta = torch.bmm(delta, layers.weights[n]).mul_(inputs > 0)
    if not front:
        return None
    return torch.bmm(delta, layers.weights[front]) if front < len(layers.weights) else delta


class _Stack:
    """Members in training: parameters, gradients, Adam's state and batch streams, kept in step."""

    def __init__(
        self,
        flat: Tensor,
        mask: Tensor,
        shape: Shape,
        seeds,
        spec: TrainSpec,
        convolutions: Convolutions | None,
    ):
        self.shape = shape
        self.convolutions = convolutions
        self.spec = spec
        self.rows = np.arange(len(flat))
        self.mask = mask.to(flat.dtype)
        self.streams = [rng(seed, "batches") for seed in seeds]
        # whole vectors per member: the optimiser's vector code then never straddles two members
        self._set_parameters(F.pad(flat, (0, -flat.shape[1] % 16)))

    def _set_parameters(self, flat: Tensor, adam_state: dict | None = None):
        """Make views, gradients and an optimiser for these parameters, ``[M, P]``, padded."""
        self.flat = flat
        self.gradient = torch.zeros_like(flat)
        self.flat.grad = self.gradient
        self.layers = Layers.of(self.flat, self.shape).tracked()
        self.gradients = Layers.of(self.gradient, self.shape)
        self.adam = torch.optim.Adam(
            [self.flat], lr=self.spec.lr, weight_decay=self.spec.weight_decay, fused=True
        )
        if adam_state:
            self.adam.state[self.flat] = adam_state

    def keep(self, training: np.ndarray):
        """Remove all members but those where `training`, bool ``[M]``."""
        index = torch.from_numpy(np.flatnonzero(training)).to(self.flat.device)
        state = self.adam.state[self.flat]
        self.streams = [self.streams[m] for m in np.flatnonzero(training)]
        self.rows = self.rows[training]
        self.mask = self.mask[index]
        kept = {key: value[index] if value.ndim else value for key, value in state.items()}
        self._set_parameters(self.flat[index], kept)

    def epoch(self, x: Tensor, y: Tensor, objective: Objective) -> Tensor:
        """One pass over the examples; the mean training loss ``[M]``, NaN unless recorded."""
        n_examples, n_weights = len(x), self.mask.shape[1]
        size, record = self.spec.batch_size, self.spec.record
        start_value = 0.0 if record else torch.nan
        train_loss = in_float64(torch.full((len(self.rows),), start_value, device=x.device))
        orders = np.stack([stream.permutation(n_examples) for stream in self.streams])
        orders = torch.from_numpy(orders).to(x.device)
        for start in range(0, n_examples, size):
            batch = orders[:, start : start + size]
            labels = y[batch]
            activations = self._forward(x, batch)
            logits = activations[-1]
            d_logits = objective.gradient(logits, labels)
            self._backward(activations, d_logits)
            if self.spec.l1:
                self.gradient.add_(self.flat.sign(), alpha=self.spec.l1)
            self.gradient[:, :n_weights].mul_(self.mask)
            self.adam.step()
            if record:
                train_loss += objective.batch_loss(logits, labels) * (batch.shape[1] / n_examples)
        return train_loss

    def _forward(self, x: Tensor, batch: Tensor) -> list[Tensor]:
        """What ``Layers.forward`` returns for the examples `batch`, ``[M, B]``."""
        if self.convolutions is None:
            return self.layers.forward(x[batch])
        features = self.convolutions.forward(self.flat[0].numpy(), x.numpy(), batch[0].numpy())
        return self.layers.forward_dense(torch.from_numpy(features)[None])

    def _backward(self, activations: list[Tensor], d_logits: Tensor):
        """Write the gradients of the latest :meth:`_forward`."""
        if self.convolutions is None:
            backward(self.layers, self.gradients, activations, d_logits)
            return
        d_features = backward_dense(self.layers, self.gradients, activations, d_logits)
        self.convolutions.backward(
            self.flat[0].numpy(), d_features[0].numpy(), self.gradient[0].numpy()
        )

    def evaluate(self, x: Tensor, y: Tensor, objective: Objective) -> tuple[Tensor, Tensor]:
        """See :func:`evaluate`."""
        if self.convolutions is None:
            return evaluate(self.flat, self.shape, x, y, objective)
        chunks = torch.arange(len(x))[None].split(IMAGE_CHUNK, 1)
        logits = torch.cat([self._forward(x, chunk)[-1] for chunk in chunks], 1)
        return objective.evaluate(logits, y)


@torch.no_grad()
def evaluate(
    flat: Tensor, shape: Shape, x: Tensor, y: Tensor, objective: Objective
) -> tuple[Tensor, Tensor]:
    """Loss and score of each member on each task.

    Args:
        flat: parameters, float32 ``[M, P]``.
        shape: the networks' shape.
        x: inputs, float32 ``[B, I]``.
        y: labels, int64 ``[B, K]`` or float32 ``[B, T]``.
        objective: the tasks.

    Returns:
        Loss and score, float64 ``[M, K]`` each.
    """
    if network(shape).front:
        logits = torch.cat([_logits_in_chunks(member, shape, x) for member in flat.split(1)])
    else:
        layers = Layers.of(flat, shape)
        # activations of many examples at once would leave the processor's cache
        size = POINTS_CHUNK if len(x) > LARGE else len(x)
        parts = [layers.forward(part.expand(len(flat), -1, -1))[-1] for part in x.split(size)]
        logits = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
    return objective.evaluate(logits, y)


def _logits_in_chunks(member: Tensor, shape: Shape, x: Tensor) -> Tensor:
    """Logits ``[1, B, O]`` of one convolutional member ``[1, P]``."""
    layers = Layers.of(member, shape)
    return torch.cat([layers.forward(chunk[None])[-1] for chunk in x.split(IMAGE_CHUNK)], 1)


@torch.no_grad()
def train(
    flat: Tensor,
    mask: Tensor,
    shape: Shape,
    seeds: Sequence[int],
    data: Dataset,
    spec: TrainSpec,
    cancel: Event | None = None,
    convolutions: Convolutions | None = None,
) -> tuple[Tensor, list[np.ndarray]]:
    """Train all members as one stack, see ``TrainFunction``.

    Args:
        convolutions: compute those of a single member on the CPU. None: autograd does.
    """
    device = flat.device
    arrays = (data.x_train, data.y_train, data.x_test, data.y_test)
    x, y, x_test, y_test = (on_device(array, device) for array in arrays)
    objective = Objective.of(data, spec.loss)
    trained = flat.clone()
    records = [[] for _ in range(len(flat))]
    stack = _Stack(flat, mask, shape, seeds, spec, convolutions)
    best = np.full(len(flat), np.inf, dtype=np.float32)
    bad_epochs = np.zeros(len(flat), dtype=int)
    while len(stack.rows):
        if cancel is not None and cancel.is_set():
            raise Cancelled
        train_loss = stack.epoch(x, y, objective)
        losses, accuracies = stack.evaluate(x_test, y_test, objective)
        loss = objective.total(losses)
        accuracy = accuracies.mean(1) if spec.record else torch.full_like(train_loss, torch.nan)
        entries = torch.stack([loss, accuracy, train_loss], 1).tolist()
        for row, entry in zip(stack.rows, entries, strict=True):
            records[row].append(entry)
        loss = loss.cpu().numpy()
        bad_epochs = np.where(loss < best, 0, bad_epochs + (loss > best))
        best = np.fmin(best, loss)
        epochs = len(records[stack.rows[0]])
        stops = (bad_epochs >= spec.patience) | ~np.isfinite(loss) | (epochs >= spec.max_epochs)
        if stops.any():
            rows = torch.from_numpy(stack.rows[stops]).to(device)
            trained[rows] = stack.flat[torch.from_numpy(stops).to(device), : flat.shape[1]]
            best, bad_epochs = best[~stops], bad_epochs[~stops]
            stack.keep(~stops)
    return trained, [np.array(record) for record in records]


ENGINE = Engine("batched", train, max_concurrent_runs=0)
