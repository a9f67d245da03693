"""Where results go and how a file gets there: whole, or not at all; the products of notebooks.  Public through ``store``."""
from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from lth_utils import __version__, config
from lth_utils.config import RunSpec

LONG = 5000
"""Rows from which a table is written compressed."""

KEPT_COLUMNS = ("run", "seed", "level", "status", "outcome")
"""Columns that stay in a written table even where all rows agree."""


class StoreError(RuntimeError):
    """The outputs folder cannot be used."""


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


def provenance() -> dict:
    """Versions that belong in a product's metadata."""
    return {"lth_utils": __version__, "torch": torch.__version__, "python": sys.version.split()[0]}


def write_facts(set_name: str, notebook: str, facts: dict) -> Path:
    """Write a notebook's facts, a small dict of plain values, to ``outputs/<set>/facts/<notebook>.json``."""
    path = outputs() / set_name / "facts" / f"{notebook}.json"
    write_atomically(path, json.dumps(facts, indent=1, allow_nan=False) + "\n")
    return path


def write_table(set_name: str, name: str, table: pd.DataFrame, about: dict | None = None) -> Path:
    """Write a table to ``outputs/<set>/tables/<name>.csv``, or ``.csv.gz`` from ``LONG`` rows on; `about` beside it as ``.json``.

    With `about`, columns that hold one value go there; numbers are kept to six digits.
    """
    folder = outputs() / set_name / "tables"
    if about and len(table) > 1:
        same = [c for c in table if table[c].nunique(dropna=False) == 1 and c not in KEPT_COLUMNS]
        if constant := {c: _plain(table[c].iloc[0]) for c in same}:
            about, table = {**about, "same in all rows": constant}, table.drop(columns=same)
    content, suffix = table.to_csv(index=False, float_format="%.6g").encode(), ".csv"
    if len(table) > LONG:
        content, suffix = gzip.compress(content, mtime=0), ".csv.gz"
    if about:
        write_atomically(folder / f"{name}.json", json.dumps(about, indent=1) + "\n")
    write_atomically(folder / f"{name}{suffix}", content)
    (folder / f"{name}{'.csv' if suffix == '.csv.gz' else '.csv.gz'}").unlink(missing_ok=True)
    return folder / f"{name}{suffix}"


def _plain(value):
    """A value of a table as JSON has it."""
    value = getattr(value, "item", lambda: value)()
    return None if isinstance(value, float) and np.isnan(value) else value


def read_table(set_name: str, name: str, specs: list[RunSpec] | None = None) -> pd.DataFrame:
    """A table that :func:`write_table` wrote; with `specs` it must hold exactly their runs.  Raises :class:`StoreError`."""
    folder = outputs() / set_name / "tables"
    path = next((p for p in (folder / f"{name}.csv", folder / f"{name}.csv.gz") if p.is_file()), None)
    if path is None:
        raise StoreError(f"no table {folder / name}.csv; to make it, run the notebook with train: true")
    table, about = pd.read_csv(path), folder / f"{name}.json"
    constant = json.loads(about.read_text()).get("same in all rows", {}) if about.is_file() else {}
    table = table.assign(**constant)
    if specs is not None and (wrong := {config.run_id(s) for s in specs} ^ set(table["run"])):
        raise StoreError(f"{path} does not hold the runs asked for, {len(wrong)} of them are missing or too many, such as {min(wrong)}; "
                         "to compute them, run the notebook with train: true")
    return table


def write_figure(set_name: str, key: str, figure, about: str = "") -> list[Path]:
    """Write a figure as ``outputs/<set>/figures/<key>.png`` (150 dpi) and ``.svg``, with `about` and versions in their metadata."""
    paths = []
    for kind in ("png", "svg"):
        paths.append(outputs() / set_name / "figures" / f"{key}.{kind}")
        write_atomically(paths[-1], image(figure, kind, key, about))
    return paths


def image(figure, kind: str, title: str, about: str = "") -> bytes:
    """A figure as the content of a ``png`` (150 dpi), ``svg`` or ``pdf`` file, with `about` and versions in its metadata, no date."""
    description = "; ".join([about, *(f"{k} {v}" for k, v in provenance().items())]).lstrip("; ")
    rest = {"png": {"Description": description}, "svg": {"Description": description, "Date": None},
            "pdf": {"Subject": description, "CreationDate": None}}
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=150, bbox_inches="tight", metadata={"Title": title, **rest[kind]})
    return buffer.getvalue()
