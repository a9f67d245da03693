"""Files written atomically, their checksums, and arrays as bytes."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import math
import os
import platform
import re
import struct
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

KEEP_TEMPORARY = 24 * 3600
"""Seconds after which a temporary file is nobody's, whichever machine wrote it."""


class StoreError(RuntimeError):
    """The outputs folder, or a file in it, cannot be used."""


def write_atomically(path: str | Path, content: bytes | str, durable: bool = False):
    """Write a file under a temporary name, then rename it; missing folders are made.

    Args:
        path: the file, which is replaced if it exists.
        content: text is written as UTF-8.
        durable: the content is on the disk before the file gets its name, so that no power cut
            leaves an empty file. The name itself is durable after :func:`sync_folder`.

    Raises:
        StoreError: if the file cannot be written; an earlier version of it is left as it was.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.{_here()}.{os.getpid()}.", delete=False
        ) as file:
            temporary = Path(file.name)
            file.write(content.encode() if isinstance(content, str) else content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                temporary.unlink()
        raise StoreError(
            f"cannot write {path}: {error.strerror or error}; outputs go to {path.parent}, "
            "set LTH_OUTPUTS to a writable folder to put them elsewhere"
        ) from error


def sync_folder(folder: Path):
    """Make the names of a folder's files durable, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_temporaries(folder: Path):
    """Remove what killed writers left in a folder; nothing happens where it cannot be changed.

    A temporary file bears its writer's machine and process number. It is removed if that process
    no longer runs on this machine. On shared folders those of other machines, whose processes
    cannot be seen from here, are removed when they are a day old: no file takes that long.

    Args:
        folder: it need not exist.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as files:
        for file in files:
            if file.name.startswith("."):
                with contextlib.suppress(OSError):
                    if not file.is_dir() and _is_abandoned(file):
                        Path(file.path).unlink()


def _is_abandoned(file: os.DirEntry) -> bool:
    """Whether nobody will rename this temporary file any more."""
    if time.time() - file.stat().st_mtime > KEEP_TEMPORARY:
        return True
    written = re.search(r"\.([\w-]+)\.(\d+)\.\w+$", file.name)
    if written is None or written[1] != _here() or os.name != "posix":
        return False
    try:
        os.kill(int(written[2]), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:  # it runs, as another user
        return False
    return False


@functools.cache
def _here() -> str:
    """This machine in letters, and where process numbers are counted apart, as in containers."""
    name = re.sub(r"[^\w-]", "-", platform.node())[:40]
    try:
        space = re.sub(r"\D", "", os.readlink("/proc/self/ns/pid"))  # noqa: PTH115
    except OSError:
        space = ""
    return f"{name}-{space}"


def digest(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def pack(arrays: dict[str, np.ndarray]) -> bytes:
    """Named arrays as the bytes of a compressed npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


Check = Callable[[str, tuple[int, ...], np.dtype], None]
"""Refuses an array, by a ``ValueError``, from its name, shape and dtype."""


def unpack(
    content: bytes, names: list[str] | None = None, check: Check | None = None
) -> dict[str, np.ndarray]:
    """The named arrays in bytes that :func:`pack` made; pickled objects are refused.

    Args:
        content: the bytes, which may be damaged or made by somebody else.
        names: the arrays that are read, default all.
        check: called for each of them before any is read into memory.

    Raises:
        ValueError: if the bytes are something else, or `check` refuses an array.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = {}
            for entry in archive.infolist():
                name = entry.filename.removesuffix(".npy")
                if name in entries:
                    raise ValueError(f"there are two arrays {name}")
                entries[name] = entry
            # the directory has no checksum, so that a damaged one may lose its last entries
            marker, count = struct.unpack("<4s6xH10x", content[-22:])
            if marker != b"PK\5\6" or count != len(entries):
                raise ValueError(f"its directory does not have {len(entries)} arrays")
            wanted = list(entries) if names is None else names
            for name in wanted:
                shape, dtype = _announced(archive, entries[name])
                if check:
                    check(name, shape, dtype)
            return {name: _read_array(archive, entries[name]) for name in wanted}
    except ValueError:
        raise
    except KeyError as error:
        raise ValueError(f"there is no array {error}") from error
    # damaged archives raise errors of many kinds: of zlib, tokenize, struct and others
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"it is no whole archive of arrays ({reason})") from error


def _announced(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[tuple, np.dtype]:
    """Shape and dtype in an array's header, once they agree with the size in the directory."""
    with archive.open(entry) as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError(f"{entry.filename} is of another format")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        size = math.prod(shape) * dtype.itemsize
        if dtype.hasobject or min(shape, default=0) < 0 or entry.file_size != file.tell() + size:
            raise ValueError(f"{entry.filename} does not have the size that it announces")
    return shape, dtype


def _read_array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    """One array, after :func:`_announced`."""
    return np.lib.format.read_array(io.BytesIO(archive.read(entry)), allow_pickle=False)
