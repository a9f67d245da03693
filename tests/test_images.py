"""MNIST and Fashion-MNIST: files checked, pictures paired, made smaller, standardised.

On small made files, and on the real ones if they are given.
"""

import gzip
import hashlib
import os
import struct
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch

from lth_utils import data, plots
from lth_utils.config import PruneSpec, RunSpec, SpecError, TrainSpec, run_id
from lth_utils.data import fashion, image_files, mnist, mnist_fashion, mnist_files, registry
from lth_utils.networks import population
from lth_utils.training import trainer

real = pytest.mark.skipif(
    "LTH_DATA_ROOT" not in os.environ, reason="LTH_DATA_ROOT names no folder with the real files"
)
FOLDERS = ["MNIST", "FashionMNIST"]
LENGTHS = {"train": 60, "t10k": 30}


def idx(array):
    return (
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.tobytes()
    )


def pictures(seed, lengths=LENGTHS):
    """Files of one set: noise with a black border.

    The pixel in the middle is ten times the label, the one after it the position.
    """
    rng, files = np.random.default_rng(seed), {}
    for split, n in lengths.items():
        labels = rng.permutation(np.arange(n) % 10).astype(np.uint8)
        images = np.zeros((n, 28, 28), np.uint8)
        images[:, 2:-2, 2:-2] = rng.integers(0, 256, (n, 24, 24))
        images[:, 14, 14], images[:, 14, 15] = 10 * labels, np.arange(n)
        files |= {
            f"{split}-images-idx3-ubyte": idx(images),
            f"{split}-labels-idx1-ubyte": idx(labels),
        }
    return files


MIDDLE = 14 * 28 + 14


@pytest.fixture
def root(tmp_path):
    """A folder with 60 and 30 pictures of each set, in torchvision's layout."""
    for seed, folder in enumerate(FOLDERS):
        (tmp_path / folder / "raw").mkdir(parents=True)
        for name, content in pictures(seed).items():
            (tmp_path / folder / "raw" / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def offline(monkeypatch):
    """Every download fails; returns the addresses that were asked for."""
    asked = []

    def refuse(request, *_, **__):
        asked.append(request.full_url)
        raise URLError("no network")

    monkeypatch.setattr("torchvision.datasets.utils.urllib.request.urlopen", refuse)
    return asked


def pack(root, monkeypatch):
    """Leave only .gz files, with the checksums that torchvision shall expect of them."""
    from torchvision import datasets

    for folder in FOLDERS:
        resources = []
        for path in sorted((root / folder / "raw").iterdir()):
            packed = path.with_name(path.name + ".gz")
            packed.write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
            resources.append((packed.name, hashlib.md5(packed.read_bytes()).hexdigest()))
        monkeypatch.setattr(getattr(datasets, folder), "resources", resources)


def raw(root, **options):
    return mnist_fashion(root, standardised=False, **options)


def bytes_of(x):
    return np.rint(x * 255).astype(int)


def true_labels(dataset, split, k):
    """The labels in the files, which the pictures carry in their middle."""
    return bytes_of(getattr(dataset, f"x_{split}"))[:, 784 * k + MIDDLE] // 10


# what the tasks get


def test_every_picture_keeps_its_label_and_its_place(root):
    pairs = raw(root)
    assert [(t.name, t.inputs, t.outputs) for t in pairs.tasks] == [
        ("mnist", range(0, 784), range(0, 10)),
        ("fashion", range(784, 1568), range(10, 20)),
    ]
    assert (pairs.x_train.shape, pairs.x_test.shape) == ((60, 1568), (30, 1568))
    assert pairs.x_train.dtype == np.float32 and pairs.y_train.dtype == np.int64
    for split in ("train", "test"):
        for k in (0, 1):
            np.testing.assert_array_equal(
                getattr(pairs, f"y_{split}")[:, k], true_labels(pairs, split, k)
            )
            positions = bytes_of(getattr(pairs, f"x_{split}"))[:, 784 * k + MIDDLE + 1]
            assert sorted(positions) == list(range(len(positions)))


def test_pairs_by_file_are_those_of_the_files(root):
    pairs = raw(root, pairing="file")
    for k in (0, 1):
        assert bytes_of(pairs.x_train)[:, 784 * k + MIDDLE + 1].tolist() == list(range(60))
    start = len(idx(np.zeros((1, 1, 1), np.uint8))) - 1
    for k, folder in enumerate(FOLDERS):
        first = np.frombuffer(
            (root / folder / "raw" / "train-images-idx3-ubyte").read_bytes()[start:], np.uint8
        )[:784]
        np.testing.assert_array_equal(bytes_of(pairs.x_train[0, 784 * k : 784 * (k + 1)]), first)


def test_the_seed_makes_the_pairs(root):
    one, again, other = (raw(root, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.x_train, again.x_train)
    for split in ("train", "test"):
        x, y = (
            bytes_of(getattr(d, f"x_{split}"))[:, [MIDDLE + 1, 784 + MIDDLE + 1]]
            for d in (one, other)
        )
        assert (x[:, 0] != x[:, 1]).mean() > 0.8  # neither set is in the order of the other
        assert len(set(map(tuple, x)) & set(map(tuple, y))) < 0.2 * len(x)


def test_labels_become_classes_in_the_order_given(root):
    pairs = raw(root, digits=[7, 2, 5], garments=(9, 0))
    assert [t.outputs for t in pairs.tasks] == [range(0, 3), range(3, 5)]
    for k, labels in enumerate(([7, 2, 5], [9, 0])):
        for split in ("train", "test"):
            np.testing.assert_array_equal(
                np.array(labels)[getattr(pairs, f"y_{split}")[:, k]], true_labels(pairs, split, k)
            )


def test_of_two_sets_of_unequal_length_the_longer_is_cut(root):
    pairs = raw(root, digits=range(10), garments=[3, 4])
    assert (len(pairs.x_train), len(pairs.x_test)) == (12, 6)
    assert np.bincount(pairs.y_train[:, 1]).tolist() == [6, 6]
    assert len(set(pairs.y_train[:, 0])) > 2  # cut after the shuffling
    assert (pairs.y_train[:, 0] == pairs.y_train[:, 1]).mean() < 0.9


def test_per_class_limits_the_training_split_only_and_draws_by_the_seed(root):
    few, others = raw(root, per_class=2), raw(root, per_class=2, seed=1)
    for k in (0, 1):
        assert np.bincount(few.y_train[:, k]).tolist() == [2] * 10
        np.testing.assert_array_equal(few.y_train[:, k], true_labels(few, "train", k))
    assert few.x_test.shape == (30, 1568)
    drawn, drawn_others, more = (
        set(bytes_of(d.x_train)[:, MIDDLE + 1]) for d in (few, others, raw(root, per_class=4))
    )
    assert drawn != drawn_others and drawn < more
    assert len(raw(root, per_class=500).x_train) == 60


@pytest.mark.parametrize(("single", "column"), [(mnist, 0), (fashion, 1)])
def test_a_single_set_is_one_side_of_the_pairs(root, single, column):
    alone, pairs = single(root), mnist_fashion(root, pairing="file")
    np.testing.assert_array_equal(alone.x_test, pairs.x_test[:, 784 * column : 784 * (column + 1)])
    np.testing.assert_array_equal(alone.y_train[:, 0], pairs.y_train[:, column])
    assert [(t.name, t.inputs, t.outputs) for t in alone.tasks] == [
        (single.__name__, range(784), range(10))
    ]


def test_pixels_are_standardised_on_the_training_split_and_constant_ones_are_zero(root):
    scaled, plain = mnist_fashion(root), raw(root)
    varies = plain.x_train.std(0) > 0
    assert varies.sum() == 2 * 24 * 24
    np.testing.assert_allclose(scaled.x_train[:, varies].mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.x_train[:, varies].std(0), 1, atol=1e-5)
    assert not scaled.x_train[:, ~varies].any() and not scaled.x_test[:, ~varies].any()
    test = (plain.x_test - plain.x_train.mean(0))[:, varies] / plain.x_train.std(0)[varies]
    np.testing.assert_allclose(scaled.x_test[:, varies], test, rtol=1e-3, atol=1e-4)


def test_standardising_by_blocks_changes_no_feature():
    x = np.random.default_rng(0).normal(3, 2, (40, 150)).astype(np.float32)
    x[:, 100] = 7
    train, test = data.standardise(x[:30], x[30:])
    one_by_one = [data.standardise(x[:30, i : i + 1], x[30:, i : i + 1]) for i in range(150)]
    np.testing.assert_allclose(train, np.concatenate([o[0] for o in one_by_one], 1), atol=1e-5)
    np.testing.assert_allclose(test, np.concatenate([o[1] for o in one_by_one], 1), atol=1e-5)
    assert not test[:, 100].any() and test[:, 99].any()


@pytest.mark.parametrize("size", [1, 5, 12, 14, 27, 28])
def test_smaller_pictures_are_those_of_torch(size):
    images = np.random.default_rng(size).integers(0, 256, (2100, 28, 28), dtype=np.uint8)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(images)[:, None].float(), (size, size), mode="bilinear", antialias=True
    )
    ours = mnist_files.shrink(images, size)
    assert ours.dtype == np.uint8 and np.abs(ours - theirs[:, 0].numpy()).max() <= 0.501


def test_smaller_pictures_stand_side_by_side(root):
    small = raw(root, size=14, pairing="file")
    assert [t.inputs for t in small.tasks] == [range(0, 196), range(196, 392)]
    big = bytes_of(raw(root, pairing="file").x_train).astype(np.uint8).reshape(60, 2, 28, 28)
    expected = np.stack([mnist_files.shrink(big[:, k], 14) for k in (0, 1)], 1).reshape(60, 392)
    np.testing.assert_array_equal(bytes_of(small.x_train), expected)


# options


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"digits": [1, 12]}, r"a label of digits is 12; allowed: 0, 1, .*did you mean [12]"),
        ({"garments": [-1, 2]}, "a label of garments is -1; allowed: 0, 1"),
        ({"digits": [3, 4, 3]}, r"digits is \[3, 4, 3\]; allowed: one or more of 0…9, each once"),
        ({"garments": []}, r"garments is \[\]; allowed: one or more"),
        ({"digits": 3}, r"digits is 3 \(int\); expected"),
        ({"digits": ["two"]}, r"digits\[0\] is 'two'"),
        ({"size": 0}, "size is 0; allowed: 1…28"),
        ({"size": 29}, "size is 29; allowed: 1…28.*did you mean 28"),
        ({"per_class": 0}, "per_class is 0; allowed: 1 or more"),
        ({"seed": -1}, "seed is -1; allowed: 0 or more"),
        ({"pairing": "randm"}, "pairing is 'randm'; allowed: random, file .did you mean random"),
    ],
)
def test_options_out_of_range_are_refused_before_any_file_is_sought(bad, message, tmp_path):
    with pytest.raises(SpecError, match=message):
        mnist_fashion(tmp_path / "nowhere", **bad)


def test_a_spec_has_one_form_and_no_folder(root, tmp_path, monkeypatch):
    monkeypatch.setenv("LTH_DATA_ROOT", str(tmp_path / "nowhere"))
    spec = data.spec("mnist_fashion", size="14", digits=range(3), garments=[1, 2])
    assert dict(spec.options) == {
        "size": 14,
        "digits": (0, 1, 2),
        "garments": (1, 2),
        "per_class": None,
        "seed": 0,
        "pairing": "random",
        "standardised": True,
    }
    same = data.spec("mnist_fashion", size=14.0, digits=[0, 1, 2], garments=(1, 2))
    assert run_id(RunSpec(same, prune=PruneSpec(0.5, 2))) == run_id(
        RunSpec(spec, prune=PruneSpec(0.5, 2))
    )
    with pytest.raises(SpecError, match="root is not an option"):
        data.spec("mnist", root=str(root))
    with pytest.raises(SpecError, match="per_class is 'few'"):
        data.spec("fashion", per_class="few")


def test_files_of_ones_own_are_named_by_their_content(root, monkeypatch, offline):
    monkeypatch.setenv("LTH_DATA_ROOT", str(root))
    spec = data.spec("mnist", size=14)
    assert len(dict(spec.options)["content"]) == 32
    assert spec != data.spec("mnist", size=14, digits=[0, 1])
    path = root / "MNIST/raw/train-images-idx3-ubyte"
    changed = bytearray(path.read_bytes())
    changed[-300] ^= 255
    path.write_bytes(changed)
    other = data.spec("mnist", size=14)
    assert other != spec
    monkeypatch.setattr(registry, "IN_MEMORY", 0)
    data.spec("mnist", size=14, per_class=1)  # the first ones are no longer in memory
    with pytest.raises(mnist_files.DataError, match="mnist is not what it was: its content is"):
        data.load(spec)


def test_tasks_are_known_without_files(tmp_path, monkeypatch, offline):
    monkeypatch.setenv("LTH_DATA_ROOT", str(tmp_path))
    spec = data.spec("mnist_fashion", size=14, digits=[3, 1], garments=[2])
    tasks = data.tasks_of(spec)
    assert [(t.name, t.inputs, t.outputs) for t in tasks] == [
        ("mnist", range(196), range(2)),
        ("fashion", range(196, 392), range(2, 3)),
    ]
    assert data.tasks_of(data.spec("cifar10", classes=[1, 2]))[0].inputs == range(3072)
    with pytest.raises(mnist_files.DataError):
        data.load(spec)


def test_a_spec_is_loaded_from_the_folder_in_the_environment(root, monkeypatch):
    monkeypatch.setenv("LTH_DATA_ROOT", str(root))
    loaded = data.load(data.spec("mnist_fashion", size=14, per_class=3))
    np.testing.assert_array_equal(loaded.x_train, mnist_fashion(root, 14, per_class=3).x_train)


def test_the_folder_is_the_argument_then_the_environment_then_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("LTH_DATA_ROOT", str(tmp_path / "environment"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert image_files.folder("~/here") == Path.home() / "here"
    assert image_files.folder() == tmp_path / "environment"
    monkeypatch.delenv("LTH_DATA_ROOT")
    assert image_files.folder() == tmp_path / "cache" / "lth_utils"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert image_files.folder() == Path.home() / ".cache" / "lth_utils"


# files


def test_packed_files_are_unpacked_without_a_network(root, monkeypatch, offline):
    expected = raw(root).x_train
    pack(root, monkeypatch)
    np.testing.assert_array_equal(raw(root).x_train, expected)
    assert offline == []


def test_a_damaged_packed_file_is_named(root, monkeypatch, offline):
    pack(root, monkeypatch)
    packed = root / "FashionMNIST" / "raw" / "t10k-images-idx3-ubyte.gz"
    packed.write_bytes(packed.read_bytes()[:-100])
    with pytest.raises(
        image_files.DataError,
        match=r"Damaged, by their checksum: t10k-images-idx3-ubyte\.gz; delete",
    ):
        fashion(root)
    assert {Path(address).name for address in offline} == {packed.name}  # the others are good


def cut(content):
    return content[:-1]


def lengthen(content):
    return content + b"\0"


def promise_more(content):
    return content[:4] + struct.pack(">I", 61) + content[8:]


def no_header(content):
    return content[:3]


def other_type(content):
    return content[:2] + b"\x0d" + content[3:]


@pytest.mark.parametrize("harm", [cut, lengthen, promise_more, no_header, other_type])
@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_a_damaged_file_is_named_with_the_repair(root, harm, name):
    path = root / "MNIST" / "raw" / name
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(image_files.DataError, match=rf"{path} is damaged .*Delete it"):
        mnist_fashion(root)
    fashion(root)


def test_a_file_of_the_official_length_must_have_the_official_checksum(root, monkeypatch):
    path = "MNIST/raw/train-images-idx3-ubyte"
    monkeypatch.setattr(mnist_files, "OFFICIAL", LENGTHS)
    monkeypatch.setattr(
        mnist_files,
        "MD5",
        {p: hashlib.md5((root / p).read_bytes()).hexdigest() for p in mnist_files.MD5},
    )
    mnist(root)
    content = bytearray((root / path).read_bytes())
    content[5000] ^= 1
    (root / path).write_bytes(content)
    with pytest.raises(
        image_files.DataError,
        match=rf"{root / path} is damaged \(checksum {hashlib.md5(content).hexdigest()}, expected",
    ):
        mnist(root)


def test_pictures_without_labels_are_refused(root):
    (root / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros(29, np.uint8)))
    with pytest.raises(
        image_files.DataError, match=r"t10k has images \(30, 28, 28\) and 29 labels"
    ):
        mnist(root)


def test_missing_files_are_downloaded_from_the_mirrors_else_the_error_says_what_belongs_where(
    tmp_path, offline
):
    with pytest.raises(image_files.DataError) as told:
        mnist_fashion(tmp_path)
    assert len(offline) == 2 and len(set(offline)) == 2
    for part in (
        str(tmp_path / "MNIST" / "raw"),
        "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images",
        ".gz",
        "LTH_DATA_ROOT",
        "MNIST/raw/",
        "no network",
    ):
        assert part in str(told.value)


def test_one_missing_file_is_named_alone(root, offline):
    (root / "FashionMNIST" / "raw" / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(
        image_files.DataError, match=r"Missing in .*FashionMNIST.raw: train-labels-idx1-ubyte \("
    ):
        mnist_fashion(root)


@pytest.mark.parametrize("short", [0, 50])
def test_what_a_download_brings_is_checked(root, tmp_path_factory, monkeypatch, short):
    pack(root, monkeypatch)

    class Mirror(BaseHTTPRequestHandler):
        def do_GET(self):
            content = (root / self.path[1:]).read_bytes()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content[: len(content) - short])

        def log_message(self, *_):
            pass

    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(
            "torchvision.datasets.MNIST.mirrors",
            [f"http://127.0.0.1:{server.server_port}/MNIST/raw/"],
        )
        if short:
            with pytest.raises(
                image_files.DataError,
                match=r"Damaged, by their checksum: t10k-images-idx3-ubyte\.gz; delete",
            ):
                mnist(elsewhere)
        else:
            np.testing.assert_array_equal(
                mnist(elsewhere).x_train, mnist_fashion(root, pairing="file").x_train[:, :784]
            )
        server.shutdown()


def test_without_torchvision_files_are_read_and_a_download_says_what_is_wrong(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    mnist(root)
    with pytest.raises(
        image_files.DataError, match="torch and torchvision must come from one place"
    ):
        mnist(root / "empty")


# figures


def test_samples_show_the_pictures_with_their_labels(root):
    pairs = raw(root)
    figure = plots.samples(pairs, {"fashion": mnist_files.GARMENTS}, rows=2, columns=3)
    assert len(figure.axes) == 6
    for n, ax in enumerate(figure.axes):
        for k in (0, 1):
            np.testing.assert_array_equal(
                ax.images[k].get_array(), pairs.x_train[n, 784 * k : 784 * (k + 1)].reshape(28, 28)
            )
        digit, garment = pairs.y_train[n]
        assert [t.get_text() for t in ax.texts] == [str(digit), mnist_files.GARMENTS[garment]]


def test_pixel_statistics_are_those_of_the_training_split(root):
    pairs = raw(root)
    figure = plots.pixel_statistics(pairs)
    expected = [
        s(pairs.x_train[:, 784 * k : 784 * (k + 1)], 0).reshape(28, 28)
        for s in (np.mean, np.var)
        for k in (0, 1)
    ]
    for ax, values in zip(figure.axes, expected, strict=False):
        np.testing.assert_allclose(ax.images[0].get_array(), values, rtol=1e-4, atol=1e-6)
    assert [ax.get_title(loc="left") for ax in figure.axes[2:4]] == [
        f"{name}: variance, {784 - 24 * 24} of 784 pixels constant" for name in ("mnist", "fashion")
    ]
    assert ["brightness" in ax.get_ylabel() for ax in figure.axes[4:]] == [True, True]


@pytest.mark.parametrize("figure", [plots.samples, plots.pixel_statistics])
def test_figures_of_images_want_the_brightness_of_square_pictures(root, figure):
    with pytest.raises(SpecError, match="standardised=False"):
        figure(mnist(root))
    points = data.Dataset(
        np.ones((2, 3), np.float32),
        np.zeros((2, 1), int),
        np.ones((2, 3), np.float32),
        np.zeros((2, 1), int),
        (data.Task("a", range(3), range(1)),),
    )
    with pytest.raises(SpecError, match="no square image"):
        figure(points)


# the real files


@real
def test_the_real_pairs_are_complete_and_balanced():
    pairs = raw(None, pairing="file")
    assert (pairs.x_train.shape, pairs.x_test.shape) == ((60000, 1568), (10000, 1568))
    assert np.bincount(pairs.y_train[:, 0]).tolist() == [
        5923,
        6742,
        5958,
        6131,
        5842,
        5421,
        5918,
        6265,
        5851,
        5949,
    ]
    assert np.bincount(pairs.y_test[:, 0]).tolist() == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]
    assert (
        np.bincount(pairs.y_train[:, 1]).tolist() == [6000] * 10
        and np.bincount(pairs.y_test[:, 1]).tolist() == [1000] * 10
    )
    assert pairs.y_train[0].tolist() == [5, 9] and pairs.y_test[0].tolist() == [7, 9]
    assert (
        bytes_of(pairs.x_train[0, :784]).sum() == 27525
        and bytes_of(pairs.x_train[0, 784:]).sum() == 76247
    )
    for k, (mean, std) in enumerate(
        [(0.1307, 0.3081), (0.2860, 0.3530)]
    ):  # as everyone's normalisation has them
        pixels = pairs.x_train[:, 784 * k : 784 * (k + 1)].ravel()
        assert (round(float(pixels.mean(dtype=float)), 4), round(float(pixels.std()), 4)) == (
            mean,
            std,
        )


LOAD = """
import time
began = time.perf_counter()
from lth_utils import data
pairs = data.load(data.spec("mnist_fashion"))
seconds = time.perf_counter() - began
# ru_maxrss would start with the memory of the process that started this one
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
centred = (abs(pairs.x_train[:, ::50].mean(0)) < 1e-4).all()
print(peak * 1024, seconds, centred, int((pairs.x_train.std(0) == 0).sum()))
"""


@real
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_the_real_pairs_load_in_seconds_and_in_less_than_a_gigabyte():
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    peak, seconds, centred, constant = loaded.stdout.split()
    assert int(peak) < 0.8e9 and float(seconds) < 60
    assert (centred, constant) == ("True", "67")


@real
def test_real_labels_are_independent_when_paired_at_random():
    from scipy import stats

    y = mnist_fashion(size=1, seed=3).y_train
    table = np.histogram2d(*y.T, bins=(10, 10))[0]
    assert 1e-4 < stats.chi2_contingency(table).pvalue < 1 - 1e-4
    assert (y != mnist_fashion(size=1, seed=4).y_train).mean() > 0.8


@real
def test_a_small_network_learns_small_pictures():
    small = mnist_fashion(size=14, digits=[0, 1, 2], garments=[0, 1, 8], per_class=200)
    assert small.x_train.shape == (600, 392)
    _, training = trainer.train(
        population.init((392, 40, 20, 6), [0, 1]), small, TrainSpec(max_epochs=5)
    )
    for curve in training.curves:
        assert curve[-1] < 0.7 * curve[0]
    assert training.score.min() > 0.85
