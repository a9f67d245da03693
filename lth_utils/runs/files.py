"""Files written atomically, their checksums, and arrays as bytes."""

from __future__ import annotations

import hashlib
import io
import tempfile
from pathlib import Path

import numpy as np


class StoreError(RuntimeError):
    """The outputs folder, or a file in it, cannot be used."""


def write_atomically(path: str | Path, content: bytes | str):
    """Write a file under a temporary name, then rename it; missing folders are made.

    Args:
        path: the file, which is replaced if it exists.
        content: text is written as UTF-8.

    Raises:
        StoreError: if the file cannot be written; an earlier version of it is left as it was.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            temporary = Path(file.name)
            file.write(content.encode() if isinstance(content, str) else content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary:
            temporary.unlink(missing_ok=True)
        raise StoreError(
            f"cannot write {path}: {error.strerror}; outputs go to {path.parent}, "
            "set LTH_OUTPUTS to a writable folder to put them elsewhere"
        ) from error


def digest(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def pack(arrays: dict[str, np.ndarray]) -> bytes:
    """Named arrays as the bytes of a compressed npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, np.ndarray]:
    """The named arrays in bytes that :func:`pack` made; pickled objects are refused.

    Raises:
        ValueError, EOFError, zipfile.BadZipFile: if the bytes are something else.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)
