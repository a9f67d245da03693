"""Image data sets: MNIST and Fashion-MNIST side by side or alone, and CIFAR-10."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lth_utils.config import DataSpec, choose, rng
from lth_utils.data import cifar_files, mnist_files
from lth_utils.data.cifar_files import CHANNELS, SIDE, SOURCES
from lth_utils.data.dataset import Dataset
from lth_utils.data.image_files import LABELS, OPTIONS, check_labels, choose_rows
from lth_utils.data.mnist_files import check, draw
from lth_utils.data.scaling import standardise
from lth_utils.data.tasks import Task


def mnist_fashion(
    root: str | Path | None = None,
    size: int = 28,
    digits: tuple[int, ...] = LABELS,
    garments: tuple[int, ...] = LABELS,
    per_class: int | None = None,
    seed: int = 0,
    pairing: str = "random",
    standardised: bool | str = True,
) -> Dataset:
    """An MNIST image beside a Fashion-MNIST image.

    Task ``mnist`` owns the first ``size * size`` inputs, task ``fashion`` the others. The inputs of
    an image run row by row.

    Args:
        root: folder in torchvision's layout (``MNIST/raw``, ``FashionMNIST/raw``), by default
            ``$LTH_DATA_ROOT``, else the user's cache. What is missing is downloaded.
        size: pixels per side, 1…28. Below 28 images are resized with antialiasing.
        digits: labels of MNIST to keep. They become classes 0, 1, … in this order.
        garments: labels of Fashion-MNIST to keep, likewise.
        per_class: at most so many training images per class, drawn by the seed, None for all.
        seed: of the choice and of the pairing, 0 or more.
        pairing: ``random``, drawn by the seed, or ``file``, in the order of the files. Images of
            the longer set that find no partner are left out.
        standardised: True for zero mean and unit variance of each pixel over the training split,
            ``whole`` for one mean and one variance of all pixels, False for pixels in 0…1.

    Returns:
        Inputs float32 ``[B, 2 * size * size]`` and two labels per example.

    Raises:
        SpecError: an option is out of range.
        DataError: files are missing or damaged.

    Source:
        Thesis, section on the MNIST-Fashion data (which pairs by file).
    """
    choose(pairing, ("random", "file"), "pairing")
    return _side_by_side(
        {"mnist": digits, "fashion": garments},
        standardised,
        root=root,
        size=size,
        per_class=per_class,
        seed=seed,
        shuffled=pairing == "random",
    )


def mnist(
    root: str | Path | None = None,
    size: int = 28,
    digits: tuple[int, ...] = LABELS,
    per_class: int | None = None,
    seed: int = 0,
    standardised: bool | str = True,
) -> Dataset:
    """MNIST alone, in file order.

    Args:
        root: as for :func:`mnist_fashion`.
        size: pixels per side, 1…28.
        digits: labels to keep. They become classes 0, 1, … in this order.
        per_class: at most so many training images per class, drawn by the seed, None for all.
        seed: of the choice, 0 or more.
        standardised: as for :func:`mnist_fashion`.

    Returns:
        Inputs float32 ``[B, size * size]`` and one label per example.

    Raises:
        SpecError: an option is out of range.
        DataError: files are missing or damaged.
    """
    return _side_by_side(
        {"mnist": digits},
        standardised,
        root=root,
        size=size,
        per_class=per_class,
        seed=seed,
        shuffled=False,
    )


def fashion(
    root: str | Path | None = None,
    size: int = 28,
    garments: tuple[int, ...] = LABELS,
    per_class: int | None = None,
    seed: int = 0,
    standardised: bool | str = True,
) -> Dataset:
    """Fashion-MNIST alone, in file order.

    Args:
        root: as for :func:`mnist_fashion`.
        size: pixels per side, 1…28.
        garments: labels to keep. They become classes 0, 1, … in this order.
        per_class: at most so many training images per class, drawn by the seed, None for all.
        seed: of the choice, 0 or more.
        standardised: as for :func:`mnist_fashion`.

    Returns:
        Inputs float32 ``[B, size * size]`` and one label per example.

    Raises:
        SpecError: an option is out of range.
        DataError: files are missing or damaged.
    """
    return _side_by_side(
        {"fashion": garments},
        standardised,
        root=root,
        size=size,
        per_class=per_class,
        seed=seed,
        shuffled=False,
    )


def _side_by_side(
    sets: dict[str, Sequence[int]],
    standardised: bool | str,
    *,
    size: int,
    per_class: int | None,
    seed: int,
    **options,
) -> Dataset:
    """One task per image set, from the sets' names to the labels that are kept."""
    check(per_class, seed, size)
    kept = {name: check_labels(name, labels) for name, labels in sets.items()}
    x, y = {}, {}
    for split in ("train", "test"):
        drawn = []
        for name, labels in kept.items():
            drawn.append(
                draw(name, split, labels, size=size, per_class=per_class, seed=seed, **options)
            )
        n_rows = min(len(classes) for _, classes in drawn)
        x[split] = np.concatenate([pixels[:n_rows] for pixels, _ in drawn], axis=1)
        y[split] = np.stack([classes[:n_rows] for _, classes in drawn], axis=1)
    del drawn  # copied into x, and the next step needs the memory
    counts = {name: len(labels) for name, labels in kept.items()}
    return _of_bytes(x, y, _tasks(counts, size**2), standardised)


def _tasks(classes: dict[str, int], n_inputs: int) -> tuple[Task, ...]:
    """Tasks beside each other, from their names to their numbers of classes."""
    tasks: list[Task] = []
    outputs = 0
    for k, (name, count) in enumerate(classes.items()):
        own = range(outputs, outputs + count)
        tasks.append(Task(name, range(k * n_inputs, (k + 1) * n_inputs), own))
        outputs = own.stop
    return tuple(tasks)


def _of_bytes(
    x: dict[str, np.ndarray],
    y: dict[str, np.ndarray],
    tasks: tuple[Task, ...],
    standardised: bool | str,
) -> Dataset:
    """A data set from its splits: pixels uint8 ``[B, I]``, taken out of `x`, labels ``[B, K]``."""
    choose(standardised, (True, False, "whole"), "standardised")
    if standardised:
        x_train, x_test = standardise(x.pop("train"), x.pop("test"), standardised == "whole")
    else:
        x_train, x_test = (x.pop(split) / np.float32(255) for split in ("train", "test"))
    return Dataset(x_train, y["train"], x_test, y["test"], tasks)


def cifar10(
    root: str | Path | None = None,
    source: str = "original",
    classes: tuple[int, ...] = LABELS,
    per_class: int | None = None,
    seed: int = 0,
    standardised: bool | str = True,
) -> Dataset:
    """CIFAR-10 as one task, ``cifar10``: colour images of 32 by 32 pixels.

    Inputs run channel by channel (red, green, blue), row by row. The whole set takes 0.7 GB of
    memory, twice that while it is loaded.

    Args:
        root: the folder with the files, by default as for :func:`mnist_fashion`.
        source: ``original`` for torchvision's files, which are checked, and downloaded where they
            are missing, or ``jpeg`` for ``cifar10-jpeg/<split>/<class>/*.jpg`` or
            ``cifar10-jpeg.tar.gz``. JPEG files are nearly the same task, and versions of the JPEG
            library may decode single pixels differently.
        classes: labels to keep. They become classes 0, 1, … in this order.
        per_class: at most so many training images per class, drawn by the seed, None for all.
        seed: of the choice, 0 or more.
        standardised: as for :func:`mnist_fashion`.

    Returns:
        Inputs float32 ``[B, 3072]`` and one label per example.

    Raises:
        SpecError: an option is out of range.
        DataError: files are missing or damaged.

    Source:
        Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.
    """
    choose(source, SOURCES, "source")
    check(per_class, seed)
    classes = check_labels("cifar10", classes)
    x, y = {}, {}
    read = cifar_files.read(source, root)
    for split in ("train", "test"):
        images, owners = read.pop(split)
        limit = per_class if split == "train" else None
        kept, labels = choose_rows(owners, classes, limit, rng(seed, "data", "cifar10", split))
        x[split] = images[kept].reshape(len(kept), -1)
        y[split] = labels[kept, None]
    del images  # copied into x, and the next step needs the memory
    tasks = _tasks({"cifar10": len(classes)}, CHANNELS * SIDE**2)
    return _of_bytes(x, y, tasks, standardised)


def image_tasks(data: DataSpec) -> tuple[Task, ...]:
    """The tasks of an image data set, without its files.

    Args:
        data: complete spec of one of this module's data sets.

    >>> from lth_utils.data.registry import spec
    >>> image_tasks(spec("mnist", size=14, digits=[7, 1]))
    (Task(name='mnist', inputs=range(0, 196), outputs=range(0, 2), kind='classes', weight=1.0),)
    """
    options = dict(data.options)
    counts = {task: len(options[name]) for task, name in OPTIONS.items() if name in options}
    n_inputs = CHANNELS * SIDE**2 if data.name == "cifar10" else options["size"] ** 2
    return _tasks(counts, n_inputs)


GARMENTS = mnist_files.GARMENTS
"""Names of Fashion-MNIST's classes."""


def class_names(data: DataSpec) -> dict[str, list[str]]:
    """Names of the classes of each image task of a data set.

    Args:
        data: spec of MNIST, Fashion-MNIST or both. Other data sets have no names of classes.

    Returns:
        From the task's name to the names of its classes, in order.

    >>> from lth_utils.data.registry import spec
    >>> class_names(spec("mnist_fashion", digits=[7, 1], garments=[8]))
    {'mnist': ['7', '1'], 'fashion': ['Bag']}
    """
    options = dict(data.options)
    chosen = {
        "mnist": [str(n) for n in options.get("digits", ())],
        "fashion": [GARMENTS[n] for n in options.get("garments", ())],
    }
    return {task: names for task, names in chosen.items() if names}
