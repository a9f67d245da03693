"""Errors of run folders that cannot be used."""

from __future__ import annotations

from pathlib import Path

from lth_utils.runs.files import StoreError


class CorruptRun(StoreError):
    """A run folder whose files are truncated, changed or unreadable."""

    def __init__(self, folder: Path, reason: str):
        super().__init__(
            f"{folder} is corrupt: {reason}. It was not used. To set it aside and compute the run "
            "again: python -m lth_utils check --repair, then repeat the command"
        )
        self.folder = folder
        self.reason = reason

    def __reduce__(self):
        """Pickled as it was made, since workers of an executor send it back."""
        return type(self), (self.folder, self.reason)


class ForeignRun(StoreError):
    """A whole run whose spec has fields or values that this version does not know."""

    def __init__(self, folder: Path, reason: str):
        super().__init__(f"{folder} is of another version of this package: {reason}")
        self.folder = folder
        self.reason = reason

    def __reduce__(self):
        return type(self), (self.folder, self.reason)
