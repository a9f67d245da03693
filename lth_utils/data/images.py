"""Image data sets: MNIST and Fashion-MNIST side by side or alone, and CIFAR-10."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lth_utils.config import DataSpec, choose, rng
from lth_utils.data import cifar_files, mnist_files
from lth_utils.data.cifar_files import CHANNELS, SIDE, SOURCES
from lth_utils.data.image_files import LABELS, check_labels, choose_rows
from lth_utils.data.mnist_files import check, draw
from lth_utils.data.scaling import standardise
from lth_utils.data.tasks import Dataset, Task


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

    Task ``mnist`` owns the first ``size * size`` inputs, task ``fashion`` the others; an image's
    inputs run row by row.

    Args:
        root: folder in torchvision's layout (``MNIST/raw``, ``FashionMNIST/raw``); default:
            ``$LTH_DATA_ROOT``, else the user's cache.  What is missing is downloaded.
        size: pixels per side, 1…28; smaller images are resized with antialiasing.
        digits: labels of MNIST to keep; they become classes 0, 1, … in this order.
        garments: labels of Fashion-MNIST to keep, likewise.
        per_class: at most so many training images per class, drawn by the seed; None for all.
        seed: of the choice and of the pairing.
        pairing: ``random`` by the seed, or ``file``, as the files have them; of two sets of unequal
            length the rest of the longer one is left out.
        standardised: True: per pixel on train; ``whole``: all pixels by one mean and deviation;
            False: pixels are 0…1.

    Raises:
        SpecError: an option is out of range.
        DataError: files are missing or damaged.

    Source:
        thesis, section on the MNIST-Fashion data (which pairs by file).
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
    """MNIST alone, in file order; options as for :func:`mnist_fashion`."""
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
    """Fashion-MNIST alone, in file order; options as for :func:`mnist_fashion`."""
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
    """One task per image set; sets: name to the labels that are kept."""
    check(per_class, seed, size)
    kept = {name: check_labels(name, labels) for name, labels in sets.items()}
    tasks: list[Task] = []
    outputs = 0
    for k, (name, labels) in enumerate(kept.items()):
        own = range(outputs, outputs + len(labels))
        tasks.append(Task(name, range(k * size**2, (k + 1) * size**2), own))
        outputs = own.stop
    x, y = {}, {}
    for split in ("train", "test"):
        pixels, classes = [], []
        for name, labels in kept.items():
            of_set = draw(name, split, labels, size, per_class, seed, **options)
            pixels.append(of_set[0])
            classes.append(of_set[1])
        rows = min(map(len, classes))
        x[split] = np.concatenate([images[:rows] for images in pixels], axis=1)
        y[split] = np.stack([labels[:rows] for labels in classes], axis=1)
    del pixels, of_set  # their bytes are in x
    return _of_bytes(x, y, tuple(tasks), standardised)


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

    Inputs run channel by channel (red, green, blue), row by row.  The whole set takes 0.7 GB of
    memory, twice that while it is loaded.

    Args:
        root: the folder with the files, default as for :func:`mnist_fashion`.
        source: ``original``, torchvision's files, checked, and downloaded where they are missing;
            or ``jpeg``, ``cifar10-jpeg/<split>/<class>/*.jpg`` or ``cifar10-jpeg.tar.gz`` (nearly
            the same task; other versions of the JPEG library may decode a pixel otherwise).
        classes: labels to keep; they become classes 0, 1, … in this order.
        per_class: as for :func:`mnist_fashion`.
        seed: as for :func:`mnist_fashion`.
        standardised: as for :func:`mnist_fashion`.

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
        most = per_class if split == "train" else None
        kept, labels = choose_rows(owners, classes, most, rng(seed, "data", "cifar10", split))
        x[split], y[split] = images[kept].reshape(len(kept), -1), labels[kept, None]
    del images
    task = Task("cifar10", range(CHANNELS * SIDE**2), range(len(classes)))
    return _of_bytes(x, y, (task,), standardised)


GARMENTS = mnist_files.GARMENTS
"""Names of Fashion-MNIST's classes."""


def class_names(data: DataSpec) -> dict[str, list[str]]:
    """What the classes of each image task of a data set are called, in order, by the task's name.

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
