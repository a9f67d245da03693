"""Damaged files of a store: each is named, none is used, and none stops the other runs."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pandas as pd
import pytest
import torch
from test_store import SPEC, change_done

from lth_utils import config, data, pruning
from lth_utils.config import PruneSpec, SpecError, expand, run_id
from lth_utils.runs import done_file, files, index, partial_file, record, sweep
from lth_utils.runs.batch import run_batch
from lth_utils.runs.files import StoreError
from lth_utils.runs.store import Store
from lth_utils.runs.unusable import CorruptRun

SPECS = expand(SPEC, {"seed": [0, 1]})


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    results = Store(tmp_path_factory.mktemp("outputs"))
    sweep.run(SPECS, results, device="cpu")
    results.table()
    return results


@pytest.fixture
def store(filled, tmp_path):
    """A copy of the filled store that a test may damage."""
    shutil.copytree(filled.root, tmp_path / "outputs")
    return Store(tmp_path / "outputs")


@pytest.fixture
def folder(store):
    """The folder of the first run."""
    return store.folder(run_id(SPECS[0]))


def interrupt(spec, store):
    """Leave a run with one finished level; its partial file."""
    events = run_batch([(spec, record.RunRecord())], store, torch.device("cpu"), Event())
    next(events)
    events.close()
    return store.folder(run_id(spec)) / "partial.npz"


# one damaged run and the others


@pytest.mark.parametrize("name", ["arrays.npz", "levels.csv", "spec.json", "done.json"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "deleted", "a folder"])
def test_a_damaged_run_is_left_out_and_computed_again(filled, store, folder, name, damage):
    if (name, damage) == ("done.json", "deleted"):
        pytest.skip("then the run is not finished")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 4
    (folder / name).unlink()
    if damage == "a folder":
        (folder / name).mkdir()
    elif damage != "deleted":
        kept = {"truncated": content[:-9], "flipped": content, "empty": b""}[damage]
        (folder / name).write_bytes(kept)
    with pytest.warns(RuntimeWarning, match=rf"left out: {folder} is corrupt: {name}"):
        assert set(store.table(SPECS)["seed"]) == {1}
    for use in (
        lambda: store.table(SPECS, strict=True),
        lambda: store.table(SPECS[:1]),
        lambda: store.ticket(run_id(SPECS[0])),
        lambda: sweep.run(SPECS, store, device="cpu", strict=True),
    ):
        with pytest.raises(CorruptRun, match=f"is corrupt: {name}"):
            use()
    assert [error.folder for error in store.check()] == [folder]
    with pytest.warns(RuntimeWarning, match="was moved to .* and is computed again"):
        report = sweep.run(SPECS, store, device="cpu")
    assert list(report.done) == [run_id(SPECS[0])] and report.reused == (run_id(SPECS[1]),)
    assert (store.root / "corrupt" / folder.name / "levels.csv").exists() or damage == "deleted"
    assert store.table(SPECS).equals(filled.table(SPECS)) and not store.check()


def test_a_file_in_the_place_of_a_run_is_set_aside(store, folder):
    shutil.rmtree(folder)
    folder.write_text("")
    with pytest.warns(RuntimeWarning, match="computed again"):
        assert sweep.run(SPECS, store, device="cpu").done


@pytest.mark.parametrize("name", ["levels.csv", "partial.npz", "anything"])
def test_a_folder_in_an_unfinished_run_is_set_aside_with_it(store, folder, name):
    shutil.rmtree(folder)
    (folder / name).mkdir(parents=True)
    assert [error.reason for error in store.check()] == [f"{name} is a folder"]
    with pytest.warns(RuntimeWarning, match="computed again"):
        assert sweep.run(SPECS, store, device="cpu").done
    assert not store.check()


def test_errors_of_runs_can_be_sent_by_a_worker():
    import pickle

    error = pickle.loads(pickle.dumps(CorruptRun("folder", "it is empty")))
    assert str(error).startswith("folder is corrupt: it is empty") and error.folder == "folder"


# done.json


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sha256": {}}, "its sha256 is {}; expected a checksum for each of spec.json"),
        ({"sha256": None}, "its sha256 is None"),
        ({"initial": "2026-01-01"}, "its initial is '2026-01-01'; expected a checksum"),
        ({"finished": "2026-13-01T00:00:00+00:00"}, "its finished is .* expected a date"),
        ({"finished": {}}, "its finished is {}"),
        ({"seconds": "2026-01-01"}, "its seconds is '2026-01-01'; expected a number"),
        ({"seconds": -1}, "its seconds is -1"),
        ({"seconds": True}, "its seconds is True"),
        ({"version": 1}, "its version is 1"),
        ({"numpy": []}, r"its numpy is \[\]"),
        ({"devise": "cpu"}, "unknown key devise"),
        ({"initial": "0" * 64}, "done.json has another checksum of the initial values"),
    ],
)
def test_a_mark_without_its_own_checksum_is_checked_key_by_key(store, folder, changes, reason):
    change_done(folder)
    assert store.check() == [] and store.ticket(folder.name)
    change_done(folder, **changes)
    with pytest.raises(CorruptRun, match=reason):
        store.ticket(folder.name)
    (error,) = store.check()
    assert error.folder == folder and re.search(reason, str(error))


@pytest.mark.parametrize("key", sorted(done_file.KEYS.keys() - set(done_file.OPTIONAL)))
def test_a_mark_that_lacks_a_key_is_damaged(store, folder, key):
    done = json.loads((folder / "done.json").read_text())
    del done[key], done["checksum"]
    (folder / "done.json").write_text(json.dumps(done))
    with pytest.raises(CorruptRun, match=f"it lacks {key}"):
        store.ticket(folder.name)
    assert [error.folder for error in store.check()] == [folder]


@pytest.mark.parametrize("content", ["[]", "null", "1", '"x"', "{}", "[" * 10**5, "\xff\xfe", ""])
def test_what_is_no_mark_is_damaged(store, folder, content):
    (folder / "done.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(CorruptRun, match=r"done\.json cannot be read"):
        store.provenance(folder.name)


def test_every_other_digit_of_a_mark_is_noticed(store, folder):
    text = (folder / "done.json").read_text()
    for place in [n for n, letter in enumerate(text) if letter.isdigit()][::7]:
        other = "1" if text[place] == "0" else "0"
        (folder / "done.json").write_text(text[:place] + other + text[place + 1 :])
        with pytest.raises(CorruptRun, match=r"done\.json cannot be read"):
            store.provenance(folder.name)


def test_initial_values_of_another_numpy_are_no_damage(store, folder, monkeypatch):
    monkeypatch.setattr(np, "__version__", "9.9.9")
    change_done(folder, initial="0" * 64)
    with pytest.raises(StoreError, match=r"drawn by this numpy \(9.9.9\)"):
        store.ticket(folder.name)
    assert store.check() == []


def test_arrays_that_disagree_with_the_table_are_damaged(store, folder):
    rows = pd.read_csv(folder / "levels.csv")
    levels = rows.assign(available=rows["available"] - 1).to_csv(index=False).encode()
    checksums = json.loads((folder / "done.json").read_text())["sha256"]
    (folder / "levels.csv").write_bytes(levels)
    change_done(folder, sha256={**checksums, "levels.csv": files.digest(levels)})
    with pytest.raises(CorruptRun, match="other counts of weights than the table"):
        store.ticket(folder.name)
    assert len(store.check()) == 1


# partial.npz


def test_the_levels_of_another_run_are_not_continued(filled, tmp_path):
    store, (first, second) = Store(tmp_path), SPECS
    theirs, mine = interrupt(first, store), interrupt(second, store)
    mine.write_bytes(theirs.read_bytes())
    with pytest.raises(CorruptRun, match=f"it belongs to {run_id(first)}"):
        store.load_partial(second)
    with pytest.warns(RuntimeWarning, match=f"{run_id(second)} is corrupt.* computed again"):
        sweep.run(SPECS, store, device="cpu")
    assert store.table(SPECS).equals(filled.table(SPECS))
    assert (store.root / "corrupt" / run_id(second) / "partial.npz").exists()


def resealed(content, **changes):
    """A partial file with other arrays and a checksum that fits."""
    arrays = {**files.unpack(content[:-32]), **changes}
    content = files.pack({k: v for k, v in arrays.items() if v is not None})
    return content + bytes.fromhex(files.digest(content))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: b"",
        lambda content: bytes(len(content)),
        lambda content: content[:99] + bytes([content[99] ^ 1]) + content[100:],
        lambda content: resealed(content, death=None),
        lambda content: resealed(content, last=None),
        lambda content: resealed(content, about=np.array("[]")),
        lambda content: resealed(content, about=np.array("{")),
        lambda content: resealed(content, death=np.zeros(55, np.uint8)),
        lambda content: resealed(content, trained0=np.zeros(3, np.float32)),
    ],
)
def test_damaged_levels_are_not_continued(filled, tmp_path, damage):
    store = Store(tmp_path)
    file = interrupt(SPECS[0], store)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(CorruptRun, match=r"partial\.npz"):
        store.load_partial(SPECS[0])
    assert len(store.check()) == 1
    with pytest.raises(CorruptRun):
        sweep.run(SPECS, store, device="cpu", strict=True)
    with pytest.warns(RuntimeWarning, match="computed again"):
        sweep.run(SPECS, store, device="cpu")
    assert store.table(SPECS).equals(filled.table(SPECS)) and not store.check()


# index.jsonl


def of_entries(*entries):
    """An index of such lines, with a checksum that fits."""
    text = "\n".join(json.dumps(entry) for entry in entries)
    return f"{index._index_checksum(text)}\n{text}".encode()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:200] + b"\xe9" + content[201:],
        lambda content: b"\xff" * 50,
        lambda content: content[:-100],
        lambda content: b"",
        lambda content: of_entries([]),
        lambda content: of_entries(1, "x", None),
        lambda content: of_entries({"run": "x"}),
        lambda content: of_entries(
            {**json.loads(content.split(b"\n")[1]), "levels": 5, "head": []},
            json.loads(content.split(b"\n")[2]),
        ),
        lambda content: of_entries({**json.loads(content.split(b"\n")[1]), "version": None}),
        lambda content: of_entries().replace(b"\n", b"\n{"),
    ],
)
def test_a_damaged_index_is_made_again_without_a_word(filled, store, damage):
    file = store.runs / "index.jsonl"
    file.write_bytes(damage(file.read_bytes()))
    assert store.table(SPECS).equals(filled.table(SPECS))
    assert sweep.run(SPECS, store, device="cpu").done == {} and store.check() == []
    assert index.read_index(store.runs).keys() == {run_id(spec) for spec in SPECS}


def test_an_index_that_cannot_be_read_or_written_stops_nobody(filled, store):
    (store.runs / "index.jsonl").unlink()
    (store.runs / "index.jsonl").mkdir()
    assert store.table(SPECS).equals(filled.table(SPECS))
    assert not sweep.run(SPECS, store, device="cpu").done


# folders that cannot be written


@pytest.fixture
def read_only(monkeypatch):
    """As on a file system that is mounted read-only, for every user."""

    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    for name in ("unlink", "replace", "rename", "remove", "mkdir"):
        monkeypatch.setattr(os, name, refuse)


def test_a_finished_store_can_be_used_where_nothing_can_be_written(filled, store, read_only):
    (store.runs / "index.jsonl").write_bytes(b"\xff")
    (store.folder(run_id(SPECS[0])) / "partial.npz").write_bytes(b"left behind")
    report = sweep.run(SPECS, store, device="cpu")
    assert not report.done and len(report.reused) == 2
    assert store.table(SPECS).equals(filled.table(SPECS)) and store.check() == []
    assert store.ticket(run_id(SPECS[0])).level == 2 and store.masks(run_id(SPECS[0]))


def test_what_is_left_to_do_there_is_refused_before_it_is_computed(store, read_only, monkeypatch):
    monkeypatch.setattr(sweep, "run_batch", lambda *_: pytest.fail("a run was computed"))
    with pytest.raises(StoreError, match=r"cannot write .*Read-only file system"):
        sweep.run(expand(SPEC, {"seed": [0, 7]}), store, device="cpu")


# what killed writers leave behind


def of_dead_writer(folder, name="done.json"):
    """A temporary file as a process leaves it that is killed while it writes."""
    code = f"""
import os, signal
from pathlib import Path
from threading import Event
from lth_utils.runs import files
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
files.write_atomically({str(folder / name)!r}, "half")
"""
    before = set(folder.iterdir())
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    (file,) = set(folder.iterdir()) - before
    return file


def test_temporary_files_of_dead_writers_are_removed_and_those_of_others_stay(store, folder):
    dead = of_dead_writer(folder)
    name, _, number = dead.name.rpartition(".")[0].rpartition(".")
    mine = folder / f"{name}.{os.getpid()}.abcdefgh"
    elsewhere = folder / f".done.json.another-host-1.{number}.abcdefgh"
    old = folder / ".done.json.abcdefgh"
    for file in (mine, elsewhere, old):
        file.write_text("half")
    os.utime(old, (time.time() - 2 * files.KEEP_TEMPORARY,) * 2)
    store.table()
    assert not dead.exists() and not old.exists() and mine.exists() and elsewhere.exists()
    os.utime(elsewhere, (time.time() - 2 * files.KEEP_TEMPORARY,) * 2)
    store.check(repair=True)
    assert mine.exists() and not elsewhere.exists()


def test_those_of_unfinished_runs_are_removed_when_these_are_computed(store):
    folder = store.folder(run_id(replace(SPEC, seed=5)))
    folder.mkdir()
    dead = of_dead_writer(folder, "partial.npz")
    sweep.run(expand(SPEC, {"seed": [5]}), store, device="cpu")
    assert not dead.exists()


def test_levels_left_beside_a_finished_run_are_removed(store, folder):
    (folder / "partial.npz").write_bytes(b"left behind")
    store.table()
    assert not (folder / "partial.npz").exists()


def test_finished_runs_are_durable_and_partial_files_cost_nothing(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync

    def noted(handle):
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    store = Store(tmp_path)
    interrupt(SPEC, store)
    assert synced == []
    sweep.run([SPEC], store, device="cpu")
    assert [name.split(".")[1] for name in synced[:4]] == ["spec", "levels", "arrays", "done"]
    assert synced[4:] == [run_id(SPEC)]


# many levels


def of_many_levels(levels):
    """A run that loses some of 4800 weights, whose training is as short as can be."""
    return replace(
        SPEC,
        base=(4, 800, 2),
        prune=PruneSpec(levels=levels, target=4200),
        train=replace(SPEC.train, max_epochs=1, patience=1, batch_size=100),
        stop_at=(),
    )


@pytest.mark.parametrize(("levels", "dtype"), [(2, "uint8"), (254, "uint8"), (255, "uint16")])
def test_levels_are_kept_in_as_many_bytes_as_they_need(tmp_path, levels, dtype):
    spec, kept = of_many_levels(levels), record.RunRecord()
    _, keep = pruning.plan(spec)
    values = np.zeros(5602, np.float32)
    for level, count in enumerate(keep):
        kept.add(
            spec,
            {"level": level, "available": count},
            mask=np.arange(4800) < count,
            start=values,
            trained=values,
            curve=np.zeros((1, 3)),
            last=values,
        )
    Store(tmp_path).save_partial(spec, kept)
    kept = Store(tmp_path).load_partial(spec)
    assert kept.pruned_at.dtype == dtype
    assert [kept.mask(level).sum() for level in range(levels + 1)] == keep


@pytest.mark.parametrize("levels", [255, 290])
def test_a_run_of_more_levels_than_a_byte_holds(tmp_path, levels):
    spec, store = of_many_levels(levels), Store(tmp_path)
    sweep.run([spec], store, device="cpu")
    table = store.table([spec])
    assert list(table["available"]) == pruning.plan(spec)[1] and len(table) == levels + 1
    masks = store.masks(run_id(spec))
    for level in (0, 254, 255, levels):
        ticket = store.ticket(run_id(spec), level)
        counts = {sum(int(m.sum()) for m in layers) for layers in (ticket.masks, masks[level])}
        assert counts == {table["available"][level]}
    assert store.check() == []


def test_an_old_run_with_more_levels_than_its_bytes_hold_is_damaged(store, folder):
    rows = store.table(SPECS[:1])
    arrays = {"death": np.full(55, 255, np.uint8)}
    many = rows.loc[rows.index.repeat(100)].reset_index(drop=True)
    many["level"] = range(300)
    with pytest.raises(ValueError, match="uint8, which is too small for 300 levels"):
        record.check_arrays(arrays, many, n_weights=55, n_parameters=67)


# the level of a ticket that is asked for without one


def test_the_ticket_of_a_single_task_is_its_last_level_that_is_not_degraded(filled):
    history = filled.history(run_id(SPECS[0]))
    rows = history.rows
    for statuses, one, two in (
        (["separated", "separated", "separated"], 2, 0),
        (["separated", "separated", "degraded"], 1, 0),
        (["interconnected", "separated", "separated"], 2, 1),
        (["degraded", "degraded", "degraded"], 2, 2),
    ):
        changed = replace(history, rows=rows.assign(status=statuses))
        assert changed._default_level(1) == one and changed._default_level(2) == two


def test_a_run_of_one_task_gives_a_pruned_ticket(tmp_path, monkeypatch):
    def single(seed=0):
        return data.Dataset(*one_task(), (data.Task("sign", range(0, 4), range(0, 1)),))

    monkeypatch.setitem(data.DATASETS, "single", single)
    spec = replace(SPEC, data=data.spec("single"), base=(4, 6, 1), prune=PruneSpec(0.3, 3))
    store = Store(tmp_path)
    sweep.run([spec], store, device="cpu")
    statuses = list(store.table([spec])["status"])
    last = max(n for n, status in enumerate(statuses) if status != "degraded")
    assert statuses[0] == "separated" and last > 0
    assert store.ticket(run_id(spec)).level == last


def one_task():
    x = np.random.default_rng(0).standard_normal((80, 4)).astype(np.float32)
    y = (x[:, :1] > 0).astype(np.int64)
    return x[:40], y[:40], x[40:], y[40:]


# relative folders


def test_a_relative_outputs_folder_is_one_place_from_everywhere(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LTH_OUTPUTS", "results")
    sweep.run(SPECS[:1], device="cpu")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(Store().table(SPECS[:1])) == 3 and not list((tmp_path / "elsewhere").iterdir())


def test_partial_files_name_their_run(tmp_path):
    store = Store(tmp_path)
    content = interrupt(SPEC, store).read_bytes()
    about = json.loads(str(files.unpack(content[:-32])["about"]))
    assert about["run"] == run_id(SPEC)
    del about["run"]
    file = store.folder(run_id(SPEC)) / partial_file.PARTIAL
    file.write_bytes(resealed(content, about=np.array(json.dumps(about))))
    with pytest.raises(CorruptRun, match="belongs to a run that it does not name"):
        store.load_partial(SPEC)


def test_a_spec_that_is_none_is_damage(store, folder):
    text = (folder / "spec.json").read_text().replace('"rate"', '"rote"')
    checksums = json.loads((folder / "done.json").read_text())["sha256"]
    (folder / "spec.json").write_text(text)
    change_done(folder, sha256={**checksums, "spec.json": files.digest(text.encode())})
    with pytest.raises(CorruptRun, match=r"spec\.json does not hold a spec"):
        store.spec(folder.name)
    with pytest.raises(SpecError):
        config.parse(type(SPEC), json.loads(text), "spec")


def test_a_mark_of_a_package_that_is_not_installed_is_whole(store, folder, monkeypatch):
    monkeypatch.setattr(done_file, "__version__", "0+unknown")
    content = (folder / "done.json").read_bytes()
    done = done_file.parse(content) | {"version": "0+unknown"}
    assert done_file.parse(done_file.seal(done).encode()) == done
