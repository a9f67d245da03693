"""What a data set holds, as a checksum and as plain arrays."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from lth_utils.data.dataset import Dataset
from lth_utils.data.tasks import tasks_from_plain, tasks_to_plain

CONTENT = "content"
"""The option of a data spec that names the content of the data."""

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
"""The arrays of a data set."""

DIGITS = 32
"""Hexadecimal digits of a checksum."""


def checksum(dataset: Dataset) -> str:
    """The checksum of all arrays and tasks.

    Args:
        dataset: any data set.

    Returns:
        32 hexadecimal digits, equal for equal data on every machine of this byte order.
    """
    total = hashlib.sha256(json.dumps(tasks_to_plain(dataset.tasks)).encode())
    for name, array in _arrays(dataset).items():
        total.update(f"{name} {array.dtype.str} {array.shape}".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()[:DIGITS]


def to_arrays(dataset: Dataset) -> dict[str, np.ndarray]:
    """A data set as plain arrays by name, its tasks as a text."""
    tasks = np.array(json.dumps(tasks_to_plain(dataset.tasks)))
    return {"tasks": tasks, **_arrays(dataset)}


def _arrays(dataset: Dataset) -> dict[str, np.ndarray]:
    """The arrays that a data set has, by name."""
    arrays = {name: getattr(dataset, name) for name in ARRAYS}
    if dataset.x_validation is not None and dataset.y_validation is not None:
        arrays |= {"x_validation": dataset.x_validation, "y_validation": dataset.y_validation}
    if dataset.input_names:
        arrays["input_names"] = np.array(json.dumps(dataset.input_names))
    return arrays


def from_arrays(arrays: dict[str, np.ndarray]) -> Dataset:
    """The data set of :func:`to_arrays`.

    Raises:
        ValueError: the arrays are none of a data set.
        KeyError: one is missing.
    """
    tasks = tasks_from_plain(json.loads(str(arrays["tasks"])))
    names = tuple(json.loads(str(arrays["input_names"]))) if "input_names" in arrays else ()
    x_train, y_train, x_test, y_test = (arrays[name] for name in ARRAYS)
    return Dataset(
        x_train,
        y_train,
        x_test,
        y_test,
        tasks,
        x_validation=arrays.get("x_validation"),
        y_validation=arrays.get("y_validation"),
        input_names=names,
    )
