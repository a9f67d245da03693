"""CIFAR-10: torchvision's files, JPEG files in folders or an archive, named where they are wrong.

On made files, and on the real ones if they are given.
"""

import hashlib
import io
import os
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image

from lth_utils import data
from lth_utils.config import SpecError
from lth_utils.data import cifar10, cifar_files
from lth_utils.data.image_files import DataError, MissingData

PER_CLASS = {"train": 3, "test": 2}
ROOT = os.environ.get("LTH_DATA_ROOT")
real = pytest.mark.skipif(
    not ROOT
    or not any(
        (Path(ROOT) / name).exists() for name in (cifar_files.JPEG, f"{cifar_files.JPEG}.tar.gz")
    ),
    reason="LTH_DATA_ROOT names no folder with the real JPEG files",
)


def jpeg(label, number, side=32, mode="RGB"):
    """A picture whose colour says its class and number, brighter above.

    Red is 20 times the label, green 40 times the number, blue 90.
    """
    colour = (20 * label, 40 * number, 90)
    image = Image.new("RGB", (side, side), colour)
    image.paste(tuple(c + 50 for c in colour), (0, 0, side, side // 2))
    content = io.BytesIO()
    image.convert(mode).save(content, "JPEG", quality=95)
    return content.getvalue()


@pytest.fixture
def folder(tmp_path):
    """A folder named as the set, with three and two pictures of each class."""
    for split, n in PER_CLASS.items():
        for label, name in enumerate(cifar_files.CLASSES):
            place = tmp_path / cifar_files.JPEG / split / name
            place.mkdir(parents=True)
            for number in range(n):
                (place / f"{number:04}.jpg").write_bytes(jpeg(label, number))
    return tmp_path / cifar_files.JPEG


def pack(folder):
    """The folder as an archive beside where it was, the members in an order of their own."""
    packed = folder.parent / f"{cifar_files.JPEG}.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        for path in sorted(folder.rglob("*"), reverse=True):
            archive.add(path, path.relative_to(folder.parent), recursive=False)
    folder.rename(folder.parent / "elsewhere")
    return packed


def planes(x):
    return np.rint(x * 255).astype(int).reshape(-1, 3, 32, 32)


# JPEG files


@pytest.mark.parametrize("where", ["the folder", "its parent", "the archive"])
def test_every_picture_keeps_its_label_its_colours_and_its_place(folder, where):
    if where == "the archive":
        pack(folder)
    made = cifar10(folder if where == "the folder" else folder.parent, "jpeg", standardised=False)
    assert [(t.name, t.inputs, t.outputs) for t in made.tasks] == [
        ("cifar10", range(3072), range(10))
    ]
    for split, n in PER_CLASS.items():
        images, labels = planes(getattr(made, f"x_{split}")), getattr(made, f"y_{split}")[:, 0]
        assert labels.tolist() == [label for label in range(10) for _ in range(n)]
        expected = np.stack([20 * labels, 40 * np.tile(np.arange(n), 10), np.full(10 * n, 90)], 1)
        for rows, more in ((slice(0, 12), 50), (slice(20, 32), 0)):
            assert np.abs(images[:, :, rows].mean((2, 3)) - expected - more).max() < 4


def test_pixels_are_standardised_on_the_training_split(folder):
    made, plain = cifar10(folder, "jpeg"), cifar10(folder, "jpeg", standardised=False)
    assert made.x_train.dtype == np.float32
    varies = plain.x_train.std(0) > 0
    np.testing.assert_allclose(made.x_train[:, varies].mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(made.x_train[:, varies].std(0), 1, atol=1e-4)


def test_classes_are_chosen_and_limited_in_the_training_split_by_the_seed(folder):
    few = cifar10(folder, "jpeg", classes=(7, 2), per_class=2, standardised=False)
    assert few.y_train[:, 0].tolist() == [1, 1, 0, 0] and few.y_test[:, 0].tolist() == [1, 1, 0, 0]
    assert few.tasks[0].outputs == range(2)
    red = planes(few.x_train)[:, 0, 20:].mean((1, 2))
    assert np.abs(red - [40, 40, 140, 140]).max() < 4
    drawn = {
        planes(cifar10(folder, "jpeg", per_class=1, seed=s, standardised=False).x_train).tobytes()
        for s in range(8)
    }
    assert len(drawn) > 1 and len(cifar10(folder, "jpeg", per_class=500).x_train) == 30


def test_what_is_no_picture_of_a_class_is_left_out(folder):
    (folder / "train" / "bird" / "notes.txt").write_text("not a picture")
    (folder / "train" / "other").mkdir()
    (folder / "train" / "other" / "0000.jpg").write_bytes(b"")
    assert len(cifar10(folder, "jpeg").x_train) == 30


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_missing_or_empty_class_folder_is_named(folder, split):
    for path in (folder / split / "ship").iterdir():
        path.unlink()
    for change in (lambda: None, (folder / split / "ship").rmdir):
        change()
        with pytest.raises(
            DataError,
            match=f"no JPEG file in folder {split}/ship of {folder}; expected some .*: airplane",
        ):
            cifar10(folder, "jpeg")
    packed = pack(folder)
    with pytest.raises(DataError, match=f"no JPEG file in folder {split}/ship of {packed}"):
        cifar10(packed.parent, "jpeg")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            jpeg(0, 0, mode="L"),
            "is a picture of mode L and 32 x 32 pixels; expected RGB .colour. and 32 x 32",
        ),
        (jpeg(0, 0, side=31), "is a picture of mode RGB and 31 x 31 pixels"),
        (jpeg(0, 0)[:300], "cannot be read as a picture"),
        (b"", "cannot be read as a picture"),
    ],
    ids=["grey", "small", "truncated", "empty"],
)
def test_a_file_that_is_wrong_is_named(folder, content, message):
    path = folder / "test" / "frog" / "0001.jpg"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"{path} {message}"):
        cifar10(folder, "jpeg")
    packed = pack(folder)
    with pytest.raises(
        DataError, match=f"{packed / 'cifar10-jpeg' / 'test' / 'frog' / '0001.jpg'} {message}"
    ):
        cifar10(packed.parent, "jpeg")


def test_grey_pictures_are_read_where_grey_is_asked_for_and_a_colour_one_is_named():
    files = [
        (Path(split) / name / f"{n}.jpeg", jpeg(label, n, mode="L"))
        for split in cifar_files.SPLITS
        for label, name in enumerate("ab")
        for n in (0, 1)
    ]
    images, labels = cifar_files.pictures(iter(files), ("a", "b"), 1, 32)["train"]
    assert images.shape == (4, 1, 32, 32) and labels.tolist() == [0, 0, 1, 1]
    files.append((Path("test/b/2.jpeg"), jpeg(1, 2)))
    with pytest.raises(
        DataError,
        match=r"test/b/2.jpeg is a picture of mode RGB and 32 x 32 pixels; expected L .grey.",
    ):
        cifar_files.pictures(iter(files), ("a", "b"), 1, 32)


@pytest.mark.parametrize("keep", [0, 20, 0.5, 0.95])
def test_a_damaged_archive_is_named(folder, keep):
    packed = pack(folder)
    content = packed.read_bytes()
    packed.write_bytes(content[: int(keep if keep > 1 else keep * len(content))])
    with pytest.raises(DataError, match=f"{packed} is damaged"):
        cifar10(packed.parent, "jpeg")


def test_without_files_the_error_says_what_belongs_where(tmp_path):
    with pytest.raises(
        MissingData,
        match=r"JPEG files is not in .*Expected cifar10-jpeg/train/<class>/\*\.jpg .*airplane.*"
        r"cifar10-jpeg\.tar\.gz",
    ):
        cifar10(tmp_path, "jpeg")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"source": "jpg"}, "source is 'jpg'; allowed: original, jpeg .did you mean jpeg"),
        ({"classes": [1, 10]}, "a label of classes is 10"),
        ({"classes": [1, 1]}, "classes is .1, 1.; allowed: one or more"),
        ({"per_class": 0}, "per_class is 0"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_options_out_of_range_are_refused_before_any_file_is_sought(bad, message, tmp_path):
    with pytest.raises(SpecError, match=message):
        cifar10(tmp_path / "nowhere", **bad)


def test_a_spec_has_one_form():
    assert dict(data.spec("cifar10", classes=[0, 1]).options) == {
        "source": "original",
        "classes": (0, 1),
        "per_class": None,
        "seed": 0,
        "standardised": True,
    }


# the original files


@pytest.fixture
def original(tmp_path, monkeypatch):
    """Small batches with the layout and checksums that torchvision shall expect, and no network."""
    from torchvision.datasets import CIFAR10

    batches, stream = tmp_path / CIFAR10.base_folder, np.random.default_rng(0)
    batches.mkdir()

    def write(name, content):
        (batches / name).write_bytes(pickle.dumps(content))
        return [name, hashlib.md5((batches / name).read_bytes()).hexdigest()]

    def batch(name, n):
        return write(
            name,
            {
                "data": stream.integers(0, 256, (n, 3072), dtype=np.uint8),
                "labels": [k % 10 for k in range(n)],
            },
        )

    def refuse(request, *_, **__):
        raise URLError("no network")

    monkeypatch.setattr(
        CIFAR10, "train_list", [batch("data_batch_1", 20), batch("data_batch_2", 15)]
    )
    monkeypatch.setattr(CIFAR10, "test_list", [batch("test_batch", 12)])
    filename, md5 = write("batches.meta", {"label_names": list(cifar_files.CLASSES)})
    monkeypatch.setattr(CIFAR10, "meta", {"filename": filename, "key": "label_names", "md5": md5})
    monkeypatch.setattr("torchvision.datasets.utils.urllib.request.urlopen", refuse)
    return batches


def test_original_files_keep_their_pixels_and_order(original):
    made = cifar10(original.parent, standardised=False)
    parts = [pickle.loads((original / f"data_batch_{n}").read_bytes()) for n in (1, 2)]
    np.testing.assert_array_equal(
        planes(made.x_train), np.concatenate([p["data"] for p in parts]).reshape(-1, 3, 32, 32)
    )
    assert made.y_train[:, 0].tolist() == parts[0]["labels"] + parts[1]["labels"]
    assert made.x_test.shape == (12, 3072)


def test_damaged_and_missing_original_files_are_told_apart(original, tmp_path):
    (original / "test_batch").write_bytes(b"something else")
    with pytest.raises(
        DataError,
        match=rf"CIFAR-10 is not whole in {original} and cannot be downloaded.*"
        r"source='jpeg'.*no network",
    ) as told:
        cifar10(original.parent)
    assert told.type is DataError
    with pytest.raises(MissingData, match=f"CIFAR-10 is not whole in {tmp_path / 'none'}"):
        cifar10(tmp_path / "none")


# the real files

LOAD = """
from lth_utils import data
loaded = data.load(data.spec("cifar10", source="jpeg"))
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
counts = [int((y == k).sum()) for y in (loaded.y_train, loaded.y_test) for k in (0, 9)]
centred = (abs(loaded.x_train[:, ::50].mean(0)) < 1e-4).all()
print(peak * 1024, loaded.x_train.shape, loaded.x_test.shape, centred, *counts)
"""


@real
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_the_real_pictures_are_complete_and_take_less_than_one_and_a_half_gigabytes():
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    peak, rest = done.stdout.strip().split(" ", 1)
    assert rest == "(50000, 3072) (10000, 3072) True 5000 5000 1000 1000" and int(peak) < 1.5e9
