"""Compute many runs; what is finished is never computed again."""

from __future__ import annotations

import contextlib
import functools
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ThreadPoolExecutor,
    as_completed,
)
from dataclasses import dataclass

import torch

from lth_utils import config, pruning
from lth_utils.config import RunSpec
from lth_utils.connectivity import OUTCOMES
from lth_utils.networks.layers import network
from lth_utils.runs.batch import LevelEvent, run_batch
from lth_utils.runs.planning import cut, plan, with_origins
from lth_utils.runs.store import Store
from lth_utils.runs.work import Batch, work_left
from lth_utils.training import trainer

MEMBERS = 128
"""Largest population trained at once."""

CHUNK = 0.02
"""Largest share of a sweep's work that an executor's worker is given at once."""


class SweepError(RuntimeError):
    """Some runs of a sweep failed; the others are finished and kept."""


@dataclass(frozen=True)
class Report:
    """What a sweep did.

    Attributes:
        done: outcome of each run computed now, by run id.
        reused: ids of the runs that were finished before.
        failed: reason for each failed run, by run id.
        seconds: time spent.
        saved: seconds that the reused runs had taken to compute.
    """

    done: dict[str, str]
    reused: tuple[str, ...]
    failed: dict[str, str]
    seconds: float
    saved: float

    def __str__(self) -> str:
        return (
            f"{len(self.done)} runs computed in {self.seconds:.0f} s, "
            f"{len(self.reused)} found finished (which saved {self.saved:.0f} s of computing), "
            f"{len(self.failed)} failed"
        )


def run(
    specs: list[RunSpec],
    store: Store | None = None,
    device: str = "auto",
    threads: int | None = None,
    progress: Callable[[str, float], None] | None = None,
    executor: Executor | None = None,
) -> Report:
    """Compute every run that is not finished; interrupted ones continue after their last level.

    The runs that find the tickets of variants are computed first, whether asked for or not.

    Args:
        specs: the runs, at least one, each once.
        store: where they are kept, default ``Store()``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``, see ``trainer.device``.
        threads: at most so many concurrent runs, by default one per core on the CPU and, with an
            executor, one per chunk. It changes no result.
        progress: called with a line of text and the share of the work done, from 0 to 1.
        executor: any ``concurrent.futures.Executor``, such as dask's
            ``Client(...).get_executor()``. Its workers must see the store's folder under the same
            path. Each gets chunks of up to ``MEMBERS`` seeds and the share ``CHUNK`` of the work.

    Returns:
        What was computed, and what was found finished.

    Raises:
        SpecError: before anything is computed, if a spec cannot run or runs repeat.
        CorruptRun: before anything is computed, if a finished run is damaged.
        StoreError: if results cannot be written.
        SweepError: at the end, if runs failed; all others are finished and kept.
    """
    report = _run(specs, store or Store(), device, threads, progress=progress, executor=executor)
    if report.failed:
        reasons = "\n".join(f"  {run_id}: {why}" for run_id, why in report.failed.items())
        finished = len(specs) - len(report.failed)
        raise SweepError(
            f"{len(report.failed)} of {len(specs)} runs failed, "
            f"{finished} are finished and kept:\n{reasons}"
        )
    return report


def _run(
    specs: list[RunSpec],
    store: Store,
    device: str,
    threads: int | None,
    *,
    progress: Callable[[str, float], None] | None = None,
    executor: Executor | None = None,
) -> Report:
    """As :func:`run`, but failed runs are reported, not raised."""
    began = time.perf_counter()
    specs = with_origins(specs)
    if executor is None:
        torch_device = trainer.device(device)
        concurrent = _concurrent_runs(specs, torch_device)
        batches, reused = plan(specs, store, 1 if concurrent else MEMBERS)
        concurrent = min(concurrent, threads or concurrent)
        compute = functools.partial(
            _compute_here, store=store, device=torch_device, concurrent=concurrent
        )
    else:
        batches, reused = plan(specs, store, MEMBERS)
        compute = functools.partial(
            _compute_remotely, store=store, device=device, threads=threads or 1, executor=executor
        )
    store.prepare(config.run_id(spec) for batch in batches for spec, _ in batch)
    done, failed = {}, {}
    total = sum(work_left(batch) for batch in batches)
    finished_work = 0.0
    with contextlib.closing(_origins_first(batches, compute)) as events:
        for event in events:
            finished_work += event.work
            done |= event.done
            failed |= event.failed
            if progress:
                count = f"{len(reused) + len(done)}/{len(specs)} runs{_count_outcomes(done)}"
                progress(f"{count}; {event.text}", min(1.0, finished_work / total))
    seconds = time.perf_counter() - began
    saved = sum(entry["seconds"] for entry in reused.values())
    return Report(done, tuple(reused), failed, seconds, saved)


def _concurrent_runs(specs: list[RunSpec], device: torch.device) -> int:
    """How many runs the engines of these specs train at once; 0: one population after another."""
    limits = []
    for has_convolutions in {network(spec.base).front > 0 for spec in specs}:
        engine = trainer.choose_engine(device.type, has_convolutions)
        limits.append(engine.max_concurrent_runs)
    return min(limits, default=0)


def _count_outcomes(done: dict[str, str]) -> str:
    """How many runs had each outcome, as ``, 2 separated, 1 degraded``."""
    outcomes = list(done.values())
    counts = [f", {outcomes.count(word)} {word}" for word in OUTCOMES if word in outcomes]
    return "".join(counts)


def _origins_first(
    batches: list[Batch], compute: Callable[[list[Batch]], Iterator[LevelEvent]]
) -> Iterator[LevelEvent]:
    """Compute variants after everything else, since they need the tickets of other runs."""
    others = [batch for batch in batches if batch[0][0].variant is None]
    of_variants = [batch for batch in batches if batch[0][0].variant is not None]
    for part in (others, of_variants):
        if part:
            yield from compute(part)


def _compute_here(
    batches: list[Batch], store: Store, device: torch.device, concurrent: int
) -> Iterator[LevelEvent]:
    """Compute batches in threads of this process; closing the generator cancels those running.

    concurrent: number of threads; 0 for one that computes a whole population at a time.
    """
    events = queue.SimpleQueue()
    cancel = threading.Event()
    torch_threads = torch.get_num_threads()

    def compute(batch):
        try:
            if concurrent:
                # one core per run: then no sum depends on how many threads there are
                torch.set_num_threads(1)
            for event in run_batch(batch, store, device, cancel):
                events.put(event)
            events.put(None)
        except BaseException as error:
            events.put(error)

    with ThreadPoolExecutor(concurrent or 1) as pool:
        try:
            for batch in batches:
                pool.submit(compute, batch)
            unfinished = len(batches)
            while unfinished:
                event = events.get()
                if isinstance(event, BaseException):
                    raise event
                if event is None:
                    unfinished -= 1
                else:
                    yield event
        finally:
            cancel.set()
            pool.shutdown(wait=True, cancel_futures=True)
            torch.set_num_threads(torch_threads)


def _compute_remotely(
    batches: list[Batch], store: Store, device: str, threads: int, executor: Executor
) -> Iterator[LevelEvent]:
    """Compute batches in chunks on an executor; closing the generator cancels those not begun."""
    largest = CHUNK * sum(work_left(batch) for batch in batches)
    remote_store = Store(store.root.resolve())
    chunks = {}
    for batch in batches:
        for chunk in _chunks(batch, largest):
            specs = [spec for spec, _ in chunk]
            future = executor.submit(_run, specs, remote_store, device, threads)
            chunks[future] = chunk
    try:
        for future in as_completed(chunks):
            yield _chunk_event(chunks[future], future, store)
    finally:
        for future in chunks:
            future.cancel()


def _chunk_event(chunk: Batch, future: Future, store: Store) -> LevelEvent:
    """What a worker reports of a chunk."""
    try:
        report = future.result()
    except BrokenExecutor as error:
        raise SweepError(
            f"the executor lost a worker ({error}); what was finished is kept, "
            "the next call continues from there"
        ) from error
    # runs may have been finished by a worker that died before it reported the chunk
    reused = {run_id: entry["outcome"] for run_id, entry in store.entries(report.reused).items()}
    shape, _ = pruning.plan(chunk[0][0])
    return LevelEvent(
        text=f"{config.shape_text(shape)} {len(chunk)} seeds",
        work=work_left(chunk),
        done=report.done | reused,
        failed=report.failed,
    )


def _chunks(batch: Batch, largest: float) -> list[Batch]:
    """A batch cut into chunks of about equal work, none above `largest` unless it is one run."""
    size = max(1, int(len(batch) * largest / max(work_left(batch), 1)))
    return cut(batch, size)
