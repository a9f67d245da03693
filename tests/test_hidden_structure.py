"""Hidden structure: planted answers are found, planted nulls are not, and sums are right."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

import lth_utils as lth
from lth_utils import data, plots
from lth_utils.config import SpecError
from lth_utils.data.gates import GATES, inner_inputs
from lth_utils.data.hidden import BANKS
from lth_utils.networks.ticket import Ticket
from lth_utils.studies import hidden_structure as hidden
from lth_utils.studies.hidden_structure import baselines, discovery, grouping, kept
from lth_utils.studies.hidden_structure.group_lasso import group_lasso
from lth_utils.studies.hidden_structure.inner import best_layer, pure_shares
from lth_utils.studies.hidden_structure.many_tasks import partitions_of, truth_of
from lth_utils.studies.hidden_structure.parameters import Condition, Parameters, Unequal
from lth_utils.studies.hidden_structure.words import advantages, best_other, differences
from lth_utils.studies.statistics import mean_interval

RNG = np.random.default_rng(0)


# data


@pytest.mark.parametrize("bank", BANKS)
def test_labels_depend_on_their_own_block_alone(bank):
    """An oracle: among examples, whoever knows the block predicts the labels, others cannot."""
    from sklearn.ensemble import RandomForestClassifier

    made = data.hidden(bank, n_samples=2000, distractors=2, seed=5)
    of_input, of_output = data.hidden_blocks(distractors=2, seed=5)
    n = 0
    scores = []
    for own in (True, False):
        inputs = (of_input == of_output[n]) == own
        trees = RandomForestClassifier(60, random_state=0)
        trees.fit(made.x_train[:, inputs], made.y_train[:, n])
        scores.append(trees.score(made.x_test[:, inputs], made.y_test[:, n]))
    assert scores[0] > 0.85 and abs(scores[1] - 0.5) < 0.06


def test_no_single_input_tells_of_a_joint_or_a_parity():
    for bank, least in (("marginal", 0.3), ("joint", 0), ("parity", 0)):
        made = data.hidden(bank, n_samples=3000, seed=1)
        x, y = made.x_test, made.y_test
        correlations = np.abs(np.corrcoef(np.c_[x, y].T)[: x.shape[1], x.shape[1] :])
        assert (correlations.max() > 0.3) == (least > 0)


def test_only_what_may_be_learned_from_is_noisy():
    clean, noisy = (
        data.hidden(n_samples=1000, seed=2),
        data.hidden(n_samples=1000, noise=0.2, seed=2),
    )
    assert (clean.x_train == noisy.x_train).all() and (clean.y_test == noisy.y_test).all()
    assert abs((clean.y_train != noisy.y_train).mean() - 0.2) < 0.02
    assert (clean.y_validation != noisy.y_validation).any()


def test_blocks_are_in_another_order_for_every_draw():
    orders = [tuple(data.hidden_blocks(seed=seed)[0]) for seed in range(5)]
    assert len(set(orders)) == 5 and all(sorted(o) == sorted(orders[0]) for o in orders)


def test_unequal_tasks_differ_where_they_are_asked_to():
    plain, other = data.unequal(), data.unequal(noise=0.3, weight=0.5, inputs=5, distractors=2)
    assert [task.inputs for task in other.tasks] == [range(2), range(2, 7)]
    assert other.tasks[1].weight == 0.5 and plain.tasks[1].weight == 1 and other.ends == (9, 2)
    inside = (other.x_train[:, :2] ** 2).sum(1) < np.median((other.x_train[:, :2] ** 2).sum(1))
    assert (inside == other.y_train[:, 0]).mean() > 0.97  # its labels are not flipped


def test_gates_are_made_of_their_inner_functions():
    made = data.gates(overlap=1, reuse=6, seed=3)
    x, y = made.x_train > 0, made.y_train.astype(int)
    assert len(GATES) == 10 and len(np.unique(x, axis=0)) == len(x) == 2**7
    first, second = (list(span) for span in inner_inputs(1))
    for inputs in (first, second):  # each output depends on every input of both functions
        for n in inputs:
            flipped = x.copy()
            flipped[:, n] ^= True
            rows = flipped @ (1 << np.arange(7)[::-1])
            assert (y[rows] != y).any()
    # fixed inputs of the first function leave two columns of labels at most
    assert max(len(np.unique(y[(x[:, first] == row).all(1)], axis=0)) for row in x[:, first]) <= 2


@pytest.mark.parametrize(
    ("function", "options"),
    [
        (data.hidden, {"bank": "jiont"}),
        (data.hidden, {"block": 1}),
        (data.hidden, {"noise": 0.6}),
        (data.hidden, {"n_samples": 10}),
        (data.unequal, {"inputs": 0}),
        (data.unequal, {"weight": 0.0}),
        (data.gates, {"overlap": 4}),
        (data.gates, {"reuse": 0}),
    ],
)
def test_options_out_of_range_are_refused(function, options):
    with pytest.raises(SpecError, match=next(iter(options)) if "bank" not in options else "joint"):
        function(**options)


def test_tasks_of_data_by_name_are_known():
    for name in ("hidden", "unequal", "gates", "points"):
        assert data.tasks_of(data.spec(name)) == data.load(data.spec(name)).tasks


# groups


def planted(blocks, noise, stream):
    """A matrix with blocks, everything else up to `noise`, in a random order."""
    sizes = np.array(blocks)
    of_input = stream.permutation(np.repeat(np.arange(len(sizes)), sizes[:, 0]))
    of_output = stream.permutation(np.repeat(np.arange(len(sizes)), sizes[:, 1]))
    own = of_input[:, None] == of_output[None]
    matrix = np.where(own, stream.uniform(0.5, 1, own.shape), noise * stream.random(own.shape))
    return matrix, grouping.true_partition(of_input, of_output)


@pytest.mark.parametrize("cut", [0.0, 0.2])
@pytest.mark.parametrize("noise", [0.0, 0.15])
def test_a_planted_partition_is_found(noise, cut):
    stream = np.random.default_rng(1)
    for blocks in ([(3, 2)] * 3, [(2, 2), (4, 2), (3, 3)], [(5, 4)]):
        matrix, truth = planted(blocks, noise, stream)
        assert grouping.index(truth, grouping.partition(matrix, cut)) == 1


def test_a_planted_null_is_not_divided():
    stream = np.random.default_rng(2)
    for shape in ((9, 6), (20, 6), (5, 4)):
        labels = grouping.partition(stream.uniform(0.3, 1, shape))
        assert len(set(labels)) == 1
    _, truth = planted([(3, 2)] * 3, 0, stream)
    near = [grouping.index(truth, stream.permutation(truth)) for _ in range(200)]
    assert abs(np.mean(near)) < 0.03


def test_inputs_that_nothing_depends_on_stand_alone():
    matrix = np.zeros((5, 2))
    matrix[0, 0] = matrix[1, 0] = matrix[2, 1] = 1
    labels = grouping.partition(matrix)
    assert labels[0] == labels[1] == labels[5] and labels[2] == labels[6]
    assert len(set(labels)) == 4
    assert list(grouping.true_partition(np.array([0, -1, -1]), np.array([0]))) == [0, 1, 2, 0]


def test_what_most_networks_say_is_the_consensus():
    right, joined = np.array([0, 0, 1, 1, 0, 1]), np.zeros(6, int)
    assert grouping.index(right, grouping.consensus([right, right, joined])) == 1
    assert grouping.index(joined, grouping.consensus([right, joined, joined])) == 1


def test_the_ranking_of_inputs_needs_no_threshold():
    of_input, of_output = np.array([0, 0, 1, 1]), np.array([0, 1])
    best = np.array([[5, 1], [4, 2], [1, 8], [3, 9]])
    assert grouping.ranking(best, of_input, of_output) == 1
    assert grouping.ranking(-best, of_input, of_output) == 0
    assert np.isnan(grouping.ranking(best, np.zeros(4, int), np.zeros(2, int)))


# methods


@pytest.fixture(scope="module")
def easy():
    """Blocks that every method finds, also those that look at single inputs."""
    return data.hidden("marginal", n_samples=600, seed=4), data.hidden_blocks(seed=4)


@pytest.mark.parametrize("method", discovery.OF_DATA)
def test_every_method_finds_about_what_is_easy(method, easy):
    made, blocks = easy
    how = discovery.OF_DATA[method]
    matrix = how.function(made)
    labels = grouping.partition(matrix, how.cut)
    assert grouping.index(grouping.true_partition(*blocks), labels) > 0.8
    assert grouping.ranking(matrix, *blocks) > 0.98


def found_on(method, noise):
    """The mean ranking and index of a method on draws whose labels are flipped so often."""
    how, found = discovery.OF_DATA[method], []
    for seed in range(3):
        made = data.hidden("marginal", n_samples=300, noise=noise, seed=seed)
        matrix, blocks = how.function(made), data.hidden_blocks(seed=seed)
        assert matrix.shape == made.ends and (matrix >= 0).all()
        labels = grouping.partition(matrix, how.cut)
        near = grouping.index(grouping.true_partition(*blocks), labels)
        found.append((grouping.ranking(matrix, *blocks), near))
    return np.mean(found, 0)


@pytest.mark.parametrize("method", discovery.OF_DATA)
def test_no_method_finds_blocks_in_labels_without_meaning(method):
    """Of labels that mean something, the same bounds do not hold."""
    (ranking, near), (real_ranking, real_near) = found_on(method, 0.5), found_on(method, 0.0)
    assert abs(ranking - 0.5) < 0.15 and real_ranking > 0.95
    assert abs(near) < 0.15 and real_near > 0.6


def network(first, last, bias=0.0):
    """A ticket of one hidden layer with these weights."""
    first, last = np.array(first, np.float32), np.array(last, np.float32)
    shape = (first.shape[1], len(first), len(last))
    values = np.concatenate([first.ravel(), last.ravel(), np.full(len(first) + len(last), bias)])
    masks = [torch.from_numpy(w != 0)[None] for w in (first, last)]
    tasks = tuple(lth.Task(f"y{n}", (), [n]) for n in range(len(last)))
    return Ticket(shape, masks, values.astype(np.float32), values.astype(np.float32), tasks, 0, 0)


APART = network([[2, -1, 0], [0, 0, 3]], [[1, 0], [0, -2]], bias=0.1)


def test_paths_and_gradients_of_a_network_made_by_hand():
    assert baselines.paths(APART).tolist() == [[2, 0], [1, 0], [0, 6]]
    x = np.array([[1, 0, 1], [2, 1, 0.5]], np.float32)  # both units are on
    y = np.array([[0, 1], [1, 0]])
    tasks = APART.tasks
    made = data.Dataset(x, y, x, y, tasks)
    assert np.allclose(baselines.gradients(made, [APART, APART]), [[2, 0], [1, 0], [0, 6]])


def test_permuting_an_input_hurts_the_outputs_that_use_it():
    x = RNG.standard_normal((300, 3)).astype(np.float32)
    y = np.stack([2 * x[:, 0] - x[:, 1] > 0, x[:, 2] < 0], 1).astype(int)
    made = data.Dataset(x, y, x, y, APART.tasks)
    rises = baselines.permutation(made, [APART])
    used = baselines.paths(APART) > 0
    assert (rises[used] > 0.01).all() and (rises[~used] == 0).all()


def test_weights_in_two_blocks_are_two_clusters():
    nearly = network([[2, -1, 0.01], [0.01, 0.01, 3]], [[1, 0.01], [0.01, -2]])
    labels = baselines.weight_clusters(nearly, 2)
    assert grouping.index(np.array([0, 0, 1, 0, 1]), labels) == 1
    assert len(set(baselines.weight_clusters(nearly, 1))) == 1


def test_a_group_lasso_ranks_useless_inputs_last():
    made = data.hidden("joint", k=1, n_samples=400, distractors=3, seed=4)
    norms = group_lasso(made)
    useless = data.hidden_blocks(1, distractors=3, seed=4)[0] < 0
    assert (norms[useless].max(0) < norms[~useless].min(0)).all()
    assert (group_lasso(made) == norms).all()


def test_matrices_are_kept_and_damaged_ones_computed_again(tmp_path):
    spec, calls = data.spec("hidden", n_samples=40), []

    def method(made):
        calls.append(made.ends)
        return np.full(made.ends, 1 / 3)

    first, _ = kept.importances("a method", method, spec, tmp_path, "1")
    again, _ = kept.importances("a method", method, spec, tmp_path, "1")
    assert (first == again).all() and len(calls) == 1
    (path,) = tmp_path.iterdir()
    path.write_text("{")
    kept.importances("a method", method, spec, tmp_path, "1")
    kept.importances("a method", method, spec, tmp_path, "2")
    kept.importances("a method", method, data.spec("hidden", n_samples=41), tmp_path, "1")
    assert len(calls) == 4 and "matrix" in json.loads(path.read_text())


# masks


def masks_of(*layers):
    return [torch.tensor(layer, dtype=torch.bool)[None] for layer in layers]


def test_subnetworks_are_a_partition_of_inputs_and_outputs():
    tasks = (lth.Task("a", range(2), [0]), lth.Task("b", range(2, 4), [1]))
    apart = masks_of([[1, 1, 0, 0], [0, 0, 1, 1]], [[1, 0], [0, 1]])
    assert grouping.index(truth_of(tasks), partitions_of(apart)[0]) == 1
    lost = masks_of([[1, 1, 0, 0], [0, 0, 1, 0]], [[1, 0], [0, 1]])
    assert len(set(partitions_of(lost)[0])) == 3  # the lost input stands alone
    joined = masks_of([[1, 1, 1, 0], [0, 0, 1, 1]], [[1, 0], [0, 1]])
    assert len(set(partitions_of(joined)[0])) == 1


def test_units_are_pure_where_they_read_one_inner_function():
    functions = (range(2), range(2, 4))
    pure = masks_of([[1, 1, 0, 0], [0, 0, 1, 1]], [[1, 1], [1, 1]], [[1, 0], [0, 1]])
    shares, complete = pure_shares(pure, functions)
    assert shares.tolist() == [1, 0] and complete.all() and best_layer(pure, functions) == 1
    mixed = masks_of([[1, 1, 0, 0], [0, 1, 1, 1]], [[1, 1], [1, 1]], [[1, 0], [0, 1]])
    assert best_layer(mixed, functions) == 0.5
    blind = masks_of([[1, 1, 0, 0], [0, 0, 1, 0]], [[1, 1], [1, 1]], [[1, 0], [0, 1]])
    assert best_layer(blind, functions) == 0  # an input is read by nobody
    idle = masks_of([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0]], [[1, 1, 0], [1, 1, 0]], [[1, 0]])
    assert best_layer(idle, functions) == 1  # a unit that leads nowhere does not count


# parameters


def test_runs_come_draw_by_draw_and_none_twice():
    asked = Parameters(draws="0-2", unequal=Unequal((0.0,), (1.0,), (2, 4), (0, 1), "0-1"))
    runs = asked.specs()
    draws = [run.seed // 100 for run in runs]
    assert draws == sorted(draws) and len(set(runs)) == len(runs)
    assert len(asked.unequal_runs()) == 2 * 4  # the plain cell is in both grids
    for run in runs:
        made = data.load(run.data)
        assert (run.base[0], run.base[-1]) == made.ends


def test_parameters_out_of_range_are_refused():
    with pytest.raises(SpecError, match="seeds reach 100"):
        Parameters(seeds="0-100")
    with pytest.raises(SpecError, match="share a title"):
        Parameters(conditions=(Condition("a"), Condition("a", 50)))
    with pytest.raises(SpecError, match="n_sample"):
        Parameters(conditions=({"title": "a", "n_sample": 3},))


# titles and verdicts


def made_up(ours, other, draws=6, methods=2):
    """What two methods found, on average `ours` and `other`, in three banks."""
    rows = []
    for draw in range(draws):
        for bank in BANKS:
            for condition in ("1000 examples", "1000, one block"):
                for method, near in (("tickets", ours), ("gradients", other)):
                    value = np.clip(near + 0.02 * np.sin(draw + len(bank)), 0, 1)
                    row = {"method": method, "bank": bank, "condition": condition, "draw": draw}
                    row |= {"index": value, "exact": int(value > 0.9), "ranking": 1.0}
                    rows.append({**row, "seconds": 1.0})
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("ours", "other", "words", "verdict"),
    [
        (0.95, 0.5, "more than any other", "agrees"),
        (0.5, 0.95, "Gradients find more than tickets: 0.95 against 0.50", "differs"),
    ],
)
def test_titles_and_verdicts_go_with_the_numbers(ours, other, words, verdict):
    found = made_up(ours, other)
    found["index"] += 0.001 * (found["method"] == "tickets") * found["draw"]
    assert words in hidden.partition_title(found)
    table = verdicts_of(found)
    rows = table[table["statement"].str.contains("other methods")]
    assert set(rows["verdict"]) == {verdict} and len(rows) == 4
    divided = table[table["statement"].str.contains("never divided")].iloc[0]
    assert (divided["verdict"] == "differs") == (ours < 0.9)


def alike(stream, methods=9, draws=10):
    """What methods found of which none is better than another."""
    names = ["tickets", *map(str, range(1, methods))]
    keys = pd.MultiIndex.from_product([names, range(draws)], names=["method", "draw"])
    found = keys.to_frame(index=False)
    return found.assign(index=stream.normal(0.6, 0.1, len(found)))


def test_the_best_of_eight_is_not_taken_for_better_since_it_is_the_best():
    """An interval for the best other method alone puts it above tickets in 9 % of such samples."""
    stream, wrong = np.random.default_rng(3), {"all": 0, "best": 0}
    for _ in range(400):
        found = alike(stream)
        against = advantages(found)
        wrong["all"] += min(high for _, _, high in against.values()) < 0
        wrong["best"] += mean_interval(differences(found)[best_other(found)])[2] < 0
    assert wrong["all"] / 400 < 0.03 and wrong["best"] / 400 > 0.05


def test_a_method_that_may_do_as_well_is_named_in_the_title():
    found = made_up(0.8, 0.8)
    found.loc[found["method"] == "gradients", "index"] += 0.01 * np.cos(found["draw"])
    assert "No sign that tickets find more than gradients" in hidden.partition_title(found)
    assert "too few draws" in hidden.partition_title(made_up(0.8, 0.7, draws=2))


def scores_of(gain):
    rows = []
    for draw in range(6):
        for bank in BANKS:
            ticket = 0.7 + gain + 0.002 * np.sin(draw)
            row = {"bank": bank, "condition": "1000 examples", "draw": draw, "run": "r"}
            rows.append({**row, "level": 3, "weights": 50, "dense": 0.7, "ticket": ticket})
    return pd.DataFrame(rows)


def unequal_of(lost):
    rows = []
    for draw in range(6):
        for noise in (0.0, 0.2):
            row = {"noise": noise, "weight": 1.0, "inputs": 2, "distractors": 0, "draw": draw}
            row |= {"run": "r", "dense_first": 0.9, "dense_second": 0.9, "apart": 1}
            rows.append({**row, "share": 0.4 - noise + 0.01 * np.sin(draw), "lost": lost})
    return pd.DataFrame(rows)


def inner_of(found):
    rows = []
    for overlap in (0, 3):
        for draw in range(8):
            row = {"overlap": overlap, "reuse": 4, "draw": draw, "run": "r", "level": 2}
            row |= {"accuracy": 1.0, "pure": 1.0, "null": 0.2, "found": found, "null_found": 0.0}
            rows.append(row)
    return pd.DataFrame(rows)


def many_of(near):
    rows = []
    for k in (2, 4, 8):
        for draw in range(6):
            row = {"k": k, "draw": draw, "run": "r", "level": 4, "weights": 10.0 + k, "budget": 2}
            row |= {"index": min(1, near + 0.01 * np.sin(draw + k)), "null": 0.0, "accuracy": 0.9}
            rows.append({**row, "chosen": True})
    return pd.DataFrame(rows)


def verdicts_of(found, gain=0.1, lost="second", near=0.8, inner=1):
    tables = {"many": many_of(near), "unequal": unequal_of(lost), "inner": inner_of(inner)}
    return hidden.verdicts(found, scores_of(gain), {"1000 examples": 100}, **tables)


def test_the_weight_of_a_loss_is_judged_where_no_label_is_flipped():
    """Flipped labels lower the share, too: with them it would be the wrong cause."""
    table = unequal_of("second")
    lighter = table.assign(weight=0.2, share=0.6 - table["noise"] + 0.01 * table["draw"])
    rows = hidden.verdicts(
        made_up(0.95, 0.5),
        scores_of(0.1),
        {"1000 examples": 100},
        many=many_of(0.8),
        unequal=lighter,
        inner=inner_of(1),
    )
    (row,) = rows[rows["statement"].str.contains("whose loss weighs 0.2")].itertuples()
    assert (row.n, row.verdict) == (6, "differs") and row.low > 0.6


def test_verdicts_can_go_against_the_story():
    good, bad = made_up(0.95, 0.5), made_up(0.5, 0.95)
    for_it = verdicts_of(good, near=1.2).groupby("claim")["verdict"].apply(set)
    against = verdicts_of(bad, -0.1, "first", 0.0, 0).groupby("claim")["verdict"].apply(set)
    assert set(for_it.index) == set(against.index) == {"13", "14", "15"}
    for claim in for_it.index:
        assert "agrees" in for_it[claim] and "differs" in against[claim]
        assert "differs" not in for_it[claim]


# figures


def test_figures_say_what_the_tables_hold():
    found = made_up(0.95, 0.5)
    summary = hidden.summary(found)
    assert summary["draws"].eq(6).all() and len(summary) == 12
    drawn = plots.hidden_partition(summary, hidden.partition_title(found))
    text = " ".join(t.get_text() for t in drawn.findobj(lambda a: hasattr(a, "get_text")))
    assert "tickets, 1.0 s" in text and "6 draws" in text
    sizes = {"1000 examples": 1000}
    plots.found_by_examples(summary, sizes, hidden.examples_title(summary))
    gains = hidden.gains(scores_of(0.1))
    assert "3 of 3" in hidden.gains_title(gains)
    plots.ticket_gains(gains, hidden.gains_title(gains))
    levels = many_of(1.0)
    plots.many_tasks(hidden.many_curves(levels), hidden.many_title(hidden.many_chosen(levels)))
    cells = hidden.unequal_cells(unequal_of("second"))
    plots.unequal_tasks(cells, hidden.unequal_title(cells))
    functions = hidden.inner_cells(inner_of(1))
    drawn = plots.inner_functions(functions, hidden.THEIRS, hidden.inner_title(functions))
    labels = [label.get_text() for label in drawn.legends[0].get_texts()]
    assert "Neural Sculpting, lowest to highest" in labels
