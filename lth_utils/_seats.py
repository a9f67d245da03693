"""The accelerator's engine behind ``population.train``: stacks whose seats are refilled at once.

Each run trains from a thread of its own and waits here for its member.  All waiting members of one
shape share a *stack* of seats; a member that stops leaves its seat to the next one, so nobody waits
for the slowest.  An epoch is a fixed sequence of device operations without any host synchronisation:
steps, evaluation, early stopping, and a snapshot of the members that stop.  On CUDA it is captured
once as a graph; the host looks at the result every ``CHUNK`` epochs.

Before it takes a seat a member is *compacted*: units that lead to no output have no gradient, so they
are dropped, exactly, and the hidden layers are padded to the next of a few widths (padding has no
gradient either).  Thin networks of all sizes thus end up in the same few small stacks.

A stack's number of seats follows from its shape alone, so a member meets the same arithmetic
whatever else is in flight.  Works on any torch device; on the CPU it serves the tests.
"""
from __future__ import annotations

import atexit
import queue
import threading
import warnings
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Event

import numpy as np
import torch
from torch import Tensor

from lth_utils._dense import Cancelled, Layers, Objective, backward, homes_of
from lth_utils.config import TrainSpec, rng
from lth_utils.data import Dataset

IN_FLIGHT = 256
CHUNK = 8
"""Epochs between two looks of the host."""

IDLE = 20.0
"""Seconds without work after which a trainer's memory is given back."""

WIDTHS = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
"""Hidden widths that compacted members are padded to; wider ones keep their own."""


def seats_for(shape) -> int:
    """Number of seats of a stack, 4 to 128: about 4 million parameters together."""
    parameters = sum((i + 1) * o for i, o in pairwise(shape))
    return int(np.clip(2 ** int(np.log2(2**22 / parameters)), 4, 128)) if parameters < 2**22 else 4


@dataclass
class _Job:
    """A member that wants to be trained: parameters ``[P]`` and mask ``[W]`` of its full shape, compacted on arrival."""
    values: np.ndarray
    mask: np.ndarray
    shape: tuple[int, ...]
    seed: int
    result: Future = field(default_factory=Future)
    small: tuple[int, ...] = ()
    home: np.ndarray | None = None    # where each parameter of the compact member lives in `values`, -1 for padding
    decays: bool = False    # dead units then change too, and stay
    curve: list[list[float]] = field(default_factory=list)

    def __post_init__(self):
        self.small, self.home = compact(self.mask, self.shape, self.decays)


def compact(mask: np.ndarray, shape, dead: bool = False) -> tuple[tuple[int, ...], np.ndarray]:
    """The padded shape without dead hidden units, and for each of its parameters its place in the full order or -1.

    mask: bool ``[W]``; dead: dead units stay.  Pruned weights have place -1 too.
    """
    homes, padded = homes_of(mask, shape, dead), []
    widths = [min(n, next((w for w in WIDTHS if w >= len(h)), n)) for h, n in zip(homes[:-1], shape[1:-1], strict=True)]
    small = (shape[0], *widths, shape[-1])
    for home, (inputs, outputs) in zip(homes, pairwise(small), strict=True):
        places = np.full((outputs, inputs + 1), -1)
        places[: len(home), : home.shape[1] - 1], places[: len(home), -1] = home[:, :-1], home[:, -1]
        padded.append(places)
    return small, np.concatenate([*(p[:, :-1].ravel() for p in padded), *(p[:, -1] for p in padded)])


class _Orders:
    """Each seed's batch orders, drawn once and used again at every level."""

    def __init__(self, examples: int):
        self.examples, self.streams, self.drawn = examples, {}, {}

    def __call__(self, seed: int, first: int, count: int) -> np.ndarray:
        """Permutations of epochs first…first+count-1, int32 ``[count, N]``."""
        stream, drawn = self.streams.setdefault(seed, rng(seed, "batches")), self.drawn.setdefault(seed, [])
        while len(drawn) < first + count:
            drawn.append(stream.permutation(self.examples).astype(np.int32))
        return np.stack(drawn[first : first + count])


class _Stack:
    """S seats of one shape on the device, and the jobs that sit on them."""

    def __init__(self, shape, data, objective: Objective, spec: TrainSpec, device: torch.device, seats: int):
        self.shape, self.spec, self.device, self.objective = shape, spec, device, objective
        self.x, self.y, self.x_test, self.y_test = data
        self.jobs: list[_Job | None] = [None] * seats
        n_weights, n = sum(i * o for i, o in pairwise(shape)), sum((i + 1) * o for i, o in pairwise(shape))

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
        self.adam = torch.optim.Adam(self.optimised, lr=spec.lr, weight_decay=spec.weight_decay, fused=True, capturable=device.type == "cuda")
        self.orders = zeros(CHUNK, len(self.x), dtype=torch.int32)
        self.orders_host = torch.zeros(self.orders.shape, dtype=torch.int32, pin_memory=device.type == "cuda")
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
            warnings.filterwarnings("ignore", message=".*capturable=True.*")     # Adam wonders about this one uncaptured step
            self._epoch()      # lets the libraries allocate what they need before the capture
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
            backward(self.layers, self.gradients, activations, self.objective.gradient(activations[-1], self.y[batch]))
            self.gradient[:, : self.mask.shape[1]].mul_(self.mask)      # no gradient, and so Adam leaves them at zero
            self.adam.step()
            if record:
                losses, _ = self.objective.evaluate(activations[-1], self.y[batch])
                met = met + self.objective.total(losses) * (batch.shape[1] / len(self.x))
        losses, accuracy = self.objective.evaluate(self.layers.forward(self.x_test.expand(len(self.jobs), -1, -1))[-1], self.y_test)
        loss = self.objective.total(losses).double()
        entry = torch.stack([loss, accuracy.mean(1).double() if record else nothing, met.double()], 1)
        self.curve.scatter_(1, self.tick.expand(len(self.jobs), 1, 3), entry[:, None])
        self.tick.add_(1)
        self._stop(loss)

    def _stop(self, loss: Tensor):
        better = loss < self.best
        self.above.copy_(torch.where(better, 0, self.above + (loss > self.best)))
        self.best.copy_(torch.where(better, loss, self.best))
        self.epoch.add_(self.alive)
        stops = self.alive & ((self.above >= self.spec.patience) | ~torch.isfinite(loss) | (self.epoch >= self.spec.max_epochs))
        self.final.copy_(torch.where(stops[:, None], self.flat, self.final))
        self.alive.logical_and_(~stops)

    # -------------------------------------------------- the host, every CHUNK epochs
    def refill(self, waiting: list[_Job]):
        """Seat as many of the waiting jobs as there are free seats."""
        for seat, sitting in enumerate(self.jobs):
            if sitting is not None and sitting.result.cancelled():
                self.jobs[seat] = None
                self.alive[seat] = False
            if self.jobs[seat] is None and waiting:
                self._seat(seat, waiting.pop(0))

    def _seat(self, seat: int, job: _Job):
        values = np.where(job.home >= 0, job.values[job.home], 0).astype(np.float32)
        self.flat[seat, : len(values)] = torch.from_numpy(values).to(self.device)
        self.mask[seat] = torch.from_numpy(job.home[: self.mask.shape[1]] >= 0).to(self.device)
        self.above[seat], self.epoch[seat] = 0, 0
        for state in self.adam.state[self.optimised[seat]].values():
            state.zero_()
        self.best[seat], self.alive[seat] = torch.inf, True
        self.jobs[seat] = job

    def launch(self, orders: _Orders):
        """Start the next CHUNK epochs; does not wait for them."""
        for seat, job in enumerate(self.jobs):
            if job is not None:
                self.orders_host[seat] = torch.from_numpy(orders(job.seed, len(job.curve), CHUNK))
        self.orders.copy_(self.orders_host, non_blocking=True)    # collect waits, so the next launch may write there
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
                trained[job.home[job.home >= 0]] = self.final[seat, : len(job.home)].cpu().numpy()[job.home >= 0]
                self.jobs[seat] = None
                if not job.result.cancelled():
                    job.result.set_result((trained, np.array(job.curve)))


class _Trainer(threading.Thread):
    """Owns the stacks of one data set and training spec; ends when it has had no work for a while."""

    def __init__(self, key, data: Dataset, spec: TrainSpec, device: torch.device):
        super().__init__(daemon=True, name="lth_utils trainer")
        self.key, self.data, self.spec, self.device = key, data, spec, device
        self.arrivals: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()      # None: the interpreter is going down
        self.objective, self.orders = Objective(data.tasks, spec.loss), _Orders(len(data.x_train))
        self.stacks: dict[tuple, _Stack] = {}
        self.waiting: dict[tuple, list[_Job]] = {}

    def run(self):
        try:
            self.tensors = [torch.from_numpy(a).to(self.device)
                            for a in (self.data.x_train, self.data.y_train, self.data.x_test, self.data.y_test)]
            while self._take():
                self._round()
        except BaseException as error:      # whoever waits must hear of it
            with _LOCK:
                _TRAINERS.pop(self.key, None)
            seated = [j for s in self.stacks.values() for j in s.jobs if j]
            for job in [*seated, *(j for w in self.waiting.values() for j in w), *_drain(self.arrivals)]:
                if job and not job.result.done():
                    job.result.set_exception(error)

    def _take(self) -> bool:
        """Sort what arrived by shape; False, and no longer known to anybody, if nothing came while idle."""
        busy = any(self.waiting.values()) or any(j for s in self.stacks.values() for j in s.jobs)
        arrived = _drain(self.arrivals)
        if not busy and not arrived:
            try:
                arrived = [self.arrivals.get(timeout=IDLE)]
            except queue.Empty:
                with _LOCK:       # under the lock nobody can be handing in a job
                    arrived = _drain(self.arrivals)
                    if not arrived:
                        _TRAINERS.pop(self.key, None)
                        return False
        if None in arrived:
            return False
        for job in arrived:
            self.waiting.setdefault(job.small, []).append(job)
        return True

    def _round(self):
        """CHUNK epochs of every stack that has members."""
        launched = []
        for shape in {*self.waiting, *self.stacks}:
            waiting = [j for j in self.waiting.pop(shape, []) if not j.result.cancelled()]
            if waiting and shape not in self.stacks:
                self.stacks[shape] = self._stack(shape)
            if (stack := self.stacks.get(shape)) is None:
                continue
            stack.refill(waiting)
            if waiting:
                self.waiting[shape] = waiting
            if any(stack.jobs):
                stack.launch(self.orders)
                launched.append(stack)
        for stack in launched:
            stack.collect()

    def _stack(self, shape) -> _Stack:
        seats = seats_for(shape)
        while True:
            try:
                return _Stack(shape, self.tensors, self.objective, self.spec, self.device, seats)
            except torch.cuda.OutOfMemoryError:
                if seats == 1:
                    raise
                seats //= 2
                torch.cuda.empty_cache()
                warnings.warn(f"the GPU's memory is too small; {seats} networks of {shape} train at once instead",
                              RuntimeWarning, stacklevel=2)


def _drain(jobs: queue.SimpleQueue) -> list[_Job]:
    found = []
    while not jobs.empty():
        found.append(jobs.get())
    return found


_TRAINERS: dict[tuple, _Trainer] = {}
_LOCK = threading.Lock()


def _submit(jobs: list[_Job], data: Dataset, spec: TrainSpec, device: torch.device):
    key = (id(data), spec, device)
    with _LOCK:
        if key not in _TRAINERS:
            _TRAINERS[key] = _Trainer(key, data, spec, device)
            _TRAINERS[key].start()
        for job in jobs:
            _TRAINERS[key].arrivals.put(job)


@atexit.register
def _end():
    """Let the trainers leave before the interpreter does: a thread killed inside the library would abort the process."""
    trainers = [t for t in threading.enumerate() if isinstance(t, _Trainer)]      # one that has just timed out is in no list of ours
    for trainer in trainers:
        trainer.arrivals.put(None)
    for trainer in trainers:
        trainer.join(timeout=30)


def train(flat: Tensor, mask: Tensor, shape, seeds, data: Dataset, spec: TrainSpec, cancel: Event | None = None):
    """Train members ``[M, P]``, together with those of all other threads; see ``_dense.train``."""
    jobs = [_Job(f, m, tuple(shape), seed, decays=spec.weight_decay > 0)
            for f, m, seed in zip(flat.cpu().numpy(), mask.cpu().numpy(), seeds, strict=True)]
    _submit(jobs, data, spec, flat.device)
    pending = {job.result for job in jobs}
    try:
        while pending:
            if cancel is not None and cancel.is_set():
                raise Cancelled
            pending = wait(pending, timeout=0.2).not_done
    except BaseException:
        for job in jobs:
            job.result.cancel()
        raise
    results = [job.result.result() for job in jobs]
    return torch.from_numpy(np.stack([r[0] for r in results])).to(flat.device), [r[1] for r in results]
