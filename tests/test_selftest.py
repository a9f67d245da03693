"""The selftest of a device: every check runs, whatever becomes of the others; one page."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from lth_utils.config import SpecError, run_id
from lth_utils.selftest import checks, command, sweeps
from lth_utils.selftest.running import Check, CheckFailed, run_checks, tracebacks
from lth_utils.studies.extension_sweep.parameters import Parameters, Sizes

ROOT = Path(__file__).parents[1]
ONLY_FOR_NOTEBOOKS = ["matplotlib", "seaborn", "papermill", "ipywidgets", "IPython", "torchvision"]


def fails():
    raise CheckFailed("3 of 5 differ")


def test_every_check_runs_though_others_fail_or_hang(capsys):
    told, hanging = [], threading.Event()
    every = [
        Check("good", lambda: ["1.0"], 10),
        Check("bad", fails, 10),
        Check("endless", hanging.wait, 0.2),
        Check("last", lambda: [], 10),
    ]
    results = run_checks(every, told.append)
    hanging.set()
    assert [r.passed for r in results] == [True, False, False, True]
    assert told[0].startswith("passed  good") and "1.0" in told[0]
    assert told[1].startswith("FAILED  bad") and "CheckFailed: 3 of 5 differ" in told[1]
    assert "did not end" in told[2] and "hanging.wait" not in told[2]
    assert "in fails" in tracebacks(results) and "endless" in capsys.readouterr().err


def test_a_failed_check_makes_the_exit_status_one(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(command, "checks", lambda device: [Check("bad", fails, 10)])
    for name in ("compare", "speed", "memory"):
        monkeypatch.setattr(sweeps, name, lambda device: [])
    assert command.selftest("cpu", tmp_path / "page.txt") == 1
    page = capsys.readouterr().out
    assert page == (tmp_path / "page.txt").read_text()
    assert "1 of 4 checks failed" in page and torch.__version__ in page


def test_a_difference_is_found(monkeypatch):
    train = checks.trainer.train

    def slightly_off(networks, dataset, spec, cancel=None):
        trained, training = train(networks, dataset, spec, cancel)
        training.records[0][:] *= 1.01
        return trained, training

    monkeypatch.setattr(checks.trainer, "train", slightly_off)
    (check,) = [c for c in checks.checks(torch.device("cpu")) if c.title.startswith("first epochs")]
    with pytest.raises(CheckFailed, match=r"4-8-8-2: losses differ by at most 1.0e-02"):
        check.run()


def test_on_the_cpu_all_checks_pass_with_what_training_needs(tmp_path):
    code = (
        "import sys; from lth_utils.__main__ import main; "
        f"status = main(['selftest', '--device', 'cpu', '--report', {str(tmp_path / 'page')!r}]); "
        f"print([m for m in {ONLY_FOR_NOTEBOOKS} if m in sys.modules], status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.splitlines()[-1] == "[] 0", done.stdout + done.stderr
    assert "0 of 12 checks failed" in (tmp_path / "page").read_text()


def test_its_sweep_is_that_of_notebook_03_and_stops_in_time():
    asked = Parameters(two_layers=(Sizes("0-25", "0-3"),), draw="thesis")
    wanted = [spec for spec in asked.families() if spec.base == (4, 8, 8, 2)]
    found = sweeps.two_layers(range(26), range(4))
    assert {run_id(s) for s in found} == {run_id(s) for s in wanted} and len(found) == 104
    (line,) = sweeps.thesis(torch.device("cpu"), "0-1", "0", 0.0)[:1]
    assert "of 2 runs finished" in line


def test_no_sweep_on_a_device_that_is_not_there():
    if torch.cuda.is_available():
        pytest.skip("a CUDA device is here")
    with pytest.raises(SpecError, match="this machine has none"):
        command.selftest("cuda")
