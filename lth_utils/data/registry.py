"""Data sets by name: complete specs, and loading."""

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
    """The complete :class:`DataSpec` of a data set: options not given take the defaults of its function.

    `root` is none of them: where the files lie differs between machines and changes no result.

    >>> dict(spec("moons_circles", noise=0.2).options)["noise"]
    0.2
    """
    choose(name, DATASETS, "data set")
    known = {
        n: p.default for n, p in inspect.signature(DATASETS[name]).parameters.items() if n != "root"
    }
    kinds = typing.get_type_hints(DATASETS[name])
    for key in options:
        if key not in known:
            raise SpecError(
                f"{key} is not an option of {name}; it has {', '.join(known)}{nearest(key, known)}"
            )
    return DataSpec(
        name,
        tuple(
            (n, coerce(options.get(n, default), kinds.get(n, type(default)), f"{name}: {n}"))
            for n, default in known.items()
        ),
    )


@functools.lru_cache(maxsize=4)
def load(data: DataSpec) -> Dataset:
    """The data set that a complete spec describes; the last few are kept in memory."""
    if data != spec(data.name, **dict(data.options)):
        raise SpecError(
            f"{data} is not complete, so the run's address would not say all; make it with data.spec({data.name!r}, …)"
        )
    return DATASETS[data.name](**dict(data.options))
