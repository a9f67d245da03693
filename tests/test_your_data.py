"""A study of one's own data: its plan, what it finds where the answer is known, its page."""

import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.utils import estimator_checks

import lth_utils as lth
from lth_utils import __main__ as command_line
from lth_utils import data, plots
from lth_utils.config import SpecError
from lth_utils.one_call.study import Study, study
from lth_utils.runs.store import Store
from lth_utils.studies import your_data
from lth_utils.studies.your_data.controls import inputs_of_tasks, partitions
from lth_utils.studies.your_data.findings import (
    Found,
    bits,
    groups_of,
    joined,
    matrix,
    together_with,
)

TASKS = tuple(lth.Task(name, (), [k]) for k, name in enumerate("abc"))


def found(together, run="run", watched=0.9, random=None, weights=50):
    """A run that joins tasks in some way, such as "xx. xx. ..x"."""
    together = matrix(together)
    inputs = np.array([[True, False], [True, True], [False, True]])[: len(together)]
    level = np.full(len(together), 0.9)
    return Found(
        run, 3, weights, "separated", together, inputs, watched, level, level, random or {}
    )


APART, PAIR, ALL = "x.. .x. ..x", "xx. xx. ..x", "xxx xxx xxx"


# what several networks say together


def test_groups_are_what_most_networks_join():
    runs = [found(PAIR)] * 5 + [found(APART)] * 2 + [found(ALL)]
    seen = together_with(runs, [found(ALL)] * 8, TASKS)
    assert seen.groups == [[0, 1], [2]] and seen.agreeing == 5 and seen.shuffled == (0, 8)
    assert seen.together[0, 1] == 6 / 8 and seen.together[0, 2] == 1 / 8
    share, low, high = seen.sure
    assert share == 5 / 8 and low < share < high


def test_a_network_that_lost_a_task_agrees_with_nobody():
    seen = together_with([found(APART)] * 6 + [found("... .x. ..x")] * 2, [], TASKS)
    assert seen.groups == [[0], [1], [2]] and seen.agreeing == 6 and seen.shuffled is None


@pytest.mark.parametrize(
    ("random", "shuffled", "beats", "words"),
    [
        ({bits(matrix(APART)): 1, bits(matrix(ALL)): 19}, [ALL] * 8, True, "All 3 tasks are"),
        ({bits(matrix(APART)): 20}, [ALL] * 8, False, "but no more often than by chance"),
        ({bits(matrix(ALL)): 20}, [APART] * 8, False, "but no more often than by chance"),
    ],
)
def test_the_controls_decide_whether_it_is_more_than_chance(random, shuffled, beats, words):
    runs = [found(APART, random=random)] * 8
    seen = together_with(runs, [found(text) for text in shuffled], TASKS)
    assert seen.beats_controls is beats and words in your_data.headline(seen)
    assert ("cannot be told from chance" in your_data.words(seen)[-1]) == (not beats)


def test_where_all_hang_together_the_answer_is_no():
    seen = together_with([found(ALL)] * 8, [found(APART)] * 8, TASKS)
    assert seen.beats_controls is None
    assert your_data.headline(seen) == "No independent tasks found: all 3 hang together"


def test_the_best_ticket_is_the_best_of_those_that_agree():
    runs = [found(PAIR, "a", 0.7), found(PAIR, "b", 0.8), found(ALL, "c", 0.99)]
    assert together_with(runs, [], TASKS).best().run == "b"


def test_groups_join_through_others():
    assert groups_of(matrix("xx. xxx .xx")) == [[0, 1, 2]]
    assert bits(joined([[0, 1], [2]], 3)) == PAIR


# masks


def test_partitions_and_inputs_of_a_mask():
    first = torch.zeros(1, 3, 4, dtype=torch.bool)
    first[0, 0, 0] = first[0, 1, 1] = first[0, 2, 3] = True
    last = torch.eye(3, dtype=torch.bool)[None]
    assert bits(partitions([first, last], TASKS)[0]) == APART
    joined_first = first.clone()
    joined_first[0, 1, 0] = True
    assert bits(partitions([joined_first, last], TASKS)[0]) == PAIR
    assert bits(inputs_of_tasks([joined_first, last], TASKS)) == "x... xx.. ...x"
    lost = first.clone()
    lost[0, 2] = False
    assert bits(partitions([lost, last], TASKS)[0]) == "x.. .x. ..."


def test_random_masks_have_as_many_weights_in_each_layer():
    masks = [torch.zeros(1, 6, 4, dtype=torch.bool), torch.zeros(1, 3, 6, dtype=torch.bool)]
    masks[0][0, :, 0] = True
    masks[1][0] = True
    seen = your_data.random_partitions(masks, TASKS, draws=200, seed=1)
    again = your_data.random_partitions(masks, TASKS, draws=200, seed=1)
    assert seen.shape == (200, 3, 3) and (seen == again).all()
    assert 0 < seen[:, 0, 1].mean() < 1 or seen[:, 0, 1].all()


# controls


@pytest.fixture(scope="module")
def formulas():
    return data.load(data.spec("formulas", n_samples=80))


def test_shuffled_labels_are_the_same_labels_in_another_order(formulas):
    other = your_data.shuffled(formulas)
    for split in formulas.splits:
        a, b = getattr(formulas, f"y_{split}"), getattr(other, f"y_{split}")
        assert (np.sort(a, 0) == np.sort(b, 0)).all() and not (a == b).all(0).any()
        assert np.abs(np.corrcoef(np.c_[a, b].T)[:2, 2:]).max() < 0.4  # each task by itself
    assert (other.x_train == formulas.x_train).all()


def test_another_draw_has_the_same_rows_in_other_splits(formulas):
    held = your_data.hold_out(formulas)
    other = your_data.resplit(held, 1)
    rows = [np.concatenate([getattr(d, f"x_{s}") for s in d.splits]) for d in (held, other)]
    assert (np.sort(rows[0], 0) == np.sort(rows[1], 0)).all()
    assert [len(other.x_train), len(other.x_validation), len(other.x_test)] == [68, 12, 80]
    assert not (other.x_test == held.x_test).all() and your_data.resplit(held, 0) is held


# plans


def test_networks_begin_as_large_as_those_of_the_thesis(toy, formulas):
    assert your_data.network_of(toy) == (4, 57, 57, 2)
    assert your_data.network_of(formulas, [9, 7]) == (4, 9, 7, 2)
    for wrong in ("large", [0], [], [1.5], 3):
        with pytest.raises(SpecError, match="networks"):
            your_data.network_of(toy, wrong)


def test_a_plan_has_a_run_and_a_control_per_seed_and_draw(formulas):
    asked = your_data.ask("formulas", formulas, seeds=[3, 4], draws=2)
    assert len(asked.runs) == len(asked.controls) == 4 == len({lth.run_id(s) for s in asked.runs})
    assert asked.data.x_validation is not None and asked.runs[0].coverage == "output"
    assert not your_data.ask("f", formulas, seeds=[0], controls=False).controls
    with pytest.raises(SpecError, match="draws is 0"):
        your_data.ask("f", formulas, seeds=[0], draws=0)


# whole studies


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """Independent formulas and entangled ones, eight networks each."""
    store = Store(tmp_path_factory.mktemp("studies"))
    made = {}
    for name in ("products", "entangled"):
        source = data.load(data.spec("formulas", name=name, n_samples=600, seed=7))
        made[name] = study(source, seeds="300-307", store=store, device="cpu")
    return made


def test_independent_formulas_are_found_with_their_inputs(studies):
    seen = studies["products"].findings_
    assert seen.groups == [[0], [1], [2]] and seen.beats_controls
    wanted = np.kron(np.eye(3), [1, 1])
    assert ((seen.inputs > 0.5) == wanted).all()
    assert "x1 x2: most networks use x1 and x2." in studies["products"].words()
    assert (np.abs(seen.differences.mean(0)) < 0.05).all()


def test_entangled_formulas_are_not_parted(studies):
    seen = studies["entangled"].findings_
    assert len(seen.groups) == 1 and "No independent tasks found" in studies["entangled"].words()[0]


def test_no_network_is_looked_at_where_a_task_has_become_worse(studies):
    for one in studies.values():
        table = one._store().table(one.runs_).set_index(["run", "level"])
        for run in one.findings_.runs:
            levels = table.loc[run.run]
            validation = levels[[f"validation_{task.name}" for task in one.findings_.tasks]]
            assert (validation.loc[run.level] >= validation.loc[0] - 0.02).all()
            assert levels["status"].loc[run.level] != "degraded"


def test_a_study_is_a_table_a_ticket_and_a_page(studies, tmp_path):
    one = studies["products"]
    assert len(one.table()) == 8 and set(one.table()["groups"]) <= {1, 2, 3}
    ticket = one.best_ticket()
    assert [t.kind for t in ticket.tasks] == ["regression"] * 3
    page = one.page(tmp_path / "page.html", title="a <b> & $x$")
    text = page.read_text(encoding="utf-8")
    assert "All 3 tasks are independent" in text and text.count("data:image/png;base64,") == 4
    assert "a &lt;b&gt; &amp; $x$" in text and "<b> &" not in text
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert one.explore().run == one.findings_.best().run


def test_a_second_study_computes_nothing(studies):
    one = studies["products"]
    before = {path: path.stat().st_mtime_ns for path in one._store().runs.rglob("done.json")}
    again = study(one.data_, seeds="300-307", store=one._store(), device="cpu")
    after = {path: path.stat().st_mtime_ns for path in one._store().runs.rglob("done.json")}
    assert before == after and again.words() == one.words()


def test_tables_say_what_the_runs_said(studies, tmp_path):
    one = studies["products"]
    asked = your_data.ask("products", one.data_, seeds=range(300, 308))
    table = your_data.found_table([asked], one._store())
    table.to_csv(tmp_path / "t.csv", index=False)
    read = your_data.findings_of(pd.read_csv(tmp_path / "t.csv"))
    assert your_data.words(read["products"]) == one.words()
    assert your_data.facts(read, 16)["data"]["products"]["agreeing"][1] == 8
    figure = plots.found_partition(read, your_data.headlines(read))
    texts = " ".join(ax.get_title(loc="left") for ax in figure.axes)
    assert "n = 8 networks" in texts


# as an estimator


def small(**options) -> Study:
    return Study(networks=[6], seeds=1, controls=False, max_epochs=3, device="cpu", **options)


def test_it_predicts_raw_inputs_as_its_ticket_does(tmp_path):
    rng = np.random.default_rng(0)
    x = 100 + 50 * rng.standard_normal((200, 3))
    y = np.stack([x[:, 0] > 100, x[:, 1] + x[:, 2]], 1)
    fitted = small(store=tmp_path).fit(x, y)
    said = fitted.predict(x)
    assert said.shape == (200, 2) and set(np.unique(said[:, 0])) <= {0, 1}
    with torch.no_grad():
        logits = fitted.best_ticket().model()(torch.from_numpy(fitted.data_.x_test)).numpy()
    of_test = {row.tobytes() for row in np.round(logits[:, 1], 3)[:, None]}
    of_all = {row.tobytes() for row in np.round(said[:, 1], 3).astype(np.float32)[:, None]}
    assert len(of_test & of_all) > 0.9 * len(of_test)
    assert fitted.score() == pytest.approx(np.mean(fitted.findings_.best().score))
    with pytest.raises(SpecError, match="X has 2 columns; the study was of 3"):
        fitted.predict(x[:, :2])


CHECKS = [
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_estimator_repr",
    "check_estimator_cloneable",
    "check_dict_unchanged",
    "check_fit_check_is_fitted",
    "check_estimators_unfitted",
    "check_fit_idempotent",
    "check_n_features_in",
]


@pytest.mark.parametrize("check", CHECKS)
def test_scikit_learns_own_checks(check, tmp_path, monkeypatch):
    """Those that ask for other than pairs of arrays, or for thousands of fits, do not apply."""
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path))
    getattr(estimator_checks, check)("Study", small())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": 0}, "seeds is 0"),
        ({"seeds": "x"}, "'x' is no span"),
        ({"draws": 0}, "draws is 0"),
        ({"tolerance": "x"}, "tolerance is 'x'"),
        ({"networks": "huge"}, "networks is 'huge'"),
        ({"max_epochs": 0}, "max_epochs is 0"),
        ({"device": "gpu"}, "device is 'gpu'"),
    ],
)
def test_arguments_out_of_range_are_refused(change, message, toy, tmp_path):
    asked = small(store=tmp_path).set_params(**change)
    with pytest.raises(SpecError, match=message):
        asked.fit(toy)


def test_what_is_no_data_set_is_refused():
    for wrong in (None, 3, "data.csv", [[1, 2]], pd.DataFrame({"a": [1]})):
        with pytest.raises(SpecError, match="make a data set of it with"):
            study(wrong)


# the command


def test_the_command_turns_a_file_into_a_page(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((160, 3))
    table = pd.DataFrame(x, columns=["one", "two", "three"])
    table["up"], table["down"] = x[:, 0] > 0, x[:, 1] * x[:, 2]
    table.to_csv(tmp_path / "mine.csv", index=False)
    command = [sys.executable, "-m", "lth_utils", "study", "mine.csv", "--targets", "up", "down"]
    environment = {**os.environ, "LTH_OUTPUTS": str(tmp_path / "outputs")}
    for _ in range(2):
        done = subprocess.run(
            [*command, "--seeds", "2"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        assert "mine.html" in done.stdout and "networks agree" in done.stdout
    page = (tmp_path / "mine.html").read_text(encoding="utf-8")
    assert "mine.csv" in page and "up: two classes" in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.csv", "--targets", "a"], "cannot read missing.csv"),
        (["mine.csv", "--targets", "z"], "no column 'z'"),
        (["mine.csv", "--targets", "a", "--seeds", "x"], "no span"),
        (["mine.csv", "--targets", "a", "--draws", "0"], "draws is 0"),
    ],
)
def test_the_command_ends_in_a_sentence(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LTH_OUTPUTS", str(tmp_path / "outputs"))
    table = pd.DataFrame({"a": [0, 1] * 40, "b": np.arange(80.0)})
    table.to_csv("mine.csv", index=False)
    assert command_line.main(["study", *words]) == 1
    assert message in capsys.readouterr().err


def test_unknown_presets_stop_before_anything_runs():
    fields = {"path": "", "targets": [], "seeds": "0", "networks": []}
    fields |= {"max_epochs": 5, "tolerance": 0.02}
    for presets, message in (
        ({"a": {"set": "formula"}}, "did you mean formulas"),
        ({"a": {"name": "x"}}, "expected set and its options"),
        ({}, "give a path with its targets, or presets"),
    ):
        with pytest.raises(SpecError, match=message):
            your_data.Parameters(**fields, presets=presets)
    with pytest.raises(SpecError, match="path and targets go together"):
        your_data.Parameters(**{**fields, "path": "x.csv"}, presets={})
