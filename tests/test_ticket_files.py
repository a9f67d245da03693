"""Ticket files: what was saved comes back, and nothing else does."""

import io
import json
import random
import tracemalloc
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from lth_utils.data import Task
from lth_utils.networks.layers import n_weights, split_mask
from lth_utils.networks.ticket import Ticket
from lth_utils.runs import files, ticket_files
from lth_utils.runs.files import StoreError

SHAPE = (4, 6, 2)
TASKS = (Task("circles", range(0, 2), range(0, 1)), Task("moons", range(2, 4), range(1, 2)))


@pytest.fixture(scope="module")
def ticket():
    """A pruned network with values drawn at random."""
    rng = np.random.default_rng(0)
    mask = rng.random(n_weights(SHAPE)) < 0.5
    kept = np.concatenate([mask, np.ones(8, bool)])
    values = rng.standard_normal((2, len(kept))).astype(np.float32) * kept
    return Ticket(
        shape=SHAPE,
        masks=split_mask(torch.from_numpy(mask)[None], SHAPE),
        initial=values[0],
        trained=values[1],
        tasks=TASKS,
        seed=3,
        level=2,
    )


@pytest.fixture
def whole(ticket, tmp_path):
    """The bytes of its file."""
    return ticket_files.save(ticket, tmp_path / "whole.npz").read_bytes()


@pytest.fixture
def refused(tmp_path):
    """Asserts that bytes are refused by an error that names the file."""

    def check(content, match="is not a ticket that was exported whole"):
        path = tmp_path / "damaged.npz"
        path.write_bytes(content)
        with pytest.raises(StoreError, match=match) as error:
            ticket_files.load(path)
        assert str(path) in str(error.value)

    return check


def same(ticket, other):
    values = [(ticket.initial, other.initial), (ticket.trained, other.trained)]
    equal = all(
        np.array_equal(a, b) for a, b in [*values, *zip(ticket.masks, other.masks, strict=True)]
    )
    about = ("shape", "tasks", "seed", "level")
    return equal and all(getattr(ticket, name) == getattr(other, name) for name in about)


def changed(content, words=None, **arrays):
    """The file with other arrays, None for one that is left out, and other words about it."""
    kept = files.unpack(content)
    if words is not None:
        kept["about"] = np.array(json.dumps(json.loads(str(kept["about"])) | words))
    kept |= arrays
    return files.pack({name: values for name, values in kept.items() if values is not None})


def test_a_ticket_comes_back_as_it_was(ticket, tmp_path):
    for saved in (ticket, replace(ticket, trained=None)):
        again = ticket_files.load(ticket_files.save(saved, tmp_path / "t.npz"))
        assert same(saved, again) and (again.trained is None) == (saved.trained is None)


def test_every_flipped_bit_is_named_or_changes_nothing(ticket, whole, tmp_path):
    rng, path, named = random.Random(0), tmp_path / "flipped.npz", 0
    for _ in range(600):
        content = bytearray(whole)
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        try:
            assert same(ticket_files.load(path), ticket)
        except StoreError as error:
            assert str(path) in str(error)
            named += 1
    assert named > 300


def test_every_length_but_its_own_is_named(whole, refused):
    for length in range(0, len(whole), 11):
        refused(whole[:length])


@pytest.mark.parametrize(
    ("words", "arrays"),
    [
        ({"kind": "another"}, {}),
        ({"shape": "4-6-2"}, {}),
        ({"shape": [4, 7, 2]}, {}),
        ({"shape": [4, 10**9, 2]}, {}),
        ({"shape": []}, {}),
        ({"shape": {}}, {}),
        ({"seed": -1}, {}),
        ({"seed": "2026-01-01"}, {}),
        ({"level": None}, {}),
        ({"level": 1.5}, {}),
        ({"tasks": []}, {}),
        ({"tasks": 5}, {}),
        ({"tasks": [["circles", 0, 2, 0, 1], ["moons", 2, 9, 1, 2]]}, {}),
        ({"tasks": [["circles", 0, 2, 0, 1], ["moons", 1, 4, 1, 2]]}, {}),
        ({"tasks": [[5, 0, 2, 0, 1]]}, {}),
        ({"tasks": [["circles", 0, 2, 0]]}, {}),
        (None, {"about": None}),
        (None, {"about": np.array("[]")}),
        (None, {"about": np.array("{")}),
        (None, {"about": np.array("[" * 10**5)}),
        (None, {"about": np.array(5)}),
        (None, {"about": np.array(["{}"])}),
        (None, {"mask": None}),
        (None, {"mask": np.zeros(4, np.uint8)}),
        (None, {"mask": np.zeros(6, np.uint8)}),
        (None, {"mask": np.zeros(5, bool)}),
        (None, {"mask": np.zeros(5, np.uint8)}),
        (None, {"initial": None}),
        (None, {"initial": np.ones(44, np.float32)}),
        (None, {"initial": np.ones(43, np.float32)}),
        (None, {"initial": np.zeros(44, np.float64)}),
        (None, {"initial": np.zeros((44, 1), np.float32)}),
        (None, {"trained": np.zeros(45, np.float32)}),
        (None, {"trained": np.zeros(44, np.complex64)}),
        (None, {"more": np.zeros(1)}),
    ],
)
def test_what_does_not_fit_together_is_named(whole, refused, words, arrays):
    refused(changed(whole, words, **arrays))


def rewritten(whole, member, change, compression=zipfile.ZIP_DEFLATED):
    """The file with one member's bytes changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(made, "w", compression) as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name == member else content)
    return made.getvalue()


def header(shape, descr="'<f4'"):
    """The beginning of an array that says it has this shape."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    "content",
    [
        header("(10**12,)"),
        header("(1000000000000,)") + bytes(176),
        header("(-44,)") + bytes(176),
        header("(44,)", "'|O'") + bytes(352),
        header("(44,)", "'<f4")[:-9],
        header("(44,)") + bytes(175),
        header("(44,)") + bytes(177),
        b"",
        b"\x93NUMPY\x09\x00",
    ],
)
def test_arrays_that_are_none_are_named(whole, refused, content):
    refused(rewritten(whole, "initial.npy", lambda _: content))


def test_other_kinds_of_archives_are_named(whole, refused):
    refused(rewritten(whole, "", None, zipfile.ZIP_LZMA)[:-60])
    method = bytearray(whole)
    for place in range(len(whole) - 4):
        if whole[place : place + 4] == b"PK\x01\x02":
            method[place + 10] = 99
    refused(bytes(method))
    encrypted = bytearray(whole)
    for place in range(len(whole) - 4):
        if whole[place : place + 4] == b"PK\x01\x02":
            encrypted[place + 8] |= 1
    refused(bytes(encrypted))
    with zipfile.ZipFile(empty := io.BytesIO(), "w"):
        pass
    refused(empty.getvalue())


def test_two_arrays_of_one_name_are_named(whole, refused):
    made = io.BytesIO(whole)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(made, "a") as archive:
        archive.writestr("mask.npy", b"")
    refused(made.getvalue(), "two arrays mask")


def test_a_small_file_that_unpacks_to_gigabytes_is_refused_before(whole, refused):
    """300 MB of zeros, which make a file of 300 KB."""
    arrays = {**files.unpack(whole), "trained": np.zeros(75_000_000, np.float32)}
    content = files.pack(arrays)
    assert len(content) < 400_000
    del arrays
    tracemalloc.start()
    refused(content, "trained is float32 .75000000,.; this network has float32 .44,.")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
    refused(changed(whole, about=np.array("x" * 2**20)), "no text of at most")


def test_files_that_are_not_there_or_folders_are_named(tmp_path):
    for path, reason in ((tmp_path / "none.npz", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(StoreError, match=f"cannot read {path}: {reason}"):
            ticket_files.load(path)
