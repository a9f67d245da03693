"""Convolutional networks: their shapes, and training against plain torch and themselves alone."""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from convolution_cases import LENET, QUICK, SHAPES, SMALL, masked, ticket_of
from oracles import flat, plain_model
from test_population import plain_training, same, task_losses

from lth_utils import config, connectivity, data, pruning
from lth_utils.config import (
    PruneSpec,
    RunSpec,
    SpecError,
    TrainSpec,
    expand,
    run_id,
    shape_text,
)
from lth_utils.connectivity import ACTIVE, INACTIVE
from lth_utils.data import Dataset
from lth_utils.networks import forward, layers
from lth_utils.networks.population import init, rewind
from lth_utils.training import batched, convolutional, trainer
from lth_utils.training.engine import Cancelled
from lth_utils.training.sparse.convolutions import Convolutions
from lth_utils.training.trainer import train

CONVERGING = TrainSpec(lr=0.05, batch_size=40, patience=2, max_epochs=100)
ENGINES = pytest.mark.parametrize("engine", [convolutional, batched], ids=["alone", "grouped"])


def engine_train(engine, start, dataset, spec, cancel=None):
    return engine.ENGINE.train(
        start.parameters, start.mask, start.shape, start.seeds, dataset, spec, cancel
    )


# shapes


@pytest.mark.parametrize(
    "shape",
    [LENET, SMALL, ((1, 7), (2, 3, 3), 5), ((1, 5), (4, 5, 1), (2, 1, 1), 3, 2)],
    ids=shape_text,
)
def test_weights_are_shaped_as_those_of_a_network_of_torch(shape):
    theirs = [tuple(m.weight.shape) for m in plain_model(shape) if hasattr(m, "weight")]
    assert layers.weight_shapes(shape) == theirs
    members = init(shape, [0, 1])
    assert (
        [tuple(w.shape[1:]) for w in members.weights]
        == [tuple(m.shape[1:]) for m in members.masks]
        == theirs
    )
    assert [b.shape[1] for b in members.biases] == [s[0] for s in theirs]
    assert torch.equal(
        torch.cat([w.flatten(1) for w in members.weights] + members.biases, 1), members.parameters
    )


def test_kernels_are_kaiming_normal():
    members = init(((20, 9), (60, 5, 1), (50, 3, 1), 4), [7])
    for weight, fan_in in zip(members.weights, (20 * 25, 60 * 9, 50 * 9), strict=True):
        assert (
            float(weight.std()) == pytest.approx(np.sqrt(2 / fan_in), rel=0.05)
            and abs(float(weight.mean())) < 0.01
        )


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ([[6, 5, 2], 10], "is no network; allowed: .* an image"),
        ([[3, 32], 10], "is no network"),
        ([[3, 32], [6, 5, 2]], "is no network"),
        ([4, [6, 5, 2], 10], "is no network"),
        ([[3, 32], [6, 5, 2], 10, [6, 5, 2], 10], "is no network"),
        ([[3, 32], [6, 5], 10], "is no network"),
        ([[3, 4], [6, 5, 1], 10], "convolution 1 gets 4 x 4 pixels, too few for a kernel of 5"),
        (
            [[3, 32], [6, 5, 2], [6, 14, 2], 10],
            "convolution 2 gets 14 x 14 pixels, too few for a kernel of 14 and pooling by 2",
        ),
        ([[3, 32], [6, 0, 2], 10], "each 1 or more"),
        ([[], [6, 5, 2], 10], "each 1 or more"),
        ([[3, 32], [6, 5, "two"], 10], r"base\[1\]\[2\] is 'two'"),
        ([[3, 32], [6, 5, [2]], 10], r"base\[1\]\[2\] is \[2\]"),
    ],
)
def test_shapes_that_make_no_network_are_refused(base, message):
    with pytest.raises(SpecError, match=message):
        pruning.plan(RunSpec(data.spec("moons_circles"), base=base, prune=PruneSpec(levels=0)))


def test_a_base_from_yaml_is_a_shape_with_an_address_of_its_own(tmp_path):
    (tmp_path / "p.yaml").write_text("base: [[3, 32], [6, 5, 2], [16, 5, 2], 120, 84, 10]\n")
    spec = RunSpec(
        data.spec("moons_circles"),
        base=config.read(tmp_path / "p.yaml")["base"],
        prune=PruneSpec(rate=0.2, levels=3),
    )
    assert spec.base == LENET
    assert run_id(spec).startswith("moons_circles-3x32-6x5x2-16x5x2-120-84-10-levels3-seed0--")
    assert config.parse(RunSpec, json.loads(config.canonical(spec)), "spec.json") == spec
    assert (
        run_id(replace(spec, base=((3, 32), (6, 5, 2), (16, 5, 1), 120, 84, 10))).split("--")[1]
        != run_id(spec).split("--")[1]
    )
    assert [s.base for s in expand(spec, {"base": [LENET, (4, 2)]})] == [LENET, (4, 2)]


def test_extension_refuses_convolutions():
    with pytest.raises(SpecError, match="cannot be extended"):
        pruning.plan(
            RunSpec(
                data.spec("moons_circles"),
                base=((3, 32), (6, 5, 2), 10),
                prune=PruneSpec(rate=0.3, levels=2, schedule="extension"),
            )
        )


# training


@ENGINES
@SHAPES
@pytest.mark.parametrize(("loss", "batch_size"), [("mean", 40), ("sum", 1000)])
def test_training_is_that_of_a_plain_torch_loop(pictures, engine, shape, loss, batch_size):
    start, spec = masked(shape, [0, 3]), replace(QUICK, loss=loss, batch_size=batch_size)
    values, curves = engine_train(engine, start, pictures, spec)
    for member in range(2):
        parameters, curve = plain_training(start, member, pictures, spec)
        np.testing.assert_allclose(curves[member][:, 0], curve, rtol=1e-4)
        np.testing.assert_allclose(values[member], parameters, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "images"), [(LENET, 40), (((2, 12), (5, 3, 3), (4, 2, 1), 7, 3), 16), (SMALL, 1)]
)
@pytest.mark.parametrize("density", [1.0, 0.3, 0.0])
def test_compiled_convolutions_and_their_gradients_are_those_of_autograd(shape, images, density):
    draws = torch.Generator().manual_seed(0)
    members = init(shape, [0], scheme="torch")
    members = rewind(members, torch.rand(members.mask.shape, generator=draws) < density)
    net = layers.network(shape)
    x = torch.randn(images + 5, int(np.prod(net.values[0])), generator=draws)
    order = torch.randperm(len(x), generator=draws)[:images]
    views = forward.Layers.of(members.parameters, shape).tracked()
    expected = views.forward(x[order][None])[0]
    d_features = torch.randn(expected.shape, generator=draws)
    sources = views.weights[: net.front] + views.biases[: net.front]
    gradients = torch.autograd.grad(expected, sources, d_features)

    compiled = Convolutions(members.mask[0].numpy(), shape)
    values, ours = members.parameters[0].numpy(), torch.zeros_like(members.parameters)
    for _ in range(2):  # working memory that was used before changes nothing
        features = compiled.forward(values, x.numpy(), order.numpy())
        compiled.backward(values, d_features[0].numpy(), ours[0].numpy())
    torch.testing.assert_close(torch.from_numpy(features)[None], expected.detach())
    own, masks = forward.Layers.of(ours, shape), members.masks
    for n in range(net.front):
        scale = float(gradients[n].abs().max())
        kept = gradients[n] * masks[n]
        torch.testing.assert_close(own.weights[n], kept, rtol=1e-4, atol=1e-4 * scale)
        theirs = gradients[net.front + n]
        torch.testing.assert_close(own.biases[n], theirs, rtol=1e-4, atol=1e-4 * scale)


def test_without_a_compiler_torch_convolves_with_one_warning(pictures, monkeypatch):
    monkeypatch.setitem(sys.modules, "lth_utils.training.sparse.convolutions", None)
    convolutional._compiled.cache_clear()
    start = masked(SMALL, [0, 1])
    try:
        with pytest.warns(RuntimeWarning, match="torch computes the convolutions") as caught:
            values, _ = engine_train(convolutional, start, pictures, QUICK)
        assert len(caught) == 1
    finally:
        convolutional._compiled.cache_clear()
    alone = [engine_train(batched, start.select([m]), pictures, QUICK)[0] for m in range(2)]
    torch.testing.assert_close(values, torch.cat(alone), rtol=1e-3, atol=1e-4)


def test_a_batched_member_equals_the_member_alone_bit_for_bit(pictures):
    start = masked(SMALL, range(5))
    batched_result, training = train(start, pictures, CONVERGING)
    assert len(set(training.epochs)) > 2, "members should stop at different epochs"
    for member in range(5):
        trained, alone = train(start.select([member]), pictures, CONVERGING)
        assert torch.equal(trained.parameters[0], batched_result.parameters[member])
        assert np.array_equal(alone.curves[0], training.curves[member])
        assert np.array_equal(alone.loss[0], training.loss[member])


def test_no_result_depends_on_the_number_of_threads(pictures):
    start, threads = masked(SMALL, range(3)), torch.get_num_threads()
    try:
        results = []
        for n in (1, 2):
            torch.set_num_threads(n)
            results.append(train(start, pictures, QUICK))
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert same(*results)


def test_members_that_stop_do_not_change_the_others_of_a_group(pictures):
    start = masked(SMALL, range(4))
    spec = replace(CONVERGING, lr=0.02, patience=1)
    _, alone = engine_train(convolutional, start, pictures, spec)
    _, grouped = engine_train(batched, start, pictures, spec)
    assert len({len(c) for c in alone}) > 1
    for one, other in zip(alone, grouped, strict=True):
        shared = min(len(one), len(other), 6)  # rounding grows from epoch to epoch
        np.testing.assert_allclose(other[:shared], one[:shared], rtol=1e-3)


@ENGINES
def test_pruned_weights_stay_exactly_zero_and_inactive_ones_keep_their_values(pictures, engine):
    start = masked(SMALL, range(4), low=0.1)
    features = start.masks[2]  # views: the second convolution's last two channels lead nowhere now
    features[:, :, 8:] = False
    start = rewind(start, start.mask)
    states = flat(connectivity.weight_states(start.masks))
    values, _ = engine_train(engine, start, pictures, QUICK)
    before, after = start.parameters[:, : states.shape[1]], values[:, : states.shape[1]]
    inactive = states == INACTIVE
    assert not after[~start.mask].any()
    assert inactive.sum() > 10 and torch.equal(after[inactive], before[inactive])
    assert (after != before)[states == ACTIVE].float().mean() > 0.9


@ENGINES
def test_only_the_member_whose_loss_is_not_finite_stops(pictures, engine):
    start = init(SMALL, [0, 1, 2])
    start.parameters[1] = torch.nan
    _, curves = engine_train(engine, start, pictures, QUICK)
    assert [len(c) for c in curves] == [4, 1, 4] and not np.isfinite(curves[1][-1, 0])


@ENGINES
def test_training_can_be_cancelled_and_does_not_change_its_argument(pictures, engine):
    start, cancel = init(SMALL, [0, 1]), threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        engine_train(engine, start, pictures, QUICK, cancel)
    engine_train(engine, start, pictures, QUICK)
    assert torch.equal(start.parameters, start.initial) and not start.parameters.requires_grad


@pytest.mark.parametrize("images", [1, 7, 1024])
def test_evaluation_in_chunks_is_that_of_a_plain_network(pictures, images, monkeypatch):
    monkeypatch.setattr(batched, "IMAGE_CHUNK", images)
    members = masked(SMALL, range(3))
    losses, accuracies = trainer.evaluate(members, pictures, "train")
    x, y = torch.from_numpy(pictures.x_train), torch.from_numpy(pictures.y_train)
    for member in range(3):
        with torch.no_grad():
            outputs = ticket_of(members, pictures.tasks, member).model()(x)
        expected = [float(loss) for loss in task_losses(outputs, y, pictures.tasks)]
        np.testing.assert_allclose(losses[member], expected, rtol=1e-5)
        guesses = torch.stack([outputs[:, :3].argmax(1), outputs[:, 3] > 0], 1)
        np.testing.assert_allclose(accuracies[member], (guesses == y).double().mean(0))


@pytest.mark.parametrize(
    "shape",
    [
        ((2, 7), (3, 3, 2), 4),
        ((2, 8), (3, 3, 2), 5),
        ((1, 8), (3, 3, 2), 4),
        ((128, 8), (3, 3, 2), 4),
    ],
)
def test_networks_and_data_that_do_not_fit_are_refused(pictures, shape):
    message = f"network {shape_text(shape)} does not fit the data: its tasks have 128 inputs"
    with pytest.raises(SpecError, match=f"{message} and 4 outputs"):
        train(init(shape, [0]), pictures, QUICK)


def test_parts_of_channels_and_channels_of_no_task_are_refused(pictures):
    spot, half = pictures.tasks
    for tasks, message in (
        (
            (spot, replace(half, inputs=range(64, 100))),
            "task half owns a part of a channel: inputs 64 to 99, each channel has 64",
        ),
        ((replace(spot, outputs=range(4)),), "channels belong to no task"),
    ):
        labels = (y[:, : len(tasks)] for y in (pictures.y_train, pictures.y_test))
        changed = Dataset(pictures.x_train, next(labels), pictures.x_test, next(labels), tasks)
        with pytest.raises(SpecError, match=message):
            trainer.check_fit(SMALL, changed)


def test_masks_that_do_not_fit_the_network_are_refused():
    with pytest.raises(
        SpecError,
        match="a mask of 5 weights does not fit network 2x8-3x3x2-4x2x1-7-4, which has 242",
    ):
        layers.split_mask(torch.ones(1, 5, dtype=torch.bool), SMALL)
