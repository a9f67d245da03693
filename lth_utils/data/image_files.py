"""What the files of all image data sets share: where they lie, which rows are kept, what may be wrong."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from lth_utils.config import SpecError, choose, coerce

LABELS = tuple(range(10))


class DataError(RuntimeError):
    """Files of a data set are missing or damaged; the message names them and says how to repair."""


class MissingData(DataError):
    """There are no files and none can be downloaded: whoever only wants what can be had may go on without them."""


def folder(root: str | Path | None = None) -> Path:
    """Where the sets lie: `root`, else the environment variable ``LTH_DATA_ROOT``, else the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root or os.environ.get("LTH_DATA_ROOT") or Path(cache) / "lth_utils").expanduser()


def torchvision(title: str, place: Path) -> ModuleType:
    """torchvision's data sets; :class:`MissingData` where it cannot be imported, and so the set `title` not be had."""
    try:
        from torchvision import datasets
    except Exception as error:  # a torchvision of another torch fails with a RuntimeError
        raise MissingData(
            f"{title} is not in {place}, and torchvision, which would download it, cannot be imported "
            f"({type(error).__name__}: {error}). torch and torchvision must come from one place: the small CPU wheel "
            "of torch does not go with torchvision's ordinary wheel. Install both again, or put the files there"
        ) from error
    return datasets


def check_labels(name: str, labels: Sequence[int]) -> tuple[int, ...]:
    """The labels of a set to keep, or a :class:`SpecError` that names the option which gave them."""
    what = {"mnist": "digits", "fashion": "garments", "cifar10": "classes"}[name]
    labels = coerce(labels, tuple[int, ...], what)
    for label in labels:
        choose(label, LABELS, f"a label of {what}")
    if not labels or len(set(labels)) < len(labels):
        raise SpecError(f"{what} is {list(labels)}; allowed: one or more of 0…9, each once")
    return labels


def choose_rows(
    owners: np.ndarray, labels: Sequence[int], per_class: int | None, stream: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Which of the images with labels `owners` are kept, ascending, and what all of them become: 0 for the first of `labels`, -1 for no label.

    per_class: at most so many of each, drawn from the stream, or None for all.
    """
    position = np.full(256, -1)
    position[list(labels)] = range(len(labels))
    y = position[owners]
    kept = np.flatnonzero(y >= 0)
    if per_class:
        kept = np.sort(
            np.concatenate(
                [stream.permutation(np.flatnonzero(y == k))[:per_class] for k in range(len(labels))]
            )
        )
    return kept, y
