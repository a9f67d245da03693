"""Two (or more) independent tasks side by side, split and scaled.

The tasks are data: a :class:`Task` says which inputs and which outputs are its own.  A task with
one output is binary (sigmoid), a task with more outputs has that many classes (softmax).
"""
from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lth_utils import _cifar, _images
from lth_utils._images import LABELS
from lth_utils.config import DataSpec, SpecError, choose, coerce, nearest, rng


@dataclass(frozen=True)
class Task:
    """A problem's own inputs and outputs: two ranges of positions (step 1, not empty)."""
    name: str
    inputs: range
    outputs: range

    def __post_init__(self):
        for what in ("inputs", "outputs"):
            positions = getattr(self, what)
            if not isinstance(positions, range) or positions.step != 1 or not len(positions) or positions.start < 0:
                raise SpecError(f"task {self.name}: {what} is {positions!r}; "
                                "expected a range of step 1 that starts at 0 or later and is not empty")

    @property
    def classes(self) -> int:
        """Number of classes: 2 for a single (sigmoid) output, else the number of outputs."""
        return max(2, len(self.outputs))


def check_tasks(tasks: Sequence[Task], n_inputs: int, n_outputs: int):
    """Raise :class:`SpecError` unless no input or output has two owners and all lie within the network's ends.

    Inputs that belong to no task are allowed (distractors).
    """
    if not tasks:
        raise SpecError("no task given; a data set has at least one")
    names = [t.name for t in tasks]
    if len(set(names)) < len(names):
        raise SpecError(f"tasks share a name: {', '.join(names)}")
    for what, size in (("inputs", n_inputs), ("outputs", n_outputs)):
        owner: dict[int, str] = {}
        for task in tasks:
            for position in getattr(task, what):
                if position in owner:
                    raise SpecError(f"tasks {owner[position]} and {task.name} overlap in {what} at {position}")
                owner[position] = task.name
            if getattr(task, what).stop > size:
                raise SpecError(f"task {task.name}: {what} reach to {getattr(task, what).stop}, the network has {size} {what}")


@dataclass(frozen=True)
class Dataset:
    """Standardised examples of all tasks.

    x_train, x_test: float32 ``[B, I]``; y_train, y_test: int64 class labels ``[B, K]``;
    tasks: K of them.  ``check`` has passed: finite, labels in range, tasks fit.
    """
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    tasks: tuple[Task, ...]

    def __post_init__(self):
        object.__setattr__(self, "tasks", tuple(self.tasks))
        check_tasks(self.tasks, self.x_train.shape[1], sum(len(t.outputs) for t in self.tasks))
        for part in ("train", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if x.ndim != 2 or not len(x) or y.shape != (len(x), len(self.tasks)) or x.shape[1] != self.x_train.shape[1]:
                raise SpecError(f"x_{part} {x.shape} and y_{part} {y.shape}; expected [B, {self.x_train.shape[1]}] "
                                f"and [B, {len(self.tasks)}] with the same B of 1 or more")
            if not np.isfinite(x).all():
                row, column = np.argwhere(~np.isfinite(x))[0]
                raise SpecError(f"x_{part}[{row}, {column}] is {x[row, column]}; data must be finite")
            for k, task in enumerate(self.tasks):
                if y[:, k].min() < 0 or y[:, k].max() >= task.classes:
                    raise SpecError(f"y_{part}: labels of task {task.name} span {y[:, k].min()}…{y[:, k].max()}; "
                                    f"allowed: 0…{task.classes - 1}")

    @property
    def ends(self) -> tuple[int, int]:
        """Number of inputs and outputs a network for this data must have."""
        return self.x_train.shape[1], sum(len(t.outputs) for t in self.tasks)


def standardise(x_train: np.ndarray, x_test: np.ndarray, whole: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Both halves float32 with zero mean and unit variance per feature, fitted on train; constant features become zero.

    whole: one mean and one variance for all features together.
    """
    scaled = tuple(np.empty(x.shape, np.float32) for x in (x_train, x_test))
    parts = [slice(start, start + 64) for start in range(0, x_train.shape[1], 64)]      # all of them in double precision would fill the memory
    moments = [(x_train[:, some].mean(0), x_train[:, some].std(0)) for some in parts]
    if whole:
        means, scales = (np.concatenate(m) for m in zip(*moments, strict=True))
        mean, scale = means.mean(), np.sqrt((scales**2 + means**2).mean() - means.mean() ** 2)
        moments = [(mean, scale)] * len(parts)
    for some, (mean, scale) in zip(parts, moments, strict=True):
        varies = scale > 0
        for x, out in zip((x_train, x_test), scaled, strict=True):
            out[:, some] = np.where(varies, (x[:, some] - mean) / np.where(varies, scale, 1.0), 0.0)
    return scaled


def moons_circles(n_samples: int = 1000, noise: float = 0.1, factor: float = 0.35, seed: int = 0) -> Dataset:
    """scikit-learn's circles (inputs 0, 1; output 0) beside its moons (inputs 2, 3; output 1).

    `n_samples` points per half: ``2 * n_samples`` points of each problem are drawn and shuffled by
    streams of their own, so that the pairing is random and the labels are independent.  Rows
    0…n_samples-1 are the training half, the rest is the test half; both are standardised by the
    training half.  noise: standard deviation in data units before scaling; factor: radius of the
    inner circle over that of the outer one, in [0, 1); seed: of the data, not of the networks.
    Source: thesis, section on the moons-circles data.

    >>> data = moons_circles(n_samples=100)
    >>> data.x_train.shape, [t.name for t in data.tasks]
    ((100, 4), ['circles', 'moons'])
    """
    from sklearn.datasets import make_circles, make_moons

    if n_samples < 2:
        raise SpecError(f"n_samples is {n_samples}; allowed: 2 or more points per half")
    if not (0 <= noise < np.inf and 0 <= factor < 1):
        raise SpecError(f"noise is {noise} and factor {factor}; allowed: noise 0 or more, factor in [0, 1)")
    if seed < 0:
        raise SpecError(f"seed is {seed}; allowed: 0 or more")

    def draw(make, name, **options):
        # one random_state for both would shuffle both alike and make the labels equal
        state = int(rng(seed, "data", name).integers(2**32))
        return make(n_samples=2 * n_samples, noise=noise, random_state=state, **options)

    points, labels = zip(draw(make_circles, "circles", factor=factor), draw(make_moons, "moons"), strict=True)
    x, y = np.concatenate(points, axis=1), np.stack(labels, axis=1).astype(np.int64)
    x_train, x_test = standardise(x[:n_samples], x[n_samples:])
    tasks = (Task("circles", range(0, 2), range(0, 1)), Task("moons", range(2, 4), range(1, 2)))
    return Dataset(x_train, y[:n_samples], x_test, y[n_samples:], tasks)


def mnist_fashion(root: str | Path | None = None, size: int = 28, digits: tuple[int, ...] = LABELS, garments: tuple[int, ...] = LABELS,
                  per_class: int | None = None, seed: int = 0, pairing: str = "random", standardised: bool | str = True) -> Dataset:
    """An MNIST image beside a Fashion-MNIST image: task ``mnist`` owns the first ``size * size`` inputs, ``fashion`` the others.

    root: folder in torchvision's layout (``MNIST/raw``, ``FashionMNIST/raw``), default ``LTH_DATA_ROOT``,
    else the user's cache; what is missing is downloaded.  size: pixels per side, 1…28, made smaller
    with antialiasing; an image's inputs run row by row.  digits, garments: the labels to keep, which
    become classes 0, 1, … in this order.  per_class: at most so many training images per class, drawn
    by the seed; the test half keeps all.  pairing: ``random`` by the seed, or ``file``, as the files
    have them; of two sets of unequal length the rest of the longer one is left out.  standardised: true,
    per pixel on train; ``whole``, all pixels by one mean and deviation; false, pixels are 0…1.
    Raises ``_images.DataError`` where files are missing or damaged.
    Source: thesis, section on the MNIST-Fashion data (which pairs by file).
    """
    choose(pairing, ("random", "file"), "pairing")
    return _side_by_side({"mnist": digits, "fashion": garments}, standardised,
                         root=root, size=size, per_class=per_class, seed=seed, shuffled=pairing == "random")


def mnist(root: str | Path | None = None, size: int = 28, digits: tuple[int, ...] = LABELS, per_class: int | None = None,
          seed: int = 0, standardised: bool | str = True) -> Dataset:
    """MNIST alone, in file order; options as for :func:`mnist_fashion`."""
    return _side_by_side({"mnist": digits}, standardised, root=root, size=size, per_class=per_class, seed=seed, shuffled=False)


def fashion(root: str | Path | None = None, size: int = 28, garments: tuple[int, ...] = LABELS, per_class: int | None = None,
            seed: int = 0, standardised: bool | str = True) -> Dataset:
    """Fashion-MNIST alone, in file order; options as for :func:`mnist_fashion`."""
    return _side_by_side({"fashion": garments}, standardised, root=root, size=size, per_class=per_class, seed=seed, shuffled=False)


def _side_by_side(sets: dict[str, Sequence[int]], standardised: bool | str, *, size: int, per_class: int | None, seed: int, **options) -> Dataset:
    """One task per image set; sets: name to the labels that are kept."""
    _images.check(per_class, seed, size)
    sets = {name: _images.check_labels(name, labels) for name, labels in sets.items()}
    tasks, outputs = [], 0
    for k, (name, labels) in enumerate(sets.items()):
        tasks.append(Task(name, range(k * size**2, (k + 1) * size**2), range(outputs, outputs := outputs + len(labels))))
    x, y = {}, {}
    for half in ("train", "test"):
        drawn = [_images.draw(name, half, labels, size, per_class, seed, **options) for name, labels in sets.items()]
        rows = min(len(labels) for _, labels in drawn)
        x[half] = np.concatenate([pixels[:rows] for pixels, _ in drawn], axis=1)
        y[half] = np.stack([labels[:rows] for _, labels in drawn], axis=1)
    del drawn       # its bytes are in x
    return _of_bytes(x, y, tuple(tasks), standardised)


def _of_bytes(x: dict[str, np.ndarray], y: dict[str, np.ndarray], tasks: tuple[Task, ...], standardised: bool | str) -> Dataset:
    """A data set from its halves, pixels uint8 ``[B, I]``, which are taken out of `x`, and labels ``[B, K]``."""
    choose(standardised, (True, False, "whole"), "standardised")
    if standardised:
        x_train, x_test = standardise(x.pop("train"), x.pop("test"), standardised == "whole")
    else:
        x_train, x_test = (x.pop(half) / np.float32(255) for half in ("train", "test"))
    return Dataset(x_train, y["train"], x_test, y["test"], tasks)


def cifar10(root: str | Path | None = None, source: str = "original", classes: tuple[int, ...] = LABELS, per_class: int | None = None,
            seed: int = 0, standardised: bool | str = True) -> Dataset:
    """CIFAR-10, one task ``cifar10``: colour images of 32 by 32 pixels, the inputs channel by channel (red, green, blue), row by row.

    root: the folder where ``source`` lies, default as for :func:`mnist_fashion`.  source: ``original``, torchvision's files,
    checked and downloaded where they are missing; or ``jpeg``, ``cifar10-jpeg/<half>/<class>/*.jpg`` or ``cifar10-jpeg.tar.gz``
    (nearly the same task; other versions of the JPEG library may decode a pixel otherwise).  classes: the labels to keep, which
    become classes 0, 1, … in this order; per_class, seed, standardised as for :func:`mnist_fashion`.  The whole set takes
    0.7 GB of memory, twice that while it is loaded.  Source: Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.
    """
    choose(source, _cifar.SOURCES, "source")
    _images.check(per_class, seed)
    classes = _images.check_labels("cifar10", classes)
    x, y, read = {}, {}, _cifar.read(source, root)
    for half in ("train", "test"):
        images, owners = read.pop(half)
        kept, labels = _images.choose_rows(owners, classes, per_class if half == "train" else None, rng(seed, "data", "cifar10", half))
        x[half], y[half] = images[kept].reshape(len(kept), -1), labels[kept, None]
    del images
    return _of_bytes(x, y, (Task("cifar10", range(_cifar.CHANNELS * _cifar.SIDE**2), range(len(classes))),), standardised)


GARMENTS = _images.GARMENTS
"""Names of Fashion-MNIST's classes."""


def class_names(data: DataSpec) -> dict[str, list[str]]:
    """What the classes of each image task of a data set are called, in order, by the task's name.

    >>> class_names(spec("mnist_fashion", digits=[7, 1], garments=[8]))
    {'mnist': ['7', '1'], 'fashion': ['Bag']}
    """
    options = dict(data.options)
    chosen = {"mnist": [str(n) for n in options.get("digits", ())], "fashion": [GARMENTS[n] for n in options.get("garments", ())]}
    return {task: names for task, names in chosen.items() if names}


DATASETS: dict[str, Callable[..., Dataset]] = {
    "moons_circles": moons_circles, "mnist_fashion": mnist_fashion, "mnist": mnist, "fashion": fashion, "cifar10": cifar10}


def spec(name: str, **options) -> DataSpec:
    """The complete :class:`DataSpec` of a data set: options not given take the defaults of its function.

    `root` is none of them: where the files lie differs between machines and changes no result.

    >>> dict(spec("moons_circles", noise=0.2).options)["noise"]
    0.2
    """
    choose(name, DATASETS, "data set")
    known = {n: p.default for n, p in inspect.signature(DATASETS[name]).parameters.items() if n != "root"}
    kinds = typing.get_type_hints(DATASETS[name])
    for key in options:
        if key not in known:
            raise SpecError(f"{key} is not an option of {name}; it has {', '.join(known)}{nearest(key, known)}")
    return DataSpec(name, tuple((n, coerce(options.get(n, default), kinds.get(n, type(default)), f"{name}: {n}"))
                                for n, default in known.items()))


@functools.lru_cache(maxsize=4)
def load(data: DataSpec) -> Dataset:
    """The data set that a complete spec describes; the last few are kept in memory."""
    if data != spec(data.name, **dict(data.options)):
        raise SpecError(f"{data} is not complete, so the run's address would not say all; make it with data.spec({data.name!r}, …)")
    return DATASETS[data.name](**dict(data.options))
