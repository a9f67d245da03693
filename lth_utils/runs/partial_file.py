"""The file that keeps the finished levels of an unfinished run, to resume from."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd

from lth_utils import __version__, config
from lth_utils.config import RunSpec
from lth_utils.runs.done_file import same_results
from lth_utils.runs.files import digest, pack, unpack, write_atomically
from lth_utils.runs.record import KEPT, PRUNED_AT, RunRecord, arrays_by_level, check_arrays
from lth_utils.runs.unusable import CorruptRun

PARTIAL = "partial.npz"
"""The file of an unfinished run; its last 32 bytes are the SHA-256 of the others."""


def write_partial(folder: Path, spec: RunSpec, record: RunRecord):
    """Write the finished levels of an unfinished run to one file."""
    about = {
        "version": __version__,
        "run": config.run_id(spec),
        "seconds": record.seconds,
        "rows": record.rows,
    }
    arrays = {
        "about": np.array(json.dumps(about)),
        "last": np.asarray(record.last),
        **record.arrays(),
    }
    content = pack(arrays)
    write_atomically(folder / PARTIAL, content + bytes.fromhex(digest(content)))


def read_partial(folder: Path) -> RunRecord | None:
    """The finished levels of an unfinished run.

    Returns:
        The record, or None where there is none, or one of a version with other results.

    Raises:
        CorruptRun: if the file is damaged or belongs to another run, or if a folder lies in the
            place of one of the run's files.
    """
    try:
        with os.scandir(folder) as entries:
            in_the_way = [entry.name for entry in entries if entry.is_dir()]
        if in_the_way:
            raise CorruptRun(folder, f"{in_the_way[0]} is a folder")
        content = (folder / PARTIAL).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CorruptRun(folder, f"{PARTIAL} cannot be read ({error.strerror})") from error
    if content[-32:].hex() != digest(content[:-32]):
        raise CorruptRun(folder, f"{PARTIAL} does not match its checksum")
    try:
        arrays = unpack(content[:-32])
        about = json.loads(str(arrays["about"]))
        if not same_results(about["version"]):
            return None
        owner = about.get("run", "a run that it does not name")
        if owner != folder.name:
            raise ValueError(f"it belongs to {owner}")
        rows = pd.DataFrame(about["rows"])
        last = arrays["last"]
        check_arrays(arrays, rows, n_weights=arrays[PRUNED_AT].size, n_parameters=last.size)
        return RunRecord(
            rows=about["rows"],
            pruned_at=arrays[PRUNED_AT],
            last=last,
            seconds=about["seconds"],
            kept={name: arrays_by_level(arrays, name) for name in KEPT},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptRun(folder, f"{PARTIAL} cannot be used ({error})") from error
