"""Values checked and brought to their declared type.

Errors name what arrived, what is allowed and the nearest guess.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Sequence


class SpecError(ValueError):
    """A parameter that does not exist, has the wrong type, or is out of its range."""


def nearest(word: str, known) -> str:
    """``" (did you mean rate?)"`` for the nearest of `known`, or nothing where none is near.

    >>> nearest("rat", ["rate", "levels"])
    ' (did you mean rate?)'
    """
    guess = difflib.get_close_matches(str(word), [str(k) for k in known], n=1, cutoff=0.5)
    return f" (did you mean {guess[0]}?)" if guess else ""


def expect(value, kind: type, what: str):
    """A value that must be an object of one kind.

    Args:
        value: what arrived.
        kind: its class.
        what: names the value in errors.

    Returns:
        `value`.

    Raises:
        SpecError: `value` is something else.
    """
    if not isinstance(value, kind):
        raise SpecError(f"{what} is of type {type(value).__name__}; expected {kind.__name__}")
    return value


def listed(values, kind: type, what: str) -> list:
    """A list, or another sequence, of objects of one kind.

    Args:
        values: what arrived.
        kind: class of its members.
        what: names the list in errors.

    Raises:
        SpecError: `values` is something else.
    """
    if not isinstance(values, (list, tuple, range)):
        raise SpecError(
            f"{what} is of type {type(values).__name__}; expected a list of {kind.__name__}"
        )
    for n, value in enumerate(values):
        expect(value, kind, f"{what}[{n}]")
    return list(values)


def choose(value, known, what: str):
    """A value that is one of several.

    Args:
        value: what arrived.
        known: what is allowed.
        what: names the value in errors.

    Returns:
        `value`.

    Raises:
        SpecError: `value` is none of `known`, which it lists with the nearest guess.
    """
    try:
        is_known = value in known
    except TypeError:  # a list or a dict, which cannot be looked up
        is_known = False
    if not is_known:
        raise SpecError(
            f"{what} is {value!r}; allowed: {', '.join(map(str, known))}{nearest(value, known)}"
        )
    return value


def coerce(value, kind, where: str):
    """A value as a type, where YAML's or JSON's reading of it is unambiguous.

    ``"1e-3"`` and ``1`` are floats, a whole float is an int, a list is a tuple; of several types
    that allow a list, the one for lists is taken.  Everything else is refused, a bool for a number
    included.

    Args:
        value: what arrived.
        kind: a type annotation, such as ``tuple[int, ...]`` or ``int | None``.
        where: names the value in errors.

    Returns:
        The value as `kind`.

    Raises:
        SpecError: the value does not mean a value of this type.

    >>> coerce("1e-3", float, "lr"), coerce([1, 2], tuple[int, ...], "base")
    (0.001, (1, 2))
    """
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _one_of(value, args, where)
    if kind is typing.Any:
        return frozen(value)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return value if isinstance(value, kind) else parse(kind, value, where)
    if kind is tuple or origin is tuple:
        if isinstance(value, (list, tuple, range)):
            inner = args[0] if args else typing.Any
            return tuple(coerce(v, inner, f"{where}[{i}]") for i, v in enumerate(value))
    elif kind in (int, float):
        number = _number(value, kind)
        if number is not None:
            return number
    elif isinstance(value, kind):
        return value
    expected = getattr(kind, "__name__", kind)
    raise SpecError(f"{where} is {value!r} ({type(value).__name__}); expected {expected}")


def _one_of(value, kinds: Sequence, where: str):
    """A value as one of several types."""
    if value is None and type(None) in kinds:
        return None
    listed = isinstance(value, (list, tuple, range))
    kinds = [kind for kind in kinds if kind is not type(None)]
    for_lists = [kind for kind in kinds if (typing.get_origin(kind) or kind) in (tuple, list)]
    fitting = [kind for kind in kinds if (kind in for_lists) == listed]
    *first, last = fitting or kinds[:1]
    for kind in first:
        with contextlib.suppress(SpecError):
            return coerce(value, kind, where)
    return coerce(value, last, where)


def _number(value, kind: type) -> int | float | None:
    """A finite number of this type, or None where `value` does not mean one."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    if kind is float:
        return number
    if number != int(number):
        return None
    try:
        return int(number) if isinstance(value, float) else int(value)
    except (TypeError, ValueError):
        return None


def frozen(value):
    """A value as nested tuples, a mapping sorted by its keys, so that it can be hashed."""
    if isinstance(value, dict):
        return tuple(sorted((str(k), frozen(v)) for k, v in value.items()))
    return tuple(frozen(v) for v in value) if isinstance(value, (list, tuple, range)) else value


class Checked:
    """Coerces every field to its annotated type and then calls ``check``."""

    def __post_init__(self):
        hints = typing.get_type_hints(type(self))
        for f in dataclasses.fields(self):
            value = coerce(getattr(self, f.name), hints[f.name], f"{type(self).__name__}.{f.name}")
            object.__setattr__(self, f.name, value)
        self.check()

    def check(self):
        """Raise :class:`SpecError` where fields are out of range or do not fit each other."""

    def _require(self, holds: bool, name: str, allowed: str):
        if not holds:
            raise SpecError(
                f"{type(self).__name__}.{name} is {getattr(self, name)!r}; allowed: {allowed}"
            )


def parse(cls, mapping, where: str):
    """A dataclass from a mapping of YAML or JSON.

    Args:
        cls: the dataclass.
        mapping: its fields by name.
        where: names the mapping in errors.

    Raises:
        SpecError: no mapping, an unknown key, or a field without a default that is missing.
    """
    name = cls.__name__
    if not isinstance(mapping, dict):
        raise SpecError(f"{where} is {mapping!r}; expected a mapping with the fields of {name}")
    known = [field.name for field in dataclasses.fields(cls)]
    for key in mapping:
        if key not in known:
            has = f"{name} has {', '.join(known)}"
            raise SpecError(f"{where}.{key} is not a field; {has}{nearest(key, known)}")
    lacking = []
    for field in dataclasses.fields(cls):
        required = field.default is field.default_factory is dataclasses.MISSING
        if required and field.name not in mapping:
            lacking.append(field.name)
    if lacking:
        raise SpecError(f"{where} lacks {', '.join(lacking)}")
    return cls(**mapping)
