"""Tables, figures and facts of a set, written and read."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lth_utils import config
from lth_utils.config import RunSpec, SpecError
from lth_utils.runs.files import StoreError, write_atomically
from lth_utils.runs.places import outputs, provenance

LONG = 64_000
"""Bytes above which a table is written compressed."""

NAMES = ("network",)
"""Columns of names, some of which read like numbers."""

KEPT_COLUMNS = ("run", "seed", "level", "status", "outcome")
"""Columns that stay in a written table even where all rows agree."""

AGAIN = "delete it and run its notebook again, with train: true"
"""What helps where a table is damaged."""

DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    SyntaxError,
    RecursionError,
    zlib.error,
)
"""What readers of tables, pictures and notebooks raise for damaged ones."""

CONSTANT = "same in all rows"
"""The key, in the file beside a table, of the columns that hold one value."""


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Within this context, whatever is wrong with the content of a file is said with its name.

    Raises:
        StoreError: the file is damaged.
    """
    try:
        yield
    except StoreError:
        raise
    except DAMAGE as error:
        reason = f"{type(error).__name__}: {error}"
        raise StoreError(f"{path} is damaged ({reason}); {AGAIN}") from error


def product_path(set_name: str, kind: str, name: str) -> Path:
    """Where a product of a set lies, which is always inside its folder.

    Args:
        set_name: folder of ``outputs/``.
        kind: ``figures``, ``tables`` or ``facts``.
        name: the file's name.

    Raises:
        SpecError: a name that is no plain one.
    """
    for what, word in (("set", set_name), ("file", name)):
        if not word or word.startswith(".") or not word.isprintable() or set(word) & set("/\\"):
            raise SpecError(
                f"{word!r} is no name of a {what}; expected one line without / that does not "
                "begin with a dot"
            )
    return outputs() / set_name / kind / name


def read_facts(set_name: str, notebook: str) -> dict:
    """A notebook's facts; none where they are missing or damaged.

    Args:
        set_name: folder of ``outputs/``.
        notebook: its name without ending.
    """
    try:
        facts = json.loads(product_path(set_name, "facts", f"{notebook}.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def write_facts(set_name: str, notebook: str, facts: dict) -> Path:
    """Write a notebook's facts to ``outputs/<set>/facts/<notebook>.json``.

    Args:
        set_name: folder of ``outputs/``.
        notebook: its name without ending.
        facts: a small dict of plain values.

    Returns:
        The file written.
    """
    path = product_path(set_name, "facts", f"{notebook}.json")
    write_atomically(path, json.dumps(facts, indent=1, allow_nan=False) + "\n")
    return path


def write_table(set_name: str, name: str, table: pd.DataFrame, about: dict | None = None) -> Path:
    """Write a table to ``outputs/<set>/tables/<name>.csv``, numbers with six digits.

    Args:
        set_name: folder of ``outputs/``.
        name: the file's name without ending; it is ``.csv.gz`` above ``LONG`` bytes.
        table: any table; its index is left out.
        about: is written beside the table as ``<name>.json``, with the columns that hold one value.

    Returns:
        The table's file.
    """
    path = product_path(set_name, "tables", f"{name}.csv")
    folder, other = path.parent, path.with_name(f"{name}.csv.gz")
    if about and len(table) > 1:
        constant = _constant_columns(table)
        if constant:
            about = {**about, CONSTANT: constant}
            table = table.drop(columns=list(constant))
    content = table.to_csv(index=False, float_format="%.6g").encode()
    if len(content) > LONG:
        content = gzip.compress(content, mtime=0)
        path, other = other, path
    if about:
        write_atomically(folder / f"{name}.json", json.dumps(about, indent=1) + "\n")
    write_atomically(path, content)
    other.unlink(missing_ok=True)
    return path


def _constant_columns(table: pd.DataFrame) -> dict[str, Any]:
    """The one value, as JSON has it, of each column that holds one value and need not stay."""
    constant = {}
    for column in table:
        if column not in KEPT_COLUMNS and table[column].nunique(dropna=False) == 1:
            value = table[column].iloc[0]
            value = value.item() if hasattr(value, "item") else value
            missing = isinstance(value, float) and np.isnan(value)
            constant[column] = None if missing else value
    return constant


def read_table(set_name: str, name: str, specs: list[RunSpec] | None = None) -> pd.DataFrame:
    """A table that :func:`write_table` wrote.

    Args:
        set_name: folder of ``outputs/``.
        name: the file's name without ending.
        specs: if given, the table must hold exactly their runs.

    Returns:
        The table with all its columns.

    Raises:
        StoreError: if there is no such table, or if it holds other runs.
    """
    path = product_path(set_name, "tables", f"{name}.csv")
    folder = path.parent
    if not path.is_file():
        path = folder / f"{name}.csv.gz"
    if not path.is_file():
        raise StoreError(
            f"no table {folder / name}.csv; to make it, run the notebook with train: true"
        )
    with reading(path):
        table = pd.read_csv(path, dtype=dict.fromkeys(NAMES, str), low_memory=False)
    about = folder / f"{name}.json"
    if about.is_file():
        with reading(about):
            table = table.assign(**json.loads(about.read_bytes()).get(CONSTANT, {}))
    if specs is not None:
        if "run" not in table:
            raise StoreError(f"{path} has no column run; {AGAIN}")
        wrong = {config.run_id(spec) for spec in specs} ^ set(table["run"])
        if wrong:
            raise StoreError(
                f"{path} does not hold the runs asked for, {len(wrong)} of them are missing or "
                f"too many, such as {min(wrong)}; "
                "to compute them, run the notebook with train: true"
            )
    return table


def update_table(set_name: str, name: str, rows: pd.DataFrame, key: str) -> Path:
    """Put rows into a table that several notebooks share.

    Args:
        set_name: folder of ``outputs/``.
        name: the file's name without ending.
        rows: take the place of all rows with the same values of `key`.
        key: a column; the table is sorted by it, numbers by their size.

    Returns:
        The table's file.
    """
    path = product_path(set_name, "tables", f"{name}.csv")
    if path.is_file():
        with reading(path):
            before = pd.read_csv(path, dtype={key: str})
        if key not in before:
            raise StoreError(f"{path} has no column {key}; delete it, and it is made again")
        rows = pd.concat([before[~before[key].isin(rows[key])], rows])
        rows = rows.sort_values(key, kind="stable", key=lambda column: column.str.zfill(9))
    return write_table(set_name, name, rows)


def write_figure(set_name: str, key: str, figure: Figure, about: str = "") -> list[Path]:
    """Write a figure as ``outputs/<set>/figures/<key>.png`` and ``.svg``.

    Args:
        set_name: folder of ``outputs/``.
        key: the files' name without ending, and the title in their metadata.
        figure: the figure.
        about: what the metadata begin with, see :func:`image`.

    Returns:
        The files written.
    """
    paths = []
    for kind in ("png", "svg"):
        path = product_path(set_name, "figures", f"{key}.{kind}")
        write_atomically(path, image(figure, kind, key, about))
        paths.append(path)
    return paths


def image(figure: Figure, kind: str, title: str, about: str = "", dpi: int = 150) -> bytes:
    """A figure as the content of a file, with versions but no date in its metadata.

    Args:
        figure: the figure.
        kind: ``png`` (256 colours), ``svg`` or ``pdf``.
        title: the title in the metadata.
        about: what the description in the metadata begins with.
        dpi: pixels per inch of a ``png``, and of what is rasterised in the others.

    Returns:
        The content.
    """
    versions = [f"{name} {version}" for name, version in provenance().items()]
    description = "; ".join([about, *versions] if about else versions)
    metadata = {
        "png": {"Description": description},
        "svg": {"Description": description, "Date": None},
        "pdf": {"Subject": description, "CreationDate": None},
    }
    buffer = io.BytesIO()
    figure.savefig(
        buffer,
        format=kind,
        dpi=dpi,
        bbox_inches="tight",
        metadata={"Title": title, **metadata[kind]},
    )
    return _with_palette(buffer) if kind == "png" else buffer.getvalue()


def _with_palette(png: io.BytesIO) -> bytes:
    """A picture with a palette: a quarter of the size without a visible difference."""
    from PIL import Image, PngImagePlugin

    picture, small = Image.open(png), io.BytesIO()
    text = PngImagePlugin.PngInfo()
    for name, value in picture.info.items():
        if isinstance(value, str):
            text.add_text(name, value)
    colours = picture.convert("RGB").quantize(
        256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    )
    colours.save(small, "png", optimize=True, pnginfo=text, dpi=picture.info.get("dpi"))
    return small.getvalue()
