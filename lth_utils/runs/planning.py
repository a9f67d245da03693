"""Which runs of a sweep are left to compute, and which of them are trained together."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace

from lth_utils import config, pruning
from lth_utils.config import RunSpec, SpecError
from lth_utils.runs import variants
from lth_utils.runs.record import RunRecord
from lth_utils.runs.store import Store
from lth_utils.runs.unusable import CorruptRun
from lth_utils.runs.work import Batch, work_left
from lth_utils.training.trainer import check_fit


def with_origins(specs: list[RunSpec]) -> list[RunSpec]:
    """The specs, and after them the origins of their variants that are not among them."""
    specs = config.listed(specs, RunSpec, "specs")
    known = set(specs)
    origins = []
    for spec in specs:
        if spec.variant is None:
            continue
        origin = variants.origin(spec)
        if origin not in known:
            known.add(origin)
            origins.append(origin)
    return [*specs, *origins]


@dataclass(frozen=True)
class Plan:
    """What a sweep has to do.

    Attributes:
        batches: runs that can be trained as one population, the most work first.
        finished: the store's entries of the finished runs, by run id.
        damaged: errors of runs whose files cannot be used; they are among the batches.
    """

    batches: list[Batch]
    finished: dict[str, dict]
    damaged: list[CorruptRun]

    @property
    def run_ids(self) -> list[str]:
        """The runs of all batches."""
        return [config.run_id(spec) for batch in self.batches for spec, _ in batch]


def plan(specs: list[RunSpec], store: Store, members: int) -> Plan:
    """What is left to compute, and what is finished; nothing is written.

    Args:
        specs: the runs, at least one, each once.
        store: where finished and interrupted runs are looked up.
        members: largest number of runs in a batch.

    Raises:
        SpecError: if a spec cannot run or runs repeat.
        ForeignRun: if a run's file has a spec that this version does not know.
    """
    ids = [config.run_id(spec) for spec in specs]
    _check(specs, ids, store)
    finished, errors = store.read_entries(ids)
    damaged = []
    for error in errors:
        if not isinstance(error, CorruptRun):
            raise error
        damaged.append(error)
    unusable = {error.folder.name for error in damaged}
    waiting = []
    for run_id, spec in zip(ids, specs, strict=True):
        if run_id in finished:
            continue
        record = None
        if run_id not in unusable:
            try:
                record = store.load_partial(spec)
            except CorruptRun as error:
                damaged.append(error)
        waiting.append((spec, record or RunRecord()))
    waiting.sort(key=_population_key)
    batches = []
    for _, group in itertools.groupby(waiting, _population_key):
        batches += cut(list(group), members)
    return Plan(sorted(batches, key=work_left, reverse=True), finished, damaged)


def cut(batch: Batch, size: int) -> list[Batch]:
    """A batch in pieces of at most `size` runs."""
    return [batch[start : start + size] for start in range(0, len(batch), size)]


def _check(specs: list[RunSpec], ids: list[str], store: Store):
    """Refuse specs that repeat, cannot be pruned as asked or do not fit their data."""
    if not specs:
        raise SpecError("no run was asked for: the list of specs is empty")
    repeated = sorted(run_id for run_id, times in Counter(ids).items() if times > 1)
    if repeated:
        raise SpecError(f"runs repeat: {', '.join(repeated)}")
    different = {replace(spec, seed=0): spec for spec in specs}
    for spec in different.values():
        shape, _ = pruning.plan(spec)
        try:
            dataset = store.dataset(spec.data)
        except MemoryError as error:
            raise SpecError(f"{spec.data} does not fit into memory ({error})") from error
        check_fit(shape, dataset)


def _population_key(item: tuple[RunSpec, RunRecord]) -> tuple[str, int]:
    """Equal for runs that can be one population: same spec but for the seed, same level."""
    spec, record = item
    return config.canonical(replace(spec, seed=0)), record.levels
