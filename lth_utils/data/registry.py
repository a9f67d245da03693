"""Data sets by name: complete specs, and loading.

To add a data set:

1. Write a function that returns a :class:`~lth_utils.data.dataset.Dataset`. Every argument has an
   annotated type and a default. An argument ``root``, if there is one, says where files lie.
2. Enter the function in ``DATASETS`` under the name that parameter files use.
3. Test it in ``tests/test_data.py``.

The arguments other than ``root`` are the options of the data set. They are part of a run's id. An
option that is added later is entered in ``LATER`` with the value that means what was done before:
with this value it is left out, so that older runs keep their id.

A data set that is not in ``NAMED`` gets one more option, ``content``, the checksum of its arrays
and tasks. So other data under the same name are other runs, and cannot be taken for these.
"""

from __future__ import annotations

import inspect
import re
import threading
import typing
from collections import OrderedDict
from collections.abc import Callable

from lth_utils.config import DataSpec, SpecError, choose, coerce, nearest
from lth_utils.data.banks import bundled, formulas, points
from lth_utils.data.content import CONTENT, checksum
from lth_utils.data.dataset import Dataset
from lth_utils.data.dials import dials, overlapping
from lth_utils.data.gates import gates
from lth_utils.data.hidden import hidden, unequal
from lth_utils.data.image_files import DataError
from lth_utils.data.images import cifar10, fashion, image_tasks, mnist, mnist_fashion
from lth_utils.data.mnist_files import are_original
from lth_utils.data.tasks import Task
from lth_utils.data.toy_points import POINT_TASKS, moons_circles

DATASETS: dict[str, Callable[..., Dataset]] = {
    "moons_circles": moons_circles,
    "dials": dials,
    "overlapping": overlapping,
    "mnist_fashion": mnist_fashion,
    "mnist": mnist,
    "fashion": fashion,
    "cifar10": cifar10,
    "points": points,
    "formulas": formulas,
    "bundled": bundled,
    "hidden": hidden,
    "unequal": unequal,
    "gates": gates,
}
"""The function of each data set by the name that parameter files use."""

NAMED: dict[Callable[..., Dataset], tuple[str, ...]] = {
    moons_circles: (),
    dials: (),
    overlapping: (),
    mnist_fashion: ("mnist", "fashion"),
    mnist: ("mnist",),
    fashion: ("fashion",),
    cifar10: (),
    points: (),
    formulas: (),
    bundled: (),
    hidden: (),
    unequal: (),
    gates: (),
}
"""Functions whose name and options say all, and the image sets of which that is true only while the
original files lie in the data folder."""

LATER: dict[str, dict] = {"moons_circles": {"draw": "own", "fresh": 0, "scaled": "standard"}}
"""Options that a data set's function first lacked, with the value that means what it did."""

IN_MEMORY = 2**31
"""How much of the data sets is kept in memory, in bytes: four pairs of MNIST and Fashion-MNIST."""

_own: dict[DataSpec, Dataset] = {}
"""Data sets of one's own that no function makes and that are not kept beside runs yet."""

_loaded: OrderedDict[DataSpec, Dataset] = OrderedDict()
_lock = threading.RLock()


def spec(name: str | Dataset, /, **options) -> DataSpec:
    """The complete spec of a data set.

    `root` is no option: where the files lie differs between machines and changes no result.

    Args:
        name: a key of ``DATASETS``; or a data set of one's own, as ``lth.from_arrays`` makes it,
            with at most the option ``name``, which begins the names of its runs.
        options: arguments of its function; the others take their defaults. ``content`` says which
            data are expected, where the name does not say it.

    Returns:
        All options with their values, in the order of the function's arguments, but those of
        ``LATER`` that have their neutral value. Data that are not this package's own are made
        once, for their checksum.

    Raises:
        SpecError: an unknown name or option, a value of another type, or a function that returns
            no ``Dataset``.
        DataError: the data are not those of the ``content`` that is given.

    >>> dict(spec("moons_circles", noise=0.2).options)["noise"]
    0.2
    """
    if isinstance(name, Dataset):
        return _own_spec(name, **options)
    expected = coerce(options.pop(CONTENT, None), str | None, f"{name}: {CONTENT}")
    named = _complete(name, options)
    if expected is None and _says_all(name):
        return named
    dataset = _made(named)
    complete = _with_content(named, checksum(dataset))
    _check_content(complete, expected)
    remember(complete, dataset)
    return complete


def load(data: DataSpec) -> Dataset:
    """The data set that a spec describes.

    The last ones are kept in memory, see ``IN_MEMORY``.

    Args:
        data: complete, as :func:`spec` makes it.

    Returns:
        The data set, which callers share and must not change.

    Raises:
        SpecError: the spec lacks options.
        DataError: files are missing or damaged, or the data are others than those of the spec.
    """
    known = remembered(data)
    if known is not None:
        return known
    options = dict(data.options)
    content = options.pop(CONTENT, None)
    if content is not None and not options and data.name not in DATASETS:
        raise SpecError(
            f"data set {data.name} with content {content} is not in memory; make it again by "
            "lth.from_arrays, lth.from_frame or lth.from_file, and lth.data.spec"
        )
    named = _complete(data.name, options)
    lacks_content = content is None and not _says_all(data.name)
    if lacks_content or named != DataSpec(data.name, tuple(options.items())):
        raise SpecError(
            f"{data} is not complete, so the run's address would not say all; "
            f"make it with data.spec({data.name!r}, …)"
        )
    with _lock:  # of threads that ask for the same data, one makes them
        known = remembered(data)
        if known is None:
            known = _made(named)
            if content is not None:
                _check_content(_with_content(named, checksum(known)), content)
            remember(data, known)
    return known


def remembered(data: DataSpec) -> Dataset | None:
    """The data set of a spec if it is in memory."""
    with _lock:
        if data in _own:
            return _own[data]
        if data in _loaded:
            _loaded.move_to_end(data)
        return _loaded.get(data)


def remember(data: DataSpec, dataset: Dataset):
    """Keep a data set in memory, and of the last ones as many as fit into ``IN_MEMORY``.

    One of one's own that was given to :func:`spec` may be forgotten from now on: it is kept.
    """
    with _lock:
        _own.pop(data, None)
        _loaded[data] = dataset
        _loaded.move_to_end(data)
        total = sum(kept.n_bytes for kept in _loaded.values())
        while total > IN_MEMORY and len(_loaded) > 1:
            _, oldest = _loaded.popitem(last=False)
            total -= oldest.n_bytes


def tasks_of(data: DataSpec) -> tuple[Task, ...]:
    """The tasks of a data set, for which this package's own need no files.

    Args:
        data: complete, as :func:`spec` makes it.

    Raises:
        SpecError: as :func:`load`.
        DataError: as :func:`load`.
    """
    function = DATASETS.get(data.name)
    if function is moons_circles:
        return POINT_TASKS
    if function in (mnist_fashion, mnist, fashion, cifar10):
        return image_tasks(data)
    return load(data).tasks


def _own_spec(dataset: Dataset, /, name: str = "own", **others) -> DataSpec:
    """The spec of a data set that no function makes: its content alone."""
    if others:
        raise SpecError(f"{min(others)} is not an option of a data set of one's own; it has name")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_]{1,40}", name):
        raise SpecError(f"name is {name!r}; expected up to 40 letters, digits and _")
    if name in DATASETS:
        raise SpecError(f"name is {name}, that of another data set; choose another one")
    own = DataSpec(name, ((CONTENT, checksum(dataset)),))
    with _lock:
        if remembered(own) is None:
            _own[own] = dataset
    return own


def _complete(name: str, options: dict) -> DataSpec:
    """A spec with a value for each argument of the data set's function."""
    choose(name, DATASETS, "data set")
    parameters = inspect.signature(DATASETS[name]).parameters
    known = {n: p.default for n, p in parameters.items() if n != "root"}
    kinds = typing.get_type_hints(DATASETS[name])
    for key in options:
        if key not in known:
            has = ", ".join(known) or "none"
            raise SpecError(f"{key} is not an option of {name}; it has {has}{nearest(key, known)}")
    complete = []
    for option, default in known.items():
        if default is inspect.Parameter.empty or option == CONTENT:
            raise SpecError(
                f"the function of data set {name} has an argument {option}; "
                f"expected arguments with defaults, none of them called {CONTENT}"
            )
        kind = kinds.get(option, type(default))
        value = coerce(options.get(option, default), kind, f"{name}: {option}")
        neutral = LATER.get(name, {})
        if option not in neutral or value != neutral[option]:
            complete.append((option, value))
    return DataSpec(name, tuple(complete))


def _says_all(name: str) -> bool:
    """Whether the name and the options of a data set say what its content is."""
    sets = NAMED.get(DATASETS[name])
    return sets is not None and all(are_original(of) for of in sets)


def _made(data: DataSpec) -> Dataset:
    """The data set of a spec without its content."""
    dataset = DATASETS[data.name](**dict(data.options))
    if not isinstance(dataset, Dataset):
        raise SpecError(
            f"the function of data set {data.name} returned {type(dataset).__name__}; "
            "expected a Dataset"
        )
    return dataset


def _with_content(data: DataSpec, content: str) -> DataSpec:
    """The same spec with the checksum of its content."""
    return DataSpec(data.name, (*data.options, (CONTENT, content)))


def _check_content(data: DataSpec, expected: str | None):
    """Refuse data that are others than those asked for."""
    found = dict(data.options)[CONTENT]
    if expected is not None and found != expected:
        raise DataError(
            f"data set {data.name} is not what it was: its content is {found}, expected {expected}"
        )
