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
    sets = {name: check_labels(name, labels) for name, labels in sets.items()}
    tasks, outputs = [], 0
    for k, (name, labels) in enumerate(sets.items()):
        tasks.append(
            Task(
                name,
                range(k * size**2, (k + 1) * size**2),
                range(outputs, outputs := outputs + len(labels)),
            )
        )
    x, y = {}, {}
    for half in ("train", "test"):
        drawn = [
            draw(name, half, labels, size, per_class, seed, **options)
            for name, labels in sets.items()
        ]
        rows = min(len(labels) for _, labels in drawn)
        x[half] = np.concatenate([pixels[:rows] for pixels, _ in drawn], axis=1)
        y[half] = np.stack([labels[:rows] for _, labels in drawn], axis=1)
    del drawn  # its bytes are in x
    return _of_bytes(x, y, tuple(tasks), standardised)


def _of_bytes(
    x: dict[str, np.ndarray],
    y: dict[str, np.ndarray],
    tasks: tuple[Task, ...],
    standardised: bool | str,
) -> Dataset:
    """A data set from its halves, pixels uint8 ``[B, I]``, which are taken out of `x`, and labels ``[B, K]``."""
    choose(standardised, (True, False, "whole"), "standardised")
    if standardised:
        x_train, x_test = standardise(x.pop("train"), x.pop("test"), standardised == "whole")
    else:
        x_train, x_test = (x.pop(half) / np.float32(255) for half in ("train", "test"))
    return Dataset(x_train, y["train"], x_test, y["test"], tasks)


def cifar10(
    root: str | Path | None = None,
    source: str = "original",
    classes: tuple[int, ...] = LABELS,
    per_class: int | None = None,
    seed: int = 0,
    standardised: bool | str = True,
) -> Dataset:
    """CIFAR-10, one task ``cifar10``: colour images of 32 by 32 pixels, the inputs channel by channel (red, green, blue), row by row.

    root: the folder where ``source`` lies, default as for :func:`mnist_fashion`.  source: ``original``, torchvision's files,
    checked and downloaded where they are missing; or ``jpeg``, ``cifar10-jpeg/<half>/<class>/*.jpg`` or ``cifar10-jpeg.tar.gz``
    (nearly the same task; other versions of the JPEG library may decode a pixel otherwise).  classes: the labels to keep, which
    become classes 0, 1, … in this order; per_class, seed, standardised as for :func:`mnist_fashion`.  The whole set takes
    0.7 GB of memory, twice that while it is loaded.  Source: Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.
    """
    choose(source, SOURCES, "source")
    check(per_class, seed)
    classes = check_labels("cifar10", classes)
    x, y, read = {}, {}, cifar_files.read(source, root)
    for half in ("train", "test"):
        images, owners = read.pop(half)
        kept, labels = choose_rows(
            owners,
            classes,
            per_class if half == "train" else None,
            rng(seed, "data", "cifar10", half),
        )
        x[half], y[half] = images[kept].reshape(len(kept), -1), labels[kept, None]
    del images
    return _of_bytes(
        x, y, (Task("cifar10", range(CHANNELS * SIDE**2), range(len(classes))),), standardised
    )


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
