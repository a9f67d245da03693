"""Stacks of slots of one shape on a device, refilled as members stop."""

from __future__ import annotations

import contextlib
import threading
import warnings
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from lth_utils.networks.forward import Layers
from lth_utils.training.batched import backward
from lth_utils.training.jobs import Job, Problem

CHUNK = 8
"""Epochs between two synchronisations with the host."""

_CAPTURING = threading.Lock()
"""Held while a graph is captured: torch allows one capture at a time in a process."""


def n_parameters(shape: tuple[int, ...]) -> int:
    """Number of weights and biases of a dense network."""
    return sum((n_inputs + 1) * n_outputs for n_inputs, n_outputs in pairwise(shape))


def slots_for(shape: tuple[int, ...]) -> int:
    """Number of slots of a stack, 4 to 128: about 4 million parameters together."""
    if n_parameters(shape) >= 2**22:
        return 4
    power = int(np.log2(2**22 / n_parameters(shape)))
    return int(np.clip(2**power, 4, 128))


class Stack:
    """Slots of one shape on the device, and the jobs in them.

    Args:
        shape: units per layer, inputs first.
        slots: number of slots S.
        problem: the data on the device, and how to train on it.
    """

    def __init__(self, shape: tuple[int, ...], slots: int, problem: Problem):
        self.shape, self.problem = shape, problem
        self.device = problem.x.device
        self.jobs: list[Job | None] = [None] * slots
        # every slot starts on a cache line: the order of sums in libraries may follow the alignment
        padded = n_parameters(shape) + -n_parameters(shape) % 16
        self.flat, self.gradient, self.final = (self._zeros(padded) for _ in range(3))
        self.mask = self._zeros(n_parameters(shape) - sum(shape[1:]))
        self.layers = Layers.of(self.flat, shape)
        self.gradients = Layers.of(self.gradient, shape)
        self._make_adam()
        self.orders = self._zeros(CHUNK, len(problem.x), dtype=torch.int32)
        self.orders_host = torch.zeros(
            self.orders.shape, dtype=torch.int32, pin_memory=self.device.type == "cuda"
        )
        self.records = self._zeros(CHUNK, 3, dtype=torch.float64)
        self.best = self._zeros(dtype=torch.float64)
        self.bad_epochs = self._zeros(dtype=torch.int64)
        self.epochs = self._zeros(dtype=torch.int64)
        self.training = self._zeros(dtype=torch.bool)
        self.epoch_in_chunk = torch.zeros(1, dtype=torch.int64, device=self.device)
        self.graph = self._capture() if self.device.type == "cuda" else None
        # epochs of thin networks leave most of a device idle: stacks work beside each other
        self.stream = torch.cuda.Stream() if self.graph else None
        if self.stream:
            self.stream.wait_stream(torch.cuda.current_stream())

    def _on_stream(self) -> contextlib.AbstractContextManager:
        """Within it, what is done with the device's arrays happens in the stack's own order."""
        return torch.cuda.stream(self.stream) if self.stream else contextlib.nullcontext()

    def _zeros(self, *size: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Zeros ``[S, *size]`` on the device."""
        return torch.zeros(len(self.jobs), *size, dtype=dtype, device=self.device)

    def _make_adam(self):
        """One tensor and one step count per slot; fused: one kernel for all of them."""
        self.slot_parameters = list(self.flat.unbind(0))
        for parameters, gradient in zip(self.slot_parameters, self.gradient.unbind(0), strict=True):
            parameters.grad = gradient
        self.adam = torch.optim.Adam(
            self.slot_parameters,
            lr=self.problem.spec.lr,
            weight_decay=self.problem.spec.weight_decay,
            fused=True,
            capturable=self.device.type == "cuda",
        )

    def _capture(self) -> torch.cuda.CUDAGraph:
        """One epoch as a graph, which the device can repeat without the host."""
        stream, side = torch.cuda.current_stream(), torch.cuda.Stream()
        # a capture that fails may leave its own stream the current one: this one returns here
        with _CAPTURING, torch.cuda.stream(stream), warnings.catch_warnings():
            # Adam warns about the one step before graph capture
            warnings.filterwarnings("ignore", message=".*capturable=True.*")
            side.wait_stream(stream)
            with torch.cuda.stream(side):
                self._epoch()  # lets the libraries allocate what they need before the capture
                self.epoch_in_chunk.zero_()
            stream.wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self._epoch()
        self.epoch_in_chunk.zero_()
        return graph

    # device code: no host synchronisation

    @torch.no_grad()
    def _epoch(self):
        """One epoch of all slots: steps, evaluation and early stopping."""
        problem = self.problem
        train_loss = self._steps()
        x_test = problem.x_test.expand(len(self.jobs), -1, -1)
        logits = self.layers.forward(x_test)[-1]
        losses, accuracies = problem.objective.evaluate(logits, problem.y_test)
        loss = problem.objective.total(losses).double()
        if problem.spec.record:
            accuracy = accuracies.mean(1).double()
        else:
            accuracy = torch.full_like(self.best, torch.nan)
        entry = torch.stack([loss, accuracy, train_loss.double()], 1)
        position = self.epoch_in_chunk.expand(len(self.jobs), 1, 3)
        self.records.scatter_(1, position, entry[:, None])
        self.epoch_in_chunk.add_(1)
        self._stop(loss)

    def _steps(self) -> Tensor:
        """The steps of one epoch; the mean training loss ``[S]``, NaN unless recorded."""
        problem, record = self.problem, self.problem.spec.record
        n_examples, n_weights = len(problem.x), self.mask.shape[1]
        order = self.orders.index_select(1, self.epoch_in_chunk)[:, 0].long()
        train_loss = torch.full_like(self.best, 0.0 if record else torch.nan)
        for start in range(0, n_examples, problem.spec.batch_size):
            batch = order[:, start : start + problem.spec.batch_size]
            labels = problem.y[batch]
            activations = self.layers.forward(problem.x[batch])
            logits = activations[-1]
            d_logits = problem.objective.gradient(logits, labels)
            backward(self.layers, self.gradients, activations, d_logits)
            if problem.spec.l1:
                self.gradient.add_(self.flat.sign(), alpha=problem.spec.l1)
            # pruned weights get no gradient, so Adam leaves them at zero
            self.gradient[:, :n_weights].mul_(self.mask)
            self.adam.step()
            if record:
                share = batch.shape[1] / n_examples
                train_loss = train_loss + problem.objective.batch_loss(logits, labels) * share
        return train_loss

    def _stop(self, loss: Tensor):
        """Update early stopping, and keep the parameters of the members that stop now."""
        spec = self.problem.spec
        better = loss < self.best
        self.bad_epochs.copy_(torch.where(better, 0, self.bad_epochs + (loss > self.best)))
        self.best.copy_(torch.where(better, loss, self.best))
        self.epochs.add_(self.training)
        out_of_patience = self.bad_epochs >= spec.patience
        at_end = out_of_patience | ~torch.isfinite(loss) | (self.epochs >= spec.max_epochs)
        stops = self.training & at_end
        self.final.copy_(torch.where(stops[:, None], self.flat, self.final))
        self.training.logical_and_(~stops)

    # host code, every CHUNK epochs

    def refill(self, waiting: list[Job]):
        """Put waiting jobs into free slots, and remove them from the list."""
        with self._on_stream():
            for slot, job in enumerate(self.jobs):
                if job is not None and job.result.cancelled():
                    self.jobs[slot] = None
                    self.training[slot] = False
                if self.jobs[slot] is None and waiting:
                    self._fill(slot, waiting.pop(0))

    def _fill(self, slot: int, job: Job):
        """Put a job into a free slot."""
        values, mask = job.compact_values(), job.index[: self.mask.shape[1]] >= 0
        # together, so that the host waits once
        both = np.concatenate([values, mask.astype(np.float32)])
        moved = torch.from_numpy(both).to(self.device)
        self.flat[slot, : len(values)] = moved[: len(values)]
        self.mask[slot] = moved[len(values) :]
        self.bad_epochs[slot] = 0
        self.epochs[slot] = 0
        for state in self.adam.state[self.slot_parameters[slot]].values():
            state.zero_()
        self.best[slot] = torch.inf
        self.training[slot] = True
        self.jobs[slot] = job

    def launch(self):
        """Start the next CHUNK epochs, without waiting for them."""
        for slot, job in enumerate(self.jobs):
            if job is not None:
                order = self.problem.orders(job, CHUNK)
                self.orders_host[slot] = torch.from_numpy(order)
        with self._on_stream():
            # collect waits, so the next launch may overwrite the host's copy
            self.orders.copy_(self.orders_host, non_blocking=True)
            self.epoch_in_chunk.zero_()
            for _ in range(CHUNK):
                if self.graph:
                    self.graph.replay()
                else:
                    self._epoch()

    def collect(self):
        """Wait for the epochs, and finish the jobs of the members that stopped."""
        with self._on_stream():
            self._collect()

    def _collect(self):
        """As :meth:`collect`."""
        counts = torch.stack([self.epochs, self.training], 1).double()
        report = torch.cat([counts, self.records.flatten(1)], 1).cpu()
        stopped = []
        for slot, job in enumerate(self.jobs):
            if job is None:
                continue
            epochs, training = report[slot, :2].int().tolist()
            rows = report[slot, 2:].view(CHUNK, 3)
            job.record += rows[: epochs - len(job.record)].tolist()
            if not training:
                stopped.append(slot)
        if stopped:
            final = torch.stack([self.final[slot] for slot in stopped]).cpu().numpy()
            for slot, values in zip(stopped, final, strict=True):
                job, self.jobs[slot] = self.jobs[slot], None
                job.finish(values)
