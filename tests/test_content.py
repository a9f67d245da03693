"""Data sets of one's own: their address is their content, and they lie beside the runs."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from lth_utils import data
from lth_utils.config import DataSpec, PruneSpec, RunSpec, SpecError, TrainSpec, run_id
from lth_utils.data import registry
from lth_utils.data.image_files import DataError
from lth_utils.explorer import choices
from lth_utils.runs import kept_data, sweep
from lth_utils.runs.store import Store

TASKS = (data.Task("sum", range(0, 2), range(0, 1)), data.Task("product", range(2, 4), range(1, 2)))


def made(sign: int = 1, shift: float = 0.0) -> data.Dataset:
    """Two tasks; `sign` -1 exchanges the classes."""
    x = np.random.default_rng(0).standard_normal((80, 4)).astype(np.float32) + np.float32(shift)
    y = np.stack([sign * (x[:, 0] + x[:, 1]) > 0, sign * x[:, 2] * x[:, 3] > 0], 1).astype(int)
    return data.Dataset(x[:40], y[:40], x[40:], y[40:], TASKS)


def other() -> data.Dataset:
    return made(-1)


def a_run(name: str = "mine", **options) -> RunSpec:
    return RunSpec(
        data.spec(name, **options),
        base=(4, 5, 2),
        train=TrainSpec(max_epochs=3, patience=3),
        prune=PruneSpec(rate=0.4, levels=1),
    )


@pytest.fixture
def mine(monkeypatch):
    monkeypatch.setitem(data.DATASETS, "mine", made)


def test_other_data_under_the_same_name_are_another_run(mine, monkeypatch, tmp_path):
    store, first = Store(tmp_path), a_run()
    sweep.run([first], store, device="cpu")
    monkeypatch.setitem(data.DATASETS, "mine", other)
    second = a_run()
    assert run_id(second) != run_id(first)
    assert not np.array_equal(data.load(second.data).y_train, store.dataset(first.data).y_train)
    report = sweep.run([second], store, device="cpu")
    assert list(report.done) == [run_id(second)]
    accuracy = store.table([first, second]).groupby("run", sort=False)["accuracy_sum"].first()
    assert len(set(accuracy)) == 2


def test_a_function_that_reads_something_else_now_is_other_data(monkeypatch):
    signs = [1]

    def moody():
        return made(signs[0])

    monkeypatch.setitem(data.DATASETS, "mine", moody)
    first = data.spec("mine")
    assert data.spec("mine") == first
    signs[0] = -1
    assert data.spec("mine") != first


def test_the_same_data_under_one_name_are_the_same_run(mine):
    first = data.spec("mine")
    registry._loaded.clear()
    assert data.spec("mine") == first
    assert data.spec("mine", shift=0.5) != first


def test_a_data_set_in_place_of_a_built_in_one_does_not_take_its_runs(monkeypatch):
    built_in = data.spec("moons_circles", n_samples=60)
    monkeypatch.setitem(data.DATASETS, "moons_circles", made)
    assert data.spec("moons_circles") != built_in
    with pytest.raises(SpecError, match="n_samples is not an option of moons_circles"):
        data.spec("moons_circles", n_samples=60)


def test_expected_content_is_compared(mine):
    content = dict(data.spec("mine").options)["content"]
    assert data.spec("mine", content=content) == data.spec("mine")
    with pytest.raises(DataError, match=f"is {content}, expected 0123"):
        data.spec("mine", content="0123")
    registry._loaded.clear()
    with pytest.raises(DataError, match="mine is not what it was"):
        data.load(DataSpec("mine", (("sign", 1), ("shift", 0.0), ("content", "0123"))))
    with pytest.raises(SpecError, match="not complete"):
        data.load(DataSpec("mine", (("sign", 1), ("shift", 0.0))))


def without_default(n):
    return made()


def with_content(content: str = ""):
    return made()


def no_dataset():
    return 3


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (without_default, "has an argument n; expected arguments with defaults"),
        (with_content, "has an argument content"),
        (no_dataset, "returned int; expected a Dataset"),
    ],
)
def test_functions_that_make_no_data_set_are_refused(function, message, monkeypatch):
    monkeypatch.setitem(data.DATASETS, "mine", function)
    with pytest.raises(SpecError, match=message):
        data.spec("mine")


def test_a_run_opens_and_is_drawn_where_its_data_are_unknown(mine, monkeypatch, tmp_path):
    store, spec = Store(tmp_path), a_run()
    sweep.run([spec], store, device="cpu")
    monkeypatch.delitem(data.DATASETS, "mine")
    registry._loaded.clear()
    kept_data_file = next(store.data.iterdir())
    assert store.dataset(spec.data).tasks == TASKS
    kept_data_file.unlink()
    registry._loaded.clear()
    assert store.ticket(run_id(spec), 1).tasks == TASKS
    run = choices.catalogue_of_store(store).open(run_id(spec))
    assert run.dataset is None and run.tasks == TASKS
    with pytest.raises(SpecError, match="it is not kept in"):
        store.dataset(spec.data)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b"", lambda b: b.replace(b"x", b"y")]
)
def test_a_damaged_kept_data_set_is_made_again(mine, damage, tmp_path):
    store, spec = Store(tmp_path), a_run()
    sweep.run([spec], store, device="cpu")
    file = next(store.data.iterdir())
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    registry._loaded.clear()
    assert store.dataset(spec.data).tasks == TASKS
    sweep.run([replace(spec, seed=1)], store, device="cpu")
    registry._loaded.clear()
    assert kept_data._read(file, dict(spec.data.options)["content"]) is not None


def test_content_is_no_path(tmp_path):
    wrong = DataSpec("mine", (("content", "../../x"),))
    with pytest.raises(SpecError, match="expected hexadecimal digits"):
        Store(tmp_path).dataset(wrong)


ELSEWHERE = """
import sys

from lth_utils.runs.store import Store
from lth_utils.runs import sweep
import json
from lth_utils import config
spec = config.parse(config.RunSpec, json.loads(sys.stdin.read()), "spec")
print(sweep.run([spec], Store({root!r}), device="cpu").done)
"""


def test_another_process_computes_with_the_kept_data(mine, tmp_path):
    """Nothing is registered there under the name, as in a worker on another machine."""
    from lth_utils import config

    store, spec = Store(tmp_path), a_run()
    store.keep_data([spec])
    code = ELSEWHERE.format(root=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=config.canonical(spec),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0 and run_id(spec) in done.stdout, done.stderr
    assert len(store.table([spec])) == 2
