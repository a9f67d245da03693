"""Files written atomically, and their checksums."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path


class StoreError(RuntimeError):
    """The outputs folder cannot be used."""


def write_atomically(path: str | Path, content: bytes | str):
    """Write a file under a temporary name and rename it; folders are made; errors name the file."""
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
