"""Data whose two tasks become one: what is turned changes, and nothing else."""

import numpy as np
import pytest

from lth_utils import data
from lth_utils.config import SpecError
from lth_utils.data import moons_circles
from lth_utils.data.dials import CONTROLS, MARGIN, dials, overlapping

SPLITS = ("train", "validation", "test")


def labels(dataset):
    return np.concatenate([getattr(dataset, f"y_{split}") for split in SPLITS])


def test_without_a_turn_these_are_moons_and_circles():
    own, known = (make(n_samples=90, seed=3, fresh=50) for make in (dials, moons_circles))
    for split in SPLITS:
        for letter in "xy":
            name = f"{letter}_{split}"
            np.testing.assert_array_equal(getattr(own, name), getattr(known, name))
    assert own.tasks == known.tasks and dials(90, seed=3).x_validation is None


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 1.0])
def test_labels_agree_as_often_as_asked(share):
    y = labels(dials(n_samples=4000, fresh=8000, dependence=share))
    assert abs((y[:, 0] == y[:, 1]).mean() - (1 + share) / 2) < 0.02
    assert abs(y.mean() - 0.5) < 0.01


def test_dependence_pairs_anew_and_changes_no_point():
    own, tied = (dials(n_samples=500, noise=0.05, dependence=share) for share in (0.0, 0.7))
    np.testing.assert_array_equal(own.x_train[:, :2], tied.x_train[:, :2])
    # both halves together: a point may change sides
    points = []
    for dataset in (own, tied):
        moons = []
        for split in ("train", "test"):
            x, y = getattr(dataset, f"x_{split}"), getattr(dataset, f"y_{split}")
            moons.append(np.column_stack([x[:, 2:], y[:, 1]]))
        points.append(np.concatenate(moons))
    for column in range(3):  # scaled by another half, so by a line
        first, second = (np.sort(rows[:, column]) for rows in points)
        assert np.corrcoef(first, second)[0, 1] > 0.999999


def test_rotation_mixes_two_inputs_and_keeps_their_variance():
    plain, turned = (dials(n_samples=2000, fresh=100, rotation=angle) for angle in (0, 45))
    for split in SPLITS:
        x, y = (getattr(dataset, f"x_{split}") for dataset in (plain, turned))
        np.testing.assert_array_equal(x[:, [0, 3]], y[:, [0, 3]])
        np.testing.assert_allclose(y[:, 1], (x[:, 1] + x[:, 2]) / np.sqrt(2), atol=1e-6)
        np.testing.assert_allclose(y[:, 2], (x[:, 2] - x[:, 1]) / np.sqrt(2), atol=1e-6)
    np.testing.assert_allclose(turned.x_train.std(0), 1, atol=0.05)


def test_controls_change_labels_as_they_say():
    none = dials(n_samples=2000)
    for control in CONTROLS[1:]:
        own = dials(n_samples=2000, control=control)
        changed = (own.y_train != none.y_train).mean(0)
        if "shuffled" in control:
            noise = [name in control or "both" in control for name in ("circles", "moons")]
            np.testing.assert_allclose(changed, np.where(noise, 0.5, 0), atol=0.05)
            np.testing.assert_array_equal(own.x_train, none.x_train)
            before, after = (np.r_[d.y_train, d.y_test].sum(0) for d in (none, own))
            np.testing.assert_array_equal(before, after)
    twice, either = (dials(n_samples=300, control=name) for name in CONTROLS[-2:])
    np.testing.assert_array_equal(twice.x_train[:, :2], twice.x_train[:, 2:])
    np.testing.assert_array_equal(twice.y_train[:, 0], twice.y_train[:, 1])
    own = dials(n_samples=300).y_train
    np.testing.assert_array_equal(either.y_train[:, 1], own[:, 0] ^ own[:, 1])


@pytest.mark.parametrize("overlap", [0, 1, 2, 3])
def test_overlapping_tasks_need_each_of_their_inputs(overlap):
    found = overlapping(overlap, n_samples=4000, fresh=20)
    ball, saddle = (set(task.inputs) for task in found.tasks)
    assert found.ends[0] == 6 - overlap and len(ball & saddle) == overlap
    assert 0.4 < found.y_train.mean() < 0.6 and len(found.x_test) == 20
    # a nearest neighbour among the task's inputs knows the label, without one of them it does not
    from sklearn.neighbors import KNeighborsClassifier

    for k, inputs in enumerate((sorted(ball), sorted(saddle))):
        score = {}
        for left_out in (None, *inputs):
            used = [i for i in inputs if i != left_out]
            model = KNeighborsClassifier(5).fit(found.x_train[:, used], found.y_train[:, k])
            score[left_out] = model.score(found.x_validation[:, used], found.y_validation[:, k])
        assert score[None] > 0.97 and max(score[i] for i in inputs) < score[None] - 0.05
    assert MARGIN > 0


def test_they_are_data_sets_by_name():
    spec = data.spec("dials", dependence=0.5, seed=2, fresh=4)
    assert data.load(spec).tasks == data.registry.tasks_of(spec)
    assert [t.name for t in data.registry.tasks_of(data.spec("overlapping"))] == ["ball", "saddle"]


@pytest.mark.parametrize(
    ("make", "wrong", "message"),
    [
        (dials, {"dependence": 1.1}, "dependence is 1.1"),
        (dials, {"rotation": 46}, "rotation 46"),
        (dials, {"fresh": 1}, "fresh 1"),
        (dials, {"n_samples": 1}, "n_samples is 1"),
        (dials, {"noise": float("nan")}, "noise nan"),
        (dials, {"seed": -1}, "seed -1"),
        (dials, {"control": "twise"}, "did you mean twice"),
        (overlapping, {"overlap": 4}, "overlap is 4"),
        (overlapping, {"n_samples": 1}, "n_samples 1"),
        (overlapping, {"seed": -1}, "seed -1"),
    ],
)
def test_what_is_out_of_range_is_refused(make, wrong, message):
    with pytest.raises(SpecError, match=message):
        make(**wrong)
