"""Damage every kind of file in a small store, and kill sweeps between any two file operations.

python tests/fuzz.py --damages 300 --kills 60 --seed 0

After each damage the store is used as people use it. What comes of it is counted:

* harmless: every result is the same, and nobody needs to know
* repaired: a warning or an error named the damage, and the next sweep gave the same results
* refused: an error of this package named it, also in the next sweep
* SILENT, RAW, HANG: another result without a word, an error of another kind, no end; none may be
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import numpy as np
import torch

from lth_utils import data
from lth_utils.config import PruneSpec, RunSpec, SpecError, TrainSpec, expand, run_id
from lth_utils.runs import sweep, ticket_files
from lth_utils.runs.batch import run_batch
from lth_utils.runs.files import StoreError
from lth_utils.runs.record import RunRecord
from lth_utils.runs.store import Store

OURS = (StoreError, SpecError, sweep.SweepError)
BAD = ("SILENT", "RAW", "HANG")
COLUMNS = ("harmless", "repaired", "refused", *BAD)
LIMIT = 20
"""Seconds after which a store counts as hanging."""

SPEC = RunSpec(
    data.spec("moons_circles", n_samples=60),
    base=(4, 5, 5, 2),
    train=TrainSpec(batch_size=32, patience=2, max_epochs=3),
    prune=PruneSpec(rate=0.3, levels=2, schedule="extension"),
)
SPECS = expand(SPEC, {"seed": [0, 1, 2, 3]})
FINISHED, INTERRUPTED = SPECS[:2], SPECS[2:]
TICKET = "ticket.npz"


class Hang(Exception):
    """The time is over."""


@dataclass
class Reference:
    """Results of an undisturbed store.

    Attributes:
        table: all rows.
        tickets: by run id and level the ticket.
    """

    table: object
    tickets: dict


def compute(root: Path) -> Reference:
    """A store in which all runs are finished, and its results."""
    store = Store(root)
    sweep.run(SPECS, store, device="cpu")
    tickets = {}
    for spec in SPECS:
        for level in (None, 0, 2):
            tickets[run_id(spec), level] = store.ticket(run_id(spec), level)
    return Reference(store.table(SPECS), tickets)


def fill(root: Path):
    """A store with finished and interrupted runs, an index and a ticket file."""
    store = Store(root)
    sweep.run(FINISHED, store, device="cpu")
    for spec in INTERRUPTED:
        events = run_batch([(spec, RunRecord())], store, torch.device("cpu"), Event())
        next(events)
        events.close()
    store.table()
    ticket_files.save(store.ticket(run_id(FINISHED[0])), root / TICKET)


def same(ticket, other) -> bool:
    """Whether two tickets are equal in all that counts."""
    pairs = [(ticket.initial, other.initial), (ticket.trained, other.trained)]
    pairs += zip(ticket.masks, other.masks, strict=True)
    equal = all(np.array_equal(a, b, equal_nan=True) for a, b in pairs if a is not None)
    about = ("shape", "tasks", "seed", "level")
    return equal and all(getattr(ticket, name) == getattr(other, name) for name in about)


# damages


def flip_bit(content: bytes, rng: random.Random) -> bytes:
    position = rng.randrange(len(content))
    changed = bytearray(content)
    changed[position] ^= 1 << rng.randrange(8)
    return bytes(changed)


def truncate(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def zero(content: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(content))
    length = min(rng.choice([1, 16, 512]), len(content) - start)
    return content[:start] + bytes(length) + content[start + length :]


def empty(content: bytes, rng: random.Random) -> bytes:
    return b""


def all_zero(content: bytes, rng: random.Random) -> bytes:
    return bytes(len(content))


def duplicate(content: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(content))
    stop = min(len(content), start + rng.choice([1, 8, 200]))
    return content[:stop] + content[start:]


def noise(content: bytes, rng: random.Random) -> bytes:
    return rng.randbytes(len(content))


def append(content: bytes, rng: random.Random) -> bytes:
    return content + rng.randbytes(rng.choice([1, 40]))


def another_digit(content: bytes, rng: random.Random) -> bytes:
    """One digit of a text becomes another one."""
    places = [n for n, byte in enumerate(content) if 48 <= byte <= 57]
    if not places:
        return flip_bit(content, rng)
    place = rng.choice(places)
    digit = rng.choice([d for d in range(48, 58) if d != content[place]])
    return content[:place] + bytes([digit]) + content[place + 1 :]


def another_type(content: bytes, rng: random.Random) -> bytes:
    """A value of a JSON text gets another type, is removed or gets another name."""
    lines = content.split(b"\n") if content[:1] != b"{" else [content]
    line = rng.randrange(len(lines))
    try:
        value = json.loads(lines[line])
    except ValueError:
        return flip_bit(content, rng)
    wrong = rng.choice([None, 0, -1.5, True, "", "2026-02-30", [], {}, [[1]], {"a": {}}, 1e308])
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        if isinstance(value[key], dict) and value[key] and rng.random() < 0.5:
            value[key][rng.choice(sorted(value[key]))] = wrong
        elif rng.random() < 0.3:
            value[key + "x"] = value.pop(key)
        else:
            value[key] = wrong
    else:
        value = wrong
    lines[line] = json.dumps(value).encode()
    return b"\n".join(lines)


CONTENTS = [
    flip_bit,
    truncate,
    zero,
    empty,
    all_zero,
    duplicate,
    noise,
    append,
    another_digit,
    another_type,
]


def delete(path: Path, rng: random.Random):
    path.unlink()


def swap(path: Path, rng: random.Random):
    """The file takes the place of another one, and that one its."""
    others = [p for p in path.parents[1].rglob("*") if p.is_file() and p != path]
    alike = [p for p in others if p.name == path.name]
    other = rng.choice(alike or others)
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)


def copy_over(path: Path, rng: random.Random):
    """The file becomes that of another run."""
    others = [p for p in path.parents[1].rglob("*") if p.is_file() and p != path]
    alike = [p for p in others if p.name == path.name]
    path.write_bytes(rng.choice(alike or others).read_bytes())


def become_folder(path: Path, rng: random.Random):
    path.unlink()
    path.mkdir()


PLACES = [delete, swap, copy_over, become_folder]


def damage(path: Path, rng: random.Random) -> str:
    """Damage a file in one of all ways; returns the way's name."""
    way = rng.choice(CONTENTS + PLACES)
    if way in PLACES:
        way(path, rng)
    else:
        content = path.read_bytes()
        if way is another_type and path.suffix not in (".json", ".jsonl"):
            way = flip_bit
        path.write_bytes(way(content, rng))
    return way.__name__


# using a damaged store


def use(root: Path, reference: Reference) -> tuple[str, str]:
    """The class of what comes of a damaged store, and what was said."""
    said: list[str] = []
    store = Store(root)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            for step in (check_table, check_tickets, check_file, check_check):
                try:
                    wrong = step(store, reference, warned)
                except OURS as error:
                    said.append(str(error))
                    wrong = None
                if wrong:
                    return "SILENT", wrong
            said += [str(warning.message) for warning in warned]
            try:
                sweep.run(SPECS, store, device="cpu", threads=1)
                table = store.table(SPECS)
            except OURS as error:
                return "refused", str(error)
            said += [str(warning.message) for warning in warned]
            if not table.equals(reference.table):
                return "SILENT", "another table after the next sweep"
            for spec in SPECS:
                if not same(store.ticket(run_id(spec)), reference.tickets[run_id(spec), None]):
                    return "SILENT", "another ticket after the next sweep"
            if store.check():
                return "SILENT", f"still corrupt after the next sweep: {store.check()[0]}"
            left = [p.name for p in root.glob("runs/*/partial.npz")]
            if left:
                return "SILENT", f"{left[0]} was left behind"
    except Hang:
        return "HANG", "".join(traceback.format_exc())
    except Exception:
        return "RAW", traceback.format_exc()
    return ("repaired", said[0]) if said else ("harmless", "")


def check_table(store: Store, reference: Reference, warned) -> str | None:
    """Rows of a table are those of the reference, and those asked for are all there."""
    table = store.table()
    if len(table):
        wanted = reference.table[reference.table["run"].isin(set(table["run"]))]
        wanted = wanted.sort_values(["run", "level"]).reset_index(drop=True)
        found = table.sort_values(["run", "level"]).reset_index(drop=True)
        if not found.equals(wanted[list(found.columns)]):
            return "another table"
    before = len(warned)
    asked = store.table(FINISHED)
    if len(asked) < 3 * len(FINISHED) and len(warned) == before:
        return "runs are missing in the table"
    return None


def check_tickets(store: Store, reference: Reference, warned) -> str | None:
    """Every ticket that can be had is that of the reference."""
    errors = []
    for spec in FINISHED:
        for level in (None, 0, 2):
            try:
                ticket = store.ticket(run_id(spec), level)
            except OURS as error:
                errors.append(error)
                continue
            if not same(ticket, reference.tickets[run_id(spec), level]):
                return "another ticket"
    if errors:
        raise errors[0]
    return None


def check_file(store: Store, reference: Reference, warned) -> str | None:
    """The ticket file is that of the reference."""
    ticket = ticket_files.load(store.root / TICKET)
    return None if same(ticket, reference.tickets[run_id(FINISHED[0]), None]) else "another file"


def check_check(store: Store, reference: Reference, warned) -> str | None:
    """``check`` finds what it finds."""
    found = store.check()
    if found:
        raise found[0]
    return None


def out_of_time(*_):
    raise Hang


def damages(template: Path, reference: Reference, times: int, seed: int, show: bool) -> dict:
    """Classes of `times` damages, by the name of the damaged file."""
    counts: dict = collections.defaultdict(collections.Counter)
    files = sorted(p.relative_to(template) for p in template.rglob("*") if p.is_file())
    by_name = collections.defaultdict(list)
    for file in files:
        by_name[file.name].append(file)
    signal.signal(signal.SIGALRM, out_of_time)
    for n in range(times):
        rng = random.Random(f"{seed} {n}")
        name = sorted(by_name)[n % len(by_name)]
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "outputs"
            shutil.copytree(template, root)
            way = damage(root / rng.choice(by_name[name]), rng)
            while rng.random() < 0.2:  # and sometimes another file
                other = root / rng.choice(files)
                if other.is_file() and other.stat().st_size:
                    way += f", {damage(other, rng)} of {other.name}"
            signal.alarm(LIMIT)
            kind, said = use(root, reference)
            signal.alarm(0)
        counts[name][kind] += 1
        if kind in BAD or show:
            print(f"damage {n}, {way} of {name}: {kind}\n{said}", file=sys.stderr)
    return counts


# kills


class Killer:
    """Kills its process at the n-th file operation, in the middle of a write."""

    def __init__(self, n: int):
        self.left = n
        self.done = 0

    def step(self):
        self.done += 1
        if self.done == self.left:
            os.kill(os.getpid(), signal.SIGKILL)

    def patch(self):
        """Count operations of this process from now on."""
        make, fsync, replace = tempfile.NamedTemporaryFile, os.fsync, Path.replace
        unlink, move = Path.unlink, shutil.move
        killer = self

        def counted(function):
            def call(*args, **options):
                killer.step()
                return function(*args, **options)

            return call

        def make_counted(*args, **options):
            killer.step()
            file = make(*args, **options)
            write = file.write

            def write_half(content):
                if killer.done + 1 == killer.left:
                    write(content[: len(content) // 2])
                    file.flush()
                killer.step()
                return write(content)

            file.write = write_half
            return file

        tempfile.NamedTemporaryFile = make_counted
        os.fsync = counted(fsync)
        Path.replace = counted(replace)
        Path.unlink = counted(unlink)
        shutil.move = counted(move)


def in_child(work) -> int:
    """The exit status of a forked process that does some work."""
    child = os.fork()
    if not child:
        status = 1
        try:
            status = work() or 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


def begin(root: Path, template: Path | None):
    """The store that a sweep begins with: none, or a copy of one whose runs are damaged."""
    shutil.rmtree(root, ignore_errors=True)
    if template is None:
        return
    shutil.copytree(template, root)
    for spec, name in ((FINISHED[0], "arrays.npz"), (INTERRUPTED[0], "partial.npz")):
        file = root / "runs" / run_id(spec) / name
        file.write_bytes(file.read_bytes()[:-1])


def count_operations(folder: Path, template: Path | None) -> int:
    """How many file operations a whole sweep has."""

    def work():
        warnings.simplefilter("ignore")
        begin(folder / "counted", template)
        killer = Killer(-1)
        killer.patch()
        sweep.run(SPECS, Store(folder / "counted"), device="cpu", threads=1)
        (folder / "operations").write_text(str(killer.done))

    assert in_child(work) == 0
    return int((folder / "operations").read_text())


def kills(
    folder: Path,
    template: Path | None,
    reference: Reference,
    times: int,
    seed: int,
    *,
    threads: int,
) -> collections.Counter:
    """Classes of sweeps that were killed at a file operation and then repeated.

    Without a template the sweep begins with nothing, else with a copy of it.
    """
    counts: collections.Counter = collections.Counter()
    total = count_operations(folder, template)
    rng = random.Random(seed)
    points = [rng.randint(1, total) for _ in range(times)] if times < total else range(1, total + 1)
    for n in points:
        root = folder / "killed"
        begin(root, template)

        def interrupted(n=n, root=root):
            warnings.simplefilter("ignore")
            Killer(n).patch()
            sweep.run(SPECS, Store(root), device="cpu", threads=threads)

        killed = os.WIFSIGNALED(in_child(interrupted))
        status = in_child(lambda root=root: resume(root, reference, template is None))
        kind = "RAW" if status else "repaired" if killed else "harmless"
        counts[kind] += 1
        if status:
            print(f"killed at operation {n} of {total}: status {status}", file=sys.stderr)
    return counts


def resume(root: Path, reference: Reference, whole: bool) -> int:
    """Use and repeat a killed sweep; 0 if nothing of the kill is left.

    whole: nothing was damaged before, so that no word is expected.
    """
    warnings.simplefilter("error" if whole else "ignore")
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(LIMIT)
    store = Store(root)
    assert not whole or not store.check(), store.check()
    table = store.table()
    sweep.run(SPECS, store, device="cpu", threads=1)
    assert store.table(SPECS).equals(reference.table)
    if len(table):
        partly = reference.table[reference.table["run"].isin(set(table["run"]))]
        ordered = [frame.sort_values(["run", "level"]) for frame in (table, partly)]
        found, wanted = [frame.reset_index(drop=True) for frame in ordered]
        assert found.equals(wanted)
    for (run, level), ticket in reference.tickets.items():
        assert same(store.ticket(run, level), ticket)
    left = [p for p in store.runs.rglob("*") if p.name.startswith(".") or p.name == "partial.npz"]
    assert not left, left
    assert not store.check()
    return 0


def print_table(counts: dict, heading: str, columns: Sequence[str]):
    """How often each class of `columns` was seen, by what the heading says."""
    print(f"{heading:<14}" + "".join(f"{name:>10}" for name in columns))
    for name in sorted(counts):
        print(f"{name:<14}" + "".join(f"{counts[name][kind]:>10}" for kind in columns))


def main() -> int:
    """0 if nothing was silent, raw or without an end."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--damages", type=int, default=300)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="print what each damage led to")
    asked = parser.parse_args()
    # without threads of torch this process can be forked after it has trained
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        reference, template = compute(root / "reference"), root / "template"
        fill(template)
        of_kills = {}
        scenes = (
            ("sweep killed", None, 1),
            ("two threads", None, 2),
            ("repair killed", template, 1),
        )
        for name, begun, threads in scenes:
            if asked.kills:
                of_kills[name] = kills(
                    root, begun, reference, asked.kills, asked.seed, threads=threads
                )
        counts = damages(template, reference, asked.damages, asked.seed, asked.show)
    counts |= of_kills
    print_table(counts, "damaged", COLUMNS)
    return int(any(counts[name][kind] for name in counts for kind in BAD))


if __name__ == "__main__":
    sys.exit(main())
