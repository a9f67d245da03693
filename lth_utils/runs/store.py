"""The only module that opens files under ``outputs/``.

    outputs/runs/<run id>/    one run, shared by all sets
        spec.json             exactly what was hashed
        levels.csv            one row per level
        arrays.npz            the level at which each weight died, trained values of the small levels
        done.json             written last: provenance, seconds, checksums of the three others
        partial.npz           only while the run is going on: all finished levels, to resume from
    outputs/runs/index.jsonl  what tables need of every finished run; a cache, rebuilt from the folders
    outputs/older/<version>/  runs whose results may differ from this package's (another minor version)
    outputs/<set>/notebooks | figures | tables | facts
    outputs/exports/          pictures and tickets that somebody took out of the explorer

Every file is written under a temporary name and renamed, so a file is either whole or not there.
Initial values are drawn again from the seed and compared with their recorded checksum.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import platform
import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from lth_utils import __version__, config, connectivity, pruning
from lth_utils.config import RunSpec
from lth_utils.networks.layers import split_mask
from lth_utils.networks.population import initial_values
from lth_utils.networks.ticket import Ticket
from lth_utils.runs.files import StoreError, digest, write_atomically
from lth_utils.runs.index import flat_fields, index_mark
from lth_utils.runs.places import outputs
from lth_utils.runs.record import (
    KEPT,
    History,
    Progress,
    arrays_by_level,
    begins_initial,
    start_values,
)

FILES = ("done.json", "spec.json", "levels.csv", "arrays.npz")
"""What a finished run consists of."""


class CorruptRun(StoreError):
    """A run folder whose files are truncated, changed or unreadable."""

    def __init__(self, folder: Path, reason: str):
        super().__init__(
            f"{folder} is corrupt: {reason}. It was not used. To set it aside and compute the run again: "
            "python -m lth_utils check --repair, then repeat the command"
        )
        self.folder = folder


def pack(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, np.ndarray]:
    """The arrays in bytes whose checksum was compared before."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def _read_partial(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an interrupted run; its last 32 bytes are the checksum of the others."""
    content = path.read_bytes()
    if content[-32:].hex() != digest(content[:-32]):
        raise CorruptRun(path.parent, f"{path.name} does not match its checksum")
    return unpack(content[:-32])


def series(version: str) -> str:
    """Versions that give the same results have the same first two numbers: ``0.1`` of ``0.1.3``."""
    return ".".join(version.split(".")[:2])


class Store:
    """All runs under one outputs folder.

    >>> Store("/nowhere").done("some-run")
    False
    """

    def __init__(self, root: str | Path | None = None):
        self.root = Path(root) if root is not None else outputs()
        self.runs = self.root / "runs"

    def folder(self, run_id: str) -> Path:
        return self.runs / run_id

    def done(self, run_id: str) -> bool:
        """Whether the run is finished, by a version of the package that gives the same results."""
        return (version := self._version(run_id)) is not None and series(version) == series(
            __version__
        )

    def _version(self, run_id: str) -> str | None:
        """The version that finished a run, None where it is not finished; an unreadable file is for ``provenance`` to name."""
        try:
            return json.loads((self.folder(run_id) / "done.json").read_bytes())["version"]
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError, TypeError):
            return __version__

    # ------------------------------------------------------------------ writing
    def prepare(self, run_ids: Iterable[str] = ()):
        """Make room for runs that are going to be computed: what an older version left there is set aside.

        Raises :class:`StoreError` now, not after the first training, if runs cannot be written.
        """
        probe = self.runs / f".writable-{os.getpid()}"
        write_atomically(probe, "")
        probe.unlink(
            missing_ok=True
        )  # another thread, or a machine with the same number, may share the probe
        for run_id in run_ids:
            if (version := self._version(run_id)) is not None and series(version) != series(
                __version__
            ):
                self._set_aside(run_id, self.root / "older" / version)

    def _set_aside(self, run_id: str, where: Path):
        aside = where / run_id
        if aside.exists():
            aside = where / f"{run_id}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        where.mkdir(parents=True, exist_ok=True)
        shutil.move(self.folder(run_id), aside)

    def save_partial(self, spec: RunSpec, progress: Progress):
        """Keep the finished levels of a run that goes on, in one file."""
        about = json.dumps(
            {"version": __version__, "seconds": progress.seconds, "rows": progress.rows}
        )
        content = pack({"about": np.array(about), "last": progress.last, **progress.arrays()})
        write_atomically(
            self.folder(config.run_id(spec)) / "partial.npz",
            content + bytes.fromhex(digest(content)),
        )

    def load_partial(self, spec: RunSpec) -> Progress | None:
        """The finished levels of a run that was interrupted, or None; :class:`CorruptRun` if damaged."""
        path = self.folder(config.run_id(spec)) / "partial.npz"
        if not path.is_file():
            return None
        arrays = _read_partial(path)
        about = json.loads(str(arrays["about"]))
        if series(about["version"]) != series(__version__):
            return None
        return Progress(
            about["rows"],
            arrays["death"],
            arrays["last"],
            about["seconds"],
            {name: arrays_by_level(arrays, name) for name in KEPT},
        )

    def finish(self, spec: RunSpec, progress: Progress, device: str):
        """Write a finished run, ``done.json`` last."""
        run_id = config.run_id(spec)
        folder = self.folder(run_id)
        shape, _ = pruning.plan(spec)
        contents = {
            "spec.json": config.canonical(spec).encode(),
            "levels.csv": pd.DataFrame(progress.rows).to_csv(index=False).encode(),
            "arrays.npz": pack(progress.arrays()),
        }
        for name, content in contents.items():
            write_atomically(folder / name, content)
        done = {
            "version": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "device": device,
            "machine": platform.machine(),
            "seconds": round(progress.seconds, 3),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "initial": digest(initial_values(shape, spec.seed, spec.init).tobytes()),
            "sha256": {name: digest(content) for name, content in contents.items()},
        }
        write_atomically(folder / "done.json", json.dumps(done, indent=1))
        (folder / "partial.npz").unlink(missing_ok=True)

    # ------------------------------------------------------------------ reading
    def provenance(self, run_id: str) -> dict:
        """What ``done.json`` says, after its checksums have been compared; :class:`CorruptRun` if they differ."""
        folder = self.folder(run_id)
        try:
            done = json.loads((folder / "done.json").read_text())
            for name, checksum in done["sha256"].items():
                if digest((folder / name).read_bytes()) != checksum:
                    raise CorruptRun(folder, f"{name} does not match its checksum")
        except FileNotFoundError as error:
            raise CorruptRun(folder, f"{Path(error.filename).name} is missing") from error
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptRun(folder, f"done.json cannot be read ({error})") from error
        return done

    def spec(self, run_id: str) -> RunSpec:
        """The spec of a finished run, checked against the address it lies at."""
        mapping = json.loads((self.folder(run_id) / "spec.json").read_text())
        spec = config.parse(RunSpec, mapping, f"{run_id}/spec.json")
        if config.run_id(spec) != run_id:
            raise CorruptRun(self.folder(run_id), f"its spec belongs to {config.run_id(spec)}")
        return spec

    def entries(self, run_ids: Sequence[str] | None = None) -> dict[str, dict]:
        """What tables need of each finished run among `run_ids` (default: all): ``outcome``, ``head``, ``levels``, ``seconds``, ``version``.

        Read from the index where the run's files are as they were when it was made, else from the run's
        folder, whose checksums are compared; :class:`CorruptRun` names a damaged one.
        """
        if run_ids is None:
            run_ids = (
                sorted(e.name for e in os.scandir(self.runs) if e.is_dir())
                if self.runs.is_dir()
                else []
            )
        index, found, new = self._read_index() if run_ids else {}, {}, False
        for run_id in run_ids:
            try:
                files = sorted(
                    [e.name, e.stat().st_mtime_ns, e.stat().st_size]
                    for e in os.scandir(self.folder(run_id))
                    if e.name in FILES
                )
            except (FileNotFoundError, NotADirectoryError):
                files = []
            if not any(name == "done.json" for name, *_ in files):
                continue
            if (entry := index.get(run_id)) is None or entry["files"] != files:
                entry = index[run_id] = {"run": run_id, "files": files, **self._entry(run_id)}
                new = True
            if series(entry["version"]) == series(__version__):
                found[run_id] = entry
        if new:
            text = "\n".join(json.dumps(e, separators=(",", ":")) for e in index.values())
            with contextlib.suppress(
                StoreError
            ):  # only a cache: where nothing can be written, it is read again
                write_atomically(self.runs / "index.jsonl", f"{index_mark(text)}\n{text}")
        return found

    def _entry(self, run_id: str) -> dict:
        done, spec = self.provenance(run_id), self.spec(run_id)
        about = {
            name: done[name]
            for name in ("version", "seconds", "device", "machine", "torch", "finished")
        }
        levels = (self.folder(run_id) / "levels.csv").read_text()
        words = pd.read_csv(io.StringIO(levels), usecols=["status"])["status"]
        return {
            **about,
            "outcome": connectivity.outcome(list(words)),
            "head": flat_fields(spec),
            "levels": levels,
        }

    def _read_index(self) -> dict[str, dict]:
        """The index by run, or nothing where it is missing, damaged or of specs with other fields: it is a cache."""
        try:
            checksum, _, text = (self.runs / "index.jsonl").read_text().partition("\n")
        except OSError:
            return {}
        return (
            {e["run"]: e for e in map(json.loads, text.splitlines())}
            if checksum == index_mark(text)
            else {}
        )

    def table(self, specs: list[RunSpec] | None = None) -> pd.DataFrame:
        """One row per run and level, spec fields as columns; of `specs`, or of all finished runs.

        Runs of `specs` that are not finished raise :class:`StoreError`: a figure never has unseen holes.
        """
        ids = None if specs is None else [config.run_id(s) for s in specs]
        entries = self.entries(ids)
        if ids and (missing := [i for i in ids if i not in entries]):
            raise StoreError(
                f"{len(missing)} of {len(ids)} runs are not finished, first {missing[0]}; run them with sweep.run"
            )
        if not entries:
            return pd.DataFrame()
        groups = {}  # by header: data sets differ in their tasks' columns
        for position, entry in enumerate(entries.values()):
            header, _, body = entry["levels"].partition("\n")
            groups.setdefault(header, []).append((position, body))
        frames = []
        for header, parts in groups.items():
            frame = pd.read_csv(io.StringIO(header + "\n" + "".join(body for _, body in parts)))
            frame.index = np.repeat([p for p, _ in parts], [body.count("\n") for _, body in parts])
            frames.append(frame)
        levels = pd.concat(frames).sort_index(kind="stable")
        heads = pd.DataFrame([{"run": run_id, **e["head"]} for run_id, e in entries.items()])
        return pd.concat(
            [heads.loc[levels.index].reset_index(drop=True), levels.reset_index(drop=True)], axis=1
        )

    def curves(self, specs: list[RunSpec]) -> pd.DataFrame:
        """One row per run, level and epoch (from 1) of runs that recorded them: ``run``, ``level``, ``epoch``, ``loss`` and ``accuracy``
        on the test half (accuracy averaged over the tasks), ``train_loss`` averaged over the examples as they were met.
        """
        frames = []
        for spec in specs:
            history, run_id = self.history(config.run_id(spec)), config.run_id(spec)
            if not history.curve:
                raise StoreError(f"{run_id} kept no curves; ask for them by train.record")
            for level, curve in history.curve.items():
                frames.append(
                    pd.DataFrame(
                        {
                            "run": run_id,
                            "level": history.rows["level"][level],
                            "epoch": range(1, len(curve) + 1),
                            **dict(zip(("loss", "accuracy", "train_loss"), curve.T, strict=True)),
                        }
                    )
                )
        return pd.concat(frames, ignore_index=True)

    def about(self, specs: list[RunSpec]) -> dict:
        """Provenance of finished runs taken together: how many, by which versions, where, when, computing seconds in all."""
        entries = self.entries([config.run_id(s) for s in specs]).values()
        found = {
            name: sorted({e[name] for e in entries})
            for name in ("version", "torch", "device", "machine")
        }
        dates = sorted(e["finished"] for e in entries)
        return {
            "runs": len(entries),
            **found,
            "first": dates[0],
            "last": dates[-1],
            "seconds": round(sum(e["seconds"] for e in entries), 3),
            "seeds": sorted({s.seed for s in specs}),
        }

    def masks(self, run_id: str) -> list[list[torch.Tensor]]:
        """The masks of a finished run, level 0 first: per level a list over layers, shaped as in :class:`Ticket`."""
        self.provenance(run_id)
        shape, _ = pruning.plan(self.spec(run_id))
        death = torch.from_numpy(
            unpack((self.folder(run_id) / "arrays.npz").read_bytes())["death"]
        )[None]
        levels = len((self.folder(run_id) / "levels.csv").read_text().splitlines()) - 1
        return [split_mask(death > level, shape) for level in range(levels)]

    def copy(self, run_ids: Iterable[str], other: Store):
        """Copy finished runs into another store, ``done.json`` last."""
        for run_id in run_ids:
            self.provenance(run_id)
            for name in reversed(FILES):
                write_atomically(
                    other.folder(run_id) / name, (self.folder(run_id) / name).read_bytes()
                )

    def history(self, run_id: str) -> History:
        """A finished run in memory, read and checked once."""
        if not self.done(run_id):
            known = list(self.entries())
            raise StoreError(
                f"no finished run {run_id}{config.nearest(run_id, known)}; {len(known)} runs in {self.runs}"
            )
        provenance, spec = self.provenance(run_id), self.spec(run_id)
        rows, arrays = (
            pd.read_csv(self.folder(run_id) / "levels.csv"),
            unpack((self.folder(run_id) / "arrays.npz").read_bytes()),
        )
        shape, _ = pruning.plan(spec)
        initial = initial_values(shape, spec.seed, spec.init)
        if digest(initial.tobytes()) != provenance["initial"]:
            raise StoreError(
                f"the initial values of {run_id} differ from those drawn by this numpy ({np.__version__}); "
                f"the run was made with numpy {provenance['numpy']}"
            )
        if not begins_initial(spec):
            initial = start_values(arrays, len(initial))
        return History(
            spec,
            shape,
            rows,
            arrays["death"],
            initial,
            *(arrays_by_level(arrays, name) for name in ("trained", "biases", "curve")),
        )

    def ticket(self, run_id: str, level: int | None = None) -> Ticket:
        """The network of a finished run at a pruning level; without `level`, where it first separated, else the last one."""
        return self.history(run_id).ticket(level)

    # ------------------------------------------------------------------ care
    def check(self, repair: bool = False) -> list[CorruptRun]:
        """All corrupt run folders; with `repair` they are moved to ``outputs/corrupt``, to be computed again."""
        found = []
        for folder in sorted(p for p in self.runs.glob("*") if p.is_dir()):
            try:
                if (folder / "done.json").exists():
                    self.provenance(folder.name)
                    self.spec(folder.name)
                elif (folder / "partial.npz").exists():
                    _read_partial(folder / "partial.npz")
            except CorruptRun as error:
                found.append(error)
                if repair:
                    self._set_aside(folder.name, self.root / "corrupt")
        return found
