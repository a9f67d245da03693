"""Populations: each engine against a plain torch loop, each batched member against itself alone."""

import importlib
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from oracles import dressed, flat, logits, plain_model, random_masks
from scipy import stats
from torch.nn import functional as F
from torch.nn.utils import prune

from lth_utils import connectivity, data
from lth_utils.config import RunSpec, SpecError, TrainSpec, rng, run_id
from lth_utils.connectivity import ACTIVE, INACTIVE
from lth_utils.networks.population import init, initial_values, rewind
from lth_utils.networks.ticket import Ticket
from lth_utils.training import batched, sparse, trainer
from lth_utils.training.engine import Cancelled
from lth_utils.training.trainer import train

QUICK = TrainSpec(lr=0.01, batch_size=40, patience=50, max_epochs=4)
CONVERGING = TrainSpec(lr=0.05, batch_size=40, patience=3, max_epochs=400)
on_the_cpu = pytest.mark.parametrize("engine", ["sparse.members", "batched"], indirect=True)
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


@pytest.fixture(params=["sparse.members", "batched", "cuda"])
def engine(request, monkeypatch):
    """Each engine, made the one that ``trainer.train`` uses."""
    module = importlib.import_module(f"lth_utils.training.{request.param}")
    monkeypatch.setattr(trainer, "choose_engine", lambda *_: module.ENGINE)


def masked(shape, seeds, low=0.3):
    """A population at its initial values under random masks, members of different density."""
    return rewind(
        init(shape, seeds), flat(random_masks(np.random.default_rng(5), shape, len(seeds), low))
    )


def same(one, other):
    """Whether two results of ``train`` are equal bit for bit."""
    (first, training), (second, other_training) = one, other
    return (
        torch.equal(first.parameters, second.parameters)
        and training.curves == other_training.curves
        and np.array_equal(training.loss, other_training.loss)
    )


def task_losses(outputs, labels, tasks):
    losses = []
    for k, task in enumerate(tasks):
        if len(task.outputs) > 1:
            losses.append(F.cross_entropy(outputs[:, task.outputs], labels[:, k]))
        else:
            z, y = outputs[:, task.outputs.start], labels[:, k].to(outputs.dtype)
            losses.append(F.binary_cross_entropy_with_logits(z, y))
    return losses


def plain_training(members, member, data, spec):
    """One member trained by torch alone, in float64: its flat parameters, its loss per epoch."""
    x, y = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train)
    x_test, y_test = torch.from_numpy(data.x_test), torch.from_numpy(data.y_test)
    model = plain_model(members.shape).double()
    linears = [m for m in model if hasattr(m, "weight")]
    for linear, weight, bias, mask in zip(
        linears, members.weights, members.biases, members.masks, strict=True
    ):
        linear.weight.data, linear.bias.data = weight[member].double(), bias[member].double()
        prune.custom_from_mask(linear, "weight", mask[member])
    optimizer = torch.optim.Adam(model.parameters(), lr=spec.lr)
    stream, curve = rng(members.seeds[member], "batches"), []

    def loss(inputs, labels):
        losses = task_losses(model(inputs.double()), labels, data.tasks)
        return sum(losses) / (len(losses) if spec.loss == "mean" else 1)

    for _ in range(spec.max_epochs):
        for batch in torch.from_numpy(stream.permutation(len(x))).split(spec.batch_size):
            optimizer.zero_grad()
            loss(x[batch], y[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            curve.append(float(loss(x_test, y_test)))
    weights = [(m.weight_orig * m.weight_mask).flatten() for m in linears]
    biases = [m.bias for m in linears]
    return torch.cat(weights + biases).detach(), curve


# initial values


def test_weights_are_kaiming_normal_and_biases_zero():
    members = init((50, 400, 300, 2), [7])
    for weight, fan_in in zip(members.weights, (50, 400, 300), strict=True):
        scaled = weight.flatten().numpy() / np.sqrt(2 / fan_in)
        assert scaled.std() == pytest.approx(1, abs=4 / np.sqrt(2 * scaled.size))
        assert stats.kstest(scaled, "norm").pvalue > 1e-3
    assert not any(b.any() for b in members.biases)


def test_initial_values_depend_on_the_seed_alone():
    alone, several = init((4, 8, 8, 2), [5]), init((4, 8, 8, 2), [3, 5, 9])
    assert torch.equal(alone.parameters[0], several.parameters[1])
    assert not torch.equal(several.parameters[0], several.parameters[1])


def test_rewind_returns_to_the_initial_values_under_the_mask(toy):
    start = masked((4, 8, 8, 2), [0, 1])
    back = rewind(train(start, toy, QUICK)[0], start.mask)
    assert torch.equal(back.parameters, start.parameters)
    assert torch.equal(back.initial, init((4, 8, 8, 2), [0, 1]).parameters)


# training


@pytest.mark.parametrize(
    ("shape", "low"),
    [((4, 9, 2), 1), ((4, 8, 8, 2), 0.2), ((4, 60, 55, 2), 1), ((4, 60, 55, 50, 2), 0.1)],
)
def test_training_is_that_of_a_plain_torch_loop(toy, engine, shape, low):
    start = masked(shape, [0, 3], low)
    trained, training = train(start, toy, QUICK)
    for member in range(2):
        parameters, curve = plain_training(start, member, toy, QUICK)
        np.testing.assert_allclose(training.curves[member], curve, rtol=1e-4)
        np.testing.assert_allclose(trained.parameters[member], parameters, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("loss", ["mean", "sum"])
@pytest.mark.parametrize("batch_size", [7, 64, 1000])
def test_classes_beside_a_binary_task_train_as_in_a_plain_torch_loop(
    mixed, engine, loss, batch_size
):
    spec = replace(QUICK, loss=loss, batch_size=batch_size)
    start = masked((5, 12, 9, 4), [2], low=0.5)
    trained, training = train(start, mixed, spec)
    parameters, curve = plain_training(start, 0, mixed, spec)
    np.testing.assert_allclose(training.curves[0], curve, rtol=1e-4)
    np.testing.assert_allclose(trained.parameters[0], parameters, rtol=1e-3, atol=1e-4)


@on_the_cpu
@pytest.mark.parametrize("shape", [(4, 2, 2), (4, 8, 8, 2), (4, 57, 57, 2)])
def test_a_batched_member_equals_the_member_alone_bit_for_bit(toy, engine, shape):
    start = masked(shape, range(6))
    together, training = train(start, toy, QUICK)
    for member in (0, 5):
        trained, alone = train(start.select([member]), toy, QUICK)
        assert torch.equal(trained.parameters[0], together.parameters[member])
        assert alone.curves[0] == training.curves[member]


@on_the_cpu
def test_a_batched_member_equals_the_member_alone_until_it_stops(toy, mixed, engine):
    for dataset, shape in ((toy, (4, 8, 8, 2)), (mixed, (5, 7, 4))):
        start = masked(shape, range(5))
        together, training = train(start, dataset, CONVERGING)
        assert len(set(training.epochs)) > 2, "members should stop at different epochs"
        for member in (0, np.argmax(training.epochs)):
            trained, alone = train(start.select([member]), dataset, CONVERGING)
            assert torch.equal(trained.parameters[0], together.parameters[member])
            assert alone.curves[0] == training.curves[member]


def test_pruned_weights_stay_exactly_zero_and_inactive_ones_keep_their_values(toy, engine):
    start = masked((4, 8, 8, 2), range(4), low=0.1)
    states = flat(connectivity.weight_states(start.masks))
    trained, _ = train(start, toy, QUICK)
    before = start.parameters[:, : states.shape[1]]
    after = trained.parameters[:, : states.shape[1]]
    inactive = states == INACTIVE
    assert not after[~start.mask].any()
    assert inactive.sum() > 10 and torch.equal(after[inactive], before[inactive])
    assert (after != before)[states == ACTIVE].float().mean() > 0.5


@pytest.mark.parametrize("shape", [(4, 2, 2), (4, 8, 8, 2)])
def test_training_does_not_change_its_argument_and_can_be_repeated(toy, engine, shape):
    start = init(shape, [0, 1])
    first = train(start, toy, QUICK)
    assert torch.equal(start.parameters, start.initial)
    assert same(first, train(start, toy, QUICK))


def epochs_until_stop(curve, patience):
    """The epoch at which early stopping ends a run: its rule written out, None if it goes on."""
    best, bad_epochs = float("inf"), 0
    for epoch, loss in enumerate(curve, start=1):
        if loss < best:
            best, bad_epochs = loss, 0
        elif loss > best:
            bad_epochs += 1
        if bad_epochs == patience:
            return epoch
    return None


def test_members_stop_by_the_rule_and_keep_their_last_weights(toy, engine):
    trained, training = train(init((4, 8, 8, 2), range(6)), toy, CONVERGING)
    losses = trainer.evaluate(trained, toy)[0].mean(1)
    for curve, epochs, loss in zip(training.curves, training.epochs, losses, strict=True):
        assert epochs_until_stop(curve, CONVERGING.patience) == epochs == len(curve)
        assert loss == pytest.approx(curve[-1], rel=1e-5) and curve[-1] > min(curve)


def test_the_cap_ends_training(toy, engine):
    curves = train(init((4, 8, 8, 2), [0, 1]), toy, replace(QUICK, max_epochs=11))[1].curves
    assert [len(c) for c in curves] == [11, 11]
    assert [epochs_until_stop(c, QUICK.patience) for c in curves] == [None, None]


def test_only_the_member_whose_loss_is_not_finite_stops(toy, engine):
    start = init((4, 8, 8, 2), [0, 1, 2])
    values = start.parameters.clone()
    values[1] = torch.nan
    trained, training = train(replace(start, parameters=values), toy, QUICK)
    assert training.epochs == [4, 1, 4] and not np.isfinite(training.curves[1][-1])
    alone = train(start.select([2]), toy, QUICK)[0]
    assert torch.equal(alone.parameters[0], trained.parameters[2])


def test_a_huge_learning_rate_ends_with_a_loss_that_is_not_finite(toy, engine):
    curves = train(init((4, 8, 8, 2), [0, 1]), toy, replace(QUICK, lr=1e30))[1].curves
    assert all(not np.isfinite(c[-1]) and np.isfinite(c[:-1]).all() for c in curves)


def test_training_can_be_cancelled(toy, engine):
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        train(init((4, 8, 8, 2), [0, 1]), toy, QUICK, cancel)


def test_without_numba_the_batched_engine_trains_with_a_warning(monkeypatch):
    monkeypatch.delattr(sparse, "members", raising=False)
    monkeypatch.setitem(sys.modules, "lth_utils.training.sparse.members", None)
    with pytest.warns(RuntimeWarning, match="numba cannot be used"):
        assert trainer.choose_engine.__wrapped__("cpu") is batched.ENGINE


# evaluation and tickets


@pytest.mark.parametrize("split", ["train", "test"])
def test_loss_and_accuracy_are_those_of_a_plain_network(mixed, split):
    members = dressed(random_masks(np.random.default_rng(0), (5, 8, 4), 3))
    x, y = (torch.from_numpy(getattr(mixed, f"{axis}_{split}")) for axis in "xy")
    losses, accuracies = trainer.evaluate(members, mixed, split)
    for member, outputs in enumerate(logits(members, x)):
        expected = [float(loss) for loss in task_losses(outputs, y, mixed.tasks)]
        np.testing.assert_allclose(losses[member], expected, rtol=1e-5)
        guesses = torch.stack([outputs[:, 3] > 0, outputs[:, :3].argmax(1)], 1)
        np.testing.assert_allclose(accuracies[member], (guesses == y).double().mean(0))


def test_the_model_of_a_ticket_gives_the_logits_of_the_population(toy):
    start = masked((4, 8, 8, 2), [0, 1])
    trained = train(start, toy, QUICK)[0]
    x = torch.from_numpy(toy.x_test)
    for member in range(2):
        ticket = Ticket(
            start.shape,
            [m[member : member + 1] for m in start.masks],
            start.parameters[member].numpy(),
            trained.parameters[member].numpy(),
            toy.tasks,
            member,
            0,
        )
        for which, members in (("trained", trained), ("initial", start)):
            torch.testing.assert_close(ticket.model(which)(x).detach(), logits(members, x)[member])
        for weight, expected in zip(ticket.weights, trained.weights, strict=True):
            assert torch.equal(weight[0], expected[member])


def test_a_ticket_without_trained_values_says_how_to_get_them(toy):
    start = init((4, 3, 2), [0])
    ticket = Ticket(start.shape, start.masks, start.parameters[0].numpy(), None, toy.tasks, 0, 0)
    with pytest.raises(SpecError, match="trains it again from which='initial'"):
        ticket.model()
    assert all(torch.equal(a, b) for a, b in zip(ticket.weights, start.weights, strict=True))


# what is refused


@pytest.mark.parametrize("shape", [(5, 8, 2), (4, 8, 3)])
def test_a_network_that_does_not_fit_the_tasks_is_refused(toy, shape):
    members = init(shape, [0])
    message = f"network {shape[0]}-8-{shape[-1]} does not fit the data"
    with pytest.raises(SpecError, match=message):
        train(members, toy, QUICK)
    with pytest.raises(SpecError, match=message):
        trainer.evaluate(members, toy)


def test_repeated_seeds_and_unknown_splits_are_refused(toy):
    with pytest.raises(SpecError, match=r"seeds .* repeat"):
        init((4, 8, 2), [1, 2, 1])
    with pytest.raises(SpecError, match="did you mean test"):
        trainer.evaluate(init((4, 8, 2), [1]), toy, "tests")


def test_an_unknown_device_gets_the_nearest_guess():
    with pytest.raises(SpecError, match="did you mean cuda"):
        trainer.device("cud")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_a_missing_device_is_refused():
    assert trainer.device("auto") == torch.device("cpu")
    with pytest.raises(SpecError, match="device is cuda, and this machine has none"):
        trainer.device("cuda")


@needs_cuda
@pytest.mark.parametrize("shape", [(4, 8, 8, 2), (4, 60, 55, 2)])
def test_on_cuda_the_first_epochs_are_those_of_the_cpu(toy, shape):
    start = masked(shape, range(3))
    on_cuda = replace(
        start,
        parameters=start.parameters.cuda(),
        initial=start.initial.cuda(),
        mask=start.mask.cuda(),
    )
    _, expected = train(start, toy, QUICK)
    _, training = train(on_cuda, toy, QUICK)
    for curve, expected_curve in zip(training.curves, expected.curves, strict=True):
        np.testing.assert_allclose(curve, expected_curve, rtol=1e-3)


@needs_cuda
def test_on_cuda_a_batched_member_equals_the_member_alone(toy):
    start = init((4, 8, 8, 2), range(4), "cuda")
    together, training = train(start, toy, CONVERGING)
    trained, alone = train(start.select([2]), toy, CONVERGING)
    assert torch.equal(trained.parameters[0], together.parameters[2])
    assert alone.curves[0] == training.curves[2]


def test_the_last_layer_can_begin_larger():
    plain = initial_values((4, 3, 2), 0)
    scaled = initial_values((4, 3, 2), 0, output_gain=4.0)
    assert (scaled[:12] == plain[:12]).all() and (scaled[12:18] == 4 * plain[12:18]).all()
    spec = RunSpec(data.spec("moons_circles"))
    assert run_id(replace(spec, output_gain=1.0)) == run_id(spec)
    assert run_id(replace(spec, output_gain=2.0)) != run_id(spec)
    with pytest.raises(SpecError, match="output_gain"):
        replace(spec, output_gain=0.0)


@pytest.mark.parametrize("shape", [(4, 30, 2), (4, 20, 15, 2)])
def test_many_examples_are_scored_without_dead_units_as_few_are(shape, monkeypatch):
    many = data.moons_circles(n_samples=50, fresh=12_000)
    members = masked(shape, range(3))
    loss, score = trainer.evaluate(members, many)
    monkeypatch.setattr(batched, "LARGE", 10**9)
    for ours, whole in zip((loss, score), trainer.evaluate(members, many), strict=True):
        np.testing.assert_allclose(ours, whole, rtol=1e-6)
