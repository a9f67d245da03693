"""The accelerator's engine: stacks of slots that are refilled at once.

Each run trains from a thread of its own and waits here for its member. All waiting members of one
shape share a *stack* of slots: when a member stops, its slot is refilled at once, so slow members
do not block others. An epoch is a fixed sequence of device operations without host
synchronisation: steps, evaluation, early stopping, and a snapshot of the members that stop. On
CUDA it is captured once as a graph. The host reads the results every ``slots.CHUNK`` epochs.

Before it takes a slot a member is *compacted*: units that lead to no output have no gradient, so
they are dropped, exactly, and the hidden layers are padded to the next of a few widths (padding
has no gradient either). Thin networks of all sizes thus share the same few small stacks.

The number of slots of a stack follows from its shape alone, so training is batch-invariant: a
member's arithmetic does not depend on which members are trained with it. Works on any torch
device; on the CPU it serves the tests.
"""

from __future__ import annotations

import atexit
import queue
import threading
import warnings
from collections.abc import Sequence
from concurrent.futures import wait
from threading import Event

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import Shape, TrainSpec
from lth_utils.data import Dataset
from lth_utils.training.engine import Cancelled, Engine
from lth_utils.training.jobs import BatchOrders, Job, Problem
from lth_utils.training.objective import Objective
from lth_utils.training.slots import Stack, slots_for

IDLE = 20.0
"""Seconds without work after which a trainer's memory is given back."""


class _Trainer(threading.Thread):
    """Owns the stacks of one data set and training spec; ends after a while without work."""

    def __init__(self, key: tuple, data: Dataset, spec: TrainSpec, device: torch.device):
        super().__init__(daemon=True, name="lth_utils trainer")
        self.key, self.data, self.spec, self.device = key, data, spec, device
        # None: the interpreter is shutting down
        self.arrivals: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.orders = BatchOrders(len(data.x_train))
        self.stacks: dict[tuple[int, ...], Stack] = {}
        self.waiting: dict[tuple[int, ...], list[Job]] = {}

    def run(self):
        """Train what arrives until there is nothing to do for a while."""
        try:
            self.problem = self._problem()
            while self._receive():
                self._train_chunk()
        except BaseException as error:  # propagate the error to all waiting jobs
            with _LOCK:
                _TRAINERS.pop(self.key, None)
            for job in [*self._accepted(), *_take_all(self.arrivals)]:
                if job and not job.result.done():
                    job.result.set_exception(error)

    def _problem(self) -> Problem:
        """The data set, on the device."""
        data = self.data
        arrays = (data.x_train, data.y_train, data.x_test, data.y_test)
        tensors = [torch.from_numpy(array).to(self.device) for array in arrays]
        objective = Objective.of(data, self.spec.loss)
        return Problem(*tensors, objective=objective, spec=self.spec)

    def _accepted(self) -> list[Job]:
        """Jobs in slots, and those that wait for one."""
        jobs = []
        for stack in self.stacks.values():
            jobs += [job for job in stack.jobs if job]
        for waiting in self.waiting.values():
            jobs += waiting
        return jobs

    def _receive(self) -> bool:
        """Sort the jobs that arrived by shape; False where the trainer is to end.

        It ends when nothing arrived while it was idle; then no new job can reach it any more.
        """
        arrived = _take_all(self.arrivals)
        if not arrived and not self._accepted():
            try:
                arrived = [self.arrivals.get(timeout=IDLE)]
            except queue.Empty:
                with _LOCK:  # no other thread can submit a job while the lock is held
                    arrived = _take_all(self.arrivals)
                    if not arrived:
                        _TRAINERS.pop(self.key, None)
                        return False
        if None in arrived:
            return False
        for job in arrived:
            self.waiting.setdefault(job.compact_shape, []).append(job)
        return True

    def _train_chunk(self):
        """CHUNK epochs of every stack that has members."""
        launched = []
        for shape in {*self.waiting, *self.stacks}:
            waiting = [j for j in self.waiting.pop(shape, []) if not j.result.cancelled()]
            if waiting and shape not in self.stacks:
                self.stacks[shape] = self._make_stack(shape)
            stack = self.stacks.get(shape)
            if stack is None:
                continue
            stack.refill(waiting)
            if waiting:
                self.waiting[shape] = waiting
            if any(stack.jobs):
                stack.launch(self.orders)
                launched.append(stack)
        for stack in launched:
            stack.collect()

    def _make_stack(self, shape: tuple[int, ...]) -> Stack:
        """A stack with as many slots as its shape asks for, or fewer where memory is too small."""
        slots = slots_for(shape)
        while True:
            try:
                return Stack(shape, slots, self.problem)
            except torch.cuda.OutOfMemoryError:
                if slots == 1:
                    raise
                slots //= 2
                torch.cuda.empty_cache()
                warnings.warn(
                    f"the GPU's memory is too small; {slots} networks of {shape} train at once "
                    "instead",
                    RuntimeWarning,
                    stacklevel=2,
                )


def _take_all(jobs: queue.SimpleQueue) -> list[Job | None]:
    """Everything in the queue now."""
    taken = []
    while not jobs.empty():
        taken.append(jobs.get())
    return taken


_TRAINERS: dict[tuple, _Trainer] = {}

_LOCK = threading.Lock()


def _submit(jobs: list[Job], data: Dataset, spec: TrainSpec, device: torch.device):
    """Hand the jobs to the trainer of this data set and spec, which is started if need be."""
    key = (id(data), spec, device)
    with _LOCK:
        if key not in _TRAINERS:
            _TRAINERS[key] = _Trainer(key, data, spec, device)
            _TRAINERS[key].start()
        for job in jobs:
            _TRAINERS[key].arrivals.put(job)


@atexit.register
def _end_trainers():
    """End all trainers before the interpreter: a thread killed in the library would abort it."""
    # not from _TRAINERS: a trainer that has just timed out is no longer in there
    trainers = [thread for thread in threading.enumerate() if isinstance(thread, _Trainer)]
    for trainer in trainers:
        trainer.arrivals.put(None)
    for trainer in trainers:
        trainer.join(timeout=30)


def train(
    flat: Tensor,
    mask: Tensor,
    shape: Shape,
    seeds: Sequence[int],
    data: Dataset,
    spec: TrainSpec,
    cancel: Event | None = None,
) -> tuple[Tensor, list[np.ndarray]]:
    """Train members together with those of all other threads, see ``TrainFunction``."""
    keep_dead = spec.weight_decay > 0
    members = zip(flat.cpu().numpy(), mask.cpu().numpy(), seeds, strict=True)
    jobs = [Job(values, m, tuple(shape), seed, keep_dead) for values, m, seed in members]
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
    trained = np.stack([values for values, _ in results])
    return torch.from_numpy(trained).to(flat.device), [record for _, record in results]


ENGINE = Engine("cuda", train, max_concurrent_runs=256)
