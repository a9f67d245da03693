"""Arrays, tables and files of one's own as data sets, and what is wrong with them said in words."""

import gzip
import warnings

import numpy as np
import pandas as pd
import pytest
import torch

import lth_utils as lth
from lth_utils import data
from lth_utils.config import SpecError
from lth_utils.data import banks

RNG = np.random.default_rng(0)
X = RNG.standard_normal((120, 4))
SIGN, WAVE = (X[:, 0] * X[:, 1] > 0).astype(int), np.sin(X[:, 2])
THREE = np.digitize(X[:, 3], [-0.5, 0.5])


def frame(**columns) -> pd.DataFrame:
    """A table of four inputs and three targets, with some columns changed."""
    made = {f"x{n}": X[:, n] for n in range(4)}
    return pd.DataFrame({**made, "sign": SIGN, "wave": WAVE, "three": THREE, **columns})


def made(table: pd.DataFrame, targets="sign", **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return lth.from_frame(table, targets, **options)


# kinds, splits and scales


def test_kinds_are_found_and_splits_are_disjoint_and_standardised():
    y = np.stack([SIGN, WAVE, THREE], 1)
    own = lth.from_arrays(X, y, target_names=["sign", "wave", "three"])
    assert [(t.name, t.kind) for t in own.tasks] == [
        ("sign", "binary"),
        ("wave", "regression"),
        ("three", "classes"),
    ]
    assert own.ends == (4, 5) and [len(t.inputs) for t in own.tasks] == [0, 0, 0]
    sizes = [len(getattr(own, f"x_{split}")) for split in ("train", "validation", "test")]
    assert sizes == [76, 14, 30] and sum(sizes) == len(X)
    np.testing.assert_allclose(own.x_train.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(own.x_train.std(0), 1, atol=1e-6)
    assert own.y_train[:, 1].mean() == pytest.approx(0, abs=1e-6)
    everything = np.concatenate([own.x_train, own.x_validation, own.x_test])
    assert len(np.unique(everything, axis=0)) == len(X)


def test_the_labels_stay_with_their_inputs():
    own = lth.from_arrays(X, SIGN)
    for split in own.splits:
        x, y = getattr(own, f"x_{split}"), getattr(own, f"y_{split}")
        rows = RNG.permutation(len(x))[:5]
        raw = x[rows] * X.std() + X.mean()  # close enough to be found again
        nearest = ((X[None] - raw[:, None]) ** 2).sum(2).argmin(1)
        assert (SIGN[nearest] == y[rows, 0]).all()


def test_a_test_split_of_ones_own_is_left_as_it_is():
    own = lth.from_arrays(X[:80], SIGN[:80], x_test=X[80:], y_test=SIGN[80:], validation=0)
    assert len(own.x_train) == 80 and len(own.x_test) == 40 and own.splits == ("train", "test")
    np.testing.assert_array_equal(own.y_test[:, 0], SIGN[80:])


@pytest.mark.parametrize("scale", [1e-30, 1e30])
@pytest.mark.parametrize("shift", [0, 1e6])
def test_huge_and_tiny_scales_are_the_same_data(scale, shift):
    wide = lth.from_arrays((X + shift) * scale, SIGN) if shift == 0 else None
    if wide is None:
        wide = lth.from_arrays(X + shift, SIGN)
    np.testing.assert_allclose(wide.x_train, lth.from_arrays(X, SIGN).x_train, atol=2e-4)


def test_tensors_lists_and_torch_data_sets_are_the_same_data():
    wanted = data.spec(lth.from_arrays(X, SIGN))
    assert data.spec(lth.from_arrays(torch.from_numpy(X), torch.from_numpy(SIGN))) == wanted
    assert data.spec(lth.from_arrays(X.tolist(), SIGN.tolist())) == wanted
    pairs = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(SIGN))
    assert data.spec(lth.from_arrays(pairs)) == wanted
    assert data.spec(lth.from_arrays(X, SIGN, seed=1)) != wanted


def test_several_columns_are_several_labels_or_values():
    y = np.stack([SIGN, 1 - SIGN, WAVE, WAVE**2], 1)
    tasks = [lth.Task("labels", [0, 1], [0, 1]), lth.Task("values", [2], [2, 3])]
    own = lth.from_arrays(X, y, tasks)
    assert [t.kind for t in own.tasks] == ["multilabel", "regression"]
    assert own.tasks[1].outputs == range(2, 4) and own.tasks[0].inputs == range(2)
    real = lth.from_arrays(X, THREE, [lth.Task("count", [3], [0], "regression")])
    assert real.tasks[0].kind == "regression" and len(np.unique(real.y_train)) == 3


def test_words_become_inputs_side_by_side_and_tasks_name_columns():
    words = np.array(["a", "b", "c"])[RNG.integers(0, 3, 120)]
    table = frame(kind=pd.Categorical(words), flag=SIGN == 1)
    tasks = [lth.Task("one", ["kind", "x0"], ["sign"]), lth.Task("two", ["x1"], ["wave", "three"])]
    with pytest.raises(SpecError, match="task two has targets of kinds classes, regression"):
        made(table, ["sign", "wave", "three"], tasks=tasks)
    own = made(table, ["sign", "wave"], tasks=[tasks[0], lth.Task("two", ["x1"], ["wave"])])
    assert own.input_names == (
        "x0",
        "x1",
        "x2",
        "x3",
        "three",
        "kind=a",
        "kind=b",
        "kind=c",
        "flag",
    )
    assert own.tasks[0].inputs == (5, 6, 7, 0) and own.tasks[1].kind == "regression"
    same = made(table, ["sign", "wave"], tasks={"one": ["sign"], "two": "wave"})
    assert [t.inputs for t in same.tasks] == [(), ()]


def test_missing_labels_stay_missing():
    table = frame(wave=np.where(X[:, 0] > 1, np.nan, WAVE))
    own = made(table, ["wave", "sign"])
    assert np.isnan(own.y_train[:, 0]).any() and not np.isnan(own.y_train[:, 1]).any()


# what is wrong, in words


DATES = pd.date_range("2020", periods=120)
BAD_TABLES = [
    ({"x0": np.where(SIGN, X[:, 0], np.nan)}, "column 'x0' has \\d+ missing values of 120"),
    ({"x0": np.where(SIGN, X[:, 0], np.inf)}, "column 'x0' has an infinite value"),
    ({"x0": DATES}, "column 'x0' holds dates; give numbers"),
    ({"x0": [f"w{n}" for n in range(120)]}, "column 'x0' has 120 different words, such as 'w0'"),
    ({"x0": X[:, 0] * 1j}, "column 'x0' holds complex numbers"),
    ({"sign": 1}, "target 'sign' has one class, 1; there is nothing to learn"),
    ({"sign": 1.5}, "target 'sign' is constant"),
    ({"sign": DATES}, "target 'sign' holds dates"),
    ({"sign": [f"w{n}" for n in range(120)]}, "has 120 classes in 120 rows; class 'w"),
    ({"sign": np.nan}, "target 'sign' has no label"),
    ({"sign": np.where(SIGN, np.inf, 0.5)}, "target 'sign' has an infinite value"),
    ({"sign": ["odd"] + ["even"] * 119}, "class 'odd' has [01] in the training split"),
]


@pytest.mark.parametrize(("columns", "message"), BAD_TABLES)
def test_columns_that_cannot_be_learned_are_named(columns, message):
    with pytest.raises(SpecError, match=message):
        made(frame(**columns))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"targets": "sgin"}, r"no column 'sgin' for the targets \(did you mean sign"),
        ({"targets": []}, "no target is named"),
        ({"targets": ["sign", "sign"]}, "targets name 'sign' twice"),
        ({"targets": 3}, "targets are 3; expected a list of names"),
        ({"inputs": ["sign"]}, "'sign' is a target, too"),
        ({"inputs": ["y0"]}, "no column 'y0' for the inputs"),
        ({"test": 0}, "the test split of 120 rows is empty"),
        ({"test": 2}, "test is 2.0; allowed: 0 to 0.9"),
        ({"validation": "x"}, "validation is 'x'"),
        ({"tasks": [lth.Task("a", ["x9"], ["sign"])]}, "task a: no column 'x9' among the inputs"),
        ({"tasks": [lth.Task("a", ["x0"], [1])]}, "task a has target 1; there are 1, from 0"),
        ({"tasks": 3}, "tasks are 3; expected a list of Task"),
        ({"targets": ["sign", "wave"], "tasks": {"a": ["sign"]}}, "targets without a task: wave"),
        (
            {"tasks": [lth.Task("a", ["x0"], ["sign"]), lth.Task("b", ["x1"], ["sign"])]},
            "tasks a and b both have target 'sign'",
        ),
        ({"tasks": [lth.Task("a", ["x0"], ["sign"], "multilabel")]}, None),
        ({"targets": "wave", "tasks": [lth.Task("a", [0], [0], "binary")]}, "of kind binary has 1"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments, message):
    arguments = {"targets": "sign", **arguments}
    if message is None:
        assert made(frame(), **arguments).tasks[0].kind == "multilabel"
        return
    with pytest.raises(SpecError, match=message):
        made(frame(), **arguments)


def test_constant_and_repeated_columns_are_kept_with_a_word():
    with pytest.warns(UserWarning) as said:
        own = lth.from_frame(frame(one=1, copy=X[:, 0]), "sign")
    assert own.ends[0] == 8 and not own.x_train[:, 6].any()
    words = [str(warning.message) for warning in said]
    assert words == [
        "constant in the training split, so they tell nothing: one",
        "inputs that repeat another one: copy (as x0)",
    ]


def test_few_rows_and_few_columns():
    with pytest.raises(SpecError, match=r"rows are too few|split of 1 rows is empty"):
        lth.from_arrays(X[:1], SIGN[:1])
    with pytest.raises(SpecError, match="frame has two columns 'a'"):
        lth.from_frame(pd.DataFrame([[1, 2]], columns=["a", "a"]), "a")
    with pytest.raises(SpecError, match="there are no other columns"):
        lth.from_frame(frame()[["sign"]], "sign")
    assert lth.from_arrays(X[:, :1], SIGN).ends == (1, 1)
    many = lth.from_arrays(X, X[:, :1] + RNG.standard_normal((120, 200)))
    assert many.ends == (4, 200) and len(many.tasks) == 200


def test_odd_names_are_kept_as_one_line():
    odd = {'a<b>&"$x$"/\\': X[:, 0], "two\nlines": X[:, 1], "ümlaut": X[:, 2]}
    table = pd.DataFrame({**odd, "t\n1": SIGN, "$y_1^{2$": 1 - SIGN})
    own = lth.from_frame(table, ["t\n1", "$y_1^{2$"])
    assert [t.name for t in own.tasks] == ["t 1", "$y_1^{2$"] and own.input_names == tuple(odd)


# files


def test_files_of_other_programs_are_read(tmp_path):
    table, wanted = frame(), made(frame(), ["sign", "three"])
    texts = {
        "comma.csv": table.to_csv(index=False).encode(),
        "tab.tsv": table.to_csv(index=False, sep="\t").encode(),
        "quoted.csv": table.to_csv(index=False, quoting=1, lineterminator="\r\n").encode(),
        "marked.csv": b"\xef\xbb\xbf" + table.to_csv(index=False).encode(),
        "packed.csv.gz": gzip.compress(table.to_csv(index=False).encode()),
    }
    for name, content in texts.items():
        (tmp_path / name).write_bytes(content)
        own = lth.from_file(tmp_path / name, ["sign", "three"])
        np.testing.assert_allclose(own.x_train, wanted.x_train, atol=1e-6)
        assert own.tasks == wanted.tasks
    european = tmp_path / "european.csv"
    table.to_csv(european, index=False, sep=";", decimal=",")
    own = lth.from_file(european, ["sign", "three"])
    np.testing.assert_allclose(own.x_train, wanted.x_train, atol=1e-6)
    table.to_csv(european, index=False, decimal=",")
    with pytest.raises(SpecError, match=r"different words.*options=\{'decimal': ','\}"):
        lth.from_file(european, "sign")
    own = lth.from_file(european, ["sign", "three"], options={"decimal": ","})
    np.testing.assert_allclose(own.x_train, wanted.x_train, atol=1e-6)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read .*: No such file"),
        (b"", "is no table of columns"),
        (b"\xff\xfe\x00\x01" * 9, "is no table of columns|has one column|no column"),
        (b"alone\n1\n2\n", "has one column, 'alone'"),
        (b'a,b\n"1,2\n', "is no table of columns|no column|too few|empty"),
    ],
)
def test_files_that_are_no_tables_are_named(content, message, tmp_path):
    file = tmp_path / "data.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SpecError, match=message):
        lth.from_file(file, "b")


# banks


@pytest.mark.parametrize("k", range(2, 7))
def test_banks_of_points_are_k_independent_tasks(k):
    bank = data.load(data.spec("points", k=k, n_samples=400, distractors=2))
    assert bank.ends == (2 * k + 2, k) and [t.kind for t in bank.tasks] == ["binary"] * k
    assert np.abs(np.corrcoef(bank.y_train.T) - np.eye(k)).max() < 0.2
    assert all(0.3 < share < 0.7 for share in bank.y_train.mean(0))


def test_formulas_are_what_their_names_say():
    raw = RNG.uniform(-1, 1, (5, 4))
    (_, first, one), (_, second, two) = banks.FORMULAS["independence"][1]
    np.testing.assert_allclose(one(raw), (raw[:, 0] + raw[:, 2]) ** 3)
    np.testing.assert_allclose(two(raw), raw[:, 1] ** 2 + np.sin(np.pi * raw[:, 3]))
    assert (first, second) == ((0, 2), (1, 3))
    for name, (n_inputs, targets) in banks.FORMULAS.items():
        made_data = data.load(data.spec("formulas", name=name, n_samples=50))
        assert made_data.ends == (n_inputs, len(targets))
        x = RNG.uniform(-1, 1, (50, n_inputs))
        for _, inputs, value in targets:  # a target changes with its inputs and with no other
            for n in range(n_inputs):
                moved = x.copy()
                moved[:, n] = RNG.uniform(-1, 1, 50)
                assert (np.abs(value(moved) - value(x)).max() > 1e-9) == (n in inputs)


def test_no_row_of_a_bundled_set_is_in_two_splits():
    pair = data.load(data.spec("bundled", names=["wine", "diabetes"]))
    assert [t.kind for t in pair.tasks] == ["classes", "regression"] and len(pair.x_train) == 1000
    for task in pair.tasks:
        own = data.tasks.index(task.inputs)
        rows = {
            split: {r.tobytes() for r in getattr(pair, f"x_{split}")[:, own]}
            for split in pair.splits
        }
        assert not rows["train"] & rows["test"] and not rows["train"] & rows["validation"]
        assert not rows["validation"] & rows["test"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("points", {"k": 0}, "k is 0"),
        ("points", {"kinds": ["circle"]}, "did you mean circles"),
        ("points", {"noise": -1}, "noise -1"),
        ("formulas", {"name": "indep"}, "did you mean independence"),
        ("bundled", {"names": ["iris"]}, "a bundled set is 'iris'"),
        ("bundled", {"names": ["wine", "wine"]}, "each once"),
    ],
)
def test_banks_refuse_what_they_do_not_have(name, options, message):
    with pytest.raises(SpecError, match=message):
        data.load(data.spec(name, **options))
