"""Files exported from the explorer are read back."""

import io
import re
import zlib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from conftest import ROOT
from explorer_cases import explored_store, ids_in, odd_ticket
from PIL import Image

from lth_utils import explorer
from lth_utils.networks.ticket import Ticket
from lth_utils.runs import ticket_files
from lth_utils.runs.files import StoreError
from lth_utils.viewer.words import level_in_words


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return explored_store(tmp_path_factory.mktemp("explored"))


@pytest.fixture(scope="module")
def ids(results):
    return ids_in(results)


@pytest.fixture
def box(results, ids):
    return explorer.explore(results, ids[5, 0])


@pytest.fixture
def odd():
    return odd_ticket()


def same(a, b):
    trained = (a.trained is None) == (b.trained is None) and (
        a.trained is None or np.array_equal(a.trained, b.trained)
    )
    return (
        trained
        and np.array_equal(a.initial, b.initial)
        and all(torch.equal(m, n) for m, n in zip(a.masks, b.masks, strict=True))
        and ((a.shape, a.tasks, a.seed, a.level) == (b.shape, b.tasks, b.seed, b.level))
    )


def metadata(kind, content):
    """Title and description of a picture, as other programs find them."""
    if kind == "png":
        found = Image.open(io.BytesIO(content)).info
        return {"Title": found["Title"], "About": found["Description"]}
    if kind == "svg":
        found = {
            e.tag.rpartition("}")[2]: "".join(e.itertext()).strip()
            for e in reversed(list(ElementTree.fromstring(content).iter()))
        }
        return {"Title": found["title"], "About": found["description"]}
    found = dict(re.findall(rb"/(Title|Subject) \((.*?)(?<!\\)\)", content, re.S))
    text = {n.decode(): re.sub(rb"\\(.)", rb"\1", t, flags=re.S) for n, t in found.items()}
    text = {
        n: t.decode("utf-16" if t.startswith(b"\xfe\xff") else "ascii") for n, t in text.items()
    }
    return {"Title": text["Title"], "About": text["Subject"]}


def readable_parts(kind, content):
    """The bytes of a picture, those packed inside a PDF unpacked."""
    packed = re.findall(rb"stream\r?\n(.*?)endstream", content, re.S) if kind == "pdf" else []
    return content + b"".join(
        zlib.decompressobj().decompress(part) for part in packed if part.startswith(b"x")
    )


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_picture_is_exported_with_where_it_comes_from(box, results, ids, kind):
    box.level = 3
    path = box.save_picture(kind)
    assert path.parent == results.root / "exports"
    assert path.name == f"{ids[5, 0]}-level3-by-state.{kind}"
    content = path.read_bytes()
    assert content.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind])
    assert len(content) > 10_000
    words = level_in_words(box.view.current_run, 3)
    said = metadata(kind, content)
    assert said["Title"] == f"{ids[5, 0]}-level3"
    assert said["About"].startswith(f"{words}; lth_utils ") and "torch" in said["About"]
    readable = readable_parts(kind, content)
    for private in (ROOT, results.root, Path.home(), Path.cwd()):
        assert str(private).encode() not in readable
        assert str(private).encode("utf-16-be") not in readable
    again = explorer.explore(results, ids[5, 0], level=3)
    assert again.save_picture(kind).read_bytes() == content


def test_the_exported_ticket_is_read_back_equal(box, results, ids):
    for level in (0, 4):
        box.level = level
        box.export_ticket.click()
        path = results.root / "exports" / f"{ids[5, 0]}-level{level}.npz"
        assert str(path) in box.message.value
        assert same(ticket_files.load(path), results.ticket(ids[5, 0], level))
    assert not same(ticket_files.load(path), results.ticket(ids[5, 0], 0))


def test_a_ticket_without_trained_values_is_read_back_too(odd, tmp_path):
    bare = Ticket(odd.shape, odd.masks, odd.initial, None, odd.tasks, odd.seed, odd.level)
    assert same(ticket_files.load(ticket_files.save(bare, tmp_path / "bare.npz")), bare)


def test_other_files_are_refused_by_name(odd, tmp_path):
    whole = ticket_files.save(odd, tmp_path / "whole.npz").read_bytes()
    np.savez(tmp_path / "other.npz", weights=np.ones(3))
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.npz").write_bytes(b"")
    for name in ("other", "cut", "empty", "missing"):
        with pytest.raises(StoreError, match=f"{name}.npz"):
            ticket_files.load(tmp_path / f"{name}.npz")


def test_an_export_that_cannot_be_written_is_said(box, tmp_path):
    (tmp_path / "file").write_text("")
    object.__setattr__(box.catalogue, "exports", tmp_path / "file" / "exports")
    for button in (box.export_ticket, box.export_picture):
        box.message.value = ""
        button.click()
        assert "Not written" in box.message.value and "cannot write" in box.message.value
