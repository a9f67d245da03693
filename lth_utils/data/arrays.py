"""What arrives as examples and labels, checked once and brought to one type."""

from __future__ import annotations

import numpy as np

from lth_utils.config import SpecError

REAL = "biuf"
"""numpy's kinds of bool, whole and real numbers."""


def plain_array(values, name: str) -> np.ndarray:
    """Tensors, data frames and lists as an array of real numbers."""
    try:
        if hasattr(values, "detach"):  # a torch tensor, on any device
            values = values.detach().cpu()
            if values.is_floating_point() and values.dtype.itemsize < 4:
                values = values.float()  # bfloat16, which numpy lacks, among them
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError, NotImplementedError) as error:
        raise SpecError(f"{name} is no array of numbers: {error}") from None
    if array.dtype.kind not in REAL:
        raise SpecError(
            f"{name} has values of type {array.dtype}; expected real or whole numbers "
            "(encode words as numbers, dates as days, categories as one column each)"
        )
    return array


def as_examples(values, name: str) -> np.ndarray:
    """Examples as float32 ``[B, I]`` in one block of memory.

    Args:
        values: array, tensor, data frame or nested list of real numbers, two axes.
        name: what errors call the values.

    Returns:
        The same array where it is already of this type and in one block, else a copy.

    Raises:
        SpecError: other types, another number of axes, nothing in it, or values that are not
            finite in float32.
    """
    array = plain_array(values, name)
    if array.ndim != 2 or not array.size:
        raise SpecError(
            f"{name} has shape {array.shape}; expected [B, I], examples by inputs, both 1 or more"
        )
    with np.errstate(over="ignore"):
        examples = np.ascontiguousarray(array, np.float32)
    if not np.isfinite(examples).all():
        row, column = np.argwhere(~np.isfinite(examples))[0]
        raise SpecError(
            f"{name}[{row}, {column}] is {array[row, column]}; data must be finite (in float32)"
        )
    return examples


def as_labels(values, name: str) -> np.ndarray:
    """Class labels as int64 ``[B, K]``.

    Args:
        values: array, tensor, data frame or nested list of whole numbers, ``[B, K]`` or, for one
            task, ``[B]``.
        name: what errors call the values.

    Returns:
        The same array where it is already of this type and in one block, else a copy.

    Raises:
        SpecError: other types, more axes, or values that are not whole numbers, such as
            probabilities or missing values.
    """
    array = plain_array(values, name)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise SpecError(f"{name} has shape {array.shape}; expected [B, K], examples by tasks")
    labels = array.astype(np.int64, copy=False) if array.dtype.kind != "f" else _whole(array, name)
    return np.ascontiguousarray(labels)


def _whole(array: np.ndarray, name: str) -> np.ndarray:
    """Real numbers that are whole, as int64."""
    wrong = ~(np.isfinite(array) & (array == np.floor(array)))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise SpecError(
            f"{name}[{row}, {column}] is {array[row, column]}; expected class labels 0, 1, … "
            "(real values are those of a task of kind regression)"
        )
    return array.astype(np.int64)


def as_targets(values, name: str) -> np.ndarray:
    """Labels and real values as float32 ``[B, T]``; NaN is missing.

    Args:
        values: array, tensor, data frame or nested list of real numbers, ``[B, T]`` or ``[B]``.
        name: what errors call the values.

    Returns:
        The same array where it is already of this type and in one block, else a copy.

    Raises:
        SpecError: other types, more axes, or infinite values.
    """
    array = plain_array(values, name)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise SpecError(f"{name} has shape {array.shape}; expected [B, T], examples by columns")
    with np.errstate(over="ignore"):
        targets = np.ascontiguousarray(array, np.float32)
    if np.isinf(targets).any():
        row, column = np.argwhere(np.isinf(targets))[0]
        raise SpecError(
            f"{name}[{row}, {column}] is {array[row, column]}; values must be finite in float32, "
            "or NaN where they are missing"
        )
    return targets
