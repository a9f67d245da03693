"""CIFAR-10 as arrays of bytes: torchvision's checked files, or JPEG files in a folder per class."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePath

import numpy as np

from lth_utils.data.image_files import DataError, MissingData, folder, may_download, torchvision

SIDE, CHANNELS = 32, 3

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

SOURCES = ("original", "jpeg")
"""Kinds of files: torchvision's, or JPEG files."""

SPLITS = ("train", "test")
"""Names of the splits, and of their folders among the JPEG files."""

JPEG = "cifar10-jpeg"
"""The folder with ``train/<class>/*.jpg`` and ``test/<class>/*.jpg``, or its ``.tar.gz`` file."""

MODES = {1: "L", 3: "RGB"}
"""Pillow's mode of a picture by its number of channels."""

Splits = dict[str, tuple[np.ndarray, np.ndarray]]
"""Images and labels by the name of their split."""


def read(source: str, root: str | Path | None = None) -> Splits:
    """Both splits of CIFAR-10.

    Args:
        source: one of ``SOURCES``.
        root: see :func:`~lth_utils.data.image_files.folder`.

    Returns:
        For each split, images uint8 ``[N, 3, 32, 32]`` and labels int64 ``[N]``, which are
        positions in ``CLASSES``.

    Raises:
        DataError: files are missing or damaged.
    """
    root = folder(root)
    if source == "original":
        return _original(root)
    return pictures(_jpeg_files(root), CLASSES, CHANNELS, SIDE)


def _original(root: Path) -> Splits:
    """torchvision's files, downloaded where they are missing."""
    datasets = torchvision("CIFAR-10", root)
    splits = {}
    try:
        for split in SPLITS:
            part = datasets.CIFAR10(root, train=split == "train", download=may_download())
            splits[split] = part.data.transpose(0, 3, 1, 2), np.array(part.targets)
    except Exception as error:  # networks, disks and archives fail in many ways
        batches = root / datasets.CIFAR10.base_folder
        raise (DataError if batches.exists() else MissingData)(
            f"CIFAR-10 is not whole in {batches} and cannot be downloaded. Go online once, or copy "
            "the files of cifar-10-python.tar.gz there, or set LTH_DATA_ROOT to a folder that has "
            f"them, or use source='jpeg'. The reason: {type(error).__name__}: {error}"
        ) from error
    return splits


def _jpeg_files(root: Path) -> Iterator[tuple[PurePath, bytes]]:
    """Path and content of each JPEG file, from `root`, a folder in it, or an archive in it."""
    for place in (root, root / JPEG):
        if all((place / split).is_dir() for split in SPLITS):
            for path in sorted(place.glob("*/*/*")):
                yield path, path.read_bytes()
            return
    packed = root / f"{JPEG}.tar.gz"
    if packed.is_file():
        try:
            with tarfile.open(packed) as archive:
                for member in archive:
                    content = archive.extractfile(member) if member.isfile() else None
                    if content is not None:
                        yield packed / member.name, content.read()
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            raise DataError(
                f"{packed} is damaged ({type(error).__name__}: {error}). Copy it again"
            ) from error
    else:
        raise MissingData(
            f"CIFAR-10 as JPEG files is not in {root}. Expected {JPEG}/train/<class>/*.jpg and "
            f"{JPEG}/test/<class>/*.jpg ({', '.join(CLASSES)}), or {packed.name}; "
            "or set LTH_DATA_ROOT to a folder that has one of them"
        )


def pictures(
    files: Iterator[tuple[PurePath, bytes]], classes: tuple[str, ...], channels: int, side: int
) -> Splits:
    """Both splits of ``…/<split>/<class>/<name>.jpg``, in the order of classes and names.

    Args:
        files: path and content of each file. Files with other paths are ignored.
        classes: names of the classes' folders, in the order of their labels.
        channels: 1 (grey) or 3 (colour).
        side: pixels per side.

    Returns:
        For each split, images uint8 ``[N, channels, side, side]`` and labels int64 ``[N]``.

    Raises:
        DataError: a file is damaged or no picture of this kind, or a class has no files.
    """
    pictures_of: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    for split in SPLITS:
        for name in classes:
            pictures_of[split, name] = {}
    place = ""
    for path, content in files:
        key = path.parts[-3], path.parts[-2]
        if path.suffix.lower() in (".jpg", ".jpeg") and key in pictures_of:
            place = f" of {path.parents[2]}"
            pictures_of[key][path.name] = _picture(path, content, channels, side)
    for (split, name), of_class in pictures_of.items():
        if not of_class:
            raise DataError(
                f"no JPEG file in folder {split}/{name}{place}; "
                f"expected some of each class: {', '.join(classes)}"
            )
    splits = {}
    for split in SPLITS:
        images, labels = [], []
        for label, name in enumerate(classes):
            of_class = pictures_of.pop((split, name))
            images += [of_class[file] for file in sorted(of_class)]
            labels += [label] * len(of_class)
        splits[split] = np.stack(images), np.array(labels)
    return splits


def _picture(path: PurePath, content: bytes, channels: int, side: int) -> np.ndarray:
    """A picture as uint8 ``[channels, side, side]``."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            pixels, mode = np.asarray(image), image.mode
    except OSError as error:  # Pillow raises it for damaged files too
        raise DataError(f"{path} cannot be read as a picture ({error}). Copy it again") from error
    if mode != MODES[channels] or pixels.shape[:2] != (side, side):
        height, width = pixels.shape[:2]
        colours = "grey" if channels == 1 else "colour"
        raise DataError(
            f"{path} is a picture of mode {mode} and {width} x {height} pixels; "
            f"expected {MODES[channels]} ({colours}) and {side} x {side}"
        )
    return pixels.reshape(side, side, channels).transpose(2, 0, 1)
