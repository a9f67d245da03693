"""The folder of one run: its files, their checksums and the version that wrote them."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from lth_utils import __version__, config, pruning
from lth_utils.config import RunSpec
from lth_utils.networks.population import initial_values
from lth_utils.runs.files import StoreError, digest, pack, unpack, write_atomically
from lth_utils.runs.record import KEPT, PRUNED_AT, RunRecord, arrays_by_level

FILES = ("done.json", "spec.json", "levels.csv", "arrays.npz")
"""The files of a finished run."""

PARTIAL = "partial.npz"
"""The file of an unfinished run; its last 32 bytes are the SHA-256 of the others."""


class CorruptRun(StoreError):
    """A run folder whose files are truncated, changed or unreadable."""

    def __init__(self, folder: Path, reason: str):
        super().__init__(
            f"{folder} is corrupt: {reason}. It was not used. To set it aside and compute the run "
            "again: python -m lth_utils check --repair, then repeat the command"
        )
        self.folder = folder


def same_results(version: str) -> bool:
    """Whether that version of the package gives the same results as this one.

    >>> same_results(__version__), same_results("0.0.7")
    (True, False)
    """
    return version.split(".")[:2] == __version__.split(".")[:2]


def finished_by(folder: Path) -> str | None:
    """The version of the package that finished a run, None where the run is not finished.

    An unreadable ``done.json`` counts as this version's: :func:`read_provenance` reports it.
    """
    try:
        return json.loads((folder / "done.json").read_bytes())["version"]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError):
        return __version__


def read_provenance(folder: Path) -> dict:
    """The content of ``done.json``, after the checksums in it were compared with the files.

    Raises:
        CorruptRun: if a file is missing, unreadable or does not match its checksum.
    """
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


def read_spec(folder: Path) -> RunSpec:
    """The spec of a finished run.

    Raises:
        CorruptRun: if the folder's name is not the id of this spec.
        SpecError: if the spec has fields or values that this version does not know.
    """
    mapping = json.loads((folder / "spec.json").read_text())
    spec = config.parse(RunSpec, mapping, f"{folder.name}/spec.json")
    if config.run_id(spec) != folder.name:
        raise CorruptRun(folder, f"its spec belongs to {config.run_id(spec)}")
    return spec


def read_arrays(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of a finished run by name on disk; compare its checksums before."""
    return unpack((folder / "arrays.npz").read_bytes())


def write_finished(folder: Path, spec: RunSpec, record: RunRecord, device: str):
    """Write the files of a finished run, ``done.json`` last, and remove the partial file."""
    shape, _ = pruning.plan(spec)
    contents = {
        "spec.json": config.canonical(spec).encode(),
        "levels.csv": pd.DataFrame(record.rows).to_csv(index=False).encode(),
        "arrays.npz": pack(record.arrays()),
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
        "seconds": round(record.seconds, 3),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "initial": digest(initial_values(shape, spec.seed, spec.init).tobytes()),
        "sha256": {name: digest(content) for name, content in contents.items()},
    }
    write_atomically(folder / "done.json", json.dumps(done, indent=1))
    (folder / PARTIAL).unlink(missing_ok=True)


def write_partial(folder: Path, record: RunRecord):
    """Write the finished levels of an unfinished run to one file."""
    about = {"version": __version__, "seconds": record.seconds, "rows": record.rows}
    arrays = {"about": np.array(json.dumps(about)), "last": record.last, **record.arrays()}
    content = pack(arrays)
    write_atomically(folder / PARTIAL, content + bytes.fromhex(digest(content)))


def read_partial(folder: Path) -> RunRecord | None:
    """The finished levels of an unfinished run.

    Returns:
        The record, or None where there is none, or one of a version with other results.

    Raises:
        CorruptRun: if the file does not match its checksum.
    """
    path = folder / PARTIAL
    if not path.is_file():
        return None
    content = path.read_bytes()
    if content[-32:].hex() != digest(content[:-32]):
        raise CorruptRun(folder, f"{PARTIAL} does not match its checksum")
    arrays = unpack(content[:-32])
    about = json.loads(str(arrays["about"]))
    if not same_results(about["version"]):
        return None
    return RunRecord(
        rows=about["rows"],
        pruned_at=arrays[PRUNED_AT],
        last=arrays["last"],
        seconds=about["seconds"],
        kept={name: arrays_by_level(arrays, name) for name in KEPT},
    )
