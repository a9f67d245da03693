"""Compute one batch: runs that differ in their seed are trained as one population."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from lth_utils import config, data, imp, pruning
from lth_utils.config import RunSpec, SpecError
from lth_utils.connectivity import outcome
from lth_utils.networks import population
from lth_utils.networks.population import Population
from lth_utils.runs import variants
from lth_utils.runs.files import StoreError
from lth_utils.runs.record import RunRecord
from lth_utils.runs.store import Store
from lth_utils.runs.work import Batch, level_cost, run_work, work_left
from lth_utils.training.engine import Cancelled

OF_ONE_FOLDER = (
    errno.EACCES,
    errno.EPERM,
    errno.EEXIST,
    errno.ENOENT,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.ENOTEMPTY,
    errno.ENAMETOOLONG,
)
"""Numbers of system errors that say that a folder cannot be used, and others may."""

log = logging.getLogger("lth_utils")


@dataclass
class LevelEvent:
    """What happened at one level of a batch.

    Attributes:
        text: a line for the progress display.
        work: the work that is no longer left, see ``work.work_left``.
        done: outcome of each run that is now finished, by run id.
        failed: reason for each run that failed, by run id.
    """

    text: str
    work: float = 0.0
    done: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def run_batch(
    batch: Batch, store: Store, device: torch.device, cancel: threading.Event
) -> Iterator[LevelEvent]:
    """Train a batch level by level and keep each finished level in the store.

    If training fails, the runs are tried one by one, so that none takes the others along.

    Args:
        batch: the runs, and their finished levels.
        store: where results are kept, also those that another process finished meanwhile.
        device: where the population is trained.
        cancel: ends the training when it is set from another thread.

    Yields:
        One event per level, and one for each run whose training failed.

    Raises:
        Cancelled: if `cancel` was set.
        StoreError: if results cannot be written, and not just those of one run.
    """
    left = {config.run_id(spec): (spec, record) for spec, record in batch}
    try:
        for event in _run_together(batch, store, device, cancel):
            for run_id in (*event.done, *event.failed):
                del left[run_id]
            yield event
    except Cancelled:
        raise
    except Exception as error:  # whatever a criterion, an engine or the memory has to say
        if isinstance(error, StoreError) and not _concerns_one_folder(error):
            raise
        log.info("training failed", exc_info=error)
        if len(left) > 1:
            for spec, _ in left.values():
                alone = [(spec, store.load_partial(spec) or RunRecord())]
                yield from run_batch(alone, store, device, cancel)
            return
        for run_id, (spec, record) in left.items():
            ours = isinstance(error, (SpecError, StoreError))
            reason = str(error) if ours else f"{error!r}"
            work = run_work(spec, record.levels)
            yield LevelEvent(f"{run_id} failed", work, failed={run_id: reason})


def _concerns_one_folder(error: StoreError) -> bool:
    """Whether a run's own folder is at fault, rather than the disk that all runs are written to."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in OF_ONE_FOLDER


def _run_together(
    batch: Batch, store: Store, device: torch.device, cancel: threading.Event
) -> Iterator[LevelEvent]:
    """As :func:`run_batch`, but the first error ends it."""
    by_id = {config.run_id(spec): (spec, record) for spec, record in batch}
    finished, _ = store.read_entries([run_id for run_id in by_id if store.done(run_id)])
    if finished:
        reused = [by_id.pop(run_id) for run_id in finished]
        outcomes = {run_id: entry["outcome"] for run_id, entry in finished.items()}
        yield LevelEvent("finished by another process", work_left(reused), done=outcomes)
    if not by_id:
        return
    batch = list(by_id.values())
    began = time.perf_counter()
    specs = [spec for spec, _ in batch]
    members = _starting_population(specs, store, device, cancel)
    yield from _train_levels(members, batch, store, cancel, began=began)


def _starting_population(
    specs: list[RunSpec], store: Store, device: torch.device, cancel: threading.Event
) -> Population:
    """The population that a batch's level 0 is trained from."""
    first = specs[0]
    if first.variant is not None:
        try:
            return variants.draw_variants(store, specs, device, cancel)
        except StoreError as error:  # the origin of a variant failed, or cannot be read
            raise SpecError(str(error)) from error
    shape, _ = pruning.plan(first)
    seeds = [spec.seed for spec in specs]
    return population.init(shape, seeds, device, first.init, first.output_gain)


def _train_levels(
    members: Population,
    batch: Batch,
    store: Store,
    cancel: threading.Event,
    *,
    began: float,
) -> Iterator[LevelEvent]:
    """Train and keep the levels that a batch lacks; began: when work on the first one began."""
    members, start, last = _resume(members, [record for _, record in batch])
    spec, _ = batch[0]
    _, keep = pruning.plan(spec)
    dataset = store.dataset(spec.data)
    levels = imp.run(
        members,
        dataset,
        keep,
        train=spec.train,
        prune=spec.prune,
        coverage=spec.coverage,
        stop_at=spec.stop_at,
        start=start,
        last=last,
        cancel=cancel,
        init=(spec.init, spec.output_gain),
    )
    by_seed = {spec.seed: (spec, record) for spec, record in batch}
    for level in levels:
        now = time.perf_counter()
        seconds = now - began
        began = now
        yield _keep_level(level, by_seed, dataset, store, seconds=seconds)


def _resume(members: Population, records: list[RunRecord]) -> tuple[Population, int, Tensor | None]:
    """What ``imp.run`` continues from: members of the last finished level, next level, `last`."""
    finished = records[0].levels
    if not finished:
        return members, 0, None
    device = members.mask.device
    mask = np.stack([record.mask(finished - 1) for record in records])
    last = np.stack([np.asarray(record.last) for record in records])
    members = population.rewind(members, torch.from_numpy(mask).to(device))
    return members, finished, torch.from_numpy(last).to(device)


def _keep_level(
    level: imp.Level,
    by_seed: dict[int, tuple[RunSpec, RunRecord]],
    dataset: data.Dataset,
    store: Store,
    *,
    seconds: float,
) -> LevelEvent:
    """Record a level of all members and write it; seconds: time the level took."""
    members = level.population
    shape = config.shape_text(members.shape)
    who = f"seed {members.seeds[0]}" if len(members) == 1 else f"{len(members)} seeds"
    spec, _ = by_seed[members.seeds[0]]
    _, keep = pruning.plan(spec)
    event = LevelEvent(f"{shape} {who} level {level.level}/{len(keep) - 1}")
    for m, seed in enumerate(members.seeds):
        spec, record = by_seed[seed]
        run_id = config.run_id(spec)
        event.work += level_cost(spec, keep[level.level])
        work_after = run_work(spec, level.level + 1)
        if level.failed[m]:
            event.failed[run_id] = (
                f"the loss of seed {seed} is not finite at level {level.level}, "
                f"epoch {level.training.epochs[m]}"
            )
            event.work += work_after
            continue
        record.seconds += seconds / len(members)
        _record_member(level, m, spec, record, _row(level, m, dataset))
        if work_after and record.rows[-1]["status"] not in spec.stop_at:
            store.save_partial(spec, record)
            continue
        store.finish(spec, record, _device_name(members.mask.device))
        event.done[run_id] = outcome([row["status"] for row in record.rows])
        event.work += work_after
        log.info("%s finished: %s", run_id, event.done[run_id])
    return event


def _record_member(level: imp.Level, m: int, spec: RunSpec, record: RunRecord, row: dict):
    """Append one member's level to the record of its run."""
    members = level.population
    record.add(
        spec,
        row,
        mask=members.mask[m].cpu().numpy(),
        start=members.initial[m].cpu().numpy(),
        trained=members.parameters[m].cpu().numpy(),
        curve=level.training.records[m],
        last=level.last[m].cpu().numpy(),
    )


def _row(level: imp.Level, m: int, dataset: data.Dataset) -> dict:
    """One member's level as plain values, the columns of ``levels.csv``."""
    measures = level.measures[m]
    loss = level.training.loss[m]
    score = level.training.score[m]
    row = {
        "level": level.level,
        "available": measures.available,
        "active": measures.active,
        "inactive": measures.inactive,
        "zombie": measures.zombie,
        "subnetworks": measures.subnetworks,
        "status": measures.status,
        "epochs": level.training.epochs[m],
        "loss": float(loss.mean()),
        _mean_score_name(dataset): float(score.mean()),
    }
    if level.training.validation_loss is not None:
        row["watched_loss"] = float(level.training.validation_loss[m].mean())
    for k, task in enumerate(dataset.tasks):
        row[f"loss_{task.name}"] = float(loss[k])
        row[f"{task.score_name}_{task.name}"] = float(score[k])
        if level.training.validation is not None:
            row[f"validation_{task.name}"] = float(level.training.validation[m, k])
        row[f"coverage_{task.name}"] = float(measures.coverage[:, k].sum())
    return row


def _mean_score_name(dataset: data.Dataset) -> str:
    """The column of the tasks' mean score."""
    return "accuracy" if dataset.scored_by_accuracy else "score"


def _device_name(device: torch.device) -> str:
    """The name of a graphics card, else the kind of device."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
