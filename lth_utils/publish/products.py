"""Tables, figures and facts of a set, written and read."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd

from lth_utils import config
from lth_utils.config import RunSpec
from lth_utils.runs.files import StoreError, write_atomically
from lth_utils.runs.places import outputs, provenance

LONG = 5000
"""Rows from which a table is written compressed."""

KEPT_COLUMNS = ("run", "seed", "level", "status", "outcome")
"""Columns that stay in a written table even where all rows agree."""


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
    path = next(
        (p for p in (folder / f"{name}.csv", folder / f"{name}.csv.gz") if p.is_file()), None
    )
    if path is None:
        raise StoreError(
            f"no table {folder / name}.csv; to make it, run the notebook with train: true"
        )
    table, about = pd.read_csv(path), folder / f"{name}.json"
    constant = json.loads(about.read_text()).get("same in all rows", {}) if about.is_file() else {}
    table = table.assign(**constant)
    if specs is not None and (wrong := {config.run_id(s) for s in specs} ^ set(table["run"])):
        raise StoreError(
            f"{path} does not hold the runs asked for, {len(wrong)} of them are missing or too many, such as {min(wrong)}; "
            "to compute them, run the notebook with train: true"
        )
    return table


def update_table(set_name: str, name: str, rows: pd.DataFrame, key: str) -> Path:
    """Put `rows` into a table that several notebooks share, in place of those with the same values of the column `key`."""
    path = outputs() / set_name / "tables" / f"{name}.csv"
    if path.is_file():
        before = pd.read_csv(path, dtype={key: str})
        rows = pd.concat([before[~before[key].isin(rows[key])], rows]).sort_values(
            key, kind="stable"
        )
    return write_table(set_name, name, rows)


def write_figure(set_name: str, key: str, figure, about: str = "") -> list[Path]:
    """Write a figure as ``outputs/<set>/figures/<key>.png`` and ``.svg``; see :func:`image`."""
    paths = []
    for kind in ("png", "svg"):
        paths.append(outputs() / set_name / "figures" / f"{key}.{kind}")
        write_atomically(paths[-1], image(figure, kind, key, about))
    return paths


def image(figure, kind: str, title: str, about: str = "", dpi: int = 150) -> bytes:
    """A figure as the content of a ``png`` (256 colours), ``svg`` or ``pdf`` file, with `about` and versions in its metadata, no date."""
    description = "; ".join([about, *(f"{k} {v}" for k, v in provenance().items())]).lstrip("; ")
    rest = {
        "png": {"Description": description},
        "svg": {"Description": description, "Date": None},
        "pdf": {"Subject": description, "CreationDate": None},
    }
    buffer = io.BytesIO()
    figure.savefig(
        buffer, format=kind, dpi=dpi, bbox_inches="tight", metadata={"Title": title, **rest[kind]}
    )
    return _small(buffer) if kind == "png" else buffer.getvalue()


def _small(png: io.BytesIO) -> bytes:
    """A picture with a palette: a quarter of the size, and nothing can be seen of it."""
    from PIL import Image, PngImagePlugin

    picture, text, small = Image.open(png), PngImagePlugin.PngInfo(), io.BytesIO()
    for name, value in picture.info.items():
        if isinstance(value, str):
            text.add_text(name, value)
    flat = picture.convert("RGB").quantize(
        256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    )
    flat.save(small, "png", optimize=True, pnginfo=text, dpi=picture.info.get("dpi"))
    return small.getvalue()
