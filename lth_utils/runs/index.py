"""Tables of finished runs, and the cached file they are read from."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from lth_utils import config, connectivity
from lth_utils.config import RunSpec, SpecError
from lth_utils.runs.done_file import same_results
from lth_utils.runs.files import StoreError, digest, write_atomically
from lth_utils.runs.run_folder import (
    FILES,
    clean,
    read_provenance,
    read_spec,
)
from lth_utils.runs.unusable import CorruptRun, ForeignRun

INDEX = "index.jsonl"
"""The index, in the folder of all runs: a checksum, then one entry a line."""

ABOUT = ("version", "seconds", "device", "machine", "torch", "finished")
"""What an entry takes over from ``done.json``."""


OF_FOLDER = (*ABOUT, "outcome", "head", "levels")
"""The keys of an entry that are read from a run's files."""


def read_entries(
    runs: Path, run_ids: Iterable[str]
) -> tuple[dict[str, dict], list[CorruptRun | ForeignRun]]:
    """What tables need of each finished run.

    An entry is read from the index where the run's files have the times and sizes noted there,
    else from the run's folder; then the index is written anew.

    Args:
        runs: the folder of all runs.
        run_ids: the runs asked for; those that are not finished are left out.

    Returns:
        An entry by run id, see ``Store.entries``, and an error for each finished run that cannot
        be read.
    """
    index = read_index(runs)
    entries = {}
    errors: list[CorruptRun | ForeignRun] = []
    changed = False
    for run_id in run_ids:
        folder = runs / run_id
        files, leftovers = _file_stamps(folder)
        if not any(name == "done.json" for name, *_ in files):
            continue
        entry = index.get(run_id)
        if entry is None or entry["files"] != files:
            try:
                entry = {"run": run_id, "files": files, **make_entry(folder)}
            except (CorruptRun, ForeignRun) as error:
                errors.append(error)
                continue
            index[run_id] = entry
            changed = True
        if same_results(entry["version"]):
            entries[run_id] = entry
            if leftovers:
                clean(folder)
    if changed:
        # the index is only a cache: where it cannot be written, the runs are read again next time
        with contextlib.suppress(StoreError):
            _write_index(runs, index)
    return entries, errors


def make_entry(folder: Path) -> dict:
    """A run's entry, read from its folder after its checksums were compared.

    Only the version is read of runs whose version gives other results.

    Raises:
        CorruptRun: if the run is damaged.
        ForeignRun: if its spec is of another version of the package.
    """
    done = read_provenance(folder)
    if not same_results(done["version"]):
        return {**dict.fromkeys(OF_FOLDER), "version": done["version"]}
    try:
        spec = read_spec(folder)
    except SpecError as error:
        raise ForeignRun(folder, str(error)) from error
    try:
        levels = (folder / "levels.csv").read_text(encoding="utf-8")
        statuses = pd.read_csv(io.StringIO(levels), usecols=["status"])["status"]
    except (OSError, ValueError) as error:
        raise CorruptRun(folder, f"levels.csv cannot be read ({error})") from error
    return {
        **{name: done[name] for name in ABOUT},
        "outcome": connectivity.outcome(list(statuses)),
        "head": flat_fields(spec),
        "levels": levels,
    }


def read_index(runs: Path) -> dict[str, dict]:
    """The index by run id; empty where it is missing, damaged or of specs with other fields."""
    try:
        checksum, _, text = (runs / INDEX).read_bytes().decode().partition("\n")
        if checksum != _index_checksum(text):
            return {}
        entries = [json.loads(line) for line in text.splitlines()]
        return {entry["run"]: entry for entry in entries if _is_entry(entry)}
    # whatever is wrong with a cache, it is made again
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _is_entry(entry: dict) -> bool:
    """Whether a line of the index has the keys of an entry, with values of their types."""
    if entry.keys() != {"run", "files", *OF_FOLDER} or not isinstance(entry["version"], str):
        return False
    if not same_results(entry["version"]):
        return True
    texts = isinstance(entry["levels"], str) and isinstance(entry["outcome"], str)
    return texts and isinstance(entry["head"], dict) and isinstance(entry["seconds"], (int, float))


def table_of(entries: dict[str, dict]) -> pd.DataFrame:
    """One row per run and level, with the fields of the run's spec as columns.

    Args:
        entries: as :func:`read_entries` gives them.

    Returns:
        The rows in the order of the entries, levels ascending; empty without entries.
    """
    if not entries:
        return pd.DataFrame()
    levels = _all_levels([entry["levels"] for entry in entries.values()])
    heads = pd.DataFrame([{"run": run_id, **e["head"]} for run_id, e in entries.items()])
    heads = heads.loc[levels.index]
    return pd.concat([heads.reset_index(drop=True), levels.reset_index(drop=True)], axis=1)


def flat_fields(spec: RunSpec) -> dict:
    """A spec's fields as one level of columns: ``prune.rate``, ``data.noise``, ``base`` as text.

    >>> flat_fields(RunSpec(config.DataSpec("moons_circles"), base=(4, 8, 8, 2)))["base"]
    '4-8-8-2'
    """
    fields = config.asdict(spec)
    made = fields.pop("data")
    columns = {"data": made["name"]}
    for name, value in made["options"]:
        columns[f"data.{name}"] = str(value) if isinstance(value, tuple) else value
    return columns | _flatten(fields)


def _flatten(mapping: dict, prefix: str = "") -> dict:
    """Nested fields as columns ``outer.inner``; tuples become the text of a shape."""
    flat: dict = {}
    for name, value in mapping.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        elif isinstance(value, tuple):
            flat[prefix + name] = config.shape_text(value)
        else:
            flat[prefix + name] = value
    return flat


def _all_levels(tables: list[str]) -> pd.DataFrame:
    """The rows of many ``levels.csv``, indexed by their table's position.

    Data sets differ in their tasks' columns, so tables of one header are parsed together.
    """
    by_header: dict[str, tuple[list[int], list[str]]] = {}
    for position, table in enumerate(tables):
        header, _, body = table.partition("\n")
        positions, bodies = by_header.setdefault(header, ([], []))
        positions.append(position)
        bodies.append(body)
    frames = []
    for header, (positions, bodies) in by_header.items():
        frame = pd.read_csv(io.StringIO(header + "\n" + "".join(bodies)))
        frame.index = np.repeat(positions, [body.count("\n") for body in bodies])
        frames.append(frame)
    return pd.concat(frames).sort_index(kind="stable")


def _file_stamps(folder: Path) -> tuple[list[list], bool]:
    """Name, time and size of each file of a finished run, by name; whether there are others."""
    stamps = []
    others = False
    with contextlib.suppress(OSError), os.scandir(folder) as files:
        for file in files:
            if file.name not in FILES:
                others = True
                continue
            stat = file.stat()
            stamps.append([file.name, stat.st_mtime_ns, stat.st_size])
    return sorted(stamps), others


def _write_index(runs: Path, index: dict[str, dict]):
    """Write the index, with its checksum first."""
    text = "\n".join(json.dumps(entry, separators=(",", ":")) for entry in index.values())
    write_atomically(runs / INDEX, f"{_index_checksum(text)}\n{text}")


def _index_checksum(text: str) -> str:
    """The checksum of the index and of the columns that specs have in this version."""
    columns = flat_fields(RunSpec(config.DataSpec()))
    return digest("\n".join([*columns, text]).encode())
