"""What methods that see the data alone found, kept on disk: they take as long as the runs."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lth_utils.config import DataSpec
from lth_utils.data import Dataset, load
from lth_utils.runs.files import write_atomically
from lth_utils.runs.places import outputs

Found = tuple[np.ndarray, float]
"""A matrix ``[I, O]``, and the seconds of computing time that it took."""


def folder() -> Path:
    """Where matrices are kept, beside the runs."""
    return outputs() / "importances"


def importances(
    method: str,
    function: Callable[[Dataset], np.ndarray],
    data: DataSpec,
    place: Path,
    version: str,
) -> Found:
    """A method's matrix for a data set: read where it was computed before, else computed and kept.

    Args:
        method: its name.
        function: from the data set to the matrix ``[I, O]``.
        data: the data set's spec.
        place: the folder of the files.
        version: of the method's settings, which is part of the file's address.

    Returns:
        The matrix, with six digits, and its seconds.
    """
    text = json.dumps([method, version, data.name, data.options])
    path = (
        place / f"{method.replace(' ', '-')}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    )
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return np.array(found["matrix"]), float(found["seconds"])
    except (OSError, ValueError, KeyError, TypeError):  # not there, or damaged: computed again
        pass
    began = time.process_time()
    matrix = np.asarray(function(load(data)), float)
    seconds = time.process_time() - began
    plain = [[float(f"{value:.6g}") for value in row] for row in matrix]
    write_atomically(path, json.dumps({"matrix": plain, "seconds": round(seconds, 4)}))
    return np.array(plain), seconds
