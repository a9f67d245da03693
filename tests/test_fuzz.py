"""Short runs of the fuzzers: nothing is silent, raw or without an end."""

import subprocess
import sys
from pathlib import Path

import pytest

RUNS = [
    ("fuzz.py", ["--damages", "42", "--kills", "8"], ["repair killed", "partial.npz"]),
    ("fuzz_inputs.py", ["--inputs", "300"], ["command line", "function"]),
]


@pytest.mark.parametrize(("script", "options", "named"), RUNS, ids=[run[0] for run in RUNS])
def test_what_is_damaged_killed_or_wrong_is_named_repaired_or_harmless(script, options, named):
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name(script)), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(name in done.stdout for name in named)
