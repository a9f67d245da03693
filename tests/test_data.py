"""Data sets: tasks side by side, split, scaled, and independent of each other."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from lth_utils import data
from lth_utils.config import DataSpec, SpecError
from lth_utils.data import Dataset, Task, check_tasks, load, moons_circles, registry, standardise
from lth_utils.data.dataset import labelled_shares
from lth_utils.data.tasks import tasks_from_plain, tasks_to_plain

A, B = Task("a", range(0, 2), range(0, 1)), Task("b", range(2, 4), range(1, 4))


# moons and circles


def test_the_splits_are_as_large_as_asked_and_balanced_together():
    toy = moons_circles(n_samples=150)
    assert toy.x_train.shape == toy.x_test.shape == (150, 4) and toy.x_train.dtype == np.float32
    assert np.concatenate([toy.y_train, toy.y_test]).sum(0).tolist() == [150, 150]
    assert not set(map(tuple, toy.x_train)) & set(map(tuple, toy.x_test))


def test_both_splits_are_scaled_by_the_training_split():
    toy = moons_circles(n_samples=400)
    np.testing.assert_allclose(toy.x_train.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(toy.x_train.std(0), 1, atol=1e-5)
    assert np.abs(toy.x_test.mean(0)).max() > 1e-3 and np.abs(toy.x_test.mean(0)).max() < 0.2


def test_tasks_own_their_inputs_and_outputs():
    circles, moons = moons_circles(n_samples=50).tasks
    assert (circles.name, circles.inputs, circles.outputs, circles.classes) == (
        "circles",
        range(0, 2),
        range(0, 1),
        2,
    )
    assert (moons.name, moons.inputs, moons.outputs, moons.classes) == (
        "moons",
        range(2, 4),
        range(1, 2),
        2,
    )


def test_without_noise_circles_are_two_circles_and_moons_lie_apart():
    toy = moons_circles(n_samples=1000, noise=0, factor=0.35)
    radius, inner = np.hypot(*toy.x_train[:, :2].T), toy.y_train[:, 0] == 1
    assert radius[inner].max() / radius[~inner].min() == pytest.approx(0.35, rel=0.1)
    low, high = (toy.x_train[toy.y_train[:, 1] == label, 3].mean() for label in (1, 0))
    assert low < -0.5 < 0.5 < high


def test_noise_blurs_the_circles():
    def spread(noise):
        toy = moons_circles(noise=noise)
        return np.hypot(*toy.x_train[toy.y_train[:, 0] == 1, :2].T).std()

    assert spread(0) < 0.05 < spread(0.1) < spread(0.3)


@pytest.mark.parametrize("split", ["train", "test"])
def test_labels_of_the_two_tasks_are_independent(split):
    pvalues = []
    for seed in range(30):
        y = getattr(moons_circles(seed=seed), f"y_{split}")
        table = [[((y[:, 0] == a) & (y[:, 1] == b)).sum() for b in (0, 1)] for a in (0, 1)]
        pvalues.append(stats.chi2_contingency(table).pvalue)
    assert min(pvalues) > 1e-4
    assert stats.kstest(pvalues, "uniform").pvalue > 1e-3


def test_points_of_one_task_say_nothing_about_the_labels_of_the_other():
    toy = moons_circles(n_samples=2000)
    own, other = (abs(np.corrcoef(toy.x_train[:, 3], toy.y_train[:, k])[0, 1]) for k in (1, 0))
    assert own > 0.5 and other < 0.08


def test_the_seed_makes_the_data():
    one, again, other = moons_circles(seed=1), moons_circles(seed=1), moons_circles(seed=2)
    for part in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(one, part), getattr(again, part))
        assert (getattr(one, part) != getattr(other, part)).mean() > 0.3


@pytest.mark.parametrize(
    "bad",
    [
        {"n_samples": 1},
        {"n_samples": -5},
        {"noise": -0.1},
        {"noise": float("nan")},
        {"factor": 1.0},
        {"factor": -0.1},
        {"factor": float("nan")},
        {"seed": -1},
    ],
)
def test_options_out_of_range_are_refused(bad):
    with pytest.raises(SpecError, match=next(iter(bad))):
        moons_circles(**bad)


def test_constant_features_become_zero_and_nothing_else_does():
    rng = np.random.default_rng(0)
    x = rng.normal([5, 3, -2], [10, 0, 0.1], (200, 3))
    train, test = standardise(x[:100], x[100:])
    assert not train[:, 1].any() and not test[:, 1].any()
    np.testing.assert_allclose(
        test[:, 0], (x[100:, 0] - x[:100, 0].mean()) / x[:100, 0].std(), rtol=1e-5
    )


def test_the_whole_can_be_standardised_by_one_mean_and_one_deviation():
    x = np.random.default_rng(0).integers(0, 256, (200, 150)).astype(np.uint8)
    train, test = standardise(x[:100], x[100:], whole=True)
    np.testing.assert_allclose(train, (x[:100] - x[:100].mean()) / x[:100].std(), rtol=1e-5)
    np.testing.assert_allclose(test, (x[100:] - x[:100].mean()) / x[:100].std(), rtol=1e-5)


# specs


def test_a_spec_is_complete_and_its_options_have_one_form():
    complete = data.spec("moons_circles", noise=0)
    assert dict(complete.options) == {"n_samples": 1000, "noise": 0.0, "factor": 0.35, "seed": 0}
    assert (
        repr(complete)
        == repr(data.spec("moons_circles", noise=0.0))
        == repr(data.spec("moons_circles", noise="0"))
    )


def test_load_gives_what_the_spec_says():
    spec = data.spec("moons_circles", n_samples=40, seed=3)
    np.testing.assert_array_equal(load(spec).x_test, moons_circles(n_samples=40, seed=3).x_test)


def test_an_incomplete_spec_is_not_loaded():
    with pytest.raises(SpecError, match="not complete"):
        load(DataSpec("moons_circles", (("noise", 0.1),)))


def test_unknown_names_and_options_get_the_nearest_guess():
    with pytest.raises(SpecError, match="did you mean moons_circles"):
        data.spec("moon_circles")
    with pytest.raises(
        SpecError, match=r"nois is not an option of moons_circles.*did you mean noise"
    ):
        data.spec("moons_circles", nois=0.2)


@pytest.mark.parametrize(
    "bad",
    [
        {"n_samples": 100.5},
        {"n_samples": "many"},
        {"n_samples": True},
        {"noise": "loud"},
        {"noise": None},
    ],
)
def test_options_of_the_wrong_type_are_refused(bad):
    with pytest.raises(SpecError, match=next(iter(bad))):
        data.spec("moons_circles", **bad)


# tasks


@pytest.mark.parametrize(
    "positions", [range(2, 2), range(-1, 2), [0, 0], [1.5], [True, 2], "ab", 3, [[1]], ["a", 1], []]
)
def test_positions_are_whole_numbers_each_once(positions):
    for inputs, outputs in ((positions, range(1)), (range(1), positions)):
        if inputs == []:  # they are unknown
            continue
        with pytest.raises(SpecError, match="expected positions from 0, each once"):
            Task("a", inputs, outputs)


def test_positions_that_stand_together_are_a_range():
    task = Task("a", [2, 3, 4], np.array([1, 0]))
    assert task == Task("a", range(2, 5), (1, 0)) and task.inputs == range(2, 5)
    assert hash(task) == hash(Task("a", range(2, 5), [1, 0], "classes"))
    assert Task("b", range(0, 4, 2), [3]).inputs == (0, 2)


@pytest.mark.parametrize(
    ("outputs", "kind", "expected", "classes", "targets"),
    [
        ([0], "auto", "binary", 2, 1),
        ([0, 1, 2], "auto", "classes", 3, 1),
        ([0, 1, 2], "multilabel", "multilabel", 2, 3),
        ([0, 1], "regression", "regression", 0, 2),
        ([0], "regression", "regression", 0, 1),
    ],
)
def test_the_kind_of_a_task(outputs, kind, expected, classes, targets):
    task = Task("a", [0], outputs, kind)
    assert (task.kind, task.declared) == (expected, kind)
    assert (task.classes, task.n_targets) == (classes, targets)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "binary"}, "binary has one, classes has one for each class"),
        ({"kind": "regresion"}, "did you mean regression"),
        ({"weight": 0}, "weight is 0.0; allowed: above 0"),
        ({"weight": "x"}, "weight is 'x'"),
    ],
)
def test_other_kinds_and_weights_are_refused(options, message):
    with pytest.raises(SpecError, match=message):
        Task("a", [0], [0, 1], **options)


def test_tasks_survive_being_written_as_plain_values():
    tasks = (
        Task("a", [5, 0, 1], [2], weight=0.5),
        Task("b", range(2), [1, 0], "multilabel"),
        Task("c", [7], [3, 4], "regression"),
    )
    assert tasks_from_plain(json.loads(json.dumps(tasks_to_plain(tasks)))) == tasks
    for damaged in ([[1]], [{"name": "a"}], [{"name": "a", "inputs": [[0, 10**9]], "outputs": []}]):
        with pytest.raises(SpecError):
            tasks_from_plain(damaged)


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([], "no task given"),
        ([A, Task("b", ["x"], range(1, 4))], "names columns, whose positions only lth.from_frame"),
        ([A, Task("b", range(2, 4), range(0, 3))], "a and b overlap in outputs at 0"),
        ([A, Task("b", range(2, 5), range(1, 4))], "inputs reach to 5, the network has 4 inputs"),
        ([A, Task("b", range(2, 4), range(1, 5))], "outputs reach to 5, the network has 4 outputs"),
        ([A, Task("a", range(2, 4), range(1, 4))], "share a name"),
    ],
)
def test_tasks_that_do_not_share_the_network_are_refused(tasks, message):
    with pytest.raises(SpecError, match=message):
        check_tasks(tasks, 4, 4)


def test_inputs_of_no_task_and_of_several_are_allowed():
    check_tasks([A, B], 9, 4)
    check_tasks([A, Task("b", range(1, 4), range(1, 4))], 4, 4)


# kinds of labels


def labelled(y, *tasks):
    x = np.random.default_rng(0).standard_normal((len(y), 2))
    return Dataset(x, y, x, y, tasks)


def test_missing_labels_and_real_values_are_kept_as_they_are():
    y = np.array([[0, 1.5], [np.nan, -2], [1, np.nan]])
    data = labelled(y, Task("a", [0], [0]), Task("b", [1], [1], "regression"))
    assert data.y_train.dtype == np.float32 and not data.is_classes
    np.testing.assert_array_equal(data.y_train, y.astype(np.float32))
    np.testing.assert_allclose(labelled_shares(data.y_train, data.tasks), [2 / 3, 2 / 3])


@pytest.mark.parametrize(
    ("y", "tasks", "message"),
    [
        ([[np.nan], [np.nan]], [Task("a", [0], [0])], "has a column without any label"),
        ([[0.5], [np.nan]], [Task("a", [0], [0])], "span 0.5…0.5; allowed: whole numbers"),
        ([[0, 2], [1, 0]], [Task("a", [0], [0, 1], "multilabel")], "allowed: whole numbers"),
        ([[0, np.inf]] * 2, [Task("a", [0], [0, 1], "regression")], "must be finite in float32"),
        ([[0], [1]], [Task("a", [0], [0, 1], "regression")], r"and \[B, 2\]"),
    ],
)
def test_labels_of_another_kind_are_refused(y, tasks, message):
    with pytest.raises(SpecError, match=message):
        labelled(np.array(y), *tasks)


def test_validation_takes_the_place_of_the_test_split_in_training():
    x = np.random.default_rng(0).standard_normal((6, 2))
    y = np.array([[0], [1]] * 3)
    data = Dataset(x, y, x, y, [Task("a", [0], [0])], x_validation=x[:3], y_validation=y[:3])
    assert data.splits == ("train", "test", "validation")
    assert len(data.watched.x_test) == 3 and data.watched.x_validation is None
    with pytest.raises(SpecError, match="go together"):
        Dataset(x, y, x, y, [Task("a", [0], [0])], x_validation=x)


# data sets


def arrays(**changed):
    """A data set of A (binary) and B (three classes) with some arrays changed."""
    x, y = np.zeros((6, 4), dtype=np.float32), np.array([[0, 0], [1, 1], [0, 2]] * 2)
    return {
        "x_train": x,
        "y_train": y,
        "x_test": x[:3],
        "y_test": y[:3],
        "tasks": (A, B),
        **changed,
    }


def test_a_data_set_knows_the_ends_of_its_networks():
    assert Dataset(**arrays()).ends == (4, 4)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"x_train": np.array([[0, 0, 0, 0]] * 5 + [[0, 0, np.nan, 0]])},
            r"x_train\[5, 2\] is nan",
        ),
        ({"x_test": np.array([[0, 0, 0, np.inf]] * 3)}, r"x_test\[0, 3\] is inf"),
        (
            {"y_train": np.array([[2, 0]] * 6)},
            "labels of task a span 2…2; allowed: whole numbers 0…1",
        ),
        (
            {"y_test": np.array([[0, 3]] * 3)},
            "labels of task b span 3…3; allowed: whole numbers 0…2",
        ),
        ({"y_test": np.array([[0, -1]] * 3)}, "labels of task b span -1…-1"),
        ({"y_train": np.zeros((5, 2), dtype=int)}, "with the same B"),
        ({"y_train": np.zeros((6, 3), dtype=int)}, "with the same B"),
        ({"x_test": np.zeros((3, 5))}, r"expected \[B, 4\]"),
        ({"x_test": np.zeros((0, 4)), "y_test": np.zeros((0, 2), dtype=int)}, "1 or more"),
        ({"tasks": (A,)}, "y_train"),
        (
            {"tasks": (A, Task("b", range(2, 4), range(2, 5)))},
            "outputs reach to 5, the network has 4",
        ),
    ],
)
def test_data_that_cannot_be_trained_on_is_refused(changed, message):
    with pytest.raises(SpecError, match=message):
        Dataset(**arrays(**changed))


# what arrives as arrays


TWO = (Task("a", range(0, 1), range(0, 1)), Task("b", range(1, 2), range(1, 2)))
X = np.random.default_rng(0).standard_normal((6, 2))
Y = np.array([[0, 1], [1, 0], [1, 1], [0, 0], [0, 1], [1, 0]])


def dataset(x=X, y=Y):
    return Dataset(x, y, X, Y, TWO)


CONVERTERS = {
    "lists": lambda a: a.tolist(),
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "columns": np.asfortranarray,
    "data frame": pd.DataFrame,
    "tensor": torch.from_numpy,
    "tensor with gradient": lambda a: torch.from_numpy(a).float().requires_grad_(),
}


@pytest.mark.parametrize("convert", CONVERTERS.values(), ids=CONVERTERS)
def test_numbers_of_every_kind_become_the_same_data(convert):
    made = dataset(convert(X), convert(Y))
    assert made.x_train.dtype == np.float32 and made.x_train.flags["C_CONTIGUOUS"]
    assert made.y_train.dtype == np.int64
    np.testing.assert_array_equal(made.x_train, X.astype(np.float32))
    np.testing.assert_array_equal(made.y_train, Y)


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_whole_labels_of_every_type_are_taken(kind):
    np.testing.assert_array_equal(dataset(y=Y.astype(kind)).y_train, Y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (1 / (1 + np.exp(-X)), r"y_train\[0, 0\] is 0\.5\d*; expected class labels 0, 1"),
        (Y.astype(str), "y_train has values of type <U21; expected real or whole numbers"),
        (Y.astype(complex), "y_train has values of type complex128"),
        (Y[..., None], r"y_train has shape \(6, 2, 1\); expected \[B, K\]"),
        (Y + 1, "labels of task a span 1…2; allowed: whole numbers"),
        (Y[:3], r"y_train \(3, 2\); expected \[B, 2\]"),
    ],
)
def test_labels_that_would_be_cut_off_are_refused(y, message):
    with pytest.raises(SpecError, match=message):
        dataset(y=y)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (X.astype(str), "x_train has values of type <U32; expected real or whole numbers"),
        (X.astype(object), "x_train has values of type object"),
        (X.astype("datetime64[D]"), "dates as days"),
        (X.ravel(), r"x_train has shape \(12,\); expected \[B, I\]"),
        (X[:0], r"x_train has shape \(0, 2\)"),
        (X * 1e300, r"x_train\[0, 0\] is .*e\+299; data must be finite \(in float32\)"),
        ([[1.0], [1.0, 2.0]], "x_train is no array of numbers"),
        (X[:, :1], r"x_train \(6, 1\)|reach to"),
    ],
)
def test_examples_that_are_no_numbers_are_refused(x, message):
    with pytest.raises(SpecError, match=message):
        dataset(x=x)


def test_a_task_predicts_the_class_of_its_largest_output_or_the_sign_of_a_single_one():
    logits = np.array([[0.5, -1.0, 2.0, 1.0], [-0.5, 3.0, 2.0, 1.0], [0.0, -3.0, -2.0, -1.0]])
    assert A.predict(logits).tolist() == [1, 0, 0]
    assert B.predict(logits).tolist() == [1, 0, 2]


def test_small_data_sets_stay_in_memory_and_large_ones_make_room(monkeypatch):
    specs = [data.spec("moons_circles", n_samples=20, seed=seed) for seed in range(6)]
    first = [load(spec) for spec in specs]
    assert all(load(spec) is made for spec, made in zip(specs, first, strict=True))
    monkeypatch.setattr(registry, "IN_MEMORY", 2 * first[0].n_bytes)
    for spec in specs[:3]:
        load(data.spec("moons_circles", n_samples=20, seed=10 + dict(spec.options)["seed"]))
    kept = [registry.remembered(spec) is not None for spec in specs]
    assert not any(kept)


# the thesis' own draw, and fresh points


def test_the_thesis_draw_is_that_of_its_public_code():
    """Its code leaves both draws to numpy's global generator, which is restored here."""
    from sklearn.datasets import make_circles, make_moons
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    before = np.random.get_state()
    np.random.seed(0)
    circles, of_circle = make_circles(2000, noise=0.1, factor=0.35)
    moons, of_moon = make_moons(2000, noise=0.1)
    np.random.set_state(before)
    x, y = np.concatenate([circles, moons], 1), np.stack([of_circle, of_moon], 1)
    parts = train_test_split(x, y, test_size=0.5, random_state=42)
    scaler = StandardScaler().fit(parts[0])
    ours = data.moons_circles(draw="thesis")
    np.testing.assert_allclose(ours.x_train, scaler.transform(parts[0]), atol=1e-6)
    np.testing.assert_allclose(ours.x_test, scaler.transform(parts[1]), atol=1e-6)
    assert (ours.y_train == parts[2]).all() and (ours.y_test == parts[3]).all()


def test_the_thesis_draw_does_not_change_with_the_version_of_a_library():
    ours = data.moons_circles(draw="thesis")
    rounded = np.concatenate([ours.x_train, ours.x_test]).astype(np.float64).round(3) + 0.0
    assert hashlib.sha256(rounded.tobytes()).hexdigest()[:16] == "8f076f734d9d98da"


def test_fresh_points_are_scored_and_the_others_stop_the_training():
    plain, fresh = data.moons_circles(n_samples=200), data.moons_circles(n_samples=200, fresh=5000)
    assert fresh.splits == ("train", "test", "validation") and plain.splits == ("train", "test")
    assert (fresh.x_train == plain.x_train).all() and (fresh.x_validation == plain.x_test).all()
    assert len(fresh.x_test) == len(fresh.y_test) == 5000
    # scaled as the training split, of the same distribution, paired at random
    assert abs(fresh.x_test.mean(0)).max() < 0.2 and abs(fresh.x_test.std(0) - 1).max() < 0.1
    assert abs(np.corrcoef(fresh.y_test.T)[0, 1]) < 0.05
    assert not (data.moons_circles(fresh=5000, seed=1).x_test[:5] == fresh.x_test[:5]).any()


def test_unit_scaling_is_from_zero_to_one_over_the_training_split():
    unit = data.moons_circles(n_samples=50, scaled="unit")
    assert (unit.x_train.min(0) == 0).all() and (unit.x_train.max(0) == 1).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"draw": "theirs"}, "did you mean thesis|allowed: own, thesis"),
        ({"scaled": "no"}, "allowed: standard, unit"),
        ({"fresh": 1}, "allowed: 0, or 2"),
        ({"fresh": -5}, "allowed: 0, or 2"),
        ({"seed": 2**32}, "allowed: 0 to 4294967295"),
    ],
)
def test_options_of_the_draw_that_make_no_sense_are_refused(options, message):
    with pytest.raises(SpecError, match=message):
        data.moons_circles(**options)


def test_neutral_options_leave_the_address_of_older_runs_alone():
    plain = data.spec("moons_circles")
    assert data.spec("moons_circles", draw="own", fresh=0, scaled="standard") == plain
    assert data.spec("moons_circles", fresh=10) != plain
