"""The runs on disk: where each lies, whether it is finished, and what can be read of it.

    outputs/runs/<run id>/    one run, shared by all sets
        spec.json             exactly what was hashed
        levels.csv            one row per level
        arrays.npz            level at which each weight was pruned, trained values of small levels
        done.json             written last: provenance, seconds, checksums of the three others
        partial.npz           only while the run is computed: its finished levels, to resume from
    outputs/runs/index.jsonl  what tables need of every finished run: a cache, made from the folders
    outputs/older/<version>/  runs of another minor version, whose results may differ
    outputs/corrupt/          damaged runs that a sweep or ``check --repair`` set aside
    outputs/<set>/notebooks | figures | tables | facts
    outputs/data/             data sets whose name does not say what they hold
    outputs/exports/          pictures and tickets exported from the explorer

Every file is written under a temporary name and renamed, so a file is either whole or missing.
Those of finished runs are on the disk before they count, so that a power cut does not take them.
Several processes may use one folder at the same time: nothing is harmed, but each computes all that
it does not find finished. To share the work, give ``sweep.run`` an executor, such as dask's.
Initial values are not stored: they are drawn again from the seed and compared with a checksum.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
import torch

from lth_utils import config
from lth_utils.config import DataSpec, RunSpec
from lth_utils.data import Dataset
from lth_utils.networks.ticket import Ticket
from lth_utils.runs import kept_data, partial_file, run_folder
from lth_utils.runs.done_file import same_results
from lth_utils.runs.files import StoreError, remove_temporaries, write_atomically
from lth_utils.runs.graded import with_graded
from lth_utils.runs.history import History, curves_of
from lth_utils.runs.index import read_entries, table_of
from lth_utils.runs.places import outputs
from lth_utils.runs.record import RunRecord
from lth_utils.runs.unusable import CorruptRun, ForeignRun


class Store:
    """All runs under one outputs folder.

    >>> Store("/nowhere").done("some-run")
    False
    """

    def __init__(self, root: str | Path | None = None):
        """Nothing is read or written yet; root: the outputs folder, by default ``outputs()``."""
        self.root = Path(root) if root is not None else outputs()
        self.runs = self.root / "runs"
        self.data = self.root / "data"

    def folder(self, run_id: str) -> Path:
        """Where a run lies, whether it exists or not; :class:`StoreError` if this is no run id."""
        if not isinstance(run_id, str) or not re.fullmatch(r"[^\W_.][\w .,()+=-]{0,254}", run_id):
            raise StoreError(f"{run_id!r:.80} is no run id; those are made by lth.run_id")
        return self.runs / run_id

    def done(self, run_id: str) -> bool:
        """Whether the run is finished, by a version of the package that gives the same results."""
        version = run_folder.finished_by(self.folder(run_id))
        return version is not None and same_results(version)

    # ------------------------------------------------------------------ writing
    def prepare(self, run_ids: Sequence[str] = (), damaged: Iterable[CorruptRun] = ()):
        """Make room for runs that will be computed.

        Runs of older versions and damaged ones are set aside, with a warning for each of the
        latter, and temporary files of killed writers are removed.

        Args:
            run_ids: the runs that will be computed.
            damaged: what was found of them.

        Raises:
            StoreError: if runs cannot be written, so that this is known before the first training.
        """
        probe = self.runs / ".writable"
        write_atomically(probe, "")
        probe.unlink(missing_ok=True)  # another process may have removed it
        for error in damaged:
            run_folder.set_aside(error.folder, self.root / "corrupt")
            warnings.warn(
                f"{error.folder} is corrupt: {error.reason}. It was moved to "
                f"{self.root / 'corrupt'} and is computed again",
                RuntimeWarning,
                stacklevel=2,
            )
        remove_temporaries(self.runs)
        for run_id in run_ids:
            version = run_folder.finished_by(self.folder(run_id))
            if version is not None and not same_results(version):
                run_folder.set_aside(self.folder(run_id), self.root / "older" / version)
            remove_temporaries(self.folder(run_id))

    def save_partial(self, spec: RunSpec, record: RunRecord):
        """Keep the finished levels of a run that is not finished."""
        partial_file.write_partial(self.folder(config.run_id(spec)), spec, record)

    def load_partial(self, spec: RunSpec) -> RunRecord | None:
        """The finished levels of an interrupted run, or None; :class:`CorruptRun` if damaged."""
        return partial_file.read_partial(self.folder(config.run_id(spec)))

    def finish(self, spec: RunSpec, record: RunRecord, device: str):
        """Write a finished run; device: name of the processor that computed it."""
        folder = self.folder(config.run_id(spec))
        tasks = self.dataset(spec.data).tasks
        run_folder.write_finished(folder, spec, tasks, record, device)

    def copy(self, run_ids: Iterable[str], other: Store):
        """Copy finished runs into another store, ``done.json`` last."""
        for run_id in run_ids:
            self.provenance(run_id)
            for name in reversed(run_folder.FILES):
                content = (self.folder(run_id) / name).read_bytes()
                write_atomically(other.folder(run_id) / name, content)

    def keep_data(self, specs: Iterable[RunSpec]):
        """Keep the data sets of some runs, where their names do not say what they hold."""
        for data in dict.fromkeys(spec.data for spec in specs):
            kept_data.keep(self.data, data)

    # ------------------------------------------------------------------ reading
    def dataset(self, spec: DataSpec) -> Dataset:
        """The data set of a run: loaded by its name, or from where it is kept beside the runs.

        Args:
            spec: complete, see ``data.spec``.

        Raises:
            SpecError: nothing is registered under the name, and it is not kept either.
            DataError: files are missing or damaged, or the name now means other data.
        """
        return kept_data.load(self.data, spec)

    def provenance(self, run_id: str) -> dict:
        """The content of ``done.json``, after checksums were compared; else :class:`CorruptRun`."""
        return run_folder.read_provenance(self.folder(run_id))

    def spec(self, run_id: str) -> RunSpec:
        """The spec of a finished run; :class:`CorruptRun` if it belongs to another run id."""
        return run_folder.read_spec(self.folder(run_id))

    def entries(
        self, run_ids: Sequence[str] | None = None, strict: bool = False
    ) -> dict[str, dict]:
        """What tables need of each finished run.

        Runs that cannot be read are named by a warning and left out.

        Args:
            run_ids: the runs asked for, default all; those that are not finished are left out.
            strict: raise the error of the first run that cannot be read.

        Returns:
            By run id a dict of ``outcome``, ``head`` (the fields of the spec), ``levels`` (the text
            of ``levels.csv``), ``seconds``, ``version`` and other provenance.

        Raises:
            CorruptRun: if a run is damaged and `strict`.
            ForeignRun: if the spec of a run is of another version and `strict`.
        """
        entries, errors = self.read_entries(run_ids)
        if strict and errors:
            raise errors[0]
        for error in errors:
            warnings.warn(f"left out: {error}", RuntimeWarning, stacklevel=2)
        return entries

    def read_entries(
        self, run_ids: Sequence[str] | None = None
    ) -> tuple[dict[str, dict], list[CorruptRun | ForeignRun]]:
        """As :meth:`entries`, with the errors of the runs that cannot be read instead of a word."""
        if run_ids is None:
            run_ids = self._all_ids()
        return read_entries(self.runs, run_ids) if run_ids else ({}, [])

    def _all_ids(self) -> list[str]:
        """The names of all run folders, sorted."""
        if not self.runs.is_dir():
            return []
        return sorted(entry.name for entry in os.scandir(self.runs) if entry.is_dir())

    def table(
        self,
        specs: Sequence[RunSpec] | None = None,
        strict: bool = False,
        *,
        graded: bool = False,
    ) -> pd.DataFrame:
        """One row per run and level, with the fields of the run's spec as columns.

        Runs that cannot be read are named by a warning and left out.

        Args:
            specs: the runs asked for, default all finished ones.
            strict: raise the error of the first run that cannot be read.
            graded: measure how nearly each level has fallen apart, too. It takes some milliseconds
                for a level of a hundred units, a second for one of a million weights.

        Returns:
            The columns ``run``, those of the spec, those of ``levels.csv``, and, where `graded`,
            ``runs.graded.COLUMNS``.

        Raises:
            StoreError: if a run of `specs` is not finished, so that no figure lacks runs
                unnoticed, or if none of them can be read.
            CorruptRun: if a run is damaged and `strict`.
        """
        table = table_of(self._entries_of(specs, strict))
        return with_graded(table, self.history) if graded and len(table) else table

    def _entries_of(self, specs: Sequence[RunSpec] | None, strict: bool) -> dict[str, dict]:
        """The entries of the runs that :meth:`table` is asked for."""
        if specs is None:
            return self.entries(strict=strict)
        ids = [config.run_id(s) for s in config.listed(specs, RunSpec, "specs")]
        entries, errors = self.read_entries(ids)
        if errors and (strict or not entries):
            raise errors[0]
        damaged = {error.folder.name for error in errors}
        missing = [i for i in ids if i not in entries and i not in damaged]
        if missing:
            raise StoreError(
                f"{len(missing)} of {len(ids)} runs are not finished, first {missing[0]}; "
                "run them with sweep.run"
            )
        for error in errors:
            warnings.warn(f"left out: {error}", RuntimeWarning, stacklevel=2)
        return entries

    def curves(self, specs: list[RunSpec]) -> pd.DataFrame:
        """One row per run, level and epoch of runs that recorded their training.

        Args:
            specs: finished runs with ``train.record``.

        Returns:
            The columns ``run``, ``level``, ``epoch`` (from 1), ``loss`` and ``accuracy`` on the
            test split (averaged over the tasks), and ``train_loss``, averaged over the examples
            while they were trained on.

        Raises:
            StoreError: if a run is not finished or kept no curves.
        """
        ids = map(config.run_id, specs)
        return pd.concat([curves_of(i, self.history(i)) for i in ids], ignore_index=True)

    def about(self, specs: list[RunSpec]) -> dict:
        """Provenance of finished runs taken together.

        Args:
            specs: at least one finished run.

        Returns:
            Their number as ``runs``; the different values of ``version``, ``torch``, ``device``,
            ``machine`` and ``seeds``; ``first`` and ``last`` date; ``seconds`` of computing in all.
        """
        entries = self.entries([config.run_id(s) for s in specs]).values()
        about: dict = {"runs": len(entries)}
        for name in ("version", "torch", "device", "machine"):
            about[name] = sorted({entry[name] for entry in entries})
        dates = sorted(entry["finished"] for entry in entries)
        about |= {"first": dates[0], "last": dates[-1]}
        about["seconds"] = round(sum(entry["seconds"] for entry in entries), 3)
        about["seeds"] = sorted({spec.seed for spec in specs})
        return about

    def masks(self, run_id: str) -> list[list[torch.Tensor]]:
        """The masks of a finished run, level 0 first: for each level a list over layers.

        They are bool and shaped as in :class:`Ticket`.
        """
        return self.history(run_id).masks()

    def history(self, run_id: str) -> History:
        """A finished run in memory, read and checked once.

        Raises:
            StoreError: if the run is not finished, or if this version of numpy draws other initial
                values from its seed.
            CorruptRun: if the run is damaged.
        """
        if not self.done(run_id):
            known = [i for i in self._all_ids() if (self.folder(i) / "done.json").exists()]
            raise StoreError(
                f"no finished run {run_id}{config.nearest(run_id, known)}; "
                f"{len(known)} runs in {self.runs}"
            )
        return run_folder.read_history(self.folder(run_id))

    def ticket(self, run_id: str, level: int | None = None) -> Ticket:
        """The network of a finished run at a pruning level, see :meth:`History.ticket`."""
        return self.history(run_id).ticket(level)

    # ------------------------------------------------------------------ maintenance
    def check(self, repair: bool = False) -> list[CorruptRun]:
        """Find all corrupt run folders: every file is read and compared with the others.

        Args:
            repair: move them to ``outputs/corrupt``, so that the next sweep computes them again,
                and remove temporary files of killed writers.

        Returns:
            One error for each corrupt folder, which says what is wrong.
        """
        errors = []
        for run_id in self._all_ids():
            folder = self.folder(run_id)
            try:
                run_folder.verify(folder)
            except CorruptRun as error:
                errors.append(error)
                if repair:
                    run_folder.set_aside(folder, self.root / "corrupt")
            if repair:
                remove_temporaries(folder)
        if repair:
            remove_temporaries(self.runs)
        return errors
