"""Every kind of task in every engine against the loop that a user would write in plain torch."""

import dataclasses

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score
from torch.nn import functional as F

from lth_utils import data, imp
from lth_utils.config import PruneSpec, RunSpec, TrainSpec, rng, run_id
from lth_utils.data import Dataset, Task
from lth_utils.networks import population
from lth_utils.networks.ticket import Ticket
from lth_utils.runs import sweep
from lth_utils.runs.store import Store
from lth_utils.training import batched, convolutional, cuda, trainer
from lth_utils.training.sparse import members as sparse

ENGINES = {"batched": batched, "sparse": sparse, "cuda": cuda, "convolutional": convolutional}
SPEC = TrainSpec(lr=0.01, batch_size=40, patience=50, max_epochs=6, record=True)


def made(*tasks, missing=0.0, side=0, n=110, validation=False):
    """Examples whose every column of labels depends on a few inputs; `side` is for images."""
    stream = rng(0, "kinds", *[t.name for t in tasks])
    n_inputs = 2 * side**2 if side else 7
    rows = (3 if validation else 2) * n
    x = stream.standard_normal((rows, n_inputs)).astype(np.float32)
    columns = []
    for task in tasks:
        first = min(task.inputs)
        for column in range(task.n_targets):
            value = x[:, first + column] * (1 + x[:, first + 1]) + 0.1 * stream.standard_normal(
                rows
            )
            if task.kind == "classes":
                value = np.digitize(value, [-0.7, 0.7])
            elif task.kind != "regression":
                value = value > 0
            columns.append(value.astype(np.float32))
    y = np.stack(columns, 1)
    y[stream.random(y.shape) < missing] = np.nan
    more = {"x_validation": x[2 * n :], "y_validation": y[2 * n :]} if validation else {}
    return Dataset(x[:n], y[:n], x[n : 2 * n], y[n : 2 * n], tasks, **more)


REAL = Task("real", range(0, 3), range(0, 2), "regression")
LABELS = Task("labels", range(2, 5), range(2, 5), "multilabel")
CLASSES = Task("classes", range(4, 7), range(5, 8))
BINARY = Task("binary", range(0, 2), range(8, 9))
CASES = {
    "regression": made(Task("real", range(0, 3), range(1), "regression")),
    "labels": made(Task("labels", range(0, 3), range(3), "multilabel")),
    "all": made(REAL, LABELS, CLASSES, BINARY),
    "missing": made(REAL, LABELS, CLASSES, BINARY, missing=0.3),
    "weights": made(
        dataclasses.replace(REAL, weight=2.5), LABELS, dataclasses.replace(BINARY, outputs=[5])
    ),
    "scattered": made(
        Task("real", [6, 0, 2], [3, 0], "regression"),
        Task("classes", [2, 4, 5], [4, 1, 2], weight=0.5),
        missing=0.2,
    ),
    "validation": made(REAL, dataclasses.replace(BINARY, outputs=[2]), validation=True),
}


def plain_loss(logits, y, task, columns, shares):
    """One task's loss on a batch, from torch's own losses."""
    z, known = logits[:, list(task.outputs)], ~torch.isnan(y[:, columns])
    filled = y[:, columns].nan_to_num()
    if task.kind == "classes":
        each = F.cross_entropy(z, filled[:, 0].long(), reduction="none")[:, None]
    elif task.kind == "regression":
        each = F.mse_loss(z, filled, reduction="none")
    else:
        each = F.binary_cross_entropy_with_logits(z, filled, reduction="none")
    return task.weight * (each * known / shares[columns]).mean()


def plain_loop(model, mask, dataset, spec, seed):
    """The model after training, in a plain loop: Adam, masked gradients, no early stopping."""
    linears = [module for module in model if hasattr(module, "weight")]
    adam = torch.optim.Adam(model.parameters(), lr=spec.lr)
    x = torch.from_numpy(dataset.x_train)
    y = torch.from_numpy(dataset.y_train.astype(np.float32))
    shares = (~torch.isnan(y)).double().mean(0)
    stream, columns = rng(seed, "batches"), data.tasks.target_columns(dataset.tasks)
    for _ in range(spec.max_epochs):
        order = torch.from_numpy(stream.permutation(len(x)))
        for batch in order.split(spec.batch_size):
            logits = model(x[batch]).double()
            parts = zip(dataset.tasks, columns, strict=True)
            losses = [plain_loss(logits, y[batch], task, own, shares) for task, own in parts]
            adam.zero_grad()
            (sum(losses) / len(losses)).backward()
            for linear, available in zip(linears, mask, strict=True):
                linear.weight.grad *= available[0]
            adam.step()
    return model


def plain_score(task, logits, y):
    """The score of one task, from scikit-learn's and numpy's own."""
    z, scores = logits[:, list(task.outputs)], []
    if task.kind == "classes":
        known = ~np.isnan(y[:, 0])
        return (z[known].argmax(1) == y[known, 0]).mean()
    for column in range(y.shape[1]):
        known = ~np.isnan(y[:, column])
        truth, said = y[known, column], z[known, column]
        real = task.kind == "regression"
        scores.append(r2_score(truth, said) if real else ((said > 0) == truth).mean())
    return np.mean(scores)


def members_of(shape):
    dense = population.init(shape, [3, 5])
    uniform = torch.rand(dense.mask.shape, generator=torch.Generator().manual_seed(1))
    return population.rewind(dense, uniform < torch.tensor([[1.0], [0.5]]))


def compare(module, dataset, shape, monkeypatch):
    """Training of two members by one engine, and by plain loops, is the same to rounding."""
    monkeypatch.setattr(trainer, "choose_engine", lambda *_: module.ENGINE)
    networks = members_of(shape)
    trained, training = trainer.train(networks, dataset, SPEC)
    columns = data.tasks.target_columns(dataset.tasks)
    for m, seed in enumerate(networks.seeds):
        masks = [mask[m : m + 1] for mask in networks.masks]
        values = networks.parameters[m].numpy()
        model = Ticket(shape, masks, values, values, dataset.tasks, seed, 0).model()
        model = plain_loop(model, masks, dataset, SPEC, seed)
        linears = [module for module in model if hasattr(module, "weight")]
        weights = [linear.weight.detach().flatten() for linear in linears]
        biases = [linear.bias.detach() for linear in linears]
        expected = torch.cat([*weights, *biases])
        torch.testing.assert_close(trained.parameters[m], expected, rtol=0, atol=5 * SPEC.lr)
        assert (trained.parameters[m] - expected).abs().median() < 2e-5
        with torch.no_grad():
            logits = model(torch.from_numpy(dataset.x_test)).numpy()
        for k, task in enumerate(dataset.tasks):
            score = plain_score(task, logits, dataset.y_test[:, columns[k]].astype(float))
            assert training.score[m, k] == pytest.approx(score, abs=0.02)
        loss, score, _ = training.records[m][-1]
        watched = trainer.evaluate(trained, dataset, dataset.splits[-1])
        total = sum(task.weight * watched[0][m, k] for k, task in enumerate(dataset.tasks))
        assert loss == pytest.approx(total / len(dataset.tasks), rel=1e-4)
        assert score == pytest.approx(watched[1][m].mean(), abs=1e-4)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("engine", ["batched", "sparse", "cuda"])
def test_every_engine_trains_every_kind_as_a_plain_loop_does(engine, case, monkeypatch):
    dataset = CASES[case]
    compare(ENGINES[engine], dataset, (7, 12, 9, dataset.ends[1]), monkeypatch)


@pytest.mark.parametrize("engine", ["batched", "convolutional"])
def test_convolutions_train_every_kind_as_a_plain_loop_does(engine, monkeypatch):
    tasks = (
        Task("real", range(36), [0, 3], "regression"),
        Task("labels", range(36, 72), [1, 2], "multilabel"),
    )
    dataset = made(*tasks, missing=0.2, side=6)
    compare(ENGINES[engine], dataset, ((2, 6), (3, 3, 1), 6, 4), monkeypatch)


@pytest.mark.parametrize("case", CASES)
def test_recorded_training_losses_agree_between_engines(case):
    dataset = CASES[case].watched
    networks = members_of((7, 12, 9, dataset.ends[1]))
    records = []
    for module in (batched, sparse, cuda):
        _, rows = module.ENGINE.train(
            networks.parameters,
            networks.mask,
            networks.shape,
            networks.seeds,
            data=dataset,
            spec=SPEC,
        )
        records.append(np.array(rows))
    for rows in records[1:]:
        np.testing.assert_allclose(rows[..., [0, 2]], records[0][..., [0, 2]], rtol=5e-4)
        np.testing.assert_allclose(rows[..., 1], records[0][..., 1], atol=0.02)


def test_training_stops_by_the_validation_split_and_reports_the_test_split():
    dataset = CASES["validation"]
    swapped = dataclasses.replace(
        dataset,
        x_test=dataset.x_validation,
        y_test=dataset.y_validation,
        x_validation=dataset.x_test,
        y_validation=dataset.y_test,
    )
    networks, spec = members_of((7, 12, 3)), TrainSpec(lr=0.05, patience=2, max_epochs=60)
    _, first = trainer.train(networks, dataset, spec)
    _, second = trainer.train(networks, swapped, spec)
    plain = dataclasses.replace(dataset, x_validation=None, y_validation=None)
    _, third = trainer.train(networks, plain, spec)
    assert second.curves == third.curves != first.curves
    assert not np.array_equal(second.score, third.score)


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setitem(data.DATASETS, "kinds", lambda: CASES["missing"])


def test_a_run_keeps_its_kinds_and_names_scores_by_what_they_are(registered, tmp_path):
    spec = RunSpec(data.spec("kinds"), (7, 9, 9), train=SPEC, prune=PruneSpec(0.4, 2), stop_at=())
    store = Store(tmp_path)
    sweep.run([spec], store, device="cpu")
    table = store.table([spec])
    assert {"score", "score_real", "accuracy_labels", "accuracy_classes"} <= set(table)
    assert "accuracy" not in table and np.isfinite(table["score"]).all()
    ticket = store.ticket(run_id(spec), 2)
    assert [task.kind for task in ticket.tasks] == ["regression", "multilabel", "classes", "binary"]
    with torch.no_grad():
        logits = ticket.model()(torch.from_numpy(CASES["missing"].x_test)).numpy()
    score = plain_score(REAL, logits, CASES["missing"].y_test[:, :2].astype(float))
    assert table["score_real"].iloc[2] == pytest.approx(score, abs=1e-5)


def test_the_loop_prunes_networks_of_every_kind():
    networks = members_of((7, 12, 9, 9))
    keep = [273, 100, 50]
    levels = list(imp.run(networks, CASES["all"], keep, SPEC, PruneSpec(0.5, 2), stop_at=()))
    assert [level.measures[0].available for level in levels] == [273, 100, 50]
