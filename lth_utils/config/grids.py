"""Parameter files, and grids of specs expanded from one spec."""

from __future__ import annotations

import dataclasses
import itertools
import math
import typing
from collections import Counter
from pathlib import Path

from lth_utils.config.address import asdict
from lth_utils.config.checks import SpecError, coerce, expect, nearest, parse
from lth_utils.config.specs import RunSpec
from lth_utils.config.yaml_text import parse_yaml

LARGEST_GRID = 1_000_000
"""Most runs of a grid, unless more are asked for."""

DIGITS = 18
"""Most digits of a number in a span."""


def read(path: str | Path) -> dict:
    """The mapping in a YAML file; an empty file is an empty one.

    Args:
        path: a parameter file in UTF-8.

    Returns:
        Plain values by parameter name.

    Raises:
        SpecError: if the file cannot be read, holds anything but a mapping, or is refused by
            :func:`~lth_utils.config.yaml_text.parse_yaml`.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: cannot be read as UTF-8 text: {error}") from None
    content = parse_yaml(text, str(path))
    if content is not None and not isinstance(content, dict):
        found = type(content).__name__
        raise SpecError(f"{path}: expected a mapping of parameter names to values, found {found}")
    return content or {}


def span(text) -> list[int]:
    """Whole numbers from the way people write them.

    Args:
        text: ``"0-3, 7"``, a single number, or a list of them.

    Raises:
        SpecError: `text` means no whole numbers, or more than ``LARGEST_GRID``.

    >>> span("0-3, 7"), span(5), span([1, 2])
    ([0, 1, 2, 3, 7], [5], [1, 2])
    """
    if isinstance(text, (list, tuple, range)):
        return [coerce(v, int, "number") for v in text]
    numbers: list[int] = []
    wrong = SpecError(f"{text!r:.80} is no span of whole numbers; expected something like 0-3, 7")
    if not isinstance(text, (str, int)) or isinstance(text, bool):
        raise wrong
    for part in str(text).split(","):
        first, _, last = part.strip().partition("-")
        digits = first.isdecimal() and (last.isdecimal() or "-" not in part)
        if not digits or max(len(first), len(last)) > DIGITS or int(last or first) < int(first):
            raise wrong
        part_of = range(int(first), int(last or first) + 1)
        if len(numbers) + len(part_of) > LARGEST_GRID:
            raise SpecError(f"{text!r} has more than {LARGEST_GRID} numbers")
        numbers += part_of
    return numbers


def expand(spec: RunSpec, axes: dict[str, list], limit: int = LARGEST_GRID) -> list[RunSpec]:
    """All combinations of values over a spec.

    Args:
        spec: what all runs have in common.
        axes: from a field, a nested one dotted, to its values.
        limit: most runs of a grid.

    Returns:
        One spec per combination, the last axis varying fastest.

    Raises:
        SpecError: an unknown field, an empty axis, a value that repeats, a combination that is no
            spec, or a grid of more than `limit` runs.

    >>> from lth_utils.config.specs import DataSpec, RunSpec
    >>> [s.seed for s in expand(RunSpec(DataSpec()), {"seed": [0, 1]})]
    [0, 1]
    >>> [s.prune.levels for s in expand(RunSpec(DataSpec()), {"prune.levels": [0, 9]})]
    [0, 9]
    """
    expect(spec, RunSpec, "what is expanded")
    if not isinstance(axes, dict) or not all(isinstance(name, str) for name in axes):
        raise SpecError(f"axes are {axes!r}; expected lists of values by the name of their field")
    kinds = {}
    for name, given in axes.items():
        kinds[name] = _kind(type(spec), name.split("."), name)
        if not isinstance(given, (list, tuple, range)) or not len(given):
            raise SpecError(f"axis {name} is {given!r}; expected a list with at least one value")
    size = math.prod(map(len, axes.values()))
    if size > limit:
        raise SpecError(
            f"the grid has {size} runs, more than {limit}; "
            f"if that is meant, call expand(..., limit={size})"
        )
    values = {}
    for name, given in axes.items():
        values[name] = [coerce(v, kinds[name], f"axis {name}") for v in given]
        repeated = [v for v, times in Counter(values[name]).items() if times > 1]
        if repeated:
            raise SpecError(f"axis {name} repeats {repeated}; a run is computed once")
    specs = []
    for point in itertools.product(*values.values()):
        mapping = asdict(spec)
        for name, value in zip(values, point, strict=True):
            *path, last = name.split(".")
            inner = mapping
            for key in path:
                inner = inner[key]
            inner[last] = value
        # checked only here: what two axes say may fit only together
        specs.append(parse(type(spec), mapping, "spec"))
    return specs


def _kind(cls, path: list[str], name: str):
    """The type of the field that a dotted name means."""
    known = [f.name for f in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []
    if path[0] not in known:
        has = f"{getattr(cls, '__name__', cls)} has {', '.join(known) or 'no fields'}"
        raise SpecError(f"{name} is not a field; {has}{nearest(path[0], known)}")
    kind = typing.get_type_hints(cls)[path[0]]
    return kind if len(path) == 1 else _kind(kind, path[1:], name)
