"""Toy problems of points in the plane."""

from __future__ import annotations

import numpy as np

from lth_utils.config import SpecError, rng
from lth_utils.data.dataset import Dataset
from lth_utils.data.scaling import standardise
from lth_utils.data.tasks import Task

POINT_TASKS = (
    Task("circles", range(0, 2), range(0, 1)),
    Task("moons", range(2, 4), range(1, 2)),
)
"""The tasks of :func:`moons_circles`."""


def moons_circles(
    n_samples: int = 1000, noise: float = 0.1, factor: float = 0.35, seed: int = 0
) -> Dataset:
    """scikit-learn's circles and moons as two independent tasks.

    Task ``circles`` owns inputs 0 and 1 and output 0, task ``moons`` inputs 2 and 3 and output 1.

    Twice `n_samples` points of each problem are drawn and shuffled by streams of their own, so that
    the pairing is random and the labels are independent. The first `n_samples` rows are the
    training split, the others the test split; both are standardised by the training split.

    Args:
        n_samples: points per split of each problem, 2 or more.
        noise: standard deviation in data units before scaling, 0 or more.
        factor: radius of the inner circle over that of the outer one, in [0, 1).
        seed: of the data, not of the networks, 0 or more.

    Returns:
        `n_samples` training and `n_samples` test examples, float32 ``[B, 4]``.

    Raises:
        SpecError: a value is out of range.

    Source:
        Thesis, section on the moons-circles data.

    >>> data = moons_circles(n_samples=100)
    >>> data.x_train.shape, [t.name for t in data.tasks]
    ((100, 4), ['circles', 'moons'])
    """
    from sklearn.datasets import make_circles, make_moons

    if n_samples < 2:
        raise SpecError(f"n_samples is {n_samples}; allowed: 2 or more points per split")
    if not (0 <= noise < np.inf and 0 <= factor < 1):
        raise SpecError(
            f"noise is {noise} and factor {factor}; allowed: noise 0 or more, factor in [0, 1)"
        )
    if seed < 0:
        raise SpecError(f"seed is {seed}; allowed: 0 or more")

    def draw(make, name, **options):
        """Points and labels of one problem."""
        # one random_state for both would shuffle both alike and make the labels equal
        state = int(rng(seed, "data", name).integers(2**32))
        return make(n_samples=2 * n_samples, noise=noise, random_state=state, **options)

    circles, of_circle = draw(make_circles, "circles", factor=factor)
    moons, of_moon = draw(make_moons, "moons")
    x = np.concatenate([circles, moons], axis=1)
    y = np.stack([of_circle, of_moon], axis=1).astype(np.int64)
    x_train, x_test = standardise(x[:n_samples], x[n_samples:])
    return Dataset(x_train, y[:n_samples], x_test, y[n_samples:], POINT_TASKS)
