"""Data sets kept beside the runs, for those whose name does not say what they hold.

    outputs/data/<content>.npz    arrays and tasks of one data set, by its checksum

Workers of other processes, and later sessions, find there what a run was made with.
"""

from __future__ import annotations

from pathlib import Path

from lth_utils import data
from lth_utils.config import DataSpec, SpecError
from lth_utils.data.content import CONTENT, checksum, from_arrays, to_arrays
from lth_utils.data.dataset import Dataset
from lth_utils.data.image_files import DataError
from lth_utils.data.registry import remember, remembered
from lth_utils.runs.files import pack, unpack, write_atomically


def keep(folder: Path, spec: DataSpec):
    """Keep a data set, unless its name says all or it is kept already.

    Args:
        folder: of the kept data sets; made if it is missing.
        spec: complete.

    Raises:
        StoreError: if the file cannot be written.
    """
    content = _content(spec)
    if content is None:
        return
    path = _path(folder, content)
    if not path.exists() or _read(path, content) is None:
        dataset = load(folder, spec)
        write_atomically(path, pack(to_arrays(dataset)), durable=True)
        remember(spec, dataset)


def load(folder: Path, spec: DataSpec) -> Dataset:
    """The data set of a spec: from memory, from where it is kept, else made anew.

    Args:
        folder: of the kept data sets.
        spec: complete.

    Raises:
        SpecError: nothing is registered under the name, and it is not kept either.
        DataError: what is registered under the name is other data.
    """
    content = _content(spec)
    known = remembered(spec)
    if content is None or known is not None:
        return known or data.load(spec)
    kept = _read(_path(folder, content), content)
    if kept is not None:
        remember(spec, kept)
        return kept
    try:
        return data.load(spec)
    except (SpecError, DataError) as error:
        message = f"{error}; it is not kept in {folder} either"
        raise type(error)(message) from error


def _content(spec: DataSpec) -> str | None:
    """The checksum of the data, where the spec has one."""
    return dict(spec.options).get(CONTENT)


def _path(folder: Path, content: str) -> Path:
    """The file of a data set."""
    if not content.isalnum():
        raise SpecError(f"content is {content!r}; expected hexadecimal digits")
    return folder / f"{content}.npz"


def _read(path: Path, content: str) -> Dataset | None:
    """The data set in a file, None where it is missing, damaged or another one."""
    try:
        kept = from_arrays(unpack(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return kept if checksum(kept) == content else None
