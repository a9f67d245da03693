"""Train one batch of runs that differ in their seed, and keep each finished level."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from lth_utils import config, data, imp, pruning
from lth_utils.config import SpecError
from lth_utils.connectivity import outcome
from lth_utils.networks import population
from lth_utils.runs import variants
from lth_utils.runs.files import StoreError
from lth_utils.runs.store import Store
from lth_utils.runs.work import Batch, level_cost, run_work, work_left

log = logging.getLogger("lth_utils")


@dataclass
class LevelEvent:
    """One finished level: a line of text, the work done, ids of finished runs with their outcome, of failed ones with the reason."""

    text: str
    work: float
    done: dict[str, str]
    failed: dict[str, str]


def run_batch(
    batch: Batch, store: Store, where: torch.device, cancel: threading.Event
) -> Iterator[LevelEvent]:
    if elsewhere := store.entries(
        [i for i in (config.run_id(s) for s, _ in batch) if store.done(i)]
    ):  # another process was faster
        yield LevelEvent(
            "finished by another process",
            work_left([b for b in batch if config.run_id(b[0]) in elsewhere]),
            {i: e["outcome"] for i, e in elsewhere.items()},
            {},
        )
        batch = [b for b in batch if config.run_id(b[0]) not in elsewhere]
    if not batch:
        return
    spec, before = batch[0][0], time.perf_counter()
    dataset, (shape, keep) = data.load(spec.data), pruning.plan(spec)
    by_seed = {run.seed: (run, progress) for run, progress in batch}
    try:
        members, start, last = _restore(batch, shape, where)
        if spec.variant is not None:
            members = variants.vary(store, [s for s, _ in batch], where, cancel)
    except (SpecError, StoreError) as error:  # the origin of a variant failed, or ended too early
        yield LevelEvent(
            "no ticket to vary",
            work_left(batch),
            {},
            {config.run_id(s): str(error) for s, _ in batch},
        )
        return
    for level in imp.run(
        members,
        dataset,
        keep,
        spec.train,
        spec.prune,
        spec.coverage,
        spec.stop_at,
        start,
        last,
        cancel,
    ):
        seeds = level.population.seeds
        took, before = (time.perf_counter() - before) / len(seeds), time.perf_counter()
        who = f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds"
        event = LevelEvent(
            f"{config.shape_text(shape)} {who} level {level.level}/{len(keep) - 1}", 0.0, {}, {}
        )
        for m, seed in enumerate(seeds):
            run, progress = by_seed[seed]
            run_id, left = config.run_id(run), run_work(run, level.level + 1)
            event.work += level_cost(run, keep[level.level])
            if level.failed[m]:
                event.failed[run_id] = (
                    f"the loss of seed {seed} is not finite at level {level.level}, epoch {level.training.epochs[m]}"
                )
                event.work += left
                continue
            row = _row(level, m, dataset)
            progress.seconds += took
            people = level.population
            mask, start, values, last = (
                t[m].cpu().numpy()
                for t in (people.mask, people.initial, people.parameters, level.last)
            )
            progress.add(run, row, mask, start, values, level.training.records[m], last)
            if left and row["status"] not in spec.stop_at:
                store.save_partial(run, progress)
                continue
            store.finish(run, progress, _device_name(where))
            event.done[run_id] = outcome([r["status"] for r in progress.rows])
            event.work += left
            log.info("%s finished: %s", run_id, event.done[run_id])
        yield event


def _restore(batch: Batch, shape, where):
    """The population of a batch at the level it stands at, the next level, and what to prune it from."""
    members = population.init(shape, [spec.seed for spec, _ in batch], where, batch[0][0].init)
    start = batch[0][1].levels - 1
    if start < 0:
        return members, 0, None
    mask = torch.from_numpy(np.stack([p.mask(start) for _, p in batch])).to(where)
    return (
        population.rewind(members, mask),
        start + 1,
        torch.from_numpy(np.stack([p.last for _, p in batch])).to(where),
    )


def _row(level: imp.Level, m: int, dataset: data.Dataset) -> dict:
    """One member's level as plain values, the columns of ``levels.csv``."""
    measures, loss, accuracy = level.measures[m], level.training.loss[m], level.training.accuracy[m]
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
        "accuracy": float(accuracy.mean()),
    }
    for k, task in enumerate(dataset.tasks):
        row |= {
            f"loss_{task.name}": float(loss[k]),
            f"accuracy_{task.name}": float(accuracy[k]),
            f"coverage_{task.name}": float(measures.coverage[:, k].sum()),
        }
    return row


def _device_name(where: torch.device) -> str:
    return torch.cuda.get_device_name(where) if where.type == "cuda" else where.type
