"""A short run of the fuzzer: no damage and no kill is silent, raw or without an end."""

import subprocess
import sys
from pathlib import Path


def test_damages_and_kills_are_named_repaired_or_harmless():
    fuzz = Path(__file__).with_name("fuzz.py")
    command = [sys.executable, "-W", "ignore", str(fuzz), "--damages", "42", "--kills", "8"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "repair killed" in done.stdout and "partial.npz" in done.stdout
