"""Stacks of slots of one shape on a device, refilled as members stop."""

from __future__ import annotations

import warnings
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import TrainSpec, rng
from lth_utils.networks.layers import Layers
from lth_utils.training.batched import backward
from lth_utils.training.compact import compact
from lth_utils.training.objective import Objective

CHUNK = 8
"""Epochs between two looks of the host."""


def slots_for(shape) -> int:
    """Number of seats of a stack, 4 to 128: about 4 million parameters together."""
    parameters = sum((i + 1) * o for i, o in pairwise(shape))
    return int(np.clip(2 ** int(np.log2(2**22 / parameters)), 4, 128)) if parameters < 2**22 else 4


@dataclass
class Job:
    """A member that wants to be trained: parameters ``[P]`` and mask ``[W]`` of its full shape, compacted on arrival."""

    values: np.ndarray
    mask: np.ndarray
    shape: tuple[int, ...]
    seed: int
    result: Future = field(default_factory=Future)
    small: tuple[int, ...] = ()
    home: np.ndarray | None = (
        None  # where each parameter of the compact member lives in `values`, -1 for padding
    )
    decays: bool = False  # dead units then change too, and stay
    curve: list[list[float]] = field(default_factory=list)

    def __post_init__(self):
        self.small, self.home = compact(self.mask, self.shape, self.decays)


class Orders:
    """Each seed's batch orders, drawn once and used again at every level."""

    def __init__(self, examples: int):
        self.examples, self.streams, self.drawn = examples, {}, {}

    def __call__(self, seed: int, first: int, count: int) -> np.ndarray:
        """Permutations of epochs first…first+count-1, int32 ``[count, N]``."""
        stream, drawn = (
            self.streams.setdefault(seed, rng(seed, "batches")),
            self.drawn.setdefault(seed, []),
        )
        while len(drawn) < first + count:
            drawn.append(stream.permutation(self.examples).astype(np.int32))
        return np.stack(drawn[first : first + count])


class Stack:
    """S seats of one shape on the device, and the jobs that sit on them."""

    def __init__(
        self, shape, data, objective: Objective, spec: TrainSpec, device: torch.device, seats: int
    ):
        self.shape, self.spec, self.device, self.objective = shape, spec, device, objective
        self.x, self.y, self.x_test, self.y_test = data
        self.jobs: list[Job | None] = [None] * seats
        n_weights, n = (
            sum(i * o for i, o in pairwise(shape)),
            sum((i + 1) * o for i, o in pairwise(shape)),
        )

        def zeros(*size, dtype=torch.float32):
            return torch.zeros(seats, *size, dtype=dtype, device=device)

        # every seat starts on a cache line: libraries may add in another order where memory is aligned otherwise
        self.flat, self.gradient, self.final = (zeros(n + -n % 16) for _ in range(3))
        self.mask = zeros(n_weights)
        self.layers, self.gradients = Layers.of(self.flat, shape), Layers.of(self.gradient, shape)
        # one tensor and one step count per seat; fused: one kernel for all of them
        self.optimised = list(self.flat.unbind(0))
        for seat, gradient in zip(self.optimised, self.gradient.unbind(0), strict=True):
            seat.grad = gradient
        self.adam = torch.optim.Adam(
            self.optimised,
            lr=spec.lr,
            weight_decay=spec.weight_decay,
            fused=True,
            capturable=device.type == "cuda",
        )
        self.orders = zeros(CHUNK, len(self.x), dtype=torch.int32)
        self.orders_host = torch.zeros(
            self.orders.shape, dtype=torch.int32, pin_memory=device.type == "cuda"
        )
        self.curve = zeros(CHUNK, 3, dtype=torch.float64)
        self.best = zeros(dtype=torch.float64)
        self.above, self.epoch = zeros(dtype=torch.int64), zeros(dtype=torch.int64)
        self.alive = zeros(dtype=torch.bool)
        self.tick = torch.zeros(1, dtype=torch.int64, device=device)
        self.graph = self._capture() if device.type == "cuda" else None

    def _capture(self):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side), warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", message=".*capturable=True.*"
            )  # Adam wonders about this one uncaptured step
            self._epoch()  # lets the libraries allocate what they need before the capture
            self.tick.zero_()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self._epoch()
        self.tick.zero_()
        return graph

    # -------------------------------------------------- on the device, without a look of the host
    @torch.no_grad()
    def _epoch(self):
        order, record = self.orders.index_select(1, self.tick)[:, 0].long(), self.spec.record
        nothing = torch.full_like(self.best, torch.nan)
        met = torch.zeros_like(self.best) if record else nothing
        for start in range(0, len(self.x), self.spec.batch_size):
            batch = order[:, start : start + self.spec.batch_size]
            activations = self.layers.forward(self.x[batch])
            backward(
                self.layers,
                self.gradients,
                activations,
                self.objective.gradient(activations[-1], self.y[batch]),
            )
            self.gradient[:, : self.mask.shape[1]].mul_(
                self.mask
            )  # no gradient, and so Adam leaves them at zero
            self.adam.step()
            if record:
                losses, _ = self.objective.evaluate(activations[-1], self.y[batch])
                met = met + self.objective.total(losses) * (batch.shape[1] / len(self.x))
        losses, accuracy = self.objective.evaluate(
            self.layers.forward(self.x_test.expand(len(self.jobs), -1, -1))[-1], self.y_test
        )
        loss = self.objective.total(losses).double()
        entry = torch.stack(
            [loss, accuracy.mean(1).double() if record else nothing, met.double()], 1
        )
        self.curve.scatter_(1, self.tick.expand(len(self.jobs), 1, 3), entry[:, None])
        self.tick.add_(1)
        self._stop(loss)

    def _stop(self, loss: Tensor):
        better = loss < self.best
        self.above.copy_(torch.where(better, 0, self.above + (loss > self.best)))
        self.best.copy_(torch.where(better, loss, self.best))
        self.epoch.add_(self.alive)
        stops = self.alive & (
            (self.above >= self.spec.patience)
            | ~torch.isfinite(loss)
            | (self.epoch >= self.spec.max_epochs)
        )
        self.final.copy_(torch.where(stops[:, None], self.flat, self.final))
        self.alive.logical_and_(~stops)

    # -------------------------------------------------- the host, every CHUNK epochs
    def refill(self, waiting: list[Job]):
        """Seat as many of the waiting jobs as there are free seats."""
        for seat, sitting in enumerate(self.jobs):
            if sitting is not None and sitting.result.cancelled():
                self.jobs[seat] = None
                self.alive[seat] = False
            if self.jobs[seat] is None and waiting:
                self._seat(seat, waiting.pop(0))

    def _seat(self, seat: int, job: Job):
        values = np.where(job.home >= 0, job.values[job.home], 0).astype(np.float32)
        self.flat[seat, : len(values)] = torch.from_numpy(values).to(self.device)
        self.mask[seat] = torch.from_numpy(job.home[: self.mask.shape[1]] >= 0).to(self.device)
        self.above[seat], self.epoch[seat] = 0, 0
        for state in self.adam.state[self.optimised[seat]].values():
            state.zero_()
        self.best[seat], self.alive[seat] = torch.inf, True
        self.jobs[seat] = job

    def launch(self, orders: Orders):
        """Start the next CHUNK epochs; does not wait for them."""
        for seat, job in enumerate(self.jobs):
            if job is not None:
                self.orders_host[seat] = torch.from_numpy(orders(job.seed, len(job.curve), CHUNK))
        self.orders.copy_(
            self.orders_host, non_blocking=True
        )  # collect waits, so the next launch may write there
        self.tick.zero_()
        for _ in range(CHUNK):
            self.graph.replay() if self.graph else self._epoch()

    def collect(self):
        """Wait for the epochs and hand back the members that stopped."""
        alive, epochs, curve = self.alive.cpu(), self.epoch.cpu(), self.curve.cpu()
        for seat, job in enumerate(self.jobs):
            if job is None:
                continue
            job.curve += curve[seat, : int(epochs[seat]) - len(job.curve)].tolist()
            if not alive[seat]:
                trained = job.values.copy()
                trained[job.home[job.home >= 0]] = (
                    self.final[seat, : len(job.home)].cpu().numpy()[job.home >= 0]
                )
                self.jobs[seat] = None
                if not job.result.cancelled():
                    job.result.set_result((trained, np.array(job.curve)))
