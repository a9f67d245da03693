"""Data sets by name: complete specs, and loading.

A new data set is a function that returns a :class:`~lth_utils.data.tasks.Dataset`, entered in
``DATASETS``; its arguments with their defaults are the options that a run's address holds.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable

from lth_utils.config import DataSpec, SpecError, choose, coerce, nearest
from lth_utils.data.images import cifar10, fashion, mnist, mnist_fashion
from lth_utils.data.points import moons_circles
from lth_utils.data.tasks import Dataset

DATASETS: dict[str, Callable[..., Dataset]] = {
    "moons_circles": moons_circles,
    "mnist_fashion": mnist_fashion,
    "mnist": mnist,
    "fashion": fashion,
    "cifar10": cifar10,
}


def spec(name: str, **options) -> DataSpec:
    """The complete spec of a data set; options not given take the defaults of its function.

    `root` is no option: where the files lie differs between machines and changes no result.

    Args:
        name: a key of ``DATASETS``.
        options: arguments of its function.

    Raises:
        SpecError: an unknown name or option, or a value of another type.

    >>> dict(spec("moons_circles", noise=0.2).options)["noise"]
    0.2
    """
    choose(name, DATASETS, "data set")
    parameters = inspect.signature(DATASETS[name]).parameters
    known = {n: p.default for n, p in parameters.items() if n != "root"}
    kinds = typing.get_type_hints(DATASETS[name])
    for key in options:
        if key not in known:
            has = ", ".join(known)
            raise SpecError(f"{key} is not an option of {name}; it has {has}{nearest(key, known)}")
    complete = []
    for option, default in known.items():
        kind = kinds.get(option, type(default))
        value = coerce(options.get(option, default), kind, f"{name}: {option}")
        complete.append((option, value))
    return DataSpec(name, tuple(complete))


@functools.lru_cache(maxsize=4)
def load(data: DataSpec) -> Dataset:
    """The data set that a spec describes; the last four are kept in memory.

    Args:
        data: complete, as :func:`spec` makes it.

    Raises:
        SpecError: the spec lacks options.
        DataError: files are missing or damaged.
    """
    if data != spec(data.name, **dict(data.options)):
        raise SpecError(
            f"{data} is not complete, so the run's address would not say all; "
            f"make it with data.spec({data.name!r}, …)"
        )
    return DATASETS[data.name](**dict(data.options))
