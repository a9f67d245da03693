"""Sweeps: what is finished is not computed again, what was interrupted goes on, what failed is named."""
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lth_utils import claims, data, sweep
from lth_utils.config import PruneSpec, RunSpec, SpecError, TrainSpec, expand, run_id
from lth_utils.store import Store

SPEC = RunSpec(
    data.spec("moons_circles", n_samples=60), base=(4, 5, 5, 2),
    train=TrainSpec(batch_size=32, patience=2, max_epochs=4), prune=PruneSpec(rate=0.3, levels=3, schedule="extension"),
)


def test_a_second_call_computes_nothing(tmp_path):
    specs = expand(SPEC, {"seed": [0, 1]})
    first = sweep.run(specs, Store(tmp_path), device="cpu")
    second = sweep.run(specs, Store(tmp_path), device="cpu")
    assert len(first.done) == 2 and not first.reused
    assert not second.done and second.reused == tuple(map(run_id, specs))


def test_a_run_does_not_depend_on_its_company(tmp_path):
    sweep.run([SPEC], Store(tmp_path / "alone"), device="cpu")
    sweep.run(expand(SPEC, {"seed": [4, 2, 0]}), Store(tmp_path / "company"), device="cpu")
    assert Store(tmp_path / "alone").table([SPEC]).equals(Store(tmp_path / "company").table([SPEC]))


def test_progress_ends_at_everything(tmp_path):
    seen = []
    sweep.run(expand(SPEC, {"seed": [0, 1]}), Store(tmp_path), device="cpu", progress=lambda text, share: seen.append(share))
    assert seen == sorted(seen) and seen[-1] == pytest.approx(1)


def test_a_failed_run_is_named_and_the_others_finish(tmp_path):
    from dataclasses import replace
    broken = replace(SPEC, train=TrainSpec(lr=1e30, batch_size=32, patience=2, max_epochs=4))
    with pytest.raises(sweep.SweepError, match=r"1 of 2 runs failed(.|\n)*seed 0 is not finite at level 0, epoch"):
        sweep.run([broken, SPEC], Store(tmp_path), device="cpu")
    assert Store(tmp_path).done(run_id(SPEC)) and not Store(tmp_path).done(run_id(broken))


@pytest.mark.parametrize(("specs", "message"), [
    ([], "list of specs is empty"),
    ([SPEC, SPEC], "runs repeat"),
    ([RunSpec(SPEC.data, base=(3, 5, 5, 2))], "does not fit the data: its tasks have 4 inputs and 2 outputs"),
    ([RunSpec(SPEC.data, base=(4, 5, 6, 2))], "cannot be extended"),
    ([RunSpec(SPEC.data, base=(4, 5, 5, 2), prune=PruneSpec(levels=2, target=999))], "target 999 is above the number of weights, 55"),
])
def test_what_cannot_run_is_refused_before_anything_is_written(tmp_path, specs, message):
    with pytest.raises(SpecError, match=message):
        sweep.run([SPEC, *specs] if specs and specs[0] != SPEC else specs, Store(tmp_path), device="cpu")
    assert not list(tmp_path.iterdir())


SLOW = """
import sys
from lth_utils import sweep, store
sys.path.insert(0, {tests!r})
import test_sweep
sweep.run(test_sweep.slow_specs(), store.Store({root!r}), device="cpu")
"""


def slow_specs():
    slow = RunSpec(data.spec("moons_circles", n_samples=200), base=(4, 5, 5, 2), train=TrainSpec(patience=12, max_epochs=60),
                   prune=PruneSpec(rate=0.3, levels=4, schedule="extension"))
    return expand(slow, {"seed": [0, 1, 2]})


def test_killed_and_resumed_equals_undisturbed(tmp_path):
    root = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", SLOW.format(tests=str(Path(__file__).parent), root=str(root))])
    while not list(root.glob("runs/*/partial.npz")) and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert list(root.glob("runs/*/partial.npz")), "the sweep ended before it could be killed"
    assert not any(p.name.startswith("done") for p in root.glob("runs/*/done.json"))
    sweep.run(slow_specs(), Store(root), device="cpu")
    sweep.run(slow_specs(), Store(tmp_path / "undisturbed"), device="cpu")
    assert Store(root).table(slow_specs()).equals(Store(tmp_path / "undisturbed").table(slow_specs()))
    assert not list(root.glob("runs/*/partial.npz"))


def test_outcomes_and_facts_of_a_table():
    import pandas as pd
    rows = [("a", 0, n, w, s) for n, (w, s) in enumerate([(9, "interconnected"), (5, "separated"), (2, "degraded")])]
    rows += [("b", 1, n, w, s) for n, (w, s) in enumerate([(9, "interconnected"), (4, "degraded")])]
    table = pd.DataFrame(rows, columns=["run", "seed", "level", "available", "status"]).assign(active=3, loss=0.5, accuracy=0.75)
    summary = claims.outcomes(table)
    assert list(summary["outcome"]) == ["separated-degraded", "degraded"]
    assert summary["level"][0] == 1 and summary["available"][0] == 5 and summary["level"].isna()[1]
    facts = claims.separation(summary, {"runs": 4, "separated": 1})
    assert facts["ours"]["separated"] == 1 and facts["ours"]["share"] == 0.5 and facts["ours"]["share_low"] < 0.1
    assert facts["headline"].startswith("1 of 2 runs separated") and facts["headline"].endswith("the thesis: 1 of 4")


def test_the_thesis_at_extension_level_9():
    theirs = claims.thesis_separation([4, 8, 8, 2], 9)
    assert (theirs["runs"], theirs["separated"], theirs["active_mean"], theirs["available_max"]) == (4, 4, 82.25, 112)
    assert claims.thesis_separation([4, 4, 4, 2], 2) is None
