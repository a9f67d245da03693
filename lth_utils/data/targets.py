"""One column of labels: its kind found, its labels encoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lth_utils.config import SpecError
from lth_utils.data.tasks import Task

if TYPE_CHECKING:
    import pandas as pd

MOST_CLASSES = 20
"""Whole numbers with at most so many different values are taken for classes, others are real."""

LEAST_OF_CLASS = 2
"""Least number of training examples of a class."""


@dataclass(frozen=True)
class Target:
    """One column of labels, as it is trained on.

    Attributes:
        name: of the column.
        kind: ``binary``, ``classes`` or ``regression``.
        values: float64 ``[B]``: classes from 0, or real values; NaN is missing.
        classes: the words of the classes, in order.
    """

    name: str
    kind: str
    values: np.ndarray
    classes: tuple[str, ...] = ()


def refuse_dates(column: pd.Series, what: str):
    """Refuse dates and spans of time; what: names the column in errors."""
    import pandas as pd  # slow to import

    if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
        raise SpecError(f"{what} holds dates; give numbers, such as days since the first")


def read_target(column: pd.Series, name: str, train: np.ndarray) -> Target:
    """One column of labels, its kind found."""
    import pandas as pd  # slow to import

    refuse_dates(column, f"target {name!r}")
    known = column.notna().to_numpy()
    if not known[train].any():
        raise SpecError(f"target {name!r} has no label in the training split")
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if numeric:
        values = column.to_numpy(np.float64, na_value=np.nan)
        if np.isinf(values).any():
            raise SpecError(f"target {name!r} has an infinite value")
        whole = (values[known] == np.floor(values[known])).all()
        if not whole or len(np.unique(values[known])) > MOST_CLASSES:
            return _real(name, values, train)
    words = column[known]
    try:
        kinds = sorted(words.unique(), key=lambda v: (str(type(v)), v))
    except TypeError:
        kinds = sorted(words.unique(), key=str)
    position = {value: n for n, value in enumerate(kinds)}
    labels = np.full(len(column), np.nan)
    labels[known] = [position[value] for value in words]
    if len(kinds) < 2:
        raise SpecError(f"target {name!r} has one class, {kinds[0]}; there is nothing to learn")
    counts = np.bincount(labels[train][known[train]].astype(int), minlength=len(kinds))
    if counts.min() < LEAST_OF_CLASS:
        rare = kinds[int(counts.argmin())]
        raise SpecError(
            f"target {name!r} has {len(kinds)} classes in {known.sum()} rows; class "
            f"{str(rare)!r} has {counts.min()} in the training split, and {LEAST_OF_CLASS} or more "
            "are needed"
        )
    texts = tuple(str(int(k)) if isinstance(k, float) and k == int(k) else str(k) for k in kinds)
    return Target(name, "binary" if len(kinds) == 2 else "classes", labels, texts)


def _real(name: str, values: np.ndarray, train: np.ndarray) -> Target:
    """A column of real values."""
    if np.nanmin(values[train]) == np.nanmax(values[train]):
        raise SpecError(f"target {name!r} is constant; there is nothing to learn")
    return Target(name, "regression", values)


def kind_of(task: Task, own: Sequence[Target]) -> str:
    """A task's kind, from what it says or from its columns."""
    kinds = {target.kind for target in own}
    asked = task.declared
    if asked == "auto":
        several = len(own) > 1
        if kinds == {"regression"}:
            return "regression"
        if several and kinds == {"binary"}:
            return "multilabel"
        if not several:
            return own[0].kind
        raise SpecError(
            f"task {task.name} has targets of kinds {', '.join(sorted(kinds))}; "
            "give each its own task, or say the kind"
        )
    fits = {
        "binary": kinds == {"binary"} and len(own) == 1,
        "classes": kinds <= {"binary", "classes"} and len(own) == 1,
        "multilabel": kinds == {"binary"},
        "regression": all(_is_numeric(target) for target in own),
    }
    if not fits[asked]:
        raise SpecError(
            f"task {task.name} of kind {asked} has {len(own)} targets of kinds "
            f"{', '.join(sorted(kinds))}"
        )
    return asked


def _is_numeric(target: Target) -> bool:
    """Whether a column's values, or the words of its classes, are numbers."""
    try:
        return target.kind == "regression" or all(np.isfinite(float(w)) for w in target.classes)
    except ValueError:
        return False


def trained_on(own: Sequence[Target], kind: str, train: np.ndarray) -> np.ndarray:
    """The labels of a task ``[B, columns]``, real values standardised by the training split."""
    columns = []
    for target in own:
        values = target.values
        if kind == "regression":
            if target.classes:  # few different numbers, which were asked for as real values
                numbers = np.array([float(word) for word in target.classes])
                known = ~np.isnan(values)
                values = np.where(known, numbers[np.where(known, values, 0).astype(int)], np.nan)
            of_train = values[train]
            centred = values - np.nanmean(of_train)
            values = centred / np.nanstd(of_train)
        columns.append(values)
    return np.stack(columns, 1)
