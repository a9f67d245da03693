"""Sweeps: finished runs are reused, interrupted ones continue, failed ones are named."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lth_utils import data, pruning
from lth_utils.config import PruneSpec, RunSpec, SpecError, TrainSpec, expand, run_id
from lth_utils.runs import sweep
from lth_utils.runs.store import Store
from lth_utils.studies import outcomes, toy_data

SPEC = RunSpec(
    data.spec("moons_circles", n_samples=60),
    base=(4, 5, 5, 2),
    train=TrainSpec(batch_size=32, patience=2, max_epochs=4),
    prune=PruneSpec(rate=0.3, levels=3, schedule="extension"),
)


def test_a_second_call_computes_nothing(tmp_path):
    specs = expand(SPEC, {"seed": [0, 1]})
    first = sweep.run(specs, Store(tmp_path), device="cpu")
    second = sweep.run(specs, Store(tmp_path), device="cpu")
    assert len(first.done) == 2 and not first.reused
    assert not second.done and second.reused == tuple(map(run_id, specs))


def test_a_run_does_not_depend_on_the_runs_it_is_batched_with(tmp_path):
    sweep.run([SPEC], Store(tmp_path / "alone"), device="cpu")
    sweep.run(expand(SPEC, {"seed": [4, 2, 0]}), Store(tmp_path / "batched"), device="cpu")
    assert Store(tmp_path / "alone").table([SPEC]).equals(Store(tmp_path / "batched").table([SPEC]))


def test_progress_ends_at_everything(tmp_path):
    seen = []
    sweep.run(
        expand(SPEC, {"seed": [0, 1]}),
        Store(tmp_path),
        device="cpu",
        progress=lambda text, share: seen.append(share),
    )
    assert seen == sorted(seen) and seen[-1] == pytest.approx(1)


def test_a_failed_run_is_named_and_the_others_finish(tmp_path):
    broken = replace(SPEC, train=TrainSpec(lr=1e30, batch_size=32, patience=2, max_epochs=4))
    with pytest.raises(
        sweep.SweepError, match=r"1 of 2 runs failed(.|\n)*seed 0 is not finite at level 0, epoch"
    ):
        sweep.run([broken, SPEC], Store(tmp_path), device="cpu")
    assert Store(tmp_path).done(run_id(SPEC)) and not Store(tmp_path).done(run_id(broken))


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ([], "list of specs is empty"),
        ([SPEC, SPEC], "runs repeat"),
        (
            [RunSpec(SPEC.data, base=(3, 5, 5, 2))],
            "does not fit the data: its tasks have 4 inputs and 2 outputs",
        ),
        ([RunSpec(SPEC.data, base=(4, 5, 6, 2))], "cannot be extended"),
        (
            [RunSpec(SPEC.data, base=(4, 5, 5, 2), prune=PruneSpec(levels=2, target=999))],
            "target 999 is above the number of weights, 55",
        ),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_written(tmp_path, specs, message):
    with pytest.raises(SpecError, match=message):
        sweep.run(
            [SPEC, *specs] if specs and specs[0] != SPEC else specs, Store(tmp_path), device="cpu"
        )
    assert not list(tmp_path.iterdir())


SLOW = """
import sys
from lth_utils.runs import store, sweep
sys.path.insert(0, {tests!r})
import test_sweep
sweep.run(test_sweep.slow_specs(), store.Store({root!r}), device="cpu")
"""


def slow_specs():
    slow = RunSpec(
        data.spec("moons_circles", n_samples=200),
        base=(4, 5, 5, 2),
        train=TrainSpec(patience=12, max_epochs=60),
        prune=PruneSpec(rate=0.3, levels=4, schedule="extension"),
    )
    return expand(slow, {"seed": [0, 1, 2]})


def test_killed_and_resumed_equals_undisturbed(tmp_path):
    root = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW.format(tests=str(Path(__file__).parent), root=str(root))]
    )
    while not list(root.glob("runs/*/partial.npz")) and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert list(root.glob("runs/*/partial.npz")), "the sweep ended before it could be killed"
    assert not any(p.name.startswith("done") for p in root.glob("runs/*/done.json"))
    sweep.run(slow_specs(), Store(root), device="cpu")
    sweep.run(slow_specs(), Store(tmp_path / "undisturbed"), device="cpu")
    assert (
        Store(root).table(slow_specs()).equals(Store(tmp_path / "undisturbed").table(slow_specs()))
    )
    assert not list(root.glob("runs/*/partial.npz"))


def kill_at_random_moments(root, times=10):
    """Fork sweeps and kill them; call it in a process that has imported all it needs."""
    import random

    random.seed(0)
    finished = 0
    for _ in range(times):
        child = os.fork()
        if not child:
            sweep.run(slow_specs(), Store(root), device="cpu")
            os._exit(0)
        time.sleep(random.uniform(0.05, 0.6))
        os.kill(child, signal.SIGKILL)
        finished += os.waitpid(child, 0)[1] == 0
    print(times - finished)


def test_killed_at_ten_random_moments_equals_undisturbed(tmp_path):
    tests = str(Path(__file__).parent)
    code = (
        f"import sys; sys.path.insert(0, {tests!r}); import test_sweep; "
        f"test_sweep.kill_at_random_moments({str(tmp_path)!r})"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 3, "the sweep was too fast to be killed"
    assert Store(tmp_path).check() == []
    sweep.run(slow_specs(), Store(tmp_path), device="cpu")
    sweep.run(slow_specs(), Store(tmp_path / "undisturbed"), device="cpu")
    assert (
        Store(tmp_path)
        .table(slow_specs())
        .equals(Store(tmp_path / "undisturbed").table(slow_specs()))
    )


def test_two_processes_on_one_store_do_not_harm_each_other(tmp_path):
    code = SLOW.format(tests=str(Path(__file__).parent), root=str(tmp_path))
    both = [
        subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        assert process.communicate()[1] == ""
        assert process.returncode == 0
    sweep.run(slow_specs(), Store(tmp_path / "alone"), device="cpu")
    assert Store(tmp_path).check() == [] and not list(tmp_path.glob("runs/*/.*"))
    assert Store(tmp_path).table(slow_specs()).equals(Store(tmp_path / "alone").table(slow_specs()))


def test_an_unknown_criterion_is_refused_before_the_others_are_trained(tmp_path):
    wrong = replace(SPEC, prune=replace(SPEC.prune, criterion="taylor"))
    with pytest.raises(SpecError, match=r"criterion is 'taylor'; allowed: magnitude, "):
        sweep.run([SPEC, wrong], Store(tmp_path), device="cpu")
    assert not list(tmp_path.iterdir())


def test_a_scope_that_empties_a_layer_is_refused_before_the_others_are_trained(tmp_path):
    prune = PruneSpec(levels=3, target=2, scope="layer")
    with pytest.raises(SpecError, match=r"level \d of 3: .* would empty layer \d .it has \d"):
        sweep.run([SPEC, replace(SPEC, prune=prune)], Store(tmp_path), device="cpu")
    assert not list(tmp_path.iterdir())


def failing(reason):
    """A criterion that cannot be computed for one seed."""

    def criterion(context):
        if 1 in context.seeds:
            raise reason
        return context.weights.abs()

    return criterion


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "reason", [RuntimeError("out of luck"), MemoryError("too large"), ValueError("x" * 99)]
)
def test_a_run_whose_training_fails_takes_no_other_along(tmp_path, monkeypatch, reason, threads):
    monkeypatch.setitem(pruning.CRITERIA, "failing", failing(reason))
    store = Store(tmp_path)
    specs = expand(
        replace(SPEC, prune=replace(SPEC.prune, criterion="failing")), {"seed": list(range(5))}
    )
    match = f"1 of 5 runs failed, 4 are finished and kept:\n.*seed1-.*{type(reason).__name__}"
    with pytest.raises(sweep.SweepError, match=match):
        sweep.run(specs, store, device="cpu", threads=threads)
    assert [store.done(run_id(spec)) for spec in specs] == [True, False, True, True, True]


def test_a_member_that_fails_takes_no_other_of_its_population_along(tmp_path, monkeypatch):
    monkeypatch.setitem(pruning.CRITERIA, "failing", failing(RuntimeError("out of luck")))
    monkeypatch.setattr(sweep, "_concurrent_runs", lambda *_: 0)  # as on a graphics card
    store, seen = Store(tmp_path), []
    specs = expand(
        replace(SPEC, prune=replace(SPEC.prune, criterion="failing")), {"seed": list(range(5))}
    )
    with pytest.raises(sweep.SweepError, match="1 of 5 runs failed, 4 are finished and kept"):
        sweep.run(specs, store, device="cpu", progress=lambda _, share: seen.append(share))
    assert [store.done(run_id(spec)) for spec in specs] == [True, False, True, True, True]
    assert seen == sorted(seen) and seen[-1] == pytest.approx(1)


def test_a_folder_that_cannot_be_written_takes_no_other_run_along(tmp_path, monkeypatch):
    make, store = tempfile.NamedTemporaryFile, Store(tmp_path)

    def locked(*args, dir, **options):
        if "seed1-" in str(dir):
            raise PermissionError(errno.EACCES, "Permission denied")
        return make(*args, dir=dir, **options)

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", locked)
    specs = expand(SPEC, {"seed": [0, 1, 2]})
    with pytest.raises(sweep.SweepError, match=r"1 of 3 .*\n.*seed1-.*: Permission denied"):
        sweep.run(specs, store, device="cpu")
    assert [store.done(run_id(spec)) for spec in specs] == [True, False, True]


def test_many_failures_are_named_in_few_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "NAMED", 2)
    broken = replace(SPEC, train=TrainSpec(lr=1e30, batch_size=32, patience=2, max_epochs=4))
    with pytest.raises(sweep.SweepError) as error:
        sweep.run(expand(broken, {"seed": list(range(5))}), Store(tmp_path), device="cpu")
    assert str(error.value).endswith("and 3 more") and str(error.value).count("\n") == 3


def test_the_report_says_what_was_saved(tmp_path):
    specs = expand(SPEC, {"seed": [0, 1]})
    sweep.run(specs[:1], Store(tmp_path), device="cpu")
    report = sweep.run(specs, Store(tmp_path), device="cpu")
    seconds = Store(tmp_path).provenance(run_id(specs[0]))["seconds"]
    assert report.saved == pytest.approx(seconds) and report.saved > 0
    assert str(report).startswith("1 runs computed in")
    assert "1 found finished" in str(report)
    assert str(report).endswith("0 failed")


def test_outcomes_and_facts_of_a_table():
    import pandas as pd

    rows = [
        ("a", 0, n, w, s)
        for n, (w, s) in enumerate([(9, "interconnected"), (5, "separated"), (2, "degraded")])
    ]
    rows += [("b", 1, n, w, s) for n, (w, s) in enumerate([(9, "interconnected"), (4, "degraded")])]
    table = pd.DataFrame(rows, columns=["run", "seed", "level", "available", "status"])
    table = table.assign(active=3, loss=0.5, accuracy=0.75, base="4-8-2", **{"prune.levels": 2})
    summary = outcomes.outcomes(table)
    assert list(summary["outcome"]) == ["separated-degraded", "degraded"]
    assert summary["level"][0] == 1 and summary["available"][0] == 5 and summary["level"].isna()[1]
    facts = toy_data.separation(summary, {"runs": 4, "separated": 1})
    assert (
        facts["ours"]["separated"] == 1
        and facts["ours"]["share"] == 0.5
        and facts["ours"]["share_low"] < 0.1
    )
    assert facts["headline"].startswith("1 of 2 runs separated") and facts["headline"].endswith(
        "the thesis: 1 of 4"
    )


def test_the_thesis_at_extension_level_9():
    theirs = toy_data.thesis_separation([4, 8, 8, 2], 9)
    assert (
        theirs["runs"],
        theirs["separated"],
        theirs["active_mean"],
        theirs["available_max"],
    ) == (4, 4, 82.25, 112)
    assert toy_data.thesis_separation([4, 4, 4, 2], 2) is None
