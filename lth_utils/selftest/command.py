"""The page of a device: every check, what it found, and where it was made."""

from __future__ import annotations

import functools
import os
import platform
import sys
import time
from pathlib import Path

import torch

from lth_utils import __version__
from lth_utils.selftest import sweeps
from lth_utils.selftest.checks import checks
from lth_utils.selftest.running import Check, run_checks, tracebacks
from lth_utils.training import trainer


def selftest(
    device: str = "auto",
    report: Path | None = None,
    *,
    with_sweep: bool = False,
    levels: str = "0-25",
    seeds: str = "0-3",
    minutes: float = 8.0,
) -> int:
    """Run all checks on a device, and print one page.

    Args:
        device: see ``trainer.device``.
        report: a file that the page is written to, too.
        with_sweep: also compute the two-layer sweep of notebook 03.
        levels: its extension levels.
        seeds: its seeds.
        minutes: its time limit.

    Returns:
        0 if all checks passed, else 1. Where one did not end, the process ends here.

    Raises:
        SpecError: there is no such device.
    """
    where = trainer.device(device)
    began = time.perf_counter()
    asked = [
        *checks(where),
        Check("a small sweep beside the CPU's", functools.partial(sweeps.compare, where), 240),
        Check("speed", functools.partial(sweeps.speed, where), 120),
    ]
    if with_sweep:
        run = functools.partial(sweeps.thesis, where, levels, seeds, minutes)
        title = f"two layers, extension levels {levels}, seeds {seeds}"
        asked.append(Check(title, run, 60 * minutes + 60))
    asked.append(Check("memory", functools.partial(sweeps.memory, where), 20))
    page = [_head(where)]
    print(page[0], flush=True)
    results = run_checks(asked, functools.partial(print, flush=True))
    page += [result.text() for result in results]
    n_failed = sum(not result.passed for result in results)
    seconds = time.perf_counter() - began
    last = f"{n_failed} of {len(results)} checks failed; {seconds:.0f} s in all"
    if n_failed:
        last = f"{tracebacks(results)}\n{last}"
    print(last, flush=True)
    if report is not None:
        report.write_text("\n".join([*page, last, ""]), encoding="utf-8")
    if not all(result.ended for result in results):
        sys.stderr.flush()
        os._exit(1)  # an ordinary exit would wait for the threads that hang
    return 1 if n_failed else 0


def _head(device: torch.device) -> str:
    """What was tested: the device, the versions, the machine."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return (
        f"lth_utils {__version__} on {device.type}: {name}\n"
        f"torch {torch.__version__}, CUDA {torch.version.cuda}, "
        f"Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC"
    )
