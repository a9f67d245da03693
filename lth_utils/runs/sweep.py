"""Compute many runs; what is finished is never computed again."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import torch

from lth_utils import __version__, config
from lth_utils.config import RunSpec
from lth_utils.connectivity import OUTCOMES
from lth_utils.networks.layers import network
from lth_utils.runs.batch import LevelEvent, run_batch
from lth_utils.runs.done_file import same_results
from lth_utils.runs.planning import plan, with_origins
from lth_utils.runs.remote import compute_remotely
from lth_utils.runs.report import Report, SweepError
from lth_utils.runs.store import Store
from lth_utils.runs.work import Batch, work_left
from lth_utils.training import trainer

MEMBERS = 128
"""Largest population trained at once."""

NAMED = 20
"""At most so many failed runs are named in an error."""


def run(
    specs: list[RunSpec],
    store: Store | None = None,
    device: str = "auto",
    threads: int | None = None,
    progress: Callable[[str, float], None] | None = None,
    executor: Executor | None = None,
    strict: bool = False,
) -> Report:
    """Compute every run that is not finished; interrupted ones continue after their last level.

    The runs that find the tickets of variants are computed first, whether asked for or not. A
    finished or interrupted run that is damaged is moved to ``outputs/corrupt`` with a warning, and
    computed again. Where nothing is left to compute, nothing is written.

    Several processes may do this in one store at the same time. Nothing is harmed, but each
    computes all that it does not find finished: to share the work, give an `executor`.

    Args:
        specs: the runs, at least one, each once.
        store: where they are kept, default ``Store()``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``, see ``trainer.device``.
        threads: at most so many concurrent runs, by default one per core on the CPU and, with an
            executor, one per chunk. It changes no result.
        progress: called with a line of text and the share of the work done, from 0 to 1.
        executor: any ``concurrent.futures.Executor``, such as dask's
            ``Client(...).get_executor()``. Its workers must see the store's folder under the same
            path. Each gets chunks of up to ``MEMBERS`` seeds and the share ``remote.CHUNK`` of the
            work.
            When a worker dies, only the levels that it was training are lost.
        strict: do not compute damaged runs again, but raise.

    Returns:
        What was computed, and what was found finished.

    Raises:
        SpecError: before anything is computed, if a spec cannot run or runs repeat.
        CorruptRun: before anything is computed, if a run is damaged and `strict`.
        StoreError: if results cannot be written.
        SweepError: at the end, if runs failed, all others are finished and kept. At once, if the
            executor was closed or lost its workers; what was finished until then is kept.
    """
    store = Store() if store is None else config.expect(store, Store, "store")
    if threads is not None and config.coerce(threads, int, "threads") < 1:
        raise config.SpecError(f"threads is {threads}; allowed: 1 or more, or None")
    report = _run(
        specs, store, device, threads, progress=progress, executor=executor, strict=strict
    )
    if report.failed:
        named = [f"  {run_id}: {why}" for run_id, why in report.failed.items()]
        if len(named) > NAMED:
            named[NAMED:] = [f"  and {len(named) - NAMED} more"]
        reasons = "\n".join(named)
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
    strict: bool = False,
) -> Report:
    """As :func:`run`, but failed runs are reported, not raised."""
    began = time.perf_counter()
    specs = with_origins(specs)
    members = MEMBERS
    if executor is None:
        torch_device = trainer.device(device)
        concurrent = _concurrent_runs(specs, torch_device)
        members = 1 if concurrent else MEMBERS
        concurrent = min(concurrent, threads or concurrent)
        compute = functools.partial(
            _compute_here, store=store, device=torch_device, concurrent=concurrent
        )
    else:
        compute = functools.partial(
            compute_remotely,
            run_chunk=run_chunk,
            store=store,
            device=device,
            threads=threads or 1,
            executor=executor,
        )
    planned = plan(specs, store, members)
    batches, reused = planned.batches, planned.finished
    if strict and planned.damaged:
        raise planned.damaged[0]
    if batches:
        store.prepare(planned.run_ids, planned.damaged)
        store.keep_data(spec for batch in batches for spec, _ in batch)
    done: dict[str, str] = {}
    failed: dict[str, str] = {}
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
    for run_id in failed:
        done.pop(run_id, None)
    seconds = time.perf_counter() - began
    saved = sum(entry["seconds"] for entry in reused.values())
    return Report(done, tuple(reused), failed, seconds, saved)


def run_chunk(
    specs: list[RunSpec], store: Store, device: str, threads: int, version: str
) -> Report:
    """What a worker of an executor does; it refuses to compute what would not count.

    Args:
        specs: the runs of its chunk.
        store: where they are kept.
        device: as in :func:`run`.
        threads: the same.
        version: of this package in the process that asks.
    """
    if same_results(version):
        return _run(specs, store, device, threads)
    reason = (
        f"the worker on {platform.node()}, process {os.getpid()}, has lth_utils {__version__}, "
        f"whose results may differ from those of {version}, which asked for them; "
        f"install {version} there"
    )
    return Report({}, (), {config.run_id(spec): reason for spec in specs}, 0.0, 0.0)


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
) -> Generator[LevelEvent, None, None]:
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
    events: queue.SimpleQueue = queue.SimpleQueue()
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
