"""Values checked and brought to their declared type; errors that name what is allowed and the nearest guess."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import math
import types
import typing


class SpecError(ValueError):
    """A parameter that does not exist, has the wrong type, or is out of its range."""


def nearest(word: str, known) -> str:
    """``" (did you mean rate?)"`` for the nearest of `known`, or nothing where none is near.

    >>> nearest("rat", ["rate", "levels"])
    ' (did you mean rate?)'
    """
    guess = difflib.get_close_matches(str(word), [str(k) for k in known], n=1, cutoff=0.5)
    return f" (did you mean {guess[0]}?)" if guess else ""


def choose(value, known, what: str):
    """`value` if it is one of `known`, else a :class:`SpecError` that lists them."""
    if value not in known:
        raise SpecError(
            f"{what} is {value!r}; allowed: {', '.join(map(str, known))}{nearest(value, known)}"
        )
    return value


def coerce(value, kind, where: str):
    """`value` as type `kind`, where YAML's or JSON's reading of it is unambiguous.

    Accepts ``"1e-3"`` and ``1`` for a float, a whole float for an int, a list for a tuple (of several
    types, the one for lists); refuses everything else, bool for a number included.

    >>> coerce("1e-3", float, "lr"), coerce([1, 2], tuple[int, ...], "base"), coerce(None, int | None, "target")
    (0.001, (1, 2), None)
    """
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        listed, kinds = (
            isinstance(value, (list, tuple, range)),
            [a for a in args if a is not type(None)],
        )
        *first, last = [k for k in kinds if (typing.get_origin(k) is tuple) == listed] or kinds[:1]
        for kind in first:
            with contextlib.suppress(SpecError):
                return coerce(value, kind, where)
        return coerce(value, last, where)
    if kind is typing.Any:
        return frozen(value)
    if dataclasses.is_dataclass(kind):
        return value if isinstance(value, kind) else parse(kind, value, where)
    if kind is tuple or origin is tuple:
        if isinstance(value, (list, tuple, range)):
            return tuple(
                coerce(v, args[0] if args else typing.Any, f"{where}[{i}]")
                for i, v in enumerate(value)
            )
    elif kind in (int, float):
        try:
            number = math.nan if isinstance(value, bool) else float(value)
            if kind is float and math.isfinite(number):
                return number
            if kind is int and math.isfinite(number) and number == int(number):
                return int(value) if not isinstance(value, float) else int(number)
        except (TypeError, ValueError, OverflowError):
            pass
    elif isinstance(value, kind):
        return value
    raise SpecError(
        f"{where} is {value!r} ({type(value).__name__}); expected {getattr(kind, '__name__', kind)}"
    )


def frozen(value):
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
        pass

    def _require(self, holds: bool, name: str, allowed: str):
        if not holds:
            raise SpecError(
                f"{type(self).__name__}.{name} is {getattr(self, name)!r}; allowed: {allowed}"
            )


def parse(cls, mapping, where: str):
    """The dataclass `cls` from a mapping (of YAML or JSON); unknown keys raise :class:`SpecError`."""
    if not isinstance(mapping, dict):
        raise SpecError(
            f"{where} is {mapping!r}; expected a mapping with the fields of {cls.__name__}"
        )
    known = [f.name for f in dataclasses.fields(cls)]
    for key in mapping:
        if key not in known:
            raise SpecError(
                f"{where}.{key} is not a field; {cls.__name__} has {', '.join(known)}{nearest(key, known)}"
            )
    empty = dataclasses.MISSING
    if lacking := [
        f.name
        for f in dataclasses.fields(cls)
        if f.name not in mapping and f.default is f.default_factory is empty
    ]:
        raise SpecError(f"{where} lacks {', '.join(lacking)}")
    return cls(**mapping)
