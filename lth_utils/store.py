"""The only module that opens files under ``outputs/``.

    outputs/runs/<run id>/    one run, shared by all sets
        spec.json             exactly what was hashed
        levels.csv            one row per level
        arrays.npz            the level at which each weight died, trained values of the small levels
        done.json             written last: provenance, seconds, checksums of the three others
        partial.npz           only while the run is going on: all finished levels, to resume from
    outputs/<set>/notebooks | figures | tables | facts

Every file is written under a temporary name and renamed, so a file is either whole or not there.
Initial values are drawn again from the seed and compared with their recorded checksum.
"""
from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from lth_utils import __version__, config, data, pruning
from lth_utils.config import RunSpec, SpecError
from lth_utils.population import Ticket, initial_values, split_mask

ALIVE = 255
"""Marks, in the array of levels of death, a weight that outlived the last level."""

KEEP_TRAINED = 8192
"""Trained values are kept for levels with at most this many available weights."""


class StoreError(RuntimeError):
    """The outputs folder cannot be used."""


class CorruptRun(StoreError):
    """A run folder whose files are truncated, changed or unreadable."""

    def __init__(self, folder: Path, reason: str):
        super().__init__(f"{folder} is corrupt: {reason}. It was not used. To set it aside and compute the run again: "
                         "python -m lth_utils check --repair, then repeat the command")
        self.folder = folder


def project_root(start: str | Path = ".") -> Path:
    """The project's folder: the nearest one upwards from `start` that holds ``notebooks`` and ``lth_utils``.

    Where there is none (papermill started elsewhere), the folder this package was installed from.
    """
    here = Path(start).resolve()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[1]):
        if (folder / "notebooks").is_dir() and (folder / "lth_utils").is_dir() and (folder / "pyproject.toml").is_file():
            return folder
    raise StoreError(f"no project folder (with notebooks/, lth_utils/ and pyproject.toml) at or above {here}; "
                     "start from inside the project or install it with pip install -e")


def outputs() -> Path:
    """Where results go: ``$LTH_OUTPUTS`` if set, else ``outputs`` in the project's folder."""
    return Path(os.environ.get("LTH_OUTPUTS") or project_root() / "outputs")


def write_atomically(path: str | Path, content: bytes | str):
    """Write a file under a temporary name and rename it; folders are made; errors name the file."""
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(content.encode() if isinstance(content, str) else content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary:
            temporary.unlink(missing_ok=True)
        raise StoreError(f"cannot write {path}: {error.strerror}; outputs go to {path.parent}, "
                         "set LTH_OUTPUTS to a writable folder to put them elsewhere") from error


def digest(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _pack(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _unpack(content: bytes) -> dict[str, np.ndarray]:
    """The arrays in bytes whose checksum was compared before."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def _read_partial(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an interrupted run; its last 32 bytes are the checksum of the others."""
    content = path.read_bytes()
    if content[-32:].hex() != digest(content[:-32]):
        raise CorruptRun(path.parent, f"{path.name} does not match its checksum")
    return _unpack(content[:-32])


def _with_biases(mask: np.ndarray, parameters: int) -> np.ndarray:
    """Which of all parameters ``[P]`` are left, from the weights' mask ``[W]``: biases are never pruned."""
    return np.concatenate([mask, np.ones(parameters - len(mask), dtype=bool)])


@dataclass
class Progress:
    """The finished levels of one run, level 0 first.

    rows: one dict of plain values per level; death: uint8 ``[W]``, the level at which each weight
    was pruned, ``ALIVE`` if not yet; trained: per level the parameters ``[P]`` where they are kept;
    last: trained parameters ``[P]`` of the last finished level, from which the next one is pruned.
    """
    rows: list[dict] = field(default_factory=list)
    death: np.ndarray | None = None
    trained: dict[int, np.ndarray] = field(default_factory=dict)
    last: np.ndarray | None = None

    @property
    def levels(self) -> int:
        return len(self.rows)

    def mask(self, level: int) -> np.ndarray:
        """Which weights are available at a level, bool ``[W]``."""
        return self.death > level

    def add(self, row: dict, mask: np.ndarray, trained: np.ndarray):
        """Append a level: its row, its mask bool ``[W]`` and its trained parameters ``[P]``."""
        level = self.levels
        if self.death is None:
            self.death = np.full(len(mask), ALIVE, dtype=np.uint8)
        self.death[~mask & (self.death == ALIVE)] = level
        self.rows.append(row)
        self.last = trained
        if mask.sum() <= KEEP_TRAINED:
            self.trained[level] = trained[_with_biases(mask, len(trained))]

    def arrays(self) -> dict[str, np.ndarray]:
        """What a finished run keeps of its weights, by name."""
        return {"death": self.death, **{f"trained{level}": values for level, values in self.trained.items()}}


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
        """Whether the run is finished: one file says so."""
        return (self.folder(run_id) / "done.json").is_file()

    # ------------------------------------------------------------------ writing
    def prepare(self):
        """Raise :class:`StoreError` now, not after the first training, if runs cannot be written."""
        probe = self.runs / f".writable-{os.getpid()}"
        write_atomically(probe, "")
        probe.unlink()

    def save_partial(self, spec: RunSpec, progress: Progress):
        """Keep the finished levels of a run that goes on, in one file."""
        content = _pack({"rows": np.array(json.dumps(progress.rows)), "last": progress.last, **progress.arrays()})
        write_atomically(self.folder(config.run_id(spec)) / "partial.npz", content + bytes.fromhex(digest(content)))

    def load_partial(self, spec: RunSpec) -> Progress | None:
        """The finished levels of a run that was interrupted, or None; :class:`CorruptRun` if damaged."""
        path = self.folder(config.run_id(spec)) / "partial.npz"
        if not path.is_file():
            return None
        arrays = _read_partial(path)
        trained = {int(k[7:]): v for k, v in arrays.items() if k.startswith("trained")}
        return Progress(json.loads(str(arrays["rows"])), arrays["death"], trained, arrays["last"])

    def finish(self, spec: RunSpec, progress: Progress, seconds: float, device: str):
        """Write a finished run, ``done.json`` last."""
        run_id = config.run_id(spec)
        folder = self.folder(run_id)
        shape, _ = pruning.plan(spec)
        contents = {
            "spec.json": config.canonical(spec).encode(),
            "levels.csv": pd.DataFrame(progress.rows).to_csv(index=False).encode(),
            "arrays.npz": _pack(progress.arrays()),
        }
        for name, content in contents.items():
            write_atomically(folder / name, content)
        done = {
            "version": __version__, "python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__,
            "device": device, "machine": platform.machine(), "seconds": round(seconds, 3),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "initial": digest(initial_values(shape, spec.seed).tobytes()),
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

    def table(self, specs: list[RunSpec] | None = None) -> pd.DataFrame:
        """One row per run and level, spec fields as columns; of `specs`, or of all finished runs.

        Runs of `specs` that are not finished raise :class:`StoreError`: a figure never has unseen holes.
        """
        if specs is None:
            ids = sorted(p.parent.name for p in self.runs.glob("*/done.json"))
        else:
            ids = [config.run_id(s) for s in specs]
            if missing := [i for i in ids if not self.done(i)]:
                raise StoreError(f"{len(missing)} of {len(ids)} runs are not finished, first {missing[0]}; run them with sweep.run")
        frames = []
        for run_id in ids:
            self.provenance(run_id)
            rows = pd.read_csv(self.folder(run_id) / "levels.csv")
            head = {"run": run_id, **_flat(self.spec(run_id))}
            frames.append(pd.concat([pd.DataFrame([head] * len(rows)), rows], axis=1))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def ticket(self, run_id: str, level: int | None = None) -> Ticket:
        """The network of a finished run at a pruning level; without `level`, where it first separated, else the last one."""
        if not self.done(run_id):
            known = [p.parent.name for p in self.runs.glob("*/done.json")]
            raise StoreError(f"no finished run {run_id}{config.nearest(run_id, known)}; {len(known)} runs in {self.runs}")
        provenance, spec = self.provenance(run_id), self.spec(run_id)
        rows, arrays = pd.read_csv(self.folder(run_id) / "levels.csv"), _unpack((self.folder(run_id) / "arrays.npz").read_bytes())
        if level is None:
            separated = rows.index[rows["status"] == "separated"]
            level = int(separated[0]) if len(separated) else len(rows) - 1
        if not 0 <= level < len(rows):
            raise SpecError(f"level is {level}; this run has levels 0 to {len(rows) - 1}")
        shape, _ = pruning.plan(spec)
        initial, mask = initial_values(shape, spec.seed), arrays["death"] > level
        if digest(initial.tobytes()) != provenance["initial"]:
            raise StoreError(f"the initial values of {run_id} differ from those drawn by this numpy ({np.__version__}); "
                             f"the run was made with numpy {provenance['numpy']}")
        alive = _with_biases(mask, len(initial))
        trained = None
        if (kept := arrays.get(f"trained{level}")) is not None:
            trained = np.zeros_like(initial)
            trained[alive] = kept
        tasks = data.load(spec.data).tasks
        masks = split_mask(torch.from_numpy(mask)[None], shape)
        return Ticket(shape, masks, np.where(alive, initial, np.float32(0)), trained, tasks, spec.seed, level)

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
                    aside = self.root / "corrupt" / f"{folder.name}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
                    aside.parent.mkdir(parents=True, exist_ok=True)
                    shutil.move(folder, aside)
        return found


def _flat(spec: RunSpec) -> dict:
    """A spec's fields as one level of columns: ``prune.rate``, ``data.noise``, ``base`` as ``4-8-8-2``."""
    columns = {}
    for name, value in config.asdict(spec).items():
        if name == "data":
            columns["data"] = value["name"]
            columns |= {f"data.{k}": v if not isinstance(v, tuple) else str(v) for k, v in value["options"]}
        elif isinstance(value, dict):
            columns |= {f"{name}.{k}": v for k, v in value.items()}
        else:
            columns[name] = "-".join(map(str, value)) if isinstance(value, tuple) else value
    return columns


# ---------------------------------------------------------------------- products of notebooks
def provenance() -> dict:
    """Versions that belong in a product's metadata."""
    return {"lth_utils": __version__, "torch": torch.__version__, "python": sys.version.split()[0]}


def write_facts(set_name: str, notebook: str, facts: dict) -> Path:
    """Write a notebook's facts, a small dict of plain values, to ``outputs/<set>/facts/<notebook>.json``."""
    path = outputs() / set_name / "facts" / f"{notebook}.json"
    write_atomically(path, json.dumps(facts, indent=1, allow_nan=False) + "\n")
    return path


def write_table(set_name: str, name: str, table: pd.DataFrame) -> Path:
    """Write a table to ``outputs/<set>/tables/<name>.csv``."""
    path = outputs() / set_name / "tables" / f"{name}.csv"
    write_atomically(path, table.to_csv(index=False))
    return path


def write_figure(set_name: str, key: str, figure, about: str = "") -> list[Path]:
    """Write a figure as ``outputs/<set>/figures/<key>.png`` (150 dpi) and ``.svg``, with `about` and versions in their metadata."""
    description = "; ".join([about, *(f"{k} {v}" for k, v in provenance().items())]).lstrip("; ")
    paths = []
    for kind, undated in (("png", {}), ("svg", {"Date": None})):
        buffer, metadata = io.BytesIO(), {"Title": key, "Description": description, **undated}
        figure.savefig(buffer, format=kind, dpi=150, bbox_inches="tight", metadata=metadata)
        paths.append(outputs() / set_name / "figures" / f"{key}.{kind}")
        write_atomically(paths[-1], buffer.getvalue())
    return paths
