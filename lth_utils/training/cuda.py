"""The accelerator's engine: stacks of slots that are refilled at once.

Each run trains from a thread of its own and waits here for its member. One thread per device trains
them all: members of one problem and shape share a *stack* of slots, and when a member stops, its
slot is refilled at once, so slow members do not block others. An epoch is a fixed sequence of
device operations without host synchronisation: steps, evaluation, early stopping, and a snapshot of
the members that stop. On CUDA it is captured once as a graph. The host reads the results every
``slots.CHUNK`` epochs.

Before it takes a slot a member is *compacted*: units that lead to no output have no gradient, so
they are dropped, exactly, and the hidden layers are padded to the next of a few widths (padding
has no gradient either). Thin networks of all sizes thus share the same few small stacks.

The number of slots of a stack follows from its shape alone, so training is batch-invariant: a
member's arithmetic does not depend on which members are trained with it. Works on any torch
device; on the CPU it serves the tests.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import itertools
import queue
import threading
import time
import traceback
import warnings
from collections.abc import Sequence
from concurrent.futures import wait
from dataclasses import dataclass, field
from threading import Event
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch import Tensor

from lth_utils.config import Shape, TrainSpec
from lth_utils.data import Dataset
from lth_utils.training.engine import Cancelled, Engine
from lth_utils.training.jobs import Job, Problem
from lth_utils.training.on_device import is_out_of_memory
from lth_utils.training.slots import Stack, slots_for

IDLE = 20.0
"""Seconds without work after which the memory of a stack, and then of all, is given back."""


@dataclass
class _Group:
    """Jobs of one problem and compact shape, and the stack that trains them.

    Attributes:
        key: see ``Job.group``.
        shape: the compact shape.
        waiting: jobs that have no slot yet.
        problem: made with the stack.
        stack: made when there is memory for it.
        postponed: whether the memory was full of stacks that train.
        used: when a job was there last, in seconds.
    """

    key: tuple
    shape: tuple[int, ...]
    waiting: list[Job] = field(default_factory=list)
    problem: Problem | None = None
    stack: Stack | None = None
    postponed: bool = False
    used: float = 0.0

    @property
    def idle(self) -> bool:
        """Whether there is nothing to train."""
        return not self.waiting and not (self.stack and any(self.stack.jobs))


class _Trainer(threading.Thread):
    """Owns all stacks of one device; ends after a while without work."""

    def __init__(self, device: torch.device):
        super().__init__(daemon=True, name="lth_utils trainer")
        self.device = device
        # jobs that arrive together; None: the interpreter is shutting down
        self.arrivals: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        self.accepted: set[Job] = set()
        """Every job that was handed over and has no result yet, wherever it is; see _LOCK."""
        self.groups: dict[tuple, _Group] = {}
        self.problems: WeakValueDictionary[tuple, Problem] = WeakValueDictionary()

    def run(self):
        """Train what arrives until there is nothing to do for a while."""
        error: BaseException = Cancelled("the interpreter ends")
        try:
            while self._receive():
                self._train_chunk()
        except BaseException as failure:
            error = failure
        finally:
            with _LOCK:
                if _TRAINERS.get(self.device) is self:
                    del _TRAINERS[self.device]
            for job in self.accepted:
                job.fail(error)

    def _receive(self) -> bool:
        """Sort the jobs that arrived into groups; False where the trainer is to end.

        It ends when nothing arrived while it was idle; then no new job can reach it any more.
        """
        arrived = _take_all(self.arrivals)
        with _LOCK:
            self.accepted = {job for job in self.accepted if not job.result.done()}
        if not arrived and not self.accepted:
            try:
                arrived = [self.arrivals.get(timeout=IDLE)]
            except queue.Empty:
                with _LOCK:  # no other thread can submit a job while the lock is held
                    arrived = _take_all(self.arrivals)
                    if not arrived:
                        _TRAINERS.pop(self.device, None)
                        return False
        if None in arrived:
            return False
        for job in itertools.chain.from_iterable(arrived):
            group = self.groups.setdefault(job.group, _Group(job.group, job.compact_shape))
            group.waiting.append(job)
        return True

    def _train_chunk(self):
        """CHUNK epochs of every stack that has members."""
        launched = []
        for group in list(self.groups.values()):
            with self._telling(group):
                if self._launch(group):
                    launched.append(group)
        for group in launched:
            with self._telling(group):
                group.stack.collect()
        self._drop([group for group in self._idle_groups() if time.monotonic() - group.used > IDLE])

    @contextlib.contextmanager
    def _telling(self, group: _Group):
        """Hand an error to all jobs of a group; the others go on."""
        try:
            yield
        except Exception as error:
            with _LOCK:
                told = [job for job in self.accepted if job.group == group.key]
            # the frames of the error hold the stack, and whoever waits holds the error
            traceback.clear_frames(error.__traceback__)
            self._drop([group])
            for job in told:
                job.fail(error)

    def _launch(self, group: _Group) -> bool:
        """Start the next epochs of a group; False where there is nothing to start."""
        group.waiting = [job for job in group.waiting if not job.result.done()]
        if group.waiting and not group.stack and not self._make_stack(group):
            return False
        if not group.stack:
            return False
        group.stack.refill(group.waiting)
        if not any(group.stack.jobs):
            return False
        group.used = time.monotonic()
        group.stack.launch()
        return True

    def _make_stack(self, group: _Group) -> bool:
        """Give a group as many slots as its shape asks for; False where it has to wait.

        The number of slots is part of the arithmetic, so they are fewer only where the memory is
        too small for this stack alone: before that the idle stacks go, and those that train end.
        """
        others = [other for other in self.groups.values() if other.stack]
        if group.postponed and others and not self._idle_groups():
            return False
        slots = slots_for(group.shape)
        while not self._try_stack(group, slots):
            # here nothing refers to what was made of the stack any more
            group.postponed = True
            idle = [other for other in self._idle_groups() if other.stack]
            if idle:
                self._drop(idle)
            elif any(other.stack for other in self.groups.values()):
                return False
            else:
                _give_back_memory()
                slots //= 2
                warnings.warn(
                    f"the GPU's memory is too small; {slots} networks of {group.shape} train at "
                    "once instead",
                    RuntimeWarning,
                    stacklevel=2,
                )
        group.postponed = False
        return True

    def _try_stack(self, group: _Group, slots: int) -> bool:
        """Make a group's stack; False where memory is too small and less would do."""
        job = group.waiting[0]
        try:
            problem = self.problems.get(group.key[:2])
            if problem is None:
                problem = Problem.of(job.data, job.spec, self.device)
                self.problems[group.key[:2]] = problem
            group.problem, group.stack = problem, Stack(group.shape, slots, problem)
        except Exception as error:
            alone = not any(other.stack for other in self.groups.values())
            if not is_out_of_memory(error) or (slots == 1 and alone):
                raise
        return group.stack is not None

    def _idle_groups(self) -> list[_Group]:
        """The groups that have nothing to train."""
        return [group for group in self.groups.values() if group.idle]

    def _drop(self, groups: list[_Group]):
        """Give back the memory of groups."""
        for group in groups:
            self.groups.pop(group.key, None)
            group.stack = group.problem = None
        if groups:
            _give_back_memory()


def _give_back_memory():
    """Let the device have what no tensor uses any more."""
    gc.collect()
    torch.cuda.empty_cache()


def _take_all(arrivals: queue.SimpleQueue) -> list[list[Job] | None]:
    """Everything in the queue now."""
    taken = []
    while not arrivals.empty():
        taken.append(arrivals.get())
    return taken


_TRAINERS: dict[torch.device, _Trainer] = {}

_LOCK = threading.Lock()


def _submit(jobs: list[Job], device: torch.device):
    """Hand the jobs to the trainer of this device, which is started if need be."""
    with _LOCK:
        if device not in _TRAINERS:
            _TRAINERS[device] = _Trainer(device)
            _TRAINERS[device].start()
        trainer = _TRAINERS[device]
        trainer.accepted.update(jobs)
        trainer.arrivals.put(jobs)


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
    members = zip(flat.cpu().numpy(), mask.cpu().numpy(), seeds, strict=True)
    jobs = [Job(values, m, tuple(shape), seed, data=data, spec=spec) for values, m, seed in members]
    _submit(jobs, flat.device)
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
