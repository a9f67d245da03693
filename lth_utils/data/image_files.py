"""What the files of all image data sets share: their folder, their labels, their errors."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType

import numpy as np

from lth_utils.config import SpecError, choose, coerce

LABELS = tuple(range(10))
"""Labels of the ten classes that each of these sets has."""

OPTIONS = {"mnist": "digits", "fashion": "garments", "cifar10": "classes"}
"""The option of each set that says which labels are kept."""


class DataError(RuntimeError):
    """Files of a data set are missing or damaged; the message names them and says how to repair."""


class MissingData(DataError):
    """There are no files and none can be downloaded, so notebooks that need them are skipped."""


def folder(root: str | Path | None = None) -> Path:
    """The folder with the files of the image data sets.

    Args:
        root: the folder, by default ``$LTH_DATA_ROOT``, else ``lth_utils`` in the user's cache.

    Returns:
        Its path, ``~`` replaced. It may not exist yet.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = root or os.environ.get("LTH_DATA_ROOT") or cache / "lth_utils"
    return Path(place).expanduser()


_offline: ContextVar[bool] = ContextVar("offline", default=False)


@contextlib.contextmanager
def no_download():
    """Within this context nothing is downloaded: files that are not there are missing."""
    token = _offline.set(True)
    try:
        yield
    finally:
        _offline.reset(token)


def may_download() -> bool:
    """Whether missing files may be downloaded, see :func:`no_download`."""
    return not _offline.get()


def torchvision(title: str, place: Path) -> ModuleType:
    """torchvision's module of data sets, imported only to download.

    Args:
        title: the set that is missing, for the error.
        place: where its files should be, for the error.

    Returns:
        The module ``torchvision.datasets``.

    Raises:
        MissingData: torchvision cannot be imported.
    """
    try:
        from torchvision import datasets
    except Exception as error:  # a torchvision of another torch fails with a RuntimeError
        raise MissingData(
            f"{title} is not in {place}, and torchvision, which would download it, cannot be "
            f"imported ({type(error).__name__}: {error}). torch and torchvision must come from one "
            "place: the small CPU wheel of torch does not go with torchvision's ordinary wheel. "
            "Install both again, or put the files there"
        ) from error
    return datasets


def check_labels(name: str, labels: Sequence[int]) -> tuple[int, ...]:
    """Refuse labels that a set does not have.

    Args:
        name: ``mnist``, ``fashion`` or ``cifar10``.
        labels: those to keep, from 0…9, each at most once.

    Returns:
        The labels as a tuple of ints, in the order given.

    Raises:
        SpecError: no label, or an unknown or repeated one. The message names the option.
    """
    what = OPTIONS[name]
    kept: tuple[int, ...] = coerce(labels, tuple[int, ...], what)
    for label in kept:
        choose(label, LABELS, f"a label of {what}")
    if not kept or len(set(kept)) < len(kept):
        raise SpecError(f"{what} is {list(kept)}; allowed: one or more of 0…9, each once")
    return kept


def choose_rows(
    owners: np.ndarray, labels: Sequence[int], per_class: int | None, stream: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Which images are kept.

    Args:
        owners: the label of each image, whole numbers ``[N]`` in 0…255.
        labels: those that are kept, in the order of their classes.
        per_class: at most so many images of each class, drawn at random. None or 0 keeps all.
        stream: the random numbers that the images are drawn with.

    Returns:
        The rows of the images that are kept, int64, ascending, and the class of every image, int64
        ``[N]``, -1 where its label is not kept.
    """
    position = np.full(256, -1)
    position[list(labels)] = range(len(labels))
    y = position[owners]
    kept = np.flatnonzero(y >= 0)
    if per_class:
        of_class = [np.flatnonzero(y == k) for k in range(len(labels))]
        chosen = [stream.permutation(rows)[:per_class] for rows in of_class]
        kept = np.sort(np.concatenate(chosen))
    return kept, y
