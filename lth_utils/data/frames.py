"""Tables of one's own as data sets: pandas data frames, and files that they are read from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lth_utils.config import SpecError, nearest
from lth_utils.data.dataset import Dataset
from lth_utils.data.own import assemble, split_rows, target_table
from lth_utils.data.targets import refuse_dates
from lth_utils.data.tasks import Task, as_tasks

if TYPE_CHECKING:
    import pandas as pd

MOST_WORDS = 50
"""Most different words of an input column, each of which becomes an input."""

SEPARATORS = ",;\t|"
"""What may separate the columns of a file."""

Tasks = Sequence[Task] | Mapping[str, Sequence[str]] | None


def from_frame(
    frame: pd.DataFrame,
    targets: Sequence[str] | str,
    tasks: Tasks = None,
    *,
    inputs: Sequence[str] | None = None,
    test: float = 0.25,
    validation: float = 0.15,
    seed: int = 0,
) -> Dataset:
    """A data set of a table's columns.

    Columns of words, and of categories, become one input per word, side by side. All else is as in
    :func:`~lth_utils.data.own.from_arrays`.

    Args:
        frame: one row per example.
        targets: names of the columns to learn.
        tasks: which columns belong together: tasks whose inputs and outputs are names of columns,
            or a dict from each task's name to its targets, whose inputs are unknown. None: one
            task per target, whose inputs are unknown.
        inputs: names of the columns to learn from; None: all but the targets.
        test: see ``from_arrays``.
        validation: see ``from_arrays``.
        seed: see ``from_arrays``.

    Returns:
        The data set, with the names of its inputs.

    Raises:
        SpecError: columns that are not there or there twice, dates, columns with missing values
            or too many different words, and all that ``from_arrays`` refuses.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"size": range(60), "kind": ["a", "b"] * 30, "big": [0, 1] * 30})
    >>> from_frame(frame, "big").input_names
    ('size', 'kind=a', 'kind=b')
    """
    import pandas as pd  # slow to import

    if not isinstance(frame, pd.DataFrame):
        raise SpecError(f"frame is of type {type(frame).__name__}; expected a pandas DataFrame")
    columns = [str(name) for name in frame.columns]
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise SpecError(f"the frame has two columns {repeated[0]!r}; rename one")
    frame = frame.set_axis(columns, axis=1).reset_index(drop=True)
    wanted = _known([targets] if isinstance(targets, str) else targets, columns, "targets")
    if not wanted:
        raise SpecError(f"no target is named; the columns are {', '.join(columns)}")
    if inputs is None:
        inputs = [name for name in columns if name not in wanted]
    used = _known(inputs, columns, "inputs")
    both = [name for name in used if name in wanted]
    if both or not used:
        reason = f"{both[0]!r} is a target, too" if both else "there are no other columns"
        raise SpecError(f"columns to learn from: {reason}")
    values, names = _numbers(frame[used])
    rows = split_rows(len(frame), None, test, validation, seed)
    return assemble(
        values, target_table(frame[wanted], "targets"), _as_tasks(tasks, wanted), rows, names
    )


def from_file(
    path: str | Path, targets: Sequence[str] | str, tasks: Tasks = None, *, options=None, **others
) -> Dataset:
    """A data set of a file of text columns, such as ``.csv`` or ``.tsv``, packed or not.

    Args:
        path: the file; what separates its columns is found, and whether its decimals have commas.
        targets: see :func:`from_frame`.
        tasks: see :func:`from_frame`.
        options: for ``pandas.read_csv``, such as ``{"decimal": ","}``.
        others: see :func:`from_frame`.

    Raises:
        SpecError: a file that cannot be read as a table, and all that ``from_frame`` refuses.
    """
    return from_frame(read_table(path, options), targets, tasks, **others)


def read_table(path: str | Path, options: Mapping | None = None) -> pd.DataFrame:
    """The table in a file of text columns; see :func:`from_file`."""
    import pandas as pd  # slow to import

    if not isinstance(path, (str, Path)):
        raise SpecError(f"path is of type {type(path).__name__}; expected the name of a file")
    place = Path(path).expanduser()
    options = dict(options or {})
    try:
        options.setdefault("sep", _separator(place))
        frame = pd.read_csv(place, **options)
        if options["sep"] != "," and "decimal" not in options and _has_commas(frame):
            frame = pd.read_csv(place, **options, decimal=",")
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror or error}") from None
    except Exception as error:  # of the parser, of decoding, of unpacking
        raise SpecError(
            f"{path} is no table of columns ({type(error).__name__}: {error})"
        ) from None
    if frame.shape[1] < 2:
        raise SpecError(
            f"{path} has one column, {frame.columns[0]!r:.60}; if it has several, say how they are "
            "separated: options={'sep': ';'}"
        )
    return frame


def _separator(place: Path) -> str:
    """What separates the columns of a file: the most frequent of a few marks in its first line."""
    import pandas as pd  # slow to import

    first = pd.read_csv(place, sep="\x1f", header=None, nrows=1, quoting=3).iloc[0, 0]
    unquoted = re.sub('"[^"]*"', "", str(first))
    return max(SEPARATORS, key=unquoted.count)


def _has_commas(frame: pd.DataFrame) -> bool:
    """Whether all words of some column are numbers with a comma, as 1,5 for one and a half."""
    for name in frame.select_dtypes(["object", "str"]):
        words = frame[name].dropna().astype(str)
        if len(words) and words.str.fullmatch(r"\s*-?\d+(,\d+)?([eE][+-]?\d+)?\s*").all():
            return True
    return False


def _known(names, columns: list[str], what: str) -> list[str]:
    """Names of columns, each there and named once."""
    import pandas as pd  # slow to import

    if not isinstance(names, (list, tuple, pd.Index)):
        raise SpecError(f"{what} are {names!r}; expected a list of names of columns")
    names = [str(name) for name in names]
    for name in names:
        if name not in columns:
            raise SpecError(
                f"no column {name!r} for the {what}{nearest(name, columns)}; "
                f"there are {', '.join(columns[:20])}"
            )
        if names.count(name) > 1:
            raise SpecError(f"{what} name {name!r} twice")
    return names


def _as_tasks(tasks: Tasks, targets: list[str]) -> Sequence[Task] | None:
    """Tasks, also where only their targets were given."""
    if not isinstance(tasks, Mapping):
        return None if tasks is None else as_tasks(tasks)
    made = []
    for name, own in tasks.items():
        names = [own] if isinstance(own, str) else own
        outputs: Sequence = _known(names, targets, f"targets of task {name}")
        made.append(Task(str(name), (), outputs))
    return made


def _numbers(frame: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Inputs as float64 ``[B, I]``, and their names; words become one input each."""
    import pandas as pd  # slow to import

    blocks, names = [], []
    for name in frame.columns:
        column = frame[name]
        _refuse_gaps(column, name)
        if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
            if pd.api.types.is_complex_dtype(column):
                raise SpecError(f"column {name!r} holds complex numbers; give two columns of reals")
            values = column.to_numpy(np.float64)
            if not np.isfinite(values).all():
                raise SpecError(f"column {name!r} has an infinite value")
            blocks.append(values[:, None])
            names.append(name)
            continue
        words = _words(column, name)
        blocks.append(
            (column.astype(str).to_numpy()[:, None] == np.array(words)).astype(np.float64)
        )
        names += [f"{name}={word}" for word in words]
    return np.concatenate(blocks, 1), names


def _refuse_gaps(column: pd.Series, name: str):
    """Inputs must be there."""
    gaps = int(column.isna().sum())
    if gaps:
        raise SpecError(
            f"column {name!r} has {gaps} missing values of {len(column)}; fill them "
            "(frame.fillna), or leave out these rows or the column (inputs=…)"
        )


def _words(column: pd.Series, name: str) -> list[str]:
    """The different words of a column."""
    refuse_dates(column, f"column {name!r}")
    words = sorted(set(column.astype(str)))
    if len(words) > MOST_WORDS:
        raise SpecError(
            f"column {name!r} has {len(words)} different words, such as {words[0]!r:.40}; at most "
            f"{MOST_WORDS} become inputs. If they are numbers, say how they are written "
            "(options={'decimal': ','}), else leave the column out (inputs=…)"
        )
    return words
