"""Your own arrays as a data set: kinds of tasks found, splits drawn, everything standardised."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lth_utils.config import SpecError, coerce, listed, nearest, rng
from lth_utils.data.arrays import as_examples, plain_array
from lth_utils.data.dataset import Dataset
from lth_utils.data.scaling import standardise
from lth_utils.data.targets import kind_of, read_target, trained_on
from lth_utils.data.tasks import Task, as_tasks

if TYPE_CHECKING:
    import pandas as pd


def from_arrays(
    x,
    y=None,
    tasks: Sequence[Task] | None = None,
    *,
    x_test=None,
    y_test=None,
    test: float = 0.25,
    validation: float = 0.15,
    seed: int = 0,
    input_names: Sequence[str] = (),
    target_names: Sequence[str] = (),
) -> Dataset:
    """A data set of one's own arrays.

    Inputs, and targets that are real values, get zero mean and unit variance over the training
    split. Constant and repeated inputs are kept, with a warning.

    Args:
        x: inputs ``[B, I]``: an array, a tensor or nested lists of finite numbers; or a torch data
            set of pairs, and no `y`.
        y: targets ``[B, T]`` or ``[B]``: words or few different whole numbers are classes, other
            numbers are real values; NaN or None is a missing label.
        tasks: which inputs and columns of `y` belong together: the outputs of each are positions
            in `y`. Their kinds are found where they are ``auto``: several columns of 0 and 1 are
            several labels. None: one task per column of `y`, whose inputs are unknown.
        x_test: a test split of your own, which is then not drawn from `x`.
        y_test: its targets.
        test: share of the examples drawn as the test split, from 0 to 0.9; it reports the results.
        validation: share of the others drawn for early stopping, from 0 to 0.9; with 0 training
            stops by the test split, as in the thesis.
        seed: of the splits.
        input_names: names of the inputs, for pages and figures.
        target_names: names of the columns of `y`.

    Returns:
        The data set. ``lth.data.spec(dataset)`` makes it the data of runs.

    Raises:
        SpecError: values that are missing, not finite or no numbers; a target with one class; a
            class that is too rare; tasks that do not fit; too few rows.

    >>> x = np.random.default_rng(0).standard_normal((200, 4))
    >>> data = from_arrays(x, (x[:, :2] * x[:, 2:] > 0))
    >>> [(t.name, t.kind) for t in data.tasks], data.x_train.shape
    ([('target 1', 'binary'), ('target 2', 'binary')], (128, 4))
    """
    import pandas as pd  # slow to import

    for what, names in (("input_names", input_names), ("target_names", target_names)):
        listed(names, object, what)
    if y is None:
        x, y = _items(x)
    if (x_test is None) != (y_test is None):
        raise SpecError("x_test and y_test go together: give both or none")
    values, columns = _pair(x, y, "", target_names)
    n_train = None
    if x_test is not None:
        n_train = len(values)
        more, more_columns = _pair(x_test, y_test, "_test", target_names)
        if more.shape[1] != values.shape[1] or list(more_columns) != list(columns):
            raise SpecError(
                f"x has {values.shape[1]} columns and x_test {more.shape[1]}, "
                f"y {len(columns.columns)} and y_test {len(more_columns.columns)}"
            )
        values = np.concatenate([values, more])
        columns = pd.concat([columns, more_columns], ignore_index=True)
    rows = split_rows(len(values), n_train, test, validation, seed)
    return assemble(values, columns, tasks, rows, input_names)


def _pair(x, y, suffix: str, target_names: Sequence[str]) -> tuple[np.ndarray, pd.DataFrame]:
    """Inputs and targets of the same rows; suffix: of their names in errors."""
    values, columns = _finite(x, f"x{suffix}"), target_table(y, f"y{suffix}", target_names)
    if len(values) != len(columns):
        raise SpecError(f"x{suffix} has {len(values)} rows and y{suffix} has {len(columns)}")
    return values, columns


def _finite(values, name: str) -> np.ndarray:
    """Inputs as float64 ``[B, I]``, all finite."""
    as_examples(values, name)  # says what is wrong
    return plain_array(values, name).astype(np.float64)


def _items(dataset) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of a torch data set of pairs."""
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        raise SpecError(
            f"y is missing, and x is of type {type(dataset).__name__}; expected arrays x and y, or "
            "a torch data set of pairs"
        )
    try:
        pairs = [dataset[n] for n in range(len(dataset))]
        inputs = np.stack([np.asarray(pair[0], dtype=np.float64).ravel() for pair in pairs])
        targets = np.stack([np.asarray(pair[1]).ravel() for pair in pairs])
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise SpecError(f"x is no data set of pairs of numbers ({error}); give x and y") from None
    return inputs, targets


def target_table(y, name: str, names: Sequence[str] = ()) -> pd.DataFrame:
    """Targets as a frame, one column each."""
    import pandas as pd  # slow to import

    if hasattr(y, "detach"):
        y = y.detach().cpu().numpy()
    try:
        frame = pd.DataFrame(y)
    except (TypeError, ValueError) as error:
        raise SpecError(f"{name} is no table of targets: {error}") from None
    if not frame.shape[0] or not frame.shape[1]:
        raise SpecError(f"{name} has shape {frame.shape}; expected [B, T], both 1 or more")
    if names and len(names) != frame.shape[1]:
        raise SpecError(f"{len(names)} names of targets, and there are {frame.shape[1]}")
    if names:
        frame.columns = list(names)
    elif not all(isinstance(column, str) for column in frame.columns):
        frame.columns = [f"target {n + 1}" for n in range(frame.shape[1])]
    return frame.reset_index(drop=True)


def split_rows(
    n: int, n_train: int | None, test: float, validation: float, seed: int
) -> dict[str, np.ndarray]:
    """Which rows belong to which split.

    Args:
        n: number of rows.
        n_train: rows from this one on are the test split; None: it is drawn.
        test: share of it.
        validation: share of the others.
        seed: of the draw.

    Raises:
        SpecError: shares out of range, or a split without rows.
    """
    test, validation = coerce(test, float, "test"), coerce(validation, float, "validation")
    for name, share in (("test", test), ("validation", validation)):
        if not 0 <= share <= 0.9:
            raise SpecError(f"{name} is {share}; allowed: 0 to 0.9, a share of the examples")
    seed = coerce(seed, int, "seed")
    if seed < 0:
        raise SpecError(f"seed is {seed}; allowed: 0 or more")
    stream = rng(seed, "splits")
    if n_train is None:
        order = stream.permutation(n)
        n_test = round(n * test)
        tested, others = order[:n_test], order[n_test:]
    else:
        tested, others = np.arange(n_train, n), stream.permutation(n_train)
    n_validation = round(len(others) * validation)
    rows = {"train": others[n_validation:], "test": tested, "validation": others[:n_validation]}
    if not validation:
        del rows["validation"]
    if not len(tested):
        raise SpecError(f"the test split of {n} rows is empty; give more rows, or a larger share")
    if len(rows["train"]) < 2 or not all(map(len, rows.values())):
        sizes = ", ".join(f"{name} {len(part)}" for name, part in rows.items())
        raise SpecError(f"{n} rows are too few to be split ({sizes}); give more rows")
    return {name: np.sort(part) for name, part in rows.items()}


def assemble(
    x: np.ndarray,
    columns: pd.DataFrame,
    tasks: Sequence[Task] | None,
    rows: dict[str, np.ndarray],
    input_names: Sequence[str] = (),
) -> Dataset:
    """A data set from all inputs, targets and splits.

    Args:
        x: float64 ``[B, I]``, finite.
        columns: the targets, one column each.
        tasks: see :func:`from_arrays`; names are those of `columns` and of `input_names`.
        rows: of each split.
        input_names: of the inputs.
    """
    names = list(map(str, columns.columns))
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise SpecError(f"targets share the name {repeated[0]!r}; each needs its own")
    _warn_of_empty_inputs(x[rows["train"]], input_names)
    if tasks is None:
        tasks = [Task(_line(name), (), [k]) for k, name in enumerate(names)]
    wanted = [_placed(task, names, input_names) for task in as_tasks(tasks)]
    _check_owners(wanted, names)
    targets = [read_target(columns.iloc[:, k], names[k], rows["train"]) for k in range(len(names))]
    made, y, first = [], [], 0
    for task in wanted:
        own = [targets[k] for k in map(int, task.outputs)]
        kind = kind_of(task, own)
        n = max(2, len(own[0].classes)) if kind == "classes" else len(own)
        made.append(Task(task.name, task.inputs, range(first, first + n), kind, task.weight))
        y.append(trained_on(own, kind, rows["train"]))
        first += n
    labels = np.concatenate(y, 1)
    x_train, *others = _standardised(x, rows)
    more = {}
    if "validation" in rows:
        more = {"x_validation": others[1], "y_validation": labels[rows["validation"]]}
    return Dataset(
        x_train,
        labels[rows["train"]],
        others[0],
        labels[rows["test"]],
        tuple(made),
        input_names=tuple(map(str, input_names)),
        **more,
    )


def _standardised(x: np.ndarray, rows: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The inputs of each split, by the training split's means and deviations."""
    train = x[rows["train"]]
    # far from zero, or tiny, numbers lose their spread to rounding
    centre = train[:1]
    scale = np.abs(train - centre).max(0)
    scale[scale == 0] = 1
    scaled = {name: (x[part] - centre) / scale for name, part in rows.items()}
    results = [standardise(scaled["train"], scaled[name])[1] for name in rows]
    return results


def _line(name: str) -> str:
    """A name as one line of text."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(name)).split())
    return line or "target"


def _warn_of_empty_inputs(x: np.ndarray, names: Sequence[str]):
    """Say which inputs are constant or repeat another one; they are kept."""
    label = [str(name) for name in names] or [f"input {n}" for n in range(x.shape[1])]
    constant = [label[n] for n in np.flatnonzero(x.min(0) == x.max(0))]
    if constant:
        _warn(f"constant in the training split, so they tell nothing: {_some(constant)}")
    _, first, inverse = np.unique(x, axis=1, return_index=True, return_inverse=True)
    copies = []
    for n, group in enumerate(np.ravel(inverse)):
        if first[group] != n and x[:, n].min() < x[:, n].max():
            copies.append(f"{label[n]} (as {label[first[group]]})")
    if copies:
        _warn(f"inputs that repeat another one: {_some(copies)}")


def _warn(text: str):
    warnings.warn(text, UserWarning, stacklevel=5)


def _some(words: Sequence[str], most: int = 5) -> str:
    """A list of words, cut where it is long."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def _placed(task: Task, targets: list[str], inputs: Sequence[str]) -> Task:
    """A task whose names of columns are replaced by their positions."""
    places = {}
    for what, known in (("inputs", list(map(str, inputs))), ("outputs", targets)):
        positions = getattr(task, what)
        found = []
        for value in positions:
            if not isinstance(value, str):
                found.append(int(value))
            elif value in known:
                found += [n for n, name in enumerate(known) if name == value]
            elif what == "inputs" and any(name.startswith(f"{value}=") for name in known):
                found += [n for n, name in enumerate(known) if name.startswith(f"{value}=")]
            else:
                raise SpecError(
                    f"task {task.name}: no column {value!r} among the {what}{nearest(value, known)}"
                )
        places[what] = found
    placed = Task(task.name, places["inputs"], places["outputs"], "auto", task.weight)
    # the outputs are columns of targets here, so that their number says nothing of the kind
    object.__setattr__(placed, "declared", task.declared)
    return placed


def _check_owners(tasks: Sequence[Task], names: list[str]):
    """Refuse targets without a task, or with two."""
    owner: dict[int, str] = {}
    for task in tasks:
        for column in map(int, task.outputs):
            if column >= len(names):
                raise SpecError(
                    f"task {task.name} has target {column}; there are {len(names)}, from 0"
                )
            if column in owner:
                raise SpecError(
                    f"tasks {owner[column]} and {task.name} both have target {names[column]!r}"
                )
            owner[column] = task.name
    free = [name for n, name in enumerate(names) if n not in owner]
    if free:
        raise SpecError(f"targets without a task: {_some(free)}; leave them out, or add a task")
