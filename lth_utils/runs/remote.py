"""Compute batches on an executor's workers, which may be processes of other machines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, as_completed

from lth_utils import __version__, config, pruning
from lth_utils.config import RunSpec
from lth_utils.runs.batch import LevelEvent
from lth_utils.runs.files import StoreError
from lth_utils.runs.planning import cut
from lth_utils.runs.report import Report, SweepError
from lth_utils.runs.store import Store
from lth_utils.runs.work import Batch, work_left

CHUNK = 0.02
"""Largest share of a sweep's work that a worker is given at once."""

VISIBLE_AFTER = 10.0
"""Seconds after which what a worker wrote must be seen here, network folders included."""


def compute_remotely(
    batches: list[Batch],
    run_chunk: Callable[[list[RunSpec], Store, str, int, str], Report],
    *,
    store: Store,
    device: str,
    threads: int,
    executor: Executor,
) -> Iterator[LevelEvent]:
    """Compute batches in chunks on an executor; closing the generator cancels those not begun.

    Args:
        batches: the runs, and their finished levels.
        run_chunk: what a worker does with the specs of a chunk, the store, the device, the number
            of threads and the version of this package.
        store: where the results are kept; workers must see its folder under the same path.
        device: name of the workers' device.
        threads: concurrent runs per worker.
        executor: the workers.

    Yields:
        An event for each chunk, and at the end one for the runs that workers reported as finished
        and that are not in the store.

    Raises:
        SweepError: if the executor was closed or lost its workers.
    """
    largest = CHUNK * sum(work_left(batch) for batch in batches)
    remote_store = Store(store.root.resolve())
    chunks: dict[Future, Batch] = {}
    reported: list[str] = []
    try:
        for batch in batches:
            for chunk in _chunks(batch, largest):
                specs = [spec for spec, _ in chunk]
                future = _submit(executor, run_chunk, specs, remote_store, device, threads)
                chunks[future] = chunk
        for future in as_completed(chunks):
            event = _chunk_event(chunks[future], future, store)
            reported += event.done
            yield event
    except (BrokenExecutor, CancelledError) as error:
        ids = [config.run_id(spec) for batch in batches for spec, _ in batch]
        finished = sum(store.done(run_id) for run_id in ids)
        raise SweepError(
            f"the executor was closed or lost a worker ({type(error).__name__}: {error}); "
            f"{finished} of {len(ids)} runs are finished and kept, and so are the finished levels "
            "of others; the next call continues from there"
        ) from error
    finally:
        for future in chunks:
            future.cancel()
    missing = _not_seen(reported, store)
    if missing:
        reason = (
            f"a worker reported that it is finished, but it is not in {store.runs}: workers must "
            f"see this folder under the same path, and have lth_utils {__version__}"
        )
        yield LevelEvent("runs are missing", failed=dict.fromkeys(missing, reason))


def _submit(executor: Executor, run_chunk: Callable, *arguments) -> Future:
    """A chunk given to the executor."""
    try:
        return executor.submit(run_chunk, *arguments, __version__)
    except Exception as error:  # of dask a plain one
        raise CancelledError(f"it takes no work: {error}") from error


def _chunk_event(chunk: Batch, future: Future, store: Store) -> LevelEvent:
    """What a worker reports of a chunk, or why it could not."""
    ids = [config.run_id(spec) for spec, _ in chunk]
    try:
        report = future.result()
        asked, failed, done = report.reused, report.failed, report.done
    except (BrokenExecutor, CancelledError, StoreError):
        raise
    except Exception as error:  # of the worker, or of what brings its words here
        asked, done = ids, {}
        failed = dict.fromkeys(ids, f"its worker could not compute it ({error!r})")
    # runs may have been finished by a worker that died before it reported the chunk
    entries, _ = store.read_entries(asked)
    reused = {run_id: entry["outcome"] for run_id, entry in entries.items()}
    shape, _ = pruning.plan(chunk[0][0])
    return LevelEvent(
        text=f"{config.shape_text(shape)} {len(chunk)} seeds",
        work=work_left(chunk),
        done=done | reused,
        failed={run_id: why for run_id, why in failed.items() if run_id not in reused},
    )


def _chunks(batch: Batch, largest: float) -> list[Batch]:
    """A batch cut into chunks of about equal work, none above `largest` unless it is one run."""
    size = max(1, int(len(batch) * largest / max(work_left(batch), 1)))
    return cut(batch, size)


def _not_seen(run_ids: list[str], store: Store) -> list[str]:
    """Those of some runs that do not get visible in the store within ``VISIBLE_AFTER``."""
    until = time.monotonic() + VISIBLE_AFTER
    missing = [run_id for run_id in run_ids if not store.done(run_id)]
    while missing and time.monotonic() < until:
        time.sleep(0.2)
        missing = [run_id for run_id in missing if not store.done(run_id)]
    return missing
