"""MNIST and Fashion-MNIST as arrays of bytes: read, checked and made smaller.

torchvision is needed only to download: importing it takes hundreds of MB, as much as the data
themselves, so the files are read without it.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lth_utils.config import SpecError, rng
from lth_utils.data.image_files import (
    DataError,
    MissingData,
    choose_rows,
    folder,
    may_download,
    torchvision,
)

SIDE = 28
"""Pixels per side of an original image."""

GARMENTS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

CLASSES = {"mnist": "MNIST", "fashion": "FashionMNIST"}
"""torchvision's class of each set, which also names its folder."""

OFFICIAL = {"train": 60000, "t10k": 10000}
"""Number of images in the original files, by the beginning of a file's name."""

MD5 = {
    "MNIST/raw/train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "MNIST/raw/train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "MNIST/raw/t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "MNIST/raw/t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    "FashionMNIST/raw/train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "FashionMNIST/raw/train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "FashionMNIST/raw/t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "FashionMNIST/raw/t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}
"""Checksums of the unpacked files, since torchvision has only those of the packed ones."""


def read(name: str, split: str, root: str | Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """One split of a set.

    Args:
        name: ``mnist`` or ``fashion``.
        split: ``train`` or ``test``.
        root: see :func:`~lth_utils.data.image_files.folder`.

    Returns:
        Images uint8 ``[N, 28, 28]`` and labels uint8 ``[N]``.

    Raises:
        DataError: files are missing or damaged.
    """
    root = folder(root)
    prefix = {"train": "train", "test": "t10k"}[split]
    if not all((root / p).is_file() for p in _paths(name)):
        _download(name, root)
    images, labels = (_idx(root, p) for p in _paths(name) if f"/{prefix}-" in p)
    if images.shape != (len(labels), SIDE, SIDE):
        raise DataError(
            f"{root / CLASSES[name] / 'raw'}: {prefix} has images {images.shape} and "
            f"{len(labels)} labels; expected images of {SIDE}×{SIDE} pixels, one per label"
        )
    return images, labels


def are_original(name: str) -> bool:
    """Whether a set is the original one; where there are no files, it will be downloaded.

    The checksums of original files are checked when they are read. A file of another length is
    the user's own.

    Args:
        name: ``mnist`` or ``fashion``.
    """
    for path in _paths(name):
        lengths = OFFICIAL[Path(path).name.split("-")[0]]
        with contextlib.suppress(OSError), (folder() / path).open("rb") as file:
            if int.from_bytes(file.read(8)[4:], "big") != lengths:
                return False
    return True


def _paths(name: str) -> list[str]:
    """The files of a set, relative to the root."""
    return [p for p in MD5 if p.startswith(f"{CLASSES[name]}/")]


def _idx(root: Path, path: str) -> np.ndarray:
    """The array in an unpacked IDX file.

    Its bytes are: 0, 0, 8 (for uint8), the number of axes, four for the size of each axis, values.
    """
    content = np.fromfile(root / path, np.uint8)
    axes = 3 if "idx3" in path else 1
    start = 4 + 4 * axes
    sizes = content[4:start].tobytes().ljust(4 * axes, b"\0")
    shape = [int(n) for n in np.frombuffer(sizes, ">u4")]
    problem = ""
    if content[:4].tolist() != [0, 0, 8, axes] or len(content) != start + math.prod(shape):
        problem = f"{len(content)} bytes, which is not what its header says"
    elif shape[0] == OFFICIAL[Path(path).name.split("-")[0]]:
        # only the original files have known checksums; a set of another length is the user's own
        checksum = hashlib.md5(content.tobytes()).hexdigest()
        if checksum != MD5[path]:
            problem = f"checksum {checksum}, expected {MD5[path]}"
    if problem:
        raise DataError(
            f"{root / path} is damaged ({problem}). Delete it: the next call unpacks it again "
            f"from {Path(path).name}.gz beside it, or downloads it"
        )
    return content[start:].reshape(shape)


def _download(name: str, root: Path):
    """Let torchvision unpack or download what is missing, and check it."""
    title = CLASSES[name]
    raw = root / title / "raw"
    if not may_download():
        raise MissingData(f"{title} is not in {raw}")
    datasets = torchvision(title, raw)
    kind = getattr(datasets, title)
    try:
        kind(root, download=True)
        reason = "torchvision did not write them"
    except Exception as error:  # networks, disks and archives fail in many ways
        reason = f"{type(error).__name__}: {error}"
    missing = [Path(p).name for p in _paths(name) if not (root / p).is_file()]
    if not missing:
        return
    damaged = []
    for packed, md5 in kind.resources:
        if (raw / packed).is_file() and not datasets.utils.check_integrity(raw / packed, md5):
            damaged.append(packed)
    about = ""
    if damaged:
        about = f"Damaged, by their checksum: {', '.join(damaged)}; delete them. "
    raise (DataError if damaged else MissingData)(
        f"{title} cannot be read or downloaded. Missing in {raw}: {', '.join(missing)} "
        f"(or the same as .gz). {about}Go online once, or copy the files there, or set "
        f"LTH_DATA_ROOT to a folder that has {title}/raw/{missing[0]}. "
        f"The reason: {reason.strip()}"
    )


def check(per_class: int | None, seed: int, size: int = SIDE):
    """Refuse options of image data sets that are out of range.

    Args:
        per_class: training images per class, 1 or more, or None for all.
        seed: of the choice of images, 0 or more.
        size: pixels per side, 1…28.

    Raises:
        SpecError: an option is out of range.
    """
    if size not in range(1, SIDE + 1):
        raise SpecError(
            f"size is {size!r}; allowed: 1…{SIDE} pixels per side (did you mean {SIDE}?)"
        )
    if per_class is not None and per_class not in range(1, 2**31):
        raise SpecError(
            f"per_class is {per_class!r}; allowed: 1 or more training images per class, "
            "or None for all"
        )
    if seed not in range(2**63):
        raise SpecError(f"seed is {seed!r}; allowed: 0 or more")


def draw(
    name: str,
    split: str,
    labels: Sequence[int],
    size: int,
    per_class: int | None,
    seed: int,
    shuffled: bool,
    root: str | Path | None,
) -> tuple[np.ndarray, np.ndarray]:
    """One split of a set: some classes, some images, at one size.

    Args:
        name: ``mnist`` or ``fashion``.
        split: ``train`` or ``test``.
        labels: those that are kept. They become classes 0, 1, … in this order.
        size: pixels per side, 1…28.
        per_class: at most so many training images per class, None for all.
        seed: of the choice and of the order.
        shuffled: in random order, rather than in the file's order.
        root: see :func:`~lth_utils.data.image_files.folder`.

    Returns:
        Pixels uint8 ``[B, size * size]`` and classes int64 ``[B]``.

    Raises:
        DataError: files are missing or damaged.
    """
    images, owners = read(name, split, root)
    stream = rng(seed, "data", name, split)
    limit = per_class if split == "train" else None
    kept, y = choose_rows(owners, labels, limit, stream)
    if shuffled:
        kept = stream.permutation(kept)
    return shrink(images[kept], size).reshape(len(kept), size * size), y[kept]


def shrink(images: np.ndarray, size: int) -> np.ndarray:
    """Square images made smaller, antialiased by bilinear weights as wide as the new pixels.

    The result is that of ``torch.nn.functional.interpolate(antialias=True)``, without torch.

    Args:
        images: uint8 ``[B, S, S]``.
        size: pixels per side of the result, at most S.

    Returns:
        uint8 ``[B, size, size]``.
    """
    side = images.shape[1]
    if size == side:
        return images
    centres = (np.arange(size) + 0.5) * side / size
    distance = np.abs(np.arange(side) + 0.5 - centres[:, None]) * size / side
    weights = np.maximum(0, 1 - distance).astype(np.float32)
    weights /= weights.sum(1, keepdims=True)
    small = np.empty((len(images), size, size), np.uint8)
    # 2048 images at a time, since floats take four times the memory of bytes
    for start in range(0, len(images), 2048):
        part = slice(start, start + 2048)
        small[part] = np.rint(weights @ images[part].astype(np.float32) @ weights.T)
    return small
