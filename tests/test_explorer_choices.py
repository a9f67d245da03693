"""What can be chosen in the explorer: runs of a store, or tickets."""

import json
import time

import pytest
from explorer_cases import TASKS, explored_store, ids_in, odd_ticket, rows_of

from lth_utils import connectivity
from lth_utils.config import SpecError
from lth_utils.explorer import choices, widgets
from lth_utils.runs import files
from lth_utils.runs.store import Store


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return explored_store(tmp_path_factory.mktemp("explored"))


@pytest.fixture(scope="module")
def ids(results):
    return ids_in(results)


@pytest.fixture
def box(results, ids):
    return widgets.explore(results, ids[5, 0])


@pytest.fixture
def odd():
    return odd_ticket()


def test_lists_say_what_became_of_each_run(box, results, ids):
    entries = results.entries()
    for words, run_id in box.first.run.options:
        statuses = [line["status"] for line in rows_of(results, run_id).to_dict("records")]
        assert words.startswith(f"seed {entries[run_id]['head']['seed']} – ")
        for word in ("separated", "degraded"):
            assert (
                (f"{word} at level {statuses.index(word)}" in words)
                if word in statuses
                else (word not in words)
            )


def test_experiments_that_would_read_the_same_say_how_they_differ(box):
    assert len(box.first.experiment.options) == len(set(box.first.experiment.options))
    assert {e[-9:] for e in box.first.experiment.options if "noise" in e} == {
        "noise 0.1",
        "noise 0.2",
    }


def test_every_run_can_be_reached_and_is_what_the_lists_say(box, results):
    reached = []
    for experiment in box.first.experiment.options:
        box.first.experiment.value = experiment
        for size in box.first.size.options:
            box.first.size.value = size
            for _, run_id in box.first.run.options:
                box.first.run.value = run_id
                assert box.first.current_run.key == run_id and "Level" in box.first.words.value
                reached.append(run_id)
    assert sorted(reached) == sorted(results.entries())


def test_an_empty_store_says_how_to_make_runs(tmp_path):
    box = widgets.explore(Store(tmp_path / "nowhere"))
    assert "make reproduce" in box.note.value and len(box.children) == 1
    assert "empty" in widgets.explore([]).note.value


def test_the_default_is_the_store_of_the_project(results, monkeypatch):
    monkeypatch.setenv("LTH_OUTPUTS", str(results.root))
    assert widgets.explore().first.current_run.key in results.entries()


def test_hundreds_of_runs_are_listed_in_no_time(results, ids, tmp_path, monkeypatch):
    entry = results.entries()[ids[5, 0]]
    many = {f"run{n}": {**entry, "head": {**entry["head"], "seed": n}} for n in range(800)}
    monkeypatch.setattr(Store, "read_entries", lambda self: (many, []))
    began = time.thread_time()
    catalogue = choices.catalogue_of_store(Store(tmp_path))
    assert time.thread_time() - began < 2
    assert [k for runs in next(iter(catalogue.tree.values())).values() for _, k in runs] == [
        f"run{n}" for n in range(800)
    ]


# runs that cannot be shown


def test_damaged_runs_are_left_out_and_counted(results, tmp_path):
    copy = Store(tmp_path)
    results.copy(results.entries(), copy)
    victim = sorted(copy.entries())[0]
    (copy.folder(victim) / "levels.csv").write_text("level\n")
    box = widgets.explore(copy)
    assert "1 damaged" in box.note.value
    assert victim not in [
        k for sizes in box.catalogue.tree.values() for runs in sizes.values() for _, k in runs
    ]


@pytest.mark.parametrize("alone", [False, True])
def test_networks_of_another_kind_are_left_out_and_the_note_says_why(
    results, ids, monkeypatch, alone
):
    entries = results.entries()
    unlike = {
        **entries[ids[5, 0]],
        "head": {**entries[ids[5, 0]]["head"], "base": "3x32-6x5x2-16x5x2-120-84-10"},
    }
    given = {"images-3x32": unlike} | ({} if alone else entries)
    monkeypatch.setattr(Store, "read_entries", lambda self: (given, []))
    box = widgets.explore(results)
    listed = [
        k for sizes in box.catalogue.tree.values() for runs in sizes.values() for _, k in runs
    ]
    assert sorted(listed) == sorted({} if alone else entries)
    assert (
        "another kind of network" in box.note.value
        and ": 1, such as <code>images-3x32</code>" in box.note.value
    )
    assert "No finished runs" not in box.note.value


def test_a_run_of_a_version_that_knows_more_is_left_out_too(results, tmp_path):
    copy = Store(tmp_path)
    results.copy(results.entries(), copy)
    ours, theirs = sorted(results.entries())[1:], sorted(results.entries())[0]
    folder = copy.folder(theirs)
    spec = {**json.loads((folder / "spec.json").read_text()), "unheard_of": 1}
    address = files.digest(json.dumps(spec).encode())
    (folder / "spec.json").write_text(json.dumps(spec))
    done = json.loads((folder / "done.json").read_text())
    del done["checksum"]
    done["sha256"]["spec.json"] = address
    (folder / "done.json").write_text(json.dumps(done))
    theirs = f"{theirs.rpartition('--')[0]}--{address[:12]}"
    folder.rename(copy.folder(theirs))
    box = widgets.explore(copy)
    assert (
        sorted(
            k for sizes in box.catalogue.tree.values() for runs in sizes.values() for _, k in runs
        )
        == ours
    )
    assert f": 1, such as <code>{theirs}</code>" in box.note.value


def test_a_run_damaged_meanwhile_is_said_and_the_others_stay(results, ids, tmp_path):
    copy = Store(tmp_path)
    results.copy(results.entries(), copy)
    box = widgets.explore(copy, ids[5, 0])
    (_, first), (_, second) = box.first.run.options[:2]
    box.first.run.value = first
    (copy.folder(second) / "arrays.npz").write_bytes(b"")
    box.first.run.value = second
    assert (
        "cannot be shown" in box.first.words.value
        and box.picture.layout.visibility == "hidden"
        and box.export_ticket.disabled
    )
    box.first.run.value = first
    assert "Level" in box.first.words.value and box.picture.layout.visibility == "visible"


# tickets without a store


def test_a_list_of_tickets_is_explored_at_its_own_levels(results, ids):
    box = widgets.explore([results.ticket(ids[5, 0], level) for level in (4, 0, 2)])
    assert not box.first.slider.readout and box.first.slider.max == 2
    for position, level in enumerate((0, 2, 4)):
        box.first.slider.value = position
        (status,) = connectivity.status(results.ticket(ids[5, 0], level).masks, TASKS)
        assert f"Level {level}: {status}." in box.first.words.value


@pytest.mark.parametrize("given", [["no ticket"], [None]])
def test_anything_else_is_refused(given):
    with pytest.raises(SpecError, match="expected a Store, a list of Tickets"):
        widgets.explore(given)


def test_two_tickets_of_one_place_are_refused(odd):
    with pytest.raises(SpecError, match="two tickets are 2-3-3-2, seed 0, level 4"):
        widgets.explore([odd, odd])
