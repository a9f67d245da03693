"""Sweeps on a device into a temporary store: a small one beside the CPU's, and the thesis'."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from lth_utils import data, pruning
from lth_utils.config import PruneSpec, RunSpec, TrainSpec, expand, run_id, shape_text, span
from lth_utils.data.toy_points import FRESH
from lth_utils.networks import population
from lth_utils.runs import sweep
from lth_utils.runs.report import SweepError
from lth_utils.runs.store import Store
from lth_utils.selftest.checks import require
from lth_utils.selftest.running import CheckFailed
from lth_utils.training import trainer

SEEDS = range(24)
"""Seeds of the small sweep."""

TIMED = ((4, 8, 8, 2), (4, 57, 57, 2), (4, 229, 229, 2), (4, 1310, 1310, 2))
"""Networks whose epochs are timed."""


class OutOfTime(Exception):
    """The sweep's time is over; what was finished until then is kept."""


def two_layers(levels, seeds, n_samples: int = 1000, **train) -> list[RunSpec]:
    """The runs of notebook 03 that begin with 4-8-8-2, extended.

    Args:
        levels: extension levels.
        seeds: of the networks.
        n_samples: points per split.
        train: fields of the ``TrainSpec`` that differ from the thesis'.
    """
    spec = RunSpec(
        data.spec("moons_circles", n_samples=n_samples, draw="thesis", fresh=FRESH),
        train=TrainSpec(**train),
        prune=PruneSpec(rate=0.32, levels=9, schedule="extension"),
    )
    return expand(spec, {"prune.levels": list(levels), "seed": list(seeds)})


def small() -> list[RunSpec]:
    """Runs of 4-20-20-2 that take seconds and of which some separate."""
    spec = RunSpec(
        data.spec("moons_circles", n_samples=300),
        base=(4, 20, 20, 2),
        train=TrainSpec(lr=0.01, patience=15, max_epochs=400),
        prune=PruneSpec(rate=0.32, levels=8),
    )
    return expand(spec, {"seed": list(SEEDS)})


@dataclass
class Swept:
    """What became of a sweep.

    Attributes:
        table: of the finished runs, see ``Store.table``.
        seconds: time it took.
        finished: when each run was finished, in seconds since the start.
        error: that of the sweep.
    """

    table: pd.DataFrame
    seconds: float
    finished: dict[str, float]
    error: Exception | None


def _sweep(specs: list[RunSpec], device: str, deadline: float = np.inf) -> Swept:
    """Compute runs into a temporary store, until a time of ``time.perf_counter``."""

    def look_at_the_clock(text: str, share: float):
        if time.perf_counter() > deadline:
            raise OutOfTime

    error = None
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        began, began_at = time.perf_counter(), time.time()
        try:
            sweep.run(specs, store, device, progress=look_at_the_clock)
        except OutOfTime:
            pass
        except SweepError as failed:
            error = failed
        seconds = time.perf_counter() - began
        done = [spec for spec in specs if store.done(run_id(spec))]
        finished = {}
        for spec in done:
            written = (store.folder(run_id(spec)) / "done.json").stat().st_mtime
            finished[run_id(spec)] = written - began_at
        table = store.table(done) if done else pd.DataFrame()
    return Swept(table, seconds, finished, error)


def compare(device: torch.device) -> list[str]:
    """A small sweep on the device and on the CPU: the same statistics, and how long each took."""
    specs = small()
    warm_up(torch.device("cpu"))
    found, lines = [], []
    for name in ("cpu", device.type):
        swept = _sweep(specs, name)
        if swept.error:
            raise swept.error
        table = swept.table
        separated = table[table["status"] == "separated"]["run"].nunique()
        loss = table[table["level"] == 0]["loss"].mean()
        found.append((separated, table["epochs"].mean(), loss))
        lines.append(
            f"{name}: {len(specs)} runs, {len(table)} trainings in {swept.seconds:.1f} s; "
            f"{separated} separated, {table['epochs'].mean():.1f} epochs on average, "
            f"loss at level 0 {loss:.4f}"
        )
    (n_cpu, *expected), (n, *others) = found
    # a run may end differently by rounding alone: four standard deviations of the difference
    share = (n + n_cpu) / (2 * len(specs))
    spread = np.sqrt(2 * len(specs) * max(share * (1 - share), 0.02))
    alike = all(abs(one / other - 1) < 0.15 for one, other in zip(others, expected, strict=True))
    require(alike and abs(n - n_cpu) <= 4 * spread, "\n".join(lines))
    return lines


def warm_up(device: torch.device):
    """Compile and load what the first training on a device waits for."""
    networks = population.init((4, 8, 8, 2), [0], device)
    points = data.load(data.spec("moons_circles", n_samples=64))
    trainer.train(networks, points, TrainSpec(max_epochs=1))


def speed(device: torch.device) -> list[str]:
    """Time of an epoch of full stacks on the device, with what surrounds it."""
    dataset = data.load(data.spec("moons_circles"))
    lines = []
    for shape in TIMED:
        large = max(shape) > 1000
        n_members, n_epochs = (4 if large else 128), (8, 72)
        if device.type == "cpu":
            n_members, n_epochs = (1, (1, 5)) if large else (2, (5, 55))
        networks = population.init(shape, range(n_members), device)
        times: dict[int, list[float]] = {}
        for count in (n_epochs[0], *n_epochs):  # the first time something may be loaded
            spec = TrainSpec(max_epochs=count, patience=count)
            began = time.perf_counter()
            trainer.train(networks, dataset, spec)
            times.setdefault(count, []).append(time.perf_counter() - began)
        first, last = n_epochs
        epoch = (times[last][0] - times[first][1]) / (last - first)
        lines.append(
            f"{shape_text(shape)}: {n_members} at once, {epoch * 1e3:.2f} ms per epoch, "
            f"{n_members / epoch:.0f} member-epochs per second; "
            f"the first {first} epochs {times[first][0]:.2f} s, again {times[first][1]:.2f} s"
        )
    return lines


def memory(device: torch.device) -> list[str]:
    """The most memory that was used since the start."""
    if device.type != "cuda":
        return ["not counted on this device"]
    used = torch.cuda.max_memory_allocated(device) / 2**20
    reserved = torch.cuda.max_memory_reserved(device) / 2**20
    free, total = (n / 2**20 for n in torch.cuda.mem_get_info(device))
    return [
        f"at most {used:.0f} MB in tensors, {reserved:.0f} MB reserved; "
        f"now free: {free:.0f} of {total:.0f} MB"
    ]


def thesis(device: torch.device, levels: str, seeds: str, minutes: float) -> list[str]:
    """The two-layer sweep of notebook 03 on the device.

    Args:
        device: where it is computed.
        levels: extension levels, such as ``0-25``.
        seeds: such as ``0-3``.
        minutes: it stops after so many, with what is finished.
    """
    specs = two_layers(span(levels), span(seeds))
    deadline = time.perf_counter() + 60 * minutes
    swept = _sweep(specs, device.type, deadline)
    table = swept.table
    lines = [
        f"{len(swept.finished)} of {len(specs)} runs finished in {swept.seconds / 60:.2f} min "
        f"(limit {minutes:g})"
    ]
    if swept.finished:
        lines[0] += f"; {len(table)} trainings, {table['epochs'].sum()} epochs"
        for level, of_size in table.groupby("prune.levels"):
            when = max(swept.finished[name] for name in of_size["run"].unique())
            lines.append(_size_line(level, of_size, when))
        separated = table[table["status"] == "separated"].groupby("level")["run"].nunique()
        counts = ", ".join(f"{level}: {n}" for level, n in separated.items())
        lines.append(f"separated runs by pruning level: {counts or 'none'}")
    if swept.error:
        raise CheckFailed("\n".join([*lines, str(swept.error)]))
    return lines


def _size_line(level: int, table: pd.DataFrame, when: float) -> str:
    """What the runs of one extension level did; when: the last was finished, in seconds."""
    (spec,) = two_layers([level], [0])
    shape, _ = pruning.plan(spec)
    separated = table[table["status"] == "separated"]["run"].nunique()
    return (
        f"{shape_text(shape)}: {table['run'].nunique()} runs, the last after {when:.0f} s, "
        f"{table['epochs'].sum()} epochs, {separated} separated"
    )
