"""Problems to play with, several side by side, none of which needs a network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lth_utils.config import SpecError, choose, rng
from lth_utils.data.dataset import Dataset
from lth_utils.data.scaling import standardise
from lth_utils.data.tasks import Task

Points = tuple[np.ndarray, np.ndarray]
"""Points float64 ``[n, 2]`` and their classes int64 ``[n]``."""


def _circles(n: int, stream: np.random.Generator) -> Points:
    """A circle in another one."""
    label = stream.integers(0, 2, n)
    angle, radius = stream.uniform(0, 2 * np.pi, n), np.where(label, 0.35, 1.0)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), label


def _moons(n: int, stream: np.random.Generator) -> Points:
    """Two half circles that reach into each other."""
    label, angle = stream.integers(0, 2, n), stream.uniform(0, np.pi, n)
    upper = np.stack([np.cos(angle), np.sin(angle)], 1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], 1)
    return np.where(label[:, None], lower, upper), label


def _xor(n: int, stream: np.random.Generator) -> Points:
    """Whether two coordinates have the same sign."""
    x = stream.uniform(-1, 1, (n, 2))
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.int64)


def _stripes(n: int, stream: np.random.Generator) -> Points:
    """Slanted stripes of two kinds, in turns."""
    x = stream.uniform(-1, 1, (n, 2))
    return x, (np.sin(3 * (x[:, 0] + x[:, 1])) > 0).astype(np.int64)


def _spirals(n: int, stream: np.random.Generator) -> Points:
    """Two arms of a spiral."""
    label, turn = stream.integers(0, 2, n), np.sqrt(stream.uniform(0.05, 1, n)) * 1.25 * np.pi
    angle = turn + np.pi * label
    return np.stack([turn * np.cos(angle), turn * np.sin(angle)], 1) / 4, label


def _blobs(n: int, stream: np.random.Generator) -> Points:
    """Two clouds that a line parts."""
    label = stream.integers(0, 2, n)
    return 0.3 * stream.standard_normal((n, 2)) + np.where(label, 0.6, -0.6)[:, None], label


KINDS_OF_POINTS: dict[str, Callable[[int, np.random.Generator], Points]] = {
    "circles": _circles,
    "moons": _moons,
    "xor": _xor,
    "stripes": _stripes,
    "spirals": _spirals,
    "blobs": _blobs,
}
"""Problems of two classes of points in the plane."""


def points(
    k: int = 3,
    kinds: tuple[str, ...] = ("circles", "moons", "xor", "stripes", "spirals", "blobs"),
    n_samples: int = 1000,
    noise: float = 0.1,
    distractors: int = 0,
    seed: int = 0,
) -> Dataset:
    """K independent problems of points side by side, two inputs and one output each.

    Args:
        k: number of tasks, 1 or more.
        kinds: of ``KINDS_OF_POINTS``, taken in turns.
        n_samples: points per split, 2 or more.
        noise: standard deviation in data units, 0 or more.
        distractors: inputs behind the others that tell nothing.
        seed: of the data.

    Returns:
        Inputs float32 ``[B, 2 k + distractors]``, standardised; ``k`` binary labels.

    Raises:
        SpecError: a value out of range, or an unknown kind.

    >>> points(k=2, n_samples=50, distractors=1).x_train.shape
    (50, 5)
    """
    if k < 1 or n_samples < 2 or distractors < 0 or seed < 0 or not 0 <= noise < np.inf:
        raise SpecError(
            f"k is {k}, n_samples {n_samples}, distractors {distractors}, noise {noise}, seed "
            f"{seed}; allowed: k 1 or more, n_samples 2 or more, the others 0 or more"
        )
    if not kinds:
        raise SpecError(f"kinds is empty; allowed: {', '.join(KINDS_OF_POINTS)}")
    x, y, tasks = [], [], []
    for n in range(k):
        kind = choose(kinds[n % len(kinds)], KINDS_OF_POINTS, "a kind of points")
        stream = rng(seed, "points", n, kind)
        plane, label = KINDS_OF_POINTS[kind](2 * n_samples, stream)
        x.append(plane + noise * stream.standard_normal(plane.shape))
        y.append(label)
        name = kind if n < len(kinds) else f"{kind} {n // len(kinds) + 1}"
        tasks.append(Task(name, range(2 * n, 2 * n + 2), range(n, n + 1)))
    x.append(rng(seed, "points", "distractors").standard_normal((2 * n_samples, distractors)))
    x_train, x_test = _halves(np.concatenate(x, 1))
    y_train, y_test = np.split(np.stack(y, 1).astype(np.int64), 2)
    return Dataset(x_train, y_train, x_test, y_test, tuple(tasks))


def _halves(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The training split and the test split, standardised."""
    half = len(rows) // 2
    return standardise(rows[:half], rows[half:])


FORMULAS: dict[str, tuple[int, list[tuple[str, tuple[int, ...], Callable]]]] = {
    # number of inputs; name, inputs and value of each target
    "independence": (
        4,
        [
            ("(x1+x3)^3", (0, 2), lambda x: (x[:, 0] + x[:, 2]) ** 3),
            ("x2^2+sin(pi x4)", (1, 3), lambda x: x[:, 1] ** 2 + np.sin(np.pi * x[:, 3])),
        ],
    ),
    "products": (
        6,
        [
            ("x1 x2", (0, 1), lambda x: x[:, 0] * x[:, 1]),
            ("x3 x4", (2, 3), lambda x: x[:, 2] * x[:, 3]),
            ("|x5 - x6|", (4, 5), lambda x: np.abs(x[:, 4] - x[:, 5])),
        ],
    ),
    "shared": (
        3,
        [
            ("x1 x2", (0, 1), lambda x: x[:, 0] * x[:, 1]),
            ("sin(pi x2) + x3", (1, 2), lambda x: np.sin(np.pi * x[:, 1]) + x[:, 2]),
        ],
    ),
    "entangled": (
        4,
        [
            ("(x1+x2+x3+x4)^2", (0, 1, 2, 3), lambda x: x.sum(1) ** 2),
            ("|x1+x2+x3+x4|", (0, 1, 2, 3), lambda x: np.abs(x.sum(1))),
        ],
    ),
}
"""Formulas of several targets, each of some inputs.

Source of ``independence``: Liu, Gan and Tegmark 2023, Seeing is Believing (BIMT).
"""


def formulas(
    name: str = "independence", n_samples: int = 1000, noise: float = 0.0, seed: int = 0
) -> Dataset:
    """Regression on formulas of uniform inputs in -1…1.

    Args:
        name: of ``FORMULAS``: ``independence`` and ``products`` are independent tasks, ``shared``
            has an input of both, ``entangled`` two targets of the same sum.
        n_samples: examples per split, 2 or more.
        noise: standard deviation of what is added to each target, in its own standard deviations.
        seed: of the data.

    Returns:
        Standardised inputs and targets, one task of kind regression per target.

    Raises:
        SpecError: an unknown name or a value out of range.

    >>> [task.inputs for task in formulas(n_samples=50).tasks]
    [(0, 2), (1, 3)]
    """
    choose(name, FORMULAS, "formulas")
    if n_samples < 2 or seed < 0 or not 0 <= noise < np.inf:
        raise SpecError(
            f"n_samples is {n_samples}, noise {noise}, seed {seed}; "
            "allowed: n_samples 2 or more, the others 0 or more"
        )
    n_inputs, targets = FORMULAS[name]
    stream = rng(seed, "formulas", name)
    x = stream.uniform(-1, 1, (2 * n_samples, n_inputs))
    y = np.stack([value(x) for _, _, value in targets], 1)
    y = y + noise * y.std(0) * stream.standard_normal(y.shape)
    tasks = []
    for n, (title, inputs, _) in enumerate(targets):
        tasks.append(Task(title, inputs, range(n, n + 1), "regression"))
    x_train, x_test = _halves(x)
    y_train, y_test = _halves(y)
    names = tuple(f"x{n + 1}" for n in range(n_inputs))
    return Dataset(x_train, y_train, x_test, y_test, tuple(tasks), input_names=names)


BUNDLED = ("digits", "wine", "breast_cancer", "diabetes")
"""scikit-learn's own small sets."""


def bundled(
    names: tuple[str, ...] = ("wine", "breast_cancer"), n_samples: int = 1000, seed: int = 0
) -> Dataset:
    """Real sets of scikit-learn side by side, their rows paired at random.

    Of each set 60 % of the rows are for training, 15 % for validation and 25 % for the test. Within
    a split rows are drawn with replacement, so that sets of different size can be paired; no row is
    in two splits.

    Args:
        names: of ``BUNDLED``, one or more, each once; ``diabetes`` is a regression.
        n_samples: pairs in the training split; the others have half as many each.
        seed: of the splits and of the pairing.

    Returns:
        Standardised inputs of all sets, one task per set, with a validation split.

    Raises:
        SpecError: an unknown set, one that repeats, or too few samples.
    """
    if n_samples < 20 or seed < 0:
        raise SpecError(f"n_samples is {n_samples} and seed {seed}; allowed: 20 or more, 0 or more")
    if not names or len(set(names)) < len(names):
        raise SpecError(
            f"names are {list(names)}; allowed: one or more of {', '.join(BUNDLED)}, each once"
        )
    sizes = {"train": n_samples, "validation": n_samples // 2, "test": n_samples // 2}
    parts: dict[str, list] = {f"{letter}_{split}": [] for letter in "xy" for split in sizes}
    tasks, input_names, first_input, first_output = [], [], 0, 0
    for name in names:
        x, y, features, classes = _bundled_set(choose(name, BUNDLED, "a bundled set"))
        stream = rng(seed, "bundled", name)
        order = stream.permutation(len(x))
        cuts = [round(0.6 * len(x)), round(0.75 * len(x))]
        rows = dict(zip(sizes, np.split(order, cuts), strict=True))
        if not classes:
            y = (y - y[rows["train"]].mean()) / y[rows["train"]].std()
        for split, n in sizes.items():
            drawn = stream.choice(rows[split], n)
            _, scaled = standardise(x[rows["train"]], x[drawn])
            parts[f"x_{split}"].append(scaled)
            parts[f"y_{split}"].append(y[drawn])
        inputs = range(first_input, first_input + x.shape[1])
        outputs = range(first_output, first_output + (classes if classes > 2 else 1))
        tasks.append(Task(name, inputs, outputs, "auto" if classes else "regression"))
        input_names += [f"{name}: {feature}" for feature in features]
        first_input, first_output = inputs.stop, outputs.stop
    arrays = {}
    for split in sizes:
        arrays[f"x_{split}"] = np.concatenate(parts[f"x_{split}"], 1)
        arrays[f"y_{split}"] = np.stack(parts[f"y_{split}"], 1)
    return Dataset(**arrays, tasks=tuple(tasks), input_names=tuple(input_names))


def _bundled_set(name: str) -> tuple[np.ndarray, np.ndarray, list[str], int]:
    """Inputs, targets, names of the inputs, and how many classes there are; 0: real values."""
    from sklearn import datasets

    loaded = getattr(datasets, f"load_{name}")()
    classes = 0 if name == "diabetes" else len(np.unique(loaded.target))
    x, y = loaded.data.astype(np.float64), loaded.target.astype(np.float64)
    return x, y, list(loaded.feature_names), classes
