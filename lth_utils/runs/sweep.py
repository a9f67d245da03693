"""Many specs to populations to finished runs; what is finished is never computed again."""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace

import torch

from lth_utils import config, data, pruning
from lth_utils.config import RunSpec, SpecError
from lth_utils.connectivity import OUTCOMES
from lth_utils.runs import variants
from lth_utils.runs.batch import LevelEvent, run_batch
from lth_utils.runs.record import Progress
from lth_utils.runs.store import Store
from lth_utils.runs.work import Batch, work_left
from lth_utils.training import trainer
from lth_utils.training.trainer import check_fit, engine

MEMBERS = 128
"""Largest population trained at once."""

UNIT = 0.02
"""Largest share of a sweep's work that an executor's worker is given at once."""


class SweepError(RuntimeError):
    """Some runs of a sweep failed; the others are finished and kept."""


@dataclass(frozen=True)
class Report:
    """What a sweep did: outcome by id of the runs computed now, ids found finished, reason by id of the failed ones.

    seconds: time spent; saved: what the runs found finished had taken to compute.
    """

    done: dict[str, str]
    reused: tuple[str, ...]
    failed: dict[str, str]
    seconds: float
    saved: float

    def __str__(self) -> str:
        return (
            f"{len(self.done)} runs computed in {self.seconds:.0f} s, {len(self.reused)} found finished "
            f"(which saved {self.saved:.0f} s of computing), {len(self.failed)} failed"
        )


def plan(specs: list[RunSpec], store: Store, members: int = MEMBERS) -> list[Batch]:
    """What is left to do, as populations of at most `members`, the most work first.

    Raises before anything is computed if a spec cannot run, or if a finished run is corrupt.
    """
    return _plan(specs, store, members)[0]


def _plan(specs: list[RunSpec], store: Store, members: int) -> tuple[list[Batch], dict[str, dict]]:
    """The plan, and the entries of the runs found finished: the store's index is read once for both."""
    if not specs:
        raise SpecError("no run was asked for: the list of specs is empty")
    by_id = {config.run_id(s): s for s in specs}
    if len(by_id) < len(specs):
        ids = [config.run_id(s) for s in specs]
        raise SpecError(f"runs repeat: {', '.join(sorted({i for i in ids if ids.count(i) > 1}))}")
    for spec in {replace(s, seed=0): s for s in specs}.values():
        check_fit(pruning.plan(spec)[0], data.load(spec.data))
    finished = store.entries(list(by_id))
    waiting = [
        (s, store.load_partial(s) or Progress()) for i, s in by_id.items() if i not in finished
    ]

    def family(item):
        return config.canonical(replace(item[0], seed=0)), item[1].levels

    batches = []
    for _, group in itertools.groupby(sorted(waiting, key=family), family):
        group = list(group)
        batches += [group[start : start + members] for start in range(0, len(group), members)]
    return sorted(batches, key=lambda batch: -work_left(batch)), finished


def run(
    specs: list[RunSpec],
    store: Store | None = None,
    device: str = "auto",
    threads: int | None = None,
    progress: Callable[[str, float], None] | None = None,
    executor: Executor | None = None,
) -> Report:
    """Compute every run of `specs` that is not finished; interrupted ones go on from their last level.

    The runs that find the tickets of variants are computed first, asked for or not.

    device: see ``population.device``; threads: at most so many runs in flight at once (default: on the
    CPU one per core, with an executor one per unit), which changes no result; progress: called with a
    line of text and the share done, in [0, 1].  executor: any ``concurrent.futures.Executor``, such as
    dask's ``Client(...).get_executor()``; its workers must see the store's folder under the same path.
    Each of its units trains up to ``MEMBERS`` seeds, of at most the share ``UNIT`` of all the work.

    Raises :class:`SweepError` at the end if runs failed; all others are finished and kept.
    """
    report = _run(specs, store or Store(), device, threads, progress, executor)
    if report.failed:
        named = "\n".join(f"  {i}: {why}" for i, why in report.failed.items())
        raise SweepError(
            f"{len(report.failed)} of {len(specs)} runs failed, {len(specs) - len(report.failed)} are finished and kept:\n{named}"
        )
    return report


def _run(
    specs,
    store: Store,
    device: str,
    threads: int | None,
    progress=None,
    executor: Executor | None = None,
) -> Report:
    began = time.perf_counter()
    specs = [
        *specs,
        *{o: None for s in specs if s.variant and (o := variants.origin(s)) not in set(specs)},
    ]
    if executor is None:
        where = trainer.device(device)
        in_flight = min(
            (
                engine(where.type, c).IN_FLIGHT
                for c in {config.convolutions(s.base) > 0 for s in specs}
            ),
            default=0,
        )
        batches, reused = _plan(specs, store, 1 if in_flight else MEMBERS)

        def begin(batches):
            return _events(batches, store, where, min(in_flight, threads or in_flight))
    else:
        batches, reused = _plan(specs, store, MEMBERS)

        def begin(batches):
            return _remote(batches, store, device, threads or 1, executor)

    store.prepare(config.run_id(spec) for batch in batches for spec, _ in batch)
    total, spent, done, failed = sum(work_left(batch) for batch in batches), 0.0, {}, {}
    with contextlib.closing(_origins_first(batches, begin)) as events:
        for event in events:
            spent += event.work
            done |= event.done
            failed |= event.failed
            if progress:
                words = list(done.values())
                counts = "".join(f", {words.count(w)} {w}" for w in OUTCOMES if w in words)
                progress(
                    f"{len(reused) + len(words)}/{len(specs)} runs{counts}; {event.text}",
                    min(1.0, spent / total),
                )
    return Report(
        done,
        tuple(reused),
        failed,
        time.perf_counter() - began,
        sum(e["seconds"] for e in reused.values()),
    )


def _origins_first(
    batches: list[Batch], begin: Callable[[list[Batch]], Iterator[LevelEvent]]
) -> Iterator[LevelEvent]:
    """What happens to the batches, variants after everything else: their tickets must have been found."""
    for varied in (False, True):
        if part := [batch for batch in batches if (batch[0][0].variant is not None) == varied]:
            yield from begin(part)


def _events(
    batches: list[Batch], store: Store, where: torch.device, in_flight: int
) -> Iterator[LevelEvent]:
    """What happens to the batches, so many of them in flight at once; closing it cancels what is in flight."""
    events, cancel = queue.SimpleQueue(), threading.Event()
    before = torch.get_num_threads()

    def work(batch):
        try:
            if in_flight:
                torch.set_num_threads(
                    1
                )  # one run per thread; sums then never depend on how many threads there are
            for event in run_batch(batch, store, where, cancel):
                events.put(event)
            events.put(None)
        except BaseException as error:
            events.put(error)

    with ThreadPoolExecutor(in_flight or 1) as pool:
        try:
            for batch in batches:
                pool.submit(work, batch)
            running = len(batches)
            while running:
                event = events.get()
                if isinstance(event, BaseException):
                    raise event
                if event is None:
                    running -= 1
                else:
                    yield event
        finally:
            cancel.set()
            pool.shutdown(wait=True, cancel_futures=True)
            torch.set_num_threads(before)


def _remote(
    batches: list[Batch], store: Store, device: str, threads: int, executor: Executor
) -> Iterator[LevelEvent]:
    """The batches as units of an executor, one event each; closing it cancels those that have not begun."""
    total = sum(work_left(batch) for batch in batches)
    units = [unit for batch in batches for unit in _units(batch, total * UNIT)]
    futures = {
        executor.submit(
            _run, [s for s, _ in unit], Store(store.root.resolve()), device, threads
        ): unit
        for unit in units
    }
    try:
        for future in as_completed(futures):
            unit = futures[future]
            try:
                report = future.result()
            except BrokenExecutor as error:
                raise SweepError(
                    f"the executor lost a worker ({error}); what was finished is kept, the next call goes on from there"
                ) from error
            found = {
                i: e["outcome"] for i, e in store.entries(report.reused).items()
            }  # by a worker that died afterwards
            yield LevelEvent(
                f"{config.shape_text(pruning.plan(unit[0][0])[0])} {len(unit)} seeds",
                work_left(unit),
                report.done | found,
                report.failed,
            )
    finally:
        for future in futures:
            future.cancel()


def _units(batch: Batch, most: float) -> Iterator[Batch]:
    """A batch cut into parts of about equal work, none above `most` unless it is a single run."""
    size = max(1, int(len(batch) * most / max(work_left(batch), 1)))
    for start in range(0, len(batch), size):
        yield batch[start : start + size]
