"""Call the public functions and the command line with bad values of every argument.

python tests/fuzz_inputs.py --inputs 500 --seed 0

Each call is right but for one or two values, which are drawn from what people give by mistake.
What comes of it is counted:

* refused: an error of this package said what is wrong
* taken: values that only might be wrong were understood
* SILENT, RAW, HANG: a wrong value was taken, an error of another kind came, or none within
  ``LIMIT`` seconds and ``MEMORY`` bytes more than at the beginning; none may be
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import io
import math
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import torch
import yaml
from fuzz import LIMIT, Hang, out_of_time, print_table

import lth_utils as lth
from lth_utils import __main__ as command_line
from lth_utils.config import SpecError
from lth_utils.data.image_files import DataError
from lth_utils.publish import runner
from lth_utils.runs.files import StoreError
from lth_utils.runs.report import SweepError

OURS = (SpecError, StoreError, SweepError, DataError)
COLUMNS = ("refused", "taken", "SILENT", "RAW", "HANG")
BAD = COLUMNS[2:]
MEMORY = 4 << 30
ROOT = Path(__file__).parents[1]


class Maybe:
    """A value that may be understood; all others must be refused."""

    def __init__(self, value):
        self.value = value


# what people give by mistake

TASKS = (lth.Task("one", range(0, 2), range(0, 1)), lth.Task("two", range(2, 4), range(1, 2)))
RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 4)).astype(np.float32)
Y = (X[:, ::2] > 0).astype(np.int64)
DATA = lth.Dataset(X, Y, X, Y, TASKS)
MASKS = [torch.ones(1, 5, 4, dtype=torch.bool), torch.ones(1, 2, 5, dtype=torch.bool)]
MODEL = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
MEMBERS = lth.init((4, 5, 2), [0, 1])
VALUES = np.ones(37, np.float32)
TICKET = lth.Ticket((4, 5, 2), MASKS, VALUES, VALUES, TASKS, 0, 0)
IMAGE = ((1, 6), (2, 3, 2), 2)
CONVOLUTIONAL = lth.Ticket(
    IMAGE,
    [mask[:1] for mask in lth.init(IMAGE, [0]).masks],
    lth.init(IMAGE, [0]).parameters[0],
    None,
    [lth.Task("image", range(36), range(2))],
    0,
    0,
)
SPEC = lth.RunSpec(lth.data.spec("moons_circles", n_samples=30), base=(4, 5, 2))
BRIEF = lth.TrainSpec(max_epochs=2, patience=2)

NO_WORD = ["", "magnitud", "Total", "../x", "a\0b", 3, None, [], {}, 1.5, b"total", True]
NO_COUNT = [-1, 1.5, "x", math.nan, math.inf, -math.inf, None, [], {}, (1,), True, "1e999", 1j]
NO_SHARE = [0, 1, -0.1, 2, math.nan, math.inf, "x", [], {}, True, (0.5,), 1j]
NO_SHAPE = [(), (4,), 4, "4-5-2", None, (4, 0, 2), (4, -1, 2), (4, 2.5, 2), (4, None, 2), {}]
NO_SHAPE += [((1, 6), 2), ((1, 2), (2, 5, 2), 2), ((1, 6), (2, 3), 2), [[4, 5], [5, 2]]]
NO_MASKS = [
    None,
    [],
    (),
    {},
    "masks",
    3,
    MODEL,
    MODEL.state_dict(),
    MASKS[0],
    dict(enumerate(MASKS)),
    [None],
    [1, 2],
    [[True]],
    [MASKS[0].float(), MASKS[1].float()],
    [MASKS[0].int(), MASKS[1]],
    [mask[0] for mask in MASKS],
    MASKS[::-1],
    [MASKS[0], MASKS[1].repeat(3, 1, 1)],
    [mask[:0] for mask in MASKS],
    [MASKS[0], MASKS[1].to("meta")],
    [MASKS[0][..., None], MASKS[1][..., None]],
    Maybe([MASKS[0].to_sparse(), MASKS[1]]),
    [np.ones((1, 5, 4), object), MASKS[1]],
]
NO_TASKS = [
    None,
    [],
    3,
    "one",
    {},
    [None],
    ["one"],
    [(range(2), range(1))],
    [TASKS[0], TASKS[0]],
    [lth.Task("far", range(0, 9), range(0, 1))],
    [lth.Task("far", range(0, 2), range(0, 9))],
    [TASKS[0], lth.Task("one", range(2, 4), range(1, 2))],
    Maybe([TASKS[0], lth.Task("two", range(1, 4), range(1, 2))]),
]
NO_ARRAY = [
    None,
    3,
    "x",
    [],
    {},
    X[:, 0],
    X[:, :3],
    X[:0],
    X[None],
    np.full_like(X, np.nan),
    np.where(X[3, 1] == X, np.inf, X),
    X.astype(complex),
    X.astype(str),
    X.astype(object) * 1j,
    pd.DataFrame({"a": ["x"] * 30, "b": 1, "c": 2, "d": 3}),
    pd.DataFrame({"a": pd.date_range("2020", periods=30), "b": 1, "c": 2, "d": 3}),
    torch.ones(30, 4, device="meta"),
    torch.full((30, 4), 1e300, dtype=torch.float64),
    [[1, 2], [3]],
]
NO_LABELS = [
    *NO_ARRAY[:5],
    Y[:, :1],
    Y[:-1],
    Y - 1,
    Y + 1,
    Y * 0.5,
    Maybe(np.where(Y > 0, np.nan, 0)),
    Y.astype(str),
    np.full(Y.shape, 2**63, np.uint64),
    np.full(Y.shape, 1e300),
    pd.DataFrame({"a": ["yes", "no"] * 15, "b": 1}),
]
GOOD_ARRAY = [
    X.astype(np.float64),
    X.astype(">f8"),
    X.astype(np.float16),
    np.asfortranarray(X),
    torch.from_numpy(X).bfloat16(),
    pd.DataFrame(X),
    X.tolist(),
    X > 0,
    X[::-1],
]
GOOD_LABELS = [Y.astype(t) for t in ("u1", "i4", ">i8", "f8", "?")]
GOOD_LABELS += [torch.from_numpy(Y).int(), pd.DataFrame(Y), Y.tolist(), np.asfortranarray(Y)]
NO_VALUES = [None, 3, "x", [], VALUES[:-1], VALUES[None], VALUES.astype(str), VALUES * 1j]
NO_VALUES += [VALUES > 0, np.full(37, np.inf, np.float32), ["x"] * 37, [[1], [2, 3]], {}]
NO_OBJECT = [None, 3, "x", {}, [], (), MODEL, TASKS, X, float("nan")]
NO_PATH = ["no-run", "", "../x", "a/b", None, 3, [], "\0", b"x", "x" * 5000]


def maybe(values) -> list[Maybe]:
    return [Maybe(value) for value in values]


def store() -> lth.Store:
    return lth.Store(Path(os.environ["LTH_OUTPUTS"]))


def imp_run(**arguments):
    return list(lth.imp.run(**arguments))


def planned(**arguments):
    """A run with this pruning, which is checked when it is planned, before it is computed."""
    return lth.pruning.plan(lth.RunSpec(SPEC.data, (4, 5, 2), prune=lth.PruneSpec(**arguments)))


def planned_run(**arguments):
    return lth.pruning.plan(lth.RunSpec(**arguments))


PRUNING = {"rate": NO_SHARE, "levels": [*NO_COUNT, 10**9], "criterion": NO_WORD, "scope": NO_WORD}
MEASURED = {"masks": NO_MASKS, "tasks": NO_TASKS, "kind": NO_WORD}
BY_HAND = {
    "shape": NO_SHAPE,
    "masks": NO_MASKS,
    "initial": NO_VALUES,
    "trained": [*NO_VALUES[1:], np.full(37, np.nan, np.float32)],
    "tasks": NO_TASKS,
    "seed": NO_COUNT,
    "level": NO_COUNT,
}
PARTS = {name: getattr(TICKET, name) for name in BY_HAND}
ARRAYS = {
    "x_train": NO_ARRAY + maybe(GOOD_ARRAY),
    "y_train": NO_LABELS + maybe(GOOD_LABELS),
    "x_test": NO_ARRAY + maybe(GOOD_ARRAY),
    "y_test": NO_LABELS + maybe(GOOD_LABELS),
    "tasks": NO_TASKS,
}
SPLITS = {name: getattr(DATA, name) for name in ARRAYS}
TRAINED = {"population": NO_OBJECT, "data": NO_OBJECT}
LOOP = {
    "members": NO_OBJECT,
    "data": NO_OBJECT,
    "keep": [None, 3, "x", [], [10, 20], [30, -1], [30, 1.5], [99], {}],
    "train": NO_OBJECT,
    "prune": NO_OBJECT,
    "coverage": NO_WORD,
}
RIGHT_LOOP = {
    "members": MEMBERS,
    "data": DATA,
    "keep": [30, 20],
    "train": BRIEF,
    "prune": lth.PruneSpec(0.3, 1),
}
CHOICE = {
    "keep": [-1, 99, 1.5, "x", None, [], math.nan],
    "shape": NO_SHAPE,
    "seeds": [None, 3, "x", [], [0], [0, 1, 2], ["a", "b"], [0, -1]],
    "level": NO_COUNT,
    "spec": [3, "x", {}, [], MODEL],
    "weights": [None, 3, "x", X, torch.ones(2, 5), torch.ones(30), torch.full((2, 30), torch.nan)],
    "masks": [None, 3, "x", X, torch.ones(2, 30), torch.ones(30) > 0, torch.ones(2, 5) > 0],
}
RIGHT_CHOICE = {
    "weights": MEMBERS.parameters[:, :30],
    "masks": MEMBERS.mask,
    "keep": 10,
    "shape": (4, 5, 2),
    "seeds": [0, 1],
    "level": 1,
}
SETS = {"name": [*NO_WORD, "moons_circle"], "noise": [-1, "x", math.nan, None, [], True]}
SETS |= {"n_samples": [*NO_COUNT, 0, 1], "nois": [0.1], "seed": NO_COUNT}
RUNS = {
    "data": [*NO_OBJECT[:3], *NO_OBJECT[4:], *maybe([{}, lth.DataSpec("mine")])],
    "base": NO_SHAPE + maybe([(3, 5, 2), (4, 5, 3), [4, 5, 2], (4, 10**9, 2)]),
    "seed": NO_COUNT,
    "train": [3, "x", [], {"lr": -1}, {"lrr": 1}, None],
    "prune": [3, "x", [], {"rate": 2}, {"rat": 1}, None, {"criterion": "taylor", "levels": 0}],
    "coverage": NO_WORD,
    "stop_at": [3, ["degrade"], [3], None, {"a": 1}],
    "init": NO_WORD,
    "variant": [3, "x", [], {"level": 1}, {}],
}
TABLE = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "t": Y[:, 0], "u": X[:, 2]})
BRIEF_STUDY = {"networks": [4], "seeds": 1, "max_epochs": 1, "device": "cpu", "controls": False}
NO_NAMES = [None, 3, [], {}, "z", ["z"], ["t", "t"], [None], [["t"]], b"t", ("a", 1)]
OWN = {
    "x": [*NO_ARRAY[:6], *NO_ARRAY[7:], X[:1], X[:7]],
    "y": [
        3,
        "x",
        [],
        {},
        Y[:-1],
        Y * 0,
        Y[:, :0],
        Y[None],
        np.full(Y.shape, 1e999),
    ],
    "tasks": [*NO_TASKS[2:9], *NO_TASKS[10:12], [lth.Task("a", ["z"], [0]), TASKS[1]]],
    "test": [0, 1, -1, "x", None, math.nan, [], 2],
    "validation": [1, -1, "x", None, math.nan, [], 0.99],
    "seed": NO_COUNT,
    "input_names": [3, ["a"], None],
    "target_names": [3, ["a"], ["a", "a"]],
}
TARGETS = [
    ("from_arrays", lth.from_arrays, {"x": X, "y": Y}, OWN),
    (
        "from_frame",
        lth.from_frame,
        {"frame": TABLE, "targets": ["t"]},
        {
            "frame": [None, 3, X, {}, [], "data.csv", TABLE.iloc[:1], TABLE[["t"]]],
            "targets": NO_NAMES,
            "inputs": [3, [], "a", ["z"], ["t"], ["a", "a"], {}],
            "tasks": [3, "a", {"a": "z"}, [3], {"a": []}, {}, {3: 3}],
            "seed": NO_COUNT,
        },
    ),
    ("from_file", lth.from_file, {"path": "x", "targets": ["t"]}, {"path": NO_PATH}),
    (
        "study",
        lambda **arguments: lth.study(store=store(), **arguments),
        {"data": DATA, **BRIEF_STUDY},
        {
            "data": [*NO_OBJECT, "data.csv", TABLE],
            "networks": [3, "large", [], [0], [1.5], ["x"], {}],
            "seeds": [0, -1, "x", None, 1.5, {}, "3-1"],
            "draws": [0, *NO_COUNT],
            "max_epochs": [0, *NO_COUNT],
            "device": NO_WORD,
        },
    ),
    ("Dataset", lth.Dataset, SPLITS, ARRAYS),
    ("Ticket", lth.Ticket, PARTS, BY_HAND),
    (
        "Task",
        lth.Task,
        {"name": "a", "inputs": range(2), "outputs": range(1)},
        {
            "name": ["", None, 3, [], "a\nb", {}],
            "kind": NO_WORD,
            "weight": [0, -1, math.nan, math.inf, "x", None, []],
            "inputs": [range(0), range(-1, 2), None, 3, "0-2", range(5, 2), {}, [0.5], [-1]],
            "outputs": [range(0), range(-1, 2), None, 3, "0-2", range(5, 2), {}, [0.5], [-1]],
        },
    ),
    ("status", lth.status, {"masks": MASKS, "tasks": TASKS}, MEASURED),
    ("coverage", lth.coverage, {"masks": MASKS, "tasks": TASKS}, MEASURED),
    ("measure", lth.measure, {"masks": MASKS, "tasks": TASKS}, MEASURED),
    (
        "decided",
        lth.decided,
        {"masks": MASKS, "tasks": TASKS},
        {"masks": NO_MASKS, "tasks": NO_TASKS, "seen_from": NO_WORD},
    ),
    ("weight_states", lth.weight_states, {"masks": MASKS}, {"masks": NO_MASKS}),
    ("unit_states", lth.unit_states, {"masks": MASKS}, {"masks": NO_MASKS}),
    ("components", lth.components, {"masks": MASKS}, {"masks": NO_MASKS}),
    ("to_networkx", lth.to_networkx, {"ticket": TICKET}, {"ticket": [*NO_OBJECT, nx.DiGraph()]}),
    (
        "init",
        lth.init,
        {"shape": (4, 5, 2), "seeds": [0, 1]},
        {
            "shape": NO_SHAPE,
            "seeds": [None, 3, "x", [], [0, 0], [-1], [1.5], ["a"], [None], {}],
            "device": ["cud", 3, None, [], "cuda"],
            "scheme": NO_WORD,
        },
    ),
    (
        "rewind",
        lth.rewind,
        {"population": MEMBERS, "mask": MEMBERS.mask},
        {
            "population": NO_OBJECT,
            "mask": [None, 3, "x", X, MEMBERS.mask[:1], MEMBERS.mask.float(), MEMBERS.mask[:, 1:]],
            "biases": [3, "x", X, torch.ones(2, 3), torch.ones(1, 7)],
        },
    ),
    ("prune", lth.prune, RIGHT_CHOICE, CHOICE),
    (
        "keep_largest",
        lth.keep_largest,
        {"scores": MEMBERS.parameters[:, :30], "masks": MEMBERS.mask, "keep": 5},
        {"scores": CHOICE["weights"], "masks": CHOICE["masks"][:-1], "keep": CHOICE["keep"]},
    ),
    (
        "trajectory",
        lth.trajectory,
        {"n_weights": 56, "rate": 0.3, "levels": 3},
        {"n_weights": [*NO_COUNT, 0], "rate": NO_SHARE, "levels": [*NO_COUNT, 10**9, Maybe(300)]},
    ),
    (
        "extend",
        lth.extend,
        {"shape": (4, 5, 2), "rate": 0.3, "levels": 2},
        {"shape": NO_SHAPE, "rate": NO_SHARE, "levels": [*NO_COUNT, 10**9, 300]},
    ),
    (
        "evaluate",
        lth.evaluate,
        {"population": MEMBERS, "data": DATA},
        {**TRAINED, "split": [*NO_WORD, "validation"]},
    ),
    (
        "train",
        lth.train,
        {"population": MEMBERS, "data": DATA, "spec": BRIEF},
        {**TRAINED, "spec": [*NO_OBJECT, lth.PruneSpec(0.3, 1)]},
    ),
    ("imp.run", imp_run, RIGHT_LOOP, LOOP),
    (
        "data.spec",
        lambda name, **options: lth.data.load(lth.data.spec(name, **options)),
        {"name": "moons_circles"},
        SETS,
    ),
    (
        "TrainSpec",
        lth.TrainSpec,
        {},
        {
            "lr": [0, *NO_SHARE[2:3], *NO_SHARE[4:]],
            "batch_size": [0, *NO_COUNT],
            "patience": [0, *NO_COUNT],
            "max_epochs": [0, *NO_COUNT],
            "loss": NO_WORD,
            "weight_decay": [-1, *NO_SHARE[4:]],
            "record": [1, "yes", None, [], 0.0],
        },
    ),
    ("PruneSpec", planned, {"rate": 0.3, "levels": 3}, {**PRUNING, "target": NO_COUNT}),
    ("RunSpec", planned_run, {"data": SPEC.data, "base": (4, 5, 2)}, RUNS),
    (
        "expand",
        lth.expand,
        {"spec": SPEC, "axes": {"seed": [0, 1]}},
        {
            "spec": NO_OBJECT,
            "axes": [
                None,
                3,
                "seed",
                [],
                {"sed": [1]},
                {"seed": []},
                {"seed": 3},
                {"seed": [0, 0]},
                {"seed": range(10**7)},
                {"prune.rat": [1]},
                {"prune.rate": [2]},
                {3: [1]},
                {"seed": ["x"]},
                {"base": [(4, 0)]},
            ],
            "limit": [1],
        },
    ),
    ("run_id", lth.run_id, {"spec": SPEC}, {"spec": NO_OBJECT}),
    (
        "sweep",
        lambda **arguments: lth.sweep(store=store(), **arguments),
        {"specs": [SPEC]},
        {
            "specs": [None, 3, [], "x", [3], [SPEC, SPEC], SPEC.data, [None], {}],
            "device": [*NO_WORD, "gpu"],
            "threads": [-1, 0, 1.5, "x", []],
        },
    ),
    ("Store.ticket", lambda run: store().ticket(run), {"run": "x"}, {"run": NO_PATH}),
    ("Store.masks", lambda run: store().masks(run), {"run": "x"}, {"run": NO_PATH}),
    ("Store.spec", lambda run: store().spec(run), {"run": "x"}, {"run": NO_PATH}),
    ("Store.provenance", lambda run: store().provenance(run), {"run": "x"}, {"run": NO_PATH}),
    (
        "Store.table",
        lambda specs: store().table(specs),
        {"specs": [SPEC]},
        {"specs": [3, "x", [3], [SPEC], [None], {}, SPEC]},
    ),
    (
        "explore",
        lth.explore,
        {"store_or_tickets": [TICKET]},
        {
            "store_or_tickets": [3, "x", [3], [None], [CONVOLUTIONAL], {}, TICKET.masks, MODEL],
            "run": NO_PATH[:2] + NO_PATH[3:4],
        },
    ),
    (
        "explain",
        lambda **arguments: lth.explorer.explain(**arguments),
        {"ticket": TICKET, "layer": 1, "unit": 0},
        {"ticket": [*NO_OBJECT, CONVOLUTIONAL], "layer": NO_COUNT, "unit": [*NO_COUNT, 99]},
    ),
    (
        "ticket.model",
        lambda which: TICKET.model(which),
        {"which": "trained"},
        {"which": NO_WORD},
    ),
    ("load", lambda path: lth.explorer.load(path), {"path": "x"}, {"path": NO_PATH}),
]


def call_with_bad_values(rng: random.Random) -> tuple[str, bool, object]:
    """Name, whether it must be refused, and a call; one or two of its values are wrong."""
    name, function, right, wrong = rng.choice(TARGETS)
    arguments, must = dict(right), False
    for argument in rng.sample(sorted(wrong), k=min(len(wrong), rng.choice([1, 1, 1, 2]))):
        value = rng.choice(wrong[argument])
        if isinstance(value, Maybe):
            arguments[argument] = value.value
            continue
        arguments[argument], must = value, True
        if argument in ("levels", "rate", "target") and value is None:
            must = False  # which two of the three are given is checked by other tests
    if name == "PruneSpec" and not arguments.get("levels") and "rate" not in wrong:
        must = False
    shown = ", ".join(f"{key}={value!r:.60}" for key, value in arguments.items())
    return f"{name}({shown})", must, lambda: function(**arguments)


# the command line and its files

WORDS = ["run", "figures", "report", "check", "init", "readmes", "01", "1", "99", "all", "--set"]
WORDS += ["smoke", "smok", "../x", "", "-p", "seeds", "0-1", "[0, 1", "{", "--force", "--no-page"]
WORDS += ["\udcff", "a" * 5000, "~", "\n", "--help", "*", "n_samples", "é", "set_name", "--strict"]


def command(rng: random.Random, project: Path) -> tuple[str, bool, object]:
    """A random command line; only its words are wrong, or one of its parameter files."""
    words = rng.choices(WORDS, k=rng.randint(0, 6))
    if rng.random() < 0.6:
        words = ["run", rng.choice(["01", "02", "03", "04", "06", "07"]), "--set", "smoke"]
        damage_parameters(rng, project, words[1])
    if "init" in words:
        words = [word for word in words if word in ("init", "--help", "*")]
    return f"lth_utils {words}", False, lambda: command_line.main([word[:300] for word in words])


def damage_parameters(rng: random.Random, project: Path, notebook: str):
    """One thing is wrong in a parameter file, at any depth."""
    (file,) = (project / "parameters" / "smoke").glob(f"{notebook}_*.yaml")
    text = (ROOT / "parameters" / "smoke" / file.name).read_bytes()
    if rng.random() < 0.4:
        position = rng.randrange(len(text))
        noise = rng.choice(
            [b"\xff", b"\0", b"{", b"*a", b"&a ", b"\t", b"- ", b": ", b"'", b"!!x "]
        )
        file.write_bytes(text[:position] + noise + text[position:])
        return
    values = yaml.safe_load(text)
    inner = values
    while True:
        key = rng.choice(sorted(inner))
        if not isinstance(inner[key], dict) or not inner[key] or rng.random() < 0.3:
            break
        inner = inner[key]
    if rng.random() < 0.4:
        inner[f"{key}x"] = inner.pop(key)
    else:
        inner[key] = rng.choice([None, "x", [], {}, -1, 1e9, True, [[1]], {"a": 1}, math.nan])
    file.write_text(yaml.safe_dump(values))


def lay_out(folder: Path) -> Path:
    """A project of its own, and outputs, for the command line."""
    project = folder / "project"
    for name in ("notebooks", "parameters"):
        shutil.copytree(ROOT / name, project / name)
    os.environ["LTH_DEBUG"] = "1"  # errors that were not foreseen come with their traceback
    os.environ["LTH_OUTPUTS"] = str(folder / "outputs")
    os.chdir(project)
    # a notebook that would be executed counts as taken
    runner._run_job = lambda *_: None
    runner.figures = lambda *_: 0
    return project


# counting


def try_out(must: bool, call) -> tuple[str, str]:
    """The class of what comes of a call, and what was said."""
    said = io.StringIO()
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(LIMIT)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = call()
    except Hang:
        return "HANG", traceback.format_exc()
    except OURS as error:
        return "refused", str(error)
    except SystemExit as error:
        return ("refused" if error.code else "taken"), said.getvalue()
    except BaseException:
        return "RAW", traceback.format_exc()
    finally:
        signal.alarm(0)
    text = said.getvalue()
    if isinstance(status, int) and status == 1:
        foreseen = "error: " in text and "not foreseen" not in text
        return ("refused" if foreseen else "RAW"), text
    return ("SILENT" if must else "taken"), f"returned {status!r:.80}"


def limit_memory():
    """At most ``MEMORY`` bytes more than now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))


def inputs(times: int, seed: int, show: bool) -> dict[str, collections.Counter]:
    """Classes of `times` bad inputs, by where they went in."""
    counts: dict = collections.defaultdict(collections.Counter)
    warnings.simplefilter("ignore")
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        project = lay_out(Path(folder))
        for n in range(times):
            rng = random.Random(f"{seed} {n}")
            kind = "command line" if n % 3 == 0 else "function"
            shown, must, call = command(rng, project) if n % 3 == 0 else call_with_bad_values(rng)
            word, said = try_out(must, call)
            counts[kind][word] += 1
            if word in BAD or show:
                print(f"input {n}, {shown}: {word}\n{said}", file=sys.stderr)
        os.chdir(here)
    return counts


def main() -> int:
    """0 if nothing was silent, raw or without an end."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inputs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="print what each input led to")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    limit_memory()
    counts = inputs(asked.inputs, asked.seed, asked.show)
    print_table(counts, "input to", COLUMNS)
    return int(any(counts[name][kind] for name in counts for kind in BAD))


if __name__ == "__main__":
    sys.exit(main())
