"""Runs on disk: addressed by their spec, whole or not there, checked before they are used."""

import itertools
import json
import shutil
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from lth_utils import config, connectivity, data
from lth_utils.config import PruneSpec, RunSpec, SpecError, TrainSpec, expand, run_id
from lth_utils.networks import population
from lth_utils.publish import products
from lth_utils.runs import files, graded, index, record, sweep
from lth_utils.runs.files import StoreError
from lth_utils.runs.store import Store
from lth_utils.runs.unusable import CorruptRun
from lth_utils.training import trainer

SPEC = RunSpec(
    data.spec("moons_circles", n_samples=60),
    base=(4, 5, 5, 2),
    train=TrainSpec(batch_size=32, patience=2, max_epochs=4),
    prune=PruneSpec(rate=0.3, levels=2, schedule="extension"),
)


def change_done(folder, **changes):
    """Change values of ``done.json`` as a version without its own checksum would have written."""
    path = folder / "done.json"
    done = json.loads(path.read_text()) | changes
    done.pop("checksum", None)
    path.write_text(json.dumps(done))


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    results = Store(tmp_path_factory.mktemp("outputs"))
    specs = expand(SPEC, {"seed": [0, 1]})
    sweep.run(specs, results, device="cpu")
    return results, specs


@pytest.fixture
def damaged(filled, tmp_path):
    """A copy of the filled store that a test may damage."""
    shutil.copytree(filled[0].root, tmp_path / "outputs")
    return Store(tmp_path / "outputs"), filled[1]


def test_table_has_one_row_per_run_and_level_with_the_spec_as_columns(filled):
    table = filled[0].table(filled[1])
    assert list(table["level"]) == [0, 1, 2, 0, 1, 2]
    assert list(table["seed"]) == [0, 0, 0, 1, 1, 1]
    assert set(table["prune.rate"]) == {0.3} and set(table["base"]) == {"4-5-5-2"}
    assert (table["available"] == table["active"] + table["inactive"] + table["zombie"]).all()


def test_graded_structure_stands_beside_the_levels_where_it_is_asked_for(filled):
    results, specs = filled
    plain, table = results.table(specs), results.table(specs, graded=True)
    assert list(table.columns) == [*plain.columns, *graded.COLUMNS]
    assert table[plain.columns].equals(plain)
    for spec in specs:
        history = results.history(run_id(spec))
        for level, masks in enumerate(history.masks()):
            (found,) = connectivity.graded(masks, history.tasks)
            (row,) = table[(table["run"] == run_id(spec)) & (table["level"] == level)].to_dict(
                "records"
            )
            for name in graded.COLUMNS:
                assert row[name] == pytest.approx(getattr(found, name), nan_ok=True)
    assert (table["lambda2"] > 0).any()
    assert Store("/nowhere").table(graded=True).empty


def test_levels_that_are_too_large_have_no_graded_structure(filled):
    results, specs = filled
    history = results.history(run_id(specs[0]))
    available = [sum(int(mask.sum()) for mask in masks) for masks in history.masks()]
    found = graded.graded_columns(history.masks(), history.tasks, most_weights=available[1])
    assert list(found["lambda2"].isna()) == [True, False, False]


def test_missing_runs_are_reported(filled):
    with pytest.raises(StoreError, match=r"1 of 3 runs are not finished"):
        filled[0].table(expand(SPEC, {"seed": [0, 1, 2]}))


def test_ticket_is_the_trained_network(filled):
    results, specs = filled
    table = results.table(specs[:1])
    for level in range(3):
        ticket = results.ticket(run_id(specs[0]), level)
        assert sum(int(m.sum()) for m in ticket.masks) == table["available"][level]
        dataset = data.load(SPEC.data)
        with torch.no_grad():
            hits = (ticket.model()(torch.from_numpy(dataset.x_test)) > 0).numpy() == dataset.y_test
        assert hits.mean() == pytest.approx(table["accuracy"][level], abs=1e-9)
        for linear, mask in zip(
            [m for m in ticket.model() if hasattr(m, "weight")], ticket.masks, strict=True
        ):
            assert not linear.weight.detach()[~mask[0]].any()


def test_ticket_starts_from_the_initial_values_of_its_seed(filled):
    results, specs = filled
    ticket = results.ticket(run_id(specs[1]), 2)
    mask = np.concatenate([m.flatten().numpy() for m in ticket.masks])
    expected = population.initial_values(ticket.shape, 1)
    assert np.array_equal(
        ticket.values("initial")[: len(mask)], np.where(mask, expected[: len(mask)], 0)
    )


def test_ticket_errors_say_what_is_there(filled):
    with pytest.raises(SpecError, match="levels 0 to 2"):
        filled[0].ticket(run_id(filled[1][0]), 7)
    with pytest.raises(StoreError, match="no finished run nonsense"):
        filled[0].ticket("nonsense")


@pytest.mark.parametrize("name", ["arrays.npz", "levels.csv", "spec.json"])
def test_a_truncated_file_is_named_and_never_used(damaged, name):
    results, specs = damaged
    file = results.folder(run_id(specs[1])) / name
    file.write_bytes(file.read_bytes()[:-20])
    for use in (
        lambda: results.table(specs, strict=True),
        lambda: sweep.run(specs, results, device="cpu", strict=True),
        lambda: results.ticket(run_id(specs[1])),
    ):
        with pytest.raises(
            CorruptRun, match=f"{run_id(specs[1])} is corrupt: {name}.*check --repair"
        ):
            use()


def test_a_missing_file_and_an_unreadable_mark_are_corrupt_too(damaged):
    results, specs = damaged
    (results.folder(run_id(specs[0])) / "arrays.npz").unlink()
    (results.folder(run_id(specs[1])) / "done.json").write_text("{")
    for spec, reason in zip(
        specs, ("arrays.npz is missing", "done.json cannot be read"), strict=True
    ):
        with pytest.raises(CorruptRun, match=reason):
            results.provenance(run_id(spec))


def test_repair_sets_corrupt_runs_aside_and_the_next_sweep_computes_them_again(damaged):
    results, specs = damaged
    before = results.table(specs)
    (results.folder(run_id(specs[0])) / "levels.csv").write_text("")
    assert [e.folder.name for e in results.check(repair=True)] == [run_id(specs[0])]
    assert not results.done(run_id(specs[0])) and results.check() == []
    report = sweep.run(specs, results, device="cpu")
    assert list(report.done) == [run_id(specs[0])] and report.reused == (run_id(specs[1]),)
    assert results.table(specs).equals(before)


def test_a_run_moved_to_another_address_is_refused(damaged):
    results, specs = damaged
    results.folder(run_id(specs[0])).rename(results.folder("elsewhere--000000000000"))
    with pytest.raises(CorruptRun, match="its spec belongs to"):
        results.spec("elsewhere--000000000000")


def test_a_truncated_partial_run_is_named(damaged):
    results, _ = damaged
    spec = config.expand(SPEC, {"seed": [9]})[0]
    finished = record.RunRecord()
    values = np.ones(6, np.float32)
    finished.add(
        spec,
        {"level": 0, "status": "interconnected"},
        mask=np.ones(4, bool),
        start=values,
        trained=values,
        curve=np.ones((3, 3)),
        last=values,
    )
    results.save_partial(spec, finished)
    assert results.load_partial(spec).rows == finished.rows
    file = results.folder(run_id(spec)) / "partial.npz"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CorruptRun, match=r"partial.npz does not match"):
        sweep.run([spec], results, device="cpu", strict=True)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    files.write_atomically(tmp_path / "a.txt", "before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreError, match=r"cannot write .*a.txt: No space left on device"):
        files.write_atomically(tmp_path / "a.txt", "after")
    assert (tmp_path / "a.txt").read_text() == "before" and len(list(tmp_path.iterdir())) == 1


def test_outputs_that_cannot_be_written_are_a_clear_error(tmp_path, monkeypatch):
    (tmp_path / "outputs").write_text("a file where the folder should be")
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path / "outputs"))
    with pytest.raises(StoreError, match="LTH_OUTPUTS"):
        products.write_facts("smoke", "01", {"a": 1})


def test_read_only_outputs_are_a_clear_error(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        (tmp_path / "probe").touch()
        pytest.skip("this user may write to read-only folders")
    except PermissionError:
        with pytest.raises(StoreError, match="cannot write"):
            sweep.run([SPEC], Store(tmp_path), device="cpu")
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_trained_values_of_large_levels_are_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "KEEP_TRAINED", 60)
    results = Store(tmp_path)
    sweep.run([SPEC], results, device="cpu")
    large, small = (results.ticket(run_id(SPEC), level) for level in (0, 2))
    assert large.trained is None and small.trained is not None
    with pytest.raises(SpecError, match="were not kept"):
        large.model()
    assert large.model("initial")(torch.zeros(1, 4)).shape == (1, 2)


def test_the_index_saves_reading_the_runs_and_changes_nothing(damaged, monkeypatch):
    results, specs = damaged
    (results.runs / "index.jsonl").unlink(missing_ok=True)
    fresh = results.table()
    monkeypatch.setattr(index, "make_entry", lambda *_: pytest.fail("the index has this run"))
    assert results.table().equals(fresh) and results.table(specs).equals(fresh)


def of_other_fields(text):
    """The index as a package wrote it whose specs had other fields."""
    _, _, entries = text.partition("\n")
    return f"{files.digest(entries.encode())}\n{entries}"


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-30],
        lambda text: text.replace("0.", "1.", 1),
        lambda text: "",
        of_other_fields,
    ],
)
def test_a_damaged_or_foreign_index_is_made_again(damaged, damage):
    results, _ = damaged
    before, file = results.table(), results.runs / "index.jsonl"
    file.write_text(damage(file.read_text()))
    assert results.table().equals(before) and index.read_index(results.runs)


def test_a_run_computed_again_replaces_what_the_index_says(damaged):
    results, specs = damaged
    results.table()
    folder = results.folder(run_id(specs[0]))
    levels = (folder / "levels.csv").read_text().replace("interconnected", "degraded")
    checksums = json.loads((folder / "done.json").read_text())["sha256"]
    (folder / "levels.csv").write_text(levels)
    change_done(folder, sha256=checksums | {"levels.csv": files.digest(levels.encode())})
    assert set(results.table(specs[:1])["status"]) == {"degraded"}


def test_runs_of_an_older_version_are_kept_apart(damaged):
    results, specs = damaged
    change_done(results.folder(run_id(specs[0])), version="0.0.7")
    assert not results.done(run_id(specs[0])) and set(results.table()["seed"]) == {1}
    with pytest.raises(StoreError, match="1 of 2 runs are not finished"):
        results.table(specs)
    assert list(sweep.run(specs, results, device="cpu").done) == [run_id(specs[0])]
    aside = results.root / "older" / "0.0.7" / run_id(specs[0]) / "done.json"
    assert json.loads(aside.read_text())["version"] == "0.0.7"
    assert set(results.table()["seed"]) == {0, 1}


def test_a_full_disk_stops_the_sweep_with_the_reason_and_what_is_finished_stays(
    tmp_path, monkeypatch
):
    results, make, room = Store(tmp_path), tempfile.NamedTemporaryFile, [14]

    def nearly_full(*args, **options):
        room[0] -= 1
        if room[0] < 0:
            raise OSError(28, "No space left on device")
        return make(*args, **options)

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", nearly_full)
    specs = expand(SPEC, {"seed": list(range(6))})
    with pytest.raises(StoreError, match="No space left on device"):
        sweep.run(specs, results, device="cpu", threads=1)
    finished = [s for s in specs if results.done(run_id(s))]
    assert 0 < len(finished) < len(specs)
    room[0] = 10**6
    assert (
        len(sweep.run(specs, results, device="cpu").reused) == len(finished)
        and results.check() == []
    )


def test_the_tickets_of_a_rewound_run_start_from_what_each_level_was_trained_from(tmp_path):
    spec, results = replace(SPEC, prune=replace(SPEC.prune, rewind=2)), Store(tmp_path)
    sweep.run([spec], results, device="cpu")
    start = population.init(results.ticket(run_id(spec), 0).shape, [0])
    early, _ = trainer.train(
        start, data.load(SPEC.data), replace(SPEC.train, max_epochs=2, patience=2)
    )
    for level in range(3):
        ticket = results.ticket(run_id(spec), level)
        weights = np.concatenate([m.flatten().numpy() for m in ticket.masks])
        available = np.concatenate([weights, np.ones(len(ticket.initial) - len(weights), bool)])
        values = (early if level else start).parameters[0].numpy()
        assert np.array_equal(ticket.initial, np.where(available, values, np.float32(0)))
    again = replace(
        start, parameters=torch.from_numpy(results.ticket(run_id(spec), 0).initial)[None]
    )
    trained, _ = trainer.train(again, data.load(SPEC.data), SPEC.train)
    assert np.array_equal(trained.parameters[0], results.ticket(run_id(spec), 0).trained)


def test_masks_of_every_level_are_nested_and_have_the_counts_of_the_table(filled):
    results, specs = filled
    masks, table = results.masks(run_id(specs[0])), results.table(specs[:1])
    assert [sum(int(m.sum()) for m in level) for level in masks] == list(table["available"])
    for before, after in itertools.pairwise(masks):
        assert all(not (a & ~b).any() for a, b in zip(after, before, strict=True))


def test_runs_of_earlier_versions_can_be_read_since_the_names_on_disk_stay(filled):
    results, specs = filled
    with np.load(results.folder(run_id(specs[0])) / "arrays.npz") as arrays:
        assert set(arrays) == {"death", "trained0", "trained1", "trained2"}


def test_a_copied_run_is_the_same_run(filled, tmp_path):
    results, specs = filled
    other = Store(tmp_path)
    results.copy([run_id(specs[0])], other)
    assert other.table().equals(results.table(specs[:1])) and other.check() == []


@pytest.mark.parametrize("long", [5, 10**6])
def test_a_kept_table_comes_back_as_it_was(filled, tmp_path, monkeypatch, long):
    results, specs = filled
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    monkeypatch.setattr("lth_utils.publish.products.LONG", long)
    table = results.table(specs)
    path = products.write_table("smoke", "levels", table, results.about(specs))
    assert path.name == ("levels.csv.gz" if long == 5 else "levels.csv")
    back = products.read_table("smoke", "levels", specs)
    assert set(back.columns) == set(table.columns)
    for column in table:
        if table[column].dtype.kind == "f" and table[column].notna().any():
            assert back[column].to_numpy() == pytest.approx(table[column].to_numpy(), rel=1e-5)
        elif table[column].notna().any():
            assert list(back[column]) == list(table[column])
    about = json.loads((tmp_path / "smoke" / "tables" / "levels.json").read_text())
    assert about["runs"] == 2 and about["seeds"] == [0, 1]
    assert about["device"] == ["cpu"] and about["seconds"] > 0


def test_a_kept_table_must_hold_the_runs_asked_for(filled, tmp_path, monkeypatch):
    results, specs = filled
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    with pytest.raises(StoreError, match=r"no table .*levels.csv; .* train: true"):
        products.read_table("smoke", "levels")
    products.write_table("smoke", "levels", results.table(specs), results.about(specs))
    with pytest.raises(StoreError, match="1 of them are missing or too many"):
        products.read_table("smoke", "levels", specs[:1])


def test_a_shared_table_keeps_what_other_notebooks_wrote(tmp_path, monkeypatch):
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    for rows in (
        {"claim": ["1", "10"], "verdict": ["agrees", "differs"]},
        {"claim": ["3"], "verdict": ["cannot tell"]},
        {"claim": ["1"], "verdict": ["differs"]},
    ):
        products.update_table("smoke", "verdicts", pd.DataFrame(rows), "claim")
    back = pd.read_csv(tmp_path / "smoke" / "tables" / "verdicts.csv", dtype=str)
    assert back.to_numpy().tolist() == [["1", "differs"], ["3", "cannot tell"], ["10", "differs"]]


def test_provenance_says_with_what_and_how_long(filled):
    done = json.loads((filled[0].folder(run_id(filled[1][0])) / "done.json").read_text())
    assert done["torch"] == torch.__version__ and done["device"] == "cpu" and done["seconds"] > 0
    assert set(done["sha256"]) == {"spec.json", "levels.csv", "arrays.npz"}
