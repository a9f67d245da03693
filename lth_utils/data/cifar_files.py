"""CIFAR-10 as arrays of bytes: torchvision's checked files, or JPEG files in a folder per class."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePath

import numpy as np

from lth_utils.data.image_files import DataError, MissingData, folder, torchvision

SIDE, CHANNELS = 32, 3

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

SOURCES = ("original", "jpeg")

HALVES = ("train", "test")

JPEG = "cifar10-jpeg"
"""The folder with ``train/<class>/*.jpg`` and ``test/<class>/*.jpg``, or the ``.tar.gz`` file of it."""

MODES = {1: "L", 3: "RGB"}
"""Pillow's word for pictures of so many channels."""

Halves = dict[str, tuple[np.ndarray, np.ndarray]]


def read(source: str, root: str | Path | None = None) -> Halves:
    """Both halves by name: images uint8 ``[N, 3, 32, 32]`` and labels int64 ``[N]``, positions in ``CLASSES``; :class:`DataError` without files."""
    root = folder(root)
    return (
        _original(root)
        if source == "original"
        else pictures(_jpeg_files(root), CLASSES, CHANNELS, SIDE)
    )


def _original(root: Path) -> Halves:
    datasets = torchvision("CIFAR-10", root)
    try:
        parts = {
            half: datasets.CIFAR10(root, train=half == "train", download=True) for half in HALVES
        }
    except Exception as error:  # networks, disks and archives fail in many ways
        batches = root / datasets.CIFAR10.base_folder
        raise (DataError if batches.exists() else MissingData)(
            f"CIFAR-10 is not whole in {batches} and cannot be downloaded. Go online once, or copy the files of cifar-10-python.tar.gz there, "
            f"or set LTH_DATA_ROOT to a folder that has them, or use source='jpeg'. The reason: {type(error).__name__}: {error}"
        ) from error
    return {
        half: (part.data.transpose(0, 3, 1, 2), np.array(part.targets))
        for half, part in parts.items()
    }


def _jpeg_files(root: Path) -> Iterator[tuple[PurePath, bytes]]:
    """Path and content of each file in the folder of JPEG files, which is `root` or lies in it, or in the archive of the folder."""
    packed = root / f"{JPEG}.tar.gz"
    if place := next(
        (p for p in (root, root / JPEG) if all((p / half).is_dir() for half in HALVES)), None
    ):
        for path in sorted(place.glob("*/*/*")):
            yield path, path.read_bytes()
    elif packed.is_file():
        try:
            with tarfile.open(packed) as archive:
                for member in archive:
                    if member.isfile():
                        yield packed / member.name, archive.extractfile(member).read()
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            raise DataError(
                f"{packed} is damaged ({type(error).__name__}: {error}). Copy it again"
            ) from error
    else:
        raise MissingData(
            f"CIFAR-10 as JPEG files is not in {root}. Expected {JPEG}/train/<class>/*.jpg and {JPEG}/test/<class>/*.jpg "
            f"({', '.join(CLASSES)}), or {packed.name}; or set LTH_DATA_ROOT to a folder that has one of them"
        )


def pictures(
    files: Iterator[tuple[PurePath, bytes]], classes: tuple[str, ...], channels: int, side: int
) -> Halves:
    """Both halves of ``…/<half>/<class>/<name>.jpg``, by class and name: images uint8 ``[N, channels, side, side]``, labels int64 ``[N]``.

    :class:`DataError` names the file that is damaged or no picture of this size and number of channels, and the folder
    of a class that is missing or empty.
    """
    found = {half: {name: [] for name in classes} for half in HALVES}
    place = ""
    for path, content in files:
        half, name = path.parts[-3:-1]
        if path.suffix.lower() in (".jpg", ".jpeg") and name in found.get(half, ()):
            place = f" of {path.parents[2]}"
            found[half][name].append((path.name, _picture(path, content, channels, side)))
    for half, name in ((half, name) for half in HALVES for name in classes):
        if not found[half][name]:
            raise DataError(
                f"no JPEG file in folder {half}/{name}{place}; expected some of each class: {', '.join(classes)}"
            )
    halves = {}
    for half in HALVES:
        ordered = [
            (picture, label)
            for label, name in enumerate(classes)
            for _, picture in sorted(found[half].pop(name), key=lambda item: item[0])
        ]
        halves[half] = np.stack([p for p, _ in ordered]), np.array([label for _, label in ordered])
    return halves


def _picture(path: PurePath, content: bytes, channels: int, side: int) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            pixels, mode = np.asarray(image), image.mode
    except OSError as error:  # Pillow's errors for what is no picture, or not all of one
        raise DataError(f"{path} cannot be read as a picture ({error}). Copy it again") from error
    if mode != MODES[channels] or pixels.shape[:2] != (side, side):
        raise DataError(
            f"{path} is a picture of mode {mode} and {pixels.shape[1]} x {pixels.shape[0]} pixels; "
            f"expected {MODES[channels]} ({'grey' if channels == 1 else 'colour'}) and {side} x {side}"
        )
    return pixels.reshape(side, side, channels).transpose(2, 0, 1)
