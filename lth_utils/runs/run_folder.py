"""The folder of one run: its files, their checksums and the version that wrote them."""

from __future__ import annotations

import contextlib
import io
import json
import platform
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from lth_utils import __version__, config, pruning
from lth_utils.config import RunSpec, SpecError
from lth_utils.data import Task, tasks_of
from lth_utils.data.image_files import DataError
from lth_utils.data.tasks import tasks_from_plain, tasks_to_plain
from lth_utils.networks.layers import n_weights
from lth_utils.networks.population import initial_values
from lth_utils.runs import done_file
from lth_utils.runs.done_file import RESULTS, same_results
from lth_utils.runs.files import (
    StoreError,
    digest,
    pack,
    remove_temporaries,
    sync_folder,
    unpack,
    write_atomically,
)
from lth_utils.runs.history import History, history_of
from lth_utils.runs.partial_file import PARTIAL, read_partial
from lth_utils.runs.record import RunRecord, check_arrays
from lth_utils.runs.unusable import CorruptRun

FILES = ("done.json", *RESULTS)
"""The files of a finished run."""


def finished_by(folder: Path) -> str | None:
    """The version of the package that finished a run, None where the run is not finished.

    A damaged ``done.json`` counts as this version's: :func:`read_provenance` reports it.
    """
    try:
        return done_file.parse((folder / "done.json").read_bytes())["version"]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        return __version__


def read_provenance(folder: Path) -> dict:
    """The content of ``done.json``, after the checksums in it were compared with the files.

    Raises:
        CorruptRun: if a file is missing, unreadable or does not match its checksum, or if
            ``done.json`` lacks a key or has a value of another kind.
    """
    content = _read(folder, "done.json")
    try:
        done = done_file.parse(content)
    except ValueError as error:
        raise CorruptRun(folder, f"done.json cannot be read ({error})") from error
    for name, checksum in done["sha256"].items():
        if digest(_read(folder, name)) != checksum:
            raise CorruptRun(folder, f"{name} does not match its checksum")
    return done


def _read(folder: Path, name: str) -> bytes:
    """The bytes of one of a run's files."""
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError as error:
        raise CorruptRun(folder, f"{name} is missing") from error
    except OSError as error:
        raise CorruptRun(folder, f"{name} cannot be read ({error.strerror or error})") from error


def read_spec(folder: Path) -> RunSpec:
    """The spec of a finished run.

    Raises:
        CorruptRun: if the file is damaged, or the folder's name is not the id of this spec.
        SpecError: if the spec has fields or values that this version does not know.
    """
    content = _read(folder, "spec.json")
    try:
        mapping = json.loads(content)
        spec = config.parse(RunSpec, mapping, f"{folder.name}/spec.json")
    except SpecError as error:
        # its bytes are those that the address was computed from
        if digest(content).startswith(folder.name.rpartition("--")[2]):
            raise
        raise CorruptRun(folder, f"spec.json does not hold a spec ({error})") from error
    except (ValueError, RecursionError, TypeError) as error:
        raise CorruptRun(folder, f"spec.json cannot be read ({error})") from error
    if config.run_id(spec) != folder.name:
        raise CorruptRun(folder, f"its spec belongs to {config.run_id(spec)}")
    return spec


def read_levels(folder: Path) -> pd.DataFrame:
    """The table of a finished run, one row per level.

    Raises:
        CorruptRun: if the file is none.
    """
    try:
        return pd.read_csv(io.BytesIO(_read(folder, "levels.csv")))
    except ValueError as error:
        raise CorruptRun(folder, f"levels.csv cannot be read ({error})") from error


def read_arrays(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of a finished run by name on disk; compare its checksums before.

    Raises:
        CorruptRun: if the file is no archive of arrays.
    """
    try:
        return unpack(_read(folder, "arrays.npz"))
    except ValueError as error:
        raise CorruptRun(folder, f"arrays.npz cannot be read ({error})") from error


def read_history(folder: Path) -> History:
    """A finished run in memory; its files agree with each other and with its spec.

    Raises:
        CorruptRun: if they do not, or are damaged.
        SpecError: if the spec has fields or values that this version does not know.
        StoreError: if another version of numpy draws other initial values from its seed.
    """
    done = read_provenance(folder)
    spec = read_spec(folder)
    rows = read_levels(folder)
    arrays = read_arrays(folder)
    shape = pruning.dense_shape(spec)
    initial = initial_values(shape, spec.seed, spec.init, output_gain=spec.output_gain)
    if digest(initial.tobytes()) != done["initial"]:
        if done["numpy"] == np.__version__:
            reason = "done.json has another checksum of the initial values than its seed gives"
            raise CorruptRun(folder, reason)
        raise StoreError(
            f"the initial values of {folder.name} differ from those drawn by this numpy "
            f"({np.__version__}); the run was made with numpy {done['numpy']}"
        )
    try:
        check_arrays(arrays, rows, n_weights=n_weights(shape), n_parameters=len(initial))
    except ValueError as error:
        raise CorruptRun(folder, str(error)) from error
    tasks = _tasks(folder, done, spec)
    return history_of(spec, shape, tasks, rows=rows, arrays=arrays, initial=initial)


def _tasks(folder: Path, done: dict, spec: RunSpec) -> tuple[Task, ...]:
    """The tasks of a run, from its files or, where an earlier version wrote them, of its data."""
    if "tasks" in done:
        return tasks_from_plain(done["tasks"])
    try:
        return tasks_of(spec.data)
    except (SpecError, DataError) as error:
        raise StoreError(
            f"{folder.name} was made by a version that did not note its tasks, "
            f"and its data are not at hand ({error})"
        ) from error


def verify(folder: Path):
    """Compare all files of a run, finished or not, with each other.

    Of runs whose version gives other results, or whose spec is of another version, only the
    checksums are compared.

    Raises:
        CorruptRun: if something is wrong.
    """
    version = finished_by(folder)
    if version is None:
        read_partial(folder)
        return
    read_provenance(folder)
    if same_results(version):
        with contextlib.suppress(SpecError):
            try:
                read_history(folder)
            except CorruptRun:
                raise
            except StoreError:  # another numpy, which is no damage
                return


def write_finished(
    folder: Path, spec: RunSpec, tasks: Sequence[Task], record: RunRecord, device: str
):
    """Write the files of a finished run, ``done.json`` last, and remove what it leaves behind.

    Once this function returns, no power cut can undo it.

    Args:
        folder: of the run.
        spec: the run's spec.
        tasks: of its data, which are noted so that tickets can be used without the data.
        record: its levels.
        device: name of the processor that computed it.

    Raises:
        StoreError: if the files cannot be written.
    """
    shape, _ = pruning.plan(spec)
    contents = {
        "spec.json": config.canonical(spec).encode(),
        "levels.csv": pd.DataFrame(record.rows).to_csv(index=False).encode(),
        "arrays.npz": pack(record.arrays()),
    }
    for name, content in contents.items():
        write_atomically(folder / name, content, durable=True)
    done = {
        "version": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "device": device,
        "machine": platform.machine(),
        "seconds": round(record.seconds, 3),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "tasks": tasks_to_plain(tasks),
        "initial": digest(
            initial_values(shape, spec.seed, spec.init, output_gain=spec.output_gain).tobytes()
        ),
        "sha256": {name: digest(content) for name, content in contents.items()},
    }
    write_atomically(folder / "done.json", done_file.seal(done), durable=True)
    sync_folder(folder)
    clean(folder)


def clean(folder: Path):
    """Remove what a finished run no longer needs; nothing happens where it cannot be changed."""
    with contextlib.suppress(OSError):
        (folder / PARTIAL).unlink(missing_ok=True)
    remove_temporaries(folder)


def set_aside(folder: Path, where: Path):
    """Move a run's folder into another one, under a new name where its own is taken.

    Raises:
        StoreError: if it cannot be moved.
    """
    aside = where / folder.name
    if aside.exists():
        aside = where / f"{folder.name}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    try:
        where.mkdir(parents=True, exist_ok=True)
        shutil.move(folder, aside)
    except OSError as error:
        if folder.exists():  # else another process was faster
            raise StoreError(f"cannot move {folder} to {where}: {error}") from error
