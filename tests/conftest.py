"""Small data sets that several test modules train on."""
import numpy as np
import pytest

from lth_utils.data import Dataset, Task, moons_circles, standardise


@pytest.fixture(scope="session")
def toy() -> Dataset:
    """Circles beside moons, 96 points per half: the last of an epoch's batches of 40 is smaller than the others."""
    return moons_circles(n_samples=96)


@pytest.fixture(scope="session")
def mixed() -> Dataset:
    """A binary task beside one of three classes, whose outputs come first."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((160, 5))
    y = np.stack([x[:, 0] * x[:, 1] > 0, np.argmax(x[:, 2:] + 0.3 * rng.standard_normal((160, 3)), 1)], 1).astype(np.int64)
    tasks = (Task("sign", range(0, 2), range(3, 4)), Task("largest", range(2, 5), range(0, 3)))
    return Dataset(*(part for pair in zip(standardise(x[:80], x[80:]), (y[:80], y[80:]), strict=True) for part in pair), tasks)
