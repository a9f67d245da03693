"""Claims 10, 11 and 16 from the kept tables of notebook 09: a function for each pattern."""

from functools import cache

import pandas as pd
import recomputed as again
from recomputed import HALF, Found
from recomputed_points import more_than, never, size

from lth_utils.config import run_id

NOTEBOOK = "09_controls_and_dials"
POINTS = 1000  # of the pair and of the controls
CONTROLS = {
    "networks pruned at random, as many weights per layer left at random places": "random pruning",
    "networks whose labels of the circles mean nothing": "circles shuffled",
    "networks whose labels of the moons mean nothing": "moons shuffled",
    "networks none of whose labels mean anything": "both shuffled",
    "networks whose second label needs both tasks": "exclusive or",
    "networks on inputs that are made of both tasks in equal parts": "rotated by 45 degrees",
}


@cache
def groups(set_name):
    return again.asked(set_name, NOTEBOOK).groups()


@cache
def dial_rows(set_name, dial, points=POINTS):
    """The runs along a dial, or of a control; a place on it has the runs that were asked for."""
    rows = again.table(set_name, f"{NOTEBOOK}-found")
    rows = rows[(rows["dial"] == dial) & (rows["n_samples"] == points)]
    for value, own in rows.groupby("value"):
        assert set(own["run"]) == {run_id(spec) for spec in groups(set_name)[dial, points, value]}
    return rows


def pair(set_name):
    rows = dial_rows(set_name, "dependence")
    return rows[rows["value"] == 0]


def in_draws(rows, column):
    return rows.set_index("draw")[column].astype(float)


# claim 10


def never_apart(set_name, who):
    rows = dial_rows(set_name, CONTROLS[who])
    return never(rows, rows["apart"])


def never_at_the_shared_input(set_name):
    rows = dial_rows(set_name, "one shared input")
    return never(rows, rows["no_common"])


def twice(set_name, margin):
    two, one = pair(set_name), dial_rows(set_name, "twice")
    interval = again.difference_over_draws(in_draws(two, "apart"), in_draws(one, "apart"))
    return Found([interval], (float(margin), 1.0), len(two) + len(one), one["draw"].nunique())


def noise_dropped(set_name):
    tasks = {task: dial_rows(set_name, f"{task} shuffled") for task in ("circles", "moons")}
    rows = pd.concat([own.assign(dropped=own["lost"] == task) for task, own in tasks.items()])
    return more_than(rows, rows["dropped"], HALF)


# claim 11


def change(set_name, dial, points, column, allowed):
    """By how much the last place of a dial is above its first, within draws."""
    rows = dial_rows(set_name, dial, points).dropna(subset=[column])
    first, last = (rows[rows["value"] == end] for end in (min(rows["value"]), max(rows["value"])))
    interval = again.difference_over_draws(in_draws(last, column), in_draws(first, column))
    return Found([interval], allowed, **size(pd.concat([first, last])))


def fewer_by_dependence(set_name, points, margin):
    return change(set_name, "dependence", int(points), "apart", (-1.0, -float(margin)))


def fewer_by_rotation(set_name, margin):
    return change(set_name, "rotation", POINTS, "apart", (-1.0, -float(margin)))


def not_rarer_by_overlap(set_name, margin):
    return change(set_name, "overlap", POINTS, "apart", (-float(margin), 1.0))


def excess_falls(set_name, with_what):
    return change(set_name, with_what.split()[0], POINTS, "excess", (-1.0, 0.0))


def excess_of_the_pair(set_name, margin):
    rows = pair(set_name).dropna(subset=["excess"])
    interval = again.mean_over_draws(rows["excess"], rows["draw"])
    return Found([interval], (float(margin), 1.0), **size(rows))


# claim 16

MOVED = {
    "is as accurate on another draw of the same problems": "another draw",
    "with both tasks swapped it is less accurate: its parts fit their own task": "tasks swapped",
    "with inputs that change places across its parts it is less accurate": "inputs across the "
    "blocks",
    "with its mask shuffled in each layer it is less accurate": "mask shuffled in each layer",
}


def moved(set_name, how, margin):
    rows = again.table(set_name, f"{NOTEBOOK}-transplants")
    tickets = pair(set_name).query("apart").set_index("run")
    assert set(rows["run"]) == set(tickets.index)
    assert (rows["level"] == rows["run"].map(tickets["apart_at"])).all()
    accuracy = rows.pivot(index=["draw", "run"], columns="transplant", values="accuracy")
    drop = accuracy["its own data"] - accuracy[MOVED[how]]
    draws = drop.index.get_level_values("draw")
    same, margin = MOVED[how] == "another draw", float(margin) / 100
    allowed = (-margin, margin) if same else (margin, 1.0)
    return Found([again.mean_over_draws(drop, draws)], allowed, len(drop), draws.nunique())


PATTERNS = {
    r"(networks .*) never separate with both tasks kept": never_apart,
    r"networks whose tasks need a common input never part at that input, .*": (
        never_at_the_shared_input
    ),
    r"one task given twice, with a copy of its inputs, separates less often than two tasks do "
    r"\(by more than ([\d.]+)\)": twice,
    r"of a task and one whose labels mean nothing, pruning drops an input or output of the latter "
    r"alone, in more than half of the networks": noise_dropped,
    r"the more two labels depend on each other, the fewer networks separate \((\d+) points, by "
    r"more than ([\d.]+)\)": fewer_by_dependence,
    r"the further inputs are rotated into each other, the fewer networks separate \(by more than "
    r"([\d.]+)\)": fewer_by_rotation,
    r"networks part as far as the tasks' own inputs allow, however many these share \(not rarer "
    r"by more than ([\d.]+)\)": not_rarer_by_overlap,
    r"the share of paths inside the tasks' blocks beyond chance falls with the (dependence of the "
    r"labels|rotation)": excess_falls,
    r"of two independent tasks, more paths lie inside the blocks than by chance \(by more than "
    r"([\d.]+) of all paths\)": excess_of_the_pair,
    r"(?:a separated ticket )?((?:is as|with) .*) \((?:within|more than) ([\d.]+) points\)": moved,
}
