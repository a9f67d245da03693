"""Tasks and toy data: which rows are what, standardised on train, paired at random."""
import numpy as np
import pytest

from lth_utils.config import SpecError
from lth_utils.data import Dataset, Task, moons_circles


def test_halves_and_scaling():
    dataset = moons_circles(n_samples=300)
    assert dataset.x_train.shape == dataset.x_test.shape == (300, 4) and dataset.ends == (4, 2)
    np.testing.assert_allclose(dataset.x_train.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(dataset.x_train.std(0), 1, atol=1e-6)
    assert np.abs(dataset.x_test.mean(0)).max() > 1e-4, "the test half must be scaled by the training half"


def test_train_and_test_are_different_points():
    dataset = moons_circles(n_samples=300)
    assert not {*map(bytes, dataset.x_train)} & {*map(bytes, dataset.x_test)}


def test_each_task_has_its_problem_in_its_inputs():
    dataset = moons_circles(n_samples=2000, noise=0.02)
    radius = np.linalg.norm(dataset.x_train[:, :2], axis=1)
    inner = dataset.y_train[:, 0] == 1
    assert radius[inner].max() < radius[~inner].min()
    # the upper moon lies above: its second coordinate is higher on average
    upper = dataset.y_train[:, 1] == 0
    assert dataset.x_train[upper, 3].mean() > dataset.x_train[~upper, 3].mean() + 1


def test_pairing_is_random():
    """Labels of the two tasks agree in half of the cases: within five standard errors over ten data seeds."""
    agree = np.concatenate([d.y_train[:, 0] == d.y_train[:, 1] for d in (moons_circles(seed=s) for s in range(10))])
    assert abs(agree.mean() - 0.5) < 5 * 0.5 / np.sqrt(len(agree))


def test_the_seed_decides_the_data():
    a, b, c = moons_circles(50), moons_circles(50), moons_circles(50, seed=1)
    assert np.array_equal(a.x_train, b.x_train) and np.array_equal(a.y_test, b.y_test)
    assert not np.array_equal(a.x_train, c.x_train)


@pytest.mark.parametrize(("options", "message"), [
    ({"n_samples": 1}, "2 or more"), ({"noise": -0.1}, "noise 0 or more"), ({"factor": 1}, "factor in"),
])
def test_bad_options_are_refused(options, message):
    with pytest.raises(SpecError, match=message):
        moons_circles(**options)


@pytest.mark.parametrize("bad", [range(0), range(0, 4, 2), range(-1, 1), [0, 1]])
def test_a_task_owns_ranges(bad):
    with pytest.raises(SpecError, match="task t: inputs is"):
        Task("t", bad, range(1))


def build(x=None, y=None, tasks=None):
    x = np.zeros((5, 3), np.float32) if x is None else x
    y = np.zeros((5, 2), np.int64) if y is None else y
    return Dataset(x, y, x, y, tasks or (Task("a", range(0, 2), range(0, 1)), Task("b", range(2, 3), range(1, 4))))


def test_a_sound_dataset_passes_and_inputs_without_a_task_are_allowed():
    assert build().ends == (3, 4)
    assert build(x=np.zeros((5, 9), np.float32)).ends == (9, 4)


@pytest.mark.parametrize(("changes", "message"), [
    ({"x": np.full((5, 3), np.nan, np.float32)}, r"x_train\[0, 0\] is nan; data must be finite"),
    ({"y": np.full((5, 2), 3)}, "labels of task a span 3…3; allowed: 0…1"),
    ({"y": np.zeros((4, 2), int)}, "expected"),
    ({"tasks": (Task("a", range(0, 2), range(0, 1)), Task("b", range(1, 3), range(1, 2)))}, "tasks a and b overlap in inputs at 1"),
    ({"tasks": (Task("a", range(0, 2), range(0, 1)), Task("b", range(2, 4), range(1, 2)))}, "inputs reach to 4, the network has 3"),
    ({"tasks": (Task("a", range(0, 2), range(0, 1)), Task("a", range(2, 3), range(1, 2)))}, "tasks share a name"),
    ({"tasks": (Task("a", range(0, 2), range(0, 1)), Task("b", range(2, 3), range(2, 3)))}, "outputs reach to 3"),
], ids=["nan", "label", "rows", "overlap", "range", "names", "gap"])
def test_a_dataset_is_checked(changes, message):
    with pytest.raises(SpecError, match=message):
        build(**changes)
