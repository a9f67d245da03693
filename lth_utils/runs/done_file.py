"""The file that marks a run as finished: its keys, their types and its own checksum."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from lth_utils import __version__
from lth_utils.config import SpecError
from lth_utils.data.tasks import tasks_from_plain
from lth_utils.runs.files import digest

RESULTS = ("spec.json", "levels.csv", "arrays.npz")
"""The files whose checksums are noted."""

CHECKSUM = "checksum"
"""The key of the file's own checksum; runs of the first version lack it."""


def same_results(version: str) -> bool:
    """Whether that version of the package gives the same results as this one.

    >>> same_results(__version__), same_results("0.0.7")
    (True, False)
    """
    return version.split(".")[:2] == __version__.split(".")[:2]


def seal(done: dict) -> str:
    """The text of the file, with its own checksum as the last key.

    Args:
        done: the other keys, those of ``KEYS``.
    """
    return json.dumps({**done, CHECKSUM: _own_checksum(done)}, indent=1)


def parse(content: bytes) -> dict[str, Any]:
    """The content of the file, checked.

    Of a run whose version gives other results, only the version and the checksums are checked:
    it may have other keys.

    Args:
        content: its bytes.

    Returns:
        The keys and values, without the file's own checksum.

    Raises:
        ValueError: if the file is damaged, or is none of this kind.
    """
    try:
        done = json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(done, dict):
        raise ValueError(f"it holds {_shown(done)} where keys and values are expected")
    if CHECKSUM in done and done.pop(CHECKSUM) != _own_checksum(done):
        raise ValueError("it does not match its own checksum")
    _check(done, "version")
    if not same_results(done["version"]):
        if not isinstance(done.get("sha256"), dict):
            raise ValueError("it lacks the checksums of its files")
        return done
    for key in KEYS:
        if key in done or key not in OPTIONAL:
            _check(done, key)
    unknown = sorted(done.keys() - KEYS.keys())
    if unknown:
        raise ValueError(f"it has an unknown key {unknown[0]}")
    return done


def _own_checksum(done: dict) -> str:
    """The checksum of all other keys and values, however they are laid out."""
    return digest(json.dumps(done, sort_keys=True, separators=(",", ":")).encode())


def _check(done: dict, key: str):
    """Refuse a value that is missing or not of its kind."""
    if key not in done:
        raise ValueError(f"it lacks {key}")
    holds, expected = KEYS[key]
    if not holds(done[key]):
        raise ValueError(f"its {key} is {_shown(done[key])}; expected {expected}")


def _shown(value: object) -> str:
    """A value as an error message shows it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_version(value: object) -> bool:
    return isinstance(value, str) and re.match(r"\d", value) is not None


def _is_seconds(value: object) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value) and value >= 0  # type: ignore[arg-type, operator]


def _is_moment(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _are_checksums(value: object) -> bool:
    if not isinstance(value, dict) or set(value) != set(RESULTS):
        return False
    return all(_is_sha256(checksum) for checksum in value.values())


def _are_tasks(value: object) -> bool:
    try:
        return len(tasks_from_plain(value)) > 0
    except SpecError:
        return False


A_VERSION = _is_version, "a version such as 1.2.3"
KEYS: dict[str, tuple[Callable[[object], bool], str]] = {
    "version": A_VERSION,
    "python": A_VERSION,
    "torch": A_VERSION,
    "numpy": A_VERSION,
    "device": (_is_text, "the name of a processor"),
    "machine": (_is_text, "a kind of processor"),
    "seconds": (_is_seconds, "a number, 0 or more"),
    "finished": (_is_moment, "a date and time with its zone"),
    "tasks": (_are_tasks, "the tasks of the run's data"),
    "initial": (_is_sha256, "a checksum of 64 hexadecimal digits"),
    "sha256": (_are_checksums, f"a checksum for each of {', '.join(RESULTS)}"),
}
"""What the file holds: of each key a test of its value, and what is expected in words."""

OPTIONAL = ("tasks",)
"""Keys that runs of earlier versions lack."""
