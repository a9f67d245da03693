"""What can be chosen in the explorer: runs of a store, or tickets."""

import json
import time

import pytest
from explorer_cases import TASKS, explored_store, ids_in, odd_ticket, rows_of

from lth_utils import connectivity, explorer
from lth_utils.config import SpecError
from lth_utils.explorer import choices
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
    return explorer.explore(results, ids[5, 0])


@pytest.fixture
def odd():
    return odd_ticket()


def test_lists_say_what_became_of_each_run(box, results, ids):
    entries = results.entries()
    assert len(box.listed.options) == len(entries)
    for words, run_id in box.listed.options:
        statuses = [line["status"] for line in rows_of(results, run_id).to_dict("records")]
        assert f"network seed {entries[run_id]['head']['seed']} – " in words
        for word in ("separated", "degraded"):
            said = f"{word} at level {statuses.index(word)}" if word in statuses else word
            assert (said in words) == (word in statuses)


def test_seeds_say_whose_they_are():
    heads = [{"data": "d", "data.seed": n, "prune.schedule": "rate", "prune.target": 9,
              "prune.rate": 0.3} for n in (0, 1)]  # fmt: skip
    labels = choices.experiment_labels([tuple(head.items()) for head in heads])
    assert [label.rpartition(" · ")[2] for label in labels] == ["data seed 0", "data seed 1"]


def test_every_run_is_found_by_its_words_and_can_be_shown(box, results, ids):
    for run_id in results.entries():
        words = box.catalogue.words[run_id]
        assert run_id in box.catalogue.search(words.replace("·", " ").replace("–", " "))
        assert box.catalogue.search(run_id.upper()) == [run_id]
        box.search.value = run_id
        assert run_id in [key for _, key in box.listed.options]
        box.listed.value = run_id
        assert box.run == run_id == box.view.current_run.key
    box.search.value = "no such run"
    assert (
        box.run in [key for _, key in box.listed.options] and "(0 found)" in box.listed.description
    )
    assert len(box.catalogue.search("noise 0.2")) == 1
    box.search.value = ""


def test_experiments_that_would_read_the_same_say_how_they_differ(box):
    noise = {words[-9:] for words in box.catalogue.words.values() if "noise" in words}
    assert noise == {"noise 0.1", "noise 0.2"}


def test_an_empty_store_says_how_to_make_runs(tmp_path):
    box = explorer.explore(Store(tmp_path / "nowhere"))
    assert "make reproduce" in box.note.value and box.view is None
    assert "empty" in explorer.explore([]).note.value


def test_the_default_is_the_store_of_the_project(results, monkeypatch):
    monkeypatch.setenv("LTH_OUTPUTS", str(results.root))
    assert explorer.explore().run in results.entries()


def test_hundreds_of_runs_are_listed_in_no_time(results, ids, tmp_path, monkeypatch):
    entry = results.entries()[ids[5, 0]]
    many = {f"run{n}": {**entry, "head": {**entry["head"], "seed": n}} for n in range(800)}
    monkeypatch.setattr(Store, "read_entries", lambda self: (many, []))
    began = time.thread_time()
    catalogue = choices.catalogue_of_store(Store(tmp_path))
    assert time.thread_time() - began < 2
    assert list(catalogue.words) == [f"run{n}" for n in range(800)]


# runs that cannot be shown


def test_damaged_runs_are_left_out_and_counted(results, tmp_path):
    copy = Store(tmp_path)
    results.copy(results.entries(), copy)
    victim = sorted(copy.entries())[0]
    (copy.folder(victim) / "levels.csv").write_text("level\n")
    box = explorer.explore(copy)
    assert "1 damaged" in box.note.value
    assert victim not in box.catalogue.words


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
    box = explorer.explore(results)
    assert sorted(box.catalogue.words) == sorted({} if alone else entries)
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
    box = explorer.explore(copy)
    assert sorted(box.catalogue.words) == ours
    assert f": 1, such as <code>{theirs}</code>" in box.note.value


def test_a_run_damaged_meanwhile_is_said_and_the_others_stay(results, ids, tmp_path):
    copy = Store(tmp_path)
    results.copy(results.entries(), copy)
    box = explorer.explore(copy, ids[5, 0])
    second = next(key for _, key in box.listed.options if key != ids[5, 0])
    (copy.folder(second) / "arrays.npz").write_bytes(b"")
    box.listed.value = second
    assert "Not shown" in box.message.value and box.run == box.listed.value == ids[5, 0]
    box.level = 1
    assert box.view.level == 1


# tickets without a store


def test_a_list_of_tickets_is_explored_at_its_own_levels(results, ids):
    box = explorer.explore([results.ticket(ids[5, 0], level) for level in (4, 0, 2)])
    (packed,) = box.view.runs
    assert packed["rows"]["level"] == [0, 2, 4]
    for level in (0, 2, 4):
        box.level = level
        (status,) = connectivity.status(results.ticket(ids[5, 0], level).masks, TASKS)
        assert packed["rows"]["status"][box.view.row] == status
    with pytest.raises(SpecError, match="level is 3"):
        box.level = 3


@pytest.mark.parametrize("given", [["no ticket"], [None]])
def test_anything_else_is_refused(given):
    with pytest.raises(SpecError, match="expected a Store, a list of Tickets"):
        explorer.explore(given)


def test_two_tickets_of_one_place_are_refused(odd):
    with pytest.raises(SpecError, match="two tickets are 2-3-3-2, seed 0, level 4"):
        explorer.explore([odd, odd])
