"""Toy problems of points in the plane."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lth_utils.config import SpecError, choose, rng
from lth_utils.data.dataset import Dataset
from lth_utils.data.scaling import standardise
from lth_utils.data.tasks import Task

POINT_TASKS = (
    Task("circles", range(0, 2), range(0, 1)),
    Task("moons", range(2, 4), range(1, 2)),
)
"""The tasks of :func:`moons_circles`."""


Halves = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Inputs ``[B, 4]`` and labels ``[B, 2]`` that train, and as many others."""

FRESH = 20_000
"""On how many points that training never watched the project's notebooks score networks."""


def moons_circles(
    n_samples: int = 1000,
    noise: float = 0.1,
    factor: float = 0.35,
    seed: int = 0,
    draw: str = "own",
    fresh: int = 0,
    scaled: str = "standard",
) -> Dataset:
    """scikit-learn's circles and moons as two independent tasks.

    Task ``circles`` owns inputs 0 and 1 and output 0, task ``moons`` inputs 2 and 3 and output 1.

    Twice `n_samples` points of each problem are drawn, so that the pairing is random and the labels
    are independent. One half is the training split, by which both are standardised. Training stops
    by the other half, which is the test split, too, unless there are fresh points.

    Args:
        n_samples: points per split of each problem, 2 or more.
        noise: standard deviation in data units before scaling, 0 or more.
        factor: radius of the inner circle over that of the outer one, in [0, 1).
        seed: of the data, not of the networks, 0 or more.
        draw: ``own``, each problem from a random stream of its own; or ``thesis``, whose public
            code draws both from numpy's legacy generator, one after the other, and splits them
            with scikit-learn's ``train_test_split``. The defaults of the others and seed 0 then
            give exactly the thesis' points.
        fresh: points of the same distribution, two or more, that become the test split; training
            then stops by the other half as the validation split. 0: no such points.
        scaled: ``standard``, zero mean and unit variance over the training split; or ``unit``, from
            0 to 1 over it.

    Returns:
        `n_samples` training and as many test or validation examples, float32 ``[B, 4]``.

    Raises:
        SpecError: a value is out of range.

    Source:
        Thesis, section on the moons-circles data.

    >>> data = moons_circles(n_samples=100)
    >>> data.x_train.shape, [t.name for t in data.tasks]
    ((100, 4), ['circles', 'moons'])
    """
    if n_samples < 2:
        raise SpecError(f"n_samples is {n_samples}; allowed: 2 or more points per split")
    if not (0 <= noise < np.inf and 0 <= factor < 1):
        raise SpecError(
            f"noise is {noise} and factor {factor}; allowed: noise 0 or more, factor in [0, 1)"
        )
    if seed < 0 or seed >= 2**32:
        raise SpecError(f"seed is {seed}; allowed: 0 to {2**32 - 1}")
    if fresh < 0 or fresh == 1:
        raise SpecError(f"fresh is {fresh}; allowed: 0, or 2 or more points")
    choose(draw, DRAWS, "draw")
    scale = SCALINGS[choose(scaled, SCALINGS, "scaled")]
    x, y, x_other, y_other = DRAWS[draw](n_samples, noise, factor, seed)
    x_train, x_watched = scale(x, x_other)
    if not fresh:
        return Dataset(x_train, y, x_watched, y_other, POINT_TASKS)
    x_fresh, y_fresh = draw_points(fresh, noise, factor, point_streams(seed, "fresh "))
    return Dataset(
        x_train,
        y,
        scale(x, x_fresh)[1],
        y_fresh,
        POINT_TASKS,
        x_validation=x_watched,
        y_validation=y_other,
    )


def point_streams(seed: int, prefix: str = "") -> tuple[int, int]:
    """One random state for the circles and one for the moons."""
    # one random_state for both would shuffle both alike and make the labels equal
    streams = [rng(seed, "data", prefix + task.name) for task in POINT_TASKS]
    circles, moons = [int(stream.integers(2**32)) for stream in streams]
    return circles, moons


def draw_points(
    n: int, noise: float, factor: float, states: tuple
) -> tuple[np.ndarray, np.ndarray]:
    """`n` points of each problem: inputs ``[n, 4]`` and labels int64 ``[n, 2]``."""
    from sklearn.datasets import make_circles, make_moons

    circles, of_circle = make_circles(n, noise=noise, random_state=states[0], factor=factor)
    moons, of_moon = make_moons(n, noise=noise, random_state=states[1])
    x = np.concatenate([circles, moons], axis=1)
    return x, np.stack([of_circle, of_moon], axis=1).astype(np.int64)


def _own_draw(n_samples: int, noise: float, factor: float, seed: int) -> Halves:
    """The first half trains."""
    x, y = draw_points(2 * n_samples, noise, factor, point_streams(seed))
    return x[:n_samples], y[:n_samples], x[n_samples:], y[n_samples:]


def _thesis_draw(n_samples: int, noise: float, factor: float, seed: int) -> Halves:
    """As the thesis' public code, which leaves both draws to numpy's global generator."""
    from sklearn.model_selection import train_test_split

    state = np.random.RandomState(seed)
    x, y = draw_points(2 * n_samples, noise, factor, (state, state))
    x_train, x_other, y_train, y_other = train_test_split(x, y, test_size=0.5, random_state=42)
    return x_train, y_train, x_other, y_other


def _to_unit(x: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float32, from 0 to 1 over `x`."""
    low, high = x.min(0), x.max(0)
    scaled, scaled_others = [(points - low) / (high - low) for points in (x, others)]
    return scaled.astype(np.float32), scaled_others.astype(np.float32)


SCALINGS: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "standard": standardise,
    "unit": _to_unit,
}
"""How the points of :func:`moons_circles` can be scaled, by the training split."""

DRAWS: dict[str, Callable[[int, float, float, int], Halves]] = {
    "own": _own_draw,
    "thesis": _thesis_draw,
}
"""How the points of :func:`moons_circles` can be drawn and split."""
