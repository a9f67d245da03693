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
from concurrent.futures import wait
from threading import Event

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import TrainSpec
from lth_utils.data import Dataset
from lth_utils.training.engine import Cancelled
from lth_utils.training.objective import Objective
from lth_utils.training.slots import Job, Orders, Stack, slots_for

IN_FLIGHT = 256

IDLE = 20.0
"""Seconds without work after which a trainer's memory is given back."""


class _Trainer(threading.Thread):
    """Owns the stacks of one data set and training spec; ends when it has had no work for a while."""

    def __init__(self, key, data: Dataset, spec: TrainSpec, device: torch.device):
        super().__init__(daemon=True, name="lth_utils trainer")
        self.key, self.data, self.spec, self.device = key, data, spec, device
        self.arrivals: queue.SimpleQueue[Job | None] = (
            queue.SimpleQueue()
        )  # None: the interpreter is going down
        self.objective, self.orders = Objective(data.tasks, spec.loss), Orders(len(data.x_train))
        self.stacks: dict[tuple, Stack] = {}
        self.waiting: dict[tuple, list[Job]] = {}

    def run(self):
        try:
            self.tensors = [
                torch.from_numpy(a).to(self.device)
                for a in (self.data.x_train, self.data.y_train, self.data.x_test, self.data.y_test)
            ]
            while self._take():
                self._round()
        except BaseException as error:  # whoever waits must hear of it
            with _LOCK:
                _TRAINERS.pop(self.key, None)
            seated = [j for s in self.stacks.values() for j in s.jobs if j]
            for job in [
                *seated,
                *(j for w in self.waiting.values() for j in w),
                *_drain(self.arrivals),
            ]:
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
                with _LOCK:  # under the lock nobody can be handing in a job
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

    def _stack(self, shape) -> Stack:
        seats = slots_for(shape)
        while True:
            try:
                return Stack(shape, self.tensors, self.objective, self.spec, self.device, seats)
            except torch.cuda.OutOfMemoryError:
                if seats == 1:
                    raise
                seats //= 2
                torch.cuda.empty_cache()
                warnings.warn(
                    f"the GPU's memory is too small; {seats} networks of {shape} train at once instead",
                    RuntimeWarning,
                    stacklevel=2,
                )


def _drain(jobs: queue.SimpleQueue) -> list[Job]:
    found = []
    while not jobs.empty():
        found.append(jobs.get())
    return found


_TRAINERS: dict[tuple, _Trainer] = {}

_LOCK = threading.Lock()


def _submit(jobs: list[Job], data: Dataset, spec: TrainSpec, device: torch.device):
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
    trainers = [
        t for t in threading.enumerate() if isinstance(t, _Trainer)
    ]  # one that has just timed out is in no list of ours
    for trainer in trainers:
        trainer.arrivals.put(None)
    for trainer in trainers:
        trainer.join(timeout=30)


def train(
    flat: Tensor,
    mask: Tensor,
    shape,
    seeds,
    data: Dataset,
    spec: TrainSpec,
    cancel: Event | None = None,
):
    """Train members ``[M, P]``, together with those of all other threads; see ``_dense.train``."""
    jobs = [
        Job(f, m, tuple(shape), seed, decays=spec.weight_decay > 0)
        for f, m, seed in zip(flat.cpu().numpy(), mask.cpu().numpy(), seeds, strict=True)
    ]
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
    return torch.from_numpy(np.stack([r[0] for r in results])).to(flat.device), [
        r[1] for r in results
    ]
