"""Two tasks whose independence can be turned down, and controls that take it away."""

from __future__ import annotations

import numpy as np

from lth_utils.config import SpecError, choose, rng
from lth_utils.data.dataset import Dataset
from lth_utils.data.scaling import standardise
from lth_utils.data.tasks import Task
from lth_utils.data.toy_points import POINT_TASKS, draw_points, point_streams

FACTOR = 0.35
"""Radius of the inner circle over that of the outer one, as in the thesis."""

CONTROLS = ("none", "circles shuffled", "moons shuffled", "both shuffled", "twice", "exclusive or")
"""What is done to the labels; see :func:`dials`."""

ROTATED = (1, 2)
"""The inputs that are rotated into each other: one of the circles, one of the moons."""


def dials(
    n_samples: int = 1000,
    noise: float = 0.1,
    seed: int = 0,
    fresh: int = 0,
    dependence: float = 0.0,
    rotation: float = 0.0,
    control: str = "none",
) -> Dataset:
    """Circles and moons as in ``moons_circles``, made less independent.

    The tasks are those of ``moons_circles``: inputs 0 and 1 with output 0, and inputs 2 and 3 with
    output 1, whatever is done to the data. With the defaults so are the points.

    Args:
        n_samples: points per split, 2 or more.
        noise: standard deviation in data units before scaling, 0 or more.
        seed: of the data, 0 or more.
        fresh: points that become the test split, see ``moons_circles``; 0: none.
        dependence: r, from 0 to 1: points are paired so that both labels are equal in a share
            (1 + r) / 2 of the examples. What a task's label says of its own inputs stays the same.
        rotation: degrees, from 0 to 45, by which inputs 1 and 2 are rotated into each other after
            they were standardised; at 45 each is made of both tasks in equal parts.
        control: ``none``; ``circles shuffled``, ``moons shuffled`` or ``both shuffled``, labels in
            random order in every split; ``twice``, inputs 2 and 3 and label 1 are copies of those
            of the circles; ``exclusive or``, label 1 says whether the circles' and the moons'
            labels differ.

    Returns:
        Standardised examples, float32 ``[B, 4]``.

    Raises:
        SpecError: a value is out of range.

    >>> dials(n_samples=50, dependence=1).y_train.std(1).max()
    np.float64(0.0)
    """
    if n_samples < 2 or not 0 <= noise < np.inf or not 0 <= seed < 2**32:
        raise SpecError(
            f"n_samples is {n_samples}, noise {noise} and seed {seed}; allowed: 2 or more, "
            f"0 or more, 0 to {2**32 - 1}"
        )
    if not 0 <= dependence <= 1 or not 0 <= rotation <= 45 or fresh < 0 or fresh == 1:
        raise SpecError(
            f"dependence is {dependence}, rotation {rotation} and fresh {fresh}; allowed: 0 to 1, "
            "0 to 45 degrees, and 0, or 2 or more points"
        )
    choose(control, CONTROLS, "control")
    x, y = _drawn(2 * n_samples, noise, seed, "", dependence, control)
    x_train, x_other = standardise(x[:n_samples], x[n_samples:])
    train, other = (_rotated(x_train, rotation), y[:n_samples]), y[n_samples:]
    watched = _rotated(x_other, rotation)
    if not fresh:
        return Dataset(*train, watched, other, POINT_TASKS)
    x_fresh, y_fresh = _drawn(fresh, noise, seed, "fresh ", dependence, control)
    x_test = _rotated(standardise(x[:n_samples], x_fresh)[1], rotation)
    return Dataset(*train, x_test, y_fresh, POINT_TASKS, x_validation=watched, y_validation=other)


def _drawn(
    n: int, noise: float, seed: int, split: str, dependence: float, control: str
) -> tuple[np.ndarray, np.ndarray]:
    """`n` examples before scaling: inputs ``[n, 4]`` and labels int64 ``[n, 2]``."""
    x, y = draw_points(n, noise, FACTOR, point_streams(seed, split))
    stream = rng(seed, "dials", split)
    if dependence:
        moons = _paired(y, dependence, stream)
        x[:, 2:], y[:, 1] = x[moons, 2:], y[moons, 1]
    if control == "twice":
        x[:, 2:], y[:, 1] = x[:, :2], y[:, 0]
    elif control == "exclusive or":
        y[:, 1] ^= y[:, 0]
    for k, task in enumerate(POINT_TASKS):
        if control in (f"{task.name} shuffled", "both shuffled"):
            y[:, k] = stream.permutation(y[:, k])
    return x, y


def _paired(y: np.ndarray, dependence: float, stream: np.random.Generator) -> np.ndarray:
    """For each of the circles' points the moons' point beside it, int ``[n]``.

    A share `dependence` of each class gets a partner of the same class; the others' partners are
    left to chance.
    """
    tied: list[list[np.ndarray]] = [[], []]
    for label in (0, 1):
        count = round(dependence * min((y[:, 0] == label).sum(), (y[:, 1] == label).sum()))
        for k in (0, 1):
            tied[k].append(stream.permutation(np.flatnonzero(y[:, k] == label))[:count])
    circles, moons = (np.concatenate(of_task) for of_task in tied)
    partner = np.empty(len(y), dtype=np.int64)
    partner[circles] = moons
    every = np.arange(len(y))
    partner[np.setdiff1d(every, circles)] = stream.permutation(np.setdiff1d(every, moons))
    return partner


def _rotated(x: np.ndarray, degrees: float) -> np.ndarray:
    """The examples with two inputs rotated into each other; their variances stay one."""
    if not degrees:
        return x
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    rotated = x.copy()
    rotated[:, ROTATED] = x[:, ROTATED] @ turn
    return rotated


OVERLAPS = (0, 1, 2, 3)
"""How many of their three inputs the tasks of :func:`overlapping` may share."""

MARGIN = 0.15
"""How far every point is from the boundary of both tasks, so that small networks can be right."""


def overlapping(overlap: int = 0, n_samples: int = 1000, seed: int = 0, fresh: int = 0) -> Dataset:
    """Two tasks of three inputs each, of which they need some in common.

    Task ``ball`` asks whether its inputs lie in a ball around zero; task ``saddle`` whether the
    product of its first two and its third are together above zero. Inputs are uniform in -1…1,
    without those too close to a boundary of either task.

    Args:
        overlap: inputs that both tasks need, 0 to 3: the ball's last ones are the saddle's first.
        n_samples: examples per split, 2 or more.
        seed: of the data, 0 or more.
        fresh: examples that become the test split, see ``moons_circles``; 0: none.

    Returns:
        Standardised examples, float32 ``[B, 6 - overlap]``.

    Raises:
        SpecError: a value is out of range.

    >>> [list(task.inputs) for task in overlapping(1, n_samples=10).tasks]
    [[0, 1, 2], [2, 3, 4]]
    """
    if overlap not in OVERLAPS or n_samples < 2 or seed < 0 or fresh < 0 or fresh == 1:
        raise SpecError(
            f"overlap is {overlap}, n_samples {n_samples}, seed {seed} and fresh {fresh}; "
            "allowed: 0 to 3, 2 or more, 0 or more, and 0, or 2 or more"
        )
    of_ball, of_saddle = range(0, 3), range(3 - overlap, 6 - overlap)
    tasks = (Task("ball", of_ball, range(0, 1)), Task("saddle", of_saddle, range(1, 2)))
    x, y = _balanced(2 * n_samples, overlap, rng(seed, "overlapping", overlap))
    x_train, watched = standardise(x[:n_samples], x[n_samples:])
    train, other = (x_train, y[:n_samples]), y[n_samples:]
    if not fresh:
        return Dataset(*train, watched, other, tasks)
    x_fresh, y_fresh = _balanced(fresh, overlap, rng(seed, "overlapping", overlap, "fresh"))
    x_test = standardise(x[:n_samples], x_fresh)[1]
    return Dataset(*train, x_test, y_fresh, tasks, x_validation=watched, y_validation=other)


def _balanced(n: int, overlap: int, stream: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """`n` examples: inputs ``[n, 6 - overlap]``, and labels int64 ``[n, 2]``."""
    kept, count = [], 0
    while count < n:
        x = stream.uniform(-1, 1, (n, 6 - overlap))
        margins = _margins(x, overlap)
        kept.append(x[(np.abs(margins) > MARGIN).all(1)])
        count += len(kept[-1])
    x = np.concatenate(kept)[:n]
    return x, (_margins(x, overlap) > 0).astype(np.int64)


def _margins(x: np.ndarray, overlap: int) -> np.ndarray:
    """What both tasks' labels are the sign of, float64 ``[n, 2]``."""
    saddle = x[:, 3 - overlap :]
    inside = 1 - np.sqrt((x[:, :3] ** 2).sum(1))
    return np.stack([inside, saddle[:, 0] * saddle[:, 1] + saddle[:, 2]], 1)
