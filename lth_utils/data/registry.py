"""Data sets by name: complete specs, and loading.

To add a data set:

1. Write a function that returns a :class:`~lth_utils.data.tasks.Dataset`. Every argument has an
   annotated type and a default. An argument ``root``, if there is one, says where files lie.
2. Enter the function in ``DATASETS`` under the name that parameter files use.
3. Test it in ``tests/test_data.py``.

The arguments other than ``root`` are the options of the data set. They are part of a run's id, so
an option that is added later moves the ids of all runs with this data set.
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
"""The function of each data set by the name that parameter files use."""


def spec(name: str, **options) -> DataSpec:
    """The complete spec of a data set.

    `root` is no option: where the files lie differs between machines and changes no result.

    Args:
        name: a key of ``DATASETS``.
        options: arguments of its function; the others take their defaults.

    Returns:
        All options with their values, in the order of the function's arguments.

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
    """The data set that a spec describes.

    The last four are kept in memory.

    Args:
        data: complete, as :func:`spec` makes it.

    Returns:
        The data set, which callers share and must not change.

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
