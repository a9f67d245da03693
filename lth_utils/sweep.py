"""Many specs to populations to finished runs; what is finished is never computed again."""
from __future__ import annotations

import contextlib
import itertools
import logging
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from lth_utils import config, data, imp, population, pruning
from lth_utils.config import RunSpec, SpecError
from lth_utils.connectivity import outcome
from lth_utils.store import Progress, Store

log = logging.getLogger("lth_utils")

MEMBERS = 128
"""Largest population trained at once."""


class SweepError(RuntimeError):
    """Some runs of a sweep failed; the others are finished and kept."""


@dataclass(frozen=True)
class Report:
    """What a sweep did: ids of the runs computed now, found finished, and (with the reason) failed; seconds spent."""
    done: tuple[str, ...]
    reused: tuple[str, ...]
    failed: dict[str, str]
    seconds: float


@dataclass(frozen=True)
class _Batch:
    """Runs that differ only in their seed and stand at the same level."""
    specs: tuple[RunSpec, ...]
    progress: tuple[Progress, ...]


def plan(specs: list[RunSpec], store: Store) -> list[_Batch]:
    """What is left to do, as populations; raises before anything is computed if a spec cannot run."""
    if not specs:
        raise SpecError("no run was asked for: the list of specs is empty")
    ids = [config.run_id(s) for s in specs]
    if repeated := sorted({i for i in ids if ids.count(i) > 1}):
        raise SpecError(f"runs repeat: {', '.join(repeated)}")
    waiting = []
    for spec, run_id in zip(specs, ids, strict=True):
        population.check_fit(pruning.plan(spec)[0], data.load(spec.data))
        if store.done(run_id):
            store.provenance(run_id)      # a corrupt run is named, never silently used
        else:
            waiting.append((spec, store.load_partial(spec) or Progress()))

    def family(item):
        return config.canonical(replace(item[0], seed=0)), item[1].levels

    batches = []
    for _, group in itertools.groupby(sorted(waiting, key=family), family):
        group = list(group)
        for start in range(0, len(group), MEMBERS):
            batches.append(_Batch(*zip(*group[start : start + MEMBERS], strict=True)))
    return batches


def run(specs: list[RunSpec], store: Store | None = None, device: str = "auto",
        progress: Callable[[str, float], None] | None = None) -> Report:
    """Compute every run of `specs` that is not finished; interrupted ones go on from their last level.

    device: see ``population.device``; progress: called with a line of text and the share done, in
    [0, 1].  Raises :class:`SweepError` at the end if runs failed.
    """
    store, where, began = store or Store(), population.device(device), time.perf_counter()
    batches = plan(specs, store)
    store.prepare()
    ids = [config.run_id(s) for s in specs]
    reused = tuple(i for i in ids if store.done(i))
    total = sum(_work(spec, p.levels) for b in batches for spec, p in zip(b.specs, b.progress, strict=True))
    spent, finished, failed = 0.0, [], {}
    for batch in batches:
        for event in _run_batch(batch, store, where):
            spent += event.work
            finished += event.done
            failed |= event.failed
            if progress:
                progress(event.text, min(1.0, spent / total))
    if failed:
        raise SweepError(f"{len(failed)} of {len(ids)} runs failed, {len(ids) - len(failed)} are finished and kept:\n"
                         + "\n".join(f"  {i}: {why}" for i, why in failed.items()))
    return Report(tuple(finished), reused, failed, time.perf_counter() - began)


def _work(spec: RunSpec, level: int) -> float:
    """Weights times levels still to train: what the remaining time is estimated from."""
    shape, keep = pruning.plan(spec)
    return float((len(keep) - level) * pruning.n_weights(shape))


@dataclass
class _Event:
    text: str
    work: float
    done: list[str]
    failed: dict[str, str]


def _run_batch(batch: _Batch, store: Store, where: torch.device) -> Iterator[_Event]:
    spec = batch.specs[0]
    dataset = data.load(spec.data)
    shape, keep = pruning.plan(spec)
    by_seed = {s.seed: (s, p) for s, p in zip(batch.specs, batch.progress, strict=True)}
    members, start, trained = _restore(batch, shape, where)
    began = time.perf_counter()
    for level in imp.run(members, dataset, keep, spec.train, spec.prune, spec.coverage, spec.stop_at, start, trained):
        event = _Event("", 0.0, [], {})
        for m, seed in enumerate(level.population.seeds):
            run, progress = by_seed[seed]
            event.work += float(pruning.n_weights(shape))
            if level.failed[m]:
                event.failed[config.run_id(run)] = (f"the loss of seed {seed} is not finite at level {level.level}, "
                                                    f"epoch {level.training.epochs[m]}")
                continue
            row = _row(level, m, dataset)
            progress.add(row, level.population.mask[m].cpu().numpy(), level.population.parameters[m].cpu().numpy())
            if level.level == len(keep) - 1 or row["status"] in spec.stop_at:
                store.finish(run, progress, time.perf_counter() - began, _device_name(where))
                event.done.append(config.run_id(run))
                event.work += _work(run, level.level + 1)
                log.info("%s finished: %s", config.run_id(run), outcome([r["status"] for r in progress.rows]))
            else:
                store.save_partial(run, progress)
        words = [m.status for m in level.measures]
        event.text = (f"{'-'.join(map(str, shape))} level {level.level}/{len(keep) - 1}, {keep[level.level]} weights: "
                      + ", ".join(f"{words.count(w)} {w}" for w in dict.fromkeys(words)))
        yield event


def _restore(batch: _Batch, shape, where):
    """The population of a batch at the level it stands at, and that level's trained weights."""
    members = population.init(shape, [s.seed for s in batch.specs], where)
    start = batch.progress[0].levels - 1
    if start < 0:
        return members, 0, None
    mask = torch.from_numpy(np.stack([p.mask(start) for p in batch.progress])).to(where)
    weights = np.stack([p.last[: mask.shape[1]] for p in batch.progress])
    return population.rewind(members, mask), start + 1, torch.from_numpy(weights).to(where)


def _row(level: imp.Level, m: int, dataset: data.Dataset) -> dict:
    """One member's level as plain values, the columns of ``levels.csv``."""
    measures, loss, accuracy = level.measures[m], level.training.loss[m], level.training.accuracy[m]
    row = {"level": level.level, "available": measures.available, "active": measures.active,
           "inactive": measures.inactive, "zombie": measures.zombie, "subnetworks": measures.subnetworks,
           "status": measures.status, "epochs": level.training.epochs[m],
           "loss": float(loss.mean()), "accuracy": float(accuracy.mean())}
    for k, task in enumerate(dataset.tasks):
        row |= {f"loss_{task.name}": float(loss[k]), f"accuracy_{task.name}": float(accuracy[k]),
                f"coverage_{task.name}": float(measures.coverage[:, k].sum())}
    return row


def _device_name(where: torch.device) -> str:
    return torch.cuda.get_device_name(where) if where.type == "cuda" else where.type


@contextlib.contextmanager
def bar(file=None) -> Iterator[Callable[[str, float], None]]:
    """A progress callable: a bar on a terminal or in a notebook seen live, else one line per step with the remaining time."""
    file, began = file or sys.stdout, time.perf_counter()
    if sys.stderr.isatty():
        from tqdm.auto import tqdm
        with tqdm(total=100, unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining}") as shown:
            def update(text, share):
                shown.set_description_str(text, refresh=False)
                shown.update(100 * share - shown.n)
            yield update
        return

    def line(text, share):
        left = (time.perf_counter() - began) * (1 - share) / share if share else float("nan")
        print(f"{share:6.1%}  {text}  (about {left:.0f} s left)", file=file, flush=True)

    yield line
